//! The embedded catalog as a whole: it compiles, it keeps to its schema, and its promises are kept.

use std::borrow::Cow;
use std::path::Path;

use inventory::definition::{Catalog, DefinitionSource, TypeDefinition, embedded_sources, permissions};
use jsonschema::Validator;
use serde_json::{Value, json};

fn compile() -> Catalog {
    Catalog::compile(&embedded_sources()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn as_json(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect("YAML that has a JSON form")
}

fn schema() -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas/driftmgr.definition.v1.json");
    let text = std::fs::read_to_string(&path).expect("the schema is published in docs/schemas");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("JSON")).expect("a JSON Schema")
}

#[test]
fn every_definition_keeps_to_the_published_schema() {
    let schema = schema();
    for source in embedded_sources() {
        let problems: Vec<String> = schema
            .iter_errors(&as_json(&source.text))
            .map(|error| format!("{}: {} at {}", source.name, error, error.instance_path()))
            .collect();
        assert_eq!(problems, Vec::<String>::new());
    }
}

/// The schema is written by hand, so it could forget a key, or allow one that the compiler refuses. An unknown key is
/// put into every mapping of some definitions that together use the whole format: both must judge alike.
#[test]
fn schema_and_compiler_agree_on_unknown_keys() {
    let schema = schema();
    let sources = embedded_sources();
    // Compiling only what the changed definition refers to keeps the test quick.
    let is_needed =
        |name: &str| name == "aws/cloud.yaml" || name.starts_with("aws/_mixins/") || name == "aws/security_group.yaml";
    let mut n_refused = 0;
    for name in
        ["aws/vpc.yaml", "aws/security_group_rule.yaml", "aws/s3_bucket.yaml", "aws/kms_key.yaml", "aws/cloud.yaml"]
    {
        let text = &sources.iter().find(|source| source.name == name).expect("an embedded definition").text;
        let original = as_json(text);
        let mut places = Vec::new();
        mappings(&original, &mut Vec::new(), &mut places);
        for place in places {
            // Recorded bodies are foreign text, in which anything may stand.
            if place.contains("/body/") || place.ends_with("/body") {
                continue;
            }
            let mut changed = original.clone();
            let mapping = if place.is_empty() { &mut changed } else { changed.pointer_mut(&place).expect("a place") };
            mapping.as_object_mut().expect("a mapping").insert("x_unknown".to_owned(), json!(false));
            let mut few: Vec<DefinitionSource> =
                sources.iter().filter(|source| source.name != name && is_needed(&source.name)).cloned().collect();
            few.push(DefinitionSource { name: name.to_owned(), text: Cow::Owned(changed.to_string()) });
            let is_compiled = Catalog::compile(&few).is_ok();
            assert_eq!(schema.is_valid(&changed), is_compiled, "an unknown key in {name} at {place:?}");
            n_refused += usize::from(!is_compiled);
        }
    }
    assert!(n_refused > 60, "only {n_refused} unknown keys were refused");
}

fn mappings(value: &Value, place: &mut Vec<String>, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            places.push(if place.is_empty() { String::new() } else { format!("/{}", place.join("/")) });
            for (key, field) in fields {
                place.push(key.replace('~', "~0").replace('/', "~1"));
                mappings(field, place, places);
                place.pop();
            }
        }
        Value::Array(elements) => {
            for (position, element) in elements.iter().enumerate() {
                place.push(position.to_string());
                mappings(element, place, places);
                place.pop();
            }
        }
        _ => {}
    }
}

#[test]
fn every_type_says_what_it_is_and_where_that_is_from() {
    let catalog = compile();
    for definition in catalog.types() {
        let TypeDefinition { name, sources, examples, terraform, .. } = &**definition;
        assert!(
            terraform.is_empty() || sources.contains_key("terraform"),
            "{name}: `source` lacks the page of the Terraform type"
        );
        assert!(!examples.is_empty(), "{name}: has no recorded example");
        for mapping in terraform {
            let paths: Vec<String> = definition.attributes.iter().map(|attribute| attribute.path.to_string()).collect();
            assert!(!paths.is_empty(), "{name}: maps no attributes for {}", mapping.resource_type);
        }
    }
}

#[test]
fn types_are_found_by_every_name_people_use() {
    let catalog = compile();
    let found = |word: &str| catalog.find(word).iter().map(|found| found.name.clone()).collect::<Vec<_>>();
    assert_eq!(found("aws.vpc"), ["aws.vpc"]);
    assert_eq!(found("vpc"), ["aws.vpc"]);
    assert_eq!(found("aws_default_vpc"), ["aws.vpc"]);
    assert_eq!(found("aws_vpc_security_group_egress_rule"), ["aws.security_group_rule"]);
    assert_eq!(found("aws_security_group_rule"), ["aws.security_group_rule"]);
    assert_eq!(found("vpcs"), Vec::<String>::new());
    let ordered: Vec<_> =
        catalog.with_ancestors(&["aws.lambda_permission", "aws.vpc"]).iter().map(|d| d.name.clone()).collect();
    assert_eq!(ordered, ["aws.lambda_function", "aws.lambda_permission", "aws.vpc"]);
}

#[test]
fn permissions_are_those_of_the_types_and_their_parents() {
    let catalog = compile();
    let versioning = catalog.get("aws.s3_bucket_versioning").expect("a type");
    let policy = permissions(&catalog, &[versioning]);
    let actions = policy["Statement"][0]["Action"].as_array().expect("actions");
    assert!(actions.contains(&json!("s3:ListAllMyBuckets")), "{policy}");
    assert!(actions.contains(&json!("s3:GetBucketVersioning")), "{policy}");
    assert!(actions.contains(&json!("sts:GetCallerIdentity")), "{policy}");
    assert!(!actions.contains(&json!("ec2:DescribeVpcs")), "{policy}");
    let all: Vec<_> = catalog.types().map(|definition| &**definition).collect();
    for action in permissions(&catalog, &all)["Statement"][0]["Action"].as_array().expect("actions") {
        let (_, verb) = action.as_str().and_then(|action| action.split_once(':')).expect("service:Action");
        assert!(["Describe", "Get", "List"].iter().any(|read| verb.starts_with(read)), "{action} is no reading action");
    }
}

#[test]
fn an_overlay_replaces_and_adds() {
    let overlay = |name: &str, text: &str| DefinitionSource { name: name.to_owned(), text: text.to_owned().into() };
    let queue = "schema: 1\nextends: sqs_queue\ntitle: Our queues\n";
    let catalog = Catalog::with_overlay(vec![overlay("aws/our_queue.yaml", queue)]).expect("compiles");
    assert_eq!(catalog.get("aws.our_queue").expect("added").title, "Our queues");
    assert_eq!(catalog.for_resource_type("aws_sqs_queue").len(), 2);
    let broken = Catalog::with_overlay(vec![
        overlay("aws/vpc.yaml", "schema: 1\nmixins: [ec2]\ntitel: VPC\nlist: {action: DeleteVpc, items: vpcSet}\n"),
        overlay("aws/Bad-Name.yaml", "schema: 1\n"),
        overlay("gcp/network.yaml", "schema: 2\n"),
    ])
    .expect_err("must be refused")
    .to_string();
    for expected in [
        "aws/Bad-Name.yaml: a definition is named",
        "aws/vpc.yaml:3:1: unknown key `titel` in a type definition (did you mean `title`?)",
        "aws/vpc.yaml:4:16: `DeleteVpc` is not an action that only reads",
        "aws/vpc.yaml:4:34: the pointer `vpcSet` must start with `/`",
        "gcp/cloud.yaml: the cloud has no cloud.yaml",
    ] {
        assert!(broken.contains(expected), "{expected:?} is not in:\n{broken}");
    }
}
