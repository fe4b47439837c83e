//! Taking an object up: import, read, and the configuration that the provider itself makes of it.

use cty::Value;
use drift::lifecycle::normalize_legacy;
use model::Schema;
use model::diagnostic::has_errors;
use model::draft::DraftImportSource;
use tfplugin::{GenerateRequest, ImportRequest, ImportTarget, ImportedObject, ReadRequest, ResourceObject};

use super::bench::Work;
use crate::refresh::asking::Failure;

/// An object as its provider holds it.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    /// The object; its value is normalized, not null, and without marks.
    pub(super) object: ResourceObject,
    /// What the provider generated, where it does that.
    pub(super) generated: Option<Value>,
    /// What came with the import and is not adopted: types, each as often as it came.
    pub(super) beside: Vec<String>,
}

/// Why an object is not taken up.
#[derive(Debug)]
pub(super) enum Refusal {
    /// For this reason, a sentence about the object.
    Skip(String),
    /// It could not be asked for.
    Failed(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Imports and reads an object; nothing is generated yet.
pub(super) async fn fetch(
    work: &mut Work,
    resource_type: &str,
    schema: &Schema,
    source: &DraftImportSource,
) -> Result<Fetched, Refusal> {
    let (target, name) = match source {
        DraftImportSource::Id(id) => (ImportTarget::Id(id.to_string()), format!("the id {id:?}", id = id.as_str())),
        DraftImportSource::Identity(identity) => (ImportTarget::Identity(identity.clone()), "its identity".to_owned()),
    };
    let request = ImportRequest { resource_type: resource_type.to_owned(), target };
    let imported = work
        .ask("ImportResourceState", |provider, call| {
            let request = request.clone();
            async move { provider.import_resource_state(&call, request).await }
        })
        .await?;
    let (mut own, others): (Vec<ImportedObject>, Vec<ImportedObject>) =
        imported.into_iter().partition(|imported| imported.resource_type == resource_type);
    let beside: Vec<String> = others.into_iter().map(|other| other.resource_type).collect();
    let n_own = own.len();
    let first = match (own.pop(), n_own) {
        (Some(only), 1) => only.object,
        (Some(_), _) => {
            let reason = format!(
                "The provider gives {n_own} objects of the type {resource_type} for {name}, and an import block takes one."
            );
            return Err(Refusal::Skip(reason));
        }
        (None, _) if beside.is_empty() => {
            return Err(Refusal::Skip(format!("No {resource_type} with {name} exists: its import gave nothing.")));
        }
        (None, _) => {
            let reason = format!(
                "What {name} leads to is no {resource_type}: the provider gives {} instead.",
                beside.join(", ")
            );
            return Err(Refusal::Skip(reason));
        }
    };
    if first.value.is_null() {
        return Err(Refusal::Skip(format!("No {resource_type} with {name} exists: its import gave nothing.")));
    }
    let first = ResourceObject { value: normalize_legacy(&first.value.unmark_deep().0, &schema.block), ..first };
    work.secrets.add_by_schema(&first.value, &schema.block);
    let Some(object) = read(work, resource_type, schema, &first).await? else {
        return Err(Refusal::Skip(format!("No {resource_type} with {name} exists.")));
    };
    Ok(Fetched { object, generated: None, beside })
}

/// Reads an object again; `None` where it does not exist.
pub(super) async fn read(
    work: &mut Work,
    resource_type: &str,
    schema: &Schema,
    known: &ResourceObject,
) -> Result<Option<ResourceObject>, Failure> {
    let request = ReadRequest { resource_type: resource_type.to_owned(), object: known.clone(), provider_meta: None };
    let read = work
        .ask("ReadResource", |provider, call| {
            let request = request.clone();
            async move { provider.read_resource(&call, request).await }
        })
        .await?;
    if read.value.is_null() {
        return Ok(None);
    }
    let value = normalize_legacy(&read.value.unmark_deep().0, &schema.block);
    work.secrets.add_by_schema(&value, &schema.block);
    Ok(Some(ResourceObject { value, ..read }))
}

/// Asks the provider for a configuration, where it makes any. One that cannot make this one is no reason to stop.
pub(super) async fn generate(
    work: &mut Work,
    resource_type: &str,
    object: &ResourceObject,
) -> Result<Option<Value>, Failure> {
    if !work.bench.schema.generates_config {
        return Ok(None);
    }
    let request = GenerateRequest { resource_type: resource_type.to_owned(), state: object.value.clone() };
    let generated = work
        .hear("GenerateResourceConfig", |provider, call| {
            let request = request.clone();
            async move { provider.generate_resource_config(&call, request).await }
        })
        .await;
    match generated {
        Ok((config, problems)) => Ok(Some(config).filter(|config| !config.is_null() && !has_errors(&problems))),
        Err(Failure::Unseen(_)) if !work.call.cancel.is_cancelled() => Ok(None),
        Err(failure) => Err(failure),
    }
}
