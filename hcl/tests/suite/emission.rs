//! What is written is read back as what it was.

use std::collections::BTreeMap;

use cty::{Number, Type, Value};
use hcl::File;
use hcl::emit::{self, ImportSource};
use model::{InstanceAddress, InstanceKey, ModuleAddress, ModuleStep, ResourceAddress, ResourceMode};
use proptest::prelude::*;

/// Texts that were trouble for other tools.
pub(crate) const TEXTS: &[&str] = &[
    "",
    "plain",
    "q\"q",
    "back\\slash",
    "${x}",
    "%{if}",
    "$${x}",
    "$$${x}",
    "%%%{y}",
    "$",
    "ends in $",
    "{",
    "a\nb\r\n\tc",
    "\u{0}\u{7}\u{1b}\u{7f}",
    "\u{feff}\u{202e}\u{2066}\u{200b}",
    "é ß 日本 \u{1F468}\u{200D}\u{1F469}",
    "이름 שם اسم",
    "<<EOT\nx\nEOT",
    "# no comment",
    "a/b:c,d",
    "\\u0041",
    "\\",
    "\"",
    "[\"k\"]",
    "\u{e000}\u{10ffff}",
];

/// Numbers whose texts have exponents, fractions and many digits.
const NUMBERS: &[&str] = &["0", "-1", "0.1", "1e100", "-2.5e-30", "123456789012345678901234567890", "1e6"];

#[test]
fn values_are_formatted_as_terraform_does() {
    let text = |value: &str| Value::string(value);
    let value = Value::object(BTreeMap::from([
        ("a".to_owned(), text("x")),
        ("long_name".to_owned(), Value::bool(true)),
        (
            "nested".to_owned(),
            Value::object(BTreeMap::from([
                ("k".to_owned(), Value::null(Type::String)),
                ("text".to_owned(), text("no\nheredoc\n\n")),
            ])),
        ),
        ("quoted key".to_owned(), Value::tuple(vec![Value::from(1_i64), text("b")])),
        (
            "rules".to_owned(),
            Value::tuple(vec![Value::object(BTreeMap::from([("port".to_owned(), Value::from(1_i64))]))]),
        ),
        ("for".to_owned(), Value::tuple(vec![])),
        ("z".to_owned(), Value::object(BTreeMap::new())),
    ]));
    let expected = r#"{
  a         = "x"
  "for"     = []
  long_name = true
  nested = {
    k    = null
    text = "no\nheredoc\n\n"
  }
  "quoted key" = [1, "b"]
  rules        = [{ port = 1 }]
  z            = {}
}"#;
    assert_eq!(emit::value(&value).unwrap(), expected);
}

#[test]
fn blocks_are_written() {
    let to: InstanceAddress = r#"module.a["x.y"].module.b[0].aws_sqs_queue.jobs["k \"q\" $${z}"]"#.parse().unwrap();
    assert_eq!(
        emit::import_block(&to, ImportSource::Id(&"a\"${b}".into()), None).unwrap(),
        "import {\n  to = module.a[\"x.y\"].module.b[0].aws_sqs_queue.jobs[\"k \\\"q\\\" $${z}\"]\n  id = \"a\\\"$${b}\"\n}\n"
    );
    let root: InstanceAddress = "aws_s3_bucket.b".parse().unwrap();
    let identity = Value::object(BTreeMap::from([
        ("bucket".to_owned(), Value::string("b")),
        ("account_id".to_owned(), Value::string("1")),
    ]));
    assert_eq!(
        emit::import_block(&root, ImportSource::Identity(&identity), Some("aws.west")).unwrap(),
        "import {\n  to = aws_s3_bucket.b\n  identity = {\n    account_id = \"1\"\n    bucket     = \"b\"\n  }\n  provider = aws.west\n}\n"
    );
    assert_eq!(
        emit::removed_block(&to.resource).unwrap(),
        "removed {\n  from = module.a.module.b.aws_sqs_queue.jobs\n\n  lifecycle {\n    destroy = false\n  }\n}\n"
    );
}

#[test]
fn what_must_not_be_written_is_refused() {
    let to: InstanceAddress = "module.a.aws_s3_bucket.b".parse().unwrap();
    assert!(emit::import_block(&to, ImportSource::Id(&"b".into()), Some("aws.west")).is_err());
    assert!(emit::import_block(&to, ImportSource::Identity(&Value::string("b")), None).is_err());
    assert!(emit::import_block(&"data.a.b".parse().unwrap(), ImportSource::Id(&"b".into()), None).is_err());
    let secret = Value::object(BTreeMap::from([("k".to_owned(), Value::string("hunter2").mark_sensitive())]));
    let error = emit::value(&secret).unwrap_err();
    assert_eq!(error.to_string(), "cannot be written (at k): the value must not be shown");
    assert!(emit::value(&Value::unknown(Type::String)).is_err());
    let deep = (0..200).fold(Value::bool(true), |value, _| Value::tuple(vec![value]));
    assert!(emit::value(&deep).is_err());
}

#[test]
fn text_is_read_back() {
    for text in TEXTS {
        let (file, problems) = File::parse("main.tf", &format!("a = {}\n", emit::quoted(text)));
        assert!(problems.is_empty(), "{text:?}: {problems:?}");
        let value = file.literal(&file.body.attributes[0].expression).unwrap();
        assert_eq!(value, Value::string(*text));
    }
    for number in NUMBERS {
        let value = Value::number(Number::parse(number).unwrap());
        let (file, _) = File::parse("main.tf", &format!("a = {}\n", emit::value(&value).unwrap()));
        assert_eq!(file.literal(&file.body.attributes[0].expression).unwrap(), value, "{number}");
    }
}

/// Makes values of texts, numbers, bools and nulls in tuples and objects.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let text = || prop_oneof![prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned), any::<String>()];
    let leaf = prop_oneof![
        text().prop_map(Value::string),
        prop::sample::select(NUMBERS.to_vec()).prop_map(|number| Value::number(Number::parse(number).unwrap())),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::bool),
        Just(Value::null(Type::Dynamic)),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::tuple),
            prop::collection::btree_map(prop_oneof![text(), "[a-z_]{1,12}"], inner, 0..6).prop_map(Value::object),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_-]{0,8}"
}

fn any_key() -> impl Strategy<Value = Option<InstanceKey>> {
    prop_oneof![
        Just(None),
        any::<u32>().prop_map(|index| Some(InstanceKey::Int(u64::from(index)))),
        prop_oneof![prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned), any::<String>()]
            .prop_map(|key| Some(InstanceKey::String(key.into()))),
    ]
}

proptest! {
    #[test]
    fn values_are_read_back(value in any_value()) {
        let (file, problems) = File::parse("main.tf", &format!("a = {}\n", emit::value(&value).unwrap()));
        prop_assert!(problems.is_empty(), "{:?}", problems);
        prop_assert_eq!(file.literal(&file.body.attributes[0].expression).unwrap(), value);
    }

    #[test]
    fn import_blocks_are_read_back(
        modules in prop::collection::vec((any_name(), any_key()), 0..3),
        name in any_name(),
        key in any_key(),
        id in any::<String>(),
    ) {
        let steps = modules.into_iter().map(|(name, key)| ModuleStep { name: name.into(), key }).collect();
        let to = ResourceAddress {
            module: ModuleAddress::from_steps(steps),
            mode: ResourceMode::Managed,
            resource_type: "aws_sqs_queue".into(),
            name: name.into(),
        }
        .instance(key);
        let text = emit::import_block(&to, ImportSource::Id(&id.as_str().into()), None).unwrap();
        let tree = hcl::MemoryTree([("imports.tf".to_owned(), text.into_bytes())].into());
        let (module, problems) = hcl::module::Module::read(&tree, ".");
        prop_assert!(problems.is_empty(), "{:?}", problems);
        prop_assert_eq!(module.imports[0].address.as_ref(), Some(&to));
        prop_assert_eq!(Value::string(module.imports[0].id.clone().unwrap()), Value::string(id));
    }
}
