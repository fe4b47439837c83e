//! Fills a store as if a cloud held what a state records: what docs/dev/performance/cli.md measures.
//!
//! `observe_state STATE STORE` writes one object for each managed instance whose type the catalog knows and whose ARN
//! names an account, with the attributes that are recorded, and publishes. One object in 100 has another description,
//! one instance in 10,000 has no object, and as many objects belong to no instance.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cty::Value;
use inventory::definition::{Catalog, Reach};
use jiff::Timestamp;
use model::{
    Completeness, ObjectKey, RecordedInstance, RemoteObject, ResourceType, Scope, ScopeOutcome, ScopeStatus, Standing,
};
use store::{RunMeta, Store, WriterOptions};
use tfstate::StateSnapshot;
use tfstate::backend::{self, Context, Location};

/// One object in so many differs from what is recorded.
const CHANGED_EVERY: usize = 100;
/// One instance in so many has no object; another object, which nothing records, is there instead.
const MISSING_EVERY: usize = 10_000;
/// Attributes that no definition maps to an attribute of the same name.
const NOT_MAPPED: &[&str] = &["arn", "id", "tags", "timeouts"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [state, store] = arguments.as_slice() else { return Err("usage: observe_state STATE STORE".into()) };
    let context = Context::new(net::Environment::new([], None));
    let source = backend::open(&Location::parse(state)?, &context)?;
    let (snapshot, _) = StateSnapshot::read(source.get(source.selected_workspace()).await?)?;
    let snapshot = snapshot.ok_or("this is no state")?;
    let (recorded, _) = snapshot.recorded_instances(0);
    let now = Timestamp::now();
    let catalog = Catalog::embedded();

    let mut scopes: BTreeMap<Scope, Vec<(usize, &RecordedInstance)>> = BTreeMap::new();
    let mut types: BTreeMap<_, BTreeSet<ResourceType>> = BTreeMap::new();
    for (number, instance) in recorded.iter().enumerate() {
        let resource_type = instance.address.resource_type();
        let Some(definition) = catalog.for_resource_type(resource_type.as_str()).first() else { continue };
        let Some(account) = instance.account.clone() else { continue };
        let region = instance.region.clone().filter(|_| definition.reach == Reach::Regional);
        let native_type: model::NativeType = definition.name.as_str().into();
        types.entry(native_type.clone()).or_default().insert(resource_type.clone());
        let scope = Scope { cloud: definition.cloud.as_str().into(), account, region, native_type };
        scopes.entry(scope).or_default().push((number, instance));
    }

    let mut store = Store::open_writer(Path::new(store), WriterOptions { wait: Duration::ZERO })?;
    let mut run = store.begin_run(&RunMeta { started: now, tool_version: "example".to_owned(), types })?;
    for (scope, instances) in scopes {
        for instances in instances.chunks(1_000) {
            let objects = instances.iter().map(|(number, instance)| object(&snapshot, &scope, *number, instance, now));
            run.upsert_scope_batch(&objects.collect::<Result<Vec<_>, _>>()?)?;
        }
        run.close_scope(&ScopeOutcome {
            scope,
            status: ScopeStatus::Complete,
            causes: Vec::new(),
            n_objects: instances.len() as u64,
            calls: BTreeMap::new(),
            started: now,
            finished: now,
        })?;
    }
    println!("{:?}", run.finish(now)?);
    store.publish_snapshot(&engine::snapshot_path(store.path()), now)?;
    Ok(())
}

fn object(
    snapshot: &StateSnapshot,
    scope: &Scope,
    number: usize,
    instance: &RecordedInstance,
    now: Timestamp,
) -> Result<RemoteObject, Box<dyn Error>> {
    let values = snapshot.attributes(instance.position, None)?;
    let mut attributes: BTreeMap<String, Value> = values
        .entries()
        .filter(|(name, _)| !NOT_MAPPED.contains(name))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    if number % CHANGED_EVERY == CHANGED_EVERY / 2 {
        attributes.insert("description".to_owned(), Value::string("changed behind Terraform's back"));
    }
    let tags = values.get_attr("tags")?;
    let tags = tags.entries().filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())));
    let id = instance.id.as_ref().map(model::ImportId::as_str).ok_or("an instance has no id")?;
    // An id of its own makes the instance missing and the object unmanaged.
    let suffix = if number % MISSING_EVERY == 1 { "-unmanaged" } else { "" };
    let id = format!("{id}{suffix}");
    Ok(RemoteObject {
        scope: scope.clone(),
        key: ObjectKey(Arc::from(id.as_str())),
        resource_type: Some(instance.address.resource_type().clone()),
        import_id: Some(id.as_str().into()),
        identity: None,
        arn: instance.arn.as_ref().map(|arn| format!("{arn}{suffix}")),
        name: attributes.get("name").and_then(Value::as_str).map(str::to_owned),
        tags: Some(tags.collect()),
        attributes,
        volatile: Vec::new(),
        parent: None,
        standing: Standing::Ordinary,
        completeness: Completeness::Full,
        source: Arc::from("service:DescribeObjects"),
        fetched_at: now,
        cause: None,
    })
}
