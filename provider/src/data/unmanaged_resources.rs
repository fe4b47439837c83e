//! `driftmgr_unmanaged_resources`: what no state of a named set manages.

use ::drift::adopt::{self, NamePattern};
use ::drift::{Pattern, Question};
use async_trait::async_trait;
use cty::{Type, Value};
use model::{Diagnostic, Diagnostics, Finding, Kind, ResourceAddress, Schema};

use super::{DataSource, Reading, comparison};
use crate::schema::{STRING, computed, data_source, filters, freshness, paging};
use crate::values::{self, Computed};

const FIELDS: [(&str, &str); 11] = [
    ("account", "The account."),
    ("arn", "The cloud-wide name, where it has one."),
    ("id", "What `terraform import` takes for it; null where that is not known."),
    (
        "identity",
        "What an `import` block may take in place of the id, from terraform and OpenTofu 1.12 on: `identity = each.value`; \
         null where the type has none or it was not seen. Numbers and booleans in it are written as text.",
    ),
    ("name", "What people call it."),
    ("native_type", "Its type in the cloud's words: `aws.sqs.queue`."),
    ("reason", "Why it counts as unmanaged, as a sentence."),
    ("region", "The region; null where it is global."),
    (
        "suggested_name",
        "A name for the resource block, and a key for `for_each`: made of what people call the object, unique within its \
         type, and the same as `driftmgr adopt` gives it; null where it cannot be imported.",
    ),
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
        let is_matching = |finding: &Finding| {
            let is_named = |pattern: &Pattern| finding.name.as_deref().is_some_and(|name| pattern.matches(name));
            finding.kind == Kind::Unmanaged
                && finding.ignored.is_none()
                && finding.folded.is_none()
                && name.as_ref().is_none_or(is_named)
        };
        let n_matching = answer.verdict.findings.iter().filter(|finding| is_matching(finding)).count();
        if !answer.verdict.is_complete {
            let causes = comparison::causes(&answer).join(" ");
            if n_matching == 0 {
                let detail = format!(
                    "Nothing unmanaged was found, but that proves nothing, because not everything was seen. {causes}"
                );
                return Err(vec![Diagnostic::error("incomplete", "Not everything could be seen", detail)]);
            }
            let detail =
                format!("More may be unmanaged than the answer holds, because not everything was seen. {causes}");
            diagnostics.push(Diagnostic::warning("incomplete", "Not everything could be seen", detail));
        }
        // Names are made of all that was found, so that a filter changes none of them.
        let names = adopt::addresses(&answer.verdict.findings, std::iter::empty(), &NamePattern::default());
        let named = answer.verdict.findings.iter().zip(&names).filter(|(finding, _)| is_matching(finding));
        let shown: Vec<Value> = named
            .skip(offset as usize)
            .take(limit as usize)
            .map(|(finding, address)| element(finding, address.as_ref()))
            .collect();
        let mut fields = comparison::freshness_fields(&answer);
        fields.extend(values::paging_fields(n_matching as u64, offset, shown.len()));
        fields.push(("resources", values::list(&element_type(), shown)));
        fields.push(("json", comparison::document(&answer)));
        Ok(fields)
    }
}

fn element_type() -> Type {
    Type::object(FIELDS.map(|(name, _)| (name, values::field_type(name))))
}

fn element(finding: &Finding, suggested: Option<&ResourceAddress>) -> Value {
    values::object([
        ("account", values::text(finding.account.as_ref().map(model::AccountId::as_str))),
        ("arn", values::text(finding.arn.as_deref())),
        ("id", values::text(finding.id.as_ref().map(model::ImportId::as_str))),
        ("identity", identity(finding)),
        ("name", values::text(finding.name.as_deref())),
        ("native_type", values::text(finding.native_type.as_ref().map(model::NativeType::as_str))),
        ("reason", Value::string(finding.reason.as_str())),
        ("region", values::text(finding.region.as_ref().map(model::Region::as_str))),
        ("suggested_name", values::text(suggested.map(|address| address.name.to_string()).as_deref())),
        ("tags", values::tags(Some(&finding.tags))),
        ("type", values::text(finding.resource_type.as_ref().map(model::ResourceType::as_str))),
    ])
}

/// Gives the identity as texts: elements of a list have one type, and identities of several types have not.
fn identity(finding: &Finding) -> Value {
    let Some(identity) = &finding.identity else { return values::tags(None) };
    let texts = identity.value.entries().filter_map(|(name, value)| {
        let text = cty::convert::convert(value, &Type::String).ok()?;
        Some((name.to_owned(), text.as_str()?.to_owned()))
    });
    values::tags(Some(&texts.collect()))
}
