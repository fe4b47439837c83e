//! What a person would write: which arguments stay although the plan is clean without them.
//!
//! Nothing here knows a resource type. An argument that the configuration leaves out is, on creation, given a value that
//! the provider knows beforehand, or one that only the cloud will tell. The plan of a creation says which:
//!
//! - the value that the object has: it goes;
//! - another value: it stays, or the object could not be made again;
//! - not known: it stays when it says something a person has chosen, and goes when it is blank, the object's own id or
//!   the account it lives in, an address, a time or a digest that the cloud assigned, a secret that the cloud made, a word
//!   like "default", a copy of another argument, or a name that the provider made of a prefix.
//!
//! What the provider never sets by itself needs no judgement: where it is missing, the plan over the object says so.

use cty::{Type, Value};

use super::Lessons;
use super::arguments::{Arguments, Id};
use super::lessons::{NULL, Sort, digest};

/// What a creation makes of an argument that the configuration leaves out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Created {
    /// The value that the object has.
    Same,
    /// Another value.
    Different,
    /// Nothing, where the object holds something.
    Nothing,
    /// Only the cloud will tell.
    Open,
}

/// Longer values are not recognized again.
const MAX_DIGESTED: usize = 4096;

/// Words that cloud services call what they do when nobody says anything.
const DEFAULTS: &[&str] = &[
    "any",
    "auto",
    "automatic",
    "basic",
    "default",
    "disable",
    "disabled",
    "enable",
    "enabled",
    "false",
    "inactive",
    "active",
    "no",
    "none",
    "normal",
    "off",
    "on",
    "optional",
    "standard",
    "true",
    "unspecified",
    "yes",
];

/// Gives what a value of an argument is recognized by; nothing where it must not be, or is too long.
pub(super) fn digest_of(arguments: &Arguments, id: Id, value: &Value) -> Option<String> {
    let argument = &arguments.all[id];
    let is_long = |value: &Value| value.as_str().is_some_and(|text| text.len() > MAX_DIGESTED) || value.len() > 64;
    (!argument.is_sensitive && value.is_wholly_known() && !is_long(value)).then(|| digest(value))
}

/// Gives what earlier objects taught about a creation without the argument; nothing where they disagree.
pub(super) fn taught(arguments: &Arguments, id: Id, lessons: &Lessons) -> Option<Created> {
    let argument = &arguments.all[id];
    let is_open = lessons.has(Sort::Open, &argument.pattern);
    let is_known = lessons.has(Sort::Created, &argument.pattern);
    match (is_open, is_known) {
        (true, false) => Some(Created::Open),
        (false, true) => {
            let own = digest_of(arguments, id, &argument.value);
            let mut digests = lessons.of(Sort::Created, &argument.pattern);
            let is_same = digests.any(|digest| Some(digest) == own.as_deref());
            let is_nothing = lessons.of(Sort::Created, &argument.pattern).eq([NULL]);
            Some(match () {
                () if is_same => Created::Same,
                () if is_nothing => Created::Nothing,
                () => Created::Different,
            })
        }
        _ => None,
    }
}

/// Tells whether an argument stays, given what a creation makes of it without; nobody may know that yet.
pub(super) fn stays(arguments: &Arguments, id: Id, created: Option<Created>) -> bool {
    let argument = &arguments.all[id];
    match created {
        _ if argument.is_required => true,
        _ if argument.is_deprecated => false,
        Some(Created::Same) => false,
        // Where nothing is said and the plan agrees, zero, false, or a word like "default" says the same.
        Some(Created::Nothing) => argument.is_computed || !(argument.is_blank || is_default_word(&argument.value)),
        Some(Created::Different) => true,
        _ if argument.is_blank => false,
        Some(Created::Open) | None => !argument.is_computed || !is_noise(arguments, id),
    }
}

/// Tells whether a value looks like what nobody chose.
fn is_noise(arguments: &Arguments, id: Id) -> bool {
    let argument = &arguments.all[id];
    // A secret that can be left out was made by the cloud; written, it would have to be handed about.
    if argument.is_sensitive {
        return true;
    }
    let Some(text) = argument.value.as_str() else {
        return is_copy(arguments, id);
    };
    is_default_word(&argument.value)
        || is_own(arguments, id, text)
        || is_assigned(text)
        || has_prefix_twin(arguments, id, text)
}

/// Tells whether a value is a word for what happens when nobody says anything.
fn is_default_word(value: &Value) -> bool {
    value.as_str().is_some_and(|text| DEFAULTS.contains(&text.to_lowercase().as_str()))
}

/// Tells whether a map is another map of the same object, with a longer name: `tags_all`.
fn is_copy(arguments: &Arguments, id: Id) -> bool {
    let argument = &arguments.all[id];
    let Type::Map(_) = argument.value.ty() else { return false };
    arguments.all.iter().any(|other| {
        other.parent == argument.parent
            && argument.pattern.len() > other.pattern.len()
            && argument.pattern.strip_prefix(&other.pattern).is_some_and(|rest| rest.starts_with('_'))
            && other.value.ty() == argument.value.ty()
            && other
                .value
                .entries()
                .all(|(key, value)| argument.value.index(&Value::string(key)).is_ok_and(|same| same == *value))
    })
}

/// Tells whether a text is what the object itself is called by its cloud, or the account that the object lives in.
fn is_own(arguments: &Arguments, id: Id, text: &str) -> bool {
    let name = arguments.all[id].name();
    let is_called = arguments.own_texts().any(|own| own == text);
    let is_id = name == "id" || name == "arn" || name.ends_with("_id") || name.ends_with("_arn");
    // The account stands in the fifth place of every ARN.
    let is_account = || {
        let mut arns = arguments.own_texts().filter(|text| text.starts_with("arn:"));
        text.len() >= 12 && arns.any(|arn| arn.split(':').nth(4) == Some(text))
    };
    (is_called && is_id) || is_account()
}

/// Tells whether a text is an address, a time or a digest: a cloud assigns those far more often than people choose them.
fn is_assigned(text: &str) -> bool {
    let is_digest = matches!(text.len(), 32 | 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_mac = text.len() == 17
        && text.bytes().enumerate().all(|(at, byte)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_hexdigit() });
    is_digest || text.parse::<std::net::IpAddr>().is_ok() || is_mac || text.parse::<jiff::Timestamp>().is_ok()
}

/// Tells whether the provider made a name of a prefix: the prefix is what a person wrote.
fn has_prefix_twin(arguments: &Arguments, id: Id, text: &str) -> bool {
    let argument = &arguments.all[id];
    let twin = format!("{}_prefix", argument.pattern);
    let prefixes = arguments.with_pattern(&twin).iter().filter_map(|twin| arguments.all[*twin].value.as_str());
    prefixes.filter(|prefix| !prefix.is_empty()).any(|prefix| {
        let suffix = text.strip_prefix(prefix).unwrap_or_default();
        suffix.len() >= 20 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
