//! Driving searches, against a provider in this process that misbehaves by the id of the object.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cty::Value;
use drift::adopt::search::{Profile, SecretSource};
use drift::adopt::{AdoptionKey, AdoptionStatus};
use model::draft::DraftImportSource;
use model::{Attribute, AttributeType, Block, Diagnostic, Schema};
use tfplugin::{
    Answer, Call, Error, ErrorKind, ImportRequest, ImportTarget, ImportedObject, PlanRequest, PlannedChange, Provider,
    ProviderSchema, ReadRequest, ResourceObject,
};
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::drive::{Drive, Outcome, Task};
use crate::refresh::calls::Calls;
use crate::refresh::cause::Secrets;
use crate::refresh::pace::Pace;

const SECRET: &str = "planted-secret-never-print-me";

/// Does what the id of an object says.
#[derive(Default)]
struct Fake {
    n_reads: Mutex<BTreeMap<String, usize>>,
    n_imports: Mutex<BTreeMap<String, usize>>,
    n_plans: AtomicUsize,
    n_at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    n_crashes: AtomicUsize,
}

fn attribute(required: bool, computed: bool, sensitive: bool) -> Attribute {
    Attribute {
        required,
        optional: !required && !computed,
        computed,
        sensitive,
        ..Attribute::optional(AttributeType::Plain(cty::Type::String))
    }
}

fn schema() -> ProviderSchema {
    let attributes = BTreeMap::from([
        ("id".to_owned(), attribute(false, true, false)),
        ("name".to_owned(), attribute(true, false, false)),
        ("secret".to_owned(), attribute(false, false, true)),
        ("size".to_owned(), attribute(false, false, false)),
    ]);
    let mut schema = ProviderSchema::new(Schema { version: 0, block: Block::default() });
    let thing = Schema { version: 0, block: Block { attributes, ..Block::default() } };
    schema.resources = BTreeMap::from([("fake_other".to_owned(), thing.clone()), ("fake_thing".to_owned(), thing)]);
    schema
}

fn thing(id: &str, size: &str) -> ResourceObject {
    let secret = if id.starts_with("secret") { Value::string(SECRET) } else { Value::null(cty::Type::String) };
    let value = Value::object(
        [
            ("id".to_owned(), Value::string(id)),
            ("name".to_owned(), Value::string(id)),
            ("secret".to_owned(), secret),
            ("size".to_owned(), Value::string(size)),
        ]
        .into(),
    );
    ResourceObject { value, private: b"private".to_vec(), identity: None }
}

fn gone() -> ResourceObject {
    let value = Value::null(schema().resources["fake_thing"].value_type());
    ResourceObject { value, private: Vec::new(), identity: None }
}

fn failed<T>(nothing: T, text: &str) -> (T, Vec<Diagnostic>) {
    (nothing, vec![Diagnostic::error("provider-error", "fake_thing", text)])
}

/// Counts a call for an object; gives how many there were before.
fn count(counts: &Mutex<BTreeMap<String, usize>>, id: &str) -> usize {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.entry(id.to_owned()).or_default();
    *count += 1;
    *count - 1
}

fn text(value: &Value, name: &str) -> String {
    value.get_attr(name).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[async_trait]
impl Provider for Fake {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        Ok((Arc::new(schema()), Vec::new()))
    }

    async fn import_resource_state(&self, _call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let ImportTarget::Id(id) = request.target else { panic!("only ids are asked for here") };
        let n_before = count(&self.n_imports, &id);
        let own = |id: &str| ImportedObject { resource_type: request.resource_type.clone(), object: thing(id, "1") };
        let other = || ImportedObject { resource_type: "fake_rule".to_owned(), object: thing("rule", "1") };
        match id.split('-').next() {
            Some("nothing") => Ok((Vec::new(), Vec::new())),
            Some("several") => Ok((vec![own("one"), own("two")], Vec::new())),
            Some("other") => Ok((vec![other()], Vec::new())),
            Some("beside") => Ok((vec![other(), own(&id), other()], Vec::new())),
            Some("unsupported") => Ok(failed(Vec::new(), "resource fake_thing doesn't support import")),
            Some("throttled") if n_before < 2 => Ok(failed(Vec::new(), "ThrottlingException: Rate exceeded")),
            _ => Ok((vec![own(&id)], Vec::new())),
        }
    }

    async fn read_resource(&self, call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        let id = text(&request.object.value, "id");
        let n_before = count(&self.n_reads, &id);
        let n_crashes = self.n_crashes.load(Ordering::SeqCst);
        let n_at_once = self.n_at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(n_at_once, Ordering::SeqCst);
        let takes = if id.starts_with("hangs") { Duration::from_secs(3600) } else { Duration::from_millis(50) };
        let late = async {
            match call.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            () = tokio::time::sleep(takes) => None,
            () = late => Some(Error::new(ErrorKind::TimedOut, "ReadResource", "The provider gave no answer.")),
            () = call.cancel.cancelled() => Some(Error::cancelled("ReadResource")),
        };
        self.n_at_once.fetch_sub(1, Ordering::SeqCst);
        if let Some(error) = ended {
            return Err(error);
        }
        if id.starts_with("crashes") {
            self.n_crashes.fetch_add(1, Ordering::SeqCst);
        }
        if self.n_crashes.load(Ordering::SeqCst) > n_crashes {
            return Err(Error::new(ErrorKind::Crashed, "ReadResource", "panic: the disk is on fire"));
        }
        match id.split('-').next() {
            Some("gone") => Ok((gone(), Vec::new())),
            Some("vanishes") if n_before > 0 => Ok((gone(), Vec::new())),
            Some("changes") if n_before > 0 => Ok((thing(&id, "fine"), Vec::new())),
            Some("restless") => Ok((thing(&id, &format!("bad {n_before}")), Vec::new())),
            Some("changes" | "vanishes" | "replaced") => Ok((thing(&id, "bad"), Vec::new())),
            Some("leaks") => Ok(failed(gone(), &format!("the secret {SECRET} is wrong"))),
            _ => Ok((thing(&id, "1"), Vec::new())),
        }
    }

    async fn plan_resource_change(&self, _call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        assert!(!request.config.contains_marked() && !request.proposed.contains_marked(), "no mark may cross the wire");
        self.n_plans.fetch_add(1, Ordering::SeqCst);
        let nothing = PlannedChange { planned: gone(), requires_replace: Vec::new(), is_legacy_type_system: false };
        let name = text(&request.config, "name");
        if name.starts_with("refuses") {
            return Ok(failed(nothing, "throttle_rate: this is no throttling at all"));
        }
        let expected = if request.prior.value.is_null() { &b""[..] } else { b"private" };
        assert_eq!(request.prior.private, expected, "private bytes go along with the object alone");
        // What is bad gets another size, whatever is written.
        let prior = &request.prior.value;
        let is_bad = !prior.is_null() && text(prior, "size").starts_with("bad");
        let planned = cty::transform(&request.proposed, |path, value| {
            Ok(if is_bad && *path == cty::Path::new().attr("size") { Value::string("other") } else { value })
        });
        let requires_replace =
            if name.starts_with("replaced") { vec![cty::Path::new().attr("size")] } else { Vec::new() };
        let planned = ResourceObject { value: planned.expect("types stay"), ..request.prior };
        Ok((PlannedChange { planned, requires_replace, is_legacy_type_system: false }, Vec::new()))
    }
}

struct World {
    fake: Arc<Fake>,
    drive: Arc<Drive>,
}

impl World {
    fn of(parallelism: usize) -> Self {
        let fake = Arc::new(Fake::default());
        let bench = Bench {
            provider: Arc::clone(&fake) as Arc<dyn Provider>,
            schema: Arc::new(schema()),
            address: "a/fake".parse().expect("an address"),
            version: Some("1.2.3".to_owned()),
            argument: None,
            region: None,
            account: None,
            name: (0, "provider[\"example.com/a/fake\"]".parse().expect("an address")),
            calls: Arc::<Calls>::default(),
            pace: Pace::new(parallelism),
            rate: None,
            deadline: Duration::from_mins(5),
            cancel: CancellationToken::new(),
            secrets: Secrets::of(&Value::string(SECRET).mark_sensitive()),
        };
        let drive = Drive { bench: Arc::new(bench), profile: Profile::Minimal, lessons: Mutex::default() };
        Self { fake, drive: Arc::new(drive) }
    }

    /// Works on objects; gives what came of each by its id.
    async fn work(&self, tasks: Vec<Task>) -> BTreeMap<String, Outcome> {
        let mut outcomes = BTreeMap::new();
        self.drive.work(tasks, |task, outcome| drop(outcomes.insert(task.key.id.to_string(), outcome))).await;
        outcomes
    }

    async fn of_ids(&self, ids: &[&str]) -> BTreeMap<String, Outcome> {
        self.work(ids.iter().map(|id| task(id)).collect()).await
    }

    fn n_reads(&self, id: &str) -> usize {
        self.fake.n_reads.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or_default()
    }
}

fn task(id: &str) -> Task {
    let key = AdoptionKey { resource_type: "fake_thing".into(), id: id.into(), account: None, region: None };
    Task { position: 0, key, source: DraftImportSource::Id(id.into()), done: None, declared: None }
}

#[track_caller]
fn skipped<'a>(outcomes: &'a BTreeMap<String, Outcome>, id: &str) -> &'a str {
    match &outcomes[id].status {
        AdoptionStatus::Skipped(reason) => reason,
        status => panic!("{id} is {status:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn objects_are_imported_read_and_configured() {
    let world = World::of(10);
    let outcomes = world.of_ids(&["a", "b", "throttled", "beside"]).await;
    for (id, outcome) in &outcomes {
        assert_eq!(outcome.status, AdoptionStatus::Clean, "{id}");
        let found = outcome.found.as_ref().expect("a configuration");
        assert_eq!(text(&found.solution.config, "name"), *id);
        assert_eq!(found.fetched.object.private, b"private");
    }
    let found = outcomes["beside"].found.as_ref().expect("a configuration");
    assert_eq!(found.fetched.beside, ["fake_rule", "fake_rule"]);
    assert_eq!(world.drive.bench.calls.totals()["ImportResourceState"], 6, "every attempt counts");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_imported_is_skipped_and_says_why() {
    let world = World::of(10);
    let ids = ["gone", "nothing", "several", "other", "unsupported", "leaks", "replaced", "refuses", "a"];
    let outcomes = world.of_ids(&ids).await;
    let check = |id: &str, words: &str| {
        let reason = skipped(&outcomes, id);
        assert!(reason.contains(words) && !reason.contains(SECRET), "{id}: {reason}");
    };
    check("gone", "No fake_thing with the id \"gone\" exists");
    check("nothing", "exists");
    check("several", "gives 2 objects of the type fake_thing");
    check("other", "is no fake_thing: the provider gives fake_rule instead");
    check("unsupported", "doesn't support import");
    check("leaks", "the secret (sensitive) is wrong");
    check("replaced", "would replace it");
    check("refuses", "this is no throttling at all");
    assert_eq!(outcomes["a"].status, AdoptionStatus::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_crash_sinks_the_object_that_it_belongs_to() {
    let world = World::of(10);
    let ids: Vec<String> = (0..20).map(|number| format!("a{number}")).chain(["crashes".to_owned()]).collect();
    let outcomes = world.work(ids.iter().map(|id| task(id)).collect()).await;
    assert_eq!(outcomes.len(), ids.len());
    assert!(skipped(&outcomes, "crashes").contains("the disk is on fire"));
    for id in &ids[..20] {
        assert_eq!(outcomes[id].status, AdoptionStatus::Clean, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_always_crashes_is_not_asked_forever() {
    let world = World::of(10);
    let ids: Vec<String> = (0..500).map(|number| format!("crashes-{number}")).collect();
    let outcomes = world.work(ids.iter().map(|id| task(id)).collect()).await;
    assert_eq!(outcomes.len(), ids.len());
    let n_reads: usize = ids.iter().map(|id| world.n_reads(id)).sum();
    assert!(n_reads < 100, "{n_reads}");
}

#[tokio::test(start_paused = true)]
async fn what_changes_meanwhile_is_looked_at_again() {
    let world = World::of(10);
    let outcomes = world.of_ids(&["changes", "vanishes", "restless"]).await;
    assert_eq!(outcomes["changes"].status, AdoptionStatus::Clean);
    assert_eq!(world.n_reads("changes"), 2);
    assert!(skipped(&outcomes, "vanishes").contains("deleted"));
    let AdoptionStatus::CleanBut(flaws) = &outcomes["restless"].status else {
        panic!("{:?}", outcomes["restless"].status)
    };
    assert!(flaws.iter().any(|flaw| flaw.why.contains("changed while")), "{flaws:?}");
    assert_eq!(world.n_reads("restless"), 2, "twice, and no more");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_takes_too_long_leaves_the_others() {
    let world = World::of(2);
    let outcomes = world.of_ids(&["hangs", "a", "b", "c"]).await;
    assert!(skipped(&outcomes, "hangs").contains("no answer"));
    assert_eq!(outcomes.values().filter(|outcome| outcome.status == AdoptionStatus::Clean).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_made_at_once_than_allowed() {
    let world = World::of(7);
    let ids: Vec<String> = (0..100).map(|number| format!("a{number}")).collect();
    world.work(ids.iter().map(|id| task(id)).collect()).await;
    assert_eq!(world.fake.most_at_once.load(Ordering::SeqCst), 7);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_keeps_what_is_finished() {
    let world = World::of(1);
    let cancel = world.drive.bench.cancel.clone();
    let mut ended = Vec::new();
    let tasks = vec![task("a"), task("b"), task("hangs"), task("never")];
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    };
    let work = world.drive.work(tasks, |task, outcome| {
        if outcome.status == AdoptionStatus::Clean {
            ended.push(task.key.id.to_string());
        }
    });
    tokio::join!(work, stop);
    assert_eq!(ended, ["a", "b"]);
    assert_eq!(world.n_reads("never"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_found_is_confirmed_by_one_probe() {
    let world = World::of(10);
    let outcomes = world.of_ids(&["a", "secret-b"]).await;
    let finished = |id: &str| outcomes[id].finished(&task(id).key, Some("1.2.3"));
    let done: BTreeMap<&str, _> = ["a", "secret-b"].map(|id| (id, finished(id))).into();
    for finished in done.values() {
        assert!(!format!("{finished:?}").contains(SECRET), "{finished:?}");
        let config = &finished.solution.as_ref().expect("a configuration").config;
        assert!(!config.contains_marked() && !cty_text(config).contains(SECRET), "a journal keeps no secret");
    }
    let resumed = |id: &str| Task { done: done[id].solution.clone(), ..task(id) };
    let n_plans = world.fake.n_plans.load(Ordering::SeqCst);
    let again = world.work(vec![resumed("a"), resumed("secret-b")]).await;
    assert_eq!(world.fake.n_plans.load(Ordering::SeqCst), n_plans + 2);
    for (id, outcome) in &again {
        assert!(outcome.is_resumed, "{id}");
        let (now, then) = (outcome.found.as_ref(), outcomes[id].found.as_ref());
        let (now, then) = (now.expect("a configuration"), then.expect("a configuration"));
        assert_eq!(now.solution.config, then.solution.config, "{id}");
        assert_eq!(now.solution.secrets, then.solution.secrets, "{id}");
        assert_eq!(now.solution.n_probes, then.solution.n_probes, "{id}");
    }
}

/// Gives a value as text, secrets and all.
fn cty_text(value: &Value) -> String {
    String::from_utf8(cty::json::encode(value, value.ty()).expect("it is known")).expect("JSON is text")
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_no_longer_fits_is_looked_for_anew() {
    let world = World::of(10);
    let outcomes = world.of_ids(&["a"]).await;
    let mut done = outcomes["a"].found.as_ref().expect("a configuration").solution.clone();
    done.config = cty::transform(&done.config, |path, value| {
        Ok(if *path == cty::Path::new().attr("name") { Value::string("b") } else { value })
    })
    .expect("types stay");
    let again = world.work(vec![Task { done: Some(done), ..task("a") }]).await;
    assert!(!again["a"].is_resumed);
    let found = again["a"].found.as_ref().expect("a configuration");
    assert_eq!(text(&found.solution.config, "name"), "a");
    assert!(found.solution.secrets.iter().all(|secret| secret.source == SecretSource::Observed));
}

#[test]
fn ids_say_the_region_where_the_provider_would_not_look_there() {
    let check = |region: Option<&str>, home: Option<&str>| {
        let (region, home) = (region.map(model::Region::from), home.map(model::Region::from));
        super::id_in_region(&"jobs".into(), region.as_ref(), home.as_ref()).to_string()
    };
    assert_eq!(check(Some("eu-central-1"), Some("eu-central-1")), "jobs");
    assert_eq!(check(Some("us-east-1"), Some("eu-central-1")), "jobs@us-east-1");
    assert_eq!(check(Some("us-east-1"), None), "jobs@us-east-1");
    assert_eq!(check(None, Some("eu-central-1")), "jobs", "global");
}
