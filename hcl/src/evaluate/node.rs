//! Values of trees, by the rules of the reference implementation.

use std::collections::BTreeMap;
use std::ops::Range;

use cty::convert::{convert, unify_unsafe};
use cty::{Marks, Path, Refinements, Type, Value};
use model::Diagnostic;

use super::run::{MAX_TEXT, sized};
use super::{Evaluation, Resolved, Scope};
use crate::expression::{Binary, For, Node, NodeKind, ReferenceStep, Unary};
use crate::function;
use crate::syntax::File;

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

    fn find(&self, name: &str) -> Option<&Value> {
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
        let result = self.dispatch(node, frame);
        self.run.leave();
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
                function::call(self, node, name, arguments, *expands_last, frame)
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
        for part in parts {
            let value = self.value(part, frame)?;
            self.append(&mut text, &value, &mut marks, &mut is_known, &part.range)?;
        }
        Ok(text_value(&text, is_known).with_marks(marks))
    }

    fn joined(&self, each: &Node, frame: &Frame<'_>) -> Outcome {
        let (tuple, mut marks) = self.value(each, frame)?.unmark();
        if !tuple.is_known() {
            return Ok(Value::unknown(Type::String).with_marks(marks));
        }
        let mut text = String::new();
        let mut is_known = true;
        for value in tuple.elements() {
            self.append(&mut text, value, &mut marks, &mut is_known, &each.range)?;
        }
        Ok(text_value(&text, is_known).with_marks(marks))
    }

    /// Adds a value to a text; what stands behind the first unknown part is not known.
    fn append(
        &self,
        text: &mut String,
        value: &Value,
        marks: &mut Marks,
        is_known: &mut bool,
        range: &Range<usize>,
    ) -> Outcome<()> {
        let (value, found) = value.unmark();
        marks.extend(found);
        if value.is_null() {
            let detail = "A part of this text is null; text cannot hold null.";
            return Err(self.fail(range, "Invalid template value", detail));
        }
        let converted = convert(&value, &Type::String).map_err(|error| {
            let detail = format!("A part of this text cannot become text: {error}.");
            self.fail(range, "Invalid template value", detail)
        })?;
        match converted.as_str() {
            Some(part) if *is_known => {
                if text.len() + part.len() > MAX_TEXT {
                    let detail = format!("The text would have more than {MAX_TEXT} bytes.");
                    return Err(self.fail(range, "Text too long", detail));
                }
                text.push_str(part);
            }
            Some(_) => {}
            None => *is_known = false,
        }
        Ok(())
    }

    fn traversal(&self, node: &Node, frame: &Frame<'_>) -> Outcome {
        if let Some((name, steps)) = node.reference() {
            return match frame.find(name) {
                Some(value) => self.walk(value.clone(), &steps, &node.range),
                None => self.reference(name, &steps, &node.range),
            };
        }
        match &node.kind {
            NodeKind::Attribute { of, name } => {
                let value = self.value(of, frame)?;
                self.step(&value, &ReferenceStep::Attribute(name), &node.range)
            }
            NodeKind::Index { of, key } => {
                let value = self.value(of, frame)?;
                let key = self.value(key, frame)?;
                self.step(&value, &ReferenceStep::Index(&key), &node.range)
            }
            _ => Err(self.fail(&node.range, "Invalid expression", "A reference must stand here.")),
        }
    }

    fn reference(&self, name: &str, steps: &[ReferenceStep<'_>], range: &Range<usize>) -> Outcome {
        let (value, n_steps) = match self.scope.resolve(name, steps, self.run) {
            Resolved::Value { value, n_steps } => (value, n_steps),
            Resolved::Unknown { ty, n_steps, reason } => {
                let value = Value::unknown(ty);
                (self.run.because(&value, reason, Some(self.file.span(range))), n_steps)
            }
            Resolved::Failed(problem) => return Err(problem),
            Resolved::Invalid(detail) => return Err(self.fail(range, "Invalid reference", detail)),
        };
        let value = self.walk(value, steps.get(n_steps..).unwrap_or_default(), range)?;
        if !value.is_wholly_known() {
            self.run.saw_unknown();
        }
        Ok(value)
    }

    fn walk(&self, value: Value, steps: &[ReferenceStep<'_>], range: &Range<usize>) -> Outcome {
        steps.iter().try_fold(value, |value, step| self.step(&value, step, range))
    }

    /// Goes from a value to one of its elements or attributes.
    fn step(&self, value: &Value, step: &ReferenceStep<'_>, range: &Range<usize>) -> Outcome {
        let fail = |detail: String| self.fail(range, "Invalid reference", detail);
        let (bare, _) = value.unmark();
        let key = match step {
            ReferenceStep::Attribute(name) => Value::string(*name),
            ReferenceStep::Index(key) => (*key).clone(),
        };
        if bare.is_null() {
            return Err(fail("This value is null, so nothing is inside of it.".to_owned()));
        }
        if key.is_null() {
            return Err(fail("The key is null.".to_owned()));
        }
        let found = match bare.ty() {
            Type::Dynamic => return Ok(Value::dynamic().with_marks(value.marks().iter().chain(key.marks()).cloned())),
            Type::Object(_) => {
                let (name, marks) = convert(&key, &Type::String).map_err(|error| fail(format!("{error}.")))?.unmark();
                match name.as_str() {
                    // A key that was computed may be secret.
                    Some(name)
                        if matches!(step, ReferenceStep::Index(_))
                            && bare.ty().as_object().is_some_and(|ty| ty.get(name).is_none()) =>
                    {
                        return Err(fail("The object has no attribute of this name.".to_owned()));
                    }
                    Some(name) => value.get_attr(name).map(|found| found.with_marks(marks)),
                    None => {
                        let all = value.marks().iter().cloned().chain(marks);
                        return Ok(Value::dynamic().with_marks(all));
                    }
                }
            }
            Type::Map(_) => {
                value.index(&convert(&key, &Type::String).map_err(|error| fail(format!("The key is wrong: {error}.")))?)
            }
            Type::List(_) | Type::Tuple(_) if matches!(step, ReferenceStep::Index(_)) => {
                let key =
                    convert(&key, &Type::Number).map_err(|error| fail(format!("The index is wrong: {error}.")))?;
                value.index(&key)
            }
            Type::List(_) | Type::Tuple(_) | Type::Set(_) => {
                let name = bare.ty().friendly_name();
                let detail = match step {
                    ReferenceStep::Attribute(attribute) => format!(
                        "This is a {name}, which has no attribute {attribute:?}; name an element first, or take all with `[*]`."
                    ),
                    ReferenceStep::Index(_) => "The elements of a set have no index.".to_owned(),
                };
                return Err(fail(detail));
            }
            other => return Err(fail(format!("This is a {}, which holds nothing inside.", other.friendly_name()))),
        };
        found.map_err(|error| fail(format!("{}.", capitalized(error.message()))))
    }

    fn splat(&self, node: &Node, of: &Node, each: &Node, frame: &Frame<'_>) -> Outcome {
        let (source, marks) = self.value(of, frame)?.unmark();
        let is_sequence = matches!(source.ty(), Type::Tuple(_) | Type::List(_) | Type::Set(_));
        if source.is_null() {
            if is_sequence {
                let detail = "The value before the splat is null; a splat needs a list, or one value.";
                return Err(self.fail(&node.range, "Splat of null", detail));
            }
            return Ok(Value::tuple(Vec::new()).with_marks(marks));
        }
        if *source.ty() == Type::Dynamic {
            return Ok(Value::dynamic().with_marks(marks));
        }
        let of_each = |element: Value| {
            let inner = Frame { names: Vec::new(), element: Some(element), outer: Some(frame) };
            self.value(each, &inner)
        };
        if !source.is_known() {
            let ty = match source.ty() {
                Type::List(element) | Type::Set(element) => {
                    Type::list(of_each(Value::unknown(Type::clone(element)))?.ty().clone())
                }
                _ => Type::Dynamic,
            };
            return Ok(Value::unknown(ty).with_marks(marks));
        }
        let elements: Vec<Value> =
            if is_sequence { source.elements().cloned().collect() } else { vec![source.clone()] };
        let values: Vec<Value> = elements.into_iter().map(of_each).collect::<Outcome<_>>()?;
        let result = match source.ty() {
            Type::List(element) | Type::Set(element) => {
                let ty = match values.first() {
                    Some(_) => Type::Dynamic,
                    None => of_each(Value::unknown(Type::clone(element)))?.unmark().0.ty().clone(),
                };
                Value::list(ty, values.clone()).unwrap_or_else(|_| Value::tuple(values))
            }
            _ => Value::tuple(values),
        };
        Ok(result.with_marks(marks))
    }

    fn object(&self, items: &[(Node, Node)], frame: &Frame<'_>) -> Outcome {
        let mut attributes = BTreeMap::new();
        let mut marks = Marks::new();
        let mut is_known = true;
        for (key_node, value_node) in items {
            let key = match &key_node.kind {
                NodeKind::Name(name) => Value::string(name.clone()),
                NodeKind::Literal(value) if value.is_null() => Value::string("null"),
                NodeKind::Attribute { .. } if key_node.reference().is_some() => {
                    let detail = "As a key this is ambiguous: put it in parentheses to refer to a value, or in quotes to \
                                  mean the text.";
                    return Err(self.fail(&key_node.range, "Ambiguous key", detail));
                }
                _ => self.value(key_node, frame)?,
            };
            let value = self.value(value_node, frame)?;
            match self.key(&key, &mut marks, &key_node.range)? {
                Some(key) => {
                    attributes.insert(key, value);
                }
                None => is_known = false,
            }
        }
        let object = if is_known { Value::object(attributes) } else { Value::dynamic() };
        Ok(object.with_marks(marks))
    }

    /// Makes a key of a value; `None` where it is not known.
    fn key(&self, key: &Value, marks: &mut Marks, range: &Range<usize>) -> Outcome<Option<String>> {
        let (key, found) = key.unmark();
        marks.extend(found);
        if key.is_null() {
            return Err(self.fail(range, "Invalid key", "A key cannot be null."));
        }
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
            return Ok(Value::dynamic().with_marks(marks));
        }
        let Some(elements) = pairs(&collection) else {
            let detail = format!("`for` cannot go through a {}.", collection.ty().friendly_name());
            return Err(self.fail(range, "Invalid collection", detail));
        };
        if !collection.is_known() {
            return Ok(Value::dynamic().with_marks(marks));
        }
        let mut values = Vec::new();
        let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut is_known = true;
        for (key, value) in elements {
            let mut names = vec![(parts.value_name.as_str(), value)];
            if let Some(name) = &parts.key_name {
                names.insert(0, (name.as_str(), key));
            }
            let inner = Frame::with(frame, names);
            if let Some(condition) = &parts.condition {
                match self.truth(condition, &mut marks, &inner)? {
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
            let Some(key) = self.key(&key, &mut marks, &key_node.range)? else {
                is_known = false;
                continue;
            };
            let value = self.value(&parts.value, &inner)?;
            let group = groups.entry(key).or_default();
            group.push(value);
            if group.len() > 1 && !parts.groups {
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

    /// Evaluates a condition to a bool; `None` where that is not known.
    fn truth(&self, node: &Node, marks: &mut Marks, frame: &Frame<'_>) -> Outcome<Option<bool>> {
        let (value, found) = self.value(node, frame)?.unmark();
        marks.extend(found);
        if value.is_null() {
            return Err(self.fail(&node.range, "Invalid condition", "A condition is true or false; this one is null."));
        }
        let value = convert(&value, &Type::Bool)
            .map_err(|error| self.fail(&node.range, "Invalid condition", format!("It is no condition: {error}.")))?;
        Ok(value.as_bool())
    }

    fn conditional(&self, node: &Node, [condition, yes, no]: [&Node; 3], frame: &Frame<'_>) -> Outcome {
        let mut marks = Marks::new();
        let truth = self.truth(condition, &mut marks, frame)?;
        let branches = [self.value(yes, frame), self.value(no, frame)];
        // A mistake in the branch that is not taken does not matter.
        let branches = match (truth, branches) {
            (Some(true), [Ok(yes), no]) => [yes, no.unwrap_or_else(|_| Value::dynamic())],
            (Some(false), [yes, Ok(no)]) => [yes.unwrap_or_else(|_| Value::dynamic()), no],
            (None, [Ok(yes), Ok(no)]) => [yes, no],
            (Some(true), [Err(problem), _]) | (Some(false), [_, Err(problem)]) => return Err(problem),
            (None, [Err(problem), _] | [_, Err(problem)]) => return Err(problem),
        };
        let is_bare_null = |value: &Value| value.is_null() && *value.ty() == Type::Dynamic;
        let ty = match &branches {
            [yes, no] if is_bare_null(yes) => no.ty().clone(),
            [yes, no] if is_bare_null(no) => yes.ty().clone(),
            [yes, no] => unify_unsafe(&[yes.ty().clone(), no.ty().clone()]).ok_or_else(|| {
                let detail = format!(
                    "The results must have one type, but one is a {} and the other a {}.",
                    yes.ty().friendly_name(),
                    no.ty().friendly_name()
                );
                self.fail(&node.range, "Inconsistent conditional", detail)
            })?,
        };
        let [yes, no] = branches;
        let Some(truth) = truth else {
            marks.extend(yes.marks().iter().chain(no.marks()).cloned());
            return Ok(Value::unknown(ty).with_marks(marks));
        };
        let chosen = if truth { yes } else { no };
        let converted = convert(&chosen, &ty).map_err(|error| {
            let detail = format!("The result cannot take the type that both results have in common: {error}.");
            self.fail(&node.range, "Inconsistent conditional", detail)
        })?;
        Ok(converted.with_marks(marks))
    }

    fn operand(&self, node: &Node, ty: &Type, frame: &Frame<'_>) -> Outcome {
        let value = self.value(node, frame)?;
        convert(&value, ty).map_err(|error| {
            self.fail(&node.range, "Invalid operand", format!("The operator cannot be applied to this: {error}."))
        })
    }

    fn unary(&self, operator: Unary, operand: &Node, frame: &Frame<'_>) -> Outcome {
        let result = match operator {
            Unary::Negate => self.operand(operand, &Type::Number, frame)?.negate(),
            Unary::Not => self.operand(operand, &Type::Bool, frame)?.not(),
        };
        result
            .map_err(|error| self.fail(&operand.range, "Invalid operand", format!("{}.", capitalized(error.message()))))
    }

    fn binary(&self, node: &Node, operator: Binary, [left, right]: [&Node; 2], frame: &Frame<'_>) -> Outcome {
        let ty = match operator {
            Binary::Equal | Binary::NotEqual => {
                let equal = self.value(left, frame)?.equals(&self.value(right, frame)?);
                let result = if operator == Binary::Equal { Ok(equal) } else { equal.not() };
                return result.map_err(|error| self.fail(&node.range, "Invalid operand", error.message()));
            }
            Binary::Or | Binary::And => Type::Bool,
            _ => Type::Number,
        };
        let a = self.operand(left, &ty, frame)?;
        let b = match (operator, a.as_bool()) {
            (Binary::Or, Some(true)) | (Binary::And, Some(false)) => return Ok(a),
            _ => self.operand(right, &ty, frame)?,
        };
        let result = match operator {
            Binary::Or => a.or(&b),
            Binary::And => a.and(&b),
            Binary::Less => a.less_than(&b),
            Binary::LessOrEqual => a.less_than_or_equal_to(&b),
            Binary::Greater => a.greater_than(&b),
            Binary::GreaterOrEqual => a.greater_than_or_equal_to(&b),
            Binary::Add => a.add(&b),
            Binary::Subtract => a.subtract(&b),
            Binary::Multiply => a.multiply(&b),
            Binary::Divide => a.divide(&b),
            Binary::Modulo => a.modulo(&b),
            Binary::Equal | Binary::NotEqual => Ok(a.equals(&b)),
        };
        result.map_err(|error| self.fail(&node.range, "Invalid operand", format!("{}.", capitalized(error.message()))))
    }
}

fn text_value(text: &str, is_known: bool) -> Value {
    if is_known {
        return Value::string(text);
    }
    let refinements = Refinements::new().not_null().string_prefix(text);
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
