//! Driving searches: many objects at one bench, each from its import to its configuration.
//!
//! The first object of each type goes ahead, so that the others begin with what it taught. A crash of the provider ends
//! the work on everything under way, so that is begun again, one object at a time: then it is known whose crash it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cty::{Path, PathStep, Value};
use drift::adopt::search::{Flaw, Lessons, Probe, Profile, Search, SearchStep, SearchSubject, SecretSource, Solution};
use drift::adopt::{AdoptionKey, AdoptionStatus};
use drift::lifecycle::{self, Action};
use model::draft::DraftImportSource;
use model::{Cause, InstanceAddress, ResourceType, Schema, diagnostic};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::answer::Finished;
use super::bench::{Bench, Work};
use super::fetch::{self, Fetched, Refusal};
use super::not_imported::{self, Match};
use super::probe;
use crate::refresh::asking::Failure;

/// After so many crashes over single objects a provider is not asked any more.
const MAX_CRASHES: usize = 10;
/// Where so many were ended by a crash, the rest waits until those are worked on one by one.
const MAX_INTERRUPTED: usize = 50;
/// A search that took longer is checked: the object may have changed meanwhile.
const LONG_SEARCH: Duration = Duration::from_secs(20);

/// An object to be worked on.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// Its position among the findings.
    pub(super) position: usize,
    /// What names it.
    pub(super) key: AdoptionKey,
    /// How its import names it.
    pub(super) source: DraftImportSource,
    /// What an earlier run found.
    pub(super) done: Option<Solution>,
    /// The block that the code has for it already.
    pub(super) declared: Option<Match>,
}

/// What came of an object.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How far it came.
    pub(super) status: AdoptionStatus,
    /// The object, and its configuration where there is one to be written.
    pub(super) found: Option<Found>,
    /// How many probes were made; `None` where the provider was not asked for one.
    pub(super) n_probes: Option<u32>,
    /// Whether the configuration of an earlier run was confirmed.
    pub(super) is_resumed: bool,
    /// The address of the block that the code has for it: nothing but an import block is to be written.
    pub(super) declared: Option<InstanceAddress>,
    /// Why a block that looked like its own is not.
    pub(super) note: Option<String>,
}

/// An object with its configuration.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) fetched: Fetched,
    pub(super) solution: Solution,
}

/// What all searches at one bench share.
pub(super) struct Drive {
    /// The provider.
    pub(super) bench: Arc<Bench>,
    /// How much configurations say.
    pub(super) profile: Profile,
    /// What is known of each type.
    pub(super) lessons: Mutex<BTreeMap<ResourceType, Lessons>>,
}

impl Drive {
    /// Works on objects, and tells what came of each as soon as it is known.
    pub(super) async fn work(self: &Arc<Self>, tasks: Vec<Task>, mut tell: impl FnMut(&Task, Outcome)) {
        let mut seen = BTreeSet::new();
        let (first, rest): (Vec<Task>, Vec<Task>) =
            tasks.into_iter().partition(|task| seen.insert(task.key.resource_type.clone()));
        let mut crashed = self.work_at_once(first, &mut tell).await;
        crashed.extend(self.work_at_once(rest, &mut tell).await);
        let mut n_crashes = 0;
        for (task, cause) in crashed {
            if n_crashes >= MAX_CRASHES {
                tell(&task, Outcome::skipped(cause.detail));
                continue;
            }
            let attempt = self.work_on(&task, self.bench.pace.slot().await).await;
            n_crashes += usize::from(matches!(attempt, Err(Failure::Crashed(_))));
            tell(&task, Outcome::of(attempt));
        }
    }

    /// Works on objects as many at once as the pace allows; gives those over which the provider crashed.
    async fn work_at_once(
        self: &Arc<Self>,
        tasks: Vec<Task>,
        tell: &mut impl FnMut(&Task, Outcome),
    ) -> Vec<(Task, Cause)> {
        let mut running = JoinSet::new();
        let mut crashed = Vec::new();
        let mut take = |done: Result<(Task, Result<Outcome, Failure>), JoinError>, crashed: &mut Vec<_>| {
            // Nothing aborts these tasks, so what did not end well panicked.
            let (task, attempt) = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            match attempt {
                Err(Failure::Crashed(cause)) => crashed.push((task, cause)),
                attempt => tell(&task, Outcome::of(attempt)),
            }
        };
        let mut rest = tasks.into_iter();
        while crashed.len() < MAX_INTERRUPTED {
            let slot = tokio::select! {
                slot = self.bench.pace.slot() => slot,
                () = self.bench.cancel.cancelled() => break,
            };
            let Some(task) = rest.next() else { break };
            let this = Arc::clone(self);
            running.spawn(async move {
                let attempt = this.work_on(&task, slot).await;
                (task, attempt)
            });
            while let Some(done) = running.try_join_next() {
                take(done, &mut crashed);
            }
        }
        while let Some(done) = running.join_next().await {
            take(done, &mut crashed);
        }
        // What is left was never begun. Where everything was stopped, nothing is told of it.
        if let Some((_, cause)) = crashed.last().filter(|_| !self.bench.cancel.is_cancelled()) {
            let cause = cause.clone();
            crashed.extend(rest.map(|task| (task, cause.clone())));
        }
        crashed
    }

    /// Takes an object from its import to its configuration.
    async fn work_on(&self, task: &Task, slot: crate::refresh::pace::Slot) -> Result<Outcome, Failure> {
        let resource_type = task.key.resource_type.as_str();
        let Some(schema) = self.bench.schema.resources.get(resource_type) else {
            return Ok(Outcome::skipped(format!("{} has no resource type {resource_type}.", self.bench.address)));
        };
        let mut work = Work::begin(&self.bench, slot);
        let fetched = match fetch::fetch(&mut work, resource_type, schema, &task.source).await {
            Ok(fetched) => fetched,
            Err(Refusal::Skip(reason)) => return Ok(Outcome::skipped(reason)),
            Err(Refusal::Failed(failure)) => return Err(failure),
        };
        let mut note = None;
        if let Some(declared) = &task.declared {
            let address = &declared.evaluated.address;
            match not_imported::confirm(&mut work, resource_type, schema, &fetched, declared).await? {
                Ok(solution) => {
                    let outcome = Outcome::found(fetched, solution, false, &work);
                    return Ok(Outcome { declared: Some(address.clone()), ..outcome });
                }
                Err(reason) if declared.is_chosen => return Ok(Outcome::skipped(reason)),
                Err(reason) => {
                    note = Some(format!("{address} has its name and is not taken for its block. {reason}"));
                }
            }
        }
        let outcome = self.configure(&mut work, task, schema, fetched).await?;
        Ok(Outcome { note, ..outcome })
    }

    /// Takes an object from what was read of it to its configuration.
    async fn configure(
        &self,
        work: &mut Work,
        task: &Task,
        schema: &Schema,
        mut fetched: Fetched,
    ) -> Result<Outcome, Failure> {
        let resource_type = task.key.resource_type.as_str();
        if let Some(solution) = self.confirm(work, task, schema, &fetched).await? {
            return Ok(Outcome::found(fetched, solution, true, work));
        }
        fetched.generated = fetch::generate(work, resource_type, &fetched.object).await?;
        let began = Instant::now();
        let solution = self.search(work, task, schema, &fetched).await?;
        if solution.flaws.is_empty() && began.elapsed() < LONG_SEARCH {
            return Ok(Outcome::found(fetched, solution, false, work));
        }
        let again = fetch::read(work, resource_type, schema, &fetched.object).await?;
        let Some(object) = again else {
            return Ok(Outcome::skipped("It was deleted while its configuration was looked for.".to_owned()));
        };
        if object.value == fetched.object.value {
            return Ok(Outcome::found(fetched, solution, false, work));
        }
        let changed = first_difference(&fetched.object.value, &object.value);
        let fetched = Fetched { object, ..fetched };
        let mut solution = self.search(work, task, schema, &fetched).await?;
        if !solution.flaws.is_empty() {
            let why = "It changed while its configuration was looked for, so the flaws may be those of a moment.";
            solution.flaws.push(Flaw { path: changed, why: why.to_owned(), replaces: false });
        }
        Ok(Outcome::found(fetched, solution, false, work))
    }

    async fn search(
        &self,
        work: &mut Work,
        task: &Task,
        schema: &Schema,
        fetched: &Fetched,
    ) -> Result<Solution, Failure> {
        let resource_type = &task.key.resource_type;
        let known = self.lessons().get(resource_type).cloned().unwrap_or_default();
        let subject = SearchSubject {
            resource_type,
            schema,
            observed: &fetched.object.value,
            generated: fetched.generated.as_ref(),
            profile: self.profile,
        };
        let (mut search, mut step) = Search::begin(subject, &known);
        loop {
            match step {
                SearchStep::Done(solution) => {
                    self.lessons().entry(resource_type.clone()).or_default().merge(&solution.learned);
                    return Ok(*solution);
                }
                SearchStep::Probe(asked) => {
                    let answer = probe::answer(work, resource_type.as_str(), schema, &fetched.object, &asked).await?;
                    step = search.answer(&answer);
                }
            }
        }
    }

    /// Takes the configuration of an earlier run where it still plans clean.
    async fn confirm(
        &self,
        work: &mut Work,
        task: &Task,
        schema: &Schema,
        fetched: &Fetched,
    ) -> Result<Option<Solution>, Failure> {
        let Some(done) = &task.done else { return Ok(None) };
        let observed = &fetched.object.value;
        let Some(config) = fill_in(done, observed) else { return Ok(None) };
        if config.ty() != observed.ty() || !done.flaws.is_empty() || !done.ignore_changes.is_empty() {
            return Ok(None);
        }
        let proposed = lifecycle::proposed_new(&schema.block, observed, &config);
        let effective = config.unmark_deep().0;
        let asked = Probe { prior: observed.clone(), proposed, config: config.clone(), effective };
        let resource_type = task.key.resource_type.as_str();
        let answer = probe::answer(work, resource_type, schema, &fetched.object, &asked).await?;
        let Some(plan) = answer.plan.filter(|_| !diagnostic::has_errors(&answer.problems)) else { return Ok(None) };
        let replace = lifecycle::replace_paths(&plan.requires_replace, observed, &plan.planned, &schema.block);
        let action = lifecycle::action(observed, &plan.planned, &replace, &schema.block);
        Ok((action == Action::NoOp).then(|| Solution { config, ..done.clone() }))
    }

    /// Gives what is known of each type now.
    pub(super) fn learned(&self) -> BTreeMap<ResourceType, Lessons> {
        self.lessons().clone()
    }

    fn lessons(&self) -> std::sync::MutexGuard<'_, BTreeMap<ResourceType, Lessons>> {
        self.lessons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outcome {
    /// Leaves an object out, for a reason that is a sentence.
    pub(super) fn skipped(reason: String) -> Self {
        Self {
            status: AdoptionStatus::Skipped(reason),
            found: None,
            n_probes: None,
            is_resumed: false,
            declared: None,
            note: None,
        }
    }

    fn of(attempt: Result<Self, Failure>) -> Self {
        attempt.unwrap_or_else(|(Failure::Unseen(cause) | Failure::Crashed(cause))| Self::skipped(cause.detail))
    }

    pub(super) fn found(fetched: Fetched, mut solution: Solution, is_resumed: bool, work: &Work) -> Self {
        let mut secrets = work.secrets.clone();
        secrets.add(&solution.config);
        for flaw in &mut solution.flaws {
            flaw.why = secrets.scrub(&flaw.why);
        }
        let n_probes = Some(solution.n_probes);
        let sentences = |flaws: &[Flaw]| {
            let why = |flaw: &Flaw| {
                if flaw.path.is_empty() { flaw.why.clone() } else { format!("{}: {}", flaw.path, flaw.why) }
            };
            flaws.iter().map(why).collect::<Vec<_>>().join(" ")
        };
        if solution.config.is_null() {
            let reason = format!("No configuration of it is valid. {}", sentences(&solution.flaws));
            return Self { n_probes, ..Self::skipped(reason.trim_end().to_owned()) };
        }
        let replacing: Vec<Flaw> = solution.flaws.iter().filter(|flaw| flaw.replaces).cloned().collect();
        if !replacing.is_empty() {
            let reason = format!("The next apply would replace it. {}", sentences(&replacing));
            return Self { n_probes, ..Self::skipped(reason) };
        }
        let status = if solution.flaws.is_empty() {
            AdoptionStatus::Clean
        } else {
            AdoptionStatus::CleanBut(solution.flaws.clone())
        };
        Self { status, found: Some(Found { fetched, solution }), n_probes, is_resumed, declared: None, note: None }
    }

    /// Gives what a journal may keep: without what must not be shown.
    pub(super) fn finished(&self, key: &AdoptionKey, version: Option<&str>) -> Finished {
        let solution = self.found.as_ref().and_then(|found| without_secrets(&found.solution));
        Finished {
            key: key.clone(),
            status: self.status.clone(),
            provider_version: version.map(str::to_owned),
            solution,
        }
    }
}

/// Takes out of a configuration what must not be shown; `None` where the place of such a value would show it.
fn without_secrets(solution: &Solution) -> Option<Solution> {
    let is_plain = |path: &Path| {
        path.steps().iter().all(|step| match step {
            PathStep::GetAttr(_) => true,
            PathStep::Index(key) => matches!(key.ty(), cty::Type::String | cty::Type::Number),
        })
    };
    let mut paths: Vec<Path> = solution.secrets.iter().map(|secret| secret.path.clone()).collect();
    let (config, marked) = solution.config.unmark_deep_with_paths();
    paths.extend(marked.into_iter().map(|(path, _)| path));
    if !paths.iter().all(is_plain) {
        return None;
    }
    let config = cty::transform(&config, |path, value| {
        Ok(if paths.contains(path) { Value::null(value.ty().clone()) } else { value })
    });
    Some(Solution { config: config.ok()?, ..solution.clone() })
}

/// Puts the secrets back that the provider reads; `None` where one of them it does not.
fn fill_in(done: &Solution, observed: &Value) -> Option<Value> {
    if done.secrets.iter().any(|secret| secret.source != SecretSource::Observed) {
        return None;
    }
    let is_secret = |path: &Path| done.secrets.iter().any(|secret| secret.path == *path);
    let fill = |path: &Path, value: Value| {
        if !is_secret(path) {
            return Ok(value);
        }
        Ok(path.apply(observed)?.mark_sensitive())
    };
    cty::transform(&done.config, fill).ok()
}

/// Gives the first place in which two values differ.
pub(super) fn first_difference(before: &Value, after: &Value) -> Path {
    let mut found = Path::new();
    cty::walk(before, |path, value| {
        if !found.is_empty() {
            return false;
        }
        let is_same = path.apply(after).is_ok_and(|other| other == *value);
        let is_leaf = value.is_null() || !value.is_known() || value.entries().next().is_none();
        if !is_same && is_leaf && !path.is_empty() {
            found = path.clone();
        }
        !is_same
    });
    found
}
