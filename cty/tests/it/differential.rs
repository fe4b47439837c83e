//! Both directions against a live go-cty, with fresh cases on every run.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use cty::{json, msgpack};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value as Json;

use crate::{cases, strategies};

/// Tells the person who runs the tests, whatever the harness does with output.
fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

fn tools_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("DRIFTMGR_TOOLS_DIR").or_else(|| {
        let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
        cache.map(|cache| cache.join("driftmgr/tools"))
    })
}

/// Returns the binary of ctygen; where it cannot be built, says so and returns nothing.
fn ctygen() -> Option<&'static Path> {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    BINARY.get_or_init(find_or_build).as_deref()
}

/// Builds ctygen, once for each state of its sources.
fn find_or_build() -> Option<PathBuf> {
    let Some(tools) = tools_folder() else {
        say("skipped: the comparison with go-cty needs HOME, XDG_CACHE_HOME or DRIFTMGR_TOOLS_DIR for its binary");
        return None;
    };
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../acceptance-tests/ctygen");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&sources).expect("ctygen is there").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files.iter().filter(|file| file.is_file()) {
        std::fs::read(file).expect("a source of ctygen").hash(&mut hasher);
    }
    let binary = tools.join(format!("ctygen-{:016x}", hasher.finish()));
    if binary.is_file() {
        return Some(binary);
    }
    if Command::new("go").arg("version").stdout(Stdio::null()).status().is_err() {
        say("skipped: the comparison with go-cty needs Go: install it (https://go.dev/dl) and put it on PATH");
        return None;
    }
    std::fs::create_dir_all(&tools).expect("the tools folder");
    let unfinished = tools.join(format!("ctygen-{}-unfinished", std::process::id()));
    let mut build = Command::new("go");
    build.args(["build", "-trimpath", "-o"]).arg(&unfinished).arg(".").current_dir(&sources);
    assert!(build.status().expect("go runs").success(), "go build of ctygen failed");
    std::fs::rename(&unfinished, &binary).expect("the binary moves to its place");
    Some(binary)
}

fn fresh_seed() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    std::env::var("CTY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(elapsed.as_nanos() as u64)
}

#[test]
fn fresh_cases_of_go_cty_hold() {
    let Some(ctygen) = ctygen() else { return };
    let seed = fresh_seed();
    say(&format!("go-cty to Rust: 1000 values and 2000 operations with CTY_SEED={seed}"));
    let seed = seed.to_string();
    let generated =
        Command::new(ctygen).args(["generate", "--seed", &seed, "--count", "1000", "--ops", "2000"]).output();
    let generated = generated.expect("ctygen runs");
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    let lines = String::from_utf8(generated.stdout).expect("ctygen prints text");
    assert_eq!(lines.lines().count(), 3000);
    cases::assert_all(lines.lines());
}

#[test]
fn go_cty_reads_what_rust_writes() {
    let Some(ctygen) = ctygen() else { return };
    let seed = fresh_seed();
    say(&format!("Rust to go-cty: 1000 values with CTY_SEED={seed}"));
    let mut seed_bytes = [0; 32];
    seed_bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut input = String::new();
    for _ in 0..1000 {
        let (ty, value) = strategies::typed_value().new_tree(&mut runner).expect("a value").current();
        let bytes = msgpack::encode(&value, &ty).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        // What arrives may have lost the sign of zero.
        let arrived = msgpack::decode(&bytes, &ty).unwrap_or_else(|error| panic!("{value:?}: {error}"));
        let text = json::encode(&arrived, &ty).unwrap_or_default();
        let line = serde_json::json!({
            "t": ty.to_json(), "hex": cases::hex(&bytes), "j": String::from_utf8(text).expect("JSON is text"),
        });
        let _ = writeln!(input, "{line}");
    }
    let mut process =
        Command::new(ctygen).arg("verify").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ctygen runs");
    let mut stdin = process.stdin.take().expect("a pipe");
    let lines = input.clone();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = process.wait_with_output().expect("ctygen ends");
    writer.join().expect("the writer ends").expect("ctygen reads everything");
    let verdicts = String::from_utf8(output.stdout).expect("ctygen prints text");
    assert_eq!(verdicts.lines().count(), 1000);
    for (line, verdict) in input.lines().zip(verdicts.lines()) {
        let parsed: Json = serde_json::from_str(verdict).expect("a verdict is JSON");
        assert_eq!(parsed["ok"], true, "CTY_SEED={seed}\n  Rust wrote {line}\n  go-cty says {verdict}");
    }
}
