//! Providers that other people wrote, of both protocols: their schemas are what terraform reads of them, and their
//! objects in real servers are read and upgraded.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "pitfalls/support.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::Type;
use model::{Attribute, AttributeType, Block, NestingMode, Schema};
use serde_json::{Map, Value as Json, json};
use support::{call, object, schema};
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::{ConfigureRequest, Provider, ProviderSchema, ReadRequest, ResourceObject, UpgradeRequest};
use xtask::kubernetes::Cluster;
use xtask::rabbitmq::Broker;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// What is known of a provider beforehand.
struct Known {
    tool: Tool,
    source: &'static str,
    protocol_version: u32,
    /// The least numbers of resources, data sources, identities and list resources.
    least: [usize; 4],
    /// Whether a provider block without arguments is valid where the environment says nothing.
    empty_block_is_valid: bool,
}

async fn check(known: Known) {
    let Some(program) = tools::or_skip(known.tool) else { return };
    // Without the user's variables: a provider takes arguments from them.
    let environment = ["PATH", "TMPDIR"].into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
    let provider = HostedProvider::launch(Launch::new(program, environment)).await.unwrap();
    assert_eq!(provider.protocol_version(), known.protocol_version);
    let ours = schema(&provider).await;
    let counts = [ours.resources.len(), ours.data_sources.len(), ours.identities.len(), ours.list_resources.len()];
    for (count, least) in counts.into_iter().zip(known.least) {
        assert!(count >= least, "{counts:?}, at least {:?} were expected", known.least);
    }
    for name in ours.identities.keys().chain(ours.list_resources.keys()) {
        assert!(ours.resources.contains_key(name), "{name} is no resource type");
    }

    let ((), diagnostics) =
        provider.validate_provider_config(&call(), object(&ours.provider.value_type(), &[])).await.unwrap();
    assert_eq!(!model::diagnostic::has_errors(&diagnostics), known.empty_block_is_valid, "{diagnostics:?}");

    let process_id = provider.process_id().unwrap();
    provider.shutdown().await;
    assert!(!support::is_running(process_id));

    let Some(terraform) = terraform() else { return };
    let theirs = schemas_of_terraform(&terraform, known.source);
    assert_same(&ours, &theirs);
}

#[tokio::test]
async fn hashicorp_time_is_read_as_terraform_reads_it() {
    check(Known {
        tool: Tool::Time,
        source: "hashicorp/time",
        protocol_version: 5,
        least: [4, 0, 0, 0],
        empty_block_is_valid: true,
    })
    .await;
}

#[tokio::test]
async fn hashicorp_aws_is_read_as_terraform_reads_it() {
    check(Known {
        tool: Tool::Aws,
        source: "hashicorp/aws",
        protocol_version: 5,
        least: [300, 150, 90, 60],
        empty_block_is_valid: true,
    })
    .await;
}

#[tokio::test]
async fn cyrilgdn_rabbitmq_is_read_as_terraform_reads_it() {
    check(Known {
        tool: Tool::Rabbitmq,
        source: "cyrilgdn/rabbitmq",
        protocol_version: 5,
        least: [11, 3, 0, 0],
        empty_block_is_valid: false,
    })
    .await;
}

#[tokio::test]
async fn gavinbunney_kubectl_is_read_as_terraform_reads_it() {
    check(Known {
        tool: Tool::Kubectl,
        source: "gavinbunney/kubectl",
        protocol_version: 5,
        least: [2, 5, 0, 0],
        empty_block_is_valid: true,
    })
    .await;
}

#[tokio::test]
async fn exoscale_is_read_as_terraform_reads_it() {
    check(Known {
        tool: Tool::Exoscale,
        source: "exoscale/exoscale",
        protocol_version: 6,
        least: [22, 24, 0, 0],
        empty_block_is_valid: true,
    })
    .await;
}

#[tokio::test]
async fn aliyun_alicloud_is_read_as_terraform_reads_it() {
    check(Known {
        tool: Tool::Alicloud,
        source: "aliyun/alicloud",
        protocol_version: 5,
        least: [500, 300, 0, 0],
        empty_block_is_valid: true,
    })
    .await;
}

#[tokio::test]
async fn what_terraform_made_in_rabbitmq_is_read() {
    let Some(program) = tools::or_skip(Tool::Rabbitmq) else { return };
    if tools::or_skip(Tool::RabbitmqServer).is_none() {
        return;
    }
    let Some(terraform) = terraform() else { return };
    let broker = Broker::start().unwrap();
    let objects = read_all(&program, &terraform, "rabbitmq", broker.environment(), |objects| {
        assert!(objects.iter().all(|(address, object)| !object.value.is_null() || panic!("{address} is gone")));
        let answer = broker.request("DELETE", "/api/queues/orders/orders-mails", None).unwrap();
        assert_eq!(answer.status, 204);
    })
    .await;
    let gone: Vec<&str> =
        objects.iter().filter(|(_, object)| object.value.is_null()).map(|(name, _)| &**name).collect();
    assert_eq!(gone, [r#"module.work.rabbitmq_binding.this["mails"]"#, r#"module.work.rabbitmq_queue.this["mails"]"#]);
}

#[tokio::test]
async fn what_terraform_made_in_kubernetes_is_read() {
    let Some(program) = tools::or_skip(Tool::Kubectl) else { return };
    if tools::or_skip(Tool::Etcd).is_none() || tools::or_skip(Tool::KubeApiserver).is_none() {
        return;
    }
    let Some(terraform) = terraform() else { return };
    let cluster = Cluster::start().unwrap();
    let objects = read_all(&program, &terraform, "kubernetes", cluster.environment(), |objects| {
        assert!(objects.iter().all(|(address, object)| !object.value.is_null() || panic!("{address} is gone")));
        let answer = cluster.request("DELETE", "/api/v1/namespaces/shop/secrets/credentials", None).unwrap();
        assert_eq!(answer.status, 200);
    })
    .await;
    let gone: Vec<&str> =
        objects.iter().filter(|(_, object)| object.value.is_null()).map(|(name, _)| &**name).collect();
    assert_eq!(gone, ["kubectl_manifest.credentials"]);
}

/// Lets terraform apply a pair's root, and reads everything in its state twice: before and after something happened.
async fn read_all(
    program: &std::path::Path,
    terraform: &std::path::Path,
    pair: &str,
    environment: Vec<(String, String)>,
    between: impl FnOnce(&BTreeMap<String, ResourceObject>),
) -> BTreeMap<String, ResourceObject> {
    let folder = xtask::repository().join("acceptance-tests").join(pair).join("root");
    let config = CliConfig::with_tools().unwrap();
    let root = RootFolder::copy_of(&folder, terraform, &config, None).unwrap().with_environment(environment.clone());
    root.init().unwrap();
    root.apply(10).unwrap();
    let state = std::fs::read(root.path().join("terraform.tfstate")).unwrap();
    let state: Json = serde_json::from_slice(&state).unwrap();

    let environment = std::env::vars_os()
        .chain(environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
    let provider = HostedProvider::launch(Launch::new(program, environment)).await.unwrap();
    let schema = schema(&provider).await;
    let block = object(&schema.provider.value_type(), &[]);
    let request = ConfigureRequest { terraform_version: "1.15.0".to_owned(), config: block };
    let ((), diagnostics) = provider.configure(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);

    let mut objects = BTreeMap::new();
    for resource in state["resources"].as_array().unwrap() {
        let resource_type = resource["type"].as_str().unwrap().to_owned();
        for instance in resource["instances"].as_array().unwrap() {
            let key = match &instance["index_key"] {
                Json::Null => String::new(),
                key => format!("[{key}]"),
            };
            let module = resource["module"].as_str().map(|module| format!("{module}.")).unwrap_or_default();
            let address = format!("{module}{resource_type}.{}{key}", resource["name"].as_str().unwrap());
            let request = UpgradeRequest {
                resource_type: resource_type.clone(),
                version: instance["schema_version"].as_i64().unwrap(),
                json: instance["attributes"].to_string().into_bytes(),
            };
            let (value, diagnostics) = provider.upgrade_resource_state(&call(), request).await.unwrap();
            assert_eq!(diagnostics, [], "{address}");
            let private = instance["private"].as_str().map(|text| STANDARD.decode(text).unwrap()).unwrap_or_default();
            objects.insert(address, (resource_type.clone(), ResourceObject { value, private, identity: None }));
        }
    }
    assert!(objects.len() >= 15, "{} objects", objects.len());
    let first = read_objects(&provider, &objects).await;
    between(&first);
    let second = read_objects(&provider, &objects).await;
    provider.shutdown().await;
    second
}

async fn read_objects(
    provider: &HostedProvider,
    objects: &BTreeMap<String, (String, ResourceObject)>,
) -> BTreeMap<String, ResourceObject> {
    let mut read = BTreeMap::new();
    for (address, (resource_type, object)) in objects {
        let request = ReadRequest { resource_type: resource_type.clone(), object: object.clone(), provider_meta: None };
        let (object, diagnostics) = provider.read_resource(&call(), request).await.unwrap();
        assert_eq!(diagnostics, [], "{address}");
        read.insert(address.clone(), object);
    }
    read
}

fn terraform() -> Option<PathBuf> {
    match tools::terraform_or_tofu() {
        Ok(program) => Some(program),
        Err(error) => {
            tools::skip(&format!("{error:#}"));
            None
        }
    }
}

fn schemas_of_terraform(terraform: &std::path::Path, source: &str) -> Json {
    let root = RootFolder::empty(terraform, &CliConfig::with_tools().unwrap(), None).unwrap();
    let text = format!("terraform {{\n  required_providers {{\n    it = {{ source = {source:?} }}\n  }}\n}}\n");
    root.write("main.tf", &text).unwrap();
    root.init().unwrap();
    let schemas: Json = serde_json::from_str(&root.run(&["providers", "schema", "-json"]).unwrap()).unwrap();
    let providers = schemas["provider_schemas"].as_object().unwrap();
    assert_eq!(providers.len(), 1);
    providers.values().next().unwrap().clone()
}

/// Compares everything that both terraform's JSON and our schemas hold.
fn assert_same(ours: &ProviderSchema, theirs: &Json) {
    assert_eq!(described(&ours.provider), reduced(&theirs["provider"]));
    for (kind, ours) in [("resource_schemas", &ours.resources), ("data_source_schemas", &ours.data_sources)] {
        let empty = Map::new();
        let theirs = theirs[kind].as_object().unwrap_or(&empty);
        assert_eq!(ours.keys().collect::<Vec<_>>(), sorted(theirs), "{kind}");
        for (name, schema) in ours {
            assert_eq!(described(schema), reduced(&theirs[name]), "{kind} {name}");
        }
    }
}

fn sorted(object: &Map<String, Json>) -> Vec<&String> {
    let mut names: Vec<&String> = object.keys().collect();
    names.sort();
    names
}

/// Describes a schema of ours as [`reduced`] leaves one of terraform's.
fn described(schema: &Schema) -> Json {
    json!({"version": schema.version, "block": described_block(&schema.block)})
}

fn described_block(block: &Block) -> Json {
    let blocks: Map<String, Json> = block
        .blocks
        .iter()
        .map(|(name, nested)| {
            let described = json!({
                "nesting_mode": mode(nested.nesting),
                "min_items": nested.min_items,
                "max_items": nested.max_items,
                "block": described_block(&nested.block),
            });
            (name.clone(), described)
        })
        .collect();
    json!({"attributes": described_attributes(&block.attributes), "block_types": blocks})
}

fn described_attributes(attributes: &BTreeMap<String, Attribute>) -> Json {
    attributes
        .iter()
        .map(|(name, attribute)| {
            let ty = match &attribute.ty {
                AttributeType::Plain(ty) => type_json(ty),
                AttributeType::Nested(nested) => {
                    json!({"attributes": described_attributes(&nested.attributes), "nesting_mode": mode(nested.nesting)})
                }
            };
            let described = json!({
                "type": ty,
                "required": attribute.required,
                "optional": attribute.optional,
                "computed": attribute.computed,
                "sensitive": attribute.sensitive,
                "write_only": attribute.write_only,
                "deprecated": attribute.deprecated,
            });
            (name.clone(), described)
        })
        .collect::<Map<String, Json>>()
        .into()
}

fn type_json(ty: &Type) -> Json {
    serde_json::from_str(&ty.to_json()).unwrap()
}

fn mode(nesting: NestingMode) -> &'static str {
    match nesting {
        NestingMode::Single => "single",
        NestingMode::Group => "group",
        NestingMode::List => "list",
        NestingMode::Set => "set",
        NestingMode::Map => "map",
    }
}

/// Leaves of one of terraform's schemas what [`described`] describes; what terraform leaves out is false, 0 or empty.
fn reduced(schema: &Json) -> Json {
    json!({"version": schema["version"].as_i64().unwrap_or(0), "block": reduced_block(&schema["block"])})
}

fn reduced_block(block: &Json) -> Json {
    let empty = Map::new();
    let blocks: Map<String, Json> = block["block_types"]
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(name, nested)| {
            let reduced = json!({
                "nesting_mode": nested["nesting_mode"],
                "min_items": nested["min_items"].as_u64().unwrap_or(0),
                "max_items": nested["max_items"].as_u64().unwrap_or(0),
                "block": reduced_block(&nested["block"]),
            });
            (name.clone(), reduced)
        })
        .collect();
    json!({"attributes": reduced_attributes(&block["attributes"]), "block_types": blocks})
}

fn reduced_attributes(attributes: &Json) -> Json {
    let empty = Map::new();
    attributes
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(name, attribute)| {
            let ty = match &attribute["nested_type"] {
                Json::Null => attribute["type"].clone(),
                nested => json!({
                    "attributes": reduced_attributes(&nested["attributes"]),
                    "nesting_mode": nested["nesting_mode"],
                }),
            };
            let flag = |name: &str| attribute[name].as_bool().unwrap_or(false);
            let reduced = json!({
                "type": ty,
                "required": flag("required"),
                "optional": flag("optional"),
                "computed": flag("computed"),
                "sensitive": flag("sensitive"),
                "write_only": flag("write_only"),
                "deprecated": flag("deprecated"),
            });
            (name.clone(), reduced)
        })
        .collect::<Map<String, Json>>()
        .into()
}
