//! The rows of the truth table: what two plans make of one place.
//!
//! The code says what the cloud has where the plan over Observed leaves the place alone, and what the state has where the
//! plan over Recorded does.

use std::collections::BTreeSet;

use cty::Value;
use model::Kind;

use super::align::is_default;
use super::walk::{Facet, Place, agree};

/// Gives the kind of a place where all three exist and the code says something; `None` where all are the same.
pub(super) fn row(code_is_state: bool, code_is_cloud: bool, state_is_cloud: bool) -> Option<Kind> {
    match (code_is_state, code_is_cloud, state_is_cloud) {
        (true, true, _) => None,
        (true, false, _) => Some(Kind::Changed),
        (false, true, _) => Some(Kind::Stale),
        (false, false, true) => Some(Kind::Pending),
        (false, false, false) => Some(Kind::Collision),
    }
}

/// Tells whether the plan over Observed changes what is there.
pub(super) fn is_changed_back(place: &Place) -> bool {
    acts(place.facet.planned.as_ref(), place.facet.cloud.as_ref(), place.is_key)
}

/// Tells whether the plan over Recorded changes what is recorded.
pub(super) fn is_unapplied(place: &Place) -> bool {
    acts(place.facet.replanned.as_ref(), place.facet.state.as_ref(), place.is_key)
}

/// Tells whether a plan changes what it started from; a key of a map is there or not, whatever it holds.
pub(super) fn acts(planned: Option<&Value>, base: Option<&Value>, is_key: bool) -> bool {
    let is_there = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    !agree(planned, base) || is_key && planned.is_none_or(Value::is_known) && is_there(planned) != is_there(base)
}

/// Tells whether the plan over Recorded makes the same change.
pub(super) fn is_changed_anyway(place: &Place) -> bool {
    let Facet { state, planned, replanned, .. } = &place.facet;
    replanned.as_ref().is_none_or(Value::is_known)
        && !agree(replanned.as_ref(), state.as_ref())
        && agree(replanned.as_ref(), planned.as_ref())
}

/// Names the attributes and blocks that a plan changes, or may change.
pub(super) fn changed_names(planned: &Value, base: &Value) -> BTreeSet<String> {
    let is_left = |name: &str, planned: &Value| {
        let base = base.get_attr(name).ok();
        planned.is_wholly_known()
            && (agree(Some(planned), base.as_ref()) || is_default(planned) && base.as_ref().is_none_or(is_default))
    };
    // Tags move where the provider's own are configured otherwise.
    let is_compared = |name: &str| !matches!(name, "tags" | "tags_all");
    planned
        .entries()
        .filter(|(name, planned)| is_compared(name) && !is_left(name, planned))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_those_of_the_table() {
        let (same, differs) = (true, false);
        // code–state, code–cloud, state–cloud
        assert_eq!(row(same, same, same), None);
        assert_eq!(row(same, differs, differs), Some(Kind::Changed));
        assert_eq!(row(differs, differs, same), Some(Kind::Pending));
        assert_eq!(row(differs, same, differs), Some(Kind::Stale));
        assert_eq!(row(differs, differs, differs), Some(Kind::Collision));
    }
}
