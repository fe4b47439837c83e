//! Places in values and schemas, and what stands there where nothing was written.

use std::collections::BTreeMap;

use cty::{Path, PathStep, Type, Value, convert::convert};
use model::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode};

/// Returns an attribute of an object; of null it is null, and so it is where the object is of another type.
pub(super) fn child(object: &Value, name: &str, ty: impl FnOnce() -> Type) -> Value {
    if object.is_null() {
        let known_type = object.ty().as_object().and_then(|object| object.get(name)).cloned();
        return Value::null(known_type.unwrap_or_else(ty));
    }
    object.get_attr(name).unwrap_or_else(|_| Value::null(ty()))
}

/// Returns the value of a block that is there and in which nothing is written.
pub(super) fn empty_block(block: &Block) -> Value {
    let attributes =
        block.attributes.iter().map(|(name, attribute)| (name.clone(), Value::null(attribute.value_type())));
    let blocks = block.blocks.iter().map(|(name, nested)| (name.clone(), no_blocks(nested)));
    Value::object(attributes.chain(blocks).collect())
}

/// Returns the value where no block of this kind is written.
fn no_blocks(nested: &NestedBlock) -> Value {
    let element_type = nested.block.value_type();
    let has_dynamic = element_type.has_dynamic();
    let empty = match nested.nesting {
        NestingMode::Single => Ok(Value::null(element_type)),
        NestingMode::Group => Ok(empty_block(&nested.block)),
        NestingMode::List if has_dynamic => Ok(Value::tuple(Vec::new())),
        NestingMode::List => Value::list(element_type, Vec::new()),
        NestingMode::Map if has_dynamic => Ok(Value::object(BTreeMap::new())),
        NestingMode::Map => Value::map(element_type, BTreeMap::new()),
        NestingMode::Set => Value::set(element_type, Vec::new()),
    };
    empty.unwrap_or_else(|_| Value::null(nested.value_type()))
}

/// Returns the attribute of the schema that the path ends at; nothing where it ends at a block or inside a plain value.
pub(super) fn attribute_at<'a>(block: &'a Block, path: &Path) -> Option<&'a Attribute> {
    let mut block = block;
    for (at, step) in path.steps().iter().enumerate() {
        let PathStep::GetAttr(name) = step else { continue };
        if let Some(attribute) = block.attributes.get(name) {
            return attribute_inside(attribute, &path.steps()[at + 1..]);
        }
        block = &block.blocks.get(name)?.block;
    }
    None
}

fn attribute_inside<'a>(attribute: &'a Attribute, steps: &[PathStep]) -> Option<&'a Attribute> {
    if steps.is_empty() {
        return Some(attribute);
    }
    let AttributeType::Nested(nested) = &attribute.ty else { return None };
    // A step that names no attribute is a key, even where it is written like an attribute.
    let mut rest = steps.iter().enumerate();
    rest.find_map(|(at, step)| match step {
        PathStep::GetAttr(name) => nested.attributes.get(name).map(|attribute| (at, attribute)),
        PathStep::Index(_) => None,
    })
    .and_then(|(at, attribute)| attribute_inside(attribute, &steps[at + 1..]))
}

/// Returns where the value has attributes that are never stored.
pub(super) fn write_only_paths(value: &Value, block: &Block) -> Vec<Path> {
    let mut found = Vec::new();
    collect_in_block(value, block, &Path::new(), &mut found);
    found
}

fn collect_in_block(value: &Value, block: &Block, path: &Path, found: &mut Vec<Path>) {
    if value.is_null() || !value.is_known() {
        return;
    }
    collect_in_attributes(value, &block.attributes, path, found);
    for (name, nested) in &block.blocks {
        let path = path.clone().attr(name);
        let value = child(value, name, || nested.value_type());
        for (path, value) in objects(&value, nested.nesting, &path) {
            collect_in_block(&value, &nested.block, &path, found);
        }
    }
}

fn collect_in_attributes(value: &Value, attributes: &BTreeMap<String, Attribute>, path: &Path, found: &mut Vec<Path>) {
    for (name, attribute) in attributes {
        let path = path.clone().attr(name);
        if attribute.write_only {
            found.push(path);
        } else if let AttributeType::Nested(nested) = &attribute.ty {
            let value = child(value, name, || attribute.value_type());
            collect_in_nested(&value, nested, &path, found);
        }
    }
}

fn collect_in_nested(value: &Value, nested: &NestedObject, path: &Path, found: &mut Vec<Path>) {
    for (path, value) in objects(value, nested.nesting, path) {
        if value.is_known() && !value.is_null() {
            collect_in_attributes(&value, &nested.attributes, &path, found);
        }
    }
}

/// Returns the objects that a nested block or attribute consists of, each with its path.
fn objects(value: &Value, nesting: NestingMode, path: &Path) -> Vec<(Path, Value)> {
    if matches!(nesting, NestingMode::Single | NestingMode::Group) {
        return vec![(path.clone(), value.clone())];
    }
    children(value).into_iter().map(|(key, element)| (path.clone().index(key), element.clone())).collect()
}

/// Returns the elements of a collection, tuple or object by their keys; of a set each is its own key.
pub(super) fn children(collection: &Value) -> Vec<(Value, &Value)> {
    let is_set = collection.ty().is_set();
    let elements = collection
        .elements()
        .enumerate()
        .map(|(index, element)| (if is_set { element.clone() } else { Value::from(index as u64) }, element));
    let entries = collection.entries().map(|(name, element)| (Value::string(name), element));
    elements.chain(entries).collect()
}

/// Returns what is at a path whose steps are of the kinds that the value's types ask for; sets have no paths.
pub(super) fn apply_strictly(path: &Path, value: &Value) -> Option<Value> {
    let mut current = value.clone();
    for step in path.steps() {
        current = match step {
            PathStep::GetAttr(name) if current.ty().as_object().is_some() => current.get_attr(name).ok()?,
            PathStep::Index(key) if matches!(current.ty(), Type::List(_) | Type::Tuple(_) | Type::Map(_)) => {
                current.index(key).ok()?
            }
            _ => return None,
        };
    }
    Some(current)
}

/// Returns what an expression that is written like the path leads to: as in the language, a map's element is also its
/// attribute, an object's attribute also its element, and keys convert.
pub(super) fn apply_as_expression(path: &Path, value: &Value) -> Option<Value> {
    let mut current = value.clone();
    for step in path.steps() {
        if current.is_null() {
            return None;
        }
        current = match (step, current.ty()) {
            (_, Type::Dynamic) => Value::dynamic(),
            (PathStep::GetAttr(name), Type::Object(_)) => current.get_attr(name).ok()?,
            (PathStep::GetAttr(name), Type::Map(_)) => current.index(&Value::string(name)).ok()?,
            (PathStep::Index(key), Type::Object(_)) => {
                current.get_attr(convert(key, &Type::String).ok()?.as_str()?).ok()?
            }
            (PathStep::Index(key), Type::Map(_)) => current.index(&convert(key, &Type::String).ok()?).ok()?,
            (PathStep::Index(key), Type::List(_) | Type::Tuple(_)) => {
                current.index(&convert(key, &Type::Number).ok()?).ok()?
            }
            _ => return None,
        };
    }
    Some(current)
}
