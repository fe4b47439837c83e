//! The committed estate against the real AWS provider.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use xtask::estate;
use xtask::moto::Moto;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// Returns the estate's root with its committed state, initialised.
fn root<'moto>(moto: &'moto Moto, program: &Path) -> RootFolder<'moto> {
    let config = CliConfig::with_tools().expect("the tools' directory is known");
    let root = RootFolder::copy_of(&estate::directory(), program, &config, Some(moto)).expect("a copy of the estate");
    root.write("terraform.tfstate", &state_text()).expect("a copy of the state");
    root.init().expect("init");
    root
}

/// Starts the replayed account; `None` where moto or the provider is missing.
fn account() -> Option<Moto> {
    tools::or_skip(Tool::Moto)?;
    tools::or_skip(Tool::Aws)?;
    Some(estate::start().expect("the recording replays"))
}

fn state_text() -> String {
    fs::read_to_string(estate::directory().join("terraform.tfstate")).expect("the committed state")
}

#[test]
fn the_replayed_account_is_the_one_the_committed_state_describes() {
    let Some(moto) = account() else { return };
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Some(program) = tools::or_skip(tool) else { continue };
        let plan = root(&moto, &program).plan().expect("a plan");
        assert!(plan.clean, "{}: {}", tool.name(), plan.text);
    }
}

#[test]
fn terraform_itself_sees_the_drift_that_the_truth_file_tells_of() {
    let Some(moto) = account() else { return };
    let Ok(program) = tools::terraform_or_tofu() else { return tools::skip("neither terraform nor tofu is there") };
    let root = root(&moto, &program);
    let truth: Value =
        serde_json::from_str(&estate::inject_drift(&moto).expect("drift.py")).expect("the truth is JSON");
    let mut expected = BTreeMap::new();
    for (kind, action) in [("changed", "update"), ("missing", "create")] {
        for object in truth[kind].as_array().expect("a list of objects") {
            expected.insert(object["address"].as_str().expect("an address").to_owned(), action.to_owned());
        }
    }

    let output = root.try_run(&["plan", "-no-color", "-input=false", "-out=plan"]).expect("terraform plan");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let plan: Value =
        serde_json::from_str(&root.run(&["show", "-json", "plan"]).expect("terraform show")).expect("JSON");
    let planned: BTreeMap<String, String> = plan["resource_changes"]
        .as_array()
        .expect("a list of changes")
        .iter()
        .map(|change| (&change["address"], &change["change"]["actions"][0]))
        .filter(|(_, action)| *action != "no-op")
        .map(|(address, action)| {
            (address.as_str().unwrap_or_default().to_owned(), action.as_str().unwrap_or_default().to_owned())
        })
        .collect();
    assert_eq!(planned, expected);
}

#[test]
fn the_recording_holds_no_signature_and_no_user_agent_and_the_state_the_planted_secret() {
    let recording = fs::read_to_string(estate::directory().join("recording/requests.jsonl")).expect("the recording");
    for line in recording.lines() {
        assert!(!line.contains("User-Agent") && !line.contains("/home/") && !line.contains("/tmp/"), "{line}");
        assert!(!line.contains("Signature=") || line.contains("Signature=removed"), "{line}");
    }
    assert!(state_text().contains("planted-secret-never-print-me"));
}
