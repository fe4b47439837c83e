//! From tokens to structure, past every mistake that can be passed.

use std::ops::Range;

use model::{Diagnostic, Diagnostics};

use crate::cursor::Cursor;
use crate::lex::{Token, TokenKind};
use crate::literal;
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, Expression, File};

/// How deep blocks may nest.
const MAX_DEPTH: usize = 200;
/// How many problems of one file are reported.
const MAX_PROBLEMS: usize = 100;

/// Reads the structure of a file whose tokens are known.
pub(crate) fn parse(file: &File, diagnostics: &mut Diagnostics) -> Body {
    let mut parser = Parser { file, cursor: Cursor::new(file, 0..file.tokens.len()), diagnostics };
    parser.invalid_tokens();
    let body = parser.body(None, 0);
    parser.diagnostics.truncate(MAX_PROBLEMS);
    body
}

struct Parser<'f, 'd> {
    file: &'f File,
    cursor: Cursor<'f>,
    diagnostics: &'d mut Diagnostics,
}

impl Parser<'_, '_> {
    fn report(&mut self, range: &Range<usize>, summary: &str, detail: String) {
        let problem = Diagnostic::error("invalid-configuration", summary, detail).at_span(self.file.span(range));
        self.diagnostics.push(problem);
    }

    fn invalid_tokens(&mut self) {
        let invalid = self.file.tokens.iter().filter(|token| token.kind == TokenKind::Invalid).take(MAX_PROBLEMS);
        for token in invalid {
            let text = &self.file.text[token.range.clone()];
            let detail = if text.starts_with("/*") {
                "This comment is never closed; write `*/` where it ends.".to_owned()
            } else {
                format!("The character {text:?} has no meaning here; remove it, or put it in quotes.")
            };
            self.report(&token.range.clone(), "Invalid character", detail);
        }
    }

    /// Reads up to the closing brace that belongs to `open`, and takes that; without one, up to the end.
    fn body(&mut self, open: Option<&Range<usize>>, depth: usize) -> Body {
        let mut body = Body::default();
        loop {
            self.cursor.skip_newlines();
            match (self.cursor.kind(), open) {
                (None, None) => return body,
                (None, Some(open)) => {
                    self.report(open, "Unclosed block", "The brace that closes this block is missing.".to_owned());
                    return body;
                }
                (Some(TokenKind::CloseBrace), Some(_)) => {
                    self.cursor.advance();
                    return body;
                }
                (Some(TokenKind::Identifier), _) => self.item(&mut body, depth),
                (Some(_), _) => {
                    let (range, text) = (self.cursor.range(), self.cursor.text());
                    let detail = format!("The name of an argument or block must stand here, not {text:?}.");
                    self.report(&range, "Argument or block expected", detail);
                    // What opens here must close here, or its inside would be read as arguments.
                    let is_close = self.cursor.kind() == Some(TokenKind::CloseBrace);
                    self.skip_line();
                    if is_close && open.is_none() {
                        self.cursor.take(TokenKind::CloseBrace);
                    }
                }
            }
        }
    }

    fn item(&mut self, body: &mut Body, depth: usize) {
        let Some(name) = self.cursor.advance() else { return };
        if self.cursor.take(TokenKind::Equal).is_some() {
            let start = name.range.start;
            let name = self.file.text[name.range.clone()].to_owned();
            if let Some(first) = body.attribute(&name) {
                let line = self.file.span(&first.range).start.line;
                let detail = format!("The argument {name:?} is already set in line {line}; set it once.");
                let end = start + name.len();
                self.report(&(start..end), "Argument set twice", detail);
            }
            let expression = self.expression();
            let end = expression.range().end;
            body.attributes.push(AttributeSyntax { name, range: start..end, expression });
            return;
        }
        let mut labels = Vec::new();
        let mut header = name.range.clone();
        loop {
            match self.cursor.kind() {
                Some(TokenKind::Identifier) => {
                    labels.push(self.cursor.text().to_owned());
                    header.end = self.cursor.range().end;
                    self.cursor.advance();
                }
                Some(TokenKind::OpenQuote) => {
                    let range = self.cursor.range();
                    match literal::quoted(&mut self.cursor) {
                        Ok(label) => labels.push(label),
                        Err(problem) => {
                            let detail = format!("The label of a block is plain text in quotes: {}.", problem.reason);
                            self.report(&range, "Invalid block label", detail);
                            self.skip_line();
                            return;
                        }
                    }
                    // The closing quote is the last token that is no blank.
                    header.end = self.file.tokens[..self.cursor.at]
                        .iter()
                        .rev()
                        .find(|token| !token.kind.is_trivia())
                        .map_or(range.end, |token| token.range.end);
                }
                Some(TokenKind::OpenBrace) => break,
                _ => {
                    let range = self.cursor.range();
                    let text = &self.file.text[name.range.clone()];
                    let detail = format!("After {text:?}, `=` and a value, or labels and `{{` must follow.");
                    self.report(&range, "Argument or block expected", detail);
                    self.skip_line();
                    return;
                }
            }
        }
        let open = self.cursor.range();
        if depth >= MAX_DEPTH {
            let detail = format!("Blocks are nested more than {MAX_DEPTH} deep here.");
            self.report(&open, "Blocks nested too deep", detail);
            self.skip_line();
            return;
        }
        self.cursor.advance();
        let is_one_line = !matches!(self.cursor.kind(), None | Some(TokenKind::Newline | TokenKind::CloseBrace));
        let inner = self.body(Some(&open), depth + 1);
        if is_one_line && !self.is_one_line(&inner) {
            let detail = "An argument in the line of the brace must be the block's only one, and the block must end in \
                          that line; otherwise begin a line after the brace.";
            self.report(&open, "Line end expected", detail.to_owned());
        }
        let end = self.file.tokens[..self.cursor.at]
            .iter()
            .rev()
            .find(|token| !token.kind.is_trivia() && token.kind != TokenKind::Newline)
            .map_or(open.end, |token| token.range.end);
        let range = name.range.start..end;
        let block_type = self.file.text[name.range.clone()].to_owned();
        body.blocks.push(BlockSyntax { block_type, labels, header, range, body: inner });
        if !matches!(self.cursor.kind(), None | Some(TokenKind::Newline | TokenKind::CloseBrace)) {
            let range = self.cursor.range();
            self.report(&range, "Line end expected", "A block ends its line; begin another one.".to_owned());
        }
    }

    /// Tells whether a body, whose closing brace was taken just now, is one argument with the brace in its line.
    fn is_one_line(&self, body: &Body) -> bool {
        let ([attribute], []) = (body.attributes.as_slice(), body.blocks.as_slice()) else { return false };
        let behind = self.file.tokens[..self.cursor.at].iter().rev();
        let mut behind = behind.take_while(|token| token.range.start >= attribute.range.end);
        let mut newlines_then_brace = behind.by_ref().skip_while(|token| token.kind != TokenKind::CloseBrace);
        newlines_then_brace.all(|token| token.kind != TokenKind::Newline)
    }

    /// Takes tokens up to the line end, or to the brace that closes the block around.
    fn expression(&mut self) -> Expression {
        let start = self.cursor.at;
        let range_start = self.cursor.range().start;
        let end = self.balanced();
        let is_content = |token: &&Token| !token.kind.is_trivia() && token.kind != TokenKind::Newline;
        let last = self.file.tokens[start..end].iter().rev().find(is_content);
        let range = range_start..last.map_or(range_start, |token| token.range.end);
        if last.is_none() {
            let place = self.cursor.range();
            self.report(&place, "Value expected", "After `=` a value must follow, in the same line.".to_owned());
        }
        Expression::native(range, start..end)
    }

    /// Steps over tokens up to a line end or closing brace that no bracket encloses; gives the index of that.
    fn balanced(&mut self) -> usize {
        let mut open: Vec<(TokenKind, Range<usize>)> = Vec::new();
        while let Some(kind) = self.cursor.kind() {
            let closes = match kind {
                TokenKind::OpenBrace
                | TokenKind::OpenBracket
                | TokenKind::OpenParenthesis
                | TokenKind::OpenTemplate
                | TokenKind::OpenQuote
                | TokenKind::OpenHeredoc => {
                    open.push((kind, self.cursor.range()));
                    None
                }
                TokenKind::CloseBrace => Some(TokenKind::OpenBrace),
                TokenKind::CloseBracket => Some(TokenKind::OpenBracket),
                TokenKind::CloseParenthesis => Some(TokenKind::OpenParenthesis),
                TokenKind::CloseTemplate => Some(TokenKind::OpenTemplate),
                TokenKind::CloseQuote => Some(TokenKind::OpenQuote),
                TokenKind::CloseHeredoc => Some(TokenKind::OpenHeredoc),
                TokenKind::Newline if open.is_empty() => break,
                // A string that its line did not close.
                TokenKind::Newline if matches!(open.last(), Some((TokenKind::OpenQuote, _))) => {
                    if let Some((_, range)) = open.pop() {
                        let detail = "The quote that closes this string is missing in its line.".to_owned();
                        self.report(&range, "Unclosed string", detail);
                    }
                    continue;
                }
                _ => None,
            };
            if let Some(expected) = closes {
                match open.last() {
                    None if kind == TokenKind::CloseBrace => break,
                    Some((found, _)) if *found == expected => {
                        open.pop();
                    }
                    // Most likely the block ends here, and a bracket within was forgotten.
                    Some(_) if kind == TokenKind::CloseBrace => break,
                    _ => {
                        let (range, text) = (self.cursor.range(), self.cursor.text());
                        self.report(
                            &range,
                            "Unbalanced brackets",
                            format!("Nothing is open here that {text:?} closes."),
                        );
                    }
                }
            }
            self.cursor.advance();
        }
        if let Some((_, range)) = open.first() {
            let text = self.file.text[range.clone()].trim_end().to_owned();
            self.report(range, "Unbalanced brackets", format!("What {text:?} opens is never closed."));
        }
        self.cursor.at
    }

    /// Steps over the rest of a line, with everything that opens in it.
    fn skip_line(&mut self) {
        let n_reported = self.diagnostics.len();
        if self.cursor.kind() == Some(TokenKind::CloseBrace) {
            self.cursor.advance();
        }
        self.balanced();
        // One message for one mistake.
        self.diagnostics.truncate(n_reported);
    }
}
