//! From what the engine answers to values of Terraform. Nothing sensitive passes.

use std::collections::BTreeMap;

use cty::{Type, Value};
use jiff::Timestamp;
use model::{Diagnostic, Diagnostics, RemoteObject, ScopeOutcome, ScopeStatus, Standing};
use report::redact::looks_like_credential;
use store::Freshness;

/// What a data source computes, by attribute.
pub(crate) type Computed = Vec<(&'static str, Value)>;

pub(crate) fn text(text: Option<impl Into<String>>) -> Value {
    text.map_or(Value::null(Type::String), |text| Value::string(text))
}

pub(crate) fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    list(&Type::String, texts.into_iter().map(Value::string).collect())
}

pub(crate) fn number(number: u64) -> Value {
    Value::number(number)
}

pub(crate) fn time(time: Option<Timestamp>) -> Value {
    text(time.map(|time| time.to_string()))
}

/// Makes a list whose elements have the type by construction.
pub(crate) fn list(element_type: &Type, elements: Vec<Value>) -> Value {
    Value::list(element_type.clone(), elements).expect("the elements are made of the type's own attributes")
}

pub(crate) fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Makes a map of tags; a value that looks like a credential is null.
pub(crate) fn tags(tags: Option<&BTreeMap<String, String>>) -> Value {
    let Some(tags) = tags else { return Value::null(Type::map(Type::String)) };
    let shown = tags.iter().map(|(key, value)| {
        let value = text((!looks_like_credential(value)).then_some(value.as_str()));
        (key.clone(), value)
    });
    Value::map(Type::String, shown.collect()).expect("every element is a string")
}

/// Gives the type of one field of a remote object.
pub(crate) fn field_type(name: &str) -> Type {
    if matches!(name, "tags" | "identity") { Type::map(Type::String) } else { Type::String }
}

/// The type of one remote object in a list.
pub(crate) fn remote_object_type() -> Type {
    Type::object(REMOTE_OBJECT_FIELDS.map(|(name, _)| (name, field_type(name))))
}

/// The fields of a remote object, with their descriptions.
pub(crate) const REMOTE_OBJECT_FIELDS: [(&str, &str); 12] = [
    ("account", "The account."),
    ("arn", "The cloud-wide name, where it has one."),
    ("cloud", "The cloud: `aws`."),
    ("fetched_at", "When it was seen."),
    ("id", "What `terraform import` takes for it; null where that is not known."),
    ("key", "What identifies it within its account, region and type."),
    ("name", "What people call it."),
    ("native_type", "Its type in the cloud's words: `aws.sqs.queue`."),
    ("region", "The region; null where it is global."),
    ("standing", "`ordinary`, `default` (the account came with it) or the tool or service that manages it."),
    ("tags", "Its tags; null where they were not fetched."),
    ("type", "The Terraform type that manages such objects; null where none is known."),
];

pub(crate) fn remote_object_fields(object: &RemoteObject) -> [(&'static str, Value); 12] {
    let standing = match &object.standing {
        Standing::Ordinary => "ordinary".to_owned(),
        Standing::Default(_) => "default".to_owned(),
        Standing::ManagedElsewhere { by, .. } => by.clone(),
    };
    [
        ("account", Value::string(object.scope.account.as_str())),
        ("arn", text(object.arn.as_deref())),
        ("cloud", Value::string(object.scope.cloud.as_str())),
        ("fetched_at", Value::string(object.fetched_at.to_string())),
        ("id", text(object.import_id.as_ref().map(model::ImportId::as_str))),
        ("key", Value::string(object.key.to_string())),
        ("name", text(object.name.as_deref())),
        ("native_type", Value::string(object.scope.native_type.as_str())),
        ("region", text(object.scope.region.as_ref().map(model::Region::as_str))),
        ("standing", Value::string(standing)),
        ("tags", tags(object.tags.as_ref())),
        ("type", text(object.resource_type.as_ref().map(model::ResourceType::as_str))),
    ]
}

/// Gives the causes of an answer that is not complete, as sentences.
pub(crate) fn causes_of(freshness: &Freshness) -> Vec<String> {
    let seen = freshness.incomplete.iter().flat_map(|record| causes_of_scope(&record.last));
    let never = freshness.never_seen.iter().map(|what| format!("Never looked for: {what}."));
    seen.chain(never).collect()
}

/// Gives the causes of one scope that was not seen completely, as sentences.
pub(crate) fn causes_of_scope(outcome: &ScopeOutcome) -> Vec<String> {
    if outcome.status == ScopeStatus::Complete {
        return Vec::new();
    }
    let scope = &outcome.scope;
    let region = scope.region.as_ref().map_or("global".to_owned(), ToString::to_string);
    let place = format!("{} in account {} ({region})", scope.native_type, scope.account);
    if outcome.causes.is_empty() {
        return vec![format!("{place} was not seen completely.")];
    }
    outcome.causes.iter().map(|cause| format!("{place}: {}", cause.detail)).collect()
}

/// Gives what every answer from the store says about itself.
pub(crate) fn freshness_fields(freshness: &Freshness) -> Computed {
    vec![
        ("as_of", time(freshness.as_of)),
        ("complete", Value::bool(freshness.complete && freshness.never_seen.is_empty())),
        ("causes", texts(causes_of(freshness))),
    ]
}

/// Gives what a page says about the whole.
pub(crate) fn paging_fields(total: u64, offset: u32, n_shown: usize) -> Computed {
    let next = u64::from(offset) + n_shown as u64;
    let next_offset = if next < total && n_shown > 0 { number(next) } else { Value::null(Type::Number) };
    vec![("total", number(total)), ("next_offset", next_offset)]
}

/// Turns an error of the engine into diagnostics.
pub(crate) fn failure(error: &engine::Error) -> Diagnostics {
    let (code, summary) = match error.kind() {
        engine::ErrorKind::Usage => ("usage", "The question cannot be answered as it is asked"),
        engine::ErrorKind::NotFound => ("not-found", "There is no answer young enough"),
        engine::ErrorKind::WrongAccount => ("wrong-account", "The credentials belong to another account"),
        engine::ErrorKind::Unavailable => ("unavailable", "Something needed could not be used"),
        engine::ErrorKind::Cancelled => ("cancelled", "The work was stopped"),
    };
    let mut text = error.to_string();
    // The engine's errors begin with a verb; a diagnostic's detail begins a sentence.
    if let Some(first) = text.get(..1) {
        text = first.to_uppercase() + &text[1..];
    }
    let mut first = Diagnostic::error(code, summary, text);
    for help in error.help() {
        first = first.with_help(help.clone());
    }
    let mut all = vec![first];
    all.extend(error.diagnostics().iter().cloned());
    all
}
