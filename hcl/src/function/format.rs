//! `format` and `formatlist`.
//!
//! Source: the "format" page of the Terraform documentation.

use std::borrow::Cow;
use std::fmt::Write as _;

use cty::convert::convert;
use cty::{Number, Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::text::text_list;
use super::{Call, Computed, Function, Parameter, Returns, TEXT, Wanted, of};
use crate::evaluate::MAX_TEXT;

/// How wide a field may be, and how many digits a number may have behind the point.
const MAX_WIDTH: usize = 4096;

const VALUE: Parameter = Parameter { takes_null: true, ..of(Wanted::Any) };

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "format",
        parameters: &[TEXT],
        rest: Some(VALUE),
        returns: Returns::Text,
        body: |call| formatted(call.text(0), &call.arguments[1..]).map(Value::string),
    },
    Function { name: "formatlist", parameters: &[TEXT], rest: Some(VALUE), returns: Returns::Texts, body: format_list },
];

fn format_list(call: &Call<'_>) -> Computed {
    let is_sequence = |value: &Value| matches!(value.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_));
    let values = &call.arguments[1..];
    let mut n_rows = None;
    for value in values.iter().filter(|value| is_sequence(value)) {
        if value.is_null() {
            return Err("A list is null.".to_owned());
        }
        if *n_rows.get_or_insert(value.len()) != value.len() {
            return Err("All lists must have the same length.".to_owned());
        }
    }
    let mut rows = Vec::new();
    let mut n_bytes = 0;
    for row in 0..n_rows.unwrap_or(1) {
        let arguments: Vec<Value> = values
            .iter()
            .map(|value| if is_sequence(value) { value.elements().nth(row) } else { Some(value) })
            .map(|value| value.cloned().unwrap_or_else(Value::dynamic))
            .collect();
        let text = formatted(call.text(0), &arguments)?;
        n_bytes += text.len();
        if n_bytes > MAX_TEXT {
            return Err(format!("The texts would have more than {MAX_TEXT} bytes."));
        }
        rows.push(text);
    }
    text_list(rows.into_iter())
}

/// What stands between `%` and the letter.
#[derive(Default)]
struct Spec {
    has_plus: bool,
    has_minus: bool,
    has_space: bool,
    has_zero: bool,
    has_sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

fn formatted(pattern: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern;
    let mut next = 0;
    let mut n_used = 0;
    let mut is_explicit = false;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut spec = Spec::default();
        loop {
            match rest.chars().next() {
                Some('+') => spec.has_plus = true,
                Some('-') => spec.has_minus = true,
                Some(' ') => spec.has_space = true,
                Some('0') => spec.has_zero = true,
                Some('#') => spec.has_sharp = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        spec.width = digits(&mut rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            spec.precision = Some(digits(&mut rest)?.unwrap_or(0));
        }
        if let Some(after) = rest.strip_prefix('[') {
            rest = after;
            let number = digits(&mut rest)?.filter(|number| *number > 0);
            rest = rest.strip_prefix(']').ok_or("The bracket of an argument's number must be closed.")?;
            next = number.ok_or("The number of an argument begins at 1.")? - 1;
            is_explicit = true;
        }
        let verb = rest.chars().next().ok_or("The pattern ends in the middle of a verb.")?;
        rest = &rest[verb.len_utf8()..];
        let value = arguments.get(next).ok_or_else(|| format!("There is no argument {} for `%{verb}`.", next + 1))?;
        next += 1;
        n_used = n_used.max(next);
        write_value(&mut out, &spec, verb, value, next)?;
        if out.len() > MAX_TEXT {
            return Err(format!("The text would have more than {MAX_TEXT} bytes."));
        }
    }
    out.push_str(rest);
    if n_used < arguments.len() && !is_explicit {
        return Err(format!("The pattern uses {n_used} arguments of {}.", arguments.len()));
    }
    Ok(out)
}

fn digits(rest: &mut &str) -> Result<Option<usize>, String> {
    let n_digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (number, after) = rest.split_at(n_digits);
    *rest = after;
    if number.is_empty() {
        return Ok(None);
    }
    let number = number.parse().ok().filter(|number| *number <= MAX_WIDTH);
    number.map(Some).ok_or_else(|| format!("A width or precision must not be above {MAX_WIDTH}."))
}

fn write_value(out: &mut String, spec: &Spec, verb: char, value: &Value, position: usize) -> Result<(), String> {
    let wanted = |ty: &Type| {
        if value.is_null() {
            return Err(format!("Argument {position} is null, which `%{verb}` cannot show."));
        }
        convert(value, ty).map_err(|error| format!("Argument {position} does not suit `%{verb}`: {}.", error.message()))
    };
    match verb {
        'v' => {
            let verb = match value.ty() {
                _ if value.is_null() || spec.has_sharp => 'J',
                Type::String => 's',
                Type::Number => 'g',
                Type::Bool => 't',
                _ => 'J',
            };
            if verb != 'J' {
                return write_value(out, spec, verb, value, position);
            }
            let json = cty::json::encode(value, value.ty()).map_err(|error| format!("{error}."))?;
            pad(out, spec, &String::from_utf8_lossy(&json));
        }
        's' | 'q' => {
            let text = wanted(&Type::String)?;
            let text = text.as_str().unwrap_or_default();
            let text: Cow<'_, str> = match spec.precision {
                Some(n_chars) => Cow::Owned(text.graphemes(true).take(n_chars).collect()),
                None => Cow::Borrowed(text),
            };
            if verb == 'q' {
                let json = cty::json::encode(&Value::string(text.into_owned()), &Type::String)
                    .map_err(|error| format!("{error}."))?;
                pad(out, spec, &String::from_utf8_lossy(&json));
            } else {
                pad(out, spec, &text);
            }
        }
        't' => {
            let value = wanted(&Type::Bool)?;
            pad(out, spec, if value.as_bool() == Some(true) { "true" } else { "false" });
        }
        'd' | 'b' | 'o' | 'x' | 'X' => {
            let number = wanted(&Type::Number)?;
            let number = number.as_number().cloned().unwrap_or_default();
            if !number.is_integer() {
                return Err(format!("Argument {position} does not suit `%{verb}`: a whole number is required."));
            }
            let whole: i128 = number
                .to_string()
                .parse()
                .map_err(|_| "The number is too large to be shown in this form.".to_owned())?;
            let magnitude = whole.unsigned_abs();
            let (prefix, digits) = match verb {
                'd' => ("", magnitude.to_string()),
                'b' => ("0b", format!("{magnitude:b}")),
                'o' => ("0", format!("{magnitude:o}")),
                'x' => ("0x", format!("{magnitude:x}")),
                _ => ("0X", format!("{magnitude:X}")),
            };
            let digits = match spec.precision {
                Some(precision) => format!("{digits:0>precision$}"),
                None => digits,
            };
            let digits = if spec.has_sharp { format!("{prefix}{digits}") } else { digits };
            pad_number(out, spec, whole < 0, &digits, spec.precision.is_none());
        }
        'e' | 'E' | 'f' | 'g' | 'G' => {
            let number = wanted(&Type::Number)?;
            let number = number.as_number().cloned().unwrap_or_default();
            let text = float(&number, verb, spec.precision)?;
            let digits = text.strip_prefix('-').unwrap_or(&text);
            pad_number(out, spec, text.starts_with('-'), digits, true);
        }
        other => return Err(format!("`%{other}` is no verb that can be used.")),
    }
    Ok(())
}

fn float(number: &Number, verb: char, precision: Option<usize>) -> Result<String, String> {
    if number.is_infinite() {
        return Err("Infinity cannot be shown.".to_owned());
    }
    let value = number.to_f64();
    let is_exact = |text: &str| text.parse::<f64>().is_ok_and(|parsed| parsed.to_bits() == value.to_bits());
    let exponent_form = |text: String| {
        // Go writes at least two digits of the exponent, and its sign.
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        format!("{mantissa}e{sign}{digits:0>2}")
    };
    let text = match verb {
        'f' => format!("{value:.*}", precision.unwrap_or(6)),
        'e' | 'E' => exponent_form(format!("{value:.*e}", precision.unwrap_or(6))),
        _ => {
            let shortest = number.to_string();
            let exponent: i32 = {
                let scientific = format!("{value:e}");
                scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
            };
            match precision {
                None if (-4..21).contains(&exponent) && is_exact(&shortest) => shortest,
                None if (-4..21).contains(&exponent) => format!("{value}"),
                None => exponent_form(format!("{value:e}")),
                Some(precision) => {
                    let n_digits = precision.max(1);
                    let limit = i32::try_from(n_digits).unwrap_or(i32::MAX);
                    let text = if (-4..limit).contains(&exponent) {
                        let n_places = usize::try_from(limit - 1 - exponent).unwrap_or(0);
                        format!("{value:.n_places$}")
                    } else {
                        format!("{value:.*e}", n_digits - 1)
                    };
                    let (mantissa, exponent) = match text.split_once('e') {
                        Some((mantissa, exponent)) => (mantissa.to_owned(), Some(exponent.to_owned())),
                        None => (text, None),
                    };
                    let mantissa = if mantissa.contains('.') {
                        mantissa.trim_end_matches('0').trim_end_matches('.').to_owned()
                    } else {
                        mantissa
                    };
                    match exponent {
                        Some(exponent) => exponent_form(format!("{mantissa}e{exponent}")),
                        None => mantissa,
                    }
                }
            }
        }
    };
    Ok(if verb.is_ascii_uppercase() { text.to_uppercase() } else { text })
}

fn pad(out: &mut String, spec: &Spec, text: &str) {
    let n_blanks = spec.width.map_or(0, |width| width.saturating_sub(text.graphemes(true).count()));
    let blanks = " ".repeat(n_blanks);
    let _ = if spec.has_minus { write!(out, "{text}{blanks}") } else { write!(out, "{blanks}{text}") };
}

fn pad_number(out: &mut String, spec: &Spec, is_negative: bool, digits: &str, may_have_zeros: bool) {
    let sign = match is_negative {
        true => "-",
        false if spec.has_plus => "+",
        false if spec.has_space => " ",
        false => "",
    };
    if spec.has_zero && !spec.has_minus && may_have_zeros {
        let width = spec.width.unwrap_or(0).saturating_sub(sign.len());
        let _ = write!(out, "{sign}{digits:0>width$}");
    } else {
        pad(out, spec, &format!("{sign}{digits}"));
    }
}
