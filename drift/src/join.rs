//! The join: which recorded instances a remote object belongs to.
//!
//! The recorded side is indexed once and small: sixteen bytes per key. Objects stream past it and are looked up by
//! import id, `id` attribute, cloud-wide name and identity, all of them, within their native type. Texts are compared
//! exactly, letter case included.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use model::{AccountId, CloudName, Identity, ImportId, NativeType, RecordedInstance, RemoteObject, Scope};

use crate::Evidence;

/// Attributes of an identity that say where an object lies, not which one it is.
const PLACE_ATTRIBUTES: &[&str] = &["account_id", "region"];

/// The recorded instances by everything that may identify them.
pub(crate) struct Index<'a> {
    evidence: &'a Evidence<'a>,
    sole_accounts: BTreeMap<&'a CloudName, &'a AccountId>,
    entries: Vec<(u64, u32)>,
}

/// How sure it is that an object lies where an instance does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The instance records too little to tell.
    Possible,
    /// Account and region agree, or the name is unique in the whole cloud.
    Exact,
}

/// The instances an object belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Matches {
    /// Positions among the recorded instances, ascending.
    pub(crate) instances: Vec<u32>,
    /// Whether account and region agree, or only may agree.
    pub(crate) is_exact: bool,
}

impl<'a> Index<'a> {
    /// Indexes the instances for which `is_live` holds.
    pub(crate) fn build(evidence: &'a Evidence<'a>, is_live: impl Fn(usize) -> bool) -> Self {
        let mut entries = Vec::with_capacity(evidence.recorded.len() * 2);
        for (position, instance) in evidence.recorded.iter().enumerate().filter(|(position, _)| is_live(*position)) {
            let Some(mapping) = evidence.types.get(instance.address.resource_type()) else { continue };
            let identity = instance.identity.as_ref().and_then(identity_text);
            let id = import_id(instance).map(ImportId::as_str);
            let arn = instance.arn.as_deref().filter(|arn| id != Some(arn));
            for native_type in &mapping.native_types {
                for text in [id, arn, identity.as_deref()].into_iter().flatten().filter(|text| !text.is_empty()) {
                    entries.push((hash(native_type, text), position as u32));
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        Self { evidence, sole_accounts: sole_accounts(evidence), entries }
    }

    /// Finds the instances an object belongs to: those that surely lie where it does, else those that may.
    pub(crate) fn find(&self, object: &RemoteObject) -> Matches {
        let mut found: Vec<(u32, Fit)> = Vec::new();
        let identity = object.identity.as_ref().and_then(identity_text);
        let id_attribute = object.attributes.get("id").filter(|id| !id.is_marked()).and_then(cty::Value::as_str);
        let import_id = object.import_id.as_ref().map(ImportId::as_str);
        let texts = [import_id, id_attribute, object.arn.as_deref(), identity.as_deref()];
        for text in texts.into_iter().flatten().filter(|text| !text.is_empty()) {
            let wanted = hash(&object.scope.native_type, text);
            let start = self.entries.partition_point(|(hash, _)| *hash < wanted);
            for (_, position) in self.entries[start..].iter().take_while(|(hash, _)| *hash == wanted) {
                let instance = &self.evidence.recorded[*position as usize];
                if !self.is_recorded_as(instance, &object.scope.native_type, text) {
                    continue;
                }
                let is_cloud_wide = object.arn.as_deref() == Some(text);
                if let Some(fit) = if is_cloud_wide { Some(Fit::Exact) } else { self.fit(instance, &object.scope) } {
                    found.push((*position, fit));
                }
            }
        }
        let best = found.iter().map(|(_, fit)| *fit).max();
        let mut instances: Vec<u32> =
            found.iter().filter(|(_, fit)| Some(*fit) == best).map(|(position, _)| *position).collect();
        instances.sort_unstable();
        instances.dedup();
        Matches { instances, is_exact: best == Some(Fit::Exact) }
    }

    /// Lists groups of instances that share an id or an identity and surely lie in one place, whatever was observed.
    pub(crate) fn shared(&self, is_wanted: impl Fn(u32) -> bool) -> Vec<Vec<u32>> {
        let mut groups = Vec::new();
        for run in self.entries.chunk_by(|a, b| a.0 == b.0) {
            let wanted = || run.iter().map(|(_, position)| *position).filter(|position| is_wanted(*position));
            if run.len() < 2 || wanted().nth(1).is_none() {
                continue;
            }
            let mut by_key: BTreeMap<_, Vec<u32>> = BTreeMap::new();
            for position in wanted() {
                let instance = &self.evidence.recorded[position as usize];
                let Some(mapping) = self.evidence.types.get(instance.address.resource_type()) else { continue };
                let (Some(id), Some(account)) = (import_id(instance), self.account_of(instance, &mapping.cloud)) else {
                    continue;
                };
                by_key.entry((&mapping.native_types, id, account, &instance.region)).or_default().push(position);
            }
            groups.extend(by_key.into_values().filter(|group| group.len() > 1));
        }
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Gives the account an instance lies in: the recorded one, or the only one that was looked at.
    pub(crate) fn account_of<'s>(&'s self, instance: &'s RecordedInstance, cloud: &CloudName) -> Option<&'s AccountId> {
        instance.account.as_ref().or_else(|| self.sole_account(cloud))
    }

    /// Gives the only account of a cloud that was looked at.
    pub(crate) fn sole_account(&self, cloud: &CloudName) -> Option<&AccountId> {
        self.sole_accounts.get(cloud).copied()
    }

    fn is_recorded_as(&self, instance: &RecordedInstance, native_type: &NativeType, text: &str) -> bool {
        let mapping = self.evidence.types.get(instance.address.resource_type());
        mapping.is_some_and(|mapping| mapping.native_types.contains(native_type))
            && (import_id(instance).is_some_and(|id| id.as_str() == text)
                || instance.arn.as_deref() == Some(text)
                || instance.identity.as_ref().and_then(identity_text).as_deref() == Some(text))
    }

    fn fit(&self, instance: &RecordedInstance, scope: &Scope) -> Option<Fit> {
        let account = match self.account_of(instance, &scope.cloud) {
            Some(account) if *account == scope.account => Fit::Exact,
            Some(_) => return None,
            None => Fit::Possible,
        };
        let region = match (&instance.region, &scope.region) {
            (_, None) => Fit::Exact,
            (Some(recorded), Some(seen)) if recorded == seen => Fit::Exact,
            (Some(_), Some(_)) => return None,
            (None, Some(_)) => Fit::Possible,
        };
        Some(account.min(region))
    }
}

/// Gives the import id of an instance: its `id` attribute, unless that is known to be something else.
///
/// An empty one says that the state lacks what the import id is made of: an `aws_security_group_rule` with several CIDR
/// blocks records none of its rules' ids.
pub(crate) fn import_id(instance: &RecordedInstance) -> Option<&ImportId> {
    instance.import_id.as_ref().or(instance.id.as_ref()).filter(|id| !id.as_str().is_empty())
}

/// Finds, for each cloud of which one account was looked at, that account.
fn sole_accounts<'a>(evidence: &'a Evidence<'a>) -> BTreeMap<&'a CloudName, &'a AccountId> {
    let mut accounts: BTreeMap<&CloudName, Option<&AccountId>> = BTreeMap::new();
    let looked_at = evidence.scopes.iter().map(|outcome| (&outcome.scope.cloud, &outcome.scope.account));
    for (cloud, account) in looked_at.chain(evidence.callers.iter().map(|caller| (&caller.cloud, &caller.account))) {
        let sole = accounts.entry(cloud).or_insert(Some(account));
        if *sole != Some(account) {
            *sole = None;
        }
    }
    accounts.into_iter().filter_map(|(cloud, account)| Some((cloud, account?))).collect()
}

/// Writes an identity as text that is equal for equal identities, places left out; `None` where nothing is left.
pub(crate) fn identity_text(identity: &Identity) -> Option<String> {
    if identity.value.contains_marked() || !identity.value.is_wholly_known() {
        return None;
    }
    let mut text = String::new();
    for (name, value) in identity.value.entries() {
        if !value.is_null() && !PLACE_ATTRIBUTES.contains(&name) {
            text.push('\u{1}');
            text.push_str(name);
            text.push('=');
            text.push_str(&value.to_string());
        }
    }
    (!text.is_empty()).then(|| format!("{}{text}", identity.version))
}

fn hash(native_type: &NativeType, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    native_type.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}
