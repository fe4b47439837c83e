//! A scan that is killed leaves every scope as its last closing left it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use model::ScopeStatus;
use store::{Query, StoreSnapshot};

use crate::support::{at, close, meta, object, open, queues, scan, scope};

#[test]
fn killing_a_run_leaves_the_earlier_one_intact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let published = folder.path().join("snapshot.db");
    let mut store = open(&path);
    let before: Vec<_> = (0..50).map(|n| object(&queues(), &format!("queue-{n}"), 30)).collect();
    scan(&mut store, 0, ScopeStatus::Complete, &before);
    store.publish_snapshot(&published, at(1)).unwrap();
    let expected = store.current().query(&Query::default()).unwrap();
    drop(store);

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::helper_scans_until_killed", "--nocapture"])
        .env("STORE_TEST_PATH", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line.contains("half way"));
    assert!(ready, "the helper came half way");
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(StoreSnapshot::open(&published).unwrap().query(&Query::default()).unwrap(), expected);
    let mut store = open(&path);
    let queues_only = Query { accounts: vec!["111111111111".into()], ..Query::default() };
    assert_eq!(store.current().query(&queues_only).unwrap(), expected, "the scope that was not closed is as before");
    let closed = Query { accounts: vec!["222222222222".into()], ..Query::default() };
    let page = store.current().query(&closed).unwrap();
    assert_eq!((page.total, page.freshness.complete), (1, true), "the scope that was closed is recorded");
    let summary = scan(&mut store, 100, ScopeStatus::Complete, &before[..1]);
    assert_eq!(summary.n_gone, 49);
    drop(store);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let mut statement = connection.prepare("SELECT status FROM run ORDER BY id").unwrap();
    let statuses: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(statuses, ["finished", "abandoned", "finished"]);
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// Runs in a process of its own, started and killed by the test above; on its own it has nothing to do.
#[test]
fn helper_scans_until_killed() {
    let Some(path) = std::env::var_os("STORE_TEST_PATH") else { return };
    let mut store = open(Path::new(&path));
    let mut run = store.begin_run(&meta(10)).unwrap();
    let other = scope("222222222222", "eu-central-1", "aws.sqs.queue");
    close(&mut run, &other, &[object(&other, "other", 1)], ScopeStatus::Complete, 10);
    for batch in 0.. {
        let objects: Vec<_> = (0..50).map(|n| object(&queues(), &format!("queue-{n}"), batch)).collect();
        run.upsert_scope_batch(&objects).unwrap();
        if batch == 5 {
            println!("half way");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
