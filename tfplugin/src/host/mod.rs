//! Hosting a provider binary: starting it, talking to it, and making sure that it ends.
//!
//! One process serves one provider configuration: SDKs keep one configured state per process, so every alias has its
//! own. Calls may run side by side after [`Provider::configure`](crate::Provider::configure).

mod calls;
mod client;
mod connect;
mod process;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::Diagnostics;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::goplugin::tls::EphemeralCertificate;
use crate::{Call, Error, ErrorKind, ProviderSchema};
use client::Client;
use process::Process;

/// How long a provider may take to end after it was told to; terraform gives it as long.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// How long a process that breaks its connection may take to be seen ending.
const CRASH_GRACE: Duration = Duration::from_secs(1);

/// Which provider to start, and how.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The provider's binary.
    pub program: PathBuf,
    /// Its arguments; providers take none.
    pub arguments: Vec<OsString>,
    /// The environment it inherits. Variables that steer plugins or logs are left out of it.
    pub environment: Vec<(OsString, OsString)>,
    /// How long it may take until it listens.
    pub start_timeout: Duration,
    /// How long a call without a deadline of its own may take.
    pub call_timeout: Duration,
    /// Whether it may log at its own level. Providers log at TRACE unless told not to, which costs more than their work.
    pub may_log: bool,
    /// Whether its connection is encrypted; off only to find out what is wrong.
    pub is_encrypted: bool,
}

impl Launch {
    /// Starts `program` with the environment given, quiet and encrypted, with terraform's patience.
    pub fn new(program: impl Into<PathBuf>, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: environment.into_iter().collect(),
            start_timeout: Duration::from_mins(1),
            call_timeout: Duration::from_mins(10),
            may_log: false,
            is_encrypted: true,
        }
    }
}

/// A provider binary that runs as a child of this process.
///
/// Dropping it kills the process and everything it started; [`HostedProvider::shutdown`] asks first.
pub struct HostedProvider {
    client: Client,
    process: Process,
    call_timeout: Duration,
    schema: OnceCell<(Arc<ProviderSchema>, Diagnostics)>,
}

impl std::fmt::Debug for HostedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedProvider").field("process", &self.process.id()).finish_non_exhaustive()
    }
}

impl HostedProvider {
    /// Starts a provider and connects to it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotStarted`] where there is no such program, [`ErrorKind::Handshake`] where it is not a provider we
    /// can talk to, [`ErrorKind::TimedOut`] where it does not get ready.
    pub async fn launch(launch: Launch) -> Result<Self, Error> {
        let certificate = if launch.is_encrypted { Some(EphemeralCertificate::for_client()?) } else { None };
        let program = launch.program.display().to_string();
        let started = async {
            let (process, line) = Process::start(&launch, certificate.as_ref()).await?;
            let client = connect::connect(&line, certificate).await?;
            Ok(Self { client, process, call_timeout: launch.call_timeout, schema: OnceCell::new() })
        };
        let limited = tokio::time::timeout(launch.start_timeout, started).await;
        limited
            .unwrap_or_else(|_| {
                let limit = launch.start_timeout.as_secs();
                Err(Error::new(ErrorKind::TimedOut, "start", format!("The provider was not ready within {limit} s.")))
            })
            .map_err(|error| error.with("provider", program))
    }

    /// Gives the version of the plugin protocol the provider chose: 5 or 6.
    pub fn protocol_version(&self) -> u32 {
        self.client.protocol_version()
    }

    /// Gives the id of the provider's process.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Asks the provider to end, waits, and kills what is left of it.
    pub async fn shutdown(self) {
        // Providers drop the connection while they answer, so an error says nothing.
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, self.client.shutdown()).await;
        self.process.wait(SHUTDOWN_GRACE).await;
    }

    /// Waits for the answer to one call, as long as its caller does.
    async fn wait_for<T>(
        &self,
        operation: &'static str,
        call: &Call,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let deadline = call.deadline.unwrap_or(started + self.call_timeout);
        let answered = tokio::select! {
            biased;
            () = call.cancel.cancelled() => return Err(Error::cancelled(operation)),
            () = tokio::time::sleep_until(deadline) => {
                let waited = started.elapsed().as_secs_f64();
                let detail = format!("The provider gave no answer within {waited:.1} s.");
                return Err(Error::new(ErrorKind::TimedOut, operation, detail));
            }
            answered = answer => answered,
        };
        match answered {
            Ok(answer) => Ok(answer),
            Err(status) => Err(self.explain(operation, status).await),
        }
    }

    /// Finds out why a call got a status instead of an answer.
    async fn explain(&self, operation: &'static str, status: Status) -> Error {
        match status.code() {
            Code::Unimplemented => return Error::unimplemented(operation).because(status),
            // With a source it is our own connection that ended, without one the provider's answer.
            Code::Cancelled if std::error::Error::source(&status).is_none() => {
                return Error::cancelled(operation).because(status);
            }
            Code::OutOfRange | Code::ResourceExhausted => {
                let detail =
                    format!("A message is larger than the 256 MiB that either side accepts: {}.", status.message());
                return Error::new(ErrorKind::Malformed, operation, detail).because(status);
            }
            _ => {}
        }
        if let Some(exit) = self.process.wait_for_exit(CRASH_GRACE).await {
            return self.crash(operation, exit);
        }
        let detail = format!("The provider runs, but the call failed: {}.", status.message().trim_end_matches('.'));
        Error::new(ErrorKind::Connection, operation, detail).because(status)
    }

    fn crash(&self, operation: &'static str, exit: ExitStatus) -> Error {
        let detail = format!(
            "The provider's process ended ({exit}) before it answered. This is a bug in the provider, or something killed it. \
             {}",
            self.process.last_words()
        );
        Error::new(ErrorKind::Crashed, operation, detail.trim_end())
    }
}

/// The last lines a process wrote to standard error.
#[derive(Clone, Default)]
struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    const MAX_LINES: usize = 20;
    const MAX_LINE: usize = 1_000;

    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::MAX_LINES {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(Self::MAX_LINE).collect());
    }

    /// Gives them as a sentence; empty where there are none.
    fn sentence(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return String::new();
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        format!("It last wrote:\n{}", lines.join("\n"))
    }
}
