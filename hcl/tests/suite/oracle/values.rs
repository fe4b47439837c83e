//! Values on their way to the oracle and back, and what makes two of them agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use cty::{Mark, Marks, Path, PathStep, Refinements, Type, Value, msgpack};
use hcl::evaluate::{Evaluation, Resolved, Scope};
use hcl::expression::ReferenceStep;
use serde_json::{Value as Json, json};

/// Values by name.
pub(crate) type Variables = BTreeMap<String, Value>;

/// A scope of values by name.
pub(crate) struct Table<'a>(pub(super) &'a Variables);

impl Scope for Table<'_> {
    fn resolve(&self, name: &str, _: &[ReferenceStep<'_>], _: &Evaluation) -> Resolved {
        match self.0.get(name) {
            Some(value) => Resolved::Value { value: value.clone(), n_steps: 0 },
            None => Resolved::Invalid(format!("There is no {name:?}.")),
        }
    }
}

/// Marks everything unknown in a value as evaluation itself marks it with the reason.
pub(crate) fn with_reasons(value: &Value) -> Value {
    let changed = cty::transform(value, |_, part| {
        let reason = || Mark::Named(Arc::from("unknown#7"));
        Ok(if part.is_known() { part } else { part.mark(reason()) })
    });
    changed.unwrap()
}

pub(crate) fn to_json(value: &Value) -> Json {
    let (bare, marked) = value.unmark_deep_with_paths();
    let bytes = msgpack::encode(&bare, bare.ty()).unwrap();
    let ty: Json = serde_json::from_str(&bare.ty().to_json()).unwrap();
    let marks: Vec<Json> = marked
        .iter()
        .map(|(path, marks)| {
            let steps: Vec<Json> = path.steps().iter().map(step).collect();
            let names: Vec<&str> =
                marks.iter().map(|mark| if *mark == Mark::Sensitive { "sensitive" } else { "ephemeral" }).collect();
            json!({"path": steps, "marks": names})
        })
        .collect();
    json!({"type": ty, "msgpack": hex(&bytes), "marks": marks})
}

fn step(step: &PathStep) -> Json {
    match step {
        PathStep::GetAttr(name) => json!({"attribute": name}),
        PathStep::Index(key) => match key.as_str() {
            Some(key) => json!({"key": key}),
            None => json!({"index": key.as_number().unwrap().to_i64().unwrap()}),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_json(json: &Json) -> Value {
    let ty = Type::from_json(json["type"].to_string()).unwrap();
    let text = json["msgpack"].as_str().unwrap();
    let bytes: Vec<u8> =
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
    let bare = msgpack::decode(&bytes, &ty).unwrap_or_else(|error| panic!("{error}: {json}"));
    let marked: Vec<(Path, Marks)> = json["marks"].as_array().into_iter().flatten().map(marks).collect();
    bare.mark_with_paths(&marked)
}

fn marks(json: &Json) -> (Path, Marks) {
    let mut path = Path::new();
    for step in json["path"].as_array().unwrap() {
        path = match (step["attribute"].as_str(), step["key"].as_str()) {
            (Some(name), _) => path.attr(name),
            (None, Some(key)) => path.index(Value::string(key)),
            (None, None) => path.index(Value::from(step["index"].as_u64().unwrap())),
        };
    }
    let mark = |name: &Json| match name.as_str().unwrap() {
        "sensitive" => Mark::Sensitive,
        "ephemeral" => Mark::Ephemeral,
        other => Mark::Named(Arc::from(other)),
    };
    (path, json["marks"].as_array().unwrap().iter().map(mark).collect())
}

/// Says how a value of ours differs from the oracle's; nothing where it does not, or only knows less.
pub(crate) fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    // On its way from the oracle zero loses its sign, and so its place in a set.
    difference_as_is(ours, theirs).filter(|_| difference_as_is(&from_json(&to_json(ours)), theirs).is_some())
}

fn difference_as_is(ours: &Value, theirs: &Value) -> Option<String> {
    if ours.ty() != theirs.ty() {
        return Some(format!("the type is {}, not {}", ours.ty(), theirs.ty()));
    }
    if ours.marks() != theirs.marks() {
        return Some(format!("the marks are {:?}, not {:?}", ours.marks(), theirs.marks()));
    }
    if ours.is_known() != theirs.is_known() || ours.is_null() != theirs.is_null() || ours.len() != theirs.len() {
        return Some("one is unknown, null or longer".to_owned());
    }
    if !ours.is_known() {
        let nothing = Refinements::new();
        let (ours, theirs) = (ours.refinements().unwrap_or(&nothing), theirs.refinements().unwrap_or(&nothing));
        return (!is_weaker(ours, theirs)).then(|| format!("known is {ours:?}, not {theirs:?}"));
    }
    if let (Some(ours), Some(theirs)) = (ours.as_number(), theirs.as_number()) {
        // What is no whole number is told by the oracle with as many digits as Go thinks it needs.
        let rounded = |number: &cty::Number| number.to_string().parse::<f64>().unwrap();
        let is_same = ours == theirs || ours.to_i64().is_none() && rounded(ours).to_bits() == rounded(theirs).to_bits();
        return (!is_same).then(|| "the numbers differ".to_owned());
    }
    let primitive =
        (ours.as_str(), ours.as_bool(), ours.as_number()) == (theirs.as_str(), theirs.as_bool(), theirs.as_number());
    if !primitive {
        return Some("the values differ".to_owned());
    }
    let elements = ours.elements().zip(theirs.elements()).find_map(|(ours, theirs)| difference_as_is(ours, theirs));
    elements.or_else(|| {
        ours.entries().zip(theirs.entries()).find_map(|((our_key, ours), (their_key, theirs))| {
            if our_key == their_key { difference_as_is(ours, theirs) } else { Some("the keys differ".to_owned()) }
        })
    })
}

/// Tells whether what is known of a value of ours leaves room for the oracle's.
pub(crate) fn may_be(ours: &Value, theirs: &Value) -> bool {
    if !ours.is_known() {
        return theirs.ty().conforms_to(ours.ty()) && (!ours.is_definitely_not_null() || !theirs.is_null());
    }
    theirs.is_known()
        && ours.is_null() == theirs.is_null()
        && ours.len() == theirs.len()
        && ours.as_str() == theirs.as_str()
        && ours.as_bool() == theirs.as_bool()
        && ours.as_number() == theirs.as_number()
        && ours.elements().zip(theirs.elements()).all(|(ours, theirs)| may_be(ours, theirs))
        && ours.entries().zip(theirs.entries()).all(|((a, ours), (b, theirs))| a == b && may_be(ours, theirs))
}

fn is_weaker(ours: &Refinements, theirs: &Refinements) -> bool {
    let lower = ours.lower().is_none_or(|ours| {
        theirs.lower().is_some_and(|theirs| {
            ours.number.compare(&theirs.number).is_lt()
                || (ours.number == theirs.number && (ours.inclusive || !theirs.inclusive))
        })
    });
    let upper = ours.upper().is_none_or(|ours| {
        theirs.upper().is_some_and(|theirs| {
            ours.number.compare(&theirs.number).is_gt()
                || (ours.number == theirs.number && (ours.inclusive || !theirs.inclusive))
        })
    });
    let most = ours.max_length().is_none_or(|ours| theirs.max_length().is_some_and(|theirs| ours >= theirs));
    (theirs.is_not_null() || !ours.is_not_null())
        && theirs.prefix().starts_with(ours.prefix())
        && lower
        && upper
        && ours.min_length() <= theirs.min_length()
        && most
}
