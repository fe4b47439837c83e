//! What identifies an object, and the recorded instances by it.

use std::collections::{BTreeMap, BTreeSet};

use ::drift::RecordedAttributes;
use cty::Value;
use model::{AccountId, Region, ResourceMode, ResourceType};

use super::Context;

/// Attributes of an identity that say where an object lies, not which one it is.
pub(super) const PLACES: &[&str] = &["account_id", "region"];
/// What import ids of several parts are joined by.
const SEPARATORS: &[&str] = &["/", ":", ",", "|", "_", "#"];
/// Identities of more parts are not joined: the orders would be too many.
const MAX_JOINED: usize = 3;

/// Where an object lies, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The account.
    pub(super) account: Option<AccountId>,
    /// The region.
    pub(super) region: Option<Region>,
}

impl Place {
    /// Reads the place out of an identity.
    pub(super) fn of(identity: &Value) -> Self {
        let text = |name: &str| identity.get_attr(name).ok().and_then(|value| value.as_str().map(str::to_owned));
        Self {
            account: text("account_id").filter(|text| !text.is_empty()).map(AccountId::from),
            region: text("region").filter(|text| !text.is_empty()).map(Region::from),
        }
    }
}

/// Gives the attributes of an identity that tell which object it is, as text.
pub(super) fn parts(identity: &Value) -> Vec<(String, String)> {
    if identity.contains_marked() || !identity.is_wholly_known() {
        return Vec::new();
    }
    let part = |(name, value): (&str, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!PLACES.contains(&name) && !value.is_null() && !text.is_empty()).then(|| (name.to_owned(), text))
    };
    identity.entries().filter_map(part).collect()
}

/// Writes the parts of an identity as one text.
fn whole(parts: &[(String, String)]) -> String {
    parts.iter().flat_map(|(name, text)| ["\u{1}", name, "=", text]).collect()
}

/// Gives every text by which a state or an inventory may know the object of an identity.
pub(super) fn texts(identity: &Value) -> Vec<String> {
    let parts = parts(identity);
    let mut texts = match parts.as_slice() {
        [] => return Vec::new(),
        [(_, text)] => vec![text.clone()],
        parts if parts.len() <= MAX_JOINED => {
            let mut orders = vec![Vec::new()];
            for (_, text) in parts {
                orders = orders.into_iter().flat_map(|order| insertions(&order, text)).collect();
            }
            orders.iter().flat_map(|order| SEPARATORS.iter().map(|separator| order.join(separator))).collect()
        }
        _ => Vec::new(),
    };
    texts.push(whole(&parts));
    texts
}

fn insertions<'a>(order: &[&'a str], text: &'a str) -> Vec<Vec<&'a str>> {
    (0..=order.len())
        .map(|position| {
            let mut order = order.to_vec();
            order.insert(position, text);
            order
        })
        .collect()
}

/// The instances that may record the objects of one listed type.
pub(super) struct Known {
    by_text: BTreeMap<String, Vec<usize>>,
    places: BTreeMap<usize, Place>,
    /// Instances whose object was not listed so far.
    pub(super) unmatched: BTreeSet<usize>,
}

impl Known {
    /// Indexes the instances of a type, and of the types that manage the same remote objects.
    pub(super) fn of(resource_type: &ResourceType, identity_attributes: &[&str], context: Context<'_>) -> Self {
        let native_types =
            |name: &ResourceType| context.mappings.get(name).map_or(&[][..], |mapping| mapping.native_types.as_slice());
        let own = native_types(resource_type);
        let mut known = Self { by_text: BTreeMap::new(), places: BTreeMap::new(), unmatched: BTreeSet::new() };
        for (position, instance) in context.states.recorded.iter().enumerate() {
            let name = instance.address.resource_type();
            let is_same = name == resource_type || native_types(name).iter().any(|native| own.contains(native));
            if !is_same || instance.address.resource.mode != ResourceMode::Managed {
                continue;
            }
            let read = context.readings.get(&position).and_then(|reading| reading.identity.as_ref());
            let identities = [instance.identity.as_ref(), read].into_iter().flatten();
            let mut found: Vec<String> = identities.map(|identity| whole(&parts(&identity.value))).collect();
            found.extend(instance.id.as_ref().map(ToString::to_string));
            found.extend(instance.import_id.as_ref().map(ToString::to_string));
            found.extend(instance.arn.clone());
            // States of older CLIs have no identity; what it is made of are attributes, mostly.
            let values = context.states.attributes(position, identity_attributes).unwrap_or_default();
            let values = identity_attributes.iter().zip(values).filter_map(|(name, value)| {
                let value = value.filter(|value| !value.is_null() && !value.is_marked() && value.is_known())?;
                Some(((*name).to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            });
            let values: Vec<(String, String)> = values.filter(|(_, text)| !text.is_empty()).collect();
            if !values.is_empty() {
                found.push(whole(&values));
            }
            for text in found.into_iter().filter(|text| !text.is_empty()) {
                known.by_text.entry(text).or_default().push(position);
            }
            known.places.insert(position, Place { account: instance.account.clone(), region: instance.region.clone() });
            known.unmatched.insert(position);
        }
        known
    }

    /// Tells whether an instance records the object that has any of these texts, and notes it.
    pub(super) fn matches(&mut self, texts: &[String], place: &Place) -> bool {
        let mut is_known = false;
        for position in texts.iter().filter_map(|text| self.by_text.get(text)).flatten() {
            let recorded = &self.places[position];
            let agree = recorded.account.is_none() || place.account.is_none() || recorded.account == place.account;
            if agree && (recorded.region.is_none() || place.region.is_none() || recorded.region == place.region) {
                self.unmatched.remove(position);
                is_known = true;
            }
        }
        is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(attributes: &[(&str, &str)]) -> Value {
        Value::object(attributes.iter().map(|(name, text)| ((*name).to_owned(), Value::string(*text))).collect())
    }

    #[test]
    fn an_identity_is_known_by_its_only_part_or_by_all_of_them() {
        let one = texts(&identity(&[("account_id", "1"), ("region", "x"), ("name", "jobs")]));
        assert_eq!(one, ["jobs", "\u{1}name=jobs"]);
        let two = texts(&identity(&[("role", "r"), ("policy_arn", "arn:p")]));
        assert!(two.contains(&"r/arn:p".to_owned()) && two.contains(&"arn:p:r".to_owned()), "{two:?}");
        assert!(!two.contains(&"r".to_owned()), "a part alone is another object");
        assert_eq!(texts(&identity(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")])).len(), 1);
        assert!(texts(&identity(&[("region", "x")])).is_empty());
    }

    #[test]
    fn a_place_is_read_where_the_identity_has_one() {
        let place = Place::of(&identity(&[("account_id", "1"), ("region", ""), ("name", "jobs")]));
        assert_eq!(place, Place { account: Some("1".into()), region: None });
    }
}
