//! Hashes of text and of files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Type, Value};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::files::read;
use super::{Call, Computed, Function, Returns, TEXT};

const fn function(name: &'static str, body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters: &[TEXT], rest: None, returns: Returns::Text, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64sha256", |call| Ok(base64::<Sha256>(call.text(0).as_bytes()))),
    function("base64sha512", |call| Ok(base64::<Sha512>(call.text(0).as_bytes()))),
    function("filebase64sha256", |call| read(call, Type::String, |bytes| Ok(base64::<Sha256>(&bytes)))),
    function("filebase64sha512", |call| read(call, Type::String, |bytes| Ok(base64::<Sha512>(&bytes)))),
    function("filemd5", |call| read(call, Type::String, |bytes| Ok(hex::<Md5>(&bytes)))),
    function("filesha1", |call| read(call, Type::String, |bytes| Ok(hex::<Sha1>(&bytes)))),
    function("filesha256", |call| read(call, Type::String, |bytes| Ok(hex::<Sha256>(&bytes)))),
    function("filesha512", |call| read(call, Type::String, |bytes| Ok(hex::<Sha512>(&bytes)))),
    function("md5", |call| Ok(hex::<Md5>(call.text(0).as_bytes()))),
    function("sha1", |call| Ok(hex::<Sha1>(call.text(0).as_bytes()))),
    function("sha256", |call| Ok(hex::<Sha256>(call.text(0).as_bytes()))),
    function("sha512", |call| Ok(hex::<Sha512>(call.text(0).as_bytes()))),
];

fn hex<D: Digest>(bytes: &[u8]) -> Value {
    Value::string(hex::encode(D::digest(bytes)))
}

fn base64<D: Digest>(bytes: &[u8]) -> Value {
    Value::string(STANDARD.encode(D::digest(bytes)))
}
