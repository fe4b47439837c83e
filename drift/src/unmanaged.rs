//! Objects that no state records: unmanaged, managed by something else, or not worth showing.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use cty::Value;
use model::{AccountId, Finding, Kind, NativeType, ObjectKey, Precision, Region, RemoteObject, Scope, Standing};

use crate::compare::inline::{Held, held_inline};
use crate::{Declaration, Evidence};

/// Collects objects as they stream by and decides about them once all parents are known.
pub(crate) struct Collection {
    set_of_states: String,
    fates: HashMap<u64, Fate>,
    found: Vec<Found>,
}

struct Found {
    finding: Finding,
    object: String,
    parent: Option<Parent>,
    /// What tells whether the parent's resource holds it inline; empty where there is no parent.
    attributes: BTreeMap<String, Value>,
}

#[derive(Clone)]
struct Parent {
    native_type: NativeType,
    key: ObjectKey,
    hashes: [u64; 2],
}

#[derive(Clone)]
enum Fate {
    Managed(u32),
    Default(String),
    Elsewhere { by: String, evidence: String },
    Unmanaged(Option<[u64; 2]>),
}

/// Follows parents this far up.
const MAX_ANCESTORS: usize = 8;

impl Collection {
    /// Starts with no objects.
    pub(crate) fn new(evidence: &Evidence<'_>) -> Self {
        let set_of_states = match evidence.states {
            [] => "No state was named.".to_owned(),
            [state] => format!("The state {} does not record it.", state.url),
            states => format!("None of the {} named states records it.", states.len()),
        };
        Self { set_of_states, fates: HashMap::new(), found: Vec::new() }
    }

    /// Notes that an object is managed, for its children.
    pub(crate) fn note_managed(&mut self, object: &RemoteObject, instance: u32) {
        self.fates.insert(hash_object(&object.scope, &object.key), Fate::Managed(instance));
    }

    /// Takes an object that no state records; `is_shown` says whether the filters admit it.
    pub(crate) fn take(&mut self, object: RemoteObject, is_shown: bool) {
        let parent = object.parent.map(|(native_type, key)| {
            let scope = &object.scope;
            let hash = |region: Option<&Region>| hash_key(&scope.account, region, &native_type, &key);
            let hashes = [hash(scope.region.as_ref()), hash(None)];
            Parent { native_type, key, hashes }
        });
        let fate = match &object.standing {
            Standing::Ordinary => Fate::Unmanaged(parent.as_ref().map(|parent| parent.hashes)),
            Standing::Default(reason) => Fate::Default(reason.clone()),
            Standing::ManagedElsewhere { by, evidence } => {
                Fate::Elsewhere { by: by.clone(), evidence: evidence.clone() }
            }
        };
        self.fates.insert(hash_object(&object.scope, &object.key), fate);
        if !is_shown {
            return;
        }
        let (kind, reason, folded) = match object.standing {
            Standing::Ordinary => (Kind::Unmanaged, self.set_of_states.clone(), None),
            Standing::Default(reason) => (Kind::Unmanaged, self.set_of_states.clone(), Some(reason)),
            Standing::ManagedElsewhere { by, evidence } => {
                (Kind::ManagedElsewhere, format!("{by} manages it: {evidence}."), None)
            }
        };
        let described = format!("{}/{}/{}", object.scope.cloud, object.scope, object.key);
        let finding = Finding {
            resource_type: object.resource_type,
            native_type: Some(object.scope.native_type),
            id: object.import_id,
            identity: object.identity,
            arn: object.arn,
            name: object.name,
            tags: object.tags.unwrap_or_default(),
            account: Some(object.scope.account).filter(|account| !account.as_str().is_empty()),
            region: object.scope.region,
            precision: Some(Precision::Inventory),
            found_by: Some(object.source),
            observed_at: Some(object.fetched_at),
            folded,
            ..Finding::new(kind, reason)
        };
        let attributes = if parent.is_some() { object.attributes } else { BTreeMap::new() };
        self.found.push(Found { finding, object: described, parent, attributes });
    }

    /// Decides about every object, giving its finding and what identifies it.
    pub(crate) fn finish(self, evidence: &Evidence<'_>) -> Vec<(Finding, String)> {
        let Self { fates, found, .. } = self;
        let settle = |Found { mut finding, object, parent, attributes }: Found| {
            if let (Some(parent), Kind::Unmanaged, None) = (&parent, finding.kind, &finding.folded) {
                let named = format!("{} {}", parent.native_type, parent.key);
                match settle_parent(&fates, parent.hashes) {
                    Some(Fate::Managed(instance)) => {
                        let address = &evidence.recorded[instance as usize].address;
                        let mapping = finding.resource_type.as_ref().and_then(|name| evidence.types.get(name));
                        let held = mapping.and_then(|mapping| {
                            held_inline(evidence, instance as usize, &mapping.inline_in, &attributes)
                        });
                        let reason = &finding.reason;
                        match held {
                            Some(Held { attribute, declaration: Declaration::Silent }) => {
                                finding.reason = format!(
                                    "{reason} The state of {address} shows it in `{attribute}`, which the code does not \
                                     set: a refresh may have picked it up."
                                );
                            }
                            Some(Held { attribute, declaration }) => {
                                let known = match declaration {
                                    Declaration::Unknown => ", as far as its state tells",
                                    _ => "",
                                };
                                finding.folded = Some(format!("{address} holds it inline, in `{attribute}`{known}."));
                            }
                            None => {
                                finding.reason = format!("{reason} The {named} it belongs to is managed as {address}.");
                            }
                        }
                    }
                    Some(Fate::Default(reason)) => {
                        finding.folded = Some(format!("It belongs to {named}. {reason}"));
                    }
                    Some(Fate::Elsewhere { by, evidence }) => {
                        finding.kind = Kind::ManagedElsewhere;
                        finding.reason = format!("It belongs to {named}, which {by} manages: {evidence}.");
                    }
                    Some(Fate::Unmanaged(_)) => {
                        let reason = &finding.reason;
                        finding.reason = format!("{reason} Nor is the {named} managed that it belongs to.");
                    }
                    None => {}
                }
            }
            (finding, object)
        };
        found.into_iter().map(settle).collect()
    }
}

/// Finds what became of a parent, or of its parents where it has no say of its own.
fn settle_parent(fates: &HashMap<u64, Fate>, hashes: [u64; 2]) -> Option<Fate> {
    let find = |hashes: [u64; 2]| hashes.iter().find_map(|hash| fates.get(hash));
    let nearest = find(hashes)?;
    let mut fate = nearest;
    for _ in 0..MAX_ANCESTORS {
        match fate {
            Fate::Unmanaged(Some(above)) => match find(*above) {
                Some(above) => fate = above,
                None => break,
            },
            _ => break,
        }
    }
    Some(match fate {
        Fate::Default(_) | Fate::Elsewhere { .. } => fate.clone(),
        Fate::Managed(_) | Fate::Unmanaged(_) => nearest.clone(),
    })
}

fn hash_object(scope: &Scope, key: &ObjectKey) -> u64 {
    hash_key(&scope.account, scope.region.as_ref(), &scope.native_type, key)
}

fn hash_key(account: &AccountId, region: Option<&Region>, native_type: &NativeType, key: &ObjectKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    (account, region, native_type, key).hash(&mut hasher);
    hasher.finish()
}
