//! What is refused: we refuse what the programs refuse, and nothing else.

use hcl::configuration::Configuration;
use hcl::gates::Program;
use hcl::root::Root;
use hcl::variables::VariableValues;
use model::Severity;
use proptest::prelude::*;

use crate::evaluation::{programs, run};
use crate::moves::{Files, tree, write};
use crate::roots::root_of;

const DATA: &str = "resource \"terraform_data\" \"a\" {\n  input = 1\n}\n";

/// Small roots, with whether terraform and `OpenTofu` refuse them.
const CASES: &[(Files<'static>, bool, bool)] = &[
    (&[("main.tf", DATA)], false, false),
    (&[("main.tf", "variable \"a\" {}\nvariable \"a\" {}\n")], true, true),
    (&[("main.tf", "locals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n")], true, true),
    (&[("main.tf", "output \"a\" {\n  value = 1\n}\noutput \"a\" {\n  value = 1\n}\n")], true, true),
    (&[("a.tf", DATA), ("b.tf", DATA)], true, true),
    (&[("main.tf", DATA), ("a_override.tf", DATA)], false, false),
    (&[("a_override.tf", DATA)], true, true),
    (&[("a_override.tf", "variable \"a\" {}\n")], true, true),
    (&[("a_override.tf", "locals {\n  a = 1\n}\n")], true, true),
    (&[("a_override.tf", "output \"a\" {\n  value = 1\n}\n")], true, true),
    (&[("main.tf", DATA), ("a_override.tf", "terraform {\n  required_version = \"> 1\"\n}\n")], false, false),
    (&[("main.tf", DATA), ("a_override.tf", "terraform {\n  backend \"local\" {}\n}\n")], false, false),
    (
        &[("main.tf", DATA), ("a_override.tf", "moved {\n  from = terraform_data.b\n  to = terraform_data.a\n}\n")],
        true,
        true,
    ),
    (&[("main.tf", DATA), ("a_override.tf", "removed {\n  from = terraform_data.b\n}\n")], false, true),
    (&[("main.tf", "nonsense {}\n")], true, true),
    (&[("main.tf", "a = 1\n")], true, true),
    (&[("main.tf", "variable {}\n")], true, true),
    (&[("main.tf", "variable \"a\" \"b\" {}\n")], true, true),
    (&[("main.tf", "variable \"1a\" {}\n")], true, true),
    (&[("main.tf", "variable \"count\" {\n  default = 1\n}\n")], true, true),
    (&[("main.tf", "variable \"a\" {\n  typo = string\n  default = 1\n}\n")], true, true),
    (&[("main.tf", "variable \"a\" {\n  type = number\n  default = \"x\"\n}\n")], true, true),
    (
        &[(
            "main.tf",
            "variable \"a\" {\n  default = 1\n  validation {\n    condition = var.a > 0\n    error_message = \"No.\"\n  }\n}\n",
        )],
        false,
        false,
    ),
    (
        &[("main.tf", "variable \"a\" {\n  default = 1\n  validation {\n    condition = var.a > 0\n  }\n}\n")],
        true,
        true,
    ),
    (&[("main.tf", "output \"a\" {}\n")], true, true),
    (&[("main.tf", "output \"a\" {\n  value = local.b\n}\n")], true, true),
    (&[("main.tf", "output \"a\" {\n  value = var.b\n}\n")], true, true),
    (&[("main.tf", "output \"a\" {\n  value = terraform_data.b.id\n}\n")], true, true),
    (
        &[(
            "main.tf",
            "output \"a\" {\n  value = 1\n  precondition {\n    condition = path.root == \".\"\n    error_message = \"No.\"\n  }\n}\n",
        )],
        false,
        false,
    ),
    (
        &[(
            "main.tf",
            "output \"a\" {\n  value = 1\n  postcondition {\n    condition = path.root == \".\"\n    error_message = \"No.\"\n  }\n}\n",
        )],
        true,
        true,
    ),
    (&[("main.tf", "locals {\n  a = local.a\n}\n")], true, true),
    (&[("main.tf", "locals {\n  a = 1\n  inner {}\n}\n")], true, true),
    (&[("main.tf", "terraform {\n  typo = 1\n}\n")], true, true),
    (&[("main.tf", "terraform {\n  backend \"local\" {}\n  backend \"local\" {}\n}\n")], true, true),
    (&[("main.tf", "terraform {\n  backend \"local\" {}\n  cloud {\n    organization = \"x\"\n  }\n}\n")], true, true),
    (&[("main.tf", "terraform {\n  required_providers {}\n}\nterraform {\n  required_providers {}\n}\n")], true, true),
    (&[("main.tf", "terraform {\n  required_providers {\n    a = { source = \"a/b/c/d\" }\n  }\n}\n")], true, true),
    (&[("main.tf", "resource \"terraform_data\" \"a\" {\n  count    = 1\n  for_each = {}\n}\n")], true, true),
    (&[("main.tf", "resource \"terraform_data\" \"a\" {\n  input = var.b\n}\n")], true, true),
    (&[("main.tf", "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    typo = 1\n  }\n}\n")], true, true),
    (&[("main.tf", "resource \"terraform_data\" \"a\" {\n  lifecycle {}\n  lifecycle {}\n}\n")], true, true),
    (&[("main.tf", "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    enabled = true\n  }\n}\n")], true, false),
    (&[("main.tf", "resource \"terraform_data\" \"a\" {\n  provider = terraform.west\n}\n")], true, true),
    (
        &[(
            "main.tf",
            "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    precondition {\n      condition = path.root == \".\"\n      error_message = \"No.\"\n    }\n  }\n}\n",
        )],
        false,
        false,
    ),
    (
        &[(
            "main.tf",
            "data \"terraform_remote_state\" \"a\" {\n  backend = \"local\"\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n",
        )],
        true,
        true,
    ),
    (&[("main.tf", "moved {\n  from = terraform_data.b\n}\n")], true, true),
    (&[("main.tf", "moved {\n  from = terraform_data.b\n  to = module.x\n}\n")], true, true),
    (&[("main.tf", "removed {\n  from = terraform_data.b[0]\n}\n")], true, true),
    (&[("main.tf", "import {\n  id = \"x\"\n}\n")], true, true),
    (&[("main.tf", "import {\n  to = terraform_data.a\n}\nresource \"terraform_data\" \"a\" {}\n")], true, true),
    (&[("main.tf", "check \"a\" {}\n")], true, true),
    (
        &[(
            "main.tf",
            "check \"a\" {\n  assert {\n    condition = path.root == \".\"\n    error_message = \"No.\"\n  }\n}\n",
        )],
        false,
        false,
    ),
    (&[("main.tf", "module \"a\" {}\n")], true, true),
    (&[("main.tf", "module \"a\" {\n  source = \"./m\"\n}\n"), ("m/main.tf", "variable \"b\" {}\n")], true, true),
    (
        &[("main.tf", "module \"a\" {\n  source = \"./m\"\n  b = 1\n}\n"), ("m/main.tf", "variable \"b\" {}\n")],
        false,
        false,
    ),
    (&[("main.tf", "module \"a\" {\n  source = \"./m\"\n  c = 1\n}\n"), ("m/main.tf", "locals {}\n")], true, true),
    (
        &[
            ("main.tf", "module \"a\" {\n  source = \"./m\"\n  b = \"x\"\n}\n"),
            ("m/main.tf", "variable \"b\" {\n  type = number\n}\n"),
        ],
        true,
        true,
    ),
    (
        &[
            ("main.tf", "output \"a\" {\n  value = module.m.nothing\n}\nmodule \"m\" {\n  source = \"./m\"\n}\n"),
            ("m/main.tf", "locals {}\n"),
        ],
        true,
        true,
    ),
    (&[("main.tf", "provider \"terraform\" {}\nprovider \"terraform\" {}\n")], true, true),
    (&[("main.tf", "provider \"terraform\" {}\nprovider \"terraform\" {\n  alias = \"b\"\n}\n")], false, false),
    (&[("main.tf.json", r#"{"variable": {"a": {"typo": 1}}}"#)], true, true),
    (&[("main.tf.json", r#"{"locals": {"a": "${local.b}"}}"#)], true, true),
    (&[("main.tf.json", r#"{"nonsense": {}}"#)], true, true),
    (
        &[("main.tf.json", r#"{"variable": {"a": {"default": 1}}, "output": {"b": {"value": "${var.a}"}}}"#)],
        false,
        false,
    ),
    (&[("main.tf", DATA), ("main.tofu", "nonsense {}\n")], false, true),
    (&[("main.tf", "nonsense {}\n"), ("main.tofu", DATA)], true, false),
    (
        &[(
            "main.tf",
            "output \"a\" {\n  value = 1\n  precondition {\n    condition = true\n    error_message = \"No.\"\n  }\n}\n",
        )],
        true,
        true,
    ),
    (
        &[(
            "main.tf",
            "check \"a\" {\n  assert {\n    condition = alltrue([for a in [1] : a > 0])\n    error_message = \"No.\"\n  }\n}\n",
        )],
        true,
        true,
    ),
    (
        &[(
            "main.tf",
            "variable \"a\" {\n  default = 1\n  validation {\n    condition = path.root == \".\"\n    error_message = \"No.\"\n  }\n}\n",
        )],
        true,
        true,
    ),
    (
        &[(
            "main.tf",
            "variable \"b\" {\n  default = 1\n}\nvariable \"a\" {\n  default = 1\n  validation {\n    condition = var.a >= var.b\n    error_message = \"No.\"\n  }\n}\n",
        )],
        false,
        false,
    ),
];

fn root(files: Files<'_>, program: Program) -> (Root, model::Diagnostics) {
    let tree = tree(files);
    let (configuration, problems) = Configuration::read_for(&tree, ".", ".terraform", Some(program));
    (root_of(tree, configuration, VariableValues::default()), problems)
}

/// Gives the errors that we tell, as text.
fn refusals(files: Files<'_>, program: Program) -> Vec<String> {
    let (root, mut problems) = root(files, program);
    // Nothing sets the variables here, which is no mistake before a plan.
    problems.extend(root.problems().into_iter().filter(|it| it.summary != "No value for a variable"));
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(ToString::to_string).collect()
}

#[test]
fn we_refuse_what_the_programs_refuse() {
    let mut wrong = Vec::new();
    for (files, by_terraform, by_tofu) in CASES {
        for (program, is_refused) in [(Program::Terraform, by_terraform), (Program::OpenTofu, by_tofu)] {
            let refusals = refusals(files, program);
            if refusals.is_empty() == *is_refused {
                wrong.push(format!("{program}: {files:?}: {refusals:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_programs_refuse_what_the_table_says() {
    let mut wrong = Vec::new();
    for program in programs() {
        let is_tofu = program.to_string_lossy().contains("tofu");
        for (files, by_terraform, by_tofu) in CASES {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), files);
            let has_modules = files.iter().any(|(name, _)| name.contains('/'));
            let mut is_refused = false;
            for arguments in
                [&["init", "-backend=false", "-input=false"][..], &["validate"]].iter().skip(usize::from(!has_modules))
            {
                is_refused |= !run(&program, folder.path(), arguments, &[]).status.success();
            }
            if is_refused != if is_tofu { *by_tofu } else { *by_terraform } {
                wrong.push(format!("{}: {files:?}: refused: {is_refused}", program.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_have_places_and_suggestions() {
    let files: Files<'_> = &[("main.tf", "variable \"a\" {\n  defalt = 1\n}\nvariable \"a\" {}\n")];
    let (root, _) = root(files, Program::Terraform);
    let problems = root.problems();
    let place = |index: usize| problems[index].span.as_ref().map(|span| (span.start.line, span.start.column));
    assert_eq!((place(0), place(1)), (Some((2, 3)), Some((4, 1))), "{problems:?}");
    assert_eq!(problems[0].help, ["Perhaps \"default\" is meant."]);
    assert!(problems[1].detail.contains("main.tf:1"), "{}", problems[1]);
}

proptest! {
    /// Whatever is done to a file, everything that reads blocks ends, and ends without a panic.
    #[test]
    fn broken_files_are_read_to_the_end(at in any::<prop::sample::Index>(), n_bytes in 0_usize..12, put in "[\\[\\]{}\"$=.,a-z0-9 \\n]{0,6}", which in any::<prop::sample::Index>()) {
        let text = WHOLE[which.index(WHOLE.len())];
        let start = at.index(text.0.len());
        let end = (start + n_bytes).min(text.0.len());
        let broken = format!("{}{put}{}", &text.0[..start], &text.0[end..]);
        let module = "variable \"x\" {}\noutput \"o\" {\n  value = var.x\n}\nresource \"terraform_data\" \"i\" {}\n";
        let tree = tree(&[(text.1, broken.as_str()), ("m/main.tf", module)]);
        let (configuration, _) = Configuration::read(&tree, ".", ".terraform");
        let root = root_of(tree, configuration, VariableValues::default());
        let _ = root.problems();
        let configuration = &root.sources().configuration;
        let moves = configuration.moves().0;
        for instance in root.expand().instances {
            let _ = (root.provider_of(&instance), moves.current(&instance), root.lifecycle(&instance));
            let _ = configuration.removals().0.iter().any(|removal| removal.removes(&instance));
        }
    }
}

/// Files with every kind of block, with their names.
const WHOLE: &[(&str, &str)] = &[
    (
        r#"
terraform {
  required_providers {
    time = { source = "hashicorp/time", configuration_aliases = [time.a] }
  }
  backend "local" {}
}
provider "time" {
  alias    = "by"
  for_each = toset(["x"])
}
variable "v" {
  default = { a = 1 }
  validation {
    condition     = var.v.a > 1
    error_message = "No ${var.v.a}."
  }
}
module "m" {
  source    = "./m"
  for_each  = { k = "x" }
  x         = local.l[each.key]
  providers = { time = time.by[each.value] }
}
locals { l = { k = [for i in [1, 2] : i] } }
resource "time_static" "t" {
  count    = 2
  provider = time.by["x"]
  lifecycle {
    ignore_changes = [a[0].b]
    precondition {
      condition     = count.index == 1
      error_message = "No."
    }
  }
}
moved {
  from = time_static.u
  to   = module.m["k"].time_static.t[0]
}
removed {
  from = module.gone.time_static.t
  lifecycle { destroy = false }
}
import {
  for_each = local.l
  to       = time_static.t[each.value[0]]
  id       = each.key
}
check "c" {
  data "time_d" "e" {}
  assert {
    condition     = data.time_d.e.ok
    error_message = "No."
  }
}
ephemeral "a_b" "c" {}
output "o" {
  value = module.m["k"].o
}
"#,
        "main.tf",
    ),
    (
        r#"{"variable": {"v": {"default": 1}}, "moved": [{"from": "a.b", "to": "a.c[0]"}], "import": {"to": "a.b", "id": "x"},
 "module": {"m": {"source": "./m", "x": "${var.v}", "providers": {"time": "time.west"}}}, "removed": {"from": "module.x"},
 "resource": {"a_b": {"c": {"provider": "a.west", "lifecycle": {"enabled": "${var.v == 1}"}}}},
 "check": {"c": {"assert": {"condition": "${var.v > 1}", "error_message": "no"}}}}"#,
        "main.tf.json",
    ),
];
