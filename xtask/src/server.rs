//! Starts servers that end with the process that started them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Starts the server, prints its process id, and ends it when standard input closes: that is when the process at the
/// other end lets go of it, or ends in whatever way. What the server itself prints goes to standard error.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"
(cat <&3 >/dev/null; kill -KILL "$server") >/dev/null &
watcher=$!
exec 3<&- >/dev/null
wait "$server"
kill "$watcher" 2>/dev/null
"#;

/// A running server program; it ends when this value is dropped, or when this process ends in whatever way.
#[derive(Debug)]
pub struct Server {
    supervisor: Child,
    process_id: u32,
    log: PathBuf,
    program: String,
}

impl Server {
    /// Starts the program, arguments, folder and variables of a command; what it prints is added to a file.
    pub fn start(command: &Command, log: &Path) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let log_file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot open {}", log.display()))?;
        let mut supervised = Command::new("/bin/sh");
        supervised.args(["-c", SUPERVISOR, "sh"]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            supervised.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => supervised.env(name, value),
                None => supervised.env_remove(name),
            };
        }
        let mut supervisor = supervised
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start /bin/sh to supervise {program}"))?;
        let stdout = supervisor.stdout.take().expect("standard output was piped");
        let mut line = String::new();
        let read = BufReader::new(stdout.take(64)).read_line(&mut line);
        let (Ok(_), Ok(process_id)) = (read, line.trim().parse()) else {
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
            bail!("{program} did not start:\n{}", end_of(log));
        };
        Ok(Self { supervisor, process_id, log: log.to_path_buf(), program })
    }

    /// Returns the process id of the server itself.
    pub fn process_id(&self) -> u32 {
        self.process_id
    }

    /// Waits until the server is ready, asking ten times a second.
    ///
    /// # Errors
    /// Where it ends, or is not ready in time: quotes the end of what it printed.
    pub fn wait_until(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while !ready() {
            if let Ok(Some(_)) = self.supervisor.try_wait() {
                bail!("{} ended:\n{}", self.program, end_of(&self.log));
            }
            if started.elapsed() > limit {
                bail!("{} is not ready after {limit:?}:\n{}", self.program, end_of(&self.log));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// Returns ports of the loopback interface that nobody listens on.
///
/// Another process may take one before the caller does: a server that fails to start is started again, on other ports.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback interface")?;
        *port = listener.local_addr().context("a listener has an address")?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// Creates a command whose environment holds nothing but the search path and a home of its own.
pub(crate) fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name != OsStr::new("PATH") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("LC_ALL", "C.UTF-8").current_dir(home);
    command
}

fn end_of(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
