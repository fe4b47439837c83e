//! Sending again, politely.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::deadline::cancelled;
use super::reply_class::{Classifier, ReplyClass, retry_after};
use crate::{Error, ErrorKind, Request, Response, Transport};

/// Says how often and how patiently a request is sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryConfig {
    /// The most times one request is sent, the first included.
    pub max_attempts: u32,
    /// The upper bound of the first wait; it doubles with each attempt.
    pub first_wait: Duration,
    /// The upper bound of any wait that `Retry-After` did not set.
    pub longest_wait: Duration,
    /// How many times all requests of a run together may be sent again.
    pub budget: u32,
}

impl RetryConfig {
    /// Returns the values used where the user says nothing.
    pub fn standard() -> Self {
        Self {
            max_attempts: 6,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(20),
            budget: 10_000,
        }
    }
}

/// Counts down the retries a run has left, over all its transports.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    left: Arc<AtomicU32>,
}

impl RetryBudget {
    /// Starts with `retries` to spend.
    pub fn new(retries: u32) -> Self {
        Self { left: Arc::new(AtomicU32::new(retries)) }
    }

    /// Returns how many are left.
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    fn spend(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Sends a request again after throttling, a passing failure or a broken connection.
///
/// Waits are drawn between zero and a bound that doubles (full jitter); `Retry-After` sets a lower
/// bound. A wait that would outlast the deadline is not begun: the caller gets what there is.
pub struct Retry {
    inner: Arc<dyn Transport>,
    config: RetryConfig,
    budget: RetryBudget,
    classifier: Classifier,
}

impl Retry {
    /// Wraps a transport.
    pub fn new(inner: Arc<dyn Transport>, config: RetryConfig, budget: RetryBudget, classifier: Classifier) -> Self {
        Self { inner, config, budget, classifier }
    }

    fn wait_before(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = self.config.first_wait.saturating_mul(1_u32 << (attempt - 1).min(16));
        let bound = doubled.min(self.config.longest_wait);
        let jitter = bound.mul_f64(rand::random::<f64>());
        match asked {
            // A tenth on top keeps those who were turned away together from coming back together.
            Some(asked) => asked + jitter.min(asked / 10 + self.config.first_wait),
            None => jitter,
        }
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Retry")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Retry {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        let mut attempt = 1;
        let mut renewed = false;
        loop {
            let result = self.inner.send(request.clone(), cancel).await.map(|mut response| {
                response.attempts = attempt;
                response
            });
            let (again, asked) = match &result {
                Ok(response) => match (self.classifier)(response) {
                    ReplyClass::Accept => (false, None),
                    ReplyClass::Throttled | ReplyClass::Transient => (true, retry_after(response, Timestamp::now())),
                    ReplyClass::Expired => (!std::mem::replace(&mut renewed, true), Some(Duration::ZERO)),
                },
                Err(error) => (error.is_retryable(), None),
            };
            if !again || attempt >= self.config.max_attempts {
                return result.map_err(|error| with_attempts(error, attempt));
            }
            let wait = self.wait_before(attempt, asked);
            if Instant::now() + wait >= request.deadline || !self.budget.spend() {
                return result.map_err(|error| with_attempts(error, attempt));
            }
            debug!(operation = %request.operation, scope = %request.scope, attempt, wait_ms = wait.as_millis(), "sending again");
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(cancelled(&request.operation)),
                () = tokio::time::sleep(wait) => {}
            }
            attempt += 1;
        }
    }
}

fn with_attempts(error: Error, attempts: u32) -> Error {
    if attempts == 1 || error.kind() == ErrorKind::Cancelled {
        return error;
    }
    error.with_context("attempts", attempts.to_string())
}
