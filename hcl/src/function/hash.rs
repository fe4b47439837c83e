//! Hashes of text and of files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::Value;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::files::read;
use super::{Call, Computed, Function, Returns, TEXT};

const fn function(name: &'static str, body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters: &[TEXT], rest: None, returns: Returns::Text, is_nullable: false, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64sha256", |call| Ok(base64::<Sha256>(call.text(0).as_bytes()))),
    function("base64sha512", |call| Ok(base64::<Sha512>(call.text(0).as_bytes()))),
    function("filebase64sha256", |call| read(call, |bytes| Ok(base64::<Sha256>(&bytes)))),
    function("filebase64sha512", |call| read(call, |bytes| Ok(base64::<Sha512>(&bytes)))),
    function("filemd5", |call| read(call, |bytes| Ok(hex::<Md5>(&bytes)))),
    function("filesha1", |call| read(call, |bytes| Ok(hex::<Sha1>(&bytes)))),
    function("filesha256", |call| read(call, |bytes| Ok(hex::<Sha256>(&bytes)))),
    function("filesha512", |call| read(call, |bytes| Ok(hex::<Sha512>(&bytes)))),
    function("md5", |call| Ok(hex::<Md5>(call.text(0).as_bytes()))),
    function("sha1", |call| Ok(hex::<Sha1>(call.text(0).as_bytes()))),
    function("sha256", |call| Ok(hex::<Sha256>(call.text(0).as_bytes()))),
    function("sha512", |call| Ok(hex::<Sha512>(call.text(0).as_bytes()))),
    Function { parameters: &[TEXT, TEXT], ..function("uuidv5", uuid) },
];

/// Makes the identifier that a name has in a namespace.
///
/// Source: RFC 4122, section 4.3 and appendix C.
fn uuid(call: &Call<'_>) -> Computed {
    let space: u128 = match call.text(0) {
        "dns" => 0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8,
        "url" => 0x6ba7_b811_9dad_11d1_80b4_00c0_4fd4_30c8,
        "oid" => 0x6ba7_b812_9dad_11d1_80b4_00c0_4fd4_30c8,
        "x500" => 0x6ba7_b814_9dad_11d1_80b4_00c0_4fd4_30c8,
        other => namespace(other).ok_or("The namespace must be dns, url, oid, x500 or a UUID.")?,
    };
    let hash = Sha1::new().chain_update(space.to_be_bytes()).chain_update(call.text(1).as_bytes()).finalize();
    let mut bytes: Vec<u8> = hash.iter().copied().take(16).collect();
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(Value::string(parts.join("-")))
}

/// Reads a UUID in one of its notations: with or without hyphens, in braces, as a URN.
fn namespace(text: &str) -> Option<u128> {
    if !text.is_ascii() {
        return None;
    }
    let text = match text.len() {
        45 if text[..9].eq_ignore_ascii_case("urn:uuid:") => &text[9..],
        38 => &text[1..37],
        _ => text,
    };
    let digits = match text.len() {
        36 if [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-') => text.replace('-', ""),
        32 => text.to_owned(),
        _ => return None,
    };
    let is_plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| u128::from_str_radix(&digits, 16).ok())?
}

fn hex<D: Digest>(bytes: &[u8]) -> Value {
    Value::string(hex::encode(D::digest(bytes)))
}

fn base64<D: Digest>(bytes: &[u8]) -> Value {
    Value::string(STANDARD.encode(D::digest(bytes)))
}
