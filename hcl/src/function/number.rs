//! Functions on numbers.

use cty::{Number, Value};

use super::{Call, Computed, Function, NUMBER, Returns, TEXT};

const fn function(
    name: &'static str,
    parameters: &'static [super::Parameter],
    body: fn(&Call<'_>) -> Computed,
) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Number, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("abs", &[NUMBER], |call| call.arguments[0].absolute().map_err(|error| format!("{error}."))),
    function("ceil", &[NUMBER], |call| whole_part(&call.arguments[0], false)),
    function("floor", &[NUMBER], |call| whole_part(&call.arguments[0], true)),
    function("log", &[NUMBER, NUMBER], |call| double(float(call, 0).ln() / float(call, 1).ln())),
    Function { rest: Some(NUMBER), ..function("max", &[NUMBER], |call| Ok(extreme(call, false))) },
    Function { rest: Some(NUMBER), ..function("min", &[NUMBER], |call| Ok(extreme(call, true))) },
    function("parseint", &[TEXT, NUMBER], parse_integer),
    function("pow", &[NUMBER, NUMBER], |call| double(float(call, 0).powf(float(call, 1)))),
    function("signum", &[NUMBER], |call| Ok(Value::from(call.whole(0)?.signum()))),
];

fn float(call: &Call<'_>, position: usize) -> f64 {
    call.arguments[position].as_number().map_or(f64::NAN, Number::to_f64)
}

fn double(result: f64) -> Computed {
    Number::from_f64(result).map(Value::number).map_err(|_| "There is no such number.".to_owned())
}

fn whole_part(value: &Value, is_floor: bool) -> Computed {
    let Some(number) = value.as_number().filter(|number| !number.is_integer() && !number.is_infinite()) else {
        return Ok(value.clone());
    };
    let compute = || {
        let truncated = number.sub(&number.rem(&Number::from_i64(1))?)?;
        let correction = match (is_floor, number.is_negative()) {
            (true, true) => -1,
            (false, false) => 1,
            _ => 0,
        };
        truncated.add(&Number::from_i64(correction))
    };
    compute().map(Value::number).map_err(|error: cty::Error| format!("{error}."))
}

fn extreme(call: &Call<'_>, is_min: bool) -> Value {
    let mut numbers = call.arguments.iter().filter_map(Value::as_number);
    let first = numbers.next().cloned().unwrap_or_default();
    let found = numbers.fold(first, |best, number| {
        let order = number.compare(&best);
        if (is_min && order.is_lt()) || (!is_min && order.is_gt()) { number.clone() } else { best }
    });
    Value::number(found)
}

fn parse_integer(call: &Call<'_>) -> Computed {
    let base = call.whole(1)?;
    if !(2..=62).contains(&base) {
        return Err("The base must be from 2 to 62.".to_owned());
    }
    let text = call.text(0);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fail = || format!("The text is no whole number of base {base}.");
    if digits.is_empty() || digits.len() > 512 {
        return Err(fail());
    }
    let compute = || -> Result<Number, String> {
        let mut result = Number::parse("0").map_err(|_| fail())?;
        let base_number = Number::from_i64(base);
        for c in digits.chars() {
            let digit = match c {
                '0'..='9' => i64::from(u32::from(c) - u32::from('0')),
                'a'..='z' => i64::from(u32::from(c) - u32::from('a')) + 10,
                'A'..='Z' if base <= 36 => i64::from(u32::from(c) - u32::from('A')) + 10,
                'A'..='Z' => i64::from(u32::from(c) - u32::from('A')) + 36,
                _ => return Err(fail()),
            };
            if digit >= base {
                return Err(fail());
            }
            result = result.mul(&base_number).and_then(|n| n.add(&Number::from_i64(digit))).map_err(|_| fail())?;
        }
        Ok(if text.starts_with('-') { result.neg() } else { result })
    };
    compute().map(Value::number)
}
