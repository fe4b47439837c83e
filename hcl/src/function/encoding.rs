//! Functions between values and their notations.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Type, Value};

use super::{ANY, Call, Computed, Function, Parameter, Returns, TEXT};

const fn function(name: &'static str, parameter: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters: parameter, rest: None, returns: Returns::Text, body }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64decode", &[TEXT], |call| {
        let bytes = STANDARD.decode(call.text(0)).map_err(|_| "The text is not base64.".to_owned())?;
        String::from_utf8(bytes).map(Value::string).map_err(|_| "What is decoded is not UTF-8 text.".to_owned())
    }),
    function("base64encode", &[TEXT], |call| Ok(Value::string(STANDARD.encode(call.text(0))))),
    Function { returns: Returns::Anything, ..function("csvdecode", &[TEXT], csv) },
    Function {
        returns: Returns::Anything,
        ..function("jsondecode", &[TEXT], |call| {
            cty::json::decode_implied(call.text(0).as_bytes())
                .map_err(|error| format!("The text is not JSON: {error}."))
        })
    },
    function("jsonencode", &[Parameter { takes_null: true, ..ANY }], |call| {
        let value = &call.arguments[0];
        let json = cty::json::encode(value, value.ty()).map_err(|error| format!("{error}."))?;
        String::from_utf8(json).map(Value::string).map_err(|_| "The result is not UTF-8 text.".to_owned())
    }),
    function("urlencode", &[TEXT], |call| Ok(Value::string(url_encoded(call.text(0))))),
];

fn url_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn csv(call: &Call<'_>) -> Computed {
    let mut rows = records(call.text(0))?.into_iter();
    let header = rows.next().ok_or_else(|| "The line with the names of the columns is missing.".to_owned())?;
    let ty = Type::object(header.iter().map(|name| (name, Type::String)));
    let mut objects = Vec::new();
    for row in rows {
        if row.len() != header.len() {
            return Err("A line has another number of fields than the first one.".to_owned());
        }
        let fields: BTreeMap<String, Value> = header.iter().cloned().zip(row.into_iter().map(Value::string)).collect();
        if fields.len() < header.len() {
            return Err("Two columns have one name.".to_owned());
        }
        objects.push(Value::object(fields));
    }
    Value::list(ty, objects).map_err(|error| format!("{error}."))
}

/// Splits a text into records of fields.
///
/// Source: RFC 4180.
fn records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut records = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            rest = after;
            continue;
        }
        let mut record = Vec::new();
        loop {
            let mut field = String::new();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = quoted;
                loop {
                    let end = rest.find('"').ok_or_else(|| "A quote is never closed.".to_owned())?;
                    field.push_str(&rest[..end]);
                    rest = &rest[end + 1..];
                    match rest.strip_prefix('"') {
                        Some(after) => {
                            field.push('"');
                            rest = after;
                        }
                        None => break,
                    }
                }
            } else {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                let bare = &rest[..end];
                let bare = if rest[end..].starts_with('\n') { bare.strip_suffix('\r').unwrap_or(bare) } else { bare };
                if bare.contains('"') {
                    return Err("A quote stands in the middle of a field.".to_owned());
                }
                field.push_str(bare);
                rest = &rest[end..];
            }
            record.push(field);
            if let Some(after) = rest.strip_prefix(',') {
                rest = after;
                continue;
            }
            rest = match rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
                Some(after) => after,
                None if rest.is_empty() => rest,
                None => return Err("Only a comma or a line end may follow a quoted field.".to_owned()),
            };
            break;
        }
        records.push(record);
    }
    Ok(records)
}
