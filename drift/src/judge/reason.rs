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

/// Kinds of differences, the one that matters most first, each with how a finding of it begins.
const BY_KIND: &[(Kind, &str)] = &[
    (Kind::Changed, "The cloud differs from the state in"),
    (Kind::Collision, "Code, state and cloud all differ, and the next apply overwrites what is there, in"),
    (Kind::Stale, "The code already says what the cloud holds, and only the state is behind, in"),
    (Kind::Pending, "The code is not applied yet in"),
];

/// Something to tell about an instance whose object is there.
pub(super) struct Presence {
    pub(super) kind: Kind,
    pub(super) reason: String,
    /// The differences that it is about.
    pub(super) differences: Vec<AttributeDifference>,
}

/// Says what it means that the object of an instance is there: nothing where all is well, one thing about the instance
/// as a whole, or one for each kind of difference.
pub(super) fn presence(
    instance: &RecordedInstance,
    block: &DeclaredBlock,
    is_removed_by_change: bool,
    differences: Vec<AttributeDifference>,
) -> Vec<Presence> {
    let whole = if instance.deposed.is_some() {
        Some((Kind::Pending, "The next apply destroys the deposed object."))
    } else if *block == DeclaredBlock::Absent && is_removed_by_change {
        Some((Kind::PendingDestroy, "This change removes its code: the next apply destroys it."))
    } else if *block == DeclaredBlock::Absent {
        Some((Kind::Orphan, "No code is left for it: the next apply destroys it."))
    } else if instance.is_tainted {
        Some((Kind::Pending, "It is tainted: the next apply replaces it."))
    } else {
        None
    };
    if let Some((kind, reason)) = whole {
        return vec![Presence { kind, reason: reason.to_owned(), differences }];
    }
    let mut differences = differences;
    let mut found = Vec::new();
    for (kind, beginning) in BY_KIND {
        let (own, others): (Vec<_>, Vec<_>) = differences.into_iter().partition(|difference| difference.kind == *kind);
        if !own.is_empty() {
            found.push(Presence { kind: *kind, reason: name_differences(beginning, &own), differences: own });
        }
        differences = others;
    }
    found
}

/// Says which attributes differ: their names only, for keys and elements may be values.
fn name_differences(beginning: &str, differences: &[AttributeDifference]) -> String {
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
        0 => format!("{beginning} {}.", names.join(", ")),
        n_others => format!("{beginning} {} and {n_others} more.", names.join(", ")),
    }
}
