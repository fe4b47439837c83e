//! From tokens to trees.

use std::ops::Range;

use cty::{Number, Type, Value};
use model::Diagnostic;

use super::{Binary, For, MAX_DEPTH, Node, NodeKind, Place, Unary, problem, template, too_deep};
use crate::lex::{Token, TokenKind};
use crate::syntax::File;

pub(crate) type Parsed<T = Node> = Result<T, Box<Diagnostic>>;

/// How much stack must be left for a few levels more, and how much is taken then.
const STACK: (usize, usize) = (256 << 10, 2 << 20);

/// Parses the expression that all tokens of a text are; line ends mean nothing in it.
pub(super) fn whole(file: &File, place: Option<Place<'_>>) -> Parsed {
    let mut parser = Parser::new(file, place);
    let node = parser.within(false, Parser::expression)?;
    parser.within(false, |parser| match parser.kind() {
        None => Ok(node),
        Some(_) => Err(parser.unexpected("The expression ends before this")),
    })
}

/// Goes through the tokens of a file.
pub(crate) struct Parser<'f> {
    pub(crate) file: &'f File,
    text: &'f str,
    tokens: &'f [Token],
    /// The index of the next token.
    pub(crate) at: usize,
    /// Where the last token taken ends.
    pub(crate) last_end: usize,
    /// Whether a line end separates: so it is in bodies and objects, and in no other brackets.
    newlines_count: bool,
    /// Where the text stands, in JSON.
    place: Option<Place<'f>>,
    /// How many levels around the next token are being read.
    depth: usize,
    /// How many levels the node has that was read last.
    height: usize,
}

impl<'f> Parser<'f> {
    pub(crate) fn new(file: &'f File, place: Option<Place<'f>>) -> Self {
        let (text, tokens) = (&*file.text, file.tokens());
        Self { file, text, tokens, at: 0, last_end: 0, newlines_count: true, place, depth: 0, height: 0 }
    }

    /// Gives the next token that is no blank.
    #[inline]
    pub(crate) fn token(&mut self) -> Option<&'f Token> {
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                TokenKind::Whitespace | TokenKind::Comment | TokenKind::ByteOrderMark => self.at += 1,
                TokenKind::Newline if !self.newlines_count => self.at += 1,
                _ => return Some(token),
            }
        }
        None
    }

    /// Gives the next token, blanks included.
    #[inline]
    pub(super) fn raw(&self) -> Option<&'f Token> {
        self.tokens.get(self.at)
    }

    #[inline]
    pub(crate) fn kind(&mut self) -> Option<TokenKind> {
        self.token().map(|token| token.kind)
    }

    #[inline]
    pub(crate) fn text_of(&self, token: &Token) -> &'f str {
        self.text.get(token.range()).unwrap_or_default()
    }

    pub(crate) fn text(&mut self) -> &'f str {
        self.token().map_or("", |token| self.text_of(token))
    }

    /// Gives where the next token is; at the end, the end.
    pub(crate) fn range(&mut self) -> Range<usize> {
        let end = self.text.len();
        self.token().map_or(end..end, Token::range)
    }

    /// Steps over one token.
    #[inline]
    pub(crate) fn advance(&mut self) {
        if let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            self.last_end = token.end();
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, kind: TokenKind) -> Option<&'f Token> {
        let token = self.token().filter(|token| token.kind == kind)?;
        self.advance();
        Some(token)
    }

    #[inline]
    fn take_text(&mut self, kind: TokenKind, text: &str) -> bool {
        let is_it = self.kind() == Some(kind) && self.text() == text;
        if is_it {
            self.advance();
        }
        is_it
    }

    #[inline]
    fn take_operator(&mut self, text: &str) -> bool {
        self.take_text(TokenKind::Operator, text)
    }

    pub(super) fn take_keyword(&mut self, word: &str) -> bool {
        self.take_text(TokenKind::Identifier, word)
    }

    #[inline]
    fn start(&mut self) -> usize {
        let end = self.last_end;
        self.token().map_or(end, Token::start)
    }

    /// Makes a node that began at a byte and ends here.
    #[inline]
    pub(super) fn node(&self, start: usize, kind: NodeKind) -> Node {
        Node { kind, range: self.placed(start..self.last_end) }
    }

    /// Makes a node without parts.
    #[inline]
    fn leaf(&mut self, start: usize, kind: NodeKind) -> Node {
        self.height = 1;
        self.node(start, kind)
    }

    /// Makes a node of parts, the highest of which has this many levels.
    pub(super) fn branch(&mut self, start: usize, height: usize, kind: NodeKind) -> Parsed {
        self.height = height + 1;
        if height >= MAX_DEPTH { Err(self.too_deep(start)) } else { Ok(self.node(start, kind)) }
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    #[inline]
    pub(super) fn placed(&self, range: Range<usize>) -> Range<usize> {
        match &self.place {
            Some(place) => place.at(range),
            None => range,
        }
    }

    pub(crate) fn fail(&self, range: Range<usize>, summary: &str, detail: impl Into<String>) -> Box<Diagnostic> {
        let file = self.place.as_ref().map_or(self.file, |place| place.file);
        problem(file, &self.placed(range), summary, detail.into())
    }

    fn too_deep(&self, start: usize) -> Box<Diagnostic> {
        self.fail(start..start, "Expression nested too deep", too_deep())
    }

    pub(crate) fn unexpected(&mut self, expectation: &str) -> Box<Diagnostic> {
        let end = self.last_end;
        let (range, what) = match self.token() {
            Some(token) if token.kind == TokenKind::Newline => (token.range(), "a line end".to_owned()),
            Some(token) => (token.range(), format!("{:?}", self.text_of(token))),
            None => (end..end, "the end".to_owned()),
        };
        self.fail(range, "Invalid expression", format!("{expectation}; found {what}."))
    }

    /// Runs a parser inside of brackets, where line ends count or not.
    pub(crate) fn within<T>(&mut self, newlines_count: bool, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.newlines_count, newlines_count);
        let result = parse(self);
        self.newlines_count = outer;
        result
    }

    /// Reads one level deeper, with stack enough for it.
    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let start = self.start();
            return Err(self.too_deep(start));
        }
        self.depth += 1;
        let result = if self.depth.is_multiple_of(8) {
            stacker::maybe_grow(STACK.0, STACK.1, || parse(self))
        } else {
            parse(self)
        };
        self.depth -= 1;
        result
    }

    /// Forgets what a failure left behind, and goes back to a token.
    pub(crate) fn reset(&mut self, at: usize, last_end: usize) {
        (self.at, self.last_end, self.depth, self.newlines_count) = (at, last_end, 0, true);
    }

    /// Goes back to the token that is at a range.
    pub(crate) fn reset_to(&mut self, range: &Range<usize>) {
        while self.at > 0 && self.tokens.get(self.at).is_none_or(|token| token.start() > range.start) {
            self.at -= 1;
        }
    }

    pub(crate) fn expression(&mut self) -> Parsed {
        self.deeper(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed {
        let start = self.start();
        let condition = self.binary(0)?;
        if self.kind() != Some(TokenKind::Operator) || !self.take_operator("?") {
            return Ok(condition);
        }
        let mut height = self.height;
        let yes = self.expression()?;
        height = height.max(self.height);
        if self.take(TokenKind::Colon).is_none() {
            return Err(self.unexpected("`:` and the result for a false condition must follow"));
        }
        let no = self.expression()?;
        height = height.max(self.height);
        let kind = NodeKind::Conditional { condition: Box::new(condition), yes: Box::new(yes), no: Box::new(no) };
        self.branch(start, height, kind)
    }

    /// Reads operands and the operators between them that bind at least as strongly as a level.
    fn binary(&mut self, level: u8) -> Parsed {
        let start = self.start();
        let mut left = self.unary()?;
        while let Some((operator, its_level)) = self.binary_operator().filter(|(_, its_level)| *its_level >= level) {
            self.advance();
            let height = self.height;
            let right = self.deeper(|parser| parser.binary(its_level + 1))?;
            let height = height.max(self.height);
            // A chain of operators nests to the left, as deep as it is long.
            let kind = NodeKind::Binary { operator, left: Box::new(left), right: Box::new(right) };
            left = self.branch(start, height, kind)?;
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
        let operator = match self.kind() {
            Some(TokenKind::Operator) => match self.text() {
                "-" => Unary::Negate,
                "!" => Unary::Not,
                _ => return Err(self.unexpected("A value must stand here")),
            },
            _ => {
                let term = self.term()?;
                return self.traversals(start, term);
            }
        };
        self.advance();
        let operand = self.deeper(Self::unary)?;
        let height = self.height;
        self.branch(start, height, NodeKind::Unary { operator, operand: Box::new(operand) })
    }

    /// Reads what follows a term: attributes, indexes and splats.
    fn traversals(&mut self, start: usize, term: Node) -> Parsed {
        let mut node = term;
        loop {
            match self.kind() {
                Some(TokenKind::Dot) => {
                    self.advance();
                    if self.take_operator("*") {
                        let of_height = self.height;
                        let mut each = self.leaf(start, NodeKind::SplatElement);
                        while self.take(TokenKind::Dot).is_some() {
                            each = self.attribute(start, each)?;
                        }
                        let height = of_height.max(self.height);
                        let kind = NodeKind::Splat { of: Box::new(node), each: Box::new(each) };
                        node = self.branch(start, height, kind)?;
                    } else {
                        node = self.attribute(start, node)?;
                    }
                }
                Some(TokenKind::OpenBracket) => {
                    self.advance();
                    let of_height = self.height;
                    if self.take_operator("*") {
                        // Line ends count between these as they do around them.
                        if self.take(TokenKind::CloseBracket).is_none() {
                            return Err(self.unexpected("`]` must close the splat"));
                        }
                        let element = self.leaf(start, NodeKind::SplatElement);
                        let each = self.deeper(|parser| parser.traversals(start, element))?;
                        let height = of_height.max(self.height);
                        let kind = NodeKind::Splat { of: Box::new(node), each: Box::new(each) };
                        return self.branch(start, height, kind);
                    }
                    let key = self.within(false, |parser| {
                        let key = parser.expression()?;
                        match parser.take(TokenKind::CloseBracket) {
                            Some(_) => Ok(key),
                            None => Err(parser.unexpected("`]` must close the index")),
                        }
                    })?;
                    let height = of_height.max(self.height);
                    node = self.branch(start, height, NodeKind::Index { of: Box::new(node), key: Box::new(key) })?;
                }
                _ => return Ok(node),
            }
        }
    }

    /// Reads a name or number behind a dot.
    fn attribute(&mut self, start: usize, of: Node) -> Parsed {
        let (range, text) = (self.range(), self.text());
        let height = self.height;
        if self.take(TokenKind::Identifier).is_some() {
            return self.branch(start, height, NodeKind::Attribute { of: Box::new(of), name: text.to_owned() });
        }
        if self.take(TokenKind::Number).is_none() {
            return Err(self.unexpected("The name of an attribute must follow the dot"));
        }
        // `a.0.1` is one number to the lexer.
        if text.contains('.') {
            let index = text.replace('.', "][");
            let detail = format!("Two indexes behind dots cannot follow each other; write `[{index}]`.");
            return Err(self.fail(range, "Invalid expression", detail));
        }
        let key = self.number(range, text)?;
        let key = self.node(start, NodeKind::Literal(key));
        self.branch(start, height, NodeKind::Index { of: Box::new(of), key: Box::new(key) })
    }

    fn number(&self, range: Range<usize>, text: &str) -> Parsed<Value> {
        let number = Number::parse(text);
        number
            .map(Value::number)
            .map_err(|error| self.fail(range, "Invalid number", format!("{text} cannot be used: {error}.")))
    }

    fn term(&mut self) -> Parsed {
        let Some(token) = self.token() else { return Err(self.unexpected("A value must stand here")) };
        let start = token.start();
        match token.kind {
            TokenKind::OpenParenthesis => {
                self.advance();
                let inner = self.within(false, |parser| {
                    let inner = parser.expression()?;
                    match parser.take(TokenKind::CloseParenthesis) {
                        Some(_) => Ok(inner),
                        None => Err(parser.unexpected("`)` must close what `(` opened")),
                    }
                })?;
                let height = self.height;
                self.branch(start, height, NodeKind::Parentheses(Box::new(inner)))
            }
            TokenKind::Number => {
                self.advance();
                let number = self.number(token.range(), self.text_of(token))?;
                Ok(self.leaf(start, NodeKind::Literal(number)))
            }
            TokenKind::Identifier => {
                self.advance();
                let text = self.text_of(token);
                match self.kind() {
                    Some(TokenKind::OpenParenthesis) => return self.call(start, text),
                    Some(TokenKind::Operator) if self.text() == "::" => return self.call(start, text),
                    _ => {}
                }
                let kind = match text {
                    "true" | "false" => NodeKind::Literal(Value::bool(text == "true")),
                    "null" => NodeKind::Literal(Value::null(Type::Dynamic)),
                    name => NodeKind::Name(name.to_owned()),
                };
                Ok(self.leaf(start, kind))
            }
            TokenKind::OpenQuote => {
                self.advance();
                if let Some(text) = self.plain_text() {
                    return Ok(self.leaf(start, NodeKind::Literal(Value::string(text))));
                }
                template::quoted(self, start)
            }
            TokenKind::OpenHeredoc => template::heredoc(self),
            TokenKind::OpenBracket => {
                self.advance();
                let (height, kind) = self.within(false, Self::tuple)?;
                self.branch(start, height, kind)
            }
            TokenKind::OpenBrace => {
                self.advance();
                let is_for = self.within(false, |parser| Ok(parser.at_for()))?;
                let (height, kind) =
                    self.within(!is_for, |parser| if is_for { parser.for_object() } else { parser.object() })?;
                self.branch(start, height, kind)
            }
            _ => Err(self.unexpected("A value must stand here")),
        }
    }

    /// Takes a text without escapes and its closing quote; the opening one is taken.
    pub(crate) fn plain_text(&mut self) -> Option<&'f str> {
        let [text, close] = self.tokens.get(self.at..self.at + 2)? else { return None };
        if text.kind == TokenKind::CloseQuote {
            self.advance();
            return Some("");
        }
        let content = self.text_of(text);
        let is_plain = text.kind == TokenKind::Text
            && close.kind == TokenKind::CloseQuote
            && !content.bytes().any(|byte| matches!(byte, b'\\' | b'$' | b'%'));
        if !is_plain {
            return None;
        }
        self.advance();
        self.advance();
        Some(content)
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
        let mut height = 0;
        let (arguments, expands_last) = self.within(false, |parser| {
            let mut arguments = Vec::new();
            loop {
                if parser.take(TokenKind::CloseParenthesis).is_some() {
                    return Ok((arguments, false));
                }
                arguments.push(parser.expression()?);
                height = height.max(parser.height);
                if parser.take_operator("...") {
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
        self.branch(start, height, NodeKind::Call { name, arguments, expands_last })
    }

    /// Tells whether a `for` expression begins here.
    fn at_for(&mut self) -> bool {
        self.kind() == Some(TokenKind::Identifier) && self.text() == "for"
    }

    fn tuple(&mut self) -> Parsed<(usize, NodeKind)> {
        if self.at_for() {
            let (key_name, value_name, collection) = self.for_head()?;
            let mut height = self.height;
            let value = self.expression()?;
            height = height.max(self.height);
            let condition = self.for_condition()?;
            height = height.max(self.height);
            if self.take(TokenKind::CloseBracket).is_none() {
                return Err(self.unexpected("`]` must close the `for` expression"));
            }
            let parts = For { key_name, value_name, collection, key: None, value, condition, groups: false };
            return Ok((height, NodeKind::For(Box::new(parts))));
        }
        let mut elements = Vec::new();
        let mut height = 0;
        loop {
            if self.take(TokenKind::CloseBracket).is_some() {
                return Ok((height, NodeKind::Tuple(elements)));
            }
            elements.push(self.expression()?);
            height = height.max(self.height);
            if self.take(TokenKind::Comma).is_none() && self.kind() != Some(TokenKind::CloseBracket) {
                return Err(self.unexpected("`,` or `]` must follow an element"));
            }
        }
    }

    fn for_object(&mut self) -> Parsed<(usize, NodeKind)> {
        let (key_name, value_name, collection) = self.for_head()?;
        let mut height = self.height;
        let key = self.expression()?;
        height = height.max(self.height);
        if !self.take_operator("=>") {
            return Err(self.unexpected("`=>` and a value must follow the key"));
        }
        let value = self.expression()?;
        height = height.max(self.height);
        let groups = self.take_operator("...");
        let condition = self.for_condition()?;
        height = height.max(self.height);
        if self.take(TokenKind::CloseBrace).is_none() {
            return Err(self.unexpected("`}` must close the `for` expression"));
        }
        let parts = For { key_name, value_name, collection, key: Some(key), value, condition, groups };
        Ok((height, NodeKind::For(Box::new(parts))))
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

    fn object(&mut self) -> Parsed<(usize, NodeKind)> {
        let mut items = Vec::new();
        let mut height = 0;
        loop {
            while self.take(TokenKind::Newline).is_some() {}
            if self.take(TokenKind::CloseBrace).is_some() {
                return Ok((height, NodeKind::Object(items)));
            }
            let key = self.expression()?;
            height = height.max(self.height);
            if self.take(TokenKind::Equal).is_none() && self.take(TokenKind::Colon).is_none() {
                return Err(self.unexpected("`=` and a value must follow the key"));
            }
            let value = self.expression()?;
            height = height.max(self.height);
            items.push((key, value));
            let is_separated = self.take(TokenKind::Comma).is_some() || self.take(TokenKind::Newline).is_some();
            if !is_separated && self.kind() != Some(TokenKind::CloseBrace) {
                return Err(self.unexpected("`,`, a line end or `}` must follow a value"));
            }
        }
    }
}
