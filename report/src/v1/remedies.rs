//! `driftmgr.remedies/v1`: what may be done about findings.

use std::borrow::Cow;

use jiff::Timestamp;
use model::{AttributeDifference, Diagnostic, Finding, Remedy, RemedyStatus, Span, Tier};
use serde::{Serialize, Serializer};

use super::common::{DiagnosticOf, SourceOf, Text, ValueOf};
use crate::redact::{self, Values, looks_like_credential};

/// What replaces a text that looks like a credential.
const WITHHELD: &str = "(sensitive)";

/// Remedies, with what a reader needs to know about where they come from.
#[derive(Clone, Copy, Debug)]
pub struct RemediesReport<'a> {
    /// The moment the oldest look at the cloud ended.
    pub as_of: Option<Timestamp>,
    /// Whether everything was seen.
    pub is_complete: bool,
    /// The root module, as the user named it.
    pub root: Option<&'a str>,
    /// How many findings there are that something might be done about.
    pub n_findings: usize,
    /// The remedies, in the order of the findings.
    pub items: &'a [RemedyItem<'a>],
    /// The files that they patch.
    pub files: &'a [RemedyFile<'a>],
    /// Problems that the answer survived.
    pub diagnostics: &'a [Diagnostic],
}

/// A remedy of a finding.
#[derive(Clone, Copy, Debug)]
pub struct RemedyItem<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The remedy.
    pub remedy: &'a Remedy,
    /// How much is known of it.
    pub status: RemedyStatus,
    /// What it does, or why there is none, in sentences.
    pub detail: &'a str,
    /// A command for a person to run.
    pub command: Option<&'a str>,
    /// The block that it is.
    pub text: Option<&'a str>,
    /// The file that it patches, relative to the root module.
    pub file: Option<&'a str>,
    /// Where the code says what it is about.
    pub places: &'a [Span],
}

/// A file that remedies patch.
#[derive(Clone, Copy, Debug)]
pub struct RemedyFile<'a> {
    /// Its path, relative to the root module.
    pub name: &'a str,
    /// Whether there was no such file.
    pub is_new: bool,
    /// What changes, as a unified diff.
    pub diff: Option<&'a str>,
    /// Why the diff is not shown.
    pub withheld: Option<&'a str>,
    /// Whether it was written; `None` where that was not asked for.
    pub is_written: Option<bool>,
    /// Why it was not written.
    pub problem: Option<&'a str>,
}

impl<'a> RemedyItem<'a> {
    /// Gives the path in the instance that it is about.
    pub(crate) fn path(&self) -> Option<Cow<'a, cty::Path>> {
        match self.remedy {
            Remedy::UpdateCode { path, .. } => Some(redact::path(path)),
            _ => None,
        }
    }

    /// Lists the differences that it is about.
    pub(crate) fn differences(&self) -> Vec<&'a AttributeDifference> {
        let is_of = |difference: &&AttributeDifference| match self.remedy {
            Remedy::UpdateCode { path, .. } => difference.path == *path,
            Remedy::Apply { .. } => matches!(difference.tier, Tier::Declared | Tier::Unclassified),
            Remedy::Refresh { .. } => true,
            _ => false,
        };
        self.finding.attributes.iter().filter(is_of).collect()
    }
}

impl<'a> RemedyFile<'a> {
    /// Gives the diff, where it may be shown; else why not.
    pub(crate) fn shown(&self, values: Values) -> Result<&'a str, &'a str> {
        match (self.diff, self.withheld) {
            _ if values == Values::None => Err("Values are not shown."),
            (Some(diff), _) if looks_like_credential(diff) => Err("A line of it looks like a credential."),
            (Some(diff), _) => Ok(diff),
            (None, Some(reason)) => Err(reason),
            (None, None) => Err("There is none."),
        }
    }
}

/// Gives a text as it is, unless it looks like a credential.
pub(crate) fn harmless(text: &str) -> &str {
    if looks_like_credential(text) { WITHHELD } else { text }
}

/// Remedies, as a document.
pub struct Document<'a> {
    /// The remedies.
    pub report: &'a RemediesReport<'a>,
    /// Which values are shown.
    pub values: Values,
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.remedies/v1";
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct SummaryOf {
            findings: usize,
            proved: usize,
            offered: usize,
            refused: usize,
            files: usize,
        }
        #[derive(Serialize)]
        struct FileOf<'a> {
            path: &'a str,
            new: bool,
            diff: Option<&'a str>,
            withheld: Option<&'a str>,
            written: Option<bool>,
            problem: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            schema: &'static str,
            as_of: Option<Text<Timestamp>>,
            complete: bool,
            root: Option<&'a str>,
            values: &'static str,
            summary: SummaryOf,
            remedies: Vec<ItemOf<'a>>,
            files: Vec<FileOf<'a>>,
            diagnostics: Vec<DiagnosticOf<'a>>,
        }
        let report = self.report;
        let count = |status: RemedyStatus| report.items.iter().filter(|item| item.status == status).count();
        let files = report.files.iter().map(|file| FileOf {
            path: file.name,
            new: file.is_new,
            diff: file.shown(self.values).ok(),
            withheld: file.shown(self.values).err(),
            written: file.is_written,
            problem: file.problem,
        });
        Body {
            schema: <Self as super::Document>::SCHEMA,
            as_of: report.as_of.map(Text),
            complete: report.is_complete,
            root: report.root,
            values: self.values.as_str(),
            summary: SummaryOf {
                findings: report.n_findings,
                proved: count(RemedyStatus::Proved),
                offered: count(RemedyStatus::Offered),
                refused: count(RemedyStatus::Refused),
                files: report.files.len(),
            },
            remedies: report.items.iter().map(|item| ItemOf::new(item, self.values)).collect(),
            files: files.collect(),
            diagnostics: report.diagnostics.iter().map(DiagnosticOf::from).collect(),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct ChangeOf<'a> {
    path: Text<Cow<'a, cty::Path>>,
    code: ValueOf<'a>,
    state: ValueOf<'a>,
    cloud: ValueOf<'a>,
    sensitive: bool,
}

#[derive(Serialize)]
struct ItemOf<'a> {
    kind: &'static str,
    status: &'static str,
    finding: &'static str,
    fingerprint: Text<&'a model::Fingerprint>,
    address: Option<Text<&'a model::InstanceAddress>>,
    to: Option<Text<&'a model::InstanceAddress>>,
    path: Option<Text<Cow<'a, cty::Path>>>,
    detail: &'a str,
    command: Option<&'a str>,
    text: Option<&'a str>,
    file: Option<&'a str>,
    places: Vec<SourceOf<'a>>,
    changes: Vec<ChangeOf<'a>>,
}

impl<'a> ItemOf<'a> {
    fn new(item: &RemedyItem<'a>, values: Values) -> Self {
        let change = |difference: &'a AttributeDifference| {
            let side = |side: Option<&'a cty::Value>| values.of(difference, side);
            let sides = [&difference.code, &difference.state, &difference.cloud].map(|value| side(value.as_ref()));
            ChangeOf {
                path: Text(redact::path(&difference.path)),
                sensitive: sides.iter().any(|side| matches!(side, redact::Shown::Sensitive)),
                code: ValueOf(sides[0]),
                state: ValueOf(sides[1]),
                cloud: ValueOf(sides[2]),
            }
        };
        Self {
            kind: item.remedy.kind().as_str(),
            status: item.status.as_str(),
            finding: item.finding.kind.as_str(),
            fingerprint: Text(&item.finding.fingerprint),
            address: item.finding.address.as_ref().map(Text),
            to: match item.remedy {
                Remedy::Import { to, .. } | Remedy::Move { to, .. } => Some(Text(to)),
                _ => None,
            },
            path: item.path().map(Text),
            detail: harmless(item.detail),
            command: item.command.map(harmless),
            text: item.text.map(harmless),
            file: item.file,
            places: item.places.iter().map(SourceOf::from).collect(),
            changes: item.differences().into_iter().map(change).collect(),
        }
    }
}
