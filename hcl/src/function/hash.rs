//! Hashes of text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::Value;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Call, Computed, Function, Returns, TEXT};

const fn function(name: &'static str, body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters: &[TEXT], rest: None, returns: Returns::Text, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64sha256", |call| Ok(Value::string(STANDARD.encode(Sha256::digest(call.text(0)))))),
    function("base64sha512", |call| Ok(Value::string(STANDARD.encode(Sha512::digest(call.text(0)))))),
    function("sha256", |call| Ok(Value::string(hex::encode(Sha256::digest(call.text(0)))))),
    function("sha512", |call| Ok(Value::string(hex::encode(Sha512::digest(call.text(0)))))),
];
