//! The tokens of msgpack.

use crate::error::{Error, ErrorKind, Result};

/// Reads tokens from the front of a slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// Is the header of an extension, or what follows any other code.
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'a [u8]),
    /// Bytes that are not meant as text, though go-cty reads them as such.
    Binary(&'a [u8]),
    Array(usize),
    Map(usize),
    Extension(u8, &'a [u8]),
}

impl Token<'_> {
    /// Names the token in messages.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Token::Nil => "nil",
            Token::Bool(_) => "a bool",
            Token::Int(_) | Token::Uint(_) | Token::Float(_) => "a number",
            Token::Text(_) | Token::Binary(_) => "a string",
            Token::Array(_) => "an array",
            Token::Map(_) => "a map",
            Token::Extension(..) => "an extension",
        }
    }
}

pub(super) fn syntax(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Syntax, message)
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// Returns how many bytes are left.
    pub(super) fn n_left(&self) -> usize {
        self.rest.len()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| syntax(format!("truncated: {length} bytes are expected, but {} left", self.rest.len())))?;
        self.rest = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<usize> {
        Ok(usize::from(self.take_array::<1>()?[0]))
    }

    fn u16(&mut self) -> Result<usize> {
        Ok(usize::from(u16::from_be_bytes(self.take_array()?)))
    }

    fn u32(&mut self) -> Result<usize> {
        Ok(u32::from_be_bytes(self.take_array()?) as usize)
    }

    fn extension(&mut self, length: usize) -> Result<Token<'a>> {
        let [code] = self.take_array()?;
        Ok(Token::Extension(code, self.take(length)?))
    }

    /// Reads one token, and the bytes that belong to it.
    #[inline]
    pub(super) fn token(&mut self) -> Result<Token<'a>> {
        let [code] = self.take_array().map_err(|_| syntax("truncated: a value is expected, but nothing is left"))?;
        Ok(match code {
            0x00..=0x7f => Token::Int(i64::from(code)),
            0x80..=0x8f => Token::Map(usize::from(code & 0x0f)),
            0x90..=0x9f => Token::Array(usize::from(code & 0x0f)),
            0xa0..=0xbf => Token::Text(self.take(usize::from(code & 0x1f))?),
            0xc0 => Token::Nil,
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xc4 => {
                let length = self.u8()?;
                Token::Binary(self.take(length)?)
            }
            0xd9 => {
                let length = self.u8()?;
                Token::Text(self.take(length)?)
            }
            0xc5 => {
                let length = self.u16()?;
                Token::Binary(self.take(length)?)
            }
            0xda => {
                let length = self.u16()?;
                Token::Text(self.take(length)?)
            }
            0xc6 => {
                let length = self.u32()?;
                Token::Binary(self.take(length)?)
            }
            0xdb => {
                let length = self.u32()?;
                Token::Text(self.take(length)?)
            }
            0xc7 => {
                let length = self.u8()?;
                self.extension(length)?
            }
            0xc8 => {
                let length = self.u16()?;
                self.extension(length)?
            }
            0xc9 => {
                let length = self.u32()?;
                self.extension(length)?
            }
            0xca => Token::Float(f64::from(f32::from_be_bytes(self.take_array()?))),
            0xcb => Token::Float(f64::from_be_bytes(self.take_array()?)),
            0xcc => Token::Uint(self.u8()? as u64),
            0xcd => Token::Uint(self.u16()? as u64),
            0xce => Token::Uint(self.u32()? as u64),
            0xcf => Token::Uint(u64::from_be_bytes(self.take_array()?)),
            0xd0 => Token::Int(i64::from(i8::from_be_bytes(self.take_array()?))),
            0xd1 => Token::Int(i64::from(i16::from_be_bytes(self.take_array()?))),
            0xd2 => Token::Int(i64::from(i32::from_be_bytes(self.take_array()?))),
            0xd3 => Token::Int(i64::from_be_bytes(self.take_array()?)),
            0xd4 => self.extension(1)?,
            0xd5 => self.extension(2)?,
            0xd6 => self.extension(4)?,
            0xd7 => self.extension(8)?,
            0xd8 => self.extension(16)?,
            0xdc => Token::Array(self.u16()?),
            0xdd => Token::Array(self.u32()?),
            0xde => Token::Map(self.u16()?),
            0xdf => Token::Map(self.u32()?),
            0xe0..=0xff => Token::Int(i64::from(code.cast_signed())),
            0xc1 => return Err(syntax("0xc1 is no msgpack code")),
        })
    }

    /// Reads a string that must be there.
    pub(super) fn string(&mut self) -> Result<&'a str> {
        match self.token()? {
            Token::Text(bytes) | Token::Binary(bytes) => text(bytes),
            other => Err(syntax(format!("a string is required as key, but {} is given", other.describe()))),
        }
    }

    /// Refuses anything that is left.
    pub(super) fn finish(&self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            n_left => Err(syntax(format!("{n_left} extra bytes after the msgpack value"))),
        }
    }

    /// Returns how many elements to make room for: no more than the bytes that are left can hold.
    pub(super) fn capacity(&self, length: usize) -> usize {
        length.min(self.n_left())
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| syntax(format!("a string is not valid UTF-8: {error}")))
}
