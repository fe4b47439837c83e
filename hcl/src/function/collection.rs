//! Functions on maps and objects, and on collections of every kind.

use std::collections::BTreeMap;

use cty::convert::{convert, unify_unsafe};
use cty::{Marks, Refinements, Type, Value};

use super::text::clusters;
use super::{ANY, Call, Computed, Failure, Function, NULLABLE, Parameter, Returns, Takes, Wanted, of, refined};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Anything, is_nullable: false, body }
}

const BOOLS: Parameter = of(Wanted::Bools, &[]);
/// Of any type, its own marks and those inside kept where they are.
const MARKED: Parameter = of(Wanted::Any, &[Takes::Marked]);
const MARKED_TEXT: Parameter = of(Wanted::Text, &[Takes::Marked]);
const MARKED_TEXTS: Parameter = of(Wanted::Texts, &[Takes::Marked]);

pub(super) const FUNCTIONS: &[Function] = &[
    Function { returns: Returns::Bool, ..function("alltrue", &[BOOLS], |call| Ok(all_true(&call.arguments[0]))) },
    Function { returns: Returns::Bool, ..function("anytrue", &[BOOLS], |call| Ok(any_true(&call.arguments[0]))) },
    Function { rest: Some(NULLABLE), returns: Returns::By(common_type), ..function("coalesce", &[], coalesce) },
    Function {
        returns: Returns::By(keys_type),
        ..function("keys", &[of(Wanted::Any, &[Takes::Unknown, Takes::Marked])], keys)
    },
    Function {
        returns: Returns::By(length_type),
        ..function("length", &[of(Wanted::Any, &[Takes::Unknown, Takes::Dynamic, Takes::Marked])], length)
    },
    Function {
        rest: Some(of(Wanted::Any, &[Takes::Null, Takes::Unknown, Takes::Dynamic, Takes::Marked])),
        returns: Returns::By(lookup_type),
        is_nullable: true,
        ..function("lookup", &[MARKED, MARKED_TEXT], lookup)
    },
    Function {
        rest: Some(of(Wanted::Any, &[Takes::Null, Takes::Dynamic, Takes::Marked])),
        returns: Returns::By(merge_type),
        ..function("merge", &[], merge)
    },
    Function { returns: Returns::By(one_type), is_nullable: true, ..function("one", &[ANY], one) },
    Function { returns: Returns::Number, ..function("sum", &[ANY], sum) },
    Function {
        returns: Returns::TextListsByKey,
        ..function("transpose", &[of(Wanted::TextListsByKey, &[])], transpose)
    },
    Function { returns: Returns::By(values_type), ..function("values", &[MARKED], values) },
    Function { returns: Returns::By(zip_type), ..function("zipmap", &[MARKED_TEXTS, MARKED], zip_map) },
];

fn all_true(list: &Value) -> Value {
    for element in list.elements() {
        match element.as_bool() {
            Some(true) => {}
            None if !element.is_null() => return Value::unknown(Type::Bool),
            _ => return Value::bool(false),
        }
    }
    Value::bool(true)
}

fn any_true(list: &Value) -> Value {
    if list.elements().any(|element| element.as_bool() == Some(true)) {
        return Value::bool(true);
    }
    if list.elements().all(Value::is_known) { Value::bool(false) } else { Value::unknown(Type::Bool) }
}

fn common_type(arguments: &[Value]) -> Result<Type, Failure> {
    let types: Vec<Type> = arguments.iter().map(|value| value.ty().clone()).collect();
    if types.is_empty() {
        return Err(Failure::from("At least one argument is needed."));
    }
    unify_unsafe(&types).ok_or_else(|| Failure::from("All arguments must have one type."))
}

fn coalesce(call: &Call<'_>) -> Computed {
    for value in &call.arguments {
        let value = convert(value, &call.ty)
            .map_err(|_| Failure::Unable("an argument of coalesce() has no form in the type of all".to_owned()))?;
        if !value.is_known() {
            return Ok(call.unknown());
        }
        if !value.is_null() && value.as_str() != Some("") {
            return Ok(value);
        }
    }
    Err(Failure::from("No argument is neither null nor an empty text."))
}

fn keys_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::Map(_) => Ok(Type::list(Type::String)),
        Type::Object(object) => Ok(Type::tuple(object.attributes().map(|_| Type::String))),
        other => {
            Err(Failure::Wrong(format!("Keys are those of a map or an object, not of a {}.", other.friendly_name())))
        }
    }
}

fn keys(call: &Call<'_>) -> Computed {
    let (map, marks) = call.bare(0);
    let result = match map.ty() {
        // The type alone has the names.
        Type::Object(object) => Value::tuple(object.attributes().map(|(name, _)| Value::string(name)).collect()),
        _ if !map.is_known() => call.unknown(),
        _ => Value::list(Type::String, map.entries().map(|(name, _)| Value::string(name)).collect())?,
    };
    Ok(result.with_marks(marks))
}

fn length_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::Number | Type::Bool => {
            let name = arguments[0].ty().friendly_name();
            Err(Failure::Wrong(format!("A {name} has no length, only text, collections, tuples and objects have.")))
        }
        _ => Ok(Type::Number),
    }
}

fn length(call: &Call<'_>) -> Computed {
    let (value, marks) = call.bare(0);
    let count = |text: &str| clusters(text).count() as u64;
    let length = match value.ty() {
        Type::Dynamic => call.unknown(),
        Type::Object(object) => Value::from(object.len() as u64),
        Type::String => match value.as_str() {
            Some(text) => Value::from(count(text)),
            None => {
                let prefix = value.refinements().map_or("", Refinements::prefix);
                refined(
                    Type::Number,
                    Refinements::new().not_null().number_min(cty::Number::from_u64(count(prefix)), true),
                )
            }
        },
        _ => value.length()?,
    };
    Ok(length.with_marks(marks))
}

fn lookup_type(arguments: &[Value]) -> Result<Type, Failure> {
    if arguments.len() > 3 {
        return Err(Failure::from("It takes 2 or 3 arguments."));
    }
    match (arguments[0].ty(), arguments.get(2)) {
        (Type::Object(object), fallback) => {
            let Some(key) = arguments[1].as_str() else { return Ok(Type::Dynamic) };
            match (object.get(key), fallback) {
                (Some(ty), _) => Ok(ty.clone()),
                (None, Some(fallback)) => Ok(fallback.ty().clone()),
                (None, None) => Err(Failure::from("The object has no such attribute.")),
            }
        }
        (Type::Map(element), fallback) => {
            if let Some(fallback) = fallback {
                convert(fallback, element)?;
            }
            Ok(Type::clone(element))
        }
        (other, _) => {
            Err(Failure::Wrong(format!("Argument 1 must be a map or an object, not a {}.", other.friendly_name())))
        }
    }
}

fn lookup(call: &Call<'_>) -> Computed {
    let ((map, mut marks), (key, of_key)) = (call.bare(0), call.bare(1));
    marks.extend(of_key);
    let key = key.as_str().unwrap_or_default();
    let found = map.entries().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
    match (found, call.arguments.get(2)) {
        (Some(value), _) => Ok(value.with_marks(marks)),
        (None, Some(fallback)) => Ok(convert(fallback, &call.ty)?.with_marks(marks)),
        (None, None) => Err(Failure::from("There is no such key, and no third argument to take instead.")),
    }
}

fn merge_type(arguments: &[Value]) -> Result<Type, Failure> {
    let mut attributes = BTreeMap::new();
    let mut types = Vec::new();
    let mut has_unknown_keys = false;
    let has = |value: &Value, name: &str| value.ty().as_object().is_some_and(|object| object.get(name).is_some());
    let others_have = |name: &str| arguments.iter().any(|value| !value.is_null() && has(value, name));
    for value in arguments {
        let ty = match value.ty() {
            Type::Dynamic => return Ok(Type::Dynamic),
            Type::Object(object) if value.is_null() && !object.attributes().all(|(name, _)| others_have(name)) => {
                return Err(Failure::Unable(
                    "some versions of the programs cannot merge an object that is null".to_owned(),
                ));
            }
            Type::Object(_) if value.is_null() => Type::object(std::iter::empty::<(&str, Type)>()),
            ty @ (Type::Object(_) | Type::Map(_)) => ty.clone(),
            other => {
                let name = other.friendly_name();
                return Err(Failure::Wrong(format!("The arguments must be maps or objects, not a {name}.")));
            }
        };
        match &ty {
            Type::Object(object) => {
                attributes.extend(object.attributes().map(|(name, ty)| (name.to_owned(), ty.clone())));
            }
            Type::Map(_) if !value.is_known() => has_unknown_keys = true,
            _ => attributes.extend(
                value.entries().map(|(name, _)| (name.to_owned(), ty.element_type().cloned().unwrap_or(Type::Dynamic))),
            ),
        }
        types.push(ty);
    }
    Ok(match types.first() {
        None => Type::object(std::iter::empty::<(&str, Type)>()),
        Some(first) if types.iter().all(|ty| ty == first) => first.clone(),
        Some(_) if has_unknown_keys => Type::Dynamic,
        Some(_) => Type::object(attributes),
    })
}

fn merge(call: &Call<'_>) -> Computed {
    let mut merged = BTreeMap::new();
    let mut marks = Marks::new();
    for value in call.arguments.iter().filter(|value| !value.is_null()) {
        marks.extend(value.marks().iter().cloned());
        merged.extend(value.entries().map(|(name, value)| (name.to_owned(), value.clone())));
    }
    let result = match &call.ty {
        Type::Map(element) => Value::map(Type::clone(element), merged)?,
        _ => Value::object(merged),
    };
    Ok(call.sized(result)?.with_marks(marks))
}

fn one_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::List(element) | Type::Set(element) => Ok(Type::clone(element)),
        Type::Tuple(elements) if elements.len() < 2 => Ok(elements.first().cloned().unwrap_or(Type::Dynamic)),
        _ => Err(Failure::from("The argument must be a list, a set or a tuple of at most one element.")),
    }
}

fn one(call: &Call<'_>) -> Computed {
    let list = &call.arguments[0];
    if list.ty().is_set() && !list.length()?.is_known() {
        return Ok(call.unknown());
    }
    let mut elements = list.elements();
    match (elements.next(), elements.next()) {
        (None, _) => Ok(Value::null(call.ty.clone())),
        (Some(single), None) => Ok(single.clone()),
        _ => Err(Failure::from("There is more than one element.")),
    }
}

fn sum(call: &Call<'_>) -> Computed {
    let list = &call.arguments[0];
    if !matches!(list.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) {
        return Err(Failure::from("Only the elements of a list, a set or a tuple can be summed up."));
    }
    if list.is_empty() {
        return Err(Failure::from("There is nothing to sum up."));
    }
    if !list.is_wholly_known() {
        return Ok(call.unknown());
    }
    let mut sum: Option<Value> = None;
    for element in list.elements() {
        if element.is_null() {
            return Err(Failure::from("An element is null."));
        }
        let number = convert(element, &Type::Number)?;
        sum = Some(match sum {
            None => number,
            Some(sum) => sum.add(&number)?,
        });
    }
    sum.ok_or_else(|| Failure::from("There is nothing to sum up."))
}

fn transpose(call: &Call<'_>) -> Computed {
    if !call.arguments[0].is_wholly_known() {
        return Ok(call.unknown());
    }
    let mut transposed: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, list) in call.arguments[0].entries() {
        if list.is_null() {
            return Err(Failure::from("A list is null."));
        }
        for text in list.elements() {
            let text = text.as_str().ok_or("An element is null.")?;
            transposed.entry(text.to_owned()).or_default().push(Value::string(key));
        }
    }
    let mut lists = BTreeMap::new();
    for (key, keys) in transposed {
        lists.insert(key, Value::list(Type::String, keys)?);
    }
    Ok(Value::map(Type::list(Type::String), lists)?)
}

fn values_type(arguments: &[Value]) -> Result<Type, Failure> {
    match arguments[0].ty() {
        Type::Map(element) => Ok(Type::list(Type::clone(element))),
        Type::Object(object) => Ok(Type::tuple(object.attributes().map(|(_, ty)| ty.clone()))),
        other => {
            Err(Failure::Wrong(format!("Values are those of a map or an object, not of a {}.", other.friendly_name())))
        }
    }
}

fn values(call: &Call<'_>) -> Computed {
    let (map, marks) = call.bare(0);
    let values: Vec<Value> = map.entries().map(|(_, value)| value.clone()).collect();
    let result = match &call.ty {
        Type::List(element) => Value::list(Type::clone(element), values)?,
        _ => Value::tuple(values),
    };
    Ok(result.with_marks(marks))
}

fn zip_type(arguments: &[Value]) -> Result<Type, Failure> {
    let keys = &arguments[0];
    match arguments[1].ty() {
        Type::List(element) => Ok(Type::map(Type::clone(element))),
        Type::Tuple(_) if !keys.is_wholly_known() => Ok(Type::Dynamic),
        Type::Tuple(types) => {
            if keys.len() != types.len() {
                return Err(Failure::from("There must be as many values as keys."));
            }
            let mut attributes = BTreeMap::new();
            for (key, ty) in keys.elements().zip(types.iter()) {
                attributes.insert(key.as_str().ok_or("A key is null.")?, ty.clone());
            }
            Ok(Type::object(attributes))
        }
        other => Err(Failure::Wrong(format!("The values must be a list or a tuple, not a {}.", other.friendly_name()))),
    }
}

fn zip_map(call: &Call<'_>) -> Computed {
    let ((keys, mut marks), (values, of_values)) = (call.bare(0), call.bare(1));
    marks.extend(of_values);
    if !keys.is_wholly_known() {
        return Ok(call.unknown().with_marks(marks));
    }
    if keys.len() != values.len() {
        return Err(Failure::from("There must be as many values as keys."));
    }
    let mut entries = BTreeMap::new();
    for (key, value) in keys.elements().zip(values.elements()) {
        marks.extend(key.marks().iter().cloned());
        entries.insert(key.as_str().ok_or("A key is null.")?.to_owned(), value.clone());
    }
    let result = match &call.ty {
        Type::Map(element) => Value::map(Type::clone(element), entries)?,
        _ => Value::object(entries),
    };
    Ok(result.with_marks(marks))
}
