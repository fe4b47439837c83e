//! Quoting and scanning shared by the address types.

use std::fmt;

/// Writes text as the quoted string terraform prints for an instance key.
pub(crate) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '$' | '%' if chars.peek() == Some(&'{') => write!(f, "{c}{c}")?,
            c if is_printable(c) => write!(f, "{c}")?,
            c if (c as u32) < 0x1_0000 => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "\\U{:08x}", c as u32)?,
        }
    }
    f.write_str("\"")
}

/// Tells whether terraform prints the character as it is: letters, marks, numbers, punctuation, symbols and the space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Behind another character, `escape_debug` leaves alone exactly what is printable.
    let mut buffer = [b'x'; 5];
    let length = 1 + c.encode_utf8(&mut buffer[1..]).len();
    let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}

/// Reads a quoted string at the start of `input`, giving its text and what follows the closing quote.
///
/// Returns `None` where the string does not close or holds an escape that does not exist.
pub(crate) fn read_quoted(input: &str) -> Option<(String, &str)> {
    let mut rest = input.strip_prefix('"')?;
    let mut text = String::new();
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => return Some((text, rest)),
            '\\' => {
                let escape = rest.chars().next()?;
                rest = &rest[escape.len_utf8()..];
                match escape {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    '"' => text.push('"'),
                    '\\' => text.push('\\'),
                    'u' | 'U' => {
                        let n_digits = if escape == 'u' { 4 } else { 8 };
                        let digits = rest.get(..n_digits)?;
                        text.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
                        rest = &rest[n_digits..];
                    }
                    _ => return None,
                }
            }
            '$' | '%' if rest.starts_with(&format!("{c}{{")) => {
                text.push(c);
                text.push('{');
                rest = &rest[2..];
            }
            c => text.push(c),
        }
    }
}

/// Tells whether the text is an identifier of the configuration language: a letter or `_`, then letters, digits, `_`, `-`.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c == '-' || c.is_alphanumeric())
}

/// Splits an identifier off the start of `input`; `None` where there is none.
pub(crate) fn read_identifier(input: &str) -> Option<(&str, &str)> {
    let end = input.find(|c: char| !(c == '_' || c == '-' || c.is_alphanumeric())).unwrap_or(input.len());
    let (identifier, rest) = input.split_at(end);
    is_identifier(identifier).then_some((identifier, rest))
}
