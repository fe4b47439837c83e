//! Conversion of values to other types, and the search for a type that several have in common.
//!
//! A conversion is planned from the two types alone and then applied to a value: so it is known in advance whether
//! values of one type have a form in another at all. It is *safe* where every value converts, such as number to
//! string, and *unsafe* where it depends on the value, such as string to number.

mod conversion;
mod mismatch;
mod preference;
mod unify;

use crate::error::{Error, ErrorKind};
use crate::types::Type;
use crate::value::Value;

pub use mismatch::mismatch_message;

/// Reports why a value cannot be converted, and where in it.
pub type ConvertError = Error;

/// Converts a value to a type, where it has a form in it.
///
/// Attributes that the type lacks are dropped, and those that are optional in it and missing become null. Null stays
/// null, unknown stays unknown; marks stay.
///
/// # Errors
/// [`ErrorKind::Type`] where the value has no form in the type, [`ErrorKind::Limit`] for a number out of range.
///
/// ```
/// use cty::{Type, Value, convert::convert};
/// let tuple = Value::tuple(vec![Value::from(1i64), Value::string("b")]);
/// assert_eq!(convert(&tuple, &Type::list(Type::Dynamic))?.to_string(), r#"["1", "b"]"#);
/// let error = convert(&tuple, &Type::list(Type::Number)).unwrap_err();
/// assert_eq!(error.to_string(), "[1]: a number is required");
/// # Ok::<(), cty::Error>(())
/// ```
pub fn convert(value: &Value, want: &Type) -> Result<Value, ConvertError> {
    let is_wanted = if want.has_optional() { *value.ty() == want.without_optional() } else { value.ty() == want };
    if is_wanted {
        return Ok(value.clone());
    }
    match conversion::plan(value.ty(), want, Safety::Unsafe) {
        Some(conversion) => conversion.apply(value),
        None => Err(Error::new(ErrorKind::Type, mismatch_message(value.ty(), want))),
    }
}

/// Tells whether some values of one type have a form in the other.
pub fn is_convertible(given: &Type, want: &Type) -> bool {
    given == want || conversion::plan(given, want, Safety::Unsafe).is_some()
}

/// Returns the most general type that all values of all the types convert to; nothing where there is none.
///
/// ```
/// use cty::{Type, convert::unify};
/// assert_eq!(unify(&[Type::Number, Type::String]), Some(Type::String));
/// assert_eq!(unify(&[Type::Number, Type::list(Type::String)]), None);
/// ```
pub fn unify(types: &[Type]) -> Option<Type> {
    unify::unify(types, Safety::Safe)
}

/// Returns the most general type that some values of all the types convert to, as [`unify`].
pub fn unify_unsafe(types: &[Type]) -> Option<Type> {
    unify::unify(types, Safety::Unsafe)
}

/// Says whether conversions that fail for some values are admitted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Safety {
    Safe,
    Unsafe,
}
