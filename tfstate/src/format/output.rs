//! One output value of a snapshot.

use std::collections::BTreeMap;

use cty::{Type, Value};

use super::instance::decode_value;
use super::members::{Flaw, Members};
use crate::{Error, ErrorKind};

/// An output value of the root module.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputValue {
    /// The value, marked where it is sensitive.
    pub value: Value,
    /// Whether it must not be shown.
    pub is_sensitive: bool,
    /// Why it should not be used any more (OpenTofu 1.10), empty where it may.
    pub deprecated: String,
    /// Members this release does not know, as JSON text.
    pub unknown_members: BTreeMap<String, String>,
}

impl OutputValue {
    /// Decodes the bytes of an output's object.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the object is not well-formed or the value has not the type it is said to have.
    pub fn decode(json: &[u8]) -> Result<Self, Error> {
        parse(json).map_err(|flaw| Error::new(ErrorKind::Invalid, "decode an output of the state").because(flaw))
    }
}

fn parse(json: &[u8]) -> Result<OutputValue, Flaw> {
    let mut members = Members::parse(json)?;
    let ty = match members.take("type") {
        Some(text) => Type::from_json(text).map_err(|error| Flaw(format!("`type`: {error}")))?,
        None => return Err(Flaw("`type` is missing".to_owned())),
    };
    let is_sensitive = members.take_as("sensitive")?.unwrap_or(false);
    let value = match members.take("value") {
        Some(text) => decode_value(text, Some(&ty))?,
        None => Value::null(ty),
    };
    Ok(OutputValue {
        value: if is_sensitive { value.mark_sensitive() } else { value },
        is_sensitive,
        deprecated: members.take_as("deprecated")?.unwrap_or_default(),
        unknown_members: members.into_rest(),
    })
}
