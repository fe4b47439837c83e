//! Looking at one recorded instance through its provider: upgrade, read, compare, plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cty::Value;
use drift::DeclaredArguments;
use drift::exact::{Examination, Facets, Next, Outcome, Plan, PlanBase, PlanQuestion, Reading};
use drift::lifecycle::{normalize_legacy, strip};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use model::{Cause, CauseKind, Identity, IdentitySchema, RecordedInstance, Schema};
use tfplugin::{
    Answer, Call, PlanRequest, Provider, ProviderSchema, ReadRequest, ResourceObject, UpgradeIdentityRequest,
    UpgradeRequest,
};
use tfstate::format::{Attributes, InstanceObject};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::asking::{Failure, settle};
use super::calls::Calls;
use super::cause::Secrets;
use super::pace::{Pace, Rate, Rests, Slot};
use crate::code::{Declared, EvaluatedInstance};
use crate::states::States;

/// A read that takes longer than this, and longer than others of its type by [`SUSPICIOUS`], probably waits for an object
/// that is not there: the second look begins while it waits, so that it need not wait as long again.
const EARLY_SECOND_LOOK: Duration = Duration::from_secs(1);
/// How many times as long as the fastest read of the type.
const SUSPICIOUS: u32 = 5;

/// What is needed to look at the instances of one configured provider.
pub(crate) struct Reader {
    /// The provider.
    pub(crate) provider: Arc<dyn Provider>,
    /// What it offers.
    pub(crate) schema: Arc<ProviderSchema>,
    /// Its version, where it is known.
    pub(crate) version: Option<String>,
    /// The states.
    pub(crate) states: Arc<States>,
    /// What the code writes, where it was read and belongs to the state.
    pub(crate) declared: Option<Arc<Declared>>,
    /// How many instances are looked at at once.
    pub(crate) pace: Arc<Pace>,
    /// The most calls a second over everything, where there is such a limit.
    pub(crate) rate: Option<Arc<Rate>>,
    /// How long one instance may take.
    pub(crate) deadline: Duration,
    /// Ends every call.
    pub(crate) cancel: CancellationToken,
    /// What the provider's configuration holds that must not be shown.
    pub(crate) secrets: Secrets,
    /// Counts the calls.
    pub(crate) calls: Arc<Calls>,
    /// How long a read of each type takes at best.
    pub(crate) baselines: Mutex<BTreeMap<String, Duration>>,
    /// What is needed again once more of the code is known.
    pub(crate) kept: Arc<Kept>,
    /// Tells the time.
    pub(crate) now: fn() -> Timestamp,
}

/// What was read of instances that the code of others refers to, and of those whose own code is not known without others.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Positions of what code refers to.
    referred: BTreeSet<usize>,
    seen: Mutex<BTreeMap<usize, ResourceObject>>,
    waiting: Mutex<BTreeMap<usize, usize>>,
}

impl Kept {
    /// Keeps nothing yet; what code refers to stands at these positions.
    pub(crate) fn of(referred: BTreeSet<usize>) -> Self {
        Self { referred, ..Self::default() }
    }

    fn keep(&self, position: usize, observed: &ResourceObject, n_unknown: usize) {
        if n_unknown > 0 {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(position, n_unknown);
        }
        if n_unknown > 0 || self.referred.contains(&position) {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(position, observed.clone());
        }
    }

    fn seen(&self, position: usize) -> Option<ResourceObject> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&position).cloned()
    }

    /// Takes the positions of instances whose code is not all known, each with how much of it is not.
    pub(crate) fn take_waiting(&self) -> BTreeMap<usize, usize> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one look gave.
pub(crate) enum Attempt {
    /// There is nothing more to find out.
    Settled(Box<Reading>),
    /// The provider says that the object does not exist, once; that wants a second look.
    Gone,
    /// The provider's process ended meanwhile, because of this instance or of another.
    Crashed(Cause),
}

/// What a provider reads.
pub(crate) enum Observed {
    /// This object.
    Object(Box<ResourceObject>),
    /// Nothing: the object does not exist.
    Gone,
}

/// One look at one instance.
struct Look<'a> {
    reader: &'a Reader,
    instance: &'a RecordedInstance,
    schema: &'a Schema,
    identity_schema: Option<&'a IdentitySchema>,
    slot: Slot,
    call: Call,
    secrets: Secrets,
}

/// The object as the state has it, in today's shape.
struct Recorded {
    object: ResourceObject,
    /// The same value, with what the state calls sensitive marked.
    marked: Value,
    json: String,
}

impl Reader {
    /// Evaluates what the code declares of instances at positions of the states; nothing where it was not read.
    pub(crate) fn evaluate(&self, positions: &[usize]) -> BoxFuture<'static, Vec<Option<EvaluatedInstance>>> {
        let Some(declared) = &self.declared else {
            return futures::future::ready(vec![None; positions.len()]).boxed();
        };
        let instances = positions.iter().map(|position| self.states.recorded[*position].clone()).collect();
        let evaluated = EvaluatedInstance::all(declared, &self.schema, instances);
        evaluated.map(|evaluated| evaluated.into_iter().map(Some).collect()).boxed()
    }

    /// Looks at the instance at a position of the states.
    pub(crate) async fn look(&self, position: usize, declared: Option<&EvaluatedInstance>, slot: Slot) -> Attempt {
        match self.try_look(position, declared, slot).await {
            Ok(attempt) => attempt,
            Err(Failure::Crashed(cause)) => Attempt::Crashed(cause),
            Err(Failure::Unseen(cause)) => Attempt::Settled(Box::new(self.reading(None, Outcome::Unseen(cause)))),
        }
    }

    /// Makes a reading of now.
    pub(crate) fn reading(&self, identity: Option<Identity>, outcome: Outcome) -> Reading {
        Reading { observed_at: (self.now)(), provider_version: self.version.clone(), identity, outcome }
    }

    /// Reads the object of the instance at a position of the states, in today's shape.
    pub(crate) async fn observe(&self, position: usize) -> Result<Observed, Failure> {
        if let Some(seen) = self.kept.seen(position) {
            return Ok(Observed::Object(Box::new(seen)));
        }
        let slot = self.pace.slot().await;
        let (mut look, object) = self.begin(position, slot)?;
        let recorded = look.upgrade(object).await?;
        let (mut read, is_second_look) = look.read(&recorded.object).await?;
        if read.value.is_null() && !is_second_look {
            look.slot.pause(super::SECOND_LOOK).await;
            (read, _) = look.read(&recorded.object).await?;
        }
        if read.value.is_null() {
            return Ok(Observed::Gone);
        }
        let value = normalize_legacy(&read.value, &look.schema.block);
        Ok(Observed::Object(Box::new(ResourceObject { value, ..read })))
    }

    fn begin(&self, position: usize, slot: Slot) -> Result<(Look<'_>, InstanceObject), Failure> {
        let instance = &self.states.recorded[position];
        let resource_type = instance.address.resource_type().as_str();
        let Some(schema) = self.schema.resources.get(resource_type) else {
            let version = self.version.as_deref().map_or_else(String::new, |version| format!(" {version}"));
            let detail = format!("{}{version} has no resource type {resource_type}.", instance.provider.provider);
            return Err(Cause::new(CauseKind::UnknownType, detail).into());
        };
        let object = self.states.object(position)?;
        let look = Look {
            reader: self,
            instance,
            schema,
            identity_schema: self.schema.identities.get(resource_type),
            slot,
            call: Call { cancel: self.cancel.clone(), deadline: Instant::now().checked_add(self.deadline) },
            secrets: self.secrets.clone(),
        };
        Ok((look, object))
    }

    async fn try_look(
        &self,
        position: usize,
        declared: Option<&EvaluatedInstance>,
        slot: Slot,
    ) -> Result<Attempt, Failure> {
        let (mut look, object) = self.begin(position, slot)?;
        let schema = look.schema;
        let recorded = look.upgrade(object).await?;
        let (read, is_second_look) = look.read(&recorded.object).await?;
        if read.value.is_null() {
            return Ok(if is_second_look {
                Attempt::Settled(Box::new(self.reading(None, Outcome::Gone)))
            } else {
                Attempt::Gone
            });
        }
        let observed_at = (self.now)();
        let observed = ResourceObject { value: normalize_legacy(&read.value, &schema.block), ..read };
        self.kept.keep(position, &observed, declared.map_or(0, EvaluatedInstance::n_unknown));
        let outcome = look.compare(&recorded, &observed, declared).await?;
        Ok(Attempt::Settled(Box::new(Reading { observed_at, ..self.reading(observed.identity, outcome) })))
    }

    /// Compares what was read of an instance again, now that more of its code is known; `None` where nothing came of it.
    pub(crate) async fn compare_again(&self, position: usize, declared: &EvaluatedInstance) -> Option<Outcome> {
        let observed = self.kept.seen(position)?;
        let slot = tokio::select! {
            slot = self.pace.slot() => slot,
            () = self.cancel.cancelled() => return None,
        };
        let (mut look, object) = self.begin(position, slot).ok()?;
        let recorded = look.upgrade(object).await.ok()?;
        look.compare(&recorded, &observed, Some(declared)).await.ok()
    }

    /// Gives how long a read of a type may take until something seems to be missing.
    fn patience(&self, resource_type: &str) -> Duration {
        let baselines = self.baselines.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = baselines.get(resource_type).map(|best| *best * SUSPICIOUS);
        usual.unwrap_or_default().max(EARLY_SECOND_LOOK)
    }

    /// Gives how long a read of a type takes at best, this one included.
    fn baseline(&self, resource_type: &str, took: Duration) -> Duration {
        let mut baselines = self.baselines.lock().unwrap_or_else(PoisonError::into_inner);
        match baselines.get_mut(resource_type) {
            Some(best) => {
                *best = took.min(*best);
                *best
            }
            None => {
                baselines.insert(resource_type.to_owned(), took);
                took
            }
        }
    }
}

/// Reads an object, and once more beside that where the first read takes as long as providers wait for what is missing.
///
/// Sets `is_confirmed` where both say that there is no such object.
async fn read_twice(
    reader: &Reader,
    instance: &RecordedInstance,
    call: &Call,
    request: ReadRequest,
    is_confirmed: &AtomicBool,
) -> Answer<ResourceObject> {
    let is_there = |answer: &Answer<ResourceObject>| matches!(answer, Ok((object, _)) if !object.value.is_null());
    let is_gone = |answer: &Answer<ResourceObject>| matches!(answer, Ok((object, problems)) if object.value.is_null() && !model::diagnostic::has_errors(problems));
    let began = AtomicBool::new(false);
    let mut first = std::pin::pin!(reader.provider.read_resource(call, request.clone()));
    let mut second = std::pin::pin!(async {
        tokio::time::sleep(reader.patience(&request.resource_type)).await;
        if reader.pace.is_reduced() {
            // Whoever is asked to go slowly is not asked twice.
            std::future::pending::<()>().await;
        }
        if let Some(rate) = &reader.rate {
            rate.turn().await;
        }
        began.store(true, Ordering::Relaxed);
        reader.calls.count(instance, "ReadResource");
        reader.provider.read_resource(call, request.clone()).await
    });
    let (first, second) = tokio::select! {
        biased;
        first = &mut first => {
            if !is_gone(&first) || !began.load(Ordering::Relaxed) {
                return first;
            }
            (first, second.await)
        }
        second = &mut second => {
            if is_there(&second) {
                return second;
            }
            (first.await, second)
        }
    };
    if is_gone(&first) && is_there(&second) {
        return second;
    }
    is_confirmed.store(is_gone(&first) && is_gone(&second), Ordering::Relaxed);
    first
}

impl Look<'_> {
    fn resource_type(&self) -> String {
        self.instance.address.resource_type().to_string()
    }

    /// Makes a call: counts it, waits for the answer, and turns what went wrong into a failure.
    async fn ask<T>(&mut self, operation: &'static str, answer: impl Future<Output = Answer<T>>) -> Result<T, Failure> {
        self.reader.calls.count(self.instance, operation);
        settle(operation, self.slot.wait_for(answer).await, &self.secrets)
    }

    /// Brings what the state recorded into the shape of the provider's schema.
    async fn upgrade(&mut self, object: InstanceObject) -> Result<Recorded, Failure> {
        let version = i64::try_from(object.schema_version).unwrap_or(i64::MAX);
        if version > self.schema.version {
            let detail = format!(
                "The state was written with version {version} of the schema of {}, and the provider that is installed \
                 has version {}. Install the version of the provider that wrote the state, or a later one.",
                self.instance.address.resource_type(),
                self.schema.version
            );
            return Err(Cause::new(CauseKind::NewerState, detail).into());
        }
        let Attributes::Json(json) = object.attributes.clone() else {
            let detail = "Terraform 0.11 or older wrote its attributes in a flat form that providers no longer take \
                          from anybody but terraform. `terraform apply -refresh-only` writes them anew.";
            return Err(Cause::new(CauseKind::InvalidReply, detail).into());
        };
        let stripped = if version == self.schema.version {
            strip(json.as_bytes(), self.schema).map_err(|error| {
                Cause::new(CauseKind::InvalidReply, format!("The recorded attributes cannot be decoded: {error}."))
            })?
        } else {
            json.clone().into_bytes()
        };
        // Until the value has its types, a mistake in it could quote any of it.
        if let Ok(untyped) = object.decode_attributes(None) {
            self.secrets.add(&untyped);
        }
        let provider = Arc::clone(&self.reader.provider);
        let request = UpgradeRequest { resource_type: self.resource_type(), version, json: stripped };
        let call = self.call.clone();
        let upgraded = self.ask("UpgradeResourceState", provider.upgrade_resource_state(&call, request)).await?;
        if upgraded.is_null() {
            let detail = "The provider gave nothing for the recorded attributes. This is a bug in the provider.";
            return Err(Cause::new(CauseKind::InvalidReply, detail).into());
        }
        let value = normalize_legacy(&upgraded, &self.schema.block);
        let marked = object.mark_sensitive(&value);
        self.secrets.add(&marked);
        self.secrets.add_by_schema(&value, &self.schema.block);
        let identity = self.upgrade_identity(object.identity).await?;
        Ok(Recorded { object: ResourceObject { value, private: object.private, identity }, marked, json })
    }

    async fn upgrade_identity(&mut self, identity: Option<Identity>) -> Result<Option<Identity>, Failure> {
        let (Some(identity), Some(schema)) = (identity, self.identity_schema) else { return Ok(None) };
        if identity.version == schema.version {
            return Ok(Some(identity));
        }
        let json = cty::json::encode(&identity.value, identity.value.ty()).map_err(|error| {
            Cause::new(CauseKind::InvalidReply, format!("The recorded identity cannot be encoded: {error}."))
        })?;
        let provider = Arc::clone(&self.reader.provider);
        let request = UpgradeIdentityRequest { resource_type: self.resource_type(), version: identity.version, json };
        let call = self.call.clone();
        self.ask("UpgradeResourceIdentity", provider.upgrade_resource_identity(&call, request)).await.map(Some)
    }

    /// Reads the object; where the cloud asks to slow down, again and again until the time is up.
    ///
    /// Where the object does not exist, tells whether the provider said so twice.
    async fn read(&mut self, recorded: &ResourceObject) -> Result<(ResourceObject, bool), Failure> {
        let call = self.call.clone();
        let mut rests = Rests::default();
        loop {
            if let Some(rate) = &self.reader.rate {
                rate.turn().await;
            }
            let request =
                ReadRequest { resource_type: self.resource_type(), object: recorded.clone(), provider_meta: None };
            let started = Instant::now();
            let is_confirmed = AtomicBool::new(false);
            let answer = read_twice(self.reader, self.instance, &call, request, &is_confirmed);
            match self.ask("ReadResource", answer).await {
                Ok(read) => {
                    // Providers wait for what is missing: that says nothing about the cloud's speed.
                    if !read.value.is_null() {
                        let took = started.elapsed();
                        let baseline = self.reader.baseline(self.instance.address.resource_type().as_str(), took);
                        self.reader.pace.answered(took, baseline);
                    }
                    return Ok((read, is_confirmed.into_inner()));
                }
                Err(Failure::Unseen(cause)) if cause.kind == CauseKind::Throttled => {
                    if !rests.take(&mut self.slot, &call).await {
                        return Err(cause.into());
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Compares; what was read is kept where something differs.
    async fn compare(
        &mut self,
        recorded: &Recorded,
        observed: &ResourceObject,
        declared: Option<&EvaluatedInstance>,
    ) -> Result<Outcome, Failure> {
        self.secrets.add_by_schema(&observed.value, &self.schema.block);
        let differences = self.examine(recorded, observed, declared).await?;
        let kept = (!differences.is_empty()).then(|| Box::new(observed.value.clone()));
        Ok(Outcome::Seen { differences, observed: kept })
    }

    /// Compares, and asks for the plans that the comparison wants.
    async fn examine(
        &mut self,
        recorded: &Recorded,
        observed: &ResourceObject,
        declared: Option<&EvaluatedInstance>,
    ) -> Result<Vec<model::AttributeDifference>, Failure> {
        let (mut examination, mut next) = Examination::begin(Facets {
            address: &self.instance.address,
            schema: self.schema,
            recorded_json: recorded.json.as_bytes(),
            recorded: &recorded.marked,
            observed: &observed.value,
            declared: declared.map(|declared| declared as &dyn DeclaredArguments),
            config: declared.and_then(EvaluatedInstance::config),
        });
        loop {
            match next {
                Next::Done(differences) => return Ok(differences),
                Next::Plan(question) => {
                    let base = match question.over {
                        PlanBase::Observed => observed,
                        PlanBase::Recorded => &recorded.object,
                    };
                    let answer = match self.plan(*question, base).await {
                        Ok(plan) => Ok(plan),
                        Err(Failure::Unseen(cause)) if cause.kind != CauseKind::Cancelled => Err(cause.detail),
                        Err(failure) => return Err(failure),
                    };
                    next = examination.answer(answer);
                }
            }
        }
    }

    async fn plan(&mut self, question: PlanQuestion, base: &ResourceObject) -> Result<Plan, Failure> {
        let plain = |value: &Value| value.unmark_deep().0;
        let request = PlanRequest {
            resource_type: self.resource_type(),
            prior: ResourceObject {
                value: plain(&question.prior),
                private: base.private.clone(),
                identity: base.identity.clone(),
            },
            proposed: plain(&question.proposed),
            config: plain(&question.config),
            provider_meta: None,
        };
        let provider = Arc::clone(&self.reader.provider);
        let call = self.call.clone();
        let change = self.ask("PlanResourceChange", provider.plan_resource_change(&call, request)).await?;
        Ok(Plan {
            planned: change.planned.value,
            requires_replace: change.requires_replace,
            is_legacy_type_system: change.is_legacy_type_system,
        })
    }
}
