//! References: `tags["Name"]`, `aws_instance.web[0]`.

use cty::{Path, Value};

use crate::cursor::Cursor;
use crate::lex::TokenKind;
use crate::literal;
use crate::syntax::{Expression, File, Source};

/// Reads a reference whose keys are all literal; `None` for every other expression.
pub(crate) fn path(file: &File, expression: &Expression) -> Option<Path> {
    let tokens = match expression.written() {
        Source::Native { tokens, .. } => tokens.clone(),
        Source::Json(value) => {
            // In JSON a reference is written as a string.
            let (inner, problems) = File::parse(&file.name, &format!("reference = {}", value.as_str()?));
            let attribute = inner.body.attributes.first().filter(|_| problems.is_empty())?;
            return path(&inner, &attribute.expression);
        }
    };
    let mut cursor = Cursor::new(file, tokens.clone());
    if cursor.kind() == Some(TokenKind::OpenQuote) {
        // Before version 0.12 references were written in quotes.
        let text = literal::quoted(&mut cursor).ok()?;
        let (inner, problems) = File::parse(&file.name, &format!("reference = {text}"));
        let attribute = inner.body.attributes.first().filter(|_| problems.is_empty())?;
        let is_bare = attribute.expression.json().is_none() && !inner.source(&attribute.expression).starts_with('"');
        return if is_bare && cursor.kind().is_none() { path(&inner, &attribute.expression) } else { None };
    }
    let first = cursor.text();
    cursor.take(TokenKind::Identifier)?;
    let mut found = Path::new().attr(first);
    while let Some(token) = cursor.advance() {
        let text = cursor.text();
        match token.kind {
            TokenKind::Dot if cursor.take(TokenKind::Identifier).is_some() => found = found.attr(text),
            TokenKind::Dot if cursor.take(TokenKind::Number).is_some() => {
                found = found.index(Value::from(text.parse::<u64>().ok()?));
            }
            TokenKind::OpenBracket => {
                let key = match cursor.kind()? {
                    TokenKind::OpenQuote => Value::string(literal::quoted(&mut cursor).ok()?),
                    TokenKind::Number => {
                        cursor.advance();
                        Value::from(text.parse::<u64>().ok()?)
                    }
                    _ => return None,
                };
                cursor.take(TokenKind::CloseBracket)?;
                found = found.index(key);
            }
            _ => return None,
        }
    }
    Some(found)
}
