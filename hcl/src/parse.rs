//! From tokens to structure, past every mistake that can be passed.

use std::ops::Range;
use std::sync::Arc;

use model::{Diagnostic, Diagnostics};

use crate::expression::parser::Parser;
use crate::lex::TokenKind;
use crate::literal;
use crate::syntax::{AttributeSyntax, BlockSyntax, Body, Expression, File};

/// How deep blocks may nest.
const MAX_DEPTH: usize = 500;
/// How many problems of one file are reported.
const MAX_PROBLEMS: usize = 100;

/// Reads the structure of a file whose tokens are known, and the trees of its expressions.
pub(crate) fn parse(file: &File, diagnostics: &mut Diagnostics) -> Body {
    let mut reader = Reader {
        file,
        parser: Parser::new(file, None),
        diagnostics,
        n_invalid: 0,
        is_unclosed: false,
        is_one_line: false,
    };
    reader.invalid_tokens();
    let body = reader.body(None, 0);
    diagnostics.sort_by_key(|problem| problem.span.as_ref().map_or(0, |span| span.start.byte));
    diagnostics.truncate(MAX_PROBLEMS);
    body
}

struct Reader<'f, 'd> {
    file: &'f File,
    parser: Parser<'f>,
    diagnostics: &'d mut Diagnostics,
    /// How many tokens of the file have no meaning.
    n_invalid: usize,
    /// Whether a block was found that does not end before the file does.
    is_unclosed: bool,
    /// Whether a block around begins in the line of its brace, which is reported.
    is_one_line: bool,
}

impl Reader<'_, '_> {
    fn report(&mut self, range: &Range<usize>, summary: &str, detail: impl Into<String>) {
        let problem = Diagnostic::error("invalid-configuration", summary, detail.into()).at_span(self.file.span(range));
        self.diagnostics.push(problem);
    }

    /// Says that a line should have ended before the next token.
    fn misplaced(&mut self, detail: &str) -> Box<Diagnostic> {
        let span = self.file.span(&self.parser.range());
        Box::new(Diagnostic::error("invalid-configuration", "Line end expected", detail).at_span(span))
    }

    fn invalid_tokens(&mut self) {
        let file = self.file;
        for token in file.tokens().iter().filter(|token| token.kind == TokenKind::Invalid).take(MAX_PROBLEMS) {
            let text = self.parser.text_of(token);
            let detail = match text {
                _ if text.starts_with("/*") => "This comment is never closed; write `*/` where it ends.".to_owned(),
                "'" => "Text stands in double quotes: write `\"`, not `'`.".to_owned(),
                "“" | "”" => format!("The quote {text} is typographic; write a straight one: `\"`."),
                ";" => "Arguments and blocks are separated by line ends, elements by commas; remove `;`.".to_owned(),
                "&" | "|" => format!("There is no operator `{text}`; did you mean `{text}{text}`?"),
                "~" => "There is no operator `~`; did you mean `!`?".to_owned(),
                _ => format!("The character {text:?} has no meaning here; remove it, or put it in quotes."),
            };
            self.n_invalid += 1;
            self.report(&token.range(), "Invalid character", detail);
        }
    }

    fn kind(&mut self) -> Option<TokenKind> {
        self.parser.kind()
    }

    /// Reads up to the closing brace that belongs to `open`, and takes that; without one, up to the end.
    fn body(&mut self, open: Option<&Range<usize>>, depth: usize) -> Body {
        let mut body = Body::default();
        self.items(&mut body, open, depth);
        self.duplicates(&body);
        body
    }

    /// Reports arguments that are set twice.
    fn duplicates(&mut self, body: &Body) {
        let mut attributes: Vec<&AttributeSyntax> = body.attributes.iter().collect();
        attributes.sort_by_key(|attribute| &attribute.name);
        for group in attributes.chunk_by(|one, other| one.name == other.name).filter(|group| group.len() > 1) {
            let line = self.file.span(&group[0].range).start.line;
            for again in group[1..].iter().take(MAX_PROBLEMS) {
                let name = &again.name;
                let detail = format!("The argument {name:?} is already set in line {line}; set it once.");
                self.report(&(again.range.start..again.range.start + name.len()), "Argument set twice", detail);
            }
        }
    }

    fn items(&mut self, body: &mut Body, open: Option<&Range<usize>>, depth: usize) {
        loop {
            while self.parser.take(TokenKind::Newline).is_some() {}
            if self.diagnostics.len() > MAX_PROBLEMS {
                // What follows tells nobody more.
                self.parser.reset(self.file.tokens().len(), self.file.text.len());
                self.is_unclosed = true;
            }
            match (self.kind(), open) {
                (None, None) => return,
                (None, Some(open)) => {
                    // One brace is missing, most likely: that of the innermost block.
                    if !std::mem::replace(&mut self.is_unclosed, true) {
                        self.report(open, "Unclosed block", "The brace that closes this block is missing.");
                    }
                    return;
                }
                (Some(TokenKind::CloseBrace), Some(_)) => return self.parser.advance(),
                (Some(TokenKind::Identifier), _) => self.item(body, depth),
                (Some(kind), _) => {
                    let (range, text) = (self.parser.range(), self.parser.text());
                    if kind != TokenKind::Invalid {
                        let detail = format!("The name of an argument or block must stand here, not {text:?}.");
                        self.report(&range, "Argument or block expected", detail);
                    }
                    // What opens here must close here, or its inside would be read as arguments.
                    let is_close = kind == TokenKind::CloseBrace;
                    self.skip_line();
                    if is_close && open.is_none() {
                        self.parser.take(TokenKind::CloseBrace);
                    }
                }
            }
        }
    }

    fn item(&mut self, body: &mut Body, depth: usize) {
        let name = self.parser.range();
        self.parser.advance();
        if self.kind() == Some(TokenKind::Equal) {
            let is_whole = self.attribute(body, name);
            if is_whole && depth > 0 && !self.is_one_line && self.kind() == Some(TokenKind::CloseBrace) {
                let range = self.parser.range();
                let detail = "An argument ends its line: the brace that closes the block needs a line of its own.";
                self.report(&range, "Line end expected", detail);
            }
            return;
        }
        let Some((labels, header)) = self.labels(&name) else { return };
        let open = self.parser.range();
        if depth >= MAX_DEPTH {
            let detail = format!("Blocks are nested more than {MAX_DEPTH} deep here.");
            self.report(&open, "Blocks nested too deep", detail);
            return self.skip_line();
        }
        self.parser.advance();
        let inner = match self.kind() {
            None | Some(TokenKind::Newline | TokenKind::CloseBrace) => self.body(Some(&open), depth + 1),
            _ => self.one_line(&open, depth + 1),
        };
        let tokens = &self.file.tokens()[..self.parser.at];
        let last = tokens.iter().rev().find(|token| !token.kind.is_trivia() && token.kind != TokenKind::Newline);
        let range = name.start..last.map_or(open.end, |token| token.range().end);
        let block_type = self.file.text[name].to_owned();
        body.blocks.push(BlockSyntax { block_type, labels, header, range, body: inner });
        if !matches!(self.kind(), None | Some(TokenKind::Newline | TokenKind::CloseBrace)) {
            let range = self.parser.range();
            self.report(&range, "Line end expected", "A block ends its line; begin another one.");
        } else if !self.is_one_line && depth > 0 && self.kind() == Some(TokenKind::CloseBrace) {
            let range = self.parser.range();
            self.report(
                &range,
                "Line end expected",
                "A block ends its line: the next brace closes in a line of its own.",
            );
        }
    }

    /// Reads `= expression` behind a name; tells whether the expression is one.
    fn attribute(&mut self, body: &mut Body, name: Range<usize>) -> bool {
        self.parser.advance();
        let text = &self.file.text[name.clone()];
        let (expression, is_whole) = self.expression();
        let range = name.start..expression.range().end.max(name.end);
        body.attributes.push(AttributeSyntax { name: text.to_owned(), range, expression });
        is_whole
    }

    /// Reads the labels behind the type of a block, up to its brace.
    fn labels(&mut self, name: &Range<usize>) -> Option<(Vec<String>, Range<usize>)> {
        let mut labels = Vec::new();
        let mut header = name.clone();
        loop {
            match self.kind() {
                Some(TokenKind::Identifier) => {
                    labels.push(self.parser.text().to_owned());
                    self.parser.advance();
                    header.end = self.parser.last_end;
                }
                Some(TokenKind::OpenQuote) => {
                    let range = self.parser.range();
                    match self.label() {
                        Ok(label) => labels.push(label),
                        Err(reason) => {
                            let detail = format!("The label of a block is plain text in quotes: {reason}.");
                            self.report(&range, "Invalid block label", detail);
                            self.skip_line();
                            return None;
                        }
                    }
                    header.end = self.parser.last_end;
                }
                Some(TokenKind::OpenBrace) => return Some((labels, header)),
                _ => {
                    let range = self.parser.range();
                    let text = &self.file.text[name.clone()];
                    let detail = format!("After {text:?}, `=` and a value, or labels and `{{` must follow.");
                    self.report(&range, "Argument or block expected", detail);
                    self.skip_line();
                    return None;
                }
            }
        }
    }

    fn label(&mut self) -> Result<String, String> {
        self.parser.advance();
        if let Some(text) = self.parser.plain_text() {
            return Ok(text.to_owned());
        }
        let mut label = String::new();
        loop {
            match self.kind() {
                Some(TokenKind::Text) => literal::unescape_quoted(self.parser.text(), &mut label)?,
                Some(TokenKind::CloseQuote) => {
                    self.parser.advance();
                    return Ok(label);
                }
                Some(TokenKind::OpenTemplate) => return Err("it holds an interpolation".to_owned()),
                _ => return Err("the closing quote is missing".to_owned()),
            }
            self.parser.advance();
        }
    }

    /// Reads the body of a block that begins in the line of its brace: one argument, and the closing brace.
    fn one_line(&mut self, open: &Range<usize>, depth: usize) -> Body {
        let mut body = Body::default();
        let name = self.parser.range();
        if self.kind() == Some(TokenKind::Identifier) {
            self.parser.advance();
            if self.kind() == Some(TokenKind::Equal) {
                let is_whole = self.attribute(&mut body, name);
                match self.kind() {
                    Some(TokenKind::CloseBrace) => {
                        self.parser.advance();
                        return body;
                    }
                    None => {}
                    Some(_) => {
                        let range = self.parser.range();
                        let detail = "The block begins in the line of its brace, so it must end in that line; otherwise \
                                      begin a line after the opening brace.";
                        if is_whole {
                            self.report(&range, "Line end expected", detail);
                        }
                    }
                }
            } else {
                let range = name.start..self.parser.range().end;
                let detail = "A block within another one begins in a line of its own.";
                self.report(&range, "Line end expected", detail);
                self.parser.reset_to(&name);
            }
        }
        let outer = std::mem::replace(&mut self.is_one_line, true);
        self.items(&mut body, Some(open), depth);
        self.is_one_line = outer;
        body
    }

    /// Reads an expression up to the line end, or to the brace that closes the block around.
    fn expression(&mut self) -> (Expression, bool) {
        let start = self.parser.range().start;
        let (at, last_end) = (self.parser.at, self.parser.last_end);
        let problem = match self.parser.expression() {
            Ok(node) => match self.kind() {
                None | Some(TokenKind::Newline | TokenKind::CloseBrace) => {
                    return (Expression::of_tree(start..self.parser.last_end, Ok(Arc::new(node))), true);
                }
                Some(TokenKind::Comma) => {
                    self.misplaced("Arguments are separated by line ends, not by commas; each has a line of its own.")
                }
                Some(_) => self.misplaced("The value of the argument ends before this, and so must its line."),
            },
            Err(problem) => problem,
        };
        // Past the mistake, to where the expression ends as its brackets say.
        let n_reported = self.diagnostics.len();
        self.parser.reset(at, last_end);
        self.balanced();
        let tokens = &self.file.tokens()[at..self.parser.at];
        let last = tokens.iter().rev().find(|token| !token.kind.is_trivia() && token.kind != TokenKind::Newline);
        let range = start..last.map_or(start, |token| token.range().end);
        let has_invalid = self.n_invalid > 0 && tokens.iter().any(|token| token.kind == TokenKind::Invalid);
        if range.is_empty() {
            let place = self.parser.range();
            self.report(&place, "Value expected", "After `=` a value must follow, in the same line.");
        } else if self.diagnostics.len() == n_reported && !has_invalid {
            self.diagnostics.push((*problem).clone());
        }
        (Expression::of_tree(range, Err(problem)), false)
    }

    /// Steps over tokens up to a line end or closing brace that no bracket encloses.
    fn balanced(&mut self) {
        let mut open: Vec<(TokenKind, Range<usize>)> = Vec::new();
        while let Some(kind) = self.kind() {
            let closes = match kind {
                TokenKind::OpenBrace
                | TokenKind::OpenBracket
                | TokenKind::OpenParenthesis
                | TokenKind::OpenTemplate
                | TokenKind::OpenQuote
                | TokenKind::OpenHeredoc => {
                    open.push((kind, self.parser.range()));
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
                        let detail = "The quote that closes this string is missing in its line.";
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
                        let (range, text) = (self.parser.range(), self.parser.text());
                        self.report(
                            &range,
                            "Unbalanced brackets",
                            format!("Nothing is open here that {text:?} closes."),
                        );
                    }
                }
            }
            self.parser.advance();
        }
        if let Some((kind, range)) = open.first() {
            let text = self.file.text[range.clone()].trim_end().to_owned();
            let detail = match kind {
                TokenKind::OpenHeredoc => {
                    let marker = text.trim_start_matches(['<', '-']);
                    format!("What {text:?} opens is never closed: a line with nothing but {marker} must follow.")
                }
                _ => format!("What {text:?} opens is never closed."),
            };
            self.report(range, "Unbalanced brackets", detail);
        }
    }

    /// Steps over the rest of a line, with everything that opens in it.
    fn skip_line(&mut self) {
        let n_reported = self.diagnostics.len();
        if self.kind() == Some(TokenKind::CloseBrace) {
            self.parser.advance();
        }
        self.balanced();
        // One message for one mistake.
        self.diagnostics.truncate(n_reported);
    }
}
