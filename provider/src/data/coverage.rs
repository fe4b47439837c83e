//! `driftmgr_coverage`: what was looked at, when, and how completely.

use std::collections::BTreeSet;

use async_trait::async_trait;
use cty::{Type, Value};
use engine::QueryRequest;
use model::{Diagnostics, Schema, ScopeStatus};
use store::{ScopeRecord, Snapshot};

use super::{DataSource, Reading};
use crate::fresh;
use crate::schema::{NUMBER, STRINGS, computed, data_source, filters, freshness};
use crate::values::{self, Computed};

const FIELDS: [(&str, &str); 8] = [
    ("account", "The account."),
    ("as_of", "When it was last seen completely; null where it never was."),
    ("causes", "Why the last look was not complete."),
    ("cloud", "The cloud: `aws`."),
    ("looked_at", "When it was last looked at, completely or not."),
    ("objects", "How many objects the last look saw."),
    ("region", "The region; null where the type is global."),
    ("type", "The native type: `aws.sqs.queue`."),
];

pub(crate) struct Coverage;

#[async_trait]
impl DataSource for Coverage {
    fn name(&self) -> &'static str {
        "driftmgr_coverage"
    }

    fn schema(&self) -> Schema {
        let mut parts: Vec<_> =
            filters().into_iter().filter(|(name, _)| ["types", "accounts", "regions"].contains(name)).collect();
        parts.extend(freshness());
        parts.extend([
            ("total", computed(&NUMBER, "How many scopes were looked at: one per type, account and region.")),
            ("seen", computed(&NUMBER, "How many of them were seen completely the last time.")),
            ("never_seen", computed(&STRINGS, "What the filters ask for and nobody ever looked at.")),
            (
                "scopes",
                computed(
                    &Type::list(element_type()),
                    "The scopes, in the order of their clouds, accounts, regions and types.",
                ),
            ),
        ]);
        data_source("Says what was looked at, when, and how completely.", parts)
    }

    fn nested_fields(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        vec![("scopes", FIELDS.to_vec())]
    }

    async fn read(&self, reading: &Reading<'_>, _diagnostics: &mut Diagnostics) -> Result<Computed, Diagnostics> {
        let request = QueryRequest { limit: Some(1), ..reading.query()? };
        // Whether the answer is complete is what this data source tells, so that is no warning here.
        let answer = fresh::look(reading, &request).await?;
        let native_types = native_types(reading, &request)?;
        let mut scopes = Snapshot::open(&engine::snapshot_path(&request.store))
            .and_then(|snapshot| snapshot.scopes())
            .map_err(|error| {
                let detail = format!("The published snapshot of the store cannot be read: {error}.");
                vec![model::Diagnostic::error("unavailable", "Something needed could not be used", detail)]
            })?;
        scopes.retain(|record| {
            let scope = &record.last.scope;
            let is_asked = |asked: &[String], name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
            native_types.as_ref().is_none_or(|types| types.contains(scope.native_type.as_str()))
                && is_asked(&request.accounts, scope.account.as_str())
                && scope.region.as_ref().is_none_or(|region| is_asked(&request.regions, region.as_str()))
        });
        scopes.sort_by(|a, b| a.last.scope.cmp(&b.last.scope));
        let n_seen = scopes.iter().filter(|record| record.last.status == ScopeStatus::Complete).count();

        let mut fields = values::freshness_fields(&answer.page.freshness);
        fields.extend([
            ("total", values::number(scopes.len() as u64)),
            ("seen", values::number(n_seen as u64)),
            ("never_seen", values::texts(answer.page.freshness.never_seen)),
            ("scopes", values::list(&element_type(), scopes.iter().map(element).collect())),
        ]);
        Ok(fields)
    }
}

/// Finds the native types that the filter means; `None` where it means all.
fn native_types(reading: &Reading<'_>, request: &QueryRequest) -> Result<Option<BTreeSet<String>>, Diagnostics> {
    if request.types.is_empty() {
        return Ok(None);
    }
    let catalog = reading.settings.catalog();
    let covered =
        engine::types(reading.session, &request.types, catalog.as_deref()).map_err(|error| values::failure(&error))?;
    Ok(Some(covered.into_iter().map(|covered| covered.native_type).collect()))
}

fn element_type() -> Type {
    Type::object(FIELDS.map(|(name, _)| {
        let ty = match name {
            "causes" => Type::list(Type::String),
            "objects" => Type::Number,
            _ => Type::String,
        };
        (name, ty)
    }))
}

fn element(record: &ScopeRecord) -> Value {
    let ScopeRecord { as_of, last } = record;
    values::object([
        ("account", Value::string(last.scope.account.as_str())),
        ("as_of", values::time(*as_of)),
        ("causes", values::texts(values::causes_of_scope(last))),
        ("cloud", Value::string(last.scope.cloud.as_str())),
        ("looked_at", values::time(Some(last.finished))),
        ("objects", values::number(last.n_objects)),
        ("region", values::text(last.scope.region.as_ref().map(model::Region::as_str))),
        ("type", Value::string(last.scope.native_type.as_str())),
    ])
}
