//! What Unicode asks of strings, names and their JSON notation.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Returns the text in normalization form C, the only form strings have inside values.
pub fn normalize(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Shortens a prefix to what characters that follow cannot change.
pub(crate) fn safe_prefix(prefix: &str) -> String {
    // The last character may yet combine with the next one.
    let mut characters = prefix.chars();
    characters.next_back();
    normalize(characters.as_str()).into_owned()
}

/// Appends the text as a JSON string, escaped as Go's encoder escapes it.
pub(crate) fn write_json_string(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut plain_from = 0;
    for (at, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..='\u{1f}' => {
                out.push_str(&text[plain_from..at]);
                let code = character as usize;
                out.push_str("\\u00");
                out.push(HEX[code >> 4] as char);
                out.push(HEX[code & 15] as char);
                plain_from = at + 1;
                continue;
            }
            _ => continue,
        };
        out.push_str(&text[plain_from..at]);
        out.push_str(escape);
        plain_from = at + character.len_utf8();
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}
