//! Tokens. Every byte of a text lies in exactly one of them, whatever the text.
//!
//! Source: the "HCL Native Syntax Specification", section "Lexical Elements", and the behavior of its reference
//! implementation where the specification is silent (byte order marks, heredocs, line ends).

mod identifier;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    start: u32,
    end: u32,
}

impl Token {
    /// Gives where it is, in bytes.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.start()..self.end()
    }

    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.end as usize
    }
}

/// Splits a text into tokens. Of a text beyond 4 GiB the rest is left out.
///
/// ```
/// let text = "a = \"b ${c}\"\r\n";
/// let joined: String = hcl::lex::tokenize(text).iter().map(|token| &text[token.range()]).collect();
/// assert_eq!(joined, text);
/// ```
pub fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text, Vec::new());
    if text.starts_with(BYTE_ORDER_MARK) {
        lexer.push(TokenKind::ByteOrderMark, BYTE_ORDER_MARK.len());
    }
    lexer.run();
    lexer.tokens
}

/// Splits a text that is a template, without quotes around it, into tokens.
pub fn tokenize_template(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text, vec![Mode::Heredoc { marker: None, is_line_start: true }]);
    lexer.run();
    lexer.tokens
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

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
    bytes: &'t [u8],
    at: usize,
    tokens: Vec<Token>,
    modes: Vec<Mode<'t>>,
}

impl<'t> Lexer<'t> {
    fn new(text: &'t str, modes: Vec<Mode<'t>>) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, tokens: Vec::with_capacity(text.len() / 4 + 8), modes }
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() && u32::try_from(self.bytes.len()).is_ok() {
            match self.modes.last() {
                Some(Mode::Quoted) => self.quoted(),
                Some(Mode::Heredoc { .. }) => self.heredoc(),
                Some(Mode::Template { .. }) | None => self.normal(),
            }
        }
    }

    /// Gives a byte ahead; 0 behind the end.
    fn byte(&self, n_ahead: usize) -> u8 {
        self.bytes.get(self.at + n_ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, n_bytes: usize) {
        let end = self.at + n_bytes;
        // The text is no longer than what an u32 counts, see `run`.
        self.tokens.push(Token { kind, start: self.at as u32, end: end as u32 });
        self.at = end;
    }

    fn normal(&mut self) {
        let (first, second) = (self.bytes[self.at], self.byte(1));
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.identifier(),
            b' ' | b'\t' => {
                let blank = |byte: &u8| *byte != b' ' && *byte != b'\t';
                let rest = &self.bytes[self.at..];
                let n_bytes = rest.iter().position(blank).unwrap_or(rest.len());
                self.push(TokenKind::Whitespace, n_bytes);
            }
            b'\n' => self.push(TokenKind::Newline, 1),
            b'\r' if second == b'\n' => self.push(TokenKind::Newline, 2),
            b'#' => self.line_comment(),
            b'/' if second == b'/' => self.line_comment(),
            b'/' if second == b'*' => match self.text[self.at + 2..].find("*/") {
                Some(end) => self.push(TokenKind::Comment, 2 + end + 2),
                None => self.push(TokenKind::Invalid, self.bytes.len() - self.at),
            },
            b'"' => {
                self.push(TokenKind::OpenQuote, 1);
                self.modes.push(Mode::Quoted);
            }
            b'<' if second == b'<' => self.open_heredoc(),
            b'{' => {
                if let Some(Mode::Template { n_braces }) = self.modes.last_mut() {
                    *n_braces += 1;
                }
                self.push(TokenKind::OpenBrace, 1);
            }
            b'~' if second != b'}' => self.push(TokenKind::Invalid, 1),
            b'}' | b'~' => match self.modes.last_mut() {
                Some(Mode::Template { n_braces: 0 }) => {
                    self.modes.pop();
                    self.push(TokenKind::CloseTemplate, if first == b'~' { 2 } else { 1 });
                }
                _ if first == b'~' => self.push(TokenKind::Invalid, 1),
                Some(Mode::Template { n_braces }) => {
                    *n_braces -= 1;
                    self.push(TokenKind::CloseBrace, 1);
                }
                _ => self.push(TokenKind::CloseBrace, 1),
            },
            b'0'..=b'9' => self.push(TokenKind::Number, number(&self.bytes[self.at..])),
            b'=' if second == b'=' || second == b'>' => self.push(TokenKind::Operator, 2),
            b'!' | b'<' | b'>' if second == b'=' => self.push(TokenKind::Operator, 2),
            b'&' | b'|' | b':' if second == first => self.push(TokenKind::Operator, 2),
            b'.' if second == b'.' && self.byte(2) == b'.' => self.push(TokenKind::Operator, 3),
            b'[' => self.push(TokenKind::OpenBracket, 1),
            b']' => self.push(TokenKind::CloseBracket, 1),
            b'(' => self.push(TokenKind::OpenParenthesis, 1),
            b')' => self.push(TokenKind::CloseParenthesis, 1),
            b'=' => self.push(TokenKind::Equal, 1),
            b',' => self.push(TokenKind::Comma, 1),
            b':' => self.push(TokenKind::Colon, 1),
            b'.' => self.push(TokenKind::Dot, 1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'<' | b'>' | b'?' => self.push(TokenKind::Operator, 1),
            0..=0x7f => self.push(TokenKind::Invalid, 1),
            _ => {
                let first = self.text[self.at..].chars().next().unwrap_or_default();
                if is_identifier_start(first) {
                    self.identifier();
                } else {
                    self.push(TokenKind::Invalid, first.len_utf8());
                }
            }
        }
    }

    fn identifier(&mut self) {
        let n_bytes = identifier(&self.text[self.at..]);
        self.push(TokenKind::Identifier, n_bytes);
    }

    fn line_comment(&mut self) {
        let rest = &self.text[self.at..];
        let n_bytes = match rest.find('\n') {
            Some(end) => rest[..end].strip_suffix('\r').map_or(end, str::len),
            None => rest.len(),
        };
        self.push(TokenKind::Comment, n_bytes);
    }

    fn open_heredoc(&mut self) {
        let rest = &self.text[self.at..];
        let after = rest[2..].strip_prefix('-').unwrap_or(&rest[2..]);
        let marker = &after[..identifier(after)];
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
        let n_bytes = if self.byte(2) == b'~' { 3 } else { 2 };
        self.push(TokenKind::OpenTemplate, n_bytes);
        self.modes.push(Mode::Template { n_braces: 0 });
    }

    fn quoted(&mut self) {
        let mut at = self.at;
        let stop = loop {
            // Bytes of longer characters are none of these.
            match self.bytes.get(at) {
                Some(b'\\') => at += 1 + usize::from(self.bytes.get(at + 1).is_some_and(|byte| !is_line_end(*byte))),
                Some(b'$' | b'%') if is_escaped_template(&self.bytes[at..]) => at += 3,
                Some(sign @ (b'$' | b'%')) if self.bytes.get(at + 1) == Some(&b'{') => break *sign,
                Some(stop @ (b'"' | b'\n' | b'\r')) => break *stop,
                Some(_) => at += 1,
                None => break 0,
            }
        };
        if at > self.at {
            self.push(TokenKind::Text, at - self.at);
        }
        match stop {
            b'"' => {
                self.modes.pop();
                self.push(TokenKind::CloseQuote, 1);
            }
            b'\n' | b'\r' => {
                // A string ends with its line: a forgotten quote spoils no more than that.
                self.modes.pop();
                if stop == b'\r' && self.byte(1) != b'\n' {
                    self.push(TokenKind::Invalid, 1);
                }
            }
            0 => {}
            _ => self.open_template(),
        }
    }

    fn heredoc(&mut self) {
        let Some(Mode::Heredoc { marker, is_line_start }) = self.modes.last_mut() else { return };
        let rest = &self.text[self.at..];
        if let (true, Some(marker)) = (std::mem::take(is_line_start), *marker) {
            // The line that closes needs a line end of its own.
            let line = rest.find('\n').map(|end| rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]));
            if let Some(line) = line.filter(|line| line.trim() == marker && !line.contains('\r')) {
                self.modes.pop();
                self.push(TokenKind::CloseHeredoc, line.len());
                return;
            }
        }
        // Behind a carriage return alone, the rest of a text that is all template is plain.
        let is_plain = marker.is_none();
        let mut at = self.at;
        loop {
            match self.bytes.get(at) {
                Some(b'$' | b'%') if is_escaped_template(&self.bytes[at..]) => at += 3,
                Some(b'$' | b'%') if self.bytes.get(at + 1) == Some(&b'{') => break,
                Some(b'\r') if self.bytes.get(at + 1) != Some(&b'\n') => break,
                Some(b'\n') => {
                    at += 1;
                    *is_line_start = true;
                    break;
                }
                Some(_) => at += 1,
                None => break,
            }
        }
        if at > self.at {
            self.push(TokenKind::Text, at - self.at);
        } else if self.bytes[at] == b'\r' {
            let n_bytes = if is_plain { self.bytes.len() - at } else { 1 };
            self.push(if is_plain { TokenKind::Text } else { TokenKind::Invalid }, n_bytes);
        } else {
            self.open_template();
        }
    }
}

/// Tells whether the text starts with `$${` or `%%{`.
fn is_escaped_template(text: &[u8]) -> bool {
    text.starts_with(b"$${") || text.starts_with(b"%%{")
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Tells whether a name can start with the character.
pub(crate) fn is_identifier_start(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '_' => true,
        _ if c.is_ascii() => false,
        _ => is_within(identifier::START, c),
    }
}

/// Tells whether a name can go on with the character.
pub(crate) fn is_identifier_part(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '_' | '0'..='9' | '-' => true,
        _ if c.is_ascii() => false,
        _ => is_within(identifier::CONTINUE, c),
    }
}

fn is_within(ranges: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let before = ranges.partition_point(|(first, _)| *first <= c);
    before > 0 && c <= ranges[before - 1].1
}

/// Counts the bytes of the name at the start of the text, whose first character may be any that a name can go on with.
fn identifier(text: &str) -> usize {
    let is_simple = |byte: &u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-');
    let n_simple = text.bytes().position(|byte| !is_simple(&byte)).unwrap_or(text.len());
    match text.as_bytes().get(n_simple) {
        None | Some(0..=0x7f) => n_simple,
        Some(_) => text.find(|c| !is_identifier_part(c)).unwrap_or(text.len()),
    }
}

/// Counts the bytes of the number at the start of the text, which starts with a digit.
///
/// Digits, dots and exponents, in any order: whether they make a number is told later.
fn number(text: &[u8]) -> usize {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let (mut at, mut end) = (1, 1);
    loop {
        match text.get(at) {
            Some(b'0'..=b'9') => at += 1,
            Some(b'.') => {
                at += 1;
                continue;
            }
            Some(b'e' | b'E') if digit(at + 1) => at += 2,
            Some(b'e' | b'E') if matches!(text.get(at + 1), Some(b'+' | b'-')) && digit(at + 2) => at += 3,
            _ => return end,
        }
        end = at;
    }
}
