//! References to what a module does not define, wherever they stand.

use std::sync::Arc;

use model::{Diagnostic, Diagnostics, ModuleAddress, ResourceAddress, ResourceMode};

use super::target::{Referred, reference, references};
use crate::definitions::Definitions;
use crate::evaluate::Written;
use crate::expression;
use crate::json::JsonNode;
use crate::literal;
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, File};

/// First names that are terraform's own, and of which nothing is declared.
const OWN: &[&str] = &["action", "count", "each", "path", "self", "template", "terraform", "tofu"];
/// Blocks whose expressions are no references to what a module defines.
const OTHER_BLOCKS: &[&str] = &["action", "action_trigger", "import", "language", "moved", "removed", "terraform"];
/// Arguments that name providers, types and attributes.
const OTHER_ARGUMENTS: &[(&str, &[&str])] = &[
    ("dynamic", &["iterator", "labels"]),
    ("lifecycle", &["ignore_changes"]),
    ("module", &["providers", "source", "version"]),
    ("resource", &["provider"]),
    ("data", &["provider"]),
    ("ephemeral", &["provider"]),
    ("variable", &["default", "type"]),
];

/// Finds references to what a module does not define.
pub(crate) fn undefined(definitions: &Definitions) -> Diagnostics {
    let mut finder = Finder { definitions, own: None, found: Diagnostics::new() };
    for (file, _) in &definitions.files {
        for block in &file.body.blocks {
            finder.own = match (block.block_type.as_str(), block.labels.as_slice()) {
                ("resource", [resource_type, name]) => Some((resource_type.clone(), name.clone())),
                _ => None,
            };
            finder.block(file, block, &mut Vec::new());
        }
    }
    finder.found
}

struct Finder<'d> {
    definitions: &'d Definitions,
    /// Type and name of the resource whose block is looked through: it must not refer to itself.
    own: Option<(String, String)>,
    found: Diagnostics,
}

impl Finder<'_> {
    fn block(&mut self, file: &Arc<File>, block: &BlockSyntax, bound: &mut Vec<String>) {
        let block_type = block.block_type.as_str();
        if OTHER_BLOCKS.contains(&block_type) {
            return;
        }
        let others = OTHER_ARGUMENTS.iter().find(|(of, _)| *of == block_type).map_or(&[][..], |(_, names)| names);
        let own = self.own.take_if(|_| matches!(block_type, "lifecycle" | "provisioner" | "connection"));
        for attribute in block.body.attributes.iter().filter(|it| !others.contains(&it.name.as_str())) {
            // In JSON nested blocks stand in one argument: what `dynamic` makes in them has names of its own.
            if !attribute.expression.json().is_some_and(has_dynamic) {
                self.attribute(file, attribute, bound);
            }
        }
        let n_before = bound.len();
        if block_type == "dynamic" {
            bound.extend(iterator(file, block));
        }
        self.body(file, &block.body, bound);
        bound.truncate(n_before);
        self.own = self.own.take().or(own);
    }

    fn body(&mut self, file: &Arc<File>, body: &Body, bound: &mut Vec<String>) {
        for block in &body.blocks {
            self.block(file, block, bound);
        }
    }

    fn attribute(&mut self, file: &Arc<File>, attribute: &AttributeSyntax, bound: &[String]) {
        // That a block waits for itself says nothing, and is allowed.
        let own = self.own.take_if(|_| attribute.name == "depends_on");
        self.references(file, attribute, bound);
        self.own = self.own.take().or(own);
    }

    fn references(&mut self, file: &Arc<File>, attribute: &AttributeSyntax, bound: &[String]) {
        let is_list_of_addresses = matches!(attribute.name.as_str(), "depends_on" | "replace_triggered_by");
        if is_list_of_addresses && attribute.expression.json().is_some() {
            for element in literal::elements(file, &attribute.expression).unwrap_or_default() {
                if let Ok((inner, node)) = reference(file, &element) {
                    self.node(&inner, &node, &[]);
                }
            }
            return;
        }
        if let Ok(node) = expression::parse(file, &attribute.expression) {
            self.node(file, &node, bound);
        }
    }

    fn node(&mut self, file: &Arc<File>, node: &expression::Node, bound: &[String]) {
        let mut found = Vec::new();
        references(node, &mut bound.iter().map(String::as_str).collect(), &mut found);
        for referred in found {
            let problem = self.problem(referred.first, &referred.names);
            if let Some(detail) = problem.or_else(|| self.key(&referred)) {
                let problem = Diagnostic::error("invalid-reference", "Invalid reference", detail);
                self.found.push(problem.at_span(file.span(&referred.range)));
            }
        }
    }

    /// Says that a reference has a key where nothing is repeated.
    fn key(&self, referred: &Referred<'_>) -> Option<String> {
        let (written, name) = match (referred.first, referred.names.as_slice()) {
            _ if !referred.has_key => return None,
            ("module", [name]) => (self.definitions.calls.get(*name)?, format!("module.{name}")),
            ("data", [resource_type, name]) => self.resource(ResourceMode::Data, resource_type, name)?,
            (resource_type, [name]) => self.resource(ResourceMode::Managed, resource_type, name)?,
            _ => return None,
        };
        let is_repeated = written.writes("count") || written.writes("for_each");
        (!is_repeated)
            .then(|| format!("{name} has neither count nor for_each, so a reference to it has no key in brackets."))
    }

    fn resource(&self, mode: ResourceMode, resource_type: &str, name: &str) -> Option<(&Written, String)> {
        let module = ModuleAddress::root();
        let address = ResourceAddress { module, mode, resource_type: resource_type.into(), name: Arc::from(name) };
        Some((&self.definitions.resources.get(&address)?.written, address.to_string()))
    }

    /// Says what is wrong with a reference, which names these attributes one after the other.
    fn problem(&self, first: &str, names: &[&str]) -> Option<String> {
        let definitions = self.definitions;
        let (mode, labels) = match (first, names) {
            (own, _) if OWN.contains(&own) => return None,
            ("var", [name, ..]) => {
                let is_defined = definitions.variables.contains_key(*name);
                return (!is_defined).then(|| format!("The module has no variable {name:?}."));
            }
            ("local", [name, ..]) => {
                let is_defined = definitions.locals.contains_key(*name);
                return (!is_defined).then(|| format!("The module has no local value {name:?}."));
            }
            ("module", [name, ..]) => {
                let is_defined = definitions.calls.contains_key(*name);
                return (!is_defined).then(|| format!("The module calls no module {name:?}."));
            }
            ("ephemeral", [resource_type, name, ..]) => {
                let is_defined =
                    definitions.ephemerals.contains_key(&((*resource_type).to_owned(), (*name).to_owned()));
                return (!is_defined).then(|| format!("The module has no block of ephemeral.{resource_type}.{name}."));
            }
            // What is behind brackets evaluation tells.
            ("var" | "local" | "module" | "ephemeral", _) => return None,
            ("data", names) => (ResourceMode::Data, names),
            ("resource", names) => (ResourceMode::Managed, names),
            (resource_type, [name, ..]) => (ResourceMode::Managed, &[resource_type, *name][..]),
            (name, []) => return Some(format!("Nothing has the name {name:?} here.")),
        };
        let [resource_type, name, ..] = labels else { return None };
        if self
            .own
            .as_ref()
            .is_some_and(|own| mode == ResourceMode::Managed && own.0 == *resource_type && own.1 == *name)
        {
            return Some(format!("The block of {resource_type}.{name} refers to itself."));
        }
        let address = ResourceAddress {
            module: ModuleAddress::root(),
            mode,
            resource_type: (*resource_type).into(),
            name: Arc::from(*name),
        };
        (!definitions.resources.contains_key(&address)).then(|| format!("The module has no block of {address}."))
    }
}

/// Tells whether `dynamic` may make blocks somewhere in a value.
fn has_dynamic(node: &JsonNode) -> bool {
    node.as_array().unwrap_or_default().iter().any(has_dynamic)
        || node.properties().any(|property| property.name == "dynamic" || has_dynamic(&property.value))
}

/// Gives the name under which a `dynamic` block knows its elements.
fn iterator(file: &File, block: &BlockSyntax) -> Option<String> {
    let named = block.body.attribute("iterator").map(|it| file.source(&it.expression));
    named.or_else(|| block.labels.first().cloned())
}
