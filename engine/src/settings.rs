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
use std::path::Path;

use cty::Value;
use hcl::evaluate::Written;
use model::{Diagnostic, Diagnostics, ModuleAddress};
use net::Environment;
use serde_saphyr::Spanned;

use crate::Session;
use crate::yaml::{Node, YamlReader, find, place};

/// The name of the file, beside the root module or in the current folder.
pub(crate) const FILE_NAME: &str = "driftmgr.yaml";

/// The code of what is wrong with the file.
pub(crate) const CODE: &str = "settings-file";
/// The largest file that is read, in bytes.
pub(crate) const MAX_BYTES: u64 = 1 << 20;
/// The version of the file that is read.
pub(crate) const VERSION: i64 = 1;
/// The keys of the whole file: what it says of roots, [`crate::roots`] reads, and of severities, [`crate::severity`].
pub(crate) const TOP_KEYS: &[&str] = &["version", "providers", "data_sources", "roots", "severity"];
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
pub(crate) fn read(folders: &[&Path], session: &Session) -> (Settings, Diagnostics) {
    for folder in folders {
        let path = folder.join(FILE_NAME);
        match session.read_trusted(&path, MAX_BYTES) {
            Ok(Some(text)) => return parse(FILE_NAME, &text, &session.environment),
            Ok(None) => {}
            Err(reason) => {
                let detail = format!("{} cannot be read: {reason}.", path.display());
                let problem = Diagnostic::error(CODE, "Cannot read the settings", detail);
                return (Settings { is_faulty: true, ..Settings::default() }, vec![problem]);
            }
        }
    }
    (Settings::default(), Diagnostics::new())
}

/// Reads the text of the file; `name` is what diagnostics call it.
fn parse(name: &str, text: &str, environment: &Environment) -> (Settings, Diagnostics) {
    let mut reader = Reader { yaml: YamlReader::new(name, CODE), text, environment };
    let (providers, data_sources) = reader.document().unwrap_or_default();
    let diagnostics = reader.yaml.diagnostics;
    (Settings { providers, data_sources, is_faulty: !diagnostics.is_empty() }, diagnostics)
}

struct Reader<'a> {
    yaml: YamlReader,
    text: &'a str,
    environment: &'a Environment,
}

impl Reader<'_> {
    fn document(&mut self) -> Option<(Vec<ProviderSettings>, BTreeSet<String>)> {
        if self.text.trim().is_empty() {
            return Some(Default::default());
        }
        let document = self.yaml.document(self.text, 0)?;
        let entries = self.yaml.versioned(&document, TOP_KEYS, VERSION)?;
        let data_sources = find(entries, "data_sources").map(|names| self.names(names)).unwrap_or_default();
        let Some(providers) = find(entries, "providers") else { return Some((Vec::new(), data_sources)) };
        let Node::List(providers) = &providers.value else {
            let detail = "Each provider is an element of the list.";
            self.yaml.error("`providers` must be a list", detail, &providers.referenced);
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
                self.yaml.error("Not a list of data sources", detail, &node.referenced);
                BTreeSet::new()
            }
        }
    }

    fn provider(&mut self, node: &Spanned<Node>) -> Option<ProviderSettings> {
        let n_problems = self.yaml.diagnostics.len();
        let entries = self.yaml.mapping(node, PROVIDER_KEYS)?;
        let [provider, alias, module] = ["provider", "alias", "module"].map(|key| self.yaml.text(key, entries));
        if provider.is_none() {
            let detail = "Say which provider it is, in `provider`: its local name, or its address.";
            self.yaml.error("Settings of no provider", detail, &node.referenced);
        }
        let module = match module.as_deref().map(str::parse::<ModuleAddress>) {
            None => ModuleAddress::root(),
            Some(Ok(module)) => module,
            Some(Err(_)) => {
                let detail = "`module` is an address such as module.network, without keys.";
                self.yaml.error("Not a module", detail, &node.referenced);
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
                self.yaml.error("Not a mapping", "`arguments` holds names and values.", place);
            }
        }
        if self.yaml.diagnostics.len() > n_problems {
            return None;
        }
        let arguments = Written::of_values(&self.yaml.file, self.text, values);
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
                        self.yaml.error("Unset environment variable", detail, &node.referenced);
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
}
