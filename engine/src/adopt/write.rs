//! From configurations to the text of files, and the proof that each block says what was certified.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::Value;
use drift::adopt::compose::{Candidate, ComposeOptions, ComposedVariable, Composition, FilePlace, Referable, compose};
use drift::adopt::search::Solution;
use drift::lifecycle::normalize_legacy;
use hcl::File;
use hcl::emit::{self, BlockText};
use hcl::evaluate::{Evaluation, Resolved, Scope, Written, block, expression};
use hcl::expression::ReferenceStep;
use hcl::root::META_ARGUMENTS;
use model::draft::{Draft, DraftImport, DraftImportSource};
use model::{
    Diagnostic, Diagnostics, InstanceAddress, InstanceKey, ModuleAddress, ProviderAddress, ResourceAddress,
    ResourceType, Schema,
};

use super::answer::AdoptedVariable;
use super::bench::Bench;

/// An object whose configuration is to be written.
pub(super) struct Item<'a> {
    pub(super) to: &'a InstanceAddress,
    pub(super) is_pinned: bool,
    pub(super) source: &'a DraftImportSource,
    pub(super) provider: Option<&'a str>,
    pub(super) schema: &'a Schema,
    pub(super) observed: &'a Value,
    pub(super) solution: &'a Solution,
}

impl<'a> Item<'a> {
    fn candidate(&self) -> Candidate<'a> {
        let Self { to, is_pinned, source, provider, schema, observed, solution } = *self;
        Candidate { to, is_pinned, source, provider, schema, observed, solution }
    }
}

/// What was written.
#[derive(Default)]
pub(super) struct Texts {
    /// Resource and variable blocks.
    pub(super) files: BTreeMap<FilePlace, String>,
    /// The variables, with the values that were certified.
    pub(super) variables: Vec<AdoptedVariable>,
    /// The import blocks.
    pub(super) imports: Vec<DraftImport>,
    /// Where objects went that became part of a group.
    pub(super) grouped: BTreeMap<InstanceAddress, InstanceAddress>,
    /// Objects that cannot be written, each with the reason, a sentence.
    pub(super) refused: BTreeMap<InstanceAddress, String>,
    /// A report of each of these: they are mistakes of ours.
    pub(super) diagnostics: Diagnostics,
}

/// Writes configurations. What does not say what was certified is left out, and everything is written anew without it.
pub(super) fn write(items: &[Item<'_>], referables: &[Referable<'_>], options: &ComposeOptions) -> Texts {
    let mut refused = BTreeMap::new();
    let mut diagnostics = Diagnostics::new();
    loop {
        let left: Vec<&Item<'_>> = items.iter().filter(|item| !refused.contains_key(item.to)).collect();
        let candidates: Vec<Candidate<'_>> = left.iter().map(|item| item.candidate()).collect();
        let composition = compose(&candidates, referables, options);
        let (files, wrong) = print(&composition, &candidates, referables);
        if wrong.is_empty() {
            let Composition { variables, imports, grouped, left_out, .. } = composition;
            let variable = |variable: ComposedVariable| AdoptedVariable {
                module: variable.module,
                variable: variable.declaration,
                value: variable.certified.mark_sensitive(),
            };
            refused.extend(left_out);
            let variables = variables.into_iter().map(variable).collect();
            return Texts { files, variables, imports, grouped, refused, diagnostics };
        }
        for (address, reason) in wrong {
            let summary = "A configuration was found and cannot be written";
            let detail = format!("{address}: {reason} This is a bug in driftmgr; the object is left out.");
            diagnostics.push(Diagnostic::warning("adoption-not-written", summary, detail));
            refused.insert(address, reason);
        }
    }
}

/// Prints a composition; gives the objects whose blocks do not say what was certified, by the addresses they were to have.
fn print(
    composition: &Composition,
    candidates: &[Candidate<'_>],
    referables: &[Referable<'_>],
) -> (BTreeMap<FilePlace, String>, BTreeMap<InstanceAddress, String>) {
    let mut files = BTreeMap::new();
    let mut wrong = BTreeMap::new();
    let proof = Proof::new(composition, candidates, referables);
    for (place, file) in &composition.files {
        let mut text = String::new();
        for draft in &file.resources {
            let printed = emit::resource(draft).map_err(|error| format!("The block {error}."));
            match printed.and_then(|printed| proof.check(draft, &printed).map(|()| printed)) {
                Ok(printed) => push_block(&mut text, &printed),
                Err(reason) => wrong.extend(proof.objects_of(draft).map(|address| (address.clone(), reason.clone()))),
            }
        }
        files.insert(place.clone(), text);
    }
    for variable in &composition.variables {
        let place = FilePlace { module: variable.module.clone(), name: "generated_variables.tf".to_owned() };
        match emit::variable(&variable.declaration) {
            Ok(printed) => push_block(files.entry(place).or_default(), &printed),
            Err(error) => {
                // A variable that cannot be declared spoils whatever refers to it; nobody knows what that is.
                let reason = format!("The variable {} {error}.", variable.declaration.name);
                wrong.extend(candidates.iter().map(|candidate| (candidate.to.clone(), reason.clone())));
            }
        }
    }
    (files, wrong)
}

/// Puts a block behind others.
pub(super) fn push_block(text: &mut String, block: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(block);
}

/// A resource without the instance keys of its module: all instances of a call share their code.
type Code = (Vec<Arc<str>>, ResourceType, Arc<str>);

fn code_of(address: &ResourceAddress) -> Code {
    (names(&address.module), address.resource_type.clone(), Arc::clone(&address.name))
}

fn names(module: &ModuleAddress) -> Vec<Arc<str>> {
    module.steps().iter().map(|step| Arc::clone(&step.name)).collect()
}

/// What blocks must evaluate to, and what their references mean.
struct Proof<'a> {
    variables: BTreeMap<(Vec<Arc<str>>, &'a str), &'a Value>,
    /// Objects by the addresses they get.
    instances: BTreeMap<InstanceAddress, &'a Value>,
    /// By block: the addresses that objects get, with the objects.
    certified: BTreeMap<Code, Vec<(&'a InstanceAddress, &'a Candidate<'a>)>>,
}

impl<'a> Proof<'a> {
    fn new(composition: &'a Composition, candidates: &'a [Candidate<'a>], referables: &[Referable<'a>]) -> Self {
        let variable = |variable: &'a ComposedVariable| {
            ((names(&variable.module), variable.declaration.name.as_str()), &variable.certified)
        };
        let variables = composition.variables.iter().map(variable).collect();
        let mut instances: BTreeMap<InstanceAddress, &Value> =
            referables.iter().map(|referable| (referable.address.clone(), referable.value)).collect();
        let mut certified: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for candidate in candidates {
            let to = composition.grouped.get(candidate.to).unwrap_or(candidate.to);
            instances.insert(to.clone(), candidate.observed);
            certified.entry(code_of(&to.resource)).or_default().push((to, candidate));
        }
        Self { variables, instances, certified }
    }

    fn objects_of(&self, draft: &Draft) -> impl Iterator<Item = &'a InstanceAddress> {
        let objects = self.certified.get(&code_of(&draft.address)).into_iter().flatten();
        objects.map(|(_, candidate)| candidate.to)
    }

    /// Evaluates a printed block for each of its objects, and compares that with what was certified.
    fn check(&self, draft: &Draft, printed: &str) -> Result<(), String> {
        let (file, problems) = File::parse("generated.tf", printed);
        if let Some(problem) = problems.iter().find(|problem| problem.severity == model::Severity::Error) {
            return Err(format!("The block does not parse: {}.", problem.summary));
        }
        let file = Arc::new(file);
        let labels = [draft.address.resource_type.as_str(), &*draft.address.name];
        let is_it = |block: &&hcl::syntax::BlockSyntax| block.block_type == "resource" && block.labels == labels;
        let Some(found) = file.body.blocks.iter().find(is_it) else {
            return Err("The printed text has no such block.".to_owned());
        };
        let written = Written::new(&file, &found.body);
        let for_each = written.attribute("for_each").map(|(file, argument)| {
            let scope = InModule { proof: self, module: &draft.address.module, each: None };
            expression(file, &argument.expression, &scope).0.unmark_deep().0
        });
        let body = written.clone().without(META_ARGUMENTS);
        for (to, candidate) in self.certified.get(&code_of(&draft.address)).into_iter().flatten() {
            let each = match (&for_each, &to.key) {
                (None, None) => None,
                (Some(elements), Some(InstanceKey::String(key))) => {
                    let keyed = elements.entries().find(|(name, _)| **name == **key).map(|(_, value)| value.clone());
                    let member = || elements.elements().find(|element| element.as_str() == Some(key)).cloned();
                    let Some(value) = keyed.or_else(member) else {
                        return Err(format!("Its `for_each` has no element {key:?}."));
                    };
                    Some((Value::string(&**key), value))
                }
                _ => return Err("The keys of its instances are not those of its `for_each`.".to_owned()),
            };
            let scope = InModule { proof: self, module: &to.resource.module, each };
            let (value, unknown, problems) = block(&body, &candidate.schema.block, &scope);
            if let Some(problem) = problems.first() {
                let at = problem.path.as_ref().map_or_else(String::new, |path| format!(" ({path})"));
                return Err(format!("The block has a mistake{at}: {}.", problem.summary));
            }
            if let Some(unknown) = unknown.first() {
                return Err(format!("In the block, {} is not known: {}.", unknown.path, unknown.reason));
            }
            let plain = |value: &Value| normalize_legacy(&value.unmark_deep().0, &candidate.schema.block);
            let (value, certified) = (plain(&value), plain(&candidate.solution.config));
            if value != certified {
                let place = super::drive::first_difference(&certified, &value);
                return Err(format!("The block does not say what was certified, at {place}."));
            }
        }
        Ok(())
    }
}

/// What names mean in an instance of a module.
struct InModule<'a> {
    proof: &'a Proof<'a>,
    module: &'a ModuleAddress,
    each: Option<(Value, Value)>,
}

impl Scope for InModule<'_> {
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        let Some(ReferenceStep::Attribute(first)) = steps.first() else {
            return Resolved::Invalid(format!("What of {name:?} is meant must follow behind a dot."));
        };
        let value = |value: &Value, n_steps| Resolved::Value { value: value.unmark_deep().0, n_steps };
        match (name, *first, &self.each) {
            ("var", variable, _) => match self.proof.variables.get(&(names(self.module), variable)) {
                Some(found) => value(found, 1),
                None => Resolved::Invalid(format!("There is no variable {variable:?}.")),
            },
            ("each", "key", Some((key, _))) => value(key, 1),
            ("each", "value", Some((_, of_key))) => value(of_key, 1),
            (resource_type, name, _) => {
                let (key, n_steps) = match steps.get(1) {
                    Some(ReferenceStep::Index(key)) => (key.as_str().map(|key| InstanceKey::String(key.into())), 2),
                    _ => (None, 1),
                };
                let resource =
                    ResourceAddress { module: self.module.clone(), ..ResourceAddress::managed(resource_type, name) };
                let by_number = steps.get(1).and_then(|step| match step {
                    ReferenceStep::Index(key) => key.as_number().and_then(|number| number.to_string().parse().ok()),
                    ReferenceStep::Attribute(_) => None,
                });
                let address = resource.instance(key.or(by_number.map(InstanceKey::Int)));
                match self.proof.instances.get(&address) {
                    Some(found) => value(found, n_steps),
                    None => Resolved::Invalid(format!("There is no {address}.")),
                }
            }
        }
    }
}

/// Prints import blocks in the order of their addresses; gives the objects whose blocks cannot be printed.
pub(super) fn imports(drafts: &[DraftImport]) -> (String, BTreeMap<InstanceAddress, String>) {
    let mut sorted: Vec<&DraftImport> = drafts.iter().collect();
    sorted.sort_by(|a, b| a.to.cmp(&b.to));
    let mut text = String::new();
    let mut wrong = BTreeMap::new();
    for draft in sorted {
        match emit::import(draft) {
            Ok(printed) => push_block(&mut text, &printed),
            Err(error) => {
                wrong.insert(draft.to.clone(), format!("Its import block {error}."));
            }
        }
    }
    (text, wrong)
}

/// Writes what a root module needs beside resources: which providers, and in which regions they look.
pub(super) fn root_files(benches: &[&Bench]) -> BTreeMap<String, String> {
    let mut required: BTreeMap<String, Value> = BTreeMap::new();
    let mut blocks: BTreeMap<String, BlockText> = BTreeMap::new();
    for bench in benches {
        let address = &bench.address;
        let mut source = vec![("source".to_owned(), Value::string(short(address)))];
        // The next major version may want other arguments.
        let version =
            bench.version.as_deref().map(|version| version.splitn(3, '.').take(2).collect::<Vec<_>>().join("."));
        source.extend(version.map(|version| ("version".to_owned(), Value::string(format!("~> {version}")))));
        let name = address.provider_type.to_string();
        required.insert(name.clone(), Value::object(source.into_iter().collect()));
        let mut block =
            BlockText { block_type: "provider".to_owned(), labels: vec![name.clone()], ..BlockText::default() };
        let schema = &bench.schema.provider.block;
        if let (Some(region), true) = (&bench.region, schema.attributes.contains_key("region")) {
            block.arguments.push(("region".to_owned(), emit::quoted(region.as_str())));
        }
        if schema.blocks.get("features").is_some_and(|features| features.min_items > 0) {
            block.blocks.push(BlockText { block_type: "features".to_owned(), ..BlockText::default() });
        }
        if !block.arguments.is_empty() || !block.blocks.is_empty() {
            blocks.insert(name, block);
        }
    }
    let arguments = required.iter().filter_map(|(name, source)| Some((name.clone(), emit::value(source).ok()?)));
    let versions = BlockText {
        block_type: "terraform".to_owned(),
        blocks: vec![BlockText {
            block_type: "required_providers".to_owned(),
            arguments: arguments.collect(),
            ..BlockText::default()
        }],
        ..BlockText::default()
    };
    let mut files = BTreeMap::from([("versions.tf".to_owned(), versions.write())]);
    let mut text = String::new();
    for block in blocks.values() {
        push_block(&mut text, &block.write());
    }
    if !text.is_empty() {
        files.insert("providers.tf".to_owned(), text);
    }
    files
}

/// Writes the address of a provider as people do: without the host that is meant anyway.
fn short(address: &ProviderAddress) -> String {
    let short = format!("{}/{}", address.namespace, address.provider_type);
    let is_meant = short.parse::<ProviderAddress>().is_ok_and(|meant| meant.is_same_provider(address));
    if is_meant { short } else { address.to_string() }
}
