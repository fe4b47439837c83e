//! Resource identity: what a provider says identifies a remote object, apart from the import id.
//!
//! Source: messages `ResourceIdentitySchema` and `ResourceIdentityData` of the plugin protocol, version 6.9.

use std::collections::BTreeMap;

/// Describes the identity of one resource type: a flat object.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentitySchema {
    /// The version of the schema; identities of different versions are never equal.
    pub version: i64,
    /// The attributes by name.
    pub attributes: BTreeMap<String, IdentityAttribute>,
}

/// Describes one attribute of an identity.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityAttribute {
    /// The type: a primitive, or a list of primitives.
    pub ty: cty::Type,
    /// Must be given in an `import` block.
    pub required_for_import: bool,
    /// May be given in an `import` block.
    pub optional_for_import: bool,
    /// What it means.
    pub description: String,
}

/// Identifies one remote object by the attributes its provider calls its identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The schema version the value was written with.
    pub version: i64,
    /// An object value.
    pub value: cty::Value,
}
