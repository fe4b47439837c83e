//! The arguments and blocks that the configuration of an object may hold, and configurations made of them.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Path, PathStep, Type, Value};
use model::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode};

use super::{spelling, standin};
use crate::compare::canonical::is_blank;

/// The position of an argument among all of its object.
pub(super) type Id = usize;

/// Of collections with more elements, only those arguments are known that the object sets.
const MAX_ELEMENTS_WITH_UNSET: usize = 50;

/// One argument or nested block of the object, at one place.
#[derive(Debug)]
pub(super) struct Argument {
    /// Where it is in the object; elements of sets are their own step.
    pub(super) path: Path,
    /// The names on the way, without the keys of elements: equal for the same argument of each element.
    pub(super) pattern: String,
    /// The argument or block that it is part of.
    pub(super) parent: Option<Id>,
    /// What the object holds.
    pub(super) value: Value,
    /// Whether it is a nested block, all of its kind together.
    pub(super) is_block: bool,
    /// Whether it must be set wherever its parent is.
    pub(super) is_required: bool,
    /// Whether the provider sets it where the configuration does not; of blocks the schema does not tell.
    pub(super) is_computed: bool,
    pub(super) is_deprecated: bool,
    pub(super) is_sensitive: bool,
    pub(super) is_write_only: bool,
    /// Whether the object holds nothing here, or what an old SDK cannot tell from nothing.
    pub(super) is_blank: bool,
    /// Whether it is an attribute of an object of which the schema has nothing but the type: all of those are written,
    /// null where they say nothing.
    pub(super) is_plain_part: bool,
    /// Whether it is in an element of a set, where no path leads.
    pub(super) is_in_set: bool,
    /// Its value with the spelling of `jsonencode`, where that is another one.
    pub(super) respelled: Option<Value>,
    /// Blocks that must be there and are not: as many as are needed, with stand-ins.
    pub(super) skeleton: Option<Value>,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    /// The value as a whole.
    Whole,
    /// One object.
    Object(Vec<Id>),
    /// A collection of objects, each with its key.
    Elements(Vec<(Value, Vec<Id>)>),
}

impl Argument {
    pub(super) fn name(&self) -> &str {
        self.pattern.rsplit('.').next().unwrap_or_default()
    }
}

/// What is written for an argument.
pub(super) type Choice = u16;
/// Nothing.
pub(super) const ABSENT: Choice = 0;
/// What the object holds; of what has parts, those that are written.
pub(super) const OBSERVED: Choice = 1;

/// A configuration: what is written for each argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    /// By argument.
    pub(super) choices: Vec<Choice>,
    /// Arguments whose changes are ignored.
    pub(super) ignored: BTreeSet<Id>,
    /// Whether the creation of such an object is planned, rather than a change of it.
    pub(super) is_creation: bool,
}

/// All arguments of one object.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) all: Vec<Argument>,
    /// What can be written for an argument beside what the object holds.
    alternatives: Vec<Vec<Value>>,
    root: Vec<Id>,
    ty: Type,
    by_pattern: BTreeMap<String, Vec<Id>>,
    own_texts: Vec<String>,
}

impl Arguments {
    /// Finds the arguments of an object.
    pub(super) fn of(block: &Block, observed: &Value) -> Self {
        let mut arguments = Self {
            all: Vec::new(),
            alternatives: Vec::new(),
            root: Vec::new(),
            ty: observed.ty().clone(),
            by_pattern: BTreeMap::new(),
            own_texts: Vec::new(),
        };
        for name in ["id", "arn"] {
            let value = observed.get_attr(name).ok();
            arguments.own_texts.extend(value.and_then(|value| value.as_str().map(str::to_owned)));
        }
        let place = At { path: &Path::new(), pattern: "", parent: None, is_in_set: false, has_unset: true };
        arguments.root = arguments.enter_block(block, observed, place);
        arguments.alternatives.resize(arguments.all.len(), Vec::new());
        for (id, argument) in arguments.all.iter().enumerate() {
            arguments.by_pattern.entry(argument.pattern.clone()).or_default().push(id);
        }
        arguments
    }

    fn enter_block(&mut self, block: &Block, object: &Value, at: At<'_>) -> Vec<Id> {
        let mut children = self.enter_attributes(&block.attributes, object, at);
        for (name, nested) in &block.blocks {
            let Ok(value) = object.get_attr(name) else { continue };
            children.push(self.enter_nested_block(name, nested, value, at));
        }
        children
    }

    fn enter_nested_block(&mut self, name: &str, nested: &NestedBlock, value: Value, at: At<'_>) -> Id {
        let is_required = nested.min_items > 0 || nested.nesting == NestingMode::Group;
        let id = self.enter(name, value, at);
        let argument = &mut self.all[id];
        argument.is_block = true;
        argument.is_required = is_required;
        argument.is_deprecated = nested.block.deprecated;
        if is_required && argument.value.is_empty() {
            argument.skeleton = standin::for_block(&nested.block, nested.nesting, nested.min_items);
        }
        let enter = |arguments: &mut Self, object: &Value, at: At<'_>| arguments.enter_block(&nested.block, object, at);
        self.enter_parts(id, nested.nesting, at, enter);
        id
    }

    fn enter_attributes(&mut self, attributes: &BTreeMap<String, Attribute>, object: &Value, at: At<'_>) -> Vec<Id> {
        let mut children = Vec::new();
        for (name, attribute) in attributes {
            let Ok(value) = object.get_attr(name) else { continue };
            let is_settable = attribute.required || attribute.optional;
            if !is_settable || (value.is_null() && !attribute.required && !at.has_unset) {
                continue;
            }
            let id = self.enter(name, value, at);
            let argument = &mut self.all[id];
            argument.is_required = attribute.required;
            argument.is_computed = attribute.computed;
            argument.is_deprecated = attribute.deprecated;
            argument.is_sensitive = attribute.sensitive;
            argument.is_write_only = attribute.write_only;
            match &attribute.ty {
                AttributeType::Nested(nested) => self.enter_nested_attribute(id, nested, at),
                AttributeType::Plain(ty) if is_block_like(ty) => self.enter_plain_objects(id, at),
                AttributeType::Plain(_) => {
                    let argument = &mut self.all[id];
                    argument.respelled = argument.value.as_str().and_then(spelling::respell);
                }
            }
            children.push(id);
        }
        children
    }

    fn enter_nested_attribute(&mut self, id: Id, nested: &NestedObject, at: At<'_>) {
        let enter = |arguments: &mut Self, object: &Value, at: At<'_>| {
            arguments.enter_attributes(&nested.attributes, object, at)
        };
        self.enter_parts(id, nested.nesting, at, enter);
    }

    /// Finds the attributes of objects that older SDKs declare as an attribute and people write as blocks.
    fn enter_plain_objects(&mut self, id: Id, at: At<'_>) {
        let enter = |arguments: &mut Self, object: &Value, at: At<'_>| {
            let enter = |(name, value): (&str, &Value)| {
                let id = arguments.enter(name, value.clone(), at);
                let argument = &mut arguments.all[id];
                argument.is_plain_part = true;
                argument.is_blank = is_blank(value);
                id
            };
            object.entries().map(enter).collect()
        };
        self.enter_parts(id, NestingMode::List, at, enter);
    }

    fn enter(&mut self, name: &str, value: Value, at: At<'_>) -> Id {
        let dot = if at.pattern.is_empty() { "" } else { "." };
        self.all.push(Argument {
            path: at.path.clone().attr(name),
            pattern: format!("{}{dot}{name}", at.pattern),
            parent: at.parent,
            is_block: false,
            is_required: false,
            is_computed: false,
            is_deprecated: false,
            is_sensitive: false,
            is_write_only: false,
            is_blank: is_zero(&value),
            is_plain_part: false,
            is_in_set: at.is_in_set,
            respelled: None,
            skeleton: None,
            value,
            parts: Parts::Whole,
        });
        self.all.len() - 1
    }

    /// Finds the arguments inside an argument or block that was entered.
    fn enter_parts(
        &mut self,
        id: Id,
        nesting: NestingMode,
        at: At<'_>,
        enter: impl Fn(&mut Self, &Value, At<'_>) -> Vec<Id>,
    ) {
        let (path, pattern, value) =
            (self.all[id].path.clone(), self.all[id].pattern.clone(), self.all[id].value.clone());
        if value.is_null() || !value.is_known() {
            return;
        }
        let inside = At { path: &path, pattern: &pattern, parent: Some(id), ..at };
        self.all[id].parts = if matches!(nesting, NestingMode::Single | NestingMode::Group) {
            Parts::Object(enter(self, &value, inside))
        } else {
            let is_set = value.ty().is_set();
            let has_unset = at.has_unset && value.len() <= MAX_ELEMENTS_WITH_UNSET;
            let elements = elements(&value).into_iter().map(|(key, element)| {
                let path = path.clone().index(key.clone());
                let is_in_set = at.is_in_set || is_set;
                (key, enter(self, element, At { path: &path, has_unset, is_in_set, ..inside }))
            });
            Parts::Elements(elements.collect())
        };
    }

    /// Gives the id and the ARN of the object, where it has them.
    pub(super) fn own_texts(&self) -> impl Iterator<Item = &str> {
        self.own_texts.iter().map(String::as_str)
    }

    /// Gives the choice of a value that the object does not hold.
    pub(super) fn alternative(&mut self, id: Id, value: &Value) -> Choice {
        let alternatives = &mut self.alternatives[id];
        let at = alternatives.iter().position(|own| own == value).unwrap_or_else(|| {
            alternatives.push(value.clone());
            alternatives.len() - 1
        });
        OBSERVED + 1 + at as Choice
    }

    /// Tells whether what is written for an argument stands for what nobody can read back, rather than being another
    /// spelling of what the object holds.
    pub(super) fn is_stand_in(&self, id: Id, choice: Choice) -> bool {
        if choice <= OBSERVED {
            return false;
        }
        let argument = &self.all[id];
        let written = self.alternatives[id].get(usize::from(choice - OBSERVED - 1));
        let with_scheme = argument.value.as_str().and_then(spelling::with_scheme);
        written != argument.respelled.as_ref() && written != with_scheme.as_ref()
    }

    /// Gives the arguments and blocks directly inside one.
    pub(super) fn children(&self, id: Id) -> Vec<Id> {
        match &self.all[id].parts {
            Parts::Whole => Vec::new(),
            Parts::Object(children) => children.clone(),
            Parts::Elements(elements) => elements.iter().flat_map(|(_, children)| children.iter().copied()).collect(),
        }
    }

    /// Tells whether an argument is part of another one.
    pub(super) fn is_inside(&self, id: Id, outer: Id) -> bool {
        self.ancestors(id).any(|ancestor| ancestor == outer)
    }

    /// Gives what an argument is part of, from the inside out.
    pub(super) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.all[id].parent, |id| self.all[*id].parent)
    }

    /// Tells whether a configuration holds an argument.
    pub(super) fn is_written(&self, attempt: &Attempt, id: Id) -> bool {
        let holds = |id: Id| match attempt.choices[id] {
            ABSENT => false,
            OBSERVED if self.all[id].is_block && self.all[id].value.is_empty() => false,
            OBSERVED => !self.all[id].value.is_null(),
            _ => true,
        };
        let has_whole = self.ancestors(id).any(|outer| attempt.choices[outer] > OBSERVED);
        !has_whole && holds(id) && self.ancestors(id).all(holds)
    }

    /// Gives the arguments with these names, the nearest to another one only.
    pub(super) fn named(&self, names: &str, near: Option<Id>) -> Vec<Id> {
        for outer in near.into_iter().flat_map(|near| self.ancestors(near)) {
            let pattern = format!("{}.{names}", self.all[outer].pattern);
            let found = self.with_pattern(&pattern);
            if !found.is_empty() {
                let siblings: Vec<Id> =
                    found.iter().copied().filter(|id| near.is_some_and(|near| self.are_siblings(*id, near))).collect();
                return if siblings.is_empty() { found.to_vec() } else { siblings };
            }
        }
        if let found @ [_, ..] = self.with_pattern(names) {
            return found.to_vec();
        }
        let suffix = format!(".{names}");
        let mut patterns = self.by_pattern.iter().filter(|(pattern, _)| pattern.ends_with(&suffix));
        match (patterns.next(), patterns.next()) {
            (Some((_, found)), None) => found.clone(),
            _ => Vec::new(),
        }
    }

    /// Gives every place of an argument.
    pub(super) fn with_pattern(&self, pattern: &str) -> &[Id] {
        self.by_pattern.get(pattern).map_or(&[], Vec::as_slice)
    }

    /// Tells whether two arguments are in the same object.
    fn are_siblings(&self, a: Id, b: Id) -> bool {
        let steps = |id: Id| self.all[id].path.steps();
        let (a, b) = (steps(a), steps(b));
        a.len() == b.len() && a[..a.len() - 1] == b[..b.len() - 1]
    }

    /// Gives the arguments that a path leads to, or the innermost on the way where it leads to none: several where a
    /// step cannot tell elements apart.
    pub(super) fn at(&self, path: &Path) -> Vec<Id> {
        let mut found: Vec<Id> = Vec::new();
        let mut level: Vec<Id> = self.root.clone();
        for step in path.steps() {
            let next: Vec<Id> = match step {
                PathStep::GetAttr(name) => level.iter().copied().filter(|id| self.all[*id].name() == name).collect(),
                PathStep::Index(key) => {
                    level = found.iter().flat_map(|id| self.element(*id, key)).collect();
                    continue;
                }
            };
            if next.is_empty() {
                break;
            }
            level = next.iter().flat_map(|id| self.children(*id)).collect();
            found = next;
        }
        found
    }

    /// Gives what is inside the element with a key; inside all elements where there is no such key.
    fn element(&self, id: Id, key: &Value) -> Vec<Id> {
        match &self.all[id].parts {
            Parts::Elements(elements) => match elements.iter().find(|(own, _)| own == key) {
                Some((_, children)) => children.clone(),
                None => self.children(id),
            },
            Parts::Whole | Parts::Object(_) => self.children(id),
        }
    }

    /// Makes the value of a configuration.
    pub(super) fn render(&self, attempt: &Attempt) -> Value {
        self.render_object(&self.ty, &self.root, attempt)
    }

    fn render_object(&self, ty: &Type, children: &[Id], attempt: &Attempt) -> Value {
        let Some(object) = ty.as_object() else { return Value::null(ty.clone()) };
        let mut attributes: BTreeMap<String, Value> =
            object.attributes().map(|(name, ty)| (name.to_owned(), Value::null(ty.clone()))).collect();
        for id in children {
            attributes.insert(self.all[*id].name().to_owned(), self.render_argument(*id, attempt));
        }
        Value::object(attributes)
    }

    fn render_argument(&self, id: Id, attempt: &Attempt) -> Value {
        let argument = &self.all[id];
        match attempt.choices[id] {
            ABSENT if argument.is_block => nothing_of(&argument.value),
            ABSENT => Value::null(argument.value.ty().clone()),
            OBSERVED => self.render_parts(argument, attempt),
            choice => self.alternatives[id][usize::from(choice - OBSERVED - 1)].clone(),
        }
    }

    fn render_parts(&self, argument: &Argument, attempt: &Attempt) -> Value {
        let value = &argument.value;
        let rebuilt = match (&argument.parts, value.ty()) {
            (Parts::Whole, _) => return value.clone(),
            (Parts::Object(children), ty) => Ok(self.render_object(ty, children, attempt)),
            (Parts::Elements(elements), ty) => {
                let of = value.elements().map(Value::ty).chain(value.entries().map(|(_, element)| element.ty()));
                let rendered = elements
                    .iter()
                    .zip(of)
                    .map(|((key, children), ty)| (key, self.render_object(ty, children, attempt)));
                let named = |key: &Value| key.as_str().unwrap_or_default().to_owned();
                match ty {
                    Type::List(_) => Value::list(Type::Dynamic, rendered.map(|(_, element)| element).collect()),
                    Type::Set(_) => Value::set(Type::Dynamic, rendered.map(|(_, element)| element).collect()),
                    Type::Map(_) => {
                        Value::map(Type::Dynamic, rendered.map(|(key, element)| (named(key), element)).collect())
                    }
                    Type::Object(_) => {
                        Ok(Value::object(rendered.map(|(key, element)| (named(key), element)).collect()))
                    }
                    _ => Ok(Value::tuple(rendered.map(|(_, element)| element).collect())),
                }
            }
        };
        rebuilt.ok().filter(|_| !value.is_empty()).unwrap_or_else(|| value.clone())
    }
}

#[derive(Clone, Copy)]
struct At<'a> {
    path: &'a Path,
    pattern: &'a str,
    parent: Option<Id>,
    is_in_set: bool,
    has_unset: bool,
}

/// Gives the objects in a collection of such, each with its key.
pub(super) fn elements(collection: &Value) -> Vec<(Value, &Value)> {
    let is_set = collection.ty().is_set();
    let elements = collection.elements().enumerate().map(|(index, element)| {
        let key = if is_set { element.clone() } else { Value::from(index as u64) };
        (key, element)
    });
    elements.chain(collection.entries().map(|(name, element)| (Value::string(name), element))).collect()
}

/// Tells whether a type is that of a collection of objects.
fn is_block_like(ty: &Type) -> bool {
    matches!(ty, Type::List(element) | Type::Set(element) if matches!(**element, Type::Object(_)))
}

/// Gives the value where no block of a kind is written.
fn nothing_of(blocks: &Value) -> Value {
    let ty = blocks.ty();
    let empty = match ty {
        Type::List(element) => Value::list(Type::clone(element), Vec::new()),
        Type::Set(element) => Value::set(Type::clone(element), Vec::new()),
        Type::Map(element) => Value::map(Type::clone(element), BTreeMap::new()),
        Type::Tuple(_) => Ok(Value::tuple(Vec::new())),
        _ => Ok(Value::null(ty.clone())),
    };
    empty.unwrap_or_else(|_| Value::null(ty.clone()))
}

/// Tells whether a value is what an SDK of the old type system cannot tell from nothing.
pub(super) fn is_zero(value: &Value) -> bool {
    is_blank(value) || value.as_bool() == Some(false) || value.as_number().is_some_and(cty::Number::is_zero)
}
