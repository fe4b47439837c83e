//! terraform and tofu accept a provider that this crate serves, however they find it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "pitfalls/support.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

const ADDRESS: &str = "registry.terraform.io/driftmgr/torture";
const MAIN: &str = r#"
terraform {
  required_providers {
    torture = { source = "registry.terraform.io/driftmgr/torture" }
  }
}

provider "torture" {
  label = "from the block"
}

data "torture_echo" "it" {
  number         = 0.1
  any            = { list = [1, "two", null], huge = 12345678901234567890 }
  objects_wanted = 1000
  nested_map     = { "a.b $${x}" = { key = "k", value = 1.5 } }
  block_list {
    text = "first"
  }
  block_set {
    text = "x"
  }
  block_map "k" {
    text = "in a map"
  }
}

output "number" {
  value = data.torture_echo.it.number
}
output "any" {
  value = data.torture_echo.it.any
}
output "n_objects" {
  value = length(data.torture_echo.it.objects)
}
output "label" {
  value = data.torture_echo.it.label
}
output "blocks" {
  value = [data.torture_echo.it.block_list[0].text, data.torture_echo.it.block_map["k"].text, data.torture_echo.it.block_single]
}
"#;

/// Runs a test under every CLI that is installed.
fn with_each_cli(test: impl Fn(&Path)) {
    for tool in [Tool::Terraform, Tool::Tofu] {
        if let Some(program) = tools::or_skip(tool) {
            test(&program);
        }
    }
}

fn dev_overrides() -> CliConfig {
    CliConfig::default().dev_override(ADDRESS, support::torture().parent().unwrap())
}

fn assert_outputs(root: &RootFolder<'_>) {
    let outputs: serde_json::Value = serde_json::from_str(&root.run(&["output", "-json"]).unwrap()).unwrap();
    assert_eq!(outputs["number"]["value"].to_string(), "0.1");
    assert_eq!(outputs["any"]["value"]["list"].to_string(), r#"[1,"two",null]"#);
    assert_eq!(outputs["n_objects"]["value"], 1000);
    assert_eq!(outputs["label"]["value"], "from the block");
    assert_eq!(outputs["blocks"]["value"].to_string(), r#"["first","in a map",null]"#);
}

#[test]
fn a_development_override_is_served() {
    with_each_cli(|program| {
        let root = RootFolder::empty(program, &dev_overrides(), None).unwrap();
        root.write("main.tf", MAIN).unwrap();
        root.apply(10).unwrap();
        assert_outputs(&root);
        assert!(root.plan().unwrap().clean);
    });
}

#[test]
fn a_filesystem_mirror_is_served_and_locked() {
    with_each_cli(|program| {
        let mirror = tempfile::tempdir().unwrap();
        let platform = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
        let folder: PathBuf = mirror.path().join(ADDRESS).join("0.1.0").join(platform);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(support::torture(), folder.join("terraform-provider-torture_v0.1.0")).unwrap();
        let root = RootFolder::empty(program, &CliConfig::default().mirror(mirror.path()), None).unwrap();
        root.write("main.tf", MAIN).unwrap();
        root.init().unwrap();
        let lock = std::fs::read_to_string(root.path().join(".terraform.lock.hcl")).unwrap();
        assert!(lock.contains("h1:"), "{lock}");
        root.apply(10).unwrap();
        assert_outputs(&root);
    });
}

#[test]
fn an_existing_thing_is_imported_by_a_plan() {
    with_each_cli(|program| {
        let root = RootFolder::empty(program, &dev_overrides(), None).unwrap();
        let (head, _) = MAIN.split_once("data ").unwrap();
        let import = r#"
import {
  to = torture_thing.it
  id = "id-of-a thing"
}
resource "torture_thing" "it" {
  name     = "a thing"
  password = "written, never stored"
}
"#;
        root.write("main.tf", &format!("{head}{import}")).unwrap();
        let plan = root.plan().unwrap();
        assert!(plan.text.contains("1 to import, 0 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    });
}

/// Objects of the torture provider's cloud, and a configuration that says what they are.
const CLOUD: [(&str, &str); 2] = [
    (
        "torture_object/a",
        r#"{"policy": "{\"a\": 1}", "ratio": "1.50", "tier": "gold", "labels": {"a.b": "1", "${x}": "2"},
            "ingress": [{"from_port": 22, "to_port": 22, "protocol": "tcp", "cidrs": ["10.0.0.0/8"]}],
            "endpoint": {"host": "h", "port": 1, "url": "https://h:1"}, "members": [{"key": "x"}],
            "zone": {"z.1": {"level": 3}}, "rule": [{"key": "k", "value": "v"}], "made": "today", "revision": 7}"#,
    ),
    ("torture_legacy/l", r#"{"region": "here", "tags_all": {}, "ingress": [{"port": 22}]}"#),
];
const IMPORTS: &str = r#"
import {
  to = torture_object.a
  id = "a"
}
resource "torture_object" "a" {
  name   = "a"
  policy = jsonencode({ a = 1 })
  ratio  = 1.5
  tier   = "gold"
  labels = { "a.b" = "1", "$${x}" = "2" }
  ingress = [{ from_port = 22, to_port = 22, protocol = "tcp", cidrs = ["10.0.0.0/8"] }]
  endpoint = { host = "h", port = 1 }
  members  = [{ key = "x" }]
  rule {
    key   = "k"
    value = "v"
  }
  zone "z.1" {
    level = 3
  }
}
import {
  to = torture_legacy.l
  id = "l"
}
resource "torture_legacy" "l" {
  name = "l"
  ingress {
    port = 22
  }
}
"#;

#[test]
fn objects_of_the_cloud_are_imported_without_a_change() {
    with_each_cli(|program| {
        let cloud = tempfile::tempdir().unwrap();
        for (name, json) in CLOUD {
            let path = cloud.path().join(format!("{name}.json"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, json).unwrap();
        }
        let environment = vec![("TORTURE_CLOUD".to_owned(), cloud.path().display().to_string())];
        let root = RootFolder::empty(program, &dev_overrides(), None).unwrap().with_environment(environment);
        let (head, _) = MAIN.split_once("data ").unwrap();
        root.write("main.tf", &format!("{head}{IMPORTS}")).unwrap();
        let plan = root.plan().unwrap();
        assert!(plan.text.contains("2 to import, 0 to add, 0 to change, 0 to destroy"), "{}", plan.text);
    });
}

#[test]
fn a_refusal_points_at_the_argument() {
    with_each_cli(|program| {
        let root = RootFolder::empty(program, &dev_overrides(), None).unwrap();
        let (head, _) = MAIN.split_once("data ").unwrap();
        let data = "data \"torture_echo\" \"it\" {\n  refuse = {\n    \"a key\" = \"It is refused.\"\n  }\n}\n";
        root.write("main.tf", &format!("{head}{data}")).unwrap();
        let output = root.try_run(&["validate", "-json"]).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let diagnostics = report["diagnostics"].as_array().unwrap();
        let refusal = diagnostics.iter().find(|diagnostic| diagnostic["summary"] == "Refused on request").unwrap();
        assert_eq!(refusal["detail"], "It is refused.");
        assert_eq!(refusal["range"]["start"]["line"], 14, "{refusal}");
    });
}

#[test]
fn a_warm_server_is_reattached_and_outlives_its_clients() {
    with_each_cli(|program| {
        let mut server = Command::new(support::torture())
            .arg("--reattach")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let root = RootFolder::empty(program, &CliConfig::default(), None).unwrap();
        root.write("main.tf", MAIN).unwrap();
        for arguments in [&["init", "-input=false"][..], &["apply", "-auto-approve", "-input=false"], &["plan"]] {
            let output =
                root.command(program).args(arguments).env("TF_REATTACH_PROVIDERS", line.trim()).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        assert_outputs(&root);
        assert!(support::is_running(server.id()));
        let interrupted = Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap();
        assert!(interrupted.success());
        assert!(server.wait().unwrap().success(), "an interrupt ends a warm server in order");
    });
}

#[test]
fn logs_arrive_with_their_level() {
    with_each_cli(|program| {
        let root = RootFolder::empty(program, &dev_overrides(), None).unwrap();
        root.write("main.tf", MAIN).unwrap();
        let output = root.command(program).arg("plan").env("TF_LOG_PROVIDER", "debug").output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("[INFO]") && text.contains("the provider was configured"), "{text}");
    });
}
