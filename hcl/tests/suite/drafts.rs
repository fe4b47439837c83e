//! Drafts: what is written is read, formatted and evaluated as what was meant, by us and by real programs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cty::{Number, Path, Type, Value};
use hcl::evaluate::{self, Evaluation, Resolved, Scope, Written, expression};
use hcl::expression::ReferenceStep;
use hcl::{File, emit};
use model::draft::{
    Draft, DraftBlock, DraftBody, DraftExpression, DraftImport, DraftImportSource, DraftModuleCall, DraftVariable,
    TemplatePart,
};
use model::schema::{Attribute, AttributeType, Block, NestedBlock, NestingMode};
use model::{Identity, ResourceAddress};
use proptest::prelude::*;

use crate::emission::{TEXTS, any_value};

/// Lines that are trouble in heredocs.
pub(crate) const LINES: &[&str] = &[
    "", "  ", "\t", "a", "  b", "\tc", "${x}", "%{if}", "$${x}", "$", "%", "$$", "EOT", "  EOT ", "EOT1", "é", "日本",
    "\u{301}x", "\u{a0}x", "\u{3000}", "🚀", "\\n", "# c", "\"q\"", "a\r", "\u{85}", "\u{b}", "}", "~}", "<<EOT",
    "x $", "x %",
];

pub(crate) fn literal(value: impl Into<Value>) -> DraftExpression {
    DraftExpression::Literal(value.into())
}

pub(crate) fn text(text: &str) -> DraftExpression {
    literal(Value::string(text))
}

pub(crate) fn object(entries: &[(&str, Value)]) -> Value {
    Value::object(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

pub(crate) fn draft(name: &str, arguments: Vec<(&str, DraftExpression)>) -> Draft {
    let arguments = arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Draft {
        address: ResourceAddress::managed("terraform_data", name),
        provider: None,
        for_each: None,
        body: DraftBody { arguments, blocks: Vec::new() },
        ignore_changes: Vec::new(),
        remarks: Vec::new(),
    }
}

fn check(draft: &Draft, expected: &str) {
    assert_eq!(emit::resource(draft).unwrap(), expected);
}

#[test]
fn what_programs_would_read_in_quadratic_time_is_one_text_in_quotes() {
    let emitted = |content: &str| emit::resource(&draft("long", vec![("user_data", text(content))])).unwrap();
    assert!(emitted(&"echo\n".repeat(1_000)).contains("user_data = <<-EOT\n"));
    assert!(emitted(&"echo\n".repeat(1_001)).contains("user_data = \"echo\\necho\\n"));
    assert!(emitted(&"${x} ".repeat(1_000)).contains("\"$${x} $${x} "));
    for long in ["${x} %{y}".repeat(501), "${x}\n".repeat(1_001)] {
        let emitted = emitted(&long);
        assert!(emitted.contains("\\u0024{x}") && !emitted.contains("$${"), "{}", &emitted[..200]);
        assert_eq!(evaluated(&emitted).as_str(), Some(long.as_str()));
    }
}

#[test]
fn a_resource_reads_as_a_person_would_write_it() {
    let mut draft = draft(
        "jobs",
        vec![
            ("name", DraftExpression::EachValue(Path::new().attr("name"))),
            ("user_data", text("#!/bin/sh\n\n  echo ${HOME} %{x}\n")),
            (
                "policy",
                DraftExpression::Json(Box::new(literal(object(&[
                    ("Version", Value::string("2012-10-17")),
                    (
                        "Statement",
                        Value::tuple(vec![object(&[
                            ("Action", Value::tuple(vec![Value::string("sqs:*")])),
                            ("Effect", Value::string("Allow")),
                            ("Principal", object(&[("Service", Value::string("sqs.amazonaws.com"))])),
                        ])]),
                    ),
                ])))),
            ),
            (
                "role",
                DraftExpression::Template(vec![
                    TemplatePart::Text("arn:aws:iam::1:role/$".to_owned()),
                    TemplatePart::Expression(DraftExpression::Reference {
                        to: "aws_iam_role.r[\"k${\"]".parse().unwrap(),
                        path: Path::new().attr("attr").index(Value::from(0_u64)).attr("name"),
                    }),
                ]),
            ),
            ("password", DraftExpression::Variable("password".to_owned())),
            ("tags", literal(object(&[("Name", Value::string("x")), ("a.b", Value::string("y"))]))),
        ],
    );
    draft.provider = Some("aws.west".to_owned());
    draft.for_each = Some(DraftExpression::Object(vec![
        ("high".to_owned(), literal(object(&[("name", Value::string("h")), ("size", Value::from(1_i64))]))),
        ("l o".to_owned(), literal(object(&[("name", Value::string("l")), ("size", Value::from(2_i64))]))),
    ]));
    draft.body.blocks = vec![
        DraftBlock { block_type: "empty".to_owned(), label: None, body: DraftBody::default() },
        DraftBlock {
            block_type: "rule".to_owned(),
            label: Some("a \"b\"".to_owned()),
            body: DraftBody {
                arguments: vec![("port".to_owned(), literal(1_i64))],
                blocks: vec![DraftBlock {
                    block_type: "inner".to_owned(),
                    label: Some("${x}".to_owned()),
                    body: DraftBody { arguments: vec![("on".to_owned(), literal(Value::bool(true)))], blocks: vec![] },
                }],
            },
        },
    ];
    draft.ignore_changes = vec![Path::new().attr("password"), Path::new().attr("tags").index(Value::string("a.b"))];
    draft.remarks = vec!["The password cannot be read back.\n}\r resource".to_owned()];
    check(
        &draft,
        r#"# The password cannot be read back. } resource
resource "terraform_data" "jobs" {
  provider = aws.west
  for_each = {
    high  = { name = "h", size = 1 }
    "l o" = { name = "l", size = 2 }
  }

  name = each.value.name

  user_data = <<-EOT
    #!/bin/sh

      echo $${HOME} %%{x}
  EOT

  policy = jsonencode({
    Statement = [{
      Action    = ["sqs:*"]
      Effect    = "Allow"
      Principal = { Service = "sqs.amazonaws.com" }
    }]
    Version = "2012-10-17"
  })

  role     = "arn:aws:iam::1:role/\u0024${aws_iam_role.r["k$${"].attr[0].name}"
  password = var.password

  tags = {
    Name  = "x"
    "a.b" = "y"
  }

  empty {}

  rule "a \"b\"" {
    port = 1

    dynamic "inner" {
      for_each = ["$${x}"]
      labels   = [inner.value]

      content {
        on = true
      }
    }
  }

  lifecycle {
    ignore_changes = [password, tags["a.b"]]
  }
}
"#,
    );
    let empty = self::draft("nothing", vec![]);
    check(&empty, "resource \"terraform_data\" \"nothing\" {}\n");
}

#[test]
fn other_blocks_are_written() {
    let variable = DraftVariable {
        name: "db".to_owned(),
        description: "Of \"x\".".to_owned(),
        ty: Type::object([("password", Type::String), ("ports", Type::list(Type::Number))]),
        is_sensitive: true,
    };
    let text = emit::variable(&variable).unwrap();
    let expected = r#"variable "db" {
  description = "Of \"x\"."
  type = object({
    password = string
    ports    = list(number)
  })
  sensitive = true
}
"#;
    assert_eq!(text, expected);
    let odd = DraftVariable { ty: Type::object([("a.b", Type::String)]), ..variable };
    assert!(emit::variable(&odd).unwrap().contains("type        = any\n"));
    let value = object(&[("bucket", Value::string("b")), ("region", Value::null(Type::String))]);
    let import = DraftImport {
        to: "aws_s3_bucket.b".parse().unwrap(),
        source: DraftImportSource::Identity(Identity { version: 0, value }),
        provider: None,
    };
    let import = emit::import(&import).unwrap();
    assert_eq!(import, "import {\n  to = aws_s3_bucket.b\n  identity = {\n    bucket = \"b\"\n  }\n}\n");
    let call = DraftModuleCall {
        name: "queue".to_owned(),
        source: "./modules/queue".to_owned(),
        version: None,
        for_each: Some(literal(object(&[("a", object(&[]))]))),
        arguments: vec![("name".to_owned(), DraftExpression::EachKey)],
        remarks: vec!["word ".repeat(30)],
    };
    let call = emit::module_call(&call).unwrap();
    let (first, second) = ("# word".to_owned() + &" word".repeat(18), "# word".to_owned() + &" word".repeat(10));
    let expected = format!(
        "{first}\n{second}\nmodule \"queue\" {{\n  source = \"./modules/queue\"\n  for_each = {{\n    a = {{}}\n  }}\n\n  name = each.key\n}}\n"
    );
    assert_eq!(call, expected);
    let file = emit::file(&["Generated.".to_owned()], &[import.clone(), call]);
    assert!(file.starts_with("# Generated.\n\nimport {") && file.contains("}\n\n# word"), "{file}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let refused = |value: DraftExpression, reason: &str| {
        let error = emit::resource(&draft("x", vec![("a", value)])).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot be written (at {reason}"));
    };
    let secret = Value::string("hunter2").mark_sensitive();
    let must_not = "the value must not be shown";
    refused(literal(object(&[("k", secret.clone())])), &format!("a.k): {must_not}"));
    refused(DraftExpression::Json(Box::new(literal(secret.clone()))), &format!("a): {must_not}"));
    refused(
        DraftExpression::Json(Box::new(DraftExpression::List(vec![literal(secret.clone())]))),
        &format!("a[0]): {must_not}"),
    );
    let part = |value| DraftExpression::Template(vec![TemplatePart::Expression(value)]);
    refused(part(literal(secret.clone())), &format!("a): {must_not}"));
    refused(DraftExpression::EachValue(Path::new().index(secret)), &format!("a): {must_not}"));
    refused(part(DraftExpression::List(vec![])), "a): only what has a text can stand in a text");
    refused(literal(Value::unknown(Type::String)), "a): the value is not known");
    refused(literal(Value::number(Number::infinity(true))), "a): infinity has no literal");
    refused(
        DraftExpression::Variable("a b".to_owned()),
        "a): a variable's name is a letter, then letters, digits, `_` and `-`",
    );
    let twice = DraftExpression::Object(vec![("k".to_owned(), text("1")), ("k".to_owned(), text("2"))]);
    refused(twice, "a.k): the key stands twice in one object");
    let to = "a_b.c".parse().unwrap();
    refused(DraftExpression::Reference { to, path: Path::new() }, "a): a reference leads to an attribute");
    let in_set = Path::new().attr("s").index(object(&[]));
    let of_set = Draft { ignore_changes: vec![in_set], ..draft("x", vec![]) };
    assert!(emit::resource(&of_set).unwrap_err().to_string().ends_with("an element of a set has no name"));
    assert!(emit::resource(&draft("x", vec![("a", text("1")), ("a", text("2"))])).is_err());
    assert!(emit::resource(&draft("x", vec![("a b", text("1"))])).is_err());
    assert!(emit::resource(&draft("x y", vec![])).is_err());
    let deep = (0..200).fold(text(""), |inner, _| DraftExpression::List(vec![inner]));
    assert!(emit::resource(&draft("x", vec![("a", deep)])).is_err());
}

#[test]
fn json_that_the_function_would_change_stays_text() {
    let deep = (0..95).fold(Value::bool(true), |value, _| Value::tuple(vec![value]));
    let written = emit::resource(&draft("x", vec![("a", DraftExpression::Json(Box::new(literal(deep))))])).unwrap();
    let expected = format!("\"{}true{}\"", "[".repeat(95), "]".repeat(95));
    assert!(written.contains(&expected), "{written}");
}

#[test]
fn many_values_are_written() {
    let many = Value::tuple((0..100_000_u64).map(Value::from).collect());
    let named = Value::object((0..100_000_u64).map(|index| (format!("k{index}"), Value::from(index))).collect());
    let deep = (0..85).fold(Value::string("x".repeat(100_000)), |value, _| Value::tuple(vec![value]));
    for value in [many, named, deep] {
        let written = emit::resource(&draft("x", vec![("a", literal(value.clone()))])).unwrap();
        assert_eq!(json(&evaluated(&written)), json(&value));
        let encoded = DraftExpression::Json(Box::new(literal(value.clone())));
        let written = emit::resource(&draft("x", vec![("a", encoded)])).unwrap();
        assert_eq!(evaluated(&written).as_str().unwrap(), json(&value));
    }
}

#[test]
fn much_text_is_written() {
    let line = "0123456789 ${abc}\n";
    let large: String = line.repeat(5_000_000 / line.len());
    for value in [large.clone(), large.trim_end().to_owned(), "\n".repeat(300_000), "EOT\n".repeat(100_000)] {
        let written = emit::resource(&draft("x", vec![("a", text(&value))])).unwrap();
        assert_eq!(evaluated(&written), Value::string(value));
    }
}

/// What references resolve to.
pub(crate) fn world() -> Value {
    object(&[
        ("name", Value::string("n${x}")),
        ("list", Value::tuple(vec![object(&[("id", Value::string("i-1"))]), Value::from(5_i64)])),
        ("odd key", object(&[("${x}", Value::string("deep")), ("1st", Value::number(Number::parse("1.50").unwrap()))])),
    ])
}

struct World;

impl Scope for World {
    fn resolve(&self, name: &str, steps: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        let first = match steps.first() {
            Some(ReferenceStep::Attribute(first)) => *first,
            _ => return Resolved::Invalid("nothing".to_owned()),
        };
        let input = || object(&[("input", world())]);
        let value = match (name, first) {
            ("terraform_data", "base") => input(),
            ("terraform_data", "keyed") => object(&[("k${", input())]),
            ("var", "password") => Value::string("p"),
            ("each", "key") => Value::string("only \"one\""),
            ("each", "value") => world(),
            _ => return Resolved::Invalid(format!("{name}.{first}")),
        };
        Resolved::Value { value, n_steps: 1 }
    }
}

/// Evaluates the only argument of a resource.
fn evaluated(written: &str) -> Value {
    let (file, problems) = File::parse("main.tf", written);
    assert!(problems.is_empty(), "{problems:?}\n{written}");
    let argument = file.body.blocks[0].body.attributes.iter().find(|argument| argument.name != "for_each").unwrap();
    let (value, unknown, problems) = expression(&file, &argument.expression, &World);
    assert!(unknown.is_empty() && problems.is_empty(), "{problems:?}\n{written}");
    value
}

pub(crate) fn json(value: &Value) -> String {
    String::from_utf8(cty::json::encode(value, value.ty()).unwrap()).unwrap()
}

fn any_text() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..6);
    prop_oneof![
        prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        (lines, any::<bool>()).prop_map(|(lines, ends)| lines.join("\n") + if ends { "\n" } else { "" }),
    ]
}

/// Makes references into the world, with what they lead to.
fn any_reference() -> impl Strategy<Value = (DraftExpression, Value)> {
    let ways = vec![
        Path::new(),
        Path::new().attr("name"),
        Path::new().attr("list").index(Value::from(0_u64)).attr("id"),
        Path::new().attr("list").index(Value::from(1_u64)),
        Path::new().attr("odd key").attr("${x}"),
        Path::new().attr("odd key").attr("1st"),
    ];
    (prop::sample::select(ways), 0..3_usize).prop_map(|(way, kind)| {
        let value = way.apply(&world()).unwrap();
        let to = |address: &str| DraftExpression::Reference {
            to: address.parse().unwrap(),
            path: Path::new().attr("input").steps().iter().chain(way.steps()).cloned().collect(),
        };
        let written = match kind {
            0 => to("terraform_data.base"),
            1 => to("terraform_data.keyed[\"k$${\"]"),
            _ => DraftExpression::EachValue(way),
        };
        (written, value)
    })
}

/// Makes expressions with what they must evaluate to.
pub(crate) fn any_expression() -> impl Strategy<Value = (DraftExpression, Value)> {
    let keep = |value: Value| (literal(value.clone()), value);
    let texts = || prop::collection::vec(any_text(), 0..5);
    let list =
        texts().prop_map(|texts| Value::list(Type::String, texts.into_iter().map(Value::string).collect()).unwrap());
    let set =
        texts().prop_map(|texts| Value::set(Type::String, texts.into_iter().map(Value::string).collect()).unwrap());
    let map = prop::collection::btree_map(any_text(), any_text(), 0..5).prop_map(|map| {
        Value::map(Type::String, map.into_iter().map(|(key, text)| (key, Value::string(text))).collect()).unwrap()
    });
    let part = prop_oneof![
        any_text().prop_map(|text| (TemplatePart::Text(text.clone()), Value::string(text))),
        any_reference().prop_filter_map("has a text", |(written, value)| {
            cty::convert::convert(&value, &Type::String).ok()?;
            Some((TemplatePart::Expression(written), value))
        }),
        any::<bool>().prop_map(|value| (TemplatePart::Expression(literal(Value::bool(value))), Value::bool(value))),
    ];
    let template = prop::collection::vec(part, 0..5).prop_map(|parts| {
        let is_empty = |part: &TemplatePart| matches!(part, TemplatePart::Text(text) if text.is_empty());
        let (parts, values): (Vec<_>, Vec<Value>) = parts.into_iter().filter(|(part, _)| !is_empty(part)).unzip();
        let texts = values.iter().map(|value| cty::convert::convert(value, &Type::String).unwrap());
        let text: String = texts.map(|text| text.as_str().unwrap().to_owned()).collect();
        match parts.as_slice() {
            // An expression alone keeps its type.
            [TemplatePart::Expression(DraftExpression::Literal(_))] => {
                (DraftExpression::Template(parts), Value::string(text))
            }
            [TemplatePart::Expression(_)] => (DraftExpression::Template(parts), values[0].clone()),
            _ => (DraftExpression::Template(parts), Value::string(text)),
        }
    });
    let leaf = prop_oneof![
        any_text().prop_map(move |text| keep(Value::string(text))),
        any_value().prop_map(keep),
        list.prop_map(keep),
        set.prop_map(keep),
        map.prop_map(keep),
        any_reference(),
        template,
        Just((DraftExpression::Variable("password".to_owned()), Value::string("p"))),
        texts().prop_map(|texts| {
            let values = texts.iter().map(Value::string).collect();
            (DraftExpression::ToSet(texts), Value::set(Type::String, values).unwrap())
        }),
        Just((DraftExpression::EachKey, Value::string("only \"one\""))),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|elements| {
            let (written, values) = elements.into_iter().unzip();
            (DraftExpression::List(written), Value::tuple(values))
        });
        let object =
            prop::collection::vec((prop_oneof![any_text(), "[a-z_]{1,12}"], inner.clone()), 0..4).prop_map(|entries| {
                let mut values = BTreeMap::new();
                let mut names = BTreeSet::new();
                let mut written = Vec::new();
                for (name, (expression, value)) in entries {
                    // Names are equal where they are normalized to the same text.
                    let normal = Value::string(name.clone()).as_str().unwrap().to_owned();
                    if names.insert(normal) {
                        written.push((name.clone(), expression));
                        values.insert(name, value);
                    }
                }
                (DraftExpression::Object(written), Value::object(values))
            });
        let json = inner
            .prop_map(|(expression, value)| (DraftExpression::Json(Box::new(expression)), Value::string(json(&value))));
        prop_oneof![list, object, json]
    })
}

pub(crate) fn repeated(name: &str, input: DraftExpression) -> Draft {
    let for_each = DraftExpression::Object(vec![("only \"one\"".to_owned(), literal(world()))]);
    Draft { for_each: Some(for_each), ..draft(name, vec![("input", input)]) }
}

/// Blocks of every nesting, two levels deep.
fn schema(depth: usize) -> Block {
    let any = Attribute {
        ty: AttributeType::Plain(Type::Dynamic),
        description: String::new(),
        description_is_markdown: false,
        required: false,
        optional: true,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    };
    let nestings = [("list", NestingMode::List), ("map", NestingMode::Map), ("single", NestingMode::Single)];
    let blocks = nestings.into_iter().filter(|_| depth > 0).map(|(name, nesting)| {
        (name.to_owned(), NestedBlock { nesting, block: schema(depth - 1), min_items: 0, max_items: 0 })
    });
    Block {
        attributes: [("first".to_owned(), any.clone()), ("second_one".to_owned(), any)].into(),
        blocks: blocks.collect(),
        ..Block::default()
    }
}

/// Makes bodies of that schema with the values that they must have.
fn any_body(depth: usize) -> BoxedStrategy<(DraftBody, Value)> {
    let arguments =
        (prop::option::of(any_expression()), prop::option::of(any_expression())).prop_map(|(first, second)| {
            let given = [("first", first), ("second_one", second)];
            let mut arguments = Vec::new();
            let mut values = BTreeMap::new();
            for (name, given) in given {
                let value = given.as_ref().map_or(Value::null(Type::Dynamic), |(_, value)| value.clone());
                arguments.extend(given.map(|(written, _)| (name.to_owned(), written)));
                values.insert(name.to_owned(), value);
            }
            (arguments, values)
        });
    if depth == 0 {
        let body = |(arguments, values)| (DraftBody { arguments, blocks: Vec::new() }, Value::object(values));
        return arguments.prop_map(body).boxed();
    }
    let inner = move || any_body(depth - 1);
    let lists = prop::collection::vec(inner(), 0..3);
    let maps = prop::collection::btree_map(any_text(), inner(), 0..3);
    let nested = (arguments, lists, maps, prop::option::of(inner()));
    let body = nested.prop_map(|((arguments, mut values), lists, maps, single)| {
        let block = |name: &str, label: Option<String>, body| DraftBlock { block_type: name.to_owned(), label, body };
        let mut blocks = Vec::new();
        let mut list = Vec::new();
        for (body, value) in lists {
            blocks.push(block("list", None, body));
            list.push(value);
        }
        values.insert("list".to_owned(), Value::tuple(list));
        let mut map = BTreeMap::new();
        for (label, (body, value)) in maps {
            // Labels are equal where they are normalized to the same text.
            let key = Value::string(label.clone()).as_str().unwrap().to_owned();
            if map.insert(key, value).is_none() {
                blocks.push(block("map", Some(label), body));
            } else {
                return None;
            }
        }
        values.insert("map".to_owned(), Value::object(map));
        let value = single.as_ref().map_or(Value::null(Type::Dynamic), |(_, value)| value.clone());
        blocks.extend(single.map(|(body, _)| block("single", None, body)));
        values.insert("single".to_owned(), value);
        Some((DraftBody { arguments, blocks }, Value::object(values)))
    });
    body.prop_filter_map("labels differ", |body| body).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn blocks_evaluate_to_what_was_meant((body, value) in any_body(2)) {
        let ignore_changes = vec![Path::new().attr("first")];
        let written = emit::resource(&Draft { body, ignore_changes, ..draft("x", vec![]) }).unwrap();
        let (file, problems) = File::parse("main.tf", &written);
        prop_assert!(problems.is_empty(), "{:?}\n{}", problems, written);
        let block = Written::new(&Arc::new(file.clone()), &file.body.blocks[0].body).without(&["lifecycle"]);
        let (found, unknown, problems) = evaluate::block(&block, &schema(2), &World);
        prop_assert!(unknown.is_empty() && problems.is_empty(), "{:?}\n{}", problems, written);
        prop_assert_eq!(json(&found), json(&value), "{}", written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn what_is_written_evaluates_to_what_was_meant((expression, value) in any_expression()) {
        let written = emit::resource(&repeated("x", expression)).unwrap();
        prop_assert_eq!(json(&evaluated(&written)), json(&value), "{}", written);
    }

    #[test]
    fn remarks_stay_comments(remark in any::<String>(), line in prop::sample::select(LINES.to_vec())) {
        let draft = Draft { remarks: vec![format!("{remark}\n{line}"), line.to_owned()], ..draft("x", vec![]) };
        let written = emit::resource(&draft).unwrap();
        let (file, problems) = File::parse("main.tf", &written);
        prop_assert!(problems.is_empty() && file.body.blocks.len() == 1, "{}", written);
        let lines: Vec<&str> = written.lines().collect();
        prop_assert!(lines[..lines.len() - 1].iter().all(|line| line.starts_with("# ")), "{}", written);
    }
}
