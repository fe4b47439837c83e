//! What the code already says: resource blocks of the root module and of the modules it calls, evaluated for the instance
//! that an object would become.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use cty::{Path, Value};
use drift::adopt::search::{Flaw, Probe, ProbeAnswer};
use drift::lifecycle::{self, Action, Ignored};
use hcl::configuration::{Configuration, module_folder};
use hcl::definitions::Definitions;
use hcl::evaluate::{self, Evaluation, Files, Resolved, Scope, Unknown, Written};
use hcl::expression::ReferenceStep;
use hcl::module::{IgnoreChanges, Module, ResourceBlock};
use hcl::scope::{Inputs, ModuleScope};
use hcl::syntax::Body;
use hcl::{File, ReadError, SourceTree};
use model::{
    InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress, ResourceMode, Schema, Severity,
    diagnostic,
};

use crate::code::Folder;
use crate::providers::Configurations;
use crate::request::StatesRequest;
use crate::states::States;
use crate::{Session, code};

/// Arguments and blocks of a resource that terraform itself understands.
const META_ARGUMENTS: &[&str] =
    &["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner"];
/// The most instances of a block that are looked at.
const MAX_INSTANCES: u64 = 1_000;

/// The code of a root module, with the values of what the state records.
pub(super) struct Declared {
    directory: PathBuf,
    data_folder: String,
    configurations: Arc<Configurations>,
    configuration: Configuration,
    /// What the blocks of each module write, by the names of its calls.
    bodies: BTreeMap<Vec<String>, BTreeMap<ResourceAddress, BlockCode>>,
    /// What references to resources of the root module mean.
    known: Arc<BTreeMap<ResourceAddress, Value>>,
    /// What the root module defines with a file beside its own; `None` without such a file.
    definitions: Option<Definitions>,
}

/// The code of a resource block.
#[derive(Clone, Debug)]
pub(super) struct BlockCode {
    /// What it writes, with what override files replace of it.
    pub(super) written: Written,
    /// Its file.
    pub(super) file: Arc<File>,
    /// What stands in it.
    pub(super) body: Body,
}

/// A file of the root module that is not on the disk.
pub(super) struct Beside<'a> {
    pub(super) folder: Folder<'a>,
    pub(super) files: &'a BTreeMap<String, String>,
}

impl SourceTree for Beside<'_> {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let mut names = self.folder.list(folder)?;
        if folder == "." {
            names.extend(self.files.keys().filter(|name| !name.contains('/')).cloned());
            names.sort();
            names.dedup();
        }
        Ok(names)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.folder.folders(folder)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.files.get(path.strip_prefix("./").unwrap_or(path)) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => self.folder.read(path),
        }
    }
}

/// What a block says of one of its instances.
#[derive(Clone, Debug)]
pub(super) struct Evaluated {
    /// The instance.
    pub(super) address: InstanceAddress,
    /// Its configuration; what is not known is unknown.
    pub(super) config: Value,
    /// What is unknown in it, and why.
    pub(super) unknown: Vec<Unknown>,
    /// What its `lifecycle` ignores.
    pub(super) ignored: Ignored,
    /// The provider configuration it names, as written.
    pub(super) provider: Option<String>,
}

impl Declared {
    /// Reads the code that a request is about; `None` where there is no root module.
    pub(super) fn read(session: &Session, request: &StatesRequest, states: &States) -> Option<Self> {
        let directory = code::root(request, session)?;
        let data_folder = session.environment.get("TF_DATA_DIR").unwrap_or(".terraform").to_owned();
        // Who looks at the code for its own sake tells of mistakes in it.
        let (configurations, _) = Configurations::read(session, request);
        let known = if states.refs.len() == 1 { recorded_values(states) } else { BTreeMap::new() };
        let (configuration, bodies) = read(&Folder(&directory), &data_folder);
        let (configurations, known) = (Arc::new(configurations), Arc::new(known));
        Some(Self { directory, data_folder, configurations, configuration, bodies, known, definitions: None })
    }

    /// Gives the same code with another file in the root module.
    pub(super) fn with_file(&self, name: &str, text: String) -> Self {
        let files = BTreeMap::from([(name.to_owned(), text)]);
        let tree = Beside { folder: Folder(&self.directory), files: &files };
        let (configuration, bodies) = read(&tree, &self.data_folder);
        Self {
            directory: self.directory.clone(),
            data_folder: self.data_folder.clone(),
            configurations: Arc::clone(&self.configurations),
            configuration,
            bodies,
            known: Arc::clone(&self.known),
            definitions: Some(Definitions::read(&tree, ".").0),
        }
    }

    /// Gives all code that could be read, and what could not.
    pub(super) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Tells whether the root module calls a module by a name.
    pub(super) fn calls(&self, name: &str) -> bool {
        self.root().is_some_and(|root| root.calls.iter().any(|call| call.name == name))
    }

    /// Gives the code of the block of a resource.
    pub(super) fn code(&self, address: &ResourceAddress) -> Option<&BlockCode> {
        let in_module = ResourceAddress { module: ModuleAddress::root(), ..address.clone() };
        self.bodies.get(&names(&address.module))?.get(&in_module)
    }

    /// Gives the root module.
    pub(super) fn root(&self) -> Option<&Module> {
        self.configuration.root()
    }

    /// Gives the folder of the root module.
    pub(super) fn directory(&self) -> &FilePath {
        &self.directory
    }

    /// Finds the block of a resource.
    pub(super) fn block(&self, address: &ResourceAddress) -> Option<&ResourceBlock> {
        let module = self.configuration.modules.get(&names(&address.module))?;
        module.resource(&ResourceAddress { module: ModuleAddress::root(), ..address.clone() })
    }

    /// Gives the addresses of the blocks of the root module, without keys.
    pub(super) fn root_addresses(&self) -> Vec<InstanceAddress> {
        let resources = self.root().into_iter().flat_map(|root| &root.resources);
        resources.map(|resource| resource.address.clone().instance(None)).collect()
    }

    /// Evaluates the block of a resource for one of its instances. The reason is in sentences.
    pub(super) fn instance(&self, address: &InstanceAddress, schema: &Schema) -> Result<Evaluated, String> {
        let all = self.instances(&address.resource, schema)?;
        let found = all.into_iter().find(|evaluated| evaluated.address == *address);
        found.ok_or_else(|| match &address.key {
            Some(_) => format!("The block of {} has no instance with that key.", address.resource),
            None => format!("The block of {} has `count` or `for_each`: a key must be named.", address.resource),
        })
    }

    /// Evaluates the block of a resource for each of its instances. The reason why it cannot be is in sentences.
    pub(super) fn instances(&self, address: &ResourceAddress, schema: &Schema) -> Result<Vec<Evaluated>, String> {
        self.in_module_of(address, &mut |scope, known| {
            let (code, block) = self.block_code(address)?;
            evaluate_block(scope, &code.written, block, address, schema, known)
        })
    }

    /// Gives the keys of the instances that the block of a resource has. The reason why they are not known is in sentences.
    pub(super) fn keys(&self, address: &ResourceAddress) -> Result<Vec<Option<InstanceKey>>, String> {
        self.in_module_of(address, &mut |scope, known| {
            let (code, _) = self.block_code(address)?;
            let keys = keys_of(&InBlock { scope: *scope, known, count: None }, &code.written)?;
            Ok(keys.into_iter().map(|(key, _)| key).collect())
        })
    }

    fn block_code(&self, address: &ResourceAddress) -> Result<(&BlockCode, &ResourceBlock), String> {
        let found = self.code(address).zip(self.block(address));
        found.ok_or_else(|| format!("The code has no block of {address}."))
    }

    /// Follows the calls that lead to the module of an address, and lends its scope, with what is known of its resources.
    fn in_module_of<T>(
        &self,
        address: &ResourceAddress,
        take: &mut dyn FnMut(&ModuleScope<'_>, Option<&Known>) -> Result<T, String>,
    ) -> Result<T, String> {
        let found = self.configurations.in_root(|scope, _| {
            let scope = match &self.definitions {
                Some(definitions) => ModuleScope { definitions, ..*scope },
                None => *scope,
            };
            self.in_module(&scope, address.module.steps(), &[], take)
        });
        found.unwrap_or_else(|| Err("There is no root module.".to_owned()))
    }

    fn in_module<T>(
        &self,
        scope: &ModuleScope<'_>,
        steps: &[ModuleStep],
        outer: &[String],
        take: &mut dyn FnMut(&ModuleScope<'_>, Option<&Known>) -> Result<T, String>,
    ) -> Result<T, String> {
        let Some((step, rest)) = steps.split_first() else {
            return take(scope, outer.is_empty().then_some(&*self.known));
        };
        let names = [outer, &[step.name.to_string()]].concat();
        let call = scope.definitions.calls.get(&*step.name);
        let call = call.ok_or_else(|| format!("Nothing calls the module {}.", names.join(".")))?;
        let source = call.attribute("source").and_then(|(file, source)| file.literal(&source.expression).ok());
        let tree = scope.surroundings.files.tree;
        let folder = module_folder(
            tree,
            &self.data_folder,
            &names,
            &scope.definitions.folder,
            source.as_ref().and_then(Value::as_str),
        )
        .map_err(|reason| format!("The code of the module {} is not at hand: {reason}.", names.join(".")))?;
        let (definitions, _) = Definitions::read(tree, &folder);
        let each = match (&step.key, call.attribute("for_each")) {
            (Some(key), Some((file, for_each))) => {
                let (elements, unknown, problems) = evaluate::expression(file, &for_each.expression, scope);
                refuse(&problems, &unknown, "`for_each`")?;
                let found = each_of(&elements).into_iter().find(|(own, _)| own == key);
                let found = found.ok_or_else(|| format!("The call of {} has no key {key}.", names.join(".")))?;
                Some((key_value(&found.0), found.1))
            }
            (None, None) => None,
            (Some(_), None) if call.attribute("count").is_some() => None,
            _ => return Err(format!("The keys of {} are not those of its call.", names.join("."))),
        };
        let caller = match &each {
            Some((key, value)) => ModuleScope { each: Some((key, value)), ..*scope },
            None => *scope,
        };
        let path = names.join(".");
        let inner = ModuleScope {
            path: &path,
            definitions: &definitions,
            inputs: Inputs::Call { arguments: call, scope: &caller },
            each: None,
            ..*scope
        };
        self.in_module(&inner, rest, &names, take)
    }
}

/// What references to resources mean.
type Known = BTreeMap<ResourceAddress, Value>;

/// Evaluates a block of a module for each of its instances.
fn evaluate_block(
    scope: &ModuleScope<'_>,
    body: &Written,
    block: &ResourceBlock,
    address: &ResourceAddress,
    schema: &Schema,
    known: Option<&Known>,
) -> Result<Vec<Evaluated>, String> {
    let keys = keys_of(&InBlock { scope: *scope, known, count: None }, body)?;
    let body = body.clone().without(META_ARGUMENTS);
    let ignored = match &block.ignore_changes {
        IgnoreChanges::All => Ignored::All,
        IgnoreChanges::Paths(paths) => Ignored::Paths(paths.clone()),
    };
    let mut instances = Vec::new();
    for (key, value) in keys {
        let text = match &key {
            Some(InstanceKey::String(text)) => Some(Value::string(&**text)),
            _ => None,
        };
        let scope = match &text {
            Some(text) => ModuleScope { each: Some((text, &value)), ..*scope },
            None => *scope,
        };
        let count = matches!(key, Some(InstanceKey::Int(_))).then_some(&value);
        let names = InBlock { scope, known, count };
        let (config, unknown, problems) = evaluate::block(&body, &schema.block, &names);
        refuse(&problems, &[], "a block")?;
        let address = address.clone().instance(key);
        let provider = block.provider.clone();
        instances.push(Evaluated { address, config, unknown, ignored: ignored.clone(), provider });
    }
    Ok(instances)
}

/// Gives the keys of a block's instances, with what `count.index` or `each.value` is.
fn keys_of(names: &InBlock<'_>, body: &Written) -> Result<Vec<(Option<InstanceKey>, Value)>, String> {
    let mut keys = Vec::new();
    match (body.attribute("count"), body.attribute("for_each")) {
        (Some((file, count)), _) => {
            let (n_instances, unknown, problems) = evaluate::expression(file, &count.expression, names);
            refuse(&problems, &unknown, "`count`")?;
            let n_instances = n_instances.unmark_deep().0.as_number().and_then(cty::Number::to_u64);
            let n_instances = n_instances.ok_or("Its `count` is no whole number.")?;
            keys.extend(
                (0..n_instances.min(MAX_INSTANCES)).map(|index| (Some(InstanceKey::Int(index)), Value::from(index))),
            );
        }
        (None, Some((file, for_each))) => {
            let (elements, unknown, problems) = evaluate::expression(file, &for_each.expression, names);
            refuse(&problems, &unknown, "`for_each`")?;
            let elements = each_of(&elements).into_iter().take(usize::try_from(MAX_INSTANCES).unwrap_or(usize::MAX));
            keys.extend(elements.map(|(key, value)| (Some(key), value)));
        }
        (None, None) => keys.push((None, Value::dynamic())),
    }
    Ok(keys)
}

impl Evaluated {
    /// Makes the probe that tells what the next apply would do to an object.
    pub(super) fn probe(&self, schema: &Schema, observed: &Value) -> Probe {
        let plain = self.config.unmark_deep().0;
        let effective = lifecycle::ignore_in_configuration(observed, &plain, &self.ignored, &schema.block);
        let proposed = lifecycle::proposed_new(&schema.block, observed, &effective);
        Probe { prior: observed.clone(), proposed, config: self.config.clone(), effective }
    }

    /// Judges the answer to that probe: what the next apply would change, and what is wrong with the configuration.
    ///
    /// Errors: the provider refuses the configuration; why, in sentences.
    pub(super) fn judge(&self, schema: &Schema, observed: &Value, answer: &ProbeAnswer) -> Result<Vec<Flaw>, String> {
        let Some(plan) = answer.plan.as_ref().filter(|_| !diagnostic::has_errors(&answer.problems)) else {
            let errors = answer.problems.iter().filter(|problem| problem.severity == Severity::Error);
            let errors: Vec<String> =
                errors.map(|problem| format!("{}: {}", problem.summary, problem.detail)).collect();
            return Err(format!("The provider refuses what the code says. {}", errors.join(" ")).trim_end().to_owned());
        };
        let planned = if plan.is_legacy_type_system {
            lifecycle::apply_ignore_changes(observed, &plan.planned, &self.ignored)
        } else {
            plan.planned.clone()
        };
        let replace = lifecycle::replace_paths(&plan.requires_replace, observed, &planned, &schema.block);
        let mut flaws = self.newly_sensitive(schema);
        if lifecycle::action(observed, &planned, &replace, &schema.block) == Action::NoOp {
            return Ok(flaws);
        }
        let mut paths = Vec::new();
        differ(observed, &planned, &Path::new(), &mut paths);
        // What the provider makes anew because of what the code says is no difference of its own.
        let is_unknown = |path: &Path| path.apply(&planned).is_ok_and(|value| !value.is_known());
        let is_written = |path: &Path| path.apply(&self.config).is_ok_and(|value| !value.unmark().0.is_null());
        if paths.iter().any(|path| !is_unknown(path) || is_written(path)) {
            paths.retain(|path| !is_unknown(path) || is_written(path));
        }
        for path in replace.iter().filter(|path| !paths.iter().any(|changed| path.starts_with(changed))) {
            flaws.push(self.flaw(path.clone(), &replace));
        }
        flaws.extend(paths.into_iter().map(|path| self.flaw(path, &replace)));
        Ok(flaws)
    }

    /// Finds what the code makes sensitive and the schema does not: a plan shows that as a change.
    fn newly_sensitive(&self, schema: &Schema) -> Vec<Flaw> {
        let marked = self.config.unmark_deep_with_paths().1;
        let is_known = |path: &Path| {
            let mut block = Some(&schema.block);
            for step in path.steps() {
                let cty::PathStep::GetAttr(name) = step else { continue };
                let attribute = block.and_then(|block| block.attributes.get(name));
                if let Some(attribute) = attribute {
                    return attribute.sensitive;
                }
                block = block.and_then(|block| Some(&block.blocks.get(name)?.block));
            }
            false
        };
        let why = "The code makes it sensitive, and the provider does not: the plan shows that as a change.";
        let flaw = |(path, _): (Path, _)| Flaw { path, why: why.to_owned(), replaces: false };
        marked.into_iter().filter(|(path, _)| !is_known(path)).map(flaw).collect()
    }

    fn flaw(&self, path: Path, replace: &[Path]) -> Flaw {
        let replaces = replace.iter().any(|replacing| replacing.starts_with(&path) || path.starts_with(replacing));
        let reason = self.unknown.iter().find(|unknown| path.starts_with(&unknown.path));
        let why = match (reason, replaces) {
            (Some(unknown), _) => format!("What the code says is not known before the apply: {}.", unknown.reason),
            (None, true) => "The code says something else, for which the object would be replaced.".to_owned(),
            (None, false) => "The code says something else, which the next apply would set.".to_owned(),
        };
        Flaw { path, why, replaces }
    }
}

/// Gives the paths at which two values of one type differ; a set differs as a whole.
fn differ(before: &Value, after: &Value, path: &Path, paths: &mut Vec<Path>) {
    if before == after && after.is_wholly_known() {
        return;
    }
    let is_apart = before.is_null() || after.is_null() || !after.is_known();
    let is_list = matches!(after.ty(), cty::Type::List(_) | cty::Type::Tuple(_));
    if !is_apart && matches!(after.ty(), cty::Type::Object(_) | cty::Type::Map(_)) {
        let is_map = matches!(after.ty(), cty::Type::Map(_));
        let of = |value: &Value| -> BTreeMap<String, Value> {
            value.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect()
        };
        let (old, new) = (of(before), of(after));
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let path = if is_map {
                path.clone().index(Value::string(name.as_str()))
            } else {
                path.clone().attr(name.as_str())
            };
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => differ(old, new, &path, paths),
                _ => paths.push(path),
            }
        }
    } else if !is_apart && is_list && before.elements().len() == after.elements().len() {
        for (position, (old, new)) in before.elements().zip(after.elements()).enumerate() {
            differ(old, new, &path.clone().index(Value::from(position as u64)), paths);
        }
    } else {
        paths.push(path.clone());
    }
}

/// Gives the elements of a `for_each`: a map, an object or a set.
fn each_of(elements: &Value) -> Vec<(InstanceKey, Value)> {
    let elements = elements.unmark_deep().0;
    let keyed = elements.entries().map(|(key, value)| (InstanceKey::String(key.into()), value.clone()));
    let members = elements.elements();
    let members = members.filter_map(|member| Some((InstanceKey::String(member.as_str()?.into()), member.clone())));
    keyed.chain(members).collect()
}

fn key_value(key: &InstanceKey) -> Value {
    match key {
        InstanceKey::String(text) => Value::string(&**text),
        InstanceKey::Int(number) => Value::from(*number),
    }
}

/// Gives the names of the calls that lead to a module.
pub(super) fn names(module: &ModuleAddress) -> Vec<String> {
    module.steps().iter().map(|step| step.name.to_string()).collect()
}

fn refuse(problems: &[model::Diagnostic], unknown: &[Unknown], what: &str) -> Result<(), String> {
    if let Some(problem) = problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Err(format!("In its code, {what} cannot be evaluated: {problem}."));
    }
    match unknown.first() {
        Some(unknown) => Err(format!("In its code, {what} is not known: {}.", unknown.reason)),
        None => Ok(()),
    }
}

/// All code of a root module, with the blocks of each module by the names of its calls.
type Code = (Configuration, BTreeMap<Vec<String>, BTreeMap<ResourceAddress, BlockCode>>);

fn read(tree: &dyn SourceTree, data_folder: &str) -> Code {
    let (configuration, _) = Configuration::read(tree, ".", data_folder);
    let bodies = configuration.modules.iter().map(|(names, module)| (names.clone(), bodies(tree, module)));
    let bodies = bodies.collect();
    (configuration, bodies)
}

/// Reads what the resource blocks of a module write.
fn bodies(tree: &dyn SourceTree, module: &Module) -> BTreeMap<ResourceAddress, BlockCode> {
    let mut bodies: BTreeMap<ResourceAddress, BlockCode> = BTreeMap::new();
    for (path, is_override) in &module.files {
        let Some(text) = tree.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { continue };
        let file = Arc::new(parse(path, &text));
        for block in &file.body.blocks {
            let ("resource", [resource_type, name]) = (block.block_type.as_str(), block.labels.as_slice()) else {
                continue;
            };
            let address = ResourceAddress::managed(resource_type.as_str(), name.as_str());
            let written = Written::new(&file, &block.body);
            match bodies.get_mut(&address).filter(|_| *is_override) {
                Some(earlier) => earlier.written.override_with(written),
                None => {
                    let code = BlockCode { written, file: Arc::clone(&file), body: block.body.clone() };
                    bodies.insert(address, code);
                }
            }
        }
    }
    bodies
}

/// Parses a file of configuration, as far as it can be.
pub(super) fn parse(path: &str, text: &str) -> File {
    let is_json = FilePath::new(path).extension().is_some_and(|extension| extension == "json");
    if is_json { File::parse_json(path, text).0 } else { File::parse(path, text).0 }
}

/// Gives what is recorded of the resources of the root module, as references see it.
fn recorded_values(states: &States) -> BTreeMap<ResourceAddress, Value> {
    let mut instances: BTreeMap<ResourceAddress, BTreeMap<Option<InstanceKey>, Value>> = BTreeMap::new();
    for (position, instance) in states.recorded.iter().enumerate() {
        let resource = &instance.address.resource;
        if !resource.module.is_root() || resource.mode != ResourceMode::Managed || instance.deposed.is_some() {
            continue;
        }
        let Ok(object) = states.object(position) else { continue };
        let Ok(value) = object.decode_attributes(None) else { continue };
        let value = object.mark_sensitive(&value);
        instances.entry(resource.clone()).or_default().insert(instance.address.key.clone(), value);
    }
    instances.into_iter().filter_map(|(resource, instances)| Some((resource, as_referred(instances)?))).collect()
}

/// Joins the instances of a resource to what its name means: one object, or a tuple or an object of them.
fn as_referred(mut instances: BTreeMap<Option<InstanceKey>, Value>) -> Option<Value> {
    if let Some(only) = instances.remove(&None) {
        return instances.is_empty().then_some(only);
    }
    let mut keyed = BTreeMap::new();
    let mut listed = BTreeMap::new();
    for (key, value) in instances {
        match key {
            Some(InstanceKey::String(key)) => drop(keyed.insert(key.to_string(), value)),
            Some(InstanceKey::Int(index)) => drop(listed.insert(index, value)),
            None => {}
        }
    }
    // With a gap, a position would mean another instance.
    let is_whole = listed.keys().copied().eq(0..listed.len() as u64);
    match (keyed.is_empty(), listed.is_empty()) {
        (false, true) => Some(Value::object(keyed)),
        (true, false) if is_whole => Some(Value::tuple(listed.into_values().collect())),
        _ => None,
    }
}

/// What names mean in a resource block.
struct InBlock<'a> {
    scope: ModuleScope<'a>,
    /// What references to resources mean.
    known: Option<&'a Known>,
    /// `count.index`.
    count: Option<&'a Value>,
}

impl Scope for InBlock<'_> {
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], run: &Evaluation) -> Resolved {
        if let (Some(ReferenceStep::Attribute(first)), Some(known)) = (steps.first(), self.known)
            && let Some(value) = known.get(&ResourceAddress::managed(name, *first))
        {
            return Resolved::Value { value: value.clone(), n_steps: 1 };
        }
        match (name, steps.first(), self.count) {
            ("count", Some(ReferenceStep::Attribute("index")), Some(index)) => {
                Resolved::Value { value: index.clone(), n_steps: 1 }
            }
            _ => self.scope.resolve(name, steps, run),
        }
    }

    fn files(&self) -> Option<Files<'_>> {
        self.scope.files()
    }
}
