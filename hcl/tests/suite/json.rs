//! JSON with places, and the structure of files in it.

use hcl::syntax::Body;
use hcl::{File, json};
use proptest::prelude::*;

fn outline(file: &File, body: &Body, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent);
    for attribute in &body.attributes {
        let place = file.span(&attribute.range);
        out.push_str(&format!("{pad}{}:{}: {} = ", place.start.line, place.start.column, attribute.name));
        out.push_str(&format!("{}\n", file.source(&attribute.expression)));
    }
    for block in &body.blocks {
        let place = file.span(&block.header);
        out.push_str(&format!(
            "{pad}{}:{}: {} {:?}\n",
            place.start.line, place.start.column, block.block_type, block.labels
        ));
        outline(file, &block.body, indent + 1, out);
    }
}

fn check(text: &str, expect: &str) {
    let (file, problems) = File::parse_json("main.tf.json", text);
    let mut out = String::new();
    outline(&file, &file.body, 0, &mut out);
    for problem in problems {
        out.push_str(&format!("{problem}\n"));
    }
    assert_eq!(out.trim(), expect.trim(), "{text}");
}

#[test]
fn everything_has_a_place() {
    check(
        r#"{
  "//": "a comment",
  "resource": {
    "a_b": {
      "c": {"d": [1, {"e": null}], "lifecycle": {"precondition": [{"condition": "${x}"}]}, "f": "g\n"},
      "h": [{}, {"//": 1}]
    }
  },
  "locals": [{"i": true}, {"j": "é", "k": 1}]
}
"#,
        r#"
5:7: resource ["a_b", "c"]
  5:13: d = [1, {"e": null}]
  5:92: f = g

  5:36: lifecycle []
    5:50: precondition []
      5:68: condition = ${x}
6:7: resource ["a_b", "h"]
6:7: resource ["a_b", "h"]
9:3: locals []
  9:15: i = true
9:3: locals []
  9:28: j = é
  9:38: k = 1
"#,
    );
}

#[test]
fn each_mistake_has_a_place() {
    check(
        "{\n  \"resource\": {},\n  \"output\": {\"a\": 1, \"b\": {\"value\": 1, \"value\": 2}},\n  \"nope\": 1,\n  \"locals\": \"x\"\n}",
        r#"
3:22: output ["b"]
  3:28: value = 1
main.tf.json:2:15: Invalid structure: "resource" must hold objects, one level for each of its 2 labels.
main.tf.json:3:19: Invalid structure: A block of the type "output" is an object, or a list of objects.
main.tf.json:3:40: Argument set twice: The argument "value" is already set in line 3; set it once.
main.tf.json:4:3: Unsupported block type: There are no blocks of the type "nope".
main.tf.json:5:13: Invalid structure: A block of the type "locals" is an object, or a list of objects.
"#,
    );
    check(
        "[{\"locals\": {}}, 1]",
        "1:3: locals []\nmain.tf.json:1:18: Invalid structure: The file holds a JSON object, or a list of objects.",
    );
}

#[test]
fn what_is_no_json_is_refused_where_it_begins() {
    for (text, place, part) in [
        ("", 0, "the text ends"),
        ("{\"a\": 1,}", 7, "no comma"),
        ("[1,]", 2, "no comma"),
        ("{a: 1}", 1, "name of a property"),
        ("{\"a\" 1}", 5, "`:` and a value"),
        ("{\"a\": 1 \"b\": 2}", 8, "`,` and another property"),
        ("[1 2]", 3, "`,` and another element"),
        ("{\"a\": [1}", 8, "`,` and another element"),
        ("{\"a\": {", 6, "brace that closes"),
        ("[[1]", 0, "bracket that closes"),
        ("\"a\nb\"", 2, "Control characters"),
        ("\"\\x\"", 1, "no such escape"),
        ("\"\\u12g4\"", 1, "four hexadecimal"),
        ("\"abc", 0, "quote that closes"),
        ("01", 0, "no number"),
        ("1.", 0, "no number"),
        ("-", 0, "no number"),
        ("+1", 0, "A value must stand here"),
        ("True", 0, "no word of JSON"),
        ("1 2", 2, "ends before this"),
        ("\u{feff}{}", 0, "A value must stand here"),
        ("'a'", 0, "A value must stand here"),
    ] {
        let problem = json::parse(text).unwrap_err();
        assert_eq!(problem.range.start, place, "{text}: {problem:?}");
        assert!(problem.detail.contains(part), "{text}: {problem:?}");
    }
}

#[test]
fn texts_and_numbers_have_values() {
    let value = |text: &str| json::parse(text).unwrap().to_value();
    assert_eq!(
        value(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800x\ud800\u0041""#).as_str(),
        Some("\"\\/\u{8}\u{c}\n\r\té\u{1F600}\u{fffd}x\u{fffd}A")
    );
    assert_eq!(value(" [ 1.5e2 , -0.25 , true , null ] ").to_string(), "[150, -0.25, true, null]");
    assert_eq!(value(r#"{"b": 1, "a": {}, "b": 2}"#).to_string(), "{a = {}, b = 2}");
}

#[test]
fn templates_have_places_in_the_file() {
    let problem = |text: &str| {
        let (file, problems) = File::parse_json("a.tf.json", &format!("{{\"locals\":\n{{\"a\": {text}}}}}"));
        assert!(problems.is_empty(), "{problems:?}");
        hcl::expression::parse(&file, &file.body.blocks[0].body.attributes[0].expression).unwrap_err().to_string()
    };
    assert!(problem("\"x ${1 +}\"").starts_with("a.tf.json:2:15: "), "{}", problem("\"x ${1 +}\""));
    assert!(
        problem("[\"%{ if true }\"]").starts_with("a.tf.json:2:9: Invalid template"),
        "{}",
        problem("[\"%{ if true }\"]")
    );
    // With escapes before it, the place is that of the text.
    assert!(problem("\"\\n ${1 +}\"").starts_with("a.tf.json:2:7: "));
    assert!(problem("{\"x\": 1, \"x\": 2}").starts_with("a.tf.json:2:16: Duplicate property"));
}

#[test]
fn nesting_has_a_limit() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000), "[".repeat(100_000) + &"]".repeat(100_000)] {
        assert!(json::parse(&text).unwrap_err().detail.contains("levels deep"));
        assert!(!File::parse_json("deep.tf.json", &format!("{{\"locals\": {{\"a\": {text}}}}}")).1.is_empty());
    }
    let deep = format!("{{\"locals\": {{\"a\": {}{}}}}}", "[".repeat(400), "]".repeat(400));
    let (file, problems) = File::parse_json("deep.tf.json", &deep);
    assert!(problems.is_empty(), "{problems:?}");
    hcl::expression::parse(&file, &file.body.blocks[0].body.attributes[0].expression).unwrap();
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn same(node: &json::JsonNode, value: &serde_json::Value, text: &str) -> bool {
    // The text at the place of a value is that value.
    let own: serde_json::Value = serde_json::from_str(&text[node.range()]).unwrap();
    own == *value
        && match (node.kind(), value) {
            (json::JsonKind::Null, serde_json::Value::Null) => true,
            (json::JsonKind::Bool(a), serde_json::Value::Bool(b)) => a == b,
            (json::JsonKind::Number(a), serde_json::Value::Number(b)) => a.to_string() == b.to_string(),
            (json::JsonKind::Text(a), serde_json::Value::String(b)) => a == b,
            (json::JsonKind::Array(a), serde_json::Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, text))
            }
            (json::JsonKind::Object(a), serde_json::Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|property| same(&property.value, &b[&property.name], text))
            }
            _ => false,
        }
}

proptest! {
    #[test]
    fn every_value_is_where_it_says(value in any_json(), is_pretty: bool) {
        let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        prop_assert!(same(&json::parse(&text).unwrap(), &value, &text));
    }

    #[test]
    fn verdicts_are_those_of_another_reader(text in "[\\[\\]{}:,\" 0-9eE.+\\-\\\\untrfalse\n\u{e9}]{0,24}") {
        let number_is_fine = json::parse(&text).is_ok();
        prop_assert_eq!(number_is_fine, serde_json::from_str::<Tolerant>(&text).is_ok(), "{}", text);
    }
}

/// Takes numbers of any size, as go-cty does.
struct Tolerant;

impl<'de> serde::Deserialize<'de> for Tolerant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
