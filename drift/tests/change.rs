//! What meets a change fails, what does not is information: row by row.

use cty::Path;
use drift::change::{self, ChangeSummary, RootChange, Touch, TouchKind};
use drift::{FailOn, JudgeOptions, Question, Summary, Verdict};
use model::{AttributeDifference, Cause, CauseKind, Coverage, Finding, Impact, InstanceAddress, Kind, Precision, Tier};

fn address(text: &str) -> InstanceAddress {
    text.parse().expect("an address")
}

fn path(text: &str) -> Path {
    text.split('.').fold(Path::new(), |path, step| match step.parse::<u64>() {
        Ok(index) => path.index(index),
        Err(_) => path.attr(step),
    })
}

fn touch(text: &str, how: TouchKind, paths: &[&str]) -> Touch {
    let paths = paths.iter().map(|text| path(text)).collect();
    Touch { address: address(text), how, paths, source: None, unsure: None }
}

fn finding(kind: Kind, at: &str, differences: &[(Kind, &str, Tier)]) -> Finding {
    let difference = |(kind, text, tier): &(Kind, &str, Tier)| AttributeDifference::new(*kind, path(text), *tier);
    let mut finding = Finding {
        address: Some(address(at)),
        precision: Some(Precision::Provider),
        attributes: differences.iter().map(difference).collect(),
        ..Finding::new(kind, "It was found.".to_owned())
    };
    finding.fails = FailOn::default_of(Question::Drift).fails(&finding);
    finding
}

fn verdict(findings: Vec<Finding>) -> Verdict {
    let is_complete = findings.iter().all(|finding| finding.kind != Kind::Undetermined);
    Verdict {
        question: Question::Drift,
        summary: Summary::of(&findings, &Coverage::default()),
        findings,
        coverage: Coverage::default(),
        diagnostics: Vec::new(),
        as_of: None,
        rule_uses: Vec::new(),
        is_complete,
    }
}

fn judged(findings: Vec<Finding>, touches: Vec<Touch>) -> (Verdict, ChangeSummary) {
    let mut verdict = verdict(findings);
    let change = RootChange { touches, causes: Vec::new() };
    let summary = change::judge(&mut verdict, &change, &JudgeOptions::for_question(Question::Drift));
    (verdict, summary)
}

/// Judges one finding, and says what became of it: kind, impact and whether it fails.
fn row(found: Finding, touches: Vec<Touch>) -> String {
    let (verdict, _) = judged(vec![found], touches);
    let finding = &verdict.findings[0];
    assert_eq!(verdict.summary.n_failing, u64::from(finding.fails), "the totals count what fails");
    let impact = finding.impact.map_or("-", Impact::as_str);
    format!("{} {impact}{}", finding.kind, if finding.fails { " FAILS" } else { "" })
}

const UPDATES: TouchKind = TouchKind::Updates;

#[test]
fn differences_of_attributes_by_what_the_change_sets() {
    use Kind::{Changed, Collision, Pending, Stale};
    use Tier::{Declared, Unclassified, Undeclared};
    let check = |kind: Kind, differences: &[(Kind, &str, Tier)], paths: &[&str], expect: &str| {
        let got = row(finding(kind, "a_b.c", differences), vec![touch("a_b.c", UPDATES, paths)]);
        assert_eq!(got, expect, "{kind} {differences:?} {paths:?}");
        let aside = row(finding(kind, "a_b.c", differences), vec![touch("a_b.other", UPDATES, paths)]);
        assert_eq!(aside, format!("{kind} -"), "nothing fails that the change is not about");
    };
    // Somebody set what the change sets.
    check(Changed, &[(Changed, "size", Declared)], &["size"], "changed collides FAILS");
    check(Collision, &[(Collision, "size", Declared)], &["size"], "collision collides FAILS");
    check(Collision, &[(Collision, "tags.name", Declared)], &["tags"], "collision collides FAILS");
    check(Changed, &[(Changed, "rule", Declared)], &["rule.0.port"], "changed collides FAILS");
    check(Collision, &[(Collision, "size", Unclassified)], &["size"], "collision collides FAILS");
    // Somebody set something else of the same instance.
    check(Changed, &[(Changed, "size", Declared)], &["name"], "changed reverts FAILS");
    check(Changed, &[(Changed, "rule.1.port", Declared)], &["rule.0.port"], "changed reverts FAILS");
    check(Changed, &[(Changed, "size", Declared)], &[], "changed reverts FAILS");
    check(Changed, &[(Changed, "size", Declared), (Changed, "name", Declared)], &["name"], "changed collides FAILS");
    // Nothing is undone of what the code leaves open.
    check(Changed, &[(Changed, "size", Undeclared)], &["size"], "changed touches");
    check(Changed, &[(Changed, "size", Unclassified)], &["name"], "changed touches");
    // The change says what the cloud holds; or nobody changed anything.
    check(Stale, &[(Stale, "size", Declared)], &["size"], "stale touches");
    check(Pending, &[(Pending, "size", Declared)], &["size"], "pending touches");
}

#[test]
fn existence_by_what_the_change_does() {
    use TouchKind::{Creates, Destroys, Forgets, Imports, Replaces};
    let check = |kind: Kind, how: TouchKind, expect: &str| {
        let got = row(finding(kind, "a_b.c", &[]), vec![touch("a_b.c", how.clone(), &[])]);
        assert_eq!(got, expect, "{kind} {how}");
    };
    check(Kind::Missing, UPDATES, "missing touches FAILS");
    check(Kind::Missing, Replaces, "missing destroys FAILS");
    check(Kind::Orphan, Destroys, "pending_destroy destroys");
    check(Kind::Orphan, Forgets, "pending_destroy touches");
    check(Kind::Dangling, Destroys, "dangling destroys");
    check(Kind::Dangling, Forgets, "dangling touches");
    check(Kind::Dangling, UPDATES, "dangling touches FAILS");
    check(Kind::NotImported, Creates, "not_imported collides FAILS");
    check(Kind::NotImported, Imports, "not_imported touches");
    check(Kind::DoubleOwner, UPDATES, "double_owner touches FAILS");
    check(Kind::Undetermined, UPDATES, "undetermined touches");
    for kind in [Kind::Missing, Kind::Orphan, Kind::Dangling, Kind::NotImported, Kind::DoubleOwner] {
        let aside = row(finding(kind, "a_b.c", &[]), vec![touch("a_b.c[0]", UPDATES, &[])]);
        assert_eq!(aside, format!("{kind} -"));
    }
    let changed = || finding(Kind::Changed, "a_b.c", &[(Kind::Changed, "size", Tier::Declared)]);
    assert_eq!(row(changed(), vec![touch("a_b.c", Replaces, &["name"])]), "changed destroys FAILS");
}

#[test]
fn an_instance_that_moves_is_met_at_both_addresses() {
    let moves = || vec![touch("a_b.new", TouchKind::Moves { from: address("a_b.old") }, &[])];
    let changed = |at: &str| finding(Kind::Changed, at, &[(Kind::Changed, "size", Tier::Declared)]);
    assert_eq!(row(changed("a_b.old"), moves()), "changed reverts FAILS");
    assert_eq!(row(changed("a_b.new"), moves()), "changed reverts FAILS");
    assert_eq!(row(changed("a_b.older"), moves()), "changed -");
    // Where another instance took the address, that one counts.
    let mut taken = moves();
    taken.push(touch("a_b.old", TouchKind::Creates, &[]));
    let change = RootChange { touches: taken, causes: Vec::new() };
    assert_eq!(change.touch(&address("a_b.old")).map(|touch| touch.how.as_str()), Some("creates"));
}

#[test]
fn what_is_aside_is_counted_and_says_what_apply_does() {
    let changed = finding(Kind::Changed, "a_b.c", &[(Kind::Changed, "size", Tier::Declared)]);
    let (verdict, summary) = judged(
        vec![changed, finding(Kind::Missing, "a_b.d", &[]), finding(Kind::Orphan, "a_b.e", &[])],
        vec![touch("a_b.d", UPDATES, &["size"])],
    );
    assert_eq!((summary.n_aside, summary.by_impact.get(&Impact::Touches)), (2, Some(&1)));
    assert_eq!(verdict.summary.n_failing, 1);
    let reasons: Vec<&str> = verdict.findings.iter().map(|finding| finding.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "It was found. This change is not about it; the next apply of this root undoes it too.",
            "It was found.",
            "It was found. This change did not remove it; the next apply of this root destroys it too.",
        ]
    );
}

#[test]
fn only_what_the_change_is_about_must_have_been_seen() {
    let unseen = |at: &str| finding(Kind::Undetermined, at, &[]);
    let is_complete = |at: &str| judged(vec![unseen("a_b.c")], vec![touch(at, UPDATES, &[])]).0.is_complete;
    assert!(is_complete("a_b.d"));
    assert!(!is_complete("a_b.c"));
    let mut open = verdict(Vec::new());
    let cause = Cause::new(CauseKind::NoProvider, "Nobody knows.");
    let change = RootChange { touches: Vec::new(), causes: vec![cause] };
    change::judge(&mut open, &change, &JudgeOptions::for_question(Question::Drift));
    assert!(!open.is_complete);
}

#[test]
fn what_is_unsure_meets_the_change_and_says_so() {
    let unsure = Some("the provider is not installed".to_owned());
    let touch = Touch { unsure, ..touch("a_b.c", UPDATES, &[]) };
    let (verdict, _) = judged(vec![finding(Kind::Missing, "a_b.c", &[])], vec![touch]);
    assert!(verdict.findings[0].fails);
    let reason = "It was found. Whether this change is about it is not certain: the provider is not installed.";
    assert_eq!(verdict.findings[0].reason, reason);
}

#[test]
fn ignored_and_unasked_findings_do_not_fail() {
    let ignored = Finding { ignored: Some("known".to_owned()), ..finding(Kind::Missing, "a_b.c", &[]) };
    let (verdict, summary) = judged(vec![ignored], vec![touch("a_b.c", UPDATES, &[])]);
    assert_eq!((verdict.summary.n_failing, summary.by_impact.len()), (0, 0));
    let mut none = self::verdict(vec![finding(Kind::Missing, "a_b.c", &[])]);
    let change = RootChange { touches: vec![touch("a_b.c", UPDATES, &[])], causes: Vec::new() };
    let fail_on = FailOn::parse("none").expect("a word");
    change::judge(&mut none, &change, &JudgeOptions { fail_on, ..JudgeOptions::for_question(Question::Drift) });
    assert_eq!(none.summary.n_failing, 0);
}
