//! What is asked of an adoption, and what comes of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::drift::adopt::compose::{FilePlace, Layout};
use ::drift::adopt::search::{Profile, Solution};
use ::drift::adopt::{Adoption, AdoptionKey, AdoptionStatus, AdoptionStep, Choices, NamePattern};
use cty::Value;
use model::draft::{DraftImportSource, DraftVariable};
use model::{Diagnostics, InstanceAddress, ModuleAddress};

use super::offer::AdoptOffer;
use crate::drift::{DriftAnswer, DriftRequest};

/// Asks for the configuration of what nobody manages.
#[derive(Clone, Debug)]
pub struct AdoptRequest {
    /// The comparison that tells what nobody manages.
    pub comparison: DriftRequest,
    /// What a person decided in a mapping file. An object that the comparison did not find is tried all the same where
    /// an address is chosen for it: so are adopted what neither the inventory nor a list shows.
    pub choices: Choices,
    /// Which of the unmanaged objects are offered.
    pub offer: AdoptOffer,
    /// How the configuration reads.
    pub style: AdoptStyle,
    /// The folder that the files go to, where that matters for what they say; nothing is written here.
    pub out_dir: Option<PathBuf>,
    /// How many objects are worked on, at most, beside those that are done; the rest is left for another run.
    pub limit: Option<usize>,
    /// What an earlier run finished: its configuration is confirmed rather than searched for.
    pub done: BTreeMap<AdoptionKey, Finished>,
    /// The modules that may be called for the objects that are sent into them: sources, by the names of the calls. The
    /// root module has none of these calls yet.
    pub module_sources: BTreeMap<String, String>,
    /// Whether import blocks are enough: no provider is asked then.
    pub is_import_only: bool,
}

/// How the configuration of adopted objects reads.
#[derive(Clone, Debug, Default)]
pub struct AdoptStyle {
    /// How much it says.
    pub profile: Profile,
    /// How files are divided.
    pub layout: Layout,
    /// Whether ids of other objects become references.
    pub has_references: bool,
    /// From how many objects of one shape on these become one block with `for_each`; `None` leaves each on its own.
    pub group_from: Option<usize>,
    /// What names are made of.
    pub names: NamePattern,
}

/// What became of the objects, and the files for them.
#[derive(Debug)]
pub struct AdoptAnswer {
    /// What became of each unmanaged object, in the order of the findings.
    pub objects: Vec<AdoptedObject>,
    /// The text of each file, by its name: `imports.tf` always, and with configuration `generated*.tf`,
    /// `generated_variables.tf`, and where there is no root module `versions.tf` and `providers.tf`.
    pub files: BTreeMap<String, String>,
    /// The text of each file that belongs into the folder of a module which the root module calls.
    pub module_files: BTreeMap<FilePlace, String>,
    /// The input variables that the files declare.
    pub variables: Vec<AdoptedVariable>,
    /// The comparison. Behind what it found stand the objects that only the mapping file names.
    pub comparison: DriftAnswer,
    /// Problems that the rest survived.
    pub diagnostics: Diagnostics,
    /// What it took.
    pub statistics: AdoptStatistics,
}

/// What became of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct AdoptedObject {
    /// Its position among the findings of the comparison.
    pub position: usize,
    /// What was decided about it.
    pub step: AdoptionStep,
    /// The address it is imported to; another than the step's where it became part of a group.
    pub to: Option<InstanceAddress>,
    /// How far it came.
    pub status: AdoptionStatus,
    /// How many probes its configuration took; `None` where its provider was not asked for one.
    pub n_probes: Option<u32>,
    /// How its import block names it; `None` where it has none.
    pub source: Option<DraftImportSource>,
    /// The provider configuration that its blocks name, where it is not the default one.
    pub provider: Option<String>,
}

/// An input variable, and the value with which the configuration was certified.
#[derive(Clone, Debug, PartialEq)]
pub struct AdoptedVariable {
    /// The module that declares it, without instance keys.
    pub module: ModuleAddress,
    /// The variable.
    pub variable: DraftVariable,
    /// The value. It carries a mark, so that it is never printed; a plan that verifies the files needs it.
    pub value: Value,
}

/// What an adoption took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdoptStatistics {
    /// How many configurations were searched for.
    pub n_searched: u64,
    /// How many of an earlier run were confirmed.
    pub n_resumed: u64,
    /// How many objects are left for another run.
    pub n_left: u64,
    /// Probes per searched configuration: the one in the middle.
    pub probes_median: u32,
    /// Probes per searched configuration: the most.
    pub probes_max: u32,
    /// How often each call of a provider was made, by its name in protocol 6.
    pub calls: BTreeMap<String, u64>,
}

/// An object that is finished, as a journal may keep it: nothing in it must be kept secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The object.
    pub key: AdoptionKey,
    /// How far it came.
    pub status: AdoptionStatus,
    /// The version of the provider that was asked, where it is known.
    pub provider_version: Option<String>,
    /// What was found; arguments that must not be shown are null in its configuration. `None` where there is none.
    pub solution: Option<Solution>,
}

/// Is told of every object as soon as its configuration is found; must not block for long.
pub trait AdoptObserver: Send + Sync {
    /// Takes note of one object.
    fn finished(&self, finished: &Finished);
}

/// Takes no note.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl AdoptObserver for Unobserved {
    fn finished(&self, _: &Finished) {}
}

impl AdoptAnswer {
    /// Gives each unmanaged object with what was decided about it, in the order of the findings.
    pub fn adoptions(&self) -> Vec<Adoption<'_>> {
        let findings = &self.comparison.verdict.findings;
        let adoption =
            |object: &AdoptedObject| Adoption { finding: &findings[object.position], step: object.step.clone() };
        self.objects.iter().map(adoption).collect()
    }

    /// Counts the objects that have an import block.
    pub fn n_imported(&self) -> usize {
        self.objects.iter().filter(|object| object.source.is_some()).count()
    }
}
