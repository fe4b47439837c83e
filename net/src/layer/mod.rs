//! Layers around a [`Transport`](crate::Transport), one concern each.
//!
//! [`Network`](crate::Network) stacks them: total deadline, retry, limit, signature, deadline of one
//! attempt, egress guard, client.

mod deadline;
mod limit;
mod retry;
mod sign;
mod verdict;

pub use deadline::Deadline;
pub use limit::{Limit, LimitConfig, LimitState, Limiter};
pub use retry::{Retry, RetryBudget, RetryConfig};
pub use sign::Sign;
pub use verdict::{Classifier, Verdict, retry_after, status_verdict};
