//! Calls that are stopped, refused, or answered twice.

use std::time::{Duration, Instant};

use cty::Value;
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::{
    Call, ConfigureRequest, ErrorKind, ImportRequest, ImportTarget, ListRequest, PlanRequest, Provider, ReadRequest,
    ResourceObject,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{call, echo, echo_within, eventually, field, launch_with, object, schema, start};

#[tokio::test]
async fn stop_ends_a_long_read_and_the_provider_lives_on() {
    let provider = start().await;
    echo(&provider, &[]).await;
    let started = Instant::now();
    let long = [("sleep_ms", Value::number(60_000_i64))];
    let call = call();
    let read = echo_within(&provider, &call, &long);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        provider.stop(&call).await.unwrap();
    };
    let (read, ()) = tokio::join!(read, stop);
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(3));
    echo(&provider, &[]).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let provider = start().await;
    echo(&provider, &[]).await;
    let long = [("sleep_ms", Value::number(60_000_i64))];
    let error = echo_within(&provider, &Call::within(Duration::from_millis(300)), &long).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.is_retryable());
    echo(&provider, &[]).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_call_ends_when_its_caller_says_so() {
    let provider = start().await;
    echo(&provider, &[]).await;
    let cancel = CancellationToken::new();
    let call = Call::cancelled_by(cancel.clone());
    let long = [("sleep_ms", Value::number(60_000_i64))];
    let (read, ()) = tokio::join!(echo_within(&provider, &call, &long), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Cancelled);
    provider.shutdown().await;
}

#[tokio::test]
async fn an_endless_list_ends_when_nobody_listens() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ended");
    let provider =
        HostedProvider::launch(launch_with(&[("TORTURE_LIST_ENDED", mark.to_str().unwrap())])).await.unwrap();
    let ty = schema(&provider).await.list_resources["torture_thing"].value_type();
    let request = ListRequest {
        resource_type: "torture_thing".to_owned(),
        config: object(&ty, &[("prefix", Value::string("p"))]),
        include_resource: true,
        limit: 1_000_000,
    };
    let (sender, mut events) = mpsc::channel(1);
    let call = call();
    let (listed, ()) = tokio::join!(provider.list_resource(&call, request, sender), async {
        for index in 0..3 {
            let event = events.recv().await.unwrap();
            assert_eq!(event.display_name, format!("p-{index}"));
            assert_eq!(field(&event.identity.unwrap().value, "name"), Value::string(format!("p-{index}")));
            assert_eq!(field(&event.resource.unwrap(), "name"), Value::string(format!("p-{index}")));
        }
        drop(events);
    });
    listed.unwrap();
    eventually("the provider's loop ends", Duration::from_secs(5), || mark.exists()).await;
    echo(&provider, &[]).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_list_ends_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ended");
    let provider =
        HostedProvider::launch(launch_with(&[("TORTURE_LIST_ENDED", mark.to_str().unwrap())])).await.unwrap();
    let ty = schema(&provider).await.list_resources["torture_thing"].value_type();
    let request = ListRequest {
        resource_type: "torture_thing".to_owned(),
        config: object(&ty, &[]),
        include_resource: false,
        limit: 5,
    };
    let (sender, mut events) = mpsc::channel(100);
    provider.list_resource(&call(), request, sender).await.unwrap();
    let mut n_events = 0;
    while events.recv().await.is_some() {
        n_events += 1;
    }
    assert_eq!(n_events, 5);
    eventually("the provider's loop ends", Duration::from_secs(5), || mark.exists()).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn a_list_that_nobody_reads_ends_when_it_is_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ended");
    let provider =
        HostedProvider::launch(launch_with(&[("TORTURE_LIST_ENDED", mark.to_str().unwrap())])).await.unwrap();
    let ty = schema(&provider).await.list_resources["torture_thing"].value_type();
    let request = ListRequest {
        resource_type: "torture_thing".to_owned(),
        config: object(&ty, &[]),
        include_resource: false,
        limit: 1_000_000,
    };
    // The reader neither reads nor leaves.
    let (sender, _events) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let call = Call::cancelled_by(cancel.clone());
    let (listed, ()) = tokio::join!(provider.list_resource(&call, request, sender), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.cancel();
    });
    assert_eq!(listed.unwrap_err().kind(), ErrorKind::Cancelled);
    eventually("the provider's loop ends", Duration::from_secs(5), || mark.exists()).await;
    provider.shutdown().await;
}

#[tokio::test]
async fn private_bytes_come_back_to_their_provider() {
    let provider = start().await;
    let request =
        ImportRequest { resource_type: "torture_thing".to_owned(), target: ImportTarget::Id("id-of-a".to_owned()) };
    let (imported, _) = provider.import_resource_state(&call(), request).await.unwrap();
    let mut object = imported.into_iter().next().unwrap().object;
    assert_eq!(object.private, b"i");
    for expected in [b"ir".as_slice(), b"irr"] {
        let request = ReadRequest { resource_type: "torture_thing".to_owned(), object, provider_meta: None };
        object = provider.read_resource(&call(), request).await.unwrap().0;
        assert_eq!(object.private, expected);
    }
    provider.shutdown().await;
}

#[tokio::test]
async fn an_identity_imports_what_it_names() {
    let provider = start().await;
    let by_id =
        ImportRequest { resource_type: "torture_thing".to_owned(), target: ImportTarget::Id("id-of-a".to_owned()) };
    let (imported, _) = provider.import_resource_state(&call(), by_id).await.unwrap();
    let identity = imported[0].object.identity.clone().unwrap();
    assert_eq!(identity.version, 1);
    let by_identity =
        ImportRequest { resource_type: "torture_thing".to_owned(), target: ImportTarget::Identity(identity) };
    let (again, _) = provider.import_resource_state(&call(), by_identity).await.unwrap();
    assert_eq!(again[0].object, imported[0].object);
    provider.shutdown().await;
}

#[tokio::test]
async fn an_object_that_is_gone_is_null() {
    let provider = start().await;
    let ty = schema(&provider).await.resources["torture_thing"].value_type();
    let value = object(&ty, &[("name", Value::string("gone"))]);
    let request = ReadRequest {
        resource_type: "torture_thing".to_owned(),
        object: ResourceObject { value, private: Vec::new(), identity: None },
        provider_meta: None,
    };
    assert!(provider.read_resource(&call(), request).await.unwrap().0.value.is_null());
    provider.shutdown().await;
}

#[tokio::test]
async fn write_only_values_are_planned_away() {
    let provider = start().await;
    let schema = schema(&provider).await;
    let thing = &schema.resources["torture_thing"];
    assert!(thing.block.attributes["password"].write_only);
    let config = object(&thing.value_type(), &[("name", Value::string("n")), ("password", Value::string("p"))]);
    let request = PlanRequest {
        resource_type: "torture_thing".to_owned(),
        prior: ResourceObject { value: Value::null(thing.value_type()), private: Vec::new(), identity: None },
        proposed: config.clone(),
        config,
        provider_meta: None,
    };
    let (change, _) = provider.plan_resource_change(&call(), request).await.unwrap();
    assert!(field(&change.planned.value, "password").is_null());
    assert!(!field(&change.planned.value, "id").is_known());
    assert_eq!(change.requires_replace, []);
    provider.shutdown().await;
}

#[tokio::test]
async fn two_aliases_are_two_processes() {
    let (first, second) = tokio::join!(start(), start());
    assert_ne!(first.process_id(), second.process_id());
    let ty = schema(&first).await.provider.value_type();
    for (provider, label) in [(&first, "one"), (&second, "two")] {
        let config = object(&ty, &[("label", Value::string(label))]);
        let request = ConfigureRequest { terraform_version: "1.15.0".to_owned(), config };
        provider.configure(&call(), request).await.unwrap();
    }
    for (provider, label) in [(first, "one"), (second, "two")] {
        assert_eq!(field(&echo(&provider, &[]).await, "label"), Value::string(label));
        provider.shutdown().await;
    }
}

#[tokio::test]
async fn a_data_source_is_read_only_where_its_name_is_allowed() {
    let launch = Launch { data_sources: ["torture_other".to_owned()].into(), ..launch_with(&[]) };
    let provider = HostedProvider::launch(launch).await.unwrap();
    let error = echo_within(&provider, &call(), &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAllowed);
    assert!(error.to_string().contains("torture_echo"), "{error}");
    provider.shutdown().await;
}

#[tokio::test]
async fn a_type_that_does_not_exist_is_named() {
    let provider = start().await;
    let error = provider
        .validate_data_source_config(&call(), "torture_nothing", Value::object(std::collections::BTreeMap::default()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownType);
    assert!(error.to_string().contains("torture_nothing"), "{error}");
    provider.shutdown().await;
}
