//! Kinds and their reasons: what it means that an object is gone, or there.

use model::{AttributeDifference, Kind, RecordedInstance};

use crate::{DeclaredBlock, fails};

/// So many attributes are named in the reason of a change.
const MAX_NAMED: usize = 3;

/// Says what it means that the object of an instance is gone.
pub(super) fn absence(
    instance: &RecordedInstance,
    block: &DeclaredBlock,
    missing: &'static str,
) -> (Kind, &'static str) {
    if instance.deposed.is_some() {
        (Kind::Dangling, "The deposed object is gone; only the state remembers it.")
    } else if *block == DeclaredBlock::Absent {
        (Kind::Dangling, "Neither the code nor the cloud has it; only the state remembers it.")
    } else {
        (Kind::Missing, missing)
    }
}

/// Says what it means that the object of an instance is there; `None` where all is well.
pub(super) fn presence(
    instance: &RecordedInstance,
    block: &DeclaredBlock,
    is_removed_by_change: bool,
    differences: &[AttributeDifference],
) -> Option<(Kind, String)> {
    if instance.deposed.is_some() {
        Some((Kind::Pending, "The next apply destroys the deposed object.".to_owned()))
    } else if *block == DeclaredBlock::Absent && is_removed_by_change {
        Some((Kind::PendingDestroy, "This change removes its code: the next apply destroys it.".to_owned()))
    } else if *block == DeclaredBlock::Absent {
        Some((Kind::Orphan, "No code is left for it: the next apply destroys it.".to_owned()))
    } else if instance.is_tainted {
        Some((Kind::Pending, "It is tainted: the next apply replaces it.".to_owned()))
    } else if !differences.is_empty() {
        Some((Kind::Changed, name_differences(differences)))
    } else {
        None
    }
}

/// Says which attributes differ: their names only, for keys and elements may be values.
fn name_differences(differences: &[AttributeDifference]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let is_all_noise = differences.iter().all(fails::is_noise);
    for difference in differences.iter().filter(|difference| is_all_noise || !fails::is_noise(difference)) {
        if let Some(cty::PathStep::GetAttr(name)) = difference.path.steps().first() {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let n_others = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    match n_others {
        0 => format!("The cloud differs from the state in {}.", names.join(", ")),
        n_others => format!("The cloud differs from the state in {} and {n_others} more.", names.join(", ")),
    }
}
