//! The fuzz targets' checks, over mutated cases of the corpus and random bytes.

use cty::Type;
use serde_json::Value as Json;

use crate::cases::{field, unhex};
use crate::{corpus, fuzz_body};

/// Is a small generator of numbers with a fixed start, so that a failure repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.below(256) as u8),
                2 => bytes.extend_from_within(at..),
                3 if at < bytes.len() => {
                    bytes.remove(at);
                }
                4 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ if at < bytes.len() => bytes[at] = self.below(256) as u8,
                _ => {}
            }
        }
    }
}

#[test]
fn mutated_cases_never_break_the_decoders() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut n_cases = 0;
    for line in corpus::lines() {
        let case: Json = serde_json::from_str(&line).expect("a case is JSON");
        let (Ok(ty), true) = (Type::from_json(field(&case, "t")), case.get("op").is_none()) else { continue };
        let (bytes, text) = (unhex(field(&case, "hex")), field(&case, "j").as_bytes().to_vec());
        fuzz_body::check_msgpack(&ty, &bytes);
        fuzz_body::check_json(&ty, &text);
        for _ in 0..15 {
            let mut mutated = bytes.clone();
            random.mutate(&mut mutated);
            fuzz_body::check_msgpack(&ty, &mutated);
            let mut mutated = text.clone();
            random.mutate(&mut mutated);
            fuzz_body::check_json(&ty, &mutated);
        }
        n_cases += 1;
    }
    assert!(n_cases > 1700, "only {n_cases} cases");
}

#[test]
fn random_types_and_bytes_never_break_the_decoders() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let length = random.below(60);
        let data: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let (ty, bytes) = fuzz_body::take_type(&data);
        fuzz_body::check_msgpack(&ty, bytes);
        fuzz_body::check_json(&ty, bytes);
    }
}

#[test]
fn deep_nesting_is_refused() {
    let depth = 100_000;
    assert!(cty::json::decode_implied("[".repeat(depth).as_bytes()).is_err());
    assert!(cty::msgpack::implied_type(&vec![0x91; depth]).is_err());
    assert!(Type::from_json(format!("{}\"string\"{}", "[\"list\",".repeat(depth), "]".repeat(depth))).is_err());
    let wrapped = (0..200).fold(b"\xc0".to_vec(), |inner, _| [b"\x92\xc4\x09\"dynamic\"".as_slice(), &inner].concat());
    assert!(cty::msgpack::decode(&wrapped, &Type::Dynamic).is_err());
}

#[test]
fn nesting_up_to_the_limit_works() {
    let depth = cty::MAX_DEPTH;
    let text = format!("{}null{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let value = cty::json::decode_implied(text.as_bytes()).expect("it is not too deep");
    let bytes = cty::msgpack::encode(&value, value.ty()).expect("it encodes");
    assert_eq!(cty::msgpack::decode(&bytes, value.ty()).expect("it decodes"), value);
    assert_eq!(cty::json::encode(&value, value.ty()).expect("it encodes"), text.as_bytes());
    assert_eq!(value.equals(&value).as_bool(), Some(true));
    let as_map = cty::convert::convert(&value, &Type::map(Type::Dynamic)).expect("it converts");
    assert_eq!(cty::transform(&as_map, |_, inner| Ok(inner)).expect("nothing changes"), as_map);
    assert!(!as_map.mark_sensitive().unmark_deep().0.contains_marked());
    assert!(value.to_string().len() > depth);
}
