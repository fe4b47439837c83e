//! A change as a plan in JSON tells it, without git and without credentials: what the plan does to instances, beside undoing
//! what somebody changed.
//!
//! The plan does not tell code that was merged and not applied yet from code that is changed now: both are its change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::drift::JudgeOptions;
use ::drift::change::{self, RootChange, Touch, TouchKind};
use cty::{Path, PathStep, Value};
use model::{Cause, CauseKind, Diagnostic, Diagnostics, ResourceMode};
use tfstate::PlanDocument;
use tfstate::plan::{ConfiguredArgument, PlanAction, PlanInstance};

use super::touch::differing;
use super::{CheckAnswer, CheckRequest, CheckedRoot, OPERATION};
use crate::plan::drift_of_document;
use crate::{Error, ErrorKind, Session};

/// Judges what the refresh of a plan found by what the plan does: `plan` is a file, or `-` for standard input.
///
/// Of the request count its folder, where providers are installed and the ignore file lies, and how to judge.
///
/// # Errors
///
/// Where the plan cannot be read, or what is there is no plan in JSON.
pub async fn check_of_plan(session: &Session, plan: &str, request: &CheckRequest) -> Result<CheckAnswer, Error> {
    let mut drift = request.drift.clone();
    drift.states.dir.clone_from(&request.dir);
    let (mut answer, document) = drift_of_document(session, plan, &drift).await?;
    let read = tokio::task::spawn_blocking(move || change_of(&document));
    let (change, problems) = read.await.map_err(|source| {
        Error::new(ErrorKind::Unavailable, OPERATION, "Reading the changes of the plan ended early.")
            .with_source(source)
    })?;
    answer.diagnostics.extend(problems);
    let options = JudgeOptions { severities: answer.severities.clone(), ..drift.options };
    let summary = change::judge(&mut answer.verdict, &change, &options);
    let directory = request.dir.as_ref().map_or_else(|| ".".to_owned(), |dir| dir.to_string_lossy().into_owned());
    let root = CheckedRoot {
        name: if directory == "." { plan.to_owned() } else { directory.clone() },
        directory,
        workspace: None,
        owners: Vec::new(),
        why: Some(plan.to_owned()),
        change: Some(change),
        summary,
        answer: Ok(answer),
    };
    Ok(CheckAnswer {
        base: None,
        head: None,
        roots: vec![root],
        n_roots: 1,
        n_unchanged: 0,
        n_other_shards: 0,
        diagnostics: Diagnostics::new(),
        at: (session.now)(),
    })
}

/// Tells what a plan does to the instances that it knows.
fn change_of(document: &Arc<PlanDocument>) -> (RootChange, Diagnostics) {
    let mut touches = BTreeMap::new();
    let mut diagnostics = Diagnostics::new();
    let managed = document
        .instances()
        .filter(|instance| instance.address().resource.mode == ResourceMode::Managed && instance.deposed().is_none());
    for instance in managed {
        match touch(document, instance) {
            Ok(touch) => touches.extend(touch.map(|touch| (instance.address().clone(), touch))),
            Err(error) => {
                let reason = format!("what the plan does to it cannot be decoded: {error}");
                let detail = format!("The plan's change of {} cannot be decoded: {error}.", instance.address());
                let problem = Diagnostic::warning("plan-invalid-entry", "A change of the plan was not read", detail);
                diagnostics.push(problem.at_address(instance.address()));
                let touch = of(instance, TouchKind::Updates, Vec::new(), Some(reason));
                touches.insert(instance.address().clone(), touch);
            }
        }
    }
    let mut causes = Vec::new();
    if document.is_errored() == Some(true) {
        let detail = "Planning ended with an error; what it would do to the rest is not known.";
        causes.push(Cause::new(CauseKind::OutsideScope, detail));
    }
    if document.n_deferred() > 0 {
        let detail = format!("The plan leaves {} changes to a later one.", document.n_deferred());
        causes.push(Cause::new(CauseKind::OutsideScope, detail));
    }
    (RootChange { touches: touches.into_values().collect(), causes }, diagnostics)
}

fn of(instance: PlanInstance<'_>, how: TouchKind, paths: Vec<Path>, unsure: Option<String>) -> Touch {
    Touch { address: instance.address().clone(), how, paths, source: None, unsure }
}

/// Tells what a plan does to an instance; `None` where it does nothing, or only undoes what somebody changed.
///
/// # Errors
/// Where its values cannot be decoded.
fn touch(document: &PlanDocument, instance: PlanInstance<'_>) -> Result<Option<Touch>, tfstate::Error> {
    let Some(action) = instance.action() else { return Ok(None) };
    let is_imported = instance.change()?.is_some_and(|change| change.importing.is_some());
    let moved = instance.previous_address().filter(|from| *from != instance.address());
    let moves = || moved.map(|from| TouchKind::Moves { from: from.clone() });
    let simply = |how: Option<TouchKind>| Ok(how.map(|how| of(instance, how, Vec::new(), None)));
    if is_imported {
        return simply(Some(TouchKind::Imports));
    }
    match action {
        PlanAction::NoOp | PlanAction::Read => simply(moves()),
        // What is gone is made again, whoever changes what.
        PlanAction::Create if instance.is_recorded() && instance.is_gone() => simply(moves()),
        PlanAction::Create => simply(Some(TouchKind::Creates)),
        PlanAction::Delete => simply(Some(TouchKind::Destroys)),
        PlanAction::Forget => simply(Some(TouchKind::Forgets)),
        PlanAction::Update => {
            let (paths, unsure) = set(document, instance)?;
            if paths.is_empty() {
                return simply(moves());
            }
            Ok(Some(of(instance, moves().unwrap_or(TouchKind::Updates), paths, unsure)))
        }
        action if action.is_replacement() => {
            let (paths, unsure) = set(document, instance)?;
            let replaced_for = instance.change()?.unwrap_or_default().replace_paths;
            let meets = |path: &Path| paths.iter().any(|set| set.starts_with(path) || path.starts_with(set));
            let is_of_change = if replaced_for.is_empty() {
                instance.action_reason().is_some_and(|reason| reason != "replace_because_tainted")
            } else {
                replaced_for.iter().any(meets)
            };
            if is_of_change {
                return Ok(Some(of(instance, TouchKind::Replaces, paths, unsure)));
            }
            if paths.is_empty() {
                return simply(moves());
            }
            Ok(Some(of(instance, moves().unwrap_or(TouchKind::Updates), paths, unsure)))
        }
        // An action of a version to come.
        _ => {
            let reason = "the plan does something with it that is not known here".to_owned();
            Ok(Some(of(instance, TouchKind::Updates, Vec::new(), Some(reason))))
        }
    }
}

/// Lists what a plan sets to something that neither was recorded nor is there.
fn set(document: &PlanDocument, instance: PlanInstance<'_>) -> Result<(Vec<Path>, Option<String>), tfstate::Error> {
    let facets = instance.facets(None)?;
    let plain = |value: Option<Value>| value.map(|value| value.unmark_deep().0);
    let (recorded, observed) = (plain(facets.recorded), plain(facets.observed));
    let (Some(observed), Some(planned)) = (observed, plain(facets.planned)) else { return Ok((Vec::new(), None)) };
    let between = |old: &Value| {
        let (mut paths, mut open) = (Vec::new(), BTreeSet::new());
        differing(old, &planned, &Path::new(), &mut paths, &mut open);
        let mut paths: Vec<Path> = paths.iter().map(without_positions).collect();
        paths.dedup();
        (paths, open)
    };
    let (from_cloud, open) = between(&observed);
    let from_state = match &recorded {
        Some(recorded) if instance.has_drift() => between(recorded).0,
        _ => from_cloud.clone(),
    };
    let meets = |path: &&Path| from_state.iter().any(|other| path.starts_with(other) || other.starts_with(path));
    let mut paths: Vec<Path> = from_cloud.iter().filter(meets).cloned().collect();
    // What is unknown in a plan is set by the change only where the code sets it to what is not known yet.
    let configured = document.configured(&instance.address().resource)?.unwrap_or_default();
    let is_set = |name: &String| {
        let argument = configured.arguments.get(name);
        argument.is_some_and(|argument| !matches!(argument, ConfiguredArgument::Constant(_)))
    };
    let open: Vec<String> = open.into_iter().filter(is_set).collect();
    let unsure = (!open.is_empty()).then(|| "what it is set to is known only when it is applied".to_owned());
    paths.extend(open.into_iter().map(|name| Path::new().attr(name)));
    Ok((paths, unsure))
}

/// Cuts a path at the first position: without a schema nobody can tell a list from a set, whose elements have none.
fn without_positions(path: &Path) -> Path {
    let named = |step: &&PathStep| match step {
        PathStep::GetAttr(_) => true,
        PathStep::Index(key) => key.as_str().is_some(),
    };
    path.steps().iter().take_while(named).cloned().collect()
}
