//! What the code has and no state records: not made yet, or there and never imported.

mod support;

use drift::{DeclaredNames, Question, UnrecordedInstance};
use support::{ACCOUNT, REGION, World};

fn declare(world: &mut World, address: &str, names: DeclaredNames) {
    world.unrecorded.push(UnrecordedInstance {
        address: address.parse().expect(address),
        source: None,
        provider: None,
        state: 0,
        account: Some(ACCOUNT.into()),
        region: Some(REGION.into()),
        names,
        is_being_imported: false,
    });
}

fn by_id(id: &str) -> DeclaredNames {
    DeclaredNames { import_id: Some(id.into()), ..DeclaredNames::default() }
}

#[test]
fn what_exists_under_its_import_id_was_never_imported_and_what_does_not_is_no_finding() {
    let mut world = World::new();
    declare(&mut world, "aws_sqs_queue.jobs", by_id("jobs"));
    declare(&mut world, "aws_sqs_queue.new", by_id("new"));
    declare(&mut world, "aws_sqs_queue.unknown", DeclaredNames::default());
    world.object("aws.sqs.queue", "jobs");
    world.object("aws.sqs.queue", "other");
    insta::assert_snapshot!(world.found(), @"
    unmanaged aws_sqs_queue other: The state a.tfstate does not record it.
      remedy: import aws_sqs_queue.other from other
    not_imported FAILS aws_sqs_queue.jobs: The code has it and so has the cloud, but no state records it: it was never imported.
      remedy: import aws_sqs_queue.jobs from jobs
    exit code 2
    ");
    // Where it is only asked what nobody manages, it is that.
    world.options.question = Question::Unmanaged;
    assert_eq!(world.judge().findings.iter().filter(|finding| finding.kind == model::Kind::Unmanaged).count(), 2);
}

#[test]
fn a_unique_name_an_identity_and_an_arn_tell_as_well() {
    let named = DeclaredNames { unique_name: Some("jobs".to_owned()), ..DeclaredNames::default() };
    let by_arn = DeclaredNames { arn: Some("arn:1".to_owned()), ..DeclaredNames::default() };
    for names in [named, by_arn] {
        let mut world = World::new();
        declare(&mut world, "aws_sqs_queue.jobs", names);
        let object = world.object("aws.sqs.queue", "url");
        object.name = Some("jobs".to_owned());
        object.arn = Some("arn:1".to_owned());
        assert!(world.found().starts_with("not_imported FAILS aws_sqs_queue.jobs"), "{}", world.found());
    }
}

#[test]
fn what_another_state_records_lies_elsewhere_or_is_another_type_is_not_it() {
    let mut world = World::new();
    declare(&mut world, "aws_sqs_queue.jobs", by_id("jobs"));
    world.record("aws_sqs_queue.recorded", "jobs");
    world.object("aws.sqs.queue", "jobs");
    assert!(!world.found().contains("not_imported"), "{}", world.found());

    let mut world = World::new();
    declare(&mut world, "aws_vpc.a", by_id("jobs"));
    world.object("aws.sqs.queue", "jobs");
    world.unrecorded[0].region = Some("us-east-1".into());
    assert!(!world.found().contains("not_imported"), "{}", world.found());
    world.unrecorded[0].address = "aws_sqs_queue.jobs".parse().expect("an address");
    assert!(!world.found().contains("not_imported"), "{}", world.found());
}

#[test]
fn what_may_be_it_is_undetermined_and_stays_unmanaged() {
    let mut world = World::new();
    declare(&mut world, "aws_sqs_queue.jobs", by_id("jobs"));
    world.unrecorded[0].region = None;
    world.object("aws.sqs.queue", "jobs");
    let found = world.found();
    assert!(found.contains("undetermined aws_sqs_queue.jobs: The code has it and no state does"), "{found}");
    assert!(found.contains("unmanaged aws_sqs_queue jobs"), "{found}");

    let mut world = World::new();
    for address in ["aws_sqs_queue.a", "aws_sqs_queue.b"] {
        declare(&mut world, address, by_id("jobs"));
    }
    world.object("aws.sqs.queue", "jobs");
    assert!(!world.found().contains("not_imported"), "one object is not two instances: {}", world.found());
}

#[test]
fn what_an_import_block_is_about_is_pending() {
    let mut world = World::new();
    declare(&mut world, "aws_sqs_queue.jobs", by_id("jobs"));
    world.unrecorded[0].is_being_imported = true;
    world.object("aws.sqs.queue", "jobs");
    insta::assert_snapshot!(world.found(), @"
    pending aws_sqs_queue.jobs: The code has an `import` block for it: the next apply imports it.
    exit code 0
    ");
}
