//! What the environment asks a well-behaved provider to do instead.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cty::Value;
use model::{Diagnostic, Identity};
use tfplugin::{
    Answer, Call, ConfigureRequest, DataSourceRequest, Error, FunctionError, FunctionRequest, GenerateRequest,
    ImportRequest, ImportedObject, ListEvent, ListRequest, MoveRequest, PlanRequest, PlannedChange, Provider,
    ProviderSchema, ReadRequest, ResourceObject, UpgradeIdentityRequest, UpgradeRequest,
};
use tokio::sync::mpsc;

/// Ends the process as a crash does; its last words arrive whole before it is gone.
pub(crate) fn crash() -> ! {
    let _ = std::io::stderr().lock().write_all(b"torture: the disk is on fire\n");
    std::process::abort()
}

/// A provider between the server and a well-behaved one.
pub(crate) struct Misbehaving<P> {
    inner: P,
    hangs: BTreeSet<String>,
    crashes: BTreeSet<String>,
    fails: BTreeSet<String>,
    pause: Duration,
    /// How much every call leaves behind, in KiB.
    leak: usize,
    leaked: std::sync::Mutex<Vec<Vec<u8>>>,
    calls: Option<File>,
}

/// One call under way.
struct Line<'a> {
    calls: Option<&'a File>,
    text: String,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        write(self.calls, &format!("-{}\n", self.text));
    }
}

fn write(calls: Option<&File>, line: &str) {
    if let Some(mut calls) = calls {
        // A test that counts the lines fails without one.
        let _ = calls.write_all(line.as_bytes());
    }
}

impl<P> Misbehaving<P> {
    pub(crate) fn as_the_environment_says(inner: P) -> Self {
        let names = |variable: &str| {
            let names = std::env::var(variable).unwrap_or_default();
            names.split(',').map(|name| name.trim().to_owned()).collect()
        };
        let pause = std::env::var("TORTURE_SLOW_MS").ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        let leak = std::env::var("TORTURE_LEAK_KIB").ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        let calls = std::env::var_os("TORTURE_CALLS").map(|path| {
            let opened = File::options().create(true).append(true).open(path);
            opened.expect("a test that counts calls gives a path that can be written")
        });
        Self {
            inner,
            hangs: names("TORTURE_HANG"),
            crashes: names("TORTURE_CRASH"),
            fails: names("TORTURE_FAIL"),
            pause: Duration::from_millis(pause),
            leak,
            leaked: std::sync::Mutex::default(),
            calls,
        }
    }

    /// Does what is asked for instead of a call, or before it.
    async fn begin(&self, operation: &'static str, type_name: &str) -> Line<'_> {
        let text = format!("{operation} {type_name}").trim_end().to_owned();
        write(self.calls.as_ref(), &format!("+{text}\n"));
        let line = Line { calls: self.calls.as_ref(), text };
        if self.hangs.contains(operation) {
            std::future::pending::<()>().await;
        }
        if self.crashes.contains(operation) {
            crash();
        }
        if self.leak > 0 {
            let mut leaked = self.leaked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            leaked.push(vec![1; self.leak << 10]);
        }
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        line
    }
}

macro_rules! pass_on {
    ($($method:ident($($argument:ident: $ty:ty),*) -> $answer:ty: $operation:literal of $type_name:expr),* $(,)?) => {
        #[async_trait]
        impl<P: Provider> Provider for Misbehaving<P> {
            $(async fn $method(&self, call: &Call, $($argument: $ty),*) -> Answer<$answer> {
                let _line = self.begin($operation, $type_name).await;
                let (answer, mut diagnostics) = self.inner.$method(call, $($argument),*).await?;
                if self.fails.contains($operation) {
                    diagnostics.push(Diagnostic::error("throttled", "Throttled", "Throttling: rate exceeded"));
                }
                Ok((answer, diagnostics))
            })*

            async fn call_function(
                &self,
                call: &Call,
                request: FunctionRequest,
            ) -> Result<Result<Value, FunctionError>, Error> {
                let _line = self.begin("CallFunction", &request.function).await;
                self.inner.call_function(call, request).await
            }

            async fn stop(&self, call: &Call) -> Result<(), Error> {
                let _line = self.begin("StopProvider", "").await;
                self.inner.stop(call).await
            }
        }
    };
}

pass_on! {
    schema() -> Arc<ProviderSchema>: "GetProviderSchema" of "",
    validate_provider_config(config: Value) -> (): "ValidateProviderConfig" of "",
    configure(request: ConfigureRequest) -> (): "ConfigureProvider" of "",
    validate_data_source_config(name: &str, config: Value) -> (): "ValidateDataResourceConfig" of name,
    read_data_source(request: DataSourceRequest) -> Value: "ReadDataSource" of &request.data_source,
    validate_resource_config(name: &str, config: Value) -> (): "ValidateResourceConfig" of name,
    upgrade_resource_state(request: UpgradeRequest) -> Value: "UpgradeResourceState" of &request.resource_type,
    upgrade_resource_identity(request: UpgradeIdentityRequest) -> Identity:
        "UpgradeResourceIdentity" of &request.resource_type,
    move_resource_state(request: MoveRequest) -> ResourceObject: "MoveResourceState" of &request.target_type,
    read_resource(request: ReadRequest) -> ResourceObject: "ReadResource" of &request.resource_type,
    import_resource_state(request: ImportRequest) -> Vec<ImportedObject>:
        "ImportResourceState" of &request.resource_type,
    plan_resource_change(request: PlanRequest) -> PlannedChange: "PlanResourceChange" of &request.resource_type,
    generate_resource_config(request: GenerateRequest) -> Value: "GenerateResourceConfig" of &request.resource_type,
    validate_list_config(name: &str, config: Value) -> (): "ValidateListResourceConfig" of name,
    list_resource(request: ListRequest, events: mpsc::Sender<ListEvent>) -> ():
        "ListResource" of &request.resource_type,
}
