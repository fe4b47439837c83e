//! What the fuzz targets check; a test on the stable toolchain runs the same over mutated cases of the corpus.

use cty::{Type, Value, json, msgpack, walk};

/// Builds a type from the first bytes and returns what is left of them.
pub(crate) fn take_type(data: &[u8]) -> (Type, &[u8]) {
    let mut rest = data;
    let ty = build_type(&mut rest, 0);
    (ty, rest)
}

fn build_type(data: &mut &[u8], depth: usize) -> Type {
    const MAX_DEPTH: usize = 6;
    let Some((&code, rest)) = data.split_first() else { return Type::Dynamic };
    *data = rest;
    let n_parts = usize::from(code >> 4) % 5;
    match code & 0x0f {
        0 | 1 => Type::String,
        2 | 3 => Type::Number,
        4 => Type::Bool,
        5 | 6 => Type::Dynamic,
        _ if depth >= MAX_DEPTH => Type::String,
        7 | 8 => Type::list(build_type(data, depth + 1)),
        9 | 10 => Type::set(build_type(data, depth + 1)),
        11 | 12 => Type::map(build_type(data, depth + 1)),
        13 => Type::tuple((0..n_parts).map(|_| build_type(data, depth + 1)).collect::<Vec<_>>()),
        _ => Type::object(["a", "b", "c", "d", "e"][..n_parts].iter().map(|name| (name, build_type(data, depth + 1)))),
    }
}

/// Whatever decodes encodes to bytes that decode to what reads the same and encode to the same.
pub(crate) fn check_msgpack(ty: &Type, bytes: &[u8]) {
    let _ = msgpack::implied_type(bytes);
    let Ok(value) = msgpack::decode(bytes, ty) else { return };
    let encoded = msgpack::encode(&value, ty).expect("what was decoded can be encoded");
    let again = msgpack::decode(&encoded, ty).expect("what was encoded can be decoded");
    if has_negative_zero(&value) {
        // It arrives as zero, which a set may have already.
        return;
    }
    assert!(arrives_as(&value, &again), "{value:?} became {again:?}");
    let encoded_again = msgpack::encode(&again, ty).expect("what was decoded can be encoded");
    assert_eq!(encoded, encoded_again, "{value:?}");
}

/// Tells whether a value may arrive as the other one after encoding and decoding.
///
/// Equality would ask too much: large integers that were doubles arrive as the digits they are shown with, and long
/// prefixes of unknown strings are shortened on the wire.
pub(crate) fn arrives_as(sent: &Value, arrived: &Value) -> bool {
    if sent == arrived || !sent.is_known() && !arrived.is_known() && sent.ty() == arrived.ty() {
        return true;
    }
    if let (Some(sent), Some(arrived)) = (sent.as_number(), arrived.as_number()) {
        return sent.to_string() == arrived.to_string();
    }
    let all_arrive = |(sent, arrived): (&Value, &Value)| arrives_as(sent, arrived);
    !sent.is_empty()
        && sent.ty() == arrived.ty()
        && sent.len() == arrived.len()
        && sent.elements().zip(arrived.elements()).all(all_arrive)
        && sent.entries().zip(arrived.entries()).all(|((a, sent), (b, arrived))| a == b && arrives_as(sent, arrived))
}

fn has_negative_zero(value: &Value) -> bool {
    let mut found = false;
    walk(value, |_, inner| {
        found |= inner.as_number().is_some_and(|number| number.is_zero() && number.is_negative());
        true
    });
    found
}

/// Whatever decodes, and has a form in JSON, encodes to text that decodes to the same and encodes to the same.
pub(crate) fn check_json(ty: &Type, text: &[u8]) {
    if let Ok(implied) = json::decode_implied(text) {
        let _ = json::encode(&implied, implied.ty());
    }
    let Ok(value) = json::decode(text, ty) else { return };
    // Only infinity, which a string may spell, can be decoded and not encoded.
    let Ok(encoded) = json::encode(&value, ty) else { return };
    let again = json::decode(&encoded, ty).expect("what was encoded can be decoded");
    assert!(arrives_as(&value, &again), "{value:?} became {again:?}");
    assert_eq!(json::encode(&again, ty).expect("what was decoded can be encoded"), encoded);
}
