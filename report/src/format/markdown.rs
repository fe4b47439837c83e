//! Markdown: one comment on a pull request, within the size that forges accept.
//!
//! Everything that came from a cloud, a state or code is escaped: it can neither format, link, mention nor close what is
//! around it. What does not fit is counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use drift::Question;
use model::{Finding, Kind, ScopeStatus, Tier};

use super::{
    Section, Style, configurations, headline, lists, noise, path, place, sections, side, subject, title, word,
};
use crate::DriftReport;
use crate::text::{count, escape_controls, escape_markdown, fence_for, shorten};

/// The most characters a comment has by default; GitHub refuses more than 65,536.
pub const BUDGET: usize = 60_000;
/// The most bytes a comment has by default: forges that count bytes refused some over 200,000.
pub const BUDGET_BYTES: usize = 200_000;
/// Kept free for closing what is open and counting what was cut.
const RESERVE: usize = 400;
/// Most columns of one value.
const MAX_VALUE: usize = 160;
/// Most provider configurations that are listed.
const MAX_CONFIGURATIONS: usize = 10;
/// Most characters of one table cell.
const MAX_CELL: usize = 300;

/// Writes a verdict.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &DriftReport<'_>, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut comment = Comment::new(style);
    comment.must(&head(report, style));
    if report.verdict.summary.by_kind.is_empty() && report.verdict.diagnostics.is_empty() {
        return out.write_all(comment.text.as_bytes());
    }
    for diagnostic in &report.verdict.diagnostics {
        let text = cell(&format!("{}: {}", diagnostic.summary, diagnostic.detail));
        comment.may(&format!("> {}\n\n", text));
    }
    let sections = sections(&report.verdict.findings, style);
    for section in &sections {
        write_section(&mut comment, section, style);
    }
    write_not_seen(&mut comment, report);
    if comment.n_cut > 0 {
        let number = comment.n_cut;
        comment.must(&format!("\n**{number} entries did not fit here**; the JSON report has them all.\n"));
    }
    out.write_all(comment.text.as_bytes())
}

/// Text that never grows over its budget, save for what must be there.
pub(super) struct Comment {
    pub(super) text: String,
    n_chars: usize,
    budget: usize,
    budget_bytes: usize,
    pub(super) n_cut: usize,
}

impl Comment {
    pub(super) fn new(style: &Style) -> Self {
        Self { text: String::new(), n_chars: 0, budget: style.budget, budget_bytes: style.budget_bytes, n_cut: 0 }
    }

    pub(super) fn must(&mut self, text: &str) {
        self.text.push_str(text);
        self.n_chars += text.chars().count();
    }

    /// Takes the text where it fits, and counts it as cut where it does not.
    pub(super) fn may(&mut self, text: &str) -> bool {
        let fits = self.fits(text);
        if fits {
            self.must(text);
        } else {
            self.n_cut += 1;
        }
        fits
    }

    /// Tells whether the text fits, and what closes everything behind it.
    pub(super) fn fits(&self, text: &str) -> bool {
        self.n_chars + text.chars().count() + RESERVE <= self.budget
            && self.text.len() + text.len() + RESERVE <= self.budget_bytes
    }

    /// Tells whether the text fits, and a first entry behind it.
    pub(super) fn fits_with_entry(&self, text: &str) -> bool {
        self.n_chars + text.chars().count() + 200 + RESERVE <= self.budget
            && self.text.len() + text.len() + 200 + RESERVE <= self.budget_bytes
    }
}

fn head(report: &DriftReport<'_>, style: &Style) -> String {
    let verdict = report.verdict;
    let summary = &verdict.summary;
    let mut text = marker("drift", style);
    let headline = headline(verdict);
    let root = report.root.map(|root| format!(" in {}", cell(root))).unwrap_or_default();
    let _ = writeln!(text, "### driftmgr: {headline}{root}\n");
    let mut facts = Vec::new();
    if verdict.question != Question::Unmanaged {
        facts.push(format!("Checked {} of {}", summary.n_checked, count(summary.n_instances, "instance")));
    }
    facts.push(match verdict.as_of {
        Some(as_of) => format!("as of {as_of:.0}"),
        None => "without any scan".to_owned(),
    });
    facts.push(match report.states {
        [] => "against no state".to_owned(),
        [state] => format!("against {}", cell(&state.url)),
        states => format!("against {} states", states.len()),
    });
    let _ = writeln!(text, "{}\n", facts.join(" · "));
    if verdict.question != Question::Unmanaged {
        let rows = configurations(&verdict.coverage);
        for row in rows.iter().take(MAX_CONFIGURATIONS) {
            let _ = writeln!(text, "- {}", cell(row));
        }
        let noise = noise(verdict);
        if let Some(noise) = &noise {
            let _ = writeln!(text, "- {}", cell(noise));
        }
        if !rows.is_empty() || noise.is_some() {
            text.push('\n');
        }
    }
    if let Some(lists) = lists(&verdict.coverage) {
        let _ = writeln!(text, "- {}\n", cell(&lists));
    }
    if !summary.kinds().is_empty() {
        text.push_str("| | shown | fail | ignored | folded |\n|---|--:|--:|--:|--:|\n");
        let failing =
            |kind: Kind| verdict.findings.iter().filter(|finding| finding.kind == kind && finding.fails).count();
        for kind in summary.kinds() {
            let of = |counts: &drift::summary::KindCounts| counts.get(&kind).copied().unwrap_or_default();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                word(kind),
                of(&summary.by_kind),
                failing(kind),
                of(&summary.ignored),
                of(&summary.folded)
            );
        }
        text.push('\n');
    }
    text
}

fn write_section(comment: &mut Comment, section: &Section<'_>, style: &Style) {
    let is_open = section.groups.iter().any(|(_, findings)| findings.iter().any(|finding| finding.fails));
    let open = if is_open { " open" } else { "" };
    let head = format!("<details{open}><summary><b>{}</b> ({})</summary>\n\n", title(section.kind), section.n_findings);
    if !comment.fits_with_entry(&head) {
        comment.n_cut += section.n_findings;
        return;
    }
    comment.must(&head);
    for (group, findings) in &section.groups {
        let n_before = comment.n_cut;
        let heading = format!("**{}** ({})\n\n", cell(group), findings.len());
        if !comment.fits_with_entry(&heading) {
            comment.n_cut += findings.len();
            continue;
        }
        comment.must(&heading);
        match section.kind {
            Kind::Changed | Kind::Collision | Kind::Stale => write_differences(comment, findings, style),
            _ => write_rows(comment, findings),
        }
        let n_cut = comment.n_cut - n_before;
        if n_cut > 0 && comment.fits("") {
            comment.must(&format!("{n_cut} more are not shown.\n\n"));
        }
    }
    comment.must("</details>\n\n");
}

fn write_rows(comment: &mut Comment, findings: &[&Finding]) {
    comment.must("| | id | where | why |\n|---|---|---|---|\n");
    for finding in findings {
        let subject_and_id = match &finding.address {
            Some(_) => (subject(finding), finding.id.as_ref().map(|id| id.as_str().to_owned())),
            None => (finding.name.clone().unwrap_or_default(), Some(subject(finding))),
        };
        let row = format!(
            "| {} | {} | {} | {} |\n",
            cell(&subject_and_id.0),
            cell(&subject_and_id.1.unwrap_or_default()),
            cell(&place(finding)),
            cell(&finding.reason)
        );
        comment.may(&row);
    }
    comment.must("\n");
}

fn write_differences(comment: &mut Comment, findings: &[&Finding], style: &Style) {
    for finding in findings {
        let mut lines = String::new();
        for difference in &finding.attributes {
            let path = path(difference);
            if style.values == crate::Values::None {
                let _ = writeln!(lines, "! {path}  # {}", difference.tier);
                continue;
            }
            let source = difference.source.as_ref().or(finding.source.as_ref());
            if let Some(source) = source.filter(|_| difference.tier == Tier::Declared) {
                let _ = writeln!(lines, "@@ {}:{} @@", escape_controls(&source.file), source.start.line);
            }
            let is_said = matches!(difference.kind, Kind::Collision | Kind::Pending | Kind::Stale);
            let code = difference.code.as_ref().filter(|_| is_said);
            let sides = [
                ('-', "state", difference.state.as_ref()),
                ('+', "cloud", difference.cloud.as_ref()),
                ('!', "code", code),
            ];
            for (mark, name, value) in sides {
                if value.is_some() {
                    let value = side(difference, value, style.values, MAX_VALUE);
                    let _ = writeln!(lines, "{mark} {path} = {value}  # {name}, {}", difference.tier);
                }
            }
        }
        let fence = fence_for(&lines);
        let id = finding.id.as_ref().map_or("", |id| id.as_str());
        let fails = if finding.fails { " · **fails**" } else { "" };
        let id = if id.is_empty() { String::new() } else { format!(" · {}", cell(id)) };
        let remedies = super::remedies(finding);
        let what_to_do =
            if remedies.is_empty() { String::new() } else { format!("What to do: {}.\n\n", remedies.join(", or ")) };
        let block =
            format!("**{}**{id}{fails}\n\n{fence}diff\n{lines}{fence}\n\n{what_to_do}", cell(&subject(finding)));
        comment.may(&block);
    }
}

fn write_not_seen(comment: &mut Comment, report: &DriftReport<'_>) {
    let verdict = report.verdict;
    let mut by_cause: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &verdict.findings {
        if finding.kind == Kind::Undetermined && finding.ignored.is_none() {
            by_cause.entry(&finding.reason).or_default().push(finding);
        }
    }
    let unseen: Vec<_> =
        verdict.coverage.scopes.iter().filter(|outcome| outcome.status != ScopeStatus::Complete).collect();
    if by_cause.is_empty() && unseen.is_empty() {
        return;
    }
    let n_undetermined: usize = by_cause.values().map(Vec::len).sum();
    let head = format!("<details><summary><b>Not seen</b> ({n_undetermined} undetermined)</summary>\n\n");
    if !comment.fits_with_entry(&head) {
        comment.n_cut += by_cause.len() + unseen.len();
        return;
    }
    comment.must(&head);
    if !by_cause.is_empty() {
        comment.must("| | for example | why |\n|--:|---|---|\n");
        let mut causes: Vec<_> = by_cause.into_iter().collect();
        causes.sort_by_key(|(_, findings)| std::cmp::Reverse(findings.len()));
        for (reason, findings) in causes {
            comment.may(&format!("| {} | {} | {} |\n", findings.len(), cell(&subject(findings[0])), cell(reason)));
        }
        comment.must("\n");
    }
    for outcome in unseen {
        let cause = outcome.causes.iter().min().map_or("no cause is known", |cause| cause.detail.as_str());
        comment.may(&format!("- {}: {}\n", cell(&outcome.scope.to_string()), cell(cause)));
    }
    comment.must("\n</details>\n");
}

/// Writes the hidden line by which the next run finds this comment.
pub(super) fn marker(what: &str, style: &Style) -> String {
    // A comment ends at `--`: the marker may hold letters, digits and single separators only.
    let marker: String =
        style.marker.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '.' }).take(100).collect();
    format!("<!-- driftmgr:{what}:{marker} -->\n")
}

/// Makes text harmless, also within a table cell, and not too long.
pub(super) fn cell(text: &str) -> String {
    escape_markdown(&shorten(text, MAX_CELL))
}
