//! The table of noise: each source is silent, or in the tier it belongs to, and beside it real drift is found.

use model::{Block, NestingMode};

use crate::support::{Case, attribute, block, nothing};

const STRING: &str = "\"string\"";
const STRINGS: &str = r#"["map","string"]"#;

fn check(case: Case<'_>, expect: &[&str]) {
    assert_eq!(case.found(), expect, "{} against {}", case.recorded, case.observed);
}

fn resource() -> Block {
    let rule = block(&[("path", attribute(STRING, "required"))], &[]);
    block(
        &[
            ("name", attribute(STRING, "required")),
            ("enabled", attribute("\"bool\"", "optional")),
            ("count", attribute("\"number\"", "optional")),
            ("zones", attribute(r#"["list","string"]"#, "optional")),
            ("tags", attribute(STRINGS, "optional")),
            ("tags_all", attribute(STRINGS, "optional computed")),
            ("policy", attribute(STRING, "optional computed")),
            ("region", attribute(STRING, "optional computed")),
            ("password", attribute(STRING, "optional sensitive")),
            ("secret_wo", attribute(STRING, "optional write_only")),
        ],
        &[("rule", NestingMode::List, rule)],
    )
}

#[test]
fn null_empty_text_and_empty_collections_are_one() {
    let case = || Case { code: Some("name, tags"), ..Case::new(resource()) };
    check(Case { recorded: r#"{"name":"a","tags":null}"#, observed: r#"{"name":"a","tags":{}}"#, ..case() }, &[]);
    check(Case { recorded: r#"{"name":"a","zones":null}"#, observed: r#"{"name":"a","zones":[]}"#, ..case() }, &[]);
    check(Case { recorded: r#"{"name":"a","policy":null}"#, observed: r#"{"name":"a","policy":""}"#, ..case() }, &[]);
    check(
        Case { recorded: r#"{"name":"a","tags":null}"#, observed: r#"{"name":"a","tags":{"by":"hand"}}"#, ..case() },
        &[r#"declared tags["by"]: - -> "hand""#],
    );
    check(
        Case { recorded: r#"{"name":"a","tags":null}"#, observed: r#"{"name":"a","tags":{"by":""}}"#, ..case() },
        &[r#"declared tags["by"]: - -> """#],
    );
    check(
        Case {
            recorded: r#"{"name":"a","tags":{"a":"1","b":""}}"#,
            observed: r#"{"name":"a","tags":{"a":"1"}}"#,
            ..case()
        },
        &[r#"declared tags["b"]: "" -> -"#],
    );
}

#[test]
fn null_and_false_or_zero_are_one_where_the_plan_says_so() {
    let case = Case {
        recorded: r#"{"name":"a"}"#,
        observed: r#"{"name":"a","enabled":false,"count":0}"#,
        code: Some("name"),
        plan: nothing,
        ..Case::new(resource())
    };
    check(case, &[]);
    let planned = Case {
        recorded: r#"{"name":"a","enabled":true}"#,
        observed: r#"{"name":"a","enabled":false}"#,
        code: Some("name, enabled"),
        ..Case::new(resource())
    };
    check(planned, &["declared enabled: true -> false"]);
}

#[test]
fn policies_are_compared_by_meaning() {
    let recorded = r#"{"name":"a","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:Get\"],\"Resource\":\"*\"}]}"}"#;
    let case = || Case { recorded, code: Some("name, policy"), ..Case::new(resource()) };
    let same = r#"{"name":"a","policy":"{\"Statement\":{\"Action\":\"s3:Get\",\"Effect\":\"Allow\",\"Resource\":[\"*\"]},\"Version\":\"2012-10-17\"}"}"#;
    check(Case { observed: same, ..case() }, &[]);
    let wider = r#"{"name":"a","policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:*\"],\"Resource\":\"*\"}]}"}"#;
    let found = Case { observed: wider, ..case() }.found();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("declared policy:"), "{found:?}");
}

#[test]
fn order_is_no_difference_where_the_plan_leaves_it() {
    let case = || Case {
        recorded: r#"{"name":"a","zones":["x","y"]}"#,
        observed: r#"{"name":"a","zones":["y","x"]}"#,
        code: Some("name, zones"),
        ..Case::new(resource())
    };
    check(Case { plan: nothing, ..case() }, &[]);
    check(case(), &[r#"declared zones: ["x", "y"] -> ["y", "x"]"#]);
}

#[test]
fn tags_with_those_of_the_provider_are_the_provider_s() {
    let case = Case {
        recorded: r#"{"name":"a","tags":{"a":"1"},"tags_all":{"a":"1","default":"x"}}"#,
        observed: r#"{"name":"a","tags":{"a":"2"},"tags_all":{"a":"2","default":"x"}}"#,
        code: Some("name, tags"),
        ..Case::new(resource())
    };
    check(case, &[r#"declared tags["a"]: "1" -> "2""#, r#"runtime tags_all["a"]: "1" -> "2""#]);
}

#[test]
fn tags_of_the_provider_s_configuration_are_no_difference_where_it_is_not_known() {
    let case = || Case {
        recorded: r#"{"name":"a","tags":{"a":"1"},"tags_all":{"a":"1","default":"x"}}"#,
        ..Case::new(resource())
    };
    let all = r#"{"name":"a","tags":{"a":"1","default":"x"},"tags_all":{"a":"1","default":"x"}}"#;
    check(Case { observed: all, ..case() }, &[]);
    check(Case { recorded: all, observed: case().recorded, ..case() }, &[]);
    let changed = r#"{"name":"a","tags":{"a":"1","default":"y"},"tags_all":{"a":"1","default":"y"}}"#;
    check(
        Case { observed: changed, ..case() },
        &[r#"declared tags["default"]: - -> "y""#, r#"runtime tags_all["default"]: "x" -> "y""#],
    );
}

#[test]
fn what_the_code_ignores_is_ignored_alone() {
    let case = Case {
        recorded: r#"{"name":"a","tags":{"a":"1","b":"1"}}"#,
        observed: r#"{"name":"a","tags":{"a":"2","b":"2"}}"#,
        code: Some(r#"name, tags, !tags["a"]"#),
        ..Case::new(resource())
    };
    check(
        case,
        &[
            r#"ignored tags["a"]: "1" -> "2" (`lifecycle.ignore_changes` covers it.)"#,
            r#"declared tags["b"]: "1" -> "2""#,
        ],
    );
    let all = Case {
        recorded: r#"{"name":"a"}"#,
        observed: r#"{"name":"b"}"#,
        code: Some("name, !all"),
        ..Case::new(resource())
    };
    check(all, &[r#"ignored name: "a" -> "b" (`lifecycle.ignore_changes` covers it.)"#]);
}

#[test]
fn what_the_provider_grew_is_schema_added_and_what_the_state_has_is_not() {
    let case =
        || Case { observed: r#"{"name":"a","region":"eu-west-1"}"#, code: Some("name"), ..Case::new(resource()) };
    check(
        Case { recorded: r#"{"name":"a"}"#, raw: Some(r#"{"name":"a"}"#), ..case() },
        &[r#"schema_added region: null -> "eu-west-1" (The state was written before the provider had it.)"#],
    );
    check(
        Case { recorded: r#"{"name":"a","region":"us-east-1"}"#, ..case() },
        &[r#"undeclared region: "us-east-1" -> "eu-west-1""#],
    );
    check(Case { recorded: r#"{"name":"a","region":null}"#, ..case() }, &[r#"undeclared region: null -> "eu-west-1""#]);
}

#[test]
fn what_cannot_be_read_back_is_unreadable_and_what_can_is_compared() {
    let case = || Case { code: Some("name, password"), ..Case::new(resource()) };
    check(
        Case { recorded: r#"{"name":"a","password":"p"}"#, observed: r#"{"name":"a","password":""}"#, ..case() },
        &["unreadable password: (sensitive) -> (sensitive) (It is sensitive, and the provider does not read it back.)"],
    );
    check(
        Case { recorded: r#"{"name":"a","password":"p"}"#, observed: r#"{"name":"a","password":"****"}"#, ..case() },
        &["unreadable password: (sensitive) -> (sensitive) (The provider reads it back masked.)"],
    );
    check(
        Case { recorded: r#"{"name":"a","password":"p"}"#, observed: r#"{"name":"a","password":"q"}"#, ..case() },
        &["declared password: (sensitive) -> (sensitive)"],
    );
    check(
        Case { recorded: r#"{"name":"a","secret_wo":"p"}"#, observed: r#"{"name":"a"}"#, ..case() },
        &[r#"unreadable secret_wo: "p" -> null (It is write-only: nobody can read it back.)"#],
    );
}

#[test]
fn blocks_come_and_go() {
    let case = || Case { code: Some("name, rule.path"), ..Case::new(resource()) };
    check(
        Case {
            recorded: r#"{"name":"a","rule":[{"path":"/a"}]}"#,
            observed: r#"{"name":"a","rule":[{"path":"/a"},{"path":"/rogue"}]}"#,
            ..case()
        },
        &[r#"declared rule[1]: - -> {path = "/rogue"}"#],
    );
    check(
        Case { recorded: r#"{"name":"a","rule":[{"path":"/a"}]}"#, observed: r#"{"name":"a"}"#, ..case() },
        &[r#"declared rule[0]: {path = "/a"} -> -"#],
    );
}

#[test]
fn what_the_provider_grew_inside_of_elements_is_schema_added() {
    let element = r#"["set",["object",{"name":"string","kms_key_arn":"string"}]]"#;
    let rule =
        block(&[("path", attribute(STRING, "required")), ("zone_id", attribute(STRING, "optional computed"))], &[]);
    let schema = block(&[("disks", attribute(element, "optional"))], &[("rule", NestingMode::List, rule)]);
    let case = || Case {
        recorded: r#"{"disks":[{"name":"a","kms_key_arn":null}],"rule":[{"path":"/","zone_id":null}]}"#,
        observed: r#"{"disks":[{"name":"a","kms_key_arn":"arn:1"}],"rule":[{"path":"/","zone_id":"z"}]}"#,
        code: Some("disks, rule.path"),
        ..Case::new(schema.clone())
    };
    let added = "(The state was written before the provider had it.)";
    check(
        Case { raw: Some(r#"{"disks":[{"name":"a"}],"rule":[{"path":"/"}]}"#), ..case() },
        &[
            &format!(r#"schema_added disks[{{name = "a"}}].kms_key_arn: null -> "arn:1" {added}"#),
            &format!(r#"schema_added rule[0].zone_id: null -> "z" {added}"#),
        ],
    );
    check(
        case(),
        &[r#"declared disks[{name = "a"}].kms_key_arn: null -> "arn:1""#, r#"undeclared rule[0].zone_id: null -> "z""#],
    );
}
