//! Conditions on attributes: what no index helps with, and therefore looks at every object that is left.

use std::fmt;
use std::str::FromStr;

use cty::Value;

/// Compares one attribute with a text: `instance_type=t3.micro`, `versioning.0.enabled!=true`, `image_id~ami-0*`.
///
/// Shape: a path of attribute names, map keys and element numbers joined by dots; `=`, `!=` or `~` (glob with `*` and
/// `?`); a text. Numbers and bools are compared as they are written; an attribute that is null or absent is `null`.
///
/// ```
/// let condition: store::AttributeCondition = "tags.Name~web-*".parse()?;
/// assert_eq!(condition.to_string(), "tags.Name~web-*");
/// # Ok::<(), store::ParseConditionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeCondition {
    /// The path to the attribute.
    pub path: Vec<String>,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with.
    pub text: String,
}

/// Says how to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The texts are equal.
    Equal,
    /// The texts differ.
    NotEqual,
    /// The text matches a glob.
    Glob,
}

/// Tells why a text is not a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a condition; write it as `attribute=text`, `attribute!=text` or `attribute~glob`")]
pub struct ParseConditionError(String);

impl FromStr for AttributeCondition {
    type Err = ParseConditionError;

    fn from_str(input: &str) -> Result<Self, Self::Err> {
        let fail = || ParseConditionError(input.to_owned());
        let at = input.find(['=', '!', '~']).ok_or_else(fail)?;
        let (path, rest) = input.split_at(at);
        let (operator, text) = if let Some(text) = rest.strip_prefix("!=") {
            (Operator::NotEqual, text)
        } else if let Some(text) = rest.strip_prefix('=') {
            (Operator::Equal, text)
        } else {
            (Operator::Glob, rest.strip_prefix('~').ok_or_else(fail)?)
        };
        let path: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(fail());
        }
        Ok(Self { path, operator, text: text.to_owned() })
    }
}

impl fmt::Display for AttributeCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Glob => "~",
        };
        write!(f, "{}{operator}{}", self.path.join("."), self.text)
    }
}

impl AttributeCondition {
    /// Tells whether the attribute found at the first step of the path (`None` where it is absent) fulfills the rest.
    pub(crate) fn holds(&self, attribute: Option<&Value>) -> bool {
        let child = |value, step: &String| {
            let value: &Value = value;
            let entry = value.entries().find(|(name, _)| name == step).map(|(_, child)| child);
            entry.or_else(|| value.elements().nth(step.parse().ok()?))
        };
        let found = attribute.and_then(|attribute| self.path.iter().skip(1).try_fold(attribute, child));
        let text = match found {
            None => "null".to_owned(),
            Some(value) if value.is_null() => "null".to_owned(),
            Some(value) => match (value.as_str(), value.as_number(), value.as_bool()) {
                (Some(text), _, _) => text.to_owned(),
                (_, Some(number), _) => number.to_string(),
                (_, _, Some(value)) => value.to_string(),
                // A collection has no text: it equals nothing.
                _ => return self.operator == Operator::NotEqual,
            },
        };
        match self.operator {
            Operator::Equal => text == self.text,
            Operator::NotEqual => text != self.text,
            Operator::Glob => matches_glob(&self.text, &text),
        }
    }
}

/// Matches a glob whose only special characters are `*` and `?`.
fn matches_glob(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut in_glob, mut in_text) = (0, 0);
    // Where the last star was, and up to where it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match glob.get(in_glob) {
            Some('*') => {
                star = Some((in_glob, in_text));
                in_glob += 1;
            }
            Some(c) if *c == '?' || *c == text[in_text] => {
                in_glob += 1;
                in_text += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    in_glob = at + 1;
                    in_text = eaten + 1;
                }
                None => return false,
            },
        }
    }
    glob[in_glob..].iter().all(|c| *c == '*')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn check(condition: &str, value: &Value, expect: bool) {
        let condition: AttributeCondition = condition.parse().unwrap();
        assert_eq!(condition.holds(Some(value)), expect, "{condition} on {value}");
    }

    #[test]
    fn texts_numbers_and_bools_compare_as_written() {
        check("a=x", &Value::string("x"), true);
        check("a=x", &Value::string("xy"), false);
        check("a!=x", &Value::string("xy"), true);
        check("a=10", &Value::from(10_i64), true);
        check("a=true", &Value::bool(true), true);
        check("a=null", &Value::null(cty::Type::String), true);
        check("a~x*z?", &Value::string("xyyza"), true);
        check("a~x*z?", &Value::string("xyyz"), false);
        check("a~*", &Value::string(""), true);
    }

    #[test]
    fn paths_go_into_objects_and_lists() {
        let value = Value::tuple(vec![Value::object(BTreeMap::from([("b".to_owned(), Value::string("c"))]))]);
        check("a.0.b=c", &value, true);
        check("a.0.b!=c", &value, false);
        check("a.1.b=null", &value, true);
        check("a.0=c", &value, false);
        check("a.0!=c", &value, true);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "a", "=x", "a..b=x", "a!x", ".a=x"] {
            assert!(text.parse::<AttributeCondition>().is_err(), "{text:?}");
        }
    }
}
