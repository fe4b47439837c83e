//! `driftmgr.yaml`: what somebody writes down for driftmgr once.
//!
//! ```yaml
//! version: 1
//! providers:
//!   - provider: aws
//!     alias: west
//!     arguments:
//!       region: us-west-2
//!       token: env:WEST_TOKEN
//! ```
//!
//! Messages name places and never values: they may be secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use cty::{Number, Type, Value};
use hcl::evaluate::Written;
use model::{Diagnostic, Diagnostics, ModuleAddress, Position, Span};
use net::Environment;
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// The name of the file, beside the root module or in the current folder.
pub(crate) const FILE_NAME: &str = "driftmgr.yaml";

const VERSION: i64 = 1;
const MAX_BYTES: usize = 1024 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 100_000;
const TOP_KEYS: &[&str] = &["version", "providers", "data_sources"];
const PROVIDER_KEYS: &[&str] = &["provider", "alias", "module", "arguments"];

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) providers: Vec<ProviderSettings>,
    /// The data sources that may be read, by type.
    pub(crate) data_sources: BTreeSet<String>,
    /// Whether the file has mistakes, so that what it means to say is not all known.
    pub(crate) is_faulty: bool,
}

/// Arguments laid over a provider block, or standing for one.
#[derive(Debug)]
pub(crate) struct ProviderSettings {
    /// The provider: its address, or its local name in the module.
    pub(crate) provider: String,
    /// The alias; `None` for the default configuration.
    pub(crate) alias: Option<String>,
    /// The module whose configuration it is.
    pub(crate) module: ModuleAddress,
    /// The arguments.
    pub(crate) arguments: Written,
}

/// Reads the file in one of the folders, the first that has it.
pub(crate) fn read(folders: &[&Path], environment: &Environment) -> (Settings, Diagnostics) {
    for folder in folders {
        let path = folder.join(FILE_NAME);
        match std::fs::read_to_string(&path) {
            Ok(text) => return parse(FILE_NAME, &text, environment),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let detail = format!("{} cannot be read: {error}.", path.display());
                let problem = Diagnostic::error("settings-file", "Cannot read the settings", detail);
                return (Settings { is_faulty: true, ..Settings::default() }, vec![problem]);
            }
        }
    }
    (Settings::default(), Diagnostics::new())
}

/// Reads the text of the file; `name` is what diagnostics call it.
fn parse(name: &str, text: &str, environment: &Environment) -> (Settings, Diagnostics) {
    let mut reader = Reader { file: Arc::from(name), text, environment, diagnostics: Diagnostics::new() };
    let (providers, data_sources) = reader.document().unwrap_or_default();
    (Settings { providers, data_sources, is_faulty: !reader.diagnostics.is_empty() }, reader.diagnostics)
}

struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    environment: &'a Environment,
    diagnostics: Diagnostics,
}

type Entries<'n> = &'n [(Spanned<String>, Spanned<Node>)];

impl Reader<'_> {
    fn document(&mut self) -> Option<(Vec<ProviderSettings>, BTreeSet<String>)> {
        if self.text.len() > MAX_BYTES {
            let detail = format!("The file has {} bytes; {MAX_BYTES} is the limit.", self.text.len());
            self.diagnostics.push(Diagnostic::error("settings-file", "The settings file is too large", detail));
            return None;
        }
        if self.text.trim().is_empty() {
            return Some(Default::default());
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
        let document: Spanned<Node> = match serde_saphyr::from_str_with_options(self.text, options) {
            Ok(document) => document,
            Err(error) => {
                // The message of the parser may quote what stands there.
                let line = error.location().map_or(0, |location| location.line());
                let detail = format!("Line {line} cannot be read as YAML; aliases and anchors are not read.");
                let problem = Diagnostic::error("settings-file", "The settings file is not valid YAML", detail);
                self.diagnostics.push(match error.location() {
                    Some(location) => problem.at_span(self.span(&location)),
                    None => problem,
                });
                return None;
            }
        };
        let entries = self.mapping(&document, TOP_KEYS)?;
        let Some(Node::Value(version)) = find(entries, "version").map(|version| &version.value) else {
            let detail = format!("The file must begin with `version: {VERSION}`.");
            self.error("The settings file names no version", detail, &document.referenced);
            return None;
        };
        if *version != Value::from(VERSION) {
            let detail = format!("This driftmgr reads version {VERSION} of {FILE_NAME}.");
            self.error("Unknown version of the settings file", detail, &document.referenced);
            return None;
        }
        let data_sources = find(entries, "data_sources").map(|names| self.names(names)).unwrap_or_default();
        let Some(providers) = find(entries, "providers") else { return Some((Vec::new(), data_sources)) };
        let Node::List(providers) = &providers.value else {
            self.error("`providers` must be a list", "Each provider is an element of the list.", &providers.referenced);
            return None;
        };
        Some((providers.iter().filter_map(|provider| self.provider(provider)).collect(), data_sources))
    }

    /// Reads the names of data sources.
    fn names(&mut self, node: &Spanned<Node>) -> BTreeSet<String> {
        let elements = match &node.value {
            Node::List(elements) => elements.as_slice(),
            Node::Value(_) | Node::Map(_) => &[],
        };
        let name = |element: &Spanned<Node>| match &element.value {
            Node::Value(value) => value.as_str().map(str::to_owned),
            Node::List(_) | Node::Map(_) => None,
        };
        let names: Option<BTreeSet<String>> = elements.iter().map(name).collect();
        match names {
            Some(names) if matches!(node.value, Node::List(_)) => names,
            _ => {
                let detail = "`data_sources` is a list of types of data sources, such as aws_region.";
                self.error("Not a list of data sources", detail, &node.referenced);
                BTreeSet::new()
            }
        }
    }

    fn provider(&mut self, node: &Spanned<Node>) -> Option<ProviderSettings> {
        let n_problems = self.diagnostics.len();
        let entries = self.mapping(node, PROVIDER_KEYS)?;
        let [provider, alias, module] = ["provider", "alias", "module"].map(|key| self.text(key, entries));
        if provider.is_none() {
            let detail = "Say which provider it is, in `provider`: its local name, or its address.";
            self.error("Settings of no provider", detail, &node.referenced);
        }
        let module = match module.as_deref().map(str::parse::<ModuleAddress>) {
            None => ModuleAddress::root(),
            Some(Ok(module)) => module,
            Some(Err(_)) => {
                let detail = "`module` is an address such as module.network, without keys.";
                self.error("Not a module", detail, &node.referenced);
                return None;
            }
        };
        let mut values = Vec::new();
        match find(entries, "arguments").map(|arguments| (&arguments.value, &arguments.referenced)) {
            None => {}
            Some((Node::Map(arguments), _)) => {
                for (name, argument) in arguments {
                    if let Some(value) = self.value(argument) {
                        values.push((name.value.clone(), place(&name.referenced), value));
                    }
                }
            }
            Some((_, place)) => {
                self.error("Not a mapping", "`arguments` holds names and values.", place);
            }
        }
        if self.diagnostics.len() > n_problems {
            return None;
        }
        let arguments = Written::of_values(&self.file, self.text, values);
        Some(ProviderSettings { provider: provider?, alias, module, arguments })
    }

    fn value(&mut self, node: &Spanned<Node>) -> Option<Value> {
        Some(match &node.value {
            Node::Value(value) => match value.as_str().and_then(|text| text.strip_prefix("env:")) {
                None => value.clone(),
                Some(name) => match self.environment.variables().get(name) {
                    Some(text) => Value::string(text),
                    None => {
                        let detail = format!("The environment variable {name:?} is not set.");
                        self.error("Unset environment variable", detail, &node.referenced);
                        return None;
                    }
                },
            },
            Node::List(elements) => {
                let values: Vec<Option<Value>> = elements.iter().map(|element| self.value(element)).collect();
                Value::tuple(values.into_iter().collect::<Option<_>>()?)
            }
            Node::Map(entries) => {
                let mut attributes = BTreeMap::new();
                for (name, inner) in entries {
                    attributes.insert(name.value.clone(), self.value(inner)?);
                }
                Value::object(attributes)
            }
        })
    }

    fn mapping<'n>(&mut self, node: &'n Spanned<Node>, keys: &[&str]) -> Option<Entries<'n>> {
        let Node::Map(entries) = &node.value else {
            let detail = format!("A mapping with the keys {} belongs here.", keys.join(", "));
            self.error("Not a mapping", detail, &node.referenced);
            return None;
        };
        for (key, _) in entries {
            if !keys.contains(&key.value.as_str()) {
                let detail = format!("{:?} is none of {}.", key.value, keys.join(", "));
                self.error("Unknown key in the settings file", detail, &key.referenced);
            }
        }
        Some(entries)
    }

    fn text(&mut self, key: &str, entries: Entries<'_>) -> Option<String> {
        let node = find(entries, key)?;
        if let Node::Value(value) = &node.value {
            if let Some(text) = value.as_str() {
                return Some(text.to_owned());
            }
        }
        let detail = format!("`{key}` must be text; quote what YAML takes for something else.");
        self.error("Not text", detail, &node.referenced);
        None
    }

    fn error(&mut self, summary: &str, detail: impl Into<String>, location: &Location) {
        let problem = Diagnostic::error("settings-file", summary, detail).at_span(self.span(location));
        self.diagnostics.push(problem);
    }

    fn span(&self, location: &Location) -> Span {
        let byte = place(location).start;
        let start = Position { line: location.line() as usize, column: location.column() as usize, byte };
        Span { file: self.file.clone(), start, end: start }
    }
}

fn place(location: &Location) -> Range<usize> {
    let start = location.span().byte_offset().unwrap_or_default() as usize;
    start..start
}

fn find<'n>(entries: Entries<'n>, key: &str) -> Option<&'n Spanned<Node>> {
    entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
}

/// YAML as it is written, every part with its place.
enum Node {
    Value(Value),
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
