//! Numbers as go-cty has them: binary floats that carry their own precision.

mod arithmetic;
mod parse;
mod text;

pub use text::Notation;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use num_bigint::BigUint;
use num_traits::{One, ToPrimitive};

use crate::error::{Error, ErrorKind, Result};

/// Holds a binary floating point number of some precision, or an infinity.
///
/// The precision decides how results are rounded and how many digits are shown: numbers parsed from text have 512
/// bits, integers 64, IEEE doubles 53. Rounding is half to even.
///
/// Two numbers are equal when they are the same integer or when they are shown with the same digits, so that `0.1`
/// from text equals `0.1` from a double. [`Number::compare`] orders by exact value instead.
///
/// ```
/// use cty::Number;
/// let parsed = Number::parse("0.1")?;
/// let double = Number::from_f64(0.1)?;
/// assert_eq!(parsed, double);
/// assert!(parsed.compare(&double).is_lt());
/// assert_eq!(Number::from_i64(1).div(&Number::from_i64(3))?.to_string(), "0.33333333333333333334");
/// # Ok::<(), cty::Error>(())
/// ```
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    /// Any integer that fits, except negative zero: there is one representation per number and precision.
    Int {
        value: i64,
        precision: u32,
    },
    Big(Arc<Big>),
}

/// Everything else: fractions, large integers, negative zero, infinities.
#[derive(Clone)]
struct Big {
    negative: bool,
    form: Form,
    precision: u32,
}

#[derive(Clone)]
enum Form {
    Zero,
    /// `mantissa * 2^exponent` with an odd mantissa.
    Finite {
        mantissa: BigUint,
        exponent: i64,
    },
    Infinite,
}

/// Is the precision of numbers that come from decimal text.
const PARSED_PRECISION: u32 = 512;
const INTEGER_PRECISION: u32 = 64;
const DOUBLE_PRECISION: u32 = 53;

/// Bounds the binary exponent of results, at some 39,000 decimal digits: more is a mistake or an attack, because a few
/// bytes of input would ask for gigabytes of digits.
const MAX_EXPONENT: i64 = 1 << 17;

impl Number {
    /// Returns the integer with 64 bits of precision.
    pub const fn from_i64(value: i64) -> Number {
        Number(Repr::Int { value, precision: INTEGER_PRECISION })
    }

    /// Returns the integer with 64 bits of precision.
    pub fn from_u64(value: u64) -> Number {
        i64::try_from(value)
            .map(Number::from_i64)
            .unwrap_or_else(|_| Number::canonical(false, BigUint::from(value), 0, INTEGER_PRECISION))
    }

    /// Returns the double with 53 bits of precision.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for NaN, which no number is.
    pub fn from_f64(value: f64) -> Result<Number> {
        if value.is_nan() {
            return Err(Error::new(ErrorKind::Undefined, "not a number (NaN) is no number"));
        }
        if value.is_infinite() {
            return Ok(Number::special(value < 0.0, Form::Infinite, DOUBLE_PRECISION));
        }
        let bits = value.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) = match (bits >> 52) & 0x7ff {
            0 => (fraction, -1074),
            biased => (fraction | 1 << 52, biased.cast_signed() - 1075),
        };
        Ok(Number::canonical(value.is_sign_negative(), BigUint::from(mantissa), exponent, DOUBLE_PRECISION))
    }

    /// Returns the infinity above (or, where `negative`, below) all numbers.
    pub fn infinity(negative: bool) -> Number {
        Number::special(negative, Form::Infinite, 0)
    }

    fn special(negative: bool, form: Form, precision: u32) -> Number {
        match form {
            Form::Zero if !negative => Number(Repr::Int { value: 0, precision }),
            form => Number(Repr::Big(Arc::new(Big { negative, form, precision }))),
        }
    }

    /// Makes the one representation of `mantissa * 2^exponent`, which has at most `precision` significant bits.
    fn canonical(negative: bool, mantissa: BigUint, exponent: i64, precision: u32) -> Number {
        let Some(trailing_zeros) = mantissa.trailing_zeros() else {
            return Number::special(negative, Form::Zero, precision);
        };
        let mantissa = if trailing_zeros == 0 { mantissa } else { mantissa >> trailing_zeros };
        let exponent = exponent + trailing_zeros.cast_signed();
        if (0..64).contains(&exponent) && mantissa.bits() + exponent as u64 <= 64 {
            let magnitude = i128::from(mantissa.to_u64().unwrap_or(u64::MAX)) << exponent;
            if let Ok(value) = i64::try_from(if negative { -magnitude } else { magnitude }) {
                return Number(Repr::Int { value, precision });
            }
        }
        Number(Repr::Big(Arc::new(Big { negative, form: Form::Finite { mantissa, exponent }, precision })))
    }

    /// Returns the same number in the representation that all algorithms understand.
    fn to_big(&self) -> Big {
        match &self.0 {
            Repr::Big(big) => Big::clone(big),
            Repr::Int { value: 0, precision } => Big { negative: false, form: Form::Zero, precision: *precision },
            Repr::Int { value, precision } => {
                let magnitude = value.unsigned_abs();
                let exponent = magnitude.trailing_zeros();
                let mantissa = BigUint::from(magnitude >> exponent);
                let form = Form::Finite { mantissa, exponent: i64::from(exponent) };
                Big { negative: *value < 0, form, precision: *precision }
            }
        }
    }

    /// Returns the number of bits that results with this number are rounded to.
    pub fn precision(&self) -> u32 {
        match &self.0 {
            Repr::Int { precision, .. } => *precision,
            Repr::Big(big) => big.precision,
        }
    }

    /// Returns the integer where this is one that fits, and nothing otherwise.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int { value, .. } => Some(*value),
            Repr::Big(big) => matches!(big.form, Form::Zero).then_some(0),
        }
    }

    /// Returns the integer where this is one that fits, and nothing otherwise.
    pub fn to_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Int { value, .. } => u64::try_from(*value).ok(),
            Repr::Big(big) => match &big.form {
                Form::Zero => Some(0),
                Form::Finite { mantissa, exponent: 0 } if !big.negative => mantissa.to_u64(),
                _ => None,
            },
        }
    }

    /// Returns the nearest double, ties to even; numbers that are too large become infinite.
    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int { value, .. } => *value as f64,
            Repr::Big(big) => big.to_f64(),
        }
    }

    /// Returns the double that is exactly this number, where there is one.
    pub fn to_f64_exact(&self) -> Option<f64> {
        match &self.0 {
            Repr::Int { value, .. } => {
                let magnitude = value.unsigned_abs();
                (*value == 0 || 64 - magnitude.leading_zeros() - magnitude.trailing_zeros() <= 53)
                    .then_some(*value as f64)
            }
            Repr::Big(big) => match &big.form {
                Form::Finite { mantissa, exponent } => {
                    let bits = mantissa.bits().cast_signed();
                    (bits <= 53 && *exponent >= -1074 && exponent + bits <= 1024).then(|| big.to_f64())
                }
                Form::Zero | Form::Infinite => Some(big.to_f64()),
            },
        }
    }

    /// Tells whether this is a whole number; infinities are not.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int { .. } => true,
            Repr::Big(big) => match big.form {
                Form::Zero => true,
                Form::Finite { exponent, .. } => exponent >= 0,
                Form::Infinite => false,
            },
        }
    }

    /// Tells whether this is positive or negative infinity.
    pub fn is_infinite(&self) -> bool {
        matches!(&self.0, Repr::Big(big) if matches!(big.form, Form::Infinite))
    }

    /// Tells whether this is zero, of either sign.
    pub fn is_zero(&self) -> bool {
        self.to_i64() == Some(0)
    }

    /// Tells whether the sign is minus, which negative zero has too.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Repr::Int { value, .. } => *value < 0,
            Repr::Big(big) => big.negative,
        }
    }

    /// Orders by exact value, infinities included; both zeros are equal.
    pub fn compare(&self, other: &Number) -> Ordering {
        if let (Repr::Int { value: a, .. }, Repr::Int { value: b, .. }) = (&self.0, &other.0) {
            return a.cmp(b);
        }
        let (a, b) = (self.to_big(), other.to_big());
        match a.sign().cmp(&b.sign()) {
            Ordering::Equal if a.negative => compare_magnitudes(&b.form, &a.form),
            Ordering::Equal => compare_magnitudes(&a.form, &b.form),
            unequal => unequal,
        }
    }
}

impl Big {
    fn sign(&self) -> i8 {
        match self.form {
            Form::Zero => 0,
            _ if self.negative => -1,
            _ => 1,
        }
    }

    fn to_f64(&self) -> f64 {
        let magnitude = match &self.form {
            Form::Zero => 0.0,
            Form::Infinite => f64::INFINITY,
            Form::Finite { mantissa, exponent } => {
                let bits = mantissa.bits().cast_signed();
                // Below the normal range a double has fewer bits.
                let lowest = (bits + exponent - 53).max(-1074);
                let (rounded, exponent) = round_to_exponent(mantissa, *exponent, lowest);
                if rounded.bits().cast_signed() + exponent > 1024 {
                    f64::INFINITY
                } else {
                    // Two steps, because 2^-1074 alone is no normal double; each is exact.
                    let rounded = rounded.to_f64().unwrap_or(f64::INFINITY);
                    let half = (exponent / 2) as i32;
                    rounded * 2f64.powi(half) * 2f64.powi(exponent as i32 - half)
                }
            }
        };
        if self.negative { -magnitude } else { magnitude }
    }
}

/// Drops all bits below `2^lowest`, rounding half to even.
fn round_to_exponent(mantissa: &BigUint, exponent: i64, lowest: i64) -> (BigUint, i64) {
    let Ok(drop) = u64::try_from(lowest - exponent) else {
        return (mantissa.clone(), exponent);
    };
    if drop == 0 {
        return (mantissa.clone(), exponent);
    }
    let mut rounded = mantissa >> drop;
    let above_half_or_odd = || mantissa.trailing_zeros().is_some_and(|zeros| zeros < drop - 1) || rounded.bit(0);
    if mantissa.bit(drop - 1) && above_half_or_odd() {
        rounded += BigUint::one();
    }
    (rounded, lowest)
}

fn compare_magnitudes(a: &Form, b: &Form) -> Ordering {
    match (a, b) {
        (Form::Zero, Form::Zero) | (Form::Infinite, Form::Infinite) => Ordering::Equal,
        (Form::Zero, _) | (_, Form::Infinite) => Ordering::Less,
        (_, Form::Zero) | (Form::Infinite, _) => Ordering::Greater,
        (Form::Finite { mantissa: a, exponent: a_exponent }, Form::Finite { mantissa: b, exponent: b_exponent }) => {
            let top = (a.bits().cast_signed() + a_exponent).cmp(&(b.bits().cast_signed() + b_exponent));
            top.then_with(|| {
                let lowest = *a_exponent.min(b_exponent);
                (a << (a_exponent - lowest) as u64).cmp(&(b << (b_exponent - lowest) as u64))
            })
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        match (&self.0, &other.0) {
            (Repr::Int { value: a, .. }, Repr::Int { value: b, .. }) => a == b,
            _ => {
                if self.is_integer() || other.is_integer() {
                    return self.is_integer() && other.is_integer() && self.compare(other).is_eq();
                }
                self.is_negative() == other.is_negative() && self.to_string() == other.to_string()
            }
        }
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    /// Orders by value, except that equal numbers are equal even where their exact values differ.
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(if self == other { Ordering::Equal } else { self.compare(other) })
    }
}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.to_i64() {
            Some(value) => value.hash(state),
            None => self.to_string().hash(state),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Default for Number {
    fn default() -> Number {
        Number::from_i64(0)
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Number {
            fn from(value: $integer) -> Number {
                Number::from_i64(i64::from(value))
            }
        }
    )*};
}
from_integer!(i8, i16, i32, i64, u8, u16, u32);

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number::from_u64(value)
    }
}
