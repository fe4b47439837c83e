//! `yamldecode` and `yamlencode`.

mod decode;
mod encode;
mod resolve;

use super::{Function, Parameter, Returns, TEXT, Takes, Wanted, of};

const ENCODABLE: Parameter = of(Wanted::Any, &[Takes::Null, Takes::Dynamic]);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "yamldecode",
        parameters: &[TEXT],
        rest: None,
        returns: Returns::Anything,
        is_nullable: true,
        body: |call| decode::decode(call.text(0)),
    },
    Function {
        name: "yamlencode",
        parameters: &[ENCODABLE],
        rest: None,
        returns: Returns::Text,
        is_nullable: true,
        body: encode::encode,
    },
];
