//! The ignore file, `.driftmgrignore.yaml`.
//!
//! ```yaml
//! version: 1
//! rules:
//!   - address: module.legacy.*
//!     reason: the platform team replaces it in March
//!     owner: platform
//!     expires: 2026-03-31
//! ```

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use model::{Diagnostic, Diagnostics, Kind, Position, Span};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{IgnoreRules, Rule, RuleOrigin};
use crate::pattern::nearest;
use crate::{Pattern, TagPattern};

/// The name of the file, beside the root module.
pub const FILE_NAME: &str = ".driftmgrignore.yaml";

const VERSION: i64 = 1;
const MAX_BYTES: usize = 1024 * 1024;
const MAX_DEPTH: usize = 8;
const MAX_NODES: usize = 100_000;
const TOP_KEYS: &[&str] = &["version", "rules"];
const RULE_KEYS: &[&str] = &["kind", "address", "type", "id", "tag", "path", "reason", "owner", "expires"];
const CONDITIONS: &[&str] = &["kind", "address", "type", "id", "tag", "path"];

/// Reads an ignore file; `name` is what diagnostics call it.
///
/// Every problem is named, with its line and column; what has an error is left out.
pub fn parse(name: &str, text: &str) -> (IgnoreRules, Diagnostics) {
    let mut reader = Reader { file: name.into(), diagnostics: Diagnostics::new() };
    let rules = reader.document(text).unwrap_or_default();
    (IgnoreRules::new(rules), reader.diagnostics)
}

struct Reader {
    file: Arc<str>,
    diagnostics: Diagnostics,
}

impl Reader {
    fn document(&mut self, text: &str) -> Option<Vec<Rule>> {
        if text.len() > MAX_BYTES {
            let detail = format!("The file has {} bytes; {MAX_BYTES} is the limit.", text.len());
            self.diagnostics.push(Diagnostic::error("ignore-file", "The ignore file is too large", detail));
            return None;
        }
        if text.trim().is_empty() {
            return Some(Vec::new());
        }
        let mut options = serde_saphyr::Options::default();
        options.budget = Some({
            let mut budget = serde_saphyr::Budget::default();
            budget.max_depth = MAX_DEPTH;
            budget.max_nodes = MAX_NODES;
            budget.max_aliases = 0;
            budget.max_documents = 1;
            budget
        });
        options.strict_booleans = true;
        options.with_snippet = false;
        let document: Spanned<Node> = match serde_saphyr::from_str_with_options(text, options) {
            Ok(document) => document,
            Err(error) => {
                let detail = format!("{}.", error.without_snippet());
                let diagnostic = Diagnostic::error("ignore-file", "The ignore file is not valid YAML", detail);
                self.diagnostics.push(match error.location() {
                    Some(location) => diagnostic.at_span(self.span(&location)),
                    None => diagnostic,
                });
                return None;
            }
        };
        let entries = self.mapping(&document, TOP_KEYS)?;
        match find(&entries, "version").map(|version| (&version.value, version)) {
            Some((Node::Integer(VERSION), _)) => {}
            Some((_, version)) => {
                let detail = format!("This driftmgr reads version {VERSION} of the ignore file.");
                self.error("Unknown version of the ignore file", detail, &version.referenced);
                return None;
            }
            None => {
                let detail = format!("The file must begin with `version: {VERSION}`.");
                self.error("The ignore file names no version", detail, &document.referenced);
                return None;
            }
        }
        let Some(rules) = find(&entries, "rules") else { return Some(Vec::new()) };
        let Node::List(rules) = &rules.value else {
            self.error("`rules` must be a list", "Each rule is an element of the list.", &rules.referenced);
            return None;
        };
        Some(rules.iter().filter_map(|rule| self.rule(rule)).collect())
    }

    fn rule(&mut self, node: &Spanned<Node>) -> Option<Rule> {
        let n_problems = self.diagnostics.len();
        let entries = self.mapping(node, RULE_KEYS)?;
        let mut patterns =
            |key: &str| -> Vec<String> { find(&entries, key).map(|node| self.texts(key, node)).unwrap_or_default() };
        let addresses = patterns("address");
        let types = patterns("type");
        let ids = patterns("id");
        let tags = patterns("tag");
        let paths = patterns("path");
        let kind_words = patterns("kind");
        let kinds = kind_words.iter().filter_map(|word| self.kind(word, find(&entries, "kind")?)).collect();
        let mut text = |key: &str| find(&entries, key).and_then(|node| self.text(key, node));
        let (reason, owner, expires) = (text("reason"), text("owner"), text("expires"));
        let expires = match expires.as_deref().map(str::parse::<Date>) {
            Some(Err(_)) => {
                let place = find(&entries, "expires").map_or(&node.referenced, |node| &node.referenced);
                self.error("Not a date", "`expires` is a day such as 2026-12-31.", place);
                None
            }
            date => date.and_then(Result::ok),
        };
        if reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
            self.error(
                "An ignore rule has no reason",
                "Every rule must say why it is there, in `reason`.",
                &node.referenced,
            );
        }
        if !CONDITIONS.iter().any(|key| find(&entries, key).is_some()) {
            let detail = format!("A rule needs at least one of {}.", CONDITIONS.join(", "));
            self.error("An ignore rule would ignore everything", detail, &node.referenced);
        }
        if self.diagnostics.len() > n_problems {
            return None;
        }
        let compile = |texts: Vec<String>| texts.iter().map(|text| Pattern::new(text)).collect();
        Some(Rule {
            origin: RuleOrigin::File,
            kinds,
            addresses: compile(addresses),
            types: compile(types),
            ids: compile(ids),
            tags: tags.iter().map(|text| TagPattern::new(text)).collect(),
            paths: compile(paths),
            reason: reason?,
            owner,
            expires,
            span: self.span(&node.referenced),
        })
    }

    fn kind(&mut self, word: &str, node: &Spanned<Node>) -> Option<Kind> {
        let kind = Kind::from_word(word);
        if kind.is_none() {
            let words = || Kind::ALL.iter().map(|kind| kind.as_str());
            let detail = format!("{word:?} is none of {}.", words().collect::<Vec<_>>().join(", "));
            self.error_with_near("Unknown kind of finding", detail, &node.referenced, nearest(word, words()));
        }
        kind
    }

    fn mapping<'n>(&mut self, node: &'n Spanned<Node>, keys: &[&'static str]) -> Option<Entries<'n>> {
        let Node::Map(entries) = &node.value else {
            let detail = format!("A mapping with the keys {} belongs here.", keys.join(", "));
            self.error("Not a mapping", detail, &node.referenced);
            return None;
        };
        for (key, _) in entries {
            if !keys.contains(&key.value.as_str()) {
                let detail = format!("{:?} is none of {}.", key.value, keys.join(", "));
                let near = nearest(&key.value, keys.iter().copied());
                self.error_with_near("Unknown key in the ignore file", detail, &key.referenced, near);
            }
        }
        Some(entries)
    }

    fn texts(&mut self, key: &str, node: &Spanned<Node>) -> Vec<String> {
        match &node.value {
            Node::List(elements) => elements.iter().filter_map(|element| self.text(key, element)).collect(),
            _ => self.text(key, node).into_iter().collect(),
        }
    }

    fn text(&mut self, key: &str, node: &Spanned<Node>) -> Option<String> {
        if let Node::Text(text) = &node.value {
            return Some(text.clone());
        }
        let detail = format!("`{key}` must be text; quote what YAML takes for something else.");
        self.error("Not text", detail, &node.referenced);
        None
    }

    fn error(&mut self, summary: &str, detail: impl Into<String>, location: &Location) {
        self.error_with_near(summary, detail, location, None);
    }

    fn error_with_near(&mut self, summary: &str, detail: impl Into<String>, location: &Location, near: Option<&str>) {
        let diagnostic = Diagnostic::error("ignore-file", summary, detail).at_span(self.span(location));
        self.diagnostics.push(match near {
            Some(near) => diagnostic.with_help(format!("Did you mean `{near}`?")),
            None => diagnostic,
        });
    }

    fn span(&self, location: &Location) -> Span {
        let span = location.span();
        let start = Position {
            line: location.line() as usize,
            column: location.column() as usize,
            byte: span.byte_offset().unwrap_or_default() as usize,
        };
        Span { file: self.file.clone(), start, end: start }
    }
}

type Entries<'n> = &'n [(Spanned<String>, Spanned<Node>)];

fn find<'n>(entries: &Entries<'n>, key: &str) -> Option<&'n Spanned<Node>> {
    entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
}

/// YAML as it is written, every part with its place.
enum Node {
    Text(String),
    Integer(i64),
    Other,
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
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
        f.write_str("text, a number, a list or a mapping")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(i64::try_from(number).map_or(Node::Other, Node::Integer))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}
