//! What a root module declares: backend, providers, and resources with what their blocks write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::{Path, PathStep, Value};
use model::{Diagnostic, Diagnostics, InstanceAddress, ModuleAddress, ResourceAddress, ResourceMode, Span};

use crate::gates::Program;
use crate::literal;
use crate::reference;
use crate::root::META_ARGUMENTS;
use crate::source::SourceTree;
use crate::syntax::{BlockSyntax, Body, Expression, File};

/// A root module, as far as it can be told without evaluation.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Its files in the order they count, with their names and whether they override others.
    pub files: Vec<(String, bool)>,
    /// Whether every file was read without a mistake: only then what is not here does not exist.
    pub is_complete: bool,
    /// Which versions of terraform it asks for.
    pub required_version: Vec<String>,
    /// The providers it asks for, by local name.
    pub required_providers: BTreeMap<String, RequiredProvider>,
    /// Where its state is kept; `cloud` for a `cloud` block. `None` means the local backend.
    pub backend: Option<Settings>,
    /// Its provider configurations.
    pub providers: Vec<ProviderBlock>,
    /// Its resources and data sources.
    pub resources: Vec<ResourceBlock>,
    /// The modules it calls.
    pub calls: Vec<ModuleCall>,
    /// Its `import` blocks.
    pub imports: Vec<ImportBlock>,
}

/// A provider that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RequiredProvider {
    /// Its source address, as written.
    pub source: Option<String>,
    /// Its version constraint.
    pub version: Option<String>,
    /// Where it is asked for.
    pub span: Span,
}

/// Settings whose values are literals.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The label: the backend's type, the provider's local name.
    pub name: String,
    /// What literals say, by name; names of nested blocks are joined to it with a dot.
    pub arguments: BTreeMap<String, Value>,
    /// The arguments that must be evaluated.
    pub unresolved: BTreeSet<String>,
    /// Where the block begins.
    pub span: Span,
}

/// A provider configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderBlock {
    /// The alias; `None` for the default configuration.
    pub alias: Option<String>,
    /// Its name and arguments.
    pub settings: Settings,
}

/// A resource or data source.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceBlock {
    /// Its address.
    pub address: ResourceAddress,
    /// Where its block begins.
    pub span: Span,
    /// The provider configuration it names, as written: `aws.west`.
    pub provider: Option<String>,
    /// How many instances it has.
    pub repetition: Repetition,
    /// What its block writes: the names on the way to each argument, and where.
    pub arguments: Vec<Argument>,
    /// What `lifecycle` says to ignore.
    pub ignore_changes: IgnoreChanges,
}

/// An argument that a block writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The names of the blocks around it, and its own.
    pub path: Vec<String>,
    /// Where it is written.
    pub span: Span,
}

/// Says how a resource is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It has one instance without a key.
    Single,
    /// It has `count`.
    Count,
    /// It has `for_each`.
    ForEach,
}

/// Says which changes a resource ignores.
#[derive(Clone, Debug, PartialEq)]
pub enum IgnoreChanges {
    /// Those of these attributes; there may be none.
    Paths(Vec<Path>),
    /// All.
    All,
}

/// A call of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct ModuleCall {
    /// Its name.
    pub name: String,
    /// Its source, where that is a literal.
    pub source: Option<String>,
    /// Where its block begins.
    pub span: Span,
}

/// An `import` block.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportBlock {
    /// Where to, as written.
    pub to: String,
    /// Where to, where that needs no evaluation.
    pub address: Option<InstanceAddress>,
    /// The import id, where that is a literal.
    pub id: Option<String>,
    /// The identity, where that is a literal.
    pub identity: Option<Value>,
    /// Whether it has `for_each`.
    pub is_repeated: bool,
    /// Where its block begins.
    pub span: Span,
}

impl ResourceBlock {
    /// Finds the argument with which the block writes the attribute at a path, all of it or a part.
    ///
    /// An argument counts with everything inside of it; a nested block counts with what it writes. Keys and positions on
    /// the path are passed over: the code writes an element or it does not.
    pub fn written(&self, path: &Path) -> Option<&Argument> {
        let names: Vec<&str> = path
            .steps()
            .iter()
            .filter_map(|step| match step {
                PathStep::GetAttr(name) => Some(name.as_str()),
                PathStep::Index(_) => None,
            })
            .collect();
        let meets = |argument: &&Argument| argument.path.iter().zip(&names).all(|(written, name)| written == name);
        self.arguments.iter().find(meets)
    }

    /// Tells whether `lifecycle` says to ignore changes at a path.
    pub fn ignores(&self, path: &Path) -> bool {
        match &self.ignore_changes {
            IgnoreChanges::All => true,
            IgnoreChanges::Paths(paths) => paths.iter().any(|ignored| path.starts_with(ignored)),
        }
    }
}

impl Module {
    /// Reads the module in a folder: all its `.tf` and `.tf.json` files, overrides last.
    ///
    /// A file that cannot be read is a problem; the others count.
    pub fn read(tree: &dyn SourceTree, folder: &str) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let files = files(tree, folder, &mut diagnostics);
        (Self::of_files(&files, &mut diagnostics), diagnostics)
    }

    /// Collects what files declare, overrides last, of which each says whether it is one.
    ///
    /// The problems are those that the files were read with, to which this adds.
    pub(crate) fn of_files(files: &[(Arc<File>, bool)], diagnostics: &mut Diagnostics) -> Self {
        let mut module = Self::default();
        for (file, is_override) in files {
            module.add(file, *is_override, diagnostics);
            module.files.push((file.name.to_string(), *is_override));
        }
        module.is_complete = !model::diagnostic::has_errors(diagnostics);
        module
    }

    /// Finds a resource.
    pub fn resource(&self, address: &ResourceAddress) -> Option<&ResourceBlock> {
        self.resources.iter().find(|resource| resource.address == *address)
    }

    /// Adds what a file declares; a file that overrides replaces what it names again.
    fn add(&mut self, file: &File, is_override: bool, diagnostics: &mut Diagnostics) {
        for block in &file.body.blocks {
            match (block.block_type.as_str(), block.labels.as_slice()) {
                ("terraform", []) => self.add_terraform(file, block),
                ("provider", [name]) => {
                    let mut settings = settings(file, name, block);
                    let alias = settings.arguments.remove("alias").and_then(|alias| alias.as_str().map(str::to_owned));
                    let same = |other: &&mut ProviderBlock| other.settings.name == *name && other.alias == alias;
                    match self.providers.iter_mut().find(same).filter(|_| is_override) {
                        Some(earlier) => {
                            let Settings { arguments, unresolved, .. } = settings;
                            for name in &unresolved {
                                earlier.settings.arguments.remove(name);
                            }
                            earlier.settings.unresolved.retain(|name| !arguments.contains_key(name));
                            earlier.settings.arguments.extend(arguments);
                            earlier.settings.unresolved.extend(unresolved);
                        }
                        None => self.providers.push(ProviderBlock { alias, settings }),
                    }
                }
                (mode @ ("resource" | "data"), [resource_type, name]) => {
                    let mode = if mode == "data" { ResourceMode::Data } else { ResourceMode::Managed };
                    let address = ResourceAddress {
                        module: ModuleAddress::root(),
                        mode,
                        resource_type: resource_type.as_str().into(),
                        name: name.as_str().into(),
                    };
                    let resource = resource(file, block, address, diagnostics);
                    let earlier = self.resources.iter_mut().find(|other| other.address == resource.address);
                    match earlier.filter(|_| is_override) {
                        Some(earlier) => {
                            let top = |argument: &Argument| argument.path.first().cloned();
                            let replaced: BTreeSet<_> = resource.arguments.iter().filter_map(top).collect();
                            earlier
                                .arguments
                                .retain(|argument| top(argument).is_none_or(|top| !replaced.contains(&top)));
                            earlier.arguments.extend(resource.arguments);
                            if resource.ignore_changes != IgnoreChanges::Paths(Vec::new()) {
                                earlier.ignore_changes = resource.ignore_changes;
                            }
                            earlier.provider = resource.provider.or(earlier.provider.take());
                        }
                        None => self.resources.push(resource),
                    }
                }
                ("module", [name]) => {
                    let call = ModuleCall {
                        name: name.clone(),
                        source: text(file, &block.body, "source"),
                        span: file.span(&block.header),
                    };
                    match self.calls.iter_mut().find(|other| other.name == *name).filter(|_| is_override) {
                        Some(earlier) => earlier.source = call.source.or(earlier.source.take()),
                        None => self.calls.push(call),
                    }
                }
                ("import", []) => {
                    let to = block.body.attribute("to").map(|to| file.source(&to.expression)).unwrap_or_default();
                    let identity = block.body.attribute("identity");
                    let identity = identity.and_then(|identity| file.literal(&identity.expression).ok());
                    self.imports.push(ImportBlock {
                        address: to.parse().ok(),
                        to,
                        id: text(file, &block.body, "id"),
                        identity,
                        is_repeated: block.body.attribute("for_each").is_some(),
                        span: file.span(&block.header),
                    });
                }
                _ => {}
            }
        }
    }

    fn add_terraform(&mut self, file: &File, block: &BlockSyntax) {
        self.required_version.extend(text(file, &block.body, "required_version"));
        for inner in &block.body.blocks {
            match (inner.block_type.as_str(), inner.labels.as_slice()) {
                ("backend", [name]) => self.backend = Some(settings(file, name, inner)),
                ("cloud", []) => self.backend = Some(settings(file, "cloud", inner)),
                ("required_providers", []) => {
                    for attribute in &inner.body.attributes {
                        let entries = literal::entries(file, &attribute.expression).and_then(Result::ok);
                        let field = |name: &str| {
                            let (_, expression) = entries.as_ref()?.iter().find(|(key, _)| key == name)?;
                            file.literal(expression).ok()?.as_str().map(str::to_owned)
                        };
                        // Before version 0.13 the value was the version alone.
                        let version = || file.literal(&attribute.expression).ok()?.as_str().map(str::to_owned);
                        let required = RequiredProvider {
                            source: field("source"),
                            version: field("version").or_else(version),
                            span: file.span(&attribute.range),
                        };
                        self.required_providers.insert(attribute.name.clone(), required);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Reads the files of the module in a folder, in the order they count; tells of each whether it overrides others.
///
/// `OpenTofu` reads its own file in the place of the other one of the same name.
pub(crate) fn files(tree: &dyn SourceTree, folder: &str, diagnostics: &mut Diagnostics) -> Vec<(Arc<File>, bool)> {
    files_for(tree, folder, None, diagnostics)
}

/// Reads the files that a program reads; terraform reads none of `OpenTofu`'s.
pub(crate) fn files_for(
    tree: &dyn SourceTree,
    folder: &str,
    program: Option<Program>,
    diagnostics: &mut Diagnostics,
) -> Vec<(Arc<File>, bool)> {
    let is_of_terraform = program == Some(Program::Terraform);
    let is_read = |name: &FileName| if is_of_terraform { !is_of_opentofu(&name.name) } else { !name.is_replaced };
    let names = file_names(tree, folder, diagnostics).into_iter().filter(is_read);
    let file = |name: FileName| {
        let file = read_file(tree, folder, &name, diagnostics)?;
        Some((Arc::new(file), is_override(&name.name)))
    };
    names.filter_map(file).collect()
}

/// A file that at least one program reads.
pub(crate) struct FoundFile {
    pub(crate) file: File,
    /// Whether only OpenTofu reads it.
    pub(crate) is_of_opentofu: bool,
    /// Whether only terraform reads it: OpenTofu has another one for it.
    pub(crate) is_replaced: bool,
}

/// Reads the files in a folder that any program reads.
pub(crate) fn every_file(tree: &dyn SourceTree, folder: &str, diagnostics: &mut Diagnostics) -> Vec<FoundFile> {
    let names = file_names(tree, folder, diagnostics);
    let found = names.into_iter().filter_map(|name| {
        let file = read_file(tree, folder, &name, diagnostics)?;
        Some(FoundFile { file, is_of_opentofu: is_of_opentofu(&name.name), is_replaced: name.is_replaced })
    });
    found.collect()
}

/// The name of a file of configuration.
struct FileName {
    name: String,
    /// Whether OpenTofu reads another file in its place.
    is_replaced: bool,
}

/// Lists the files of configuration in a folder, in the order they count.
fn file_names(tree: &dyn SourceTree, folder: &str, diagnostics: &mut Diagnostics) -> Vec<FileName> {
    let mut names = match tree.list(folder) {
        Ok(names) => names,
        Err(error) => {
            let detail = format!("The folder {folder:?} cannot be listed: {}.", error.reason);
            diagnostics.push(Diagnostic::error("configuration-unreadable", "Cannot read the configuration", detail));
            return Vec::new();
        }
    };
    names.retain(|name| {
        // Editors leave such files behind; terraform passes over them too.
        let is_hidden = name.starts_with('.') || name.ends_with('~') || name.starts_with('#');
        !is_hidden && stem(name).is_some()
    });
    let own: BTreeSet<String> = names.iter().filter(|name| is_of_opentofu(name)).cloned().collect();
    names.sort_by_key(|name| (is_override(name), name.clone()));
    let is_replaced = |name: &str| {
        let stem = name.strip_suffix(".tf").map(|stem| (stem, ""));
        let stem = stem.or(name.strip_suffix(".tf.json").map(|stem| (stem, ".json")));
        stem.is_some_and(|(stem, json)| own.contains(&format!("{stem}.tofu{json}")))
    };
    names.into_iter().map(|name| FileName { is_replaced: is_replaced(&name), name }).collect()
}

fn read_file(tree: &dyn SourceTree, folder: &str, name: &FileName, diagnostics: &mut Diagnostics) -> Option<File> {
    let name = &name.name;
    let path = if folder == "." { name.clone() } else { format!("{folder}/{name}") };
    let read = if is_json(name) {
        read_text(tree, &path).map(|text| File::parse_json(&path, &text))
    } else {
        tree.read(&path).map(|bytes| File::parse_bytes(&path, &bytes)).map_err(|error| error.reason)
    };
    match read {
        Ok((file, problems)) => {
            diagnostics.extend(problems);
            Some(file)
        }
        Err(reason) => {
            let detail = format!("The file {path:?} cannot be read: {reason}.");
            diagnostics.push(Diagnostic::error("configuration-unreadable", "Cannot read the configuration", detail));
            None
        }
    }
}

fn is_of_opentofu(name: &str) -> bool {
    [".tofu", ".tofu.json"].iter().any(|ending| name.ends_with(ending))
}

/// Reads a file of text; the reason is a clause.
pub(crate) fn read_text(tree: &dyn SourceTree, path: &str) -> Result<String, String> {
    let bytes = tree.read(path).map_err(|error| error.reason)?;
    String::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
}

/// Gives the source address that an entry of `required_providers` names.
pub(crate) fn required_source(file: &File, expression: &Expression) -> Option<String> {
    let entries = literal::entries(file, expression)?.ok()?;
    let (_, source) = entries.iter().find(|(key, _)| key == "source")?;
    file.literal(source).ok()?.as_str().map(str::to_owned)
}

fn is_json(name: &str) -> bool {
    [".tf.json", ".tofu.json"].iter().any(|ending| name.ends_with(ending))
}

/// Gives the name of a file of configuration without its ending; `None` for other files.
fn stem(name: &str) -> Option<&str> {
    [".tf", ".tf.json", ".tofu", ".tofu.json"].iter().find_map(|ending| name.strip_suffix(ending))
}

pub(crate) fn is_override(name: &str) -> bool {
    stem(name).is_some_and(|stem| stem == "override" || stem.ends_with("_override"))
}

fn text(file: &File, body: &Body, name: &str) -> Option<String> {
    file.literal(&body.attribute(name)?.expression).ok()?.as_str().map(str::to_owned)
}

fn settings(file: &File, name: &str, block: &BlockSyntax) -> Settings {
    let mut settings = Settings {
        name: name.to_owned(),
        arguments: BTreeMap::new(),
        unresolved: BTreeSet::new(),
        span: file.span(&block.header),
    };
    collect_settings(file, &block.body, "", &mut settings);
    settings
}

fn collect_settings(file: &File, body: &Body, prefix: &str, settings: &mut Settings) {
    for attribute in &body.attributes {
        let name = format!("{prefix}{}", attribute.name);
        match file.literal(&attribute.expression) {
            Ok(value) => {
                settings.arguments.insert(name, value);
            }
            Err(_) => {
                settings.unresolved.insert(name);
            }
        }
    }
    for block in &body.blocks {
        collect_settings(file, &block.body, &format!("{prefix}{}.", block.block_type), settings);
    }
}

fn resource(
    file: &File,
    block: &BlockSyntax,
    address: ResourceAddress,
    diagnostics: &mut Diagnostics,
) -> ResourceBlock {
    let body = &block.body;
    let repetition = match (body.attribute("count"), body.attribute("for_each")) {
        (Some(_), _) => Repetition::Count,
        (None, Some(_)) => Repetition::ForEach,
        (None, None) => Repetition::Single,
    };
    let mut arguments = Vec::new();
    collect_arguments(file, body, &[], &mut arguments);
    let mut ignore_changes = IgnoreChanges::Paths(Vec::new());
    for lifecycle in body.blocks("lifecycle") {
        let Some(attribute) = lifecycle.body.attribute("ignore_changes") else { continue };
        let source = file.source(&attribute.expression);
        if source == "all" || source == "[\"*\"]" {
            ignore_changes = IgnoreChanges::All;
            continue;
        }
        let mut paths = Vec::new();
        for element in literal::elements(file, &attribute.expression).unwrap_or_default() {
            match reference::path(file, &element) {
                Some(path) => paths.push(path),
                None => {
                    let detail = format!(
                        "What {:?} in `ignore_changes` of {address} names cannot be told; changes there are shown.",
                        file.source(&element)
                    );
                    let problem =
                        Diagnostic::warning("ignore-changes-unread", "Unread element of ignore_changes", detail);
                    diagnostics.push(problem.at_address(&address).at_span(file.expression_span(&element)));
                }
            }
        }
        ignore_changes = IgnoreChanges::Paths(paths);
    }
    ResourceBlock {
        span: file.span(&block.header),
        provider: body.attribute("provider").map(|provider| file.source(&provider.expression)),
        repetition,
        arguments,
        ignore_changes,
        address,
    }
}

fn collect_arguments(file: &File, body: &Body, prefix: &[String], arguments: &mut Vec<Argument>) {
    let is_own = |name: &str| !prefix.is_empty() || !META_ARGUMENTS.contains(&name);
    let path = |name: &str| [prefix, &[name.to_owned()]].concat();
    for attribute in body.attributes.iter().filter(|attribute| is_own(&attribute.name)) {
        let span = file.span(&attribute.range);
        arguments.push(Argument { path: path(&attribute.name), span });
    }
    for block in body.blocks.iter().filter(|block| is_own(&block.block_type)) {
        let (name, inner) = match (block.block_type.as_str(), block.labels.as_slice()) {
            ("dynamic", [name]) => (name.as_str(), block.body.blocks("content").next().map(|content| &content.body)),
            (name, _) => (name, Some(&block.body)),
        };
        let inner_path = path(name);
        let n_before = arguments.len();
        if let Some(inner) = inner {
            collect_arguments(file, inner, &inner_path, arguments);
        }
        if arguments.len() == n_before {
            // An empty block is written all the same.
            arguments.push(Argument { path: inner_path, span: file.span(&block.header) });
        }
    }
}
