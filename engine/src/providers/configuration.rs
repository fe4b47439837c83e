//! What providers are configured with, as far as that can be known without a cloud.
//!
//! A state names a provider configuration by its address. The block of that address is looked for in the code of the
//! module it belongs to, what `driftmgr.yaml` says is laid over it, and both are evaluated against the provider's schema.
//! What is not known then is not guessed: it is a [`Cause`].

use std::path::{Path, PathBuf};

use cty::Value;
use hcl::configuration::module_folder;
use hcl::definitions::{Definitions, ProviderConfiguration};
use hcl::evaluate::{Files, Unknown, Written, block, expression};
use hcl::scope::{Inputs, ModuleScope, Surroundings};
use hcl::variables::VariableValues;
use model::{
    Cause, CauseKind, Diagnostic, Diagnostics, InstanceKey, ModuleStep, ProviderAddress, ProviderConfigAddress,
    Severity,
};

use crate::Session;
use crate::code::{self, Folder};
use crate::request::{StatesRequest, VariableSource};
use crate::settings::{self, FILE_NAME, ProviderSettings, Settings};

/// Arguments of provider blocks that terraform itself understands.
const META_ARGUMENTS: &[&str] = &["alias", "for_each", "version"];
/// The largest file of variables that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// The provider configurations that a request is about.
pub(crate) struct Configurations {
    root: Option<Root>,
    settings: Settings,
    home: Option<String>,
}

/// A root module.
struct Root {
    directory: PathBuf,
    data_folder: String,
    workspace: String,
    definitions: Definitions,
    /// Whether every file could be read: only then what is not there does not exist.
    is_complete: bool,
    variables: VariableValues,
}

impl Configurations {
    /// Reads the root module that the request is about, if there is one, the values of its variables, and
    /// `driftmgr.yaml`.
    ///
    /// Mistakes in the code itself are left to who reads it for its resources.
    pub(crate) fn read(session: &Session, request: &StatesRequest) -> (Self, Diagnostics) {
        let directory = code::root(request, session);
        let folders: Vec<&Path> =
            directory.iter().map(PathBuf::as_path).chain([session.current_dir.as_path()]).collect();
        let (settings, mut diagnostics) = settings::read(&folders, &session.environment);
        let root = directory.map(|directory| Root::read(session, request, directory, &mut diagnostics));
        let home = session.environment.home().map(|home| home.to_string_lossy().into_owned());
        (Self { root, settings, home }, diagnostics)
    }

    /// Gives the value of the provider block that an address means, shaped by the provider's schema.
    ///
    /// Shape: wholly known, without marks; what nothing says is null, and taken from the environment by the provider.
    ///
    /// # Errors
    /// [`CauseKind::UnknownConfiguration`], with what is not known, where, why, and what to do about it.
    pub(crate) fn value(&self, address: &ProviderConfigAddress, schema: &model::Block) -> Result<Value, Cause> {
        if self.settings.is_faulty {
            return Err(unknown(format!(
                "{FILE_NAME} has mistakes, so what it says about {address} is not known. Correct it."
            )));
        }
        let settings = self.settings_of(address);
        let Some(root) = &self.root else {
            if let (Some(alias), None) = (&address.alias, settings) {
                return Err(unknown(format!(
                    "The state names the configuration {alias:?} of the provider {}, and there is no code that says what it \
                     is. Name the root module with --dir, or write its arguments into {FILE_NAME}.",
                    address.provider
                )));
            }
            return finish(address, schema, Written::default(), settings, &hcl::evaluate::NoScope);
        };
        let request = Wanted { address, schema, settings, root };
        root.lend(self.home.as_deref(), |scope| request.in_module(scope, address.module.steps(), &[], root.is_complete))
    }

    /// Lends the scope of the root module, and the folder that `init` installs into; `None` where there is no root module.
    pub(crate) fn in_root<T>(&self, take: impl FnOnce(&ModuleScope<'_>, &str) -> T) -> Option<T> {
        let root = self.root.as_ref()?;
        Some(root.lend(self.home.as_deref(), |scope| take(scope, &root.data_folder)))
    }

    /// Finds what `driftmgr.yaml` says about a configuration.
    fn settings_of(&self, address: &ProviderConfigAddress) -> Option<&ProviderSettings> {
        let is_meant = |name: &str| {
            if name.contains('/') {
                return name.parse().is_ok_and(|named: ProviderAddress| named.is_same_provider(&address.provider));
            }
            let required = self.root.as_ref().and_then(|root| root.definitions.required_providers.get(name));
            match required {
                Some(_) => self.root.as_ref().is_some_and(|root| means(&root.definitions, name, &address.provider)),
                None => *name == *address.provider.provider_type,
            }
        };
        self.settings.providers.iter().find(|settings| {
            settings.alias.as_deref() == address.alias.as_deref()
                && settings.module == address.module
                && is_meant(&settings.provider)
        })
    }
}

impl Root {
    fn read(session: &Session, request: &StatesRequest, directory: PathBuf, diagnostics: &mut Diagnostics) -> Self {
        let tree = Folder(&directory);
        let (definitions, problems) = Definitions::read(&tree, ".");
        let is_complete = !model::diagnostic::has_errors(&problems);
        diagnostics.extend(
            problems
                .into_iter()
                .filter(|problem| matches!(problem.code, "invalid-variable" | "invalid-type" | "invalid-expression")),
        );
        let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform").to_owned();
        let selected = std::fs::read_to_string(directory.join(&data_folder).join("environment")).ok();
        let workspace = session.environment.get("TF_WORKSPACE").map(str::to_owned).or(selected);
        let workspace = workspace.as_deref().map(str::trim).filter(|workspace| !workspace.is_empty());
        let workspace = workspace.unwrap_or("default").to_owned();
        let mut variables = VariableValues::default();
        let environment = session.environment.variables().iter();
        variables.add_environment(environment.map(|(name, value)| (name.as_str(), value.as_str())));
        diagnostics.extend(variables.add_standard_files(&tree));
        for source in &request.variables {
            match source {
                VariableSource::Assignment { name, value } => {
                    if !definitions.variables.contains_key(name) {
                        let detail = format!("The root module has no variable {name:?}, which --var names.");
                        let problem = Diagnostic::warning("invalid-variable", "Value of no variable", detail);
                        diagnostics.push(problem);
                    }
                    variables.add_text(name, value, "--var");
                }
                VariableSource::File(path) => diagnostics.extend(add_file(&mut variables, session, path)),
            }
        }
        Self { directory, data_folder, workspace, definitions, is_complete, variables }
    }

    /// Lends the scope of the module.
    fn lend<T>(&self, home: Option<&str>, take: impl FnOnce(&ModuleScope<'_>) -> T) -> T {
        let files = Folder(&self.directory);
        let directory = self.directory.to_string_lossy();
        take(&ModuleScope {
            path: "",
            definitions: &self.definitions,
            inputs: Inputs::Root(&self.variables),
            surroundings: Surroundings {
                files: Files { tree: &files, home },
                workspace: &self.workspace,
                current_dir: Some(&directory),
            },
            each: None,
        })
    }
}

fn add_file(variables: &mut VariableValues, session: &Session, path: &Path) -> Diagnostics {
    let name = path.to_string_lossy();
    let full = session.path(path);
    let read = || {
        let n_bytes = full.metadata().map_err(|error| error.to_string())?.len();
        if n_bytes > MAX_FILE {
            return Err(format!("it has {n_bytes} bytes, and {MAX_FILE} is the limit"));
        }
        std::fs::read_to_string(&full).map_err(|error| error.to_string())
    };
    match read() {
        Ok(text) => variables.add_file(&name, &text),
        Err(reason) => {
            let detail = format!("The file {name:?} that --var-file names cannot be read: {reason}.");
            vec![Diagnostic::error("invalid-variable", "Cannot read variables", detail)]
        }
    }
}

/// What is looked for.
struct Wanted<'a> {
    address: &'a ProviderConfigAddress,
    schema: &'a model::Block,
    settings: Option<&'a ProviderSettings>,
    root: &'a Root,
}

impl Wanted<'_> {
    /// Follows the calls that lead to the module of the address, and evaluates the block there.
    fn in_module(
        &self,
        scope: &ModuleScope<'_>,
        steps: &[ModuleStep],
        names: &[String],
        is_complete: bool,
    ) -> Result<Value, Cause> {
        let Some((step, rest)) = steps.split_first() else { return self.here(scope, is_complete) };
        let names = [names, &[step.name.to_string()]].concat();
        let calls = &scope.definitions.calls;
        let fail = |reason: &str| {
            unknown(format!(
                "The configuration {} is in a module whose code is not at hand: {reason}. Its arguments can also be written \
                 into {FILE_NAME}.",
                self.address
            ))
        };
        let found = match calls.get(&*step.name) {
            None => Err(fail(&format!("nothing calls the module {:?}", step.name))),
            Some(arguments) => {
                let source =
                    arguments.attribute("source").and_then(|(file, source)| file.literal(&source.expression).ok());
                let source = source.as_ref().and_then(Value::as_str);
                let (tree, data) = (scope.surroundings.files.tree, self.root.data_folder.as_str());
                let folder = module_folder(tree, data, &names, &scope.definitions.folder, source);
                folder.map(|folder| (folder, arguments)).map_err(fail)
            }
        };
        let (folder, arguments) = match found {
            Ok(found) => found,
            // What is written down for driftmgr needs no code.
            Err(_) if self.settings.is_some() => {
                return finish(self.address, self.schema, Written::default(), self.settings, scope);
            }
            Err(cause) => return Err(cause),
        };
        let (definitions, problems) = Definitions::read(scope.surroundings.files.tree, &folder);
        let path = names.join(".");
        let inner = ModuleScope {
            path: &path,
            definitions: &definitions,
            inputs: Inputs::Call { arguments, scope },
            each: None,
            ..*scope
        };
        self.in_module(&inner, rest, &names, !model::diagnostic::has_errors(&problems))
    }

    /// Evaluates the block in its own module.
    fn here(&self, scope: &ModuleScope<'_>, is_complete: bool) -> Result<Value, Cause> {
        let address = self.address;
        let is_meant = |configuration: &&ProviderConfiguration| {
            configuration.alias.as_deref() == address.alias.as_deref()
                && means(scope.definitions, &configuration.name, &address.provider)
        };
        let Some(found) = scope.definitions.providers.iter().find(is_meant) else {
            let is_default = address.alias.is_none() && address.key.is_none();
            if self.settings.is_some() || (is_default && is_complete) {
                return finish(address, self.schema, Written::default(), self.settings, scope);
            }
            let reason = if is_complete {
                "The state names a provider configuration that the code does not have"
            } else {
                "Not all of the code could be read, and what was read does not have a provider configuration"
            };
            return Err(unknown(format!(
                "{reason}: {address}. Restore its block, or write its arguments into {FILE_NAME}."
            )));
        };
        let body = found.body.clone().without(META_ARGUMENTS);
        let for_each = found.body.attribute("for_each");
        let place = format!("{}:{}", found.span.file, found.span.start.line);
        let (file, for_each) = match (for_each, &address.key) {
            (None, None) => return finish(address, self.schema, body, self.settings, scope),
            (Some(for_each), Some(_)) => for_each,
            (Some(_), None) => {
                return Err(unknown(format!(
                    "The state names the configuration {address} without a key, but its block ({place}) has `for_each`."
                )));
            }
            (None, Some(_)) => {
                return Err(unknown(format!(
                    "The state names the configuration {address} with a key, but its block ({place}) has no `for_each`."
                )));
            }
        };
        let (elements, unknowns, problems) = expression(file, &for_each.expression, scope);
        self.refuse(&problems, &unknowns)?;
        let elements = elements.unmark_deep().0;
        let keyed = elements.entries().map(|(key, value)| (Value::string(key), value.clone()));
        let members = elements.elements().map(|element| (element.clone(), element.clone()));
        let wanted = match &address.key {
            Some(InstanceKey::String(text)) => Value::string(&**text),
            Some(InstanceKey::Int(number)) => Value::from(*number),
            None => Value::dynamic(),
        };
        let Some((key, value)) = keyed.chain(members).find(|(key, _)| *key == wanted) else {
            return Err(unknown(format!(
                "The `for_each` of the provider block ({place}) has no element for the configuration {address}."
            )));
        };
        let scope = ModuleScope { each: Some((&key, &value)), ..*scope };
        finish(address, self.schema, body, self.settings, &scope)
    }

    fn refuse(&self, problems: &[Diagnostic], unknowns: &[Unknown]) -> Result<(), Cause> {
        refuse(self.address, problems, unknowns)
    }
}

/// Tells whether a local name of a module means a provider.
fn means(definitions: &Definitions, name: &str, provider: &ProviderAddress) -> bool {
    let source = definitions.required_providers.get(name).and_then(Option::as_deref);
    // States of before version 0.13 do not name the namespace.
    let is_legacy = &*provider.namespace == "-" && *provider.provider_type == *name;
    is_legacy || source.unwrap_or(name).parse().is_ok_and(|named: ProviderAddress| named.is_same_provider(provider))
}

/// Lays what `driftmgr.yaml` says over a block, and evaluates it.
fn finish(
    address: &ProviderConfigAddress,
    schema: &model::Block,
    mut body: Written,
    settings: Option<&ProviderSettings>,
    scope: &dyn hcl::evaluate::Scope,
) -> Result<Value, Cause> {
    if let Some(settings) = settings {
        body.override_with(settings.arguments.clone());
    }
    if &*address.provider.provider_type == "azurerm" {
        body.override_with(without_effects(&body, schema));
    }
    let (value, unknowns, problems) = block(&body, schema, scope);
    refuse(address, &problems, &unknowns)?;
    Ok(value.unmark_deep().0)
}

/// Gives the arguments with which azurerm, when it is configured, changes nothing in the subscription, and the block
/// without which it refuses to be configured.
fn without_effects(body: &Written, schema: &model::Block) -> Written {
    let argument = |name: &str, value: Value| (name.to_owned(), 0..0, value);
    let mut values = Vec::new();
    if schema.blocks.contains_key("features") && !body.writes("features") {
        values.push(argument("features", Value::object(std::collections::BTreeMap::new())));
    }
    if schema.attributes.contains_key("resource_provider_registrations") {
        values.push(argument("resource_provider_registrations", Value::string("none")));
    } else if schema.attributes.contains_key("skip_provider_registration") {
        values.push(argument("skip_provider_registration", Value::bool(true)));
    }
    if schema.attributes.contains_key("resource_providers_to_register") {
        values.push(argument("resource_providers_to_register", Value::tuple(Vec::new())));
    }
    Written::of_values("azurerm", "", values)
}

fn refuse(address: &ProviderConfigAddress, problems: &[Diagnostic], unknowns: &[Unknown]) -> Result<(), Cause> {
    if let Some(problem) = problems.iter().find(|problem| problem.severity == Severity::Error) {
        let place = match &problem.path {
            Some(path) if !path.is_empty() => format!(" (argument {path})"),
            _ => String::new(),
        };
        return Err(unknown(format!("The configuration {address}{place} cannot be evaluated: {problem}")));
    }
    let Some(first) = unknowns.first() else { return Ok(()) };
    let place = first.span.as_ref().map(|span| format!(" ({}:{})", span.file, span.start.line)).unwrap_or_default();
    let what = match first.path.steps() {
        [] => "`for_each`".to_owned(),
        _ => format!("the argument `{}`", first.path),
    };
    let others = match unknowns.len() {
        1 => String::new(),
        n => format!(" {} more are not known either.", n - 1),
    };
    let remedy = if first.reason.starts_with("the variable") {
        format!("Give the variable its value with --var or --var-file, or write the argument into {FILE_NAME}.")
    } else {
        format!("Write the argument into {FILE_NAME}.")
    };
    Err(unknown(format!(
        "In the configuration {address}, {what}{place} is not known: {}.{others} {remedy}",
        first.reason
    )))
}

fn unknown(detail: String) -> Cause {
    Cause::new(CauseKind::UnknownConfiguration, detail)
}
