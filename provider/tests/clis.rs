//! terraform and tofu read our data sources, against an emulated account.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;
use xtask::moto::Moto;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// Each CLI puts its own registry in front.
const ADDRESS: &str = "catherinevee/driftmgr";
const SECRET: &str = "AKIAIOSFODNN7EXAMPLE";

/// A folder in which terraform finds our binary and nothing else.
fn binary_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_terraform-provider-driftmgr");
    std::fs::hard_link(binary, folder.path().join("terraform-provider-driftmgr"))
        .or_else(|_| std::fs::copy(binary, folder.path().join("terraform-provider-driftmgr")).map(drop))
        .unwrap();
    folder
}

/// Runs a few lines of Python with boto3 in the emulated account.
fn boto(moto: &Moto, script: &str) {
    let mut command = Command::new(moto.python());
    moto.configure(&mut command);
    let output = command.args(["-c", &format!("import boto3\n{script}")]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn outputs(root: &RootFolder<'_>) -> Json {
    serde_json::from_str(&root.run(&["output", "-json"]).unwrap()).unwrap()
}

/// What a test runs in: an account, a CLI, our binary, a store of its own.
struct Bench {
    binary: tempfile::TempDir,
    store: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { binary: binary_folder(), store: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> CliConfig {
        CliConfig::with_tools().unwrap().dev_override(ADDRESS, self.binary.path())
    }

    fn head(&self, more: &str) -> String {
        format!(
            "terraform {{\n  required_providers {{\n    driftmgr = {{\n      source = \"catherinevee/driftmgr\"\n    }}\n  \
             }}\n}}\nprovider \"driftmgr\" {{\n  store = \"{}\"\n{more}\n}}\n",
            self.store.path().join("store.db").display()
        )
    }
}

/// Runs a test under every CLI that is installed, each with a fresh account.
fn with_each_cli(test: impl Fn(&Path, &Moto)) {
    if tools::or_skip(Tool::Moto).is_none() {
        return;
    }
    for tool in [Tool::Terraform, Tool::Tofu] {
        if let Some(program) = tools::or_skip(tool) {
            test(&program, &Moto::start().unwrap());
        }
    }
}

const THREE_QUEUES: &str = "
sqs = boto3.client('sqs')
for name in ['alpha', 'beta', 'gamma']:
    sqs.create_queue(QueueName=name, tags={'team': name, 'token': 'AKIAIOSFODNN7EXAMPLE'})
";

#[test]
fn what_exists_is_listed_paged_and_looked_up() {
    with_each_cli(|program, moto| {
        boto(moto, THREE_QUEUES);
        let bench = Bench::new();
        let root = RootFolder::empty(program, &bench.config(), Some(moto)).unwrap();
        let body = r#"
data "driftmgr_resources" "all" {
  types = ["aws_sqs_queue"]
}
data "driftmgr_resources" "page" {
  types  = ["aws_sqs_queue"]
  limit  = 2
}
data "driftmgr_resources" "tagged" {
  types = ["aws_sqs_queue"]
  tags  = ["team=beta"]
}
data "driftmgr_resource" "beta" {
  type = "aws_sqs_queue"
  name = "beta"
}
data "driftmgr_resource" "none" {
  type = "aws_sqs_queue"
  name = "delta"
}
data "driftmgr_coverage" "this" {
  types = ["aws_sqs_queue"]
}
output "names" { value = [for object in data.driftmgr_resources.all.resources : object.name] }
output "tags" { value = data.driftmgr_resources.all.resources[0].tags }
output "complete" { value = data.driftmgr_resources.all.complete }
output "as_of" { value = data.driftmgr_resources.all.as_of }
output "document" { value = jsondecode(data.driftmgr_resources.all.json) }
output "page" { value = [length(data.driftmgr_resources.page.resources), data.driftmgr_resources.page.total, data.driftmgr_resources.page.next_offset] }
output "tagged" { value = [for object in data.driftmgr_resources.tagged.resources : object.name] }
output "beta" { value = [data.driftmgr_resource.beta.exists, data.driftmgr_resource.beta.arn, jsondecode(data.driftmgr_resource.beta.json).name] }
output "none" { value = data.driftmgr_resource.none.exists }
output "scopes" { value = data.driftmgr_coverage.this.scopes }
"#;
        root.write("main.tf", &(bench.head("") + body)).unwrap();
        root.apply(10).unwrap();
        let outputs = outputs(&root);
        let value = |name: &str| &outputs[name]["value"];
        assert_eq!(*value("names"), serde_json::json!(["alpha", "beta", "gamma"]));
        assert_eq!(value("tags")["team"], "alpha");
        assert_eq!(*value("complete"), true);
        assert!(value("as_of").as_str().unwrap().ends_with('Z'), "{}", value("as_of"));
        assert_eq!(value("document")["schema"], "driftmgr.query/v1");
        assert_eq!(value("document")["resources"].as_array().unwrap().len(), 3);
        assert_eq!(*value("page"), serde_json::json!([2, 3, 2]));
        assert_eq!(*value("tagged"), serde_json::json!(["beta"]));
        assert_eq!(value("beta")[0], true);
        assert_eq!(value("beta")[2], "beta");
        assert_eq!(*value("none"), false);
        assert_eq!(value("scopes").as_array().unwrap().len(), 1, "{}", value("scopes"));
        assert_eq!(value("scopes")[0]["objects"], 3);
        let state = std::fs::read_to_string(root.path().join("terraform.tfstate")).unwrap();
        assert!(!state.contains(SECRET), "a credential in a tag must not reach a state");
        assert!(root.plan().unwrap().clean, "the same store gives the same answers");
    });
}

#[test]
fn without_leave_to_ask_a_missing_answer_is_an_error() {
    with_each_cli(|program, moto| {
        let bench = Bench::new();
        let root = RootFolder::empty(program, &bench.config(), Some(moto)).unwrap();
        for data in ["driftmgr_resources", "driftmgr_coverage"] {
            let body = format!("data \"{data}\" \"this\" {{\n  types = [\"aws_sqs_queue\"]\n}}\n");
            root.write("main.tf", &(bench.head("  refresh = false") + &body)).unwrap();
            let output = root.try_run(&["plan", "-no-color"]).unwrap();
            assert!(!output.status.success());
            let text = text(&output);
            assert!(text.contains("There is no answer young enough") && text.contains("driftmgr scan"), "{text}");
        }
    });
}

#[test]
fn what_cannot_be_seen_is_an_error_not_an_empty_list() {
    with_each_cli(|program, moto| {
        let bench = Bench::new();
        let root = RootFolder::empty(program, &bench.config(), Some(moto)).unwrap();
        let body = "data \"driftmgr_resources\" \"this\" {\n  types = [\"aws_sqs_queue\"]\n}\n";
        // Nobody listens there.
        root.write("main.tf", &(bench.head("  endpoint = \"http://127.0.0.1:9\"") + body)).unwrap();
        let output = root.try_run(&["plan", "-no-color"]).unwrap();
        assert!(!output.status.success(), "{}", text(&output));
    });
}

#[test]
fn wrong_arguments_are_pointed_at() {
    with_each_cli(|program, moto| {
        let bench = Bench::new();
        let root = RootFolder::empty(program, &bench.config(), Some(moto)).unwrap();
        let body = "data \"driftmgr_resources\" \"this\" {\n  max_age = \"soon\"\n  limit   = 1.5\n}\n\
                    data \"driftmgr_resource\" \"this\" {\n  type = \"aws_sqs_queue\"\n}\n";
        root.write("main.tf", &(bench.head("") + body)).unwrap();
        let output = root.try_run(&["validate", "-json"]).unwrap();
        let report: Json = serde_json::from_slice(&output.stdout).unwrap();
        let diagnostics = report["diagnostics"].as_array().unwrap();
        let summaries: Vec<&str> =
            diagnostics.iter().map(|diagnostic| diagnostic["summary"].as_str().unwrap()).collect();
        for expected in ["Invalid span of time", "Invalid number", "Which object is meant is not clear"] {
            assert!(summaries.contains(&expected), "{summaries:?}");
        }
        let line = |summary: &str| {
            let found = diagnostics.iter().find(|diagnostic| diagnostic["summary"] == summary).unwrap();
            found["range"]["start"]["line"].as_u64().unwrap()
        };
        assert_eq!(line("Invalid number"), line("Invalid span of time") + 1);
    });
}

#[test]
fn the_examples_of_the_data_sources_are_valid() {
    with_each_cli(|program, moto| {
        let bench = Bench::new();
        let examples = xtask::repository().join("examples");
        let provider = std::fs::read_to_string(examples.join("provider/provider.tf")).unwrap();
        let mut n_examples = 0;
        for entry in std::fs::read_dir(examples.join("data-sources")).unwrap() {
            let example: PathBuf = entry.unwrap().path().join("data-source.tf");
            let root = RootFolder::empty(program, &bench.config(), Some(moto)).unwrap();
            root.write("provider.tf", &provider).unwrap();
            root.write("main.tf", &std::fs::read_to_string(&example).unwrap()).unwrap();
            root.run(&["validate"]).unwrap_or_else(|error| panic!("{}: {error:#}", example.display()));
            n_examples += 1;
        }
        assert_eq!(n_examples, 5);
    });
}
