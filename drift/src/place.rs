//! Accounts and regions: whether the credentials and regions in use are those the states were written with.

use std::collections::{BTreeMap, BTreeSet};

use model::{AccountId, CloudName, Diagnostic, Diagnostics, RecordedInstance, Region, ResourceType, ScopeOutcome};

use crate::{Caller, Evidence, TypeMapping};

/// Compares the accounts of the callers with the recorded ones, before anything is scanned or judged.
///
/// An error where no recorded account of a cloud is a caller's; a warning for each state of which that is true while
/// it is not of others. Instances of other accounts are undetermined either way.
pub fn check_accounts(evidence: &Evidence<'_>) -> Diagnostics {
    let mut recorded: BTreeMap<(&CloudName, usize), BTreeMap<&AccountId, &RecordedInstance>> = BTreeMap::new();
    for instance in evidence.recorded {
        let Some(account) = &instance.account else { continue };
        let Some(cloud) = cloud_of(evidence.types, instance.address.resource_type()) else { continue };
        recorded.entry((cloud, instance.state)).or_default().entry(account).or_insert(instance);
    }
    let mut callers: BTreeMap<&CloudName, BTreeMap<&AccountId, &Caller>> = BTreeMap::new();
    for caller in evidence.callers {
        callers.entry(&caller.cloud).or_default().insert(&caller.account, caller);
    }
    let mut diagnostics = Diagnostics::new();
    for (cloud, accounts) in &callers {
        let of_cloud = || recorded.iter().filter(|((own, _), _)| own == cloud);
        let is_foreign =
            |own: &BTreeMap<&AccountId, &RecordedInstance>| !own.keys().any(|account| accounts.contains_key(account));
        let is_error = of_cloud().next().is_some() && of_cloud().all(|(_, own)| is_foreign(own));
        for ((_, state), own) in of_cloud().filter(|(_, own)| is_foreign(own)) {
            let state = evidence.states.get(*state).map_or("-", |state| &state.url);
            let Some((_, example)) = own.first_key_value() else { continue };
            let detail = format!(
                "The state {state} records {} in {}, for example {}. The credentials in use belong to {}. Nothing \
                 that it records can be looked up with them.",
                cloud,
                name_accounts(own.keys().copied()),
                example.address,
                accounts
                    .iter()
                    .map(|(account, caller)| match &caller.profile {
                        Some(profile) => format!("account {account} (profile {profile:?})"),
                        None => format!("account {account}"),
                    })
                    .collect::<Vec<_>>()
                    .join(" and "),
            );
            let diagnostic = if is_error {
                Diagnostic::error("wrong-account", "The credentials belong to another account than the state", detail)
            } else {
                Diagnostic::warning("wrong-account", "The credentials see no account of this state", detail)
            };
            diagnostics.push(diagnostic.with_help("Choose the profile or role of the recorded account and run again."));
        }
    }
    diagnostics
}

/// Compares the regions that were looked at with the recorded ones: an error where they have none in common.
pub(crate) fn check_regions(evidence: &Evidence<'_>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let clouds: BTreeSet<&CloudName> = evidence.scopes.iter().map(|outcome| &outcome.scope.cloud).collect();
    for cloud in clouds {
        let of_cloud = |outcome: &&ScopeOutcome| outcome.scope.cloud == *cloud;
        let seen: BTreeSet<&Region> =
            evidence.scopes.iter().filter(of_cloud).filter_map(|outcome| outcome.scope.region.as_ref()).collect();
        let is_regional = |instance: &&RecordedInstance| {
            evidence.types.get(instance.address.resource_type()).is_some_and(|mapping| {
                let is_own = |outcome: &&ScopeOutcome| mapping.native_types.contains(&outcome.scope.native_type);
                mapping.cloud == *cloud
                    && evidence.scopes.iter().any(|outcome| is_own(&outcome) && outcome.scope.region.is_some())
            })
        };
        if seen.is_empty() {
            continue;
        }
        let mut examples = evidence.recorded.iter().filter(|instance| instance.region.is_some());
        if examples.clone().any(|instance| instance.region.as_ref().is_some_and(|region| seen.contains(region))) {
            continue;
        }
        let Some(example) = examples.find(is_regional) else { continue };
        let detail = format!(
            "The states record {cloud} resources in {}, for example {}; {} was looked at.",
            example.region.as_ref().map_or("-", Region::as_str),
            example.address,
            seen.iter().map(|region| region.as_str()).collect::<Vec<_>>().join(", "),
        );
        diagnostics.push(
            Diagnostic::error("wrong-region", "The states record nothing in the regions that were looked at", detail)
                .with_help("Name the recorded region and run again."),
        );
    }
    diagnostics
}

fn cloud_of<'a>(types: &'a BTreeMap<ResourceType, TypeMapping>, resource_type: &ResourceType) -> Option<&'a CloudName> {
    types.get(resource_type).map(|mapping| &mapping.cloud)
}

fn name_accounts<'a>(accounts: impl ExactSizeIterator<Item = &'a AccountId>) -> String {
    let word = if accounts.len() == 1 { "account" } else { "accounts" };
    format!("{word} {}", accounts.map(AccountId::as_str).collect::<Vec<_>>().join(", "))
}
