use super::equality::unknown_bool;
use crate::error::{Error, ErrorKind, Result};
use crate::marks::unmarked;
use crate::types::Type;
use crate::value::Value;

/// Returns the bool operand, or nothing where it is not known.
fn operand(value: &Value) -> Result<Option<bool>> {
    match value.ty() {
        Type::Dynamic | Type::Bool if !value.is_known() => Ok(None),
        Type::Dynamic | Type::Bool if value.is_null() => {
            Err(Error::new(ErrorKind::Null, "a bool is required, but the value is null"))
        }
        Type::Bool => Ok(value.as_bool()),
        other => Err(Error::new(ErrorKind::Type, format!("a bool is required, but the value is {other}"))),
    }
}

impl Value {
    /// Returns the opposite of a bool.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no bool.
    pub fn not(&self) -> Result<Value> {
        unmarked([self], |[value]| Ok(operand(value)?.map_or_else(unknown_bool, |value| Value::bool(!value))))
    }

    /// Tells whether both bools are true; known as soon as one is known to be false.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no bool.
    pub fn and(&self, other: &Value) -> Result<Value> {
        unmarked([self, other], |[a, b]| {
            Ok(match (operand(a)?, operand(b)?) {
                (Some(false), _) | (_, Some(false)) => Value::bool(false),
                (Some(true), Some(true)) => Value::bool(true),
                _ => unknown_bool(),
            })
        })
    }

    /// Tells whether one of the bools is true; known as soon as one is known to be.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no bool.
    pub fn or(&self, other: &Value) -> Result<Value> {
        unmarked([self, other], |[a, b]| {
            Ok(match (operand(a)?, operand(b)?) {
                (Some(true), _) | (_, Some(true)) => Value::bool(true),
                (Some(false), Some(false)) => Value::bool(false),
                _ => unknown_bool(),
            })
        })
    }
}
