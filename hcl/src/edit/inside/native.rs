//! The same in native syntax.

use std::ops::Range;

use cty::{PathStep, Value};

use super::{COMPUTED, NOT_THERE, Wanted, find_element, is_same, wanted};
use crate::edit::EditProblem;
use crate::emit;
use crate::expression::{self, Node, NodeKind, Unary};
use crate::lex::{self, TokenKind};
use crate::syntax::File;

/// What an expression is given to be read.
const BEFORE: &str = "a = ";

/// Sets a value at a path of an expression, of which all lines but the first are indented as they are in their file.
pub(super) fn set(text: &str, steps: &[PathStep], value: &Value, indent: &str) -> Result<String, EditProblem> {
    let source = Source::read(text)?;
    let target = Source::find(&source.node, steps, value)?;
    let (range, new) = source.write(&target, value, indent)?;
    let mut edited = source.spliced(&range, &new);
    if let Target::NewItem(..) | Target::Item(..) = target {
        edited = realigned(&edited, &steps[..steps.len() - 1], &source)?;
    }
    let read = Source::read(&edited)?;
    if is_written(&read.node, steps, value) {
        return Ok(edited);
    }
    let Target::Value(node) = target else { return Err(COMPUTED) };
    // A heredoc that cannot hold the text.
    let quoted = emit::value(value).map_err(|problem| unwritable(&problem))?;
    let edited = source.spliced(&node.range, &quoted);
    let read = Source::read(&edited)?;
    if is_written(&read.node, steps, value) { Ok(edited) } else { Err(COMPUTED) }
}

fn unwritable(problem: &emit::EmitError) -> EditProblem {
    EditProblem::Text { what: "value", reason: problem.to_string() }
}

/// Where a value goes.
enum Target<'n> {
    /// In the place of this.
    Value(&'n Node),
    /// Behind the items of this object, under this name.
    NewItem(&'n Node, String),
    /// Behind the elements of this tuple.
    NewElement(&'n Node),
    /// Nowhere: this item of an object goes.
    Item(&'n Node, usize),
    /// Nowhere: this element of a tuple goes.
    Element(&'n Node, usize),
}

/// An expression that was read, with what stands before it.
struct Source {
    file: File,
    node: Node,
}

impl Source {
    fn read(text: &str) -> Result<Self, EditProblem> {
        let (file, problems) = File::parse("the expression", &format!("{BEFORE}{text}\n"));
        let attribute = file.body.attributes.first().filter(|_| problems.is_empty()).ok_or(COMPUTED)?;
        let node = expression::parse(&file, &attribute.expression).map_err(|_| COMPUTED)?.clone();
        Ok(Self { node: Node::clone(&node), file })
    }

    fn text(&self, range: Range<usize>) -> &str {
        self.file.text.get(range).unwrap_or_default()
    }

    fn spliced(&self, range: &Range<usize>, new: &str) -> String {
        let all = &self.file.text;
        let end = all.len() - 1;
        format!("{}{new}{}", &all[BEFORE.len()..range.start], &all[range.end..end])
    }

    fn find<'n>(node: &'n Node, steps: &[PathStep], value: &Value) -> Result<Target<'n>, EditProblem> {
        let Some((step, rest)) = steps.split_first() else { return Ok(Target::Value(node)) };
        let goes = rest.is_empty() && value.is_null();
        match (&node.kind, wanted(step)) {
            (NodeKind::Parentheses(inner), _) => Self::find(inner, steps, value),
            (NodeKind::Object(items), Wanted::Name(name)) => {
                let keys: Option<Vec<String>> = items.iter().map(|(key, _)| key_name(key)).collect();
                let found = keys.ok_or(COMPUTED)?.iter().rposition(|key| key == name);
                match found {
                    Some(position) if goes => Ok(Target::Item(node, position)),
                    Some(position) => Self::find(&items[position].1, rest, value),
                    None if rest.is_empty() && !goes => Ok(Target::NewItem(node, name.to_owned())),
                    None => Err(NOT_THERE),
                }
            }
            (NodeKind::Tuple(elements), step) => {
                let found = match step {
                    Wanted::Position(position) if position < elements.len() => Some(position),
                    Wanted::Position(position) if position == elements.len() => None,
                    Wanted::Position(_) => return Err(NOT_THERE),
                    Wanted::Element(element) => find_element(&constants(elements), element)?,
                    Wanted::Name(name) => find_element(&constants(elements), &Value::string(name))?,
                };
                match found {
                    Some(position) if goes => Ok(Target::Element(node, position)),
                    Some(position) => Self::find(&elements[position], rest, value),
                    None if rest.is_empty() && !goes => Ok(Target::NewElement(node)),
                    None => Err(NOT_THERE),
                }
            }
            _ => Err(COMPUTED),
        }
    }

    /// Gives the place that changes, and what stands there then.
    fn write(&self, target: &Target<'_>, value: &Value, indent: &str) -> Result<(Range<usize>, String), EditProblem> {
        match target {
            Target::Value(node) => Ok((node.range.clone(), self.value(node, value, indent)?)),
            Target::NewItem(node, name) => {
                let NodeKind::Object(items) = &node.kind else { return Err(COMPUTED) };
                let last = items.last().map(|(key, value)| key.range.start..value.range.end);
                let (range, text) = self.appended(node, last, |at| self.item(items, name, value, at.unwrap_or(indent)));
                Ok((range, text?))
            }
            Target::NewElement(node) => {
                let NodeKind::Tuple(elements) = &node.kind else { return Err(COMPUTED) };
                let (range, text) = self.appended(node, elements.last().map(|last| last.range.clone()), |at| {
                    let text = emit::value(value).map_err(|problem| unwritable(&problem))?;
                    Ok(indented(&text, at.unwrap_or(indent)))
                });
                Ok((range, text?))
            }
            Target::Item(node, position) => {
                let NodeKind::Object(items) = &node.kind else { return Err(COMPUTED) };
                let ranges: Vec<Range<usize>> =
                    items.iter().map(|(key, value)| key.range.start..value.range.end).collect();
                Ok((self.removed(node, &ranges, *position), String::new()))
            }
            Target::Element(node, position) => {
                let NodeKind::Tuple(elements) = &node.kind else { return Err(COMPUTED) };
                let ranges: Vec<Range<usize>> = elements.iter().map(|element| element.range.clone()).collect();
                Ok((self.removed(node, &ranges, *position), String::new()))
            }
        }
    }

    /// Writes a value in the place of another one, as that one is written.
    fn value(&self, node: &Node, value: &Value, indent: &str) -> Result<String, EditProblem> {
        let old = constant(node).ok_or(COMPUTED)?;
        let source = self.text(node.range.clone());
        let written = || emit::value(value).map_err(|problem| unwritable(&problem));
        if !value.ty().is_primitive() || value.is_null() {
            let line = self.line_indent(node.range.start);
            return Ok(indented(&written()?, line.unwrap_or(indent)));
        }
        let text = cty::convert::convert(value, &cty::Type::String).ok();
        let text = text.as_ref().and_then(Value::as_str).unwrap_or_default();
        if source.starts_with("<<") {
            return Ok(heredoc(source, text).unwrap_or_else(|| emit::quoted(text)));
        }
        if source.starts_with('"') {
            return Ok(emit::quoted(text));
        }
        let is_bare = |literal: &str| {
            let read = Self::read(literal).ok().and_then(|read| constant(&read.node));
            read.is_some_and(|read| read.ty() == old.ty() && !read.is_null() && is_same(&read, value))
        };
        // A number or bool for an argument that is text stays one where it can.
        if is_bare(text) { Ok(text.to_owned()) } else { written() }
    }

    fn item(&self, items: &[(Node, Node)], name: &str, value: &Value, indent: &str) -> Result<String, EditProblem> {
        let last = items.last().map(|(key, value)| self.text(key.range.end..value.range.start).trim());
        let separator = if last == Some(":") { ":" } else { " =" };
        let are_quoted =
            items.iter().all(|(key, _)| self.text(key.range.clone()).starts_with('"')) && !items.is_empty();
        let key = if are_quoted { emit::quoted(name) } else { emit::key(name) };
        let value = emit::value(value).map_err(|problem| unwritable(&problem))?;
        Ok(format!("{key}{separator} {}", indented(&value, indent)))
    }

    /// Gives where something behind the last of several goes; `text` writes it at an indentation, `None` for in the line.
    fn appended<'s, T>(
        &'s self,
        node: &Node,
        last: Option<Range<usize>>,
        text: impl Fn(Option<&'s str>) -> Result<String, T>,
    ) -> (Range<usize>, Result<String, T>) {
        let inside = node.range.start + 1..node.range.end - 1;
        let close = inside.end;
        match last {
            None if self.text(inside.clone()).contains('\n') => {
                let outer = self.line_indent(close).unwrap_or_default();
                let at = self.line_start(close);
                (at..at, text(Some(outer)).map(|text| format!("{outer}  {text}\n")))
            }
            None => {
                let is_object = matches!(node.kind, NodeKind::Object(_));
                (inside, text(None).map(|text| if is_object { format!(" {text} ") } else { text }))
            }
            Some(last) => {
                let line_end = self.text(last.end..close).find('\n').map(|at| last.end + at);
                let is_by_line = self.text(inside.start..last.start).contains('\n');
                let Some(line_end) = line_end.filter(|_| is_by_line) else {
                    return (last.end..last.end, text(None).map(|text| format!(", {text}")));
                };
                let indent = self.line_indent(last.start).unwrap_or_default();
                let between = self.text(last.end..line_end).to_owned();
                let is_object = matches!(node.kind, NodeKind::Object(_));
                let has_comma = has_comma(&between);
                let text = text(Some(indent));
                let comma = if has_comma { "," } else { "" };
                let between = if has_comma || is_object { between } else { format!(",{between}") };
                (last.end..line_end, text.map(|text| format!("{between}\n{indent}{text}{comma}")))
            }
        }
    }

    /// Gives what goes with one of several.
    fn removed(&self, node: &Node, ranges: &[Range<usize>], position: usize) -> Range<usize> {
        let own = ranges[position].clone();
        let inside = node.range.start + 1..node.range.end - 1;
        let start = self.line_start(own.start);
        let end = self.text(own.end..inside.end).find('\n').map(|at| own.end + at + 1);
        let previous = position.checked_sub(1).and_then(|position| ranges.get(position));
        let next = ranges.get(position + 1);
        if let Some(end) = end
            && start >= inside.start
            && previous.is_none_or(|previous| previous.end <= start)
            && next.is_none_or(|next| next.start >= end)
        {
            return self.with_comments(start, previous.map_or(inside.start, |previous| previous.end))..end;
        }
        match (previous, next) {
            (_, Some(next)) => own.start..next.start,
            (Some(previous), None) => previous.end..own.end,
            (None, None) => inside,
        }
    }

    /// Gives where the comments begin that stand in the lines right above a line.
    fn with_comments(&self, mut start: usize, floor: usize) -> usize {
        while start > floor {
            let above = self.line_start(start - 1);
            let line = self.text(above..start).trim();
            if above < floor || !(line.starts_with('#') || line.starts_with("//")) {
                break;
            }
            start = above;
        }
        start
    }

    fn line_start(&self, at: usize) -> usize {
        self.text(0..at).rfind('\n').map_or(0, |end| end + 1)
    }

    /// Gives the blanks that a line begins with; `None` for the first one, which begins somewhere else.
    fn line_indent(&self, at: usize) -> Option<&str> {
        let start = self.line_start(at);
        let line = self.text(start..self.file.text.len());
        (start > 0).then(|| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
    }
}

fn has_comma(text: &str) -> bool {
    lex::tokenize(text).iter().any(|token| token.kind == TokenKind::Comma)
}

/// Gives the name that a key is, where it is one.
fn key_name(key: &Node) -> Option<String> {
    match &key.kind {
        NodeKind::Name(name) => Some(name.clone()),
        NodeKind::Literal(value) => {
            let text = cty::convert::convert(value, &cty::Type::String).ok()?;
            text.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn constants(nodes: &[Node]) -> Vec<Option<Value>> {
    nodes.iter().map(constant).collect()
}

/// Gives the value of what is written out.
fn constant(node: &Node) -> Option<Value> {
    match &node.kind {
        NodeKind::Literal(value) => Some(value.clone()),
        NodeKind::Parentheses(inner) => constant(inner),
        NodeKind::Unary { operator: Unary::Negate, operand } => {
            let number = constant(operand)?;
            let text = format!("-{}", number.as_number()?);
            cty::Number::parse(&text).ok().map(Value::number)
        }
        NodeKind::Tuple(elements) => elements.iter().map(constant).collect::<Option<_>>().map(Value::tuple),
        NodeKind::Object(items) => {
            let items = items.iter().map(|(key, value)| Some((key_name(key)?, constant(value)?)));
            items.collect::<Option<_>>().map(Value::object)
        }
        _ => None,
    }
}

/// Tells whether an expression has a value at a path.
fn is_written(node: &Node, steps: &[PathStep], value: &Value) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return constant(node).is_some_and(|written| is_same(&written, value));
    };
    let goes = rest.is_empty() && value.is_null();
    match (&node.kind, wanted(step)) {
        (NodeKind::Parentheses(inner), _) => is_written(inner, steps, value),
        (NodeKind::Object(items), Wanted::Name(name)) => {
            let found = items.iter().rev().find(|(key, _)| key_name(key).as_deref() == Some(name));
            found.map_or(goes, |(_, inner)| !goes && is_written(inner, rest, value))
        }
        (NodeKind::Tuple(elements), Wanted::Position(position)) => match elements.get(position) {
            Some(inner) => goes || is_written(inner, rest, value),
            None => goes,
        },
        (NodeKind::Tuple(elements), step) => {
            // Where an element is named by what changes in it, its new value names it.
            let named = match step {
                Wanted::Name(name) => Value::string(name),
                Wanted::Element(element) => element.clone(),
                Wanted::Position(_) => return false,
            };
            let constants = constants(elements);
            if goes {
                return find_element(&constants, &named).is_ok_and(|found| found.is_none());
            }
            let elements = elements.iter().zip(&constants);
            if rest.is_empty() {
                return elements.filter_map(|(_, written)| written.as_ref()).any(|written| is_same(written, value));
            }
            let mut elements = elements;
            elements.any(|(inner, _)| is_written(inner, rest, value))
        }
        _ => false,
    }
}

/// Indents the lines of a text but for the first, those within heredocs excepted.
fn indented(text: &str, indent: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let tokens = lex::tokenize(text);
    for (index, token) in tokens.iter().enumerate() {
        out.push_str(&text[token.range()]);
        let next = tokens.get(index + 1).map(|next| next.kind);
        if token.kind == TokenKind::Newline && !matches!(next, None | Some(TokenKind::Newline)) {
            out.push_str(indent);
        }
    }
    out
}

/// Writes a text as a heredoc with the marks of another one; `None` where that does not hold it.
fn heredoc(old: &str, text: &str) -> Option<String> {
    let (open, body) = old.split_once('\n')?;
    let close = body.trim_end_matches('\n').rsplit('\n').next()?;
    let indent = if open.starts_with("<<-") {
        let lines = body.lines().filter(|line| !line.trim().is_empty() && line.trim() != close.trim());
        let widths = lines.map(|line| line.len() - line.trim_start_matches(' ').len());
        " ".repeat(widths.min().unwrap_or(0))
    } else {
        String::new()
    };
    let lines = text.strip_suffix('\n')?;
    if text.contains('\r') || lines.lines().any(|line| line.trim() == close.trim()) {
        return None;
    }
    let mut out = format!("{open}\n");
    for line in lines.split('\n') {
        let line = line.replace("${", "$${").replace("%{", "%%{");
        if !line.is_empty() {
            out.push_str(&indent);
            out.push_str(&line);
        }
        out.push('\n');
    }
    out.push_str(close);
    Some(out)
}

/// Brings the equals signs of an object's items, line by line, into one column, where they were in one before.
fn realigned(text: &str, steps: &[PathStep], before: &Source) -> Result<String, EditProblem> {
    let at = |source: &Source| -> Option<Vec<(Range<usize>, usize)>> {
        let mut node = &source.node;
        for step in steps {
            while let NodeKind::Parentheses(inner) = &node.kind {
                node = inner;
            }
            node = match (&node.kind, wanted(step)) {
                (NodeKind::Object(items), Wanted::Name(name)) => {
                    &items.iter().rev().find(|(key, _)| key_name(key).as_deref() == Some(name))?.1
                }
                (NodeKind::Tuple(elements), Wanted::Position(position)) => elements.get(position)?,
                (NodeKind::Tuple(elements), Wanted::Element(element)) => {
                    &elements[find_element(&constants(elements), element).ok()??]
                }
                _ => return None,
            };
        }
        while let NodeKind::Parentheses(inner) = &node.kind {
            node = inner;
        }
        let NodeKind::Object(items) = &node.kind else { return None };
        Some(source.paddings(items))
    };
    let is_aligned = |paddings: &[(Range<usize>, usize)]| paddings.iter().all(|(range, width)| range.len() == *width);
    if !at(before).is_some_and(|paddings| is_aligned(&paddings)) {
        return Ok(text.to_owned());
    }
    let after = Source::read(text)?;
    let mut out = after.file.text.to_string();
    for (range, width) in at(&after).unwrap_or_default().into_iter().rev() {
        out.replace_range(range, &" ".repeat(width));
    }
    Ok(out[BEFORE.len()..out.len() - 1].to_owned())
}

impl Source {
    /// Gives the blanks between each key and its equals sign, with how many `terraform fmt` wants there.
    fn paddings(&self, items: &[(Node, Node)]) -> Vec<(Range<usize>, usize)> {
        let mut paddings: Vec<(Range<usize>, usize)> = Vec::new();
        let mut group: Vec<(Range<usize>, usize)> = Vec::new();
        let mut last_line = None;
        let mut close = |group: &mut Vec<(Range<usize>, usize)>| {
            let widest = group.iter().map(|(_, width)| *width).max().unwrap_or(0);
            paddings.extend(group.drain(..).map(|(blanks, width)| (blanks, widest - width + 1)));
        };
        for (key, value) in items {
            let start = self.line_start(key.range.start);
            let between = self.text(key.range.end..value.range.start);
            let is_own_line = self.text(start..key.range.start).trim().is_empty() && start > 0;
            let Some(equal) = between.find('=').filter(|_| is_own_line) else {
                close(&mut group);
                last_line = None;
                continue;
            };
            let is_one_line = !self.text(key.range.start..value.range.end).contains('\n');
            let line = self.text(0..start).matches('\n').count();
            if last_line != Some(line) || !is_one_line {
                close(&mut group);
            }
            let blanks = key.range.end..key.range.end + equal;
            group.push((blanks, self.text(key.range.clone()).chars().count()));
            last_line = is_one_line.then_some(line + 1);
        }
        close(&mut group);
        paddings
    }
}
