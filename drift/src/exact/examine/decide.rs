//! What needs no plan to be decided: what is ignored, cannot be read, or only the provider sets.

use cty::{Path, PathStep, Value};
use model::Tier;

use super::super::walk::Place;
use super::{Decided, Examination};
use crate::Declaration;
use crate::compare::canonical::is_blank;

impl Examination<'_> {
    /// Decides what needs no plan.
    pub(super) fn decide(&self, place: &Place) -> Option<Decided> {
        let decided =
            |tier, cause: Option<&str>| Some(Decided { cause: cause.map(str::to_owned), ..Decided::changed(tier) });
        let Place { path, facet, facts, .. } = place;
        if self.code.declaration(path) == Declaration::IgnoredChanges {
            return decided(Tier::Ignored, Some("`lifecycle.ignore_changes` covers it."));
        }
        if facts.is_write_only {
            return decided(Tier::Unreadable, Some("It is write-only: nobody can read it back."));
        }
        let has_value = |value: Option<&Value>| value.is_some_and(|value| !is_blank(value));
        let is_sensitive = facts.is_sensitive || self.hidden.iter().any(|hidden| path.starts_with(hidden));
        if has_value(facet.state.as_ref()) {
            if facet.cloud.as_ref().and_then(Value::as_str).is_some_and(is_mask) {
                return decided(Tier::Unreadable, Some("The provider reads it back masked."));
            }
            if is_sensitive && !has_value(facet.cloud.as_ref()) {
                return decided(Tier::Unreadable, Some("It is sensitive, and the provider does not read it back."));
            }
        } else if self.is_schema_added(path) {
            return decided(Tier::SchemaAdded, Some("The state was written before the provider had it."));
        }
        let is_all_tags = matches!(path.steps(), [PathStep::GetAttr(name), ..] if name == "tags_all");
        if facts.is_runtime || is_all_tags && facts.is_computed {
            return decided(Tier::Runtime, None);
        }
        None
    }

    /// Tells whether the state has no attribute of that name where the path leads.
    fn is_schema_added(&self, path: &Path) -> bool {
        let Some(raw) = &self.raw else { return false };
        let mut here = vec![raw];
        for step in path.steps() {
            let mut next = Vec::new();
            for value in here {
                match step {
                    PathStep::GetAttr(name) => match value.entries().find(|(own, _)| own == name) {
                        Some((_, value)) => next.push(value),
                        None if value.ty().as_object().is_some() => return true,
                        None => {}
                    },
                    PathStep::Index(key) => match (key.as_str(), key.as_number().and_then(cty::Number::to_u64)) {
                        (Some(key), _) => {
                            next.extend(value.entries().filter(|(own, _)| *own == key).map(|(_, value)| value));
                        }
                        (None, Some(position)) => next.extend(value.elements().nth(position as usize)),
                        (None, None) => next.extend(value.elements()),
                    },
                }
            }
            here = next;
        }
        false
    }
}

/// Tells whether a text is nothing but a mask.
fn is_mask(text: &str) -> bool {
    text.len() >= 3 && text.bytes().all(|byte| byte == b'*')
}
