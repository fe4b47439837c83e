//! Short ways to write schemas and values.

use std::collections::BTreeMap;

use cty::{Type, Value};
use model::identity::IdentityAttribute;
use model::{Attribute, AttributeType, Block, Identity, IdentitySchema, NestedBlock, NestedObject, NestingMode};
use tfplugin::{Error, ErrorKind};

pub(crate) fn attribute(ty: Type) -> Attribute {
    Attribute {
        ty: AttributeType::Plain(ty),
        description: String::new(),
        description_is_markdown: false,
        required: false,
        optional: false,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    }
}

pub(crate) fn required(ty: Type) -> Attribute {
    Attribute { required: true, ..attribute(ty) }
}

pub(crate) fn optional(ty: Type) -> Attribute {
    Attribute { optional: true, ..attribute(ty) }
}

pub(crate) fn computed(ty: Type) -> Attribute {
    Attribute { computed: true, ..attribute(ty) }
}

pub(crate) fn optional_computed(ty: Type) -> Attribute {
    Attribute { computed: true, ..optional(ty) }
}

pub(crate) fn sensitive(attribute: Attribute) -> Attribute {
    Attribute { sensitive: true, ..attribute }
}

pub(crate) fn nested_attribute(nesting: NestingMode, attributes: BTreeMap<String, Attribute>) -> Attribute {
    Attribute { ty: AttributeType::Nested(NestedObject { nesting, attributes }), ..optional(Type::String) }
}

pub(crate) fn nested_block(nesting: NestingMode, attributes: BTreeMap<String, Attribute>) -> NestedBlock {
    NestedBlock { nesting, block: Block { attributes, ..Block::default() }, min_items: 0, max_items: 0 }
}

pub(crate) fn named<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    entries.into_iter().map(|(name, entry)| (name.to_owned(), entry)).collect()
}

/// The identity of everything here: its name.
pub(crate) fn identity_schema() -> IdentitySchema {
    let name = IdentityAttribute {
        ty: Type::String,
        required_for_import: true,
        optional_for_import: false,
        description: "The name of the object.".to_owned(),
    };
    IdentitySchema { version: 1, attributes: named([("name", name)]) }
}

pub(crate) fn identity_of(name: &str) -> Identity {
    Identity { version: 1, value: Value::object(named([("name", Value::string(name))])) }
}

pub(crate) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.entries().find(|(key, _)| *key == name).map(|(_, field)| field)
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    field(value, name).and_then(Value::as_str)
}

pub(crate) fn number(value: &Value, name: &str) -> u64 {
    field(value, name).and_then(Value::as_number).and_then(cty::Number::to_u64).unwrap_or(0)
}

pub(crate) fn with_fields(value: &Value, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut all: BTreeMap<String, Value> =
        value.entries().map(|(name, field)| (name.to_owned(), field.clone())).collect();
    all.extend(named(fields));
    Value::object(all)
}

pub(crate) fn malformed(operation: &'static str, reason: &str) -> Error {
    Error::new(ErrorKind::Malformed, operation, reason)
}

/// Reads recorded JSON, in which the name may still be called `title`.
pub(crate) fn with_name(
    operation: &'static str,
    json: &[u8],
) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    let mut json: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(json).map_err(|error| malformed(operation, "This is no JSON object.").because(error))?;
    if let Some(title) = json.remove("title") {
        json.insert("name".to_owned(), title);
    }
    Ok(json)
}
