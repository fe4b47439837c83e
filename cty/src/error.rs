use std::fmt;

use crate::path::{Path, PathStep};

/// Says what a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes or the text are not well formed: their producer is at fault.
    Syntax,
    /// A well-formed value does not fit the wanted type.
    Type,
    /// A size, depth or magnitude limit was exceeded.
    Limit,
    /// The operation needs a known value.
    Unknown,
    /// The operation needs a value that is not null.
    Null,
    /// The operation needs a value without marks.
    Marked,
    /// The index, key or attribute is not there.
    Missing,
    /// The arithmetic has no result, such as zero divided by zero.
    Undefined,
}

/// Reports why a value could not be made, read, converted or computed, and where in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    path: Path,
    kind: ErrorKind,
    message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { path: Path::default(), kind, message: message.into() }
    }

    /// Returns where inside the value the problem is; empty for the value itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what kind of problem this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the problem as a phrase without the path, such as `a number is required`.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Puts `step` in front of the path: called by each level on the way out, so that success costs nothing.
    pub(crate) fn under(mut self, step: PathStep) -> Error {
        self.path.prepend(step);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// Is the result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Is how deeply types and values may nest before the codecs and the type parser refuse them.
pub const MAX_DEPTH: usize = 128;

pub(crate) fn depth_error() -> Error {
    Error::new(ErrorKind::Limit, format!("nested more than {MAX_DEPTH} levels deep"))
}
