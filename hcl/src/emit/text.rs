//! Texts: in quotes, as heredocs, and as comments that nothing breaks out of.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::layout::{Shape, Text, push_indent};
use crate::lex::{is_identifier_part, is_identifier_start};

/// How wide a line of a comment is.
const COMMENT_WIDTH: usize = 100;
/// From how many lines, or escapes of templates, on a text is written so that programs read it in linear time.
///
/// Each line of a heredoc, and each `$${`, is a part of its own to them, and they join parts by copying: terraform 1.11.4
/// reads 8,000 lines in five seconds and 210,000 not in a quarter of an hour, as one text in quotes in nine seconds.
const MANY_PARTS: usize = 1_000;
/// Names that mean something else where a key or the start of a reference stands.
const KEYWORDS: &[&str] = &["false", "for", "if", "in", "null", "true"];

/// A part of a text that is to be written.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Text as it is.
    Text(String),
    /// An expression as it is written, in one line.
    Expression(String),
}

/// Writes a text as a string without interpolation.
///
/// What could be misread in a review (control characters, marks that turn the direction of text) is written as an escape.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    push_inner(out, text, false);
    out.push('"');
}

/// Writes what stands between quotes; `before_expression` tells that an interpolation follows.
fn push_inner(out: &mut String, text: &str, before_expression: bool) {
    let has_many_parts = text.matches("${").count() + text.matches("%{").count() > MANY_PARTS;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => {
                if has_many_parts {
                    push_escape(out, c);
                } else {
                    out.push(c);
                    out.push(c);
                }
            }
            // With the `$` of the interpolation it would be an escape.
            '$' if before_expression && chars.peek().is_none() => push_escape(out, c),
            c if c.is_control() || is_deceptive(c) => push_escape(out, c),
            c => out.push(c),
        }
    }
}

fn push_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    let _ = if code <= 0xffff { write!(out, "\\u{code:04x}") } else { write!(out, "\\U{code:08x}") };
}

/// Tells whether a character is invisible or turns the direction of the text around it.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Writes a text in quotes.
pub(super) fn template(pieces: &[Piece]) -> String {
    let mut out = String::from('"');
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => {
                push_inner(&mut out, text, matches!(pieces.get(index + 1), Some(Piece::Expression(_))));
            }
            Piece::Expression(expression) => {
                let _ = write!(out, "${{{expression}}}");
            }
        }
    }
    out.push('"');
    out
}

/// Writes a text of several lines as a heredoc; `None` where it would not be that text, byte for byte.
///
/// The text begins behind an equal sign on a line with this indentation.
pub(super) fn heredoc(pieces: &[Piece], indent: usize) -> Option<Text> {
    let Some(Piece::Text(last)) = pieces.last() else { return None };
    if !last.ends_with('\n') {
        return None;
    }
    let mut content = String::with_capacity(pieces.iter().map(|piece| piece.len() + 8).sum());
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => {
                let is_before_expression = index + 1 < pieces.len();
                push_raw(&mut content, text, is_before_expression)?;
            }
            Piece::Expression(expression) => {
                let _ = write!(content, "${{{expression}}}");
            }
        }
    }
    if !(2..=MANY_PARTS).contains(&content.matches('\n').count()) {
        return None;
    }
    let marker = marker(&content);
    let lines = || content.split_terminator('\n');
    // A flush heredoc loses the indentation that all its lines have in common. How much that is depends on what counts
    // as a blank, and as one sign: where that could be argued, the lines stand at the margin.
    let is_plain = |line: &str| line.starts_with(|c: char| c.is_ascii() || is_one_wide(c));
    let is_blank = |line: &str| line.chars().all(|c| c == ' ' || c == '\t');
    let is_at_margin = |line: &str| !line.starts_with([' ', '\t']);
    let first_sign = |line: &str| is_plain(line.trim_start_matches([' ', '\t']));
    let is_flush = lines().all(|line| is_blank(line) || first_sign(line))
        && lines().any(|line| !is_blank(line) && is_at_margin(line));
    let mut out = String::with_capacity(content.len() + 64);
    if is_flush {
        let _ = writeln!(out, "<<-{marker}");
        for line in lines() {
            if !is_blank(line) {
                push_indent(&mut out, indent + 1);
            }
            out.push_str(line);
            out.push('\n');
        }
        push_indent(&mut out, indent);
        out.push_str(&marker);
    } else {
        let _ = write!(out, "<<{marker}\n{content}{marker}");
    }
    Some(Text { text: out, shape: Shape::Heredoc })
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Expression(text) => text.len(),
        }
    }
}

/// Writes text of a heredoc, which has no escapes but two; `None` where it would need others.
fn push_raw(out: &mut String, text: &str, before_expression: bool) -> Option<()> {
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => {}
            c if c.is_control() || is_deceptive(c) => return None,
            '$' | '%' if chars.peek() == Some(&'{') => {
                if before == c {
                    return None;
                }
                out.push(c);
            }
            '$' | '%' if before_expression && chars.peek().is_none() => return None,
            _ => {}
        }
        out.push(c);
        before = c;
    }
    Some(())
}

/// Gives a word that no line of the text is.
fn marker(content: &str) -> String {
    let taken: BTreeSet<&str> = content.lines().map(str::trim).filter(|line| line.starts_with("EOT")).collect();
    let numbered = (1_usize..).map(|number| format!("EOT{number}"));
    let mut markers = std::iter::once("EOT".to_owned()).chain(numbered);
    markers.find(|marker| !taken.contains(marker.as_str())).unwrap_or_default()
}

/// Writes a sentence as a comment of one or more lines; what could end the comment or hide in it becomes a blank.
pub(super) fn push_comment(out: &mut String, text: &str) {
    let is_blank = |c: char| c.is_whitespace() || c.is_control() || is_deceptive(c);
    let mut width = 0;
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        let n_chars = word.chars().count();
        if width > 0 && width + 1 + n_chars > COMMENT_WIDTH {
            out.push('\n');
            width = 0;
        }
        if width == 0 {
            out.push('#');
            width = 1;
        }
        out.push(' ');
        out.push_str(word);
        width += 1 + n_chars;
    }
    if width > 0 {
        out.push('\n');
    }
}

/// Tells whether a text is a name: of an argument, a block, a variable.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(is_identifier_start) && text.chars().all(is_identifier_part)
}

/// Tells whether a text is a name that means nothing else at the start of an expression.
pub(super) fn is_plain_name(text: &str) -> bool {
    is_name(text) && text.is_ascii() && !KEYWORDS.contains(&text)
}

/// Writes the key of an object: a name where that is enough.
pub(crate) fn key(name: &str) -> String {
    if is_plain_name(name) {
        return name.to_owned();
    }
    let mut out = String::new();
    let mut plain = String::new();
    out.push('"');
    for c in name.chars() {
        // How wide other characters are is a matter of taste, and equal signs are aligned by width.
        if c.is_ascii() || is_one_wide(c) {
            plain.push(c);
        } else {
            push_inner(&mut out, &std::mem::take(&mut plain), false);
            push_escape(&mut out, c);
        }
    }
    push_inner(&mut out, &plain, false);
    out.push('"');
    out
}

/// Tells whether a character is a letter that never joins another to one sign.
fn is_one_wide(c: char) -> bool {
    let is_of_script = matches!(c, '\u{a0}'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{52f}'
        | '\u{5d0}'..='\u{5ea}' | '\u{621}'..='\u{63a}' | '\u{641}'..='\u{64a}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}');
    is_of_script && c.is_alphanumeric()
}
