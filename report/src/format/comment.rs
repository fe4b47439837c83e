//! Markdown, for a check: one comment on a pull request, within the size that forges accept.
//!
//! The table of roots comes first, then what meets the change by weight, over all roots, then the rest: what a cut takes
//! is always the least that matters. Whatever does not fit is counted.

use std::fmt::Write as _;
use std::io;

use model::Impact;

use super::Style;
use super::groups::{self, Group};
use super::markdown::{Comment, cell, marker};
use crate::sheet::{AttributeSheet, FindingSheet, RootSheet, Sheet};
use crate::text::{count, fence_for};

/// Most columns of one value.
const MAX_VALUE: usize = 160;
/// Most differences of one finding.
const MAX_DIFFERENCES: usize = 20;

/// Writes a check.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut comment = Comment::new(style);
    let mut head = marker("check", style);
    let _ = writeln!(head, "### driftmgr: {}\n", cell(&groups::headline(sheet)));
    let facts: Vec<String> = groups::facts(sheet).iter().map(|fact| cell(fact)).collect();
    if !facts.is_empty() {
        let _ = writeln!(head, "{}\n", facts.join(" · "));
    }
    comment.must(&head);
    for diagnostic in &sheet.diagnostics {
        let text = cell(&format!("{}: {}", diagnostic.summary, diagnostic.detail));
        comment.may(&format!("> {text}\n\n"));
    }
    table(&mut comment, sheet);
    for root in sheet.roots.iter().filter(|root| root.error.is_some()) {
        let error = cell(root.error.as_deref().unwrap_or_default());
        comment.may(&format!("**{}** could not be compared: {error}\n\n", cell(&root.label())));
    }
    let mut groups: Vec<(&RootSheet, Group<'_>)> =
        sheet.roots.iter().flat_map(|root| groups::of(root).into_iter().map(move |group| (root, group))).collect();
    groups.sort_by_key(|(_, group)| weight(group));
    let has_several = sheet.roots.len() > 1;
    for (root, group) in &groups {
        section(&mut comment, root, group, has_several);
    }
    touches(&mut comment, sheet);
    for root in &sheet.roots {
        if let Some(scopes) = groups::unseen_scopes(root) {
            comment.may(&format!("- {}: {}\n", cell(&root.label()), cell(&scopes)));
        }
    }
    not_seen(&mut comment, sheet);
    if comment.n_cut > 0 {
        let number = comment.n_cut;
        comment.must(&format!("\n**{number} entries did not fit here**; the JSON report has them all.\n"));
    }
    out.write_all(comment.text.as_bytes())
}

/// Orders groups over all roots.
fn weight(group: &Group<'_>) -> (bool, bool, bool, Option<Impact>) {
    let impact = group.findings.first().and_then(|finding| finding.impact());
    let fails = group.findings.iter().any(|finding| finding.fails);
    (!fails, group.is_aside, impact.is_none(), impact)
}

fn table(comment: &mut Comment, sheet: &Sheet) {
    if sheet.roots.is_empty() {
        return;
    }
    let has_change = sheet.roots.iter().any(|root| root.change.is_some());
    let head = if has_change {
        "| root module | about | destroyed | collide | undone | fail | beside | not seen |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
    } else {
        "| root module | found | fail | not seen |\n|---|--:|--:|--:|\n"
    };
    if !comment.fits_with_entry(head) {
        comment.n_cut += sheet.roots.len();
        return;
    }
    comment.must(head);
    for root in &sheet.roots {
        let Some(report) = &root.report else {
            let cells = if has_change { "| | | | | | |" } else { "| | |" };
            comment
                .may(&format!("| {} | not compared {cells}\n", cell(&format!("{}{}", root.label(), root.owned_by()))));
            continue;
        };
        let n_failing = report.summary.failing;
        let n_unseen = report.summary.undetermined;
        let groups = groups::of(root);
        let row = if has_change {
            let by_impact = root.by_impact();
            let of = |impact: Impact| by_impact.get(&impact).copied().unwrap_or_default();
            let n_about = root.change.as_ref().map_or(0, |change| change.touches.len());
            let n_aside: usize = groups.iter().filter(|group| group.is_aside).map(|group| group.findings.len()).sum();
            format!(
                "| {} | {n_about} | {} | {} | {} | {n_failing} | {n_aside} | {n_unseen} |\n",
                cell(&format!("{}{}", root.label(), root.owned_by())),
                of(Impact::Destroys),
                of(Impact::Collides),
                of(Impact::Reverts),
            )
        } else {
            let n_found: usize = groups.iter().map(|group| group.findings.len()).sum();
            format!(
                "| {} | {n_found} | {n_failing} | {n_unseen} |\n",
                cell(&format!("{}{}", root.label(), root.owned_by()))
            )
        };
        comment.may(&row);
    }
    comment.must("\n");
}

fn section(comment: &mut Comment, root: &RootSheet, group: &Group<'_>, names_root: bool) {
    let open = if group.findings.iter().any(|finding| finding.fails) { " open" } else { "" };
    let of = if names_root { format!(" in {}", cell(&root.label())) } else { String::new() };
    let number = group.findings.len();
    let head = format!("<details{open}><summary><b>{}</b>{of} ({number})</summary>\n\n", group.title);
    if !comment.fits_with_entry(&head) {
        comment.n_cut += number;
        return;
    }
    comment.must(&head);
    let n_before = comment.n_cut;
    for finding in &group.findings {
        comment.may(&entry(root, finding));
    }
    let n_cut = comment.n_cut - n_before;
    if n_cut > 0 && comment.fits("") {
        comment.must(&format!("{n_cut} more are not shown.\n\n"));
    }
    comment.must("</details>\n\n");
}

fn entry(root: &RootSheet, finding: &FindingSheet) -> String {
    let kind = finding.kind().map_or("found", super::word);
    let fails = if finding.fails { " · **fails**" } else { "" };
    let id = finding.id.as_ref().filter(|_| finding.address.is_some()).map(|id| format!(" · {}", cell(id)));
    let mut text = format!("**{}**{} · {kind}{fails}\n", cell(&finding.subject()), id.unwrap_or_default());
    let _ = writeln!(text, "\n{}", cell(&finding.reason));
    let told: Vec<&AttributeSheet> = finding.attributes.iter().filter(|attribute| attribute.is_told()).collect();
    if !told.is_empty() {
        let mut lines = String::new();
        for attribute in told.iter().take(MAX_DIFFERENCES) {
            let path = attribute.path();
            let source = attribute.source.as_ref().and_then(|source| root.place(source));
            if let Some(place) = source {
                let _ = writeln!(lines, "@@ {}:{} @@", crate::text::escape_controls(&place.path), place.line);
            }
            let mut is_shown = false;
            let sides =
                [("-", "state", &attribute.state), ("+", "cloud", &attribute.cloud), ("!", "code", &attribute.code)];
            for (mark, name, side) in sides {
                if let Some(value) = AttributeSheet::side(side.as_deref(), MAX_VALUE) {
                    let _ = writeln!(lines, "{mark} {path} = {value}  # {name}");
                    is_shown = true;
                }
            }
            if !is_shown {
                let note = if attribute.sensitive { "  (sensitive)" } else { "" };
                let _ = writeln!(lines, "! {path}{note}");
            }
        }
        if told.len() > MAX_DIFFERENCES {
            let _ = writeln!(lines, "  # {}", count((told.len() - MAX_DIFFERENCES) as u64, "more difference"));
        }
        let fence = fence_for(&lines);
        let _ = writeln!(text, "\n{fence}diff\n{lines}{fence}");
    }
    let remedies = finding.remedies();
    if !remedies.is_empty() {
        let _ = writeln!(text, "\nWhat to do: {}.", remedies.join(", or "));
    }
    text.push('\n');
    text
}

fn touches(comment: &mut Comment, sheet: &Sheet) {
    let all: Vec<(&RootSheet, &crate::sheet::TouchSheet)> = sheet
        .roots
        .iter()
        .flat_map(|root| {
            root.change.iter().flat_map(move |change| change.touches.iter().map(move |touch| (root, touch)))
        })
        .collect();
    let causes: Vec<(&RootSheet, &str)> = sheet
        .roots
        .iter()
        .flat_map(|root| {
            root.change.iter().flat_map(move |change| change.causes.iter().map(move |cause| (root, &*cause.detail)))
        })
        .collect();
    if all.is_empty() && causes.is_empty() {
        return;
    }
    let head = format!("<details><summary><b>What this change is about</b> ({})</summary>\n\n", all.len());
    let columns = "| | instance | arguments | line | root module |\n|---|---|---|---|---|\n";
    if !comment.fits_with_entry(&format!("{head}{columns}")) {
        comment.n_cut += all.len() + causes.len();
        return;
    }
    comment.must(&head);
    for (root, cause) in causes {
        comment.may(&format!("- It is not known of everything in {}: {}\n", cell(&root.label()), cell(cause)));
    }
    comment.must("\n");
    if !all.is_empty() {
        comment.must(columns);
    }
    for (root, touch) in all {
        let from = touch.from.as_ref().map(|from| format!(" from {}", cell(from))).unwrap_or_default();
        let unsure =
            touch.unsure.as_ref().map(|unsure| format!(" (not certain: {})", cell(unsure))).unwrap_or_default();
        let place = touch.source.as_ref().and_then(|source| root.place(source));
        let place = place.map(|place| cell(&format!("{}:{}", place.path, place.line))).unwrap_or_default();
        comment.may(&format!(
            "| {}{from} | {} | {}{unsure} | {place} | {} |\n",
            cell(&touch.how),
            cell(&touch.address),
            cell(&touch.paths.join(", ")),
            cell(&root.label())
        ));
    }
    comment.must("\n</details>\n\n");
}

fn not_seen(comment: &mut Comment, sheet: &Sheet) {
    let rows: Vec<String> = sheet
        .roots
        .iter()
        .flat_map(|root| groups::not_seen(root).into_iter().map(move |(reason, findings)| (root, reason, findings)))
        .map(|(root, reason, findings)| {
            let examples = groups::examples(&findings);
            format!("| {} | {} | {} | {} |\n", findings.len(), cell(&examples), cell(reason), cell(&root.label()))
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let head =
        "\n<details><summary><b>Not seen</b></summary>\n\n| | for example | why | root module |\n|--:|---|---|---|\n";
    if !comment.fits_with_entry(head) {
        comment.n_cut += rows.len();
        return;
    }
    comment.must(head);
    for row in rows {
        comment.may(&row);
    }
    comment.must("\n</details>\n");
}
