//! Remedies for a person: what may be done about each finding, then what that changes in the code; or the patch alone.

use std::io;

use model::RemedyStatus;

use super::Style;
use crate::Values;
use crate::text::{count, escape_controls};
use crate::v1::remedies::{RemediesReport, RemedyItem, harmless};

/// Writes remedies.
///
/// # Errors
///
/// Those of the writer.
pub fn write(report: &RemediesReport<'_>, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let n = |status: RemedyStatus| report.items.iter().filter(|item| item.status == status).count();
    let findings = count(report.n_findings as u64, "finding");
    writeln!(
        out,
        "{findings}. Remedies: {} proved, {} offered, {} refused.",
        n(RemedyStatus::Proved),
        n(RemedyStatus::Offered),
        n(RemedyStatus::Refused)
    )?;
    let mut last = None;
    for item in report.items {
        let subject = item.finding.address.as_ref().map(ToString::to_string).unwrap_or_default();
        if last.as_ref() != Some(&(subject.clone(), item.finding.kind)) {
            writeln!(out, "\n{} ({})", escape_controls(&subject), item.finding.kind)?;
            last = Some((subject, item.finding.kind));
        }
        write_item(item, out)?;
    }
    for file in report.files {
        let what = if file.is_new { "new file, " } else { "" };
        let fate = match (file.is_written, file.problem) {
            (Some(true), _) => "written".to_owned(),
            (_, Some(problem)) => format!("not written: {}", escape_controls(problem)),
            (None | Some(false), None) => "not written, --write does that".to_owned(),
        };
        writeln!(out, "\n{} ({what}{fate})", escape_controls(file.name))?;
        match file.shown(style.values) {
            Ok(diff) => {
                for line in diff.lines() {
                    writeln!(out, "{}", escape_controls(line))?;
                }
            }
            Err(reason) => writeln!(out, "  What changes is not shown. {reason}")?,
        }
    }
    out.flush()
}

fn write_item(item: &RemedyItem<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let path = item.path().map(|path| format!(" {path}")).unwrap_or_default();
    let line = format!("  {}{path}: {}. {}", item.remedy.kind(), item.status, harmless(item.detail));
    writeln!(out, "{}", escape_controls(&line))?;
    if item.path().is_some() {
        for place in item.places {
            let line = format!("    at {}:{}", place.file, place.start.line);
            writeln!(out, "{}", escape_controls(&line))?;
        }
    }
    if let Some(command) = item.command {
        writeln!(out, "    $ {}", escape_controls(harmless(command)))?;
    }
    // What is written into a file is shown with that.
    if let (Some(text), None) = (item.text, item.file) {
        for line in harmless(text).lines() {
            writeln!(out, "    {}", escape_controls(line))?;
        }
    }
    Ok(())
}

/// Writes what changes in the code, as one patch that `git apply` takes in the folder of the root module.
///
/// Gives the names of the files whose changes are not shown, each with why.
///
/// # Errors
///
/// Those of the writer.
pub fn write_patch<'a>(
    report: &RemediesReport<'a>,
    values: Values,
    out: &mut dyn io::Write,
) -> io::Result<Vec<(&'a str, &'a str)>> {
    let mut left_out = Vec::new();
    for file in report.files {
        match file.shown(values) {
            Ok(diff) => out.write_all(diff.as_bytes())?,
            Err(reason) => left_out.push((file.name, reason)),
        }
    }
    out.flush()?;
    Ok(left_out)
}
