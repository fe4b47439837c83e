//! What counts as equal at inventory precision, and how differences are named.

use super::*;

fn json(text: &str) -> Value {
    cty::json::decode_implied(text.as_bytes()).expect(text)
}

fn check(state: &Value, cloud: &Value, expect: &[&str]) {
    let mut comparison = Comparison { found: Vec::new() };
    comparison.compare(Path::new().attr("a"), Some(state), Some(cloud), false);
    let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    let found: Vec<String> = comparison
        .found
        .iter()
        .map(|difference| format!("{}: {} -> {}", difference.path, show(&difference.state), show(&difference.cloud)))
        .collect();
    assert_eq!(found, expect, "{state} against {cloud}");
}

fn strings(texts: &[&str]) -> Value {
    Value::set(Type::String, texts.iter().map(|text| Value::string(*text)).collect()).expect("a set of strings")
}

#[test]
fn blanks_are_equal() {
    check(&json("null"), &Value::string(""), &[]);
    check(&json("[]"), &Value::null(Type::String), &[]);
    check(&json("{}"), &json(r#""""#), &[]);
    check(&json("false"), &Value::null(Type::Bool), &["a: false -> null"]);
}

#[test]
fn numbers_and_booleans_equal_their_text() {
    check(&json("\"22\""), &Value::number(22u64), &[]);
    check(&json("1.50"), &json("1.5"), &[]);
    check(&json("\"true\""), &Value::bool(true), &[]);
    check(&json("22"), &Value::number(23u64), &["a: 22 -> 23"]);
}

#[test]
fn sets_have_no_order_and_name_their_elements() {
    check(&json(r#"["b","a"]"#), &strings(&["a", "b"]), &[]);
    check(&json(r#"["a"]"#), &strings(&["a", "b"]), &[r#"a["b"]: - -> "b""#]);
    let rule = |port: u64| Value::object(BTreeMap::from([("from_port".to_owned(), Value::number(port))]));
    let cloud = Value::set(rule(1).ty().clone(), vec![rule(22), rule(80)]).expect("a set of objects");
    check(&json(r#"[{"from_port":80,"description":"web"}]"#), &cloud, &["a[{from_port = 22}]: - -> {from_port = 22}"]);
}

#[test]
fn maps_are_compared_by_key_and_objects_by_what_is_mapped() {
    let map = |pairs: &[(&str, &str)]| {
        let entries = pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::string(*value))).collect();
        Value::map(Type::String, entries).expect("a map of strings")
    };
    check(
        &json(r#"{"x":"1","y":"2"}"#),
        &map(&[("x", "1"), ("z", "3")]),
        &[r#"a["y"]: "2" -> -"#, r#"a["z"]: - -> "3""#],
    );
    check(&json(r#"{"x":"1","y":"2"}"#), &json(r#"{"x":"2"}"#), &[r#"a.x: "1" -> "2""#]);
}

#[test]
fn lists_are_compared_in_order() {
    let list = |texts: &[&str]| {
        Value::list(Type::String, texts.iter().map(|text| Value::string(*text)).collect()).expect("a list of strings")
    };
    check(&json(r#"["a","b"]"#), &list(&["a", "b"]), &[]);
    check(&json(r#"["a","b"]"#), &list(&["a", "c"]), &[r#"a[1]: "b" -> "c""#]);
    check(&json(r#"["a"]"#), &list(&["a", "c"]), &[r#"a: ["a"] -> ["a", "c"]"#]);
}

#[test]
fn json_is_compared_by_meaning() {
    let text = |text: &str| Value::string(text);
    check(&text(r#"{"a": 1, "b": [1, 2]}"#), &text(r#"{"b":[1,2],"a":1}"#), &[]);
    check(&text(r#"{"a":"1"}"#), &text(r#"{"a":1}"#), &[r#"a: "{\"a\":\"1\"}" -> "{\"a\":1}""#]);
    check(&text("[1,2]"), &text("[2,1]"), &[r#"a: "[1,2]" -> "[2,1]""#]);
}

#[test]
fn policies_have_several_spellings() {
    let policy = |statement: &str| Value::string(format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#));
    let long = policy(
        r#"[{"Effect":"Allow","Action":["s3:Put","s3:Get"],"Resource":["*"],"Principal":{"AWS":"arn:aws:iam::123456789012:root"}},
            {"Sid":"","Effect":"Deny","Action":["s3:*"],"Resource":"*","Principal":{"AWS":["*"]}}]"#,
    );
    let short = policy(
        r#"[{"Effect":"Deny","Action":"s3:*","Resource":"*","Principal":"*"},
            {"Effect":"Allow","Action":["s3:Get","s3:Put"],"Resource":"*","Principal":{"AWS":"123456789012"}}]"#,
    );
    check(&long, &short, &[]);
    check(
        &policy(r#"{"Effect":"Allow","Action":"a","Resource":"*"}"#),
        &policy(r#"[{"Effect":"Allow","Action":["a"],"Resource":["*"]}]"#),
        &[],
    );
    let mut comparison = Comparison { found: Vec::new() };
    comparison.compare(
        Path::new(),
        Some(&long),
        Some(&policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#)),
        false,
    );
    assert_eq!(comparison.found.len(), 1);
}

#[test]
fn what_is_sensitive_is_reported_without_values() {
    check(&json("\"a\"").mark_sensitive(), &Value::string("b"), &["a: (sensitive) -> (sensitive)"]);
    let secret = Value::tuple(vec![Value::string("x").mark_sensitive()]);
    check(&secret, &strings(&["y"]), &["a: (sensitive) -> (sensitive)"]);
}
