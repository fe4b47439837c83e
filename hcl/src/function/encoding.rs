//! Functions between values and their notations.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cty::{Refinements, Type, Value};

use super::{Call, Computed, Failure, Function, NULLABLE, Parameter, Returns, TEXT, Takes, Wanted, of, refined};
use crate::evaluate::MAX_TEXT;

const fn function(name: &'static str, parameters: &'static [Parameter], body: fn(&Call<'_>) -> Computed) -> Function {
    Function { name, parameters, rest: None, returns: Returns::Text, is_nullable: false, body }
}

const MARKED: Parameter = of(Wanted::Text, &[Takes::Marked]);

pub(super) const FUNCTIONS: &[Function] = &[
    function("base64decode", &[MARKED], |call| Ok(text_of(from_base64(call.text(0))?)?.with_marks(call.bare(0).1))),
    function("base64encode", &[TEXT], |call| Ok(Value::string(STANDARD.encode(call.text(0))))),
    function("base64gunzip", &[TEXT], |call| {
        let bytes = from_base64(call.text(0))?;
        let mut text = Vec::new();
        let limit = MAX_TEXT as u64 + 1;
        let unpacked = flate2::read::MultiGzDecoder::new(bytes.as_slice()).take(limit).read_to_end(&mut text);
        unpacked.map_err(|_| "What is decoded is no gzip data.")?;
        if text.len() > MAX_TEXT {
            return Err(super::text::too_long());
        }
        // What is no text is taken as it is by OpenTofu, which no value here can be.
        let text = String::from_utf8(text);
        text.map(Value::string).map_err(|_| Failure::Unable("what base64gunzip() unpacks is not UTF-8 text".to_owned()))
    }),
    function("base64gzip", &[TEXT], |_| {
        // The format leaves open how well data is packed.
        Err(Failure::Unable("driftmgr does not pack data byte for byte as base64gzip() does".to_owned()))
    }),
    Function { returns: Returns::By(decoded_type), is_nullable: true, ..function("jsondecode", &[TEXT], json) },
    function("jsonencode", &[NULLABLE], to_json),
    function("textdecodebase64", &[TEXT, TEXT], |call| {
        let bytes = from_base64(call.text(0))?;
        let text = match Encoding::of(call.text(1))? {
            Encoding::Utf8 => String::from_utf8(bytes).ok(),
            Encoding::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Encoding::Utf16(order) => {
                let pairs = bytes.chunks(2).map(|pair| pair.try_into().map(|pair| order.unit(pair)));
                let units: Result<Vec<u16>, _> = pairs.collect();
                units.ok().and_then(|units| String::from_utf16(&units).ok())
            }
        };
        let text = text.filter(|text| !text.contains('\u{fffd}'));
        text.map(Value::string).ok_or_else(|| Failure::from("What is decoded is no text of this encoding."))
    }),
    function("textencodebase64", &[TEXT, TEXT], |call| {
        let text = call.text(0);
        let bytes: Vec<u8> = match Encoding::of(call.text(1))? {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Latin1 => {
                let bytes: Result<_, _> = text.chars().map(u8::try_from).collect();
                bytes.map_err(|_| "The text has characters that the encoding lacks.")?
            }
            Encoding::Utf16(order) => text.encode_utf16().flat_map(|unit| order.bytes(unit)).collect(),
        };
        Ok(Value::string(STANDARD.encode(bytes)))
    }),
    function("urldecode", &[TEXT], |call| {
        let text = String::from_utf8(url_decoded(call.text(0))?);
        text.map(Value::string).map_err(|_| Failure::Unable("what urldecode() gives is not UTF-8 text".to_owned()))
    }),
    function("urlencode", &[TEXT], |call| Ok(Value::string(url_encoded(call.text(0))))),
];

fn from_base64(text: &str) -> Result<Vec<u8>, Failure> {
    // Line ends anywhere are passed over.
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let lenient = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    lenient.decode(text).map_err(|_| Failure::from("The text is not base64."))
}

fn text_of(bytes: Vec<u8>) -> Computed {
    String::from_utf8(bytes).map(Value::string).map_err(|_| Failure::from("What is decoded is not UTF-8 text."))
}

/// A way to write text in bytes.
#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Latin1,
    Utf16(Order),
}

#[derive(Clone, Copy)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    fn bytes(self, unit: u16) -> [u8; 2] {
        match self {
            Self::Big => unit.to_be_bytes(),
            Self::Little => unit.to_le_bytes(),
        }
    }
}

impl Encoding {
    /// Finds an encoding by its name.
    ///
    /// Source: the IANA registry "Character Sets".
    fn of(name: &str) -> Result<Self, Failure> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "csutf8" => Self::Utf8,
            "iso-8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "iso_8859-1" | "latin1" | "l1" | "ibm819" | "cp819"
            | "csisolatin1" => Self::Latin1,
            "utf-16le" | "csutf16le" => Self::Utf16(Order::Little),
            "utf-16be" | "csutf16be" => Self::Utf16(Order::Big),
            _ => return Err(Failure::Unable(format!("driftmgr does not know the encoding {name:?}"))),
        })
    }
}

/// Tells by its first character what a JSON document will be.
fn decoded_type(arguments: &[Value]) -> Result<Type, Failure> {
    let text = &arguments[0];
    if text.is_known() {
        return Ok(Type::Dynamic);
    }
    let prefix = text.refinements().map_or("", Refinements::prefix);
    match prefix.trim().chars().next() {
        None | Some('{' | '[' | 'n') => Ok(Type::Dynamic),
        Some('"') => Ok(Type::String),
        Some('t' | 'f') => Ok(Type::Bool),
        Some('-' | '0'..='9' | '.') => Ok(Type::Number),
        Some(_) => Err(Failure::from("No JSON begins like this.")),
    }
}

fn json(call: &Call<'_>) -> Computed {
    let decoded = cty::json::decode_implied(call.text(0).as_bytes()).map_err(|error| match Failure::from(error) {
        Failure::Wrong(detail) if detail.contains("duplicate") => {
            Failure::Unable("a JSON object has one name twice, which OpenTofu refuses and terraform takes".to_owned())
        }
        Failure::Wrong(detail) => Failure::Wrong(format!("The text is not JSON: {detail}")),
        other => other,
    });
    let decoded = decoded?;
    // The programs stumble over names that are escaped in another form than they are kept.
    let mut is_escaped = false;
    cty::walk(&decoded, |_, value| {
        is_escaped |= value.entries().any(|(name, _)| !name.is_ascii() && !call.text(0).contains(name));
        !is_escaped
    });
    if is_escaped {
        return Err(Failure::Unable("a name in the JSON is written with escapes".to_owned()));
    }
    call.sized(decoded)
}

fn to_json(call: &Call<'_>) -> Computed {
    let value = &call.arguments[0];
    if !value.is_wholly_known() {
        let may_be_null = !value.is_known() && !value.refinements().is_some_and(Refinements::is_not_null);
        let prefix = match value.ty() {
            _ if may_be_null => "",
            Type::String => "\"",
            Type::Object(_) | Type::Map(_) => "{",
            Type::Tuple(_) | Type::List(_) | Type::Set(_) => "[",
            _ => "",
        };
        return Ok(refined(Type::String, Refinements::new().not_null().string_prefix_full(prefix)));
    }
    let json = cty::json::encode(value, value.ty())?;
    String::from_utf8(json).map(Value::string).map_err(|_| Failure::from("The result is not UTF-8 text."))
}

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

fn url_decoded(text: &str) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    return Err(Failure::from("Two digits must follow each percent sign."));
                };
                out.extend(u8::try_from(high * 16 + low));
                rest = &rest[2..];
            }
            byte => out.push(*byte),
        }
    }
    Ok(out)
}
