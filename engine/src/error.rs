//! The one error of this crate: why an operation gave no answer at all.
//!
//! What could not be seen while the rest could is no error: it is a `model::Cause` in the answer.

use std::fmt;

use model::Diagnostic;

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request or a file the user wrote is wrong: mend it.
    Usage,
    /// Something that was asked for is not there: a state, a store, a snapshot young enough.
    NotFound,
    /// The credentials belong to another account than the states.
    WrongAccount,
    /// A service or a file could not be used: see the source, try again.
    Unavailable,
    /// The user stopped the operation.
    Cancelled,
}

/// Why an operation gave no answer.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    operation: String,
    detail: String,
    diagnostics: Vec<Diagnostic>,
    help: Vec<String>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error: `operation` is a verb with its object, `detail` full sentences.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind,
            operation: operation.into(),
            detail: detail.into(),
            diagnostics: Vec::new(),
            help: Vec::new(),
            source: None,
        }
    }

    pub(crate) fn usage(operation: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, operation, detail)
    }

    pub(crate) fn cancelled(operation: impl Into<String>) -> Self {
        Self::new(ErrorKind::Cancelled, operation, "It was stopped before it was done.")
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    pub(crate) fn with_diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.diagnostics = diagnostics;
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Tells what the caller can do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the full sentences that say what happened.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Gives the problems behind the error, each with its place.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Gives what to try next, one step each.
    pub fn help(&self) -> &[String] {
        &self.help
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.operation, self.detail)
    }
}
