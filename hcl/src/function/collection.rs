//! Functions on lists, sets, maps, tuples and objects.

use std::collections::BTreeMap;

use cty::convert::{convert, unify_unsafe};
use cty::{Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::text::text_list;
use super::{ANY, Call, Computed, Function, NULLABLE, NUMBER, PARTS, Parameter, Returns, TEXT, TEXTS, Wanted, of};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Anything, body }
}

const BOOLS: Parameter = Parameter { takes_unknown_parts: true, ..of(Wanted::Bools) };
const LIST: Parameter = of(Wanted::ListOfAny);
const SET: Parameter = of(Wanted::SetOfAny);

pub(super) const FUNCTIONS: &[Function] = &[
    Function { returns: Returns::Bool, ..function("alltrue", &[BOOLS], |call| Ok(quantified(call, false))) },
    Function { returns: Returns::Bool, ..function("anytrue", &[BOOLS], |call| Ok(quantified(call, true))) },
    function("chunklist", &[LIST, NUMBER], chunks),
    Function { rest: Some(Parameter { takes_unknown: true, ..NULLABLE }), ..function("coalesce", &[], coalesce) },
    Function { rest: Some(Parameter { takes_null: true, ..PARTS }), ..function("coalescelist", &[], coalesce_list) },
    Function { returns: Returns::Texts, ..function("compact", &[TEXTS], compact) },
    Function { rest: Some(PARTS), ..function("concat", &[], concat) },
    Function { returns: Returns::Bool, ..function("contains", &[PARTS, NULLABLE], contains) },
    function("distinct", &[LIST], distinct),
    function("element", &[PARTS, NUMBER], element),
    function("flatten", &[PARTS], flatten),
    Function { returns: Returns::Number, ..function("index", &[ANY, ANY], position) },
    function("keys", &[PARTS], keys),
    Function { returns: Returns::Number, ..function("length", &[PARTS], length) },
    Function { rest: Some(NULLABLE), ..function("lookup", &[PARTS, TEXT], lookup) },
    function("matchkeys", &[LIST, LIST, LIST], match_keys),
    Function { rest: Some(NULLABLE), ..function("merge", &[], merge) },
    function("one", &[PARTS], one),
    Function { rest: Some(NUMBER), ..function("range", &[NUMBER], range) },
    function("reverse", &[PARTS], reverse),
    Function { rest: Some(SET), ..function("setintersection", &[SET], |call| combine(call, Combination::All)) },
    Function { rest: Some(ANY), ..function("setproduct", &[ANY, ANY], product) },
    function("setsubtract", &[SET, SET], |call| combine(call, Combination::First)),
    Function { rest: Some(SET), ..function("setunion", &[SET], |call| combine(call, Combination::Any)) },
    function("slice", &[PARTS, NUMBER, NUMBER], slice),
    Function { returns: Returns::Texts, ..function("sort", &[TEXTS], sort) },
    Function { returns: Returns::Number, ..function("sum", &[ANY], sum) },
    function("transpose", &[of(Wanted::TextListsByKey)], transpose),
    function("values", &[PARTS], values),
    function("zipmap", &[TEXTS, PARTS], zip_map),
];

fn computed(result: cty::Result<Value>) -> Computed {
    result.map_err(|error| format!("{}.", crate::evaluate::capitalized(error.message())))
}

fn is_sequence(value: &Value) -> bool {
    matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_))
}

fn elements_of(call: &Call<'_>, position: usize) -> Result<Vec<Value>, String> {
    let value = &call.arguments[position];
    if is_sequence(value) {
        return Ok(value.elements().cloned().collect());
    }
    let name = value.ty().friendly_name();
    Err(format!("Argument {} must be a list, a set or a tuple, not a {name}.", position + 1))
}

/// Makes a list of the type of the first argument, or a tuple where that is one.
fn like_first(call: &Call<'_>, elements: Vec<Value>) -> Computed {
    match call.arguments[0].ty() {
        Type::List(element) | Type::Set(element) => computed(Value::list(Type::clone(element), elements)),
        _ => Ok(Value::tuple(elements)),
    }
}

fn quantified(call: &Call<'_>, is_any: bool) -> Value {
    let mut is_unknown = false;
    for element in call.arguments[0].elements() {
        match element.unmark().0.as_bool() {
            Some(value) if value == is_any => return Value::bool(is_any),
            Some(_) => {}
            None if element.is_null() && !is_any => return Value::bool(false),
            None if element.is_null() => {}
            None => is_unknown = true,
        }
    }
    if is_unknown { Value::unknown(Type::Bool) } else { Value::bool(!is_any) }
}

fn chunks(call: &Call<'_>) -> Computed {
    let size = usize::try_from(call.whole(1)?).map_err(|_| "The size of chunks cannot be negative.".to_owned())?;
    let elements = elements_of(call, 0)?;
    let ty = call.arguments[0].ty().clone();
    let chunk_size = if size == 0 { elements.len().max(1) } else { size };
    let chunks = elements.chunks(chunk_size).map(|chunk| computed(Value::list(Type::Dynamic, chunk.to_vec())));
    computed(Value::list(ty, chunks.collect::<Result<_, _>>()?))
}

fn coalesce(call: &Call<'_>) -> Computed {
    if call.arguments.is_empty() {
        return Err("At least one argument is needed.".to_owned());
    }
    let types: Vec<Type> = call.arguments.iter().map(|value| value.ty().clone()).collect();
    let ty = unify_unsafe(&types).ok_or_else(|| "All arguments must have one type.".to_owned())?;
    for value in &call.arguments {
        let value = computed(convert(value, &ty))?;
        if !value.is_known() {
            return Ok(Value::unknown(ty));
        }
        if !value.is_null() && value.as_str() != Some("") {
            return Ok(value);
        }
    }
    Err("No argument is neither null nor an empty text.".to_owned())
}

fn coalesce_list(call: &Call<'_>) -> Computed {
    for value in &call.arguments {
        if !is_sequence(value) && *value.ty() != Type::Dynamic {
            return Err("The arguments must be lists, sets or tuples.".to_owned());
        }
        if !value.is_empty() {
            return Ok(value.clone());
        }
    }
    Err("No argument holds anything.".to_owned())
}

fn compact(call: &Call<'_>) -> Computed {
    text_list(call.texts(0).into_iter().filter(|text| !text.is_empty()).map(str::to_owned))
}

fn concat(call: &Call<'_>) -> Computed {
    if call.arguments.is_empty() {
        return Err("At least one argument is needed.".to_owned());
    }
    if let Some(position) =
        call.arguments.iter().position(|value| !matches!(value.ty(), Type::List(_) | Type::Tuple(_)))
    {
        return Err(format!("Argument {} must be a list or a tuple.", position + 1));
    }
    let are_lists = call.arguments.iter().all(|value| matches!(value.ty(), Type::List(_)));
    let types: Vec<Type> = call.arguments.iter().map(|value| value.ty().clone()).collect();
    let elements = call.arguments.iter().flat_map(Value::elements);
    let result = match unify_unsafe(&types) {
        Some(Type::List(element)) if are_lists => {
            let elements = elements.map(|value| computed(convert(value, &element)));
            computed(Value::list(Type::clone(&element), elements.collect::<Result<_, _>>()?))?
        }
        _ => Value::tuple(elements.cloned().collect()),
    };
    call.sized(result)
}

fn contains(call: &Call<'_>) -> Computed {
    let mut is_unknown = false;
    for element in elements_of(call, 0)? {
        match element.equals(&call.arguments[1]).unmark().0.as_bool() {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => is_unknown = true,
        }
    }
    Ok(if is_unknown { Value::unknown(Type::Bool) } else { Value::bool(false) })
}

fn distinct(call: &Call<'_>) -> Computed {
    let elements = elements_of(call, 0)?;
    // A set finds what is equal fast; the list keeps the order.
    let mut found: Vec<Value> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for element in elements {
        let key = cty::json::encode(&element, element.ty()).map_err(|error| format!("{error}."))?;
        if seen.insert(key) {
            found.push(element);
        }
    }
    like_first(call, found)
}

fn element(call: &Call<'_>) -> Computed {
    let index = call.whole(1)?;
    if !matches!(call.arguments[0].ty(), Type::List(_) | Type::Tuple(_)) {
        return Err("Only a list or a tuple has elements in order.".to_owned());
    }
    let elements = elements_of(call, 0)?;
    let n_elements = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    if n_elements == 0 {
        return Err("An empty list has no element.".to_owned());
    }
    let position = usize::try_from(index.rem_euclid(n_elements)).unwrap_or_default();
    if index < 0 {
        return Err("The index cannot be negative.".to_owned());
    }
    Ok(elements[position].clone())
}

fn flatten(call: &Call<'_>) -> Computed {
    elements_of(call, 0)?;
    let mut flat = Vec::new();
    if !flatten_into(&call.arguments[0], &mut flat) {
        return Ok(Value::dynamic());
    }
    call.sized(Value::tuple(flat))
}

/// Tells whether everything that might hold elements is known.
fn flatten_into(value: &Value, flat: &mut Vec<Value>) -> bool {
    let mut is_known = true;
    for element in value.elements() {
        if is_sequence(element) && !element.is_null() {
            is_known &= element.is_known() && flatten_into(element, flat);
        } else {
            is_known &= element.is_known() || *element.ty() != Type::Dynamic;
            flat.push(element.clone());
        }
    }
    is_known
}

fn position(call: &Call<'_>) -> Computed {
    let wanted = &call.arguments[1];
    let found = elements_of(call, 0)?.iter().position(|element| element.equals(wanted).as_bool() == Some(true));
    found.map(|position| Value::from(position as u64)).ok_or_else(|| "The list holds no such element.".to_owned())
}

fn keys(call: &Call<'_>) -> Computed {
    let names: Vec<String> = named(call, 0)?.into_iter().map(|(name, _)| name).collect();
    match call.arguments[0].ty() {
        Type::Map(_) => text_list(names.into_iter()),
        _ => Ok(Value::tuple(names.into_iter().map(Value::string).collect())),
    }
}

fn named(call: &Call<'_>, position: usize) -> Result<Vec<(String, Value)>, String> {
    let value = &call.arguments[position];
    if !matches!(value.ty(), Type::Map(_) | Type::Object(_)) {
        let name = value.ty().friendly_name();
        return Err(format!("Argument {} must be a map or an object, not a {name}.", position + 1));
    }
    Ok(value.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect())
}

fn length(call: &Call<'_>) -> Computed {
    match call.arguments[0].as_str() {
        Some(text) => Ok(Value::from(text.graphemes(true).count() as u64)),
        None => computed(call.arguments[0].length()),
    }
}

fn lookup(call: &Call<'_>) -> Computed {
    let entries = named(call, 0)?;
    if call.arguments.len() > 3 {
        return Err("It takes 2 or 3 arguments.".to_owned());
    }
    let found = entries.into_iter().find(|(name, _)| name == call.text(1)).map(|(_, value)| value);
    let fallback = call.arguments.get(2);
    match (found, fallback, call.arguments[0].ty()) {
        (Some(value), _, _) => Ok(value),
        (None, Some(fallback), Type::Map(element)) => computed(convert(fallback, element)),
        (None, Some(fallback), _) => Ok(fallback.clone()),
        (None, None, _) => Err("There is no such key, and no third argument to take instead.".to_owned()),
    }
}

fn match_keys(call: &Call<'_>) -> Computed {
    let (values, keys, wanted) = (elements_of(call, 0)?, elements_of(call, 1)?, elements_of(call, 2)?);
    if values.len() != keys.len() {
        return Err("The first two lists must have the same length.".to_owned());
    }
    let is_wanted = |key: &Value| wanted.iter().any(|wanted| wanted.equals(key).as_bool() == Some(true));
    let matched = keys.iter().zip(values).filter(|(key, _)| is_wanted(key)).map(|(_, value)| value).collect();
    like_first(call, matched)
}

fn merge(call: &Call<'_>) -> Computed {
    if call.arguments.is_empty() {
        return Ok(Value::object(BTreeMap::new()));
    }
    let mut merged = BTreeMap::new();
    for position in 0..call.arguments.len() {
        if !(call.arguments[position].is_null() && *call.arguments[position].ty() == Type::Dynamic) {
            merged.extend(named(call, position)?);
        }
    }
    let first = call.arguments[0].ty();
    if matches!(first, Type::Map(_)) && call.arguments.iter().all(|value| value.ty() == first) {
        return computed(Value::map(first.element_type().cloned().unwrap_or(Type::Dynamic), merged));
    }
    Ok(Value::object(merged))
}

fn one(call: &Call<'_>) -> Computed {
    let elements = elements_of(call, 0)?;
    match (elements.as_slice(), call.arguments[0].ty()) {
        ([], ty) => Ok(Value::null(ty.element_type().cloned().unwrap_or(Type::Dynamic))),
        ([single], Type::Set(_)) if !single.is_known() => Ok(Value::unknown(single.ty().clone())),
        ([single], _) => Ok(single.clone()),
        _ => Err("There is more than one element.".to_owned()),
    }
}

fn range(call: &Call<'_>) -> Computed {
    let number = |position: usize| call.arguments[position].as_number().cloned().unwrap_or_default();
    let zero = cty::Number::from_i64(0);
    let (start, end) = match call.arguments.len() {
        1 => (zero.clone(), number(0)),
        2 | 3 => (number(0), number(1)),
        _ => return Err("It takes 1 to 3 arguments.".to_owned()),
    };
    let is_down = end.compare(&start).is_lt();
    let step = match call.arguments.len() {
        3 => number(2),
        _ if is_down => cty::Number::from_i64(-1),
        _ => cty::Number::from_i64(1),
    };
    if step.is_zero() || (step.is_negative() != is_down && end.compare(&start).is_ne()) {
        return Err("The step must lead from the start to the end.".to_owned());
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while if is_down { next.compare(&end).is_gt() } else { next.compare(&end).is_lt() } {
        if numbers.len() >= 1024 {
            return Err("The list would have more than 1024 elements.".to_owned());
        }
        numbers.push(Value::number(next.clone()));
        next = next.add(&step).map_err(|error| format!("{error}."))?;
    }
    computed(Value::list(Type::Number, numbers))
}

fn reverse(call: &Call<'_>) -> Computed {
    let mut elements = elements_of(call, 0)?;
    elements.reverse();
    like_first(call, elements)
}

enum Combination {
    Any,
    All,
    First,
}

fn combine(call: &Call<'_>, combination: Combination) -> Computed {
    let types: Vec<Type> = call.arguments.iter().map(|set| set.ty().clone()).collect();
    let known: Vec<Type> = types.iter().filter(|ty| **ty != Type::set(Type::Dynamic)).cloned().collect();
    let ty = match known.as_slice() {
        [] => Type::set(Type::Dynamic),
        known => unify_unsafe(known).ok_or_else(|| "The sets must have one type of elements.".to_owned())?,
    };
    let sets: Vec<Value> = call.arguments.iter().map(|set| computed(convert(set, &ty))).collect::<Result<_, _>>()?;
    let Some((first, others)) = sets.split_first() else { return Err("At least one set is needed.".to_owned()) };
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
    computed(Value::set(ty.element_type().cloned().unwrap_or(Type::Dynamic), elements))
}

fn product(call: &Call<'_>) -> Computed {
    let n_results = call.arguments.iter().map(Value::len).fold(1_usize, usize::saturating_mul);
    if n_results > crate::evaluate::MAX_ELEMENTS / call.arguments.len().max(1) {
        return Err("The product would be too large.".to_owned());
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut types = Vec::new();
    for position in 0..call.arguments.len() {
        let elements = elements_of(call, position)?;
        let element_types: Vec<Type> = elements.iter().map(|element| element.ty().clone()).collect();
        let ty = match call.arguments[position].ty() {
            Type::List(element) | Type::Set(element) => Type::clone(element),
            _ => unify_unsafe(&element_types).unwrap_or(Type::Dynamic),
        };
        let elements: Vec<Value> =
            elements.iter().map(|element| computed(convert(element, &ty))).collect::<Result<_, _>>()?;
        rows = rows
            .iter()
            .flat_map(|row| elements.iter().map(move |element| row.iter().chain([element]).cloned().collect()))
            .collect();
        types.push(ty);
    }
    let tuples: Vec<Value> = rows.into_iter().map(Value::tuple).collect();
    let is_set = call.arguments.iter().all(|value| value.ty().is_set());
    computed(if is_set { Value::set(Type::tuple(types), tuples) } else { Value::list(Type::tuple(types), tuples) })
}

fn slice(call: &Call<'_>) -> Computed {
    let elements = elements_of(call, 0)?;
    let bound = |position: usize| {
        let number = call.whole(position)?;
        usize::try_from(number)
            .ok()
            .filter(|number| *number <= elements.len())
            .ok_or_else(|| format!("Argument {} must be from 0 to the length of the list.", position + 1))
    };
    let (start, end) = (bound(1)?, bound(2)?);
    if call.arguments[0].ty().is_set() {
        return Err("The elements of a set have no order.".to_owned());
    }
    match elements.get(start..end) {
        Some(part) => like_first(call, part.to_vec()),
        None => Err("The start must not be behind the end.".to_owned()),
    }
}

fn sort(call: &Call<'_>) -> Computed {
    if call.arguments[0].elements().any(Value::is_null) {
        return Err("An element is null.".to_owned());
    }
    let mut texts = call.texts(0);
    texts.sort_unstable();
    text_list(texts.into_iter().map(str::to_owned))
}

fn sum(call: &Call<'_>) -> Computed {
    let elements = elements_of(call, 0)?;
    let Some((first, others)) = elements.split_first() else { return Err("There is nothing to sum up.".to_owned()) };
    let number = |value: &Value| {
        if value.is_null() { Err("An element is null.".to_owned()) } else { computed(convert(value, &Type::Number)) }
    };
    others.iter().try_fold(number(first)?, |sum, value| computed(sum.add(&number(value)?)))
}

fn transpose(call: &Call<'_>) -> Computed {
    let mut transposed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, list) in call.arguments[0].entries() {
        for text in list.elements() {
            let text = text.as_str().ok_or_else(|| "An element is null.".to_owned())?;
            transposed.entry(text.to_owned()).or_default().push(key.to_owned());
        }
    }
    let entries: Vec<(String, Value)> = transposed
        .into_iter()
        .map(|(key, keys)| Ok((key, text_list(keys.into_iter())?)))
        .collect::<Result<_, String>>()?;
    computed(Value::map(Type::list(Type::String), entries.into_iter().collect()))
}

fn values(call: &Call<'_>) -> Computed {
    let values: Vec<Value> = named(call, 0)?.into_iter().map(|(_, value)| value).collect();
    match call.arguments[0].ty() {
        Type::Map(element) => computed(Value::list(Type::clone(element), values)),
        _ => Ok(Value::tuple(values)),
    }
}

fn zip_map(call: &Call<'_>) -> Computed {
    let values = elements_of(call, 1)?;
    let keys = call.texts(0);
    if keys.len() != values.len() || keys.len() != call.arguments[0].len() {
        return Err("There must be as many values as keys, and no key may be null.".to_owned());
    }
    let entries: BTreeMap<String, Value> = keys.into_iter().map(str::to_owned).zip(values).collect();
    match call.arguments[1].ty() {
        Type::List(element) => computed(Value::map(Type::clone(element), entries)),
        _ => Ok(Value::object(entries)),
    }
}
