//! Instances that the code has and no state records: not made yet, or there and never imported.

use std::collections::{BTreeMap, BTreeSet};

use model::{Cause, CauseKind, Finding, Kind, NativeType, Precision, RemoteObject, Standing};

use crate::join::{Index, identity_text};
use crate::{Evidence, JudgeOptions, UnrecordedInstance};

/// The objects that such instances may be about, as they stream by.
pub(super) struct Unrecorded<'a> {
    evidence: &'a Evidence<'a>,
    by_name: BTreeMap<(Naming, String), Vec<usize>>,
    seen: Vec<(RemoteObject, Vec<usize>)>,
}

/// By what an object is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Naming {
    ImportId,
    Identity,
    Arn,
    UniqueName,
}

/// How sure it is that an object lies where an instance would.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Possible,
    Exact,
}

impl<'a> Unrecorded<'a> {
    /// Indexes the instances whose state is judged.
    pub(super) fn build(evidence: &'a Evidence<'a>, is_superseded: &[bool]) -> Self {
        let mut by_name: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (position, instance) in evidence.unrecorded.iter().enumerate() {
            if is_superseded.get(instance.state) != Some(&false) {
                continue;
            }
            let names = &instance.names;
            let named = [
                (Naming::ImportId, names.import_id.as_ref().map(|id| id.as_str().to_owned())),
                (Naming::Identity, names.identity.as_ref().and_then(identity_text)),
                (Naming::Arn, names.arn.clone()),
                (Naming::UniqueName, names.unique_name.clone()),
            ];
            for (naming, name) in named {
                if let Some(name) = name.filter(|name| !name.is_empty()) {
                    by_name.entry((naming, name)).or_default().push(position);
                }
            }
        }
        Self { evidence, by_name, seen: Vec::new() }
    }

    /// Keeps an object that no state records where an instance may be about it; gives back any other.
    pub(super) fn take(&mut self, object: RemoteObject, index: &Index<'_>) -> Option<RemoteObject> {
        if self.by_name.is_empty() || matches!(object.standing, Standing::ManagedElsewhere { .. }) {
            return Some(object);
        }
        let named = [
            (Naming::ImportId, object.import_id.as_ref().map(|id| id.as_str().to_owned())),
            (Naming::Identity, object.identity.as_ref().and_then(identity_text)),
            (Naming::Arn, object.arn.clone()),
            (Naming::UniqueName, object.name.clone()),
        ];
        let keys = named.into_iter().filter_map(|(naming, name)| Some((naming, name?)));
        let meant: BTreeSet<usize> = keys
            .filter_map(|key| self.by_name.get(&key))
            .flatten()
            .copied()
            .filter(|position| {
                let instance = &self.evidence.unrecorded[*position];
                self.is_of_type(instance, &object) && fit(instance, &object, index).is_some()
            })
            .collect();
        if meant.is_empty() {
            return Some(object);
        }
        self.seen.push((object, meant.into_iter().collect()));
        None
    }

    fn is_of_type(&self, instance: &UnrecordedInstance, object: &RemoteObject) -> bool {
        let resource_type = instance.address.resource_type();
        let is_mapped = |native_type: &NativeType| {
            self.evidence.types.get(resource_type).is_some_and(|mapping| mapping.native_types.contains(native_type))
        };
        object.resource_type.as_ref().map_or_else(|| is_mapped(&object.scope.native_type), |own| own == resource_type)
    }

    /// Decides about each instance, and gives the objects, each with whether an instance has it.
    pub(super) fn finish(
        &mut self,
        options: &JudgeOptions,
        index: &Index<'_>,
    ) -> (Vec<Finding>, Vec<(RemoteObject, bool)>) {
        let mut by_instance: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, (_, instances)) in self.seen.iter().enumerate() {
            for instance in instances {
                by_instance.entry(*instance).or_default().push(number);
            }
        }
        let mut findings = Vec::new();
        let mut is_had = vec![false; self.seen.len()];
        for (position, objects) in by_instance {
            let instance = &self.evidence.unrecorded[position];
            let object = &self.seen[objects[0]].0;
            // What is global may be listed once per region.
            let is_one = objects.iter().all(|number| {
                let other = &self.seen[*number].0;
                *number == objects[0] || other.arn.is_some() && other.arn == object.arn
            });
            let is_sure = is_one
                && fit(instance, object, index) == Some(Fit::Exact)
                && objects.iter().all(|number| self.seen[*number].1.len() == 1);
            let filters = &options.filters;
            let is_shown = filters
                .admits_type(Some(instance.address.resource_type()), std::slice::from_ref(&object.scope.native_type))
                && filters.admits_place(Some(&object.scope.account), object.scope.region.as_ref())
                && filters.admits_tags(object.tags.as_ref());
            if is_sure {
                for number in &objects {
                    is_had[*number] = true;
                }
            }
            if is_shown {
                findings.push(self.finding(instance, object, is_sure));
            }
        }
        let objects = std::mem::take(&mut self.seen).into_iter().map(|(object, _)| object).zip(is_had).collect();
        (findings, objects)
    }

    fn finding(&self, instance: &UnrecordedInstance, object: &RemoteObject, is_sure: bool) -> Finding {
        let about = |finding: Finding| Finding {
            address: Some(instance.address.clone()),
            resource_type: Some(instance.address.resource_type().clone()),
            native_type: Some(object.scope.native_type.clone()),
            states: self.evidence.states.get(instance.state).cloned().into_iter().collect(),
            provider: instance.provider.clone(),
            source: instance.source.clone(),
            observed_at: Some(object.fetched_at),
            ..finding
        };
        if !is_sure {
            let detail = "The code has it and no state does; something like it exists, and neither the code nor what was \
                          seen says for certain that it is the same.";
            let finding = Finding::new(Kind::Undetermined, detail.to_owned());
            return about(Finding { cause: Some(Cause::new(CauseKind::NoIdentity, detail)), ..finding });
        }
        let (kind, reason) = if instance.is_being_imported {
            (Kind::Pending, "The code has an `import` block for it: the next apply imports it.")
        } else {
            (Kind::NotImported, "The code has it and so has the cloud, but no state records it: it was never imported.")
        };
        about(Finding {
            id: object.import_id.clone().or_else(|| instance.names.import_id.clone()),
            identity: object.identity.clone(),
            arn: object.arn.clone(),
            name: object.name.clone(),
            tags: object.tags.clone().unwrap_or_default(),
            account: Some(object.scope.account.clone()).filter(|account| !account.as_str().is_empty()),
            region: object.scope.region.clone(),
            precision: Some(Precision::Inventory),
            found_by: Some(object.source.clone()),
            ..Finding::new(kind, reason.to_owned())
        })
    }
}

/// Tells whether an object lies where an instance would; `None` where it lies elsewhere.
fn fit(instance: &UnrecordedInstance, object: &RemoteObject, index: &Index<'_>) -> Option<Fit> {
    if instance.names.arn.is_some() && instance.names.arn == object.arn {
        return Some(Fit::Exact);
    }
    let scope = &object.scope;
    let account = instance.account.as_ref().or_else(|| index.sole_account(&scope.cloud));
    let is_account_sure = match account {
        Some(account) if *account == scope.account => true,
        Some(_) if !scope.account.as_str().is_empty() => return None,
        // A cloud without accounts is one place.
        _ => scope.account.as_str().is_empty(),
    };
    let is_region_sure = match (&instance.region, &scope.region) {
        (_, None) => true,
        (Some(own), Some(seen)) if own == seen => true,
        (Some(_), Some(_)) => return None,
        (None, Some(_)) => false,
    };
    Some(if is_account_sure && is_region_sure { Fit::Exact } else { Fit::Possible })
}
