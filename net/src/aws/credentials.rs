//! Credentials.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

/// Credentials are renewed this long before they expire.
const RENEW_BEFORE: Duration = Duration::from_mins(2);

/// Holds what a request is signed with.
///
/// `Debug` prints `(sensitive)` and the time of expiry, never a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Credentials {
    /// Holds the given keys; `None` for `expires_at` means that they do not expire.
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: session_token.filter(|token| !token.is_empty()),
            expires_at,
        }
    }

    /// Returns when they expire.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Tells whether they should be renewed before they are used at `now`.
    pub fn needs_renewal(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| {
            jiff::SignedDuration::try_from(RENEW_BEFORE).is_ok_and(|before| now + before >= expires_at)
        })
    }

    pub(crate) fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub(crate) fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    pub(crate) fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("keys", &format_args!("(sensitive)"))
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_key() {
        let credentials = Credentials::new("AKIAPLANTED", "planted", Some("planted".to_owned()), None);
        let text = format!("{credentials:?}").to_lowercase();
        assert!(text.contains("(sensitive)") && !text.contains("planted"), "{text}");
    }

    #[test]
    fn renewal_comes_before_expiry() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let credentials = Credentials::new("a", "b", None, Some(at("2026-01-01T01:00:00Z")));
        assert!(!credentials.needs_renewal(at("2026-01-01T00:57:59Z")));
        assert!(credentials.needs_renewal(at("2026-01-01T00:58:00Z")));
        assert!(!Credentials::new("a", "b", None, None).needs_renewal(at("2026-01-01T00:58:00Z")));
    }
}
