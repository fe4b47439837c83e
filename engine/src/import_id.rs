//! The import id of an object whose attributes are known, by the templates of the catalog.

use cty::Value;
use inventory::definition::{Catalog, ScopeValues, Subject};
use model::ImportId;

use crate::{Error, ErrorKind};

/// Gives the id by which terraform imports the object of a resource type that has these attributes.
///
/// The `id` attribute of a recorded object often is not it: that of an attachment names both ends.
///
/// # Errors
/// [`ErrorKind::NotFound`] for a type that the catalog does not cover, [`ErrorKind::Usage`] for attributes that do not
/// say which object they are of.
pub fn import_id(resource_type: &str, attributes: &Value) -> Result<ImportId, Error> {
    let operation = "make an import id";
    let refuse = |detail: String| Error::usage(operation, detail);
    let catalog = Catalog::embedded();
    if catalog.for_resource_type(resource_type).is_empty() {
        let detail = format!("The catalog does not cover {resource_type:?}.");
        return Err(Error::new(ErrorKind::NotFound, operation, detail)
            .with_help("`driftmgr types` lists the resource types it covers."));
    }
    let (attributes, _) = attributes.unmark_deep();
    let is_object = matches!(attributes.ty(), cty::Type::Object(_) | cty::Type::Map(_));
    if !is_object || attributes.is_null() {
        let what = if attributes.is_null() { "null".to_owned() } else { attributes.ty().friendly_name() };
        return Err(refuse(format!("The attributes have to be an object, and are {what}.")));
    }
    let json = cty::json::encode(&attributes, attributes.ty())
        .map_err(|error| refuse(format!("The attributes cannot be used: {error}.")).with_source(error))?;
    let object: serde_json::Value = serde_json::from_slice(&json)
        .map_err(|error| refuse("The attributes cannot be used.".to_owned()).with_source(error))?;

    let mut found = catalog.recorded_import_ids(resource_type, &object);
    found.dedup_by(|(_, id), (_, other)| id == other);
    match found.as_slice() {
        [(_, id)] if !id.is_empty() => Ok(ImportId::from(id.as_str())),
        [] | [_] => {
            let scope = ScopeValues::default();
            let subject = Subject { object: &object, parent: None, scope: &scope };
            let mut missing: Vec<String> = catalog
                .recorded_id_templates(resource_type)
                .filter_map(|(_, template)| template.render(&subject).err())
                .map(|error| error.to_string())
                .collect();
            missing.dedup();
            let why = if missing.is_empty() { "the id would be empty".to_owned() } else { missing.join(", and ") };
            Err(refuse(format!("The attributes do not say which {resource_type} it is: {why}.")))
        }
        several => {
            let kinds: Vec<&str> = several.iter().map(|(definition, _)| definition.name.as_str()).collect();
            let kinds = kinds.join(" and ");
            Err(refuse(format!("The attributes fit objects of several kinds, whose ids differ: {kinds}.")))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn object(attributes: &[(&str, &str)]) -> Value {
        let entries = attributes.iter().map(|(name, text)| ((*name).to_owned(), Value::string(*text)));
        Value::object(entries.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn ids_are_made_as_the_catalog_says() {
        for (resource_type, attributes, expect) in [
            ("aws_sqs_queue", object(&[("id", "https://queue/1/orders")]), "https://queue/1/orders"),
            (
                "aws_iam_role_policy_attachment",
                object(&[("id", "app-2019"), ("role", "app"), ("policy_arn", "arn:aws:iam::aws:policy/X")]),
                "app/arn:aws:iam::aws:policy/X",
            ),
            (
                "aws_lambda_permission",
                object(&[("id", "AllowS3"), ("statement_id", "AllowS3"), ("function_name", "resize")]),
                "resize/AllowS3",
            ),
        ] {
            assert_eq!(import_id(resource_type, &attributes).unwrap().to_string(), expect, "{resource_type}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_said() {
        for (resource_type, attributes, kind, expect) in [
            ("aws_unheard_of", object(&[]), ErrorKind::NotFound, "does not cover \"aws_unheard_of\""),
            ("aws_sqs_queue", Value::string("x"), ErrorKind::Usage, "have to be an object, and are string"),
            ("aws_sqs_queue", Value::null(cty::Type::Dynamic), ErrorKind::Usage, "have to be an object"),
            ("aws_sqs_queue", object(&[("name", "orders")]), ErrorKind::Usage, "`{/id}`"),
            ("aws_iam_role_policy_attachment", object(&[("role", "app")]), ErrorKind::Usage, "`{/policy_arn}`"),
        ] {
            let error = import_id(resource_type, &attributes).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(expect), "{error}");
        }
    }
}
