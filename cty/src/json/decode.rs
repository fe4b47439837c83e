use std::collections::BTreeMap;
use std::sync::Arc;

use crate::convert::convert;
use crate::error::{Error, ErrorKind, MAX_DEPTH, Result, depth_error};
use crate::number::Number;
use crate::path::PathStep;
use crate::strings::normalize;
use crate::types::{ObjectType, Type};
use crate::value::{Repr, Value};

use super::read::{Next, Reader};

/// Decodes a value of type `ty`.
///
/// Primitive values convert where that is possible, and attributes that are missing are null, as in go-cty. Where the
/// type is [`Type::Dynamic`] the JSON is an object of `value` and `type`.
///
/// # Errors
/// [`ErrorKind::Syntax`] for text that is no JSON, [`ErrorKind::Type`] for values that do not fit,
/// [`ErrorKind::Limit`] for nesting too deep; each with the path inside the value.
///
/// ```
/// use cty::{Type, json};
/// let ty = Type::object([("size", Type::Number), ("tags", Type::map(Type::String))]);
/// let value = json::decode(br#"{"size": "10"}"#, &ty)?;
/// assert_eq!(value.to_string(), "{size = 10, tags = null}");
/// # Ok::<(), cty::Error>(())
/// ```
pub fn decode(json: &[u8], ty: &Type) -> Result<Value> {
    decode_at(json, &ty.without_optional(), 0)
}

fn decode_at(json: &[u8], ty: &Type, depth: usize) -> Result<Value> {
    let mut reader = Reader::new(json)?;
    let value = read_value(&mut reader, ty, depth)?;
    reader.finish()?;
    Ok(value)
}

/// Decodes a value of the type that its text implies, as [`implied_type`] says.
///
/// # Errors
/// As [`decode`] and [`implied_type`].
pub fn decode_implied(json: &[u8]) -> Result<Value> {
    decode(json, &implied_type(json)?)
}

/// Returns the type that text has by itself: objects are objects, arrays tuples, null is [`Type::Dynamic`].
///
/// # Errors
/// [`ErrorKind::Syntax`] for text that is no JSON or has a key twice with values of different types,
/// [`ErrorKind::Limit`] for nesting too deep.
pub fn implied_type(json: &[u8]) -> Result<Type> {
    let mut reader = Reader::new(json)?;
    let ty = read_type(&mut reader, 0)?;
    reader.finish()?;
    Ok(ty)
}

fn read_type(reader: &mut Reader<'_>, depth: usize) -> Result<Type> {
    if depth > MAX_DEPTH {
        return Err(depth_error());
    }
    match reader.next()? {
        Next::Null => reader.literal(Next::Null).map(|()| Type::Dynamic),
        next @ (Next::True | Next::False) => reader.literal(next).map(|()| Type::Bool),
        Next::Number => reader.number().map(|_| Type::Number),
        Next::String => reader.string().map(|_| Type::String),
        Next::Array => {
            let mut elements = Vec::new();
            reader.array(|reader, _| {
                elements.push(read_type(reader, depth + 1)?);
                Ok(())
            })?;
            Ok(Type::tuple(elements))
        }
        Next::Object => {
            let mut attributes = BTreeMap::new();
            reader.object(|reader, key| {
                let key = normalize(&key).into_owned();
                let ty = read_type(reader, depth + 1)?;
                if attributes.get(&key).is_some_and(|existing| *existing != ty) {
                    return Err(reader.syntax(&format!("a duplicate {key:?} property in a JSON object")));
                }
                attributes.insert(key, ty);
                Ok(())
            })?;
            Ok(Type::object(attributes))
        }
    }
}

fn required(what: &str, next: Next) -> Error {
    Error::new(ErrorKind::Type, format!("{what} is required, but {} is given", next.describe()))
}

fn read_value(reader: &mut Reader<'_>, ty: &Type, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(depth_error());
    }
    let next = reader.next()?;
    if next == Next::Null {
        reader.literal(next)?;
        return Ok(Value::new(ty.clone(), Repr::Null));
    }
    match ty {
        Type::Dynamic => read_dynamic(reader, depth),
        Type::String | Type::Number | Type::Bool => read_primitive(reader, next, ty),
        Type::List(element_type) | Type::Set(element_type) => {
            let is_set = ty.is_set();
            if next != Next::Array {
                return Err(required(if is_set { "a set" } else { "a list" }, next));
            }
            let mut elements = Vec::new();
            reader.array(|reader, index| {
                let element = read_value(reader, element_type, depth + 1);
                elements.push(element.map_err(|error| error.under(PathStep::Index(Value::from(index as u64))))?);
                Ok(())
            })?;
            if is_set { Value::set_of_one_type(ty, elements) } else { Value::list_of_one_type(ty, elements) }
        }
        Type::Map(element_type) => {
            if next != Next::Object {
                return Err(required("a map", next));
            }
            let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
            reader.object(|reader, key| {
                let key = Arc::<str>::from(&*normalize(&key));
                let element = read_value(reader, element_type, depth + 1)
                    .map_err(|error| error.under(PathStep::Index(Value::shared_string(Arc::clone(&key)))))?;
                entries.push((key, element));
                Ok(())
            })?;
            Value::map_of_one_type(ty, entries)
        }
        Type::Tuple(types) => {
            if next != Next::Array {
                return Err(required("a tuple", next));
            }
            let mut elements = Vec::with_capacity(types.len());
            reader.array(|reader, index| {
                let Some(ty) = types.get(index) else {
                    let message = format!("too many tuple elements (need {})", types.len());
                    return Err(Error::new(ErrorKind::Type, message));
                };
                let element = read_value(reader, ty, depth + 1);
                elements.push(element.map_err(|error| error.under(PathStep::Index(Value::from(index as u64))))?);
                Ok(())
            })?;
            if elements.len() < types.len() {
                let message = format!("not enough tuple elements (need {})", types.len());
                return Err(Error::new(ErrorKind::Type, message));
            }
            Ok(Value::structure(ty, elements))
        }
        Type::Object(object) => {
            if next != Next::Object {
                return Err(required("an object", next));
            }
            read_object(reader, ty, object, depth)
        }
    }
}

fn read_object(reader: &mut Reader<'_>, ty: &Type, object: &ObjectType, depth: usize) -> Result<Value> {
    let mut values: Vec<Option<Value>> = vec![None; object.len()];
    reader.object(|reader, key| {
        let position = object
            .position(&normalize(&key))
            .ok_or_else(|| Error::new(ErrorKind::Type, format!("unsupported attribute {key:?}")))?;
        let value = read_value(reader, object.type_at(position), depth + 1)
            .map_err(|error| error.under(PathStep::GetAttr(object.shared_name_at(position).to_string())))?;
        values[position] = Some(value);
        Ok(())
    })?;
    let values = values
        .into_iter()
        .enumerate()
        .map(|(position, value)| value.unwrap_or_else(|| Value::new(object.type_at(position).clone(), Repr::Null)));
    Ok(Value::structure(ty, values.collect()))
}

fn read_primitive(reader: &mut Reader<'_>, next: Next, ty: &Type) -> Result<Value> {
    let value = match next {
        Next::True | Next::False => {
            reader.literal(next)?;
            Value::bool(next == Next::True)
        }
        Next::String => {
            let text = reader.string()?;
            match ty {
                Type::String => return Ok(Value::new(Type::String, Repr::String(Arc::from(&*normalize(&text))))),
                Type::Number => return Number::parse(&text).map(Value::number),
                _ => Value::string(text),
            }
        }
        Next::Number => {
            let text = reader.number()?;
            match ty {
                Type::String => return Ok(Value::shared_string(Arc::from(text))),
                Type::Number => return Number::parse(text).map(Value::number),
                _ => return Err(required("a bool", next)),
            }
        }
        Next::Null | Next::Array | Next::Object => return Err(required(&format!("a {ty}"), next)),
    };
    if *ty == Type::Number {
        return Err(required("a number", next));
    }
    convert(&value, ty)
}

fn read_dynamic(reader: &mut Reader<'_>, depth: usize) -> Result<Value> {
    let (mut ty, mut value) = (None, None);
    if reader.next()? != Next::Object {
        return Err(reader.syntax("a dynamically-typed value must be an object of value and type"));
    }
    reader.object(|reader, key| {
        let slot = match &*key {
            "type" => &mut ty,
            "value" => &mut value,
            _ => return Err(reader.syntax("a dynamically-typed value has keys other than value and type")),
        };
        *slot = Some(reader.raw_value(depth + 1)?);
        Ok(())
    })?;
    let ty = ty.ok_or_else(|| reader.syntax("missing type in dynamically-typed value"))?;
    let value = value.ok_or_else(|| reader.syntax("missing value in dynamically-typed value"))?;
    decode_at(value.as_bytes(), &Type::from_json(ty)?.without_optional(), depth + 1)
}
