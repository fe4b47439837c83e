//! How a check is told to people, whatever the format: what is told first, under which title.

use std::collections::BTreeMap;

use model::{FindingSeverity, Impact, Kind};

use crate::sheet::{FindingSheet, RootSheet, Sheet};
use crate::text::{count, escape_controls};

/// Most examples of instances that could not be seen for one reason.
const MAX_EXAMPLES: usize = 3;

/// Findings that are told together, the weightiest first.
pub(super) struct Group<'s> {
    pub(super) title: &'static str,
    /// Whether it is there for information only.
    pub(super) is_aside: bool,
    pub(super) findings: Vec<&'s FindingSheet>,
}

/// Groups what was found in a root: by how it meets the change, or by what happened where there is none.
pub(super) fn of(root: &RootSheet) -> Vec<Group<'_>> {
    let mut by_order: BTreeMap<(u8, &'static str), Vec<&FindingSheet>> = BTreeMap::new();
    let findings = || root.report.iter().flat_map(|report| &report.findings);
    let is_told = |finding: &&FindingSheet| finding.is_shown() && finding.kind() != Some(Kind::Undetermined);
    for finding in findings().filter(is_told) {
        let key = match (finding.impact(), finding.kind()) {
            (Some(impact), _) => title_of_impact(impact),
            (None, _) if root.change.is_some() => (9, "Beside this change, for information"),
            (None, kind) => (if finding.fails { 5 } else { 6 }, kind.map_or("Found", super::title)),
        };
        by_order.entry(key).or_default().push(finding);
    }
    let severity = |finding: &FindingSheet| FindingSeverity::from_word(&finding.severity);
    let mut groups = Vec::new();
    for ((order, title), mut findings) in by_order {
        findings.sort_by_key(|finding| (!finding.fails, std::cmp::Reverse(severity(finding)), finding.subject()));
        groups.push(Group { title, is_aside: order == 9, findings });
    }
    groups
}

fn title_of_impact(impact: Impact) -> (u8, &'static str) {
    match impact {
        Impact::Destroys => (1, "Destroyed by this change"),
        Impact::Collides => (2, "Changed by somebody else too"),
        Impact::Reverts => (3, "Silently undone by applying this change"),
        Impact::Touches => (4, "Also found where this change is"),
    }
}

/// Gives the word for a way to meet the change, behind a number.
pub(super) fn word(impact: Impact) -> &'static str {
    match impact {
        Impact::Destroys => "destroyed",
        Impact::Collides => "collide",
        Impact::Reverts => "undone",
        Impact::Touches => "touched",
    }
}

/// Lists why instances were not seen, the weightiest reason first; those that the change is about come first.
pub(super) fn not_seen(root: &RootSheet) -> Vec<(&str, Vec<&FindingSheet>)> {
    let mut by_reason: BTreeMap<&str, Vec<&FindingSheet>> = BTreeMap::new();
    for finding in root.report.iter().flat_map(|report| &report.findings) {
        if finding.kind() == Some(Kind::Undetermined) && finding.ignored.is_none() {
            by_reason.entry(&finding.reason).or_default().push(finding);
        }
    }
    let mut reasons: Vec<_> = by_reason.into_iter().collect();
    for (_, findings) in &mut reasons {
        findings.sort_by_key(|finding| finding.impact.is_none());
    }
    let meets = |findings: &[&FindingSheet]| findings.iter().any(|finding| finding.impact.is_some());
    reasons.sort_by_key(|(_, findings)| (!meets(findings), std::cmp::Reverse(findings.len())));
    reasons
}

/// Says how many scopes of the inventory were not seen completely; `None` where all were.
pub(super) fn unseen_scopes(root: &RootSheet) -> Option<String> {
    let scopes = &root.report.as_ref()?.coverage.scopes;
    let n_unseen = scopes.iter().filter(|scope| scope.status != "complete").count();
    let verb = if n_unseen == 1 { "was" } else { "were" };
    let all = count(scopes.len() as u64, "scope");
    (n_unseen > 0).then(|| format!("{n_unseen} of {all} {verb} not seen completely"))
}

/// Names some of the instances that were not seen.
pub(super) fn examples(findings: &[&FindingSheet]) -> String {
    let named: Vec<String> = findings.iter().take(MAX_EXAMPLES).map(|finding| finding.subject()).collect();
    let n_others = findings.len().saturating_sub(MAX_EXAMPLES);
    let others = if n_others > 0 { format!(" and {n_others} more") } else { String::new() };
    format!("{}{others}", named.join(", "))
}

/// Counts what makes the run fail.
pub(super) fn n_failing(sheet: &Sheet) -> u64 {
    sheet.roots.iter().filter_map(|root| root.report.as_ref()).map(|report| report.summary.failing).sum()
}

/// Tells whether everything could be seen that was to be.
pub(super) fn is_complete(sheet: &Sheet) -> bool {
    let has_error = sheet.diagnostics.iter().any(|diagnostic| diagnostic.severity == "error");
    !has_error && sheet.roots.iter().all(|root| root.report.as_ref().is_some_and(|report| report.complete))
}

/// Says in a few words what came out.
pub(super) fn headline(sheet: &Sheet) -> String {
    let has_change = sheet.roots.iter().any(|root| root.change.is_some());
    let n_failed = sheet.roots.iter().filter(|root| root.error.is_some()).count() as u64;
    let but = match (n_failed, is_complete(sheet)) {
        (0, true) => String::new(),
        (0, false) => ", but not everything was seen".to_owned(),
        (number, _) => format!(", but {} could not be compared", count(number, "root module")),
    };
    let verb = |number: u64, one: &'static str, many: &'static str| if number == 1 { one } else { many };
    match n_failing(sheet) {
        0 if sheet.roots.is_empty() => "This change meets no root module".to_owned(),
        0 if has_change => format!("Nothing fails that meets this change{but}"),
        0 => format!("Nothing found that fails{but}"),
        number if has_change => {
            format!(
                "{} that {} this change {}",
                count(number, "finding"),
                verb(number, "meets", "meet"),
                verb(number, "fails", "fail")
            )
        }
        number => format!("{} {}", count(number, "finding"), verb(number, "fails", "fail")),
    }
}

/// Says what was looked at: what the change was compared with, how many roots.
pub(super) fn facts(sheet: &Sheet) -> Vec<String> {
    let mut facts = Vec::new();
    let Some(change) = &sheet.change else { return facts };
    let short = |commit: &str| escape_controls(commit.get(..12).unwrap_or(commit)).into_owned();
    if let (Some(base), Some(head)) = (&change.base, &change.head) {
        // Nothing was committed since: the change is what lies there.
        let to = if base.commit == head.commit { "what is not committed".to_owned() } else { short(&head.commit) };
        facts.push(format!("Compared with {} ({}), up to {to}", escape_controls(&base.name), short(&base.commit)));
    }
    let mut roots = format!("Looked at {} of {}", sheet.roots.len(), count(change.n_roots, "root module"));
    if change.n_unchanged > 0 {
        let verb = if change.n_unchanged == 1 { "is" } else { "are" };
        roots.push_str(&format!(", {} {verb} not met by this change", change.n_unchanged));
    }
    if change.n_other_shards > 0 {
        roots.push_str(&format!(", {} left to other shards", change.n_other_shards));
    }
    if !change.shards.is_empty() {
        let shards: Vec<_> = change.shards.iter().map(|shard| escape_controls(shard)).collect();
        roots.push_str(&format!(" (part {})", shards.join(", ")));
    }
    facts.push(roots);
    let by_impact = sheet.by_impact();
    if !by_impact.is_empty() {
        let counts: Vec<String> =
            by_impact.iter().map(|(impact, number)| format!("{number} {}", word(*impact))).collect();
        facts.push(format!("Met by this change: {}", counts.join(", ")));
    }
    facts
}
