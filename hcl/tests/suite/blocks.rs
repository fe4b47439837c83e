//! Blocks shaped by schemas of every form.

use std::sync::Arc;

use cty::{Path, Type, Value};
use hcl::File;
use hcl::evaluate::{Unknown, Written};
use model::Diagnostics;
use model::ModuleAddress;
use model::schema::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode};

use crate::evaluation::World;

fn attribute(ty: AttributeType, required: bool) -> Attribute {
    Attribute {
        ty,
        description: String::new(),
        description_is_markdown: false,
        required,
        optional: !required,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    }
}

pub(crate) fn plain(ty: Type) -> Attribute {
    attribute(AttributeType::Plain(ty), false)
}

/// Gives the schema for a body: nested attributes would end that lists of objects may be written as blocks.
fn schema_for(body: &str) -> Block {
    let mut schema = schema();
    if !body.contains("objects") {
        schema.attributes.remove("objects");
    }
    schema
}

fn schema() -> Block {
    let inner = |nesting, ty| {
        let attributes = [("a".to_owned(), plain(ty))].into();
        NestedBlock { nesting, block: Block { attributes, ..Block::default() }, min_items: 0, max_items: 0 }
    };
    let objects = NestedObject {
        nesting: NestingMode::List,
        attributes: [
            ("must".to_owned(), attribute(AttributeType::Plain(Type::String), true)),
            ("may".to_owned(), plain(Type::Number)),
        ]
        .into(),
    };
    Block {
        attributes: [
            ("text".to_owned(), plain(Type::String)),
            ("any".to_owned(), plain(Type::Dynamic)),
            ("rules".to_owned(), plain(Type::list(Type::object([("port", Type::Number)])))),
            ("objects".to_owned(), attribute(AttributeType::Nested(objects), false)),
        ]
        .into(),
        blocks: [
            ("list".to_owned(), inner(NestingMode::List, Type::String)),
            ("set".to_owned(), inner(NestingMode::Set, Type::Number)),
            ("map".to_owned(), inner(NestingMode::Map, Type::String)),
            ("single".to_owned(), inner(NestingMode::Single, Type::String)),
            ("group".to_owned(), inner(NestingMode::Group, Type::String)),
            ("open".to_owned(), inner(NestingMode::List, Type::Dynamic)),
        ]
        .into(),
        ..Block::default()
    }
}

/// Evaluates the body of a block.
fn evaluated(body: &str) -> (Value, Vec<Unknown>, Diagnostics) {
    let world = World::new(&[(
        "main.tf",
        "data \"x\" \"y\" {}\nvariable \"gone\" {}\nvariable \"list\" {\n  default = [\"x\", \"y\"]\n}\n",
    )]);
    let root = world.root();
    let scope = root.module_scope(&ModuleAddress::root()).unwrap();
    let (file, problems) = if body.starts_with('{') {
        File::parse_json("p.tf.json", &format!("{{\"provider\": {{\"p\": {body}}}}}"))
    } else {
        File::parse("p.tf", &format!("provider \"p\" {{\n{body}\n}}\n"))
    };
    assert!(problems.is_empty(), "{problems:?}");
    let file = Arc::new(file);
    let (value, unknown, problems) =
        root.block(&Written::new(&file, &file.body.blocks[0].body), &schema_for(body), &scope);
    assert!(value.ty().conforms_to(&schema_for(body).value_type()), "{body}: {}", value.ty());
    (value, unknown, problems)
}

/// Evaluates the body of a block; gives what is not null or empty, what is unknown, and what is wrong.
fn check(body: &str) -> (String, Vec<String>, Vec<String>) {
    let (value, unknown, problems) = evaluated(body);
    let said = value.entries().filter(|(name, value)| {
        let is_bare_group = *name == "group" && value.to_string() == "{a = null}";
        !value.is_null() && !is_bare_group && (!value.is_known() || value.ty().is_primitive() || !value.is_empty())
    });
    let said: Vec<String> = said.map(|(name, value)| format!("{name} = {value}")).collect();
    (
        said.join(", "),
        unknown.iter().map(|unknown| format!("{}: {}", unknown.path, unknown.reason)).collect(),
        problems.iter().map(ToString::to_string).collect(),
    )
}

fn value(body: &str) -> String {
    let (value, unknown, problems) = check(body);
    assert!(unknown.is_empty() && problems.is_empty(), "{body}: {unknown:?} {problems:?}");
    value
}

#[test]
fn blocks_nest_as_their_schema_says() {
    assert_eq!(value("text = 1"), "text = \"1\"");
    assert_eq!(value("any = [1, \"a\"]"), "any = [1, \"a\"]");
    assert_eq!(value("list { a = 1 }\nlist {}"), "list = [{a = \"1\"}, {a = null}]");
    assert_eq!(value("set { a = 2 }\nset { a = 1 }\nset { a = \"2\" }"), "set = [{a = 1}, {a = 2}]");
    assert_eq!(value("map \"x\" { a = 1 }\nmap \"y\" {}"), "map = {x = {a = \"1\"}, y = {a = null}}");
    assert_eq!(value("single { a = \"b\" }"), "single = {a = \"b\"}");
    assert_eq!(value("group { a = \"b\" }"), "group = {a = \"b\"}");
    assert_eq!(value("open { a = 1 }\nopen { a = [true] }"), "open = [{a = 1}, {a = [true]}]");
    assert_eq!(
        value("objects = [{ must = \"a\" }, { must = 1, may = \"2\" }]"),
        "objects = [{may = null, must = \"a\"}, {may = 2, must = \"1\"}]"
    );
    // A list of objects may be written as blocks.
    assert_eq!(value("rules { port = \"80\" }\nrules { port = 443 }"), "rules = [{port = 80}, {port = 443}]");
    assert_eq!(value("rules = [{ port = 80 }]"), "rules = [{port = 80}]");
}

#[test]
fn dynamic_blocks_are_written_out() {
    let dynamic = "dynamic \"list\" {\n  for_each = var.list\n  iterator = it\n  content {\n    a = \"${it.key}${it.value}\"\n  }\n}";
    assert_eq!(value(dynamic), "list = [{a = \"0x\"}, {a = \"1y\"}]");
    let labeled = "dynamic \"map\" {\n  for_each = { k = 1, l = 2 }\n  labels = [map.key]\n  content {\n    a = map.value\n  }\n}";
    assert_eq!(value(labeled), "map = {k = {a = \"1\"}, l = {a = \"2\"}}");
    let json = r#"{"dynamic": {"list": {"for_each": "${var.list}", "content": {"a": "${list.value}!"}}}}"#;
    assert_eq!(value(json), "list = [{a = \"x!\"}, {a = \"y!\"}]");
    assert_eq!(
        value(r#"{"map": {"x": {"a": 1}}, "set": [{"a": 1}, {"a": 1}]}"#),
        "map = {x = {a = \"1\"}}, set = [{a = 1}]"
    );
    let unknown = "dynamic \"list\" {\n  for_each = var.gone\n  content {}\n}";
    assert_eq!(check(unknown).1, ["list: the variable \"gone\" has no value"]);
}

#[test]
fn an_argument_written_as_blocks_of_which_there_are_none_is_not_written() {
    let rules = |body: &str| Path::new().attr("rules").apply(&evaluated(body).0).unwrap();
    let none = "dynamic \"rules\" {\n  for_each = []\n  content {\n    port = 1\n  }\n}";
    assert!(rules(none).is_null());
    assert!(!rules("rules = []").is_null());
}

#[test]
fn what_is_unknown_is_named_by_its_path() {
    let (value, unknown, problems) =
        check("text = var.gone\nlist { a = data.x.y.z }\nany = { k = [1, var.gone] }\nsingle { a = \"known\" }");
    assert!(problems.is_empty(), "{problems:?}");
    assert!(value.contains("single = {a = \"known\"}"), "{value}");
    let gone = "the variable \"gone\" has no value";
    let expected =
        [format!("any.k[1]: {gone}"), "list[0].a: data.x.y is read from a cloud".to_owned(), format!("text: {gone}")];
    assert_eq!(unknown, expected);
}

#[test]
fn what_does_not_fit_is_named() {
    for (body, part) in [
        ("txet = 1", "p.tf:2:1: Unsupported argument: The provider's schema has no argument \"txet\""),
        ("nothing {}", "no argument \"nothing\""),
        ("list = []", "is a block, not an argument"),
        ("text { a = 1 }", "is an argument, not a block"),
        ("text = []", "\"text\" cannot take this value: string required"),
        ("objects = [{ may = 1 }]", "\"objects\" cannot take this value: element 0: attribute"),
        ("single {}\nsingle {}", "one \"single\" block"),
        ("map {}", "one label behind its name"),
        ("map \"a\" {}\nmap \"a\" {}", "one label of its own"),
        ("dynamic \"list\" {\n  for_each = null\n  content {}\n}", "cannot be null"),
        ("dynamic \"list\" {\n  for_each = 1\n  content {}\n}", "must be a list"),
        ("dynamic \"list\" {\n  for_each = []\n}", "needs `for_each` and one `content` block"),
        ("dynamic \"nothing\" {\n  for_each = []\n  content {}\n}", "no argument \"nothing\""),
        ("list { a = nope }", "behind a dot"),
        ("{\"single\": 1}", "In JSON a block is an object"),
        ("{\"text\": \"${\"}", "A value must stand here"),
    ] {
        let (_, _, problems) = check(body);
        assert!(problems.iter().any(|problem| problem.contains(part)), "{body}: {problems:?}");
    }
}
