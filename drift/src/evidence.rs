//! What a verdict is based on: the facets, as their sources give them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::{Path, Value};
use model::{
    AccountId, Cause, CloudName, Identity, ImportId, InstanceAddress, NativeType, ProviderAddress, RecordedInstance,
    Region, ResourceAddress, ResourceType, ScopeOutcome, Span, StateRef,
};

use crate::IgnoreRules;
use crate::exact::{ProviderUse, Reading};

/// Everything that is known before the remote objects stream in.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The states that were read; [`RecordedInstance::state`] counts in here.
    pub states: &'a [StateRef],
    /// The managed instances of all of them, data sources left out.
    pub recorded: &'a [RecordedInstance],
    /// Gives the recorded attributes of an instance when a comparison asks for them.
    pub attributes: &'a dyn RecordedAttributes,
    /// Which remote objects a Terraform type manages, for each type that some definition covers.
    pub types: &'a BTreeMap<ResourceType, TypeMapping>,
    /// Where was looked, and how completely.
    pub scopes: &'a [ScopeOutcome],
    /// Whose credentials were used.
    pub callers: &'a [Caller],
    /// Which arguments the code writes, where the code was read; used only where a single state is judged, which must
    /// be that of the code.
    pub declared: Option<&'a dyn DeclaredArguments>,
    /// The instances that the code has and no state records; empty where that is not known.
    pub unrecorded: &'a [UnrecordedInstance],
    /// The instances that the change under review takes out of the code, by the addresses that the state has: what is
    /// left of them is to be destroyed on purpose. Empty where no change is reviewed.
    pub removed_by_change: &'a BTreeSet<InstanceAddress>,
    /// What providers said of the instances they were asked about, by the position in `recorded`.
    pub readings: &'a BTreeMap<usize, Reading>,
    /// Which providers were asked, for the coverage.
    pub provider_uses: &'a [ProviderUse],
    /// What the user chose to ignore.
    pub ignore: &'a IgnoreRules,
}

/// An instance that the code has and no state records: it is yet to be made, or exists and was never imported.
#[derive(Clone, Debug, PartialEq)]
pub struct UnrecordedInstance {
    /// The address.
    pub address: InstanceAddress,
    /// Its block.
    pub source: Option<Span>,
    /// The provider that would make it.
    pub provider: Option<ProviderAddress>,
    /// The state that would record it: an index into [`Evidence::states`].
    pub state: usize,
    /// The account it would lie in, where the code tells.
    pub account: Option<AccountId>,
    /// The region it would lie in, where the code tells.
    pub region: Option<Region>,
    /// What the evaluated code says of the object, where nothing in it is unknown.
    pub names: DeclaredNames,
    /// Whether an `import` block of the code is about it: the next apply imports it.
    pub is_being_imported: bool,
}

/// What code says that identifies the object an instance would be, one known value each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeclaredNames {
    /// What it would be imported by.
    pub import_id: Option<ImportId>,
    /// What its provider would call its identity.
    pub identity: Option<Identity>,
    /// The cloud-wide name.
    pub arn: Option<String>,
    /// What it is called, only where no two objects of its type in one place can have the same name.
    pub unique_name: Option<String>,
}

/// Says which native types a Terraform resource type manages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeMapping {
    /// The cloud.
    pub cloud: CloudName,
    /// The native types; an instance is missing only where none of them has its object.
    pub native_types: Vec<NativeType>,
    /// Where a parent's resource may hold such an object inline, instead of a resource of its own.
    pub inline_in: Vec<InlineIn>,
}

/// Names an attribute or block of a parent's resource that may hold a child inline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlineIn {
    /// The Terraform type of the parent: `aws_security_group`.
    pub resource_type: ResourceType,
    /// The attribute or block: `ingress`.
    pub attribute: String,
}

/// Says whose credentials a cloud was asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The cloud.
    pub cloud: CloudName,
    /// The profile the credentials came from, where they came from one.
    pub profile: Option<Arc<str>>,
    /// The account they belong to.
    pub account: AccountId,
}

/// Gives recorded attributes on demand, so that a state of any size need not be decoded as a whole.
pub trait RecordedAttributes: Sync {
    /// Decodes the named top-level attributes of one instance, in the order asked for; `None` for those it lacks.
    ///
    /// `instance` counts in [`Evidence::recorded`]. What the state calls sensitive comes marked.
    ///
    /// # Errors
    ///
    /// The cause for which the instance cannot be decoded; the instance is then undetermined.
    fn attributes(&self, instance: usize, names: &[&str]) -> Result<Vec<Option<Value>>, Cause>;

    /// Decodes all attributes of one instance, without a schema.
    ///
    /// # Errors
    ///
    /// As [`RecordedAttributes::attributes`].
    fn all_attributes(&self, instance: usize) -> Result<Value, Cause>;
}

/// Tells what the configuration declares.
pub trait DeclaredArguments: Sync {
    /// Finds the block of a resource.
    fn block(&self, address: &ResourceAddress) -> DeclaredBlock;
    /// Tells whether the block of a resource writes what is at `path`.
    fn argument(&self, address: &ResourceAddress, path: &Path) -> Declaration;

    /// Finds the block of an instance: absent too where the block is there and has no such instance any more.
    fn instance(&self, address: &InstanceAddress) -> DeclaredBlock {
        self.block(&address.resource)
    }

    /// Tells whether the block writes what is at `path` for an instance: what it sets to null there is not written.
    fn instance_argument(&self, address: &InstanceAddress, path: &Path) -> Declaration {
        self.argument(&address.resource, path)
    }

    /// Gives the address that the code has for an instance of the state, where a `moved` block leads elsewhere.
    fn moved_to(&self, _address: &InstanceAddress) -> Option<InstanceAddress> {
        None
    }

    /// Lists what the argument at `path` refers to: managed instances, by the addresses that the code has, each with the
    /// path of what is taken of it, empty where that is the whole instance.
    fn references(&self, _address: &InstanceAddress, _path: &Path) -> Vec<(InstanceAddress, Path)> {
        Vec::new()
    }

    /// Says why evaluation cannot know what the block of an instance has at `path`, as a sentence.
    fn unknown_reason(&self, _address: &InstanceAddress, _path: &Path) -> Option<String> {
        None
    }
}

/// Tells whether a resource has a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredBlock {
    /// It has, here.
    Present(Span),
    /// The module that would hold it was read and does not.
    Absent,
    /// The module that would hold it was not read.
    Unknown,
}

/// Tells whether an argument is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// The block writes it, here.
    Written(Span),
    /// The block writes nothing there.
    Silent,
    /// `lifecycle.ignore_changes` covers it.
    IgnoredChanges,
    /// The block was not read.
    Unknown,
}
