//! Joins the configurations of many objects to files a person would commit.
//!
//! Nothing here needs a probe: what is written evaluates to the very configuration that the search certified. A literal is
//! replaced by a reference only where that instance's value is equal, known and planned unchanged.

mod build;
mod groups;
mod index;
mod layout;
mod merge;
mod resolve;
mod tree;
mod variables;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Value};
use model::draft::{Draft, DraftExpression, DraftImport, DraftImportSource, DraftVariable};
use model::{Block, InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress, ResourceType, Schema};

use self::build::{Leaves, Place, shown};
use self::groups::{Unit, Written};
use self::index::{Index, Owner, Scope};
use self::merge::merge;
use self::resolve::{Graph, Pass, Resolver};
use self::tree::Tree;
use self::variables::Variables;
use super::search::{Flaw, SecretArgument, SecretSource, Solution};

/// An object whose configuration was found.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Where it is imported to.
    pub to: &'a InstanceAddress,
    /// Whether a person chose the address: such an object joins no group but the one that its own key says.
    pub is_pinned: bool,
    /// How it is named to the import.
    pub source: &'a DraftImportSource,
    /// The provider configuration, where it is not the default one.
    pub provider: Option<&'a str>,
    /// The schema of its type.
    pub schema: &'a Schema,
    /// Observed: what the provider read, normalized.
    pub observed: &'a Value,
    /// Its configuration.
    pub solution: &'a Solution,
}

/// A recorded instance of the same module, to which a configuration may refer.
#[derive(Clone, Copy, Debug)]
pub struct Referable<'a> {
    /// Its address.
    pub address: &'a InstanceAddress,
    /// What is recorded.
    pub value: &'a Value,
}

/// How files are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// One file for each resource type.
    Type,
    /// One file for each service: the word behind the provider's in a type's name.
    #[default]
    Service,
    /// One file for everything.
    One,
}

/// How configurations are joined.
#[derive(Clone, Debug)]
pub struct ComposeOptions {
    /// How files are divided.
    pub layout: Layout,
    /// Whether ids of other objects become references.
    pub has_references: bool,
    /// From how many objects of one shape on these become one block with `for_each`; `None` leaves each on its own.
    pub group_from: Option<usize>,
    /// The names of variables that the module has already.
    pub taken_variables: BTreeSet<String>,
}

/// Files to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Composition {
    /// The files.
    pub files: BTreeMap<FilePlace, ComposedFile>,
    /// The variables, by module and name.
    pub variables: Vec<ComposedVariable>,
    /// The import blocks, in order.
    pub imports: Vec<DraftImport>,
    /// Where objects went that became part of a group.
    pub grouped: BTreeMap<InstanceAddress, InstanceAddress>,
    /// Objects that cannot be written where they were sent, and why, a sentence each; nothing is written for them.
    pub left_out: BTreeMap<InstanceAddress, String>,
}

/// Says where a file is to stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePlace {
    /// The module in whose folder it belongs, without instance keys: all instances of a call share their files.
    pub module: ModuleAddress,
    /// Its name, without a folder.
    pub name: String,
}

/// A variable that a composed configuration needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ComposedVariable {
    /// The module that has to declare it, without instance keys; a call of a module other than the root has to pass it.
    pub module: ModuleAddress,
    /// Its declaration.
    pub declaration: DraftVariable,
    /// The value that the configuration was certified with; a secret.
    pub certified: Value,
}

/// What stands in one file, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComposedFile {
    /// Resource blocks.
    pub resources: Vec<Draft>,
}

/// Joins configurations; the same candidates in any order give the same files.
pub fn compose(candidates: &[Candidate<'_>], referables: &[Referable<'_>], options: &ComposeOptions) -> Composition {
    let mut composition = Composition::default();
    let mut sorted: Vec<&Candidate<'_>> = candidates.iter().collect();
    sorted.sort_by_key(|candidate| candidate.to);
    sorted.retain(|candidate| match unwritable(candidate) {
        Some(reason) => {
            composition.left_out.insert(candidate.to.clone(), reason);
            false
        }
        None => true,
    });
    let written = shared(sorted, &mut composition.left_out);
    let taken = referables.iter().map(|referable| referable.address.resource.clone()).collect();
    let (units, left_out) = groups::units(&written, options.group_from, &taken);
    for (position, reason) in left_out {
        for candidate in written[position].all() {
            composition.left_out.insert(candidate.to.clone(), reason.clone());
        }
    }
    let indexes = if options.has_references { indexes(&written, &units, referables) } else { BTreeMap::new() };
    let mut graph = Graph::new(units.len());
    let mut variables = Variables::new(&options.taken_variables);
    let mut trees: Vec<Vec<Tree>> = Vec::new();
    for pass in [Pass::Arguments, Pass::Everything] {
        trees.clear();
        for (number, unit) in units.iter().enumerate() {
            let index = indexes.get(&unit.address.module);
            let of = |(position, key): &(usize, Option<String>)| {
                let one = &written[*position];
                let is_last = pass == Pass::Everything;
                let object = unit.instance(key.as_deref());
                variables.begin(is_last.then(|| (object, without_keys(&unit.address.module))));
                let mut resolver = Resolver {
                    // A block for several instances of a module says what holds in all of them.
                    index: index.filter(|_| one.twins.is_empty()),
                    graph: &mut graph,
                    variables: &mut variables,
                    unit: number,
                    resource_type: one.candidate.to.resource_type(),
                    scope: &Scope::of(one.candidate.provider, one.candidate.observed),
                    pass,
                };
                one.tree(&mut resolver)
            };
            trees.push(unit.members.iter().map(of).collect());
        }
    }
    let mut places: BTreeMap<FilePlace, Vec<usize>> = BTreeMap::new();
    let mut drafts: Vec<Option<Draft>> = Vec::new();
    for (number, (unit, trees)) in units.iter().zip(trees).enumerate() {
        let module = without_keys(&unit.address.module);
        places.entry(layout::place(options.layout, module, &unit.address.resource_type)).or_default().push(number);
        drafts.push(draft(unit, trees, &written));
        for (position, key) in &unit.members {
            for candidate in written[*position].all() {
                let to = ResourceAddress { module: candidate.to.resource.module.clone(), ..unit.address.clone() };
                let to = to.instance(key.as_deref().map(|key| InstanceKey::String(key.into())));
                if to != *candidate.to {
                    composition.grouped.insert(candidate.to.clone(), to.clone());
                }
                let provider = candidate.provider.filter(|_| to.resource.module.is_root()).map(str::to_owned);
                composition.imports.push(DraftImport { to, source: candidate.source.clone(), provider });
            }
        }
    }
    composition.imports.sort_by(|one, other| one.to.cmp(&other.to));
    let types: Vec<&ResourceType> = units.iter().map(|unit| &unit.address.resource_type).collect();
    for (place, numbers) in places {
        let ordered = layout::order(&numbers, &graph, &types);
        let resources = ordered.into_iter().filter_map(|number| drafts[number].take()).collect();
        composition.files.insert(place, ComposedFile { resources });
    }
    composition.variables = variables.finish();
    composition
}

/// Tells why an object cannot be written at all.
fn unwritable(candidate: &Candidate<'_>) -> Option<String> {
    let solution = candidate.solution;
    let whys = || solution.flaws.iter().map(|flaw| flaw.why.as_str()).collect::<Vec<_>>().join(" ");
    if solution.config.is_null() {
        let whys = whys();
        return Some(if whys.is_empty() { "No valid configuration was found.".to_owned() } else { whys });
    }
    solution.flaws.iter().any(|flaw| flaw.replaces).then(whys)
}

/// Gives the address of a module without instance keys.
fn without_keys(module: &ModuleAddress) -> ModuleAddress {
    let step = |step: &ModuleStep| ModuleStep { name: step.name.clone(), key: None };
    ModuleAddress::from_steps(module.steps().iter().map(step).collect())
}

/// Takes the objects apart, and joins those that one block stands for: the same address in several instances of a
/// module, which share their code.
fn shared<'a>(sorted: Vec<&'a Candidate<'a>>, left_out: &mut BTreeMap<InstanceAddress, String>) -> Vec<Written<'a>> {
    let mut instances: BTreeMap<ModuleAddress, BTreeSet<&ModuleAddress>> = BTreeMap::new();
    let mut blocks: BTreeMap<InstanceAddress, Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in sorted {
        let module = without_keys(&candidate.to.resource.module);
        instances.entry(module.clone()).or_default().insert(&candidate.to.resource.module);
        let resource = ResourceAddress { module, ..candidate.to.resource.clone() };
        blocks.entry(resource.instance(candidate.to.key.clone())).or_default().push(candidate);
    }
    let mut written = Vec::new();
    for (block, candidates) in blocks {
        let n_instances = instances.get(&block.resource.module).map_or(1, BTreeSet::len);
        let Some((first, twins)) = candidates.split_first() else { continue };
        let is_equal = |twin: &&Candidate<'_>| {
            let (one, other) = (first.solution, twin.solution);
            one.config.unmark_deep().0 == other.config.unmark_deep().0
                && one.json == other.json
                && one.secrets == other.secrets
                && one.ignore_changes == other.ignore_changes
        };
        if candidates.len() < n_instances || !twins.iter().all(is_equal) {
            let module = &block.resource.module;
            for candidate in candidates {
                let reason = format!(
                    "{module} has several instances, which share their code, and {block} would not be the same in all \
                     of them: adopt it in another module."
                );
                left_out.insert(candidate.to.clone(), reason);
            }
            continue;
        }
        let mut literals = Literals { has_secrets: false };
        let literal = build::tree(first.to.resource_type(), &first.schema.block, first.solution, &mut literals);
        let twins = twins.to_vec();
        written.push(Written { candidate: first, literal, has_secrets: literals.has_secrets, twins });
    }
    written
}

/// Leaves every text as it is.
struct Literals {
    has_secrets: bool,
}

impl Leaves for Literals {
    fn text(&mut self, _: &Place, _: &str) -> Option<DraftExpression> {
        None
    }

    fn secret(&mut self, _: &SecretArgument, _: &Path, _: &Value) -> DraftExpression {
        self.has_secrets = true;
        DraftExpression::Variable(String::new())
    }
}

impl Written<'_> {
    fn all(&self) -> impl Iterator<Item = &Candidate<'_>> {
        std::iter::once(self.candidate).chain(self.twins.iter().copied())
    }

    fn tree(&self, leaves: &mut dyn Leaves) -> Tree {
        let candidate = self.candidate;
        build::tree(candidate.to.resource_type(), &candidate.schema.block, candidate.solution, leaves)
    }
}

impl Unit {
    fn instance(&self, key: Option<&str>) -> InstanceAddress {
        self.address.clone().instance(key.map(|key| InstanceKey::String(key.into())))
    }
}

/// Collects what may be referred to, by module.
fn indexes(written: &[Written<'_>], units: &[Unit], referables: &[Referable<'_>]) -> BTreeMap<ModuleAddress, Index> {
    let mut indexes: BTreeMap<ModuleAddress, Index> = BTreeMap::new();
    let mut blocks: BTreeMap<&ResourceType, &Block> = BTreeMap::new();
    for (number, unit) in units.iter().enumerate() {
        for (position, key) in &unit.members {
            let candidate = written[*position].candidate;
            blocks.insert(candidate.to.resource_type(), &candidate.schema.block);
            if !is_settled(candidate.solution) {
                continue;
            }
            let owner = Owner {
                address: unit.instance(key.as_deref()),
                unit: Some(number),
                scope: Scope::of(candidate.provider, candidate.observed),
            };
            let index = indexes.entry(unit.address.module.clone()).or_default();
            index.add(owner, candidate.observed, Some(&candidate.schema.block));
        }
    }
    let mut sorted: Vec<&Referable<'_>> = referables.iter().collect();
    sorted.sort_by_key(|referable| referable.address);
    for referable in sorted {
        // Only a module that something is written into needs to know its objects.
        let Some(index) = indexes.get_mut(&referable.address.resource.module) else { continue };
        let owner = Owner { address: referable.address.clone(), unit: None, scope: Scope::of(None, referable.value) };
        index.add(owner, referable.value, blocks.get(referable.address.resource_type()).copied());
    }
    indexes
}

/// Tells whether the next plan leaves the object alone, so that what refers to it is known and stays the same.
fn is_settled(solution: &Solution) -> bool {
    let is_silenced = |flaw: &Flaw| {
        !flaw.path.is_empty() && solution.ignore_changes.iter().any(|ignored| flaw.path.starts_with(ignored))
    };
    solution.flaws.iter().all(is_silenced)
}

/// Writes a block; `None` never, as what cannot be merged was left out before.
fn draft(unit: &Unit, mut trees: Vec<Tree>, written: &[Written<'_>]) -> Option<Draft> {
    let keys = unit.keys();
    let (tree, for_each) = if keys.is_empty() {
        (trees.pop()?, None)
    } else {
        let merged = merge(&keys, &trees.iter().collect::<Vec<_>>())?;
        let for_each = merged.for_each(&keys);
        (merged.tree, Some(for_each))
    };
    let mut ignore_changes: Vec<Path> = Vec::new();
    let mut remarks: Vec<String> = Vec::new();
    for (position, _) in &unit.members {
        let solution = written[*position].candidate.solution;
        for path in &solution.ignore_changes {
            if !ignore_changes.contains(path) {
                ignore_changes.push(path.clone());
            }
        }
        for remark in remarks_on(solution) {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
    }
    let first = written[unit.members.first()?.0].candidate;
    let provider = first.provider.map(str::to_owned);
    Some(Draft { address: unit.address.clone(), provider, for_each, body: tree.finish(), ignore_changes, remarks })
}

/// Gives what a reviewer must know of a configuration.
fn remarks_on(solution: &Solution) -> Vec<String> {
    let mut remarks = Vec::new();
    for secret in solution.secrets.iter().filter(|secret| secret.source == SecretSource::StandIn) {
        let steps = secret.path.steps();
        let is_ignored = solution.ignore_changes.iter().any(|ignored| steps.starts_with(ignored.steps()));
        remarks.push(format!(
            "Nobody can read {} back: the plan was checked with a stand-in{}.",
            shown(&secret.path, &solution.config),
            if is_ignored { ", and changes of it are ignored" } else { "" }
        ));
    }
    let is_stand_in = |flaw: &&Flaw| {
        solution.secrets.iter().any(|secret| secret.source == SecretSource::StandIn && secret.path == flaw.path)
    };
    for flaw in solution.flaws.iter().filter(|flaw| !is_stand_in(flaw)) {
        // Elements of sets stand in a path with all they hold.
        let shown = shown(&flaw.path, &solution.config).to_string();
        let why = flaw.why.replace(&flaw.path.to_string(), &shown);
        remarks.push(if why.contains(&shown) { why } else { format!("{shown}: {why}") });
    }
    remarks
}
