//! Values of variables: whoever sets one last wins, in terraform's order.

use cty::Value;
use hcl::definitions::Definitions;

use crate::evaluation::{World, outputs, programs};

const CODE: &str = r#"
variable "none" { default = "default" }
variable "environment" { default = "default" }
variable "file" { default = "default" }
variable "json" { default = "default" }
variable "auto" { default = "default" }
variable "auto_json" { default = "default" }
variable "option" { default = "default" }
variable "later_option" { default = "default" }
variable "option_file" { default = "default" }
variable "list" { type = list(string) }
variable "number" { type = number }
variable "flag" { type = bool }
variable "untyped" {}
variable "any" { type = any }
variable "not_null" {
  default  = "default"
  nullable = false
}
variable "nullable" { default = "default" }
variable "object" {
  type = object({ a = string, b = optional(list(object({ c = optional(number, 7) })), [{}]) })
}
variable "map" { type = map(object({ x = optional(string, "y") })) }
"#;

const FILES: &[(&str, &str)] = &[
    ("main.tf", CODE),
    (
        "terraform.tfvars",
        "file = \"terraform.tfvars\"\njson = \"terraform.tfvars\"\nauto = \"terraform.tfvars\"\nnot_null = null\nnullable = null\n",
    ),
    (
        "terraform.tfvars.json",
        r#"{"json": "terraform.tfvars.json", "auto": "json", "list": ["${literal}", 2], "//": "a comment"}"#,
    ),
    ("b.auto.tfvars", "auto = \"b.auto.tfvars\"\nauto_json = \"b\"\n"),
    ("a.auto.tfvars", "auto = \"a.auto.tfvars\"\nmap = { k = {}, l = { x = 1 } }\n"),
    ("c.auto.tfvars.json", r#"{"auto_json": "c.auto.tfvars.json", "option": "c", "later_option": "c"}"#),
    ("last.tfvars", "option_file = \"last.tfvars\"\nlater_option = \"last.tfvars\"\n"),
    ("ignored.tfvars", "none = \"ignored.tfvars\"\n"),
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("TF_VAR_environment", "environment"),
    ("TF_VAR_file", "environment"),
    ("TF_VAR_auto", "environment"),
    ("TF_VAR_option", "environment"),
    ("TF_VAR_number", "12.5"),
    ("TF_VAR_untyped", "[1]"),
    ("TF_VAR_any", "[1, \"a\"]"),
    ("TF_VAR_undeclared", "x"),
];

#[test]
fn the_last_one_wins_as_in_the_programs() {
    let mut world = World::new(FILES);
    let (definitions, problems) = Definitions::read(&world.tree, ".");
    assert!(problems.is_empty(), "{problems:?}");
    world.variables.add_environment(ENVIRONMENT.iter().copied());
    assert!(world.variables.add_standard_files(&world.tree).is_empty());
    world.variables.add_text("option", "--var", "--var");
    world.variables.add_text("option_file", "--var", "--var");
    assert!(world.variables.add_file("last.tfvars", FILES[6].1).is_empty());
    world.variables.add_text("later_option", "--var", "--var");
    world.variables.add_text("flag", "true", "--var");
    world.variables.add_text("object", "{ a = 1 }", "--var");
    let arguments = [
        "-var=option=--var",
        "-var=option_file=--var",
        "-var-file=last.tfvars",
        "-var=later_option=--var",
        "-var=flag=true",
        "-var=object={ a = 1 }",
    ];
    let mut tree = world.tree.clone();
    let blocks = definitions.variables.keys().map(|name| format!("output \"{name}\" {{\n  value = [var.{name}]\n}}\n"));
    tree.0.insert("outputs.tf".to_owned(), blocks.collect::<String>().into_bytes());
    for program in programs() {
        for (name, theirs) in outputs(&program, &tree, &arguments, ENVIRONMENT) {
            let ours = world.evaluate(&format!("[var.{name}]")).0.unwrap();
            assert_eq!(ours, theirs, "{name}: {}", program.display());
        }
    }
    let text = |name: &str| world.evaluate(&format!("var.{name}")).0.unwrap();
    assert_eq!(text("auto"), Value::string("b.auto.tfvars"));
    assert_eq!(text("later_option"), Value::string("--var"));
}

#[test]
fn wrong_values_are_named_and_not_shown() {
    let code = "variable \"number\" { type = number }\nvariable \"list\" { type = list(number) }\n";
    let mut world = World::new(&[("main.tf", code)]);
    world.variables.add_text("number", "planted", "the environment variable TF_VAR_number");
    world.variables.add_text("list", "[planted", "--var");
    for (name, part) in [("number", "TF_VAR_number"), ("list", "literal expression")] {
        let problem = world.evaluate(&format!("var.{name}")).0.unwrap_err();
        assert!(problem.contains(part) && problem.contains("main.tf") && !problem.contains("planted"), "{problem}");
    }
    for (name, text) in [
        ("x.tfvars", "a = planted planted\n"),
        ("x.tfvars", "planted {\n}\n"),
        ("x.tfvars", "a = planted\n"),
        ("x.tfvars.json", "[\"planted\"]"),
    ] {
        let problems = world.variables.add_file(name, text);
        assert!(!problems.is_empty(), "{text}");
        assert!(problems.iter().all(|problem| !problem.to_string().contains("planted")), "{problems:?}");
    }
}

#[test]
fn what_is_wrong_in_a_declaration_is_named() {
    for (declaration, part) in [
        ("type = strin", "A type is"),
        ("type = list(string, number)", "A type is"),
        ("type = object({ a = optional() })", "optional()"),
        ("type = object({ a = optional(number, \"x\") })", "default value"),
        ("type = number\n  default = \"x\"", "does not have the type"),
        ("default = var.x", "literal"),
    ] {
        let world = World::new(&[("main.tf", &format!("variable \"v\" {{\n  {declaration}\n}}\n"))]);
        let (_, problems) = Definitions::read(&world.tree, ".");
        let text = problems.iter().map(ToString::to_string).collect::<String>();
        assert!(text.contains(part) && text.contains("main.tf:"), "{declaration}: {text}");
    }
}

#[test]
fn entries_of_files_have_their_places() {
    let mut values = hcl::variables::VariableValues::default();
    assert!(values.add_file("a.tfvars", "\nx = {\n  y = 1\n}\n  z = 2\n").is_empty());
    let json = "{\n  \"w\": {\"v\": [1, \"v\"]},\n  \"v\": \"a\\\"b\", \"u\": 3}";
    assert!(values.add_file("b.tfvars.json", json).is_empty());
    values.add_text("t", "1", "--var");
    let place = |name: &str| {
        let span = values.entry(name).map(|entry| (entry.span.file.to_string(), entry.span.start))?;
        Some(format!("{}:{}:{}", span.0, span.1.line, span.1.column))
    };
    assert_eq!(place("x").as_deref(), Some("a.tfvars:2:1"));
    assert_eq!(place("z").as_deref(), Some("a.tfvars:5:3"));
    assert_eq!(place("w").as_deref(), Some("b.tfvars.json:2:3"));
    assert_eq!(place("v").as_deref(), Some("b.tfvars.json:3:3"));
    assert_eq!(place("u").as_deref(), Some("b.tfvars.json:3:16"));
    assert_eq!((place("t"), values.origin("t"), values.origin("u")), (None, Some("--var"), Some("b.tfvars.json:3")));
}

#[test]
fn values_of_no_variable_are_told_as_the_programs_tell_them() {
    let mut world =
        World::new(&[("main.tf", "variable \"a\" {\n  default = 1\n}\n"), ("x.auto.tfvars", "a = 2\n\n  file = 1\n")]);
    let (definitions, _) = Definitions::read(&world.tree, ".");
    world.variables.add_environment([("TF_VAR_environment", "x")]);
    assert!(world.variables.add_standard_files(&world.tree).is_empty());
    let warned = world.variables.undeclared(&definitions.variables);
    let place = warned[0].span.as_ref().map(|span| (&*span.file, span.start.line, span.start.column));
    assert_eq!((warned.len(), place), (1, Some(("x.auto.tfvars", 3, 3))), "{warned:?}");
    assert_eq!(warned[0].severity, model::Severity::Warning);
    for (text, is_refused) in [("a=3", false), ("option=3", true)] {
        let (name, value) = text.split_once('=').unwrap();
        let mut variables = world.variables.clone();
        variables.add_text(name, value, "--var");
        let problems = variables.undeclared(&definitions.variables);
        assert_eq!(model::diagnostic::has_errors(&problems), is_refused, "{text}");
        for program in programs() {
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in &world.tree.0 {
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
            let argument = format!("-var={text}");
            let output = crate::evaluation::run(
                &program,
                folder.path(),
                &["plan", "-no-color", &argument],
                &[("TF_VAR_environment", "x")],
            );
            let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert_eq!(!output.status.success(), is_refused, "{}: {told}", program.display());
            assert!(
                (is_refused || told.contains("\"file\"")) && !told.contains("\"environment\""),
                "{}: {told}",
                program.display()
            );
        }
    }
}
