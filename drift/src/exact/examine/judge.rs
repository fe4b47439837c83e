//! What the plans say of a difference: its row in the truth table, and its tier.

use cty::Path;
use model::{Kind, Tier};

use super::super::SET_BY_REPLACING;
use super::super::rows::{is_changed_anyway, is_changed_back, is_unapplied, row};
use super::super::suppose::is_supposed;
use super::super::walk::{Facet, Place, agree};
use super::{Decided, Examination, Writing};
use crate::compare::canonical::is_blank;

impl Examination<'_> {
    /// Decides what the plans say of a difference; `None` where it is none.
    pub(super) fn judge(&self, place: &Place) -> Option<Decided> {
        let writing = self.writing(place);
        let by_writing = match writing {
            Writing::Written => Tier::Declared,
            Writing::Silent => Tier::Undeclared,
            Writing::Unknown => Tier::Unclassified,
        };
        if let Some(trouble) = &self.trouble {
            let tier = if place.is_weak { Tier::Undeclared } else { by_writing };
            return Some(Decided::changed(tier).because(format!("The provider made no plan: {trouble}")));
        }
        let undeclared = if writing == Writing::Unknown { Tier::Unclassified } else { Tier::Undeclared };
        let supposition = self.supposition(place, writing);
        if place.facet.planned.as_ref().is_some_and(|planned| !planned.is_known()) {
            let cause = "The next apply settles it: the provider plans it as known after apply.";
            return Some(match supposition {
                Some(cause) => Decided::changed(Tier::Declared).because(cause),
                None => Decided::changed(undeclared).because(cause),
            });
        }
        let is_left_alone = !is_changed_back(place);
        let kind = match self.is_unapplied_at(place) {
            true if is_left_alone && (place.is_weak || !says(place, writing)) => None,
            true if !is_left_alone && !is_code_changed(place, writing) => Some(Kind::Changed),
            is_unapplied => row(!is_unapplied, is_left_alone, false),
        };
        let Some(kind) = kind else {
            // The provider calls what the code writes and what is there the same; and it would call defaults so.
            let is_noise = writing == Writing::Written || place.is_weak;
            return (!is_noise).then_some(Decided::changed(undeclared));
        };
        if kind == Kind::Changed && self.is_replanned && is_changed_anyway(place) {
            let cause = "The provider plans the same change without the difference, so it is not what causes the plan.";
            return Some(Decided::changed(undeclared).because(cause));
        }
        let replaces = (!is_left_alone && self.replaces(&place.path)).then(|| match kind {
            Kind::Changed => "To change it back, the next apply replaces the object.".to_owned(),
            _ => SET_BY_REPLACING.to_owned(),
        });
        Some(Decided { kind, tier: Tier::Declared, cause: supposition.or(replaces) })
    }

    /// Decides anew about what cannot be read back, where the code does not say what was applied.
    pub(super) fn unread(&self, place: &Place, decided: &Decided) -> Option<Decided> {
        let is_hidden = decided.tier == Tier::Unreadable && !place.facts.is_write_only;
        (is_hidden && self.writing(place) == Writing::Written && self.is_unapplied_at(place)).then(|| {
            let cause = "The code does not set what was applied; whether the cloud has changed cannot be read back.";
            Decided { kind: Kind::Pending, tier: Tier::Declared, cause: Some(cause.to_owned()) }
        })
    }

    /// Tells whether the code says something else than the state: whether the plan over Recorded changes what is there.
    ///
    /// Where there is but one plan, what it plans is taken for what the code says.
    fn is_unapplied_at(&self, place: &Place) -> bool {
        let Facet { state, planned, .. } = &place.facet;
        self.evaluated.is_some()
            && if self.is_settling {
                !agree(planned.as_ref(), state.as_ref())
            } else {
                self.is_replanned && is_unapplied(place)
            }
    }

    /// Says what was supposed of the code at a place that it writes, where evaluation does not know it.
    pub(super) fn supposition(&self, place: &Place, writing: Writing) -> Option<String> {
        let config = self.evaluated.as_ref().filter(|_| writing == Writing::Written)?;
        if !is_supposed(config, &place.path) {
            return None;
        }
        let reason =
            self.facets.declared.and_then(|declared| declared.unknown_reason(self.facets.address, &place.path));
        let reason = reason.unwrap_or_else(|| "What the code sets it to is not known before an apply.".to_owned());
        Some(format!(
            "{reason} It was taken to be what is recorded; the code may as well say what the cloud has, or something else."
        ))
    }

    pub(super) fn replaces(&self, path: &Path) -> bool {
        self.planned.as_ref().is_some_and(|plan| {
            plan.requires_replace.iter().any(|replaced| path.starts_with(replaced) || replaced.starts_with(path))
        })
    }
}

/// Tells whether it is the code that decides on a place: it writes it, or leaves out what nobody else sets.
fn says(place: &Place, writing: Writing) -> bool {
    writing == Writing::Written || !place.facts.is_computed
}

/// Tells whether the code was changed since it was applied, where the provider plans to change what is recorded; else
/// the provider does that whatever happens.
fn is_code_changed(place: &Place, writing: Writing) -> bool {
    let Facet { state, planned, code, .. } = &place.facet;
    match writing {
        Writing::Written => !agree(code.as_ref(), state.as_ref()),
        Writing::Silent | Writing::Unknown => !place.facts.is_computed || planned.as_ref().is_none_or(is_blank),
    }
}
