//! What becomes of one scope while it is looked at.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use model::{Cause, Scope, ScopeOutcome, ScopeStatus};

/// Causes beyond this many say nothing more.
const MAX_CAUSES: usize = 20;

/// Gathers what happens in one scope; shared by the calls that are under way in it.
#[derive(Debug)]
pub(super) struct Ledger {
    scope: Scope,
    started: Timestamp,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    keys: HashSet<String>,
    calls: BTreeMap<String, u64>,
    causes: BTreeSet<Cause>,
    n_more_causes: u64,
    has_listed: bool,
    has_gap: bool,
}

impl Ledger {
    pub(super) fn open(scope: Scope) -> Self {
        Self { scope, started: Timestamp::now(), entries: Mutex::default() }
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Counts a call, retries included.
    pub(super) fn call(&self, operation: &str, attempts: u64) {
        *self.lock().calls.entry(operation.to_owned()).or_default() += attempts;
    }

    /// Notes that a page of the listing came.
    pub(super) fn listed(&self) {
        self.lock().has_listed = true;
    }

    /// Notes that objects may exist that were not seen.
    pub(super) fn gap(&self, cause: Cause) {
        let mut entries = self.lock();
        entries.has_gap = true;
        entries.note(cause);
    }

    /// Notes what is missing about an object that was seen.
    pub(super) fn blemish(&self, cause: Cause) {
        self.lock().note(cause);
    }

    /// Takes an object in; `false` for one that was there already.
    pub(super) fn take(&self, key: &str) -> bool {
        self.lock().keys.insert(key.to_owned())
    }

    pub(super) fn status(&self) -> ScopeStatus {
        self.lock().status()
    }

    pub(super) fn close(self) -> ScopeOutcome {
        let Self { scope, started, entries } = self;
        let entries = entries.into_inner().unwrap_or_else(PoisonError::into_inner);
        let status = entries.status();
        let mut causes: Vec<Cause> = entries.causes.into_iter().collect();
        if let (Some(last), more @ 1..) = (causes.last_mut(), entries.n_more_causes) {
            last.detail.push_str(&format!(" And {more} more like these."));
        }
        ScopeOutcome {
            scope,
            status,
            causes,
            n_objects: entries.keys.len() as u64,
            calls: entries.calls,
            started,
            finished: Timestamp::now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn note(&mut self, cause: Cause) {
        if self.causes.len() < MAX_CAUSES || self.causes.contains(&cause) {
            self.causes.insert(cause);
        } else {
            self.n_more_causes += 1;
        }
    }

    fn status(&self) -> ScopeStatus {
        match (self.has_gap, self.has_listed || !self.keys.is_empty()) {
            (false, _) => ScopeStatus::Complete,
            (true, true) => ScopeStatus::Partial,
            (true, false) => ScopeStatus::Failed,
        }
    }
}

/// Makes the outcome of a scope that was never looked at.
pub(super) fn not_looked_at(scope: Scope, cause: Cause) -> ScopeOutcome {
    let ledger = Ledger::open(scope);
    ledger.gap(cause);
    ledger.close()
}
