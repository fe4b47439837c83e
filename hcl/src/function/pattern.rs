//! Functions with patterns: `regex`, `regexall`, `replace`.
//!
//! Source: the documentation of the syntax of RE2.

mod syntax;

use std::collections::BTreeMap;

use cty::{Type, Value};
use regex::Captures;

use super::text::too_long;
use super::{Call, Computed, Failure, Function, Parameter, Returns, TEXT};
use crate::evaluate::MAX_TEXT;
use syntax::{Pattern, compile};

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        returns: Returns::By(|arguments| match_type(&arguments[0])),
        ..function("regex", &[TEXT, TEXT], first_match)
    },
    Function {
        returns: Returns::By(|arguments| match_type(&arguments[0]).map(Type::list)),
        ..function("regexall", &[TEXT, TEXT], all_matches)
    },
    function("replace", &[TEXT, TEXT, TEXT], replace),
];

/// Gives the type of a match: text, or one for each group.
fn match_type(pattern: &Value) -> Result<Type, Failure> {
    let Some(pattern) = pattern.as_str() else { return Ok(Type::Dynamic) };
    let names = compile(pattern)?.names;
    let n_named = names.iter().flatten().count();
    if n_named == 0 {
        return Ok(if names.is_empty() { Type::String } else { Type::tuple(names.iter().map(|_| Type::String)) });
    }
    if n_named < names.len() {
        return Err(Failure::from("Either all groups of a pattern have names or none."));
    }
    Ok(Type::object(names.into_iter().flatten().map(|name| (name, Type::String))))
}

fn first_match(call: &Call<'_>) -> Computed {
    let pattern = compile(call.text(0))?;
    let found = pattern.regex.captures(call.text(1)).ok_or("The pattern does not match.")?;
    Ok(captured(&pattern, &found, &call.ty))
}

fn all_matches(call: &Call<'_>) -> Computed {
    let pattern = compile(call.text(0))?;
    let ty = call.element_type();
    let found = pattern.regex.captures_iter(call.text(1));
    let all: Vec<Value> = found.map(|found| captured(&pattern, &found, &ty)).collect();
    call.sized(Value::list(ty, all)?)
}

/// Gives the whole match, or its groups: by name where they have names, else in order.
fn captured(pattern: &Pattern, found: &Captures<'_>, ty: &Type) -> Value {
    let group = |position: usize| match found.get(position) {
        Some(group) => Value::string(group.as_str()),
        None => Value::null(Type::String),
    };
    match ty {
        Type::Object(_) => {
            let names = pattern.names.iter().enumerate();
            let named: BTreeMap<String, Value> =
                names.filter_map(|(index, name)| Some((name.clone()?, group(index + 1)))).collect();
            Value::object(named)
        }
        Type::Tuple(_) => Value::tuple((1..=pattern.names.len()).map(group).collect()),
        _ => group(0),
    }
}

fn replace(call: &Call<'_>) -> Computed {
    let (text, from, to) = (call.text(0), call.text(1), call.text(2));
    let pattern = from.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let mut out = String::new();
    let Some(pattern) = pattern else {
        let n_found = text.matches(from).count();
        if text.len().saturating_add(n_found.saturating_mul(to.len())) > MAX_TEXT {
            return Err(too_long());
        }
        return Ok(Value::string(text.replace(from, to)));
    };
    let pattern = compile(pattern)?;
    let mut end = 0;
    for found in pattern.regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[end..whole.start()]);
        expand(to, &pattern.names, &found, &mut out);
        end = whole.end();
        if out.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    out.push_str(&text[end..]);
    Ok(Value::string(out))
}

/// Appends a replacement, with its references to groups: `$1`, `${1}`, `$name`, `$$`.
fn expand(template: &str, names: &[Option<String>], found: &Captures<'_>, out: &mut String) {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let is_braced = rest.starts_with('{');
        let inner = rest.strip_prefix('{').unwrap_or(rest);
        let n_name = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
        let (name, after) = inner.split_at(n_name);
        let after = if is_braced { after.strip_prefix('}') } else { Some(after) };
        let (Some(after), false) = (after, name.is_empty()) else {
            out.push('$');
            continue;
        };
        rest = after;
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let group = match name.parse::<usize>() {
            Ok(number) if number < 100_000_000 => found.get(number),
            _ if is_number => None,
            _ => {
                let mut named = names.iter().enumerate().filter(|(_, own)| own.as_deref() == Some(name));
                named.find_map(|(index, _)| found.get(index + 1))
            }
        };
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out.push_str(rest);
}
