//! Values that stand for what must be set and nobody can read back.

use std::collections::BTreeMap;

use cty::{Type, Value};
use model::{Block, NestingMode};

/// Texts that most rules for secrets, names and documents accept one of.
const TEXTS: &[&str] = &[
    "ReplaceMe-0123456789",
    "replaceme0123456789",
    "{}",
    "UmVwbGFjZU1lMDEyMzQ1Njc4OQ==",
    "https://example.com",
    "00000000-0000-0000-0000-000000000000",
    "1",
];

/// Gives the stand-ins for an argument of a type, in the order in which they are tried.
pub(super) fn for_type(ty: &Type, possible: &[String]) -> Vec<Value> {
    match ty {
        Type::String | Type::Dynamic if !possible.is_empty() => possible.iter().map(Value::string).collect(),
        Type::String | Type::Dynamic => TEXTS.iter().map(|text| Value::string(*text)).collect(),
        Type::Number => [1, 0, 100].map(|number: i64| Value::from(number)).to_vec(),
        Type::Bool => vec![Value::bool(true), Value::bool(false)],
        Type::List(element) => first(element, |element| Value::list(Type::Dynamic, vec![element])),
        Type::Set(element) => first(element, |element| Value::set(Type::Dynamic, vec![element])),
        Type::Map(element) => {
            first(element, |element| Value::map(Type::Dynamic, BTreeMap::from([("key".to_owned(), element)])))
        }
        Type::Tuple(_) | Type::Object(_) => Vec::new(),
    }
}

fn first(element: &Type, collection: impl Fn(Value) -> cty::Result<Value>) -> Vec<Value> {
    for_type(element, &[]).into_iter().take(2).filter_map(|element| collection(element).ok()).collect()
}

/// Gives as many blocks as must be there, with what each must set; nothing where that cannot be made.
pub(super) fn for_block(block: &Block, nesting: NestingMode, n_blocks: u64) -> Option<Value> {
    let mut attributes = BTreeMap::new();
    for (name, attribute) in &block.attributes {
        let ty = attribute.value_type();
        let value = if attribute.required { for_type(&ty, &[]).into_iter().next()? } else { Value::null(ty) };
        attributes.insert(name.clone(), value);
    }
    for (name, nested) in &block.blocks {
        attributes.insert(name.clone(), for_block(&nested.block, nested.nesting, nested.min_items)?);
    }
    let object = Value::object(attributes);
    let objects = || vec![object.clone(); usize::try_from(n_blocks).unwrap_or(1).min(10)];
    match nesting {
        NestingMode::Group => Some(object),
        NestingMode::Single if n_blocks > 0 => Some(object),
        NestingMode::Single => Some(Value::null(object.ty().clone())),
        NestingMode::List => Value::list(object.ty().clone(), objects()).ok(),
        NestingMode::Set => Value::set(object.ty().clone(), objects()).ok(),
        NestingMode::Map => Value::map(object.ty().clone(), BTreeMap::new()).ok(),
    }
}
