//! The results of checks that a snapshot records.

use serde::Deserialize;

use super::members::syntax;
use crate::{Error, ErrorKind};

/// Says what kind of object a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckedKind {
    /// The conditions of a resource or data source.
    Resource,
    /// The preconditions of an output value.
    Output,
    /// A `check` block.
    Check,
    /// The validations of an input variable.
    #[serde(rename = "var")]
    Variable,
    /// A kind that this release does not know.
    #[serde(other)]
    Unknown,
}

/// Says how a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Every condition holds.
    Pass,
    /// A condition does not hold.
    Fail,
    /// A condition could not be evaluated.
    Error,
    /// A condition is not known yet.
    Unknown,
}

/// The checks of one object in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CheckResult {
    /// What is checked.
    #[serde(rename = "object_kind")]
    pub kind: CheckedKind,
    /// Its address in the configuration, without instance keys.
    #[serde(rename = "config_addr")]
    pub address: String,
    /// How all its instances together ended.
    pub status: CheckStatus,
    /// Each instance; `None` where they are not known.
    pub objects: Option<Vec<CheckObject>>,
}

/// The checks of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CheckObject {
    /// Its address.
    #[serde(rename = "object_addr")]
    pub address: String,
    /// How they ended.
    pub status: CheckStatus,
    /// The messages of those that do not hold.
    #[serde(default)]
    pub failure_messages: Vec<String>,
}

/// Decodes the bytes of `check_results`.
///
/// # Errors
/// [`ErrorKind::Invalid`] where they are not well-formed or name a status that does not exist.
pub fn decode_checks(json: &[u8]) -> Result<Vec<CheckResult>, Error> {
    let results: Option<Vec<CheckResult>> = serde_json::from_slice(json).map_err(|error| {
        Error::new(ErrorKind::Invalid, "decode the results of checks in the state").because(syntax(&error))
    })?;
    Ok(results.unwrap_or_default())
}
