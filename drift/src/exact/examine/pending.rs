//! What the code changes where state and cloud agree.

use cty::Value;
use model::{AttributeDifference, Kind, Tier};

use super::super::SET_BY_REPLACING;
use super::super::rows::acts;
use super::super::walk::{Facet, Place, differences};
use super::{Decided, Examination, Writing, has_nested_attributes};
use crate::Declaration;
use crate::compare::canonical::is_blank;

impl Examination<'_> {
    /// Lists what the plan over Observed changes where the cloud is as the state has it: code that is not applied yet.
    ///
    /// What only follows from such a change, because the provider sets it, is told where nothing else is.
    pub(super) fn pending(&self) -> Vec<AttributeDifference> {
        let Some(plan) = self.planned.as_ref().filter(|_| self.is_code_ahead) else { return Vec::new() };
        let block = &self.facets.schema.block;
        // The walk goes along what is there and what is planned; what the code and the state have goes along with these.
        let facet = Facet {
            state: Some(self.observed.clone()),
            cloud: Some(plan.planned.clone()),
            planned: self.evaluated.clone(),
            replanned: Some(self.recorded.clone()),
            code: None,
        };
        let found = differences(block, &facet, has_nested_attributes(block)).into_iter().filter_map(|place| {
            let decided = self.judge_unapplied(&place)?;
            let Facet { state: cloud, cloud: planned, planned: code, replanned: state, .. } = place.facet.clone();
            let facet = Facet { state, cloud, planned, replanned: None, code };
            Some((Place { facet, ..place }, decided))
        });
        let (own, follows): (Vec<_>, Vec<_>) = found.partition(|(_, decided)| decided.tier == Tier::Declared);
        let shown = if own.is_empty() { follows } else { own };
        shown.into_iter().map(|(place, decided)| self.difference(place, decided)).collect()
    }

    /// Decides about a place where the plan differs from the cloud; `None` where that is not for unapplied code.
    fn judge_unapplied(&self, place: &Place) -> Option<Decided> {
        let Facet { state: cloud, cloud: planned, replanned: recorded, .. } = &place.facet;
        let is_drift = acts(recorded.as_ref(), cloud.as_ref(), place.is_key);
        if is_drift || !acts_or_settles(planned.as_ref(), cloud.as_ref(), place.is_key) || place.facts.is_write_only {
            return None;
        }
        if self.code.declaration(&place.path) == Declaration::IgnoredChanges {
            return None;
        }
        let is_all_tags = matches!(place.path.steps(), [cty::PathStep::GetAttr(name), ..] if name == "tags_all");
        let is_written = self.writing(place) == Writing::Written;
        let is_known = planned.as_ref().is_none_or(Value::is_wholly_known);
        let tier = if place.facts.is_runtime || is_all_tags && place.facts.is_computed {
            Tier::Runtime
        } else if is_written || !place.facts.is_computed || planned.as_ref().is_none_or(is_blank) {
            Tier::Declared
        } else {
            Tier::Undeclared
        };
        // What an update leaves the provider to decide is no change of the code.
        if !is_known && (!is_written || tier != Tier::Declared) || place.is_weak && !is_written {
            return None;
        }
        let cause = if self.replaces(&place.path) {
            Some(SET_BY_REPLACING.to_owned())
        } else if !is_known {
            self.supposition(place, Writing::Written).or_else(|| Some("It is known after apply.".to_owned()))
        } else {
            None
        };
        Some(Decided { kind: Kind::Pending, tier, cause })
    }
}

/// Tells whether a plan changes what it started from, or leaves it to the apply.
fn acts_or_settles(planned: Option<&Value>, base: Option<&Value>, is_key: bool) -> bool {
    planned.is_some_and(|planned| !planned.is_known()) || acts(planned, base, is_key)
}
