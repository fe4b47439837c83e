//! What a plan says beside its resources: variables, outputs, checks, and attributes that matter.

use std::collections::BTreeMap;

use cty::{Path, Type, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::change::{PlanAction, path};
use super::value::{Mask, decode};
use super::{Piece, PlanDocument};
use crate::Error;
use crate::format::members::{Flaw, Members, syntax};
use crate::format::{CheckObject, CheckResult, CheckStatus, CheckedKind, OutputValue};

/// What a plan does with an output value of the root module.
///
/// Every output is listed, those that do not change too: then the action is [`PlanAction::NoOp`].
#[derive(Clone, Debug, PartialEq)]
pub struct OutputChange {
    /// The action.
    pub action: PlanAction,
    /// The value before, marked where it is sensitive; null where there was none.
    pub before: Value,
    /// The value after, marked where it is sensitive; unknown where the plan cannot tell yet, null where it goes.
    pub after: Value,
}

/// An attribute whose change may have led to a change of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct RelevantAttribute {
    /// The resource, by its address.
    pub resource: String,
    /// The attribute.
    pub path: Path,
}

type Named<'a> = BTreeMap<String, &'a RawValue>;

impl PlanDocument {
    /// Decodes the values of the root module's variables, defaults included. What the configuration calls sensitive is
    /// marked; a variable of which it says nothing is marked too.
    ///
    /// # Errors
    /// Where the bytes cannot be read any more, or are not well-formed.
    pub fn variables(&self) -> Result<BTreeMap<String, Value>, Error> {
        #[derive(Deserialize)]
        struct Configured {
            #[serde(default)]
            sensitive: bool,
        }
        let configured = self.part(self.header.configured_variables, &|json| {
            serde_json::from_slice::<BTreeMap<String, Configured>>(json).map_err(|error| syntax(&error))
        })?;
        self.part(self.header.variables, &|json| {
            let named: Named<'_> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
            let mut values = BTreeMap::new();
            for (name, json) in named {
                let is_open = configured.get(&name).is_some_and(|configured| !configured.sensitive);
                let mask = if is_open { Mask::Nothing } else { Mask::All };
                let text = Members::parse(json.get().as_bytes())?.take("value").unwrap_or("null");
                values.insert(name, decode(text.as_bytes(), None, Some(&mask), None)?);
            }
            Ok(values)
        })
    }

    /// Decodes what the plan does with the output values of the root module.
    ///
    /// # Errors
    /// As [`PlanDocument::variables`].
    pub fn output_changes(&self) -> Result<BTreeMap<String, OutputChange>, Error> {
        self.part(self.header.output_changes, &|json| {
            let named: Named<'_> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
            named.into_iter().map(|(name, json)| Ok((name, output_change(json.get())?))).collect()
        })
    }

    /// Decodes the output values of the prior state.
    ///
    /// # Errors
    /// As [`PlanDocument::variables`].
    pub fn prior_outputs(&self) -> Result<BTreeMap<String, OutputValue>, Error> {
        self.part(self.header.prior_outputs, &|json| {
            let named: Named<'_> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
            let output = |json: &RawValue| -> Result<OutputValue, Flaw> {
                let mut members = Members::parse(json.get().as_bytes())?;
                let is_sensitive = members.take_as("sensitive")?.unwrap_or(false);
                let mask = if is_sensitive { Mask::All } else { Mask::Nothing };
                let ty = members.take("type").map(Type::from_json).transpose();
                let ty = ty.map_err(|error| Flaw(format!("`type`: {error}")))?;
                let text = members.take("value").unwrap_or("null");
                Ok(OutputValue {
                    value: decode(text.as_bytes(), None, Some(&mask), ty.as_ref())?,
                    is_sensitive,
                    deprecated: members.take_as("deprecated")?.unwrap_or_default(),
                    unknown_members: members.into_rest(),
                })
            };
            named.into_iter().map(|(name, json)| Ok((name, output(json)?))).collect()
        })
    }

    /// Decodes the results of checks, as far as planning knows them.
    ///
    /// # Errors
    /// As [`PlanDocument::variables`].
    pub fn checks(&self) -> Result<Vec<CheckResult>, Error> {
        #[derive(Deserialize)]
        struct Address {
            #[serde(default)]
            kind: Option<CheckedKind>,
            #[serde(default)]
            to_display: String,
        }
        #[derive(Deserialize)]
        struct Problem {
            #[serde(default)]
            message: String,
        }
        #[derive(Deserialize)]
        struct Instance {
            address: Address,
            status: CheckStatus,
            #[serde(default)]
            problems: Vec<Problem>,
        }
        #[derive(Deserialize)]
        struct Check {
            address: Address,
            status: CheckStatus,
            #[serde(default)]
            instances: Option<Vec<Instance>>,
        }
        let object = |instance: Instance| CheckObject {
            address: instance.address.to_display,
            status: instance.status,
            failure_messages: instance.problems.into_iter().map(|problem| problem.message).collect(),
        };
        self.part(self.header.checks, &|json| {
            let checks: Vec<Check> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
            let check = |check: Check| CheckResult {
                kind: check.address.kind.unwrap_or(CheckedKind::Unknown),
                address: check.address.to_display,
                status: check.status,
                objects: check.instances.map(|instances| instances.into_iter().map(object).collect()),
            };
            Ok(checks.into_iter().map(check).collect())
        })
    }

    /// Decodes the attributes whose change may have led to a change of the plan.
    ///
    /// # Errors
    /// As [`PlanDocument::variables`].
    pub fn relevant_attributes(&self) -> Result<Vec<RelevantAttribute>, Error> {
        #[derive(Deserialize)]
        struct Relevant<'a> {
            resource: String,
            #[serde(borrow, default)]
            attribute: Vec<&'a RawValue>,
        }
        self.part(self.header.relevant_attributes, &|json| {
            let relevant: Vec<Relevant<'_>> = serde_json::from_slice(json).map_err(|error| syntax(&error))?;
            let relevant = relevant.into_iter();
            relevant
                .map(|relevant| Ok(RelevantAttribute { path: path(&relevant.attribute)?, resource: relevant.resource }))
                .collect()
        })
    }

    fn part<T: Default>(&self, piece: Piece, parse: &dyn Fn(&[u8]) -> Result<T, Flaw>) -> Result<T, Error> {
        piece.get().map_or_else(|| Ok(T::default()), |range| self.decode(&range, parse))
    }
}

fn output_change(json: &str) -> Result<OutputChange, Flaw> {
    let mut members = Members::parse(json.as_bytes())?;
    let mut mask = |name| {
        let text = members.take(name);
        text.map(|text| Mask::parse(text.as_bytes())).transpose()
    };
    let unknown = mask("after_unknown")?;
    let (before_sensitive, after_sensitive) = (mask("before_sensitive")?, mask("after_sensitive")?);
    let words = members.take_as("actions")?.unwrap_or_default();
    let before = members.take("before").unwrap_or("null");
    let after = members.take("after").unwrap_or("null");
    Ok(OutputChange {
        action: PlanAction::of_words(words),
        before: decode(before.as_bytes(), None, before_sensitive.as_ref(), None)?,
        after: decode(after.as_bytes(), unknown.as_ref(), after_sensitive.as_ref(), None)?,
    })
}
