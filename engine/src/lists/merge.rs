//! Putting lists beside the inventory: what both saw is one object, and the inventory's record of it counts.

use std::collections::{BTreeMap, HashMap};

use model::{
    AccountId, ListOutcome, ListStatus, NativeType, Region, RemoteObject, ResourceType, ScopeOutcome, ScopeStatus,
};

use ::drift::TypeMapping;

use super::{Listed, Lists};

/// Listed objects that wait for the inventory's to stream by.
pub(crate) struct Merge {
    objects: Vec<Option<Listed>>,
    by_text: HashMap<(NativeType, String), Vec<usize>>,
    outcomes: Vec<ListOutcome>,
}

impl Merge {
    /// Takes the listed objects. Where the inventory saw every place of a type completely after it was listed, it has the
    /// last word: it knows what does not count as existing.
    pub(crate) fn new(lists: Lists, mappings: &BTreeMap<ResourceType, TypeMapping>, scopes: &[ScopeOutcome]) -> Self {
        let Lists { objects, mut outcomes, seen: _ } = lists;
        let mut kept = Vec::new();
        let mut by_text: HashMap<(NativeType, String), Vec<usize>> = HashMap::new();
        let completed: HashMap<(&NativeType, &AccountId, Option<&Region>), &ScopeOutcome> = scopes
            .iter()
            .filter(|outcome| outcome.status == ScopeStatus::Complete)
            .map(|outcome| {
                let scope = &outcome.scope;
                ((&scope.native_type, &scope.account, scope.region.as_ref()), outcome)
            })
            .collect();
        for listed in objects {
            let object = &listed.object;
            let mapping = object.resource_type.as_ref().and_then(|name| mappings.get(name));
            let native_types = mapping.map_or(&[][..], |mapping| mapping.native_types.as_slice());
            let is_seen = |native_type: &NativeType| {
                [object.scope.region.as_ref(), None].into_iter().any(|region| {
                    completed
                        .get(&(native_type, &object.scope.account, region))
                        .is_some_and(|outcome| outcome.finished >= object.fetched_at)
                })
            };
            if !native_types.is_empty() && native_types.iter().all(is_seen) {
                outcomes[listed.outcome].n_inventory += 1;
                continue;
            }
            for native_type in native_types {
                for text in &listed.texts {
                    by_text.entry((native_type.clone(), text.clone())).or_default().push(kept.len());
                }
            }
            kept.push(Some(listed));
        }
        Self { objects: kept, by_text, outcomes }
    }

    /// Takes note of an object of the inventory.
    pub(crate) fn note(&mut self, seen: &RemoteObject) {
        if self.by_text.is_empty() {
            return;
        }
        let id = seen.attributes.get("id").filter(|id| !id.is_marked()).and_then(cty::Value::as_str);
        let import_id = seen.import_id.as_ref().map(model::ImportId::as_str);
        for text in [import_id, id, seen.arn.as_deref(), Some(&*seen.key.0)].into_iter().flatten() {
            let wanted = (seen.scope.native_type.clone(), text.to_owned());
            for position in self.by_text.get(&wanted).into_iter().flatten() {
                let slot = &mut self.objects[*position];
                let is_here = slot.as_ref().is_some_and(|listed| {
                    let (listed, seen) = (&listed.object.scope, &seen.scope);
                    listed.account == seen.account
                        && (listed.region.is_none() || seen.region.is_none() || listed.region == seen.region)
                });
                if is_here {
                    if let Some(listed) = slot.take() {
                        self.outcomes[listed.outcome].n_inventory += 1;
                    }
                }
            }
        }
    }

    /// Gives what only lists showed.
    pub(crate) fn take_rest(&mut self) -> Vec<RemoteObject> {
        self.objects.drain(..).flatten().map(|listed| listed.object).collect()
    }

    /// Gives what became of the lists.
    pub(crate) fn into_outcomes(self) -> Vec<ListOutcome> {
        self.outcomes
    }
}

/// Tells whether every type that only lists can tell about was listed without an error.
///
/// A type that the catalog knows is seen completely where its scopes are; a type that cannot be listed was never seen,
/// and nobody claims that it was.
pub(crate) fn is_complete(outcomes: &[ListOutcome], mappings: &BTreeMap<ResourceType, TypeMapping>) -> bool {
    outcomes.iter().all(|outcome| {
        matches!(outcome.status, ListStatus::Listed | ListStatus::NotListed)
            || mappings.contains_key(&outcome.resource_type)
    })
}
