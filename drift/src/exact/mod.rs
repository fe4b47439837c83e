//! Exact comparison: what a provider said of a recorded instance, and what that means.
//!
//! The provider reads the object and plans; this module says what to ask it, and judges its answers. It makes no call:
//! an [`Examination`] tells the next question and is fed the answer.

mod align;
mod config;
mod examine;
mod revision;
mod rows;
mod security;
mod suppose;
mod walk;

use std::collections::BTreeMap;

use cty::{Path, Value};
use jiff::Timestamp;
use model::{Attribute, AttributeDifference, Cause, Identity, InstanceAddress, ProviderConfigAddress, Schema};

use crate::DeclaredArguments;

pub use examine::Examination;
pub use revision::applied_from_elsewhere;
pub use security::{SECURITY_PATHS, SecurityPath, security_path};

/// The cause of a difference that the code makes, and that only another object can have.
const SET_BY_REPLACING: &str = "To set it, the next apply replaces the object.";

/// Tells whether the next apply replaces the object to set what differs, because the code says something else than was
/// applied.
pub fn is_set_by_replacing(difference: &AttributeDifference) -> bool {
    difference.cause.as_deref() == Some(SET_BY_REPLACING)
}

/// Tells whether the provider alone sets an attribute.
fn is_runtime(attribute: &Attribute) -> bool {
    attribute.computed && !attribute.optional && !attribute.required
}

/// What a provider said of one recorded instance, reduced to what a verdict needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// When the provider read the object.
    pub observed_at: Timestamp,
    /// The version of the provider.
    pub provider_version: Option<String>,
    /// The identity the provider gave with the object.
    pub identity: Option<Identity>,
    /// What became of it.
    pub outcome: Outcome,
}

/// How a provider was used for the instances of one of its configurations in one state.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderUse {
    /// The state: an index into those that were read.
    pub state: usize,
    /// The provider configuration.
    pub provider: ProviderConfigAddress,
    /// The version of the provider, where it is known.
    pub version: Option<String>,
    /// How often each call was made, by its name in protocol 6.
    pub calls: BTreeMap<String, u64>,
    /// Why it could not be asked at all; its instances are then judged by what the inventory saw, unless they have
    /// readings.
    pub cause: Option<Cause>,
}

/// What became of an instance, as its provider sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It exists. Without differences nothing is worth telling.
    Seen {
        /// What differs, each with its tier; differences that the provider calls nothing are not here.
        differences: Vec<AttributeDifference>,
        /// The object in the shape of the schema, kept where something differs: other instances may explain themselves
        /// by it.
        observed: Option<Box<Value>>,
    },
    /// The provider says that it does not exist, and said so twice.
    Gone,
    /// It could not be looked at.
    Unseen(Cause),
}

/// The facets of one instance that its provider read.
#[derive(Clone, Copy)]
pub struct Facets<'a> {
    /// The address.
    pub address: &'a InstanceAddress,
    /// The schema of its type.
    pub schema: &'a Schema,
    /// The attributes as the state has them, as JSON text: what is not in there, the provider grew since.
    pub recorded_json: &'a [u8],
    /// Recorded: after the provider upgraded it, and normalized. What the state calls sensitive is marked.
    pub recorded: &'a Value,
    /// Observed: what the provider read, normalized. Not null.
    pub observed: &'a Value,
    /// What the code writes, where it was read.
    pub declared: Option<&'a dyn DeclaredArguments>,
    /// Declared: what the code evaluates to, where it was evaluated. What evaluation cannot know is unknown in it, what
    /// is sensitive marked.
    pub config: Option<&'a Value>,
}

/// What to ask the provider next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// A plan.
    Plan(Box<PlanQuestion>),
    /// Nothing more: these are the differences, in the order of their paths.
    Done(Vec<AttributeDifference>),
}

/// A plan to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanQuestion {
    /// Which facet the plan starts from.
    pub over: PlanBase,
    /// The object the plan starts from.
    pub prior: Value,
    /// The configuration merged with the prior object.
    pub proposed: Value,
    /// The configuration.
    pub config: Value,
}

/// The facet that a plan starts from; it decides which private bytes and identity go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanBase {
    /// Observed.
    Observed,
    /// Recorded.
    Recorded,
}

/// A provider's plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The object as it would be.
    pub planned: Value,
    /// Attributes whose change needs a replacement.
    pub requires_replace: Vec<Path>,
    /// Whether the provider's SDK is excused from planning exactly.
    pub is_legacy_type_system: bool,
}
