//! The process of a hosted provider: started in a group of its own, drained forever, never left behind.
//!
//! A guard, a small shell that holds the group, waits on a pipe from us. However we end, the pipe closes and the guard
//! kills the group. (A parent-death signal would not do: it fires when the *thread* that started the child ends.)

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::Launch;
use super::last_lines::LastLines;
use crate::goplugin::handshake::HandshakeLine;
use crate::goplugin::tls::EphemeralCertificate;
use crate::goplugin::{COOKIE_NAME, COOKIE_VALUE};
use crate::{Error, ErrorKind};

/// The longest line of output that is looked at; the rest is read and dropped.
const MAX_LINE: u64 = 64 << 10;
/// How long the last words of a process that ended may take to arrive.
const SILENCE_GRACE: Duration = Duration::from_millis(100);
/// Variables by which providers are told not to log.
const LOG_SWITCHES: [&str; 4] = ["TF_LOG_SDK", "TF_LOG_SDK_PROTO", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_PROVIDER"];

/// A running provider.
pub(super) struct Process {
    id: Option<u32>,
    exit: watch::Receiver<Option<ExitStatus>>,
    last_lines: LastLines,
    /// Closed when standard error is.
    silence: watch::Receiver<()>,
    group: Group,
}

impl Process {
    /// Starts the program and reads the line that says where it listens.
    pub(super) async fn start(
        launch: &Launch,
        certificate: Option<&EphemeralCertificate>,
    ) -> Result<(Self, HandshakeLine), Error> {
        let group = Group::new()?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .env_clear()
            .envs(launch.environment.iter().filter(|(name, _)| is_inherited(name, launch.may_log)).cloned())
            .env(COOKIE_NAME, COOKIE_VALUE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(certificate) = certificate {
            command.env("PLUGIN_CLIENT_CERT", certificate.pem());
        }
        if !launch.may_log {
            command.envs(LOG_SWITCHES.map(|name| (name, "off")));
        }
        group.adopt(&mut command);
        let mut child = command.spawn().map_err(|error| {
            Error::new(ErrorKind::NotStarted, "start", format!("The provider's program cannot be run: {error}."))
                .because(error)
        })?;
        let id = child.id();
        let last_lines = LastLines::default();
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        let (silence_sender, silence) = watch::channel(());
        tokio::spawn(keep(BufReader::new(stderr), last_lines.clone(), silence_sender));
        let (exit_sender, exit) = watch::channel(None);
        tokio::spawn(report_exit(child, exit_sender));
        let process = Self { id, exit, last_lines, silence, group };

        let mut stdout = BufReader::new(stdout);
        let first = next_line(&mut stdout).await;
        tokio::spawn(drop_all(stdout));
        let Some(first) = first else {
            process.wait_for_exit(Duration::from_secs(1)).await;
            let detail = format!(
                "The program ended without the line of the go-plugin handshake, so it is no provider, or refuses to be \
                 one here. {}",
                process.last_words()
            );
            return Err(Error::new(ErrorKind::Handshake, "handshake", detail.trim_end()));
        };
        let line: HandshakeLine = first.parse().map_err(|reason| {
            let detail = format!("The program is not a provider we can talk to. {reason} {}", process.last_words());
            Error::new(ErrorKind::Handshake, "handshake", detail.trim_end())
        })?;
        Ok((process, line))
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.id
    }

    /// Gives how much memory the process takes, in bytes; `None` where the platform does not tell.
    pub(super) fn memory(&self) -> Option<u64> {
        // Source: proc_pid_status(5), "VmRSS: size kB".
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id?)).ok()?;
        let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1 << 10)
    }

    /// Gives what the process wrote last, as a sentence.
    pub(super) fn last_words(&self) -> String {
        self.last_lines.sentence()
    }

    /// Gives how the process ended, if it did.
    pub(super) fn exit(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Kills the process and everything it started.
    pub(super) fn kill(&self) {
        self.group.kill();
    }

    /// Waits until the process ends, at most so long.
    pub(super) async fn wait_for_exit(&self, limit: Duration) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended =
            tokio::time::timeout(limit, async { exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit) });
        let status = ended.await.ok().flatten()?;
        // What it wrote last may still be on its way through the pipe, which its children may hold open.
        let mut silence = self.silence.clone();
        let _ = tokio::time::timeout(SILENCE_GRACE, silence.changed()).await;
        Some(status)
    }

    /// Lets the process end by itself for so long, then kills what is left of its group.
    pub(super) async fn wait(self, grace: Duration) {
        if self.wait_for_exit(grace).await.is_none() {
            tracing::warn!(process = self.id, "a provider did not end when it was asked to, and is killed");
        }
        self.group.kill();
        // Collects the killed process.
        self.wait_for_exit(grace).await;
    }
}

/// Tells whether a provider inherits a variable.
fn is_inherited(name: &OsStr, may_log: bool) -> bool {
    let name = name.to_string_lossy();
    let is_log = name.starts_with("TF_LOG");
    !name.starts_with("PLUGIN_")
        && name != COOKIE_NAME
        && name != "TF_REATTACH_PROVIDERS"
        && name != "TF_DISABLE_PLUGIN_TLS"
        && (may_log || !is_log)
}

async fn report_exit(mut child: Child, exit: watch::Sender<Option<ExitStatus>>) {
    tokio::select! {
        status = child.wait() => {
            // Without a receiver nobody asks.
            let _ = exit.send(status.ok());
        }
        () = exit.closed() => {}
    }
}

/// Gives the next line without its end, at most [`MAX_LINE`] of it; `None` at the end of the stream.
async fn next_line(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    let n_read = (&mut *stream).take(MAX_LINE).read_until(b'\n', &mut line).await.ok()?;
    (n_read > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Reads standard error forever, so that the provider never waits for us, and keeps the end of it.
async fn keep(mut stderr: impl AsyncBufReadExt + Unpin, last_lines: LastLines, _silence: watch::Sender<()>) {
    while let Some(line) = next_line(&mut stderr).await {
        tracing::debug!(target: "tfplugin::provider", "{line}");
        last_lines.push(&line);
    }
}

/// Reads standard output forever; nothing follows the handshake that anybody needs.
async fn drop_all(mut stdout: impl AsyncRead + Unpin) {
    let mut buffer = vec![0; 8 << 10];
    while stdout.read(&mut buffer).await.is_ok_and(|n_read| n_read > 0) {}
}

/// A process group that ends with us.
#[cfg(unix)]
struct Group {
    guard: Child,
}

#[cfg(unix)]
impl Group {
    fn new() -> Result<Self, Error> {
        // `read` returns when the pipe closes; `kill 0` reaches the whole group, the guard included.
        let guard = Command::new("/bin/sh")
            .args(["-c", "read -r _; kill -KILL 0"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                Error::new(ErrorKind::Local, "start", "The shell that guards a provider's process cannot be run.")
                    .because(error)
            })?;
        Ok(Self { guard })
    }

    fn id(&self) -> Option<i32> {
        self.guard.id().and_then(|id| i32::try_from(id).ok())
    }

    fn adopt(&self, command: &mut Command) {
        if let Some(id) = self.id() {
            command.process_group(id);
        }
    }

    fn kill(&self) {
        if let Some(group) = self.id().and_then(rustix::process::Pid::from_raw) {
            // The guard is not collected yet, so the group's number is still ours; a group without members is fine.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Without process groups, dropping the child kills the provider alone.
#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn new() -> Result<Self, Error> {
        Ok(Self)
    }

    fn adopt(&self, _command: &mut Command) {}

    fn kill(&self) {}
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn variables_that_steer_plugins_or_logs_stay_here() {
        let inherited = |name: &str| is_inherited(&OsString::from(name), false);
        for name in ["PLUGIN_CLIENT_CERT", "PLUGIN_MIN_PORT", "TF_LOG", "TF_LOG_PROVIDER_AWS", "TF_REATTACH_PROVIDERS"]
        {
            assert!(!inherited(name), "{name}");
        }
        for name in ["AWS_PROFILE", "HOME", "PATH", "HTTPS_PROXY", "TF_VAR_x"] {
            assert!(inherited(name), "{name}");
        }
        assert!(is_inherited(&OsString::from("TF_LOG"), true));
    }
}
