//! Calls of modules that the code does not have yet: what their variables must be set to, so that the resources of the
//! module are the objects that a person sends there.
//!
//! An argument of a resource that is exactly a variable of the module gives that variable the object's value. Then the call
//! is written and evaluated, and the provider plans every resource over its object: a variable with a default is only set
//! where the plan is not clean without.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::{Path, Value};
use drift::adopt::search::{Flaw, Lessons, Profile, Solution, looks_secret};
use hcl::definitions::{Definitions, Variable};
use hcl::emit;
use hcl::expression::{Node, NodeKind, parse};
use hcl::names::OccupiedNames;
use hcl::syntax::{Body, File};
use model::draft::{DraftExpression, DraftModuleCall, DraftVariable};
use model::schema::{AttributeType, NestingMode};
use model::{
    Block, Diagnostic, Diagnostics, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ProviderAddress,
    ResourceMode, Schema,
};

use super::answer::AdoptedVariable;
use super::bench::{Bench, Work};
use super::declared::Declared;
use super::drive::{Outcome, Task};
use super::fetch::{self, Fetched, Refusal};
use super::probe;
use super::write::push_block;
use crate::evaluation::call_names;
use crate::refresh::asking::Failure;

/// The file that calls are written to.
pub(super) const FILE_NAME: &str = "generated_modules.tf";
/// How often a call is written anew with more of its variables set.
const MAX_ROUNDS: usize = 6;

/// An object that goes into the module.
pub(super) struct Member {
    pub(super) task: Task,
    pub(super) to: InstanceAddress,
    pub(super) bench: Arc<Bench>,
}

/// A call that is to be written.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) draft: DraftModuleCall,
    /// The root module's variables that it refers to, with the values that were certified.
    pub(super) variables: Vec<(DraftVariable, Value)>,
}

/// Prints calls, and the variables that they refer to; gives these.
pub(super) fn write(
    calls: &[NewCall],
    files: &mut BTreeMap<String, String>,
    diagnostics: &mut Diagnostics,
) -> Vec<AdoptedVariable> {
    let mut print = |file: &str, printed: Result<String, emit::EmitError>| match printed {
        Ok(printed) => push_block(files.entry(file.to_owned()).or_default(), &printed),
        Err(error) => {
            let detail = format!("The call of a module {error}. This is a bug in driftmgr; the block is left out.");
            let summary = "A configuration was found and cannot be written";
            diagnostics.push(Diagnostic::warning("adoption-not-written", summary, detail));
        }
    };
    let mut variables = Vec::new();
    for call in calls {
        print(FILE_NAME, emit::module_call(&call.draft));
        for (variable, value) in &call.variables {
            print("generated_variables.tf", emit::variable(variable));
            let (module, value) = (ModuleAddress::root(), value.mark_sensitive());
            variables.push(AdoptedVariable { module, variable: variable.clone(), value });
        }
    }
    variables
}

/// The key of an instance of the call.
type Key = Option<Arc<str>>;

/// An object that was read.
struct Read<'a> {
    member: &'a Member,
    key: Key,
    schema: &'a Schema,
    fetched: Fetched,
}

/// What an argument says of a variable.
#[derive(Clone, Debug)]
struct Given {
    /// The argument.
    path: Path,
    variable: String,
    /// The attributes of the variable's value on the way to this one.
    inside: Vec<String>,
    value: Value,
    /// Whether the schema calls it sensitive.
    is_sensitive: bool,
    /// Whether it calls a part of it so.
    has_sensitive_part: bool,
}

/// Finds the call of a module for the objects that go there. Outcomes are in the order of the members.
///
/// `name` is that of the call, which the root module does not have yet.
pub(super) async fn work(
    declared: &Declared,
    name: &str,
    source: &str,
    members: &[Member],
    profile: Profile,
) -> (Vec<Outcome>, Option<NewCall>) {
    let mut outcomes: Vec<Option<Outcome>> = members.iter().map(|_| None).collect();
    let all = |reason: String| (members.iter().map(|_| Outcome::skipped(reason.clone())).collect(), None);
    let module = match Module::read(declared, name, source) {
        Ok(module) => module,
        Err(reason) => return all(reason),
    };
    let mut read = Vec::new();
    for (position, member) in members.iter().enumerate() {
        match take_up(&module, member).await {
            Ok((key, schema, fetched)) => read.push((position, Read { member, key, schema, fetched })),
            Err(outcome) => outcomes[position] = Some(*outcome),
        }
    }
    let is_keyed = read.iter().any(|(_, read)| read.key.is_some());
    if is_keyed && read.iter().any(|(_, read)| read.key.is_none()) {
        return all(format!(
            "Some objects go to module.{name} with a key, and some without: a call has one or the other."
        ));
    }
    let mut call = match (read.is_empty(), Inputs::of(&module, &read, profile)) {
        (true, _) => return (outcomes.into_iter().flatten().collect(), None),
        (_, Ok(call)) => call,
        (_, Err(reason)) => return all(reason),
    };
    let mut judged: Vec<Result<(Value, Vec<Flaw>), String>> = Vec::new();
    let mut n_probes = 0;
    for _ in 0..MAX_ROUNDS {
        let written = match call.write(&module, true).and_then(|draft| print(&draft)) {
            Ok(text) => declared.with_file(FILE_NAME, text),
            Err(reason) => return all(reason),
        };
        judged.clear();
        n_probes += 1;
        for (_, read) in &read {
            judged.push(match judge(&written, read).await {
                Ok(judged) => judged,
                Err(failure) => Err(failure_reason(failure)),
            });
        }
        let mut is_changed = false;
        for ((_, read), judged) in read.iter().zip(&judged) {
            is_changed |= match judged {
                Ok((_, flaws)) => call.set_for(read, flaws),
                Err(_) => call.set_all(read),
            };
        }
        if !is_changed {
            break;
        }
    }
    let draft = call.write(&module, false);
    let written =
        call.write(&module, true).and_then(|draft| print(&draft)).map(|text| declared.with_file(FILE_NAME, text));
    let beside = written.as_ref().map(|written| created_beside(written, name, &read)).unwrap_or_default();
    let is_any =
        judged.iter().any(|judged| matches!(judged, Ok((_, flaws)) if !flaws.iter().any(|flaw| flaw.replaces)));
    for ((position, read), judged) in read.into_iter().zip(judged) {
        let outcome = match judged {
            Err(reason) => Outcome::skipped(reason),
            Ok((config, mut flaws)) => {
                flaws.extend(beside.iter().cloned());
                let solution = Solution {
                    config,
                    flaws,
                    secrets: Vec::new(),
                    json: Vec::new(),
                    ignore_changes: Vec::new(),
                    n_probes,
                    learned: Lessons::default(),
                };
                let work = Work::begin(&read.member.bench, read.member.bench.pace.slot().await);
                let outcome = Outcome::found(read.fetched, solution, false, &work);
                Outcome { declared: outcome.found.as_ref().map(|_| read.member.to.clone()), ..outcome }
            }
        };
        outcomes[position] = Some(outcome);
    }
    let new = draft.ok().filter(|_| is_any).map(|draft| NewCall { draft, variables: call.variables(&module) });
    let missing = || Outcome::skipped("It was not reached.".to_owned());
    (outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect(), new)
}

/// A module that is to be called.
struct Module {
    name: String,
    source: String,
    definitions: Definitions,
    /// The variables that the root module has.
    taken: BTreeSet<String>,
    /// The code with a bare call of it.
    code: Declared,
}

impl Module {
    fn read(declared: &Declared, name: &str, source: &str) -> Result<Self, String> {
        if !source.starts_with("./") && !source.starts_with("../") {
            return Err(format!(
                "The source {source:?} of the module {name} is no path that begins with ./ or ../. Write the call of a module \
                 from elsewhere yourself and run `init`; then objects can be sent to it."
            ));
        }
        let bare = DraftModuleCall {
            name: name.to_owned(),
            source: source.to_owned(),
            version: None,
            for_each: None,
            arguments: Vec::new(),
            remarks: Vec::new(),
        };
        let code = declared.with_file(FILE_NAME, print(&bare)?);
        let names = vec![name.to_owned()];
        let Some(module) = code.configuration().modules.get(&names) else {
            let reason = code.configuration().unread.get(&names);
            let reason = reason.map_or("it cannot be read", String::as_str);
            return Err(format!("The module {source:?} cannot be called as {name}: {reason}."));
        };
        let folder = module.files.first().and_then(|(path, _)| path.rsplit_once('/')).map_or(".", |(folder, _)| folder);
        let tree = declared.tree();
        let (definitions, _) = Definitions::read(tree, folder);
        let taken = OccupiedNames::read(tree, ".").0.variables;
        Ok(Self { name: name.to_owned(), source: source.to_owned(), definitions, taken, code })
    }
}

/// Imports and reads the object of a member, once it is certain that the module has a resource for it.
async fn take_up<'a>(module: &Module, member: &'a Member) -> Result<(Key, &'a Schema, Fetched), Box<Outcome>> {
    let skipped = |reason: String| Box::new(Outcome::skipped(reason));
    let to = &member.to;
    let key = match to.resource.module.steps().first().map(|step| &step.key) {
        Some(None) => None,
        Some(Some(InstanceKey::String(key))) => Some(Arc::clone(key)),
        _ => return Err(skipped(format!("{to} has a number as key of a call that is to be written: use a name."))),
    };
    if module.code.block(&to.resource).is_none() {
        return Err(skipped(format!("The module {} has no {}.", module.source, unkeyed(to))));
    }
    if let Some(provider) = &member.bench.argument {
        return Err(skipped(format!(
            "It needs the provider configuration {provider}, and a call that is generated passes the default ones. Write the \
             call yourself."
        )));
    }
    if let Some(other) = other_provider(module, member) {
        let own = &member.bench.address;
        return Err(skipped(format!(
            "The module {} means the provider {other}, and the root module has {own}. Say so in the `required_providers` of the \
             module.",
            module.source
        )));
    }
    let resource_type = to.resource_type().as_str();
    let Some(schema) = member.bench.schema.resources.get(resource_type) else {
        return Err(skipped(format!("{} has no resource type {resource_type}.", member.bench.address)));
    };
    let mut work = Work::begin(&member.bench, member.bench.pace.slot().await);
    match fetch::fetch(&mut work, resource_type, schema, &member.task.source).await {
        Ok(fetched) => Ok((key, schema, fetched)),
        Err(Refusal::Skip(reason)) => Err(skipped(reason)),
        Err(Refusal::Failed(failure)) => Err(skipped(failure_reason(failure))),
    }
}

/// Gives the provider that a module means, where it is not the one of the object.
fn other_provider(module: &Module, member: &Member) -> Option<ProviderAddress> {
    let block = module.code.block(&member.to.resource)?;
    // Modules inside of it have requirements of their own.
    if member.to.resource.module.steps().len() != 1 {
        return None;
    }
    let prefix = member.to.resource_type().as_str().split('_').next().unwrap_or_default();
    let name = block.provider.as_deref().and_then(|provider| provider.split('.').next()).unwrap_or(prefix);
    let source = module.definitions.required_providers.get(name).and_then(Option::as_deref).unwrap_or(name);
    let meant: ProviderAddress = source.to_lowercase().parse().ok()?;
    (!meant.is_same_provider(&member.bench.address)).then_some(meant)
}

fn failure_reason(failure: Failure) -> String {
    let (Failure::Unseen(cause) | Failure::Crashed(cause)) = failure;
    cause.detail
}

/// Writes an address without the keys of its module.
fn unkeyed(address: &InstanceAddress) -> String {
    format!("{}.{}", address.resource_type(), address.resource.name)
}

fn print(draft: &DraftModuleCall) -> Result<String, String> {
    emit::module_call(draft).map_err(|error| format!("The call of the module {} {error}.", draft.name))
}

/// Evaluates the resource of an object, and asks the provider what the next apply would do.
async fn judge(written: &Declared, read: &Read<'_>) -> Result<Result<(Value, Vec<Flaw>), String>, Failure> {
    let evaluated = match written.instance(&read.member.to, read.schema) {
        Ok(evaluated) => evaluated,
        Err(reason) => return Ok(Err(reason)),
    };
    let bench = &read.member.bench;
    let mut work = Work::begin(bench, bench.pace.slot().await);
    let observed = &read.fetched.object.value;
    work.secrets.add_by_schema(observed, &read.schema.block);
    let asked = evaluated.probe(read.schema, observed);
    let resource_type = read.member.to.resource_type().as_str();
    let answer = probe::answer(&mut work, resource_type, read.schema, &read.fetched.object, &asked).await?;
    Ok(evaluated.judge(read.schema, observed, &answer).map(|flaws| (evaluated.config.clone(), flaws)))
}

/// Finds what the module would create beside the objects.
fn created_beside(written: &Declared, name: &str, read: &[(usize, Read<'_>)]) -> Vec<Flaw> {
    let keys: BTreeSet<&Key> = read.iter().map(|(_, read)| &read.key).collect();
    let members: BTreeSet<&InstanceAddress> = read.iter().map(|(_, read)| &read.member.to).collect();
    let mut created = BTreeSet::new();
    for (path, module) in &written.configuration().modules {
        if path.first().is_none_or(|first| first != name) {
            continue;
        }
        let blocks = module.resources.iter().filter(|block| block.address.mode == ResourceMode::Managed);
        for (block, key) in blocks.flat_map(|block| keys.iter().map(move |key| (block, *key))) {
            let step = |(position, name): (usize, &String)| ModuleStep {
                name: name.as_str().into(),
                key: key.clone().filter(|_| position == 0).map(InstanceKey::String),
            };
            let mut address = block.address.clone();
            address.module = ModuleAddress::from_steps(path.iter().enumerate().map(step).collect());
            // Where nobody knows how many there are, there may be one.
            let instances = written.keys(&address).unwrap_or_else(|_| vec![None]);
            let instances = instances.into_iter().map(|key| address.clone().instance(key));
            created.extend(instances.filter(|instance| !members.contains(instance)));
        }
    }
    let why = |address: &InstanceAddress| {
        format!("The module also has {address}, to which no object is sent: the next apply would create it.")
    };
    created.iter().map(|address| Flaw { path: Path::new(), why: why(address), replaces: false }).collect()
}

/// What the variables of a call are set to.
struct Inputs {
    /// By the key of the instance.
    given: BTreeMap<Key, Vec<Given>>,
    /// Those that are set.
    set: BTreeSet<String>,
}

impl Inputs {
    /// Finds what the objects say of the variables; those without a default are set at once.
    fn of(module: &Module, read: &[(usize, Read<'_>)], profile: Profile) -> Result<Self, String> {
        let mut given: BTreeMap<Key, Vec<Given>> = BTreeMap::new();
        for (_, read) in read {
            let of_key = given.entry(read.key.clone()).or_default();
            // Deeper ones have the variables of another module.
            if read.member.to.resource.module.steps().len() != 1 {
                continue;
            }
            let Some(code) = module.code.code(&read.member.to.resource) else { continue };
            let observed = &read.fetched.object.value;
            invert(&code.file, &code.body, &read.schema.block, observed, &Path::new(), of_key);
        }
        let variables = &module.definitions.variables;
        for of_key in given.values_mut() {
            of_key.retain(|one| variables.contains_key(&one.variable));
        }
        let is_given = |name: &String| given.values().all(|of_key| of_key.iter().any(|one| one.variable == *name));
        let required = variables.iter().filter(|(_, variable)| variable.default.is_none());
        let missing: Vec<&str> =
            required.clone().map(|(name, _)| name).filter(|name| !is_given(name)).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(format!(
                "The module {} must be given {}, and no argument of the objects' resources is just that. Write the call yourself; \
                 then objects can be sent to it.",
                module.source,
                missing.join(", ")
            ));
        }
        let mut set: BTreeSet<String> = required.map(|(name, _)| name.clone()).collect();
        if profile == Profile::Explicit {
            set.extend(given.values().flatten().map(|one| one.variable.clone()));
        }
        Ok(Self { given, set })
    }

    /// Sets what may mend the flaws of an object; tells whether anything was not set before.
    fn set_for(&mut self, read: &Read<'_>, flaws: &[Flaw]) -> bool {
        let is_about = |one: &&Given| {
            flaws.iter().any(|flaw| flaw.path.starts_with(&one.path) || one.path.starts_with(&flaw.path))
        };
        let of_key = self.given.get(&read.key).into_iter().flatten();
        let wanted: Vec<String> = of_key.filter(is_about).map(|one| one.variable.clone()).collect();
        let n_before = self.set.len();
        self.set.extend(wanted);
        self.set.len() > n_before
    }

    /// Sets everything that an object says; tells whether anything was not set before.
    fn set_all(&mut self, read: &Read<'_>) -> bool {
        let n_before = self.set.len();
        self.set.extend(self.given.get(&read.key).into_iter().flatten().map(|one| one.variable.clone()));
        self.set.len() > n_before
    }

    /// Gives the value of a variable for an instance, and whether it is a secret: whether the schema says so.
    fn value(&self, key: &Key, name: &str, variable: &Variable) -> Option<(Value, Option<bool>)> {
        let of_key: Vec<&Given> = self.given.get(key)?.iter().filter(|one| one.variable == name).collect();
        let whole = of_key.iter().find(|one| one.inside.is_empty());
        let value = match whole {
            Some(whole) => whole.value.clone(),
            None if of_key.is_empty() => return None,
            None => joined(&of_key, 0),
        };
        // The names of the module may give a secret away as well as the provider's.
        let secret = if of_key.iter().any(|one| one.is_sensitive) {
            Some(true)
        } else {
            let is_secret = variable.is_sensitive || looks_secret(&Path::new().attr(name), &value);
            let is_part_secret = |one: &&Given| one.has_sensitive_part || looks_secret(&one.path, &one.value);
            (is_secret || of_key.iter().any(is_part_secret)).then_some(false)
        };
        Some((value, secret))
    }

    /// Gives the variable of the root module that holds a secret input.
    fn variable_name(module: &Module, input: &str) -> String {
        let mut name = format!("{}_{input}", module.name.replace('-', "_"));
        while module.taken.contains(&name) {
            name.push('_');
        }
        name
    }

    /// Writes the call; secrets stand in it only where it is never shown, to be evaluated.
    fn write(&self, module: &Module, has_secrets: bool) -> Result<DraftModuleCall, String> {
        let mut arguments = Vec::new();
        let mut elements: BTreeMap<Key, Vec<(String, DraftExpression)>> =
            self.given.keys().map(|key| (key.clone(), Vec::new())).collect();
        for (name, variable) in &module.definitions.variables {
            if !self.set.contains(name) {
                continue;
            }
            let values: BTreeMap<&Key, (Value, Option<bool>)> =
                self.given.keys().filter_map(|key| Some((key, self.value(key, name, variable)?))).collect();
            let Some((first, secret)) = values.values().next().cloned() else { continue };
            let is_one = values.len() == self.given.len() && values.values().all(|(value, _)| *value == first);
            let is_secret = values.values().any(|(_, secret)| secret.is_some());
            if is_one {
                let expression = if secret.is_some() && !has_secrets {
                    DraftExpression::Variable(Self::variable_name(module, name))
                } else {
                    DraftExpression::Literal(first)
                };
                arguments.push((name.clone(), expression));
                continue;
            }
            if is_secret {
                return Err(format!(
                    "The variable {name} of the module {} is a secret that differs from object to object, and `for_each` takes \
                     no secrets. Send each object to a call of its own.",
                    module.source
                ));
            }
            for (key, element) in &mut elements {
                let value = values.get(key).map(|(value, _)| value.clone());
                let value =
                    value.or_else(|| variable.default.clone()).unwrap_or_else(|| Value::null(cty::Type::Dynamic));
                element.push((name.clone(), DraftExpression::Literal(value)));
            }
            arguments.push((name.clone(), DraftExpression::EachValue(Path::new().attr(name.as_str()))));
        }
        let entries: Vec<(String, DraftExpression)> = elements
            .into_iter()
            .filter_map(|(key, element)| Some((key?.to_string(), DraftExpression::Object(element))))
            .collect();
        Ok(DraftModuleCall {
            name: module.name.clone(),
            source: module.source.clone(),
            version: None,
            for_each: (!entries.is_empty()).then_some(DraftExpression::Object(entries)),
            arguments,
            remarks: Vec::new(),
        })
    }

    /// Gives the variables of the root module that the call refers to.
    fn variables(&self, module: &Module) -> Vec<(DraftVariable, Value)> {
        let of_input = |(name, variable): (&String, &Variable)| {
            let (value, secret) = self.given.keys().find_map(|key| self.value(key, name, variable))?;
            let is_sensitive = secret?;
            let value = variable.constraint.apply(&value).ok().unwrap_or(value);
            let declaration = DraftVariable {
                name: Self::variable_name(module, name),
                description: format!("The variable {name} of module.{}: a secret.", module.name),
                ty: value.ty().clone(),
                is_sensitive,
            };
            Some((declaration, value))
        };
        let set = module.definitions.variables.iter().filter(|(name, _)| self.set.contains(*name));
        set.filter_map(of_input).collect()
    }
}

/// Joins what is known of the attributes of a variable to one object.
fn joined(given: &[&Given], depth: usize) -> Value {
    let mut attributes: BTreeMap<String, Vec<&Given>> = BTreeMap::new();
    for one in given {
        if let Some(name) = one.inside.get(depth) {
            attributes.entry(name.clone()).or_default().push(one);
        }
    }
    let value = |(name, inner): (String, Vec<&Given>)| {
        let whole = inner.iter().find(|one| one.inside.len() == depth + 1).map(|one| one.value.clone());
        (name, whole.unwrap_or_else(|| joined(&inner, depth + 1)))
    };
    Value::object(attributes.into_iter().map(value).collect())
}

/// Finds the arguments of a block that are exactly a variable, or an attribute of one, with what the object has there.
fn invert(file: &File, body: &Body, block: &Block, observed: &Value, path: &Path, given: &mut Vec<Given>) {
    for (name, attribute) in &block.attributes {
        let is_readable = (attribute.optional || attribute.required) && !attribute.write_only;
        let (Some(written), Ok(value)) = (body.attribute(name), observed.get_attr(name)) else { continue };
        let Some((variable, inside)) = parse(file, &written.expression).ok().and_then(|node| variable_of(&node)) else {
            continue;
        };
        if is_readable && value.is_wholly_known() {
            given.push(Given {
                path: path.clone().attr(name),
                variable,
                inside,
                value,
                is_sensitive: attribute.sensitive,
                has_sensitive_part: has_sensitive_part(&attribute.ty),
            });
        }
    }
    for (name, nested) in &block.blocks {
        let mut blocks = body.blocks(name);
        let (Some(only), None, Ok(value)) = (blocks.next(), blocks.next(), observed.get_attr(name)) else { continue };
        let path = path.clone().attr(name);
        let mut elements = value.elements();
        match (nested.nesting, elements.next(), elements.next()) {
            (NestingMode::Single | NestingMode::Group, ..) if !value.is_null() => {
                invert(file, &only.body, &nested.block, &value, &path, given);
            }
            (NestingMode::List, Some(element), None) => {
                invert(file, &only.body, &nested.block, element, &path.index(Value::from(0u64)), given);
            }
            // Which element of a set it is, the path would have to say with its value.
            _ => {}
        }
    }
}

fn has_sensitive_part(ty: &AttributeType) -> bool {
    match ty {
        AttributeType::Nested(nested) => {
            nested.attributes.values().any(|attribute| attribute.sensitive || has_sensitive_part(&attribute.ty))
        }
        AttributeType::Plain(_) => false,
    }
}

/// Gives the variable that an expression is, with the attributes behind its name.
fn variable_of(node: &Node) -> Option<(String, Vec<String>)> {
    match &node.kind {
        NodeKind::Parentheses(inner) | NodeKind::Wrapped(inner) => variable_of(inner),
        NodeKind::Attribute { of, name } => match &of.kind {
            NodeKind::Name(root) => (root == "var").then(|| (name.clone(), Vec::new())),
            _ => {
                let (variable, mut inside) = variable_of(of)?;
                inside.push(name.clone());
                Some((variable, inside))
            }
        },
        _ => None,
    }
}

/// Gives the name of the call that an address leads through, where it leads through any.
pub(super) fn call_of(address: &InstanceAddress) -> Option<String> {
    call_names(&address.resource.module).into_iter().next()
}
