//! Files and folders that are not as they should be.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use model::ScopeStatus;
use store::{Error, ErrorKind, Store, StoreSnapshot, WriterOptions};

use crate::support::{at, object, open, queues, scan};

fn open_error(path: &Path) -> Error {
    Store::open_writer(path, WriterOptions { wait: Duration::ZERO }).unwrap_err()
}

fn snapshot_error(path: &Path) -> Error {
    StoreSnapshot::open(path).and_then(|snapshot| snapshot.query(&store::Query::default())).unwrap_err()
}

#[test]
fn what_is_not_a_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "x".repeat(5000)).unwrap();
    let other = folder.path().join("cookies.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE cookies (x)").unwrap();
    let before = std::fs::read(&other).unwrap();
    for path in [&text, &other, &folder.path().to_owned()] {
        assert_eq!(open_error(path).kind(), ErrorKind::NotAStore, "{}", path.display());
        assert_eq!(snapshot_error(path).kind(), ErrorKind::NotAStore, "{}", path.display());
    }
    assert_eq!(std::fs::read(&text).unwrap(), "x".repeat(5000).into_bytes());
    assert_eq!(std::fs::read(&other).unwrap(), before);
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert_eq!(snapshot_error(&empty).kind(), ErrorKind::NotAStore);
    let below_a_file = text.join("store.db");
    assert_eq!(open_error(&below_a_file).kind(), ErrorKind::NotAStore);
}

#[test]
fn a_missing_snapshot_is_its_own_kind() {
    let folder = tempfile::tempdir().unwrap();
    let error = snapshot_error(&folder.path().join("snapshot.db"));
    assert_eq!(error.kind(), ErrorKind::Missing);
    assert!(error.help().contains("driftmgr scan"));
}

#[test]
fn a_newer_file_is_refused_politely() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let published = folder.path().join("snapshot.db");
    let store = open(&path);
    store.publish_snapshot(&published, at(0)).unwrap();
    drop(store);
    for file in [&path, &published] {
        rusqlite::Connection::open(file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    }
    let error = open_error(&path);
    assert_eq!(error.kind(), ErrorKind::Newer);
    assert!(error.to_string().contains("schema version 99"), "{error}");
    // The snapshot says that older readers may read it …
    StoreSnapshot::open(&published).unwrap();
    let connection = rusqlite::Connection::open(&published).unwrap();
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'min_reader'", []).unwrap();
    // … and now it no longer does.
    assert_eq!(snapshot_error(&published).kind(), ErrorKind::Newer);
}

#[test]
fn a_damaged_file_is_an_error_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let published = folder.path().join("snapshot.db");
    let mut store = open(&path);
    let objects: Vec<_> = (0..2000).map(|n| object(&queues(), &format!("queue-{n}"), n)).collect();
    scan(&mut store, 0, ScopeStatus::Complete, &objects);
    store.publish_snapshot(&published, at(0)).unwrap();
    let whole = std::fs::read(&published).unwrap();

    let mut broken = whole.clone();
    for byte in &mut broken[4096..] {
        *byte = 0xa5;
    }
    std::fs::write(&published, &broken).unwrap();
    assert_eq!(snapshot_error(&published).kind(), ErrorKind::Corrupt);

    std::fs::write(&published, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(snapshot_error(&published).kind(), ErrorKind::Corrupt);
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut store = open(&path);
    scan(&mut store, 0, ScopeStatus::Complete, &[object(&queues(), "a", 1)]);
    drop(store);
    // /dev/full cannot hold a database, so the file system's limit is played by a limit on this process' file size.
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 300; trap '' XFSZ; exec \"$0\" --exact hostile::helper_fills_the_disk --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env("STORE_TEST_PATH", &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("kind: Full") || text.contains("kind: Io"), "{text}");
    let store = open(&path);
    assert_eq!(store.current().query(&store::Query::default()).unwrap().total, 1);
}

/// Runs in a process of its own, started by the test above; on its own it has nothing to do.
#[test]
fn helper_fills_the_disk() {
    let Some(path) = std::env::var_os("STORE_TEST_PATH") else { return };
    let mut store = open(Path::new(&path));
    let mut run = store.begin_run(&crate::support::meta(10)).unwrap();
    let mut objects: Vec<_> = (0..20_000).map(|n| object(&queues(), &format!("queue-{n}"), n)).collect();
    objects[0].attributes.insert("long".to_owned(), cty::Value::string("x".repeat(100_000)));
    let result = run
        .upsert_scope_batch(&objects)
        .and_then(|()| run.close_scope(&crate::support::outcome(&queues(), ScopeStatus::Complete, 20_000, 10)));
    println!("kind: {:?}", result.unwrap_err().kind());
}

#[test]
fn a_second_writer_waits_or_is_told_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let first = open(&path);
    let error = open_error(&path);
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.is_retryable());
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    let holder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(first);
    });
    let start = Instant::now();
    Store::open_writer(&path, WriterOptions { wait: Duration::from_secs(20) }).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(200));
    holder.join().unwrap();
}

#[test]
fn a_folder_without_permission_is_an_error_and_a_snapshot_in_it_still_opens() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db"));
    let inner = folder.path().join("read-only");
    std::fs::create_dir(&inner).unwrap();
    store.publish_snapshot(&inner.join("snapshot.db"), at(0)).unwrap();
    // The superuser may do everything, so the test is done by somebody else where it runs as the superuser.
    let helper = folder.path().join("helper");
    std::fs::copy(std::env::current_exe().unwrap(), &helper).unwrap();
    let open_to_all = |path: &Path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    open_to_all(&helper);
    open_to_all(folder.path());
    std::fs::set_permissions(inner.join("snapshot.db"), PermissionsExt::from_mode(0o444)).unwrap();
    std::fs::set_permissions(&inner, PermissionsExt::from_mode(0o555)).unwrap();
    let run_as = |user: Option<u32>| {
        let mut command = Command::new(&helper);
        command.args(["--exact", "hostile::helper_without_permission", "--nocapture"]).env("STORE_TEST_PATH", &inner);
        if let Some(user) = user {
            command.uid(user);
        }
        command.output()
    };
    let output = run_as(Some(65_534)).or_else(|_| run_as(None)).unwrap();
    std::fs::set_permissions(&inner, PermissionsExt::from_mode(0o755)).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("kind: Denied"), "{text}");
    assert!(text.contains("objects: 0"), "{text}");
}

/// Runs in a process of its own, started by the test above; on its own it has nothing to do.
#[test]
fn helper_without_permission() {
    let Some(path) = std::env::var_os("STORE_TEST_PATH") else { return };
    println!("kind: {:?}", open_error(&Path::new(&path).join("store.db")).kind());
    let snapshot = StoreSnapshot::open(&Path::new(&path).join("snapshot.db")).unwrap();
    println!("objects: {}", snapshot.info().unwrap().n_objects);
}
