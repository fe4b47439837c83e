//! The record of one remote object: what every source of live objects gives.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::{Cause, Identity, ImportId, ResourceType, Scope};

/// Identifies a remote object within its scope, in the cloud's own words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(pub Arc<str>);

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says how much of an object was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Completeness {
    /// Only that it exists.
    Id,
    /// What its list call tells.
    Summary,
    /// Everything its definition asks for.
    Full,
}

/// Says what an observation can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Existence, identity and some mapped attributes.
    Inventory,
    /// A full schema-typed value that the provider read.
    Provider,
}

/// Says whether adopting an object makes sense, and why not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Somebody made it: managed by a state, or by nobody.
    Ordinary,
    /// The account came with it, or the cloud makes it by itself; the reason is a sentence.
    Default(String),
    /// Another tool or service manages it; names the manager and the evidence.
    ManagedElsewhere {
        /// The manager: `CloudFormation`, `Auto Scaling`.
        by: String,
        /// Which evidence says so: a tag and its value.
        evidence: String,
    },
}

/// One remote object as it was observed.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteObject {
    /// Where it was seen.
    pub scope: Scope,
    /// What identifies it within its scope.
    pub key: ObjectKey,
    /// The Terraform type that manages such objects; `None` where no rule maps it.
    pub resource_type: Option<ResourceType>,
    /// What `terraform import` takes for it.
    pub import_id: Option<ImportId>,
    /// What its provider calls its identity, where that is known.
    pub identity: Option<Identity>,
    /// The cloud-wide name (an ARN, an asset name), where it has one.
    pub arn: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Its tags or labels; `None` where they were not fetched.
    pub tags: Option<BTreeMap<String, String>>,
    /// Terraform attributes that the definition maps, by top-level name. Only what the catalog allows is here.
    pub attributes: BTreeMap<String, cty::Value>,
    /// Attributes of `attributes` that change by themselves and are never compared.
    pub volatile: Vec<String>,
    /// The object it belongs to, by scope and key.
    pub parent: Option<(crate::NativeType, ObjectKey)>,
    /// Whether it may be adopted.
    pub standing: Standing,
    /// How much of it was fetched.
    pub completeness: Completeness,
    /// Which operation gave it: `ec2:DescribeInstances`.
    pub source: Arc<str>,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// Why it is not complete, where it is not.
    pub cause: Option<Cause>,
}
