//! Deadlines and cancellation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Error, ErrorKind, Request, Response, Transport};

/// Ends a call at its deadline or when it is cancelled, whatever the transport below does.
#[derive(Debug)]
pub struct Deadline {
    inner: Arc<dyn Transport>,
    attempt: Option<Duration>,
}

impl Deadline {
    /// Holds calls to the deadline they carry.
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, attempt: None }
    }

    /// Holds calls to the earlier of the deadline they carry and `attempt` from now.
    pub fn per_attempt(inner: Arc<dyn Transport>, attempt: Duration) -> Self {
        Self { inner, attempt: Some(attempt) }
    }
}

#[async_trait]
impl Transport for Deadline {
    async fn send(&self, mut request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        let operation = request.operation.clone();
        let authority = request.authority();
        let start = Instant::now();
        if let Some(attempt) = self.attempt {
            request.deadline = request.deadline.min(start + attempt);
        }
        let deadline = request.deadline;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled(&operation)),
            result = self.inner.send(request, cancel) => result,
            () = tokio::time::sleep_until(deadline) => Err(Error::new(
                ErrorKind::Timeout,
                operation,
                format!("no complete answer within {:.1} s", start.elapsed().as_secs_f64()),
            )
            .with_context("host", authority)),
        }
    }
}

/// Builds the error of a call that was stopped.
pub(crate) fn cancelled(operation: &str) -> Error {
    Error::new(ErrorKind::Cancelled, operation, "stopped before an answer came")
}
