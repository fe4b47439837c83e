//! Recorded sessions are replayed with the same answers, show no more than they may, and fail in words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../pitfalls/support.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

mod failures;
mod secrets;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use cty::{Path, Refinements, Type, Value};
use model::{Identity, Severity};
use support::{call, echo_within, field, object, schema};
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::transcript::{About, Key, Mask, Options, Player, Recorder};
use tfplugin::{
    Call, ConfigureRequest, DataSourceRequest, ErrorKind, FunctionRequest, GenerateRequest, ImportRequest,
    ImportTarget, ListRequest, MoveRequest, PlanRequest, Provider, ReadRequest, ResourceObject, UpgradeIdentityRequest,
    UpgradeRequest,
};
use tokio::sync::mpsc;
use xtask::tools::{self, Tool};

const KEY: [u8; 32] = [42; 32];

/// A sink that the test can look into.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn allowed() -> Mask {
    let patterns = [
        "provider.label",
        "resource.*",
        "data.torture_*",
        "list.torture_thing.prefix",
        "identity.*",
        "import_id.*",
        "display_name.*",
        "private.*",
        "function.*",
    ];
    Mask::Allow { attributes: patterns.iter().map(|pattern| pattern.parse().unwrap()).collect() }
}

fn options(mask: Mask) -> Options {
    let about = About {
        provider: "registry.terraform.io/driftmgr/torture".parse().unwrap(),
        version: Some("0.1.0".to_owned()),
        protocol: Some(6),
    };
    Options { about, mask, key: Key::from_bytes(KEY) }
}

fn recorder(inner: Arc<dyn Provider>, mask: Mask) -> (Recorder, Shared) {
    let shared = Shared::default();
    (Recorder::new(inner, Box::new(shared.clone()), options(mask)), shared)
}

fn thing() -> String {
    "torture_thing".to_owned()
}

/// Shows a value with everything that makes it differ from another.
fn show(value: &Value) -> String {
    format!("{} {value:?} {:?}", value.ty(), value.refinements())
}

fn show_object(object: &ResourceObject) -> String {
    let identity = object.identity.as_ref().map(|identity| (identity.version, show(&identity.value)));
    format!("{} {:?} {identity:?}", show(&object.value), object.private)
}

/// Calls everything there is to call, and gives what was answered.
async fn session(provider: &dyn Provider) -> Vec<String> {
    let mut answers = Vec::new();
    let (schema, diagnostics) = provider.schema(&call()).await.unwrap();
    answers.push(format!("{schema:?} {diagnostics:?}"));
    let thing_type = schema.resources["torture_thing"].value_type();
    let echo_type = schema.data_sources["torture_echo"].value_type();

    let config = object(&schema.provider.value_type(), &[("label", Value::string("the label"))]);
    answers.push(format!("{:?}", provider.validate_provider_config(&call(), config.clone()).await.unwrap()));
    let request = ConfigureRequest { terraform_version: "1.15.0".to_owned(), config };
    answers.push(format!("{:?}", provider.configure(&call(), request).await.unwrap()));

    let prefix = Refinements::new().not_null().string_prefix_full("ami-");
    let reasons = BTreeMap::from([("a key".to_owned(), Value::string("It is refused."))]);
    let config = object(
        &echo_type,
        &[
            ("text", Value::unknown_refined(Type::String, prefix).unwrap()),
            ("number", Value::unknown(Type::Number)),
            ("any", Value::dynamic()),
            ("refuse", Value::map(Type::String, reasons).unwrap()),
        ],
    );
    let refused = provider.validate_data_source_config(&call(), "torture_echo", config).await.unwrap();
    answers.push(format!("{refused:?}"));
    for any in [
        Value::null(Type::Dynamic),
        Value::null(Type::list(Type::String)),
        Value::tuple(vec![Value::bool(true), Value::number(1_i64), Value::string("text")]),
        Value::object(BTreeMap::from([("deep".to_owned(), Value::null(Type::Number))])),
        Value::set(Type::String, vec![Value::string("b"), Value::string("a")]).unwrap(),
        Value::number(cty::Number::parse("12345678901234567890.25").unwrap()),
    ] {
        let more = Value::number(2_i64);
        let (found, diagnostics) =
            echo_within(provider, &call(), &[("any", any), ("objects_wanted", more)]).await.unwrap();
        answers.push(format!("{} {diagnostics:?}", show(&found)));
    }

    let config = object(&thing_type, &[("name", Value::string("a")), ("password", Value::string("p4ssw0rd"))]);
    let validated = provider.validate_resource_config(&call(), "torture_thing", config.clone()).await.unwrap();
    answers.push(format!("{validated:?}"));
    let json = br#"{"id":"1","title":"old","password":null,"tags":{"a":"b"},"rule":[]}"#.to_vec();
    let request = UpgradeRequest { resource_type: thing(), version: 1, json };
    answers.push(show(&provider.upgrade_resource_state(&call(), request).await.unwrap().0));
    let request = UpgradeIdentityRequest { resource_type: thing(), version: 0, json: br#"{"title":"old"}"#.to_vec() };
    let (identity, _) = provider.upgrade_resource_identity(&call(), request).await.unwrap();
    answers.push(format!("{} {}", identity.version, show(&identity.value)));
    for json in [r#"{"label":"a"}"#, "{}"] {
        let request = MoveRequest {
            source_provider: "registry.terraform.io/other/other".parse().unwrap(),
            source_type: "other_thing".to_owned(),
            source_version: 4,
            source_json: json.as_bytes().to_vec(),
            source_private: b"p".to_vec(),
            source_identity: Some((2, br#"{"label":"a"}"#.to_vec())),
            target_type: thing(),
        };
        let (moved, diagnostics) = provider.move_resource_state(&call(), request).await.unwrap();
        answers.push(format!("{} {diagnostics:?}", show_object(&moved)));
    }

    let mut last = None;
    for target in ["id-of-a", "nothing"] {
        let request = ImportRequest { resource_type: thing(), target: ImportTarget::Id(target.to_owned()) };
        let (imported, diagnostics) = provider.import_resource_state(&call(), request).await.unwrap();
        answers.push(format!("{imported:?} {diagnostics:?}"));
        last = imported.into_iter().next().map(|imported| imported.object).or(last);
    }
    let mut current = last.unwrap();
    let identity = current.identity.clone().unwrap();
    let request = ImportRequest { resource_type: thing(), target: ImportTarget::Identity(identity) };
    answers.push(format!("{:?}", provider.import_resource_state(&call(), request).await.unwrap()));
    for _ in 0..2 {
        let request = ReadRequest { resource_type: thing(), object: current, provider_meta: None };
        current = provider.read_resource(&call(), request).await.unwrap().0;
        answers.push(show_object(&current));
    }
    let gone = object(&thing_type, &[("name", Value::string("gone"))]);
    let gone = ResourceObject { value: gone, private: Vec::new(), identity: None };
    let request = ReadRequest { resource_type: thing(), object: gone, provider_meta: None };
    answers.push(show_object(&provider.read_resource(&call(), request).await.unwrap().0));

    let state = current.value.clone();
    for (name, prior) in [
        ("a", ResourceObject { value: Value::null(thing_type.clone()), private: Vec::new(), identity: None }),
        ("another", current),
    ] {
        let config = object(&thing_type, &[("name", Value::string(name)), ("password", Value::string("p4ssw0rd"))]);
        let request =
            PlanRequest { resource_type: thing(), prior, proposed: config.clone(), config, provider_meta: None };
        let (change, diagnostics) = provider.plan_resource_change(&call(), request).await.unwrap();
        let paths: Vec<String> = change.requires_replace.iter().map(Path::to_string).collect();
        answers.push(format!("{} {paths:?} {diagnostics:?}", show_object(&change.planned)));
    }
    let request = GenerateRequest { resource_type: thing(), state };
    answers.push(show(&provider.generate_resource_config(&call(), request).await.unwrap().0));

    for times in [2, 5_000] {
        let arguments = vec![Value::string("ab"), Value::number(times), Value::null(Type::Dynamic)];
        let request = FunctionRequest { function: "repeat".to_owned(), arguments };
        answers.push(format!("{:?}", provider.call_function(&call(), request).await.unwrap()));
    }

    let config = object(&schema.list_resources["torture_thing"].value_type(), &[("prefix", Value::string("p"))]);
    let validated = provider.validate_list_config(&call(), "torture_thing", config.clone()).await.unwrap();
    answers.push(format!("{validated:?}"));
    let request = ListRequest { resource_type: thing(), config, include_resource: true, limit: 3 };
    let (sender, mut events) = mpsc::channel(10);
    answers.push(format!("{:?}", provider.list_resource(&call(), request, sender).await.unwrap()));
    while let Some(event) = events.recv().await {
        answers.push(format!("{event:?}"));
    }

    let config = Value::object(BTreeMap::default());
    let error = provider.validate_data_source_config(&call(), "torture_nothing", config).await.unwrap_err();
    answers.push(format!("{:?} {error}", error.kind()));
    provider.stop(&call()).await.unwrap();
    answers
}

#[tokio::test]
async fn providers_of_others_are_recorded_and_replayed() {
    for tool in [Tool::Time, Tool::Exoscale, Tool::Kubectl, Tool::Rabbitmq, Tool::Aws] {
        let Some(program) = tools::or_skip(tool) else { continue };
        let hosted = HostedProvider::launch(Launch::new(program, std::env::vars_os())).await.unwrap();
        let (recording, shared) = recorder(Arc::new(hosted), Mask::Everything);
        let recorded = schema(&recording).await;
        let target = ImportTarget::Id("2024-02-29T12:00:00Z".to_owned());
        let request = ImportRequest { resource_type: "time_static".to_owned(), target };
        let imported = recording.import_resource_state(&call(), request.clone()).await;
        let lines = shared.text();
        let player = Player::open_with(lines.as_bytes(), Key::from_bytes(KEY)).unwrap();
        assert!(schema(&player).await == recorded, "{tool:?}: the schema changed");
        let replayed = player.import_resource_state(&call(), request).await;
        match (imported, replayed) {
            (Ok((imported, _)), Ok((replayed, _))) => {
                assert_eq!(tool, Tool::Time);
                let day = |object: &tfplugin::ImportedObject| field(&object.object.value, "rfc3339");
                assert_eq!(day(&replayed[0]), day(&imported[0]));
            }
            (Err(imported), Err(replayed)) => assert_eq!(replayed.to_string(), imported.to_string()),
            other => panic!("{tool:?}: {other:?}"),
        }
    }
}

/// Drops how long each call took.
fn without_times(transcript: &str) -> Vec<String> {
    let drop_time = |line: &str| match serde_json::from_str::<serde_json::Value>(line).unwrap() {
        serde_json::Value::Object(mut line) => {
            line.remove("micros");
            serde_json::Value::Object(line).to_string()
        }
        other => other.to_string(),
    };
    transcript.lines().map(drop_time).collect()
}

#[tokio::test]
async fn a_replay_answers_as_the_provider_did() {
    let hosted = support::start().await;
    let (recording, shared) = recorder(Arc::new(hosted), allowed());
    let answers = session(&recording).await;
    recording.finish().unwrap();
    let transcript = shared.text();
    assert!(!transcript.contains("p4ssw0rd"), "a password is never allowed");

    let player = Player::open_with(transcript.as_bytes(), Key::from_bytes(KEY)).unwrap();
    assert_eq!(player.about(), &options(allowed()).about);
    let replayed = session(&player).await;
    for (replayed, answer) in replayed.iter().zip(&answers) {
        assert_eq!(replayed, answer);
    }
    assert_eq!(replayed.len(), answers.len());
}

#[tokio::test]
async fn a_masked_replay_recorded_again_is_the_same_transcript() {
    let hosted = support::start().await;
    for mask in [Mask::Everything, allowed()] {
        let (recording, first) = recorder(Arc::new(support::start().await), mask.clone());
        session(&recording).await;
        let player = Player::open_with(first.text().as_bytes(), Key::from_bytes(KEY)).unwrap();
        let (recording, second) = recorder(Arc::new(player), mask);
        session(&recording).await;
        let (first, second) = (without_times(&first.text()), without_times(&second.text()));
        assert_eq!(first.len(), second.len());
        for (first, second) in first.iter().zip(&second) {
            assert_eq!(first, second);
        }
    }
    hosted.shutdown().await;
}

#[tokio::test]
async fn what_changes_between_equal_requests_is_replayed_in_order() {
    /// Counts how often it was asked.
    struct Counting(Mutex<u64>);
    #[async_trait::async_trait]
    impl Provider for Counting {
        async fn schema(&self, call: &Call) -> tfplugin::Answer<Arc<tfplugin::ProviderSchema>> {
            tfplugin::builtin::Builtin::default().schema(call).await
        }

        async fn read_data_source(&self, _: &Call, _: DataSourceRequest) -> tfplugin::Answer<Value> {
            let mut n_asked = self.0.lock().unwrap();
            *n_asked += 1;
            Ok((Value::number(*n_asked), Vec::new()))
        }
    }
    let (recording, shared) = recorder(Arc::new(Counting(Mutex::new(0))), Mask::Everything);
    let request =
        || DataSourceRequest { data_source: "count".to_owned(), config: Value::bool(true), provider_meta: None };
    for _ in 0..3 {
        recording.read_data_source(&call(), request()).await.unwrap();
    }
    let player = Player::open_with(shared.text().as_bytes(), Key::from_bytes(KEY)).unwrap();
    for expect in 1..=3_u64 {
        assert_eq!(player.read_data_source(&call(), request()).await.unwrap().0, Value::number(expect));
    }
}

#[test]
fn every_call_of_a_provider_is_recorded_and_replayed() {
    let source = |name: &str| std::fs::read_to_string(format!("{}/src/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let calls = |text: &str| -> Vec<String> {
        let functions = text.split("async fn ").skip(1).map(|rest| rest.split('(').next().unwrap().to_owned());
        functions.collect()
    };
    let provider = source("provider.rs");
    let (_, provider) = provider.split_once("pub trait Provider").unwrap();
    let wanted = calls(provider);
    assert!(wanted.len() >= 17, "{wanted:?}");
    for name in ["transcript/recorder.rs", "transcript/player.rs"] {
        let found = source(name);
        let (_, found) = found.split_once("impl Provider for").unwrap();
        assert_eq!(calls(found), wanted, "{name}");
    }
}

#[tokio::test]
async fn diagnostics_keep_their_severity_and_place() {
    let (recording, shared) = recorder(Arc::new(support::start().await), Mask::Everything);
    let ty = schema(&recording).await.data_sources["torture_echo"].value_type();
    let config = || {
        let reasons = BTreeMap::from([("a key".to_owned(), Value::string("It is refused."))]);
        object(&ty, &[("refuse", Value::map(Type::String, reasons).unwrap())])
    };
    recording.validate_data_source_config(&call(), "torture_echo", config()).await.unwrap();
    let player = Player::open_with(shared.text().as_bytes(), Key::from_bytes(KEY)).unwrap();
    let ((), diagnostics) = player.validate_data_source_config(&call(), "torture_echo", config()).await.unwrap();
    assert_eq!(diagnostics[0].severity, Severity::Error);
    assert_eq!(diagnostics[0].path, Some(Path::new().attr("refuse").index(Value::string("a key"))));
    assert_eq!(diagnostics[0].detail, "It is refused.");
    let identity = Identity { version: 1, value: Value::string("unasked") };
    let request = ImportRequest { resource_type: thing(), target: ImportTarget::Identity(identity) };
    assert_eq!(player.import_resource_state(&call(), request).await.unwrap_err().kind(), ErrorKind::NotRecorded);
}
