//! Objects come, change, go and come back; scopes are seen completely or not.

use std::os::unix::fs::PermissionsExt;

use model::{Identity, ScopeStatus, Standing};
use store::{ErrorKind, Query, Retention, StoreSnapshot};

use crate::support::{at, close, meta, object, open, outcome, queues, scan, scope};

fn keys(snapshot: &StoreSnapshot) -> Vec<String> {
    let page = snapshot.query(&Query::default()).unwrap();
    page.objects.iter().map(|stored| stored.object.key.to_string()).collect()
}

#[test]
fn an_object_comes_back_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let mut full = object(&queues(), "jobs ÄÖ \"quoted\" \u{1F600}", 30);
    full.identity =
        Some(Identity { version: 3, value: cty::Value::object([("url".to_owned(), cty::Value::string("x"))].into()) });
    full.standing = Standing::ManagedElsewhere { by: "CloudFormation".to_owned(), evidence: "tag x".to_owned() };
    full.volatile = vec!["arn".to_owned()];
    full.parent = Some(("aws.ec2.vpc".into(), model::ObjectKey("vpc-1".into())));
    full.cause = Some(model::Cause::new(model::CauseKind::Throttled, "Too fast."));
    full.tags = Some([("quo\"te\n".to_owned(), "back\\slash ${x}".to_owned())].into());
    full.attributes.insert("nothing".to_owned(), cty::Value::null(cty::Type::Dynamic));
    full.attributes.insert("later".to_owned(), cty::Value::unknown(cty::Type::String));
    let mut bare = object(&queues(), "bare", 30);
    (bare.resource_type, bare.import_id, bare.arn, bare.name, bare.tags) = (None, None, None, None, None);
    scan(&mut store, 0, ScopeStatus::Complete, &[full.clone(), bare.clone()]);
    let page = store.current().query(&Query::default()).unwrap();
    let objects: Vec<_> = page.objects.into_iter().map(|stored| stored.object).collect();
    assert_eq!(objects, [bare, full]);
    let tagged = Query {
        tags: vec![store::TagFilter { key: "quo\"te\n".to_owned(), value: Some("back\\slash ${x}".to_owned()) }],
        ..Query::default()
    };
    assert_eq!(store.current().query(&tagged).unwrap().total, 1);
}

#[test]
fn only_a_complete_scope_makes_objects_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let (a, b) = (object(&queues(), "a", 30), object(&queues(), "b", 30));
    let first = scan(&mut store, 0, ScopeStatus::Complete, &[a.clone(), b.clone()]);
    assert_eq!((first.n_new, first.n_changed, first.n_gone), (2, 0, 0));

    scan(&mut store, 100, ScopeStatus::Partial, std::slice::from_ref(&a));
    assert_eq!(keys(store.current()), ["a", "b"]);
    scan(&mut store, 200, ScopeStatus::Failed, &[]);
    assert_eq!(keys(store.current()), ["a", "b"]);
    let record = store.current().scope(&queues()).unwrap().unwrap();
    assert_eq!((record.as_of, record.last.status), (Some(at(0)), ScopeStatus::Failed));
    assert_eq!(record.last, outcome(&queues(), ScopeStatus::Failed, 0, 200));

    let last = scan(&mut store, 300, ScopeStatus::Complete, std::slice::from_ref(&a));
    assert_eq!((last.n_new, last.n_changed, last.n_gone), (0, 0, 1));
    assert_eq!(keys(store.current()), ["a"]);
    let with_gone = store.current().query(&Query { include_gone: true, ..Query::default() }).unwrap();
    assert_eq!(with_gone.objects[1].gone_at, Some(at(301)));

    let again = scan(&mut store, 400, ScopeStatus::Complete, &[a, b]);
    assert_eq!((again.n_new, again.n_gone), (1, 0));
    assert_eq!(keys(store.current()), ["a", "b"]);
}

#[test]
fn a_scope_does_not_touch_its_neighbors() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let other = scope("222222222222", "eu-central-1", "aws.sqs.queue");
    let mut run = store.begin_run(&meta(0)).unwrap();
    // One batch may hold objects of both.
    run.upsert_scope_batch(&[object(&queues(), "a", 1), object(&other, "a", 1)]).unwrap();
    run.close_scope(&outcome(&queues(), ScopeStatus::Complete, 1, 0)).unwrap();
    run.close_scope(&outcome(&other, ScopeStatus::Complete, 1, 0)).unwrap();
    run.finish(at(2)).unwrap();
    let summary = scan(&mut store, 10, ScopeStatus::Complete, &[]);
    assert_eq!(summary.n_gone, 1);
    assert_eq!(keys(store.current()), ["a"]);
}

#[test]
fn an_outcome_that_claims_more_than_came_in_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    scan(&mut store, 0, ScopeStatus::Complete, &[object(&queues(), "a", 1)]);
    let mut run = store.begin_run(&meta(1)).unwrap();
    let error = run.close_scope(&outcome(&queues(), ScopeStatus::Complete, 1, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    drop(run);
    assert_eq!(keys(store.current()), ["a"]);
}

#[test]
fn unchanged_objects_are_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = open(&path);
    for run in 0..5 {
        let summary = scan(&mut store, run * 10, ScopeStatus::Complete, &[object(&queues(), "a", 30)]);
        assert_eq!(summary.n_changed, 0);
    }
    let summary = scan(&mut store, 60, ScopeStatus::Complete, &[object(&queues(), "a", 31)]);
    assert_eq!((summary.n_changed, summary.n_new), (1, 0));
    drop(store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |table: &str| -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("body"), count("version"), count("object"), count("run")), (2, 2, 1, 6));
    let closed: (i64, i64) = connection
        .query_row("SELECT from_run, to_run FROM version WHERE to_run IS NOT NULL", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(closed, (1, 6));
}

#[test]
fn a_snapshot_is_one_private_file_that_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/store.db");
    let published = folder.path().join("a ?#%.db");
    let mut store = open(&path);
    scan(&mut store, 0, ScopeStatus::Complete, &[object(&queues(), "a", 30)]);
    store.publish_snapshot(&published, at(5)).unwrap();
    let before = StoreSnapshot::open(&published).unwrap();
    scan(&mut store, 10, ScopeStatus::Complete, &[object(&queues(), "b", 30)]);
    assert_eq!(keys(&StoreSnapshot::open(&published).unwrap()), ["a"]);
    store.publish_snapshot(&published, at(15)).unwrap();
    assert_eq!(keys(&before), ["a"]);
    let after = StoreSnapshot::open(&published).unwrap();
    assert_eq!(keys(&after), ["b"]);
    let info = after.info().unwrap();
    assert_eq!((info.published_at, info.n_objects, info.n_gone), (Some(at(15)), 1, 1));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&published), 0o600);
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.key", "store.db.lock"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing temporary is left: {names:?}");
}

#[test]
fn pruning_keeps_what_is_there_and_what_is_young() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let day = 24 * 3600;
    for run in 0..10 {
        // "a" changes in every run, "b" is gone from the second run on.
        let mut objects = vec![object(&queues(), "a", run)];
        if run == 0 {
            objects.push(object(&queues(), "b", 30));
        }
        scan(&mut store, run * 10 * day, ScopeStatus::Complete, &objects);
    }
    let now = at(95 * day);
    let kept = store.prune(Retention::DEFAULT, now).unwrap();
    assert_eq!((kept.n_objects, kept.n_versions), (0, 0), "ten runs are fewer than thirty");
    let pruned = store.prune(Retention { days: 50, runs: 3 }, now).unwrap();
    // Runs 1 to 5 began more than 50 days ago: what ended in them goes.
    assert_eq!((pruned.n_objects, pruned.n_versions, pruned.n_bodies), (1, 4, 5));
    let page = store.current().query(&Query { include_gone: true, ..Query::default() }).unwrap();
    assert_eq!(page.total, 1);
    assert!(page.freshness.complete);
    let nothing = store.prune(Retention { days: 0, runs: 0 }, at(1000 * day)).unwrap();
    assert_eq!(nothing.n_objects, 0);
    assert_eq!(keys(store.current()), ["a"]);
}

#[test]
fn scopes_that_were_not_closed_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let other = scope("222222222222", "eu-central-1", "aws.sqs.queue");
    let mut run = store.begin_run(&meta(0)).unwrap();
    close(&mut run, &queues(), &[object(&queues(), "a", 1)], ScopeStatus::Complete, 0);
    run.upsert_scope_batch(&[object(&other, "b", 1)]).unwrap();
    run.finish(at(2)).unwrap();
    assert_eq!(keys(store.current()), ["a"]);
    assert_eq!(store.current().scopes().unwrap().len(), 1);
}
