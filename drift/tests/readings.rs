//! What becomes of instances that their provider was asked about.

mod support;

use std::collections::BTreeMap;

use drift::exact::{Outcome, ProviderUse};
use model::{Cause, CauseKind, Precision, Tier};
use support::{World, difference};

#[test]
fn without_differences_there_is_no_finding_and_no_scope_is_needed() {
    let mut world = World::new();
    world.record("random_id.a", "x");
    world.read_differences(Vec::new());
    world.record("aws_lambda_alias.a", "x");
    world.read_differences(Vec::new());
    assert_eq!(world.found(), "exit code 0");
    let coverage = world.judge().coverage;
    assert_eq!((coverage.n_instances, coverage.n_checked, coverage.n_state_only), (2, 2, 0));
    assert!(coverage.configurations.iter().all(|scope| scope.precision == Precision::Provider));
}

#[test]
fn what_the_code_declares_fails_and_comes_first() {
    let mut world = World::new();
    world.record("aws_vpc.a", "vpc-1");
    world.read_differences(vec![
        difference(Tier::Runtime, &["arn"], r#""x""#, r#""y""#),
        difference(Tier::Undeclared, &["size"], "1", "2"),
        difference(Tier::Declared, &["tags", r#"="a""#], r#""1""#, r#""2""#),
    ]);
    insta::assert_snapshot!(world.found(), @r#"
    changed FAILS aws_vpc.a: The cloud differs from the state in tags, size.
      declared tags["a"]: "1" -> "2"
      undeclared size: 1 -> 2
      runtime arn: "x" -> "y"
      remedy: apply
      remedy: set tags["a"] = "2" in the code
    exit code 2
    "#);
    let finding = world.judge().findings.remove(0);
    assert_eq!((finding.precision, finding.provider_version.as_deref()), (Some(Precision::Provider), Some("6.47.1")));
}

#[test]
fn undeclared_differences_are_shown_and_only_those_relevant_for_security_fail() {
    let mut world = World::new();
    world.record("aws_vpc.a", "vpc-1");
    world.read_differences(vec![difference(Tier::Undeclared, &["size"], "1", "2")]);
    world.record("aws_security_group.a", "sg-1");
    world.read_differences(vec![difference(
        Tier::Undeclared,
        &["ingress", r#"={"from_port":22}"#],
        "",
        r#"{"from_port":22,"cidr_blocks":["0.0.0.0/0"]}"#,
    )]);
    insta::assert_snapshot!(world.found(), @r#"
    changed FAILS aws_security_group.a: The cloud differs from the state in ingress.
      undeclared ingress[{from_port = 22}]: - -> {cidr_blocks = ["0.0.0.0/0"], from_port = 22}
    changed aws_vpc.a: The cloud differs from the state in size.
      undeclared size: 1 -> 2
    exit code 2
    "#);
    world.options.fail_on = drift::FailOn::parse("declared").expect("a tier");
    assert!(world.found().ends_with("exit code 0"));
    world.options.fail_on = drift::FailOn::parse("security_relevant").expect("a word");
    assert!(world.found().ends_with("exit code 2"));
}

#[test]
fn a_finding_of_nothing_but_noise_is_folded_unless_it_is_asked_for() {
    let mut world = World::new();
    world.record("aws_vpc.a", "vpc-1");
    world.read_differences(vec![
        difference(Tier::Runtime, &["status"], r#""x""#, r#""y""#),
        difference(Tier::SchemaAdded, &["region"], "", r#""y""#),
        difference(Tier::Ignored, &["size"], "1", "2"),
    ]);
    insta::assert_snapshot!(world.found(), @r#"
    changed aws_vpc.a: The cloud differs from the state in status, size, region.
      runtime status: "x" -> "y"
      ignored size: 1 -> 2
      schema_added region: - -> "y"
      folded: Nothing differs but what only the provider sets, what the code ignores and what the provider grew since the state was written.
    exit code 0
    "#);
    world.options.tiers = [Tier::Runtime].into();
    assert_eq!(world.judge().findings[0].folded, None);
}

#[test]
fn reserved_tags_are_never_compared() {
    let mut world = World::new();
    world.record("aws_vpc.a", "vpc-1");
    world.read_differences(vec![
        difference(Tier::Declared, &["tags", r#"="aws:cloudformation:stack""#], "", r#""s""#),
        difference(Tier::Runtime, &["tags_all", r#"="aws:cloudformation:stack""#], "", r#""s""#),
    ]);
    assert_eq!(world.found(), "exit code 0");
}

#[test]
fn what_the_provider_does_not_find_is_missing_or_dangling() {
    let mut world = World::new();
    world.declared = Some(support::Code(BTreeMap::from([("aws_vpc.a".to_owned(), vec![])])));
    world.record("aws_vpc.a", "vpc-1");
    world.read(Outcome::Gone);
    world.record("aws_vpc.b", "vpc-2");
    world.read(Outcome::Gone);
    world.record("aws_vpc.a", "vpc-3").deposed = Some("00000001".into());
    world.read(Outcome::Gone);
    insta::assert_snapshot!(world.found(), @"
    missing FAILS aws_vpc.a: The state records it, and its provider looked twice and did not find it.
      remedy: apply
      remedy: forget aws_vpc.a
    dangling FAILS aws_vpc.a (deposed 00000001): The deposed object is gone; only the state remembers it.
      remedy: apply
    dangling FAILS aws_vpc.b: Neither the code nor the cloud has it; only the state remembers it.
      remedy: forget aws_vpc.b
    exit code 2
    ");
}

#[test]
fn an_implausible_share_of_missing_objects_is_undetermined() {
    let mut world = World::new();
    for number in 0..6 {
        world.record(&format!("aws_vpc.v{number}"), &format!("vpc-{number}"));
        world.read(if number < 5 { Outcome::Gone } else { Outcome::Seen { differences: vec![], observed: None } });
    }
    let verdict = world.judge();
    assert_eq!(verdict.coverage.n_undetermined, 5);
    assert_eq!(verdict.exit_code(false).code(), 3);
}

#[test]
fn tainted_and_deposed_objects_and_those_without_code_are_what_they_are() {
    let mut world = World::new();
    world.declared = Some(support::Code(BTreeMap::from([("aws_vpc.a".to_owned(), vec![])])));
    world.record("aws_vpc.a", "vpc-1").is_tainted = true;
    world.read_differences(Vec::new());
    world.record("aws_vpc.b", "vpc-2");
    world.read_differences(Vec::new());
    insta::assert_snapshot!(world.found(), @"
    pending aws_vpc.a: It is tainted: the next apply replaces it.
    orphan FAILS aws_vpc.b: No code is left for it: the next apply destroys it.
      remedy: forget aws_vpc.b
    exit code 2
    ");
}

#[test]
fn what_the_change_removes_is_destroyed_on_purpose_and_what_was_gone_before_it_is_an_orphan() {
    let mut world = World::new();
    world.declared = Some(support::Code(BTreeMap::from([("aws_vpc.a".to_owned(), vec![])])));
    for (address, id) in [("aws_vpc.a", "vpc-1"), ("aws_vpc.b", "vpc-2"), ("aws_vpc.c", "vpc-3")] {
        world.record(address, id);
        world.read_differences(Vec::new());
    }
    // That BASE had a block says nothing where HEAD has it as well.
    world.removed_by_change = ["aws_vpc.a", "aws_vpc.b"].map(|address| address.parse().expect(address)).into();
    insta::assert_snapshot!(world.found(), @"
    orphan FAILS aws_vpc.c: No code is left for it: the next apply destroys it.
      remedy: forget aws_vpc.c
    pending_destroy aws_vpc.b: This change removes its code: the next apply destroys it.
    exit code 2
    ");
}

#[test]
fn what_could_not_be_read_is_undetermined_and_the_provider_s_trouble_is_said() {
    let mut world = World::new();
    let crashed = Cause::new(CauseKind::ProviderFailed, "The provider ended: panic: nil map.");
    world.record("aws_vpc.a", "vpc-1");
    world.read(Outcome::Unseen(crashed));
    world.record("aws_lambda_alias.a", "x");
    let provider = world.recorded[1].provider.clone();
    world.provider_uses.push(ProviderUse {
        state: 0,
        provider,
        version: Some("6.47.1".to_owned()),
        calls: BTreeMap::from([("ReadResource".to_owned(), 1)]),
        cause: Some(Cause::new(CauseKind::NoProvider, "No binary of hashicorp/aws was found.")),
    });
    insta::assert_snapshot!(world.found(), @"
    undetermined aws_lambda_alias.a: No binary of hashicorp/aws was found.
      cause: no_provider
    undetermined aws_vpc.a: The provider ended: panic: nil map.
      cause: provider_failed
    exit code 3
    ");
    let configuration = world.judge().coverage.configurations.remove(0);
    assert_eq!(configuration.provider_version.as_deref(), Some("6.47.1"));
    assert_eq!(configuration.calls["ReadResource"], 1);
}

#[test]
fn what_the_provider_said_wins_over_what_the_inventory_saw() {
    let mut world = World::new();
    world.record_with("aws_sqs_queue.a", "q", r#"{"delay":1}"#);
    world.read_differences(Vec::new());
    world.object("aws.sqs.queue", "q").attributes.insert("delay".to_owned(), support::json("2"));
    assert_eq!(world.found(), "exit code 0");
}
