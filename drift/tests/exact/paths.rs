//! How differences are found and named inside of collections.

use cty::Path;
use model::{Block, NestingMode};

use crate::support::{Case, attribute, block, nested};

const STRING: &str = "\"string\"";
const RULES: &str = r#"["set",["object",{"from_port":"number","to_port":"number","protocol":"string","cidr_blocks":["list","string"],"description":"string","self":"bool"}]]"#;

fn group() -> Block {
    block(&[("name", attribute(STRING, "required")), ("ingress", attribute(RULES, "optional computed"))], &[])
}

#[test]
fn an_element_of_a_set_is_named_by_what_identifies_it() {
    let case = Case {
        recorded: r#"{"name":"a","ingress":[{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"],"self":false}]}"#,
        observed: r#"{"name":"a","ingress":[{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"],"self":false},
            {"from_port":22,"to_port":22,"protocol":"tcp","cidr_blocks":["0.0.0.0/0"],"self":false}]}"#,
        code: Some("name, ingress"),
        ..Case::new(group())
    };
    let found = case.examine().0;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path.to_string(), r#"ingress[{from_port = 22, protocol = "tcp", to_port = 22}]"#);
    assert_eq!(found[0].state, None);
}

#[test]
fn an_element_that_changed_is_named_with_the_attribute_that_did() {
    let case = Case {
        recorded: r#"{"name":"a","ingress":[{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8"],"description":"web"}]}"#,
        observed: r#"{"name":"a","ingress":[{"from_port":443,"to_port":443,"protocol":"tcp","cidr_blocks":["10.0.0.0/8","0.0.0.0/0"],"description":"by hand"}]}"#,
        code: Some("name, ingress"),
        ..Case::new(group())
    };
    let key = r#"ingress[{from_port = 443, protocol = "tcp", to_port = 443}]"#;
    assert_eq!(
        case.found(),
        [
            format!(r#"declared {key}.cidr_blocks[1]: - -> "0.0.0.0/0""#),
            format!(r#"declared {key}.description: "web" -> "by hand""#),
        ]
    );
}

#[test]
fn elements_with_one_name_are_named_in_full() {
    let case = Case {
        recorded: r#"{"name":"a","ingress":[]}"#,
        observed: r#"{"name":"a","ingress":[{"protocol":"-1","cidr_blocks":["10.0.0.0/8"]},{"protocol":"-1","cidr_blocks":["10.1.0.0/16"]}]}"#,
        code: Some("name"),
        ..Case::new(group())
    };
    let found = case.examine().0;
    assert_eq!(found.len(), 2);
    assert_ne!(found[0].path, found[1].path);
}

#[test]
fn maps_differ_by_key_and_lists_by_what_was_put_in() {
    let schema = block(
        &[
            ("tags", attribute(r#"["map","string"]"#, "optional")),
            ("zones", attribute(r#"["list","string"]"#, "optional")),
        ],
        &[],
    );
    let case = Case {
        recorded: r#"{"tags":{"a":"1","b":"2"},"zones":["x","y","z"]}"#,
        observed: r#"{"tags":{"a":"1","b":"3","c":"4"},"zones":["x","w","y","z"]}"#,
        code: Some("tags, zones"),
        ..Case::new(schema)
    };
    assert_eq!(
        case.found(),
        [r#"declared tags["b"]: "2" -> "3""#, r#"declared tags["c"]: - -> "4""#, r#"declared zones[1]: - -> "w""#,]
    );
}

#[test]
fn nested_blocks_and_nested_attributes_are_compared_inside() {
    let rule = block(
        &[("name", attribute(STRING, "required")), ("etag", attribute(STRING, "computed"))],
        &[(
            "target",
            NestingMode::Set,
            block(&[("id", attribute(STRING, "required")), ("weight", attribute("\"number\"", "optional"))], &[]),
        )],
    );
    let schema = block(
        &[(
            "settings",
            nested(
                NestingMode::Single,
                "optional",
                &[("level", attribute(STRING, "optional")), ("seen", attribute(STRING, "computed"))],
            ),
        )],
        &[("rule", NestingMode::List, rule)],
    );
    let case = Case {
        recorded: r#"{"settings":{"level":"low","seen":"1"},"rule":[{"name":"r","etag":"1","target":[{"id":"t","weight":1}]}]}"#,
        observed: r#"{"settings":{"level":"high","seen":"2"},"rule":[{"name":"r","etag":"2","target":[{"id":"t","weight":2},{"id":"u","weight":5}]}]}"#,
        code: Some("settings, rule"),
        ..Case::new(schema)
    };
    assert_eq!(
        case.found(),
        [
            r#"runtime rule[0].etag: "1" -> "2""#,
            r#"declared rule[0].target[{id = "t"}].weight: 1 -> 2"#,
            r#"declared rule[0].target[{id = "u"}]: - -> {id = "u", weight = 5}"#,
            r#"declared settings.level: "low" -> "high""#,
            r#"runtime settings.seen: "1" -> "2""#,
        ]
    );
}

#[test]
fn what_is_sensitive_is_neither_shown_nor_part_of_a_path() {
    let user =
        block(&[("name", attribute(STRING, "required")), ("password", attribute(STRING, "optional sensitive"))], &[]);
    let case = Case {
        recorded: r#"{"user":[{"name":"a","password":"planted-1"}]}"#,
        observed: r#"{"user":[{"name":"a","password":"planted-2"},{"name":"b","password":"planted-3"}]}"#,
        code: Some("user"),
        ..Case::new(block(&[], &[("user", NestingMode::Set, user)]))
    };
    let found = case.found();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(!found.join("").contains("planted"), "{found:?}");
    let marked = Case {
        recorded: r#"{"name":"planted-1"}"#,
        observed: r#"{"name":"planted-2"}"#,
        code: Some("name"),
        sensitive: vec![Path::new().attr("name")],
        ..Case::new(block(&[("name", attribute(STRING, "required"))], &[]))
    };
    assert_eq!(marked.found(), ["declared name: (sensitive) -> (sensitive)"]);
}

#[test]
fn defaults_in_an_element_that_changed_are_no_differences_of_their_own() {
    let element = r#"["set",["object",{"origins":["set","string"],"methods":["set","string"],"max_age":"number"}]]"#;
    let case = Case {
        recorded: r#"{"rule":[{"origins":["x"],"methods":["GET"],"max_age":null}]}"#,
        observed: r#"{"rule":[{"origins":["x"],"methods":["GET","PUT"],"max_age":0}]}"#,
        code: Some("rule"),
        ..Case::new(block(&[("rule", attribute(element, "optional"))], &[]))
    };
    assert_eq!(case.found(), [r#"declared rule[{origins = ["x"]}].methods["PUT"]: - -> "PUT""#]);
}

#[test]
fn long_texts_name_no_element() {
    let element = r#"["set",["object",{"name":"string","policy":"string"}]]"#;
    let policy = "x".repeat(80);
    let observed = format!(r#"{{"inline":[{{"name":"rogue","policy":"{policy}"}}]}}"#);
    let case = Case {
        observed: &observed,
        code: Some("other"),
        ..Case::new(block(&[("inline", attribute(element, "optional computed"))], &[]))
    };
    assert_eq!(case.examine().0[0].path.to_string(), r#"inline[{name = "rogue"}]"#);
}
