//! Small estates to fill stores with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cty::Value;
use jiff::Timestamp;
use model::{Cause, CauseKind, Completeness, ObjectKey, RemoteObject, Scope, ScopeOutcome, ScopeStatus, Standing};
use store::{Run, RunMeta, RunSummary, Store, WriterOptions};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open_writer(path, WriterOptions { wait: Duration::ZERO }).unwrap()
}

pub(crate) fn scope(account: &str, region: &str, native_type: &str) -> Scope {
    Scope {
        cloud: "aws".into(),
        account: account.into(),
        region: (!region.is_empty()).then(|| region.into()),
        native_type: native_type.into(),
    }
}

pub(crate) fn queues() -> Scope {
    scope("111111111111", "eu-central-1", "aws.sqs.queue")
}

pub(crate) fn object(scope: &Scope, key: &str, size: i64) -> RemoteObject {
    RemoteObject {
        scope: scope.clone(),
        key: ObjectKey(Arc::from(key)),
        resource_type: Some(scope.native_type.as_str().replace("aws.sqs.queue", "aws_sqs_queue").into()),
        import_id: Some(format!("https://sqs/{key}").into()),
        identity: None,
        arn: Some(format!("arn:aws:sqs:{}:{}:{key}", scope.region.as_ref().map_or("", |r| r.as_str()), scope.account)),
        name: Some(key.to_owned()),
        tags: Some(BTreeMap::from([("Name".to_owned(), key.to_owned()), ("team".to_owned(), "a".to_owned())])),
        attributes: BTreeMap::from([
            ("name".to_owned(), Value::string(key)),
            ("visibility_timeout_seconds".to_owned(), Value::from(size)),
        ]),
        volatile: Vec::new(),
        parent: None,
        standing: Standing::Ordinary,
        completeness: Completeness::Full,
        source: Arc::from("sqs:ListQueues"),
        fetched_at: at(0),
        cause: None,
    }
}

pub(crate) fn outcome(scope: &Scope, status: ScopeStatus, n_objects: u64, second: i64) -> ScopeOutcome {
    let causes = match status {
        ScopeStatus::Complete => Vec::new(),
        _ => vec![Cause::new(CauseKind::Denied, "The role may not list queues.")],
    };
    ScopeOutcome {
        scope: scope.clone(),
        status,
        causes,
        n_objects,
        calls: BTreeMap::from([("sqs:ListQueues".to_owned(), 2)]),
        started: at(second),
        finished: at(second + 1),
    }
}

pub(crate) fn meta(second: i64) -> RunMeta {
    RunMeta {
        started: at(second),
        tool_version: "0.1.0".to_owned(),
        types: BTreeMap::from([
            ("aws.sqs.queue".into(), BTreeSet::from(["aws_sqs_queue".into()])),
            ("aws.iam.role".into(), BTreeSet::from(["aws_iam_role".into()])),
        ]),
    }
}

pub(crate) fn close(run: &mut Run<'_>, scope: &Scope, objects: &[RemoteObject], status: ScopeStatus, second: i64) {
    run.upsert_scope_batch(objects).unwrap();
    run.close_scope(&outcome(scope, status, objects.len() as u64, second)).unwrap();
}

/// Makes a run of one scope.
pub(crate) fn scan(store: &mut Store, second: i64, status: ScopeStatus, objects: &[RemoteObject]) -> RunSummary {
    let mut run = store.begin_run(&meta(second)).unwrap();
    close(&mut run, &queues(), objects, status, second);
    run.finish(at(second + 2)).unwrap()
}
