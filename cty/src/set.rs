//! Membership and order of set elements, exactly as in go-cty, so that encodings are equal byte for byte.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;

use crate::types::Type;
use crate::value::{Repr, Value};

/// Drops duplicates and orders what is left: by value where the element type has an order, else by hash bytes; unknown
/// elements after known ones, null last.
///
/// Unknown elements are never duplicates of anything, because each may become a different value.
pub(crate) fn canonical(element_type: &Type, elements: Vec<Value>) -> Vec<Value> {
    if elements.len() < 2 {
        return elements;
    }
    let mut kept: Vec<Element> = Vec::with_capacity(elements.len());
    let mut buckets: HashMap<u32, Vec<usize>> = HashMap::with_capacity(elements.len());
    for value in elements {
        let hash_bytes = hash_bytes(&value);
        let bucket_id = crc32(hash_bytes.as_bytes());
        let bucket = buckets.entry(bucket_id).or_default();
        if value.is_wholly_known() && bucket.iter().any(|&index| equivalent(&value, &kept[index].value)) {
            continue;
        }
        bucket.push(kept.len());
        kept.push(Element { value, hash_bytes, bucket_id });
    }
    // The sort is stable: where the order says nothing, buckets and then insertion decide.
    kept.sort_by_key(|element| element.bucket_id);
    kept.sort_by(|a, b| order(element_type, a, b));
    kept.into_iter().map(|element| element.value).collect()
}

struct Element {
    value: Value,
    hash_bytes: String,
    bucket_id: u32,
}

/// Tells whether two values are the same element of a set: whether they are certainly equal.
pub(crate) fn equivalent(a: &Value, b: &Value) -> bool {
    a.equals(b).as_bool() == Some(true)
}

fn order(element_type: &Type, a: &Element, b: &Element) -> Ordering {
    let class = |value: &Value| match value.repr() {
        Repr::Null => 2,
        Repr::Unknown(_) => 1,
        _ => 0,
    };
    let by_class = class(&a.value).cmp(&class(&b.value));
    if by_class.is_ne() || class(&a.value) > 0 {
        return by_class;
    }
    match (element_type, a.value.repr(), b.value.repr()) {
        (Type::String, Repr::String(a), Repr::String(b)) => a.cmp(b),
        (Type::Number, Repr::Number(a), Repr::Number(b)) => a.compare(b),
        (Type::Bool, Repr::Bool(a), Repr::Bool(b)) => a.cmp(b),
        _ => a.hash_bytes.cmp(&b.hash_bytes),
    }
}

/// Returns the text by which go-cty hashes a value, and orders those that have no order of their own.
pub(crate) fn hash_bytes(value: &Value) -> String {
    let mut out = String::new();
    append_hash_bytes(value, &mut out);
    out
}

fn append_hash_bytes(value: &Value, out: &mut String) {
    match value.repr() {
        Repr::Unknown(_) => out.push('?'),
        Repr::Null => out.push('~'),
        Repr::Number(number) => out.push_str(&number.hash_text()),
        Repr::Bool(true) => out.push('T'),
        Repr::Bool(false) => out.push('F'),
        Repr::String(text) => append_quoted(text, out),
        Repr::Map(entries) => {
            out.push('{');
            for (key, element) in entries.iter() {
                append_quoted(key, out);
                out.push(':');
                append_hash_bytes(element, out);
                out.push(';');
            }
            out.push('}');
        }
        Repr::Sequence(elements) => {
            let (open, close) = if value.ty().is_collection() { ('[', ']') } else { ('<', '>') };
            out.push(open);
            for element in elements.iter() {
                append_hash_bytes(element, out);
                out.push(';');
            }
            out.push(close);
        }
    }
}

/// Appends the text quoted as by Go's `%q`.
fn append_quoted(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            ' '..='~' => out.push(character),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", character as u32);
            }
            _ if is_printable(character) => out.push(character),
            '\0'..='\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", character as u32);
            }
            _ => {
                let _ = write!(out, "\\U{:08x}", character as u32);
            }
        }
    }
    out.push('"');
}

/// Tells whether a character is a letter, mark, number, punctuation or symbol, which Rust's debug escapes agree on.
///
/// Rust's tables are of a later Unicode version than Go's: sets of objects may be ordered differently where texts hold
/// characters assigned since Unicode 15.
fn is_printable(character: char) -> bool {
    // Only after another character does `escape_debug` keep combining characters as they are.
    let mut buffer = [0; 8];
    buffer[0] = b'a';
    let length = character.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..=length]).is_ok_and(|text| text.escape_debug().nth(1) == Some(character))
}

/// Computes the IEEE CRC-32 that names a set's buckets.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut remainder = index as u32;
            let mut bit = 0;
            while bit < 8 {
                remainder = if remainder & 1 == 1 { (remainder >> 1) ^ 0xedb8_8320 } else { remainder >> 1 };
                bit += 1;
            }
            table[index] = remainder;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(u32::MAX, |crc, &byte| (crc >> 8) ^ TABLE[((crc ^ u32::from(byte)) & 0xff) as usize])
}
