use std::fmt;
use std::sync::Arc;

use crate::strings::normalize;

/// Describes which values are possible: Terraform's type constraints.
///
/// Cloning costs a reference count. Types are equal when they are spelled the same.
///
/// ```
/// use cty::Type;
/// let ty = Type::list(Type::object([("id", Type::String), ("size", Type::Number)]));
/// assert_eq!(ty.to_string(), "list(object({id = string, size = number}))");
/// assert_eq!(ty.to_json(), r#"["list",["object",{"id":"string","size":"number"}]]"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// A sequence of Unicode characters in normalization form C.
    String,
    /// A binary floating point number with its own precision.
    Number,
    /// True or false.
    Bool,
    /// Any type: a placeholder for a type that is not known yet. Only null and unknown values have it.
    Dynamic,
    /// An ordered collection of values of one type.
    List(Arc<Type>),
    /// An unordered collection of distinct values of one type.
    Set(Arc<Type>),
    /// A collection of values of one type by name.
    Map(Arc<Type>),
    /// A sequence in which every element has its own type.
    Tuple(Arc<[Type]>),
    /// A structure in which every attribute has its own type.
    Object(Arc<ObjectType>),
}

/// Holds the attributes of an object type, ordered by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectType {
    attributes: Box<[Attribute]>,
    has_dynamic: bool,
    has_optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Attribute {
    name: Arc<str>,
    ty: Type,
    optional: bool,
}

impl ObjectType {
    /// Returns the attributes with their types, ordered by name.
    pub fn attributes(&self) -> impl ExactSizeIterator<Item = (&str, &Type)> + DoubleEndedIterator {
        self.attributes.iter().map(|attribute| (&*attribute.name, &attribute.ty))
    }

    /// Returns the type of the attribute `name`.
    pub fn get(&self, name: &str) -> Option<&Type> {
        self.position(name).map(|position| &self.attributes[position].ty)
    }

    /// Tells whether a value converted to this type may lack the attribute `name`.
    pub fn is_optional(&self, name: &str) -> bool {
        self.position(name).is_some_and(|position| self.attributes[position].optional)
    }

    /// Returns the number of attributes.
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Tells whether there are no attributes.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// Returns the place of the attribute `name` in [`ObjectType::attributes`].
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.attributes.binary_search_by(|attribute| (*attribute.name).cmp(name)).ok()
    }

    pub(crate) fn type_at(&self, position: usize) -> &Type {
        &self.attributes[position].ty
    }

    pub(crate) fn shared_name_at(&self, position: usize) -> &Arc<str> {
        &self.attributes[position].name
    }

    /// Builds an object type of attributes that are ordered and distinct already.
    pub(crate) fn from_sorted(attributes: impl Iterator<Item = (Arc<str>, Type, bool)>) -> ObjectType {
        let attributes: Box<[Attribute]> =
            attributes.map(|(name, ty, optional)| Attribute { name, ty, optional }).collect();
        debug_assert!(attributes.is_sorted_by(|a, b| a.name < b.name), "attributes are ordered and distinct");
        let has_dynamic = attributes.iter().any(|attribute| attribute.ty.has_dynamic());
        let has_optional = attributes.iter().any(|attribute| attribute.optional || attribute.ty.has_optional());
        ObjectType { attributes, has_dynamic, has_optional }
    }
}

impl Type {
    /// Returns the type of lists of `element`.
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// Returns the type of sets of `element`.
    pub fn set(element: Type) -> Type {
        Type::Set(Arc::new(element))
    }

    /// Returns the type of maps of `element`.
    pub fn map(element: Type) -> Type {
        Type::Map(Arc::new(element))
    }

    /// Returns the type of tuples with these elements.
    pub fn tuple(elements: impl IntoIterator<Item = Type>) -> Type {
        Type::Tuple(elements.into_iter().collect())
    }

    /// Returns the type of objects with these attributes; of equal names the last one counts.
    pub fn object<N: AsRef<str>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Type {
        Type::object_with_optional(attributes, std::iter::empty::<&str>())
    }

    /// Returns the type of objects with these attributes, of which those named in `optional` may be left out.
    ///
    /// Only conversion looks at `optional`: no value is of such a type. Names that are no attribute are ignored.
    pub fn object_with_optional<N: AsRef<str>, O: AsRef<str>>(
        attributes: impl IntoIterator<Item = (N, Type)>,
        optional: impl IntoIterator<Item = O>,
    ) -> Type {
        let optional: std::collections::BTreeSet<String> =
            optional.into_iter().map(|name| normalize(name.as_ref()).into_owned()).collect();
        let attributes: std::collections::BTreeMap<String, Type> =
            attributes.into_iter().map(|(name, ty)| (normalize(name.as_ref()).into_owned(), ty)).collect();
        Type::Object(Arc::new(ObjectType::from_sorted(attributes.into_iter().map(|(name, ty)| {
            let is_optional = optional.contains(&name);
            (Arc::from(name), ty, is_optional)
        }))))
    }

    /// Tells whether this is string, number or bool.
    pub fn is_primitive(&self) -> bool {
        matches!(self, Type::String | Type::Number | Type::Bool)
    }

    /// Tells whether this is a list, a set or a map.
    pub fn is_collection(&self) -> bool {
        matches!(self, Type::List(_) | Type::Set(_) | Type::Map(_))
    }

    /// Returns the element type of a list, set or map.
    pub fn element_type(&self) -> Option<&Type> {
        match self {
            Type::List(element) | Type::Set(element) | Type::Map(element) => Some(element),
            _ => None,
        }
    }

    /// Returns the attributes of an object type.
    pub fn as_object(&self) -> Option<&ObjectType> {
        match self {
            Type::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Tells whether the type or anything inside it is [`Type::Dynamic`].
    pub fn has_dynamic(&self) -> bool {
        match self {
            Type::Dynamic => true,
            Type::String | Type::Number | Type::Bool => false,
            Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
            Type::Tuple(elements) => elements.iter().any(Type::has_dynamic),
            Type::Object(object) => object.has_dynamic,
        }
    }

    pub(crate) fn has_optional(&self) -> bool {
        match self {
            Type::Dynamic | Type::String | Type::Number | Type::Bool => false,
            Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_optional(),
            Type::Tuple(elements) => elements.iter().any(Type::has_optional),
            Type::Object(object) => object.has_optional,
        }
    }

    /// Returns the same type with every attribute required, at every depth: the type that values have.
    #[must_use]
    pub fn without_optional(&self) -> Type {
        if !self.has_optional() {
            return self.clone();
        }
        match self {
            Type::Dynamic | Type::String | Type::Number | Type::Bool => self.clone(),
            Type::List(element) => Type::list(element.without_optional()),
            Type::Set(element) => Type::set(element.without_optional()),
            Type::Map(element) => Type::map(element.without_optional()),
            Type::Tuple(elements) => Type::tuple(elements.iter().map(Type::without_optional)),
            Type::Object(object) => Type::Object(Arc::new(ObjectType::from_sorted(
                object.attributes.iter().map(|a| (Arc::clone(&a.name), a.ty.without_optional(), false)),
            ))),
        }
    }

    /// Tells whether values of this type may stand where `want` is asked for without conversion.
    ///
    /// That is equality, except that [`Type::Dynamic`] inside `want` admits anything.
    pub fn conforms_to(&self, want: &Type) -> bool {
        match (self, want) {
            (_, Type::Dynamic) => true,
            (Type::List(given), Type::List(want))
            | (Type::Set(given), Type::Set(want))
            | (Type::Map(given), Type::Map(want)) => given.conforms_to(want),
            (Type::Tuple(given), Type::Tuple(want)) => {
                given.len() == want.len() && given.iter().zip(want.iter()).all(|(given, want)| given.conforms_to(want))
            }
            (Type::Object(given), Type::Object(want)) => {
                Arc::ptr_eq(given, want)
                    || given.len() == want.len()
                        && given
                            .attributes()
                            .zip(want.attributes())
                            .all(|((name, given), (wanted, want))| name == wanted && given.conforms_to(want))
            }
            _ => self == want,
        }
    }

    /// Returns the type in the words of Terraform's messages, such as `list of string` or `object`.
    pub fn friendly_name(&self) -> String {
        match self {
            Type::String => "string".to_owned(),
            Type::Number => "number".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Dynamic => "dynamic".to_owned(),
            Type::List(element) => format!("list of {}", element.friendly_name()),
            Type::Set(element) => format!("set of {}", element.friendly_name()),
            Type::Map(element) => format!("map of {}", element.friendly_name()),
            Type::Tuple(_) => "tuple".to_owned(),
            Type::Object(_) => "object".to_owned(),
        }
    }

    /// Returns the type in the words of messages about what is required, where dynamic reads `any type`.
    pub fn friendly_name_for_constraint(&self) -> String {
        let element_name = |element: &Type| match element {
            Type::Dynamic => "any single type".to_owned(),
            _ => element.friendly_name_for_constraint(),
        };
        match self {
            Type::Dynamic => "any type".to_owned(),
            Type::List(element) => format!("list of {}", element_name(element)),
            Type::Set(element) => format!("set of {}", element_name(element)),
            Type::Map(element) => format!("map of {}", element_name(element)),
            _ => self.friendly_name(),
        }
    }
}

/// Writes the type as Terraform configuration spells it: `map(string)`, `object({a = optional(number)})`, `any`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::String => f.write_str("string"),
            Type::Number => f.write_str("number"),
            Type::Bool => f.write_str("bool"),
            Type::Dynamic => f.write_str("any"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Set(element) => write!(f, "set({element})"),
            Type::Map(element) => write!(f, "map({element})"),
            Type::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
            Type::Object(object) => {
                f.write_str("object({")?;
                for (index, attribute) in object.attributes.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    let ty = &attribute.ty;
                    write!(f, "{separator}{} = ", attribute.name)?;
                    if attribute.optional { write!(f, "optional({ty})")? } else { write!(f, "{ty}")? }
                }
                f.write_str("})")
            }
        }
    }
}
