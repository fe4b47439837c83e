//! Objects that only the mapping file names: of types that neither the inventory nor a list of a provider shows.

use std::collections::BTreeMap;

use ::drift::Filters;
use ::drift::adopt::{AdoptionKey, Choice, Choices};
use model::{Finding, Kind, RecordedInstance};

/// Makes a finding of each object that a person sends to an address and that was not found; and what a person decided
/// about objects that a state records meanwhile is to leave them alone.
pub(super) fn settle(
    choices: &Choices,
    findings: &[Finding],
    recorded: &[RecordedInstance],
    filters: &Filters,
) -> (Vec<Finding>, Choices) {
    let mut named = Vec::new();
    let mut settled = Choices::new();
    let mut by_id: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        if let (Some(resource_type), Some(id)) = (&finding.resource_type, &finding.id) {
            by_id.entry((resource_type.as_str(), id.as_str())).or_default().push(finding);
        }
    }
    let mut owners: BTreeMap<(&str, &str), Vec<&RecordedInstance>> = BTreeMap::new();
    for instance in recorded {
        for id in [&instance.id, &instance.import_id].into_iter().flatten() {
            owners.entry((instance.address.resource_type().as_str(), id.as_str())).or_default().push(instance);
        }
    }
    for (key, choice) in choices {
        let name = (key.resource_type.as_str(), key.id.as_str());
        let is_found = by_id.get(&name).is_some_and(|found| {
            found.iter().any(|finding| {
                fits(key.account.as_ref(), finding.account.as_ref())
                    && fits(key.region.as_ref(), finding.region.as_ref())
            })
        });
        if is_found || matches!(choice, Choice::Skip(_)) {
            settled.insert(key.clone(), choice.clone());
            continue;
        }
        let owner = owners.get(&name).into_iter().flatten().find(|instance| {
            fits(key.account.as_ref(), instance.account.as_ref()) && fits(key.region.as_ref(), instance.region.as_ref())
        });
        let finding = finding(key);
        if !filters.admits(&finding) {
            continue;
        }
        let choice = match owner {
            Some(owner) => Choice::Skip(format!("A state records it already, as {}.", owner.address)),
            None => choice.clone(),
        };
        settled.insert(key.clone(), choice);
        named.push(finding);
    }
    (named, settled)
}

/// Tells whether a place that a mapping file names may be the one that was seen.
fn fits<T: PartialEq>(named: Option<&T>, seen: Option<&T>) -> bool {
    named.is_none() || seen.is_none() || named == seen
}

pub(super) fn finding(key: &AdoptionKey) -> Finding {
    Finding {
        resource_type: Some(key.resource_type.clone()),
        id: Some(key.id.clone()),
        account: key.account.clone(),
        region: key.region.clone(),
        ..Finding::new(Kind::Unmanaged, "The mapping file names it.".to_owned())
    }
}
