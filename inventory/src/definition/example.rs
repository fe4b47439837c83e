//! Reads `examples:`, the recorded exchanges that are a definition's tests.

use super::error::DefinitionErrors;
use super::fields::Fields;
use super::node::{Node, NodeValue};
use super::resource_type::{Example, ExampleObject, Exchange};

/// Reads one example.
pub(crate) fn read(node: &Node, service: &str, errors: &mut DefinitionErrors) -> Option<Example> {
    let mut fields = Fields::open(node, "an example", errors)?;
    let name = fields.required_string("name", errors).map(str::to_owned);
    let recorded_from = fields.required_string("recorded_from", errors).map(str::to_owned);
    let account = fields.string("account", errors).unwrap_or("123456789012").to_owned();
    let region = fields.string("region", errors).unwrap_or("us-east-1").to_owned();
    let exchanges =
        fields.list("exchanges").iter().filter_map(|node| read_exchange(node, service, errors)).collect::<Vec<_>>();
    let objects = fields.list("objects").iter().filter_map(|node| read_object(node, errors)).collect();
    let origin = fields.origin.clone();
    fields.finish(errors);
    if exchanges.is_empty() {
        errors.push(&origin, "an example needs at least one exchange");
    }
    Some(Example { name: name?, recorded_from: recorded_from?, account, region, exchanges, objects, origin })
}

fn read_exchange(node: &Node, service: &str, errors: &mut DefinitionErrors) -> Option<Exchange> {
    let mut fields = Fields::open(node, "an exchange", errors)?;
    let service = fields.string("service", errors).unwrap_or(service).to_owned();
    let operation = fields.required_string("operation", errors).map(str::to_owned);
    let params = fields.map("params", errors).iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect();
    let status = fields.integer("status", errors).unwrap_or(200);
    // A body written as a mapping or list is JSON; a string is sent as it is.
    let body = fields.required("body", errors).map(|node| match &node.value {
        NodeValue::String(text) => text.clone(),
        _ => node.to_json().to_string(),
    });
    let origin = fields.origin;
    fields.finish(errors);
    let status = u16::try_from(status).ok().filter(|status| (100..600).contains(status));
    if status.is_none() {
        errors.push(origin, "`status` must be an HTTP status");
    }
    Some(Exchange { service, operation: operation?, params, status: status?, body: body? })
}

fn read_object(node: &Node, errors: &mut DefinitionErrors) -> Option<ExampleObject> {
    let NodeValue::Map(entries) = &node.value else {
        errors.push(&node.origin, format!("an object of an example must be a mapping, found {}", node.kind()));
        return None;
    };
    let Some(Node { value: NodeValue::String(key), .. }) = node.get("key") else {
        errors.push(&node.origin, "an object of an example needs its `key`, a string");
        return None;
    };
    let facts = entries.iter().map(|(name, node)| (name.text.clone(), node.to_json())).collect();
    Some(ExampleObject { key: key.clone(), facts })
}
