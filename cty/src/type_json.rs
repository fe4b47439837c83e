//! The JSON notation of types: `"string"`, `["list", T]`, `["object", {…}, ["optional", …]]`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::error::{Error, ErrorKind, Result};
use crate::strings::{normalize, write_json_string};
use crate::types::Type;

impl Type {
    /// Returns the type in go-cty's JSON notation, in which providers declare their schemas.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    pub(crate) fn write_json(&self, out: &mut String) {
        let collection = |out: &mut String, kind: &str, element: &Type| {
            out.push_str(kind);
            element.write_json(out);
            out.push(']');
        };
        match self {
            Type::String => out.push_str("\"string\""),
            Type::Number => out.push_str("\"number\""),
            Type::Bool => out.push_str("\"bool\""),
            Type::Dynamic => out.push_str("\"dynamic\""),
            Type::List(element) => collection(out, "[\"list\",", element),
            Type::Set(element) => collection(out, "[\"set\",", element),
            Type::Map(element) => collection(out, "[\"map\",", element),
            Type::Tuple(elements) => {
                out.push_str("[\"tuple\",[");
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write_json(out);
                }
                out.push_str("]]");
            }
            Type::Object(object) => {
                out.push_str("[\"object\",{");
                for (index, (name, ty)) in object.attributes().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_json_string(name, out);
                    out.push(':');
                    ty.write_json(out);
                }
                out.push('}');
                let mut separator = ",[";
                for (name, _) in object.attributes().filter(|(name, _)| object.is_optional(name)) {
                    out.push_str(separator);
                    write_json_string(name, out);
                    separator = ",";
                }
                out.push_str(if separator == "," { "]]" } else { "]" });
            }
        }
    }

    /// Reads a type in go-cty's JSON notation.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] for anything that is not one well-formed type.
    ///
    /// ```
    /// use cty::Type;
    /// assert_eq!(Type::from_json(r#"["set","number"]"#)?, Type::set(Type::Number));
    /// # Ok::<(), cty::Error>(())
    /// ```
    pub fn from_json(json: impl AsRef<[u8]>) -> Result<Type> {
        let json: Json = serde_json::from_slice(json.as_ref())
            .map_err(|error| syntax(format!("type description is not valid JSON: {error}")))?;
        Type::from_json_value(&json)
    }

    /// Reads a type from JSON that has been parsed already.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] for anything that is not one well-formed type.
    pub fn from_json_value(json: &Json) -> Result<Type> {
        let items = match json {
            Json::String(name) => {
                return match name.as_str() {
                    "string" => Ok(Type::String),
                    "number" => Ok(Type::Number),
                    "bool" => Ok(Type::Bool),
                    "dynamic" => Ok(Type::Dynamic),
                    _ => Err(syntax(format!("invalid primitive type name {name:?}"))),
                };
            }
            Json::Array(items) => items.as_slice(),
            _ => return Err(syntax("a type is a name or an array")),
        };
        match items {
            [Json::String(kind), element] if kind == "list" => Ok(Type::list(Type::from_json_value(element)?)),
            [Json::String(kind), element] if kind == "set" => Ok(Type::set(Type::from_json_value(element)?)),
            [Json::String(kind), element] if kind == "map" => Ok(Type::map(Type::from_json_value(element)?)),
            [Json::String(kind), Json::Array(elements)] if kind == "tuple" => {
                Ok(Type::tuple(elements.iter().map(Type::from_json_value).collect::<Result<Vec<Type>>>()?))
            }
            // What Go makes of no elements at all.
            [Json::String(kind), Json::Null] if kind == "tuple" => Ok(Type::tuple([])),
            [Json::String(kind), Json::Object(attributes)] if kind == "object" => object_type(attributes, &[]),
            [Json::String(kind), Json::Object(attributes), Json::Array(optional)] if kind == "object" => {
                object_type(attributes, optional)
            }
            [Json::String(kind), ..] if ["list", "set", "map", "tuple", "object"].contains(&kind.as_str()) => {
                Err(syntax(format!("wrong arguments for a type of kind {kind:?}")))
            }
            [Json::String(kind), ..] => Err(syntax(format!("invalid complex type kind name {kind:?}"))),
            _ => Err(syntax("invalid complex type description")),
        }
    }
}

fn object_type(attributes: &serde_json::Map<String, Json>, optional: &[Json]) -> Result<Type> {
    let mut types: BTreeMap<String, Type> = BTreeMap::new();
    for (name, json) in attributes {
        let name = normalize(name).into_owned();
        if types.contains_key(&name) {
            return Err(syntax(format!("more than one attribute is named {name:?} once normalized")));
        }
        types.insert(name, Type::from_json_value(json)?);
    }
    let mut optional_names = Vec::with_capacity(optional.len());
    for json in optional {
        let name = json.as_str().ok_or_else(|| syntax("names of optional attributes are strings"))?;
        let name = normalize(name).into_owned();
        if !types.contains_key(&name) {
            return Err(syntax(format!("optional attribute {name:?} is not declared")));
        }
        optional_names.push(name);
    }
    Ok(Type::object_with_optional(types, optional_names))
}

fn syntax(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Syntax, message)
}
