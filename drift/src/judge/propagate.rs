//! Propagation: a difference that exists only because something it refers to is missing, not made yet, or differs itself.
//!
//! It stays what it is: its kind and tier say whether it fails. What is added is where to look first.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, PathStep, Value};
use model::{AttributeDifference, Finding, InstanceAddress, Kind, Tier};

use crate::exact::Outcome;
use crate::{DeclaredArguments, Evidence, fails};

/// Names, for each difference that follows from another instance, the first one of the chain.
///
/// `is_live` tells which recorded instances count.
pub(super) fn propagate(evidence: &Evidence<'_>, is_live: &dyn Fn(usize) -> bool, findings: &mut [Finding]) {
    let Some(declared) = evidence.declared else { return };
    let has_differences = |finding: &Finding| !finding.attributes.is_empty();
    if !findings.iter().any(has_differences) {
        return;
    }
    let sources = Sources::find(evidence, declared, is_live, findings);
    for finding in findings.iter_mut().filter(|finding| has_differences(finding)) {
        let Some(address) = finding.address.clone().filter(|_| finding.deposed.is_none()) else { continue };
        for difference in finding.attributes.iter_mut().filter(|difference| is_candidate(difference)) {
            let Some((source, trouble)) = sources.origin(&address, &Difference::of(difference)) else { continue };
            let follows = match trouble {
                Trouble::Missing => format!("It follows from {source}, which is missing."),
                Trouble::NotMade => format!("It follows from {source}, which is not made yet."),
                Trouble::Differs(Difference { path, .. }) => match path.steps().first() {
                    Some(PathStep::GetAttr(name)) => format!("It follows from {source}, whose `{name}` differs."),
                    Some(PathStep::Index(_)) | None => format!("It follows from {source}, which differs."),
                },
            };
            difference.cause = Some(match difference.cause.take() {
                Some(cause) => format!("{cause} {follows}"),
                None => follows,
            });
            difference.propagated_from = Some(source.clone());
        }
    }
}

fn is_candidate(difference: &AttributeDifference) -> bool {
    difference.propagated_from.is_none()
        && !fails::is_noise(difference)
        && matches!(difference.kind, Kind::Changed | Kind::Pending | Kind::Collision | Kind::Stale)
}

/// What may be the matter with an instance that another one refers to.
#[derive(Clone, Debug)]
enum Trouble {
    Missing,
    NotMade,
    Differs(Difference),
}

/// A difference, as far as it may follow from another one.
#[derive(Clone, Debug)]
struct Difference {
    path: Path,
    kind: Kind,
    /// What the code sets it to is not known.
    is_unknown: bool,
}

impl Difference {
    fn of(difference: &AttributeDifference) -> Self {
        let is_unknown = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_wholly_known());
        Self {
            path: difference.path.clone(),
            kind: difference.kind,
            is_unknown: is_unknown(&difference.code) || is_unknown(&difference.planned),
        }
    }
}

/// The instances that others may follow, by the addresses that the code has.
struct Sources<'a> {
    declared: &'a dyn DeclaredArguments,
    by_address: BTreeMap<InstanceAddress, (InstanceAddress, Vec<Trouble>)>,
}

impl<'a> Sources<'a> {
    fn find(
        evidence: &Evidence<'_>,
        declared: &'a dyn DeclaredArguments,
        is_live: &dyn Fn(usize) -> bool,
        findings: &[Finding],
    ) -> Self {
        let mut sources = Self { declared, by_address: BTreeMap::new() };
        let readable = |difference: &&AttributeDifference| difference.tier != Tier::Unreadable;
        // The filter on tiers shows less than there is to follow from.
        for (position, reading) in evidence.readings {
            let Some(instance) = evidence.recorded.get(*position) else { continue };
            let Outcome::Seen { differences, .. } = &reading.outcome else { continue };
            if is_live(*position) && instance.deposed.is_none() {
                for difference in differences.iter().filter(readable) {
                    sources.add(&instance.address, Trouble::Differs(Difference::of(difference)));
                }
            }
        }
        for finding in findings.iter().filter(|finding| finding.deposed.is_none()) {
            let Some(address) = &finding.address else { continue };
            if matches!(finding.kind, Kind::Missing | Kind::Dangling) {
                sources.add(address, Trouble::Missing);
            }
            for difference in finding.attributes.iter().filter(readable) {
                sources.add(address, Trouble::Differs(Difference::of(difference)));
            }
        }
        for instance in evidence.unrecorded {
            let unmade = (instance.address.clone(), vec![Trouble::NotMade]);
            sources.by_address.entry(instance.address.clone()).or_insert(unmade);
        }
        sources
    }

    fn add(&mut self, address: &InstanceAddress, trouble: Trouble) {
        let in_code = self.declared.moved_to(address).unwrap_or_else(|| address.clone());
        self.by_address.entry(in_code).or_insert_with(|| (address.clone(), Vec::new())).1.push(trouble);
    }

    /// Finds what a difference refers to and follows from, the nearest one.
    fn nearest(&self, address: &InstanceAddress, difference: &Difference) -> Option<(&InstanceAddress, &Trouble)> {
        let references = self.declared.references(address, &difference.path);
        references.iter().find_map(|(referred, taken)| {
            let (source, troubles) = self.by_address.get(referred).filter(|(source, _)| source != address)?;
            let explains = |trouble: &&Trouble| match trouble {
                Trouble::Missing => true,
                Trouble::NotMade => difference.is_unknown,
                Trouble::Differs(other) => {
                    // What is not applied has changed nothing in the cloud.
                    let is_apart = difference.kind == Kind::Changed && other.kind == Kind::Pending;
                    let overlaps = other.path.starts_with(taken) || taken.starts_with(&other.path);
                    overlaps && (!is_apart || difference.is_unknown)
                }
            };
            troubles.iter().find(explains).map(|trouble| (source, trouble))
        })
    }

    /// Follows the chain to its first instance; one that leads back ends where it would.
    fn origin(&self, address: &InstanceAddress, difference: &Difference) -> Option<(&InstanceAddress, &Trouble)> {
        let mut passed = BTreeSet::from([(address.clone(), difference.path.to_string())]);
        let mut found = self.nearest(address, difference)?;
        while let (source, Trouble::Differs(difference)) = found {
            passed.insert((source.clone(), difference.path.to_string()));
            let is_fresh = |(source, trouble): &(&InstanceAddress, &Trouble)| match trouble {
                Trouble::Differs(next) => !passed.contains(&((*source).clone(), next.path.to_string())),
                Trouble::Missing | Trouble::NotMade => true,
            };
            match self.nearest(source, difference).filter(is_fresh) {
                Some(next) => found = next,
                None => break,
            }
        }
        Some(found).filter(|(source, _)| *source != address)
    }
}
