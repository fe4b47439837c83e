//! Objects that nothing but their identity names: no import id of theirs is known.
//!
//! Their identity, as JSON text, stands for the import id wherever a person or a file names them, so a mapping file works
//! for them as for any other. Their import blocks say the identity itself, which needs a program that understands that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cty::Value;
use hcl::gates::{Feature, Gates, Program, Requirements};
use hcl::versions::Version;
use model::draft::DraftImportSource;
use model::{Finding, Identity, IdentitySchema, ImportId, Kind};

use crate::Session;
use crate::code::Folder;

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// Gives every unmanaged object without an import id the text of its identity instead.
pub(super) fn stand_in(findings: &mut [Finding]) {
    for finding in findings {
        let is_unmanaged = matches!(finding.kind, Kind::Unmanaged | Kind::ManagedElsewhere);
        if is_unmanaged && finding.id.is_none() && finding.resource_type.is_some() {
            finding.id = finding.identity.as_ref().and_then(text_of).map(ImportId::from);
        }
    }
}

/// Writes an identity as text, without what it leaves open.
fn text_of(identity: &Identity) -> Option<String> {
    if identity.value.is_null() || identity.value.contains_marked() {
        return None;
    }
    let given = identity.value.entries().filter(|(_, value)| !value.is_null());
    let given: BTreeMap<String, Value> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let value = Value::object(given);
    let is_empty = value.is_empty();
    String::from_utf8(cty::json::encode(&value, value.ty()).ok()?).ok().filter(|_| !is_empty)
}

/// Reads the identity of an object whose id is the text of one; `None` for every other object.
pub(super) fn of(finding: &Finding, id: &ImportId, schema: Option<&IdentitySchema>) -> Option<Identity> {
    if !id.as_str().starts_with('{') {
        return None;
    }
    if let Some(identity) = finding.identity.as_ref().filter(|own| text_of(own).as_deref() == Some(id.as_str())) {
        return Some(identity.clone());
    }
    // A person wrote it: it must be of the type that the provider says.
    let schema = schema?;
    let written = cty::json::decode_implied(id.as_str().as_bytes()).ok()?;
    if written.is_null() || !written.entries().all(|(name, _)| schema.attributes.contains_key(name)) {
        return None;
    }
    let attribute = |(name, attribute): (&String, &model::identity::IdentityAttribute)| {
        let value = match written.get_attr(name) {
            Ok(value) => cty::convert::convert(&value, &attribute.ty).ok()?,
            Err(_) => Value::null(attribute.ty.clone()),
        };
        Some((name.clone(), value))
    };
    let value = Value::object(schema.attributes.iter().map(attribute).collect::<Option<_>>()?);
    Some(Identity { version: schema.version, value })
}

/// Gives what names an object to its import: its identity where that stands for its id, else `id`.
pub(super) fn source(
    finding: &Finding,
    id: &ImportId,
    schema: Option<&IdentitySchema>,
    by_id: impl FnOnce() -> ImportId,
) -> DraftImportSource {
    match of(finding, id, schema) {
        Some(identity) => DraftImportSource::Identity(identity),
        None => DraftImportSource::Id(by_id()),
    }
}

/// Says why a feature of the language may not be written, a sentence; `None` where it may.
pub(crate) async fn refusal(session: &Session, root: Option<&Path>, feature: Feature) -> Option<String> {
    let requirements = root.map(|root| Requirements::read(&Folder(root), ".").0).unwrap_or_default();
    let mut is_any_found = false;
    for (program, name) in [(Program::Terraform, "terraform"), (Program::OpenTofu, "tofu")] {
        let Some(version) = version(session, name).await else { continue };
        is_any_found = true;
        // Whoever has both may run either.
        let refusal = Gates::new(&requirements, Some((program, version))).refusal(feature);
        if refusal.is_some() {
            return refusal;
        }
    }
    if is_any_found { None } else { Gates::new(&requirements, None).refusal(feature) }
}

/// Asks a program on `PATH` for its version.
async fn version(session: &Session, name: &str) -> Option<Version> {
    let folders = session.environment.get("PATH")?;
    let mut candidates = std::env::split_paths(folders).map(|folder| session.current_dir.join(folder).join(name));
    let path: PathBuf = candidates.find(|path| path.is_file())?;
    let mut command = tokio::process::Command::new(path);
    command.args(["version", "-json"]).current_dir(&session.current_dir).kill_on_drop(true);
    command.env_clear().envs(session.environment.variables()).env("CHECKPOINT_DISABLE", "1");
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    let version: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    version.get("terraform_version")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use model::identity::IdentityAttribute;

    use super::*;

    fn finding(identity: Option<Value>) -> Finding {
        let key = drift::adopt::AdoptionKey {
            resource_type: "aws_route".into(),
            id: "x".into(),
            account: None,
            region: None,
        };
        let identity = identity.map(|value| Identity { version: 0, value });
        Finding { id: None, identity, ..super::super::named::finding(&key) }
    }

    fn route(region: Option<&str>) -> Value {
        let region = region.map_or(Value::null(cty::Type::String), Value::string);
        Value::object([("cidr".to_owned(), Value::string("10.0.0.0/16")), ("region".to_owned(), region)].into())
    }

    fn schema() -> IdentitySchema {
        let attribute = IdentityAttribute {
            ty: cty::Type::String,
            required_for_import: false,
            optional_for_import: true,
            description: String::new(),
        };
        let attributes = ["cidr", "region"].map(|name| (name.to_owned(), attribute.clone()));
        IdentitySchema { version: 3, attributes: attributes.into() }
    }

    #[test]
    fn an_identity_stands_for_the_id_that_nobody_knows() {
        let mut findings = [finding(Some(route(None))), finding(None)];
        stand_in(&mut findings);
        let id = findings[0].id.clone().expect("its identity names it");
        assert_eq!(id.as_str(), r#"{"cidr":"10.0.0.0/16"}"#);
        assert_eq!(findings[1].id, None);
        assert_eq!(of(&findings[0], &id, None), findings[0].identity);
        assert_eq!(of(&findings[0], &"jobs".into(), Some(&schema())), None);
    }

    #[test]
    fn a_person_may_name_an_object_by_its_identity() {
        let check = |text: &str| of(&finding(None), &text.into(), Some(&schema()));
        let read = check(r#"{"cidr": "10.0.0.0/16", "region": "eu-west-1"}"#).expect("it fits");
        assert_eq!((read.version, read.value), (3, route(Some("eu-west-1"))));
        assert_eq!(check(r#"{"cidr": "10.0.0.0/16"}"#).map(|read| read.value), Some(route(None)));
        for wrong in [r#"{"other": "x"}"#, r#"{"cidr": []}"#, "{", "{}x", "[]"] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
    }
}
