//! Templates: text with interpolations and directives.

use std::ops::Range;

use cty::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::parser::{Parsed, Parser};
use super::{For, MAX_DEPTH, Node, NodeKind};
use crate::lex::TokenKind;
use crate::literal;
use crate::syntax::File;

/// A piece of a template, before directives are matched with their ends.
enum Piece {
    Text { text: String, range: Range<usize> },
    Interpolation(Node),
    If { condition: Node, range: Range<usize> },
    Else(Range<usize>),
    EndIf(Range<usize>),
    For { key_name: Option<String>, value_name: String, collection: Node, range: Range<usize> },
    EndFor(Range<usize>),
}

/// Reads a string in quotes.
pub(super) fn quoted(parser: &mut Parser<'_>) -> Parsed {
    let start = parser.token().map_or(0, |token| token.range.start);
    parser.advance_raw();
    let pieces = pieces(parser, Some(TokenKind::CloseQuote), |text| {
        let mut out = String::with_capacity(text.len());
        literal::unescape_quoted(text, &mut out).map(|()| out)
    })?;
    assemble(parser, start, pieces)
}

/// Reads a heredoc.
pub(super) fn heredoc(parser: &mut Parser<'_>) -> Parsed {
    let start = parser.token().map_or(0, |token| token.range.start);
    let is_flush = parser.text().starts_with("<<-");
    parser.advance_raw();
    let mut pieces = pieces(parser, Some(TokenKind::CloseHeredoc), |text| Ok(literal::unescape_text(text)))?;
    if is_flush {
        flush(&mut pieces);
    }
    assemble(parser, start, pieces)
}

/// Reads a whole text as a template.
pub(super) fn bare(file: &File, place: Option<Range<usize>>) -> Parsed {
    let mut parser = Parser::new(file, 0..file.tokens().len(), place);
    let pieces = pieces(&mut parser, None, |text| Ok(literal::unescape_text(text)))?;
    assemble(&mut parser, 0, pieces)
}

/// Reads pieces up to the token that ends the template, and takes that.
fn pieces(
    parser: &mut Parser<'_>,
    end: Option<TokenKind>,
    unescape: impl Fn(&str) -> Result<String, String>,
) -> Parsed<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut strips_next = false;
    loop {
        let strips = std::mem::take(&mut strips_next);
        let Some(token) = parser.raw() else {
            return match end {
                None => Ok(pieces),
                Some(_) => Err(parser.unexpected("The end of this text is missing")),
            };
        };
        if Some(token.kind) == end {
            parser.advance_raw();
            return Ok(pieces);
        }
        let source = &parser.file.text[token.range.clone()];
        match token.kind {
            TokenKind::Text => {
                parser.advance_raw();
                let mut text = unescape(source).map_err(|reason| {
                    parser.fail(token.range.clone(), "Invalid escape sequence", format!("In this text {reason}."))
                })?;
                if strips {
                    text.replace_range(..text.len() - text.trim_start().len(), "");
                }
                pieces.push(Piece::Text { text, range: token.range.clone() });
            }
            TokenKind::OpenTemplate => {
                parser.advance_raw();
                if let (true, Some(Piece::Text { text, .. })) = (source.ends_with('~'), pieces.last_mut()) {
                    text.truncate(text.trim_end().len());
                }
                let is_directive = source.starts_with('%');
                let start = token.range.start;
                let piece = parser.within(false, |parser| {
                    let piece = if is_directive {
                        directive(parser, start)?
                    } else {
                        Piece::Interpolation(parser.expression()?)
                    };
                    match parser.token() {
                        Some(close) if close.kind == TokenKind::CloseTemplate => {
                            strips_next = parser.file.text[close.range.clone()].starts_with('~');
                            parser.advance_raw();
                            Ok(piece)
                        }
                        _ => Err(parser.unexpected("`}` must close what began here")),
                    }
                })?;
                pieces.push(piece);
            }
            _ => return Err(parser.unexpected("The end of this text is missing")),
        }
    }
}

fn directive(parser: &mut Parser<'_>, start: usize) -> Parsed<Piece> {
    let range = parser.placed(start..start + 2);
    if parser.take_keyword("if") {
        return Ok(Piece::If { condition: parser.expression()?, range });
    }
    if parser.take_keyword("for") {
        let (key_name, value_name) = parser.for_names()?;
        return Ok(Piece::For { key_name, value_name, collection: parser.expression()?, range });
    }
    for (word, piece) in
        [("else", Piece::Else as fn(Range<usize>) -> Piece), ("endif", Piece::EndIf), ("endfor", Piece::EndFor)]
    {
        if parser.take_keyword(word) {
            return Ok(piece(range));
        }
    }
    Err(parser.unexpected("`if`, `else`, `endif`, `for` or `endfor` must follow `%{`"))
}

/// Takes the indentation that all lines share from each of them.
///
/// Lines that begin with an interpolation have none; blank lines do not count.
fn flush(pieces: &mut [Piece]) {
    let mut n_shared = usize::MAX;
    let mut first_of_line = Vec::new();
    let mut is_line_start = true;
    for (index, piece) in pieces.iter().enumerate() {
        if std::mem::take(&mut is_line_start) {
            match piece {
                Piece::Text { text, .. } if text.trim_start().is_empty() && text.ends_with('\n') => {}
                Piece::Text { text, .. } => {
                    let indent = &text[..text.len() - text.trim_start().len()];
                    n_shared = n_shared.min(indent.graphemes(true).count());
                    first_of_line.push(index);
                }
                _ => n_shared = 0,
            }
        }
        if let Piece::Text { text, .. } = piece {
            is_line_start = text.ends_with('\n');
        }
    }
    for index in first_of_line {
        if let Piece::Text { text, .. } = &mut pieces[index] {
            *text = text.graphemes(true).skip(n_shared).collect();
        }
    }
}

/// Makes one node of all pieces.
fn assemble(parser: &mut Parser<'_>, start: usize, pieces: Vec<Piece>) -> Parsed {
    if pieces.len() == 1 && matches!(pieces[0], Piece::Interpolation(_)) {
        if let Some(Piece::Interpolation(inner)) = pieces.into_iter().next() {
            return Ok(parser.node(start, NodeKind::Wrapped(Box::new(inner))));
        }
        return Ok(parser.node(start, NodeKind::Template(Vec::new())));
    }
    let mut pieces = pieces.into_iter();
    let (parts, end) = sequence(parser, &mut pieces, 0)?;
    if let Some(end) = end {
        let range = end.range();
        return Err(parser.fail(range, "Invalid template", format!("Nothing is open that `{}` ends.", end.word())));
    }
    Ok(finish(parser, start, parts))
}

/// Makes a literal of parts that are all text, and a template of others.
fn finish(parser: &Parser<'_>, start: usize, mut parts: Vec<Node>) -> Node {
    match parts.as_slice() {
        [] => parser.node(start, NodeKind::Literal(Value::string(""))),
        [Node { kind: NodeKind::Literal(value), .. }] if value.as_str().is_some() => {
            let kind = parts.remove(0).kind;
            parser.node(start, kind)
        }
        _ => parser.node(start, NodeKind::Template(parts)),
    }
}

/// A directive that ends what another one opened.
enum End {
    Else(Range<usize>),
    If(Range<usize>),
    For(Range<usize>),
}

impl End {
    fn word(&self) -> &'static str {
        match self {
            Self::Else(_) => "else",
            Self::If(_) => "endif",
            Self::For(_) => "endfor",
        }
    }

    fn range(&self) -> Range<usize> {
        match self {
            Self::Else(range) | Self::If(range) | Self::For(range) => range.clone(),
        }
    }
}

/// Reads parts up to the directive that ends the sequence, or to the end of the template.
fn sequence(
    parser: &Parser<'_>,
    pieces: &mut std::vec::IntoIter<Piece>,
    depth: usize,
) -> Parsed<(Vec<Node>, Option<End>)> {
    let mut parts = Vec::new();
    // Neighboring texts are one.
    let mut text_so_far: Option<(String, Range<usize>)> = None;
    let settle = |parts: &mut Vec<Node>, text: &mut Option<(String, Range<usize>)>| {
        if let Some((text, range)) = text.take() {
            parts.push(Node { kind: NodeKind::Literal(Value::string(text)), range: parser.placed(range) });
        }
    };
    while let Some(piece) = pieces.next() {
        if let Piece::Text { text, range } = piece {
            match &mut text_so_far {
                Some((earlier, earlier_range)) => {
                    earlier.push_str(&text);
                    earlier_range.end = range.end;
                }
                None => text_so_far = Some((text, range)),
            }
            continue;
        }
        settle(&mut parts, &mut text_so_far);
        let too_deep = |range: &Range<usize>| {
            parser.fail(range.clone(), "Expression nested too deep", format!("At most {MAX_DEPTH} levels are read."))
        };
        match piece {
            Piece::Text { .. } => {}
            Piece::Interpolation(node) => parts.push(node),
            Piece::Else(range) => return Ok((parts, Some(End::Else(range)))),
            Piece::EndIf(range) => return Ok((parts, Some(End::If(range)))),
            Piece::EndFor(range) => return Ok((parts, Some(End::For(range)))),
            Piece::If { range, .. } | Piece::For { range, .. } if depth >= MAX_DEPTH => return Err(too_deep(&range)),
            Piece::If { condition, range } => {
                let (yes, mut end) = sequence(parser, pieces, depth + 1)?;
                let mut no = Vec::new();
                if matches!(end, Some(End::Else(_))) {
                    (no, end) = sequence(parser, pieces, depth + 1)?;
                }
                if !matches!(end, Some(End::If(_))) {
                    let detail = "This `%{ if }` needs an `%{ endif }`, after at most one `%{ else }`.";
                    return Err(parser.fail(range, "Invalid template", detail));
                }
                let part = |nodes: Vec<Node>| Box::new(Node { kind: NodeKind::Template(nodes), range: range.clone() });
                let kind = NodeKind::Conditional { condition: Box::new(condition), yes: part(yes), no: part(no) };
                parts.push(Node { kind, range });
            }
            Piece::For { key_name, value_name, collection, range } => {
                let (body, end) = sequence(parser, pieces, depth + 1)?;
                if !matches!(end, Some(End::For(_))) {
                    let detail = "This `%{ for }` needs an `%{ endfor }`.";
                    return Err(parser.fail(range, "Invalid template", detail));
                }
                let value = Node { kind: NodeKind::Template(body), range: range.clone() };
                let parts_of_for =
                    For { key_name, value_name, collection, key: None, value, condition: None, groups: false };
                let each = Node { kind: NodeKind::For(Box::new(parts_of_for)), range: range.clone() };
                parts.push(Node { kind: NodeKind::Joined(Box::new(each)), range });
            }
        }
    }
    settle(&mut parts, &mut text_so_far);
    Ok((parts, None))
}
