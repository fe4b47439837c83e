//! Filters, pages, and how fresh and complete answers say they are.

use std::time::Duration;

use model::ScopeStatus;
use store::{Query, Store, StoreSnapshot, TagFilter};

use crate::support::{at, close, meta, object, open, queues, scope};

/// Two accounts with queues in two regions, and roles; 40 objects.
fn estate(folder: &std::path::Path) -> Store {
    let mut store = open(&folder.join("store.db"));
    let mut run = store.begin_run(&meta(0)).unwrap();
    for account in ["111111111111", "222222222222"] {
        for region in ["eu-central-1", "us-east-1"] {
            let scope = scope(account, region, "aws.sqs.queue");
            let mut objects: Vec<_> = (0..9).map(|n| object(&scope, &format!("queue-{n}"), n)).collect();
            objects[3].tags = None;
            close(&mut run, &scope, &objects, ScopeStatus::Complete, 10);
        }
        let scope = scope(account, "", "aws.iam.role");
        let mut objects: Vec<_> = (0..2).map(|n| object(&scope, &format!("role-{n}"), n)).collect();
        for object in &mut objects {
            object.resource_type = Some("aws_iam_role".into());
        }
        close(&mut run, &scope, &objects, ScopeStatus::Complete, 20);
    }
    run.finish(at(30)).unwrap();
    store
}

fn check(snapshot: &StoreSnapshot, query: &Query, n_expected: u64) {
    let page = snapshot.query(query).unwrap();
    assert_eq!(page.total, n_expected, "{query:?}");
    assert_eq!(page.objects.len() as u64, n_expected, "{query:?}");
    assert_eq!(snapshot.objects(query).count() as u64, n_expected, "{query:?}");
}

#[test]
fn filters_hold_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = estate(folder.path());
    let snapshot = store.current();
    let all = Query::default;
    check(snapshot, &all(), 40);
    check(snapshot, &Query { resource_types: vec!["aws_sqs_queue".into()], ..all() }, 36);
    check(snapshot, &Query { resource_types: vec!["aws_i*".into(), "none".into()], ..all() }, 4);
    check(snapshot, &Query { native_types: vec!["aws.iam.role".into()], ..all() }, 4);
    check(snapshot, &Query { accounts: vec!["111111111111".into()], ..all() }, 20);
    check(snapshot, &Query { regions: vec!["us-east-1".into()], ..all() }, 18);
    check(snapshot, &Query { regions: vec!["global".into()], ..all() }, 4);
    check(snapshot, &Query { name: Some("queue-7".into()), ..all() }, 4);
    check(snapshot, &Query { name: Some("*-1".into()), ..all() }, 6);
    check(snapshot, &Query { name: Some("queue-[0-9]*".into()), ..all() }, 0);
    check(snapshot, &Query { tags: vec![TagFilter::parse("team")], ..all() }, 36);
    check(snapshot, &Query { tags: vec![TagFilter::parse("team=a"), TagFilter::parse("Name=queue-2")], ..all() }, 4);
    check(snapshot, &Query { tags: vec![TagFilter::parse("team=b")], ..all() }, 0);
    check(snapshot, &Query { import_id: Some("https://sqs/role-1".into()), ..all() }, 2);
    check(snapshot, &Query { arn: Some("arn:aws:sqs:us-east-1:111111111111:queue-5".into()), ..all() }, 1);
    let condition = |text: &str| vec![text.parse().unwrap()];
    check(snapshot, &Query { conditions: condition("visibility_timeout_seconds=1"), ..all() }, 6);
    check(snapshot, &Query { conditions: condition("visibility_timeout_seconds!=1"), ..all() }, 34);
    check(snapshot, &Query { conditions: condition("nothing=null"), ..all() }, 40);
    check(snapshot, &Query { resource_types: vec!["' OR 1=1 --".into()], ..all() }, 0);
}

#[test]
fn pages_follow_one_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = estate(folder.path());
    let everything = store.current().query(&Query::default()).unwrap();
    let none = Vec::new();
    for conditions in [none, vec!["visibility_timeout_seconds~*".parse().unwrap()]] {
        let mut query = Query { limit: Some(7), conditions, ..Query::default() };
        let mut collected = Vec::new();
        loop {
            let page = store.current().query(&query).unwrap();
            assert_eq!(page.total, 40);
            collected.extend(page.objects);
            let Some(next) = page.next else { break };
            query.after = Some(next.to_string().parse().unwrap());
        }
        assert_eq!(collected, everything.objects);
        let page = store.current().query(&Query { offset: 38, after: None, ..query }).unwrap();
        assert_eq!(page.objects, everything.objects[38..]);
        assert_eq!(page.next, None);
    }
    let query = Query { after: Some("o999".parse().unwrap()), ..Query::default() };
    assert!(store.current().query(&query).unwrap_err().to_string().contains("o999"));
    assert!("999".parse::<store::Cursor>().is_err());
}

#[test]
fn an_empty_answer_says_whether_anybody_looked() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = estate(folder.path());
    let queues_of = |account: &str, region: &str| Query {
        resource_types: vec!["aws_sqs_queue".into()],
        accounts: vec![account.into()],
        regions: vec![region.into()],
        ..Query::default()
    };
    let fresh = |store: &Store, query: &Query| store.current().freshness(query).unwrap();

    let seen = fresh(&store, &queues_of("111111111111", "us-east-1"));
    assert_eq!((seen.complete, seen.n_scopes, seen.as_of), (true, 1, Some(at(10))));
    assert!(seen.is_older_than(Duration::from_secs(59), at(71)));
    assert!(!seen.is_older_than(Duration::from_secs(61), at(71)));

    let elsewhere = fresh(&store, &queues_of("111111111111", "ap-south-1"));
    assert_eq!((elsewhere.complete, elsewhere.as_of), (false, None));
    assert_eq!(elsewhere.never_seen, ["type aws_sqs_queue, account 111111111111, region ap-south-1"]);
    assert!(elsewhere.is_older_than(Duration::MAX, at(71)));

    let stranger = fresh(&store, &queues_of("333333333333", "us-east-1"));
    assert_eq!(stranger.never_seen, ["type aws_sqs_queue, account 333333333333"]);

    let unknown = fresh(&store, &Query { resource_types: vec!["aws_lambda_function".into()], ..Query::default() });
    assert_eq!((unknown.complete, unknown.never_seen), (false, vec!["type aws_lambda_function".to_owned()]));

    let global =
        Query { resource_types: vec!["aws_iam_role".into()], regions: vec!["us-east-1".into()], ..Query::default() };
    assert!(fresh(&store, &global).never_seen.is_empty(), "a global type has nothing in a region, for certain");

    let mut run = store.begin_run(&meta(100)).unwrap();
    close(&mut run, &queues(), &[], ScopeStatus::Failed, 100);
    run.finish(at(101)).unwrap();
    let partial = fresh(&store, &Query::default());
    assert_eq!((partial.complete, partial.n_scopes, partial.incomplete.len()), (false, 6, 1));
    assert_eq!(partial.incomplete[0].last.causes[0].kind, model::CauseKind::Denied);
    assert!(fresh(&store, &queues_of("111111111111", "us-east-1")).complete);
}

#[test]
fn an_empty_store_has_seen_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db"));
    let page = store.current().query(&Query::default()).unwrap();
    assert_eq!((page.total, page.freshness.complete), (0, false));
    assert_eq!(page.freshness.never_seen, ["anything that matches"]);
}
