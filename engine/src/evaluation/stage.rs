//! The providers that answer what evaluation asks for: each started when the first of its instances is asked about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::{Cause, Diagnostics, InstanceAddress, ProviderAddress, ProviderConfigAddress};
use tfplugin::{Call, Provider, ProviderSchema, ResourceObject};
use tokio::sync::OnceCell;

use super::RootModule;
use crate::Session;
use crate::providers::Configurations;
use crate::refresh::find_origins;
use crate::refresh::pace::Pace;
use crate::refresh::pool::{Hosted, Origin, Pool, Unit};
use crate::refresh::{Observed, Reader, asking::Failure, calls::Calls};
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
    pool: Arc<Pool>,
    calls: Arc<Calls>,
    stations: Arc<Mutex<Stations>>,
    started: Arc<Mutex<Vec<Hosted>>>,
    /// What was read of the cloud so far, by the position of the instance in the state.
    observed: Arc<Mutex<BTreeMap<usize, ResourceObject>>>,
    /// Whether only providers that were lent are asked, and nothing is read but what the state records.
    pub(super) is_confined: bool,
    /// Warnings so far.
    diagnostics: Arc<Mutex<Diagnostics>>,
}

/// The providers that were started, by their configurations.
type Stations = BTreeMap<ProviderConfigAddress, Arc<OnceCell<Result<Arc<Station>, Cause>>>>;

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
            pool: Arc::new(pool.allowing(allowed)),
            configurations: Arc::new(configurations),
            calls,
            stations: Arc::default(),
            started: Arc::default(),
            observed: Arc::default(),
            is_confined: false,
            diagnostics: Arc::new(Mutex::new(diagnostics)),
        }
    }

    /// Gives the same providers and what they read, with the code of the root module as it might be.
    pub(crate) fn over(&self, module: &Arc<RootModule>) -> Self {
        Self {
            session: self.session.clone(),
            module: Arc::clone(module),
            states: self.states.clone(),
            recorded: self.states.as_ref().map(|states| current(module, states)).unwrap_or_default(),
            configurations: Arc::clone(&self.configurations),
            pool: Arc::clone(&self.pool),
            calls: Arc::clone(&self.calls),
            stations: Arc::clone(&self.stations),
            started: Arc::clone(&self.started),
            observed: Arc::clone(&self.observed),
            is_confined: self.is_confined,
            diagnostics: Arc::clone(&self.diagnostics),
        }
    }

    /// Asks no provider but those that are lent, and reads no data source and no other state: the code is not trusted.
    #[must_use]
    pub(crate) fn confined(self, is_confined: bool) -> Self {
        Self { is_confined, ..self }
    }

    /// Lends a provider that somebody else started and configured, and ends.
    pub(crate) fn lend(&self, address: &ProviderConfigAddress, unit: &Unit, reader: &Arc<Reader>) {
        let station = Station {
            schema: Arc::clone(&unit.schema),
            provider: Arc::clone(&unit.hosted.provider),
            pace: Arc::clone(&reader.pace),
            address: address.clone(),
            origin: unit.origin.clone(),
            hosted: unit.hosted.clone(),
            configured: OnceCell::new_with(Some(Ok(Arc::clone(reader)))),
        };
        let cell = Arc::new(OnceCell::new_with(Some(Ok(Arc::new(station)))));
        self.stations.lock().unwrap_or_else(PoisonError::into_inner).insert(address.clone(), cell);
    }

    /// Reads the object of a recorded instance, once.
    pub(super) async fn observe(&self, reader: &Reader, position: usize) -> Result<Option<ResourceObject>, Failure> {
        let known = self.observed.lock().unwrap_or_else(PoisonError::into_inner).get(&position).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Observed::Object(object) = reader.observe(position).await? else { return Ok(None) };
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(observed.entry(position).or_insert(*object).clone()))
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
        if self.is_confined {
            let detail = format!("The change is not trusted, so {} is not started for it.", address.provider);
            return Err(Cause::new(model::CauseKind::NoProvider, detail));
        }
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

    /// Gives the schema of a managed resource's block.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    pub(crate) async fn schema(
        &self,
        provider: &ProviderConfigAddress,
        resource_type: &model::ResourceType,
    ) -> Result<model::Block, String> {
        let station = self.station(provider).await.map_err(|cause| cause.detail)?;
        let schema = station.schema.resources.get(resource_type.as_str());
        let missing = || format!("{} has no resource type {resource_type}.", provider.provider);
        schema.map(|schema| schema.block.clone()).ok_or_else(missing)
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
                kept: Arc::default(),
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
        std::mem::take(&mut *self.diagnostics.lock().unwrap_or_else(PoisonError::into_inner))
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
