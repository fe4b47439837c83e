//! Differences that follow from another instance, and those that only seem to.

mod support;

use cty::{Type, Value};
use drift::UnrecordedInstance;
use drift::exact::Outcome;
use model::{AttributeDifference, Kind, Tier};
use support::{References, World, difference};

fn of_kind(kind: Kind, steps: &[&str]) -> AttributeDifference {
    AttributeDifference { kind, ..difference(Tier::Declared, steps, r#""a""#, r#""b""#) }
}

/// Lists which differences follow from what, and why.
fn followed(world: &World) -> Vec<String> {
    let verdict = world.judge();
    let mut lines = Vec::new();
    for finding in &verdict.findings {
        for difference in &finding.attributes {
            let from = difference.propagated_from.as_ref().map_or("-".to_owned(), ToString::to_string);
            let address = finding.address.as_ref().map_or(String::new(), ToString::to_string);
            let cause = difference.cause.as_deref().unwrap_or("-");
            lines.push(format!("{} {address} {} <- {from}: {cause}", difference.kind, difference.path));
        }
    }
    lines
}

fn world(references: Vec<(&'static str, &'static str, &'static str, &'static str)>) -> World {
    World { references: Some(References(references)), ..World::new() }
}

#[test]
fn a_value_that_refers_to_what_is_missing_follows_from_that() {
    let mut world = world(vec![("aws_sqs_queue.q", "subnet", "aws_subnet.a", "id")]);
    world.record("aws_subnet.a", "subnet-1");
    world.read(Outcome::Gone);
    world.record("aws_sqs_queue.q", "q");
    world.read_differences(vec![of_kind(Kind::Changed, &["subnet"])]);
    assert_eq!(
        followed(&world),
        ["changed aws_sqs_queue.q subnet <- aws_subnet.a: It follows from aws_subnet.a, which is missing."]
    );
    // It is what it is all the same.
    let finding = world.judge().findings.into_iter().find(|finding| finding.kind == Kind::Changed);
    assert!(finding.expect("it is there").fails);
}

#[test]
fn a_value_that_refers_to_an_instance_that_differs_elsewhere_does_not() {
    let mut world = world(vec![("aws_sqs_queue.q", "vpc", "aws_vpc.a", "id")]);
    world.record("aws_vpc.a", "vpc-1");
    world.read_differences(vec![of_kind(Kind::Changed, &["name"])]);
    world.record("aws_sqs_queue.q", "q");
    world.read_differences(vec![of_kind(Kind::Changed, &["vpc"])]);
    assert_eq!(followed(&world), ["changed aws_sqs_queue.q vpc <- -: -", "changed aws_vpc.a name <- -: -"]);
    world.references = Some(References(vec![("aws_sqs_queue.q", "vpc", "aws_vpc.a", "name")]));
    assert_eq!(
        followed(&world)[0],
        "changed aws_sqs_queue.q vpc <- aws_vpc.a: It follows from aws_vpc.a, whose `name` differs."
    );
}

#[test]
fn a_chain_names_its_first_instance_and_a_circle_ends() {
    let chain = vec![("aws_vpc.c", "name", "aws_vpc.b", "name"), ("aws_vpc.b", "name", "aws_vpc.a", "name")];
    let mut world = world(chain.clone());
    for address in ["aws_vpc.a", "aws_vpc.b", "aws_vpc.c"] {
        world.record(address, address);
        world.read_differences(vec![of_kind(Kind::Pending, &["name"])]);
    }
    let from = |world: &World| -> Vec<String> {
        let part = |line: &String| line.split([':', '-']).nth(1).unwrap_or_default().trim().to_owned();
        followed(world).iter().map(part).collect()
    };
    assert_eq!(from(&world), ["", "aws_vpc.a", "aws_vpc.a"]);
    world.references = Some(References([chain, vec![("aws_vpc.a", "name", "aws_vpc.c", "name")]].concat()));
    assert_eq!(from(&world).len(), 3, "it ends");
    assert!(
        world.judge().findings.iter().all(|finding| {
            finding.attributes.iter().all(|difference| difference.propagated_from != finding.address)
        })
    );
}

#[test]
fn code_that_is_not_applied_has_changed_nothing_in_the_cloud() {
    let mut world = world(vec![("aws_vpc.b", "name", "aws_vpc.a", "name")]);
    world.record("aws_vpc.a", "vpc-1");
    world.read_differences(vec![of_kind(Kind::Pending, &["name"])]);
    world.record("aws_vpc.b", "vpc-2");
    world.read_differences(vec![of_kind(Kind::Changed, &["name"])]);
    assert_eq!(followed(&world)[0], "changed aws_vpc.b name <- -: -");
    world.read_differences(vec![of_kind(Kind::Collision, &["name"])]);
    assert!(followed(&world).iter().any(|line| line.starts_with("collision aws_vpc.b name <- aws_vpc.a")));
}

#[test]
fn an_instance_that_moved_is_found_by_the_address_the_code_has() {
    let mut world = world(vec![("aws_vpc.b", "name", "aws_vpc.after", "")]);
    world.record("aws_vpc.before", "vpc-1");
    world.read_differences(vec![of_kind(Kind::Changed, &["name"])]);
    world.record("aws_vpc.b", "vpc-2");
    world.read_differences(vec![of_kind(Kind::Changed, &["name"])]);
    assert_eq!(
        followed(&world)[0],
        "changed aws_vpc.b name <- aws_vpc.before: It follows from aws_vpc.before, whose `name` differs."
    );
}

#[test]
fn what_is_not_made_yet_leaves_values_unknown() {
    let mut world = world(vec![("aws_vpc.b", "name", "aws_vpc.new", "id")]);
    world.record("aws_vpc.b", "vpc-2");
    let unknown = AttributeDifference {
        code: Some(Value::unknown(Type::String)),
        cause: Some("It is not known.".to_owned()),
        ..of_kind(Kind::Changed, &["name"])
    };
    world.read_differences(vec![unknown]);
    world.unrecorded.push(UnrecordedInstance {
        address: "aws_vpc.new".parse().expect("an address"),
        source: None,
        provider: None,
        state: 0,
        account: None,
        region: None,
        names: drift::DeclaredNames::default(),
        is_being_imported: false,
    });
    assert_eq!(
        followed(&world),
        ["changed aws_vpc.b name <- aws_vpc.new: It is not known. It follows from aws_vpc.new, which is not made yet."]
    );
    world.read_differences(vec![of_kind(Kind::Changed, &["name"])]);
    assert_eq!(followed(&world), ["changed aws_vpc.b name <- -: -"], "a known value does not come of it");
}
