//! What the names of types and arguments say: which argument names the object itself, and which one another object.
//!
//! Nothing here is about one provider: `queue_name` is about a queue wherever there are queues.

use std::borrow::Cow;

use model::ResourceType;

use super::super::names::{local_type, service};

/// What an argument's name ends with where it names another object.
const SUFFIXES: &[&str] =
    &["_identifiers", "_identifier", "_names", "_name", "_arns", "_arn", "_urls", "_url", "_ids", "_id"];
/// What an object holds rather than what it is called, though its type is named after it: `policy` of a bucket policy.
const CONTENTS: &[&str] =
    &["body", "configuration", "content", "data", "document", "policy", "rule", "schema", "template"];
/// Attributes that are the object's own whatever its type.
const OWN: &[&str] = &["arn", "id", "identifier", "name", "self_link", "title", "uri", "url"];

/// Tells whether an attribute says which object it is, rather than what the object is like or belongs to.
pub(super) fn is_own(resource_type: &ResourceType, attribute: &str) -> bool {
    if OWN.contains(&attribute) {
        return true;
    }
    if CONTENTS.contains(&attribute) {
        return false;
    }
    let local = without_version(local_type(resource_type));
    let stem = stem(attribute);
    // `function_name` of aws_lambda_function, `bucket` of aws_s3_bucket; `key_name` of aws_key_pair.
    !stem.is_empty()
        && (local == stem || ends_with_words(local, &stem) || local.strip_suffix("_pair").is_some_and(|of| of == stem))
}

/// Tells whether an attribute is what people call an object of this type.
pub(super) fn is_name(resource_type: &ResourceType, attribute: &str) -> bool {
    let is_made = ["arn", "id", "self_link", "uri", "url"].contains(&attribute);
    is_own(resource_type, attribute) && !is_made && !attribute.ends_with("_arn") && !attribute.ends_with("_url")
}

/// Tells whether a type extends another one: `aws_s3_bucket_versioning` does `aws_s3_bucket`.
pub(super) fn is_part_of(part: &ResourceType, whole: &ResourceType) -> bool {
    let rest = part.as_str().strip_prefix(whole.as_str());
    rest.is_some_and(|rest| rest.starts_with('_') && !rest.starts_with("_v1") && !rest.starts_with("_v2"))
}

/// Tells whether an argument's name says that it names an object of type `to`.
pub(super) fn names(argument: &str, from: &ResourceType, to: &ResourceType) -> bool {
    let stem = stem(argument);
    if stem.is_empty() || provider(from) != provider(to) {
        return false;
    }
    let local = without_version(local_type(to));
    if *stem == *local || ends_with_words(&stem, local) {
        return true;
    }
    if ends_with_words(local, &stem) && stem.contains('_') {
        return true;
    }
    // One word alone says enough only within a service: `role` of an IAM policy, `group` of a log stream.
    let last = |words: &str| words.rsplit('_').next().unwrap_or_default().to_owned();
    service(from) == service(to) && last(&stem) == last(local)
}

/// Tells whether an argument says nothing about which object it names: `name`, `id`.
pub(super) fn is_silent(argument: &str) -> bool {
    OWN.contains(&argument)
}

/// Gives the part of an argument's name that says what it is about: `security_group` of `source_security_group_ids` is
/// the end of it.
fn stem(argument: &str) -> Cow<'_, str> {
    let stem = SUFFIXES.iter().find_map(|suffix| argument.strip_suffix(suffix));
    match stem {
        Some(stem) => Cow::Borrowed(stem),
        None if OWN.contains(&argument) => Cow::Borrowed(""),
        None if argument == "username" => Cow::Borrowed("user"),
        None => singular(argument),
    }
}

/// Gives the singular of an English noun, near enough.
pub(super) fn singular(word: &str) -> Cow<'_, str> {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return Cow::Owned(format!("{stem}y"));
    }
    let is_plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us");
    Cow::Borrowed(if is_plural { &word[..word.len() - 1] } else { word })
}

fn provider(resource_type: &ResourceType) -> &str {
    resource_type.as_str().split('_').next().unwrap_or_default()
}

/// Gives a type's name without the version of an API behind it: `service_account` of `service_account_v1`.
fn without_version(local: &str) -> &str {
    match local.rsplit_once("_v") {
        Some((stem, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => stem,
        _ => local,
    }
}

fn ends_with_words(whole: &str, end: &str) -> bool {
    whole.strip_suffix(end).is_some_and(|rest| rest.ends_with('_'))
}

/// Tells whether two types are of one provider.
pub(super) fn is_same_provider(one: &ResourceType, other: &ResourceType) -> bool {
    provider(one) == provider(other)
}
