//! What a plan would change of the object.

use cty::{Path, Value};
use model::{AttributeType, Block, NestedBlock, NestedObject, NestingMode};

use super::arguments::elements;

/// One difference between the object and its plan.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// Where it is; elements of sets are those of the object.
    pub(super) path: Path,
    /// What the object holds.
    pub(super) prior: Value,
    /// What it would hold.
    pub(super) planned: Value,
}

/// Finds the innermost differences that a schema has names for.
pub(super) fn between(block: &Block, prior: &Value, planned: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    if planned.is_null() || !planned.is_known() {
        found.push(Change { path: Path::new(), prior: prior.clone(), planned: planned.clone() });
        return found;
    }
    in_block(block, prior, planned, &Path::new(), &mut found);
    found
}

fn in_block(block: &Block, prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Change>) {
    for (name, attribute) in &block.attributes {
        in_attribute(name, attribute, prior, planned, path, found);
    }
    for (name, nested) in &block.blocks {
        let Some((prior, planned)) = differing(name, prior, planned) else { continue };
        in_nested_block(nested, &prior, &planned, &path.clone().attr(name), found);
    }
}

fn in_attribute(
    name: &str,
    attribute: &model::Attribute,
    prior: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Vec<Change>,
) {
    let Some((prior, planned)) = differing(name, prior, planned) else { return };
    let path = path.clone().attr(name);
    match &attribute.ty {
        AttributeType::Nested(nested) => in_nested_attribute(nested, &prior, &planned, &path, found),
        AttributeType::Plain(_) => found.push(Change { path, prior, planned }),
    }
}

/// Gives an attribute of two objects where it is not the same.
fn differing(name: &str, prior: &Value, planned: &Value) -> Option<(Value, Value)> {
    let (prior, planned) = (prior.get_attr(name).ok()?, planned.get_attr(name).ok()?);
    (!is_same(&prior, &planned)).then_some((prior, planned))
}

pub(super) fn is_same(a: &Value, b: &Value) -> bool {
    a == b || a.equals(b).as_bool() == Some(true)
}

fn in_nested_block(nested: &NestedBlock, prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Change>) {
    let inside = |prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Change>| {
        in_block(&nested.block, prior, planned, path, found);
    };
    in_collection(nested.nesting, prior, planned, path, found, &inside);
}

fn in_nested_attribute(nested: &NestedObject, prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Change>) {
    let inside = |prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Change>| {
        for (name, attribute) in &nested.attributes {
            in_attribute(name, attribute, prior, planned, path, found);
        }
    };
    in_collection(nested.nesting, prior, planned, path, found, &inside);
}

fn in_collection(
    nesting: NestingMode,
    prior: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Vec<Change>,
    inside: &dyn Fn(&Value, &Value, &Path, &mut Vec<Change>),
) {
    let n_before = found.len();
    let is_there = |value: &Value| value.is_known() && !value.is_null();
    if is_there(prior) && is_there(planned) {
        match nesting {
            NestingMode::Single | NestingMode::Group => inside(prior, planned, path, found),
            NestingMode::List if prior.len() == planned.len() => {
                for ((key, prior), (_, planned)) in elements(prior).into_iter().zip(elements(planned)) {
                    within(prior, planned, &path.clone().index(key), found, inside);
                }
            }
            NestingMode::Map if prior.len() == planned.len() => {
                for ((key, prior), (other, planned)) in elements(prior).into_iter().zip(elements(planned)) {
                    if key == other {
                        within(prior, planned, &path.clone().index(key), found, inside);
                    }
                }
            }
            NestingMode::Set if prior.len() == planned.len() && prior.len() <= MAX_PAIRED => {
                for (prior, planned) in pairs(prior, planned) {
                    within(prior, planned, &path.clone().index(prior.clone()), found, inside);
                }
            }
            NestingMode::List | NestingMode::Map | NestingMode::Set => {}
        }
    }
    if found.len() == n_before {
        found.push(Change { path: path.clone(), prior: prior.clone(), planned: planned.clone() });
    }
}

fn within(
    prior: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Vec<Change>,
    inside: &dyn Fn(&Value, &Value, &Path, &mut Vec<Change>),
) {
    if is_same(prior, planned) {
        return;
    }
    if prior.is_null() || planned.is_null() || !planned.is_known() {
        found.push(Change { path: path.clone(), prior: prior.clone(), planned: planned.clone() });
    } else {
        inside(prior, planned, path, found);
    }
}

/// Larger sets differ as a whole.
const MAX_PAIRED: usize = 200;

/// Pairs the elements of two sets of one size that are in one of them only, the most similar ones first.
pub(super) fn pairs<'a>(prior: &'a Value, planned: &'a Value) -> Vec<(&'a Value, &'a Value)> {
    let mut left: Vec<&Value> =
        prior.elements().filter(|element| !planned.elements().any(|other| other == *element)).collect();
    let mut right: Vec<&Value> =
        planned.elements().filter(|element| !prior.elements().any(|other| other == *element)).collect();
    let mut pairs = Vec::new();
    while !left.is_empty() && !right.is_empty() {
        let element = left.remove(0);
        let n_equal = |other: &&Value| {
            element.entries().filter(|(name, value)| other.get_attr(name).is_ok_and(|other| other == **value)).count()
        };
        let best = right.iter().map(n_equal).max().unwrap_or_default();
        let at = right.iter().position(|other| n_equal(other) == best).unwrap_or_default();
        pairs.push((element, right.remove(at)));
    }
    pairs
}
