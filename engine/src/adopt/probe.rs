//! Answering the probes of a search: validate, and where that is valid plan.

use cty::Value;
use drift::adopt::search::{Probe, ProbeAnswer};
use drift::exact::Plan;
use drift::lifecycle::normalize_legacy;
use model::{CauseKind, Schema, diagnostic};
use tfplugin::{PlanRequest, ResourceObject};

use super::bench::Work;
use crate::refresh::asking::Failure;
use crate::refresh::cause;
use crate::refresh::pace::Rests;

/// How often a plan is asked for again where the cloud seems to ask to slow down.
const MAX_RESTS: usize = 3;

/// Asks the provider what it says of a configuration.
///
/// `object` is what was read: its private bytes and its identity go along, unless the probe is about a new object.
/// What is validated may hold secrets that are planned without marks.
pub(super) async fn answer(
    work: &mut Work,
    resource_type: &str,
    schema: &Schema,
    object: &ResourceObject,
    probe: &Probe,
) -> Result<ProbeAnswer, Failure> {
    let plain = |value: &Value| value.unmark_deep().0;
    work.secrets.add(&probe.config);
    let config = plain(&probe.config);
    let ((), mut problems) = work
        .hear("ValidateResourceConfig", |provider, call| {
            let config = config.clone();
            async move { provider.validate_resource_config(&call, resource_type, config).await }
        })
        .await?;
    if diagnostic::has_errors(&problems) {
        return Ok(ProbeAnswer { problems, plan: None });
    }
    let (private, identity) =
        if probe.prior.is_null() { (Vec::new(), None) } else { (object.private.clone(), object.identity.clone()) };
    let request = PlanRequest {
        resource_type: resource_type.to_owned(),
        prior: ResourceObject { value: plain(&probe.prior), private, identity },
        proposed: plain(&probe.proposed),
        config: plain(&probe.effective),
        provider_meta: None,
    };
    let mut rests = Rests::default();
    let mut n_rests = 0;
    let (change, more) = loop {
        let (change, more) = work
            .hear("PlanResourceChange", |provider, call| {
                let request = request.clone();
                async move { provider.plan_resource_change(&call, request).await }
            })
            .await?;
        // Few providers ask the cloud while they plan. Arguments have such names too, so what says it time and again is
        // about the configuration.
        match cause::of_diagnostics("PlanResourceChange", &more, &work.secrets).map(|cause| cause.kind) {
            Some(CauseKind::Throttled) if n_rests < MAX_RESTS && rests.take(&mut work.slot, &work.call).await => {
                n_rests += 1;
            }
            _ => break (change, more),
        }
    };
    let is_refused = diagnostic::has_errors(&more);
    problems.extend(more);
    if is_refused {
        return Ok(ProbeAnswer { problems, plan: None });
    }
    let planned = if change.is_legacy_type_system {
        normalize_legacy(&change.planned.value, &schema.block)
    } else {
        change.planned.value
    };
    let plan = Plan {
        planned,
        requires_replace: change.requires_replace,
        is_legacy_type_system: change.is_legacy_type_system,
    };
    Ok(ProbeAnswer { problems, plan: Some(plan) })
}
