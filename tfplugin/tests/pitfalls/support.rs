//! What the tests share: the torture provider, built and started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use cty::{Type, Value};
use tfplugin::host::{HostedProvider, Launch};
use tfplugin::{Answer, Call, DataSourceRequest, Provider, ProviderSchema};

/// The cookie by which a client shows that it means to start a plugin.
pub(crate) const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// Gives the path of one of this package's examples, building it first.
pub(crate) fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "tfplugin", "--examples"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the examples do not build");
        // …/target/debug/deps/pitfalls-… → …/target/debug/examples
        let test = std::env::current_exe().unwrap();
        test.parent().unwrap().parent().unwrap().join("examples")
    });
    folder.join(name)
}

/// Gives the path of the torture provider.
pub(crate) fn torture() -> PathBuf {
    example("terraform-provider-torture")
}

/// How to start the torture provider with more variables.
pub(crate) fn launch_with(more: &[(&str, &str)]) -> Launch {
    let more = more.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Launch {
        data_sources: ["torture_echo".to_owned()].into(),
        ..Launch::new(torture(), std::env::vars_os().chain(more))
    }
}

/// Starts the torture provider.
pub(crate) async fn start() -> HostedProvider {
    HostedProvider::launch(launch_with(&[])).await.unwrap()
}

/// A call that ends in good time.
pub(crate) fn call() -> Call {
    Call::within(Duration::from_mins(1))
}

/// Gives everything the provider offers.
pub(crate) async fn schema(provider: &dyn Provider) -> std::sync::Arc<ProviderSchema> {
    provider.schema(&call()).await.unwrap().0
}

/// Makes an object of a type: the fields given, the others null.
pub(crate) fn object(ty: &Type, fields: &[(&str, Value)]) -> Value {
    let Type::Object(object) = ty else { panic!("{ty} is no object type") };
    let mut all: BTreeMap<String, Value> =
        object.attributes().map(|(name, ty)| (name.to_owned(), Value::null(ty.clone()))).collect();
    for (name, value) in fields {
        assert!(all.insert((*name).to_owned(), value.clone()).is_some(), "there is no field {name}");
    }
    Value::object(all)
}

/// Asks the torture provider's data source.
pub(crate) async fn echo_within(provider: &dyn Provider, call: &Call, fields: &[(&str, Value)]) -> Answer<Value> {
    let ty = schema(provider).await.data_sources["torture_echo"].value_type();
    let request =
        DataSourceRequest { data_source: "torture_echo".to_owned(), config: object(&ty, fields), provider_meta: None };
    provider.read_data_source(call, request).await
}

/// Asks the torture provider's data source, which must answer.
pub(crate) async fn echo(provider: &dyn Provider, fields: &[(&str, Value)]) -> Value {
    let (found, diagnostics) = echo_within(provider, &call(), fields).await.unwrap();
    assert_eq!(diagnostics, []);
    found
}

/// Gives a field of an object.
pub(crate) fn field(value: &Value, name: &str) -> Value {
    let found = value.entries().find(|(key, _)| *key == name);
    found.unwrap_or_else(|| panic!("there is no field {name} in {value:?}")).1.clone()
}

/// Tells whether a process runs; one that ended and waits to be collected does not.
pub(crate) fn is_running(id: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
    !status.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, limit: Duration, condition: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The calls a host makes, by their names in protocol 6.
pub(crate) const CALLS: [&str; 17] = [
    "GetProviderSchema",
    "ValidateProviderConfig",
    "ConfigureProvider",
    "ValidateDataResourceConfig",
    "ReadDataSource",
    "ValidateResourceConfig",
    "UpgradeResourceState",
    "UpgradeResourceIdentity",
    "MoveResourceState",
    "ImportResourceState",
    "ReadResource",
    "PlanResourceChange",
    "GenerateResourceConfig",
    "CallFunction",
    "ValidateListResourceConfig",
    "ListResource",
    "StopProvider",
];

/// What a test's calls are about.
pub(crate) struct Subject {
    /// A resource type.
    pub(crate) resource: &'static str,
    /// A data source.
    pub(crate) data_source: &'static str,
    /// A function, and its arguments.
    pub(crate) function: (&'static str, Vec<Value>),
}

impl Subject {
    /// What the torture provider offers.
    pub(crate) fn of_torture() -> Self {
        Self {
            resource: "torture_thing",
            data_source: "torture_echo",
            function: ("repeat", vec![Value::string("x"), Value::number(2_i64)]),
        }
    }
}

/// Makes one call; the provider's answer does not matter, only whether there is one.
pub(crate) async fn ask(
    provider: &dyn Provider,
    operation: &str,
    subject: &Subject,
    call: &Call,
) -> Result<(), tfplugin::Error> {
    if operation == "GetProviderSchema" {
        return provider.schema(call).await.map(drop);
    }
    let schema = schema(provider).await;
    let null = |ty: &Type| object(ty, &[]);
    let resource = || {
        let ty = schema.resources[subject.resource].value_type();
        tfplugin::ResourceObject { value: null(&ty), private: Vec::new(), identity: None }
    };
    let list =
        || schema.list_resources.get(subject.resource).map_or_else(Value::dynamic, |schema| null(&schema.value_type()));
    let resource_type = subject.resource.to_owned();
    match operation {
        "ValidateProviderConfig" => {
            provider.validate_provider_config(call, null(&schema.provider.value_type())).await.map(drop)
        }
        "ConfigureProvider" => {
            let config = null(&schema.provider.value_type());
            let request = tfplugin::ConfigureRequest { terraform_version: "1.15.0".to_owned(), config };
            provider.configure(call, request).await.map(drop)
        }
        "ValidateDataResourceConfig" => {
            let config = schema.data_sources.get(subject.data_source).map(|schema| null(&schema.value_type()));
            let config = config.unwrap_or_else(Value::dynamic);
            provider.validate_data_source_config(call, subject.data_source, config).await.map(drop)
        }
        "ReadDataSource" => {
            let config = schema.data_sources.get(subject.data_source).map(|schema| null(&schema.value_type()));
            let config = config.unwrap_or_else(Value::dynamic);
            let data_source = subject.data_source.to_owned();
            let request = DataSourceRequest { data_source, config, provider_meta: None };
            provider.read_data_source(call, request).await.map(drop)
        }
        "ValidateResourceConfig" => {
            provider.validate_resource_config(call, subject.resource, resource().value).await.map(drop)
        }
        "UpgradeResourceState" => {
            let json = br#"{"id":null,"name":"a","password":null,"tags":null,"rule":[]}"#.to_vec();
            let request = tfplugin::UpgradeRequest { resource_type, version: 0, json };
            provider.upgrade_resource_state(call, request).await.map(drop)
        }
        "UpgradeResourceIdentity" => {
            let request = tfplugin::UpgradeIdentityRequest { resource_type, version: 0, json: b"{}".to_vec() };
            provider.upgrade_resource_identity(call, request).await.map(drop)
        }
        "MoveResourceState" => {
            let request = tfplugin::MoveRequest {
                source_provider: "registry.terraform.io/other/other".parse().unwrap(),
                source_type: "other_thing".to_owned(),
                source_version: 0,
                source_json: b"{}".to_vec(),
                source_private: Vec::new(),
                source_identity: None,
                target_type: resource_type,
            };
            provider.move_resource_state(call, request).await.map(drop)
        }
        "ImportResourceState" => {
            let target = tfplugin::ImportTarget::Id("id-of-a".to_owned());
            let request = tfplugin::ImportRequest { resource_type, target };
            provider.import_resource_state(call, request).await.map(drop)
        }
        "ReadResource" => {
            let request = tfplugin::ReadRequest { resource_type, object: resource(), provider_meta: None };
            provider.read_resource(call, request).await.map(drop)
        }
        "PlanResourceChange" => {
            let (proposed, config) = (resource().value, resource().value);
            let request =
                tfplugin::PlanRequest { resource_type, prior: resource(), proposed, config, provider_meta: None };
            provider.plan_resource_change(call, request).await.map(drop)
        }
        "GenerateResourceConfig" => {
            let request = tfplugin::GenerateRequest { resource_type, state: resource().value };
            provider.generate_resource_config(call, request).await.map(drop)
        }
        "CallFunction" => {
            let (function, arguments) = subject.function.clone();
            let request = tfplugin::FunctionRequest { function: function.to_owned(), arguments };
            provider.call_function(call, request).await.map(drop)
        }
        "ValidateListResourceConfig" => provider.validate_list_config(call, subject.resource, list()).await.map(drop),
        "ListResource" => {
            let request = tfplugin::ListRequest { resource_type, config: list(), include_resource: false, limit: 3 };
            let (sender, _events) = tokio::sync::mpsc::channel(10);
            provider.list_resource(call, request, sender).await.map(drop)
        }
        "StopProvider" => provider.stop(call).await,
        _ => panic!("there is no call {operation}"),
    }
}
