//! Proves, with the real provider, what the import id of each of our resource types is.
//!
//! The estate's own configuration is planned over an empty state, with an import block for each instance; its id is made
//! from the instance's recorded attributes as the type's row says. An import counts when the object that arrives is the
//! recorded one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use xtask::estate;
use xtask::terraform::{CliConfig, RootFolder};
use xtask::tools::{self, Tool};

/// The resource type, its import id made of its attributes, and the attributes that tell one object from another.
const ROWS: &[(&str, &str, &[&str])] = &[
    ("aws_cloudformation_stack", "{name}", &["name", "template_body"]),
    ("aws_cloudwatch_log_group", "{name}", &["arn", "name"]),
    ("aws_dynamodb_table", "{name}", &["arn", "name"]),
    ("aws_ebs_volume", "{id}", &["arn", "size"]),
    ("aws_ecr_repository", "{name}", &["arn", "name"]),
    ("aws_iam_policy", "{arn}", &["arn", "policy_id"]),
    ("aws_iam_role", "{name}", &["arn", "unique_id"]),
    ("aws_iam_role_policy", "{role}:{name}", &["role", "name", "policy"]),
    ("aws_iam_role_policy_attachment", "{role}/{policy_arn}", &["role", "policy_arn"]),
    ("aws_iam_user", "{name}", &["arn", "unique_id"]),
    ("aws_iam_user_policy", "{user}:{name}", &["user", "name", "policy"]),
    ("aws_iam_user_policy_attachment", "{user}/{policy_arn}", &["user", "policy_arn"]),
    ("aws_instance", "{id}", &["arn", "private_ip"]),
    ("aws_kms_alias", "{name}", &["arn", "target_key_id"]),
    ("aws_kms_external_key", "{id}", &["arn", "description"]),
    ("aws_kms_key", "{key_id}", &["arn", "description"]),
    ("aws_kms_replica_key", "{key_id}", &["arn", "primary_key_arn"]),
    ("aws_lambda_function", "{function_name}", &["arn", "image_uri"]),
    ("aws_lambda_permission", "{function_name}/{statement_id}", &["statement_id", "source_arn"]),
    ("aws_route_table", "{id}", &["arn", "vpc_id"]),
    ("aws_s3_bucket", "{bucket}", &["arn", "bucket"]),
    ("aws_s3_bucket_policy", "{bucket}", &["bucket", "policy"]),
    ("aws_s3_bucket_public_access_block", "{bucket}", &["bucket", "block_public_acls"]),
    ("aws_s3_bucket_server_side_encryption_configuration", "{bucket}", &["bucket", "rule"]),
    ("aws_s3_bucket_versioning", "{bucket}", &["bucket", "versioning_configuration"]),
    ("aws_security_group", "{id}", &["arn", "name"]),
    ("aws_sns_topic", "{arn}", &["arn", "name"]),
    ("aws_sns_topic_subscription", "{arn}", &["arn", "endpoint"]),
    ("aws_sqs_queue", "{url}", &["arn", "name"]),
    ("aws_ssm_parameter", "{name}", &["arn", "value"]),
    ("aws_subnet", "{id}", &["arn", "cidr_block"]),
    ("aws_vpc", "{id}", &["arn", "cidr_block"]),
    ("aws_vpc_security_group_egress_rule", "{id}", &["security_group_rule_id", "security_group_id"]),
    ("aws_vpc_security_group_ingress_rule", "{id}", &["security_group_rule_id", "from_port"]),
];

/// Types of the estate that the catalog leaves out, so that a report has something it can't judge.
const NOT_IN_CATALOG: &[&str] = &["aws_internet_gateway"];

/// Creates what a small estate has no use for.
const MORE: &str = r#"
resource "aws_kms_replica_key" "replica" {
  provider        = aws.us_east_1
  primary_key_arn = local.primary_key_arn
}

resource "aws_cloudformation_stack" "stack" {
  name          = "by-a-stack"
  template_body = jsonencode({ Resources = { Topic = { Type = "AWS::SNS::Topic", Properties = { TopicName = "t" } } } })
}

resource "aws_kms_external_key" "external" {
  description = "Its material comes from elsewhere"
}

resource "aws_ebs_volume" "volume" {
  availability_zone = "eu-central-1a"
  size              = 20
}

resource "aws_vpc" "more" {
  cidr_block = "10.43.0.0/16"
}

resource "aws_route_table" "table" {
  vpc_id = aws_vpc.more.id
}
"#;

/// Creates the primary of the replica. moto calls it a replica too from then on, so it is not imported.
const PRIMARY: &str = r#"
resource "aws_kms_key" "primary" {
  multi_region = true
}

locals {
  primary_key_arn = aws_kms_key.primary.arn
}
"#;

#[test]
fn each_instance_is_imported_by_the_id_that_the_row_of_its_type_names() {
    if tools::or_skip(Tool::Moto).is_none() || tools::or_skip(Tool::Aws).is_none() {
        return;
    }
    let Ok(program) = tools::terraform_or_tofu() else { return tools::skip("neither terraform nor tofu is there") };
    let moto = estate::start().expect("the recording replays");
    let config = CliConfig::with_tools().expect("the tools' directory is known");

    let more = RootFolder::empty(&program, &config, Some(&moto)).expect("an empty root");
    let providers = fs::read_to_string(estate::directory().join("versions.tf")).expect("the estate's provider blocks");
    more.write("versions.tf", &providers).expect("a copy of the provider blocks");
    // moto forgets the tags that a replica is created with, and the provider would wait for them for minutes.
    let variables = "variable \"region\" {\n  default = \"eu-central-1\"\n}\n\nlocals {\n  default_tags = {}\n}\n";
    more.write("variables.tf", variables).expect("variables");
    more.write("more.tf", &[MORE, PRIMARY].concat()).expect("a root module");
    more.init().expect("terraform init");
    more.apply(10).expect("terraform apply");
    let mut recorded = instances(&committed_state());
    let state = fs::read_to_string(more.path().join("terraform.tfstate")).expect("a state");
    recorded.extend(instances(&serde_json::from_str(&state).expect("a state is JSON")));
    recorded.retain(|_, instance| !NOT_IN_CATALOG.contains(&instance.resource_type.as_str()));

    let root = RootFolder::copy_of(&estate::directory(), &program, &config, Some(&moto)).expect("a copy of the estate");
    let primary = recorded.remove("aws_kms_key.primary").expect("the primary was created").attributes;
    let locals = format!("locals {{\n  primary_key_arn = {}\n}}\n", primary["arn"]);
    root.write("more.tf", &format!("{MORE}{locals}")).expect("more resources");
    let rows: BTreeMap<&str, (&str, &[&str])> =
        ROWS.iter().map(|(resource_type, template, witnesses)| (*resource_type, (*template, *witnesses))).collect();
    let mut blocks = String::new();
    for (address, Instance { resource_type, attributes }) in &recorded {
        let id = fill(rows[resource_type.as_str()].0, attributes);
        blocks.extend(["import {\n  to = ", address, "\n  id = \"", &id, "\"\n}\n"]);
    }
    root.write("imports.tf", &blocks).expect("import blocks");
    root.init().expect("terraform init");
    root.run(&["plan", "-no-color", "-input=false", "-out=plan"]).expect("terraform plan");

    let plan = root.run(&["show", "-json", "plan"]).expect("terraform show");
    let plan: Value = serde_json::from_str(&plan).expect("a plan is JSON");
    let mut imported = BTreeSet::new();
    for change in plan["resource_changes"].as_array().expect("a plan lists changes") {
        let address = change["address"].as_str().expect("a change has an address");
        if change["change"]["importing"].is_object() {
            let instance = &recorded[address];
            for witness in rows[instance.resource_type.as_str()].1 {
                assert_eq!(change["change"]["before"][*witness], instance.attributes[*witness], "{address}: {witness}");
            }
            imported.insert(address.to_owned());
        }
    }
    assert_eq!(imported, recorded.keys().cloned().collect());
    let types: BTreeSet<&str> = recorded.values().map(|instance| instance.resource_type.as_str()).collect();
    assert_eq!(types, rows.keys().copied().collect());
}

#[test]
fn every_type_of_the_estate_and_of_the_catalog_has_a_row_or_a_reason() {
    let rows: BTreeSet<&str> = ROWS.iter().map(|(resource_type, _, _)| *resource_type).collect();
    for Instance { resource_type, .. } in instances(&committed_state()).values() {
        let resource_type = resource_type.as_str();
        assert!(rows.contains(resource_type) || NOT_IN_CATALOG.contains(&resource_type), "{resource_type} has no row");
    }

    let catalog = catalog_types();
    let of_catalog: BTreeSet<&str> = catalog.iter().map(String::as_str).collect();
    assert_eq!(of_catalog, rows);
}

/// Returns the Terraform types of the AWS catalog: the list items below the key `terraform` of each definition.
fn catalog_types() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    for entry in fs::read_dir(xtask::repository().join("catalog/aws")).expect("the catalog") {
        let path = entry.expect("a definition").path();
        if path.is_file() {
            let text = fs::read_to_string(&path).expect("a definition");
            let section = text.lines().skip_while(|line| *line != "terraform:").skip(1);
            types.extend(
                section
                    .take_while(|line| line.starts_with(' ') || line.is_empty())
                    .filter_map(|line| line.strip_prefix("  - type: "))
                    .map(|resource_type| resource_type.trim().to_owned()),
            );
        }
    }
    types
}

/// Puts an object's attributes into the braces of a template.
fn fill(template: &str, object: &Value) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("each brace is closed");
        filled.push_str(before);
        filled.push_str(object[name].as_str().expect("the parts of an import id are text"));
        rest = after;
    }
    filled + rest
}

struct Instance {
    resource_type: String,
    attributes: Value,
}

fn committed_state() -> Value {
    let text = fs::read_to_string(estate::directory().join("terraform.tfstate")).expect("the committed state");
    serde_json::from_str(&text).expect("the committed state is JSON")
}

/// Returns the managed instances of a state by address.
fn instances(state: &Value) -> BTreeMap<String, Instance> {
    let mut instances = BTreeMap::new();
    for resource in state["resources"].as_array().expect("a state lists resources") {
        let module = resource["module"].as_str().map(|module| format!("{module}.")).unwrap_or_default();
        let resource_type = resource["type"].as_str().expect("a resource has a type").to_owned();
        let name = resource["name"].as_str().expect("a resource has a name");
        for instance in resource["instances"].as_array().expect("a resource lists instances") {
            let key = instance.get("index_key").map(|key| format!("[{key}]")).unwrap_or_default();
            let attributes = instance["attributes"].clone();
            let instance = Instance { resource_type: resource_type.clone(), attributes };
            instances.insert(format!("{module}{resource_type}.{name}{key}"), instance);
        }
    }
    instances
}
