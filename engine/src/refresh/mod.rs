//! Refreshing: recorded instances are looked at through their own providers, which this process hosts.
//!
//! Configurations of providers that have the same program and the same value share a process. Each instance is upgraded,
//! read, compared, and planned where the comparison asks for it; what came of it is a [`Reading`]. Nothing here decides
//! what a difference means.
//!
//! **Start reading** at [`Refresh::open`], then [`read::Reader::look`].

pub(crate) mod asking;
pub(crate) mod caller;
pub(crate) mod calls;
pub(crate) mod cause;
pub(crate) mod pace;
pub(crate) mod pool;
mod read;
mod settle;
#[cfg(test)]
mod tests;
mod transcripts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cty::Value;
use drift::exact::{Outcome, ProviderUse, Reading};
use drift::{Filters, TypeMapping};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use model::{
    AccountId, Cause, CauseKind, Diagnostic, Diagnostics, ProviderAddress, ProviderConfigAddress, RecordedInstance,
    Region, ResourceMode, ResourceType,
};
use tfplugin::{ProviderSchema, builtin};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::code::{Declared, ProviderFacts};
use crate::evaluation::{self, RootModule};
use crate::lists::Lister;
use crate::providers::{Configurations, Finder, Verification};
use crate::request::ScopeRequest;
use crate::states::States;
use crate::{Error, ErrorKind, Session, Step};
use caller::CallerSource;
use caller::{ask, name_all, recorded_accounts, source_of};
use calls::{Calls, Use};
use pace::{Pace, Rate};
pub(crate) use pool::MAX_RUNNING;
use pool::{Hosted, Origin, Pool, Unit};
use read::Attempt;
pub(crate) use read::{Kept, Observed, Reader};
use transcripts::Transcripts;

/// So long after the first look an object that seems gone is looked for again, at the earliest.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// Where so many looks were ended by a crash, the rest waits until those are looked at one by one.
const MAX_INTERRUPTED: usize = 50;
/// After so many crashes over single instances a provider is not asked any more.
const MAX_CRASHES: usize = 10;

/// The code of so many instances is evaluated at a time.
const N_EVALUATED: usize = 64;

/// What a refresh is about.
pub(crate) struct RefreshRequest<'a> {
    /// The root module whose provider blocks count.
    pub(crate) module: Option<&'a Arc<RootModule>>,
    /// At what pace.
    pub(crate) scope: &'a ScopeRequest,
    /// Which instances.
    pub(crate) filters: &'a Filters,
    /// The remote objects of each type, for filters that name those.
    pub(crate) types: &'a BTreeMap<ResourceType, TypeMapping>,
    /// A folder that gets transcripts of what is said to providers.
    pub(crate) transcripts: Option<&'a Path>,
    /// Whether an instance whose provider cannot be asked stays unseen, rather than being left to the inventory.
    pub(crate) is_required: bool,
    /// Whether providers are asked for lists too: then those start of which no instance is wanted.
    pub(crate) is_listing: bool,
    /// Configurations that are asked for lists although no state records anything of them.
    pub(crate) unrecorded: Option<&'a BTreeSet<ProviderConfigAddress>>,
}

/// What providers said.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// By position in the recorded instances.
    pub(crate) by_position: BTreeMap<usize, Reading>,
    /// How each provider was used.
    pub(crate) uses: Vec<ProviderUse>,
}

/// Providers that run, and the instances each of them is to be asked about.
pub(crate) struct Refresh {
    pool: Pool,
    states: Arc<States>,
    calls: Arc<Calls>,
    /// The instances of each configuration.
    instances: BTreeMap<Use, Vec<usize>>,
    /// What tells the accounts of each configuration: all its instances where it is asked for lists.
    witnesses: BTreeMap<Use, Vec<usize>>,
    /// Whose credentials configurations have, by the first of those that share a process.
    accounts: BTreeMap<Use, AccountId>,
    /// Why configurations cannot be asked.
    causes: BTreeMap<Use, Cause>,
    /// Warnings so far.
    pub(crate) diagnostics: Diagnostics,
    is_required: bool,
    n_parallel: usize,
    rate: Option<Arc<Rate>>,
    deadline: Duration,
}

impl Refresh {
    /// Finds and starts the providers of the instances, configures them, and makes sure whose credentials they have.
    ///
    /// Whatever keeps a provider from being asked is a cause that its instances get.
    ///
    /// # Errors
    ///
    /// Where all credentials belong to accounts that the states do not record: everything would look missing.
    pub(crate) async fn open(
        session: &Session,
        request: &RefreshRequest<'_>,
        states: Arc<States>,
    ) -> Result<Self, Error> {
        let transcripts = match request.transcripts.map(|folder| Transcripts::open(session.path(folder))) {
            None => None,
            Some(Ok(transcripts)) => Some(transcripts),
            Some(Err(source)) => {
                let detail = "The folder for transcripts cannot be made.";
                return Err(Error::usage("record transcripts", detail).with_source(source));
            }
        };
        let calls = Arc::<Calls>::default();
        let mut instances: BTreeMap<Use, Vec<usize>> = BTreeMap::new();
        let mut witnesses: BTreeMap<Use, Vec<usize>> = BTreeMap::new();
        for (position, instance) in states.recorded.iter().enumerate() {
            let of = || (instance.state, instance.provider.clone());
            if is_selected(request, instance) {
                instances.entry(of()).or_default().push(position);
            }
            if request.is_listing && instance.address.resource.mode == ResourceMode::Managed {
                instances.entry(of()).or_default();
                witnesses.entry(of()).or_default().push(position);
            }
        }
        for configuration in request.unrecorded.into_iter().flatten().filter(|_| request.is_listing) {
            let is_recorded = |(_, known): &Use| {
                known.provider.is_same_provider(&configuration.provider)
                    && (&known.module, &known.alias) == (&configuration.module, &configuration.alias)
            };
            if !instances.keys().any(is_recorded) {
                instances.entry((0, configuration.clone())).or_default();
                witnesses.entry((0, configuration.clone())).or_default();
            }
        }
        if !request.is_listing {
            witnesses.clone_from(&instances);
        }
        let mut refresh = Self {
            pool: Pool::new(&session.environment, session.cancel.child_token(), Arc::clone(&calls), transcripts),
            states,
            calls,
            instances,
            witnesses,
            accounts: BTreeMap::new(),
            causes: BTreeMap::new(),
            diagnostics: Diagnostics::new(),
            is_required: request.is_required,
            n_parallel: request.scope.provider_parallelism,
            rate: request.scope.max_rps.map(|max_rps| Arc::new(Rate::new(max_rps))),
            deadline: request.scope.scope_deadline,
        };
        if refresh.instances.is_empty() {
            return Ok(refresh);
        }
        session.phase("starting providers");
        let origins = refresh.find(session, request).await?;
        let (configurations, problems) = Configurations::read(session, request.module);
        refresh.diagnostics.extend(problems);
        refresh.start(session, request.module, &origins, &configurations).await;
        if let Err(error) = refresh.check_accounts().await {
            refresh.pool.shutdown().await;
            return Err(error);
        }
        Ok(refresh)
    }

    /// Finds the provider of each configuration.
    async fn find(
        &mut self,
        session: &Session,
        request: &RefreshRequest<'_>,
    ) -> Result<Vec<(Origin, Vec<Use>)>, Error> {
        let addresses: BTreeSet<ProviderAddress> =
            self.instances.keys().map(|(_, configuration)| configuration.provider.clone()).collect();
        let (found, problems) =
            find_origins(session, request.module.map(|module| module.directory().to_owned()), addresses).await?;
        self.diagnostics.extend(problems);
        let mut origins: Vec<(Origin, Vec<Use>)> = Vec::new();
        for of in self.instances.keys() {
            match &found[&of.1.provider] {
                Err(cause) => drop(self.causes.insert(of.clone(), cause.clone())),
                Ok(origin) => match origins.iter_mut().find(|(known, _)| known == origin) {
                    Some((_, uses)) => uses.push(of.clone()),
                    None => origins.push((origin.clone(), vec![of.clone()])),
                },
            }
        }
        Ok(origins)
    }

    /// Starts each provider once, and sorts its configurations by value: each value gets a process.
    async fn start(
        &mut self,
        session: &Session,
        module: Option<&Arc<RootModule>>,
        origins: &[(Origin, Vec<Use>)],
        configurations: &Configurations,
    ) {
        let pool = &self.pool;
        let start = |(origin, uses): &(Origin, Vec<Use>)| {
            let (hosted, of) = (pool.host(origin), uses[0].clone());
            async move {
                let schema = pool.schema(&hosted, &of).await;
                (hosted, schema)
            }
        };
        let started = in_turn(origins.iter().map(start)).await;
        if let Some(known) = &session.schemas {
            for ((origin, _), (_, schema)) in origins.iter().zip(&started) {
                if let Ok(schema) = schema {
                    known.add(origin, schema);
                }
            }
        }
        if let Some(module) = module {
            let schemas = origins.iter().zip(&started).filter_map(|((_, uses), (_, schema))| {
                let schema = schema.as_ref().ok()?;
                Some(uses.iter().map(|of| (of.1.clone(), Arc::clone(schema))))
            });
            let blocks = schemas.flatten().collect();
            let problems = evaluation::answer_configurations(session, (module.trusted(), &self.states), blocks).await;
            // The settings and the programs are told of already.
            let is_told = |problem: &Diagnostic| self.diagnostics.contains(problem);
            let problems: Diagnostics = problems.into_iter().filter(|problem| !is_told(problem)).collect();
            self.diagnostics.extend(problems);
        }
        for ((origin, uses), (hosted, schema)) in origins.iter().zip(started) {
            match schema {
                Ok(schema) => self.sort(origin, uses, hosted, &schema, configurations),
                Err(cause) => self.causes.extend(uses.iter().map(|of| (of.clone(), cause.clone()))),
            }
        }
    }

    fn sort(
        &mut self,
        origin: &Origin,
        uses: &[Use],
        hosted: Hosted,
        schema: &Arc<ProviderSchema>,
        configurations: &Configurations,
    ) {
        let mut hosted = Some(hosted);
        let first = self.pool.units.len();
        for of in uses {
            let config = match configurations.value(&of.1, &schema.provider.block) {
                Ok(config) => config,
                Err(cause) => {
                    self.causes.insert(of.clone(), cause);
                    continue;
                }
            };
            if let Some(unit) = self.pool.units[first..].iter_mut().find(|unit| unit.config == config) {
                unit.uses.push(of.clone());
                continue;
            }
            let hosted = hosted.take().unwrap_or_else(|| self.pool.host(origin));
            let (origin, schema, uses) = (origin.clone(), Arc::clone(schema), vec![of.clone()]);
            self.pool.units.push(Unit { origin, hosted, schema, config, uses });
        }
    }

    /// Configures each provider, and compares whose credentials it has with what is recorded.
    async fn check_accounts(&mut self) -> Result<(), Error> {
        let asked = in_turn(self.pool.units.iter().map(|unit| self.configure(unit))).await;
        let mut causes = Vec::new();
        let mut diagnostics = Diagnostics::new();
        let mut foreign = Vec::new();
        let mut is_any_own = false;
        let mut accounts = BTreeMap::new();
        for (unit, asked) in self.pool.units.iter().zip(asked) {
            let name = &unit.uses[0].1;
            match asked {
                Err(cause) => causes.extend(unit.uses.iter().map(|of| (of.clone(), cause.clone()))),
                Ok(None) => {}
                Ok(Some(Asked { source, answer: Err(reason), .. })) => {
                    let detail = format!(
                        "{name} did not say whose credentials it has. {reason} What it finds missing may be in another {}.",
                        source.noun
                    );
                    let summary = "A provider does not say whose credentials it has";
                    diagnostics.push(Diagnostic::warning("caller-unknown", summary, detail));
                }
                Ok(Some(Asked { source, answer: Ok(account), recorded })) => {
                    accounts.insert(unit.uses[0].clone(), account.clone());
                    if recorded.is_empty() || recorded.contains_key(&account) {
                        is_any_own |= !recorded.is_empty();
                        continue;
                    }
                    let detail = wrong_account(source, unit, &account, &recorded);
                    let cause = Cause::new(CauseKind::WrongAccount, detail.clone());
                    causes.extend(unit.uses.iter().map(|of| (of.clone(), cause.clone())));
                    foreign.push(detail);
                }
            }
        }
        self.diagnostics.extend(diagnostics);
        self.accounts = accounts;
        if !foreign.is_empty() && !is_any_own {
            let summary = "The credentials belong to another account than the state";
            let help = "Choose the profile or role of the recorded account and run again.";
            let errors = foreign.into_iter();
            let errors =
                errors.map(|detail| Diagnostic::error("wrong-account", summary, detail).with_help(help)).collect();
            let detail = "Nothing was judged, because every answer would be wrong.";
            return Err(
                Error::new(ErrorKind::WrongAccount, "compare states with the cloud", detail).with_diagnostics(errors)
            );
        }
        for detail in foreign {
            let summary = "The credentials see no account of this configuration";
            self.diagnostics.push(Diagnostic::warning("wrong-account", summary, detail));
        }
        self.causes.extend(causes);
        Ok(())
    }

    /// Configures the provider of a unit, and asks it whose credentials it has where it can tell.
    async fn configure(&self, unit: &Unit) -> Result<Option<Asked<'_>>, Cause> {
        self.pool.configure(unit).await?;
        let Some(source) = source_of(&unit.uses[0].1.provider) else { return Ok(None) };
        let positions: Vec<usize> = unit.uses.iter().flat_map(|of| &self.witnesses[of]).copied().collect();
        let recorded = recorded_accounts(source, &self.states, &positions);
        let answer = ask(source, &self.pool, unit, &self.calls).await;
        Ok(Some(Asked { source, answer, recorded }))
    }

    /// Looks at every instance whose provider can be asked. The providers stay up.
    pub(crate) async fn read(&mut self, session: &Session, declared: Option<&Arc<Declared>>) -> Readings {
        let readable = |of: &&Use| !self.causes.contains_key(*of);
        let n_total = self.instances.keys().filter(readable).map(|of| self.instances[of].len() as u64).sum();
        let progress = Arc::new(Tally { session: session.clone(), n_done: AtomicU64::new(0), n_total });
        progress.tell(0);
        let this = &*self;
        let kept = this.kept(declared).await;
        let work = |unit| this.read_unit(unit, session, declared, &kept, &progress);
        let read = in_turn(this.pool.units.iter().map(work)).await;
        let mut by_position = BTreeMap::new();
        let mut readers = Vec::new();
        for (unit, (reader, readings)) in
            this.pool.units.iter().zip(read).filter_map(|(unit, read)| Some((unit, read?)))
        {
            by_position.extend(readings);
            readers.push((unit, reader));
        }
        if let Some(declared) = declared {
            let problems = settle::settle(session, declared, &self.states, &readers, &mut by_position).await;
            let is_told = |problem: &Diagnostic| self.diagnostics.contains(problem);
            let problems: Diagnostics = problems.into_iter().filter(|problem| !is_told(problem)).collect();
            self.diagnostics.extend(problems);
        }
        let mut readings = Readings { by_position, uses: Vec::new() };
        self.conclude(session, &mut readings);
        readings
    }

    /// Finds the instances of which what is read is kept, because code refers to them.
    async fn kept(&self, declared: Option<&Arc<Declared>>) -> Arc<Kept> {
        let Some(declared) = declared.cloned() else { return Arc::default() };
        let referred = tokio::task::spawn_blocking(move || declared.referred()).await.unwrap_or_default();
        let names = |instance: &RecordedInstance| {
            let resource = &instance.address.resource;
            (resource.resource_type.to_string(), resource.name.to_string())
        };
        let recorded = self.states.recorded.iter().enumerate();
        let positions =
            recorded.filter(|(_, instance)| referred.contains(&names(instance))).map(|(position, _)| position);
        Arc::new(Kept::of(positions.collect()))
    }

    async fn read_unit(
        &self,
        unit: &Unit,
        session: &Session,
        declared: Option<&Arc<Declared>>,
        kept: &Arc<Kept>,
        progress: &Arc<Tally>,
    ) -> Option<(Arc<Reader>, BTreeMap<usize, Reading>)> {
        let uses: Vec<&Use> = unit.uses.iter().filter(|of| !self.causes.contains_key(*of)).collect();
        if uses.is_empty() {
            return None;
        }
        let reader = Arc::new(Reader {
            provider: Arc::clone(&unit.hosted.provider),
            schema: Arc::clone(&unit.schema),
            version: unit.origin.version().map(str::to_owned),
            states: Arc::clone(&self.states),
            declared: declared.cloned(),
            pace: Pace::new(self.n_parallel),
            rate: self.rate.clone(),
            deadline: self.deadline,
            cancel: session.cancel.clone(),
            secrets: unit.secrets(),
            calls: Arc::clone(&self.calls),
            baselines: Mutex::default(),
            kept: Arc::clone(kept),
            now: session.now,
        });
        let mut positions: Vec<usize> = uses.iter().flat_map(|of| &self.instances[*of]).copied().collect();
        positions.sort_unstable();
        let readings = look_at_all(&reader, positions, progress).await;
        Some((reader, readings))
    }

    fn conclude(&self, session: &Session, readings: &mut Readings) {
        for (of, positions) in &self.instances {
            let cause = self.causes.get(of);
            if let Some(cause) = cause.filter(|cause| self.is_required || cause.kind == CauseKind::WrongAccount) {
                for position in positions {
                    let outcome = Outcome::Unseen(cause.clone());
                    let reading =
                        Reading { observed_at: (session.now)(), provider_version: None, identity: None, outcome };
                    readings.by_position.insert(*position, reading);
                }
            }
            let unit = self.pool.units.iter().find(|unit| unit.uses.contains(of));
            readings.uses.push(ProviderUse {
                state: of.0,
                provider: of.1.clone(),
                version: unit.and_then(|unit| unit.origin.version()).map(str::to_owned),
                calls: self.calls.of(of),
                cause: cause.cloned(),
            });
        }
    }

    /// Gives what is known of the configurations of the providers that run.
    pub(crate) fn facts(&self, environment: &net::Environment) -> BTreeMap<ProviderConfigAddress, ProviderFacts> {
        let of_unit = |unit: &Unit| {
            let region = unit.config.get_attr("region").ok().map(|region| region.unmark().0);
            let region = region.as_ref().and_then(Value::as_str).filter(|region| !region.is_empty());
            let of_environment = || environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
            let region = region.or_else(of_environment).map(Region::from);
            let facts = move |of: &Use| {
                (of.1.clone(), ProviderFacts { schema: Arc::clone(&unit.schema), region: region.clone() })
            };
            unit.uses.iter().map(facts).collect::<Vec<_>>()
        };
        self.pool.units.iter().flat_map(of_unit).collect()
    }

    /// Gives each provider that can be asked, ready to be asked for lists.
    pub(crate) fn listers(&self, session: &Session) -> Vec<Lister> {
        let lister = |unit: &Unit| {
            let of = unit.uses.iter().find(|of| !self.causes.contains_key(*of))?;
            Some(Lister {
                provider: Arc::clone(&unit.hosted.provider),
                schema: Arc::clone(&unit.schema),
                name: of.1.clone(),
                version: unit.origin.version().map(str::to_owned),
                account: self.accounts.get(&unit.uses[0]).cloned(),
                pace: Pace::new(self.n_parallel),
                n_parallel: self.n_parallel,
                rate: self.rate.clone(),
                deadline: self.deadline,
                cancel: session.cancel.clone(),
                secrets: unit.secrets(),
                now: session.now,
            })
        };
        self.pool.units.iter().filter_map(lister).collect()
    }

    /// Says which providers could not be asked, where that was not to be expected.
    pub(crate) fn warnings(&self) -> Diagnostics {
        let mut by_cause: BTreeMap<&Cause, Vec<&Use>> = BTreeMap::new();
        let is_surprise = |cause: &Cause| !matches!(cause.kind, CauseKind::NoProvider | CauseKind::WrongAccount);
        for (of, cause) in self.causes.iter().filter(|(_, cause)| !self.is_required && is_surprise(cause)) {
            by_cause.entry(cause).or_default().push(of);
        }
        let warn = |(cause, uses): (&Cause, Vec<&Use>)| {
            let names: BTreeSet<String> = uses.iter().map(|(_, configuration)| configuration.to_string()).collect();
            let names: Vec<String> = names.into_iter().collect();
            let detail = format!(
                "{} Its instances are compared with what the inventory sees instead, as far as that reaches ({}).",
                cause.detail,
                names.join(", ")
            );
            Diagnostic::warning("provider-not-asked", "A provider could not be asked", detail)
        };
        by_cause.into_iter().map(warn).collect()
    }

    /// Ends every provider, and says what of the transcripts was not written.
    pub(crate) async fn shutdown(self) -> Diagnostics {
        self.pool.shutdown().await
    }
}

/// Finds the programs of providers for a root module, or for states without one; warns of those that are not verified.
pub(crate) async fn find_origins(
    session: &Session,
    root: Option<PathBuf>,
    addresses: BTreeSet<ProviderAddress>,
) -> Result<(BTreeMap<ProviderAddress, Result<Origin, Cause>>, Diagnostics), Error> {
    let session = session.clone();
    let (found, mut diagnostics) = tokio::task::spawn_blocking(move || {
        let (finder, problems) = Finder::open(&session, root.as_deref());
        let find = |address: ProviderAddress| {
            let found = if address.to_string() == builtin::ADDRESS {
                Ok(Origin::Builtin)
            } else {
                finder.find(&address).map(Origin::Found)
            };
            (address, found)
        };
        (addresses.into_iter().map(find).collect::<BTreeMap<_, _>>(), problems)
    })
    .await
    .map_err(|source| {
        Error::new(ErrorKind::Unavailable, "find providers", "The search ended early.").with_source(source)
    })?;
    let mut warned: Vec<&Origin> = Vec::new();
    for origin in found.values().flatten() {
        let Origin::Found(provider) = origin else { continue };
        let Verification::Unverified { reason } = &provider.verification else { continue };
        if warned.contains(&origin) {
            continue;
        }
        warned.push(origin);
        let detail = format!("{} ({}) is asked though it is unverified: {reason}.", provider.address, provider.source);
        let summary = "A provider is not the locked one, or none is locked";
        diagnostics.push(Diagnostic::warning("provider-unverified", summary, detail));
    }
    Ok((found, diagnostics))
}

/// Does work that keeps a provider busy, as much at once as providers may run; gives what came of it in order.
pub(crate) async fn in_turn<'a, T: Send + 'a>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'a>,
) -> Vec<T> {
    let work: Vec<BoxFuture<'a, T>> = work.map(FutureExt::boxed).collect();
    futures::stream::iter(work).buffered(MAX_RUNNING).collect().await
}

/// What a provider said about its credentials, and what is recorded.
struct Asked<'a> {
    source: &'static CallerSource,
    answer: Result<AccountId, String>,
    recorded: BTreeMap<AccountId, &'a RecordedInstance>,
}

fn wrong_account(
    source: &CallerSource,
    unit: &Unit,
    account: &AccountId,
    recorded: &BTreeMap<AccountId, &RecordedInstance>,
) -> String {
    let names: BTreeSet<&AccountId> = recorded.keys().collect();
    let example =
        recorded.values().next().map_or_else(String::new, |instance| format!(", for example {}", instance.address));
    format!(
        "The instances of {} are recorded in {}{example}. The provider's credentials belong to {} {account}. Nothing that \
         is recorded can be looked up with them.",
        unit.uses[0].1,
        name_all(source.noun, &names),
        source.noun,
    )
}

/// How far a refresh is.
struct Tally {
    session: Session,
    n_done: AtomicU64,
    n_total: u64,
}

impl Tally {
    fn tell(&self, n_more: u64) {
        let n_done = self.n_done.fetch_add(n_more, Ordering::Relaxed) + n_more;
        self.session.progress.step(Step::Instances { n_done, n_total: self.n_total });
    }
}

/// Looks at instances, again at those during whose look the provider crashed, and again at those that seem gone.
async fn look_at_all(reader: &Arc<Reader>, positions: Vec<usize>, progress: &Tally) -> BTreeMap<usize, Reading> {
    let mut readings = BTreeMap::new();
    let (mut crashed, mut gone) = (BTreeMap::new(), Vec::new());
    let unseen = |cause: Cause| reader.reading(None, Outcome::Unseen(cause));
    for (position, attempt) in look_once(reader, &positions, progress).await {
        match attempt {
            Attempt::Settled(reading) => drop(readings.insert(position, *reading)),
            Attempt::Gone => gone.push(position),
            Attempt::Crashed(cause) => drop(crashed.insert(position, cause)),
        }
    }

    // A crash ends the calls of others too: one at a time shows whose it is.
    let mut n_crashes = 0;
    for (position, cause) in crashed {
        if n_crashes >= MAX_CRASHES || reader.cancel.is_cancelled() {
            readings.insert(position, unseen(cause));
            continue;
        }
        let evaluated = reader.evaluate(&[position]).await.pop().flatten();
        match reader.look(position, evaluated.as_ref(), reader.pace.slot().await).await {
            Attempt::Settled(reading) => drop(readings.insert(position, *reading)),
            Attempt::Gone => gone.push(position),
            Attempt::Crashed(cause) => {
                n_crashes += 1;
                readings.insert(position, unseen(cause));
            }
        }
    }

    if !gone.is_empty() {
        let earliest = Instant::now() + SECOND_LOOK;
        tokio::select! {
            () = reader.cancel.cancelled() => {}
            () = tokio::time::sleep_until(earliest) => {}
        }
        let n_before = readings.len();
        for (position, attempt) in look_once(reader, &gone, progress).await {
            let reading = match attempt {
                Attempt::Settled(reading) => *reading,
                Attempt::Gone => reader.reading(None, Outcome::Gone),
                Attempt::Crashed(cause) => unseen(cause),
            };
            readings.insert(position, reading);
        }
        debug_assert_eq!(readings.len(), n_before + gone.len());
    }
    readings
}

/// Looks at instances, as many at once as the pace allows, each once.
///
/// After many crashes the rest counts as crashed without having been looked at.
async fn look_once(reader: &Arc<Reader>, positions: &[usize], progress: &Tally) -> Vec<(usize, Attempt)> {
    let mut tasks = JoinSet::new();
    let mut attempts = Vec::with_capacity(positions.len());
    let mut crashes = Vec::new();
    let mut take = |done: Result<(usize, Attempt), JoinError>, crashes: &mut Vec<Cause>| {
        progress.tell(1);
        // Nothing aborts these tasks, so what did not end well panicked.
        let attempt = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        if let Attempt::Crashed(cause) = &attempt.1 {
            crashes.push(cause.clone());
        }
        attempts.push(attempt);
    };
    let mut rest = positions.iter();
    // While some are looked at, the code of the next is evaluated.
    let evaluate = |positions: &[usize]| reader.evaluate(positions);
    let mut ahead = futures::stream::iter(positions.chunks(N_EVALUATED).map(evaluate)).buffered(2);
    let mut evaluated = Vec::new().into_iter();
    while crashes.len() < MAX_INTERRUPTED {
        if ExactSizeIterator::len(&evaluated) == 0 {
            let Some(next) = ahead.next().await else { break };
            evaluated = next.into_iter();
        }
        let slot = tokio::select! {
            slot = reader.pace.slot() => slot,
            () = reader.cancel.cancelled() => break,
        };
        let (Some(&position), Some(declared)) = (rest.next(), evaluated.next()) else { break };
        let task = Arc::clone(reader);
        tasks.spawn(async move { (position, task.look(position, declared.as_ref(), slot).await) });
        while let Some(done) = tasks.try_join_next() {
            take(done, &mut crashes);
        }
    }
    while let Some(done) = tasks.join_next().await {
        take(done, &mut crashes);
    }
    let not_begun = match crashes.pop() {
        Some(cause) => cause,
        None => Cause::new(CauseKind::Cancelled, "It was stopped before its provider was asked."),
    };
    attempts.extend(rest.map(|&position| (position, Attempt::Crashed(not_begun.clone()))));
    attempts
}

fn is_selected(request: &RefreshRequest<'_>, instance: &RecordedInstance) -> bool {
    let Filters { types, accounts, regions, tags: _ } = request.filters;
    let resource_type = instance.address.resource_type();
    let mapping = request.types.get(resource_type);
    let native_types = mapping.iter().flat_map(|mapping| &mapping.native_types);
    let mut names = native_types.map(model::NativeType::as_str).chain([resource_type.as_str()]);
    instance.address.resource.mode == ResourceMode::Managed
        && (types.is_empty() || names.any(|name| types.iter().any(|pattern| pattern.matches(name))))
        && instance.account.as_ref().is_none_or(|account| accounts.is_empty() || accounts.contains(account))
        && instance.region.as_ref().is_none_or(|region| regions.is_empty() || regions.contains(region))
}
