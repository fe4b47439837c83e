//! The estate: made by terraform on a fresh moto from a root that a person wrote, then known by its objects only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::written;
use crate::moto::Moto;
use crate::repository;
use crate::terraform::{CliConfig, RootFolder, copy_configuration};

/// The provider of every root that objects are adopted in.
pub(super) const VERSIONS: &str = r#"terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.47"
    }
  }
}

provider "aws" {
  region            = "eu-central-1"
  s3_use_path_style = true
  max_retries       = 2
}
"#;

/// How often the estate is applied: moto leaves out some tags of what it creates.
const N_APPLIES: usize = 3;

/// An object of the estate.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// The Terraform type.
    pub(super) resource_type: String,
    /// The id that the provider's documentation tells people to import it by.
    pub(super) id: String,
    /// A name, unique among its type, made from that of the person.
    pub(super) name: String,
    /// The arguments that the person wrote, as paths without keys.
    pub(super) written: BTreeSet<String>,
    /// What terraform recorded of it.
    pub(super) attributes: Value,
}

impl Object {
    /// Returns the address it is adopted at.
    pub(super) fn address(&self) -> String {
        format!("{}.{}", self.resource_type, self.name)
    }
}

/// What of the estate is made.
pub(super) struct Choice {
    /// What draws the types.
    pub(super) seed: u64,
    /// How many types are drawn; `None` is all.
    pub(super) n_types: Option<usize>,
}

/// Lets terraform make the estate, and lists the objects of the chosen types.
pub(super) fn create(moto: &Moto, terraform: &Path, config: &CliConfig, choice: &Choice) -> Result<Vec<Object>> {
    let root = RootFolder::copy_of(&directory("accuracy/aws"), terraform, config, Some(moto))?;
    copy_configuration(&directory("adopt/aws"), &root.path())?;
    root.init()?;
    let planned = plan_json(&root, &[])?;
    let types: BTreeSet<String> = planned["resource_changes"]
        .as_array()
        .context("the plan has no changes")?
        .iter()
        .filter(|change| change["mode"] == "managed")
        .filter_map(|change| change["type"].as_str().map(str::to_owned))
        .collect();
    let drawn = draw(&types, choice);
    let mut targets = Vec::new();
    if choice.n_types.is_some() {
        // What the drawn ones refer to comes along.
        let changes = planned["resource_changes"].as_array().into_iter().flatten();
        let is_drawn = |change: &&Value| change["type"].as_str().is_some_and(|drawn_type| drawn.contains(drawn_type));
        targets.extend(
            changes.filter(is_drawn).filter_map(|change| Some(format!("-target={}", change["address"].as_str()?))),
        );
    }
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    for _ in 0..N_APPLIES {
        root.run(
            &[&["apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=20"], &targets[..]].concat(),
        )?;
    }
    let plan = plan_json(&root, &targets)?;
    let changes = plan["resource_changes"].as_array().context("the plan has no changes")?;
    let dirty: Vec<&Value> = changes
        .iter()
        .filter(|change| change["change"]["actions"] != serde_json::json!(["no-op"]) && change["mode"] == "managed")
        .collect();
    ensure!(dirty.is_empty(), "the estate's plan is not clean: {dirty:?}");
    let written = written::arguments(&plan);
    let with_default_tags = written::with_default_tags(&plan);
    let mut objects = Vec::new();
    for change in changes.iter().filter(|change| change["mode"] == "managed") {
        let resource_type = change["type"].as_str().context("a change has no type")?;
        if !drawn.contains(resource_type) {
            continue;
        }
        let address = change["address"].as_str().context("a change has no address")?;
        let attributes = change["change"]["before"].clone();
        let id = import_id(resource_type, &attributes).with_context(|| format!("{address} has no import id"))?;
        let resource = written::without_keys(address);
        let mut arguments = written.get(&resource).with_context(|| format!("{address} is written nowhere"))?.clone();
        let has_tags = attributes["tags_all"].as_object().is_some_and(|tags| !tags.is_empty());
        if has_tags && with_default_tags.contains(&resource) {
            // They stand in the provider block.
            arguments.insert("tags".to_owned());
        }
        objects.push(Object {
            resource_type: resource_type.to_owned(),
            id,
            name: name(address),
            written: arguments,
            attributes,
        });
    }
    let mut taken = BTreeMap::new();
    for object in &objects {
        let other = taken.insert((object.resource_type.clone(), object.id.clone()), object.name.clone());
        ensure!(other.is_none(), "{} and {other:?} have the same import id {}", object.name, object.id);
    }
    Ok(objects)
}

fn directory(name: &str) -> PathBuf {
    repository().join("acceptance-tests").join(name)
}

fn draw(types: &BTreeSet<String>, choice: &Choice) -> BTreeSet<String> {
    let mut drawn: Vec<(Vec<u8>, &String)> = types
        .iter()
        .map(|drawn_type| (Sha256::digest(format!("{} {drawn_type}", choice.seed)).to_vec(), drawn_type))
        .collect();
    drawn.sort();
    drawn.into_iter().take(choice.n_types.unwrap_or(usize::MAX)).map(|(_, drawn_type)| drawn_type.clone()).collect()
}

/// Tells whether the provider's schema requires an argument, `rule[0].name`.
pub(super) fn is_required(schemas: &Value, resource_type: &str, path: &str) -> bool {
    let names: Vec<&str> = path.split('.').map(|step| step.split('[').next().unwrap_or(step)).collect();
    let Some((last, blocks)) = names.split_last() else { return false };
    let block = &schemas["resource_schemas"][resource_type]["block"];
    let body = blocks.iter().fold(block, |body, name| &body["block_types"][name]["block"]);
    body["attributes"][last]["required"] == true
        || body["block_types"][last]["min_items"].as_u64().is_some_and(|n| n > 0)
}

/// Returns the provider's schemas.
pub(super) fn schemas(moto: &Moto, terraform: &Path, config: &CliConfig) -> Result<Value> {
    let root = RootFolder::empty(terraform, config, Some(moto))?;
    root.write("versions.tf", VERSIONS)?;
    root.init()?;
    let mut schemas: Value =
        serde_json::from_str(&root.run(&["providers", "schema", "-json"])?).context("the schemas are no JSON")?;
    let providers = schemas["provider_schemas"].as_object_mut().context("there are no schemas")?;
    providers.values_mut().next().map(Value::take).context("there is no provider")
}

/// Returns so many of the objects, as a seed draws them.
pub(super) fn some(objects: &[Object], seed: u64, n_objects: usize) -> Vec<&Object> {
    let key = |object: &&Object| Sha256::digest(format!("{seed} {}", object.address())).to_vec();
    let mut objects: Vec<&Object> = objects.iter().collect();
    objects.sort_by_cached_key(key);
    objects.truncate(n_objects);
    objects
}

/// Plans a root, and returns the plan as JSON.
pub(super) fn plan_json(root: &RootFolder<'_>, more: &[&str]) -> Result<Value> {
    root.run(&[&["plan", "-no-color", "-input=false", "-out=plan.tfplan"], more].concat())?;
    let json = root.run(&["show", "-json", "plan.tfplan"])?;
    serde_json::from_str(&json).context("terraform printed no JSON")
}

/// Makes a name from an address: `module.queue["jobs"].aws_sqs_queue.work` becomes `queue_jobs_work`.
fn name(address: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in address.split(['.', '[', ']', '"']).filter(|part| !part.is_empty()) {
        if part != "module" && !part.starts_with("aws_") {
            parts.push(part);
        }
    }
    parts.join("_").replace(|character: char| !character.is_ascii_alphanumeric() && character != '_', "_")
}

/// Returns the id that the provider's documentation tells people to import an object by.
fn import_id(resource_type: &str, attributes: &Value) -> Option<String> {
    let text = |name: &str| match &attributes[name] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    };
    let join = |separator: &str, names: &[&str]| -> Option<String> {
        Some(names.iter().map(|name| text(name)).collect::<Option<Vec<_>>>()?.join(separator))
    };
    let list = |name: &str| -> Vec<String> {
        attributes[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    match resource_type {
        "aws_cloudformation_stack" | "aws_ssm_document" => text("name"),
        "aws_cloudwatch_event_target" => join("/", &["event_bus_name", "rule", "target_id"]),
        "aws_cloudwatch_log_metric_filter" | "aws_cloudwatch_log_stream" => join(":", &["log_group_name", "name"]),
        "aws_cloudwatch_log_subscription_filter" => join("|", &["log_group_name", "name"]),
        "aws_iam_group_policy_attachment" => join("/", &["group", "policy_arn"]),
        "aws_iam_role_policy_attachment" => join("/", &["role", "policy_arn"]),
        "aws_iam_user_policy_attachment" => join("/", &["user", "policy_arn"]),
        "aws_iam_user_group_membership" => Some(format!("{}/{}", text("user")?, list("groups").join("/"))),
        "aws_iam_user_ssh_key" => join(":", &["username", "ssh_public_key_id", "encoding"]),
        "aws_lambda_alias" => join("/", &["function_name", "name"]),
        "aws_lambda_permission" => join("/", &["function_name", "statement_id"]),
        "aws_main_route_table_association" | "aws_vpc_dhcp_options_association" => text("vpc_id"),
        "aws_network_acl_rule" => join(":", &["network_acl_id", "rule_number", "protocol", "egress"]),
        "aws_route" => join("_", &["route_table_id", "destination_cidr_block"]),
        "aws_route_table_association" => join("/", &["subnet_id", "route_table_id"]),
        "aws_security_group_rule" => {
            let head = join("_", &["security_group_id", "type", "protocol", "from_port", "to_port"])?;
            let sources = text("source_security_group_id").map_or_else(|| list("cidr_blocks"), |group| vec![group]);
            Some(format!("{head}_{}", sources.join("_")))
        }
        "aws_volume_attachment" => join(":", &["device_name", "volume_id", "instance_id"]),
        "aws_vpc_endpoint_route_table_association" => join("/", &["vpc_endpoint_id", "route_table_id"]),
        _ => text("id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_from_addresses() {
        assert_eq!(name("module.queue[\"jobs\"].aws_sqs_queue.work"), "queue_jobs_work");
        assert_eq!(name("aws_subnet.private[0]"), "private_0");
    }

    #[test]
    fn a_seed_draws_the_same_types() {
        let types: BTreeSet<String> = (0..50).map(|number| format!("aws_{number}")).collect();
        let drawn = |seed| draw(&types, &Choice { seed, n_types: Some(5) });
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert_eq!(drawn(7).len(), 5);
    }
}
