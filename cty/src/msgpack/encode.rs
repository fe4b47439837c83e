use std::borrow::Cow;

use crate::convert::convert;
use crate::error::{Error, ErrorKind, Result};
use crate::number::Number;
use crate::path::PathStep;
use crate::refine::{Bound, Refinements};
use crate::strings::safe_prefix;
use crate::types::Type;
use crate::value::{Repr, Value};

use super::{REFINED_UNKNOWN, refinement_key};

/// Encodes a value for a reader that expects `ty`, after converting it where its own type is another.
///
/// # Errors
/// [`ErrorKind::Type`] where conversion is impossible, [`ErrorKind::Marked`] for a value with marks.
///
/// ```
/// use cty::{Type, Value, msgpack};
/// let bytes = msgpack::encode(&Value::string("x"), &Type::Dynamic)?;
/// assert_eq!(bytes, b"\x92\xc4\x08\"string\"\xa1x");
/// assert_eq!(msgpack::decode(&bytes, &Type::Dynamic)?, Value::string("x"));
/// # Ok::<(), cty::Error>(())
/// ```
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    if value.ty().conforms_to(ty) {
        write_value(value, ty, &mut out)?;
    } else {
        write_value(&convert(value, ty)?, ty, &mut out)?;
    }
    Ok(out)
}

fn write_value(value: &Value, ty: &Type, out: &mut Vec<u8>) -> Result<()> {
    if value.is_marked() {
        return Err(Error::new(ErrorKind::Marked, "the value has marks, so it cannot be serialized"));
    }
    if *ty == Type::Dynamic && *value.ty() != Type::Dynamic {
        write_array_length(2, out);
        write_bytes(value.ty().to_json().as_bytes(), out);
        return write_value(value, value.ty(), out);
    }
    match (value.repr(), ty) {
        (Repr::Unknown(refinements), _) => {
            match refinements {
                Some(refinements) => write_refined_unknown(refinements, out),
                None => write_unknown(out),
            }
            Ok(())
        }
        (Repr::Null, _) => {
            out.push(0xc0);
            Ok(())
        }
        (Repr::Bool(value), _) => {
            out.push(if *value { 0xc3 } else { 0xc2 });
            Ok(())
        }
        (Repr::String(text), _) => {
            write_string(text, out);
            Ok(())
        }
        (Repr::Number(number), _) => {
            write_number(number, out);
            Ok(())
        }
        (Repr::Sequence(elements), Type::Object(object)) => {
            write_map_length(elements.len(), out);
            for ((name, ty), element) in object.attributes().zip(elements.iter()) {
                write_string(name, out);
                write_value(element, ty, out).map_err(|error| error.under(PathStep::GetAttr(name.to_owned())))?;
            }
            Ok(())
        }
        (Repr::Sequence(elements), Type::Tuple(types)) => {
            write_array_length(elements.len(), out);
            write_elements(elements.iter().zip(types.iter()), out)
        }
        (Repr::Sequence(elements), Type::List(ty) | Type::Set(ty)) => {
            write_array_length(elements.len(), out);
            write_elements(elements.iter().map(|element| (element, &**ty)), out)
        }
        (Repr::Map(entries), Type::Map(ty)) => {
            write_map_length(entries.len(), out);
            for (key, element) in entries.iter() {
                write_string(key, out);
                write_value(element, ty, out)
                    .map_err(|error| error.under(PathStep::Index(Value::string(key.to_string()))))?;
            }
            Ok(())
        }
        (Repr::Sequence(_) | Repr::Map(_), _) => {
            Err(Error::new(ErrorKind::Type, format!("{ty} is required, but the value is {}", value.ty())))
        }
    }
}

fn write_elements<'a>(elements: impl Iterator<Item = (&'a Value, &'a Type)>, out: &mut Vec<u8>) -> Result<()> {
    for (index, (element, ty)) in elements.enumerate() {
        write_value(element, ty, out).map_err(|error| error.under(PathStep::Index(Value::from(index as u64))))?;
    }
    Ok(())
}

fn write_unknown(out: &mut Vec<u8>) {
    out.extend([0xd4, 0, 0]);
}

fn write_refined_unknown(refinements: &Refinements, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    let mut n_entries = 0u8;
    let mut entry = |key: i64, body: &mut Vec<u8>| {
        n_entries += 1;
        write_integer(key, body);
    };
    if refinements.not_null {
        entry(refinement_key::NULLNESS, &mut body);
        body.push(0xc2);
    }
    let prefix = shortened_prefix(&refinements.prefix);
    if !prefix.is_empty() {
        entry(refinement_key::STRING_PREFIX, &mut body);
        write_string(&prefix, &mut body);
    }
    for (key, bound) in
        [(refinement_key::NUMBER_MIN, &refinements.lower), (refinement_key::NUMBER_MAX, &refinements.upper)]
    {
        if let Some(Bound { number, inclusive }) = bound {
            entry(key, &mut body);
            write_array_length(2, &mut body);
            write_number(number, &mut body);
            body.push(if *inclusive { 0xc3 } else { 0xc2 });
        }
    }
    if refinements.min_length > 0 {
        entry(refinement_key::LENGTH_MIN, &mut body);
        write_unsigned(refinements.min_length, &mut body);
    }
    if let Some(max_length) = refinements.max_length {
        entry(refinement_key::LENGTH_MAX, &mut body);
        write_unsigned(max_length, &mut body);
    }
    if n_entries == 0 {
        return write_unknown(out);
    }
    write_extension_header(REFINED_UNKNOWN, body.len() + 1, out);
    out.push(0x80 | n_entries);
    out.extend(body);
}

/// Keeps the refinements within the size that decoders accept.
fn shortened_prefix(prefix: &str) -> Cow<'_, str> {
    const MAX_LENGTH: usize = 256;
    if prefix.len() <= MAX_LENGTH {
        return Cow::Borrowed(prefix);
    }
    let mut end = MAX_LENGTH - 1;
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(safe_prefix(&prefix[..end]))
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    if let Some(integer) = number.to_i64() {
        write_integer(integer, out);
    } else if let Some(double) = number.to_f64_exact().filter(|_| !number.is_integer()) {
        out.push(0xcb);
        out.extend(double.to_be_bytes());
    } else {
        write_string(&number.to_string(), out);
    }
}

fn write_integer(value: i64, out: &mut Vec<u8>) {
    if let Ok(unsigned) = u64::try_from(value) {
        return write_unsigned(unsigned, out);
    }
    if value >= -32 {
        out.push(value as i8 as u8);
    } else if let Ok(small) = i8::try_from(value) {
        out.extend([0xd0, small as u8]);
    } else if let Ok(small) = i16::try_from(value) {
        out.push(0xd1);
        out.extend(small.to_be_bytes());
    } else if let Ok(small) = i32::try_from(value) {
        out.push(0xd2);
        out.extend(small.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend(value.to_be_bytes());
    }
}

fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    if value < 0x80 {
        out.push(value as u8);
    } else if let Ok(small) = u8::try_from(value) {
        out.extend([0xcc, small]);
    } else if let Ok(small) = u16::try_from(value) {
        out.push(0xcd);
        out.extend(small.to_be_bytes());
    } else if let Ok(small) = u32::try_from(value) {
        out.push(0xce);
        out.extend(small.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend(value.to_be_bytes());
    }
}

/// Writes a length after the code for its size: `fixed` holds it in its low bits up to `fixed_max`.
fn write_length(length: usize, fixed: u8, fixed_max: usize, codes: [Option<u8>; 3], out: &mut Vec<u8>) {
    if length <= fixed_max {
        out.push(fixed | length as u8);
    } else if let (Some(code), Ok(small)) = (codes[0], u8::try_from(length)) {
        out.extend([code, small]);
    } else if let (Some(code), Ok(small)) = (codes[1], u16::try_from(length)) {
        out.push(code);
        out.extend(small.to_be_bytes());
    } else if let Some(code) = codes[2] {
        out.push(code);
        out.extend((length as u32).to_be_bytes());
    }
}

fn write_array_length(length: usize, out: &mut Vec<u8>) {
    write_length(length, 0x90, 15, [None, Some(0xdc), Some(0xdd)], out);
}

fn write_map_length(length: usize, out: &mut Vec<u8>) {
    write_length(length, 0x80, 15, [None, Some(0xde), Some(0xdf)], out);
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    write_length(text.len(), 0xa0, 31, [Some(0xd9), Some(0xda), Some(0xdb)], out);
    out.extend_from_slice(text.as_bytes());
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    match bytes.len() {
        0..=0xff => out.extend([0xc4, bytes.len() as u8]),
        0x100..=0xffff => {
            out.push(0xc5);
            out.extend((bytes.len() as u16).to_be_bytes());
        }
        _ => {
            out.push(0xc6);
            out.extend((bytes.len() as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn write_extension_header(code: u8, length: usize, out: &mut Vec<u8>) {
    match length {
        1 => out.push(0xd4),
        2 => out.push(0xd5),
        4 => out.push(0xd6),
        8 => out.push(0xd7),
        16 => out.push(0xd8),
        0..=0xff => out.extend([0xc7, length as u8]),
        _ => {
            out.push(0xc8);
            out.extend((length as u16).to_be_bytes());
        }
    }
    out.push(code);
}
