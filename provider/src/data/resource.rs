//! `driftmgr_resource`: one object.

use async_trait::async_trait;
use cty::{Path, Type, Value};
use engine::QueryRequest;
use model::{Attribute, Diagnostic, Diagnostics, Schema};
use report::Values;
use report::v1::query::write_object;

use super::{DataSource, Reading};
use crate::arguments::Arguments;
use crate::fresh;
use crate::schema::{BOOL, STRING, STRINGS, computed, data_source, freshness, optional, required};
use crate::values::{self, Computed};

/// The arguments of which one names the object.
const NAMES: [&str; 3] = ["id", "arn", "name"];

pub(crate) struct Resource;

#[async_trait]
impl DataSource for Resource {
    fn name(&self) -> &'static str {
        "driftmgr_resource"
    }

    fn schema(&self) -> Schema {
        let mut parts = freshness();
        parts.extend([
            ("type", required(&STRING, "Its Terraform type (`aws_sqs_queue`) or native type (`aws.sqs.queue`).")),
            ("accounts", optional(&STRINGS, "Accounts to look for it in.")),
            ("regions", optional(&STRINGS, "Regions to look for it in.")),
            ("exists", computed(&BOOL, "Whether it exists. False only where it would have been seen.")),
            (
                "json",
                computed(
                    &STRING,
                    "The object as it stands in `resources` of a `driftmgr.query/v1` document, with its attributes.",
                ),
            ),
        ]);
        for (name, description) in values::REMOTE_OBJECT_FIELDS {
            let ty = values::field_type(name);
            let attribute = match name {
                "type" => continue,
                "id" => {
                    either(&ty, "What `terraform import` takes for it. One of `id`, `arn` and `name` must be given.")
                }
                "arn" => either(&ty, "Its cloud-wide name. One of `id`, `arn` and `name` must be given."),
                "name" => either(
                    &ty,
                    "Its name, as a glob that only one object may match. One of `id`, `arn` and `name` must be given.",
                ),
                _ => computed(&ty, description),
            };
            parts.push((name, attribute));
        }
        data_source("Looks up one remote object by its import id, ARN or name.", parts)
    }

    fn nested_fields(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        Vec::new()
    }

    fn validate(&self, arguments: &Arguments<'_>) -> Diagnostics {
        let n_given = NAMES.iter().filter(|name| arguments.is_given(name)).count();
        if n_given == 1 {
            return Diagnostics::new();
        }
        let detail = format!("Exactly one of id, arn and name says which object is meant; {n_given} are given.");
        vec![Diagnostic::error("invalid-argument", "Which object is meant is not clear", detail)]
    }

    async fn read(&self, reading: &Reading<'_>, diagnostics: &mut Diagnostics) -> Result<Computed, Diagnostics> {
        let arguments = &reading.arguments;
        let request = QueryRequest {
            types: arguments.text("type").into_iter().collect(),
            import_id: arguments.text("id"),
            arn: arguments.text("arn"),
            name: arguments.text("name"),
            limit: Some(2),
            ..reading.query()?
        };
        let answer = fresh::query(reading, &request, diagnostics).await?;
        let mut fields = values::freshness_fields(&answer.page.freshness);
        let [found] = answer.page.objects.as_slice() else {
            if let [first, second, ..] = answer.page.objects.as_slice() {
                let place = |object: &model::RemoteObject| {
                    let region = object.scope.region.as_ref().map_or("global", model::Region::as_str).to_owned();
                    format!("{} in account {} ({region})", object.key, object.scope.account)
                };
                let detail = format!(
                    "{} objects match, among them {} and {}. Name it by id or arn, or narrow accounts and regions.",
                    answer.page.total,
                    place(&first.object),
                    place(&second.object)
                );
                return Err(vec![
                    Diagnostic::error("ambiguous", "More than one object matches", detail)
                        .at_path(Path::new().attr(NAMES[2])),
                ]);
            }
            fields.push(("exists", Value::bool(false)));
            fields.push(("json", Value::null(Type::String)));
            let absent = values::REMOTE_OBJECT_FIELDS.map(|(name, _)| (name, Value::null(values::field_type(name))));
            fields.extend(absent.into_iter().filter(|(name, _)| is_answered(arguments, name)));
            return Ok(fields);
        };
        fields.push(("exists", Value::bool(true)));
        let present = values::remote_object_fields(&found.object);
        fields.extend(present.into_iter().filter(|(name, _)| is_answered(arguments, name)));
        let mut text = Vec::new();
        write_object(&found.object, Values::Safe, &mut text).expect("an object can be written to memory");
        fields.push(("json", values::text(Some(String::from_utf8_lossy(&text)))));
        Ok(fields)
    }
}

/// An argument whose value the answer fills in where it is not given.
fn either(ty: &Type, description: &str) -> Attribute {
    Attribute { computed: true, ..optional(ty, description) }
}

/// Tells whether the answer fills in a field; what the configuration gives stays as it is given.
fn is_answered(arguments: &Arguments<'_>, name: &str) -> bool {
    name != "type" && !arguments.is_given(name)
}
