//! `driftmgr_resources`: what exists.

use async_trait::async_trait;
use cty::Type;
use model::{Diagnostics, RemoteObject, Schema, ScopeOutcome};
use report::Values;
use report::format::json;
use report::v1::query::{Answer, Document};

use super::{DataSource, Reading};
use crate::fresh;
use crate::schema::{STRING, STRINGS, computed, data_source, filters, freshness, optional, paging};
use crate::values::{self, Computed};

pub(crate) struct Resources;

#[async_trait]
impl DataSource for Resources {
    fn name(&self) -> &'static str {
        "driftmgr_resources"
    }

    fn schema(&self) -> Schema {
        let mut parts = filters();
        parts.extend(paging());
        parts.extend(freshness());
        parts.push((
            "where",
            optional(&STRINGS, "Conditions on attributes that the catalog maps, such as `instance_type=t3.micro`."),
        ));
        parts.push((
            "resources",
            computed(
                &Type::list(values::remote_object_type()),
                "The objects, in the order of their native types, accounts, regions and keys.",
            ),
        ));
        parts.push((
            "json",
            computed(
                &STRING,
                "The same page as a document of schema `driftmgr.query/v1`, with the attributes of every object.",
            ),
        ));
        data_source("Lists the remote objects that exist, managed or not.", parts)
    }

    fn nested_fields(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        vec![("resources", values::REMOTE_OBJECT_FIELDS.to_vec())]
    }

    async fn read(&self, reading: &Reading<'_>, diagnostics: &mut Diagnostics) -> Result<Computed, Diagnostics> {
        let mut request = reading.query()?;
        request.conditions = reading.arguments.texts("where");
        let offset = request.offset;
        let answer = fresh::query(reading, &request, diagnostics).await?;
        let page = answer.page;
        let objects: Vec<RemoteObject> = page.objects.into_iter().map(|stored| stored.object).collect();

        let mut fields = values::freshness_fields(&page.freshness);
        fields.extend(values::paging_fields(page.total, offset, objects.len()));
        let listed = objects.iter().map(|object| values::object(values::remote_object_fields(object))).collect();
        fields.push(("resources", values::list(&values::remote_object_type(), listed)));

        let incomplete: Vec<ScopeOutcome> =
            page.freshness.incomplete.iter().map(|record| record.last.clone()).collect();
        let answer = Answer {
            as_of: page.freshness.as_of,
            is_complete: page.freshness.complete,
            n_matching: Some(page.total),
            incomplete_scopes: &incomplete,
            values: Values::Safe,
        };
        let mut text = Vec::new();
        json::write(&Document::new(answer, &mut objects.into_iter()), &mut text)
            .expect("a document of known parts can be written to memory");
        fields.push(("json", values::text(Some(String::from_utf8_lossy(&text).trim_end()))));
        Ok(fields)
    }
}
