//! YAML with a place for every part: what somebody wrote down for driftmgr, or for a tool beside it.
//!
//! Messages name places and never values: they may be secrets.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use cty::{Number, Type, Value};
use model::{Diagnostic, Diagnostics, Position, Span};
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

const MAX_BYTES: usize = 1024 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 100_000;

/// The keys of a mapping with what they hold, in the order they are written.
pub(crate) type Entries<'n> = &'n [(Spanned<String>, Spanned<Node>)];

/// Reads one file, and gathers what is wrong with it.
pub(crate) struct YamlReader {
    /// What diagnostics call the file.
    pub(crate) file: Arc<str>,
    /// The code of the diagnostics.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) diagnostics: Diagnostics,
}

impl YamlReader {
    /// Makes a reader of a file.
    pub(crate) fn new(file: &str, code: &'static str) -> Self {
        Self { file: Arc::from(file), code, diagnostics: Diagnostics::new() }
    }

    /// Reads the text of the file; `None` where nothing of it can be read.
    pub(crate) fn document(&mut self, text: &str, max_aliases: usize) -> Option<Spanned<Node>> {
        let file = Arc::clone(&self.file);
        if text.len() > MAX_BYTES {
            let detail = format!("{file} has {} bytes; {MAX_BYTES} is the limit.", text.len());
            self.diagnostics.push(Diagnostic::error(self.code, "The file is too large", detail));
            return None;
        }
        let mut options = serde_saphyr::Options::default();
        options.budget = Some({
            let mut budget = serde_saphyr::Budget::default();
            budget.max_depth = MAX_DEPTH;
            budget.max_nodes = MAX_NODES;
            budget.max_aliases = max_aliases;
            budget.max_documents = 1;
            budget
        });
        options.strict_booleans = true;
        options.with_snippet = false;
        match serde_saphyr::from_str_with_options(text, options) {
            Ok(document) => Some(document),
            Err(error) => {
                // The message of the parser may quote what stands there.
                let line = error.location().map_or(0, |location| location.line());
                let aliases = if max_aliases == 0 { "; aliases and anchors are not read" } else { "" };
                let detail = format!("Line {line} cannot be read as YAML{aliases}.");
                let problem = Diagnostic::error(self.code, format!("{file} is not valid YAML"), detail);
                self.diagnostics.push(match error.location() {
                    Some(location) => problem.at_span(self.span(&location)),
                    None => problem,
                });
                None
            }
        }
    }

    /// Makes sure that the document is a mapping that begins with a version this program reads, and gives the mapping.
    pub(crate) fn versioned<'n>(
        &mut self,
        document: &'n Spanned<Node>,
        keys: &[&str],
        version: i64,
    ) -> Option<Entries<'n>> {
        let entries = self.mapping(document, keys)?;
        let file = Arc::clone(&self.file);
        let Some(Node::Value(written)) = find(entries, "version").map(|version| &version.value) else {
            let detail = format!("The file must begin with `version: {version}`.");
            self.error(&format!("{file} names no version"), detail, &document.referenced);
            return None;
        };
        if *written != Value::from(version) {
            let detail = format!("This driftmgr reads version {version} of {file}.");
            self.error(&format!("Unknown version of {file}"), detail, &document.referenced);
            return None;
        }
        Some(entries)
    }

    /// Gives a mapping that has no other keys than these.
    pub(crate) fn mapping<'n>(&mut self, node: &'n Spanned<Node>, keys: &[&str]) -> Option<Entries<'n>> {
        let Node::Map(entries) = &node.value else {
            let detail = format!("A mapping with the keys {} belongs here.", keys.join(", "));
            self.error("Not a mapping", detail, &node.referenced);
            return None;
        };
        for (key, _) in entries {
            if !keys.contains(&key.value.as_str()) {
                let detail = format!("{:?} is none of {}.", key.value, keys.join(", "));
                self.error(&format!("Unknown key in {}", self.file), detail, &key.referenced);
            }
        }
        Some(entries)
    }

    /// Gives the text of a key; `None` where it is not there, or no text.
    pub(crate) fn text(&mut self, key: &str, entries: Entries<'_>) -> Option<String> {
        let node = find(entries, key)?;
        let text = node.value.as_text();
        if text.is_none() {
            let detail = format!("`{key}` must be text; quote what YAML takes for something else.");
            self.error("Not text", detail, &node.referenced);
        }
        text.map(str::to_owned)
    }

    /// Gives the texts of a key: a list, or one text; none where it is not there.
    pub(crate) fn texts(&mut self, key: &str, entries: Entries<'_>) -> Vec<String> {
        let Some(node) = find(entries, key) else { return Vec::new() };
        let texts: Option<Vec<String>> = match &node.value {
            Node::List(elements) => elements.iter().map(|element| element.value.as_text().map(str::to_owned)).collect(),
            value => value.as_text().map(|text| vec![text.to_owned()]),
        };
        texts.unwrap_or_else(|| {
            let detail = format!("`{key}` is a list of texts; quote what YAML takes for something else.");
            self.error("Not a list of texts", detail, &node.referenced);
            Vec::new()
        })
    }

    /// Notes a mistake.
    pub(crate) fn error(&mut self, summary: &str, detail: impl Into<String>, location: &Location) {
        let problem = Diagnostic::error(self.code, summary, detail).at_span(self.span(location));
        self.diagnostics.push(problem);
    }

    /// Gives a place in the file.
    pub(crate) fn span(&self, location: &Location) -> Span {
        let byte = place(location).start;
        let start = Position { line: location.line() as usize, column: location.column() as usize, byte };
        Span { file: Arc::clone(&self.file), start, end: start }
    }
}

/// Gives a place as a range of bytes.
pub(crate) fn place(location: &Location) -> Range<usize> {
    let start = location.span().byte_offset().unwrap_or_default() as usize;
    start..start
}

/// Finds what a key holds.
pub(crate) fn find<'n>(entries: Entries<'n>, key: &str) -> Option<&'n Spanned<Node>> {
    entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
}

/// YAML as it is written, every part with its place.
pub(crate) enum Node {
    /// Text, a number, true or false, or nothing.
    Value(Value),
    /// A list.
    List(Vec<Spanned<Node>>),
    /// A mapping, in the order it is written.
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

impl Node {
    /// Gives the text that it is; `None` where it is none.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Value(value) => value.as_str(),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Value(Value::string(text)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Value(Value::from(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Value(Value::from(number)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Value(Value::bool(value)))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Node, E> {
        // The shortest decimal of a double is what was written, up to 15 digits.
        let number = Number::parse(&number.to_string()).map_err(|_| E::custom("not a number"))?;
        Ok(Node::Value(Value::number(number)))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Value(Value::null(Type::Dynamic)))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Value(Value::null(Type::Dynamic)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map: Vec<(Spanned<String>, Spanned<Node>)> = Vec::new();
        while let Some(entry) = entries.next_entry::<Spanned<String>, Spanned<Node>>()? {
            if map.iter().any(|(name, _)| name.value == entry.0.value) {
                return Err(A::Error::custom("a key stands twice"));
            }
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}
