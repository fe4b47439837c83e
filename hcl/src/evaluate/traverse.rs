//! References, indexes, attributes and splats.

use std::ops::Range;

use cty::convert::convert;
use cty::{Marks, Refinements, Type, Value};

use super::Resolved;
use super::node::{Evaluator, Frame, Outcome, capitalized};
use super::run::reasons;
use crate::expression::{Node, NodeKind, ReferenceStep};

impl Evaluator<'_> {
    pub(super) fn traversal(&self, node: &Node, frame: &Frame<'_>) -> Outcome {
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
        let n_unknown = self.run.n_unknown();
        let resolved = self.minding_problems(|| self.scope.resolve(name, steps, self.run));
        // What that refers to does not count, only what it is worth.
        self.run.set_n_unknown(n_unknown);
        let (value, n_steps) = match resolved {
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
            self.run.set_n_unknown(n_unknown + 1);
        }
        Ok(value)
    }

    fn walk(&self, value: Value, steps: &[ReferenceStep<'_>], range: &Range<usize>) -> Outcome {
        steps.iter().try_fold(value, |value, step| self.step(&value, step, range))
    }

    /// Goes from a value to one of its elements or attributes.
    fn step(&self, value: &Value, step: &ReferenceStep<'_>, range: &Range<usize>) -> Outcome {
        if value.is_null() {
            return Err(self.fail(range, "Invalid reference", "This value is null, so nothing is inside of it."));
        }
        match step {
            ReferenceStep::Attribute(name) => self.attribute(value, name, range),
            ReferenceStep::Index(key) => self.index(value, key, range),
        }
    }

    fn attribute(&self, value: &Value, name: &str, range: &Range<usize>) -> Outcome {
        let found = match value.ty() {
            Type::Dynamic => return Ok(same_marks(Value::dynamic(), value)),
            Type::Object(_) => value.get_attr(name),
            Type::Map(element) if !value.is_known() => {
                return Ok(same_marks(Value::unknown(Type::clone(element)), value));
            }
            Type::Map(_) => value.index(&Value::string(name)),
            other => {
                let kind = other.friendly_name();
                let detail = match other {
                    Type::List(_) | Type::Tuple(_) | Type::Set(_) => format!(
                        "This is a {kind}, which has no attribute {name:?}; name an element first, or take all with `[*]`."
                    ),
                    _ => format!("This is a {kind}, which holds nothing inside."),
                };
                return Err(self.fail(range, "Invalid reference", detail));
            }
        };
        self.found(found, range)
    }

    fn index(&self, value: &Value, key: &Value, range: &Range<usize>) -> Outcome {
        let fail = |detail: String| self.fail(range, "Invalid reference", detail);
        if key.is_null() {
            return Err(fail("The key is null.".to_owned()));
        }
        // Of a key that is not known only the reason reaches the result: the collection alone says how secret that is.
        let unknown = |ty: Type| same_marks(Value::unknown(ty), value).with_marks(reasons(key.marks()));
        if *value.ty() == Type::Dynamic || *key.ty() == Type::Dynamic {
            return Ok(unknown(Type::Dynamic));
        }
        let wanted = match value.ty() {
            Type::List(_) | Type::Tuple(_) => Type::Number,
            Type::Map(_) | Type::Object(_) => Type::String,
            Type::Set(_) => return Err(fail("The elements of a set have no index.".to_owned())),
            other => return Err(fail(format!("This is a {}, which holds nothing inside.", other.friendly_name()))),
        };
        let key = convert(key, &wanted).map_err(|error| fail(format!("The key is wrong: {error}.")))?;
        let found = match value.ty() {
            Type::List(element) | Type::Map(element) if !key.is_known() || !value.is_known() => {
                return Ok(unknown(Type::clone(element)));
            }
            Type::Tuple(_) if !key.is_known() => return Ok(unknown(Type::Dynamic)),
            Type::Object(_) if !key.is_known() || !value.is_known() => return Ok(unknown(Type::Dynamic)),
            Type::Object(object) => {
                let name = key.as_str().unwrap_or_default();
                if object.get(name).is_none() {
                    // A key that was computed may be secret.
                    return Err(fail("The object has no attribute of this name.".to_owned()));
                }
                value.get_attr(name)
            }
            _ => value.index(&key),
        };
        self.found(found, range)
    }

    fn found(&self, found: cty::Result<Value>, range: &Range<usize>) -> Outcome {
        found.map_err(|error| self.fail(range, "Invalid reference", format!("{}.", capitalized(error.message()))))
    }

    pub(super) fn splat(&self, node: &Node, of: &Node, each: &Node, frame: &Frame<'_>) -> Outcome {
        let mut source = self.minding_problems(|| self.value(of, frame))?;
        let is_sequence = matches!(source.ty(), Type::Tuple(_) | Type::List(_) | Type::Set(_));
        if source.is_null() {
            if is_sequence {
                let detail = "The value before the splat is null; a splat needs a list, or one value.";
                return Err(self.fail(&node.range, "Splat of null", detail));
            }
            return Ok(same_marks(Value::tuple(Vec::new()), &source));
        }
        if *source.ty() == Type::Dynamic {
            return Ok(same_marks(Value::dynamic(), &source));
        }
        let mut may_be_empty = false;
        if !is_sequence {
            // One value stands for a tuple of it, null for an empty one.
            let is_not_null = source.refinements().is_some_and(Refinements::is_not_null);
            may_be_empty = !source.is_known() && !is_not_null;
            source = same_marks(Value::tuple(vec![source.clone()]), &source);
        }
        let (source, marks) = source.unmark();
        let of_each = |element: Value| self.value(each, &Frame::of_element(element, frame));
        let ty_of = |element: &Type| of_each(Value::unknown(element.clone())).map(|value| value.ty().clone());
        if !source.is_known() {
            return Ok(unknown_splat(&source, ty_of)?.with_marks(marks));
        }
        // Nobody knows the result where there is a problem with one of the elements.
        let values = self.minding_problems(|| source.elements().cloned().map(of_each).collect::<Outcome<Vec<Value>>>());
        let values = match values {
            Err(_) if self.run.is_in_spite_of_problems() => {
                if may_be_empty {
                    return Ok(Value::dynamic().with_marks(marks));
                }
                let ty = unknown_splat(&Value::unknown(source.ty().clone()), ty_of)?.ty().clone();
                return Ok(Value::unknown(ty).with_marks(marks));
            }
            values => values?,
        };
        if may_be_empty {
            return Ok(Value::dynamic().with_marks(marks));
        }
        let result = match source.ty() {
            Type::List(element) | Type::Set(element) => {
                let ty = if values.is_empty() { ty_of(element)? } else { Type::Dynamic };
                Value::list(ty, values).map_err(|_| {
                    let detail =
                        "The inner splat makes elements of several types, of which there is no list; use `for`.";
                    self.fail(&node.range, "Invalid nested splat", detail)
                })?
            }
            _ => Value::tuple(values),
        };
        Ok(result.with_marks(marks))
    }
}

/// Gives the result of a splat of which nobody knows the elements.
fn unknown_splat(source: &Value, ty_of: impl Fn(&Type) -> Outcome<Type>) -> Outcome {
    let ty = match source.ty() {
        Type::List(element) | Type::Set(element) => Type::list(ty_of(element)?),
        Type::Tuple(elements) => Type::Tuple(elements.iter().map(ty_of).collect::<Outcome<_>>()?),
        _ => Type::Dynamic,
    };
    let mut known = Refinements::new().not_null();
    if let (Type::List(_), Some(of_source)) = (&ty, source.refinements()) {
        known = known.length_min(of_source.min_length());
        if let Some(most) = of_source.max_length() {
            known = known.length_max(most);
        }
    }
    Ok(Value::unknown_refined(ty.clone(), known).unwrap_or_else(|_| Value::unknown(ty)))
}

/// Puts the marks of one value on another.
fn same_marks(value: Value, marked: &Value) -> Value {
    let marks: &Marks = marked.marks();
    if marks.is_empty() { value } else { value.with_marks(marks.iter().cloned()) }
}
