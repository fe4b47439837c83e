//! Functions: the pure ones of the language, one line of a table each.
//!
//! A function has parameters, which say what arguments may be, a type that follows from the arguments, and a body. What
//! arguments may be is checked in one place; a body sees only what its parameters admit: unless one says so, no argument
//! is null, unknown or marked.
//!
//! Source: the "Functions" pages of the Terraform and `OpenTofu` documentation; where they are silent, the behavior of the
//! programs, which the test suite compares with. Where the two programs differ, the value is unknown, with that reason.
//!
//! **A good addition** is an entry in the table of its file, a body, and lines in the test that asks the programs.

mod collection;
mod conversion;
mod csv;
mod encoding;
mod files;
mod format;
mod glob;
mod hash;
mod impure;
mod network;
mod number;
mod pattern;
mod sequence;
mod set;
mod signature;
mod special;
mod text;
mod time;
mod yaml;

use std::ops::Range;

use cty::convert::convert;
use cty::{ErrorKind, Mark, Marks, Refinements, Type, Value};
use model::Diagnostic;

use crate::evaluate::{Evaluator, Frame, capitalized, is_reason, place, sized};
use crate::expression::Node;
use signature::{ANY, NULLABLE, NUMBER, Parameter, Returns, TEXT, TEXTS, Takes, Wanted, of};

type Computed = Result<Value, Failure>;

/// Why a function has no value.
#[derive(Clone, Debug)]
enum Failure {
    /// The call is wrong, for the programs too. A full sentence.
    Wrong(String),
    /// The programs may have a value, which is not computed here. A clause with its subject.
    Unable(String),
    /// The value would be larger than anything people write. A full sentence.
    TooLarge(String),
}

impl From<String> for Failure {
    fn from(detail: String) -> Self {
        Self::Wrong(detail)
    }
}

impl From<&str> for Failure {
    fn from(detail: &str) -> Self {
        Self::Wrong(detail.to_owned())
    }
}

impl From<cty::Error> for Failure {
    fn from(error: cty::Error) -> Self {
        if error.kind() == ErrorKind::Limit {
            return Self::Unable(format!("a limit was reached: {}", error.message()));
        }
        Self::Wrong(format!("{}.", capitalized(error.message())))
    }
}

/// A function.
struct Function {
    name: &'static str,
    parameters: &'static [Parameter],
    /// The parameter that all further arguments are for.
    rest: Option<Parameter>,
    returns: Returns,
    /// Whether the result may be null.
    is_nullable: bool,
    body: fn(&Call<'_>) -> Computed,
}

/// Arguments that fit their parameters, and where the call is.
struct Call<'a> {
    arguments: Vec<Value>,
    /// The type of the result, as far as it follows from the arguments.
    ty: Type,
    evaluator: &'a Evaluator<'a>,
    range: &'a Range<usize>,
}

impl Call<'_> {
    fn text(&self, position: usize) -> &str {
        self.arguments.get(position).and_then(Value::as_str).unwrap_or_default()
    }

    /// Gives a whole number.
    fn whole(&self, position: usize) -> Result<i64, Failure> {
        whole(self.arguments.get(position), position)
    }

    /// Gives an argument without its own marks, and those.
    fn bare(&self, position: usize) -> (Value, Marks) {
        self.arguments.get(position).map_or_else(|| (Value::dynamic(), Marks::new()), Value::unmark)
    }

    fn sized(&self, value: Value) -> Computed {
        sized(self.evaluator.file, self.range, value).map_err(|problem| Failure::TooLarge(problem.detail))
    }

    /// Gives the value of the call's type about which nothing else is known.
    fn unknown(&self) -> Value {
        Value::unknown(self.ty.clone())
    }

    /// Gives the type of the elements of the result.
    fn element_type(&self) -> Type {
        self.ty.element_type().cloned().unwrap_or(Type::Dynamic)
    }
}

fn whole(value: Option<&Value>, position: usize) -> Result<i64, Failure> {
    let number = value.and_then(Value::as_number);
    let wrong = || Failure::Wrong(format!("Argument {} must be a whole number.", position + 1));
    number.and_then(cty::Number::to_i64).ok_or_else(wrong)
}

/// Makes an unknown value of which more is known than its type.
fn refined(ty: Type, refinements: Refinements) -> Value {
    Value::unknown_refined(ty.clone(), refinements).unwrap_or_else(|_| Value::unknown(ty))
}

fn tables() -> impl Iterator<Item = &'static Function> {
    let tables = [
        collection::FUNCTIONS,
        conversion::FUNCTIONS,
        csv::FUNCTIONS,
        encoding::FUNCTIONS,
        files::FUNCTIONS,
        format::FUNCTIONS,
        hash::FUNCTIONS,
        impure::FUNCTIONS,
        network::FUNCTIONS,
        number::FUNCTIONS,
        pattern::FUNCTIONS,
        sequence::FUNCTIONS,
        set::FUNCTIONS,
        text::FUNCTIONS,
        time::FUNCTIONS,
        yaml::FUNCTIONS,
    ];
    tables.into_iter().flatten()
}

/// Gives the names of the functions that are known here, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = tables().map(|function| function.name).chain(["can", "try"]).collect();
    names.sort_unstable();
    names
}

/// Calls a function. One that is not known here has an unknown value, which says so.
pub(crate) fn call(
    evaluator: &Evaluator<'_>,
    node: &Node,
    name: &str,
    arguments: &[Node],
    expands_last: bool,
    frame: &Frame<'_>,
) -> Result<Value, Box<Diagnostic>> {
    let name = name.strip_prefix("core::").unwrap_or(name);
    let fail = |detail: String| evaluator.fail(&node.range, "Function call failed", detail);
    if name == "try" || name == "can" {
        return special::attempt(evaluator, node, name == "can", arguments, frame);
    }
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(evaluator.minding_problems(|| evaluator.value(argument, frame))?);
    }
    if expands_last {
        let Some((last, marks)) = values.pop().map(|last| last.unmark()) else {
            return Err(fail(format!("{name}(): `...` needs an argument before it.")));
        };
        if !matches!(last.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_) | Type::Dynamic) || last.is_null() {
            return Err(fail(format!("{name}(): what `...` follows must be a list, a set or a tuple.")));
        }
        if !last.is_known() {
            return Ok(Value::dynamic().with_marks(marks));
        }
        values.extend(last.elements().map(|element| element.with_marks(marks.iter().cloned())));
    }
    if name.starts_with("provider::") {
        return special::provided(evaluator, node, name, &values);
    }
    let Some(function) = tables().find(|function| function.name == name) else {
        let reason = format!("the function {name}() is not one that driftmgr computes");
        return Ok(evaluator.run.because(&Value::dynamic(), reason, Some(evaluator.file.span(&node.range))));
    };
    match function.call(evaluator, &node.range, &values) {
        Ok(value) => Ok(explained(value, &values)),
        Err(Failure::Unable(reason)) => {
            let value = Value::unknown(function.returns.ty().unwrap_or(Type::Dynamic));
            let marks = values.iter().flat_map(|value| value.unmark_deep().1);
            Ok(evaluator.run.because(&value.with_marks(marks), reason, Some(evaluator.file.span(&node.range))))
        }
        Err(Failure::TooLarge(detail)) => {
            Err(evaluator.fail(&node.range, special::TOO_LARGE, format!("{name}(): {detail}")))
        }
        Err(Failure::Wrong(_)) if values.iter().any(|value| value.unmark_deep().1.contains(&Mark::Sensitive)) => {
            Err(fail(format!("{name}() cannot use its arguments, of which one is sensitive and not shown.")))
        }
        Err(Failure::Wrong(detail)) => Err(fail(format!("{name}(): {detail}"))),
    }
}

/// Takes care that an unknown result says why it is unknown: for the reasons of the arguments.
fn explained(value: Value, arguments: &[Value]) -> Value {
    if value.is_known() || value.marks().iter().any(is_reason) {
        return value;
    }
    let marks = arguments.iter().flat_map(|argument| argument.unmark_deep().1).filter(is_reason);
    value.with_marks(marks)
}

impl Function {
    fn call(&self, evaluator: &Evaluator<'_>, range: &Range<usize>, values: &[Value]) -> Computed {
        let n_wanted = self.parameters.len();
        if values.len() < n_wanted || (values.len() > n_wanted && self.rest.is_none()) {
            let at_least = if self.rest.is_some() { "at least " } else { "" };
            return Err(Failure::Wrong(format!("It takes {at_least}{n_wanted} arguments, not {}.", values.len())));
        }
        let with_parameters = || {
            values.iter().enumerate().zip(
                self.parameters
                    .iter()
                    .copied()
                    .chain(std::iter::repeat_n(self.rest.unwrap_or(ANY), values.len() - n_wanted)),
            )
        };
        let mut marks = Marks::new();
        let mut arguments = Vec::with_capacity(values.len());
        for ((position, value), parameter) in with_parameters() {
            let value = if parameter.takes(Takes::Marked) {
                value.clone()
            } else {
                let (value, found) = value.unmark_deep();
                marks.extend(found);
                value
            };
            arguments.push(convert(&value, &parameter.ty()).map_err(|error| {
                if error.kind() == ErrorKind::Limit {
                    return Failure::from(error);
                }
                let detail = format!("Argument {} is wrong{}: {}.", position + 1, place(error.path()), error.message());
                Failure::Wrong(detail)
            })?);
        }
        let mut is_type_known = true;
        for ((position, _), parameter) in with_parameters() {
            let argument = &arguments[position];
            if argument.is_null() && !parameter.takes(Takes::Null) {
                return Err(Failure::Wrong(format!("Argument {} must not be null.", position + 1)));
            }
            if *argument.ty() == Type::Dynamic && !parameter.takes(Takes::Dynamic) {
                is_type_known = false;
                break;
            }
        }
        let is_known = with_parameters()
            .all(|((position, _), parameter)| arguments[position].is_known() || parameter.takes(Takes::Unknown));
        let is_bare_null = |value: &Value| value.is_null() && *value.ty() == Type::Dynamic;
        if !is_type_known && arguments.iter().any(is_bare_null) {
            return Err(Failure::Unable("the programs have no value for a null that has no type here".to_owned()));
        }
        let ty = if is_type_known { self.returns.of(&arguments)? } else { Type::Dynamic };
        let result = if is_type_known && is_known {
            let call = Call { arguments, ty, evaluator, range };
            (self.body)(&call)?
        } else {
            Value::unknown(ty)
        };
        let result =
            if self.is_nullable { result } else { result.refine(&Refinements::new().not_null()).unwrap_or(result) };
        Ok(result.with_marks(marks))
    }
}
