//! Values that look like secrets.
//!
//! The catalog says which attributes are kept; this stands behind it, for the day a tag or a description holds a key.

use std::sync::LazyLock;

use regex::Regex;

/// What replaces a value that looks like a secret.
pub const WITHHELD: &str = "(sensitive)";

static PATTERNS: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    [
        ("an AWS secret access key", r#"(?:[Ss]ecret|SECRET|aws|AWS).{0,20}["'=:\s][A-Za-z0-9/+]{40}(?:["'\s]|$)"#),
        ("an AWS access key id", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
        ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY"),
        ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
        ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
        ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("a Stripe key", r"\b[sr]k_live_[A-Za-z0-9]{16,}"),
        ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
        ("an npm token", r"\bnpm_[A-Za-z0-9]{36}"),
        ("a signed token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
        ("a password in an address", r"[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]{3,}@"),
        (
            "a password",
            r#"\b(?:[Pp]assword|PASSWORD|[Pp]asswd|PASSWD|[Ss]ecret|SECRET|[Aa]pi[_-]?[Kk]ey|API_KEY|[Aa]ccess[_-]?[Tt]oken|ACCESS_TOKEN)(?:\s*=\s*|["']\s*:\s*|:\s+|:\s*["'])["']?[^\s"'<{$]{6,}"#,
        ),
    ]
    .into_iter()
    .map(|(name, pattern)| (name, Regex::new(pattern).expect("the patterns are constants that a test compiles")))
    .collect()
});

/// Says what kind of secret a text looks like; `None` for an ordinary text.
pub fn looks_like(text: &str) -> Option<&'static str> {
    PATTERNS.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen() {
        for (text, name) in [
            ("AKIAIOSFODNN7EXAMPLE", "an AWS access key id"),
            ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "an AWS secret access key"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
            ("token ghp_0123456789abcdefghijABCDEFGHIJ012345", "a GitHub token"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "a signed token"),
            ("postgres://admin:hunter22@db.example/x", "a password in an address"),
            ("{\"password\": \"hunter22\"}", "a password"),
        ] {
            assert_eq!(looks_like(text), Some(name), "{text}");
        }
    }

    #[test]
    fn ordinary_values_are_not() {
        for text in [
            "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "i-0123456789abcdef0",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "password-rotation-queue",
            "Rotates the password of the database",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
            "",
        ] {
            assert_eq!(looks_like(text), None, "{text}");
        }
    }
}
