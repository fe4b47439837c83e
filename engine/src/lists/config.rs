//! The configuration of a list: empty, or with the one argument that names a parent.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use cty::Value;
use model::{Block, IdentitySchema, NestedBlock, NestingMode, ResourceType, Schema};

use super::known::PLACES;

/// What a list must be given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Needs<'a> {
    /// Nothing.
    Nothing,
    /// One argument, a text.
    Argument(&'a str),
    /// More than that; named as people do.
    More(String),
}

/// Tells what the configuration of a list must hold.
pub(super) fn needs(schema: &Schema) -> Needs<'_> {
    let required: Vec<(&String, bool)> = schema
        .block
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.required)
        .map(|(name, attribute)| (name, attribute.value_type() == cty::Type::String))
        .collect();
    let blocks: Vec<&String> =
        schema.block.blocks.iter().filter(|(_, nested)| nested.min_items > 0).map(|(name, _)| name).collect();
    match (required.as_slice(), blocks.as_slice()) {
        ([], []) => Needs::Nothing,
        ([(argument, true)], []) => Needs::Argument(argument),
        _ => {
            let names = required.iter().map(|(name, _)| *name).chain(blocks.iter().copied());
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            Needs::More(names.join(", "))
        }
    }
}

/// Makes a configuration in which nothing is set.
pub(super) fn empty(schema: &Schema) -> Value {
    block(&schema.block)
}

/// Makes a configuration in which one argument is set.
pub(super) fn with_argument(schema: &Schema, argument: &str, value: &str) -> Value {
    let mut values = members(&schema.block);
    values.insert(argument.to_owned(), Value::string(value));
    Value::object(values)
}

fn block(block: &Block) -> Value {
    Value::object(members(block))
}

fn members(block: &Block) -> BTreeMap<String, Value> {
    let attributes =
        block.attributes.iter().map(|(name, attribute)| (name.clone(), Value::null(attribute.value_type())));
    let blocks = block.blocks.iter().map(|(name, nested)| (name.clone(), nested_block(nested)));
    attributes.chain(blocks).collect()
}

fn nested_block(nested: &NestedBlock) -> Value {
    let element = nested.block.value_type();
    match nested.nesting {
        NestingMode::Single => Value::null(element),
        NestingMode::Group => block(&nested.block),
        NestingMode::List if nested.value_type() == cty::Type::Dynamic => Value::tuple(Vec::new()),
        NestingMode::Map if nested.value_type() == cty::Type::Dynamic => Value::object(BTreeMap::new()),
        NestingMode::List => Value::list(element, Vec::new()).expect("what is empty has no wrong element"),
        NestingMode::Set => Value::set(element, Vec::new()).expect("what is empty has no wrong element"),
        NestingMode::Map => Value::map(element, BTreeMap::new()).expect("what is empty has no wrong element"),
    }
}

/// Finds the type that an argument evidently names the objects of, and the attribute of its identity that it takes.
///
/// `role_name` is the `name` of an `aws_iam_role`, `bucket` the `bucket` of an `aws_s3_bucket`, `secret_id` the `arn` of an
/// `aws_secretsmanager_secret`: the argument is the end of the type's name, with the one attribute of its identity behind
/// it, or `id`, or nothing. Of several types the one counts whose name begins most as that of the listed type does, and of
/// these the shortest; where two are left, nobody can tell.
pub(super) fn parent<'a>(
    listed: &ResourceType,
    argument: &str,
    identities: &'a BTreeMap<String, IdentitySchema>,
) -> Option<(&'a str, &'a str)> {
    let mut best: Option<((usize, Reverse<usize>), (&str, &str))> = None;
    let mut is_unsure = false;
    for (resource_type, schema) in identities {
        let mut attributes = schema.attributes.keys().filter(|name| !PLACES.contains(&name.as_str()));
        let (Some(attribute), None) = (attributes.next(), attributes.next()) else { continue };
        let before = |suffix: &str| argument.strip_suffix(suffix).and_then(|stem| stem.strip_suffix('_'));
        let own = argument.rsplit_once('_').map(|(stem, _)| stem).filter(|_| argument == attribute);
        let mut stems = [Some(argument), before(attribute), before("id"), own].into_iter().flatten();
        let is_meant = stems.any(|stem| resource_type.strip_suffix(stem).is_some_and(|start| start.ends_with('_')));
        if !is_meant || resource_type == listed.as_str() {
            continue;
        }
        let n_shared = resource_type.split('_').zip(listed.as_str().split('_')).take_while(|(a, b)| a == b).count();
        let rank = (n_shared, Reverse(resource_type.split('_').count()));
        match best {
            Some((best, _)) if best > rank => {}
            Some((best, _)) if best == rank => is_unsure = true,
            _ => {
                best = Some((rank, (resource_type.as_str(), attribute.as_str())));
                is_unsure = false;
            }
        }
    }
    best.filter(|_| !is_unsure).map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use model::identity::IdentityAttribute;

    use super::*;

    #[test]
    fn an_argument_names_the_type_it_ends_like() {
        let identity = |names: &[&str]| {
            let attribute = IdentityAttribute {
                ty: cty::Type::String,
                required_for_import: true,
                optional_for_import: false,
                description: String::new(),
            };
            let attributes = names.iter().map(|name| ((*name).to_owned(), attribute.clone())).collect();
            IdentitySchema { version: 0, attributes }
        };
        let identities: BTreeMap<String, IdentitySchema> = [
            ("aws_iam_role", identity(&["account_id", "name"])),
            ("aws_s3_bucket", identity(&["account_id", "bucket", "region"])),
            ("aws_s3_directory_bucket", identity(&["bucket"])),
            ("aws_lambda_function", identity(&["function_name"])),
            ("aws_secretsmanager_secret", identity(&["arn"])),
            ("aws_ecs_cluster", identity(&["name"])),
            ("aws_eks_cluster", identity(&["name"])),
            ("aws_iam_role_policy", identity(&["role", "name"])),
        ]
        .map(|(name, identity)| (name.to_owned(), identity))
        .into();
        let check = |listed: &str, argument: &str| parent(&listed.into(), argument, &identities);
        assert_eq!(check("aws_iam_role_policy_attachment", "role_name"), Some(("aws_iam_role", "name")));
        assert_eq!(check("aws_iam_role_policy", "role"), Some(("aws_iam_role", "name")));
        assert_eq!(check("aws_s3_object", "bucket"), Some(("aws_s3_bucket", "bucket")));
        assert_eq!(check("aws_lambda_permission", "function_name"), Some(("aws_lambda_function", "function_name")));
        assert_eq!(check("aws_secretsmanager_secret_version", "secret_id"), Some(("aws_secretsmanager_secret", "arn")));
        assert_eq!(check("aws_ecs_service", "cluster"), Some(("aws_ecs_cluster", "name")));
        assert_eq!(check("aws_rds_proxy", "cluster"), None, "two types are as near");
        assert_eq!(check("aws_s3_object", "name"), None);
    }
}
