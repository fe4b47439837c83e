//! Which provider configuration a resource has.

use std::sync::Arc;

use model::{
    Diagnostic, Diagnostics, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ProviderAddress,
    ProviderConfigAddress, ResourceAddress,
};

use super::target::{Step, reference, steps, value_key};
use crate::configuration::Configuration;
use crate::definitions::Definitions;
use crate::evaluate::Written;
use crate::expression::{self, Node, NodeKind};
use crate::root::{InstanceScope, Root, Unexpanded};
use crate::syntax::{AttributeSyntax, File};

/// A provider configuration as a module names it: `aws.west`, in `OpenTofu` with a key.
struct Named {
    name: String,
    alias: Option<String>,
    /// The key, with its file.
    key: Option<(Arc<File>, Node)>,
}

/// A configuration on its way through the calls: what is meant in one module.
struct Wanted {
    provider: ProviderAddress,
    alias: Option<String>,
}

impl Definitions {
    /// Gives the provider that a local name means in this module.
    ///
    /// # Errors
    /// One problem, where its source is no address.
    pub fn provider_named(&self, name: &str) -> Result<ProviderAddress, Box<Diagnostic>> {
        match self.required_providers.get(name).and_then(Option::as_deref) {
            Some(source) => source.to_lowercase().parse().map_err(|error| {
                let detail = format!("The source {source:?} of the provider {name:?} is no address: {error}.");
                Box::new(Diagnostic::error("invalid-provider", "Invalid provider source", detail))
            }),
            None if name == "terraform" => Ok(ProviderAddress {
                host: "terraform.io".into(),
                namespace: "builtin".into(),
                provider_type: "terraform".into(),
            }),
            None => name.to_lowercase().parse().map_err(|_| {
                let detail = format!("{name:?} cannot be the name of a provider.");
                Box::new(Diagnostic::error("invalid-provider", "Invalid provider name", detail))
            }),
        }
    }
}

impl Configuration {
    /// Gives the provider configuration that a resource has, without a key.
    ///
    /// It follows the argument `provider`, else the prefix of the type, through the `providers` of the calls and the
    /// default configurations that modules inherit.
    ///
    /// # Errors
    /// One problem, where the code has no such resource, or names a configuration that nothing defines.
    pub fn provider_of(&self, address: &ResourceAddress) -> Result<ProviderConfigAddress, Box<Diagnostic>> {
        let found = self.follow(address, &mut |_, _| Ok::<_, Box<Diagnostic>>(None));
        found.map(|address| ProviderConfigAddress { key: None, ..address })
    }

    /// Follows a resource to its configuration; the keys on the way somebody else reads, in the module that the number of
    /// its calls names.
    fn follow<E: From<Box<Diagnostic>>>(
        &self,
        address: &ResourceAddress,
        key: &mut dyn FnMut(usize, (&Arc<File>, &Node)) -> Result<Option<InstanceKey>, E>,
    ) -> Result<ProviderConfigAddress, E> {
        let mut names = address.module.call_names();
        let definitions = self.definitions.get(&names).ok_or_else(|| absent(&address.module))?;
        let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.clone() };
        let Some(resource) = definitions.resources.get(&in_module) else {
            let detail = format!("The code has no block of {address}.");
            return Err(Box::new(problem("No such resource", detail)).into());
        };
        let named = match resource.written.attribute("provider") {
            Some((file, attribute)) => named(file, attribute)?,
            None => {
                let resource_type = address.resource_type.to_string();
                let name = resource_type.split('_').next().unwrap_or_default().to_owned();
                Named { name, alias: None, key: None }
            }
        };
        let mut found_key = match &named.key {
            Some((file, node)) => key(names.len(), (file, node))?,
            None => None,
        };
        let mut wanted = Wanted { provider: definitions.provider_named(&named.name)?, alias: named.alias };
        let mut definitions = definitions;
        loop {
            let block = definitions.providers.iter().find(|block| {
                block.alias == wanted.alias
                    && definitions.provider_named(&block.name).is_ok_and(|it| it.is_same_provider(&wanted.provider))
            });
            let Some((last, outer)) = names.split_last() else {
                if block.is_none() && wanted.alias.is_some() {
                    return Err(undefined(&wanted, &names).into());
                }
                break;
            };
            let caller = self.definitions.get(outer).ok_or_else(|| absent(&address.module))?;
            let passed = caller.calls.get(last).map(|call| passed(call, definitions, &wanted)).transpose()?.flatten();
            // An empty block in a called module is a placeholder for what is passed.
            let is_own = block.is_some_and(|block| {
                passed.is_none()
                    || block.body.attributes().any(|(_, it)| it.name != "alias")
                    || block.body.blocks().next().is_some()
            });
            if is_own {
                break;
            }
            match passed {
                Some(Named { name, alias, key: key_node }) => {
                    found_key = match &key_node {
                        Some((file, node)) => key(outer.len(), (file, node))?,
                        None => None,
                    };
                    wanted = Wanted { provider: caller.provider_named(&name)?, alias };
                }
                None if wanted.alias.is_some() => return Err(undefined(&wanted, &names).into()),
                // The default configuration is the caller's.
                None => {}
            }
            definitions = caller;
            names.pop();
        }
        let step = |name: String| ModuleStep { name: name.into(), key: None };
        Ok(ProviderConfigAddress {
            module: ModuleAddress::from_steps(names.into_iter().map(step).collect()),
            provider: wanted.provider,
            alias: wanted.alias.map(Into::into),
            key: found_key,
        })
    }
}

/// Tells what is wrong with the provider configurations that a call passes.
pub(crate) fn problems_of_call(caller: &Definitions, callee: &Definitions, name: &str, call: &Written) -> Diagnostics {
    let passes = match passes(call) {
        Ok(passes) => passes,
        Err(problem) => return vec![*problem],
    };
    let mut found = Diagnostics::new();
    let means = |definitions: &Definitions, name: &str, other: &str, of: &Definitions| match (
        definitions.provider_named(name),
        of.provider_named(other),
    ) {
        (Ok(one), Ok(other)) => one.is_same_provider(&other),
        _ => false,
    };
    for (_, outer) in &passes {
        let Some(alias) = &outer.alias else { continue };
        let blocks = caller.providers.iter().filter(|it| it.alias.as_ref() == Some(alias));
        let required = caller.required_aliases.iter().filter(|(_, required)| required == alias);
        let mut names = blocks.map(|it| &it.name).chain(required.map(|(name, _)| name));
        if !names.any(|own| means(caller, own, &outer.name, caller)) {
            let detail = format!("The call of {name:?} passes {}.{alias}, which nothing defines.", outer.name);
            found.push(problem("No such provider configuration", detail));
        }
    }
    for (required, alias) in &callee.required_aliases {
        let is_passed = |(inner, _): &(Named, Named)| {
            inner.alias.as_ref() == Some(alias) && means(callee, &inner.name, required, callee)
        };
        if !passes.iter().any(is_passed) {
            let detail = format!("The call of {name:?} does not pass {required}.{alias}, which the module asks for.");
            found.push(problem("Missing provider configuration", detail));
        }
    }
    found
}

impl Root {
    /// Gives the provider configuration that a resource instance has, as a state names it.
    ///
    /// # Errors
    /// Why nobody can tell: there is a mistake in the code, or the key of the configuration is not known.
    pub fn provider_of(&self, address: &InstanceAddress) -> Result<ProviderConfigAddress, Unexpanded> {
        let steps = address.resource.module.steps();
        let mut key = |n_names: usize, (file, node): (&Arc<File>, &Node)| {
            let scope = if n_names == steps.len() {
                self.instance_scope(address)
            } else {
                // What is passed is evaluated where the call stands, for each of its instances.
                self.call_scope(&ModuleAddress::from_steps(steps[..=n_names].to_vec()))
            };
            self.key(file, node, &scope.map_err(Unexpanded::Failed)?).map(Some)
        };
        self.sources().configuration.follow(&address.resource, &mut key)
    }

    /// Evaluates an instance key.
    pub(crate) fn key(
        &self,
        file: &Arc<File>,
        node: &Node,
        scope: &InstanceScope<'_>,
    ) -> Result<InstanceKey, Unexpanded> {
        let value = self.evaluate_node(file, node, scope).map_err(Unexpanded::Failed)?;
        let (value, unknown) = self.settle(&value);
        let value = value.unmark().0;
        if !value.is_known() {
            let reason = unknown.first().map_or("it depends on something unknown", |unknown| &unknown.reason);
            let reason = format!("the key is not known, because {reason}");
            return Err(Unexpanded::Unknown { reason, span: Some(file.span(&node.range)) });
        }
        value_key(&value).ok_or_else(|| {
            let found = problem("Invalid key", "A key must be a whole number or a text.".to_owned());
            Unexpanded::Failed(Box::new(found.at_span(file.span(&node.range))))
        })
    }
}

impl From<Box<Diagnostic>> for Unexpanded {
    fn from(problem: Box<Diagnostic>) -> Self {
        Self::Failed(problem)
    }
}

/// Reads the name of a provider configuration.
fn named(file: &Arc<File>, attribute: &AttributeSyntax) -> Result<Named, Box<Diagnostic>> {
    let (file_of_node, node) = reference(file, &attribute.expression)?;
    of_node(&file_of_node, &node).ok_or_else(|| {
        let detail = "This must name a provider configuration: its local name, and its alias behind a dot.".to_owned();
        Box::new(problem("Invalid provider reference", detail).at_span(file.span(&attribute.range)))
    })
}

fn of_node(file: &Arc<File>, node: &Node) -> Option<Named> {
    let (name, alias, key) = match steps(node)?.as_slice() {
        [Step::Name(name)] => (*name, None, None),
        [Step::Name(name), Step::Name(alias)] => (*name, Some(*alias), None),
        [Step::Name(name), Step::Name(alias), Step::Key(key)] => (*name, Some(*alias), Some(*key)),
        _ => return None,
    };
    let key = key.map(|key| (Arc::clone(file), key.clone()));
    Some(Named { name: name.to_owned(), alias: alias.map(str::to_owned), key })
}

/// Finds what a call passes for a configuration of the module it calls.
fn passed(call: &Written, callee: &Definitions, wanted: &Wanted) -> Result<Option<Named>, Box<Diagnostic>> {
    for (inner, outer) in passes(call)? {
        let is_meant = inner.alias == wanted.alias
            && callee.provider_named(&inner.name).is_ok_and(|provider| provider.is_same_provider(&wanted.provider));
        if is_meant {
            return Ok(Some(outer));
        }
    }
    Ok(None)
}

/// Reads the argument `providers` of a call: names in the module that is called, and names where the call stands.
fn passes(call: &Written) -> Result<Vec<(Named, Named)>, Box<Diagnostic>> {
    let Some((file, attribute)) = call.attribute("providers") else { return Ok(Vec::new()) };
    let node = expression::parse(file, &attribute.expression)?;
    let wrong = |detail: &str| {
        Box::new(problem("Invalid providers of a call", detail.to_owned()).at_span(file.span(&attribute.range)))
    };
    let NodeKind::Object(items) = &node.kind else {
        return Err(wrong("`providers` must be an object of names of provider configurations."));
    };
    let read = |node: &Node| {
        let node = match &node.kind {
            NodeKind::Parentheses(inner) => inner,
            _ => node,
        };
        if let NodeKind::Literal(value) = &node.kind {
            let (inner, node) = expression::parse_text(&file.name, value.as_str()?).ok()?;
            return of_node(&Arc::new(inner), &node);
        }
        of_node(file, node)
    };
    let both = items.iter().map(|(inner, outer)| Some((read(inner)?, read(outer)?)));
    both.collect::<Option<_>>()
        .ok_or_else(|| wrong("Both sides of an element of `providers` name a provider configuration."))
}

fn undefined(wanted: &Wanted, names: &[String]) -> Box<Diagnostic> {
    let place =
        if names.is_empty() { "the root module".to_owned() } else { format!("module.{}", names.join(".module.")) };
    let alias = wanted.alias.as_deref().unwrap_or_default();
    let detail = format!(
        "In {place} a configuration {alias:?} of the provider {} is meant, which nothing defines or passes to it.",
        wanted.provider
    );
    Box::new(problem("No such provider configuration", detail))
}

fn absent(module: &ModuleAddress) -> Box<Diagnostic> {
    Box::new(problem("Module not at hand", format!("The code of {module} is not at hand.")))
}

fn problem(summary: &str, detail: String) -> Diagnostic {
    Diagnostic::error("invalid-provider", summary, detail)
}
