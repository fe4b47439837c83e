//! What goes over the wire, seen by a proxy between our host and the provider it believes to have started.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allowed;
#[path = "pitfalls/support.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::collections::BTreeSet;
use std::path::Path;

use allowed::ALLOWED_CALLS;
use cty::Value;
use support::{CALLS, Subject, ask, call, example};
use tfplugin::ErrorKind;
use tfplugin::host::{Launch, Supervised};
use xtask::tools::{self, Tool};

/// Makes every call a host can make, and gives the paths that went by.
async fn paths_of_a_session(program: &Path, subject: &Subject) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let variables = std::env::vars_os().chain([("WIRE_LOG".into(), log.clone().into())]);
    let provider = Supervised::new(Launch {
        arguments: vec![program.into()],
        data_sources: [subject.data_source.to_owned()].into(),
        ..Launch::new(example("wire-proxy"), variables)
    });
    for operation in CALLS {
        match ask(&provider, operation, subject, &call()).await {
            // Not every provider has everything.
            Err(error) if matches!(error.kind(), ErrorKind::Unimplemented | ErrorKind::UnknownType) => {}
            answered => answered.unwrap(),
        }
    }
    provider.shutdown().await;
    std::fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect()
}

fn assert_allowed(paths: &[String], service: &str, allowed: &[&str]) {
    for path in paths {
        let is_allowed = match path.strip_prefix(&format!("/{service}/")) {
            Some(name) => allowed.contains(&name),
            None => path == "/plugin.GRPCController/Shutdown",
        };
        assert!(is_allowed, "{path} went over the wire");
    }
    assert_eq!(paths.last().map(String::as_str), Some("/plugin.GRPCController/Shutdown"));
}

#[tokio::test]
async fn only_allowed_calls_of_protocol_6_are_sent() {
    let paths = paths_of_a_session(&support::torture(), &Subject::of_torture()).await;
    let allowed = ALLOWED_CALLS.map(|(name, _)| name);
    assert_allowed(&paths, "tfplugin6.Provider", &allowed);
    // Every call was made, so the proof is about something.
    let sent: BTreeSet<&str> = paths.iter().filter_map(|path| path.strip_prefix("/tfplugin6.Provider/")).collect();
    let ours = CALLS.into_iter().chain(["GetResourceIdentitySchemas"]).collect();
    assert_eq!(sent, ours);
    let never_sent: BTreeSet<&str> = allowed.into_iter().filter(|name| !sent.contains(name)).collect();
    assert_eq!(never_sent, ["GetFunctions", "GetMetadata"].into(), "these are only served");
}

#[tokio::test]
async fn only_allowed_calls_of_protocol_5_are_sent() {
    let Some(program) = tools::or_skip(Tool::Time) else { return };
    let subject = Subject {
        resource: "time_static",
        data_source: "time_none",
        function: ("rfc3339_parse", vec![Value::string("2024-01-01T00:00:00Z")]),
    };
    let paths = paths_of_a_session(&program, &subject).await;
    assert_allowed(&paths, "tfplugin5.Provider", &ALLOWED_CALLS.map(|(_, name)| name));
    let sent: BTreeSet<&str> = paths.iter().filter_map(|path| path.strip_prefix("/tfplugin5.Provider/")).collect();
    for name in
        ["GetSchema", "Configure", "ReadResource", "PlanResourceChange", "ImportResourceState", "CallFunction", "Stop"]
    {
        assert!(sent.contains(name), "{name} was not sent: {sent:?}");
    }
}
