//! Leaves: the scalars of a value, without defaults, by the names they go by.

use cty::Value;

use crate::compare::canonical::canonical;

/// What a scalar is worth as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// A switch that is on.
    On,
    /// A switch that is off; only where that is the change itself.
    Off,
    /// A number, or a word too short to tell anything.
    Weak,
    /// A text of some length.
    Strong,
}

/// One scalar.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The name of the attribute.
    pub(super) name: String,
    /// The name of the block or object around it.
    pub(super) parent: Option<String>,
    /// The value, in a form equal for equal meanings.
    pub(super) text: String,
    pub(super) weight: Weight,
}

impl Leaf {
    /// The leaf of a switch that was switched off.
    pub(super) fn switched_off(name: &str) -> Self {
        Self { name: name.to_owned(), parent: None, text: String::new(), weight: Weight::Off }
    }
}

/// A text shorter than this is found in too many places.
const MIN_STRONG: usize = 6;

/// Lists the scalars of a value that are no defaults: not null, empty, zero or false.
pub(super) fn leaves(name: &str, parent: Option<&str>, value: &Value, found: &mut Vec<Leaf>) {
    if value.is_null() || !value.is_known() {
        return;
    }
    let mut push = |text: String, weight| {
        found.push(Leaf { name: name.to_owned(), parent: parent.map(str::to_owned), text, weight });
    };
    if let Some(text) = value.as_str() {
        if !text.is_empty() {
            push(canonical(value, None), if text.len() < MIN_STRONG { Weight::Weak } else { Weight::Strong });
        }
    } else if let Some(number) = value.as_number() {
        if !number.is_zero() {
            push(canonical(value, None), Weight::Weak);
        }
    } else if let Some(switch) = value.as_bool() {
        if switch {
            push(canonical(value, None), Weight::On);
        }
    } else {
        for element in value.elements() {
            leaves(name, parent, element, found);
        }
        for (own, value) in value.entries() {
            leaves(own, Some(name).filter(|name| !name.is_empty()), value, found);
        }
    }
}

/// Splits a name into words, in the singular.
pub(super) fn words(name: &str) -> Vec<String> {
    name.split(['_', '-', '.'])
        .filter(|word| !word.is_empty())
        .map(|word| if word.len() > 3 { word.strip_suffix('s').unwrap_or(word) } else { word }.to_lowercase())
        .collect()
}

/// Tells whether two words have one stem.
pub(super) fn is_akin(a: &str, b: &str) -> bool {
    const STEM: usize = 6;
    a == b || a.len() >= STEM && b.len() >= STEM && a.is_char_boundary(STEM) && b.get(..STEM) == a.get(..STEM)
}
