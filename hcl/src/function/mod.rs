//! Functions: the pure ones of the language, one line of a table each.
//!
//! Source: the "Functions" pages of the Terraform and OpenTofu documentation; where they are silent, the behavior of the
//! programs, which the test suite compares with.
//!
//! **A good addition** is an entry in the table of its file, a body, and lines in the test that asks the programs.

mod collection;
mod conversion;
mod encoding;
mod files;
mod format;
mod hash;
mod network;
mod number;
mod text;
mod yaml;

use std::ops::Range;

use cty::convert::convert;
use cty::{Mark, Marks, Type, Value};
use model::Diagnostic;

use crate::evaluate::{Evaluator, Frame, Resolved, sized};
use crate::expression::Node;

/// What goes wrong in a function, as a full sentence.
type Computed = Result<Value, String>;

/// A function.
struct Function {
    name: &'static str,
    parameters: &'static [Parameter],
    /// The parameter that all further arguments are for.
    rest: Option<Parameter>,
    returns: Returns,
    body: fn(&Call<'_>) -> Computed,
}

/// What an argument must be.
#[derive(Clone, Copy)]
struct Parameter {
    ty: Wanted,
    /// Whether null is a value like others.
    takes_null: bool,
    /// Whether the body copes with values that are not known inside of the argument.
    takes_unknown_parts: bool,
    /// Whether the body copes with an argument that is not known.
    takes_unknown: bool,
}

#[derive(Clone, Copy)]
enum Wanted {
    Text,
    Number,
    Any,
    Texts,
    Bools,
    ListOfAny,
    TextListsByKey,
    SetOfAny,
}

/// The type of the result, where nothing more is known about it.
#[derive(Clone, Copy)]
enum Returns {
    Text,
    Number,
    Bool,
    Texts,
    Anything,
}

/// Arguments that fit their parameters, and where the call is.
struct Call<'a> {
    arguments: Vec<Value>,
    /// The marks of all arguments; the result gets them.
    marks: Marks,
    evaluator: &'a Evaluator<'a>,
    range: &'a Range<usize>,
}

const fn of(ty: Wanted) -> Parameter {
    Parameter { ty, takes_null: false, takes_unknown_parts: false, takes_unknown: false }
}

const TEXT: Parameter = of(Wanted::Text);
const NUMBER: Parameter = of(Wanted::Number);
const ANY: Parameter = of(Wanted::Any);
const TEXTS: Parameter = of(Wanted::Texts);
/// Of any type, with parts that need not be known.
const PARTS: Parameter = Parameter { takes_unknown_parts: true, ..ANY };
/// Of any type, null included, with parts that need not be known.
const NULLABLE: Parameter = Parameter { takes_null: true, ..PARTS };

impl Parameter {
    fn ty(self) -> Type {
        match self.ty {
            Wanted::Text => Type::String,
            Wanted::Number => Type::Number,
            Wanted::Any => Type::Dynamic,
            Wanted::Texts => Type::list(Type::String),
            Wanted::Bools => Type::list(Type::Bool),
            Wanted::ListOfAny => Type::list(Type::Dynamic),
            Wanted::TextListsByKey => Type::map(Type::list(Type::String)),
            Wanted::SetOfAny => Type::set(Type::Dynamic),
        }
    }
}

impl Returns {
    fn ty(self) -> Type {
        match self {
            Self::Text => Type::String,
            Self::Number => Type::Number,
            Self::Bool => Type::Bool,
            Self::Texts => Type::list(Type::String),
            Self::Anything => Type::Dynamic,
        }
    }
}

impl Call<'_> {
    fn text(&self, position: usize) -> &str {
        self.arguments.get(position).and_then(Value::as_str).unwrap_or_default()
    }

    /// Gives a whole number.
    fn whole(&self, position: usize) -> Result<i64, String> {
        let number = self.arguments.get(position).and_then(Value::as_number);
        number.and_then(cty::Number::to_i64).ok_or_else(|| format!("Argument {} must be a whole number.", position + 1))
    }

    /// Gives the texts of a list.
    fn texts(&self, position: usize) -> Vec<&str> {
        self.arguments.get(position).map(|list| list.elements().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    fn sized(&self, value: Value) -> Computed {
        sized(self.evaluator.file, self.range, value).map_err(|problem| problem.detail)
    }
}

fn tables() -> impl Iterator<Item = &'static Function> {
    let tables = [
        collection::FUNCTIONS,
        conversion::FUNCTIONS,
        encoding::FUNCTIONS,
        files::FUNCTIONS,
        format::FUNCTIONS,
        hash::FUNCTIONS,
        network::FUNCTIONS,
        number::FUNCTIONS,
        text::FUNCTIONS,
        yaml::FUNCTIONS,
    ];
    tables.into_iter().flatten()
}

/// Gives the names of the functions that are computed here, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = tables().map(|function| function.name).chain(["can", "try"]).collect();
    names.sort_unstable();
    names
}

/// Calls a function. One that is not computed here has an unknown value, which says so.
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
        return attempt(evaluator, node, name == "can", arguments, frame);
    }
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        values.push(evaluator.value(argument, frame)?);
    }
    if name.starts_with("provider::") && !expands_last {
        return provided(evaluator, node, name, &values);
    }
    let Some(function) = tables().find(|function| function.name == name) else {
        let reason = match name {
            "timestamp" | "uuid" | "bcrypt" | "plantimestamp" => {
                format!("the function {name}() has another value each time")
            }
            _ if name.starts_with("provider::") => format!("the function {name}() is computed by a provider"),
            _ => format!("the function {name}() is not one that driftmgr computes"),
        };
        evaluator.run.saw_unknown();
        return Ok(evaluator.run.because(&Value::dynamic(), reason, Some(evaluator.file.span(&node.range))));
    };
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
    let n_wanted = function.parameters.len();
    if values.len() < n_wanted || (values.len() > n_wanted && function.rest.is_none()) {
        let at_least = if function.rest.is_some() { "at least " } else { "" };
        return Err(fail(format!("{name}() takes {at_least}{n_wanted} arguments, not {}.", values.len())));
    }
    let mut marks = Marks::new();
    let mut is_known = true;
    let mut prepared = Vec::with_capacity(values.len());
    for (position, value) in values.iter().enumerate() {
        let Some(parameter) = function.parameters.get(position).or(function.rest.as_ref()) else { continue };
        let (value, found) = if parameter.takes_unknown_parts { value.unmark() } else { value.unmark_deep() };
        marks.extend(found);
        if value.is_null() && !parameter.takes_null {
            return Err(fail(format!("Argument {} of {name}() must not be null.", position + 1)));
        }
        let value = convert(&value, &parameter.ty()).map_err(|error| {
            let place = crate::evaluate::place(error.path());
            fail(format!("Argument {} of {name}() is wrong{place}: {}.", position + 1, error.message()))
        })?;
        is_known &= parameter.takes_unknown
            || if parameter.takes_unknown_parts { value.is_known() } else { value.is_wholly_known() };
        prepared.push(value);
    }
    if !is_known {
        return Ok(Value::unknown(function.returns.ty()).with_marks(marks));
    }
    let call = Call { arguments: prepared, marks, evaluator, range: &node.range };
    match (function.body)(&call) {
        Ok(value) => {
            let kept = |mark: &Mark| *mark != Mark::Sensitive || !matches!(name, "issensitive" | "nonsensitive");
            Ok(value.with_marks(call.marks.into_iter().filter(kept)))
        }
        Err(_) if call.marks.contains(&Mark::Sensitive) => {
            Err(fail(format!("{name}() cannot use its arguments, of which one is sensitive and not shown.")))
        }
        Err(detail) => Err(fail(format!("{name}(): {detail}"))),
    }
}

/// Asks the scope for the result of a provider's function.
fn provided(evaluator: &Evaluator<'_>, node: &Node, name: &str, values: &[Value]) -> Result<Value, Box<Diagnostic>> {
    let mut marks = Marks::new();
    let mut arguments = Vec::with_capacity(values.len());
    for value in values {
        let (value, found) = value.unmark_deep();
        arguments.push(value);
        marks.extend(found);
    }
    let value = match evaluator.scope.provider_function(name, &arguments, evaluator.run) {
        Resolved::Value { value, .. } => value,
        Resolved::Unknown { ty, reason, .. } => {
            let value = Value::unknown(ty);
            evaluator.run.because(&value, reason, Some(evaluator.file.span(&node.range)))
        }
        Resolved::Failed(problem) => return Err(problem),
        Resolved::Invalid(detail) => return Err(evaluator.fail(&node.range, "Function call failed", detail)),
    };
    if !value.is_wholly_known() {
        evaluator.run.saw_unknown();
    }
    Ok(value.with_marks(marks))
}

/// Computes `try` and `can`: the first argument without a mistake. Where that depends on something unknown, so does the
/// result.
fn attempt(
    evaluator: &Evaluator<'_>,
    node: &Node,
    is_can: bool,
    arguments: &[Node],
    frame: &Frame<'_>,
) -> Result<Value, Box<Diagnostic>> {
    let mut problems = Vec::new();
    for argument in arguments {
        let n_before = evaluator.run.n_unknown();
        let result = evaluator.value(argument, frame);
        let is_open = result.as_ref().is_ok_and(|value| !value.is_wholly_known());
        if is_open || evaluator.run.n_unknown() > n_before {
            let ty = if is_can { Type::Bool } else { Type::Dynamic };
            let marks = result.map(|value| value.unmark_deep().1).unwrap_or_default();
            // The reference implementation forgets the marks of what is not known.
            let marks = if is_open { crate::evaluate::reasons(&marks) } else { marks };
            return Ok(Value::unknown(ty).with_marks(marks));
        }
        match result {
            Ok(_) if is_can => return Ok(Value::bool(true)),
            Ok(value) => return Ok(value),
            Err(problem) => problems.push(problem.detail),
        }
    }
    if is_can && arguments.len() == 1 {
        return Ok(Value::bool(false));
    }
    let detail = match problems.as_slice() {
        [] => "try() and can() need an argument.".to_owned(),
        problems => format!("No argument of try() could be computed: {}", problems.join(" ")),
    };
    Err(evaluator.fail(&node.range, "Function call failed", detail))
}
