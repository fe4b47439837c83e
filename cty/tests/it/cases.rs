//! Cases made by go-cty (see `acceptance-tests/ctygen`), and how they are checked.

use std::fmt::Write as _;

use cty::convert::{convert, unify, unify_unsafe};
use cty::{Refinements, Type, Value, json, msgpack};
use serde_json::Value as Json;

/// Checks all lines, and shows the first that differ.
pub(crate) fn assert_all<'a>(lines: impl Iterator<Item = &'a str>) {
    let mut n_cases = 0;
    let mut problems: Vec<String> = lines.inspect(|_| n_cases += 1).filter_map(|line| check_line(line).err()).collect();
    let n_problems = problems.len();
    problems.truncate(10);
    assert!(problems.is_empty(), "{n_problems} of {n_cases} cases differ, such as\n{}", problems.join("\n\n"));
}

fn check_line(line: &str) -> Result<(), String> {
    let case: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if case.get("op").is_some() { check_operation(&case) } else { check_encoding(&case) }
        .map_err(|problem| format!("{problem}\n  case: {}", line.chars().take(2000).collect::<String>()))
}

/// The bytes decode, encode to the same bytes again, and so does the JSON where there is one.
fn check_encoding(case: &Json) -> Result<(), String> {
    let ty = read_type(field(case, "t"))?;
    equal("type", &ty.to_json(), field(case, "t"))?;
    let value = msgpack::decode(&unhex(field(case, "hex")), &ty).map_err(|error| error.to_string())?;
    let encoded = msgpack::encode(&value, &ty).map_err(|error| error.to_string())?;
    equal("msgpack", &hex(&encoded), field(case, "hex"))?;
    if field(case, "j").is_empty() {
        return match json::encode(&value, &ty) {
            Ok(_) => Err(format!("{value:?} has no JSON form, but was encoded")),
            Err(_) => Ok(()),
        };
    }
    let text = json::encode(&value, &ty).map_err(|error| error.to_string())?;
    equal("JSON", &String::from_utf8_lossy(&text), field(case, "j"))?;
    let again = json::decode(&text, &ty).map_err(|error| error.to_string())?;
    if again == value { Ok(()) } else { Err(format!("JSON made {again:?} of {value:?}")) }
}

/// The operation has the same result, byte for byte, or is refused by both.
fn check_operation(case: &Json) -> Result<(), String> {
    let op = field(case, "op");
    if op.starts_with("unify") {
        let types = case["types"].as_array().ok_or("no types")?;
        let types: Vec<Type> =
            types.iter().map(|ty| read_type(ty.as_str().unwrap_or_default())).collect::<Result<_, _>>()?;
        let unified = if op == "unify" { unify(&types) } else { unify_unsafe(&types) };
        let unified = unified.map(|ty| ty.to_json()).unwrap_or_default();
        return equal("type", &unified, case["want"]["t"].as_str().unwrap_or_default());
    }
    if let Some(implied) = op.strip_prefix("implied_") {
        let ty = match implied {
            "json" => json::implied_type(field(case, "text").as_bytes()),
            _ => msgpack::implied_type(&unhex(field(case, "text"))),
        };
        let ty = ty.map(|ty| ty.to_json()).unwrap_or_default();
        return equal("type", &ty, case["want"]["t"].as_str().unwrap_or_default());
    }
    let args = case["args"].as_array().map(Vec::as_slice).unwrap_or_default();
    let args: Vec<Value> = args.iter().map(operand).collect::<Result<_, _>>()?;
    match (run(op, &args, case), case.get("want")) {
        (Ok(got), Some(want)) => {
            let about = |problem| format!("{problem} for {got:?}");
            equal("type", &got.ty().to_json(), field(want, "t")).map_err(about)?;
            let encoded = msgpack::encode(&got, got.ty()).map_err(|error| error.to_string())?;
            equal("result", &hex(&encoded), field(want, "hex")).map_err(about)
        }
        // People read the messages of conversion, so they are Terraform's.
        (Err(error), None) if op == "convert" => equal("message", error.message(), field(case, "err")),
        (Err(_), None) => Ok(()),
        (Err(error), Some(_)) => Err(format!("refused: {error}")),
        (Ok(got), None) => Err(format!("go-cty refuses ({}), but the result is {got:?}", field(case, "err"))),
    }
}

fn run(op: &str, args: &[Value], case: &Json) -> cty::Result<Value> {
    match (op, args) {
        ("add", [a, b]) => a.add(b),
        ("subtract", [a, b]) => a.subtract(b),
        ("multiply", [a, b]) => a.multiply(b),
        ("divide", [a, b]) => a.divide(b),
        ("modulo", [a, b]) => a.modulo(b),
        ("less_than", [a, b]) => a.less_than(b),
        ("greater_than", [a, b]) => a.greater_than(b),
        ("less_than_or_equal_to", [a, b]) => a.less_than_or_equal_to(b),
        ("greater_than_or_equal_to", [a, b]) => a.greater_than_or_equal_to(b),
        ("equals", [a, b]) => Ok(a.equals(b)),
        ("raw_equals", [a, b]) => Ok(Value::bool(a.raw_equals(b))),
        ("negate", [a]) => a.negate(),
        ("absolute", [a]) => a.absolute(),
        ("not", [a]) => a.not(),
        ("and", [a, b]) => a.and(b),
        ("or", [a, b]) => a.or(b),
        ("index", [a, b]) => a.index(b),
        ("has_index", [a, b]) => a.has_index(b),
        ("has_element", [a, b]) => a.has_element(b),
        ("length", [a]) => a.length(),
        ("get_attr", [a]) => a.get_attr(field(case, "name")),
        ("convert", [a]) => convert(a, &Type::from_json(field(case, "to"))?),
        ("string_prefix", [a]) => match a.as_str() {
            Some(text) => Value::unknown_refined(Type::String, Refinements::new().string_prefix(text)),
            None => a.get_attr("go-cty refuses what is no known string, and so does this"),
        },
        ("decode_json", []) => json::decode(field(case, "text").as_bytes(), &Type::from_json(field(case, "to"))?),
        ("set", elements) => Value::set(Type::Dynamic, elements.to_vec()),
        _ => panic!("no operation {op} of {} arguments", args.len()),
    }
}

fn operand(json: &Json) -> Result<Value, String> {
    let ty = read_type(field(json, "t"))?;
    let value = match json.get("j").and_then(Json::as_str) {
        Some(text) => json::decode(text.as_bytes(), &ty),
        None => msgpack::decode(&unhex(field(json, "hex")), &ty),
    };
    value.map_err(|error| format!("operand: {error}"))
}

fn read_type(text: &str) -> Result<Type, String> {
    Type::from_json(text).map_err(|error| format!("type {text}: {error}"))
}

fn equal(what: &str, got: &str, want: &str) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what} is\n    {got}\n  where go-cty has\n    {want}\n")) }
}

/// Returns a text field, empty where it is missing.
pub(crate) fn field<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_default()
}

/// Reads hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// Writes hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
