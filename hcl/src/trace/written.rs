//! The way into blocks: arguments, nested blocks, and those that `dynamic` makes.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use cty::{Path, PathStep, Type, Value};
use model::{TraceKind, TraceStep};

use super::subject::{key_position, key_text};
use super::walk::{Bound, BoundPart, Element, Place, Tracer, is_constant, is_part};
use crate::convert_json::{nested_body, one_or_many};
use crate::evaluate::{Written, pairs};
use crate::expression::{self, NodeKind};
use crate::json::JsonNode;
use crate::root::META_ARGUMENTS;
use crate::syntax::{BlockSyntax, Expression, File};

/// How deep blocks may nest.
const MAX_DEPTH: usize = 20;
/// How many paths of one block are listed.
const MAX_PATHS: usize = 1_000;
/// How many items of an object are listed one by one.
const MAX_ITEMS: usize = 30;

/// One nested block, written or made by a `dynamic` one.
struct Nested<'r> {
    written: Written,
    place: Place<'r>,
    labels: Vec<String>,
    file: Arc<File>,
    header: std::ops::Range<usize>,
    /// The `for_each` of its `dynamic` block, and the key of its element.
    made_by: Option<(Rc<Element<'r>>, Value)>,
}

impl<'r> Tracer<'r> {
    /// Follows what a block writes at a path.
    pub(super) fn argument(
        &mut self,
        place: &Place<'r>,
        written: &Written,
        path: &[PathStep],
        before: &Path,
    ) -> TraceStep {
        let Some((first, rest)) = path.split_first() else {
            return TraceStep { path: before.clone(), ..TraceStep::new(TraceKind::Block) };
        };
        let Some(name) = key_text(first) else { return nothing(before, first) };
        let mut trail = before.clone();
        trail.push(PathStep::GetAttr(name.clone()));
        if let Some((file, attribute)) = written.attribute(&name)
            && !is_in_block(&attribute.expression, rest)
        {
            let mut step =
                self.named(TraceKind::Argument, trail.to_string(), place, (file, &attribute.expression), rest);
            if attribute.expression.json().is_none() || !attribute.range.is_empty() {
                step.span = Some(file.span(&attribute.range));
            }
            return step;
        }
        let nested = match self.nested(place, written, &name) {
            Ok(nested) => nested,
            Err(unknown) => return TraceStep { name: Some(trail.to_string()), ..*unknown },
        };
        let found = match rest.first() {
            None => {
                let mut step = TraceStep::new(if nested.is_empty() { TraceKind::Nothing } else { TraceKind::Block });
                step.name = Some(trail.to_string());
                step.value = nested.is_empty().then(|| Value::null(Type::Dynamic));
                step.span = nested.first().map(|nested| nested.file.span(&nested.header));
                step.note = Some(match nested.len() {
                    0 => "its block does not set it".to_owned(),
                    1 => "one block".to_owned(),
                    n_blocks => format!("{n_blocks} blocks"),
                });
                return step;
            }
            Some(PathStep::GetAttr(_)) if nested.len() == 1 => Some((0, rest)),
            Some(PathStep::GetAttr(_)) => None,
            Some(step @ PathStep::Index(key)) => {
                let position = match (key_position(step), key.as_str()) {
                    (Some(position), _) => Some(position).filter(|position| *position < nested.len()),
                    (None, Some(label)) => {
                        nested.iter().position(|nested| nested.labels.first().is_some_and(|own| own == label))
                    }
                    (None, None) => self.meant(&nested, key),
                };
                position.map(|position| (position, &rest[1..]))
            }
        };
        let Some((position, rest)) = found else {
            let mut step = nothing(before, first);
            step.name = Some(path.iter().cloned().collect::<Path>().to_string());
            step.note = Some(match nested.len() {
                0 => "its block does not set it".to_owned(),
                1 => format!("there is one {name} block, and this path leads to none"),
                n_blocks => format!("there are {n_blocks} {name} blocks, and this path leads to none of them"),
            });
            return step;
        };
        let Some(nested) = nested.into_iter().nth(position) else { return nothing(before, first) };
        trail.push(PathStep::Index(Value::from(position as u64)));
        let inner = self.argument(&nested.place, &nested.written, rest, &trail);
        match nested.made_by {
            None => inner,
            Some((element, key)) => {
                let mut step = TraceStep::new(TraceKind::Dynamic);
                step.name = Some(format!("dynamic {name:?}"));
                step.span = Some(nested.file.span(&nested.header));
                step.source = element.file.text.get(element.collection.range.clone()).map(super::text::on_one_line);
                (step.value, step.unknown) = (inner.value.clone(), inner.unknown.clone());
                let shown = if key.contains_marked() { "one".to_owned() } else { key.to_string() };
                step.note = Some(format!("its for_each has the element {shown}"));
                step.path = rest.iter().cloned().collect();
                step.passes_on = Some(0);
                step.inner.push(inner);
                self.aside(&mut step, &element.place, &element.file, "for_each", &element.collection);
                step
            }
        }
    }

    /// Finds the block that has the arguments an object names, with the same values; else the only one of which all that it
    /// writes is in the object.
    fn meant(&self, nested: &[Nested<'r>], wanted: &Value) -> Option<usize> {
        let written: Vec<Value> = nested.iter().map(|nested| self.named_in(nested, wanted)).collect();
        written.iter().position(|written| is_part(written, wanted)).or_else(|| {
            let mut parts = (0..written.len()).filter(|position| is_part(wanted, &written[*position]));
            parts.next().filter(|_| parts.next().is_none())
        })
    }

    /// Gives the arguments of a block that an object names.
    fn named_in(&self, nested: &Nested<'r>, wanted: &Value) -> Value {
        let found = wanted.entries().filter_map(|(name, _)| {
            let (file, attribute) = nested.written.attribute(name)?;
            let node = expression::parse(file, &attribute.expression).ok()?;
            Some((name.to_owned(), self.raw(&nested.place, file, &node).ok()?.unmark().0))
        });
        Value::object(found.collect())
    }

    /// Lists the nested blocks of a type; or the step that says why they are not known.
    fn nested(&self, place: &Place<'r>, written: &Written, name: &str) -> Result<Vec<Nested<'r>>, Box<TraceStep>> {
        let mut found = Vec::new();
        if let Some((file, attribute)) = written.attribute(name)
            && let Some(json) = attribute.expression.json()
        {
            let bodies = one_or_many(json).iter().filter(|content| content.as_object().is_some());
            found.extend(bodies.map(|content| Nested {
                written: Written::new(file, &nested_body(content)),
                place: place.clone(),
                labels: Vec::new(),
                file: Arc::clone(file),
                header: attribute.range.start..content.range().start,
                made_by: None,
            }));
        }
        for (file, block) in written.blocks() {
            if block.block_type == name {
                found.push(Nested {
                    written: Written::new(file, &block.body),
                    place: place.clone(),
                    labels: block.labels.clone(),
                    file: Arc::clone(file),
                    header: block.header.clone(),
                    made_by: None,
                });
            } else if block.block_type == "dynamic" && block.labels.first().is_some_and(|label| label == name) {
                self.dynamic(place, file, block, name, &mut found)?;
            }
        }
        Ok(found)
    }

    fn dynamic(
        &self,
        place: &Place<'r>,
        file: &Arc<File>,
        block: &BlockSyntax,
        name: &str,
        found: &mut Vec<Nested<'r>>,
    ) -> Result<(), Box<TraceStep>> {
        let (Some(for_each), Some(content)) = (block.body.attribute("for_each"), block.body.blocks("content").next())
        else {
            return Ok(());
        };
        let Ok(node) = expression::parse(file, &for_each.expression) else { return Ok(()) };
        let unknown = |tracer: &Self, note: String| {
            let mut step = tracer.step(TraceKind::Dynamic, place, file, &node, &[]);
            step.value = None;
            step.note = Some(note);
            Box::new(step)
        };
        let source = self.raw(place, file, &node).map_err(|detail| unknown(self, super::walk::mistake(&detail)))?;
        let (source, _) = source.unmark();
        if !source.is_known() {
            return Err(unknown(self, format!("how many {name} blocks there are is not known")));
        }
        let iterator = match block.body.attribute("iterator") {
            Some(iterator) => file.source(&iterator.expression),
            None => name.to_owned(),
        };
        for (key, value) in pairs(&source).unwrap_or_default() {
            let step = match source.ty() {
                Type::Set(_) => PathStep::Index(value.clone()),
                _ => PathStep::Index(key.clone()),
            };
            let element = Rc::new(Element {
                file: Arc::clone(file),
                collection: (*node).clone(),
                place: place.clone(),
                step: Some(step),
            });
            let both = Value::object(BTreeMap::from([("key".to_owned(), key.clone()), ("value".to_owned(), value)]));
            let bound =
                Bound { name: iterator.clone(), value: both, part: BoundPart::Both, element: Rc::clone(&element) };
            found.push(Nested {
                written: Written::new(file, &content.body),
                place: place.with(vec![bound]),
                labels: Vec::new(),
                file: Arc::clone(file),
                header: block.header.clone(),
                made_by: Some((element, self.root.run().settle(&key).0)),
            });
        }
        Ok(())
    }

    /// Lists the paths of everything that a block writes.
    pub(super) fn written_paths(&self, place: &Place<'r>, written: &Written) -> Vec<Path> {
        let own = written.clone().without(META_ARGUMENTS);
        let mut paths = Vec::new();
        self.add_paths(place, &own, &Path::new(), &mut paths, 0);
        paths.truncate(MAX_PATHS);
        paths
    }

    fn add_paths(&self, place: &Place<'r>, written: &Written, before: &Path, paths: &mut Vec<Path>, depth: usize) {
        if depth > MAX_DEPTH || paths.len() > MAX_PATHS {
            return;
        }
        let mut ordered: Vec<(usize, String, bool)> = written
            .attributes()
            .map(|(_, attribute)| (attribute.range.start, attribute.name.clone(), true))
            .chain(written.blocks().map(|(_, block)| {
                let name = match (block.block_type.as_str(), block.labels.as_slice()) {
                    ("dynamic", [generated]) => generated.clone(),
                    (own, _) => own.to_owned(),
                };
                (block.range.start, name, false)
            }))
            .collect();
        ordered.sort();
        let mut done: Vec<String> = Vec::new();
        for (_, name, is_argument) in ordered {
            if done.contains(&name) || name == "//" {
                continue;
            }
            done.push(name.clone());
            let path = before.clone().attr(&name);
            if is_argument {
                self.add_argument(place, written, &name, path, paths);
                continue;
            }
            let Ok(nested) = self.nested(place, written, &name) else {
                paths.push(path);
                continue;
            };
            let is_single = nested.len() == 1 && nested.first().is_some_and(|nested| nested.made_by.is_none());
            for (position, nested) in nested.into_iter().enumerate() {
                let inner = if is_single { path.clone() } else { path.clone().index(position as u64) };
                if nested.written.attributes().next().is_none() && nested.written.blocks().next().is_none() {
                    paths.push(inner.clone());
                }
                self.add_paths(&nested.place, &nested.written, &inner, paths, depth + 1);
            }
        }
    }

    /// Adds an argument: one path, or one for each item where it is an object that is written out with its keys.
    fn add_argument(&self, place: &Place<'r>, written: &Written, name: &str, path: Path, paths: &mut Vec<Path>) {
        let node = written
            .attribute(name)
            .and_then(|(file, attribute)| Some((file, expression::parse(file, &attribute.expression).ok()?)));
        if let Some((file, node)) = node
            && let NodeKind::Object(items) = &node.kind
            && (1..=MAX_ITEMS).contains(&items.len())
            && items.iter().all(|(key, _)| matches!(key.kind, NodeKind::Name(_)) || is_constant(key))
        {
            let keys: Option<Vec<String>> = items.iter().map(|(key, _)| self.key_of(place, file, key)).collect();
            if let Some(keys) = keys {
                paths.extend(keys.into_iter().map(|key| path.clone().index(Value::string(key))));
                return;
            }
        }
        paths.push(path);
    }
}

/// Tells whether a path leads into an argument as it leads into nested blocks, which look the same in JSON: to an attribute
/// of an element.
fn is_in_block(expression: &Expression, path: &[PathStep]) -> bool {
    let Some(json) = expression.json() else { return false };
    match path {
        [PathStep::Index(key), PathStep::GetAttr(_), ..] => {
            key.as_str().is_none() && one_or_many(json).iter().all(is_object)
        }
        _ => false,
    }
}

fn is_object(node: &JsonNode) -> bool {
    node.as_object().is_some()
}

fn nothing(before: &Path, step: &PathStep) -> TraceStep {
    let mut path = before.clone();
    path.push(step.clone());
    let mut found = TraceStep::new(TraceKind::Nothing);
    found.name = Some(path.to_string());
    found.note = Some("its block does not set it".to_owned());
    found.value = Some(Value::null(Type::Dynamic));
    found
}
