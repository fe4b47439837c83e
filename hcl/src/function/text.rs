//! Functions on text. Positions and lengths count characters as people see them (grapheme clusters).

use std::collections::BTreeMap;

use cty::{Type, Value};
use regex::{Captures, Regex};
use unicode_segmentation::UnicodeSegmentation;

use super::{Call, Computed, Function, NUMBER, Returns, TEXT, TEXTS};
use crate::evaluate::MAX_TEXT;

const fn function(
    name: &'static str,
    parameters: &'static [super::Parameter],
    body: fn(&Call<'_>) -> Computed,
) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("chomp", &[TEXT], |call| Ok(Value::string(call.text(0).trim_end_matches(['\r', '\n'])))),
    Function {
        returns: Returns::Bool,
        ..function("endswith", &[TEXT, TEXT], |call| Ok(Value::bool(call.text(0).ends_with(call.text(1)))))
    },
    function("indent", &[NUMBER, TEXT], indent),
    Function { rest: Some(TEXTS), ..function("join", &[TEXT, TEXTS], join) },
    function("lower", &[TEXT], |call| {
        Ok(Value::string(call.text(0).chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<String>()))
    }),
    Function { returns: Returns::Anything, ..function("regex", &[TEXT, TEXT], first_match) },
    Function { returns: Returns::Anything, ..function("regexall", &[TEXT, TEXT], all_matches) },
    function("replace", &[TEXT, TEXT, TEXT], replace),
    Function { returns: Returns::Texts, ..function("split", &[TEXT, TEXT], split) },
    Function {
        returns: Returns::Bool,
        ..function("startswith", &[TEXT, TEXT], |call| Ok(Value::bool(call.text(0).starts_with(call.text(1)))))
    },
    Function {
        returns: Returns::Bool,
        ..function("strcontains", &[TEXT, TEXT], |call| Ok(Value::bool(call.text(0).contains(call.text(1)))))
    },
    function("strrev", &[TEXT], |call| Ok(Value::string(call.text(0).graphemes(true).rev().collect::<String>()))),
    function("substr", &[TEXT, NUMBER, NUMBER], substr),
    function("title", &[TEXT], |call| Ok(Value::string(title(call.text(0))))),
    function("trim", &[TEXT, TEXT], |call| {
        let cut: Vec<char> = call.text(1).chars().collect();
        Ok(Value::string(call.text(0).trim_matches(cut.as_slice())))
    }),
    function("trimprefix", &[TEXT, TEXT], |call| {
        Ok(Value::string(call.text(0).strip_prefix(call.text(1)).unwrap_or(call.text(0))))
    }),
    function("trimspace", &[TEXT], |call| Ok(Value::string(call.text(0).trim()))),
    function("trimsuffix", &[TEXT, TEXT], |call| {
        Ok(Value::string(call.text(0).strip_suffix(call.text(1)).unwrap_or(call.text(0))))
    }),
    function("upper", &[TEXT], |call| Ok(Value::string(call.text(0).chars().map(upper).collect::<String>()))),
];

/// Gives the one upper case letter of a letter; those that would become several stay.
fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn indent(call: &Call<'_>) -> Computed {
    let n_blanks = usize::try_from(call.whole(0)?).map_err(|_| "The indentation cannot be negative.".to_owned())?;
    let n_lines = call.text(1).matches('\n').count();
    if n_blanks.saturating_mul(n_lines) > MAX_TEXT {
        return Err(format!("The text would have more than {MAX_TEXT} bytes."));
    }
    Ok(Value::string(call.text(1).replace('\n', &format!("\n{}", " ".repeat(n_blanks)))))
}

fn join(call: &Call<'_>) -> Computed {
    let elements: Vec<&Value> = call.arguments[1..].iter().flat_map(Value::elements).collect();
    if elements.iter().any(|element| element.is_null()) {
        return Err("An element is null; text cannot hold null.".to_owned());
    }
    let texts: Vec<&str> = elements.iter().filter_map(|element| element.as_str()).collect();
    let n_bytes: usize = texts.iter().map(|text| text.len() + call.text(0).len()).sum();
    if n_bytes > MAX_TEXT {
        return Err(format!("The text would have more than {MAX_TEXT} bytes."));
    }
    Ok(Value::string(texts.join(call.text(0))))
}

pub(super) fn text_list(texts: impl Iterator<Item = String>) -> Computed {
    Value::list(Type::String, texts.map(Value::string).collect()).map_err(|error| format!("{error}."))
}

fn split(call: &Call<'_>) -> Computed {
    let (separator, text) = (call.text(0), call.text(1));
    if separator.is_empty() {
        return text_list(text.chars().map(String::from));
    }
    text_list(text.split(separator).map(str::to_owned))
}

fn substr(call: &Call<'_>) -> Computed {
    let (text, offset, length) = (call.text(0), call.whole(1)?, call.whole(2)?);
    let n_all = text.graphemes(true).count();
    let n_skipped = match usize::try_from(offset) {
        Ok(n_skipped) => n_skipped,
        Err(_) => n_all.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let rest = text.graphemes(true).skip(n_skipped);
    Ok(Value::string(match usize::try_from(length) {
        Ok(n_taken) => rest.take(n_taken).collect::<String>(),
        Err(_) => rest.collect::<String>(),
    }))
}

fn title(text: &str) -> String {
    let mut is_word = false;
    let titled = text.chars().map(|c| {
        let result = if is_word { c } else { upper(c) };
        is_word = if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !c.is_whitespace() };
        result
    });
    titled.collect()
}

fn replace(call: &Call<'_>) -> Computed {
    let (text, from, to) = (call.text(0), call.text(1), call.text(2));
    let pattern = from.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let n_bytes = text.len().saturating_add(text.len().saturating_add(1).saturating_mul(to.len()));
    if n_bytes > MAX_TEXT * 4 {
        return Err(format!("The text could have more than {MAX_TEXT} bytes."));
    }
    Ok(Value::string(match pattern {
        Some(pattern) => compile(pattern)?.replace_all(text, to).into_owned(),
        None => text.replace(from, to),
    }))
}

fn first_match(call: &Call<'_>) -> Computed {
    let regex = compile(call.text(0))?;
    let found = regex.captures(call.text(1)).ok_or_else(|| "The pattern does not match.".to_owned())?;
    captured(&regex, &found)
}

fn all_matches(call: &Call<'_>) -> Computed {
    let regex = compile(call.text(0))?;
    let all: Vec<Value> =
        regex.captures_iter(call.text(1)).map(|found| captured(&regex, &found)).collect::<Result<_, _>>()?;
    let ty = match regex.captures_len() {
        1 => Type::String,
        _ if regex.capture_names().flatten().next().is_some() => {
            Type::object(regex.capture_names().flatten().map(|name| (name, Type::String)))
        }
        n_groups => Type::tuple(vec![Type::String; n_groups - 1]),
    };
    Value::list(ty, all).map_err(|error| format!("{error}."))
}

/// Gives the whole match, or its groups: by name where they have names, else in order.
fn captured(regex: &Regex, found: &Captures<'_>) -> Computed {
    let group = |position: usize| match found.get(position) {
        Some(group) => Value::string(group.as_str()),
        None => Value::null(Type::String),
    };
    let names: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
    if names.is_empty() {
        return Ok(group(0));
    }
    let named: BTreeMap<String, Value> =
        names.iter().enumerate().filter_map(|(index, name)| Some(((*name)?.to_owned(), group(index + 1)))).collect();
    if named.is_empty() {
        return Ok(Value::tuple((1..=names.len()).map(group).collect()));
    }
    if named.len() < names.len() {
        return Err("Either all groups of a pattern have names or none.".to_owned());
    }
    Ok(Value::object(named))
}

/// Compiles a pattern in RE2 syntax, whose `\d`, `\s`, `\w` and `\b` mean ASCII.
fn compile(pattern: &str) -> Result<Regex, String> {
    let mut translated = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut is_in_class = false;
    let mut is_class_start = false;
    while let Some(c) = chars.next() {
        let was_class_start = std::mem::take(&mut is_class_start);
        match c {
            '\\' => match chars.next() {
                Some('d') if is_in_class => translated.push_str("0-9"),
                Some('w') if is_in_class => translated.push_str("0-9A-Za-z_"),
                Some('s') if is_in_class => translated.push_str("\\t\\n\\x0c\\r "),
                Some('d') => translated.push_str("[0-9]"),
                Some('w') => translated.push_str("[0-9A-Za-z_]"),
                Some('s') => translated.push_str("[\\t\\n\\x0c\\r ]"),
                Some('D') => translated.push_str("[^0-9]"),
                Some('W') => translated.push_str("[^0-9A-Za-z_]"),
                Some('S') => translated.push_str("[^\\t\\n\\x0c\\r ]"),
                Some(word @ ('b' | 'B')) => translated.push_str(&format!("(?-u:\\{word})")),
                Some(other) => translated.extend(['\\', other]),
                None => translated.push('\\'),
            },
            '[' if !is_in_class => {
                is_in_class = true;
                is_class_start = true;
                translated.push('[');
            }
            '^' if was_class_start => {
                is_class_start = true;
                translated.push('^');
            }
            ']' if was_class_start => translated.push_str("\\]"),
            ']' if is_in_class => {
                is_in_class = false;
                translated.push(']');
            }
            '[' if chars.peek() == Some(&':') => {
                translated.push('[');
                while let Some(inner) = chars.next() {
                    translated.push(inner);
                    if inner == ':' && chars.peek() == Some(&']') {
                        translated.extend(chars.next());
                        break;
                    }
                }
            }
            // Rust has operations on classes where RE2 has plain characters.
            '[' | '&' | '~' if is_in_class => translated.extend(['\\', c]),
            c => translated.push(c),
        }
    }
    let compiled = regex::RegexBuilder::new(&translated).size_limit(1 << 20).build();
    compiled.map_err(|_| "The pattern is not one that can be used here.".to_owned())
}
