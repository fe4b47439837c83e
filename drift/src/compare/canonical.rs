//! Canonical text: equal for values that differ in spelling only.

use cty::{Type, Value};

use super::policy;

/// Tells whether two values mean the same.
pub(crate) fn is_equal(state: &Value, cloud: &Value) -> bool {
    match (state.as_str(), cloud.as_str()) {
        (Some(state), Some(cloud)) if state == cloud => true,
        _ => canonical(state, Some(cloud.ty())) == canonical(cloud, Some(cloud.ty())),
    }
}

/// Tells whether a value is nothing: null, empty text, or an empty collection.
pub(crate) fn is_blank(value: &Value) -> bool {
    value.is_known()
        && (value.is_null()
            || value.as_str().is_some_and(str::is_empty)
            || (!is_primitive(value.ty()) && value.elements().len() == 0 && value.entries().len() == 0))
}

/// Writes a value so that numbers and booleans equal their text, JSON is equal by meaning, blanks are left out, and sets
/// have an order. Of objects, only what `shape` has is written.
pub(crate) fn canonical(value: &Value, shape: Option<&Type>) -> String {
    let mut text = String::new();
    write(value, shape, &mut text);
    text
}

fn write(value: &Value, shape: Option<&Type>, out: &mut String) {
    if !value.is_known() {
        out.push('?');
    } else if is_blank(value) {
        out.push('~');
    } else if let Some(text) = value.as_str() {
        match policy::canonical_json(text) {
            Some(json) => out.push_str(&json),
            None => write_text(text, out),
        }
    } else if let Some(number) = value.as_number() {
        write_text(&number.to_string(), out);
    } else if let Some(bool) = value.as_bool() {
        write_text(if bool { "true" } else { "false" }, out);
    } else if is_named(value.ty()) {
        out.push('{');
        // A key of a map is there or not, whatever it holds: a tag without a value is a tag.
        let is_map = matches!(value.ty(), Type::Map(_)) || matches!(shape, Some(Type::Map(_)));
        let is_left_out = |value: &Value| if is_map { value.is_null() } else { is_blank(value) };
        for (name, value) in value.entries().filter(|(_, value)| !is_left_out(value)) {
            let shape = match shape {
                Some(Type::Object(object)) => match object.get(name) {
                    Some(ty) => Some(ty),
                    None => continue,
                },
                Some(Type::Map(element)) => Some(&**element),
                _ => None,
            };
            write_text(name, out);
            write(value, shape, out);
        }
        out.push('}');
    } else {
        let element_shape = |position: usize| match shape {
            Some(Type::List(element) | Type::Set(element)) => Some(&**element),
            Some(Type::Tuple(elements)) => elements.get(position),
            _ => None,
        };
        let mut elements: Vec<String> = value
            .elements()
            .enumerate()
            .map(|(position, element)| canonical(element, element_shape(position)))
            .collect();
        if matches!(shape, Some(Type::Set(_))) {
            elements.sort_unstable();
        }
        out.push('[');
        for element in elements {
            out.push_str(&element);
        }
        out.push(']');
    }
}

/// Writes text with its length before it, so that no text can look like structure.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push_str(&text.len().to_string());
    out.push(':');
    out.push_str(text);
}

fn is_primitive(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Number | Type::Bool | Type::Dynamic)
}

fn is_named(ty: &Type) -> bool {
    matches!(ty, Type::Map(_) | Type::Object(_))
}
