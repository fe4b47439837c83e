//! What is wrong with the declarations of a module, whatever its values are.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Diagnostic, Diagnostics, Span};

use super::grammar::{Grammar, INNER, TOP, understands};
use crate::definitions::Definitions;
use crate::expression;
use crate::gates::Program;
use crate::syntax::{BlockSyntax, Body, File};

/// Names that no variable can have, because arguments of calls have them.
const RESERVED_VARIABLES: &[&str] =
    &["count", "depends_on", "for_each", "lifecycle", "locals", "provider", "providers", "source", "version"];

impl Definitions {
    /// Tells what is wrong with the declarations, each with its place: blocks and arguments that there are not, things
    /// declared twice or not at all, overrides of nothing.
    ///
    /// Without a program, what either of them understands is right.
    pub fn mistakes(&self, program: Option<Program>) -> Diagnostics {
        let mut finder = Finder { program, found: Diagnostics::new(), declared: BTreeMap::new() };
        for (file, is_override) in &self.files {
            for block in &file.body.blocks {
                finder.top(file, block, *is_override);
            }
            for attribute in &file.body.attributes {
                let detail = format!("{:?} stands outside of every block.", attribute.name);
                finder.report("Unsupported argument", detail, file.span(&attribute.range));
            }
        }
        finder.found
    }
}

/// What may be required of a provider.
const REQUIREMENTS: &[&str] = &["configuration_aliases", "source", "version"];

struct Finder {
    program: Option<Program>,
    found: Diagnostics,
    /// What is declared, as one would name it, and where.
    declared: BTreeMap<String, Span>,
}

impl Finder {
    fn report(&mut self, summary: &str, detail: String, span: Span) {
        self.found.push(Diagnostic::error("invalid-block", summary, detail).at_span(span));
    }

    fn top(&mut self, file: &Arc<File>, block: &BlockSyntax, is_override: bool) {
        let known = TOP.iter().find(|it| it.block_type == block.block_type && understands(it.of, self.program));
        let Some(grammar) = known else {
            let detail = format!("There are no blocks of the type {:?}.", block.block_type);
            return self.report("Unsupported block type", detail, file.span(&block.header));
        };
        if !self.labels(file, block, grammar) {
            return;
        }
        self.body(file, block, grammar, is_override);
        match block.block_type.as_str() {
            "terraform" => self.terraform(file, block, is_override),
            "locals" => {
                for attribute in &block.body.attributes {
                    self.declare(format!("local.{}", attribute.name), file.span(&attribute.range), is_override);
                }
                if let Some(inner) = block.body.blocks.first() {
                    let detail = "`locals` holds names and values, and no blocks.".to_owned();
                    self.report("Unsupported block type", detail, file.span(&inner.header));
                }
            }
            "removed" if is_override && self.program == Some(Program::Terraform) => {}
            "moved" | "import" | "removed" if is_override => {
                let detail = format!("A file that overrides others cannot hold `{}` blocks.", block.block_type);
                self.report("Block that cannot be overridden", detail, file.span(&block.header));
            }
            "moved" | "import" | "removed" | "language" => {}
            "module" if !block.body.blocks.iter().all(|inner| inner.block_type == "lifecycle") => {
                let detail = "A call holds no blocks but `lifecycle` of OpenTofu.".to_owned();
                self.report("Unsupported block type", detail, file.span(&block.header));
            }
            "provider" => {
                if let Some(alias) = block.body.attribute("alias").filter(|it| file.literal(&it.expression).is_err()) {
                    let detail = "An alias must be a literal name.".to_owned();
                    self.report("Invalid argument", detail, file.span(&alias.range));
                }
                let alias = block.body.attribute("alias").and_then(|alias| file.literal(&alias.expression).ok());
                let alias = alias.as_ref().and_then(cty::Value::as_str).map(|alias| format!(".{alias}"));
                let name = format!("provider.{}{}", block.labels[0], alias.unwrap_or_default());
                self.declare(name, file.span(&block.header), is_override);
            }
            block_type => {
                let name = std::iter::once(block_type).chain(block.labels.iter().map(String::as_str));
                let name = name.collect::<Vec<_>>().join(".");
                self.declare(name, file.span(&block.header), is_override);
                self.own_rules(file, block);
                for data in block.body.blocks("data").filter(|_| block_type == "check") {
                    self.declare(format!("data.{}", data.labels.join(".")), file.span(&data.header), is_override);
                }
            }
        }
    }

    /// Tells whether a block has the labels it should have.
    fn labels(&mut self, file: &File, block: &BlockSyntax, grammar: &Grammar) -> bool {
        if block.labels.len() != grammar.n_labels {
            let detail =
                format!("A block {:?} has {} labels, not {}.", block.block_type, grammar.n_labels, block.labels.len());
            self.report("Wrong number of labels", detail, file.span(&block.header));
            return false;
        }
        for label in block.labels.iter().filter(|label| !model::address::is_valid_name(label)) {
            let detail = format!("{label:?} is no name: letters, digits, `_` and `-`, and no digit first.");
            self.report("Invalid name", detail, file.span(&block.header));
        }
        true
    }

    /// Looks at arguments and nested blocks.
    fn body(&mut self, file: &Arc<File>, block: &BlockSyntax, grammar: &Grammar, is_override: bool) {
        let body = &block.body;
        for attribute in &body.attributes {
            if !grammar.has_argument(&attribute.name, self.program) {
                let detail = format!("A block `{}` has no argument {:?}.", block.block_type, attribute.name);
                let problem = Diagnostic::error("invalid-block", "Unsupported argument", detail);
                let mut problem = problem.at_span(file.span(&attribute.range));
                if let Some(near) = grammar.argument_names().find(|name| is_near(name, &attribute.name)) {
                    problem = problem.with_help(format!("Perhaps {near:?} is meant."));
                }
                self.found.push(problem);
            }
        }
        let program = self.program;
        for attribute in body.attributes.iter().filter(|it| is_literal_flag(block, &it.name, program)) {
            let value = file.literal(&attribute.expression).ok();
            let value = value.and_then(|value| cty::convert::convert(&value, &cty::Type::Bool).ok());
            if value.is_none() {
                let detail = format!("{:?} must be true or false, as a literal.", attribute.name);
                self.report("Invalid argument", detail, file.span(&attribute.range));
            }
        }
        for name in grammar.required.iter().filter(|name| !is_override && body.attribute(name).is_none()) {
            let detail = format!("A block `{}` has an argument {name:?}.", block.block_type);
            self.report("Missing argument", detail, file.span(&block.header));
        }
        let mut n_lifecycles = 0;
        for inner in &body.blocks {
            let is_meta = inner.block_type == "lifecycle" && matches!(block.block_type.as_str(), "resource" | "data");
            n_lifecycles += usize::from(is_meta);
            let known = INNER
                .iter()
                .find(|(outer, it)| *outer == block.block_type && it.block_type == inner.block_type)
                .map(|(_, it)| it);
            if !grammar.has_block(&inner.block_type, self.program) {
                let detail = format!("A block `{}` holds no blocks `{}`.", block.block_type, inner.block_type);
                self.report("Unsupported block type", detail, file.span(&inner.header));
            } else if let Some(known) = known
                && self.labels(file, inner, known)
            {
                self.body(file, inner, known, false);
                self.condition(file, block, inner);
            }
        }
        if n_lifecycles > 1 {
            let detail = "A block has one `lifecycle` at most.".to_owned();
            self.report("Duplicate block", detail, file.span(&block.header));
        }
    }

    /// Looks at what a condition refers to: one that refers to nothing checks nothing.
    fn condition(&mut self, file: &Arc<File>, outer: &BlockSyntax, block: &BlockSyntax) {
        let is_condition =
            matches!(block.block_type.as_str(), "assert" | "postcondition" | "precondition" | "validation");
        let Some(condition) = block.body.attribute("condition").filter(|_| is_condition) else { return };
        let Ok(node) = expression::parse(file, &condition.expression) else { return };
        let mut references = Vec::new();
        crate::blocks::target::references(&node, &mut Vec::new(), &mut references);
        let detail = match outer.block_type.as_str() {
            "variable" => {
                let name = outer.labels.first().map_or("", String::as_str);
                if references.iter().any(|it| it.first == "var" && it.names.first() == Some(&name)) {
                    return;
                }
                format!("The condition of the validation does not refer to var.{name}.")
            }
            _ if references.is_empty() => "The condition refers to nothing, so it checks nothing.".to_owned(),
            _ => return,
        };
        self.report("Invalid condition", detail, file.span(&condition.range));
    }

    /// Notes that something is declared, which is once, or overridden, which is after that.
    fn declare(&mut self, name: String, span: Span, is_override: bool) {
        match (self.declared.get(&name), is_override) {
            (Some(earlier), false) => {
                let detail = format!("{name} is declared in {}:{} already.", earlier.file, earlier.start.line);
                self.report("Declared twice", detail, span);
            }
            (None, true) => {
                let detail = format!("No file declares {name}, which this file overrides.");
                self.report("Override of nothing", detail, span);
            }
            (None, false) => drop(self.declared.insert(name, span)),
            (Some(_), true) => {}
        }
    }

    fn terraform(&mut self, file: &Arc<File>, block: &BlockSyntax, is_override: bool) {
        for inner in &block.body.blocks {
            let name = match inner.block_type.as_str() {
                "required_providers" => "required_providers".to_owned(),
                "backend" | "cloud" => "backend".to_owned(),
                "provider_meta" => format!("provider_meta.{}", inner.labels.join(".")),
                _ => continue,
            };
            // An override may also be the first.
            if !is_override || self.declared.contains_key(&name) {
                self.declare(name, file.span(&inner.header), is_override);
            }
            if inner.block_type == "required_providers" {
                self.required_providers(file, &inner.body);
            }
        }
    }

    fn required_providers(&mut self, file: &Arc<File>, body: &Body) {
        for attribute in &body.attributes {
            let entries = crate::literal::entries(file, &attribute.expression).and_then(Result::ok).unwrap_or_default();
            for (name, _) in entries.iter().filter(|(name, _)| !REQUIREMENTS.contains(&name.as_str())) {
                let detail = format!("What is required of a provider has no argument {name:?}.");
                self.report("Unsupported argument", detail, file.span(&attribute.range));
            }
            let version = entries.iter().find(|(name, _)| name == "version").and_then(|(_, it)| file.literal(it).ok());
            let version = version.as_ref().and_then(cty::Value::as_str);
            if version.is_some_and(|version| version.parse::<crate::versions::Constraints>().is_err()) {
                let detail = format!("{:?} is no constraint of versions.", version.unwrap_or_default());
                self.report("Invalid version constraint", detail, file.span(&attribute.range));
            }
            let Some(source) = crate::module::required_source(file, &attribute.expression) else { continue };
            if source.to_lowercase().parse::<model::ProviderAddress>().is_err() {
                let detail = format!("The source {source:?} is no address of a provider.");
                self.report("Invalid provider source", detail, file.span(&attribute.range));
            }
        }
    }

    /// Looks at what only some blocks have to heed.
    fn own_rules(&mut self, file: &Arc<File>, block: &BlockSyntax) {
        let body = &block.body;
        match block.block_type.as_str() {
            "variable" if RESERVED_VARIABLES.contains(&block.labels[0].as_str()) => {
                let detail =
                    format!("{:?} is an argument of every call, so no variable can have this name.", block.labels[0]);
                self.report("Invalid name", detail, file.span(&block.header));
            }
            "resource" | "data" | "module" | "ephemeral" => {
                if let (Some(_), Some(for_each)) = (body.attribute("count"), body.attribute("for_each")) {
                    let detail = "A block has `count` or `for_each`, and not both.".to_owned();
                    self.report("Invalid count or for_each", detail, file.span(&for_each.range));
                }
            }
            "check" if body.blocks("assert").next().is_none() => {
                let detail = "A `check` block has one `assert` block at least.".to_owned();
                self.report("Missing block", detail, file.span(&block.header));
            }
            "check" if body.blocks("data").count() > 1 => {
                let detail = "A `check` block has one data source at most.".to_owned();
                self.report("Duplicate block", detail, file.span(&block.header));
            }
            _ => {}
        }
    }
}

/// Tells whether an argument must be a literal truth.
fn is_literal_flag(block: &BlockSyntax, name: &str, program: Option<Program>) -> bool {
    match block.block_type.as_str() {
        "output" => matches!(name, "ephemeral" | "sensitive"),
        "variable" => matches!(name, "ephemeral" | "nullable" | "sensitive"),
        // From version 1.12 on, OpenTofu evaluates prevent_destroy.
        "lifecycle" => {
            name == "create_before_destroy" || (name == "prevent_destroy" && program == Some(Program::Terraform))
        }
        _ => false,
    }
}

/// Tells whether one name may be a slip for another: one letter more, less or other.
fn is_near(name: &str, written: &str) -> bool {
    let common = name.bytes().zip(written.bytes()).take_while(|(a, b)| a == b).count();
    let rest = |text: &str, skip: usize| text.as_bytes().get(common + skip..).map(<[u8]>::to_vec);
    rest(name, 1) == rest(written, 1) || rest(name, 1) == rest(written, 0) || rest(name, 0) == rest(written, 1)
}
