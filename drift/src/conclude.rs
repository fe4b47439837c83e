//! Concluding: what was found is fingerprinted, sorted, ignored by rule, given remedies, and counted.

use jiff::Timestamp;
use model::{Cause, CauseKind, Coverage, Diagnostics, Finding, Kind, Scope, ScopeStatus};

use crate::fingerprint::fingerprint;
use crate::{Evidence, JudgeOptions, StateSet, Summary, Verdict};
use crate::{adopt, remedy};

/// What judging gathered.
pub(crate) struct Found {
    /// The findings about instances.
    pub(crate) findings: Vec<Finding>,
    /// The findings about objects that no state records, each with what identifies the object.
    pub(crate) objects: Vec<(Finding, String)>,
    /// What was seen.
    pub(crate) coverage: Coverage,
    /// Warnings so far.
    pub(crate) diagnostics: Diagnostics,
    /// When the oldest look ended.
    pub(crate) as_of: Option<Timestamp>,
}

/// Makes the verdict of what was found.
pub(crate) fn conclude(evidence: &Evidence<'_>, options: &JudgeOptions, now: Timestamp, found: Found) -> Verdict {
    let Found { mut findings, objects, coverage, mut diagnostics, as_of } = found;
    let (rules, warnings) = evidence.ignore.active(now);
    diagnostics.extend(warnings);
    let mut rule_uses = vec![0; evidence.ignore.rules().len()];
    for finding in &mut findings {
        finding.fingerprint = fingerprint(finding, None);
    }
    findings.reserve(objects.len());
    for (mut finding, object) in objects {
        if let (StateSet::Incomplete(reason), Kind::Unmanaged) = (&options.state_set, finding.kind) {
            finding.kind = Kind::Undetermined;
            finding.cause = Some(Cause::new(CauseKind::IncompleteStates, reason.clone()));
            finding.reason.clone_from(reason);
        }
        finding.fingerprint = fingerprint(&finding, Some(&object));
        findings.push(finding);
    }
    findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    // What is global may be listed once per region.
    findings.dedup_by(|b, a| {
        a.address.is_none()
            && b.address.is_none()
            && a.arn.is_some()
            && (a.kind, &a.native_type, &a.account, &a.arn) == (b.kind, &b.native_type, &b.account, &b.arn)
    });
    for finding in &mut findings {
        rules.apply(finding, &mut rule_uses);
        finding.severity = options.severities.severity(finding);
        finding.fails = options.fail_on.fails(finding);
    }
    let recorded = evidence.recorded.iter().map(|instance| &instance.address.resource);
    let addresses = adopt::addresses(&findings, recorded, &adopt::NamePattern::default());
    for (finding, address) in findings.iter_mut().zip(addresses) {
        finding.remedies = remedy::remedies(finding, address);
    }
    let summary = Summary::of(&findings, &coverage);
    let asked_scopes_are_complete = || {
        let is_asked = |scope: &Scope| {
            let types = std::slice::from_ref(&scope.native_type);
            let is_admitted = |(resource_type, mapping): (&model::ResourceType, &crate::TypeMapping)| {
                mapping.native_types.contains(&scope.native_type)
                    && options.filters.admits_type(Some(resource_type), types)
            };
            options.filters.admits_place(Some(&scope.account), scope.region.as_ref())
                && (options.filters.admits_type(None, types) || evidence.types.iter().any(is_admitted))
        };
        let is_too_old = |at: Timestamp| options.max_age.is_some_and(|max_age| now.duration_since(at) > max_age);
        coverage
            .scopes
            .iter()
            .filter(|outcome| is_asked(&outcome.scope))
            .all(|outcome| outcome.status == ScopeStatus::Complete && !is_too_old(outcome.finished))
    };
    let is_complete = !summary.by_kind.contains_key(&Kind::Undetermined)
        && (!options.question.asks_unmanaged()
            || options.state_set == StateSet::Complete && asked_scopes_are_complete());
    let question = options.question;
    let mut verdict = Verdict { question, findings, coverage, summary, diagnostics, as_of, rule_uses, is_complete };
    let unused = evidence.ignore.unused(&verdict, evidence.states, options, now);
    verdict.diagnostics.extend(evidence.ignore.unused_warnings(&unused));
    verdict
}

pub(crate) fn sort_key(finding: &Finding) -> impl Ord + '_ {
    (
        finding.kind,
        crate::summary::type_name(finding),
        (&finding.address, &finding.deposed, &finding.states),
        &finding.account,
        (&finding.id, &finding.arn),
        &finding.region,
        &finding.fingerprint,
    )
}
