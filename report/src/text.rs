//! Foreign text in our output: nothing that was read from a cloud or a state may steer a terminal or a web page.

use std::borrow::Cow;
use std::io;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Makes text harmless on one line of a terminal, and of the log of a CI run: control characters, line breaks and what
/// turns or hides other characters are written as escapes, and so is what a GitHub workflow takes for a command.
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) && !text.contains("::") && !text.contains("##[") {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for (start, c) in text.char_indices() {
        if is_command(text, start) {
            escaped.push_str(&c.escape_unicode().to_string());
            continue;
        }
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if is_harmful(c) => escaped.push_str(&c.escape_unicode().to_string()),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Tells whether a command to a GitHub workflow may begin here: `::error` where a line may begin, `##[error]` anywhere.
fn is_command(text: &str, start: usize) -> bool {
    let rest = &text[start..];
    let may_begin_line = || text[..start].chars().next_back().is_none_or(char::is_whitespace);
    let is_first = || rest.starts_with("::") && rest[2..].starts_with(|c: char| c.is_ascii_alphabetic());
    rest.starts_with("##[") || is_first() && may_begin_line()
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{61c}')
}

/// Takes JSON text and writes what would steer a terminal or a workflow as escapes of JSON: its value stays the same.
pub(crate) struct HarmlessJson<'a> {
    out: &'a mut dyn io::Write,
    /// Whether a `#` was the last that came: with another one a command to a workflow may begin.
    is_behind_hash: bool,
}

impl<'a> HarmlessJson<'a> {
    pub(crate) fn new(out: &'a mut dyn io::Write) -> Self {
        Self { out, is_behind_hash: false }
    }
}

impl io::Write for HarmlessJson<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let is_plain = text.is_ascii() && !text.iter().any(|byte| matches!(byte, 0x7f | b'#'));
        match std::str::from_utf8(text) {
            // Outside texts JSON has none of these characters, and within them none follows a backslash.
            Ok(json) if !is_plain => {
                let mut escaped = String::with_capacity(json.len() + 16);
                for c in json.chars() {
                    let is_second_hash = c == '#' && self.is_behind_hash;
                    self.is_behind_hash = c == '#';
                    if is_second_hash || is_harmful(c) && !c.is_ascii_whitespace() {
                        for unit in c.encode_utf16(&mut [0; 2]) {
                            escaped.push_str(&format!("\\u{unit:04x}"));
                        }
                    } else {
                        escaped.push(c);
                    }
                }
                self.out.write_all(escaped.as_bytes())?;
            }
            _ => {
                self.is_behind_hash = false;
                self.out.write_all(text)?;
            }
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Counts the columns that text takes in a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Shortens text to so many columns, with `…` where it was cut.
pub fn shorten(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let own = c.width().unwrap_or(0);
        if taken + own + 1 > columns {
            break;
        }
        taken += own;
        kept.push(c);
    }
    kept.push('…');
    Cow::Owned(kept)
}

/// Makes text harmless in Markdown that GitHub or GitLab renders, in a table cell too: no markup, no HTML, no links, no
/// mentions.
pub fn escape_markdown(text: &str) -> String {
    let text = escape_controls(text);
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let after = rest.clone().next().unwrap_or(' ');
        let is_markup = match c {
            '&' | '<' | '>' | '|' | '`' | '*' | '[' | ']' | '~' | '@' | '#' | '\\' | '!' | '$' => true,
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            ':' => after == '/',
            '.' => before.eq_ignore_ascii_case(&'w'),
            _ => false,
        };
        if is_markup {
            escaped.push_str("&#");
            escaped.push_str(&(c as u32).to_string());
            escaped.push(';');
            // Forges look for mentions and references in what was rendered: only a character between stops them.
            if matches!(c, '@' | '#') {
                escaped.push_str("&#8203;");
            }
        } else {
            escaped.push(c);
        }
        before = c;
    }
    escaped
}

/// Gives a fence that no run of backticks in the text can close.
pub fn fence_for(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat((longest + 1).max(3))
}

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Writes a count with its word: `1 group`, `2 groups`.
pub(crate) fn count(number: u64, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_steered() {
        assert_eq!(escape_controls("a\u{1b}[31mb\u{9b}c\nd"), "a\\u{1b}[31mb\\u{9b}c\\nd");
        assert_eq!(escape_controls("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
        assert_eq!(escape_controls("größe 日本"), "größe 日本");
    }

    #[test]
    fn workflows_get_no_commands() {
        assert_eq!(escape_controls("::error::x"), "\\u{3a}:error::x");
        assert_eq!(escape_controls("a ::stop-commands::x"), "a \\u{3a}:stop-commands::x");
        assert_eq!(escape_controls("a ###[add-matcher]x"), "a #\\u{23}#[add-matcher]x");
        assert_eq!(escape_controls("arn:aws:iam::1:role \"::/0\" ::/0"), "arn:aws:iam::1:role \"::/0\" ::/0");
    }

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(shorten("日本語", 6), "日本語");
        assert_eq!(shorten("日本語", 5), "日本…");
        assert_eq!(shorten("日本語", 4), "日…");
        assert_eq!(shorten("abc", 0), "…");
    }

    #[test]
    fn markdown_is_not_steered() {
        assert_eq!(escape_markdown("aws_vpc.main"), "aws_vpc.main");
        assert_eq!(escape_markdown("a|b"), "a&#124;b");
        assert_eq!(escape_markdown("<img>@team #1"), "&#60;img&#62;&#64;&#8203;team &#35;&#8203;1");
        assert_eq!(escape_markdown("https://x www.y"), "https&#58;//x www&#46;y");
        assert_eq!(escape_markdown("_a_"), "&#95;a&#95;");
    }

    #[test]
    fn fences_outlast_what_they_hold() {
        assert_eq!(fence_for("a"), "```");
        assert_eq!(fence_for("a ```` b"), "`````");
    }
}
