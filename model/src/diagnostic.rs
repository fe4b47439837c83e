//! Diagnostics: what went wrong or deserves a warning, where, whose fault it is and what to do next.

use std::fmt;
use std::sync::Arc;

/// Says whether a diagnostic stops the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The result cannot be trusted or does not exist.
    Error,
    /// The result stands; this should be known about it.
    Warning,
}

/// A place in a text file.
///
/// Units: `line` and `column` count from 1, columns in characters; `byte` counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The offset, from 0, in bytes.
    pub byte: usize,
}

/// A piece of a text file, from `start` up to and without `end`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// The first position.
    pub start: Position,
    /// The position behind the last character.
    pub end: Position,
}

/// One problem, for a person and for a script.
///
/// `summary` is a title without a full stop, `detail` full sentences: what, where, whose fault, what to do next.
/// Every diagnostic of the plugin protocol fits in without loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A stable kebab-case code with a page in the documentation.
    pub code: &'static str,
    /// A title without a full stop.
    pub summary: String,
    /// Full sentences.
    pub detail: String,
    /// The address it is about.
    pub address: Option<String>,
    /// The attribute it is about.
    pub path: Option<cty::Path>,
    /// The place in a source file.
    pub span: Option<Span>,
    /// What to try, one step each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Makes an error.
    pub fn error(code: &'static str, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            summary: summary.into(),
            detail: detail.into(),
            address: None,
            path: None,
            span: None,
            help: Vec::new(),
        }
    }

    /// Makes a warning.
    pub fn warning(code: &'static str, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, summary, detail) }
    }

    /// Adds the address it is about.
    #[must_use]
    pub fn at_address(mut self, address: impl fmt::Display) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// Adds the attribute it is about.
    #[must_use]
    pub fn at_path(mut self, path: cty::Path) -> Self {
        self.path = Some(path);
        self
    }

    /// Adds the place in a source file.
    #[must_use]
    pub fn at_span(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds one step to try.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "{}:{}:{}: ", span.file, span.start.line, span.start.column)?;
        }
        write!(f, "{}: {}", self.summary, self.detail)?;
        for help in &self.help {
            write!(f, " {help}")?;
        }
        Ok(())
    }
}

/// Problems in the order they were found.
pub type Diagnostics = Vec<Diagnostic>;

/// Tells whether any of the problems is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}
