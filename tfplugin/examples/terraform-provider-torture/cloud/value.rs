//! From the plain JSON that people write to values of a type.

use cty::{Number, Type, Value};
use serde_json::Value as Json;

/// Gives the value; what the JSON does not name is null. The error says what does not fit.
pub(crate) fn of_json(json: &Json, ty: &Type) -> Result<Value, String> {
    let misfit = || format!("{json} is no {ty}");
    let element_of = |json: &Json| ty.element_type().map_or_else(|| Err(misfit()), |element| of_json(json, element));
    match (ty, json) {
        (_, Json::Null) => Ok(Value::null(ty.clone())),
        (Type::String, Json::String(text)) => Ok(Value::string(text.as_str())),
        (Type::String, Json::Object(repeated)) => match (repeated.get("$repeat"), repeated.get("$times")) {
            (Some(Json::String(text)), Some(times)) => {
                let times = times.as_u64().and_then(|times| usize::try_from(times).ok()).ok_or_else(misfit)?;
                Ok(Value::string(text.repeat(times)))
            }
            _ => Err(misfit()),
        },
        (Type::Bool, Json::Bool(value)) => Ok(Value::bool(*value)),
        (Type::Number, Json::Number(number)) => number_of(&number.to_string()),
        (Type::Number, Json::String(text)) => number_of(text),
        (Type::List(element), Json::Array(items)) => {
            let items = items.iter().map(element_of).collect::<Result<_, _>>()?;
            Value::list(Type::clone(element), items).map_err(|error| error.to_string())
        }
        (Type::Set(element), Json::Array(items)) => {
            let items = items.iter().map(element_of).collect::<Result<_, _>>()?;
            Value::set(Type::clone(element), items).map_err(|error| error.to_string())
        }
        (Type::Map(element), Json::Object(entries)) => {
            let entries = entries.iter().map(|(key, item)| Ok::<_, String>((key.clone(), element_of(item)?)));
            Value::map(Type::clone(element), entries.collect::<Result<_, _>>()?).map_err(|error| error.to_string())
        }
        (Type::Object(object), Json::Object(entries)) => {
            let attribute = |(name, ty): (&str, &Type)| {
                Ok::<_, String>((name.to_owned(), of_json(entries.get(name).unwrap_or(&Json::Null), ty)?))
            };
            Ok(Value::object(object.attributes().map(attribute).collect::<Result<_, _>>()?))
        }
        (Type::Dynamic, _) => of_any(json),
        _ => Err(misfit()),
    }
}

fn number_of(text: &str) -> Result<Value, String> {
    Number::parse(text).map(Value::number).map_err(|error| error.to_string())
}

/// Gives the value of the type that the JSON itself has.
fn of_any(json: &Json) -> Result<Value, String> {
    match json {
        Json::Null => Ok(Value::null(Type::Dynamic)),
        Json::Bool(value) => Ok(Value::bool(*value)),
        Json::Number(number) => number_of(&number.to_string()),
        Json::String(text) => Ok(Value::string(text.as_str())),
        // As states hold it: the type beside the value.
        Json::Object(entries)
            if entries.len() == 2 && entries.contains_key("type") && entries.contains_key("value") =>
        {
            let ty = Type::from_json(entries["type"].to_string().as_bytes()).map_err(|error| error.to_string())?;
            of_json(&entries["value"], &ty)
        }
        Json::Array(items) => Ok(Value::tuple(items.iter().map(of_any).collect::<Result<_, _>>()?)),
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, item)| Ok::<_, String>((key.clone(), of_any(item)?)));
            Ok(Value::object(entries.collect::<Result<_, _>>()?))
        }
    }
}
