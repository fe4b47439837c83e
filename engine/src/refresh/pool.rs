//! The providers that run: one process for each configuration that differs, a few at a time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cty::Value;
use model::{Cause, Diagnostics, ProviderAddress};
use net::Environment;
use tfplugin::builtin::Builtin;
use tfplugin::host::{Launch, Processes, Reattach, Supervised};
use tfplugin::{Call, ConfigureRequest, Provider, ProviderSchema};
use tokio_util::sync::CancellationToken;

use super::caller;
use super::calls::{Calls, Use};
use super::cause::{self, Secrets};
use super::transcripts::Transcripts;
use crate::providers::{FoundProvider, Network, ProviderSource};

/// So many providers run at once.
pub(crate) const MAX_RUNNING: usize = 4;
/// How long a provider may take to start, to give its schema, or to be configured.
const START_TIMEOUT: Duration = Duration::from_mins(2);
/// The version of terraform that we stand in for.
const TERRAFORM_VERSION: &str = "1.14.0";

/// Where a provider comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The one that is part of every CLI; it runs in this process.
    Builtin,
    /// A program, or a process of somebody else.
    Found(FoundProvider),
}

impl Origin {
    /// Gives the version, where it is known.
    pub(crate) fn version(&self) -> Option<&str> {
        match self {
            Self::Builtin => None,
            Self::Found(found) => found.version.as_deref(),
        }
    }
}

/// A provider that runs when it is needed, or that needs no process.
#[derive(Clone)]
pub(crate) struct Hosted {
    /// The provider.
    pub(crate) provider: Arc<dyn Provider>,
    supervised: Option<Arc<Supervised>>,
}

impl Hosted {
    /// Ends the process, where there is one.
    pub(crate) async fn shutdown(&self) {
        if let Some(supervised) = &self.supervised {
            supervised.shutdown().await;
        }
    }
}

/// A provider with one value for its block, and the configurations that have this value.
pub(crate) struct Unit {
    /// Where the provider comes from.
    pub(crate) origin: Origin,
    /// The provider; no other unit has it.
    pub(crate) hosted: Hosted,
    /// What it offers.
    pub(crate) schema: Arc<ProviderSchema>,
    /// The value of its block.
    pub(crate) config: Value,
    /// The configurations that have this value; never empty.
    pub(crate) uses: Vec<Use>,
}

impl Unit {
    /// Gathers what of the provider's block must not be shown.
    pub(crate) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::of(&self.config);
        secrets.add_by_schema(&self.config.unmark_deep().0, &self.schema.provider.block);
        secrets
    }
}

/// Everything that is hosted for one comparison.
///
/// Providers stay up once they are started, until [`Pool::shutdown`], or until another one needs the place.
pub(crate) struct Pool {
    /// What is hosted.
    pub(crate) units: Vec<Unit>,
    environment: Vec<(OsString, OsString)>,
    processes: Processes,
    cancel: CancellationToken,
    calls: Arc<Calls>,
    transcripts: Option<Transcripts>,
    /// Data sources that may be read beside those that say whose credentials there are.
    data_sources: BTreeSet<String>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("n_units", &self.units.len()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Makes a pool without any provider, whose processes get an environment.
    pub(crate) fn new(
        environment: &Environment,
        cancel: CancellationToken,
        calls: Arc<Calls>,
        transcripts: Option<Transcripts>,
    ) -> Self {
        let variables = environment.variables().iter();
        Self {
            units: Vec::new(),
            environment: variables.map(|(name, value)| (name.into(), value.into())).collect(),
            processes: Processes::at_most(MAX_RUNNING),
            cancel,
            calls,
            transcripts,
            data_sources: BTreeSet::new(),
        }
    }

    /// Allows data sources to be read, by name.
    pub(crate) fn allowing(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.data_sources.extend(names);
        self
    }

    /// Gets a provider ready; a process is started with the first call.
    pub(crate) fn host(&self, origin: &Origin) -> Hosted {
        let found = match origin {
            Origin::Builtin => return Hosted { provider: Arc::new(Builtin::default()), supervised: None },
            Origin::Found(found) => found,
        };
        let mut data_sources = allowed_data_sources(&found.address);
        data_sources.extend(self.data_sources.iter().cloned());
        let supervised = match &found.source {
            ProviderSource::Program { path, .. } => {
                let launch = Launch::new(path, self.environment.iter().cloned());
                Supervised::new(Launch { data_sources, processes: self.processes.clone(), ..launch })
            }
            ProviderSource::Reattach(running) => {
                let network = match running.network {
                    Network::Unix => "unix",
                    Network::Tcp => "tcp",
                };
                let reattach = Reattach::new(running.protocol_version, network, running.address.clone());
                Supervised::reattach(Reattach { data_sources, ..reattach })
            }
        };
        let supervised = Arc::new(supervised);
        let mut provider = Arc::clone(&supervised) as Arc<dyn Provider>;
        if let Some(transcripts) = &self.transcripts {
            provider = transcripts.record(provider, found);
        }
        Hosted { provider, supervised: Some(supervised) }
    }

    /// Takes the schema of a provider; the call is counted for a configuration.
    pub(crate) async fn schema(&self, hosted: &Hosted, of: &Use) -> Result<Arc<ProviderSchema>, Cause> {
        let operation = "GetProviderSchema";
        self.calls.count_for(of, operation);
        let none = Secrets::default();
        let schema = hosted.provider.schema(&self.call()).await;
        let (schema, diagnostics) = schema.map_err(|error| cause::of_error(&error, &none))?;
        cause::of_diagnostics(operation, &diagnostics, &none).map_or(Ok(schema), Err)
    }

    /// Configures the provider of a unit.
    pub(crate) async fn configure(&self, unit: &Unit) -> Result<(), Cause> {
        let secrets = unit.secrets();
        let (config, of) = (unit.config.unmark_deep().0, &unit.uses[0]);
        let (provider, call) = (&unit.hosted.provider, self.call());
        let operation = "ValidateProviderConfig";
        self.calls.count_for(of, operation);
        let validated = provider.validate_provider_config(&call, config.clone()).await;
        let ((), diagnostics) = validated.map_err(|error| cause::of_error(&error, &secrets))?;
        if let Some(cause) = cause::of_diagnostics(operation, &diagnostics, &secrets) {
            return Err(cause);
        }
        let operation = "ConfigureProvider";
        self.calls.count_for(of, operation);
        let request = ConfigureRequest { terraform_version: TERRAFORM_VERSION.to_owned(), config };
        let configured = provider.configure(&call, request).await;
        let ((), diagnostics) = configured.map_err(|error| cause::of_error(&error, &secrets))?;
        cause::of_diagnostics(operation, &diagnostics, &secrets).map_or(Ok(()), Err)
    }

    /// Makes a call that ends when the session does.
    pub(crate) fn call(&self) -> Call {
        Call { cancel: self.cancel.clone(), ..Call::within(START_TIMEOUT) }
    }

    /// Ends every provider, and says what of the transcripts was not written.
    pub(crate) async fn shutdown(&self) -> Diagnostics {
        let supervised = self.units.iter().filter_map(|unit| unit.hosted.supervised.as_ref());
        futures::future::join_all(supervised.map(|supervised| supervised.shutdown())).await;
        self.transcripts.as_ref().map(Transcripts::finish).unwrap_or_default()
    }
}

/// Names the data sources that may be read of a provider: the one that says whose credentials it has.
fn allowed_data_sources(provider: &ProviderAddress) -> BTreeSet<String> {
    caller::source_of(provider).map(|source| source.data_source.to_owned()).into_iter().collect()
}
