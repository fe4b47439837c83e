//! Functions whose result is another one each time, or is none of our business: never guessed.

use super::{Call, Computed, Failure, Function, NUMBER, Parameter, Returns, TEXT};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function { rest: Some(NUMBER), ..function("bcrypt", &[TEXT], |_| differs("bcrypt")) },
    function("plantimestamp", &[], |_| differs("plantimestamp")),
    function("rsadecrypt", &[TEXT, TEXT], |_| {
        Err(Failure::Unable("rsadecrypt() decrypts a secret, which driftmgr does not do".to_owned()))
    }),
    function("timestamp", &[], |_| differs("timestamp")),
    function("uuid", &[], |_| differs("uuid")),
];

fn differs(name: &str) -> Computed {
    Err(Failure::Unable(format!("the function {name}() has another value each time")))
}
