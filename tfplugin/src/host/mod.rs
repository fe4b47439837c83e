//! Hosting a provider binary: starting it, talking to it, and making sure that it ends.
//!
//! One process serves one provider configuration: SDKs keep one configured state per process, so every alias has its
//! own. Calls may run side by side after [`Provider::configure`](crate::Provider::configure). [`Supervised`] is what most
//! callers want: it starts the process when it is needed, and again when it crashed.

mod asked;
mod calls;
mod client;
mod connect;
mod last_lines;
mod process;
mod processes;
mod supervised;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use model::Diagnostics;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::goplugin::handshake::HandshakeLine;
use crate::goplugin::tls::EphemeralCertificate;
use crate::{Call, Error, ErrorKind, ProviderSchema};
use client::Client;
use process::Process;
use processes::Place;

pub use processes::Processes;
pub use supervised::Supervised;

/// How long a provider may take to end after it was told to; terraform gives it as long.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);
/// How long a process that breaks its connection may take to be seen ending.
const CRASH_GRACE: Duration = Duration::from_secs(1);

/// How the gRPC library begins to say that a message cannot be read.
const UNREADABLE: &str = "failed to decode Protobuf message";

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
    /// The data sources that may be read: none unless named, because reading one can do more than look.
    pub data_sources: BTreeSet<String>,
    /// The bound on processes that it counts against.
    pub processes: Processes,
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
            data_sources: BTreeSet::new(),
            processes: Processes::default(),
        }
    }
}

/// A provider that runs already, as its `TF_REATTACH_PROVIDERS` says. It is used without encryption, and never ended.
#[derive(Clone, Debug)]
pub struct Reattach {
    /// The version of the plugin protocol it speaks: 5 or 6.
    pub protocol_version: u32,
    /// What it listens on: `unix` or `tcp`.
    pub network: String,
    /// The path of its socket, or its address and port.
    pub address: String,
    /// How long a call without a deadline of its own may take.
    pub call_timeout: Duration,
    /// The data sources that may be read.
    pub data_sources: BTreeSet<String>,
}

impl Reattach {
    /// Connects to a server with terraform's patience.
    pub fn new(protocol_version: u32, network: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            protocol_version,
            network: network.into(),
            address: address.into(),
            call_timeout: Duration::from_mins(10),
            data_sources: BTreeSet::new(),
        }
    }

    fn line(&self) -> Result<HandshakeLine, Error> {
        let line = format!("1|{}|{}|{}|grpc", self.protocol_version, self.network, self.address);
        line.parse().map_err(|reason| {
            let detail = format!("The server that runs already cannot be connected to. {reason}");
            Error::new(ErrorKind::Handshake, "reattach", detail).with("provider", &self.address)
        })
    }
}

/// A schema, and what its provider says about it.
type KnownSchema = (Arc<ProviderSchema>, Diagnostics);

/// Where other processes of the same provider come from.
struct Source {
    processes: Processes,
    /// The program and its arguments.
    command: Vec<OsString>,
}

/// A provider binary that runs as a child of this process.
///
/// Dropping it kills the process and everything it started; [`HostedProvider::shutdown`] asks first.
pub struct HostedProvider {
    /// What errors call it: the name of its program.
    name: String,
    client: Client,
    /// None where the provider ran already.
    process: Option<Process>,
    call_timeout: Duration,
    data_sources: BTreeSet<String>,
    schema: OnceCell<KnownSchema>,
    /// None where the provider ran already.
    source: Option<Source>,
    _place: Option<Place>,
}

impl std::fmt::Debug for HostedProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostedProvider")
            .field("name", &self.name)
            .field("process", &self.process_id())
            .finish_non_exhaustive()
    }
}

impl HostedProvider {
    /// Starts a provider and connects to it, as soon as [`Launch::processes`] has room for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotStarted`] where there is no such program, [`ErrorKind::Handshake`] where it is not a provider we
    /// can talk to, [`ErrorKind::TimedOut`] where it does not get ready.
    pub async fn launch(launch: Launch) -> Result<Self, Error> {
        let place = launch.processes.place().await?;
        let certificate = if launch.is_encrypted { Some(EphemeralCertificate::for_client()?) } else { None };
        let program = launch.program.display().to_string();
        let command = [launch.program.clone().into_os_string()].into_iter().chain(launch.arguments.clone()).collect();
        let source = Source { processes: launch.processes.clone(), command };
        let started = async {
            let (process, line) = Process::start(&launch, certificate.as_ref()).await?;
            let client = connect::connect(&line, certificate).await?;
            Ok(Self {
                name: launch.program.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                client,
                process: Some(process),
                call_timeout: launch.call_timeout,
                data_sources: launch.data_sources.clone(),
                schema: OnceCell::new_with(source.processes.known_schema(&source.command)),
                source: Some(source),
                _place: Some(place),
            })
        };
        let limited = tokio::time::timeout(launch.start_timeout, started).await;
        limited
            .unwrap_or_else(|_| {
                let limit = launch.start_timeout.as_secs_f64();
                let detail = format!("The provider was not ready within {limit:.1} s.");
                Err(Error::new(ErrorKind::TimedOut, "start", detail))
            })
            .map_err(|error| error.with("provider", program))
    }

    /// Connects to a provider that runs already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Handshake`] where nothing answers, or nothing that we can talk to.
    pub async fn reattach(reattach: Reattach) -> Result<Self, Error> {
        let client = connect::connect(&reattach.line()?, None).await;
        Ok(Self {
            client: client.map_err(|error| error.with("provider", &reattach.address))?,
            name: reattach.address,
            process: None,
            call_timeout: reattach.call_timeout,
            data_sources: reattach.data_sources,
            schema: OnceCell::new(),
            source: None,
            _place: None,
        })
    }

    /// Gives the version of the plugin protocol the provider chose: 5 or 6.
    pub fn protocol_version(&self) -> u32 {
        self.client.protocol_version()
    }

    /// Gives the id of the provider's process, unless it ran already.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    /// Asks the provider to end, waits, and kills what is left of it. One that ran already runs on.
    pub async fn shutdown(self) {
        let Some(process) = self.process else { return };
        // Providers drop the connection while they answer, so an error says nothing.
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, self.client.shutdown()).await;
        process.wait(SHUTDOWN_GRACE).await;
    }

    /// Kills the provider's process, while its calls are under way.
    fn kill(&self) {
        if let Some(process) = &self.process {
            process.kill();
        }
    }

    /// Gives what there is to say of the process's end, if it ended.
    fn crash_so_far(&self) -> Option<String> {
        let process = self.process.as_ref()?;
        process.exit().map(|exit| crash_detail(process, exit))
    }

    /// Gives how much memory the process takes, in bytes, where that can be known.
    fn memory(&self) -> Option<u64> {
        self.process.as_ref()?.memory()
    }

    /// Waits for the answer to one call, as long as its caller does.
    async fn wait_for<T>(
        &self,
        operation: &'static str,
        call: &Call,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Error> {
        match within(operation, call, self.call_timeout, answer).await? {
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
            Code::Internal if status.message().starts_with(UNREADABLE) => {
                let detail = format!("The provider's answer is no message of the protocol: {}.", status.message());
                return Error::new(ErrorKind::Malformed, operation, detail).because(status);
            }
            _ => {}
        }
        let Some(process) = &self.process else {
            let message = status.message().trim_end_matches('.');
            let detail = format!("The call of a provider that runs by itself failed: {message}.");
            return Error::new(ErrorKind::Connection, operation, detail).because(status);
        };
        // What the provider itself answered needs no look at its process.
        let grace = if std::error::Error::source(&status).is_some() { CRASH_GRACE } else { Duration::ZERO };
        if let Some(exit) = process.wait_for_exit(grace).await {
            return Error::new(ErrorKind::Crashed, operation, crash_detail(process, exit));
        }
        let detail = format!("The provider runs, but the call failed: {}.", status.message().trim_end_matches('.'));
        Error::new(ErrorKind::Connection, operation, detail).because(status)
    }
}

fn crash_detail(process: &Process, exit: ExitStatus) -> String {
    let detail = format!(
        "The provider's process ended ({exit}) before it answered. This is a bug in the provider, or something killed it. \
         {}",
        process.last_words()
    );
    detail.trim_end().to_owned()
}

/// Waits for something as long as a call may take.
async fn within<T>(
    operation: &'static str,
    call: &Call,
    call_timeout: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    let started = Instant::now();
    let deadline = call.deadline.unwrap_or(started + call_timeout);
    tokio::select! {
        biased;
        () = call.cancel.cancelled() => Err(Error::cancelled(operation)),
        () = tokio::time::sleep_until(deadline) => {
            let waited = started.elapsed().as_secs_f64();
            let detail = format!("The provider gave no answer within {waited:.1} s.");
            Err(Error::new(ErrorKind::TimedOut, operation, detail))
        }
        done = work => Ok(done),
    }
}
