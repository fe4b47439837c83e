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

/// The resource type, the attribute that is its import id, and the attributes that tell one object from another.
const ROWS: &[(&str, &str, &[&str])] = &[
    ("aws_cloudwatch_log_group", "name", &["arn", "name"]),
    ("aws_dynamodb_table", "name", &["arn", "name"]),
    ("aws_ecr_repository", "name", &["arn", "name"]),
    ("aws_iam_policy", "arn", &["arn", "policy_id"]),
    ("aws_iam_role", "name", &["arn", "unique_id"]),
    ("aws_iam_user", "name", &["arn", "unique_id"]),
    ("aws_instance", "id", &["arn", "private_ip"]),
    ("aws_kms_alias", "name", &["arn", "target_key_id"]),
    ("aws_kms_key", "key_id", &["arn", "description"]),
    ("aws_lambda_function", "function_name", &["arn", "image_uri"]),
    ("aws_s3_bucket", "bucket", &["arn", "bucket"]),
    ("aws_security_group", "id", &["arn", "name"]),
    ("aws_sns_topic", "arn", &["arn", "name"]),
    ("aws_sqs_queue", "url", &["arn", "name"]),
    ("aws_ssm_parameter", "name", &["arn", "value"]),
    ("aws_subnet", "id", &["arn", "cidr_block"]),
    ("aws_vpc", "id", &["arn", "cidr_block"]),
    ("aws_vpc_security_group_egress_rule", "id", &["security_group_rule_id", "security_group_id"]),
    ("aws_vpc_security_group_ingress_rule", "id", &["security_group_rule_id", "from_port"]),
];

/// Types of the estate that are no rows: the catalog leaves them out, so that a report has something it can't judge.
const NOT_COVERED: &[&str] = &["aws_iam_role_policy_attachment", "aws_internet_gateway"];

#[test]
fn each_type_is_imported_by_the_id_its_row_names() {
    if tools::or_skip(Tool::Moto).is_none() || tools::or_skip(Tool::Aws).is_none() {
        return;
    }
    let Ok(program) = tools::terraform_or_tofu() else { return tools::skip("neither terraform nor tofu is there") };
    let moto = estate::start().expect("the recording replays");
    let config = CliConfig::with_tools().expect("the tools' directory is known");
    let root = Root::empty(&program, &config, Some(&moto)).expect("an empty root");
    let recorded = recorded_objects();

    let mut text = fs::read_to_string(estate::directory().join("versions.tf")).expect("the estate's provider blocks");
    text.push_str("\nvariable \"region\" {\n  default = \"eu-central-1\"\n}\n\nlocals {\n  default_tags = {}\n}\n");
    for (resource_type, _, _) in ROWS {
        text.extend(["\nresource \"", resource_type, "\" \"it\" {\n}\n"]);
    }
    root.write("main.tf", &text).expect("a root module");
    root.init().expect("terraform init");

    for (resource_type, id_attribute, witnesses) in ROWS {
        let object = &recorded[*resource_type];
        let id = object[*id_attribute].as_str().expect("an import id is text");
        root.run(&["import", "-no-color", "-input=false", &format!("{resource_type}.it"), id])
            .unwrap_or_else(|error| panic!("{resource_type} does not import by {id_attribute} = {id:?}: {error:#}"));
        let state = fs::read_to_string(root.path().join("terraform.tfstate")).expect("a state");
        let imported = objects(&serde_json::from_str(&state).expect("a state is JSON"));
        for witness in *witnesses {
            assert_eq!(imported[*resource_type][*witness], object[*witness], "{resource_type}.{witness}");
        }
    }
}

#[test]
fn every_type_of_the_estate_has_a_row_or_a_reason() {
    let rows: BTreeSet<&str> =
        ROWS.iter().map(|(resource_type, _, _)| *resource_type).chain(NOT_COVERED.iter().copied()).collect();
    let recorded = recorded_objects();
    assert_eq!(recorded.keys().map(String::as_str).collect::<BTreeSet<_>>(), rows);
}

fn recorded_objects() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(estate::directory().join("terraform.tfstate")).expect("the committed state");
    objects(&serde_json::from_str(&text).expect("the committed state is JSON"))
}

/// Returns the attributes of the first object of each type, in the home region.
fn objects(state: &Value) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for resource in state["resources"].as_array().expect("a state lists resources") {
        let attributes = &resource["instances"][0]["attributes"];
        if attributes["region"].as_str().is_none_or(|region| region == xtask::moto::REGION) {
            objects.entry(resource["type"].as_str().expect("a type").to_owned()).or_insert_with(|| attributes.clone());
        }
    }
    objects
}
