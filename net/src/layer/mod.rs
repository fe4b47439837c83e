//! Layers around a [`Transport`](crate::Transport), one concern each.
//!
//! [`Network`](crate::Network) stacks them: total deadline, retry, limit, signature, deadline of one
//! attempt, egress guard, client.

mod deadline;
mod limit;
mod outcome;
mod retry;
mod sign;

pub use deadline::Deadline;
pub use limit::{Limit, LimitConfig, LimitState, Limiter};
pub use outcome::{Classifier, Outcome, retry_after, status_outcome};
pub use retry::{Retry, RetryBudget, RetryConfig};
pub use sign::Sign;
