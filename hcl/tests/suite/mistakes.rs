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

/// The roots of `cases.txt`: their files, and whether terraform and `OpenTofu` refuse them.
fn cases() -> Vec<(Vec<(&'static str, &'static str)>, bool, bool)> {
    let text = include_str!("mistakes/cases.txt");
    let case = |case: &'static str| {
        let (who, files) = case.split_once('\n').unwrap();
        let files = files.split("--- ").filter(|file| !file.is_empty());
        let files = files.map(|file| file.split_once('\n').unwrap()).collect();
        let (by_terraform, by_tofu) = match who {
            "both" => (true, true),
            "nobody" => (false, false),
            "terraform" => (true, false),
            "opentofu" => (false, true),
            other => panic!("{other:?} is nobody"),
        };
        (files, by_terraform, by_tofu)
    };
    text.split("=== ").skip(1).map(case).collect()
}

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
    for (files, by_terraform, by_tofu) in cases() {
        for (program, is_refused) in [(Program::Terraform, by_terraform), (Program::OpenTofu, by_tofu)] {
            let refusals = refusals(&files, program);
            if refusals.is_empty() == is_refused {
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
        for (files, by_terraform, by_tofu) in cases() {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &files);
            let has_modules = files.iter().any(|(name, _)| name.contains('/'));
            let init = &["init", "-backend=false", "-input=false"][..];
            let commands = [init, &["plan", "-input=false", "-lock=false"]];
            let mut commands = commands.iter().skip(usize::from(!has_modules));
            let is_refused = !commands.all(|arguments| run(&program, folder.path(), arguments, &[]).status.success());
            if is_refused != if is_tofu { by_tofu } else { by_terraform } {
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
