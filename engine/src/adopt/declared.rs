//! What the code already says: resource blocks of the root module and of the modules it calls, evaluated for the instance
//! that an object would become.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;
use std::sync::Arc;

use cty::{Path, Type, Value};
use drift::adopt::search::{Flaw, Probe, ProbeAnswer};
use drift::lifecycle::{self, Action, Ignored};
use hcl::configuration::Configuration;
use hcl::evaluate::Unknown;
use hcl::module::{IgnoreChanges, Module, ResourceBlock};
use hcl::root::{Root, Unexpanded, ValueAnswer, ValueNeed};
use hcl::syntax::Body;
use hcl::{File, ReadError, SourceTree};
use model::{
    Diagnostics, InstanceAddress, InstanceKey, ModuleAddress, ResourceAddress, ResourceMode, Schema, Severity,
    diagnostic,
};

use crate::Session;
use crate::code::Folder;
use crate::evaluation::stage::Stage;
use crate::evaluation::{self, KeptTree, RootModule, call_names};
use crate::states::States;

/// The most instances of a block that are looked at.
const MAX_INSTANCES: usize = 1_000;

/// The code of a root module, with what was planned of it.
#[derive(Clone)]
pub(super) struct Declared {
    module: Arc<RootModule>,
}

/// The code of a resource block.
#[derive(Clone, Debug)]
pub(super) struct BlockCode {
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
    /// Takes the code that a request is about.
    pub(super) fn new(module: &RootModule) -> Self {
        Self { module: Arc::new(module.anew()) }
    }

    /// Plans what the blocks of resources refer to, for all their instances that no state records: from then on those
    /// references are known as far as terraform knows them before the apply.
    pub(super) async fn plan(
        &self,
        session: &Session,
        states: &Arc<States>,
        resources: Vec<(ResourceAddress, Schema)>,
    ) -> Diagnostics {
        if resources.is_empty() {
            return Diagnostics::new();
        }
        let stage = Stage::open(session, &self.module, Some(states));
        let recorded: BTreeSet<InstanceAddress> =
            states.recorded.iter().map(|instance| instance.address.clone()).collect();
        let evaluate = move |root: &Root| {
            for (address, schema) in &resources {
                // What is wrong with it is told when it is compared.
                let Ok(keys) = keys(root, address) else { continue };
                let instances = keys.into_iter().take(MAX_INSTANCES).map(|key| address.clone().instance(key));
                for instance in instances.filter(|instance| !recorded.contains(instance)) {
                    drop(root.instance(&instance, &schema.block));
                }
            }
        };
        stage.settled(evaluate).await;
        stage.shutdown().await
    }

    /// Gives the same code with another file in the root module, and nothing planned.
    pub(super) fn with_file(&self, name: &str, text: String) -> Self {
        Self { module: Arc::new(self.module.with_file(name, text)) }
    }

    /// Gives all code that could be read, and what could not.
    pub(super) fn configuration(&self) -> &Configuration {
        self.module.configuration()
    }

    /// Tells whether the root module calls a module by a name.
    pub(super) fn calls(&self, name: &str) -> bool {
        self.root().is_some_and(|root| root.calls.iter().any(|call| call.name == name))
    }

    /// Gives the code of the block of a resource, of its last one where there are several.
    pub(super) fn code(&self, address: &ResourceAddress) -> Option<BlockCode> {
        let module = self.configuration().modules.get(&call_names(&address.module))?;
        let wanted = [address.resource_type.as_str(), &*address.name];
        let mut found = None;
        for (path, _) in module.files.iter().filter(|(_, is_override)| !is_override) {
            let Some(text) = self.tree().read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else {
                continue;
            };
            let file = Arc::new(parse(path, &text));
            let is_it = |block: &&hcl::syntax::BlockSyntax| {
                block.block_type == "resource" && block.labels.iter().map(String::as_str).eq(wanted)
            };
            if let Some(block) = file.body.blocks.iter().find(is_it) {
                found = Some(BlockCode { file: Arc::clone(&file), body: block.body.clone() });
            }
        }
        found
    }

    /// Gives the root module.
    pub(super) fn root(&self) -> Option<&Module> {
        self.configuration().root()
    }

    /// Gives the files of the root module.
    pub(super) fn tree(&self) -> &KeptTree {
        self.module.tree()
    }

    /// Finds the block of a resource.
    pub(super) fn block(&self, address: &ResourceAddress) -> Option<&ResourceBlock> {
        let module = self.configuration().modules.get(&call_names(&address.module))?;
        module.resource(&ResourceAddress { module: ModuleAddress::root(), ..address.clone() })
    }

    /// Gives the addresses of the blocks of the root module, without keys.
    pub(super) fn root_addresses(&self) -> Vec<InstanceAddress> {
        let resources = self.root().into_iter().flat_map(|root| &root.resources);
        resources.map(|resource| resource.address.clone().instance(None)).collect()
    }

    /// Evaluates the block of a resource for one of its instances. The reason is in sentences.
    pub(super) fn instance(&self, address: &InstanceAddress, schema: &Schema) -> Result<Evaluated, String> {
        let block = self.block_of(&address.resource)?;
        self.settled(|root| {
            if !keys(root, &address.resource)?.contains(&address.key) {
                return Err(match &address.key {
                    Some(_) => format!("The block of {} has no instance with that key.", address.resource),
                    None => {
                        format!("The block of {} has `count` or `for_each`: a key must be named.", address.resource)
                    }
                });
            }
            evaluated(root, address.clone(), block, schema)
        })
    }

    /// Evaluates the block of a resource for each of its instances. The reason why it cannot be is in sentences.
    pub(super) fn instances(&self, address: &ResourceAddress, schema: &Schema) -> Result<Vec<Evaluated>, String> {
        let block = self.block_of(address)?;
        self.settled(|root| {
            let keys = keys(root, address)?.into_iter().take(MAX_INSTANCES);
            keys.map(|key| evaluated(root, address.clone().instance(key), block, schema)).collect()
        })
    }

    /// Gives the keys of the instances that the block of a resource has. The reason why they are not known is in sentences.
    pub(super) fn keys(&self, address: &ResourceAddress) -> Result<Vec<Option<InstanceKey>>, String> {
        self.settled(|root| keys(root, address))
    }

    fn block_of(&self, address: &ResourceAddress) -> Result<&ResourceBlock, String> {
        self.block(address).ok_or_else(|| format!("The code has no block of {address}."))
    }

    /// Evaluates; what was not planned is unknown.
    fn settled<T>(&self, take: impl Fn(&Root) -> T) -> T {
        self.module.evaluate(|root| {
            loop {
                let taken = take(root);
                let needs = root.take_needs();
                if needs.is_empty() {
                    return taken;
                }
                root.answer(needs.into_iter().map(|need| (need.clone(), unplanned(&need))));
            }
        })
    }
}

fn unplanned(need: &ValueNeed) -> ValueAnswer {
    let reason = match need {
        ValueNeed::Instance(address) if address.resource.mode == ResourceMode::Data => {
            format!("{} is read from a cloud", address.resource)
        }
        ValueNeed::Instance(address) => format!("what the next apply makes of {address} is not planned"),
        ValueNeed::Function { name, .. } => format!("the function {name}() is computed by a provider"),
    };
    ValueAnswer::Unknown { ty: Type::Dynamic, reason }
}

/// Gives the keys of the instances of a resource.
fn keys(root: &Root, address: &ResourceAddress) -> Result<Vec<Option<InstanceKey>>, String> {
    let sentence = |reason: Unexpanded| match reason {
        Unexpanded::Failed(problem) => format!("In its code, the instances cannot be evaluated: {problem}."),
        Unexpanded::Unknown { reason, .. } => format!("Which instances its code has is not known: {reason}."),
    };
    if !evaluation::has_module(root, &address.module).map_err(sentence)? {
        return Err(format!("The code has no module instance {}.", address.module));
    }
    Ok(root.resource_keys(address).map_err(sentence)?.keys().cloned().collect())
}

/// Evaluates the block of a resource for an instance.
fn evaluated(
    root: &Root,
    address: InstanceAddress,
    block: &ResourceBlock,
    schema: &Schema,
) -> Result<Evaluated, String> {
    let cannot = |problem: &model::Diagnostic| format!("In its code, a block cannot be evaluated: {problem}.");
    let declared = root.instance(&address, &schema.block).map_err(|problem| cannot(&problem))?;
    if let Some(problem) = declared.diagnostics.iter().find(|problem| problem.severity == Severity::Error) {
        return Err(cannot(problem));
    }
    let ignored = match &block.ignore_changes {
        IgnoreChanges::All => Ignored::All,
        IgnoreChanges::Paths(paths) => Ignored::Paths(paths.clone()),
    };
    let (config, unknown, provider) = (declared.config, declared.unknown, block.provider.clone());
    Ok(Evaluated { address, config, unknown, ignored, provider })
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
    let is_list = matches!(after.ty(), Type::List(_) | Type::Tuple(_));
    if !is_apart && matches!(after.ty(), Type::Object(_) | Type::Map(_)) {
        let is_map = matches!(after.ty(), Type::Map(_));
        let of = |value: &Value| -> BTreeMap<String, Value> {
            value.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect()
        };
        let (old, new) = (of(before), of(after));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
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

/// Parses a file of configuration, as far as it can be.
pub(super) fn parse(path: &str, text: &str) -> File {
    let is_json = FilePath::new(path).extension().is_some_and(|extension| extension == "json");
    if is_json { File::parse_json(path, text).0 } else { File::parse(path, text).0 }
}
