//! Help, wrong usage, completions, and what cannot be read: a clear word on standard error, nothing on standard output.

mod support;

use support::{Place, estate};

const COMMANDS: &[&str] =
    &["scan", "query", "drift", "unmanaged", "adopt", "explain", "state", "types", "doctor", "completions"];

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    let overview = place.run(&["--help"]).ends_with(0).stdout;
    for command in COMMANDS {
        assert!(overview.contains(&format!("\n  {command} ")), "{command} is not in the overview:\n{overview}");
        let help = place.run(&[command, "--help"]).ends_with(0);
        assert!(help.stdout.contains("Usage: driftmgr"), "{}", help.stdout);
    }
    assert!(overview.contains("Exit codes"), "{overview}");
    place.run(&["--version"]).ends_with(0);
}

#[test]
fn wrong_usage_is_an_error_and_never_drift() {
    let place = Place::new();
    for arguments in [
        &["dirft"][..],
        &["drift", "--no-such-option"],
        &["drift", "--max-age", "soon"],
        &["drift", "--fail-on", "everything"],
        &["drift", "--tier", "important"],
        &["scan", "--max-rps", "-1"],
        &["scan", "--parallelism", "0"],
        &["query", "--where", "="],
        &["state"],
        &["adopt"],
        &["adopt", "--state", "x.tfstate"],
        &["adopt", "--out-dir", "x", "--only-mapped"],
        &["adopt", "--out-dir", "x", "--limit", "0"],
        &["adopt", "--out-dir", "x", "--group-from", "1"],
        &["adopt", "--out-dir", "x", "--group-from", "3", "--no-groups"],
        &["adopt", "--out-dir", "x", "--import", "aws_vpc"],
        &["adopt", "--out-dir", "x", "--import", "data.aws_vpc.x=y"],
        &["adopt", "--out-dir", "x", "--name-pattern", "{nme}"],
        &["adopt", "--out-dir", "x", "--layout", "folder"],
        &["adopt", "--out-dir", "x", "--arguments", "all"],
        &["adopt", "--out-dir", "x", "--import-only", "--verify"],
        &["adopt", "--dir", "nowhere"],
        &["explain"],
        &["explain", "local.x", "--format", "markdown"],
        &["explain", "local.x", "--dir", "nowhere"],
    ] {
        let run = place.run(arguments).ends_with(1);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{arguments:?}: {}", run.stdout);
    }
    place.run(&["dirft"]).says("drift");
}

#[test]
fn completions_exist_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(place.run(&["completions", shell]).ends_with(0).stdout.contains("unmanaged"));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let status = std::process::Command::new("bash")
        .args(["-c", "set -o pipefail; \"$0\" types | head -n 1 > /dev/null", env!("CARGO_BIN_EXE_driftmgr")])
        .current_dir(place.path(""))
        .status()
        .expect("bash runs");
    assert!(status.success());
}

#[test]
fn a_store_that_was_never_filled_is_an_error_not_an_empty_answer() {
    let place = Place::new();
    place.run(&["query"]).ends_with(1).says("driftmgr scan");
    let state = estate().join("terraform.tfstate");
    place.run(&["drift", "--state", &state.to_string_lossy(), "--no-scan"]).ends_with(1).says("driftmgr scan");
}

#[test]
fn no_credentials_is_an_error_that_says_where_was_looked() {
    let place = Place::new();
    let state = estate().join("terraform.tfstate");
    for arguments in [&["scan", "--region", "eu-central-1"][..], &["drift", "--state", &state.to_string_lossy()]] {
        let run = place.run(arguments).ends_with(1).says("redentials");
        assert!(run.stdout.is_empty());
    }
    place.run(&["doctor"]).ends_with(1);
    place.run(&["scan", "--profile", "nobody"]).ends_with(1).says("nobody");
}

#[test]
fn states_that_cannot_be_used_say_why() {
    let place = Place::new();
    let whole = std::fs::read_to_string(estate().join("terraform.tfstate")).expect("the estate's state");
    let truncated = &whole[..whole.len() / 2];
    let newer = whole.replacen("\"version\": 4", "\"version\": 5", 1);
    for (name, content, words) in [
        ("truncated.tfstate", truncated.as_bytes(), "end"),
        ("binary.tfstate", b"\x7fELF\x00\xff\xfe".as_slice(), "state"),
        ("latin1.tfstate", b"{\"version\": 4, \"terraform_version\": \"\xe9\"}".as_slice(), "UTF-8"),
        ("newer.tfstate", newer.as_bytes(), "5"),
        ("old.tfstate", br#"{"version": 3, "serial": 1, "lineage": "a", "modules": []}"#.as_slice(), "3"),
        ("pointer.tfstate", br#"{"version": 3, "serial": 1, "lineage": "a", "backend": {"type": "s3"}}"#, "backend"),
        ("plan.tfplan", b"PK\x03\x04rest", "plan"),
        ("show.json", br#"{"format_version": "1.0", "terraform_version": "1.11.4"}"#, "json"),
        (
            "encrypted.tfstate",
            br#"{"serial":1,"lineage":"a","meta":{},"encrypted_data":"x","encryption_version":"v0"}"#,
            "ncrypt",
        ),
        ("page.tfstate", b"<!DOCTYPE html><html></html>", "HTML"),
    ] {
        place.write(name, content);
        let run = place.run(&["state", "list", name]).ends_with(1);
        assert!(run.stdout.is_empty(), "{name}: {}", run.stdout);
        assert!(
            run.stderr.to_lowercase().contains(&words.to_lowercase()),
            "{name} does not say {words:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains(name), "{name} is not named: {}", run.stderr);
    }
    place.run(&["state", "list", "nowhere.tfstate"]).ends_with(1).says("nowhere.tfstate");
    place.run(&["state", "list", "ftp://host/state"]).ends_with(1).says("ftp");
    place.write("empty.tfstate", "");
    assert!(place.run(&["state", "list", "empty.tfstate"]).ends_with(0).says("empty").stdout.is_empty());
}

#[test]
fn a_state_is_read_from_a_file_a_folder_and_standard_input() {
    let place = Place::new();
    let state = std::fs::read(estate().join("terraform.tfstate")).expect("the estate's state");
    place.write("terraform.tfstate", &state);
    let listed = place.run(&["state", "list", "terraform.tfstate"]).ends_with(0).stdout;
    assert!(listed.lines().count() > 20, "{listed}");
    assert_eq!(place.run(&["state", "list", "."]).ends_with(0).stdout, listed);
    assert_eq!(place.run(&["state", "list"]).ends_with(0).stdout, listed);
    let mut child = place
        .driftmgr()
        .args(["state", "list", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("driftmgr starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), &state).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), listed);
}

#[test]
fn definitions_of_the_user_are_checked_with_line_and_column() {
    let place = Place::new();
    let original = estate().join("../../catalog/aws/sqs_queue.yaml");
    let text = std::fs::read_to_string(original).expect("the catalog has queues");
    place.write("catalog/aws/sqs_queue.yaml", format!("{text}colour: red\n"));
    let line = text.lines().count() + 1;
    place.run(&["types", "--catalog", "catalog"]).ends_with(1).says(&format!("aws/sqs_queue.yaml:{line}:1"));
    place.run(&["types", "--catalog", "nowhere"]).ends_with(1).says("nowhere");
    place.run(&["types", "aws_sqs_quue"]).ends_with(1).says("aws_sqs_quue");
    assert!(place.run(&["types", "--permissions", "aws_sqs_queue"]).ends_with(0).stdout.contains("sqs:ListQueues"));
}
