//! The builtin provider plans what terraform and tofu plan with theirs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use cty::{Type, Value};
use serde_json::Value as Json;
use tfplugin::builtin::Builtin;
use tfplugin::{
    Call, DataSourceRequest, ErrorKind, ImportRequest, ImportTarget, MoveRequest, PlanRequest, PlannedChange, Provider,
    ReadRequest, ResourceObject, UpgradeRequest,
};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// What a root says before and after somebody edited it, by the name of a `terraform_data`.
const CASES: [(&str, &str, &str); 14] = [
    ("nothing", "", ""),
    ("kept", r#"input = { a = ["x", 1.50, null, true] }"#, r#"input = { a = ["x", 1.5, null, true] }"#),
    ("filled", "", r#"input = "first""#),
    ("emptied", r#"input = "last""#, ""),
    ("other_value", r#"input = "one""#, r#"input = "two""#),
    ("other_type", "input = 1", r#"input = "1""#),
    ("list_or_tuple", r#"input = tolist(["a"])"#, r#"input = ["a"]"#),
    ("triggered", "triggers_replace = [1]\ninput = 5", "triggers_replace = [2]\ninput = 5"),
    ("triggered_first", r#"input = "same""#, "triggers_replace = true\ninput = \"same\""),
    ("trigger_gone", "triggers_replace = {a = 1}", ""),
    ("both", "triggers_replace = 1\ninput = 1", "triggers_replace = 2\ninput = 2"),
    ("set", r#"input = toset(["b", "a"])"#, r#"input = toset(["a", "b"])"#),
    ("huge", "input = 12345678901234567890.5", "input = 12345678901234567890.25"),
    ("unknown_input", r#"input = "known""#, "input = terraform_data.added.id"),
];
const ADDED: &str =
    "resource \"terraform_data\" \"added\" {\n  input            = { a = [] }\n  triggers_replace = null\n}\n";

fn root_text(bodies: impl Iterator<Item = (&'static str, &'static str)>) -> String {
    let blocks: Vec<String> =
        bodies.map(|(name, body)| format!("resource \"terraform_data\" \"{name}\" {{\n{body}\n}}\n")).collect();
    blocks.concat()
}

fn call() -> Call {
    Call::within(Duration::from_mins(1))
}

fn object(value: Value) -> ResourceObject {
    ResourceObject { value, private: Vec::new(), identity: None }
}

async fn data_type() -> Type {
    Builtin::default().schema(&call()).await.unwrap().0.resources["terraform_data"].value_type()
}

fn fields(value: &Value) -> BTreeMap<String, Value> {
    value.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Gives every instance's attributes as the state in a root's directory holds them, with all digits of numbers.
fn recorded(root: &RootFolder<'_>) -> BTreeMap<String, Vec<u8>> {
    let state = std::fs::read(root.path().join("terraform.tfstate")).unwrap();
    let state = fields(&cty::json::decode_implied(&state).unwrap());
    let resources = state["resources"].elements().map(fields);
    resources
        .map(|resource| {
            let provider = resource["provider"].as_str().unwrap();
            assert_eq!(provider, r#"provider["terraform.io/builtin/terraform"]"#);
            let instance = fields(resource["instances"].elements().next().unwrap());
            assert_eq!(instance["schema_version"], Value::number(0));
            let attributes = &instance["attributes"];
            let json = cty::json::encode(attributes, attributes.ty()).unwrap();
            (resource["name"].as_str().unwrap().to_owned(), json)
        })
        .collect()
}

async fn upgrade(json: Vec<u8>) -> Value {
    let request = UpgradeRequest { resource_type: "terraform_data".to_owned(), version: 0, json };
    let (value, diagnostics) = Builtin::default().upgrade_resource_state(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    value
}

/// Plans the arguments of `wanted` over `prior`, as core would ask for it.
async fn plan(prior: Value, wanted: &BTreeMap<String, Value>) -> PlannedChange {
    let mut config = fields(&Value::object(wanted.clone()));
    config.insert("id".to_owned(), Value::null(Type::String));
    config.insert("output".to_owned(), Value::null(Type::Dynamic));
    let mut proposed = config.clone();
    if !prior.is_null() {
        let prior = fields(&prior);
        proposed.insert("id".to_owned(), prior["id"].clone());
        proposed.insert("output".to_owned(), prior["output"].clone());
    }
    let config = Value::object(config);
    let provider = Builtin::default();
    let ((), diagnostics) = provider.validate_resource_config(&call(), "terraform_data", config.clone()).await.unwrap();
    assert_eq!(diagnostics, []);
    let request = PlanRequest {
        resource_type: "terraform_data".to_owned(),
        prior: object(prior),
        proposed: Value::object(proposed),
        config,
        provider_meta: None,
    };
    provider.plan_resource_change(&call(), request).await.unwrap().0
}

/// Writes a value as a plan's JSON does: what is unknown is left out, and told apart.
fn as_plan_json(value: &Value) -> (Json, Json) {
    let mut after = serde_json::Map::new();
    let mut unknown = serde_json::Map::new();
    for (name, value) in value.entries() {
        if value.is_known() {
            let json = cty::json::encode(value, value.ty()).unwrap();
            after.insert(name.to_owned(), serde_json::from_slice(&json).unwrap());
        } else {
            unknown.insert(name.to_owned(), Json::Bool(true));
        }
    }
    (Json::Object(after), Json::Object(unknown))
}

/// Drops what says "known" of a plan's `after_unknown`.
fn only_unknown(json: &Json) -> Json {
    let known = |json: &Json| matches!(json, Json::Bool(false) | Json::Object(_) | Json::Array(_));
    let entries = json.as_object().unwrap().iter().filter(|(_, json)| !known(json));
    Json::Object(entries.map(|(name, json)| (name.clone(), json.clone())).collect())
}

async fn check_cli(program: &Path) {
    let before = RootFolder::empty(program, &CliConfig::default(), None).unwrap();
    before.write("main.tf", &root_text(CASES.iter().map(|(name, before, _)| (*name, *before)))).unwrap();
    before.init().unwrap();
    before.apply(10).unwrap();
    let states = recorded(&before);
    assert_eq!(states.len(), CASES.len());

    for (name, json) in &states {
        let prior = upgrade(json.clone()).await;
        let request = ReadRequest {
            resource_type: "terraform_data".to_owned(),
            object: ResourceObject { private: b"kept".to_vec(), ..object(prior.clone()) },
            provider_meta: None,
        };
        let (read, _) = Builtin::default().read_resource(&call(), request.clone()).await.unwrap();
        assert_eq!(read, request.object, "{name}");
        let change = plan(prior.clone(), &fields(&prior)).await;
        assert_eq!(change.planned.value, prior, "{name}: an untouched instance is planned to change");
        assert_eq!(change.requires_replace, [], "{name}");
    }

    // What the edited root evaluates to is read from a state of its own.
    let edited = format!("{ADDED}{}", root_text(CASES.iter().map(|(name, _, after)| (*name, *after))));
    let elsewhere = RootFolder::empty(program, &CliConfig::default(), None).unwrap();
    elsewhere.write("main.tf", &edited).unwrap();
    elsewhere.init().unwrap();
    elsewhere.apply(10).unwrap();
    let wanted = recorded(&elsewhere);

    before.write("main.tf", &edited).unwrap();
    before.run(&["plan", "-input=false", "-out=plan"]).unwrap();
    let theirs: Json = serde_json::from_str(&before.run(&["show", "-json", "plan"]).unwrap()).unwrap();
    let changes = theirs["resource_changes"].as_array().unwrap();
    assert_eq!(changes.len(), CASES.len() + 1);
    for resource in changes {
        let name = resource["name"].as_str().unwrap();
        let their_change = &resource["change"];
        let prior = match states.get(name) {
            Some(json) => upgrade(json.clone()).await,
            None => Value::null(data_type().await),
        };
        let mut arguments = fields(&upgrade(wanted[name].clone()).await);
        if name == "unknown_input" {
            arguments.insert("input".to_owned(), Value::unknown(Type::String));
        }
        let mut change = plan(prior.clone(), &arguments).await;
        let replaces = !change.requires_replace.is_empty();
        let paths: Vec<Json> =
            change.requires_replace.iter().map(|path| serde_json::json!([path.to_string()])).collect();
        let their_paths = their_change["replace_paths"].as_array().cloned().unwrap_or_default();
        assert_eq!(paths, their_paths, "{name}");
        if replaces {
            change = plan(Value::null(data_type().await), &arguments).await;
        }
        let actions: Json = match () {
            () if replaces => serde_json::json!(["delete", "create"]),
            () if prior.is_null() => serde_json::json!(["create"]),
            () if change.planned.value == prior => serde_json::json!(["no-op"]),
            () => serde_json::json!(["update"]),
        };
        assert_eq!(actions, their_change["actions"], "{name}");
        let (after, unknown) = as_plan_json(&change.planned.value);
        assert_eq!(after, their_change["after"], "{name}");
        assert_eq!(unknown, only_unknown(&their_change["after_unknown"]), "{name}");
    }

    let schema: Json = serde_json::from_str(&before.run(&["providers", "schema", "-json"]).unwrap()).unwrap();
    let theirs = &schema["provider_schemas"]["terraform.io/builtin/terraform"]["resource_schemas"]["terraform_data"];
    let (ours, _) = Builtin::default().schema(&call()).await.unwrap();
    let ours = &ours.resources["terraform_data"];
    assert_eq!(theirs["version"], ours.version);
    let attributes = theirs["block"]["attributes"].as_object().unwrap();
    assert!(attributes.keys().eq(ours.block.attributes.keys()), "{theirs}");
    for (name, attribute) in &ours.block.attributes {
        let theirs = &attributes[name];
        assert_eq!(theirs["type"].to_string(), attribute.value_type().to_json(), "{name}");
        assert_eq!(theirs["optional"].as_bool().unwrap_or_default(), attribute.optional, "{name}");
        assert_eq!(theirs["computed"].as_bool().unwrap_or_default(), attribute.computed, "{name}");
    }
}

#[tokio::test]
async fn plans_are_those_of_the_real_one() {
    for tool in [Tool::Terraform, Tool::Tofu] {
        if let Some(program) = tools::or_skip(tool) {
            check_cli(&program).await;
        }
    }
}

#[tokio::test]
async fn an_import_has_its_id_and_nothing_else() {
    let request = ImportRequest {
        resource_type: "terraform_data".to_owned(),
        target: ImportTarget::Id("4a5d2b2e-d5c6".to_owned()),
    };
    let (imported, diagnostics) = Builtin::default().import_resource_state(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    let [imported] = imported.as_slice() else { panic!("{imported:?}") };
    assert!(imported.object.value.ty().conforms_to(&data_type().await));
    let fields = fields(&imported.object.value);
    assert_eq!(fields["id"], Value::string("4a5d2b2e-d5c6"));
    assert!(fields.iter().all(|(name, value)| name == "id" || value.is_null()), "{fields:?}");
}

#[tokio::test]
async fn a_null_resource_becomes_one() {
    let moved = |provider: &str, source_type: &str, json: &str| MoveRequest {
        source_provider: provider.parse().unwrap(),
        source_type: source_type.to_owned(),
        source_version: 0,
        source_json: json.as_bytes().to_vec(),
        source_private: b"kept".to_vec(),
        source_identity: None,
        target_type: "terraform_data".to_owned(),
    };
    let provider = Builtin::default();
    for (registry, json, triggers) in [
        (
            "registry.opentofu.org/hashicorp/null",
            r#"{"id":"7","triggers":{"a":"1"}}"#,
            Value::object(BTreeMap::from([("a".to_owned(), Value::string("1"))])),
        ),
        ("hashicorp/null", r#"{"id":"7","triggers":null}"#, Value::null(Type::Dynamic)),
    ] {
        let request = moved(registry, "null_resource", json);
        let (object, diagnostics) = provider.move_resource_state(&call(), request).await.unwrap();
        assert_eq!(diagnostics, []);
        assert_eq!(object.private, b"kept");
        let fields = fields(&object.value);
        assert_eq!((&fields["id"], &fields["triggers_replace"]), (&Value::string("7"), &triggers));
    }
    for (registry, source_type, json, expect) in [
        ("hashicorp/null", "null_data_source", "{}", "a null_data_source of"),
        ("other/null", "null_resource", "{}", "registry.terraform.io/other/null"),
        ("hashicorp/null", "null_resource", "[]", "another shape"),
        ("hashicorp/null", "null_resource", "null", "that is null"),
    ] {
        let request = moved(registry, source_type, json);
        let (object, diagnostics) = provider.move_resource_state(&call(), request).await.unwrap();
        assert!(object.value.is_null() && diagnostics[0].detail.contains(expect), "{diagnostics:?}");
    }
}

#[tokio::test]
async fn destruction_is_planned_as_asked() {
    let ty = data_type().await;
    let prior = upgrade(br#"{"id":"x","input":{"value":"i","type":"string"},"output":null}"#.to_vec()).await;
    let request = PlanRequest {
        resource_type: "terraform_data".to_owned(),
        prior: object(prior),
        proposed: Value::null(ty.clone()),
        config: Value::null(ty),
        provider_meta: None,
    };
    let (change, _) = Builtin::default().plan_resource_change(&call(), request).await.unwrap();
    assert!(change.planned.value.is_null());
}

#[tokio::test]
async fn a_value_that_became_sensitive_is_not_a_change() {
    let prior = upgrade(br#"{"id":"x","input":{"value":"i","type":"string"},"output":null}"#.to_vec()).await;
    let mut wanted = fields(&prior);
    wanted.insert("input".to_owned(), Value::string("i").mark_sensitive());
    assert_eq!(plan(prior.clone(), &wanted).await.planned.value, prior);
}

#[tokio::test]
async fn what_is_not_valid_is_refused_with_the_reason() {
    let provider = Builtin::default();
    let written = [("id", Value::string("mine")), ("output", Value::number(1)), ("input", Value::null(Type::Dynamic))];
    let config = Value::object(written.map(|(name, value)| (name.to_owned(), value)).into());
    let ((), diagnostics) = provider.validate_resource_config(&call(), "terraform_data", config).await.unwrap();
    let paths: Vec<String> = diagnostics.iter().map(|problem| problem.path.as_ref().unwrap().to_string()).collect();
    assert_eq!(paths, ["id", "output"]);

    for (version, json, expect) in [
        (1, &br#"{"id":"x"}"#[..], "A newer CLI wrote it"),
        (0, br#"{"id":"x","store":{}}"#, "another shape"),
        (0, b"null", "that is null"),
        (0, b"[", "another shape"),
    ] {
        let request = UpgradeRequest { resource_type: "terraform_data".to_owned(), version, json: json.to_vec() };
        let (value, diagnostics) = provider.upgrade_resource_state(&call(), request).await.unwrap();
        assert!(value.is_null() && diagnostics[0].detail.contains(expect), "{diagnostics:?}");
    }

    let request = DataSourceRequest {
        data_source: "terraform_remote_state".to_owned(),
        config: Value::object(BTreeMap::new()),
        provider_meta: None,
    };
    let error = provider.read_data_source(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownType);
    assert!(error.detail().contains("another root's state"), "{error}");
    let error = provider.validate_resource_config(&call(), "null_resource", Value::null(Type::Dynamic)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnknownType);
}
