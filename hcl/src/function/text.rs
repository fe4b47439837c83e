//! Functions on text. Positions and lengths count characters as people see them (grapheme clusters).

use std::sync::LazyLock;

use cty::{Refinements, Type, Value};
use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

use super::{Call, Computed, Failure, Function, NUMBER, Parameter, Returns, TEXT, TEXTS, Takes, Wanted, of};
use crate::evaluate::MAX_TEXT;

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

const DYNAMIC: Parameter = of(Wanted::Text, &[Takes::Dynamic]);
const DYNAMIC_NUMBER: Parameter = of(Wanted::Number, &[Takes::Dynamic]);

pub(super) const FUNCTIONS: &[Function] = &[
    function("chomp", &[TEXT], |call| Ok(Value::string(call.text(0).trim_end_matches(['\r', '\n'])))),
    Function {
        returns: Returns::Bool,
        ..function("endswith", &[TEXT, TEXT], |call| Ok(Value::bool(call.text(0).ends_with(call.text(1)))))
    },
    function("indent", &[NUMBER, TEXT], indent),
    Function { rest: Some(TEXTS), ..function("join", &[TEXT], join) },
    function("lower", &[DYNAMIC], |call| Ok(Value::string(call.text(0).chars().map(lower).collect::<String>()))),
    Function { returns: Returns::Texts, ..function("split", &[TEXT, TEXT], split) },
    Function {
        returns: Returns::Bool,
        ..function("startswith", &[of(Wanted::Text, &[Takes::Unknown]), TEXT], |call| {
            Ok(starts_with(&call.arguments[0], call.text(1)).map_or_else(|| call.unknown(), Value::bool))
        })
    },
    Function {
        returns: Returns::Bool,
        is_nullable: true,
        ..function("strcontains", &[TEXT, TEXT], |call| Ok(Value::bool(call.text(0).contains(call.text(1)))))
    },
    function("strrev", &[DYNAMIC], |call| Ok(Value::string(clusters(call.text(0)).rev().collect::<String>()))),
    function("substr", &[DYNAMIC, DYNAMIC_NUMBER, DYNAMIC_NUMBER], substr),
    function("title", &[TEXT], |call| Ok(Value::string(titled(call.text(0))))),
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
    function("upper", &[DYNAMIC], |call| Ok(Value::string(call.text(0).chars().map(upper).collect::<String>()))),
];

/// A letter that belongs to the mark before it only since Unicode 15.1, whose rules the programs do not know.
///
/// Two letters of Thai and Lao are marks for these rules.
static CONJUNCT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("[\\p{M}\u{200c}\u{200d}]([\\p{Lo}--\u{e33}\u{eb3}\u{1100}-\u{11ff}])").ok());

/// Gives the characters as people see them: grapheme clusters, by the rules of Unicode 15.0.
pub(super) fn clusters(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.graphemes(true).flat_map(|cluster| {
        let mut parts = Vec::with_capacity(1);
        let mut start = 0;
        let conjunct = CONJUNCT.as_ref().filter(|_| cluster.chars().nth(2).is_some());
        for found in conjunct.into_iter().flat_map(|conjunct| conjunct.captures_iter(cluster)) {
            if let Some(letter) = found.get(1) {
                parts.push(&cluster[start..letter.start()]);
                start = letter.start();
            }
        }
        parts.push(&cluster[start..]);
        parts
    })
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Gives the one upper case letter of a letter, where it has one.
fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(single), None) => single,
        // With an iota below, which stays there.
        _ => match c {
            '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => moved(c, 8),
            '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => moved(c, 9),
            _ => c,
        },
    }
}

/// Gives the letter with which a word begins in a title.
fn title(c: char) -> char {
    match c {
        // Two letters in one, of which only the first is upper case then.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian writes whole words in upper case or none of it.
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => c,
        c => upper(c),
    }
}

fn moved(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

fn titled(text: &str) -> String {
    let mut is_word = false;
    let titled = text.chars().map(|c| {
        let result = if is_word { c } else { title(c) };
        is_word = if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !c.is_whitespace() };
        result
    });
    titled.collect()
}

fn indent(call: &Call<'_>) -> Computed {
    let n_blanks = usize::try_from(call.whole(0)?).map_err(|_| "The indentation cannot be negative.")?;
    let n_lines = call.text(1).matches('\n').count();
    if n_blanks.saturating_mul(n_lines) > MAX_TEXT {
        return Err(too_long());
    }
    if n_lines == 0 {
        return Ok(call.arguments[1].clone());
    }
    Ok(Value::string(call.text(1).replace('\n', &format!("\n{}", " ".repeat(n_blanks)))))
}

pub(super) fn too_long() -> Failure {
    Failure::TooLarge(format!("The text would have more than {MAX_TEXT} bytes."))
}

fn join(call: &Call<'_>) -> Computed {
    let lists = &call.arguments[1..];
    if lists.is_empty() {
        return Err(Failure::from("At least one list is needed."));
    }
    if !lists.iter().all(Value::is_wholly_known) {
        return Ok(call.unknown());
    }
    let mut texts = Vec::new();
    let mut n_bytes = 0;
    for element in lists.iter().flat_map(Value::elements) {
        let text = element.as_str().ok_or("An element is null; text cannot hold null.")?;
        n_bytes += text.len() + call.text(0).len();
        if n_bytes > MAX_TEXT {
            return Err(too_long());
        }
        texts.push(text);
    }
    Ok(Value::string(texts.join(call.text(0))))
}

fn split(call: &Call<'_>) -> Computed {
    let (separator, text) = (call.text(0), call.text(1));
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::string(c.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    call.sized(Value::list(Type::String, parts)?)
}

/// Tells whether a text begins with another one; `None` where too little of it is known.
fn starts_with(text: &Value, prefix: &str) -> Option<bool> {
    if let Some(text) = text.as_str() {
        return Some(text.starts_with(prefix));
    }
    let known = text.refinements().map_or("", Refinements::prefix);
    let is_decided = known.starts_with(prefix) || !known.is_empty() && known.len() >= prefix.len();
    is_decided.then(|| known.starts_with(prefix))
}

fn substr(call: &Call<'_>) -> Computed {
    let (text, offset, length) = (call.text(0), call.whole(1)?, call.whole(2)?);
    let n_skipped = match usize::try_from(offset) {
        Ok(_) if length == 0 => return Ok(Value::string("")),
        Ok(n_skipped) => n_skipped,
        Err(_) => {
            let n_all = clusters(text).count();
            n_all.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX))
        }
    };
    let rest = clusters(text).skip(n_skipped);
    Ok(Value::string(match usize::try_from(length) {
        // From the end, no length means all of it.
        Ok(0) | Err(_) => rest.collect::<String>(),
        Ok(n_taken) => rest.take(n_taken).collect::<String>(),
    }))
}
