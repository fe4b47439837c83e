//! What an adoption came to, for a person: how many ended how, then what is not clean and why, then what to do next.

use std::collections::BTreeMap;
use std::io;

use drift::adopt::Certificate;

use super::{Style, table};
use crate::text::{count, escape_controls};
use crate::v1::adopt::{AdoptItem, AdoptOutcome, AdoptReport, shown};

/// Most examples of objects that are left out for one reason.
const MAX_EXAMPLES: usize = 3;

/// Writes what became of the objects; `next` are commands to be run next, in order.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &AdoptReport<'_>, next: &[String], style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let summary = report.summary();
    let n_written: u64 = summary.iter().filter(|(outcome, _)| **outcome != AdoptOutcome::Skipped).map(|(_, n)| n).sum();
    let n_all = report.items.len() as u64;
    match (n_all, n_written) {
        (0, _) => writeln!(out, "There is nothing to adopt.")?,
        (_, 0) => writeln!(out, "None of {} is adopted.", count(n_all, "unmanaged object"))?,
        _ => writeln!(out, "{n_written} of {} are adopted.", count(n_all, "unmanaged object"))?,
    }
    if n_all > 0 {
        writeln!(out)?;
        let rows: Vec<Vec<String>> = summary
            .iter()
            .filter(|(_, number)| **number > 0)
            .map(|(outcome, number)| {
                vec![outcome.as_str().to_owned(), number.to_string(), meaning(*outcome).to_owned()]
            })
            .collect();
        table::write(&["STATUS", "OBJECTS", ""], &rows, style.width.max(80), out)?;
    }
    for outcome in [AdoptOutcome::Changes, AdoptOutcome::Unverified] {
        not_clean(report, outcome, style, out)?;
    }
    left_out(report, style, out)?;
    effort(report, out)?;
    variables(report, out)?;
    for certificate in report.certificates {
        self::certificate(certificate, style, out)?;
    }
    if !report.files.is_empty() {
        let folder = report.out_dir.map(|folder| format!(" in {}", escape_controls(folder))).unwrap_or_default();
        writeln!(out, "\nWritten{folder}:")?;
        for file in report.files {
            writeln!(out, "  {}", escape_controls(file))?;
        }
    }
    if !next.is_empty() {
        writeln!(out, "\nNext:")?;
        for command in next {
            writeln!(out, "  {}", escape_controls(command))?;
        }
    }
    out.flush()
}

fn meaning(outcome: AdoptOutcome) -> &'static str {
    match outcome {
        AdoptOutcome::Clean => "the plan imports it and does nothing else",
        AdoptOutcome::Changes => "written, with what is named below",
        AdoptOutcome::Unverified => "an import block without configuration",
        AdoptOutcome::Skipped => "left out, for the reasons below",
    }
}

fn not_clean(
    report: &AdoptReport<'_>,
    outcome: AdoptOutcome,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let items: Vec<&AdoptItem<'_>> = report.items.iter().filter(|item| report.outcome(item) == outcome).collect();
    if items.is_empty() {
        return Ok(());
    }
    let title = if outcome == AdoptOutcome::Changes { "Not clean" } else { "Import blocks alone" };
    writeln!(out, "\n{title}:")?;
    if outcome == AdoptOutcome::Unverified {
        return by_reason(report, &items, style, out);
    }
    let limit = style.top.unwrap_or(usize::MAX);
    for item in items.iter().take(limit) {
        writeln!(out, "  {}", label(item))?;
        for reason in report.reasons(item) {
            wrapped(4, &reason, style, out)?;
        }
    }
    if items.len() > limit {
        writeln!(out, "  … and {} more; {}", items.len() - limit, style.see_all)?;
    }
    Ok(())
}

fn left_out(report: &AdoptReport<'_>, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let is_left_out = |item: &&AdoptItem<'_>| report.outcome(item) == AdoptOutcome::Skipped;
    let items: Vec<&AdoptItem<'_>> = report.items.iter().filter(is_left_out).collect();
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nLeft out:")?;
    by_reason(report, &items, style, out)
}

/// Writes each reason once, the most frequent first, with the objects it is about.
fn by_reason(
    report: &AdoptReport<'_>,
    items: &[&AdoptItem<'_>],
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut by_reason: BTreeMap<String, Vec<&AdoptItem<'_>>> = BTreeMap::new();
    for item in items {
        by_reason.entry(report.reasons(item).join(" ")).or_default().push(item);
    }
    let mut reasons: Vec<(String, Vec<&AdoptItem<'_>>)> = by_reason.into_iter().collect();
    reasons.sort_by_key(|(_, items)| std::cmp::Reverse(items.len()));
    let limit = style.top.unwrap_or(usize::MAX);
    for (reason, items) in reasons.iter().take(limit) {
        wrapped(2, &format!("{}: {reason}", count(items.len() as u64, "object")), style, out)?;
        let n_shown = if style.top.is_none() { items.len() } else { MAX_EXAMPLES };
        for item in items.iter().take(n_shown) {
            writeln!(out, "    {}", label(item))?;
        }
        if items.len() > n_shown {
            writeln!(out, "    … and {} more; {}", items.len() - n_shown, style.see_all)?;
        }
    }
    if reasons.len() > limit {
        writeln!(out, "  … and {}; {}", count((reasons.len() - limit) as u64, "more reason"), style.see_all)?;
    }
    Ok(())
}

fn effort(report: &AdoptReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let effort = &report.effort;
    if effort.n_searched + effort.n_resumed > 0 {
        let resumed = match effort.n_resumed {
            0 => String::new(),
            number => format!(" {number} confirmed from an interrupted run."),
        };
        writeln!(
            out,
            "\n{} searched for; probes for one: {} in the middle, {} at most.{resumed}",
            count(effort.n_searched, "configuration"),
            effort.probes_median,
            effort.probes_max
        )?;
    }
    if effort.n_left > 0 {
        writeln!(out, "\n{} left for another run.", count(effort.n_left, "object"))?;
    }
    Ok(())
}

fn variables(report: &AdoptReport<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    if report.variables.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nValues that are not written; the plans here had the real ones. Set them for yours:")?;
    for variable in report.variables {
        let mark = if variable.is_sensitive { "sensitive" } else { "not marked sensitive" };
        writeln!(
            out,
            "  TF_VAR_{}  ({mark}) {}",
            escape_controls(&variable.name),
            escape_controls(&variable.description)
        )?;
    }
    if report.variables.iter().any(|variable| !variable.is_sensitive) {
        writeln!(
            out,
            "  What the provider's schema does not call sensitive is not marked: the mark itself would be a change."
        )?;
    }
    Ok(())
}

fn certificate(certificate: &Certificate, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let program = escape_controls(&certificate.program);
    if certificate.is_clean() {
        writeln!(out, "\n{program} plans the files: it imports, and changes nothing.")?;
    } else {
        writeln!(out, "\n{program} does not plan the files clean:")?;
    }
    if let Some(failure) = &certificate.failure {
        wrapped(2, &shown(failure), style, out)?;
    }
    for (address, changes) in &certificate.changes {
        wrapped(2, &format!("{address}: {}", shown(&changes.join(", "))), style, out)?;
    }
    for (address, problem) in &certificate.problems {
        wrapped(2, &format!("{address}: {}", shown(problem)), style, out)?;
    }
    if !certificate.elsewhere.is_empty() {
        let addresses: Vec<&str> = certificate.elsewhere.iter().map(|(address, _)| address.as_str()).collect();
        let text = format!("It would change, apart from the new files: {}.", addresses.join(", "));
        wrapped(2, &text, style, out)?;
    }
    Ok(())
}

fn label(item: &AdoptItem<'_>) -> String {
    let finding = item.finding;
    let id = finding.id.as_ref().map_or("no id", model::ImportId::as_str);
    let label = match (item.to, &finding.resource_type, &finding.native_type) {
        (Some(to), _, _) => format!("{to} ({id})"),
        (None, Some(resource_type), _) => format!("{resource_type} {id}"),
        (None, None, Some(native_type)) => format!("{native_type} {id}"),
        (None, None, None) => id.to_owned(),
    };
    escape_controls(&label).into_owned()
}

/// Writes prose over as many lines as it takes.
fn wrapped(indent: usize, text: &str, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let text = escape_controls(text);
    let room = style.width.saturating_sub(indent).max(20);
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && crate::text::width(&line) + 1 + crate::text::width(word) > room {
            writeln!(out, "{}{line}", " ".repeat(indent))?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{}{line}", " ".repeat(indent))
}
