//! Layers around a [`Transport`](crate::Transport), one concern each.
//!
//! [`Network`](crate::Network) stacks them: total deadline, retry, limit, signature, deadline of one
//! attempt, egress guard, client.

mod deadline;
mod limit;
mod reply_class;
mod retry;
mod sign;

pub use deadline::Deadline;
pub use limit::{Limit, LimitConfig, LimitState, Limiter};
pub use reply_class::{Classifier, ReplyClass, retry_after, status_class};
pub use retry::{Retry, RetryBudget, RetryConfig};
pub use sign::Sign;
