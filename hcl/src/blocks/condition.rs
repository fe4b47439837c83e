//! Conditions that code states of itself: validations of variables, preconditions, postconditions, checks.

use std::fmt;
use std::sync::Arc;

use cty::convert::convert;
use cty::{Mark, Type, Value};
use model::{Diagnostic, InstanceAddress, ModuleAddress, ResourceMode, Span};

use crate::evaluate::{Evaluation, Files, Resolved, Scope, Unknown, Written};
use crate::expression::{self, ReferenceStep};
use crate::root::{InstanceScope, Root};
use crate::syntax::{BlockSyntax, File};

/// A condition, with what came of it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What states it.
    pub kind: ConditionKind,
    /// What it is about: an address, or the name of a variable, an output or a check in its module.
    pub subject: String,
    /// What came of it.
    pub outcome: ConditionOutcome,
    /// Where the block begins.
    pub span: Span,
}

/// What states a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionKind {
    /// `validation` of a variable.
    Validation,
    /// `precondition` of a resource, a data source or an output.
    Precondition,
    /// `postcondition` of a resource or a data source.
    Postcondition,
    /// `assert` of a check, which stops nothing.
    Assertion,
}

/// What came of a condition.
#[derive(Clone, Debug)]
pub enum ConditionOutcome {
    /// It holds.
    Passed,
    /// It does not hold. The message is what the code says then, as far as it is known and not sensitive.
    Failed(Option<String>),
    /// It depends on what is not known.
    Unknown(Vec<Unknown>),
    /// It cannot be evaluated.
    Invalid(Box<Diagnostic>),
}

impl fmt::Display for ConditionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validation => "validation",
            Self::Precondition => "precondition",
            Self::Postcondition => "postcondition",
            Self::Assertion => "assertion",
        })
    }
}

impl Condition {
    /// Gives the problem that it is; `None` where it holds, or nobody can tell.
    pub fn problem(&self) -> Option<Diagnostic> {
        let found = match &self.outcome {
            ConditionOutcome::Passed | ConditionOutcome::Unknown(_) => return None,
            ConditionOutcome::Invalid(problem) => (**problem).clone(),
            ConditionOutcome::Failed(message) => {
                let Self { kind, subject, .. } = self;
                let message = message.as_deref().unwrap_or("its message is not known, or sensitive");
                let detail = format!("The {kind} of {subject} does not hold: {message}");
                match kind {
                    ConditionKind::Assertion => Diagnostic::warning("condition-failed", "Check failed", detail),
                    _ => Diagnostic::error("condition-failed", "Condition failed", detail),
                }
            }
        };
        Some(if found.span.is_none() { found.at_span(self.span.clone()) } else { found })
    }
}

/// A scope in which `self` has a meaning.
struct WithSelf<'r> {
    scope: InstanceScope<'r>,
    address: InstanceAddress,
}

impl Scope for WithSelf<'_> {
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], run: &Evaluation) -> Resolved {
        if name == "self" { self.scope.instance(self.address.clone()) } else { self.scope.resolve(name, steps, run) }
    }

    fn files(&self) -> Option<Files<'_>> {
        self.scope.files()
    }

    fn current_dir(&self) -> Option<&str> {
        self.scope.current_dir()
    }

    fn provider_function(&self, name: &str, arguments: &[Value], run: &Evaluation) -> Resolved {
        self.scope.provider_function(name, arguments, run)
    }
}

impl Root {
    /// Evaluates every condition that the code states, in every instance of its module and resource.
    ///
    /// What they need that the code does not tell, [`Root::take_needs`] names afterwards.
    pub fn conditions(&self) -> Vec<Condition> {
        let expansion = self.expand();
        let mut found = Vec::new();
        for module in &expansion.modules {
            self.module_conditions(module, &mut found);
        }
        for address in &expansion.instances {
            self.instance_conditions(address, &mut found);
        }
        found
    }

    fn module_conditions(&self, module: &ModuleAddress, found: &mut Vec<Condition>) {
        let (Some(definitions), Ok(scope)) = (self.definitions(module), self.module_scope(module)) else { return };
        let named = |kind: &str, name: &str| {
            if module.is_root() { format!("{kind} {name:?}") } else { format!("{kind} {name:?} of {module}") }
        };
        for (name, variable) in &definitions.variables {
            // A value that is none has a problem of its own.
            if variable.validations.is_empty() || !self.variable(module, name).2.is_empty() {
                continue;
            }
            for (file, block) in &variable.validations {
                let subject = named("the variable", name);
                found.push(self.condition(ConditionKind::Validation, subject, file, block, &scope));
            }
        }
        for (name, output) in &definitions.outputs {
            for (file, block) in output.written.blocks().filter(|(_, block)| block.block_type == "precondition") {
                let subject = named("the output", name);
                found.push(self.condition(ConditionKind::Precondition, subject, file, block, &scope));
            }
        }
        for (name, check) in &definitions.checks {
            for (file, block) in check.written.blocks().filter(|(_, block)| block.block_type == "assert") {
                let subject = named("the check", name);
                found.push(self.condition(ConditionKind::Assertion, subject, file, block, &scope));
            }
        }
    }

    fn instance_conditions(&self, address: &InstanceAddress, found: &mut Vec<Condition>) {
        let Some(resource) = self.resource(&address.resource) else { return };
        let blocks: Vec<_> = conditions_of(&resource.written).collect();
        if blocks.is_empty() {
            return;
        }
        let Ok(scope) = self.instance_scope(address) else { return };
        let of_self = WithSelf { scope: scope.clone(), address: address.clone() };
        for (kind, file, block) in blocks {
            let scope: &dyn Scope = if kind == ConditionKind::Postcondition { &of_self } else { &scope };
            found.push(self.condition(kind, address.to_string(), file, block, scope));
        }
    }

    fn condition(
        &self,
        kind: ConditionKind,
        subject: String,
        file: &Arc<File>,
        block: &BlockSyntax,
        scope: &dyn Scope,
    ) -> Condition {
        let outcome = self.outcome(file, block, scope).unwrap_or_else(ConditionOutcome::Invalid);
        Condition { kind, subject, outcome, span: file.span(&block.header) }
    }

    fn outcome(
        &self,
        file: &Arc<File>,
        block: &BlockSyntax,
        scope: &dyn Scope,
    ) -> Result<ConditionOutcome, Box<Diagnostic>> {
        let wrong = |detail: &str| {
            let problem = Diagnostic::error("invalid-block", "Invalid condition", detail);
            Box::new(problem.at_span(file.span(&block.header)))
        };
        let condition =
            block.body.attribute("condition").ok_or_else(|| wrong("A condition has an argument \"condition\"."))?;
        let node = expression::parse(file, &condition.expression)?;
        let value = self.evaluate_node(file, &node, scope)?;
        let value = convert(&value, &Type::Bool).map_err(|_| wrong("A condition must be true or false."))?;
        let (value, unknown) = self.settle(&value);
        let value = value.unmark().0;
        if !value.is_known() {
            return Ok(ConditionOutcome::Unknown(unknown));
        }
        match value.as_bool() {
            Some(true) => Ok(ConditionOutcome::Passed),
            Some(false) => Ok(ConditionOutcome::Failed(self.message(file, block, scope))),
            None => Err(wrong("A condition must be true or false, and not null.")),
        }
    }

    /// Gives what the code says where a condition does not hold.
    fn message(&self, file: &Arc<File>, block: &BlockSyntax, scope: &dyn Scope) -> Option<String> {
        let message = block.body.attribute("error_message")?;
        let node = expression::parse(file, &message.expression).ok()?;
        let value = self.evaluate_node(file, &node, scope).ok()?;
        let (value, marks) = self.settle(&convert(&value, &Type::String).ok()?).0.unmark();
        let is_open = !marks.contains(&Mark::Sensitive) && !marks.contains(&Mark::Ephemeral);
        value.as_str().filter(|_| is_open).map(|text| text.trim().to_owned())
    }
}

/// Gives the conditions in the `lifecycle` of a resource.
fn conditions_of(written: &Written) -> impl Iterator<Item = (ConditionKind, &Arc<File>, &BlockSyntax)> {
    let lifecycles = written.blocks().filter(|(_, block)| block.block_type == "lifecycle");
    let inner = lifecycles.flat_map(|(file, lifecycle)| lifecycle.body.blocks.iter().map(move |block| (file, block)));
    inner.filter_map(|(file, block)| {
        let kind = match block.block_type.as_str() {
            "precondition" => ConditionKind::Precondition,
            "postcondition" => ConditionKind::Postcondition,
            _ => return None,
        };
        Some((kind, file, block))
    })
}

/// What `lifecycle` says of a resource, as far as it is literal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// Whether a replacement is made before what it replaces is destroyed.
    pub create_before_destroy: bool,
    /// Whether a plan that would destroy it is refused.
    pub prevent_destroy: bool,
    /// What it is replaced with: references, as written.
    pub replace_triggered_by: Vec<String>,
}

impl Root {
    /// Gives what `lifecycle` says of a resource besides what it ignores.
    pub fn lifecycle(&self, address: &InstanceAddress) -> Lifecycle {
        let mut found = Lifecycle::default();
        let Some(resource) = self.resource(&address.resource) else { return found };
        if address.resource.mode == ResourceMode::Data {
            return found;
        }
        for (file, block) in resource.written.blocks().filter(|(_, block)| block.block_type == "lifecycle") {
            let flag = |name: &str| {
                let value = file.literal(&block.body.attribute(name)?.expression).ok()?;
                convert(&value, &Type::Bool).ok()?.as_bool()
            };
            found.create_before_destroy = flag("create_before_destroy").unwrap_or(found.create_before_destroy);
            found.prevent_destroy = flag("prevent_destroy").unwrap_or(found.prevent_destroy);
            if let Some(triggers) = block.body.attribute("replace_triggered_by") {
                let elements = crate::literal::elements(file, &triggers.expression).unwrap_or_default();
                found.replace_triggered_by = elements.iter().map(|element| file.source(element)).collect();
            }
        }
        found
    }
}
