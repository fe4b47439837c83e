//! What providers are configured with, as far as that can be known without a cloud.
//!
//! A state names a provider configuration by its address. The block of that address is looked for in the code of the
//! module it belongs to, what `driftmgr.yaml` says is laid over it, and both are evaluated against the provider's schema.
//! What is not known then is not guessed: it is a [`Cause`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cty::{PathStep, Value};
use hcl::definitions::{Definitions, ProviderConfiguration};
use hcl::evaluate::{NoScope, Unknown, Written, block};
use hcl::root::{InstanceScope, Repetition, Root};
use model::{
    Cause, CauseKind, Diagnostic, Diagnostics, InstanceKey, ModuleAddress, ProviderAddress, ProviderConfigAddress,
    Severity,
};

use crate::evaluation::{RootModule, call_names};
use crate::settings::{self, FILE_NAME, ProviderSettings, Settings};
use crate::{Session, roots};

/// Arguments of provider blocks that terraform itself understands.
const META_ARGUMENTS: &[&str] = &["alias", "for_each", "version"];

/// The provider configurations that a request is about.
pub(crate) struct Configurations {
    module: Option<Arc<RootModule>>,
    settings: Settings,
}

impl Configurations {
    /// Takes the root module that a request is about, if there is one, and reads `driftmgr.yaml`.
    ///
    /// Mistakes in the code itself are left to who reads it for its resources.
    pub(crate) fn read(session: &Session, module: Option<&Arc<RootModule>>) -> (Self, Diagnostics) {
        let module = module.map(RootModule::trusted);
        let mut folders = module.map(|module| roots::up_to_top(module.directory())).unwrap_or_default();
        folders.push(session.current_dir.clone());
        let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
        let (settings, mut diagnostics) = settings::read(&folders, session);
        // What hangs on them is unknown; the rest is answered.
        let of_variables = module.into_iter().flat_map(|module| module.variable_problems()).cloned();
        diagnostics.extend(of_variables.map(|problem| Diagnostic { severity: Severity::Warning, ..problem }));
        (Self { module: module.cloned(), settings }, diagnostics)
    }

    /// Gives the value of the provider block that an address means, shaped by the provider's schema.
    ///
    /// Shape: wholly known, without marks; what nothing says is null, and taken from the environment by the provider.
    ///
    /// # Errors
    /// [`CauseKind::UnknownConfiguration`], with what is not known, where, why, and what to do about it.
    pub(crate) fn value(&self, address: &ProviderConfigAddress, schema: &model::Block) -> Result<Value, Cause> {
        match &self.module {
            Some(module) => module.evaluate(|root| self.value_in(root, address, schema)),
            None => self.value_alone(address, schema, self.settings_of(address)),
        }
    }

    /// Gives the value of the provider block that an address means, as far as an evaluation knows what it needs.
    ///
    /// # Errors
    /// As [`Configurations::value`].
    pub(crate) fn value_in(
        &self,
        root: &Root,
        address: &ProviderConfigAddress,
        schema: &model::Block,
    ) -> Result<Value, Cause> {
        let settings = self.settings_of(address);
        match &self.module {
            _ if self.settings.is_faulty => self.value_alone(address, schema, settings),
            Some(module) => Wanted { address, schema, settings, module }.evaluate(root),
            None => self.value_alone(address, schema, settings),
        }
    }

    fn value_alone(
        &self,
        address: &ProviderConfigAddress,
        schema: &model::Block,
        settings: Option<&ProviderSettings>,
    ) -> Result<Value, Cause> {
        if self.settings.is_faulty {
            return Err(unknown(format!(
                "{FILE_NAME} has mistakes, so what it says about {address} is not known. Correct it."
            )));
        }
        if let (Some(alias), None) = (&address.alias, settings) {
            return Err(unknown(format!(
                "The state names the configuration {alias:?} of the provider {}, and there is no code that says what it \
                 is. Name the root module with --dir, or write its arguments into {FILE_NAME}.",
                address.provider
            )));
        }
        finish_alone(address, schema, settings)
    }

    /// Gives what `driftmgr.yaml` says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Finds what `driftmgr.yaml` says about a configuration.
    fn settings_of(&self, address: &ProviderConfigAddress) -> Option<&ProviderSettings> {
        let root = self.module.as_ref().and_then(|module| module.definitions(&ModuleAddress::root()));
        let is_meant = |name: &str| {
            if name.contains('/') {
                return name.parse().is_ok_and(|named: ProviderAddress| named.is_same_provider(&address.provider));
            }
            match root.filter(|root| root.required_providers.contains_key(name)) {
                Some(root) => means(root, name, &address.provider),
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

/// What is looked for.
struct Wanted<'a> {
    address: &'a ProviderConfigAddress,
    schema: &'a model::Block,
    settings: Option<&'a ProviderSettings>,
    module: &'a RootModule,
}

impl Wanted<'_> {
    /// Evaluates the block in its own module.
    fn evaluate(&self, root: &Root) -> Result<Value, Cause> {
        let address = self.address;
        if self.settings.is_none() && self.schema.attributes.is_empty() && self.schema.blocks.is_empty() {
            // It takes no arguments: whatever the code says, there is nothing to say.
            return finish_alone(address, self.schema, None);
        }
        let Ok(scope) = root.module_scope(&address.module) else {
            // What is written down for driftmgr needs no code.
            if self.settings.is_some() {
                return finish_alone(address, self.schema, self.settings);
            }
            return Err(unknown(format!(
                "The configuration {address} is in a module whose code is not at hand: {}. Its arguments can also be written \
                 into {FILE_NAME}.",
                self.why_not_at_hand()
            )));
        };
        let Some(definitions) = root.definitions(&address.module) else {
            return finish_alone(address, self.schema, self.settings);
        };
        let is_complete = self.module.is_complete(&address.module);
        let is_meant = |configuration: &&ProviderConfiguration| {
            configuration.alias.as_deref() == address.alias.as_deref()
                && means(definitions, &configuration.name, &address.provider)
        };
        let Some(found) = definitions.providers.iter().find(is_meant) else {
            let is_default = address.alias.is_none() && address.key.is_none();
            if self.settings.is_some() || (is_default && is_complete) {
                return self.finish(root, Written::default(), &scope);
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
        let place = format!("{}:{}", found.span.file, found.span.start.line);
        let (file, for_each) = match (found.body.attribute("for_each"), &address.key) {
            (None, None) => return self.finish(root, body, &scope),
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
        let (elements, unknowns, problems) = root.expression(file, &for_each.expression, &scope);
        // Of a map whose keys are known, a value may be unknown.
        let is_unknown = !elements.unmark().0.is_known();
        refuse(address, &problems, if is_unknown { &unknowns } else { &[] })?;
        let elements = elements.unmark().0;
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
        self.finish(root, body, &scope.repeated(Repetition::Each { key, value }))
    }

    /// Lays what `driftmgr.yaml` says over a block, and evaluates it.
    fn finish(&self, root: &Root, body: Written, scope: &InstanceScope<'_>) -> Result<Value, Cause> {
        let body = completed(self.address, self.schema, body, self.settings);
        let (value, unknowns, problems) = root.block(&body, self.schema, scope);
        refuse(self.address, &problems, &at_arguments(&body, unknowns))?;
        Ok(value.unmark_deep().0)
    }

    /// Says why the code of the module is not at hand, as a clause.
    fn why_not_at_hand(&self) -> String {
        let names = call_names(&self.address.module);
        let configuration = self.module.configuration();
        for n_names in 1..=names.len() {
            let outer = &names[..n_names];
            if let Some(reason) = configuration.unread.get(outer) {
                return reason.clone();
            }
            if !configuration.modules.contains_key(outer) {
                return format!("nothing calls the module {:?}", names[n_names - 1]);
            }
        }
        "it cannot be evaluated".to_owned()
    }
}

/// Tells whether a local name of a module means a provider.
fn means(definitions: &Definitions, name: &str, provider: &ProviderAddress) -> bool {
    let source = definitions.required_providers.get(name).and_then(Option::as_deref);
    // States of before version 0.13 do not name the namespace.
    let is_legacy = &*provider.namespace == "-" && *provider.provider_type == *name;
    is_legacy || source.unwrap_or(name).parse().is_ok_and(|named: ProviderAddress| named.is_same_provider(provider))
}

/// Names for what is unknown the place of the argument, where that is written in the block itself.
fn at_arguments(body: &Written, unknowns: Vec<Unknown>) -> Vec<Unknown> {
    let at_argument = |unknown: Unknown| {
        let name = match unknown.path.steps().first() {
            Some(PathStep::GetAttr(name)) => name.as_str(),
            Some(PathStep::Index(_)) | None => return unknown,
        };
        let argument = body.attribute(name).map(|(file, argument)| file.expression_span(&argument.expression));
        Unknown { span: argument.or(unknown.span.clone()), ..unknown }
    };
    unknowns.into_iter().map(at_argument).collect()
}

/// Evaluates what `driftmgr.yaml` says where there is no code.
fn finish_alone(
    address: &ProviderConfigAddress,
    schema: &model::Block,
    settings: Option<&ProviderSettings>,
) -> Result<Value, Cause> {
    let body = completed(address, schema, Written::default(), settings);
    let (value, unknowns, problems) = block(&body, schema, &NoScope);
    refuse(address, &problems, &unknowns)?;
    Ok(value.unmark_deep().0)
}

/// Lays what `driftmgr.yaml` says over a block, and over that what keeps a provider from changing anything.
fn completed(
    address: &ProviderConfigAddress,
    schema: &model::Block,
    mut body: Written,
    settings: Option<&ProviderSettings>,
) -> Written {
    if let Some(settings) = settings {
        body.override_with(settings.arguments.clone());
    }
    if &*address.provider.provider_type == "azurerm" {
        body.override_with(without_effects(&body, schema));
    }
    body
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
