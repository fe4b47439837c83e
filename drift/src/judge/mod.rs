//! Judging: the objects stream by once, and every instance and every object gets its verdict.

mod propagate;
mod reading;
mod reason;
mod unrecorded;

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{
    AttributeDifference, Cause, CauseKind, Coverage, Diagnostic, Diagnostics, Finding, Kind, ObjectKey, Precision,
    ProviderConfigAddress, RecordedInstance, RemoteObject, ResourceMode, Scope, ScopeCoverage,
};

use crate::compare::{differences, recorded_tags};
use crate::conclude::{Found, conclude};
use crate::explain::explain;
use crate::join::{Index, Matches, import_id};
use crate::look::{Scopes, is_state_only};
use crate::unmanaged::Collection;
use crate::{DeclaredBlock, Evidence, ExitCode, JudgeOptions, Question, Summary};
use crate::{exit, place};
use reason::{Presence, absence, presence};
use unrecorded::Unrecorded;

/// At least so many instances of one provider configuration must be missing before their share is looked at.
const IMPLAUSIBLE_FROM: u64 = 5;

/// So many objects are held at a time, to be compared in the order of the states: recorded attributes are read from a
/// file as they are asked for, and reading forward is several times as fast as reading here and there.
const BATCH: usize = 8_192;

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The question that was answered.
    pub question: Question,
    /// What was found, sorted: by kind, type, address, account, id and region.
    pub findings: Vec<Finding>,
    /// What was seen, and what was not.
    pub coverage: Coverage,
    /// The totals.
    pub summary: Summary,
    /// Errors and warnings; after an error there are no findings.
    pub diagnostics: Diagnostics,
    /// The moment the oldest look at a scope ended: the answer is as old as that.
    pub as_of: Option<Timestamp>,
    /// How many findings and differences each ignore rule took, in the order of the rules.
    pub rule_uses: Vec<u64>,
    /// Whether everything the question needs was seen.
    pub is_complete: bool,
}

impl Verdict {
    /// Decides the exit code.
    pub fn exit_code(&self, allow_incomplete: bool) -> ExitCode {
        exit::decide(exit::Outcome {
            judges: true,
            n_failing: self.summary.n_failing,
            has_errors: model::diagnostic::has_errors(&self.diagnostics),
            is_complete: self.is_complete,
            allow_incomplete,
        })
    }
}

/// Judges all instances against all objects.
///
/// Objects are taken some thousands at a time and dropped unless they are part of a finding, so that memory grows with
/// the recorded side and with what is found. Their order does not matter.
pub fn judge(
    evidence: &Evidence<'_>,
    observed: &mut dyn Iterator<Item = RemoteObject>,
    options: &JudgeOptions,
    now: Timestamp,
) -> Verdict {
    let mut diagnostics = place::check_accounts(evidence);
    diagnostics.extend(place::check_regions(evidence));
    let coverage = Coverage { scopes: evidence.scopes.to_vec(), ..Coverage::default() };
    let as_of = evidence.scopes.iter().map(|outcome| outcome.finished).min();
    if model::diagnostic::has_errors(&diagnostics) {
        return Verdict {
            question: options.question,
            findings: Vec::new(),
            coverage,
            summary: Summary::default(),
            diagnostics,
            as_of,
            rule_uses: vec![0; evidence.ignore.rules().len()],
            is_complete: false,
        };
    }
    let is_superseded = superseded_states(evidence, &mut diagnostics);
    // Code belongs to one root module: beside the state of another root it would make orphans of that root's instances.
    let n_judged = is_superseded.iter().filter(|is_superseded| !**is_superseded).count();
    let evidence = &Evidence { declared: evidence.declared.filter(|_| n_judged == 1), ..*evidence };
    let index = Index::build(evidence, |position| {
        let instance = &evidence.recorded[position];
        instance.address.resource.mode == ResourceMode::Managed && !is_superseded[instance.state]
    });
    let mut judging = Judging {
        evidence,
        options,
        scopes: Scopes::build(evidence, options, now),
        index: &index,
        is_superseded: &is_superseded,
        sightings: std::iter::repeat_with(|| None).take(evidence.recorded.len()).collect(),
        seen: vec![Seen::Not; evidence.recorded.len()],
        owners: Vec::new(),
        unsure: Vec::new(),
        explained: BTreeMap::new(),
        unmanaged: Collection::new(evidence),
        unrecorded: Unrecorded::build(evidence, &is_superseded),
        coverage,
    };
    let mut observed = observed.map(|object| (index.find(&object), object));
    loop {
        let mut batch: Vec<(Matches, RemoteObject)> = observed.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        batch.sort_by_key(|(matches, _)| matches.instances.first().copied());
        for (matches, object) in batch {
            judging.see(matches, object);
        }
    }
    judging.see_unsure();
    let mut findings = judging.finish_instances();
    let (not_imported, objects) = judging.unrecorded.finish(options, &index);
    findings.extend(not_imported);
    for (object, is_had) in objects {
        judging.see_unmanaged(object, !is_had);
    }
    if options.question.asks_drift() {
        let is_live = |position: usize| !is_superseded[evidence.recorded[position].state];
        propagate::propagate(evidence, &is_live, &mut findings);
    }
    let Judging { unmanaged, coverage, .. } = judging;
    let objects = unmanaged.finish(evidence);
    conclude(evidence, options, now, Found { findings, objects, coverage, diagnostics, as_of })
}

/// One instance's object, as far as it is needed later.
struct Sighting {
    scope: Scope,
    key: ObjectKey,
    observed_at: Timestamp,
    is_ambiguous: bool,
    differences: Vec<AttributeDifference>,
    cause: Option<Cause>,
    name: Option<String>,
    tags: BTreeMap<String, String>,
}

/// Whether an instance's object was seen, and passed the filter on tags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    Admitted,
    FilteredOut,
}

struct Judging<'a> {
    evidence: &'a Evidence<'a>,
    options: &'a JudgeOptions,
    scopes: Scopes<'a>,
    index: &'a Index<'a>,
    is_superseded: &'a [bool],
    sightings: Vec<Option<Box<Sighting>>>,
    seen: Vec<Seen>,
    owners: Vec<Vec<u32>>,
    unsure: Vec<(RemoteObject, Vec<u32>)>,
    /// The differences of the instances of which other ones explain some.
    explained: BTreeMap<usize, Vec<AttributeDifference>>,
    unmanaged: Collection,
    unrecorded: Unrecorded<'a>,
    coverage: Coverage,
}

impl Judging<'_> {
    fn see(&mut self, matches: Matches, object: RemoteObject) {
        if matches.instances.is_empty() {
            self.see_unrecorded(object);
        } else if matches.is_exact {
            self.see_recorded(&object, &matches.instances);
        } else {
            self.unsure.push((object, matches.instances));
        }
    }

    /// Decides about objects that may belong to an instance that records too little: they do where no surer object and
    /// no other such object does.
    fn see_unsure(&mut self) {
        let mut unsure = std::mem::take(&mut self.unsure);
        unsure.sort_by(|(a, _), (b, _)| (&a.scope, &a.key).cmp(&(&b.scope, &b.key)));
        let is_sure: Vec<bool> = self.sightings.iter().map(Option::is_some).collect();
        let mut n_claims: BTreeMap<u32, usize> = BTreeMap::new();
        for (_, instances) in &mut unsure {
            instances.retain(|instance| !is_sure[*instance as usize]);
            for instance in instances {
                *n_claims.entry(*instance).or_default() += 1;
            }
        }
        for (object, instances) in unsure {
            if instances.is_empty() {
                self.see_unrecorded(object);
                continue;
            }
            self.see_recorded(&object, &instances);
            for instance in instances.iter().filter(|instance| n_claims[instance] > 1) {
                if let Some(sighting) = &mut self.sightings[*instance as usize] {
                    sighting.is_ambiguous = true;
                }
            }
        }
    }

    fn see_recorded(&mut self, object: &RemoteObject, instances: &[u32]) {
        self.unmanaged.note_managed(object, instances[0]);
        if !self.options.question.asks_drift() {
            return;
        }
        if instances.len() > 1 {
            self.owners.push(instances.to_vec());
        }
        for instance in instances {
            let slot = &mut self.sightings[*instance as usize];
            let mut is_ambiguous = false;
            if let Some(kept) = slot {
                // What is global has one key in every region it is listed in; other keys are other objects.
                kept.is_ambiguous |= kept.key != object.key;
                is_ambiguous = kept.is_ambiguous;
                let is_kept = (&kept.scope, &kept.key, std::cmp::Reverse(kept.observed_at))
                    <= (&object.scope, &object.key, std::cmp::Reverse(object.fetched_at));
                if is_kept {
                    continue;
                }
            }
            let mut sighting = Sighting {
                scope: object.scope.clone(),
                key: object.key.clone(),
                observed_at: object.fetched_at,
                is_ambiguous,
                differences: Vec::new(),
                cause: object.cause.clone(),
                name: None,
                tags: BTreeMap::new(),
            };
            let is_read = self.evidence.readings.contains_key(&(*instance as usize));
            if !is_read {
                match differences(self.evidence, self.options, *instance as usize, object) {
                    Ok(found) => sighting.differences = found,
                    Err(cause) => sighting.cause = Some(cause),
                }
            }
            if !sighting.differences.is_empty() || sighting.cause.is_some() || is_read {
                sighting.name.clone_from(&object.name);
                sighting.tags = object.tags.clone().unwrap_or_default();
            }
            *slot = Some(Box::new(sighting));
            self.seen[*instance as usize] =
                if self.options.filters.admits_tags(object.tags.as_ref()) { Seen::Admitted } else { Seen::FilteredOut };
        }
    }

    fn see_unrecorded(&mut self, object: RemoteObject) {
        if self.scopes.is_too_old(object.fetched_at) {
            return;
        }
        let is_asked = self.options.question.asks_drift();
        let left = if is_asked { self.unrecorded.take(object, self.index) } else { Some(object) };
        if let Some(object) = left {
            self.see_unmanaged(object, true);
        }
    }

    /// Takes an object for unmanaged; one that the code has is only noted, for what belongs to it.
    fn see_unmanaged(&mut self, object: RemoteObject, is_nobodys: bool) {
        if !self.options.question.asks_unmanaged() {
            return;
        }
        let filters = &self.options.filters;
        let is_shown = is_nobodys
            && filters.admits_type(object.resource_type.as_ref(), std::slice::from_ref(&object.scope.native_type))
            && filters.admits_place(Some(&object.scope.account), object.scope.region.as_ref())
            && filters.admits_tags(object.tags.as_ref());
        self.unmanaged.take(object, is_shown);
    }

    fn finish_instances(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.options.question.asks_drift() {
            return findings;
        }
        let evidence = self.evidence;
        self.explained = explain(evidence, &|position| {
            let instance = &evidence.recorded[position];
            instance.address.resource.mode == ResourceMode::Managed && !self.is_superseded[instance.state]
        });
        let mut configurations: BTreeMap<(usize, &ProviderConfigAddress), Configuration> = BTreeMap::new();
        for (position, instance) in evidence.recorded.iter().enumerate() {
            if !self.is_selected(position) {
                continue;
            }
            let configuration = configurations.entry((instance.state, &instance.provider)).or_default();
            configuration.n_instances += 1;
            let reading = evidence.readings.get(&position);
            configuration.is_read |= reading.is_some();
            if is_state_only(instance) && reading.is_none() {
                self.coverage.n_state_only += 1;
                continue;
            }
            let judged = match reading {
                Some(reading) => self.judge_reading(position, instance, reading),
                None => self.judge_instance(position, instance).map_err(|cause| self.sharper(instance, cause)),
            };
            match judged {
                Ok(found) => {
                    configuration.n_checked += 1;
                    for finding in found {
                        let group =
                            if finding.kind == Kind::Missing { &mut configuration.missing } else { &mut findings };
                        group.push(finding);
                    }
                }
                Err(cause) => {
                    *configuration.causes.entry(cause.clone()).or_default() += 1;
                    findings.push(self.undetermined(position, cause));
                }
            }
        }
        for ((state, provider), mut configuration) in configurations {
            let n_missing = configuration.missing.len() as u64;
            let is_implausible = n_missing >= IMPLAUSIBLE_FROM && n_missing * 2 > configuration.n_checked;
            if is_implausible && !self.options.accept_missing {
                let detail = format!(
                    "{n_missing} of the {} instances of {provider} in {} that were looked for are not there. That \
                     rarely happens, but wrong credentials, a wrong endpoint or a state of another environment look \
                     like that. If they are gone indeed, --accept-missing says so.",
                    configuration.n_checked, evidence.states[state].url
                );
                let cause = Cause::new(CauseKind::ImplausibleShare, detail);
                for finding in &mut configuration.missing {
                    finding.kind = Kind::Undetermined;
                    finding.reason.clone_from(&cause.detail);
                    finding.cause = Some(cause.clone());
                }
                configuration.n_checked -= n_missing;
                configuration.causes.insert(cause, n_missing);
            }
            findings.append(&mut configuration.missing);
            self.coverage.n_instances += configuration.n_instances;
            self.coverage.n_checked += configuration.n_checked;
            self.coverage.n_undetermined += configuration.causes.values().sum::<u64>();
            let provider_use = self.provider_use(state, provider);
            self.coverage.configurations.push(ScopeCoverage {
                provider: provider.to_string(),
                state: evidence.states[state].clone(),
                n_instances: configuration.n_instances,
                n_checked: configuration.n_checked,
                precision: if configuration.is_read { Precision::Provider } else { Precision::Inventory },
                provider_version: provider_use.and_then(|provider_use| provider_use.version.clone()),
                calls: provider_use.map(|provider_use| provider_use.calls.clone()).unwrap_or_default(),
                causes: configuration.causes,
            });
        }
        findings.extend(self.double_owners());
        findings
    }

    fn is_selected(&self, position: usize) -> bool {
        let instance = &self.evidence.recorded[position];
        let filters = &self.options.filters;
        let resource_type = instance.address.resource_type();
        let mapping = self.evidence.types.get(resource_type);
        let native_types = mapping.map_or(&[][..], |mapping| &mapping.native_types);
        instance.address.resource.mode == ResourceMode::Managed
            && !self.is_superseded[instance.state]
            && filters.admits_type(Some(resource_type), native_types)
            && filters.admits_place(instance.account.as_ref(), instance.region.as_ref())
            && match self.seen[position] {
                Seen::Admitted => true,
                Seen::FilteredOut => false,
                Seen::Not if filters.tags.is_empty() => true,
                Seen::Not => filters.admits_tags(Some(&recorded_tags(self.evidence, position))),
            }
    }

    /// Gives the findings about one instance, or the cause for which it is undetermined.
    fn judge_instance(&mut self, position: usize, instance: &RecordedInstance) -> Result<Vec<Finding>, Cause> {
        let resource_type = instance.address.resource_type();
        let Some(mapping) = self.evidence.types.get(resource_type) else {
            let detail = format!("No definition covers {resource_type} yet, so its objects were not looked for.");
            return Err(Cause::new(CauseKind::NoDefinition, detail));
        };
        let block = self.block(instance);
        let Some(mut sighting) = self.sightings[position].take() else {
            let seen_at = self.scopes.prove_absence(instance, mapping, self.index)?;
            let (kind, reason) = absence(
                instance,
                &block,
                "The state records it, and a complete look at its account and region did not find it.",
            );
            let finding = self.finding(position, &block, kind, reason.to_owned());
            return Ok(vec![Finding { observed_at: Some(seen_at), ..finding }]);
        };
        if sighting.is_ambiguous {
            let detail = format!(
                "Several objects answer to what the state records of this {resource_type}, and it does not say which \
                 one it is."
            );
            return Err(Cause::new(CauseKind::NoIdentity, detail));
        }
        if self.scopes.is_too_old(sighting.observed_at) {
            let detail = format!("{} was looked at longer ago than allowed. Scan again.", sighting.scope);
            return Err(Cause::new(CauseKind::NotScanned, detail));
        }
        if !self.options.tiers.is_empty() {
            sighting.differences.retain(|difference| self.options.tiers.contains(&difference.tier));
        }
        let is_removed = self.is_removed_by_change(instance);
        let found = presence(instance, &block, is_removed, std::mem::take(&mut sighting.differences));
        if found.is_empty() {
            return sighting.cause.map_or(Ok(Vec::new()), Err);
        }
        let make = |Presence { kind, reason, differences }: Presence| {
            let finding = self.finding(position, &block, kind, reason);
            Finding {
                native_type: Some(sighting.scope.native_type.clone()),
                account: Some(sighting.scope.account.clone()),
                region: sighting.scope.region.clone().or(finding.region),
                observed_at: Some(sighting.observed_at),
                attributes: differences,
                name: sighting.name.clone(),
                tags: sighting.tags.clone(),
                ..finding
            }
        };
        Ok(found.into_iter().map(make).collect())
    }

    fn block(&self, instance: &RecordedInstance) -> DeclaredBlock {
        match self.evidence.declared {
            Some(declared) => declared.instance(&instance.address),
            None => DeclaredBlock::Unknown,
        }
    }

    fn is_removed_by_change(&self, instance: &RecordedInstance) -> bool {
        self.evidence.removed_by_change.contains(&instance.address)
    }

    fn undetermined(&self, position: usize, cause: Cause) -> Finding {
        let finding = self.finding(position, &DeclaredBlock::Unknown, Kind::Undetermined, cause.detail.clone());
        Finding { cause: Some(cause), precision: None, ..finding }
    }

    fn finding(&self, position: usize, block: &DeclaredBlock, kind: Kind, reason: String) -> Finding {
        let instance = &self.evidence.recorded[position];
        let mapping = self.evidence.types.get(instance.address.resource_type());
        let account = match mapping {
            Some(mapping) => self.index.account_of(instance, &mapping.cloud),
            None => instance.account.as_ref(),
        };
        Finding {
            deposed: instance.deposed.clone(),
            resource_type: Some(instance.address.resource_type().clone()),
            native_type: mapping.and_then(|mapping| mapping.native_types.first().cloned()),
            id: import_id(instance).cloned(),
            arn: instance.arn.clone(),
            states: vec![self.evidence.states[instance.state].clone()],
            provider: Some(instance.provider.provider.clone()),
            account: account.cloned(),
            region: instance.region.clone(),
            precision: Some(Precision::Inventory),
            source: match block {
                DeclaredBlock::Present(span) => Some(span.clone()),
                DeclaredBlock::Absent | DeclaredBlock::Unknown => None,
            },
            address: Some(instance.address.clone()),
            ..Finding::new(kind, reason)
        }
    }

    fn double_owners(&mut self) -> Vec<Finding> {
        let is_unseen = |position: u32| {
            self.seen[position as usize] == Seen::Not && self.evidence.recorded[position as usize].deposed.is_none()
        };
        let mut groups = std::mem::take(&mut self.owners);
        groups.extend(self.index.shared(is_unseen));
        groups.sort_unstable();
        groups.dedup();
        let evidence = self.evidence;
        let owner = |position: u32| {
            let instance = &evidence.recorded[position as usize];
            (&evidence.states[instance.state], &instance.address)
        };
        let mut findings = Vec::new();
        for mut group in groups {
            group.sort_by_key(|position| owner(*position));
            group.dedup_by_key(|position| owner(*position));
            if group.len() < 2 || !group.iter().any(|position| self.is_selected(*position as usize)) {
                continue;
            }
            let names: Vec<String> = group
                .iter()
                .map(|position| owner(*position))
                .map(|(state, address)| format!("{address} in {}", state.url))
                .collect();
            let reason = format!("One object has several owners: {}.", names.join(", "));
            let finding = self.finding(group[0] as usize, &DeclaredBlock::Unknown, Kind::DoubleOwner, reason);
            let mut states: Vec<_> = group.iter().map(|position| owner(*position).0.clone()).collect();
            states.dedup();
            findings.push(Finding { states, ..finding });
        }
        findings
    }
}

#[derive(Default)]
struct Configuration {
    n_instances: u64,
    n_checked: u64,
    is_read: bool,
    causes: BTreeMap<Cause, u64>,
    missing: Vec<Finding>,
}

/// Finds states that are older snapshots of another one that was read, and warns about them.
fn superseded_states(evidence: &Evidence<'_>, diagnostics: &mut Diagnostics) -> Vec<bool> {
    let mut newest: BTreeMap<_, usize> = BTreeMap::new();
    let mut is_superseded = vec![false; evidence.states.len()];
    for (position, state) in evidence.states.iter().enumerate() {
        if state.lineage.as_str().is_empty() {
            continue;
        }
        let kept = newest.entry((&state.lineage, &state.workspace)).or_insert(position);
        if *kept == position {
            continue;
        }
        let other = &evidence.states[*kept];
        let is_newer = (state.serial, &other.url) > (other.serial, &state.url);
        let (older, newer) = if is_newer { (*kept, position) } else { (position, *kept) };
        is_superseded[older] = true;
        *kept = newer;
        let (older, newer) = (&evidence.states[older], &evidence.states[newer]);
        let detail = format!(
            "{} (serial {}) and {} (serial {}) are snapshots of one state: their lineage is {}. Only the latter was \
             judged.",
            older.url, older.serial, newer.url, newer.serial, newer.lineage
        );
        diagnostics.push(Diagnostic::warning("same-lineage", "Two of the states are snapshots of one state", detail));
    }
    is_superseded
}
