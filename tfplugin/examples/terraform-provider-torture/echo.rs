//! The data source: it gives back what it is given, and does what it is told.

use std::io::Write;
use std::time::Duration;

use cty::{Path, Type, Value};
use model::{Attribute, Block, Diagnostic, Diagnostics, NestingMode, Schema};
use tfplugin::{Answer, Call, Error};

use crate::shape::{
    computed, field, malformed, named, nested_attribute, nested_block, number, optional, sensitive, with_fields,
};

pub(crate) fn schema() -> Schema {
    let pair = || named([("key", optional(Type::String)), ("value", sensitive(optional(Type::Number)))]);
    let text = || named::<Attribute>([("text", optional(Type::String))]);
    Schema {
        version: 0,
        block: Block {
            attributes: named([
                ("any", optional(Type::Dynamic)),
                ("crash", optional(Type::Bool)),
                ("flood", optional(Type::Number)),
                ("flood_without_end", optional(Type::Bool)),
                ("label", computed(Type::String)),
                ("nested_list", nested_attribute(NestingMode::List, pair())),
                ("nested_map", nested_attribute(NestingMode::Map, pair())),
                ("nested_single", nested_attribute(NestingMode::Single, pair())),
                ("number", optional(Type::Number)),
                ("objects", computed(Type::list(Type::object([("id", Type::String), ("index", Type::Number)])))),
                ("objects_wanted", optional(Type::Number)),
                ("panic", optional(Type::Bool)),
                ("refuse", optional(Type::map(Type::String))),
                ("sleep_ms", optional(Type::Number)),
                ("text", optional(Type::String)),
            ]),
            blocks: named([
                ("block_group", nested_block(NestingMode::Group, text())),
                ("block_list", nested_block(NestingMode::List, text())),
                ("block_map", nested_block(NestingMode::Map, text())),
                ("block_set", nested_block(NestingMode::Set, text())),
                ("block_single", nested_block(NestingMode::Single, text())),
            ]),
            description: "Gives back what it is given.".to_owned(),
            ..Block::default()
        },
    }
}

/// Refuses each key of `refuse` where it stands.
pub(crate) fn validate(config: &Value) -> Diagnostics {
    let mut diagnostics = Vec::new();
    for (key, reason) in field(config, "refuse").into_iter().flat_map(Value::entries) {
        let path = Path::new().attr("refuse").index(Value::string(key));
        let reason = reason.as_str().unwrap_or("for a reason that is not known yet");
        diagnostics.push(Diagnostic::error("refused", "Refused on request", reason).at_path(path));
    }
    diagnostics
}

pub(crate) async fn read(call: &Call, config: &Value, label: String) -> Answer<Value> {
    let is_set = |name: &str| field(config, name).and_then(Value::as_bool) == Some(true);
    if is_set("crash") {
        crate::misbehavior::crash();
    }
    assert!(!is_set("panic"), "panicking on request");
    let mut block = vec![b'f'; 64 << 10];
    if !is_set("flood_without_end") {
        block.chunks_mut(100).for_each(|line| line[0] = b'\n');
    }
    for _ in 0..number(config, "flood") / block.len() as u64 {
        // Whoever does not read this holds us up: that is the test.
        let _ = std::io::stderr().lock().write_all(&block);
    }
    tokio::select! {
        () = call.cancel.cancelled() => return Err(Error::cancelled("ReadDataSource")),
        () = tokio::time::sleep(Duration::from_millis(number(config, "sleep_ms"))) => {}
    }
    let element_type = Type::object([("id", Type::String), ("index", Type::Number)]);
    let object = |index| {
        Value::object(named([("id", Value::string(format!("object-{index}"))), ("index", Value::number(index))]))
    };
    let objects = Value::list(element_type, (0..number(config, "objects_wanted")).map(object).collect())
        .map_err(|error| malformed("ReadDataSource", "The objects do not fit.").because(error))?;
    Ok((with_fields(config, [("objects", objects), ("label", Value::string(label))]), Vec::new()))
}
