//! Type constraints: `list(object({ a = string, b = optional(number, 1) }))`.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::convert::{convert, unify_unsafe};
use cty::{Refinements, Type, Value};
use model::Diagnostic;

use super::NoScope;
use super::run::Evaluation;
use crate::expression::{self, Node, NodeKind};
use crate::syntax::{Expression, File};

/// A type constraint, with the values that attributes left out take.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeConstraint {
    /// The type, with its optional attributes.
    pub ty: Type,
    defaults: Defaults,
    /// Whether a value that comes as plain text is an expression; otherwise the text itself is the value.
    pub(crate) is_expression: bool,
}

/// Values for attributes that are left out, by where they are.
#[derive(Clone, Debug, Default, PartialEq)]
struct Defaults {
    /// Those of this object's attributes.
    values: BTreeMap<String, Value>,
    inside: Inside,
}

/// Values for attributes that are left out in what is inside of something.
#[derive(Clone, Debug, PartialEq)]
enum Inside {
    /// Of each element of a collection, and of whatever is no such structure as the type wants.
    Elements(Option<Box<Defaults>>),
    /// Of attributes.
    Object(BTreeMap<String, Defaults>),
    /// Of positions.
    Tuple(BTreeMap<usize, Defaults>),
}

impl Default for Inside {
    fn default() -> Self {
        Self::Elements(None)
    }
}

impl Inside {
    fn is_empty(&self) -> bool {
        match self {
            Self::Elements(defaults) => defaults.is_none(),
            Self::Object(attributes) => attributes.is_empty(),
            Self::Tuple(positions) => positions.is_empty(),
        }
    }

    fn fill_attribute(&self, name: &str, element: &Value) -> Value {
        match self {
            Self::Elements(defaults) => fill(defaults.as_deref(), element),
            Self::Object(attributes) => fill(attributes.get(name), element),
            Self::Tuple(_) => element.clone(),
        }
    }

    fn fill_position(&self, position: usize, element: &Value) -> Value {
        match self {
            Self::Elements(defaults) => fill(defaults.as_deref(), element),
            Self::Tuple(positions) => fill(positions.get(&position), element),
            Self::Object(_) => element.clone(),
        }
    }
}

fn fill(defaults: Option<&Defaults>, value: &Value) -> Value {
    defaults.map_or_else(|| value.clone(), |defaults| defaults.fill(value))
}

impl TypeConstraint {
    /// Gives the constraint of a variable that says nothing.
    pub fn any() -> Self {
        Self { ty: Type::Dynamic, defaults: Defaults::default(), is_expression: false }
    }

    /// Reads the `type` argument of a variable.
    ///
    /// # Errors
    /// One problem, with its place, where it is no type.
    pub fn parse(file: &File, expression: &Expression) -> Result<Self, Box<Diagnostic>> {
        let node = match expression.json() {
            None => expression::parse(file, expression)?,
            Some(value) => Arc::new(expression::parse_reference(file, value)?),
        };
        let mut defaults = Defaults::default();
        let legacy = match &node.kind {
            // Before version 0.12 types were written in quotes.
            NodeKind::Literal(text) => text.as_str(),
            NodeKind::Name(name) => Some(name.as_str()),
            _ => None,
        };
        let ty = match legacy {
            Some("list") => Type::list(Type::Dynamic),
            Some("map") => Type::map(Type::Dynamic),
            Some("string") => Type::String,
            _ => constraint(file, &node, &mut defaults)?,
        };
        let is_expression = !ty.is_primitive();
        Ok(Self { ty, defaults, is_expression })
    }

    /// Converts a value to the type, after its attributes that were left out are filled in.
    ///
    /// # Errors
    /// As [`cty::convert::convert`].
    pub fn apply(&self, value: &Value) -> cty::Result<Value> {
        convert(&self.defaults.fill(value), &self.ty)
    }
}

impl Defaults {
    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.inside.is_empty()
    }

    fn fill(&self, value: &Value) -> Value {
        if self.is_empty() || value.is_null() || !value.is_known() {
            return value.clone();
        }
        let filled = match value.ty() {
            Type::List(element) | Type::Set(element) if value.is_empty() => {
                let empty = if value.ty().is_set() { Value::set } else { Value::list };
                empty(Type::clone(element), Vec::new()).unwrap_or_else(|_| value.clone())
            }
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => {
                let elements = value.elements().enumerate();
                let elements: Vec<Value> =
                    elements.map(|(position, element)| self.inside.fill_position(position, element)).collect();
                let collected = match value.ty() {
                    Type::Tuple(_) => None,
                    ty => of_one_type(&elements).and_then(|elements| {
                        if ty.is_set() {
                            Value::set(Type::Dynamic, elements)
                        } else {
                            Value::list(Type::Dynamic, elements)
                        }
                        .ok()
                    }),
                };
                collected.unwrap_or_else(|| Value::tuple(elements))
            }
            Type::Map(_) | Type::Object(_) => {
                let entries = value.entries();
                let mut attributes: BTreeMap<String, Value> = entries
                    .map(|(name, element)| (name.to_owned(), self.inside.fill_attribute(name, element)))
                    .collect();
                for (name, default) in &self.values {
                    let chosen = match attributes.get(name) {
                        Some(given) if !given.is_null() => {
                            if default.is_null() || *given.ty() == Type::Dynamic {
                                continue;
                            }
                            given.refine(&Refinements::new().not_null()).unwrap_or_else(|_| given.clone())
                        }
                        _ => self.inside.fill_attribute(name, default),
                    };
                    attributes.insert(name.clone(), chosen);
                }
                let names: Vec<String> = attributes.keys().cloned().collect();
                let collected = match value.ty() {
                    Type::Map(element) if attributes.is_empty() => {
                        Value::map(Type::clone(element), BTreeMap::new()).ok()
                    }
                    Type::Map(_) => {
                        let elements: Vec<Value> = attributes.values().cloned().collect();
                        of_one_type(&elements).and_then(|elements| {
                            Value::map(Type::Dynamic, names.into_iter().zip(elements).collect()).ok()
                        })
                    }
                    _ => None,
                };
                collected.unwrap_or_else(|| Value::object(attributes))
            }
            _ => return value.clone(),
        };
        filled.with_marks(value.marks().iter().cloned())
    }
}

/// Converts values to the type that all of them can have; `None` where there is none.
fn of_one_type(values: &[Value]) -> Option<Vec<Value>> {
    let types: Vec<Type> = values.iter().map(|value| value.ty().clone()).collect();
    let ty = unify_unsafe(&types)?;
    values.iter().map(|value| convert(value, &ty).ok()).collect()
}

fn constraint(file: &File, node: &Node, defaults: &mut Defaults) -> Result<Type, Box<Diagnostic>> {
    let fail = |detail: &str| {
        let problem = Diagnostic::error("invalid-type", "Invalid type", detail);
        Err(Box::new(problem.at_span(file.span(&node.range))))
    };
    match &node.kind {
        NodeKind::Name(name) => match name.as_str() {
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            "any" => Ok(Type::Dynamic),
            _ => fail("A type is string, number, bool, any, list(…), set(…), map(…), object({…}) or tuple([…])."),
        },
        NodeKind::Call { name, arguments, .. } => match (name.as_str(), arguments.as_slice()) {
            (collection @ ("list" | "set" | "map"), [element]) => {
                let mut inner = Defaults::default();
                let element = constraint(file, element, &mut inner)?;
                defaults.inside = Inside::Elements((!inner.is_empty()).then(|| Box::new(inner)));
                Ok(match collection {
                    "list" => Type::list(element),
                    "set" => Type::set(element),
                    _ => Type::map(element),
                })
            }
            ("tuple", [Node { kind: NodeKind::Tuple(elements), .. }]) => {
                let mut types = Vec::new();
                let mut positions = BTreeMap::new();
                for (position, element) in elements.iter().enumerate() {
                    let mut inner = Defaults::default();
                    types.push(constraint(file, element, &mut inner)?);
                    if !inner.is_empty() {
                        positions.insert(position, inner);
                    }
                }
                defaults.inside = Inside::Tuple(positions);
                Ok(Type::tuple(types))
            }
            ("object", [Node { kind: NodeKind::Object(items), .. }]) => object(file, items, defaults),
            _ => fail("A type is string, number, bool, any, list(…), set(…), map(…), object({…}) or tuple([…])."),
        },
        _ => fail("A type must stand here: a name such as string, or a call such as list(string)."),
    }
}

fn object(file: &File, items: &[(Node, Node)], defaults: &mut Defaults) -> Result<Type, Box<Diagnostic>> {
    let mut types = Vec::new();
    let mut optional = Vec::new();
    let mut attributes = BTreeMap::new();
    for (key, value) in items {
        let name = match &key.kind {
            NodeKind::Name(name) => name.as_str(),
            // Words that are values elsewhere are names here.
            NodeKind::Literal(word) if word.as_bool() == Some(true) => "true",
            NodeKind::Literal(word) if word.as_bool() == Some(false) => "false",
            NodeKind::Literal(word) if word.is_null() => "null",
            _ => {
                let detail = "The name of an attribute stands without quotes and parentheses.";
                let problem = Diagnostic::error("invalid-type", "Invalid type", detail);
                return Err(Box::new(problem.at_span(file.span(&key.range))));
            }
        };
        let mut inner = Defaults::default();
        let ty = match &value.kind {
            NodeKind::Call { name: function, arguments, .. } if function == "optional" => {
                let (Some(ty), true) = (arguments.first(), arguments.len() <= 2) else {
                    let detail = "optional() takes a type, and a default value.";
                    let problem = Diagnostic::error("invalid-type", "Invalid type", detail);
                    return Err(Box::new(problem.at_span(file.span(&value.range))));
                };
                optional.push(name);
                let ty = constraint(file, ty, &mut inner)?;
                if let Some(default) = arguments.get(1) {
                    let default = super::evaluate(file, default, &NoScope, &Evaluation::new())?;
                    let default = convert(&default, &ty).map_err(|error| {
                        let detail = format!("The default value does not have the type: {error}.");
                        Diagnostic::error("invalid-type", "Invalid type", detail).at_span(file.span(&value.range))
                    })?;
                    defaults.values.insert(name.to_owned(), default);
                }
                ty
            }
            _ => constraint(file, value, &mut inner)?,
        };
        if !inner.is_empty() {
            attributes.insert(name.to_owned(), inner);
        }
        types.push((name, ty));
    }
    defaults.inside = Inside::Object(attributes);
    Ok(Type::object_with_optional(types, optional))
}
