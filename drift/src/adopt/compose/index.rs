//! Finds the objects that a text identifies, and the attributes of theirs that say it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use cty::{Path, Type, Value};
use model::{Block, InstanceAddress, ResourceType};

use super::words;

/// Longest text that is taken for what identifies an object, in bytes.
const MAX_VALUE: usize = 1024;
/// Texts that say nothing about which object is meant.
const COMMON: &[&str] = &["all", "any", "default", "disabled", "enabled", "false", "none", "null", "true"];

/// An object that may be referred to.
#[derive(Debug)]
pub(super) struct Owner {
    /// Its address, in the final form.
    pub(super) address: InstanceAddress,
    /// The block it is written in; `None` where it is recorded already.
    pub(super) unit: Option<usize>,
    /// The scopes in which a name of its own means it: its region, and its namespace.
    pub(super) scope: Scope,
}

/// Where a name is unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    provider: Option<String>,
    region: Option<String>,
    namespace: Option<String>,
}

/// An attribute that says a text.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Whose attribute it is.
    pub(super) owner: usize,
    /// The attribute.
    pub(super) path: Path,
    /// Whether the text means this object wherever it stands; else only where an argument's name says so.
    pub(super) is_global: bool,
}

/// What identifies the objects of one module.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The objects.
    pub(super) owners: Vec<Owner>,
    entries: HashMap<String, Vec<Entry>>,
    /// The words of texts that identify an object anywhere, by number.
    words: HashMap<String, usize>,
    /// Steps from a position in such texts to the next, by word; position 0 is the beginning.
    steps: HashMap<(usize, usize), usize>,
    /// The positions at which a text that identifies an object ends.
    ends: BTreeSet<usize>,
}

impl Scope {
    /// Gives the scope of an object.
    pub(super) fn of(provider: Option<&str>, value: &Value) -> Self {
        let region = text_at(value, &Path::new().attr("region"));
        let namespace = text_at(value, &Path::new().attr("metadata").index(0u64).attr("namespace"));
        Self { provider: provider.map(str::to_owned), region, namespace }
    }

    /// Tells whether a name in one scope may mean an object of the other.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let agrees = |one: &Option<String>, other: &Option<String>| one.is_none() || other.is_none() || one == other;
        agrees(&self.region, &other.region)
            && agrees(&self.namespace, &other.namespace)
            && (self.provider == other.provider || self.region.is_some() && other.region.is_some())
    }
}

impl Index {
    /// Adds an object: its attributes that identify it.
    pub(super) fn add(&mut self, owner: Owner, value: &Value, block: Option<&Block>) {
        let found = identifying(owner.address.resource_type(), value, block);
        let number = self.owners.len();
        self.owners.push(owner);
        for (text, path, is_global) in found {
            if is_global {
                self.add_words(&text);
            }
            self.entries.entry(text).or_default().push(Entry { owner: number, path, is_global });
        }
    }

    /// Gives the attributes that say exactly this text.
    pub(super) fn whole(&self, text: &str) -> &[Entry] {
        self.entries.get(text).map_or(&[], Vec::as_slice)
    }

    /// Gives where texts that identify an object stand inside a longer one, as ranges of bytes: of those that begin at
    /// one place the longest; `is_wanted` says which are taken.
    pub(super) fn inside(&self, text: &str, mut is_wanted: impl FnMut(&str) -> bool) -> Vec<std::ops::Range<usize>> {
        let words = words_of(text);
        let mut found = Vec::new();
        let mut first = 0;
        while let Some(start) = words.get(first).map(|range| range.start) {
            let mut position = 0;
            let mut longest = None;
            for (offset, range) in words[first..].iter().enumerate() {
                let Some(word) = self.words.get(&text[range.clone()]) else { break };
                let Some(next) = self.steps.get(&(position, *word)) else { break };
                position = *next;
                if self.ends.contains(&position)
                    && !goes_on(text, range.end)
                    && (start > 0 || range.end < text.len())
                    && is_wanted(&text[start..range.end])
                {
                    longest = Some((offset, range.end));
                }
            }
            match longest {
                Some((offset, end)) => {
                    found.push(start..end);
                    first += offset + 1;
                }
                None => first += 1,
            }
        }
        found
    }

    fn add_words(&mut self, text: &str) {
        let mut position = 0;
        for range in words_of(text) {
            let n_words = self.words.len();
            let word = *self.words.entry(text[range].to_owned()).or_insert(n_words);
            let n_steps = self.steps.len();
            position = *self.steps.entry((position, word)).or_insert(n_steps + 1);
        }
        self.ends.insert(position);
    }
}

/// Gives the words of a text, and every character between two of them.
fn words_of(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut words: Vec<std::ops::Range<usize>> = Vec::new();
    let mut is_in_word = false;
    for (at, c) in text.char_indices() {
        let is_word = is_word(c);
        match words.last_mut() {
            Some(last) if is_word && is_in_word => last.end = at + c.len_utf8(),
            _ => words.push(at..at + c.len_utf8()),
        }
        is_in_word = is_word;
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// Tells whether the name that ends here goes on behind a dot: `logs.example` is another bucket than `logs`.
fn goes_on(text: &str, end: usize) -> bool {
    let mut rest = text[end..].chars();
    rest.next() == Some('.') && rest.next().is_some_and(is_word)
}

/// Gives the texts that identify an object, each with the attribute that says it, and whether it does so anywhere.
fn identifying(resource_type: &ResourceType, value: &Value, block: Option<&Block>) -> Vec<(String, Path, bool)> {
    let schema = |name: &str| block.and_then(|block| block.attributes.get(name));
    let texts = || {
        value.entries().filter_map(|(name, inner)| {
            let is_hidden = schema(name).is_some_and(|attribute| attribute.sensitive || attribute.deprecated);
            let is_text = *inner.ty() == Type::String && inner.is_known() && !inner.is_marked() && !is_hidden;
            inner.as_str().filter(|text| is_text && is_specific(text)).map(|text| (name, text))
        })
    };
    let is_configured = |name: &str| {
        schema(name).is_none_or(|attribute| attribute.required || (attribute.optional && !attribute.computed))
    };
    // What a person calls the object, and what a person said about other objects.
    let is_chosen = |name: &str| match schema(name) {
        Some(attribute) => attribute.required || attribute.optional,
        None => !name.ends_with("_id"),
    };
    let own_names: BTreeSet<&str> = texts()
        .filter(|(name, _)| words::is_name(resource_type, name) && is_chosen(name))
        .map(|(_, text)| text)
        .collect();
    let foreign: BTreeSet<&str> = texts()
        .filter(|(name, _)| block.is_some() && is_configured(name) && !words::is_name(resource_type, name))
        .map(|(_, text)| text)
        .collect();
    let mut found = Vec::new();
    for (name, text) in texts() {
        let is_computed = schema(name).is_some_and(|attribute| !attribute.required && !attribute.optional);
        let is_own = words::is_own(resource_type, name) || (is_computed && is_made(name));
        if !is_own || (foreign.contains(text) && !own_names.contains(text)) {
            continue;
        }
        let is_global = is_global(name, text, own_names.contains(text));
        found.push((text.to_owned(), Path::new().attr(name), is_global));
    }
    let metadata = Path::new().attr("metadata").index(0u64).attr("name");
    if let Some(text) = text_at(value, &metadata).filter(|text| is_specific(text)) {
        found.push((text, metadata, false));
    }
    found
}

/// Tells whether an attribute that only the provider sets names the object, or a part of it that comes with it.
fn is_made(name: &str) -> bool {
    let is_endpoint = ["dns_name", "domain_name", "endpoint", "fqdn", "hostname", "url"]
        .iter()
        .any(|end| name == *end || name.strip_suffix(end).is_some_and(|stem| stem.ends_with('_')));
    let is_variant = ["execution_arn", "invoke_arn", "qualified_arn", "stream_arn", "email"].contains(&name);
    let is_part = ["default_", "main_", "primary_", "principal_", "root_", "unique_"]
        .iter()
        .any(|start| name.starts_with(start) && name.ends_with("_id"));
    is_endpoint || is_variant || is_part || name == "allocation_id"
}

/// Tells whether a text could say which object is meant at all.
fn is_specific(text: &str) -> bool {
    let n_letters = text.chars().filter(char::is_ascii_alphabetic).count();
    (2..=MAX_VALUE).contains(&text.len())
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && (n_letters > 0 || text.len() > 12)
        && !COMMON.contains(&text.to_ascii_lowercase().as_str())
}

/// Tells whether a text means one object wherever it stands.
fn is_global(attribute: &str, text: &str, is_name: bool) -> bool {
    if text.len() < 10 {
        return false;
    }
    if text.starts_with("arn:") && text.split(':').count() >= 6 {
        return true;
    }
    if text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && rest.len() > 4) {
        return true;
    }
    if is_name {
        return false;
    }
    if text.split('/').filter(|part| !part.is_empty()).count() >= 3 {
        return true;
    }
    if is_made(attribute) && text.contains('.') {
        return true;
    }
    // `vpc-0123abcd`, a UUID, `Z0123456789ABC`: what a machine made.
    let tail = text.rsplit_once('-').map_or(text, |(_, tail)| tail);
    let n_digits = tail.chars().filter(char::is_ascii_digit).count();
    let is_hex = tail.len() >= 8 && tail.chars().all(|c| c.is_ascii_hexdigit());
    let is_token = tail.len() >= 10 && tail.chars().all(|c| c.is_ascii_alphanumeric());
    n_digits > 0 && n_digits < tail.len() && (is_hex || (is_token && n_digits > 1)) || is_uuid(text)
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn text_at(value: &Value, path: &Path) -> Option<String> {
    let found = path.apply(value).ok()?;
    if found.is_marked() { None } else { found.as_str().map(str::to_owned) }
}

/// Gives how well an attribute suits an argument, more for better: of several that say the same text the best is taken.
pub(super) fn suits(argument: &str, path: &Path, text: &str, is_global: bool) -> u8 {
    let Some(cty::PathStep::GetAttr(attribute)) = path.steps().last() else { return 0 };
    let argument: Cow<'_, str> = words::singular(argument);
    let last = words::singular(argument.rsplit('_').next().unwrap_or_default()).into_owned();
    match attribute.as_str() {
        "id" if last == "id" => 9,
        _ if *attribute == *argument => 8,
        _ if *attribute == last => 7,
        "arn" if text.starts_with("arn:") => 6,
        "name" if !is_global => 6,
        "id" => 5,
        "self_link" => 4,
        "name" | "url" => 3,
        _ => 1,
    }
}
