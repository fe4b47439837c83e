//! Values that are not written: secret by the schema, by their name, or by their shape.

use cty::PathStep;

use super::conclude::Leaf;
use super::{SecretArgument, SecretSource};

/// Words that names of secrets end with, or hold before what says how a secret is given.
const WORDS: &[&str] =
    &["apikey", "credential", "credentials", "passphrase", "passwd", "password", "pwd", "secret", "token"];

/// The same, of two words.
const PAIRS: &[(&str, &str)] = &[
    ("access", "key"),
    ("account", "key"),
    ("api", "key"),
    ("auth", "key"),
    ("client", "key"),
    ("encryption", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("shared", "key"),
    ("signing", "key"),
    ("webhook", "url"),
];

/// Shorter values are no secrets: they are words of a vocabulary.
const MIN_LENGTH: usize = 6;

/// Says whether a value is a secret, and why.
pub(super) fn of(leaf: &Leaf) -> Option<SecretArgument> {
    let secret =
        |is_by_schema| SecretArgument { path: leaf.path.clone(), source: SecretSource::Observed, is_by_schema };
    if leaf.is_sensitive {
        return Some(secret(true));
    }
    let text = leaf.value.as_str()?;
    let named = name(leaf).is_some_and(|name| is_secret_name(&name) && may_be_secret(text));
    (named || is_secret_text(text)).then(|| secret(false))
}

/// Gives the name nearest to the value: the key of a map, else the attribute.
fn name(leaf: &Leaf) -> Option<String> {
    leaf.path.steps().iter().rev().find_map(|step| match step {
        PathStep::GetAttr(name) => Some(name.clone()),
        PathStep::Index(key) => key.as_str().map(str::to_owned),
    })
}

/// Tells whether a name ends in a word for a secret: `db_password`, `API_KEY`, `clientSecret`.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    match words.as_slice() {
        [.., last] if WORDS.contains(&last.as_str()) => true,
        [.., first, second] => PAIRS.contains(&(first.as_str(), second.as_str())),
        _ => false,
    }
}

/// Tells whether a text is or holds a secret, whatever it is called: by its shape, or by the names in a JSON text.
pub fn is_secret_text(text: &str) -> bool {
    is_secret_shape(text) || holds_secret(text)
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        let is_break = !character.is_alphanumeric();
        if is_break || (character.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = character.is_lowercase() || character.is_numeric();
        if !is_break {
            if let Some(word) = words.last_mut() {
                word.extend(character.to_lowercase());
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Tells whether a value under a secret's name can be the secret itself, rather than a word or where it lies.
fn may_be_secret(text: &str) -> bool {
    let is_word = text.chars().all(|character| character.is_ascii_lowercase());
    let is_reference = text.starts_with("arn:")
        || text.starts_with("projects/")
        || text.starts_with('/')
        || text.starts_with("${")
        || text.starts_with("{{");
    text.len() >= MIN_LENGTH && !(is_word && text.len() < 20) && !is_reference
}

/// Tells whether a text is a secret whatever it is called.
fn is_secret_shape(text: &str) -> bool {
    let is_private_key = text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----");
    is_private_key || is_web_token(text) || is_known_token(text)
}

/// Tells whether a text is a JSON web token.
fn is_web_token(text: &str) -> bool {
    let is_base64 = |part: &str| {
        part.len() > 8 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let parts: Vec<&str> = text.split('.').collect();
    text.starts_with("eyJ") && parts.len() == 3 && parts.iter().all(|part| is_base64(part))
}

/// Tells whether a text begins as the tokens of well-known services do.
fn is_known_token(text: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xapp-",
        "sk_live_",
        "rk_live_",
        "npm_",
        "pypi-",
    ];
    PREFIXES.iter().any(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= 16 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        })
    })
}

/// Tells whether a JSON text holds a secret under a secret's name, or a secret's shape anywhere.
fn holds_secret(text: &str) -> bool {
    if !text.starts_with(['{', '[']) {
        return false;
    }
    let Ok(value) = cty::json::decode_implied(text.as_bytes()) else { return false };
    let mut is_found = false;
    cty::walk(&value, |path, value| {
        if let Some(text) = value.as_str() {
            let leaf = Leaf { path: path.clone(), value: value.clone(), is_sensitive: false };
            let is_named = name(&leaf).is_some_and(|name| is_secret_name(&name) && is_token(text));
            is_found |= is_named || is_secret_shape(text);
        }
        // Pairs of a name and a value, as containers have their environment.
        let of = |name: &str| value.get_attr(name).ok().and_then(|value| value.as_str().map(str::to_owned));
        if value.ty().as_object().is_some() {
            if let (Some(name), Some(text)) = (of("name").or_else(|| of("Name")), of("value").or_else(|| of("Value"))) {
                is_found |= is_secret_name(&name) && may_be_secret(&text);
            }
        }
        !is_found
    });
    is_found
}

/// Tells whether a text in a document is rather a token than a word.
fn is_token(text: &str) -> bool {
    let has = |is: fn(char) -> bool| text.chars().any(is);
    may_be_secret(text)
        && text.len() >= 12
        && !text.contains(' ')
        && has(|character| character.is_ascii_digit())
        && has(|character| character.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_value_give_it_away() {
        let path = Path::new().attr("environment");
        let value = |name: &str, text: &str| Value::object([(name.to_owned(), Value::string(text))].into());
        let looks_secret = |value: &Value| super::super::looks_secret(&path, value);
        assert!(looks_secret(&value("DB_PASSWORD", "c0rrect-horse")));
        assert!(!looks_secret(&value("DB_HOST", "c0rrect-horse")));
        assert!(!looks_secret(&Value::null(cty::Type::String)));
    }
    use cty::{Path, Value};

    fn is_secret(name: &str, text: &str) -> bool {
        let leaf = Leaf { path: Path::new().attr(name), value: Value::string(text), is_sensitive: false };
        of(&leaf).is_some()
    }

    #[test]
    fn names_and_shapes_give_secrets_away() {
        for (name, text) in [
            ("password", "hunter2!"),
            ("DB_PASSWORD", "correct horse battery staple"),
            ("clientSecret", "Zm9vYmFy"),
            ("api_key", "0123456789"),
            ("api_key", "correct-horse-two"),
            ("anything", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"),
            ("anything", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"),
            ("definitions", r#"[{"environment":[{"name":"DB_PASSWORD","value":"hunter2!"}]}]"#),
            ("settings", r#"{"token":"a1b2c3d4e5f6g7h8"}"#),
        ] {
            assert!(is_secret(name, text), "{name} = {text}");
        }
        for (name, text) in [
            ("http_tokens", "required"),
            ("token", "required"),
            ("secret", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x"),
            ("password_policy", "Very-Strong-1"),
            ("kms_key_id", "0123456789abcdef"),
            ("name", "my-password"),
            ("policy", r#"{"Version":"2012-10-17","Statement":[{"Action":"secretsmanager:GetSecretValue"}]}"#),
        ] {
            assert!(!is_secret(name, text), "{name} = {text}");
        }
    }
}
