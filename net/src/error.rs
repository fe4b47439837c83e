//! The one error of this crate.

use std::error::Error as StdError;
use std::fmt;

/// Names what a caller can do about a failed network call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The service asks for fewer calls: wait, or lower the rate.
    Throttled,
    /// The caller lacks a permission: grant it, or leave the type out.
    Denied,
    /// The credentials were good once: renew them.
    Expired,
    /// No usable credentials were found: configure some.
    Credentials,
    /// A setting of the user is wrong: correct it.
    Configuration,
    /// The thing asked for does not exist.
    NotFound,
    /// The region or service is not switched on for this account.
    Disabled,
    /// No answer came in time.
    Timeout,
    /// The user, or a sibling that failed, stopped the call.
    Cancelled,
    /// The host could not be reached, or the connection broke.
    Unreachable,
    /// The answer is not what the protocol allows.
    Invalid,
    /// The answer is larger than the limit.
    TooLarge,
    /// The egress guard refused the destination.
    Blocked,
    /// The service failed.
    Server,
    /// The service understood the request and refused it as wrong.
    Rejected,
}

impl ErrorKind {
    /// Returns the stable name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Credentials => "credentials",
            Self::Configuration => "configuration",
            Self::NotFound => "not-found",
            Self::Disabled => "disabled",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::TooLarge => "too-large",
            Self::Blocked => "blocked",
            Self::Server => "server",
            Self::Rejected => "rejected",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Describes a failed network call: what the caller can do, which operation, where, and why.
///
/// Shape: `Display` is one line, `operation: message (name: value, …)`. No part of it holds
/// credentials, request bodies or URLs with a query.
#[derive(thiserror::Error)]
#[error("{operation}: {message}{}", Facts(context))]
pub struct Error {
    kind: ErrorKind,
    operation: String,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Builds an error of a kind, for an operation, with one sentence for the user.
    pub fn new(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), message: message.into(), context: Vec::new(), source: None }
    }

    /// Adds a named fact, such as the host or the account.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.context.push((name, value.into()));
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the operation that failed, such as `ec2:DescribeVpcs`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the sentence for the user, without operation and context.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the named facts, in the order they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.context
    }

    /// Tells whether sending the same request again may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Throttled | ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Server)
    }
}

struct Facts<'a>(&'a [(&'static str, String)]);

impl fmt::Display for Facts<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.0.iter().enumerate() {
            let before = if position == 0 { " (" } else { ", " };
            write!(formatter, "{before}{name}: {value}")?;
        }
        if self.0.is_empty() { Ok(()) } else { formatter.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("kind", &self.kind)
            .field("text", &self.to_string())
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_with_its_facts() {
        let error = Error::new(ErrorKind::Denied, "ec2:DescribeVpcs", "not allowed")
            .with_context("account", "123456789012")
            .with_context("region", "eu-west-1");
        assert_eq!(error.to_string(), "ec2:DescribeVpcs: not allowed (account: 123456789012, region: eu-west-1)");
        assert!(!error.is_retryable());
    }
}
