//! Times decoding and encoding of the corpus, and prints the CPU time of one pass, as `ctygen bench` does for go-cty.
//!
//! Command: `cargo bench -p cty --bench codec`; how the numbers compare: `docs/dev/performance/cty.md`.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use cty::{Type, json, msgpack};
use serde_json::Value as Json;

struct Case {
    ty: Type,
    bytes: Vec<u8>,
    json: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = Vec::new();
    for file in ["seed.jsonl", "values.jsonl"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("the corpus is there");
        for line in text.lines() {
            let case: Json = serde_json::from_str(line).expect("a case is JSON");
            let field = |name: &str| case[name].as_str().expect("a text");
            let hex = field("hex");
            let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"));
            cases.push(Case {
                ty: Type::from_json(field("t")).expect("a type"),
                bytes: bytes.collect(),
                json: field("j").as_bytes().to_vec(),
            });
        }
    }
    cases
}

fn one_pass(cases: &[Case]) {
    for case in cases {
        let value = msgpack::decode(&case.bytes, &case.ty).expect("a case decodes");
        black_box(msgpack::encode(&value, &case.ty).expect("a case encodes"));
    }
}

/// Prints the CPU time of one pass in the form that `ctygen bench` prints it.
#[expect(clippy::print_stdout, reason = "the number is what the bench is run for")]
fn print_cpu_time(cases: &[Case]) {
    const LIMIT: u64 = 3_000_000_000;
    let start = cpu_nanoseconds();
    let mut n_passes = 0;
    while cpu_nanoseconds() - start < LIMIT {
        one_pass(cases);
        n_passes += 1;
    }
    let per_pass = (cpu_nanoseconds() - start) / n_passes;
    println!("cty: {} cases, {per_pass} ns of CPU time per pass ({n_passes} passes)", cases.len());
}

/// Reads the CPU time of this process, from the clock ticks (10 ms) that Linux counts.
fn cpu_nanoseconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells the CPU time of a process");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number of ticks")).sum();
    ticks * 10_000_000
}

fn codec(criterion: &mut Criterion) {
    let cases = cases();
    print_cpu_time(&cases);
    criterion.bench_function("msgpack decode and encode the corpus", |bencher| bencher.iter(|| one_pass(&cases)));
    criterion.bench_function("json decode and encode the corpus", |bencher| {
        bencher.iter(|| {
            for case in cases.iter().filter(|case| !case.json.is_empty()) {
                let value = json::decode(&case.json, &case.ty).expect("a case decodes");
                black_box(json::encode(&value, &case.ty).expect("a case encodes"));
            }
        });
    });
}

criterion_group!(benches, codec);
criterion_main!(benches);
