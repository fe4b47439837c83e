//! Values are set inside of arguments that are written out, and what stands around them stays.

use cty::{PathStep, Value};
use hcl::File;
use hcl::edit::{self, EditProblem};
use hcl::trace::parse_path;

/// Sets values in the first argument of a text.
fn set(text: &str, changes: &[(&str, Value)]) -> Result<String, EditProblem> {
    let is_json = text.starts_with('{');
    let (file, problems) = if is_json {
        File::parse_json("main.tf.json", &format!("{{\"locals\": {text}}}"))
    } else {
        File::parse("main.tf", text)
    };
    assert!(problems.is_empty(), "{problems:?}");
    let body = if is_json { &file.body.blocks[0].body } else { &file.body };
    let paths: Vec<_> = changes.iter().map(|(path, _)| steps(path)).collect();
    let changes: Vec<(&[PathStep], Value)> =
        paths.iter().zip(changes).map(|(path, (_, value))| (&path[..], value.clone())).collect();
    let edit = edit::set_inside(&file, &body.attributes[0], &changes)?;
    let edited = String::from_utf8(edit::apply(&file, file.bytes(), &[edit]).unwrap()).unwrap();
    let inner = edited.strip_prefix("{\"locals\": ").and_then(|edited| edited.strip_suffix('}'));
    Ok(inner.map_or_else(|| edited.clone(), str::to_owned))
}

/// Reads a path behind an argument: the argument itself is `x`.
fn steps(path: &str) -> Vec<PathStep> {
    parse_path(&format!("x{path}")).unwrap().steps()[1..].to_vec()
}

#[track_caller]
fn check(text: &str, path: &str, value: Value, expect: &str) {
    assert_eq!(set(text, &[(path, value.clone())]).as_deref(), Ok(expect), "{text:?}");
    if !text.starts_with('{') && text.trim_end().contains('\n') {
        let edited = set(&text.replace('\n', "\r\n"), &[(path, value)]);
        assert_eq!(edited, Ok(expect.replace('\n', "\r\n")), "with \\r\\n: {text:?}");
    }
}

fn text(text: &str) -> Value {
    Value::string(text)
}

fn number(number: i64) -> Value {
    Value::from(number)
}

fn nothing() -> Value {
    Value::null(cty::Type::String)
}

#[test]
fn literals_stay_what_they_are() {
    check("x = \"a\" # b\n", "", text("c"), "x = \"c\" # b\n");
    check("x = \"a\"\n", "", text("${c} \"d\"\n"), "x = \"$${c} \\\"d\\\"\\n\"\n");
    check("x = 1\n", "", number(20), "x = 20\n");
    check("x = -1\n", "", number(5), "x = 5\n");
    check("x = 1\n", "", number(-5), "x = -5\n");
    check("x = true\n", "", Value::bool(false), "x = false\n");
    check("x = \"80\"\n", "", number(8080), "x = \"8080\"\n");
    check("x = 80\n", "", text("8080"), "x = 8080\n");
    check("x = 80\n", "", text("080"), "x = \"080\"\n");
    check("x = true\n", "", text("false"), "x = false\n");
    check("x = (1)\n", "", number(2), "x = 2\n");
}

#[test]
fn heredocs_stay_heredocs_where_they_can() {
    check("x = <<EOT\na\nb\nEOT\n", "", text("c\n${d}\n"), "x = <<EOT\nc\n$${d}\nEOT\n");
    check("x = <<-EOT\n    a\n\n      b\n  EOT\n", "", text("c\n  d\n\n"), "x = <<-EOT\n    c\n      d\n\n  EOT\n");
    check("x = <<EOT\na\nEOT\n", "", text("no line end"), "x = \"no line end\"\n");
    check("x = <<EOT\na\nEOT\n", "", text("EOT\n"), "x = \"EOT\\n\"\n");
    check("x = <<-EOT\n  a\n  EOT\n", "", text("  all\n  indented\n"), "x = \"  all\\n  indented\\n\"\n");
}

#[test]
fn items_of_objects() {
    let tags = "x = {\n  Name = \"a\" # ours\n  \"b c\" : 1,\n}\n";
    check(tags, "[\"Name\"]", text("z"), "x = {\n  Name = \"z\" # ours\n  \"b c\" : 1,\n}\n");
    check(tags, "[\"b c\"]", text("2"), "x = {\n  Name = \"a\" # ours\n  \"b c\" : 2,\n}\n");
    check("x = { a = 1, b = 2 }\n", "[\"c\"]", number(3), "x = { a = 1, b = 2, c = 3 }\n");
    check("x = { a = 1, b = 2 }\n", "[\"a\"]", nothing(), "x = { b = 2 }\n");
    check("x = { a = 1, b = 2 }\n", "[\"b\"]", nothing(), "x = { a = 1 }\n");
    check("x = { a = 1 }\n", "[\"a\"]", nothing(), "x = {}\n");
    check("x = {}\n", "[\"a\"]", number(1), "x = { a = 1 }\n");
    check("x = {\n}\n", "[\"a\"]", number(1), "x = {\n  a = 1\n}\n");
    check(
        "x = {\n  # one\n  a   = 1\n  # two\n  bcd = 2\n}\n",
        "[\"bcd\"]",
        nothing(),
        "x = {\n  # one\n  a   = 1\n}\n",
    );
    check("x = {\n  a   = 1\n  bcd = 2\n}\n", "[\"bcd\"]", nothing(), "x = {\n  a = 1\n}\n");
    check("x = {\n  a   = 1\n  bcd = 2\n}\n", "[\"e\"]", text("f"), "x = {\n  a   = 1\n  bcd = 2\n  e   = \"f\"\n}\n");
    check("x = {\n  a = 1\n}\n", "[\"b c\"]", text("f"), "x = {\n  a     = 1\n  \"b c\" = \"f\"\n}\n");
    check("x = {\n  a  = 1\n  b = 1\n}\n", "[\"cde\"]", text("f"), "x = {\n  a  = 1\n  b = 1\n  cde = \"f\"\n}\n");
    check("x = {\n  a = { b = 1 }\n}\n", "[\"a\"].b", number(2), "x = {\n  a = { b = 2 }\n}\n");
}

#[test]
fn elements_of_tuples() {
    check("x = [\"a\", \"b\"]\n", "[1]", text("c"), "x = [\"a\", \"c\"]\n");
    check("x = [\"a\", \"b\"]\n", "[2]", text("c"), "x = [\"a\", \"b\", \"c\"]\n");
    check("x = [\"a\", \"b\"]\n", "[0]", nothing(), "x = [\"b\"]\n");
    check("x = [\"a\", \"b\"]\n", "[\"b\"]", nothing(), "x = [\"a\"]\n");
    check("x = [\"a\"]\n", "[\"c\"]", text("c"), "x = [\"a\", \"c\"]\n");
    check("x = []\n", "[0]", text("c"), "x = [\"c\"]\n");
    check("x = [\n  \"a\",\n  \"b\"\n]\n", "[2]", text("c"), "x = [\n  \"a\",\n  \"b\",\n  \"c\"\n]\n");
    check("x = [\n  \"a\", # one\n]\n", "[1]", text("c"), "x = [\n  \"a\", # one\n  \"c\",\n]\n");
    check("x = [\n  \"a\",\n  # two\n  \"b\",\n]\n", "[1]", nothing(), "x = [\n  \"a\",\n]\n");
    check(
        "x = [{ n = 1, v = 2 }, { n = 2, v = 2 }]\n",
        "[{n=2}].v",
        number(3),
        "x = [{ n = 1, v = 2 }, { n = 2, v = 3 }]\n",
    );
    let list = Value::list(cty::Type::String, vec![text("a"), text("c")]);
    assert_eq!(set("x = [\"b\"]\n", &[("", list.unwrap())]).as_deref(), Ok("x = [\"a\", \"c\"]\n"));
}

#[test]
fn several_changes_of_one_argument() {
    let changed = set("x = { a = 1, b = 2, c = 3 }\n", &[("[\"b\"]", nothing()), ("[\"c\"]", nothing())]);
    assert_eq!(changed.as_deref(), Ok("x = { a = 1 }\n"));
}

#[test]
fn json_stays_as_it_is_written() {
    check("{\"x\": \"a\"}", "", text("${b}"), "{\"x\": \"$${b}\"}");
    check("{\"x\": 1}", "", number(2), "{\"x\": 2}");
    check("{\"x\": \"1\"}", "", number(2), "{\"x\": \"2\"}");
    check("{\"x\": true}", "", text("false"), "{\"x\": false}");
    check("{\"x\": {\n  \"a\": \"1\"\n}}", "[\"b\"]", text("2"), "{\"x\": {\n  \"a\": \"1\",\n  \"b\": \"2\"\n}}");
    check("{\"x\": {\"a\": \"1\", \"b\": \"2\"}}", "[\"b\"]", nothing(), "{\"x\": {\"a\": \"1\"}}");
    check("{\"x\": [\"a\", \"b\"]}", "[\"a\"]", nothing(), "{\"x\": [\"b\"]}");
    check("{\"x\": []}", "[0]", text("a\\\""), "{\"x\": [\"a\\\\\\\"\"]}");
}

#[test]
fn what_is_computed_or_secret_is_refused() {
    for code in [
        "x = var.a\n",
        "x = \"a${var.b}\"\n",
        "x = { a = var.b, (var.c) = 1 }\n",
        "x = jsonencode({ a = 1 })\n",
        "x = [for a in [1] : a]\n",
        "{\"x\": \"${var.a}\"}",
    ] {
        let path = if code.contains("(var.c)") { "[\"a\"]" } else { "" };
        assert!(matches!(set(code, &[(path, text("c"))]), Err(EditProblem::Place { .. })), "{code}");
    }
    let secret = text("planted-secret").mark_sensitive();
    let problem = set("x = \"a\"\n", &[("", secret)]).unwrap_err();
    assert!(!problem.to_string().contains("planted"), "{problem}");
    assert!(set("x = { a = 1 }\n", &[("[\"b\"].c", text("d"))]).is_err());
    assert!(set("x = [1]\n", &[("[4]", number(1))]).is_err());
}

/// What real programs had nothing to say of, they have nothing to say of after an edit.
#[test]
fn what_was_formatted_stays_formatted() {
    let map = "x = {\n  a   = 1 # one\n  bcd = 2 # two\n}\n";
    let list = "x = [\n  \"a\", # one\n  \"bcd\",\n]\n";
    let cases = [
        (map, "[\"a\"]", text("longer than before")),
        (map, "[\"bcd\"]", nothing()),
        (map, "[\"longer\"]", number(3)),
        (map, "[\"not a name\"]", text("a\nb\n")),
        (list, "[2]", text("c")),
        (list, "[0]", nothing()),
        (list, "[0]", text("longer than before")),
        ("x = { a = 1, b = 2 }\n", "[\"c\"]", number(3)),
        ("x = {}\n", "[\"c\"]", number(3)),
        ("x = []\n", "[\"c\"]", text("c")),
        ("x = <<-EOT\n  a\nEOT\n", "", text("b\n  c\n")),
        ("x   = 1     # one\nabc = 20000 # two\n", "", number(123_456)),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, (code, path, value)) in cases.into_iter().enumerate() {
        let edited = edit::with_aligned_comments(code, &set(code, &[(path, value)]).unwrap());
        let body: String = edited.lines().map(|line| format!("  {line}\n")).collect();
        let is_flush = edited.contains("<<");
        let body = if is_flush { edited } else { body };
        let text = if is_flush { body } else { format!("locals {{\n{body}}}\n") };
        std::fs::write(folder.path().join(format!("case_{number}.tf")), text).unwrap();
    }
    for program in crate::evaluation::programs() {
        crate::terraform::run(&program, folder.path(), &["fmt", "-check", "-diff"]);
    }
}
