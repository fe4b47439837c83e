//! What a scalar of YAML means: text, a number, a bool, null, or a point in time.
//!
//! Source: the "yamldecode" page of the Terraform documentation; the YAML 1.2 specification, section 10.3.2; the types
//! `bool` and `timestamp` of YAML 1.1, which the programs still know.

use cty::{Number, Type, Value};

use super::super::time::Time;
use super::super::{Computed, Failure};

const PREFIX: &str = "tag:yaml.org,2002:";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Quoted,
    /// Plain, or in a block.
    Bare,
}

/// Gives the value of a scalar with its tag, which is empty where there is none.
pub(super) fn resolve(tag: &str, text: &str, style: Style) -> Computed {
    let kind = match tag {
        "" => "",
        tag => tag.strip_prefix(PREFIX).unwrap_or("?"),
    };
    if !matches!(kind, "" | "str" | "bool" | "int" | "float" | "null" | "timestamp" | "binary") {
        return Err(Failure::Wrong(format!("The YAML has a tag that means nothing here: {tag:?}.")));
    }
    let mut kind = kind;
    // What begins in another way cannot be anything but text.
    let first = text.chars().next();
    let is_hinted = first.is_none_or(|first| "+-.0123456789yYnNtTfFoO~".contains(first));
    if is_hinted && !matches!(kind, "str" | "binary") {
        if style == Style::Quoted {
            return Ok(Value::string(text));
        }
        if let Some(value) = word(text) {
            return Ok(value);
        }
        if kind.is_empty() && matches!(text, ".nan" | ".NaN" | ".NAN") {
            return Err(Failure::from("The YAML holds something that is not a number."));
        }
        match first {
            Some('.') => {
                if let Ok(number) = Number::parse(text) {
                    return Ok(Value::number(number));
                }
            }
            Some('+' | '-' | '0'..='9') => {
                if matches!(kind, "" | "timestamp") {
                    if let Some(time) = timestamp(text)? {
                        return Ok(Value::string(time.to_text()));
                    }
                }
                if is_integer(text) || is_float(text) {
                    kind = "float";
                }
            }
            _ => {}
        }
    }
    let wrong = || Failure::Wrong(format!("A value of the YAML is no {kind}."));
    match kind {
        "str" | "" => Ok(Value::string(text)),
        "binary" => Err(Failure::Unable("the YAML holds binary data".to_owned())),
        "bool" => word(text).filter(|value| value.as_bool().is_some()).ok_or_else(wrong),
        "int" | "float" => number(&text.replace('_', "")),
        "null" => Ok(Value::null(Type::Dynamic)),
        _ => timestamp(text)?.map(|time| Value::string(time.to_text())).ok_or_else(wrong),
    }
}

fn word(text: &str) -> Option<Value> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Value::null(Type::Dynamic),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::number(Number::infinity(false)),
        "-.inf" | "-.Inf" | "-.INF" => Value::number(Number::infinity(true)),
        _ => return None,
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    is_digits(text.strip_prefix(['-', '+']).unwrap_or(text))
}

fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_exponent = |text: &str| is_digits(text.strip_prefix(['-', '+']).unwrap_or(text));
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", places)) => is_digits(places),
        Some((whole, places)) => is_digits(whole) && (places.is_empty() || is_digits(places)),
        None => is_digits(mantissa),
    };
    is_mantissa && exponent.is_none_or(is_exponent)
}

fn number(text: &str) -> Computed {
    if let Ok(number) = Number::parse(text) {
        return Ok(Value::number(number));
    }
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let read = |prefixes: [&str; 2], base: u32| {
        let digits = prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix))?;
        u64::from_str_radix(digits, base).ok()
    };
    let magnitude = read(["0x", "0X"], 16).or_else(|| read(["0o", "0O"], 8)).or_else(|| read(["0b", "0B"], 2));
    let magnitude = magnitude.ok_or("A value of the YAML is no number that can be read.")?;
    let number = Number::from_u64(magnitude);
    Ok(Value::number(if is_negative { number.neg() } else { number }))
}

/// Reads a point in time in one of the forms that the programs take.
fn timestamp(text: &str) -> Result<Option<Time>, Failure> {
    let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if n_digits != 4 || text.as_bytes().get(4) != Some(&b'-') {
        return Ok(None);
    }
    let mut parts = text.splitn(3, '-');
    let (year, month, rest) = (parts.next(), parts.next(), parts.next());
    let (Some(year), Some(month), Some(rest)) = (year, month, rest) else { return Ok(None) };
    let small = |text: &str| {
        let is_plain = matches!(text.len(), 1 | 2) && is_digits(text);
        text.parse::<i64>().ok().filter(|_| is_plain)
    };
    let n_day = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (day, clock) = rest.split_at(n_day);
    let (Ok(year), Some(month), Some(day)) = (year.parse(), small(month), small(day)) else { return Ok(None) };
    let mut time = Time { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
    if !clock.is_empty() {
        // With a time of day there are many forms, and few people who use them.
        return match clock.as_bytes().first() {
            Some(b'T' | b't' | b' ') if time.is_valid() => clocked(time, clock),
            _ => Ok(None),
        };
    }
    time.offset = 0;
    Ok(time.is_valid().then_some(time))
}

/// Reads the time of day behind a date: `T15:04:05Z`, `t15:04:05+01:00`, ` 15:04:05`.
fn clocked(mut time: Time, clock: &str) -> Result<Option<Time>, Failure> {
    let has_zone = !clock.starts_with(' ');
    let (clock, zone) = match clock[1..].find(['Z', '+', '-']) {
        Some(at) if has_zone => clock[1..].split_at(at),
        None if !has_zone => (&clock[1..], "Z"),
        _ => return Ok(None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return Ok(None) };
    let two = |text: &str| text.parse::<i64>().ok().filter(|_| text.len() == 2 && is_digits(text));
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let (Some(hour), Some(minute), Some(second)) = (two(hour), two(minute), two(second)) else {
        let unusual = [hour, minute].iter().all(|part| is_digits(part)) && is_digits(second);
        if unusual {
            return Err(Failure::Unable("the YAML holds a time in an unusual form".to_owned()));
        }
        return Ok(None);
    };
    if !is_digits(fraction) {
        return Ok(None);
    }
    let offset = match zone.as_bytes() {
        b"Z" => Some(0),
        [sign, hours @ .., b':', _, _] if hours.len() == 2 => {
            let hours = two(&zone[1..3]).filter(|hours| *hours <= 24);
            let minutes = two(&zone[4..]).filter(|minutes| *minutes < 60);
            let sign = if *sign == b'-' { -1 } else { 1 };
            hours.zip(minutes).map(|(hours, minutes)| sign * (hours * 3600 + minutes * 60))
        }
        _ => None,
    };
    let Some(offset) = offset else { return Ok(None) };
    (time.hour, time.minute, time.second, time.offset) = (hour, minute, second, offset);
    Ok(time.is_valid().then_some(time))
}
