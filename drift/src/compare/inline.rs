//! Children that their parent's resource holds inline: a rule in a security group's `ingress`, a policy in a role's
//! `inline_policy`.
//!
//! Catalogs say in which attribute of which resource type a child may be held. Whether one is, is judged element by
//! element: what the child's definition maps must be in one element, by name where the element has that name and by
//! value where it calls it differently. A rule that somebody added by hand is in no recorded element, and stays
//! unmanaged.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, Value};

use super::canonical::{canonical, is_blank};
use crate::{Declaration, Evidence, InlineIn};

/// Attributes that describe a child rather than say what it does.
const DESCRIBING: &[&str] = &["id", "arn", "name_prefix", "description", "tags", "tags_all"];
/// Words that a child uses where the inline form has a boolean.
const SYNONYMS: &[(&str, &str)] = &[("Enabled", "true"), ("Suspended", "false"), ("Disabled", "false")];

/// Where a child is held.
pub(crate) struct Held<'a> {
    /// The attribute of the parent's resource.
    pub(crate) attribute: &'a str,
    /// Whether the code sets the attribute: where it does not, the state may have picked up a change made by hand.
    pub(crate) declaration: Declaration,
}

/// Finds the attribute of an instance that holds a child inline.
pub(crate) fn held_inline<'a>(
    evidence: &Evidence<'_>,
    parent: usize,
    inline_in: &'a [InlineIn],
    child: &BTreeMap<String, Value>,
) -> Option<Held<'a>> {
    let instance = &evidence.recorded[parent];
    let parent_id = instance.id.as_ref().map_or("", model::ImportId::as_str);
    let mut wanted = Vec::new();
    for (name, value) in child.iter().filter(|(name, _)| !DESCRIBING.contains(&name.as_str())) {
        leaves(name, value, &mut wanted);
    }
    let parent_text = canonical(&Value::string(parent_id), None);
    let n_before = wanted.len();
    wanted.retain(|(_, text)| *text != parent_text);
    // A child names its parent once; a rule whose source is its own group names it again.
    let refers_to_parent = n_before - wanted.len() > 1;
    if wanted.is_empty() {
        return None;
    }
    let address = &instance.address.resource;
    let place = inline_in.iter().find(|place| place.resource_type == address.resource_type)?;
    let recorded = evidence.attributes.attributes(parent, &[&place.attribute]).ok()?.pop()??;
    let is_single = recorded.elements().len() == 0;
    let mut elements = recorded.elements().chain(is_single.then_some(&recorded));
    let accounts = |element: &Value| {
        let mut found = Vec::new();
        leaves("", element, &mut found);
        let texts: BTreeSet<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        let has = |name: &str, text: &str| {
            let mut named = found.iter().filter(|(own, _)| *own == name).peekable();
            if named.peek().is_some() { named.any(|(_, own)| own == text) } else { texts.contains(text) }
        };
        let is_self = || has("self", &canonical(&Value::bool(true), None)) || texts.contains(parent_text.as_str());
        (!refers_to_parent || is_self())
            && wanted.iter().all(|(name, text)| {
                has(name, text)
                    || SYNONYMS.iter().any(|(word, boolean)| {
                        *text == canonical(&Value::string(*word), None)
                            && texts.contains(canonical(&Value::string(*boolean), None).as_str())
                    })
            })
    };
    if !elements.any(accounts) {
        return None;
    }
    let path = Path::new().attr(place.attribute.as_str());
    let declaration = evidence.declared.map_or(Declaration::Unknown, |declared| declared.argument(address, &path));
    Some(Held { attribute: &place.attribute, declaration })
}

/// Lists what is not a collection, and not blank, with the name it goes by.
fn leaves<'v>(name: &'v str, value: &'v Value, found: &mut Vec<(&'v str, String)>) {
    if is_blank(value) || !value.is_known() || value.is_marked() {
        return;
    }
    if value.elements().len() == 0 && value.entries().len() == 0 {
        found.push((name, canonical(value, None)));
    }
    for element in value.elements() {
        leaves(name, element, found);
    }
    for (name, value) in value.entries() {
        leaves(name, value, found);
    }
}
