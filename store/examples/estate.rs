//! Fills a store with a synthetic estate and publishes it, or answers one query from it: what
//! docs/dev/performance/store.md measures.
//!
//! `estate fill STORE SNAPSHOT N` and `estate query SNAPSHOT [TYPE]` and `estate read SNAPSHOT`.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]
#![expect(clippy::unwrap_used, reason = "an example stops at the first problem")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cty::{Type, Value};
use jiff::Timestamp;
use model::{Completeness, ObjectKey, RemoteObject, Scope, ScopeOutcome, ScopeStatus, Standing};
use store::{Query, RunMeta, Store, StoreSnapshot, WriterOptions};

const N_TYPES: usize = 20;
const N_REGIONS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let start = Instant::now();
    match words.as_slice() {
        ["fill", store, snapshot, n_objects] => fill(Path::new(store), Path::new(snapshot), n_objects.parse().unwrap()),
        ["query", snapshot, rest @ ..] => {
            let query = Query {
                resource_types: rest.iter().map(|text| (*text).to_owned()).collect(),
                limit: Some(100),
                ..Query::default()
            };
            let page = StoreSnapshot::open(Path::new(snapshot)).unwrap().query(&query).unwrap();
            println!("{} of {} objects in {:?}", page.objects.len(), page.total, start.elapsed());
        }
        ["read", snapshot] => {
            let snapshot = StoreSnapshot::open(Path::new(snapshot)).unwrap();
            let n_objects = snapshot.objects(&Query::default()).map(Result::unwrap).count();
            println!("{n_objects} objects in {:?}", start.elapsed());
        }
        _ => println!("estate fill STORE SNAPSHOT N | estate query SNAPSHOT [TYPE] | estate read SNAPSHOT"),
    }
}

fn fill(path: &Path, published: &Path, n_objects: usize) {
    let mut store = Store::open_writer(path, WriterOptions { wait: Duration::ZERO }).unwrap();
    for (name, changed_every) in [("first scan", usize::MAX), ("scan with 1 % changed", 100)] {
        let start = Instant::now();
        let now = Timestamp::now();
        let meta = RunMeta { started: now, tool_version: "example".to_owned(), types: BTreeMap::new() };
        let mut run = store.begin_run(&meta).unwrap();
        let (mut taking, mut closing) = (Duration::ZERO, Duration::ZERO);
        for scope_number in 0..N_TYPES * N_REGIONS {
            let scope = Scope {
                cloud: "aws".into(),
                account: "111111111111".into(),
                region: Some(format!("region-{}", scope_number % N_REGIONS).into()),
                native_type: format!("aws.service.type{}", scope_number / N_REGIONS).into(),
            };
            let numbers: Vec<usize> = (scope_number..n_objects).step_by(N_TYPES * N_REGIONS).collect();
            for numbers in numbers.chunks(1_000) {
                let objects: Vec<_> = numbers.iter().map(|n| object(&scope, *n, n % changed_every == 1, now)).collect();
                let start = Instant::now();
                run.upsert_scope_batch(&objects).unwrap();
                taking += start.elapsed();
            }
            let start = Instant::now();
            run.close_scope(&ScopeOutcome {
                scope,
                status: ScopeStatus::Complete,
                causes: Vec::new(),
                n_objects: numbers.len() as u64,
                calls: BTreeMap::new(),
                started: now,
                finished: Timestamp::now(),
            })
            .unwrap();
            closing += start.elapsed();
        }
        let summary = run.finish(Timestamp::now()).unwrap();
        println!("{name}: {summary:?} in {:?} (taking in {taking:?}, closing {closing:?})", start.elapsed());
    }
    let start = Instant::now();
    store.publish_snapshot(published, Timestamp::now()).unwrap();
    let n_bytes = std::fs::metadata(published).unwrap().len();
    println!("published {} MB in {:?}", n_bytes / 1_000_000, start.elapsed());
}

fn object(scope: &Scope, number: usize, is_changed: bool, now: Timestamp) -> RemoteObject {
    let id = format!("id-{number:08x}");
    let text = |name: &str, value: String| (name.to_owned(), Value::string(value));
    let tags = BTreeMap::from([
        ("Name".to_owned(), format!("object-{number}")),
        ("team".to_owned(), format!("team-{}", number % 50)),
        ("environment".to_owned(), if is_changed { "changed" } else { "production" }.to_owned()),
    ]);
    let mut attributes: BTreeMap<String, Value> =
        (0..12).map(|n| text(&format!("attribute_{n}"), format!("value {n} of object {number}"))).collect();
    let list = (0..4).map(|n| Value::string(format!("sg-{n:08x}"))).collect();
    attributes.insert("security_groups".to_owned(), Value::set(Type::String, list).unwrap());
    attributes.insert("size".to_owned(), Value::from(number as u64));
    attributes.insert("enabled".to_owned(), Value::bool(number.is_multiple_of(2)));
    RemoteObject {
        scope: scope.clone(),
        key: ObjectKey(Arc::from(id.as_str())),
        resource_type: Some(scope.native_type.as_str().replace('.', "_").into()),
        import_id: Some(id.as_str().into()),
        identity: None,
        arn: Some(format!("arn:aws:service:{id}")),
        name: Some(format!("object-{number}")),
        tags: Some(tags),
        attributes,
        volatile: Vec::new(),
        parent: None,
        standing: Standing::Ordinary,
        completeness: Completeness::Full,
        source: Arc::from("service:DescribeObjects"),
        fetched_at: now,
        cause: None,
    }
}
