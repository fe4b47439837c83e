//! Building schemas, and the arguments that every data source takes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cty::Type;
use model::{Attribute, AttributeType, Block, Diagnostics, Schema};

use crate::arguments::Arguments;

pub(crate) static BOOL: LazyLock<Type> = LazyLock::new(|| Type::Bool);
pub(crate) static NUMBER: LazyLock<Type> = LazyLock::new(|| Type::Number);
pub(crate) static STRING: LazyLock<Type> = LazyLock::new(|| Type::String);
pub(crate) static STRINGS: LazyLock<Type> = LazyLock::new(|| Type::list(Type::String));

/// How many objects one answer holds where nothing else is said.
pub(crate) const DEFAULT_LIMIT: u32 = 1_000;
/// How many objects one answer may hold: terraform takes 2 s for 10,000 objects and 12 s for 50,000.
pub(crate) const MAX_LIMIT: u32 = 50_000;

fn attribute(ty: &Type, description: &str) -> Attribute {
    Attribute {
        ty: AttributeType::Plain(ty.clone()),
        description: description.to_owned(),
        description_is_markdown: true,
        required: false,
        optional: false,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: false,
        deprecation_message: String::new(),
    }
}

/// An argument that must be given.
pub(crate) fn required(ty: &Type, description: &str) -> Attribute {
    Attribute { required: true, ..attribute(ty, description) }
}

/// An argument that may be given.
pub(crate) fn optional(ty: &Type, description: &str) -> Attribute {
    Attribute { optional: true, ..attribute(ty, description) }
}

/// An attribute of the answer.
pub(crate) fn computed(ty: &Type, description: &str) -> Attribute {
    Attribute { computed: true, ..attribute(ty, description) }
}

pub(crate) fn attributes(entries: impl IntoIterator<Item = (&'static str, Attribute)>) -> BTreeMap<String, Attribute> {
    entries.into_iter().map(|(name, attribute)| (name.to_owned(), attribute)).collect()
}

/// The arguments and attributes by which every answer says how fresh and how complete it is.
pub(crate) fn freshness() -> Vec<(&'static str, Attribute)> {
    vec![
        (
            "max_age",
            optional(
                &STRING,
                "How old the answer may be: `90s`, `15m`, `2h`, `1d`. Without it, what the provider block says.",
            ),
        ),
        (
            "refresh",
            optional(
                &BOOL,
                "Whether the cloud is asked where the store's answer is missing or too old. Without it, what the provider \
                 block says.",
            ),
        ),
        (
            "as_of",
            computed(
                &STRING,
                "The moment of the oldest look that the answer rests on, as RFC 3339; null where a part was never seen completely.",
            ),
        ),
        (
            "complete",
            computed(&BOOL, "Whether everything the question needs was seen. Where it is false, `causes` says why."),
        ),
        ("causes", computed(&STRINGS, "What could not be seen, and why.")),
    ]
}

/// The arguments that say which objects are meant.
pub(crate) fn filters() -> Vec<(&'static str, Attribute)> {
    vec![
        ("types", optional(&STRINGS, "Terraform types (`aws_sqs_queue`) or native types (`aws.sqs.queue`), as globs.")),
        ("accounts", optional(&STRINGS, "Accounts.")),
        ("regions", optional(&STRINGS, "Regions.")),
        ("tags", optional(&STRINGS, "Tags, as `KEY` or `KEY=VALUE`.")),
        ("name", optional(&STRING, "A name, as a glob: `orders-*`.")),
    ]
}

/// The arguments that say which part of a long answer is wanted.
pub(crate) fn paging() -> Vec<(&'static str, Attribute)> {
    vec![
        (
            "limit",
            optional(
                &NUMBER,
                "The most objects to give, 1000 where nothing is said, at most 50000: terraform itself is slow beyond.",
            ),
        ),
        ("offset", optional(&NUMBER, "How many objects to leave out at the start.")),
        ("total", computed(&NUMBER, "How many objects match on all pages together.")),
        ("next_offset", computed(&NUMBER, "The `offset` of the next page; null on the last one.")),
    ]
}

/// Makes the schema of a data source.
pub(crate) fn data_source(description: &str, parts: impl IntoIterator<Item = (&'static str, Attribute)>) -> Schema {
    let block = Block {
        attributes: attributes(parts),
        description: description.to_owned(),
        description_is_markdown: true,
        ..Block::default()
    };
    Schema { version: 0, block }
}

/// Checks the arguments that several data sources have, as far as they are known.
pub(crate) fn check_common(arguments: &Arguments<'_>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.extend(arguments.duration("max_age").err().into_iter().flatten());
    diagnostics.extend(arguments.number("limit", MAX_LIMIT).err().into_iter().flatten());
    diagnostics.extend(arguments.number("offset", u32::MAX).err().into_iter().flatten());
    diagnostics
}
