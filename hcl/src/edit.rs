//! Edits of a file: bytes spliced in at places, and everything else as it was.
//!
//! An edit is made for a [`File`] as it was read, and applied to its bytes if they are still the same. Edits of one file
//! compose: they may be collected from anywhere, and are refused where two of them touch the same bytes.

mod comments;
mod inside;

use std::ops::Range;

use crate::lex::{self, Token, TokenKind};
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, File};

pub use comments::with_aligned_comments;
pub use inside::set_inside;

/// A change to a file: what stands at some places instead of what stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    splices: Vec<(Range<usize>, String)>,
}

/// Says why a file cannot be edited so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditProblem {
    /// The new text is not what must stand there.
    #[error("the new text is no {what}: {reason}")]
    Text {
        /// What must stand there.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The place is in a file that is JSON, or in one with mistakes at that place.
    #[error("the file cannot be edited there: {reason}")]
    Place {
        /// What stands in the way.
        reason: &'static str,
    },
    /// Two edits change the same bytes.
    #[error("two edits change the bytes from {} to {}", .0.start, .0.end)]
    Overlap(Range<usize>),
    /// The file is not what it was when it was read.
    #[error("the file has changed since it was read; read it again")]
    Changed,
}

impl Edit {
    /// Gives the places that change, in bytes of the file, with what stands there then; in order.
    pub fn splices(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.splices.iter().map(|(range, text)| (range.clone(), text.as_str()))
    }
}

/// Replaces the expression of an argument.
///
/// ```
/// use hcl::{File, edit};
/// let (file, _) = File::parse("main.tf", "a   = 1 # one\r\nbcd = 2\r\n");
/// let edit = edit::replace(&file, &file.body.attributes[0], "[\n  3,\n]")?;
/// assert_eq!(edit::apply(&file, file.bytes(), &[edit])?, b"a   = [\r\n  3,\r\n] # one\r\nbcd = 2\r\n");
/// # Ok::<(), edit::EditProblem>(())
/// ```
///
/// # Errors
/// Where the text is no expression, or the file is JSON.
pub fn replace(file: &File, attribute: &AttributeSyntax, expression: &str) -> Result<Edit, EditProblem> {
    if attribute.expression.json().is_some() {
        return Err(EditProblem::Place { reason: "it is JSON" });
    }
    let place = Place::new(file)?;
    let indent = place.indent(attribute.range.start);
    let text = place.expression(expression, indent)?;
    Ok(Edit { splices: vec![(attribute.expression.range(), text)] })
}

/// Sets an argument of a block, or of a whole file: replaces its expression, or adds the argument.
///
/// # Errors
/// As [`replace`] and [`insert`].
pub fn set(file: &File, block: Option<&BlockSyntax>, name: &str, expression: &str) -> Result<Edit, EditProblem> {
    let body = block.map_or(&file.body, |block| &block.body);
    match body.attribute(name) {
        Some(attribute) => replace(file, attribute, expression),
        None => insert(file, block, name, expression),
    }
}

/// Adds an argument to a block, or to a whole file, behind the arguments that are there.
///
/// It is formatted as `terraform fmt` does: the equals signs of neighboring lines stay in one column.
///
/// # Errors
/// Where the name is no name or the text no expression, or the file is JSON or broken at that place.
pub fn insert(file: &File, block: Option<&BlockSyntax>, name: &str, expression: &str) -> Result<Edit, EditProblem> {
    let tokens = lex::tokenize(name);
    if !matches!(tokens.as_slice(), [token] if token.kind == TokenKind::Identifier) {
        return Err(EditProblem::Text { what: "name", reason: format!("{name:?} is none") });
    }
    let place = Place::new(file)?;
    let body = block.map_or(&file.body, |block| &block.body);
    let Some(last) = body.attributes.iter().max_by_key(|attribute| attribute.range.end) else {
        let indent = place.inner_indent(block);
        let line = format!("{indent}{name} = {}", place.expression(expression, &indent)?);
        return place.first_line(block, body, &line);
    };
    if let Some(block) = block
        && let Some((open, close)) = place.braces(block)
        && place.line_end(open.end) > close.start
    {
        let indent = place.inner_indent(Some(block));
        let line = format!("{indent}{name} = {}", place.expression(expression, &indent)?);
        return Ok(place.unfolded(block, &open, &close, &line));
    }
    let indent = place.indent(last.range.start);
    let text = place.expression(expression, indent)?;
    let mut splices = Vec::new();
    let mut padding = 0;
    let group = if text.contains('\n') { Vec::new() } else { place.group(body, last) };
    if let Some(width) = place.width(&group) {
        padding = width.saturating_sub(name.chars().count());
        let missing = name.chars().count().saturating_sub(width);
        if missing > 0 {
            splices.extend(group.iter().map(|attribute| {
                let end = attribute.range.start + attribute.name.len();
                (end..end, " ".repeat(missing))
            }));
        }
    }
    let line = format!("{indent}{name}{} = {text}", " ".repeat(padding));
    let at = place.line_end(last.range.end);
    splices.push(place.line_at(at, &line));
    Ok(Edit { splices })
}

/// Removes an argument, with its line and its own comment: the one behind it, and those in the lines right above.
///
/// # Errors
/// Where the file is JSON or broken at that place.
pub fn remove(file: &File, attribute: &AttributeSyntax) -> Result<Edit, EditProblem> {
    if attribute.expression.json().is_some() {
        return Err(EditProblem::Place { reason: "it is JSON" });
    }
    let place = Place::new(file)?;
    let mut start = place.line_start(attribute.range.start);
    let end = place.line_end(attribute.range.end);
    let is_alone = place.is_blank(start..attribute.range.start) && place.only_comments(attribute.range.end..end);
    if !is_alone {
        // In a block of one line, between its braces.
        let text = &file.text;
        let before = text[..attribute.range.start].trim_end_matches([' ', '\t']).len();
        let after = text.len() - text[attribute.range.end..].trim_start_matches([' ', '\t']).len();
        return Ok(Edit { splices: vec![(before..after, String::new())] });
    }
    while start > 0 {
        let above = place.line_start(start - 1);
        if place.is_blank(above..start) || !place.only_comments(above..start) {
            break;
        }
        start = above;
    }
    Ok(Edit { splices: vec![(start..end, String::new())] })
}

/// Adds a block at the end of another one, or of a whole file, with an empty line before it.
///
/// # Errors
/// Where the text is not one block, or the file is JSON or broken at that place.
pub fn add_block(file: &File, parent: Option<&BlockSyntax>, text: &str) -> Result<Edit, EditProblem> {
    let (parsed, problems) = File::parse("the new block", text);
    let reason = match problems.first() {
        Some(problem) => Some(problem.to_string()),
        None if parsed.body.blocks.len() == 1 && parsed.body.attributes.is_empty() => None,
        None => Some("it is something else, or more than one".to_owned()),
    };
    if let Some(reason) = reason {
        return Err(EditProblem::Text { what: "block", reason });
    }
    let place = Place::new(file)?;
    let body = parent.map_or(&file.body, |parent| &parent.body);
    let indent = place.inner_indent(parent);
    let lines = format!("{indent}{}", place.indented(text.trim(), &indent));
    let ends = body.attributes.iter().map(|attribute| attribute.range.end);
    let Some(last) = ends.chain(body.blocks.iter().map(|block| block.range.end)).max() else {
        return place.first_line(parent, body, &lines);
    };
    if let Some(parent) = parent
        && let Some((open, close)) = place.braces(parent)
        && place.line_end(open.end) > close.start
    {
        let lines = format!("{}{lines}", place.newline);
        return Ok(place.unfolded(parent, &open, &close, &lines));
    }
    let (range, text) = place.line_at(place.line_end(last), &lines);
    let is_open = file.text[..range.start].ends_with('\n') || range.start == 0;
    let text = if is_open {
        format!("{}{text}", place.newline)
    } else {
        text.replacen(place.newline, &place.newline.repeat(2), 1)
    };
    Ok(Edit { splices: vec![(range, text)] })
}

/// Applies edits to the bytes of a file: those that it was read from.
///
/// # Errors
/// Where the bytes are others, or two edits change the same of them.
pub fn apply(file: &File, bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, EditProblem> {
    if bytes != file.bytes() {
        return Err(EditProblem::Changed);
    }
    let mut splices: Vec<&(Range<usize>, String)> = edits.iter().flat_map(|edit| &edit.splices).collect();
    // What is inserted at one place stays in the order of the edits.
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut edited = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (range, text) in splices {
        let kept = bytes.get(at..range.start).filter(|_| range.end <= bytes.len());
        edited.extend(kept.ok_or_else(|| EditProblem::Overlap(range.clone()))?);
        edited.extend(text.as_bytes());
        at = range.end;
    }
    edited.extend(&bytes[at..]);
    Ok(edited)
}

/// Finds places in a file in native syntax.
struct Place<'f> {
    file: &'f File,
    /// What ends the lines of the file.
    newline: &'static str,
}

impl<'f> Place<'f> {
    fn new(file: &'f File) -> Result<Self, EditProblem> {
        if file.tokens().is_empty() && !file.text.is_empty() {
            return Err(EditProblem::Place { reason: "it is JSON" });
        }
        let first = file.text.find('\n').map(|at| &file.text[..at]);
        Ok(Self { file, newline: if first.is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" } })
    }

    fn line_start(&self, at: usize) -> usize {
        self.file.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// Gives where the line after this place begins: behind a line end, or at the end of the file.
    fn line_end(&self, at: usize) -> usize {
        self.file.text[at..].find('\n').map_or(self.file.text.len(), |end| at + end + 1)
    }

    /// Gives the blanks that the line of a place begins with.
    fn indent(&self, at: usize) -> &'f str {
        let line = &self.file.text[self.line_start(at)..];
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    fn inner_indent(&self, block: Option<&BlockSyntax>) -> String {
        block.map_or_else(String::new, |block| format!("{}  ", self.indent(block.range.start)))
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.file.text[range].trim_start_matches('\u{feff}').trim().is_empty()
    }

    fn tokens(&self, range: Range<usize>) -> &'f [Token] {
        let tokens = self.file.tokens();
        let start = tokens.partition_point(|token| token.start() < range.start);
        let end = tokens.partition_point(|token| token.end() <= range.end);
        tokens.get(start..end).unwrap_or_default()
    }

    /// Tells whether there are only whole comments, blanks and line ends.
    fn only_comments(&self, range: Range<usize>) -> bool {
        let tokens = self.tokens(range.clone());
        let is_whole = tokens.first().is_none_or(|first| first.start() == range.start)
            && tokens.last().map_or(range.is_empty(), |last| last.end() == range.end);
        let is_separator =
            |token: &Token| matches!(token.kind, TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment);
        is_whole && tokens.iter().all(is_separator)
    }

    /// Finds the braces of a block.
    fn braces(&self, block: &BlockSyntax) -> Option<(Range<usize>, Range<usize>)> {
        let tokens = self.tokens(block.header.end..block.range.end);
        let open = tokens.iter().find(|token| token.kind == TokenKind::OpenBrace)?;
        let close = tokens.last().filter(|token| token.kind == TokenKind::CloseBrace)?;
        Some((open.range(), close.range()))
    }

    /// Makes sure that a text is an expression, and gives it as it stands at an indentation.
    fn expression(&self, text: &str, indent: &str) -> Result<String, EditProblem> {
        let (text, what) = (text.trim(), "expression");
        let (file, problems) = File::parse("the new expression", &format!("a = {text}\n"));
        match (problems.first(), file.body.attributes.as_slice(), file.body.blocks.as_slice()) {
            (None, [attribute], []) if file.source(&attribute.expression) == text => Ok(self.indented(text, indent)),
            (Some(problem), _, _) => Err(EditProblem::Text { what, reason: problem.to_string() }),
            _ => Err(EditProblem::Text { what, reason: "there is more, or something else".to_owned() }),
        }
    }

    /// Indents the lines of a text but for the first, those within heredocs excepted, and ends them as the file does.
    fn indented(&self, text: &str, indent: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let tokens = lex::tokenize(text);
        for (index, token) in tokens.iter().enumerate() {
            let is_line = token.kind == TokenKind::Newline;
            out.push_str(&text[token.range()].replace("\r\n", "\n").replace('\n', self.newline));
            let next = tokens.get(index + 1).map(|next| next.kind);
            if is_line && !matches!(next, None | Some(TokenKind::Newline)) {
                out.push_str(indent);
            }
        }
        out
    }

    /// Gives a line, or lines, to insert where a line begins.
    fn line_at(&self, at: usize, line: &str) -> (Range<usize>, String) {
        let newline = self.newline;
        let is_open = self.file.text[..at].ends_with('\n') || at == 0;
        (at..at, if is_open { format!("{line}{newline}") } else { format!("{newline}{line}{newline}") })
    }

    /// Inserts a line at the beginning of a body without arguments.
    fn first_line(&self, block: Option<&BlockSyntax>, body: &Body, line: &str) -> Result<Edit, EditProblem> {
        let newline = self.newline;
        let Some(block) = block else {
            // Before the first block, or at the end of the file.
            let splice = match body.blocks.first() {
                Some(first) => {
                    (self.line_start(first.range.start).max(self.mark()), format!("{line}{newline}{newline}"))
                }
                None => {
                    let (range, text) = self.line_at(self.file.text.len(), line);
                    let is_mark = self.file.text.len() == self.mark();
                    (range.start, if is_mark { format!("{line}{newline}") } else { text })
                }
            };
            return Ok(Edit { splices: vec![(splice.0..splice.0, splice.1)] });
        };
        let (open, close) = self.braces(block).ok_or(EditProblem::Place { reason: "the block is not closed" })?;
        let at = self.line_end(open.end);
        if at > close.start {
            return Ok(self.unfolded(block, &open, &close, line));
        }
        let next = &self.file.text[at..self.line_end(at)];
        let is_followed = !next.trim().is_empty() && self.line_start(close.start) != at;
        let (range, text) = self.line_at(at, line);
        Ok(Edit { splices: vec![(range, if is_followed { format!("{text}{newline}") } else { text })] })
    }

    /// Gives a block that is one line a line for each thing in it, and one more.
    fn unfolded(&self, block: &BlockSyntax, open: &Range<usize>, close: &Range<usize>, line: &str) -> Edit {
        let newline = self.newline;
        let outer = self.indent(block.range.start);
        let content = self.tokens(open.end..close.start);
        let mut inside = content.iter().filter(|token| token.kind != TokenKind::Whitespace);
        let splices = match (inside.clone().next(), inside.next_back()) {
            (Some(first), Some(last)) => vec![
                (open.end..first.start(), format!("{newline}{outer}  ")),
                (last.end()..close.start, format!("{newline}{line}{newline}{outer}")),
            ],
            _ => {
                vec![(open.end..close.start, format!("{newline}{}{newline}{outer}", line.trim_start_matches(newline)))]
            }
        };
        Edit { splices }
    }

    fn mark(&self) -> usize {
        if self.file.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
    }

    /// Finds the arguments, each in one line, that stand line by line above and at one of them.
    fn group<'b>(&self, body: &'b Body, last: &'b AttributeSyntax) -> Vec<&'b AttributeSyntax> {
        let is_one_line = |attribute: &AttributeSyntax| !self.file.text[attribute.range.clone()].contains('\n');
        let mut group = Vec::new();
        let mut line = self.line_start(last.range.start);
        let mut attributes: Vec<&AttributeSyntax> = body.attributes.iter().collect();
        attributes.sort_by_key(|attribute| attribute.range.start);
        for attribute in attributes.into_iter().rev() {
            if self.line_start(attribute.range.start) != line || !is_one_line(attribute) {
                break;
            }
            group.push(attribute);
            if line == 0 {
                break;
            }
            line = self.line_start(line - 1);
        }
        group
    }

    /// Gives how wide the names of a group are, where all their equals signs are in one column.
    fn width(&self, group: &[&AttributeSyntax]) -> Option<usize> {
        let mut widths = group.iter().map(|attribute| {
            let equal = self.tokens(attribute.range.clone()).iter().find(|token| token.kind == TokenKind::Equal)?;
            let before = &self.file.text[attribute.range.start..equal.start()];
            before.ends_with(' ').then(|| before.chars().count() - 1)
        });
        let first = widths.next()??;
        widths.all(|width| width == Some(first)).then_some(first)
    }
}
