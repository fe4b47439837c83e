//! Functions on lists and tuples.

use std::collections::BTreeMap;

use cty::convert::{convert, unify_unsafe};
use cty::{Marks, Refinements, Type, Value};

use super::{
    ANY, Call, Computed, Failure, Function, NULLABLE, NUMBER, Parameter, Returns, TEXTS, Takes, Wanted, of, refined,
    whole,
};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Anything, is_nullable: false, body }
}

const LIST: Parameter = of(Wanted::ListOfAny, &[]);
const MARKED: Parameter = of(Wanted::Any, &[Takes::Marked]);
const MARKED_LIST: Parameter = of(Wanted::ListOfAny, &[Takes::Marked]);
const MARKED_NUMBER: Parameter = of(Wanted::Number, &[Takes::Marked]);
const FIRST: Returns = Returns::By(|arguments| Ok(arguments[0].ty().clone()));

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        returns: Returns::By(|arguments| Ok(Type::list(arguments[0].ty().clone()))),
        ..function("chunklist", &[MARKED_LIST, MARKED_NUMBER], chunks)
    },
    Function { rest: Some(NULLABLE), returns: Returns::By(coalesce_type), ..function("coalescelist", &[], coalesce) },
    Function { returns: Returns::Texts, ..function("compact", &[TEXTS], compact) },
    Function { rest: Some(MARKED), returns: Returns::By(concat_type), ..function("concat", &[], concat) },
    Function { returns: Returns::Bool, ..function("contains", &[ANY, ANY], contains) },
    Function { returns: FIRST, ..function("distinct", &[LIST], distinct) },
    Function {
        returns: Returns::By(element_type),
        is_nullable: true,
        ..function("element", &[MARKED, NUMBER], element)
    },
    function("flatten", &[MARKED], flatten),
    Function { returns: Returns::Number, ..function("index", &[ANY, ANY], position) },
    Function { returns: Returns::By(match_type), ..function("matchkeys", &[LIST, LIST, LIST], match_keys) },
    Function { rest: Some(NUMBER), returns: Returns::Numbers, ..function("range", &[], range) },
    Function { returns: Returns::By(reverse_type), ..function("reverse", &[MARKED], reverse) },
    Function { returns: Returns::By(slice_type), ..function("slice", &[MARKED, NUMBER, NUMBER], slice) },
    Function { returns: Returns::Texts, ..function("sort", &[of(Wanted::Texts, &[Takes::Unknown])], sort) },
];

fn is_sequence(value: &Value) -> bool {
    matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_))
}

/// Makes a list or a tuple, by the type of the result.
fn sequence(call: &Call<'_>, elements: Vec<Value>) -> Computed {
    Ok(match &call.ty {
        Type::List(element) => Value::list(Type::clone(element), elements)?,
        _ => Value::tuple(elements),
    })
}

fn chunks(call: &Call<'_>) -> Computed {
    let ((list, mut marks), (size, of_size)) = (call.bare(0), call.bare(1));
    marks.extend(of_size);
    let size = whole(Some(&size), 1)?;
    let size = usize::try_from(size).map_err(|_| Failure::from("The size of chunks cannot be negative."))?;
    let elements: Vec<Value> = list.elements().cloned().collect();
    let chunk_size = if size == 0 { elements.len().max(1) } else { size };
    let element_type = list.ty().element_type().cloned().unwrap_or(Type::Dynamic);
    let mut chunks = Vec::new();
    for chunk in elements.chunks(chunk_size) {
        chunks.push(Value::list(element_type.clone(), chunk.to_vec())?);
    }
    Ok(Value::list(list.ty().clone(), chunks)?.with_marks(marks))
}

fn coalesce_type(arguments: &[Value]) -> Result<Type, Failure> {
    let Some(first) = arguments.first() else { return Err(Failure::from("At least one argument is needed.")) };
    for value in arguments {
        if !value.is_known() {
            return Ok(Type::Dynamic);
        }
        if !matches!(value.ty(), Type::List(_) | Type::Tuple(_)) {
            return Err(Failure::from("The arguments must be lists or tuples."));
        }
    }
    Ok(if arguments.iter().all(|value| value.ty() == first.ty()) { first.ty().clone() } else { Type::Dynamic })
}

fn coalesce(call: &Call<'_>) -> Computed {
    for value in &call.arguments {
        if !value.is_known() {
            return Ok(call.unknown());
        }
        if !value.is_empty() {
            return Ok(value.clone());
        }
    }
    Err(Failure::from("No argument holds anything."))
}

fn compact(call: &Call<'_>) -> Computed {
    if !call.arguments[0].is_wholly_known() {
        return Ok(call.unknown());
    }
    let is_kept = |text: &&Value| text.as_str().is_some_and(|text| !text.is_empty());
    Ok(Value::list(Type::String, call.arguments[0].elements().filter(is_kept).cloned().collect())?)
}

fn concat_type(arguments: &[Value]) -> Result<Type, Failure> {
    if arguments.is_empty() {
        return Err(Failure::from("At least one argument is needed."));
    }
    if arguments.iter().all(|value| matches!(value.ty(), Type::List(_))) {
        let types: Vec<Type> = arguments.iter().map(|value| value.ty().clone()).collect();
        if let Some(common) = unify_unsafe(&types) {
            return Ok(common);
        }
    }
    let mut types = Vec::new();
    for (position, value) in arguments.iter().enumerate() {
        match value.ty() {
            Type::Tuple(elements) => types.extend(elements.iter().cloned()),
            Type::List(_) if !value.is_known() => return Ok(Type::Dynamic),
            Type::List(element) => types.extend(value.elements().map(|_| Type::clone(element))),
            _ => return Err(Failure::Wrong(format!("Argument {} must be a list or a tuple.", position + 1))),
        }
    }
    Ok(Type::tuple(types))
}

fn concat(call: &Call<'_>) -> Computed {
    let mut marks = Marks::new();
    let mut all = Vec::new();
    for value in &call.arguments {
        let value = if matches!(call.ty, Type::List(_)) { convert(value, &call.ty)? } else { value.clone() };
        marks.extend(value.marks().iter().cloned());
        all.extend(value.elements().cloned());
    }
    Ok(call.sized(sequence(call, all)?)?.with_marks(marks))
}

fn contains(call: &Call<'_>) -> Computed {
    if !is_sequence(&call.arguments[0]) {
        return Err(Failure::from("Argument 1 must be a list, a set or a tuple."));
    }
    let mut is_unknown = false;
    for element in call.arguments[0].elements() {
        match call.arguments[1].equals(element).as_bool() {
            Some(true) => return Ok(Value::bool(true)),
            Some(false) => {}
            None => is_unknown = true,
        }
    }
    Ok(if is_unknown { call.unknown() } else { Value::bool(false) })
}

fn distinct(call: &Call<'_>) -> Computed {
    let list = &call.arguments[0];
    if !list.is_wholly_known() {
        return Ok(call.unknown());
    }
    let mut found: Vec<Value> = Vec::new();
    // What is equal has one text, so that only those of one text are compared.
    let mut by_text: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for element in list.elements() {
        let text = cty::json::encode(element, element.ty()).unwrap_or_default();
        let alike = by_text.entry(text).or_default();
        if !alike.iter().any(|position| found[*position].equals(element).as_bool() == Some(true)) {
            alike.push(found.len());
            found.push(element.clone());
        }
    }
    sequence(call, found)
}

fn element_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::List(element) => Ok(Type::clone(element)),
        Type::Tuple(_) if !arguments[1].is_known() => Ok(Type::Dynamic),
        Type::Tuple(types) => {
            let position = wrapped(whole(arguments.get(1), 1)?, types.len())?;
            Ok(types[position].clone())
        }
        other => Err(Failure::Wrong(format!("A {} has no elements in order.", other.friendly_name()))),
    }
}

/// Gives the position of an index that starts over at the end.
fn wrapped(index: i64, n_elements: usize) -> Result<usize, Failure> {
    let n_elements = i64::try_from(n_elements).unwrap_or(i64::MAX);
    if n_elements == 0 {
        return Err(Failure::from("An empty list has no element."));
    }
    if index < 0 {
        let reason =
            "element() counts from the end in OpenTofu, and is a mistake in terraform, where the index is negative";
        return Err(Failure::Unable(reason.to_owned()));
    }
    usize::try_from(index % n_elements).map_err(|_| Failure::from("The index is too large."))
}

fn element(call: &Call<'_>) -> Computed {
    let (list, marks) = call.bare(0);
    let position = wrapped(call.whole(1)?, list.len())?;
    let element = list.elements().nth(position).cloned().unwrap_or_else(|| call.unknown());
    Ok(element.with_marks(marks))
}

fn flatten(call: &Call<'_>) -> Computed {
    let (list, mut marks) = call.bare(0);
    if !is_sequence(&list) {
        return Err(Failure::from("Only a list, a set or a tuple can be flattened."));
    }
    let mut flat = Vec::new();
    let is_known = flatten_into(&list, &mut flat, &mut marks);
    if !is_known {
        return Ok(Value::dynamic().with_marks(marks));
    }
    Ok(call.sized(Value::tuple(flat))?.with_marks(marks))
}

/// Tells whether everything that might hold elements is known.
fn flatten_into(value: &Value, flat: &mut Vec<Value>, marks: &mut Marks) -> bool {
    if value.ty().is_set() && !value.length().is_ok_and(|length| length.is_known()) {
        return false;
    }
    let mut is_known = true;
    for element in value.elements() {
        if !element.is_known() && *element.ty() == Type::Dynamic {
            is_known = false;
            marks.extend(element.marks().iter().cloned());
        } else if is_sequence(element) && !element.is_null() {
            marks.extend(element.marks().iter().cloned());
            is_known &= element.is_known() && flatten_into(element, flat, marks);
        } else {
            flat.push(element.clone());
        }
    }
    is_known
}

fn position(call: &Call<'_>) -> Computed {
    let (list, wanted) = (&call.arguments[0], &call.arguments[1]);
    if !matches!(list.ty(), Type::List(_) | Type::Tuple(_)) {
        return Err(Failure::from("Argument 1 must be a list or a tuple."));
    }
    for (position, element) in list.elements().enumerate() {
        match element.equals(wanted).as_bool() {
            Some(true) => return Ok(Value::from(position as u64)),
            Some(false) => {}
            None => return Ok(call.unknown()),
        }
    }
    Err(Failure::from("The list holds no such element."))
}

fn match_type(arguments: &[Value]) -> Result<Type, Failure> {
    if unify_unsafe(&[arguments[1].ty().clone(), arguments[2].ty().clone()]).is_none() {
        return Err(Failure::from("The keys and what is searched among them must have one type."));
    }
    Ok(arguments[0].ty().clone())
}

fn match_keys(call: &Call<'_>) -> Computed {
    let [values, keys, wanted] = call.arguments.as_slice() else { return Ok(call.unknown()) };
    if values.len() != keys.len() {
        return Err(Failure::from("The first two lists must have the same length."));
    }
    let ty = unify_unsafe(&[keys.ty().clone(), wanted.ty().clone()]).unwrap_or(Type::Dynamic);
    let (keys, wanted) = (convert(keys, &ty)?, convert(wanted, &ty)?);
    if wanted.is_empty() {
        return sequence(call, Vec::new());
    }
    if !call.arguments.iter().all(Value::is_wholly_known) {
        return Ok(call.unknown());
    }
    let is_wanted = |key: &Value| wanted.elements().any(|wanted| key.equals(wanted).as_bool() == Some(true));
    let matched = keys.elements().zip(values.elements()).filter(|(key, _)| is_wanted(key));
    sequence(call, matched.map(|(_, value)| value.clone()).collect())
}

fn range(call: &Call<'_>) -> Computed {
    let number = |position: usize| call.arguments[position].as_number().cloned().unwrap_or_default();
    let zero = cty::Number::from_i64(0);
    let (start, end) = match call.arguments.len() {
        1 => (zero, number(0)),
        2 | 3 => (number(0), number(1)),
        _ => return Err(Failure::from("It takes 1 to 3 arguments.")),
    };
    let step = match call.arguments.len() {
        3 => number(2),
        _ if end.compare(&start).is_lt() => cty::Number::from_i64(-1),
        _ => cty::Number::from_i64(1),
    };
    let is_down = step.is_negative();
    let is_astray = if is_down { end.compare(&start).is_gt() } else { end.compare(&start).is_lt() };
    if is_astray {
        return Err(Failure::from("The step must lead from the start to the end."));
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while if is_down { next.compare(&end).is_gt() } else { next.compare(&end).is_lt() } {
        if numbers.len() >= 1024 {
            return Err(Failure::from("The list would have more than 1024 elements."));
        }
        numbers.push(Value::number(next.clone()));
        next = next.add(&step)?;
    }
    Ok(Value::list(Type::Number, numbers)?)
}

fn reverse_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::Tuple(types) => Ok(Type::tuple(types.iter().rev().cloned())),
        Type::List(element) | Type::Set(element) => Ok(Type::list(Type::clone(element))),
        other => Err(Failure::Wrong(format!("A {} cannot be reversed.", other.friendly_name()))),
    }
}

fn reverse(call: &Call<'_>) -> Computed {
    let (list, marks) = call.bare(0);
    if list.ty().is_set() && !list.is_wholly_known() {
        // In which order its elements come is not known.
        return Ok(call.unknown().with_marks(marks));
    }
    Ok(sequence(call, list.elements().rev().cloned().collect())?.with_marks(marks))
}

/// Gives the bounds of a slice, as far as they are known.
fn bounds(arguments: &[Value]) -> Result<(Option<usize>, Option<usize>), Failure> {
    let n_elements = match arguments[0].ty() {
        Type::Tuple(types) => Some(types.len()),
        _ => arguments[0].is_known().then(|| arguments[0].len()),
    };
    let bound = |position: usize| -> Result<Option<usize>, Failure> {
        if !arguments[position].is_known() {
            return Ok(None);
        }
        let number = usize::try_from(whole(arguments.get(position), position)?).ok();
        match number.filter(|number| n_elements.is_none_or(|n_elements| *number <= n_elements)) {
            Some(number) => Ok(Some(number)),
            None => Err(Failure::Wrong(format!("Argument {} must be from 0 to the length of the list.", position + 1))),
        }
    };
    let (start, end) = (bound(1)?, bound(2)?);
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(Failure::from("The start must not be behind the end."));
    }
    Ok((start, end))
}

fn slice_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::Set(_) => Err(Failure::from("The elements of a set have no order.")),
        Type::List(_) => bounds(arguments).map(|_| arguments[0].ty().clone()),
        Type::Tuple(types) => match bounds(arguments)? {
            (Some(start), Some(end)) => Ok(Type::tuple(types[start..end].iter().cloned())),
            _ => Ok(Type::Dynamic),
        },
        other => Err(Failure::Wrong(format!("Argument 1 must be a list or a tuple, not a {}.", other.friendly_name()))),
    }
}

fn slice(call: &Call<'_>) -> Computed {
    let (list, marks) = call.bare(0);
    let (Some(start), Some(end)) = bounds(&call.arguments)? else { return Ok(call.unknown().with_marks(marks)) };
    let part = list.elements().skip(start).take(end - start).cloned().collect();
    Ok(sequence(call, part)?.with_marks(marks))
}

fn sort(call: &Call<'_>) -> Computed {
    let list = &call.arguments[0];
    if !list.is_wholly_known() {
        // The order is not known, but the length is that of the list.
        let (least, most) = match list.refinements() {
            Some(refinements) => (refinements.min_length(), refinements.max_length()),
            None if list.is_known() => (list.len() as u64, Some(list.len() as u64)),
            None => (0, None),
        };
        let refinements = Refinements::new().length_min(least);
        let refinements = match most {
            Some(most) => refinements.length_max(most),
            None => refinements,
        };
        return Ok(refined(call.ty.clone(), refinements));
    }
    let mut texts: Vec<&str> = Vec::new();
    for element in list.elements() {
        texts.push(element.as_str().ok_or("An element is null.")?);
    }
    texts.sort_unstable();
    Ok(Value::list(Type::String, texts.into_iter().map(Value::string).collect())?)
}
