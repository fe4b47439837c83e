//! The other documents follow their published schemas, and a mapping file comes back as it was written.

#[path = "support/schema.rs"]
mod schema;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use drift::adopt::{AdoptionKey, Choice, Choices, NamePattern, plan};
use report::Values;
use report::v1::{self, Document};
use serde_json::{Value, json};
use support::World;

fn check<D: Document>(document: &D) -> Value {
    let mut out = Vec::new();
    v1::write(document, false, &mut out).expect("a vector takes everything");
    let written: Value = serde_json::from_slice(&out).expect("documents are JSON");
    assert_eq!(written["schema"], D::SCHEMA);
    let name = D::SCHEMA.replace('/', ".");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("the schema is published"))
        .expect("schemas are JSON");
    assert_eq!(schema::problems(&schema, &written), Vec::<String>::new(), "{name}");
    written
}

fn world() -> World {
    World::from_json(json!({
        "states": ["a.tfstate"],
        "recorded": [{"address": "aws_vpc.main", "id": "vpc-0"}],
        "objects": [
            {"native_type": "aws.ec2.vpc", "type": "aws_vpc", "id": "vpc-1", "name": "Blue \"${x}\"", "tags": {"t": "v"},
             "attributes": {"cidr": "10.0.0.0/16", "n": 1.5, "list": [true, null], "secret": "x"}, "sensitive": ["secret"],
             "cause": {"kind": "denied", "detail": "ec2:DescribeVpcAttribute is denied."}},
            {"native_type": "aws.ec2.vpc", "type": "aws_vpc", "id": "vpc-2", "default": "It is the default VPC."},
            {"native_type": "aws.iam.role", "type": "aws_iam_role", "id": "r", "region": null, "managed_by": "CloudFormation"},
            {"native_type": "aws.x.unmapped", "id": "u"}
        ],
        "scopes": [
            {"native_type": "aws.ec2.vpc", "objects": 2},
            {"native_type": "aws.iam.role", "region": null, "status": "failed", "causes": [{"kind": "denied", "detail": "iam:ListRoles is denied."}]}
        ]
    }))
}

#[test]
fn query() {
    let world = world();
    let answer = v1::query::Answer {
        as_of: Some(world.scopes[0].finished),
        is_complete: false,
        n_matching: Some(4),
        incomplete_scopes: &world.scopes[1..],
        values: Values::Safe,
    };
    let written = check(&v1::query::Document::new(answer, &mut world.objects.iter().cloned()));
    assert_eq!(written["resources"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        written["resources"][0]["attributes"],
        json!({"cidr": "10.0.0.0/16", "n": 1.5, "list": [true, null], "secret": null})
    );
    let answer = v1::query::Answer { values: Values::None, ..answer };
    let written = check(&v1::query::Document::new(answer, &mut world.objects.iter().cloned()));
    assert_eq!(written["resources"][0]["attributes"]["cidr"], Value::Null);
    assert_eq!(written["resources"][0]["tags"], json!({"t": null}));
}

#[test]
fn scan() {
    let world = world();
    let report = v1::scan::ScanReport {
        started: world.scopes[0].started,
        finished: world.scopes[0].finished,
        callers: &[drift::Caller { cloud: "aws".into(), profile: Some("p".into()), account: "111111111111".into() }],
        scopes: &world.scopes,
        diagnostics: &[model::Diagnostic::warning("x", "A summary", "A detail.").with_help("Help.")],
    };
    assert_eq!(check(&v1::scan::Document(&report))["complete"], json!(false));
}

#[test]
fn adopt_and_mapping() {
    let world = world();
    let verdict = world.judge();
    let recorded: BTreeSet<_> = world.recorded.iter().map(|instance| &instance.address).collect();
    let (adoptions, diagnostics) = plan(&verdict.findings, &recorded, &Choices::new(), &NamePattern::default());
    let imported = "aws_vpc.blue_x".parse().expect("an address");
    let verified = BTreeMap::from([(imported, v1::adopt::Verification::Changes(vec!["tags".to_owned()]))]);
    let report = v1::adopt::AdoptReport {
        as_of: verdict.as_of,
        is_complete: verdict.is_complete,
        out_dir: Some("out"),
        files: &["imports.tf".to_owned()],
        adoptions: &adoptions,
        verified: &verified,
        diagnostics: &diagnostics,
    };
    let written = check(&v1::adopt::Document(&report));
    assert_eq!(written["summary"], json!({"clean": 0, "changes": 1, "skipped": 3, "unverified": 0}));

    let mapping = v1::mapping::Document { root: Some("live"), adoptions: &adoptions };
    let written = check(&mapping);
    let (choices, diagnostics) = v1::mapping::read("m.json", &written.to_string());
    assert_eq!(diagnostics, []);
    let key = |resource_type: &str, id: &str, region: Option<&str>| AdoptionKey {
        resource_type: resource_type.into(),
        id: id.into(),
        account: Some("111111111111".into()),
        region: region.map(Into::into),
    };
    let expect = Choices::from([
        (key("aws_vpc", "vpc-1", Some("eu-west-1")), Choice::Import("aws_vpc.blue_x".parse().expect("an address"))),
        (key("aws_vpc", "vpc-2", Some("eu-west-1")), Choice::Skip("It is the default VPC.".to_owned())),
        (key("aws_iam_role", "r", None), Choice::Skip("CloudFormation manages it: its tags say so.".to_owned())),
    ]);
    assert_eq!(choices, expect);
    let (again, diagnostics) = plan(&verdict.findings, &recorded, &choices, &NamePattern::default());
    assert_eq!(diagnostics, []);
    assert_eq!(again, adoptions, "a mapping file that was not edited changes nothing");
}

#[test]
fn mapping_files_say_what_is_wrong() {
    let problems = |text: &str| {
        let (_, diagnostics) = v1::mapping::read("m.json", text);
        diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let with = |objects: &str| format!(r#"{{"schema":"driftmgr.mapping/v1","objects":[{objects}]}}"#);
    insta::assert_snapshot!(problems("{"), @"m.json:1:1: The mapping file cannot be read: EOF while parsing an object at line 1 column 1.");
    insta::assert_snapshot!(problems(r#"{"schema":"driftmgr.mapping/v2","objects":[]}"#), @r#"Not a mapping file: m.json has the schema "driftmgr.mapping/v2"; this driftmgr reads driftmgr.mapping/v1."#);
    insta::assert_snapshot!(problems(&with(r#"{"type":"aws_vpc","id":"a","adress":"x"}"#)), @"m.json:1:78: The mapping file cannot be read: unknown field `adress`, expected one of `type`, `id`, `name`, `account`, `region`, `root`, `address`, `skip`, `reason` at line 1 column 78.");
    insta::assert_snapshot!(problems(&with(r#"{"type":"aws_vpc","id":"a"}"#)), @"An object has no address: a must have an `address`, or `skip`.");
    insta::assert_snapshot!(problems(&with(r#"{"type":"aws_vpc","id":"a","address":"aws_vpc"}"#)), @r#"Not an address: The entry of a has an invalid address "aws_vpc": a dot and the resource's name must follow its type (at byte 7)."#);
    insta::assert_snapshot!(problems(&with(r#"{"type":"t","id":"a","skip":true},{"type":"t","id":"a","skip":true}"#)), @"An object is named twice: t a has several entries in m.json.");
}

#[test]
fn types() {
    let row = v1::types::TypeRow {
        cloud: "aws".to_owned(),
        native_type: "aws.ec2.vpc".to_owned(),
        types: vec!["aws_vpc".to_owned(), "aws_default_vpc".to_owned()],
        import_id: Some("{id}".to_owned()),
        proven: true,
        source: Some("catalog".to_owned()),
        regional: true,
        parent: None,
        attributes: vec!["cidr_block".to_owned()],
        permissions: vec!["ec2:DescribeVpcs".to_owned()],
    };
    check(&v1::types::Document(&[row]));
}

#[test]
fn every_schema_of_ours_is_checked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    for name in ["drift", "query", "scan", "adopt", "mapping", "types"] {
        assert!(folder.join(format!("driftmgr.{name}.v1.json")).exists(), "{name}");
    }
}
