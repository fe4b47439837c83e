//! Comparison at inventory precision: recorded attributes against those a definition maps.
//!
//! No schema is at hand here, so equality is generous: what a provider could have written in another form counts as
//! equal, and no difference found here ever makes a run fail.

pub(crate) mod canonical;
pub(crate) mod inline;
mod policy;

use std::collections::BTreeMap;

use cty::{Path, Type, Value};
use model::{AttributeDifference, Cause, Kind, RemoteObject, Tier};

use crate::{Declaration, Evidence, JudgeOptions};
use canonical::{canonical, is_blank, is_equal};

/// Attributes that identify an object: the join has compared them.
const IDENTIFYING: &[&str] = &["id", "arn"];
/// Attributes that hold tags: these are compared key by key, apart from the others.
const TAGS: &[&str] = &["tags_all", "tags"];

/// Finds what differs between an instance and its object, among the attributes the object maps.
pub(crate) fn differences(
    evidence: &Evidence<'_>,
    options: &JudgeOptions,
    instance: usize,
    object: &RemoteObject,
) -> Result<Vec<AttributeDifference>, Cause> {
    let is_compared = |name: &&str| {
        !IDENTIFYING.contains(name)
            && !object.volatile.iter().any(|volatile| volatile == name)
            && (object.tags.is_none() || !TAGS.contains(name))
    };
    let mut names: Vec<&str> = object.attributes.keys().map(String::as_str).filter(is_compared).collect();
    let n_mapped = names.len();
    if object.tags.is_some() {
        names.extend(TAGS);
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let recorded = evidence.attributes.attributes(instance, &names)?;
    let mut comparison = Comparison { found: Vec::new() };
    for (name, state) in names[..n_mapped].iter().zip(&recorded) {
        // An attribute that the state lacks is one its provider version does not have.
        let (Some(state), Some(cloud)) = (state, object.attributes.get(*name)) else { continue };
        comparison.compare(Path::new().attr(*name), Some(state), Some(cloud), false);
    }
    if let Some(observed) = &object.tags {
        let is_reserved =
            |key: &str| options.reserved_tag_prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()));
        if let Some(state) = recorded[n_mapped..].iter().flatten().find(|tags| !tags.is_null()) {
            comparison.compare_tags(state, observed, is_reserved);
        }
    }
    let mut found = comparison.found;
    if let Some(declared) = evidence.declared {
        let address = &evidence.recorded[instance].address;
        for difference in &mut found {
            match declared.instance_argument(address, &difference.path) {
                Declaration::Written(_) => difference.tier = Tier::Declared,
                Declaration::Silent => difference.tier = Tier::Undeclared,
                Declaration::IgnoredChanges => {
                    difference.tier = Tier::Ignored;
                    difference.cause = Some("`lifecycle.ignore_changes` covers it.".to_owned());
                }
                Declaration::Unknown => {}
            }
        }
    }
    Ok(found)
}

/// Gives the recorded tags of an instance, those that are sensitive left out.
pub(crate) fn recorded_tags(evidence: &Evidence<'_>, instance: usize) -> BTreeMap<String, String> {
    let recorded = evidence.attributes.attributes(instance, TAGS).unwrap_or_default();
    let tags = recorded.into_iter().flatten().find(|tags| !tags.is_null() && !tags.is_marked());
    let texts = tags.iter().flat_map(Value::entries).filter(|(_, value)| !value.is_marked());
    texts.filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned()))).collect()
}

struct Comparison {
    found: Vec<AttributeDifference>,
}

impl Comparison {
    fn compare(&mut self, path: Path, state: Option<&Value>, cloud: Option<&Value>, is_sensitive: bool) {
        let is_sensitive = is_sensitive || [state, cloud].into_iter().flatten().any(Value::is_marked);
        let is_nothing = |value: Option<&Value>| value.is_none_or(is_blank);
        let is_unknown = [state, cloud].into_iter().flatten().any(|value| !value.is_known());
        if is_unknown || (is_nothing(state) && is_nothing(cloud)) {
            return;
        }
        let (Some(state_value), Some(cloud_value)) = (state, cloud) else {
            self.report(path, state, cloud, is_sensitive);
            return;
        };
        match cloud_value.ty() {
            // Of an object, the definition may map a part only.
            Type::Object(_) if has_names(state_value) => {
                let recorded: BTreeMap<&str, &Value> = state_value.entries().collect();
                for (name, cloud) in cloud_value.entries() {
                    self.compare(path.clone().attr(name), recorded.get(name).copied(), Some(cloud), is_sensitive);
                }
            }
            Type::Map(_) if has_names(state_value) => {
                let mut keys: BTreeMap<&str, (Option<&Value>, Option<&Value>)> = BTreeMap::new();
                for (key, value) in state_value.entries() {
                    keys.entry(key).or_default().0 = Some(value);
                }
                for (key, value) in cloud_value.entries() {
                    keys.entry(key).or_default().1 = Some(value);
                }
                for (key, (state, cloud)) in keys {
                    self.compare(path.clone().index(key), state, cloud, is_sensitive);
                }
            }
            Type::Set(element_type) if is_sequence(state_value) => {
                let is_hidden = is_sensitive || state_value.contains_marked() || cloud_value.contains_marked();
                self.compare_sets(&path, element_type, state_value, cloud_value, is_hidden);
            }
            Type::List(_) | Type::Tuple(_)
                if is_sequence(state_value) && state_value.elements().len() == cloud_value.elements().len() =>
            {
                for (position, (state, cloud)) in state_value.elements().zip(cloud_value.elements()).enumerate() {
                    self.compare(path.clone().index(position as u64), Some(state), Some(cloud), is_sensitive);
                }
            }
            _ if is_equal(state_value, cloud_value) => {}
            _ => self.report(path, state, cloud, is_sensitive),
        }
    }

    /// Reports the elements that only one side has, by what identifies them. A set with sensitive elements is
    /// reported as a whole.
    fn compare_sets(&mut self, path: &Path, element_type: &Type, state: &Value, cloud: &Value, is_hidden: bool) {
        let mut elements: BTreeMap<String, (i64, &Value)> = BTreeMap::new();
        for element in state.elements() {
            elements.entry(canonical(element, Some(element_type))).or_insert((0, element)).0 -= 1;
        }
        for element in cloud.elements() {
            elements.entry(canonical(element, Some(element_type))).or_insert((0, element)).0 += 1;
        }
        for (balance, element) in elements.into_values() {
            if balance == 0 {
                continue;
            }
            if is_hidden {
                self.report(path.clone(), Some(state), Some(cloud), true);
                return;
            }
            let (state, cloud) = if balance < 0 { (Some(element), None) } else { (None, Some(element)) };
            self.report(path.clone().index(element.clone()), state, cloud, false);
        }
    }

    fn compare_tags(&mut self, state: &Value, observed: &BTreeMap<String, String>, is_reserved: impl Fn(&str) -> bool) {
        let recorded: BTreeMap<&str, &Value> =
            state.entries().filter(|(key, value)| !is_reserved(key) && value.as_str().is_some()).collect();
        let path = |key: &str| Path::new().attr("tags").index(key);
        for (key, value) in &recorded {
            let cloud = observed.get(*key);
            if cloud.map(String::as_str) != value.as_str() {
                let cloud = cloud.map(|text| Value::string(text.as_str()));
                self.report(path(key), Some(value), cloud.as_ref(), state.is_marked());
            }
        }
        for (key, value) in observed {
            if !recorded.contains_key(key.as_str()) && !is_reserved(key) {
                self.report(path(key), None, Some(&Value::string(value.as_str())), state.is_marked());
            }
        }
        // Keys that only one side has were appended after those of both.
        self.found.sort_by_cached_key(|difference| difference.path.to_string());
    }

    fn report(&mut self, path: Path, state: Option<&Value>, cloud: Option<&Value>, is_sensitive: bool) {
        let is_sensitive = is_sensitive || [state, cloud].into_iter().flatten().any(Value::contains_marked);
        let hide = |value: &Value| if is_sensitive { value.mark_sensitive() } else { value.clone() };
        self.found.push(AttributeDifference {
            state: state.map(hide),
            cloud: cloud.map(hide),
            is_sensitive,
            ..AttributeDifference::new(Kind::Changed, path, Tier::Unclassified)
        });
    }
}

fn has_names(value: &Value) -> bool {
    value.is_known() && !value.is_null() && matches!(value.ty(), Type::Map(_) | Type::Object(_))
}

fn is_sequence(value: &Value) -> bool {
    value.is_known() && !value.is_null() && matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_))
}

#[cfg(test)]
mod tests;
