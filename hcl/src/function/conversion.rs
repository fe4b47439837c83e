//! Functions between types.

use cty::convert::convert;
use cty::{Mark, Type, Value};

use super::{Call, Computed, Function, NULLABLE, Parameter, Returns};

/// Of any type and any sort.
const WHATEVER: Parameter = Parameter { takes_unknown: true, ..NULLABLE };

const fn function(name: &'static str, returns: Returns, body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters: &[WHATEVER], rest: None, returns, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("issensitive", Returns::Bool, |call| Ok(Value::bool(call.marks.contains(&Mark::Sensitive)))),
    function("nonsensitive", Returns::Anything, |call| Ok(call.arguments[0].clone())),
    function("sensitive", Returns::Anything, |call| Ok(call.arguments[0].mark_sensitive())),
    function("tobool", Returns::Bool, |call| to(call, &Type::Bool)),
    function("tolist", Returns::Anything, |call| to(call, &Type::list(Type::Dynamic))),
    function("tomap", Returns::Anything, |call| to(call, &Type::map(Type::Dynamic))),
    function("tonumber", Returns::Number, |call| to(call, &Type::Number)),
    function("toset", Returns::Anything, |call| to(call, &Type::set(Type::Dynamic))),
    function("tostring", Returns::Text, |call| to(call, &Type::String)),
];

fn to(call: &Call<'_>, ty: &Type) -> Computed {
    convert(&call.arguments[0], ty).map_err(|error| {
        let name = ty.friendly_name_for_constraint();
        format!("The value cannot become a {name}{}: {}.", crate::evaluate::place(error.path()), error.message())
    })
}
