//! Starts the AWS emulator, seeds it, records requests to it and replays them.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::http;
use crate::tools::{self, Tool};

/// The account that every caller has in moto.
pub const ACCOUNT: &str = "123456789012";
/// The region that [`Moto::environment`] names.
pub const REGION: &str = "eu-central-1";

const LAUNCHER: &str = include_str!("moto_server.py");
/// Resolves nowhere; reached through the proxy variable of [`Moto::environment`].
const S3_CONTROL: &str = "http://s3-control.moto.test";

/// A running moto server; it ends when this value is dropped, or when this process ends in whatever way.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    _stdout: ChildStdout,
    directory: TempDir,
    port: u16,
    python: PathBuf,
}

impl Moto {
    /// Starts moto on a free loopback port and waits until it answers.
    ///
    /// # Errors
    /// Where moto is not installed (`cargo xtask tools moto` installs it) or does not start; quotes its output.
    pub fn start() -> Result<Self> {
        let python = tools::find(Tool::Moto)?;
        let directory = tempfile::tempdir().context("cannot create a temporary directory for moto")?;
        let log = directory.path().join("moto.log");
        let log_file = fs::File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let mut child = Command::new(&python)
            .args(["-I", "-c", LAUNCHER])
            .current_dir(directory.path())
            .env("MOTO_RECORDER_FILEPATH", directory.path().join("recording"))
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let mut stdout = child.stdout.take().expect("standard output was piped");
        let mut line = String::new();
        let read = BufReader::new(stdout.by_ref().take(64)).read_line(&mut line);
        let (Ok(_), Ok(port)) = (read, line.trim().parse()) else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("moto did not start:\n{}", fs::read_to_string(&log).unwrap_or_default());
        };
        let moto = Self { child, _stdout: stdout, directory, port, python };
        moto.administrate("GET", "/moto-api/data.json")?;
        Ok(moto)
    }

    /// Returns the port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL at which every AWS service is served.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the Python interpreter that runs moto; it can import boto3 as well.
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// Returns the process id of the server.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the environment in which AWS clients, terraform's provider included, talk to this server only.
    ///
    /// The provider reads a bucket's tags through S3 Control, at a host name with the account id in front, which no
    /// resolver knows. moto understands the requests that a client sends to a proxy, so it is named as the proxy.
    pub fn environment(&self) -> Vec<(String, String)> {
        let endpoint = self.endpoint();
        [
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ENDPOINT_URL_S3_CONTROL", S3_CONTROL),
            ("HTTP_PROXY", &endpoint),
            ("NO_PROXY", "127.0.0.1,localhost"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Gives a command the environment of [`Moto::environment`], and takes from it what would override that.
    pub fn configure(&self, command: &mut Command) {
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY", "http_proxy", "https_proxy", "no_proxy"] {
            command.env_remove(name);
        }
        command.envs(self.environment());
    }

    /// Forgets everything that was created.
    pub fn reset(&self) -> Result<()> {
        self.administrate("POST", "/moto-api/reset").map(drop)
    }

    /// Makes the ids that are generated from here on depend on the seed and the order of the requests only.
    pub fn seed(&self, seed: u32) -> Result<()> {
        self.administrate("POST", &format!("/moto-api/seed?a={seed}")).map(drop)
    }

    /// Starts to record every request.
    pub fn start_recording(&self) -> Result<()> {
        self.administrate("POST", "/moto-api/recorder/start-recording").map(drop)
    }

    /// Stops to record, and returns what was recorded: one JSON object per line.
    pub fn stop_recording(&self) -> Result<String> {
        self.administrate("POST", "/moto-api/recorder/stop-recording")?;
        let path = self.directory.path().join("recording");
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn administrate(&self, method: &str, target: &str) -> Result<Vec<u8>> {
        let answer = http::send(self.port, &http::LoopbackCall { method, target, headers: &[], body: &[] })?;
        if answer.status != 200 {
            bail!("moto answers {method} {target} with status {}", answer.status);
        }
        Ok(answer.body)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
