//! Documents read back: what every format but the document itself is made from.
//!
//! A format that only sees the document can show nothing that the document hides, and a document that was read from a
//! file renders like the verdict it was written from.

use std::collections::BTreeMap;
use std::io;

use model::{FindingSeverity, Impact, Kind, Tier};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::text::{escape_controls, hex, shorten};
use crate::{DriftReport, Values, v1};

/// Most columns of a value in the sentence about it.
const MAX_VALUE: usize = 120;

/// One run: the roots that were judged.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// Set where a change was checked.
    pub(crate) change: Option<ChangeSheet>,
    pub(crate) roots: Vec<RootSheet>,
    pub(crate) diagnostics: Vec<DiagnosticSheet>,
}

/// What a check says of the change as a whole.
#[derive(Debug, Default)]
pub(crate) struct ChangeSheet {
    pub(crate) base: Option<RevisionSheet>,
    pub(crate) head: Option<RevisionSheet>,
    pub(crate) n_roots: u64,
    pub(crate) n_unchanged: u64,
    pub(crate) n_other_shards: u64,
    pub(crate) shards: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct RevisionSheet {
    pub(crate) name: String,
    pub(crate) commit: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RootSheet {
    pub(crate) name: String,
    pub(crate) directory: Option<String>,
    #[serde(default)]
    pub(crate) workspace: Option<String>,
    #[serde(default)]
    pub(crate) owners: Vec<String>,
    #[serde(default)]
    pub(crate) why: Option<String>,
    /// `None` where the code was compared with nothing.
    #[serde(default)]
    pub(crate) change: Option<RootChangeSheet>,
    pub(crate) error: Option<String>,
    pub(crate) report: Option<VerdictSheet>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RootChangeSheet {
    pub(crate) touches: Vec<TouchSheet>,
    pub(crate) causes: Vec<CauseSheet>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TouchSheet {
    pub(crate) address: String,
    pub(crate) how: String,
    #[serde(default)]
    pub(crate) from: Option<String>,
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    #[serde(default)]
    pub(crate) source: Option<SourceSheet>,
    #[serde(default)]
    pub(crate) unsure: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct VerdictSheet {
    pub(crate) as_of: Option<String>,
    pub(crate) complete: bool,
    #[serde(default)]
    pub(crate) root: Option<String>,
    #[serde(default)]
    pub(crate) directory: Option<String>,
    pub(crate) states: Vec<StateSheet>,
    pub(crate) summary: SummarySheet,
    pub(crate) coverage: CoverageSheet,
    pub(crate) diagnostics: Vec<DiagnosticSheet>,
    pub(crate) findings: Vec<FindingSheet>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StateSheet {
    pub(crate) url: String,
    pub(crate) workspace: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SummarySheet {
    pub(crate) instances: u64,
    pub(crate) checked: u64,
    pub(crate) undetermined: u64,
    pub(crate) failing: u64,
    pub(crate) ignored: BTreeMap<String, u64>,
    pub(crate) folded: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CoverageSheet {
    pub(crate) scopes: Vec<ScopeSheet>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ScopeSheet {
    pub(crate) status: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CauseSheet {
    pub(crate) detail: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DiagnosticSheet {
    pub(crate) severity: String,
    pub(crate) summary: String,
    pub(crate) detail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SourceSheet {
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) column: u64,
    #[serde(default)]
    pub(crate) end_line: u64,
    #[serde(default)]
    pub(crate) end_column: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FindingSheet {
    pub(crate) kind: String,
    pub(crate) fails: bool,
    pub(crate) address: Option<String>,
    pub(crate) deposed: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) arn: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) reason: String,
    pub(crate) severity: String,
    pub(crate) fingerprint: String,
    pub(crate) attributes: Vec<AttributeSheet>,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) source: Option<SourceSheet>,
    pub(crate) ignored: Option<String>,
    pub(crate) folded: Option<String>,
    #[serde(default)]
    pub(crate) impact: Option<String>,
    pub(crate) remedies: Vec<RemedySheet>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AttributeSheet {
    #[serde(default)]
    pub(crate) kind: Option<String>,
    pub(crate) path: String,
    pub(crate) tier: String,
    #[serde(default)]
    pub(crate) source: Option<SourceSheet>,
    pub(crate) security_relevant: bool,
    pub(crate) cause: Option<String>,
    pub(crate) propagated_from: Option<String>,
    pub(crate) code: Option<Box<RawValue>>,
    pub(crate) state: Option<Box<RawValue>>,
    pub(crate) cloud: Option<Box<RawValue>>,
    pub(crate) sensitive: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RemedySheet {
    pub(crate) action: String,
}

/// Says how loud a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// It makes the run fail.
    Error,
    /// It deserves a look.
    Warning,
    /// It is for information.
    Note,
}

/// A place in the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// From the top of the repository.
    pub(crate) path: String,
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) end_line: u64,
    pub(crate) end_column: u64,
}

/// One thing to say: a finding, or one attribute of it.
#[derive(Clone, Debug)]
pub(crate) struct Note<'s> {
    pub(crate) level: Level,
    pub(crate) severity: FindingSeverity,
    pub(crate) root: &'s RootSheet,
    pub(crate) finding: &'s FindingSheet,
    pub(crate) attribute: Option<&'s AttributeSheet>,
    /// `None` where no line of code is known.
    pub(crate) place: Option<Place>,
}

impl Sheet {
    /// Makes the sheet of one verdict.
    pub(crate) fn of_drift(report: &DriftReport<'_>, values: Values) -> io::Result<Self> {
        let mut document = Vec::new();
        v1::write(&v1::drift::Document { report, values }, false, &mut document)?;
        Ok(Self::of_verdict(serde_json::from_slice(&document)?))
    }

    /// Makes the sheet of one verdict that was read.
    pub(crate) fn of_verdict(verdict: VerdictSheet) -> Self {
        let root = RootSheet {
            name: verdict.root.clone().unwrap_or_default(),
            directory: verdict.directory.clone(),
            workspace: verdict.states.first().map(|state| state.workspace.clone()),
            owners: Vec::new(),
            why: None,
            change: None,
            error: None,
            report: Some(verdict),
        };
        Self { change: None, roots: vec![root], diagnostics: Vec::new() }
    }

    /// Lists everything that is to be told, the loudest first: a finding once, or once for each attribute where
    /// `by_attribute`.
    pub(crate) fn notes(&self, by_attribute: bool) -> Vec<Note<'_>> {
        let mut notes: Vec<Note<'_>> = self.roots.iter().flat_map(|root| root.notes(by_attribute)).collect();
        notes.sort_by_key(|note| (note.level, std::cmp::Reverse(note.severity)));
        notes
    }
}

impl RootSheet {
    /// Lists what is to be told of one root, in the order of its report.
    pub(crate) fn notes(&self, by_attribute: bool) -> Vec<Note<'_>> {
        let findings = self.report.iter().flat_map(|report| &report.findings);
        let mut notes = Vec::new();
        for finding in findings.filter(|finding| finding.is_shown() && finding.kind() != Some(Kind::Undetermined)) {
            let severity = FindingSeverity::from_word(&finding.severity).unwrap_or(FindingSeverity::Medium);
            let level = match finding.impact() {
                _ if finding.fails => Level::Error,
                Some(_) => Level::Warning,
                None if self.change.is_some() || severity == FindingSeverity::Info => Level::Note,
                None => Level::Warning,
            };
            let note = Note { level, severity, root: self, finding, attribute: None, place: None };
            let told: Vec<&AttributeSheet> =
                finding.attributes.iter().filter(|attribute| attribute.is_told()).collect();
            let place = |attribute: Option<&AttributeSheet>| {
                let source = attribute.and_then(|attribute| attribute.source.as_ref());
                source.or(finding.source.as_ref()).and_then(|source| self.place(source))
            };
            if by_attribute && !told.is_empty() {
                for attribute in told {
                    notes.push(Note { attribute: Some(attribute), place: place(Some(attribute)), ..note.clone() });
                }
            } else {
                let first = told.iter().find(|attribute| attribute.source.is_some()).copied();
                notes.push(Note { place: place(first), ..note });
            }
        }
        notes
    }

    /// Names the root as people do.
    pub(crate) fn label(&self) -> String {
        let name = match (self.name.as_str(), self.directory.as_deref()) {
            ("", None | Some("" | ".")) => "the root module",
            ("", Some(directory)) => directory,
            (".", _) => "the topmost folder",
            (name, _) => name,
        };
        match self.workspace.as_deref() {
            // Its name may say so already.
            Some("" | "default") | None => escape_controls(name).into_owned(),
            Some(workspace) if name.ends_with(&format!("@{workspace}")) => escape_controls(name).into_owned(),
            Some(workspace) => escape_controls(&format!("{name} ({workspace})")).into_owned(),
        }
    }

    /// Names who answers for it, behind its name; nothing where nobody is named.
    pub(crate) fn owned_by(&self) -> String {
        if self.owners.is_empty() {
            return String::new();
        }
        format!(", of {}", escape_controls(&self.owners.join(", ")))
    }

    /// Gives what tells this root from every other one, without spaces.
    pub(crate) fn key(&self) -> String {
        let directory = self.directory.as_deref().filter(|directory| !directory.is_empty()).unwrap_or(&self.name);
        match self.workspace.as_deref() {
            Some(workspace) if workspace != "default" && !workspace.is_empty() => format!("{directory}@{workspace}"),
            _ => directory.to_owned(),
        }
    }

    /// Gives the folder of the root module, as a path from the top of the repository.
    pub(crate) fn folder(&self) -> String {
        let directory = self.directory.as_deref().unwrap_or_default();
        if directory.is_empty() { ".".to_owned() } else { escape_controls(directory).into_owned() }
    }

    /// Gives a place from the top of the repository; `None` where it does not lie in it, or was installed there.
    pub(crate) fn place(&self, source: &SourceSheet) -> Option<Place> {
        let path = from_top(self.directory.as_deref().unwrap_or_default(), &source.file)?;
        let (line, column) = (source.line.max(1), source.column.max(1));
        let (end_line, end_column) = match (source.end_line, source.end_column) {
            (end_line, end_column) if (end_line, end_column) > (line, column) => (end_line, end_column.max(1)),
            _ => (line, column + 1),
        };
        Some(Place { path, line, column, end_line, end_column })
    }
}

/// Joins a folder and a file relative to it.
fn from_top(directory: &str, file: &str) -> Option<String> {
    if file.starts_with('/') || file.is_empty() {
        return None;
    }
    let mut steps: Vec<&str> = Vec::new();
    for step in directory.split('/').chain(file.split('/')) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop()?;
            }
            ".terraform" => return None,
            step => steps.push(step),
        }
    }
    (!steps.is_empty()).then(|| steps.join("/"))
}

impl FindingSheet {
    pub(crate) fn kind(&self) -> Option<Kind> {
        Kind::from_word(&self.kind)
    }

    pub(crate) fn impact(&self) -> Option<Impact> {
        self.impact.as_deref().and_then(Impact::from_word)
    }

    /// Tells whether it was neither ignored nor folded away.
    pub(crate) fn is_shown(&self) -> bool {
        self.ignored.is_none() && self.folded.is_none()
    }

    /// Names what it is about: its address, else its id, ARN or name.
    pub(crate) fn subject(&self) -> String {
        let subject = match (&self.address, &self.deposed) {
            (Some(address), Some(deposed)) => format!("{address} (deposed object {deposed})"),
            (Some(address), None) => address.clone(),
            (None, _) => {
                let id = self.id.as_ref().or(self.arn.as_ref()).or(self.name.as_ref());
                id.map_or_else(|| "(without id)".to_owned(), Clone::clone)
            }
        };
        escape_controls(&subject).into_owned()
    }

    /// Says where the object lies.
    pub(crate) fn lies(&self) -> String {
        let parts: Vec<&str> = [&self.account, &self.region].into_iter().flatten().map(String::as_str).collect();
        escape_controls(&parts.join("/")).into_owned()
    }

    /// Names what may be done about it, the usual first.
    pub(crate) fn remedies(&self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> =
            self.remedies.iter().filter_map(|remedy| crate::format::remedy_words(&remedy.action)).collect();
        words.dedup();
        words
    }
}

impl AttributeSheet {
    pub(crate) fn tier(&self) -> Option<Tier> {
        Tier::from_word(&self.tier)
    }

    /// Tells whether the difference asks somebody to do something.
    pub(crate) fn is_told(&self) -> bool {
        self.security_relevant
            || matches!(self.tier(), Some(Tier::Declared | Tier::Undeclared | Tier::Unclassified) | None)
    }

    pub(crate) fn path(&self) -> String {
        escape_controls(&self.path).into_owned()
    }

    /// Writes one side; `None` where the side holds nothing that may be shown.
    pub(crate) fn side(side: Option<&RawValue>, columns: usize) -> Option<String> {
        side.map(|value| shorten(&escape_controls(&compact(value.get())), columns).into_owned())
    }

    /// Says in a sentence what happened.
    pub(crate) fn sentence(&self, finding: &FindingSheet) -> String {
        let kind = self.kind.as_deref().and_then(Kind::from_word).or_else(|| finding.kind());
        let what = match kind {
            Some(Kind::Changed) => "differs in the cloud",
            Some(Kind::Collision) => {
                "was set by the code and changed in the cloud: the next apply overwrites that change"
            }
            Some(Kind::Pending) => "is set by the code and not applied yet",
            Some(Kind::Stale) => "was changed in the cloud to what the code says; only the state is behind",
            _ => "differs",
        };
        let mut text = format!("{} {what}", self.path());
        let sides = [("code", &self.code), ("state", &self.state), ("cloud", &self.cloud)];
        // Where one side is shown, values may be: what has none is absent, and of code that is no news.
        let is_any = sides.iter().any(|(_, value)| value.is_some()) && !self.sensitive;
        let said: Vec<String> = sides
            .iter()
            .filter_map(|(name, value)| match Self::side(value.as_deref(), MAX_VALUE) {
                Some(text) => Some(format!("{name} {text}")),
                None if is_any && *name != "code" => Some(format!("{name} none")),
                None => None,
            })
            .collect();
        match (said.as_slice(), self.sensitive) {
            ([], true) => text.push_str(" (the values are sensitive)"),
            ([], false) => {}
            (said, _) => text.push_str(&format!(" ({})", said.join(", "))),
        }
        text.push('.');
        if let Some(source) = &self.propagated_from {
            text.push_str(&format!(" It follows from {}.", escape_controls(source)));
        }
        if let Some(cause) = &self.cause {
            text.push(' ');
            text.push_str(&escape_controls(cause));
        }
        text
    }
}

impl Note<'_> {
    /// Gives the words that `--fail-on` has for it: a kind, with a tier where it is about an attribute.
    pub(crate) fn rule(&self) -> String {
        let kind = self.attribute.and_then(|attribute| attribute.kind.as_deref()).unwrap_or(&self.finding.kind);
        match self.attribute {
            Some(attribute) if attribute.security_relevant => {
                format!("{kind}:{}:{}", attribute.tier, drift::fails::SECURITY_RELEVANT)
            }
            Some(attribute) => format!("{kind}:{}", attribute.tier),
            None => kind.to_owned(),
        }
    }

    /// Gives a title for it.
    pub(crate) fn title(&self) -> String {
        let kind = self.finding.kind().map_or("Found", crate::format::title_of_one);
        format!("{kind}: {}", self.finding.subject())
    }

    /// Says what was found, and what may be done, in sentences on one line.
    pub(crate) fn message(&self) -> String {
        let mut text = format!("{}: ", self.finding.subject());
        match self.attribute {
            Some(attribute) => text.push_str(&attribute.sentence(self.finding)),
            None => {
                text.push_str(&escape_controls(&self.finding.reason));
                let told: Vec<&AttributeSheet> =
                    self.finding.attributes.iter().filter(|attribute| attribute.is_told()).collect();
                for attribute in told.iter().take(MAX_ATTRIBUTES) {
                    text.push(' ');
                    text.push_str(&attribute.sentence(self.finding));
                }
                if told.len() > MAX_ATTRIBUTES {
                    text.push_str(&format!(" {} more attributes differ.", told.len() - MAX_ATTRIBUTES));
                }
            }
        }
        if let Some(impact) = self.finding.impact() {
            text.push(' ');
            text.push_str(crate::format::impact_sentence(impact));
        }
        let remedies = self.finding.remedies();
        if !remedies.is_empty() {
            text.push_str(&format!(" What to do: {}.", remedies.join(", or ")));
        }
        text
    }

    /// Computes what stays the same while the thing itself does, wherever its line moves.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        let attribute = self.attribute.map(|attribute| attribute.path.as_str()).unwrap_or_default();
        // The fingerprint of a finding covers all its attributes: that of one attribute must outlast the others.
        let of_finding = if self.attribute.is_some() && self.finding.address.is_some() {
            self.finding.subject()
        } else {
            self.finding.fingerprint.clone()
        };
        for part in [&*self.root.key(), &*self.rule(), &*of_finding, attribute] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hex(&hasher.finalize()[..16])
    }
}

/// Most attributes that a message of a whole finding tells of.
const MAX_ATTRIBUTES: usize = 5;

/// Takes the white space out of JSON text.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut is_text, mut is_escaped) = (false, false);
    for c in json.chars() {
        if is_text {
            (is_text, is_escaped) = (is_escaped || c != '"', !is_escaped && c == '\\');
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            is_text = c == '"';
        }
        compact.push(c);
        if !is_text && matches!(c, ',' | ':') {
            compact.push(' ');
        }
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::{compact, from_top};

    #[test]
    fn places_are_told_from_the_top() {
        assert_eq!(from_top("", "main.tf").as_deref(), Some("main.tf"));
        assert_eq!(from_top("live/prod", "./main.tf").as_deref(), Some("live/prod/main.tf"));
        assert_eq!(from_top("live/prod", "../../modules/a/b.tf").as_deref(), Some("modules/a/b.tf"));
        assert_eq!(from_top("live", "../../b.tf"), None);
        assert_eq!(from_top("live", "/etc/b.tf"), None);
        assert_eq!(from_top("live", ".terraform/modules/a/b.tf"), None);
    }

    #[test]
    fn values_are_on_one_line() {
        assert_eq!(compact("{\n  \"a b\": [1,\n 2]\n}"), "{\"a b\": [1, 2]}");
        assert_eq!(compact(r#""a \" :  b""#), r#""a \" :  b""#);
    }
}
