//! Functions between types, and on marks.

use cty::convert::{convert, is_convertible};
use cty::{Mark, Type, Value};

use super::{Call, Computed, Failure, Function, Parameter, Returns, Takes, Wanted, of};
use crate::evaluate::place;

/// Of any type and any sort.
const WHATEVER: Parameter = of(Wanted::Any, &[Takes::Null, Takes::Unknown, Takes::Dynamic, Takes::Marked]);
const CONVERTIBLE: Parameter = of(Wanted::Any, &[Takes::Null, Takes::Dynamic, Takes::Marked]);

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    returns: Returns,
    body: fn(&Call<'_>) -> Computed,
) -> Function {
    Function { name, parameters, rest: None, returns, is_nullable: true, body }
}

/// The result has the type of the argument.
const SAME: Returns = Returns::By(|arguments| Ok(arguments[0].ty().clone()));

pub(super) const FUNCTIONS: &[Function] = &[
    function("ephemeralasnull", &[WHATEVER], SAME, |call| {
        Ok(cty::transform(&call.arguments[0], |_, value| {
            let (bare, mut marks) = value.unmark();
            let is_ephemeral = marks.remove(&Mark::Ephemeral);
            // Whether something unknown will be ephemeral is not known either, and so whether it will be null.
            let bare = match (bare.is_known(), is_ephemeral) {
                (true, false) => bare,
                (true, true) => Value::null(bare.ty().clone()),
                (false, _) => Value::unknown(bare.ty().clone()),
            };
            Ok(bare.with_marks(marks))
        })?)
    }),
    Function {
        is_nullable: false,
        ..function("issensitive", &[WHATEVER], Returns::Bool, |call| {
            let value = &call.arguments[0];
            // Whether something unknown will be sensitive is not known either.
            Ok(if value.is_known() { Value::bool(value.is_sensitive()) } else { Value::unknown(Type::Bool) })
        })
    },
    function("nonsensitive", &[WHATEVER], SAME, |call| {
        let (value, mut marks) = call.bare(0);
        marks.remove(&Mark::Sensitive);
        Ok(value.with_marks(marks))
    }),
    function("sensitive", &[WHATEVER], SAME, |call| Ok(call.arguments[0].mark_sensitive())),
    function("tobool", &[CONVERTIBLE], Returns::By(|arguments| to(arguments, Type::Bool)), converted),
    function("tolist", &[CONVERTIBLE], Returns::By(|arguments| to(arguments, Type::list(Type::Dynamic))), converted),
    function("tomap", &[CONVERTIBLE], Returns::By(|arguments| to(arguments, Type::map(Type::Dynamic))), converted),
    function("tonumber", &[CONVERTIBLE], Returns::By(|arguments| to(arguments, Type::Number)), converted),
    function("toset", &[CONVERTIBLE], Returns::By(|arguments| to(arguments, Type::set(Type::Dynamic))), converted),
    function("tostring", &[CONVERTIBLE], Returns::By(|arguments| to(arguments, Type::String)), converted),
];

fn to(arguments: &[Value], ty: Type) -> Result<Type, Failure> {
    if is_convertible(arguments[0].ty(), &ty) {
        return Ok(ty);
    }
    let (given, wanted) = (arguments[0].ty().friendly_name(), ty.friendly_name_for_constraint());
    Err(Failure::Wrong(format!("A {given} cannot become a {wanted}.")))
}

fn converted(call: &Call<'_>) -> Computed {
    convert(&call.arguments[0], &call.ty).map_err(|error| match Failure::from(error.clone()) {
        Failure::Wrong(_) => {
            let wanted = call.ty.friendly_name_for_constraint();
            Failure::Wrong(format!("The value cannot become a {wanted}{}: {}.", place(error.path()), error.message()))
        }
        other => other,
    })
}
