//! A pull scanner over JSON bytes that keeps one window of its input in memory.
//!
//! It reads what the index needs and steps over the rest: inside a value that is stepped over only strings and brackets
//! are looked at. What such a value holds is checked when somebody decodes it.

use std::io::{self, Read};

use memchr::{memchr_iter, memchr2, memrchr};
use model::Position;

/// The deepest nesting that is read.
pub(crate) const MAX_DEPTH: usize = 256;
/// The longest string or captured value that is kept in memory, in bytes.
pub(crate) const MAX_TOKEN: usize = 4 * 1024 * 1024;
/// The largest input, in bytes: offsets are kept in 32 bits.
pub(crate) const MAX_INPUT: u64 = u32::MAX as u64 - 1;
const WINDOW: usize = 256 * 1024;

/// What is wrong with the bytes, and at which offset.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Reading failed.
    Io(io::Error),
    /// The input ends inside a value.
    Truncated,
    /// The byte at the offset is not UTF-8.
    NotUtf8,
    /// Another byte was needed at the current offset; says which.
    Expected(&'static str),
    /// The nesting passes [`MAX_DEPTH`].
    TooDeep,
    /// A string or captured value passes [`MAX_TOKEN`].
    TooLong,
    /// The input passes [`MAX_INPUT`].
    TooLarge,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Counts lines and characters up to an offset that only moves forward.
#[derive(Clone, Copy, Debug)]
struct LineCounter {
    offset: u64,
    line: usize,
    n_chars: usize,
}

impl LineCounter {
    fn advance(&mut self, bytes: &[u8]) {
        let n_lines = memchr_iter(b'\n', bytes).count();
        let rest = match memrchr(b'\n', bytes) {
            Some(newline) => {
                self.line += n_lines;
                self.n_chars = 0;
                &bytes[newline + 1..]
            }
            None => bytes,
        };
        self.n_chars += rest.iter().filter(|byte| (**byte).cast_signed() >= -0x40).count();
        self.offset += bytes.len() as u64;
    }
}

/// Reads JSON tokens from a stream.
pub(crate) struct Scanner<'a> {
    reader: &'a mut dyn Read,
    window: Vec<u8>,
    /// The next byte to look at.
    pos: usize,
    /// Behind the last byte that was read.
    end: usize,
    /// Bytes from here on stay in the window.
    mark: Option<usize>,
    /// Behind the last byte that is known to be UTF-8.
    n_valid: usize,
    /// The offset of the window's first byte in the input.
    base: u64,
    is_at_end: bool,
    lines: LineCounter,
    /// Where the last fault shows.
    fault_at: Option<u64>,
    scratch: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Other,
    Quote,
    Open,
    Close,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    classes[b'"' as usize] = Class::Quote;
    classes[b'{' as usize] = Class::Open;
    classes[b'[' as usize] = Class::Open;
    classes[b'}' as usize] = Class::Close;
    classes[b']' as usize] = Class::Close;
    classes
};

impl<'a> Scanner<'a> {
    pub(crate) fn new(reader: &'a mut dyn Read) -> Self {
        Self {
            reader,
            window: vec![0; WINDOW],
            pos: 0,
            end: 0,
            mark: None,
            n_valid: 0,
            base: 0,
            is_at_end: false,
            lines: LineCounter { offset: 0, line: 1, n_chars: 0 },
            fault_at: None,
            scratch: String::new(),
        }
    }

    /// Gives the offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Gives line and column of the next byte.
    pub(crate) fn position(&mut self) -> Position {
        self.position_at(self.offset())
    }

    /// Gives line and column of the last fault, or else of the next byte.
    pub(crate) fn fault_position(&mut self) -> Position {
        let offset = self.fault_at.unwrap_or_else(|| self.offset());
        self.position_at(offset)
    }

    fn position_at(&mut self, offset: u64) -> Position {
        let from = self.lines.offset.saturating_sub(self.base) as usize;
        let to = (offset.saturating_sub(self.base) as usize).clamp(from, self.end);
        self.lines.advance(&self.window[from..to]);
        Position { line: self.lines.line, column: self.lines.n_chars + 1, byte: offset as usize }
    }

    /// Shows the bytes at the front without consuming them, fewer where the input ends.
    pub(crate) fn preview(&mut self, n_bytes: usize) -> Result<&[u8], Fault> {
        self.mark = Some(self.pos);
        let mut result = Ok(true);
        while self.end - self.pos < n_bytes && matches!(result, Ok(true)) {
            result = self.fill();
        }
        self.mark = None;
        result?;
        Ok(&self.window[self.pos..self.end.min(self.pos + n_bytes)])
    }

    /// Checks that what was read so far is UTF-8; later input is checked as it comes.
    pub(crate) fn check_utf8(&mut self) -> Result<(), Fault> {
        match std::str::from_utf8(&self.window[self.n_valid..self.end]) {
            Ok(_) => self.n_valid = self.end,
            Err(error) => {
                self.n_valid += error.valid_up_to();
                if error.error_len().is_some() || self.is_at_end {
                    self.fault_at = Some(self.base + self.n_valid as u64);
                    return Err(Fault::NotUtf8);
                }
            }
        }
        Ok(())
    }

    /// Steps over bytes that were seen in a preview.
    pub(crate) fn advance(&mut self, n_bytes: usize) {
        self.pos = (self.pos + n_bytes).min(self.end);
    }

    /// Reads more input behind the window's end; false at the end of the input.
    fn fill(&mut self) -> Result<bool, Fault> {
        if self.is_at_end {
            return Ok(false);
        }
        // A character that is cut in half stays, too, until its other half has come.
        let keep = self.mark.unwrap_or(self.pos).min(self.n_valid);
        if keep > 0 {
            let from = self.lines.offset.saturating_sub(self.base) as usize;
            if from < keep {
                self.lines.advance(&self.window[from..keep]);
            }
            self.window.copy_within(keep..self.end, 0);
            self.base += keep as u64;
            self.pos -= keep;
            self.end -= keep;
            self.n_valid -= keep;
            self.mark = self.mark.map(|mark| mark - keep);
        }
        if self.end == self.window.len() {
            if self.window.len() > MAX_TOKEN {
                return Err(Fault::TooLong);
            }
            self.window.resize(self.window.len() * 2, 0);
        }
        let n_read = loop {
            match self.reader.read(&mut self.window[self.end..]) {
                Ok(n_read) => break n_read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        self.end += n_read;
        self.is_at_end = n_read == 0;
        if self.base + self.end as u64 > MAX_INPUT {
            return Err(Fault::TooLarge);
        }
        Ok(n_read > 0)
    }

    /// Reads more input and checks that it is UTF-8.
    fn refill(&mut self) -> Result<(), Fault> {
        let has_more = self.fill()?;
        self.check_utf8()?;
        if has_more { Ok(()) } else { Err(Fault::Truncated) }
    }

    /// Skips white space and shows the next byte.
    pub(crate) fn peek(&mut self) -> Result<u8, Fault> {
        loop {
            while self.pos < self.end {
                let byte = self.window[self.pos];
                if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                    return Ok(byte);
                }
                self.pos += 1;
            }
            self.refill()?;
        }
    }

    /// Checks that nothing but white space follows.
    pub(crate) fn expect_end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Ok(_) => Err(Fault::Expected("the end of the file")),
            Err(Fault::Truncated) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek()? != byte {
            return Err(Fault::Expected(what));
        }
        self.pos += 1;
        Ok(())
    }

    /// Steps into an object.
    pub(crate) fn begin_object(&mut self) -> Result<(), Fault> {
        self.expect(b'{', "an object")
    }

    /// Steps into an array.
    pub(crate) fn begin_array(&mut self) -> Result<(), Fault> {
        self.expect(b'[', "an array")
    }

    /// Reads the next member's name and stops before its value; `None` behind the object's end.
    pub(crate) fn next_key(&mut self, is_first: &mut bool) -> Result<Option<&str>, Fault> {
        match self.peek()? {
            b'}' => {
                self.pos += 1;
                return Ok(None);
            }
            b',' if !*is_first => {
                self.pos += 1;
                self.peek()?;
            }
            _ if !*is_first => return Err(Fault::Expected("`,` or `}`")),
            _ => {}
        }
        *is_first = false;
        if self.peek()? != b'"' {
            return Err(Fault::Expected("a member's name in quotes"));
        }
        // The colon is found first so that the name can be lent out.
        let (start, has_escape) = self.mark_string()?;
        let result = self.expect(b':', "`:`");
        let start = self.mark.take().unwrap_or(start);
        result?;
        let end = start + 1 + string_end(&self.window[start + 1..self.pos]).unwrap_or(0);
        self.text(start + 1, end, has_escape).map(Some)
    }

    /// Tells whether another element follows, and stops before it; false behind the array's end.
    pub(crate) fn next_element(&mut self, is_first: &mut bool) -> Result<bool, Fault> {
        match self.peek()? {
            b']' => {
                self.pos += 1;
                return Ok(false);
            }
            b',' if !*is_first => {
                self.pos += 1;
                if self.peek()? == b']' {
                    return Err(Fault::Expected("a value"));
                }
            }
            _ if !*is_first => return Err(Fault::Expected("`,` or `]`")),
            _ => {}
        }
        *is_first = false;
        Ok(true)
    }

    /// Reads a string.
    pub(crate) fn read_string(&mut self) -> Result<&str, Fault> {
        if self.peek()? != b'"' {
            return Err(Fault::Expected("a string"));
        }
        let (start, has_escape) = self.mark_string()?;
        let start = self.mark.take().unwrap_or(start);
        self.text(start + 1, self.pos - 1, has_escape)
    }

    /// Reads a number, `true`, `false` or `null` as it is written.
    pub(crate) fn read_scalar(&mut self) -> Result<&str, Fault> {
        self.peek()?;
        self.mark = Some(self.pos);
        let result = self.skip_scalar();
        let start = self.mark.take().unwrap_or(self.pos);
        result?;
        self.text(start, self.pos, false)
    }

    /// Steps over a value and gives its text as it is written.
    pub(crate) fn capture_value(&mut self) -> Result<&str, Fault> {
        self.peek()?;
        self.mark = Some(self.pos);
        let result = self.skip_value();
        let start = self.mark.take().unwrap_or(self.pos);
        result?;
        self.text(start, self.pos, false)
    }

    /// Steps over a value and gives the offsets of its first byte and of the byte behind it.
    pub(crate) fn skip_range(&mut self) -> Result<(u64, u64), Fault> {
        self.peek()?;
        let start = self.offset();
        self.skip_value()?;
        Ok((start, self.offset()))
    }

    /// Steps over a value.
    pub(crate) fn skip_value(&mut self) -> Result<(), Fault> {
        match self.peek()? {
            b'"' => self.skip_string().map(drop),
            b'{' | b'[' => self.skip_container(),
            _ => self.skip_scalar(),
        }
    }

    fn text(&mut self, start: usize, end: usize, has_escape: bool) -> Result<&str, Fault> {
        if end.saturating_sub(start) > MAX_TOKEN {
            return Err(Fault::TooLong);
        }
        let bytes = &self.window[start..end.max(start)];
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?;
        if !has_escape {
            return Ok(text);
        }
        self.scratch.clear();
        unescape(text, &mut self.scratch).ok_or(Fault::Expected("an escape that JSON knows"))?;
        Ok(&self.scratch)
    }

    /// Steps over a string and leaves the mark at its opening quote.
    fn mark_string(&mut self) -> Result<(usize, bool), Fault> {
        self.mark = Some(self.pos);
        let result = self.skip_string();
        if result.is_err() {
            self.mark = None;
        }
        Ok((self.mark.unwrap_or(self.pos), result?))
    }

    /// Steps over a string, telling whether it holds an escape.
    fn skip_string(&mut self) -> Result<bool, Fault> {
        self.pos += 1;
        let mut has_escape = false;
        loop {
            match memchr2(b'"', b'\\', &self.window[self.pos..self.end]) {
                Some(found) if self.window[self.pos + found] == b'"' => {
                    self.pos += found + 1;
                    return Ok(has_escape);
                }
                Some(found) => {
                    has_escape = true;
                    self.pos += found + 1;
                    while self.pos == self.end {
                        self.refill()?;
                    }
                    self.pos += 1;
                }
                None => {
                    self.pos = self.end;
                    self.refill()?;
                }
            }
        }
    }

    fn skip_scalar(&mut self) -> Result<(), Fault> {
        let had_mark = self.mark.is_some();
        if !had_mark {
            self.mark = Some(self.pos);
        }
        let mut result = Ok(());
        loop {
            while self.pos < self.end
                && matches!(self.window[self.pos], b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.')
            {
                self.pos += 1;
            }
            if self.pos < self.end {
                break;
            }
            match self.refill() {
                Ok(()) => {}
                Err(Fault::Truncated) => break,
                Err(fault) => {
                    result = Err(fault);
                    break;
                }
            }
        }
        let start = self.mark.unwrap_or(self.pos);
        if !had_mark {
            self.mark = None;
        }
        result?;
        if is_scalar(&self.window[start..self.pos]) {
            return Ok(());
        }
        if self.pos == self.end {
            return Err(Fault::Truncated);
        }
        self.fault_at = Some(self.base + start as u64);
        Err(Fault::Expected("a value"))
    }

    fn skip_container(&mut self) -> Result<(), Fault> {
        let mut closers = [0_u8; MAX_DEPTH];
        let mut depth = 0;
        loop {
            let window = &self.window[..self.end];
            let mut at = self.pos;
            let mut is_string_open = false;
            while at < window.len() {
                let byte = window[at];
                match CLASSES[byte as usize] {
                    Class::Other => at += 1,
                    Class::Quote => match string_end(&window[at + 1..]) {
                        Some(length) => at += length + 2,
                        None => {
                            is_string_open = true;
                            break;
                        }
                    },
                    Class::Open => {
                        if depth == MAX_DEPTH {
                            self.pos = at;
                            return Err(Fault::TooDeep);
                        }
                        // `{` and `}`, `[` and `]` are two apart in ASCII.
                        closers[depth] = byte + 2;
                        depth += 1;
                        at += 1;
                    }
                    Class::Close => {
                        if closers[depth - 1] != byte {
                            self.pos = at;
                            return Err(Fault::Expected("the bracket that closes the innermost open one"));
                        }
                        depth -= 1;
                        at += 1;
                        if depth == 0 {
                            self.pos = at;
                            return Ok(());
                        }
                    }
                }
            }
            self.pos = at;
            if is_string_open {
                self.skip_string()?;
            } else {
                self.refill()?;
            }
        }
    }
}

/// Finds the closing quote of a string whose opening quote lies before `bytes`.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[found] == b'"' {
            return Some(found);
        }
        at = found + 2;
    }
}

fn is_scalar(text: &[u8]) -> bool {
    match text {
        b"true" | b"false" | b"null" => true,
        _ => is_number(text),
    }
}

/// Tells whether the text is a number as JSON writes it.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let n_whole = digits(text);
    if n_whole == 0 || (n_whole > 1 && text[0] == b'0') {
        return false;
    }
    let mut rest = &text[n_whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n_fraction = digits(fraction);
        if n_fraction == 0 {
            return false;
        }
        rest = &fraction[n_fraction..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// Resolves the escapes of a JSON string; lone surrogates become U+FFFD, as in Go.
fn unescape(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some(backslash) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..backslash]);
        let escape = *rest.as_bytes().get(backslash + 1)?;
        rest = rest.get(backslash + 2..)?;
        match escape {
            b'"' | b'\\' | b'/' => out.push(escape as char),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let first = code_unit(rest)?;
                rest = &rest[4..];
                let second = match first {
                    0xd800..0xdc00 => rest.strip_prefix("\\u").and_then(code_unit),
                    _ => None,
                };
                match second {
                    Some(second @ 0xdc00..0xe000) => {
                        rest = &rest[6..];
                        out.push(char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?);
                    }
                    _ => out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(())
}

fn code_unit(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests;
