//! Counting calls: per configuration of a provider in each state, by name.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{ProviderConfigAddress, RecordedInstance};

/// One configuration of a provider in one state: an index into the states, and the address.
pub(crate) type Use = (usize, ProviderConfigAddress);

/// The calls that were made.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<BTreeMap<Use, BTreeMap<&'static str, u64>>>);

impl Calls {
    /// Counts a call for an instance.
    pub(crate) fn count(&self, instance: &RecordedInstance, operation: &'static str) {
        self.count_for(&(instance.state, instance.provider.clone()), operation);
    }

    /// Counts a call for a configuration.
    pub(crate) fn count_for(&self, of: &Use, operation: &'static str) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match calls.get_mut(of) {
            Some(calls) => *calls.entry(operation).or_default() += 1,
            None => {
                calls.insert(of.clone(), BTreeMap::from([(operation, 1)]));
            }
        }
    }

    /// Gives the calls of one configuration, by name.
    pub(crate) fn of(&self, of: &Use) -> BTreeMap<String, u64> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.get(of).into_iter().flatten();
        calls.map(|(operation, count)| ((*operation).to_owned(), *count)).collect()
    }

    /// Gives the calls of all configurations together, by name.
    pub(crate) fn totals(&self) -> BTreeMap<String, u64> {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut totals = BTreeMap::new();
        for (operation, count) in calls.values().flatten() {
            *totals.entry((*operation).to_owned()).or_default() += count;
        }
        totals
    }
}
