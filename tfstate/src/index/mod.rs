//! The index of a state snapshot: one streaming pass finds every instance and where its parts lie.
//!
//! The index holds addresses, ids, ARNs and identities. Attributes stay where they are: an instance knows the range of
//! bytes to decode, see [`crate::format`]. So memory grows with the number of instances, not with the size of the state.

mod build;
mod order;
pub(crate) mod recorded;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use model::{
    DeposedKey, InstanceAddress, InstanceKey, Lineage, ProviderConfigAddress, Region, ResourceAddress, ResourceMode,
    Serial,
};

pub use build::read;

/// What a file turned out to be.
#[derive(Debug)]
pub enum Contents {
    /// A state snapshot of version 4.
    State(Box<Index>),
    /// Nothing: an empty file stands for a state that was never written.
    NoState,
    /// Not a state that can be used; the diagnostics say why.
    Rejected,
}

/// A range of bytes of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ByteRange {
    start: u32,
    end: u32,
}

impl ByteRange {
    fn get(self) -> Option<Range<u64>> {
        (self.end > self.start).then(|| u64::from(self.start)..u64::from(self.end))
    }
}

/// A range of the index's own text; empty is absent.
#[derive(Clone, Copy, Debug, Default)]
struct TextRange {
    start: u32,
    end: u32,
}

#[derive(Debug)]
struct Entry {
    resource: u32,
    provider: u32,
    key: Option<InstanceKey>,
    deposed: Option<DeposedKey>,
    region: Option<Region>,
    id: TextRange,
    arn: TextRange,
    identity: TextRange,
    identity_version: i64,
    schema_version: u64,
    object: ByteRange,
    attributes: ByteRange,
    line: u32,
    column: u32,
    is_tainted: bool,
    is_id_sensitive: bool,
}

/// One output value of the root module: its name, and where the rest lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedOutput {
    /// The name.
    pub name: String,
    /// Whether its value must not be shown.
    pub is_sensitive: bool,
    /// The bytes of its object, to be decoded with [`crate::format::OutputValue::decode`].
    pub range: Range<u64>,
}

/// Every instance of one state snapshot.
///
/// Instances have a position, in the order of the file, and keep it.
pub struct Index {
    file: Arc<str>,
    terraform_version: String,
    serial: Serial,
    lineage: Lineage,
    resources: Vec<ResourceAddress>,
    providers: Vec<ProviderConfigAddress>,
    entries: Vec<Entry>,
    /// Positions in the order in which terraform lists them.
    order: Vec<u32>,
    texts: String,
    outputs: Vec<IndexedOutput>,
    check_results: Option<Range<u64>>,
    unknown_members: BTreeMap<String, u64>,
    n_bytes: u64,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("file", &self.file)
            .field("lineage", &self.lineage)
            .field("serial", &self.serial)
            .field("n_instances", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Names the file, as it was named to [`read`].
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Gives the version of Terraform or OpenTofu that wrote the snapshot.
    pub fn terraform_version(&self) -> &str {
        &self.terraform_version
    }

    /// Gives the serial.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Gives the lineage, empty where the snapshot lacks it.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// Gives the size of the snapshot in bytes.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Counts the instances, deposed objects and data sources included.
    pub fn n_instances(&self) -> usize {
        self.entries.len()
    }

    /// Gives one instance by its position.
    pub fn instance(&self, position: usize) -> Option<IndexedInstance<'_>> {
        self.entries.get(position).map(|entry| IndexedInstance { index: self, entry, position })
    }

    /// Gives every instance in the order of the file.
    pub fn instances(&self) -> impl ExactSizeIterator<Item = IndexedInstance<'_>> {
        self.entries.iter().enumerate().map(|(position, entry)| IndexedInstance { index: self, entry, position })
    }

    /// Gives every address once, in the order and the form in which `terraform state list` prints them.
    pub fn addresses(&self) -> impl Iterator<Item = InstanceAddress> {
        let mut previous: Option<&Entry> = None;
        self.order.iter().filter_map(move |position| {
            let entry = &self.entries[*position as usize];
            let is_repeated = previous.is_some_and(|previous| {
                previous.key == entry.key
                    && (previous.resource == entry.resource
                        || self.resources[previous.resource as usize] == self.resources[entry.resource as usize])
            });
            previous = Some(entry);
            (!is_repeated).then(|| self.address_of(entry))
        })
    }

    /// Finds the current object of an address.
    pub fn find(&self, address: &InstanceAddress) -> Option<IndexedInstance<'_>> {
        let found = self.order.binary_search_by(|position| {
            let entry = &self.entries[*position as usize];
            order::compare_resources(&self.resources[entry.resource as usize], &address.resource)
                .then_with(|| entry.key.cmp(&address.key))
                .then_with(|| entry.deposed.cmp(&None))
        });
        self.instance(self.order[found.ok()?] as usize)
    }

    /// Gives the output values of the root module, by name.
    pub fn outputs(&self) -> &[IndexedOutput] {
        &self.outputs
    }

    /// Gives the bytes of the results of checks; `None` where whoever wrote the snapshot knew no checks.
    pub fn check_results(&self) -> Option<Range<u64>> {
        self.check_results.clone()
    }

    /// Counts members this release does not know, by their path in the file: `resources[].instances[].mood`.
    pub fn unknown_members(&self) -> &BTreeMap<String, u64> {
        &self.unknown_members
    }

    fn address_of(&self, entry: &Entry) -> InstanceAddress {
        self.resources[entry.resource as usize].clone().instance(entry.key.clone())
    }

    fn text(&self, range: TextRange) -> Option<&str> {
        (range.end > range.start).then(|| &self.texts[range.start as usize..range.end as usize])
    }
}

/// One instance of an [`Index`].
#[derive(Clone, Copy)]
pub struct IndexedInstance<'a> {
    index: &'a Index,
    entry: &'a Entry,
    position: usize,
}

impl fmt::Debug for IndexedInstance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedInstance")
            .field("address", &self.address())
            .field("deposed", &self.entry.deposed)
            .finish_non_exhaustive()
    }
}

impl<'a> IndexedInstance<'a> {
    /// Gives its position in the file's order.
    pub fn position(self) -> usize {
        self.position
    }

    /// Gives its address.
    pub fn address(self) -> InstanceAddress {
        self.index.address_of(self.entry)
    }

    /// Gives the address of its resource.
    pub fn resource(self) -> &'a ResourceAddress {
        &self.index.resources[self.entry.resource as usize]
    }

    /// Gives its key within the resource.
    pub fn key(self) -> Option<&'a InstanceKey> {
        self.entry.key.as_ref()
    }

    /// Gives the deposed key; `None` for the current object.
    pub fn deposed(self) -> Option<&'a DeposedKey> {
        self.entry.deposed.as_ref()
    }

    /// Tells whether it is managed; data sources are not.
    pub fn is_managed(self) -> bool {
        self.resource().mode == ResourceMode::Managed
    }

    /// Tells whether the next apply replaces it because its creation failed half way.
    pub fn is_tainted(self) -> bool {
        self.entry.is_tainted
    }

    /// Gives the provider configuration that manages it.
    pub fn provider(self) -> &'a ProviderConfigAddress {
        &self.index.providers[self.entry.provider as usize]
    }

    /// Gives the version of the schema its attributes were written with.
    pub fn schema_version(self) -> u64 {
        self.entry.schema_version
    }

    /// Gives the `id` attribute; `None` where it is absent, not a text or number, or sensitive.
    pub fn id(self) -> Option<&'a str> {
        self.index.text(self.entry.id)
    }

    /// Tells whether the state marks the `id` attribute as sensitive.
    pub fn is_id_sensitive(self) -> bool {
        self.entry.is_id_sensitive
    }

    /// Gives the `arn` attribute, unless it is sensitive.
    pub fn arn(self) -> Option<&'a str> {
        self.index.text(self.entry.arn)
    }

    /// Gives the `region` attribute, unless it is sensitive.
    pub fn region(self) -> Option<&'a Region> {
        self.entry.region.as_ref()
    }

    /// Gives the identity's schema version and its JSON text, where the provider recorded one.
    pub fn identity_json(self) -> Option<(i64, &'a str)> {
        self.index.text(self.entry.identity).map(|text| (self.entry.identity_version, text))
    }

    /// Gives the bytes of the whole instance object, to be decoded with [`crate::format::InstanceObject::decode`].
    pub fn object_range(self) -> Range<u64> {
        self.entry.object.get().unwrap_or_default()
    }

    /// Gives the bytes of its attributes; `None` where it has none, or has them in the flat form of before version 4.
    pub fn attributes_range(self) -> Option<Range<u64>> {
        self.entry.attributes.get()
    }

    /// Gives line and column of the instance object in the file, both from 1.
    pub fn line_and_column(self) -> (usize, usize) {
        (self.entry.line as usize, self.entry.column as usize)
    }
}
