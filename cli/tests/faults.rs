//! When things go wrong: services that fail, signals, the wrong account, and stores that cannot be used.

mod support;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::broken::{Broken, Fault};
use support::{ACCOUNT, Demo, Place, Run};

fn findings<'a>(report: &'a Value, kind: &str) -> Vec<&'a Value> {
    let findings = report["findings"].as_array().expect("a list");
    findings.iter().filter(|finding| finding["kind"] == kind).collect()
}

fn types(findings: &[&Value]) -> BTreeSet<String> {
    findings.iter().map(|finding| finding["type"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Lets queues fail, and asks about queues and users: one of each is gone from the drifted estate.
///
/// `words` is what must be said; `|` stands between two ways to say it.
#[track_caller]
fn check_failing_service(fault: Fault, words: &str) {
    let Some(demo) = Demo::shared() else { return };
    let state = demo.state();
    let broken = Broken::start(&demo, "sqs", fault);
    let began = Instant::now();
    let place = Place::new();
    let arguments = ["drift", "--state", &state, "--json", "--scope-timeout", "4s", "--type", "aws_sqs_queue"];
    let both = [&arguments[..], &["--type", "aws_iam_user"]].concat();
    let run = broken.run(&demo, &place, &both).ends_with(2);
    assert!(began.elapsed() < Duration::from_secs(40), "{fault:?} took {:?}", began.elapsed());
    let report = run.document("driftmgr.drift/v1");
    assert_eq!(report["complete"], false);
    assert_eq!(types(&findings(&report, "missing")), ["aws_iam_user".to_owned()].into(), "{fault:?}");
    let undetermined = findings(&report, "undetermined");
    assert_eq!(types(&undetermined), ["aws_sqs_queue".to_owned()].into(), "{fault:?}");
    assert_eq!(undetermined.len(), 4, "every recorded queue: {undetermined:#?}");
    let said = report.to_string().to_lowercase();
    let is_said = |text: &str| words.split('|').any(|words| text.contains(words));
    assert!(is_said(&said), "{fault:?} is not said with {words:?}: {report:#}");

    let place = Place::new();
    broken.run(&demo, &place, &arguments).ends_with(3);
    let allowed = [&arguments[..], &["--allow-incomplete", "--no-scan"]].concat();
    broken.run(&demo, &place, &allowed).ends_with(0);
    let unmanaged = ["unmanaged", "--state", &state, "--no-scan", "--type", "aws_sqs_queue"];
    broken.run(&demo, &place, &unmanaged).ends_with(3);
    let scan = ["scan", "--type", "aws_sqs_queue", "--type", "aws_iam_user", "--scope-timeout", "4s"];
    let scan = broken.run(&demo, &place, &scan).ends_with(3);
    assert!(is_said(&scan.stdout.to_lowercase()), "{fault:?}: {}", scan.stdout);
    let query = broken.run(&demo, &place, &["query", "--json"]).ends_with(0).document("driftmgr.query/v1");
    assert_eq!(query["complete"], false);
}

#[test]
fn a_denied_service_is_undetermined() {
    let body = r#"{"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "you may not"}"#;
    check_failing_service(Fault::Answer { status: "403 Forbidden", headers: "", body }, "denied");
}

#[test]
fn a_service_out_of_order_is_undetermined() {
    let fault = Fault::Answer { status: "500 Internal Server Error", headers: "", body: "<html>oops</html>" };
    check_failing_service(fault, "500");
}

#[test]
fn a_service_that_never_has_time_is_undetermined() {
    let body = r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#;
    let fault = Fault::Answer { status: "429 Too Many Requests", headers: "Retry-After: 1\r\n", body };
    check_failing_service(fault, "throttl");
}

#[test]
fn a_service_that_never_answers_is_undetermined() {
    check_failing_service(Fault::Hang, "time");
}

#[test]
fn a_reply_that_is_not_what_it_says_is_undetermined() {
    let body = "{\"QueueUrls\": [\"http://q/1";
    check_failing_service(Fault::Answer { status: "200 OK", headers: "", body }, "reply");
    let body = "<ListQueuesResponse><oops";
    check_failing_service(Fault::Answer { status: "200 OK", headers: "Content-Type: text/xml\r\n", body }, "reply");
}

#[test]
fn pages_that_never_end_are_undetermined() {
    check_failing_service(Fault::EndlessPages { is_new: false }, "page");
    // The deadline falls while a page is under way, or while the next one waits for its turn.
    check_failing_service(
        Fault::EndlessPages { is_new: true },
        "no complete answer within|its turn did not come in time",
    );
}

#[test]
fn a_service_that_comes_back_is_seen_completely() {
    let Some(demo) = Demo::shared() else { return };
    for (status, headers) in [("429 Too Many Requests", "Retry-After: 1\r\n"), ("503 Service Unavailable", "")] {
        let broken = Broken::start(&demo, "sqs", Fault::AtFirst { status, headers, n_calls: 2 });
        let scan = ["scan", "--type", "aws_sqs_queue", "--json"];
        let scan = broken.run(&demo, &Place::new(), &scan).ends_with(0).document("driftmgr.scan/v1");
        assert_eq!(scan["complete"], true);
    }
}

#[test]
fn malformed_xml_of_one_service_leaves_the_others() {
    let Some(demo) = Demo::shared() else { return };
    let body = "<ListTopicsResponse><ListTopicsResult><Topics><member><TopicArn>arn</Topi";
    let fault = Fault::Answer { status: "200 OK", headers: "Content-Type: text/xml\r\n", body };
    let broken = Broken::start(&demo, "sns", fault);
    let (place, state) = (Place::new(), demo.state());
    let arguments = ["drift", "--state", &state, "--type", "aws_sns_topic", "--type", "aws_vpc", "--json"];
    let report = broken.run(&demo, &place, &arguments).ends_with(3).document("driftmgr.drift/v1");
    assert_eq!(types(&findings(&report, "undetermined")), ["aws_sns_topic".to_owned()].into());
    assert!(findings(&report, "missing").is_empty() && report["summary"]["checked"] == 1, "{}", report["summary"]);
}

#[test]
fn credentials_of_another_account_judge_nothing() {
    let Some(demo) = Demo::shared() else { return };
    let place = Place::new();
    let text = std::fs::read_to_string(demo.state()).expect("the state");
    place.write("other.tfstate", text.replace(ACCOUNT, "210987654321"));
    for command in ["drift", "unmanaged"] {
        let run = demo.run_in(&place, &[command, "--state", "other.tfstate", "--json"]).ends_with(1);
        assert!(run.stdout.is_empty(), "{}", run.stdout);
        run.says(ACCOUNT).says("210987654321");
    }
    let adopt = ["adopt", "--state", "other.tfstate", "--out-dir", "out"];
    demo.run_in(&place, &adopt).ends_with(1).says("210987654321");
    assert!(!place.path("out").exists() && !place.path("store.db").exists());
}

/// Waits until the broken service was asked, so that the command is in the middle of its work.
fn wait_until_asked(broken: &Broken, child: &mut Child) {
    let began = Instant::now();
    while broken.n_calls.load(Ordering::SeqCst) == 0 {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended before it was interrupted");
        assert!(began.elapsed() < Duration::from_secs(30), "it never asked");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_ends_every_command_at_once_and_loses_nothing() {
    let Some(demo) = Demo::shared() else { return };
    let state = demo.state();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        for arguments in [
            &["scan"][..],
            &["drift", "--state", &state, "--json"],
            &["unmanaged", "--state", &state, "--json"],
            &["adopt", "--state", &state, "--out-dir", "out"],
        ] {
            let broken = Broken::start(&demo, "sqs", Fault::Hang);
            let place = demo.copy_of_store();
            let mut command = broken.driftmgr(&demo, &place);
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().expect("driftmgr starts");
            wait_until_asked(&broken, &mut child);
            let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
            assert!(sent.success());
            let began = Instant::now();
            let run = Run::of(child.wait_with_output().expect("it ends")).ends_with(code);
            assert!(began.elapsed() < Duration::from_secs(10), "{arguments:?} took {:?}", began.elapsed());
            if arguments[0] != "scan" {
                assert!(run.stdout.is_empty(), "{arguments:?}: {}", run.stdout);
            }
            assert!(!place.path("out").exists(), "adopt wrote something");
            let ids = |place: &Place| {
                let document = demo.run_in(place, &["query", "--json"]).ends_with(0).json();
                let resources = document["resources"].as_array().expect("a list").clone();
                resources.iter().map(|object| object["id"].to_string()).collect::<BTreeSet<_>>()
            };
            assert_eq!(ids(&place), ids(&demo.place), "{arguments:?} lost or made up objects");
        }
    }
}

#[test]
fn a_store_that_cannot_be_used_is_an_error_that_says_why() {
    let Some(demo) = Demo::shared() else { return };
    let state = demo.state();
    let bytes = std::fs::read(demo.place.path("store.db")).expect("the store");
    let mut newer = bytes.clone();
    // The schema's version lies at this place of every SQLite file.
    newer[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    let mut torn = bytes.clone();
    torn[4096..bytes.len().min(1 << 16)].fill(0xa5);
    for (what, content, words) in [
        ("garbage", b"this is no database, but it is longer than a header would be".repeat(100), "not an SQLite"),
        ("newer", newer, "9999"),
        ("torn", torn, "damaged"),
    ] {
        let place = Place::new();
        place.write("store.db", &content);
        place.write("store.db.published", &content);
        for arguments in [
            &["scan", "--type", "aws_vpc"][..],
            &["query", "--json"],
            &["drift", "--state", &state, "--no-scan"],
            &["drift", "--state", &state, "--type", "aws_vpc"],
            &["unmanaged", "--state", &state, "--type", "aws_vpc"],
        ] {
            let run = demo.run_in(&place, arguments);
            assert_eq!(run.code, 1, "{what}, {arguments:?}:\n{}\n{}", run.stdout, run.stderr);
            assert!(run.stdout.is_empty(), "{what}, {arguments:?}: {}", run.stdout);
            assert!(run.stderr.contains(words), "{what}, {arguments:?} does not say {words:?}: {}", run.stderr);
            assert!(run.stderr.contains("store.db") && run.stderr.contains("help:"), "{what}: {}", run.stderr);
        }
        assert_eq!(std::fs::read(place.path("store.db")).expect("the store"), content, "{what} was changed");
    }

    let place = Place::new();
    std::fs::create_dir(place.path("store.db")).expect("a folder");
    demo.run_in(&place, &["scan", "--type", "aws_vpc"]).ends_with(1).says("folder").says("help:");
    demo.run_in(&place, &["query"]).ends_with(1);

    let place = demo.copy_of_store();
    let folder = place.path("");
    std::fs::set_permissions(&folder, Permissions::from_mode(0o555)).expect("it is mine");
    let is_denied = std::fs::write(place.path("probe"), "").is_err();
    // Permissions bind everybody but root, and nobody makes a file in /sys.
    let store = if is_denied { place.path("new.db") } else { "/sys/driftmgr.db".into() };
    let scan = ["scan", "--type", "aws_vpc", "--store", &store.to_string_lossy()];
    let run = demo.run_in(&place, &scan);
    let drift = ["drift", "--state", &state, "--type", "aws_vpc", "--store", &store.to_string_lossy()];
    let drift = demo.run_in(&place, &drift);
    let query = demo.run_in(&place, &["query", "--json"]);
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("it is mine");
    run.ends_with(1).says(&store.to_string_lossy()).says("help:");
    drift.ends_with(1).says(&store.to_string_lossy()).says("help:");
    // Readers need no more than to read.
    query.ends_with(0).document("driftmgr.query/v1");
}
