//! `driftmgr.drift/v1`: a verdict. `driftmgr unmanaged` writes the same document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ::drift::Summary;
use ::drift::summary::KindCounts;
use cty::PathStep;
use model::{AttributeDifference, Coverage, Finding, Kind, ListOutcome, PlanLook, Remedy, ScopeCoverage, Tier};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::common::{CauseOf, Counts, DiagnosticOf, Json, ScopeOf, SourceOf, State, Text, ValueOf, is_cut};
use crate::DriftReport;
use crate::redact::{self, Shown, Values};

/// A verdict, as a document.
pub struct Document<'a> {
    /// The verdict.
    pub report: &'a DriftReport<'a>,
    /// Which values it shows.
    pub values: Values,
}

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.drift/v1";
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let DriftReport { verdict, states, root, directory, ignore } = self.report;
        let mut document = serializer.serialize_struct("Document", 12)?;
        document.serialize_field("schema", <Self as super::Document>::SCHEMA)?;
        document.serialize_field("as_of", &verdict.as_of.map(|as_of| as_of.to_string()))?;
        document.serialize_field("complete", &verdict.is_complete)?;
        document.serialize_field("values", self.values.as_str())?;
        document.serialize_field("root", root)?;
        document.serialize_field("directory", directory)?;
        document.serialize_field("states", &states.iter().map(State::from).collect::<Vec<_>>())?;
        document.serialize_field("summary", &SummaryOf::from(&verdict.summary))?;
        document.serialize_field("coverage", &CoverageOf::from(&verdict.coverage))?;
        let diagnostics: Vec<_> = verdict.diagnostics.iter().map(DiagnosticOf::from).collect();
        document.serialize_field("diagnostics", &diagnostics)?;
        let rules: Vec<_> = ignore
            .rules()
            .iter()
            .zip(&verdict.rule_uses)
            .map(|(rule, uses)| RuleOf {
                by: rule.origin.as_str(),
                reason: &rule.reason,
                owner: rule.owner.as_deref(),
                expires: rule.expires.map(Text),
                source: SourceOf::from(&rule.span),
                uses: *uses,
            })
            .collect();
        document.serialize_field("ignore_rules", &rules)?;
        document.serialize_field("findings", &Findings { all: &verdict.findings, values: self.values, root: *root })?;
        document.end()
    }
}

/// Writes one finding as JSON on one line, as it stands in `findings` of the document.
///
/// # Errors
///
/// Those of the writer.
pub fn write_finding(finding: &Finding, values: Values, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    serde_json::to_writer(out, &FindingOf::new(finding, values, None)).map_err(Into::into)
}

struct Findings<'a> {
    all: &'a [Finding],
    values: Values,
    root: Option<&'a str>,
}

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all.iter().map(|finding| FindingOf::new(finding, self.values, self.root)))
    }
}

#[derive(Serialize)]
struct RuleOf<'a> {
    by: &'static str,
    reason: &'a str,
    owner: Option<&'a str>,
    expires: Option<Text<jiff::civil::Date>>,
    source: SourceOf<'a>,
    uses: u64,
}

#[derive(Serialize)]
struct SummaryOf<'a> {
    instances: u64,
    checked: u64,
    undetermined: u64,
    failing: u64,
    by_kind: Counts<'a, Kind>,
    by_tier: Counts<'a, Tier>,
    by_type: Groups<'a>,
    by_service: Groups<'a>,
    by_account: Groups<'a>,
    by_region: Groups<'a>,
    by_tag_key: Groups<'a>,
    ignored: Counts<'a, Kind>,
    folded: Counts<'a, Kind>,
}

struct Groups<'a>(&'a BTreeMap<String, KindCounts>);

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, counts)| (name, Counts(counts))))
    }
}

impl<'a> From<&'a Summary> for SummaryOf<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self {
            instances: summary.n_instances,
            checked: summary.n_checked,
            undetermined: summary.n_undetermined,
            failing: summary.n_failing,
            by_kind: Counts(&summary.by_kind),
            by_tier: Counts(&summary.by_tier),
            by_type: Groups(&summary.by_type),
            by_service: Groups(&summary.by_service),
            by_account: Groups(&summary.by_account),
            by_region: Groups(&summary.by_region),
            by_tag_key: Groups(&summary.by_tag_key),
            ignored: Counts(&summary.ignored),
            folded: Counts(&summary.folded),
        }
    }
}

#[derive(Serialize)]
struct CoverageOf<'a> {
    instances: u64,
    checked: u64,
    undetermined: u64,
    state_only: u64,
    scopes: Vec<ScopeOf<'a>>,
    configurations: Vec<ConfigurationOf<'a>>,
    lists: Vec<ListOf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<PlanOf<'a>>,
}

#[derive(Serialize)]
struct PlanOf<'a> {
    name: &'a str,
    terraform_version: &'a str,
    made_at: Option<String>,
    surely_refreshed: bool,
}

impl<'a> From<&'a PlanLook> for PlanOf<'a> {
    fn from(look: &'a PlanLook) -> Self {
        Self {
            name: &look.name,
            terraform_version: &look.terraform_version,
            made_at: look.made_at.map(|at| at.to_string()),
            surely_refreshed: look.is_surely_refreshed,
        }
    }
}

impl<'a> From<&'a Coverage> for CoverageOf<'a> {
    fn from(coverage: &'a Coverage) -> Self {
        Self {
            instances: coverage.n_instances,
            checked: coverage.n_checked,
            undetermined: coverage.n_undetermined,
            state_only: coverage.n_state_only,
            scopes: coverage.scopes.iter().map(ScopeOf::from).collect(),
            configurations: coverage.configurations.iter().map(ConfigurationOf::from).collect(),
            lists: coverage.lists.iter().map(ListOf::from).collect(),
            plan: coverage.plan.as_ref().map(PlanOf::from),
        }
    }
}

#[derive(Serialize)]
struct ConfigurationOf<'a> {
    provider: &'a str,
    state: State<'a>,
    instances: u64,
    checked: u64,
    precision: &'static str,
    provider_version: Option<&'a str>,
    calls: &'a BTreeMap<String, u64>,
    causes: Vec<CauseOf<'a>>,
}

impl<'a> From<&'a ScopeCoverage> for ConfigurationOf<'a> {
    fn from(coverage: &'a ScopeCoverage) -> Self {
        Self {
            provider: &coverage.provider,
            state: State::from(&coverage.state),
            instances: coverage.n_instances,
            checked: coverage.n_checked,
            precision: precision(coverage.precision),
            provider_version: coverage.provider_version.as_deref(),
            calls: &coverage.calls,
            causes: coverage.causes.iter().map(|(cause, count)| CauseOf::counted(cause, *count)).collect(),
        }
    }
}

#[derive(Serialize)]
struct ListOf<'a> {
    provider: &'a str,
    provider_version: Option<&'a str>,
    #[serde(rename = "type")]
    resource_type: Text<&'a model::ResourceType>,
    status: &'static str,
    objects: u64,
    recorded: u64,
    inventory: u64,
    calls: &'a BTreeMap<String, u64>,
    causes: Vec<CauseOf<'a>>,
}

impl<'a> From<&'a ListOutcome> for ListOf<'a> {
    fn from(outcome: &'a ListOutcome) -> Self {
        Self {
            provider: &outcome.provider,
            provider_version: outcome.provider_version.as_deref(),
            resource_type: Text(&outcome.resource_type),
            status: outcome.status.as_str(),
            objects: outcome.n_objects,
            recorded: outcome.n_recorded,
            inventory: outcome.n_inventory,
            calls: &outcome.calls,
            causes: outcome.causes.iter().map(CauseOf::from).collect(),
        }
    }
}

fn precision(precision: model::Precision) -> &'static str {
    match precision {
        model::Precision::Inventory => "inventory",
        model::Precision::Provider => "provider",
    }
}

#[derive(Serialize)]
struct ProviderOf<'a> {
    address: Text<&'a model::ProviderAddress>,
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct FindingOf<'a> {
    kind: &'static str,
    fails: bool,
    address: Option<Text<&'a model::InstanceAddress>>,
    deposed: Option<Text<&'a model::DeposedKey>>,
    #[serde(rename = "type")]
    resource_type: Option<Text<&'a model::ResourceType>>,
    native_type: Option<Text<&'a model::NativeType>>,
    id: Option<Text<&'a model::ImportId>>,
    identity: Option<Json<'a>>,
    arn: Option<&'a str>,
    name: Option<&'a str>,
    tags: BTreeMap<&'a str, Option<&'a str>>,
    reason: &'a str,
    severity: &'static str,
    fingerprint: Text<&'a model::Fingerprint>,
    attributes: Vec<AttributeOf<'a>>,
    root: Option<&'a str>,
    workspace: Option<&'a str>,
    state: Option<State<'a>>,
    states: Vec<State<'a>>,
    provider: Option<ProviderOf<'a>>,
    account: Option<Text<&'a model::AccountId>>,
    region: Option<Text<&'a model::Region>>,
    precision: Option<&'static str>,
    found_by: Option<&'a str>,
    observed_at: Option<Text<jiff::Timestamp>>,
    source: Option<SourceOf<'a>>,
    ignored: Option<&'a str>,
    folded: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impact: Option<&'static str>,
    cause: Option<CauseOf<'a>>,
    remedies: Vec<RemedyOf<'a>>,
}

impl<'a> FindingOf<'a> {
    fn new(finding: &'a Finding, values: Values, root: Option<&'a str>) -> Self {
        let state = finding.states.first();
        Self {
            kind: finding.kind.as_str(),
            fails: finding.fails,
            address: finding.address.as_ref().map(Text),
            deposed: finding.deposed.as_ref().map(Text),
            resource_type: finding.resource_type.as_ref().map(Text),
            native_type: finding.native_type.as_ref().map(Text),
            id: finding.id.as_ref().map(Text),
            identity: finding.identity.as_ref().map(|identity| Json(&identity.value)),
            arn: finding.arn.as_deref(),
            name: finding.name.as_deref(),
            tags: finding.tags.iter().map(|(key, value)| (key.as_str(), values.of_text(value))).collect(),
            reason: &finding.reason,
            severity: finding.severity.as_str(),
            fingerprint: Text(&finding.fingerprint),
            attributes: finding.attributes.iter().map(|difference| AttributeOf::new(difference, values)).collect(),
            root: root.filter(|_| finding.address.is_some()),
            workspace: state.map(|state| &*state.workspace),
            state: state.map(State::from),
            states: finding.states.iter().map(State::from).collect(),
            provider: finding
                .provider
                .as_ref()
                .map(|address| ProviderOf { address: Text(address), version: finding.provider_version.as_deref() }),
            account: finding.account.as_ref().map(Text),
            region: finding.region.as_ref().map(Text),
            precision: finding.precision.map(precision),
            found_by: finding.found_by.as_deref(),
            observed_at: finding.observed_at.map(Text),
            source: finding.source.as_ref().map(SourceOf::from),
            ignored: finding.ignored.as_deref(),
            folded: finding.folded.as_deref(),
            impact: finding.impact.map(model::Impact::as_str),
            cause: finding.cause.as_ref().map(CauseOf::from),
            remedies: finding.remedies.iter().map(|remedy| RemedyOf::new(remedy, values)).collect(),
        }
    }
}

#[derive(Serialize)]
struct AttributeOf<'a> {
    kind: &'static str,
    path: Text<Cow<'a, cty::Path>>,
    steps: Steps<'a>,
    tier: &'static str,
    source: Option<SourceOf<'a>>,
    security_relevant: bool,
    cause: Option<&'a str>,
    propagated_from: Option<Text<&'a model::InstanceAddress>>,
    code: ValueOf<'a>,
    state: ValueOf<'a>,
    cloud: ValueOf<'a>,
    planned: ValueOf<'a>,
    sensitive: bool,
    truncated: bool,
}

impl<'a> AttributeOf<'a> {
    fn new(difference: &'a AttributeDifference, values: Values) -> Self {
        let sides = [&difference.code, &difference.state, &difference.cloud, &difference.planned]
            .map(|side| values.of(difference, side.as_ref()));
        let [code, state, cloud, planned] = sides;
        let path = redact::path(&difference.path);
        Self {
            kind: difference.kind.as_str(),
            steps: Steps(path.clone()),
            path: Text(path),
            tier: difference.tier.as_str(),
            source: difference.source.as_ref().map(SourceOf::from),
            security_relevant: difference.is_security_relevant,
            cause: difference.cause.as_deref(),
            propagated_from: difference.propagated_from.as_ref().map(Text),
            code: ValueOf(code),
            state: ValueOf(state),
            cloud: ValueOf(cloud),
            planned: ValueOf(planned),
            sensitive: sides.iter().any(|side| matches!(side, Shown::Sensitive)),
            truncated: sides.iter().any(|side| matches!(side, Shown::Value(value) if is_cut(value))),
        }
    }
}

struct Steps<'a>(Cow<'a, cty::Path>);

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.steps().iter().map(StepOf::from))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum StepOf<'a> {
    Attribute(&'a str),
    Key(&'a str),
    Index(Json<'a>),
    Element(Json<'a>),
}

impl<'a> From<&'a PathStep> for StepOf<'a> {
    fn from(step: &'a PathStep) -> Self {
        match step {
            PathStep::GetAttr(name) => Self::Attribute(name),
            PathStep::Index(key) if key.as_number().is_some() => Self::Index(Json(key)),
            PathStep::Index(key) => match key.as_str() {
                Some(text) if !key.is_marked() => Self::Key(text),
                _ => Self::Element(Json(key)),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum RemedyOf<'a> {
    Import { to: Text<&'a model::InstanceAddress>, id: &'a str },
    Forget { from: Text<&'a model::ResourceAddress> },
    UpdateCode { address: Text<&'a model::InstanceAddress>, path: Text<Cow<'a, cty::Path>>, value: ValueOf<'a> },
    Apply { address: Text<&'a model::InstanceAddress> },
    Refresh { address: Text<&'a model::InstanceAddress> },
    Move { from: Text<&'a model::InstanceAddress>, to: Text<&'a model::InstanceAddress> },
    Baseline { fingerprint: Text<&'a model::Fingerprint> },
}

impl<'a> RemedyOf<'a> {
    fn new(remedy: &'a Remedy, values: Values) -> Self {
        match remedy {
            Remedy::Import { to, id } => Self::Import { to: Text(to), id: id.as_str() },
            Remedy::Forget { from } => Self::Forget { from: Text(from) },
            Remedy::UpdateCode { address, path, value } => Self::UpdateCode {
                address: Text(address),
                path: Text(redact::path(path)),
                value: ValueOf(values.of_value(value)),
            },
            Remedy::Apply { address } => Self::Apply { address: Text(address) },
            Remedy::Refresh { address } => Self::Refresh { address: Text(address) },
            Remedy::Move { from, to } => Self::Move { from: Text(from), to: Text(to) },
            Remedy::Baseline { fingerprint } => Self::Baseline { fingerprint: Text(fingerprint) },
        }
    }
}
