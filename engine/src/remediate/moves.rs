//! What has another address by now: an object that the code has no more, and code that no state has yet.
//!
//! A `moved` block is proved where the provider, asked to make of the recorded object what the other block says, has
//! nothing to do; and nobody else has as good a claim.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use drift::lifecycle::Action;
use hcl::root::Root;
use model::{Finding, InstanceAddress, Kind, Remedy, ResourceMode};

use super::blocks;
use crate::evaluation::RootModule;
use crate::evaluation::stage::Stage;

/// So many pairs of addresses are tried.
const MAX_PAIRS: usize = 64;

/// What has moved.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    pub(super) from: InstanceAddress,
    pub(super) to: InstanceAddress,
}

/// Lists the pairs of what the code lost and what it got that may be one thing: of one type and one provider.
pub(super) fn pairs(
    module: &RootModule,
    findings: &[&Finding],
    recorded: &BTreeSet<InstanceAddress>,
) -> Vec<(InstanceAddress, InstanceAddress)> {
    let orphans = findings
        .iter()
        .filter(|finding| matches!(finding.kind, Kind::Orphan | Kind::PendingDestroy) && finding.deposed.is_none());
    let orphans: Vec<(&InstanceAddress, &Finding)> =
        orphans.filter_map(|finding| Some((finding.address.as_ref()?, *finding))).collect();
    if orphans.is_empty() {
        return Vec::new();
    }
    let configuration = module.configuration();
    let expansion = module.evaluate(Root::expand);
    let is_free =
        |address: &&InstanceAddress| address.resource.mode == ResourceMode::Managed && !recorded.contains(address);
    let mut pairs = Vec::new();
    for to in expansion.instances.iter().filter(is_free) {
        let Ok(provider) = configuration.provider_of(&to.resource) else { continue };
        let fits =
            |finding: &Finding| finding.provider.as_ref().is_none_or(|other| provider.provider.is_same_provider(other));
        let fitting =
            orphans.iter().filter(|(from, finding)| from.resource_type() == to.resource_type() && fits(finding));
        pairs.extend(fitting.map(|(from, _)| ((*from).clone(), to.clone())));
    }
    pairs.truncate(MAX_PAIRS);
    pairs
}

/// Finds which of the pairs are one thing.
pub(super) async fn prove(
    module: &Arc<RootModule>,
    stage: &Stage,
    pairs: Vec<(InstanceAddress, InstanceAddress)>,
) -> Vec<Moved> {
    let mut proved = Vec::new();
    for (from, to) in pairs {
        let Some(block) = blocks::moved(&from, &to) else { continue };
        let written = blocks::write(module, &BTreeMap::new(), std::slice::from_ref(&block));
        let Some(Ok(text)) = written.get(block.file) else { continue };
        let patched = Arc::new(module.with_files([(block.file, text.clone())]));
        let (_, problems) = patched.configuration().moves();
        if !problems.is_empty() {
            continue;
        }
        let change = stage.over(&patched).change(&to).await;
        if change.is_ok_and(|change| change.action == Action::NoOp && !change.prior.is_null()) {
            proved.push(Moved { from, to });
        }
    }
    let n = |is: &dyn Fn(&Moved) -> bool| proved.iter().filter(|moved| is(moved)).count();
    let is_only = |moved: &&Moved| n(&|other| other.from == moved.from) == 1 && n(&|other| other.to == moved.to) == 1;
    proved.iter().filter(is_only).cloned().collect()
}

/// Makes the remedy of what has moved.
pub(super) fn remedy(moved: &Moved) -> Remedy {
    Remedy::Move { from: moved.from.clone(), to: moved.to.clone() }
}
