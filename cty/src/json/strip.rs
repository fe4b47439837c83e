use crate::error::{Error, ErrorKind, MAX_DEPTH, Result, depth_error};
use crate::strings::normalize;
use crate::types::Type;

use super::read::{Next, Reader};

/// Removes the attributes that the type lacks from the text of an object, at every depth.
///
/// What stays keeps its text, its place and its spelling: numbers lose no digit. Text that holds nothing else is
/// returned as it is. Parts whose type is [`Type::Dynamic`] or that do not fit their type stay: decoding will tell.
///
/// # Errors
/// [`ErrorKind::Syntax`] for text that is no JSON, [`ErrorKind::Type`] for what is no object, [`ErrorKind::Limit`] for
/// nesting too deep.
///
/// ```
/// use cty::{Type, json};
/// let ty = Type::object([("size", Type::Number)]);
/// assert_eq!(json::strip(br#"{"gone": {}, "size": 1.50}"#, &ty)?, br#"{"size": 1.50}"#);
/// # Ok::<(), cty::Error>(())
/// ```
pub fn strip(json: &[u8], ty: &Type) -> Result<Vec<u8>> {
    let mut reader = Reader::new(json)?;
    let next = reader.next()?;
    if next != Next::Object {
        return Err(Error::new(ErrorKind::Type, format!("an object is required, but the JSON is {}", next.describe())));
    }
    let mut out = String::with_capacity(json.len());
    let is_changed = strip_value(&mut reader, ty, &mut out, 0)?;
    reader.finish()?;
    Ok(if is_changed { out.into_bytes() } else { json.to_vec() })
}

/// Appends a value without what its type lacks, and tells whether that made a difference.
fn strip_value(reader: &mut Reader<'_>, ty: &Type, out: &mut String, depth: usize) -> Result<bool> {
    if depth > MAX_DEPTH {
        return Err(depth_error());
    }
    let mut is_changed = false;
    match (reader.next()?, ty) {
        (Next::Array, Type::List(element_type) | Type::Set(element_type)) => {
            out.push('[');
            reader.array(|reader, index| {
                out.push_str(if index == 0 { "" } else { ", " });
                is_changed |= strip_value(reader, element_type, out, depth + 1)?;
                Ok(())
            })?;
            out.push(']');
        }
        (Next::Object, Type::Map(_) | Type::Object(_)) => {
            out.push('{');
            let mut is_first = true;
            reader.object_with_raw_keys(|reader, key, raw_key| {
                let value_type = match ty {
                    Type::Object(object) => object.get(&normalize(&key)),
                    _ => ty.element_type(),
                };
                let Some(value_type) = value_type else {
                    is_changed = true;
                    return reader.raw_value(depth + 1).map(drop);
                };
                out.push_str(if is_first { "" } else { ", " });
                is_first = false;
                out.push_str(raw_key);
                out.push_str(": ");
                is_changed |= strip_value(reader, value_type, out, depth + 1)?;
                Ok(())
            })?;
            out.push('}');
        }
        _ => out.push_str(reader.raw_value(depth)?),
    }
    Ok(is_changed)
}
