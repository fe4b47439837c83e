//! Visiting and rebuilding values at every depth.

use crate::error::Result;
use crate::path::{Path, PathStep};
use crate::value::Value;

/// Visits the value and everything inside it, outer values first.
///
/// The visitor says whether to go into the value it is given. Elements of sets are their own step in the path.
///
/// ```
/// use cty::{Value, walk};
/// let mut paths = Vec::new();
/// walk(&Value::tuple(vec![Value::bool(true)]), |path, _| {
///     paths.push(path.to_string());
///     true
/// });
/// assert_eq!(paths, ["", "[0]"]);
/// ```
pub fn walk(value: &Value, mut visit: impl FnMut(&Path, &Value) -> bool) {
    walk_at(&mut Path::new(), value, &mut visit);
}

fn walk_at(path: &mut Path, value: &Value, visit: &mut impl FnMut(&Path, &Value) -> bool) {
    if !visit(path, value) {
        return;
    }
    for (step, child) in value.steps() {
        path.push(step);
        walk_at(path, child, visit);
        path.pop();
    }
}

/// Rebuilds the value from the inside out: `change` sees each value after everything inside it was changed.
///
/// # Errors
/// What `change` returns; or that the elements of a collection no longer have one type.
pub fn transform(value: &Value, mut change: impl FnMut(&Path, Value) -> Result<Value>) -> Result<Value> {
    transform_at(&mut Path::new(), value, &mut change)
}

fn transform_at(
    path: &mut Path,
    value: &Value,
    change: &mut impl FnMut(&Path, Value) -> Result<Value>,
) -> Result<Value> {
    let mut children = Vec::new();
    for (step, child) in value.steps() {
        path.push(step);
        children.push(transform_at(path, child, change)?);
        path.pop();
    }
    let rebuilt = if children.is_empty() { value.clone() } else { value.with_children(children)? };
    change(path, rebuilt)
}

impl Value {
    /// Returns everything directly inside a known value, each with the step that leads there.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (PathStep, &Value)> {
        let is_object = self.ty().as_object().is_some();
        let is_set = self.ty().is_set();
        let elements = self.elements().enumerate().map(move |(index, element)| {
            let key = if is_set { element.clone() } else { Value::from(index as u64) };
            (PathStep::Index(key), element)
        });
        let entries = self.entries().map(move |(name, element)| {
            let step =
                if is_object { PathStep::GetAttr(name.to_owned()) } else { PathStep::Index(Value::string(name)) };
            (step, element)
        });
        elements.chain(entries)
    }
}
