//! What depends on what: lists of addresses that are none, and circles.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Diagnostic, Diagnostics, ModuleAddress, ResourceAddress, ResourceMode, Span};

use super::target::{Referred, Step, reference, references, steps};
use crate::definitions::Definitions;
use crate::evaluate::Written;
use crate::expression::{self, NodeKind};
use crate::literal;
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, Expression, File};

/// Finds lists of addresses that hold something else, and resources that depend on themselves through others.
pub(crate) fn mistakes(definitions: &Definitions) -> Diagnostics {
    let mut found = Diagnostics::new();
    for (file, _) in &definitions.files {
        for block in &file.body.blocks {
            lists(file, block, &mut found);
        }
    }
    circles(definitions, &mut found);
    found
}

/// Looks at the lists of addresses in a block.
fn lists(file: &Arc<File>, block: &BlockSyntax, found: &mut Diagnostics) {
    for attribute in &block.body.attributes {
        let check = match (block.block_type.as_str(), attribute.name.as_str()) {
            ("resource" | "data" | "ephemeral" | "module" | "output", "depends_on") => depended,
            ("lifecycle", "replace_triggered_by") => trigger,
            ("lifecycle", "ignore_changes") if !is_all(file, &attribute.expression) => ignored,
            _ => continue,
        };
        list(file, attribute, check, found);
    }
    let inner = block.body.blocks.iter();
    inner.filter(|inner| matches!(inner.block_type.as_str(), "data" | "lifecycle")).for_each(|inner| {
        lists(file, inner, found);
    });
}

/// Says what is wrong with an element of a list.
type Check = fn(&[Step<'_>], bool) -> Option<&'static str>;

fn list(file: &Arc<File>, attribute: &AttributeSyntax, check: Check, found: &mut Diagnostics) {
    let mut report = |detail: String, span: Span| {
        let summary = format!("Invalid {}", attribute.name);
        found.push(Diagnostic::error("invalid-block", summary, detail).at_span(span));
    };
    // What does not parse is told elsewhere.
    if attribute.expression.json().is_none() && expression::parse(file, &attribute.expression).is_err() {
        return;
    }
    let Some(elements) = literal::elements(file, &attribute.expression) else {
        let detail = format!("`{}` must be a list in brackets.", attribute.name);
        return report(detail, file.expression_span(&attribute.expression));
    };
    for element in elements {
        let is_quoted = element.json().is_none() && file.literal(&element).is_ok();
        let node = reference(file, &element).ok().map(|(_, node)| node);
        let detail = match node.as_ref().and_then(|node| steps(node)) {
            Some(steps) => check(&steps, is_quoted),
            None => Some("names and literal keys must stand here, and nothing that is computed"),
        };
        if let Some(detail) = detail {
            let detail = format!("In `{}`, {detail}.", attribute.name);
            report(detail, file.expression_span(&element));
        }
    }
}

/// Tells whether what is ignored is everything: the word, which is quoted in JSON only.
fn is_all(file: &File, expression: &Expression) -> bool {
    match expression.json() {
        Some(json) => json.as_str() == Some("all"),
        None => expression::parse(file, expression)
            .is_ok_and(|node| matches!(&node.kind, NodeKind::Name(name) if name == "all")),
    }
}

fn depended(steps: &[Step<'_>], _: bool) -> Option<&'static str> {
    let n_names = match steps {
        [Step::Name("data" | "ephemeral" | "resource"), ..] => 3,
        // An output may stand behind the key of a call.
        [Step::Name("module"), ..] => return None,
        _ => 2,
    };
    let rest = match steps.get(n_names..)? {
        [Step::Key(_), rest @ ..] => rest,
        rest => rest,
    };
    (!rest.is_empty()).then_some("whole objects are named, and not their attributes")
}

fn trigger(steps: &[Step<'_>], is_quoted: bool) -> Option<&'static str> {
    const OTHERS: &[&str] = &["count", "data", "each", "local", "module", "path", "self", "terraform", "tofu", "var"];
    let is_other = matches!(steps, [Step::Name(first), ..] if OTHERS.contains(first));
    (is_other || is_quoted || steps.len() < 2).then_some("managed resources and their attributes are named")
}

fn ignored(steps: &[Step<'_>], _: bool) -> Option<&'static str> {
    let is_literal = |step: &Step<'_>| match step {
        Step::Name(_) => true,
        Step::Key(key) => matches!(key.kind, NodeKind::Literal(_)),
    };
    (!steps.iter().all(is_literal)).then_some("names and literal keys must stand here, and nothing that is computed")
}

/// What takes part in circles.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Resource(ResourceAddress),
    Local(String),
    /// A variable, which its conditions decide over.
    Variable(String),
}

/// Finds circles with a resource or a variable in them; those of local values alone evaluation finds.
fn circles(definitions: &Definitions, found: &mut Diagnostics) {
    let graph = graph(definitions);
    let mut done: BTreeMap<&Part, bool> = BTreeMap::new();
    for start in graph.keys() {
        // The way from the start, each with the position of what is looked at next; `done` tells what is on it.
        let mut way: Vec<(&Part, usize)> = Vec::new();
        if done.contains_key(start) {
            continue;
        }
        done.insert(start, false);
        way.push((start, 0));
        while let Some((part, next)) = way.last_mut() {
            let part = *part;
            let Some(inner) = graph.get(part).and_then(|inner| inner.get(*next)) else {
                done.insert(part, true);
                way.pop();
                continue;
            };
            *next += 1;
            match done.get(inner) {
                Some(true) => {}
                Some(false) => {
                    let circle = way.iter().map(|(part, _)| *part).skip_while(|part| *part != inner);
                    report(definitions, &circle.collect::<Vec<_>>(), found);
                }
                None => {
                    done.insert(inner, false);
                    way.push((inner, 0));
                }
            }
        }
    }
}

fn report(definitions: &Definitions, circle: &[&Part], found: &mut Diagnostics) {
    let Some(first) = circle.iter().find_map(|part| match part {
        Part::Resource(address) => definitions.resources.get(address).map(|found| &found.span),
        Part::Variable(name) => definitions.variables.get(name).map(|found| &found.span),
        Part::Local(_) => None,
    }) else {
        return;
    };
    let names: Vec<String> = circle
        .iter()
        .map(|part| match part {
            Part::Resource(address) => address.to_string(),
            Part::Local(name) => format!("local.{name}"),
            Part::Variable(name) => format!("var.{name}"),
        })
        .collect();
    let detail = format!("Each of these depends on the next, and the last on the first: {}.", names.join(", "));
    found.push(Diagnostic::error("invalid-reference", "Circle", detail).at_span(first.clone()));
}

/// Lists what resources and local values refer to.
fn graph(definitions: &Definitions) -> BTreeMap<Part, Vec<Part>> {
    let mut graph = BTreeMap::new();
    for (address, resource) in &definitions.resources {
        let mut inner = Vec::new();
        written(definitions, &resource.written, &mut inner);
        let own = Part::Resource(address.clone());
        // What refers to itself is told elsewhere.
        inner.retain(|part| *part != own);
        graph.insert(own, inner);
    }
    for (name, (file, expression)) in &definitions.locals {
        let mut inner = Vec::new();
        parts(definitions, file, expression, &mut inner);
        graph.insert(Part::Local(name.clone()), inner);
    }
    for (name, variable) in &definitions.variables {
        let mut inner = Vec::new();
        for (file, validation) in &variable.validations {
            in_body(definitions, file, &validation.body, &mut inner);
        }
        let own = Part::Variable(name.clone());
        inner.retain(|part| *part != own);
        graph.insert(own, inner);
    }
    graph
}

fn written(definitions: &Definitions, written: &Written, found: &mut Vec<Part>) {
    for (file, attribute) in written.attributes() {
        in_attribute(definitions, file, attribute, found);
    }
    for (file, block) in written.blocks() {
        in_body(definitions, file, &block.body, found);
    }
}

fn in_body(definitions: &Definitions, file: &Arc<File>, body: &Body, found: &mut Vec<Part>) {
    for attribute in &body.attributes {
        in_attribute(definitions, file, attribute, found);
    }
    for block in &body.blocks {
        in_body(definitions, file, &block.body, found);
    }
}

fn in_attribute(definitions: &Definitions, file: &Arc<File>, attribute: &AttributeSyntax, found: &mut Vec<Part>) {
    match attribute.name.as_str() {
        "ignore_changes" | "provider" => {}
        "depends_on" | "replace_triggered_by" => {
            for element in literal::elements(file, &attribute.expression).unwrap_or_default() {
                if let Ok((_, node)) = reference(file, &element) {
                    in_node(definitions, &node, found);
                }
            }
        }
        _ => parts(definitions, file, &attribute.expression, found),
    }
}

fn parts(definitions: &Definitions, file: &Arc<File>, expression: &Expression, found: &mut Vec<Part>) {
    if let Ok(node) = expression::parse(file, expression) {
        in_node(definitions, &node, found);
    }
}

fn in_node(definitions: &Definitions, node: &expression::Node, found: &mut Vec<Part>) {
    let mut referred = Vec::new();
    references(node, &mut Vec::new(), &mut referred);
    found.extend(referred.iter().filter_map(|referred| part(definitions, referred)));
}

/// Gives what a reference means, where the module declares it.
fn part(definitions: &Definitions, Referred { first, names, .. }: &Referred<'_>) -> Option<Part> {
    let (mode, resource_type, name) = match (*first, names.as_slice()) {
        ("local", [name, ..]) => {
            return definitions.locals.contains_key(*name).then(|| Part::Local((*name).to_owned()));
        }
        ("var", [name, ..]) => {
            return definitions.variables.contains_key(*name).then(|| Part::Variable((*name).to_owned()));
        }
        ("data", [resource_type, name, ..]) => (ResourceMode::Data, *resource_type, *name),
        ("resource", [resource_type, name, ..]) => (ResourceMode::Managed, *resource_type, *name),
        (resource_type, [name, ..]) => (ResourceMode::Managed, resource_type, *name),
        _ => return None,
    };
    let module = ModuleAddress::root();
    let address = ResourceAddress { module, mode, resource_type: resource_type.into(), name: Arc::from(name) };
    definitions.resources.contains_key(&address).then_some(Part::Resource(address))
}
