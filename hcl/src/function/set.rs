//! Functions on sets.

use cty::convert::{convert, unify_unsafe};
use cty::{Marks, Type, Value};

use super::{Call, Computed, Failure, Function, Parameter, Returns, Takes, Wanted, of};
use crate::evaluate::MAX_ELEMENTS;

const SET: Parameter = of(Wanted::SetOfAny, &[Takes::Dynamic]);

const fn function(
    name: &'static str,
    parameters: &'static [Parameter],
    rest: Option<Parameter>,
    returns: fn(&[Value]) -> Result<Type, Failure>,
    body: fn(&Call<'_>) -> Computed,
) -> Function {
    Function { name, parameters, rest, returns: Returns::By(returns), is_nullable: false, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("setintersection", &[SET], Some(SET), common, |call| combine(call, Combination::All)),
    function("setproduct", &[], Some(of(Wanted::Any, &[Takes::Unknown, Takes::Marked])), product_type, product),
    function("setsubtract", &[SET, SET], None, common, |call| combine(call, Combination::First)),
    function("setunion", &[SET], Some(SET), common, |call| combine(call, Combination::Any)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Combination {
    Any,
    All,
    First,
}

fn common(arguments: &[Value]) -> Result<Type, Failure> {
    let mut types = Vec::new();
    for set in arguments {
        let element = set.ty().element_type().cloned().unwrap_or(Type::Dynamic);
        // An empty set of no type fits any other.
        if !(set.is_known() && set.is_empty() && element == Type::Dynamic) {
            types.push(element);
        }
    }
    if types.is_empty() {
        return Ok(Type::set(Type::Dynamic));
    }
    unify_unsafe(&types).map(Type::set).ok_or_else(|| Failure::from("The sets must have one type of elements."))
}

fn combine(call: &Call<'_>, combination: Combination) -> Computed {
    let mut sets = Vec::with_capacity(call.arguments.len());
    for set in &call.arguments {
        sets.push(convert(set, &call.ty)?);
    }
    if combination != Combination::Any && !sets.iter().all(Value::is_wholly_known) {
        return Ok(call.unknown());
    }
    let Some((first, others)) = sets.split_first() else { return Err(Failure::from("At least one set is needed.")) };
    let has = |set: &Value, element: &Value| set.has_element(element).is_ok_and(|found| found.as_bool() == Some(true));
    let elements: Vec<Value> = match combination {
        Combination::Any => sets.iter().flat_map(Value::elements).cloned().collect(),
        Combination::All => {
            first.elements().filter(|element| others.iter().all(|set| has(set, element))).cloned().collect()
        }
        Combination::First => {
            first.elements().filter(|element| !others.iter().any(|set| has(set, element))).cloned().collect()
        }
    };
    call.sized(Value::set(call.element_type(), elements)?)
}

fn product_type(arguments: &[Value]) -> Result<Type, Failure> {
    if arguments.len() < 2 {
        return Err(Failure::from("At least two arguments are needed."));
    }
    let mut has_set = false;
    let mut types = Vec::new();
    for (position, value) in arguments.iter().enumerate() {
        types.push(match value.ty() {
            Type::List(element) => Type::clone(element),
            Type::Set(element) => {
                has_set = true;
                Type::clone(element)
            }
            Type::Tuple(elements) if elements.is_empty() => Type::Dynamic,
            Type::Tuple(elements) => {
                let wrong = || Failure::Wrong(format!("The elements of argument {} must have one type.", position + 1));
                unify_unsafe(elements).ok_or_else(wrong)?
            }
            _ => return Err(Failure::Wrong(format!("Argument {} must be a list, a set or a tuple.", position + 1))),
        });
    }
    let tuple = Type::tuple(types);
    Ok(if has_set { Type::set(tuple) } else { Type::list(tuple) })
}

fn product(call: &Call<'_>) -> Computed {
    let mut marks = Marks::new();
    let mut lists = Vec::with_capacity(call.arguments.len());
    for value in &call.arguments {
        let (value, found) = value.unmark();
        marks.extend(found);
        lists.push(value);
    }
    let has_length =
        |value: &Value| value.is_known() && (!value.ty().is_set() || value.is_wholly_known() || value.len() < 2);
    if !lists.iter().all(has_length) {
        return Ok(call.unknown().with_marks(marks));
    }
    let n_rows = lists.iter().map(Value::len).fold(1_usize, usize::saturating_mul);
    if n_rows > MAX_ELEMENTS / (lists.len() + 1) {
        return Err(Failure::TooLarge(format!("The value would consist of more than {MAX_ELEMENTS} parts.")));
    }
    let row_type = call.element_type();
    let Type::Tuple(types) = &row_type else { return Ok(call.unknown().with_marks(marks)) };
    let mut rows: Vec<Vec<Value>> = if n_rows == 0 { Vec::new() } else { vec![Vec::new()] };
    for (list, ty) in lists.iter().zip(types.iter()).filter(|_| n_rows > 0) {
        let mut elements = Vec::with_capacity(list.len());
        for element in list.elements() {
            elements.push(convert(element, ty)?);
        }
        rows = rows
            .iter()
            .flat_map(|row| elements.iter().map(move |element| row.iter().chain([element]).cloned().collect()))
            .collect();
    }
    let tuples: Vec<Value> = rows.into_iter().map(Value::tuple).collect();
    // Where a type was left open, the elements settle it.
    let row_type = if tuples.is_empty() { row_type } else { Type::Dynamic };
    let result = if call.ty.is_set() { Value::set(row_type, tuples)? } else { Value::list(row_type, tuples)? };
    Ok(result.with_marks(marks))
}
