use std::cmp::Ordering;

use super::equality::{unknown_bool, unknown_number};
use crate::error::{Error, ErrorKind, Result};
use crate::marks::unmarked;
use crate::number::Number;
use crate::refine::{Bound, Refinements};
use crate::types::Type;
use crate::value::Value;

/// Returns the number operand, or nothing where it is not known.
fn operand(value: &Value) -> Result<Option<&Number>> {
    match value.ty() {
        Type::Dynamic | Type::Number if !value.is_known() => Ok(None),
        Type::Dynamic | Type::Number if value.is_null() => {
            Err(Error::new(ErrorKind::Null, "a number is required, but the value is null"))
        }
        Type::Number => Ok(value.as_number()),
        other => Err(Error::new(ErrorKind::Type, format!("a number is required, but the value is {other}"))),
    }
}

/// Computes with two numbers; of unknown ones, the range of the result where the operation is monotone.
fn binary(
    a: &Value,
    b: &Value,
    operation: fn(&Number, &Number) -> Result<Number>,
    result_range: fn(&Value, &Value) -> Refinements,
) -> Result<Value> {
    unmarked([a, b], |[a, b]| match (operand(a)?, operand(b)?) {
        (Some(a), Some(b)) => operation(a, b).map(Value::number),
        _ => Ok(unknown_number(result_range(a, b))),
    })
}

fn no_range(_: &Value, _: &Value) -> Refinements {
    Refinements::new()
}

/// Computes the range of a monotone operation from the corners of its operands' ranges.
fn monotone_range(a: &Value, b: &Value, operation: fn(&Number, &Number) -> Result<Number>) -> Refinements {
    let bounds = |value: &Value| {
        let range = if *value.ty() == Type::Number { value.range() } else { Refinements::new() };
        let number = |bound: Option<Bound>, negative| bound.map_or(Number::infinity(negative), |bound| bound.number);
        [number(range.lower, true), number(range.upper, false)]
    };
    // Nothing at all is known about a value of unknown type, not even that it lies between the infinities.
    if *a.ty() != Type::Number || *b.ty() != Type::Number {
        return Refinements::new();
    }
    let mut corners = Vec::with_capacity(4);
    for a in &bounds(a) {
        for b in &bounds(b) {
            match operation(a, b) {
                Ok(corner) => corners.push(corner),
                Err(_) => return Refinements::new(),
            }
        }
    }
    let mut range = Refinements::new();
    let lowest = corners.iter().min_by(|a, b| a.compare(b)).filter(|lowest| !lowest.is_infinite());
    let highest = corners.iter().max_by(|a, b| a.compare(b)).filter(|highest| !highest.is_infinite());
    if let Some(lowest) = lowest {
        range = range.number_min(lowest.clone(), true);
    }
    if let Some(highest) = highest {
        range = range.number_max(highest.clone(), true);
    }
    range
}

/// Orders two numbers; unknown ones as far as their ranges do not meet.
fn ordered(a: &Value, b: &Value, wanted: Ordering) -> Result<Value> {
    unmarked([a, b], |[a, b]| {
        if let (Some(a), Some(b)) = (operand(a)?, operand(b)?) {
            return Ok(Value::bool(a.compare(b) == wanted));
        }
        if *a.ty() != Type::Number || *b.ty() != Type::Number {
            return Ok(unknown_bool());
        }
        let (a, b) = (a.range(), b.range());
        let below = |upper: &Option<Bound>, lower: &Option<Bound>| match (upper, lower) {
            (Some(upper), Some(lower)) => upper.number.compare(&lower.number).is_lt(),
            _ => false,
        };
        let verdict = if below(&a.upper, &b.lower) {
            Some(Ordering::Less)
        } else if below(&b.upper, &a.lower) {
            Some(Ordering::Greater)
        } else {
            None
        };
        Ok(verdict.map_or_else(unknown_bool, |verdict| Value::bool(verdict == wanted)))
    })
}

impl Value {
    /// Returns the sum of two numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number; as [`Number::add`] otherwise.
    pub fn add(&self, other: &Value) -> Result<Value> {
        binary(self, other, Number::add, |a, b| monotone_range(a, b, Number::add))
    }

    /// Returns the difference of two numbers.
    ///
    /// # Errors
    /// As [`Value::add`].
    pub fn subtract(&self, other: &Value) -> Result<Value> {
        binary(self, other, Number::sub, |a, b| monotone_range(a, b, Number::sub))
    }

    /// Returns the product of two numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number; as [`Number::mul`] otherwise.
    pub fn multiply(&self, other: &Value) -> Result<Value> {
        binary(self, other, Number::mul, |a, b| monotone_range(a, b, Number::mul))
    }

    /// Returns the quotient of two numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number; as [`Number::div`] otherwise.
    pub fn divide(&self, other: &Value) -> Result<Value> {
        binary(self, other, Number::div, no_range)
    }

    /// Returns the remainder of the division of two numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number; as [`Number::rem`] otherwise.
    pub fn modulo(&self, other: &Value) -> Result<Value> {
        binary(self, other, Number::rem, no_range)
    }

    /// Returns the number with the opposite sign.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number.
    pub fn negate(&self) -> Result<Value> {
        unmarked([self], |[value]| {
            Ok(operand(value)?.map_or_else(|| unknown_number(Refinements::new()), |number| Value::number(number.neg())))
        })
    }

    /// Returns the number without its sign.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number.
    pub fn absolute(&self) -> Result<Value> {
        unmarked([self], |[value]| {
            Ok(operand(value)?.map_or_else(
                || unknown_number(Refinements::new().number_min(0i64, true)),
                |number| Value::number(number.abs()),
            ))
        })
    }

    /// Tells whether this number is less than the other.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number.
    pub fn less_than(&self, other: &Value) -> Result<Value> {
        ordered(self, other, Ordering::Less)
    }

    /// Tells whether this number is greater than the other.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number.
    pub fn greater_than(&self, other: &Value) -> Result<Value> {
        ordered(self, other, Ordering::Greater)
    }

    /// Tells whether this number is less than the other or equal to it.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number.
    pub fn less_than_or_equal_to(&self, other: &Value) -> Result<Value> {
        self.less_than(other)?.or(&self.equals(other))
    }

    /// Tells whether this number is greater than the other or equal to it.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] or [`ErrorKind::Null`] for what is no number.
    pub fn greater_than_or_equal_to(&self, other: &Value) -> Result<Value> {
        self.greater_than(other)?.or(&self.equals(other))
    }
}
