//! What another recorded instance accounts for is explained; what somebody put beside it stays undeclared and fails.

mod support;

use cty::Value;
use drift::exact::Outcome;
use model::{Kind, Tier};
use support::{World, difference, json};

/// A difference in an argument that the code leaves open: what the cloud gained, or lost.
struct Change {
    steps: &'static [&'static str],
    state: &'static str,
    cloud: &'static str,
}

const fn gained(steps: &'static [&'static str], cloud: &'static str) -> Change {
    Change { steps, state: "", cloud }
}

/// Judges one instance with one difference beside others that are as recorded.
fn found(subject: (&str, &str, &str), twins: &[(&str, &str)], change: &Change) -> Vec<String> {
    let mut world = World::new();
    world.record_with(subject.0, subject.1, subject.2);
    world.read_differences(vec![difference(Tier::Undeclared, change.steps, change.state, change.cloud)]);
    for (number, (address, attributes)) in twins.iter().enumerate() {
        world.record_with(address, &format!("twin-{number}"), attributes);
        world.read_differences(Vec::new());
    }
    lines(&world)
}

fn lines(world: &World) -> Vec<String> {
    let verdict = world.judge();
    let mut lines = Vec::new();
    for finding in verdict.findings.iter().filter(|finding| finding.kind == Kind::Changed) {
        for difference in &finding.attributes {
            let cause = difference.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            let fails = if finding.fails { "FAILS " } else { "" };
            lines.push(format!("{fails}{} {}{cause}", difference.tier, difference.path));
        }
    }
    lines
}

const BUCKET: (&str, &str, &str) = (
    "aws_s3_bucket.b",
    "data",
    r#"{"id":"data","bucket":"data","arn":"arn:aws:s3:::data","region":"eu-west-1","acl":null,"policy":"","versioning":[],"logging":[],
        "website":[],"cors_rule":[],"lifecycle_rule":[],"server_side_encryption_configuration":[],"force_destroy":false}"#,
);

const BUCKET_TWINS: &[(&str, &str)] = &[
    (
        "aws_s3_bucket_policy.p",
        r#"{"id":"data","bucket":"data","region":"eu-west-1","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}"}"#,
    ),
    (
        "aws_s3_bucket_versioning.v",
        r#"{"id":"data","bucket":"data","region":"eu-west-1","versioning_configuration":[{"status":"Enabled","mfa_delete":""}]}"#,
    ),
    (
        "aws_s3_bucket_server_side_encryption_configuration.e",
        r#"{"id":"data","bucket":"data","rule":[{"apply_server_side_encryption_by_default":[{"sse_algorithm":"aws:kms","kms_master_key_id":"arn:aws:kms:key/1"}],"bucket_key_enabled":true}]}"#,
    ),
    (
        "aws_s3_bucket_cors_configuration.c",
        r#"{"id":"data","bucket":"data","cors_rule":[{"id":"","allowed_methods":["GET"],"allowed_origins":["https://example.com"],"max_age_seconds":3000}]}"#,
    ),
    (
        "aws_s3_bucket_logging.l",
        r#"{"id":"data","bucket":"data","target_bucket":"logs-of-all","target_prefix":"data/","target_grant":[]}"#,
    ),
    (
        "aws_s3_bucket_website_configuration.w",
        r#"{"id":"data","bucket":"data","index_document":[{"suffix":"index.html"}],"error_document":[{"key":"error.html"}]}"#,
    ),
    (
        "aws_s3_bucket_lifecycle_configuration.l",
        r#"{"id":"data","bucket":"data","rule":[{"id":"expire","status":"Enabled","filter":[{"prefix":"tmp/"}],"expiration":[{"days":30}],
            "noncurrent_version_expiration":[{"noncurrent_days":90}],"abort_incomplete_multipart_upload":[{"days_after_initiation":7}]}]}"#,
    ),
    (
        "aws_s3_bucket_public_access_block.a",
        r#"{"id":"data","bucket":"data","block_public_acls":true,"block_public_policy":true,"ignore_public_acls":true,"restrict_public_buckets":true}"#,
    ),
];

#[test]
fn a_bucket_s_parts_come_from_their_own_resources() {
    let cases = [
        (
            "aws_s3_bucket_policy.p",
            gained(
                &["policy"],
                r#""{\"Statement\":{\"Action\":[\"s3:*\"],\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},\"Resource\":\"*\"},\"Version\":\"2012-10-17\"}""#,
            ),
        ),
        ("aws_s3_bucket_versioning.v", gained(&["versioning", "=0"], r#"{"enabled":true,"mfa_delete":false}"#)),
        (
            "aws_s3_bucket_versioning.v",
            Change { steps: &["versioning", "=0", "enabled"], state: "false", cloud: "true" },
        ),
        (
            "aws_s3_bucket_server_side_encryption_configuration.e",
            gained(
                &["server_side_encryption_configuration", "=0"],
                r#"{"rule":[{"apply_server_side_encryption_by_default":[{"kms_master_key_id":"arn:aws:kms:key/1","sse_algorithm":"aws:kms"}],"bucket_key_enabled":true}]}"#,
            ),
        ),
        (
            "aws_s3_bucket_cors_configuration.c",
            gained(
                &["cors_rule", "=0"],
                r#"{"allowed_headers":[],"allowed_methods":["GET"],"allowed_origins":["https://example.com"],"expose_headers":[],"max_age_seconds":3000}"#,
            ),
        ),
        (
            "aws_s3_bucket_logging.l",
            gained(
                &["logging", r#"={"target_bucket":"logs-of-all"}"#],
                r#"{"target_bucket":"logs-of-all","target_prefix":"data/"}"#,
            ),
        ),
        (
            "aws_s3_bucket_website_configuration.w",
            gained(
                &["website", "=0"],
                r#"{"error_document":"error.html","index_document":"index.html","redirect_all_requests_to":"","routing_rules":""}"#,
            ),
        ),
        (
            "aws_s3_bucket_lifecycle_configuration.l",
            gained(
                &["lifecycle_rule", "=0"],
                r#"{"id":"expire","enabled":true,"prefix":"tmp/","tags":null,"abort_incomplete_multipart_upload_days":7,
                    "expiration":[{"date":"","days":30,"expired_object_delete_marker":false}],"noncurrent_version_expiration":[{"days":90}],"transition":[]}"#,
            ),
        ),
    ];
    for (twin, change) in cases {
        let path = difference(Tier::Undeclared, change.steps, "", "").path;
        assert_eq!(found(BUCKET, BUCKET_TWINS, &change), [format!("explained {path}: {twin} accounts for it.")]);
        let others: Vec<_> = BUCKET_TWINS.iter().copied().filter(|(address, _)| *address != twin).collect();
        assert_eq!(found(BUCKET, &others, &change), [format!("FAILS undeclared {path}")], "no other holds it");
    }
}

#[test]
fn what_somebody_put_on_the_bucket_is_not_explained() {
    let cases = [
        gained(
            &["policy"],
            r#""{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"*\"}]}""#,
        ),
        Change { steps: &["versioning", "=0", "enabled"], state: "true", cloud: "false" },
        gained(
            &["server_side_encryption_configuration", "=0"],
            r#"{"rule":[{"apply_server_side_encryption_by_default":[{"sse_algorithm":"AES256"}]}]}"#,
        ),
        gained(&["cors_rule", "=1"], r#"{"allowed_methods":["GET"],"allowed_origins":["*"],"max_age_seconds":3000}"#),
        gained(&["logging", "=0"], r#"{"target_bucket":"somebody-else","target_prefix":"data/"}"#),
        gained(&["website", "=0"], r#"{"error_document":"error.html","index_document":"rogue.html"}"#),
        gained(&["lifecycle_rule", "=1"], r#"{"id":"expire","enabled":true,"expiration":[{"days":1}]}"#),
        gained(&["lifecycle_rule", "=1"], r#"{"id":"rogue","enabled":true,"expiration":[{"days":30}]}"#),
        gained(&["acl"], r#""public-read""#),
    ];
    for change in cases {
        let path = difference(Tier::Undeclared, change.steps, "", "").path;
        let lines = found(BUCKET, BUCKET_TWINS, &change);
        assert!(lines[0].starts_with(&format!("FAILS undeclared {path}")), "{lines:?}");
    }
}

const ROLE: (&str, &str, &str) = (
    "aws_iam_role.r",
    "runner",
    r#"{"id":"runner","name":"runner","arn":"arn:aws:iam::1:role/runner","assume_role_policy":"{}","inline_policy":[],"managed_policy_arns":[]}"#,
);

const ROLE_TWINS: &[(&str, &str)] = &[
    (
        "aws_iam_role_policy_attachment.a",
        r#"{"id":"runner-20260601","role":"runner","policy_arn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}"#,
    ),
    (
        "aws_iam_role_policy.p",
        r#"{"id":"runner:logs","role":"runner","name":"logs","policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"logs:*\",\"Resource\":\"*\"}]}"}"#,
    ),
];

#[test]
fn a_role_s_policies_come_from_their_own_resources() {
    let attached = gained(
        &["managed_policy_arns", r#"="arn:aws:iam::aws:policy/ReadOnlyAccess""#],
        r#""arn:aws:iam::aws:policy/ReadOnlyAccess""#,
    );
    let lines = found(ROLE, ROLE_TWINS, &attached);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("explained") && lines[0].contains("aws_iam_role_policy_attachment.a"), "{lines:?}");
    let inline = gained(
        &["inline_policy", r#"={"name":"logs"}"#],
        r#"{"name":"logs","policy":"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":[\"logs:*\"],\"Resource\":\"*\"}}"}"#,
    );
    let lines = found(ROLE, ROLE_TWINS, &inline);
    assert_eq!(lines, [r#"explained inline_policy[{name = "logs"}]: aws_iam_role_policy.p accounts for it."#]);

    let admin = gained(
        &["managed_policy_arns", r#"="arn:aws:iam::aws:policy/AdministratorAccess""#],
        r#""arn:aws:iam::aws:policy/AdministratorAccess""#,
    );
    assert!(found(ROLE, ROLE_TWINS, &admin)[0].starts_with("FAILS undeclared"));
    for rogue in [
        r#"{"name":"logs","policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"}"#,
        r#"{"name":"rogue","policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"logs:*\",\"Resource\":\"*\"}]}"}"#,
    ] {
        let change = Change { steps: &["inline_policy", r#"={"name":"x"}"#], state: "", cloud: rogue };
        assert!(found(ROLE, ROLE_TWINS, &change)[0].starts_with("FAILS undeclared"), "{rogue}");
    }
}

const GROUP: (&str, &str, &str) = (
    "aws_security_group.g",
    "sg-1",
    r#"{"id":"sg-1","name":"web","arn":"arn:aws:ec2:sg-1","vpc_id":"vpc-1","description":"web","ingress":[],"egress":[],"revoke_rules_on_delete":false}"#,
);

const RULES: &[(&str, &str)] = &[
    (
        "aws_security_group_rule.https",
        r#"{"id":"sgrule-1","type":"ingress","security_group_id":"sg-1","from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"],
            "ipv6_cidr_blocks":null,"self":false,"description":null}"#,
    ),
    (
        "aws_vpc_security_group_ingress_rule.more",
        r#"{"id":"sgr-2","security_group_id":"sg-1","from_port":443,"to_port":443,"ip_protocol":"tcp","cidr_ipv4":"192.168.0.0/16","description":null,"region":"eu-west-1"}"#,
    ),
    (
        "aws_vpc_security_group_ingress_rule.itself",
        r#"{"id":"sgr-3","security_group_id":"sg-1","referenced_security_group_id":"sg-1","from_port":5432,"to_port":5432,"ip_protocol":"tcp"}"#,
    ),
    (
        "aws_vpc_security_group_egress_rule.out",
        r#"{"id":"sgr-4","security_group_id":"sg-1","ip_protocol":"-1","cidr_ipv4":"0.0.0.0/0"}"#,
    ),
    (
        "aws_security_group_rule.range",
        r#"{"id":"sgrule-5","type":"ingress","security_group_id":"sg-1","from_port":22,"to_port":8443,"protocol":"tcp","cidr_blocks":["172.16.0.0/12"],"self":false}"#,
    ),
    (
        "aws_security_group.other",
        r#"{"id":"sg-9","ingress":[{"from_port":9000,"to_port":9000,"protocol":"tcp","security_groups":["sg-1"],"cidr_blocks":["203.0.113.0/24"]}]}"#,
    ),
    ("aws_lb.l", r#"{"id":"lb-1","name":"web","security_groups":["sg-1"],"subnets":["203.0.113.0/24"]}"#),
];

fn rule(attribute: &'static str, element: &'static str) -> Vec<String> {
    let steps: &'static [&'static str] =
        if attribute == "ingress" { &["ingress", r#"={"n":1}"#] } else { &["egress", r#"={"n":1}"#] };
    // What names the element plays no part here.
    let steps = &steps[..1];
    found(GROUP, RULES, &Change { steps, state: "", cloud: element })
}

#[test]
fn a_group_s_rules_come_from_their_own_resources_one_by_one_or_merged() {
    let own = rule(
        "ingress",
        r#"{"from_port":5432,"to_port":5432,"protocol":"tcp","self":true,"cidr_blocks":[],"description":""}"#,
    );
    assert_eq!(own, ["explained ingress: aws_vpc_security_group_ingress_rule.itself accounts for it."]);
    let merged = rule(
        "ingress",
        r#"{"from_port":443,"to_port":443,"protocol":"tcp","self":false,"cidr_blocks":["10.0.0.0/8","192.168.0.0/16"]}"#,
    );
    assert_eq!(
        merged,
        ["explained ingress: aws_security_group_rule.https, aws_vpc_security_group_ingress_rule.more account for it."]
    );
    let out = rule("egress", r#"{"from_port":0,"to_port":0,"protocol":"-1","cidr_blocks":["0.0.0.0/0"],"self":false}"#);
    assert_eq!(out, ["explained egress: aws_vpc_security_group_egress_rule.out accounts for it."]);
}

#[test]
fn a_rule_that_somebody_added_is_not_explained() {
    for element in [
        // Another port of an address that has a rule; one end of a range; the other direction; everything.
        r#"{"from_port":22,"to_port":22,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"]}"#,
        r#"{"from_port":8443,"to_port":8443,"protocol":"tcp","cidr_blocks":["172.16.0.0/12"]}"#,
        r#"{"from_port":0,"to_port":0,"protocol":"-1","cidr_blocks":["0.0.0.0/0"]}"#,
        r#"{"from_port":443,"to_port":443,"protocol":"udp","cidr_blocks":["10.0.0.0/8"]}"#,
        // What a peer of the group holds is the peer's.
        r#"{"from_port":9000,"to_port":9000,"protocol":"tcp","cidr_blocks":["203.0.113.0/24"]}"#,
        r#"{"from_port":443,"to_port":443,"protocol":"tcp","self":true}"#,
    ] {
        assert_eq!(rule("ingress", element), ["FAILS undeclared ingress"], "{element}");
    }
    let egress = r#"{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"]}"#;
    assert_eq!(rule("egress", egress), ["FAILS undeclared egress"]);
}

#[test]
fn of_a_merged_rule_only_the_rest_is_undeclared() {
    let merged = rule(
        "ingress",
        r#"{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8","0.0.0.0/0","192.168.0.0/16"]}"#,
    );
    assert_eq!(
        merged,
        [
            "FAILS undeclared ingress.cidr_blocks[1]",
            "FAILS explained ingress: aws_security_group_rule.https, aws_vpc_security_group_ingress_rule.more account for it.",
        ]
    );
}

#[test]
fn an_address_inside_of_a_rule_is_judged_with_the_rule_around_it() {
    let inside = |rule: &'static str, address: &'static str| {
        let mut world = World::new();
        world.record_with(GROUP.0, GROUP.1, GROUP.2);
        let steps = ["ingress", rule, "cidr_blocks", "=1"];
        world.read_differences(vec![difference(Tier::Undeclared, &steps, "", address)]);
        for (address, attributes) in RULES {
            world.record_with(address, address, attributes);
        }
        lines(&world)[0].split(' ').next().map(str::to_owned)
    };
    let https = r#"={"from_port":443,"to_port":443,"protocol":"tcp"}"#;
    let ssh = r#"={"from_port":22,"to_port":22,"protocol":"tcp"}"#;
    assert_eq!(inside(https, r#""192.168.0.0/16""#).as_deref(), Some("explained"));
    assert_eq!(inside(ssh, r#""192.168.0.0/16""#).as_deref(), Some("FAILS"));
}

#[test]
fn a_table_s_routes_come_from_their_own_resources() {
    let table = ("aws_route_table.t", "rtb-1", r#"{"id":"rtb-1","vpc_id":"vpc-1","route":[],"propagating_vgws":[]}"#);
    let twins: &[(&str, &str)] = &[
        (
            "aws_route.out",
            r#"{"id":"r-rtb-11","route_table_id":"rtb-1","destination_cidr_block":"0.0.0.0/0","gateway_id":"igw-1","state":"active","origin":"CreateRoute"}"#,
        ),
        ("aws_route_table_association.a", r#"{"id":"rtbassoc-1","route_table_id":"rtb-1","subnet_id":"subnet-1"}"#),
    ];
    let own = gained(
        &["route", r#"={"cidr_block":"0.0.0.0/0"}"#],
        r#"{"cidr_block":"0.0.0.0/0","gateway_id":"igw-1","nat_gateway_id":""}"#,
    );
    assert!(found(table, twins, &own)[0].starts_with("explained"));
    let other =
        gained(&["route", r#"={"cidr_block":"0.0.0.0/0"}"#], r#"{"cidr_block":"0.0.0.0/0","gateway_id":"igw-2"}"#);
    assert!(found(table, twins, &other)[0].starts_with("FAILS undeclared"));
    let rogue =
        gained(&["route", r#"={"cidr_block":"10.9.0.0/16"}"#], r#"{"cidr_block":"10.9.0.0/16","gateway_id":"igw-1"}"#);
    assert!(found(table, twins, &rogue)[0].starts_with("FAILS undeclared"));
}

#[test]
fn what_a_twin_drifted_to_follows_from_the_twin() {
    let mut world = World::new();
    world.record_with(BUCKET.0, BUCKET.1, BUCKET.2);
    world.read_differences(vec![difference(Tier::Undeclared, &["policy"], r#""""#, r#""{\"Id\":\"by hand\"}""#)]);
    world.record_with("aws_s3_bucket_policy.p", "data", r#"{"bucket":"data","policy":"{\"Id\":\"applied\"}"}"#);
    world.read(Outcome::Seen {
        differences: vec![difference(
            Tier::Declared,
            &["policy"],
            r#""{\"Id\":\"applied\"}""#,
            r#""{\"Id\":\"by hand\"}""#,
        )],
        observed: Some(Box::new(json(r#"{"bucket":"data","policy":"{\"Id\":\"by hand\"}"}"#))),
    });
    let verdict = world.judge();
    let bucket = verdict.findings.iter().find(|finding| !finding.fails).expect("the bucket does not fail");
    assert_eq!(bucket.attributes[0].tier, Tier::Explained);
    assert_eq!(
        bucket.attributes[0].propagated_from.as_ref().map(ToString::to_string).as_deref(),
        Some("aws_s3_bucket_policy.p")
    );
    assert_eq!(verdict.summary.n_failing, 1, "the twin's own drift is one finding, not two");
}

#[test]
fn what_is_lost_with_its_twin_follows_from_the_twin() {
    let mut world = World::new();
    let role = r#"{"id":"runner","name":"runner","managed_policy_arns":["arn:aws:iam::aws:policy/ReadOnlyAccess"]}"#;
    world.record_with(ROLE.0, ROLE.1, role);
    let arn = r#""arn:aws:iam::aws:policy/ReadOnlyAccess""#;
    world.read_differences(vec![difference(Tier::Undeclared, &["managed_policy_arns", &format!("={arn}")], arn, "")]);
    world.record_with(ROLE_TWINS[0].0, "x", ROLE_TWINS[0].1);
    world.read(Outcome::Gone);
    let verdict = world.judge();
    let role = verdict.findings.iter().find(|finding| finding.kind == Kind::Changed).expect("the role differs");
    assert_eq!((role.attributes[0].tier, role.fails), (Tier::Explained, false));
    assert!(verdict.findings.iter().any(|finding| finding.kind == Kind::Missing && finding.fails));
}

#[test]
fn secrets_are_not_compared_with_anything() {
    let mut world = World::new();
    world.record_with(BUCKET.0, BUCKET.1, BUCKET.2);
    let mut secret = difference(Tier::Undeclared, &["policy"], "", r#""planted""#);
    secret.cloud = Some(Value::string("planted").mark_sensitive());
    secret.is_sensitive = true;
    world.read_differences(vec![secret]);
    world.record_with("aws_s3_bucket_policy.p", "data", r#"{"bucket":"data","policy":"planted"}"#);
    assert_eq!(lines(&world), ["FAILS undeclared policy"]);
}
