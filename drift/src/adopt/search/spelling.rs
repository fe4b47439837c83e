//! JSON in text, as `jsonencode` spells it.

use cty::{Value, json};

/// Longer texts stay as they are: nobody reads them as configuration.
const MAX_LENGTH: usize = 1 << 20;

/// Gives a text that holds a JSON object or array as `jsonencode` spells what it says; nothing where the text is none, or
/// is empty braces: those are read more easily as they are.
pub(super) fn encoded(text: &str) -> Option<Value> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) || text.len() > MAX_LENGTH {
        return None;
    }
    let value = json::decode_implied(text.as_bytes()).ok().filter(|value| !value.is_empty())?;
    let bytes = json::encode(&value, value.ty()).ok()?;
    String::from_utf8(bytes).ok().map(Value::string)
}

/// Gives the spelling of `jsonencode` where it differs.
pub(super) fn respell(text: &str) -> Option<Value> {
    encoded(text).filter(|encoded| encoded.as_str() != Some(text))
}

/// Gives the address of a host with the scheme that some providers want and do not read back.
pub(super) fn with_scheme(text: &str) -> Option<Value> {
    let is_host = text.contains('.') && !text.contains("://") && !text.contains(char::is_whitespace);
    is_host.then(|| Value::string(format!("https://{text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_spelled_as_jsonencode_does() {
        let check = |text: &str| encoded(text).map(|value| value.as_str().unwrap_or_default().to_owned());
        assert_eq!(
            check(r#"{ "b": 1.50, "a": ["<x>", null] }"#).as_deref(),
            Some(r#"{"a":["\u003cx\u003e",null],"b":1.5}"#)
        );
        assert_eq!((check("[]"), check("{ }")), (None, None));
        assert_eq!(check("{not json}"), None);
        assert_eq!(check("\"text\""), None);
        assert_eq!(respell("[]"), None);
    }
}
