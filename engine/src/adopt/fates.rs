//! What comes of each object that is to be imported: which provider is asked, all of them at once, and what they said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ::drift::adopt::{AdoptionKey, AdoptionStep, Choice};
use hcl::gates::Feature;
use model::draft::DraftImportSource;
use model::{
    Diagnostic, Diagnostics, Finding, InstanceAddress, Region, ResourceAddress, ResourceMode, ResourceType, Schema,
};

use super::answer::{AdoptObserver, AdoptRequest, AdoptStatistics};
use super::bench::Bench;
use super::claims::{Hold, key_of};
use super::declared::Declared;
use super::drive::{Drive, Outcome, Task};
use super::lessons::Shelf;
use super::module_calls::{self, Member, NewCall};
use super::not_imported::{Match, Nameable, Unrecorded};
use super::workshop::{Assignment, Workshop};
use super::{id_in_region, identity};
use crate::evaluation::RootModule;
use crate::refresh::in_turn;
use crate::request::{Freshness, Sight};
use crate::states::States;
use crate::{Error, Session, Step, code};

/// An unmanaged object, and what was decided about it.
pub(super) struct Object<'a> {
    /// Its position among the findings.
    pub(super) position: usize,
    pub(super) finding: &'a Finding,
    pub(super) step: AdoptionStep,
    /// Why this run does not adopt it; `None` where it does.
    pub(super) held: Option<Hold>,
    /// Whether a person chose its address.
    pub(super) is_pinned: bool,
}

impl Object<'_> {
    pub(super) fn target(&self) -> Option<&InstanceAddress> {
        match &self.step {
            AdoptionStep::Import { to, .. } => Some(to),
            AdoptionStep::Skip { .. } => None,
        }
    }
}

/// What came of an object that is to be imported.
pub(super) enum Fate {
    /// An import block alone.
    ImportOnly { source: DraftImportSource, why: String },
    /// Nothing.
    Skipped(String),
    /// Its provider was asked.
    Worked { bench: usize, source: DraftImportSource, outcome: Box<Outcome> },
}

/// What came of all objects that are to be imported, by position.
#[derive(Default)]
pub(super) struct Driven {
    pub(super) fates: BTreeMap<usize, Fate>,
    pub(super) benches: Vec<Arc<Bench>>,
    /// Calls of modules that are to be written.
    pub(super) calls: Vec<NewCall>,
    pub(super) statistics: AdoptStatistics,
    pub(super) diagnostics: Diagnostics,
}

impl Driven {
    pub(super) fn import_only(objects: &[Object<'_>], home: Option<&Region>, why: &str) -> Self {
        let mut driven = Self::default();
        for object in objects {
            let AdoptionStep::Import { id, .. } = &object.step else { continue };
            if let Some(Hold { reason, .. }) = &object.held {
                driven.fates.insert(object.position, Fate::Skipped(reason.clone()));
                continue;
            }
            let by_id = || id_in_region(id, object.finding.region.as_ref(), home);
            let source = identity::source(object.finding, id, None, by_id);
            driven.fates.insert(object.position, Fate::ImportOnly { source, why: why.to_owned() });
        }
        driven
    }

    /// Leaves out what only its identity names, where no program at hand understands import blocks that say it.
    pub(super) async fn refuse_identities(&mut self, session: &Session, request: &AdoptRequest) {
        let mut by_identity = self.fates.values_mut().filter(|fate| match fate {
            Fate::ImportOnly { source, .. } | Fate::Worked { source, .. } => {
                matches!(source, DraftImportSource::Identity(_))
            }
            Fate::Skipped(_) => false,
        });
        let Some(first) = by_identity.next() else { return };
        let root = code::root(&request.comparison.states, session);
        let Some(reason) = identity::refusal(session, root.as_deref(), Feature::ImportIdentity).await else { return };
        for fate in std::iter::once(first).chain(by_identity) {
            *fate = Fate::Skipped(format!("No import id of it is known, and its identity cannot be written. {reason}"));
        }
    }
}

/// Says why no provider is to be asked; `None` where they are.
pub(super) fn why_import_only(request: &AdoptRequest) -> Option<&'static str> {
    if request.is_import_only {
        return Some("Import blocks alone were asked for.");
    }
    if request.comparison.sight == Sight::Inventory {
        return Some("No provider was to be asked.");
    }
    (request.comparison.freshness == Freshness::StoreOnly).then_some("The store alone was to be asked.")
}

/// Asks the providers of all objects for their configurations.
pub(super) async fn drive_all(
    session: &Session,
    request: &AdoptRequest,
    states: &Arc<States>,
    (module, declared): (Option<&Arc<RootModule>>, Option<&Declared>),
    home: Option<&Region>,
    objects: &[Object<'_>],
    observer: &dyn AdoptObserver,
) -> Result<Driven, Error> {
    let mut driven = Driven::default();
    let mut wanted = Vec::new();
    let mut n_left = request.limit.unwrap_or(usize::MAX);
    for object in objects {
        let AdoptionStep::Import { id, .. } = &object.step else { continue };
        if let Some(Hold { reason, .. }) = &object.held {
            driven.fates.insert(object.position, Fate::Skipped(reason.clone()));
            continue;
        }
        let Some(key) = key_of(object.finding) else { continue };
        let done = request.done.get(&key);
        if done.is_none() && n_left == 0 {
            let reason = "It is left for another run, as this one was limited.".to_owned();
            driven.fates.insert(object.position, Fate::Skipped(reason));
            driven.statistics.n_left += 1;
            continue;
        }
        n_left = if done.is_none() { n_left - 1 } else { n_left };
        wanted.push((object, id, key, done.and_then(|done| done.solution.clone())));
    }
    let findings: Vec<&Finding> = wanted.iter().map(|(object, ..)| object.finding).collect();
    let workshop = Workshop::open(session, &request.comparison, states, (module, home), &findings).await?;
    driven.benches.clone_from(&workshop.benches);
    if let Some(declared) = declared {
        let asked = comparable(declared, &workshop, objects);
        driven.diagnostics.extend(declared.plan(session, states, asked).await);
    }
    let (mut own_blocks, notes) =
        declared.map(|declared| declared_objects(declared, states, &workshop, objects)).unwrap_or_default();
    driven.diagnostics.extend(notes);
    let mut tasks: BTreeMap<usize, Vec<Task>> = BTreeMap::new();
    let mut calls: BTreeMap<&String, Vec<(usize, Member)>> = BTreeMap::new();
    for (object, id, key, done) in wanted {
        let region = object.finding.region.as_ref();
        let fate = match workshop.assign(object.finding) {
            Assignment::Bench { bench, is_region_in_id } => {
                let own_block = match own_blocks.remove(&object.position).transpose() {
                    Ok(own_block) => own_block,
                    Err(reason) => {
                        driven.fates.insert(object.position, Fate::Skipped(reason));
                        continue;
                    }
                };
                let by_id = || if is_region_in_id { id_in_region(id, region, None) } else { id.clone() };
                let identities = &workshop.benches[bench].schema.identities;
                let source = identity::source(object.finding, id, identities.get(key.resource_type.as_str()), by_id);
                let task = Task { position: object.position, key, source, done, declared: own_block };
                let target = object.target().filter(|_| object.is_pinned && task.declared.is_none());
                let call = target.and_then(|to| Some((to, module_calls::call_of(to)?)));
                match call.and_then(|(to, call)| Some((to, request.module_sources.get_key_value(&call)?.0))) {
                    Some((to, call)) if declared.is_none_or(|declared| !declared.calls(call)) => {
                        let member = Member { task, to: to.clone(), bench: Arc::clone(&workshop.benches[bench]) };
                        calls.entry(call).or_default().push((bench, member));
                    }
                    _ => tasks.entry(bench).or_default().push(task),
                }
                continue;
            }
            Assignment::NoProvider(why) => {
                let source = identity::source(object.finding, id, None, || id_in_region(id, region, home));
                Fate::ImportOnly { source, why }
            }
            Assignment::WrongPlace(reason) => Fate::Skipped(reason),
        };
        driven.fates.insert(object.position, fate);
    }
    session.phase("looking for configurations");
    let n_in_calls: usize = calls.values().map(Vec::len).sum();
    let n_total = tasks.values().map(|tasks| tasks.len() as u64).sum::<u64>() + n_in_calls as u64;
    let ledger = Mutex::new(Ledger { driven, n_done: 0, probes: Vec::new() });
    let tell = |bench: usize, task: &Task, outcome: Outcome| {
        if !session.cancel.is_cancelled() {
            let version = workshop.benches[bench].version.as_deref();
            observer.finished(&outcome.finished(&task.key, version));
        }
        let n_done = ledger.lock().unwrap_or_else(PoisonError::into_inner).note(bench, task, outcome);
        session.progress.step(Step::Adoptions { n_done, n_total });
    };
    let mut written_calls = Vec::new();
    for (name, members) in calls {
        let (benches, members): (Vec<usize>, Vec<Member>) = members.into_iter().unzip();
        let source = &request.module_sources[name];
        let (outcomes, call) = match declared {
            Some(declared) => module_calls::work(declared, name, source, &members, request.style.profile).await,
            None => {
                let reason = "A module is called from a root module: name it with --dir.".to_owned();
                (members.iter().map(|_| Outcome::skipped(reason.clone())).collect(), None)
            }
        };
        written_calls.extend(call);
        for ((bench, member), outcome) in benches.into_iter().zip(&members).zip(outcomes) {
            tell(bench, &member.task, outcome);
        }
    }
    let tell = &tell;
    let work = |(bench, mut tasks): (usize, Vec<Task>)| {
        // What one object of a type taught helps the next.
        tasks.sort_by(|a, b| a.key.resource_type.cmp(&b.key.resource_type).then(a.position.cmp(&b.position)));
        let of_bench = Arc::clone(&workshop.benches[bench]);
        let shelf = Shelf::of(session, &of_bench);
        let types: BTreeSet<&ResourceType> = tasks.iter().map(|task| &task.key.resource_type).collect();
        let known = types.into_iter().map(|resource_type| (resource_type.clone(), shelf.read(resource_type)));
        let lessons = Mutex::new(known.collect());
        let drive = Arc::new(Drive { bench: of_bench, profile: request.style.profile, lessons });
        async move {
            drive.work(tasks, |task, outcome| tell(bench, task, outcome)).await;
            for (resource_type, lessons) in drive.learned() {
                shelf.write(&resource_type, &lessons);
            }
        }
    };
    in_turn(tasks.into_iter().map(work)).await;
    let mut driven = ledger.into_inner().unwrap_or_else(PoisonError::into_inner).close();
    driven.calls = written_calls;
    driven.statistics.calls = workshop.calls.totals();
    workshop.shutdown().await;
    // They came in the order of answers.
    driven.diagnostics.sort_by(|a, b| (a.code, &a.detail).cmp(&(b.code, &b.detail)));
    driven.diagnostics.splice(0..0, workshop.diagnostics);
    Ok(driven)
}

/// What comes of objects, while they are worked on.
struct Ledger {
    driven: Driven,
    n_done: u64,
    /// How many probes each search took.
    probes: Vec<u32>,
}

impl Ledger {
    /// Takes note of an object; gives how many are done.
    fn note(&mut self, bench: usize, task: &Task, outcome: Outcome) -> u64 {
        let Driven { fates, statistics, diagnostics, .. } = &mut self.driven;
        if let Some(note) = &outcome.note {
            let note = format!("{} {:?}: {note}", task.key.resource_type, task.key.id.as_str());
            diagnostics.push(not_matched(note));
        }
        if let Some(found) = &outcome.found {
            diagnostics.extend(came_beside(&task.key, &found.fetched.beside));
        }
        if outcome.is_resumed {
            statistics.n_resumed += 1;
        } else if let Some(n_probes) = outcome.n_probes {
            statistics.n_searched += 1;
            self.probes.push(n_probes);
        }
        let fate = Fate::Worked { bench, source: task.source.clone(), outcome: Box::new(outcome) };
        fates.insert(task.position, fate);
        self.n_done += 1;
        self.n_done
    }

    fn close(mut self) -> Driven {
        self.probes.sort_unstable();
        self.driven.statistics.probes_median = self.probes.get(self.probes.len() / 2).copied().unwrap_or_default();
        self.driven.statistics.probes_max = self.probes.last().copied().unwrap_or_default();
        self.driven
    }
}

/// Finds the blocks that the code has for objects already, by the positions of the objects; the reason why a block that
/// a person chose cannot be used is a sentence.
fn declared_objects(
    declared: &Declared,
    states: &States,
    workshop: &Workshop,
    objects: &[Object<'_>],
) -> (BTreeMap<usize, Result<Match, String>>, Diagnostics) {
    let mut found = BTreeMap::new();
    let mut diagnostics = Diagnostics::new();
    let mut nameable: BTreeMap<(usize, &ResourceType), Vec<Nameable<'_>>> = BTreeMap::new();
    for object in objects {
        let Some(to) = object.target() else { continue };
        let Assignment::Bench { bench, is_region_in_id } = workshop.assign(object.finding) else { continue };
        let resource_type = to.resource_type();
        let of_bench = &workshop.benches[bench];
        let Some(schema) = of_bench.schema.resources.get(resource_type.as_str()) else { continue };
        if !object.is_pinned {
            let provider = of_bench.argument.as_deref();
            let one = Nameable { position: object.position, finding: object.finding, provider, is_region_in_id };
            nameable.entry((bench, resource_type)).or_default().push(one);
        } else if declared.block(&to.resource).is_some() {
            let evaluated = declared.instance(to, schema);
            let chosen = evaluated.map(|evaluated| Match { evaluated, is_chosen: true, names: BTreeSet::new() });
            found.insert(object.position, chosen);
        }
    }
    let types: BTreeSet<&ResourceType> = nameable.keys().map(|(_, resource_type)| *resource_type).collect();
    // What a person sends to an address is nobody else's.
    let pinned = objects.iter().filter(|object| object.is_pinned).filter_map(Object::target);
    let taken = states.recorded.iter().map(|instance| &instance.address).chain(pinned).collect();
    let unrecorded = Unrecorded::find(declared, &taken, &types);
    for ((bench, resource_type), objects) in nameable {
        let Some(schema) = workshop.benches[bench].schema.resources.get(resource_type.as_str()) else { continue };
        let matches = unrecorded.matches(declared, resource_type, schema, &objects);
        diagnostics.extend(matches.notes.into_iter().map(not_matched));
        found.extend(matches.by_position.into_iter().map(|(position, found)| (position, Ok(found))));
    }
    (found, diagnostics)
}

/// Gives the blocks that objects are compared with: the ones that a person names, else all of their type.
fn comparable(declared: &Declared, workshop: &Workshop, objects: &[Object<'_>]) -> Vec<(ResourceAddress, Schema)> {
    let mut found = BTreeMap::new();
    let resources = || declared.root().into_iter().flat_map(|root| &root.resources);
    for object in objects {
        let Some(to) = object.target() else { continue };
        let Assignment::Bench { bench, .. } = workshop.assign(object.finding) else { continue };
        let resource_type = to.resource_type();
        let Some(schema) = workshop.benches[bench].schema.resources.get(resource_type.as_str()) else { continue };
        let is_compared = |address: &&ResourceAddress| {
            address.mode == ResourceMode::Managed && address.resource_type == *resource_type
        };
        let addresses: Vec<&ResourceAddress> = if object.is_pinned {
            vec![&to.resource]
        } else {
            resources().map(|resource| &resource.address).filter(is_compared).collect()
        };
        for address in addresses {
            found.entry(address.clone()).or_insert_with(|| schema.clone());
        }
    }
    found.into_iter().collect()
}

pub(super) fn chosen_address(choice: &Choice) -> Option<&InstanceAddress> {
    match choice {
        Choice::Import(address) => Some(address),
        Choice::Skip(_) => None,
    }
}

fn not_matched(detail: String) -> Diagnostic {
    Diagnostic::warning("block-not-matched", "A block of the code may be about an object", detail)
}

/// Says what came with an import and is not adopted with it.
fn came_beside(key: &AdoptionKey, beside: &[String]) -> Option<Diagnostic> {
    if beside.is_empty() {
        return None;
    }
    let detail = format!(
        "The import of {} {:?} gave more than that: {}. An import block takes one object; the others are adopted on their own.",
        key.resource_type,
        key.id.as_str(),
        beside.join(", ")
    );
    Some(Diagnostic::warning("import-gave-more", "An import gave several objects", detail))
}
