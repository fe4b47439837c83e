//! `driftmgr.check/v1`: what a change meets. `driftmgr report merge` reads it back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use ::drift::change::{RootChange, Touch, TouchKind};
use ::drift::exit::{self, ExitCode, Outcome};
use model::{Diagnostic, Impact, Kind};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::common::{CauseOf, DiagnosticOf, SourceOf, Text};
use super::drift;
use crate::redact::{self, Values};
use crate::sheet::{ChangeSheet, DiagnosticSheet, RevisionSheet, RootSheet, Sheet};
use crate::text::{HarmlessJson, count};
use crate::{CheckReport, CheckedRootReport, Format, RevisionRef, Style, format};

const SCHEMA: &str = "driftmgr.check/v1";
/// Longest document that is read, in bytes.
const MAX_BYTES: usize = 512 * 1024 * 1024;

/// A check, as a document.
pub struct Document<'a> {
    /// The check.
    pub report: &'a CheckReport<'a>,
    /// Which values it shows.
    pub values: Values,
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = SCHEMA;
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CheckReport { base, head, roots, n_roots, n_unchanged, n_other_shards, shards, diagnostics, at } =
            *self.report;
        let mut document = serializer.serialize_struct("Document", 10)?;
        document.serialize_field("schema", SCHEMA)?;
        document.serialize_field("at", &Text(at))?;
        document.serialize_field("values", self.values.as_str())?;
        document.serialize_field("complete", &roots.iter().all(is_complete))?;
        document.serialize_field("base", &base.map(RevisionOf::from))?;
        document.serialize_field("head", &head.map(RevisionOf::from))?;
        document.serialize_field("shards", shards)?;
        let mut summary =
            Summary { roots: n_roots, unchanged: n_unchanged, other_shards: n_other_shards, ..Summary::default() };
        for root in roots {
            summary.count(root);
        }
        document.serialize_field("summary", &summary)?;
        let diagnostics: Vec<_> = diagnostics.iter().map(DiagnosticOf::from).collect();
        document.serialize_field("diagnostics", &diagnostics)?;
        let roots: Vec<_> = roots.iter().map(|root| RootOf::new(root, self.values)).collect();
        document.serialize_field("roots", &roots)?;
        document.end()
    }
}

fn is_complete(root: &CheckedRootReport<'_>) -> bool {
    root.report.as_ref().is_ok_and(|report| report.verdict.is_complete)
}

#[derive(Serialize)]
struct RevisionOf<'a> {
    name: &'a str,
    commit: &'a str,
}

impl<'a> From<RevisionRef<'a>> for RevisionOf<'a> {
    fn from(revision: RevisionRef<'a>) -> Self {
        Self { name: revision.name, commit: revision.commit }
    }
}

/// Totals over the root modules.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Summary {
    roots: u64,
    unchanged: u64,
    other_shards: u64,
    checked: u64,
    failed: u64,
    instances: u64,
    compared: u64,
    undetermined: u64,
    failing: u64,
    aside: u64,
    by_impact: BTreeMap<String, u64>,
    by_kind: BTreeMap<String, u64>,
}

impl Summary {
    fn count(&mut self, root: &CheckedRootReport<'_>) {
        self.checked += 1;
        self.aside += root.n_aside;
        let Ok(report) = &root.report else {
            self.failed += 1;
            return;
        };
        let summary = &report.verdict.summary;
        self.instances += summary.n_instances;
        self.compared += summary.n_checked;
        self.undetermined += summary.n_undetermined;
        self.failing += summary.n_failing;
        for (kind, number) in &summary.by_kind {
            *self.by_kind.entry(kind.to_string()).or_default() += number;
        }
        for finding in &report.verdict.findings {
            let is_shown = finding.ignored.is_none() && finding.folded.is_none();
            if let Some(impact) = finding.impact.filter(|_| is_shown) {
                *self.by_impact.entry(impact.to_string()).or_default() += 1;
            }
        }
    }

    /// Adds what another document counted of its own root modules.
    fn add(&mut self, other: &Self) {
        self.unchanged += other.unchanged;
        self.checked += other.checked;
        self.failed += other.failed;
        self.instances += other.instances;
        self.compared += other.compared;
        self.undetermined += other.undetermined;
        self.failing += other.failing;
        self.aside += other.aside;
        for (mine, others) in [(&mut self.by_impact, &other.by_impact), (&mut self.by_kind, &other.by_kind)] {
            for (word, number) in others {
                *mine.entry(word.clone()).or_default() += number;
            }
        }
    }
}

#[derive(Serialize)]
struct RootOf<'a> {
    name: &'a str,
    directory: &'a str,
    workspace: Option<&'a str>,
    owners: &'a [String],
    why: Option<&'a str>,
    change: Option<ChangeOf<'a>>,
    aside: u64,
    error: Option<&'a str>,
    report: Option<drift::Document<'a>>,
}

impl<'a> RootOf<'a> {
    fn new(root: &'a CheckedRootReport<'a>, values: Values) -> Self {
        Self {
            name: root.name,
            directory: root.directory,
            workspace: root.workspace,
            owners: root.owners,
            why: root.why,
            change: root.change.map(ChangeOf::from),
            aside: root.n_aside,
            error: root.report.as_ref().err().map(String::as_str),
            report: root.report.as_ref().ok().map(|report| drift::Document { report, values }),
        }
    }
}

#[derive(Serialize)]
struct ChangeOf<'a> {
    touches: Vec<TouchOf<'a>>,
    causes: Vec<CauseOf<'a>>,
}

impl<'a> From<&'a RootChange> for ChangeOf<'a> {
    fn from(change: &'a RootChange) -> Self {
        Self {
            touches: change.touches.iter().map(TouchOf::from).collect(),
            causes: change.causes.iter().map(CauseOf::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct TouchOf<'a> {
    address: Text<&'a model::InstanceAddress>,
    how: &'static str,
    from: Option<Text<&'a model::InstanceAddress>>,
    paths: Vec<String>,
    source: Option<SourceOf<'a>>,
    unsure: Option<&'a str>,
}

impl<'a> From<&'a Touch> for TouchOf<'a> {
    fn from(touch: &'a Touch) -> Self {
        Self {
            address: Text(&touch.address),
            how: touch.how.as_str(),
            from: match &touch.how {
                TouchKind::Moves { from } => Some(Text(from)),
                _ => None,
            },
            paths: touch.paths.iter().map(|path| redact::path(path).to_string()).collect(),
            source: touch.source.as_ref().map(SourceOf::from),
            unsure: touch.unsure.as_deref(),
        }
    }
}

/// A check that was read from a document: it can be put together with others, and rendered like any check.
#[derive(Debug)]
pub struct CheckDocument {
    /// What it is called where something is wrong with it.
    name: String,
    text: Body,
    sheet: Sheet,
}

/// The document as it stands, so that what a newer version adds to a root module is kept.
#[derive(Debug, Deserialize, Serialize)]
struct Body {
    schema: String,
    at: String,
    values: String,
    complete: bool,
    base: Option<RevisionSheet>,
    head: Option<RevisionSheet>,
    #[serde(default)]
    shards: Vec<String>,
    summary: Summary,
    diagnostics: Vec<Box<RawValue>>,
    roots: Vec<Box<RawValue>>,
}

/// Reads a document; `name` is what the diagnostic calls it.
///
/// # Errors
///
/// A diagnostic with the code `report-document`: what is wrong with it, and where.
pub fn read(name: &str, text: &[u8]) -> Result<CheckDocument, Box<Diagnostic>> {
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
    }
    let fail = |summary: &str, detail: String| Box::new(Diagnostic::error("report-document", summary, detail));
    if text.len() > MAX_BYTES {
        let detail = format!("{name} has {} bytes; {MAX_BYTES} is the limit.", text.len());
        return Err(fail("The report is too large", detail));
    }
    let unreadable = |error: serde_json::Error| {
        let detail = format!("{name} is no report of a check: {error}. `driftmgr check --json` writes one.");
        fail("The report cannot be read", detail)
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        let detail = format!("{name} is empty: the run that was to write it ended early. Run it again.");
        return Err(fail("The report is empty", detail));
    }
    if text.trim_ascii_start().first() != Some(&b'{') {
        let detail =
            format!("{name} is no report of a check: it is no JSON object. `driftmgr check --json` writes one.");
        return Err(fail("The report cannot be read", detail));
    }
    let head: Head = serde_json::from_slice(text).map_err(unreadable)?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(schema) if is_newer(schema) => {
            let detail = format!(
                "{name} has the schema {schema:?}, which a newer driftmgr wrote; this one reads {SCHEMA:?}. Use the version \
                 that wrote it, or one that came later."
            );
            return Err(fail("The report is of a newer version", detail));
        }
        schema => {
            let schema =
                schema.map_or_else(|| "names no schema".to_owned(), |schema| format!("has the schema {schema:?}"));
            let detail = format!("{name} {schema}, and what is read is {SCHEMA:?}. `driftmgr check --json` writes it.");
            return Err(fail("The report is of another kind", detail));
        }
    }
    let text: Body = serde_json::from_slice(text).map_err(unreadable)?;
    let sheet = sheet(&text).map_err(unreadable)?;
    if let Some(shard) = text.shards.iter().find(|shard| shard_of(shard).is_none()) {
        let detail = format!("{name} names the part {shard:?}; a part is written as 1/4, the first of four.");
        return Err(fail("The report cannot be read", detail));
    }
    Ok(CheckDocument { name: name.to_owned(), text, sheet })
}

fn is_newer(schema: &str) -> bool {
    let version = schema.strip_prefix("driftmgr.check/v").and_then(|version| version.parse::<u64>().ok());
    version.is_some_and(|version| version > 1)
}

/// Reads `1/4`.
fn shard_of(text: &str) -> Option<(u32, u32)> {
    let (number, of) = text.split_once('/')?;
    let (number, of) = (number.parse().ok()?, of.parse().ok()?);
    (1..=of).contains(&number).then_some((number, of))
}

fn sheet(text: &Body) -> Result<Sheet, serde_json::Error> {
    let roots: Vec<RootSheet> =
        text.roots.iter().map(|root| serde_json::from_str(root.get())).collect::<Result<_, _>>()?;
    let diagnostics: Vec<DiagnosticSheet> =
        text.diagnostics.iter().map(|diagnostic| serde_json::from_str(diagnostic.get())).collect::<Result<_, _>>()?;
    let change = ChangeSheet {
        base: text.base.clone(),
        head: text.head.clone(),
        n_roots: text.summary.roots,
        n_unchanged: text.summary.unchanged,
        n_other_shards: text.summary.other_shards,
        shards: text.shards.clone(),
    };
    Ok(Sheet { change: Some(change), roots, diagnostics })
}

/// Puts the documents of several shards together, in the order of their root modules.
///
/// # Errors
///
/// A diagnostic with the code `report-merge`: there is none, they are about different changes or were divided
/// differently, or two of them are about one part or one root module.
pub fn merge(documents: Vec<CheckDocument>) -> Result<CheckDocument, Box<Diagnostic>> {
    let fail = |detail: String| Box::new(Diagnostic::error("report-merge", "The reports do not fit together", detail));
    let mut documents = documents.into_iter();
    let Some(CheckDocument { name, mut text, .. }) = documents.next() else {
        return Err(fail("There is no report to put together.".to_owned()));
    };
    let mut n_seen = text.summary.roots.saturating_sub(text.summary.other_shards);
    let mut parts: BTreeMap<(u32, u32), String> = BTreeMap::new();
    let mut owners: BTreeMap<(String, String), (String, Box<RawValue>)> = BTreeMap::new();
    take(&name, &text.shards, std::mem::take(&mut text.roots), &mut parts, &mut owners).map_err(fail)?;
    for CheckDocument { name: other_name, text: other, .. } in documents {
        if ends(&text) != ends(&other) {
            return Err(fail(format!(
                "{name} is about {}, and {other_name} about {}. Put reports of one change together.",
                about(&text),
                about(&other)
            )));
        }
        take(&other_name, &other.shards, other.roots, &mut parts, &mut owners).map_err(fail)?;
        n_seen += other.summary.roots.saturating_sub(other.summary.other_shards);
        text.at = text.at.max(other.at);
        text.complete &= other.complete;
        if other.values != text.values {
            Values::Safe.as_str().clone_into(&mut text.values);
        }
        text.summary.add(&other.summary);
        // What was met while the repository was read is met by every shard.
        for diagnostic in other.diagnostics {
            if !text.diagnostics.iter().any(|known| known.get() == diagnostic.get()) {
                text.diagnostics.push(diagnostic);
            }
        }
    }
    text.summary.other_shards = text.summary.roots.saturating_sub(n_seen);
    // Where all parts are there, it is about the whole.
    let n_parts = parts.keys().next().map_or(0, |(_, of)| *of as usize);
    text.shards = if parts.len() == n_parts {
        Vec::new()
    } else {
        parts.keys().map(|(number, of)| format!("{number}/{of}")).collect()
    };
    text.roots = owners.into_values().map(|(_, raw)| raw).collect();
    let unreadable = |error: serde_json::Error| fail(format!("A root module cannot be read: {error}."));
    let sheet = sheet(&text).map_err(unreadable)?;
    Ok(CheckDocument { name, text, sheet })
}

/// Gives what documents of one change have in common.
fn ends(text: &Body) -> (Option<&str>, Option<&str>, u64) {
    fn commit(end: Option<&RevisionSheet>) -> Option<&str> {
        end.map(|revision| revision.commit.as_str())
    }
    (commit(text.base.as_ref()), commit(text.head.as_ref()), text.summary.roots)
}

fn about(text: &Body) -> String {
    let (base, head, n_roots) = ends(text);
    let n_roots = count(n_roots, "root module");
    match (base, head) {
        (Some(base), Some(head)) => format!("the change from {base} to {head} with {n_roots}"),
        _ => format!("no change, with {n_roots}"),
    }
}

/// Takes the parts and the root modules of one document.
fn take(
    name: &str,
    shards: &[String],
    roots: Vec<Box<RawValue>>,
    parts: &mut BTreeMap<(u32, u32), String>,
    owners: &mut BTreeMap<(String, String), (String, Box<RawValue>)>,
) -> Result<(), String> {
    for (number, of) in shards.iter().filter_map(|shard| shard_of(shard)) {
        if let Some(((_, others), other)) = parts.first_key_value().filter(|((_, others), _)| *others != of) {
            return Err(format!(
                "{other} is one of {others} parts, and {name} one of {of}. Put parts of one division together."
            ));
        }
        if let Some(other) = parts.insert((number, of), name.to_owned()) {
            return Err(format!("{other} and {name} are both part {number}/{of}. Leave one of the two out."));
        }
    }
    for raw in roots {
        let root: RootSheet = serde_json::from_str(raw.get())
            .map_err(|error| format!("A root module of {name} cannot be read: {error}."))?;
        let key = (root.name.clone(), root.key());
        if let Some((other, _)) = owners.insert(key, (name.to_owned(), raw)) {
            return Err(format!("{other} and {name} are both about {}. Leave one of the two out.", root.label()));
        }
    }
    Ok(())
}

impl CheckDocument {
    /// Writes it in any format.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, format: Format, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
        if format == Format::Json {
            serde_json::to_writer_pretty(HarmlessJson::new(out), &self.text)?;
            return out.write_all(b"\n");
        }
        format::write_sheet(&self.sheet, format, style, out)
    }

    /// Gives how many root modules no document is about that was put together here.
    pub fn n_missing(&self) -> u64 {
        self.text.summary.other_shards
    }

    /// Lists the parts, such as `2/4`, that were not put together here though others of the same division were.
    pub fn missing_shards(&self) -> Vec<String> {
        /// More are not named one by one.
        const MAX_NAMED: usize = 20;
        let there: BTreeSet<(u32, u32)> = self.text.shards.iter().filter_map(|shard| shard_of(shard)).collect();
        let Some((_, of)) = there.first().copied() else { return Vec::new() };
        let missing = (1..=of).filter(|number| !there.contains(&(*number, of)));
        missing.take(MAX_NAMED).map(|number| format!("{number}/{of}")).collect()
    }

    /// Decides the exit code, as the check itself does; root modules of other shards were not seen.
    pub fn exit_code(&self, allow_incomplete: bool) -> ExitCode {
        let is_error = |diagnostic: &DiagnosticSheet| diagnostic.severity == "error";
        let findings =
            || self.sheet.roots.iter().filter_map(|root| root.report.as_ref()).flat_map(|report| &report.findings);
        exit::decide(Outcome {
            judges: true,
            n_failing: findings().filter(|finding| finding.fails).count() as u64,
            has_errors: self.text.summary.failed > 0 || self.sheet.diagnostics.iter().any(is_error),
            is_complete: self.text.complete && self.n_missing() == 0 && self.text.shards.is_empty(),
            allow_incomplete,
        })
    }
}

impl Sheet {
    /// Makes the sheet of a check.
    pub(crate) fn of_check(report: &CheckReport<'_>, values: Values) -> io::Result<Self> {
        let mut document = Vec::new();
        super::write(&Document { report, values }, false, &mut document)?;
        let text: Body = serde_json::from_slice(&document)?;
        Ok(sheet(&text)?)
    }

    /// Counts what is shown, by how it meets the change.
    pub(crate) fn by_impact(&self) -> BTreeMap<Impact, u64> {
        let mut by_impact = BTreeMap::new();
        for root in &self.roots {
            for (impact, number) in root.by_impact() {
                *by_impact.entry(impact).or_default() += number;
            }
        }
        by_impact
    }
}

impl RootSheet {
    /// Counts what is shown, by how it meets the change.
    pub(crate) fn by_impact(&self) -> BTreeMap<Impact, u64> {
        let mut by_impact = BTreeMap::new();
        let findings = self.report.iter().flat_map(|report| &report.findings);
        for finding in findings.filter(|finding| finding.is_shown() && finding.kind() != Some(Kind::Undetermined)) {
            if let Some(impact) = finding.impact() {
                *by_impact.entry(impact).or_default() += 1;
            }
        }
        by_impact
    }
}
