//! Joins the configurations of many objects to files a person would commit.
//!
//! Nothing here needs a probe: what is written evaluates to the very configuration that the search certified. A literal is
//! replaced by a reference only where that instance's value is equal, known and planned unchanged.

mod body;

use std::collections::{BTreeMap, BTreeSet};

use cty::Value;
use model::draft::{Draft, DraftImport, DraftImportSource, DraftVariable};
use model::{InstanceAddress, ModuleAddress, Schema};

use super::search::Solution;

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
    let _ = (referables, &options.taken_variables);
    let mut composition = Composition::default();
    let mut sorted: Vec<&Candidate<'_>> = candidates.iter().collect();
    sorted.sort_by_key(|candidate| candidate.to);
    for candidate in sorted {
        let file = composition
            .files
            .entry(FilePlace { module: ModuleAddress::root(), name: "generated.tf".to_owned() })
            .or_default();
        file.resources.push(Draft {
            address: candidate.to.resource.clone(),
            provider: candidate.provider.map(str::to_owned),
            for_each: None,
            body: body::of(&candidate.solution.config, &candidate.schema.block),
            ignore_changes: candidate.solution.ignore_changes.clone(),
            remarks: Vec::new(),
        });
        composition.imports.push(DraftImport {
            to: candidate.to.clone(),
            source: candidate.source.clone(),
            provider: candidate.provider.map(str::to_owned),
        });
    }
    composition
}
