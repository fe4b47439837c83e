//! Proves, with the real provider, what the import id of each of our resource types is.
//!
//! Each object of the estate is imported by the id its row makes from its recorded attributes, into an empty state; the
//! import counts when the object that arrives is the recorded one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use xtask::estate;
use xtask::terraform::{CliConfig, Root};
use xtask::tools::{self, Tool};

/// The resource type, its import id made of its attributes, and the attributes that tell one object from another.
const ROWS: &[(&str, &str, &[&str])] = &[
    ("aws_cloudwatch_log_group", "{name}", &["arn", "name"]),
    ("aws_dynamodb_table", "{name}", &["arn", "name"]),
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
resource "aws_kms_key" "primary" {
  multi_region = true
}

resource "aws_kms_replica_key" "replica" {
  provider        = aws.us_east_1
  primary_key_arn = aws_kms_key.primary.arn
}

resource "aws_kms_external_key" "external" {
  description = "Its material comes from elsewhere"
}
"#;

/// Types of [`MORE`] that are looked up in the second region.
const ABROAD: &[&str] = &["aws_kms_replica_key"];

#[test]
fn each_type_is_imported_by_the_id_its_row_names() {
    if tools::or_skip(Tool::Moto).is_none() || tools::or_skip(Tool::Aws).is_none() {
        return;
    }
    let Ok(program) = tools::terraform_or_tofu() else { return tools::skip("neither terraform nor tofu is there") };
    let moto = estate::start().expect("the recording replays");
    let config = CliConfig::with_tools().expect("the tools' directory is known");
    let mut providers = fs::read_to_string(estate::directory().join("versions.tf")).expect("the provider blocks");
    providers
        .push_str("\nvariable \"region\" {\n  default = \"eu-central-1\"\n}\n\nlocals {\n  default_tags = {}\n}\n");

    let more = Root::empty(&program, &config, Some(&moto)).expect("an empty root");
    more.write("main.tf", &format!("{providers}{MORE}")).expect("a root module");
    more.init().expect("terraform init");
    more.apply(10).expect("terraform apply");
    let mut recorded = recorded_objects();
    let state = fs::read_to_string(more.path().join("terraform.tfstate")).expect("a state");
    for (resource_type, object) in objects(&serde_json::from_str(&state).expect("a state is JSON")) {
        recorded.entry(resource_type).or_insert(object);
    }

    let root = Root::empty(&program, &config, Some(&moto)).expect("an empty root");
    let mut text = providers;
    for (resource_type, _, _) in ROWS {
        let provider = if ABROAD.contains(resource_type) { "  provider = aws.us_east_1\n" } else { "" };
        text.extend(["\nresource \"", resource_type, "\" \"it\" {\n", provider, "}\n"]);
    }
    root.write("main.tf", &text).expect("a root module");
    root.init().expect("terraform init");

    for (resource_type, template, witnesses) in ROWS {
        let object = &recorded[*resource_type];
        let id = fill(template, object);
        root.run(&["import", "-no-color", "-input=false", &format!("{resource_type}.it"), &id])
            .unwrap_or_else(|error| panic!("{resource_type} does not import by {template} = {id:?}: {error:#}"));
        let state = fs::read_to_string(root.path().join("terraform.tfstate")).expect("a state");
        let imported = objects(&serde_json::from_str(&state).expect("a state is JSON"));
        for witness in *witnesses {
            assert_eq!(imported[*resource_type][*witness], object[*witness], "{resource_type}.{witness}");
        }
    }
}

#[test]
fn every_type_of_the_estate_and_of_the_catalog_has_a_row_or_a_reason() {
    let rows: BTreeSet<&str> = ROWS.iter().map(|(resource_type, _, _)| *resource_type).collect();
    let recorded = recorded_objects();
    for resource_type in recorded.keys().map(String::as_str) {
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

fn recorded_objects() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(estate::directory().join("terraform.tfstate")).expect("the committed state");
    objects(&serde_json::from_str(&text).expect("the committed state is JSON"))
}

/// Returns the attributes of the first object of each type: one of the home region, where there is one.
fn objects(state: &Value) -> BTreeMap<String, Value> {
    let resources = state["resources"].as_array().expect("a state lists resources");
    let is_at_home = |resource: &&Value| resource["instances"][0]["attributes"]["region"] == xtask::moto::REGION;
    let (at_home, elsewhere): (Vec<&Value>, Vec<&Value>) = resources.iter().partition(is_at_home);
    let mut objects = BTreeMap::new();
    for resource in at_home.into_iter().chain(elsewhere) {
        let resource_type = resource["type"].as_str().expect("a resource has a type").to_owned();
        objects.entry(resource_type).or_insert_with(|| resource["instances"][0]["attributes"].clone());
    }
    objects
}
