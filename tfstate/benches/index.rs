//! Measures the index on a generated state of 10,000 instances: `cargo bench -p tfstate`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tfstate::Contents;
use tfstate::format::{InstanceObject, decode_attribute};

fn generate() -> Vec<u8> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "-p", "tfstate", "--example", "generate_state", "10000"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs the generator");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn index(criterion: &mut Criterion) {
    let state = generate();
    let file: Arc<str> = "generated.tfstate".into();
    let read = || match tfstate::index::read(&mut state.as_slice(), &file) {
        Ok((Contents::State(index), _)) => index,
        other => panic!("the generated state is a state: {other:?}"),
    };
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Bytes(state.len() as u64)).sample_size(20);
    group.bench_function("10,000 instances", |bencher| bencher.iter(read));
    let index = read();
    let range = index.instance(5000).expect("there are 10,000").object_range();
    let object = &state[range.start as usize..range.end as usize];
    group.throughput(Throughput::Bytes(object.len() as u64));
    group.bench_function("decode the attributes of one", |bencher| {
        bencher.iter(|| InstanceObject::decode(object).and_then(|object| object.decode_attributes(None)));
    });
    group.bench_function("decode one attribute of one", |bencher| {
        bencher.iter(|| decode_attribute(object, "tags", None));
    });
    group.finish();
}

criterion_group!(benches, index);
criterion_main!(benches);
