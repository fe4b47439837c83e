//! Bytes of any kind, read as JSON of any type.
#![no_main]

#[path = "../body.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (ty, text) = body::take_type(data);
    body::check_json(&ty, text);
});
