//! The tokens of JSON. Numbers keep their text, and no error repeats what it read: that may be secret.

use std::borrow::Cow;

use crate::error::{Error, ErrorKind, MAX_DEPTH, Result, depth_error};

/// Reads tokens from the front of a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Says what the next value is, by its first character.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

impl Next {
    /// Names the value in messages.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Next::Null => "null",
            Next::True | Next::False => "a bool",
            Next::Number => "a number",
            Next::String => "a string",
            Next::Array => "an array",
            Next::Object => "an object",
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Reader<'a>> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Error::new(ErrorKind::Syntax, format!("JSON is not valid UTF-8: {error}")))?;
        Ok(Reader { text, at: 0 })
    }

    /// Reports a problem at the current place.
    pub(super) fn syntax(&self, message: &str) -> Error {
        let before = String::from_utf8_lossy(&self.text.as_bytes()[..self.at.min(self.text.len())]);
        let line = before.split('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Error::new(ErrorKind::Syntax, format!("{message} at line {line} column {column}"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Says what comes next, after any space.
    pub(super) fn next(&mut self) -> Result<Next> {
        self.skip_space();
        match self.peek() {
            Some(b'n') => Ok(Next::Null),
            Some(b't') => Ok(Next::True),
            Some(b'f') => Ok(Next::False),
            Some(b'-' | b'0'..=b'9') => Ok(Next::Number),
            Some(b'"') => Ok(Next::String),
            Some(b'[') => Ok(Next::Array),
            Some(b'{') => Ok(Next::Object),
            Some(_) => Err(self.syntax("a JSON value is expected")),
            None => Err(self.syntax("a JSON value is expected, but the text ends")),
        }
    }

    /// Reads `null`, `true` or `false`.
    pub(super) fn literal(&mut self, next: Next) -> Result<()> {
        let word = match next {
            Next::True => "true",
            Next::False => "false",
            _ => "null",
        };
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.syntax("a JSON value is expected"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a number and returns its text.
    pub(super) fn number(&mut self) -> Result<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("a digit is expected")) } else { Ok(()) }
    }

    /// Reads a string. Halves of surrogate pairs become replacement characters.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"', "a string is expected")?;
        let start = self.at;
        self.plain_characters()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut text = self.text[start..self.at].to_owned();
        loop {
            self.at += 1;
            text.push(self.escaped()?);
            let start = self.at;
            self.plain_characters()?;
            text.push_str(&self.text[start..self.at]);
            if self.peek() == Some(b'"') {
                self.at += 1;
                return Ok(Cow::Owned(text));
            }
        }
    }

    /// Goes to the next quote or backslash.
    fn plain_characters(&mut self) -> Result<()> {
        loop {
            match self.peek() {
                Some(b'"' | b'\\') => return Ok(()),
                Some(0..=0x1f) => return Err(self.syntax("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.syntax("a string is not closed")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        let code = self.peek();
        self.at += 1;
        Ok(match code {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.code_unit()?;
                if !(0xd800..0xdc00).contains(&unit) || !self.text[self.at..].starts_with("\\u") {
                    return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let before_second = self.at;
                self.at += 2;
                let second = self.code_unit()?;
                if !(0xdc00..0xe000).contains(&second) {
                    self.at = before_second;
                    return Ok(char::REPLACEMENT_CHARACTER);
                }
                let code = 0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.syntax("an unknown escape in a string")),
        })
    }

    fn code_unit(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.syntax("four hexadecimal digits are expected"))?;
        self.at += 4;
        Ok(unit)
    }

    fn expect(&mut self, byte: u8, message: &str) -> Result<()> {
        self.skip_space();
        if self.peek() != Some(byte) {
            return Err(self.syntax(message));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads an array, each element by `read`, which gets its index.
    pub(super) fn array(&mut self, mut read: impl FnMut(&mut Reader<'a>, usize) -> Result<()>) -> Result<()> {
        self.expect(b'[', "an array is expected")?;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        for index in 0.. {
            read(self, index)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.syntax("a comma or the end of the array is expected")),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Reads an object, each value by `read`, which gets its key.
    pub(super) fn object(&mut self, mut read: impl FnMut(&mut Reader<'a>, Cow<'a, str>) -> Result<()>) -> Result<()> {
        self.object_with_raw_keys(|reader, key, _| read(reader, key))
    }

    /// Reads an object, each value by `read`, which gets its key and the text of that.
    pub(super) fn object_with_raw_keys(
        &mut self,
        mut read: impl FnMut(&mut Reader<'a>, Cow<'a, str>, &'a str) -> Result<()>,
    ) -> Result<()> {
        self.expect(b'{', "an object is expected")?;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            let start = self.at;
            let key = self.string()?;
            let raw_key = &self.text[start..self.at];
            self.expect(b':', "a colon is expected")?;
            read(self, key, raw_key)?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.syntax("a comma or the end of the object is expected")),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over one value and returns its text.
    pub(super) fn raw_value(&mut self, depth: usize) -> Result<&'a str> {
        self.skip_space();
        let start = self.at;
        self.skip_value(depth)?;
        Ok(&self.text[start..self.at])
    }

    fn skip_value(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(depth_error());
        }
        match self.next()? {
            next @ (Next::Null | Next::True | Next::False) => self.literal(next),
            Next::Number => self.number().map(drop),
            Next::String => self.string().map(drop),
            Next::Array => self.array(|reader, _| reader.skip_value(depth + 1)),
            Next::Object => self.object(|reader, _| reader.skip_value(depth + 1)),
        }
    }

    /// Refuses anything but space that is left.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.syntax("extraneous data after the JSON value")) }
    }
}
