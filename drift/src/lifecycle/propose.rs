//! The object a provider is asked to plan.

use std::collections::BTreeMap;

use cty::{Type, Value};
use model::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode};

use super::place::{child, children, empty_block};

/// Merges what the configuration says with what the provider decided before: the object a provider is asked to plan.
///
/// Arguments come from the configuration; where it leaves a computed attribute null, the prior value stays. Nested
/// blocks and objects find their prior counterpart by index, by key, or in sets by whether the one can have come of the
/// other: a heuristic, for which the first that fits is taken. Where there is no prior object, computed attributes are
/// null: it is for the provider to say that they are unknown.
///
/// `prior` is wholly known, `config` may hold unknown values; neither is marked.
///
/// Source: "`PlanResourceChange`" and its "Proposed New State" in OpenTofu's
/// `docs/resource-instance-change-lifecycle.md`.
pub fn proposed_new(block: &Block, prior: &Value, config: &Value) -> Value {
    if prior.is_null() && config.is_null() {
        return prior.clone();
    }
    let synthetic;
    let prior = if prior.is_null() {
        synthetic = empty_block(block);
        &synthetic
    } else {
        prior
    };
    if config.is_null() || !config.is_known() {
        return prior.clone();
    }
    let mut proposed = propose_attributes(&block.attributes, prior, config);
    for (name, nested) in &block.blocks {
        let prior = child(prior, name, || nested.value_type());
        let config = child(config, name, || nested.value_type());
        proposed.insert(name.clone(), propose_nested_block(nested, &prior, &config));
    }
    Value::object(proposed)
}

/// What the objects of a nested block or attribute consist of.
#[derive(Clone, Copy)]
enum Objects<'a> {
    Blocks(&'a Block),
    Values(&'a NestedObject),
}

impl Objects<'_> {
    fn propose(self, prior: &Value, config: &Value) -> Value {
        match self {
            Self::Blocks(block) => proposed_new(block, prior, config),
            Self::Values(nested) => propose_object(nested, prior, config),
        }
    }
}

fn propose_nested_block(nested: &NestedBlock, prior: &Value, config: &Value) -> Value {
    if !config.is_known() {
        return config.clone();
    }
    let objects = Objects::Blocks(&nested.block);
    match nested.nesting {
        NestingMode::Single if config.is_null() => config.clone(),
        NestingMode::Single | NestingMode::Group => proposed_new(&nested.block, prior, config),
        NestingMode::List => propose_list(objects, prior, config),
        NestingMode::Map => propose_map(objects, prior, config),
        NestingMode::Set => propose_set(objects, prior, config),
    }
}

fn propose_nested_attribute(nested: &NestedObject, prior: &Value, config: &Value) -> Value {
    if !config.is_known() {
        return config.clone();
    }
    let objects = Objects::Values(nested);
    match nested.nesting {
        NestingMode::Single | NestingMode::Group => propose_object(nested, prior, config),
        NestingMode::List => propose_list(objects, prior, config),
        NestingMode::Map => propose_map(objects, prior, config),
        NestingMode::Set => propose_set(objects, prior, config),
    }
}

fn propose_object(nested: &NestedObject, prior: &Value, config: &Value) -> Value {
    if config.is_null() {
        return config.clone();
    }
    Value::object(propose_attributes(&nested.attributes, prior, config))
}

fn propose_attributes(
    attributes: &BTreeMap<String, Attribute>,
    prior: &Value,
    config: &Value,
) -> BTreeMap<String, Value> {
    let propose = |name: &str, attribute: &Attribute| {
        let prior = child(prior, name, || attribute.value_type());
        let config = child(config, name, || attribute.value_type());
        match &attribute.ty {
            // Null on purpose: what the prior object holds was written once, and now it no longer is.
            AttributeType::Nested(nested)
                if attribute.computed && config.is_null() && attribute.optional && was_written(nested, &prior) =>
            {
                config
            }
            _ if attribute.computed && config.is_null() => prior,
            AttributeType::Nested(nested) => propose_nested_attribute(nested, &prior, &config),
            AttributeType::Plain(_) => config,
        }
    };
    attributes.iter().map(|(name, attribute)| (name.clone(), propose(name, attribute))).collect()
}

fn propose_list(objects: Objects<'_>, prior: &Value, config: &Value) -> Value {
    if config.is_empty() {
        return config.clone();
    }
    let elements = children(config).into_iter().map(|(index, config)| {
        if !prior.is_known() {
            return objects.propose(&Value::unknown(config.ty().clone()), config);
        }
        match prior.index(&index) {
            Ok(prior) => objects.propose(&prior, config),
            Err(_) => config.clone(),
        }
    });
    let elements: Vec<Value> = elements.collect();
    match config.ty() {
        Type::List(_) => Value::list(Type::Dynamic, elements).unwrap_or_else(|_| config.clone()),
        _ => Value::tuple(elements),
    }
}

fn propose_map(objects: Objects<'_>, prior: &Value, config: &Value) -> Value {
    if config.is_empty() {
        return config.clone();
    }
    let priors: BTreeMap<&str, &Value> = prior.entries().collect();
    let entries = config.entries().map(|(name, config)| {
        let proposed = priors.get(name).map_or_else(|| config.clone(), |prior| objects.propose(prior, config));
        (name.to_owned(), proposed)
    });
    let entries: BTreeMap<String, Value> = entries.collect();
    match config.ty() {
        Type::Map(_) => Value::map(Type::Dynamic, entries).unwrap_or_else(|_| config.clone()),
        _ => Value::object(entries),
    }
}

fn propose_set(objects: Objects<'_>, prior: &Value, config: &Value) -> Value {
    if config.is_empty() {
        return config.clone();
    }
    let element_type = config.ty().element_type().cloned().unwrap_or(Type::Dynamic);
    let mut priors: Vec<Option<&Value>> = prior.elements().map(Some).collect();
    let elements = config.elements().map(|config| {
        let matching =
            priors.iter_mut().find(|prior| prior.is_some_and(|prior| can_have_become(objects, config, prior)));
        match matching.and_then(Option::take) {
            Some(prior) => objects.propose(prior, config),
            None => objects.propose(&Value::null(element_type.clone()), config),
        }
    });
    let elements = elements.collect();
    Value::set(Type::Dynamic, elements).unwrap_or_else(|_| config.clone())
}

/// Tells whether a nested object of a prior value must have been written in a configuration: whether it holds anything
/// that a provider cannot have computed.
fn was_written(nested: &NestedObject, prior: &Value) -> bool {
    let holds_written = |object: &Value| {
        nested.attributes.iter().any(|(name, attribute)| {
            let value = child(object, name, || attribute.value_type());
            let inside = |value: &Value| match &attribute.ty {
                AttributeType::Nested(nested) => was_written(nested, value),
                AttributeType::Plain(_) => false,
            };
            !value.is_null() && (!attribute.computed || inside(&value))
        })
    };
    match nested.nesting {
        NestingMode::Single | NestingMode::Group => prior.is_known() && !prior.is_null() && holds_written(prior),
        NestingMode::List | NestingMode::Map | NestingMode::Set => children(prior)
            .into_iter()
            .any(|(_, object)| object.is_known() && !object.is_null() && holds_written(object)),
    }
}

/// Tells whether a prior object can be what became of the configured one: whether they differ only where the
/// configuration left the provider to decide.
fn can_have_become(objects: Objects<'_>, config: &Value, prior: &Value) -> bool {
    config == prior || is_object_superset(objects, config, prior)
}

fn is_object_superset(objects: Objects<'_>, config: &Value, prior: &Value) -> bool {
    let mut attributes = prior.entries();
    attributes.all(|(name, prior)| {
        let Ok(config) = config.get_attr(name) else { return false };
        if config == *prior {
            return true;
        }
        // The elements of two different sets cannot be told apart, so nothing inside can be compared.
        if config.ty().is_set() {
            return false;
        }
        let attribute = match objects {
            Objects::Blocks(block) => match block.blocks.get(name) {
                Some(nested) => {
                    return is_superset(Objects::Blocks(&nested.block), nested.nesting, &config, prior);
                }
                None => block.attributes.get(name),
            },
            Objects::Values(nested) => nested.attributes.get(name),
        };
        match attribute.map(|attribute| (&attribute.ty, attribute.computed)) {
            Some((AttributeType::Nested(nested), _)) => {
                is_superset(Objects::Values(nested), nested.nesting, &config, prior)
            }
            Some((AttributeType::Plain(_), is_computed)) => is_computed && config.is_null(),
            None => false,
        }
    })
}

fn is_superset(objects: Objects<'_>, nesting: NestingMode, config: &Value, prior: &Value) -> bool {
    if matches!(nesting, NestingMode::Single | NestingMode::Group) {
        return is_object_superset(objects, config, prior);
    }
    children(prior).into_iter().all(|(key, prior)| {
        let config = if config.ty().as_object().is_some() {
            key.as_str().and_then(|name| config.get_attr(name).ok())
        } else {
            config.index(&key).ok()
        };
        config.is_some_and(|config| can_have_become(objects, &config, prior))
    })
}
