//! One instance object of a snapshot.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cty::{Path, Type, Value};
use model::Identity;

use super::members::{Flaw, Members};
use super::sensitive;
use crate::{Error, ErrorKind};

/// The attributes of an instance, as they are written.
#[derive(Clone, PartialEq, Eq)]
pub enum Attributes {
    /// JSON text of an object.
    Json(String),
    /// Keys and texts in the flat form that version 3 had: only the provider can give them structure.
    Flat(BTreeMap<String, String>),
}

/// Everything a snapshot records of one instance, its address aside.
///
/// `Debug` shows no attribute: they may be secret.
#[derive(Clone, PartialEq)]
pub struct InstanceObject {
    /// The version of the schema the attributes were written with.
    pub schema_version: u64,
    /// The attributes.
    pub attributes: Attributes,
    /// Where in the attributes a value must not be shown.
    pub sensitive_paths: Vec<Path>,
    /// What the provider calls the identity of the remote object.
    pub identity: Option<Identity>,
    /// What the provider keeps for itself.
    pub private: Vec<u8>,
    /// The resources it depends on, transitively, as addresses without instance keys.
    pub dependencies: Vec<String>,
    /// The resources its configuration names in `depends_on` (OpenTofu 1.13).
    pub depends_on: Vec<String>,
    /// Whether a replacement is created before this object is destroyed.
    pub create_before_destroy: bool,
    /// Whether the object is forgotten instead of destroyed (OpenTofu 1.12).
    pub skip_destroy: bool,
    /// Members this release does not know, as JSON text.
    pub unknown_members: BTreeMap<String, String>,
}

impl fmt::Debug for InstanceObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceObject").field("schema_version", &self.schema_version).finish_non_exhaustive()
    }
}

impl InstanceObject {
    /// Decodes the bytes of an instance object.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], saying which member is wrong.
    pub fn decode(json: &[u8]) -> Result<Self, Error> {
        parse(json).map_err(|flaw| Error::new(ErrorKind::Invalid, "decode an instance of the state").because(flaw))
    }

    /// Decodes the attributes, with sensitive ones marked.
    ///
    /// With the type that the provider's schema implies the result is what terraform works with. Without one every
    /// collection is a tuple or an object, and what a schema calls dynamic stays in its `{value, type}` wrapping.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where they do not have that type, [`ErrorKind::Unsupported`] for the flat form.
    pub fn decode_attributes(&self, ty: Option<&Type>) -> Result<Value, Error> {
        let Attributes::Json(json) = &self.attributes else {
            return Err(Error::new(ErrorKind::Unsupported, "decode attributes in the flat form of format version 3")
                .with_help("Run `terraform apply -refresh-only` once: it writes them in the current form."));
        };
        let value = decode_value(json, ty).map_err(|flaw| undecodable(flaw, "attributes"))?;
        Ok(sensitive::mark(&value, &self.sensitive_paths))
    }

    /// Marks what the state calls sensitive in a value of these attributes, such as one that a provider upgraded.
    ///
    /// Where a path leads nowhere, what it leads to at last is marked.
    pub fn mark_sensitive(&self, value: &Value) -> Value {
        sensitive::mark(value, &self.sensitive_paths)
    }
}

/// Decodes one top-level attribute out of the bytes of an instance object; `None` where it is not there.
///
/// The other attributes are stepped over.
///
/// # Errors
/// [`ErrorKind::Invalid`] where the object is not well-formed or the attribute does not have the type.
pub fn decode_attribute(json: &[u8], name: &str, ty: Option<&Type>) -> Result<Option<Value>, Error> {
    let decode = || -> Result<Option<Value>, Flaw> {
        let mut members = Members::parse(json)?;
        let Some(attributes) = members.take("attributes") else { return Ok(None) };
        let Some(text) = Members::parse(attributes.as_bytes())?.get(name) else { return Ok(None) };
        let value = decode_value(text, ty)?;
        let paths = sensitive_paths(&mut members)?;
        Ok(Some(sensitive::mark(&value, &sensitive::within_attribute(&paths, name))))
    };
    decode().map_err(|flaw| undecodable(flaw, name))
}

/// Decodes top-level attributes without types, in the order asked, as [`decode_attribute`] decodes one.
///
/// # Errors
/// As [`decode_attribute`].
pub fn decode_attributes(json: &[u8], names: &[&str]) -> Result<Vec<Option<Value>>, Error> {
    let decode = || -> Result<Vec<Option<Value>>, Flaw> {
        let mut members = Members::parse(json)?;
        let Some(attributes) = members.take("attributes") else { return Ok(vec![None; names.len()]) };
        let paths = sensitive_paths(&mut members)?;
        let attributes = Members::parse(attributes.as_bytes())?;
        let decode_one = |name: &&str| {
            let Some(text) = attributes.get(name) else { return Ok(None) };
            let value = decode_value(text, None).map_err(|flaw| Flaw(format!("{name}: {flaw}")))?;
            Ok(Some(sensitive::mark(&value, &sensitive::within_attribute(&paths, name))))
        };
        names.iter().map(decode_one).collect()
    };
    decode().map_err(|flaw| undecodable(flaw, &names.join(" ")))
}

fn undecodable(flaw: Flaw, what: &str) -> Error {
    Error::new(ErrorKind::Invalid, "decode attributes of the state").with("attribute", what).because(flaw)
}

pub(super) fn decode_value(json: &str, ty: Option<&Type>) -> Result<Value, Flaw> {
    let decoded = match ty {
        Some(ty) => cty::json::decode(json.as_bytes(), ty),
        None => cty::json::decode_implied(json.as_bytes()),
    };
    decoded.map_err(|error| Flaw(error.to_string()))
}

fn sensitive_paths(members: &mut Members<'_>) -> Result<Vec<Path>, Flaw> {
    match members.take("sensitive_attributes") {
        None | Some("[]") => Ok(Vec::new()),
        Some(text) => sensitive::parse(text.as_bytes()),
    }
}

fn parse(json: &[u8]) -> Result<InstanceObject, Flaw> {
    let mut members = Members::parse(json)?;
    for known in ["index_key", "status", "deposed", "provider"] {
        members.take(known);
    }
    let structured = members.take("attributes");
    let flat = members.take_as("attributes_flat")?;
    let attributes = match (structured, flat) {
        (Some(text), _) => Attributes::Json(text.to_owned()),
        (None, Some(flat)) => Attributes::Flat(flat),
        (None, None) => Attributes::Json("{}".to_owned()),
    };
    let version = members.take_as::<i64>("identity_schema_version")?.unwrap_or(0);
    let identity = match members.take("identity") {
        Some(text) => Some(Identity { version, value: decode_value(text, None)? }),
        None => None,
    };
    let private = match members.take_as::<String>("private")? {
        Some(text) => STANDARD.decode(text).map_err(|_| Flaw("`private` is not base64 text".to_owned()))?,
        None => Vec::new(),
    };
    Ok(InstanceObject {
        schema_version: members.take_as("schema_version")?.unwrap_or(0),
        attributes,
        sensitive_paths: sensitive_paths(&mut members)?,
        identity,
        private,
        dependencies: members.take_as("dependencies")?.unwrap_or_default(),
        depends_on: members.take_as("depends_on")?.unwrap_or_default(),
        create_before_destroy: members.take_as("create_before_destroy")?.unwrap_or(false),
        skip_destroy: members.take_as("skip_destroy")?.unwrap_or(false),
        unknown_members: members.into_rest(),
    })
}
