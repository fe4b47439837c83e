//! Which addresses adopted objects get.

mod support;

use std::collections::BTreeSet;

use drift::adopt::{Adoption, AdoptionKey, AdoptionStep, Choice, Choices, NamePattern, plan};
use support::World;

fn planned(world: &World, choices: &Choices) -> String {
    let verdict = world.judge();
    let recorded: BTreeSet<_> = world.recorded.iter().map(|instance| &instance.address).collect();
    let (adoptions, diagnostics) = plan(&verdict.findings, &recorded, choices, &NamePattern::default());
    let mut lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.extend(adoptions.iter().map(|adoption| match &adoption.step {
        AdoptionStep::Import { to, id } => format!("{id} -> {to}"),
        AdoptionStep::Skip { reason, .. } => {
            format!("{} skipped: {reason}", adoption.finding.id.as_ref().map_or("-", |id| id.as_str()))
        }
    }));
    lines.join("\n")
}

fn world() -> World {
    let mut world = World::new();
    world.record("aws_vpc.main", "vpc-0");
    world.object("aws.ec2.vpc", "vpc-0");
    for (id, name) in [
        ("vpc-1", "Main"),
        ("vpc-2", "Größe ${x} \"y\""),
        ("vpc-3", "twin"),
        ("vpc-4", "twin"),
        ("vpc-5", "4 wheels"),
        ("vpc-6", "日本"),
    ] {
        world.object("aws.ec2.vpc", id).name = Some(name.to_owned());
    }
    world.object("aws.sqs.queue", "///");
    world.object("aws.sqs.queue", "q").import_id = None;
    world.object("aws.ec2.vpc", "vpc-7").standing = model::Standing::Default("It is the default VPC.".to_owned());
    world
}

#[test]
fn names_are_identifiers_without_collisions() {
    insta::assert_snapshot!(planned(&world(), &Choices::new()), @"
    - skipped: It has no import id.
    /// -> aws_sqs_queue.r_28faa0
    vpc-1 -> aws_vpc.main_48c76c
    vpc-2 -> aws_vpc.grosse_x_y
    vpc-3 -> aws_vpc.twin_577456
    vpc-4 -> aws_vpc.twin_69c165
    vpc-5 -> aws_vpc.r_4_wheels
    vpc-6 -> aws_vpc.vpc_6
    vpc-7 skipped: It is the default VPC.
    ");
}

#[test]
fn a_person_decides_otherwise() {
    let key = |id: &str| AdoptionKey { resource_type: "aws_vpc".into(), id: id.into(), account: None, region: None };
    let import = |address: &str| Choice::Import(address.parse().expect(address));
    let choices = Choices::from([
        (key("vpc-1"), import("module.net.aws_vpc.this[\"a\"]")),
        (key("vpc-2"), Choice::Skip("It goes away.".to_owned())),
        (key("vpc-3"), import("aws_vpc.main")),
        (key("vpc-4"), import("aws_subnet.main")),
        (key("vpc-7"), import("aws_vpc.r_4-wheels")),
    ]);
    insta::assert_snapshot!(planned(&world(), &choices), @r#"
    An address is taken: The mapping file sends vpc-3 to aws_vpc.main, which another object has. Give the object an address of its own in the mapping file.
    An object is sent to an address of another type: vpc-4 is a aws_vpc; the mapping file sends it to aws_subnet.main.
    - skipped: It has no import id.
    /// -> aws_sqs_queue.r_28faa0
    vpc-1 -> module.net.aws_vpc.this["a"]
    vpc-2 skipped: It goes away.
    vpc-5 -> aws_vpc.r_4_wheels
    vpc-6 -> aws_vpc.vpc_6
    vpc-7 -> aws_vpc.r_4-wheels
    "#);
}

#[test]
fn names_follow_a_pattern() {
    let check = |pattern: &str| {
        let mut world = World::new();
        let queue = world.object("aws.sqs.queue", "https://sqs.eu-west-1.amazonaws.com/111111111111/jobs");
        queue.tags = Some([("Name", "Jobs!"), ("team", "Zażółć")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        world.object("aws.sqs.queue", "https://sqs.eu-west-1.amazonaws.com/111111111111/for").name =
            Some("日本".into());
        let verdict = world.judge();
        let pattern: NamePattern = match pattern.parse() {
            Ok(pattern) => pattern,
            Err(error) => return format!("{error}"),
        };
        let (adoptions, _) = plan(&verdict.findings, &BTreeSet::new(), &Choices::new(), &pattern);
        let name = |adoption: &Adoption<'_>| match &adoption.step {
            AdoptionStep::Import { to, .. } | AdoptionStep::Skip { to: Some(to), .. } => to.resource.name.to_string(),
            AdoptionStep::Skip { .. } => "-".to_owned(),
        };
        adoptions.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    insta::assert_snapshot!(check("{name}"), @"r_for jobs");
    insta::assert_snapshot!(check("{service}_{name}"), @"sqs_for sqs_jobs");
    insta::assert_snapshot!(check("{type}-{id}"), @"sqs_queue-for sqs_queue-jobs");
    insta::assert_snapshot!(check("{account}_{region}_{name}"), @"r_111111111111_eu-west-1_for r_111111111111_eu-west-1_jobs");
    insta::assert_snapshot!(check("{tag:team}"), @"r_for zazolc");
    insta::assert_snapshot!(check("x_{tag:none}"), @"r_for jobs");
    insta::assert_snapshot!(check("{service}"), @"sqs_27dc97 sqs_89554b");
    insta::assert_snapshot!(check("{nam}"), @r#"invalid pattern of names "{nam}": there is no placeholder {nam}; there are {name}, {service}, {type}, {region}, {account}, {id} and {tag:KEY}"#);
    insta::assert_snapshot!(check("{name"), @r#"invalid pattern of names "{name": a placeholder does not close; write it as in {name}"#);
    insta::assert_snapshot!(check("a b{name}"), @r#"invalid pattern of names "a b{name}": ' ' cannot stand in a name; letters, digits, _ and - can"#);
    insta::assert_snapshot!(check("{tag:}"), @r#"invalid pattern of names "{tag:}": the placeholder {tag:} names no tag"#);
    insta::assert_snapshot!(check("main"), @r#"invalid pattern of names "main": it has no placeholder, so every object would have the same name"#);
}

#[test]
fn names_come_from_what_an_id_says() {
    let check = |id: &str| {
        let mut world = World::new();
        // A name stands behind an id of NAT gateways.
        match id.split_once(' ').filter(|(id, _)| id.starts_with("nat-")) {
            Some((id, name)) => world.object("aws.sqs.queue", id).name = Some(name.to_owned()),
            None => {
                world.object("aws.sqs.queue", id);
            }
        }
        let verdict = world.judge();
        let (adoptions, _) = plan(&verdict.findings, &BTreeSet::new(), &Choices::new(), &NamePattern::default());
        match &adoptions[..] {
            [Adoption { step: AdoptionStep::Import { to, .. }, .. }] => to.resource.name.to_string(),
            other => format!("{other:?}"),
        }
    };
    insta::assert_snapshot!(check("My Queue-1"), @"my_queue_1");
    insta::assert_snapshot!(check("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/my-lb/50dc6c495c0c9188"), @"my_lb");
    insta::assert_snapshot!(check("arn:aws:kms:eu-west-1:1:key/1234abcd-12ab-34cd-56ef-1234567890ab"), @"r_1234abcd_12ab_34cd_56ef_1234567890ab");
    insta::assert_snapshot!(check("arn:aws:sns:eu-west-1:1:topic"), @"topic");
    insta::assert_snapshot!(check("projects/p/global/networks/blue"), @"blue");
    insta::assert_snapshot!(check("role:inline"), @"role_inline");
    insta::assert_snapshot!(check("https://x/"), @"x");
    insta::assert_snapshot!(check("nat-0 Edge a (nat-0)"), @"edge_a");
    insta::assert_snapshot!(check("nat-0 (nat-0)"), @"nat_0");
    insta::assert_snapshot!(check("nat-0 Edge (old)"), @"edge_old");
    insta::assert_snapshot!(check("arn:aws:x:y:z:"), @"arn_aws_x_y_z");
}
