//! What a process wrote last to standard error, cut to what matters.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The most lines that are kept of the end.
const MAX_LINES: usize = 20;
/// The most characters that are kept of a line.
const MAX_LINE: usize = 1_000;
/// The most lines that are kept from the beginning of a panic: what follows are the stacks of everything that ran.
const MAX_PANIC: usize = 12;
/// The lines of the end that are told beside a panic.
const LINES_AFTER_PANIC: usize = 3;

/// The last lines a process wrote to standard error, and the first of its last panic.
#[derive(Clone, Default)]
pub(super) struct LastLines(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    panic: Vec<String>,
    n_since_panic: usize,
    end: VecDeque<String>,
}

/// Tells whether Go's or Rust's runtime begins with this line to say why it ends.
fn begins_a_panic(line: &str) -> bool {
    line.starts_with("panic: ")
        || line.starts_with("fatal error: ")
        || line.starts_with("thread '") && line.contains("panicked at")
}

impl LastLines {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = &mut *lines;
        let cut: String = line.chars().take(MAX_LINE).collect();
        if begins_a_panic(line) {
            lines.panic.clear();
            lines.n_since_panic = 0;
        }
        if begins_a_panic(line) || !lines.panic.is_empty() {
            lines.n_since_panic += 1;
            if lines.panic.len() < MAX_PANIC {
                lines.panic.push(cut.clone());
            }
        }
        if lines.end.len() == MAX_LINES {
            lines.end.pop_front();
        }
        lines.end.push_back(cut);
    }

    /// Gives them as a sentence; empty where there are none.
    pub(super) fn sentence(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told: Vec<&str> = if lines.panic.is_empty() {
            lines.end.iter().map(String::as_str).collect()
        } else {
            let n_more = lines.n_since_panic - lines.panic.len();
            let n_after = n_more.min(LINES_AFTER_PANIC);
            let after = lines.end.iter().skip(lines.end.len() - n_after).map(String::as_str);
            let gap = (n_more > n_after).then_some("…");
            lines.panic.iter().map(String::as_str).chain(gap).chain(after).collect()
        };
        if told.is_empty() { String::new() } else { format!("It last wrote:\n{}", told.join("\n")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_panic_the_end_is_told() {
        let lines = LastLines::default();
        assert_eq!(lines.sentence(), "");
        for index in 0..100 {
            lines.push(&format!("line {index}"));
        }
        let sentence = lines.sentence();
        assert!(sentence.starts_with("It last wrote:\nline 80\n") && sentence.ends_with("\nline 99"), "{sentence}");
    }

    #[test]
    fn of_a_panic_its_beginning_is_told() {
        let lines = LastLines::default();
        lines.push("2026-01-01 [INFO] at work");
        lines.push("panic: runtime error: invalid memory address or nil pointer dereference");
        lines.push("[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]");
        lines.push("goroutine 1 [running]:");
        for index in 0..500 {
            lines.push(&format!("\tframe {index}"));
        }
        let sentence = lines.sentence();
        assert!(sentence.starts_with("It last wrote:\npanic: runtime error: invalid memory"), "{sentence}");
        assert!(sentence.contains("goroutine 1") && sentence.contains("\n…\n") && sentence.ends_with("frame 499"));
        assert!(!sentence.contains("at work") && sentence.lines().count() == 1 + MAX_PANIC + 1 + LINES_AFTER_PANIC);
    }

    #[test]
    fn of_two_panics_the_last_is_told_and_long_lines_are_cut() {
        let lines = LastLines::default();
        lines.push("panic: recovered long ago");
        lines.push("fatal error: concurrent map writes");
        lines.push(&"x".repeat(100_000));
        let sentence = lines.sentence();
        assert!(!sentence.contains("long ago") && sentence.contains("concurrent map writes"), "{sentence}");
        assert!(sentence.len() < 1_200, "{}", sentence.len());
    }
}
