//! Findings and coverage come back as they went in.

use std::collections::BTreeMap;

use cty::{Path, Type, Value};
use model::{
    AttributeDifference, Cause, CauseKind, Coverage, Finding, FindingSeverity, Fingerprint, Identity, Impact, Kind,
    ListOutcome, ListStatus, Position, Precision, Remedy, ScopeCoverage, ScopeStatus, Serial, Span, StateRef, Tier,
};
use store::DriftRecord;

use crate::support::{at, open, outcome, queues};

fn state() -> StateRef {
    StateRef { url: "s3://bucket/key".into(), workspace: "default".into(), lineage: "4f1c".into(), serial: Serial(7) }
}

/// Makes a finding in which every field is set; `marked` is a value of an ordinary attribute, `of_sensitive` one of an
/// attribute that must not be shown.
pub(crate) fn finding(marked: Value, of_sensitive: Value) -> Finding {
    let address: model::InstanceAddress = r#"module.a["k"].aws_sqs_queue.jobs["x \"y\""]"#.parse().unwrap();
    let path = Path::new().attr("tags").index(Value::string("Name"));
    let position = |byte| Position { line: 3, column: byte + 1, byte };
    Finding {
        kind: Kind::Changed,
        fails: true,
        address: Some(address.clone()),
        deposed: Some("deadbeef".into()),
        resource_type: Some("aws_sqs_queue".into()),
        native_type: Some("aws.sqs.queue".into()),
        id: Some("https://sqs/jobs".into()),
        arn: Some("arn:aws:sqs:eu-central-1:111111111111:jobs".to_owned()),
        name: Some("jobs".to_owned()),
        tags: BTreeMap::from([("Name".to_owned(), "jobs".to_owned())]),
        reason: "The cloud differs.".to_owned(),
        severity: FindingSeverity::High,
        fingerprint: Fingerprint("f1".to_owned()),
        attributes: vec![
            AttributeDifference {
                kind: Kind::Collision,
                path: path.clone(),
                tier: Tier::Declared,
                source: Some(Span { file: "main.tf".into(), start: position(5), end: position(5) }),
                is_security_relevant: true,
                cause: Some("Somebody changed it.".to_owned()),
                propagated_from: Some(address.clone()),
                code: Some(Value::string("a")),
                state: Some(marked),
                cloud: Some(Value::null(Type::String)),
                planned: Some(Value::unknown(Type::list(Type::Bool))),
                is_sensitive: false,
            },
            AttributeDifference {
                state: Some(of_sensitive.clone()),
                cloud: Some(of_sensitive),
                is_sensitive: true,
                ..AttributeDifference::new(Kind::Changed, Path::new().attr("password"), Tier::Unclassified)
            },
        ],
        states: vec![state()],
        provider: Some("hashicorp/aws".parse().unwrap()),
        provider_version: Some("6.47.1".to_owned()),
        account: Some("111111111111".into()),
        region: Some("eu-central-1".into()),
        precision: Some(Precision::Inventory),
        identity: Some(Identity {
            version: 1,
            value: Value::object([("url".to_owned(), Value::string("https://sqs/jobs"))].into()),
        }),
        found_by: Some("ListResource".into()),
        observed_at: Some(at(3)),
        source: Some(Span { file: "main.tf".into(), start: position(4), end: position(9) }),
        ignored: Some("known".to_owned()),
        folded: Some("a child".to_owned()),
        impact: Some(Impact::Collides),
        cause: Some(Cause::new(CauseKind::Denied, "Not allowed.")),
        remedies: vec![
            Remedy::Import { to: address.clone(), id: "https://sqs/jobs".into() },
            Remedy::Forget { from: address.resource.clone() },
            Remedy::UpdateCode { address: address.clone(), path, value: Value::from(5_i64) },
            Remedy::Apply { address: address.clone() },
            Remedy::Refresh { address },
        ],
    }
}

#[test]
fn findings_and_coverage_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let full = finding(Value::from(1_i64), Value::string("secret"));
    let coverage = Coverage {
        n_instances: 10,
        n_checked: 8,
        n_undetermined: 2,
        n_state_only: 1,
        scopes: vec![outcome(&queues(), ScopeStatus::Partial, 3, 0)],
        configurations: vec![ScopeCoverage {
            provider: r#"provider["registry.terraform.io/hashicorp/aws"]"#.to_owned(),
            state: state(),
            n_instances: 10,
            n_checked: 8,
            precision: Precision::Provider,
            provider_version: Some("6.47.1".to_owned()),
            calls: BTreeMap::from([("ReadResource".to_owned(), 10)]),
            causes: BTreeMap::from([(Cause::new(CauseKind::NoDefinition, "Unknown."), 2)]),
        }],
        lists: vec![ListOutcome {
            provider: r#"provider["registry.terraform.io/hashicorp/aws"]"#.to_owned(),
            provider_version: Some("6.47.1".to_owned()),
            resource_type: "aws_sqs_queue".into(),
            status: ListStatus::Partial,
            n_objects: 7,
            n_recorded: 3,
            n_inventory: 2,
            calls: BTreeMap::from([("ListResource".to_owned(), 1)]),
            causes: vec![Cause::new(CauseKind::Throttled, "Slow down.")],
        }],
        plan: None,
    };
    let mut other = full.clone();
    other.kind = Kind::Unmanaged;
    let findings = [full.clone(), other.clone()];
    let record = DriftRecord { subject: "live/prod", at: at(9), findings: &findings, coverage: &coverage };
    store.save_findings(&record).unwrap();
    store.save_findings(&DriftRecord { subject: "live/dev", findings: &[], ..record }).unwrap();

    let summary = store.current().drift("live/prod").unwrap().unwrap();
    assert_eq!((summary.at, summary.n_findings, &summary.coverage), (at(9), 2, &coverage));
    // What must not be shown was not stored.
    let mut expected = full;
    for difference in &mut expected.attributes {
        if difference.is_sensitive {
            (difference.state, difference.cloud) = (None, None);
        }
    }
    let read = store.current().findings("live/prod", &[]).unwrap();
    assert_eq!(read[0], expected);
    assert_eq!(store.current().findings("live/prod", &[Kind::Unmanaged]).unwrap().len(), 1);
    assert_eq!(store.current().drift_subjects().unwrap(), ["live/dev", "live/prod"]);
    assert_eq!(store.current().drift("elsewhere").unwrap(), None);

    store.save_findings(&DriftRecord { subject: "live/prod", findings: &[other], ..record }).unwrap();
    assert_eq!(store.current().drift("live/prod").unwrap().unwrap().n_findings, 1, "the last comparison replaces");
}
