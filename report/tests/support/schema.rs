//! A validator for the part of JSON Schema that our schemas use. A keyword it does not know is a panic, so that no
//! constraint goes unchecked, and so is a property that the schema does not name.

use std::path::Path;

use serde_json::Value;

/// What describes and does not constrain.
const ANNOTATIONS: &[&str] = &["$schema", "$id", "$defs", "title", "description", "examples", "format"];

/// Where our schemas are published.
const PUBLISHED: &str = "https://github.com/catherinevee/driftmgr/docs/schemas/";

/// Reads a schema of ours, such as `driftmgr.drift.v1.json`.
pub(crate) fn published(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let schema: Value = serde_json::from_str(&text).expect("schemas are JSON");
    assert_eq!(schema["$id"].as_str(), Some(format!("{PUBLISHED}{name}").as_str()));
    schema
}

/// Lists what is wrong with a document.
pub(crate) fn problems(schema: &Value, document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(schema, schema, document, "$", &mut problems);
    problems
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    let keywords = match schema {
        Value::Bool(true) => return,
        Value::Object(keywords) => keywords,
        other => panic!("{at}: {other} is no schema"),
    };
    for (keyword, argument) in keywords {
        match keyword.as_str() {
            "type" => {
                let is = |name: &Value| match name.as_str().expect("a type is a text") {
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "string" => value.is_string(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("{at}: the type {other} is not known here"),
                };
                let fits = argument.as_array().map_or_else(|| is(argument), |names| names.iter().any(is));
                if !fits {
                    problems.push(at.to_owned() + ": " + &format!("{value} is not {argument}"));
                }
            }
            "const" if value != argument => problems.push(at.to_owned() + ": " + &format!("{value} is not {argument}")),
            "const" => {}
            "enum" => {
                if !argument.as_array().expect("an enum is a list").contains(value) {
                    problems.push(at.to_owned() + ": " + &format!("{value} is none of {argument}"));
                }
            }
            "minimum" => {
                if value.as_i64().is_some_and(|value| value < argument.as_i64().expect("a number")) {
                    problems.push(at.to_owned() + ": " + &format!("{value} is too small"));
                }
            }
            "required" => {
                for name in argument.as_array().expect("required is a list") {
                    if value.is_object() && value.get(name.as_str().expect("a name")).is_none() {
                        problems.push(at.to_owned() + ": " + &format!("{name} is missing"));
                    }
                }
            }
            "$ref" => {
                let text = argument.as_str().expect("a reference is a text");
                match text.strip_prefix('#') {
                    Some(pointer) => {
                        let target = root.pointer(pointer).unwrap_or_else(|| panic!("{text} leads nowhere"));
                        check(root, target, value, at, problems);
                    }
                    None => {
                        let other = published(text.strip_prefix(PUBLISHED).expect("a reference to one of our schemas"));
                        check(&other, &other, value, at, problems);
                    }
                }
            }
            "anyOf" => {
                let fits = |option: &Value| {
                    let mut found = Vec::new();
                    check(root, option, value, at, &mut found);
                    found.is_empty()
                };
                if !argument.as_array().expect("anyOf is a list").iter().any(fits) {
                    problems.push(at.to_owned() + ": " + &format!("{value} fits no alternative"));
                }
            }
            "items" => {
                for (position, element) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, argument, element, &format!("{at}[{position}]"), problems);
                }
            }
            "properties" => {
                for (name, property) in argument.as_object().expect("properties is an object") {
                    if let Some(member) = value.get(name) {
                        check(root, property, member, &format!("{at}.{name}"), problems);
                    }
                }
                if let (Some(members), None) = (value.as_object(), keywords.get("additionalProperties")) {
                    for name in members.keys().filter(|name| argument.get(name).is_none()) {
                        problems.push(format!("{at}: {name} is not in the schema"));
                    }
                }
            }
            "additionalProperties" => {
                let known = keywords.get("properties");
                for (name, member) in value.as_object().into_iter().flatten() {
                    if known.and_then(|known| known.get(name)).is_none() {
                        check(root, argument, member, &format!("{at}.{name}"), problems);
                    }
                }
            }
            other if ANNOTATIONS.contains(&other) => {}
            other => panic!("{at}: the keyword {other} is not known here"),
        }
    }
}
