//! What names mean in a module instance.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::{Type, Value};
use model::{Diagnostic, InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, ResourceMode};

use super::expand::{Unexpanded, called};
use super::{Root, ValueAnswer, ValueNeed};
use crate::definitions::Definitions;
use crate::evaluate::{Evaluation, Files, Resolved, Scope, Written};
use crate::expression::ReferenceStep;

/// Names of what terraform itself has: they are no types of resources.
const RESERVED: &[&str] = &[
    "action",
    "count",
    "data",
    "each",
    "ephemeral",
    "local",
    "module",
    "path",
    "self",
    "template",
    "terraform",
    "tofu",
    "var",
];

/// The names that an expression in a module instance may use.
#[derive(Clone)]
pub struct InstanceScope<'r> {
    pub(super) root: &'r Root,
    pub(super) module: ModuleAddress,
    pub(super) definitions: &'r Definitions,
    pub(super) repetition: Repetition,
}

/// What `count` and `each` mean.
#[derive(Clone, Debug)]
pub enum Repetition {
    /// Nothing: the block is not repeated.
    None,
    /// `count.index` is this.
    Count(Value),
    /// `each` has this key and this value.
    Each {
        /// `each.key`.
        key: Value,
        /// `each.value`.
        value: Value,
    },
}

impl InstanceScope<'_> {
    /// Gives the module instance.
    pub fn module(&self) -> &ModuleAddress {
        &self.module
    }

    /// Gives what `count` and `each` mean in it.
    pub fn repetition(&self) -> &Repetition {
        &self.repetition
    }

    /// Gives the same scope within an instance of a block that is repeated.
    #[must_use]
    pub fn repeated(self, repetition: Repetition) -> Self {
        Self { repetition, ..self }
    }

    fn resource(
        &self,
        mode: ResourceMode,
        resource_type: &str,
        steps: &[ReferenceStep<'_>],
        n_before: usize,
    ) -> Resolved {
        let Some(ReferenceStep::Attribute(name)) = steps.get(n_before) else {
            return Resolved::Invalid(format!("The name of a resource must follow behind the type {resource_type:?}."));
        };
        let address = ResourceAddress {
            module: self.module.clone(),
            mode,
            resource_type: resource_type.into(),
            name: (*name).into(),
        };
        let Some(definition) = self.root.resource(&address) else {
            let detail = format!("The module has no block of {}.", local(&address));
            return Self::settle(self.root.undefined(&self.module, &detail), n_before + 1);
        };
        let keys = match self.root.resource_keys(&address) {
            Ok(keys) => keys,
            Err(reason) => return unexpanded(reason, &local(&address), n_before + 1),
        };
        let instance = |key: &Option<InstanceKey>| self.instance(address.clone().instance(key.clone()));
        self.of_keys(&keys, &definition.written, &instance, steps, n_before + 1)
    }

    /// Gives the value of a resource instance, or asks for it.
    pub(crate) fn instance(&self, address: InstanceAddress) -> Resolved {
        let name = local(&address.resource);
        match self.root.ask(&ValueNeed::Instance(address)) {
            Some(ValueAnswer::Value(value)) if value.is_wholly_known() => Resolved::Value { value, n_steps: 0 },
            Some(ValueAnswer::Value(value)) => {
                let reason = format!("{name} tells it once it is applied");
                Resolved::Value { value: self.root.run.because(&value, reason, None), n_steps: 0 }
            }
            Some(ValueAnswer::Unknown { ty, reason }) => Resolved::Unknown { ty, n_steps: 0, reason },
            Some(ValueAnswer::Invalid(detail)) => Resolved::Invalid(detail),
            None => {
                let reason = if name.starts_with("data.") {
                    format!("{name} is read from a cloud")
                } else {
                    format!("{name} is a resource, whose plan was not asked for")
                };
                Resolved::Unknown { ty: Type::Dynamic, n_steps: 0, reason }
            }
        }
    }

    fn call(&self, name: &str, steps: &[ReferenceStep<'_>]) -> Resolved {
        let Some(call) = self.definitions.calls.get(name) else {
            let detail = format!("The module calls no module {name:?}.");
            return Self::settle(self.root.undefined(&self.module, &detail), 1);
        };
        let keys = match self.root.call_keys(&self.module, name) {
            Ok(keys) => keys,
            Err(reason) => return unexpanded(reason, &format!("module.{name}"), 1),
        };
        let any = called(&self.module, name, None);
        if self.root.definitions(&any).is_none() {
            let reason = match self.root.definitions_of(&any) {
                Err(problem) => problem.detail.trim_end_matches('.').to_owned(),
                Ok(_) => "its code is not at hand".to_owned(),
            };
            return Resolved::Unknown { ty: Type::Dynamic, n_steps: 1, reason: lower(&reason) };
        }
        // Only the output that is meant is evaluated, where that can be told.
        let (key, n_steps) = match (keys.contains_key(&None), steps.get(1)) {
            (true, _) => (Some(None), 1),
            (false, Some(ReferenceStep::Index(key))) => (instance_key(key), 2),
            (false, _) => (None, 1),
        };
        if let (Some(key), Some(ReferenceStep::Attribute(output))) = (key, steps.get(n_steps)) {
            if !keys.contains_key(&key) {
                return Resolved::Invalid(format!("module.{name} has no instance with this key."));
            }
            let module = called(&self.module, name, key);
            return Self::settle(self.root.output_value(&module, output), n_steps + 1);
        }
        let instance = |key: &Option<InstanceKey>| self.outputs(&called(&self.module, name, key.clone()));
        self.of_keys(&keys, call, &instance, steps, 1)
    }

    /// Gives all outputs of a module instance.
    fn outputs(&self, module: &ModuleAddress) -> Resolved {
        let definitions = match self.root.definitions_of(module) {
            Ok(definitions) => definitions,
            Err(problem) => return Resolved::Failed(problem),
        };
        let mut outputs = BTreeMap::new();
        for name in definitions.outputs.keys() {
            match self.root.output_value(module, name) {
                Ok(value) => drop(outputs.insert(name.clone(), value)),
                Err(problem) => return Resolved::Failed(problem),
            }
        }
        Resolved::Value { value: Value::object(outputs), n_steps: 0 }
    }

    /// Joins the instances of a block to what its name means: one value, a tuple of `count`, an object of `for_each`; or
    /// gives the one that a key behind the name means.
    fn of_keys(
        &self,
        keys: &BTreeMap<Option<InstanceKey>, Value>,
        written: &Written,
        instance: &dyn Fn(&Option<InstanceKey>) -> Resolved,
        steps: &[ReferenceStep<'_>],
        n_steps: usize,
    ) -> Resolved {
        if keys.is_empty() && written.attribute("count").is_none() && written.attribute("for_each").is_none() {
            // OpenTofu's `enabled` is false.
            return Resolved::Value { value: Value::null(Type::Dynamic), n_steps };
        }
        if keys.contains_key(&None) {
            return with_steps(instance(&None), n_steps);
        }
        if let Some(ReferenceStep::Index(key)) = steps.get(n_steps)
            && let Some(key) = instance_key(key)
        {
            if keys.contains_key(&key) {
                return with_steps(instance(&key), n_steps + 1);
            }
            return Resolved::Invalid("There is no instance with this key.".to_owned());
        }
        let mut listed = Vec::new();
        let mut keyed = BTreeMap::new();
        for key in keys.keys() {
            let value = match instance(key) {
                Resolved::Value { value, .. } => value,
                Resolved::Unknown { ty, reason, .. } => self.root.run.because(&Value::unknown(ty), reason, None),
                other => return other,
            };
            match key {
                Some(InstanceKey::String(key)) => drop(keyed.insert(key.to_string(), value)),
                _ => listed.push(value),
            }
        }
        let is_listed = written.attribute("count").is_some();
        let value = if is_listed { Value::tuple(listed) } else { Value::object(keyed) };
        Resolved::Value { value, n_steps }
    }

    fn settle(outcome: Result<Value, Box<Diagnostic>>, n_steps: usize) -> Resolved {
        match outcome {
            Ok(value) => Resolved::Value { value, n_steps },
            // What has no place of its own gets that of the reference.
            Err(problem) if problem.span.is_none() => Resolved::Invalid(problem.detail),
            Err(problem) => Resolved::Failed(problem),
        }
    }
}

impl Scope for InstanceScope<'_> {
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        let first = match steps.first() {
            Some(ReferenceStep::Attribute(first)) => *first,
            Some(ReferenceStep::Index(key)) if RESERVED.contains(&name) => key.as_str().unwrap_or_default(),
            _ => return Resolved::Invalid(format!("What of {name:?} is meant must follow behind a dot.")),
        };
        let value = |value: Value| Resolved::Value { value, n_steps: 1 };
        let sources = &self.root.sources;
        match (name, first) {
            ("var", variable) => Self::settle(self.root.variable_value(&self.module, variable), 1),
            ("local", local) => Self::settle(self.root.local_value(&self.module, local), 1),
            ("path", "module") => value(Value::string(self.definitions.folder.clone())),
            ("path", "root") => value(Value::string(".")),
            ("path", "cwd") => match &sources.current_dir {
                Some(folder) => value(Value::string(&**folder)),
                None => Resolved::Unknown {
                    ty: Type::String,
                    n_steps: 1,
                    reason: "the current folder is not known".to_owned(),
                },
            },
            ("terraform" | "tofu", "workspace") => value(Value::string(&*sources.workspace)),
            ("terraform" | "tofu", "applying") => {
                Resolved::Unknown { ty: Type::Bool, n_steps: 1, reason: "it differs between plan and apply".to_owned() }
            }
            ("path" | "terraform" | "tofu", other) => Resolved::Invalid(format!("{name} has no attribute {other:?}.")),
            ("each", part) => match (&self.repetition, part) {
                (Repetition::Each { key, .. }, "key") => value(key.clone()),
                (Repetition::Each { value: of_key, .. }, "value") => value(of_key.clone()),
                _ => {
                    Resolved::Invalid("`each` has a key and a value, and only where there is a `for_each`.".to_owned())
                }
            },
            ("count", "index") => match &self.repetition {
                Repetition::Count(index) => value(index.clone()),
                _ => Resolved::Invalid("There is a `count.index` only where there is a `count`.".to_owned()),
            },
            ("count" | "self", _) => Resolved::Invalid(format!("There is no `{name}.{first}` here.")),
            ("data", resource_type) => self.resource(ResourceMode::Data, resource_type, steps, 1),
            ("resource", resource_type) => self.resource(ResourceMode::Managed, resource_type, steps, 1),
            ("module", call) => self.call(call, steps),
            ("ephemeral", _) => Resolved::Unknown {
                ty: Type::Dynamic,
                n_steps: steps.len(),
                reason: "it is opened by a provider when terraform runs".to_owned(),
            },
            (resource_type, _) => self.resource(ResourceMode::Managed, resource_type, steps, 0),
        }
    }

    fn files(&self) -> Option<Files<'_>> {
        let sources = &self.root.sources;
        Some(Files { tree: &*sources.tree, home: sources.home.as_deref() })
    }

    fn current_dir(&self) -> Option<&str> {
        self.root.sources.current_dir.as_deref()
    }

    fn provider_function(&self, name: &str, arguments: &[Value], _: &Evaluation) -> Resolved {
        let unknown = |ty: Type, reason: String| Resolved::Unknown { ty, n_steps: 0, reason };
        if !arguments.iter().all(Value::is_wholly_known) {
            return unknown(Type::Dynamic, format!("an argument of {name}() is not known"));
        }
        let (module, name) = (self.module.clone(), name.to_owned());
        let reason = format!("the function {name}() is computed by a provider, which was not asked");
        match self.root.ask(&ValueNeed::Function { module, name, arguments: arguments.to_vec() }) {
            Some(ValueAnswer::Value(value)) => Resolved::Value { value, n_steps: 0 },
            Some(ValueAnswer::Unknown { ty, reason }) => unknown(ty, reason),
            Some(ValueAnswer::Invalid(detail)) => Resolved::Invalid(detail),
            None => unknown(Type::Dynamic, reason),
        }
    }
}

/// Makes the instance key of a literal key; `None` where it is none.
pub(crate) fn instance_key(key: &Value) -> Option<Option<InstanceKey>> {
    let key = key.unmark().0;
    let number = || key.as_number().and_then(cty::Number::to_i64).and_then(|number| u64::try_from(number).ok());
    key.as_str().map(|text| InstanceKey::String(text.into())).or_else(|| number().map(InstanceKey::Int)).map(Some)
}

/// Counts steps from the name on that the reference begins with.
fn with_steps(resolved: Resolved, n_steps: usize) -> Resolved {
    match resolved {
        Resolved::Value { value, .. } => Resolved::Value { value, n_steps },
        Resolved::Unknown { ty, reason, .. } => Resolved::Unknown { ty, n_steps, reason },
        other => other,
    }
}

fn unexpanded(reason: Unexpanded, name: &str, n_steps: usize) -> Resolved {
    match reason {
        Unexpanded::Failed(problem) if problem.span.is_none() => Resolved::Invalid(problem.detail),
        Unexpanded::Failed(problem) => Resolved::Failed(problem),
        Unexpanded::Unknown { reason, .. } => {
            let reason = format!("which instances {name} has is not known ({reason})");
            Resolved::Unknown { ty: Type::Dynamic, n_steps, reason }
        }
    }
}

/// Writes the address of a resource within its module.
fn local(address: &ResourceAddress) -> Arc<str> {
    super::in_module(&ModuleAddress::root(), address).to_string().into()
}

fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
