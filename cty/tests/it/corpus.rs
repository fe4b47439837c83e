use std::path::Path;

use crate::cases;

/// Is the least number of cases, so that a corpus that went missing is noticed.
const MIN_CASES: usize = 4731;

/// Returns the lines of all files of the corpus.
pub(crate) fn lines() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("the corpus can be listed").path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            lines.extend(std::fs::read_to_string(&path).expect("the corpus is text").lines().map(str::to_owned));
        }
    }
    lines
}

#[test]
fn the_committed_cases_hold() {
    let lines = lines();
    assert!(lines.len() >= MIN_CASES, "only {} cases", lines.len());
    cases::assert_all(lines.iter().map(String::as_str));
}
