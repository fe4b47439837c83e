//! Our host drives providers that other people wrote.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "pitfalls/support.rs"]
#[expect(dead_code, reason = "each test program uses a part of it")]
mod support;

use std::time::Duration;

use cty::Value;
use support::{call, field, object, schema};
use tfplugin::host::{HostedProvider, Launch, Supervised};
use tfplugin::{
    ConfigureRequest, DataSourceRequest, ErrorKind, ImportRequest, ImportTarget, PlanRequest, Provider, ReadRequest,
    ResourceObject, UpgradeRequest,
};
use xtask::tools::{self, Tool};

async fn start(tool: Tool) -> Option<HostedProvider> {
    let program = tools::or_skip(tool)?;
    Some(HostedProvider::launch(Launch::new(program, std::env::vars_os())).await.unwrap())
}

async fn configure(provider: &HostedProvider, fields: &[(&str, Value)]) {
    let ty = schema(provider).await.provider.value_type();
    let config = object(&ty, fields);
    let ((), diagnostics) = provider.validate_provider_config(&call(), config.clone()).await.unwrap();
    assert_eq!(diagnostics, []);
    let request = ConfigureRequest { terraform_version: "1.15.0".to_owned(), config };
    let ((), diagnostics) = provider.configure(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
}

#[tokio::test]
async fn hashicorp_time_is_driven_from_import_to_plan() {
    let Some(provider) = start(Tool::Time).await else { return };
    assert_eq!(provider.protocol_version(), 5);
    let schema = schema(&provider).await;
    assert!(schema.resources.contains_key("time_static") && schema.resources.contains_key("time_offset"));
    configure(&provider, &[]).await;

    let time_static = "time_static".to_owned();
    let ty = schema.resources["time_static"].value_type();
    let config = object(&ty, &[("rfc3339", Value::string("2024-02-29T12:00:00Z"))]);
    let ((), diagnostics) = provider.validate_resource_config(&call(), "time_static", config.clone()).await.unwrap();
    assert_eq!(diagnostics, []);
    let wrong = object(&ty, &[("rfc3339", Value::string("yesterday"))]);
    let ((), diagnostics) = provider.validate_resource_config(&call(), "time_static", wrong).await.unwrap();
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    assert_eq!(diagnostics[0].path.as_ref().unwrap().to_string(), "rfc3339");

    let target = ImportTarget::Id("2024-02-29T12:00:00Z".to_owned());
    let request = ImportRequest { resource_type: time_static.clone(), target };
    let (imported, diagnostics) = provider.import_resource_state(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(imported.len(), 1);
    let object = imported.into_iter().next().unwrap().object;
    let request = ReadRequest { resource_type: time_static.clone(), object, provider_meta: None };
    let (read, diagnostics) = provider.read_resource(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(field(&read.value, "day"), Value::number(29_i64));
    assert_eq!(field(&read.value, "unix"), Value::number(1_709_208_000_i64));

    let json = cty::json::encode(&read.value, &ty).unwrap();
    let request =
        UpgradeRequest { resource_type: time_static.clone(), version: schema.resources["time_static"].version, json };
    let (upgraded, _) = provider.upgrade_resource_state(&call(), request).await.unwrap();
    assert_eq!(upgraded, read.value);

    let request = PlanRequest {
        resource_type: time_static,
        prior: ResourceObject { value: upgraded.clone(), private: read.private, identity: read.identity },
        proposed: upgraded.clone(),
        config,
        provider_meta: None,
    };
    let (change, diagnostics) = provider.plan_resource_change(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    assert_eq!(change.planned.value, upgraded, "an imported time plans clean");
    assert_eq!(change.requires_replace, []);

    let id = provider.process_id().unwrap();
    provider.shutdown().await;
    assert!(!support::is_running(id));
}

#[tokio::test]
async fn hashicorp_time_says_why_an_import_id_is_wrong() {
    let Some(provider) = start(Tool::Time).await else { return };
    let request =
        ImportRequest { resource_type: "time_static".to_owned(), target: ImportTarget::Id("yesterday".to_owned()) };
    let (imported, diagnostics) = provider.import_resource_state(&call(), request).await.unwrap();
    assert!(model::diagnostic::has_errors(&diagnostics), "{imported:?}");
    provider.shutdown().await;
}

#[tokio::test]
async fn hashicorp_aws_gives_schemas_identities_and_lists() {
    let Some(provider) = start(Tool::Aws).await else { return };
    assert_eq!(provider.protocol_version(), 5);
    let schema = schema(&provider).await;
    assert!(schema.generates_config);
    assert!(schema.identities.contains_key("aws_iam_role"));
    assert!(schema.list_resources.contains_key("aws_iam_role"));
    let bucket = &schema.resources["aws_s3_bucket"].block;
    assert!(bucket.attributes["bucket"].optional && bucket.attributes["arn"].computed);
    provider.shutdown().await;
}

#[tokio::test]
async fn a_second_process_of_a_large_provider_is_used_without_its_schema_being_asked_for() {
    for (tool, resource_type) in [(Tool::Aws, "aws_s3_bucket"), (Tool::Time, "time_static")] {
        let Some(program) = tools::or_skip(tool) else { return };
        let launch = Launch::new(program, std::env::vars_os());
        let (first, second) = (Supervised::new(launch.clone()), Supervised::new(launch));
        let known = schema(&first).await;
        assert!(std::sync::Arc::ptr_eq(&known, &schema(&second).await));
        let config = object(&known.resources[resource_type].value_type(), &[]);
        let ((), diagnostics) = second.validate_resource_config(&call(), resource_type, config).await.unwrap();
        assert_eq!(diagnostics, []);
        first.shutdown().await;
        second.shutdown().await;
    }
}

#[tokio::test]
async fn a_killed_provider_is_a_crash_not_a_riddle() {
    let Some(provider) = start(Tool::Time).await else { return };
    schema(&provider).await;
    let id = provider.process_id().unwrap();
    let killed = std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
    assert!(killed.success());
    support::eventually("the provider is gone", Duration::from_secs(2), || !support::is_running(id)).await;
    let request = ImportRequest {
        resource_type: "time_static".to_owned(),
        target: ImportTarget::Id("2024-01-01T00:00:00Z".to_owned()),
    };
    let error = provider.import_resource_state(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Crashed, "{error}");
    assert!(error.to_string().contains("signal: 9"), "{error}");
    provider.shutdown().await;
}

/// Builds the provider on the crate `tf-provider`, or says why it cannot.
fn demo() -> Option<std::path::PathBuf> {
    if std::env::var_os("PROTOC").is_none() {
        if let Err(error) = tools::search_path("protoc") {
            tools::skip(&format!("the build of tf-provider needs protoc (Debian: protobuf-compiler): {error:#}"));
            return None;
        }
    }
    let package = xtask::repository().join("acceptance-tests/tf-provider-demo");
    let target = xtask::repository().join("target/tf-provider-demo");
    let built = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(target.join("debug/terraform-provider-demo"))
}

#[tokio::test]
async fn an_independent_provider_in_rust_is_driven() {
    let Some(program) = demo() else { return };
    let data_sources = ["demo_words".to_owned()].into();
    let launch = Launch { data_sources, ..Launch::new(program, std::env::vars_os()) };
    let provider = HostedProvider::launch(launch).await.unwrap();
    assert_eq!(provider.protocol_version(), 6);
    let schema = schema(&provider).await;
    assert!(schema.identities.is_empty(), "it does not know the call");
    configure(&provider, &[]).await;
    let words = schema.data_sources.keys().next().unwrap().clone();
    let ty = schema.data_sources[&words].value_type();
    let empty = object(&ty, &[("text", Value::string(""))]);
    let ((), diagnostics) = provider.validate_data_source_config(&call(), &words, empty).await.unwrap();
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].path.as_ref().unwrap().to_string(), "text");
    let config = object(&ty, &[("text", Value::string("one two  three"))]);
    let request = DataSourceRequest { data_source: words, config, provider_meta: None };
    let (found, diagnostics) = provider.read_data_source(&call(), request).await.unwrap();
    assert_eq!(diagnostics, []);
    let words: Vec<Value> = field(&found, "words").elements().cloned().collect();
    assert_eq!(words, ["one", "two", "three"].map(Value::string));
    provider.shutdown().await;
}
