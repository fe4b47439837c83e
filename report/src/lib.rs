//! Renders verdicts, for people and machines.
//!
//! **Owns** every versioned output: the documents of [`v1`], whose JSON Schemas are in `docs/schemas/`, and the formats
//! of [`format`]: terminal, JSON, Markdown, and those of forges and CI systems.
//!
//! **May not know** where findings come from, nor files, networks and clocks: it writes to the writer it is given.
//! Nothing sensitive leaves through it: every value passes [`redact`], every foreign text passes [`text`].
//!
//! **Start reading** at [`write_drift`] and [`write_check`], then one format. Most formats see nothing but the document,
//! read back: what it hides, they cannot show.
//!
//! **A good addition** is a format in one file, with a variant of [`Format`] and golden files in `tests/cases/`. A field
//! of a document is added to its schema in the same commit, and never renamed.

mod check;
pub mod format;
pub mod redact;
mod sheet;
pub mod text;
pub mod v1;

use std::io;

use drift::{IgnoreRules, Verdict};
use model::StateRef;

use sheet::Sheet;

pub use check::{CheckReport, CheckedRootReport, RevisionRef, write_check};
pub use format::{Format, FormatRow, GroupBy, Style};
pub use redact::Values;

/// A verdict, with what a reader needs to know about where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct DriftReport<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The named set of states.
    pub states: &'a [StateRef],
    /// The root module, as the user named it, where there is one.
    pub root: Option<&'a str>,
    /// The folder of the root module from the top of its repository, with `/`; empty for the top itself, and `None` where
    /// it lies in none. Places in code are told from there.
    pub directory: Option<&'a str>,
    /// The ignore rules that were given to the verdict.
    pub ignore: &'a IgnoreRules,
}

/// Writes a verdict in the chosen format.
///
/// # Errors
///
/// Those of the writer.
pub fn write_drift(report: &DriftReport<'_>, format: Format, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Terminal => format::terminal::write(report, style, out),
        Format::Json => format::json::write(&v1::drift::Document { report, values: style.values }, out),
        Format::Markdown => format::markdown::write(report, style, out),
        format => format::write_sheet(&Sheet::of_drift(report, style.values)?, format, style, out),
    }
}
