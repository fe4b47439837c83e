//! What a state snapshot holds about resource instances.

use std::sync::Arc;

use crate::{
    AccountId, DeposedKey, Identity, ImportId, InstanceAddress, Lineage, ProviderConfigAddress, Region, Serial,
};

/// Names one state snapshot that was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateRef {
    /// Where it came from: a path, a URL without credentials, or `-`.
    pub url: Arc<str>,
    /// The workspace it belongs to, `default` where it has no other.
    pub workspace: Arc<str>,
    /// The lineage; empty in snapshots that lack it.
    pub lineage: Lineage,
    /// The serial.
    pub serial: Serial,
}

/// What identifies one managed resource instance of a state: enough to find its remote object.
///
/// Attributes are not here: they are decoded on demand, by the instance's position.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedInstance {
    /// The address.
    pub address: InstanceAddress,
    /// Set for an object that a replacement left behind.
    pub deposed: Option<DeposedKey>,
    /// Whether the next apply replaces it because its creation failed half way.
    pub is_tainted: bool,
    /// The provider configuration that manages it.
    pub provider: ProviderConfigAddress,
    /// The `id` attribute.
    pub id: Option<ImportId>,
    /// What `terraform import` takes for it, where that is not the `id` attribute and the other attributes tell.
    pub import_id: Option<ImportId>,
    /// The `arn` attribute.
    pub arn: Option<String>,
    /// The identity, where the provider recorded one.
    pub identity: Option<Identity>,
    /// The account it lies in, where its ARN, identity or attributes tell.
    pub account: Option<AccountId>,
    /// The region it lies in, where its ARN, identity or attributes tell.
    pub region: Option<Region>,
    /// The state it is recorded in: an index into the states that were read.
    pub state: usize,
    /// Its position among the instances of that state.
    pub position: usize,
}
