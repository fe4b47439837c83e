//! What was learned of a resource type, kept per version of its provider.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cty::Value;
use sha2::{Digest as _, Sha256};

use super::arguments::is_zero;

/// So many lessons of one sort are kept of one argument.
const MAX_PER_ARGUMENT: usize = 16;

/// What a value is recognized by that says nothing.
pub(super) const NULL: &str = "null";
/// What lessons about no single argument are about.
pub(super) const CREATION: &str = "creation";

/// What searches learned about one resource type in one version of its provider.
///
/// It is there to save probes. Where lessons are wrong for an object, the search begins again without them: it takes
/// longer, and ends as it would have without, as long as both together stay within `MAX_PROBES`. What contradicts itself,
/// because two objects taught different things, is not used.
///
/// No value is in it: values are compared by a digest, and of secrets not even that is kept.
///
/// ```
/// use drift::adopt::search::Lessons;
///
/// let text = "conflict name_prefix name\njson policy\n";
/// let lessons = Lessons::from_text(text);
/// assert_eq!(lessons.to_text(), text);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lessons {
    /// What kind of lesson, of which argument, and what more there is to say.
    lines: BTreeSet<(Sort, String, String)>,
}

/// What a lesson is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// The argument was left out because it conflicts with another one, which is named.
    Conflict,
    /// A creation without the argument would give it the value with this digest.
    Created,
    /// The provider calls it deprecated.
    Deprecated,
    /// Its changes have to be ignored.
    Ignored,
    /// Its text plans clean when it is spelled as `jsonencode` does.
    Json,
    /// A creation without the argument leaves its value open.
    Open,
    /// Its text does not plan clean with the spelling of `jsonencode`.
    Raw,
    /// No creation can be planned without the arguments that may be left out.
    Refused,
}

impl Sort {
    const ALL: [(Self, &str); 8] = [
        (Self::Conflict, "conflict"),
        (Self::Created, "created"),
        (Self::Deprecated, "deprecated"),
        (Self::Ignored, "ignored"),
        (Self::Json, "json"),
        (Self::Open, "open"),
        (Self::Raw, "raw"),
        (Self::Refused, "refused"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(sort, _)| *sort == self).map_or("", |(_, word)| word)
    }
}

impl Lessons {
    /// Writes the lessons as text, a line each, in a stable order.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (sort, argument, more) in &self.lines {
            let space = if more.is_empty() { "" } else { " " };
            let _ = writeln!(text, "{} {argument}{space}{more}", sort.word());
        }
        text
    }

    /// Reads lessons from text; lines that say nothing to this version are left out.
    pub fn from_text(text: &str) -> Self {
        let mut lessons = Self::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            let sort = words.next().and_then(|word| Sort::ALL.iter().find(|(_, own)| *own == word));
            if let (Some((sort, _)), Some(argument)) = (sort, words.next()) {
                lessons.learn(*sort, argument, words.next().unwrap_or_default());
            }
        }
        lessons
    }

    /// Takes over what others learned of the same type; the order of merges plays no part as long as no argument has
    /// more lessons than are kept.
    pub fn merge(&mut self, others: &Self) {
        for (sort, argument, more) in &others.lines {
            self.learn(*sort, argument, more);
        }
    }

    /// Tells whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn learn(&mut self, sort: Sort, argument: &str, more: &str) {
        if self.of(sort, argument).count() < MAX_PER_ARGUMENT {
            self.lines.insert((sort, argument.to_owned(), more.to_owned()));
        }
    }

    pub(super) fn has(&self, sort: Sort, argument: &str) -> bool {
        self.of(sort, argument).next().is_some()
    }

    /// Gives what more lessons of a sort say of an argument.
    pub(super) fn of(&self, sort: Sort, argument: &str) -> impl Iterator<Item = &str> {
        let from = (sort, argument.to_owned(), String::new());
        let lines = self.lines.range(from.clone()..);
        lines.take_while(move |line| line.0 == from.0 && line.1 == from.1).map(|(_, _, more)| more.as_str())
    }
}

/// Gives what a value is recognized by; what says nothing is all the same.
pub(super) fn digest(value: &Value) -> String {
    if is_zero(value) {
        return NULL.to_owned();
    }
    let bytes = cty::json::encode(value, value.ty()).unwrap_or_default();
    Sha256::digest(bytes).iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
