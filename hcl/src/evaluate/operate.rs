//! Operators and conditionals.

use cty::convert::{convert, unify_unsafe};
use cty::{Marks, Refinements, Type, Value};

use super::node::{Evaluator, Frame, Outcome, capitalized};
use super::run::{is_reason, reasons};
use crate::expression::{Binary, Node, Unary};

impl Evaluator<'_> {
    pub(super) fn conditional(&self, node: &Node, [condition, yes, no]: [&Node; 3], frame: &Frame<'_>) -> Outcome {
        let (yes_value, yes_problem) = self.attempted(yes, frame)?;
        let (no_value, no_problem) = self.attempted(no, frame)?;
        let [yes_ty, no_ty] = [yes_value.ty(), no_value.ty()];
        let ty = if is_bare_null(&yes_value) {
            no_ty.clone()
        } else if is_bare_null(&no_value) {
            yes_ty.clone()
        } else if *yes_ty == Type::Dynamic || *no_ty == Type::Dynamic {
            Type::Dynamic
        } else {
            unify_unsafe(&[yes_ty.clone(), no_ty.clone()]).ok_or_else(|| {
                let detail = format!(
                    "The results must have one type, but one is a {} and the other a {}.",
                    yes_ty.friendly_name(),
                    no_ty.friendly_name()
                );
                self.fail(&node.range, "Inconsistent conditional", detail)
            })?
        };
        let spoiled = |problem| {
            if self.run.is_in_spite_of_problems() { Ok(Value::unknown(ty.clone())) } else { Err(problem) }
        };
        let truth = self.value(condition, frame)?;
        if truth.is_null() {
            let detail = "A condition is true or false; this one is null.";
            return spoiled(self.fail(&condition.range, "Invalid condition", detail));
        }
        let (truth, mut marks) = truth.unmark();
        marks.extend(yes_value.marks().iter().chain(no_value.marks()).cloned());
        let other_types = [yes_ty.clone(), no_ty.clone()];
        let [yes_reasons, no_reasons] = [&yes_value, &no_value].map(|value| reasons(value.marks()));
        let [yes_value, no_value] = [yes_value.unmark().0, no_value.unmark().0];
        if !truth.is_known() {
            return Ok(either(&yes_value, &no_value, ty).with_marks(marks));
        }
        let truth = match convert(&truth, &Type::Bool) {
            Ok(truth) => truth,
            Err(error) => {
                let detail = format!("It is no condition: {error}.");
                return spoiled(self.fail(&condition.range, "Invalid condition", detail));
            }
        };
        let (chosen, other, problem) = if truth.as_bool() == Some(true) {
            (yes_value, no_reasons, yes_problem)
        } else {
            (no_value, yes_reasons, no_problem)
        };
        if let Some(problem) = problem {
            return Err(problem);
        }
        if ty == Type::Dynamic {
            // Who knows the type of the other result, as terraform may, converts this one: a number to text, say.
            let is_certain = other.is_empty() || !may_become_text(&chosen);
            let chosen = if is_certain { chosen } else { Value::dynamic() };
            return Ok(chosen.with_marks(marks));
        }
        let other_ty = if truth.as_bool() == Some(true) { &other_types[1] } else { &other_types[0] };
        let converted = open_collection(&chosen, other_ty, &ty).unwrap_or_else(|| convert(&chosen, &ty));
        match converted {
            Ok(converted) => Ok(converted.with_marks(marks)),
            Err(error) => {
                let detail = format!("The result cannot take the type that both results have in common: {error}.");
                spoiled(self.fail(&node.range, "Inconsistent conditional", detail))
            }
        }
    }

    /// Evaluates what may turn out not to matter: with a problem, the value is what the type can be told from.
    fn attempted(&self, node: &Node, frame: &Frame<'_>) -> Outcome<(Value, Option<Box<model::Diagnostic>>)> {
        match self.value(node, frame) {
            Ok(value) => Ok((value, None)),
            Err(problem) if self.run.is_stopped() => Err(problem),
            Err(problem) => {
                let value = self.in_spite_of_problems(node, frame);
                if self.run.is_stopped() { Err(problem) } else { Ok((value, Some(problem))) }
            }
        }
    }

    fn operand(&self, node: &Node, ty: &Type, frame: &Frame<'_>) -> Outcome {
        let value = self.value(node, frame)?;
        self.as_operand(node, &value, ty)
    }

    fn as_operand(&self, node: &Node, value: &Value, ty: &Type) -> Outcome {
        convert(value, ty).map_err(|error| {
            self.fail(&node.range, "Invalid operand", format!("The operator cannot be applied to this: {error}."))
        })
    }

    pub(super) fn unary(&self, operator: Unary, operand: &Node, frame: &Frame<'_>) -> Outcome {
        let value = match operator {
            Unary::Negate => self.operand(operand, &Type::Number, frame)?,
            Unary::Not => self.operand(operand, &Type::Bool, frame)?,
        };
        if !value.is_known() {
            // The reference implementation forgets the marks here.
            return Ok(not_null(value.ty().clone()).with_marks(reasons(value.marks())));
        }
        let result = if operator == Unary::Not { value.not() } else { value.negate() };
        result
            .map_err(|error| self.fail(&operand.range, "Invalid operand", format!("{}.", capitalized(error.message()))))
    }

    pub(super) fn binary(&self, node: &Node, operator: Binary, sides: [&Node; 2], frame: &Frame<'_>) -> Outcome {
        match operator {
            Binary::Or => return self.logical(node, true, sides, frame),
            Binary::And => return self.logical(node, false, sides, frame),
            Binary::Equal | Binary::NotEqual => {
                let [left, right] = sides;
                return self.equality(node, operator, &self.value(left, frame)?, &self.value(right, frame)?);
            }
            _ => {}
        }
        let [left, right] = sides;
        let a = self.operand(left, &Type::Number, frame)?;
        let b = self.operand(right, &Type::Number, frame)?;
        let result = match operator {
            Binary::Less => a.less_than(&b),
            Binary::LessOrEqual => a.less_than_or_equal_to(&b),
            Binary::Greater => a.greater_than(&b),
            Binary::GreaterOrEqual => a.greater_than_or_equal_to(&b),
            Binary::Add => a.add(&b),
            Binary::Subtract => a.subtract(&b),
            Binary::Multiply => a.multiply(&b),
            Binary::Divide => a.divide(&b),
            _ if is_infinite(&a) && is_zero(&b) => Ok(a.with_marks(b.marks().iter().cloned())),
            _ if a.is_known() && b.is_known() && (is_infinite(&a) || is_infinite(&b)) => {
                return Err(self.fail(&node.range, "Invalid operand", "There is no remainder of infinity, or by it."));
            }
            _ => a.modulo(&b),
        };
        let result = result
            .map_err(|error| self.fail(&node.range, "Invalid operand", format!("{}.", capitalized(error.message()))))?;
        if a.is_known() && b.is_known() || *result.ty() != Type::Number {
            return Ok(result);
        }
        // Terraform tells less than what could be told of the sum of unknown numbers.
        Ok(not_null(Type::Number).with_marks(result.marks().iter().cloned()))
    }

    /// Gives the value that stands for an operation with a problem.
    pub(super) fn spoiled(&self, operator: Binary, sides: [&Node; 2], frame: &Frame<'_>) -> Outcome {
        let (wanted, ty) = match operator {
            Binary::Or | Binary::And => (Type::Bool, Type::Bool),
            Binary::Equal | Binary::NotEqual => (Type::Dynamic, Type::Bool),
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => (Type::Number, Type::Bool),
            _ => (Type::Number, Type::Number),
        };
        let result = Value::unknown(ty);
        let mut marks = Marks::new();
        let mut has_problem = false;
        for side in sides {
            let (value, problem) = self.minding_problems(|| self.attempted(side, frame))?;
            if convert(&value, &wanted).is_err() {
                return Ok(result);
            }
            has_problem |= problem.is_some();
            marks.extend(value.marks().iter().cloned());
        }
        Ok(if has_problem { result.with_marks(marks) } else { result })
    }

    fn equality(&self, node: &Node, operator: Binary, a: &Value, b: &Value) -> Outcome {
        let equal = a.equals(b);
        // What is secret anywhere inside makes the result secret, even where it takes no part in it.
        let inside = |value: &Value| if value.contains_marked() { value.unmark_deep().1 } else { Marks::new() };
        let equal = equal.with_marks(inside(a)).with_marks(inside(b));
        let result = if operator == Binary::Equal { Ok(equal) } else { equal.not() };
        result.map_err(|error| self.fail(&node.range, "Invalid operand", error.message()))
    }

    /// Computes `||`, which is true as soon as one side is, or `&&`, which is false as soon as one side is: a mistake in
    /// the other side does not matter then.
    fn logical(&self, node: &Node, decisive: bool, [left, right]: [&Node; 2], frame: &Frame<'_>) -> Outcome {
        let (a, a_problem) = self.attempted(left, frame)?;
        let (b, b_problem) = self.attempted(right, frame)?;
        let a = match (self.as_operand(left, &a, &Type::Bool), a_problem.clone()) {
            (Err(_), Some(problem)) => return Err(problem),
            (result, _) => result?,
        };
        let b = match (self.as_operand(right, &b, &Type::Bool), b_problem.clone()) {
            (Err(_), Some(problem)) => return Err(problem),
            (result, _) => result?,
        };
        let marks: Marks = a.marks().iter().chain(b.marks()).cloned().collect();
        let [a, b] = [a.unmark().0, b.unmark().0];
        // Null counts as false, unless all depends on it.
        let side = |value: &Value| value.is_known().then(|| value.as_bool().unwrap_or(false));
        let (known, problem) = match (side(&a), side(&b)) {
            (None, None) => match a_problem {
                // Who knows the other side may see that the mistake does not matter.
                Some(problem) if b_problem.is_some() || !marks.iter().any(is_reason) => return Err(problem),
                _ => (None, None),
            },
            (Some(side), _) if side == decisive => (Some(decisive), a_problem),
            (_, Some(side)) if side == decisive => (Some(decisive), b_problem),
            (None, Some(_)) => (None, a_problem),
            (Some(_), None) => (None, b_problem),
            (Some(_), Some(_)) if a.is_null() || b.is_null() => {
                let null = || self.fail(&node.range, "Invalid operand", "A bool is required, but the value is null.");
                return Err(a_problem.or(b_problem).unwrap_or_else(null));
            }
            (Some(_), Some(_)) => (Some(!decisive), a_problem.or(b_problem)),
        };
        match (problem, known) {
            (Some(problem), _) => Err(problem),
            (None, Some(known)) => Ok(Value::bool(known).with_marks(marks)),
            (None, None) => Ok(not_null(Type::Bool).with_marks(marks)),
        }
    }
}

/// Tells whether there are numbers or bools in a value.
fn may_become_text(value: &Value) -> bool {
    let mut found = false;
    cty::walk(value, |_, part| {
        found |= !part.is_null() && matches!(part.ty(), Type::Number | Type::Bool);
        !found
    });
    found
}

fn is_zero(value: &Value) -> bool {
    value.as_number().is_some_and(cty::Number::is_zero)
}

fn is_infinite(value: &Value) -> bool {
    value.as_number().is_some_and(cty::Number::is_infinite)
}

/// Tells whether this is the null that a literal makes. A reason beside it does not count: it is ours alone.
fn is_bare_null(value: &Value) -> bool {
    value.is_null() && *value.ty() == Type::Dynamic && value.marks().iter().all(is_reason)
}

fn not_null(ty: Type) -> Value {
    Value::unknown_refined(ty.clone(), Refinements::new().not_null()).unwrap_or_else(|_| Value::unknown(ty))
}

/// Gives a tuple or object as a collection whose elements have a type that is not known, as go-cty does beside another such
/// collection: elements stay as they are, and must have one type.
fn open_collection(chosen: &Value, other: &Type, ty: &Type) -> Option<cty::Result<Value>> {
    let is_open = matches!(other, Type::List(_) | Type::Map(_)) && ty.element_type() == Some(&Type::Dynamic);
    if !is_open || !chosen.is_known() || chosen.is_null() {
        return None;
    }
    let types: Vec<Type> =
        chosen.elements().chain(chosen.entries().map(|(_, part)| part)).map(Value::ty).cloned().collect();
    if unify_unsafe(&types)? == Type::Dynamic {
        return None;
    }
    match (chosen.ty(), ty) {
        (Type::Tuple(_), Type::List(_)) => Some(Value::list(Type::Dynamic, chosen.elements().cloned().collect())),
        (Type::Object(_), Type::Map(_)) => {
            let entries = chosen.entries().map(|(name, part)| (name.to_owned(), part.clone()));
            Some(Value::map(Type::Dynamic, entries.collect()))
        }
        _ => None,
    }
}

/// Gives what two results, without marks, have in common, where nobody knows which one it will be.
fn either(yes: &Value, no: &Value, ty: Type) -> Value {
    if yes.is_null() && no.is_null() {
        return Value::null(ty);
    }
    let is_ranged = *yes.ty() == Type::Number || yes.ty().is_collection();
    if is_ranged && yes.ty() == no.ty() {
        return yes.common_bounds(no);
    }
    if yes.is_definitely_not_null() && no.is_definitely_not_null() && ty != Type::Dynamic {
        return not_null(ty);
    }
    Value::unknown(ty)
}
