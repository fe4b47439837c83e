//! A provider that has everything the protocol knows and misbehaves on request.
//!
//! The tests run it under our own host, terraform and tofu. It is also the shortest whole provider to learn from: a
//! type, its schema, its calls, and a `main` of one statement.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cty::{Path, Type, Value};
use model::identity::IdentityAttribute;
use model::{
    Attribute, AttributeType, Block, Diagnostic, Identity, IdentitySchema, NestedBlock, NestedObject, NestingMode,
    Schema,
};
use tfplugin::server::{ListenOn, Mode, Options, PluginEnvironment};
use tfplugin::{
    Answer, Call, ConfigureRequest, DataSourceRequest, Error, ErrorKind, FunctionError, FunctionParameter,
    FunctionRequest, FunctionSignature, GenerateRequest, ImportRequest, ImportTarget, ImportedObject, ListEvent,
    ListRequest, MoveRequest, PlanRequest, PlannedChange, Provider, ProviderSchema, ReadRequest, ResourceObject,
    UpgradeIdentityRequest, UpgradeRequest,
};
use tokio::sync::mpsc;

fn main() -> ExitCode {
    tfplugin::log::install("torture", std::env::var("TF_LOG_PROVIDER").ok().as_deref());
    let is_tcp = std::env::var_os("TORTURE_TCP").is_some();
    let is_reattach = std::env::args().any(|argument| argument == "--reattach");
    tfplugin::server::run(
        Arc::new(Torture::default()),
        Options {
            address: "registry.terraform.io/driftmgr/torture".parse().expect("the address is well-formed"),
            mode: if is_reattach { Mode::Reattach } else { Mode::Plugin },
            listen_on: if is_tcp { ListenOn::Port } else { ListenOn::of_this_platform() },
            environment: PluginEnvironment::from_vars(std::env::vars_os()),
            temp_dir: std::env::temp_dir(),
        },
    )
}

#[derive(Default)]
struct Torture {
    /// What the provider block says.
    label: Mutex<String>,
}

fn attribute(ty: Type) -> Attribute {
    Attribute {
        ty: AttributeType::Plain(ty),
        description: String::new(),
        description_is_markdown: false,
        required: false,
        optional: false,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    }
}

fn optional(ty: Type) -> Attribute {
    Attribute { optional: true, ..attribute(ty) }
}

fn computed(ty: Type) -> Attribute {
    Attribute { computed: true, ..attribute(ty) }
}

fn nested_attribute(nesting: NestingMode) -> Attribute {
    let attributes = BTreeMap::from([
        ("key".to_owned(), optional(Type::String)),
        ("value".to_owned(), Attribute { sensitive: true, ..optional(Type::Number) }),
    ]);
    Attribute { ty: AttributeType::Nested(NestedObject { nesting, attributes }), ..optional(Type::String) }
}

fn nested_block(nesting: NestingMode) -> NestedBlock {
    let attributes = BTreeMap::from([("text".to_owned(), optional(Type::String))]);
    NestedBlock { nesting, block: Block { attributes, ..Block::default() }, min_items: 0, max_items: 0 }
}

fn named<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    entries.into_iter().map(|(name, entry)| (name.to_owned(), entry)).collect()
}

/// The data source: it gives back what it is given, and does what it is told.
fn echo_schema() -> Schema {
    Schema {
        version: 0,
        block: Block {
            attributes: named([
                ("any", optional(Type::Dynamic)),
                ("crash", optional(Type::Bool)),
                ("flood", optional(Type::Number)),
                ("label", computed(Type::String)),
                ("nested_list", nested_attribute(NestingMode::List)),
                ("nested_map", nested_attribute(NestingMode::Map)),
                ("nested_single", nested_attribute(NestingMode::Single)),
                ("number", optional(Type::Number)),
                ("objects", computed(Type::list(Type::object([("id", Type::String), ("index", Type::Number)])))),
                ("objects_wanted", optional(Type::Number)),
                ("panic", optional(Type::Bool)),
                ("refuse", optional(Type::map(Type::String))),
                ("sleep_ms", optional(Type::Number)),
                ("text", optional(Type::String)),
            ]),
            blocks: named([
                ("block_group", nested_block(NestingMode::Group)),
                ("block_list", nested_block(NestingMode::List)),
                ("block_map", nested_block(NestingMode::Map)),
                ("block_set", nested_block(NestingMode::Set)),
                ("block_single", nested_block(NestingMode::Single)),
            ]),
            description: "Gives back what it is given.".to_owned(),
            ..Block::default()
        },
    }
}

fn thing_schema() -> Schema {
    Schema {
        version: 2,
        block: Block {
            attributes: named([
                ("id", computed(Type::String)),
                ("name", Attribute { required: true, ..attribute(Type::String) }),
                ("password", Attribute { write_only: true, sensitive: true, ..optional(Type::String) }),
                ("tags", optional(Type::map(Type::String))),
            ]),
            blocks: named([("rule", nested_block(NestingMode::List))]),
            ..Block::default()
        },
    }
}

fn thing_identity() -> IdentitySchema {
    let name = IdentityAttribute {
        ty: Type::String,
        required_for_import: true,
        optional_for_import: false,
        description: "The name of the thing.".to_owned(),
    };
    IdentitySchema { version: 1, attributes: named([("name", name)]) }
}

/// A function that repeats a text, and what follows it.
fn repeat_signature() -> FunctionSignature {
    let parameter = |name: &str, ty| FunctionParameter {
        name: name.to_owned(),
        ty,
        allows_null: false,
        allows_unknown: false,
        description: String::new(),
        description_is_markdown: false,
    };
    FunctionSignature {
        parameters: vec![parameter("text", Type::String), parameter("times", Type::Number)],
        variadic_parameter: Some(FunctionParameter { allows_null: true, ..parameter("more", Type::Dynamic) }),
        returns: Type::tuple([Type::String, Type::Dynamic]),
        summary: "Repeats a text".to_owned(),
        description: "Gives the text so many times, and what follows it.".to_owned(),
        description_is_markdown: true,
        deprecation_message: "Say it once.".to_owned(),
    }
}

fn identity_of(name: &str) -> Identity {
    Identity { version: 1, value: Value::object(named([("name", Value::string(name))])) }
}

fn thing(name: &str) -> Value {
    Value::object(named([
        ("id", Value::string(format!("id-of-{name}"))),
        ("name", Value::string(name)),
        ("password", Value::null(Type::String)),
        ("tags", Value::null(Type::map(Type::String))),
        // Left null: the server makes it the empty list that the protocol demands.
        ("rule", Value::null(Type::list(Type::object([("text", Type::String)])))),
    ]))
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.entries().find(|(key, _)| *key == name).map(|(_, field)| field)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    field(value, name).and_then(Value::as_str)
}

fn number(value: &Value, name: &str) -> u64 {
    field(value, name).and_then(Value::as_number).and_then(cty::Number::to_u64).unwrap_or(0)
}

fn with_fields(value: &Value, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut all: BTreeMap<String, Value> =
        value.entries().map(|(name, field)| (name.to_owned(), field.clone())).collect();
    all.extend(named(fields));
    Value::object(all)
}

fn malformed(operation: &'static str, reason: &str) -> Error {
    Error::new(ErrorKind::Malformed, operation, reason)
}

/// Leaves a file when a listing ends, in whatever way.
struct Mark(Option<std::ffi::OsString>);

impl Drop for Mark {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // A test that waits for the file fails without it.
            let _ = std::fs::write(path, "ended");
        }
    }
}

#[async_trait]
impl Provider for Torture {
    async fn schema(&self, _call: &Call) -> Answer<Arc<ProviderSchema>> {
        let mut label = optional(Type::String);
        if std::env::var_os("TORTURE_BIG_SCHEMA").is_some() {
            label.description = "x".repeat(5 << 20);
        }
        let block = Block { attributes: named([("label", label)]), ..Block::default() };
        let mut schema = ProviderSchema::new(Schema { version: 0, block });
        schema.data_sources = named([("torture_echo", echo_schema())]);
        schema.resources = named([("torture_thing", thing_schema())]);
        schema.identities = named([("torture_thing", thing_identity())]);
        schema.functions = named([("repeat", repeat_signature())]);
        schema.generates_config = true;
        schema.moves_states = true;
        let prefix = Block { attributes: named([("prefix", optional(Type::String))]), ..Block::default() };
        schema.list_resources = named([("torture_thing", Schema { version: 0, block: prefix })]);
        Ok((Arc::new(schema), Vec::new()))
    }

    async fn configure(&self, _call: &Call, request: ConfigureRequest) -> Answer<()> {
        let mut label = self.label.lock().unwrap_or_else(PoisonError::into_inner);
        text(&request.config, "label").unwrap_or_default().clone_into(&mut label);
        tracing::info!(terraform = request.terraform_version, "the provider was configured");
        Ok(((), Vec::new()))
    }

    async fn validate_data_source_config(&self, _call: &Call, _data_source: &str, config: Value) -> Answer<()> {
        let mut diagnostics = Vec::new();
        // Each key of `refuse` is refused where it stands.
        for (key, reason) in field(&config, "refuse").into_iter().flat_map(Value::entries) {
            let path = Path::new().attr("refuse").index(Value::string(key));
            let reason = reason.as_str().unwrap_or("for a reason that is not known yet");
            diagnostics.push(Diagnostic::error("refused", "Refused on request", reason).at_path(path));
        }
        Ok(((), diagnostics))
    }

    async fn read_data_source(&self, call: &Call, request: DataSourceRequest) -> Answer<Value> {
        let config = request.config;
        let is_set = |name: &str| field(&config, name).and_then(Value::as_bool) == Some(true);
        if is_set("crash") {
            // The last words must arrive whole before the process is gone.
            let mut stderr = std::io::stderr().lock();
            let _ = stderr.write_all(b"torture: the disk is on fire\n");
            std::process::abort();
        }
        assert!(!is_set("panic"), "panicking on request");
        let mut line = vec![b'f'; 99];
        line.push(b'\n');
        for _ in 0..number(&config, "flood") / 100 {
            let _ = std::io::stderr().lock().write_all(&line);
        }
        tokio::select! {
            () = call.cancel.cancelled() => return Err(Error::cancelled("ReadDataSource")),
            () = tokio::time::sleep(Duration::from_millis(number(&config, "sleep_ms"))) => {}
        }
        let element_type = Type::object([("id", Type::String), ("index", Type::Number)]);
        let objects = (0..number(&config, "objects_wanted"))
            .map(|index| {
                Value::object(named([
                    ("id", Value::string(format!("object-{index}"))),
                    ("index", Value::number(index)),
                ]))
            })
            .collect();
        let objects = Value::list(element_type, objects)
            .map_err(|error| malformed("ReadDataSource", "The objects do not fit.").because(error))?;
        let label = self.label.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((with_fields(&config, [("objects", objects), ("label", Value::string(label))]), Vec::new()))
    }

    async fn upgrade_resource_state(&self, _call: &Call, request: UpgradeRequest) -> Answer<Value> {
        let mut json: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&request.json)
            .map_err(|error| malformed("UpgradeResourceState", "The state is not an object.").because(error))?;
        if request.version < 2 {
            // Before version 2 the name was called `title`.
            if let Some(title) = json.remove("title") {
                json.insert("name".to_owned(), title);
            }
        }
        let schema = thing_schema();
        let text = serde_json::Value::Object(json).to_string();
        let upgraded = cty::json::decode(text.as_bytes(), &schema.value_type())
            .map_err(|error| malformed("UpgradeResourceState", "The state does not fit the schema.").because(error))?;
        Ok((upgraded, Vec::new()))
    }

    async fn upgrade_resource_identity(&self, _call: &Call, request: UpgradeIdentityRequest) -> Answer<Identity> {
        let json: serde_json::Value = serde_json::from_slice(&request.json)
            .map_err(|error| malformed("UpgradeResourceIdentity", "The identity is no JSON.").because(error))?;
        // Before version 1 the name was called `title`.
        let name = json[if request.version < 1 { "title" } else { "name" }].as_str().unwrap_or_default();
        Ok((identity_of(name), Vec::new()))
    }

    async fn move_resource_state(&self, _call: &Call, request: MoveRequest) -> Answer<ResourceObject> {
        let json: serde_json::Value = serde_json::from_slice(&request.source_json)
            .map_err(|error| malformed("MoveResourceState", "The state is no JSON.").because(error))?;
        let Some(name) = json["label"].as_str() else {
            let reason = format!("A {} of {} has no label.", request.source_type, request.source_provider);
            return Ok((
                ResourceObject { value: Value::null(thing_schema().value_type()), private: Vec::new(), identity: None },
                vec![Diagnostic::error("cannot-move", "Cannot move", reason)],
            ));
        };
        let mut private = request.source_private;
        private.push(b'm');
        Ok((ResourceObject { value: thing(name), private, identity: Some(identity_of(name)) }, Vec::new()))
    }

    async fn generate_resource_config(&self, _call: &Call, request: GenerateRequest) -> Answer<Value> {
        Ok((with_fields(&request.state, [("id", Value::null(Type::String))]), Vec::new()))
    }

    async fn call_function(
        &self,
        _call: &Call,
        request: FunctionRequest,
    ) -> Result<Result<Value, FunctionError>, Error> {
        let [text, times, more @ ..] = request.arguments.as_slice() else {
            return Err(malformed("CallFunction", "Two arguments come first."));
        };
        let Some(times) = times.as_number().and_then(cty::Number::to_u64).filter(|times| *times <= 1_000) else {
            return Ok(Err(FunctionError::new("A text is repeated at most 1,000 times.").at_argument(1)));
        };
        let repeated = (0..times).map(|_| text.as_str().unwrap_or_default()).collect::<String>();
        Ok(Ok(Value::tuple(vec![Value::string(repeated), Value::tuple(more.to_vec())])))
    }

    async fn read_resource(&self, _call: &Call, request: ReadRequest) -> Answer<ResourceObject> {
        let name = text(&request.object.value, "name").unwrap_or_default().to_owned();
        if name == "gone" {
            let value = Value::null(thing_schema().value_type());
            return Ok((ResourceObject { value, private: Vec::new(), identity: None }, Vec::new()));
        }
        let mut private = request.object.private;
        private.push(b'r');
        Ok((ResourceObject { value: request.object.value, private, identity: Some(identity_of(&name)) }, Vec::new()))
    }

    async fn import_resource_state(&self, _call: &Call, request: ImportRequest) -> Answer<Vec<ImportedObject>> {
        let name = match &request.target {
            ImportTarget::Id(id) => id.strip_prefix("id-of-").map(str::to_owned),
            ImportTarget::Identity(identity) => text(&identity.value, "name").map(str::to_owned),
        };
        let Some(name) = name else {
            let problem = Diagnostic::error("no-such-thing", "No such thing", "Import ids look like id-of-NAME.");
            return Ok((Vec::new(), vec![problem]));
        };
        let object = ResourceObject { value: thing(&name), private: b"i".to_vec(), identity: Some(identity_of(&name)) };
        Ok((vec![ImportedObject { resource_type: request.resource_type, object }], Vec::new()))
    }

    async fn plan_resource_change(&self, _call: &Call, request: PlanRequest) -> Answer<PlannedChange> {
        let mut planned = request.proposed;
        let name = text(&planned, "name").map(identity_of);
        if !planned.is_null() {
            // Write-only values are never planned.
            planned = with_fields(&planned, [("password", Value::null(Type::String))]);
            if request.prior.value.is_null() {
                planned = with_fields(&planned, [("id", Value::unknown(Type::String))]);
            }
        }
        let is_renamed = !request.prior.value.is_null() && text(&request.prior.value, "name") != text(&planned, "name");
        let requires_replace = if is_renamed { vec![Path::new().attr("name")] } else { Vec::new() };
        let planned = ResourceObject { value: planned, private: request.prior.private, identity: name };
        Ok((PlannedChange { planned, requires_replace, is_legacy_type_system: false }, Vec::new()))
    }

    async fn list_resource(&self, call: &Call, request: ListRequest, events: mpsc::Sender<ListEvent>) -> Answer<()> {
        let _mark = Mark(std::env::var_os("TORTURE_LIST_ENDED"));
        let prefix = text(&request.config, "prefix").unwrap_or("thing").to_owned();
        // Endless: only the limit or the client ends it.
        for index in 0_u64.. {
            let name = format!("{prefix}-{index}");
            let event = ListEvent {
                identity: Some(identity_of(&name)),
                display_name: name.clone(),
                resource: request.include_resource.then(|| thing(&name)),
                diagnostics: Vec::new(),
            };
            tokio::select! {
                () = call.cancel.cancelled() => break,
                sent = events.send(event) => if sent.is_err() { break },
            }
        }
        Ok(((), Vec::new()))
    }
}
