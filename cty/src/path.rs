//! Paths: where inside a value something is.

use std::fmt;

use crate::display::is_identifier;
use crate::error::{Error, ErrorKind, Result};
use crate::value::Value;

/// Leads from a value to one inside it, step by step.
///
/// ```
/// use cty::{Path, PathStep, Value};
/// let path = Path::default().attr("tags").index(Value::string("Name"));
/// assert_eq!(path.to_string(), r#"tags["Name"]"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<PathStep>);

/// Leads from a value to one directly inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// The attribute of an object.
    GetAttr(String),
    /// The element of a list or tuple by number, of a map by key, of a set by the element itself.
    Index(Value),
}

impl Path {
    /// Returns the path of the value itself.
    pub fn new() -> Path {
        Path::default()
    }

    /// Returns the steps from the outside in.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// Tells whether this is the path of the value itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the path of an attribute of the object here.
    #[must_use]
    pub fn attr(mut self, name: impl Into<String>) -> Path {
        self.0.push(PathStep::GetAttr(name.into()));
        self
    }

    /// Returns the path of an element of the collection here.
    #[must_use]
    pub fn index(mut self, key: impl Into<Value>) -> Path {
        self.0.push(PathStep::Index(key.into()));
        self
    }

    /// Goes one step further in.
    pub fn push(&mut self, step: PathStep) {
        self.0.push(step);
    }

    /// Goes one step back out, and returns it.
    pub fn pop(&mut self) -> Option<PathStep> {
        self.0.pop()
    }

    pub(crate) fn prepend(&mut self, step: PathStep) {
        self.0.insert(0, step);
    }

    /// Tells whether this path leads through `prefix` or ends there.
    pub fn starts_with(&self, prefix: &Path) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// Returns what is at the path inside `value`.
    ///
    /// Marks met on the way stick to the result.
    ///
    /// # Errors
    /// As [`Value::get_attr`] and [`Value::index`], with the path up to where it failed.
    pub fn apply(&self, value: &Value) -> Result<Value> {
        let mut current = value.clone();
        for (n_done, step) in self.0.iter().enumerate() {
            current = step
                .apply(&current)
                .map_err(|error| self.0[..n_done].iter().rev().fold(error, |error, step| error.under(step.clone())))?;
        }
        Ok(current)
    }
}

impl PathStep {
    fn apply(&self, value: &Value) -> Result<Value> {
        match self {
            PathStep::GetAttr(name) => value.get_attr(name),
            PathStep::Index(key) if value.ty().is_set() => match value.elements().find(|element| *element == key) {
                Some(element) => Ok(element.with_marks(value.marks().iter().cloned())),
                None => Err(Error::new(ErrorKind::Missing, "the set has no such element")),
            },
            PathStep::Index(key) => value.index(key),
        }
    }
}

impl From<Vec<PathStep>> for Path {
    fn from(steps: Vec<PathStep>) -> Path {
        Path(steps)
    }
}

impl FromIterator<PathStep> for Path {
    fn from_iter<I: IntoIterator<Item = PathStep>>(steps: I) -> Path {
        Path(steps.into_iter().collect())
    }
}

/// Writes the path as HCL does: `tags["Name"]`, `ingress[0].from_port`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                PathStep::GetAttr(name) if index == 0 && is_identifier(name) => f.write_str(name)?,
                step => write!(f, "{step}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathStep::GetAttr(name) if is_identifier(name) => write!(f, ".{name}"),
            PathStep::GetAttr(name) => write!(f, "[{}]", Value::string(name)),
            PathStep::Index(key) => write!(f, "[{key}]"),
        }
    }
}
