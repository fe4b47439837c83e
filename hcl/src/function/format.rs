//! `format` and `formatlist`.
//!
//! Source: the "format" page of the Terraform documentation.

use std::borrow::Cow;

use cty::convert::convert;
use cty::{Notation, Number, Refinements, Type, Value};

use super::text::{clusters, too_long};
use super::{Call, Computed, Failure, Function, NULLABLE, Returns, TEXT, refined};
use crate::evaluate::MAX_TEXT;

/// How wide a field may be, and how many digits a number may have behind the point.
const MAX_WIDTH: usize = 4096;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "format",
        parameters: &[TEXT],
        rest: Some(NULLABLE),
        returns: Returns::Text,
        is_nullable: false,
        body: format_one,
    },
    Function {
        name: "formatlist",
        parameters: &[TEXT],
        rest: Some(NULLABLE),
        returns: Returns::Texts,
        is_nullable: false,
        body: format_list,
    },
];

/// Refuses a null without a type: of that, one program knows nothing and the other the value.
fn check_nulls(values: &[Value]) -> Result<(), Failure> {
    if values.iter().any(|value| value.is_null() && *value.ty() == Type::Dynamic) {
        return Err(Failure::Unable("terraform has no value for a null that has no type here".to_owned()));
    }
    Ok(())
}

fn format_one(call: &Call<'_>) -> Computed {
    check_nulls(&call.arguments[1..])?;
    if !call.arguments[1..].iter().all(Value::is_wholly_known) {
        let prefix = call.text(0).split('%').next().unwrap_or_default();
        // Without any verb, what is known of the pattern is not known of the result.
        let prefix = if prefix.len() < call.text(0).len() { prefix } else { "" };
        return Ok(refined(Type::String, Refinements::new().not_null().string_prefix(prefix)));
    }
    formatted(call.text(0), &call.arguments[1..]).map(Value::string)
}

fn format_list(call: &Call<'_>) -> Computed {
    let is_list =
        |value: &Value| matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) && !value.is_null();
    let values = &call.arguments[1..];
    check_nulls(values)?;
    let mut n_rows = None;
    let mut is_known = true;
    for value in values {
        if !is_list(value) {
            is_known &= value.is_known() || *value.ty() != Type::Dynamic;
            continue;
        }
        let n_elements = match value.ty() {
            Type::Tuple(types) => Some(types.len()),
            Type::Set(_) => value.length()?.as_number().and_then(Number::to_u64).and_then(|n| usize::try_from(n).ok()),
            _ => value.is_known().then(|| value.len()),
        };
        is_known &= value.is_known() && n_elements.is_some();
        if let Some(n_elements) = n_elements {
            if *n_rows.get_or_insert(n_elements) != n_elements {
                return Err(Failure::from("All lists must have the same length."));
            }
        }
    }
    if !is_known {
        return Ok(call.unknown());
    }
    let mut rows = Vec::new();
    let mut n_bytes = 0;
    for row in 0..n_rows.unwrap_or(1) {
        let arguments: Vec<Value> = values
            .iter()
            .map(|value| if is_list(value) { value.elements().nth(row) } else { Some(value) })
            .map(|value| value.cloned().unwrap_or_else(Value::dynamic))
            .collect();
        if !arguments.iter().all(Value::is_wholly_known) && !arguments.is_empty() {
            rows.push(refined(Type::String, Refinements::new().not_null()));
            continue;
        }
        let text = formatted(call.text(0), &arguments)?;
        n_bytes += text.len();
        if n_bytes > MAX_TEXT {
            return Err(too_long());
        }
        rows.push(Value::string(text));
    }
    Ok(Value::list(Type::String, rows)?)
}

/// What stands between `%` and the letter.
#[derive(Default)]
struct Spec {
    flags: String,
    width: Option<usize>,
    precision: Option<usize>,
}

impl Spec {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    /// Gives how much is missing to the width.
    fn missing(&self, n_written: usize) -> usize {
        self.width.map_or(0, |width| width.saturating_sub(n_written))
    }
}

fn formatted(pattern: &str, arguments: &[Value]) -> Result<String, Failure> {
    let mut out = String::new();
    let mut rest = pattern;
    let mut next = 0;
    let mut n_used = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let n_flags = rest.find(|c| !matches!(c, '+' | '-' | ' ' | '0' | '#')).unwrap_or(rest.len());
        let (flags, after) = rest.split_at(n_flags);
        rest = after;
        let mut spec = Spec { flags: flags.to_owned(), ..Spec::default() };
        spec.width = digits(&mut rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            spec.precision = Some(digits(&mut rest)?.unwrap_or(0));
        }
        if let Some(after) = rest.strip_prefix('[') {
            if after.starts_with('0') {
                return Err(Failure::from("The number of an argument begins at 1."));
            }
            rest = after;
            let number = digits(&mut rest)?.ok_or("The number of an argument must stand in the brackets.")?;
            rest = rest.strip_prefix(']').ok_or("The bracket of an argument's number must be closed.")?;
            next = number - 1;
        }
        let verb = rest.chars().next().ok_or("The pattern ends in the middle of a verb.")?;
        rest = &rest[verb.len_utf8()..];
        let missing = || Failure::Wrong(format!("There is no argument {} for `%{verb}`.", next + 1));
        let value = arguments.get(next).ok_or_else(missing)?;
        next += 1;
        n_used = n_used.max(next);
        write_value(&mut out, &spec, verb, value, next)?;
        if out.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    out.push_str(rest);
    if n_used < arguments.len() {
        return Err(Failure::Wrong(format!("The pattern uses {n_used} arguments of {}.", arguments.len())));
    }
    Ok(out)
}

fn digits(rest: &mut &str) -> Result<Option<usize>, Failure> {
    let n_digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(n_digits);
    *rest = after;
    if number.is_empty() {
        return Ok(None);
    }
    let number = number.parse().ok().filter(|number| *number <= MAX_WIDTH);
    let too_wide = || Failure::Unable(format!("the pattern has a number above {MAX_WIDTH}"));
    number.map(Some).ok_or_else(too_wide)
}

fn write_value(out: &mut String, spec: &Spec, verb: char, value: &Value, position: usize) -> Result<(), Failure> {
    if value.is_null() && verb != 'v' {
        return Err(Failure::Wrong(format!("Argument {position} is null, which `%{verb}` cannot show.")));
    }
    let wanted = |ty: &Type| {
        convert(value, ty).map_err(|error| match Failure::from(error) {
            Failure::Wrong(detail) => Failure::Wrong(format!("Argument {position} does not suit `%{verb}`: {detail}")),
            other => other,
        })
    };
    let number = || wanted(&Type::Number).map(|value| value.as_number().cloned().unwrap_or_default());
    match verb {
        'v' => {
            let text: Cow<'_, str> = match (value.as_str(), value.as_number()) {
                (Some(text), _) if !spec.has('#') => Cow::Borrowed(text),
                (_, Some(number)) if !spec.has('#') => Cow::Owned(number.to_text(Notation::Either, None)),
                _ => Cow::Owned(json(value)?),
            };
            pad(out, spec, &text);
        }
        's' | 'q' => {
            let text = wanted(&Type::String)?;
            let text = text.as_str().unwrap_or_default();
            let text: Cow<'_, str> = match spec.precision {
                Some(n_chars) if n_chars > 0 => Cow::Owned(clusters(text).take(n_chars).collect()),
                _ => Cow::Borrowed(text),
            };
            if verb == 'q' { pad(out, spec, &json(&Value::string(text))?) } else { pad(out, spec, &text) }
        }
        't' => out.push_str(if wanted(&Type::Bool)?.as_bool() == Some(true) { "true" } else { "false" }),
        'd' | 'b' | 'o' | 'x' | 'X' => write_whole(out, spec, verb, &number()?, position)?,
        'e' | 'E' | 'f' | 'g' | 'G' => write_float(out, spec, verb, &number()?),
        other => return Err(Failure::Wrong(format!("`%{other}` is no verb that can be used."))),
    }
    Ok(())
}

fn json(value: &Value) -> Result<String, Failure> {
    let json = cty::json::encode(value, value.ty())?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

fn write_whole(out: &mut String, spec: &Spec, verb: char, number: &Number, position: usize) -> Result<(), Failure> {
    if !number.is_integer() {
        return Err(Failure::Wrong(format!(
            "Argument {position} does not suit `%{verb}`: a whole number is required."
        )));
    }
    let decimal = number.to_text(Notation::Plain, Some(0));
    let (is_negative, decimal) = decimal.strip_prefix('-').map_or((false, decimal.as_str()), |digits| (true, digits));
    let magnitude = || -> Result<u128, Failure> {
        decimal.parse().map_err(|_| Failure::Unable("the number is too large to be shown in this form".to_owned()))
    };
    let (prefix, digits) = match verb {
        'd' => ("", decimal.to_owned()),
        'b' => ("0b", format!("{:b}", magnitude()?)),
        'o' => ("0", format!("{:o}", magnitude()?)),
        'x' => ("0x", format!("{:x}", magnitude()?)),
        _ => ("0X", format!("{:X}", magnitude()?)),
    };
    let prefix = if spec.has('#') { prefix } else { "" };
    if digits == "0" && spec.precision == Some(0) {
        return Ok(());
    }
    let sign = sign(spec, is_negative);
    let mut n_zeros = spec.precision.map_or(0, |precision| precision.saturating_sub(digits.len()));
    let missing = spec.missing(sign.len() + prefix.len() + n_zeros + digits.len());
    let (mut left, mut right) = (0, 0);
    if spec.has('-') {
        right = missing;
    } else if spec.has('0') && spec.precision.is_none() {
        n_zeros = missing;
    } else {
        left = missing;
    }
    let parts = [&" ".repeat(left), sign, prefix, &"0".repeat(n_zeros), &digits, &" ".repeat(right)];
    out.push_str(&parts.concat());
    Ok(())
}

fn sign(spec: &Spec, is_negative: bool) -> &'static str {
    match is_negative {
        true => "-",
        false if spec.has('+') => "+",
        false if spec.has(' ') => " ",
        false => "",
    }
}

fn write_float(out: &mut String, spec: &Spec, verb: char, number: &Number) {
    let (notation, precision) = match verb {
        'f' => (Notation::Plain, Some(spec.precision.unwrap_or(6))),
        'e' | 'E' => (Notation::Exponent, Some(spec.precision.unwrap_or(6))),
        _ => (Notation::Either, spec.precision),
    };
    let text = number.to_text(notation, precision);
    let text = if verb.is_ascii_uppercase() { text.replace('e', "E") } else { text };
    let (sign, digits) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(digits), _) => ("-", digits),
        (None, Some(infinity)) => (if spec.has(' ') { " " } else { "+" }, infinity),
        (None, None) => (sign(spec, false), text.as_str()),
    };
    let missing = spec.missing(sign.len() + digits.len());
    if spec.has('-') {
        out.push_str(&[sign, digits, &" ".repeat(missing)].concat());
    } else if spec.has('0') && !number.is_infinite() {
        out.push_str(&[sign, &"0".repeat(missing), digits].concat());
    } else {
        out.push_str(&[&" ".repeat(missing), sign, digits].concat());
    }
}

fn pad(out: &mut String, spec: &Spec, text: &str) {
    let padding = if spec.has('0') { "0" } else { " " }.repeat(spec.missing(clusters(text).count()));
    let parts = if spec.has('-') { [text, &padding] } else { [&padding, text] };
    out.push_str(&parts.concat());
}
