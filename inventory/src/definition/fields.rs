//! Reads one mapping key by key and says which keys nobody asked for.

use std::collections::BTreeMap;

use super::error::{DefinitionErrors, Origin, did_you_mean};
use super::node::{Key, Node, NodeValue};

/// The entries of one mapping, with the keys asked for so far.
pub(crate) struct Fields<'a> {
    pub(crate) origin: &'a Origin,
    what: &'static str,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens `node` as a mapping that describes `what`, or reports that it is something else.
    pub(crate) fn open(node: &'a Node, what: &'static str, errors: &mut DefinitionErrors) -> Option<Self> {
        match &node.value {
            NodeValue::Map(entries) => Some(Self { origin: &node.origin, what, entries, known: Vec::new() }),
            _ => {
                errors.push(&node.origin, format!("{what} must be a mapping, found {}", node.kind()));
                None
            }
        }
    }

    /// Returns the value of an optional key; an explicit null counts as absent.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.entries
            .iter()
            .find(|(name, _)| name.text == key)
            .map(|(_, value)| value)
            .filter(|value| !matches!(value.value, NodeValue::Null))
    }

    /// Returns the value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() {
            errors.push(self.origin, format!("{} lacks the key `{key}`", self.what));
        }
        value
    }

    /// Returns the text under an optional key.
    pub(crate) fn string(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> Option<&'a str> {
        self.get(key).and_then(|node| string(node, key, errors))
    }

    /// Returns the text under a key that must be there.
    pub(crate) fn required_string(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> Option<&'a str> {
        self.required(key, errors).and_then(|node| string(node, key, errors))
    }

    /// Returns the boolean under an optional key, false when absent.
    pub(crate) fn flag(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> bool {
        match self.get(key) {
            None => false,
            Some(Node { value: NodeValue::Bool(value), .. }) => *value,
            Some(node) => {
                errors.push(&node.origin, format!("`{key}` must be true or false, found {}", node.kind()));
                false
            }
        }
    }

    /// Returns the whole number under an optional key.
    pub(crate) fn integer(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> Option<u32> {
        let node = self.get(key)?;
        match &node.value {
            NodeValue::Integer(value) if u32::try_from(*value).is_ok() => u32::try_from(*value).ok(),
            _ => {
                errors.push(&node.origin, format!("`{key}` must be a whole number from 0, found {}", node.kind()));
                None
            }
        }
    }

    /// Returns the elements under an optional key; a single value stands for a list of one.
    pub(crate) fn list(&mut self, key: &'static str) -> &'a [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { value: NodeValue::List(elements), .. }) => elements,
            Some(node) => std::slice::from_ref(node),
        }
    }

    /// Returns the strings under an optional key; a single string stands for a list of one.
    pub(crate) fn strings(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> Vec<String> {
        self.list(key).iter().filter_map(|node| string(node, key, errors).map(str::to_owned)).collect()
    }

    /// Returns the entries of the mapping under an optional key.
    pub(crate) fn map(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> &'a [(Key, Node)] {
        match self.get(key) {
            None => &[],
            Some(Node { value: NodeValue::Map(entries), .. }) => entries,
            Some(node) => {
                errors.push(&node.origin, format!("`{key}` must be a mapping, found {}", node.kind()));
                &[]
            }
        }
    }

    /// Returns the mapping of text to text under an optional key.
    pub(crate) fn string_map(&mut self, key: &'static str, errors: &mut DefinitionErrors) -> BTreeMap<String, String> {
        self.map(key, errors)
            .iter()
            .filter_map(|(name, node)| string(node, key, errors).map(|text| (name.text.clone(), text.to_owned())))
            .collect()
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self, errors: &mut DefinitionErrors) {
        for (key, _) in self.entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let message = format!("unknown key `{}` in {}", key.text, self.what);
            match did_you_mean(&key.text, self.known.iter().copied()) {
                Some(candidate) => {
                    errors.push_with_help(&key.origin, message, format!("did you mean `{candidate}`?"));
                }
                None => {
                    errors.push_with_help(&key.origin, message, format!("known keys: {}", self.known.join(", ")));
                }
            }
        }
    }
}

/// Returns the text of a scalar, reporting anything else.
pub(crate) fn string<'a>(node: &'a Node, what: &str, errors: &mut DefinitionErrors) -> Option<&'a str> {
    match &node.value {
        NodeValue::String(text) => Some(text),
        _ => {
            errors.push_with_help(
                &node.origin,
                format!("`{what}` must be a string, found {}", node.kind()),
                "quote it if it is meant as text",
            );
            None
        }
    }
}
