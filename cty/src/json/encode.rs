use std::fmt::Write as _;

use crate::convert::convert;
use crate::error::{Error, ErrorKind, Result};
use crate::path::PathStep;
use crate::strings::write_json_string;
use crate::types::Type;
use crate::value::{Repr, Value};

/// Encodes a value for a reader that expects `ty`, after converting it where its own type is another.
///
/// # Errors
/// [`ErrorKind::Type`] where conversion is impossible and for infinities, [`ErrorKind::Unknown`] and
/// [`ErrorKind::Marked`] for what JSON has no form for.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>> {
    let mut out = String::new();
    if value.ty().conforms_to(ty) {
        write_value(value, ty, &mut out)?;
    } else {
        write_value(&convert(value, ty)?, ty, &mut out)?;
    }
    Ok(out.into_bytes())
}

fn write_value(value: &Value, ty: &Type, out: &mut String) -> Result<()> {
    if value.is_marked() {
        return Err(Error::new(ErrorKind::Marked, "the value has marks, so it cannot be serialized as JSON"));
    }
    if !value.is_known() {
        return Err(Error::new(ErrorKind::Unknown, "the value is not known"));
    }
    if *ty == Type::Dynamic && *value.ty() != Type::Dynamic {
        out.push_str("{\"value\":");
        write_value(value, value.ty(), out)?;
        out.push_str(",\"type\":");
        value.ty().write_json(out);
        out.push('}');
        return Ok(());
    }
    match (value.repr(), ty) {
        (Repr::Null | Repr::Unknown(_), _) => out.push_str("null"),
        (Repr::Bool(value), _) => out.push_str(if *value { "true" } else { "false" }),
        (Repr::String(text), _) => write_json_string(text, out),
        (Repr::Number(number), _) => {
            if number.is_infinite() {
                return Err(Error::new(ErrorKind::Type, "cannot serialize infinity as JSON"));
            }
            let _ = write!(out, "{number}");
        }
        (Repr::Sequence(elements), Type::Object(object)) => {
            out.push('{');
            for (index, ((name, ty), element)) in object.attributes().zip(elements.iter()).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_string(name, out);
                out.push(':');
                write_value(element, ty, out).map_err(|error| error.under(PathStep::GetAttr(name.to_owned())))?;
            }
            out.push('}');
        }
        (Repr::Sequence(elements), Type::Tuple(types)) => write_elements(elements.iter().zip(types.iter()), out)?,
        (Repr::Sequence(elements), Type::List(ty) | Type::Set(ty)) => {
            write_elements(elements.iter().map(|element| (element, &**ty)), out)?;
        }
        (Repr::Map(entries), Type::Map(ty)) => {
            out.push('{');
            for (index, (key, element)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json_string(key, out);
                out.push(':');
                write_value(element, ty, out)
                    .map_err(|error| error.under(PathStep::Index(Value::string(key.to_string()))))?;
            }
            out.push('}');
        }
        (Repr::Sequence(_) | Repr::Map(_), _) => {
            return Err(Error::new(ErrorKind::Type, format!("{ty} is required, but the value is {}", value.ty())));
        }
    }
    Ok(())
}

fn write_elements<'a>(elements: impl Iterator<Item = (&'a Value, &'a Type)>, out: &mut String) -> Result<()> {
    out.push('[');
    for (index, (element, ty)) in elements.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(element, ty, out).map_err(|error| error.under(PathStep::Index(Value::from(index as u64))))?;
    }
    out.push(']');
    Ok(())
}
