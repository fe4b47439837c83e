//! Locks that somebody else holds on a state.

use model::Diagnostic;
use serde::Deserialize;

/// What terraform and OpenTofu note in a lock.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct LockInfo {
    operation: String,
    who: String,
    created: String,
}

/// Makes the warning for a lock, from what it notes.
pub(super) fn warning(url: &str, note: &[u8]) -> Diagnostic {
    let info: LockInfo = serde_json::from_slice(note).unwrap_or_default();
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    let mut detail = format!("Somebody holds the lock of {url}");
    if !info.who.is_empty() {
        detail = format!("{} holds the lock of {url}", clean(&info.who));
    }
    if !info.operation.is_empty() {
        detail = format!("{detail} for {}", clean(&info.operation));
    }
    if !info.created.is_empty() {
        detail = format!("{detail} since {}", clean(&info.created));
    }
    Diagnostic::warning("state-locked", "The state is locked", format!("{detail}: it may be about to change."))
}
