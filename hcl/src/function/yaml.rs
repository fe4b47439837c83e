//! `yamldecode`.

use std::collections::BTreeMap;
use std::fmt;

use cty::convert::convert;
use cty::{Number, Type, Value};
use serde::Deserialize;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};

use super::{Call, Computed, Function, Returns, TEXT};

const MAX_DEPTH: usize = 64;
const MAX_NODES: usize = 200_000;

pub(super) const FUNCTIONS: &[Function] =
    &[Function { name: "yamldecode", parameters: &[TEXT], rest: None, returns: Returns::Anything, body: decode }];

fn decode(call: &Call<'_>) -> Computed {
    let text = call.text(0);
    if text.trim().is_empty() {
        return Err("The text holds no YAML document.".to_owned());
    }
    let mut options = serde_saphyr::Options::default();
    options.budget = Some({
        let mut budget = serde_saphyr::Budget::default();
        budget.max_depth = MAX_DEPTH;
        budget.max_nodes = MAX_NODES;
        budget.max_documents = 1;
        budget
    });
    options.alias_limits = serde_saphyr::alias_limits! {
        max_total_replayed_events: MAX_NODES,
        max_replay_stack_depth: MAX_DEPTH,
    };
    options.with_snippet = false;
    let decoded: Result<Yaml, _> = serde_saphyr::from_str_with_options(text, options);
    let value = decoded.map(|yaml| yaml.0).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        format!("Line {line} of the text is no YAML that can be read.")
    })?;
    let mut has_date = false;
    cty::walk(&value, |_, part| {
        has_date |= part.as_str().is_some_and(may_be_date);
        !has_date
    });
    if !has_date {
        return Ok(value);
    }
    let run = call.evaluator.run;
    run.saw_unknown();
    let reason = "the YAML holds what may be a date, which yamldecode() would write in another form".to_owned();
    Ok(run.because(&Value::dynamic(), reason, Some(call.evaluator.file.span(call.range))))
}

/// Tells whether a text would be a date if it were not in quotes, which cannot be told any more.
fn may_be_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let is_number = |part: Option<&str>, n_digits: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| n_digits.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_number(parts.next(), 4..=4)
        && is_number(parts.next(), 1..=2)
        && parts.next().is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()))
}

/// A value as YAML types it.
struct Yaml(Value);

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_str<E>(self, text: &str) -> Result<Yaml, E> {
        Ok(Yaml(Value::string(text)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Yaml, E> {
        Ok(Yaml(Value::from(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Yaml, E> {
        Ok(Yaml(Value::from(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Yaml, E> {
        Number::from_f64(number).map(|number| Yaml(Value::number(number))).map_err(|_| E::custom("no number"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml(Value::bool(value)))
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml(Value::null(Type::Dynamic)))
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml(Value::null(Type::Dynamic)))
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Yaml, A::Error> {
        let mut values = Vec::new();
        while let Some(Yaml(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Yaml(Value::tuple(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Yaml, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some((Yaml(key), Yaml(value))) = entries.next_entry()? {
            let key = convert(&key, &Type::String).ok().and_then(|key| key.as_str().map(str::to_owned));
            attributes.insert(key.ok_or_else(|| A::Error::custom("no key"))?, value);
        }
        Ok(Yaml(Value::object(attributes)))
    }
}
