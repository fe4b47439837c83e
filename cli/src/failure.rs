//! Errors and diagnostics on standard error: what, where, and what to do next.

use std::io::Write as _;

use model::{Diagnostic, Severity};

/// Prints why a command gave no answer.
pub(crate) fn print(error: &anyhow::Error) {
    let mut text = format!("error: {error}\n");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(&format!("  because: {cause_text}\n"));
        }
        source = cause.source();
    }
    if let Some(engine_error) = error.downcast_ref::<engine::Error>() {
        for diagnostic in engine_error.diagnostics() {
            text.push_str(&lines(diagnostic));
        }
        for help in engine_error.help() {
            text.push_str(&format!("  help: {help}\n"));
        }
    }
    write(&text);
}

/// Prints problems that came with an answer.
pub(crate) fn print_diagnostics(diagnostics: &[Diagnostic]) {
    let text: String = diagnostics.iter().map(lines).collect();
    write(&text);
}

/// Prints one line for a person, such as where something was written.
pub(crate) fn note(text: &str) {
    write(&format!("{text}\n"));
}

fn write(text: &str) {
    // Nothing can be done where standard error is closed.
    let _ = std::io::stderr().write_all(printable(text).as_bytes());
}

fn lines(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!("{severity}: {} [{}]\n", diagnostic.summary, diagnostic.code);
    if let Some(span) = &diagnostic.span {
        text.push_str(&format!("  at {}:{}:{}\n", span.file, span.start.line, span.start.column));
    }
    if let Some(address) = &diagnostic.address {
        text.push_str(&format!("  on {address}\n"));
    }
    text.push_str(&format!("  {}\n", diagnostic.detail));
    for help in &diagnostic.help {
        text.push_str(&format!("  help: {help}\n"));
    }
    text
}

/// Escapes what is not text, line by line, so that no input can drive the terminal or the workflow that reads along.
fn printable(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => report::text::escape_controls(line).into_owned() + "\n",
            None => report::text::escape_controls(line).into_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\n");
        assert_eq!(printable("error: a\n::stop-commands::b"), "error: a\n\\u{3a}:stop-commands::b");
    }
}
