//! Reads configuration files with their expressions and says what is wrong with them, whether their tokens lose nothing, and how fast that was.
//!
//! `check FILE…` or a list of files on standard input; `+FILE` is accepted, `-FILE` is not.

#![expect(clippy::print_stdout, reason = "an example reports on standard output")]
#![expect(clippy::unwrap_used, reason = "an example stops at the first problem")]

use std::time::{Duration, Instant};

use hcl::File;

fn main() {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths = std::io::stdin().lines().map(Result::unwrap).collect();
    }
    let (mut n_bytes, mut took) = (0, Duration::ZERO);
    for path in &paths {
        let Ok(text) = String::from_utf8(std::fs::read(path).unwrap()) else {
            println!("-{path}: not UTF-8");
            continue;
        };
        let start = Instant::now();
        let (file, problems) = File::parse(path, &text);
        took += start.elapsed();
        n_bytes += text.len();
        let joined: String = file.tokens().iter().map(|token| &text[token.range()]).collect();
        assert_eq!(joined, text, "{path}");
        match problems.first() {
            None => println!("+{path}"),
            Some(problem) => println!("-{path}: {problem}"),
        }
    }
    let megabytes = n_bytes as f64 / 1e6;
    println!("{} files, {megabytes:.1} MB, {:.1} MB/s", paths.len(), megabytes / took.as_secs_f64());
}
