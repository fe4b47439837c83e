//! From what a definition says of an object to the record everybody shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use model::{Cause, Completeness, Identity, ImportId, NativeType, ObjectKey, RemoteObject, ResourceType, Scope};
use serde_json::Value;
use tracing::warn;

use super::secrets;
use crate::definition::{AttributeStep, MappedObject, TypeDefinition, ValueKind};

/// What the record says beside the mapped object.
pub(super) struct Circumstances {
    pub(super) scope: Scope,
    pub(super) parent: Option<(NativeType, ObjectKey)>,
    pub(super) completeness: Completeness,
    pub(super) source: Arc<str>,
    pub(super) fetched_at: Timestamp,
    pub(super) cause: Option<Cause>,
}

/// Makes the record of an object; values that look like secrets stay out of it.
pub(super) fn record(definition: &TypeDefinition, mapped: MappedObject, circumstances: Circumstances) -> RemoteObject {
    let Circumstances { scope, parent, completeness, source, fetched_at, cause } = circumstances;
    let kinds: BTreeMap<&str, ValueKind> = definition
        .attributes
        .iter()
        .chain(definition.terraform.iter().flat_map(|mapping| &mapping.attributes))
        .filter_map(|attribute| match attribute.path.steps.as_slice() {
            [AttributeStep::Attribute(name)] => Some((name.as_str(), attribute.mapping.kind())),
            _ => None,
        })
        .collect();
    let mut volatile: Vec<String> = mapped
        .attributes
        .iter()
        .filter(|attribute| attribute.volatile)
        .map(|attribute| attribute.path.to_string())
        .collect();
    volatile.sort();
    volatile.dedup();
    let mut attributes = BTreeMap::new();
    for (name, value) in mapped.attribute_tree() {
        if let Some(what) = secret_in(&value) {
            warn!(%scope, key = %mapped.key, attribute = %name, what, "withheld a value that looks like a secret");
            continue;
        }
        let typed = to_cty(&value, kinds.get(name.as_str()).copied());
        attributes.insert(name, typed);
    }
    let withhold =
        |text: String| if secrets::looks_like(&text).is_some() { secrets::WITHHELD.to_owned() } else { text };
    let (resource_type, import_id, identity) = match mapped.terraform {
        Some(terraform) => {
            let identity = (!terraform.identity.is_empty()).then(|| Identity {
                version: 0,
                value: cty::Value::object(
                    terraform.identity.into_iter().map(|(name, text)| (name, cty::Value::string(text))).collect(),
                ),
            });
            (Some(ResourceType::new(terraform.resource_type)), Some(ImportId::new(terraform.import_id)), identity)
        }
        None => (None, None, None),
    };
    RemoteObject {
        scope,
        key: ObjectKey(mapped.key.into()),
        resource_type,
        import_id,
        identity,
        arn: mapped.arn,
        name: mapped.name.map(withhold),
        tags: mapped.tags.map(|tags| tags.into_iter().map(|(key, value)| (key, withhold(value))).collect()),
        attributes,
        volatile,
        parent,
        standing: mapped.standing,
        completeness,
        source,
        fetched_at,
        cause,
    }
}

fn secret_in(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => secrets::looks_like(text),
        Value::Array(items) => items.iter().find_map(secret_in),
        Value::Object(members) => members.values().find_map(secret_in),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Gives a mapped value the type its definition names; nested values get the types they imply.
fn to_cty(value: &Value, kind: Option<ValueKind>) -> cty::Value {
    let implied = implied(value);
    let typed = match (kind, value) {
        (Some(ValueKind::List), Value::Array(items)) => {
            uniform(items).and_then(|(ty, items)| cty::Value::list(ty, items).ok())
        }
        (Some(ValueKind::Set), Value::Array(items)) => {
            uniform(items).and_then(|(ty, items)| cty::Value::set(ty, items).ok())
        }
        (Some(ValueKind::Map), Value::Object(members)) => {
            let entries = members.iter().map(|(name, value)| (name.clone(), self::implied(value))).collect();
            cty::Value::map(cty::Type::String, entries).ok()
        }
        _ => None,
    };
    typed.unwrap_or(implied)
}

/// Returns the elements and the type they share; texts where there are none.
fn uniform(items: &[Value]) -> Option<(cty::Type, Vec<cty::Value>)> {
    let items: Vec<cty::Value> = items.iter().map(implied).collect();
    let ty = items.first().map_or(cty::Type::String, |first| first.ty().clone());
    items.iter().all(|item| *item.ty() == ty).then_some((ty, items))
}

fn implied(value: &Value) -> cty::Value {
    match value {
        Value::Null => cty::Value::null(cty::Type::Dynamic),
        Value::Bool(flag) => cty::Value::bool(*flag),
        Value::Number(number) => match cty::Number::parse(&number.to_string()) {
            Ok(number) => cty::Value::number(number),
            Err(_) => cty::Value::string(number.to_string()),
        },
        Value::String(text) => cty::Value::string(text.clone()),
        Value::Array(items) => cty::Value::tuple(items.iter().map(implied).collect()),
        Value::Object(members) => {
            cty::Value::object(members.iter().map(|(name, value)| (name.clone(), implied(value))).collect())
        }
    }
}
