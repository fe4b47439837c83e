//! A provider that is started when it is needed, and started again when it crashed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cty::Value;
use model::Identity;
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{HostedProvider, Launch, Processes, Reattach, within};
use crate::function::{FunctionError, FunctionRequest};
use crate::provider::{
    ConfigureRequest, DataSourceRequest, GenerateRequest, ImportRequest, ImportedObject, ListEvent, ListRequest,
    MoveRequest, PlanRequest, PlannedChange, ReadRequest, ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};
use crate::{Answer, Call, Error, ErrorKind, Provider, ProviderSchema};

/// How often a provider that crashed is started again.
const MAX_RESTARTS: u32 = 3;
/// After so many calls each it is looked how much memory a provider takes.
const CALLS_BETWEEN_LOOKS: u32 = 512;
/// A provider that grew by more than this since its first call, and to more than twice its size, is replaced by a fresh
/// process, in bytes. Some keep a little of every call: 10,000 calls leave hashicorp/time with 300 MiB.
const MAX_GROWTH: u64 = 96 << 20;
/// How long calls may take to end after the provider was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// One configuration of a provider: started with its first call, started and configured again after a crash.
///
/// So is a provider that keeps memory of every call: a fresh process takes over, and a run of any length fits.
///
/// A crash is an error, with the provider's last words, of the calls that were under way, which cannot know whose fault
/// it was: [`Error::is_retryable`] says that they may be made again. After the third restart the provider stays down,
/// and every call gets [`ErrorKind::GivenUp`] with the words of the first crash. A call that takes too long is an error
/// of its own; the process and the other calls go on.
///
/// Dropping it kills the process; [`Supervised::shutdown`] asks first.
pub struct Supervised {
    shared: Arc<Shared>,
}

/// What outlives a process.
pub(super) struct Shared {
    source: Source,
    call_timeout: Duration,
    /// Cancelled when the provider was shut down.
    over: CancellationToken,
    state: Mutex<State>,
}

enum Source {
    Launch(Box<Launch>),
    Reattach(Reattach),
}

#[derive(Default)]
struct State {
    /// What the provider was configured with, for the next process.
    configuration: Option<ConfigureRequest>,
    running: Option<Running>,
    n_failures: u32,
    first_failure: Option<String>,
}

struct Running {
    provider: Arc<HostedProvider>,
    is_configured: bool,
    n_calls: u32,
    /// How much memory the process took at its first call, in bytes, where that can be known.
    first_size: Option<u64>,
}

impl Running {
    fn of(provider: HostedProvider) -> Self {
        Self { provider: Arc::new(provider), is_configured: false, n_calls: 0, first_size: None }
    }

    /// Counts a call; tells whether the process grew so much that it should end.
    fn has_outgrown(&mut self) -> bool {
        self.n_calls += 1;
        if self.n_calls == 1 {
            self.first_size = self.provider.memory();
        }
        let is_due = self.n_calls.is_multiple_of(CALLS_BETWEEN_LOOKS);
        let (Some(first), Some(now)) = (self.first_size, if is_due { self.provider.memory() } else { None }) else {
            return false;
        };
        now.saturating_sub(first) > MAX_GROWTH.max(first)
    }
}

impl State {
    fn fail(&mut self, words: String) {
        self.n_failures += 1;
        self.first_failure.get_or_insert(words);
    }
}

/// A provider in use by one call; when it is dropped, the process may make room for another.
struct Use<'a> {
    shared: &'a Arc<Shared>,
    provider: Option<Arc<HostedProvider>>,
}

impl std::ops::Deref for Use<'_> {
    type Target = HostedProvider;

    fn deref(&self) -> &HostedProvider {
        self.provider.as_ref().expect("the provider is there until the use ends")
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.provider = None;
        if self.shared.processes().is_some_and(Processes::are_wanted) {
            self.shared.rest();
        }
    }
}

impl Shared {
    fn processes(&self) -> Option<&Processes> {
        match &self.source {
            Source::Launch(launch) => Some(&launch.processes),
            Source::Reattach(_) => None,
        }
    }

    /// Ends the process where no call needs it; tells whether it does.
    pub(super) fn rest(&self) -> bool {
        // Whoever holds the lock is about to make a call.
        let Ok(mut state) = self.state.try_lock() else { return false };
        let is_idle = |running: &mut Running| Arc::strong_count(&running.provider) == 1;
        let Some(running) = state.running.take_if(is_idle) else { return false };
        if let Some(crash) = running.provider.crash_so_far() {
            state.fail(crash);
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(retire(running.provider))),
            // Nobody is left to wait for its goodbye.
            Err(_) => drop(running),
        }
        true
    }

    async fn start(&self) -> Result<HostedProvider, Error> {
        match &self.source {
            Source::Launch(launch) => HostedProvider::launch(Launch::clone(launch)).await,
            Source::Reattach(reattach) => HostedProvider::reattach(reattach.clone()).await,
        }
    }

    /// Makes sure that a process runs.
    async fn revive(&self, state: &mut State, operation: &'static str) -> Result<(), Error> {
        if let Some(running) = &state.running {
            let Some(crash) = running.provider.crash_so_far() else { return Ok(()) };
            state.running = None;
            state.fail(crash);
        }
        if state.n_failures > MAX_RESTARTS {
            let detail = format!(
                "The provider failed {} times and is not started again. The first time: {}",
                state.n_failures,
                state.first_failure.as_deref().unwrap_or_default()
            );
            return Err(Error::new(ErrorKind::GivenUp, operation, detail));
        }
        match self.start().await {
            Ok(provider) => {
                state.running = Some(Running::of(provider));
                Ok(())
            }
            Err(error) => {
                state.fail(error.to_string());
                Err(error)
            }
        }
    }

    /// Configures a process that replaces one which was configured.
    async fn configure_again(state: &mut State, call: &Call) -> Result<(), Error> {
        let (Some(request), Some(running)) = (&state.configuration, &mut state.running) else { return Ok(()) };
        if running.is_configured {
            return Ok(());
        }
        let ((), diagnostics) = running.provider.configure(call, request.clone()).await?;
        if model::diagnostic::has_errors(&diagnostics) {
            let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            let detail = format!(
                "The provider was started again, and refuses the configuration it took before: {}",
                texts.join("; ")
            );
            return Err(Error::new(ErrorKind::NotStarted, "ConfigureProvider", detail));
        }
        running.is_configured = true;
        Ok(())
    }

    /// Gives the provider for one call, started and configured.
    async fn provider(self: &Arc<Self>, operation: &'static str, call: &Call) -> Result<Use<'_>, Error> {
        let ready = async {
            let mut state = self.state.lock().await;
            self.revive(&mut state, operation).await?;
            if let Some(running) = state.running.take_if(Running::has_outgrown) {
                // Calls that are under way end where they began.
                tokio::spawn(retire(running.provider));
                self.revive(&mut state, operation).await?;
            }
            Self::configure_again(&mut state, call).await?;
            let Some(running) = &state.running else { return Err(Error::cancelled(operation)) };
            Ok(Use { shared: self, provider: Some(running.provider.clone()) })
        };
        self.until_over(operation, call, ready).await
    }

    /// Waits for what comes before a call, as long as the call may take and the provider is not shut down.
    async fn until_over<T>(
        &self,
        operation: &'static str,
        call: &Call,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.over.cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, operation, "The provider was shut down."))
            }
            done = within(operation, call, self.call_timeout, work) => done?,
        }
    }
}

/// Waits until no call uses a provider any more, then ends it as it wants to be ended.
async fn retire(mut provider: Arc<HostedProvider>) {
    loop {
        match Arc::try_unwrap(provider) {
            Ok(provider) => return provider.shutdown().await,
            Err(shared) => provider = shared,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Supervised {
    /// Makes a provider that is started with its first call.
    pub fn new(launch: Launch) -> Self {
        let (processes, call_timeout) = (launch.processes.clone(), launch.call_timeout);
        let supervised = Self::of(Source::Launch(Box::new(launch)), call_timeout);
        processes.know(&supervised.shared);
        supervised
    }

    /// Makes a provider out of a server that runs already, and is connected to with the first call.
    pub fn reattach(reattach: Reattach) -> Self {
        let call_timeout = reattach.call_timeout;
        Self::of(Source::Reattach(reattach), call_timeout)
    }

    fn of(source: Source, call_timeout: Duration) -> Self {
        let (over, state) = (CancellationToken::new(), Mutex::new(State::default()));
        Self { shared: Arc::new(Shared { source, call_timeout, over, state }) }
    }

    /// Gives the id of the process, where one runs.
    pub async fn process_id(&self) -> Option<u32> {
        let state = self.shared.state.lock().await;
        state.running.as_ref().and_then(|running| running.provider.process_id())
    }

    /// Ends the provider for good: it is told to stop what it does, then to end, and is killed where it does neither.
    pub async fn shutdown(&self) {
        // Ends a start that is under way, which holds the lock.
        self.shared.over.cancel();
        let running = self.shared.state.lock().await.running.take();
        let Some(Running { provider, .. }) = running else { return };
        if Arc::strong_count(&provider) > 1 {
            let started = Instant::now();
            // One that does not stop is killed below.
            let _ = provider.stop(&Call::within(STOP_GRACE)).await;
            while Arc::strong_count(&provider) > 1 && started.elapsed() < STOP_GRACE {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if Arc::strong_count(&provider) > 1 {
                provider.kill();
            }
        }
        retire(provider).await;
    }
}

impl std::fmt::Debug for Supervised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let program = match &self.shared.source {
            Source::Launch(launch) => launch.program.display().to_string(),
            Source::Reattach(reattach) => reattach.address.clone(),
        };
        f.debug_struct("Supervised").field("program", &program).finish_non_exhaustive()
    }
}

macro_rules! pass_on {
    ($($method:ident($($argument:ident: $ty:ty),*) -> $answer:ty: $operation:literal),* $(,)?) => {
        #[async_trait]
        impl Provider for Supervised {
            $(async fn $method(&self, call: &Call, $($argument: $ty),*) -> $answer {
                self.shared.provider($operation, call).await?.$method(call, $($argument),*).await
            })*

            async fn configure(&self, call: &Call, request: ConfigureRequest) -> Answer<()> {
                self.configure_first(call, request).await
            }

            async fn stop(&self, call: &Call) -> Result<(), Error> {
                // What does not run does nothing that could be stopped.
                let Ok(state) = self.shared.state.try_lock() else { return Ok(()) };
                let running = state.running.as_ref().map(|running| running.provider.clone());
                drop(state);
                match running {
                    Some(provider) => provider.stop(call).await,
                    None => Ok(()),
                }
            }
        }
    };
}

pass_on! {
    schema() -> Answer<Arc<ProviderSchema>>: "GetProviderSchema",
    validate_provider_config(config: Value) -> Answer<()>: "ValidateProviderConfig",
    validate_data_source_config(data_source: &str, config: Value) -> Answer<()>: "ValidateDataResourceConfig",
    read_data_source(request: DataSourceRequest) -> Answer<Value>: "ReadDataSource",
    validate_resource_config(resource_type: &str, config: Value) -> Answer<()>: "ValidateResourceConfig",
    upgrade_resource_state(request: UpgradeRequest) -> Answer<Value>: "UpgradeResourceState",
    upgrade_resource_identity(request: UpgradeIdentityRequest) -> Answer<Identity>: "UpgradeResourceIdentity",
    move_resource_state(request: MoveRequest) -> Answer<ResourceObject>: "MoveResourceState",
    read_resource(request: ReadRequest) -> Answer<ResourceObject>: "ReadResource",
    import_resource_state(request: ImportRequest) -> Answer<Vec<ImportedObject>>: "ImportResourceState",
    plan_resource_change(request: PlanRequest) -> Answer<PlannedChange>: "PlanResourceChange",
    generate_resource_config(request: GenerateRequest) -> Answer<Value>: "GenerateResourceConfig",
    call_function(request: FunctionRequest) -> Result<Result<Value, FunctionError>, Error>: "CallFunction",
    validate_list_config(resource_type: &str, config: Value) -> Answer<()>: "ValidateListResourceConfig",
    list_resource(request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()>: "ListResource",
}

impl Supervised {
    /// Configures, and remembers what was taken for the processes that follow.
    async fn configure_first(&self, call: &Call, request: ConfigureRequest) -> Answer<()> {
        let operation = "ConfigureProvider";
        let configured = async {
            let mut state = self.shared.state.lock().await;
            // Providers are built to be configured once in their life.
            if let Some(running) = state.running.take_if(|running| running.is_configured) {
                tokio::spawn(retire(running.provider));
            }
            self.shared.revive(&mut state, operation).await?;
            let Some(running) = &mut state.running else { return Err(Error::cancelled(operation)) };
            let ((), diagnostics) = running.provider.configure(call, request.clone()).await?;
            if !model::diagnostic::has_errors(&diagnostics) {
                running.is_configured = true;
                state.configuration = Some(request);
            }
            Ok(((), diagnostics))
        };
        self.shared.until_over(operation, call, configured).await
    }
}
