//! How far the adoption of one object came.

use super::search::Flaw;

/// How far the adoption of one object came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptionStatus {
    /// Its configuration plans clean: the plan has no action but the import.
    Clean,
    /// Its configuration is valid, and plans clean but for these.
    CleanBut(Vec<Flaw>),
    /// An import block and no configuration: for this reason, a sentence, its provider was not asked.
    ImportOnly(String),
    /// It is left out, for this reason, a sentence.
    Skipped(String),
}

/// Who said what of the files that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The program: `terraform 1.11.4`.
    pub program: String,
    /// Why it did not say anything, a sentence; `None` where it planned.
    pub failure: Option<String>,
    /// What its plan does besides importing: an address, and attributes or an action each. Empty where it is clean.
    pub changes: Vec<(String, Vec<String>)>,
}
