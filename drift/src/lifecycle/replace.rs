//! What a plan amounts to.

use cty::{Mark, Marks, Path, Value};
use model::Block;

use super::place::{apply_as_expression, attribute_at, write_only_paths};

/// What has to be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// It is changed in place.
    Update,
    /// It is made.
    Create,
    /// It is deleted.
    Delete,
    /// It is deleted and made again, in whichever order.
    Replace,
}

/// Keeps the paths for which the object really has to be replaced.
///
/// A provider names the attributes that cannot change in place, some of which may not change at all, not least after
/// ignored changes were undone. A path counts where prior and planned value differ or the planned one is not known, and
/// where it leads to an attribute that is never stored: of that one nobody can tell. For a path that leads nowhere in
/// either value the provider is to blame: core refuses such a plan, here the path is left out. Without a prior object
/// nothing is replaced.
///
/// Source: `PlanResourceChange` in OpenTofu's `docs/resource-instance-change-lifecycle.md` and "Provider-driven
/// Behaviors" in its `docs/planning-behaviors.md`.
pub fn replace_paths(requires_replace: &[Path], prior: &Value, planned: &Value, block: &Block) -> Vec<Path> {
    if prior.is_null() {
        return Vec::new();
    }
    let (prior, _) = prior.unmark_deep();
    let (planned, _) = planned.unmark_deep();
    let mut kept: Vec<Path> = Vec::new();
    for path in requires_replace {
        let differs = match (apply_as_expression(path, &prior), apply_as_expression(path, &planned)) {
            (None, None) => continue,
            (Some(prior), Some(planned)) => planned.equals(&prior).as_bool() != Some(true),
            (None, Some(_)) | (Some(_), None) => true,
        };
        let is_write_only = attribute_at(block, path).is_some_and(|attribute| attribute.write_only);
        if (differs || is_write_only) && !kept.contains(path) {
            kept.push(path.clone());
        }
    }
    kept
}

/// Decides what has to be done, given what [`replace_paths`] kept.
///
/// A change of nothing but which values are sensitive is an update, as in core. A planned value that is null is a
/// deletion: core plans those without the provider, for objects that are no longer in the configuration.
///
/// Source: "Provider-driven Behaviors" in OpenTofu's `docs/planning-behaviors.md`.
pub fn action(prior: &Value, planned: &Value, replace: &[Path], block: &Block) -> Action {
    match (prior.is_null(), planned.is_null()) {
        (true, true) => return Action::NoOp,
        (true, false) => return Action::Create,
        (false, true) => return Action::Delete,
        (false, false) => {}
    }
    let (bare_prior, prior_marks) = prior.unmark_deep_with_paths();
    let (bare_planned, planned_marks) = planned.unmark_deep_with_paths();
    // Write-only attributes are null on both sides, so that equal values do not mean that nothing changes.
    if !replace.is_empty() && write_only_paths(&bare_planned, block).iter().any(|path| replace.contains(path)) {
        return Action::Replace;
    }
    if bare_planned.equals(&bare_prior).as_bool() != Some(true) {
        return if replace.is_empty() { Action::Update } else { Action::Replace };
    }
    if is_equally_sensitive(&prior_marks, &planned_marks) { Action::NoOp } else { Action::Update }
}

fn is_equally_sensitive(a: &[(Path, Marks)], b: &[(Path, Marks)]) -> bool {
    let sensitive = |found: &[(Path, Marks)]| -> Vec<Path> {
        found.iter().filter(|(_, marks)| marks.contains(&Mark::Sensitive)).map(|(path, _)| path.clone()).collect()
    };
    let (a, b) = (sensitive(a), sensitive(b));
    a.len() == b.len() && a.iter().all(|path| b.contains(path))
}
