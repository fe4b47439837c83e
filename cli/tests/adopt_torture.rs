//! `driftmgr adopt` over what is hard to write configuration for, and over input that is wrong.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Place, Run, torture};
use xtask::tools::{self, Tool};

/// An empty root module with the torture provider, and its cloud.
struct World {
    place: Place,
}

impl World {
    fn new() -> Self {
        let world = Self { place: Place::new() };
        let cloud = world.place.path("cloud").display().to_string();
        world.place.write(
            "root/main.tf",
            format!(
                "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
                 provider \"torture\" {{\n  cloud = {cloud:?}\n}}\n"
            ),
        );
        let folder = torture().display().to_string();
        let config = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"registry.terraform.io/driftmgr/torture\" = {folder:?}\n  }}\n}}\n"
        );
        world.place.write("terraform.rc", config);
        world
    }

    /// Adds an object to the cloud.
    fn with(self, resource_type: &str, name: &str, attributes: Value) -> Self {
        self.place.write(&format!("cloud/{resource_type}/{name}.json"), attributes.to_string());
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.driftmgr();
        command.args(["adopt", "--dir", "root"]).args(arguments);
        command.env("TF_CLI_CONFIG_FILE", self.place.path("terraform.rc"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("driftmgr starts"))
    }

    /// Adopts objects by their ids, and gives the answer.
    fn adopt(&self, imports: &[&str]) -> Value {
        let arguments: Vec<&str> = imports.iter().flat_map(|import| ["--import", import]).collect();
        let run = self.run(&[&arguments[..], &["--out-dir", "adopted", "--json"]].concat());
        run.document("driftmgr.adopt/v1")
    }

    /// Reads everything that was written.
    fn written(&self) -> String {
        let mut text = String::new();
        for file in std::fs::read_dir(self.place.path("adopted")).into_iter().flatten() {
            let path = file.expect("the folder is listed").path();
            if path.extension().is_some_and(|extension| extension == "tf") {
                text.push_str(&std::fs::read_to_string(path).expect("it is text"));
            }
        }
        text
    }
}

/// Gives the entry of an object.
#[track_caller]
fn item<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let items = answer["items"].as_array().expect("a list");
    items.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id} is not in {answer}"))
}

/// Checks that an object was left out for a reason that says this, and that the one beside it was not.
#[track_caller]
fn check_skipped(world: World, import: &str, why: &str) {
    let world = world.with("torture_specimen", "beside", json!({"note": "beside"}));
    let answer = world.adopt(&[import, "torture_specimen=beside"]);
    let (_, id) = import.split_once('=').expect("TYPE=ID");
    let item_of_it = item(&answer, id);
    assert_eq!(item_of_it["status"], "skipped", "{item_of_it}");
    let reason = item_of_it["reason"].as_str().expect("a reason");
    assert!(reason.contains(why), "{reason:?} does not say {why:?}");
    assert_eq!(item(&answer, "beside")["status"], "clean", "{answer}");
    let written = world.written();
    assert!(!written.contains(&format!("{id:?}")) && written.contains("\"beside\""), "{written}");
}

#[test]
fn every_difficulty_ends_as_its_file_says_in_the_plans_of_terraform_and_tofu() {
    let is_any = [Tool::Terraform, Tool::Tofu].into_iter().any(|tool| tools::or_skip(tool).is_some());
    if !is_any {
        return;
    }
    let is_right = xtask::loops::adoption::torture(Path::new(env!("CARGO_BIN_EXE_driftmgr"))).expect("a judgement");
    assert!(is_right, "not every object ended as its file says; the table above tells which");
}

#[test]
fn an_id_that_does_not_exist_is_left_out() {
    check_skipped(World::new(), "torture_specimen=nowhere", "exist");
}

#[test]
fn an_import_of_several_objects_is_left_out() {
    let world = World::new().with("torture_specimen", "pair", json!({"$import": "several"}));
    check_skipped(world, "torture_specimen=pair", "2 objects");
}

#[test]
fn an_import_of_another_type_is_left_out() {
    let world = World::new().with("torture_specimen", "other", json!({"$import": "another type"}));
    check_skipped(world, "torture_specimen=other", "torture_policy");
}

#[test]
fn an_import_of_nothing_is_left_out() {
    let world = World::new().with("torture_specimen", "none", json!({"$import": "nothing"}));
    check_skipped(world, "torture_specimen=none", "its import gave nothing");
}

#[test]
fn a_type_without_import_is_left_out() {
    let world = World::new().with("torture_sealed", "sealed", json!({}));
    check_skipped(world, "torture_sealed=sealed", "Resource Import Not Implemented");
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let world = World::new().with("torture_specimen", "closed", json!({"$error": "AccessDenied: not for you"}));
    check_skipped(world, "torture_specimen=closed", "AccessDenied");
}

#[test]
fn what_is_different_at_every_look_has_no_certificate() {
    if tools::or_skip(Tool::Terraform).or_else(|| tools::or_skip(Tool::Tofu)).is_none() {
        return;
    }
    let world = World::new().with("torture_specimen", "restless", json!({"$changes": "ratio"}));
    let run = world.run(&["--import", "torture_specimen=restless", "--out-dir", "adopted", "--verify", "--json"]);
    let answer = run.document("driftmgr.adopt/v1");
    let item = item(&answer, "restless");
    assert_eq!((&item["status"], &answer["certificates"][0]["clean"]), (&json!("changes"), &json!(false)), "{answer}");
    assert!(item["reason"].as_str().is_some_and(|reason| reason.contains("ratio")), "{item}");
}

#[test]
fn objects_that_name_each_other_make_no_cycle() {
    // What the cloud calls the nodes `a` and `b`.
    const A: &str = "node-e40c292c";
    const B: &str = "node-e70c2de5";
    let world = World::new().with("torture_node", "a", json!({"upstream_id": B, "peer_ids": [B, A]})).with(
        "torture_node",
        "b",
        json!({"upstream_id": A}),
    );
    let answer = world.adopt(&["torture_node=a", "torture_node=b"]);
    assert_eq!((&item(&answer, "a")["status"], &item(&answer, "b")["status"]), (&json!("clean"), &json!("clean")));
    let written = world.written();
    let refers = ["torture_node.a.id", "torture_node.b.id"].map(|reference| written.contains(reference));
    assert_ne!(refers[0], refers[1], "one of the two refers to the other:\n{written}");
}

#[test]
fn five_megabytes_are_written_and_planned() {
    let text = json!({"$repeat": "echo hello world and mor\n", "$times": 210_000});
    let world = World::new().with("torture_specimen", "long", json!({"user_data": text}));
    let answer = world.adopt(&["torture_specimen=long"]);
    assert_eq!(item(&answer, "long")["status"], "clean", "{answer}");
    assert!(world.written().len() > 5_000_000);
}

#[test]
fn a_secret_is_in_no_file_and_in_nothing_that_is_said() {
    let world = World::new()
        .with(
            "torture_specimen",
            "s",
            json!({"secret": "planted-secret", "login": [{"user": "u", "password": "planted-two"}]}),
        )
        .with("torture_specimen", "named", json!({"api_key": "planted-Thr33-0f1e2d"}))
        .with("torture_lock", "lock", json!({"pin": "planted-four"}));
    let imports = ["torture_specimen=s", "torture_specimen=named", "torture_lock=lock"];
    let arguments: Vec<&str> = imports.iter().flat_map(|import| ["--import", *import]).collect();
    let run = world.run(&[&arguments[..], &["--out-dir", "adopted", "--json"]].concat());
    for entry in std::fs::read_dir(world.place.path("adopted")).expect("files were written") {
        let path = entry.expect("the folder is listed").path();
        let text = std::fs::read_to_string(&path).expect("it is text");
        assert!(!text.contains("planted-"), "{} holds a secret:\n{text}", path.display());
    }
    assert!(!run.stdout.contains("planted-") && !run.stderr.contains("planted-"), "{run:?}");
    assert!(world.written().contains("sensitive   = true"), "{}", world.written());
}
