//! Values of a plan: plain JSON, and beside it masks that say what is unknown and what must not be shown.

use std::collections::BTreeMap;
use std::fmt;

use cty::{Mark, Marks, Path, Type, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::format::members::{Flaw, syntax};

/// Says what of a value something holds of, in the shape of the value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mask {
    /// Of nothing.
    Nothing,
    /// Of the whole value.
    All,
    /// Of parts of an object or map.
    Members(BTreeMap<String, Mask>),
    /// Of parts of a list, set or tuple.
    Elements(Vec<Mask>),
}

impl Mask {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Flaw> {
        serde_json::from_slice(json).map_err(|error| syntax(&error))
    }

    pub(super) fn is_all(&self) -> bool {
        *self == Self::All
    }

    fn is_any(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Members(members) => members.values().any(Self::is_any),
            Self::Elements(elements) => elements.iter().any(Self::is_any),
        }
    }
}

impl<'de> Deserialize<'de> for Mask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MaskVisitor;

        impl<'de> Visitor<'de> for MaskVisitor {
            type Value = Mask;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or an object or array of such")
            }

            fn visit_bool<E>(self, is_set: bool) -> Result<Mask, E> {
                Ok(if is_set { Mask::All } else { Mask::Nothing })
            }

            fn visit_unit<E>(self) -> Result<Mask, E> {
                Ok(Mask::Nothing)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Mask, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, mask)) = access.next_entry::<String, Mask>()? {
                    members.insert(cty::normalize(&name).into_owned(), mask);
                }
                Ok(Mask::Members(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Mask, A::Error> {
                let mut elements = Vec::new();
                while let Some(mask) = access.next_element()? {
                    elements.push(mask);
                }
                Ok(Mask::Elements(elements))
            }
        }

        deserializer.deserialize_any(MaskVisitor)
    }
}

/// Decodes a value, puts unknowns in, gives it a type and marks it.
///
/// Without a mask of what is sensitive, everything is.
pub(super) fn decode(
    json: &[u8],
    unknown: Option<&Mask>,
    sensitive: Option<&Mask>,
    ty: Option<&Type>,
) -> Result<Value, Flaw> {
    let plain = cty::json::decode_implied(json).map_err(|error| Flaw(error.to_string()))?;
    let value = with_unknowns(plain, unknown.unwrap_or(&Mask::Nothing));
    let value = match ty {
        Some(ty) => conform(&value, ty)?,
        None => value,
    };
    let mut paths = Vec::new();
    find_marked(&value, sensitive.unwrap_or(&Mask::All), &mut Path::new(), &mut paths);
    Ok(value.mark_with_paths(&paths))
}

/// Puts unknowns in. An unknown attribute is left out of the object, an unknown element is null.
fn with_unknowns(value: Value, mask: &Mask) -> Value {
    match mask {
        Mask::All => Value::dynamic(),
        Mask::Members(members) if mask.is_any() => {
            let mut entries: BTreeMap<String, Value> =
                value.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            for (name, mask) in members.iter().filter(|(_, mask)| mask.is_any()) {
                let value = entries.remove(name).unwrap_or_else(|| Value::null(Type::Dynamic));
                entries.insert(name.clone(), with_unknowns(value, mask));
            }
            Value::object(entries)
        }
        Mask::Elements(masks) if mask.is_any() => {
            let mut elements: Vec<Value> = value.elements().cloned().collect();
            elements.resize(elements.len().max(masks.len()), Value::null(Type::Dynamic));
            let masked = elements.into_iter().enumerate();
            Value::tuple(
                masked.map(|(at, element)| with_unknowns(element, masks.get(at).unwrap_or(&Mask::Nothing))).collect(),
            )
        }
        Mask::Nothing | Mask::Members(_) | Mask::Elements(_) => value,
    }
}

/// Gives a value without types the type of a schema. What the type has and the value lacks is null.
pub(super) fn conform(value: &Value, ty: &Type) -> Result<Value, Flaw> {
    let wrong =
        || Flaw(format!("a value is {}, where the schema has {}", value.ty().friendly_name(), ty.friendly_name()));
    if matches!(ty, Type::Dynamic) {
        return Ok(value.clone());
    }
    if !value.is_known() {
        return Ok(Value::unknown(ty.clone()));
    }
    if value.is_null() {
        return Ok(Value::null(ty.clone()));
    }
    let is_object = value.ty().as_object().is_some();
    let is_tuple = matches!(value.ty(), Type::Tuple(_));
    let made = match ty {
        Type::Dynamic => return Ok(value.clone()),
        Type::String | Type::Number | Type::Bool => cty::convert::convert(value, ty),
        Type::List(element) | Type::Set(element) | Type::Map(element) if element.has_dynamic() => {
            cty::convert::convert(value, ty)
        }
        Type::List(element) if is_tuple => Value::list(Type::clone(element), conform_each(value, element)?),
        Type::Set(element) if is_tuple => Value::set(Type::clone(element), conform_each(value, element)?),
        Type::Map(element) if is_object => {
            let entries = value.entries().map(|(key, value)| Ok((key.to_owned(), conform(value, element)?)));
            Value::map(Type::clone(element), entries.collect::<Result<_, Flaw>>()?)
        }
        Type::Tuple(types) if is_tuple && value.len() == types.len() => {
            let elements = value.elements().zip(types.iter()).map(|(element, ty)| conform(element, ty));
            Ok(Value::tuple(elements.collect::<Result<_, Flaw>>()?))
        }
        Type::Object(object) if is_object => {
            if let Some((name, _)) = value.entries().find(|(name, _)| object.get(name).is_none()) {
                return Err(Flaw(format!("the schema has no attribute {name:?}")));
            }
            let mut given: BTreeMap<&str, &Value> = value.entries().collect();
            let attribute = |(name, ty): (&str, &Type)| {
                let value = match given.remove(name) {
                    Some(value) => conform(value, ty).map_err(|flaw| Flaw(format!("{name}: {flaw}")))?,
                    None => Value::null(ty.clone()),
                };
                Ok((name.to_owned(), value))
            };
            Ok(Value::object(object.attributes().map(attribute).collect::<Result<_, Flaw>>()?))
        }
        _ => return Err(wrong()),
    };
    // The message of a conversion may quote the value.
    made.map_err(|_| wrong())
}

fn conform_each(value: &Value, ty: &Type) -> Result<Vec<Value>, Flaw> {
    value.elements().map(|element| conform(element, ty)).collect()
}

/// Finds the paths of what must not be shown. Elements of a set have no path: then the set is marked as a whole.
fn find_marked(value: &Value, mask: &Mask, path: &mut Path, found: &mut Vec<(Path, Marks)>) {
    if !mask.is_any() {
        return;
    }
    let is_leaf = mask.is_all() || !value.is_known() || value.is_null() || matches!(value.ty(), Type::Set(_));
    let mut descend = |step: cty::PathStep, value: &Value, mask: &Mask, found: &mut Vec<(Path, Marks)>| {
        path.push(step);
        find_marked(value, mask, path, found);
        path.pop();
    };
    match mask {
        Mask::Members(masks) if !is_leaf => {
            let is_map = matches!(value.ty(), Type::Map(_));
            for (name, value) in value.entries() {
                let Some(mask) = masks.get(name) else { continue };
                let step =
                    if is_map { cty::PathStep::Index(name.into()) } else { cty::PathStep::GetAttr(name.to_owned()) };
                descend(step, value, mask, found);
            }
        }
        Mask::Elements(masks) if !is_leaf => {
            for (at, (value, mask)) in value.elements().zip(masks).enumerate() {
                descend(cty::PathStep::Index(Value::number(at as u64)), value, mask, found);
            }
        }
        _ => found.push((path.clone(), Marks::from([Mark::Sensitive]))),
    }
}
