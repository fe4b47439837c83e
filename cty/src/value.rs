//! Values: what a state, a configuration or a provider holds at one place.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::error::{Error, ErrorKind, Result};
use crate::marks::Marks;
use crate::number::Number;
use crate::refine::Refinements;
use crate::set;
use crate::strings::normalize;
use crate::types::{ObjectType, Type};

/// Holds one value together with its type.
///
/// A value is known, null or unknown, and may carry marks. Cloning costs a few reference counts. Two values compare
/// equal with `==` as by [`Value::raw_equals`].
///
/// ```
/// use cty::{Type, Value};
/// let list = Value::list(Type::String, vec![Value::string("a"), Value::unknown(Type::String)])?;
/// assert_eq!(list.ty(), &Type::list(Type::String));
/// assert!(list.is_known() && !list.is_wholly_known());
/// # Ok::<(), cty::Error>(())
/// ```
#[derive(Clone)]
pub struct Value {
    ty: Type,
    repr: Repr,
    marks: Option<Arc<Marks>>,
}

#[derive(Clone)]
pub(crate) enum Repr {
    Null,
    Unknown(Option<Arc<Refinements>>),
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    /// The elements of a list, set (in the order of [`set`]) or tuple, or an object's in the order of its type.
    Sequence(Arc<[Value]>),
    /// A map's entries, ordered by key.
    Map(Arc<[(Arc<str>, Value)]>),
}

static NO_MARKS: LazyLock<Marks> = LazyLock::new(Marks::new);

impl Value {
    pub(crate) fn new(ty: Type, repr: Repr) -> Value {
        Value { ty, repr, marks: None }
    }

    /// Returns a string, normalized to form C.
    pub fn string(text: impl Into<String>) -> Value {
        let text: String = text.into();
        Value::new(Type::String, Repr::String(Arc::from(&*normalize(&text))))
    }

    /// Returns a string that is normalized already.
    pub(crate) fn shared_string(text: Arc<str>) -> Value {
        Value::new(Type::String, Repr::String(text))
    }

    /// Returns a number.
    pub fn number(number: impl Into<Number>) -> Value {
        Value::new(Type::Number, Repr::Number(number.into()))
    }

    /// Returns true or false.
    pub fn bool(value: bool) -> Value {
        Value::new(Type::Bool, Repr::Bool(value))
    }

    /// Returns the null of a type. Attributes that are optional in it become required: values have no other types.
    pub fn null(ty: Type) -> Value {
        Value::new(if ty.has_optional() { ty.without_optional() } else { ty }, Repr::Null)
    }

    /// Returns the value of a type about which nothing else is known.
    pub fn unknown(ty: Type) -> Value {
        Value::new(if ty.has_optional() { ty.without_optional() } else { ty }, Repr::Unknown(None))
    }

    /// Returns the value about which nothing is known, its type included.
    pub fn dynamic() -> Value {
        Value::unknown(Type::Dynamic)
    }

    /// Returns a list. Elements of type [`Type::Dynamic`], which are null or unknown, take the element type; where that
    /// is itself [`Type::Dynamic`], it becomes the type of the elements.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for an element of another type.
    pub fn list(element_type: Type, elements: Vec<Value>) -> Result<Value> {
        let (element_type, elements) = homogeneous(element_type, elements)?;
        Ok(Value::new(Type::list(element_type), Repr::Sequence(elements.into())))
    }

    /// Returns a set: duplicates are dropped, marks of elements move to the set. Types are treated as by
    /// [`Value::list`].
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for an element of another type.
    pub fn set(element_type: Type, elements: Vec<Value>) -> Result<Value> {
        let (element_type, mut elements) = homogeneous(element_type, elements)?;
        let mut marks = Marks::new();
        for element in &mut elements {
            if element.contains_marked() {
                let (bare, found) = element.unmark_deep();
                *element = bare;
                marks.extend(found);
            }
        }
        let elements = set::canonical(&element_type, elements);
        Ok(Value::new(Type::set(element_type), Repr::Sequence(elements.into())).with_marks(marks))
    }

    /// Returns a map. Types are treated as by [`Value::list`]; of keys equal once normalized the last one counts.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for an element of another type.
    pub fn map(element_type: Type, entries: BTreeMap<String, Value>) -> Result<Value> {
        Value::map_of(element_type, entries.into_iter().map(|(key, value)| (Arc::from(&*normalize(&key)), value)))
    }

    /// Returns a map of keys that are normalized already.
    pub(crate) fn map_of(element_type: Type, entries: impl Iterator<Item = (Arc<str>, Value)>) -> Result<Value> {
        let (mut keys, elements): (Vec<Arc<str>>, Vec<Value>) = entries.unzip();
        let (element_type, elements) = homogeneous(element_type, elements)?;
        if keys.is_sorted_by(|a, b| a < b) {
            let entries = keys.into_iter().zip(elements).collect();
            return Ok(Value::new(Type::map(element_type), Repr::Map(entries)));
        }
        let entries: BTreeMap<Arc<str>, Value> = keys.drain(..).zip(elements).collect();
        Ok(Value::new(Type::map(element_type), Repr::Map(entries.into_iter().collect())))
    }

    /// Returns a tuple; its type follows from its elements.
    pub fn tuple(elements: Vec<Value>) -> Value {
        let ty = Type::Tuple(elements.iter().map(|element| element.ty.clone()).collect());
        Value::new(ty, Repr::Sequence(elements.into()))
    }

    /// Returns an object; its type follows from its attributes. Of names equal once normalized the last one counts.
    pub fn object(attributes: BTreeMap<String, Value>) -> Value {
        let attributes: BTreeMap<Arc<str>, Value> =
            attributes.into_iter().map(|(name, value)| (Arc::from(&*normalize(&name)), value)).collect();
        Value::object_of(attributes.into_iter())
    }

    /// Returns an object of attributes that are normalized, ordered and distinct already.
    pub(crate) fn object_of(attributes: impl Iterator<Item = (Arc<str>, Value)>) -> Value {
        let (names, values): (Vec<Arc<str>>, Vec<Value>) = attributes.unzip();
        let types = names.into_iter().zip(&values).map(|(name, value)| (name, value.ty.clone(), false));
        let ty = Type::Object(Arc::new(ObjectType::from_sorted(types)));
        Value::new(ty, Repr::Sequence(values.into()))
    }

    /// Makes a list of elements that were read as of its element type, which may have left their type open.
    pub(crate) fn list_of_one_type(ty: &Type, elements: Vec<Value>) -> Result<Value> {
        if elements.is_empty() || !ty.has_dynamic() {
            return Ok(Value::new(ty.clone(), Repr::Sequence(elements.into())));
        }
        Value::list(Type::Dynamic, elements)
    }

    /// Makes a set as [`Value::list_of_one_type`] makes a list.
    pub(crate) fn set_of_one_type(ty: &Type, elements: Vec<Value>) -> Result<Value> {
        match ty {
            Type::Set(element_type) if !ty.has_dynamic() => {
                let elements = set::canonical(element_type, elements);
                Ok(Value::new(ty.clone(), Repr::Sequence(elements.into())))
            }
            _ if elements.is_empty() => Ok(Value::new(ty.clone(), Repr::Sequence(elements.into()))),
            _ => Value::set(Type::Dynamic, elements),
        }
    }

    /// Makes a map as [`Value::list_of_one_type`] makes a list; of equal keys the last one counts.
    pub(crate) fn map_of_one_type(ty: &Type, mut entries: Vec<(Arc<str>, Value)>) -> Result<Value> {
        if !entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            entries = entries.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
        }
        if entries.is_empty() || !ty.has_dynamic() {
            return Ok(Value::new(ty.clone(), Repr::Map(entries.into())));
        }
        Value::map_of(Type::Dynamic, entries.into_iter())
    }

    /// Makes a tuple or object of elements that were read as of its types, which may have left some open.
    pub(crate) fn structure(ty: &Type, elements: Vec<Value>) -> Value {
        let ty = match ty {
            ty if !ty.has_dynamic() => ty.clone(),
            Type::Object(object) => {
                let types = elements
                    .iter()
                    .enumerate()
                    .map(|(index, element)| (Arc::clone(object.shared_name_at(index)), element.ty.clone(), false));
                Type::Object(Arc::new(ObjectType::from_sorted(types)))
            }
            _ => Type::Tuple(elements.iter().map(|element| element.ty.clone()).collect()),
        };
        Value::new(ty, Repr::Sequence(elements.into()))
    }

    /// Returns the type.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    pub(crate) fn repr(&self) -> &Repr {
        &self.repr
    }

    /// Returns the marks of the value itself.
    pub fn marks(&self) -> &Marks {
        self.marks.as_deref().unwrap_or_else(|| &NO_MARKS)
    }

    pub(crate) fn set_marks(mut self, marks: Marks) -> Value {
        self.marks = if marks.is_empty() { None } else { Some(Arc::new(marks)) };
        self
    }

    /// Tells whether this is the null of its type.
    pub fn is_null(&self) -> bool {
        matches!(self.repr, Repr::Null)
    }

    /// Tells whether this is not unknown; null is known.
    pub fn is_known(&self) -> bool {
        !matches!(self.repr, Repr::Unknown(_))
    }

    /// Tells whether neither this nor anything inside it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        self.is_known() && self.children().all(Value::is_wholly_known)
    }

    /// Returns what is known about an unknown value beyond its type.
    pub fn refinements(&self) -> Option<&Refinements> {
        match &self.repr {
            Repr::Unknown(refinements) => refinements.as_deref(),
            _ => None,
        }
    }

    /// Returns the text of a known string. Marks do not hide it: a caller that shows it must look at them.
    pub fn as_str(&self) -> Option<&str> {
        match &self.repr {
            Repr::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a known bool.
    pub fn as_bool(&self) -> Option<bool> {
        match self.repr {
            Repr::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Returns a known number.
    pub fn as_number(&self) -> Option<&Number> {
        match &self.repr {
            Repr::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the elements of a known list or tuple in order, or of a known set in its canonical order; for other
    /// values there are none.
    pub fn elements(&self) -> std::slice::Iter<'_, Value> {
        match &self.repr {
            Repr::Sequence(elements) if self.ty.as_object().is_none() => elements.iter(),
            _ => [].iter(),
        }
    }

    /// Returns the entries of a known map or the attributes of a known object, ordered by name; for other values there
    /// are none.
    pub fn entries(&self) -> Entries<'_> {
        Entries(match (&self.repr, &self.ty) {
            (Repr::Map(entries), _) => EntriesOf::Map(entries.iter()),
            (Repr::Sequence(values), Type::Object(ty)) => EntriesOf::Object { ty, values, next: 0 },
            _ => EntriesOf::Map([].iter()),
        })
    }

    /// Returns everything directly inside a known value.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Value> {
        let (sequence, map): (&[Value], &[(Arc<str>, Value)]) = match &self.repr {
            Repr::Sequence(elements) => (elements, &[]),
            Repr::Map(entries) => (&[], entries),
            _ => (&[], &[]),
        };
        sequence.iter().chain(map.iter().map(|(_, value)| value))
    }

    /// Builds a value of the same kind, with the same keys and marks, of other children in the same order.
    pub(crate) fn with_children(&self, children: Vec<Value>) -> Result<Value> {
        let rebuilt = match (&self.repr, &self.ty) {
            (Repr::Sequence(_), Type::List(_)) => Value::list(Type::Dynamic, children)?,
            (Repr::Sequence(_), Type::Set(_)) => Value::set(Type::Dynamic, children)?,
            (Repr::Sequence(_), Type::Object(object)) => {
                let names = (0..object.len()).map(|index| Arc::clone(object.shared_name_at(index)));
                Value::object_of(names.zip(children))
            }
            (Repr::Sequence(_), _) => Value::tuple(children),
            (Repr::Map(entries), _) => {
                Value::map_of(Type::Dynamic, entries.iter().map(|(key, _)| Arc::clone(key)).zip(children))?
            }
            _ => return Ok(self.clone()),
        };
        Ok(rebuilt.with_marks(self.marks().iter().cloned()))
    }

    /// Returns the number of elements or attributes of a known value; 0 for others.
    ///
    /// A set with unknown elements may turn out smaller: [`Value::length`] tells.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Sequence(elements) => elements.len(),
            Repr::Map(entries) => entries.len(),
            _ => 0,
        }
    }

    /// Tells whether [`Value::len`] is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Type {
    /// Tells whether this is a set.
    pub fn is_set(&self) -> bool {
        matches!(self, Type::Set(_))
    }
}

/// Settles the one type that all elements of a collection have.
fn homogeneous(element_type: Type, mut elements: Vec<Value>) -> Result<(Type, Vec<Value>)> {
    let element_type = match element_type {
        Type::Dynamic => elements
            .iter()
            .map(|element| &element.ty)
            .find(|ty| **ty != Type::Dynamic)
            .cloned()
            .unwrap_or(Type::Dynamic),
        given if given.has_optional() => given.without_optional(),
        given => given,
    };
    for (index, element) in elements.iter_mut().enumerate() {
        if element.ty == Type::Dynamic {
            element.ty = element_type.clone();
        } else if element.ty != element_type {
            let message = format!(
                "all elements must have the same type, but element {index} is {} where {element_type} is required",
                element.ty
            );
            return Err(Error::new(ErrorKind::Type, message));
        }
    }
    Ok((element_type, elements))
}

/// Yields the names and values of a map or an object, in the order of the names.
#[derive(Clone)]
pub struct Entries<'a>(EntriesOf<'a>);

#[derive(Clone)]
enum EntriesOf<'a> {
    Map(std::slice::Iter<'a, (Arc<str>, Value)>),
    Object { ty: &'a ObjectType, values: &'a [Value], next: usize },
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, &'a Value);

    fn next(&mut self) -> Option<(&'a str, &'a Value)> {
        match &mut self.0 {
            EntriesOf::Map(entries) => entries.next().map(|(key, value)| (&**key, value)),
            EntriesOf::Object { ty, values, next } => {
                let value = values.get(*next)?;
                let name = ty.shared_name_at(*next);
                *next += 1;
                Some((name, value))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            EntriesOf::Map(entries) => entries.len(),
            EntriesOf::Object { values, next, .. } => values.len() - next,
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Entries<'_> {}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::string(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::string(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::bool(value)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Value {
        Value::number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::number(Number::from_i64(number))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::number(Number::from_u64(number))
    }
}
