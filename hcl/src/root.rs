//! A root module with everything it calls, evaluated on demand.
//!
//! Nothing is computed before somebody asks for it, nothing twice, and nothing here reads a cloud, a state or a provider:
//! what only those know becomes a [`ValueNeed`]. Until it is answered its value is unknown, with the reason; after
//! [`Root::answer`] whatever depended on it is computed again.

mod expand;
mod scope;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cty::{Type, Value};
use model::{Diagnostic, Diagnostics, InstanceAddress, ModuleAddress, ResourceAddress, ResourceMode, Span};

use crate::configuration::Configuration;
use crate::definitions::{Definitions, ResourceDefinition};
use crate::evaluate::{Evaluation, Unknown, Written, block_in, evaluate, sized};
use crate::expression;
use crate::source::SourceTree;
use crate::syntax::{Expression, File};
use crate::variables::VariableValues;

pub(crate) use expand::called;
pub use expand::{Expansion, Keys, Unexpanded};
pub(crate) use scope::instance_key;
pub use scope::{InstanceScope, Repetition};

/// Arguments and blocks of a resource that terraform itself understands.
pub const META_ARGUMENTS: &[&str] =
    &["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];

/// What a root module is evaluated from.
#[derive(Clone)]
pub struct Sources {
    /// The code.
    pub configuration: Arc<Configuration>,
    /// What the variables of the root module are set to.
    pub variables: Arc<VariableValues>,
    /// The files that functions may read; relative paths start from the root module's folder.
    pub tree: Arc<dyn SourceTree + Send + Sync>,
    /// The user's home directory.
    pub home: Option<String>,
    /// The workspace.
    pub workspace: String,
    /// The folder in which terraform runs: `path.cwd`.
    pub current_dir: Option<String>,
}

/// Something that the code refers to and that the code alone does not tell.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueNeed {
    /// What the next apply makes of an instance of a managed resource; or what a data source gives.
    ///
    /// Shape of the answer: an object of the resource's schema, with what the schema calls sensitive marked so.
    Instance(InstanceAddress),
    /// The result of a function of a provider.
    Function {
        /// The module whose local names of providers count.
        module: ModuleAddress,
        /// The function: `provider::name::function`.
        name: String,
        /// What it is given.
        arguments: Vec<Value>,
    },
}

/// What became of a [`ValueNeed`].
#[derive(Clone, Debug)]
pub enum ValueAnswer {
    /// It has this value, which may be unknown in parts.
    Value(Value),
    /// It is not known.
    Unknown {
        /// Its type, as far as that is known.
        ty: Type,
        /// Why, as a clause with its subject: "the provider is not installed".
        reason: String,
    },
    /// There is a mistake in the code: a full sentence.
    Invalid(String),
}

/// What the code says of one resource instance: its Declared facet.
#[derive(Clone, Debug)]
pub struct DeclaredInstance {
    /// The instance.
    pub address: InstanceAddress,
    /// Its configuration, of the schema's type; what is not written is null, what is not known is unknown.
    pub config: Value,
    /// What is unknown in it, and why.
    pub unknown: Vec<Unknown>,
    /// What is wrong with it. With an error among them, the configuration is what could be told all the same.
    pub diagnostics: Diagnostics,
    /// Where its block begins.
    pub span: Span,
}

/// A root module, evaluated as far as somebody asked.
pub struct Root {
    sources: Sources,
    run: Evaluation,
    memory: RefCell<HashMap<Name, Memory>>,
    expansions: RefCell<HashMap<Name, (Keys, bool)>>,
    instances: RefCell<HashMap<InstanceAddress, ValueAnswer>>,
    functions: RefCell<Vec<(ValueNeed, ValueAnswer)>>,
    needs: RefCell<Vec<ValueNeed>>,
    /// The instances among the needs, which may be many.
    asked: RefCell<HashSet<InstanceAddress>>,
    /// How often something was met that waits for an answer.
    n_waiting: Cell<usize>,
}

/// What can have a value of its own in a module instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Name {
    module: ModuleAddress,
    kind: NameKind,
    label: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum NameKind {
    Variable,
    Local,
    Output,
    Call,
    Managed,
    Data,
}

/// How far a value is.
#[derive(Clone, Debug)]
enum Memory {
    /// It is being evaluated: who asks again goes in a circle.
    Begun,
    /// It ended so; with whether it waits for an answer.
    Done(Result<Value, Box<Diagnostic>>, bool),
}

impl Root {
    /// Begins to evaluate a root module.
    pub fn new(sources: Sources) -> Self {
        Self {
            sources,
            run: Evaluation::new(),
            memory: RefCell::default(),
            expansions: RefCell::default(),
            instances: RefCell::default(),
            functions: RefCell::default(),
            needs: RefCell::default(),
            asked: RefCell::default(),
            n_waiting: Cell::default(),
        }
    }

    /// Gives what it is evaluated from.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Gives what a module defines; `None` where its code is not at hand.
    pub fn definitions(&self, module: &ModuleAddress) -> Option<&Definitions> {
        let names = module.call_names();
        self.sources.configuration.definitions.get(&names).map(|definitions| &**definitions)
    }

    /// Finds the block of a resource.
    pub fn resource(&self, address: &ResourceAddress) -> Option<&ResourceDefinition> {
        let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.clone() };
        self.definitions(&address.module)?.resources.get(&in_module)
    }

    /// Takes what was needed and not yet answered since the last call, each need once, in the order it was met.
    pub fn take_needs(&self) -> Vec<ValueNeed> {
        self.asked.borrow_mut().clear();
        std::mem::take(&mut *self.needs.borrow_mut())
    }

    /// Answers needs. What waited for them is evaluated again when somebody asks for it.
    pub fn answer(&self, answers: impl IntoIterator<Item = (ValueNeed, ValueAnswer)>) {
        for (need, answer) in answers {
            match need {
                ValueNeed::Instance(address) => drop(self.instances.borrow_mut().insert(address, answer)),
                function @ ValueNeed::Function { .. } => self.functions.borrow_mut().push((function, answer)),
            }
        }
        self.memory.borrow_mut().retain(|_, memory| !matches!(memory, Memory::Done(_, true)));
        self.expansions.borrow_mut().retain(|_, (_, is_waiting)| !*is_waiting);
    }

    /// Evaluates the block of a resource for one of its instances.
    ///
    /// Where that needs something first, [`Root::take_needs`] names it afterwards, and the value is unknown there.
    ///
    /// # Errors
    /// One problem, where the code has no such instance, or nobody can tell whether it has.
    pub fn instance(
        &self,
        address: &InstanceAddress,
        schema: &model::Block,
    ) -> Result<DeclaredInstance, Box<Diagnostic>> {
        let scope = self.instance_scope(address)?;
        let missing = || Self::absent(address, "The code has no block of it");
        let definition = self.resource(&address.resource).ok_or_else(missing)?;
        let written = definition.written.clone().without(META_ARGUMENTS);
        let (config, unknown, diagnostics) = self.block(&written, schema, &scope);
        let span = definition.span.clone();
        Ok(DeclaredInstance { address: address.clone(), config, unknown, diagnostics, span })
    }

    /// Evaluates a block against a schema.
    pub fn block(
        &self,
        written: &Written,
        schema: &model::Block,
        scope: &InstanceScope<'_>,
    ) -> (Value, Vec<Unknown>, Diagnostics) {
        block_in(&self.run, written, schema, scope)
    }

    /// Evaluates an expression.
    ///
    /// Where it is wrong, the problem says why, and the value is unknown.
    pub fn expression(
        &self,
        file: &File,
        expression: &Expression,
        scope: &InstanceScope<'_>,
    ) -> (Value, Vec<Unknown>, Diagnostics) {
        self.settled(self.evaluate(file, expression, scope))
    }

    /// Evaluates a variable of a module instance.
    pub fn variable(&self, module: &ModuleAddress, name: &str) -> (Value, Vec<Unknown>, Diagnostics) {
        self.settled(self.variable_value(module, name))
    }

    /// Evaluates a local value of a module instance.
    pub fn local(&self, module: &ModuleAddress, name: &str) -> (Value, Vec<Unknown>, Diagnostics) {
        self.settled(self.local_value(module, name))
    }

    /// Evaluates an output value of a module instance.
    pub fn output(&self, module: &ModuleAddress, name: &str) -> (Value, Vec<Unknown>, Diagnostics) {
        self.settled(self.output_value(module, name))
    }

    /// Gives the run that every evaluation of this root is a part of.
    pub(crate) fn run(&self) -> &Evaluation {
        &self.run
    }

    fn settled(&self, outcome: Result<Value, Box<Diagnostic>>) -> (Value, Vec<Unknown>, Diagnostics) {
        match outcome {
            Ok(value) => {
                let (value, unknown) = self.run.settle(&value);
                (value, unknown, Diagnostics::new())
            }
            Err(problem) => (Value::dynamic(), Vec::new(), vec![*problem]),
        }
    }

    fn evaluate(
        &self,
        file: &File,
        expression: &Expression,
        scope: &InstanceScope<'_>,
    ) -> Result<Value, Box<Diagnostic>> {
        let node = expression::parse(file, expression)?;
        self.evaluate_node(file, &node, scope)
    }

    /// Evaluates a tree: why something in it is unknown stays with the value, until [`Root::settle`].
    pub(crate) fn evaluate_node(
        &self,
        file: &File,
        node: &expression::Node,
        scope: &dyn crate::evaluate::Scope,
    ) -> Result<Value, Box<Diagnostic>> {
        let value = evaluate(file, node, scope, &self.run)?;
        sized(file, &node.range, value)
    }

    /// Takes the reasons off a value, and says for everything unknown in it why it is.
    pub(crate) fn settle(&self, value: &Value) -> (Value, Vec<Unknown>) {
        self.run.settle(value)
    }

    fn variable_value(&self, module: &ModuleAddress, name: &str) -> Result<Value, Box<Diagnostic>> {
        self.remembered(module, NameKind::Variable, name, || {
            let definitions = self.definitions_of(module)?;
            let Some(variable) = definitions.variables.get(name) else {
                return self.undefined(module, &format!("The module has no variable {name:?}."));
            };
            let unset = |reason: String| {
                let value = Value::unknown(variable.constraint.ty.clone());
                self.run.because(&value, reason, Some(variable.span.clone()))
            };
            let Some((step, outer)) = module.steps().split_last() else {
                let value = self.sources.variables.value(name, variable)?;
                return Ok(value.unwrap_or_else(|| unset(format!("the variable {name:?} has no value"))));
            };
            let outer = ModuleAddress::from_steps(outer.to_vec());
            let call = self.definitions_of(&outer)?.calls.get(&*step.name);
            let call = call.ok_or_else(|| invalid(format!("Nothing calls the module {module}.")))?;
            let given = match call.attribute(name) {
                None => None,
                Some((file, argument)) => {
                    let scope = self.call_scope(module)?;
                    let value = self.evaluate(file, &argument.expression, &scope)?;
                    let value = variable.constraint.apply(&value).map_err(|error| {
                        let detail = format!("The variable {name:?} of {module} cannot take this value: {error}.");
                        let problem =
                            Diagnostic::error("invalid-argument-value", "Invalid value of an argument", detail);
                        Box::new(problem.at_span(file.expression_span(&argument.expression)))
                    })?;
                    Some(value)
                }
            };
            let reason = || format!("the call of {module} gives no value for the variable {name:?}");
            Ok(variable.settle(given).unwrap_or_else(|| unset(reason())))
        })
    }

    fn local_value(&self, module: &ModuleAddress, name: &str) -> Result<Value, Box<Diagnostic>> {
        self.remembered(module, NameKind::Local, name, || {
            let Some((file, expression)) = self.definitions_of(module)?.locals.get(name) else {
                return self.undefined(module, &format!("The module has no local value {name:?}."));
            };
            self.evaluate(file, expression, &self.module_scope(module)?)
        })
    }

    fn output_value(&self, module: &ModuleAddress, name: &str) -> Result<Value, Box<Diagnostic>> {
        self.remembered(module, NameKind::Output, name, || {
            let Some(output) = self.definitions_of(module)?.outputs.get(name) else {
                return self.undefined(module, &format!("The module has no output {name:?}."));
            };
            let Some((file, value)) = output.written.attribute("value") else {
                return Err(invalid(format!("The output {name:?} has no value.")));
            };
            let value = self.evaluate(file, &value.expression, &self.module_scope(module)?)?;
            let value = if output.is_ephemeral { value.mark(cty::Mark::Ephemeral) } else { value };
            Ok(if output.is_sensitive { value.mark_sensitive() } else { value })
        })
    }

    /// Gives a value that was computed before, or computes it.
    fn remembered(
        &self,
        module: &ModuleAddress,
        kind: NameKind,
        name: &str,
        compute: impl FnOnce() -> Result<Value, Box<Diagnostic>>,
    ) -> Result<Value, Box<Diagnostic>> {
        let key = Name { module: module.clone(), kind, label: Arc::from(name) };
        let found = self.memory.borrow().get(&key).cloned();
        match found {
            Some(Memory::Done(outcome, is_waiting)) => {
                self.n_waiting.set(self.n_waiting.get() + usize::from(is_waiting));
                return outcome;
            }
            Some(Memory::Begun) => {
                let what = match kind {
                    NameKind::Variable => "variable",
                    NameKind::Output => "output",
                    _ => "local value",
                };
                return Err(invalid(format!("The {what} {name:?} refers to itself, over others or directly.")));
            }
            None => drop(self.memory.borrow_mut().insert(key.clone(), Memory::Begun)),
        }
        let n_before = self.n_waiting.get();
        // Values refer to values, as far as somebody wrote them to.
        let outcome = stacker::maybe_grow(256 << 10, 2 << 20, compute);
        let is_waiting = self.n_waiting.get() > n_before;
        self.memory.borrow_mut().insert(key, Memory::Done(outcome.clone(), is_waiting));
        outcome
    }

    /// Gives the answer to a need, or asks for it.
    fn ask(&self, need: &ValueNeed) -> Option<ValueAnswer> {
        let answer = match need {
            ValueNeed::Instance(address) => self.instances.borrow().get(address).cloned(),
            function @ ValueNeed::Function { .. } => {
                let functions = self.functions.borrow();
                functions.iter().find(|(asked, _)| asked == function).map(|(_, answer)| answer.clone())
            }
        };
        if answer.is_none() {
            self.n_waiting.set(self.n_waiting.get() + 1);
            let mut needs = self.needs.borrow_mut();
            let is_first = match need {
                ValueNeed::Instance(address) => self.asked.borrow_mut().insert(address.clone()),
                function @ ValueNeed::Function { .. } => !needs.contains(function),
            };
            if is_first {
                needs.push(need.clone());
            }
        }
        answer
    }

    fn definitions_of(&self, module: &ModuleAddress) -> Result<&Definitions, Box<Diagnostic>> {
        self.definitions(module).ok_or_else(|| {
            let names = module.call_names();
            match self.sources.configuration.unread.get(&names) {
                Some(reason) => invalid(format!("The code of {module} is not at hand: {reason}.")),
                None => invalid(format!("Nothing calls the module {module}.")),
            }
        })
    }

    /// Tells of something that is not defined: a mistake where all of the module's code could be read.
    fn undefined(&self, module: &ModuleAddress, detail: &str) -> Result<Value, Box<Diagnostic>> {
        let names = module.call_names();
        let is_complete = self.sources.configuration.modules.get(&names).is_some_and(|module| module.is_complete);
        if is_complete {
            return Err(invalid(detail.to_owned()));
        }
        let reason = "it may be defined in a file that could not be read".to_owned();
        Ok(self.run.because(&Value::dynamic(), reason, None))
    }

    fn absent(address: &InstanceAddress, detail: &str) -> Box<Diagnostic> {
        let problem = Diagnostic::error("invalid-reference", "No such instance", format!("{detail}: {address}."));
        Box::new(problem.at_address(address))
    }
}

/// Shows no values.
impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root").field("workspace", &self.sources.workspace).finish_non_exhaustive()
    }
}

/// Makes the problem of a reference that means nothing. A full sentence.
fn invalid(detail: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("invalid-reference", "Invalid reference", detail))
}

/// Writes an address within a module as one of a module instance.
fn in_module(module: &ModuleAddress, address: &ResourceAddress) -> ResourceAddress {
    ResourceAddress { module: module.clone(), ..address.clone() }
}

fn kind_of(mode: ResourceMode) -> NameKind {
    match mode {
        ResourceMode::Managed => NameKind::Managed,
        ResourceMode::Data => NameKind::Data,
    }
}
