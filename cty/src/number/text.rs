use std::fmt::{self, Write as _};

use num_bigint::BigUint;
use num_traits::One;

use super::{Big, Form, Number, Repr};

/// Decimal digits with the point `point` digits from their left: `0.d1d2d3… * 10^point`, without trailing zeros.
struct Decimal {
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Writes `mantissa * 2^exponent` out in full.
    fn exact(mantissa: &BigUint, exponent: i64) -> Decimal {
        let (scaled, places) = if exponent >= 0 {
            (mantissa << exponent.unsigned_abs(), 0)
        } else {
            (mantissa * BigUint::from(5u8).pow(exponent.unsigned_abs() as u32), exponent)
        };
        let mut digits = scaled.to_str_radix(10).into_bytes();
        let point = digits.len().cast_signed() as i64 + places;
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Decimal { digits, point }
    }

    fn at(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(b'0')
    }

    /// Rounds to `count` digits, half to even.
    fn round(&mut self, count: usize) {
        let Some(&next) = self.digits.get(count) else { return };
        let is_half = next == b'5' && count + 1 == self.digits.len();
        let up = if is_half { count > 0 && self.digits[count - 1] & 1 == 1 } else { next >= b'5' };
        if up { self.round_up(count) } else { self.round_down(count) }
    }

    fn round_up(&mut self, count: usize) {
        self.digits.truncate(count);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                self.digits.push(b'1');
                self.point += 1;
            }
        }
    }

    fn round_down(&mut self, count: usize) {
        self.digits.truncate(count);
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    /// Drops the digits that are not needed to tell the number from its neighbors of the same precision.
    fn shorten(&mut self, mantissa: &BigUint, exponent: i64, precision: u32) {
        // One more bit than the precision, so that the last bit is half the distance to a neighbor.
        let shift = i64::from(precision) + 1 - mantissa.bits().cast_signed();
        let (mantissa, exponent) = (mantissa << shift.max(0).unsigned_abs(), exponent - shift.max(0));
        let lower = Decimal::exact(&(&mantissa - BigUint::one()), exponent);
        let upper = Decimal::exact(&(&mantissa + BigUint::one()), exponent);
        // The halfway points round to this number only where its last kept bit is even.
        let inclusive = !mantissa.bit(1);
        for index in 0..self.digits.len() {
            let (low, digit, high) = (lower.at(index), self.digits[index], upper.at(index));
            let may_round_down = low != digit || inclusive && index + 1 == lower.digits.len();
            let may_round_up = digit != high && (inclusive || digit + 1 < high || index + 1 < upper.digits.len());
            match (may_round_down, may_round_up) {
                (true, true) => return self.round(index + 1),
                (true, false) => return self.round_down(index + 1),
                (false, true) => return self.round_up(index + 1),
                (false, false) => {}
            }
        }
    }

    /// Appends the digits without exponent, with `places` digits after the point.
    fn write_plain(&self, places: usize, out: &mut String) {
        if self.point > 0 {
            let whole = self.point.unsigned_abs() as usize;
            out.extend((0..whole).map(|index| self.at(index) as char));
        } else {
            out.push('0');
        }
        if places > 0 {
            out.push('.');
            out.extend(
                (0..places.cast_signed() as i64)
                    .map(|place| usize::try_from(self.point + place).map_or('0', |index| self.at(index) as char)),
            );
        }
    }

    /// Appends the digits with an exponent, with `places` digits after the point.
    fn write_with_exponent(&self, places: usize, out: &mut String) {
        out.push(self.at(0) as char);
        if places > 0 {
            out.push('.');
            out.extend((1..=places).map(|index| self.at(index) as char));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }

    fn write_scientific(&self, out: &mut String) {
        out.push(self.at(0) as char);
        if self.digits.len() > 1 {
            out.push('.');
            out.extend(self.digits[1..].iter().map(|&digit| digit as char));
        }
        let exponent = self.point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.unsigned_abs());
    }
}

/// Writes the shortest decimal text that tells the number from its neighbors of the same precision, without exponent.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            // With no more bits than the precision every digit counts.
            Repr::Int { value, precision } if 64 - value.unsigned_abs().leading_zeros() <= *precision => value.fmt(f),
            Repr::Int { .. } => f.pad(&self.to_big().shortest_text()),
            Repr::Big(big) => f.pad(&big.shortest_text()),
        }
    }
}

/// Says in which form a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// With an exponent: `1.5e+06`.
    Exponent,
    /// Without one: `1500000`.
    Plain,
    /// With one where the number is very large or very small.
    Either,
}

impl Number {
    /// Writes the number as Go writes a `big.Float`.
    ///
    /// The precision is the number of digits behind the point, or with [`Notation::Either`] that of all digits; without one,
    /// there are as many as tell the number from its neighbors of the same precision.
    ///
    /// ```
    /// use cty::{Notation, Number};
    /// let number = Number::parse("1234567.125")?;
    /// assert_eq!(number.to_text(Notation::Plain, Some(2)), "1234567.12");
    /// assert_eq!(number.to_text(Notation::Exponent, Some(3)), "1.235e+06");
    /// assert_eq!(number.to_text(Notation::Either, None), "1.234567125e+06");
    /// # Ok::<(), cty::Error>(())
    /// ```
    ///
    /// Source: the documentation of `Text` in Go's `math/big`.
    pub fn to_text(&self, notation: Notation, precision: Option<usize>) -> String {
        let big = self.to_big();
        let mut out = String::new();
        if let Some(special) = big.start_text(&mut out) {
            return special;
        }
        let mut decimal = match &big.form {
            Form::Finite { mantissa, exponent } => {
                let mut decimal = Decimal::exact(mantissa, *exponent);
                if precision.is_none() {
                    decimal.shorten(mantissa, *exponent, big.precision);
                }
                decimal
            }
            _ => Decimal { digits: Vec::new(), point: 0 },
        };
        let n_digits = |decimal: &Decimal| decimal.digits.len().cast_signed() as i64;
        let round = |decimal: &mut Decimal, n_kept: i64| match usize::try_from(n_kept) {
            Ok(n_kept) => decimal.round(n_kept),
            Err(_) => decimal.round_down(0),
        };
        match notation {
            Notation::Exponent => {
                if let Some(precision) = precision {
                    decimal.round(precision.saturating_add(1));
                }
                decimal.write_with_exponent(precision.unwrap_or(decimal.digits.len().saturating_sub(1)), &mut out);
            }
            Notation::Plain => {
                let places = match precision {
                    Some(precision) => {
                        let n_kept = decimal.point.saturating_add(precision.cast_signed() as i64);
                        round(&mut decimal, n_kept);
                        precision
                    }
                    None => (n_digits(&decimal) - decimal.point).max(0).unsigned_abs() as usize,
                };
                decimal.write_plain(places, &mut out);
            }
            Notation::Either => {
                let precision = precision.map(|precision| precision.max(1));
                if let Some(precision) = precision {
                    decimal.round(precision);
                }
                let n_digits = n_digits(&decimal);
                let wanted = precision.map_or(n_digits, |precision| precision.cast_signed() as i64);
                let limit = match precision {
                    None => 6,
                    Some(_) if wanted > n_digits && n_digits >= decimal.point => n_digits,
                    Some(_) => wanted,
                };
                let exponent = decimal.point - 1;
                if exponent < -4 || exponent >= limit {
                    decimal.write_with_exponent((wanted.min(n_digits) - 1).max(0).unsigned_abs() as usize, &mut out);
                } else {
                    let kept = if wanted > decimal.point { n_digits } else { wanted };
                    decimal.write_plain((kept - decimal.point).max(0).unsigned_abs() as usize, &mut out);
                }
            }
        }
        out
    }

    /// Returns the text by which go-cty hashes and orders numbers inside compound set elements: ten digits.
    pub(crate) fn hash_text(&self) -> String {
        const DIGITS: i64 = 10;
        if let Repr::Int { value, .. } = &self.0 {
            if value.unsigned_abs() < 10u64.pow(DIGITS as u32) {
                return value.to_string();
            }
        }
        let big = self.to_big();
        let mut out = String::new();
        if let Some(special) = big.start_text(&mut out) {
            return special;
        }
        let Form::Finite { mantissa, exponent } = &big.form else { return out + "0" };
        let mut decimal = Decimal::exact(mantissa, *exponent);
        decimal.round(DIGITS as usize);
        let n_digits = decimal.digits.len().cast_signed() as i64;
        let exponent_limit = if DIGITS > n_digits && n_digits >= decimal.point { n_digits } else { DIGITS };
        if decimal.point - 1 < -4 || decimal.point > exponent_limit {
            decimal.write_scientific(&mut out);
        } else {
            decimal.write_plain((n_digits - decimal.point).max(0).unsigned_abs() as usize, &mut out);
        }
        out
    }
}

impl Big {
    /// Appends the sign; returns the whole text of an infinity.
    fn start_text(&self, out: &mut String) -> Option<String> {
        if matches!(self.form, Form::Infinite) {
            return Some(if self.negative { "-Inf".to_owned() } else { "+Inf".to_owned() });
        }
        if self.negative {
            out.push('-');
        }
        None
    }

    fn shortest_text(&self) -> String {
        let mut out = String::new();
        if let Some(special) = self.start_text(&mut out) {
            return special;
        }
        let Form::Finite { mantissa, exponent } = &self.form else { return out + "0" };
        let mut decimal = Decimal::exact(mantissa, *exponent);
        decimal.shorten(mantissa, *exponent, self.precision);
        let places = (decimal.digits.len().cast_signed() as i64 - decimal.point).max(0).unsigned_abs() as usize;
        decimal.write_plain(places, &mut out);
        out
    }
}
