//! The providers that answer what evaluation asks for: each started when the first of its instances is asked about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Cause, Diagnostics, InstanceAddress, ProviderAddress, ProviderConfigAddress};
use tfplugin::{Call, Provider, ProviderSchema};
use tokio::sync::OnceCell;

use super::RootModule;
use crate::Session;
use crate::providers::Configurations;
use crate::refresh::find_origins;
use crate::refresh::pace::Pace;
use crate::refresh::pool::{Hosted, Origin, Pool, Unit};
use crate::refresh::{Reader, calls::Calls};
use crate::settings::Settings;
use crate::states::States;

/// How long one instance, data source or function may take.
const DEADLINE: Duration = Duration::from_mins(2);
/// How many of one provider configuration are asked about at once.
const N_PARALLEL: usize = 10;

/// A root module with the providers and the state that know what its code does not tell.
pub(crate) struct Stage {
    pub(super) session: Session,
    pub(super) module: Arc<RootModule>,
    /// The state of the root module, where there is one.
    pub(super) states: Option<Arc<States>>,
    /// The recorded instances by the addresses that they have now.
    pub(super) recorded: BTreeMap<InstanceAddress, usize>,
    pub(super) configurations: Arc<Configurations>,
    pool: Pool,
    calls: Arc<Calls>,
    stations: Mutex<BTreeMap<ProviderConfigAddress, Arc<OnceCell<Result<Arc<Station>, Cause>>>>>,
    started: Mutex<Vec<Hosted>>,
    /// Warnings so far.
    diagnostics: Mutex<Diagnostics>,
}

/// One configuration of a provider.
pub(super) struct Station {
    pub(super) schema: Arc<ProviderSchema>,
    pub(super) provider: Arc<dyn Provider>,
    pub(super) pace: Arc<Pace>,
    pub(super) address: ProviderConfigAddress,
    origin: Origin,
    hosted: Hosted,
    configured: OnceCell<Result<Arc<Reader>, Cause>>,
}

impl Stage {
    /// Opens a root module together with its own state; nothing is started yet.
    ///
    /// States that belong to other root modules say nothing about this one: without exactly one, nothing is recorded.
    pub(crate) fn open(session: &Session, module: &Arc<RootModule>, states: Option<&Arc<States>>) -> Self {
        let (configurations, diagnostics) = Configurations::read(session, Some(module));
        let states = states.filter(|states| states.refs.len() == 1).cloned();
        let recorded = states.as_ref().map(|states| current(module, states)).unwrap_or_default();
        let calls = Arc::<Calls>::default();
        let allowed = configurations.settings().data_sources.iter().cloned();
        let pool = Pool::new(&session.environment, session.cancel.child_token(), Arc::clone(&calls), None);
        Self {
            session: session.clone(),
            module: Arc::clone(module),
            states,
            recorded,
            pool: pool.allowing(allowed),
            configurations: Arc::new(configurations),
            calls,
            stations: Mutex::default(),
            started: Mutex::default(),
            diagnostics: Mutex::new(diagnostics),
        }
    }

    /// Gives what was written down for driftmgr.
    pub(super) fn settings(&self) -> &Settings {
        self.configurations.settings()
    }

    /// Finds and starts the provider of a configuration, and takes its schema.
    pub(super) async fn station(&self, address: &ProviderConfigAddress) -> Result<Arc<Station>, Cause> {
        let cell = {
            let mut stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(stations.entry(address.clone()).or_default())
        };
        cell.get_or_init(|| async { self.start(address).await.map(Arc::new) }).await.clone()
    }

    async fn start(&self, address: &ProviderConfigAddress) -> Result<Station, Cause> {
        let folder = Some(self.module.directory().to_owned());
        let found = find_origins(&self.session, folder, [address.provider.clone()].into()).await;
        let (mut found, problems) =
            found.map_err(|error| Cause::new(model::CauseKind::ProviderFailed, error.to_string()))?;
        self.warn(problems);
        let origin = match found.remove(&address.provider) {
            Some(origin) => origin?,
            None => return Err(Cause::new(model::CauseKind::ProviderFailed, "The provider was not looked for.")),
        };
        let hosted = self.pool.host(&origin);
        self.started.lock().unwrap_or_else(PoisonError::into_inner).push(hosted.clone());
        let schema = self.pool.schema(&hosted, &(0, address.clone())).await?;
        let (provider, address) = (Arc::clone(&hosted.provider), address.clone());
        let (pace, configured) = (Pace::new(N_PARALLEL), OnceCell::new());
        Ok(Station { schema, provider, pace, address, origin, hosted, configured })
    }

    /// Configures the provider of a station, and gives what reads with it.
    pub(super) async fn configured(&self, station: &Station) -> Result<Arc<Reader>, Cause> {
        let configure = async {
            let config = self.configurations.value(&station.address, &station.schema.provider.block)?;
            let unit = Unit {
                origin: station.origin.clone(),
                hosted: station.hosted.clone(),
                schema: Arc::clone(&station.schema),
                config,
                uses: vec![(0, station.address.clone())],
            };
            self.pool.configure(&unit).await?;
            Ok(Arc::new(Reader {
                provider: Arc::clone(&station.provider),
                schema: Arc::clone(&station.schema),
                version: unit.origin.version().map(str::to_owned),
                states: self.states.clone().unwrap_or_default(),
                declared: None,
                pace: Arc::clone(&station.pace),
                rate: None,
                deadline: DEADLINE,
                cancel: self.session.cancel.clone(),
                secrets: unit.secrets(),
                calls: Arc::clone(&self.calls),
                baselines: Mutex::default(),
                now: self.session.now,
            }))
        };
        station.configured.get_or_init(|| configure).await.clone()
    }

    /// Gives the configuration of a provider without which its functions do: the default one.
    pub(super) fn plain(provider: ProviderAddress) -> ProviderConfigAddress {
        ProviderConfigAddress { module: model::ModuleAddress::root(), provider, alias: None, key: None }
    }

    /// Makes a call that ends in time.
    pub(super) fn call(&self) -> Call {
        Call { cancel: self.session.cancel.clone(), ..Call::within(DEADLINE) }
    }

    fn warn(&self, problems: Diagnostics) {
        let mut diagnostics = self.diagnostics.lock().unwrap_or_else(PoisonError::into_inner);
        diagnostics.extend(problems);
    }

    /// Ends every provider, and gives the warnings.
    pub(crate) async fn shutdown(self) -> Diagnostics {
        let started = std::mem::take(&mut *self.started.lock().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(started.iter().map(Hosted::shutdown)).await;
        self.diagnostics.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the recorded instances by the addresses that they have now: `moved` blocks lead from those of the state.
fn current(module: &RootModule, states: &States) -> BTreeMap<InstanceAddress, usize> {
    let (moves, _) = module.configuration().moves();
    let is_current = |instance: &model::RecordedInstance| instance.deposed.is_none();
    let recorded = states.recorded.iter().enumerate().filter(|(_, instance)| is_current(instance));
    let addresses = recorded.clone().map(|(_, instance)| instance.address.clone()).collect();
    let moved = moves.all_current(&addresses);
    recorded
        .map(|(position, instance)| {
            let address = moved.get(&instance.address).unwrap_or(&instance.address).clone();
            (address, position)
        })
        .collect()
}
