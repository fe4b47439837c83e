//! From tokens to trees.

use std::ops::Range;

use cty::{Number, Type, Value};
use model::Diagnostic;

use super::{Binary, For, MAX_DEPTH, Node, NodeKind, Unary, problem, template, too_deep};
use crate::lex::{Token, TokenKind};
use crate::syntax::File;

pub(super) type Parsed<T = Node> = Result<T, Box<Diagnostic>>;

/// Parses the expression that a range of tokens is.
pub(super) fn native(file: &File, tokens: Range<usize>) -> Parsed {
    let mut parser = Parser::new(file, tokens, None);
    let node = parser.expression()?;
    parser.skip_newlines();
    match parser.kind() {
        None => Ok(node),
        Some(_) => Err(parser.unexpected("The expression ends before this")),
    }
}

/// Goes through the tokens of an expression.
pub(super) struct Parser<'f> {
    pub(super) file: &'f File,
    /// The index of the next token.
    at: usize,
    end: usize,
    /// Whether a line end separates: so it is in objects, and in no other brackets.
    newlines_count: bool,
    /// The place that everything gets, in JSON.
    place: Option<Range<usize>>,
    depth: usize,
}

impl<'f> Parser<'f> {
    pub(super) fn new(file: &'f File, tokens: Range<usize>, place: Option<Range<usize>>) -> Self {
        let end = tokens.end.min(file.tokens().len());
        Self { file, at: tokens.start.min(end), end, newlines_count: true, place, depth: 0 }
    }

    fn skip(&mut self) {
        while let Some(token) = self.file.tokens()[..self.end].get(self.at) {
            let is_skipped = token.kind.is_trivia() || (!self.newlines_count && token.kind == TokenKind::Newline);
            if !is_skipped {
                return;
            }
            self.at += 1;
        }
    }

    pub(super) fn skip_newlines(&mut self) {
        while self.kind() == Some(TokenKind::Newline) {
            self.at += 1;
        }
    }

    pub(super) fn token(&mut self) -> Option<&'f Token> {
        self.skip();
        self.raw()
    }

    /// Gives the next token, blanks included.
    pub(super) fn raw(&self) -> Option<&'f Token> {
        self.file.tokens()[..self.end].get(self.at)
    }

    pub(super) fn advance_raw(&mut self) {
        self.at += 1;
    }

    pub(super) fn kind(&mut self) -> Option<TokenKind> {
        self.token().map(|token| token.kind)
    }

    pub(super) fn text(&mut self) -> &'f str {
        let file = self.file;
        self.token().map_or("", |token| &file.text[token.range.clone()])
    }

    fn take(&mut self, kind: TokenKind) -> Option<&'f Token> {
        let token = self.token().filter(|token| token.kind == kind)?;
        self.at += 1;
        Some(token)
    }

    fn take_text(&mut self, kind: TokenKind, text: &str) -> bool {
        let is_it = self.kind() == Some(kind) && self.text() == text;
        self.at += usize::from(is_it);
        is_it
    }

    fn take_operator(&mut self, text: &str) -> bool {
        self.take_text(TokenKind::Operator, text)
    }

    pub(super) fn take_keyword(&mut self, word: &str) -> bool {
        self.take_text(TokenKind::Identifier, word)
    }

    fn start(&mut self) -> usize {
        self.token().map_or_else(|| self.last_end(), |token| token.range.start)
    }

    fn last_end(&self) -> usize {
        let before = self.file.tokens()[..self.at.min(self.end)].iter().rev();
        before.clone().find(|token| !token.kind.is_trivia()).map_or(0, |token| token.range.end)
    }

    /// Makes a node that began at a byte and ends here.
    pub(super) fn node(&self, start: usize, kind: NodeKind) -> Node {
        Node { kind, range: self.placed(start..self.last_end()) }
    }

    pub(super) fn placed(&self, range: Range<usize>) -> Range<usize> {
        self.place.clone().unwrap_or(range)
    }

    pub(super) fn fail(&self, range: Range<usize>, summary: &str, detail: impl Into<String>) -> Box<Diagnostic> {
        problem(self.file, &self.placed(range), summary, detail.into())
    }

    pub(super) fn unexpected(&mut self, expectation: &str) -> Box<Diagnostic> {
        let end = self.last_end();
        let (range, what) = match self.token() {
            Some(token) if token.kind == TokenKind::Newline => (token.range.clone(), "a line end".to_owned()),
            Some(token) => (token.range.clone(), format!("{:?}", &self.file.text[token.range.clone()])),
            None => (end..end, "the end".to_owned()),
        };
        self.fail(range, "Invalid expression", format!("{expectation}; found {what}."))
    }

    /// Runs a parser inside of brackets, where line ends count or not.
    pub(super) fn within<T>(&mut self, newlines_count: bool, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.newlines_count, newlines_count);
        let result = parse(self);
        self.newlines_count = outer;
        result
    }

    pub(super) fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let start = self.start();
            return Err(self.fail(start..start, "Expression nested too deep", too_deep()));
        }
        let result = self.conditional();
        self.depth -= 1;
        result
    }

    fn conditional(&mut self) -> Parsed {
        let start = self.start();
        let condition = self.binary(0)?;
        if !self.take_operator("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        if self.take(TokenKind::Colon).is_none() {
            return Err(self.unexpected("`:` and the result for a false condition must follow"));
        }
        let no = self.expression()?;
        let kind = NodeKind::Conditional { condition: Box::new(condition), yes: Box::new(yes), no: Box::new(no) };
        Ok(self.node(start, kind))
    }

    /// Reads operands and the operators between them that bind at least as strongly as a level.
    fn binary(&mut self, level: u8) -> Parsed {
        let start = self.start();
        let mut left = self.unary()?;
        let mut n_operators = 0;
        while let Some((operator, its_level)) = self.binary_operator().filter(|(_, its_level)| *its_level >= level) {
            self.at += 1;
            n_operators += 1;
            self.depth += 1;
            // A chain of operators nests to the left, as deep as it is long.
            if self.depth > MAX_DEPTH || n_operators > MAX_DEPTH {
                return Err(self.fail(start..start, "Expression nested too deep", too_deep()));
            }
            let right = self.binary(its_level + 1)?;
            self.depth -= 1;
            let kind = NodeKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
            left = self.node(start, kind);
        }
        Ok(left)
    }

    fn binary_operator(&mut self) -> Option<(Binary, u8)> {
        if self.kind() != Some(TokenKind::Operator) {
            return None;
        }
        Some(match self.text() {
            "||" => (Binary::Or, 1),
            "&&" => (Binary::And, 2),
            "==" => (Binary::Equal, 3),
            "!=" => (Binary::NotEqual, 3),
            "<" => (Binary::Less, 4),
            "<=" => (Binary::LessOrEqual, 4),
            ">" => (Binary::Greater, 4),
            ">=" => (Binary::GreaterOrEqual, 4),
            "+" => (Binary::Add, 5),
            "-" => (Binary::Subtract, 5),
            "*" => (Binary::Multiply, 6),
            "/" => (Binary::Divide, 6),
            "%" => (Binary::Modulo, 6),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed {
        let start = self.start();
        let operator = match (self.kind(), self.text()) {
            (Some(TokenKind::Operator), "-") => Unary::Negate,
            (Some(TokenKind::Operator), "!") => Unary::Not,
            _ => {
                let term = self.term()?;
                return self.traversals(start, term);
            }
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail(start..start, "Expression nested too deep", too_deep()));
        }
        let operand = self.unary()?;
        self.depth -= 1;
        Ok(self.node(start, NodeKind::Unary { operator, operand: Box::new(operand) }))
    }

    /// Reads what follows a term: attributes, indexes and splats.
    fn traversals(&mut self, start: usize, term: Node) -> Parsed {
        let mut node = term;
        let mut n_steps = 0;
        loop {
            n_steps += 1;
            if n_steps > MAX_DEPTH {
                return Err(self.fail(start..start, "Expression nested too deep", too_deep()));
            }
            match self.kind() {
                Some(TokenKind::Dot) => {
                    self.at += 1;
                    if self.take_operator("*") {
                        let mut each = self.node(start, NodeKind::SplatElement);
                        while self.kind() == Some(TokenKind::Dot) && n_steps <= MAX_DEPTH {
                            n_steps += 1;
                            self.at += 1;
                            each = self.attribute(start, each)?;
                        }
                        let kind = NodeKind::Splat { of: Box::new(node), each: Box::new(each) };
                        node = self.node(start, kind);
                    } else {
                        node = self.attribute(start, node)?;
                    }
                }
                Some(TokenKind::OpenBracket) => {
                    self.at += 1;
                    let key = self.within(false, |parser| {
                        if parser.take_operator("*") {
                            return Ok(None);
                        }
                        parser.expression().map(Some)
                    })?;
                    let is_closed = self.within(false, |parser| Ok(parser.take(TokenKind::CloseBracket).is_some()))?;
                    if !is_closed {
                        return Err(self.unexpected("`]` must close the index"));
                    }
                    let Some(key) = key else {
                        let element = self.node(start, NodeKind::SplatElement);
                        self.depth += 1;
                        if self.depth > MAX_DEPTH {
                            return Err(self.fail(start..start, "Expression nested too deep", too_deep()));
                        }
                        let each = self.traversals(start, element)?;
                        self.depth -= 1;
                        let kind = NodeKind::Splat { of: Box::new(node), each: Box::new(each) };
                        return Ok(self.node(start, kind));
                    };
                    node = self.node(start, NodeKind::Index { of: Box::new(node), key: Box::new(key) });
                }
                _ => return Ok(node),
            }
        }
    }

    /// Reads a name or number behind a dot.
    fn attribute(&mut self, start: usize, of: Node) -> Parsed {
        let text = self.text();
        if self.take(TokenKind::Identifier).is_some() {
            return Ok(self.node(start, NodeKind::Attribute { of: Box::new(of), name: text.to_owned() }));
        }
        if self.take(TokenKind::Number).is_none() {
            return Err(self.unexpected("The name of an attribute must follow the dot"));
        }
        // `a.0.1` is one number to the lexer.
        let mut node = of;
        for digits in text.split('.') {
            let key = digits.parse::<u64>().map_err(|_| {
                self.fail(start..start, "Invalid expression", format!("`.{text}` is no index; write `[{text}]`."))
            })?;
            let key = self.node(start, NodeKind::Literal(Value::from(key)));
            node = self.node(start, NodeKind::Index { of: Box::new(node), key: Box::new(key) });
        }
        Ok(node)
    }

    fn term(&mut self) -> Parsed {
        let start = self.start();
        let text = self.text();
        match self.kind() {
            Some(TokenKind::OpenParenthesis) => {
                self.at += 1;
                let inner = self.within(false, |parser| {
                    let inner = parser.expression()?;
                    match parser.take(TokenKind::CloseParenthesis) {
                        Some(_) => Ok(inner),
                        None => Err(parser.unexpected("`)` must close what `(` opened")),
                    }
                })?;
                Ok(self.node(start, NodeKind::Parentheses(Box::new(inner))))
            }
            Some(TokenKind::Number) => {
                self.at += 1;
                let number = Number::parse(text).map_err(|error| {
                    self.fail(start..start + text.len(), "Invalid number", format!("{text} cannot be used: {error}."))
                })?;
                Ok(self.node(start, NodeKind::Literal(Value::number(number))))
            }
            Some(TokenKind::Identifier) => {
                self.at += 1;
                let is_call = self.kind() == Some(TokenKind::OpenParenthesis)
                    || (self.kind() == Some(TokenKind::Operator) && self.text() == "::");
                let kind = match text {
                    _ if is_call => return self.call(start, text),
                    "true" | "false" => NodeKind::Literal(Value::bool(text == "true")),
                    "null" => NodeKind::Literal(Value::null(Type::Dynamic)),
                    name => NodeKind::Name(name.to_owned()),
                };
                Ok(self.node(start, kind))
            }
            Some(TokenKind::OpenQuote) => template::quoted(self),
            Some(TokenKind::OpenHeredoc) => template::heredoc(self),
            Some(TokenKind::OpenBracket) => {
                self.at += 1;
                let kind = self.within(false, Self::tuple)?;
                Ok(self.node(start, kind))
            }
            Some(TokenKind::OpenBrace) => {
                self.at += 1;
                let is_for = self.within(false, |parser| Ok(parser.at_for()))?;
                let kind = self.within(!is_for, |parser| if is_for { parser.for_object() } else { parser.object() })?;
                Ok(self.node(start, kind))
            }
            _ => Err(self.unexpected("A value must stand here")),
        }
    }

    fn call(&mut self, start: usize, first: &str) -> Parsed {
        let mut name = first.to_owned();
        while self.take_operator("::") {
            let part = self.text();
            if self.take(TokenKind::Identifier).is_none() {
                return Err(self.unexpected("The rest of a function's name must follow `::`"));
            }
            name.push_str("::");
            name.push_str(part);
        }
        if self.take(TokenKind::OpenParenthesis).is_none() {
            return Err(self.unexpected("`(` must follow the name of a function"));
        }
        let (arguments, expands_last) = self.within(false, |parser| {
            let mut arguments = Vec::new();
            loop {
                if parser.take(TokenKind::CloseParenthesis).is_some() {
                    return Ok((arguments, false));
                }
                arguments.push(parser.expression()?);
                if parser.take_operator("...") {
                    parser.take(TokenKind::Comma);
                    return match parser.take(TokenKind::CloseParenthesis) {
                        Some(_) => Ok((arguments, true)),
                        None => Err(parser.unexpected("`)` must follow `...`")),
                    };
                }
                if parser.take(TokenKind::Comma).is_none() && parser.kind() != Some(TokenKind::CloseParenthesis) {
                    return Err(parser.unexpected("`,` or `)` must follow an argument"));
                }
            }
        })?;
        Ok(self.node(start, NodeKind::Call { name, arguments, expands_last }))
    }

    /// Tells whether a `for` expression begins here.
    fn at_for(&mut self) -> bool {
        if self.kind() != Some(TokenKind::Identifier) || self.text() != "for" {
            return false;
        }
        // `{ for = 1 }` and `[for]` are no loops: a name must follow.
        let behind = self.file.tokens()[self.at + 1..self.end].iter();
        let next = behind.clone().find(|token| !token.kind.is_trivia() && token.kind != TokenKind::Newline);
        next.is_some_and(|token| token.kind == TokenKind::Identifier)
    }

    fn tuple(&mut self) -> Parsed<NodeKind> {
        if self.at_for() {
            let (key_name, value_name, collection) = self.for_head()?;
            let value = self.expression()?;
            let condition = self.for_condition()?;
            if self.take(TokenKind::CloseBracket).is_none() {
                return Err(self.unexpected("`]` must close the `for` expression"));
            }
            let parts = For { key_name, value_name, collection, key: None, value, condition, groups: false };
            return Ok(NodeKind::For(Box::new(parts)));
        }
        let mut elements = Vec::new();
        loop {
            if self.take(TokenKind::CloseBracket).is_some() {
                return Ok(NodeKind::Tuple(elements));
            }
            elements.push(self.expression()?);
            if self.take(TokenKind::Comma).is_none() && self.kind() != Some(TokenKind::CloseBracket) {
                return Err(self.unexpected("`,` or `]` must follow an element"));
            }
        }
    }

    fn for_object(&mut self) -> Parsed<NodeKind> {
        let (key_name, value_name, collection) = self.for_head()?;
        let key = self.expression()?;
        if !self.take_operator("=>") {
            return Err(self.unexpected("`=>` and a value must follow the key"));
        }
        let value = self.expression()?;
        let groups = self.take_operator("...");
        let condition = self.for_condition()?;
        if self.take(TokenKind::CloseBrace).is_none() {
            return Err(self.unexpected("`}` must close the `for` expression"));
        }
        Ok(NodeKind::For(Box::new(For { key_name, value_name, collection, key: Some(key), value, condition, groups })))
    }

    /// Reads `for k, v in collection :`.
    fn for_head(&mut self) -> Parsed<(Option<String>, String, Node)> {
        self.take_keyword("for");
        let (key_name, value_name) = self.for_names()?;
        let collection = self.expression()?;
        if self.take(TokenKind::Colon).is_none() {
            return Err(self.unexpected("`:` must follow the collection"));
        }
        Ok((key_name, value_name, collection))
    }

    /// Reads `k, v in`.
    pub(super) fn for_names(&mut self) -> Parsed<(Option<String>, String)> {
        let first = self.text();
        if self.take(TokenKind::Identifier).is_none() {
            return Err(self.unexpected("A name for the elements must follow `for`"));
        }
        let mut names = (None, first.to_owned());
        if self.take(TokenKind::Comma).is_some() {
            let second = self.text();
            if self.take(TokenKind::Identifier).is_none() {
                return Err(self.unexpected("A name for the values must follow the comma"));
            }
            names = (Some(first.to_owned()), second.to_owned());
        }
        if !self.take_keyword("in") {
            return Err(self.unexpected("`in` and a collection must follow the names"));
        }
        Ok(names)
    }

    fn for_condition(&mut self) -> Parsed<Option<Node>> {
        if self.take_keyword("if") { self.expression().map(Some) } else { Ok(None) }
    }

    fn object(&mut self) -> Parsed<NodeKind> {
        let mut items = Vec::new();
        loop {
            self.skip_newlines();
            if self.take(TokenKind::CloseBrace).is_some() {
                return Ok(NodeKind::Object(items));
            }
            let key = self.expression()?;
            if self.take(TokenKind::Equal).is_none() && self.take(TokenKind::Colon).is_none() {
                return Err(self.unexpected("`=` and a value must follow the key"));
            }
            let value = self.expression()?;
            items.push((key, value));
            let is_separated = self.take(TokenKind::Comma).is_some() || self.take(TokenKind::Newline).is_some();
            if !is_separated && self.kind() != Some(TokenKind::CloseBrace) {
                return Err(self.unexpected("`,`, a line end or `}` must follow a value"));
            }
        }
    }
}
