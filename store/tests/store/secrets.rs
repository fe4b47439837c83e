//! Planted secrets are in no file, the write-ahead log included.

use std::collections::BTreeMap;

use cty::{Mark, Type, Value};
use model::ScopeStatus;
use store::Query;

use crate::support::{at, close, meta, object, open, queues, scan};

const SECRET: &str = "hunter2-hunter2-hunter2";

fn files_holding(folder: &std::path::Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

#[test]
fn sensitive_values_are_replaced_by_keyed_digests() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let secret = || Value::string(SECRET).mark_sensitive();
    let mut planted = object(&queues(), "needle-in-the-hay", 30);
    planted.attributes.extend([
        ("plain".to_owned(), secret()),
        ("ephemeral".to_owned(), Value::string(SECRET).mark(Mark::Ephemeral)),
        ("list".to_owned(), Value::list(Type::String, vec![Value::string("seen"), secret()]).unwrap()),
        ("set".to_owned(), Value::set(Type::String, vec![secret()]).unwrap()),
        ("map".to_owned(), Value::map(Type::String, BTreeMap::from([("k".to_owned(), secret())])).unwrap()),
        (
            "numbers".to_owned(),
            Value::list(Type::Number, vec![Value::from(1_i64), Value::from(2_i64).mark_sensitive()]).unwrap(),
        ),
        ("object".to_owned(), Value::object(BTreeMap::from([("deep".to_owned(), Value::tuple(vec![secret()]))]))),
        ("named".to_owned(), Value::string("shown").mark(Mark::Named("x".into()))),
    ]);
    planted.identity =
        Some(model::Identity { version: 0, value: Value::object(BTreeMap::from([("id".to_owned(), secret())])) });
    let mut run = store.begin_run(&meta(0)).unwrap();
    close(&mut run, &queues(), std::slice::from_ref(&planted), ScopeStatus::Complete, 0);
    // The control: what is not secret is found, in the log first.
    assert_eq!(files_holding(folder.path(), "needle-in-the-hay"), ["store.db-wal"]);
    assert_eq!(files_holding(folder.path(), SECRET), Vec::<String>::new());
    run.finish(at(1)).unwrap();
    store.publish_snapshot(&folder.path().join("snapshot.db"), at(0)).unwrap();
    assert_eq!(files_holding(folder.path(), "needle-in-the-hay"), ["snapshot.db", "store.db"]);
    assert_eq!(files_holding(folder.path(), SECRET), Vec::<String>::new());

    let page = store.current().query(&Query::default()).unwrap();
    let attributes = &page.objects[0].object.attributes;
    let digest = attributes["plain"].as_str().unwrap();
    assert!(digest.starts_with("hmac-sha256:") && digest.len() == 12 + 64, "{digest}");
    assert_eq!(attributes["ephemeral"].as_str(), Some(digest), "equal values have equal digests");
    assert_eq!(attributes["named"], Value::string("shown"));
    assert_eq!(attributes["numbers"].elements().next(), Some(&Value::from(1_i64)));

    let again = scan(&mut store, 10, ScopeStatus::Complete, &[planted.clone()]);
    assert_eq!(again.n_changed, 0, "an unchanged secret is unchanged");
    planted.attributes.insert("plain".to_owned(), Value::string("another").mark_sensitive());
    let again = scan(&mut store, 20, ScopeStatus::Complete, &[planted]);
    assert_eq!(again.n_changed, 1, "a changed secret shows");
}

#[test]
fn sensitive_values_of_findings_stay_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("store.db"));
    let finding = crate::findings::finding(Value::string(SECRET).mark_sensitive(), Value::string(SECRET));
    store
        .save_findings(&store::DriftRecord {
            subject: "needle-in-the-hay",
            at: at(0),
            findings: &[finding],
            coverage: &model::Coverage::default(),
        })
        .unwrap();
    assert_eq!(files_holding(folder.path(), "needle-in-the-hay"), ["store.db-wal"]);
    // Values of findings are kept in hexadecimal: look for that form too.
    let hexadecimal = "68756e746572322d68756e746572322d68756e74657232";
    for needle in [SECRET, hexadecimal] {
        assert_eq!(files_holding(folder.path(), needle), Vec::<String>::new());
    }
}
