//! Types that have everything that breaks generated configuration.

use std::collections::BTreeMap;

use cty::{Path, Type, Value};
use model::{Attribute, AttributeType, Block, Diagnostic, Diagnostics, NestedBlock, NestingMode};

use super::rules::refusal;
use crate::shape::{
    computed, field, named, nested_attribute, nested_block, optional, optional_computed, required, sensitive, text,
    with_fields,
};

fn write_only(attribute: Attribute) -> Attribute {
    Attribute { write_only: true, ..sensitive(attribute) }
}

/// Members with one that only the cloud knows.
fn member() -> BTreeMap<String, Attribute> {
    named([("key", required(Type::String)), ("uid", computed(Type::String)), ("value", optional(Type::String))])
}

fn level() -> BTreeMap<String, Attribute> {
    named([("level", optional_computed(Type::Number)), ("note", optional(Type::String))])
}

pub(super) fn specimen_block() -> Block {
    let ports = [("from_port", Type::Number), ("to_port", Type::Number)];
    let more = [("protocol", Type::String), ("cidrs", Type::set(Type::String))];
    let endpoint = named([
        ("host", required(Type::String)),
        ("port", optional(Type::Number)),
        ("token", sensitive(optional(Type::String))),
        ("url", computed(Type::String)),
    ]);
    let deprecated =
        |attribute| Attribute { deprecated: true, deprecation_message: "Use `note`.".to_owned(), ..attribute };
    let matches = named([("path", required(Type::String)), ("verbs", optional(Type::set(Type::String)))]);
    let mut rule = nested_block(NestingMode::List, member());
    rule.block.blocks = named([("match", nested_block(NestingMode::Set, matches))]);
    let login = named([("password", sensitive(optional(Type::String))), ("user", required(Type::String))]);
    Block {
        attributes: named([
            ("aliases", optional(Type::list(Type::String))),
            ("anything", optional(Type::Dynamic)),
            ("api_key", optional(Type::String)),
            ("arn", computed(Type::String)),
            ("comment", optional(Type::String)),
            ("credentials", sensitive(optional(Type::map(Type::String)))),
            ("document", optional(Type::String)),
            ("endpoint", nested_attribute(NestingMode::Single, endpoint)),
            ("engine", optional_computed(Type::String)),
            ("flag", optional(Type::Bool)),
            ("id", computed(Type::String)),
            ("location", optional(Type::String)),
            ("members", nested_attribute(NestingMode::Set, member())),
            ("mirror", computed(Type::String)),
            ("mode", optional(Type::String)),
            ("name", required(Type::String)),
            ("note", optional(Type::String)),
            ("old_name", deprecated(optional(Type::String))),
            ("password_wo", write_only(optional(Type::String))),
            ("password_wo_version", optional(Type::Number)),
            ("policy", optional(Type::String)),
            ("ports", optional(Type::set(Type::object(ports.into_iter().chain(more))))),
            ("ratio", optional(Type::Number)),
            ("retries", optional(Type::Number)),
            ("secret", sensitive(optional(Type::String))),
            ("settings", nested_attribute(NestingMode::Map, level())),
            ("size", optional_computed(Type::Number)),
            ("steps", nested_attribute(NestingMode::List, member())),
            ("tags", optional(Type::map(Type::String))),
            ("tier", optional_computed(Type::String)),
            ("user_data", optional(Type::String)),
        ]),
        blocks: named([
            ("grant", nested_block(NestingMode::Set, member())),
            ("limits", nested_block(NestingMode::Single, level())),
            ("login", NestedBlock { max_items: 1, ..nested_block(NestingMode::List, login) }),
            ("rule", rule),
            ("window", nested_block(NestingMode::Group, level())),
            ("zone", nested_block(NestingMode::Map, level())),
        ]),
        description: "What is hard to write configuration for.".to_owned(),
        ..Block::default()
    }
}

pub(super) fn lock_block() -> Block {
    Block {
        attributes: named([
            ("id", computed(Type::String)),
            ("name", required(Type::String)),
            ("pin", sensitive(required(Type::String))),
            ("token_wo", write_only(required(Type::String))),
            ("token_wo_version", optional(Type::Number)),
        ]),
        description: "Secrets that a configuration must hold.".to_owned(),
        ..Block::default()
    }
}

pub(super) fn vault_block() -> Block {
    Block {
        attributes: named([
            ("hint", optional(Type::String)),
            ("id", computed(Type::String)),
            ("name", required(Type::String)),
            ("password", sensitive(required(Type::String))),
        ]),
        description: "A required argument that nobody can read back.".to_owned(),
        ..Block::default()
    }
}

pub(super) fn node_block() -> Block {
    Block {
        attributes: named([
            ("arn", computed(Type::String)),
            ("id", computed(Type::String)),
            ("name", required(Type::String)),
            ("peer_ids", optional(Type::set(Type::String))),
            ("policy", optional(Type::String)),
            ("upstream_id", optional(Type::String)),
        ]),
        description: "Objects that name each other.".to_owned(),
        ..Block::default()
    }
}

pub(super) fn sealed_block() -> Block {
    Block {
        attributes: named([("id", computed(Type::String)), ("name", required(Type::String))]),
        description: "What cannot be imported.".to_owned(),
        ..Block::default()
    }
}

/// Takes away what nobody reads back, gives the default where there is one, and a group, which is never absent, nothing to
/// hold.
pub(super) fn as_read(value: &Value) -> Value {
    let nothing = || named([("level", Value::null(Type::Number)), ("note", Value::null(Type::String))]);
    let window = field(value, "window").filter(|window| !window.is_null()).cloned();
    let window = window.unwrap_or_else(|| Value::object(nothing()));
    let tier = Value::string(text(value, "tier").unwrap_or("standard"));
    with_fields(value, [("password_wo", Value::null(Type::String)), ("tier", tier), ("window", window)])
}

/// Makes what only the cloud will know unknown, all the way down.
pub(super) fn plan(planned: &Value) -> Value {
    let block = specimen_block();
    let changed = planned.entries().filter_map(|(name, value)| {
        let attributes = match (block.attributes.get(name), block.blocks.get(name)) {
            (Some(Attribute { ty: AttributeType::Nested(nested), .. }), _) => &nested.attributes,
            (_, Some(nested)) => &nested.block.attributes,
            _ => return None,
        };
        Some((name.to_owned(), complete(value, attributes)))
    });
    let changed: BTreeMap<String, Value> = changed.collect();
    let field = |(name, value): (&str, &Value)| (name.to_owned(), changed.get(name).unwrap_or(value).clone());
    Value::object(planned.entries().map(field).collect())
}

fn complete(value: &Value, attributes: &BTreeMap<String, Attribute>) -> Value {
    if value.is_null() || !value.is_known() {
        return value.clone();
    }
    let elements = || value.elements().map(|element| complete(element, attributes)).collect();
    let entries = || value.entries().map(|(key, element)| (key.to_owned(), complete(element, attributes))).collect();
    let completed = match value.ty() {
        Type::List(element) => Value::list(Type::clone(element), elements()),
        Type::Set(element) => Value::set(Type::clone(element), elements()),
        Type::Map(element) => Value::map(Type::clone(element), entries()),
        Type::Object(_) => {
            let unknown = |(name, field): (&str, &Value)| {
                let is_missing =
                    attributes.get(name).is_some_and(|attribute| attribute.computed && !attribute.optional)
                        && field.is_null();
                let completed = if is_missing { Value::unknown(field.ty().clone()) } else { field.clone() };
                (name.to_owned(), completed)
            };
            Ok(Value::object(value.entries().map(unknown).collect()))
        }
        _ => return value.clone(),
    };
    completed.unwrap_or_else(|_| value.clone())
}

pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut diagnostics = super::validate_json(config);
    for (name, refused, taken) in [("engine", "ancient", "modern"), ("mode", "legacy", "strict")] {
        if text(config, name) == Some(refused) {
            let detail = format!("Attribute {name} value must be one of: [{taken:?}], got: {refused:?}");
            diagnostics.push(refusal("Invalid Attribute Value Match", detail, Path::new().attr(name)));
        }
    }
    diagnostics.extend(partner(config, "password_wo_version", "password_wo"));
    diagnostics
}

pub(super) fn validate_lock(config: &Value) -> Diagnostics {
    let mut diagnostics: Diagnostics = partner(config, "token_wo_version", "token_wo").into_iter().collect();
    diagnostics.extend(too_short(config, "pin"));
    diagnostics.extend(["pin", "token_wo"].into_iter().filter_map(|name| missing(config, name)));
    diagnostics
}

pub(super) fn validate_vault(config: &Value) -> Diagnostics {
    too_short(config, "password").into_iter().chain(missing(config, "password")).collect()
}

/// Refuses a null that is written where something must be: programs leave that to the provider.
fn missing(config: &Value, name: &str) -> Option<Diagnostic> {
    let detail =
        format!("Must set a configuration value for the {name} attribute as the provider has marked it as required.");
    let is_missing = field(config, name).is_some_and(Value::is_null);
    is_missing.then(|| refusal("Missing Configuration for Required Attribute", detail, Path::new().attr(name)))
}

/// Refuses an argument without the one it belongs to.
fn partner(config: &Value, name: &str, needed: &str) -> Option<Diagnostic> {
    let is_set = |name: &str| field(config, name).is_some_and(|value| !value.is_null());
    let detail = format!("Attribute {needed:?} must be specified when {name:?} is specified");
    (is_set(name) && !is_set(needed)).then(|| refusal("Invalid Attribute Combination", detail, Path::new().attr(name)))
}

/// Refuses a secret of fewer than eight characters.
fn too_short(config: &Value, name: &str) -> Option<Diagnostic> {
    let length = text(config, name).map(|text| text.chars().count()).filter(|length| *length < 8)?;
    let detail = format!("Attribute {name} string length must be at least 8, got: {length}");
    Some(refusal("Invalid Attribute Value Length", detail, Path::new().attr(name)))
}
