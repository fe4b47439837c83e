//! What each function is for, one case each.

use cty::{Path, Type, Value};
use drift::lifecycle::{
    Action, Ignored, action, apply_ignore_changes, ignore_in_configuration, normalize_legacy, proposed_new,
    replace_paths, strip,
};
use model::{Block, NestingMode, Schema};

use crate::schemas::{block, in_blocks, nested, plain, value};

#[track_caller]
fn assert_proposes(block: &Block, prior: &str, config: &str, expected: &str) {
    let got = proposed_new(block, &value(block, prior), &value(block, config));
    assert_eq!(got, value(block, expected), "is {got}");
}

fn set_of_rules() -> Block {
    let rule = block([("port", plain("r", Type::Number)), ("id", plain("c", Type::String))], []);
    block([], [("rule", in_blocks(NestingMode::Set, rule))])
}

#[test]
fn stripping_keeps_the_text_of_what_stays() {
    let rule = block([("port", plain("r", Type::Number))], []);
    let block = block(
        [("big", plain("o", Type::Number)), ("any", plain("o", Type::Dynamic))],
        [("rule", in_blocks(NestingMode::List, rule))],
    );
    let schema = Schema { version: 2, block };
    let check = |recorded: &str, expected: &str| {
        let stripped = strip(recorded.as_bytes(), &schema).expect("a recorded object");
        assert_eq!(String::from_utf8_lossy(&stripped), expected);
    };
    check(
        r#"{"rule":[{"port":1,"old":{"a":[1]}}],"gone":null,"big":1234567890123456789.10}"#,
        r#"{"rule": [{"port": 1}], "big": 1234567890123456789.10}"#,
    );
    check(
        r#"{"any":{"value":{"x":1},"type":["object",{"x":"number"}]},"big":null}"#,
        r#"{"any":{"value":{"x":1},"type":["object",{"x":"number"}]},"big":null}"#,
    );
    check(r#" { "big" : 1e2 }"#, r#" { "big" : 1e2 }"#);
}

#[test]
fn stripping_refuses_what_is_no_object_and_says_no_secret() {
    let schema = Schema { version: 0, block: Block::default() };
    let problem = |recorded: &str| strip(recorded.as_bytes(), &schema).expect_err("it is refused").to_string();
    assert_eq!(problem(r#"["hunter2"]"#), "an object is required, but the JSON is an array");
    assert_eq!(problem(r#"{"a": "hunter2"#), "a string is not closed at line 1 column 15");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(problem(&deep), "nested more than 128 levels deep");
}

#[test]
fn nested_blocks_of_old_sdks_are_never_null() {
    let inner = block([("name", plain("o", Type::String))], []);
    let block = block(
        [("tags", plain("o", Type::map(Type::String)))],
        [
            ("group", in_blocks(NestingMode::Group, inner.clone())),
            ("list", in_blocks(NestingMode::List, inner.clone())),
            ("set", in_blocks(NestingMode::Set, inner.clone())),
            ("single", in_blocks(NestingMode::Single, inner.clone())),
        ],
    );
    let got = normalize_legacy(&value(&block, "{}"), &block);
    let expected = value(&block, r#"{"group": {"name": null}, "list": [], "set": []}"#);
    assert_eq!(got, expected, "is {got}");

    let unknown = normalize_legacy(&Value::unknown(block.value_type()), &block);
    assert_eq!(unknown.to_string(), {
        let one = "{name = (known after apply)}";
        format!("{{group = {one}, list = [{one}], set = [{one}], single = {one}, tags = (known after apply)}}")
    });
}

#[test]
fn computed_attributes_keep_the_prior_value() {
    let block = block(
        [
            ("arn", plain("c", Type::String)),
            ("name", plain("o", Type::String)),
            ("size", plain("oc", Type::Number)),
            ("password", plain("ow", Type::String)),
        ],
        [],
    );
    let prior = r#"{"arn": "arn:1", "name": "a", "size": 3}"#;
    assert_proposes(&block, prior, r#"{"password": "p"}"#, r#"{"arn": "arn:1", "size": 3, "password": "p"}"#);
    assert_proposes(&block, prior, r#"{"size": 4}"#, r#"{"arn": "arn:1", "size": 4}"#);
    assert_proposes(&block, "null", r#"{"name": "b"}"#, r#"{"name": "b"}"#);
    assert_proposes(&block, "null", "null", "null");
}

#[test]
fn set_elements_find_what_they_became() {
    let block = set_of_rules();
    assert_proposes(
        &block,
        r#"{"rule": [{"port": 1, "id": "r-1"}, {"port": 2, "id": "r-2"}]}"#,
        r#"{"rule": [{"port": 2}, {"port": 3}]}"#,
        r#"{"rule": [{"port": 2, "id": "r-2"}, {"port": 3}]}"#,
    );
}

#[test]
fn nested_objects_that_were_written_go_when_they_are_no_longer() {
    let attributes = || [("name", plain("o", Type::String)), ("id", plain("c", Type::String))];
    let written = block([("owner", nested("oc", NestingMode::Single, attributes()))], []);
    assert_proposes(&written, r#"{"owner": {"name": "a", "id": "1"}}"#, "{}", "{}");
    assert_proposes(&written, r#"{"owner": {"id": "1"}}"#, "{}", r#"{"owner": {"id": "1"}}"#);
}

#[test]
fn only_paths_that_differ_replace() {
    let block = block(
        [
            ("name", plain("o", Type::String)),
            ("zone", plain("oc", Type::String)),
            ("token", plain("ow", Type::String)),
            ("tags", plain("o", Type::map(Type::String))),
        ],
        [],
    );
    let prior = value(&block, r#"{"name": "a", "zone": "z", "tags": {"k": "v"}}"#);
    let path = |name: &str| Path::new().attr(name);
    let kept = |planned: &Value, paths: &[Path]| replace_paths(paths, &prior, planned, &block);

    assert_eq!(kept(&prior, &[path("name"), path("zone"), path("nowhere")]), []);
    assert_eq!(action(&prior, &prior, &[], &block), Action::NoOp);

    let renamed = value(&block, r#"{"name": "b", "zone": "z", "tags": {}}"#);
    let paths = [path("name"), path("zone"), path("name"), path("tags").attr("k")];
    assert_eq!(kept(&renamed, &paths), [path("name"), path("tags").attr("k")]);
    assert_eq!(action(&prior, &renamed, &[path("name")], &block), Action::Replace);
    assert_eq!(action(&prior, &renamed, &[], &block), Action::Update);

    let token = kept(&prior, &[path("token")]);
    assert_eq!(token, [path("token")]);
    assert_eq!(action(&prior, &prior, &token, &block), Action::Replace);

    let nothing = Value::null(block.value_type());
    assert_eq!(replace_paths(&[path("name")], &nothing, &renamed, &block), []);
    assert_eq!(action(&nothing, &renamed, &[], &block), Action::Create);
    assert_eq!(action(&renamed, &nothing, &[], &block), Action::Delete);
    assert_eq!(action(&nothing, &nothing, &[], &block), Action::NoOp);
    assert_eq!(action(&prior, &prior.mark_sensitive(), &[], &block), Action::Update);
}

#[test]
fn unknown_values_count_as_different() {
    let block = block([("zone", plain("oc", Type::String))], []);
    let prior = value(&block, r#"{"zone": "z"}"#);
    let planned = Value::object([("zone".to_owned(), Value::unknown(Type::String))].into());
    let zone = [Path::new().attr("zone")];
    assert_eq!(replace_paths(&zone, &prior, &planned, &block), zone);
}

#[test]
fn ignored_changes_take_the_prior_value() {
    let rule = block([("port", plain("o", Type::Number))], []);
    let block = block(
        [
            ("arn", plain("c", Type::String)),
            ("name", plain("o", Type::String)),
            ("tags", plain("o", Type::map(Type::String))),
        ],
        [("rule", in_blocks(NestingMode::List, rule))],
    );
    let prior = value(&block, r#"{"arn": "x", "name": "a", "tags": {"k": "old", "gone": "1"}, "rule": [{"port": 1}]}"#);
    let config = value(&block, r#"{"name": "b", "tags": {"k": "new", "more": "2"}, "rule": [{"port": 2}]}"#);
    let check = |paths: &[Path], expected: &str| {
        let got = apply_ignore_changes(&prior, &config, &Ignored::Paths(paths.to_vec()));
        assert_eq!(got, value(&block, expected), "is {got}");
    };
    let tag = |key: &str| Path::new().attr("tags").index(key);
    check(
        &[Path::new().attr("name"), tag("k"), tag("gone"), tag("more")],
        r#"{"name": "a", "tags": {"k": "old", "gone": "1"}, "rule": [{"port": 2}]}"#,
    );
    check(
        &[Path::new().attr("rule").index(0i64).attr("port"), Path::new().attr("rule").index(7i64), Path::new()],
        r#"{"name": "b", "tags": {"k": "new", "more": "2"}, "rule": [{"port": 1}]}"#,
    );
    assert_eq!(apply_ignore_changes(&prior, &config, &Ignored::All), prior);
    let without_computed = r#"{"name": "a", "tags": {"k": "old", "gone": "1"}, "rule": [{"port": 1}]}"#;
    assert_eq!(ignore_in_configuration(&prior, &config, &Ignored::All, &block), value(&block, without_computed));
    let nothing = Value::null(block.value_type());
    assert_eq!(ignore_in_configuration(&nothing, &config, &Ignored::All, &block), config);
}
