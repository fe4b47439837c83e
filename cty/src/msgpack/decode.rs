use std::sync::Arc;

use crate::error::{Error, ErrorKind, MAX_DEPTH, Result, depth_error};
use crate::number::Number;
use crate::path::PathStep;
use crate::refine::Refinements;
use crate::strings::normalize;
use crate::types::{ObjectType, Type};
use crate::value::{Repr, Value};

use super::implied::skip_value;
use super::read::{Reader, Token, syntax, text};
use super::{REFINED_UNKNOWN, refinement_key};

/// Decodes a value that was encoded for a reader of type `ty`.
///
/// The value has that type, except where it is [`Type::Dynamic`]: there it has the type that was sent along.
///
/// # Errors
/// [`ErrorKind::Syntax`] for bytes that are no msgpack, [`ErrorKind::Type`] for values that do not fit,
/// [`ErrorKind::Limit`] for nesting too deep; each with the path inside the value.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value> {
    let mut reader = Reader::new(bytes);
    let value = if ty.has_optional() {
        read_value(&mut reader, &ty.without_optional(), 0)?
    } else {
        read_value(&mut reader, ty, 0)?
    };
    reader.finish()?;
    Ok(value)
}

fn required(what: &str, token: &Token<'_>) -> Error {
    Error::new(ErrorKind::Type, format!("{what} is required, but {} is given", token.describe()))
}

fn read_value(reader: &mut Reader<'_>, ty: &Type, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        return Err(depth_error());
    }
    let token = reader.token()?;
    if let Token::Extension(code, body) = token {
        return read_unknown(code, body, ty);
    }
    if let (Token::Nil, false) = (&token, *ty == Type::Dynamic) {
        return Ok(Value::new(ty.clone(), Repr::Null));
    }
    match ty {
        Type::String => match token {
            Token::Text(bytes) | Token::Binary(bytes) => {
                Ok(Value::new(Type::String, Repr::String(Arc::from(&*normalize(text(bytes)?)))))
            }
            other => Err(required("a string", &other)),
        },
        Type::Number => read_number(&token).map(|number| Value::new(Type::Number, Repr::Number(number))),
        Type::Bool => match token {
            Token::Bool(value) => Ok(Value::bool(value)),
            other => Err(required("a bool", &other)),
        },
        Type::Dynamic => read_dynamic(reader, &token, depth),
        Type::List(element_type) | Type::Set(element_type) => {
            let Token::Array(length) = token else {
                return Err(required(if ty.is_set() { "a set" } else { "a list" }, &token));
            };
            let mut elements = Vec::with_capacity(reader.capacity(length));
            for index in 0..length {
                let element = read_value(reader, element_type, depth + 1);
                elements.push(element.map_err(|error| error.under(PathStep::Index(Value::from(index as u64))))?);
            }
            if ty.is_set() { Value::set_of_one_type(ty, elements) } else { Value::list_of_one_type(ty, elements) }
        }
        Type::Map(element_type) => {
            let Token::Map(length) = token else { return Err(required("a map", &token)) };
            let mut entries: Vec<(Arc<str>, Value)> = Vec::with_capacity(reader.capacity(length));
            for _ in 0..length {
                let key = Arc::<str>::from(&*normalize(reader.string()?));
                let element = read_value(reader, element_type, depth + 1)
                    .map_err(|error| error.under(PathStep::Index(Value::shared_string(Arc::clone(&key)))))?;
                entries.push((key, element));
            }
            Value::map_of_one_type(ty, entries)
        }
        Type::Tuple(types) => {
            let Token::Array(length) = token else { return Err(required("a tuple", &token)) };
            if length != types.len() {
                let message = format!("a tuple of length {} is required, but {length} elements are given", types.len());
                return Err(Error::new(ErrorKind::Type, message));
            }
            let mut elements = Vec::with_capacity(length);
            for (index, ty) in types.iter().enumerate() {
                let element = read_value(reader, ty, depth + 1);
                elements.push(element.map_err(|error| error.under(PathStep::Index(Value::from(index as u64))))?);
            }
            Ok(Value::structure(ty, elements))
        }
        Type::Object(object) => {
            let Token::Map(length) = token else { return Err(required("an object", &token)) };
            read_object(reader, ty, object, length, depth)
        }
    }
}

fn read_object(reader: &mut Reader<'_>, ty: &Type, object: &ObjectType, length: usize, depth: usize) -> Result<Value> {
    if length != object.len() {
        let message = format!("an object with {} attributes is required, but {length} are given", object.len());
        return Err(Error::new(ErrorKind::Type, message));
    }
    // Encoders send attributes in order, so the next one is usually the wanted one.
    let mut values: Vec<Option<Value>> = vec![None; length];
    for expected in 0..length {
        let name = reader.string()?;
        let position = if **object.shared_name_at(expected) == *name {
            expected
        } else {
            object.position(&normalize(name)).ok_or_else(|| {
                Error::new(ErrorKind::Type, "unsupported attribute").under(PathStep::GetAttr(name.to_owned()))
            })?
        };
        let at = |error: Error| error.under(PathStep::GetAttr(object.shared_name_at(position).to_string()));
        let value = read_value(reader, object.type_at(position), depth + 1).map_err(at)?;
        if values[position].replace(value).is_some() {
            return Err(at(Error::new(ErrorKind::Type, "the attribute is given more than once")));
        }
    }
    // As many different attributes as the type has: all of them.
    Ok(Value::structure(ty, values.into_iter().flatten().collect()))
}

fn read_number(token: &Token<'_>) -> Result<Number> {
    match token {
        Token::Int(value) => Ok(Number::from_i64(*value)),
        Token::Uint(value) => Ok(Number::from_u64(*value)),
        Token::Float(value) => Number::from_f64(*value),
        Token::Text(bytes) | Token::Binary(bytes) => Number::parse(text(bytes)?),
        other => Err(required("a number", other)),
    }
}

fn read_dynamic(reader: &mut Reader<'_>, token: &Token<'_>, depth: usize) -> Result<Value> {
    match token {
        Token::Nil => return Ok(Value::null(Type::Dynamic)),
        Token::Array(2) => {}
        Token::Array(_) => return Err(syntax("a dynamic value array must have exactly two elements")),
        other => return Err(required("a dynamic value", other)),
    }
    let ty = match reader.token()? {
        Token::Text(json) | Token::Binary(json) => Type::from_json(json)?.without_optional(),
        other => return Err(required("the type of a dynamic value", &other)),
    };
    read_value(reader, &ty, depth + 1)
}

fn read_unknown(code: u8, body: &[u8], ty: &Type) -> Result<Value> {
    const MAX_LENGTH: usize = 1024;
    if body.len() <= 1 {
        return Ok(Value::new(ty.clone(), Repr::Unknown(None)));
    }
    if code != REFINED_UNKNOWN {
        return Err(syntax(format!("unsupported extension type {code:#04x} with length {}", body.len())));
    }
    if body.len() > MAX_LENGTH {
        return Err(Error::new(ErrorKind::Limit, "oversize unknown value refinement"));
    }
    let mut reader = Reader::new(body);
    let Token::Map(n_entries) = reader.token()? else {
        return Err(syntax("the refinements of an unknown value are not a map"));
    };
    if *ty == Type::Dynamic {
        return Ok(Value::dynamic());
    }
    let mut value = Value::new(ty.clone(), Repr::Unknown(None));
    for _ in 0..n_entries {
        let key = match reader.token()? {
            Token::Int(key) => key,
            Token::Uint(key) => key.cast_signed(),
            _ => return Err(syntax("a refinement of an unknown value has a key that is no integer")),
        };
        let refinements = Refinements::new();
        let refinements = match key {
            refinement_key::NULLNESS => match reader.token()? {
                Token::Bool(false) => refinements.not_null(),
                Token::Bool(true) if value.refinements().is_none_or(|known| !known.is_not_null()) => {
                    value = Value::null(ty.clone());
                    continue;
                }
                _ => return Err(syntax("the null refinement is no bool or contradicts another one")),
            },
            refinement_key::STRING_PREFIX => refinements.string_prefix_full(reader.string()?),
            refinement_key::LENGTH_MIN => refinements.length_min(read_length(&mut reader)?),
            refinement_key::LENGTH_MAX => refinements.length_max(read_length(&mut reader)?),
            refinement_key::NUMBER_MIN => {
                let (number, inclusive) = read_bound(&mut reader)?;
                refinements.number_min(number, inclusive)
            }
            refinement_key::NUMBER_MAX => {
                let (number, inclusive) = read_bound(&mut reader)?;
                refinements.number_max(number, inclusive)
            }
            // A refinement of a later version.
            _ => {
                skip_value(&mut reader)?;
                continue;
            }
        };
        if !value.is_null() {
            value = value.refine(&refinements)?;
        }
    }
    Ok(value)
}

fn read_length(reader: &mut Reader<'_>) -> Result<u64> {
    match reader.token()? {
        Token::Int(length) => u64::try_from(length).map_err(|_| syntax("a length bound is negative")),
        Token::Uint(length) if i64::try_from(length).is_ok() => Ok(length),
        _ => Err(syntax("a length bound is no integer")),
    }
}

fn read_bound(reader: &mut Reader<'_>) -> Result<(Number, bool)> {
    let Token::Array(2) = reader.token()? else {
        return Err(syntax("a number bound must be an array of a number and a bool"));
    };
    let number = read_number(&reader.token()?)?;
    match reader.token()? {
        Token::Bool(inclusive) => Ok((number, inclusive)),
        _ => Err(syntax("a number bound must be an array of a number and a bool")),
    }
}
