//! YAML text as a tree in which every value and every key knows where it was written.
//!
//! Definitions are merged (`extends`, `mixins`) before they are read, so an error found afterwards must still point
//! at the file and line it came from. That is why sources are not deserialized into structs directly.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::error::{DefinitionError, DefinitionErrors, Origin};

/// Largest source that is read, in bytes.
pub(crate) const MAX_SOURCE_BYTES: usize = 1024 * 1024;
const MAX_DEPTH: usize = 40;
const MAX_NODES: usize = 100_000;
const MAX_ALIASES: usize = 200;
const MAX_REPLAYED_EVENTS: usize = 20_000;

/// A value of a definition source, with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) origin: Origin,
    pub(crate) value: NodeValue,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub(crate) enum NodeValue {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A mapping key with its place.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) origin: Origin,
    pub(crate) text: String,
}

impl Node {
    /// Parses one YAML document within the limits that definition sources have.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, DefinitionErrors> {
        let name: Arc<str> = Arc::from(file);
        let at_file = |message: String, help: Option<String>| DefinitionErrors {
            errors: vec![DefinitionError { origin: Origin::file(file), message, help }],
        };
        if text.len() > MAX_SOURCE_BYTES {
            return Err(at_file(
                format!("the definition has {} bytes, the limit is {MAX_SOURCE_BYTES}", text.len()),
                Some("split it: one file holds one resource type".to_owned()),
            ));
        }
        if text.trim().is_empty() {
            return Err(at_file("the definition is empty".to_owned(), None));
        }
        let mut options = serde_saphyr::Options::default();
        options.budget = Some({
            let mut budget = serde_saphyr::Budget::default();
            budget.max_depth = MAX_DEPTH;
            budget.max_nodes = MAX_NODES;
            budget.max_events = 4 * MAX_NODES;
            budget.max_aliases = MAX_ALIASES;
            budget.max_documents = 1;
            budget.max_total_scalar_bytes = MAX_SOURCE_BYTES;
            budget
        });
        options.alias_limits = serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPLAYED_EVENTS,
            max_replay_stack_depth: 16,
        };
        options.merge_keys = serde_saphyr::options::MergeKeyPolicy::Error;
        options.strict_booleans = true;
        options.with_snippet = false;
        let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let origin = error.location().map_or_else(|| Origin::file(file), |location| origin(&name, &location));
            DefinitionErrors {
                errors: vec![DefinitionError {
                    origin,
                    message: error.without_snippet().to_string(),
                    help: Some("the source is not a definition that can be read; see docs/dev/adding-a-type.md".into()),
                }],
            }
        })?;
        Ok(Self::from_raw(raw, &name))
    }

    fn from_raw(raw: Spanned<Raw>, file: &Arc<str>) -> Self {
        let origin_of_value = origin(file, &raw.referenced);
        let value = match raw.value {
            Raw::Null => NodeValue::Null,
            Raw::Bool(value) => NodeValue::Bool(value),
            Raw::Integer(value) => NodeValue::Integer(value),
            Raw::Float(value) => NodeValue::Float(value),
            Raw::String(value) => NodeValue::String(value),
            Raw::List(elements) => {
                NodeValue::List(elements.into_iter().map(|element| Self::from_raw(element, file)).collect())
            }
            Raw::Map(entries) => NodeValue::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        let key = Key { origin: origin(file, &key.referenced), text: key.value };
                        (key, Self::from_raw(value, file))
                    })
                    .collect(),
            ),
        };
        Self { origin: origin_of_value, value }
    }

    /// Names the kind of value, with its article, for error messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Null => "nothing",
            NodeValue::Bool(_) => "a boolean",
            NodeValue::Integer(_) => "an integer",
            NodeValue::Float(_) => "a fraction",
            NodeValue::String(_) => "a string",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a mapping",
        }
    }

    /// Returns the value under `key` when this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            NodeValue::Map(entries) => entries.iter().find(|(name, _)| name.text == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Converts to plain JSON, dropping the places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Integer(value) => Value::from(*value),
            NodeValue::Float(value) => Value::from(*value),
            NodeValue::String(value) => Value::String(value.clone()),
            NodeValue::List(elements) => Value::Array(elements.iter().map(Self::to_json).collect()),
            NodeValue::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.text.clone(), value.to_json())).collect())
            }
        }
    }
}

fn origin(file: &Arc<str>, location: &Location) -> Origin {
    Origin { file: file.clone(), line: location.line(), column: location.column() }
}

enum Raw {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;
        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a YAML value")
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Integer(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Raw, E> {
                i64::try_from(value).map(Raw::Integer).map_err(|_| E::custom("the number is too large, quote it"))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
                Ok(Raw::String(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Raw, E> {
                Ok(Raw::String(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = access.next_element()? {
                    elements.push(element);
                }
                Ok(Raw::List(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(Raw::Map(entries))
            }
        }
        deserializer.deserialize_any(RawVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_keys_know_their_place() {
        let node = Node::parse("a.yaml", "schema: 1\nlist:\n  items: /x/*\n  tags: [one, two]\n").expect("parses");
        let NodeValue::Map(entries) = &node.value else { panic!("{node:?}") };
        assert_eq!(entries[1].0.origin.to_string(), "a.yaml:2:1");
        let list = node.get("list").expect("list");
        let NodeValue::Map(fields) = &list.value else { panic!("{list:?}") };
        assert_eq!(fields[0].0.origin.to_string(), "a.yaml:3:3");
        assert_eq!(fields[0].1.origin.to_string(), "a.yaml:3:10");
        let NodeValue::List(tags) = &fields[1].1.value else { panic!("{fields:?}") };
        assert_eq!(tags[1].origin.to_string(), "a.yaml:4:15");
    }

    fn error_of(text: &str) -> String {
        Node::parse("bad.yaml", text).expect_err("must be refused").to_string()
    }

    #[test]
    fn hostile_sources_are_refused_with_a_place() {
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
                    c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
                    e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n";
        assert!(error_of(bomb).starts_with("bad.yaml:"), "{}", error_of(bomb));
        let deep = format!("a: {}1{}", "[".repeat(60), "]".repeat(60));
        assert!(error_of(&deep).starts_with("bad.yaml:"), "{}", error_of(&deep));
        assert!(error_of("a: 1\na: 2\n").starts_with("bad.yaml:2:1"), "{}", error_of("a: 1\na: 2\n"));
        assert!(error_of("a: [1, 2\n").starts_with("bad.yaml:"), "{}", error_of("a: [1, 2\n"));
        assert!(error_of("").contains("empty"));
        assert!(error_of(&"#".repeat(MAX_SOURCE_BYTES + 1)).contains("the limit is"));
        assert!(error_of("a: 1\n---\nb: 2\n").starts_with("bad.yaml"), "{}", error_of("a: 1\n---\nb: 2\n"));
        assert!(error_of("a: &x {k: 1}\nb:\n  <<: *x\n").starts_with("bad.yaml:3:"));
    }
}
