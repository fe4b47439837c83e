//! Comments in the code that say what to ignore where they stand.
//!
//! ```hcl
//! # driftmgr:ignore tags["LastScan"] reason="the scanner writes it" owner=security until=2027-01-31
//! resource "aws_instance" "web" {
//!   # driftmgr:ignore reason="operators resize it by hand"
//!   instance_type = "t3.large"
//! }
//! ```

use jiff::civil::Date;
use model::{Diagnostic, Kind, Span};

use super::{CommentedBlock, Rule, RuleOrigin};
use crate::Pattern;
use crate::pattern::nearest;

/// What such a comment begins with.
pub const COMMENT_MARKER: &str = "driftmgr:ignore";

const CODE: &str = "ignore-comment";
const KEYS: &[&str] = &["reason", "owner", "until"];

/// Reads a comment, without `#` or `//`; `None` where it is about something else.
///
/// Shape: the marker, kinds of findings or attribute paths, and `reason=`, `owner=` and `until=`, in any order, separated by
/// blanks; texts with blanks stand in quotes, in which `\` takes the next character literally.
///
/// `blocks` are where the block is that the comment is at; `argument` is the path of an argument it is at, or of a nested
/// block: then it needs no path of its own.
///
/// # Errors
/// A warning that names what is wrong: the comment ignores nothing.
pub fn parse_comment(
    text: &str,
    blocks: Vec<CommentedBlock>,
    argument: Option<&str>,
    span: Span,
) -> Option<Result<Rule, Box<Diagnostic>>> {
    let rest = text.trim_start().strip_prefix(COMMENT_MARKER)?;
    if rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-')) {
        return Some(Err(warning("Unknown comment for driftmgr", format!("Only `{COMMENT_MARKER}` is known."), span)));
    }
    Some(read(rest.strip_prefix(':').unwrap_or(rest), blocks, argument, span))
}

fn read(text: &str, blocks: Vec<CommentedBlock>, argument: Option<&str>, span: Span) -> Result<Rule, Box<Diagnostic>> {
    let fail = |summary: &str, detail: String| Err(warning(summary, detail, span.clone()));
    let words = match words(text) {
        Ok(words) => words,
        Err(open) => return fail("A quote is not closed", format!("The text from {open:?} on has no closing quote.")),
    };
    let (mut kinds, mut paths) = (Vec::new(), Vec::new());
    let mut values: [Option<String>; 3] = [None, None, None];
    for word in words {
        let Word { key, text } = word;
        let Some(key) = key else {
            match Kind::from_word(&text) {
                Some(kind) => kinds.push(kind),
                None => paths.push(text),
            }
            continue;
        };
        let Some(position) = KEYS.iter().position(|known| *known == key) else {
            let near = match key.as_str() {
                "expires" => Some("until"),
                key => nearest(key, KEYS.iter().copied()),
            };
            let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
            return fail("Unknown key in a comment", format!("{key:?} is none of {}.{near}", KEYS.join(", ")));
        };
        if values[position].replace(text).is_some() {
            return fail("A key is given twice", format!("`{key}` stands in the comment twice."));
        }
    }
    let [reason, owner, until] = values;
    let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) else {
        return fail("A comment has no reason", "Every comment must say why it is there: reason=\"…\".".to_owned());
    };
    let expires = match until.as_deref().map(str::parse::<Date>) {
        Some(Err(_)) => return fail("Not a date", "`until` is a day such as 2026-12-31.".to_owned()),
        date => date.and_then(Result::ok),
    };
    if let Some(argument) = argument {
        if !paths.is_empty() {
            let detail = format!(
                "At {argument} the comment is about that alone; {:?} is no kind of finding. Put it above the block of the \
                 resource to name attributes.",
                paths[0]
            );
            return fail("A comment at an argument names another", detail);
        }
        paths.push(argument.to_owned());
    }
    Ok(Rule {
        origin: RuleOrigin::Comment(blocks),
        kinds,
        addresses: Vec::new(),
        types: Vec::new(),
        ids: Vec::new(),
        tags: Vec::new(),
        paths: paths.iter().map(|path| Pattern::new(path)).collect(),
        reason,
        owner,
        expires,
        span,
    })
}

fn warning(summary: &str, detail: String, span: Span) -> Box<Diagnostic> {
    let detail = format!("{detail} The comment ignores nothing.");
    Box::new(Diagnostic::warning(CODE, summary, detail).at_span(span))
}

struct Word {
    key: Option<String>,
    text: String,
}

/// Splits at blanks that are neither in quotes nor in brackets.
///
/// # Errors
/// What stands from a quote on that is not closed.
fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_separator);
    while !rest.is_empty() {
        let end_of_name = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end_of_name > 0 && rest[end_of_name..].starts_with('=') {
            let key = rest[..end_of_name].to_owned();
            let value = &rest[end_of_name + 1..];
            let text = if value.starts_with('"') {
                let (text, after) = quoted(value).ok_or_else(|| value.to_owned())?;
                rest = after;
                text
            } else {
                let end = value.find(is_separator).unwrap_or(value.len());
                rest = &value[end..];
                value[..end].to_owned()
            };
            words.push(Word { key: Some(key), text });
        } else {
            let end = end_of_path(rest).ok_or_else(|| rest.to_owned())?;
            words.push(Word { key: None, text: rest[..end].to_owned() });
            rest = &rest[end..];
        }
        rest = rest.trim_start_matches(is_separator);
    }
    Ok(words)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c == ','
}

/// Reads a text in quotes; gives what follows, too.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut found = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((found, &text[at + 1..])),
            '\\' => found.push(characters.next()?.1),
            c => found.push(c),
        }
    }
    None
}

/// Finds where a path ends: keys stand in quotes and elements in brackets, and may hold blanks.
fn end_of_path(text: &str) -> Option<usize> {
    let (mut n_open, mut is_quoted) = (0usize, false);
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' if is_quoted => drop(characters.next()),
            '"' => is_quoted = !is_quoted,
            '[' | '{' if !is_quoted => n_open += 1,
            ']' | '}' if !is_quoted => n_open = n_open.saturating_sub(1),
            c if is_separator(c) && !is_quoted && n_open == 0 => return Some(at),
            _ => {}
        }
    }
    (!is_quoted).then_some(text.len())
}
