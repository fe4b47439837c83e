//! The file format: what the objects of a snapshot hold, decoded on demand.
//!
//! Source: `internal/states/statefile/version4.go` of Terraform and of OpenTofu, whose additions are read too.

mod check;
mod instance;
pub(crate) mod lookalike;
pub(crate) mod members;
mod output;
pub(crate) mod sensitive;

pub use check::{CheckObject, CheckResult, CheckStatus, CheckedKind, decode_checks};
pub use instance::{Attributes, InstanceObject, decode_attribute, decode_attributes};
pub use output::OutputValue;
