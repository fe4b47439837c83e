//! Comments behind code, in one column where they stand line by line.

use std::ops::Range;

use crate::lex::{self, TokenKind};

/// Brings the comments behind code into columns after an edit, as `terraform fmt` does, where they all stood so before.
///
/// ```
/// use hcl::edit::with_aligned_comments;
/// let old = "a = 1 # one\nb = 2 # two\n";
/// assert_eq!(with_aligned_comments(old, "a = 100 # one\nb = 2 # two\n"), "a = 100 # one\nb = 2   # two\n");
/// assert_eq!(with_aligned_comments("a = 1  # one\n", "a = 10  # one\n"), "a = 10  # one\n");
/// ```
pub fn with_aligned_comments(old: &str, new: &str) -> String {
    let is_aligned = |blanks: &(Range<usize>, usize)| blanks.0.len() == blanks.1;
    if !blanks(old).iter().all(is_aligned) {
        return new.to_owned();
    }
    let mut aligned = new.to_owned();
    for (range, width) in blanks(new).into_iter().rev() {
        aligned.replace_range(range, &" ".repeat(width));
    }
    aligned
}

/// Gives the blanks before each comment behind code, with how many are wanted there.
fn blanks(text: &str) -> Vec<(Range<usize>, usize)> {
    let mut found = Vec::new();
    let mut chain: Vec<(Range<usize>, usize)> = Vec::new();
    let mut close = |chain: &mut Vec<(Range<usize>, usize)>| {
        let widest = chain.iter().map(|(_, width)| *width).max().unwrap_or(0);
        found.extend(chain.drain(..).map(|(range, width)| (range, widest - width + 1)));
    };
    let (mut line_start, mut code_end) = (0, None);
    let mut n_heredocs = 0_usize;
    for token in lex::tokenize(text) {
        match token.kind {
            TokenKind::OpenHeredoc => n_heredocs += 1,
            TokenKind::CloseHeredoc => n_heredocs = n_heredocs.saturating_sub(1),
            _ => {}
        }
        let source = &text[token.range()];
        let ends_line = source.ends_with('\n') && n_heredocs == 0;
        if token.kind == TokenKind::Comment {
            let is_to_end = ends_line || text[token.end()..].starts_with(['\n', '\r']) || token.end() == text.len();
            match code_end {
                Some(end) if is_to_end && !source.trim_end().contains('\n') => {
                    chain.push((end..token.start(), text[line_start..end].chars().count()));
                    code_end = None;
                    if ends_line {
                        line_start = token.end();
                        continue;
                    }
                    // The line end that follows closes no chain.
                    line_start = usize::MAX;
                    continue;
                }
                _ => {}
            }
        }
        if line_start == usize::MAX && token.kind == TokenKind::Newline {
            line_start = token.end();
            continue;
        }
        if !matches!(token.kind, TokenKind::Whitespace | TokenKind::Newline | TokenKind::Comment) {
            code_end = Some(token.end());
        }
        if let Some(last) = source.rfind('\n') {
            close(&mut chain);
            line_start = token.start() + last + 1;
            if ends_line {
                code_end = None;
            }
        }
    }
    close(&mut chain);
    found
}

#[cfg(test)]
mod tests {
    use super::with_aligned_comments;

    #[test]
    fn only_lines_that_follow_each_other_have_a_column() {
        let old = "a = 1 # one\n\nbcd = 2 # two\n# alone\ne = 3 # three\n";
        let new = "a = 1000 # one\n\nbcd = 2 # two\n# alone\ne = 3 # three\n";
        assert_eq!(with_aligned_comments(old, new), new);
        let old = "x {\n  a = 1 # one\n  b = [ # two\n    1,\n  ]\n}\n";
        let new = "x {\n  a = 123 # one\n  b = [ # two\n    1,\n  ]\n}\n";
        assert_eq!(with_aligned_comments(old, new), "x {\n  a = 123 # one\n  b = [   # two\n    1,\n  ]\n}\n");
    }

    #[test]
    fn heredocs_hold_no_comments() {
        let old = "a = <<EOT\nb # c\nde   # f\nEOT\ng = 1 // h\n";
        assert_eq!(with_aligned_comments(old, old), old);
        assert_eq!(with_aligned_comments("a = 1 /* b */\nc = 22 /* d */\n", "x"), "x");
    }
}
