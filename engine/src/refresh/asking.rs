//! What the answer to one call says about the work it was made for.

use model::Cause;
use tfplugin::{Answer, ErrorKind};

use super::cause::{self, Secrets};

/// Why work on one object ended early.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// For this reason, which is about this object or about everything.
    Unseen(Cause),
    /// The provider's process ended meanwhile, because of this object or of another.
    Crashed(Cause),
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self::Unseen(cause)
    }
}

/// Takes the value of an answer; where it holds an error, that is a failure without secrets.
pub(crate) fn settle<T>(operation: &str, answer: Answer<T>, secrets: &Secrets) -> Result<T, Failure> {
    match answer {
        Ok((value, diagnostics)) => match cause::of_diagnostics(operation, &diagnostics, secrets) {
            None => Ok(value),
            Some(cause) => Err(cause.into()),
        },
        Err(error) => Err(of_error(&error, secrets)),
    }
}

/// Tells a crash from every other error of the protocol.
pub(crate) fn of_error(error: &tfplugin::Error, secrets: &Secrets) -> Failure {
    let cause = cause::of_error(error, secrets);
    match error.kind() {
        ErrorKind::Crashed | ErrorKind::Connection => Failure::Crashed(cause),
        _ => Failure::Unseen(cause),
    }
}
