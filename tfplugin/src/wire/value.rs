//! Values on the wire, and what a provider's SDK may leave out of them.

use std::collections::BTreeMap;

use cty::{Type, Value};
use model::{Block, Identity, IdentitySchema, NestedBlock, NestingMode};

use super::tfplugin6::{DynamicValue, ResourceIdentityData};
use crate::{Error, ErrorKind};

/// Writes a value; marks never cross the wire.
pub(crate) fn encode(operation: &'static str, value: &Value, ty: &Type) -> Result<DynamicValue, Error> {
    let (value, _marks) = value.unmark_deep();
    let msgpack = cty::msgpack::encode(&value, ty).map_err(|error| {
        Error::new(ErrorKind::Malformed, operation, "A value does not have the type that the schema gives it.")
            .with("expected", ty)
            .because(error)
    })?;
    Ok(DynamicValue { msgpack: msgpack.into(), json: bytes::Bytes::new() })
}

/// Reads a value, in either of the two encodings; nothing at all is null.
pub(crate) fn decode(operation: &'static str, wire: Option<&DynamicValue>, ty: &Type) -> Result<Value, Error> {
    let Some(wire) = wire else { return Ok(Value::null(ty.clone())) };
    let decoded = if !wire.msgpack.is_empty() {
        cty::msgpack::decode(&wire.msgpack, ty)
    } else if !wire.json.is_empty() {
        cty::json::decode(&wire.json, ty)
    } else {
        return Ok(Value::null(ty.clone()));
    };
    decoded.map_err(|error| {
        Error::new(
            ErrorKind::Malformed,
            operation,
            format!("The other side sent a value that its schema does not allow: {error}."),
        )
        .because(error)
    })
}

/// Reads the value of a block and makes absent nested blocks empty.
pub(crate) fn decode_block(
    operation: &'static str,
    wire: Option<&DynamicValue>,
    block: &Block,
) -> Result<Value, Error> {
    decode(operation, wire, &block.value_type()).map(|value| with_whole_blocks(value, block))
}

/// Writes the value of a block and makes absent nested blocks empty, as the protocol demands.
pub(crate) fn encode_block(operation: &'static str, value: Value, block: &Block) -> Result<DynamicValue, Error> {
    encode(operation, &with_whole_blocks(value, block), &block.value_type())
}

/// Gives the object type of an identity.
pub(crate) fn identity_type(schema: &IdentitySchema) -> Type {
    Type::object(schema.attributes.iter().map(|(name, attribute)| (name, attribute.ty.clone())))
}

pub(crate) fn encode_identity(
    operation: &'static str,
    identity: Option<&Identity>,
    schema: Option<&IdentitySchema>,
) -> Result<Option<ResourceIdentityData>, Error> {
    let (Some(identity), Some(schema)) = (identity, schema) else { return Ok(None) };
    if identity.version != schema.version {
        let detail = format!(
            "An identity has version {}, and its resource type's schema has version {}: it is to be upgraded first.",
            identity.version, schema.version
        );
        return Err(Error::new(ErrorKind::Malformed, operation, detail));
    }
    let identity_data = Some(encode(operation, &identity.value, &identity_type(schema))?);
    Ok(Some(ResourceIdentityData { identity_data }))
}

pub(crate) fn decode_identity(
    operation: &'static str,
    wire: Option<&ResourceIdentityData>,
    schema: Option<&IdentitySchema>,
) -> Result<Option<Identity>, Error> {
    let Some(data) = wire.and_then(|wire| wire.identity_data.as_ref()) else { return Ok(None) };
    let Some(schema) = schema else {
        return Err(Error::new(
            ErrorKind::Malformed,
            operation,
            "The other side sent an identity for a resource type that has no identity schema.",
        ));
    };
    let value = decode(operation, Some(data), &identity_type(schema))?;
    Ok((!value.is_null()).then_some(Identity { version: schema.version, value }))
}

/// Makes absent nested blocks empty: null lists, sets and maps of blocks, and null groups.
fn with_whole_blocks(value: Value, block: &Block) -> Value {
    if block.blocks.is_empty() || value.is_null() || !value.is_known() {
        return value;
    }
    let mut attributes: BTreeMap<String, Value> =
        value.entries().map(|(name, attribute)| (name.to_owned(), attribute.clone())).collect();
    for (name, nested) in &block.blocks {
        if let Some(inner) = attributes.get_mut(name) {
            *inner = with_whole_block(inner, nested);
        }
    }
    Value::object(attributes).with_marks(value.marks().iter().cloned())
}

fn with_whole_block(value: &Value, nested: &NestedBlock) -> Value {
    if value.is_null() {
        let element_type = nested.block.value_type();
        let is_dynamic = nested.value_type() == Type::Dynamic;
        return match nested.nesting {
            NestingMode::Single => value.clone(),
            NestingMode::Group => {
                let Type::Object(object) = &element_type else { return value.clone() };
                let nulls = object.attributes().map(|(name, ty)| (name.to_owned(), Value::null(ty.clone())));
                with_whole_blocks(Value::object(nulls.collect()), &nested.block)
            }
            NestingMode::List if is_dynamic => Value::tuple(Vec::new()),
            NestingMode::Map if is_dynamic => Value::object(BTreeMap::new()),
            NestingMode::List => Value::list(element_type, Vec::new()).unwrap_or_else(|_| value.clone()),
            NestingMode::Set => Value::set(element_type, Vec::new()).unwrap_or_else(|_| value.clone()),
            NestingMode::Map => Value::map(element_type, BTreeMap::new()).unwrap_or_else(|_| value.clone()),
        };
    }
    if !value.is_known() || nested.block.blocks.is_empty() {
        return value.clone();
    }
    let element_type = nested.block.value_type();
    let elements = || value.elements().map(|element| with_whole_blocks(element.clone(), &nested.block)).collect();
    let entries = || {
        value
            .entries()
            .map(|(key, element)| (key.to_owned(), with_whole_blocks(element.clone(), &nested.block)))
            .collect()
    };
    match (nested.nesting, value.ty()) {
        (NestingMode::Single | NestingMode::Group, _) => with_whole_blocks(value.clone(), &nested.block),
        (_, Type::List(_)) => Value::list(element_type, elements()).unwrap_or_else(|_| value.clone()),
        (_, Type::Set(_)) => Value::set(element_type, elements()).unwrap_or_else(|_| value.clone()),
        (_, Type::Map(_)) => Value::map(element_type, entries()).unwrap_or_else(|_| value.clone()),
        (_, Type::Tuple(_)) => Value::tuple(elements()),
        (_, Type::Object(_)) => Value::object(entries()),
        _ => value.clone(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn wire(msgpack: &[u8]) -> DynamicValue {
        DynamicValue { msgpack: msgpack.to_vec().into(), json: bytes::Bytes::new() }
    }

    #[test]
    fn an_object_without_all_its_attributes_is_refused() {
        let ty = Type::object([("a", Type::String), ("b", Type::String)]);
        let whole = wire(b"\x82\xa1a\xa1x\xa1b\xc0");
        assert!(decode("test", Some(&whole), &ty).is_ok());
        let error = decode("test", Some(&wire(b"\x81\xa1a\xa1x")), &ty).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }

    #[test]
    fn nothing_is_null_and_json_is_read_too() {
        assert!(decode("test", None, &Type::String).unwrap().is_null());
        assert!(decode("test", Some(&wire(b"")), &Type::String).unwrap().is_null());
        let json = DynamicValue { msgpack: bytes::Bytes::new(), json: bytes::Bytes::from_static(b"\"x\"") };
        assert_eq!(decode("test", Some(&json), &Type::String).unwrap(), Value::string("x"));
    }

    #[test]
    fn endless_nesting_is_refused() {
        let n_levels = 100_000;
        let ty = [r#"["list","#.repeat(n_levels), r#""string""#.to_owned(), "]".repeat(n_levels)].concat();
        let length = u32::try_from(ty.len()).unwrap().to_be_bytes();
        let typed = [b"\x92\xc6".as_slice(), &length, ty.as_bytes(), &b"\x91".repeat(n_levels), b"\xa1x"].concat();
        let arrays = [b"\x91".repeat(n_levels).as_slice(), b"\xa1x"].concat();
        for bytes in [typed, arrays] {
            let error = decode("test", Some(&wire(&bytes)), &Type::Dynamic).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed);
        }
        let json = DynamicValue { msgpack: bytes::Bytes::new(), json: "[".repeat(n_levels).into() };
        assert_eq!(decode("test", Some(&json), &Type::Dynamic).unwrap_err().kind(), ErrorKind::Malformed);
        assert!(Type::from_json(ty.as_bytes()).is_err());
    }

    #[test]
    fn marks_stay_here() {
        let marked = Value::string("secret").mark_sensitive();
        assert_eq!(encode("test", &marked, &Type::String).unwrap().msgpack, b"\xa6secret".as_slice());
    }

    #[test]
    fn blocks_that_hold_any_type_are_empty_too() {
        let attribute = model::Attribute {
            ty: model::AttributeType::Plain(Type::Dynamic),
            description: String::new(),
            description_is_markdown: false,
            required: false,
            optional: true,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecated: false,
            deprecation_message: String::new(),
        };
        let leaf = Block { attributes: BTreeMap::from([("any".to_owned(), attribute)]), ..Block::default() };
        let nested = |nesting| NestedBlock { nesting, block: leaf.clone(), min_items: 0, max_items: 0 };
        let block = Block {
            blocks: BTreeMap::from([
                ("list".to_owned(), nested(NestingMode::List)),
                ("map".to_owned(), nested(NestingMode::Map)),
            ]),
            ..Block::default()
        };
        let nulls = [("list", Value::null(Type::Dynamic)), ("map", Value::null(Type::Dynamic))];
        let value = Value::object(nulls.map(|(name, value)| (name.to_owned(), value)).into());
        let whole = with_whole_blocks(value, &block);
        let fields: BTreeMap<&str, &Value> = whole.entries().collect();
        assert_eq!(*fields["list"], Value::tuple(Vec::new()));
        assert_eq!(*fields["map"], Value::object(BTreeMap::new()));
    }
}
