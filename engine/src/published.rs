//! What `driftmgr drift` found and published, for readers that host no provider themselves.

use std::collections::BTreeSet;

use ::drift::{IgnoreRules, Question, Summary, Verdict};
use jiff::{SignedDuration, Timestamp};
use model::{Coverage, Finding, Kind, Precision, StateRef};
use store::Snapshot;

use crate::drift::{DriftAnswer, DriftRequest};
use crate::request::Freshness;
use crate::{Error, Session, query, states};

/// Gives the newest published answer about drift that was seen through providers, where the store has one that is young
/// enough and about just these states as they are now.
///
/// Filters take findings out; the coverage stays that of the whole answer.
///
/// # Errors
///
/// Where a state cannot be read, or the store cannot be used.
pub async fn published(session: &Session, request: &DriftRequest) -> Result<Option<DriftAnswer>, Error> {
    let path = query::snapshot_path(&request.store);
    if !path.exists() {
        return Ok(None);
    }
    let states = states::load(session, &request.states).await?;
    let snapshot = query::open_snapshot(&request.store)?;
    let now = (session.now)();
    let oldest = match request.freshness {
        Freshness::Now => return Ok(None),
        Freshness::Within(max_age) => SignedDuration::try_from(max_age).ok().map(|max_age| now - max_age),
        Freshness::StoreOnly => None,
    };
    let Some((at, coverage, mut findings)) = newest(&snapshot, &states.refs, states.recorded.len() as u64)? else {
        return Ok(None);
    };
    if oldest.is_some_and(|oldest| at < oldest) {
        return Ok(None);
    }
    findings.retain(|finding| request.options.filters.admits(finding));
    let summary = Summary::of(&findings, &coverage);
    let is_complete = !summary.by_kind.contains_key(&Kind::Undetermined);
    let verdict = Verdict {
        question: Question::Drift,
        findings,
        coverage,
        summary,
        diagnostics: Vec::new(),
        as_of: Some(at),
        rule_uses: Vec::new(),
        is_complete,
    };
    Ok(Some(DriftAnswer {
        verdict,
        states: states.refs.clone(),
        root: request.states.dir.clone(),
        severities: ::drift::SeverityRules::default(),
        ignore: IgnoreRules::default(),
        callers: Vec::new(),
        diagnostics: states.diagnostics,
        at: now,
    }))
}

/// Finds the newest answer about exactly these snapshots of states, whatever they were called when it was made.
fn newest(
    snapshot: &Snapshot,
    states: &[StateRef],
    n_instances: u64,
) -> Result<Option<(Timestamp, Coverage, Vec<Finding>)>, Error> {
    let identity = |state: &StateRef| (state.lineage.clone(), state.workspace.clone(), state.serial);
    let wanted: BTreeSet<_> = states.iter().map(identity).collect();
    let mut best: Option<(String, Timestamp, Coverage)> = None;
    for subject in snapshot.drift_subjects().map_err(query::store_error)? {
        let is_about_drift = subject.starts_with("drift ") || subject.starts_with("drift+unmanaged ");
        let Some(found) = snapshot.drift(&subject).map_err(query::store_error)?.filter(|_| is_about_drift) else {
            continue;
        };
        let about: BTreeSet<_> =
            found.coverage.configurations.iter().map(|configuration| identity(&configuration.state)).collect();
        let is_exact = found.coverage.configurations.iter().any(|part| part.precision == Precision::Provider);
        // States without instances are in no coverage.
        let is_same = about.is_subset(&wanted) && found.coverage.n_instances == n_instances;
        if is_exact && is_same && best.as_ref().is_none_or(|(_, at, _)| *at < found.at) {
            best = Some((subject, found.at, found.coverage));
        }
    }
    let Some((subject, at, coverage)) = best else { return Ok(None) };
    let mut findings = snapshot.findings(&subject, &[]).map_err(query::store_error)?;
    // Objects that no state records belong to another question.
    findings.retain(|finding| finding.address.is_some());
    Ok(Some((at, coverage, findings)))
}
