//! `scan`: looks at the cloud, and stores what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};

use ::drift::Caller;
use inventory::definition::{Catalog, Reach};
use inventory::engine::{AccountRegions, DiscoverRequest, Event, discover};
use jiff::Timestamp;
use model::{NativeType, RemoteObject, ResourceType, ScopeOutcome};
use store::{Retention, RunMeta, RunSummary, Store};

use crate::accounts::{self, Hints};
use crate::evaluation::RootModule;
use crate::request::{ScopeRequest, StatesRequest};
use crate::{Error, ErrorKind, Session, Step, catalog, code, query};

/// Objects that are written to the store in one transaction.
const BATCH: usize = 1_000;
/// Events that wait for the store, at most.
const MAX_WAITING: usize = 8_192;

/// Asks what exists.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// Where to look.
    pub scope: ScopeRequest,
    /// The store's file.
    pub store: PathBuf,
    /// A root module whose provider blocks name regions.
    pub dir: Option<PathBuf>,
}

/// What a scan saw.
#[derive(Clone, Debug)]
pub struct ScanAnswer {
    /// What became of every scope, in their order.
    pub outcomes: Vec<ScopeOutcome>,
    /// What is different in the store.
    pub summary: RunSummary,
    /// Whose credentials were used.
    pub callers: Vec<Caller>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// Looks at every scope of the request, stores what was seen, and publishes a snapshot for readers.
///
/// When the session is cancelled, what was seen until then is stored, and the rest is undetermined.
///
/// # Errors
///
/// Where nothing could be looked at: no credentials, the wrong account, no region, an unusable store. A scope that fails
/// is no error.
pub async fn scan(session: &Session, request: &ScanRequest) -> Result<ScanAnswer, Error> {
    prepare(session, request, &Hints::default()).await?.run(session).await
}

/// A scan that knows whose credentials it uses, and has looked at nothing yet.
pub(crate) struct Prepared {
    catalog: Arc<Catalog>,
    accounts: Vec<accounts::Account>,
    types: BTreeSet<NativeType>,
    request: ScanRequest,
    started: Timestamp,
}

/// Finds out whose credentials there are, and which regions and types to look at.
pub(crate) async fn prepare(session: &Session, request: &ScanRequest, hints: &Hints) -> Result<Prepared, Error> {
    let started = (session.now)();
    let catalog = catalog::load(session, request.scope.catalog.as_deref())?;
    let types = catalog::select(&catalog, &request.scope.types)?;
    let mut hints = hints.clone();
    if let Some(directory) = &request.dir {
        let request = StatesRequest { dir: Some(directory.clone()), ..StatesRequest::default() };
        let module = RootModule::opened(session, &request).await;
        hints.add(module.map(|module| code::provider_places(&module)).unwrap_or_default());
    }
    let network = accounts::network(session, &request.scope, &catalog)?;
    let accounts = accounts::open(session, &request.scope, &network, &catalog, &hints).await?;
    Ok(Prepared { catalog, accounts, types, request: request.clone(), started })
}

impl Prepared {
    /// Says whose credentials are used.
    pub(crate) fn callers(&self) -> Vec<Caller> {
        self.accounts.iter().map(accounts::Account::as_caller).collect()
    }

    /// Looks, and stores what is seen.
    pub(crate) async fn run(self, session: &Session) -> Result<ScanAnswer, Error> {
        let callers = self.callers();
        let Self { catalog, accounts, types, request, started } = self;
        let meta = RunMeta { started, tool_version: env!("CARGO_PKG_VERSION").to_owned(), types: type_map(&catalog) };
        let (events, incoming) = sync_channel(MAX_WAITING);
        // An unusable store is said before the cloud is asked anything more.
        let store = query::open_writer_first(session, &request.store).await?;
        let now = session.now;
        let writer = tokio::task::spawn_blocking(move || write(store, &meta, &incoming, now));

        let regions: Vec<AccountRegions> = accounts.iter().map(accounts::Account::to_regions).collect();
        let n_total = count_scopes(&catalog, &types, &regions);
        let names = types.iter().map(|native_type| native_type.as_str().to_owned()).collect();
        let mut discovery = DiscoverRequest::new(catalog, regions, names);
        discovery.concurrency = request.scope.parallelism;
        discovery.type_deadline = request.scope.scope_deadline;
        discovery.cancel = session.cancel.clone();
        let (mut n_done, mut n_objects) = (0, 0);
        session.progress.step(Step::Scopes { n_done, n_total, n_objects });
        let mut sink = |event: Event| {
            match &event {
                Event::Object(_) => n_objects += 1,
                Event::Scope(_) => {
                    n_done += 1;
                    session.progress.step(Step::Scopes { n_done, n_total: n_total.max(n_done), n_objects });
                }
            }
            // Where the store is behind, looking waits for it. A writer that failed says why to whoever joins it.
            if let Err(TrySendError::Full(event)) = events.try_send(event) {
                tokio::task::block_in_place(|| events.send(event).ok());
            }
        };
        let discovery = discover(discovery, &mut sink).await;
        drop(events);
        let summary = writer.await.map_err(|source| {
            Error::new(ErrorKind::Unavailable, "store what was seen", "The writer ended early.").with_source(source)
        })??;
        Ok(ScanAnswer { outcomes: discovery.outcomes, summary, callers, started, finished: (session.now)() })
    }
}

/// Writes what is seen as it comes in; runs on a thread of its own.
fn write(
    mut store: Store,
    meta: &RunMeta,
    incoming: &Receiver<Event>,
    now: fn() -> Timestamp,
) -> Result<RunSummary, Error> {
    let mut run = store.begin_run(meta).map_err(query::store_error)?;
    let mut batch: Vec<RemoteObject> = Vec::with_capacity(BATCH);
    for event in incoming {
        match event {
            Event::Object(object) => {
                batch.push(*object);
                if batch.len() == BATCH {
                    run.upsert_scope_batch(&batch).map_err(query::store_error)?;
                    batch.clear();
                }
            }
            Event::Scope(outcome) => {
                run.upsert_scope_batch(&batch).map_err(query::store_error)?;
                batch.clear();
                run.close_scope(&outcome).map_err(query::store_error)?;
            }
        }
    }
    let summary = run.finish(now()).map_err(query::store_error)?;
    store.prune(Retention::DEFAULT, now()).map_err(query::store_error)?;
    query::publish(&store, now())?;
    Ok(summary)
}

fn type_map(catalog: &Catalog) -> BTreeMap<NativeType, BTreeSet<ResourceType>> {
    catalog
        .types()
        .map(|definition| {
            let resource_types = definition.resource_types().map(ResourceType::from).collect();
            (NativeType::from(definition.name.as_str()), resource_types)
        })
        .collect()
}

fn count_scopes(catalog: &Catalog, types: &BTreeSet<NativeType>, accounts: &[AccountRegions]) -> u64 {
    let names: Vec<&str> = types.iter().map(NativeType::as_str).collect();
    let definitions = catalog.with_ancestors(&names);
    let per_account = |account: &AccountRegions| -> usize {
        definitions
            .iter()
            .map(|definition| if definition.reach == Reach::Global { 1 } else { account.regions.len() })
            .sum()
    };
    accounts.iter().map(|account| per_account(account) as u64).sum()
}
