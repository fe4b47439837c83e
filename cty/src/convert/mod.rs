//! Conversion of values to other types.

use crate::error::{Error, ErrorKind, Result};
use crate::number::Number;
use crate::types::Type;
use crate::value::Value;

/// Reports why a value cannot be converted, and where in it.
pub type ConvertError = Error;

/// Converts a value to a type.
///
/// # Errors
/// [`ErrorKind::Type`] where the value has no form in that type.
pub fn convert(value: &Value, want: &Type) -> std::result::Result<Value, ConvertError> {
    if value.ty().conforms_to(want) {
        return Ok(value.clone());
    }
    if *value.ty() == Type::Dynamic || value.ty().is_primitive() && want.is_primitive() {
        if value.is_null() {
            return Ok(Value::null(want.clone()).with_marks(value.marks().iter().cloned()));
        }
        if !value.is_known() {
            let unknown = Value::unknown(want.clone());
            let unknown = if value.is_definitely_not_null() { unknown.refine_not_null() } else { unknown };
            return Ok(unknown.with_marks(value.marks().iter().cloned()));
        }
        return Ok(primitive(value, want)?.with_marks(value.marks().iter().cloned()));
    }
    Err(Error::new(ErrorKind::Type, format!("{want} required, but the value is {}", value.ty())))
}

fn primitive(value: &Value, want: &Type) -> Result<Value> {
    let refused = |message: &str| Err(Error::new(ErrorKind::Type, message));
    match (want, value.as_str(), value.as_number(), value.as_bool()) {
        (Type::String, _, Some(number), _) => Ok(Value::string(number.to_string())),
        (Type::String, _, _, Some(value)) => Ok(Value::string(if value { "true" } else { "false" })),
        (Type::Number, Some(text), _, _) => match Number::parse(text) {
            Ok(number) => Ok(Value::number(number)),
            Err(error) if error.kind() == ErrorKind::Limit => Err(error),
            Err(_) => refused("a number is required"),
        },
        (Type::Bool, Some("true" | "1"), _, _) => Ok(Value::bool(true)),
        (Type::Bool, Some("false" | "0"), _, _) => Ok(Value::bool(false)),
        (Type::Bool, Some(text), _, _) => match text.to_lowercase().as_str() {
            lower @ ("true" | "false") => {
                refused(&format!("a bool is required; to convert from string, use lowercase \"{lower}\""))
            }
            _ => refused("a bool is required"),
        },
        _ => refused(&format!("{want} required")),
    }
}
