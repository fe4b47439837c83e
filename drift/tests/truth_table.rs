//! The truth table: one case per row, and per way in which a row may not be known.

mod support;

use drift::{Question, StateSet};
use jiff::SignedDuration;
use model::{Cause, CauseKind, ScopeStatus, Standing};
use support::{Code, World, at, json, now};

macro_rules! check {
    ($change:expr, @$expect:literal) => {{
        let mut world = World::new();
        let change: fn(&mut World) = $change;
        change(&mut world);
        insta::assert_snapshot!(world.found(), @$expect);
    }};
}

fn in_sync(world: &mut World) {
    world.record("aws_vpc.main", "vpc-1");
    world.object("aws.ec2.vpc", "vpc-1");
}

#[test]
fn what_state_and_cloud_have_is_in_sync() {
    check!(in_sync, @"exit code 0");
}

#[test]
fn what_a_complete_scope_lacks_is_missing() {
    check!(|world| { world.record("aws_vpc.main", "vpc-1"); }, @r#"
    missing FAILS aws_vpc.main: The state records it, and a complete look at its account and region did not find it.
      remedy: apply
      remedy: forget aws_vpc.main
    exit code 2
    "#);
}

#[test]
fn what_no_code_declares_is_an_orphan_or_dangling() {
    check!(|world| {
        in_sync(world);
        world.record("aws_vpc.gone", "vpc-2");
        world.declared = Some(Code::default());
    }, @r#"
    orphan FAILS aws_vpc.main: No code is left for it: the next apply destroys it.
      remedy: forget aws_vpc.main
    dangling FAILS aws_vpc.gone: Neither the code nor the cloud has it; only the state remembers it.
      remedy: forget aws_vpc.gone
    exit code 2
    "#);
}

#[test]
fn code_says_nothing_about_the_instances_of_several_states() {
    check!(|world| {
        in_sync(world);
        world.state("of_another_root.tfstate");
        world.record("aws_vpc.other", "vpc-2");
        world.object("aws.ec2.vpc", "vpc-2");
        world.declared = Some(Code([("aws_vpc.main".to_owned(), vec![])].into()));
    }, @"exit code 0");
}

#[test]
fn deposed_objects_dangle_when_gone_and_are_pending_before() {
    check!(|world| {
        in_sync(world);
        world.record("aws_vpc.main", "vpc-2").deposed = Some("aabbccdd".into());
        world.record("aws_vpc.main", "vpc-3").deposed = Some("00112233".into());
        world.object("aws.ec2.vpc", "vpc-3");
    }, @r#"
    pending aws_vpc.main (deposed 00112233): The next apply destroys the deposed object.
    dangling FAILS aws_vpc.main (deposed aabbccdd): The deposed object is gone; only the state remembers it.
      remedy: apply
    exit code 2
    "#);
}

#[test]
fn tainted_instances_are_pending() {
    check!(|world| {
        world.record("aws_vpc.main", "vpc-1").is_tainted = true;
        world.object("aws.ec2.vpc", "vpc-1");
    }, @r#"
    pending aws_vpc.main: It is tainted: the next apply replaces it.
    exit code 0
    "#);
}

#[test]
fn what_no_state_records_is_unmanaged() {
    check!(|world| {
        world.object("aws.ec2.vpc", "vpc-1").name = Some("Main VPC".to_owned());
        world.object("aws.ec2.vpc", "vpc-2").standing = Standing::Default("It is the default VPC.".to_owned());
        world.object("aws.sqs.queue", "https://sqs/1/q").standing =
            Standing::ManagedElsewhere { by: "CloudFormation".to_owned(), evidence: "tag aws:cloudformation:stack-name = web".to_owned() };
    }, @r#"
    unmanaged aws_vpc vpc-1: The state a.tfstate does not record it.
      remedy: import aws_vpc.main_vpc from vpc-1
    unmanaged aws_vpc vpc-2: The state a.tfstate does not record it.
      folded: It is the default VPC.
    managed_elsewhere aws_sqs_queue https://sqs/1/q: CloudFormation manages it: tag aws:cloudformation:stack-name = web.
    exit code 0
    "#);
}

#[test]
fn unmanaged_fails_where_it_was_asked_for() {
    check!(|world| {
        world.record("aws_vpc.gone", "vpc-2");
        world.object("aws.ec2.vpc", "vpc-1");
        world.options = drift::JudgeOptions::for_question(Question::Unmanaged);
    }, @"
    unmanaged FAILS aws_vpc vpc-1: The state a.tfstate does not record it.
      remedy: import aws_vpc.vpc_1 from vpc-1
    exit code 2
    ");
}

#[test]
fn against_an_incomplete_set_unmanaged_is_undetermined() {
    check!(|world| {
        world.object("aws.ec2.vpc", "vpc-1");
        world.options.state_set = StateSet::Incomplete("The state b.tfstate could not be read.".to_owned());
    }, @r#"
    undetermined aws_vpc vpc-1: The state b.tfstate could not be read.
      cause: incomplete_states
    exit code 3
    "#);
}

#[test]
fn children_say_what_became_of_their_parent() {
    check!(|world| {
        in_sync(world);
        world.object("aws.ec2.vpc", "vpc-2").standing = Standing::Default("It is the default VPC.".to_owned());
        world.object("aws.ec2.vpc", "vpc-3");
        world.object("aws.ec2.vpc", "vpc-4").standing =
            Standing::ManagedElsewhere { by: "CloudFormation".to_owned(), evidence: "stack web".to_owned() };
        for number in 1..=4 {
            let parent = ("aws.ec2.vpc".into(), model::ObjectKey(format!("vpc-{number}").into()));
            world.object("aws.ec2.subnet", &format!("subnet-{number}")).parent = Some(parent);
        }
    }, @"
    unmanaged aws_subnet subnet-1: The state a.tfstate does not record it. The aws.ec2.vpc vpc-1 it belongs to is managed as aws_vpc.main.
      remedy: import aws_subnet.subnet_1 from subnet-1
    unmanaged aws_subnet subnet-2: The state a.tfstate does not record it.
      folded: It belongs to aws.ec2.vpc vpc-2. It is the default VPC.
    unmanaged aws_subnet subnet-3: The state a.tfstate does not record it. Nor is the aws.ec2.vpc vpc-3 managed that it belongs to.
      remedy: import aws_subnet.subnet_3 from subnet-3
    unmanaged aws_vpc vpc-2: The state a.tfstate does not record it.
      folded: It is the default VPC.
    unmanaged aws_vpc vpc-3: The state a.tfstate does not record it.
      remedy: import aws_vpc.vpc_3 from vpc-3
    managed_elsewhere aws_subnet subnet-4: It belongs to aws.ec2.vpc vpc-4, which CloudFormation manages: stack web.
    managed_elsewhere aws_vpc vpc-4: CloudFormation manages it: stack web.
    exit code 0
    ");
}

#[test]
fn two_owners_are_named_both() {
    check!(|world| {
        in_sync(world);
        world.state("b.tfstate");
        world.record("aws_vpc.other", "vpc-1");
        // Nobody sees the queue, and two addresses of one state record it.
        world.scope("aws.sqs.queue", ScopeStatus::Failed);
        world.record("aws_sqs_queue.a", "https://sqs/1/q");
        world.record("aws_sqs_queue.b", "https://sqs/1/q");
    }, @r#"
    double_owner FAILS aws_sqs_queue.a: One object has several owners: aws_sqs_queue.a in b.tfstate, aws_sqs_queue.b in b.tfstate.
    double_owner FAILS aws_vpc.main: One object has several owners: aws_vpc.main in a.tfstate, aws_vpc.other in b.tfstate.
    undetermined aws_sqs_queue.a: 111111111111/eu-west-1/aws.sqs.queue was not seen completely.
      cause: not_scanned
    undetermined aws_sqs_queue.b: 111111111111/eu-west-1/aws.sqs.queue was not seen completely.
      cause: not_scanned
    exit code 2
    "#);
}

#[test]
fn two_snapshots_of_one_state_are_no_two_owners() {
    check!(|world| {
        in_sync(world);
        let state = world.state("copy.tfstate");
        state.lineage = "a.tfstate".into();
        state.serial = model::Serial(2);
        world.record("aws_vpc.main", "vpc-1");
    }, @r#"
    Warning: Two of the states are snapshots of one state: a.tfstate (serial 1) and copy.tfstate (serial 2) are snapshots of one state: their lineage is a.tfstate. Only the latter was judged.
    exit code 0
    "#);
}

#[test]
fn every_type_that_manages_an_object_finds_it() {
    check!(|world| {
        world.record("aws_default_vpc.main", "vpc-1");
        world.object("aws.ec2.vpc", "vpc-1");
    }, @"exit code 0");
}

#[test]
fn an_object_is_found_by_an_import_id_that_is_not_the_id_attribute() {
    let mut world = World::new();
    world.record("aws_iam_role.a", "statement").import_id = Some("function/statement".into());
    world.object("aws.iam.role", "function/statement");
    assert_eq!(world.judge().findings, []);
}

#[test]
fn an_id_attribute_that_is_no_import_id_makes_no_double_owner() {
    let mut world = World::new();
    world.scope("aws.iam.role", ScopeStatus::Failed);
    for function in ["a", "b"] {
        let id = format!("{function}/statement");
        world.record(&format!("aws_iam_role.{function}"), "statement").import_id = Some(id.into());
    }
    assert_eq!(world.judge().summary.by_kind, [(model::Kind::Undetermined, 2)].into());
}

#[test]
fn an_import_id_that_the_state_cannot_form_proves_no_absence() {
    let mut world = World::new();
    let role = world.record("aws_iam_role.a", "rule-of-many");
    role.import_id = Some("".into());
    role.arn = Some("arn:aws:iam::111111111111:role/a".to_owned());
    assert_eq!(world.judge().summary.by_kind, [(model::Kind::Undetermined, 1)].into());
}

#[test]
fn an_object_is_found_by_arn_identity_or_id_attribute() {
    check!(|world| {
        let queue = world.record("aws_sqs_queue.by_arn", "other");
        queue.arn = Some("arn:aws:sqs:eu-west-1:111111111111:q1".to_owned());
        queue.region = None;
        let identity = |text: &str| Some(model::Identity { version: 0, value: json(text) });
        let role = world.record("aws_iam_role.by_identity", "x");
        role.identity = identity(r#"{"account_id":"111111111111","name":"role-1"}"#);
        role.account = None;
        world.record("aws_sqs_queue.by_id_attribute", "https://sqs/1/q2");
        world.object("aws.sqs.queue", "q1").arn = Some("arn:aws:sqs:eu-west-1:111111111111:q1".to_owned());
        world.object("aws.iam.role", "role-1").identity = identity(r#"{"account_id":null,"name":"role-1"}"#);
        let queue = world.object("aws.sqs.queue", "q2");
        queue.attributes.insert("id".to_owned(), json("\"https://sqs/1/q2\""));
    }, @"exit code 0");
}

#[test]
fn ids_of_other_regions_and_of_other_letter_case_are_others() {
    check!(|world| {
        world.record("aws_sqs_queue.a", "q").region = Some("us-east-1".into());
        world.record("aws_vpc.a", "VPC-1");
        world.object("aws.sqs.queue", "q");
        world.object("aws.ec2.vpc", "vpc-1");
        let scope = world.scopes[2].clone();
        world.scopes.push(model::ScopeOutcome {
            scope: model::Scope { region: Some("us-east-1".into()), ..scope.scope.clone() },
            ..scope
        });
    }, @"
    missing FAILS aws_sqs_queue.a: The state records it, and a complete look at its account and region did not find it.
      remedy: apply
      remedy: forget aws_sqs_queue.a
    missing FAILS aws_vpc.a: The state records it, and a complete look at its account and region did not find it.
      remedy: apply
      remedy: forget aws_vpc.a
    unmanaged aws_sqs_queue q: The state a.tfstate does not record it.
      remedy: import aws_sqs_queue.q from q
    unmanaged aws_vpc vpc-1: The state a.tfstate does not record it.
      remedy: import aws_vpc.vpc_1 from vpc-1
    exit code 2
    ");
}

#[test]
fn an_instance_without_a_region_owns_the_only_object_with_its_id() {
    check!(|world| {
        world.record("aws_sqs_queue.a", "q").region = None;
        world.object("aws.sqs.queue", "q");
        world.record("aws_sqs_queue.b", "r").region = None;
        world.object("aws.sqs.queue", "r");
        world.object("aws.sqs.queue", "r").scope.region = Some("us-east-1".into());
        world.record("aws_sqs_queue.c", "s").region = None;
    }, @r#"
    undetermined aws_sqs_queue.b: Several objects answer to what the state records of this aws_sqs_queue, and it does not say which one it is.
      cause: no_identity
    undetermined aws_sqs_queue.c: The state does not say in which region this aws_sqs_queue lies.
      cause: no_identity
    exit code 3
    "#);
}

#[test]
fn a_surer_owner_goes_before_an_instance_without_a_region() {
    check!(|world| {
        world.record("aws_sqs_queue.sure", "q");
        world.record("aws_sqs_queue.unsure", "q").region = None;
        world.object("aws.sqs.queue", "q").scope.region = Some("us-east-1".into());
        world.object("aws.sqs.queue", "q");
    }, @"exit code 0");
}

#[test]
fn what_was_not_seen_is_undetermined_never_missing() {
    check!(|world| {
        let denied = Cause::new(CauseKind::Denied, "ec2:DescribeVpcs is denied to the role scanner.");
        world.scope("aws.ec2.vpc", ScopeStatus::Failed).causes = vec![denied];
        world.scope("aws.sqs.queue", ScopeStatus::Partial);
        world.record("aws_vpc.denied", "vpc-1");
        world.record("aws_sqs_queue.partial", "q");
        world.record("aws_subnet.elsewhere", "subnet-1").region = Some("ap-south-1".into());
        world.record("aws_subnet.of_another_account", "subnet-2").account = Some("222222222222".into());
        world.record("aws_subnet.nameless", "x").id = None;
        world.record("aws_thing.unknown", "x");
        world.record_with("aws_iam_role.broken", "role-1", r#"{"broken":true}"#);
        world.object("aws.iam.role", "role-1").attributes.insert("path".to_owned(), json("\"/\""));
        world.scopes.retain(|outcome| outcome.scope.native_type.as_str() != "aws.iam.role");
        world.record("aws_iam_role.not_scanned", "role-2");
    }, @r#"
    undetermined aws_iam_role.broken: The instance cannot be decoded.
      cause: invalid_reply
    undetermined aws_iam_role.not_scanned: No scan looked for aws_iam_role. Scan the type and run again.
      cause: not_scanned
    undetermined aws_sqs_queue.partial: 111111111111/eu-west-1/aws.sqs.queue was not seen completely.
      cause: not_scanned
    undetermined aws_subnet.elsewhere: Region ap-south-1 of account 111111111111 was not looked at for aws_subnet.
      cause: outside_scope
    undetermined aws_subnet.nameless: The state records neither an id, nor an ARN, nor an identity of it.
      cause: no_identity
    undetermined aws_subnet.of_another_account: Account 222222222222 was not looked at for aws_subnet.
      cause: outside_scope
    undetermined aws_thing.unknown: No definition covers aws_thing yet, so its objects were not looked for.
      cause: no_definition
    undetermined aws_vpc.denied: ec2:DescribeVpcs is denied to the role scanner.
      cause: denied
    exit code 3
    "#);
}

#[test]
fn a_partial_scope_still_proves_what_it_saw() {
    check!(|world| {
        in_sync(world);
        world.scope("aws.ec2.vpc", ScopeStatus::Partial);
        world.options = drift::JudgeOptions::for_question(Question::Drift);
    }, @"exit code 0");
}

#[test]
fn a_partial_scope_leaves_unmanaged_incomplete() {
    check!(|world| {
        in_sync(world);
        world.scope("aws.ec2.vpc", ScopeStatus::Partial);
    }, @"exit code 3");
}

#[test]
fn an_old_look_counts_as_none() {
    check!(|world| {
        in_sync(world);
        world.record("aws_vpc.gone", "vpc-2");
        world.object("aws.ec2.vpc", "vpc-3");
        world.options.max_age = Some(SignedDuration::from_mins(30));
    }, @r#"
    undetermined aws_vpc.gone: 111111111111/eu-west-1/aws.ec2.vpc was looked at on 2026-06-01T11:00:00Z, longer ago than allowed. Scan again.
      cause: not_scanned
    undetermined aws_vpc.main: 111111111111/eu-west-1/aws.ec2.vpc was looked at longer ago than allowed. Scan again.
      cause: not_scanned
    exit code 3
    "#);
}

#[test]
fn what_exists_in_the_state_only_is_not_looked_for() {
    check!(|world| {
        world.record("random_id.a", "abc");
        world.record("null_resource.a", "123");
    }, @"exit code 0");
}

#[test]
fn implausibly_many_missing_are_undetermined() {
    check!(|world| {
        in_sync(world);
        for number in 0..5 {
            world.record(&format!("aws_subnet.s[{number}]"), &format!("subnet-{number}"));
        }
    }, @r#"
    undetermined aws_subnet.s[0]: 5 of the 6 instances of provider["registry.terraform.io/hashicorp/aws"] in a.tfstate that were looked for are not there. That rarely happens, but wrong credentials, a wrong endpoint or a state of another environment look like that. If they are gone indeed, --accept-missing says so.
      cause: implausible_share
    undetermined aws_subnet.s[1]: 5 of the 6 instances of provider["registry.terraform.io/hashicorp/aws"] in a.tfstate that were looked for are not there. That rarely happens, but wrong credentials, a wrong endpoint or a state of another environment look like that. If they are gone indeed, --accept-missing says so.
      cause: implausible_share
    undetermined aws_subnet.s[2]: 5 of the 6 instances of provider["registry.terraform.io/hashicorp/aws"] in a.tfstate that were looked for are not there. That rarely happens, but wrong credentials, a wrong endpoint or a state of another environment look like that. If they are gone indeed, --accept-missing says so.
      cause: implausible_share
    undetermined aws_subnet.s[3]: 5 of the 6 instances of provider["registry.terraform.io/hashicorp/aws"] in a.tfstate that were looked for are not there. That rarely happens, but wrong credentials, a wrong endpoint or a state of another environment look like that. If they are gone indeed, --accept-missing says so.
      cause: implausible_share
    undetermined aws_subnet.s[4]: 5 of the 6 instances of provider["registry.terraform.io/hashicorp/aws"] in a.tfstate that were looked for are not there. That rarely happens, but wrong credentials, a wrong endpoint or a state of another environment look like that. If they are gone indeed, --accept-missing says so.
      cause: implausible_share
    exit code 3
    "#);
}

#[test]
fn implausibly_many_missing_may_be_accepted() {
    let mut world = World::new();
    for number in 0..5 {
        world.record(&format!("aws_subnet.s[{number}]"), &format!("subnet-{number}"));
    }
    world.options.accept_missing = true;
    let verdict = world.judge();
    assert_eq!(verdict.summary.by_kind, [(model::Kind::Missing, 5)].into());
    world.options.accept_missing = false;
    world.recorded.pop();
    assert_eq!(world.judge().summary.by_kind, [(model::Kind::Missing, 4)].into(), "four are too few to be implausible");
}

#[test]
fn the_wrong_account_is_an_error_that_names_both() {
    check!(|world| {
        world.record("aws_vpc.main", "vpc-1");
        world.callers.push(drift::Caller {
            cloud: "aws".into(),
            profile: Some("staging".into()),
            account: "222222222222".into(),
        });
    }, @r#"
    Error: The credentials belong to another account than the state: The state a.tfstate records aws in account 111111111111, for example aws_vpc.main. The credentials in use belong to account 222222222222 (profile "staging"). Nothing that it records can be looked up with them. Choose the profile or role of the recorded account and run again.
    exit code 1
    "#);
}

#[test]
fn a_state_of_another_account_beside_a_right_one_is_a_warning() {
    check!(|world| {
        in_sync(world);
        world.state("b.tfstate");
        world.record("aws_vpc.other", "vpc-9").account = Some("333333333333".into());
        world.callers.push(drift::Caller { cloud: "aws".into(), profile: None, account: support::ACCOUNT.into() });
    }, @r#"
    Warning: The credentials see no account of this state: The state b.tfstate records aws in account 333333333333, for example aws_vpc.other. The credentials in use belong to account 111111111111. Nothing that it records can be looked up with them. Choose the profile or role of the recorded account and run again.
    undetermined aws_vpc.other: Account 333333333333 was not looked at for aws_vpc.
      cause: outside_scope
    exit code 3
    "#);
}

#[test]
fn the_wrong_region_is_an_error_that_names_both() {
    check!(|world| { world.record("aws_vpc.main", "vpc-1").region = Some("us-east-1".into()); }, @r#"
    Error: The states record nothing in the regions that were looked at: The states record aws resources in us-east-1, for example aws_vpc.main; eu-west-1 was looked at. Name the recorded region and run again.
    exit code 1
    "#);
}

#[test]
fn attributes_are_compared_and_never_fail_at_inventory_precision() {
    check!(|world| {
        world.record_with(
            "aws_vpc.main",
            "vpc-1",
            r#"{"cidr_block":"10.0.0.0/16","state":"pending","enable_dns":true,"password":"hunter2","tags":{"Env":"dev"},"tags_all":{"Env":"dev","Team":"a"}}"#,
        );
        let last = world.attributes.last_mut().expect("one was recorded");
        last.insert("password".to_owned(), json("\"hunter2\"").mark_sensitive());
        let vpc = world.object("aws.ec2.vpc", "vpc-1");
        for (name, value) in [
            ("cidr_block", "\"10.1.0.0/16\""),
            ("state", "\"available\""),
            ("enable_dns", "\"true\""),
            ("password", "\"hunter3\""),
            ("not_in_the_state", "1"),
        ] {
            vpc.attributes.insert(name.to_owned(), json(value));
        }
        vpc.volatile = vec!["state".to_owned()];
        let tags = [("Env", "prod"), ("Owner", "me"), ("aws:cloudformation:stack-name", "x")];
        vpc.tags = Some(tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect());
    }, @r#"
    changed aws_vpc.main: The cloud differs from the state in cidr_block, password, tags.
      unclassified cidr_block: "10.0.0.0/16" -> "10.1.0.0/16"
      unclassified password: (sensitive) -> (sensitive)
      unclassified tags["Env"]: "dev" -> "prod"
      unclassified tags["Owner"]: - -> "me"
      unclassified tags["Team"]: "a" -> -
      remedy: apply
      remedy: set cidr_block = "10.1.0.0/16" in the code
      remedy: set tags["Env"] = "prod" in the code
      remedy: set tags["Owner"] = "me" in the code
    exit code 0
    "#);
}

#[test]
fn code_tells_declared_differences_from_others() {
    check!(|world| {
        world.record_with("aws_vpc.main", "vpc-1", r#"{"cidr_block":"10.0.0.0/16","tenancy":"default"}"#);
        let vpc = world.object("aws.ec2.vpc", "vpc-1");
        vpc.attributes.insert("cidr_block".to_owned(), json("\"10.1.0.0/16\""));
        vpc.attributes.insert("tenancy".to_owned(), json("\"dedicated\""));
        world.declared = Some(Code([("aws_vpc.main".to_owned(), vec!["cidr_block"])].into()));
    }, @r#"
    changed aws_vpc.main: The cloud differs from the state in cidr_block, tenancy.
      declared cidr_block: "10.0.0.0/16" -> "10.1.0.0/16"
      undeclared tenancy: "default" -> "dedicated"
      remedy: apply
      remedy: set cidr_block = "10.1.0.0/16" in the code
    exit code 0
    "#);
}

#[test]
fn filters_choose_by_type_tag_account_and_region() {
    let mut world = World::new();
    world.record_with("aws_vpc.gone", "vpc-1", r#"{"tags_all":{"team":"a"}}"#);
    world.record("aws_sqs_queue.gone", "q");
    world.object("aws.ec2.vpc", "vpc-2").tags = Some([("team".to_owned(), "a".to_owned())].into());
    world.object("aws.iam.role", "role-1");
    let mut check = |change: fn(&mut drift::Filters), expect: &[&str]| {
        world.options.filters = drift::Filters::default();
        change(&mut world.options.filters);
        let verdict = world.judge();
        let found: Vec<&str> =
            verdict.findings.iter().filter_map(|finding| Some(finding.id.as_ref()?.as_str())).collect();
        assert_eq!(found, expect);
    };
    check(|_| {}, &["q", "vpc-1", "role-1", "vpc-2"]);
    check(|filters| filters.types = vec![drift::Pattern::new("aws_vpc")], &["vpc-1", "vpc-2"]);
    check(|filters| filters.types = vec![drift::Pattern::new("aws.iam.*")], &["role-1"]);
    check(|filters| filters.tags = vec![drift::TagPattern::new("team=a")], &["vpc-1", "vpc-2"]);
    check(|filters| filters.regions = [model::Region::new("us-east-1")].into(), &["role-1"]);
    check(|filters| filters.accounts = [model::AccountId::new("2")].into(), &[]);
}

#[test]
fn what_is_global_and_listed_per_region_is_one_object() {
    let mut world = World::new();
    for region in ["us-east-1", "eu-west-1"] {
        let object = world.object("aws.sqs.queue", "global");
        object.arn = Some("arn:aws:x:::global".to_owned());
        object.scope.region = Some(region.into());
    }
    assert_eq!(world.judge().summary.by_kind, [(model::Kind::Unmanaged, 1)].into());
}

#[test]
fn the_answer_is_as_old_as_its_oldest_scope() {
    let mut world = World::new();
    world.scope("aws.ec2.vpc", ScopeStatus::Complete).finished = at("2026-05-30T00:00:00Z");
    assert_eq!(world.judge().as_of, Some(at("2026-05-30T00:00:00Z")));
    assert!(now() > at("2026-05-30T00:00:00Z"));
}

#[test]
fn the_summary_groups_what_is_shown() {
    let mut world = World::new();
    world.object("aws.ec2.vpc", "vpc-1").tags = Some([("team".to_owned(), "a".to_owned())].into());
    world.object("aws.ec2.vpc", "vpc-2").standing = Standing::Default("It is the default VPC.".to_owned());
    world.record("aws_subnet.gone", "subnet-1");
    insta::assert_debug_snapshot!(world.judge().summary, @r#"
    Summary {
        n_instances: 1,
        n_checked: 1,
        n_undetermined: 0,
        n_failing: 1,
        by_kind: {
            Missing: 1,
            Unmanaged: 1,
        },
        by_tier: {},
        by_type: {
            "aws_subnet": {
                Missing: 1,
            },
            "aws_vpc": {
                Unmanaged: 1,
            },
        },
        by_service: {
            "aws.ec2": {
                Missing: 1,
                Unmanaged: 1,
            },
        },
        by_account: {
            "111111111111": {
                Missing: 1,
                Unmanaged: 1,
            },
        },
        by_region: {
            "eu-west-1": {
                Missing: 1,
                Unmanaged: 1,
            },
        },
        by_tag_key: {
            "team": {
                Unmanaged: 1,
            },
        },
        ignored: {},
        folded: {
            Unmanaged: 1,
        },
    }
    "#);
}

/// A group with two rules in the state, and its objects: the same two, and some that somebody added.
fn inline_rules(world: &mut World) {
    world.record_with(
        "aws_vpc.group",
        "sg-1",
        r#"{"inline":[
            {"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["0.0.0.0/0"],"self":false,"description":"web"},
            {"from_port":22,"to_port":8022,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"],"self":false},
            {"from_port":5432,"to_port":5432,"protocol":"tcp","cidr_blocks":[],"self":true}
        ]}"#,
    );
    world.object("aws.ec2.vpc", "sg-1");
    let mut rule = |id: &str, attributes: &str| {
        let child = world.object("aws.ec2.subnet", id);
        child.parent = Some(("aws.ec2.vpc".into(), model::ObjectKey("sg-1".into())));
        child.attributes = json(attributes).entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    };
    let text = |from: u64, to: u64, source: &str| {
        format!(r#"{{"group":"sg-1","from_port":{from},"to_port":{to},"ip_protocol":"tcp",{source}}}"#)
    };
    rule("held", &text(443, 443, r#""cidr_ipv4":"0.0.0.0/0","description":"changed""#));
    rule("held-range", &text(22, 8022, r#""cidr_ipv4":"10.0.0.0/8""#));
    rule("held-by-self", &text(5432, 5432, r#""referenced":"sg-1""#));
    rule("rogue-source", &text(443, 443, r#""cidr_ipv4":"10.0.0.0/8""#));
    rule("rogue-port", &text(22, 22, r#""cidr_ipv4":"10.0.0.0/8""#));
    rule("rogue-self", &text(443, 443, r#""referenced":"sg-1""#));
    rule("says-nothing", r#"{"group":"sg-1"}"#);
}

#[test]
fn what_a_parent_holds_inline_is_told_from_what_was_added() {
    check!(inline_rules, @"
    unmanaged aws_subnet held: The state a.tfstate does not record it.
      folded: aws_vpc.group holds it inline, in `inline`, as far as its state tells.
    unmanaged aws_subnet held-by-self: The state a.tfstate does not record it.
      folded: aws_vpc.group holds it inline, in `inline`, as far as its state tells.
    unmanaged aws_subnet held-range: The state a.tfstate does not record it.
      folded: aws_vpc.group holds it inline, in `inline`, as far as its state tells.
    unmanaged aws_subnet rogue-port: The state a.tfstate does not record it. The aws.ec2.vpc sg-1 it belongs to is managed as aws_vpc.group.
      remedy: import aws_subnet.rogue_port from rogue-port
    unmanaged aws_subnet rogue-self: The state a.tfstate does not record it. The aws.ec2.vpc sg-1 it belongs to is managed as aws_vpc.group.
      remedy: import aws_subnet.rogue_self from rogue-self
    unmanaged aws_subnet rogue-source: The state a.tfstate does not record it. The aws.ec2.vpc sg-1 it belongs to is managed as aws_vpc.group.
      remedy: import aws_subnet.rogue_source from rogue-source
    unmanaged aws_subnet says-nothing: The state a.tfstate does not record it. The aws.ec2.vpc sg-1 it belongs to is managed as aws_vpc.group.
      remedy: import aws_subnet.says_nothing from says-nothing
    exit code 0
    ");
}

#[test]
fn what_a_refresh_picked_up_is_not_held_inline() {
    check!(|world| {
        inline_rules(world);
        world.objects.truncate(2);
        world.declared = Some(Code([("aws_vpc.group".to_owned(), vec![])].into()));
    }, @r#"
    unmanaged aws_subnet held: The state a.tfstate does not record it. The state of aws_vpc.group shows it in `inline`, which the code does not set: a refresh may have picked it up.
      remedy: import aws_subnet.held from held
    exit code 0
    "#);
}

#[test]
fn several_objects_with_the_id_of_one_instance_are_ambiguous() {
    check!(|world| {
        world.record("aws_vpc.main", "vpc-1");
        world.object("aws.ec2.vpc", "vpc-1");
        world.object("aws.ec2.vpc", "vpc-1").key = model::ObjectKey("other".into());
    }, @r#"
    undetermined aws_vpc.main: Several objects answer to what the state records of this aws_vpc, and it does not say which one it is.
      cause: no_identity
    exit code 3
    "#);
}
