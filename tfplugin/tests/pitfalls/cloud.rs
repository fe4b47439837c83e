//! The objects in a folder, which other tests build on: each promise of the torture provider's documentation.

use std::path::Path;

use cty::{Number, Type, Value};
use tfplugin::host::HostedProvider;
use tfplugin::{
    GenerateRequest, ImportRequest, ImportTarget, ListRequest, PlanRequest, PlannedChange, Provider, ReadRequest,
    ResourceObject, UpgradeRequest,
};
use tokio::sync::mpsc;

use crate::support::{call, field, launch_with, object, schema};

const OBJECT: &str = "torture_object";
const LEGACY: &str = "torture_legacy";

struct Cloud {
    folder: tempfile::TempDir,
    provider: HostedProvider,
}

impl Cloud {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let variables = [("TORTURE_CLOUD", folder.path().to_str().unwrap())];
        let provider = HostedProvider::launch(launch_with(&variables)).await.unwrap();
        Self { folder, provider }
    }

    fn path(&self, resource_type: &str, name: &str) -> std::path::PathBuf {
        self.folder.path().join(resource_type).join(format!("{name}.json"))
    }

    fn write(&self, resource_type: &str, name: &str, json: &str) {
        let path = self.path(resource_type, name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, json).unwrap();
    }

    async fn imported(&self, resource_type: &str, name: &str) -> ResourceObject {
        let request =
            ImportRequest { resource_type: resource_type.to_owned(), target: ImportTarget::Id(name.to_owned()) };
        let (mut imported, diagnostics) = self.provider.import_resource_state(&call(), request).await.unwrap();
        assert_eq!(diagnostics, []);
        imported.remove(0).object
    }

    async fn read(&self, resource_type: &str, object: ResourceObject) -> ResourceObject {
        let request = ReadRequest { resource_type: resource_type.to_owned(), object, provider_meta: None };
        let (object, diagnostics) = self.provider.read_resource(&call(), request).await.unwrap();
        assert_eq!(diagnostics, []);
        object
    }

    /// Imports and reads, as core does.
    async fn adopted(&self, resource_type: &str, name: &str) -> ResourceObject {
        let bare = self.imported(resource_type, name).await;
        self.read(resource_type, bare).await
    }

    async fn plan(&self, resource_type: &str, prior: &ResourceObject, proposed: Value) -> PlannedChange {
        let request = PlanRequest {
            resource_type: resource_type.to_owned(),
            prior: prior.clone(),
            proposed: proposed.clone(),
            config: proposed,
            provider_meta: None,
        };
        let (change, diagnostics) = self.provider.plan_resource_change(&call(), request).await.unwrap();
        assert_eq!(diagnostics, []);
        change
    }
}

fn with(value: &Value, name: &str, changed: Value) -> Value {
    let fields = value.entries().map(|(key, old)| (key.to_owned(), if key == name { &changed } else { old }.clone()));
    Value::object(fields.collect())
}

#[tokio::test]
async fn a_file_is_an_object_and_no_file_is_none() {
    let cloud = Cloud::start().await;
    let json = r#"{"ratio": "1.50", "labels": {"a.b": "1", "${x}": "2"}, "made": "today", "revision": 7, "secret": "s",
        "ingress": [{"from_port": 22, "to_port": 22, "protocol": "tcp", "cidrs": ["10.0.0.0/8", "10.0.0.0/8"]}],
        "members": [{"key": "b"}, {"key": "a"}], "anything": {"deep": [1, true]}, "zone": {"z.1": {"level": 3}},
        "grant": [{"key": "k"}], "limits": {"note": "n"}}"#;
    cloud.write(OBJECT, "a", json);
    let object = cloud.adopted(OBJECT, "a").await;
    let value = &object.value;
    assert_eq!(field(value, "ratio"), Value::number(Number::parse("1.5").unwrap()));
    assert_eq!(field(&field(value, "labels"), "${x}"), Value::string("2"));
    assert_eq!(field(value, "ingress").len(), 1);
    assert_eq!(field(value, "members").len(), 2);
    assert_eq!(field(&field(&field(value, "zone"), "z.1"), "level"), Value::number(3_i64));
    assert_eq!(field(&field(value, "anything"), "deep").elements().len(), 2);
    assert!(field(value, "rule").is_empty() && !field(value, "rule").is_null());
    assert!(field(value, "endpoint").is_null() && field(value, "password").is_null());
    assert_eq!(field(&object.identity.clone().unwrap().value, "name"), Value::string("a"));
    std::fs::remove_file(cloud.path(OBJECT, "a")).unwrap();
    assert!(cloud.read(OBJECT, object).await.value.is_null());
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn an_untouched_object_plans_to_itself_and_json_by_meaning() {
    let cloud = Cloud::start().await;
    let json = r#"{"policy": "{\"a\": [1, 2], \"b\": null}", "tier": "gold", "made": "today", "revision": 7,
        "endpoint": {"host": "h", "port": 1, "url": "https://h:1"}}"#;
    cloud.write(OBJECT, "a", json);
    let prior = cloud.adopted(OBJECT, "a").await;
    assert_eq!(cloud.plan(OBJECT, &prior, prior.value.clone()).await.planned.value, prior.value);
    let respelled = with(&prior.value, "policy", Value::string(r#"{"b":null,"a":[1,2]}"#));
    assert_eq!(cloud.plan(OBJECT, &prior, respelled).await.planned.value, prior.value);
    let changed = with(&prior.value, "policy", Value::string(r#"{"a":[2,1]}"#));
    let planned = cloud.plan(OBJECT, &prior, changed).await.planned.value;
    assert_eq!(field(&planned, "policy"), Value::string(r#"{"a":[2,1]}"#));
    assert!(!field(&planned, "revision").is_known());
    let renamed = with(&prior.value, "name", Value::string("b"));
    let change = cloud.plan(OBJECT, &prior, renamed).await;
    assert_eq!(change.requires_replace, [cty::Path::new().attr("name")]);
    let without = with(&prior.value, "tier", Value::null(Type::String));
    assert_eq!(field(&cloud.plan(OBJECT, &prior, without).await.planned.value, "tier"), Value::string("standard"));
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn what_only_the_state_knows_is_kept() {
    let cloud = Cloud::start().await;
    cloud.write(OBJECT, "a", r#"{"force": true}"#);
    let mut object = cloud.adopted(OBJECT, "a").await;
    assert!(field(&object.value, "force").is_null(), "an import does not know it");
    object.value = with(&object.value, "force", Value::bool(false));
    assert_eq!(field(&cloud.read(OBJECT, object).await.value, "force"), Value::bool(false));
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn the_older_sdk_knows_no_null() {
    let cloud = Cloud::start().await;
    cloud.write(LEGACY, "a", r#"{"region": "here", "ingress": [{"port": 22, "cidrs": []}]}"#);
    let prior = cloud.adopted(LEGACY, "a").await;
    assert_eq!(field(&prior.value, "comment"), Value::string(""));
    assert!(!field(&prior.value, "tags").is_null() && field(&prior.value, "tags").is_empty());
    let silent = with(&prior.value, "comment", Value::null(Type::String));
    let change = cloud.plan(LEGACY, &prior, silent).await;
    assert!(change.is_legacy_type_system);
    assert_eq!(change.planned.value, prior.value);
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn a_policy_is_part_of_its_object() {
    let cloud = Cloud::start().await;
    cloud.write(OBJECT, "a", r#"{"policy": "{}"}"#);
    cloud.write(OBJECT, "b", "{}");
    let policy = cloud.adopted("torture_policy", "a").await;
    assert_eq!(field(&policy.value, "policy"), Value::string("{}"));
    assert_eq!(field(&policy.value, "object"), Value::string("a"));
    assert!(cloud.adopted("torture_policy", "b").await.value.is_null());
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn old_states_get_their_name_and_their_new_attributes() {
    let cloud = Cloud::start().await;
    let request = UpgradeRequest {
        resource_type: OBJECT.to_owned(),
        version: 0,
        json: br#"{"id": "a", "title": "a", "ratio": 0.1, "anything": {"type": "string", "value": "s"}}"#.to_vec(),
    };
    let (upgraded, _) = cloud.provider.upgrade_resource_state(&call(), request).await.unwrap();
    assert_eq!(field(&upgraded, "name"), Value::string("a"));
    assert_eq!(field(&upgraded, "ratio"), Value::number(Number::parse("0.1").unwrap()));
    assert_eq!(field(&upgraded, "anything"), Value::string("s"));
    assert!(field(&upgraded, "tier").is_null());
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn a_list_leaves_out_what_cannot_be_read_and_a_read_says_why() {
    let cloud = Cloud::start().await;
    cloud.write(OBJECT, "a1", "{}");
    cloud.write(OBJECT, "a2", r#"{"$error": "AccessDenied"}"#);
    cloud.write(OBJECT, "a3", "{}");
    cloud.write(OBJECT, "b", "{}");
    let config =
        object(&schema(&cloud.provider).await.list_resources[OBJECT].value_type(), &[("prefix", Value::string("a"))]);
    let request = ListRequest { resource_type: OBJECT.to_owned(), config, include_resource: true, limit: 100 };
    let (sender, mut events) = mpsc::channel(100);
    cloud.provider.list_resource(&call(), request, sender).await.unwrap();
    let mut names = Vec::new();
    while let Some(event) = events.recv().await {
        assert_eq!(field(&event.resource.unwrap(), "name"), Value::string(event.display_name.clone()));
        names.push(event.display_name);
    }
    assert_eq!(names, ["a1", "a3"]);
    let object = cloud.imported(OBJECT, "a2").await;
    let request = ReadRequest { resource_type: OBJECT.to_owned(), object, provider_meta: None };
    let (_, diagnostics) = cloud.provider.read_resource(&call(), request).await.unwrap();
    assert_eq!(diagnostics[0].detail, "AccessDenied");
    cloud.provider.shutdown().await;
}

#[tokio::test]
async fn a_configuration_made_of_an_object_plans_to_it() {
    let cloud = Cloud::start().await;
    cloud.write(LEGACY, "a", r#"{"region": "here", "aliases": ["x"]}"#);
    let prior = cloud.adopted(LEGACY, "a").await;
    let request = GenerateRequest { resource_type: LEGACY.to_owned(), state: prior.value.clone() };
    let (config, _) = cloud.provider.generate_resource_config(&call(), request).await.unwrap();
    assert!(field(&config, "id").is_null() && field(&config, "comment").is_null());
    assert_eq!(field(&config, "aliases").len(), 1);
    cloud.provider.shutdown().await;
}
