//! Source text on one line.

use crate::lex::{self, TokenKind};

/// How many characters of an expression are kept.
const MAX_SOURCE: usize = 240;

/// Writes an expression on one line: without comments, heredocs by their markers alone, cut where it is long.
pub(super) fn on_one_line(text: &str) -> String {
    let mut line = String::new();
    let mut n_heredocs = 0_usize;
    for token in lex::tokenize(text) {
        let part = &text[token.range()];
        match token.kind {
            TokenKind::OpenHeredoc => {
                if n_heredocs == 0 {
                    line.push_str(part.trim_end());
                    line.push('…');
                }
                n_heredocs += 1;
            }
            TokenKind::CloseHeredoc => n_heredocs = n_heredocs.saturating_sub(1),
            _ if n_heredocs > 0 => {}
            TokenKind::Comment | TokenKind::ByteOrderMark => {}
            TokenKind::Whitespace | TokenKind::Newline => {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            _ => line.push_str(part),
        }
        if line.len() > MAX_SOURCE {
            break;
        }
    }
    let line = line.trim_end();
    match line.char_indices().nth(MAX_SOURCE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Writes an expression without the texts and numbers that stand in it.
///
/// ```
/// assert_eq!(hcl::trace::without_literals("join(\"-\", [var.a, \"b${var.c}\"])"), "join(\"…\", [var.a, \"…${var.c}\"])");
/// ```
pub fn without_literals(source: &str) -> String {
    let hide = |kind: TokenKind| matches!(kind, TokenKind::Text | TokenKind::Number | TokenKind::Invalid);
    lex::tokenize(source).iter().map(|token| if hide(token.kind) { "…" } else { &source[token.range()] }).collect()
}
