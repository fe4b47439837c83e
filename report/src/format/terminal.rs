//! The terminal: what fails first, grouped, cut where there is too much, and then what was not seen.

use std::collections::BTreeMap;
use std::io;

use drift::Question;
use drift::ignore::RuleOrigin;
use model::{Cause, Finding, Kind, ListStatus, ScopeStatus};

use super::{
    Section, Style, configurations, headline, lists, noise, path, place, remedies, sections, side, subject, title, word,
};
use crate::DriftReport;
use crate::text::{count, escape_controls, shorten, width};

/// Most differences shown of one finding.
const MAX_DIFFERENCES: usize = 8;
/// Most examples of instances that one cause hides.
const MAX_EXAMPLES: usize = 3;

/// Writes a verdict.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &DriftReport<'_>, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { style, out };
    page.head(report)?;
    for section in sections(&report.verdict.findings, style) {
        page.section(&section)?;
    }
    page.not_seen(report)?;
    page.put_aside(report)?;
    page.out.flush()
}

struct Page<'a> {
    style: &'a Style,
    out: &'a mut dyn io::Write,
}

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Red,
    Yellow,
    Green,
    Dim,
}

impl Page<'_> {
    fn head(&mut self, report: &DriftReport<'_>) -> io::Result<()> {
        let verdict = report.verdict;
        let summary = &verdict.summary;
        let paint = match (summary.n_failing, verdict.is_complete) {
            (0, true) => Paint::Green,
            (0, false) => Paint::Yellow,
            _ => Paint::Red,
        };
        let headline = headline(verdict) + ".";
        let counts: Vec<String> =
            summary.by_kind.iter().map(|(kind, number)| format!("{number} {}", word(*kind))).collect();
        let headline = self.paint(paint, &headline);
        let separator = if counts.is_empty() { "" } else { "  " };
        writeln!(self.out, "{headline}{separator}{}", counts.join(", "))?;
        let mut facts = Vec::new();
        if verdict.question != Question::Unmanaged {
            let mut checked = format!("Checked {} of {}", summary.n_checked, count(summary.n_instances, "instance"));
            if verdict.coverage.n_state_only > 0 {
                checked.push_str(
                    &[" (", &verdict.coverage.n_state_only.to_string(), " exist in the state only)"].concat(),
                );
            }
            facts.push(checked);
        }
        facts.push(match report.states {
            [] => "Compared with no state".to_owned(),
            [state] => format!("Compared with {}", escape_controls(&state.url)),
            states => format!("Compared with {} states", states.len()),
        });
        facts.push(match verdict.as_of {
            Some(as_of) => format!("As of {as_of:.0}"),
            None => "Nothing was scanned".to_owned(),
        });
        let facts = facts.join(". ") + ".";
        let facts = self.paint(Paint::Dim, &facts);
        writeln!(self.out, "{facts}")?;
        if let Some(lists) = lists(&verdict.coverage) {
            self.wrapped(2, Paint::Dim, &lists)?;
        }
        if verdict.question == Question::Unmanaged {
            return Ok(());
        }
        let rows = configurations(&verdict.coverage);
        let limit = self.style.top.unwrap_or(usize::MAX);
        for row in rows.iter().take(limit) {
            self.wrapped(2, Paint::Dim, row)?;
        }
        if rows.len() > limit {
            self.cut(2, &format!("… {}", count((rows.len() - limit) as u64, "more provider configuration")))?;
        }
        Ok(())
    }

    fn section(&mut self, section: &Section<'_>) -> io::Result<()> {
        let heading = format!("{} ({})", title(section.kind), section.n_findings);
        let heading = self.paint(Paint::Bold, &heading);
        writeln!(self.out, "\n{heading}")?;
        let usual = usual_reason(section);
        if let Some(reason) = usual {
            self.wrapped(2, Paint::Dim, reason)?;
        }
        let n_groups = self.style.top.unwrap_or(usize::MAX);
        for (group, findings) in section.groups.iter().take(n_groups) {
            self.group(group, findings, usual)?;
        }
        let cut = section.groups.get(n_groups..).unwrap_or_default();
        if !cut.is_empty() {
            let n_findings: usize = cut.iter().map(|(_, findings)| findings.len()).sum();
            let text =
                format!("… {} with {}", count(cut.len() as u64, "more group"), count(n_findings as u64, "finding"));
            self.cut(2, &text)?;
        }
        let mut what_to_do: Vec<&str> = Vec::new();
        for finding in section.groups.iter().flat_map(|(_, findings)| findings) {
            for remedy in remedies(finding) {
                if !what_to_do.contains(&remedy) {
                    what_to_do.push(remedy);
                }
            }
        }
        if !what_to_do.is_empty() {
            self.wrapped(2, Paint::Dim, &format!("What to do: {}.", what_to_do.join(", or ")))?;
        }
        Ok(())
    }

    fn group(&mut self, group: &str, findings: &[&Finding], usual: Option<&str>) -> io::Result<()> {
        writeln!(self.out, "  {} ({})", escape_controls(group), findings.len())?;
        let mut shown: Vec<&Finding> = findings.to_vec();
        shown.sort_by_key(|finding| (!finding.fails, std::cmp::Reverse(finding.severity)));
        let n_shown = self.style.top.unwrap_or(usize::MAX);
        shown.truncate(n_shown);
        let subjects: Vec<String> =
            shown.iter().map(|finding| escape_controls(&subject(finding)).into_owned()).collect();
        let columns = subjects.iter().map(|subject| width(subject)).max().unwrap_or_default().min(self.style.width / 2);
        for (finding, subject) in shown.iter().zip(&subjects) {
            let mut facts = Vec::new();
            if finding.address.is_some() {
                facts.extend(finding.id.as_ref().map(|id| id.as_str().to_owned()));
            } else {
                facts.extend(finding.name.clone().filter(|name| !subject.ends_with(name.as_str())));
            }
            facts.push(place(finding));
            facts.retain(|fact| !fact.is_empty());
            let facts = facts.join("  ");
            let facts = escape_controls(&facts);
            let mark = if finding.fails { self.paint(Paint::Red, "!") } else { "-".to_owned() };
            if facts.is_empty() {
                writeln!(self.out, "    {mark} {subject}")?;
            } else if 8 + columns.max(width(subject)) + width(&facts) <= self.style.width {
                let gap = " ".repeat(columns.saturating_sub(width(subject)));
                let facts = self.paint(Paint::Dim, &facts);
                writeln!(self.out, "    {mark} {subject}{gap}  {facts}")?;
            } else {
                let facts = self.paint(Paint::Dim, &shorten(&facts, self.style.width.saturating_sub(8).max(20)));
                writeln!(self.out, "    {mark} {subject}\n        {facts}")?;
            }
            if let Some(source) = &finding.source {
                writeln!(self.out, "        {}:{}", escape_controls(&source.file), source.start.line)?;
            }
            if finding.kind != Kind::Changed && usual != Some(finding.reason.as_str()) {
                self.wrapped(8, Paint::Dim, &finding.reason)?;
            }
            self.differences(finding)?;
        }
        if findings.len() > n_shown {
            self.cut(4, &format!("… {} more", findings.len() - n_shown))?;
        }
        Ok(())
    }

    fn differences(&mut self, finding: &Finding) -> io::Result<()> {
        let limit = self.style.top.map_or(usize::MAX, |_| MAX_DIFFERENCES);
        let columns = (self.style.width / 3).max(16);
        for difference in finding.attributes.iter().take(limit) {
            let tier = self.paint(Paint::Dim, &format!("({})", difference.tier));
            let path = path(difference);
            let values = self.style.values;
            if values == crate::Values::None {
                writeln!(self.out, "        ~ {path}  {tier}")?;
                continue;
            }
            let state = side(difference, difference.state.as_ref(), values, columns);
            let cloud = side(difference, difference.cloud.as_ref(), values, columns);
            // Where the code says something else than either, or what one of them says, that is the point.
            let code = match (&difference.code, difference.kind) {
                (Some(code), Kind::Collision | Kind::Pending | Kind::Stale) => {
                    format!(", code {}", side(difference, Some(code), values, columns))
                }
                _ => String::new(),
            };
            writeln!(self.out, "        ~ {path}: {state} -> {cloud}{code}  {tier}")?;
        }
        let n_cut = finding.attributes.len().saturating_sub(limit);
        if n_cut > 0 {
            self.cut(8, &format!("… {}", count(n_cut as u64, "more difference")))?;
        }
        Ok(())
    }

    fn not_seen(&mut self, report: &DriftReport<'_>) -> io::Result<()> {
        let verdict = report.verdict;
        let mut by_kind: BTreeMap<&str, BTreeMap<&str, Vec<&Finding>>> = BTreeMap::new();
        for finding in verdict.findings.iter().filter(|finding| finding.kind == Kind::Undetermined) {
            if finding.ignored.is_none() {
                let kind = finding.cause.as_ref().map_or("unknown", |cause| cause.kind.as_str());
                by_kind.entry(kind).or_default().entry(&finding.reason).or_default().push(finding);
            }
        }
        let unseen: Vec<_> =
            verdict.coverage.scopes.iter().filter(|outcome| outcome.status != ScopeStatus::Complete).collect();
        let unlisted: Vec<_> =
            verdict.coverage.lists.iter().filter(|outcome| outcome.status != ListStatus::Listed).collect();
        if by_kind.is_empty() && unseen.is_empty() && unlisted.is_empty() {
            return Ok(());
        }
        let n_of = |reasons: &BTreeMap<&str, Vec<&Finding>>| reasons.values().map(Vec::len).sum::<usize>();
        let n_undetermined: usize = by_kind.values().map(n_of).sum();
        let heading = self.paint(Paint::Bold, &format!("Not seen ({n_undetermined} undetermined)"));
        writeln!(self.out, "\n{heading}")?;
        let limit = self.style.top.unwrap_or(usize::MAX);
        let mut kinds: Vec<_> = by_kind.into_iter().collect();
        kinds.sort_by_key(|(_, reasons)| std::cmp::Reverse(n_of(reasons)));
        for (kind, reasons) in kinds {
            writeln!(self.out, "  {} ({})", kind.replace('_', " "), n_of(&reasons))?;
            let mut reasons: Vec<_> = reasons.into_iter().collect();
            reasons.sort_by_key(|(_, findings)| std::cmp::Reverse(findings.len()));
            for (reason, findings) in reasons.iter().take(limit) {
                self.wrapped(4, Paint::Dim, reason)?;
                let examples: Vec<String> = findings
                    .iter()
                    .take(MAX_EXAMPLES)
                    .map(|finding| escape_controls(&subject(finding)).into_owned())
                    .collect();
                let n_others = findings.len().saturating_sub(MAX_EXAMPLES);
                let others = if n_others > 0 { format!(" and {n_others} more") } else { String::new() };
                self.wrapped(6, Paint::Yellow, &format!("{}{others}", examples.join(", ")))?;
            }
            if reasons.len() > limit {
                let n_cut: usize = reasons[limit..].iter().map(|(_, findings)| findings.len()).sum();
                let others = count((reasons.len() - limit) as u64, "more reason");
                self.cut(4, &format!("… {others} for {}", count(n_cut as u64, "instance")))?;
            }
        }
        if !unseen.is_empty() {
            let n_scopes = verdict.coverage.scopes.len();
            writeln!(self.out, "  {} of {} were not seen completely", unseen.len(), count(n_scopes as u64, "scope"))?;
            for outcome in unseen.iter().take(limit) {
                let cause = outcome.causes.iter().min().map(|cause: &Cause| cause.detail.as_str());
                let text = format!("{}: {}", outcome.scope, cause.unwrap_or("no cause is known"));
                self.wrapped(4, Paint::Dim, &text)?;
            }
            if unseen.len() > limit {
                self.cut(4, &format!("… {} more", unseen.len() - limit))?;
            }
        }
        if !unlisted.is_empty() {
            let n_lists = verdict.coverage.lists.len() as u64;
            writeln!(self.out, "  {} of {} did not end well", unlisted.len(), count(n_lists, "provider list"))?;
            for outcome in unlisted.iter().take(limit) {
                let cause = outcome.causes.iter().min().map(|cause: &Cause| cause.detail.as_str());
                let status = outcome.status.as_str().replace('_', " ");
                let text = format!("{} ({status}): {}", outcome.resource_type, cause.unwrap_or("no cause is known"));
                self.wrapped(4, Paint::Dim, &text)?;
            }
            if unlisted.len() > limit {
                self.cut(4, &format!("… {} more", unlisted.len() - limit))?;
            }
        }
        Ok(())
    }

    fn put_aside(&mut self, report: &DriftReport<'_>) -> io::Result<()> {
        let verdict = report.verdict;
        let is_noise = |kind: Kind| kind == Kind::Changed;
        let folded = verdict.summary.folded.iter().filter(|(kind, _)| !is_noise(**kind));
        let n_folded: u64 = folded.map(|(_, number)| number).sum();
        let noise = noise(verdict);
        let n_ignored: u64 = verdict.summary.ignored.values().sum();
        if n_folded + n_ignored > 0 || noise.is_some() {
            writeln!(self.out)?;
        }
        if let Some(noise) = noise {
            let see = if self.style.see_tiers.is_empty() { "" } else { "; " };
            self.wrapped(0, Paint::Dim, &format!("{noise}{see}{}", self.style.see_tiers))?;
        }
        if n_folded > 0 {
            let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
            let is_listed = |finding: &&Finding| finding.ignored.is_none() && !is_noise(finding.kind);
            for finding in verdict.findings.iter().filter(is_listed) {
                if let Some(reason) = &finding.folded {
                    *reasons.entry(reason).or_default() += 1;
                }
            }
            writeln!(self.out, "Folded away ({n_folded})")?;
            self.reasons(reasons)?;
        }
        if n_ignored > 0 {
            writeln!(self.out, "Ignored ({n_ignored}){}", ignored_by(report))?;
            let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
            for reason in verdict.findings.iter().filter_map(|finding| finding.ignored.as_deref()) {
                *reasons.entry(reason).or_default() += 1;
            }
            self.reasons(reasons)?;
        }
        Ok(())
    }

    /// Writes reasons, each with how many findings it put aside.
    fn reasons(&mut self, reasons: BTreeMap<&str, u64>) -> io::Result<()> {
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
        let limit = self.style.top.unwrap_or(usize::MAX);
        for (reason, number) in reasons.iter().take(limit) {
            self.wrapped(2, Paint::Dim, &format!("{number}: {reason}"))?;
        }
        if reasons.len() > limit {
            self.cut(2, &format!("… {}", count((reasons.len() - limit) as u64, "more reason")))?;
        }
        Ok(())
    }

    fn cut(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let text =
            if self.style.see_all.is_empty() { text.to_owned() } else { format!("{text}; {}", self.style.see_all) };
        let text = self.paint(Paint::Yellow, &text);
        writeln!(self.out, "{}{text}", " ".repeat(indent))
    }

    /// Writes text in lines that fit.
    fn wrapped(&mut self, indent: usize, paint: Paint, text: &str) -> io::Result<()> {
        let text = escape_controls(text);
        let room = self.style.width.saturating_sub(indent).max(20);
        let mut line = String::new();
        let mut words = text.split(' ').peekable();
        while let Some(word) = words.next() {
            line.push_str(word);
            let fits = words.peek().is_some_and(|next| width(&line) + 1 + width(next) <= room);
            if fits {
                line.push(' ');
            } else {
                let painted = self.paint(paint, &line);
                writeln!(self.out, "{}{painted}", " ".repeat(indent))?;
                line.clear();
            }
        }
        Ok(())
    }

    fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.style.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => "1",
            Paint::Red => "1;31",
            Paint::Yellow => "33",
            Paint::Green => "1;32",
            Paint::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Gives the reason that most findings of a section have, where there are several of them; it is said once.
fn usual_reason<'a>(section: &Section<'a>) -> Option<&'a str> {
    if section.kind == Kind::Changed {
        return None;
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in section.groups.iter().flat_map(|(_, findings)| findings) {
        *reasons.entry(&finding.reason).or_default() += 1;
    }
    let (reason, n_findings) = reasons.into_iter().max_by_key(|(_, n_findings)| *n_findings)?;
    (n_findings > 1 || section.n_findings == 1).then_some(reason)
}

/// Says what the ignored findings and differences were ignored by.
fn ignored_by(report: &DriftReport<'_>) -> String {
    let (mut used, mut n_unused) = ([0u64; 3], 0u64);
    for (rule, uses) in report.ignore.rules().iter().zip(&report.verdict.rule_uses) {
        match (&rule.origin, uses) {
            (_, 0) => n_unused += 1,
            (RuleOrigin::File, _) => used[0] += 1,
            (RuleOrigin::Comment(_), _) => used[1] += 1,
            (RuleOrigin::Baseline(_), _) => used[2] += 1,
        }
    }
    let words = [
        ("rule of the ignore file", "rules of the ignore file"),
        ("comment in the code", "comments in the code"),
        ("entry of the baseline", "entries of the baseline"),
    ];
    let said = used.iter().zip(words).filter(|(number, _)| **number > 0);
    let mut said: Vec<String> =
        said.map(|(number, (one, many))| format!("{number} {}", if *number == 1 { one } else { many })).collect();
    // What the store kept does not say by what.
    let Some(last) = said.pop() else { return String::new() };
    let others = if said.is_empty() { String::new() } else { format!("{} and ", said.join(", ")) };
    let unused = if n_unused > 0 { format!("; {n_unused} more took nothing") } else { String::new() };
    format!(", by {others}{last}{unused}")
}
