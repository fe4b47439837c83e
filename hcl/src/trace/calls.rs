//! The way through functions that choose: what they give is in one of their arguments.

use std::sync::Arc;

use cty::{PathStep, Type, Value};
use model::{TraceKind, TraceStep};

use super::subject::{key_position, key_text, text_of};
use super::walk::{Place, Tracer, inside};
use crate::expression::{Node, NodeKind};
use crate::syntax::File;

/// One argument of a call, or one element of the last one where `...` follows it.
struct Argument<'n> {
    node: &'n Node,
    prefix: Option<PathStep>,
}

/// Which argument has the value, and where in it.
struct Chosen<'n> {
    node: &'n Node,
    path: Vec<PathStep>,
    note: Option<String>,
    /// The arguments that decided.
    deciding: Vec<(&'static str, &'n Node)>,
}

impl<'r> Tracer<'r> {
    /// Follows a call: into the argument that has the value where that can be told, else into all of them.
    pub(super) fn call(
        &mut self,
        place: &Place<'r>,
        file: &Arc<File>,
        node: &Node,
        (name, arguments, expands_last): (&str, &[Node], bool),
        path: &[PathStep],
    ) -> TraceStep {
        let kind = if name.starts_with("provider::") { TraceKind::ProviderFunction } else { TraceKind::Function };
        let plain = name.strip_prefix("core::").unwrap_or(name);
        let listed = self.arguments(place, file, arguments, expands_last);
        let chosen = listed.and_then(|listed| self.choose(place, file, plain, &listed, path));
        let mut step = match chosen {
            Some(chosen) => {
                let mut step = self.step(kind, place, file, node, path);
                step.note = chosen.note;
                step.inner.push(self.node(place, file, chosen.node, &chosen.path));
                step.passes_on = Some(0);
                for (role, node) in chosen.deciding {
                    self.aside(&mut step, place, file, role, node);
                }
                step
            }
            None => self.made_of(kind, place, file, node, path, arguments.iter().map(|argument| (None, argument))),
        };
        step.name = Some(format!("{name}()"));
        step
    }

    fn arguments<'n>(
        &self,
        place: &Place<'r>,
        file: &File,
        arguments: &'n [Node],
        expands_last: bool,
    ) -> Option<Vec<Argument<'n>>> {
        let plain = |node| Argument { node, prefix: None };
        let (last, before) = arguments.split_last()?;
        if !expands_last {
            return Some(arguments.iter().map(plain).collect());
        }
        let expanded = self.raw(place, file, last).ok()?.unmark().0;
        if !expanded.is_known() || expanded.is_null() {
            return None;
        }
        let elements = (0..expanded.elements().len())
            .map(|position| Argument { node: last, prefix: Some(PathStep::Index(Value::from(position as u64))) });
        Some(before.iter().map(plain).chain(elements).collect())
    }

    /// Evaluates an argument, its own marks left out.
    fn value_of(&self, place: &Place<'r>, file: &File, argument: &Argument<'_>) -> Result<Value, String> {
        let value = self.raw(place, file, argument.node)?;
        let found = match &argument.prefix {
            None => Some(value),
            Some(step) => inside(&value, &[], std::slice::from_ref(step)).0,
        };
        found.map(|value| value.unmark().0).ok_or_else(String::new)
    }

    fn choose<'n>(
        &self,
        place: &Place<'r>,
        file: &File,
        name: &str,
        arguments: &[Argument<'n>],
        path: &[PathStep],
    ) -> Option<Chosen<'n>> {
        let value = |position: usize| self.value_of(place, file, arguments.get(position)?).ok();
        let known = |position: usize| value(position).filter(|value| value.is_known() && !value.is_null());
        let at = |position: usize, steps: Vec<PathStep>, note: Option<String>| {
            let argument = arguments.get(position)?;
            let path = argument.prefix.iter().cloned().chain(steps).collect();
            Some(Chosen { node: argument.node, path, note, deciding: Vec::new() })
        };
        let nth = |position: usize| format!("argument {} has it", position + 1);
        let index = |position: usize| PathStep::Index(Value::from(position as u64));
        let within = |position: usize, element: usize| {
            at(position, std::iter::once(index(element)).chain(path.iter().skip(1).cloned()).collect(), None)
        };
        let wanted = path.first().and_then(key_position);
        match name {
            "tolist" | "tomap" | "tostring" | "tonumber" | "tobool" | "sensitive" | "nonsensitive"
            | "ephemeralasnull" => at(0, path.to_vec(), None),
            "toset" | "distinct" | "compact" | "sort" => {
                let Some((first, rest)) = path.split_first() else {
                    return at(0, Vec::new(), None).filter(|_| name == "toset");
                };
                let PathStep::Index(key) = first else { return None };
                let key = match (name, wanted) {
                    ("toset", _) | (_, None) => key.clone(),
                    (_, Some(position)) => self.result_element(place, file, name, arguments, position)?,
                };
                let source = known(0)?;
                if source.ty().is_set() {
                    return at(0, std::iter::once(PathStep::Index(key)).chain(rest.iter().cloned()).collect(), None);
                }
                let position = source.elements().position(|element| {
                    *element == key || (text_of(element).is_some() && text_of(element) == text_of(&key))
                })?;
                at(0, std::iter::once(index(position)).chain(rest.iter().cloned()).collect(), None)
            }
            "merge" => {
                let key = key_text(path.first()?)?;
                for position in (0..arguments.len()).rev() {
                    let found = value(position)?;
                    if found.is_null() {
                        continue;
                    }
                    if !found.is_known() {
                        return None;
                    }
                    if found.entries().any(|(own, _)| own == key) {
                        let note = format!("{}, the last one with the key {key:?}", nth(position));
                        return at(position, path.to_vec(), Some(note));
                    }
                }
                None
            }
            "lookup" => {
                let key = text_of(&known(1)?)?;
                let map = known(0)?;
                let is_there = map.entries().any(|(own, _)| own == key);
                let steps = std::iter::once(PathStep::Index(Value::string(key))).chain(path.iter().cloned());
                let mut chosen = if is_there {
                    at(0, steps.collect(), None)
                } else {
                    at(2, path.to_vec(), Some("the key is not there, so the default counts".to_owned()))
                }?;
                chosen.deciding.extend(arguments.get(1).map(|argument| ("the key", argument.node)));
                Some(chosen)
            }
            "element" => {
                let list = known(0)?;
                let n_elements = i64::try_from(list.elements().len()).ok().filter(|n_elements| *n_elements > 0)?;
                let position = known(1)?.as_number()?.to_i64()?.rem_euclid(n_elements);
                let steps = std::iter::once(index(usize::try_from(position).ok()?)).chain(path.iter().cloned());
                let mut chosen = at(0, steps.collect(), None).filter(|_| !list.ty().is_set())?;
                chosen.deciding.extend(arguments.get(1).map(|argument| ("the index", argument.node)));
                Some(chosen)
            }
            "one" => {
                let list = known(0)?;
                let steps = std::iter::once(index(0)).chain(path.iter().cloned());
                at(0, steps.collect(), None).filter(|_| list.elements().len() == 1 && !list.ty().is_set())
            }
            "coalesce" | "coalescelist" => {
                for position in 0..arguments.len() {
                    let found = value(position)?;
                    if !found.is_known() {
                        return None;
                    }
                    let is_empty = match name {
                        "coalesce" => found.as_str() == Some(""),
                        _ => !found.is_null() && found.elements().len() == 0,
                    };
                    if !found.is_null() && !is_empty {
                        return at(
                            position,
                            path.to_vec(),
                            Some(format!("argument {} is the first with a value", position + 1)),
                        );
                    }
                }
                None
            }
            "try" => {
                for (position, argument) in arguments.iter().enumerate() {
                    if let Ok(found) = self.value_of(place, file, argument) {
                        if !found.is_wholly_known() {
                            return None;
                        }
                        return at(
                            position,
                            path.to_vec(),
                            Some(format!("argument {} is the first without an error", position + 1)),
                        );
                    }
                }
                None
            }
            "concat" => {
                let mut left = wanted?;
                for position in 0..arguments.len() {
                    let n_elements = known(position)?.elements().len();
                    if left < n_elements {
                        return within(position, left);
                    }
                    left -= n_elements;
                }
                None
            }
            "flatten" => {
                let mut steps = Vec::new();
                let mut left = wanted?;
                find_flat(&known(0)?, &mut left, &mut steps)?;
                at(0, steps.into_iter().map(index).chain(path.iter().skip(1).cloned()).collect(), None)
            }
            "reverse" => {
                let n_elements = known(0)?.elements().len();
                within(0, n_elements.checked_sub(wanted? + 1)?)
            }
            "slice" => {
                let start = usize::try_from(known(1)?.as_number()?.to_i64()?).ok()?;
                within(0, start + wanted?)
            }
            "values" => {
                let map = known(0)?;
                let (key, _) = map.entries().nth(wanted?)?;
                let steps = std::iter::once(PathStep::Index(Value::string(key))).chain(path.iter().skip(1).cloned());
                at(0, steps.collect(), None)
            }
            "zipmap" => {
                let key = key_text(path.first()?)?;
                let keys = known(0)?;
                let position = keys.elements().rposition(|element| text_of(element).as_deref() == Some(&key))?;
                within(1, position)
            }
            _ => None,
        }
    }

    /// Gives an element of what a function of one list makes of it.
    fn result_element(
        &self,
        place: &Place<'r>,
        file: &File,
        name: &str,
        arguments: &[Argument<'_>],
        position: usize,
    ) -> Option<Value> {
        let [argument] = arguments else { return None };
        let call = Node {
            kind: NodeKind::Call {
                name: name.to_owned(),
                arguments: vec![argument.node.clone()],
                expands_last: argument.prefix.is_some(),
            },
            range: argument.node.range.clone(),
        };
        let made = self.raw(place, file, &call).ok()?.unmark().0;
        made.elements().nth(position).cloned()
    }
}

/// Finds the element of a nested list at a position of the flat one.
fn find_flat(value: &Value, left: &mut usize, steps: &mut Vec<usize>) -> Option<()> {
    for (position, element) in value.elements().enumerate() {
        let element = element.unmark().0;
        let is_list = matches!(element.ty(), Type::List(_) | Type::Tuple(_) | Type::Set(_));
        steps.push(position);
        if is_list && element.is_known() && !element.is_null() {
            if matches!(element.ty(), Type::Set(_)) {
                return None;
            }
            if find_flat(&element, left, steps).is_some() {
                return Some(());
            }
        } else if !element.is_known() {
            return None;
        } else if *left == 0 {
            return Some(());
        } else {
            *left -= 1;
        }
        steps.pop();
    }
    None
}
