//! What a provider complains about: which arguments, and in which way.

use cty::{Path, PathStep};
use model::{Diagnostic, Severity};

use super::arguments::{Arguments, Id};

/// One complaint of the provider about a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The arguments at its path.
    pub(super) at: Vec<Id>,
    /// The arguments that its text names, others than those.
    pub(super) named: Vec<Id>,
    /// Whether it may ask for an argument that is not set.
    pub(super) is_missing: bool,
    /// Whether it may say that arguments exclude each other.
    pub(super) is_conflict: bool,
    /// The values that it says are possible.
    pub(super) possible: Vec<String>,
    /// What makes it the same complaint when it comes again.
    pub(super) signature: String,
}

/// Words by which providers ask for what is not there.
const MISSING: &[&str] = &[
    "all of",
    "at least",
    "exactly one",
    "insufficient",
    "is empty",
    "is required",
    "are required",
    "missing",
    "must be configured",
    "must be defined",
    "must be provided",
    "must be set",
    "must be specified",
    "must configure",
    "must define",
    "must provide",
    "must set",
    "must specify",
    "need to",
    "needs to",
    "no definition was found",
    "not enough",
    "one and only one",
    "one (and only one)",
    "one of",
    "required argument",
    "required when",
    "required with",
    "requires",
    "cannot be empty",
    "should be set",
    "should be specified",
    "is not set",
];

/// Words by which providers say that arguments exclude each other.
const CONFLICT: &[&str] = &[
    "at most one",
    "can't be",
    "cannot be",
    "cannot both",
    "conflict",
    "exactly one",
    "exclusive",
    "incompatible",
    "may not be",
    "must not be",
    "not allowed",
    "not both",
    "not supported",
    "one and only one",
    "one (and only one)",
    "only be set",
    "only be specified",
    "only one",
    "only valid",
    "only supported",
    "should not",
    "unsupported",
    "can only",
    "not applicable",
    "invalid combination",
    "not permitted",
    "shouldn't",
    "do not",
    "don't",
];

/// Reads the errors among diagnostics.
pub(super) fn of(problems: &[Diagnostic], arguments: &Arguments) -> Vec<Complaint> {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| read(problem, arguments)).collect()
}

fn read(problem: &Diagnostic, arguments: &Arguments) -> Complaint {
    let path = problem.path.clone().unwrap_or_default();
    let mut at = arguments.at(&path);
    let text = format!("{} {}", problem.summary, problem.detail);
    let lower = text.to_lowercase();
    // A path into an object that is not there: what it ends at can be named only.
    let n_names = path.steps().iter().filter(|step| matches!(step, PathStep::GetAttr(_))).count();
    let is_short = at.first().is_some_and(|id| arguments.all[*id].pattern.split('.').count() < n_names);
    let near = at.first().copied();
    let mut named = Vec::new();
    let mut enter = |found: Vec<Id>| {
        for id in found {
            if !at.contains(&id) && !named.contains(&id) {
                named.push(id);
            }
        }
    };
    for word in words(&text) {
        if word.is_quoted || word.text.contains(['_', '.']) {
            enter(arguments.named(&word.names(), near));
        }
    }
    if named.is_empty() && at.is_empty() {
        let mut enter = |found: Vec<Id>| named.extend(found);
        for word in words(&text) {
            enter(arguments.with_pattern(&word.names()).to_vec());
        }
        named.sort_unstable();
        named.dedup();
    }
    if at.is_empty() && named.len() == 1 {
        std::mem::swap(&mut at, &mut named);
    }
    let says = |any: &[&str]| any.iter().any(|words| lower.contains(words));
    let mut signature = format!("{}|", problem.summary);
    for id in at.iter().chain(&named) {
        signature.push_str(&arguments.all[*id].path.to_string());
        signature.push('|');
    }
    if at.is_empty() && named.is_empty() {
        signature.push_str(&problem.detail);
    }
    Complaint {
        is_missing: says(MISSING) || is_short,
        is_conflict: says(CONFLICT),
        possible: possible(&text),
        at,
        named,
        signature,
    }
}

struct Word<'a> {
    text: &'a str,
    is_quoted: bool,
}

impl Word<'_> {
    /// Gives the names of a path in text, without numbers and keys: `a.0.b` and `a[0].b` are `a.b`.
    fn names(&self) -> String {
        let is_name = |part: &&str| part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let parts = self.text.split(['.', '[', ']']).filter(|part| !part.is_empty()).filter(is_name);
        parts.collect::<Vec<_>>().join(".")
    }
}

/// Finds what may be names of arguments in a sentence.
fn words(text: &str) -> Vec<Word<'_>> {
    const LEADING: &[&str] = &["argument", "attribute", "field", "property", "when", "with", "without"];
    const QUOTES: &[char] = &['"', '\'', '`', '[', ','];
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_.-[]".contains(character);
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find(|character: char| character.is_ascii_alphabetic() || character == '_') {
        let start = rest + start;
        let end = text[start..].find(|character| !is_part(character)).map_or(text.len(), |length| start + length);
        let word = text[start..end].trim_end_matches(['.', '-', '[', ']']);
        let before = text[..start].trim_end_matches(' ').chars().next_back();
        let after = text[start + word.len()..].chars().next();
        // Lists in brackets, as in `one of [a,b]`, name arguments too; so does what stands behind some words.
        let is_led = found.last().is_some_and(|last: &Word<'_>| LEADING.contains(&last.text))
            && after.is_none_or(|after| " .,;:".contains(after));
        let is_quoted = is_led
            || before.is_some_and(|before| QUOTES.contains(&before))
                && after.is_some_and(|after| QUOTES.contains(&after) || after == ']');
        if !word.is_empty() {
            found.push(Word { text: word, is_quoted });
        }
        rest = end.max(start + 1);
    }
    found
}

/// Reads the values that a sentence offers: `expected x to be one of ["a" "b"]`, `must be one of: "a", "b"`.
fn possible(text: &str) -> Vec<String> {
    let Some((_, list)) = text.split_once("one of") else { return Vec::new() };
    let list = list.split(", got").next().unwrap_or_default();
    let mut found = Vec::new();
    for (position, part) in list.split('"').enumerate() {
        if position % 2 == 1 && !part.is_empty() {
            found.push(part.to_owned());
        }
    }
    found
}

/// Gives the arguments that warnings call deprecated.
pub(super) fn deprecated(problems: &[Diagnostic], arguments: &Arguments) -> Vec<Id> {
    let says = |problem: &Diagnostic| {
        problem.severity == Severity::Warning && problem.summary.to_lowercase().contains("deprecated")
    };
    let paths = problems.iter().filter(|problem| says(problem)).filter_map(|problem| problem.path.as_ref());
    paths.filter(|path: &&Path| !path.is_empty()).flat_map(|path| arguments.at(path)).collect()
}
