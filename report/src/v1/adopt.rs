//! `driftmgr.adopt/v1`: what became of each unmanaged object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ::drift::adopt::search::Flaw;
use ::drift::adopt::{AdoptionStatus, Certificate};
use cty::Path;
use jiff::Timestamp;
use model::draft::{DraftImportSource, DraftVariable};
use model::{Diagnostic, Finding, InstanceAddress};
use serde::{Serialize, Serializer};

use super::common::{DiagnosticOf, Json, Text};
use crate::redact;

/// What became of one object.
#[derive(Clone, Copy, Debug)]
pub struct AdoptItem<'a> {
    /// The object.
    pub finding: &'a Finding,
    /// The address it is imported to, or would have.
    pub to: Option<&'a InstanceAddress>,
    /// How far it came.
    pub status: &'a AdoptionStatus,
    /// How its import block names it; `None` where it has none.
    pub source: Option<&'a DraftImportSource>,
    /// How many probes its configuration took; `None` where none was searched for.
    pub n_probes: Option<u32>,
}

/// What it took.
#[derive(Clone, Debug, Default)]
pub struct AdoptEffort<'a> {
    /// How many configurations were searched for.
    pub n_searched: u64,
    /// How many of an interrupted run were confirmed.
    pub n_resumed: u64,
    /// How many objects are left for another run.
    pub n_left: u64,
    /// Probes per searched configuration: the one in the middle.
    pub probes_median: u32,
    /// Probes per searched configuration: the most.
    pub probes_max: u32,
    /// How often each call of a provider was made.
    pub calls: Cow<'a, BTreeMap<String, u64>>,
}

/// What became of the objects.
#[derive(Clone, Debug)]
pub struct AdoptReport<'a> {
    /// The moment the oldest look ended.
    pub as_of: Option<Timestamp>,
    /// Whether everything that was to be seen was seen.
    pub is_complete: bool,
    /// The folder that was written to.
    pub out_dir: Option<&'a str>,
    /// The files that were written, relative to it.
    pub files: &'a [String],
    /// What became of each object.
    pub items: &'a [AdoptItem<'a>],
    /// The input variables that the files declare.
    pub variables: &'a [&'a DraftVariable],
    /// What it took.
    pub effort: AdoptEffort<'a>,
    /// What terraform and its like said about the files; empty where nobody asked.
    pub certificates: &'a [Certificate],
    /// Errors and warnings.
    pub diagnostics: &'a [Diagnostic],
}

/// How an object ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdoptOutcome {
    /// The plan imports it and does nothing else.
    Clean,
    /// Its configuration is written, with something that is not as it should be.
    Changes,
    /// It has an import block, and no configuration that anybody judged.
    Unverified,
    /// It is left out.
    Skipped,
}

impl AdoptOutcome {
    /// Gives the word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Changes => "changes",
            Self::Unverified => "unverified",
            Self::Skipped => "skipped",
        }
    }
}

impl AdoptReport<'_> {
    /// Tells how an object ended: what terraform said of it counts before what its provider said.
    pub fn outcome(&self, item: &AdoptItem<'_>) -> AdoptOutcome {
        match item.status {
            AdoptionStatus::Skipped(_) => AdoptOutcome::Skipped,
            _ if !self.planned(item).is_empty() => AdoptOutcome::Changes,
            AdoptionStatus::Clean => AdoptOutcome::Clean,
            AdoptionStatus::CleanBut(_) => AdoptOutcome::Changes,
            AdoptionStatus::ImportOnly(_) => AdoptOutcome::Unverified,
        }
    }

    /// Counts the objects by how they ended; every outcome has its count.
    pub fn summary(&self) -> BTreeMap<AdoptOutcome, u64> {
        let all = [AdoptOutcome::Clean, AdoptOutcome::Changes, AdoptOutcome::Unverified, AdoptOutcome::Skipped];
        let mut summary: BTreeMap<AdoptOutcome, u64> = all.into_iter().map(|outcome| (outcome, 0)).collect();
        for item in self.items {
            *summary.entry(self.outcome(item)).or_default() += 1;
        }
        summary
    }

    /// Gives what plans do to an object besides importing it, and what keeps it from being planned.
    pub(crate) fn planned(&self, item: &AdoptItem<'_>) -> Vec<&str> {
        let Some(to) = item.to.map(ToString::to_string) else { return Vec::new() };
        let mut planned: Vec<&str> = Vec::new();
        for certificate in self.certificates {
            let changes = certificate.changes.iter().filter(|(address, _)| *address == to);
            let problems = certificate.problems.iter().filter(|(address, _)| *address == to);
            for text in changes.flat_map(|(_, changes)| changes).chain(problems.map(|(_, problem)| problem)) {
                if !planned.contains(&text.as_str()) {
                    planned.push(text);
                }
            }
        }
        planned
    }

    /// Says why an object did not end clean, a sentence each.
    pub(crate) fn reasons<'s>(&'s self, item: &'s AdoptItem<'_>) -> Vec<Cow<'s, str>> {
        let mut reasons: Vec<Cow<'_, str>> = match item.status {
            AdoptionStatus::Clean => Vec::new(),
            AdoptionStatus::CleanBut(flaws) => {
                let flaw = |flaw: &'s Flaw| {
                    if flaw.path.is_empty() {
                        shown(&flaw.why)
                    } else {
                        format!("{}: {}", redact::path(&flaw.path), shown(&flaw.why)).into()
                    }
                };
                flaws.iter().map(flaw).collect()
            }
            AdoptionStatus::ImportOnly(why) | AdoptionStatus::Skipped(why) => vec![shown(why)],
        };
        let planned = self.planned(item);
        if !planned.is_empty() {
            reasons.push(format!("The plan says: {}.", shown(&planned.join(", "))).into());
        }
        reasons
    }
}

/// Gives a text that somebody else wrote, unless it holds what only a credential looks like.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if redact::looks_like_credential(text) {
        "(hidden: it quotes what looks like a credential)".into()
    } else {
        text.into()
    }
}

/// What became of the objects, as a document.
pub struct Document<'a>(pub &'a AdoptReport<'a>);

impl super::Document for Document<'_> {
    const SCHEMA: &'static str = "driftmgr.adopt/v1";
}

#[derive(Serialize)]
struct Body<'a> {
    schema: &'static str,
    as_of: Option<String>,
    complete: bool,
    out_dir: Option<&'a str>,
    files: &'a [String],
    summary: BTreeMap<&'static str, u64>,
    diagnostics: Vec<DiagnosticOf<'a>>,
    items: Items<'a>,
    variables: Vec<Variable<'a>>,
    effort: Effort<'a>,
    certificates: Vec<CertificateOf<'a>>,
}

struct Items<'a>(&'a AdoptReport<'a>);

#[derive(Serialize)]
struct Item<'a> {
    address: Option<Text<&'a InstanceAddress>>,
    #[serde(rename = "type")]
    resource_type: Option<Text<&'a model::ResourceType>>,
    native_type: Option<Text<&'a model::NativeType>>,
    id: Option<Text<&'a model::ImportId>>,
    name: Option<&'a str>,
    account: Option<Text<&'a model::AccountId>>,
    region: Option<Text<&'a model::Region>>,
    status: &'static str,
    reason: Option<String>,
    changes: Vec<Cow<'a, str>>,
    flaws: Vec<FlawOf<'a>>,
    import: Option<Import<'a>>,
    probes: Option<u32>,
}

#[derive(Serialize)]
struct FlawOf<'a> {
    path: Option<Text<Cow<'a, Path>>>,
    why: Cow<'a, str>,
    replaces: bool,
}

#[derive(Serialize)]
struct Import<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Text<&'a model::ImportId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Json<'a>>,
}

#[derive(Serialize)]
struct Variable<'a> {
    name: &'a str,
    description: &'a str,
    #[serde(rename = "type")]
    ty: Text<&'a cty::Type>,
    sensitive: bool,
    environment: String,
}

#[derive(Serialize)]
struct Effort<'a> {
    searched: u64,
    resumed: u64,
    left: u64,
    probes_median: u32,
    probes_max: u32,
    calls: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct CertificateOf<'a> {
    program: &'a str,
    clean: bool,
    failure: Option<Cow<'a, str>>,
    changes: Vec<Planned<'a>>,
    elsewhere: Vec<Planned<'a>>,
    problems: Vec<Problem<'a>>,
}

#[derive(Serialize)]
struct Planned<'a> {
    address: &'a str,
    changes: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Problem<'a> {
    address: &'a str,
    detail: Cow<'a, str>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = self.0;
        let effort = &report.effort;
        Body {
            schema: <Self as super::Document>::SCHEMA,
            as_of: report.as_of.map(|as_of| as_of.to_string()),
            complete: report.is_complete,
            out_dir: report.out_dir,
            files: report.files,
            summary: report.summary().into_iter().map(|(outcome, number)| (outcome.as_str(), number)).collect(),
            diagnostics: report.diagnostics.iter().map(DiagnosticOf::from).collect(),
            items: Items(report),
            variables: report.variables.iter().map(|variable| Variable::from(*variable)).collect(),
            effort: Effort {
                searched: effort.n_searched,
                resumed: effort.n_resumed,
                left: effort.n_left,
                probes_median: effort.probes_median,
                probes_max: effort.probes_max,
                calls: &effort.calls,
            },
            certificates: report.certificates.iter().map(CertificateOf::from).collect(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.items.iter().map(|one| item(one, self.0)))
    }
}

fn item<'a>(item: &'a AdoptItem<'a>, report: &'a AdoptReport<'a>) -> Item<'a> {
    let finding = item.finding;
    let flaws: &[Flaw] = match item.status {
        AdoptionStatus::CleanBut(flaws) => flaws,
        _ => &[],
    };
    let paths = flaws.iter().filter(|flaw| !flaw.path.is_empty());
    let mut changes: Vec<Cow<'_, str>> = paths.map(|flaw| redact::path(&flaw.path).to_string().into()).collect();
    for planned in report.planned(item) {
        if !changes.iter().any(|change| change == planned) {
            changes.push(shown(planned));
        }
    }
    let reasons = report.reasons(item);
    Item {
        address: item.to.map(Text),
        resource_type: finding.resource_type.as_ref().map(Text),
        native_type: finding.native_type.as_ref().map(Text),
        id: finding.id.as_ref().map(Text),
        name: finding.name.as_deref(),
        account: finding.account.as_ref().map(Text),
        region: finding.region.as_ref().map(Text),
        status: report.outcome(item).as_str(),
        reason: (!reasons.is_empty()).then(|| reasons.join(" ")),
        changes,
        flaws: flaws.iter().map(FlawOf::from).collect(),
        import: item.source.map(Import::from),
        probes: item.n_probes,
    }
}

impl<'a> From<&'a Flaw> for FlawOf<'a> {
    fn from(flaw: &'a Flaw) -> Self {
        let path = (!flaw.path.is_empty()).then(|| Text(redact::path(&flaw.path)));
        Self { path, why: shown(&flaw.why), replaces: flaw.replaces }
    }
}

impl<'a> From<&'a DraftImportSource> for Import<'a> {
    fn from(source: &'a DraftImportSource) -> Self {
        match source {
            DraftImportSource::Id(id) => Self { id: Some(Text(id)), identity: None },
            DraftImportSource::Identity(identity) => Self { id: None, identity: Some(Json(&identity.value)) },
        }
    }
}

impl<'a> From<&'a DraftVariable> for Variable<'a> {
    fn from(variable: &'a DraftVariable) -> Self {
        Self {
            name: &variable.name,
            description: &variable.description,
            ty: Text(&variable.ty),
            sensitive: variable.is_sensitive,
            environment: format!("TF_VAR_{}", variable.name),
        }
    }
}

impl<'a> From<&'a Certificate> for CertificateOf<'a> {
    fn from(certificate: &'a Certificate) -> Self {
        let planned = |(address, changes): &'a (String, Vec<String>)| Planned {
            address,
            changes: changes.iter().map(|change| shown(change)).collect(),
        };
        Self {
            program: &certificate.program,
            clean: certificate.is_clean(),
            failure: certificate.failure.as_deref().map(shown),
            changes: certificate.changes.iter().map(planned).collect(),
            elsewhere: certificate.elsewhere.iter().map(planned).collect(),
            problems: certificate
                .problems
                .iter()
                .map(|(address, detail)| Problem { address, detail: shown(detail) })
                .collect(),
        }
    }
}
