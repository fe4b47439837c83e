//! The reference implementation of the language, asked for the values of expressions and blocks.
//!
//! The program is ours, built inside OpenTofu: `acceptance-tests/oracle/README.md` says what a question and an answer are.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::tools::{InsideOpentofu, inside_opentofu};

const PROGRAM: InsideOpentofu =
    InsideOpentofu { name: "oracle", sources: "acceptance-tests/oracle", places: &[("", "internal/driftmgr-oracle")] };

/// Returns the program; where it cannot be built, counts a skip and returns nothing.
pub fn program() -> Option<PathBuf> {
    inside_opentofu(&PROGRAM)
}

/// Asks questions, all at once, and returns an answer for each; nothing where the program cannot be built.
///
/// ```no_run
/// let question = serde_json::json!({"expression": "1 + n", "variables": {"n": {"type": "number", "json": 2}}});
/// let answers = xtask::oracle::ask(&[question]).expect("Go is there");
/// assert_eq!(answers[0]["value"]["text"], "cty.NumberIntVal(3)");
/// ```
///
/// # Panics
/// Where the program fails.
pub fn ask(questions: &[Json]) -> Option<Vec<Json>> {
    let mut process =
        Command::new(program()?).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the oracle starts");
    let mut stdin = process.stdin.take().expect("a pipe");
    let lines: String = questions.iter().flat_map(|question| [question.to_string(), "\n".to_owned()]).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = process.wait_with_output().expect("the oracle ends");
    writer.join().expect("the writer ends").expect("the oracle reads everything");
    assert!(output.status.success(), "the oracle fails, see above");
    let answers = String::from_utf8(output.stdout).expect("the oracle prints text");
    let answers: Vec<Json> =
        answers.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect();
    assert_eq!(answers.len(), questions.len(), "one answer for each question");
    Some(answers)
}
