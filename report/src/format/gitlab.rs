//! GitLab: a code quality report, and the counts of a merge request's Terraform widget.

use std::io;

use model::FindingSeverity;
use serde::Serialize;

use super::Style;
use crate::sheet::{Level, Note, Sheet};
use crate::text::{HarmlessJson, count, hex, shorten};

/// Most entries of a report. GitLab names no limit; a widget of thousands is of no use.
pub const MAX_ENTRIES: usize = 5_000;
/// Most columns of a description.
const MAX_DESCRIPTION: usize = 1_000;

#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u64,
    end: u64,
}

/// Writes the code quality report: one entry for each attribute, or for each finding without any.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let notes = sheet.notes(true);
    let folders: Vec<String> = notes.iter().map(|note| note.root.folder()).collect();
    // Entries with equal fingerprints are one: the same thing seen twice is told once.
    let mut seen = std::collections::BTreeSet::new();
    let mut entries = Vec::new();
    let mut n_left_out = 0;
    for (note, folder) in notes.iter().zip(&folders) {
        let fingerprint = note.fingerprint();
        if !seen.insert(fingerprint.clone()) {
            continue;
        }
        // The last place is kept for the count of what is left out.
        if entries.len() + 1 >= MAX_ENTRIES {
            n_left_out += 1;
            continue;
        }
        entries.push(Entry {
            description: shorten(&note.message(), MAX_DESCRIPTION).into_owned(),
            check_name: format!("driftmgr/{}", note.rule()),
            fingerprint,
            severity: severity(note),
            location: match &note.place {
                Some(place) => Location { path: &place.path, lines: Lines { begin: place.line, end: place.end_line } },
                None => Location { path: folder, lines: Lines { begin: 1, end: 1 } },
            },
        });
    }
    for root in &sheet.roots {
        if let Some(error) = &root.error {
            let text = format!("{} could not be judged: {}", root.label(), crate::text::escape_controls(error));
            let key = format!("error of {}", root.key());
            entries.push(plain(&shorten(&text, MAX_DESCRIPTION), "driftmgr/error", &key, "critical"));
        }
    }
    if n_left_out > 0 {
        let text = format!("{} left out: a report has {MAX_ENTRIES} at most.", count(n_left_out, "finding"));
        entries.push(plain(&text, "driftmgr/left-out", "left out", "info"));
    }
    serde_json::to_writer_pretty(HarmlessJson::new(out), &entries)?;
    out.write_all(b"\n")
}

fn plain(text: &str, check_name: &str, key: &str, severity: &'static str) -> Entry<'static> {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(key);
    Entry {
        description: text.to_owned(),
        check_name: check_name.to_owned(),
        fingerprint: hex(&digest[..16]),
        severity,
        location: Location { path: ".", lines: Lines { begin: 1, end: 1 } },
    }
}

/// Gives GitLab's word: what fails is never less than major.
fn severity(note: &Note<'_>) -> &'static str {
    match (note.level, note.severity) {
        (Level::Error, FindingSeverity::High) => "critical",
        (Level::Error, _) => "major",
        (_, FindingSeverity::High) => "major",
        (_, FindingSeverity::Medium | FindingSeverity::Low) => "minor",
        (_, FindingSeverity::Info) => "info",
    }
}

/// Writes the counts of the Terraform widget. Whoever sees the project sees them: there is nothing but counts.
///
/// For a check they count what the change creates, updates and deletes; else what the next apply would do about what
/// was found.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write_counts(sheet: &Sheet, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    #[derive(Default, Serialize)]
    struct Counts {
        create: u64,
        update: u64,
        delete: u64,
    }
    let mut counts = Counts::default();
    for root in &sheet.roots {
        for touch in root.change.iter().flat_map(|change| &change.touches) {
            match touch.how.as_str() {
                "creates" => counts.create += 1,
                "updates" => counts.update += 1,
                "destroys" => counts.delete += 1,
                "replaces" => {
                    counts.create += 1;
                    counts.delete += 1;
                }
                _ => {}
            }
        }
    }
    for root in sheet.roots.iter().filter(|root| root.change.is_none()) {
        for note in root.notes(false) {
            match note.finding.kind() {
                Some(model::Kind::Missing) => counts.create += 1,
                Some(model::Kind::Orphan | model::Kind::PendingDestroy) => counts.delete += 1,
                Some(model::Kind::Changed | model::Kind::Collision | model::Kind::Pending) => counts.update += 1,
                _ => {}
            }
        }
    }
    serde_json::to_writer(&mut *out, &counts)?;
    out.write_all(b"\n")
}
