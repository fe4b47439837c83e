//! `drift`: compares states with the cloud.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::drift::exact::Outcome;
use ::drift::{
    Caller, DeclaredArguments, Evidence, Filters, IgnoreRules, JudgeOptions, Pattern, Question, SeverityRules,
    TypeMapping, UnrecordedInstance, Verdict,
};
use inventory::definition::Catalog;
use jiff::{SignedDuration, Timestamp};
use model::{
    Diagnostic, Diagnostics, NativeType, ProviderConfigAddress, RecordedInstance, Region, ResourceType, ScopeOutcome,
    StateRef,
};

use crate::accounts::Hints;
use crate::claims::{self, Claims};
use crate::code::{self, Declared};
use crate::evaluation::RootModule;
use crate::ignoring::{self, BaselineSource, IgnoreFiles};
use crate::lists::{self, Context, Lists, Merge};
use crate::refresh::{Readings, Refresh, RefreshRequest};
use crate::request::{Freshness, ScopeRequest, Sight, StatesRequest};
use crate::scan::{self, ScanRequest};
use crate::states::{self, States};
use crate::{Error, ErrorKind, Session, catalog, query, severity};

/// How often a comparison is begun where a state is written meanwhile.
const MAX_ATTEMPTS: usize = 3;

/// Asks what became of recorded instances, what nobody manages, or both.
#[derive(Clone, Debug)]
pub struct DriftRequest {
    /// Which states.
    pub states: StatesRequest,
    /// Where to look.
    pub scope: ScopeRequest,
    /// Whether the cloud is asked, or the store.
    pub freshness: Freshness,
    /// What recorded instances are seen through. Where the store alone answers, no provider is asked either.
    pub sight: Sight,
    /// The store's file.
    pub store: PathBuf,
    /// A folder that gets masked transcripts of what is said to providers, for bug reports.
    pub transcripts: Option<PathBuf>,
    /// How to judge.
    pub options: JudgeOptions,
    /// The ignore file; `None` means `.driftmgrignore.yaml` beside the code, where it is there.
    pub ignore_file: Option<PathBuf>,
    /// The baseline.
    pub baseline: BaselineSource,
}

/// What came of a comparison.
#[derive(Debug)]
pub struct DriftAnswer {
    /// The findings, coverage and totals.
    pub verdict: Verdict,
    /// The states that were compared.
    pub states: Vec<StateRef>,
    /// The root module, as the request named it.
    pub root: Option<PathBuf>,
    /// The ignore rules that were applied.
    pub ignore: IgnoreRules,
    /// The severity rules that were applied.
    pub severities: SeverityRules,
    /// Whose credentials were used.
    pub callers: Vec<Caller>,
    /// Problems met on the way that the answer survived.
    pub diagnostics: Diagnostics,
    /// When the answer was made.
    pub at: Timestamp,
}

/// Compares; saves what was found in the store and publishes it for data sources.
///
/// # Errors
///
/// Where there is no answer at all: a state cannot be read, the store cannot be used, the credentials belong to another
/// account. What merely could not be seen is in the answer.
pub async fn drift(session: &Session, request: &DriftRequest) -> Result<DriftAnswer, Error> {
    let module = RootModule::opened(session, &request.states).await;
    compare(session, request, Reach::Recorded, module.as_ref()).await.map(|(answer, _)| answer)
}

/// How far a comparison reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the providers of which states record something.
    Recorded,
    /// The same, of a root module that may never have been applied and whose code is not merged yet: the answer is not kept.
    Code,
    /// To those that the root module asks for as well; it may never have been applied.
    Root,
}

/// Compares, and gives the states back for whoever needs more of them. A state that is written meanwhile is judged again.
pub(crate) async fn compare(
    session: &Session,
    request: &DriftRequest,
    reach: Reach,
    module: Option<&Arc<RootModule>>,
) -> Result<(DriftAnswer, Arc<States>), Error> {
    let operation = "compare states with the cloud";
    for _ in 0..MAX_ATTEMPTS {
        let (answer, states) = compare_once(session, request, reach, module).await?;
        if session.cancel.is_cancelled() {
            return Err(Error::cancelled(operation));
        }
        if !states.moved().await {
            return Ok((answer, states));
        }
        session.phase("a state was written meanwhile, comparing again");
    }
    Err(Error::new(ErrorKind::Unavailable, operation, "A state was written each time it was compared.")
        .with_help("Run the command again when no apply is under way."))
}

async fn compare_once(
    session: &Session,
    request: &DriftRequest,
    reach: Reach,
    module: Option<&Arc<RootModule>>,
) -> Result<(DriftAnswer, Arc<States>), Error> {
    let catalog = catalog::load(session, request.scope.catalog.as_deref())?;
    let mut files = IgnoreFiles::read(session, request)?;
    let severities = severity::read(session, request)?;
    session.phase("reading states");
    let mut states = match reach {
        Reach::Recorded => states::load(session, &request.states).await?,
        Reach::Code | Reach::Root => states::load_or_empty(session, &request.states).await?,
    };
    states.derive_import_ids(&catalog);
    let mut diagnostics = std::mem::take(&mut states.diagnostics);
    diagnostics.append(&mut files.diagnostics);
    // Code belongs to one root module, and to its state alone.
    let commented = module.filter(|_| states.refs.len() == 1).map(|module| ignoring::of_code(module.trusted()));
    let (comments, problems) = commented.unwrap_or_default();
    diagnostics.extend(problems);
    let ignore = files.with_comments(comments);
    let states = Arc::new(states);
    let mut declared = None;
    if let Some(module) = module.cloned() {
        let of_state = Arc::clone(&states);
        let read = tokio::task::spawn_blocking(move || code::declared(&module, &of_state.recorded)).await;
        let (found, problems) = read.map_err(|source| {
            Error::new(ErrorKind::Unavailable, "evaluate the code", "The evaluation ended early.").with_source(source)
        })?;
        diagnostics.extend(problems);
        declared = Some(Arc::new(found));
    }

    let unrecorded =
        (reach == Reach::Root).then(|| module.map(|module| code::provider_configurations(module)).unwrap_or_default());
    let mut refresh = open_refresh(session, request, (&catalog, module), &states, unrecorded.as_ref()).await?;
    let (mut readings, mut lists, mut not_recorded) = (Readings::default(), None, Vec::new());
    if let Some(refresh) = &mut refresh {
        if request.options.question.asks_drift() {
            // Code belongs to one root module, and to its state alone.
            let declared = declared.as_ref().filter(|_| states.refs.len() == 1);
            readings = refresh.read(session, declared).await;
        }
        if request.options.question.asks_unmanaged() && request.options.question.asks_drift() {
            // Who is asked what exists can tell what of the code was never imported.
            if let Some(declared) = declared.clone().filter(|_| states.refs.len() == 1) {
                let (providers, states) = (refresh.facts(&session.environment), Arc::clone(&states));
                let read = tokio::task::spawn_blocking(move || declared.unrecorded(&states.recorded, &providers));
                not_recorded = read.await.unwrap_or_default();
            }
        }
        if request.options.question.asks_unmanaged() {
            let listers = refresh.listers(session);
            if !listers.is_empty() {
                let mappings = catalog::type_mappings(&catalog);
                let filters = &request.options.filters;
                let readings = &readings.by_position;
                let context = Context { filters, mappings: &mappings, states: &states, readings };
                lists = Some(lists::list(session, &listers, context).await);
            }
        }
        diagnostics.extend(std::mem::take(&mut refresh.diagnostics));
        diagnostics.extend(refresh.warnings());
    }
    let compared = look_and_judge(
        session,
        request,
        Parts {
            catalog,
            ignore,
            severities,
            states,
            module: module.cloned(),
            declared,
            unrecorded,
            not_recorded,
            readings,
            lists,
            diagnostics,
            // What is judged by code that is not merged yet is nobody else's answer.
            is_kept: reach != Reach::Code,
        },
    )
    .await;
    let unwritten = match refresh {
        Some(refresh) => refresh.shutdown().await,
        None => Diagnostics::new(),
    };
    compared.map(|(mut answer, states)| {
        answer.diagnostics.extend(unwritten);
        if reach == Reach::Code {
            // A rule that has no use for code that is changed may have one for what is merged, or for another root module.
            answer
                .diagnostics
                .retain(|diagnostic| !matches!(diagnostic.code, "ignore-rule-unused" | "baseline-unused"));
        }
        (answer, states)
    })
}

/// Finds and starts the providers that the comparison asks; `None` where it asks none.
async fn open_refresh(
    session: &Session,
    request: &DriftRequest,
    (catalog, module): (&Catalog, Option<&Arc<RootModule>>),
    states: &Arc<States>,
    unrecorded: Option<&BTreeSet<ProviderConfigAddress>>,
) -> Result<Option<Refresh>, Error> {
    if request.sight == Sight::Inventory || request.freshness == Freshness::StoreOnly {
        return Ok(None);
    }
    let types = catalog::type_mappings(catalog);
    let request = RefreshRequest {
        module,
        scope: &request.scope,
        filters: &request.options.filters,
        types: &types,
        transcripts: request.transcripts.as_deref(),
        is_required: request.sight == Sight::Provider,
        is_listing: request.options.question.asks_unmanaged(),
        unrecorded,
    };
    Refresh::open(session, &request, Arc::clone(states)).await.map(Some)
}

/// What a comparison knows before it looks at the inventory.
struct Parts {
    catalog: Arc<Catalog>,
    ignore: IgnoreRules,
    severities: SeverityRules,
    states: Arc<States>,
    module: Option<Arc<RootModule>>,
    declared: Option<Arc<Declared>>,
    /// What the root module asks for, where that counts; `None` where only what is recorded does.
    unrecorded: Option<BTreeSet<ProviderConfigAddress>>,
    /// What the code has and the state does not record.
    not_recorded: Vec<UnrecordedInstance>,
    readings: Readings,
    /// What providers listed; `None` where none was asked.
    lists: Option<Lists>,
    diagnostics: Diagnostics,
    /// Whether the answer is kept in the store.
    is_kept: bool,
}

async fn look_and_judge(
    session: &Session,
    request: &DriftRequest,
    parts: Parts,
) -> Result<(DriftAnswer, Arc<States>), Error> {
    let operation = "compare states with the cloud";
    let Parts {
        catalog,
        ignore,
        severities,
        states,
        module,
        declared,
        unrecorded,
        not_recorded,
        readings,
        lists,
        mut diagnostics,
        is_kept,
    } = parts;
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(operation));
    }
    let types = types_to_look_at(&catalog, request, &states, unrecorded.as_ref(), &readings, lists.as_ref())?;
    let mut callers = Vec::new();
    let mut fresh = Vec::new();
    if let Some(types) = types_to_scan(session, request, &states, &types)? {
        let scan = ScanRequest {
            scope: ScopeRequest { types: types.iter().map(ToString::to_string).collect(), ..request.scope.clone() },
            store: request.store.clone(),
            dir: None,
        };
        let mut hints = hints(&states, &request.options.filters);
        hints.add(module.map(|module| code::provider_places(module.trusted())).unwrap_or_default());
        let scan = scan::prepare(session, &scan, &hints).await?;
        callers = scan.callers();
        check_accounts(&catalog, &states, &callers)?;
        fresh = scan.run(session).await?.outcomes;
    }
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(operation));
    }

    session.phase("comparing");
    let mut options = JudgeOptions { severities: severities.clone(), ..request.options.clone() };
    if let Freshness::Within(max_age) = request.freshness {
        options.max_age = SignedDuration::try_from(max_age).ok();
    }
    let now = (session.now)();
    let store = request.store.clone();
    let job = Job {
        store,
        catalog,
        ignore,
        callers,
        options,
        types,
        fresh,
        declared,
        not_recorded,
        readings,
        lists,
        now,
        is_kept,
    };
    let of_job = Arc::clone(&states);
    let (job, mut verdict) = tokio::task::spawn_blocking(move || job.run(&of_job)).await.map_err(|source| {
        Error::new(ErrorKind::Unavailable, operation, "The comparison ended early.").with_source(source)
    })??;
    diagnostics.extend(std::mem::take(&mut verdict.diagnostics));
    let diagnostics = refuse_errors(diagnostics)?;
    let answer = DriftAnswer {
        verdict,
        states: states.refs.clone(),
        root: request.states.dir.clone(),
        ignore: job.ignore,
        severities,
        callers: job.callers,
        diagnostics,
        at: now,
    };
    Ok((answer, states))
}

/// Compares the accounts before anything is looked at: in another account, everything would look missing.
fn check_accounts(catalog: &Catalog, states: &States, callers: &[Caller]) -> Result<(), Error> {
    let evidence = Evidence {
        states: &states.refs,
        recorded: &states.recorded,
        attributes: states,
        types: &catalog::type_mappings(catalog),
        scopes: &[],
        callers,
        declared: None,
        unrecorded: &[],
        removed_by_change: &BTreeSet::new(),
        readings: &BTreeMap::new(),
        provider_uses: &[],
        ignore: &IgnoreRules::default(),
    };
    // The verdict repeats the warnings.
    refuse_errors(::drift::place::check_accounts(&evidence)).map(drop)
}

/// Turns errors among the diagnostics into the error that ends the command.
fn refuse_errors(diagnostics: Diagnostics) -> Result<Diagnostics, Error> {
    let (errors, warnings): (Diagnostics, Diagnostics) =
        diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == model::Severity::Error);
    if errors.is_empty() {
        return Ok(warnings);
    }
    let kind = if errors.iter().any(|error| error.code == "wrong-account") {
        ErrorKind::WrongAccount
    } else {
        ErrorKind::Usage
    };
    let detail = "Nothing was judged, because every answer would be wrong.";
    Err(Error::new(kind, "compare states with the cloud", detail).with_diagnostics(errors))
}

/// Chooses the types to ask the cloud for; `None` where the store alone answers.
fn types_to_scan(
    session: &Session,
    request: &DriftRequest,
    states: &States,
    types: &BTreeSet<NativeType>,
) -> Result<Option<BTreeSet<NativeType>>, Error> {
    let types = match request.freshness {
        Freshness::StoreOnly => return Ok(None),
        Freshness::Now => types.clone(),
        Freshness::Within(max_age) => {
            let hints = hints(states, &request.options.filters);
            query::stale_types(session, &request.store, types, &hints, max_age)?
        }
    };
    Ok((!types.is_empty()).then_some(types))
}

/// Everything the comparison needs, to be carried to a thread that may block.
struct Job {
    store: PathBuf,
    catalog: Arc<Catalog>,
    ignore: IgnoreRules,
    callers: Vec<Caller>,
    options: JudgeOptions,
    types: BTreeSet<NativeType>,
    fresh: Vec<ScopeOutcome>,
    declared: Option<Arc<Declared>>,
    not_recorded: Vec<UnrecordedInstance>,
    readings: Readings,
    lists: Option<Lists>,
    now: Timestamp,
    is_kept: bool,
}

impl Job {
    fn run(mut self, states: &States) -> Result<(Self, Verdict), Error> {
        let is_asked = !self.readings.by_position.is_empty() || self.lists.is_some();
        if (is_asked || self.types.is_empty()) && !query::snapshot_path(&self.store).exists() {
            // Nothing was ever scanned: providers saw what there is to see, or nothing of the inventory is asked for.
            query::publish(&query::open_writer(&self.store)?, self.now)?;
        }
        let snapshot = query::open_snapshot(&self.store)?;
        let mut scopes: BTreeMap<_, ScopeOutcome> = BTreeMap::new();
        for record in snapshot.scopes().map_err(query::store_error)? {
            if self.types.contains(&record.last.scope.native_type) {
                scopes.insert(record.last.scope.clone(), record.last);
            }
        }
        for outcome in &self.fresh {
            scopes.insert(outcome.scope.clone(), outcome.clone());
        }
        let scopes: Vec<ScopeOutcome> = scopes.into_values().collect();
        let types = catalog::type_mappings(&self.catalog);
        let evidence = Evidence {
            states: &states.refs,
            recorded: &states.recorded,
            attributes: states,
            types: &types,
            scopes: &scopes,
            callers: &self.callers,
            declared: self.declared.as_deref().map(|declared| declared as &dyn DeclaredArguments),
            unrecorded: &self.not_recorded,
            removed_by_change: &BTreeSet::new(),
            readings: &self.readings.by_position,
            provider_uses: &self.readings.uses,
            ignore: &self.ignore,
        };
        let claiming = claims::claiming_types(&self.catalog);
        let native_types = self.types.difference(&claiming).map(ToString::to_string).collect();
        let wanted = store::Query { native_types, ..store::Query::default() };
        let claims = Claims::read(&snapshot, &self.catalog)?;
        let lists = self.lists.take().unwrap_or_default();
        let merge = RefCell::new(Merge::new(lists, &types, &scopes));
        let mut failure = None;
        let seen = snapshot.objects(&wanted).map_while(|object| match object {
            Ok(stored) => {
                let mut object = stored.object;
                merge.borrow_mut().note(&object);
                claims.apply(&mut object);
                Some(object)
            }
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        let listed = std::iter::once_with(|| merge.borrow_mut().take_rest()).flatten().map(|mut object| {
            claims.apply(&mut object);
            object
        });
        let mut objects = seen.chain(listed);
        let mut verdict = ::drift::judge(&evidence, &mut objects, &self.options, self.now);
        drop(objects);
        if let Some(error) = failure {
            return Err(query::store_error(error));
        }
        drop(snapshot);
        verdict.coverage.lists = merge.into_inner().into_outcomes();
        verdict.is_complete &= lists::is_complete(&verdict.coverage.lists, &types);
        let read = self.readings.by_position.values().filter(|reading| !matches!(reading.outcome, Outcome::Unseen(_)));
        let oldest = read.map(|reading| reading.observed_at).min();
        verdict.as_of = verdict.as_of.into_iter().chain(oldest).min();
        if !self.is_kept || is_narrowed(&self.options) {
            // Whoever asks the store wants to know all of it.
            return Ok((self, verdict));
        }
        if let Err(error) = save(&self.store, states, &verdict, self.now) {
            let detail = format!("{error} The answer stands; data sources keep the one before.");
            verdict.diagnostics.push(Diagnostic::warning(
                "not-saved",
                "The findings were not saved in the store",
                detail,
            ));
        }
        Ok((self, verdict))
    }
}

/// Tells whether an answer leaves out what somebody else may want to know.
fn is_narrowed(options: &JudgeOptions) -> bool {
    options.filters != Filters::default() || !options.tiers.is_empty()
}

/// Stores what was found, so that data sources can read it.
fn save(store: &Path, states: &States, verdict: &Verdict, now: Timestamp) -> Result<(), Error> {
    if model::diagnostic::has_errors(&verdict.diagnostics) {
        return Ok(());
    }
    let subject = subject(&states.refs, verdict.question);
    let record =
        store::DriftRecord { subject: &subject, at: now, findings: &verdict.findings, coverage: &verdict.coverage };
    let mut store = query::open_writer(store)?;
    store.save_findings(&record).map_err(query::store_error)?;
    query::publish(&store, now)
}

/// Names what a comparison was about: the question and the states, in order.
pub fn subject(states: &[StateRef], question: Question) -> String {
    let mut urls: Vec<&str> = states.iter().map(|state| &*state.url).collect();
    urls.sort_unstable();
    let question = match question {
        Question::Drift => "drift",
        Question::DriftAndUnmanaged => "drift+unmanaged",
        Question::Unmanaged => "unmanaged",
    };
    format!("{question} {}", urls.join(" "))
}

/// Chooses the types to look at in the inventory: where only drift is asked for those that are recorded and that no
/// provider was asked about, else those asked for.
///
/// Where providers list what there is, a type need not be in the catalog, and a cloud of which nothing is recorded is left
/// alone.
fn types_to_look_at(
    catalog: &Catalog,
    request: &DriftRequest,
    states: &States,
    unrecorded: Option<&BTreeSet<ProviderConfigAddress>>,
    readings: &Readings,
    lists: Option<&Lists>,
) -> Result<BTreeSet<NativeType>, Error> {
    let mappings = catalog::type_mappings(catalog);
    let selected = if lists.is_none() && unrecorded.is_none() {
        catalog::select(catalog, &request.scope.types)?
    } else {
        select_beside(catalog, &mappings, &request.scope.types, states, unrecorded, lists)?
    };
    if selected.is_empty() {
        return Ok(selected);
    }
    if request.options.question != Question::Drift {
        return Ok(selected.into_iter().chain(claims::claiming_types(catalog)).collect());
    }
    let unread =
        states.recorded.iter().enumerate().filter(|(position, _)| !readings.by_position.contains_key(position));
    let recorded: BTreeSet<&ResourceType> = unread.map(|(_, instance)| instance.address.resource_type()).collect();
    let native: BTreeSet<&NativeType> =
        recorded.into_iter().filter_map(|name| mappings.get(name)).flat_map(|mapping| &mapping.native_types).collect();
    Ok(selected.into_iter().filter(|native_type| native.contains(native_type)).collect())
}

/// Chooses the types of the catalog beside what providers listed, and beside the providers that the root module asks for.
fn select_beside(
    catalog: &Catalog,
    mappings: &BTreeMap<ResourceType, TypeMapping>,
    globs: &[String],
    states: &States,
    unrecorded: Option<&BTreeSet<ProviderConfigAddress>>,
    lists: Option<&Lists>,
) -> Result<BTreeSet<NativeType>, Error> {
    let prefix = |name: &str| name.split('_').next().unwrap_or_default().to_owned();
    let clouds: BTreeSet<String> = mappings.keys().map(|resource_type| prefix(resource_type.as_str())).collect();
    let is_listed = |glob: &&String| {
        let pattern = Pattern::new(glob);
        let names = lists.iter().flat_map(|lists| &lists.outcomes).map(|outcome| &outcome.resource_type);
        let prefix = prefix(glob);
        names.filter(|name| !mappings.contains_key(*name)).any(|name| pattern.matches(name.as_str()))
            // Whoever names such a type knows the ids of its objects.
            || unrecorded.is_some() && !clouds.contains(&prefix)
    };
    let (listed, in_catalog): (Vec<&String>, Vec<&String>) = globs.iter().partition(is_listed);
    // What is listed may name types of the catalog as well.
    let mut selected: BTreeSet<NativeType> = listed
        .into_iter()
        .flat_map(|glob| catalog::select(catalog, std::slice::from_ref(glob)).unwrap_or_default())
        .collect();
    let is_recorded = |instance: &RecordedInstance| mappings.contains_key(instance.address.resource_type());
    let is_asked = unrecorded.is_some_and(|configurations| {
        let is_silent = configurations.is_empty() && states.recorded.is_empty();
        is_silent || configurations.iter().any(|asked| clouds.contains(&*asked.provider.provider_type))
    });
    if !in_catalog.is_empty() || globs.is_empty() && (is_asked || states.recorded.iter().any(is_recorded)) {
        let in_catalog: Vec<String> = in_catalog.into_iter().cloned().collect();
        selected.extend(catalog::select(catalog, &in_catalog)?);
    }
    Ok(selected)
}

/// Gathers where the states say that their instances are.
fn hints(states: &States, filters: &Filters) -> Hints {
    let is_wanted = |region: &Region| filters.regions.is_empty() || filters.regions.contains(region);
    let recorded = states.recorded.iter();
    Hints {
        regions: recorded.filter_map(|instance| instance.region.clone()).filter(is_wanted).collect(),
        ..Hints::default()
    }
}
