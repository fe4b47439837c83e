//! The one error type of this crate: what failed while a state was fetched or read back.

use std::error::Error as StdError;
use std::{fmt, io};

/// Says what a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// There is nothing there: correct the path, URL or workspace.
    NotFound,
    /// The permissions do not suffice: ask for them.
    Denied,
    /// No usable credentials: log in.
    Credentials,
    /// It took too long: try again.
    Timeout,
    /// The place cannot be reached or failed: try again.
    Unavailable,
    /// The location or the backend's settings are wrong: correct them.
    Configuration,
    /// The backend or one of its settings is not supported here: fetch the state with `terraform state pull`.
    Unsupported,
    /// The state was written while it was read: read it again.
    Moved,
    /// The run was stopped.
    Cancelled,
    /// It is larger than allowed.
    TooLarge,
    /// What is there is not what was expected.
    Invalid,
    /// Anything else that the operating system reports.
    Io,
}

/// Tells what failed, doing what, where.
///
/// Hints what to do next are data, for the front end to show. No part of it holds a credential.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    /// What the caller can do.
    pub kind: ErrorKind,
    /// What was being done, as a verb phrase: `read the state`.
    pub operation: &'static str,
    /// Where, and what came of it: pairs of a name and a value.
    pub context: Vec<(&'static str, String)>,
    /// What to try next, as full sentences.
    pub help: Vec<String>,
    /// The cause below.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error without context.
    pub fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self { kind, operation, context: Vec::new(), help: Vec::new(), source: None }
    }

    /// Makes an error from what the operating system reports.
    pub fn from_io(operation: &'static str, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Io,
        };
        Self::new(kind, operation).because(error)
    }

    /// Makes an error from what the network reports.
    pub(crate) fn from_net(operation: &'static str, error: net::Error) -> Self {
        let kind = match error.kind() {
            net::ErrorKind::Denied => ErrorKind::Denied,
            net::ErrorKind::Expired | net::ErrorKind::Credentials => ErrorKind::Credentials,
            net::ErrorKind::Configuration | net::ErrorKind::Blocked | net::ErrorKind::Disabled => {
                ErrorKind::Configuration
            }
            net::ErrorKind::NotFound => ErrorKind::NotFound,
            net::ErrorKind::Timeout => ErrorKind::Timeout,
            net::ErrorKind::Throttled | net::ErrorKind::Unreachable | net::ErrorKind::Server => ErrorKind::Unavailable,
            net::ErrorKind::Cancelled => ErrorKind::Cancelled,
            net::ErrorKind::TooLarge => ErrorKind::TooLarge,
            _ => ErrorKind::Invalid,
        };
        Self::new(kind, operation).because(error)
    }

    /// Adds one pair of context.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((name, value.to_string()));
        self
    }

    /// Adds one step to try.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds the cause below.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Tells whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Moved)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        for (position, (name, value)) in self.context.iter().enumerate() {
            let separator = if position == 0 { " (" } else { ", " };
            write!(f, "{separator}{name}: {value}")?;
        }
        if !self.context.is_empty() {
            f.write_str(")")?;
        }
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}
