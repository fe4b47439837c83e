use std::collections::BTreeMap;

use crate::error::{MAX_DEPTH, Result, depth_error};
use crate::types::Type;

use super::read::{Reader, Token, syntax};

/// Returns the type that bytes have by themselves: maps are objects, arrays tuples, null and unknown [`Type::Dynamic`].
///
/// # Errors
/// [`crate::ErrorKind::Syntax`] for bytes that are no msgpack, [`crate::ErrorKind::Limit`] for nesting too deep.
pub fn implied_type(bytes: &[u8]) -> Result<Type> {
    let mut reader = Reader::new(bytes);
    let ty = read_type(&mut reader, 0)?;
    reader.finish()?;
    Ok(ty)
}

/// Passes over one value.
pub(super) fn skip_value(reader: &mut Reader<'_>) -> Result<()> {
    let mut n_left = 1usize;
    while n_left > 0 {
        n_left -= 1;
        n_left += match reader.token()? {
            Token::Array(length) => length,
            Token::Map(length) => 2 * length,
            _ => 0,
        };
    }
    Ok(())
}

fn read_type(reader: &mut Reader<'_>, depth: usize) -> Result<Type> {
    if depth > MAX_DEPTH {
        return Err(depth_error());
    }
    Ok(match reader.token()? {
        Token::Nil | Token::Extension(..) => Type::Dynamic,
        Token::Bool(_) => Type::Bool,
        Token::Int(_) | Token::Uint(_) | Token::Float(_) => Type::Number,
        Token::Text(_) => Type::String,
        Token::Binary(_) => return Err(syntax("bytes that are not text have no type of their own")),
        Token::Array(length) => {
            let mut elements = Vec::with_capacity(reader.capacity(length));
            for _ in 0..length {
                elements.push(read_type(reader, depth + 1)?);
            }
            Type::tuple(elements)
        }
        Token::Map(length) => {
            let mut attributes = BTreeMap::new();
            for _ in 0..length {
                let name = reader.string()?.to_owned();
                attributes.insert(name, read_type(reader, depth + 1)?);
            }
            Type::object(attributes)
        }
    })
}
