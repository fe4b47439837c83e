//! Explained differences: one thing that two resources record, told apart from what somebody added beside it.
//!
//! A bucket's `policy` shows up on the bucket and on the resource that manages it. An instance accounts for a difference
//! of another where it refers to that one by id, ARN or name, and holds the value. No table of types: values are
//! flattened into scalars without defaults, and each must be found, by its name where the other instance has that name.
//! A rule that several instances make together is split, and what none of them holds stays undeclared.

mod leaves;
mod twin;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use cty::{Path, PathStep, Type, Value};
use model::{AttributeDifference, InstanceAddress, Tier};

use crate::Evidence;
use crate::exact::Outcome;
use leaves::{Leaf, leaves, words};
use twin::{Side, Twin, is_same_kind};

/// So many instances are named in a cause.
const MAX_NAMED: usize = 3;

/// Attributes of which the value names the instance, beside those that end in the last word of its type.
const NAMING: &[&str] = &["id", "arn", "name", "self_link", "url"];

/// Goes through the open differences of all readings, and gives those of the instances where some are explained.
///
/// `is_live` tells which recorded instances count.
pub(crate) fn explain(
    evidence: &Evidence<'_>,
    is_live: &dyn Fn(usize) -> bool,
) -> BTreeMap<usize, Vec<AttributeDifference>> {
    let mut subjects = Vec::new();
    for (position, reading) in evidence.readings {
        let Outcome::Seen { differences, .. } = &reading.outcome else { continue };
        if *position < evidence.recorded.len() && is_live(*position) && differences.iter().any(is_open) {
            subjects.extend(Subject::new(evidence, *position, differences));
        }
    }
    if subjects.is_empty() {
        return BTreeMap::new();
    }
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, subject) in subjects.iter().enumerate() {
        for name in &subject.names {
            by_name.entry(name).or_default().push(number);
        }
    }
    let mut twins: Vec<Vec<(Rc<Twin<'_>>, usize)>> = vec![Vec::new(); subjects.len()];
    for (position, instance) in evidence.recorded.iter().enumerate() {
        if !is_live(position) || instance.deposed.is_some() {
            continue;
        }
        let Ok(recorded) = evidence.attributes.all_attributes(position) else { continue };
        let mut referred: BTreeMap<usize, usize> = BTreeMap::new();
        for text in references(&recorded) {
            for number in by_name.get(text).into_iter().flatten() {
                let subject = &subjects[*number];
                let own = &evidence.recorded[subject.position].address;
                if subject.position != position && !is_same_kind(own, &instance.address) {
                    *referred.entry(*number).or_default() += 1;
                }
            }
        }
        if referred.is_empty() {
            continue;
        }
        let twin = Rc::new(Twin::new(&instance.address, &recorded, evidence.readings.get(&position)));
        for (number, n_references) in referred {
            twins[number].push((Rc::clone(&twin), n_references));
        }
    }
    subjects
        .iter()
        .zip(&twins)
        .filter(|(_, twins)| !twins.is_empty())
        .map(|(subject, twins)| (subject.position, subject.explain(twins)))
        .collect()
}

fn is_open(difference: &AttributeDifference) -> bool {
    matches!(difference.tier, Tier::Undeclared | Tier::Unclassified) && !difference.is_sensitive
}

/// Lists the texts by which an instance may refer to another: at its top, alone or in a collection.
fn references(recorded: &Value) -> impl Iterator<Item = &str> {
    recorded.entries().flat_map(|(_, value)| {
        let own = value.as_str();
        own.into_iter().chain(value.elements().filter_map(Value::as_str))
    })
}

/// An instance with open differences.
struct Subject<'a> {
    position: usize,
    address: &'a InstanceAddress,
    differences: &'a [AttributeDifference],
    /// Texts by which others refer to it.
    names: BTreeSet<String>,
    /// The names of its attributes and blocks.
    attributes: Vec<String>,
}

impl<'a> Subject<'a> {
    fn new(evidence: &Evidence<'a>, position: usize, differences: &'a [AttributeDifference]) -> Option<Self> {
        let instance = &evidence.recorded[position];
        let recorded = evidence.attributes.all_attributes(position).ok()?;
        let type_words = words(instance.address.resource_type().as_str());
        let last = type_words.last().map_or("", String::as_str);
        let is_naming = |name: &str| {
            NAMING.contains(&name)
                || name.strip_prefix(last).is_some_and(|rest| matches!(rest, "" | "_id" | "_arn" | "_name" | "_url"))
        };
        let mut names: BTreeSet<String> = recorded
            .entries()
            .filter(|(name, _)| is_naming(name))
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect();
        names.extend(instance.id.as_ref().map(|id| id.as_str().to_owned()));
        names.extend(instance.import_id.as_ref().map(|id| id.as_str().to_owned()));
        names.extend(instance.arn.clone());
        names.remove("");
        let attributes = recorded
            .entries()
            .map(|(name, _)| name.to_owned())
            .filter(|name| !is_naming(name) && !matches!(name.as_str(), "tags" | "tags_all" | "timeouts"))
            .collect();
        Some(Self { position, address: &instance.address, differences, names, attributes })
    }

    fn explain(&self, twins: &[(Rc<Twin<'_>>, usize)]) -> Vec<AttributeDifference> {
        let mut result = Vec::with_capacity(self.differences.len());
        for difference in self.differences {
            match is_open(difference).then(|| self.explain_one(difference, twins)).flatten() {
                None => result.push(difference.clone()),
                Some((holders, rest)) => {
                    result.push(explained(difference, &holders));
                    result.extend(rest);
                }
            }
        }
        result
    }

    /// Finds who accounts for a difference, and what is left of it; `None` where nobody does for any part.
    fn explain_one<'t>(
        &self,
        difference: &AttributeDifference,
        twins: &'t [(Rc<Twin<'_>>, usize)],
    ) -> Option<(Vec<&'t Twin<'t>>, Vec<AttributeDifference>)> {
        let Some(PathStep::GetAttr(attribute)) = difference.path.steps().first() else { return None };
        let (value, side) = changed_value(difference)?;
        let context = context(&difference.path, attribute);
        let own_name = last_name(&difference.path).unwrap_or(attribute);
        let holds = |wanted: &[Leaf], (twin, n_references): &(Rc<Twin<'_>>, usize)| {
            !wanted.is_empty()
                && twin.may_hold(self.address, attribute, &self.attributes)
                && twin.holds(wanted, side, &self.names, *n_references, twin.is_about(self.address, attribute))
        };
        let mut whole = context.clone();
        leaves(own_name, parent_name(&difference.path), value, &mut whole);
        if whole.len() > context.len() || matches!(value.as_bool(), Some(false)) {
            if value.as_bool() == Some(false) {
                whole.push(Leaf::switched_off(own_name));
            }
            if let Some((twin, _)) = twins.iter().find(|twin| holds(&whole, twin)) {
                return Some((vec![&**twin], Vec::new()));
            }
        }
        split(difference, value, side, &context, twins, &holds)
    }
}

/// Splits an element into parts that instances may hold one by one, each together with the element's scalars.
fn split<'t>(
    difference: &AttributeDifference,
    value: &Value,
    side: Side,
    context: &[Leaf],
    twins: &'t [(Rc<Twin<'_>>, usize)],
    holds: &dyn Fn(&[Leaf], &(Rc<Twin<'_>>, usize)) -> bool,
) -> Option<(Vec<&'t Twin<'t>>, Vec<AttributeDifference>)> {
    let (shared, parts) = parts(value);
    if parts.is_empty() {
        return None;
    }
    let parent = last_name(&difference.path);
    let mut scalars = context.to_vec();
    for (name, value) in shared {
        leaves(name, parent, value, &mut scalars);
    }
    let mut holders: Vec<&Twin<'_>> = Vec::new();
    let mut rest = Vec::new();
    for part in &parts {
        let mut wanted = scalars.clone();
        leaves(part.name, parent, part.value, &mut wanted);
        match twins.iter().find(|twin| holds(&wanted, twin)) {
            Some((twin, _)) if holders.iter().any(|holder| std::ptr::eq(holder.address, twin.address)) => {}
            Some((twin, _)) => holders.push(twin),
            None => rest.push(part.of(difference, side)),
        }
    }
    (!holders.is_empty()).then_some((holders, rest))
}

/// One part of an element: an element of a collection inside of it, or a switch that is on.
struct Part<'v> {
    name: &'v str,
    key: Option<Value>,
    value: &'v Value,
}

impl Part<'_> {
    fn of(&self, difference: &AttributeDifference, side: Side) -> AttributeDifference {
        let mut path = difference.path.clone().attr(self.name);
        if let Some(key) = &self.key {
            path = path.index(key.clone());
        }
        let (state, cloud) = match side {
            Side::Gained => (None, Some(self.value.clone())),
            Side::Lost => (Some(self.value.clone()), None),
        };
        AttributeDifference { path, code: None, state, cloud, planned: None, ..difference.clone() }
    }
}

/// Takes an object apart: its scalars, and its parts.
fn parts(value: &Value) -> (Vec<(&str, &Value)>, Vec<Part<'_>>) {
    let mut shared = Vec::new();
    let mut parts = Vec::new();
    for (name, value) in value.entries() {
        match value.ty() {
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
                for (position, element) in value.elements().enumerate() {
                    let key = if value.ty().is_set() { element.clone() } else { Value::from(position as u64) };
                    parts.push(Part { name, key: Some(key), value: element });
                }
            }
            Type::Bool if value.as_bool() == Some(true) => parts.push(Part { name, key: None, value }),
            _ => shared.push((name, value)),
        }
    }
    (shared, parts)
}

/// Gives what a difference is about: what the cloud gained, or else what it lost.
fn changed_value(difference: &AttributeDifference) -> Option<(&Value, Side)> {
    let is_something = |value: &&Value| {
        let mut found = Vec::new();
        leaves("", None, value, &mut found);
        !found.is_empty()
    };
    let was_on = difference.state.as_ref().and_then(Value::as_bool) == Some(true);
    let cloud = difference.cloud.as_ref().filter(|value| is_something(value) || was_on && value.as_bool().is_some());
    match cloud {
        Some(cloud) => Some((cloud, Side::Gained)),
        None => difference.state.as_ref().filter(is_something).map(|state| (state, Side::Lost)),
    }
}

/// Lists what the way to a difference says of it: what names an element, and the keys of maps.
fn context(path: &Path, attribute: &str) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut name = attribute;
    for step in path.steps() {
        match step {
            PathStep::GetAttr(own) => name = own,
            PathStep::Index(key) if key.as_number().is_some() => {}
            PathStep::Index(key) => leaves(name, None, key, &mut found),
        }
    }
    found
}

fn last_name(path: &Path) -> Option<&str> {
    names(path).last()
}

fn parent_name(path: &Path) -> Option<&str> {
    let names: Vec<&str> = names(path).collect();
    names.len().checked_sub(2).and_then(|at| names.get(at).copied())
}

fn names(path: &Path) -> impl Iterator<Item = &str> {
    path.steps().iter().filter_map(|step| match step {
        PathStep::GetAttr(name) => Some(name.as_str()),
        PathStep::Index(_) => None,
    })
}

fn explained(difference: &AttributeDifference, holders: &[&Twin<'_>]) -> AttributeDifference {
    let named: Vec<String> = holders.iter().take(MAX_NAMED).map(|twin| twin.address.to_string()).collect();
    let n_others = holders.len() - named.len();
    let verb = if holders.len() == 1 { "accounts" } else { "account" };
    let others = if n_others > 0 { format!(" and {n_others} more") } else { String::new() };
    AttributeDifference {
        tier: Tier::Explained,
        is_security_relevant: false,
        cause: Some(format!("{}{others} {verb} for it.", named.join(", "))),
        propagated_from: holders.iter().find(|twin| twin.has_drifted).map(|twin| twin.address.clone()),
        ..difference.clone()
    }
}
