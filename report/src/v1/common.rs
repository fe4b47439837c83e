//! What several documents share.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;

use cty::Value;
use model::{Cause, Diagnostic, ScopeOutcome, Severity, Span, StateRef};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::redact::{Shown, Values};
use crate::text::HarmlessJson;

/// Longest text of a value in a document, in characters.
pub(crate) const MAX_TEXT: usize = 4096;

/// A document that has a schema.
pub trait Document: Serialize {
    /// Its name and version: `driftmgr.drift/v1`.
    const SCHEMA: &'static str;
}

/// Writes a document as JSON, on one line or indented, with a line break behind it.
///
/// # Errors
///
/// Those of the writer.
pub fn write(document: &impl Document, indented: bool, out: &mut dyn io::Write) -> io::Result<()> {
    if indented {
        serde_json::to_writer_pretty(HarmlessJson::new(out), document)?;
    } else {
        serde_json::to_writer(HarmlessJson::new(out), document)?;
    }
    out.write_all(b"\n")
}

/// Serializes as the text that is displayed.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Counts by something that displays.
pub(crate) struct Counts<'a, K>(pub(crate) &'a BTreeMap<K, u64>);

impl<K: Display> Serialize for Counts<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, count)| (Text(key), count)))
    }
}

#[derive(Serialize)]
pub(crate) struct State<'a> {
    url: &'a str,
    workspace: &'a str,
    lineage: &'a str,
    serial: u64,
}

impl<'a> From<&'a StateRef> for State<'a> {
    fn from(state: &'a StateRef) -> Self {
        Self { url: &state.url, workspace: &state.workspace, lineage: state.lineage.as_str(), serial: state.serial.0 }
    }
}

#[derive(Serialize)]
pub(crate) struct CauseOf<'a> {
    kind: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<u64>,
}

impl<'a> From<&'a Cause> for CauseOf<'a> {
    fn from(cause: &'a Cause) -> Self {
        Self { kind: cause.kind.as_str(), detail: &cause.detail, instances: None }
    }
}

impl<'a> CauseOf<'a> {
    pub(crate) fn counted(cause: &'a Cause, instances: u64) -> Self {
        Self { instances: Some(instances), ..Self::from(cause) }
    }
}

#[derive(Serialize)]
pub(crate) struct ScopeOf<'a> {
    cloud: &'a str,
    account: &'a str,
    region: Option<&'a str>,
    native_type: &'a str,
    status: &'static str,
    objects: u64,
    calls: &'a BTreeMap<String, u64>,
    causes: Vec<CauseOf<'a>>,
    started: Text<jiff::Timestamp>,
    finished: Text<jiff::Timestamp>,
}

impl<'a> From<&'a ScopeOutcome> for ScopeOf<'a> {
    fn from(outcome: &'a ScopeOutcome) -> Self {
        Self {
            cloud: outcome.scope.cloud.as_str(),
            account: outcome.scope.account.as_str(),
            region: outcome.scope.region.as_ref().map(model::Region::as_str),
            native_type: outcome.scope.native_type.as_str(),
            status: match outcome.status {
                model::ScopeStatus::Complete => "complete",
                model::ScopeStatus::Partial => "partial",
                model::ScopeStatus::Failed => "failed",
            },
            objects: outcome.n_objects,
            calls: &outcome.calls,
            causes: outcome.causes.iter().map(CauseOf::from).collect(),
            started: Text(outcome.started),
            finished: Text(outcome.finished),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SourceOf<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> From<&'a Span> for SourceOf<'a> {
    fn from(span: &'a Span) -> Self {
        Self {
            file: &span.file,
            line: span.start.line,
            column: span.start.column,
            end_line: span.end.line,
            end_column: span.end.column,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct DiagnosticOf<'a> {
    severity: &'static str,
    code: &'static str,
    summary: &'a str,
    detail: &'a str,
    address: Option<&'a str>,
    path: Option<Text<&'a cty::Path>>,
    source: Option<SourceOf<'a>>,
    help: &'a [String],
}

impl<'a> From<&'a Diagnostic> for DiagnosticOf<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        Self {
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: diagnostic.code,
            summary: &diagnostic.summary,
            detail: &diagnostic.detail,
            address: diagnostic.address.as_deref(),
            path: diagnostic.path.as_ref().map(Text),
            source: diagnostic.span.as_ref().map(SourceOf::from),
            help: &diagnostic.help,
        }
    }
}

/// A value, where it may be shown; null where it is absent or may not.
pub(crate) struct ValueOf<'v>(pub(crate) Shown<'v>);

impl Serialize for ValueOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Shown::Value(value) => Json(value).serialize(serializer),
            Shown::Absent | Shown::Hidden | Shown::Sensitive => serializer.serialize_none(),
        }
    }
}

/// The attributes of an object by name, those that may be shown.
pub(crate) fn attributes<'v, S: Serializer>(
    attributes: impl Iterator<Item = (&'v String, &'v Value)>,
    values: Values,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(attributes.map(|(name, value)| (name, ValueOf(values.of_value(value)))))
}

/// A value as JSON. What is sensitive inside it, or unknown, is null; long texts are cut.
pub(crate) struct Json<'v>(pub(crate) &'v Value);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        if value.is_marked() || !value.is_known() || value.is_null() {
            serializer.serialize_none()
        } else if let Some(text) = value.as_str() {
            serializer.serialize_str(cut(text))
        } else if let Some(bool) = value.as_bool() {
            serializer.serialize_bool(bool)
        } else if let Some(number) = value.as_number() {
            let text = number.to_string();
            match serde_json::value::RawValue::from_string(text.clone()) {
                Ok(raw) => raw.serialize(serializer),
                Err(_) => serializer.serialize_str(&text),
            }
        } else if matches!(value.ty(), cty::Type::Map(_) | cty::Type::Object(_)) {
            let mut map = serializer.serialize_map(Some(value.entries().len()))?;
            for (name, value) in value.entries() {
                map.serialize_entry(name, &Json(value))?;
            }
            map.end()
        } else {
            let mut sequence = serializer.serialize_seq(Some(value.elements().len()))?;
            for element in value.elements() {
                sequence.serialize_element(&Json(element))?;
            }
            sequence.end()
        }
    }
}

/// Cuts a text after [`MAX_TEXT`] characters.
pub(crate) fn cut(text: &str) -> &str {
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| &text[..end])
}

/// Tells whether a value holds a text that [`cut`] shortens.
pub(crate) fn is_cut(value: &Value) -> bool {
    let mut found = false;
    cty::walk(value, |_, inner| {
        found = found || inner.as_str().is_some_and(|text| cut(text).len() < text.len());
        !found
    });
    found
}
