//! `driftmgr_unmanaged_resources`: what no state of a named set manages.

use ::drift::{Pattern, Question};
use async_trait::async_trait;
use cty::{Type, Value};
use model::{Diagnostic, Diagnostics, Finding, Kind, Schema};

use super::{DataSource, Reading, comparison};
use crate::schema::{STRING, computed, data_source, filters, freshness, paging};
use crate::values::{self, Computed};

const FIELDS: [(&str, &str); 9] = [
    ("account", "The account."),
    ("arn", "The cloud-wide name, where it has one."),
    ("id", "What `terraform import` takes for it; null where that is not known."),
    ("name", "What people call it."),
    ("native_type", "Its type in the cloud's words: `aws.sqs.queue`."),
    ("reason", "Why it counts as unmanaged, as a sentence."),
    ("region", "The region; null where it is global."),
    ("tags", "Its tags."),
    ("type", "The Terraform type that manages such objects; null where none is known."),
];

pub(crate) struct UnmanagedResources;

#[async_trait]
impl DataSource for UnmanagedResources {
    fn name(&self) -> &'static str {
        "driftmgr_unmanaged_resources"
    }

    fn schema(&self) -> Schema {
        let mut parts = filters();
        parts.push(comparison::states_argument());
        parts.extend(paging());
        parts.extend(freshness());
        parts.push((
            "resources",
            computed(&Type::list(element_type()), "The objects, in the order of their types, accounts and ids."),
        ));
        parts.push((
            "json",
            computed(
                &STRING,
                "The whole answer as a document of schema `driftmgr.drift/v1`, ignored and folded findings included.",
            ),
        ));
        data_source(
            "Lists the remote objects that none of the named states manages. Account defaults, children of managed objects, \
             what another tool manages and what the ignore file names are left out. An `import` block may be driven by it; \
             the resource's own `for_each` must not be, or the object would leave the map once it is adopted, and the next \
             plan would destroy it.",
            parts,
        )
    }

    fn nested_fields(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        vec![("resources", FIELDS.to_vec())]
    }

    async fn read(&self, reading: &Reading<'_>, diagnostics: &mut Diagnostics) -> Result<Computed, Diagnostics> {
        let (limit, offset) = (reading.limit()?, reading.offset()?);
        let answer = comparison::compare(reading, Question::Unmanaged, diagnostics).await?;
        let name = reading.arguments.text("name").map(|glob| Pattern::new(&glob));
        let matching: Vec<&Finding> = answer
            .verdict
            .findings
            .iter()
            .filter(|finding| finding.kind == Kind::Unmanaged && finding.ignored.is_none() && finding.folded.is_none())
            .filter(|finding| {
                let is_named = |pattern: &Pattern| finding.name.as_deref().is_some_and(|name| pattern.matches(name));
                name.as_ref().is_none_or(is_named)
            })
            .collect();
        if !answer.verdict.is_complete {
            let causes = comparison::causes(&answer).join(" ");
            if matching.is_empty() {
                let detail = format!(
                    "Nothing unmanaged was found, but that proves nothing, because not everything was seen. {causes}"
                );
                return Err(vec![Diagnostic::error("incomplete", "Not everything could be seen", detail)]);
            }
            let detail =
                format!("More may be unmanaged than the answer holds, because not everything was seen. {causes}");
            diagnostics.push(Diagnostic::warning("incomplete", "Not everything could be seen", detail));
        }
        let shown: Vec<Value> =
            matching.iter().skip(offset as usize).take(limit as usize).map(|finding| element(finding)).collect();
        let mut fields = comparison::freshness_fields(&answer);
        fields.extend(values::paging_fields(matching.len() as u64, offset, shown.len()));
        fields.push(("resources", values::list(&element_type(), shown)));
        fields.push(("json", comparison::document(&answer)));
        Ok(fields)
    }
}

fn element_type() -> Type {
    Type::object(FIELDS.map(|(name, _)| (name, values::field_type(name))))
}

fn element(finding: &Finding) -> Value {
    values::object([
        ("account", values::text(finding.account.as_ref().map(model::AccountId::as_str))),
        ("arn", values::text(finding.arn.as_deref())),
        ("id", values::text(finding.id.as_ref().map(model::ImportId::as_str))),
        ("name", values::text(finding.name.as_deref())),
        ("native_type", values::text(finding.native_type.as_ref().map(model::NativeType::as_str))),
        ("reason", Value::string(finding.reason.as_str())),
        ("region", values::text(finding.region.as_ref().map(model::Region::as_str))),
        ("tags", values::tags(Some(&finding.tags))),
        ("type", values::text(finding.resource_type.as_ref().map(model::ResourceType::as_str))),
    ])
}
