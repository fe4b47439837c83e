//! Providers that are started when they are needed, and again when they crashed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cty::Value;
use tfplugin::host::{HostedProvider, Launch, Processes, Reattach, Supervised};
use tfplugin::{Call, ConfigureRequest, ErrorKind, Provider};

use crate::support::{
    call, echo, echo_within, eventually, example, field, is_running, launch_with, object, schema, torture,
};

async fn configure(provider: &dyn Provider, label: &str) {
    let config = object(&schema(provider).await.provider.value_type(), &[("label", Value::string(label))]);
    let request = ConfigureRequest { terraform_version: "1.15.0".to_owned(), config };
    let ((), diagnostics) = provider.configure(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
}

async fn label(provider: &dyn Provider) -> Value {
    field(&echo(provider, &[]).await, "label")
}

fn signal(name: &str, id: u32) {
    assert!(Command::new("kill").args([name, &id.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn nothing_runs_before_the_first_call() {
    let provider = Supervised::new(launch_with(&[]));
    assert_eq!(provider.process_id().await, None);
    schema(&provider).await;
    let id = provider.process_id().await.unwrap();
    provider.shutdown().await;
    assert!(!is_running(id));
    let error = provider.schema(&call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "what was shut down stays down: {error}");
}

#[tokio::test]
async fn after_a_crash_the_provider_is_configured_as_before() {
    let provider = Supervised::new(launch_with(&[]));
    configure(&provider, "first").await;
    let (call_before, long) = (call(), [("sleep_ms", Value::number(60_000_i64))]);
    let (crashed, in_flight) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            echo_within(&provider, &call(), &[("crash", Value::bool(true))]).await
        },
        echo_within(&provider, &call_before, &long)
    );
    for error in [crashed.unwrap_err(), in_flight.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Crashed, "{error}");
        assert!(error.to_string().contains("the disk is on fire"), "{error}");
        assert!(error.to_string().contains("terraform-provider-torture"), "{error}");
        assert!(error.is_retryable());
    }
    assert_eq!(label(&provider).await, Value::string("first"));
    configure(&provider, "second").await;
    assert_eq!(label(&provider).await, Value::string("second"));
    provider.shutdown().await;
}

#[tokio::test]
async fn the_fourth_crash_is_the_last() {
    let provider = Supervised::new(launch_with(&[]));
    for _ in 0..4 {
        let error = echo_within(&provider, &call(), &[("crash", Value::bool(true))]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Crashed);
    }
    let started = Instant::now();
    let error = provider.schema(&call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GivenUp);
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("4 times") && error.to_string().contains("the disk is on fire"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(1), "nothing was started");
    provider.shutdown().await;
}

#[tokio::test]
async fn a_program_that_never_works_is_not_tried_forever() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("starts");
    let script = format!("echo started >> '{}'; echo 'no licence found' >&2; exit 3", log.display());
    let launch = Launch { arguments: vec!["-c".into(), script.into()], ..Launch::new("/bin/sh", std::env::vars_os()) };
    let provider = Supervised::new(launch);
    for _ in 0..10 {
        let error = provider.schema(&call()).await.unwrap_err();
        assert!(error.to_string().contains("no licence found"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 4);
}

#[tokio::test]
async fn more_configurations_than_processes_take_turns() {
    let processes = Processes::at_most(1);
    let launch = || Launch { processes: processes.clone(), ..launch_with(&[]) };
    let providers = [Supervised::new(launch()), Supervised::new(launch()), Supervised::new(launch())];
    for (provider, label) in providers.iter().zip(["a", "b", "c"]) {
        configure(provider, label).await;
    }
    for _ in 0..2 {
        for (provider, expected) in providers.iter().zip(["a", "b", "c"]) {
            assert_eq!(label(provider).await, Value::string(expected));
        }
    }
    // All at once: who is busy finishes first.
    let pause = [("sleep_ms", Value::number(200_i64))];
    let (first, second, third) =
        tokio::join!(echo(&providers[0], &pause), echo(&providers[1], &pause), echo(&providers[2], &pause));
    for (found, expected) in [first, second, third].into_iter().zip(["a", "b", "c"]) {
        assert_eq!(field(&found, "label"), Value::string(expected));
    }
    let mut n_running = 0;
    for provider in &providers {
        n_running += usize::from(provider.process_id().await.is_some());
        provider.shutdown().await;
    }
    assert_eq!(n_running, 1);
}

#[tokio::test]
async fn processes_of_one_program_share_a_schema() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let launch = Launch {
        program: example("wire-proxy"),
        arguments: vec![torture().into()],
        ..launch_with(&[("WIRE_LOG", log.to_str().unwrap())])
    };
    let providers = [Supervised::new(launch.clone()), Supervised::new(launch)];
    for (provider, label) in providers.iter().zip(["a", "b"]) {
        configure(provider, label).await;
    }
    let schemas = [schema(&providers[0]).await, schema(&providers[1]).await];
    assert!(std::sync::Arc::ptr_eq(&schemas[0], &schemas[1]));
    for (provider, expected) in providers.iter().zip(["a", "b"]) {
        assert_eq!(label(provider).await, Value::string(expected));
        provider.shutdown().await;
    }
    let log = std::fs::read_to_string(&log).unwrap();
    assert_eq!(log.matches("/GetProviderSchema\n").count(), 1, "{log}");
    assert_eq!(log.matches("/GetResourceIdentitySchemas\n").count(), 1, "{log}");
}

#[tokio::test]
async fn waiting_for_a_place_ends_at_the_deadline() {
    let processes = Processes::at_most(1);
    let launch = || Launch { processes: processes.clone(), ..launch_with(&[]) };
    let by_hand = HostedProvider::launch(launch()).await.unwrap();
    let provider = Supervised::new(launch());
    let error = provider.schema(&Call::within(Duration::from_millis(200))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    by_hand.shutdown().await;
    schema(&provider).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_stops_what_is_under_way() {
    let provider = Supervised::new(launch_with(&[]));
    schema(&provider).await;
    let id = provider.process_id().await.unwrap();
    let (call, long) = (call(), [("sleep_ms", Value::number(60_000_i64))]);
    let started = Instant::now();
    let (read, ()) = tokio::join!(echo_within(&provider, &call, &long), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        provider.shutdown().await;
    });
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Cancelled, "it was stopped, not killed");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(!is_running(id));
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_start() {
    let launch = Launch { arguments: vec!["60".into()], ..Launch::new("/bin/sleep", std::env::vars_os()) };
    let provider = Supervised::new(launch);
    let (call, started) = (call(), Instant::now());
    let (asked, ()) = tokio::join!(provider.schema(&call), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        provider.shutdown().await;
    });
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_host_killed_during_the_start_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("id");
    // It never gets ready.
    let script = format!("echo $$ > '{}'; trap '' TERM; while :; do sleep 1; done", file.display());
    let mut host = Command::new(example("host-and-wait")).args(["/bin/sh", "-c", &script]).spawn().unwrap();
    let id = || std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u32>().ok());
    eventually("it runs", Duration::from_secs(20), || id().is_some_and(is_running)).await;
    host.kill().unwrap();
    host.wait().unwrap();
    eventually("it is gone", Duration::from_secs(5), || !id().is_some_and(is_running)).await;
}

#[tokio::test]
async fn a_provider_that_does_not_stop_is_killed() {
    let provider = Supervised::new(launch_with(&[]));
    schema(&provider).await;
    let id = provider.process_id().await.unwrap();
    signal("-STOP", id);
    let (call, started) = (call(), Instant::now());
    let (read, ()) = tokio::join!(echo_within(&provider, &call, &[]), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        provider.shutdown().await;
    });
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Crashed);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(!is_running(id));
}

#[tokio::test]
async fn a_server_that_runs_already_is_used_and_left_alone() {
    let mut server =
        Command::new(torture()).arg("--reattach").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let announced: serde_json::Value = serde_json::from_str(&line).unwrap();
    let announced = &announced["registry.terraform.io/driftmgr/torture"];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let version = u32::try_from(announced["ProtocolVersion"].as_u64().unwrap()).unwrap();
    let reattach = Reattach {
        data_sources: ["torture_echo".to_owned()].into(),
        ..Reattach::new(version, text(&announced["Addr"]["Network"]), text(&announced["Addr"]["String"]))
    };
    for label_text in ["one", "two"] {
        let provider = Supervised::reattach(reattach.clone());
        configure(&provider, label_text).await;
        assert_eq!(label(&provider).await, Value::string(label_text));
        assert_eq!(provider.process_id().await, None);
        provider.shutdown().await;
        assert!(is_running(server.id()));
    }
    signal("-TERM", server.id());
    server.wait().unwrap();
    let error = Supervised::reattach(reattach).schema(&call()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake, "{error}");
}

#[tokio::test]
async fn a_killed_host_takes_even_a_stubborn_family_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    // The provider's parent ignores signals, and so does a child it forks and forgets.
    let script = format!(
        "trap '' TERM INT HUP; (trap '' TERM INT HUP; sleep 1000) & echo $! > '{}'; '{}'; exit",
        child.display(),
        torture().display()
    );
    let mut host =
        Command::new(example("host-and-wait")).args(["/bin/sh", "-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ids = [line.trim().parse().unwrap(), std::fs::read_to_string(&child).unwrap().trim().parse().unwrap()];
    for id in ids {
        assert!(is_running(id));
        signal("-TERM", id);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(ids.into_iter().all(is_running), "they are stubborn");
    host.kill().unwrap();
    host.wait().unwrap();
    eventually("the family is gone", Duration::from_secs(2), || !ids.into_iter().any(is_running)).await;
}

#[tokio::test]
async fn a_shutdown_leaves_no_child_of_the_provider() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let script =
        format!("(trap '' TERM; sleep 1000) & echo $! > '{}'; exec '{}'", child.display(), torture().display());
    let launch = Launch { arguments: vec!["-c".into(), script.into()], ..Launch::new("/bin/sh", std::env::vars_os()) };
    let provider = Supervised::new(launch);
    schema(&provider).await;
    let id: u32 = std::fs::read_to_string(&child).unwrap().trim().parse().unwrap();
    assert!(is_running(id));
    provider.shutdown().await;
    eventually("the child is gone", Duration::from_secs(2), || !is_running(id)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_provider_that_keeps_memory_of_every_call_is_replaced_in_time() {
    let provider = Supervised::new(launch_with(&[("TORTURE_LEAK_KIB", "256")]));
    configure(&provider, "leaky").await;
    let mut processes = std::collections::BTreeSet::new();
    for n_calls in 0..1_100 {
        assert_eq!(label(&provider).await, Value::string("leaky"), "call {n_calls}");
        processes.extend(provider.process_id().await);
    }
    // 512 calls leave 128 MiB behind.
    assert_eq!(processes.len(), 3);
    provider.shutdown().await;
    for id in processes {
        eventually("the process ends", Duration::from_secs(30), || !is_running(id)).await;
    }
}
