//! Replies of every protocol as one tree.
//!
//! XML becomes what JSON would have been, by the rules of [`Protocol`](crate::definition::Protocol), so that a definition
//! names the same kind of path for every protocol.

use std::fmt;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

/// Elements and members nested deeper than this are refused.
const MAX_DEPTH: usize = 64;
/// Trees with more elements than this are refused: a page of any API is far smaller.
const MAX_NODES: usize = 2_000_000;

/// Says why a reply cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The bytes are not well-formed.
    #[error("the reply is not well-formed {format}: {detail}")]
    Malformed {
        /// `XML` or `JSON`.
        format: Format,
        /// What the parser found, and where.
        detail: String,
    },
    /// The reply is nested too deeply or has too many elements.
    #[error("the reply is {what}, beyond what any page of an API holds")]
    TooLarge {
        /// Which limit was met.
        what: &'static str,
    },
}

/// Names the format of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// XML, its root element left out.
    Xml,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "JSON",
            Self::Xml => "XML",
        })
    }
}

/// Reads a reply into a tree; an empty one is an empty object.
///
/// # Errors
/// [`ReplyError`], which never quotes the reply.
pub fn read(format: Format, bytes: &[u8]) -> Result<Value, ReplyError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    match format {
        Format::Json => read_json(bytes),
        Format::Xml => read_xml(bytes),
    }
}

/// Leaves out the `…Result` element that wraps the answers of the query protocol.
pub(super) fn without_result(tree: Value, action: &str) -> Value {
    match tree {
        Value::Object(mut members) => match members.remove(&format!("{action}Result")) {
            Some(Value::Object(result)) => Value::Object(result),
            Some(_) => Value::Object(Map::new()),
            None => Value::Object(members),
        },
        other => other,
    }
}

fn read_json(bytes: &[u8]) -> Result<Value, ReplyError> {
    // The parser itself refuses more than 128 levels, so counting afterwards is safe.
    let value: Value = serde_json::from_slice(bytes).map_err(|error| ReplyError::Malformed {
        format: Format::Json,
        detail: format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column()),
    })?;
    let mut nodes = 0;
    check_size(&value, 0, &mut nodes)?;
    Ok(value)
}

fn check_size(value: &Value, depth: usize, nodes: &mut usize) -> Result<(), ReplyError> {
    *nodes += 1;
    if depth > MAX_DEPTH {
        return Err(ReplyError::TooLarge { what: "nested too deeply" });
    }
    if *nodes > MAX_NODES {
        return Err(ReplyError::TooLarge { what: "made of too many elements" });
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_size(item, depth + 1, nodes)),
        Value::Object(members) => members.values().try_for_each(|member| check_size(member, depth + 1, nodes)),
        _ => Ok(()),
    }
}

struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
}

fn read_xml(bytes: &[u8]) -> Result<Value, ReplyError> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| malformed(format!("no UTF-8 at byte {}", error.valid_up_to())))?;
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut root: Option<Value> = None;
    let mut nodes = 0;
    loop {
        let position = reader.buffer_position();
        let at = |what: &str| malformed(format!("{what} at byte {position}"));
        let event = reader.read_event().map_err(|error| match error {
            // These two say what is wrong without quoting much of the reply.
            quick_xml::Error::Syntax(error) => at(&error.to_string()),
            quick_xml::Error::IllFormed(_) => at("tags that do not match"),
            _ => at("something that is no XML"),
        })?;
        match event {
            Event::Start(start) => {
                if root.is_some() {
                    return Err(at("a second root element"));
                }
                nodes += 1;
                if nodes > MAX_NODES {
                    return Err(ReplyError::TooLarge { what: "made of too many elements" });
                }
                if stack.len() >= MAX_DEPTH {
                    return Err(ReplyError::TooLarge { what: "nested too deeply" });
                }
                stack.push(Open {
                    name: String::from_utf8_lossy(start.local_name().as_ref()).into_owned(),
                    members: Map::new(),
                    text: String::new(),
                });
            }
            Event::Empty(empty) => {
                let name = String::from_utf8_lossy(empty.local_name().as_ref()).into_owned();
                nodes += 1;
                if nodes > MAX_NODES {
                    return Err(ReplyError::TooLarge { what: "made of too many elements" });
                }
                match stack.last_mut() {
                    Some(parent) => add(&mut parent.members, name, Value::String(String::new())),
                    None if root.is_none() => root = Some(Value::String(String::new())),
                    None => return Err(at("a second root element")),
                }
            }
            Event::Text(part) => {
                let part = part.decode().map_err(|_| at("undecodable text"))?;
                match stack.last_mut() {
                    Some(open) => open.text.push_str(&part),
                    None if part.trim().is_empty() => {}
                    None => return Err(at("text outside of the root element")),
                }
            }
            Event::CData(part) => {
                let part = part.decode().map_err(|_| at("undecodable text"))?;
                stack.last_mut().ok_or_else(|| at("text outside of the root element"))?.text.push_str(&part);
            }
            Event::GeneralRef(reference) => {
                let open = stack.last_mut().ok_or_else(|| at("an entity outside of the root element"))?;
                if let Some(character) = reference.resolve_char_ref().map_err(|_| at("an impossible character"))? {
                    open.text.push(character);
                } else {
                    let name = reference.decode().map_err(|_| at("an undecodable entity"))?;
                    let known = quick_xml::escape::resolve_xml_entity(&name);
                    open.text.push_str(known.ok_or_else(|| at("an entity that XML does not define"))?);
                }
            }
            Event::End(_) => {
                let open = stack.pop().ok_or_else(|| at("an end without a start"))?;
                let value = if open.members.is_empty() {
                    let is_blank = open.text.trim().is_empty();
                    Value::String(if is_blank { String::new() } else { open.text })
                } else {
                    shaped(open.members)
                };
                match stack.last_mut() {
                    Some(parent) => add(&mut parent.members, open.name, value),
                    None => root = Some(value),
                }
            }
            // A document type can define entities that grow without bound; no service sends one.
            Event::DocType(_) => return Err(at("a document type declaration, which is refused,")),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !stack.is_empty() {
        return Err(malformed("it ends before its elements do".to_owned()));
    }
    root.ok_or_else(|| malformed("it has no root element".to_owned()))
}

/// Gives the members of an element the shape they stand for: a list, a map, or themselves.
fn shaped(mut members: Map<String, Value>) -> Value {
    if members.len() != 1 {
        return Value::Object(members);
    }
    for name in ["item", "member"] {
        match members.remove(name) {
            Some(Value::Array(items)) => return Value::Array(items),
            Some(item) => return Value::Array(vec![item]),
            None => {}
        }
    }
    let entries = match members.get("entry") {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(entry) => std::slice::from_ref(entry),
        None => return Value::Object(members),
    };
    let pair = |entry: &Value| {
        let key = entry.get("key")?.as_str()?.to_owned();
        Some((key, entry.get("value").cloned().unwrap_or_else(|| Value::String(String::new()))))
    };
    let map: Option<Map<String, Value>> = entries.iter().map(pair).collect();
    map.map_or(Value::Object(members), Value::Object)
}

fn add(members: &mut Map<String, Value>, name: String, value: Value) {
    match members.get_mut(&name) {
        None => {
            members.insert(name, value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(one) => {
            let first = one.take();
            *one = Value::Array(vec![first, value]);
        }
    }
}

fn malformed(detail: String) -> ReplyError {
    ReplyError::Malformed { format: Format::Xml, detail }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(xml: &str, expect: &Value) {
        assert_eq!(&read(Format::Xml, xml.as_bytes()).unwrap(), expect, "{xml}");
    }

    #[test]
    fn xml_becomes_the_tree_that_json_would_have_been() {
        check(
            "<?xml version=\"1.0\"?><R xmlns=\"x\"><set><item><id>a</id></item><item><id>b</id></item></set><next/></R>",
            &json!({"set": [{"id": "a"}, {"id": "b"}], "next": ""}),
        );
        check("<R>\n  <s> a &lt;&#x41;&amp; <![CDATA[<b>]]></s>\n</R>", &json!({"s": " a <A& <b>"}));
        check("<ns:R xmlns:ns=\"x\"><ns:a b=\"c\">1</ns:a></ns:R>", &json!({"a": "1"}));
        check("<R/>", &json!(""));
        check("<R></R>", &json!(""));
        check("<R>eu-west-1</R>", &json!("eu-west-1"));
        assert_eq!(read(Format::Xml, b"  ").unwrap(), json!({}));
    }

    #[test]
    fn lists_and_maps_are_told_by_the_names_of_their_children() {
        check("<R><set><item><id>a</id></item></set></R>", &json!({"set": [{"id": "a"}]}));
        check("<R><set><member>a</member><member>b</member></set></R>", &json!({"set": ["a", "b"]}));
        check("<R><set/></R>", &json!({"set": ""}));
        check("<R><l><x>1</x><x>2</x></l></R>", &json!({"l": {"x": ["1", "2"]}}));
        check(
            "<R><a><entry><key>k</key><value>v</value></entry><entry><key>e</key><value/></entry></a></R>",
            &json!({"a": {"k": "v", "e": ""}}),
        );
        check("<R><a><entry><key>k</key><value>v</value></entry></a></R>", &json!({"a": {"k": "v"}}));
        check("<R><a><entry>x</entry></a></R>", &json!({"a": {"entry": "x"}}));
        check("<R><item>a</item></R>", &json!(["a"]));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for xml in [
            "<R><a></R>",
            "<R>",
            "no xml",
            "<R/><R/>",
            "<R>&unknown;</R>",
            "<R>&#0;</R>",
            "<!DOCTYPE r [<!ENTITY a \"b\">]><R>&a;</R>",
            "<R/>text",
            "</R>",
            "<R",
            "<R><![CDATA[x</R>",
        ] {
            let result = read(Format::Xml, xml.as_bytes());
            assert!(matches!(result, Err(ReplyError::Malformed { .. })), "{xml}: {result:?}");
        }
        assert!(matches!(read(Format::Xml, &[b'<', 0xff]), Err(ReplyError::Malformed { .. })));
        for json in ["{", "{\"a\":1}}", "[1,", "\"\\ud800\""] {
            assert!(matches!(read(Format::Json, json.as_bytes()), Err(ReplyError::Malformed { .. })), "{json}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        assert!(matches!(read(Format::Xml, deep.as_bytes()), Err(ReplyError::TooLarge { .. })));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(matches!(read(Format::Json, deep.as_bytes()), Err(ReplyError::TooLarge { .. })));
        let absurd = "[".repeat(1_000_000);
        assert!(read(Format::Json, absurd.as_bytes()).is_err());
    }

    #[test]
    fn damaged_replies_are_errors_or_trees_and_never_more() {
        let xml = "<?xml version=\"1.0\"?><R a=\"b\"><s><item>&lt;&#x41;</item><item/></s><!-- c --><![CDATA[d]]><e>\u{fc}</e></R>";
        let json = r#"{"a": [1, -2.5e3, "\u00fc", null, true, {"b": {}}]}"#;
        let mut n_trees = 0;
        for (format, text) in [(Format::Xml, xml), (Format::Json, json)] {
            let bytes = text.as_bytes();
            for position in 0..bytes.len() {
                n_trees += usize::from(read(format, &bytes[..position]).is_ok());
                for byte in [0, b'<', b'>', b'&', b';', b'"', b'{', b']', b'/', b'!', 0x80, 0xff] {
                    let mut damaged = bytes.to_vec();
                    damaged[position] = byte;
                    n_trees += usize::from(read(format, &damaged).is_ok());
                }
            }
        }
        assert!(n_trees > 100, "much of the damage leaves something that can be read: {n_trees}");
    }

    #[test]
    fn errors_do_not_quote_the_reply() {
        let error = read(Format::Json, b"{\"secret\": planted}").unwrap_err();
        assert!(!error.to_string().contains("planted"), "{error}");
        let error = read(Format::Xml, b"<R><planted></other></R>").unwrap_err();
        assert!(!error.to_string().contains("planted"), "{error}");
    }
}
