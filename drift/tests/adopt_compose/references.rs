//! Where ids become references, and where they do not.

use cty::Type;
use model::schema::NestingMode;

use super::world::{World, block, map, path, strings, with_block};

/// A world with the types that these tests are about.
fn world() -> World {
    let text = Type::String;
    let mut world = World::new();
    let made = |more: &[(&str, Type, &str)]| {
        let mut attributes = vec![("id", Type::String, "c"), ("arn", Type::String, "c"), ("tags", map(), "o")];
        attributes.extend(more.iter().cloned());
        block(&attributes)
    };
    world.schema(
        "aws_vpc",
        made(&[("cidr_block", text.clone(), "o"), ("default_security_group_id", text.clone(), "c")]),
    );
    world.schema(
        "aws_subnet",
        made(&[
            ("vpc_id", text.clone(), "r"),
            ("cidr_block", text.clone(), "o"),
            ("availability_zone", text.clone(), "oc"),
        ]),
    );
    world.schema(
        "aws_security_group",
        with_block(
            made(&[("name", text.clone(), "o"), ("vpc_id", text.clone(), "oc"), ("description", text.clone(), "o")]),
            "ingress",
            NestingMode::Set,
            0,
            block(&[("security_groups", Type::set(text.clone()), "o"), ("from_port", Type::Number, "r")]),
        ),
    );
    world.schema(
        "aws_instance",
        made(&[
            ("subnet_id", text.clone(), "o"),
            ("key_name", text.clone(), "o"),
            ("vpc_security_group_ids", Type::set(text.clone()), "o"),
            ("user_data", text.clone(), "o"),
        ]),
    );
    world.schema("aws_key_pair", made(&[("key_name", text.clone(), "o"), ("public_key", text.clone(), "r")]));
    world.schema("aws_s3_bucket", made(&[("bucket", text.clone(), "o"), ("bucket_domain_name", text.clone(), "c")]));
    world.schema(
        "aws_s3_bucket_versioning",
        block(&[("id", text.clone(), "c"), ("bucket", text.clone(), "r"), ("status", text.clone(), "o")]),
    );
    world.schema(
        "aws_s3_bucket_policy",
        block(&[("id", text.clone(), "c"), ("bucket", text.clone(), "r"), ("policy", text.clone(), "r")]),
    );
    world.schema("aws_cloudtrail", made(&[("name", text.clone(), "r"), ("s3_bucket_name", text.clone(), "r")]));
    world.schema(
        "aws_iam_role",
        made(&[
            ("name", text.clone(), "r"),
            ("assume_role_policy", text.clone(), "r"),
            ("unique_id", text.clone(), "c"),
        ]),
    );
    world.schema(
        "aws_iam_role_policy",
        block(&[
            ("id", text.clone(), "c"),
            ("name", text.clone(), "r"),
            ("role", text.clone(), "r"),
            ("policy", text.clone(), "r"),
        ]),
    );
    world.schema(
        "aws_lambda_function",
        made(&[
            ("function_name", text.clone(), "r"),
            ("role", text.clone(), "r"),
            ("invoke_arn", text.clone(), "c"),
            ("environment", map(), "o"),
            ("layers", strings(), "o"),
        ]),
    );
    world.schema(
        "aws_sqs_queue",
        block(&[
            ("id", text.clone(), "c"),
            ("arn", text.clone(), "c"),
            ("url", text.clone(), "c"),
            ("name", text.clone(), "o"),
            ("policy", text.clone(), "oc"),
            ("redrive", text.clone(), "o"),
        ]),
    );
    world.schema(
        "aws_sqs_queue_policy",
        block(&[("id", text.clone(), "c"), ("queue_url", text.clone(), "r"), ("policy", text.clone(), "r")]),
    );
    world.schema(
        "aws_sns_topic_policy",
        block(&[("id", text.clone(), "c"), ("arn", text.clone(), "r"), ("owner", text.clone(), "c")]),
    );
    world.schema("aws_sns_topic", made(&[("name", text.clone(), "o")]));
    world.schema("aws_cloudwatch_log_group", made(&[("name", text.clone(), "o")]));
    world.schema(
        "aws_cloudwatch_log_stream",
        block(&[("id", text.clone(), "c"), ("name", text.clone(), "r"), ("log_group_name", text.clone(), "r")]),
    );
    world.schema("rabbitmq_vhost", block(&[("id", text.clone(), "c"), ("name", text.clone(), "r")]));
    world.schema(
        "rabbitmq_permissions",
        block(&[("id", text.clone(), "c"), ("user", text.clone(), "r"), ("vhost", text.clone(), "o")]),
    );
    world
}

#[test]
fn ids_become_references() {
    let mut world = world();
    world.object("aws_vpc.main", r#"{"id":"vpc-0123456789abcdef0","arn":"arn:aws:ec2:eu-west-1:111111111111:vpc/vpc-0123456789abcdef0","cidr_block":"10.0.0.0/16","default_security_group_id":"sg-0123456789abcdef1"}"#);
    world.object("aws_subnet.a", r#"{"id":"subnet-0123456789abcdef0","vpc_id":"vpc-0123456789abcdef0","cidr_block":"10.0.0.0/24","availability_zone":"eu-west-1a","tags":{"vpc":"vpc-0123456789abcdef0"}}"#);
    world.object("aws_subnet.elsewhere", r#"{"id":"subnet-0123456789abcdef1","vpc_id":"vpc-0123456789abcdeff"}"#);
    world.object("aws_security_group.web", r#"{"id":"sg-0123456789abcdef2","name":"web","vpc_id":"vpc-0123456789abcdef0","description":"in vpc-0123456789abcdef0","ingress":[]}"#);
    world.object("aws_key_pair.deploy", r#"{"id":"deploy","key_name":"deploy","public_key":"ssh-rsa AAAA"}"#);
    world.object(
        "aws_instance.i",
        r#"{"id":"i-0123456789abcdef0","subnet_id":"subnet-0123456789abcdef0","key_name":"deploy",
        "vpc_security_group_ids":["sg-0123456789abcdef2","sg-0123456789abcdef1","sg-0123456789abcdef9"],
        "user_data":"aws ec2 describe-subnets --ids subnet-0123456789abcdef0 subnet-0123456789abcdef00\n"}"#,
    );
    insta::assert_snapshot!(world.printed(), @r#"
    aws_key_pair.deploy {
      key_name = "deploy"
      public_key = "ssh-rsa AAAA"
    }
    aws_vpc.main {
      cidr_block = "10.0.0.0/16"
    }
    aws_security_group.web {
      name = "web"
      description = "in vpc-0123456789abcdef0"
      vpc_id = aws_vpc.main.id
    }
    aws_subnet.a {
      vpc_id = aws_vpc.main.id
      availability_zone = "eu-west-1a"
      cidr_block = "10.0.0.0/24"
      tags = {vpc = "vpc-0123456789abcdef0"}
    }
    aws_subnet.elsewhere {
      vpc_id = "vpc-0123456789abcdeff"
    }
    aws_instance.i {
      key_name = aws_key_pair.deploy.key_name
      subnet_id = aws_subnet.a.id
      user_data = "aws ec2 describe-subnets --ids ${aws_subnet.a.id} subnet-0123456789abcdef00
    "
      vpc_security_group_ids = [aws_security_group.web.id, aws_vpc.main.default_security_group_id, "sg-0123456789abcdef9"]
    }
    "#);
}

#[test]
fn names_become_references_where_the_argument_says_so() {
    let mut world = world();
    world.object(
        "aws_s3_bucket.logs",
        r#"{"id":"logs","arn":"arn:aws:s3:::logs","bucket":"logs","bucket_domain_name":"logs.s3.amazonaws.com"}"#,
    );
    world.object("aws_s3_bucket_versioning.logs", r#"{"id":"logs","bucket":"logs","status":"logs"}"#);
    world.object("aws_s3_bucket_versioning.orphan", r#"{"id":"gone","bucket":"gone"}"#);
    world.object("aws_s3_bucket_policy.orphan", r#"{"id":"gone","bucket":"gone","policy":"{}"}"#);
    world.object("aws_cloudtrail.t", r#"{"id":"logs","name":"logs","s3_bucket_name":"logs"}"#);
    world.object("aws_iam_role.app", r#"{"id":"app","name":"app","arn":"arn:aws:iam::111111111111:role/app","assume_role_policy":"{}","unique_id":"AROA0123456789ABCDEF"}"#);
    world.object("aws_iam_role_policy.app", r#"{"id":"app:app","name":"app","role":"app","policy":"{}"}"#);
    world.object(
        "aws_lambda_function.app",
        r#"{"id":"app","function_name":"app","role":"arn:aws:iam::111111111111:role/app"}"#,
    );
    world.object("aws_cloudwatch_log_group.app", r#"{"id":"/aws/lambda/app","name":"/aws/lambda/app","arn":"arn:aws:logs:eu-west-1:111111111111:log-group:/aws/lambda/app"}"#);
    world.object("aws_cloudwatch_log_stream.app", r#"{"id":"app","name":"app","log_group_name":"/aws/lambda/app"}"#);
    world.object("rabbitmq_vhost.app", r#"{"id":"app","name":"app"}"#);
    world.object("rabbitmq_vhost.slash", r#"{"id":"/","name":"/"}"#);
    world.object("rabbitmq_permissions.app", r#"{"id":"app@app","user":"app","vhost":"app"}"#);
    world.object("rabbitmq_permissions.slash", r#"{"id":"app@/","user":"app","vhost":"/"}"#);
    insta::assert_snapshot!(world.printed(), @r#"
    aws_cloudwatch_log_group.app {
      name = "/aws/lambda/app"
    }
    aws_cloudwatch_log_stream.app {
      name = "app"
      log_group_name = aws_cloudwatch_log_group.app.name
    }
    aws_iam_role.app {
      name = "app"
      assume_role_policy = "{}"
    }
    aws_iam_role_policy.app {
      name = "app"
      policy = "{}"
      role = aws_iam_role.app.name
    }
    aws_lambda_function.app {
      function_name = "app"
      role = aws_iam_role.app.arn
    }
    aws_s3_bucket.logs {
      bucket = "logs"
    }
    aws_s3_bucket_versioning.logs {
      bucket = aws_s3_bucket.logs.bucket
      status = "logs"
    }
    aws_cloudtrail.t {
      name = "logs"
      s3_bucket_name = aws_s3_bucket.logs.id
    }
    aws_s3_bucket_policy.orphan {
      bucket = "gone"
      policy = "{}"
    }
    aws_s3_bucket_versioning.orphan {
      bucket = "gone"
    }
    rabbitmq_vhost.app {
      name = "app"
    }
    rabbitmq_vhost.slash {
      name = "/"
    }
    rabbitmq_permissions.app {
      user = "app"
      vhost = rabbitmq_vhost.app.name
    }
    rabbitmq_permissions.slash {
      user = "app"
      vhost = "/"
    }
    "#);
}

#[test]
fn what_is_a_part_of_another_object_does_not_stand_for_it() {
    let mut world = world();
    let url = "https://sqs.eu-west-1.amazonaws.com/111111111111/jobs";
    world.object(
        "aws_sqs_queue.jobs",
        &format!(r#"{{"id":"{url}","url":"{url}","name":"jobs","arn":"arn:aws:sqs:eu-west-1:111111111111:jobs"}}"#),
    );
    world.object("aws_sqs_queue_policy.jobs", &format!(r#"{{"id":"{url}","queue_url":"{url}","policy":"{{}}"}}"#));
    world.object(
        "aws_sqs_queue_policy.other",
        r#"{"id":"https://sqs/1/other","queue_url":"https://sqs/1/other","policy":"{}"}"#,
    );
    world.object("aws_lambda_function.f", &format!(r#"{{"id":"f","function_name":"f","role":"r","environment":{{"QUEUE_URL":"{url}","OTHER":"https://sqs/1/other","NAME":"jobs"}}}}"#));
    world.object(
        "aws_sns_topic.t",
        r#"{"id":"arn:aws:sns:eu-west-1:111111111111:t","arn":"arn:aws:sns:eu-west-1:111111111111:t","name":"t"}"#,
    );
    world.object("aws_sns_topic_policy.t", r#"{"id":"arn:aws:sns:eu-west-1:111111111111:t","arn":"arn:aws:sns:eu-west-1:111111111111:t","owner":"111111111111"}"#);
    insta::assert_snapshot!(world.printed(), @r#"
    aws_sns_topic.t {
      name = "t"
    }
    aws_sns_topic_policy.t {
      arn = aws_sns_topic.t.arn
    }
    aws_sqs_queue.jobs {
      name = "jobs"
    }
    aws_sqs_queue_policy.jobs {
      policy = "{}"
      queue_url = aws_sqs_queue.jobs.url
    }
    aws_lambda_function.f {
      function_name = "f"
      role = "r"
      environment = {NAME = "jobs", OTHER = "https://sqs/1/other", QUEUE_URL = aws_sqs_queue.jobs.url}
    }
    aws_sqs_queue_policy.other {
      policy = "{}"
      queue_url = "https://sqs/1/other"
    }
    "#);
}

#[test]
fn references_stand_inside_documents() {
    let mut world = world();
    world.object("aws_s3_bucket.logs", r#"{"id":"logs","arn":"arn:aws:s3:::logs","bucket":"logs"}"#);
    world.object(
        "aws_s3_bucket.logs-archive",
        r#"{"id":"logs-archive","arn":"arn:aws:s3:::logs-archive","bucket":"logs-archive"}"#,
    );
    world.object(
        "aws_iam_role.app",
        r#"{"id":"app","name":"app","arn":"arn:aws:iam::111111111111:role/app","assume_role_policy":"{}"}"#,
    );
    let policy = r#"{\"Statement\":[{\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:role/app\"},\"Resource\":[\"arn:aws:s3:::logs\",\"arn:aws:s3:::logs/*\",\"arn:aws:s3:::logs-archive/a\",\"arn:aws:s3:::logs.example/*\",\"arn:aws:s3:::logs2\",\"logs\",\"x/arn:aws:s3:::logs\"]}],\"Version\":\"2012-10-17\"}"#;
    world
        .object("aws_s3_bucket_policy.logs", &format!(r#"{{"id":"logs","bucket":"logs","policy":"{policy}"}}"#))
        .json(path(&["policy"]));
    let raw = r#"{ \"a\": \"arn:aws:s3:::logs/*\",\n  \"b\": \"${x} arn:aws:s3:::logs-archive\" }"#;
    world.object(
        "aws_s3_bucket_policy.raw",
        &format!(r#"{{"id":"logs-archive","bucket":"logs-archive","policy":"{raw}"}}"#),
    );
    insta::assert_snapshot!(world.printed(), @r#"
    aws_iam_role.app {
      name = "app"
      assume_role_policy = "{}"
    }
    aws_s3_bucket.logs {
      bucket = "logs"
    }
    aws_s3_bucket.logs-archive {
      bucket = "logs-archive"
    }
    aws_s3_bucket_policy.logs {
      bucket = aws_s3_bucket.logs.bucket
      policy = jsonencode({Version = "2012-10-17", Statement = [{Principal = {AWS = aws_iam_role.app.arn}, Resource = [aws_s3_bucket.logs.arn, "${aws_s3_bucket.logs.arn}/*", "${aws_s3_bucket.logs-archive.arn}/a", "arn:aws:s3:::logs.example/*", "arn:aws:s3:::logs2", "logs", "x/${aws_s3_bucket.logs.arn}"]}]})
    }
    aws_s3_bucket_policy.raw {
      bucket = aws_s3_bucket.logs-archive.bucket
      policy = "{ "a": "${aws_s3_bucket.logs.arn}/*",
      "b": "${x} ${aws_s3_bucket.logs-archive.arn}" }"
    }
    "#);
}

#[test]
fn arguments_blocks_and_keys_say_what_a_name_is_about() {
    let mut world = world();
    let text = Type::String;
    let profile = block(&[("name", text.clone(), "o"), ("arn", text.clone(), "o")]);
    let template =
        block(&[("image_uri", text.clone(), "o"), ("variables", map(), "o"), ("groups", Type::set(text.clone()), "o")]);
    world.schema("aws_launch_template", with_block(template, "iam_instance_profile", NestingMode::List, 0, profile));
    world.schema("aws_iam_instance_profile", block(&[("id", text.clone(), "c"), ("name", text.clone(), "r")]));
    world.schema("aws_iam_user", block(&[("id", text.clone(), "c"), ("name", text.clone(), "r")]));
    world.schema("aws_iam_user_ssh_key", block(&[("id", text.clone(), "c"), ("username", text.clone(), "r")]));
    world.schema("aws_ecr_repository", block(&[("name", text.clone(), "r"), ("repository_url", text.clone(), "c")]));
    world.schema(
        "aws_kms_key",
        block(&[("id", text.clone(), "c"), ("key_id", text.clone(), "c"), ("arn", text.clone(), "c")]),
    );
    world.schema(
        "aws_kms_key_policy",
        block(&[("id", text.clone(), "c"), ("key_id", text.clone(), "r"), ("policy", text.clone(), "r")]),
    );
    world.schema(
        "aws_cloudwatch_event_target",
        block(&[("arn", text.clone(), "r"), ("kms_master_key_id", text.clone(), "o")]),
    );
    let key = "7fd4647a-0a5d-4db3-a140-46414491dccb";
    world.object(
        "aws_kms_key.data",
        &format!(r#"{{"id":"{key}","key_id":"{key}","arn":"arn:aws:kms:eu-west-1:111111111111:key/{key}"}}"#),
    );
    world.object("aws_kms_key_policy.data", &format!(r#"{{"id":"{key}","key_id":"{key}","policy":"{{}}"}}"#));
    world.object("aws_iam_instance_profile.web", r#"{"id":"web","name":"web"}"#);
    world.object("aws_iam_user.ada", r#"{"id":"ada","name":"ada"}"#);
    world.object("aws_iam_user_ssh_key.ada", r#"{"id":"x","username":"ada"}"#);
    world.object("aws_s3_bucket.logs", r#"{"id":"logs","arn":"arn:aws:s3:::logs","bucket":"logs"}"#);
    for name in ["z", "a"] {
        let number = if name == "z" { 1 } else { 2 };
        world.object(
            &format!("aws_security_group.{name}"),
            &format!(r#"{{"id":"sg-0123456789abcde{number}","ingress":[]}}"#),
        );
    }
    let repository = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/acc/api";
    world.object("aws_ecr_repository.api", &format!(r#"{{"name":"acc/api","repository_url":"{repository}"}}"#));
    world.object(
        "aws_sqs_queue.jobs",
        r#"{"id":"https://sqs/1/jobs","arn":"arn:aws:sqs:eu-west-1:111111111111:jobs","name":"jobs"}"#,
    );
    world.object(
        "aws_cloudwatch_event_target.t",
        &format!(r#"{{"arn":"arn:aws:sqs:eu-west-1:111111111111:jobs","kms_master_key_id":"{key}"}}"#),
    );
    world.object("aws_launch_template.web", &format!(
        r#"{{"image_uri":"{repository}:1","variables":{{"BUCKET":"logs","LEVEL":"web"}},"iam_instance_profile":[{{"name":"web"}}],
            "groups":["sg-00000000000000000","sg-0123456789abcde1","sg-0123456789abcde2"]}}"#
    ));
    insta::assert_snapshot!(world.printed(), @r#"
    aws_ecr_repository.api {
      name = "acc/api"
    }
    aws_iam_instance_profile.web {
      name = "web"
    }
    aws_iam_user.ada {
      name = "ada"
    }
    aws_iam_user_ssh_key.ada {
      username = aws_iam_user.ada.name
    }
    aws_kms_key.data {
    }
    aws_kms_key_policy.data {
      key_id = aws_kms_key.data.id
      policy = "{}"
    }
    aws_s3_bucket.logs {
      bucket = "logs"
    }
    aws_security_group.a {
    }
    aws_security_group.z {
    }
    aws_launch_template.web {
      groups = [aws_security_group.a.id, aws_security_group.z.id, "sg-00000000000000000"]
      image_uri = "${aws_ecr_repository.api.repository_url}:1"
      variables = {BUCKET = aws_s3_bucket.logs.bucket, LEVEL = "web"}
      iam_instance_profile {
        name = aws_iam_instance_profile.web.name
      }
    }
    aws_sqs_queue.jobs {
      name = "jobs"
    }
    aws_cloudwatch_event_target.t {
      arn = aws_sqs_queue.jobs.arn
      kms_master_key_id = aws_kms_key.data.id
    }
    "#);
}

#[test]
fn nothing_refers_in_a_circle() {
    let mut world = world();
    for (name, id, other) in [("a", "0", "1"), ("b", "1", "0"), ("self", "2", "2")] {
        world.object(&format!("aws_security_group.{name}"), &format!(
            r#"{{"id":"sg-0123456789abcdef{id}","name":"{name}","ingress":[{{"security_groups":["sg-0123456789abcdef{other}"],"from_port":22}}]}}"#
        ));
    }
    // The role names the function in a document; the function names the role outright, which stays.
    let trust = r#"{\"Resource\":\"arn:aws:lambda:eu-west-1:111111111111:function:f\"}"#;
    world
        .object(
            "aws_iam_role.r",
            &format!(
                r#"{{"id":"r","name":"r","arn":"arn:aws:iam::111111111111:role/r","assume_role_policy":"{trust}"}}"#
            ),
        )
        .json(path(&["assume_role_policy"]));
    world.object("aws_lambda_function.f", r#"{"id":"f","arn":"arn:aws:lambda:eu-west-1:111111111111:function:f","function_name":"f","role":"arn:aws:iam::111111111111:role/r"}"#);
    insta::assert_snapshot!(world.printed(), @r#"
    aws_iam_role.r {
      name = "r"
      assume_role_policy = jsonencode({Resource = "arn:aws:lambda:eu-west-1:111111111111:function:f"})
    }
    aws_lambda_function.f {
      function_name = "f"
      role = aws_iam_role.r.arn
    }
    aws_security_group.b {
      name = "b"
      ingress {
        from_port = 22
        security_groups = ["sg-0123456789abcdef0"]
      }
    }
    aws_security_group.a {
      name = "a"
      ingress {
        from_port = 22
        security_groups = [aws_security_group.b.id]
      }
    }
    aws_security_group.self {
      name = "self"
      ingress {
        from_port = 22
        security_groups = ["sg-0123456789abcdef2"]
      }
    }
    "#);
}

#[test]
fn what_changes_or_is_ambiguous_is_not_referred_to() {
    let mut world = world();
    world
        .object("aws_vpc.changes", r#"{"id":"vpc-0123456789abcdef0"}"#)
        .flaw(path(&["cidr_block"]), "The plan sets it.");
    world.object("aws_subnet.a", r#"{"id":"subnet-0123456789abcdef0","vpc_id":"vpc-0123456789abcdef0"}"#);
    let silenced = world.object("aws_vpc.silenced", r#"{"id":"vpc-0123456789abcdef1","cidr_block":"10.0.0.0/16"}"#);
    silenced.flaw(path(&["cidr_block"]), "Nobody knows.").solution.ignore_changes.push(path(&["cidr_block"]));
    world.object("aws_subnet.b", r#"{"id":"subnet-0123456789abcdef1","vpc_id":"vpc-0123456789abcdef1"}"#);
    for name in ["one", "two"] {
        world.object(&format!("aws_key_pair.{name}"), r#"{"id":"deploy","key_name":"deploy","public_key":"k"}"#);
    }
    world.object("aws_instance.i", r#"{"id":"i-0123456789abcdef0","key_name":"deploy"}"#);
    world.object("aws_instance.default", r#"{"id":"i-0123456789abcdef1","key_name":"default"}"#);
    world.object("aws_key_pair.default", r#"{"id":"default","key_name":"default","public_key":"k"}"#);
    insta::assert_snapshot!(world.printed(), @r#"
    aws_instance.default {
      key_name = "default"
    }
    aws_instance.i {
      key_name = "deploy"
    }
    aws_key_pair.default {
      key_name = "default"
      public_key = "k"
    }
    aws_key_pair.one {
      key_name = "deploy"
      public_key = "k"
    }
    aws_key_pair.two {
      key_name = "deploy"
      public_key = "k"
    }
    # cidr_block: The plan sets it.
    aws_vpc.changes {
    }
    # cidr_block: Nobody knows.
    aws_vpc.silenced {
      cidr_block = "10.0.0.0/16"
      ignore cidr_block
    }
    aws_subnet.a {
      vpc_id = "vpc-0123456789abcdef0"
    }
    aws_subnet.b {
      vpc_id = aws_vpc.silenced.id
    }
    "#);
}

#[test]
fn names_are_looked_for_where_they_mean_something() {
    let mut world = world();
    world.object("aws_key_pair.west", r#"{"id":"deploy","key_name":"deploy","public_key":"k"}"#).provider =
        Some("aws.west".into());
    world.object("aws_instance.east", r#"{"id":"i-0123456789abcdef0","key_name":"deploy"}"#);
    world.object("aws_instance.west", r#"{"id":"i-0123456789abcdef1","key_name":"deploy"}"#).provider =
        Some("aws.west".into());
    insta::assert_snapshot!(world.printed(), @r#"
    aws_key_pair.west {
      provider = aws.west
      key_name = "deploy"
      public_key = "k"
    }
    aws_instance.east {
      key_name = "deploy"
    }
    aws_instance.west {
      provider = aws.west
      key_name = aws_key_pair.west.key_name
    }
    "#);
}

#[test]
fn recorded_instances_of_the_same_module_are_referred_to() {
    let mut world = world();
    world.record("aws_vpc.main", r#"{"id":"vpc-0123456789abcdef0","arn":null,"cidr_block":"10.0.0.0/16"}"#);
    world.record("module.net.aws_vpc.main", r#"{"id":"vpc-0123456789abcdef1"}"#);
    world.record("aws_key_pair.k[0]", r#"{"id":"deploy","key_name":"deploy"}"#);
    world.object("aws_subnet.a", r#"{"id":"subnet-0123456789abcdef0","vpc_id":"vpc-0123456789abcdef0"}"#);
    world.object("aws_subnet.b", r#"{"id":"subnet-0123456789abcdef1","vpc_id":"vpc-0123456789abcdef1"}"#);
    world.object("module.net.aws_subnet.c", r#"{"id":"subnet-0123456789abcdef2","vpc_id":"vpc-0123456789abcdef1"}"#);
    world.object(
        "aws_instance.i",
        r#"{"id":"i-0123456789abcdef0","key_name":"deploy","subnet_id":"subnet-0123456789abcdef2"}"#,
    );
    insta::assert_snapshot!(world.printed(), @r#"
    ==  generated.tf
    aws_instance.i {
      key_name = aws_key_pair.k[0].key_name
      subnet_id = "subnet-0123456789abcdef2"
    }
    aws_subnet.a {
      vpc_id = aws_vpc.main.id
    }
    aws_subnet.b {
      vpc_id = "vpc-0123456789abcdef1"
    }
    == module.net generated.tf
    module.net.aws_subnet.c {
      vpc_id = module.net.aws_vpc.main.id
    }
    import module.net.aws_subnet.c id
    "#);
    world.options.has_references = false;
    assert!(!world.printed().contains("aws_vpc.main"));
}
