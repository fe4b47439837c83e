//! Absence: what it means that no object was seen for a recorded instance.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use model::{AccountId, Cause, CauseKind, NativeType, RecordedInstance, ScopeOutcome, ScopeStatus};

use crate::join::{Index, import_id};
use crate::{Evidence, JudgeOptions, TypeMapping};

/// Providers whose resources exist in the state and nowhere else.
const STATE_ONLY_PROVIDERS: &[(&str, &str)] = &[
    ("builtin", "terraform"),
    ("hashicorp", "null"),
    ("hashicorp", "random"),
    ("hashicorp", "time"),
    ("hashicorp", "tls"),
];

/// Tells whether an instance has no remote object by nature.
pub(crate) fn is_state_only(instance: &RecordedInstance) -> bool {
    let provider = &instance.provider.provider;
    STATE_ONLY_PROVIDERS.contains(&(&*provider.namespace, &*provider.provider_type))
}

/// The scopes by native type and account.
pub(crate) struct Scopes<'a> {
    outcomes: HashMap<(&'a NativeType, &'a AccountId), Vec<&'a ScopeOutcome>>,
    native_types: BTreeSet<&'a NativeType>,
    now: Timestamp,
    options: &'a JudgeOptions,
}

impl<'a> Scopes<'a> {
    /// Indexes the scopes; of several outcomes of one scope, the last counts.
    pub(crate) fn build(evidence: &'a Evidence<'a>, options: &'a JudgeOptions, now: Timestamp) -> Self {
        let mut last: BTreeMap<&model::Scope, &ScopeOutcome> = BTreeMap::new();
        for outcome in evidence.scopes {
            let kept = last.entry(&outcome.scope).or_insert(outcome);
            if (outcome.finished, outcome.status) > (kept.finished, kept.status) {
                *kept = outcome;
            }
        }
        let mut outcomes: HashMap<_, Vec<&ScopeOutcome>> = HashMap::new();
        let mut native_types = BTreeSet::new();
        for (scope, outcome) in last {
            outcomes.entry((&scope.native_type, &scope.account)).or_default().push(outcome);
            native_types.insert(&scope.native_type);
        }
        Self { outcomes, native_types, now, options }
    }

    /// Tells whether an observation is too old to count.
    pub(crate) fn is_too_old(&self, observed_at: Timestamp) -> bool {
        self.options.max_age.is_some_and(|max_age| self.now.duration_since(observed_at) > max_age)
    }

    /// Decides what absence means for an instance with a mapped type: `Ok` where the object is gone.
    pub(crate) fn prove_absence(
        &self,
        instance: &RecordedInstance,
        mapping: &TypeMapping,
        index: &Index<'_>,
    ) -> Result<Timestamp, Cause> {
        if instance.import_id.as_ref().is_some_and(|id| id.as_str().is_empty()) {
            let detail = "The state does not record what such an object is listed by.";
            return Err(Cause::new(CauseKind::NoIdentity, detail));
        }
        if import_id(instance).is_none() && instance.arn.is_none() && instance.identity.is_none() {
            let detail = "The state records neither an id, nor an ARN, nor an identity of it.";
            return Err(Cause::new(CauseKind::NoIdentity, detail));
        }
        let resource_type = instance.address.resource_type();
        if !mapping.native_types.iter().any(|native_type| self.native_types.contains(native_type)) {
            let detail = format!("No scan looked for {resource_type}. Scan the type and run again.");
            return Err(Cause::new(CauseKind::NotScanned, detail));
        }
        let Some(account) = index.account_of(instance, &mapping.cloud) else {
            let detail = format!(
                "Several accounts were looked at, and the state does not say in which one this {resource_type} lies."
            );
            return Err(Cause::new(CauseKind::NoIdentity, detail));
        };
        let mut oldest: Option<Timestamp> = None;
        for native_type in &mapping.native_types {
            let Some(outcomes) = self.outcomes.get(&(native_type, account)) else {
                let detail = format!("Account {account} was not looked at for {resource_type}.");
                return Err(Cause::new(CauseKind::OutsideScope, detail));
            };
            let is_place = |outcome: &&&ScopeOutcome| match (&outcome.scope.region, &instance.region) {
                (None, _) => true,
                (Some(seen), Some(recorded)) => seen == recorded,
                (Some(_), None) => false,
            };
            let mut n_places = 0;
            for outcome in outcomes.iter().filter(is_place) {
                n_places += 1;
                self.require_complete(outcome)?;
                oldest = Some(oldest.map_or(outcome.finished, |oldest| oldest.min(outcome.finished)));
            }
            if n_places == 0 {
                return Err(match &instance.region {
                    Some(region) => Cause::new(
                        CauseKind::OutsideScope,
                        format!("Region {region} of account {account} was not looked at for {resource_type}."),
                    ),
                    None => Cause::new(
                        CauseKind::NoIdentity,
                        format!("The state does not say in which region this {resource_type} lies."),
                    ),
                });
            }
        }
        oldest.ok_or_else(|| Cause::new(CauseKind::NoDefinition, format!("No definition covers {resource_type}.")))
    }

    fn require_complete(&self, outcome: &ScopeOutcome) -> Result<(), Cause> {
        if outcome.status != ScopeStatus::Complete {
            let unseen = || {
                let detail = format!("{} was not seen completely.", outcome.scope);
                Cause::new(CauseKind::NotScanned, detail)
            };
            return Err(outcome.causes.iter().min().cloned().unwrap_or_else(unseen));
        }
        if self.is_too_old(outcome.finished) {
            let detail = format!(
                "{} was looked at on {}, longer ago than allowed. Scan again.",
                outcome.scope, outcome.finished
            );
            return Err(Cause::new(CauseKind::NotScanned, detail));
        }
        Ok(())
    }
}
