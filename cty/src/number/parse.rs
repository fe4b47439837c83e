use num_bigint::BigUint;
use num_traits::{Num, Zero};

use super::arithmetic::{divide_at, multiply_at};
use super::{Big, Form, MAX_EXPONENT, Number, PARSED_PRECISION, Repr};
use crate::error::{Error, ErrorKind, Result};

/// Bounds the digits of one number, far above what 512 bits can tell apart.
const MAX_DIGITS: usize = 100_000;

impl Number {
    /// Reads a decimal number, with an optional fraction and exponent, rounded to 512 bits.
    ///
    /// The notation is that of go-cty: `-1.5e3`, `.5`, `1.`, a binary exponent as in `1p-3`, and `Inf`.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] for other text, [`ErrorKind::Limit`] for numbers out of range.
    pub fn parse(text: &str) -> Result<Number> {
        let syntax = || Error::new(ErrorKind::Syntax, "a number is required");
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if unsigned == "Inf" || unsigned == "inf" {
            return Ok(Number::special(negative, Form::Infinite, PARSED_PRECISION));
        }
        if let Some(magnitude) = small_integer(unsigned) {
            if magnitude != 0 || !negative {
                let value = if negative { -magnitude } else { magnitude };
                return Ok(Number(Repr::Int { value, precision: PARSED_PRECISION }));
            }
        }
        let (mantissa, exponent) = match unsigned.find(['e', 'E', 'p', 'P']) {
            Some(at) => (&unsigned[..at], &unsigned[at..]),
            None => (unsigned, ""),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return Err(syntax());
        }
        if whole.len() + fraction.len() > MAX_DIGITS {
            return Err(out_of_range());
        }
        let (exponent_of_2, exponent_of_10) = match exponent.as_bytes() {
            [] => (0, 0),
            [b'p' | b'P', ..] => (parse_exponent(&exponent[1..]).ok_or_else(syntax)?, 0),
            _ => (0, parse_exponent(&exponent[1..]).ok_or_else(syntax)?),
        };
        let digits = BigUint::from_str_radix(&[whole, fraction].concat(), 10).map_err(|_| syntax())?;
        if digits.is_zero() {
            return Ok(Number::special(negative, Form::Zero, PARSED_PRECISION));
        }
        let exponent_of_5 = exponent_of_10 - fraction.len().cast_signed() as i64;
        let exponent_of_2 = exponent_of_2 + exponent_of_5;
        if exponent_of_2.abs() > MAX_EXPONENT || exponent_of_5.abs() > MAX_EXPONENT {
            return Err(out_of_range());
        }
        if exponent_of_5 == 0 {
            return Number::rounded(negative, &digits, exponent_of_2, PARSED_PRECISION);
        }
        let digits = Big {
            negative,
            form: Form::Finite { mantissa: digits, exponent: exponent_of_2 },
            precision: PARSED_PRECISION,
        };
        let power = power_of_5(exponent_of_5.unsigned_abs())?;
        if exponent_of_5 < 0 {
            divide_at(&digits, &power, PARSED_PRECISION)
        } else {
            multiply_at(&digits, &power, PARSED_PRECISION)
        }
    }
}

fn out_of_range() -> Error {
    Error::new(ErrorKind::Limit, "the number is too large or too close to zero")
}

/// Reads up to 18 digits; anything else is left to the general case.
fn small_integer(text: &str) -> Option<i64> {
    let fits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// Reads an exponent; one too long for the type is as good as infinite.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.trim_start_matches('0');
    let magnitude = if magnitude.len() > 9 { 1_000_000_000 } else { magnitude.parse().unwrap_or(0) };
    Some(if negative { -magnitude } else { magnitude })
}

/// Returns the power of five with the roundings of Go's `math/big`, whose last bits matter for large exponents.
///
/// Source: `Float.pow5` in Go's `math/big/floatconv.go`: exact up to 5^27, then square-and-multiply in 576 bits with a
/// base of 640.
fn power_of_5(exponent: u64) -> Result<Big> {
    const EXACT: u64 = 27;
    const PRECISION: u32 = PARSED_PRECISION + 64;
    const BASE_PRECISION: u32 = PRECISION + 64;
    let integer = |value: u64, precision| Number::canonical(false, BigUint::from(value), 0, precision).to_big();
    if exponent <= EXACT {
        return Ok(integer(5u64.pow(exponent as u32), PRECISION));
    }
    let mut power = integer(5u64.pow(EXACT as u32), PRECISION);
    let mut base = integer(5, BASE_PRECISION);
    let mut left = exponent - EXACT;
    while left > 0 {
        if left & 1 == 1 {
            power = multiply_at(&power, &base, PRECISION)?.to_big();
        }
        left >>= 1;
        if left > 0 {
            base = multiply_at(&base, &base, BASE_PRECISION)?.to_big();
        }
    }
    Ok(power)
}
