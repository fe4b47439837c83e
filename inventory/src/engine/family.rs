//! A type and its children in one region of one account: the unit of work.
//!
//! Children need their parents' native objects, so a family is walked from its root down. Pages of one listing come one
//! after another, as their tokens do; the objects of a page, and the parents of a child listing, are asked about side by
//! side.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use model::{Cause, CauseKind, CloudName, Completeness, NativeType, ObjectKey, Region, Scope, ScopeStatus};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug_span};

use super::account::Account;
use super::call::{Asking, CallFailure, perform};
use super::discover::{DetailChoice, Event};
use super::encode::PageArguments;
use super::object::{Circumstances, record};
use super::outcome::{Ledger, not_looked_at};
use crate::definition::{
    CallTemplate, Catalog, Detail, ListCall, Listing, Need, Paging, Pointer, Reach, ScopeValues, Subject,
    TypeDefinition,
};

/// What every family of a run shares.
pub(super) struct Run {
    pub(super) catalog: Arc<Catalog>,
    pub(super) details: DetailChoice,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) cancel: CancellationToken,
    pub(super) type_deadline: Duration,
    pub(super) max_pages: u32,
    pub(super) width: usize,
}

/// One family to be walked.
pub(super) struct Family {
    pub(super) account: Account,
    pub(super) region: Region,
    pub(super) root: Arc<TypeDefinition>,
    /// The children of each type, by the parent's name.
    pub(super) children: Arc<BTreeMap<String, Vec<Arc<TypeDefinition>>>>,
}

/// An object kept for its children.
struct Native {
    key: ObjectKey,
    object: Value,
    source: Arc<str>,
    /// Details that were asked for and not given.
    failed_details: BTreeSet<String>,
}

/// The parents of a child listing.
struct Parents<'a> {
    definition: &'a TypeDefinition,
    natives: &'a [Native],
    status: ScopeStatus,
}

/// How an object finds its parent.
enum ParentOf<'a> {
    /// It has none.
    Nothing,
    /// It was listed for this one.
    This(&'a Native),
    /// By a text that both hold.
    Joined { child: &'a Pointer, by_text: HashMap<String, &'a Native> },
}

impl<'a> ParentOf<'a> {
    fn find(&self, item: &Value) -> Option<&'a Native> {
        match self {
            Self::Nothing => None,
            Self::This(parent) => Some(parent),
            Self::Joined { child, by_text } => by_text.get(&text(child.first(item)?)?).copied(),
        }
    }
}

/// What is the same for all objects of one scope.
struct Place<'a> {
    run: &'a Run,
    family: &'a Family,
    definition: &'a TypeDefinition,
    values: ScopeValues,
    ledger: Ledger,
    deadline: Instant,
    /// Details that children of the type are made of.
    wanted_by_children: BTreeSet<String>,
    keeps_natives: bool,
}

impl Family {
    /// Names the scope of a type of the family.
    pub(super) fn scope(&self, definition: &TypeDefinition) -> Scope {
        Scope {
            cloud: CloudName::from(definition.cloud.as_str()),
            account: self.account.id.clone(),
            region: (self.root.reach == Reach::Regional).then(|| self.region.clone()),
            native_type: NativeType::from(definition.name.as_str()),
        }
    }

    /// Names the scopes of all its types.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let mut scopes = Vec::new();
        let mut waiting = vec![&self.root];
        while let Some(definition) = waiting.pop() {
            scopes.push(self.scope(definition));
            waiting.extend(self.children.get(&definition.name).into_iter().flatten());
        }
        scopes
    }

    /// Walks the family from its root.
    pub(super) async fn walk(&self, run: &Run) {
        self.walk_type(run, &self.root, None).await;
    }

    fn walk_type<'a>(
        &'a self,
        run: &'a Run,
        definition: &'a TypeDefinition,
        parents: Option<Parents<'a>>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let span = debug_span!("scope", scope = %self.scope(definition));
        Box::pin(
            async move {
                let children: &[Arc<TypeDefinition>] = self.children.get(&definition.name).map_or(&[], Vec::as_slice);
                let Some(values) = self.account.scope_values(self.region.as_str()) else {
                    let cause = Cause::new(
                        CauseKind::RegionUnavailable,
                        format!(
                            "No partition of the catalog has a region named {:?}: correct the name.",
                            self.region.as_str()
                        ),
                    );
                    for scope in self.scopes() {
                        run.report(Event::Scope(not_looked_at(scope, cause.clone()))).await;
                    }
                    return;
                };
                let wanted_by_children = children
                    .iter()
                    .filter_map(|child| match &child.list {
                        Listing::FromParent(from) => from.detail.clone(),
                        Listing::Call(_) => None,
                    })
                    .collect();
                let place = Place {
                    run,
                    family: self,
                    definition,
                    values,
                    ledger: Ledger::open(self.scope(definition)),
                    deadline: Instant::now() + run.type_deadline,
                    wanted_by_children,
                    keeps_natives: !children.is_empty(),
                };
                let natives = place.list(parents).await;
                let status = place.ledger.status();
                run.report(Event::Scope(place.ledger.close())).await;
                for child in children {
                    self.walk_type(run, child, Some(Parents { definition, natives: &natives, status })).await;
                }
            }
            .instrument(span),
        )
    }
}

impl Run {
    /// Hands an event on; who listens no longer wants none.
    pub(super) async fn report(&self, event: Event) {
        let _ = self.events.send(event).await;
    }
}

impl Place<'_> {
    /// Lists the scope and returns what its children need.
    async fn list(&self, parents: Option<Parents<'_>>) -> Vec<Native> {
        if let Some(parents) = &parents {
            if parents.status != ScopeStatus::Complete {
                self.ledger.gap(Cause::new(
                    CauseKind::ParentNotSeen,
                    format!(
                        "Not every {} was seen, so objects of type {} may be missing.",
                        parents.definition.title, self.definition.name
                    ),
                ));
            }
            if parents.status == ScopeStatus::Failed {
                return Vec::new();
            }
        }
        match (&self.definition.list, parents) {
            (Listing::Call(list), Some(parents)) => {
                match self.definition.parent.as_ref().and_then(|parent| parent.join.as_ref()) {
                    None => self.list_per_parent(list, self.admitted(&parents)).await,
                    Some(join) => {
                        let by_text: HashMap<String, &Native> = parents
                            .natives
                            .iter()
                            .filter_map(|native| Some((text(join.parent.first(&native.object)?)?, native)))
                            .collect();
                        self.list_pages(list, None, &ParentOf::Joined { child: &join.child, by_text }).await
                    }
                }
            }
            (Listing::Call(list), None) => self.list_pages(list, None, &ParentOf::Nothing).await,
            (Listing::FromParent(from), Some(parents)) => {
                self.ledger.listed();
                let mut natives = Vec::new();
                for parent in self.admitted(&parents) {
                    if let Some(detail) = from.detail.as_ref().filter(|detail| parent.failed_details.contains(*detail))
                    {
                        self.ledger.gap(Cause::new(
                            CauseKind::ParentNotSeen,
                            format!(
                                "{detail} of {} {} was not answered, so its objects of type {} are not known.",
                                parents.definition.title, parent.key, self.definition.name
                            ),
                        ));
                        continue;
                    }
                    natives.extend(
                        self.look_at(from.objects(&parent.object), &ParentOf::This(parent), &parent.source).await,
                    );
                }
                natives
            }
            (Listing::FromParent(_), None) => {
                self.ledger
                    .gap(Cause::new(CauseKind::NoDefinition, "The definition lists from a parent it does not have."));
                Vec::new()
            }
        }
    }

    /// Returns the parents that are worth asking for children.
    fn admitted<'p>(&self, parents: &Parents<'p>) -> Vec<&'p Native> {
        let Some(link) = &self.definition.parent else { return Vec::new() };
        let admits = |native: &&Native| {
            let subject = Subject { object: &native.object, parent: None, scope: &self.values };
            link.admits(&subject, &parents.definition.tags_of(&subject).unwrap_or_default())
        };
        parents.natives.iter().filter(admits).collect()
    }

    async fn list_per_parent(&self, list: &ListCall, parents: Vec<&Native>) -> Vec<Native> {
        // A scope without parents was seen completely: there is nothing to ask.
        self.ledger.listed();
        let listings: Vec<_> = parents
            .into_iter()
            .map(|parent| async move { self.list_pages(list, Some(parent), &ParentOf::This(parent)).await })
            .collect();
        let natives: Vec<Vec<Native>> =
            futures::stream::iter(listings).buffer_unordered(self.run.width).collect().await;
        natives.into_iter().flatten().collect()
    }

    async fn list_pages(&self, list: &ListCall, parent: Option<&Native>, parent_of: &ParentOf<'_>) -> Vec<Native> {
        let region = self.family.region.as_str();
        let mut natives = Vec::new();
        let mut pages = Pages::new(list.page.as_ref(), self.run.max_pages);
        let null = Value::Null;
        let subject = Subject { object: &null, parent: parent.map(|parent| &parent.object), scope: &self.values };
        loop {
            match self.ask(&list.call, &subject, region, &pages.arguments).await {
                Ok((operation, answer)) => {
                    self.ledger.listed();
                    let next = pages.next(&answer, &operation);
                    let source: Arc<str> = operation.into();
                    natives.extend(self.look_at(list.objects(answer), parent_of, &source).await);
                    match next {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(cause) => {
                            self.ledger.gap(cause);
                            break;
                        }
                    }
                }
                Err(failure) => {
                    // What a definition tolerates means "there is none"; a parent that is gone has no children.
                    if tolerated(&failure, &list.tolerate) || (parent.is_some() && failure.is_absent) {
                        self.ledger.listed();
                    } else {
                        self.ledger.gap(failure.cause);
                    }
                    break;
                }
            }
        }
        natives
    }

    /// Fetches the details of objects, maps and reports them; keeps what children need.
    async fn look_at(&self, items: Vec<Value>, parent_of: &ParentOf<'_>, source: &Arc<str>) -> Vec<Native> {
        let looks: Vec<_> = items
            .into_iter()
            .map(|item| {
                let parent = parent_of.find(&item);
                self.look_at_one(item, parent, Arc::clone(source))
            })
            .collect();
        let natives: Vec<Option<Native>> = futures::stream::iter(looks).buffered(self.run.width).collect().await;
        natives.into_iter().flatten().collect()
    }

    async fn look_at_one(&self, mut object: Value, parent: Option<&Native>, source: Arc<str>) -> Option<Native> {
        let definition = self.definition;
        let fetched_at = Timestamp::now();
        definition.scrub(&mut object);
        let mut failed: BTreeMap<String, CallFailure> = BTreeMap::new();
        let mut is_skipping_details = false;
        for detail in &definition.details {
            let subject = Subject { object: &object, parent: parent.map(|parent| &parent.object), scope: &self.values };
            // What does not count as existing is not worth a call.
            if definition.skips(&subject) {
                return None;
            }
            if !self.wants(detail, &subject) {
                is_skipping_details = true;
                continue;
            }
            let tags = definition.tags_of(&subject).unwrap_or_default();
            if detail.when.as_ref().is_some_and(|condition| !condition.holds(&subject, &tags)) {
                continue;
            }
            match self.detail(detail, &subject).await {
                Ok(found) => {
                    if let Value::Object(members) = &mut object {
                        members.insert(detail.name.clone(), found);
                    }
                    definition.scrub(&mut object);
                }
                Err(failure) => {
                    failed.insert(detail.name.clone(), failure);
                }
            }
        }
        let subject = Subject { object: &object, parent: parent.map(|parent| &parent.object), scope: &self.values };
        if definition.skips(&subject) {
            return None;
        }
        let mapped = match definition.map(&subject, &self.run.catalog) {
            Ok(mapped) => mapped,
            Err(missing) => {
                // Listed, then gone before its details could be read: not an error, and not an object.
                let is_gone = !failed.is_empty() && failed.values().all(|failure| failure.is_absent);
                if !is_gone {
                    let why = failed.into_values().next().map(|failure| failure.cause);
                    self.ledger.gap(why.unwrap_or_else(|| {
                        Cause::new(
                            CauseKind::InvalidReply,
                            format!("An object of type {} lacks what tells it apart: {missing}.", definition.name),
                        )
                    }));
                }
                return None;
            }
        };
        if !self.ledger.take(&mapped.key) {
            return None;
        }
        let key = ObjectKey(mapped.key.as_str().into());
        let cause = failed.iter().next().map(|(name, failure)| {
            Cause::new(failure.cause.kind, format!("{name} of {key} is not known: {}", failure.cause.detail))
        });
        for failure in failed.values() {
            self.ledger.blemish(failure.cause.clone());
        }
        let is_full = failed.is_empty() && !is_skipping_details;
        let circumstances = Circumstances {
            scope: self.ledger.scope().clone(),
            parent: self
                .definition
                .parent
                .as_ref()
                .zip(parent)
                .map(|(link, parent)| (NativeType::from(link.type_name.as_str()), parent.key.clone())),
            completeness: if is_full { Completeness::Full } else { Completeness::Summary },
            source: Arc::clone(&source),
            fetched_at,
            cause,
        };
        self.run.report(Event::Object(Box::new(record(definition, mapped, circumstances)))).await;
        let failed_details = failed.into_keys().collect();
        self.keeps_natives.then_some(Native { key, object, source, failed_details })
    }

    /// Tells whether a detail is fetched for an object.
    fn wants(&self, detail: &Detail, subject: &Subject<'_>) -> bool {
        if detail.need == Need::Always || self.wanted_by_children.contains(&detail.name) {
            return true;
        }
        match &self.run.details {
            DetailChoice::Required => false,
            DetailChoice::Every => true,
            DetailChoice::Recorded(ids) => self.definition.map(subject, &self.run.catalog).map_or(true, |mapped| {
                let import_id = mapped.terraform.as_ref().map(|terraform| terraform.import_id.as_str());
                [Some(mapped.key.as_str()), mapped.arn.as_deref(), import_id]
                    .into_iter()
                    .flatten()
                    .any(|id| ids.contains(id))
            }),
        }
    }

    /// Makes one detail call; null where a tolerated refusal says that there is none.
    async fn detail(&self, detail: &Detail, subject: &Subject<'_>) -> Result<Value, CallFailure> {
        let tags = self.definition.tags_of(subject).unwrap_or_default();
        // An object may live in another region than the one that listed it: it is asked there.
        let names = self.definition.detail_names();
        let own_region = self.definition.region.as_ref().and_then(|mapping| mapping.value(subject, &tags, &names));
        let region = own_region.as_ref().and_then(Value::as_str).filter(|region| !region.is_empty());
        let region = region.unwrap_or(self.family.region.as_str());
        let mut pages = Pages::new(detail.page.as_ref(), self.run.max_pages);
        let mut elements = Vec::new();
        loop {
            let answer = match self.ask(&detail.call, subject, region, &pages.arguments).await {
                Ok((_, answer)) => answer,
                Err(failure) if tolerated(&failure, &detail.tolerate) => return Ok(Value::Null),
                Err(failure) => return Err(failure),
            };
            match detail.value(&answer) {
                Value::Array(more) if detail.list => elements.extend(more),
                value => return Ok(value),
            }
            let operation = &detail.call.action;
            if !pages.next(&answer, operation).map_err(|cause| CallFailure::new(cause.kind, cause.detail))? {
                return Ok(Value::Array(elements));
            }
        }
    }

    async fn ask(
        &self,
        call: &CallTemplate,
        subject: &Subject<'_>,
        region: &str,
        page: &PageArguments,
    ) -> Result<(String, Value), CallFailure> {
        let rendered = call.render(subject).map_err(|missing| {
            CallFailure::new(
                CauseKind::InvalidReply,
                format!("A call for type {} cannot be made: {missing}.", self.definition.name),
            )
        })?;
        let target = self.family.account.target(&call.service, region)?;
        let asking = Asking {
            account: &self.family.account,
            target: &target,
            permissions: &self.definition.permissions,
            deadline: self.deadline,
            cancel: &self.run.cancel,
        };
        let answer = perform(asking, &rendered, page).await;
        self.ledger.call(&answer.operation, answer.attempts);
        answer.result.map(|tree| (answer.operation, tree))
    }
}

/// Follows page tokens, and notices when they lead nowhere.
struct Pages<'a> {
    page: Option<&'a Paging>,
    arguments: PageArguments,
    seen: HashSet<String>,
    left: u32,
}

impl<'a> Pages<'a> {
    fn new(page: Option<&'a Paging>, max_pages: u32) -> Self {
        let size = page.and_then(|page| page.size.as_ref());
        let arguments = size.map(|(name, size)| (name.clone(), Value::from(*size))).into_iter().collect();
        Self { page, arguments: PageArguments { arguments }, seen: HashSet::new(), left: max_pages }
    }

    /// Prepares the next page; `false` after the last.
    fn next(&mut self, answer: &Value, operation: &str) -> Result<bool, Cause> {
        let Some(page) = self.page else { return Ok(false) };
        if let Some(more) = &page.more {
            let follows = more.first(answer).and_then(text).is_some_and(|text| text == "true");
            if !follows {
                return Ok(false);
            }
        }
        let Some(token) = page.token.first(answer).and_then(text).filter(|token| !token.is_empty()) else {
            return Ok(false);
        };
        if !self.seen.insert(token.clone()) {
            return Err(Cause::new(
                CauseKind::InvalidReply,
                format!(
                    "{operation} gave the same page token twice, so its pages never end: what comes after is not known."
                ),
            ));
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return Err(Cause::new(
                CauseKind::InvalidReply,
                format!(
                    "{operation} has more pages than the limit allows: raise the limit, or look at why the listing does not end."
                ),
            ));
        }
        self.arguments.arguments.retain(|(name, _)| *name != page.param);
        self.arguments.arguments.push((page.param.clone(), Value::String(token)));
        Ok(true)
    }
}

fn tolerated(failure: &CallFailure, codes: &[String]) -> bool {
    failure.code.as_ref().is_some_and(|code| codes.contains(code))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
