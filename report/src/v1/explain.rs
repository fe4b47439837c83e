//! `driftmgr.explain/v1`: where values of the code come from.

use model::{Diagnostic, InstanceAddress, ProviderAddress, Span, TraceStep, UnknownPart};
use serde::{Serialize, Serializer};

use super::common::{DiagnosticOf, SourceOf, Text, ValueOf};
use crate::redact::{self, Shown, Values, looks_like_credential};

/// What replaces a text that looks like a credential.
const WITHHELD: &str = "(sensitive)";

/// An explanation, with what a reader needs to know about where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct ExplainReport<'a> {
    /// What was asked about.
    pub address: &'a str,
    /// The path of the one value that was asked about.
    pub path: Option<&'a cty::Path>,
    /// The root module, as the user named it.
    pub root: Option<&'a str>,
    /// What a provider was asked, where it is about a provider's block.
    pub provider: Option<ExplainProvider<'a>>,
    /// The instances, where a resource is asked about that has several.
    pub instances: &'a [InstanceAddress],
    /// What is explained.
    pub items: &'a [ExplainItem<'a>],
    /// Whether every value that was asked for is known.
    pub is_complete: bool,
    /// Problems that the answer survived.
    pub diagnostics: &'a [Diagnostic],
}

/// What became of asking a provider for its schema.
#[derive(Clone, Copy, Debug)]
pub struct ExplainProvider<'a> {
    /// The provider.
    pub address: &'a ProviderAddress,
    /// Its version.
    pub version: Option<&'a str>,
    /// Why there is no schema.
    pub problem: Option<&'a str>,
}

/// Something that is explained.
#[derive(Clone, Copy, Debug)]
pub struct ExplainItem<'a> {
    /// Its address.
    pub address: &'a str,
    /// Where it is declared.
    pub span: Option<&'a Span>,
    /// Its values.
    pub values: &'a [TraceStep],
}

/// An explanation, as a document.
pub struct Document<'a> {
    /// The explanation.
    pub report: &'a ExplainReport<'a>,
    /// Which values are shown.
    pub values: Values,
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.explain/v1";
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Provider<'a> {
            address: Text<&'a ProviderAddress>,
            version: Option<&'a str>,
            problem: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Item<'a> {
            address: &'a str,
            source: Option<SourceOf<'a>>,
            values: Vec<StepOf<'a>>,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            schema: &'static str,
            address: &'a str,
            path: Option<String>,
            root: Option<&'a str>,
            complete: bool,
            values: &'static str,
            provider: Option<Provider<'a>>,
            instances: Vec<String>,
            explained: Vec<Item<'a>>,
            diagnostics: Vec<DiagnosticOf<'a>>,
        }
        let report = self.report;
        Body {
            schema: <Self as super::Document>::SCHEMA,
            address: report.address,
            path: report.path.map(|path| redact::path(path).to_string()),
            root: report.root,
            complete: report.is_complete,
            values: self.values.as_str(),
            provider: report.provider.map(|provider| Provider {
                address: Text(provider.address),
                version: provider.version,
                problem: provider.problem,
            }),
            instances: report.instances.iter().map(ToString::to_string).collect(),
            explained: report
                .items
                .iter()
                .map(|item| Item {
                    address: item.address,
                    source: item.span.map(SourceOf::from),
                    values: item.values.iter().map(|step| StepOf::new(step, self.values)).collect(),
                })
                .collect(),
            diagnostics: report.diagnostics.iter().map(DiagnosticOf::from).collect(),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct StepOf<'a> {
    kind: &'static str,
    role: Option<&'a str>,
    name: Option<&'a str>,
    path: Option<String>,
    source: Option<SourceOf<'a>>,
    code: Option<&'a str>,
    #[serde(rename = "status")]
    shown: &'static str,
    value: ValueOf<'a>,
    unknown: Vec<UnknownOf<'a>>,
    note: Option<&'a str>,
    repeated: bool,
    passes_on: Option<usize>,
    steps: Vec<StepOf<'a>>,
}

#[derive(Serialize)]
struct UnknownOf<'a> {
    path: Option<String>,
    reason: &'a str,
    source: Option<SourceOf<'a>>,
}

impl<'a> StepOf<'a> {
    fn new(step: &'a TraceStep, values: Values) -> Self {
        let shown = shown(step, values);
        Self {
            kind: step.kind.as_str(),
            role: step.role.as_deref().map(harmless),
            name: step.name.as_deref().map(harmless),
            path: (!step.path.is_empty()).then(|| redact::path(&step.path).to_string()),
            source: step.span.as_ref().map(SourceOf::from),
            code: code(step, values),
            shown: status(step, &shown),
            value: ValueOf(shown),
            unknown: step.unknown.iter().map(UnknownOf::from).collect(),
            note: step.note.as_deref().map(harmless),
            repeated: step.is_repeated,
            passes_on: step.passes_on,
            steps: step.inner.iter().map(|inner| Self::new(inner, values)).collect(),
        }
    }
}

impl<'a> From<&'a UnknownPart> for UnknownOf<'a> {
    fn from(unknown: &'a UnknownPart) -> Self {
        Self {
            path: (!unknown.path.is_empty()).then(|| redact::path(&unknown.path).to_string()),
            reason: harmless(&unknown.reason),
            source: unknown.span.as_ref().map(SourceOf::from),
        }
    }
}

/// Gives the value of a step, where it may be shown. Parts of it may still be marked: those are never written.
pub(crate) fn shown(step: &TraceStep, values: Values) -> Shown<'_> {
    match &step.value {
        None => Shown::Absent,
        Some(value) if value.is_marked() || redact::contains_credential(value) => Shown::Sensitive,
        Some(_) if values == Values::None => Shown::Hidden,
        Some(value) => Shown::Value(value),
    }
}

/// Gives the code of a step, where it may be shown.
pub(crate) fn code(step: &TraceStep, values: Values) -> Option<&str> {
    step.source.as_deref().filter(|source| values == Values::Safe && !looks_like_credential(source))
}

/// Gives a text as it is, unless it looks like a credential.
pub(crate) fn harmless(text: &str) -> &str {
    if looks_like_credential(text) { WITHHELD } else { text }
}

fn status(step: &TraceStep, shown: &Shown<'_>) -> &'static str {
    match shown {
        Shown::Absent => "absent",
        Shown::Sensitive => "sensitive",
        _ if step.is_unknown() => "unknown",
        Shown::Hidden => "hidden",
        Shown::Value(_) => "known",
    }
}
