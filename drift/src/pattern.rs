//! Patterns: `*` is any run of characters, `?` any one character, everything else is itself.
//!
//! Addresses are full of brackets and quotes, which other glob languages give a meaning; here
//! `aws_sqs_queue.q["a"]` matches just itself.

use std::fmt;

/// Matches text.
///
/// Shape: `*` and `?`; `\` before one of these or before itself takes it literally.
///
/// ```
/// use drift::Pattern;
/// assert!(Pattern::new(r#"module.*.aws_sqs_queue.q["*"]"#).matches(r#"module.a.aws_sqs_queue.q["b"]"#));
/// assert!(!Pattern::new("aws_iam_*").matches("aws_instance"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Literal(char),
    One,
    Any,
}

impl Pattern {
    /// Reads a pattern; every text is one.
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let part = match c {
                '*' if parts.last() == Some(&Part::Any) => continue,
                '*' => Part::Any,
                '?' => Part::One,
                '\\' => Part::Literal(chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\')),
                literal => Part::Literal(literal),
            };
            parts.push(part);
        }
        Self { text: text.to_owned(), parts }
    }

    /// Tells whether the pattern matches all of the text.
    ///
    /// Takes at most the product of both lengths in steps.
    pub fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut position = 0;
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.parts.get(position) {
                Some(Part::Any) => {
                    position += 1;
                    retry = Some((position, rest.clone()));
                    continue;
                }
                Some(part) => {
                    let mut ahead = rest.clone();
                    if let Some(c) = ahead.next() {
                        if *part == Part::One || *part == Part::Literal(c) {
                            rest = ahead;
                            position += 1;
                            continue;
                        }
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after_any, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            position = *after_any;
            rest = from.clone();
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Matches a tag: `KEY` or `KEY=VALUE`, both patterns.
///
/// ```
/// use drift::TagPattern;
/// assert!(TagPattern::new("team=platform-*").matches("team", "platform-core"));
/// assert!(TagPattern::new("aws:*").matches("aws:cloudformation:stack-name", "x"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPattern {
    key: Pattern,
    value: Option<Pattern>,
}

impl TagPattern {
    /// Reads a pattern; every text is one. The first `=` ends the key.
    pub fn new(text: &str) -> Self {
        match text.split_once('=') {
            Some((key, value)) => Self { key: Pattern::new(key), value: Some(Pattern::new(value)) },
            None => Self { key: Pattern::new(text), value: None },
        }
    }

    /// Tells whether the pattern matches a tag.
    pub fn matches(&self, key: &str, value: &str) -> bool {
        self.key.matches(key) && self.value.as_ref().is_none_or(|pattern| pattern.matches(value))
    }
}

impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.key),
            None => self.key.fmt(f),
        }
    }
}

/// Finds the word that was probably meant: at most a third of it was mistyped.
pub(crate) fn nearest<'w>(typed: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let typed: Vec<char> = typed.chars().take(64).collect();
    words
        .map(|word| (distance(&typed, word), word))
        .filter(|(distance, word)| *distance <= word.len().div_ceil(3))
        .min()
        .map(|(_, word)| word)
}

/// Counts the characters to insert, remove or replace.
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (position, wanted) in to.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], position + 1);
        for (column, typed) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(*typed != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_run_and_the_rest_is_literal() {
        let check = |pattern: &str, text: &str, expect: bool| {
            assert_eq!(Pattern::new(pattern).matches(text), expect, "{pattern} on {text}");
        };
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("**", "a.b", true);
        check("a*b*c", "a.b.b.c", true);
        check("a*b*c", "a.b.b.d", false);
        check("*.b", "a.b.b", true);
        check("?", "é", true);
        check("?", "", false);
        check("a[0]", "a[0]", true);
        check("a[0]", "a0", false);
        check(r"a\*", "a*", true);
        check(r"a\*", "ab", false);
        check(r"a\b", r"a\b", true);
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = Pattern::new(&"a*".repeat(200));
        assert!(!pattern.matches(&"ab".repeat(150)));
    }
}
