//! Which instances modules and resources have: `count` and `for_each`.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::convert::convert;
use cty::{Mark, Type, Value};
use model::{Diagnostic, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress, Span};

use super::scope::{InstanceScope, Repetition};
use super::{Name, NameKind, Root, in_module, invalid, kind_of};
use crate::evaluate::Written;
use crate::syntax::{AttributeSyntax, File};

/// The most instances of one block that are told apart.
const MAX_INSTANCES: u64 = 100_000;
/// How deep module calls may nest.
const MAX_MODULE_DEPTH: usize = 32;

/// The keys of a block's instances, each with what `count.index` or `each.value` is there; or why they are not known.
pub type Keys = Result<Arc<BTreeMap<Option<InstanceKey>, Value>>, Unexpanded>;

/// Why nobody can tell which instances a block has.
#[derive(Clone, Debug)]
pub enum Unexpanded {
    /// That depends on something that is not known.
    Unknown {
        /// Why, as a clause with its subject.
        reason: String,
        /// Where, as far as there is code for it.
        span: Option<Span>,
    },
    /// There is a mistake in the code.
    Failed(Box<Diagnostic>),
}

/// All instances of all resources of a root module.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// The module instances, callers first.
    pub modules: Vec<ModuleAddress>,
    /// The resource instances, data sources included, by module.
    pub instances: Vec<InstanceAddress>,
    /// The calls of modules whose instances are not known, by the address without the last key.
    pub unknown_modules: Vec<(ModuleAddress, Unexpanded)>,
    /// The resources whose instances are not known.
    pub unknown_resources: Vec<(ResourceAddress, Unexpanded)>,
}

impl std::fmt::Display for Unexpanded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown { reason, .. } => f.write_str(reason),
            Self::Failed(problem) => write!(f, "there is a mistake in the code: {problem}"),
        }
    }
}

impl Root {
    /// Lists every instance that the code has, as far as that can be told.
    pub fn expand(&self) -> Expansion {
        let mut expansion = Expansion::default();
        self.expand_module(ModuleAddress::root(), &mut expansion);
        expansion
    }

    fn expand_module(&self, module: ModuleAddress, expansion: &mut Expansion) {
        let Some(definitions) = self.definitions(&module) else {
            let reason = match self.definitions_of(&module) {
                Err(problem) => problem.detail.trim_end_matches('.').to_owned(),
                Ok(_) => "its code is not at hand".to_owned(),
            };
            expansion.unknown_modules.push((module, Unexpanded::Unknown { reason, span: None }));
            return;
        };
        for address in definitions.resources.keys() {
            let address = in_module(&module, address);
            match self.resource_keys(&address) {
                Ok(keys) => {
                    expansion.instances.extend(keys.keys().map(|key| address.clone().instance(key.clone())));
                }
                Err(reason) => expansion.unknown_resources.push((address, reason)),
            }
        }
        expansion.modules.push(module.clone());
        for name in definitions.calls.keys() {
            match self.call_keys(&module, name) {
                Ok(keys) if module.steps().len() < MAX_MODULE_DEPTH => {
                    for key in keys.keys() {
                        self.expand_module(called(&module, name, key.clone()), expansion);
                    }
                }
                Ok(_) => {
                    let reason = "modules call each other without end".to_owned();
                    let unknown = Unexpanded::Unknown { reason, span: None };
                    expansion.unknown_modules.push((called(&module, name, None), unknown));
                }
                Err(reason) => expansion.unknown_modules.push((called(&module, name, None), reason)),
            }
        }
    }

    /// Gives the keys of the instances of a resource in a module instance.
    pub fn resource_keys(&self, address: &ResourceAddress) -> Keys {
        let definition = self
            .resource(address)
            .ok_or_else(|| Unexpanded::Failed(invalid(format!("The code has no block of {address}."))))?;
        self.keys(
            &address.module,
            kind_of(address.mode),
            &format!("{}.{}", address.resource_type, address.name),
            &definition.written,
        )
    }

    /// Gives the keys of the instances of a module that a module instance calls.
    pub fn call_keys(&self, caller: &ModuleAddress, name: &str) -> Keys {
        let definitions = self.definitions_of(caller).map_err(Unexpanded::Failed)?;
        let call = definitions.calls.get(name);
        let call = call.ok_or_else(|| Unexpanded::Failed(invalid(format!("Nothing calls a module {name:?}."))))?;
        self.keys(caller, NameKind::Call, name, call)
    }

    /// Gives the scope of a module instance, outside of what is repeated.
    ///
    /// # Errors
    /// One problem, where no call leads to it, or nobody can tell.
    pub fn module_scope(&self, module: &ModuleAddress) -> Result<InstanceScope<'_>, Box<Diagnostic>> {
        let definitions = self.definitions_of(module)?;
        Ok(InstanceScope { root: self, module: module.clone(), definitions, repetition: Repetition::None })
    }

    /// Gives the scope of a resource instance.
    ///
    /// # Errors
    /// One problem, where the code has no such instance, or nobody can tell whether it has.
    pub fn instance_scope(&self, address: &InstanceAddress) -> Result<InstanceScope<'_>, Box<Diagnostic>> {
        let scope = self.module_scope(&address.resource.module)?;
        let keys = self.resource_keys(&address.resource);
        let repetition = repetition(keys, address.key.as_ref()).map_err(|reason| match reason {
            Some(Unexpanded::Failed(problem)) => problem,
            Some(reason) => Self::absent(address, &format!("Which instances there are is not known: {reason}")),
            None => Self::absent(address, "The code has no instance with this key"),
        })?;
        Ok(InstanceScope { repetition, ..scope })
    }

    /// Gives the scope in which the arguments of the call of a module instance are evaluated.
    pub(crate) fn call_scope(&self, module: &ModuleAddress) -> Result<InstanceScope<'_>, Box<Diagnostic>> {
        let Some((step, outer)) = module.steps().split_last() else { return self.module_scope(module) };
        let outer = ModuleAddress::from_steps(outer.to_vec());
        let scope = self.module_scope(&outer)?;
        let repetition =
            repetition(self.call_keys(&outer, &step.name), step.key.as_ref()).map_err(|reason| match reason {
                Some(Unexpanded::Failed(problem)) => problem,
                Some(reason) => invalid(format!("Which instances of {module} there are is not known: {reason}.")),
                None => invalid(format!("There is no module instance {module}.")),
            })?;
        Ok(InstanceScope { repetition, ..scope })
    }

    fn keys(&self, module: &ModuleAddress, kind: NameKind, name: &str, written: &Written) -> Keys {
        let key = Name { module: module.clone(), kind, label: Arc::from(name) };
        if let Some((keys, is_waiting)) = self.expansions.borrow().get(&key) {
            self.n_waiting.set(self.n_waiting.get() + usize::from(*is_waiting));
            return keys.clone();
        }
        let n_before = self.n_waiting.get();
        let circle = invalid(format!("The instances of {name} depend on themselves."));
        self.expansions.borrow_mut().insert(key.clone(), (Err(Unexpanded::Failed(circle)), false));
        let keys = self.compute_keys(module, written);
        let is_waiting = self.n_waiting.get() > n_before;
        self.expansions.borrow_mut().insert(key, (keys.clone(), is_waiting));
        keys
    }

    fn compute_keys(&self, module: &ModuleAddress, written: &Written) -> Keys {
        let scope = self.module_scope(module).map_err(Unexpanded::Failed)?;
        match (written.attribute("count"), written.attribute("for_each")) {
            (Some((file, count)), None) => self.count(file, count, &scope),
            (None, Some((file, for_each))) => self.for_each(file, for_each, &scope),
            (None, None) => self.enabled(written, &scope),
            (Some((file, count)), Some(_)) => {
                Err(mistake(file, count, "A block has `count` or `for_each`, and not both."))
            }
        }
    }

    /// Gives the keys that the `for_each` of a block makes, which is no resource; `None` where it has none.
    pub(crate) fn for_each_keys(
        &self,
        written: &Written,
        scope: &InstanceScope<'_>,
    ) -> Result<Option<Arc<BTreeMap<Option<InstanceKey>, Value>>>, Unexpanded> {
        let Some((file, for_each)) = written.attribute("for_each") else { return Ok(None) };
        self.for_each(file, for_each, scope).map(Some)
    }

    /// Tells what `enabled` of OpenTofu's `lifecycle` makes of a block without `count` and `for_each`.
    fn enabled(&self, written: &Written, scope: &InstanceScope<'_>) -> Keys {
        let one = || Ok(Arc::new(BTreeMap::from([(None, Value::dynamic())])));
        let lifecycles = written.blocks().filter(|(_, block)| block.block_type == "lifecycle");
        let arguments = lifecycles.filter_map(|(file, block)| Some((file, block.body.attribute("enabled")?)));
        let Some((file, enabled)) = arguments.last() else { return one() };
        let value = self.evaluate(file, &enabled.expression, scope).map_err(Unexpanded::Failed)?;
        let value = convert(&value, &Type::Bool)
            .map_err(|error| mistake(file, enabled, &format!("`enabled` must be true or false: {error}.")))?;
        let (value, unknown) = self.run.settle(&value);
        let (value, marks) = value.unmark();
        if marks.contains(&Mark::Sensitive) {
            return Err(mistake(file, enabled, "`enabled` is sensitive, and would show in addresses."));
        }
        if !value.is_known() {
            return Err(not_known("`enabled`", &unknown, file, enabled));
        }
        match value.as_bool() {
            Some(true) => one(),
            Some(false) => Ok(Arc::default()),
            None => Err(mistake(file, enabled, "`enabled` is null; it must be true or false.")),
        }
    }

    fn count(&self, file: &File, count: &AttributeSyntax, scope: &InstanceScope<'_>) -> Keys {
        let value = self.evaluate(file, &count.expression, scope).map_err(Unexpanded::Failed)?;
        let value = convert(&value, &Type::Number)
            .map_err(|error| mistake(file, count, &format!("`count` must be a whole number: {error}.")))?;
        let (value, unknown) = self.run.settle(&value);
        let (value, marks) = value.unmark();
        if marks.contains(&Mark::Sensitive) {
            return Err(mistake(file, count, "`count` is sensitive, and would show in addresses."));
        }
        if value.is_null() {
            return Err(mistake(file, count, "`count` is null; it must be a whole number."));
        }
        if !value.is_known() {
            return Err(not_known("`count`", &unknown, file, count));
        }
        let n_instances = value.as_number().and_then(cty::Number::to_i64);
        let n_instances = n_instances.and_then(|number| u64::try_from(number).ok());
        let n_instances =
            n_instances.ok_or_else(|| mistake(file, count, "`count` must be a whole number, not negative."))?;
        if n_instances > MAX_INSTANCES {
            return Err(mistake(
                file,
                count,
                &format!("`count` is {n_instances}; at most {MAX_INSTANCES} are told apart."),
            ));
        }
        Ok(Arc::new((0..n_instances).map(|index| (Some(InstanceKey::Int(index)), Value::from(index))).collect()))
    }

    fn for_each(&self, file: &File, for_each: &AttributeSyntax, scope: &InstanceScope<'_>) -> Keys {
        let value = self.evaluate(file, &for_each.expression, scope).map_err(Unexpanded::Failed)?;
        let (settled, unknown) = self.run.settle(&value);
        let (bare, marks) = settled.unmark();
        if marks.contains(&Mark::Sensitive) {
            return Err(mistake(file, for_each, "`for_each` is sensitive, and its keys would show in addresses."));
        }
        if bare.is_null() {
            return Err(mistake(file, for_each, "`for_each` is null; an empty map makes no instance."));
        }
        if !bare.is_known() {
            return Err(not_known("`for_each`", &unknown, file, for_each));
        }
        let (value, marks) = value.unmark();
        let marked = |element: &Value| element.with_marks(marks.iter().cloned());
        match bare.ty() {
            Type::Map(_) | Type::Object(_) => {
                let keyed =
                    value.entries().map(|(key, element)| (Some(InstanceKey::String(key.into())), marked(element)));
                Ok(Arc::new(keyed.collect()))
            }
            Type::Set(_) => {
                if !bare.is_wholly_known() {
                    return Err(not_known("`for_each`", &unknown, file, for_each));
                }
                let mut keys = BTreeMap::new();
                for element in bare.elements() {
                    let element = element.unmark().0;
                    let Some(text) = element.as_str() else {
                        return Err(mistake(
                            file,
                            for_each,
                            "A set in `for_each` must hold texts, of which none is null.",
                        ));
                    };
                    keys.insert(Some(InstanceKey::String(text.into())), element.clone());
                }
                Ok(Arc::new(keys))
            }
            other => {
                let detail =
                    format!("`for_each` must be a map, an object or a set of texts, not a {}.", other.friendly_name());
                Err(mistake(file, for_each, &detail))
            }
        }
    }
}

/// Addresses an instance of a module that another calls.
pub(crate) fn called(caller: &ModuleAddress, name: &str, key: Option<InstanceKey>) -> ModuleAddress {
    let mut steps = caller.steps().to_vec();
    steps.push(ModuleStep { name: Arc::from(name), key });
    ModuleAddress::from_steps(steps)
}

/// Gives what `count` and `each` mean in the instance with a key; no reason where there is no such instance.
fn repetition(keys: Keys, key: Option<&InstanceKey>) -> Result<Repetition, Option<Unexpanded>> {
    let keys = keys.map_err(Some)?;
    let value = keys.get(&key.cloned()).ok_or(None)?;
    Ok(match key {
        None => Repetition::None,
        Some(InstanceKey::Int(_)) => Repetition::Count(value.clone()),
        Some(InstanceKey::String(text)) => Repetition::Each { key: Value::string(&**text), value: value.clone() },
    })
}

fn mistake(file: &File, attribute: &AttributeSyntax, detail: &str) -> Unexpanded {
    let problem = Diagnostic::error("invalid-repetition", "Invalid count or for_each", detail);
    Unexpanded::Failed(Box::new(problem.at_span(file.expression_span(&attribute.expression))))
}

fn not_known(what: &str, unknown: &[crate::evaluate::Unknown], file: &File, attribute: &AttributeSyntax) -> Unexpanded {
    let reason = match unknown.first() {
        Some(unknown) => format!("its {what} is not known, because {}", unknown.reason),
        None => format!("its {what} is not known"),
    };
    Unexpanded::Unknown { reason, span: Some(file.expression_span(&attribute.expression)) }
}
