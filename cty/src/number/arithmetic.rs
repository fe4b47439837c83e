use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::Zero;

use super::{Big, Form, MAX_EXPONENT, Number, PARSED_PRECISION, Repr, compare_magnitudes, round_to_exponent};
use crate::error::{Error, ErrorKind, Result};

fn undefined(message: &str) -> Error {
    Error::new(ErrorKind::Undefined, message)
}

impl Number {
    /// Rounds `mantissa * 2^exponent` to the precision and gives it its one representation.
    pub(super) fn rounded(negative: bool, mantissa: &BigUint, exponent: i64, precision: u32) -> Result<Number> {
        let top = exponent + mantissa.bits().cast_signed();
        if !mantissa.is_zero() && top.abs() > MAX_EXPONENT {
            return Err(Error::new(ErrorKind::Limit, "the number is too large or too close to zero"));
        }
        let (mantissa, exponent) = round_to_exponent(mantissa, exponent, top - i64::from(precision));
        Ok(Number::canonical(negative, mantissa, exponent, precision))
    }

    fn with_precision(&self, precision: u32) -> Result<Number> {
        match self.to_big() {
            Big { negative, form: Form::Finite { mantissa, exponent }, .. } => {
                Number::rounded(negative, &mantissa, exponent, precision)
            }
            Big { negative, form, .. } => Ok(Number::special(negative, form, precision)),
        }
    }

    /// Returns the sum, rounded to the larger precision of both.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for infinities of opposite signs, [`ErrorKind::Limit`] for a result out of range.
    pub fn add(&self, other: &Number) -> Result<Number> {
        let precision = self.precision().max(other.precision());
        if let (Repr::Int { value: a, .. }, Repr::Int { value: b, .. }) = (&self.0, &other.0) {
            if let Some(value) = a.checked_add(*b).filter(|_| precision >= 64) {
                return Ok(Number(Repr::Int { value, precision }));
            }
        }
        add_at(&self.to_big(), &other.to_big(), precision)
    }

    /// Returns the difference, rounded to the larger precision of both.
    ///
    /// # Errors
    /// As [`Number::add`].
    pub fn sub(&self, other: &Number) -> Result<Number> {
        self.add(&other.neg())
    }

    /// Returns the product, rounded to 512 bits and carrying as much precision as it needs, and no less than either.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for zero times infinity, [`ErrorKind::Limit`] for a result out of range.
    pub fn mul(&self, other: &Number) -> Result<Number> {
        let product = multiply_at(&self.to_big(), &other.to_big(), PARSED_PRECISION)?;
        let needed = match &product.to_big().form {
            Form::Finite { mantissa, .. } => mantissa.bits() as u32,
            Form::Zero | Form::Infinite => 0,
        };
        product.with_precision(self.precision().max(other.precision()).max(needed))
    }

    /// Returns the quotient, rounded to the larger precision of both; by zero it is infinite.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for zero by zero and infinity by infinity, [`ErrorKind::Limit`] out of range.
    pub fn div(&self, other: &Number) -> Result<Number> {
        divide_at(&self.to_big(), &other.to_big(), self.precision().max(other.precision()))
    }

    /// Returns the remainder of the division that rounds towards zero; modulo zero a number is itself.
    ///
    /// # Errors
    /// As [`Number::div`].
    pub fn rem(&self, other: &Number) -> Result<Number> {
        if self.is_infinite() || other.is_infinite() {
            return self.mul(other);
        }
        if other.is_zero() {
            return Ok(self.clone());
        }
        let precision = self.precision();
        let whole = self.div(other)?.truncated_at(precision)?;
        let multiple = multiply_at(&other.to_big(), &whole.to_big(), precision)?;
        add_at(&self.to_big(), &multiple.neg().to_big(), precision)
    }

    /// Returns the number with the opposite sign.
    #[must_use]
    pub fn neg(&self) -> Number {
        match &self.0 {
            Repr::Int { value, precision } if *value != 0 && *value != i64::MIN => {
                Number(Repr::Int { value: -value, precision: *precision })
            }
            _ => {
                let big = self.to_big();
                big.with_sign(!big.negative)
            }
        }
    }

    /// Returns the number without its sign.
    #[must_use]
    pub fn abs(&self) -> Number {
        if self.is_negative() { self.neg() } else { self.clone() }
    }

    /// Returns the whole part, rounded to the precision.
    fn truncated_at(&self, precision: u32) -> Result<Number> {
        match self.to_big() {
            Big { negative, form: Form::Finite { mantissa, exponent }, .. } => {
                let whole = if exponent < 0 { mantissa >> exponent.unsigned_abs() } else { mantissa };
                Number::rounded(negative && !whole.is_zero(), &whole, exponent.max(0), precision)
            }
            Big { form, .. } => Ok(Number::special(false, form, precision)),
        }
    }
}

impl Big {
    fn with_sign(&self, negative: bool) -> Number {
        match &self.form {
            Form::Finite { mantissa, exponent } => {
                Number::canonical(negative, mantissa.clone(), *exponent, self.precision)
            }
            form => Number::special(negative, form.clone(), self.precision),
        }
    }
}

fn add_at(a: &Big, b: &Big, precision: u32) -> Result<Number> {
    match (&a.form, &b.form) {
        (Form::Infinite, Form::Infinite) if a.negative != b.negative => {
            Err(undefined("infinities of opposite signs have no sum"))
        }
        (Form::Infinite, _) => Ok(Number::special(a.negative, Form::Infinite, precision)),
        (_, Form::Infinite) => Ok(Number::special(b.negative, Form::Infinite, precision)),
        (Form::Zero, Form::Zero) => Ok(Number::special(a.negative && b.negative, Form::Zero, precision)),
        (Form::Zero, Form::Finite { mantissa, exponent }) => {
            Number::rounded(b.negative, mantissa, *exponent, precision)
        }
        (Form::Finite { mantissa, exponent }, Form::Zero) => {
            Number::rounded(a.negative, mantissa, *exponent, precision)
        }
        (
            Form::Finite { mantissa: a_mantissa, exponent: a_exponent },
            Form::Finite { mantissa: b_mantissa, exponent: b_exponent },
        ) => {
            let exponent = *a_exponent.min(b_exponent);
            let a_aligned = a_mantissa << (a_exponent - exponent) as u64;
            let b_aligned = b_mantissa << (b_exponent - exponent) as u64;
            if a.negative == b.negative {
                return Number::rounded(a.negative, &(a_aligned + b_aligned), exponent, precision);
            }
            match compare_magnitudes(&a.form, &b.form) {
                std::cmp::Ordering::Equal => Ok(Number::special(false, Form::Zero, precision)),
                std::cmp::Ordering::Greater => {
                    Number::rounded(a.negative, &(a_aligned - b_aligned), exponent, precision)
                }
                std::cmp::Ordering::Less => Number::rounded(b.negative, &(b_aligned - a_aligned), exponent, precision),
            }
        }
    }
}

pub(super) fn multiply_at(a: &Big, b: &Big, precision: u32) -> Result<Number> {
    let negative = a.negative != b.negative;
    match (&a.form, &b.form) {
        (Form::Zero, Form::Infinite) | (Form::Infinite, Form::Zero) => {
            Err(undefined("zero times infinity has no product"))
        }
        (Form::Infinite, _) | (_, Form::Infinite) => Ok(Number::special(negative, Form::Infinite, precision)),
        (Form::Zero, _) | (_, Form::Zero) => Ok(Number::special(negative, Form::Zero, precision)),
        (Form::Finite { mantissa: a, exponent: a_exponent }, Form::Finite { mantissa: b, exponent: b_exponent }) => {
            Number::rounded(negative, &(a * b), a_exponent + b_exponent, precision)
        }
    }
}

pub(super) fn divide_at(a: &Big, b: &Big, precision: u32) -> Result<Number> {
    let negative = a.negative != b.negative;
    match (&a.form, &b.form) {
        (Form::Zero, Form::Zero) => Err(undefined("zero divided by zero has no quotient")),
        (Form::Infinite, Form::Infinite) => Err(undefined("infinity divided by infinity has no quotient")),
        (Form::Zero, _) | (_, Form::Infinite) => Ok(Number::special(negative, Form::Zero, precision)),
        (Form::Infinite, _) | (_, Form::Zero) => Ok(Number::special(negative, Form::Infinite, precision)),
        (Form::Finite { mantissa: a, exponent: a_exponent }, Form::Finite { mantissa: b, exponent: b_exponent }) => {
            // Two bits more than are kept, and one that tells whether anything is left below them.
            let shift = (u64::from(precision) + 2 + b.bits()).saturating_sub(a.bits());
            let (quotient, remainder) = (a << shift).div_rem(b);
            let mut mantissa = quotient << 1u8;
            mantissa.set_bit(0, !remainder.is_zero());
            Number::rounded(negative, &mantissa, a_exponent - b_exponent - shift.cast_signed() - 1, precision)
        }
    }
}
