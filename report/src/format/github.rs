//! GitHub: annotations, as the commands that a workflow reads from a step's output.
//!
//! A step keeps [`MAX_ANNOTATIONS`] errors and as many warnings; what is beyond is counted in one notice.

use std::io;

use super::Style;
use crate::sheet::{Level, Note, Sheet};
use crate::text::{count, escape_controls};

/// How many errors, and how many warnings, a step keeps.
pub const MAX_ANNOTATIONS: usize = 10;
/// Most characters of a title; GitHub keeps 255.
const MAX_TITLE: usize = 255;
/// Most characters of a message; GitHub keeps 64 KB.
const MAX_MESSAGE: usize = 4_000;

/// Writes the commands.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut n_left_out = 0;
    let problems = sheet.roots.iter().filter_map(|root| Some((root, root.error.as_ref()?)));
    let mut n_errors = 0;
    for (root, error) in problems {
        if n_errors == MAX_ANNOTATIONS {
            n_left_out += 1;
            continue;
        }
        n_errors += 1;
        let title = cut(&format!("{} could not be judged", root.label()), MAX_TITLE);
        let message = cut(&escape_controls(error), MAX_MESSAGE);
        writeln!(out, "::error title={}::{}", property(&title), data(&message))?;
    }
    let notes = sheet.notes(false);
    for (level, command, n_taken) in [(Level::Error, "error", n_errors), (Level::Warning, "warning", 0)] {
        let mut notes: Vec<&Note<'_>> = notes.iter().filter(|note| note.level == level).collect();
        // Only what has a line is seen beside the code.
        notes.sort_by_key(|note| note.place.is_none());
        let n_kept = notes.len().min(MAX_ANNOTATIONS - n_taken);
        for note in &notes[..n_kept] {
            annotation(command, note, out)?;
        }
        n_left_out += notes.len() - n_kept;
    }
    if n_left_out > 0 {
        let verb = if n_left_out == 1 { "is" } else { "are" };
        writeln!(
            out,
            "::notice title=driftmgr::{} {verb} not annotated: a step keeps {MAX_ANNOTATIONS} errors and \
             {MAX_ANNOTATIONS} warnings. The summary of the step and the other formats have more.",
            count(n_left_out as u64, "finding")
        )?;
    }
    out.flush()
}

fn annotation(command: &str, note: &Note<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    write!(out, "::{command} ")?;
    if let Some(place) = &note.place {
        write!(out, "file={},line={},endLine={}", property(&place.path), place.line, place.end_line)?;
        if place.line == place.end_line {
            write!(out, ",col={},endColumn={}", place.column, place.end_column)?;
        }
        write!(out, ",")?;
    }
    let message = cut(&note.message(), MAX_MESSAGE);
    writeln!(out, "title={}::{}", property(&cut(&note.title(), MAX_TITLE)), data(&message))
}

fn cut(text: &str, n_chars: usize) -> String {
    match text.char_indices().nth(n_chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(n_chars - 1).chain(['…']).collect(),
    }
}

/// Escapes what a command carries after its second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property of a command.
fn property(text: &str) -> String {
    data(&escape_controls(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn commands_cannot_be_left() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
        assert_eq!(property("a\nb"), "a\\nb");
    }
}
