//! What a plan does with an instance.

use std::fmt;

use cty::{Path, PathStep, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::format::members::{Flaw, Members, syntax};

/// What a plan does with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanAction {
    /// Nothing.
    NoOp,
    /// Creates it.
    Create,
    /// Reads it, as a data source.
    Read,
    /// Changes it in place.
    Update,
    /// Destroys it.
    Delete,
    /// Destroys it, and then creates another one.
    DeleteThenCreate,
    /// Creates another one, and then destroys it.
    CreateThenDelete,
    /// Leaves it and removes it from the state.
    Forget,
    /// Creates another one, and removes this one from the state.
    CreateThenForget,
    /// Something that this release does not know, in the plan's own words.
    Other(Vec<String>),
}

impl PlanAction {
    pub(super) fn of_words(words: Vec<String>) -> Self {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        match texts.as_slice() {
            ["no-op"] => Self::NoOp,
            ["create"] => Self::Create,
            ["read"] => Self::Read,
            ["update"] => Self::Update,
            ["delete"] => Self::Delete,
            ["delete", "create"] => Self::DeleteThenCreate,
            ["create", "delete"] => Self::CreateThenDelete,
            ["forget"] => Self::Forget,
            ["create", "forget"] => Self::CreateThenForget,
            _ => Self::Other(words),
        }
    }

    /// Tells whether another object takes the place of this one.
    pub fn is_replacement(&self) -> bool {
        matches!(self, Self::DeleteThenCreate | Self::CreateThenDelete | Self::CreateThenForget)
    }
}

/// The parts of a planned change that are decoded on demand, its values aside.
///
/// `Debug` shows no value: they may be secret.
#[derive(Clone, Default, PartialEq)]
pub struct ChangeDetail {
    /// The attributes whose change needs a replacement.
    pub replace_paths: Vec<Path>,
    /// What is imported here, where the object is: its id or its identity, unknown where the plan does not know it yet.
    pub importing: Option<Value>,
    /// The configuration that was generated for the import, as HCL.
    pub generated_config: Option<String>,
    /// The identity before the change.
    pub before_identity: Option<Value>,
    /// The identity after the change.
    pub after_identity: Option<Value>,
}

impl fmt::Debug for ChangeDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeDetail").field("replace_paths", &self.replace_paths).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Importing<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    unknown: bool,
    #[serde(borrow, default)]
    identity: Option<&'a RawValue>,
}

impl ChangeDetail {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Flaw> {
        let mut members = Members::parse(json)?;
        let implied = |text: &str| cty::json::decode_implied(text.as_bytes()).map_err(|error| Flaw(error.to_string()));
        let importing = match members.take_as::<Importing<'_>>("importing")? {
            None => None,
            Some(Importing { unknown: true, .. }) => Some(Value::dynamic()),
            Some(Importing { identity: Some(identity), .. }) => Some(implied(identity.get())?),
            Some(Importing { id, .. }) => Some(id.map_or_else(Value::dynamic, Value::string)),
        };
        let mut replace_paths = Vec::new();
        if let Some(text) = members.take("replace_paths") {
            let paths: Vec<Vec<&RawValue>> = serde_json::from_str(text).map_err(|error| syntax(&error))?;
            for steps in paths {
                replace_paths.push(path(&steps)?);
            }
        }
        Ok(Self {
            replace_paths,
            importing,
            generated_config: members.take_as("generated_config")?,
            before_identity: members.take("before_identity").map(implied).transpose()?,
            after_identity: members.take("after_identity").map(implied).transpose()?,
        })
    }
}

/// Reads a path, whose steps are names and indexes: whether a name is an attribute's or a key shows only in the schema.
pub(super) fn path(steps: &[&RawValue]) -> Result<Path, Flaw> {
    let step = |step: &&RawValue| -> Result<PathStep, Flaw> {
        let value = cty::json::decode_implied(step.get().as_bytes()).map_err(|error| Flaw(error.to_string()))?;
        Ok(match value.as_str() {
            Some(name) => PathStep::GetAttr(name.to_owned()),
            None => PathStep::Index(value),
        })
    };
    steps.iter().map(step).collect()
}
