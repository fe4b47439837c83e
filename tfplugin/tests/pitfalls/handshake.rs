//! The first line, and everything that may come instead of it.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tfplugin::ErrorKind;
use tfplugin::host::{HostedProvider, Launch};

use crate::support::{COOKIE, echo, launch_with, torture};

fn run(variables: &[(&str, &str)]) -> Output {
    Command::new(torture())
        .env_remove(COOKIE.0)
        .env_remove("PLUGIN_PROTOCOL_VERSIONS")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn without_the_cookie_a_person_is_told_what_this_is() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("plugin") && text.contains("required_providers"), "{text}");
}

#[test]
fn a_client_of_protocol_5_alone_is_told_what_to_do() {
    let output = run(&[COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", "5")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("version 6") && text.contains("only version 5") && text.contains("Terraform 1.0"), "{text}");
}

#[test]
fn a_folder_with_a_long_path_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(120));
    std::fs::create_dir(&long).unwrap();
    let output = run(&[COOKIE, ("PLUGIN_UNIX_SOCKET_DIR", long.to_str().unwrap())]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("bytes long") && text.contains("PLUGIN_UNIX_SOCKET_DIR"), "{text}");
    assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn a_group_that_does_not_exist_is_named() {
    let output = run(&[COOKIE, ("PLUGIN_UNIX_SOCKET_GROUP", "no-such-group")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no-such-group"));
}

#[tokio::test]
async fn a_folder_for_sockets_is_used_and_left_empty() {
    let folder = tempfile::tempdir().unwrap();
    // Our host passes no PLUGIN_ variables on, so a shell sets this one.
    let script = format!("PLUGIN_UNIX_SOCKET_DIR='{}' exec '{}'", folder.path().display(), torture().display());
    let launch = Launch { arguments: vec!["-c".into(), script.into()], ..Launch::new("/bin/sh", std::env::vars_os()) };
    let provider = HostedProvider::launch(launch).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    provider.shutdown().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn noise_before_the_handshake_is_quoted() {
    let launch = Launch {
        arguments: vec!["-c".into(), "echo 'Hello, world'; echo 'dying words' >&2; sleep 60".into()],
        ..Launch::new("/bin/sh", std::env::vars_os())
    };
    let error = HostedProvider::launch(launch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(error.to_string().contains("Hello, world"), "{error}");
}

fn shell(script: &str) -> Launch {
    Launch { arguments: vec!["-c".into(), script.into()], ..Launch::new("/bin/sh", std::env::vars_os()) }
}

#[tokio::test]
async fn a_first_line_without_end_is_not_quoted_whole() {
    let launch = shell("head -c 1000000 /dev/zero | tr '\\0' x; sleep 60");
    let error = HostedProvider::launch(launch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    let text = error.to_string();
    assert!(text.contains("xxx\" and so on") && text.len() < 1_000, "{text}");
}

#[tokio::test]
async fn a_first_line_that_is_no_text_is_quoted_as_far_as_it_is() {
    let error = HostedProvider::launch(shell("printf 'caf\\351 \\377\\n'; sleep 60")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(error.to_string().contains("caf\u{fffd}"), "{error}");
}

#[tokio::test]
async fn a_version_that_was_not_offered_is_refused() {
    let error = HostedProvider::launch(shell("echo '1|4|tcp|127.0.0.1:1|grpc|'; sleep 60")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(error.to_string().contains("version 4") && error.to_string().contains("only 5 and 6"), "{error}");
}

#[tokio::test]
async fn of_a_panic_at_the_start_the_beginning_is_told() {
    let script = "{ echo 'panic: no region'; echo; echo 'goroutine 1 [running]:'; seq 1000; } >&2; exit 2";
    let error = HostedProvider::launch(shell(script)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(error.to_string().contains("panic: no region\n\ngoroutine 1"), "{error}");
    assert!(!error.to_string().contains("\n500\n"), "{error}");
}

#[tokio::test]
async fn a_program_that_ends_at_once_has_the_last_word() {
    let launch = Launch {
        arguments: vec!["-c".into(), "echo 'no licence found' >&2; exit 3".into()],
        ..Launch::new("/bin/sh", std::env::vars_os())
    };
    let error = HostedProvider::launch(launch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(error.to_string().contains("no licence found"), "{error}");
}

#[tokio::test]
async fn a_program_that_says_nothing_is_given_up() {
    let launch = Launch {
        arguments: vec!["60".into()],
        start_timeout: Duration::from_millis(300),
        ..Launch::new("/bin/sleep", std::env::vars_os())
    };
    assert_eq!(HostedProvider::launch(launch).await.unwrap_err().kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let launch = Launch::new("/nowhere/terraform-provider-x", []);
    let error = HostedProvider::launch(launch).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotStarted);
    assert!(error.to_string().contains("/nowhere/terraform-provider-x"), "{error}");
}

#[tokio::test]
async fn a_port_of_the_loopback_interface_serves_where_sockets_do_not() {
    let provider = HostedProvider::launch(launch_with(&[("TORTURE_TCP", "1")])).await.unwrap();
    echo(&provider, &[]).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn without_encryption_both_sides_still_talk() {
    let launch = Launch { is_encrypted: false, ..launch_with(&[]) };
    let provider = HostedProvider::launch(launch).await.unwrap();
    assert_eq!(provider.protocol_version(), 6);
    echo(&provider, &[]).await;
    provider.shutdown().await;
}
