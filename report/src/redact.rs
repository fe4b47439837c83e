//! Redaction: which values may be shown at all.

use std::borrow::Cow;

use cty::{Path, PathStep, Value};
use drift::adopt::search::is_secret_name;
use model::AttributeDifference;

/// Which values a report shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// None: paths only.
    None,
    /// Those that neither the state nor a schema calls sensitive, and that do not look like a credential.
    Safe,
}

impl Values {
    /// Lists the words of the `--values` option.
    pub const WORDS: &'static [&'static str] = &["none", "safe"];

    /// Finds what a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "safe" => Some(Self::Safe),
            _ => None,
        }
    }

    /// Gives the word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Safe => "safe",
        }
    }

    /// Decides what becomes of one side of a difference.
    pub(crate) fn of<'v>(self, difference: &AttributeDifference, side: Option<&'v Value>) -> Shown<'v> {
        match side {
            None => Shown::Absent,
            Some(_) if difference.is_sensitive => Shown::Sensitive,
            Some(value) if is_named_secret(&difference.path, value) => Shown::Sensitive,
            Some(value) => self.of_value(value),
        }
    }

    /// Decides what becomes of a value.
    pub(crate) fn of_value(self, value: &Value) -> Shown<'_> {
        if value.contains_marked() || contains_credential(value) || contains_named_secret(value) {
            Shown::Sensitive
        } else if self == Self::None {
            Shown::Hidden
        } else {
            Shown::Value(value)
        }
    }

    /// Decides what becomes of a text that is a value, such as that of a tag.
    pub(crate) fn of_text(self, text: &str) -> Option<&str> {
        (self == Self::Safe && !looks_like_credential(text)).then_some(text)
    }
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'v> {
    /// There is none.
    Absent,
    /// The user wants none.
    Hidden,
    /// It is sensitive.
    Sensitive,
    /// It is shown.
    Value(&'v Value),
}

/// Gives a path whose keys and elements may be shown.
pub(crate) fn path(path: &Path) -> Cow<'_, Path> {
    let is_credential = |step: &PathStep| matches!(step, PathStep::Index(key) if contains_credential(key));
    if !path.steps().iter().any(is_credential) {
        return Cow::Borrowed(path);
    }
    let hide = |step: &PathStep| match step {
        PathStep::Index(key) if contains_credential(key) => PathStep::Index(key.mark_sensitive()),
        step => step.clone(),
    };
    Cow::Owned(path.steps().iter().map(hide).collect())
}

/// Tells whether a value is a text whose name says that it is secret: `password`, `api_token`.
fn is_named_secret(path: &Path, value: &Value) -> bool {
    let bare = value.unmark().0;
    let is_text = bare.as_str().is_some_and(|text| !text.is_empty());
    is_text
        && match path.steps().last() {
            Some(PathStep::GetAttr(name)) => is_secret_name(name),
            Some(PathStep::Index(key)) => key.unmark().0.as_str().is_some_and(is_secret_name),
            None => false,
        }
}

/// Tells whether something inside of a value has a name that says that it is secret.
fn contains_named_secret(value: &Value) -> bool {
    let mut found = false;
    cty::walk(value, |path, inner| {
        found = found || is_named_secret(path, inner);
        !found
    });
    found
}

pub(crate) fn contains_credential(value: &Value) -> bool {
    let mut found = false;
    cty::walk(value, |_, inner| {
        found = found || inner.as_str().is_some_and(looks_like_credential);
        !found
    });
    found || value.entries().any(|(name, _)| looks_like_credential(name))
}

/// Tells whether a text holds something that only a credential looks like: a private key, an access key of a cloud, or
/// a token of a well-known form. It stands behind the catalog and the marks; it replaces neither.
pub fn looks_like_credential(text: &str) -> bool {
    /// Where a token begins, and how many characters of it must follow.
    const PREFIXES: &[(&str, usize)] = &[
        ("AKIA", 16),
        ("ASIA", 16),
        ("ghp_", 30),
        ("gho_", 30),
        ("ghs_", 30),
        ("github_pat_", 30),
        ("glpat-", 16),
        ("xoxb-", 20),
        ("xoxp-", 20),
        ("AIza", 30),
        ("sk_live_", 16),
        ("npm_", 30),
        ("hvs.", 20),
    ];
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let follows = |prefix: &str, n_wanted: usize| {
        text.match_indices(prefix).any(|(start, _)| {
            let starts_word = !text[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
            starts_word && text[start + prefix.len()..].chars().take_while(|c| is_token(*c)).count() >= n_wanted
        })
    };
    // A web token: two parts in base64 that begin with `{"`.
    let is_web_token = || text.match_indices("eyJ").any(|(start, _)| text[start..].contains(".eyJ"));
    (text.contains("-----BEGIN ") && text.contains("PRIVATE KEY"))
        || PREFIXES.iter().any(|(prefix, n_wanted)| follows(prefix, *n_wanted))
        || is_web_token()
}

#[cfg(test)]
mod tests {
    use super::looks_like_credential;

    #[test]
    fn credentials_are_told_from_ids() {
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----\nabc",
            "key=AKIAIOSFODNN7EXAMPLE",
            "ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        ] {
            assert!(looks_like_credential(text), "{text}");
        }
        for text in [
            "vpc-0123456789abcdef0",
            "arn:aws:iam::123456789012:role/AKIA",
            "-----BEGIN CERTIFICATE-----",
            "MAKIAVELLI0123456789ABCD",
        ] {
            assert!(!looks_like_credential(text), "{text}");
        }
    }
}
