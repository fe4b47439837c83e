//! What a response means to the layers.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use crate::Response;

/// Says what the layers shall make of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyClass {
    /// The caller gets it, success or not.
    Accept,
    /// The service asks for fewer calls.
    Throttled,
    /// The service failed in a way that may pass.
    Transient,
    /// The credentials have expired; new ones may be accepted.
    Expired,
}

/// Decides the [`ReplyClass`] of a response; each cloud has its own.
pub type Classifier = Arc<dyn Fn(&Response) -> ReplyClass + Send + Sync>;

/// Decides the class by status alone.
pub fn status_class(response: &Response) -> ReplyClass {
    match response.status {
        StatusCode::TOO_MANY_REQUESTS => ReplyClass::Throttled,
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => ReplyClass::Transient,
        _ => ReplyClass::Accept,
    }
}

/// Reads `Retry-After`, given as seconds or as an HTTP date.
///
/// # Units
/// The time to wait from `now`; a date in the past is zero. Anything unreadable is `None`.
pub fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = date.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn check(value: &'static str, expect: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static(value));
        let response = Response { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Bytes::new(), attempts: 1 };
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        assert_eq!(retry_after(&response, now), expect.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("7", Some(7));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(30));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("soon", None);
        check("-3", None);
    }
}
