//! `adopt`: configuration and import blocks for what nobody manages.
//!
//! The comparison says what nobody manages, `drift` gives each object an address, and the [`workshop`] finds the provider
//! of each. Then every object is imported, read and configured ([`drive`]), all of them are joined to files, and each
//! block is proved to say what was certified ([`write`]). Nothing is written to a disk here.

mod answer;
mod bench;
mod claims;
mod declared;
mod drive;
#[cfg(test)]
mod existing_tests;
mod fates;
mod fetch;
mod files;
pub(crate) mod identity;
mod journal;
mod lessons;
mod module_calls;
mod modules;
mod named;
mod not_imported;
mod offer;
mod private;
mod probe;
#[cfg(test)]
mod tests;
mod verify;
mod workshop;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::drift::adopt::compose::{ComposeOptions, FilePlace, Referable};
use ::drift::adopt::{Adoption, AdoptionStatus, AdoptionStep, Choice, choice_for, plan};
use ::drift::lifecycle::normalize_legacy;
use ::drift::{DeclaredArguments, DeclaredBlock};
use cty::Value;
use hcl::names::OccupiedNames;
use model::draft::DraftImport;
use model::{
    Diagnostics, ImportId, InstanceAddress, RecordedInstance, Region, ResourceAddress, ResourceMode, ResourceType,
    Schema,
};

use crate::drift::{Reach, compare};
use crate::evaluation::RootModule;
use crate::states::States;
use crate::{Error, ErrorKind, Session, code};
pub use answer::{
    AdoptAnswer, AdoptObserver, AdoptRequest, AdoptStatistics, AdoptStyle, AdoptedObject, AdoptedVariable, Finished,
    Unobserved,
};
use bench::Bench;
pub use claims::claim;
use declared::Declared;
use fates::{Driven, Fate, Object, chosen_address, drive_all, why_import_only};
pub use files::{NewFile, TakenNames, free_names, refuse_configuration, write_files};
pub use journal::Journal;
pub use modules::place_module_files;
pub use offer::AdoptOffer;
pub use verify::verify;

/// What this is called in errors.
const OPERATION: &str = "adopt objects";

/// Finds the configuration of what no state of the set manages, and writes it with import blocks.
///
/// # Errors
///
/// As [`crate::drift()`]; where the mapping file sends two objects to one address, or to one that is taken; and where the
/// credentials belong to another account than the objects.
pub async fn adopt(
    session: &Session,
    request: &AdoptRequest,
    observer: &dyn AdoptObserver,
) -> Result<AdoptAnswer, Error> {
    let module = RootModule::opened(session, &request.comparison.states).await;
    let module = module.as_ref();
    let (mut comparison, states) = compare(session, &request.comparison, Reach::Root, module).await?;
    identity::stand_in(&mut comparison.verdict.findings);
    let filters = &request.comparison.options.filters;
    let (named, choices) = named::settle(&request.choices, &comparison.verdict.findings, &states.recorded, filters);
    comparison.verdict.findings.extend(named);
    let findings = &comparison.verdict.findings;
    let recorded: BTreeSet<&InstanceAddress> = states.recorded.iter().map(|instance| &instance.address).collect();
    let declared = match why_import_only(request) {
        Some(_) => None,
        None => module.map(|module| Declared::new(module)),
    };
    let written = declared.as_ref().map(Declared::root_addresses).unwrap_or_default();
    // A block that is there already is somebody's, unless a person says whose.
    let chosen: BTreeSet<&ResourceAddress> =
        choices.values().filter_map(chosen_address).map(|chosen| &chosen.resource).collect();
    let is_free = |address: &&InstanceAddress| !chosen.contains(&address.resource);
    let taken: BTreeSet<&InstanceAddress> = recorded.iter().copied().chain(written.iter().filter(is_free)).collect();
    let (mut adoptions, diagnostics) = plan(findings, &taken, &choices, &request.style.names);
    let (errors, mut diagnostics): (Diagnostics, Diagnostics) =
        diagnostics.into_iter().partition(|diagnostic| diagnostic.severity == model::Severity::Error);
    if !errors.is_empty() {
        let detail = "The mapping file contradicts itself or the states.";
        return Err(Error::new(ErrorKind::Usage, OPERATION, detail).with_diagnostics(errors));
    }
    let home = home_region(session, module, &states.recorded);
    let (held, problems) = claims::Held::read(request, module);
    diagnostics.extend(problems);
    let held = offer::narrow(&mut adoptions, request, &held, &|finding| {
        Some(id_in_region(finding.id.as_ref()?, finding.region.as_ref(), home.as_ref()))
    });
    let mut objects = Vec::new();
    // Both are in the order of the findings, so one pass pairs them.
    let mut adoptions = adoptions.into_iter().zip(held).peekable();
    for (position, finding) in findings.iter().enumerate() {
        let Some((Adoption { step, .. }, held)) =
            adoptions.next_if(|(adoption, _)| std::ptr::eq(adoption.finding, finding))
        else {
            continue;
        };
        let is_pinned = matches!(choice_for(&choices, finding), Some(Choice::Import(_)));
        objects.push(Object { position, finding, step, held, is_pinned });
    }

    let mut driven = match why_import_only(request) {
        Some(why) => Driven::import_only(&objects, home.as_ref(), why),
        None => {
            drive_all(session, request, &states, (module, declared.as_ref()), home.as_ref(), &objects, observer).await?
        }
    };
    driven.refuse_identities(session, request).await;
    if session.cancel.is_cancelled() {
        return Err(Error::cancelled(OPERATION));
    }
    session.phase("writing configuration");
    let written = write_all(module, request, &states, &objects, &driven);
    // The comparison looked for most of these providers too.
    diagnostics.extend(driven.diagnostics.into_iter().filter(|problem| !comparison.diagnostics.contains(problem)));
    diagnostics.extend(written.diagnostics);
    let answered = |object: &Object<'_>| {
        let held_at = object.held.as_ref().and_then(|held| held.to.clone());
        let to = match &object.step {
            AdoptionStep::Import { to, .. } => held_at.or_else(|| Some(to.clone())),
            AdoptionStep::Skip { to, .. } => to.clone(),
        };
        let mut answer = AdoptedObject {
            position: object.position,
            step: object.step.clone(),
            to,
            status: AdoptionStatus::Skipped(String::new()),
            n_probes: None,
            source: None,
            provider: None,
        };
        match (&object.step, driven.fates.get(&object.position)) {
            (AdoptionStep::Skip { reason, .. }, _) | (_, Some(Fate::Skipped(reason))) => {
                answer.status = AdoptionStatus::Skipped(reason.clone());
            }
            (AdoptionStep::Import { .. }, Some(Fate::ImportOnly { source, why })) => {
                answer.status = AdoptionStatus::ImportOnly(why.clone());
                answer.source = Some(source.clone());
            }
            (AdoptionStep::Import { to, .. }, Some(Fate::Worked { bench, source, outcome })) => {
                answer.status = outcome.status.clone();
                answer.n_probes = outcome.n_probes;
                if outcome.found.is_some() {
                    answer.source = Some(source.clone());
                    answer.provider.clone_from(&driven.benches[*bench].argument);
                }
                answer.to = Some(written.grouped.get(to).unwrap_or(to).clone());
                if let (Some(declared), AdoptionStep::Import { to, .. }) = (&outcome.declared, &mut answer.step) {
                    to.clone_from(declared);
                    answer.to = Some(declared.clone());
                    // The block says which one.
                    answer.provider = None;
                }
            }
            (AdoptionStep::Import { .. }, None) => {
                answer.status = AdoptionStatus::Skipped("It was not reached.".to_owned());
            }
        }
        let targets = [object.target(), answer.to.as_ref()];
        if let Some(reason) = targets.into_iter().flatten().find_map(|to| written.refused.get(to)) {
            answer.status = AdoptionStatus::Skipped(reason.clone());
            answer.source = None;
        }
        answer
    };
    let objects = objects.iter().map(answered).collect();
    Ok(AdoptAnswer {
        objects,
        files: written.files,
        module_files: written.module_files,
        variables: written.variables,
        comparison,
        diagnostics,
        statistics: driven.statistics,
    })
}

/// The text of everything.
#[derive(Default)]
struct AllTexts {
    files: BTreeMap<String, String>,
    module_files: BTreeMap<FilePlace, String>,
    variables: Vec<AdoptedVariable>,
    grouped: BTreeMap<InstanceAddress, InstanceAddress>,
    refused: BTreeMap<InstanceAddress, String>,
    diagnostics: Diagnostics,
}

/// Joins what was found to files.
fn write_all(
    module: Option<&Arc<RootModule>>,
    request: &AdoptRequest,
    states: &States,
    objects: &[Object<'_>],
    driven: &Driven,
) -> AllTexts {
    let names = module.map(|module| OccupiedNames::read(&**module.tree(), ".").0);
    let style = &request.style;
    let options = ComposeOptions {
        layout: style.layout,
        has_references: style.has_references,
        group_from: style.group_from,
        taken_variables: names.map(|names| names.variables).unwrap_or_default(),
    };
    let mut items = Vec::new();
    let mut drafts = Vec::new();
    // Objects whose blocks are there already.
    let mut imported = Vec::new();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for object in objects {
        let Some(to) = object.target() else { continue };
        match driven.fates.get(&object.position) {
            Some(Fate::ImportOnly { source, .. }) => {
                drafts.push(DraftImport { to: to.clone(), source: source.clone(), provider: None });
            }
            Some(Fate::Worked { bench, source, outcome }) => {
                let (Some(found), of_bench) = (&outcome.found, &driven.benches[*bench]) else { continue };
                if let Some(declared) = &outcome.declared {
                    drafts.push(DraftImport { to: declared.clone(), source: source.clone(), provider: None });
                    imported.push((declared.clone(), found.fetched.object.value.clone()));
                    continue;
                }
                let Some(schema) = of_bench.schema.resources.get(to.resource_type().as_str()) else { continue };
                used.insert(*bench);
                items.push(write::Item {
                    to,
                    is_pinned: object.is_pinned,
                    source,
                    provider: of_bench.argument.as_deref(),
                    schema,
                    observed: &found.fetched.object.value,
                    solution: &found.solution,
                });
            }
            Some(Fate::Skipped(_)) | None => {}
        }
    }
    let schemas: BTreeMap<&ResourceType, &Schema> =
        items.iter().map(|item| (item.to.resource_type(), item.schema)).collect();
    let referring = module.filter(|_| style.has_references);
    let mut known = referring.map(|module| known_instances(module, states, &schemas)).unwrap_or_default();
    known.extend(imported.into_iter().filter(|_| referring.is_some()));
    let referables: Vec<Referable<'_>> = known.iter().map(|(address, value)| Referable { address, value }).collect();
    let texts = write::write(&items, &referables, &options);
    drafts.extend(texts.imports);
    let (imports, mut refused) = write::imports(&drafts);
    refused.extend(texts.refused);
    let mut all = AllTexts {
        files: BTreeMap::from([("imports.tf".to_owned(), imports)]),
        module_files: BTreeMap::new(),
        variables: texts.variables,
        grouped: texts.grouped,
        refused,
        diagnostics: texts.diagnostics,
    };
    for (place, text) in texts.files {
        if place.module.is_root() {
            all.files.insert(place.name, text);
        } else {
            all.module_files.insert(place, text);
        }
    }
    let variables = module_calls::write(&driven.calls, &mut all.files, &mut all.diagnostics);
    all.variables.extend(variables);
    if module.is_none() && !used.is_empty() {
        let used: Vec<&Bench> = used.into_iter().map(|bench| &*driven.benches[bench]).collect();
        all.files.extend(write::root_files(&used));
    }
    all
}

/// Gives the recorded instances that configurations may refer to: those of the root module's own state, whose blocks are
/// there and whose types are at hand.
fn known_instances(
    module: &Arc<RootModule>,
    states: &States,
    schemas: &BTreeMap<&ResourceType, &Schema>,
) -> Vec<(InstanceAddress, Value)> {
    let (declared, _) = code::declared(module, &states.recorded);
    if states.refs.len() != 1 {
        return Vec::new();
    }
    let known = |(position, instance): (usize, &RecordedInstance)| {
        let resource = &instance.address.resource;
        let schema = schemas.get(&resource.resource_type)?;
        let is_there = matches!(declared.block(resource), DeclaredBlock::Present(_));
        if resource.mode != ResourceMode::Managed || instance.deposed.is_some() || instance.is_tainted || !is_there {
            return None;
        }
        let object = states.object(position).ok()?;
        if i64::try_from(object.schema_version) != Ok(schema.version) {
            return None;
        }
        let value = object.decode_attributes(Some(&schema.value_type())).ok()?;
        Some((instance.address.clone(), normalize_legacy(&value, &schema.block)))
    };
    states.recorded.iter().enumerate().filter_map(known).collect()
}

/// Gives the region that the provider looks in by itself: that of its block, else the only one in which the states record
/// what its default configuration made, else that of the environment; `None` where nobody can tell.
fn home_region(session: &Session, module: Option<&Arc<RootModule>>, recorded: &[RecordedInstance]) -> Option<Region> {
    let places = module.map(|module| code::provider_places(module)).unwrap_or_default();
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
