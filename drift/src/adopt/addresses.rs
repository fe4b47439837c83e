//! Which unmanaged objects are offered for import, and to which address.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    AccountId, Diagnostic, Diagnostics, Finding, ImportId, InstanceAddress, Kind, Region, ResourceAddress, ResourceType,
};
use sha2::{Digest, Sha256};

use super::NamePattern;

/// What a person decided about one object, in a mapping file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Import it to this address.
    Import(InstanceAddress),
    /// Leave it out; the reason may be empty.
    Skip(String),
}

/// Names an object in a mapping file: objects of several regions may share a type and an import id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdoptionKey {
    /// The Terraform type.
    pub resource_type: ResourceType,
    /// The import id.
    pub id: ImportId,
    /// The account; `None` stands for any.
    pub account: Option<AccountId>,
    /// The region; `None` stands for any, and for an object that is in none.
    pub region: Option<Region>,
}

/// What a person decided.
pub type Choices = BTreeMap<AdoptionKey, Choice>;

/// What becomes of one unmanaged object.
#[derive(Clone, Debug, PartialEq)]
pub struct Adoption<'a> {
    /// The object.
    pub finding: &'a Finding,
    /// What it becomes.
    pub step: AdoptionStep,
}

/// What adoption does with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdoptionStep {
    /// It is imported.
    Import {
        /// To this address.
        to: InstanceAddress,
        /// By this id.
        id: ImportId,
    },
    /// It is left out, for this reason, a sentence; its address is kept where it has one.
    Skip {
        /// Why.
        reason: String,
        /// The address it would have.
        to: Option<InstanceAddress>,
    },
}

/// Decides what becomes of every unmanaged object, in the order of the findings.
///
/// `recorded` are the addresses that states already use; nothing is imported to these. Two objects that a person
/// sends to one address, or one sent to a used address, are errors with the code `address-taken`.
pub fn plan<'a>(
    findings: &'a [Finding],
    recorded: &BTreeSet<&InstanceAddress>,
    choices: &Choices,
    names: &NamePattern,
) -> (Vec<Adoption<'a>>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut used: BTreeSet<InstanceAddress> = BTreeSet::new();
    let chosen = choices.values().filter_map(|choice| match choice {
        Choice::Import(address) => Some(&address.resource),
        Choice::Skip(_) => None,
    });
    let proposed = addresses(findings, recorded.iter().map(|address| &address.resource).chain(chosen), names);
    let mut adoptions = Vec::new();
    for (finding, proposed) in findings.iter().zip(proposed) {
        if !matches!(finding.kind, Kind::Unmanaged | Kind::ManagedElsewhere) {
            continue;
        }
        let to = proposed.map(|address| address.instance(None));
        let skip = |reason: &str| AdoptionStep::Skip { reason: reason.to_owned(), to: to.clone() };
        let choice = choice_for(choices, finding);
        let step = match (&finding.resource_type, &finding.id, choice) {
            (None, _, _) => skip("No Terraform type is known for it."),
            (_, None, _) => skip("It has no import id."),
            (_, _, Some(Choice::Skip(reason))) if reason.is_empty() => skip("The mapping file leaves it out."),
            (_, _, Some(Choice::Skip(reason))) => skip(reason),
            (Some(resource_type), Some(id), Some(Choice::Import(address))) => {
                if address.resource_type() != resource_type {
                    let detail = format!("{id} is a {resource_type}; the mapping file sends it to {address}.");
                    diagnostics.push(Diagnostic::error(
                        "wrong-type",
                        "An object is sent to an address of another type",
                        detail,
                    ));
                    continue;
                }
                if recorded.contains(address) || !used.insert(address.clone()) {
                    let detail = format!("The mapping file sends {id} to {address}, which another object has.");
                    diagnostics.push(
                        Diagnostic::error("address-taken", "An address is taken", detail)
                            .with_help("Give the object an address of its own in the mapping file."),
                    );
                    continue;
                }
                AdoptionStep::Import { to: address.clone(), id: id.clone() }
            }
            (Some(_), Some(id), None) => match (&finding.ignored, &finding.folded, &to) {
                (Some(reason), _, _) | (None, Some(reason), _) => skip(reason),
                (None, None, Some(to)) if finding.kind == Kind::Unmanaged => {
                    AdoptionStep::Import { to: to.clone(), id: id.clone() }
                }
                _ => skip(&finding.reason),
            },
        };
        adoptions.push(Adoption { finding, step });
    }
    (adoptions, diagnostics)
}

/// Gives what a person decided about the object of a finding.
pub fn choice_for<'a>(choices: &'a Choices, finding: &Finding) -> Option<&'a Choice> {
    let resource_type = finding.resource_type.as_ref()?;
    let id = finding.id.as_ref()?;
    // What names its place most exactly decides.
    let places = [
        (finding.account.clone(), finding.region.clone()),
        (None, finding.region.clone()),
        (finding.account.clone(), None),
        (None, None),
    ];
    places.into_iter().find_map(|(account, region)| {
        choices.get(&AdoptionKey { resource_type: resource_type.clone(), id: id.clone(), account, region })
    })
}

/// Proposes an address in the root module for every unmanaged object, in the order of the findings.
///
/// Names are made as the pattern says. Where several objects of a type would have one name,
/// or the name is in use, each gets six hexadecimal digits of the hash of its id: the proposal for one object does not
/// depend on the order of the others.
pub fn addresses<'a>(
    findings: &[Finding],
    taken: impl Iterator<Item = &'a ResourceAddress>,
    names: &NamePattern,
) -> Vec<Option<ResourceAddress>> {
    let wants = |finding: &Finding| match (finding.kind, &finding.resource_type, &finding.id) {
        (Kind::Unmanaged | Kind::ManagedElsewhere, Some(resource_type), Some(id)) => {
            Some((resource_type.clone(), names.name(finding, resource_type, id), id.clone()))
        }
        _ => None,
    };
    let mut n_wanted: BTreeMap<(ResourceType, String), usize> = BTreeMap::new();
    for (resource_type, name, _) in findings.iter().filter_map(wants) {
        *n_wanted.entry((resource_type, name)).or_default() += 1;
    }
    if n_wanted.is_empty() {
        return vec![None; findings.len()];
    }
    for address in taken.filter(|address| address.module.is_root()) {
        if let Some(n_wanted) = n_wanted.get_mut(&(address.resource_type.clone(), address.name.to_string())) {
            *n_wanted += 1;
        }
    }
    let mut used: BTreeSet<(ResourceType, String)> =
        n_wanted.iter().filter(|(_, n_wanted)| **n_wanted == 1).map(|(key, _)| key.clone()).collect();
    let propose = |finding: &Finding| {
        let (resource_type, name, id) = wants(finding)?;
        let mut key = (resource_type, name);
        if n_wanted[&key] > 1 || key.1.is_empty() {
            let place = [finding.account.as_ref().map(AccountId::as_str), finding.region.as_ref().map(Region::as_str)];
            let digest = Sha256::new()
                .chain_update(id.as_str())
                .chain_update(format!("\n{}\n{}", place[0].unwrap_or_default(), place[1].unwrap_or_default()))
                .finalize();
            let digits = crate::fingerprint::hex(&digest);
            let stem = std::mem::take(&mut key.1);
            // Six digits do; more of them tell apart even what collides there.
            for n_digits in 6..=digits.len() {
                key.1 = if stem.is_empty() {
                    format!("r_{}", &digits[..n_digits])
                } else {
                    format!("{stem}_{}", &digits[..n_digits])
                };
                if !used.contains(&key) {
                    break;
                }
            }
            used.insert(key.clone());
        }
        Some(ResourceAddress::managed(key.0, key.1))
    };
    let mut propose = propose;
    findings.iter().map(&mut propose).collect()
}
