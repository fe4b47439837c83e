//! Sizes: small input never asks for much, and large input works.

use std::collections::BTreeMap;

use cty::{ErrorKind, Type, Value, json, msgpack};

#[test]
fn deep_nesting_is_refused() {
    let depth = 100_000;
    assert!(json::decode_implied("[".repeat(depth).as_bytes()).is_err());
    assert!(msgpack::implied_type(&vec![0x91; depth]).is_err());
    assert!(Type::from_json(format!("{}\"string\"{}", "[\"list\",".repeat(depth), "]".repeat(depth))).is_err());
    let wrapped = (0..200).fold(b"\xc0".to_vec(), |inner, _| [b"\x92\xc4\x09\"dynamic\"".as_slice(), &inner].concat());
    assert!(msgpack::decode(&wrapped, &Type::Dynamic).is_err());
}

#[test]
fn nesting_up_to_the_limit_works() {
    let depth = cty::MAX_DEPTH;
    let text = format!("{}null{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let value = json::decode_implied(text.as_bytes()).expect("it is not too deep");
    let bytes = msgpack::encode(&value, value.ty()).expect("it encodes");
    assert_eq!(msgpack::decode(&bytes, value.ty()).expect("it decodes"), value);
    assert_eq!(json::encode(&value, value.ty()).expect("it encodes"), text.as_bytes());
    assert_eq!(value.equals(&value).as_bool(), Some(true));
    let as_map = cty::convert::convert(&value, &Type::map(Type::Dynamic)).expect("it converts");
    assert_eq!(cty::transform(&as_map, |_, inner| Ok(inner)).expect("nothing changes"), as_map);
    assert!(!as_map.mark_sensitive().unmark_deep().0.contains_marked());
    assert!(value.to_string().len() > depth);
}

#[test]
fn claimed_lengths_are_not_believed() {
    let any_list = Type::list(Type::Number);
    for (bytes, ty) in [
        (b"\xdd\xff\xff\xff\xff".as_slice(), &any_list),
        (b"\xdf\xff\xff\xff\xff", &Type::map(Type::Number)),
        (b"\xdb\xff\xff\xff\xff", &Type::String),
        (b"\xc9\xff\xff\xff\xff\x0c", &Type::String),
        (b"\xc4\xff", &Type::String),
    ] {
        assert_eq!(msgpack::decode(bytes, ty).expect_err("truncated").kind(), ErrorKind::Syntax);
    }
    // Between 2^40 and 2^40 elements, and not null: a list of that length is not built.
    let refined =
        b"\xc7\x17\x0c\x83\x01\xc2\x05\xcf\x00\x00\x01\x00\x00\x00\x00\x00\x06\xcf\x00\x00\x01\x00\x00\x00\x00\x00";
    let refined = msgpack::decode(&[&refined[..1], &[refined.len() as u8 - 3], &refined[2..]].concat(), &any_list);
    assert!(!refined.expect("a value").is_known());
}

#[test]
fn lengths_of_all_sizes_round_trip() {
    for length in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let list = Value::list(Type::Bool, vec![Value::bool(true); length]).expect("a list");
        let entries = (0..length).map(|index| (format!("{index:05}"), Value::null(Type::String)));
        let map = Value::map(Type::String, entries.collect::<BTreeMap<_, _>>()).expect("a map");
        let wide = Value::tuple(vec![Value::from(7i64); length.min(20_000)]);
        for value in [Value::string("x".repeat(length)), list, map, wide] {
            for ty in [value.ty(), &Type::Dynamic] {
                let bytes = msgpack::encode(&value, ty).expect("it encodes");
                assert!(msgpack::decode(&bytes, ty).expect("it decodes") == value, "length {length}");
                let text = json::encode(&value, ty).expect("it encodes");
                assert!(json::decode(&text, ty).expect("it decodes") == value, "length {length}");
            }
        }
    }
}

#[test]
fn large_sets_are_not_quadratic() {
    let unknown = Value::unknown(Type::String);
    let set = Value::set(Type::String, vec![unknown; 200_000]).expect("a set");
    assert_eq!(set.len(), 200_000);
}
