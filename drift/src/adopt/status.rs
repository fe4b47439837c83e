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
    /// Why it did not say anything, or not of everything, in sentences; `None` where it planned everything.
    pub failure: Option<String>,
    /// What its plan does besides importing: an address, and attributes or an action each. Empty where it is clean.
    pub changes: Vec<(String, Vec<String>)>,
    /// What its plan does to what was there before: the files did not cause it, and are not judged by it.
    pub elsewhere: Vec<(String, Vec<String>)>,
    /// What it complains about that keeps an object from being planned: its address, and why, in sentences.
    pub problems: Vec<(String, String)>,
}

impl Certificate {
    /// Tells whether the program planned everything, and the files do nothing but import.
    pub fn is_clean(&self) -> bool {
        self.failure.is_none() && self.changes.is_empty() && self.problems.is_empty()
    }
}
