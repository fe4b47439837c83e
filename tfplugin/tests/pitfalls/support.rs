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
