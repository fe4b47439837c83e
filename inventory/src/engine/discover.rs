//! One discovery: what is planned, what runs side by side, and that nothing planned is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{Cause, CauseKind, Region, RemoteObject, Scope, ScopeOutcome};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::family::{Family, Run};
use super::outcome::not_looked_at;
use super::shuffle::shuffle;
use crate::definition::{Catalog, Reach, TypeDefinition};

/// Events that wait for their listener, at most: beyond this the engine waits too.
const MAX_WAITING_EVENTS: usize = 1024;

/// Says what to look at, and how.
#[derive(Clone, Debug)]
pub struct DiscoverRequest {
    /// The definitions.
    pub catalog: Arc<Catalog>,
    /// The accounts, each with its regions.
    pub accounts: Vec<AccountRegions>,
    /// The native types; their parents are looked at as well.
    pub types: Vec<String>,
    /// Which objects are asked about one by one.
    pub details: DetailChoice,
    /// Families (a type with its children in one region) looked at side by side.
    pub concurrency: usize,
    /// Objects of one family asked about side by side.
    pub width: usize,
    /// How long one type in one region may take.
    pub type_deadline: Duration,
    /// Pages of one listing, at most.
    pub max_pages: u32,
    /// Mixes the order of the families; the same seed gives the same order.
    pub seed: u64,
    /// Stops the run; what was seen until then is kept, the rest is undetermined.
    pub cancel: CancellationToken,
}

/// Names an account and the regions to look at.
#[derive(Clone, Debug)]
pub struct AccountRegions {
    /// The account.
    pub account: Account,
    /// The regions; the first one known decides the partition that global types are asked in.
    pub regions: Vec<Region>,
}

/// Says which details that a definition calls optional are fetched.
#[derive(Clone, Debug)]
pub enum DetailChoice {
    /// None of them.
    Required,
    /// All of them.
    Every,
    /// Those of objects whose key, ARN or import id is in the set: what a state records, for instance.
    Recorded(Arc<BTreeSet<String>>),
}

/// Says what happened, as it happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// An object was seen.
    Object(Box<RemoteObject>),
    /// A scope was finished, well or not.
    Scope(ScopeOutcome),
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// One outcome for each scope that was planned, in the order of the scopes.
    pub outcomes: Vec<ScopeOutcome>,
}

impl DiscoverRequest {
    /// Makes a request with the values used where the user says nothing.
    pub fn new(catalog: Arc<Catalog>, accounts: Vec<AccountRegions>, types: Vec<String>) -> Self {
        Self {
            catalog,
            accounts,
            types,
            details: DetailChoice::Every,
            concurrency: 16,
            width: 8,
            type_deadline: Duration::from_mins(10),
            max_pages: 10_000,
            seed: 0,
            cancel: CancellationToken::new(),
        }
    }

    fn families(&self) -> (Vec<Family>, Vec<ScopeOutcome>) {
        let names: Vec<&str> = self.types.iter().map(String::as_str).collect();
        let types = self.catalog.with_ancestors(&names);
        let mut children: BTreeMap<String, Vec<Arc<TypeDefinition>>> = BTreeMap::new();
        for definition in &types {
            if let Some(parent) = &definition.parent {
                children.entry(parent.type_name.clone()).or_default().push(Arc::clone(definition));
            }
        }
        let children = Arc::new(children);
        let mut families: BTreeMap<Scope, Family> = BTreeMap::new();
        for AccountRegions { account, regions } in &self.accounts {
            for root in types.iter().filter(|definition| definition.parent.is_none()) {
                let asked: Vec<Region> = match root.reach {
                    Reach::Regional => regions.clone(),
                    Reach::Global => {
                        let named = regions.iter().find_map(|region| account.cloud().partition_of(region.as_str()));
                        let partition = named.or(account.cloud().partitions.first());
                        partition.map(|partition| Region::from(partition.global_region.as_str())).into_iter().collect()
                    }
                };
                for region in asked {
                    let family = Family {
                        account: account.clone(),
                        region,
                        root: Arc::clone(root),
                        children: Arc::clone(&children),
                    };
                    families.entry(family.scope(root)).or_insert(family);
                }
            }
        }
        let mut unknown = Vec::new();
        for name in names.iter().filter(|name| self.catalog.get(name).is_none()) {
            for AccountRegions { account, .. } in &self.accounts {
                let scope = Scope {
                    cloud: model::CloudName::from(name.split('.').next().unwrap_or_default()),
                    account: account.id.clone(),
                    region: None,
                    native_type: model::NativeType::from(*name),
                };
                let cause = Cause::new(CauseKind::NoDefinition, format!("The catalog has no type {name:?}."));
                unknown.push(not_looked_at(scope, cause));
            }
        }
        (families.into_values().collect(), unknown)
    }
}

/// Looks at every scope of a request and tells `sink` what it sees, as it sees it.
///
/// Never fails as a whole: what could not be seen is an outcome with causes. When the request is cancelled, what is under
/// way ends at once, and the outcomes say so.
pub async fn discover(request: DiscoverRequest, sink: &mut (dyn FnMut(Event) + Send)) -> Discovery {
    let (mut families, unknown) = request.families();
    shuffle(&mut families, request.seed);
    let mut outcomes: BTreeMap<Scope, ScopeOutcome> = BTreeMap::new();
    for outcome in unknown {
        sink(Event::Scope(outcome.clone()));
        outcomes.insert(outcome.scope.clone(), outcome);
    }
    let planned: BTreeSet<Scope> = families.iter().flat_map(Family::scopes).collect();

    let (events, mut incoming) = mpsc::channel(MAX_WAITING_EVENTS);
    let run = Arc::new(Run {
        catalog: Arc::clone(&request.catalog),
        details: request.details.clone(),
        events,
        cancel: request.cancel.clone(),
        type_deadline: request.type_deadline,
        max_pages: request.max_pages,
        width: request.width.max(1),
    });
    let places = Arc::new(Semaphore::new(request.concurrency.max(1)));
    let mut tasks = JoinSet::new();
    for family in families {
        let (run, places) = (Arc::clone(&run), Arc::clone(&places));
        tasks.spawn(async move {
            let place = places.acquire_owned().await;
            family.walk(&run).await;
            drop(place);
        });
    }
    // The tasks hold the channel open for as long as there is anything to hear.
    drop(run);
    while let Some(event) = incoming.recv().await {
        if let Event::Scope(outcome) = &event {
            outcomes.insert(outcome.scope.clone(), outcome.clone());
        }
        sink(event);
    }
    while tasks.join_next().await.is_some() {}
    for scope in planned {
        outcomes.entry(scope).or_insert_with_key(|scope| {
            let cause = Cause::new(
                CauseKind::InvalidReply,
                "driftmgr itself failed while it looked at this scope: please report it, with the log.",
            );
            let outcome = not_looked_at(scope.clone(), cause);
            sink(Event::Scope(outcome.clone()));
            outcome
        });
    }
    Discovery { outcomes: outcomes.into_values().collect() }
}
