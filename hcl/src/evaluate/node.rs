//! Values of trees, by the rules of the reference implementation.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cty::convert::convert;
use cty::{Marks, Path, Refinements, Type, Value};
use model::Diagnostic;

use super::run::{MAX_TEXT, reasons, sized};
use super::{Evaluation, Scope};
use crate::expression::{For, Node, NodeKind, Unary};
use crate::function;
use crate::syntax::File;

/// How much of the stack must be left for one step, parsing included.
const STACK_LEFT: usize = 1 << 20;
/// How much stack is added where less is left.
const STACK_MORE: usize = 8 << 20;
/// How many bytes of a text are kept that is not known to its end.
const MAX_PREFIX: usize = 128;

pub(crate) type Outcome<T = Value> = Result<T, Box<Diagnostic>>;

/// Evaluates the nodes of one file in one scope.
#[derive(Clone, Copy)]
pub(crate) struct Evaluator<'a> {
    pub(crate) file: &'a File,
    pub(crate) scope: &'a dyn Scope,
    pub(crate) run: &'a Evaluation,
}

/// Names that an expression itself introduces, the innermost first.
pub(crate) struct Frame<'a> {
    names: Vec<(&'a str, Value)>,
    element: Option<Value>,
    outer: Option<&'a Frame<'a>>,
}

impl<'a> Frame<'a> {
    pub(crate) const EMPTY: Frame<'static> = Frame { names: Vec::new(), element: None, outer: None };

    /// Makes a frame of names, the last of two that are the same counting, and of the element of a splat.
    pub(crate) fn of(names: Vec<(&'a str, Value)>, element: Option<Value>) -> Self {
        Self { names, element, outer: None }
    }

    pub(crate) fn with(outer: &'a Frame<'a>, names: Vec<(&'a str, Value)>) -> Self {
        Self { names, element: None, outer: Some(outer) }
    }

    /// Makes the frame of what follows a splat.
    pub(super) fn of_element(element: Value, outer: &'a Frame<'a>) -> Self {
        Self { names: Vec::new(), element: Some(element), outer: Some(outer) }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        let own = self.names.iter().rev().find(|(own, _)| *own == name).map(|(_, value)| value);
        own.or_else(|| self.outer.and_then(|outer| outer.find(name)))
    }

    fn element(&self) -> Option<&Value> {
        self.element.as_ref().or_else(|| self.outer.and_then(Frame::element))
    }
}

impl Evaluator<'_> {
    pub(crate) fn fail(&self, range: &Range<usize>, summary: &str, detail: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error("evaluation-failed", summary, detail).at_span(self.file.span(range)))
    }

    /// Evaluates a node.
    pub(crate) fn value(&self, node: &Node, frame: &Frame<'_>) -> Outcome {
        if let Err(reason) = self.run.enter() {
            return Err(self.fail(&node.range, "Evaluation stopped", format!("It was stopped because {reason}.")));
        }
        let result = stacker::maybe_grow(STACK_LEFT, STACK_MORE, || {
            let result = match &node.kind {
                // A problem with an operand is one of the operation.
                NodeKind::Unary { .. } | NodeKind::Binary { .. } => {
                    self.minding_problems(|| self.dispatch(node, frame))
                }
                _ => self.dispatch(node, frame),
            };
            match result {
                Err(_) if self.run.is_in_spite_of_problems() && !self.run.is_stopped() => self.placeholder(node, frame),
                result => result,
            }
        });
        self.run.leave();
        result
    }

    /// Evaluates a node that has a problem: the value has the type that the reference implementation works with in places
    /// where the problem does not matter.
    pub(super) fn in_spite_of_problems(&self, node: &Node, frame: &Frame<'_>) -> Value {
        let before = self.run.set_in_spite_of_problems(true);
        let value = self.value(node, frame);
        self.run.set_in_spite_of_problems(before);
        value.unwrap_or_else(|_| Value::dynamic())
    }

    /// Gives the value that stands for a node with a problem.
    fn placeholder(&self, node: &Node, frame: &Frame<'_>) -> Outcome {
        let ty = match &node.kind {
            NodeKind::Template(_) | NodeKind::Joined(_) => Type::String,
            NodeKind::Unary { operator: Unary::Negate, .. } => Type::Number,
            NodeKind::Unary { operator: Unary::Not, .. } => Type::Bool,
            NodeKind::Binary { operator, left, right } => return self.spoiled(*operator, [left, right], frame),
            _ => Type::Dynamic,
        };
        Ok(Value::unknown(ty))
    }

    /// Evaluates something of which a problem is to be heard.
    pub(crate) fn minding_problems<T>(&self, evaluate: impl FnOnce() -> T) -> T {
        let before = self.run.set_in_spite_of_problems(false);
        let result = evaluate();
        self.run.set_in_spite_of_problems(before);
        result
    }

    fn dispatch(&self, node: &Node, frame: &Frame<'_>) -> Outcome {
        match &node.kind {
            NodeKind::Literal(value) => Ok(value.clone()),
            NodeKind::Template(parts) => self.template(parts, frame),
            NodeKind::Wrapped(inner) | NodeKind::Parentheses(inner) => self.value(inner, frame),
            NodeKind::Joined(each) => self.joined(each, frame),
            NodeKind::Name(_) | NodeKind::Attribute { .. } | NodeKind::Index { .. } => self.traversal(node, frame),
            NodeKind::SplatElement => {
                let missing = || self.fail(&node.range, "Invalid expression", "There is no splat around this.");
                frame.element().cloned().ok_or_else(missing)
            }
            NodeKind::Splat { of, each } => self.splat(node, of, each, frame),
            NodeKind::Call { name, arguments, expands_last } => {
                self.minding_problems(|| function::call(self, node, name, arguments, *expands_last, frame))
            }
            NodeKind::Tuple(elements) => {
                let values: Vec<Value> =
                    elements.iter().map(|element| self.value(element, frame)).collect::<Outcome<_>>()?;
                Ok(Value::tuple(values))
            }
            NodeKind::Object(items) => self.object(items, frame),
            NodeKind::For(parts) => self.for_each(node, parts, frame),
            NodeKind::Conditional { condition, yes, no } => self.conditional(node, [condition, yes, no], frame),
            NodeKind::Unary { operator, operand } => self.unary(*operator, operand, frame),
            NodeKind::Binary { operator, left, right } => self.binary(node, *operator, [left, right], frame),
        }
    }

    fn template(&self, parts: &[Node], frame: &Frame<'_>) -> Outcome {
        let mut text = String::new();
        let mut is_known = true;
        let mut marks = Marks::new();
        let mut is_whole = true;
        for node in parts {
            let (value, found) = self.value(node, frame)?.unmark();
            let part = match self.part(&value, &node.range) {
                Err(_) if self.run.is_in_spite_of_problems() => {
                    if !value.is_null() {
                        marks.extend(found);
                    }
                    is_whole = false;
                    continue;
                }
                part => part?,
            };
            marks.extend(found);
            match part {
                None => is_known = false,
                Some(part) if is_known && is_whole => {
                    append(&mut text, &part).map_err(|detail| self.too_long(&node.range, detail))?;
                }
                Some(_) => {}
            }
        }
        if !is_whole && !is_known {
            text.clear();
        }
        Ok(text_value(&text, is_known).with_marks(marks))
    }

    fn joined(&self, each: &Node, frame: &Frame<'_>) -> Outcome {
        let (tuple, mut marks) = self.value(each, frame)?.unmark();
        let unknown = |marks: Marks| Ok(Value::unknown(Type::String).with_marks(marks));
        if *tuple.ty() == Type::Dynamic {
            return unknown(reasons(&marks));
        }
        if !tuple.is_known() {
            return unknown(marks);
        }
        let own_marks = marks.clone();
        let mut text = String::new();
        for value in tuple.elements() {
            let (value, found) = value.unmark();
            if !value.is_known() && *value.ty() != Type::Dynamic {
                // Here a part must be able to become text even where it is not known.
                convert(&value, &Type::String).map_err(|error| {
                    let detail = format!("A part of this text cannot become text: {error}.");
                    self.fail(&each.range, "Invalid template value", detail)
                })?;
            }
            match self.part(&value, &each.range)? {
                Some(part) => append(&mut text, &part).map_err(|detail| self.too_long(&each.range, detail))?,
                None => return unknown(own_marks.into_iter().chain(reasons(&found)).collect()),
            }
            marks.extend(found);
        }
        Ok(Value::string(text).with_marks(marks))
    }

    /// Makes text of a part of a template; nothing where it is not known, whatever its type.
    fn part(&self, value: &Value, range: &Range<usize>) -> Outcome<Option<Arc<str>>> {
        if value.is_null() {
            let detail = "A part of this text is null; text cannot hold null.";
            return Err(self.fail(range, "Invalid template value", detail));
        }
        if !value.is_known() {
            return Ok(None);
        }
        let converted = convert(value, &Type::String).map_err(|error| {
            let detail = format!("A part of this text cannot become text: {error}.");
            self.fail(range, "Invalid template value", detail)
        })?;
        Ok(converted.as_str().map(Arc::from))
    }

    fn too_long(&self, range: &Range<usize>, detail: String) -> Box<Diagnostic> {
        self.fail(range, "Text too long", detail)
    }

    fn object(&self, items: &[(Node, Node)], frame: &Frame<'_>) -> Outcome {
        let mut attributes = BTreeMap::new();
        let mut marks = Marks::new();
        let mut is_known = true;
        for (key_node, value_node) in items {
            let key = self.minding_problems(|| {
                let key = self.object_key(key_node, frame)?;
                self.key(&key, &mut marks, &key_node.range)
            });
            let key = match key {
                Err(_) if self.run.is_in_spite_of_problems() => None,
                key => key?,
            };
            let value = self.value(value_node, frame)?;
            match key {
                Some(key) => {
                    attributes.insert(key, value);
                }
                None => is_known = false,
            }
        }
        if !is_known {
            return Ok(Value::dynamic().with_marks(reasons(&marks)));
        }
        Ok(Value::object(attributes).with_marks(marks))
    }

    /// Evaluates what stands before `=` in an object: a name stands for itself.
    fn object_key(&self, node: &Node, frame: &Frame<'_>) -> Outcome {
        match &node.kind {
            NodeKind::Name(name) => Ok(Value::string(name.clone())),
            NodeKind::Literal(value) if value.is_null() => Ok(Value::string("null")),
            NodeKind::Attribute { .. } if node.reference().is_some() => {
                let detail = "As a key this is ambiguous: put it in parentheses to refer to a value, or in quotes to \
                              mean the text.";
                Err(self.fail(&node.range, "Ambiguous key", detail))
            }
            _ => self.value(node, frame),
        }
    }

    /// Makes a key of a value; `None` where it is not known.
    fn key(&self, key: &Value, marks: &mut Marks, range: &Range<usize>) -> Outcome<Option<String>> {
        if key.is_null() {
            return Err(self.fail(range, "Invalid key", "A key cannot be null."));
        }
        let (key, found) = key.unmark();
        marks.extend(found);
        let key = convert(&key, &Type::String)
            .map_err(|error| self.fail(range, "Invalid key", format!("A key must be text: {error}.")))?;
        Ok(key.as_str().map(str::to_owned))
    }

    fn for_each(&self, node: &Node, parts: &For, frame: &Frame<'_>) -> Outcome {
        let (collection, mut marks) = self.value(&parts.collection, frame)?.unmark();
        let range = &parts.collection.range;
        if collection.is_null() {
            return Err(self.fail(range, "Invalid collection", "What `for` goes through is null."));
        }
        if *collection.ty() == Type::Dynamic {
            return Ok(Value::dynamic().with_marks(reasons(&marks)));
        }
        let Some(elements) = pairs(&collection) else {
            let detail = format!("`for` cannot go through a {}.", collection.ty().friendly_name());
            return Err(self.fail(range, "Invalid collection", detail));
        };
        let frame_of = |key: Value, value: Value| {
            let mut names = Vec::with_capacity(2);
            names.extend(parts.key_name.as_ref().map(|name| (name.as_str(), key)));
            names.push((parts.value_name.as_str(), value));
            Frame::with(frame, names)
        };
        if let Some(condition) = &parts.condition {
            // A condition that is wrong whatever the elements are is wrong even where there is none.
            let mut found = Marks::new();
            let inner = frame_of(Value::dynamic(), Value::dynamic());
            let value = self.minding_problems(|| self.value(condition, &inner))?;
            self.truth(condition, &value, &mut found)?;
            if !collection.is_known() {
                marks.extend(found);
            }
        }
        if !collection.is_known() {
            return Ok(Value::dynamic().with_marks(marks));
        }
        let mut values = Vec::new();
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut is_known = true;
        for (key, value) in elements {
            let inner = frame_of(key, value);
            if let Some(condition) = &parts.condition {
                let value = self.value(condition, &inner)?;
                if parts.key.is_none() && !value.is_known() {
                    marks.extend(value.marks().iter().cloned());
                    is_known = false;
                    continue;
                }
                match self.known_or(is_known, self.truth(condition, &value, &mut marks))? {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        is_known = false;
                        continue;
                    }
                }
            }
            let Some(key_node) = &parts.key else {
                values.push(self.value(&parts.value, &inner)?);
                continue;
            };
            let key = self.value(key_node, &inner)?;
            let Some(key) = self.known_or(is_known, self.for_key(&key, &mut marks, &key_node.range))? else {
                is_known = false;
                continue;
            };
            let value = self.value(&parts.value, &inner)?;
            let group = groups.entry(key).or_default();
            group.push(value);
            if group.len() > 1 && !parts.groups && !self.run.is_in_spite_of_problems() {
                let detail = "Two elements have the same key; write `...` behind the value to group them.";
                return Err(self.fail(&node.range, "Duplicate key", detail));
            }
        }
        let result = match (&parts.key, is_known) {
            (_, false) => Value::dynamic(),
            (None, true) => Value::tuple(values),
            (Some(_), true) if parts.groups => {
                Value::object(groups.into_iter().map(|(key, group)| (key, Value::tuple(group))).collect())
            }
            (Some(_), true) => {
                let single = groups.into_iter().filter_map(|(key, group)| Some((key, group.into_iter().next()?)));
                Value::object(single.collect())
            }
        };
        sized(self.file, &node.range, result).map(|result| result.with_marks(marks))
    }

    /// Makes a key of `for` of a value; one that is not known need not even have the right type.
    fn for_key(&self, key: &Value, marks: &mut Marks, range: &Range<usize>) -> Outcome<Option<String>> {
        if key.is_known() {
            return self.key(key, marks, range);
        }
        marks.extend(key.marks().iter().cloned());
        Ok(None)
    }

    /// Passes on a problem only as long as the result can still be known, and problems matter: else nobody hears of it.
    fn known_or<T>(&self, is_known: bool, outcome: Outcome<Option<T>>) -> Outcome<Option<T>> {
        let is_heard = is_known && !self.run.is_in_spite_of_problems();
        match outcome {
            Err(problem) if is_heard || self.run.is_stopped() => Err(problem),
            Err(_) => Ok(None),
            found => found,
        }
    }

    /// Makes a bool of the value of a condition; `None` where it is not known.
    fn truth(&self, node: &Node, value: &Value, marks: &mut Marks) -> Outcome<Option<bool>> {
        if value.is_null() {
            return Err(self.fail(&node.range, "Invalid condition", "A condition is true or false; this one is null."));
        }
        let (value, found) = value.unmark();
        marks.extend(found);
        let value = convert(&value, &Type::Bool)
            .map_err(|error| self.fail(&node.range, "Invalid condition", format!("It is no condition: {error}.")))?;
        Ok(value.as_bool())
    }
}

/// Adds to a text; refuses what is too long.
fn append(text: &mut String, part: &str) -> Result<(), String> {
    if text.len() + part.len() > MAX_TEXT {
        return Err(format!("The text would have more than {MAX_TEXT} bytes."));
    }
    text.push_str(part);
    Ok(())
}

fn text_value(text: &str, is_known: bool) -> Value {
    if is_known {
        return Value::string(text);
    }
    // Terraform keeps no more of a prefix.
    let prefix = &text[..text.floor_char_boundary(MAX_PREFIX)];
    let refinements = Refinements::new().not_null().string_prefix(prefix);
    Value::unknown_refined(Type::String, refinements).unwrap_or_else(|_| Value::unknown(Type::String))
}

/// Gives keys and values of a collection; `None` for what is none. Elements of sets are their own keys.
pub(crate) fn pairs(collection: &Value) -> Option<Vec<(Value, Value)>> {
    match collection.ty() {
        Type::List(_) | Type::Tuple(_) => Some(
            collection
                .elements()
                .enumerate()
                .map(|(index, value)| (Value::from(index as u64), value.clone()))
                .collect(),
        ),
        Type::Set(_) => Some(collection.elements().map(|value| (value.clone(), value.clone())).collect()),
        Type::Map(_) | Type::Object(_) => {
            Some(collection.entries().map(|(name, value)| (Value::string(name), value.clone())).collect())
        }
        _ => None,
    }
}

pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Says where in a value something is, for a message.
pub(crate) fn place(path: &Path) -> String {
    if path.is_empty() { String::new() } else { format!(" at {path}") }
}
