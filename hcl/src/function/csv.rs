//! `csvdecode`.

use std::collections::BTreeMap;

use cty::{Type, Value};

use super::{Call, Computed, Failure, Function, Returns, TEXT};

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "csvdecode",
    parameters: &[TEXT],
    rest: None,
    returns: Returns::Anything,
    is_nullable: false,
    body: decode,
}];

fn decode(call: &Call<'_>) -> Computed {
    let mut rows = records(call.text(0))?.into_iter();
    let header = rows.next().ok_or("The line with the names of the columns is missing.")?;
    let ty = Type::object(header.iter().map(|name| (name, Type::String)));
    if ty.as_object().is_none_or(|object| object.len() < header.len()) {
        return Err(Failure::from("Two columns have one name."));
    }
    let mut objects = Vec::new();
    for row in rows {
        if row.len() != header.len() {
            return Err(Failure::from("A line has another number of fields than the first one."));
        }
        let fields: BTreeMap<String, Value> = header.iter().cloned().zip(row.into_iter().map(Value::string)).collect();
        objects.push(Value::object(fields));
    }
    call.sized(Value::list(ty, objects)?)
}

/// Splits a text into records of fields.
///
/// Source: RFC 4180.
fn records(text: &str) -> Result<Vec<Vec<String>>, Failure> {
    let text = text.replace("\r\n", "\n");
    let mut records = Vec::new();
    let mut rest = text.strip_suffix('\r').unwrap_or(&text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('\n') {
            rest = after;
            continue;
        }
        let mut record = Vec::new();
        loop {
            let mut field = String::new();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = quoted;
                loop {
                    let end = rest.find('"').ok_or("A quote is never closed.")?;
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
                if bare.contains('"') {
                    return Err(Failure::from("A quote stands in the middle of a field."));
                }
                field.push_str(bare);
                rest = &rest[end..];
            }
            record.push(field);
            if let Some(after) = rest.strip_prefix(',') {
                rest = after;
                continue;
            }
            rest = match rest.strip_prefix('\n') {
                Some(after) => after,
                None if rest.is_empty() => rest,
                None => return Err(Failure::from("Only a comma or a line end may follow a quoted field.")),
            };
            break;
        }
        records.push(record);
    }
    Ok(records)
}
