//! What evaluation cannot know: it is supposed to be as it is recorded.
//!
//! A plan of a configuration with unknown values plans unknown values, or replacements that never come. What was applied
//! is the likeliest thing that an argument evaluates to, and what follows from the supposition says so.

use std::collections::BTreeMap;

use cty::{Path, PathStep, Type, Value};
use model::Block;

use crate::compare::canonical::is_blank;

/// Fills what is unknown in a configuration with what is recorded there; what has no counterpart there stays unknown.
///
/// Elements of sets find their counterpart by what is known of them.
pub(super) fn suppose(config: &Value, recorded: Option<&Value>) -> Value {
    if config.is_wholly_known() {
        return config.clone();
    }
    if !config.is_known() {
        return recorded.map_or_else(|| config.clone(), Value::clone);
    }
    let recorded = recorded.filter(|recorded| !recorded.is_null() && recorded.is_known());
    let entry = |name: &str| {
        let mut entries = recorded.into_iter().flat_map(Value::entries);
        entries.find(|(own, _)| *own == name).map(|(_, value)| value)
    };
    let entries = || -> BTreeMap<String, Value> {
        config.entries().map(|(name, value)| (name.to_owned(), suppose(value, entry(name)))).collect()
    };
    let elements = || -> Vec<Value> {
        let counterpart = |position: usize| recorded.and_then(|recorded| recorded.elements().nth(position));
        config.elements().enumerate().map(|(position, value)| suppose(value, counterpart(position))).collect()
    };
    let made = match config.ty() {
        Type::Object(_) => Ok(Value::object(entries())),
        Type::Map(element) => Value::map(Type::clone(element), entries()),
        Type::List(element) => Value::list(Type::clone(element), elements()),
        Type::Tuple(_) => Ok(Value::tuple(elements())),
        Type::Set(element) => Value::set(Type::clone(element), members(config, recorded)),
        Type::String | Type::Number | Type::Bool | Type::Dynamic => Ok(config.clone()),
    };
    made.unwrap_or_else(|_| config.clone())
}

/// Fills the elements of a set: those that are known take their own counterparts first.
fn members(config: &Value, recorded: Option<&Value>) -> Vec<Value> {
    let mut left: Vec<&Value> = recorded.into_iter().flat_map(Value::elements).collect();
    let mut take = |element: &Value| {
        let position = left.iter().position(|recorded| can_become(element, recorded))?;
        Some(left.remove(position))
    };
    let (known, unknown): (Vec<&Value>, Vec<&Value>) = config.elements().partition(|element| element.is_wholly_known());
    for element in &known {
        take(element);
    }
    let filled: Vec<Value> = unknown.iter().map(|element| suppose(element, take(element))).collect();
    known.into_iter().cloned().chain(filled).collect()
}

/// Tells whether what is known of a configured element is in a recorded one.
fn can_become(config: &Value, recorded: &Value) -> bool {
    if !config.is_known() || is_blank(config) {
        return true;
    }
    if config.elements().len() == 0 && config.entries().len() == 0 {
        return config == recorded;
    }
    if config.is_wholly_known() && config == recorded {
        return true;
    }
    config.elements().len() == recorded.elements().len()
        && config.elements().zip(recorded.elements()).all(|(config, recorded)| can_become(config, recorded))
        && config.entries().all(|(name, config)| {
            recorded.entries().find(|(own, _)| *own == name).is_some_and(|(_, recorded)| can_become(config, recorded))
        })
}

/// Tells whether evaluation does not know all of what a configuration has at a path.
pub(super) fn is_supposed(config: &Value, path: &Path) -> bool {
    let mut here = config.clone();
    for step in path.steps() {
        let inner = match step {
            _ if !here.is_known() => return true,
            // Which element of a set it is that is not known, nobody can tell.
            PathStep::Index(_) if here.ty().is_set() => return !here.is_wholly_known(),
            PathStep::GetAttr(name) => here.get_attr(name),
            PathStep::Index(key) => here.index(key),
        };
        match inner {
            Ok(value) => here = value,
            Err(_) => return false,
        }
    }
    !here.is_wholly_known()
}

/// Tells whether what a configuration has at a path is known, and nothing: null, or no block.
///
/// Of a collection that is an argument the code says all there is, whatever it has at the path.
pub(super) fn is_silent(schema: &Block, config: &Value, path: &Path) -> bool {
    let mut block = Some(schema);
    let mut is_block = true;
    let mut here = vec![config.clone()];
    for step in path.steps() {
        let mut next = Vec::new();
        for value in here {
            if !value.is_known() {
                return false;
            }
            if value.is_null() {
                continue;
            }
            match step {
                PathStep::GetAttr(name) => match value.get_attr(name) {
                    Ok(value) => next.push(value),
                    Err(_) => return false,
                },
                PathStep::Index(_) if !is_block => return false,
                PathStep::Index(_) => {
                    next.extend(value.elements().cloned());
                    next.extend(value.entries().map(|(_, element)| element.clone()));
                }
            }
        }
        if let PathStep::GetAttr(name) = step {
            let nested = block.and_then(|block| block.blocks.get(name));
            is_block = nested.is_some();
            block = nested.map(|nested| &nested.block);
        }
        here = next;
    }
    let is_nothing = |value: &Value| value.is_known() && (value.is_null() || is_block && value.is_empty());
    here.iter().all(is_nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        cty::json::decode_implied(text.as_bytes()).expect(text)
    }

    fn unknown() -> Value {
        Value::unknown(Type::String)
    }

    #[test]
    fn what_is_unknown_is_as_recorded_and_the_rest_as_it_is() {
        let config =
            Value::object(BTreeMap::from([("a".to_owned(), unknown()), ("b".to_owned(), Value::string("new"))]));
        assert_eq!(suppose(&config, Some(&json(r#"{"a":"1","b":"old"}"#))), json(r#"{"a":"1","b":"new"}"#));
        assert!(!suppose(&config, None).is_wholly_known());
    }

    #[test]
    fn elements_of_sets_find_their_counterpart_by_what_is_known() {
        let element = |port: &str, id: Value| {
            Value::object(BTreeMap::from([("port".to_owned(), Value::string(port)), ("id".to_owned(), id)]))
        };
        let set = |elements: Vec<Value>| Value::set(Type::Dynamic, elements).expect("one type");
        let recorded = set(vec![element("22", Value::string("x")), element("80", Value::string("y"))]);
        let config = set(vec![element("80", unknown()), element("443", unknown())]);
        let supposed = suppose(&config, Some(&recorded));
        assert!(supposed.elements().any(|found| *found == element("80", Value::string("y"))));
        assert!(supposed.elements().any(|found| !found.is_wholly_known()), "nothing recorded has the port 443");
    }
}
