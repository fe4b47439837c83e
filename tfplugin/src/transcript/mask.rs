//! Values with everything replaced that may not be shown, and the way back.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, PathStep, Refinements, Type, Value};
use model::{Attribute, AttributeType, Block, IdentitySchema};

use super::key::{Key, replace_placeholders};
use super::place::{Kind, Mask, Place};
use crate::ProviderSchema;

/// How many masked strings are remembered, to find them in texts; with more, texts are withheld.
const KNOWN_LIMIT: usize = 200_000;
/// The shortest sensitive string that is looked for inside others, in bytes.
const SHORTEST_SENSITIVE: usize = 2;
/// The shortest string that is looked for in texts only because its place was not allowed, in bytes.
const SHORTEST_MASKED: usize = 4;
const WITHHELD: &str = "(This text is withheld: too many strings were masked to look for all of them in it.)";

impl Place {
    /// Gives the type that the schema gives a value here.
    pub(super) fn declared_type(&self, schema: Option<&ProviderSchema>) -> Option<Type> {
        match self.shape(schema?) {
            Shape::Block(block) => Some(block.value_type()),
            Shape::Identity(identity) => Some(crate::wire::value::identity_type(identity)),
            _ => None,
        }
    }

    fn shape<'a>(&self, schema: &'a ProviderSchema) -> Shape<'a> {
        let block = |schema: Option<&'a model::Schema>| schema.map(|schema| Shape::Block(&schema.block));
        let shape = match self.kind {
            Kind::Provider => Some(Shape::Block(&schema.provider.block)),
            Kind::ProviderMeta => block(schema.provider_meta.as_ref()),
            Kind::Resource => block(schema.resources.get(&self.name)),
            Kind::Data => block(schema.data_sources.get(&self.name)),
            Kind::List => block(schema.list_resources.get(&self.name)),
            Kind::Identity => schema.identities.get(&self.name).map(Shape::Identity),
            Kind::ImportId | Kind::DisplayName | Kind::Private | Kind::Function => None,
        };
        shape.unwrap_or(Shape::Any)
    }
}

/// What the schema says about a part of a value.
#[derive(Clone, Copy)]
enum Shape<'a> {
    Block(&'a Block),
    Attributes(&'a BTreeMap<String, Attribute>),
    Identity(&'a IdentitySchema),
    Plain(&'a Type),
    /// Nothing: names in it are somebody's own, like a map's keys.
    Any,
}

impl<'a> Shape<'a> {
    fn of_attribute(attribute: &'a Attribute) -> Self {
        match &attribute.ty {
            AttributeType::Plain(ty) => Self::Plain(ty),
            AttributeType::Nested(nested) => Self::Attributes(&nested.attributes),
        }
    }

    /// Gives the shape of one attribute, and whether it is sensitive; none where the schema does not name it.
    fn attribute(self, name: &str) -> Option<(Self, bool)> {
        let of =
            |attribute: &'a Attribute| (Self::of_attribute(attribute), attribute.sensitive || attribute.write_only);
        match self {
            Self::Block(block) => block
                .attributes
                .get(name)
                .map(of)
                .or_else(|| block.blocks.get(name).map(|nested| (Self::Block(&nested.block), false))),
            Self::Attributes(attributes) => attributes.get(name).map(of),
            Self::Identity(identity) => identity.attributes.get(name).map(|of| (Self::Plain(&of.ty), false)),
            Self::Plain(Type::Object(object)) => object.get(name).map(|ty| (Self::Plain(ty), false)),
            Self::Plain(_) | Self::Any => None,
        }
    }

    /// Gives the shape of an element of a collection.
    fn element(self, index: usize) -> Self {
        match self {
            // Nested blocks and objects have the shape of what their collection holds.
            Self::Block(_) | Self::Attributes(_) => self,
            Self::Plain(Type::List(ty) | Type::Set(ty) | Type::Map(ty)) => Self::Plain(ty),
            Self::Plain(Type::Tuple(types)) => types.get(index).map_or(Self::Any, Self::Plain),
            Self::Plain(_) | Self::Identity(_) | Self::Any => Self::Any,
        }
    }
}

/// What was masked so far: to find it in texts, and to put it back.
#[derive(Default)]
pub(super) struct Known {
    sensitive: BTreeSet<String>,
    masked: BTreeSet<String>,
    is_full: bool,
    texts: BTreeMap<String, String>,
    numbers: BTreeMap<String, cty::Number>,
}

impl Known {
    fn learn(&mut self, text: &str, placeholder: &str, is_sensitive: bool) {
        if self.sensitive.len() + self.masked.len() >= KNOWN_LIMIT {
            self.is_full = true;
            return;
        }
        if text == placeholder || text.is_empty() {
            return;
        }
        self.texts.insert(placeholder.to_owned(), text.to_owned());
        let set = if is_sensitive { &mut self.sensitive } else { &mut self.masked };
        if !set.insert(text.to_owned()) {
            return;
        }
        // The forms in which it appears inside texts: quoted, or one line of it.
        let quoted = serde_json::Value::from(text).to_string();
        let quoted = quoted.trim_matches('"');
        if quoted != text {
            set.insert(quoted.to_owned());
        }
        if text.contains('\n') {
            set.extend(text.lines().map(str::trim).filter(|line| line.len() >= 8).map(str::to_owned));
        }
    }

    /// Tells whether a text is a sensitive string that was seen, or contains one.
    fn gives_away(&self, text: &str) -> bool {
        self.is_full
            || self.sensitive.contains(text)
            || self.sensitive.iter().any(|secret| secret.len() >= SHORTEST_MASKED && text.contains(secret.as_str()))
    }

    /// Replaces what was masked inside a text that somebody wrote.
    pub(super) fn mask_text(&self, key: &Key, text: &str) -> String {
        if self.is_full {
            return WITHHELD.to_owned();
        }
        let sensitive = self.sensitive.iter().filter(|secret| secret.len() >= SHORTEST_SENSITIVE);
        let masked = self.masked.iter().filter(|secret| secret.len() >= SHORTEST_MASKED);
        let mut found: Vec<&String> = sensitive.chain(masked).filter(|secret| text.contains(secret.as_str())).collect();
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        // All at once, so that no placeholder is looked into.
        let mut out = String::new();
        let mut rest = text;
        'next: while let Some(character) = rest.chars().next() {
            for secret in &found {
                if let Some(after) = rest.strip_prefix(secret.as_str()) {
                    out.push_str(&key.text(secret));
                    rest = after;
                    continue 'next;
                }
            }
            out.push(character);
            rest = &rest[character.len_utf8()..];
        }
        out
    }

    /// Puts back what is known of a text.
    pub(super) fn restore_text(&self, text: &str) -> String {
        replace_placeholders(text, |placeholder| self.texts.get(placeholder).map(String::as_str))
    }

    /// Puts back what is known of a value.
    pub(super) fn restore(&self, value: &Value) -> cty::Result<Value> {
        let ty = || rename(value.ty(), &mut |name| self.restore_text(name));
        if value.is_null() {
            return Ok(Value::null(ty()));
        }
        if !value.is_known() {
            let Some(refinements) = value.refinements() else { return Ok(Value::unknown(ty())) };
            let prefix = self.restore_text(refinements.prefix());
            return Value::unknown_refined(ty(), refinements.clone().string_prefix_full(&prefix));
        }
        if let Some(text) = value.as_str() {
            return Ok(Value::string(self.restore_text(text)));
        }
        if let Some(number) = value.as_number() {
            return Ok(Value::number(self.numbers.get(&number.to_string()).unwrap_or(number).clone()));
        }
        let elements = value.elements().map(|element| self.restore(element)).collect::<cty::Result<Vec<_>>>()?;
        let entries = value.entries().map(|(name, entry)| Ok((self.restore_text(name), self.restore(entry)?)));
        rebuild(value, &ty(), elements, entries.collect::<cty::Result<_>>()?)
    }

    /// Puts back what is known of a path.
    pub(super) fn restore_path(&self, path: &Path) -> cty::Result<Path> {
        path.steps().iter().try_fold(Path::new(), |restored, step| {
            Ok(match step {
                PathStep::GetAttr(name) => restored.attr(self.restore_text(name)),
                PathStep::Index(key) => restored.index(self.restore(key)?),
            })
        })
    }
}

/// Replaces what may not be shown.
pub(super) struct Masker<'a> {
    pub(super) key: &'a Key,
    pub(super) mask: &'a Mask,
    pub(super) schema: Option<&'a ProviderSchema>,
    pub(super) known: &'a mut Known,
}

impl Masker<'_> {
    /// Masks a value.
    pub(super) fn value(&mut self, value: &Value, place: &Place) -> cty::Result<Value> {
        let shape = self.schema.map_or(Shape::Any, |schema| place.shape(schema));
        let masked = self.part(value, &mut place.segments(), shape, false);
        if masked.is_ok() || *self.mask == Mask::Everything {
            return masked;
        }
        // Where only some keys of a map are allowed, its elements may end up with different names in their types.
        let everything = Mask::Everything;
        Masker { key: self.key, mask: &everything, schema: self.schema, known: self.known }.value(value, place)
    }

    /// Masks a text that stands at a place of its own: an id, a name.
    pub(super) fn text(&mut self, text: &str, place: &Place) -> String {
        if self.is_allowed(&place.segments()) && !self.known.gives_away(text) {
            return text.to_owned();
        }
        self.replace(text, false)
    }

    /// Masks private bytes, unless they may be shown.
    pub(super) fn private(&mut self, bytes: &[u8], type_name: &str) -> Option<String> {
        let is_allowed = self.is_allowed(&Place::new(Kind::Private, type_name).segments());
        (!is_allowed).then(|| self.key.private(bytes))
    }

    /// Masks the keys in a path.
    pub(super) fn path(&mut self, path: &Path, place: Option<&Place>) -> cty::Result<Path> {
        let mut segments = place.map(Place::segments).unwrap_or_default();
        let mut shape = match (self.schema, place) {
            (Some(schema), Some(place)) => place.shape(schema),
            _ => Shape::Any,
        };
        let mut is_sensitive = place.is_none();
        let mut masked = Path::new();
        for step in path.steps() {
            match step {
                PathStep::GetAttr(name) => {
                    segments.push(name.clone());
                    match shape.attribute(name) {
                        Some((inner, sensitive)) => {
                            is_sensitive |= sensitive;
                            shape = inner;
                            masked = masked.attr(name.clone());
                        }
                        None => {
                            shape = Shape::Any;
                            masked = masked.attr(self.name(name, &segments, is_sensitive));
                        }
                    }
                }
                PathStep::Index(key) => {
                    let position = key.as_number().is_some() && !is_sensitive;
                    if let Some(text) = key.as_str() {
                        segments.push(text.to_owned());
                        masked = masked.index(Value::string(self.name(text, &segments, is_sensitive)));
                    } else if position {
                        masked = masked.index(key.clone());
                    } else {
                        let key = self.part(key, &mut segments, shape.element(0), is_sensitive)?;
                        masked = masked.index(key);
                    }
                    shape = shape.element(0);
                }
            }
        }
        Ok(masked)
    }

    fn is_allowed(&self, place: &[String]) -> bool {
        match self.mask {
            Mask::Everything => false,
            Mask::Allow { attributes } => attributes.iter().any(|pattern| pattern.matches(place)),
        }
    }

    fn replace(&mut self, text: &str, is_sensitive: bool) -> String {
        let placeholder = self.key.text(text);
        self.known.learn(text, &placeholder, is_sensitive);
        placeholder
    }

    /// Masks a name that is not the schema's; the place ends with it.
    fn name(&mut self, name: &str, place: &[String], is_sensitive: bool) -> String {
        if !is_sensitive && self.is_allowed(place) && !self.known.gives_away(name) {
            return name.to_owned();
        }
        self.replace(name, is_sensitive)
    }

    fn part(
        &mut self,
        value: &Value,
        place: &mut Vec<String>,
        shape: Shape<'_>,
        is_sensitive: bool,
    ) -> cty::Result<Value> {
        let is_allowed = self.is_allowed(place);
        // What configures a provider is as good as sensitive: it is found wherever it turns up.
        let is_configuration = !is_allowed && place.first().is_some_and(|kind| kind.starts_with("provider"));
        let is_sensitive = is_sensitive || value.is_sensitive() || is_configuration;
        let is_shown = is_allowed && !is_sensitive;
        if value.is_null() || !value.is_known() {
            let ty = if is_shown { value.ty().clone() } else { self.type_of(value.ty(), shape, is_sensitive) };
            return self.unknown_or_null(value, ty, is_shown, is_sensitive);
        }
        if let Some(text) = value.as_str() {
            let is_shown = is_shown && !self.known.gives_away(text);
            return Ok(Value::string(if is_shown { text.to_owned() } else { self.replace(text, is_sensitive) }));
        }
        if let Some(number) = value.as_number() {
            if !is_sensitive || number.is_infinite() {
                return Ok(Value::number(number.clone()));
            }
            let placeholder = self.key.number(number);
            if placeholder != *number {
                if self.known.numbers.len() < KNOWN_LIMIT {
                    self.known.numbers.insert(placeholder.to_string(), number.clone());
                }
                // As a text it may be said in a diagnostic; too short a number would be found everywhere.
                let text = number.to_string();
                if text.len() >= SHORTEST_MASKED {
                    self.replace(&text, is_sensitive);
                }
            }
            return Ok(Value::number(placeholder));
        }
        if value.as_bool().is_some() {
            return Ok(value.unmark().0);
        }
        let mut elements = Vec::new();
        for (index, element) in value.elements().enumerate() {
            elements.push(self.part(element, place, shape.element(index), is_sensitive)?);
        }
        let mut entries = BTreeMap::new();
        let is_object = value.ty().as_object().is_some();
        for (name, entry) in value.entries() {
            place.push(name.to_owned());
            let (key, inner, is_sensitive) = match shape.attribute(name) {
                Some((inner, sensitive)) if is_object => (name.to_owned(), inner, is_sensitive || sensitive),
                // The names of a recorded state's attributes are those of some version of the schema.
                None if is_object && matches!(shape, Shape::Block(_)) && place.len() <= 3 => {
                    (name.to_owned(), Shape::Any, true)
                }
                _ => (self.name(name, place, is_sensitive), shape.element(0), is_sensitive),
            };
            let entry = self.part(entry, place, inner, is_sensitive)?;
            place.pop();
            entries.insert(key, entry);
        }
        let ty = if is_shown { value.ty().clone() } else { self.type_of(value.ty(), shape, is_sensitive) };
        rebuild(value, &ty, elements, entries)
    }

    fn unknown_or_null(&mut self, value: &Value, ty: Type, is_shown: bool, is_sensitive: bool) -> cty::Result<Value> {
        if value.is_null() {
            return Ok(Value::null(ty));
        }
        let Some(refinements) = value.refinements() else { return Ok(Value::unknown(ty)) };
        if is_shown && !self.known.gives_away(refinements.prefix()) {
            return Value::unknown_refined(ty, refinements.clone());
        }
        let mut masked = if is_sensitive { Refinements::new() } else { refinements.clone() };
        if refinements.is_not_null() {
            masked = masked.not_null();
        }
        if !refinements.prefix().is_empty() {
            masked = masked.string_prefix_full(&self.replace(refinements.prefix(), is_sensitive));
        }
        Value::unknown_refined(ty, masked)
    }

    /// Masks the names in the type of a value that has no parts to take its type from.
    fn type_of(&mut self, ty: &Type, shape: Shape<'_>, is_sensitive: bool) -> Type {
        let is_the_schemas = match shape {
            Shape::Any => false,
            Shape::Plain(declared) => !declared.has_dynamic(),
            Shape::Block(block) => !block.value_type().has_dynamic(),
            Shape::Attributes(_) | Shape::Identity(_) => true,
        };
        if is_the_schemas { ty.clone() } else { rename(ty, &mut |name| self.replace(name, is_sensitive)) }
    }
}

/// Renames the attributes of every object type in a type.
fn rename(ty: &Type, name: &mut impl FnMut(&str) -> String) -> Type {
    match ty {
        Type::String | Type::Number | Type::Bool | Type::Dynamic => ty.clone(),
        Type::List(element) => Type::list(rename(element, name)),
        Type::Set(element) => Type::set(rename(element, name)),
        Type::Map(element) => Type::map(rename(element, name)),
        Type::Tuple(elements) => Type::tuple(elements.iter().map(|element| rename(element, name)).collect::<Vec<_>>()),
        Type::Object(object) => {
            let attributes: Vec<(String, Type)> =
                object.attributes().map(|(key, attribute)| (name(key), rename(attribute, name))).collect();
            Type::object(attributes)
        }
    }
}

/// Makes a value of the same kind of other parts; `ty` is its type where it has none.
fn rebuild(value: &Value, ty: &Type, elements: Vec<Value>, entries: BTreeMap<String, Value>) -> cty::Result<Value> {
    let element_type = |is_empty: bool| match ty.element_type() {
        Some(element) if is_empty => element.clone(),
        _ => Type::Dynamic,
    };
    match value.ty() {
        Type::List(_) => Value::list(element_type(elements.is_empty()), elements),
        Type::Set(_) => Value::set(element_type(elements.is_empty()), elements),
        Type::Map(_) => Value::map(element_type(entries.is_empty()), entries),
        Type::Object(_) => Ok(Value::object(entries)),
        Type::Tuple(_) => Ok(Value::tuple(elements)),
        _ => Ok(value.unmark().0),
    }
}
