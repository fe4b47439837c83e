//! Processes that crash, flood, linger, or are left behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cty::Value;
use tfplugin::{ErrorKind, Provider};

use crate::support::{COOKIE, call, echo, echo_within, eventually, example, is_running, start, torture};

#[tokio::test]
async fn a_flood_on_standard_error_holds_up_nothing() {
    let provider = start().await;
    let started = Instant::now();
    echo(&provider, &[("flood", Value::number(2_i64 << 20))]).await;
    assert!(started.elapsed() < Duration::from_secs(20));
    provider.shutdown().await;
}

#[tokio::test]
async fn a_crash_is_told_with_the_last_words() {
    let provider = start().await;
    let error = echo_within(&provider, &call(), &[("crash", Value::bool(true))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Crashed);
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
    assert!(error.is_retryable());
    provider.shutdown().await;
}

#[tokio::test]
async fn a_panic_in_one_call_spares_the_others() {
    let provider = start().await;
    let (_, diagnostics) = echo_within(&provider, &call(), &[("panic", Value::bool(true))]).await.unwrap();
    assert_eq!(diagnostics.len(), 1);
    assert!(diagnostics[0].detail.contains("bug in the provider"), "{:?}", diagnostics[0]);
    echo(&provider, &[]).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_provider_ends_in_time_when_told_to() {
    let provider = start().await;
    echo(&provider, &[]).await;
    let id = provider.process_id().unwrap();
    let started = Instant::now();
    provider.shutdown().await;
    assert!(started.elapsed() < Duration::from_millis(1_900), "{:?}", started.elapsed());
    assert!(!is_running(id));
}

#[tokio::test]
async fn a_provider_in_the_middle_of_something_ends_in_time_too() {
    let provider = start().await;
    echo(&provider, &[]).await;
    let id = provider.process_id().unwrap();
    let long = [("sleep_ms", Value::number(60_000_i64))];
    let read = echo_within(&provider, &tfplugin::Call::within(Duration::from_millis(200)), &long).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::TimedOut);
    let started = Instant::now();
    provider.shutdown().await;
    assert!(started.elapsed() < Duration::from_millis(1_900), "{:?}", started.elapsed());
    assert!(!is_running(id));
}

#[tokio::test]
async fn a_dropped_provider_is_gone() {
    let provider = start().await;
    let id = provider.process_id().unwrap();
    assert!(is_running(id));
    drop(provider);
    eventually("the provider is killed", Duration::from_secs(2), || !is_running(id)).await;
}

#[tokio::test]
async fn an_interrupt_from_the_terminal_is_ignored() {
    let provider = start().await;
    echo(&provider, &[]).await;
    let id = provider.process_id().unwrap();
    let killed = Command::new("kill").args(["-INT", &id.to_string()]).status().unwrap();
    assert!(killed.success());
    tokio::time::sleep(Duration::from_millis(200)).await;
    echo(&provider, &[]).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_killed_host_leaves_no_provider_behind() {
    // The shell between the two keeps the provider's parent alive, so only the guard can end it.
    let script = format!("'{}'; exit", torture().display());
    let mut host =
        Command::new(example("host-and-wait")).args(["/bin/sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let id: u32 = line.trim().parse().unwrap();
    assert!(is_running(id));
    host.kill().unwrap();
    host.wait().unwrap();
    eventually("the provider's group is killed", Duration::from_secs(2), || !is_running(id)).await;
}

#[tokio::test]
async fn a_killed_client_leaves_no_server_behind() {
    // The client is a shell that starts the provider as terraform does, and is killed.
    let script = format!("'{}' & echo $!; wait", torture().display());
    let mut client = Command::new("/bin/sh")
        .args(["-c", &script])
        .env(COOKIE.0, COOKIE.1)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(client.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let id: u32 = line.trim().parse().unwrap();
    line.clear();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("1|6|unix|"), "{line}");
    client.kill().unwrap();
    client.wait().unwrap();
    eventually("the provider ends by itself", Duration::from_secs(4), || !is_running(id)).await;
}

#[tokio::test]
async fn schemas_need_no_configuration() {
    let provider = start().await;
    let (schema, diagnostics) = provider.schema(&call()).await.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(schema.identities["torture_thing"].version, 1);
    assert_eq!(schema.resources["torture_thing"].version, 2);
    provider.shutdown().await;
}
