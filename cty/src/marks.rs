//! Marks: facts about a value, such as being sensitive, that follow it through operations and never cross the wire.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Result;
use crate::path::{Path, PathStep};
use crate::value::{Repr, Value};

/// Names one fact that sticks to a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mark {
    /// The value must not be shown.
    Sensitive,
    /// The value must not be kept.
    Ephemeral,
    /// A fact of the caller's own.
    Named(Arc<str>),
}

/// Holds the marks of one value.
pub type Marks = BTreeSet<Mark>;

impl Value {
    /// Returns the value with one more mark.
    #[must_use]
    pub fn mark(&self, mark: Mark) -> Value {
        self.with_marks([mark])
    }

    /// Returns the value with more marks.
    #[must_use]
    pub fn with_marks(&self, marks: impl IntoIterator<Item = Mark>) -> Value {
        let mut all = self.marks().clone();
        let n_before = all.len();
        all.extend(marks);
        if all.len() == n_before { self.clone() } else { self.clone().set_marks(all) }
    }

    /// Returns the value marked as one that must not be shown.
    #[must_use]
    pub fn mark_sensitive(&self) -> Value {
        self.mark(Mark::Sensitive)
    }

    /// Tells whether the value itself is marked as one that must not be shown.
    pub fn is_sensitive(&self) -> bool {
        self.marks().contains(&Mark::Sensitive)
    }

    /// Tells whether the value itself has marks.
    pub fn is_marked(&self) -> bool {
        !self.marks().is_empty()
    }

    /// Tells whether the value or anything inside it has marks.
    pub fn contains_marked(&self) -> bool {
        self.is_marked() || self.children().any(Value::contains_marked)
    }

    /// Returns the value without its own marks, and those; marks of elements stay.
    pub fn unmark(&self) -> (Value, Marks) {
        if !self.is_marked() {
            return (self.clone(), Marks::new());
        }
        (self.clone().set_marks(Marks::new()), self.marks().clone())
    }

    /// Returns the value without any marks at any depth, and all of those together.
    pub fn unmark_deep(&self) -> (Value, Marks) {
        let (value, found) = self.unmark_deep_with_paths();
        (value, found.into_iter().flat_map(|(_, marks)| marks).collect())
    }

    /// Returns the value without any marks at any depth, and where they were.
    pub fn unmark_deep_with_paths(&self) -> (Value, Vec<(Path, Marks)>) {
        let mut found = Vec::new();
        if !self.contains_marked() {
            return (self.clone(), found);
        }
        let mut path = Path::default();
        let value = strip(self, &mut path, &mut found);
        (value, found)
    }

    /// Returns the value with only those marks, at any depth, that a test keeps.
    #[must_use]
    pub fn retain_marks(&self, keep: &impl Fn(&Mark) -> bool) -> Value {
        if !self.contains_marked() {
            return self.clone();
        }
        let kept = self.marks().iter().filter(|mark| keep(mark)).cloned().collect();
        self.map_children(|_, child| child.retain_marks(keep)).set_marks(kept)
    }

    /// Returns the value with marks put back where [`Value::unmark_deep_with_paths`] found them.
    ///
    /// Paths that lead nowhere are ignored.
    #[must_use]
    pub fn mark_with_paths(&self, found: &[(Path, Marks)]) -> Value {
        let mut value = self.clone();
        for (path, marks) in found {
            value = mark_at(&value, path.steps(), marks);
        }
        value
    }
}

fn strip(value: &Value, path: &mut Path, found: &mut Vec<(Path, Marks)>) -> Value {
    if value.is_marked() {
        found.push((path.clone(), value.marks().clone()));
    }
    let stripped = value.clone().set_marks(Marks::new());
    stripped.map_children(|step, child| {
        path.push(step);
        let child = strip(child, path, found);
        path.pop();
        child
    })
}

fn mark_at(value: &Value, steps: &[PathStep], marks: &Marks) -> Value {
    let Some((first, rest)) = steps.split_first() else {
        return value.with_marks(marks.iter().cloned());
    };
    value.map_children(|step, child| if step == *first { mark_at(child, rest, marks) } else { child.clone() })
}

impl Value {
    /// Rebuilds a value with its children replaced by ones of the same types, in the same order; its marks stay.
    ///
    /// Elements of sets are left alone: they have no marks.
    pub(crate) fn map_children(&self, mut replace: impl FnMut(PathStep, &Value) -> Value) -> Value {
        let repr = match self.repr() {
            Repr::Sequence(_) if self.ty().is_set() => return self.clone(),
            Repr::Sequence(elements) => {
                let object = self.ty().as_object();
                let step = |index: usize| match object {
                    Some(object) => PathStep::GetAttr(object.shared_name_at(index).to_string()),
                    None => PathStep::Index(Value::from(index as u64)),
                };
                Repr::Sequence(
                    elements.iter().enumerate().map(|(index, element)| replace(step(index), element)).collect(),
                )
            }
            Repr::Map(entries) => Repr::Map(
                entries
                    .iter()
                    .map(|(key, element)| {
                        let step = PathStep::Index(Value::shared_string(Arc::clone(key)));
                        (Arc::clone(key), replace(step, element))
                    })
                    .collect(),
            ),
            _ => return self.clone(),
        };
        Value::new(self.ty().clone(), repr).set_marks(self.marks().clone())
    }
}

/// Runs an operation on unmarked operands and puts all their marks on the result.
pub(crate) fn unmarked<const N: usize>(
    operands: [&Value; N],
    operation: impl FnOnce([&Value; N]) -> Result<Value>,
) -> Result<Value> {
    if operands.iter().all(|operand| !operand.is_marked()) {
        return operation(operands);
    }
    let bare = operands.map(|operand| operand.unmark().0);
    let result = operation(std::array::from_fn(|index| &bare[index]))?;
    Ok(result.with_marks(operands.iter().flat_map(|operand| operand.marks().iter().cloned())))
}
