//! Values, paths and diagnostics as JSON, without loss.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Path, PathStep, Type, Value};
use model::diagnostic::{Position, Span};
use model::{Diagnostic, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How deep a value may be to be written as JSON: lines nest a little more, and readers of JSON stop at 128.
const JSON_DEPTH: usize = 90;

/// How deep a type may be to be written apart from its value; its JSON nests twice as deep.
const TYPE_DEPTH: usize = JSON_DEPTH / 2;

/// A value: JSON where JSON can carry it, msgpack where not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The type, where it is not the one that the schema gives.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    ty: Option<Json>,
    // Two levels, since JSON's own null is a value too.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    json: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    msgpack: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// Writes a value without marks; `declared` is the type that the schema gives it.
pub(super) fn encode(value: &Value, declared: Option<&Type>) -> cty::Result<Json> {
    let declared = declared.filter(|declared| value.ty().conforms_to(declared));
    let own_type = serde_json::from_str(&value.ty().to_json()).ok().filter(|_| depth_of_type(value.ty()) <= TYPE_DEPTH);
    // A type that is too deep goes with the bytes.
    let ty = declared.unwrap_or(if own_type.is_some() { value.ty() } else { &Type::Dynamic });
    let mut written = Written {
        ty: declared.is_none().then(|| own_type.unwrap_or_else(|| "dynamic".into())),
        json: None,
        msgpack: None,
    };
    match as_json(value, ty) {
        Some(json) => written.json = Some(json),
        None => written.msgpack = Some(STANDARD.encode(cty::msgpack::encode(value, ty)?)),
    }
    Ok(serde_json::to_value(written).unwrap_or(Json::Null))
}

/// Gives the value as JSON if it comes back from that unchanged.
fn as_json(value: &Value, ty: &Type) -> Option<Json> {
    if !value.is_wholly_known() || depth(value) > JSON_DEPTH || depth_of_type(value.ty()) > TYPE_DEPTH {
        return None;
    }
    let text = cty::json::encode(value, ty).ok()?;
    let json: Json = serde_json::from_slice(&text).ok()?;
    let read = cty::json::decode(json.to_string().as_bytes(), ty).ok()?;
    (read == *value).then_some(json)
}

fn depth_of_type(ty: &Type) -> usize {
    1 + match ty {
        Type::String | Type::Number | Type::Bool | Type::Dynamic => 0,
        Type::List(element) | Type::Set(element) | Type::Map(element) => depth_of_type(element),
        Type::Tuple(elements) => elements.iter().map(depth_of_type).max().unwrap_or(0),
        Type::Object(object) => object.attributes().map(|(_, ty)| depth_of_type(ty)).max().unwrap_or(0),
    }
}

fn depth(value: &Value) -> usize {
    let parts = value.elements().chain(value.entries().map(|(_, entry)| entry));
    1 + parts.map(depth).max().unwrap_or(0)
}

/// Reads a value.
pub(super) fn decode(json: &Json, declared: Option<&Type>) -> Result<Value, String> {
    let written = Written::deserialize(json).map_err(|error| format!("it is no value: {error}"))?;
    let own = match &written.ty {
        None => None,
        Some(ty) => Some(Type::from_json_value(ty).map_err(|error| format!("its type is none: {error}"))?),
    };
    let Some(ty) = own.as_ref().or(declared) else {
        return Err("it has no type, and the schema gives none".to_owned());
    };
    match (&written.json, &written.msgpack) {
        (Some(json), None) => cty::json::decode(json.to_string().as_bytes(), ty)
            .map_err(|error| format!("it is not of its type: {error}")),
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text).map_err(|error| format!("its bytes are not base64: {error}"))?;
            cty::msgpack::decode(&bytes, ty).map_err(|error| format!("it is not of its type: {error}"))
        }
        _ => Err("it is neither json nor msgpack".to_owned()),
    }
}

/// Writes a path.
pub(super) fn encode_path(path: &Path) -> cty::Result<Json> {
    let steps = path.steps().iter().map(|step| {
        Ok(match step {
            PathStep::GetAttr(name) => serde_json::json!({ "attr": name }),
            PathStep::Index(key) => serde_json::json!({ "index": encode(key, None)? }),
        })
    });
    steps.collect::<cty::Result<Vec<Json>>>().map(Json::Array)
}

/// Reads a path.
pub(super) fn decode_path(json: &Json) -> Result<Path, String> {
    let steps = json.as_array().ok_or("a path is not an array")?;
    steps.iter().try_fold(Path::new(), |path, step| match (step.get("attr"), step.get("index")) {
        (Some(Json::String(name)), None) => Ok(path.attr(name.clone())),
        (None, Some(key)) => decode(key, None).map(|key| path.index(key)),
        _ => Err("a step of a path is neither an attribute nor an index".to_owned()),
    })
}

/// A diagnostic; its code does not travel, as it does not over the wire.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDiagnostic {
    pub(super) is_warning: bool,
    pub(super) summary: String,
    pub(super) detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<(String, [usize; 3], [usize; 3])>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) help: Vec<String>,
}

impl WrittenDiagnostic {
    /// Writes a diagnostic, with `text` applied to everything somebody wrote; the path was masked before.
    pub(super) fn new(
        from: &Diagnostic,
        path: Option<&Path>,
        mut text: impl FnMut(&str) -> String,
    ) -> cty::Result<Self> {
        let position = |position: Position| [position.line, position.column, position.byte];
        Ok(Self {
            is_warning: from.severity == Severity::Warning,
            summary: text(&from.summary),
            detail: text(&from.detail),
            address: from.address.as_deref().map(&mut text),
            path: path.map(encode_path).transpose()?,
            span: from.span.as_ref().map(|span| (text(&span.file), position(span.start), position(span.end))),
            help: from.help.iter().map(|help| text(help)).collect(),
        })
    }

    /// Makes the diagnostic, with `text` applied to everything somebody wrote, and another path.
    pub(super) fn read(&self, path: Option<Path>, text: impl Fn(&str) -> String) -> Diagnostic {
        let position = |[line, column, byte]: [usize; 3]| Position { line, column, byte };
        let (severity, code) = if self.is_warning {
            (Severity::Warning, crate::wire::diagnostic::PROVIDER_WARNING)
        } else {
            (Severity::Error, crate::wire::diagnostic::PROVIDER_ERROR)
        };
        Diagnostic {
            severity,
            code,
            summary: text(&self.summary),
            detail: text(&self.detail),
            address: self.address.as_deref().map(&text),
            path,
            span: self.span.as_ref().map(|(file, start, end)| Span {
                file: text(file).into(),
                start: position(*start),
                end: position(*end),
            }),
            help: self.help.iter().map(|help| text(help)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cty::{Number, Refinements};
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            ".*".prop_map(Value::string),
            any::<i64>().prop_map(Value::number),
            // What decimals can say: a float beyond that is bent by the wire as well.
            "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?(e-?[1-9])?"
                .prop_filter_map("a number", |text| Number::parse(&text).ok())
                .prop_map(Value::number),
            any::<bool>().prop_map(Value::bool),
            Just(Value::dynamic()),
            Just(Value::null(Type::Dynamic)),
            Just(Value::null(Type::set(Type::String))),
            Just(Value::unknown(Type::map(Type::Number))),
            "[a-z]{1,5}".prop_filter_map("a prefix", |prefix| {
                Value::unknown_refined(Type::String, Refinements::new().string_prefix_full(&prefix)).ok()
            }),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let entries = prop::collection::btree_map("[a-zé.]{0,3}", inner.clone(), 0..4);
            let elements = prop::collection::vec(inner, 0..4);
            prop_oneof![
                elements.clone().prop_map(Value::tuple),
                entries.clone().prop_map(Value::object),
                elements.clone().prop_filter_map("one type", |elements| Value::list(Type::Dynamic, elements).ok()),
                elements.prop_filter_map("one type", |elements| Value::set(Type::Dynamic, elements).ok()),
                entries.prop_filter_map("one type", |entries| Value::map(Type::Dynamic, entries).ok()),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in values(), is_declared in any::<bool>()) {
            let declared = is_declared.then_some(&Type::Dynamic);
            let json = encode(&value, declared).expect("it is written");
            let read = decode(&serde_json::from_str(&json.to_string()).expect("JSON"), declared).expect("it is read");
            prop_assert_eq!((read.ty(), &read), (value.ty(), &value));
        }
    }

    fn check(value: &Value, declared: Option<&Type>, form: &str) {
        let json = encode(value, declared).expect("it is written");
        assert!(json.get(form).is_some(), "{value:?}: {json}");
        let read = decode(&serde_json::from_str(&json.to_string()).expect("JSON"), declared).expect("it is read");
        assert_eq!((read.ty(), &read), (value.ty(), value), "{json}");
        assert_eq!(read.refinements(), value.refinements());
    }

    #[test]
    fn what_json_carries_is_json_and_the_rest_msgpack() {
        check(&Value::string("x"), Some(&Type::String), "json");
        check(&Value::string("x"), Some(&Type::Dynamic), "json");
        check(&Value::string("x"), None, "type");
        check(&Value::null(Type::list(Type::String)), Some(&Type::Dynamic), "json");
        check(&Value::null(Type::Dynamic), Some(&Type::Dynamic), "json");
        check(&Value::dynamic(), None, "msgpack");
        check(&Value::unknown(Type::Number), Some(&Type::Number), "msgpack");
        let refined = Value::unknown_refined(Type::String, Refinements::new().not_null().string_prefix_full("ami-"));
        check(&refined.expect("a string has a prefix"), Some(&Type::String), "msgpack");
        check(&Value::number(Number::parse("0.1").expect("a number")), Some(&Type::Number), "json");
        check(&Value::number(Number::parse("12345678901234567890.25").expect("a number")), None, "msgpack");
        check(&Value::number(Number::infinity(true)), None, "msgpack");
        let set = Value::set(Type::Number, vec![Value::number(2), Value::unknown(Type::Number)]);
        check(&set.expect("a set"), None, "msgpack");
        let deep = (0..60).fold(Value::bool(true), |inner, _| Value::tuple(vec![inner]));
        check(&deep, None, "msgpack");
        let object = Value::object(BTreeMap::from([("any".to_owned(), Value::tuple(vec![Value::number(1)]))]));
        check(&object, Some(&Type::object([("any", Type::Dynamic)])), "json");
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (json, expect) in [
            (r#"{"json":1}"#, "it has no type"),
            (r#"{"type":"string"}"#, "neither"),
            (r#"{"type":"strin","json":"x"}"#, "its type"),
            (r#"{"type":"number","json":"x"}"#, "not of its type"),
            (r#"{"type":"number","msgpack":"?"}"#, "not base64"),
            ("5", "no value"),
        ] {
            let error = decode(&serde_json::from_str(json).expect("JSON"), None).expect_err(json);
            assert!(error.contains(expect), "{json}: {error}");
        }
    }
}
