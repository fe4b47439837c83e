//! Twins: instances that refer to another one, and may hold what shows up on that as well.

use std::collections::BTreeSet;

use cty::Value;
use model::{AttributeDifference, InstanceAddress, Kind, Tier};

use super::leaves::{Leaf, Weight, is_akin, leaves, words};
use crate::compare::canonical::canonical;
use crate::exact::{Outcome, Reading};

/// Words in the names of types and attributes that say nothing about what they are about.
const GENERIC: &[&str] = &["arn", "association", "attachment", "config", "configuration", "id", "name", "rule"];
/// Words that one resource uses where another has a switch that is on.
const ON: &[&str] = &["Enabled", "enabled", "ENABLED", "true", "on", "On"];
/// The same for a switch that is off.
const OFF: &[&str] = &["Disabled", "disabled", "DISABLED", "Suspended", "suspended", "false", "off", "Off"];

/// Whether the cloud has something that the state lacks, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Gained,
    Lost,
}

/// An instance that refers to another one.
pub(super) struct Twin<'a> {
    pub(super) address: &'a InstanceAddress,
    /// Whether it is gone, or differs in what its own code declares: then what follows from it is its drift.
    pub(super) has_drifted: bool,
    recorded: Vec<Leaf>,
    /// What its provider read, where that differs; empty where it is gone.
    observed: Option<Vec<Leaf>>,
    names: BTreeSet<String>,
    texts: BTreeSet<String>,
}

impl<'a> Twin<'a> {
    pub(super) fn new(address: &'a InstanceAddress, recorded: &Value, reading: Option<&Reading>) -> Self {
        let mut recorded_leaves = Vec::new();
        leaves("", None, recorded, &mut recorded_leaves);
        let (observed, has_drifted) = match reading.map(|reading| &reading.outcome) {
            Some(Outcome::Gone) => (Some(Vec::new()), true),
            Some(Outcome::Seen { differences, observed }) => {
                let observed = observed.as_ref().map(|observed| {
                    let mut found = Vec::new();
                    leaves("", None, observed, &mut found);
                    found
                });
                let is_drift = |difference: &AttributeDifference| {
                    difference.tier == Tier::Declared && difference.kind != Kind::Pending
                };
                (observed, differences.iter().any(is_drift))
            }
            Some(Outcome::Unseen(_)) | None => (None, false),
        };
        let mut names = BTreeSet::new();
        let mut texts = BTreeSet::new();
        cty::walk(recorded, |path, value| {
            if let Some(cty::PathStep::GetAttr(name)) = path.steps().last() {
                names.insert(words(name).join("_"));
            }
            texts.extend(value.as_str().filter(|text| text.len() < 64).map(|text| words(text).join("_")));
            true
        });
        Self { address, has_drifted, recorded: recorded_leaves, observed, names, texts }
    }

    /// Tells whether it is about an attribute of the instance it refers to: its type, an attribute of its own or a value
    /// says so.
    pub(super) fn is_about(&self, subject: &InstanceAddress, attribute: &str) -> bool {
        self.names.contains(&words(attribute).join("_")) || self.is_named_for(subject, attribute)
    }

    /// Tells whether its type, or a value of its own, names an attribute of the instance it refers to.
    fn is_named_for(&self, subject: &InstanceAddress, attribute: &str) -> bool {
        let own = words(self.address.resource_type().as_str());
        let of_subject = words(subject.resource_type().as_str());
        let mut specific: Vec<&String> = own.iter().filter(|word| !of_subject.contains(word)).collect();
        if specific.is_empty() {
            specific = own.iter().skip(1).collect();
        }
        let attribute_words = words(attribute);
        self.texts.contains(&attribute_words.join("_"))
            || attribute_words
                .iter()
                .filter(|word| !GENERIC.contains(&word.as_str()))
                .any(|word| specific.iter().any(|specific| is_akin(word, specific)))
    }

    /// Tells whether it may be about an attribute: it is, or is about no other one of that instance either.
    pub(super) fn may_hold(&self, subject: &InstanceAddress, attribute: &str, attributes: &[String]) -> bool {
        self.is_about(subject, attribute) || !attributes.iter().any(|other| self.is_named_for(subject, other))
    }

    /// Tells whether it holds all of the leaves. Numbers and switches count only where it is about the attribute, or
    /// beside a text that tells more.
    pub(super) fn holds(
        &self,
        wanted: &[Leaf],
        side: Side,
        own_names: &BTreeSet<String>,
        n_references: usize,
        is_about: bool,
    ) -> bool {
        let held = match side {
            Side::Gained => self.observed.as_ref().unwrap_or(&self.recorded),
            Side::Lost => &self.recorded,
        };
        let is_own_name =
            |leaf: &Leaf| own_names.iter().any(|name| canonical(&Value::string(name.as_str()), None) == leaf.text);
        let tells = is_about || wanted.iter().any(|leaf| leaf.weight == Weight::Strong && !is_own_name(leaf));
        tells && wanted.iter().all(|leaf| has(held, leaf, n_references, is_about))
    }
}

/// Finds a leaf by its name; where nothing has the name, or only things of another parent have, by its value.
fn has(held: &[Leaf], wanted: &Leaf, n_references: usize, is_about: bool) -> bool {
    let is_word = |words: &[&str]| {
        let is_one = |leaf: &Leaf| words.iter().any(|word| canonical(&Value::string(*word), None) == leaf.text);
        is_about && held.iter().any(|leaf| leaf.weight != Weight::On && is_one(leaf))
    };
    let named = || held.iter().filter(|leaf| leaf.name == wanted.name);
    if wanted.weight == Weight::Off {
        return named().next().is_none() && is_word(OFF);
    }
    if named().any(|leaf| leaf.text == wanted.text) {
        return true;
    }
    let is_elsewhere = |leaf: &Leaf| {
        leaf.text == wanted.text && (named().next().is_none() || leaf.parent.is_some() && leaf.parent == wanted.parent)
    };
    match wanted.weight {
        // A rule whose source is its own group names the group twice.
        Weight::On => wanted.name == "self" && n_references > 1 || named().next().is_none() && is_word(ON),
        Weight::Off => false,
        Weight::Weak | Weight::Strong => held.iter().any(is_elsewhere),
    }
}

/// Tells whether two instances are of one kind: then neither is a part of the other.
pub(super) fn is_same_kind(a: &InstanceAddress, b: &InstanceAddress) -> bool {
    let kind = |address: &InstanceAddress| address.resource_type().as_str().replacen("_default_", "_", 1);
    kind(a) == kind(b)
}
