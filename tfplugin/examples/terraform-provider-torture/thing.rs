//! A resource type without a cloud: what is read is what was there.

use cty::{Path, Type, Value};
use model::{Attribute, Block, Diagnostic, Diagnostics, NestingMode, Schema};
use tfplugin::{
    Answer, Call, Error, ImportRequest, ImportTarget, ImportedObject, ListEvent, ListRequest, MoveRequest, PlanRequest,
    PlannedChange, ReadRequest, ResourceObject, UpgradeRequest,
};
use tokio::sync::mpsc;

use crate::shape::{
    computed, identity_of, malformed, named, nested_block, optional, required, sensitive, text, with_fields, with_name,
};

pub(crate) const NAME: &str = "torture_thing";

pub(crate) fn schema() -> Schema {
    let password = Attribute { write_only: true, ..sensitive(optional(Type::String)) };
    Schema {
        version: 2,
        block: Block {
            attributes: named([
                ("id", computed(Type::String)),
                ("name", required(Type::String)),
                ("password", password),
                ("tags", optional(Type::map(Type::String))),
            ]),
            blocks: named([("rule", nested_block(NestingMode::List, named([("text", optional(Type::String))])))]),
            ..Block::default()
        },
    }
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

fn none() -> ResourceObject {
    ResourceObject { value: Value::null(schema().value_type()), private: Vec::new(), identity: None }
}

pub(crate) fn upgrade(request: &UpgradeRequest) -> Answer<Value> {
    let json = serde_json::Value::Object(with_name("UpgradeResourceState", &request.json)?);
    let upgraded = cty::json::decode(json.to_string().as_bytes(), &schema().value_type())
        .map_err(|error| malformed("UpgradeResourceState", "The state does not fit the schema.").because(error))?;
    Ok((upgraded, Vec::new()))
}

/// Takes over whatever has a label.
pub(crate) fn take_over(request: MoveRequest) -> Answer<ResourceObject> {
    let json = with_name("MoveResourceState", &request.source_json)?;
    let Some(name) = json.get("label").and_then(serde_json::Value::as_str) else {
        let reason = format!("A {} of {} has no label.", request.source_type, request.source_provider);
        return Ok((none(), vec![Diagnostic::error("cannot-move", "Cannot move", reason)]));
    };
    let mut private = request.source_private;
    private.push(b'm');
    Ok((ResourceObject { value: thing(name), private, identity: Some(identity_of(name)) }, Vec::new()))
}

pub(crate) fn read(request: ReadRequest) -> ResourceObject {
    let name = text(&request.object.value, "name").unwrap_or_default().to_owned();
    if name == "gone" {
        return none();
    }
    let mut private = request.object.private;
    private.push(b'r');
    ResourceObject { value: request.object.value, private, identity: Some(identity_of(&name)) }
}

pub(crate) fn import(request: ImportRequest) -> (Vec<ImportedObject>, Diagnostics) {
    let name = match &request.target {
        ImportTarget::Id(id) => id.strip_prefix("id-of-").map(str::to_owned),
        ImportTarget::Identity(identity) => text(&identity.value, "name").map(str::to_owned),
    };
    let Some(name) = name else {
        let problem = Diagnostic::error("no-such-thing", "No such thing", "Import ids look like id-of-NAME.");
        return (Vec::new(), vec![problem]);
    };
    let object = ResourceObject { value: thing(&name), private: b"i".to_vec(), identity: Some(identity_of(&name)) };
    (vec![ImportedObject { resource_type: request.resource_type, object }], Vec::new())
}

pub(crate) fn plan(request: PlanRequest) -> PlannedChange {
    let mut planned = request.proposed;
    let identity = text(&planned, "name").map(identity_of);
    if !planned.is_null() {
        // Write-only values are never planned.
        planned = with_fields(&planned, [("password", Value::null(Type::String))]);
        if request.prior.value.is_null() {
            planned = with_fields(&planned, [("id", Value::unknown(Type::String))]);
        }
    }
    let is_renamed = !request.prior.value.is_null() && text(&request.prior.value, "name") != text(&planned, "name");
    let requires_replace = if is_renamed { vec![Path::new().attr("name")] } else { Vec::new() };
    let planned = ResourceObject { value: planned, private: request.prior.private, identity };
    PlannedChange { planned, requires_replace, is_legacy_type_system: false }
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

/// Lists without end: only the limit or the client ends it.
pub(crate) async fn list(call: &Call, request: &ListRequest, events: &mpsc::Sender<ListEvent>) -> Result<(), Error> {
    let _mark = Mark(std::env::var_os("TORTURE_LIST_ENDED"));
    let prefix = text(&request.config, "prefix").unwrap_or("thing").to_owned();
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
    Ok(())
}
