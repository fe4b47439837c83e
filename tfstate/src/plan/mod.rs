//! Plan JSON: what `terraform show -json PLANFILE` prints, read as facets of resource instances.
//!
//! One streaming pass finds every instance and where its values lie; values are decoded when they are asked for. So
//! memory grows with the number of instances, not with the size of the plan.
//!
//! | facet | where it comes from |
//! |---|---|
//! | Recorded | `resource_drift[].change.before` where the refresh found a difference, else `prior_state` |
//! | Observed | `prior_state`, which is the state after the refresh; nothing where the refresh found nothing |
//! | Planned | `resource_changes[].change.after`, unknown where `after_unknown` says so |
//! | Declared | the constants of `configuration`; see [`ConfiguredBody`] |
//!
//! Versions 0 and 1 of the format are read, of Terraform 0.12 and later and of OpenTofu; what a minor version adds is
//! passed over.
//!
//! **Start reading** at [`PlanDocument`].
//!
//! Source: `internal/command/jsonplan`, `jsonstate` and `jsonconfig` of Terraform and of OpenTofu.

mod build;
mod change;
mod configuration;
mod extras;
mod lookalike;
mod members;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use cty::{Type, Value};
use model::{
    AccountId, DeposedKey, Diagnostics, ImportId, InstanceAddress, ProviderAddress, ProviderConfigAddress,
    RecordedInstance, Region, ResourceAddress,
};

use crate::backend::StateBytes;
use crate::format::members::Flaw;
use crate::index::recorded::parse_arn;
use crate::{Error, ErrorKind};

pub use change::{ChangeDetail, PlanAction};
pub use configuration::{ConfiguredArgument, ConfiguredBody};
pub use extras::{OutputChange, RelevantAttribute};

/// The largest value that is decoded, in bytes of its JSON text.
const MAX_VALUE: u64 = 64 << 20;

/// A range of bytes of the plan; empty is absent.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    start: u32,
    end: u32,
}

impl Piece {
    fn get(self) -> Option<Range<u64>> {
        (self.end > self.start).then(|| u64::from(self.start)..u64::from(self.end))
    }
}

/// An object of the prior state.
#[derive(Debug)]
struct Prior {
    provider: u32,
    is_tainted: bool,
    schema_version: u64,
    values: Piece,
    sensitive: Piece,
}

/// A change, of `resource_changes` or of `resource_drift`.
#[derive(Debug)]
struct Change {
    provider: u32,
    previous_address: Option<InstanceAddress>,
    reason: Option<Arc<str>>,
    actions: PlanAction,
    is_importing: bool,
    whole: Piece,
    before: Piece,
    after: Piece,
    after_unknown: Piece,
    before_sensitive: Piece,
    after_sensitive: Piece,
}

/// Everything that is known of one object of one instance.
#[derive(Debug)]
struct Entry {
    address: InstanceAddress,
    deposed: Option<DeposedKey>,
    prior: Option<Prior>,
    drift: Option<Box<Change>>,
    change: Option<Box<Change>>,
}

/// What the configuration says of a resource, apart from its arguments.
#[derive(Clone, Debug)]
struct ConfiguredEntry {
    provider_key: Option<Arc<str>>,
    expressions: Piece,
}

/// What stands at the top of the document.
#[derive(Debug, Default)]
struct Header {
    format_version: String,
    terraform_version: String,
    timestamp: Option<String>,
    is_applyable: Option<bool>,
    is_complete: Option<bool>,
    is_errored: Option<bool>,
    has_resource_changes: bool,
    has_configuration: bool,
    n_deferred: u64,
    variables: Piece,
    output_changes: Piece,
    prior_outputs: Piece,
    checks: Piece,
    relevant_attributes: Piece,
    configured_variables: Piece,
}

/// A plan that was read: an index, and the bytes to decode more from.
pub struct PlanDocument {
    name: Arc<str>,
    bytes: StateBytes,
    header: Header,
    entries: Vec<Entry>,
    /// Entries by address and deposed key.
    by_address: BTreeMap<(InstanceAddress, Option<DeposedKey>), u32>,
    providers: Vec<Option<ProviderAddress>>,
    provider_configs: BTreeMap<String, ProviderConfigAddress>,
    configured: BTreeMap<ResourceAddress, ConfiguredEntry>,
}

impl fmt::Debug for PlanDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanDocument")
            .field("name", &self.name)
            .field("format_version", &self.header.format_version)
            .field("n_instances", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// The facets of one instance that a plan holds; what it does not hold, or says does not exist, is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanFacets {
    /// Recorded: the state before the plan's own refresh.
    pub recorded: Option<Value>,
    /// Observed: what the plan's own refresh left.
    pub observed: Option<Value>,
    /// Planned: how it is to be.
    pub planned: Option<Value>,
}

impl PlanDocument {
    /// Indexes a plan; `None` where it is no plan that can be used, as the diagnostics say. The work is blocking.
    ///
    /// `name` names the plan in diagnostics. No diagnostic holds anything of a value.
    ///
    /// # Errors
    /// Where reading fails, or the file is written meanwhile.
    pub fn read(name: &Arc<str>, bytes: StateBytes) -> Result<(Option<Self>, Diagnostics), Error> {
        let (built, diagnostics) = bytes.read_all(&mut |reader| build::read(reader, name))?;
        let document = built.map(|built| Self {
            name: Arc::clone(name),
            bytes,
            header: built.header,
            entries: built.entries,
            by_address: built.by_address,
            providers: built.providers,
            provider_configs: built.provider_configs,
            configured: built.configured,
        });
        Ok((document, diagnostics))
    }

    /// Names the plan.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Gives the version of the format: `1.2`.
    pub fn format_version(&self) -> &str {
        &self.header.format_version
    }

    /// Gives the version of Terraform or OpenTofu that made the plan.
    pub fn terraform_version(&self) -> &str {
        &self.header.terraform_version
    }

    /// Gives the moment at which the plan was made, as it is written; Terraform 1.5 and later tell.
    pub fn timestamp(&self) -> Option<&str> {
        self.header.timestamp.as_deref()
    }

    /// Tells whether the plan can be applied; older versions do not tell.
    pub fn is_applyable(&self) -> Option<bool> {
        self.header.is_applyable
    }

    /// Tells whether the plan covers every instance; `false` where `-target` narrowed it, or changes were deferred.
    /// Older versions of Terraform do not tell, and OpenTofu does not.
    pub fn is_complete(&self) -> Option<bool> {
        self.header.is_complete
    }

    /// Tells whether planning ended with an error; older versions do not tell.
    pub fn is_errored(&self) -> Option<bool> {
        self.header.is_errored
    }

    /// Tells whether changes of instances were planned at all: a plan with `-refresh-only` has none.
    pub fn has_resource_changes(&self) -> bool {
        self.header.has_resource_changes
    }

    /// Tells whether the plan holds the configuration it was made of.
    pub fn has_configuration(&self) -> bool {
        self.header.has_configuration
    }

    /// Counts the changes that were deferred to a later plan.
    pub fn n_deferred(&self) -> u64 {
        self.header.n_deferred
    }

    /// Tells whether the plan destroys everything it covers, as `-destroy` asks for. Such a plan does not tell what its
    /// refresh found.
    pub fn is_destroy(&self) -> bool {
        let mut is_any = false;
        let current = self.entries.iter().filter(|entry| entry.deposed.is_none());
        for change in current.filter_map(|entry| entry.change.as_ref()) {
            match change.actions {
                PlanAction::Delete | PlanAction::Forget if change.reason.is_none() => is_any = true,
                PlanAction::Read => {}
                _ => return false,
            }
        }
        is_any && self.entries.iter().all(|entry| entry.drift.is_none())
    }

    /// Tells whether the refresh found any difference: then it is certain that there was one.
    pub fn has_drift(&self) -> bool {
        self.entries.iter().any(|entry| entry.drift.is_some())
    }

    /// Gives every object of every instance that the plan mentions: those of the prior state first.
    pub fn instances(&self) -> impl ExactSizeIterator<Item = PlanInstance<'_>> {
        self.entries.iter().enumerate().map(|(position, entry)| PlanInstance { document: self, entry, position })
    }

    /// Gives one of [`PlanDocument::instances`] by its position.
    pub fn instance(&self, position: usize) -> Option<PlanInstance<'_>> {
        self.entries.get(position).map(|entry| PlanInstance { document: self, entry, position })
    }

    /// Finds the current object of an address.
    pub fn find(&self, address: &InstanceAddress) -> Option<PlanInstance<'_>> {
        self.instance(*self.by_address.get(&(address.clone(), None))? as usize)
    }

    /// Tells whether the configuration has a block for a resource, in whichever instance of its module.
    pub fn is_configured(&self, address: &ResourceAddress) -> bool {
        self.configured.contains_key(&build::without_keys(address))
    }

    /// Decodes what the block of a resource writes; `None` where the configuration has no such block.
    ///
    /// # Errors
    /// Where the bytes cannot be read any more, or are not well-formed.
    pub fn configured(&self, address: &ResourceAddress) -> Result<Option<ConfiguredBody>, Error> {
        let Some(entry) = self.configured.get(&build::without_keys(address)) else { return Ok(None) };
        let Some(range) = entry.expressions.get() else { return Ok(Some(ConfiguredBody::default())) };
        self.decode(&range, &|json| ConfiguredBody::parse(json))
            .map(Some)
            .map_err(|error| error.with("address", address))
    }

    /// Names the provider configuration of an instance: the one its block names, else the default one of its provider.
    fn provider_of(&self, address: &InstanceAddress, provider: u32) -> ProviderConfigAddress {
        let provider = self.providers.get(provider as usize).cloned().flatten();
        let provider = provider.unwrap_or_else(|| implied_provider(address));
        let key = self
            .configured
            .get(&build::without_keys(&address.resource))
            .and_then(|entry| entry.provider_key.as_deref());
        let named = key.and_then(|key| {
            // In a module that passes it through, older versions name it as the module does.
            let local = key.rsplit_once(':').map_or(key, |(_, local)| local);
            self.provider_configs.get(key).or_else(|| self.provider_configs.get(local))
        });
        match named {
            Some(named) if named.provider == provider => named.clone(),
            _ => ProviderConfigAddress { module: model::ModuleAddress::root(), provider, alias: None, key: None },
        }
    }

    fn decode<T>(&self, range: &Range<u64>, parse: &dyn Fn(&[u8]) -> Result<T, Flaw>) -> Result<T, Error> {
        let operation = "decode a part of the plan";
        if range.end - range.start > MAX_VALUE {
            return Err(Error::new(ErrorKind::TooLarge, operation)
                .with("plan", &self.name)
                .with("limit", format!("{MAX_VALUE} bytes")));
        }
        let parsed = self.bytes.with_range(range, &mut |json| parse(json))?;
        parsed.map_err(|flaw| Error::new(ErrorKind::Invalid, operation).with("plan", &self.name).because(flaw))
    }

    /// Decodes a value and puts on it what the masks say.
    fn value(&self, pieces: Pieces, ty: Option<&Type>) -> Result<Option<Value>, Error> {
        let Some(range) = pieces.value.get() else {
            // Where all of it is unknown, there is nothing but the mask.
            let unknown = self.mask(pieces.unknown)?;
            let is_unknown = unknown.is_some_and(|mask| mask.is_all());
            return Ok(is_unknown.then(|| Value::unknown(ty.cloned().unwrap_or(Type::Dynamic))));
        };
        let unknown = self.mask(pieces.unknown)?;
        let sensitive = self.mask(pieces.sensitive)?;
        let value = self.decode(&range, &|json| value::decode(json, unknown.as_ref(), sensitive.as_ref(), ty))?;
        Ok(Some(value).filter(|value| !value.unmark().0.is_null()))
    }

    fn mask(&self, piece: Piece) -> Result<Option<value::Mask>, Error> {
        piece.get().map(|range| self.decode(&range, &|json| value::Mask::parse(json))).transpose()
    }
}

/// Where the parts of one value lie.
#[derive(Clone, Copy)]
struct Pieces {
    value: Piece,
    unknown: Piece,
    /// Absent before Terraform 0.14: then nobody says what may be shown.
    sensitive: Piece,
}

/// Gives the provider that a resource type implies.
fn implied_provider(address: &InstanceAddress) -> ProviderAddress {
    let name = address.resource_type().as_str();
    let local = name.split_once('_').map_or(name, |(prefix, _)| prefix);
    ProviderAddress { host: "registry.terraform.io".into(), namespace: "hashicorp".into(), provider_type: local.into() }
}

/// One object of one instance that a plan mentions.
#[derive(Clone, Copy)]
pub struct PlanInstance<'a> {
    document: &'a PlanDocument,
    entry: &'a Entry,
    position: usize,
}

impl fmt::Debug for PlanInstance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanInstance").field("address", self.address()).finish_non_exhaustive()
    }
}

impl<'a> PlanInstance<'a> {
    /// Gives its position among [`PlanDocument::instances`].
    pub fn position(self) -> usize {
        self.position
    }

    /// Gives its address, after the moves of the plan.
    pub fn address(self) -> &'a InstanceAddress {
        &self.entry.address
    }

    /// Gives the address it has in the state, where the plan moves it.
    pub fn previous_address(self) -> Option<&'a InstanceAddress> {
        let mut changes = self.entry.change.iter().chain(&self.entry.drift);
        changes.find_map(|change| change.previous_address.as_ref())
    }

    /// Gives the deposed key; `None` for the current object.
    pub fn deposed(self) -> Option<&'a DeposedKey> {
        self.entry.deposed.as_ref()
    }

    /// Gives the provider configuration that manages it.
    pub fn provider(self) -> ProviderConfigAddress {
        let of_prior = self.entry.prior.as_ref().map(|prior| prior.provider);
        let of_change = || self.entry.change.as_ref().or(self.entry.drift.as_ref()).map(|change| change.provider);
        self.document.provider_of(self.address(), of_prior.or_else(of_change).unwrap_or(u32::MAX))
    }

    /// Tells whether the next apply replaces it because its creation failed half way.
    pub fn is_tainted(self) -> bool {
        self.entry.prior.as_ref().is_some_and(|prior| prior.is_tainted)
    }

    /// Gives the version of the schema its recorded values have, where the prior state has it.
    pub fn schema_version(self) -> Option<u64> {
        self.entry.prior.as_ref().map(|prior| prior.schema_version)
    }

    /// Tells whether a state records it: what the plan creates or imports is not recorded yet.
    pub fn is_recorded(self) -> bool {
        let Some(change) = &self.entry.change else { return self.entry.prior.is_some() || self.entry.drift.is_some() };
        if change.is_importing {
            return false;
        }
        // A forgotten instance is in no prior state any more.
        self.entry.prior.is_some() || self.entry.drift.is_some() || change.before.get().is_some()
    }

    /// Tells whether the plan's refresh found that its object is gone.
    pub fn is_gone(self) -> bool {
        self.entry.drift.as_ref().is_some_and(|drift| drift.actions == PlanAction::Delete)
    }

    /// Tells whether the plan's refresh found a difference.
    pub fn has_drift(self) -> bool {
        self.entry.drift.is_some()
    }

    /// Gives what the plan does with it; `None` where the plan does not cover it.
    pub fn action(self) -> Option<&'a PlanAction> {
        self.entry.change.as_ref().map(|change| &change.actions)
    }

    /// Gives the reason for the action, in terraform's word: `replace_because_tainted`.
    pub fn action_reason(self) -> Option<&'a str> {
        self.entry.change.as_ref()?.reason.as_deref()
    }

    /// Decodes the rest of what the plan says of its change; `None` where the plan does not cover it.
    ///
    /// # Errors
    /// Where the bytes cannot be read any more, or are not well-formed.
    pub fn change(self) -> Result<Option<ChangeDetail>, Error> {
        let Some(range) = self.entry.change.as_ref().and_then(|change| change.whole.get()) else { return Ok(None) };
        self.document.decode(&range, &|json| ChangeDetail::parse(json)).map(Some).map_err(|error| self.name(error))
    }

    /// Decodes the facets, with the type that the provider's schema implies or without.
    ///
    /// Without a type every collection is a tuple or an object. What the plan calls sensitive is marked; where it does not
    /// tell, as before Terraform 0.14, all of it is.
    ///
    /// # Errors
    /// Where the bytes cannot be read any more, are not well-formed, or do not have the type.
    pub fn facets(self, ty: Option<&Type>) -> Result<PlanFacets, Error> {
        let decode = |pieces: Option<Pieces>| match pieces {
            Some(pieces) => self.document.value(pieces, ty).map_err(|error| self.name(error)),
            None => Ok(None),
        };
        let after = self.entry.change.as_ref().map(|change| Pieces {
            value: change.after,
            unknown: change.after_unknown,
            sensitive: change.after_sensitive,
        });
        Ok(PlanFacets {
            recorded: decode(self.recorded_pieces())?,
            observed: decode(self.observed_pieces())?,
            planned: decode(after)?,
        })
    }

    /// Decodes Recorded alone, without a type.
    ///
    /// # Errors
    /// As [`PlanInstance::facets`].
    pub fn recorded(self) -> Result<Option<Value>, Error> {
        let Some(pieces) = self.recorded_pieces() else { return Ok(None) };
        self.document.value(pieces, None).map_err(|error| self.name(error))
    }

    /// Gives what identifies its remote object, from Recorded; what the plan calls sensitive is left out.
    ///
    /// `state` is the index of the state it is recorded in among those that are judged.
    ///
    /// # Errors
    /// As [`PlanInstance::facets`].
    pub fn recorded_instance(self, state: usize) -> Result<RecordedInstance, Error> {
        let recorded = self.recorded()?;
        let told = |name: &str| {
            let mut entries = recorded.iter().flat_map(Value::entries);
            let (_, value) = entries.find(|(own, value)| *own == name && !value.is_marked())?;
            let number = value.as_number().map(ToString::to_string);
            value.as_str().map(str::to_owned).or(number).filter(|text| !text.is_empty())
        };
        let arn = told("arn");
        let place = arn.as_deref().and_then(parse_arn);
        let in_arn = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(RecordedInstance {
            address: self.address().clone(),
            deposed: self.deposed().cloned(),
            is_tainted: self.is_tainted(),
            provider: self.provider(),
            id: told("id").map(ImportId::from),
            import_id: None,
            account: place.as_ref().and_then(|place| in_arn(place.account)).map(AccountId::from),
            region: place.as_ref().and_then(|place| in_arn(place.region)).or_else(|| told("region")).map(Region::from),
            arn,
            identity: None,
            state,
            position: self.position,
        })
    }

    /// Gives the JSON text of Recorded.
    ///
    /// # Errors
    /// Where the bytes cannot be read any more.
    pub fn recorded_json(self) -> Result<Option<Vec<u8>>, Error> {
        let Some(range) = self.recorded_pieces().and_then(|pieces| pieces.value.get()) else { return Ok(None) };
        self.document.decode(&range, &|json| Ok(json.to_vec())).map(Some).map_err(|error| self.name(error))
    }

    fn recorded_pieces(self) -> Option<Pieces> {
        self.entry.drift.as_ref().map(|drift| before(drift)).or_else(|| self.observed_pieces())
    }

    fn observed_pieces(self) -> Option<Pieces> {
        if self.is_gone() {
            return None;
        }
        let prior = self.entry.prior.as_ref();
        prior
            .map(|prior| Pieces { value: prior.values, unknown: Piece::default(), sensitive: prior.sensitive })
            .or_else(|| {
                let drift = self.entry.drift.as_ref()?;
                Some(Pieces { value: drift.after, unknown: drift.after_unknown, sensitive: drift.after_sensitive })
            })
            .or_else(|| self.entry.change.as_ref().map(|change| before(change)))
    }

    fn name(self, error: Error) -> Error {
        error.with("address", self.address().with_deposed(self.deposed()))
    }
}

fn before(change: &Change) -> Pieces {
    Pieces { value: change.before, unknown: Piece::default(), sensitive: change.before_sensitive }
}

#[cfg(test)]
mod tests;
