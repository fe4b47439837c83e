//! Alignment: which element of one collection is the same one as which of another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cty::{Type, Value};
use model::{Attribute, Block};

use super::is_runtime;
use crate::compare::canonical::{canonical, is_blank};

/// Gaps larger than this (one side's length times the other's) are compared position by position.
const MAX_GAP: usize = 1 << 20;

/// The same for what is left of two sets: beyond, elements are equal or come and go.
const MAX_PAIRS: usize = 1 << 16;

/// Words that end the names of attributes by which people tell elements of a set apart.
const IDENTIFYING: &[&str] = &[
    "address", "arn", "block", "device", "domain", "host", "id", "index", "key", "name", "no", "number", "path",
    "port", "priority", "protocol", "type", "zone",
];

/// Longer texts name nothing that people would recognize.
const MAX_NAME: usize = 64;

/// What an element consists of, as far as a schema says.
#[derive(Clone, Copy)]
pub(super) enum Shape<'a> {
    /// Nothing more than its type.
    Plain,
    /// The attributes of a nested attribute.
    Attributes(&'a BTreeMap<String, Attribute>),
    /// A nested block.
    Block(&'a Block),
}

impl<'a> Shape<'a> {
    fn attribute(self, name: &str) -> Option<&'a Attribute> {
        match self {
            Self::Plain => None,
            Self::Attributes(attributes) => attributes.get(name),
            Self::Block(block) => block.attributes.get(name),
        }
    }

    /// Tells whether a value of this shape may hold something that must not be shown.
    pub(super) fn is_sensitive(self) -> bool {
        match self {
            Self::Plain => false,
            Self::Attributes(attributes) => attributes.values().any(holds_sensitive),
            Self::Block(block) => {
                block.attributes.values().any(holds_sensitive)
                    || block.blocks.values().any(|nested| Self::Block(&nested.block).is_sensitive())
            }
        }
    }

    /// Tells whether the provider alone sets everything in it.
    pub(super) fn is_runtime(self) -> bool {
        match self {
            Self::Plain => false,
            Self::Attributes(attributes) => !attributes.is_empty() && attributes.values().all(is_runtime),
            Self::Block(block) => {
                !(block.attributes.is_empty() && block.blocks.is_empty())
                    && block.attributes.values().all(is_runtime)
                    && block.blocks.values().all(|nested| Self::Block(&nested.block).is_runtime())
            }
        }
    }
}

fn holds_sensitive(attribute: &Attribute) -> bool {
    attribute.sensitive
        || match &attribute.ty {
            model::AttributeType::Plain(_) => false,
            model::AttributeType::Nested(nested) => Shape::Attributes(&nested.attributes).is_sensitive(),
        }
}

/// Writes an element so that equal meanings are equal text.
pub(super) fn text(element: &Value) -> String {
    canonical(element, Some(element.ty()))
}

/// Pairs two sequences in order; what only one side has stands alone. Equal lengths are paired by position.
pub(super) fn lists(a: &[Value], b: &[Value]) -> Vec<(Option<usize>, Option<usize>)> {
    if a.len() == b.len() {
        return (0..a.len()).map(|position| (Some(position), Some(position))).collect();
    }
    let a: Vec<String> = a.iter().map(text).collect();
    let b: Vec<String> = b.iter().map(text).collect();
    let n_before = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let n_after = a[n_before..].iter().rev().zip(b[n_before..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (end_a, end_b) = (a.len() - n_after, b.len() - n_after);
    let mut pairs: Vec<_> = (0..n_before).map(|position| (Some(position), Some(position))).collect();
    let matches = common(&a[n_before..end_a], &b[n_before..end_b]);
    let matches = matches.into_iter().map(|(i, j)| (i + n_before, j + n_before));
    let (mut from_a, mut from_b) = (n_before, n_before);
    for (to_a, to_b) in matches.chain([(end_a, end_b)]) {
        let n_changed = (to_a - from_a).min(to_b - from_b);
        pairs.extend((0..n_changed).map(|offset| (Some(from_a + offset), Some(from_b + offset))));
        pairs.extend((from_a + n_changed..to_a).map(|position| (Some(position), None)));
        pairs.extend((from_b + n_changed..to_b).map(|position| (None, Some(position))));
        if (to_a, to_b) != (end_a, end_b) {
            pairs.push((Some(to_a), Some(to_b)));
        }
        (from_a, from_b) = (to_a + 1, to_b + 1);
    }
    pairs.extend((0..n_after).map(|offset| (Some(end_a + offset), Some(end_b + offset))));
    pairs
}

/// Finds a longest common subsequence, as pairs of positions.
fn common(a: &[String], b: &[String]) -> Vec<(usize, usize)> {
    if a.len().saturating_mul(b.len()) > MAX_GAP {
        return Vec::new();
    }
    let width = b.len() + 1;
    let mut lengths = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i * width + j] = if a[i] == b[j] {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Pairs two sets: equal elements first, then those that are the same one changed.
pub(super) fn sets(a: &[Value], b: &[Value], shape: Shape<'_>) -> Vec<(Option<usize>, Option<usize>)> {
    let mut by_text: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (position, element) in b.iter().enumerate() {
        by_text.entry(text(element)).or_default().push_back(position);
    }
    let mut pairs = Vec::with_capacity(a.len());
    let mut left_a = Vec::new();
    for (position, element) in a.iter().enumerate() {
        match by_text.get_mut(&text(element)).and_then(VecDeque::pop_front) {
            Some(other) => pairs.push((Some(position), Some(other))),
            None => left_a.push(position),
        }
    }
    let mut left_b: BTreeSet<usize> = by_text.into_values().flatten().collect();
    if left_a.len().saturating_mul(left_b.len()) <= MAX_PAIRS {
        let mut candidates: Vec<(usize, usize, usize)> = Vec::new();
        for i in &left_a {
            for j in &left_b {
                if let Some(score) = likeness(&a[*i], &b[*j], shape) {
                    candidates.push((score, *i, *j));
                }
            }
        }
        candidates.sort_by_key(|(score, i, j)| (std::cmp::Reverse(*score), *i, *j));
        let mut taken = BTreeSet::new();
        for (_, i, j) in candidates {
            if !taken.contains(&i) && left_b.remove(&j) {
                taken.insert(i);
                pairs.push((Some(i), Some(j)));
            }
        }
        left_a.retain(|position| !taken.contains(position));
    }
    pairs.extend(left_a.into_iter().map(|position| (Some(position), None)));
    pairs.extend(left_b.into_iter().map(|position| (None, Some(position))));
    pairs
}

/// Tells whether two elements are the same one changed, and how alike they are.
///
/// They are where nothing that identifies them differs and at least half of it is in both: the provider may have grown
/// the rest. Where nothing identifies them, all that is no collection must be equal.
fn likeness(a: &Value, b: &Value, shape: Shape<'_>) -> Option<usize> {
    let (own, other) = (texts(a, shape), texts(b, shape));
    let names: BTreeSet<&str> = own.keys().chain(other.keys()).copied().collect();
    let is_equal = |name: &&&str| own.contains_key(**name) && own.get(**name) == other.get(**name);
    let identifying: Vec<&&str> = names.iter().filter(|name| is_identifying(name)).collect();
    let n_equal = identifying.iter().copied().filter(is_equal).count();
    let is_same = if identifying.is_empty() {
        let has_nested = || a.entries().any(|(_, value)| is_collection(value.ty()));
        names.iter().all(|name| is_equal(&name)) && (!names.is_empty() || has_nested())
    } else {
        let n_shared = identifying.iter().filter(|name| own.contains_key(**name) && other.contains_key(**name)).count();
        n_equal == n_shared && n_equal * 2 >= identifying.len()
    };
    is_same.then(|| {
        let n_collections = a
            .entries()
            .zip(b.entries())
            .filter(|((name, a), (other, b))| name == other && is_collection(a.ty()) && text(a) == text(b))
            .count();
        names.iter().filter(is_equal).count() + n_collections
    })
}

fn texts<'v>(element: &'v Value, shape: Shape<'_>) -> BTreeMap<&'v str, String> {
    scalars(element, shape).into_iter().map(|(name, value)| (name, text(value))).collect()
}

/// Names elements of a set, each by as little as tells them apart: what identifies elements, short scalars, all
/// scalars, what did not change, or all of it. `None` where what there is to name an element by must not be shown.
pub(super) fn names(elements: &[[Option<&Value>; 2]], shape: Shape<'_>) -> Vec<Option<Value>> {
    let is_short = |value: &Value| value.as_str().is_none_or(|text| text.len() <= MAX_NAME);
    let levels: [&dyn Fn(&str, &Value) -> bool; 3] =
        [&|name, value| is_identifying(name) && is_short(value), &|_, value| is_short(value), &|_, _| true];
    for level in levels {
        let names: Vec<Option<Value>> = elements.iter().map(|sides| scalar_name(*sides, shape, level)).collect();
        if are_distinct(&names) {
            return names;
        }
    }
    let by_what_stayed: Vec<Option<Value>> = elements.iter().map(|sides| unchanged_name(*sides, shape)).collect();
    if are_distinct(&by_what_stayed) {
        return by_what_stayed;
    }
    let whole = |[state, cloud]: &[Option<&Value>; 2]| {
        let element = cloud.or(*state)?;
        (!shape.is_sensitive() && !element.contains_marked() && element.is_wholly_known()).then(|| element.clone())
    };
    elements.iter().map(whole).collect()
}

fn are_distinct(names: &[Option<Value>]) -> bool {
    let texts: BTreeSet<String> = names.iter().flatten().map(Value::to_string).collect();
    texts.len() == names.len()
}

/// Names an element by scalars that both sides share.
fn scalar_name(
    [state, cloud]: [Option<&Value>; 2],
    shape: Shape<'_>,
    is_wanted: &dyn Fn(&str, &Value) -> bool,
) -> Option<Value> {
    let element = cloud.or(state)?;
    if element.contains_marked() {
        return None;
    }
    if element.ty().as_object().is_none() {
        return Some(element.clone()).filter(Value::is_wholly_known);
    }
    let other = state.map(|state| scalars(state, shape));
    let is_shared = |name: &str, value: &Value| {
        let in_other =
            |other: &Vec<(&str, &Value)>| other.iter().any(|(own, state)| *own == name && text(state) == text(value));
        other.as_ref().is_none_or(in_other)
    };
    let named: BTreeMap<String, Value> = scalars(element, shape)
        .into_iter()
        .filter(|(name, value)| is_wanted(name, value) && is_shared(name, value))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    (!named.is_empty()).then(|| Value::object(named))
}

/// Names an element by everything in it that both sides share.
fn unchanged_name([state, cloud]: [Option<&Value>; 2], shape: Shape<'_>) -> Option<Value> {
    let (state, cloud) = (state?, cloud?);
    if shape.is_sensitive() || cloud.contains_marked() {
        return None;
    }
    let named: BTreeMap<String, Value> = cloud
        .entries()
        .zip(state.entries())
        .filter(|((name, cloud), (other, state))| {
            name == other && cloud.is_wholly_known() && !is_default(cloud) && text(cloud) == text(state)
        })
        .map(|((name, value), _)| (name.to_owned(), value.clone()))
        .collect();
    (!named.is_empty()).then(|| Value::object(named))
}

/// Lists the scalars of an element that somebody set and that may be shown: no defaults, nothing computed.
fn scalars<'v>(element: &'v Value, shape: Shape<'_>) -> Vec<(&'v str, &'v Value)> {
    let is_shown = |name: &str| {
        shape.attribute(name).is_none_or(|attribute| !attribute.sensitive && !is_runtime(attribute))
            && !matches!(shape, Shape::Block(block) if block.blocks.contains_key(name))
    };
    element
        .entries()
        .filter(|(name, value)| is_shown(name) && !is_collection(value.ty()) && value.is_known() && !is_default(value))
        .collect()
}

fn is_identifying(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    IDENTIFYING.contains(&last)
}

/// Tells whether a value is not one but several.
pub(super) fn is_collection(ty: &Type) -> bool {
    !matches!(ty, Type::String | Type::Number | Type::Bool | Type::Dynamic)
}

/// Tells whether a value is what a provider puts where nobody set anything: blank, zero, false, or made of such.
pub(super) fn is_default(value: &Value) -> bool {
    value.is_known()
        && (is_blank(value)
            || value.as_bool() == Some(false)
            || value.as_number().is_some_and(cty::Number::is_zero)
            || is_collection(value.ty())
                && value.elements().all(is_default)
                && value.entries().all(|(_, value)| is_default(value)))
}
