//! Looking at instances, against a provider in this process that misbehaves by name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cty::Value;
use drift::exact::{Outcome, Reading};
use model::{Attribute, AttributeType, Block, CauseKind, Diagnostic, Schema};
use serde_json::json;
use tfplugin::{Answer, Call, Error, ErrorKind, Provider, ProviderSchema, ReadRequest, ResourceObject, UpgradeRequest};
use tokio_util::sync::CancellationToken;

use super::calls::Calls;
use super::cause::Secrets;
use super::pace::Pace;
use super::read::Reader;
use super::{Tally, look_at_all};
use crate::request::StatesRequest;
use crate::{Session, states};

const SECRET: &str = "planted-secret-never-print-me";

/// Does what the name of an instance says.
#[derive(Default)]
struct Fake {
    n_reads: Mutex<BTreeMap<String, usize>>,
    n_at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    n_crashes: AtomicUsize,
}

fn schema() -> ProviderSchema {
    let attribute = |computed: bool, sensitive: bool| Attribute {
        optional: !computed,
        computed,
        sensitive,
        ..Attribute::optional(AttributeType::Plain(cty::Type::String))
    };
    let attributes = BTreeMap::from([
        ("id".to_owned(), attribute(true, false)),
        ("name".to_owned(), attribute(false, false)),
        ("secret".to_owned(), attribute(false, true)),
    ]);
    let mut schema = ProviderSchema::new(Schema { version: 0, block: Block::default() });
    schema.resources = BTreeMap::from([(
        "fake_thing".to_owned(),
        Schema { version: 3, block: Block { attributes, ..Block::default() } },
    )]);
    schema
}

fn failed(summary: &str) -> (ResourceObject, Vec<Diagnostic>) {
    let nothing = ResourceObject { value: Value::null(cty::Type::Dynamic), private: Vec::new(), identity: None };
    (nothing, vec![Diagnostic::error("provider-error", "reading fake_thing", summary)])
}

#[async_trait]
impl Provider for Fake {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        Ok((Arc::new(schema()), Vec::new()))
    }

    async fn upgrade_resource_state(&self, _call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let ty = schema().resources["fake_thing"].value_type();
        Ok((cty::json::decode(&request.json, &ty).expect("the state is well-formed"), Vec::new()))
    }

    async fn read_resource(&self, call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        assert!(!request.object.value.contains_marked(), "no mark may cross the wire");
        let name = request.object.value.get_attr("name").ok().and_then(|name| name.as_str().map(str::to_owned));
        let name = name.expect("every instance has a name");
        let n_before = {
            let mut reads = self.n_reads.lock().unwrap_or_else(PoisonError::into_inner);
            let n_reads = reads.entry(name.clone()).or_default();
            *n_reads += 1;
            *n_reads - 1
        };
        let n_at_once = self.n_at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(n_at_once, Ordering::SeqCst);
        let n_crashes = self.n_crashes.load(Ordering::SeqCst);
        let takes = if name.starts_with("waits") { Duration::from_secs(60) } else { Duration::from_millis(50) };
        let is_late = call.deadline.is_some_and(|deadline| tokio::time::Instant::now() + takes > deadline);
        tokio::select! {
            () = tokio::time::sleep(takes) => {}
            () = call.cancel.cancelled() => return Err(Error::cancelled("ReadResource")),
        }
        self.n_at_once.fetch_sub(1, Ordering::SeqCst);
        if is_late {
            return Err(Error::new(ErrorKind::TimedOut, "ReadResource", "The provider gave no answer."));
        }
        if name.starts_with("crashes") {
            self.n_crashes.fetch_add(1, Ordering::SeqCst);
        }
        if self.n_crashes.load(Ordering::SeqCst) > n_crashes {
            return Err(Error::new(ErrorKind::Crashed, "ReadResource", format!("panic: {SECRET}")));
        }
        let gone = || ResourceObject {
            value: Value::null(schema().resources["fake_thing"].value_type()),
            private: Vec::new(),
            identity: None,
        };
        match name.split('-').next() {
            Some("gone" | "waits") => Ok((gone(), Vec::new())),
            Some("late") if n_before == 0 => Ok((gone(), Vec::new())),
            Some("throttled") if n_before < 3 => Ok(failed("api error ThrottlingException: Rate exceeded")),
            Some("always") => Ok(failed("StatusCode: 429, too many requests")),
            Some("leaks") => Ok(failed(&format!("the secret {SECRET} is wrong"))),
            Some("denied") => Ok(failed("AccessDenied: you may not")),
            _ => Ok((request.object, Vec::new())),
        }
    }
}

struct World {
    fake: Arc<Fake>,
    reader: Arc<Reader>,
    tally: Tally,
}

impl World {
    async fn of(names: &[String], parallelism: usize) -> Self {
        let instances: Vec<_> = names
            .iter()
            .map(|name| {
                json!({
                    "index_key": name,
                    "schema_version": if name.starts_with("newer") { 4 } else { 3 },
                    "attributes": {"id": name, "name": name, "secret": SECRET, "gone_from_the_schema": true},
                    "sensitive_attributes": [],
                })
            })
            .collect();
        let state = json!({
            "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "check_results": null,
            "resources": [{
                "mode": "managed", "type": "fake_thing", "name": "all",
                "provider": "provider[\"example.com/a/fake\"]", "instances": instances,
            }],
        });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("terraform.tfstate");
        std::fs::write(&path, state.to_string()).expect("it is written");
        let session = Session::new(net::Environment::default(), folder.path().to_owned());
        let request =
            StatesRequest { locations: vec![path.to_string_lossy().into_owned()], ..StatesRequest::default() };
        let states = states::load(&session, &request).await.expect("the state is read");
        let fake = Arc::new(Fake::default());
        let reader = Reader {
            provider: Arc::clone(&fake) as Arc<dyn Provider>,
            schema: Arc::new(schema()),
            version: Some("1.2.3".to_owned()),
            states: Arc::new(states),
            declared: None,
            pace: Pace::new(parallelism),
            rate: None,
            deadline: Duration::from_mins(5),
            cancel: CancellationToken::new(),
            secrets: Secrets::default(),
            calls: Arc::<Calls>::default(),
            baselines: Mutex::default(),
            kept: Arc::default(),
            now: jiff::Timestamp::now,
        };
        let tally = Tally { session, n_done: 0.into(), n_total: names.len() as u64 };
        Self { fake, reader: Arc::new(reader), tally }
    }

    /// Looks at everything; gives what came of each instance by its name.
    async fn look(&self) -> BTreeMap<String, Reading> {
        let positions = (0..self.reader.states.recorded.len()).collect();
        let readings = look_at_all(&self.reader, positions, &self.tally).await;
        let name = |position: usize| {
            let id = self.reader.states.recorded[position].id.as_ref().expect("every instance has an id");
            id.as_str().to_owned()
        };
        readings.into_iter().map(|(position, reading)| (name(position), reading)).collect()
    }

    fn n_reads(&self, name: &str) -> usize {
        self.fake.n_reads.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn unseen(reading: &Reading, kind: CauseKind) -> String {
    match &reading.outcome {
        Outcome::Unseen(cause) if cause.kind == kind => cause.detail.clone(),
        outcome => panic!("{outcome:?} is not {kind}"),
    }
}

#[track_caller]
fn assert_in_sync(reading: &Reading) {
    assert_eq!(reading.outcome, Outcome::Seen { differences: Vec::new(), observed: None });
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_looked_for_again_before_it_is_gone() {
    let world = World::of(&names(&["a", "gone", "late"]), 10).await;
    let readings = world.look().await;
    assert_in_sync(&readings["a"]);
    assert_in_sync(&readings["late"]);
    assert_eq!(readings["gone"].outcome, Outcome::Gone);
    assert_eq!((world.n_reads("a"), world.n_reads("gone"), world.n_reads("late")), (1, 2, 2));
    assert_eq!(readings["a"].provider_version.as_deref(), Some("1.2.3"));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_read_is_tried_again_until_its_time_is_up() {
    let world = World::of(&names(&["throttled", "always", "a"]), 10).await;
    let began = tokio::time::Instant::now();
    let readings = world.look().await;
    assert_in_sync(&readings["a"]);
    assert_in_sync(&readings["throttled"]);
    assert_eq!(world.n_reads("throttled"), 4);
    unseen(&readings["always"], CauseKind::Throttled);
    let took = began.elapsed();
    assert!(world.n_reads("always") > 5 && took <= Duration::from_mins(5), "{took:?}");
    let calls = world.reader.calls.of(&(0, world.reader.states.recorded[0].provider.clone()));
    let n_reads = world.n_reads("always") + world.n_reads("throttled") + world.n_reads("a");
    assert_eq!(calls["ReadResource"], n_reads as u64, "every attempt counts");
    assert_eq!(calls["UpgradeResourceState"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_put_down_to_whom_it_belongs() {
    let mut all: Vec<String> = (0..30).map(|number| format!("a{number}")).collect();
    all.insert(7, "crashes".to_owned());
    let world = World::of(&all, 10).await;
    let readings = world.look().await;
    let detail = unseen(&readings["crashes"], CauseKind::ProviderFailed);
    assert!(detail.contains("panic: (sensitive)") && !detail.contains(SECRET), "{detail}");
    assert_eq!(readings.len(), all.len());
    for name in all.iter().filter(|name| *name != "crashes") {
        assert_in_sync(&readings[name]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_always_crashes_is_not_asked_forever() {
    let all: Vec<String> = (0..2_000).map(|number| format!("crashes-{number}")).collect();
    let world = World::of(&all, 10).await;
    let readings = world.look().await;
    assert_eq!(readings.len(), all.len());
    assert!(readings.values().all(|reading| matches!(&reading.outcome, Outcome::Unseen(_))));
    let n_reads: usize = all.iter().map(|name| world.n_reads(name)).sum();
    assert!(n_reads < 100, "{n_reads}");
}

#[tokio::test(start_paused = true)]
async fn reasons_are_told_without_secrets() {
    let world = World::of(&names(&["leaks", "denied", "newer"]), 10).await;
    let readings = world.look().await;
    let detail = unseen(&readings["leaks"], CauseKind::ProviderFailed);
    assert!(detail.contains("the secret (sensitive) is wrong"), "{detail}");
    unseen(&readings["denied"], CauseKind::Denied);
    let detail = unseen(&readings["newer"], CauseKind::NewerState);
    assert!(detail.contains("version 4") && detail.contains("has version 3"), "{detail}");
    assert_eq!(world.n_reads("newer"), 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_of_the_provider_overlaps_with_other_work() {
    let mut all: Vec<String> = (0..20).map(|number| format!("waits-{number}")).collect();
    all.extend((0..200).map(|number| format!("a{number}")));
    let world = World::of(&all, 5).await;
    let began = tokio::time::Instant::now();
    let readings = world.look().await;
    let took = began.elapsed();
    assert!(readings.values().filter(|reading| reading.outcome == Outcome::Gone).count() == 20);
    // A minute for all of them, the second look included, and not four times two minutes for five at once.
    assert!(took < Duration::from_secs(90), "{took:?}");
    assert_eq!((world.n_reads("waits-0"), world.n_reads("a0")), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_made_at_once_than_allowed() {
    let all: Vec<String> = (0..100).map(|number| format!("a{number}")).collect();
    let world = World::of(&all, 7).await;
    world.look().await;
    assert_eq!(world.fake.most_at_once.load(Ordering::SeqCst), 7);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_ends_at_once() {
    let all: Vec<String> = (0..1_000).map(|number| format!("waits-{number}")).collect();
    let world = World::of(&all, 10).await;
    let cancel = world.reader.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cancel.cancel();
    });
    let began = tokio::time::Instant::now();
    let readings = world.look().await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(readings.len(), all.len());
    unseen(readings.values().next().expect("there are readings"), CauseKind::Cancelled);
}
