//! The summary of a GitHub workflow's step: Markdown, within the size of which GitHub takes nothing more.

use super::Style;

/// The variable that names the file.
pub const VARIABLE: &str = "GITHUB_STEP_SUMMARY";
/// Most bytes of a step's summaries together; where there are more, none is shown.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Kept free for what other programs of the same step add.
const RESERVE: usize = 16 * 1024;

/// Gives the style for a summary behind so many bytes of others.
pub fn style(style: &Style, n_before: u64) -> Style {
    let n_before = usize::try_from(n_before).unwrap_or(usize::MAX);
    let budget = MAX_BYTES.saturating_sub(RESERVE).saturating_sub(n_before);
    Style { color: false, budget, budget_bytes: budget, ..style.clone() }
}
