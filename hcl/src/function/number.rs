//! Functions on numbers.

use cty::{Number, Type, Value};

use super::{Call, Computed, Failure, Function, NUMBER, Parameter, Returns, Takes, Wanted, of};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Number, is_nullable: false, body }
}

const DYNAMIC: Parameter = of(Wanted::Number, &[Takes::Dynamic]);

pub(super) const FUNCTIONS: &[Function] = &[
    function("abs", &[of(Wanted::Number, &[Takes::Dynamic, Takes::Marked])], |call| Ok(call.arguments[0].absolute()?)),
    function("ceil", &[NUMBER], |call| whole_part(&call.arguments[0], false)),
    function("floor", &[NUMBER], |call| whole_part(&call.arguments[0], true)),
    function("log", &[NUMBER, NUMBER], |call| double(logarithm(float(call, 0)?) / logarithm(float(call, 1)?))),
    Function { rest: Some(DYNAMIC), ..function("max", &[], |call| extreme(call, false)) },
    Function { rest: Some(DYNAMIC), ..function("min", &[], |call| extreme(call, true)) },
    Function {
        returns: Returns::By(|arguments| match arguments[0].ty() {
            Type::String => Ok(Type::Number),
            other => Err(Failure::Wrong(format!("Argument 1 must be text, not a {}.", other.friendly_name()))),
        }),
        ..function("parseint", &[of(Wanted::Any, &[]), NUMBER], parse_integer)
    },
    function("pow", &[NUMBER, NUMBER], |call| double(power(float(call, 0)?, float(call, 1)?)?)),
    function("signum", &[NUMBER], |call| Ok(Value::from(call.whole(0)?.signum()))),
];

fn float(call: &Call<'_>, position: usize) -> Result<f64, Failure> {
    let number = call.arguments[position].as_number().map_or(f64::NAN, Number::to_f64);
    // Beyond the largest double the programs refuse the argument.
    if number.is_subnormal() {
        return Err(Failure::Unable("the number is so small that programs compute with it differently".to_owned()));
    }
    if number.is_finite() { Ok(number) } else { Err(Failure::from("The number is too large.")) }
}

/// Gives the natural logarithm, to the same last bit as the programs.
///
/// Source: the method of `e_log.c` in fdlibm, which Go's `math.Log` names as its own.
fn logarithm(x: f64) -> f64 {
    const HIGH: f64 = 0.693_147_180_369_123_8;
    const LOW: f64 = 1.908_214_929_270_587_7e-10;
    // From the seventh down to the first.
    const ODD: [f64; 4] =
        [0.147_981_986_051_165_86, 0.181_835_721_616_180_5, 0.285_714_287_436_623_9, 0.666_666_666_666_673_5];
    const EVEN: [f64; 3] = [0.153_138_376_992_093_73, 0.222_221_984_321_497_84, 0.399_999_999_994_094_2];
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 || x.is_infinite() {
        return if x == 0.0 { f64::NEG_INFINITY } else { x };
    }
    let (mut fraction, mut exponent) = split(x);
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let odd = s2 * ODD.iter().fold(0.0, |sum, part| part + s4 * sum);
    let even = s4 * EVEN.iter().fold(0.0, |sum, part| part + s4 * sum);
    let half = 0.5 * f * f;
    k * HIGH - ((half - (s * (half + (odd + even)) + k * LOW)) - f)
}

/// Splits a finite number that is not zero into a fraction from one half to one and a power of two.
fn split(x: f64) -> (f64, i32) {
    let (x, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 2f64.powi(52), 52) } else { (x, 0) };
    let bits = x.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0) - 1022 - shift;
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent)
}

/// Raises to a power, to the same last bit as the programs: by squaring, where the exponent is a whole number.
#[expect(clippy::float_cmp, reason = "these exponents and bases are exact")]
fn power(x: f64, y: f64) -> Result<f64, Failure> {
    if y == 0.5 || y == -0.5 {
        return Ok(if y > 0.0 { x.sqrt() } else { 1.0 / x.sqrt() });
    }
    if x == 0.0 || x.abs() == 1.0 || y == 0.0 || y == 1.0 {
        return Ok(x.powf(y));
    }
    if y.fract() != 0.0 && x < 0.0 {
        return Ok(f64::NAN);
    }
    if y.fract() != 0.0 {
        return Err(Failure::Unable(
            "the last digit of a fractional power may differ from one program to the next".to_owned(),
        ));
    }
    if y.abs() >= 65_536.0 {
        return Err(Failure::Unable("driftmgr does not compute powers above the 65,535th".to_owned()));
    }
    let (mut fraction, mut exponent) = (1.0, 0_i64);
    let (mut base, base_exponent) = split(x);
    let mut base_exponent = i64::from(base_exponent);
    let mut n_left = y.abs() as i64;
    while n_left != 0 {
        if base_exponent.abs() > 1 << 12 {
            exponent += base_exponent;
            break;
        }
        if n_left & 1 == 1 {
            fraction *= base;
            exponent += base_exponent;
        }
        base *= base;
        base_exponent *= 2;
        if base < 0.5 {
            base += base;
            base_exponent -= 1;
        }
        n_left /= 2;
    }
    if y < 0.0 {
        fraction = 1.0 / fraction;
        exponent = -exponent;
    }
    let (fraction, more) = split(fraction);
    let exponent = exponent + i64::from(more);
    Ok(match i32::try_from(exponent) {
        Ok(exponent @ -1021..=1024) => fraction * 2.0 * 2f64.powi(exponent - 1),
        Ok(exponent @ -1080..=-1022) => fraction * 2f64.powi(exponent + 60) * 2f64.powi(-60),
        _ if exponent > 0 => f64::INFINITY.copysign(fraction),
        _ => 0f64.copysign(fraction),
    })
}

fn double(result: f64) -> Computed {
    if result.is_nan() {
        return Err(Failure::from("There is no such number."));
    }
    if result.is_infinite() {
        return Ok(Value::number(Number::infinity(result < 0.0)));
    }
    Ok(Value::number(Number::from_f64(result)?))
}

fn whole_part(value: &Value, is_floor: bool) -> Computed {
    let Some(number) = value.as_number().filter(|number| !number.is_integer() && !number.is_infinite()) else {
        return Ok(value.clone());
    };
    let truncated = number.sub(&number.rem(&Number::from_i64(1))?)?;
    let correction = match (is_floor, number.is_negative()) {
        (true, true) => -1,
        (false, false) => 1,
        _ => 0,
    };
    Ok(Value::number(truncated.add(&Number::from_i64(correction))?))
}

fn extreme(call: &Call<'_>, is_min: bool) -> Computed {
    let mut numbers = call.arguments.iter().filter_map(Value::as_number);
    let first = numbers.next().cloned().ok_or("At least one number is needed.")?;
    let found = numbers.fold(first, |best, number| {
        let order = number.compare(&best);
        if (is_min && order.is_lt()) || (!is_min && order.is_gt()) { number.clone() } else { best }
    });
    Ok(Value::number(found))
}

fn parse_integer(call: &Call<'_>) -> Computed {
    let base = call.whole(1)?;
    if !(2..=62).contains(&base) {
        return Err(Failure::from("The base must be from 2 to 62."));
    }
    let text = call.text(0);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let wrong = || Failure::Wrong(format!("The text is no whole number of base {base}."));
    // Parsed, it has room for all the digits that are read here.
    let mut result = Number::parse("0")?;
    let base_number = Number::from_i64(base);
    for c in digits.chars() {
        let digit = match c {
            '0'..='9' => i64::from(u32::from(c) - u32::from('0')),
            'a'..='z' => i64::from(u32::from(c) - u32::from('a')) + 10,
            'A'..='Z' if base <= 36 => i64::from(u32::from(c) - u32::from('A')) + 10,
            'A'..='Z' => i64::from(u32::from(c) - u32::from('A')) + 36,
            _ => return Err(wrong()),
        };
        if digit >= base {
            return Err(wrong());
        }
        // A number has 512 bits at most, and a digit 6.
        if digits.len() <= 85 {
            result = result.mul(&base_number)?.add(&Number::from_i64(digit))?;
        }
    }
    match digits.len() {
        0 => Err(wrong()),
        1..=85 => Ok(Value::number(if text.starts_with('-') { result.neg() } else { result })),
        _ => Err(Failure::Unable("the number has more digits than driftmgr reads".to_owned())),
    }
}
