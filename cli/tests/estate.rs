//! Every command on the demo estate: an emulated account, and the state that terraform wrote for it.

mod support;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{ACCOUNT, Demo, Place, Run, check_schema};
use xtask::tools::{self, Tool};

/// Is in the estate's state, where only terraform may know it.
const PLANTED: &str = "planted-secret-never-print-me";

type Objects = BTreeSet<(String, String)>;

fn objects<'a>(entries: impl IntoIterator<Item = &'a Value>) -> Objects {
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    entries.into_iter().map(|entry| (text(entry, "type"), text(entry, "id"))).collect()
}

fn list<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document[name].as_array().expect("a list")
}

/// Gives what a person is asked to look at: findings of one kind that are not folded.
fn found(report: &Value, kind: &str) -> Objects {
    objects(list(report, "findings").iter().filter(|finding| finding["kind"] == kind && finding["folded"].is_null()))
}

#[test]
fn an_untouched_estate_is_clean() {
    let Some(_) = tools::or_skip(Tool::Moto) else { return };
    let demo = Demo::start(false);
    let state = demo.state();
    let report = demo.run(&["drift", "--state", &state, "--json"]);
    let document = report.document("driftmgr.drift/v1");
    let report = report.ends_with(3);
    assert_eq!(document["summary"]["failing"], 0);
    for kind in ["missing", "changed", "orphan", "dangling", "double_owner", "unmanaged"] {
        assert_eq!(found(&document, kind), Objects::new(), "{kind}");
    }
    // The catalog has no internet gateways: that one is undetermined, and never missing.
    assert_eq!(document["summary"]["by_type"], json!({"aws_internet_gateway": {"undetermined": 1}}));
    demo.run(&["drift", "--dir", "estate"]).ends_with(report.code);
    demo.run(&["drift", "--dir", "estate", "--allow-incomplete"]).ends_with(0);
    demo.run(&["drift", "--dir", "estate", "--type", "aws_sqs_*", "--type", "aws_iam_*"]).ends_with(0);
}

#[test]
fn drift_and_unmanaged_find_exactly_what_was_changed() {
    let Some(demo) = Demo::shared() else { return };
    let state = demo.state();
    let run = demo.run(&["drift", "--state", &state, "--unmanaged", "--json"]).ends_with(2);
    let report = run.document("driftmgr.drift/v1");
    let optional = objects(list(&demo.truth, "optional"));
    for kind in ["changed", "missing", "unmanaged", "managed_elsewhere"] {
        let expected = objects(list(&demo.truth, kind));
        assert!(!expected.is_empty(), "the truth tells of no {kind}");
        let found: Objects = found(&report, kind).difference(&optional).cloned().collect();
        assert_eq!(found, expected, "{kind}");
    }
    for expected in list(&demo.truth, "changed") {
        let finding = list(&report, "findings")
            .iter()
            .find(|finding| finding["kind"] == "changed" && finding["address"] == expected["address"])
            .unwrap_or_else(|| panic!("{expected} was not found"));
        let paths: Vec<&Value> = list(finding, "attributes").iter().map(|attribute| &attribute["path"]).collect();
        // No listing shows the value of a parameter, but its version tells that somebody wrote one.
        let is_parameter = expected["type"] == "aws_ssm_parameter";
        let attribute = if is_parameter { &json!("version") } else { &expected["attribute"] };
        assert!(paths.contains(&attribute), "{expected} is not among {paths:?}");
        assert_eq!(finding["fails"], false, "a difference at inventory precision never fails");
    }

    let run = demo.run(&["unmanaged", "--state", &state, "--json"]).ends_with(2);
    let unmanaged = run.document("driftmgr.drift/v1");
    assert_eq!(found(&unmanaged, "unmanaged"), found(&report, "unmanaged"));
    assert!(found(&unmanaged, "missing").is_empty() && found(&unmanaged, "changed").is_empty());
    assert!(
        list(&unmanaged, "states").iter().any(|known| known["url"].as_str().is_some_and(|url| url.contains("estate")))
    );

    // From standard input, from the root module and from the store, the answer is the same.
    let bytes = std::fs::read(&state).expect("the state");
    let mut child = demo
        .driftmgr_in(&demo.place)
        .args(["drift", "--state", "-", "--no-scan", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("driftmgr starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), &bytes).expect("it reads");
    let piped = Run::of(child.wait_with_output().expect("it ends")).ends_with(2).document("driftmgr.drift/v1");
    let rooted =
        demo.run(&["drift", "--dir", "estate", "--no-scan", "--json"]).ends_with(2).document("driftmgr.drift/v1");
    for kind in ["changed", "missing"] {
        assert_eq!(found(&piped, kind), found(&report, kind), "{kind} from standard input");
        assert_eq!(found(&rooted, kind), found(&report, kind), "{kind} from the root module");
    }
}

#[test]
fn a_scan_is_a_document_and_a_table() {
    let Some(demo) = Demo::shared() else { return };
    let place = Place::new();
    let run = demo.run_in(&place, &["scan", "--type", "aws_sqs_queue", "--type", "aws.v*", "--json"]).ends_with(0);
    let document = run.document("driftmgr.scan/v1");
    assert_eq!(document["complete"], true);
    assert!(list(&document, "scopes").iter().any(|scope| scope["native_type"] == "aws.sqs_queue"));
    let run = demo.run_in(&place, &["scan", "--type", "aws_sqs_queue"]).ends_with(0);
    assert!(run.stdout.contains(ACCOUNT) && run.stdout.contains("aws.sqs_queue"), "{}", run.stdout);
    assert!(run.stdout.contains("0 new, 0 changed, 0 gone"), "{}", run.stdout);
    demo.run_in(&place, &["scan", "--account", "999999999999"]).ends_with(1).says("999999999999").says(ACCOUNT);
    demo.run_in(&place, &["scan", "--type", "aws_sqs_quue"]).ends_with(1).says("aws_sqs_quue");
    // A failed scan leaves what was there.
    demo.run_in(&place, &["query", "--type", "aws_sqs_queue"]).ends_with(0);
}

#[test]
fn a_query_narrows_and_pages() {
    let Some(demo) = Demo::shared() else { return };
    let ask = |arguments: &[&str]| {
        let arguments = [&["query", "--json"], arguments].concat();
        demo.run(&arguments).ends_with(0).document("driftmgr.query/v1")
    };
    let all = ask(&[]);
    let total = list(&all, "resources").len();
    assert!(total > 60 && all["complete"] == true, "{total}");
    let queues = ask(&["--type", "aws_sqs_queue"]);
    let n_queues = list(&queues, "resources").len();
    assert!(n_queues >= 5 && list(&queues, "resources").iter().all(|object| object["type"] == "aws_sqs_queue"));
    assert_eq!(queues["resources"], ask(&["--type", "aws.sqs_queue"])["resources"]);
    assert_eq!(queues["resources"], ask(&["--type", "aws_sqs_*", "--region", "eu-central-1"])["resources"]);
    assert_eq!(list(&ask(&["--type", "aws_sqs_*", "--region", "us-east-1"]), "resources"), &[] as &[Value]);
    demo.run(&["query", "--account", "999999999999"]).ends_with(1).says("999999999999");

    // Pages are in one order, and together they are the whole.
    let mut paged = Vec::new();
    for offset in (0..n_queues).step_by(2) {
        let page = ask(&["--type", "aws_sqs_queue", "--limit", "2", "--offset", &offset.to_string()]);
        paged.extend(list(&page, "resources").to_vec());
    }
    assert_eq!(Value::from(paged), queues["resources"]);

    let ids = |document: &Value| objects(list(document, "resources"));
    let one = ids(&ask(&["--id", "carts-copy"]));
    assert_eq!(one, [("aws_dynamodb_table".to_owned(), "carts-copy".to_owned())].into());
    let by_name = ids(&ask(&["--name", "replay-of-*"]));
    assert_eq!(by_name.len(), 1, "{by_name:?}");
    let by_attribute = ids(&ask(&["--where", "visibility_timeout_seconds=300"]));
    assert_eq!(by_attribute.len(), 1, "{by_attribute:?}");
    let by_tag = ids(&ask(&["--type", "aws_instance", "--tag", "Role=bastion"]));
    assert_eq!(by_tag.len(), 1, "{by_tag:?}");
    assert!(ids(&ask(&["--type", "aws_instance", "--tag", "Role"])).len() > by_tag.len());

    let hidden = ask(&["--type", "aws_instance", "--values", "none"]);
    assert!(!hidden.to_string().contains("bastion"), "{hidden}");
    demo.run(&["query", "--max-age", "1d"]).ends_with(0);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let old = demo.run(&["query", "--max-age", "1s"]).ends_with(1).says("driftmgr scan");
    assert!(old.stdout.is_empty());
    demo.run(&["query", "--type", "aws_sqs_quue"]).ends_with(1).says("aws_sqs_quue");
}

#[test]
fn answers_can_be_narrowed_grouped_and_judged_otherwise() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    let drift =
        |arguments: &[&str]| demo.run_in(&place, &[&["drift", "--no-scan", "--state", &state], arguments].concat());
    let json = |arguments: &[&str]| drift(&[&["--json"], arguments].concat()).document("driftmgr.drift/v1");

    let queues = json(&["--type", "aws_sqs_queue"]);
    assert_eq!(found(&queues, "missing").len(), 1);
    assert!(list(&queues, "findings").iter().all(|finding| finding["type"] == "aws_sqs_queue"));
    let tagged = json(&["--tag", "Role"]);
    assert!(list(&tagged, "findings").iter().all(|finding| finding["type"] == "aws_instance"), "{tagged}");

    drift(&["--fail-on", "changed"]).ends_with(3);
    drift(&["--fail-on", "changed", "--allow-incomplete"]).ends_with(0);
    drift(&["--fail-on", "missing"]).ends_with(2);
    drift(&["--type", "aws_instance"]).ends_with(0);
    drift(&["--account", ACCOUNT]).ends_with(2);
    let unclassified = json(&["--tier", "unclassified"]);
    let declared = json(&["--tier", "declared"]);
    assert_ne!(found(&unclassified, "changed"), found(&declared, "changed"));

    let values = drift(&["--values", "none", "--json"]).document("driftmgr.drift/v1");
    for finding in list(&values, "findings") {
        for attribute in list(finding, "attributes") {
            assert!(attribute["state"].is_null() && attribute["cloud"].is_null(), "{attribute}");
        }
    }
    for by in ["type", "service", "account", "region", "tag:Role"] {
        let text = drift(&["--group-by", by, "--all"]).ends_with(2).stdout;
        assert!(text.contains("billing-dead-letter"), "{text}");
    }
    let markdown = drift(&["--format", "markdown"]).ends_with(2).stdout;
    assert!(markdown.contains("billing-dead-letter"), "{markdown}");
}

#[test]
fn nothing_but_text_is_written_where_nobody_looks_at_a_terminal() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    for arguments in [
        &["drift", "--no-scan", "--state", &state][..],
        &["unmanaged", "--no-scan", "--state", &state],
        &["query"],
        &["types"],
        &["doctor"],
        &["scan", "--type", "aws_vpc"],
    ] {
        let plain = demo.run_in(&place, arguments);
        assert!(!plain.stdout.contains('\x1b') && !plain.stderr.contains('\x1b'), "{arguments:?}");
    }
    let color = |name: &str, value: &str| {
        let mut command = demo.driftmgr_in(&place);
        command.args(["drift", "--no-scan", "--state", &state]).env(name, value);
        Run::of(command.output().expect("driftmgr starts")).ends_with(2).stdout
    };
    assert!(color("CLICOLOR_FORCE", "1").contains('\x1b'));
    assert!(!color("NO_COLOR", "1").contains('\x1b'));
}

#[test]
fn an_ignore_rule_holds_until_it_expires() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    let arguments =
        ["drift", "--no-scan", "--state", &state, "--type", "aws_sqs_queue", "--type", "aws_iam_user", "--json"];
    let rules = "rules:\n\
        - {kind: missing, type: aws_sqs_queue, reason: it was moved by hand}\n\
        - {kind: missing, type: aws_iam_user, reason: she left, expires: 2020-01-31, owner: people}\n";
    place.write(".driftmgrignore.yaml", format!("version: 1\n{rules}"));
    let run = demo.run_in(&place, &arguments).ends_with(2).says("she left").says("2020-01-31").says("people");
    let report = run.document("driftmgr.drift/v1");
    let failing: Vec<&Value> = list(&report, "findings").iter().filter(|finding| finding["fails"] == true).collect();
    assert_eq!(failing.len(), 1, "{failing:#?}");
    assert_eq!(failing[0]["type"], "aws_iam_user");
    assert!(run.stdout.contains("it was moved by hand"));

    place.write(".driftmgrignore.yaml", format!("version: 1\ncolour: red\n{rules}"));
    let run = demo.run_in(&place, &arguments).ends_with(1).says(".driftmgrignore.yaml:2");
    assert!(run.stdout.is_empty());
    demo.run_in(&place, &[&arguments[..], &["--ignore-file", "nowhere.yaml"]].concat())
        .ends_with(1)
        .says("nowhere.yaml");
}

#[test]
fn the_age_of_the_store_decides_whether_the_cloud_is_asked() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    // Nobody answers at this address: only the store can.
    let alone = |arguments: &[&str]| {
        let mut command = place.driftmgr();
        demo.moto.configure(&mut command);
        command.env_remove("HTTP_PROXY").env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        command.args(["drift", "--state", &state, "--json"]).args(arguments);
        Run::of(command.output().expect("driftmgr starts"))
    };
    let fresh = alone(&["--no-scan"]).ends_with(2).document("driftmgr.drift/v1");
    let within = alone(&["--max-age", "1d"]).ends_with(2).document("driftmgr.drift/v1");
    assert_eq!(found(&within, "missing"), found(&fresh, "missing"));
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let stale = alone(&["--max-age", "1s"]).ends_with(1);
    assert!(stale.stdout.is_empty());
    stale.says("127.0.0.1");
}

#[test]
fn import_blocks_are_valid_and_a_mapping_comes_back() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    let adopt =
        |arguments: &[&str]| demo.run_in(&place, &[&["adopt", "--no-scan", "--state", &state], arguments].concat());
    let read = |name: &str| std::fs::read_to_string(place.path(name)).expect("the file was written");

    let document = adopt(&["--out-dir", "first", "--json"]).ends_with(0).document("driftmgr.adopt/v1");
    let imports = read("first/imports.tf");
    let mapping: Value = serde_json::from_str(&read("first/mapping.json")).expect("the mapping is JSON");
    check_schema("driftmgr.mapping/v1", &mapping);
    let expected = objects(list(&demo.truth, "unmanaged"));
    let items = objects(list(&document, "items").iter().filter(|item| item["status"] != "skipped"));
    assert!(items.is_superset(&expected), "{:?}", expected.difference(&items).collect::<Vec<_>>());
    assert_eq!(imports.matches("import {").count(), items.len());
    if let Ok(terraform) = tools::terraform_or_tofu() {
        let status = Command::new(terraform)
            .args(["fmt", "-check", "-diff", "first"])
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .current_dir(place.path(""))
            .output()
            .expect("terraform starts");
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    } else {
        tools::skip("neither terraform nor tofu reads imports.tf");
    }

    // What is there is left alone.
    let refused = adopt(&["--out-dir", "first"]).ends_with(1).says("first/imports.tf").says("--dir");
    assert!(refused.stdout.is_empty());
    assert_eq!(read("first/imports.tf"), imports);

    // An unedited mapping gives the same files; an edited one is followed.
    adopt(&["--mapping", "first/mapping.json", "--out-dir", "again"]).ends_with(0);
    assert_eq!(read("again/imports.tf"), imports);
    assert_eq!(read("again/mapping.json"), read("first/mapping.json"));
    let mut edited = mapping.clone();
    for entry in edited["objects"].as_array_mut().expect("a list") {
        if entry["id"] == "carts-copy" {
            entry["address"] = json!("module.data[\"a.b\"].aws_dynamodb_table.copy[\"${x}\"]");
        }
        if entry["id"] == "sandbox/web" {
            entry["skip"] = json!(true);
            entry["reason"] = json!("it is a toy");
        }
    }
    place.write("edited.json", edited.to_string());
    // What was adopted before is not offered twice, unless a person says so.
    let document = adopt(&["--mapping", "edited.json", "--out-dir", "edited", "--json"]).ends_with(0).json();
    assert_eq!(document["summary"]["skipped"], json!(list(&document, "items").len()), "{document:#}");
    assert!(document.to_string().contains("--reclaim offers it again"), "{document:#}");
    assert!(!place.path("edited/imports.tf").exists());
    std::fs::remove_dir_all(place.path("edited")).expect("it was made");
    adopt(&["--mapping", "edited.json", "--out-dir", "edited", "--reclaim"]).ends_with(0);
    let written = read("edited/imports.tf");
    assert!(written.contains("module.data[\"a.b\"].aws_dynamodb_table.copy[\"$${x}\"]"), "{written}");
    assert!(!written.contains("sandbox/web"), "{written}");
    assert!(read("edited/mapping.json").contains("it is a toy"));

    let mut double = mapping;
    for entry in double["objects"].as_array_mut().expect("a list") {
        if entry["type"] == "aws_iam_role_policy" || entry["type"] == "aws_iam_user" {
            entry["address"] = json!("aws_iam_user.same");
        }
    }
    place.write("double.json", double.to_string());
    let double = adopt(&["--mapping", "double.json", "--out-dir", "double"]).ends_with(1);
    double.says("double.json:1").says("aws_iam_user.same").says("of type aws_iam_role_policy");
    place.write("broken.json", "{\"schema\": \"driftmgr.mapping/v1\", \"objects\": [{]}");
    adopt(&["--mapping", "broken.json", "--out-dir", "double"]).ends_with(1).says("broken.json:1");
    assert!(!place.path("double").exists(), "a mistake leaves nothing behind");
}

#[test]
fn types_and_doctor_say_what_works() {
    let Some(demo) = Demo::shared() else { return };
    let types = demo.run(&["types", "--json"]).ends_with(0).document("driftmgr.types/v1");
    assert!(types.to_string().contains("aws_sqs_queue"));
    let run = demo.run(&["doctor", "--dir", "estate"]).ends_with(0);
    for words in [ACCOUNT, "eu-central-1", "store.db", "estate/terraform.tfstate"] {
        assert!(run.stdout.contains(words), "{words}: {}", run.stdout);
    }
}

#[test]
fn the_planted_secret_is_nowhere() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    assert!(std::fs::read_to_string(&state).expect("the state").contains(PLANTED), "the secret is planted");
    let mut outputs = Vec::new();
    for arguments in [
        &["scan"][..],
        &["scan", "--json"],
        &["query", "--json"],
        &["query"],
        &["drift", "--dir", "estate", "--unmanaged", "--json"],
        &["drift", "--state", &state, "--all"],
        &["drift", "--state", &state, "--format", "markdown"],
        &["unmanaged", "--state", &state, "--json"],
        &["adopt", "--state", &state, "--out-dir", "adopt", "--json"],
        &["state", "list", &state],
        &["doctor"],
    ] {
        let mut command = demo.driftmgr_in(&place);
        let output = command.env("DRIFTMGR_LOG", "trace").args(arguments).output().expect("driftmgr starts");
        outputs.push((arguments.join(" "), output));
    }
    // A sensitive value that differs is a finding without its values.
    let n_logged: usize = outputs.iter().map(|(_, output)| output.stderr.len()).sum();
    assert!(n_logged > 10_000, "the log says something: {n_logged}");
    let has_secret = |bytes: &[u8]| bytes.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes());
    for (arguments, output) in &outputs {
        assert!(!has_secret(&output.stdout), "{arguments} prints the secret");
        assert!(!has_secret(&output.stderr), "{arguments} logs the secret");
    }
    let mut n_files = 0;
    let mut folders = vec![place.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                n_files += 1;
                assert!(!has_secret(&std::fs::read(&path).expect("the file")), "{} holds the secret", path.display());
            }
        }
    }
    assert!(n_files >= 4, "store, snapshot and the files of adopt: {n_files}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let Some(demo) = Demo::shared() else { return };
    let place = demo.copy_of_store();
    let state = demo.state();
    for arguments in [
        &["drift", "--no-scan", "--unmanaged", "--state", &state, "--json"][..],
        &["drift", "--no-scan", "--unmanaged", "--state", &state],
        &["drift", "--no-scan", "--state", &state, "--format", "markdown"],
        &["query", "--json"],
    ] {
        let first = demo.run_in(&place, arguments);
        assert!(!first.stdout.is_empty());
        assert_eq!(first.stdout, demo.run_in(&place, arguments).stdout, "{arguments:?}");
    }
}

#[test]
fn two_scans_of_one_store_both_end_well() {
    let Some(demo) = Demo::shared() else { return };
    let place = Place::new();
    let start = || {
        demo.driftmgr_in(&place)
            .args(["scan", "--json", "--region", "eu-central-1", "--region", "us-east-1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("driftmgr starts")
    };
    let children = [start(), start()];
    for child in children {
        Run::of(child.wait_with_output().expect("it ends")).ends_with(0).document("driftmgr.scan/v1");
    }
    let both = demo.run_in(&place, &["query", "--json"]).ends_with(0).json();
    let one = demo.run(&["query", "--json"]).ends_with(0).json();
    assert_eq!(objects(list(&both, "resources")), objects(list(&one, "resources")));
}
