//! Lines: what stands beside and below what, so that `terraform fmt` has nothing to say.

use std::fmt::Write as _;

use super::text::push_quoted;

/// How wide a list may be to stand in one line.
const MAX_LINE: usize = 80;

/// An expression as it is written, for the indentation of the line it begins on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) shape: Shape,
}

/// What lines an expression takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The one it begins on.
    Line,
    /// Lines of text; to `terraform fmt` it is one line.
    Heredoc,
    /// Lines between brackets.
    Lines,
}

impl Text {
    pub(super) fn line(text: impl Into<String>) -> Self {
        Self { text: text.into(), shape: Shape::Line }
    }

    pub(super) fn lines(text: String) -> Self {
        Self { text, shape: Shape::Lines }
    }

    /// Takes a text that is written for no indentation and in which no string has a raw line end.
    fn indented(text: &str, indent: usize) -> Self {
        if !text.contains('\n') {
            return Self::line(text);
        }
        let mut out = String::with_capacity(text.len() + 64);
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                out.push('\n');
                push_indent(&mut out, indent);
            }
            out.push_str(line);
        }
        Self::lines(out)
    }
}

/// A block to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockText {
    /// The type.
    pub block_type: String,
    /// The labels.
    pub labels: Vec<String>,
    /// Names and texts of the arguments, in order; a text is what [`value`](super::value) or an address function gives.
    pub arguments: Vec<(String, String)>,
    /// The blocks inside, in order.
    pub blocks: Vec<BlockText>,
}

impl BlockText {
    /// Writes the block, with a line end behind it.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_at(&mut out, 0);
        out
    }

    fn write_at(&self, out: &mut String, indent: usize) {
        push_indent(out, indent);
        out.push_str(&self.block_type);
        for label in &self.labels {
            out.push(' ');
            push_quoted(out, label);
        }
        if self.arguments.is_empty() && self.blocks.is_empty() {
            out.push_str(" {}\n");
            return;
        }
        out.push_str(" {\n");
        let arguments = self.arguments.iter().map(|(name, text)| (name.clone(), Text::indented(text, indent + 1)));
        push_assignments(out, &arguments.collect::<Vec<_>>(), indent + 1);
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 || !self.arguments.is_empty() {
                out.push('\n');
            }
            block.write_at(out, indent + 1);
        }
        push_indent(out, indent);
        out.push_str("}\n");
    }
}

/// Writes `name = text` lines with their equal signs in one column, as far as `terraform fmt` aligns them: expressions
/// that open a bracket and close it on another line stand apart.
pub(super) fn push_assignments(out: &mut String, entries: &[(String, Text)], indent: usize) {
    let is_aligned = |entry: &(String, Text)| entry.1.shape != Shape::Lines;
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let n_in_group = if is_aligned(first) { rest.iter().take_while(|entry| is_aligned(entry)).count() } else { 1 };
        let (group, behind) = rest.split_at(n_in_group);
        let width = group.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, text) in group {
            push_indent(out, indent);
            out.push_str(name);
            out.extend(std::iter::repeat_n(' ', width - name.chars().count()));
            let _ = writeln!(out, " = {}", text.text);
        }
        rest = behind;
    }
}

/// Writes a list of expressions that were written for one indentation more.
pub(super) fn list(elements: &[Text], indent: usize) -> Text {
    let width: usize = elements.iter().map(|element| element.text.len() + 2).sum();
    if width <= MAX_LINE && elements.iter().all(|element| element.shape == Shape::Line) {
        return Text::line(one_line_list(elements));
    }
    let mut out = String::from("[\n");
    for element in elements {
        push_indent(&mut out, indent + 1);
        let _ = writeln!(out, "{},", element.text);
    }
    push_indent(&mut out, indent);
    out.push(']');
    Text::lines(out)
}

/// Writes a list in one line.
pub(super) fn one_line_list(elements: &[Text]) -> String {
    let texts: Vec<&str> = elements.iter().map(|element| element.text.as_str()).collect();
    format!("[{}]", texts.join(", "))
}

/// Writes an object of expressions that were written for one indentation more.
pub(super) fn object(entries: &[(String, Text)], indent: usize) -> Text {
    if entries.is_empty() {
        return Text::line("{}");
    }
    let mut out = String::from("{\n");
    push_assignments(&mut out, entries, indent + 1);
    push_indent(&mut out, indent);
    out.push('}');
    Text::lines(out)
}

/// Writes an object in one line.
pub(super) fn one_line_object(entries: &[(String, Text)]) -> String {
    if entries.is_empty() {
        return "{}".to_owned();
    }
    let texts: Vec<String> = entries.iter().map(|(key, text)| format!("{key} = {}", text.text)).collect();
    format!("{{ {} }}", texts.join(", "))
}

pub(super) fn push_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n("  ", indent));
}
