//! A check of a change, over several root modules.

use std::io;

use drift::change::RootChange;
use jiff::Timestamp;
use model::Diagnostic;

use crate::sheet::Sheet;
use crate::{DriftReport, Format, Style, format, v1};

/// What a change of the code meets, with what a reader needs to know about where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct CheckReport<'a> {
    /// Where the change began; `None` where it was compared with nothing.
    pub base: Option<RevisionRef<'a>>,
    /// Where it ends; what is not committed belongs to it.
    pub head: Option<RevisionRef<'a>>,
    /// The root modules that were looked at.
    pub roots: &'a [CheckedRootReport<'a>],
    /// How many root modules there are.
    pub n_roots: u64,
    /// How many of them the change does not meet.
    pub n_unchanged: u64,
    /// How many others look at.
    pub n_other_shards: u64,
    /// Which parts of the root modules this is about, such as `1/4`; empty where it is about all of them.
    pub shards: &'a [String],
    /// Problems met on the way that the answer survived.
    pub diagnostics: &'a [Diagnostic],
    /// When the answer was made.
    pub at: Timestamp,
}

/// One end of a change.
#[derive(Clone, Copy, Debug)]
pub struct RevisionRef<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The commit.
    pub commit: &'a str,
}

/// What came of one root module.
#[derive(Clone, Debug)]
pub struct CheckedRootReport<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its folder, from the top of the repository.
    pub directory: &'a str,
    /// Its workspace, where one is written down.
    pub workspace: Option<&'a str>,
    /// Who answers for it.
    pub owners: &'a [String],
    /// The changed file by which the change meets it.
    pub why: Option<&'a str>,
    /// What the change is about; `None` where it was compared with nothing.
    pub change: Option<&'a RootChange>,
    /// How many findings do not meet the change, and would fail without it.
    pub n_aside: u64,
    /// The verdict, or why there is none.
    pub report: Result<DriftReport<'a>, String>,
}

/// Writes a check in the chosen format.
///
/// # Errors
///
/// Those of the writer.
pub fn write_check(report: &CheckReport<'_>, format: Format, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    if format == Format::Json {
        return format::json::write(&v1::check::Document { report, values: style.values }, out);
    }
    format::write_sheet(&Sheet::of_check(report, style.values)?, format, style, out)
}
