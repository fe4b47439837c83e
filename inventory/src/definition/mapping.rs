//! Where a Terraform attribute's value comes from in a native object.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::condition::{ObjectCondition, Tags, read_pointer, read_template};
use super::error::{DefinitionErrors, did_you_mean};
use super::fields::Fields;
use super::node::{Node, NodeValue};
use super::pointer::Pointer;
use super::template::{Subject, Template, scalar_text};

/// Path of a Terraform attribute as written in HCL, for example `versioning_configuration[0].status`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributePath {
    /// The steps from the resource downwards.
    pub steps: Vec<AttributeStep>,
}

/// One step of an [`AttributePath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttributeStep {
    /// An attribute or block by name.
    Attribute(String),
    /// An element of a list by position.
    Index(usize),
}

/// The shape a mapped value has in Terraform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Text.
    String,
    /// A number; text that holds one is read.
    Number,
    /// A boolean; the texts `true` and `false` are read.
    Bool,
    /// A list, in the order of the API.
    List,
    /// A set: order and repetition mean nothing. Handed out sorted.
    Set,
    /// A map of text to text.
    Map,
    /// Text that holds JSON; compared as JSON, handed out as compact text with sorted keys.
    Json,
}

/// How a value is derived from a native object; without code, only by naming.
#[derive(Clone, Debug)]
pub struct Mapping {
    from: Source,
    kind: ValueKind,
    each: Option<Each>,
    lookup: Option<BTreeMap<String, Value>>,
    transforms: Vec<Transform>,
    default: Option<Value>,
    when: Option<ObjectCondition>,
}

#[derive(Clone, Debug)]
enum Source {
    Pointer(Pointer),
    Parent(Pointer),
    Text(Template),
    Constant(Value),
    /// The tags of the object.
    Tags,
    /// The value of one tag.
    Tag(String),
    /// The first of these that has a value.
    First(Vec<Mapping>),
}

#[derive(Clone, Debug)]
enum Each {
    /// Each element is the value at this mapping.
    Value(Box<Mapping>),
    /// Each element is an object with these attributes.
    Object(BTreeMap<String, Mapping>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transform {
    Lower,
    Upper,
    UrlDecode,
    /// Text that holds JSON becomes JSON before it is used further.
    ParseJson,
    Negate,
}

const MAX_INDEX: usize = 16;

const TRANSFORMS: [(&str, Transform); 5] = [
    ("lower", Transform::Lower),
    ("upper", Transform::Upper),
    ("urldecode", Transform::UrlDecode),
    ("parse_json", Transform::ParseJson),
    ("negate", Transform::Negate),
];

const KINDS: [(&str, ValueKind); 7] = [
    ("string", ValueKind::String),
    ("number", ValueKind::Number),
    ("bool", ValueKind::Bool),
    ("list", ValueKind::List),
    ("set", ValueKind::Set),
    ("map", ValueKind::Map),
    ("json", ValueKind::Json),
];

impl Mapping {
    /// Returns the value, or `None` where the object does not say.
    ///
    /// A value under a detail that was not fetched is unknown: no default stands in for it.
    pub fn value(&self, subject: &Subject<'_>, tags: &Tags, detail_names: &[&str]) -> Option<Value> {
        if self.depends_on_missing(subject, detail_names) {
            return None;
        }
        if self.when.as_ref().is_some_and(|condition| !condition.holds(subject, tags)) {
            return None;
        }
        let raw = match &self.from {
            Source::Constant(value) => Some(value.clone()),
            Source::Text(template) => template.render(subject).ok().map(Value::String),
            Source::Tags => {
                Some(Value::Object(tags.iter().map(|(key, tag)| (key.clone(), tag.clone().into())).collect()))
            }
            Source::Tag(key) => tags.get(key).map(|value| Value::String(value.clone())),
            Source::First(mappings) => mappings.iter().find_map(|mapping| mapping.value(subject, tags, detail_names)),
            Source::Pointer(pointer) => self.pick(pointer, subject.object),
            Source::Parent(pointer) => subject.parent.and_then(|parent| self.pick(pointer, parent)),
        };
        let transformed =
            raw.and_then(|value| self.transforms.iter().try_fold(value, |value, transform| transform.apply(value)));
        let looked_up = match (&self.lookup, transformed) {
            (Some(table), Some(value)) => scalar_text(&value).and_then(|text| table.get(&text).cloned()),
            (_, value) => value,
        };
        looked_up.and_then(|value| self.shape(value, subject, tags)).or_else(|| self.default.clone())
    }

    fn depends_on_missing(&self, subject: &Subject<'_>, detail_names: &[&str]) -> bool {
        let missing = |pointer: &Pointer| {
            pointer.root_key().is_some_and(|key| detail_names.contains(&key) && subject.object.get(key).is_none())
        };
        match &self.from {
            Source::Pointer(pointer) => missing(pointer),
            Source::Text(template) => template.object_pointers().any(missing),
            Source::Tags | Source::Tag(_) | Source::Parent(_) | Source::Constant(_) | Source::First(_) => false,
        }
    }

    fn pick(&self, pointer: &Pointer, value: &Value) -> Option<Value> {
        match self.kind {
            ValueKind::List | ValueKind::Set if pointer.is_many() => {
                Some(Value::Array(pointer.select(value).into_iter().cloned().collect()))
            }
            _ => pointer.first(value).cloned(),
        }
    }

    fn shape(&self, value: Value, subject: &Subject<'_>, tags: &Tags) -> Option<Value> {
        match self.kind {
            ValueKind::String => scalar_text(&value).map(Value::String),
            ValueKind::Number => match value {
                Value::Number(_) => Some(value),
                Value::String(text) => serde_json::from_str(text.trim()).ok().filter(Value::is_number),
                _ => None,
            },
            ValueKind::Bool => match value {
                Value::Bool(_) => Some(value),
                Value::String(text) => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
                _ => None,
            },
            ValueKind::Json => match value {
                Value::String(text) if text.is_empty() => Some(Value::String(text)),
                Value::String(text) => {
                    Some(Value::String(serde_json::from_str::<Value>(&text).map_or(text, |parsed| parsed.to_string())))
                }
                Value::Object(_) | Value::Array(_) => Some(Value::String(value.to_string())),
                _ => None,
            },
            ValueKind::Map => match value {
                Value::Object(fields) => Some(Value::Object(
                    fields.into_iter().filter_map(|(key, field)| Some((key, scalar_text(&field)?.into()))).collect(),
                )),
                _ => None,
            },
            ValueKind::List | ValueKind::Set => {
                let elements = match value {
                    Value::Array(elements) => elements,
                    Value::Object(_) => vec![value],
                    Value::String(text) if text.is_empty() => Vec::new(),
                    Value::Null => Vec::new(),
                    single => vec![single],
                };
                let mut shaped: Vec<Value> =
                    elements.iter().filter_map(|element| self.shape_element(element, subject, tags)).collect();
                if self.kind == ValueKind::Set {
                    shaped.sort_by_cached_key(ToString::to_string);
                    shaped.dedup();
                }
                Some(Value::Array(shaped))
            }
        }
    }

    fn shape_element(&self, element: &Value, subject: &Subject<'_>, tags: &Tags) -> Option<Value> {
        let inner = Subject { object: element, parent: Some(subject.object), scope: subject.scope };
        match &self.each {
            None => scalar_text(element).map(Value::String),
            Some(Each::Value(mapping)) => mapping.value(&inner, tags, &[]),
            Some(Each::Object(mappings)) => Some(Value::Object(
                mappings
                    .iter()
                    .filter_map(|(name, mapping)| Some((name.clone(), mapping.value(&inner, tags, &[])?)))
                    .collect::<Map<_, _>>(),
            )),
        }
    }

    /// Returns true when the value is the object's tags.
    pub(crate) fn is_tags(&self) -> bool {
        matches!(self.from, Source::Tags)
    }

    /// Returns the shape of the value.
    pub fn kind(&self) -> ValueKind {
        self.kind
    }

    /// Reads a mapping: a pointer as plain text, or a mapping with `at`, `parent`, `text`, `constant`, `first`, `tag` or `tags`.
    pub(crate) fn read(node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        if let NodeValue::String(_) = &node.value {
            let from = Source::Pointer(read_pointer(node, "a mapping", errors)?);
            return Some(Self {
                from,
                kind: ValueKind::String,
                each: None,
                lookup: None,
                transforms: Vec::new(),
                default: None,
                when: None,
            });
        }
        let mut fields = Fields::open(node, "a mapping", errors)?;
        let mut sources = Vec::new();
        let at = fields.get("at");
        sources.extend(at.and_then(|node| read_pointer(node, "at", errors)).map(Source::Pointer));
        let parent = fields.get("parent");
        sources.extend(parent.and_then(|node| read_pointer(node, "parent", errors)).map(Source::Parent));
        let text = fields.get("text");
        sources.extend(text.and_then(|node| read_template(node, "text", errors)).map(Source::Text));
        sources.extend(fields.get("constant").map(|node| Source::Constant(node.to_json())));
        let first = fields.get("first").map(|_| fields.list("first"));
        sources.extend(
            first.map(|nodes| Source::First(nodes.iter().filter_map(|node| Self::read(node, errors)).collect())),
        );
        let tags = fields.flag("tags", errors);
        sources.extend(tags.then_some(Source::Tags));
        sources.extend(fields.string("tag", errors).map(|key| Source::Tag(key.to_owned())));
        let kind = fields.get("type").and_then(|node| read_word(node, "type", &KINDS, errors));
        let kind = kind.unwrap_or(if tags { ValueKind::Map } else { ValueKind::String });
        let transforms = fields
            .list("transform")
            .iter()
            .filter_map(|node| read_word(node, "transform", &TRANSFORMS, errors))
            .collect();
        let lookup = fields.get("lookup").and_then(|node| match &node.value {
            NodeValue::Map(entries) => {
                Some(entries.iter().map(|(key, value)| (key.text.clone(), value.to_json())).collect())
            }
            _ => {
                errors.push(&node.origin, format!("`lookup` must be a mapping, found {}", node.kind()));
                None
            }
        });
        let each = fields.get("each").and_then(|node| Each::read(node, errors));
        let default = fields.get("default").map(Node::to_json);
        let when = fields.get("when").and_then(|node| ObjectCondition::read(node, errors));
        let origin = fields.origin;
        fields.finish(errors);
        if each.is_some() && !matches!(kind, ValueKind::List | ValueKind::Set) {
            errors.push(origin, "`each` needs `type: list` or `type: set`");
        }
        if sources.len() != 1 {
            errors.push(origin, "a mapping has exactly one source: at, parent, text, constant, first, tag or tags");
        }
        Some(Self { from: sources.pop()?, kind, each, lookup, transforms, default, when })
    }
}

impl Each {
    fn read(node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        match &node.value {
            NodeValue::String(_) => Mapping::read(node, errors).map(|mapping| Self::Value(Box::new(mapping))),
            NodeValue::Map(entries) if entries.iter().any(|(key, _)| key.text == "element") => {
                let mut fields = Fields::open(node, "each", errors)?;
                let mapping = fields.required("element", errors).and_then(|node| Mapping::read(node, errors));
                fields.finish(errors);
                mapping.map(|mapping| Self::Value(Box::new(mapping)))
            }
            NodeValue::Map(entries) => Some(Self::Object(
                entries
                    .iter()
                    .filter_map(|(key, node)| Some((key.text.clone(), Mapping::read(node, errors)?)))
                    .collect(),
            )),
            _ => {
                errors.push(&node.origin, format!("`each` must be a pointer or a mapping, found {}", node.kind()));
                None
            }
        }
    }
}

impl Transform {
    fn apply(self, value: Value) -> Option<Value> {
        match (self, value) {
            (Self::Lower, Value::String(text)) => Some(Value::String(text.to_lowercase())),
            (Self::Upper, Value::String(text)) => Some(Value::String(text.to_uppercase())),
            (Self::UrlDecode, Value::String(text)) => Some(Value::String(url_decode(&text))),
            (Self::ParseJson, Value::String(text)) => serde_json::from_str(&text).ok(),
            (Self::Negate, Value::Bool(flag)) => Some(Value::Bool(!flag)),
            (Self::Negate, Value::String(text)) => text.parse::<bool>().ok().map(|flag| Value::Bool(!flag)),
            (Self::Lower | Self::Upper | Self::UrlDecode | Self::ParseJson | Self::Negate, other) => Some(other),
        }
    }
}

impl AttributePath {
    /// Parses a path written as in HCL; the error is a sentence about what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let malformed = || format!("`{text}` is no attribute path: write it as in HCL, for example `rule[0].status`");
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (name, indexes) = part.find('[').map_or((part, ""), |at| part.split_at(at));
            let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
            if !starts_well || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                return Err(malformed());
            }
            steps.push(AttributeStep::Attribute(name.to_owned()));
            for index in indexes.split_terminator(']') {
                let digits = index.strip_prefix('[').ok_or_else(malformed)?;
                let index = digits.parse().ok().filter(|index| *index < MAX_INDEX).ok_or_else(malformed)?;
                steps.push(AttributeStep::Index(index));
            }
            if !indexes.is_empty() && !indexes.ends_with(']') {
                return Err(malformed());
            }
        }
        Ok(Self { steps })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.steps.iter().enumerate() {
            match step {
                AttributeStep::Attribute(name) if position == 0 => formatter.write_str(name)?,
                AttributeStep::Attribute(name) => write!(formatter, ".{name}")?,
                AttributeStep::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Reads one of a closed list of words.
pub(crate) fn read_word<T: Copy>(
    node: &Node,
    what: &str,
    words: &[(&'static str, T)],
    errors: &mut DefinitionErrors,
) -> Option<T> {
    let text = super::fields::string(node, what, errors)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let help = did_you_mean(text, known.iter().copied())
        .map_or_else(|| format!("use one of {}", known.join(", ")), |word| format!("did you mean `{word}`?"));
    errors.push_with_help(&node.origin, format!("`{text}` is no {what}"), help);
    None
}

fn url_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let hex = (bytes[position] == b'%').then(|| text.get(position + 1..position + 3)).flatten();
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                position += 3;
            }
            None => {
                decoded.push(bytes[position]);
                position += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::definition::template::ScopeValues;

    fn check(mapping: &str, expect: impl Into<Option<Value>>) {
        let mut errors = DefinitionErrors::default();
        let node = Node::parse("m.yaml", mapping).expect("yaml");
        let mapping_read = Mapping::read(&node, &mut errors);
        assert_eq!(errors.errors, [], "{mapping}");
        let object = json!({
            "n": "30", "on": "true", "status": "ENABLED", "doc": "%7B%22b%22%3A1%2C%22a%22%3A2%7D",
            "list": [{"k": "b", "n": "2"}, {"k": "a"}], "words": ["z", "a", "z"], "map": {"a": 1}, "fetched": null,
        });
        let subject = Subject { object: &object, parent: None, scope: &ScopeValues::default() };
        let tags = Tags::from([("Name".to_owned(), "x".to_owned())]);
        let value = mapping_read.expect("mapping").value(&subject, &tags, &["fetched", "unfetched"]);
        assert_eq!(value, expect.into(), "{mapping}");
    }

    #[test]
    fn values_take_their_terraform_shape() {
        check("/n", Some(json!("30")));
        check("{at: /n, type: number}", Some(json!(30)));
        check("{at: /on, type: bool}", Some(json!(true)));
        check("{at: /on, type: bool, transform: negate}", Some(json!(false)));
        check("{at: /status, type: bool, lookup: {ENABLED: true, DISABLED: false}}", Some(json!(true)));
        check("{at: /status, transform: lower}", Some(json!("enabled")));
        check("{at: /doc, type: json, transform: urldecode}", Some(json!("{\"a\":2,\"b\":1}")));
        check("{at: /words, type: set}", Some(json!(["a", "z"])));
        check("{at: /words, type: list}", Some(json!(["z", "a", "z"])));
        check("{at: '/list/*/k', type: set}", Some(json!(["a", "b"])));
        check(
            "{at: /list, type: list, each: {key: /k, size: {at: /n, type: number, default: 0}}}",
            Some(json!([{"key": "b", "size": 2}, {"key": "a", "size": 0}])),
        );
        check("{at: /map, type: map}", Some(json!({"a": "1"})));
        check("{tags: true}", Some(json!({"Name": "x"})));
        check("{first: [/absent, /n], type: number}", Some(json!(30)));
        check("{constant: 7}", Some(json!("7")));
        check("{text: 'a-{/n}'}", Some(json!("a-30")));
    }

    #[test]
    fn absent_takes_the_default_but_unfetched_stays_unknown() {
        check("/absent", None);
        check("{at: /absent, type: number, default: 0}", Some(json!(0)));
        check("{at: /fetched/x, default: none}", Some(json!("none")));
        check("{at: /unfetched/x, default: none}", None);
        check("{text: '{/unfetched/x}', default: none}", None);
        check("{at: /n, when: {at: /status, equals: DISABLED}}", None);
    }

    #[test]
    fn attribute_paths_are_written_as_in_hcl() {
        for text in ["tags_all", "rule[0].apply[1].id", "_x"] {
            assert_eq!(AttributePath::parse(text).expect("valid").to_string(), text);
        }
        for text in ["", "StandingRule", "rule[x]", "rule[0", "a..b", "rule]0["] {
            assert!(AttributePath::parse(text).is_err(), "{text}");
        }
    }
}
