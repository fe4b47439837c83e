//! Runs terraform and tofu: in a process group of their own, with a deadline, and ended when we are.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::copy::Copy;
use crate::Session;

/// How much of what a program writes is taken, in bytes.
const MAX_OUTPUT: u64 = 1 << 30;

/// Runs one program in one folder.
pub(super) struct Run<'a> {
    program: &'a Path,
    folder: &'a Path,
    environment: &'a BTreeMap<String, String>,
    cancel: &'a CancellationToken,
    limit: Duration,
    ends_at: Instant,
}

/// What a program wrote.
pub(super) struct Output {
    pub(super) is_success: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Why a program gave no answer.
#[derive(Debug)]
pub(super) enum Halt {
    Cancelled,
    Late(Duration),
    TooMuch,
    Broken(String),
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("it was stopped before it was done."),
            Self::Late(limit) => write!(f, "it was ended after {} s.", limit.as_secs()),
            Self::TooMuch => write!(f, "it wrote more than {MAX_OUTPUT} bytes."),
            Self::Broken(reason) => write!(f, "{reason}."),
        }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        program: &'a Path,
        folder: &'a Path,
        environment: &'a BTreeMap<String, String>,
        cancel: &'a CancellationToken,
        limit: Duration,
    ) -> Self {
        Self { program, folder, environment, cancel, limit, ends_at: Instant::now() + limit }
    }

    /// Asks the program for its version.
    pub(super) async fn version(&self) -> Result<String, Halt> {
        let output = self.output(&["version".into(), "-json".into()]).await?;
        let version = serde_json::from_slice::<serde_json::Value>(&output.stdout).ok();
        let version = version.and_then(|version| Some(version.get("terraform_version")?.as_str()?.to_owned()));
        version.ok_or_else(|| Halt::Broken(super::quoted(&output.stderr)))
    }

    /// Runs the program to its end.
    pub(super) async fn output(&self, arguments: &[OsString]) -> Result<Output, Halt> {
        let broken = |error: std::io::Error| Halt::Broken(format!("it cannot be run: {error}"));
        if self.cancel.is_cancelled() {
            return Err(Halt::Cancelled);
        }
        let mut child = Command::new(self.program)
            .args(arguments)
            .current_dir(self.folder)
            .env_clear()
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        let mut group = Group::of(child.id());
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        let all = async {
            let (stdout, stderr) = tokio::try_join!(read(stdout), read(stderr))?;
            let status = child.wait().await.map_err(broken)?;
            Ok(Output { is_success: status.success(), stdout, stderr })
        };
        let output = tokio::select! {
            () = self.cancel.cancelled() => Err(Halt::Cancelled),
            () = tokio::time::sleep_until(self.ends_at) => Err(Halt::Late(self.limit)),
            output = all => output,
        };
        match &output {
            Ok(_) => group.release(),
            Err(_) => {
                group.kill();
                // Collects the killed process; its group is gone by then.
                let _ = child.wait().await;
                group.release();
            }
        }
        output
    }
}

async fn read(stream: impl AsyncRead + Unpin) -> Result<Vec<u8>, Halt> {
    let mut bytes = Vec::new();
    let mut limited = stream.take(MAX_OUTPUT + 1);
    limited.read_to_end(&mut bytes).await.map_err(|error| Halt::Broken(format!("it cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_OUTPUT { Err(Halt::TooMuch) } else { Ok(bytes) }
}

/// The process group of a program, with the providers that it started; ends with this value.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(id: Option<u32>) -> Self {
        Self(id.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw))
    }

    fn kill(&self) {
        if let Some(group) = self.0 {
            // A group that ended by itself is fine.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    /// Gives up the group: its number may be another's from now on.
    fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Gives the environment in which programs run: ours, without what would change what they are asked.
pub(super) fn environment(session: &Session, copy: &Copy) -> BTreeMap<String, String> {
    let mut environment = session.environment.variables().clone();
    environment.retain(|name, _| {
        let is_steering = matches!(name.as_str(), "TF_DATA_DIR" | "TF_WORKSPACE" | "TF_PLUGIN_CACHE_DIR");
        !is_steering && !name.starts_with("TF_CLI_ARGS") && !name.starts_with("TF_LOG")
    });
    for name in ["TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_PLUGIN_CACHE_DIR"] {
        if let Some(path) = session.environment.get(name) {
            // The programs run elsewhere.
            environment.insert(name.to_owned(), session.current_dir.join(path).to_string_lossy().into_owned());
        }
    }
    if let Some(workspace) = &copy.workspace {
        environment.insert("TF_WORKSPACE".to_owned(), workspace.clone());
    }
    if let Some(home) = session.environment.home() {
        environment.entry("HOME".to_owned()).or_insert_with(|| home.to_string_lossy().into_owned());
    }
    for (name, value) in [("TF_IN_AUTOMATION", "1"), ("TF_INPUT", "0"), ("CHECKPOINT_DISABLE", "1")] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}
