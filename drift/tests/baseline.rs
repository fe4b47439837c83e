//! The baseline: what is recorded fails no more, whatever was found; what comes on top of it fails.

mod support;

use drift::baseline::{
    Approval, BASELINE_FILE_NAME, Baseline, BaselineKey, RecordedEntries, Selection, parse_baseline,
};
use drift::{FailOn, IgnoreRules, Question};
use model::{AttributeDifference, Finding, Kind, Tier};
use proptest::prelude::*;
use support::{World, difference, now};

fn approval() -> Approval {
    Approval { approver: "ada".to_owned(), reason: "it was so before".to_owned(), expires: None }
}

fn key() -> BaselineKey {
    BaselineKey::new("0123456789abcdef0123456789abcdef").expect("it is long enough")
}

/// Records what fails, writes it, and reads it again.
fn recorded(world: &World, key: Option<&BaselineKey>) -> (Baseline, RecordedEntries) {
    let mut baseline = Baseline::default();
    let failing = FailOn::default_of(world.options.question);
    let done = baseline.record(&world.judge().findings, Selection::Failing(&failing), &approval(), key, now());
    let text = baseline.to_text();
    let (read, diagnostics) = parse_baseline(BASELINE_FILE_NAME, &text);
    assert_eq!(diagnostics, []);
    assert_eq!(read.to_text(), text, "the file is the same after it is read");
    (read, done)
}

fn failing(world: &World) -> Vec<String> {
    let describe = |finding: &Finding| {
        let paths: Vec<String> = finding
            .attributes
            .iter()
            .filter(|difference| difference.tier != Tier::Ignored)
            .map(|difference| difference.path.to_string())
            .collect();
        let name = finding.address.as_ref().map(ToString::to_string);
        let name = name.or_else(|| finding.id.as_ref().map(ToString::to_string)).unwrap_or_default();
        format!("{} {name} {}", finding.kind, paths.join(" ")).trim().to_owned()
    };
    world.judge().findings.iter().filter(|finding| finding.fails).map(describe).collect()
}

fn estate() -> World {
    let mut world = World::new();
    world.record("aws_vpc.gone", "vpc-1");
    world.record("aws_vpc.main", "vpc-2");
    world.read_differences(vec![
        difference(Tier::Declared, &["cidr_block"], "\"a\"", "\"b\""),
        difference(Tier::Declared, &["tags", "=\"Owner\""], "\"x\"", "\"y\""),
        difference(Tier::Undeclared, &["ipv6_cidr_block"], "", "\"::/64\""),
    ]);
    world
}

#[test]
fn the_file_is_sorted_and_holds_no_value() {
    let (baseline, done) = recorded(&estate(), None);
    assert_eq!((done.n_added, done.n_replaced, done.left_out), (3, 0, vec![]));
    insta::assert_snapshot!(baseline.to_text(), @r#"
    {
      "version": 1,
      "entries": [
        {
          "address": "aws_vpc.gone",
          "kind": "missing",
          "reason": "it was so before",
          "approver": "ada"
        },
        {
          "address": "aws_vpc.main",
          "kind": "changed",
          "path": "cidr_block",
          "reason": "it was so before",
          "approver": "ada"
        },
        {
          "address": "aws_vpc.main",
          "kind": "changed",
          "path": "tags[\"Owner\"]",
          "reason": "it was so before",
          "approver": "ada"
        }
      ]
    }
    "#);
}

#[test]
fn what_is_recorded_is_ignored_with_its_reason() {
    let mut world = estate();
    let (baseline, _) = recorded(&world, None);
    world.ignore = IgnoreRules::default().with_baseline(&baseline, None);
    insta::assert_snapshot!(world.found(), @r##"
    changed aws_vpc.main: The cloud differs from the state in cidr_block, tags, ipv6_cidr_block.
      ignored cidr_block: "a" -> "b" (it was so before (baseline, approved by ada))
      ignored tags["Owner"]: "x" -> "y" (it was so before (baseline, approved by ada))
      undeclared ipv6_cidr_block: - -> "::/64"
    missing aws_vpc.gone: The state records it, and a complete look at its account and region did not find it.
      ignored: it was so before (baseline, approved by ada)
    exit code 0
    "##);
    assert_eq!(world.judge().rule_uses, [1, 1, 1]);
}

#[test]
fn an_entry_counts_for_its_kind_its_path_and_its_workspace_alone() {
    let mut world = estate();
    let (baseline, _) = recorded(&world, None);
    world.ignore = IgnoreRules::default().with_baseline(&baseline, None);
    world.states[0].workspace = "other".into();
    assert_eq!(
        failing(&world),
        ["changed aws_vpc.main cidr_block tags[\"Owner\"] ipv6_cidr_block", "missing aws_vpc.gone"]
    );
    let mut world = estate();
    world.ignore = IgnoreRules::default().with_baseline(&baseline, None);
    let collision =
        AttributeDifference { kind: Kind::Collision, ..difference(Tier::Declared, &["cidr_block"], "\"a\"", "\"b\"") };
    world.read_differences(vec![collision]);
    assert_eq!(failing(&world), ["collision aws_vpc.main cidr_block"]);
    world.read_differences(vec![difference(Tier::Declared, &["tags", "=\"Team\""], "\"x\"", "\"y\"")]);
    assert_eq!(failing(&world), ["changed aws_vpc.main tags[\"Team\"]"]);
}

#[test]
fn what_expired_or_matches_nothing_is_said() {
    let mut world = estate();
    let (mut baseline, _) = recorded(&world, None);
    let selection = Selection::Named { subject: "aws_vpc.main", path: Some("ipv6_cidr_block") };
    let until = Approval { expires: Some("2026-05-31".parse().expect("a day")), ..approval() };
    baseline.record(&world.judge().findings, selection, &until, None, now());
    world.read_differences(vec![
        difference(Tier::Declared, &["cidr_block"], "\"a\"", "\"b\""),
        difference(Tier::Undeclared, &["ipv6_cidr_block"], "", "\"::/64\""),
    ]);
    world.ignore = IgnoreRules::default().with_baseline(&baseline, None);
    insta::assert_snapshot!(world.found(), @r##"
    Warning: driftmgr.baseline.json:1:1: An entry of the baseline has expired: What they are about is judged again: changed aws_vpc.main ipv6_cidr_block (approved by ada, until 2026-05-31). Deal with the differences, or record them again; `driftmgr baseline remove --expired` removes the entries.
    Warning: driftmgr.baseline.json:17:5: An entry of the baseline matches nothing: What they are about is no longer found: changed aws_vpc.main tags["Owner"]. `driftmgr baseline record --prune` removes them.
    changed aws_vpc.main: The cloud differs from the state in cidr_block, ipv6_cidr_block.
      ignored cidr_block: "a" -> "b" (it was so before (baseline, approved by ada))
      undeclared ipv6_cidr_block: - -> "::/64"
    missing aws_vpc.gone: The state records it, and a complete look at its account and region did not find it.
      ignored: it was so before (baseline, approved by ada)
    exit code 0
    "##);
    // Where only a part was asked for, nothing is said of the rest.
    world.options.filters.types = vec![drift::Pattern::new("aws_subnet")];
    assert!(!world.found().contains("matches nothing"), "{}", world.found());
}

#[test]
fn another_value_comes_up_again_where_there_is_a_key() {
    let mut world = estate();
    let (baseline, _) = recorded(&world, Some(&key()));
    let text = baseline.to_text();
    assert!(!text.contains("\"b\"") && text.contains("\"digest\"") && text.contains("\"key\""), "{text}");
    let judged = |world: &mut World, key: Option<&BaselineKey>| {
        world.ignore = IgnoreRules::default().with_baseline(&baseline, key);
        failing(world)
    };
    assert_eq!(judged(&mut world, Some(&key())), Vec::<String>::new());
    world.read_differences(vec![
        difference(Tier::Declared, &["cidr_block"], "\"a\"", "\"c\""),
        difference(Tier::Declared, &["tags", "=\"Owner\""], "\"x\"", "\"y\""),
    ]);
    assert_eq!(judged(&mut world, Some(&key())), ["changed aws_vpc.main cidr_block"]);
    let report = world.found();
    assert!(report.contains("or is there with another value: changed aws_vpc.main cidr_block"), "{report}");
    // Without the key, or with another, nobody can tell.
    assert_eq!(judged(&mut world, None), Vec::<String>::new());
    let other = BaselineKey::new("another key that is long enough to be one").expect("it is long enough");
    assert_eq!(judged(&mut world, Some(&other)), Vec::<String>::new());
    // Recorded again, the new value is the known one.
    world.ignore = IgnoreRules::default().with_baseline(&baseline, Some(&key()));
    let mut again = baseline.clone();
    let fail_on = FailOn::default_of(Question::Drift);
    let findings = world.judge().findings;
    let done = again.record(&findings, Selection::Failing(&fail_on), &approval(), Some(&key()), now());
    assert_eq!((done.n_added, done.n_replaced), (0, 1));
    world.ignore = IgnoreRules::default().with_baseline(&again, Some(&key()));
    assert_eq!(failing(&world), Vec::<String>::new());
}

#[test]
fn an_upgrade_of_the_provider_changes_nothing() {
    let mut world = estate();
    let settings = |more: &str| format!("{{\"size\":\"l\",\"zones\":[\"a\"]{more}}}");
    let differences = |more: &str| {
        vec![
            difference(Tier::Declared, &["cidr_block"], "\"a\"", "\"b\""),
            difference(Tier::Declared, &["tags", "=\"Owner\""], "\"x\"", "\"y\""),
            difference(Tier::Declared, &["settings"], "null", &settings(more)),
        ]
    };
    world.read_differences(differences(""));
    let (baseline, _) = recorded(&world, Some(&key()));
    assert!(baseline.entries().iter().filter(|entry| entry.path.is_some()).all(|entry| entry.digest.is_some()));
    world.ignore = IgnoreRules::default().with_baseline(&baseline, Some(&key()));
    // It grew attributes, inside of a value too, is another version, from another registry, and the schema is newer.
    let mut after = differences(r#","grown":null,"also_grown":[]"#);
    after.push(difference(Tier::SchemaAdded, &["grown"], "", "\"default\""));
    after.push(difference(Tier::Runtime, &["last_seen"], "\"1\"", "\"2\""));
    world.read_differences(after);
    world.recorded[1].provider = "provider[\"registry.opentofu.org/hashicorp/aws\"].west".parse().expect("a provider");
    for reading in world.readings.values_mut() {
        reading.provider_version = Some("7.0.0".to_owned());
    }
    assert_eq!(failing(&world), Vec::<String>::new());
    assert_eq!(world.judge().diagnostics, []);
}

#[test]
fn secrets_have_no_digest_and_no_name() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let mut world = World::new();
    world.record("aws_vpc.main", "vpc-2");
    let marked = AttributeDifference {
        is_sensitive: true,
        ..difference(Tier::Declared, &["note"], "\"a\"", "\"planted-secret\"")
    };
    world.read_differences(vec![
        marked,
        difference(Tier::Declared, &["db_password"], "\"a\"", "\"planted-secret\""),
        difference(Tier::Declared, &["user_data"], "\"a\"", &format!("\"{token}\"")),
        difference(Tier::Declared, &["env", "=\"API_TOKEN\""], "\"a\"", "\"planted-secret\""),
        difference(Tier::Declared, &["rules", &format!("=\"{token}\"")], "\"a\"", "\"b\""),
    ]);
    let mut baseline = Baseline::default();
    let fail_on = FailOn::default_of(Question::Drift);
    let findings = world.judge().findings;
    let done = baseline.record(&findings, Selection::Failing(&fail_on), &approval(), Some(&key()), now());
    assert_eq!(done.n_added, 4);
    assert_eq!(done.left_out.len(), 1, "a path that holds a token is not written");
    let text = baseline.to_text();
    assert!(!text.contains("digest") && !text.contains(&token) && !text.contains("planted"), "{text}");
}

#[test]
fn entries_go_by_name_and_by_date() {
    let world = estate();
    let (mut baseline, _) = recorded(&world, None);
    assert_eq!(baseline.remove("aws_vpc.main", Some("cidr_block")).len(), 1);
    assert_eq!(baseline.remove("aws_vpc.main", Some("cidr_block")).len(), 0);
    assert_eq!(baseline.remove("aws_vpc.main", None).len(), 1);
    let selection = Selection::Named { subject: "aws_vpc.main", path: None };
    let until = Approval { expires: Some("2026-05-31".parse().expect("a day")), ..approval() };
    let done = baseline.record(&world.judge().findings, selection, &until, None, now());
    assert_eq!(done.n_added, 3, "what is named is recorded though it does not fail");
    assert_eq!(baseline.remove_expired(now()).len(), 3);
    assert_eq!(baseline.entries().len(), 1);
}

#[test]
fn every_mistake_in_the_file_says_where_it_is() {
    let problems = |text: &str| {
        let (baseline, diagnostics) = parse_baseline("b.json", text);
        assert!(diagnostics.is_empty() || baseline == Baseline::default());
        diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let entry =
        |fields: &str| problems(&format!("{{\n  \"version\": 1,\n  \"entries\": [\n    {{\n{fields}\n    }}\n  ]\n}}"));
    let all = [
        problems(""),
        problems("{\"entries\": []}"),
        problems("{\n  \"version\": 2,\n  \"things\": [1]\n}"),
        problems("{\"version\": \"1\"}"),
        problems("{\"version\": 1, \"entrys\": []}"),
        problems("{\"version\": 1,\n<<<<<<< ours\n\"entries\": []}"),
        entry("\"adress\": \"a.b\""),
        entry("\"address\": 7"),
        entry("\"address\": \"a.b\", \"kind\": \"chnged\", \"reason\": \" \", \"expires\": \"soon\""),
        entry("\"kind\": \"undetermined\", \"reason\": \"r\", \"approver\": \"a\", \"type\": \"t\""),
        problems(
            "{\"version\": 1, \"entries\": [\n{\"address\": \"a.b\", \"kind\": \"missing\", \"reason\": \"r\", \"approver\": \"a\"},\n{\"address\": \"a.b\", \"kind\": \"missing\", \"reason\": \"s\", \"approver\": \"a\"}]}",
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r##"
    b.json:1:1: The baseline is not valid JSON: EOF while parsing a value at line 1 column 0. Where a merge went wrong, take one side and run `driftmgr baseline record` again.
    b.json:1:1: The baseline names no version: The file must have `"version": 1`.
    b.json:2:14: The baseline is of a newer version: A newer driftmgr wrote version 2 of the baseline; this one reads version 1. Nothing is judged with a baseline that is only half understood. Upgrade driftmgr.
    b.json:1:13: Unknown version of the baseline: This driftmgr reads version 1 of the baseline.
    b.json:1:23: The baseline has a mistake: unknown field `entrys`, expected one of `version`, `key`, `entries` at line 1 column 23. Where a merge went wrong, take one side and run `driftmgr baseline record` again.
    b.json:2:1: The baseline is not valid JSON: key must be a string at line 2 column 1. Where a merge went wrong, take one side and run `driftmgr baseline record` again.
    b.json:5:8: An entry of the baseline has a mistake: unknown field `adress`, expected one of `address`, `workspace`, `type`, `id`, `account`, `region`, `kind`, `path`, `digest`, `reason`, `approver`, `expires`.
    b.json:5:12: An entry of the baseline has a mistake: invalid type: integer `7`, expected a string.
    b.json:4:5: Unknown kind of finding: "chnged" is none of changed, missing, unmanaged, pending, stale, collision, orphan, pending_destroy, dangling, not_imported, double_owner, managed_elsewhere, undetermined. Did you mean `changed`?
    b.json:4:5: An entry of the baseline has no reason: Every entry must have `reason`.
    b.json:4:5: An entry of the baseline has no approver: Every entry must have `approver`.
    b.json:4:5: Not a date: `expires` is a day such as 2026-12-31.
    b.json:4:5: An entry of the baseline is about something undetermined: What could not be looked at cannot be approved.
    b.json:4:5: An entry of the baseline is about nothing that can be found: An object has `type` and `id`, perhaps `account` and `region`, and no `address`.
    b.json:3:1: Two entries of the baseline are about the same: An entry before it is about the same. Remove one of them.
    "##);
    assert_eq!(problems("{\"version\": 1}"), "");
    assert!(problems(&format!("{{\"version\": 1, \"entries\": {}", "[".repeat(100_000))).contains("JSON"));
}

const KINDS: &[Kind] = &[Kind::Changed, Kind::Collision, Kind::Pending, Kind::Stale];
const TIERS: &[Tier] = &[Tier::Declared, Tier::Undeclared, Tier::Unclassified, Tier::Runtime, Tier::Unreadable];
const STEPS: &[&[&str]] = &[
    &["ingress", "={\"from_port\":22}"],
    &["policy"],
    &["tags", "=\"a \\\"b\\\" *?\\\\\""],
    &["settings", "=0", "ip_configuration"],
    &["name"],
    &["tags"],
];

/// What becomes of one instance: nothing, it is gone, or differences `(kind, tier, path)`.
#[derive(Clone, Debug)]
enum Fate {
    Alike,
    Gone,
    Differs(Vec<(usize, usize, usize)>),
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let differences = proptest::collection::vec((0..KINDS.len(), 0..TIERS.len(), 0..STEPS.len() - 1), 1..5);
    let fate = prop_oneof![Just(Fate::Alike), Just(Fate::Gone), differences.prop_map(Fate::Differs)];
    proptest::collection::vec(fate, 1..8)
}

fn difference_of((kind, tier, path): (usize, usize, usize)) -> AttributeDifference {
    AttributeDifference { kind: KINDS[kind], ..difference(TIERS[tier], STEPS[path], "\"old\"", "\"new\"") }
}

fn world_of(fates: &[Fate], n_unmanaged: usize, added: Option<(usize, AttributeDifference)>, fail_on: &str) -> World {
    let mut world = World::new();
    for (position, fate) in fates.iter().enumerate() {
        world.record(&format!("aws_vpc.v[\"k{position}\"]"), &format!("vpc-{position}"));
        let mut differences: Vec<AttributeDifference> = match fate {
            Fate::Gone => {
                world.read(drift::exact::Outcome::Gone);
                continue;
            }
            Fate::Alike => Vec::new(),
            Fate::Differs(differences) => {
                let mut differences = differences.clone();
                differences.sort_unstable();
                differences.dedup_by_key(|(kind, _, path)| (*kind, *path));
                differences.into_iter().map(difference_of).collect()
            }
        };
        differences.extend(added.iter().filter(|(at, _)| *at == position).map(|(_, difference)| difference.clone()));
        world.read_differences(differences);
    }
    for number in 0..n_unmanaged {
        world.object("aws.sqs.queue", &format!("https://sqs/1/q{number}?*"));
    }
    world.options = drift::JudgeOptions {
        accept_missing: true,
        fail_on: FailOn::parse(fail_on).expect("words are right"),
        ..drift::JudgeOptions::for_question(Question::DriftAndUnmanaged)
    };
    world
}

const FAIL_ON: &[&str] = &[
    "missing,unmanaged,changed:declared,collision,pending,stale,security_relevant",
    "severity:info",
    "severity:medium",
    "changed:declared,missing",
];

proptest! {
    #[test]
    fn a_baseline_of_anything_lets_nothing_fail_but_what_is_added(
        fates in fates(),
        n_unmanaged in 0..3usize,
        has_key in any::<bool>(),
        fail_on in prop::sample::select(FAIL_ON),
        added in any::<prop::sample::Index>(),
    ) {
        let key = has_key.then(key);
        let before = world_of(&fates, n_unmanaged, None, fail_on);
        let mut baseline = Baseline::default();
        let found = before.judge();
        baseline.record(&found.findings, Selection::Failing(&before.options.fail_on), &approval(), key.as_ref(), now());
        let (baseline, diagnostics) = parse_baseline("b.json", &baseline.to_text());
        prop_assert_eq!(diagnostics, vec![]);

        let mut known = world_of(&fates, n_unmanaged, None, fail_on);
        known.ignore = IgnoreRules::default().with_baseline(&baseline, key.as_ref());
        let verdict = known.judge();
        prop_assert_eq!(failing(&known), Vec::<String>::new());
        prop_assert_eq!(&verdict.diagnostics, &vec![], "every entry matches something");
        prop_assert_eq!(verdict.findings.len(), found.findings.len(), "what is ignored is still there");
        prop_assert_eq!(verdict.exit_code(false).code(), 0);

        let standing: Vec<usize> =
            fates.iter().enumerate().filter(|(_, fate)| !matches!(fate, Fate::Gone)).map(|(at, _)| at).collect();
        if !standing.is_empty() {
            let at = standing[added.index(standing.len())];
            let new = difference(Tier::Declared, &["tags", "=\"new\""], "\"x\"", "\"y\"");
            let mut next = world_of(&fates, n_unmanaged, Some((at, new)), fail_on);
            next.ignore = IgnoreRules::default().with_baseline(&baseline, key.as_ref());
            let failing: Vec<Finding> = next.judge().findings.into_iter().filter(|finding| finding.fails).collect();
            prop_assert_eq!(failing.len(), 1);
            let address = failing[0].address.as_ref().map(ToString::to_string);
            prop_assert_eq!(address, Some(format!("aws_vpc.v[\"k{at}\"]")));
            let fails = |difference: &&AttributeDifference| difference.tier == Tier::Declared;
            let paths: Vec<String> =
                failing[0].attributes.iter().filter(fails).map(|difference| difference.path.to_string()).collect();
            prop_assert_eq!(paths, vec!["tags[\"new\"]".to_owned()]);
        }
    }

    #[test]
    fn generated_rules_ignore_just_what_fails(fates in fates(), n_unmanaged in 0..3usize, reason in "[ -~]{0,12}[a-z]", fail_on in prop::sample::select(FAIL_ON)) {
        let mut world = world_of(&fates, n_unmanaged, None, fail_on);
        let findings = world.judge().findings;
        let generated =
            drift::ignore::generate(&findings, &world.options.fail_on, &reason, Some("a: 'b'"), None);
        prop_assert_eq!(generated.n_left_out, 0);
        let (rules, diagnostics) = drift::ignore::parse("i.yaml", &generated.file);
        prop_assert_eq!(diagnostics, vec![], "{}", generated.file);
        world.ignore = rules;
        prop_assert_eq!(failing(&world), Vec::<String>::new(), "{}", generated.file);
        prop_assert!(world.judge().rule_uses.iter().all(|uses| *uses > 0));
        for (_, comment) in &generated.comments {
            let text = comment.strip_prefix('#').expect("it is a comment");
            let place = support::span();
            let rule = drift::ignore::parse_comment(text, Vec::new(), None, place).expect("it is for us");
            let rule = rule.map_err(|problem| TestCaseError::fail(format!("{comment}: {problem}")))?;
            prop_assert_eq!(rule.reason, reason.clone());
        }
    }

    #[test]
    fn baselines_never_panic(text in "[a-z:{}\\[\\]\",\n0-9]{0,80}") {
        let _ = parse_baseline("b.json", &text);
        let _ = parse_baseline("b.json", &format!("{{\"version\": 1, \"entries\": [{text}]}}"));
        let _ = parse_baseline("b.json", &format!("{{\"version\": 1, \"entries\": [{{\"kind\": \"{text}\"}}]}}"));
    }
}
