//! The configuration that a search starts with.

use cty::Value;

use super::Subject;

/// Gives what the provider generated, else what of the object may be written.
pub(super) fn of(subject: Subject<'_>) -> Value {
    subject.generated.unwrap_or(subject.observed).clone()
}
