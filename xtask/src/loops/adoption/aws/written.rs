//! Which arguments configuration writes, as terraform itself parsed it: the `configuration` of a plan in JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Returns the arguments of each resource, as paths without keys, by its address without keys.
pub(super) fn arguments(plan: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    visit(&plan["configuration"]["root_module"], "", &mut |address, resource| {
        let mut arguments = BTreeSet::new();
        collect(&resource["expressions"], "", &mut arguments);
        found.insert(address, arguments);
    });
    found
}

/// Returns the addresses without keys of the resources whose provider block has `default_tags`.
pub(super) fn with_default_tags(plan: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    visit(&plan["configuration"]["root_module"], "", &mut |address, resource| {
        // Inside a module the key is that of the module; its provider is the root's.
        let key = resource["provider_config_key"].as_str().unwrap_or_default();
        let key = key.rsplit_once(':').map_or(key, |(_, key)| key);
        if plan["configuration"]["provider_config"][key]["expressions"]["default_tags"].is_array() {
            found.insert(address);
        }
    });
    found
}

/// Takes all instance keys from an address.
pub(super) fn without_keys(address: &str) -> String {
    let mut text = String::new();
    let mut depth = 0_u32;
    for character in address.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => text.push(character),
            _ => {}
        }
    }
    text
}

fn visit(module: &Value, prefix: &str, found: &mut dyn FnMut(String, &Value)) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        if resource["mode"] == "managed" {
            let address = resource["address"].as_str().unwrap_or_default();
            found(format!("{prefix}{address}"), resource);
        }
    }
    for (name, call) in module["module_calls"].as_object().into_iter().flatten() {
        visit(&call["module"], &format!("{prefix}module.{name}."), found);
    }
}

/// Adds every argument below a body; blocks are told from arguments by their JSON: an argument is an object with what it
/// refers to or its constant value, a block a list of bodies or a body.
fn collect(body: &Value, prefix: &str, arguments: &mut BTreeSet<String>) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Array(bodies) => bodies.iter().for_each(|body| collect(body, &path, arguments)),
            Value::Object(fields)
                if !fields.is_empty()
                    && !fields.contains_key("references")
                    && !fields.contains_key("constant_value") =>
            {
                collect(value, &path, arguments);
            }
            _ => {
                arguments.insert(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_blocks_and_modules_are_found() {
        let plan = serde_json::json!({"configuration": {
            "provider_config": {"aws": {"expressions": {"default_tags": [{}]}}},
            "root_module": {
                "resources": [{
                    "address": "aws_a.b", "mode": "managed", "provider_config_key": "aws.plain",
                    "expressions": {"name": {"constant_value": "x"}, "rule": [{"port": {"references": ["local.a"]}}, {"to": {}}]},
                }],
                "module_calls": {"m": {"module": {"resources": [{
                    "address": "aws_a.c", "mode": "managed", "provider_config_key": "module.m:aws", "expressions": {"timeouts": {"read": {"constant_value": "1m"}}},
                }]}}},
            },
        }});
        let found = arguments(&plan);
        let paths = |address: &str| found[address].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(paths("aws_a.b"), ["name", "rule.port", "rule.to"]);
        assert_eq!(paths("module.m.aws_a.c"), ["timeouts.read"]);
        assert_eq!(with_default_tags(&plan), BTreeSet::from(["module.m.aws_a.c".to_owned()]));
        assert_eq!(without_keys("module.m[\"a.b\"].aws_a.c[0]"), "module.m.aws_a.c");
    }
}
