//! What stands in a block, and in which order.

use cty::{Path, Type, Value};
use drift::adopt::search::SecretSource;
use model::schema::{AttributeType, NestingMode};

use super::world::{World, attribute, block, map, nested_attribute, path, strings, with_block};

#[test]
fn arguments_are_in_the_order_of_a_person() {
    let mut world = World::new();
    world.schema(
        "aws_lambda_function",
        with_block(
            with_block(
                block(&[
                    ("arn", Type::String, "c"),
                    ("description", Type::String, "o"),
                    ("environment", map(), "o"),
                    ("function_name", Type::String, "r"),
                    ("handler", Type::String, "r"),
                    ("layers", strings(), "o"),
                    ("memory_size", Type::Number, "o"),
                    ("script", Type::String, "r"),
                    ("tags", map(), "o"),
                    ("timeout", Type::Number, "o"),
                ]),
                "vpc_config",
                NestingMode::List,
                0,
                block(&[("subnet_ids", strings(), "r"), ("name", Type::String, "o")]),
            ),
            "zone",
            NestingMode::Set,
            1,
            block(&[("id", Type::String, "r")]),
        ),
    );
    world.object(
        "aws_lambda_function.f",
        r#"{"arn":"a","description":"d","environment":{"K":"v"},"function_name":"f","handler":"h","layers":["l"],
            "memory_size":1.50,"script":"a\nb\n","tags":{"a b":"${x}"},"timeout":null,
            "vpc_config":[{"subnet_ids":[],"name":"n"},{"subnet_ids":["s"]}],"zone":[{"id":"b"},{"id":"a"}]}"#,
    );
    insta::assert_snapshot!(world.printed(), @r#"
    aws_lambda_function.f {
      function_name = "f"
      handler = "h"
      description = "d"
      layers = ["l"]
      memory_size = 1.5
      script = "a\nb\n"
      environment = {K = "v"}
      tags = {"a b" = "$${x}"}
      zone {
        id = "a"
      }
      zone {
        id = "b"
      }
      vpc_config {
        name = "n"
        subnet_ids = []
      }
      vpc_config {
        subnet_ids = ["s"]
      }
    }
    "#);
}

#[test]
fn documents_are_in_the_order_of_a_person() {
    let mut world = World::new();
    world.schema("aws_iam_policy", block(&[("name", Type::String, "r"), ("policy", Type::String, "r")]));
    let policy = r#"{\"Statement\":[{\"Action\":\"s3:*\",\"Effect\":\"Allow\",\"Resource\":null,\"Sid\":\"\"}],\"Version\":\"2012-10-17\"}"#;
    world.object("aws_iam_policy.p", &format!(r#"{{"name":"p","policy":"{policy}"}}"#)).json(path(&["policy"]));
    let spaced = r#"{ \"Version\": \"2012-10-17\" }"#;
    world.object("aws_iam_policy.spaced", &format!(r#"{{"name":"q","policy":"{spaced}"}}"#)).json(path(&["policy"]));
    insta::assert_snapshot!(world.printed(), @r#"
    aws_iam_policy.p {
      name = "p"
      policy = jsonencode({Version = "2012-10-17", Statement = [{Sid = "", Effect = "Allow", Action = "s3:*", Resource = null}]})
    }
    aws_iam_policy.spaced {
      name = "q"
      policy = "{ \"Version\": \"2012-10-17\" }"
    }
    "#);
}

#[test]
fn every_kind_of_nesting_comes_out() {
    let mut world = World::new();
    let leaf = || block(&[("key", Type::String, "r"), ("size", Type::Number, "o"), ("from", Type::String, "o")]);
    let mut outer = block(&[("name", Type::String, "r")]);
    let nestings = [
        ("single", NestingMode::Single),
        ("list", NestingMode::List),
        ("set", NestingMode::Set),
        ("map", NestingMode::Map),
    ];
    for (name, nesting) in nestings {
        let mut inner = leaf();
        inner.attributes.insert("deep".to_owned(), attribute(nested_attribute(nesting, leaf()), "o"));
        outer.attributes.insert(format!("{name}_attribute"), attribute(nested_attribute(nesting, inner), "o"));
        outer = with_block(outer, &format!("{name}_block"), nesting, 0, leaf());
    }
    outer = with_block(outer, "group_block", NestingMode::Group, 0, leaf());
    outer = with_block(outer, "other_group", NestingMode::Group, 0, block(&[("key", Type::String, "o")]));
    let object = Type::object([("a", Type::String), ("b", Type::Number), ("c", Type::list(Type::String))]);
    outer.attributes.insert("rules".to_owned(), attribute(AttributeType::Plain(Type::set(object.clone())), "oc"));
    outer.attributes.insert("no_rules".to_owned(), attribute(AttributeType::Plain(Type::list(object.clone())), "oc"));
    outer.attributes.insert("rule".to_owned(), attribute(AttributeType::Plain(object), "o"));
    outer.attributes.insert("any".to_owned(), attribute(AttributeType::Plain(Type::Dynamic), "o"));
    world.schema("x_thing", outer);
    world.object(
        "x_thing.t",
        r#"{"name":"t",
            "single_attribute":{"size":1,"key":"k","deep":{"key":"d"}},
            "list_attribute":[{"key":"k"},{"key":"l","deep":[{"key":"d"}]}],
            "set_attribute":[{"key":"k","deep":[{"key":"d"},{"key":"e"}]}],
            "map_attribute":{"x y":{"key":"k","deep":{"${z}":{"key":"d"}}}},
            "single_block":{"key":"k"},"list_block":[{"key":"k"},{"key":"a"}],"set_block":[{"key":"k"},{"key":"a"}],
            "map_block":{"%{l}":{"key":"k"}},"group_block":{"key":"g"},"other_group":{},
            "rules":[{"a":"1","c":["x"]},{"b":2}],"no_rules":[],"rule":{"a":"1"},
            "any":{"type":["object",{"z":"string","l":["tuple",["bool","number"]]}],"value":{"z":"1","l":[true,2]}}}"#,
    );
    insta::assert_snapshot!(world.printed(), @r#"
    x_thing.t {
      name = "t"
      no_rules = []
      any = {l = [true, 2], z = "1"}
      list_attribute = [{key = "k"}, {key = "l", deep = [{key = "d"}]}]
      map_attribute = {x y = {key = "k", deep = {${z} = {key = "d"}}}}
      rule = {a = "1", b = null, c = null}
      rules = [{a = "1", b = null, c = ["x"]}, {a = null, b = 2, c = null}]
      set_attribute = [{key = "k", deep = [{key = "d"}, {key = "e"}]}]
      single_attribute = {key = "k", size = 1, deep = {key = "d"}}
      group_block {
        key = "g"
      }
      list_block {
        key = "k"
      }
      list_block {
        key = "a"
      }
      map_block "%{l}" {
        key = "k"
      }
      set_block {
        key = "a"
      }
      set_block {
        key = "k"
      }
      single_block {
        key = "k"
      }
    }
    "#);
}

#[test]
fn a_list_of_objects_is_written_as_blocks_where_the_type_has_no_nested_attribute() {
    let mut world = World::new();
    let object = Type::object([("a", Type::String), ("b", Type::Number)]);
    let rules = || attribute(AttributeType::Plain(Type::set(object.clone())), "oc");
    let mut older = block(&[("name", Type::String, "r")]);
    older.attributes.insert("rules".to_owned(), rules());
    let mut deep = block(&[("key", Type::String, "o")]);
    deep.attributes.insert("inner".to_owned(), attribute(nested_attribute(NestingMode::Single, deep.clone()), "o"));
    let newer = with_block(older.clone(), "outer", NestingMode::List, 0, deep);
    world.schema("x_older", older);
    world.schema("x_newer", newer);
    world.object("x_older.t", r#"{"name":"t","rules":[{"a":"1"},{"b":2}]}"#);
    world.object("x_newer.t", r#"{"name":"t","rules":[{"a":"1"},{"b":2}],"outer":[]}"#);
    insta::assert_snapshot!(world.printed(), @r#"
    x_newer.t {
      name = "t"
      rules = [{a = "1", b = null}, {a = null, b = 2}]
    }
    x_older.t {
      name = "t"
      rules {
        a = "1"
      }
      rules {
        b = 2
      }
    }
    "#);
}

#[test]
fn secrets_become_variables() {
    let mut world = World::new();
    let user = block(&[("name", Type::String, "r"), ("password", Type::String, "rs"), ("groups", strings(), "o")]);
    let mut schema = with_block(
        block(&[
            ("name", Type::String, "r"),
            ("password", Type::String, "os"),
            ("token", Type::String, "o"),
            ("environment", map(), "o"),
            ("master", Type::String, "os"),
            ("pair", Type::list(Type::String), "o"),
        ]),
        "user",
        NestingMode::Set,
        1,
        user.clone(),
    );
    schema = with_block(schema, "login", NestingMode::List, 0, user);
    world.schema("aws_mq_broker", schema);
    let broker = world.object(
        "aws_mq_broker.main",
        r#"{"name":"b","password":"hunter2","token":"tok","environment":{"A":"1","DB PASS":"p"},"pair":["a","b"],
            "user":[{"name":"u","password":"pw-one","groups":["g"]},{"name":"v","password":"pw-two"}],
            "login":[{"name":"l","password":"pw-three"},{"name":"m","password":"pw-four"}]}"#,
    );
    broker.secret(path(&["password"]), SecretSource::Observed, true);
    broker.secret(path(&["token"]), SecretSource::Observed, false);
    broker.secret(path(&["environment"]).index("DB PASS"), SecretSource::Observed, false);
    broker.secret(path(&["pair"]).index(1u64), SecretSource::StandIn, false);
    broker.secret(path(&["login", "1", "password"]), SecretSource::Observed, true);
    broker.flaw(path(&["pair"]).index(1u64), "Nobody can read it back.");
    broker.flaw(path(&["name"]), "The plan changes it.");
    broker.flaw(Path::new(), "It is odd.");
    broker.solution.ignore_changes.push(path(&["pair"]));
    world.object("aws_mq_broker.main_password", r#"{"name":"b","password":"x","user":[],"login":[]}"#).secret(
        path(&["password"]),
        SecretSource::Observed,
        true,
    );
    world.options.taken_variables.insert("main_token".to_owned());
    insta::assert_snapshot!(world.printed(), @r#"
    # Nobody can read pair[1] back: the plan was checked with a stand-in, and changes of it are ignored.
    # name: The plan changes it.
    # It is odd.
    aws_mq_broker.main {
      name = "b"
      pair = ["a", var.main_pair_1]
      password = var.main_password
      token = var.mq_broker_main_token
      environment = {A = "1", DB PASS = var.main_environment_db_pass}
      user {
        name = "u"
        password = var.main_user_password
        groups = ["g"]
      }
      user {
        name = "v"
        password = var.main_user_password_2
      }
      login {
        name = "l"
        password = var.main_login_password
      }
      login {
        name = "m"
        password = var.main_login_1_password
      }
      ignore pair
    }
    aws_mq_broker.main_password {
      name = "b"
      password = var.main_password_password
    }
    variable main_environment_db_pass: string # environment["DB PASS"] of aws_mq_broker.main. It looks like a secret, though the provider does not say so. The plan was checked with the value that the provider read.
    variable main_login_1_password: string, sensitive # login[1].password of aws_mq_broker.main. The plan was checked with the value that the provider read.
    variable main_login_password: string, sensitive # login[0].password of aws_mq_broker.main. The plan was checked with the value that the provider read.
    variable main_pair_1: string # pair[1] of aws_mq_broker.main. Nobody can read it back: the plan was checked with a stand-in.
    variable main_password: string, sensitive # password of aws_mq_broker.main. The plan was checked with the value that the provider read.
    variable main_password_password: string, sensitive # password of aws_mq_broker.main_password. The plan was checked with the value that the provider read.
    variable main_user_password: string, sensitive # user.password of aws_mq_broker.main. The plan was checked with the value that the provider read.
    variable main_user_password_2: string, sensitive # user.password of aws_mq_broker.main. The plan was checked with the value that the provider read.
    variable mq_broker_main_token: string # token of aws_mq_broker.main. It looks like a secret, though the provider does not say so. The plan was checked with the value that the provider read.
    "#);
    let printed = format!("{}{:?}", world.printed(), world.compose().files);
    for secret in ["hunter2", "\"tok\"", "pw-"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[test]
fn a_marked_set_without_a_known_secret_is_a_variable_as_a_whole() {
    let mut world = World::new();
    world.schema("x_thing", block(&[("keys", Type::set(Type::String), "o"), ("name", Type::String, "r")]));
    let thing = world.object("x_thing.t", r#"{"name":"t","keys":["a","b"]}"#);
    let mark = |at: &Path, value: Value| Ok(if *at == path(&["keys"]) { value.mark_sensitive() } else { value });
    thing.solution.config = cty::transform(&thing.solution.config, mark).expect("marks fit");
    insta::assert_snapshot!(world.printed(), @r#"
    x_thing.t {
      name = "t"
      keys = var.t_keys
    }
    variable t_keys: set(string) # keys of x_thing.t. It looks like a secret, though the provider does not say so. The plan was checked with the value that the provider read.
    "#);
}

#[test]
fn what_has_no_configuration_is_left_out() {
    let mut world = World::new();
    world.schema("x_thing", block(&[("name", Type::String, "r")]));
    let thing = world.object("x_thing.none", r#"{"name":"t"}"#).flaw(Path::new(), "The provider refuses it.");
    thing.solution.config = Value::null(thing.solution.config.ty().clone());
    let thing = world.object("x_thing.replaced", r#"{"name":"t"}"#).flaw(path(&["name"]), "It would be replaced.");
    thing.solution.flaws[0].replaces = true;
    insta::assert_snapshot!(world.printed(), @"
    left out x_thing.none: The provider refuses it.
    left out x_thing.replaced: It would be replaced.
    ");
}
