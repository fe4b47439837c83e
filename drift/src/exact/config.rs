//! The configuration that a plan needs: what the code declares, and nothing else.
//!
//! Where the code was evaluated, its value is the configuration, and only changes that are to be ignored are put right.
//! Else it is parsed alone. What a block writes was applied, so Recorded holds what it evaluated to; the rest
//! is null. Where the code was not read, the schema decides: an argument counts as written when it is required, or
//! optional and not computed, and non-null in Recorded.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Type, Value};
use model::{Attribute, AttributeType, Block, InstanceAddress, NestedBlock, NestingMode};

use super::is_runtime;
use crate::{Declaration, DeclaredArguments};

/// What decides which arguments the code writes.
#[derive(Clone, Copy)]
pub(super) struct Code<'a> {
    pub(super) address: &'a InstanceAddress,
    pub(super) declared: Option<&'a dyn DeclaredArguments>,
}

/// What is supposed of the code beyond what is known of it, by the names of outermost attributes and blocks.
#[derive(Clone, Copy)]
pub(super) struct Supposed<'a> {
    /// The code leaves these blocks out.
    pub(super) silent: &'a BTreeSet<String>,
    /// The code writes what is recorded here.
    pub(super) written: &'a BTreeSet<String>,
}

impl Code<'_> {
    pub(super) fn declaration(&self, path: &Path) -> Declaration {
        self.declared.map_or(Declaration::Unknown, |declared| declared.instance_argument(self.address, path))
    }
}

/// Makes the configuration of what is recorded.
///
/// `prior` is the object the plan starts from: it wins where changes are ignored.
pub(super) fn configuration(
    block: &Block,
    code: Code<'_>,
    recorded: &Value,
    prior: &Value,
    supposed: Supposed<'_>,
) -> Value {
    let builder = Builder { code, supposed, is_evaluated: false };
    builder.block(&Path::new(), block, Some(recorded), Some(prior))
}

/// Makes the configuration of what the code evaluates to, with what is recorded where `written` supposes so.
///
/// `prior` wins where changes are ignored, as above.
pub(super) fn evaluated(
    block: &Block,
    code: Code<'_>,
    config: &Value,
    recorded: &Value,
    prior: &Value,
    written: &BTreeSet<String>,
) -> Value {
    let silent = BTreeSet::new();
    let builder = Builder { code, supposed: Supposed { silent: &silent, written }, is_evaluated: true };
    let supposed: Value;
    let base = if written.is_empty() {
        config
    } else {
        let chosen = config.entries().map(|(name, value)| {
            let recorded = written.contains(name).then(|| recorded.get_attr(name).ok()).flatten();
            (name.to_owned(), recorded.unwrap_or_else(|| value.clone()))
        });
        supposed = Value::object(chosen.collect());
        &supposed
    };
    builder.block(&Path::new(), block, Some(base), Some(prior))
}

struct Builder<'a> {
    code: Code<'a>,
    supposed: Supposed<'a>,
    /// The value it is made of is what the code evaluates to, where it would else be what is recorded.
    is_evaluated: bool,
}

/// What a configuration holds at a place.
enum Held {
    Prior,
    /// What the value has that it is made of.
    Recorded,
    /// What is recorded, where it must be there.
    Required,
    /// What the schema says.
    Unknown,
}

impl Builder<'_> {
    fn held(&self, path: &Path) -> Held {
        match self.code.declaration(path) {
            Declaration::IgnoredChanges => Held::Prior,
            _ if self.is_evaluated || is_in(path, self.supposed.written) => Held::Recorded,
            Declaration::Written(_) => Held::Recorded,
            Declaration::Silent => Held::Required,
            Declaration::Unknown => Held::Unknown,
        }
    }

    fn block(&self, path: &Path, block: &Block, recorded: Option<&Value>, prior: Option<&Value>) -> Value {
        let mut values = BTreeMap::new();
        for (name, attribute) in &block.attributes {
            let (recorded, prior) = (field(recorded, name), field(prior, name));
            let path = path.clone().attr(name);
            values.insert(name.clone(), self.attribute(&path, attribute, recorded.as_ref(), prior.as_ref()));
        }
        for (name, nested) in &block.blocks {
            let (recorded, prior) = (field(recorded, name), field(prior, name));
            let path = path.clone().attr(name);
            values.insert(name.clone(), self.nested_block(&path, nested, recorded.as_ref(), prior.as_ref()));
        }
        Value::object(values)
    }

    fn attribute(&self, path: &Path, attribute: &Attribute, recorded: Option<&Value>, prior: Option<&Value>) -> Value {
        let null = || Value::null(attribute.value_type());
        if is_runtime(attribute) || attribute.write_only {
            return null();
        }
        let is_there = recorded.is_some_and(|value| !value.is_null());
        let chosen = match self.held(path) {
            Held::Prior => prior,
            Held::Recorded => recorded,
            Held::Required => recorded.filter(|_| attribute.required),
            Held::Unknown => recorded.filter(|_| is_there && !attribute.computed),
        };
        let Some(value) = chosen.filter(|value| !value.is_null()) else { return null() };
        if !value.is_known() {
            return value.clone();
        }
        match &attribute.ty {
            AttributeType::Plain(Type::Map(_)) => self.map(path, value, prior),
            AttributeType::Plain(_) => value.clone(),
            AttributeType::Nested(nested) => {
                let object = |path: &Path, value: &Value, prior: Option<&Value>| {
                    if value.is_null() || !value.is_known() {
                        return value.clone();
                    }
                    let attributes = nested.attributes.iter().map(|(name, attribute)| {
                        let (value, prior) = (field(Some(value), name), field(prior, name));
                        let path = path.clone().attr(name);
                        (name.clone(), self.attribute(&path, attribute, value.as_ref(), prior.as_ref()))
                    });
                    Value::object(attributes.collect())
                };
                match nested.nesting {
                    NestingMode::Single | NestingMode::Group => object(path, value, prior),
                    NestingMode::List | NestingMode::Set | NestingMode::Map => each(path, value, prior, object),
                }
            }
        }
    }

    /// Gives a map as it is written, with the prior values of keys whose changes are ignored.
    fn map(&self, path: &Path, value: &Value, prior: Option<&Value>) -> Value {
        let mut entries: BTreeMap<String, Value> =
            value.entries().map(|(key, value)| (key.to_owned(), value.clone())).collect();
        let prior: BTreeMap<&str, &Value> = prior.into_iter().flat_map(Value::entries).collect();
        let keys: BTreeSet<String> = entries.keys().cloned().chain(prior.keys().map(|key| (*key).to_owned())).collect();
        let n_before = entries.len();
        let mut is_changed = false;
        for key in keys {
            if self.code.declaration(&path.clone().index(key.as_str())) == Declaration::IgnoredChanges {
                is_changed = true;
                match prior.get(key.as_str()) {
                    Some(value) => drop(entries.insert(key, (*value).clone())),
                    None => drop(entries.remove(&key)),
                }
            }
        }
        let element_type = value.ty().element_type().cloned().unwrap_or(Type::Dynamic);
        if is_changed || entries.len() != n_before {
            Value::map(element_type, entries).unwrap_or_else(|_| value.clone())
        } else {
            value.clone()
        }
    }

    fn nested_block(
        &self,
        path: &Path,
        nested: &NestedBlock,
        recorded: Option<&Value>,
        prior: Option<&Value>,
    ) -> Value {
        let is_silent = || nested.min_items == 0 && path.len() == 1 && is_in(path, self.supposed.silent);
        let chosen = match self.held(path) {
            Held::Prior => prior,
            Held::Recorded => recorded,
            Held::Required => recorded.filter(|_| nested.min_items > 0),
            Held::Unknown => recorded.filter(|_| !is_silent()),
        };
        let object = |path: &Path, value: &Value, prior: Option<&Value>| {
            if value.is_null() || !value.is_known() {
                value.clone()
            } else {
                self.block(path, &nested.block, Some(value), prior)
            }
        };
        let value = chosen.filter(|value| !value.is_null());
        if let Some(unknown) = value.filter(|value| !value.is_known()) {
            return unknown.clone();
        }
        match nested.nesting {
            NestingMode::Single => {
                value.map_or_else(|| Value::null(nested.block.value_type()), |value| object(path, value, prior))
            }
            NestingMode::Group => self.block(path, &nested.block, value, prior),
            NestingMode::List | NestingMode::Set | NestingMode::Map => match value {
                Some(value) => each(path, value, prior, object),
                None => empty(nested, recorded.or(prior)),
            },
        }
    }
}

/// Makes a collection of what is made of each element. Elements of sets have no counterpart in the prior object.
fn each(
    path: &Path,
    value: &Value,
    prior: Option<&Value>,
    make: impl Fn(&Path, &Value, Option<&Value>) -> Value,
) -> Value {
    let indexed = |position: usize, element: &Value| {
        if value.ty().is_set() {
            return make(&path.clone().index(element.clone()), element, None);
        }
        let prior = prior.and_then(|prior| prior.elements().nth(position));
        make(&path.clone().index(position as u64), element, prior)
    };
    let keyed = || {
        let prior: BTreeMap<&str, &Value> = prior.into_iter().flat_map(Value::entries).collect();
        let make_entry = |(key, element): (&str, &Value)| {
            (key.to_owned(), make(&path.clone().index(key), element, prior.get(key).copied()))
        };
        value.entries().map(make_entry).collect::<BTreeMap<_, _>>()
    };
    let elements = || value.elements().enumerate().map(|(position, element)| indexed(position, element)).collect();
    let made = match value.ty() {
        Type::List(element) => Value::list(Type::clone(element), elements()),
        Type::Set(element) => Value::set(Type::clone(element), elements()),
        Type::Tuple(_) => Ok(Value::tuple(elements())),
        Type::Map(element) => Value::map(Type::clone(element), keyed()),
        Type::Object(_) => Ok(Value::object(keyed())),
        Type::String | Type::Number | Type::Bool | Type::Dynamic => Ok(value.clone()),
    };
    made.unwrap_or_else(|_| value.clone())
}

/// Gives the collection of no blocks, in the type the others have.
fn empty(nested: &NestedBlock, like: Option<&Value>) -> Value {
    let wanted = nested.value_type();
    let ty = match (&wanted, like) {
        (Type::Dynamic, Some(like)) => like.ty(),
        _ => &wanted,
    };
    let made = match ty {
        Type::List(element) => Value::list(Type::clone(element), Vec::new()),
        Type::Set(element) => Value::set(Type::clone(element), Vec::new()),
        Type::Map(element) => Value::map(Type::clone(element), BTreeMap::new()),
        Type::Object(_) => Ok(Value::object(BTreeMap::new())),
        _ => Ok(Value::tuple(Vec::new())),
    };
    made.unwrap_or_else(|_| Value::null(wanted.clone()))
}

fn field(value: Option<&Value>, name: &str) -> Option<Value> {
    value.filter(|value| !value.is_null()).and_then(|value| value.get_attr(name).ok())
}

fn is_in(path: &Path, names: &BTreeSet<String>) -> bool {
    matches!(path.steps().first(), Some(cty::PathStep::GetAttr(name)) if names.contains(name))
}
