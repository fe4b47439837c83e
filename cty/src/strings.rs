//! What Unicode asks of strings, names and their JSON notation.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use unicode_normalization::char::{canonical_combining_class, compose};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_segmentation::UnicodeSegmentation;

/// Returns the text in normalization form C, the only form strings have inside values.
pub fn normalize(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Normalizes a prefix and shortens it to what characters that follow cannot change, as go-cty does.
///
/// A last character that may combine with the next one goes; so does the last grapheme cluster, unless it is one of
/// the delimiters that no cluster rule joins to what follows.
pub(crate) fn safe_prefix(prefix: &str) -> String {
    const DELIMITERS: &str = "-_:;/\\,.(){}[]|?!~ \t@#$%^&*+\"'";
    let prefix = normalize(prefix);
    if prefix.chars().next_back().is_some_and(|last| !is_inert(last)) {
        if let Some((start, _)) = prefix.char_indices().rev().find(|(_, character)| is_starter(*character)) {
            return prefix[..start].to_owned();
        }
    }
    let mut clusters = prefix.grapheme_indices(true);
    // go-cty's scanner stops at a lone line break, as if more of it might follow.
    let stop = clusters.clone().find(|(_, cluster)| matches!(*cluster, "\n" | "\r")).or_else(|| clusters.next_back());
    match stop {
        Some((start, last)) if !(last.chars().count() == 1 && DELIMITERS.contains(last)) => prefix[..start].to_owned(),
        _ => prefix.into_owned(),
    }
}

/// Tells whether nothing that may follow changes the character or moves past it when normalized.
fn is_inert(character: char) -> bool {
    is_starter(character)
        && character.nfd().eq([character])
        && !COMBINING_BACKWARD.iter().flat_map(Clone::clone).any(|next| compose(character, next).is_some())
}

/// Tells whether the character starts anew when normalized, whatever is before it.
fn is_starter(character: char) -> bool {
    character.nfd().next().is_none_or(|first| canonical_combining_class(first) == 0)
        && is_nfc_quick(std::iter::once(character)) != IsNormalized::Maybe
}

/// Are the characters that may combine with the one before them.
///
/// Source: `NFC_Quick_Check=Maybe` in the Unicode Character Database; a test derives the same from the tables of
/// `unicode-normalization`.
const COMBINING_BACKWARD: &[RangeInclusive<char>] = &[
    '\u{300}'..='\u{304}',
    '\u{306}'..='\u{30c}',
    '\u{30f}'..='\u{30f}',
    '\u{311}'..='\u{311}',
    '\u{313}'..='\u{314}',
    '\u{31b}'..='\u{31b}',
    '\u{323}'..='\u{328}',
    '\u{32d}'..='\u{32e}',
    '\u{330}'..='\u{331}',
    '\u{338}'..='\u{338}',
    '\u{342}'..='\u{342}',
    '\u{345}'..='\u{345}',
    '\u{653}'..='\u{655}',
    '\u{93c}'..='\u{93c}',
    '\u{9be}'..='\u{9be}',
    '\u{9d7}'..='\u{9d7}',
    '\u{b3e}'..='\u{b3e}',
    '\u{b56}'..='\u{b57}',
    '\u{bbe}'..='\u{bbe}',
    '\u{bd7}'..='\u{bd7}',
    '\u{c56}'..='\u{c56}',
    '\u{cc2}'..='\u{cc2}',
    '\u{cd5}'..='\u{cd6}',
    '\u{d3e}'..='\u{d3e}',
    '\u{d57}'..='\u{d57}',
    '\u{dca}'..='\u{dca}',
    '\u{dcf}'..='\u{dcf}',
    '\u{ddf}'..='\u{ddf}',
    '\u{102e}'..='\u{102e}',
    '\u{1161}'..='\u{1175}',
    '\u{11a8}'..='\u{11c2}',
    '\u{1b35}'..='\u{1b35}',
    '\u{3099}'..='\u{309a}',
    '\u{110ba}'..='\u{110ba}',
    '\u{11127}'..='\u{11127}',
    '\u{1133e}'..='\u{1133e}',
    '\u{11357}'..='\u{11357}',
    '\u{113b8}'..='\u{113b8}',
    '\u{113bb}'..='\u{113bb}',
    '\u{113c2}'..='\u{113c2}',
    '\u{113c5}'..='\u{113c5}',
    '\u{113c7}'..='\u{113c9}',
    '\u{114b0}'..='\u{114b0}',
    '\u{114ba}'..='\u{114ba}',
    '\u{114bd}'..='\u{114bd}',
    '\u{115af}'..='\u{115af}',
    '\u{11930}'..='\u{11930}',
    '\u{1611e}'..='\u{16129}',
    '\u{16d67}'..='\u{16d68}',
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_combine_backward_are_those_of_the_tables() {
        let maybe: Vec<char> =
            ('\0'..=char::MAX).filter(|c| is_nfc_quick(std::iter::once(*c)) == IsNormalized::Maybe).collect();
        let listed: Vec<char> = COMBINING_BACKWARD.iter().flat_map(Clone::clone).collect();
        assert_eq!(listed, maybe);
    }
}
