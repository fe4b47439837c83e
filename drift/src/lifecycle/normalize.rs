//! Objects of SDKs that predate the type system.

use std::collections::BTreeMap;

use cty::Value;
use model::{Block, NestedBlock, NestingMode};

use super::place;

/// Gives an object of an old SDK the form that every other object has: nested blocks are never null or unknown.
///
/// Collections of blocks that are null become empty, groups that are null hold nulls, and a block that is unknown
/// becomes one block with unknown arguments. Blocks with dynamic values stay as they are: no old SDK makes those. Core
/// does this to whatever a provider with the old type system answers, on reading, planning and importing.
///
/// Source: "Handling of Nested Blocks in Configuration" in OpenTofu's `docs/resource-instance-change-lifecycle.md`.
pub fn normalize_legacy(value: &Value, block: &Block) -> Value {
    let (bare, marks) = value.unmark_deep_with_paths();
    normalize_block(&bare, block).mark_with_paths(&marks)
}

fn normalize_block(value: &Value, block: &Block) -> Value {
    if value.is_null() {
        return Value::null(block.value_type());
    }
    let attributes = block
        .attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), place::child(value, name, || attribute.value_type())));
    let blocks = block.blocks.iter().map(|(name, nested)| {
        let value = place::child(value, name, || nested.value_type());
        (name.clone(), normalize_nested(&value, nested))
    });
    Value::object(attributes.chain(blocks).collect())
}

fn normalize_nested(value: &Value, nested: &NestedBlock) -> Value {
    let element_type = nested.block.value_type();
    if element_type.has_dynamic() {
        return value.clone();
    }
    let elements = |value: &Value| -> Vec<Value> {
        if !value.is_known() {
            return vec![unknown_block(&nested.block)];
        }
        value.elements().map(|element| normalize_block(element, &nested.block)).collect()
    };
    let normalized = match nested.nesting {
        NestingMode::Single | NestingMode::Group if !value.is_known() => Ok(unknown_block(&nested.block)),
        NestingMode::Group if value.is_null() => Ok(place::empty_block(&nested.block)),
        NestingMode::Single | NestingMode::Group => Ok(normalize_block(value, &nested.block)),
        NestingMode::List => Value::list(element_type, elements(value)),
        NestingMode::Set => Value::set(element_type, elements(value)),
        // Old SDKs have no blocks by key.
        NestingMode::Map => Ok(value.clone()),
    };
    normalized.unwrap_or_else(|_| value.clone())
}

/// Stands for a block that is not known: a block cannot be unknown, but everything in it can.
fn unknown_block(block: &Block) -> Value {
    let attributes =
        block.attributes.iter().map(|(name, attribute)| (name.clone(), Value::unknown(attribute.value_type())));
    let blocks = block.blocks.iter().map(|(name, nested)| {
        let element_type = nested.block.value_type();
        let stub = match nested.nesting {
            NestingMode::Single | NestingMode::Group => Ok(unknown_block(&nested.block)),
            NestingMode::List => Value::list(element_type, vec![unknown_block(&nested.block)]),
            NestingMode::Set => Value::set(element_type, vec![unknown_block(&nested.block)]),
            NestingMode::Map => Value::map(element_type, BTreeMap::new()),
        };
        (name.clone(), stub.unwrap_or_else(|_| Value::unknown(nested.value_type())))
    });
    Value::object(attributes.chain(blocks).collect())
}
