//! Values of Terraform as JSON, to compare them with what a state or an example holds.

use serde_json::Value;

pub(crate) fn json_of(value: &cty::Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    if let Some(text) = value.as_str() {
        return Value::String(text.to_owned());
    }
    if let Some(flag) = value.as_bool() {
        return Value::Bool(flag);
    }
    if let Some(number) = value.as_number() {
        return serde_json::from_str(&number.to_string()).unwrap_or(Value::Null);
    }
    match value.ty() {
        cty::Type::Map(_) | cty::Type::Object(_) => {
            Value::Object(value.entries().map(|(name, entry)| (name.to_owned(), json_of(entry))).collect())
        }
        _ => Value::Array(value.elements().map(json_of).collect()),
    }
}
