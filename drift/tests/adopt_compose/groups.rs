//! When objects share a block.

use cty::Type;
use drift::adopt::search::SecretSource;
use model::schema::NestingMode;

use super::world::{World, block, map, path, strings, with_block};

fn world() -> World {
    let text = Type::String;
    let mut world = World::new();
    world.options.group_from = Some(3);
    world.schema(
        "aws_sqs_queue",
        block(&[
            ("id", text.clone(), "c"),
            ("url", text.clone(), "c"),
            ("arn", text.clone(), "c"),
            ("name", text.clone(), "o"),
            ("delay_seconds", Type::Number, "o"),
            ("fifo_queue", Type::Bool, "o"),
            ("password", text.clone(), "os"),
            ("redrive_policy", text.clone(), "o"),
            ("tags", map(), "o"),
        ]),
    );
    world.schema(
        "aws_subnet",
        block(&[
            ("id", text.clone(), "c"),
            ("vpc_id", text.clone(), "r"),
            ("cidr_block", text.clone(), "o"),
            ("availability_zone", text.clone(), "o"),
            ("map_public_ip_on_launch", Type::Bool, "o"),
            ("tags", map(), "o"),
        ]),
    );
    world.schema("aws_vpc", block(&[("id", text.clone(), "c"), ("cidr_block", text.clone(), "o")]));
    world.schema(
        "aws_instance",
        with_block(
            block(&[("subnet_id", text.clone(), "o"), ("groups", strings(), "o"), ("name", text.clone(), "o")]),
            "disk",
            NestingMode::List,
            0,
            block(&[("size", Type::Number, "o"), ("kind", text, "o")]),
        ),
    );
    world
}

fn queue(world: &mut World, address: &str, more: &str) {
    let name = address.split('.').nth(1).expect("a name").replace('_', "-").replace('"', "");
    let url = format!("https://sqs.eu-west-1.amazonaws.com/111111111111/{name}");
    let text = format!(
        r#"{{"id":"{url}","url":"{url}","arn":"arn:aws:sqs:eu-west-1:111111111111:{name}","name":"{name}"{more}}}"#
    );
    world.object(address, &text);
}

#[test]
fn only_the_name_varies() {
    let mut world = world();
    for name in ["jobs_high", "jobs_low", "jobs_mid"] {
        queue(&mut world, &format!("aws_sqs_queue.{name}"), r#","delay_seconds":5"#);
    }
    queue(&mut world, "aws_sqs_queue.other", r#","fifo_queue":true"#);
    insta::assert_snapshot!(world.printed(), @r#"
    aws_sqs_queue.jobs {
      for_each = toset(["jobs-high", "jobs-low", "jobs-mid"])
      name = each.key
      delay_seconds = 5
    }
    aws_sqs_queue.other {
      name = "other"
      fifo_queue = true
    }
    import aws_sqs_queue.jobs["jobs-high"] id
    import aws_sqs_queue.jobs["jobs-low"] id
    import aws_sqs_queue.jobs["jobs-mid"] id
    aws_sqs_queue.jobs_high -> aws_sqs_queue.jobs["jobs-high"]
    aws_sqs_queue.jobs_low -> aws_sqs_queue.jobs["jobs-low"]
    aws_sqs_queue.jobs_mid -> aws_sqs_queue.jobs["jobs-mid"]
    "#);
    world.options.group_from = Some(4);
    assert!(world.compose().grouped.is_empty());
    world.options.group_from = None;
    assert!(world.compose().grouped.is_empty());
}

#[test]
fn a_few_things_vary_and_others_refer_to_them() {
    let mut world = world();
    world.object("aws_vpc.main", r#"{"id":"vpc-0123456789abcdef0","cidr_block":"10.0.0.0/16"}"#);
    for (number, zone) in ["a", "b", "c"].iter().enumerate() {
        world.object(
            &format!("aws_subnet.private_{zone}"),
            &format!(
                r#"{{"id":"subnet-0123456789abcde{number}","vpc_id":"vpc-0123456789abcdef0","cidr_block":"10.0.{number}.0/24",
                    "availability_zone":"eu-west-1{zone}","map_public_ip_on_launch":false,
                    "tags":{{"Name":"private-{zone}","team":"core"}}}}"#
            ),
        );
        world.object(
            &format!("aws_instance.{zone}"),
            &format!(
                r#"{{"subnet_id":"subnet-0123456789abcde{number}","groups":["g","{zone}"],"name":"{zone}",
                    "disk":[{{"size":{number},"kind":"fast"}},{{"size":9,"kind":"slow"}}]}}"#
            ),
        );
    }
    insta::assert_snapshot!(world.printed(), @r#"
    aws_vpc.main {
      cidr_block = "10.0.0.0/16"
    }
    aws_subnet.private {
      for_each = {private-a = {availability_zone = "eu-west-1a", cidr_block = "10.0.0.0/24"}, private-b = {availability_zone = "eu-west-1b", cidr_block = "10.0.1.0/24"}, private-c = {availability_zone = "eu-west-1c", cidr_block = "10.0.2.0/24"}}
      vpc_id = aws_vpc.main.id
      availability_zone = each.value.availability_zone
      cidr_block = each.value.cidr_block
      map_public_ip_on_launch = false
      tags = {Name = each.key, team = "core"}
    }
    aws_instance.instance {
      for_each = {a = {groups = ["g", "a"], subnet_id = aws_subnet.private["private-a"].id, size = 0}, b = {groups = ["g", "b"], subnet_id = aws_subnet.private["private-b"].id, size = 1}, c = {groups = ["g", "c"], subnet_id = aws_subnet.private["private-c"].id, size = 2}}
      name = each.key
      groups = each.value.groups
      subnet_id = each.value.subnet_id
      disk {
        kind = "fast"
        size = each.value.size
      }
      disk {
        kind = "slow"
        size = 9
      }
    }
    import aws_instance.instance["a"] id
    import aws_instance.instance["b"] id
    import aws_instance.instance["c"] id
    import aws_subnet.private["private-a"] id
    import aws_subnet.private["private-b"] id
    import aws_subnet.private["private-c"] id
    aws_instance.a -> aws_instance.instance["a"]
    aws_instance.b -> aws_instance.instance["b"]
    aws_instance.c -> aws_instance.instance["c"]
    aws_subnet.private_a -> aws_subnet.private["private-a"]
    aws_subnet.private_b -> aws_subnet.private["private-b"]
    aws_subnet.private_c -> aws_subnet.private["private-c"]
    "#);
}

#[test]
fn objects_are_divided_by_what_takes_few_values() {
    let mut world = world();
    for number in 0..3 {
        queue(&mut world, &format!("aws_sqs_queue.slow_{number}"), r#","delay_seconds":9,"fifo_queue":true"#);
        queue(&mut world, &format!("aws_sqs_queue.fast_{number}"), r#","delay_seconds":0,"fifo_queue":false"#);
    }
    insta::assert_snapshot!(world.printed(), @r#"
    aws_sqs_queue.fast {
      for_each = toset(["fast-0", "fast-1", "fast-2"])
      name = each.key
      delay_seconds = 0
      fifo_queue = false
    }
    aws_sqs_queue.slow {
      for_each = toset(["slow-0", "slow-1", "slow-2"])
      name = each.key
      delay_seconds = 9
      fifo_queue = true
    }
    import aws_sqs_queue.fast["fast-0"] id
    import aws_sqs_queue.fast["fast-1"] id
    import aws_sqs_queue.fast["fast-2"] id
    import aws_sqs_queue.slow["slow-0"] id
    import aws_sqs_queue.slow["slow-1"] id
    import aws_sqs_queue.slow["slow-2"] id
    aws_sqs_queue.fast_0 -> aws_sqs_queue.fast["fast-0"]
    aws_sqs_queue.fast_1 -> aws_sqs_queue.fast["fast-1"]
    aws_sqs_queue.fast_2 -> aws_sqs_queue.fast["fast-2"]
    aws_sqs_queue.slow_0 -> aws_sqs_queue.slow["slow-0"]
    aws_sqs_queue.slow_1 -> aws_sqs_queue.slow["slow-1"]
    aws_sqs_queue.slow_2 -> aws_sqs_queue.slow["slow-2"]
    "#);
}

#[test]
fn what_must_stay_alone() {
    let mut world = world();
    for name in ["a", "b", "c", "d", "e", "f"] {
        queue(&mut world, &format!("aws_sqs_queue.q_{name}"), r#","password":"x""#);
    }
    world.objects[0].pinned();
    world.objects[1].flaw(path(&["name"]), "The plan changes it.");
    world.objects[2].secret(path(&["password"]), SecretSource::Observed, true);
    world.objects[3].provider = Some("aws.west".to_owned());
    // The last two are too few.
    insta::assert_snapshot!(world.compose().grouped.len(), @"0");
    for object in &mut world.objects {
        object.solution.secrets.clear();
    }
    assert!(world.compose().grouped.is_empty(), "the schema alone says what is secret");
}

#[test]
fn objects_that_name_one_another_are_no_group() {
    let mut world = world();
    for (name, other) in [("a", "b"), ("b", "c"), ("c", "a")] {
        let policy = format!(
            r#","redrive_policy":"arn:aws:sqs:eu-west-1:111111111111:q-{other}","delay_seconds":3,"fifo_queue":true"#
        );
        queue(&mut world, &format!("aws_sqs_queue.q_{name}"), &policy);
    }
    insta::assert_snapshot!(world.printed(), @r#"
    aws_sqs_queue.q_c {
      name = "q-c"
      delay_seconds = 3
      fifo_queue = true
      redrive_policy = "arn:aws:sqs:eu-west-1:111111111111:q-a"
    }
    aws_sqs_queue.q_b {
      name = "q-b"
      delay_seconds = 3
      fifo_queue = true
      redrive_policy = aws_sqs_queue.q_c.arn
    }
    aws_sqs_queue.q_a {
      name = "q-a"
      delay_seconds = 3
      fifo_queue = true
      redrive_policy = aws_sqs_queue.q_b.arn
    }
    "#);
}

#[test]
fn a_mapping_file_makes_groups() {
    let mut world = world();
    world.options.group_from = None;
    queue(&mut world, "aws_sqs_queue.jobs[\"a\"]", r#","delay_seconds":5"#);
    queue(&mut world, "aws_sqs_queue.jobs[\"B ${x}\"]", r#","fifo_queue":true,"tags":{"a":"b"}"#);
    queue(&mut world, "aws_sqs_queue.alone[\"only\"]", r#","delay_seconds":5"#);
    world.object(
        "aws_instance.secret",
        r#"{"name":"x","subnet_id":"https://sqs.eu-west-1.amazonaws.com/111111111111/alone[only]","disk":[]}"#,
    );
    for object in &mut world.objects {
        object.pinned();
    }
    insta::assert_snapshot!(world.printed(), @r#"
    aws_sqs_queue.alone {
      for_each = toset(["only"])
      name = "alone[only]"
      delay_seconds = 5
    }
    aws_sqs_queue.jobs {
      for_each = {B ${x} = {name = "jobs[B $${x}]", fifo_queue = true, tags = {a = "b"}, delay_seconds = null}, a = {name = "jobs[a]", fifo_queue = null, tags = null, delay_seconds = 5}}
      name = each.value.name
      fifo_queue = each.value.fifo_queue
      tags = each.value.tags
      delay_seconds = each.value.delay_seconds
    }
    aws_instance.secret {
      name = "x"
      subnet_id = aws_sqs_queue.alone["only"].id
    }
    "#);
}

#[test]
fn a_mapping_file_cannot_join_everything() {
    let mut world = world();
    world.object("aws_instance.disks[\"a\"]", r#"{"name":"a","disk":[]}"#);
    world.object("aws_instance.disks[\"b\"]", r#"{"name":"b","disk":[{"size":1}]}"#);
    world.object("aws_instance.counted[0]", r#"{"name":"c","disk":[]}"#);
    world.object("aws_instance.both", r#"{"name":"d","disk":[]}"#);
    world.object("aws_instance.both[\"a\"]", r#"{"name":"e","disk":[]}"#);
    world.object("aws_instance.there[\"b\"]", r#"{"name":"e","disk":[]}"#);
    world.record("aws_instance.there[\"a\"]", r#"{"name":"f"}"#);
    queue(&mut world, "aws_sqs_queue.secret[\"a\"]", r#","password":"x""#);
    queue(&mut world, "aws_sqs_queue.secret[\"b\"]", r#","password":"y""#);
    queue(&mut world, "aws_sqs_queue.one_secret[\"b\"]", r#","password":"y""#);
    insta::assert_snapshot!(world.printed(), @r#"
    aws_sqs_queue.one_secret {
      for_each = toset(["b"])
      name = "one-secret[b]"
      password = var.one_secret_b_password
    }
    variable one_secret_b_password: string, sensitive # password of aws_sqs_queue.one_secret["b"]. The plan was checked with the value that the provider read.
    left out aws_instance.both: Objects are sent both to aws_instance.both and to instances of it.
    left out aws_instance.both["a"]: Objects are sent both to aws_instance.both and to instances of it.
    left out aws_instance.counted[0]: Adopted blocks are repeated by text keys, as in aws_instance.counted["a"], not by number.
    left out aws_instance.disks["a"]: aws_instance.disks is to be one block for several objects, but these differ in which blocks they have inside: choose an address of its own for each.
    left out aws_instance.disks["b"]: aws_instance.disks is to be one block for several objects, but these differ in which blocks they have inside: choose an address of its own for each.
    left out aws_instance.there["b"]: The block aws_instance.there is there already: add what the object needs to it, or choose another address.
    left out aws_sqs_queue.secret["a"]: aws_sqs_queue.secret is to be one block for several objects, but some hold secrets, which `for_each` must not: choose an address of its own for each.
    left out aws_sqs_queue.secret["b"]: aws_sqs_queue.secret is to be one block for several objects, but some hold secrets, which `for_each` must not: choose an address of its own for each.
    "#);
}

#[test]
fn groups_are_not_named_after_ids() {
    let mut world = world();
    for id in ["q_0123456789a", "q_0123456789b", "q_0123456789c"] {
        queue(&mut world, &format!("aws_sqs_queue.{id}"), "");
    }
    let to: Vec<String> = world.compose().grouped.values().map(ToString::to_string).collect();
    insta::assert_snapshot!(to.join(" "), @r#"aws_sqs_queue.queue["q-0123456789a"] aws_sqs_queue.queue["q-0123456789b"] aws_sqs_queue.queue["q-0123456789c"]"#);
}

#[test]
fn equal_numbers_vary_each_by_itself() {
    let mut world = world();
    for (number, name) in ["a", "b", "c"].iter().enumerate() {
        world.object(
            &format!("aws_instance.{name}"),
            &format!(
                r#"{{"subnet_id":"s","groups":["g"],"name":"{name}",
                    "disk":[{{"size":{number},"kind":"{name}{name}"}},{{"size":{number},"kind":"{name}{name}"}},{{"size":9,"kind":"slow"}}]}}"#
            ),
        );
    }
    insta::assert_snapshot!(world.printed(), @r#"
    aws_instance.instance {
      for_each = {a = {kind = "aa", size = 0, disk_size = 0}, b = {kind = "bb", size = 1, disk_size = 1}, c = {kind = "cc", size = 2, disk_size = 2}}
      name = each.key
      groups = ["g"]
      subnet_id = "s"
      disk {
        kind = each.value.kind
        size = each.value.size
      }
      disk {
        kind = each.value.kind
        size = each.value.disk_size
      }
      disk {
        kind = "slow"
        size = 9
      }
    }
    import aws_instance.instance["a"] id
    import aws_instance.instance["b"] id
    import aws_instance.instance["c"] id
    aws_instance.a -> aws_instance.instance["a"]
    aws_instance.b -> aws_instance.instance["b"]
    aws_instance.c -> aws_instance.instance["c"]
    "#);
}
