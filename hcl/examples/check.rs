//! Reads configuration files with their expressions and says what is wrong with them, whether their tokens lose nothing, and how fast that was.
//!
//! `check FILE…` or a list of files on standard input; `+FILE` is accepted, `-FILE` is not. `check --bench N` parses each
//! file of the list N times, and prints the bytes parsed and the CPU nanoseconds that took.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]
#![expect(clippy::unwrap_used, reason = "an example stops at the first problem")]

use std::time::{Duration, Instant};

use hcl::File;

fn main() {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, rounds] = paths.as_slice()
        && flag == "--bench"
    {
        return bench(rounds.parse().unwrap());
    }
    if paths.is_empty() {
        paths = std::io::stdin().lines().map(Result::unwrap).collect();
    }
    let (mut n_bytes, mut took) = (0, Duration::ZERO);
    for path in &paths {
        let text = std::fs::read(path).unwrap();
        let start = Instant::now();
        let (file, problems) = File::parse_bytes(path, &text);
        took += start.elapsed();
        n_bytes += text.len();
        let joined: Vec<u8> = file.tokens().iter().flat_map(|token| &file.bytes()[token.range()]).copied().collect();
        assert_eq!(joined, text, "{path}");
        match problems.first() {
            None => println!("+{path}"),
            Some(problem) => println!("-{path}: {problem}"),
        }
    }
    let megabytes = n_bytes as f64 / 1e6;
    println!("{} files, {megabytes:.1} MB, {:.1} MB/s", paths.len(), megabytes / took.as_secs_f64());
}

fn bench(rounds: usize) {
    let texts: Vec<Vec<u8>> = std::io::stdin().lines().map(|path| std::fs::read(path.unwrap()).unwrap()).collect();
    let before = cpu();
    for _ in 0..rounds {
        for text in &texts {
            // Freeing what was made is a part of the work, as collecting garbage is.
            drop(File::parse_bytes("input", text));
        }
    }
    println!("{} {}", rounds * texts.iter().map(Vec::len).sum::<usize>(), cpu() - before);
}

/// Gives the CPU nanoseconds that the only thread of this process has taken.
fn cpu() -> u64 {
    let times = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    times.split(' ').next().unwrap().parse().unwrap()
}
