//! Blocks of terraform itself: imports, removals, conditions, `enabled`, overrides, files of the programs.

use cty::Value;
use hcl::blocks::condition::{ConditionKind, ConditionOutcome};
use hcl::blocks::import::ImportedBy;
use hcl::configuration::Configuration;
use hcl::gates::Program;
use hcl::root::{Root, ValueAnswer, ValueNeed};
use hcl::variables::VariableValues;
use model::{ModuleAddress, Severity};
use xtask::tools::{Tool, or_skip};

use crate::evaluation::{outputs, programs};
use crate::moves::{Files, tree};
use crate::roots::{root, root_of};

#[test]
fn imports_are_evaluated() {
    let files: Files<'_> = &[(
        "main.tf",
        r#"
variable "unset" {}
locals { queues = { a = "id-a", b = "id-b" } }
import {
  for_each = local.queues
  to       = a_queue.q[each.key]
  id       = each.value
}
import {
  for_each = toset(["x", "y"])
  to       = module.m[each.value].a_topic.t[0]
  identity = { name = each.key, account = 7 }
}
import {
  to       = a_queue.single
  provider = a.west
  id       = var.unset
}
import {
  to = a_queue.q[var.unset]
  id = "x"
}
import {
  to = a_queue.null
  id = null
}
"#,
    )];
    let (imports, unknown) = root(files).imports();
    let found: Vec<String> = imports.iter().map(|it| format!("{} {:?}", it.to, source(&it.source))).collect();
    assert_eq!(
        found,
        [
            "a_queue.q[\"a\"] \"id-a\"",
            "a_queue.q[\"b\"] \"id-b\"",
            "module.m[\"x\"].a_topic.t[0] \"{account = 7, name = \\\"x\\\"}\"",
            "module.m[\"y\"].a_topic.t[0] \"{account = 7, name = \\\"y\\\"}\"",
            "a_queue.single \"unknown: the variable \\\"unset\\\" has no value\"",
        ]
    );
    assert_eq!(imports[0].span.start.line, 4);
    let reasons: Vec<String> = unknown.iter().map(|(_, reason)| reason.to_string()).collect();
    assert!(reasons[0].contains("the variable \"unset\" has no value"), "{reasons:?}");
    assert!(reasons[1].contains("neither null nor empty") && reasons.len() == 2, "{reasons:?}");
    let json = r#"{"import": {"to": "a_b.c[each.key]", "id": "${each.value}!", "for_each": {"k": "v"}}}"#;
    let (imports, unknown) = root(&[("main.tf.json", json)]).imports();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!((imports[0].to.to_string(), source(&imports[0].source)), ("a_b.c[\"k\"]".to_owned(), "v!".to_owned()));
}

fn source(source: &ImportedBy) -> String {
    match source {
        ImportedBy::Id(id) => id.clone(),
        ImportedBy::Identity(identity) => identity.to_string(),
        ImportedBy::Unknown(unknown) => format!("unknown: {}", unknown[0].reason),
    }
}

#[test]
fn removals_say_what_becomes_of_objects() {
    let files: Files<'_> = &[(
        "main.tf",
        "removed {\n  from = a_b.c\n}\nremoved {\n  from = module.m\n  lifecycle {\n    destroy = false\n  }\n}\nremoved {\n  from = module.n.a_b.c\n  lifecycle {\n    destroy = true\n  }\n}\n",
    )];
    let configuration = crate::moves::configuration(files);
    let (removals, problems) = configuration.removals();
    assert!(problems.is_empty(), "{problems:?}");
    let fate = |address: &str| {
        let removal = removals.iter().find(|removal| removal.removes(&address.parse().unwrap()))?;
        Some([Program::Terraform, Program::OpenTofu].map(|program| removal.destroys(program)))
    };
    assert_eq!(fate("a_b.c[\"k\"]"), Some([true, false]));
    assert_eq!(fate("module.m[0].module.deep.a_b.c"), Some([false, false]));
    assert_eq!(fate("module.n[\"k\"].a_b.c[0]"), Some([true, true]));
    assert_eq!(fate("a_b.d"), None);
    assert_eq!(fate("module.n.module.deep.a_b.c"), None);
}

const CONDITIONS: Files<'static> = &[(
    "main.tf",
    r#"
variable "size" {
  default = 3
  validation {
    condition     = var.size > 5 && var.size < local.most
    error_message = "Not ${var.size}."
  }
  validation {
    condition     = var.size > 0
    error_message = "Never."
  }
}
variable "hidden" {
  default   = "planted"
  sensitive = true
  validation {
    condition     = var.hidden != "planted"
    error_message = "Not ${var.hidden}."
  }
}
locals { most = 9 }
resource "a_b" "c" {
  count = 2
  lifecycle {
    precondition {
      condition     = count.index < 1
      error_message = "Number ${count.index}."
    }
    postcondition {
      condition     = self.state == "ready"
      error_message = "Not ready."
    }
  }
}
output "o" {
  value = 1
  precondition {
    condition     = local.most
    error_message = "A number is no truth."
  }
}
check "health" {
  data "a_status" "s" {
    name = "x"
  }
  assert {
    condition     = data.a_status.s.code == 200
    error_message = "It is ${data.a_status.s.code}."
  }
}
"#,
)];

#[test]
fn conditions_hold_or_say_why_not() {
    let root = root(CONDITIONS);
    let told = |root: &Root| -> Vec<(ConditionKind, String)> {
        let text = |outcome: &ConditionOutcome| match outcome {
            ConditionOutcome::Passed => "passed".to_owned(),
            ConditionOutcome::Failed(message) => format!("failed: {message:?}"),
            ConditionOutcome::Unknown(unknown) => format!("unknown: {}", unknown[0].reason),
            ConditionOutcome::Invalid(problem) => format!("invalid: {}", problem.detail),
        };
        root.conditions().iter().map(|it| (it.kind, format!("{}: {}", it.subject, text(&it.outcome)))).collect()
    };
    let expected = |kind, text: &str| (kind, text.to_owned());
    assert_eq!(
        told(&root),
        [
            expected(ConditionKind::Validation, "the variable \"hidden\": failed: None"),
            expected(ConditionKind::Validation, "the variable \"size\": failed: Some(\"Not 3.\")"),
            expected(ConditionKind::Validation, "the variable \"size\": passed"),
            expected(ConditionKind::Precondition, "the output \"o\": invalid: A condition must be true or false."),
            expected(ConditionKind::Assertion, "the check \"health\": unknown: data.a_status.s is read from a cloud"),
            expected(ConditionKind::Precondition, "a_b.c[0]: passed"),
            expected(
                ConditionKind::Postcondition,
                "a_b.c[0]: unknown: a_b.c is a resource, whose plan was not asked for"
            ),
            expected(ConditionKind::Precondition, "a_b.c[1]: failed: Some(\"Number 1.\")"),
            expected(
                ConditionKind::Postcondition,
                "a_b.c[1]: unknown: a_b.c is a resource, whose plan was not asked for"
            ),
        ]
    );
    let answers = root.take_needs().into_iter().map(|need| {
        let ValueNeed::Instance(address) = &need else { panic!("an instance is needed") };
        let (name, value) = match address.resource_type().as_str() {
            "a_status" => ("code", Value::from(500_u64)),
            _ => ("state", Value::string("ready")),
        };
        (need, ValueAnswer::Value(Value::object([(name.to_owned(), value)].into())))
    });
    root.answer(answers);
    let told = told(&root);
    assert_eq!(told[4].1, "the check \"health\": failed: Some(\"It is 500.\")");
    assert_eq!(told[6].1, "a_b.c[0]: passed");
    let problems = root.problems();
    assert!(problems.iter().all(|problem| !problem.to_string().contains("planted")), "{problems:?}");
    let check = problems.iter().find(|problem| problem.summary == "Check failed").unwrap();
    assert!(check.severity == Severity::Warning && check.span.is_some());
}

#[test]
fn enabled_makes_one_instance_or_none() {
    let code = r#"
locals { on = true }
resource "terraform_data" "on" {
  input = "x"
  lifecycle { enabled = local.on }
}
resource "terraform_data" "off" {
  input = "x"
  lifecycle { enabled = !local.on }
}
module "off" {
  source = "./m"
  lifecycle { enabled = false }
}
module "on" {
  source = "./m"
  lifecycle { enabled = true }
}
output "off" { value = terraform_data.off == null }
output "input" { value = try(terraform_data.off.input, "none") }
output "module_off" { value = try(module.off.o, "none") }
output "module_on" { value = module.on.o }
"#;
    let files: Files<'_> = &[("main.tf", code), ("m/main.tf", "output \"o\" {\n  value = 1\n}\n")];
    let root = root(files);
    let instances: Vec<String> = root.expand().instances.iter().map(ToString::to_string).collect();
    assert_eq!(instances, ["terraform_data.on"]);
    let Some(tofu) = or_skip(Tool::Tofu) else { return };
    for (name, theirs) in outputs(&tofu, &tree(files), &[], &[]) {
        assert_eq!(root.output(&ModuleAddress::root(), &name).0, theirs, "{name}");
    }
}

#[test]
fn overrides_are_merged_as_the_programs_merge_them() {
    let files: Files<'_> = &[
        (
            "main.tf",
            r#"
variable "v" {
  type    = string
  default = "base"
}
variable "typed" {
  default = "1"
}
locals {
  a = "base"
  b = "base"
}
module "m" {
  source = "./m"
  x      = "base"
  y      = "base"
}
output "o" { value = "base" }
output "sensitive" {
  value     = "base"
  sensitive = true
}
output "all" { value = [var.v, var.typed, local.a, local.b, module.m.o] }
"#,
        ),
        ("m/main.tf", "variable \"x\" {}\nvariable \"y\" {}\noutput \"o\" {\n  value = [var.x, var.y]\n}\n"),
        (
            "b_override.tf",
            "variable \"typed\" {\n  type = number\n}\nlocals {\n  b = \"b\"\n}\noutput \"o\" {\n  value = \"b\"\n}\n",
        ),
        (
            "override.tf",
            "variable \"v\" {\n  default = 5\n}\nlocals {\n  b = \"override\"\n}\nmodule \"m\" {\n  x = \"override\"\n}\noutput \"sensitive\" {\n  value = \"override\"\n}\n",
        ),
        ("c_override.tf.json", r#"{"module": {"m": {"y": "json"}}}"#),
    ];
    let root = root(files);
    for program in programs() {
        for (name, theirs) in outputs(&program, &tree(files), &[], &[]) {
            let ours = root.output(&ModuleAddress::root(), &name).0;
            assert_eq!(ours.unmark_deep().0, theirs, "{name}: {}", program.display());
        }
    }
    assert_eq!(root.local(&ModuleAddress::root(), "b").0, Value::string("override"));
}

#[test]
fn lifecycle_is_merged_argument_by_argument() {
    let files: Files<'_> = &[
        (
            "main.tf",
            "resource \"a_b\" \"c\" {\n  lifecycle {\n    prevent_destroy = true\n    create_before_destroy = true\n    replace_triggered_by = [a_b.d[0].id]\n  }\n}\n",
        ),
        (
            "override.tf",
            "resource \"a_b\" \"c\" {\n  lifecycle {\n    prevent_destroy = false\n    ignore_changes = [tags]\n  }\n}\n",
        ),
    ];
    let lifecycle = root(files).lifecycle(&"a_b.c".parse().unwrap());
    assert!(!lifecycle.prevent_destroy && lifecycle.create_before_destroy);
    assert_eq!(lifecycle.replace_triggered_by, ["a_b.d[0].id"]);
}

#[test]
fn each_program_reads_its_own_files() {
    let files: Files<'_> = &[
        ("a.tf", "output \"a\" {\n  value = \"terraform\"\n}\n"),
        ("a.tofu", "output \"a\" {\n  value = \"tofu\"\n}\n"),
        ("b.tofu", "output \"b\" {\n  value = \"tofu\"\n}\n"),
        ("c_override.tf", "output \"a\" {\n  value = \"overridden\"\n}\n"),
        ("c_override.tofu", "output \"b\" {\n  value = \"overridden\"\n}\n"),
    ];
    for program in programs() {
        let is_tofu = program.to_string_lossy().contains("tofu");
        let which = if is_tofu { Program::OpenTofu } else { Program::Terraform };
        let tree = tree(files);
        let (configuration, problems) = Configuration::read_for(&tree, ".", ".terraform", Some(which));
        assert!(problems.is_empty(), "{problems:?}");
        let root = root_of(tree.clone(), configuration, VariableValues::default());
        let theirs = outputs(&program, &tree, &[], &[]);
        let names: Vec<&String> = theirs.keys().collect();
        assert_eq!(names, root.definitions(&ModuleAddress::root()).unwrap().outputs.keys().collect::<Vec<_>>());
        for (name, value) in &theirs {
            assert_eq!(root.output(&ModuleAddress::root(), name).0, *value, "{name}: {}", program.display());
        }
    }
}

#[test]
fn conditions_in_json_count_as_well() {
    let json = r#"{
  "variable": {"v": {"default": 1, "validation": {"condition": "${var.v > 1}", "error_message": "Not ${var.v}."}}},
  "output": {"o": {"value": 1, "precondition": [{"condition": "${var.v == 1}", "error_message": "No."}]}},
  "check": {"c": {"assert": {"condition": "${var.v == 2}", "error_message": "Off."}}},
  "resource": {"a_b": {"c": {"lifecycle": {"precondition": {"condition": "${var.v == 3}", "error_message": "Three."}}}}}
}"#;
    let root = root(&[("main.tf.json", json)]);
    let told = root.conditions().into_iter().map(|it| match it.outcome {
        ConditionOutcome::Passed => format!("{}: passed", it.subject),
        ConditionOutcome::Failed(message) => format!("{}: {}", it.subject, message.unwrap_or_default()),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["the variable \"v\": Not 1.", "the output \"o\": passed", "the check \"c\": Off.", "a_b.c: Three."]
    );
}
