//! `try` and `can`, which look at expressions instead of values, and the functions of providers.

use cty::{Marks, Type, Value};
use model::Diagnostic;

use crate::evaluate::{Evaluator, Frame, Resolved, is_reason};
use crate::expression::Node;

/// Heads the problem of a value that grew out of all proportion.
pub(super) const TOO_LARGE: &str = "Value too large";

/// Computes `try` and `can`: the first argument without a mistake. Where anything in that is not known, nothing is known of
/// the result: it may yet turn out to be a mistake.
pub(super) fn attempt(
    evaluator: &Evaluator<'_>,
    node: &Node,
    is_can: bool,
    arguments: &[Node],
    frame: &Frame<'_>,
) -> Result<Value, Box<Diagnostic>> {
    if is_can && arguments.len() != 1 {
        return Err(evaluator.fail(&node.range, "Function call failed", "can() takes 1 argument."));
    }
    let mut problems = Vec::new();
    for argument in arguments {
        let n_unknown = evaluator.run.n_unknown();
        let result = evaluator.minding_problems(|| evaluator.value(argument, frame));
        // What depends on something unknown may turn out to be a mistake, even where its value is known already.
        let is_open = evaluator.run.n_unknown() > n_unknown;
        match result {
            // The programs have no such limit: for them it may be no mistake.
            Err(problem) if is_limit(&problem) || evaluator.run.is_stopped() => return Err(problem),
            Err(problem) => problems.push(problem.detail),
            Ok(value) if is_open || !value.is_wholly_known() => {
                let (bare, marks) = value.unmark_deep();
                // The programs forget the marks of what is not known to them. What is not known here, with a reason, may
                // be known to them.
                let is_kept = bare.is_wholly_known() || marks.iter().any(is_reason);
                let marks = if is_kept { marks } else { Marks::new() };
                let result = Value::unknown(if is_can { Type::Bool } else { Type::Dynamic }).with_marks(marks);
                if result.marks().iter().any(is_reason) {
                    return Ok(result);
                }
                let reason = "what try() or can() looks at depends on something that is not known".to_owned();
                return Ok(evaluator.run.because(&result, reason, Some(evaluator.file.span(&node.range))));
            }
            Ok(_) if is_can => return Ok(Value::bool(true)),
            Ok(value) => return Ok(value),
        }
    }
    if is_can {
        return Ok(Value::bool(false));
    }
    let detail = match problems.as_slice() {
        [] => "try() needs an argument.".to_owned(),
        problems => format!("No argument of try() could be computed: {}", problems.join(" ")),
    };
    Err(evaluator.fail(&node.range, "Function call failed", detail))
}

/// Tells whether evaluation ended at a limit of its own.
pub(super) fn is_limit(problem: &Diagnostic) -> bool {
    matches!(problem.summary.as_str(), "Evaluation stopped" | "Text too long" | TOO_LARGE)
}

/// Asks the scope for the result of a provider's function.
pub(super) fn provided(
    evaluator: &Evaluator<'_>,
    node: &Node,
    name: &str,
    values: &[Value],
) -> Result<Value, Box<Diagnostic>> {
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
    Ok(value.with_marks(marks))
}
