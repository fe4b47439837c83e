//! Provider schemas: what a resource type, data source or provider configuration consists of.
//!
//! Source: message `Schema` of the plugin protocol, versions 5 and 6; both map onto these types in one place, in
//! `tfplugin`.

use std::collections::BTreeMap;

use cty::Type;

/// The schema of one resource type, data source or provider configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The version states are upgraded to.
    pub version: i64,
    /// The outermost block.
    pub block: Block,
}

/// A block: arguments and attributes, and nested blocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Nested blocks by type name.
    pub blocks: BTreeMap<String, NestedBlock>,
    /// What it is for, in Markdown or plain text.
    pub description: String,
    /// Whether the description is Markdown.
    pub description_is_markdown: bool,
    /// Whether it should not be used any more.
    pub deprecated: bool,
}

/// One attribute of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// A plain type, or an object with a schema of its own.
    pub ty: AttributeType,
    /// What it is for.
    pub description: String,
    /// Whether the description is Markdown.
    pub description_is_markdown: bool,
    /// The configuration must set it.
    pub required: bool,
    /// The configuration may set it.
    pub optional: bool,
    /// The provider may set it.
    pub computed: bool,
    /// The value must not be shown.
    pub sensitive: bool,
    /// The value is never stored.
    pub write_only: bool,
    /// It should not be used any more.
    pub deprecated: bool,
    /// Why it should not be used, where the provider says so.
    pub deprecation_message: String,
}

/// The type of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeType {
    /// A plain type.
    Plain(Type),
    /// A nested attribute: an object, or a collection of objects, whose attributes have a schema of their own.
    Nested(NestedObject),
}

/// The schema of a nested attribute (protocol 6 only).
#[derive(Clone, Debug, PartialEq)]
pub struct NestedObject {
    /// How the objects are nested; `Group` does not occur here.
    pub nesting: NestingMode,
    /// The attributes of each object.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A nested block.
#[derive(Clone, Debug, PartialEq)]
pub struct NestedBlock {
    /// How the blocks are nested.
    pub nesting: NestingMode,
    /// What each block consists of.
    pub block: Block,
    /// The fewest blocks the configuration may hold.
    pub min_items: u64,
    /// The most blocks the configuration may hold; 0 is no limit.
    pub max_items: u64,
}

/// How nested blocks or objects relate to their parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NestingMode {
    /// One object or none.
    Single,
    /// One object, never null.
    Group,
    /// A sequence.
    List,
    /// An unordered collection without keys.
    Set,
    /// A collection by key.
    Map,
}

impl NestingMode {
    fn wrap(self, element: Type) -> Type {
        match self {
            Self::Single | Self::Group => element,
            Self::List => Type::list(element),
            Self::Set => Type::set(element),
            Self::Map => Type::map(element),
        }
    }
}

impl Attribute {
    /// Makes an attribute that a configuration may set, of which nothing else is said.
    pub fn optional(ty: AttributeType) -> Self {
        Self {
            ty,
            description: String::new(),
            description_is_markdown: false,
            required: false,
            optional: true,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecated: false,
            deprecation_message: String::new(),
        }
    }

    /// Gives the type of the attribute's value.
    pub fn value_type(&self) -> Type {
        match &self.ty {
            AttributeType::Plain(ty) => ty.clone(),
            AttributeType::Nested(nested) => nested.value_type(),
        }
    }
}

impl NestedObject {
    /// Gives the type of the nested attribute's value.
    pub fn value_type(&self) -> Type {
        let element =
            Type::object(self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.value_type())));
        self.nesting.wrap(element)
    }
}

impl Block {
    /// Gives the object type of the block's value.
    pub fn value_type(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.value_type()));
        let blocks = self.blocks.iter().map(|(name, nested)| (name.clone(), nested.value_type()));
        Type::object(attributes.chain(blocks))
    }
}

impl NestedBlock {
    /// Gives the type of the nested block's value: lists and maps of blocks that hold dynamic values become tuples and
    /// objects of their own, so their type is dynamic.
    pub fn value_type(&self) -> Type {
        let element = self.block.value_type();
        match self.nesting {
            NestingMode::List | NestingMode::Map if contains_dynamic(&element) => Type::Dynamic,
            nesting => nesting.wrap(element),
        }
    }
}

impl Schema {
    /// Gives the object type of the whole value.
    pub fn value_type(&self) -> Type {
        self.block.value_type()
    }
}

fn contains_dynamic(ty: &Type) -> bool {
    match ty {
        Type::Dynamic => true,
        Type::String | Type::Number | Type::Bool => false,
        Type::List(element) | Type::Set(element) | Type::Map(element) => contains_dynamic(element),
        Type::Tuple(elements) => elements.iter().any(contains_dynamic),
        Type::Object(object) => object.attributes().any(|(_, attribute)| contains_dynamic(attribute)),
    }
}
