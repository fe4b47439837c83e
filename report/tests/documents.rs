//! The other documents follow their published schemas, and a mapping file comes back as it was written.

#[path = "support/schema.rs"]
mod schema;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use drift::adopt::search::Flaw;
use drift::adopt::{
    Adoption, AdoptionKey, AdoptionStatus, AdoptionStep, Certificate, Choice, Choices, NamePattern, plan,
};
use model::InstanceAddress;
use model::draft::{DraftImportSource, DraftVariable};
use report::Values;
use report::v1::adopt::{AdoptEffort, AdoptItem, AdoptReport};
use report::v1::{self, Document};
use serde_json::{Value, json};
use support::World;

fn check<D: Document>(document: &D) -> Value {
    let mut out = Vec::new();
    v1::write(document, false, &mut out).expect("a vector takes everything");
    let written: Value = serde_json::from_slice(&out).expect("documents are JSON");
    assert_eq!(written["schema"], D::SCHEMA);
    let name = D::SCHEMA.replace('/', ".");
    let schema = schema::published(&format!("{name}.json"));
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

fn flaw(path: cty::Path, why: &str) -> Flaw {
    Flaw { path, why: why.to_owned(), replaces: false }
}

/// How each object of the world ended: clean but for something, with an import block alone, and left out.
fn statuses(adoptions: &[Adoption<'_>]) -> Vec<AdoptionStatus> {
    let status = |adoption: &Adoption<'_>| match &adoption.step {
        AdoptionStep::Import { .. } => AdoptionStatus::CleanBut(vec![
            flaw(cty::Path::new().attr("tags").index("k"), "The provider plans null."),
            flaw(cty::Path::new(), &format!("A provider quoted {PLANTED}.")),
        ]),
        AdoptionStep::Skip { reason, .. } if reason.contains("default VPC") => {
            AdoptionStatus::ImportOnly(format!("Its provider said {PLANTED}."))
        }
        AdoptionStep::Skip { reason, .. } => AdoptionStatus::Skipped(reason.clone()),
    };
    adoptions.iter().map(status).collect()
}

/// What only a credential looks like, planted where somebody else's words are quoted.
const PLANTED: &str = "AKIAIOSFODNN7EXAMPLE";

#[test]
fn adopt() {
    let world = world();
    let verdict = world.judge();
    let recorded: BTreeSet<_> = world.recorded.iter().map(|instance| &instance.address).collect();
    let (adoptions, diagnostics) = plan(&verdict.findings, &recorded, &Choices::new(), &NamePattern::default());
    let statuses = statuses(&adoptions);
    let to: InstanceAddress = "aws_vpc.blue_x".parse().expect("an address");
    let source = DraftImportSource::Id("vpc-1".into());
    let items: Vec<AdoptItem<'_>> = adoptions
        .iter()
        .zip(&statuses)
        .map(|(adoption, status)| {
            let is_imported = matches!(adoption.step, AdoptionStep::Import { .. });
            AdoptItem {
                finding: adoption.finding,
                to: is_imported.then_some(&to),
                status,
                source: is_imported.then_some(&source),
                n_probes: is_imported.then_some(7),
            }
        })
        .collect();
    let variable = DraftVariable {
        name: "blue_x_password".to_owned(),
        description: "The password of aws_db_instance.x.".to_owned(),
        ty: cty::Type::String,
        is_sensitive: true,
    };
    let certificate = Certificate {
        program: "terraform 1.11.4".to_owned(),
        failure: None,
        changes: vec![(to.to_string(), vec!["enable_dns_support".to_owned()])],
        elsewhere: vec![("aws_vpc.main".to_owned(), vec!["tags".to_owned()])],
        problems: vec![("aws_vpc.other".to_owned(), format!("It said {PLANTED}."))],
    };
    let files = ["generated_vpc.tf", "imports.tf", "mapping.json"].map(str::to_owned);
    let mut report = AdoptReport {
        as_of: verdict.as_of,
        is_complete: verdict.is_complete,
        out_dir: Some("out"),
        files: &files,
        items: &items,
        variables: &[&variable],
        effort: AdoptEffort { n_searched: 1, probes_median: 7, probes_max: 7, n_left: 2, ..AdoptEffort::default() },
        certificates: &[],
        diagnostics: &diagnostics,
    };
    let written = check(&v1::adopt::Document(&report));
    assert_eq!(written["summary"], json!({"clean": 0, "changes": 1, "skipped": 2, "unverified": 1}));
    let item = written["items"].as_array().expect("a list").iter().find(|item| item["id"] == "vpc-1").expect("it");
    assert_eq!(
        (&item["status"], &item["changes"], &item["probes"]),
        (&json!("changes"), &json!(["tags[\"k\"]"]), &json!(7))
    );
    assert_eq!(item["import"], json!({"id": "vpc-1"}));
    assert_eq!(written["variables"][0]["environment"], "TF_VAR_blue_x_password");

    let certificates = [certificate];
    report.certificates = &certificates;
    let written = check(&v1::adopt::Document(&report));
    assert_eq!(written["certificates"][0]["clean"], false);
    assert!(written["items"].to_string().contains("enable_dns_support"), "{written:#}");
    let mut text = Vec::new();
    let next = ["terraform -chdir=out plan".to_owned()];
    report::format::adopt::write(&report, &next, &report::Style::plain(), &mut text)
        .expect("a vector takes everything");
    let text = String::from_utf8(text).expect("text");
    insta::assert_snapshot!(text, @r#"
    2 of 4 unmanaged objects are adopted.
    
    STATUS      OBJECTS
    changes     1        written, with what is named below
    unverified  1        an import block without configuration
    skipped     2        left out, for the reasons below
    
    Not clean:
      aws_vpc.blue_x (vpc-1)
        tags["k"]: The provider plans null.
        (hidden: it quotes what looks like a credential)
        The plan says: enable_dns_support.
    
    Import blocks alone:
      1 object: (hidden: it quotes what looks like a credential)
        aws_vpc vpc-2
    
    Left out:
      1 object: CloudFormation manages it: its tags say so.
        aws_iam_role r
      1 object: No Terraform type is known for it.
        aws.x.unmapped u
    
    1 configuration searched for; probes for one: 7 in the middle, 7 at most.
    
    2 objects left for another run.
    
    Values that are not written; the plans here had the real ones. Set them for yours:
      TF_VAR_blue_x_password  (sensitive) The password of aws_db_instance.x.
    
    terraform 1.11.4 does not plan the files clean:
      aws_vpc.blue_x: enable_dns_support
      aws_vpc.other: (hidden: it quotes what looks like a credential)
      It would change, apart from the new files: aws_vpc.main.
    
    Written in out:
      generated_vpc.tf
      imports.tf
      mapping.json
    
    Next:
      terraform -chdir=out plan
    "#);
    assert!(!text.contains(PLANTED) && !written.to_string().contains(PLANTED), "a credential is quoted: {text}");
}

#[test]
fn mapping_files_name_modules_to_be_called() {
    let entry = |id: &str, address: &str, source: &str| json!({"type": "aws_vpc", "id": id, "address": address, "module_source": source});
    let read = |entries: &[Value]| {
        v1::mapping::read("m.json", &json!({"schema": "driftmgr.mapping/v1", "objects": entries}).to_string())
    };
    let a = entry("a", "module.m[\"a\"].aws_vpc.x", "./m");
    let (entries, problems) = read(&[a.clone(), entry("b", "module.m[\"b\"].aws_vpc.x", "./m")]);
    assert_eq!(problems, []);
    let sources = v1::mapping::module_sources(&entries, &|_| None);
    assert_eq!(sources, BTreeMap::from([("m".to_owned(), "./m".to_owned())]));
    for (wrong, says) in [
        (entry("b", "module.m[\"b\"].aws_vpc.x", "./n"), "has the source"),
        (entry("b", "aws_vpc.x", "./m"), "which is in no module"),
    ] {
        let (_, problems) = read(&[a.clone(), wrong]);
        assert!(problems.len() == 1 && problems[0].detail.contains(says), "{problems:?}");
    }
}

#[test]
fn mapping_files_come_back() {
    let world = world();
    let verdict = world.judge();
    let recorded: BTreeSet<_> = world.recorded.iter().map(|instance| &instance.address).collect();
    let (adoptions, _) = plan(&verdict.findings, &recorded, &Choices::new(), &NamePattern::default());
    let module_sources = BTreeMap::from([("m".to_owned(), "./m".to_owned())]);
    let mapping = v1::mapping::Document { root: Some("live"), adoptions: &adoptions, module_sources: &module_sources };
    let written = check(&mapping);
    let (entries, diagnostics) = v1::mapping::read("m.json", &written.to_string());
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
    let choices = v1::mapping::choices(&entries, &|_| None);
    assert_eq!(choices, expect);
    let (again, diagnostics) = plan(&verdict.findings, &recorded, &choices, &NamePattern::default());
    assert_eq!(diagnostics, []);
    assert_eq!(again, adoptions, "a mapping file that was not edited changes nothing");

    let elsewhere = v1::mapping::choices(&entries, &|root| Some(format!("It belongs to {root}.")));
    assert_eq!(elsewhere[&key("aws_vpc", "vpc-1", Some("eu-west-1"))], Choice::Skip("It belongs to live.".to_owned()));
    assert_eq!(
        elsewhere[&key("aws_vpc", "vpc-2", Some("eu-west-1"))],
        Choice::Skip("It is the default VPC.".to_owned())
    );
}

#[test]
fn mapping_files_say_what_is_wrong() {
    let problems = |text: &str| {
        let (_, diagnostics) = v1::mapping::read("m.json", text);
        diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let with = |objects: &str| format!("{{\"schema\": \"driftmgr.mapping/v1\", \"objects\": [\n{objects}\n]}}");
    insta::assert_snapshot!(problems("{"), @"m.json:1:1: The mapping file cannot be read: EOF while parsing an object at line 1 column 1.");
    insta::assert_snapshot!(problems(r#"{"schema":"driftmgr.mapping/v2","objects":[]}"#), @r#"Not a mapping file: m.json has the schema "driftmgr.mapping/v2"; this driftmgr reads driftmgr.mapping/v1."#);
    insta::assert_snapshot!(problems(&with("{\"type\": \"aws_vpc\",\n  \"id\": \"a\", \"adress\": \"x\"}")), @"m.json:3:21: An entry cannot be read: unknown field `adress`, expected one of `type`, `id`, `name`, `account`, `region`, `root`, `address`, `module_source`, `skip`, `reason`.");
    // Every mistake is told at once, each with its line.
    insta::assert_snapshot!(problems(&with(&[
        r#"{"type": "aws_vpc", "id": "no-address"},"#,
        r#"{"type": "aws_vpc", "id": "half", "address": "aws_vpc"},"#,
        r#"{"type": "aws_vpc", "id": "other", "address": "aws_subnet.x"},"#,
        r#"{"type": "aws_vpc", "id": "data", "address": "data.aws_vpc.x"},"#,
        r#"{"type": "aws vpc", "id": "type", "address": "aws_vpc.x"},"#,
        r#"{"type": "aws_vpc", "id": "", "skip": true},"#,
        r#"{"type": "aws_vpc", "id": 7, "skip": true},"#,
        r#"{"type": "aws_vpc", "id": "skip", "skip": "yes"},"#,
        "[],",
        r#"{"type": "aws_vpc", "id": "one", "address": "aws_vpc.one"},"#,
        r#"  {"type": "aws_vpc", "id": "one", "skip": true},"#,
        r#"{"type": "aws_vpc", "id": "two", "address": "aws_vpc.one"},"#,
        r#"{"type": "aws_vpc", "id": "two", "address": "aws_vpc.one", "root": "other"}"#,
    ].join("\n"))), @r#"
    m.json:2:1: An object has no address: no-address must have an `address`, or `skip`.
    m.json:3:1: Not an address: The entry of half has an invalid address "aws_vpc": a dot and the resource's name must follow its type (at byte 7).
    m.json:4:1: An object is sent to an address of another type: other is of type aws_vpc, and is sent to aws_subnet.x.
    m.json:5:1: Not the address of a managed resource: data is sent to data.aws_vpc.x: a data source cannot be imported.
    m.json:6:1: Not a resource type: "aws vpc" is none: write one such as aws_vpc.
    m.json:7:1: An object has no id: An entry of type aws_vpc has an empty `id`.
    m.json:8:27: An entry cannot be read: invalid type: integer `7`, expected a string.
    m.json:9:47: An entry cannot be read: invalid type: string "yes", expected a boolean.
    m.json:10:1: An entry is no object: An entry has a type, an id and an address, in braces.
    m.json:12:3: An object is named twice: aws_vpc one has an entry at line 11 already.
    m.json:13:1: An address is taken: two is sent to aws_vpc.one, and so is the object at line 11. Give each of them an address of its own.
    "#);
    let many = vec![r#"{"type": "t", "id": "a"}"#; 60].join(",\n");
    assert_eq!(problems(&with(&many)).lines().count(), 51, "they are not told without end");
    for text in ["", "null", "[]", "\u{0}", "{\"schema\": 1}", &"[".repeat(100_000)] {
        assert!(!problems(text).is_empty(), "{text:.40}");
    }
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
fn a_check() {
    use drift::change::{RootChange, Touch, TouchKind};
    use report::{CheckReport, CheckedRootReport, DriftReport, RevisionRef};
    let world = world();
    let mut verdict = world.judge();
    let start = model::Position { byte: 0, line: 3, column: 1 };
    let touch = |address: &str, how| Touch {
        address: address.parse().expect("an address"),
        how,
        paths: vec![cty::Path::new().attr("tags").index("k")],
        source: Some(model::Span { file: "main.tf".into(), start, end: start }),
        unsure: Some("its provider is not installed".to_owned()),
    };
    let from = "aws_vpc.old".parse().expect("an address");
    let touches = vec![touch("aws_vpc.main", TouchKind::Updates), touch("aws_vpc.b", TouchKind::Moves { from })];
    let causes = vec![model::Cause::new(model::CauseKind::NoProvider, "It is not installed.")];
    let change = RootChange { touches, causes };
    let summary =
        drift::change::judge(&mut verdict, &change, &drift::JudgeOptions::for_question(drift::Question::Drift));
    let report = DriftReport {
        verdict: &verdict,
        states: &world.states,
        root: Some("live"),
        directory: Some("live"),
        ignore: &world.ignore,
    };
    let root = |name, change, report| CheckedRootReport {
        name,
        directory: name,
        workspace: Some("blue"),
        owners: &[],
        why: Some("live/main.tf"),
        change,
        n_aside: summary.n_aside,
        report,
    };
    let roots = [root("live", Some(&change), Ok(report)), root("other", None, Err("Its state is gone.".to_owned()))];
    let check_report = CheckReport {
        base: Some(RevisionRef { name: "main", commit: "0123456789" }),
        head: None,
        roots: &roots,
        n_roots: 5,
        n_unchanged: 3,
        n_other_shards: 0,
        shards: &[],
        diagnostics: &[model::Diagnostic::warning("x", "A summary", "A detail.")],
        at: world.scopes[0].finished,
    };
    let written = check(&v1::check::Document { report: &check_report, values: Values::Safe });
    assert_eq!(written["roots"][0]["change"]["touches"][1]["from"], "aws_vpc.old");
    assert_eq!((&written["summary"]["failed"], &written["complete"]), (&json!(1), &json!(false)));
    assert_eq!(written["roots"][0]["report"]["findings"][0]["impact"], "touches");
}

#[test]
fn every_schema_of_ours_is_checked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    for name in ["drift", "check", "query", "scan", "adopt", "mapping", "types"] {
        assert!(folder.join(format!("driftmgr.{name}.v1.json")).exists(), "{name}");
    }
}

#[test]
fn explain() {
    use model::{TraceKind, TraceStep, UnknownPart};
    use report::v1::explain::{ExplainItem, ExplainReport};
    let mut step = TraceStep::new(TraceKind::Argument);
    step.name = Some("evil\u{1b}[31m".to_owned());
    step.source = Some("\"AKIAIOSFODNN7EXAMPLE\"".to_owned());
    step.value = Some(cty::Value::string("AKIAIOSFODNN7EXAMPLE"));
    step.note = Some("key AKIAIOSFODNN7EXAMPLE".to_owned());
    let mut inner = TraceStep::new(TraceKind::Local);
    inner.name = Some("local.secret".to_owned());
    inner.value = Some(cty::Value::string("hidden-value").mark_sensitive());
    let mut open = TraceStep::new(TraceKind::Resource);
    open.value = Some(cty::Value::dynamic());
    let reason = "it is not known".to_owned();
    open.unknown = vec![UnknownPart { path: cty::Path::new().attr("a"), span: None, reason }];
    step.inner = vec![inner, open];
    let values = [step];
    let items = [ExplainItem { address: "a_b.c", span: None, values: &values }];
    let warning = model::Diagnostic::warning("invalid-variable", "Title", "Detail.");
    let path = cty::Path::new().attr("evil");
    let report = ExplainReport {
        address: "a_b.c",
        path: Some(&path),
        root: None,
        provider: None,
        instances: &[],
        items: &items,
        is_complete: false,
        diagnostics: &[warning],
    };
    let document = check(&v1::explain::Document { report: &report, values: Values::Safe });
    let of = |position: usize| document["explained"][0]["values"][0]["steps"][position]["status"].clone();
    assert_eq!(document["explained"][0]["values"][0]["status"], "sensitive");
    assert_eq!((of(0), of(1)), (json!("sensitive"), json!("unknown")));
    let mut text = Vec::new();
    report::format::explain::write(&report, &report::Style::plain(), &mut text).expect("a vector takes everything");
    let text = String::from_utf8(text).expect("it is text");
    for written in [text.clone(), document.to_string()] {
        assert!(!written.contains("AKIA") && !written.contains("hidden-value"), "{written}");
    }
    assert!(
        !text.contains('\u{1b}') && text.contains("because") || text.contains("a is not known: it is not known"),
        "{text}"
    );
}
