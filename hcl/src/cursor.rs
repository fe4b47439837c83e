//! A place among the tokens of a file.

use std::ops::Range;

use crate::lex::{Token, TokenKind};
use crate::syntax::File;

/// Goes through a range of tokens, stepping over blanks and comments.
#[derive(Clone)]
pub(crate) struct Cursor<'f> {
    pub(crate) file: &'f File,
    /// The index of the next token.
    pub(crate) at: usize,
    end: usize,
}

impl<'f> Cursor<'f> {
    pub(crate) fn new(file: &'f File, tokens: Range<usize>) -> Self {
        let mut cursor = Self { file, at: tokens.start, end: tokens.end.min(file.tokens.len()) };
        cursor.skip_trivia();
        cursor
    }

    fn skip_trivia(&mut self) {
        while self.token().is_some_and(|token| token.kind.is_trivia()) {
            self.at += 1;
        }
    }

    pub(crate) fn token(&self) -> Option<&'f Token> {
        self.file.tokens[..self.end].get(self.at)
    }

    pub(crate) fn kind(&self) -> Option<TokenKind> {
        self.token().map(|token| token.kind)
    }

    pub(crate) fn text(&self) -> &'f str {
        self.token().map_or("", |token| &self.file.text[token.range.clone()])
    }

    /// Gives where the next token is; at the end, the end.
    pub(crate) fn range(&self) -> Range<usize> {
        let end = self.file.tokens[..self.end].last().map_or(0, |token| token.range.end);
        self.token().map_or(end..end, |token| token.range.clone())
    }

    /// Takes the next token, and steps over blanks and comments behind it.
    pub(crate) fn advance(&mut self) -> Option<&'f Token> {
        let token = self.token()?;
        self.at += 1;
        self.skip_trivia();
        Some(token)
    }

    /// Takes the next token if it is of this kind.
    pub(crate) fn take(&mut self, kind: TokenKind) -> Option<&'f Token> {
        if self.kind() == Some(kind) { self.advance() } else { None }
    }

    pub(crate) fn skip_newlines(&mut self) {
        while self.take(TokenKind::Newline).is_some() {}
    }
}
