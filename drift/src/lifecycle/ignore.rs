//! Changes that a configuration asks not to see: `ignore_changes`.

use std::collections::BTreeMap;

use cty::{Path, PathStep, Type, Value, transform};
use model::Block;

use super::place::{apply_strictly, attribute_at};

/// What the `ignore_changes` of a resource's `lifecycle` block names.
#[derive(Clone, Debug, PartialEq)]
pub enum Ignored {
    /// `all`: every argument.
    All,
    /// Arguments, elements of lists by number, and elements of maps by key.
    Paths(Vec<Path>),
}

/// Puts the prior object's values where changes are ignored: what is planned for an object of an old SDK, which may
/// have changed again what was ignored in the configuration.
///
/// With [`Ignored::All`] the result is the prior object, computed attributes included; a configuration goes through
/// [`ignore_in_configuration`]. A key of a map is taken over, or taken out, on its own. Paths that are not in both
/// values change nothing. Without a prior object nothing is ignored.
///
/// Source: `ignore_changes` under "Configuration-driven Behaviors" in OpenTofu's `docs/planning-behaviors.md`.
pub fn apply_ignore_changes(prior: &Value, config: &Value, ignored: &Ignored) -> Value {
    let paths = match ignored {
        _ if prior.is_null() => return config.clone(),
        Ignored::All => return prior.clone(),
        Ignored::Paths(_) if config.is_null() => return config.clone(),
        Ignored::Paths(paths) => paths,
    };
    let kept: Vec<Kept> = paths.iter().filter_map(|path| keep(path, prior, config)).collect();
    if kept.is_empty() {
        return config.clone();
    }
    let restore = |path: &Path, value: Value| {
        let mut here = kept.iter().filter(|kept| kept.path == *path).peekable();
        Ok(match value.ty() {
            _ if here.peek().is_none() => value,
            Type::Map(_) => restore_map(value, here),
            _ => here.next().map_or(value, |kept| kept.value.clone()),
        })
    };
    transform(config, restore).unwrap_or_else(|_| config.clone())
}

/// Puts the prior object's values into a configuration where its changes are ignored, before anything is planned.
///
/// As [`apply_ignore_changes`], but a configuration cannot hold what only the provider computes: with [`Ignored::All`]
/// such attributes are null.
pub fn ignore_in_configuration(prior: &Value, config: &Value, ignored: &Ignored, block: &Block) -> Value {
    if *ignored != Ignored::All || prior.is_null() {
        return apply_ignore_changes(prior, config, ignored);
    }
    let clear = |path: &Path, value: Value| {
        let is_computed_only = |attribute: &model::Attribute| attribute.computed && !attribute.optional;
        let clears = attribute_at(block, path).is_some_and(is_computed_only);
        Ok(if clears { Value::null(value.ty().clone()) } else { value })
    };
    transform(prior, clear).unwrap_or_else(|_| prior.clone())
}

/// A value of the prior object that stays.
struct Kept {
    /// Where it is, without the key of a map's element.
    path: Path,
    /// The prior value there.
    value: Value,
    /// The key of the only element that stays.
    key: Option<String>,
}

fn keep(ignored: &Path, prior: &Value, config: &Value) -> Option<Kept> {
    let mut path = ignored.clone();
    // The element need not be there, so it is looked for when the maps are merged.
    let key = match path.steps().last()? {
        PathStep::Index(key) => key.as_str().map(str::to_owned),
        PathStep::GetAttr(_) => None,
    };
    if key.is_some() {
        path.pop();
    }
    let value = apply_strictly(&path, prior)?;
    (value != apply_strictly(&path, config)?).then_some(Kept { path, value, key })
}

fn restore_map<'a>(config: Value, kept: impl Iterator<Item = &'a Kept>) -> Value {
    if !config.is_known() {
        return config;
    }
    let mut merged: BTreeMap<String, Value> =
        config.entries().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    for kept in kept {
        let Some(key) = &kept.key else { return kept.value.clone() };
        match kept.value.entries().find(|(name, _)| name == key) {
            Some((_, value)) => merged.insert(key.clone(), value.clone()),
            None => merged.remove(key),
        };
    }
    if merged.is_empty() && config.is_null() {
        return config;
    }
    let element_type = match config.ty().element_type() {
        Some(element_type) if merged.is_empty() => element_type.clone(),
        _ => Type::Dynamic,
    };
    match Value::map(element_type, merged) {
        Ok(map) => map.with_marks(config.marks().iter().cloned()),
        Err(_) => config,
    }
}
