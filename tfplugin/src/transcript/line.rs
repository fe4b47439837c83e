//! The lines of a transcript.

use model::ProviderAddress;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::place::PlacePattern;
use super::value::WrittenDiagnostic;
use super::{About, FORMAT, Mask};
use crate::{Error, ErrorKind};

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    transcript: String,
    provider: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    protocol: Option<u32>,
    /// The places that were allowed; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<String>>,
}

impl Header {
    pub(super) fn new(about: &About, mask: &Mask) -> Self {
        let allowed = match mask {
            Mask::Everything => None,
            Mask::Allow { attributes } => Some(attributes.iter().map(ToString::to_string).collect()),
        };
        Self {
            transcript: FORMAT.to_owned(),
            provider: about.provider.to_string(),
            version: about.version.clone(),
            protocol: about.protocol,
            allowed,
        }
    }

    pub(super) fn read(self) -> Result<(About, Mask), String> {
        if self.transcript != FORMAT {
            return Err(format!("it is a transcript of format {:?}, and only {FORMAT:?} can be read", self.transcript));
        }
        let provider: ProviderAddress =
            self.provider.parse().map_err(|error| format!("it names no provider: {error}"))?;
        let mask = match self.allowed {
            None => Mask::Everything,
            Some(patterns) => {
                let patterns = patterns.iter().map(|pattern| pattern.parse());
                let attributes: Vec<PlacePattern> =
                    patterns.collect::<Result<_, Error>>().map_err(|error| error.detail().to_owned())?;
                Mask::Allow { attributes }
            }
        };
        Ok((About { provider, version: self.version, protocol: self.protocol }, mask))
    }
}

/// Every other line: one call.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) method: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(super) type_name: Option<String>,
    /// What stands for the unmasked request: who has the key can make it again.
    #[serde(default)]
    pub(super) key: String,
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub(super) request: Json,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Json>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) diagnostics: Vec<WrittenDiagnostic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<WrittenError>,
    /// Why the answer is not here although there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) omitted: Option<String>,
    /// How long the call took, in microseconds.
    #[serde(default)]
    pub(super) micros: u64,
}

/// An error of the protocol.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenError {
    kind: String,
    operation: String,
    text: String,
}

/// What can be read again; kinds are written as they are called in the code.
const KINDS: [ErrorKind; 13] = [
    ErrorKind::NotStarted,
    ErrorKind::Handshake,
    ErrorKind::Crashed,
    ErrorKind::TimedOut,
    ErrorKind::Cancelled,
    ErrorKind::GivenUp,
    ErrorKind::NotAllowed,
    ErrorKind::Unimplemented,
    ErrorKind::Connection,
    ErrorKind::Malformed,
    ErrorKind::UnknownType,
    ErrorKind::NotRecorded,
    ErrorKind::Local,
];

impl WrittenError {
    /// Writes an error, with `text` applied to what somebody wrote.
    pub(super) fn new(error: &Error, text: impl FnOnce(&str) -> String) -> Self {
        let operation = error.operation();
        let shown = error.to_string();
        let shown = shown.strip_prefix(operation).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&shown);
        Self { kind: format!("{:?}", error.kind()), operation: operation.to_owned(), text: text(shown) }
    }

    /// Makes the error that a call of `method` ends with.
    pub(super) fn read(&self, method: &'static str, text: impl FnOnce(&str) -> String) -> Result<Error, String> {
        let kind = KINDS.into_iter().find(|kind| format!("{kind:?}") == self.kind);
        let Some(kind) = kind else { return Err(format!("{:?} is no kind of error", self.kind)) };
        let text = text(&self.text);
        Ok(match super::parts::METHODS.iter().find(|operation| **operation == self.operation) {
            Some(operation) => Error::new(kind, operation, text),
            None => Error::new(kind, method, format!("{}: {text}", self.operation)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_comes_back() {
        for kind in KINDS {
            // A new kind fails to compile here: it belongs into the list as well.
            match kind {
                ErrorKind::NotStarted
                | ErrorKind::Handshake
                | ErrorKind::Crashed
                | ErrorKind::TimedOut
                | ErrorKind::Cancelled
                | ErrorKind::GivenUp
                | ErrorKind::NotAllowed
                | ErrorKind::Unimplemented
                | ErrorKind::Connection
                | ErrorKind::Malformed
                | ErrorKind::UnknownType
                | ErrorKind::NotRecorded
                | ErrorKind::Local => {}
            }
            let error = Error::new(kind, "ReadResource", "It went wrong.").with("limit", 5);
            let written = WrittenError::new(&error, str::to_owned);
            let read = written.read("ReadResource", str::to_owned).expect("it is read");
            assert_eq!((read.kind(), read.operation()), (kind, "ReadResource"));
            assert_eq!(read.to_string(), error.to_string());
        }
        let other = Error::new(ErrorKind::Local, "listen", "There is no port.");
        let read = WrittenError::new(&other, str::to_owned).read("ReadResource", str::to_owned).expect("it is read");
        assert_eq!(read.to_string(), "ReadResource: listen: There is no port.");
    }
}
