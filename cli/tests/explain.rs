//! `driftmgr explain` on a real root module.

mod support;

use std::process::Command;

use support::{Place, Run, check_schema};
use xtask::tools::{self, Tool};

const MAIN: &str = r#"variable "env" { default = "dev" }
variable "db_password" { type = string }
variable "marked" {
  type      = string
  sensitive = true
}
locals {
  sizes = { prod = "large", dev = "small" }
  size  = local.sizes[var.env]
  users = { name = "ann", password = "planted-named" }
}
module "net" {
  source = "./net"
  cidr   = "10.${local.octet}.0.0/16"
}
locals { octet = 7 }
resource "null_thing" "web" {
  for_each = toset(["a", "b"])
  size     = local.size
  network  = module.net.cidr
  token    = "planted-argument"
  url      = "postgres://app:planted-url@db/x"
  script   = "export DB_PASSWORD=planted-script"
  mixed    = "x-${var.marked}-${var.env}"
  hashed   = base64encode(var.db_password)
  users    = local.users
  id_of    = null_thing.other.id
}
resource "null_thing" "other" {}
output "size" { value = null_thing.web["a"].size }
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("main.tf", MAIN);
    place.write("net/main.tf", "variable \"cidr\" {}\noutput \"cidr\" { value = var.cidr }\n");
    place.write("prod.tfvars", "env = \"prod\"\n");
    place.write("terraform.tfvars", "db_password = \"planted-tfvars\"\nmarked = \"planted-marked\"\n");
    place
}

#[test]
fn a_value_is_followed_to_the_line_that_writes_it() {
    let place = place();
    let run = place.run(&["explain", "null_thing.web[\"a\"]", "size", "--no-provider", "--var-file", "prod.tfvars"]);
    let text = run.ends_with(0).stdout;
    let expected = "\
null_thing.web[\"a\"]: size = \"large\"

main.tf:19  the argument size
    local.size
  main.tf:9  the local value local.size
      local.sizes[var.env]
    main.tf:9  an element, chosen by a key
      main.tf:8  the local value local.sizes[\"prod\"]
          { prod = \"large\", dev = \"small\" }
        main.tf:8  written here
      main.tf:1  the key: the variable var.env = \"prod\"
        prod.tfvars:1  set in prod.tfvars
";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("Read without the provider's schema"), "{text}");

    let run = place.run(&["explain", "module.net.cidr", "--json"]).ends_with(0);
    let document = run.json();
    check_schema("driftmgr.explain/v1", &document);
    assert_eq!(document["complete"], true);
    assert_eq!(document["provider"], serde_json::Value::Null);
    let value = &document["explained"][0]["values"][0];
    assert_eq!((value["kind"].as_str(), value["value"].as_str()), (Some("output"), Some("10.7.0.0/16")));
    let argument = &value["steps"][0]["steps"][0];
    assert_eq!((argument["kind"].as_str(), argument["source"]["line"].as_u64()), (Some("module_argument"), Some(14)));
}

#[test]
fn every_argument_is_told_and_what_is_unknown_ends_with_3() {
    let place = place();
    let run = place.run(&["explain", "null_thing.web", "--no-provider"]).ends_with(3);
    assert!(run.stdout.contains("null_thing.web[\"a\"], main.tf:17"), "{}", run.stdout);
    assert!(run.stdout.contains("null_thing.web[\"b\"], main.tf:17"), "{}", run.stdout);
    assert!(run.stdout.contains("module.net.cidr"), "{}", run.stdout);
    assert!(run.stdout.contains("Not known, and why:\n  id_of: null_thing.other"), "{}", run.stdout);
    place.run(&["explain", "null_thing.web", "--no-provider", "--allow-incomplete"]).ends_with(0);
    let document = place.run(&["explain", "null_thing.web", "--json", "--no-provider"]).ends_with(3).json();
    check_schema("driftmgr.explain/v1", &document);
    assert_eq!(document["instances"].as_array().map(Vec::len), Some(2));
    assert_eq!(document["complete"], false);
}

#[test]
fn planted_secrets_are_never_shown() {
    let place = place();
    let addresses = [
        "null_thing.web",
        "null_thing.web[\"a\"].users",
        "null_thing.web[\"a\"].users.name",
        "null_thing.web[\"a\"].token",
        "null_thing.web[\"a\"].url",
        "null_thing.web[\"a\"].script",
        "null_thing.web[\"a\"].mixed",
        "null_thing.web[\"a\"].hashed",
        "local.users",
        "local.users.password",
        "local.users.name",
        "var.db_password",
        "var.marked",
    ];
    let encoded = "cGxhbnRlZC10ZnZhcnM=";
    for address in addresses {
        for options in [&[][..], &["--json"], &["--values", "none"], &["--json", "--values", "none"]] {
            let arguments = [&["explain", address, "--no-provider", "--allow-incomplete"], options].concat();
            let run = place.run(&arguments).ends_with(0);
            for text in [&run.stdout, &run.stderr] {
                assert!(!text.contains("planted") && !text.contains(encoded), "{address} {options:?}:\n{text}");
            }
            assert!(run.stdout.contains("sensitive") || run.stdout.contains("ann") || options.contains(&"none"));
        }
    }
    let run = place.run(&["explain", "local.sizes", "--values", "none"]).ends_with(0);
    assert!(!run.stdout.contains("large"), "{}", run.stdout);
}

#[test]
fn names_that_are_not_there_are_errors_that_help() {
    let place = place();
    place.run(&["explain", "local.siez"]).ends_with(1).says("Did you mean local.size");
    place.run(&["explain", "null_thing.web[\"c\"]"]).ends_with(1).says("null_thing.web[\"a\"]");
    place.run(&["explain", "null_thing.web", "a + b"]).ends_with(1).says("no path");
    place.run(&["explain", "null_thing.web[\"a\"]", "lifecycle"]).ends_with(1).says("terraform itself");
    place.run(&["explain", "]["]).ends_with(1);
    let run = place.run(&["explain", "null_thing.web[\"a\"]", "nothing", "--no-provider"]).ends_with(0);
    assert!(run.stdout.contains("nothing = null"), "{}", run.stdout);
}

#[test]
fn mistakes_in_the_code_are_told_and_the_rest_is_explained() {
    let place = place();
    place.write("broken.tf", "locals {\n  x = \n}\nlocals { y = local.sizes.none }\n");
    let run = place.run(&["explain", "local.sizes"]).ends_with(0);
    assert!(run.stderr.contains("broken.tf:2"), "{}", run.stderr);
    place.write("broken.tf", "locals { y = local.sizes.none }\n");
    let run = place.run(&["explain", "local.y"]).ends_with(3);
    assert!(run.stdout.contains("there is a mistake in the code"), "{}", run.stdout);
}

const CHAIN: &str = r#"terraform {
  required_providers {
    time = { source = "hashicorp/time" }
  }
}
variable "days" { default = 3 }
resource "time_offset" "a" {
  base_rfc3339 = "2024-01-01T00:00:00Z"
  offset_days  = var.days
}
resource "time_static" "b" {
  rfc3339 = time_offset.a.rfc3339
}
"#;

#[test]
fn with_a_state_what_a_resource_is_planned_to_be_is_known() {
    if tools::or_skip(Tool::Time).is_none() {
        return;
    }
    let Some(program) = tools::or_skip(Tool::Terraform).or_else(|| tools::or_skip(Tool::Tofu)) else { return };
    let place = Place::new();
    place.write("main.tf", CHAIN);
    let config = xtask::terraform::CliConfig::with_tools().expect("the tools have a place").render();
    let config = place.write("terraform.rc", config);
    for arguments in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"]] {
        let output = Command::new(&program)
            .args(arguments)
            .current_dir(place.path(""))
            .env("TF_CLI_CONFIG_FILE", &config)
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .expect("terraform starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let explain = |arguments: &[&str]| {
        let mut command = place.driftmgr();
        command.arg("explain").args(arguments).env("TF_CLI_CONFIG_FILE", &config);
        Run::of(command.output().expect("driftmgr starts"))
    };
    let run = explain(&["time_static.b", "rfc3339"]).ends_with(3);
    assert!(run.stdout.contains("whose plan was not asked for"), "{}", run.stdout);
    assert!(run.stdout.contains("Read with the schema of registry."), "{}", run.stdout);
    let run = explain(&["time_static.b", "rfc3339", "--state", "terraform.tfstate"]).ends_with(0);
    assert!(run.stdout.starts_with("time_static.b: rfc3339 = \"2024-01-04T00:00:00Z\"\n"), "{}", run.stdout);
    assert!(run.stdout.contains("rfc3339 of the resource time_offset.a, as it is planned"), "{}", run.stdout);
    // Of other code the plan counts, not what is recorded.
    let other = ["time_static.b", "rfc3339", "--state", "terraform.tfstate", "--var", "days=5"];
    let run = explain(&other).ends_with(0);
    assert!(run.stdout.contains("2024-01-06") && !run.stdout.contains("2024-01-04"), "{}", run.stdout);
    let document = explain(&["time_offset.a", "--json"]).ends_with(0).json();
    check_schema("driftmgr.explain/v1", &document);
    assert_eq!(document["provider"]["problem"], serde_json::Value::Null);
    assert_eq!(document["explained"][0]["values"][1]["value"], 3);
}
