//! The way through an expression.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use cty::{Path, PathStep, Type, Value};
use model::{InstanceKey, TraceKind, TraceStep, UnknownPart};

use super::subject::{key_position, key_text, text_of};
use super::text::on_one_line;
use super::{Code, Valued, is_literal, unknown_part};
use crate::evaluate::{Evaluator, Frame, Unknown, Written, pairs};
use crate::expression::{self, For, Node, NodeKind, ReferenceStep};
use crate::root::{InstanceScope, Repetition, Root};
use crate::syntax::{Expression, File};

/// How deep a trace goes.
const MAX_DEPTH: usize = 60;
/// How many steps a trace has.
const MAX_STEPS: usize = 500;
/// How many elements are tried to find the one at a key.
const MAX_ELEMENTS: usize = 20_000;
/// How many inner steps are told of one step.
const MAX_INNER: usize = 40;

/// Where an expression is evaluated.
#[derive(Clone)]
pub(super) struct Place<'r> {
    pub(super) scope: InstanceScope<'r>,
    /// What is gone through by the block's `count` or `for_each`, and the key of this instance.
    pub(super) repeated: Option<Rc<Repeated>>,
    /// Names that `for` and `dynamic` introduced, the innermost last.
    pub(super) names: Vec<Bound<'r>>,
    /// The element that a splat goes through.
    pub(super) element: Option<Bound<'r>>,
}

pub(super) struct Repeated {
    pub(super) file: Arc<File>,
    pub(super) expression: Expression,
    pub(super) key: InstanceKey,
}

/// A name that an expression or a `dynamic` block introduced.
#[derive(Clone)]
pub(super) struct Bound<'r> {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) part: BoundPart,
    pub(super) element: Rc<Element<'r>>,
}

/// What of an element a name means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BoundPart {
    Key,
    Value,
    /// An object of both.
    Both,
}

/// An element of what is gone through.
pub(super) struct Element<'r> {
    pub(super) file: Arc<File>,
    pub(super) collection: Node,
    pub(super) place: Place<'r>,
    /// What leads to it; `None` where it is all of the collection.
    pub(super) step: Option<PathStep>,
}

impl<'r> Place<'r> {
    pub(super) fn new(_: &'r Root, scope: InstanceScope<'r>) -> Self {
        Self { scope, repeated: None, names: Vec::new(), element: None }
    }

    /// Gives the place of the block of one instance.
    pub(super) fn repeated(
        root: &'r Root,
        scope: InstanceScope<'r>,
        written: &Written,
        key: Option<&InstanceKey>,
    ) -> Self {
        let code = written.attribute("for_each").or_else(|| written.attribute("count"));
        let repeated = code.zip(key).map(|((file, attribute), key)| {
            let (file, expression) = (Arc::clone(file), attribute.expression.clone());
            Rc::new(Repeated { file, expression, key: key.clone() })
        });
        Self { repeated, ..Self::new(root, scope) }
    }

    /// Gives the place of the block of a provider that `for_each` repeats.
    pub(super) fn of_provider(
        root: &'r Root,
        scope: InstanceScope<'r>,
        written: &Written,
        key: Option<&InstanceKey>,
    ) -> Self {
        let outer = Self::new(root, scope.clone());
        let text = match key {
            Some(InstanceKey::String(text)) => Value::string(&**text),
            Some(InstanceKey::Int(number)) => Value::from(*number),
            None => return outer,
        };
        let tracer = Tracer::new(root);
        let source = written.attribute("for_each").and_then(|(file, attribute)| {
            let node = expression::parse(file, &attribute.expression).ok()?;
            tracer.raw(&outer, file, &node).ok()
        });
        let value = source.and_then(|source| {
            let found = inside(&source, &[], &[PathStep::Index(text.clone())]);
            found.0
        });
        let repetition = match value {
            Some(value) => Repetition::Each { key: text, value },
            None => Repetition::None,
        };
        Self::repeated(root, scope.repeated(repetition), written, key)
    }

    /// Gives the place with one more name.
    pub(super) fn with(&self, bound: Vec<Bound<'r>>) -> Self {
        let mut inner = self.clone();
        inner.names.extend(bound);
        inner
    }
}

/// Follows values, and remembers what it has told.
pub(super) struct Tracer<'r> {
    pub(super) root: &'r Root,
    told: HashSet<String>,
    depth: usize,
    n_steps: usize,
}

impl<'r> Tracer<'r> {
    pub(super) fn new(root: &'r Root) -> Self {
        Self { root, told: HashSet::new(), depth: 0, n_steps: 0 }
    }

    /// Tells whether something is told for the first time.
    pub(super) fn is_first(&mut self, name: &str, path: &[PathStep]) -> bool {
        self.told.insert(format!("{name} {}", path.iter().cloned().collect::<Path>()))
    }

    /// Evaluates a node; reasons stay marks.
    pub(super) fn raw(&self, place: &Place<'_>, file: &File, node: &Node) -> Result<Value, String> {
        let evaluator = Evaluator { file, scope: &place.scope, run: self.root.run() };
        let names = place.names.iter().map(|bound| (bound.name.as_str(), bound.value.clone())).collect();
        let frame = Frame::of(names, place.element.as_ref().map(|bound| bound.value.clone()));
        evaluator.value(node, &frame).map_err(|problem| problem.detail)
    }

    fn valued(&self, place: &Place<'_>, file: &File, node: &Node) -> Valued {
        self.raw(place, file, node).map(|value| self.root.run().settle(&value))
    }

    /// Makes a step of a node.
    pub(super) fn step(
        &self,
        kind: TraceKind,
        place: &Place<'_>,
        file: &File,
        node: &Node,
        path: &[PathStep],
    ) -> TraceStep {
        let mut step = TraceStep::new(kind);
        step.span = Some(file.span(&node.range));
        step.source = file.text.get(node.range.clone()).filter(|text| !text.is_empty()).map(on_one_line);
        step.path = path.iter().cloned().collect();
        fill(&mut step, self.valued(place, file, node), path);
        step
    }

    /// Follows an expression that is the value of something with a name.
    pub(super) fn named(
        &mut self,
        kind: TraceKind,
        name: String,
        place: &Place<'r>,
        (file, expression): Code<'_>,
        path: &[PathStep],
    ) -> TraceStep {
        let node = match expression::parse(file, expression) {
            Ok(node) => node,
            Err(problem) => {
                let mut step = TraceStep::new(kind);
                (step.name, step.span) = (Some(name), Some(file.expression_span(expression)));
                step.note = Some(mistake(&problem.detail));
                return step;
            }
        };
        let mut step = self.step(kind, place, file, &node, path);
        step.name = Some(name);
        if step.source.is_none() {
            step.source = Some(file.source(expression)).filter(|text| !text.is_empty()).map(|text| on_one_line(&text));
        }
        step.inner.push(self.node(place, file, &node, path));
        step.passes_on = Some(0);
        step
    }

    /// Follows what is at a path inside of the value of a node.
    pub(super) fn node(&mut self, place: &Place<'r>, file: &Arc<File>, node: &Node, path: &[PathStep]) -> TraceStep {
        self.n_steps += 1;
        if self.depth >= MAX_DEPTH || self.n_steps > MAX_STEPS {
            let mut step = self.step(TraceKind::Cut, place, file, node, path);
            step.note = Some("it is not followed further, because there are too many steps".to_owned());
            return step;
        }
        self.depth += 1;
        let step = self.dispatch(place, file, node, path);
        self.depth -= 1;
        step
    }

    fn dispatch(&mut self, place: &Place<'r>, file: &Arc<File>, node: &Node, path: &[PathStep]) -> TraceStep {
        match &node.kind {
            NodeKind::Parentheses(inner) | NodeKind::Wrapped(inner) => self.node(place, file, inner, path),
            NodeKind::Literal(_) => self.step(TraceKind::Literal, place, file, node, path),
            NodeKind::Template(parts) => {
                let inner = parts.iter().map(|part| (None, part));
                self.made_of(TraceKind::Template, place, file, node, path, inner)
            }
            NodeKind::Joined(each) => {
                self.made_of(TraceKind::Template, place, file, node, path, [(None, &**each)].into_iter())
            }
            NodeKind::Unary { operand, .. } => {
                self.made_of(TraceKind::Operator, place, file, node, path, [(None, &**operand)].into_iter())
            }
            NodeKind::Binary { left, right, .. } => {
                let inner = [(None, &**left), (None, &**right)].into_iter();
                self.made_of(TraceKind::Operator, place, file, node, path, inner)
            }
            NodeKind::Conditional { condition, yes, no } => {
                self.conditional(place, file, node, [condition, yes, no], path)
            }
            NodeKind::Tuple(elements) => self.tuple(place, file, node, elements, path),
            NodeKind::Object(items) => self.object(place, file, node, items, path),
            NodeKind::For(parts) => self.for_expression(place, file, node, parts, path),
            NodeKind::Splat { of, each } => self.splat(place, file, node, [of, each], path),
            NodeKind::SplatElement => match place.element.clone() {
                Some(bound) => self.bound(&bound, path),
                None => self.step(TraceKind::Cut, place, file, node, path),
            },
            NodeKind::Call { name, arguments, expands_last } => {
                self.call(place, file, node, (name, arguments, *expands_last), path)
            }
            NodeKind::Name(_) | NodeKind::Attribute { .. } | NodeKind::Index { .. } => {
                self.traversal(place, file, node, path)
            }
        }
    }

    /// Makes a step whose value is made of others, all of which are told.
    pub(super) fn made_of<'n>(
        &mut self,
        kind: TraceKind,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        path: &[PathStep],
        inner: impl Iterator<Item = (Option<String>, &'n Node)>,
    ) -> TraceStep {
        let mut step = self.step(kind, place, file, node, path);
        for (role, part) in inner.filter(|(_, part)| !is_constant(part)).take(MAX_INNER) {
            let mut found = self.node(place, file, part, &[]);
            found.role = role;
            step.inner.push(found);
        }
        step
    }

    fn conditional(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        [condition, yes, no]: [&Node; 3],
        path: &[PathStep],
    ) -> TraceStep {
        let truth = self.raw(place, file, condition).ok();
        let truth = truth.and_then(|truth| cty::convert::convert(&truth.unmark().0, &Type::Bool).ok()?.as_bool());
        let mut step = self.step(TraceKind::Conditional, place, file, node, path);
        let Some(truth) = truth else {
            step.note = Some("the condition is not known".to_owned());
            for (role, part) in [("the condition", condition), ("if it is true", yes), ("if it is false", no)] {
                if !is_constant(part) || !std::ptr::eq(part, condition) {
                    let path = if std::ptr::eq(part, condition) { &[] } else { path };
                    let mut found = self.node(place, file, part, path);
                    found.role = Some(role.to_owned());
                    step.inner.push(found);
                }
            }
            return step;
        };
        step.note = Some(format!("the condition is {truth}"));
        step.inner.push(self.node(place, file, if truth { yes } else { no }, path));
        step.passes_on = Some(0);
        self.aside(&mut step, place, file, "the condition", condition);
        step
    }

    /// Tells of a part that decides over the value without being in it.
    pub(super) fn aside(&mut self, step: &mut TraceStep, place: &Place<'r>, file: &Arc<File>, role: &str, node: &Node) {
        if !is_constant(node) {
            let mut found = self.node(place, file, node, &[]);
            found.role = Some(role.to_owned());
            step.inner.push(found);
        }
    }

    fn tuple(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        elements: &[Node],
        path: &[PathStep],
    ) -> TraceStep {
        if let [first, rest @ ..] = path {
            let position = key_position(first).filter(|position| *position < elements.len());
            let position = position.or_else(|| {
                // An element of a set is found by what it is.
                let PathStep::Index(wanted) = first else { return None };
                elements
                    .iter()
                    .take(MAX_ELEMENTS)
                    .position(|element| self.raw(place, file, element).is_ok_and(|value| is_same(&value, wanted)))
            });
            if let Some(element) = position.and_then(|position| elements.get(position)) {
                return self.node(place, file, element, rest);
            }
        }
        let inner = elements.iter().map(|element| (None, element));
        self.made_of(TraceKind::Constructor, place, file, node, path, inner)
    }

    fn object(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        items: &[(Node, Node)],
        path: &[PathStep],
    ) -> TraceStep {
        if let [first, rest @ ..] = path
            && let Some(wanted) = key_text(first)
        {
            for (key, value) in items.iter().rev() {
                if self.key_of(place, file, key).as_deref() == Some(wanted.as_str()) {
                    return self.node(place, file, value, rest);
                }
            }
        }
        let mut step = self.step(TraceKind::Constructor, place, file, node, path);
        if !path.is_empty() {
            step.note = Some("nothing is written there".to_owned());
        }
        for (key, value) in items.iter().filter(|(_, value)| !is_constant(value)).take(MAX_INNER) {
            let role = self.key_of(place, file, key);
            let mut found = self.node(place, file, value, &[]);
            found.role = role;
            step.inner.push(found);
        }
        step
    }

    /// Gives the key of an item of an object.
    pub(super) fn key_of(&self, place: &Place<'_>, file: &File, key: &Node) -> Option<String> {
        match &key.kind {
            NodeKind::Name(name) => Some(name.clone()),
            NodeKind::Literal(value) => text_of(value),
            _ => text_of(&self.raw(place, file, key).ok()?),
        }
    }

    fn for_expression(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        parts: &For,
        path: &[PathStep],
    ) -> TraceStep {
        let mut step = self.step(TraceKind::For, place, file, node, path);
        if let [first, rest @ ..] = path
            && let Some((key, inner, n_rest)) = self.element_at(place, file, parts, first, rest)
        {
            let shown = if key.contains_marked() { "one".to_owned() } else { key.to_string() };
            step.note = Some(format!("it is made for the element {shown}"));
            step.inner.push(self.node(&inner, file, &parts.value, &rest[rest.len() - n_rest..]));
            step.passes_on = Some(0);
            return step;
        }
        self.aside(&mut step, place, file, "what it goes through", &parts.collection);
        let own: Vec<&str> =
            [parts.key_name.as_deref(), Some(parts.value_name.as_str())].into_iter().flatten().collect();
        for inner in [parts.key.as_ref(), Some(&parts.value), parts.condition.as_ref()].into_iter().flatten() {
            self.free(&mut step, place, file, inner, &mut own.clone());
        }
        step
    }

    /// Finds the element of a `for` that makes what is at a step, with the names it has there, and how many of the steps
    /// behind are left.
    fn element_at(
        &self,
        place: &Place<'r>,
        file: &Arc<File>,
        parts: &For,
        first: &PathStep,
        rest: &[PathStep],
    ) -> Option<(Value, Place<'r>, usize)> {
        let collection = self.raw(place, file, &parts.collection).ok()?.unmark().0;
        if collection.is_null() || !collection.is_known() {
            return None;
        }
        let (mut n_made, mut n_grouped) = (0, 0);
        let wanted_position = key_position(first);
        for (key, value) in pairs(&collection)?.into_iter().take(MAX_ELEMENTS) {
            let step = match collection.ty() {
                Type::Set(_) => PathStep::Index(value.clone()),
                _ => PathStep::Index(key.clone()),
            };
            let element = Element {
                file: Arc::clone(file),
                collection: parts.collection.clone(),
                place: place.clone(),
                step: Some(step),
            };
            let element = Rc::new(element);
            let bound = |name: &str, value: &Value, part| Bound {
                name: name.to_owned(),
                value: value.clone(),
                part,
                element: Rc::clone(&element),
            };
            let mut names: Vec<Bound<'r>> =
                parts.key_name.iter().map(|name| bound(name, &key, BoundPart::Key)).collect();
            names.push(bound(&parts.value_name, &value, BoundPart::Value));
            let inner = place.with(names);
            if let Some(condition) = &parts.condition {
                let truth = self.raw(&inner, file, condition).ok()?;
                if !cty::convert::convert(&truth.unmark().0, &Type::Bool).ok()?.as_bool()? {
                    continue;
                }
            }
            match &parts.key {
                None => {
                    let is_it = wanted_position == Some(n_made)
                        || matches!(first, PathStep::Index(wanted) if wanted_position.is_none()
                            && self.raw(&inner, file, &parts.value).is_ok_and(|made| is_same(&made, wanted)));
                    if is_it {
                        return Some((key, inner, rest.len()));
                    }
                    n_made += 1;
                }
                Some(made) => {
                    let made = text_of(&self.raw(&inner, file, made).ok()?)?;
                    if Some(made) != key_text(first) {
                        continue;
                    }
                    if !parts.groups {
                        return Some((key, inner, rest.len()));
                    }
                    if rest.first().and_then(key_position)? == n_grouped {
                        return Some((key, inner, rest.len() - 1));
                    }
                    n_grouped += 1;
                }
            }
        }
        None
    }

    fn splat(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        [of, each]: [&Node; 2],
        path: &[PathStep],
    ) -> TraceStep {
        let mut step = self.step(TraceKind::Splat, place, file, node, path);
        let source = self.raw(place, file, of).map(|source| source.unmark().0).ok();
        if let ([first, rest @ ..], Some(source)) = (path, source)
            && let Some(position) = key_position(first)
        {
            let is_sequence = matches!(source.ty(), Type::Tuple(_) | Type::List(_) | Type::Set(_));
            let (found, step_in) = if is_sequence {
                (source.elements().nth(position).cloned(), Some(PathStep::Index(Value::from(position as u64))))
            } else {
                (Some(source.clone()).filter(|source| position == 0 && source.is_known() && !source.is_null()), None)
            };
            if let Some(value) = found {
                let element =
                    Element { file: Arc::clone(file), collection: of.clone(), place: place.clone(), step: step_in };
                let bound = Bound { name: String::new(), value, part: BoundPart::Value, element: Rc::new(element) };
                let inner = Place { element: Some(bound), ..place.clone() };
                step.inner.push(self.node(&inner, file, each, rest));
                step.passes_on = Some(0);
                return step;
            }
        }
        let mut found = self.node(place, file, of, &[]);
        found.role = Some("of each element".to_owned());
        step.inner.push(found);
        step
    }

    /// Follows a name that a `for`, a splat or a `dynamic` block introduced.
    pub(super) fn bound(&mut self, bound: &Bound<'r>, path: &[PathStep]) -> TraceStep {
        let (part, rest) = match (bound.part, path) {
            (BoundPart::Both, [first, rest @ ..]) if key_text(first).as_deref() == Some("key") => {
                (BoundPart::Key, rest)
            }
            (BoundPart::Both, [_, rest @ ..]) => (BoundPart::Value, rest),
            (part, rest) => (part, rest),
        };
        let element = Rc::clone(&bound.element);
        let steps: Vec<PathStep> = element.step.iter().chain(rest).cloned().collect();
        let is_member = matches!(&element.step, Some(PathStep::Index(key)) if key.as_str().is_some() && part == BoundPart::Key
            && self.raw(&element.place, &element.file, &element.collection).is_ok_and(|found| found.ty().is_set()));
        if part == BoundPart::Value || is_member {
            return self.node(&element.place, &element.file, &element.collection, &steps);
        }
        let mut step = TraceStep::new(TraceKind::IterationKey);
        step.name =
            Some(if bound.part == BoundPart::Both { format!("{}.key", bound.name) } else { bound.name.clone() });
        let key = match &element.step {
            Some(PathStep::Index(key)) => Some(self.root.run().settle(key).0),
            _ => None,
        };
        step.value = key;
        step.span = Some(element.file.span(&element.collection.range));
        let mut found = self.node(&element.place, &element.file, &element.collection, &[]);
        found.role = Some("what is gone through".to_owned());
        step.inner.push(found);
        step
    }

    fn traversal(&mut self, place: &Place<'r>, file: &Arc<File>, node: &Node, path: &[PathStep]) -> TraceStep {
        if let Some((name, steps)) = node.reference() {
            let steps = steps.iter().map(|step| match step {
                ReferenceStep::Attribute(name) => PathStep::GetAttr((*name).to_owned()),
                ReferenceStep::Index(key) => PathStep::Index((*key).clone()),
            });
            let steps: Vec<PathStep> = steps.chain(path.iter().cloned()).collect();
            if let Some(bound) = place.names.iter().rev().find(|bound| bound.name == name).cloned() {
                return self.bound(&bound, &steps);
            }
            return self.reference(place, file, node, name, &steps, path);
        }
        match &node.kind {
            NodeKind::Attribute { of, name } => {
                let steps: Vec<PathStep> =
                    std::iter::once(PathStep::GetAttr(name.clone())).chain(path.iter().cloned()).collect();
                self.node(place, file, of, &steps)
            }
            NodeKind::Index { of, key } if is_literal(key) => {
                let NodeKind::Literal(value) = &key.kind else {
                    return self.step(TraceKind::Cut, place, file, node, path);
                };
                let steps: Vec<PathStep> =
                    std::iter::once(PathStep::Index(value.clone())).chain(path.iter().cloned()).collect();
                self.node(place, file, of, &steps)
            }
            NodeKind::Index { of, key } => {
                let mut step = self.step(TraceKind::Index, place, file, node, path);
                let chosen = self.raw(place, file, key).ok().map(|key| key.unmark().0).filter(Value::is_known);
                match chosen {
                    Some(chosen) => {
                        let steps: Vec<PathStep> =
                            std::iter::once(PathStep::Index(chosen)).chain(path.iter().cloned()).collect();
                        step.inner.push(self.node(place, file, of, &steps));
                        step.passes_on = Some(0);
                    }
                    None => {
                        step.note = Some("the key is not known".to_owned());
                        step.inner.push(self.node(place, file, of, &[]));
                    }
                }
                self.aside(&mut step, place, file, "the key", key);
                step
            }
            _ => self.step(TraceKind::Cut, place, file, node, path),
        }
    }

    /// Tells of everything that a node refers to outside of names that it introduces itself.
    pub(super) fn free<'n>(
        &mut self,
        step: &mut TraceStep,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &'n Node,
        own: &mut Vec<&'n str>,
    ) {
        if step.inner.len() >= MAX_INNER {
            return;
        }
        if let Some((name, _)) = node.reference() {
            if !own.contains(&name) {
                let found = self.node(place, file, node, &[]);
                if !step.inner.iter().any(|known| known.name == found.name && known.path == found.path) {
                    step.inner.push(found);
                }
            }
            return;
        }
        let n_own = own.len();
        if let NodeKind::For(parts) = &node.kind {
            self.free(step, place, file, &parts.collection, own);
            own.extend(parts.key_name.as_deref());
            own.push(&parts.value_name);
            for inner in [parts.key.as_ref(), Some(&parts.value), parts.condition.as_ref()].into_iter().flatten() {
                self.free(step, place, file, inner, own);
            }
        } else {
            for inner in parts_of(node) {
                self.free(step, place, file, inner, own);
            }
        }
        own.truncate(n_own);
    }
}

/// Gives the nodes directly inside of a node.
pub(super) fn parts_of(node: &Node) -> Vec<&Node> {
    match &node.kind {
        NodeKind::Literal(_) | NodeKind::Name(_) | NodeKind::SplatElement => Vec::new(),
        NodeKind::Template(parts) | NodeKind::Tuple(parts) => parts.iter().collect(),
        NodeKind::Wrapped(inner) | NodeKind::Joined(inner) | NodeKind::Parentheses(inner) => vec![inner],
        NodeKind::Attribute { of, .. } => vec![of],
        NodeKind::Index { of, key } => vec![of, key],
        NodeKind::Splat { of, each } => vec![of, each],
        NodeKind::Call { arguments, .. } => arguments.iter().collect(),
        NodeKind::Object(items) => {
            // A name before `=` is the key itself.
            let computed = |key: &&Node| !matches!(key.kind, NodeKind::Name(_));
            items.iter().flat_map(|(key, value)| Some(key).filter(computed).into_iter().chain([value])).collect()
        }
        NodeKind::For(parts) => {
            let optional = [parts.key.as_ref(), parts.condition.as_ref()].into_iter().flatten();
            [&parts.collection, &parts.value].into_iter().chain(optional).collect()
        }
        NodeKind::Conditional { condition, yes, no } => vec![condition, yes, no],
        NodeKind::Unary { operand, .. } => vec![operand],
        NodeKind::Binary { left, right, .. } => vec![left, right],
    }
}

/// Tells whether a node refers to nothing and calls nothing.
pub(super) fn is_constant(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Name(_) | NodeKind::SplatElement | NodeKind::Call { .. } => false,
        _ => parts_of(node).into_iter().all(is_constant),
    }
}

/// Tells whether two values are the same, as an element of a set of texts is.
fn is_same(value: &Value, wanted: &Value) -> bool {
    let (value, wanted) = (value.unmark().0, wanted.unmark().0);
    value == wanted || text_of(&value).is_some_and(|text| text_of(&wanted) == Some(text))
}

/// Puts the value at a path into a step, with what is unknown in it, or why there is none.
pub(super) fn fill(step: &mut TraceStep, valued: Valued, path: &[PathStep]) {
    match valued {
        Ok((value, unknown)) => (step.value, step.unknown) = inside(&value, &unknown, path),
        Err(detail) => step.note = Some(mistake(&detail)),
    }
}

pub(super) fn mistake(detail: &str) -> String {
    format!("there is a mistake in the code: {}", detail.trim_end_matches('.'))
}

/// Goes to what is at a path inside of a value. Nothing is there where a list is shorter, a key is missing, or the value
/// is null before.
pub(super) fn inside(value: &Value, unknown: &[Unknown], path: &[PathStep]) -> (Option<Value>, Vec<UnknownPart>) {
    let mut current = value.clone();
    let mut walked = Path::new();
    for step in path {
        if !current.is_known() {
            break;
        }
        let marks = current.marks().clone();
        let (next, taken) = match current.ty() {
            Type::Object(_) => {
                let name = key_text(step);
                let found = name.and_then(|name| current.entries().find(|(own, _)| *own == name));
                let Some((name, found)) = found else { return (None, Vec::new()) };
                (found.clone(), PathStep::GetAttr(name.to_owned()))
            }
            Type::Map(_) => {
                let name = key_text(step);
                let found = name.and_then(|name| current.entries().find(|(own, _)| *own == name));
                let Some((name, found)) = found else { return (None, Vec::new()) };
                (found.clone(), PathStep::Index(Value::string(name)))
            }
            Type::List(_) | Type::Tuple(_) => {
                let position = key_position(step);
                let found = position.and_then(|position| Some((position, current.elements().nth(position)?)));
                let Some((position, found)) = found else { return (None, Vec::new()) };
                (found.clone(), PathStep::Index(Value::from(position as u64)))
            }
            Type::Set(_) => {
                let PathStep::Index(wanted) = step else { return (None, Vec::new()) };
                let found = current.elements().find(|element| is_same(element, wanted) || is_part(element, wanted));
                let Some(found) = found else { return (None, Vec::new()) };
                (found.clone(), PathStep::Index(found.clone()))
            }
            _ => return (None, Vec::new()),
        };
        walked.push(taken);
        current = next.with_marks(marks);
    }
    let n_walked = walked.len();
    let part = |unknown: &Unknown| {
        let mut part = unknown_part(unknown);
        part.path = unknown.path.steps().iter().skip(n_walked).cloned().collect();
        part
    };
    let parts = if current.is_known() {
        unknown.iter().filter(|unknown| unknown.path.starts_with(&walked)).map(part).collect()
    } else {
        if n_walked < path.len() {
            current = Value::dynamic().with_marks(current.marks().iter().cloned());
        }
        unknown
            .iter()
            .filter(|unknown| walked.starts_with(&unknown.path))
            .map(|unknown| UnknownPart { path: Path::new(), ..unknown_part(unknown) })
            .collect()
    };
    (Some(current), parts)
}

/// Tells whether an object has every attribute that another has, with the same value.
pub(super) fn is_part(element: &Value, wanted: &Value) -> bool {
    wanted.entries().len() > 0
        && wanted
            .entries()
            .all(|(name, value)| element.entries().any(|(own, found)| own == name && is_same(found, value)))
}
