//! JSON with places: every value and every name knows its bytes.
//!
//! Source: RFC 8259, and the behavior of the reference implementation where that leaves room: a name may stand twice in
//! an object, and half of a surrogate pair is U+FFFD.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cty::{Number, Type, Value};

use crate::expression::MAX_DEPTH;

/// A value of a JSON text. Clones share it.
#[derive(Clone, Debug)]
pub struct JsonNode(Arc<(JsonKind, Range<usize>)>);

/// What a value of a JSON text is.
#[derive(Clone, Debug)]
pub enum JsonKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text, its escapes resolved.
    Text(String),
    /// The elements of an array.
    Array(Vec<JsonNode>),
    /// The properties of an object, as they are written: in order, those of one name too.
    Object(Vec<JsonProperty>),
}

/// A property of an object.
#[derive(Clone, Debug)]
pub struct JsonProperty {
    /// The name, its escapes resolved.
    pub name: String,
    /// Where the name is, in bytes, with its quotes.
    pub name_range: Range<usize>,
    /// The value.
    pub value: JsonNode,
}

impl JsonNode {
    fn new(kind: JsonKind, range: Range<usize>) -> Self {
        Self(Arc::new((kind, range)))
    }

    /// Makes a node of a known value without marks, all of it at one place.
    pub(crate) fn of_value(value: &Value, range: &Range<usize>) -> Self {
        let inner = |value: &Value| Self::of_value(value, range);
        let kind = match value {
            _ if value.is_null() => JsonKind::Null,
            _ if value.ty().is_primitive() => match (value.as_bool(), value.as_number(), value.as_str()) {
                (Some(flag), _, _) => JsonKind::Bool(flag),
                (_, Some(number), _) => JsonKind::Number(number.clone()),
                (_, _, text) => JsonKind::Text(text.unwrap_or_default().to_owned()),
            },
            _ if matches!(value.ty(), Type::Object(_) | Type::Map(_)) => {
                let property = |(name, value): (&str, &Value)| JsonProperty {
                    name: name.to_owned(),
                    name_range: range.clone(),
                    value: inner(value),
                };
                JsonKind::Object(value.entries().map(property).collect())
            }
            _ => JsonKind::Array(value.elements().map(inner).collect()),
        };
        Self::new(kind, range.clone())
    }

    /// Gives what it is.
    pub fn kind(&self) -> &JsonKind {
        &self.0.0
    }

    /// Gives where it is, in bytes.
    pub fn range(&self) -> Range<usize> {
        self.0.1.clone()
    }

    /// Tells whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind(), JsonKind::Null)
    }

    /// Gives the text that it is.
    pub fn as_str(&self) -> Option<&str> {
        match self.kind() {
            JsonKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Gives the elements of the array that it is.
    pub fn as_array(&self) -> Option<&[JsonNode]> {
        match self.kind() {
            JsonKind::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Gives the properties of the object that it is.
    pub fn as_object(&self) -> Option<&[JsonProperty]> {
        match self.kind() {
            JsonKind::Object(properties) => Some(properties),
            _ => None,
        }
    }

    /// Gives the properties of the object that it is, but for comments; none of anything else.
    pub fn properties(&self) -> impl Iterator<Item = &JsonProperty> {
        self.as_object().unwrap_or_default().iter().filter(|property| property.name != "//")
    }

    /// Gives its value, texts as they are: arrays are tuples; of properties of one name the last counts.
    pub fn to_value(&self) -> Value {
        match self.kind() {
            JsonKind::Null => Value::null(Type::Dynamic),
            JsonKind::Bool(flag) => Value::bool(*flag),
            JsonKind::Number(number) => Value::number(number.clone()),
            JsonKind::Text(text) => Value::string(text),
            JsonKind::Array(elements) => Value::tuple(elements.iter().map(Self::to_value).collect()),
            JsonKind::Object(properties) => {
                let entries = properties.iter().map(|property| (property.name.clone(), property.value.to_value()));
                Value::object(entries.collect::<BTreeMap<_, _>>())
            }
        }
    }
}

/// Says why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonProblem {
    /// What is wrong and what to do, in sentences.
    pub detail: String,
    /// Where it is, in bytes.
    pub range: Range<usize>,
}

/// Reads a JSON text.
///
/// ```
/// let node = hcl::json::parse("{\"a\": [1, \"b\"]}").map_err(|problem| problem.detail)?;
/// let names: Vec<_> = node.properties().map(|property| (property.name.as_str(), property.value.range())).collect();
/// assert_eq!(names, [("a", 6..14)]);
/// assert_eq!(hcl::json::parse("[1,]").map_err(|problem| problem.range).err(), Some(2..3));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// The first problem, with its place.
pub fn parse(text: &str) -> Result<JsonNode, JsonProblem> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    let node = reader.value(0)?;
    match reader.next() {
        None => Ok(node),
        Some(_) => Err(reader.fail("The value ends before this; a file holds one value.")),
    }
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    /// Gives the next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// Says what is wrong with the next character.
    fn fail(&self, detail: impl Into<String>) -> JsonProblem {
        self.fail_at(self.at, detail)
    }

    fn fail_at(&self, at: usize, detail: impl Into<String>) -> JsonProblem {
        let n_bytes = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        JsonProblem { detail: detail.into(), range: at..at + n_bytes }
    }

    fn value(&mut self, depth: usize) -> Result<JsonNode, JsonProblem> {
        let first = self.next();
        let start = self.at;
        if depth > MAX_DEPTH {
            return Err(self.fail(format!("Arrays and objects may nest {MAX_DEPTH} levels deep.")));
        }
        let kind = match first {
            Some(b'{') => JsonKind::Object(self.object(depth)?),
            Some(b'[') => JsonKind::Array(self.array(depth)?),
            Some(b'"') => JsonKind::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => JsonKind::Number(self.number()?),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.keyword()?,
            Some(_) => {
                return Err(
                    self.fail("A value must stand here: an object, an array, a text, a number, true, false or null.")
                );
            }
            None => return Err(self.fail("A value must stand here, and the text ends.")),
        };
        Ok(JsonNode::new(kind, start..self.at))
    }

    fn object(&mut self, depth: usize) -> Result<Vec<JsonProperty>, JsonProblem> {
        let open = self.at;
        self.at += 1;
        let mut properties = Vec::new();
        if self.next() == Some(b'}') {
            self.at += 1;
            return Ok(properties);
        }
        loop {
            match self.next() {
                Some(b'"') => {}
                Some(_) => return Err(self.fail("The name of a property must stand here, in double quotes.")),
                None => return Err(self.fail_at(open, "The brace that closes this object is missing.")),
            }
            let name_start = self.at;
            let name = self.string()?;
            let name_range = name_start..self.at;
            if self.next() != Some(b':') {
                return Err(self.fail("`:` and a value must follow the name of a property."));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            properties.push(JsonProperty { name, name_range, value });
            match self.next() {
                Some(b',') => self.comma(b'}')?,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(properties);
                }
                Some(_) => return Err(self.fail("`,` and another property, or `}` must follow a property.")),
                None => return Err(self.fail_at(open, "The brace that closes this object is missing.")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<JsonNode>, JsonProblem> {
        let open = self.at;
        self.at += 1;
        let mut elements = Vec::new();
        if self.next() == Some(b']') {
            self.at += 1;
            return Ok(elements);
        }
        loop {
            elements.push(self.value(depth + 1)?);
            match self.next() {
                Some(b',') => self.comma(b']')?,
                Some(b']') => {
                    self.at += 1;
                    return Ok(elements);
                }
                Some(_) => return Err(self.fail("`,` and another element, or `]` must follow an element.")),
                None => return Err(self.fail_at(open, "The bracket that closes this array is missing.")),
            }
        }
    }

    /// Takes a comma, behind which the closing bracket cannot stand.
    fn comma(&mut self, close: u8) -> Result<(), JsonProblem> {
        let at = self.at;
        self.at += 1;
        if self.next() == Some(close) {
            return Err(self.fail_at(at, "JSON has no comma behind the last one; remove it."));
        }
        Ok(())
    }

    fn keyword(&mut self) -> Result<JsonKind, JsonProblem> {
        let rest = &self.bytes[self.at..];
        let n_bytes = rest.iter().position(|byte| !byte.is_ascii_alphabetic() && *byte != b'_').unwrap_or(rest.len());
        let kind = match &rest[..n_bytes] {
            b"null" => JsonKind::Null,
            b"true" => JsonKind::Bool(true),
            b"false" => JsonKind::Bool(false),
            other => {
                let word = String::from_utf8_lossy(other);
                let detail =
                    format!("{word:?} is no word of JSON; the words are true, false and null, all else is in quotes.");
                return Err(JsonProblem { detail, range: self.at..self.at + n_bytes });
            }
        };
        self.at += n_bytes;
        Ok(kind)
    }

    fn number(&mut self) -> Result<Number, JsonProblem> {
        let start = self.at;
        let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let rest = &self.bytes[start..];
        self.at += rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let text = &self.text[start..self.at];
        let fail =
            |reason: String| JsonProblem { detail: format!("{text} is no number: {reason}."), range: start..self.at };
        if !is_number(text.as_bytes()) {
            return Err(fail("it does not have the form of one in JSON".to_owned()));
        }
        Number::parse(text).map_err(|error| fail(error.to_string()))
    }

    /// Reads a text in quotes.
    fn string(&mut self) -> Result<String, JsonProblem> {
        let open = self.at;
        self.at += 1;
        let mut text = String::new();
        let mut start = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    text.push_str(&self.text[start..self.at]);
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    text.push_str(&self.text[start..self.at]);
                    text.push(self.escape()?);
                    start = self.at;
                }
                Some(0..=0x1f) => {
                    return Err(
                        self.fail("Control characters must be escaped in a text: a line end is `\\n`, a tab `\\t`.")
                    );
                }
                Some(_) => self.at += 1,
                None => return Err(self.fail_at(open, "The quote that closes this text is missing.")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonProblem> {
        let backslash = self.at;
        self.at += 2;
        let c = match self.bytes.get(backslash + 1) {
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(*c),
            Some(b'u') => {
                let first = self.digits(backslash)?;
                if !(0xd800..0xdc00).contains(&first) || !self.bytes[self.at..].starts_with(b"\\u") {
                    return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let between = self.at;
                self.at += 2;
                let second = self.digits(between)?;
                if !(0xdc00..0xe000).contains(&second) {
                    // The first is half of a pair without the other; the second stands for itself.
                    self.at = between;
                    return Ok(char::REPLACEMENT_CHARACTER);
                }
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return Err(self.fail_at(backslash, "There is no such escape; a backslash itself is written `\\\\`.")),
        };
        Ok(c)
    }

    fn digits(&mut self, escape: usize) -> Result<u32, JsonProblem> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.fail_at(escape, "`\\u` must be followed by four hexadecimal digits."))
    }
}

/// Tells whether a text is a number as JSON writes it.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let n_whole = digits(rest);
    if n_whole == 0 || (n_whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[n_whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n_digits = digits(fraction);
        if n_digits == 0 {
            return false;
        }
        rest = &fraction[n_digits..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
