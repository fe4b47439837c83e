//! Expressions: values, references, templates, lists and objects.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cty::{Path, PathStep, Type, Value};
use model::draft::{DraftExpression, TemplatePart};
use model::{InstanceAddress, InstanceKey, ModuleAddress, ResourceMode};

use super::EmitError;
use super::layout::{self, Shape, Text};
use super::text::{self, Piece, is_name, is_plain_name, key, push_quoted};
use crate::syntax::File;

/// How deep values may nest: less than what is read, so that what is written can be read.
const MAX_DEPTH: usize = 90;
/// How wide an entry of `for_each` may be to stand in one line.
const MAX_ENTRY: usize = 100;
/// How wide an object of one entry may be to stand in one line.
const MAX_SMALL: usize = 70;

/// Says where an expression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    room: Room,
    /// Whether it is a part of another expression: small objects then stand in one line.
    is_nested: bool,
    /// Whether text of several lines may be a heredoc, which cannot be indented later.
    has_heredocs: bool,
}

/// Says how much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// Behind an equal sign, with the rest of the line to itself.
    Line,
    /// Between brackets: something may follow on its last line.
    Brackets,
    /// In one line with others.
    Part,
}

impl Place {
    /// What an argument is set to.
    pub(super) const ARGUMENT: Self = Self { room: Room::Line, is_nested: false, has_heredocs: true };
    /// An expression that is indented later.
    const VALUE: Self = Self { room: Room::Brackets, is_nested: false, has_heredocs: false };
    /// A part of a line.
    const PART: Self = Self { room: Room::Part, is_nested: true, has_heredocs: false };

    fn is_part(self) -> bool {
        self.room == Room::Part
    }

    /// The place of an object's value.
    fn entry(self) -> Self {
        if self.is_part() { self } else { Self { room: Room::Line, is_nested: true, ..self } }
    }

    /// The place of a list's element, and of a function's argument.
    fn element(self) -> Self {
        if self.is_part() { self } else { Self { room: Room::Brackets, is_nested: true, ..self } }
    }
}

/// Writes a value as an expression.
///
/// Errors: what is unknown, and what must not be shown.
pub fn value(value: &Value) -> Result<String, EmitError> {
    Ok(literal(value, 0, Place::VALUE, &mut Path::new())?.text)
}

/// Writes the address of a resource instance as an expression.
pub fn address(address: &InstanceAddress) -> String {
    let mut out = String::new();
    push_module(&mut out, &address.resource.module);
    push_local_address(&mut out, address);
    out
}

/// Writes an address as the module in which it is sees it.
fn push_local_address(out: &mut String, address: &InstanceAddress) {
    if address.resource.mode == ResourceMode::Data {
        out.push_str("data.");
    }
    let _ = write!(out, "{}.{}", address.resource.resource_type, address.resource.name);
    push_key(out, address.key.as_ref());
}

fn push_module(out: &mut String, module: &ModuleAddress) {
    for step in module.steps() {
        let _ = write!(out, "module.{}", step.name);
        push_key(out, step.key.as_ref());
        out.push('.');
    }
}

fn push_key(out: &mut String, key: Option<&InstanceKey>) {
    match key {
        Some(InstanceKey::Int(index)) => {
            let _ = write!(out, "[{index}]");
        }
        Some(InstanceKey::String(text)) => {
            out.push('[');
            push_quoted(out, text);
            out.push(']');
        }
        None => {}
    }
}

/// Writes what an argument is set to.
pub(super) fn expression(
    expression: &DraftExpression,
    indent: usize,
    place: Place,
    path: &mut Path,
) -> Result<Text, EmitError> {
    check_depth(path)?;
    match expression {
        DraftExpression::Literal(value) => literal(value, indent, place, path),
        DraftExpression::Json(inner) => json(inner, indent, place, path),
        DraftExpression::Reference { to, path: steps } => reference(to, steps, path).map(Text::line),
        DraftExpression::Variable(name) if is_name(name) => Ok(Text::line(format!("var.{name}"))),
        DraftExpression::Variable(_) => fail("a variable's name is a letter, then letters, digits, `_` and `-`", path),
        DraftExpression::EachValue(steps) => {
            let mut out = String::from("each.value");
            push_steps(&mut out, steps.steps(), path)?;
            Ok(Text::line(out))
        }
        DraftExpression::EachKey => Ok(Text::line("each.key")),
        DraftExpression::Template(parts) => template(parts, indent, place, path),
        DraftExpression::List(elements) => list(elements.iter(), indent, place, path, is_object, self::expression),
        DraftExpression::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (name.as_str(), value));
            object(entries, indent, place, path, self::expression)
        }
        DraftExpression::ToSet(texts) => {
            let texts: Vec<Text> = texts.iter().map(|text| Text::line(text::quoted(text))).collect();
            let list =
                if place.is_part() { Text::line(layout::one_line_list(&texts)) } else { layout::list(&texts, indent) };
            Ok(Text { text: format!("toset({})", list.text), shape: list.shape })
        }
    }
}

/// Writes what a block is repeated for: short entries in one line each.
pub(super) fn for_each(repeated: &DraftExpression, indent: usize, path: &mut Path) -> Result<Text, EmitError> {
    let entries: Vec<(String, DraftExpression)> = match repeated {
        DraftExpression::Object(entries) => entries.clone(),
        DraftExpression::Literal(value) if is_literal_object(value) && !value.is_marked() => {
            value.entries().map(|(name, value)| (name.to_owned(), DraftExpression::Literal(value.clone()))).collect()
        }
        _ => return expression(repeated, indent, Place::ARGUMENT, path),
    };
    let entries = entries.iter().map(|(name, value)| (name.as_str(), value));
    object(entries, indent, Place::ARGUMENT, path, |value, indent, place, path| {
        if is_flat_object(value) {
            let text = expression(value, indent, Place::PART, path)?;
            if text.text.len() + 2 * indent <= MAX_ENTRY {
                return Ok(text);
            }
        }
        expression(value, indent, place, path)
    })
}

/// Writes a value.
fn literal(value: &Value, indent: usize, place: Place, path: &mut Path) -> Result<Text, EmitError> {
    if value.is_marked() {
        return fail("the value must not be shown", path);
    }
    if !value.is_known() {
        return fail("the value is not known", path);
    }
    check_depth(path)?;
    if value.is_null() {
        return Ok(Text::line("null"));
    }
    match value.ty() {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
            list(value.elements(), indent, place, path, is_literal_object, literal)
        }
        Type::Map(_) | Type::Object(_) => object(value.entries(), indent, place, path, literal),
        Type::Dynamic | Type::String | Type::Number | Type::Bool => {
            if let Some(text) = value.as_str() {
                return Ok(written(&[Piece::Text(text.to_owned())], indent, place));
            }
            match value.as_number() {
                Some(number) if number.is_infinite() => fail("infinity has no literal", path),
                Some(number) => Ok(Text::line(number.to_string())),
                None => Ok(Text::line(if value.as_bool() == Some(true) { "true" } else { "false" })),
            }
        }
    }
}

fn written(pieces: &[Piece], indent: usize, place: Place) -> Text {
    let heredoc = if place.has_heredocs && place.room == Room::Line { text::heredoc(pieces, indent) } else { None };
    heredoc.unwrap_or_else(|| Text::line(text::template(pieces)))
}

/// Writes text with expressions in it.
fn template(parts: &[TemplatePart], indent: usize, place: Place, path: &mut Path) -> Result<Text, EmitError> {
    let mut pieces = Vec::new();
    collect_pieces(parts, path, &mut pieces)?;
    match pieces.as_slice() {
        // `terraform fmt` takes the quotes away.
        [Piece::Expression(alone)] => Ok(Text::line(alone.clone())),
        pieces => Ok(written(pieces, indent, place)),
    }
}

fn collect_pieces(parts: &[TemplatePart], path: &mut Path, pieces: &mut Vec<Piece>) -> Result<(), EmitError> {
    let push_text = |pieces: &mut Vec<Piece>, text: &str| match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    };
    for part in parts {
        match part {
            TemplatePart::Text(text) => push_text(pieces, text),
            TemplatePart::Expression(DraftExpression::Literal(value)) => {
                if value.is_marked() {
                    return fail("the value must not be shown", path);
                }
                match cty::convert::convert(value, &Type::String) {
                    Ok(text) if text.as_str().is_some() => push_text(pieces, text.as_str().unwrap_or_default()),
                    _ => return fail("only what has a text can stand in a text", path),
                }
            }
            TemplatePart::Expression(DraftExpression::Template(inner)) => {
                path.push(PathStep::Index(Value::from(pieces.len() as u64)));
                check_depth(path)?;
                collect_pieces(inner, path, pieces)?;
                path.pop();
            }
            TemplatePart::Expression(
                DraftExpression::List(_) | DraftExpression::Object(_) | DraftExpression::ToSet(_),
            ) => {
                return fail("only what has a text can stand in a text", path);
            }
            TemplatePart::Expression(inner) => {
                pieces.push(Piece::Expression(expression(inner, 0, Place::PART, path)?.text));
            }
        }
    }
    Ok(())
}

/// Writes a list of anything; one object alone shares its brackets' lines.
fn list<'a, T: 'a>(
    elements: impl ExactSizeIterator<Item = &'a T>,
    indent: usize,
    place: Place,
    path: &mut Path,
    is_object: fn(&T) -> bool,
    write: impl Fn(&T, usize, Place, &mut Path) -> Result<Text, EmitError>,
) -> Result<Text, EmitError> {
    let n_elements = elements.len();
    let mut texts = Vec::with_capacity(n_elements);
    for (index, element) in elements.enumerate() {
        path.push(PathStep::Index(Value::from(index as u64)));
        let is_hugged = n_elements == 1 && is_object(element);
        let text = write(element, if is_hugged { indent } else { indent + 1 }, place.element(), path)?;
        path.pop();
        if is_hugged && text.shape == Shape::Lines {
            return Ok(Text::lines(format!("[{}]", text.text)));
        }
        texts.push(text);
    }
    Ok(if place.is_part() { Text::line(layout::one_line_list(&texts)) } else { layout::list(&texts, indent) })
}

/// Writes an object of anything.
fn object<'a, T: 'a>(
    entries: impl Iterator<Item = (&'a str, &'a T)>,
    indent: usize,
    place: Place,
    path: &mut Path,
    write: impl Fn(&T, usize, Place, &mut Path) -> Result<Text, EmitError>,
) -> Result<Text, EmitError> {
    let mut names = BTreeSet::new();
    let mut texts = Vec::new();
    for (name, value) in entries {
        path.push(PathStep::GetAttr(name.to_owned()));
        if !names.insert(name) {
            return fail("the key stands twice in one object", path);
        }
        texts.push((key(name), write(value, indent + 1, place.entry(), path)?));
        path.pop();
    }
    if place.is_part() || (place.is_nested && is_small(&texts, indent)) {
        return Ok(Text::line(layout::one_line_object(&texts)));
    }
    Ok(layout::object(&texts, indent))
}

/// Tells whether an object is one entry in which there is no other object, and short.
fn is_small(entries: &[(String, Text)], indent: usize) -> bool {
    match entries {
        [(key, text)] => {
            text.shape == Shape::Line
                && !["{", "[{"].iter().any(|object| text.text.starts_with(object))
                && key.chars().count() + text.text.len() + 2 * indent <= MAX_SMALL
        }
        _ => false,
    }
}

fn is_literal_object(value: &Value) -> bool {
    matches!(value.ty(), Type::Map(_) | Type::Object(_))
}

fn is_object(expression: &DraftExpression) -> bool {
    match expression {
        DraftExpression::Object(_) => true,
        DraftExpression::Literal(value) => is_literal_object(value),
        _ => false,
    }
}

/// Tells whether an expression is an object without lists and objects in it.
fn is_flat_object(expression: &DraftExpression) -> bool {
    let is_flat = |value: &Value| value.is_null() || value.ty().is_primitive();
    match expression {
        DraftExpression::Literal(value) => is_literal_object(value) && value.entries().all(|(_, value)| is_flat(value)),
        DraftExpression::Object(entries) => entries.iter().all(|(_, value)| match value {
            DraftExpression::Literal(value) => is_flat(value),
            DraftExpression::Json(_)
            | DraftExpression::List(_)
            | DraftExpression::Object(_)
            | DraftExpression::ToSet(_) => false,
            DraftExpression::Reference { .. }
            | DraftExpression::Variable(_)
            | DraftExpression::EachValue(_)
            | DraftExpression::EachKey
            | DraftExpression::Template(_) => true,
        }),
        _ => false,
    }
}

/// Writes `jsonencode` of an expression, or the very text where the function would give another.
fn json(inner: &DraftExpression, indent: usize, place: Place, path: &mut Path) -> Result<Text, EmitError> {
    let failure = match encoded(inner, indent, place, path) {
        Ok(text) => return Ok(text),
        Err(failure) => failure,
    };
    let Some(value) = literal_value(inner).filter(|value| !value.contains_marked()) else { return Err(failure) };
    let bytes = cty::json::encode(&value, value.ty()).map_err(|_| failure.clone())?;
    let text = String::from_utf8(bytes).map_err(|_| failure)?;
    Ok(written(&[Piece::Text(text)], indent, place))
}

fn encoded(inner: &DraftExpression, indent: usize, place: Place, path: &mut Path) -> Result<Text, EmitError> {
    check_json(inner, path)?;
    let argument = expression(inner, indent, place.element(), path)?;
    Ok(Text { text: format!("jsonencode({})", argument.text), shape: argument.shape })
}

/// Checks that the literals of an expression, written and read again, are the same JSON.
fn check_json(expression: &DraftExpression, path: &mut Path) -> Result<(), EmitError> {
    check_depth(path)?;
    match expression {
        DraftExpression::Literal(value) => {
            let text = literal(value, 0, Place::VALUE, path)?.text;
            let same = || -> Option<bool> {
                let wanted = cty::json::encode(value, value.ty()).ok()?;
                let (file, problems) = File::parse("literal.tf", &format!("value = {text}\n"));
                let read = file.literal(&file.body.attributes.first()?.expression).ok()?;
                Some(problems.is_empty() && cty::json::encode(&read, read.ty()).ok()? == wanted)
            };
            if same() == Some(true) { Ok(()) } else { fail("it is not what `jsonencode` gives", path) }
        }
        DraftExpression::List(elements) => elements.iter().enumerate().try_for_each(|(index, element)| {
            path.push(PathStep::Index(Value::from(index as u64)));
            check_json(element, path)?;
            path.pop();
            Ok(())
        }),
        DraftExpression::Object(entries) => entries.iter().try_for_each(|(name, element)| {
            path.push(PathStep::GetAttr(name.clone()));
            check_json(element, path)?;
            path.pop();
            Ok(())
        }),
        DraftExpression::Json(_)
        | DraftExpression::Reference { .. }
        | DraftExpression::Variable(_)
        | DraftExpression::EachValue(_)
        | DraftExpression::EachKey
        | DraftExpression::Template(_)
        | DraftExpression::ToSet(_) => Ok(()),
    }
}

/// Gives the value of an expression that is all literal.
fn literal_value(expression: &DraftExpression) -> Option<Value> {
    match expression {
        DraftExpression::Literal(value) => Some(value.clone()),
        DraftExpression::List(elements) => {
            Some(Value::tuple(elements.iter().map(literal_value).collect::<Option<_>>()?))
        }
        DraftExpression::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| Some((name.clone(), literal_value(value)?)));
            Some(Value::object(entries.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn reference(to: &InstanceAddress, steps: &Path, path: &Path) -> Result<String, EmitError> {
    if !is_plain_name(to.resource.resource_type.as_str()) || !is_name(&to.resource.name) {
        return fail("what is referred to has a type or name that is none", path);
    }
    match steps.steps().first() {
        Some(PathStep::GetAttr(name)) if is_name(name) => {}
        _ => return fail("a reference leads to an attribute", path),
    }
    let mut out = String::new();
    push_local_address(&mut out, to);
    push_steps(&mut out, steps.steps(), path)?;
    Ok(out)
}

/// Writes the way to a part of a value.
pub(super) fn push_steps(out: &mut String, steps: &[PathStep], path: &Path) -> Result<(), EmitError> {
    for step in steps {
        match step {
            PathStep::GetAttr(name) if is_name(name) && name.is_ascii() => {
                let _ = write!(out, ".{name}");
            }
            PathStep::GetAttr(name) => {
                out.push('[');
                push_quoted(out, name);
                out.push(']');
            }
            PathStep::Index(key) if key.is_marked() => return fail("the value must not be shown", path),
            PathStep::Index(key) => {
                if let Some(text) = key.as_str() {
                    out.push('[');
                    push_quoted(out, text);
                    out.push(']');
                } else if let Some(index) = key.as_number().and_then(cty::Number::to_u64) {
                    let _ = write!(out, "[{index}]");
                } else {
                    return fail("an element of a set has no name", path);
                }
            }
        }
    }
    Ok(())
}

fn check_depth(path: &Path) -> Result<(), EmitError> {
    if path.len() > MAX_DEPTH { fail("the value is nested too deep", path) } else { Ok(()) }
}

pub(super) fn fail<T>(reason: &'static str, path: &Path) -> Result<T, EmitError> {
    Err(EmitError { reason, path: path.clone() })
}
