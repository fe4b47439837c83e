//! Tokens. Every byte of a text lies in exactly one of them, whatever the text.
//!
//! Source: the "HCL Native Syntax Specification", section "Lexical Elements", and the behavior of its reference
//! implementation where the specification is silent (byte order marks, heredocs, line ends).

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A byte order mark at the start of the file.
    ByteOrderMark,
    /// Blanks and tabs.
    Whitespace,
    /// One line end, `\n` or `\r\n`.
    Newline,
    /// A comment: `#` or `//` up to the line end and without it, or `/* … */`.
    Comment,
    /// A name or keyword.
    Identifier,
    /// A number.
    Number,
    /// The quote that opens a string.
    OpenQuote,
    /// The quote that closes a string.
    CloseQuote,
    /// Text in a string or heredoc, escapes included.
    Text,
    /// `${`, `%{`, `${~` or `%{~`.
    OpenTemplate,
    /// The `}` or `~}` that ends an interpolation or directive.
    CloseTemplate,
    /// `<<NAME` or `<<-NAME` with its line end.
    OpenHeredoc,
    /// The line that closes a heredoc, without its line end.
    CloseHeredoc,
    /// `{`.
    OpenBrace,
    /// `}`.
    CloseBrace,
    /// `[`.
    OpenBracket,
    /// `]`.
    CloseBracket,
    /// `(`.
    OpenParenthesis,
    /// `)`.
    CloseParenthesis,
    /// `=`.
    Equal,
    /// `,`.
    Comma,
    /// `:`.
    Colon,
    /// `.`.
    Dot,
    /// Any other operator: `=>`, `==`, `&&`, `...` and the like.
    Operator,
    /// What belongs to no token of the language.
    Invalid,
}

impl TokenKind {
    /// Tells whether the token only separates others: blanks and comments.
    pub fn is_trivia(self) -> bool {
        matches!(self, Self::ByteOrderMark | Self::Whitespace | Self::Comment)
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is, in bytes.
    pub range: Range<usize>,
}

/// Splits a text into tokens.
///
/// ```
/// let text = "a = \"b ${c}\"\r\n";
/// let joined: String = hcl::lex::tokenize(text).iter().map(|token| &text[token.range.clone()]).collect();
/// assert_eq!(joined, text);
/// ```
pub fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::with_capacity(text.len() / 4), modes: Vec::new() };
    if text.starts_with('\u{feff}') {
        lexer.push(TokenKind::ByteOrderMark, '\u{feff}'.len_utf8());
    }
    lexer.run();
    lexer.tokens
}

/// Splits a text that is a template, without quotes around it, into tokens.
pub fn tokenize_template(text: &str) -> Vec<Token> {
    let modes = vec![Mode::Heredoc { marker: None, is_line_start: true }];
    let mut lexer = Lexer { text, at: 0, tokens: Vec::with_capacity(text.len() / 16), modes };
    lexer.run();
    lexer.tokens
}

enum Mode<'t> {
    /// Inside of quotes.
    Quoted,
    /// Inside of a heredoc, or of a text that is all template and has no end marker.
    Heredoc { marker: Option<&'t str>, is_line_start: bool },
    /// Inside of an interpolation or directive, with this many braces open.
    Template { n_braces: usize },
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
    modes: Vec<Mode<'t>>,
}

impl<'t> Lexer<'t> {
    fn run(&mut self) {
        while self.at < self.text.len() {
            match self.modes.last() {
                Some(Mode::Quoted) => self.quoted(),
                Some(Mode::Heredoc { .. }) => self.heredoc(),
                Some(Mode::Template { .. }) | None => self.normal(),
            }
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: TokenKind, n_bytes: usize) {
        let end = self.at + n_bytes;
        self.tokens.push(Token { kind, range: self.at..end });
        self.at = end;
    }

    fn normal(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let starts = |text: &str| rest.starts_with(text);
        match bytes[0] {
            b' ' | b'\t' => {
                let n_bytes = run(rest, |c| c == ' ' || c == '\t');
                self.push(TokenKind::Whitespace, n_bytes);
            }
            b'\n' => self.push(TokenKind::Newline, 1),
            b'\r' if starts("\r\n") => self.push(TokenKind::Newline, 2),
            b'#' => self.line_comment(),
            b'/' if starts("//") => self.line_comment(),
            b'/' if starts("/*") => match rest[2..].find("*/") {
                Some(end) => self.push(TokenKind::Comment, 2 + end + 2),
                None => self.push(TokenKind::Invalid, rest.len()),
            },
            b'"' => {
                self.push(TokenKind::OpenQuote, 1);
                self.modes.push(Mode::Quoted);
            }
            b'<' if starts("<<") => self.open_heredoc(),
            b'{' => {
                if let Some(Mode::Template { n_braces }) = self.modes.last_mut() {
                    *n_braces += 1;
                }
                self.push(TokenKind::OpenBrace, 1);
            }
            b'}' | b'~' if starts("}") || starts("~}") => match self.modes.last_mut() {
                Some(Mode::Template { n_braces: 0 }) => {
                    self.modes.pop();
                    self.push(TokenKind::CloseTemplate, if bytes[0] == b'~' { 2 } else { 1 });
                }
                _ if bytes[0] == b'~' => self.push(TokenKind::Invalid, 1),
                Some(Mode::Template { n_braces }) => {
                    *n_braces -= 1;
                    self.push(TokenKind::CloseBrace, 1);
                }
                _ => self.push(TokenKind::CloseBrace, 1),
            },
            b'0'..=b'9' => self.push(TokenKind::Number, number(rest)),
            b'=' if starts("==") || starts("=>") => self.push(TokenKind::Operator, 2),
            b'!' | b'<' | b'>' if bytes.get(1) == Some(&b'=') => self.push(TokenKind::Operator, 2),
            b'&' if starts("&&") => self.push(TokenKind::Operator, 2),
            b'|' if starts("||") => self.push(TokenKind::Operator, 2),
            b':' if starts("::") => self.push(TokenKind::Operator, 2),
            b'.' if starts("...") => self.push(TokenKind::Operator, 3),
            b'[' => self.push(TokenKind::OpenBracket, 1),
            b']' => self.push(TokenKind::CloseBracket, 1),
            b'(' => self.push(TokenKind::OpenParenthesis, 1),
            b')' => self.push(TokenKind::CloseParenthesis, 1),
            b'=' => self.push(TokenKind::Equal, 1),
            b',' => self.push(TokenKind::Comma, 1),
            b':' => self.push(TokenKind::Colon, 1),
            b'.' => self.push(TokenKind::Dot, 1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'<' | b'>' | b'?' => self.push(TokenKind::Operator, 1),
            _ => {
                let first = rest.chars().next().map_or(1, char::len_utf8);
                if rest.starts_with(is_identifier_start) {
                    let n_bytes = run(rest, is_identifier_part);
                    self.push(TokenKind::Identifier, n_bytes);
                } else {
                    self.push(TokenKind::Invalid, first);
                }
            }
        }
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        self.push(TokenKind::Comment, line.strip_suffix('\r').unwrap_or(line).len().max(1));
    }

    fn open_heredoc(&mut self) {
        let rest = self.rest();
        let after = rest[2..].strip_prefix('-').unwrap_or(&rest[2..]);
        let marker = &after[..run(after, is_identifier_part)];
        let behind = &after[marker.len()..];
        let line_end = if behind.starts_with("\r\n") { 2 } else { usize::from(behind.starts_with('\n')) };
        if !marker.starts_with(is_identifier_start) || line_end == 0 {
            self.push(TokenKind::Operator, 1);
            return;
        }
        self.push(TokenKind::OpenHeredoc, rest.len() - behind.len() + line_end);
        self.modes.push(Mode::Heredoc { marker: Some(marker), is_line_start: true });
    }

    fn open_template(&mut self) {
        let n_bytes = if self.rest()[2..].starts_with('~') { 3 } else { 2 };
        self.push(TokenKind::OpenTemplate, n_bytes);
        self.modes.push(Mode::Template { n_braces: 0 });
    }

    fn quoted(&mut self) {
        let rest = self.rest();
        let mut n_bytes = 0;
        loop {
            let tail = &rest[n_bytes..];
            let mut chars = tail.chars();
            match chars.next() {
                Some('\\') => n_bytes += 1 + chars.next().filter(|c| !is_line_end(*c)).map_or(0, char::len_utf8),
                Some('$' | '%') if is_escaped_template(tail) => n_bytes += 3,
                Some('$' | '%') if tail[1..].starts_with('{') => break,
                None | Some('"' | '\n' | '\r') => break,
                Some(c) => n_bytes += c.len_utf8(),
            }
        }
        if n_bytes > 0 {
            self.push(TokenKind::Text, n_bytes);
        } else if rest.starts_with('"') {
            self.modes.pop();
            self.push(TokenKind::CloseQuote, 1);
        } else if rest.starts_with(is_line_end) {
            // A string ends with its line: a forgotten quote spoils no more than that.
            self.modes.pop();
            if !rest.starts_with('\n') && !rest.starts_with("\r\n") {
                self.push(TokenKind::Invalid, 1);
            }
        } else {
            self.open_template();
        }
    }

    fn heredoc(&mut self) {
        let Some(Mode::Heredoc { marker, is_line_start }) = self.modes.last_mut() else { return };
        let rest = &self.text[self.at..];
        if *is_line_start {
            let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
            if marker.is_some_and(|marker| line.trim_matches([' ', '\t', '\r']) == marker) {
                self.modes.pop();
                self.push(TokenKind::CloseHeredoc, line.strip_suffix('\r').unwrap_or(line).len());
                return;
            }
        }
        let mut n_bytes = 0;
        *is_line_start = false;
        loop {
            let tail = &rest[n_bytes..];
            match tail.chars().next() {
                Some('$' | '%') if is_escaped_template(tail) => n_bytes += 3,
                Some('$' | '%') if tail[1..].starts_with('{') => break,
                Some('\n') => {
                    n_bytes += 1;
                    *is_line_start = true;
                    break;
                }
                Some(c) => n_bytes += c.len_utf8(),
                None => break,
            }
        }
        if n_bytes > 0 {
            self.push(TokenKind::Text, n_bytes);
        } else {
            self.open_template();
        }
    }
}

/// Tells whether the text starts with `$${` or `%%{`.
fn is_escaped_template(text: &str) -> bool {
    text.starts_with("$${") || text.starts_with("%%{")
}

fn is_line_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

/// Tells whether a name can start with the character.
pub(crate) fn is_identifier_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// Tells whether a name can go on with the character.
pub(crate) fn is_identifier_part(c: char) -> bool {
    c == '_' || c == '-' || c.is_alphanumeric()
}

/// Counts the bytes at the start of the text whose characters are all of a kind.
fn run(text: &str, is_of_kind: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_of_kind(c)).unwrap_or(text.len())
}

/// Counts the bytes of the number at the start of the text.
fn number(text: &str) -> usize {
    let digits = |text: &str| run(text, |c| c.is_ascii_digit());
    let mut n_bytes = digits(text);
    if let Some(fraction) = text[n_bytes..].strip_prefix('.') {
        let n_digits = digits(fraction);
        if n_digits > 0 {
            n_bytes += 1 + n_digits;
        }
    }
    if let Some(exponent) = text[n_bytes..].strip_prefix(['e', 'E']) {
        let n_sign = usize::from(exponent.starts_with(['+', '-']));
        let n_digits = digits(&exponent[n_sign..]);
        if n_digits > 0 {
            n_bytes += 1 + n_sign + n_digits;
        }
    }
    n_bytes
}
