//! What the code alone does not tell, answered by real providers: `driftmgr explain --state` beside `terraform plan`.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Place, Run, check_schema, torture};
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// A root module that terraform or tofu initialized, and driftmgr beside it.
struct World {
    root: RootFolder<'static>,
    place: Place,
}

impl World {
    fn new(program: &Path, config: &CliConfig, code: &str) -> Self {
        let world =
            Self { root: RootFolder::empty(program, config, None).expect("a root module"), place: Place::new() };
        world.write("main.tf", code);
        world.root.init().expect("the providers are installed");
        world
    }

    fn write(&self, name: &str, text: &str) {
        self.root.write(name, text).expect("the file is written");
    }

    /// Applies the time that keys and provider blocks are made of.
    fn apply_time(&self) {
        let apply = ["apply", "-no-color", "-input=false", "-auto-approve", "-target=time_offset.base"];
        self.root.run(&apply).expect("the time is applied");
    }

    /// Applies everything.
    fn apply(&self) {
        self.apply_time();
        self.root.apply(10).expect("the root is applied");
    }

    /// Plans the root; gives what each output will be, `None` where only an apply tells.
    fn planned(&self, options: &[&str]) -> BTreeMap<String, Option<Value>> {
        let plan = [&["plan", "-no-color", "-input=false", "-out=plan.tfplan"], options].concat();
        self.root.run(&plan).expect("the root is planned");
        let plan = self.root.run(&["show", "-json", "plan.tfplan"]).expect("the plan is shown");
        let plan: Value = serde_json::from_str(&plan).expect("plans are JSON");
        let changes = plan["output_changes"].as_object().expect("there are outputs").iter();
        changes
            .map(|(name, change)| {
                let is_unknown = change["after_unknown"] == true;
                (name.clone(), (!is_unknown).then(|| change["after"].clone()))
            })
            .collect()
    }

    fn driftmgr(&self, arguments: &[&str]) -> Run {
        let mut command = self.place.driftmgr();
        command.args(arguments).current_dir(self.root.path()).env("TF_CLI_CONFIG_FILE", self.root.config_file());
        Run::of(command.output().expect("driftmgr starts"))
    }

    /// Explains an output: its value, or why it is not known.
    fn explained(&self, output: &str, options: &[&str]) -> Result<Value, String> {
        let address = format!("output.{output}");
        let arguments = ["explain", &address, "--json", "--allow-incomplete", "--state", "terraform.tfstate"];
        let document = self.driftmgr(&[&arguments, options].concat()).ends_with(0).json();
        check_schema("driftmgr.explain/v1", &document);
        let value = &document["explained"][0]["values"][0];
        let reason = || value["unknown"][0]["reason"].as_str().unwrap_or("no reason").to_owned();
        if value["status"] == "known" { Ok(value["value"].clone()) } else { Err(reason()) }
    }
}

fn with_each_cli(test: impl Fn(&Path)) {
    for tool in [Tool::Terraform, Tool::Tofu] {
        if let Some(program) = tools::or_skip(tool) {
            test(&program);
        }
    }
}

const TIME: &str = r#"
terraform {
  required_providers {
    time = {
      source = "hashicorp/time"
    }
  }
}
variable "days" {
  default = 3
}
resource "time_offset" "base" {
  base_rfc3339 = "2024-01-01T00:00:00Z"
  offset_days  = var.days
}
resource "time_static" "chained" {
  rfc3339 = time_offset.base.rfc3339
}
resource "time_static" "many" {
  for_each = toset([for day in [time_offset.base.day] : "day-${day}"])
  rfc3339  = time_offset.base.rfc3339
}
resource "time_static" "now" {
  triggers = {
    days = var.days
  }
}
"#;

const TIME_OUTPUTS: &str = r#"
output "offset" {
  value = time_offset.base.rfc3339
}
output "chained" {
  value = "${time_static.chained.year}-${time_static.chained.month}-${time_static.chained.day}"
}
output "keys" {
  value = keys(time_static.many)
}
output "unix" {
  value = [for static in time_static.many : static.unix]
}
output "now" {
  value = time_static.now.year
}
output "literal" {
  value = provider::time::rfc3339_parse("2023-07-25T23:43:16Z")
}
output "duration" {
  value = provider::time::duration_parse("1h30m").minutes
}
output "planned" {
  value = provider::time::rfc3339_parse(time_offset.base.rfc3339).year_day
}
output "reparsed" {
  value = provider::time::unix_timestamp_parse(time_offset.base.unix).rfc3339
}
output "later" {
  value = provider::time::rfc3339_parse(time_static.now.rfc3339).year
}
output "fallback" {
  value = try(provider::time::rfc3339_parse("yesterday").year, "none")
}
"#;

#[test]
fn planned_values_and_functions_of_a_provider_are_those_of_the_plan() {
    if tools::or_skip(Tool::Time).is_none() {
        return;
    }
    with_each_cli(|program| {
        let config = CliConfig::with_tools().expect("the tools have a place");
        let world = World::new(program, &config, TIME);
        world.apply();
        world.write("outputs.tf", TIME_OUTPUTS);
        // As it is applied, and with another value: then something is made anew, and nothing recorded may be claimed.
        for (ours, theirs) in [(&[][..], &[][..]), (&["--var", "days=40"], &["-var=days=40"])] {
            let planned = world.planned(theirs);
            assert_eq!(planned.len(), 11, "{planned:?}");
            for (name, planned) in &planned {
                match (world.explained(name, ours), planned) {
                    (Ok(value), Some(planned)) => assert_eq!(value, *planned, "{name} {ours:?}"),
                    (Err(reason), None) => assert!(reason != "no reason", "{name} {ours:?}"),
                    (ours, theirs) => panic!("{name}: {ours:?}, and in the plan {theirs:?}"),
                }
            }
            let n_unknown = planned.values().filter(|value| value.is_none()).count();
            assert_eq!(n_unknown == 0, ours.is_empty(), "{planned:?}");
        }
    });
}

#[test]
fn a_function_that_fails_or_is_not_there_says_so() {
    let (Some(_), Some(program)) = (tools::or_skip(Tool::Time), tools::or_skip(Tool::Terraform)) else { return };
    let config = CliConfig::with_tools().expect("the tools have a place");
    let world = World::new(&program, &config, TIME);
    world.apply();
    let calls = [
        ("fails", r#"provider::time::rfc3339_parse("yesterday")"#, "rfc3339_parse() failed"),
        ("missing", "provider::time::tomorrow()", "no function \"tomorrow\""),
        ("more", r#"provider::time::duration_parse("1h", "2h")"#, "does not take 2 arguments"),
        ("null", "provider::time::duration_parse(null)", "must not be null"),
        ("wrong", "provider::time::unix_timestamp_parse({})", "does not have its type"),
        ("nobody", "provider::nobody::parse()", "nobody"),
    ];
    let mut outputs = String::new();
    for (name, call, _) in calls {
        writeln!(outputs, "output \"{name}\" {{\n  value = {call}\n}}").expect("text grows");
    }
    world.write("outputs.tf", &format!("{outputs}output \"fine\" {{\n  value = time_offset.base.day\n}}\n"));
    for (name, _, expected) in calls {
        let arguments = ["explain", &format!("output.{name}"), "--state", "terraform.tfstate"];
        let run = world.driftmgr(&arguments).ends_with(3);
        assert!(run.stdout.contains(expected) || run.stderr.contains(expected), "{name}: {run:?}");
    }
    assert_eq!(world.explained("fine", &[]), Ok(json!(4)));
    // Terraform refuses the same, and says nothing else about the rest.
    let output = world.root.try_run(&["plan", "-no-color", "-input=false"]).expect("terraform starts");
    assert!(!output.status.success());
}

const AWS: &str = r#"
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
resource "terraform_data" "account" {
  input = "123456789012"
}
data "aws_arn" "role" {
  arn = "arn:aws:iam::${terraform_data.account.output}:role/reader"
}
data "aws_iam_policy_document" "allowed" {
  statement {
    sid       = "Read"
    actions   = ["s3:Get*", "s3:List*"]
    resources = ["arn:aws:s3:::b-${data.aws_arn.role.account}"]
  }
}
data "aws_region" "here" {}
"#;

const AWS_OUTPUTS: &str = r#"
output "account" {
  value = data.aws_arn.role.account
}
output "document" {
  value = jsondecode(data.aws_iam_policy_document.allowed.json).Statement[0]
}
output "region" {
  value = data.aws_region.here.id
}
"#;

#[test]
fn only_data_sources_that_are_allowed_are_read_and_give_what_terraform_reads() {
    let (Some(_), Some(program)) = (tools::or_skip(Tool::Aws), tools::or_skip(Tool::Terraform)) else { return };
    let config = CliConfig::with_tools().expect("the tools have a place");
    let world = World::new(&program, &config, AWS);
    world.root.apply(10).expect("the root is applied");
    world.write("outputs.tf", AWS_OUTPUTS);
    let planned = world.planned(&[]);
    for name in planned.keys() {
        let reason = world.explained(name, &[]).expect_err("nothing is allowed");
        assert!(reason.contains("not read unless driftmgr.yaml allows"), "{name}: {reason}");
    }
    world.write("driftmgr.yaml", "version: 1\ndata_sources:\n  - aws_arn\n  - aws_iam_policy_document\n");
    for name in ["account", "document"] {
        assert_eq!(world.explained(name, &[]).ok(), planned[name], "{name}");
    }
    let reason = world.explained("region", &[]).expect_err("it is not allowed");
    assert!(reason.contains("data.aws_region.here is read from a cloud"), "{reason}");
    // What it is asked for hangs on what is only planned: it is read once that is applied.
    world.write("main.tf", &AWS.replace("123456789012", "210987654321"));
    let planned = world.planned(&[]);
    assert_eq!(planned["account"], None);
    for name in ["account", "document"] {
        let reason = world.explained(name, &[]).expect_err("terraform does not know it either");
        assert!(reason.contains("terraform_data.account"), "{name}: {reason}");
    }
}

/// Lays the torture provider into a filesystem mirror of its own.
fn torture_mirror(place: &Place) -> PathBuf {
    let (mirror, program) = (place.path("mirror"), torture().join("terraform-provider-torture"));
    let platform = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
    let folder = mirror.join("registry.terraform.io/driftmgr/torture/1.0.0").join(platform);
    std::fs::create_dir_all(&folder).expect("the folder is made");
    std::fs::copy(program, folder.join("terraform-provider-torture_v1.0.0")).expect("the provider is copied");
    mirror
}

#[test]
fn a_provider_block_is_computed_from_planned_values_and_functions() {
    let (Some(_), Some(program)) = (tools::or_skip(Tool::Time), tools::or_skip(Tool::Terraform)) else { return };
    let mirrors = Place::new();
    let config = CliConfig::with_tools().expect("the tools have a place").mirror(&torture_mirror(&mirrors));
    let code = format!(
        r#"
terraform {{
  required_providers {{
    time = {{
      source = "hashicorp/time"
    }}
    torture = {{
      source = "driftmgr/torture"
    }}
  }}
}}
variable "days" {{
  default = 3
}}
resource "time_offset" "base" {{
  base_rfc3339 = "2024-01-01T00:00:00Z"
  offset_days  = var.days
}}
provider "torture" {{
  cloud = "{}/${{provider::time::rfc3339_parse(time_offset.base.rfc3339).day}}"
}}
resource "torture_object" "thing" {{
  name = "thing"
  tier = "fast"
}}
"#,
        mirrors.path("clouds").display()
    );
    let world = World::new(&program, &config, &code);
    mirrors.write("clouds/4/torture_object/thing.json", json!({"name": "thing", "tier": "fast"}).to_string());
    std::fs::create_dir_all(mirrors.path("clouds/10")).expect("the folder is made");
    world.apply_time();
    // Terraform itself configures the provider with what it computes.
    world.root.run(&["import", "-no-color", "torture_object.thing", "thing"]).expect("the object is imported");
    let run = world.driftmgr(&["drift", "--json"]).ends_with(0);
    assert_eq!(run.document("driftmgr.drift/v1")["summary"]["checked"], 2);
    // With another variable the block names another cloud, in which nothing is.
    let document = world.driftmgr(&["drift", "--json", "--var", "days=9"]).ends_with(2).document("driftmgr.drift/v1");
    let mut findings = document["findings"].as_array().expect("a list").iter();
    let is_missing = |finding: &Value| finding["kind"] == "missing" && finding["address"] == "torture_object.thing";
    assert!(findings.any(is_missing), "{document}");
}

#[test]
fn sensitive_outputs_of_another_state_are_evaluated_as_terraform_does_and_never_shown() {
    with_each_cli(|program| {
        let other = World::new(
            program,
            &CliConfig::default(),
            "output \"key\" {\n  value = \"planted-in-a-state\"\n  sensitive = true\n}\n",
        );
        other.root.apply(10).expect("the other root is applied");
        let state = other.root.path().join("terraform.tfstate");
        let code = format!(
            r#"
data "terraform_remote_state" "other" {{
  backend = "local"
  config = {{
    path = "{}"
  }}
}}
locals {{
  text = "key: ${{data.terraform_remote_state.other.outputs.key}}"
}}
resource "terraform_data" "kept" {{}}
output "is_marked" {{
  value = issensitive(data.terraform_remote_state.other.outputs.key)
}}
output "length" {{
  value = length([for letter in [local.text] : letter])
}}
output "names" {{
  value = keys({{ for text in toset([local.text]) : upper(text) => 1 }})
}}
"#,
            state.display()
        );
        let world = World::new(program, &CliConfig::default(), &code);
        world.root.apply(10).expect("the root is applied");
        let outputs: Value =
            serde_json::from_str(&world.root.run(&["output", "-json"]).expect("outputs")).expect("outputs are JSON");
        assert_eq!(outputs["is_marked"]["value"], false);
        assert!(outputs["names"].to_string().contains("PLANTED"), "{outputs}");
        assert_eq!(world.explained("is_marked", &[]), Ok(json!(false)));
        for address in ["local.text", "output.names", "data.terraform_remote_state.other"] {
            for option in ["--json", "--all"] {
                let arguments = ["explain", address, option, "--state", "terraform.tfstate", "--allow-incomplete"];
                let run = world.driftmgr(&arguments).ends_with(0);
                let text = format!("{}{}", run.stdout, run.stderr).to_lowercase();
                assert!(!text.contains("planted"), "{address}: {text}");
                assert!(address.starts_with("data") || text.contains("sensitive"), "{address}: {text}");
            }
        }
    });
}
