//! A store of every schema version that was released still opens, migrates and answers.
//!
//! A file is made once, when its version is released, by running this test with `STORE_GOLDEN_WRITE=1`; it is never
//! made again.

use std::path::PathBuf;

use model::ScopeStatus;
use store::{Query, SCHEMA_VERSION, StoreSnapshot};

use crate::support::{at, object, open, queues, scan};

fn golden(version: i32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/store-v{version}.db"))
}

#[test]
fn every_released_version_still_answers() {
    let folder = tempfile::tempdir().unwrap();
    if std::env::var_os("STORE_GOLDEN_WRITE").is_some() && !golden(SCHEMA_VERSION).exists() {
        let mut store = open(&folder.path().join("fresh.db"));
        scan(&mut store, 0, ScopeStatus::Complete, &[object(&queues(), "a", 30), object(&queues(), "b", 30)]);
        scan(&mut store, 10, ScopeStatus::Complete, &[object(&queues(), "a", 31)]);
        store.publish_snapshot(&golden(SCHEMA_VERSION), at(20)).unwrap();
    }
    for version in 1..=SCHEMA_VERSION {
        let snapshot = StoreSnapshot::open(&golden(version)).unwrap();
        assert_eq!(snapshot.info().unwrap().schema_version, version);
        let page = snapshot.query(&Query::default()).unwrap();
        assert_eq!(page.objects[0].object, object(&queues(), "a", 31), "version {version}");

        let path = folder.path().join(format!("store-v{version}.db"));
        std::fs::copy(golden(version), &path).unwrap();
        let mut store = open(&path);
        assert_eq!(store.current().info().unwrap().schema_version, SCHEMA_VERSION);
        let summary = scan(&mut store, 30, ScopeStatus::Complete, &[object(&queues(), "b", 30)]);
        assert_eq!((summary.n_new, summary.n_gone), (1, 1), "version {version}");
    }
}
