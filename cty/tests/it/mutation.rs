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
