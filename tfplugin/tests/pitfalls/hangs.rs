//! Providers that hang, crash or fail in one call, whichever it is.

use std::time::{Duration, Instant};

use cty::Value;
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::{Call, ErrorKind, Provider};

use crate::support::{CALLS, Subject, ask, call, echo_within, example, launch_with, schema, torture};

const PATIENCE: Duration = Duration::from_millis(300);
/// What much work may take on a busy machine.
const LONG: Duration = Duration::from_mins(5);

#[tokio::test]
async fn a_hang_in_any_call_is_an_error_of_that_call_alone() {
    for operation in CALLS {
        let provider = HostedProvider::launch(launch_with(&[("TORTURE_HANG", operation)])).await.unwrap();
        let other = if operation == "ReadResource" { "PlanResourceChange" } else { "ReadResource" };
        let is_schema = operation == "GetProviderSchema";
        if !is_schema {
            schema(&provider).await;
        }
        let (started, subject) = (Instant::now(), Subject::of_torture());
        let (hanging_call, other_call) = (Call::within(PATIENCE), call());
        let (hung, ()) = tokio::join!(ask(&provider, operation, &subject, &hanging_call), async {
            if !is_schema {
                ask(&provider, other, &subject, &other_call).await.unwrap();
            }
        });
        let error = hung.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{operation}: {error}");
        assert!(error.to_string().starts_with(operation), "{error}");
        if operation != "StopProvider" {
            assert!(error.to_string().contains("provider: terraform-provider-torture"), "{error}");
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{operation}: {:?}", started.elapsed());
        drop(provider);
    }
}

#[tokio::test]
async fn a_hang_before_any_schema_is_known_ends_too() {
    for operation in ["GetProviderSchema", "GetResourceIdentitySchemas"] {
        let launch = Launch { arguments: vec![torture().into()], ..launch_with(&[("WIRE_HANG", operation)]) };
        let launch = Launch { program: example("wire-proxy"), ..launch };
        let provider = HostedProvider::launch(launch).await.unwrap();
        let error = ask(&provider, "GetProviderSchema", &Subject::of_torture(), &Call::within(PATIENCE)).await;
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::TimedOut, operation), "{error}");
        assert!(error.to_string().contains("provider: wire-proxy"), "{error}");
    }
}

#[tokio::test]
async fn a_crash_in_any_call_is_told_with_the_last_words() {
    for operation in CALLS {
        let provider = HostedProvider::launch(launch_with(&[("TORTURE_CRASH", operation)])).await.unwrap();
        let error = ask(&provider, operation, &Subject::of_torture(), &call()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Crashed, "{operation}: {error}");
        assert!(error.to_string().contains("the disk is on fire"), "{operation}: {error}");
        assert!(error.to_string().starts_with(operation), "{error}");
    }
}

#[tokio::test]
async fn errors_that_a_provider_answers_with_cost_no_time() {
    let provider = HostedProvider::launch(launch_with(&[("TORTURE_FAIL", "ReadResource")])).await.unwrap();
    schema(&provider).await;
    let started = Instant::now();
    for _ in 0..20 {
        ask(&provider, "ReadResource", &Subject::of_torture(), &call()).await.unwrap();
        // This one is answered with a status instead of diagnostics.
        let subject = Subject { resource: "torture_object", ..Subject::of_torture() };
        let error = ask(&provider, "MoveResourceState", &subject, &call()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unimplemented);
    }
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    provider.shutdown().await;
}

#[tokio::test]
async fn a_hundred_mebibytes_of_log_hold_up_nothing() {
    for is_without_end in [false, true] {
        let provider = HostedProvider::launch(launch_with(&[])).await.unwrap();
        let started = Instant::now();
        let fields = [("flood", Value::number(100_i64 << 20)), ("flood_without_end", Value::bool(is_without_end))];
        echo_within(&provider, &Call::within(LONG), &fields).await.unwrap();
        assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
        provider.shutdown().await;
    }
}

#[tokio::test]
async fn a_schema_of_two_hundred_mebibytes_is_read_and_a_larger_one_than_256_refused() {
    let started = Instant::now();
    let provider = HostedProvider::launch(launch_with(&[("TORTURE_SCHEMA_MIB", "200")])).await.unwrap();
    let (schema, _) = provider.schema(&Call::within(LONG)).await.unwrap();
    assert_eq!(schema.provider.block.attributes["label"].description.len(), 200 << 20);
    provider.shutdown().await;
    assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    let provider = HostedProvider::launch(launch_with(&[("TORTURE_SCHEMA_MIB", "257")])).await.unwrap();
    let error = ask(&provider, "GetProviderSchema", &Subject::of_torture(), &Call::within(LONG)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("larger than the 256 MiB"), "{error}");
    provider.shutdown().await;
}
