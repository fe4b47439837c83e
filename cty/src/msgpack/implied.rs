use std::collections::BTreeMap;

use crate::error::{MAX_DEPTH, Result, depth_error};
use crate::types::Type;

use super::read::{Reader, Token};

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
    read_type(reader, 0).map(drop)
}

fn read_type(reader: &mut Reader<'_>, depth: usize) -> Result<Type> {
    if depth > MAX_DEPTH {
        return Err(depth_error());
    }
    Ok(match reader.token()? {
        Token::Nil | Token::Extension(..) => Type::Dynamic,
        Token::Bool(_) => Type::Bool,
        Token::Int(_) | Token::Uint(_) | Token::Float(_) => Type::Number,
        Token::Bytes(_) => Type::String,
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
