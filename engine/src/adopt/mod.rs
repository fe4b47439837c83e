//! `adopt`: configuration and import blocks for what nobody manages.

mod answer;
mod claims;
mod files;
mod journal;
mod offer;
mod private;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use ::drift::adopt::{Adoption, AdoptionStatus, AdoptionStep, NamePattern, plan};
use hcl::emit::{ImportSource, import_block};
use model::draft::DraftImportSource;
use model::{Diagnostics, ImportId, InstanceAddress, RecordedInstance, Region};

use crate::drift::{DriftRequest, compare};
use crate::{Error, ErrorKind, Session, code};
pub use answer::{
    AdoptAnswer, AdoptObserver, AdoptRequest, AdoptStatistics, AdoptStyle, AdoptedObject, AdoptedVariable, Finished,
    Unobserved,
};
pub use claims::claim;
pub use files::{Destination, TakenNames, refuse_taken, write_files};
pub use journal::Journal;
pub use offer::AdoptOffer;
pub use verify::verify;

/// Writes import blocks for what no state of the set manages.
///
/// # Errors
///
/// As [`crate::drift()`]; and where the mapping file sends two objects to one address, or to one that is taken.
pub async fn adopt(
    session: &Session,
    request: &AdoptRequest,
    _observer: &dyn AdoptObserver,
) -> Result<AdoptAnswer, Error> {
    let (comparison, states) = compare(session, &request.comparison).await?;
    let recorded: BTreeSet<&InstanceAddress> = states.recorded.iter().map(|instance| &instance.address).collect();
    let (mut adoptions, diagnostics) =
        plan(&comparison.verdict.findings, &recorded, &request.choices, &NamePattern::default());
    let (errors, mut diagnostics): (Diagnostics, Diagnostics) =
        diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == model::Severity::Error);
    if !errors.is_empty() {
        let detail = "The mapping file contradicts itself or the states.";
        return Err(Error::new(ErrorKind::Usage, "write import blocks", detail).with_diagnostics(errors));
    }
    let home = home_region(session, &request.comparison, &states.recorded);
    let (held, problems) = claims::Held::read(session, request);
    diagnostics.extend(problems);
    offer::narrow(&mut adoptions, request, &held, &|finding| {
        Some(id_in_region(finding.id.as_ref()?, finding.region.as_ref(), home.as_ref()))
    });
    let mut imports = String::new();
    let mut objects = Vec::new();
    // Both are in the order of the findings, so one pass pairs them.
    let mut adoptions = adoptions.into_iter().peekable();
    for (position, finding) in comparison.verdict.findings.iter().enumerate() {
        let Some(Adoption { step, .. }) = adoptions.next_if(|adoption| std::ptr::eq(adoption.finding, finding)) else {
            continue;
        };
        let (to, status, source) = match &step {
            AdoptionStep::Skip { reason, to } => (to.clone(), AdoptionStatus::Skipped(reason.clone()), None),
            AdoptionStep::Import { to, id } => {
                let id = id_in_region(id, finding.region.as_ref(), home.as_ref());
                if !imports.is_empty() {
                    imports.push('\n');
                }
                let block = import_block(to, ImportSource::Id(&id), None).map_err(|error| {
                    Error::new(ErrorKind::Usage, "write import blocks", format!("The block for {to} {error}."))
                })?;
                imports.push_str(&block);
                let why = "No provider was to be asked.".to_owned();
                (Some(to.clone()), AdoptionStatus::ImportOnly(why), Some(DraftImportSource::Id(id)))
            }
        };
        objects.push(AdoptedObject { position, step, to, status, n_probes: None, source, provider: None });
    }
    let files = BTreeMap::from([("imports.tf".to_owned(), imports)]);
    let statistics = AdoptStatistics::default();
    Ok(AdoptAnswer { objects, files, variables: Vec::new(), comparison, diagnostics, statistics })
}

/// Gives the region that the provider looks in by itself: that of its block, else the only one in which the states record
/// what its default configuration made, else that of the environment; `None` where nobody can tell.
fn home_region(session: &Session, request: &DriftRequest, recorded: &[RecordedInstance]) -> Option<Region> {
    let places = code::root(&request.states, session).map(|root| code::provider_places(&root)).unwrap_or_default();
    if places.default_region.is_some() {
        return places.default_region;
    }
    let by_default = recorded.iter().filter(|instance| instance.provider.alias.is_none());
    let mut regions: BTreeSet<&Region> = by_default.filter_map(|instance| instance.region.as_ref()).collect();
    if let (Some(region), true) = (regions.pop_first(), regions.is_empty()) {
        return Some(region.clone());
    }
    if places.is_default_region_unknown {
        return None;
    }
    let variable = |name: &str| session.environment.get(name).map(Region::from);
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"))
}

/// Writes the region behind an import id where the provider would not look there by itself.
///
/// Source: "Enhanced Region Support" of the AWS provider, version 6: any regional resource imports as `ID@REGION`.
fn id_in_region(id: &ImportId, region: Option<&Region>, home: Option<&Region>) -> ImportId {
    match region {
        Some(region) if home != Some(region) => ImportId::from(format!("{id}@{region}")),
        _ => id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_the_region_where_the_provider_would_not_look_there() {
        let check = |region: Option<&str>, home: Option<&str>| {
            let (region, home) = (region.map(Region::from), home.map(Region::from));
            id_in_region(&"jobs".into(), region.as_ref(), home.as_ref()).to_string()
        };
        assert_eq!(check(Some("eu-central-1"), Some("eu-central-1")), "jobs");
        assert_eq!(check(Some("us-east-1"), Some("eu-central-1")), "jobs@us-east-1");
        assert_eq!(check(Some("us-east-1"), None), "jobs@us-east-1");
        assert_eq!(check(None, Some("eu-central-1")), "jobs", "global");
    }
}
