use std::collections::BTreeMap;
use std::sync::Arc;

use super::unify::unify;
use super::{Safety, convert, mismatch_message};
use crate::error::{Error, ErrorKind, Result};
use crate::number::Number;
use crate::path::PathStep;
use crate::refine::Refinements;
use crate::types::{ObjectType, Type};
use crate::value::Value;

/// Converts values of one type to another.
pub(super) struct Conversion {
    want: Type,
    kind: Kind,
}

/// Is a conversion of elements, or nothing where they have the wanted type already.
type ElementConversion = Option<Conversion>;

enum Kind {
    /// The wanted type admits everything.
    PassThrough,
    /// The given type is not known: what the value turns out to be decides.
    Late,
    Primitive,
    Object {
        attributes: BTreeMap<Arc<str>, ElementConversion>,
        missing: Vec<(Arc<str>, Type)>,
    },
    Tuple(Vec<ElementConversion>),
    /// A list, set or map to a list, set or map.
    Collection {
        element: Type,
        conversion: Option<Box<Conversion>>,
    },
    /// A tuple to a list or set, in the order of its elements, or an object to a map, in the order of its names.
    Structure {
        element: Type,
        conversions: Vec<ElementConversion>,
        safety: Safety,
    },
    MapToObject {
        object: Arc<ObjectType>,
        attributes: BTreeMap<Arc<str>, MapAttribute>,
    },
}

/// Says how an element of a map becomes an attribute.
enum MapAttribute {
    AsIs,
    Converted(Conversion),
    /// No element has the wanted type: the attribute is optional, and must be missing.
    Impossible,
}

/// Plans the conversion of values of type `given` to type `want`; nothing where there is none.
///
/// The types must differ: from a type to itself there is no conversion.
pub(super) fn plan(given: &Type, want: &Type, safety: Safety) -> Option<Conversion> {
    let kind = match (given, want) {
        (_, Type::Dynamic) => Kind::PassThrough,
        (Type::Dynamic, _) if safety == Safety::Unsafe => Kind::Late,
        (Type::Number | Type::Bool, Type::String) => Kind::Primitive,
        (Type::String, Type::Number | Type::Bool) if safety == Safety::Unsafe => Kind::Primitive,
        (Type::Object(given), Type::Object(want)) => plan_object(given, want, safety)?,
        (Type::Tuple(given), Type::Tuple(want)) => {
            if given.len() != want.len() {
                return None;
            }
            Kind::Tuple(given.iter().zip(want.iter()).map(|(g, w)| plan_element(g, w, safety)).collect::<Option<_>>()?)
        }
        (Type::List(_), Type::Set(_)) if safety == Safety::Safe => return None,
        (Type::List(given) | Type::Set(given), Type::List(want) | Type::Set(want)) => {
            let conversion = plan_element(given, want, safety)?.map(Box::new);
            Kind::Collection { element: Type::clone(want), conversion }
        }
        (Type::Map(given), Type::Map(want)) => {
            Kind::Collection { element: Type::clone(want), conversion: Some(Box::new(plan(given, want, safety)?)) }
        }
        (Type::Tuple(given), Type::List(element) | Type::Set(element)) => {
            plan_structure(given, element, Strictness::AllOrNoneDynamic, safety)?
        }
        (Type::Object(given), Type::Map(element)) => {
            let types: Vec<Type> = given.attributes().map(|(_, ty)| ty.clone()).collect();
            plan_structure(&types, element, Strictness::AnyDynamic, safety)?
        }
        (Type::Map(element), Type::Object(want)) if safety == Safety::Unsafe => plan_map_to_object(element, want)?,
        _ => return None,
    };
    Some(Conversion { want: want.clone(), kind })
}

fn plan_element(given: &Type, want: &Type, safety: Safety) -> Option<ElementConversion> {
    if given == want { Some(None) } else { plan(given, want, safety).map(Some) }
}

fn plan_object(given: &ObjectType, want: &ObjectType, safety: Safety) -> Option<Kind> {
    let mut attributes = BTreeMap::new();
    let mut missing = Vec::new();
    for (position, (name, wanted)) in want.attributes().enumerate() {
        let shared_name = Arc::clone(want.shared_name_at(position));
        match given.get(name) {
            Some(given) => {
                attributes.insert(shared_name, plan_element(given, wanted, safety)?);
            }
            None if want.is_optional(name) => missing.push((shared_name, wanted.clone())),
            None => return None,
        }
    }
    Some(Kind::Object { attributes, missing })
}

/// Says whether elements of unknown type may stand beside others when a common type is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    AllOrNoneDynamic,
    AnyDynamic,
}

fn plan_structure(given: &[Type], element: &Type, strictness: Strictness, safety: Safety) -> Option<Kind> {
    let mut element = element.clone();
    if element == Type::Dynamic && !given.is_empty() {
        element = unify(given, safety)?;
        let mixed = element == Type::Dynamic && given.iter().any(|ty| *ty != Type::Dynamic);
        if mixed && strictness == Strictness::AllOrNoneDynamic {
            return None;
        }
    }
    let conversions = given.iter().map(|ty| plan_element(ty, &element, safety)).collect::<Option<_>>()?;
    Some(Kind::Structure { element, conversions, safety })
}

fn plan_map_to_object(element: &Type, want: &Arc<ObjectType>) -> Option<Kind> {
    let mut attributes = BTreeMap::new();
    for (position, (name, wanted)) in want.attributes().enumerate() {
        let attribute = match plan_element(element, wanted, Safety::Unsafe) {
            Some(None) => MapAttribute::AsIs,
            Some(Some(conversion)) => MapAttribute::Converted(conversion),
            None if want.is_optional(name) => MapAttribute::Impossible,
            None => return None,
        };
        attributes.insert(Arc::clone(want.shared_name_at(position)), attribute);
    }
    Some(Kind::MapToObject { object: Arc::clone(want), attributes })
}

fn type_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Type, message)
}

impl Conversion {
    /// Converts one value of the type this was planned for.
    pub(super) fn apply(&self, value: &Value) -> Result<Value> {
        if self.want == Type::Dynamic {
            return Ok(value.clone());
        }
        let (bare, marks) = value.unmark();
        let converted = if !bare.is_known() {
            convert_unknown(&bare, settled(bare.ty(), &self.want.without_optional()))?
        } else if bare.is_null() {
            Value::null(settled(bare.ty(), &self.want.without_optional()))
        } else {
            self.apply_known(&bare)?
        };
        Ok(converted.with_marks(marks))
    }

    fn apply_known(&self, value: &Value) -> Result<Value> {
        match &self.kind {
            Kind::PassThrough => Ok(value.clone()),
            Kind::Late => convert(value, &self.want),
            Kind::Primitive => convert_primitive(value, &self.want),
            Kind::Object { attributes, missing } => {
                let mut converted = BTreeMap::new();
                for (name, attribute) in value.entries() {
                    if let Some((name, conversion)) = attributes.get_key_value(name) {
                        let attribute = apply_element(conversion, attribute)
                            .map_err(|error| error.under(PathStep::GetAttr(name.to_string())))?;
                        converted.insert(Arc::clone(name), null_anew(attribute));
                    }
                }
                for (name, ty) in missing {
                    converted.insert(Arc::clone(name), Value::null(ty.clone()));
                }
                Ok(Value::object_of(converted.into_iter()))
            }
            Kind::Tuple(conversions) => Ok(Value::tuple(apply_each(conversions.iter(), value)?)),
            Kind::Collection { element, conversion } => self.convert_collection(value, element, conversion.as_deref()),
            Kind::Structure { element, conversions, safety } => {
                self.convert_structure(value, element, conversions, *safety)
            }
            Kind::MapToObject { object, attributes } => convert_map_to_object(value, object, attributes),
        }
    }

    fn convert_collection(&self, value: &Value, element: &Type, conversion: Option<&Conversion>) -> Result<Value> {
        if matches!(self.want, Type::List(_)) && value.exact_length().is_none() {
            // A set of which two elements may turn out the same: nobody knows how long the list will be.
            let given = value.ty().element_type().cloned().unwrap_or(Type::Dynamic);
            return Ok(Value::unknown(Type::list(given)));
        }
        let element = match (element, value.ty().element_type()) {
            (Type::Dynamic, Some(given)) => given.clone(),
            _ => element.without_optional(),
        };
        let mut elements = Vec::with_capacity(value.len());
        for (step, given) in value.steps() {
            let converted = conversion.map_or_else(|| Ok(given.clone()), |conversion| conversion.apply(given));
            elements.push(converted.map_err(|error| error.under(step))?);
        }
        if elements.is_empty() {
            return self.collect(value, element, elements);
        }
        if !matches!(self.want, Type::Map(_)) {
            elements = elements.into_iter().map(null_anew).collect();
        }
        if matches!(self.want, Type::Map(_)) && may_vary(&element) {
            elements = unify_elements(elements, Safety::Safe)?;
        }
        self.collect(value, Type::Dynamic, elements)
    }

    fn convert_structure(
        &self,
        value: &Value,
        element: &Type,
        conversions: &[ElementConversion],
        safety: Safety,
    ) -> Result<Value> {
        let mut elements = apply_each(conversions.iter(), value)?;
        if elements.is_empty() {
            return self.collect(value, element.without_optional(), elements);
        }
        if matches!(self.want, Type::Set(_)) {
            elements = elements.into_iter().map(null_anew).collect();
        }
        let unifies = match self.want {
            Type::List(_) => true,
            Type::Map(_) => may_vary(element),
            _ => false,
        };
        if unifies {
            elements = unify_elements(elements, safety)?;
        }
        self.collect(value, Type::Dynamic, elements)
    }

    /// Makes the wanted collection of converted elements, with the keys of the value they come from.
    fn collect(&self, value: &Value, element: Type, elements: Vec<Value>) -> Result<Value> {
        let mismatch = |kind| move |_| type_error(format!("element types must all match for conversion to {kind}"));
        match &self.want {
            Type::Set(_) => Value::set(element, elements).map_err(mismatch("set")),
            Type::Map(_) => {
                let names = value.entries().map(|(name, _)| Arc::from(name));
                Value::map_of(element, names.zip(elements)).map_err(mismatch("map"))
            }
            _ => Value::list(element, elements).map_err(mismatch("list")),
        }
    }
}

/// Makes a null anew, without its marks, as go-cty does where it converts what is around it.
fn null_anew(value: Value) -> Value {
    if value.is_null() { Value::null(value.ty().clone()) } else { value }
}

/// Tells whether converted elements may differ in type, because the wanted type leaves something inside them open.
fn may_vary(element: &Type) -> bool {
    element.is_collection() || element.as_object().is_some()
}

fn apply_element(conversion: &ElementConversion, value: &Value) -> Result<Value> {
    conversion.as_ref().map_or_else(|| Ok(value.clone()), |conversion| conversion.apply(value))
}

fn apply_each<'a>(conversions: impl Iterator<Item = &'a ElementConversion>, value: &Value) -> Result<Vec<Value>> {
    value
        .steps()
        .zip(conversions)
        .map(|((step, element), conversion)| apply_element(conversion, element).map_err(|error| error.under(step)))
        .collect()
}

/// Gives elements the one type they have in common.
fn unify_elements(elements: Vec<Value>, safety: Safety) -> Result<Vec<Value>> {
    let no_common_type = || type_error("cannot find a common base type for all elements");
    let types: Vec<Type> = elements.iter().map(|element| element.ty().clone()).collect();
    let unified = unify(&types, safety).ok_or_else(no_common_type)?;
    elements
        .into_iter()
        .map(|element| match plan_element(element.ty(), &unified, safety) {
            Some(conversion) => apply_element(&conversion, &element),
            None => Err(no_common_type()),
        })
        .collect()
}

fn convert_map_to_object(
    value: &Value,
    object: &ObjectType,
    attributes: &BTreeMap<Arc<str>, MapAttribute>,
) -> Result<Value> {
    let mut converted: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for (name, element) in value.entries() {
        let Some((shared_name, attribute)) = attributes.get_key_value(name) else { continue };
        let element = match attribute {
            MapAttribute::AsIs => element.clone(),
            MapAttribute::Converted(conversion) => {
                conversion.apply(element).map_err(|error| error.under(PathStep::Index(Value::string(name))))?
            }
            MapAttribute::Impossible => {
                let reason = object.get(name).map(|want| mismatch_message(element.ty(), want)).unwrap_or_default();
                let message = format!("map element type is incompatible with attribute {name:?}: {reason}");
                return Err(type_error(message));
            }
        };
        converted.insert(Arc::clone(shared_name), element);
    }
    for (position, (name, ty)) in object.attributes().enumerate() {
        if converted.contains_key(name) {
            continue;
        }
        if !object.is_optional(name) {
            return Err(type_error(format!("map has no element for required attribute {name:?}")));
        }
        converted.insert(Arc::clone(object.shared_name_at(position)), Value::null(ty.clone()));
    }
    Ok(Value::object_of(converted.into_iter()))
}

fn convert_primitive(value: &Value, want: &Type) -> Result<Value> {
    if let Some(number) = value.as_number() {
        return Ok(Value::string(number.to_string()));
    }
    if let Some(value) = value.as_bool() {
        return Ok(Value::string(if value { "true" } else { "false" }));
    }
    let text = value.as_str().unwrap_or_default();
    match (want, text) {
        (Type::Number, _) => Number::parse(text).map(Value::number).map_err(|error| match error.kind() {
            ErrorKind::Limit => error,
            _ => type_error("a number is required"),
        }),
        (_, "true" | "1") => Ok(Value::bool(true)),
        (_, "false" | "0") => Ok(Value::bool(false)),
        _ => Err(type_error(match text.to_lowercase().as_str() {
            lower @ ("true" | "false") => {
                format!("a bool is required; to convert from string, use lowercase \"{lower}\"")
            }
            _ => "a bool is required".to_owned(),
        })),
    }
}

/// Returns the unknown result of converting an unknown value, with what carries over of what is known about it.
fn convert_unknown(value: &Value, want: Type) -> Result<Value> {
    let mut refinements = Refinements::new();
    if value.is_definitely_not_null() {
        refinements = refinements.not_null();
    }
    let known = value.range();
    refinements = match (value.ty(), &want) {
        (Type::Object(object), Type::Map(_)) => exactly(refinements, object.len() as u64),
        (Type::Tuple(elements), Type::List(_)) => exactly(refinements, elements.len() as u64),
        (Type::Tuple(elements), Type::Set(_)) => {
            // Elements may turn out the same, but not all can vanish.
            refinements.length_min(elements.len().min(1) as u64).length_max(elements.len() as u64)
        }
        (given, want) if given.is_collection() && want.is_collection() => {
            let min_length = if want.is_set() { known.min_length.min(1) } else { known.min_length };
            Refinements { max_length: known.max_length, ..refinements.length_min(min_length) }
        }
        _ => refinements,
    };
    Value::unknown(want).refine(&refinements)
}

fn exactly(refinements: Refinements, length: u64) -> Refinements {
    refinements.length_min(length).length_max(length)
}

/// Returns the wanted type with what it leaves open taken from the given one.
fn settled(given: &Type, want: &Type) -> Type {
    if *given == Type::Dynamic {
        return want.clone();
    }
    match (given, want) {
        (_, Type::Dynamic) => given.clone(),
        (_, Type::String | Type::Number | Type::Bool) => want.clone(),
        (Type::Map(given), Type::Map(want)) => Type::map(settled(given, want)),
        (Type::List(given) | Type::Set(given), Type::Set(want)) => Type::set(settled(given, want)),
        (Type::List(given) | Type::Set(given), Type::List(want)) => Type::list(settled(given, want)),
        (Type::Object(given), Type::Map(want)) => {
            Type::map(settled_by_all(&given.attributes().map(|(_, ty)| ty.clone()).collect::<Vec<_>>(), want))
        }
        (Type::Tuple(given), Type::Set(want)) => Type::set(settled_by_all(given, want)),
        (Type::Tuple(given), Type::List(want)) => Type::list(settled_by_all(given, want)),
        (Type::Map(given), Type::Object(want)) => {
            Type::object(want.attributes().map(|(name, want)| (name, settled(given, want))))
        }
        (Type::Object(given), Type::Object(want)) => Type::object(want.attributes().map(|(name, want)| {
            let ty = given.get(name).map_or_else(|| want.clone(), |given| settled(given, want));
            (name, ty)
        })),
        // Only an optional attribute that a map cannot fill gets here; go-cty loses the attributes' attributes.
        (_, Type::Object(_)) => Type::object(std::iter::empty::<(&str, Type)>()),
        (Type::Tuple(given), Type::Tuple(want)) if given.len() == want.len() => {
            Type::tuple(given.iter().zip(want.iter()).map(|(given, want)| settled(given, want)))
        }
        (_, want) => want.clone(),
    }
}

fn settled_by_all(given: &[Type], want: &Type) -> Type {
    unify(given, Safety::Unsafe).map_or_else(|| want.clone(), |unified| settled(&unified, want))
}
