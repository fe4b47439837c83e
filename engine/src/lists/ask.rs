//! Asking one configured provider for its lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::drift::RecordedAttributes;
use cty::Value;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use model::{AccountId, Cause, CauseKind, Identity, ListStatus, ProviderConfigAddress, ResourceType, Schema};
use tfplugin::{
    Answer, Call, ErrorKind, ImportRequest, ImportTarget, ListEvent, ListRequest, Provider, ProviderSchema,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::{self, Needs};
use super::{Context, MAX_OBJECTS};
use crate::refresh::cause::{self, Secrets};
use crate::refresh::pace::{Pace, Rate, Slot};

/// Events that wait to be taken.
const MAX_WAITING: usize = 256;
/// A provider that lists nothing for so long is stopped: some wait for services that do not answer.
const MAX_SILENCE: Duration = Duration::from_mins(1);
/// How long a throttled list rests before it is asked for again, the first time; then twice as long each time.
const FIRST_REST: Duration = Duration::from_secs(1);
/// Parents whose children are listed, per type.
const MAX_PARENTS: usize = 200;
/// After so many crashes a provider is not asked for more lists.
const MAX_CRASHES: usize = 3;

/// A configured provider that can be asked for lists.
pub(crate) struct Lister {
    /// The provider.
    pub(crate) provider: Arc<dyn Provider>,
    /// What it offers.
    pub(crate) schema: Arc<ProviderSchema>,
    /// The configuration, as a state names it.
    pub(crate) name: ProviderConfigAddress,
    /// Its version, where it is known.
    pub(crate) version: Option<String>,
    /// The account of its credentials, where it says so.
    pub(crate) account: Option<AccountId>,
    /// How much it is asked at once.
    pub(crate) pace: Arc<Pace>,
    /// How many at once, at most.
    pub(crate) n_parallel: usize,
    /// The most calls a second over everything, where there is such a limit.
    pub(crate) rate: Option<Arc<Rate>>,
    /// How long one list may take.
    pub(crate) deadline: Duration,
    /// Ends every call.
    pub(crate) cancel: CancellationToken,
    /// What the provider's configuration holds that must not be shown.
    pub(crate) secrets: Secrets,
    /// Tells the time.
    pub(crate) now: fn() -> Timestamp,
}

/// What a provider said of one type.
#[derive(Debug)]
pub(crate) struct TypeList {
    /// The type.
    pub(crate) resource_type: ResourceType,
    /// How far it went.
    pub(crate) status: ListStatus,
    /// The objects.
    pub(crate) items: Vec<Item>,
    /// How often each call was made.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Why it was cut short, failed or was not asked for.
    pub(crate) causes: Vec<Cause>,
    /// When it ended.
    pub(crate) at: Timestamp,
}

/// One listed object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// What the provider identifies it by.
    pub(crate) identity: Identity,
    /// What people call it.
    pub(crate) name: String,
}

/// How a type can be asked for.
enum Way {
    /// With each of these configurations; why they are not all there are.
    Ask { configs: Vec<Value>, causes: Vec<Cause> },
    /// Not at all.
    Unknown(Cause),
}

/// Why a call gave no answer.
struct Failure {
    cause: Cause,
    is_crash: bool,
}

impl Lister {
    /// Asks for every type that is wanted: those that need no argument first, as others may need what these gave.
    pub(crate) async fn list_all(&self, context: Context<'_>) -> Vec<TypeList> {
        let (mut plain, mut needy) = (BTreeMap::new(), Vec::new());
        let mut parents = BTreeSet::new();
        for (name, schema) in &self.schema.list_resources {
            let resource_type = ResourceType::from(name.as_str());
            if !context.is_wanted(&resource_type) {
                continue;
            }
            match config::needs(schema) {
                Needs::Nothing => {
                    plain.insert(resource_type, Way::plain(schema));
                }
                Needs::Argument(argument) => {
                    let parent = config::parent(&resource_type, argument, &self.schema.identities);
                    parents.extend(parent.map(|(parent, _)| parent));
                    needy.push((resource_type, schema, argument, parent));
                }
                Needs::More(what) => {
                    let detail = format!("Its list needs {what}, which nothing that is recorded tells.");
                    let cause = Cause::new(CauseKind::ParentNotSeen, detail);
                    plain.insert(resource_type, Way::Unknown(cause));
                }
            }
        }
        // Whose children are wanted is listed too, and then forgotten.
        for parent in parents {
            let schema = self.schema.list_resources.get(parent);
            if let Some(schema) = schema.filter(|schema| config::needs(schema) == Needs::Nothing) {
                plain.entry(ResourceType::from(parent)).or_insert_with(|| Way::plain(schema));
            }
        }
        let mut lists = self.list_each(plain.into_iter().collect()).await;
        let needy = needy.into_iter().map(|(resource_type, schema, argument, parent)| {
            let way = parents_of(schema, argument, parent, context, &lists);
            (resource_type, way)
        });
        let needy: Vec<_> = needy.collect();
        lists.extend(self.list_each(needy).await);
        lists.retain(|list| context.is_wanted(&list.resource_type));
        lists.sort_by(|a, b| a.resource_type.cmp(&b.resource_type));
        lists
    }

    async fn list_each(&self, types: Vec<(ResourceType, Way)>) -> Vec<TypeList> {
        let n_crashes = AtomicUsize::new(0);
        let list = |(resource_type, way)| self.list_type(resource_type, way, &n_crashes).boxed();
        let lists: Vec<BoxFuture<'_, TypeList>> = types.into_iter().map(list).collect();
        futures::stream::iter(lists).buffer_unordered(self.n_parallel.max(1)).collect().await
    }

    async fn list_type(&self, resource_type: ResourceType, way: Way, n_crashes: &AtomicUsize) -> TypeList {
        let mut list = TypeList {
            resource_type,
            status: ListStatus::Listed,
            items: Vec::new(),
            calls: BTreeMap::new(),
            causes: Vec::new(),
            at: (self.now)(),
        };
        let configs = match way {
            Way::Unknown(cause) => {
                list.causes.push(cause);
                list.status = ListStatus::NotListed;
                return list;
            }
            Way::Ask { configs, causes } => {
                list.causes = causes;
                configs
            }
        };
        let deadline = Instant::now().checked_add(self.deadline);
        for config in configs {
            if n_crashes.load(Ordering::Relaxed) >= MAX_CRASHES {
                let detail = "The provider crashed over other lists too often to be asked for this one.";
                list.causes.push(Cause::new(CauseKind::ProviderFailed, detail));
                break;
            }
            if let Err(failure) = self.list_once(&mut list, config, deadline).await {
                if failure.is_crash {
                    n_crashes.fetch_add(1, Ordering::Relaxed);
                }
                let is_last = matches!(failure.cause.kind, CauseKind::Timeout | CauseKind::Cancelled);
                if !list.causes.contains(&failure.cause) {
                    list.causes.push(failure.cause);
                }
                if is_last {
                    break;
                }
            }
        }
        list.status = match (list.causes.is_empty(), list.items.is_empty()) {
            (true, _) => ListStatus::Listed,
            (false, false) => ListStatus::Partial,
            (false, true) => ListStatus::Failed,
        };
        list.at = (self.now)();
        list
    }

    /// Asks once; where the cloud asks to slow down, again and again until the time is up.
    async fn list_once(&self, list: &mut TypeList, config: Value, deadline: Option<Instant>) -> Result<(), Failure> {
        let name = list.resource_type.to_string();
        let call = Call { cancel: self.cancel.child_token(), deadline };
        let mut slot = self.slot(&call).await?;
        let validated = self.provider.validate_list_config(&call, &name, config.clone());
        count(&mut list.calls, "ValidateListResourceConfig");
        self.answer("ValidateListResourceConfig", slot.wait_for(validated).await)?;
        let mut rest = FIRST_REST;
        loop {
            if let Some(rate) = &self.rate {
                rate.turn().await;
            }
            let started = Instant::now();
            let n_before = list.items.len();
            count(&mut list.calls, "ListResource");
            match self.stream(list, config.clone(), &call, &mut slot).await {
                Ok(()) => {
                    let took = started.elapsed();
                    self.pace.answered(took, took);
                    return Ok(());
                }
                Err(failure) if failure.cause.kind == CauseKind::Throttled => {
                    self.pace.throttled();
                    let has_time = deadline.is_none_or(|deadline| Instant::now() + rest < deadline);
                    if !has_time || self.cancel.is_cancelled() {
                        return Err(failure);
                    }
                    tokio::select! {
                        () = self.cancel.cancelled() => return Err(failure),
                        () = slot.pause(rest) => {}
                    }
                    list.items.truncate(n_before);
                    rest *= 2;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Takes the objects as they come. What came before an error is kept.
    async fn stream(&self, list: &mut TypeList, config: Value, call: &Call, slot: &mut Slot) -> Result<(), Failure> {
        let request = ListRequest {
            resource_type: list.resource_type.to_string(),
            config,
            include_resource: false,
            limit: i64::try_from(MAX_OBJECTS).unwrap_or(i64::MAX),
        };
        let (sender, mut events) = mpsc::channel(MAX_WAITING);
        let mut failure = None;
        let n_before = list.items.len();
        let listing = CancellationToken::child_token(&call.cancel);
        let call = Call { cancel: listing.clone(), deadline: call.deadline };
        let taking = async {
            loop {
                let event = match tokio::time::timeout(MAX_SILENCE, events.recv()).await {
                    Ok(Some(event)) => event,
                    Ok(None) => break,
                    Err(_) => {
                        let detail =
                            format!("The provider listed nothing for {} s, so it was stopped.", MAX_SILENCE.as_secs());
                        let cause = Cause::new(CauseKind::Timeout, detail);
                        failure = Some(Failure { cause, is_crash: false });
                        listing.cancel();
                        break;
                    }
                };
                let ListEvent { identity, display_name, resource: _, diagnostics } = event;
                if let Some(cause) = cause::of_diagnostics("ListResource", &diagnostics, &self.secrets) {
                    failure.get_or_insert(Failure { cause, is_crash: false });
                }
                if let Some(identity) = identity.filter(|identity| !identity.value.is_null()) {
                    list.items.push(Item { identity, name: display_name });
                }
                if list.items.len() - n_before >= MAX_OBJECTS {
                    let detail = format!("The list has {MAX_OBJECTS} objects and more; the rest was not taken.");
                    let cause = Cause::new(CauseKind::InvalidReply, detail);
                    failure.get_or_insert(Failure { cause, is_crash: false });
                    break;
                }
            }
            // Nobody listens any more, which ends the list.
            drop(events);
        };
        let answering = self.provider.list_resource(&call, request, sender);
        let ((), answer) = slot.wait_for(async { tokio::join!(taking, answering) }).await;
        match failure {
            Some(failure) => Err(failure),
            None => self.answer("ListResource", answer),
        }
    }

    /// Asks for the first state of an object, by identity or id; `None` where the provider gives none.
    pub(crate) async fn import(&self, list: &mut TypeList, target: ImportTarget) -> Option<Value> {
        let call = Call { cancel: self.cancel.child_token(), deadline: Instant::now().checked_add(self.deadline) };
        let mut slot = self.slot(&call).await.ok()?;
        if let Some(rate) = &self.rate {
            rate.turn().await;
        }
        count(&mut list.calls, "ImportResourceState");
        let name = list.resource_type.to_string();
        let request = ImportRequest { resource_type: name.clone(), target };
        let imported = slot.wait_for(self.provider.import_resource_state(&call, request)).await;
        let imported = self.answer("ImportResourceState", imported).ok()?;
        let mut imported = imported.into_iter().filter(|imported| imported.resource_type == name);
        imported.next().map(|imported| imported.object.value).filter(|value| !value.is_null())
    }

    async fn slot(&self, call: &Call) -> Result<Slot, Failure> {
        let late = async {
            match call.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let cause = tokio::select! {
            biased;
            () = self.cancel.cancelled() => {
                Cause::new(CauseKind::Cancelled, "It was stopped before the provider was asked for the list.")
            }
            slot = self.pace.slot() => return Ok(slot),
            () = late => Cause::new(CauseKind::Timeout, "The time was up before the provider was asked for the list."),
        };
        Err(Failure { cause, is_crash: false })
    }

    fn answer<T>(&self, operation: &str, answer: Answer<T>) -> Result<T, Failure> {
        match answer {
            Ok((value, diagnostics)) => match cause::of_diagnostics(operation, &diagnostics, &self.secrets) {
                None => Ok(value),
                Some(cause) => Err(Failure { cause, is_crash: false }),
            },
            Err(error) => Err(Failure {
                cause: cause::of_error(&error, &self.secrets),
                is_crash: matches!(error.kind(), ErrorKind::Crashed | ErrorKind::Connection),
            }),
        }
    }
}

impl Way {
    fn plain(schema: &Schema) -> Self {
        Self::Ask { configs: vec![config::empty(schema)], causes: Vec::new() }
    }
}

/// Fills the only argument that a list needs with the objects it evidently means.
fn parents_of(
    schema: &Schema,
    argument: &str,
    parent: Option<(&str, &str)>,
    context: Context<'_>,
    lists: &[TypeList],
) -> Way {
    let Some((parent, attribute)) = parent else {
        let detail = format!(
            "Its list needs the argument `{argument}`, and no type that the provider identifies is evidently meant by it."
        );
        return Way::Unknown(Cause::new(CauseKind::ParentNotSeen, detail));
    };
    let mut values = BTreeSet::new();
    let list = lists.iter().find(|list| list.resource_type.as_str() == parent);
    // What is recorded may lie in another region: it counts where the list does not tell.
    let is_listed = list.is_some_and(|list| list.status == ListStatus::Listed);
    for (position, instance) in context.states.recorded.iter().enumerate().filter(|_| !is_listed) {
        if instance.address.resource_type().as_str() == parent {
            let found = context.states.attributes(position, &[attribute]).unwrap_or_default();
            values.extend(found.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)));
        }
    }
    values.extend(list.into_iter().flat_map(|list| &list.items).filter_map(|item| {
        item.identity.value.get_attr(attribute).ok().and_then(|value| value.as_str().map(str::to_owned))
    }));
    let mut causes = Vec::new();
    if !is_listed {
        let detail = format!("It is listed for each {parent}, and not all of those could be listed.");
        causes.push(Cause::new(CauseKind::ParentNotSeen, detail));
    }
    let n_left_out = values.len().saturating_sub(MAX_PARENTS);
    if n_left_out > 0 {
        let detail =
            format!("It is listed for each {parent}, for {MAX_PARENTS} at most: {n_left_out} more were left out.");
        causes.push(Cause::new(CauseKind::ParentNotSeen, detail));
    }
    let config = |value: &String| config::with_argument(schema, argument, value);
    Way::Ask { configs: values.iter().take(MAX_PARENTS).map(config).collect(), causes }
}

fn count(calls: &mut BTreeMap<String, u64>, operation: &str) {
    *calls.entry(operation.to_owned()).or_default() += 1;
}
