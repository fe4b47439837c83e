//! What the fuzz targets check; a test on the stable toolchain runs the same over mutated cases of the corpus.

use cty::{Type, json, msgpack};

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
    // Equality of the values would ask too much: long prefixes of unknown strings are shortened on the wire, large
    // integers that were doubles arrive as the digits they are shown with, and zero loses its sign.
    if value.is_wholly_known() {
        assert_eq!(again.to_string().replace("-0", "0"), value.to_string().replace("-0", "0"));
    }
    let encoded_again = msgpack::encode(&again, ty).expect("what was decoded can be encoded");
    assert_eq!(encoded, encoded_again, "{value:?}");
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
    assert_eq!(again, value);
    assert_eq!(json::encode(&again, ty).expect("what was decoded can be encoded"), encoded);
}
