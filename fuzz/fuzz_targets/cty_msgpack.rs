//! Bytes of any kind, read as msgpack of any type.
#![no_main]

#[path = "../body.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (ty, bytes) = body::take_type(data);
    body::check_msgpack(&ty, bytes);
});
