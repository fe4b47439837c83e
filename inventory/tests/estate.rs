//! The demo estate: what the engine finds is what the real provider wrote into its state, attribute by attribute.

#[path = "support/json.rs"]
mod json;

use std::collections::BTreeMap;
use std::sync::Arc;

use inventory::definition::{Catalog, DefinitionSource};
use inventory::engine::{Account, AccountRegions, DiscoverRequest, Event, classifier, discover};
use json::json_of;
use model::{Region, RemoteObject, ScopeStatus};
use net::aws::{Access, AwsPartition, AwsSession};
use net::egress::EgressPolicy;
use net::{Environment, Network, NetworkConfig};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use xtask::moto::{Moto, REGION};
use xtask::tools::{Tool, or_skip};

async fn look(moto: &Moto, catalog: &Arc<Catalog>, types: Vec<String>) -> Vec<RemoteObject> {
    let environment = Environment::new(moto.environment(), None);
    let cloud = catalog.cloud("aws").expect("the embedded cloud");
    let policy = Arc::new(EgressPolicy::new(AwsPartition::domains()));
    let network = Network::new(NetworkConfig::standard(), &environment, policy, classifier(Arc::clone(cloud)));
    let network = network.expect("a network");
    let session = AwsSession::open(environment, &Access::default(), network).await.expect("a session");
    let account = Account::open(Arc::clone(cloud), &session, &CancellationToken::new()).await.expect("an account");
    let accounts = vec![AccountRegions { account, regions: vec![Region::from(REGION), Region::from("us-east-1")] }];
    let mut objects = Vec::new();
    let discovery = discover(DiscoverRequest::new(Arc::clone(catalog), accounts, types), &mut |event| {
        if let Event::Object(object) = event {
            objects.push(*object);
        }
    })
    .await;
    for outcome in &discovery.outcomes {
        assert_eq!(outcome.status, ScopeStatus::Complete, "{}: {:?}", outcome.scope, outcome.causes);
    }
    objects
}

/// What the engine says of an attribute and the state does not, or says otherwise.
fn differences(path: &str, observed: &Value, recorded: &Value, found: &mut Vec<String>) {
    match (observed, recorded) {
        // What a definition does not map of a block is absent in what was observed.
        (Value::Object(observed), Value::Object(recorded)) => {
            for (name, value) in observed {
                let other = recorded.get(name).unwrap_or(&Value::Null);
                differences(&format!("{path}.{name}"), value, other, found);
            }
        }
        (Value::Array(observed), Value::Array(recorded)) if observed.len() == recorded.len() => {
            let sorted = |values: &[Value]| {
                let mut sorted = values.to_vec();
                sorted.sort_by_cached_key(ToString::to_string);
                sorted
            };
            for (position, (observed, recorded)) in sorted(observed).iter().zip(&sorted(recorded)).enumerate() {
                differences(&format!("{path}[{position}]"), observed, recorded, found);
            }
        }
        _ => {
            // Terraform writes "nothing" as null or as empty text, and JSON with spaces of its own.
            let plain = |value: &Value| match value {
                Value::String(text) if text.is_empty() => Value::Null,
                Value::String(text) if text.starts_with(['{', '[']) => serde_json::from_str(text).unwrap_or_default(),
                other => other.clone(),
            };
            if plain(observed) != plain(recorded) {
                found.push(format!("{path}: the cloud has {observed}, the state {recorded}"));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_estate_is_what_its_state_says() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let moto = xtask::estate::start().expect("the estate");
    let catalog = Catalog::embedded();
    let types = catalog.types().map(|definition| definition.name.clone()).collect();
    let objects = look(&moto, &catalog, types).await;
    let by_id: BTreeMap<(&str, &str), &RemoteObject> = objects
        .iter()
        .filter_map(|object| Some(((object.scope.native_type.as_str(), object.import_id.as_ref()?.as_str()), object)))
        .collect();
    let path = xtask::estate::directory().join("terraform.tfstate");
    let state: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a state")).expect("JSON");
    let mut problems = Vec::new();
    let mut n_instances: BTreeMap<&str, u32> = BTreeMap::new();
    let mut n_attributes = 0;
    for resource in state["resources"].as_array().expect("resources") {
        let resource_type = resource["type"].as_str().expect("a type");
        if resource["mode"] != "managed" || catalog.for_resource_type(resource_type).is_empty() {
            continue;
        }
        for instance in resource["instances"].as_array().expect("instances") {
            let attributes = &instance["attributes"];
            let ids = catalog.recorded_import_ids(resource_type, attributes);
            let object = ids.iter().find_map(|(definition, id)| by_id.get(&(definition.name.as_str(), id.as_str())));
            let address = format!("{resource_type}.{}{}", resource["name"], instance["index_key"]);
            let Some(object) = object else {
                problems
                    .push(format!("{address} is not found by {:?}", ids.iter().map(|(_, id)| id).collect::<Vec<_>>()));
                continue;
            };
            if object.resource_type.as_ref().is_none_or(|found| found.as_str() != resource_type) {
                problems.push(format!("{address} is found as {:?}", object.resource_type));
            }
            *n_instances.entry(resource_type).or_default() += 1;
            for (name, value) in object.attributes.iter().filter(|(name, _)| !object.volatile.contains(name)) {
                n_attributes += 1;
                differences(&format!("{address}.{name}"), &json_of(value), &attributes[name], &mut problems);
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // The estate has an instance of every Terraform type that an import proved, but for those that the test
    // `import_ids` of xtask makes for itself.
    let made_elsewhere = ["aws_ebs_volume", "aws_kms_external_key", "aws_kms_replica_key", "aws_route_table"];
    let proven = catalog.types().flat_map(|definition| {
        definition
            .terraform
            .iter()
            .filter(|mapping| mapping.proof.is_some())
            .map(|mapping| mapping.resource_type.clone())
    });
    let absent: Vec<String> = proven
        .filter(|proven| !n_instances.contains_key(proven.as_str()) && !made_elsewhere.contains(&proven.as_str()))
        .collect();
    assert_eq!(absent, Vec::<String>::new(), "types that the estate does not have");
    assert!(n_attributes > 300, "only {n_attributes} attributes were compared");
}

/// The page for newcomers adds a type that the estate has and the catalog does not: what it shows must work.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_newcomers_is_true() {
    if or_skip(Tool::Moto).is_none() {
        return;
    }
    let page = std::fs::read_to_string(xtask::repository().join("docs/dev/adding-a-type.md")).expect("the page");
    let shown = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a YAML block");
    let source = DefinitionSource { name: "aws/internet_gateway.yaml".to_owned(), text: shown.to_owned().into() };
    let catalog = Catalog::with_overlay(vec![source]).unwrap_or_else(|errors| panic!("{errors}"));
    let moto = xtask::estate::start().expect("the estate");
    let objects = look(&moto, &Arc::new(catalog), vec!["aws.internet_gateway".to_owned()]).await;
    let gateways: Vec<_> = objects
        .iter()
        .filter(|object| object.scope.native_type.as_str() == "aws.internet_gateway")
        .map(|object| object.import_id.as_ref().map(ToString::to_string).unwrap_or_default())
        .collect();
    assert_eq!(gateways.len(), 1, "{gateways:?}");
    assert!(gateways[0].starts_with("igw-"), "{gateways:?}");
}
