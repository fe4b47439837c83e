//! Encodings made by go-cty decode and encode again to the same bytes.

use std::path::Path;

use cty::{Type, json, msgpack};

#[test]
fn encodings_of_go_cty_round_trip() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut n_cases = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("the corpus can be listed").path();
        for line in std::fs::read_to_string(&path).expect("the corpus is text").lines() {
            let case: serde_json::Value = serde_json::from_str(line).expect("a case is JSON");
            let field = |name: &str| case[name].as_str().unwrap_or_else(|| panic!("{line} has no {name}"));
            let ty = Type::from_json(field("t")).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(ty.to_json(), field("t"), "{line}");
            let bytes = unhex(field("hex"));
            let value = msgpack::decode(&bytes, &ty).unwrap_or_else(|error| panic!("{line}: {error}"));
            let encoded = msgpack::encode(&value, &ty).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(hex(&encoded), field("hex"), "{line}: {value:?}");
            if field("j").is_empty() {
                assert!(json::encode(&value, &ty).is_err(), "{line}");
            } else {
                let text = json::encode(&value, &ty).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(String::from_utf8_lossy(&text), field("j"), "{line}");
                let again = json::decode(&text, &ty).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(again, value, "{line}");
            }
            n_cases += 1;
        }
    }
    assert!(n_cases >= 31, "only {n_cases} cases");
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
