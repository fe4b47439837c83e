//! The values of expressions that need no evaluation: texts, numbers, bools, null, and lists and objects of those.

use std::collections::BTreeMap;
use std::ops::Range;

use cty::{Number, Type, Value};
use model::Span;

use crate::cursor::Cursor;
use crate::lex::TokenKind;
use crate::syntax::{Expression, File, Source};

/// How deep lists and objects may nest.
const MAX_DEPTH: usize = 100;

/// Says that an expression is not a literal: what it is can only be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a literal: {reason}")]
pub struct NotLiteral {
    /// What stands in the way, as a clause.
    pub reason: String,
    /// Where it is.
    pub span: Span,
}

/// Decodes an expression.
pub(crate) fn decode(file: &File, expression: &Expression) -> Result<Value, NotLiteral> {
    decode_at(file, expression, 0)
}

fn decode_at(file: &File, expression: &Expression, depth: usize) -> Result<Value, NotLiteral> {
    let fail = |reason: &str| NotLiteral { reason: reason.to_owned(), span: file.expression_span(expression) };
    if depth > MAX_DEPTH {
        return Err(fail("lists and objects are nested too deep"));
    }
    let tokens = match expression.written() {
        Source::Json(value) => return decode_json(file, value, depth),
        Source::Native { tokens, .. } => tokens.clone(),
    };
    if let Some(elements) = elements(file, expression) {
        let values = elements.iter().map(|element| decode_at(file, element, depth + 1));
        return Ok(Value::tuple(values.collect::<Result<_, _>>()?));
    }
    if let Some(entries) = entries(file, expression) {
        let mut attributes = BTreeMap::new();
        for (name, expression) in entries? {
            attributes.insert(name, decode_at(file, &expression, depth + 1)?);
        }
        return Ok(Value::object(attributes));
    }
    let mut cursor = Cursor::new(file, tokens);
    cursor.skip_newlines();
    let value = match (cursor.kind(), cursor.text()) {
        (Some(TokenKind::OpenQuote), _) => Value::string(quoted(&mut cursor)?),
        (Some(TokenKind::OpenHeredoc), _) => Value::string(heredoc(&mut cursor)?),
        (Some(TokenKind::Number), text) => {
            cursor.advance();
            number(text).ok_or_else(|| fail("the number is too large"))?
        }
        (Some(TokenKind::Operator), "-") => {
            cursor.advance();
            let text = cursor.text();
            if cursor.take(TokenKind::Number).is_none() {
                return Err(fail("it must be evaluated"));
            }
            number(&format!("-{text}")).ok_or_else(|| fail("the number is too large"))?
        }
        (Some(TokenKind::Identifier), word @ ("true" | "false" | "null")) => {
            cursor.advance();
            if word == "null" { Value::null(Type::Dynamic) } else { Value::bool(word == "true") }
        }
        _ => return Err(fail("it must be evaluated")),
    };
    cursor.skip_newlines();
    if cursor.kind().is_some() { Err(fail("it must be evaluated")) } else { Ok(value) }
}

fn number(text: &str) -> Option<Value> {
    Number::parse(text).ok().map(Value::number)
}

fn decode_json(file: &File, value: &Value, depth: usize) -> Result<Value, NotLiteral> {
    let fail = |reason: &str| NotLiteral { reason: reason.to_owned(), span: file.span(&(0..0)) };
    if depth > MAX_DEPTH {
        return Err(fail("lists and objects are nested too deep"));
    }
    if let Some(text) = value.as_str() {
        return unescape_template(text).map(Value::string).ok_or_else(|| fail("it must be evaluated"));
    }
    match value.ty() {
        Type::Tuple(_) => {
            let values = value.elements().map(|element| decode_json(file, element, depth + 1));
            Ok(Value::tuple(values.collect::<Result<_, _>>()?))
        }
        Type::Object(_) => {
            let mut attributes = BTreeMap::new();
            for (name, element) in value.entries() {
                attributes.insert(name.to_owned(), decode_json(file, element, depth + 1)?);
            }
            Ok(Value::object(attributes))
        }
        _ => Ok(value.clone()),
    }
}

/// Splits a list into its elements; `None` where the expression is not a list.
pub(crate) fn elements(file: &File, expression: &Expression) -> Option<Vec<Expression>> {
    match expression.written() {
        Source::Json(value) if matches!(value.ty(), Type::Tuple(_)) => {
            Some(value.elements().cloned().map(Expression::of_json).collect())
        }
        Source::Json(_) => None,
        Source::Native { tokens, .. } => {
            let inner = enclosed(file, tokens, TokenKind::OpenBracket, TokenKind::CloseBracket)?;
            Some(split(file, inner, |kind| kind == TokenKind::Comma))
        }
    }
}

/// Splits an object into its entries; `None` where the expression is not an object.
pub(crate) fn entries(file: &File, expression: &Expression) -> Option<Result<Vec<(String, Expression)>, NotLiteral>> {
    let tokens = match expression.written() {
        Source::Json(value) if value.ty().as_object().is_some() => {
            let entries = value.entries().map(|(name, value)| (name.to_owned(), Expression::of_json(value.clone())));
            return Some(Ok(entries.collect()));
        }
        Source::Json(_) => return None,
        Source::Native { tokens, .. } => tokens,
    };
    let inner = enclosed(file, tokens, TokenKind::OpenBrace, TokenKind::CloseBrace)?;
    let items = split(file, inner, |kind| matches!(kind, TokenKind::Comma | TokenKind::Newline));
    Some(items.iter().map(|item| entry(file, item)).collect())
}

fn entry(file: &File, item: &Expression) -> Result<(String, Expression), NotLiteral> {
    let Source::Native { tokens, range } = item.written() else {
        return Err(NotLiteral { reason: "it must be evaluated".to_owned(), span: file.expression_span(item) });
    };
    let fail = || NotLiteral { reason: "its keys must be evaluated".to_owned(), span: file.span(range) };
    let mut cursor = Cursor::new(file, tokens.clone());
    let text = cursor.text();
    let name = match cursor.kind() {
        Some(TokenKind::Identifier) => {
            cursor.advance();
            text.to_owned()
        }
        Some(TokenKind::Number) => {
            cursor.advance();
            Number::parse(text).map_err(|_| fail())?.to_string()
        }
        Some(TokenKind::OpenQuote) => quoted(&mut cursor)?,
        _ => return Err(fail()),
    };
    if cursor.take(TokenKind::Equal).or_else(|| cursor.take(TokenKind::Colon)).is_none() {
        return Err(fail());
    }
    Ok((name, trimmed(file, cursor.at..tokens.end)))
}

/// Gives the tokens between two brackets that enclose the whole expression.
fn enclosed(file: &File, tokens: &Range<usize>, open: TokenKind, close: TokenKind) -> Option<Range<usize>> {
    let is_content = |kind: TokenKind| !kind.is_trivia() && kind != TokenKind::Newline;
    let all = &file.tokens[tokens.clone()];
    let first = all.iter().position(|token| is_content(token.kind))?;
    let last = all.iter().rposition(|token| is_content(token.kind))?;
    if all[first].kind != open || all[last].kind != close || first == last {
        return None;
    }
    // The last bracket must be the one that closes the first.
    let mut depth = 0_usize;
    for (index, token) in all.iter().enumerate() {
        depth = (depth + usize::from(opens(token.kind))).saturating_sub(usize::from(closes(token.kind)));
        if depth == 0 && index >= first && index < last {
            return None;
        }
    }
    Some(tokens.start + first + 1..tokens.start + last)
}

/// Splits tokens at separators that no bracket encloses; empty pieces are left out.
fn split(file: &File, tokens: Range<usize>, is_separator: impl Fn(TokenKind) -> bool) -> Vec<Expression> {
    let mut pieces = Vec::new();
    let mut depth = 0_usize;
    let mut start = tokens.start;
    for index in tokens.clone() {
        let kind = file.tokens[index].kind;
        if depth == 0 && is_separator(kind) {
            pieces.push(trimmed(file, start..index));
            start = index + 1;
        }
        depth = (depth + usize::from(opens(kind))).saturating_sub(usize::from(closes(kind)));
    }
    pieces.push(trimmed(file, start..tokens.end));
    pieces.retain(|piece| !matches!(piece.written(), Source::Native { tokens, .. } if tokens.is_empty()));
    pieces
}

/// Makes an expression of tokens, without what separates at both ends.
fn trimmed(file: &File, tokens: Range<usize>) -> Expression {
    let is_content = |index: &usize| {
        let kind = file.tokens[*index].kind;
        !kind.is_trivia() && kind != TokenKind::Newline
    };
    let Some(first) = tokens.clone().find(is_content) else {
        let at = file.tokens.get(tokens.start).map_or(file.text.len(), |token| token.range.start);
        return Expression::native(at..at, tokens.start..tokens.start);
    };
    let last = tokens.rev().find(is_content).unwrap_or(first);
    let range = file.tokens[first].range.start..file.tokens[last].range.end;
    Expression::native(range, first..last + 1)
}

fn opens(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::OpenBrace | TokenKind::OpenBracket | TokenKind::OpenParenthesis | TokenKind::OpenTemplate)
}

fn closes(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::CloseBrace | TokenKind::CloseBracket | TokenKind::CloseParenthesis | TokenKind::CloseTemplate
    )
}

/// Takes a string in quotes, and gives its text.
pub(crate) fn quoted(cursor: &mut Cursor<'_>) -> Result<String, NotLiteral> {
    let file = cursor.file;
    let start = cursor.range();
    let fail = |reason: &str| NotLiteral { reason: reason.to_owned(), span: file.span(&start) };
    cursor.take(TokenKind::OpenQuote).ok_or_else(|| fail("a string in quotes must stand here"))?;
    let mut text = String::new();
    loop {
        match cursor.kind() {
            Some(TokenKind::Text) => unescape_quoted(cursor.text(), &mut text).map_err(|reason| fail(&reason))?,
            Some(TokenKind::CloseQuote) => {
                cursor.advance();
                return Ok(text);
            }
            Some(TokenKind::OpenTemplate) => return Err(fail("it holds an interpolation")),
            _ => return Err(fail("the closing quote is missing")),
        }
        cursor.advance();
    }
}

fn heredoc(cursor: &mut Cursor<'_>) -> Result<String, NotLiteral> {
    let file = cursor.file;
    let start = cursor.range();
    let fail = |reason: &str| NotLiteral { reason: reason.to_owned(), span: file.span(&start) };
    let is_flush = cursor.text().starts_with("<<-");
    cursor.advance();
    let mut lines = vec![String::new()];
    loop {
        match cursor.kind() {
            Some(TokenKind::Text) => {
                let text = unescape_template(cursor.text()).unwrap_or_default();
                let is_line_end = text.ends_with('\n');
                lines.iter_mut().next_back().map(|line| line.push_str(&text)).unwrap_or_default();
                if is_line_end {
                    lines.push(String::new());
                }
            }
            Some(TokenKind::CloseHeredoc) => break,
            Some(TokenKind::OpenTemplate) => return Err(fail("it holds an interpolation")),
            _ => return Err(fail("the line that closes it is missing")),
        }
        cursor.advance();
    }
    cursor.advance();
    if is_flush {
        let is_blank = |line: &str| line.trim_start().is_empty();
        let indent = |line: &String| line.chars().take_while(|c| c.is_whitespace()).count();
        let n_common = lines.iter().filter(|line| !is_blank(line)).map(indent).min().unwrap_or(0);
        for line in lines.iter_mut().filter(|line| !is_blank(line)) {
            *line = line.chars().skip(n_common).collect();
        }
    }
    Ok(lines.concat())
}

/// Resolves the escapes of text in quotes.
///
/// Source: the "HCL Native Syntax Specification", section "Template Expressions".
pub(crate) fn unescape_quoted(text: &str, out: &mut String) -> Result<(), String> {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if (c == '$' || c == '%') && rest.starts_with(c) && rest[1..].starts_with('{') {
            out.push(c);
            out.push('{');
            rest = &rest[2..];
            continue;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = rest.chars().next();
        rest = &rest[escape.map_or(0, char::len_utf8)..];
        match escape {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(c @ ('"' | '\\')) => out.push(c),
            Some(c @ ('u' | 'U')) => {
                let n_digits = if c == 'u' { 4 } else { 8 };
                let digits = rest.get(..n_digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let found = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
                out.push(found.ok_or_else(|| format!("`\\{c}` must be followed by {n_digits} hexadecimal digits"))?);
                rest = &rest[n_digits..];
            }
            Some(c) => return Err(format!("the escape `\\{c}` does not exist")),
            None => return Err("a backslash must be followed by what it escapes".to_owned()),
        }
    }
    Ok(())
}

/// Resolves `$${` and `%%{` in text that is known to hold no interpolation or directive.
pub(crate) fn unescape_text(text: &str) -> String {
    unescape_template(text).unwrap_or_else(|| text.to_owned())
}

/// Resolves `$${` and `%%{`; `None` where the text holds an interpolation or directive.
fn unescape_template(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        out.push(c);
        if c == '$' || c == '%' {
            if rest.starts_with('{') {
                return None;
            }
            if rest.starts_with(c) && rest[1..].starts_with('{') {
                out.push('{');
                rest = &rest[2..];
            }
        }
    }
    Some(out)
}
