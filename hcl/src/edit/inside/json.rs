//! The same in JSON.

use std::ops::Range;

use cty::{PathStep, Value};

use super::{COMPUTED, NOT_THERE, Wanted, find_element, is_same, wanted};
use crate::edit::EditProblem;
use crate::json::{self, JsonKind, JsonNode, JsonProperty};

/// Sets a value at a path of a JSON text.
pub(super) fn set(text: &str, steps: &[PathStep], value: &Value) -> Result<String, EditProblem> {
    let root = json::parse(text).map_err(|_| COMPUTED)?;
    let (range, new) = place(text, &root, steps, value)?;
    let edited = format!("{}{new}{}", &text[..range.start], &text[range.end..]);
    let read = json::parse(&edited).map_err(|_| COMPUTED)?;
    if is_written(&read, steps, value) { Ok(edited) } else { Err(COMPUTED) }
}

/// Gives the place that changes, and what stands there then.
fn place(
    text: &str,
    node: &JsonNode,
    steps: &[PathStep],
    value: &Value,
) -> Result<(Range<usize>, String), EditProblem> {
    let Some((step, rest)) = steps.split_first() else {
        let old = constant(node).ok_or(COMPUTED)?;
        return Ok((node.range(), written(value, &old)?));
    };
    let goes = rest.is_empty() && value.is_null();
    match (node.kind(), wanted(step)) {
        (JsonKind::Object(properties), Wanted::Name(name)) => {
            if properties.iter().any(|property| is_template(&property.name)) {
                return Err(COMPUTED);
            }
            let ranges: Vec<Range<usize>> = properties.iter().map(whole).collect();
            match properties.iter().rposition(|property| property.name == name) {
                Some(position) if goes => Ok((removed(node, &ranges, position), String::new())),
                Some(position) => place(text, &properties[position].value, rest, value),
                None if rest.is_empty() && !goes => {
                    let new = format!("{}: {}", text_of(name), written(value, &Value::string(""))?);
                    Ok(appended(text, node, &ranges, &new))
                }
                None => Err(NOT_THERE),
            }
        }
        (JsonKind::Array(elements), step) => {
            let ranges: Vec<Range<usize>> = elements.iter().map(JsonNode::range).collect();
            let constants: Vec<Option<Value>> = elements.iter().map(constant).collect();
            let found = match step {
                Wanted::Position(position) if position < elements.len() => Some(position),
                Wanted::Position(position) if position == elements.len() => None,
                Wanted::Position(_) => return Err(NOT_THERE),
                Wanted::Element(element) => find_element(&constants, element)?,
                Wanted::Name(name) => find_element(&constants, &Value::string(name))?,
            };
            match found {
                Some(position) if goes => Ok((removed(node, &ranges, position), String::new())),
                Some(position) => place(text, &elements[position], rest, value),
                None if rest.is_empty() && !goes => {
                    Ok(appended(text, node, &ranges, &written(value, &Value::string(""))?))
                }
                None => Err(NOT_THERE),
            }
        }
        _ => Err(COMPUTED),
    }
}

fn whole(property: &JsonProperty) -> Range<usize> {
    property.name_range.start..property.value.range().end
}

fn appended(text: &str, node: &JsonNode, ranges: &[Range<usize>], new: &str) -> (Range<usize>, String) {
    let Some(last) = ranges.last() else {
        return (node.range().start + 1..node.range().end - 1, new.to_owned());
    };
    let start = text[..last.start].rfind('\n').map_or(0, |end| end + 1);
    let indent = &text[start..last.start];
    let is_by_line = start > node.range().start && indent.trim().is_empty();
    let new = if is_by_line { format!(",\n{indent}{new}") } else { format!(", {new}") };
    (last.end..last.end, new)
}

fn removed(node: &JsonNode, ranges: &[Range<usize>], position: usize) -> Range<usize> {
    let previous = position.checked_sub(1).and_then(|position| ranges.get(position));
    match (previous, ranges.get(position + 1)) {
        (_, Some(next)) => ranges[position].start..next.start,
        (Some(previous), None) => previous.end..ranges[position].end,
        (None, None) => node.range().start + 1..node.range().end - 1,
    }
}

/// Tells whether a text may be a template.
fn is_template(text: &str) -> bool {
    text.contains("${") || text.contains("%{")
}

/// Gives the value of what is written out.
fn constant(node: &JsonNode) -> Option<Value> {
    fn is_plain(node: &JsonNode) -> bool {
        match node.kind() {
            JsonKind::Text(text) => !is_template(text),
            JsonKind::Array(elements) => elements.iter().all(is_plain),
            JsonKind::Object(properties) => {
                properties.iter().all(|property| !is_template(&property.name) && is_plain(&property.value))
            }
            JsonKind::Null | JsonKind::Bool(_) | JsonKind::Number(_) => true,
        }
    }
    is_plain(node).then(|| node.to_value())
}

/// Writes a value in the place of another one.
fn written(value: &Value, old: &Value) -> Result<String, EditProblem> {
    if value.is_null() {
        return Ok("null".to_owned());
    }
    if value.ty().is_primitive() {
        let text = cty::convert::convert(value, &cty::Type::String).map_err(|_| COMPUTED)?;
        let text = text.as_str().unwrap_or_default().to_owned();
        let is_bare = !old.is_null() && old.as_str().is_none() && old.ty().is_primitive() || value.as_str().is_none();
        let keeps_quotes = old.as_str().is_some_and(|old| !old.is_empty()) && value.as_str().is_none();
        let bare = json::parse(&text).ok().filter(|_| is_bare && !keeps_quotes);
        let bare = bare.filter(|node| node.as_str().is_none() && is_same(&node.to_value(), value));
        return Ok(match bare {
            Some(_) => text,
            None => text_of(&text.replace("${", "$${").replace("%{", "%%{")),
        });
    }
    if value.ty().as_object().is_some() || matches!(value.ty(), cty::Type::Map(_)) {
        let items = value.entries().map(|(name, value)| {
            let name = name.replace("${", "$${").replace("%{", "%%{");
            Ok(format!("{}: {}", text_of(&name), written(value, &Value::string(""))?))
        });
        return Ok(format!("{{{}}}", items.collect::<Result<Vec<_>, EditProblem>>()?.join(", ")));
    }
    let elements = value.elements().map(|value| written(value, &Value::string("")));
    Ok(format!("[{}]", elements.collect::<Result<Vec<_>, EditProblem>>()?.join(", ")))
}

fn text_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Tells whether a text has a value at a path.
fn is_written(node: &JsonNode, steps: &[PathStep], value: &Value) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        let unescaped = |text: &str| text.replace("$${", "${").replace("%%{", "%{");
        return match (node.as_str(), value.as_str()) {
            (Some(text), Some(value)) => unescaped(text) == value,
            _ => is_same(&node.to_value(), value) || !value.ty().is_primitive(),
        };
    };
    let goes = rest.is_empty() && value.is_null();
    match (node.kind(), wanted(step)) {
        (JsonKind::Object(properties), Wanted::Name(name)) => {
            let found = properties.iter().rev().find(|property| property.name == name);
            found.map_or(goes, |property| !goes && is_written(&property.value, rest, value))
        }
        (JsonKind::Array(elements), Wanted::Position(position)) => match elements.get(position) {
            Some(inner) => goes || is_written(inner, rest, value),
            None => goes,
        },
        (JsonKind::Array(elements), _) => goes || elements.iter().any(|inner| is_written(inner, rest, value)),
        _ => false,
    }
}
