//! The file of a baseline, `driftmgr.baseline.json`: sorted, one value a line, so that a review shows what is approved.

use std::sync::Arc;

use jiff::civil::Date;
use model::{Diagnostic, Diagnostics, Kind, Position, Span};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Baseline, BaselineEntry, BaselineSubject};
use crate::pattern::nearest;

/// The name of the file, beside the root module.
pub const BASELINE_FILE_NAME: &str = "driftmgr.baseline.json";

const VERSION: u64 = 1;
const MAX_BYTES: usize = 16 << 20;
const MAX_ENTRIES: usize = 100_000;
const CODE: &str = "baseline-file";

/// What every version has.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    version: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(rename = "version")]
    _version: u64,
    key: Option<String>,
    #[serde(borrow, default)]
    entries: Vec<&'a RawValue>,
}

#[derive(Serialize)]
struct WrittenDocument {
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    entries: Vec<EntryFields>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct EntryFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    object_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    reason: String,
    approver: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// Reads a baseline; `name` is what diagnostics call the file.
///
/// Every problem is named with its line; where there is one, the baseline must not be used.
pub fn parse_baseline(name: &str, text: &str) -> (Baseline, Diagnostics) {
    let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut reader = Reader { file: name.into(), text, line_starts, diagnostics: Diagnostics::new() };
    let baseline = reader.document().unwrap_or_default();
    (baseline, reader.diagnostics)
}

struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Where its lines begin, in bytes.
    line_starts: Vec<usize>,
    diagnostics: Diagnostics,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<Baseline> {
        if self.text.len() > MAX_BYTES {
            let detail = format!("The file has {} bytes; {MAX_BYTES} is the limit.", self.text.len());
            self.diagnostics.push(Diagnostic::error(CODE, "The baseline is too large", detail));
            return None;
        }
        let help = "Where a merge went wrong, take one side and run `driftmgr baseline record` again.";
        let head: Head<'a> = match serde_json::from_str(self.text) {
            Ok(head) => head,
            Err(error) => {
                let detail = format!("{error}.");
                self.error_at("The baseline is not valid JSON", detail, error.line(), error.column(), Some(help));
                return None;
            }
        };
        let version = head.version.map(|version| (version.get().parse::<u64>(), self.offset(version)));
        match version {
            Some((Ok(VERSION), _)) => {}
            Some((Ok(version), offset)) if version > VERSION => {
                let detail = format!(
                    "A newer driftmgr wrote version {version} of the baseline; this one reads version {VERSION}. Nothing is \
                     judged with a baseline that is only half understood."
                );
                self.error("The baseline is of a newer version", detail, offset, Some("Upgrade driftmgr."));
                return None;
            }
            Some((_, offset)) => {
                let detail = format!("This driftmgr reads version {VERSION} of the baseline.");
                self.error("Unknown version of the baseline", detail, offset, None);
                return None;
            }
            None => {
                let detail = format!("The file must have `\"version\": {VERSION}`.");
                self.error("The baseline names no version", detail, 0, None);
                return None;
            }
        }
        let document: Document<'a> = match serde_json::from_str(self.text) {
            Ok(document) => document,
            Err(error) => {
                let detail = format!("{error}.");
                self.error_at("The baseline has a mistake", detail, error.line(), error.column(), Some(help));
                return None;
            }
        };
        if document.entries.len() > MAX_ENTRIES {
            let detail = format!("The file has {} entries; {MAX_ENTRIES} is the limit.", document.entries.len());
            self.diagnostics.push(Diagnostic::error(CODE, "The baseline is too large", detail));
            return None;
        }
        let entries: Vec<BaselineEntry> = document.entries.into_iter().filter_map(|entry| self.entry(entry)).collect();
        if !self.diagnostics.is_empty() {
            return None;
        }
        let spans: Vec<Span> = entries.iter().map(|entry| entry.span.clone()).collect();
        match Baseline::new(document.key, entries) {
            Ok(baseline) => Some(baseline),
            Err(position) => {
                let detail = "An entry before it is about the same. Remove one of them.".to_owned();
                self.error("Two entries of the baseline are about the same", detail, spans[position].start.byte, None);
                None
            }
        }
    }

    fn entry(&mut self, raw: &'a RawValue) -> Option<BaselineEntry> {
        let n_problems = self.diagnostics.len();
        let offset = self.offset(raw);
        let fields: EntryFields = match serde_json::from_str(raw.get()) {
            Ok(fields) => fields,
            Err(error) => {
                let start = self.position(offset);
                let column = if error.line() == 1 { start.column + error.column() - 1 } else { error.column() };
                // The place in the entry means nothing to who has the file.
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                let summary = "An entry of the baseline has a mistake";
                self.error_at(summary, format!("{said}."), start.line + error.line() - 1, column, None);
                return None;
            }
        };
        let mut error = |summary: &str, detail: String| self.error(summary, detail, offset, None);
        let kind = Kind::from_word(&fields.kind);
        if kind.is_none() {
            let words = || Kind::ALL.iter().map(|kind| kind.as_str());
            let near =
                nearest(&fields.kind, words()).map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
            let detail = format!("{:?} is none of {}.{near}", fields.kind, words().collect::<Vec<_>>().join(", "));
            error("Unknown kind of finding", detail);
        }
        if kind == Some(Kind::Undetermined) {
            let detail = "What could not be looked at cannot be approved.".to_owned();
            error("An entry of the baseline is about something undetermined", detail);
        }
        for (name, text) in [("reason", &fields.reason), ("approver", &fields.approver)] {
            if text.trim().is_empty() {
                let detail = format!("Every entry must have `{name}`.");
                error(&format!("An entry of the baseline has no {name}"), detail);
            }
        }
        let expires = fields.expires.as_deref().map(str::parse::<Date>);
        if let Some(Err(_)) = expires {
            error("Not a date", "`expires` is a day such as 2026-12-31.".to_owned());
        }
        let is_object = fields.object_type.is_some() || fields.id.is_some();
        let subject = match (fields.address, fields.object_type, fields.id) {
            (Some(address), None, None) if fields.account.is_none() && fields.region.is_none() => {
                let workspace = fields.workspace.unwrap_or_else(|| "default".to_owned()).into();
                Some(BaselineSubject::Instance { address, workspace })
            }
            (None, Some(object_type), Some(id)) if fields.workspace.is_none() => {
                Some(BaselineSubject::Object { object_type, id, account: fields.account, region: fields.region })
            }
            _ => {
                let detail = if is_object {
                    "An object has `type` and `id`, perhaps `account` and `region`, and no `address`."
                } else {
                    "An entry has an `address`, perhaps with a `workspace`, or `type` and `id` of an object."
                };
                error("An entry of the baseline is about nothing that can be found", detail.to_owned());
                None
            }
        };
        if self.diagnostics.len() > n_problems {
            return None;
        }
        let start = self.position(offset);
        Some(BaselineEntry {
            subject: subject?,
            kind: kind?,
            path: fields.path,
            digest: fields.digest,
            reason: fields.reason,
            approver: fields.approver,
            expires: expires.and_then(Result::ok),
            span: Span { file: Arc::clone(&self.file), start, end: start },
        })
    }

    /// Finds where a part of the text begins.
    fn offset(&self, part: &RawValue) -> usize {
        (part.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len())
    }

    fn position(&self, byte: usize) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let before = self.text.get(self.line_starts[line - 1]..byte).unwrap_or_default();
        Position { line, column: before.chars().count() + 1, byte }
    }

    fn error(&mut self, summary: &str, detail: String, byte: usize, help: Option<&str>) {
        let start = self.position(byte);
        self.error_at(summary, detail, start.line, start.column, help);
    }

    fn error_at(&mut self, summary: &str, detail: String, line: usize, column: usize, help: Option<&str>) {
        let start = Position { line: line.max(1), column: column.max(1), byte: 0 };
        let span = Span { file: Arc::clone(&self.file), start, end: start };
        let diagnostic = Diagnostic::error(CODE, summary, detail).at_span(span);
        self.diagnostics.push(match help {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        });
    }
}

impl Baseline {
    /// Writes the file: entries in order, the same text for the same baseline.
    pub fn to_text(&self) -> String {
        let fields = |entry: &BaselineEntry| {
            let entry = entry.clone();
            let fields = EntryFields {
                kind: entry.kind.to_string(),
                path: entry.path,
                digest: entry.digest,
                reason: entry.reason,
                approver: entry.approver,
                expires: entry.expires.map(|expires| expires.to_string()),
                ..EntryFields::default()
            };
            match entry.subject {
                BaselineSubject::Instance { address, workspace } => {
                    let workspace = (*workspace != *"default").then(|| workspace.to_string());
                    EntryFields { address: Some(address), workspace, ..fields }
                }
                BaselineSubject::Object { object_type, id, account, region } => {
                    EntryFields { object_type: Some(object_type), id: Some(id), account, region, ..fields }
                }
            }
        };
        let document = WrittenDocument {
            version: VERSION,
            key: self.key_check.clone(),
            entries: self.entries.iter().map(fields).collect(),
        };
        let mut text = serde_json::to_string_pretty(&document).expect("texts and numbers are always JSON");
        text.push('\n');
        text
    }
}
