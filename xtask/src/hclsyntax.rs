//! `HashiCorp`'s parser of configuration: what it accepts, and its suite of tests.
//!
//! The program is ours: `acceptance-tests/hclsyntax/main.go` says how it is asked.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::tools::{self, Tool, go};

/// Where the program's sources are.
pub(crate) const SOURCES: &str = "acceptance-tests/hclsyntax";

/// What a text is to be parsed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A file in native syntax.
    Native,
    /// A file in JSON.
    Json,
    /// A template.
    Template,
}

/// Asks what the parser makes of texts: for each nothing where it accepts it, otherwise what is wrong.
///
/// Returns nothing where the program is not there; the skip is counted.
///
/// ```no_run
/// use xtask::hclsyntax::{Language, verdicts};
/// let found = verdicts(&[(Language::Native, b"a = 1"), (Language::Native, b"a =")]).expect("Go is there");
/// assert!(found[0].is_ok() && found[1].is_err());
/// ```
///
/// # Panics
/// Where the program fails.
pub fn verdicts(texts: &[(Language, &[u8])]) -> Option<Vec<Result<(), String>>> {
    let program = tools::or_skip(Tool::Hclsyntax)?;
    let mut process = Command::new(program)
        .arg("verdicts")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = process.stdin.take().expect("a pipe");
    let mut question = Vec::new();
    for (language, text) in texts {
        let language = match language {
            Language::Native => "native",
            Language::Json => "json",
            Language::Template => "template",
        };
        question.extend(format!("{language} {}\n", text.len()).into_bytes());
        question.extend(*text);
    }
    let writer = std::thread::spawn(move || stdin.write_all(&question));
    let output = process.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends").expect("the program reads everything");
    assert!(output.status.success(), "the program fails, see above");
    let answers = String::from_utf8_lossy(&output.stdout);
    let verdict = |line: &str| match line.strip_prefix('-') {
        Some(problem) => Err(problem.to_owned()),
        None => Ok(()),
    };
    let verdicts: Vec<_> = answers.lines().map(verdict).collect();
    assert_eq!(verdicts.len(), texts.len(), "one answer for each text");
    Some(verdicts)
}

/// Returns the folder of the parser's suite of tests, which is in its Go module.
///
/// Returns nothing where Go cannot give it; the skip is counted.
pub fn specification_suite() -> Option<PathBuf> {
    match go::required(SOURCES, "github.com/hashicorp/hcl/v2") {
        Ok(folder) => Some(folder.join("specsuite").join("tests")),
        Err(error) => {
            tools::skip(&format!("the suite of hashicorp/hcl is not there: {error:#}"));
            None
        }
    }
}
