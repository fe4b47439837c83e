//! Templates: text with interpolations and directives.

use std::ops::Range;

use cty::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::parser::{Parsed, Parser};
use super::{For, Node, NodeKind, Place};
use crate::lex::TokenKind;
use crate::literal;
use crate::syntax::File;

/// How deep directives may nest.
const MAX_NESTED: usize = 100;

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

/// Reads a string in quotes; the first quote is taken.
pub(super) fn quoted(parser: &mut Parser<'_>, start: usize) -> Parsed {
    let (pieces, height) = pieces(parser, Some(TokenKind::CloseQuote), |text| {
        let mut out = String::with_capacity(text.len());
        literal::unescape_quoted(text, &mut out).map(|()| out)
    })?;
    assemble(parser, start, pieces, height)
}

/// Reads a heredoc.
pub(super) fn heredoc(parser: &mut Parser<'_>) -> Parsed {
    let start = parser.range().start;
    let is_flush = parser.text().starts_with("<<-");
    parser.advance();
    let (mut pieces, height) =
        pieces(parser, Some(TokenKind::CloseHeredoc), |text| Ok(literal::unescape_text(text).into_owned()))?;
    if is_flush {
        flush(&mut pieces);
    }
    assemble(parser, start, pieces, height)
}

/// Reads a whole text as a template.
pub(super) fn bare(file: &File, place: Option<Place<'_>>) -> Parsed {
    let mut parser = Parser::new(file, place);
    let (pieces, height) = pieces(&mut parser, None, |text| Ok(literal::unescape_text(text).into_owned()))?;
    assemble(&mut parser, 0, pieces, height)
}

/// Reads pieces up to the token that ends the template, and takes that; gives how many levels the highest has.
fn pieces(
    parser: &mut Parser<'_>,
    end: Option<TokenKind>,
    unescape: impl Fn(&str) -> Result<String, String>,
) -> Parsed<(Vec<Piece>, usize)> {
    let mut pieces = Vec::new();
    let mut height = 0;
    let mut strips_next = false;
    loop {
        let strips = std::mem::take(&mut strips_next);
        let Some(token) = parser.raw() else {
            return match end {
                None => Ok((pieces, height)),
                Some(_) => Err(parser.unexpected("The end of this text is missing")),
            };
        };
        if Some(token.kind) == end {
            parser.advance();
            return Ok((pieces, height));
        }
        let source = parser.text_of(token);
        match token.kind {
            TokenKind::Text => {
                parser.advance();
                let mut text = unescape(source).map_err(|reason| {
                    parser.fail(token.range(), "Invalid escape sequence", format!("In this text {reason}."))
                })?;
                if strips {
                    text.replace_range(..text.len() - text.trim_start().len(), "");
                }
                pieces.push(Piece::Text { text, range: token.range() });
            }
            TokenKind::OpenTemplate => {
                parser.advance();
                if let (true, Some(Piece::Text { text, .. })) = (source.ends_with('~'), pieces.last_mut()) {
                    text.truncate(text.trim_end().len());
                }
                let is_directive = source.starts_with('%');
                let start = token.range().start;
                let piece = parser.within(false, |parser| {
                    let piece = if is_directive {
                        directive(parser, start)?
                    } else {
                        Piece::Interpolation(parser.expression()?)
                    };
                    match parser.token() {
                        Some(close) if close.kind == TokenKind::CloseTemplate => {
                            strips_next = parser.text_of(close).starts_with('~');
                            parser.advance();
                            Ok(piece)
                        }
                        _ => Err(parser.unexpected(
                            "`}` must close what began here; where the text is meant for another language, write `$${` or `%%{`",
                        )),
                    }
                })?;
                height = height.max(parser.height());
                pieces.push(piece);
            }
            _ => return Err(parser.unexpected("The end of this text is missing")),
        }
    }
}

fn directive(parser: &mut Parser<'_>, start: usize) -> Parsed<Piece> {
    let range = start..start + 2;
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

/// Makes one node of all pieces, the highest of which has this many levels.
fn assemble(parser: &mut Parser<'_>, start: usize, mut pieces: Vec<Piece>, height: usize) -> Parsed {
    if pieces.len() == 1 {
        match pieces.remove(0) {
            Piece::Interpolation(inner) => return parser.branch(start, height, NodeKind::Wrapped(Box::new(inner))),
            Piece::Text { text, .. } => {
                return parser.branch(start, 0, NodeKind::Literal(Value::string(text)));
            }
            other => pieces.push(other),
        }
    }
    let mut pieces = pieces.into_iter();
    let mut n_directives = 0;
    let (parts, end) = sequence(parser, &mut pieces, 0, &mut n_directives)?;
    if let Some(end) = end {
        let range = end.range();
        return Err(parser.fail(range, "Invalid template", format!("Nothing is open that `{}` ends.", end.word())));
    }
    match parts.as_slice() {
        [] => parser.branch(start, 0, NodeKind::Literal(Value::string(""))),
        [Node { kind: NodeKind::Literal(text), .. }] if text.as_str().is_some() => {
            let text = text.clone();
            parser.branch(start, 0, NodeKind::Literal(text))
        }
        // Each directive makes three nodes, one in the other.
        _ => parser.branch(start, height + 3 * n_directives, NodeKind::Template(parts)),
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
    deepest: &mut usize,
) -> Parsed<(Vec<Node>, Option<End>)> {
    *deepest = depth.max(*deepest);
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
            let detail = format!("Directives may nest {MAX_NESTED} levels deep.");
            parser.fail(range.clone(), "Expression nested too deep", detail)
        };
        match piece {
            Piece::Text { .. } => {}
            Piece::Interpolation(node) => parts.push(node),
            Piece::Else(range) => return Ok((parts, Some(End::Else(range)))),
            Piece::EndIf(range) => return Ok((parts, Some(End::If(range)))),
            Piece::EndFor(range) => return Ok((parts, Some(End::For(range)))),
            Piece::If { range, .. } | Piece::For { range, .. } if depth >= MAX_NESTED => return Err(too_deep(&range)),
            Piece::If { condition, range } => {
                let (yes, mut end) = sequence(parser, pieces, depth + 1, deepest)?;
                let mut no = Vec::new();
                if matches!(end, Some(End::Else(_))) {
                    (no, end) = sequence(parser, pieces, depth + 1, deepest)?;
                }
                if !matches!(end, Some(End::If(_))) {
                    let detail = "This `%{ if }` needs an `%{ endif }`, after at most one `%{ else }`.";
                    return Err(parser.fail(range, "Invalid template", detail));
                }
                let range = parser.placed(range);
                let part = |nodes: Vec<Node>| Box::new(Node { kind: NodeKind::Template(nodes), range: range.clone() });
                let kind = NodeKind::Conditional { condition: Box::new(condition), yes: part(yes), no: part(no) };
                parts.push(Node { kind, range });
            }
            Piece::For { key_name, value_name, collection, range } => {
                let (body, end) = sequence(parser, pieces, depth + 1, deepest)?;
                if !matches!(end, Some(End::For(_))) {
                    let detail = "This `%{ for }` needs an `%{ endfor }`.";
                    return Err(parser.fail(range, "Invalid template", detail));
                }
                let range = parser.placed(range);
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
