//! The values of expressions that need no evaluation: texts, numbers, bools, null, and lists and objects of those.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use cty::{Number, Value};
use model::Span;

use crate::expression::{self, Node, NodeKind, Unary};
use crate::json::{JsonKind, JsonNode, JsonProperty};
use crate::syntax::{Expression, File};

/// How deep lists and objects may nest.
const MAX_DEPTH: usize = 100;

/// Says that an expression is not a literal: what it is can only be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a literal: {reason}")]
pub struct NotLiteral {
    /// What stands in the way, as a clause.
    pub reason: String,
    /// Where it is.
    pub span: Span,
}

/// Decodes an expression.
pub(crate) fn decode(file: &File, expression: &Expression) -> Result<Value, NotLiteral> {
    if let Some(value) = expression.json() {
        return decode_json(file, value, 0);
    }
    match expression::parse(file, expression) {
        Ok(node) => decode_node(file, &node, 0),
        Err(problem) => {
            let span = problem.span.clone().unwrap_or_else(|| file.expression_span(expression));
            Err(NotLiteral { reason: "it is no expression".to_owned(), span })
        }
    }
}

fn decode_node(file: &File, node: &Node, depth: usize) -> Result<Value, NotLiteral> {
    let fail = |reason: &str| NotLiteral { reason: reason.to_owned(), span: file.span(&node.range) };
    if depth > MAX_DEPTH {
        return Err(fail("lists and objects are nested too deep"));
    }
    match &node.kind {
        NodeKind::Literal(value) => Ok(value.clone()),
        NodeKind::Unary { operator: Unary::Negate, operand } => match &operand.kind {
            NodeKind::Literal(value) if value.as_number().is_some() => {
                let text = format!("-{}", &file.text[operand.range.clone()]);
                Number::parse(&text).map(Value::number).map_err(|_| fail("the number is too large"))
            }
            _ => Err(fail("it must be evaluated")),
        },
        NodeKind::Tuple(elements) => {
            let values = elements.iter().map(|element| decode_node(file, element, depth + 1));
            Ok(Value::tuple(values.collect::<Result<_, _>>()?))
        }
        NodeKind::Object(items) => {
            let mut attributes = BTreeMap::new();
            for (key, value) in items {
                attributes.insert(key_name(file, key)?, decode_node(file, value, depth + 1)?);
            }
            Ok(Value::object(attributes))
        }
        NodeKind::Template(_) | NodeKind::Wrapped(_) => Err(fail("it holds an interpolation")),
        _ => Err(fail("it must be evaluated")),
    }
}

/// Gives the key of an entry of an object, where that needs no evaluation.
fn key_name(file: &File, key: &Node) -> Result<String, NotLiteral> {
    let name = match &key.kind {
        NodeKind::Name(name) => Some(name.clone()),
        NodeKind::Literal(value) => match (value.as_str(), value.as_number()) {
            (Some(text), _) => Some(text.to_owned()),
            (_, Some(number)) => Some(number.to_string()),
            _ => Some(file.text[key.range.clone()].to_owned()),
        },
        _ => None,
    };
    name.ok_or_else(|| NotLiteral { reason: "its keys must be evaluated".to_owned(), span: file.span(&key.range) })
}

fn decode_json(file: &File, node: &JsonNode, depth: usize) -> Result<Value, NotLiteral> {
    let fail = |reason: &str| NotLiteral { reason: reason.to_owned(), span: file.span(&node.range()) };
    if depth > MAX_DEPTH {
        return Err(fail("lists and objects are nested too deep"));
    }
    match node.kind() {
        JsonKind::Text(text) => {
            unescape_template(text).map(Value::string).ok_or_else(|| fail("it holds an interpolation"))
        }
        JsonKind::Array(elements) => {
            let values = elements.iter().map(|element| decode_json(file, element, depth + 1));
            Ok(Value::tuple(values.collect::<Result<_, _>>()?))
        }
        JsonKind::Object(properties) => {
            let mut attributes = BTreeMap::new();
            for property in properties {
                attributes.insert(property.name.clone(), decode_json(file, &property.value, depth + 1)?);
            }
            Ok(Value::object(attributes))
        }
        JsonKind::Null | JsonKind::Bool(_) | JsonKind::Number(_) => Ok(node.to_value()),
    }
}

/// Splits a list into its elements; `None` where the expression is not a list.
pub(crate) fn elements(file: &File, expression: &Expression) -> Option<Vec<Expression>> {
    if let Some(value) = expression.json() {
        return value.as_array().map(|elements| elements.iter().cloned().map(Expression::of_json).collect());
    }
    match &expression::parse(file, expression).ok()?.kind {
        NodeKind::Tuple(elements) => Some(elements.iter().map(part).collect()),
        _ => None,
    }
}

/// Splits an object into its entries; `None` where the expression is not an object.
pub(crate) fn entries(file: &File, expression: &Expression) -> Option<Result<Vec<(String, Expression)>, NotLiteral>> {
    if let Some(value) = expression.json() {
        let entry = |property: &JsonProperty| (property.name.clone(), Expression::of_json(property.value.clone()));
        return value.as_object().map(|properties| Ok(properties.iter().map(entry).collect()));
    }
    match &expression::parse(file, expression).ok()?.kind {
        NodeKind::Object(items) => {
            Some(items.iter().map(|(key, value)| Ok((key_name(file, key)?, part(value)))).collect())
        }
        _ => None,
    }
}

/// Makes a part of an expression one of its own.
fn part(node: &Node) -> Expression {
    Expression::of_tree(node.range.clone(), Ok(Arc::new(node.clone())))
}

/// Resolves the escapes of text in quotes.
///
/// Source: the "HCL Native Syntax Specification", section "Template Expressions".
pub(crate) fn unescape_quoted(text: &str, out: &mut String) -> Result<(), String> {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if (c == '$' || c == '%') && rest.starts_with(c) && rest[1..].starts_with('{') {
            out.push(c);
            out.push('{');
            rest = &rest[2..];
            continue;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = rest.chars().next();
        rest = &rest[escape.map_or(0, char::len_utf8)..];
        match escape {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(c @ ('"' | '\\')) => out.push(c),
            Some(c @ ('u' | 'U')) => {
                let n_digits = if c == 'u' { 4 } else { 8 };
                let digits = rest.get(..n_digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let found = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
                out.push(found.ok_or_else(|| format!("`\\{c}` must be followed by {n_digits} hexadecimal digits"))?);
                rest = &rest[n_digits..];
            }
            Some(c) => return Err(format!("the escape `\\{c}` does not exist")),
            None => return Err("a backslash must be followed by what it escapes".to_owned()),
        }
    }
    Ok(())
}

/// Resolves `$${` and `%%{` in text that is known to hold no interpolation or directive.
pub(crate) fn unescape_text(text: &str) -> Cow<'_, str> {
    if !text.contains("${") && !text.contains("%{") {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("$${", "${").replace("%%{", "%{"))
}

/// Resolves `$${` and `%%{`; `None` where the text holds an interpolation or directive.
fn unescape_template(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        out.push(c);
        if c == '$' || c == '%' {
            if rest.starts_with('{') {
                return None;
            }
            if rest.starts_with(c) && rest[1..].starts_with('{') {
                out.push('{');
                rest = &rest[2..];
            }
        }
    }
    Some(out)
}
