//! Exact drift of the demo estate: the real AWS provider reads and plans, the emulated account answers.

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::broken::{Broken, Fault};
use support::{ACCOUNT, Demo, Run};
use xtask::tools::{self, Tool};

/// Is in the estate's state, where only terraform may know it.
const PLANTED: &str = "planted-secret-never-print-me";

/// Brings the estate up with its provider installed; says why where that cannot be.
fn hosted(with_drift: bool) -> Option<Demo> {
    tools::or_skip(Tool::Moto)?;
    let demo = Demo::start(with_drift);
    demo.install_providers()?;
    Some(demo)
}

/// Runs the program with everything the provider needs; it reaches a bucket's tags through a proxy.
fn run(demo: &Demo, arguments: &[&str]) -> Run {
    let mut command = demo.place.driftmgr();
    demo.moto.configure(&mut command);
    Run::of(command.args(arguments).output().expect("driftmgr starts"))
}

fn findings<'a>(document: &'a Value, kind: &str) -> Vec<&'a Value> {
    let findings = document["findings"].as_array().expect("a list");
    findings.iter().filter(|finding| finding["kind"] == kind && finding["folded"].is_null()).collect()
}

fn addresses(findings: &[&Value]) -> BTreeSet<String> {
    findings.iter().map(|finding| finding["address"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_untouched_estate_is_clean() {
    let Some(demo) = hosted(false) else { return };
    let ran = run(&demo, &["drift", "--dir", "estate", "--precision", "provider", "--json"]).ends_with(0);
    let document = ran.document("driftmgr.drift/v1");
    assert!(!ran.stdout.contains(PLANTED) && !ran.stderr.contains(PLANTED));
    assert_eq!(document["summary"]["by_kind"], serde_json::json!({}), "{}", document["summary"]);
    assert_eq!(document["summary"]["checked"], document["summary"]["instances"]);
    let configurations = document["coverage"]["configurations"].as_array().expect("a list");
    assert_eq!(configurations.len(), 2, "the estate has an alias");
    for configuration in configurations {
        assert_eq!(configuration["precision"], "provider");
        assert!(configuration["provider_version"].as_str().is_some_and(|version| version.starts_with("6.")));
        // Once each, and once more where a busy machine makes a read as slow as that of a missing object.
        let (n_reads, n_instances) =
            (configuration["calls"]["ReadResource"].as_u64(), configuration["instances"].as_u64());
        assert!(n_instances <= n_reads && n_reads <= n_instances.map(|n| 2 * n), "{configuration}");
        assert_eq!(configuration["calls"]["ReadDataSource"], 1, "whose credentials these are");
    }
    assert_eq!(document["coverage"]["scopes"], serde_json::json!([]), "what providers read is not scanned");
    let text = run(&demo, &["drift", "--dir", "estate"]).ends_with(0).stdout;
    assert!(text.contains("No drift found") && text.contains("provider hashicorp/aws 6."), "{text}");
    assert!(text.contains("no drift: "), "{text}");

    // Credentials of another account: everything would look missing.
    let state = std::fs::read_to_string(demo.state()).expect("the state");
    demo.place.write("estate/terraform.tfstate", state.replace(ACCOUNT, "210987654321"));
    let ran = run(&demo, &["drift", "--dir", "estate", "--precision", "provider"]).ends_with(1);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    ran.says("wrong-account").says(ACCOUNT).says("210987654321");
}

#[test]
fn what_was_changed_behind_terraforms_back_is_found() {
    let Some(demo) = hosted(true) else { return };
    let ran = run(&demo, &["drift", "--dir", "estate", "--json"]).ends_with(2);
    assert!(!ran.stdout.contains(PLANTED) && !ran.stderr.contains(PLANTED));
    let document = ran.document("driftmgr.drift/v1");
    let truth = |kind: &str| {
        let entries = demo.truth[kind].as_array().expect("a list").iter();
        entries.map(|entry| entry["address"].as_str().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(addresses(&findings(&document, "missing")), truth("missing"));
    let changed = findings(&document, "changed");
    for expected in demo.truth["changed"].as_array().expect("a list") {
        let finding = changed.iter().find(|finding| finding["address"] == expected["address"]);
        let finding = finding.unwrap_or_else(|| panic!("{expected} was not found"));
        let attributes = finding["attributes"].as_array().expect("a list");
        let attribute = attributes.iter().find(|attribute| attribute["path"] == expected["attribute"]);
        let attribute = attribute.unwrap_or_else(|| panic!("{expected} is not among {attributes:#?}"));
        assert_eq!((&attribute["tier"], &finding["fails"]), (&"declared".into(), &true.into()), "{expected}");
    }
    // What nobody wrote, and is a hole: it fails although the code is silent.
    let silent: BTreeSet<String> = &addresses(&changed) - &truth("changed");
    let expected = ["aws_s3_bucket.exports", "aws_security_group.web", "module.service[\"catalog\"].aws_iam_role.task"];
    assert_eq!(silent, expected.map(str::to_owned).into());
    assert!(findings(&document, "undetermined").is_empty());
}

#[test]
fn a_throttled_account_is_waited_for_and_never_called_missing() {
    let Some(demo) = hosted(false) else { return };
    let body = r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#;
    let queues = ["drift", "--dir", "estate", "--type", "aws_sqs_queue", "--type", "aws_sns_topic"];
    let arguments = |more: &[&'static str]| [&queues[..], &["--precision", "provider", "--json"], more].concat();
    let in_estate = |broken: &Broken, more: &[&'static str]| {
        let mut command = broken.driftmgr(&demo, &demo.place);
        command.args(arguments(more));
        Run::of(command.output().expect("driftmgr starts"))
    };

    let fault = Fault::AtFirst { status: "429 Too Many Requests", headers: "", n_calls: 12 };
    let for_a_while = Broken::start(&demo, "sqs", fault);
    let document = in_estate(&for_a_while, &[]).ends_with(0).document("driftmgr.drift/v1");
    assert_eq!(document["summary"]["undetermined"], 0);

    let fault = Fault::Answer { status: "429 Too Many Requests", headers: "", body };
    let for_ever = Broken::start(&demo, "sqs", fault);
    let began = Instant::now();
    let document = in_estate(&for_ever, &["--scope-timeout", "12s"]).ends_with(3).document("driftmgr.drift/v1");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let undetermined = findings(&document, "undetermined");
    assert_eq!(undetermined.len(), 4, "every queue, and no topic");
    for finding in undetermined {
        let kind = finding["cause"]["kind"].as_str().expect("a word");
        assert!(["throttled", "timeout"].contains(&kind), "{finding}");
    }
    assert!(findings(&document, "missing").is_empty());
}

#[test]
fn the_inventory_stays_a_choice() {
    let Some(demo) = hosted(true) else { return };
    let inventory = ["drift", "--dir", "estate", "--precision", "inventory", "--json"];
    let document = run(&demo, &inventory).ends_with(2).document("driftmgr.drift/v1");
    for configuration in document["coverage"]["configurations"].as_array().expect("a list") {
        assert_eq!(configuration["precision"], "inventory");
    }
    assert!(findings(&document, "changed").iter().all(|finding| finding["fails"] == false));
    // The store alone is asked: no provider is started, so that it needs neither credentials nor an endpoint.
    let mut command = demo.place.driftmgr();
    command.args(["drift", "--dir", "estate", "--no-scan", "--json"]);
    let ran = Run::of(command.output().expect("driftmgr starts")).ends_with(2);
    assert_eq!(ran.document("driftmgr.drift/v1")["coverage"]["configurations"][0]["precision"], "inventory");
}
