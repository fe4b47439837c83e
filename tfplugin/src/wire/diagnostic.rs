//! Diagnostics and attribute paths on the wire.

use cty::{Path, PathStep, Value};
use model::{Diagnostic, Diagnostics, Severity};

use super::tfplugin6::attribute_path::{Step, step::Selector};
use super::tfplugin6::{self, AttributePath, diagnostic};

/// The code of an error that a hosted provider answered with.
pub(crate) const PROVIDER_ERROR: &str = "provider-error";
/// The code of a warning that a hosted provider answered with.
pub(crate) const PROVIDER_WARNING: &str = "provider-warning";

/// The most steps of a path that are read: the values that schemas allow are not as deep.
const MAX_STEPS: usize = 200;

/// Writes diagnostics; what the wire has no field for goes into the detail.
pub(crate) fn encode_all(diagnostics: &[Diagnostic]) -> Vec<tfplugin6::Diagnostic> {
    diagnostics.iter().map(encode).collect()
}

fn encode(from: &Diagnostic) -> tfplugin6::Diagnostic {
    let severity = match from.severity {
        Severity::Error => diagnostic::Severity::Error,
        Severity::Warning => diagnostic::Severity::Warning,
    };
    let mut detail = from.detail.clone();
    if let Some(address) = &from.address {
        detail = format!("{detail}\n\nIt concerns {address}.");
    }
    if let Some(span) = &from.span {
        detail = format!("{detail}\n\nIt is at {}:{}:{}.", span.file, span.start.line, span.start.column);
    }
    for help in &from.help {
        detail = format!("{detail}\n\n{help}");
    }
    tfplugin6::Diagnostic {
        severity: severity.into(),
        summary: from.summary.clone(),
        detail,
        attribute: from.path.as_ref().map(encode_path),
    }
}

/// Reads diagnostics; a severity we do not know counts as an error.
pub(crate) fn decode_all(wire: Vec<tfplugin6::Diagnostic>) -> Diagnostics {
    wire.into_iter()
        .map(|from| {
            let attribute = from.attribute.as_ref().map(decode_path);
            let diagnostic = if from.severity == i32::from(diagnostic::Severity::Warning) {
                Diagnostic::warning(PROVIDER_WARNING, from.summary, from.detail)
            } else {
                Diagnostic::error(PROVIDER_ERROR, from.summary, from.detail)
            };
            match attribute {
                Some(path) if !path.is_empty() => diagnostic.at_path(path),
                _ => diagnostic,
            }
        })
        .collect()
}

/// Writes a path up to the first step the wire cannot say: the element of a set.
pub(crate) fn encode_path(path: &Path) -> AttributePath {
    let selectors = path.steps().iter().map_while(|step| match step {
        PathStep::GetAttr(name) => Some(Selector::AttributeName(name.clone())),
        PathStep::Index(key) => match (key.as_str(), key.as_number().and_then(cty::Number::to_i64)) {
            (Some(text), _) => Some(Selector::ElementKeyString(text.to_owned())),
            (None, Some(index)) => Some(Selector::ElementKeyInt(index)),
            (None, None) => None,
        },
    });
    AttributePath { steps: selectors.map(|selector| Step { selector: Some(selector) }).collect() }
}

/// Reads a path up to the first step that says nothing, or to a depth that no schema has.
pub(crate) fn decode_path(wire: &AttributePath) -> Path {
    wire.steps
        .iter()
        .take(MAX_STEPS)
        .map_while(|step| step.selector.as_ref())
        .map(|selector| match selector {
            Selector::AttributeName(name) => PathStep::GetAttr(name.clone()),
            Selector::ElementKeyString(key) => PathStep::Index(Value::string(key.clone())),
            Selector::ElementKeyInt(index) => PathStep::Index(Value::number(*index)),
        })
        .collect()
}
