//! The findings and the coverage of the last comparison of each subject, and their form in the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cty::{PathStep, Type, Value};
use jiff::Timestamp;
use model::{
    AttributeDifference, Cause, Coverage, DeposedKey, Finding, FindingSeverity, Fingerprint, Identity, Impact,
    ImportId, Kind, Lineage, ListOutcome, ListStatus, NativeType, Position, Precision, Region, Remedy, ResourceType,
    ScopeCoverage, ScopeOutcome, Serial, Span, StateRef, Tier,
};
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use crate::body;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::record;
use crate::secret::{SecretKey, hex};
use crate::snapshot::StoreSnapshot;
use crate::writer::Store;

/// What one comparison found.
#[derive(Clone, Copy, Debug)]
pub struct DriftRecord<'a> {
    /// What was compared: a root module, or a named set of states. A later record of the same subject replaces this one.
    pub subject: &'a str,
    /// When.
    pub at: Timestamp,
    /// What was found.
    pub findings: &'a [Finding],
    /// What was looked at.
    pub coverage: &'a Coverage,
}

/// What is stored about the last comparison of one subject, its findings apart.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftSummary {
    /// What was compared.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// What was looked at.
    pub coverage: Coverage,
    /// How many findings there are.
    pub n_findings: u64,
}

impl Store {
    /// Records what a comparison found. Values of sensitive attributes are left out, values marked as sensitive are
    /// replaced by a digest.
    pub fn save_findings(&mut self, record: &DriftRecord<'_>) -> Result<()> {
        let operation = "save findings in the store";
        let path = self.path().to_owned();
        let mut documents = Vec::with_capacity(record.findings.len());
        for finding in record.findings {
            let document = FindingFile::new(finding, &self.secret_key).map_err(|source| {
                let detail = format!("the finding {} does not encode: {source}", finding.fingerprint);
                Error::new(ErrorKind::InvalidInput, operation, &path, detail)
            })?;
            documents.push(serde_json::to_string(&document).expect("findings are JSON"));
        }
        let coverage = serde_json::to_string(&CoverageFile::from(record.coverage)).expect("coverage is JSON");
        let transaction = self
            .connection_mut()
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .context(operation, &path)?;
        transaction.execute("DELETE FROM drift WHERE subject = ?1", [record.subject]).context(operation, &path)?;
        transaction
            .execute(
                "INSERT INTO drift (subject, at, coverage) VALUES (?1, ?2, ?3)",
                params![record.subject, record.at.as_microsecond(), coverage],
            )
            .context(operation, &path)?;
        let drift = transaction.last_insert_rowid();
        {
            let mut insert = transaction
                .prepare_cached(
                    "INSERT INTO finding (drift, position, kind, fingerprint, document) VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .context(operation, &path)?;
            for (position, (finding, document)) in (0_i64..).zip(record.findings.iter().zip(documents)) {
                insert
                    .execute(params![drift, position, finding.kind.as_str(), finding.fingerprint.0, document])
                    .context(operation, &path)?;
            }
        }
        transaction.commit().context(operation, &path)
    }
}

impl StoreSnapshot {
    /// Names the subjects whose comparison is recorded.
    pub fn drift_subjects(&self) -> Result<Vec<String>> {
        let operation = "read findings of the store";
        let mut statement = self
            .connection()
            .prepare_cached("SELECT subject FROM drift ORDER BY subject")
            .context(operation, self.path())?;
        let subjects = statement.query_map([], |row| row.get(0)).context(operation, self.path())?;
        subjects.collect::<rusqlite::Result<_>>().context(operation, self.path())
    }

    /// Gives the coverage of the last comparison of a subject; `None` where none is recorded.
    pub fn drift(&self, subject: &str) -> Result<Option<DriftSummary>> {
        let operation = "read findings of the store";
        let found: Option<(i64, String, i64)> = self
            .connection()
            .query_row(
                "SELECT at, coverage, (SELECT count(*) FROM finding AS f WHERE f.drift = d.id)
                 FROM drift AS d WHERE subject = ?1",
                [subject],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .context(operation, self.path())?;
        let Some((at, coverage, n_findings)) = found else { return Ok(None) };
        let coverage: CoverageFile =
            serde_json::from_str(&coverage).map_err(|source| unreadable(self.path(), &source.to_string()))?;
        Ok(Some(DriftSummary {
            subject: subject.to_owned(),
            at: record::timestamp(at, self.path())?,
            coverage: coverage.into_coverage(self.path())?,
            n_findings: n_findings as u64,
        }))
    }

    /// Gives the findings of the last comparison of a subject, in the order they were saved, of these kinds alone where
    /// `kinds` is not empty.
    pub fn findings(&self, subject: &str, kinds: &[Kind]) -> Result<Vec<Finding>> {
        let operation = "read findings of the store";
        let mut statement = self
            .connection()
            .prepare_cached(
                "SELECT f.kind, f.document FROM drift AS d JOIN finding AS f ON f.drift = d.id
                 WHERE d.subject = ?1 ORDER BY f.position",
            )
            .context(operation, self.path())?;
        let mut rows = statement.query([subject]).context(operation, self.path())?;
        let mut findings = Vec::new();
        while let Some(row) = rows.next().context(operation, self.path())? {
            let kind: String = row.get(0).context(operation, self.path())?;
            if !kinds.is_empty() && !kinds.iter().any(|wanted| wanted.as_str() == kind) {
                continue;
            }
            let document: String = row.get(1).context(operation, self.path())?;
            let file: FindingFile =
                serde_json::from_str(&document).map_err(|source| unreadable(self.path(), &source.to_string()))?;
            findings.push(file.into_finding(self.path())?);
        }
        Ok(findings)
    }
}

fn unreadable(path: &Path, detail: &str) -> Error {
    let detail = format!("a stored finding cannot be read: {detail}");
    Error::new(ErrorKind::Corrupt, "read findings of the store", path, detail)
}

/// A cause in the file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CauseFile {
    kind: String,
    detail: String,
}

impl From<&Cause> for CauseFile {
    fn from(cause: &Cause) -> Self {
        Self { kind: cause.kind.as_str().to_owned(), detail: cause.detail.clone() }
    }
}

impl CauseFile {
    pub(crate) fn into_cause(self, path: &Path) -> Result<Cause> {
        record::cause(&self.kind, self.detail, path)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct StateFile {
    url: String,
    workspace: String,
    lineage: String,
    serial: u64,
}

impl From<&StateRef> for StateFile {
    fn from(state: &StateRef) -> Self {
        Self {
            url: state.url.to_string(),
            workspace: state.workspace.to_string(),
            lineage: state.lineage.to_string(),
            serial: state.serial.0,
        }
    }
}

impl From<StateFile> for StateRef {
    fn from(file: StateFile) -> Self {
        Self {
            url: Arc::from(file.url),
            workspace: Arc::from(file.workspace),
            lineage: Lineage::new(file.lineage),
            serial: Serial(file.serial),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct ScopeFile {
    cloud: String,
    account: String,
    region: Option<String>,
    native_type: String,
    status: String,
    causes: Vec<CauseFile>,
    n_objects: u64,
    calls: BTreeMap<String, u64>,
    started: Timestamp,
    finished: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct ConfigurationFile {
    provider: String,
    state: StateFile,
    n_instances: u64,
    n_checked: u64,
    precision: String,
    #[serde(default)]
    provider_version: Option<String>,
    #[serde(default)]
    calls: BTreeMap<String, u64>,
    causes: Vec<(CauseFile, u64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CoverageFile {
    n_instances: u64,
    n_checked: u64,
    n_undetermined: u64,
    n_state_only: u64,
    scopes: Vec<ScopeFile>,
    configurations: Vec<ConfigurationFile>,
    #[serde(default)]
    lists: Vec<ListFile>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ListFile {
    provider: String,
    provider_version: Option<String>,
    resource_type: String,
    status: String,
    n_objects: u64,
    n_recorded: u64,
    n_inventory: u64,
    calls: BTreeMap<String, u64>,
    causes: Vec<CauseFile>,
}

impl From<&ListOutcome> for ListFile {
    fn from(outcome: &ListOutcome) -> Self {
        Self {
            provider: outcome.provider.clone(),
            provider_version: outcome.provider_version.clone(),
            resource_type: outcome.resource_type.to_string(),
            status: outcome.status.to_string(),
            n_objects: outcome.n_objects,
            n_recorded: outcome.n_recorded,
            n_inventory: outcome.n_inventory,
            calls: outcome.calls.clone(),
            causes: outcome.causes.iter().map(CauseFile::from).collect(),
        }
    }
}

impl ListFile {
    fn into_outcome(self, path: &Path) -> Result<ListOutcome> {
        Ok(ListOutcome {
            provider: self.provider,
            provider_version: self.provider_version,
            resource_type: ResourceType::new(self.resource_type),
            status: word(ListStatus::from_word(&self.status), &self.status, path)?,
            n_objects: self.n_objects,
            n_recorded: self.n_recorded,
            n_inventory: self.n_inventory,
            calls: self.calls,
            causes: self.causes.into_iter().map(|cause| cause.into_cause(path)).collect::<Result<_>>()?,
        })
    }
}

impl From<&Coverage> for CoverageFile {
    fn from(coverage: &Coverage) -> Self {
        let scope = |outcome: &ScopeOutcome| ScopeFile {
            cloud: outcome.scope.cloud.to_string(),
            account: outcome.scope.account.to_string(),
            region: outcome.scope.region.as_ref().map(Region::to_string),
            native_type: outcome.scope.native_type.to_string(),
            status: record::status_word(outcome.status).to_owned(),
            causes: outcome.causes.iter().map(CauseFile::from).collect(),
            n_objects: outcome.n_objects,
            calls: outcome.calls.clone(),
            started: outcome.started,
            finished: outcome.finished,
        };
        let configuration = |coverage: &ScopeCoverage| ConfigurationFile {
            provider: coverage.provider.clone(),
            state: StateFile::from(&coverage.state),
            n_instances: coverage.n_instances,
            n_checked: coverage.n_checked,
            precision: precision_word(coverage.precision).to_owned(),
            provider_version: coverage.provider_version.clone(),
            calls: coverage.calls.clone(),
            causes: coverage.causes.iter().map(|(cause, n_instances)| (CauseFile::from(cause), *n_instances)).collect(),
        };
        Self {
            n_instances: coverage.n_instances,
            n_checked: coverage.n_checked,
            n_undetermined: coverage.n_undetermined,
            n_state_only: coverage.n_state_only,
            scopes: coverage.scopes.iter().map(scope).collect(),
            configurations: coverage.configurations.iter().map(configuration).collect(),
            lists: coverage.lists.iter().map(ListFile::from).collect(),
        }
    }
}

impl CoverageFile {
    fn into_coverage(self, path: &Path) -> Result<Coverage> {
        let mut coverage = Coverage {
            n_instances: self.n_instances,
            n_checked: self.n_checked,
            n_undetermined: self.n_undetermined,
            n_state_only: self.n_state_only,
            scopes: Vec::with_capacity(self.scopes.len()),
            configurations: Vec::with_capacity(self.configurations.len()),
            lists: self.lists.into_iter().map(|file| file.into_outcome(path)).collect::<Result<_>>()?,
            // What a plan says is never stored.
            plan: None,
        };
        for file in self.scopes {
            coverage.scopes.push(ScopeOutcome {
                scope: record::scope(file.cloud, file.account, file.region.unwrap_or_default(), file.native_type),
                status: record::status(&file.status, path)?,
                causes: file.causes.into_iter().map(|cause| cause.into_cause(path)).collect::<Result<_>>()?,
                n_objects: file.n_objects,
                calls: file.calls,
                started: file.started,
                finished: file.finished,
            });
        }
        for file in self.configurations {
            let mut causes = BTreeMap::new();
            for (cause, n_instances) in file.causes {
                causes.insert(cause.into_cause(path)?, n_instances);
            }
            coverage.configurations.push(ScopeCoverage {
                provider: file.provider,
                state: file.state.into(),
                n_instances: file.n_instances,
                n_checked: file.n_checked,
                precision: precision(&file.precision, path)?,
                provider_version: file.provider_version,
                calls: file.calls,
                causes,
            });
        }
        Ok(coverage)
    }
}

fn precision_word(precision: Precision) -> &'static str {
    match precision {
        Precision::Inventory => "inventory",
        Precision::Provider => "provider",
    }
}

fn precision(word: &str, path: &Path) -> Result<Precision> {
    [Precision::Inventory, Precision::Provider]
        .into_iter()
        .find(|precision| precision_word(*precision) == word)
        .ok_or_else(|| unreadable(path, &format!("the precision {word:?} does not exist")))
}

/// A step of a path: an attribute by name, or a key or element as an encoded value.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StepFile {
    Attr(String),
    Index(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct DifferenceFile {
    #[serde(default)]
    kind: Option<String>,
    path: Vec<StepFile>,
    tier: String,
    #[serde(default)]
    is_security_relevant: bool,
    cause: Option<String>,
    propagated_from: Option<String>,
    code: Option<String>,
    state: Option<String>,
    cloud: Option<String>,
    planned: Option<String>,
    #[serde(default)]
    source: Option<SpanFile>,
    is_sensitive: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct SpanFile {
    file: String,
    start: [usize; 3],
    end: [usize; 3],
}

impl From<&Span> for SpanFile {
    fn from(span: &Span) -> Self {
        let position = |position: &Position| [position.line, position.column, position.byte];
        Self { file: span.file.to_string(), start: position(&span.start), end: position(&span.end) }
    }
}

impl From<SpanFile> for Span {
    fn from(file: SpanFile) -> Self {
        let position = |[line, column, byte]: [usize; 3]| Position { line, column, byte };
        Self { file: Arc::from(file.file), start: position(file.start), end: position(file.end) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum RemedyFile {
    Import { to: String, id: String },
    Forget { from: String },
    UpdateCode { address: String, path: Vec<StepFile>, value: String },
    Apply { address: String },
    Refresh { address: String },
    Move { from: String, to: String },
    Baseline { fingerprint: String },
}

#[derive(Debug, Serialize, Deserialize)]
struct IdentityFile {
    version: i64,
    value: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct FindingFile {
    kind: String,
    fails: bool,
    address: Option<String>,
    deposed: Option<String>,
    resource_type: Option<String>,
    native_type: Option<String>,
    id: Option<String>,
    #[serde(default)]
    identity: Option<IdentityFile>,
    arn: Option<String>,
    name: Option<String>,
    tags: BTreeMap<String, String>,
    reason: String,
    severity: String,
    fingerprint: String,
    attributes: Vec<DifferenceFile>,
    states: Vec<StateFile>,
    provider: Option<String>,
    #[serde(default)]
    provider_version: Option<String>,
    account: Option<String>,
    region: Option<String>,
    precision: Option<String>,
    #[serde(default)]
    found_by: Option<String>,
    observed_at: Option<Timestamp>,
    source: Option<SpanFile>,
    ignored: Option<String>,
    folded: Option<String>,
    #[serde(default)]
    impact: Option<String>,
    cause: Option<CauseFile>,
    remedies: Vec<RemedyFile>,
}

impl FindingFile {
    fn new(finding: &Finding, key: &SecretKey) -> cty::Result<Self> {
        let text = |value: &dyn ToString| value.to_string();
        let mut attributes = Vec::with_capacity(finding.attributes.len());
        for difference in &finding.attributes {
            let value = |value: &Option<Value>| match value {
                Some(value) if !difference.is_sensitive => encode_value(value, key).map(Some),
                _ => Ok(None),
            };
            attributes.push(DifferenceFile {
                kind: Some(difference.kind.to_string()),
                path: encode_path(&difference.path, key)?,
                tier: difference.tier.to_string(),
                is_security_relevant: difference.is_security_relevant,
                cause: difference.cause.clone(),
                propagated_from: difference.propagated_from.as_ref().map(|address| text(address)),
                code: value(&difference.code)?,
                state: value(&difference.state)?,
                cloud: value(&difference.cloud)?,
                planned: value(&difference.planned)?,
                source: difference.source.as_ref().map(SpanFile::from),
                is_sensitive: difference.is_sensitive,
            });
        }
        let mut remedies = Vec::with_capacity(finding.remedies.len());
        for remedy in &finding.remedies {
            remedies.push(match remedy {
                Remedy::Import { to, id } => RemedyFile::Import { to: text(to), id: text(id) },
                Remedy::Forget { from } => RemedyFile::Forget { from: text(from) },
                Remedy::UpdateCode { address, path, value } => RemedyFile::UpdateCode {
                    address: text(address),
                    path: encode_path(path, key)?,
                    value: encode_value(value, key)?,
                },
                Remedy::Apply { address } => RemedyFile::Apply { address: text(address) },
                Remedy::Refresh { address } => RemedyFile::Refresh { address: text(address) },
                Remedy::Move { from, to } => RemedyFile::Move { from: text(from), to: text(to) },
                Remedy::Baseline { fingerprint } => RemedyFile::Baseline { fingerprint: text(fingerprint) },
            });
        }
        Ok(Self {
            kind: finding.kind.to_string(),
            fails: finding.fails,
            address: finding.address.as_ref().map(|address| text(address)),
            deposed: finding.deposed.as_ref().map(|deposed| text(deposed)),
            resource_type: finding.resource_type.as_ref().map(|resource_type| text(resource_type)),
            native_type: finding.native_type.as_ref().map(|native_type| text(native_type)),
            id: finding.id.as_ref().map(|id| text(id)),
            identity: match &finding.identity {
                Some(Identity { version, value }) => {
                    Some(IdentityFile { version: *version, value: encode_value(value, key)? })
                }
                None => None,
            },
            arn: finding.arn.clone(),
            name: finding.name.clone(),
            tags: finding.tags.clone(),
            reason: finding.reason.clone(),
            severity: finding.severity.to_string(),
            fingerprint: finding.fingerprint.0.clone(),
            attributes,
            states: finding.states.iter().map(StateFile::from).collect(),
            provider: finding.provider.as_ref().map(|provider| text(provider)),
            provider_version: finding.provider_version.clone(),
            account: finding.account.as_ref().map(|account| text(account)),
            region: finding.region.as_ref().map(|region| text(region)),
            precision: finding.precision.map(|precision| precision_word(precision).to_owned()),
            found_by: finding.found_by.as_deref().map(str::to_owned),
            observed_at: finding.observed_at,
            source: finding.source.as_ref().map(SpanFile::from),
            ignored: finding.ignored.clone(),
            folded: finding.folded.clone(),
            impact: finding.impact.map(|impact| impact.to_string()),
            cause: finding.cause.as_ref().map(CauseFile::from),
            remedies,
        })
    }

    fn into_finding(self, path: &Path) -> Result<Finding> {
        let mut attributes = Vec::with_capacity(self.attributes.len());
        for file in self.attributes {
            let value = |text: Option<String>| text.map(|text| decode_value(&text, path)).transpose();
            let kind = file.kind.as_deref().unwrap_or(&self.kind);
            attributes.push(AttributeDifference {
                kind: word(Kind::from_word(kind), kind, path)?,
                path: decode_path(file.path, path)?,
                tier: word(Tier::from_word(&file.tier), &file.tier, path)?,
                is_security_relevant: file.is_security_relevant,
                cause: file.cause,
                propagated_from: file.propagated_from.map(|text| parse(&text, path)).transpose()?,
                code: value(file.code)?,
                state: value(file.state)?,
                cloud: value(file.cloud)?,
                planned: value(file.planned)?,
                source: file.source.map(Span::from),
                is_sensitive: file.is_sensitive,
            });
        }
        let mut remedies = Vec::with_capacity(self.remedies.len());
        for file in self.remedies {
            remedies.push(match file {
                RemedyFile::Import { to, id } => Remedy::Import { to: parse(&to, path)?, id: ImportId::new(id) },
                RemedyFile::Forget { from } => Remedy::Forget { from: parse(&from, path)? },
                RemedyFile::UpdateCode { address, path: steps, value } => Remedy::UpdateCode {
                    address: parse(&address, path)?,
                    path: decode_path(steps, path)?,
                    value: decode_value(&value, path)?,
                },
                RemedyFile::Apply { address } => Remedy::Apply { address: parse(&address, path)? },
                RemedyFile::Refresh { address } => Remedy::Refresh { address: parse(&address, path)? },
                RemedyFile::Move { from, to } => Remedy::Move { from: parse(&from, path)?, to: parse(&to, path)? },
                RemedyFile::Baseline { fingerprint } => Remedy::Baseline { fingerprint: Fingerprint(fingerprint) },
            });
        }
        Ok(Finding {
            kind: word(Kind::from_word(&self.kind), &self.kind, path)?,
            fails: self.fails,
            address: self.address.map(|text| parse(&text, path)).transpose()?,
            deposed: self.deposed.map(DeposedKey::new),
            resource_type: self.resource_type.map(ResourceType::new),
            native_type: self.native_type.map(NativeType::new),
            id: self.id.map(ImportId::new),
            identity: match self.identity {
                Some(file) => Some(Identity { version: file.version, value: decode_value(&file.value, path)? }),
                None => None,
            },
            arn: self.arn,
            name: self.name,
            tags: self.tags,
            reason: self.reason,
            severity: word(FindingSeverity::from_word(&self.severity), &self.severity, path)?,
            fingerprint: Fingerprint(self.fingerprint),
            attributes,
            states: self.states.into_iter().map(StateRef::from).collect(),
            provider: self.provider.map(|text| parse(&text, path)).transpose()?,
            provider_version: self.provider_version,
            account: self.account.map(model::AccountId::new),
            region: self.region.map(Region::new),
            precision: self.precision.map(|text| precision(&text, path)).transpose()?,
            found_by: self.found_by.map(Arc::from),
            observed_at: self.observed_at,
            source: self.source.map(Span::from),
            ignored: self.ignored,
            folded: self.folded,
            impact: self.impact.map(|text| word(Impact::from_word(&text), &text, path)).transpose()?,
            cause: self.cause.map(|cause| cause.into_cause(path)).transpose()?,
            remedies,
        })
    }
}

fn word<T>(found: Option<T>, text: &str, path: &Path) -> Result<T> {
    found.ok_or_else(|| unreadable(path, &format!("the word {text:?} does not exist")))
}

fn parse<T: std::str::FromStr<Err = model::ParseAddressError>>(text: &str, path: &Path) -> Result<T> {
    text.parse().map_err(|source: model::ParseAddressError| unreadable(path, &source.to_string()))
}

fn encode_value(value: &Value, key: &SecretKey) -> cty::Result<String> {
    Ok(hex(&cty::msgpack::encode(&body::redact(value, key)?, &Type::Dynamic)?))
}

fn decode_value(text: &str, path: &Path) -> Result<Value> {
    let bytes: Option<Vec<u8>> = (0..text.len().div_ceil(2))
        .map(|index| text.get(2 * index..2 * index + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()))
        .collect();
    let bytes = bytes.ok_or_else(|| unreadable(path, "a value is not hexadecimal"))?;
    cty::msgpack::decode(&bytes, &Type::Dynamic).context("read findings of the store", path)
}

fn encode_path(steps: &cty::Path, key: &SecretKey) -> cty::Result<Vec<StepFile>> {
    let encode = |step: &PathStep| match step {
        PathStep::GetAttr(name) => Ok(StepFile::Attr(name.clone())),
        PathStep::Index(index) => encode_value(index, key).map(StepFile::Index),
    };
    steps.steps().iter().map(encode).collect()
}

fn decode_path(steps: Vec<StepFile>, path: &Path) -> Result<cty::Path> {
    let decode = |step: StepFile| match step {
        StepFile::Attr(name) => Ok(PathStep::GetAttr(name)),
        StepFile::Index(index) => decode_value(&index, path).map(PathStep::Index),
    };
    steps.into_iter().map(decode).collect::<Result<cty::Path>>()
}
