//! The syntax of CLI configuration files: HCL of the first generation, or JSON.
//!
//! It differs from the second generation in what matters here: names may be quoted (`"hashicorp/aws" = "…"`), and
//! nothing is evaluated. Only texts, lists and objects are told apart.
//!
//! Source: the README of HCL version 1, section "Syntax".

use std::borrow::Cow;

use hcl::lex::{Token, TokenKind};
use model::{Diagnostic, Span};
use serde_json::Value as Json;

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
    /// The value.
    pub(super) value: Node,
    /// Where it begins; of JSON, the file's beginning.
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
    let fail = |detail: String| Box::new(super::cli_config::invalid(detail));
    // As in HCL, the first character decides.
    if text.trim_start().starts_with('{') {
        let json: Json = serde_json::from_str(text).map_err(|error| fail(format!("{name} is no JSON: {error}.")))?;
        let (file, _) = hcl::File::parse_json(name, "{}");
        let members = json.as_object().into_iter().flatten();
        return Ok(members.flat_map(|(name, value)| json_items(name, value, &file.span(&(0..0)))).collect());
    }
    // Parsing as the second generation would fail; its tokens are the same.
    let (file, problems) = hcl::File::parse(name, text);
    if let Some(problem) = problems.into_iter().find(|problem| problem.code == "configuration-too-large") {
        return Err(fail(problem.detail));
    }
    let tokens: Vec<&Token> = file.tokens().iter().filter(|token| !token.kind.is_trivia()).collect();
    let mut parser = Parser { file: &file, tokens, at: 0 };
    parser
        .items(None, 0)
        .map_err(|(reason, span)| Box::new(super::cli_config::invalid(format!("{reason}.")).at_span(span)))
}

/// Makes items of a member: a list of objects is one item each, as several blocks.
fn json_items(name: &str, value: &Json, span: &Span) -> Vec<Item> {
    let item = |value: &Json| Item { names: vec![name.to_owned()], value: json_node(value, span), span: span.clone() };
    match value {
        Json::Array(elements) if !elements.is_empty() && elements.iter().all(Json::is_object) => {
            elements.iter().map(item).collect()
        }
        value => vec![item(value)],
    }
}

/// The JSON reader has limited the depth.
fn json_node(value: &Json, span: &Span) -> Node {
    match value {
        Json::Null => Node::Text(String::new()),
        Json::String(text) => Node::Text(text.clone()),
        Json::Bool(_) | Json::Number(_) => Node::Text(value.to_string()),
        Json::Array(elements) => Node::List(elements.iter().map(|element| json_node(element, span)).collect()),
        Json::Object(members) => {
            Node::Object(members.iter().flat_map(|(name, value)| json_items(name, value, span)).collect())
        }
    }
}

type Failure = (String, Span);

struct Parser<'f> {
    file: &'f hcl::File,
    tokens: Vec<&'f Token>,
    at: usize,
}

impl<'f> Parser<'f> {
    fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn text(&self) -> &'f str {
        self.tokens.get(self.at).map_or("", |token| &self.file.text[token.range.clone()])
    }

    fn span(&self) -> Span {
        let end = self.file.text.len();
        self.file.span(&self.tokens.get(self.at).map_or(end..end, |token| token.range.clone()))
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
                _ => items.push(self.item(depth)?),
            }
        }
    }

    fn item(&mut self, depth: usize) -> Result<Item, Failure> {
        let span = self.span();
        let mut names = Vec::new();
        loop {
            match self.kind() {
                Some(TokenKind::Identifier) => {
                    names.push(self.text().to_owned());
                    self.at += 1;
                }
                Some(TokenKind::OpenQuote) => names.push(self.quoted()?),
                Some(TokenKind::Equal) if names.len() == 1 => {
                    self.at += 1;
                    let value = self.value(depth + 1)?;
                    return Ok(Item { names, value, span });
                }
                Some(TokenKind::OpenBrace) if !names.is_empty() => {
                    self.at += 1;
                    let value = Node::Object(self.items(Some(TokenKind::CloseBrace), depth + 1)?);
                    return Ok(Item { names, value, span });
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
            Some(TokenKind::OpenHeredoc) => {
                self.at += 1;
                let start = self.at;
                while !matches!(self.kind(), Some(TokenKind::CloseHeredoc) | None) {
                    self.at += 1;
                }
                let lines = self.tokens[start..self.at].iter().map(|token| &self.file.text[token.range.clone()]);
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
        let start = self.tokens[self.at].range.end;
        let mut n_open = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.kind {
                TokenKind::OpenQuote => n_open += 1,
                TokenKind::CloseQuote => n_open -= 1,
                _ => {}
            }
            if n_open == 0 {
                let text = &self.file.text[start..token.range.start];
                return unescape(text)
                    .map(Cow::into_owned)
                    .ok_or_else(|| ("A text has an unknown escape".to_owned(), span));
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
        let text = r#" {"provider_installation": {"filesystem_mirror": [{"path": "/a"}, {"path": "/b"}], "direct": {"exclude": ["*/*"]}}}"#;
        assert_eq!(
            show(&parse("rc", text).expect("it is well-formed")),
            r#"provider_installation: {direct: {exclude: [Text("*/*")]}, filesystem_mirror: {path: "/a"}, filesystem_mirror: {path: "/b"}}"#
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
}
