//! JSON in strings, compared by meaning: keys have no order, and access policies have several spellings.
//!
//! Source: the IAM JSON policy grammar and the "Principal" element of the AWS documentation: a single value may stand
//! for a list of one, lists of actions, resources, principals and condition values are unordered, `"*"` as a principal
//! is `{"AWS": "*"}`, and an account may be named by its number or by the ARN of its root.

use cty::Value;

use super::canonical::write_text;

/// The version a policy has where it names none.
const OLDEST_VERSION: &str = "2008-10-17";

/// Writes JSON so that equal meanings are equal text; `None` where the text is not an object or array in JSON.
pub(super) fn canonical_json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let value = cty::json::decode_implied(text.as_bytes()).ok()?;
    let mut out = String::from("json");
    if is_policy(&value) {
        write_policy(&value, &mut out);
    } else {
        write_json(&value, &mut out);
    }
    Some(out)
}

fn is_policy(value: &Value) -> bool {
    let is_statement = |value: &Value| value.entries().any(|(name, _)| name == "Effect");
    value
        .entries()
        .any(|(name, value)| name == "Statement" && (is_statement(value) || value.elements().any(is_statement)))
}

fn write_json(value: &Value, out: &mut String) {
    if value.is_null() {
        out.push('~');
    } else if let Some(text) = value.as_str() {
        out.push('"');
        write_text(text, out);
    } else if value.as_number().is_some() || value.as_bool().is_some() {
        out.push_str(&value.to_string());
        out.push(';');
    } else if value.ty().as_object().is_some() {
        out.push('{');
        for (name, value) in value.entries() {
            write_text(name, out);
            write_json(value, out);
        }
        out.push('}');
    } else {
        out.push('[');
        value.elements().for_each(|element| write_json(element, out));
        out.push(']');
    }
}

fn write_policy(policy: &Value, out: &mut String) {
    let version = policy.entries().find(|(name, _)| *name == "Version").and_then(|(_, value)| value.as_str());
    write_text(version.unwrap_or(OLDEST_VERSION), out);
    for (name, value) in policy.entries() {
        match name {
            "Version" => {}
            "Statement" => {
                let statements = if value.ty().as_object().is_some() {
                    vec![canonical_statement(value)]
                } else {
                    value.elements().map(canonical_statement).collect()
                };
                write_sorted(statements, out);
            }
            _ => {
                write_text(name, out);
                write_json(value, out);
            }
        }
    }
}

fn canonical_statement(statement: &Value) -> String {
    let mut out = String::from("{");
    for (name, value) in statement.entries() {
        if name == "Sid" && value.as_str().is_some_and(str::is_empty) {
            continue;
        }
        write_text(name, &mut out);
        match name {
            "Principal" | "NotPrincipal" => write_principal(value, &mut out),
            "Action" | "NotAction" | "Resource" | "NotResource" => write_sorted(texts(value, str::to_owned), &mut out),
            "Condition" => {
                for (operator, keys) in value.entries() {
                    write_text(operator, &mut out);
                    for (key, values) in keys.entries() {
                        write_text(&key.to_lowercase(), &mut out);
                        write_sorted(texts(values, str::to_owned), &mut out);
                    }
                }
            }
            _ => write_json(value, &mut out),
        }
    }
    out.push('}');
    out
}

fn write_principal(value: &Value, out: &mut String) {
    if value.as_str() == Some("*") {
        write_text("AWS", out);
        write_sorted(vec!["*".to_owned()], out);
        return;
    }
    for (kind, principals) in value.entries() {
        write_text(kind, out);
        write_sorted(texts(principals, account_of_root), out);
    }
}

/// Gives the account number of the ARN of an account's root, and every other principal as it is.
fn account_of_root(principal: &str) -> String {
    let account = principal.strip_suffix(":root").and_then(|arn| {
        let (partition, account) = arn.strip_prefix("arn:")?.split_once(":iam::")?;
        (!partition.contains(':') && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
    });
    account.unwrap_or(principal).to_owned()
}

/// Lists one text or several; numbers and booleans count as their text.
fn texts(value: &Value, normal: impl Fn(&str) -> String) -> Vec<String> {
    let text = |value: &Value| match value.as_str() {
        Some(text) => normal(text),
        None => value.to_string(),
    };
    if matches!(value.ty(), cty::Type::Tuple(_)) { value.elements().map(text).collect() } else { vec![text(value)] }
}

fn write_sorted(mut texts: Vec<String>, out: &mut String) {
    texts.sort_unstable();
    texts.dedup();
    out.push('[');
    for text in &texts {
        write_text(text, out);
    }
    out.push(']');
}
