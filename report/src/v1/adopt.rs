//! `driftmgr.adopt/v1`: what became of each unmanaged object.

use std::collections::BTreeMap;

use ::drift::adopt::{Adoption, AdoptionStep};
use jiff::Timestamp;
use model::{Diagnostic, InstanceAddress};
use serde::{Serialize, Serializer};

use super::common::{DiagnosticOf, Text};

/// What `terraform plan` said about one import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It was not asked.
    NotAsked,
    /// The plan imports the object and changes nothing.
    Clean,
    /// The plan imports the object and changes these attributes, named by path.
    Changes(Vec<String>),
}

/// What became of the objects.
#[derive(Clone, Copy, Debug)]
pub struct AdoptReport<'a> {
    /// The moment the oldest look ended.
    pub as_of: Option<Timestamp>,
    /// Whether everything that was to be seen was seen.
    pub is_complete: bool,
    /// The folder that was written to.
    pub out_dir: Option<&'a str>,
    /// The files that were written, relative to it.
    pub files: &'a [String],
    /// What becomes of each object.
    pub adoptions: &'a [Adoption<'a>],
    /// What a plan said, by address; what is not here was not asked about.
    pub verified: &'a BTreeMap<InstanceAddress, Verification>,
    /// Errors and warnings.
    pub diagnostics: &'a [Diagnostic],
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
    reason: Option<&'a str>,
    changes: &'a [String],
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary: BTreeMap<&'static str, u64> =
            ["clean", "changes", "skipped", "unverified"].into_iter().map(|status| (status, 0)).collect();
        for adoption in self.0.adoptions {
            *summary.entry(item(adoption, self.0).status).or_default() += 1;
        }
        Body {
            schema: <Self as super::Document>::SCHEMA,
            as_of: self.0.as_of.map(|as_of| as_of.to_string()),
            complete: self.0.is_complete,
            out_dir: self.0.out_dir,
            files: self.0.files,
            summary,
            diagnostics: self.0.diagnostics.iter().map(DiagnosticOf::from).collect(),
            items: Items(self.0),
        }
        .serialize(serializer)
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.adoptions.iter().map(|adoption| item(adoption, self.0)))
    }
}

fn item<'a>(adoption: &'a Adoption<'a>, report: &'a AdoptReport<'a>) -> Item<'a> {
    let finding = adoption.finding;
    let (address, status, reason, changes): (_, _, _, &[String]) = match &adoption.step {
        AdoptionStep::Skip { reason, to } => (to.as_ref(), "skipped", Some(reason.as_str()), &[]),
        AdoptionStep::Import { to, .. } => match report.verified.get(to) {
            None | Some(Verification::NotAsked) => (Some(to), "unverified", None, &[]),
            Some(Verification::Clean) => (Some(to), "clean", None, &[]),
            Some(Verification::Changes(changes)) => (Some(to), "changes", None, changes),
        },
    };
    Item {
        address: address.map(Text),
        resource_type: finding.resource_type.as_ref().map(Text),
        native_type: finding.native_type.as_ref().map(Text),
        id: finding.id.as_ref().map(Text),
        name: finding.name.as_deref(),
        account: finding.account.as_ref().map(Text),
        region: finding.region.as_ref().map(Text),
        status,
        reason,
        changes,
    }
}
