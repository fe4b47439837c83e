//! Which file a block stands in, and objects in modules.

use cty::Type;
use drift::adopt::compose::Layout;

use super::world::{World, block};

fn world() -> World {
    let mut world = World::new();
    for resource_type in ["aws_sqs_queue", "aws_sqs_queue_policy", "aws_vpc", "null"] {
        world.schema(
            resource_type,
            block(&[("id", Type::String, "c"), ("name", Type::String, "o"), ("of", Type::String, "o")]),
        );
    }
    world.object("aws_sqs_queue.b", r#"{"id":"https://sqs/b","name":"b"}"#);
    world.object("aws_sqs_queue.a", r#"{"id":"https://sqs/a","name":"a","of":"https://sqs/b"}"#);
    world.object("aws_sqs_queue_policy.a", r#"{"id":"x","of":"https://sqs/a"}"#);
    world.object("null.x", r#"{"id":"x"}"#);
    world.object("module.m.module.n.aws_vpc.v", r#"{"id":"vpc-01234567","of":"https://sqs/a"}"#);
    world
}

#[test]
fn files_are_by_type_by_service_or_one() {
    let mut world = world();
    let mut files = |layout: Layout| {
        world.options.layout = layout;
        let composition = world.compose();
        let file = |(place, file): (&drift::adopt::compose::FilePlace, &drift::adopt::compose::ComposedFile)| {
            let addresses: Vec<String> = file.resources.iter().map(|draft| draft.address.to_string()).collect();
            format!("{:?} {}: {}", place.module.to_string(), place.name, addresses.join(" "))
        };
        composition.files.iter().map(file).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(files(Layout::Type), @r#"
    "" generated_aws_sqs_queue.tf: aws_sqs_queue.b aws_sqs_queue.a
    "" generated_aws_sqs_queue_policy.tf: aws_sqs_queue_policy.a
    "" generated_null.tf: null.x
    "module.m.module.n" generated_aws_vpc.tf: module.m.module.n.aws_vpc.v
    "#);
    insta::assert_snapshot!(files(Layout::Service), @r#"
    "" generated_null.tf: null.x
    "" generated_sqs.tf: aws_sqs_queue.b aws_sqs_queue.a aws_sqs_queue_policy.a
    "module.m.module.n" generated_vpc.tf: module.m.module.n.aws_vpc.v
    "#);
    insta::assert_snapshot!(files(Layout::One), @r#"
    "" generated.tf: aws_sqs_queue.b aws_sqs_queue.a aws_sqs_queue_policy.a null.x
    "module.m.module.n" generated.tf: module.m.module.n.aws_vpc.v
    "#);
}

#[test]
fn instances_of_a_module_share_their_code() {
    let mut world = World::new();
    world.schema(
        "aws_vpc",
        block(&[("id", Type::String, "c"), ("name", Type::String, "o"), ("password", Type::String, "os")]),
    );
    for module in ["m[\"a\"]", "m[\"b\"]"] {
        world.object(
            &format!("module.{module}.aws_vpc.same"),
            &format!(r#"{{"id":"{module:?}","name":"same","password":"x"}}"#).replace("\\\"", "").replace("\"\"", "\""),
        );
        world.object(
            &format!("module.{module}.aws_vpc.differs"),
            &format!(r#"{{"id":"d","name":"{}"}}"#, &module[3..4]),
        );
    }
    world.object("module.m[\"a\"].aws_vpc.only", r#"{"id":"o"}"#);
    world.object("module.n[0].aws_vpc.v", r#"{"id":"o"}"#).provider = Some("aws.west".to_owned());
    insta::assert_snapshot!(world.printed(), @r#"
    == module.m generated.tf
    module.m["a"].aws_vpc.same {
      name = "same"
      password = var.same_password
    }
    == module.n generated.tf
    module.n[0].aws_vpc.v {
      provider = aws.west
    }
    variable same_password: string, sensitive # password of module.m["a"].aws_vpc.same. The plan was checked with the value that the provider read.
    import module.m["a"].aws_vpc.same id
    import module.m["b"].aws_vpc.same id
    import module.n[0].aws_vpc.v id
    left out module.m["a"].aws_vpc.differs: module.m has several instances, which share their code, and module.m.aws_vpc.differs would not be the same in all of them: adopt it in another module.
    left out module.m["a"].aws_vpc.only: module.m has several instances, which share their code, and module.m.aws_vpc.only would not be the same in all of them: adopt it in another module.
    left out module.m["b"].aws_vpc.differs: module.m has several instances, which share their code, and module.m.aws_vpc.differs would not be the same in all of them: adopt it in another module.
    "#);
}
