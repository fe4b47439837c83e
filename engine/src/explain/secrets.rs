//! What of an explanation must not be shown: what is marked or called sensitive, what has a secret's name, and what looks
//! like one. Rather too much is hidden than too little.

use cty::{Path, PathStep, Value};
use drift::adopt::search::{is_secret_name, is_secret_text};
use hcl::trace::without_literals;
use model::TraceStep;

use crate::evaluation::guarded;

/// Hides in a trace what must not be shown.
pub(super) fn hide(step: &mut TraceStep, is_sensitive: bool) {
    spread(step, is_sensitive);
}

/// Hides a step and what it is made of; tells whether it is sensitive.
fn spread(step: &mut TraceStep, is_sensitive: bool) -> bool {
    step.value = step.value.take().map(|value| guarded(&value));
    let is_own = is_sensitive
        || step.value.as_ref().is_some_and(Value::is_sensitive)
        || is_secret_step(step)
        || step.value.as_ref().and_then(Value::as_str).is_some_and(looks_secret);
    let mut is_tainted = is_own;
    for inner in &mut step.inner {
        // What merely decides over a value is not in it.
        let is_inside = inner.role.as_deref().is_none_or(|role| !DECIDES.contains(&role));
        is_tainted |= spread(inner, is_own) && is_inside;
    }
    if let Some(value) = step.value.take() {
        step.value = Some(if is_tainted { secret(&value) } else { without_secrets(&value) });
    }
    if let Some(source) = step.source.take() {
        let hides = is_tainted || names_secret(&source) || is_secret_text(&source);
        step.source = Some(if hides { without_literals(&source) } else { source });
    }
    if is_tainted && step.note.as_ref().is_some_and(|note| note.contains('"')) {
        step.note = step.note.take().map(|note| without_literals(&note));
    }
    is_tainted
}

/// The roles of what is not in the value itself.
const DECIDES: &[&str] = &["the condition", "the key", "the index", "for_each", "count"];

/// Marks a value as sensitive; null and truth values are none.
fn secret(value: &Value) -> Value {
    let is_harmless = value.is_null() || (value.as_bool().is_some() && !value.is_sensitive());
    if is_harmless { value.clone() } else { value.mark_sensitive() }
}

/// Tells whether a step has the name of a secret: its own, or that of what is looked at in it.
fn is_secret_step(step: &TraceStep) -> bool {
    use model::TraceKind as Kind;
    let is_of_code = !matches!(step.kind, Kind::Function | Kind::ProviderFunction | Kind::Module | Kind::Dynamic);
    // The type and the name of a resource say nothing of its attributes.
    let has_name = is_of_code && !matches!(step.kind, Kind::Resource | Kind::Data);
    let name = step.name.as_deref().filter(|_| has_name).map(|name| match step.kind {
        Kind::ModuleArgument => name.split(' ').next().unwrap_or_default(),
        _ => name.trim_end_matches(']').rsplit(['.', '[']).next().unwrap_or_default().trim_matches('"'),
    });
    let inner = last_name(&step.path);
    match inner {
        Some(inner) => is_secret_name(&inner) || name.is_some_and(is_secret_name),
        None => name.is_some_and(is_secret_name),
    }
}

pub(crate) fn last_name(path: &Path) -> Option<String> {
    path.steps().iter().rev().find_map(|step| match step {
        PathStep::GetAttr(name) => Some(name.clone()),
        PathStep::Index(key) => key.as_str().map(str::to_owned),
    })
}

/// Marks what is secret inside of a value by its name or its looks.
pub(crate) fn without_secrets(value: &Value) -> Value {
    let found = cty::transform(value, |path, part| {
        let is_text = part.as_str().is_some();
        let is_named = is_text && last_name(path).is_some_and(|name| is_secret_name(&name));
        let is_pair = is_secret_pair(&part);
        let is_secret = is_named || is_pair || part.as_str().is_some_and(looks_secret);
        Ok(if is_secret { part.mark_sensitive() } else { part })
    });
    found.unwrap_or_else(|_| value.mark_sensitive())
}

/// Tells whether an object is a pair of a name and a secret, as containers have their environment.
fn is_secret_pair(value: &Value) -> bool {
    let entry = |wanted: &str| {
        let found = value.entries().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, found)| found.as_str().map(str::to_owned))
    };
    entry("value").is_some() && entry("name").or_else(|| entry("key")).is_some_and(|name| is_secret_name(&name))
}

/// Tells whether a text is a secret by its shape, or has one behind a secret's name.
pub(crate) fn looks_secret(text: &str) -> bool {
    is_secret_text(text) || is_secret_text(text.trim()) || has_credentials(text) || assigns_secret(text)
}

/// Tells whether a text is an address with a password in it.
fn has_credentials(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', ' ']).next().unwrap_or_default();
        authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Tells whether a text gives something with a secret's name a value: `DB_PASSWORD=…`, `"password": …`.
fn assigns_secret(text: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    text.match_indices(['=', ':']).any(|(at, _)| {
        let before = text[..at].trim_end_matches([' ', '"', '\'', '\\', '\t']);
        let start = before
            .rfind(|character| !is_word(character))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        is_secret_name(&before[start..]) && !text[at + 1..].trim().is_empty()
    })
}

/// Tells whether an expression has a secret's name anywhere.
pub(crate) fn names_secret(source: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    source.split(|character| !is_word(character)).any(is_secret_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_texts_are_seen() {
        for text in [
            "DB_PASSWORD=hunter2",
            "{\"password\": \"hunter2\"}",
            "export API_KEY = abc",
            "postgres://admin:hunter2@db/x",
            "password: hunter2",
        ] {
            assert!(looks_secret(text), "{text}");
        }
        for text in
            ["https://example.org/a:b", "a=b", "arn:aws:iam::1:role/x", "password", "10.0.0.0/16", "token bucket"]
        {
            assert!(!looks_secret(text), "{text}");
        }
    }

    #[test]
    fn parts_with_a_secrets_name_are_hidden() {
        let value = Value::object(
            [("user".to_owned(), Value::string("a")), ("password".to_owned(), Value::string("b"))].into(),
        );
        assert_eq!(without_secrets(&value).to_string(), "{password = (sensitive), user = \"a\"}");
        let pair = Value::object(
            [("name".to_owned(), Value::string("DB_PASSWORD")), ("value".to_owned(), Value::string("b"))].into(),
        );
        assert_eq!(without_secrets(&pair).to_string(), "(sensitive)");
    }
}
