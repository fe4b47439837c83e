//! What can go wrong between us and the other side of the protocol.

use std::fmt;

/// Says what a caller can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program could not be started.
    NotStarted,
    /// The other side does not speak go-plugin, or not a version of the protocol we speak.
    Handshake,
    /// The provider's process ended while it was needed.
    Crashed,
    /// No answer came before the deadline.
    TimedOut,
    /// Somebody asked for the work to stop.
    Cancelled,
    /// The provider failed so often that it is not started any more.
    GivenUp,
    /// The call is off unless it is allowed by name.
    NotAllowed,
    /// The other side does not serve this call.
    Unimplemented,
    /// The connection failed, while the provider's process lives on.
    Connection,
    /// A message does not mean anything under the provider's own schema.
    Malformed,
    /// The provider has no such resource type, data source, function or identity.
    UnknownType,
    /// The transcript that is replayed holds no answer to the call.
    NotRecorded,
    /// The machine does not give what a server needs: a socket, a certificate, a port.
    Local,
}

/// An operation of the protocol that failed, apart from the diagnostics a provider answers with.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    detail: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error of one operation; the detail is a full sentence.
    pub fn new(kind: ErrorKind, operation: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, operation, detail: detail.into(), context: Vec::new(), source: None }
    }

    /// Makes the error of a provider that does not serve a call.
    pub fn unimplemented(operation: &'static str) -> Self {
        Self::new(ErrorKind::Unimplemented, operation, "This provider does not serve this call.")
    }

    /// Makes the error of work that was asked to stop.
    pub fn cancelled(operation: &'static str) -> Self {
        Self::new(ErrorKind::Cancelled, operation, "The call was cancelled before it was answered.")
    }

    /// Makes the error of a type that the provider's schema lacks.
    pub fn unknown_type(operation: &'static str, type_name: &str) -> Self {
        Self::new(ErrorKind::UnknownType, operation, format!("The provider's schema has no type {type_name:?}."))
    }

    /// Makes the error of a function that the provider's schema lacks.
    pub fn unknown_function(operation: &'static str, name: &str) -> Self {
        Self::new(ErrorKind::UnknownType, operation, format!("The provider has no function {name:?}."))
    }

    /// Makes the error of a resource type whose objects have no identity.
    pub fn no_identity(operation: &'static str, type_name: &str) -> Self {
        let detail = format!("The provider gives objects of type {type_name:?} no identity.");
        Self::new(ErrorKind::UnknownType, operation, detail)
    }

    /// Adds a fact for the reader: what, and its value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((name, value.to_string()));
        self
    }

    /// Adds the error this one comes from.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Gives what a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the operation that failed: `ReadResource`, `handshake`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Gives the full sentence that says what happened, without the context.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Tells whether the same call may succeed against a provider that is started again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Crashed | ErrorKind::TimedOut | ErrorKind::Connection)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.detail)?;
        for (index, (name, value)) in self.context.iter().enumerate() {
            write!(f, "{}{name}: {value}", if index == 0 { " (" } else { ", " })?;
        }
        if self.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
