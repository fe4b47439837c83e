//! Comparing the facets of one instance of a plan.

use std::collections::BTreeMap;

use cty::{Path, Value};
use drift::exact::{Examination, Facets, Outcome, Plan, security_path};
use drift::lifecycle::normalize_legacy;
use drift::{Declaration, DeclaredArguments};
use model::{AttributeDifference, Kind, Schema, Tier};
use tfstate::plan::PlanInstance;

use super::configured::Configured;
use super::plan_missing;

/// Compares by the schema of the provider.
///
/// # Errors
/// Where the plan cannot be decoded, or does not fit the schema.
pub(super) fn exact(
    instance: PlanInstance<'_>,
    schema: &Schema,
    configured: &Configured,
) -> Result<Outcome, tfstate::Error> {
    let facets = instance.facets(Some(&schema.value_type()))?;
    let (Some(recorded), Some(observed)) = (facets.recorded, facets.observed) else {
        return Ok(Outcome::Seen { differences: Vec::new(), observed: None });
    };
    let recorded = normalize_legacy(&recorded, &schema.block);
    let observed = normalize_legacy(&observed, &schema.block);
    let planned = facets.planned.map(|planned| planned.unmark_deep().0);
    let plan = match (plan_missing(instance.action()), &planned) {
        (None, Some(planned)) => Ok(Plan {
            planned: planned.clone(),
            requires_replace: instance.change()?.unwrap_or_default().replace_paths,
            is_legacy_type_system: false,
        }),
        (reason, _) => Err(reason.unwrap_or("It is to go.").to_owned()),
    };
    let json = instance.recorded_json()?.unwrap_or_default();
    let mut differences = Examination::settle(
        Facets {
            address: instance.address(),
            schema,
            recorded_json: &json,
            recorded: &recorded,
            observed: &observed,
            declared: Some(configured),
            config: None,
        },
        plan,
    );
    if instance.action().is_none() {
        // No plan shows that the code already says what is there.
        let address = &instance.address().resource;
        differences.retain(|difference| {
            difference.tier != Tier::Declared || !configured.says(address, &difference.path, difference.cloud.as_ref())
        });
    }
    for difference in &mut differences {
        if is_left_to_apply(difference, planned.as_ref(), instance, configured) {
            difference.tier = Tier::Declared;
            difference.cause = Some("The code sets it to what is known only after apply.".to_owned());
        }
    }
    let observed = (!differences.is_empty()).then(|| Box::new(observed.unmark_deep().0));
    Ok(Outcome::Seen { differences, observed })
}

/// Tells whether the code writes what differs, and the plan does not know yet what that is worth.
fn is_left_to_apply(
    difference: &AttributeDifference,
    planned: Option<&Value>,
    instance: PlanInstance<'_>,
    configured: &Configured,
) -> bool {
    if !matches!(difference.tier, Tier::Undeclared | Tier::Unclassified) {
        return false;
    }
    let Some(planned) = planned else { return false };
    let mut value = planned.clone();
    for step in difference.path.steps() {
        if !value.is_known() {
            break;
        }
        let mut one = Path::new();
        one.push(step.clone());
        match one.apply(&value) {
            Ok(inner) => value = inner,
            Err(_) => return false,
        }
    }
    let is_written = || configured.argument(&instance.address().resource, &difference.path);
    !value.is_known() && matches!(is_written(), Declaration::Written(_))
}

/// Compares without a schema: each attribute and block as a whole. What the code writes and the plan changes back is
/// declared; the rest is unclassified.
///
/// # Errors
/// Where the plan cannot be decoded.
pub(super) fn untyped(instance: PlanInstance<'_>, configured: &Configured) -> Result<Outcome, tfstate::Error> {
    let facets = instance.facets(None)?;
    let (Some(recorded), Some(observed)) = (facets.recorded, facets.observed) else {
        return Ok(Outcome::Seen { differences: Vec::new(), observed: None });
    };
    let has_plan = plan_missing(instance.action()).is_none() && facets.planned.is_some();
    let entries = |value: &Value| -> BTreeMap<String, Value> {
        value.unmark().0.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    };
    let is_all_hidden = recorded.is_marked() || observed.is_marked();
    let (recorded, observed) = (entries(&recorded), entries(&observed));
    let planned = facets.planned.as_ref().map(entries).unwrap_or_default();
    let mut names: Vec<&String> = recorded.keys().chain(observed.keys()).collect();
    names.sort();
    names.dedup();
    let mut differences = Vec::new();
    for name in names {
        let (state, cloud) = (recorded.get(name), observed.get(name));
        if means_the_same(state, cloud) {
            continue;
        }
        let path = Path::new().attr(name.as_str());
        let is_written = matches!(configured.argument(&instance.address().resource, &path), Declaration::Written(_));
        let planned = planned.get(name);
        let is_unknown = planned.is_some_and(|planned| !planned.unmark_deep().0.is_wholly_known());
        let is_left_alone = has_plan && !is_unknown && means_the_same(planned, cloud);
        if is_written && is_left_alone {
            // The provider calls what the code writes and what is there the same.
            continue;
        }
        let tier = if is_written { Tier::Declared } else { Tier::Unclassified };
        let is_sensitive = is_all_hidden || [state, cloud, planned].into_iter().flatten().any(Value::contains_marked);
        let show = |value: Option<&Value>| {
            let value = value.map(|value| value.unmark_deep().0)?;
            Some(if is_sensitive { value.mark_sensitive() } else { value })
        };
        let security = security_path(instance.address().resource_type(), &path).filter(|_| tier == Tier::Unclassified);
        differences.push(AttributeDifference {
            is_security_relevant: security.is_some(),
            cause: security.map(|security| security.why.to_owned()),
            state: show(state),
            cloud: show(cloud),
            planned: show(planned.filter(|_| tier == Tier::Declared && !is_unknown)),
            is_sensitive,
            ..AttributeDifference::new(Kind::Changed, path, tier)
        });
    }
    Ok(Outcome::Seen { differences, observed: None })
}

/// Tells whether two values are the same, or both nothing: the older SDK takes null and empty for the same.
fn means_the_same(left: Option<&Value>, right: Option<&Value>) -> bool {
    let plain = |value: Option<&Value>| value.map(|value| value.unmark_deep().0);
    let (left, right) = (plain(left), plain(right));
    let is_nothing = |value: &Option<Value>| match value {
        None => true,
        Some(value) if !value.is_known() => false,
        Some(value) => {
            value.is_null()
                || value.as_str() == Some("")
                || (value.ty().as_object().is_some() || matches!(value.ty(), cty::Type::Tuple(_))) && value.is_empty()
        }
    };
    left == right || is_nothing(&left) && is_nothing(&right)
}
