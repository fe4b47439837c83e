use super::equality::{unknown_bool, unknown_number};
use crate::error::{Error, ErrorKind, Result};
use crate::marks::unmarked;
use crate::refine::Refinements;
use crate::set;
use crate::strings::normalize;
use crate::types::Type;
use crate::value::{Repr, Value};

impl Value {
    /// Returns an attribute of an object; the marks of the object stick to it.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for what is no object, [`ErrorKind::Null`] for a null one, [`ErrorKind::Missing`] where it
    /// has no such attribute.
    pub fn get_attr(&self, name: &str) -> Result<Value> {
        unmarked([self], |[object]| {
            if object.is_null() {
                return Err(Error::new(ErrorKind::Null, format!("cannot get attribute {name:?} of a null value")));
            }
            let ty = match object.ty() {
                Type::Dynamic => return Ok(Value::dynamic()),
                Type::Object(ty) => ty,
                other => {
                    let message = format!("an object is required to get attribute {name:?}, but the value is {other}");
                    return Err(Error::new(ErrorKind::Type, message));
                }
            };
            let position = ty
                .position(&normalize(name))
                .ok_or_else(|| Error::new(ErrorKind::Missing, format!("the object has no attribute {name:?}")))?;
            Ok(match object.repr() {
                Repr::Sequence(values) => values[position].clone(),
                _ => Value::unknown(ty.type_at(position).clone()),
            })
        })
    }

    /// Returns an element of a list or tuple by number, or of a map by key; marks of both stick to it.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for what has no index or a key of the wrong type, [`ErrorKind::Null`] where either is null,
    /// [`ErrorKind::Missing`] where there is no such element.
    pub fn index(&self, key: &Value) -> Result<Value> {
        unmarked([self, key], |[collection, key]| {
            if collection.is_null() || key.is_null() {
                return Err(Error::new(ErrorKind::Null, "cannot index with null, or into it"));
            }
            let element_type = match collection.ty() {
                Type::Dynamic => return Ok(Value::dynamic()),
                Type::List(element) | Type::Map(element) => Type::clone(element),
                Type::Tuple(_) => Type::Dynamic,
                other => {
                    let message = format!("a list, map or tuple is required to index into, but the value is {other}");
                    return Err(Error::new(ErrorKind::Type, message));
                }
            };
            let key_type = if matches!(collection.ty(), Type::Map(_)) { Type::String } else { Type::Number };
            if *key.ty() != key_type && *key.ty() != Type::Dynamic {
                let message = format!("the key must be a {key_type}, but is {}", key.ty());
                return Err(Error::new(ErrorKind::Type, message));
            }
            if !key.is_known() {
                return Ok(collection.index_unknown(key, element_type));
            }
            // The key may be secret: marks are off here, so it is not repeated.
            let missing = || Error::new(ErrorKind::Missing, "the collection has no element with the given key");
            match (collection.ty(), collection.repr()) {
                (_, Repr::Map(entries)) => {
                    let name = key.as_str().unwrap_or_default();
                    let position = entries.binary_search_by(|(key, _)| (**key).cmp(name)).map_err(|_| missing())?;
                    Ok(entries[position].1.clone())
                }
                (_, Repr::Sequence(elements)) => {
                    position(key).and_then(|at| elements.get(at)).cloned().ok_or_else(missing)
                }
                (Type::Tuple(types), _) => {
                    let ty = position(key).and_then(|at| types.get(at)).ok_or_else(missing)?;
                    Ok(Value::unknown(ty.clone()))
                }
                _ => Ok(Value::unknown(element_type)),
            }
        })
    }

    /// Returns what can be said about the element that a key not known yet will lead to.
    fn index_unknown(&self, key: &Value, element_type: Type) -> Value {
        let candidates = self.steps_by_key().filter(|(index, _)| !key.excludes(index));
        let bare = candidates.map(|(_, element)| element.unmark_deep().0.range_placeholder());
        match bare.reduce(|a, b| a.common_range(&b)) {
            Some(choice) if *choice.ty() != Type::Dynamic => choice,
            _ => {
                let (_, marks) = self.unmark_deep();
                Value::unknown(element_type).with_marks(if self.is_known() { marks } else { crate::Marks::new() })
            }
        }
    }

    fn steps_by_key(&self) -> impl Iterator<Item = (Value, &Value)> {
        let elements = self.elements().enumerate().map(|(index, element)| (Value::from(index as u64), element));
        elements.chain(self.entries().map(|(name, element)| (Value::string(name), element)))
    }

    /// Tells whether a list or tuple has an element of this number, or a map one of this key.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for what has no index, [`ErrorKind::Null`] for null.
    pub fn has_index(&self, key: &Value) -> Result<Value> {
        unmarked([self, key], |[collection, key]| {
            if collection.is_null() || key.is_null() {
                return Err(Error::new(ErrorKind::Null, "cannot look for null, or for an index in a null value"));
            }
            let key_type = match collection.ty() {
                Type::Dynamic => return Ok(unknown_bool()),
                Type::List(_) | Type::Tuple(_) => Type::Number,
                Type::Map(_) => Type::String,
                other => {
                    let message = format!("a list, map or tuple is required to index into, but the value is {other}");
                    return Err(Error::new(ErrorKind::Type, message));
                }
            };
            if *key.ty() != key_type && *key.ty() != Type::Dynamic {
                return Ok(Value::bool(false));
            }
            if !key.is_known() {
                return Ok(unknown_bool());
            }
            Ok(match (collection.ty(), collection.repr()) {
                (_, Repr::Map(entries)) => {
                    let name = key.as_str().unwrap_or_default();
                    Value::bool(entries.binary_search_by(|(key, _)| (**key).cmp(name)).is_ok())
                }
                (Type::Tuple(types), _) => Value::bool(position(key).is_some_and(|at| at < types.len())),
                (_, Repr::Sequence(elements)) => Value::bool(position(key).is_some_and(|at| at < elements.len())),
                _ => unknown_bool(),
            })
        })
    }

    /// Tells whether a set has this element.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for what is no set, [`ErrorKind::Null`] for a null one.
    pub fn has_element(&self, element: &Value) -> Result<Value> {
        unmarked([self, element], |[set, element]| {
            let Type::Set(element_type) = set.ty() else {
                return Err(Error::new(ErrorKind::Type, format!("a set is required, but the value is {}", set.ty())));
            };
            if set.is_null() {
                return Err(Error::new(ErrorKind::Null, "cannot look for an element in a null set"));
            }
            if !set.is_known() {
                return Ok(unknown_bool());
            }
            let is_open = *element.ty() == Type::Dynamic || **element_type == Type::Dynamic;
            if !is_open && *element.ty() != **element_type {
                return Ok(Value::bool(false));
            }
            if !element.is_known() {
                return Ok(unknown_bool());
            }
            if *element.ty() != **element_type {
                return Ok(Value::bool(false));
            }
            let hash = set::hash_bytes(element);
            let found =
                set.elements().any(|member| set::hash_bytes(member) == hash && set::equivalent(member, element));
            Ok(if found {
                Value::bool(true)
            } else if set.is_wholly_known() {
                Value::bool(false)
            } else {
                unknown_bool()
            })
        })
    }

    /// Returns the number of elements of a collection or tuple, or of attributes of an object, as a number value.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for what has no length, [`ErrorKind::Null`] for null.
    pub fn length(&self) -> Result<Value> {
        unmarked([self], |[collection]| {
            if let Type::Tuple(elements) = collection.ty() {
                return Ok(Value::from(elements.len() as u64));
            }
            if collection.is_null() {
                return Err(Error::new(ErrorKind::Null, "a null value has no length"));
            }
            if !collection.is_known() && *collection.ty() == Type::Dynamic {
                return Ok(unknown_number(Refinements::new().number_min(0i64, true).number_max(i64::MAX, true)));
            }
            if let (Type::Object(object), true) = (collection.ty(), collection.is_known()) {
                return Ok(Value::from(object.len() as u64));
            }
            if !collection.ty().is_collection() {
                let message = format!("a collection is required, but the value is {}", collection.ty());
                return Err(Error::new(ErrorKind::Type, message));
            }
            if !collection.is_known() {
                let range = collection.range();
                let most = range.max_length.unwrap_or(i64::MAX as u64);
                return Ok(unknown_number(
                    Refinements::new().number_min(range.min_length, true).number_max(most, true),
                ));
            }
            Ok(match collection.exact_length() {
                Some(length) => Value::from(length),
                None => {
                    let most = collection.len() as u64;
                    unknown_number(Refinements::new().number_min(1i64, true).number_max(most, true))
                }
            })
        })
    }
}

/// Returns the key as a position, where it is a whole number that is not negative.
fn position(key: &Value) -> Option<usize> {
    key.as_number().and_then(crate::Number::to_i64).and_then(|index| usize::try_from(index).ok())
}
