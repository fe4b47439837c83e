//! Adoption finds, starts and configures the providers of what it adopts: from a root module, from a state, or from
//! neither.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{Place, Run, torture};

const PROVIDER: &str = "registry.terraform.io/driftmgr/torture";

/// A cloud of the torture provider, with a secret in every object.
fn world(names: &[&str]) -> Place {
    let place = Place::new();
    for name in names {
        let attributes = json!({"name": name, "tier": "fast", "secret": format!("planted-{name}"), "made": "then"});
        place.write(&format!("cloud/torture_object/{name}.json"), attributes.to_string());
    }
    let overrides = format!("{PROVIDER:?} = {:?}", torture().display().to_string());
    place.write("terraform.rc", format!("provider_installation {{\n  dev_overrides {{\n    {overrides}\n  }}\n}}\n"));
    place
}

/// Writes a root module that configures the provider and declares nothing.
fn root(place: &Place) {
    let cloud = place.path("cloud").display().to_string();
    let code = format!(
        "terraform {{\n  required_providers {{\n    torture = {{\n      source = \"driftmgr/torture\"\n    }}\n  }}\n}}\n\
         provider \"torture\" {{\n  cloud = {cloud:?}\n}}\n"
    );
    place.write("root/main.tf", code);
}

fn state(names: &[&str]) -> String {
    let instance = |name: &&str| {
        json!({
            "mode": "managed", "type": "torture_object", "name": name, "provider": format!("provider[{PROVIDER:?}]"),
            "instances": [{
                "schema_version": 1, "sensitive_attributes": [],
                "attributes": {"name": name, "tier": "fast", "secret": format!("planted-{name}"), "made": "then", "force": null},
            }],
        })
    };
    let resources: Vec<Value> = names.iter().map(instance).collect();
    json!({
        "version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "6e32f1f4", "outputs": {},
        "resources": resources, "check_results": null,
    })
    .to_string()
}

fn adopt(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = place.driftmgr();
    command.arg("adopt").args(arguments).env("TF_CLI_CONFIG_FILE", place.path("terraform.rc"));
    command.envs(environment.iter().copied());
    Run::of(command.output().expect("driftmgr starts"))
}

/// Adopts, and gives the document, in which no secret is.
fn document(place: &Place, code: i32, arguments: &[&str], environment: &[(&str, &str)]) -> Value {
    let run = adopt(place, &[arguments, &["--json"]].concat(), environment).ends_with(code);
    assert!(!run.stdout.contains("planted-") && !run.stderr.contains("planted-"), "a secret is in {run:?}");
    run.document("driftmgr.adopt/v1")
}

fn item<'a>(document: &'a Value, id: &str) -> &'a Value {
    let items = document["items"].as_array().expect("a list");
    items.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id} is not in {document}"))
}

/// Joins all configuration in a folder.
fn configuration(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|extension| extension == "tf") {
            text.push_str(&std::fs::read_to_string(entry.path()).expect("it is text"));
        }
    }
    assert!(!text.contains("planted-"), "a secret is in {text}");
    text
}

#[test]
fn a_root_that_was_never_applied_is_enough() {
    let place = world(&["a", "b"]);
    root(&place);
    let arguments =
        ["--dir", "root", "--out-dir", "out", "--import", "torture_object=a", "--import", "torture_object=gone"];
    let document = document(&place, 0, &arguments, &[]);
    assert_eq!(item(&document, "a")["status"], "clean", "{document}");
    let gone = item(&document, "gone");
    assert_eq!(gone["status"], "skipped", "{gone}");
    assert!(gone["reason"].as_str().is_some_and(|reason| reason.contains("No torture_object with the id \"gone\"")));
    let text = configuration(&place.path("out"));
    assert!(text.contains("resource \"torture_object\" \"a\" {") && text.contains("id = \"a\""), "{text}");
    assert!(!text.contains("gone") && !text.contains("required_providers"), "{text}");
}

#[test]
fn without_a_root_module_the_files_are_a_whole_one() {
    let place = world(&["a"]);
    place.write("live.tfstate", state(&["z"]));
    let cloud = place.path("cloud").display().to_string();
    let arguments = ["--state", "live.tfstate", "--out-dir", "out", "--import", "torture_object=a"];
    let document = document(&place, 0, &arguments, &[("TORTURE_CLOUD", &cloud)]);
    assert_eq!(item(&document, "a")["status"], "clean", "{document}");
    let text = configuration(&place.path("out"));
    assert!(text.contains("required_providers") && text.contains("driftmgr/torture"), "{text}");
}

#[test]
fn where_no_provider_is_found_import_blocks_remain() {
    let place = world(&["a"]);
    root(&place);
    place.write("terraform.rc", "provider_installation {\n}\n");
    let arguments = ["--dir", "root", "--out-dir", "out", "--import", "torture_object=a"];
    let document = document(&place, 0, &arguments, &[]);
    let a = item(&document, "a");
    assert!(a["reason"].as_str().is_some_and(|reason| reason.contains("is not installed")), "{a}");
    let text = configuration(&place.path("out"));
    assert!(text.contains("to = torture_object.a") && !text.contains("resource \""), "{text}");
}

#[test]
fn what_a_state_records_already_is_left_alone() {
    let place = world(&["a", "z"]);
    root(&place);
    place.write("root/terraform.tfstate", state(&["z"]));
    let mapping = json!({"schema": "driftmgr.mapping/v1", "objects": [
        {"type": "torture_object", "id": "a", "address": "torture_object.a"},
    ]});
    place.write("mapping.json", mapping.to_string());
    let arguments = ["--dir", "root", "--out-dir", "out", "--mapping", "mapping.json", "--type", "torture_object"];
    let document = document(&place, 0, &arguments, &[]);
    assert_eq!(item(&document, "a")["status"], "clean", "{document}");
    let items = document["items"].as_array().expect("a list");
    assert!(items.iter().all(|item| item["id"] != "z"), "{document}");
}

#[test]
fn a_provider_that_fails_costs_the_objects_it_was_asked_about() {
    let place = world(&["a", "b"]);
    root(&place);
    for (fault, call, words) in [
        ("TORTURE_CRASH", "PlanResourceChange", "the disk is on fire"),
        ("TORTURE_CRASH", "ImportResourceState", "the disk is on fire"),
        ("TORTURE_HANG", "ReadResource", "no answer"),
        ("TORTURE_FAIL", "ReadResource", "rate exceeded"),
        ("TORTURE_FAIL", "GenerateResourceConfig", ""),
    ] {
        let folder = format!("{fault}-{call}");
        let arguments = [
            "--dir",
            "root",
            "--out-dir",
            &folder,
            "--import",
            "torture_object=a",
            "--import",
            "torture_object=b",
            "--scope-timeout",
            "3s",
            "--reclaim",
        ];
        let document = document(&place, 0, &arguments, &[(fault, call)]);
        for id in ["a", "b"] {
            let item = item(&document, id);
            let (status, reason) = (item["status"].as_str(), item["reason"].as_str().unwrap_or_default());
            let expected = if words.is_empty() { "clean" } else { "skipped" };
            assert!(status == Some(expected) && reason.contains(words), "{fault}={call}: {item}");
        }
    }
}

#[test]
fn a_batch_leaves_the_rest_for_another_run() {
    let place = world(&["a", "b", "c"]);
    root(&place);
    let ids = ["--import", "torture_object=a", "--import", "torture_object=b", "--import", "torture_object=c"];
    let arguments = [&["--dir", "root", "--out-dir", "out", "--limit", "2"][..], &ids].concat();
    let document = document(&place, 0, &arguments, &[]);
    assert_eq!(document["effort"]["left"], 1, "{document}");
    let items = document["items"].as_array().expect("a list");
    let clean = items.iter().filter(|item| item["status"] == "clean").count();
    assert_eq!(clean, 2, "{document}");
}
