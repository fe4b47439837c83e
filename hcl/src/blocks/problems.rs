//! Everything that is wrong with a configuration, as far as no cloud is needed to tell.

use std::collections::BTreeSet;
use std::sync::Arc;

use cty::Mark;
use model::{Diagnostic, Diagnostics, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress};

use crate::definitions::Definitions;
use crate::evaluate::Written;
use crate::root::{InstanceScope, META_ARGUMENTS, Root, Unexpanded};
use crate::syntax::{Body, File};

/// Arguments of calls that are no variables.
const CALL_ARGUMENTS: &[&str] = &["count", "depends_on", "for_each", "lifecycle", "providers", "source", "version"];

impl Root {
    /// Tells every mistake in the configuration that can be told without a cloud: declarations that are none, references
    /// to what is not defined, values of wrong types, calls with missing or unknown arguments, conditions that do not hold.
    ///
    /// Files that do not parse are told by who reads them. Nothing that is not known is taken for a mistake. It evaluates
    /// everything there is, so it takes time; what that needs, [`Root::take_needs`] names afterwards.
    pub fn problems(&self) -> Diagnostics {
        let mut problems = Problems { root: self, found: Diagnostics::new(), told: BTreeSet::new() };
        let configuration = &self.sources().configuration;
        let mut folders = BTreeSet::new();
        for (names, definitions) in &configuration.definitions {
            if !folders.insert(&definitions.folder) {
                continue;
            }
            problems.extend(definitions.mistakes(configuration.program));
            problems.extend(super::dependencies::mistakes(definitions));
            // Where a file could not be read, it may define what is missing.
            if configuration.modules.get(names).is_some_and(|module| module.is_complete) {
                problems.extend(super::references::undefined(definitions));
            }
            problems.extend(definitions.problems.iter().cloned());
        }
        problems.extend(configuration.moves().1);
        problems.extend(configuration.removals().1);
        let expansion = self.expand();
        let unexpanded = expansion.unknown_modules.into_iter().map(|(_, reason)| reason);
        for reason in unexpanded.chain(expansion.unknown_resources.into_iter().map(|(_, reason)| reason)) {
            problems.unexpanded(reason);
        }
        let (imports, unknown) = self.imports();
        for (_, reason) in unknown {
            problems.unexpanded(reason);
        }
        let mut targets = BTreeSet::new();
        for import in imports.iter().filter(|import| !targets.insert(&import.to)) {
            let detail = format!("Another `import` block has the target {} already.", import.to);
            problems
                .extend([Diagnostic::error("invalid-block", "Duplicate import", detail).at_span(import.span.clone())]);
        }
        for module in &expansion.modules {
            problems.module(module);
        }
        problems.extend(self.conditions().iter().filter_map(super::condition::Condition::problem));
        problems.found
    }
}

struct Problems<'r> {
    root: &'r Root,
    found: Diagnostics,
    /// What was said: a place and what is wrong there.
    told: BTreeSet<(Option<(Arc<str>, usize)>, String)>,
}

impl Problems<'_> {
    fn extend(&mut self, problems: impl IntoIterator<Item = Diagnostic>) {
        for problem in problems {
            let place = problem.span.as_ref().map(|span| (Arc::clone(&span.file), span.start.byte));
            if self.told.insert((place, problem.detail.clone())) {
                self.found.push(problem);
            }
        }
    }

    fn unexpanded(&mut self, reason: Unexpanded) {
        if let Unexpanded::Failed(problem) = reason {
            self.extend([*problem]);
        }
    }

    fn module(&mut self, module: &ModuleAddress) {
        let root = self.root;
        let (Some(definitions), Ok(scope)) = (root.definitions(module), root.module_scope(module)) else { return };
        for name in definitions.locals.keys() {
            self.extend(root.local(module, name).2);
        }
        for (name, variable) in &definitions.variables {
            self.extend(root.variable(module, name).2);
            let is_required = module.is_root() && variable.default.is_none();
            if is_required && !root.sources().variables.sets(name) {
                let detail = format!("The variable {name:?} has no default, and nothing gives it a value.");
                let problem = Diagnostic::error("invalid-variable", "No value for a variable", detail);
                self.extend([problem.at_span(variable.span.clone())]);
            }
        }
        for (name, output) in &definitions.outputs {
            let (value, _, found) = root.output(module, name);
            self.extend(found);
            let marks = value.unmark_deep().1;
            let wrong = if marks.contains(&Mark::Ephemeral) && !output.is_ephemeral {
                "is kept in no state, and so must be its output: `ephemeral = true`"
            } else if module.is_root() && marks.contains(&Mark::Sensitive) && !output.is_sensitive {
                "is sensitive, and so must be its output: `sensitive = true`"
            } else if module.is_root() && output.is_ephemeral {
                "is an output of the root module, which keeps its outputs, and cannot be `ephemeral`"
            } else {
                continue;
            };
            let problem =
                Diagnostic::error("invalid-block", "Invalid output", format!("The value of {name:?} {wrong}."));
            self.extend([problem.at_span(output.span.clone())]);
        }
        for (name, call) in &definitions.calls {
            self.call(module, definitions, name, call);
        }
        for (address, resource) in &definitions.resources {
            let address = ResourceAddress { module: module.clone(), ..address.clone() };
            self.extend(
                root.sources().configuration.provider_of(&address).err().map(|problem| {
                    if problem.span.is_none() { problem.at_span(resource.span.clone()) } else { *problem }
                }),
            );
            // All instances have the same code; one of them shows what is wrong with it.
            let first = root.resource_keys(&address).ok().and_then(|keys| keys.keys().next().cloned());
            let Some(key) = first else { continue };
            let Ok(scope) = root.instance_scope(&address.instance(key)) else { continue };
            self.written(&resource.written, &scope);
        }
        for provider in definitions.providers.iter().filter(|it| it.body.attribute("for_each").is_none()) {
            self.written(&provider.body, &scope);
        }
    }

    /// Evaluates what stands in a block, without what is repeated or terraform's own.
    fn written(&mut self, written: &Written, scope: &InstanceScope<'_>) {
        for (file, attribute) in written.attributes() {
            let is_own = META_ARGUMENTS.contains(&attribute.name.as_str());
            // In JSON an argument may be blocks, with anything in them.
            if !is_own && attribute.expression.json().is_none() {
                self.extend(self.root.expression(file, &attribute.expression, scope).2);
            }
        }
        for (file, block) in written.blocks().filter(|(_, block)| !META_ARGUMENTS.contains(&block.block_type.as_str()))
        {
            self.body(file, &block.body, block.block_type == "dynamic", scope);
        }
    }

    fn body(&mut self, file: &Arc<File>, body: &Body, is_dynamic: bool, scope: &InstanceScope<'_>) {
        for attribute in body.attributes.iter().filter(|attribute| !is_dynamic || attribute.name == "for_each") {
            self.extend(self.root.expression(file, &attribute.expression, scope).2);
        }
        for block in body.blocks.iter().filter(|_| !is_dynamic) {
            self.body(file, &block.body, block.block_type == "dynamic", scope);
        }
    }

    /// Looks at what a call gives the module it calls.
    fn call(&mut self, module: &ModuleAddress, definitions: &Definitions, name: &str, call: &Written) {
        let root = self.root;
        let step = |key: Option<InstanceKey>| {
            let step = ModuleStep { name: name.into(), key };
            ModuleAddress::from_steps([module.steps(), &[step]].concat())
        };
        let Some(called) = root.definitions(&step(None)) else { return };
        let Some(span) = definitions.call_spans.get(name) else { return };
        let names = step(None).call_names();
        let is_complete = root.sources().configuration.modules.get(&names).is_some_and(|it| it.is_complete);
        let of_providers = super::providers::problems_of_call(definitions, called, name, call);
        self.extend(of_providers.into_iter().map(|it| if it.span.is_none() { it.at_span(span.clone()) } else { it }));
        let source = call.attribute("source").and_then(|(file, it)| file.literal(&it.expression).ok());
        let is_local = source.as_ref().and_then(cty::Value::as_str).is_some_and(|it| it.starts_with('.'));
        if let (true, Some((file, version))) = (is_local, call.attribute("version")) {
            let detail = format!("The source of {name:?} is a folder, which has no versions.");
            let problem = Diagnostic::error("invalid-block", "Version of a local module", detail);
            self.extend([problem.at_span(file.span(&version.range))]);
        }
        for (file, argument) in call.attributes().filter(|_| is_complete) {
            let is_known =
                CALL_ARGUMENTS.contains(&argument.name.as_str()) || called.variables.contains_key(&argument.name);
            if !is_known {
                let detail = format!("The module that {name:?} calls has no variable {:?}.", argument.name);
                let problem = Diagnostic::error("unsupported-argument", "Unsupported argument", detail);
                self.extend([problem.at_span(file.span(&argument.range))]);
            }
        }
        for variable in called.variables.iter().filter(|(_, it)| it.default.is_none()).map(|(name, _)| name) {
            let is_given = match call.attribute(variable) {
                None => false,
                Some((file, given)) => {
                    let is_null = file.literal(&given.expression).is_ok_and(|value| value.is_null());
                    called.variables[variable].is_nullable || !is_null
                }
            };
            if !is_given {
                let detail =
                    format!("The call of {name:?} gives no value for the variable {variable:?}, which has no default.");
                let problem = Diagnostic::error("invalid-block", "Missing argument", detail);
                self.extend([problem.at_span(span.clone())]);
            }
        }
    }
}
