use super::conversion::plan;
use super::{Safety, is_convertible};
use crate::types::{ObjectType, Type};

/// Says in the words of Terraform why values of one type have no form in the other.
///
/// Meaningful only where [`is_convertible`] says no, or a conversion failed.
pub fn mismatch_message(given: &Type, want: &Type) -> String {
    match (given, want) {
        (Type::Object(given), Type::Object(want)) => objects(given, want),
        (Type::Tuple(_), Type::List(element)) if **element == Type::Dynamic => {
            "all list elements must have the same type".to_owned()
        }
        (Type::Tuple(_), Type::Set(element)) if **element == Type::Dynamic => {
            "all set elements must have the same type".to_owned()
        }
        (Type::Object(_), Type::Map(element)) if **element == Type::Dynamic => {
            "all map elements must have the same type".to_owned()
        }
        (Type::Tuple(elements), Type::List(want_element) | Type::Set(want_element)) => {
            let parts = elements.iter().enumerate().map(|(index, ty)| (index.to_string(), ty));
            first_misfit(parts, want_element)
        }
        (Type::Object(object), Type::Map(want_element)) => {
            first_misfit(object.attributes().map(|(name, ty)| (format!("{name:?}"), ty)), want_element)
        }
        (Type::List(given) | Type::Set(given), Type::List(want)) => incorrect_element("list", given, want),
        (Type::List(given) | Type::Set(given), Type::Set(want)) => incorrect_element("set", given, want),
        (Type::Map(given), Type::Map(want)) => incorrect_element("map", given, want),
        _ if names_both_types(given, want) => {
            format!("{} required, but have {}", want.friendly_name(), given.friendly_name())
        }
        _ => format!("{} required", want.friendly_name_for_constraint()),
    }
}

fn objects(given: &ObjectType, want: &ObjectType) -> String {
    let missing: Vec<String> = want
        .attributes()
        .filter(|(name, _)| given.get(name).is_none() && !want.is_optional(name))
        .map(|(name, _)| format!("{name:?}"))
        .collect();
    match missing.as_slice() {
        [] => {}
        [name] => return format!("attribute {name} is required"),
        [first, second] => return format!("attributes {first} and {second} are required"),
        [first @ .., last] => return format!("attributes {}, and {last} are required", first.join(", ")),
    }
    let misfit = |safety| {
        want.attributes().find_map(|(name, want)| {
            let given = given.get(name).filter(|given| *given != want && plan(given, want, safety).is_none())?;
            Some(format!("attribute {name:?}: {}", mismatch_message(given, want)))
        })
    };
    misfit(Safety::Unsafe).or_else(|| misfit(Safety::Safe)).unwrap_or_else(|| "incorrect object attributes".to_owned())
}

fn first_misfit<'a>(mut parts: impl Iterator<Item = (String, &'a Type)>, want: &Type) -> String {
    match parts.find(|(_, ty)| !is_convertible(ty, want)) {
        Some((key, ty)) => format!("element {key}: {}", mismatch_message(ty, want)),
        None => format!("all elements must be {}", want.friendly_name_for_constraint()),
    }
}

fn incorrect_element(kind: &str, given: &Type, want: &Type) -> String {
    format!("incorrect {kind} element type: {}", mismatch_message(given, want))
}

/// Tells whether naming both types helps: not where the reader might think that conversion was all it takes.
fn names_both_types(given: &Type, want: &Type) -> bool {
    if given.is_collection() && want.is_collection() {
        return false;
    }
    let structure_and_collection = matches!(given, Type::Tuple(_) | Type::Object(_)) && want.is_collection();
    !structure_and_collection
        && (given.is_primitive() != want.is_primitive()
            || *want == Type::String
            || matches!((given, want), (Type::Number, Type::Bool) | (Type::Bool, Type::Number))
            || matches!((given, want), (Type::Tuple(_), Type::Object(_))))
}
