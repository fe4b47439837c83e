//! `driftmgr_drift`: what became of the recorded resource instances.

use std::collections::BTreeMap;

use ::drift::Question;
use async_trait::async_trait;
use cty::{Type, Value};
use model::{Diagnostics, Finding, Schema};

use super::{DataSource, Reading, comparison};
use crate::schema::{BOOL, NUMBER, STRING, computed, data_source, filters, freshness, paging};
use crate::values::{self, Computed};

const FIELDS: [(&str, &str); 11] = [
    ("account", "The account."),
    ("address", "The address of the resource instance."),
    ("attributes", "The paths of the attributes that differ; the values are in `json`."),
    ("fails", "Whether this finding alone makes `drifted` true."),
    ("fingerprint", "What identifies the finding over time."),
    ("id", "The import id."),
    ("kind", "What happened: `changed`, `missing`, `undetermined` …; see the list of findings in the documentation."),
    ("reason", "Why this was found, as a sentence."),
    ("region", "The region; null where it is global or not known."),
    ("severity", "How much it matters: `info`, `low`, `medium`, `high`."),
    ("type", "The Terraform type."),
];

pub(crate) struct Drift;

#[async_trait]
impl DataSource for Drift {
    fn name(&self) -> &'static str {
        "driftmgr_drift"
    }

    fn schema(&self) -> Schema {
        // Findings have no single name to filter by.
        let mut parts: Vec<_> = filters().into_iter().filter(|(name, _)| *name != "name").collect();
        parts.push(comparison::states_argument());
        parts.extend(paging());
        parts.extend(freshness());
        parts.extend([
            ("drifted", computed(&BOOL, "Whether any finding fails, on whatever page it is.")),
            ("instances", computed(&NUMBER, "How many resource instances the states record.")),
            ("checked", computed(&NUMBER, "How many of them were compared with the cloud.")),
            ("undetermined", computed(&NUMBER, "How many of them could not be.")),
            ("by_kind", computed(&Type::map(Type::Number), "How many findings there are of each kind.")),
            ("findings", computed(&Type::list(element_type()), "The findings, in the order of their kinds, types and addresses. Ignored and folded ones are left out.")),
            (
                "json",
                computed(&STRING, "The whole answer as a document of schema `driftmgr.drift/v1`, ignored and folded findings included; values that are or look sensitive are not in it."),
            ),
        ]);
        data_source("Compares the resource instances of the named states with the cloud.", parts)
    }

    fn nested_fields(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        vec![("findings", FIELDS.to_vec())]
    }

    async fn read(&self, reading: &Reading<'_>, diagnostics: &mut Diagnostics) -> Result<Computed, Diagnostics> {
        let (limit, offset) = (reading.limit()?, reading.offset()?);
        let answer = comparison::compare(reading, Question::Drift, diagnostics).await?;
        let verdict = &answer.verdict;
        let shown: Vec<&Finding> =
            verdict.findings.iter().filter(|finding| finding.ignored.is_none() && finding.folded.is_none()).collect();
        let page: Vec<Value> =
            shown.iter().skip(offset as usize).take(limit as usize).map(|finding| element(finding)).collect();
        let mut by_kind: BTreeMap<String, u64> = BTreeMap::new();
        for finding in &shown {
            *by_kind.entry(finding.kind.as_str().to_owned()).or_default() += 1;
        }
        let by_kind = by_kind.into_iter().map(|(kind, n_findings)| (kind, values::number(n_findings))).collect();

        let mut fields = comparison::freshness_fields(&answer);
        fields.extend(values::paging_fields(shown.len() as u64, offset, page.len()));
        fields.extend([
            ("drifted", Value::bool(verdict.summary.n_failing > 0)),
            ("instances", values::number(verdict.summary.n_instances)),
            ("checked", values::number(verdict.summary.n_checked)),
            ("undetermined", values::number(verdict.summary.n_undetermined)),
            ("by_kind", Value::map(Type::Number, by_kind).expect("every element is a number")),
            ("findings", values::list(&element_type(), page)),
            ("json", comparison::document(&answer)),
        ]);
        Ok(fields)
    }
}

fn element_type() -> Type {
    Type::object(FIELDS.map(|(name, _)| {
        let ty = match name {
            "attributes" => Type::list(Type::String),
            "fails" => Type::Bool,
            _ => Type::String,
        };
        (name, ty)
    }))
}

fn element(finding: &Finding) -> Value {
    values::object([
        ("account", values::text(finding.account.as_ref().map(model::AccountId::as_str))),
        ("address", values::text(finding.address.as_ref().map(ToString::to_string))),
        ("attributes", values::texts(finding.attributes.iter().map(|difference| difference.path.to_string()))),
        ("fails", Value::bool(finding.fails)),
        ("fingerprint", Value::string(finding.fingerprint.0.as_str())),
        ("id", values::text(finding.id.as_ref().map(model::ImportId::as_str))),
        ("kind", Value::string(finding.kind.as_str())),
        ("reason", Value::string(finding.reason.as_str())),
        ("region", values::text(finding.region.as_ref().map(model::Region::as_str))),
        ("severity", Value::string(finding.severity.as_str())),
        ("type", values::text(finding.resource_type.as_ref().map(model::ResourceType::as_str))),
    ])
}
