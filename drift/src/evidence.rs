//! What a verdict is based on: the facets, as their sources give them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::{Path, Value};
use model::{
    AccountId, Cause, CloudName, InstanceAddress, NativeType, RecordedInstance, ResourceAddress, ResourceType,
    ScopeOutcome, Span, StateRef,
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
    /// What providers said of the instances they were asked about, by the position in `recorded`.
    pub readings: &'a BTreeMap<usize, Reading>,
    /// Which providers were asked, for the coverage.
    pub provider_uses: &'a [ProviderUse],
    /// What the user chose to ignore.
    pub ignore: &'a IgnoreRules,
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
