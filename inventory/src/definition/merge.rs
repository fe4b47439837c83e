//! Inheritance and composition of definition sources: `extends`, `mixins` and `unset`.
//!
//! The merged tree is the one that `extends` names, overlaid by each of `mixins` in order, with what `unset` names taken
//! away, overlaid by the source itself. Mappings merge key by key; lists and scalars replace. `examples` and `unset` are
//! never inherited.

use std::collections::BTreeMap;

use super::error::{DefinitionErrors, did_you_mean};
use super::fields::string;
use super::node::{Key, Node, NodeValue};

const MAX_CHAIN: usize = 8;

/// The parsed sources of one cloud, by stem: `vpc`, `_mixins/ec2`.
pub(crate) type Sources = BTreeMap<String, Node>;

/// Returns the tree of `stem` with everything it inherits.
pub(crate) fn merged(stem: &str, sources: &Sources, errors: &mut DefinitionErrors) -> Option<Node> {
    resolve(stem, sources, &mut Vec::new(), errors)
}

fn resolve(stem: &str, sources: &Sources, chain: &mut Vec<String>, errors: &mut DefinitionErrors) -> Option<Node> {
    let own = sources.get(stem)?;
    let NodeValue::Map(entries) = &own.value else {
        errors.push(&own.origin, format!("a definition must be a mapping, found {}", own.kind()));
        return None;
    };
    chain.push(stem.to_owned());
    let mut bases: Vec<(&Node, String)> = Vec::new();
    let mut unset: Vec<(&Node, &str)> = Vec::new();
    for (key, value) in entries {
        match key.text.as_str() {
            "extends" => bases.extend(string(value, "extends", errors).map(|name| (value, name.to_owned()))),
            "mixins" | "unset" => {
                let NodeValue::List(elements) = &value.value else {
                    errors.push(&value.origin, format!("`{}` must be a list, found {}", key.text, value.kind()));
                    continue;
                };
                for element in elements {
                    let Some(name) = string(element, &key.text, errors) else { continue };
                    if key.text == "mixins" {
                        bases.push((element, format!("_mixins/{name}")));
                    } else {
                        unset.push((element, name));
                    }
                }
            }
            _ => {}
        }
    }
    // `extends` comes before the mixins, wherever it is written.
    bases.sort_by_key(|(_, name)| name.starts_with("_mixins/"));
    let mut tree: Option<Node> = None;
    for (node, base) in bases {
        if chain.contains(&base) {
            errors.push(&node.origin, format!("the definition inherits itself: {} → {base}", chain.join(" → ")));
            continue;
        }
        if chain.len() >= MAX_CHAIN {
            errors.push(&node.origin, format!("definitions inherit over more than {MAX_CHAIN} steps"));
            continue;
        }
        if !sources.contains_key(&base) {
            let message = format!("there is no definition `{base}` to inherit from");
            match did_you_mean(&base, sources.keys().map(String::as_str)) {
                Some(candidate) => errors.push_with_help(&node.origin, message, format!("did you mean `{candidate}`?")),
                None => errors.push(&node.origin, message),
            }
            continue;
        }
        let Some(mut inherited) = resolve(&base, sources, chain, errors) else { continue };
        remove_key(&mut inherited, "examples");
        tree = Some(match tree {
            None => inherited,
            Some(lower) => overlay(lower, inherited),
        });
    }
    for (node, path) in unset {
        if !tree.as_mut().is_some_and(|tree| remove_path(tree, path)) {
            errors.push_with_help(
                &node.origin,
                format!("`unset` names `{path}`, which nothing inherited has"),
                "write the keys from the top, separated by dots",
            );
        }
    }
    chain.pop();
    let mut own = own.clone();
    for key in ["extends", "mixins", "unset"] {
        remove_key(&mut own, key);
    }
    Some(match tree {
        None => own,
        Some(base) => overlay(base, own),
    })
}

fn overlay(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (NodeValue::Map(mut entries), NodeValue::Map(over_entries)) => {
            for (key, value) in over_entries {
                match entries.iter_mut().find(|(name, _)| name.text == key.text) {
                    Some(entry) => {
                        let lower = std::mem::replace(&mut entry.1, placeholder(&value));
                        *entry = (key, overlay(lower, value));
                    }
                    None => entries.push((key, value)),
                }
            }
            Node { origin: over.origin, value: NodeValue::Map(entries) }
        }
        (_, value) => Node { origin: over.origin, value },
    }
}

fn placeholder(node: &Node) -> Node {
    Node { origin: node.origin.clone(), value: NodeValue::Null }
}

fn remove_key(node: &mut Node, key: &str) -> bool {
    let NodeValue::Map(entries) = &mut node.value else { return false };
    let before = entries.len();
    entries.retain(|(name, _): &(Key, Node)| name.text != key);
    entries.len() != before
}

fn remove_path(node: &mut Node, path: &str) -> bool {
    let Some((first, rest)) = path.split_once('.') else { return remove_key(node, path) };
    let NodeValue::Map(entries) = &mut node.value else { return false };
    entries.iter_mut().find(|(name, _)| name.text == first).is_some_and(|(_, child)| remove_path(child, rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(texts: &[(&str, &str)], expect: Result<serde_json::Value, &str>) {
        let sources: Sources = texts
            .iter()
            .map(|(stem, text)| ((*stem).to_owned(), Node::parse(&format!("{stem}.yaml"), text).expect("yaml")))
            .collect();
        let mut errors = DefinitionErrors::default();
        let tree = merged(texts[0].0, &sources, &mut errors);
        match expect {
            Ok(json) => {
                assert_eq!(errors.errors, []);
                assert_eq!(tree.expect("a tree").to_json(), json);
            }
            Err(message) => assert_eq!(errors.to_string(), message),
        }
    }

    #[test]
    fn maps_merge_lists_replace_and_unset_removes() {
        check(
            &[
                ("child", "extends: base\nmixins: [paged]\nunset: [list.wrap, name]\nlist: {action: B}\nids: [3]\n"),
                ("base", "name: x\nlist: {action: A, wrap: W, page: {token: /T}}\nids: [1, 2]\nexamples: [1]\n"),
                ("_mixins/paged", "list: {page: {param: P}}\n"),
            ],
            Ok(json!({"list": {"action": "B", "page": {"token": "/T", "param": "P"}}, "ids": [3]})),
        );
    }

    #[test]
    fn cycles_and_unknown_names_are_errors() {
        check(
            &[("a", "extends: b\n"), ("b", "\nextends: a\n")],
            Err("b.yaml:2:10: the definition inherits itself: a → b → a"),
        );
        check(
            &[("vpc", "mixins: [tagz]\n"), ("_mixins/tags", "a: 1\n")],
            Err("vpc.yaml:1:10: there is no definition `_mixins/tagz` to inherit from (did you mean `_mixins/tags`?)"),
        );
        check(
            &[("a", "extends: b\nunset: [list.x]\n"), ("b", "list: {y: 1}\n")],
            Err("a.yaml:2:9: `unset` names `list.x`, which nothing inherited has (write the keys from the top, \
                 separated by dots)"),
        );
    }
}
