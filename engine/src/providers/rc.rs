//! The syntax of CLI configuration files: HCL of the first generation, or JSON.
//!
//! It differs from the second generation in what matters here: names may be quoted (`"hashicorp/aws" = "…"`), and
//! nothing is evaluated. Only texts, lists and objects are told apart.
//!
//! Source: the README of HCL version 1, section "Syntax".

use std::borrow::Cow;

use hcl::lex::{Token, TokenKind};
use model::{Diagnostic, Span};

/// How deep lists and objects may nest.
const MAX_DEPTH: usize = 64;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A text, a number or a bool.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object, or the inside of a block.
    Object(Vec<Item>),
}

/// What a name, or a block's type with its labels, stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The name, and behind it the labels.
    pub(super) names: Vec<String>,
    /// Whether an equals sign stands before the value: then it is no block. In JSON blocks are written with colons.
    pub(super) is_assigned: bool,
    /// The value.
    pub(super) value: Node,
    /// Where it begins.
    pub(super) span: Span,
}

impl Item {
    /// Gives the name, or the block's type.
    pub(super) fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }
}

/// Reads a file.
///
/// # Errors
/// Names the place where it stops being understood.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Item>, Box<Diagnostic>> {
    // As in HCL, the first character decides.
    let is_json = text.trim_start().starts_with('{');
    if is_json {
        serde_json::from_str::<serde_json::Value>(text)
            .map_err(|error| super::cli_config::invalid(format!("{name} is no JSON: {error}.")))?;
    }
    // Parsing as the second generation may fail; its tokens are the same, those of JSON included.
    let (file, problems) = hcl::File::parse(name, text);
    if let Some(problem) = problems.into_iter().find(|problem| problem.code == "configuration-too-large") {
        return Err(Box::new(super::cli_config::invalid(problem.detail)));
    }
    let is_separator = |kind: TokenKind| kind.is_trivia() || (is_json && kind == TokenKind::Newline);
    let tokens: Vec<&Token> = file.tokens().iter().filter(|token| !is_separator(token.kind)).collect();
    let mut parser = Parser { file: &file, tokens, at: usize::from(is_json), is_json };
    let items = parser.items(is_json.then_some(TokenKind::CloseBrace), 0);
    items.map_err(|(reason, span)| Box::new(super::cli_config::invalid(format!("{reason}.")).at_span(span)))
}

type Failure = (String, Span);

struct Parser<'f> {
    file: &'f hcl::File,
    tokens: Vec<&'f Token>,
    at: usize,
    is_json: bool,
}

impl<'f> Parser<'f> {
    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn text(&self) -> &'f str {
        self.tokens.get(self.at).map_or("", |token| &self.file.text[token.range()])
    }

    fn span(&self) -> Span {
        let end = self.file.text.len();
        self.file.span(&self.tokens.get(self.at).map_or(end..end, |token| token.range()))
    }

    fn fail<T>(&self, expected: &str) -> Result<T, Failure> {
        let found = match self.kind() {
            Some(TokenKind::Newline) => "the line ends".to_owned(),
            // Words may be secrets.
            Some(_) if self.text().chars().all(|c| c.is_ascii_punctuation()) => format!("`{}` is there", self.text()),
            Some(_) => "something else is there".to_owned(),
            None => "the file ends".to_owned(),
        };
        Err((format!("{expected} was expected, and {found}"), self.span()))
    }

    fn take(&mut self, kind: TokenKind) -> bool {
        let is_there = self.kind() == Some(kind);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_separators(&mut self) {
        while matches!(self.kind(), Some(TokenKind::Newline | TokenKind::Comma)) {
            self.at += 1;
        }
    }

    /// Reads items up to and with what closes them, or to the end of the file.
    fn items(&mut self, close: Option<TokenKind>, depth: usize) -> Result<Vec<Item>, Failure> {
        if depth > MAX_DEPTH {
            return Err(("Blocks are nested too deep".to_owned(), self.span()));
        }
        let mut items = Vec::new();
        loop {
            self.skip_separators();
            match (self.kind(), close) {
                (None, None) => return Ok(items),
                (found, close) if found.is_some() && found == close => {
                    self.at += 1;
                    return Ok(items);
                }
                _ => self.item(depth, &mut items)?,
            }
        }
    }

    fn item(&mut self, depth: usize, items: &mut Vec<Item>) -> Result<(), Failure> {
        let span = self.span();
        let mut names = Vec::new();
        loop {
            match self.kind() {
                Some(TokenKind::Identifier) => {
                    names.push(self.text().to_owned());
                    self.at += 1;
                }
                Some(TokenKind::OpenQuote) => names.push(self.quoted()?),
                Some(TokenKind::Equal) if names.len() == 1 && !self.is_json => {
                    self.at += 1;
                    let value = self.value(depth + 1)?;
                    items.push(Item { names, is_assigned: true, value, span });
                    return Ok(());
                }
                Some(TokenKind::Colon) if names.len() == 1 && self.is_json => {
                    self.at += 1;
                    let value = self.value(depth + 1)?;
                    let item = |value| Item { names: names.clone(), is_assigned: false, value, span: span.clone() };
                    let is_object = |value: &Node| matches!(value, Node::Object(_));
                    match value {
                        // A list of objects is that many blocks.
                        Node::List(values) if !values.is_empty() && values.iter().all(is_object) => {
                            items.extend(values.into_iter().map(item));
                        }
                        value => items.push(item(value)),
                    }
                    return Ok(());
                }
                Some(TokenKind::OpenBrace) if !names.is_empty() && !self.is_json => {
                    self.at += 1;
                    let value = Node::Object(self.items(Some(TokenKind::CloseBrace), depth + 1)?);
                    items.push(Item { names, is_assigned: false, value, span });
                    return Ok(());
                }
                _ if names.is_empty() => return self.fail("A name"),
                _ => return self.fail("`=` or `{`"),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Failure> {
        if depth > MAX_DEPTH {
            return Err(("Lists are nested too deep".to_owned(), self.span()));
        }
        match self.kind() {
            Some(TokenKind::OpenQuote) => Ok(Node::Text(self.quoted()?)),
            Some(TokenKind::Identifier | TokenKind::Number) => {
                let text = self.text().to_owned();
                self.at += 1;
                Ok(Node::Text(text))
            }
            Some(TokenKind::Operator) if self.text() == "-" => {
                self.at += 1;
                let text = format!("-{}", self.text());
                if self.take(TokenKind::Number) { Ok(Node::Text(text)) } else { self.fail("A number") }
            }
            Some(TokenKind::OpenHeredoc) => {
                self.at += 1;
                let start = self.at;
                while !matches!(self.kind(), Some(TokenKind::CloseHeredoc) | None) {
                    self.at += 1;
                }
                let lines = self.tokens[start..self.at].iter().map(|token| &self.file.text[token.range()]);
                let text = lines.collect();
                if self.take(TokenKind::CloseHeredoc) { Ok(Node::Text(text)) } else { self.fail("The heredoc's end") }
            }
            Some(TokenKind::OpenBrace) => {
                self.at += 1;
                Ok(Node::Object(self.items(Some(TokenKind::CloseBrace), depth)?))
            }
            Some(TokenKind::OpenBracket) => {
                self.at += 1;
                let mut elements = Vec::new();
                loop {
                    self.skip_separators();
                    if self.take(TokenKind::CloseBracket) {
                        return Ok(Node::List(elements));
                    }
                    elements.push(self.value(depth + 1)?);
                }
            }
            _ => self.fail("A value"),
        }
    }

    /// Takes a text in quotes. What looks like an interpolation is text.
    fn quoted(&mut self) -> Result<String, Failure> {
        let span = self.span();
        let start = self.tokens[self.at].range().end;
        let mut n_open = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.kind {
                TokenKind::OpenQuote => n_open += 1,
                TokenKind::CloseQuote => n_open -= 1,
                _ => {}
            }
            if n_open == 0 {
                let text = &self.file.text[start..token.range().start];
                let unescaped = if self.is_json {
                    serde_json::from_str(&self.file.text[start - 1..token.range().end]).ok()
                } else {
                    unescape(text).map(Cow::into_owned)
                };
                return unescaped.ok_or_else(|| ("A text has an unknown escape".to_owned(), span));
            }
        }
        Err(("A text's closing quote is missing".to_owned(), span))
    }
}

fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match rest.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            c @ ('"' | '\\') => c,
            'u' => {
                let digits = rest.as_str().get(..4)?;
                rest = rest.as_str()[4..].chars();
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            _ => return None,
        });
    }
    Some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(items: &[Item]) -> String {
        let node = |node: &Node| match node {
            Node::Text(text) => format!("{text:?}"),
            Node::List(nodes) => format!("{nodes:?}"),
            Node::Object(items) => format!("{{{}}}", show(items)),
        };
        items
            .iter()
            .map(|item| format!("{}: {}", item.names.join(" "), node(&item.value)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn blocks_names_in_quotes_and_values_of_all_kinds_are_read() {
        let text = r#"
# a comment
plugin_cache_dir = "$HOME/.cache" /* another */
disable_checkpoint = true
credentials "app.example.com" { token = "x\"y\\z" }
provider_installation {
  dev_overrides {
    "hashicorp/aws" = "/a b"
    "example.com/${odd}/x" = "c"
  }
  n = 12
  text = <<EOT
one
EOT
}
"#;
        assert_eq!(
            show(&parse("rc", text).expect("it is well-formed")),
            r#"plugin_cache_dir: "$HOME/.cache", disable_checkpoint: "true", credentials app.example.com: {token: "x\"y\\z"}, provider_installation: {dev_overrides: {hashicorp/aws: "/a b", example.com/${odd}/x: "c"}, n: "12", text: "one\n"}"#
        );
    }

    #[test]
    fn json_says_the_same() {
        let text = r#" {"provider_installation": {"filesystem_mirror": [{"path": "/a"}, {"path": "/b"}], "direct": {"exclude": ["*/*"], "n": -1.5, "x": "\ud83d\ude00/\/"}}}"#;
        assert_eq!(
            show(&parse("rc", text).expect("it is well-formed")),
            r#"provider_installation: {filesystem_mirror: {path: "/a"}, filesystem_mirror: {path: "/b"}, direct: {exclude: [Text("*/*")], n: "-1.5", x: "😀//"}}"#
        );
    }

    #[test]
    fn mistakes_name_their_place() {
        let deep = format!("a = {}", "[".repeat(1_000));
        let deep_blocks = "a { ".repeat(1_000);
        for (text, line, expected) in [
            ("a = \n", 1, "A value was expected, and the line ends"),
            ("a {\n b = 1\n", 3, "A name was expected, and the file ends"),
            ("a = \"b", 1, "closing quote"),
            ("a b = 1", 1, "`=` or `{` was expected"),
            ("\n= 2", 2, "A name was expected"),
            ("}", 1, "A name was expected"),
            ("a = \"\\q\"", 1, "unknown escape"),
            ("a = <<EOT\nx", 2, "heredoc"),
            (deep.as_str(), 1, "too deep"),
            (deep_blocks.as_str(), 1, "too deep"),
        ] {
            let problem = parse("rc", text).expect_err(text);
            assert!(problem.detail.contains(expected), "{text}: {problem}");
            assert_eq!(problem.span.as_ref().map(|span| span.start.line), Some(line), "{text}: {problem}");
        }
        for text in
            ["token = \"planted\\q\"", "token = 12planted 3", "token planted secret = 1", "{\"token\": \"planted"]
        {
            let problem = parse("rc", text).expect_err(text);
            assert!(!problem.to_string().contains("planted"), "{problem}");
        }
        assert!(parse("rc", "{\"a\":").expect_err("it is cut").detail.contains("no JSON"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_text_reading_ends(pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", "\"", "{", "}", "[", "]", "=", ":", ",", "\n", "\\", "\\u12", "${", "<<E\n", "E\n", "-", "1", "é", "#", " ",
            ]),
            0..40,
        )) {
            let text = pieces.concat();
            let _ = parse("rc", &text);
            let _ = parse("rc", &format!("{{{text}"));
        }
    }
}
