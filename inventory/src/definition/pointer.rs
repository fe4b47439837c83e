//! Where in a JSON object a value is.

use std::fmt;

use serde_json::Value;

/// A JSON Pointer (RFC 6901) in which the segment `*` stands for every element or every value.
///
/// `/Reservations/*/Instances` reaches the instance lists of all reservations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Key(String),
    Every,
}

const MAX_SEGMENTS: usize = 20;

impl Pointer {
    /// Parses a pointer; the error is a sentence about what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self { segments: Vec::new() });
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("the pointer `{text}` must start with `/`"));
        };
        let mut segments = Vec::new();
        for part in rest.split('/') {
            if part == "*" {
                segments.push(Segment::Every);
                continue;
            }
            let mut after_tilde = part.split('~').skip(1);
            if after_tilde.any(|tail| !tail.starts_with(['0', '1'])) {
                return Err(format!("the pointer `{text}` has a `~` that is neither `~0` (for ~) nor `~1` (for /)"));
            }
            segments.push(Segment::Key(part.replace("~1", "/").replace("~0", "~")));
        }
        if segments.len() > MAX_SEGMENTS {
            return Err(format!("the pointer `{text}` has more than {MAX_SEGMENTS} segments"));
        }
        Ok(Self { segments })
    }

    /// Returns every value the pointer reaches, in document order.
    pub fn select<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut reached = vec![value];
        for segment in &self.segments {
            reached = reached
                .into_iter()
                .flat_map(|value| match (segment, value) {
                    (Segment::Key(key), Value::Object(fields)) => fields.get(key).into_iter().collect::<Vec<_>>(),
                    (Segment::Key(key), Value::Array(elements)) => {
                        key.parse::<usize>().ok().and_then(|index| elements.get(index)).into_iter().collect()
                    }
                    (Segment::Every, Value::Array(elements)) => elements.iter().collect(),
                    (Segment::Every, Value::Object(fields)) => fields.values().collect(),
                    _ => Vec::new(),
                })
                .collect();
        }
        reached
    }

    /// Returns the first value the pointer reaches, nulls left out.
    pub fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.select(value).into_iter().find(|value| !value.is_null())
    }

    /// Returns the elements a listing holds: each reached array is opened, absent and empty values give none.
    ///
    /// XML has no empty list, only an empty element, which reads as an empty string: it counts as no element.
    pub fn elements<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        self.select(value)
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(elements) => elements.iter().collect::<Vec<_>>(),
                Value::Null => Vec::new(),
                Value::String(text) if text.is_empty() => Vec::new(),
                single => vec![single],
            })
            .collect()
    }

    /// Removes what the pointer reaches.
    pub fn remove(&self, value: &mut Value) {
        remove(&self.segments, value);
    }

    /// Replaces text that holds JSON by what it says; text that does not is left alone.
    pub fn parse_json(&self, value: &mut Value) {
        parse_json(&self.segments, value);
    }

    /// Returns the first segment when it is a plain key.
    pub(crate) fn root_key(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Returns true when the pointer can reach more than one value.
    pub fn is_many(&self) -> bool {
        self.segments.contains(&Segment::Every)
    }
}

fn parse_json(segments: &[Segment], value: &mut Value) {
    match (segments.split_first(), value) {
        (None, value) => {
            if let Some(parsed) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
                *value = parsed;
            }
        }
        (Some((Segment::Key(key), rest)), Value::Object(fields)) => {
            if let Some(child) = fields.get_mut(key) {
                parse_json(rest, child);
            }
        }
        (Some((Segment::Every, rest)), Value::Array(elements)) => {
            for child in elements {
                parse_json(rest, child);
            }
        }
        _ => {}
    }
}

fn remove(segments: &[Segment], value: &mut Value) {
    let Some((segment, rest)) = segments.split_first() else { return };
    match (segment, value) {
        (Segment::Key(key), Value::Object(fields)) if rest.is_empty() => {
            fields.remove(key);
        }
        (Segment::Key(key), Value::Object(fields)) => {
            if let Some(child) = fields.get_mut(key) {
                remove(rest, child);
            }
        }
        (Segment::Every, Value::Object(fields)) if rest.is_empty() => fields.clear(),
        (Segment::Every, Value::Array(elements)) if rest.is_empty() => elements.clear(),
        (Segment::Every, Value::Object(fields)) => fields.values_mut().for_each(|child| remove(rest, child)),
        (Segment::Every, Value::Array(elements)) => elements.iter_mut().for_each(|child| remove(rest, child)),
        _ => {}
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Every => formatter.write_str("/*")?,
                Segment::Key(key) => write!(formatter, "/{}", key.replace('~', "~0").replace('/', "~1"))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selects_through_lists_maps_and_escapes() {
        let value = json!({"r": [{"i": [{"id": 1}, {"id": 2}]}, {"i": [{"id": 3}]}, {}], "a/b": {"~": true}});
        let ids = Pointer::parse("/r/*/i/*/id").expect("valid");
        assert_eq!(ids.select(&value), [&json!(1), &json!(2), &json!(3)]);
        assert_eq!(ids.to_string(), "/r/*/i/*/id");
        let escaped = Pointer::parse("/a~1b/~0").expect("valid");
        assert_eq!(escaped.first(&value), Some(&json!(true)));
        assert_eq!(escaped.to_string(), "/a~1b/~0");
        assert_eq!(Pointer::parse("/r/1/i/0/id").expect("valid").first(&value), Some(&json!(3)));
        assert_eq!(Pointer::parse("/r/*/i").expect("valid").elements(&value).len(), 3);
        assert!(Pointer::parse("/a~1b").expect("valid").elements(&json!({"a/b": ""})).is_empty());
    }

    #[test]
    fn removes_what_it_reaches() {
        let mut value = json!({"env": {"a": 1, "b": 2}, "keep": [{"secret": 1, "id": 2}]});
        Pointer::parse("/env/*").expect("valid").remove(&mut value);
        Pointer::parse("/keep/*/secret").expect("valid").remove(&mut value);
        Pointer::parse("/absent/*/secret").expect("valid").remove(&mut value);
        assert_eq!(value, json!({"env": {}, "keep": [{"id": 2}]}));
    }

    #[test]
    fn malformed_pointers_are_refused() {
        assert!(Pointer::parse("VpcId").expect_err("no slash").contains("must start with `/`"));
        assert!(Pointer::parse("/a~2").expect_err("bad escape").contains("~0"));
        assert!(Pointer::parse(&"/a".repeat(21)).expect_err("too long").contains("more than 20"));
    }
}
