//! Arguments that exclude and demand each other: what no schema says.

use cty::{Path, Type, Value};
use model::{Block, Diagnostic, Diagnostics, NestingMode};

use crate::shape::{computed, field, named, nested_block, optional, optional_computed, required, text};

/// In whose words a provider refuses a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    OlderSdk,
    Framework,
}

pub(super) fn block() -> Block {
    let text = || named([("at", optional(Type::String))]);
    Block {
        attributes: named([
            ("capacity", optional(Type::Number)),
            ("cidr", optional_computed(Type::String)),
            ("cpu_max", optional(Type::Number)),
            ("cpu_min", optional(Type::Number)),
            ("email", optional(Type::String)),
            ("id", computed(Type::String)),
            ("iops", optional_computed(Type::Number)),
            ("kind", optional(Type::String)),
            ("label", optional_computed(Type::String)),
            ("label_prefix", optional_computed(Type::String)),
            ("name", required(Type::String)),
            ("netmask", optional_computed(Type::Number)),
            ("phone", optional(Type::String)),
            ("source_id", optional_computed(Type::String)),
            ("source_name", optional_computed(Type::String)),
        ]),
        blocks: named([
            ("calendar", nested_block(NestingMode::List, text())),
            ("timer", nested_block(NestingMode::List, text())),
        ]),
        description: "Arguments that exclude and demand each other.".to_owned(),
        ..Block::default()
    }
}

/// Makes a zero of a number that is null: the older SDK reads what is not there so.
pub(super) fn zero_for_null(value: &Value) -> Value {
    if value.ty() == &Type::Number && value.is_null() { Value::number(0_i64) } else { value.clone() }
}

/// Refuses something at a path, which the environment may take away.
pub(super) fn refusal(summary: &str, detail: impl Into<String>, path: Path) -> Diagnostic {
    let diagnostic = Diagnostic::error("refused", summary, detail);
    if std::env::var_os("TORTURE_PATHLESS").is_some() { diagnostic } else { diagnostic.at_path(path) }
}

pub(super) fn validate(config: &Value, dialect: Dialect) -> Diagnostics {
    let speaker = Speaker { config, dialect };
    let mut diagnostics = Vec::new();
    for (name, other) in [("cidr", "netmask"), ("label", "label_prefix"), ("calendar", "timer")] {
        diagnostics.extend(speaker.conflict(name, other));
        diagnostics.extend(speaker.conflict(other, name));
    }
    diagnostics.extend(speaker.exactly_one("source_id", "source_name"));
    diagnostics.extend(speaker.at_least_one("email", "phone"));
    diagnostics.extend(speaker.both("cpu_max", "cpu_min"));
    diagnostics.extend(speaker.both("cpu_min", "cpu_max"));
    diagnostics.extend(speaker.in_range("capacity", 1, 100));
    if speaker.is_set("iops") && text(config, "kind") != Some("fast") {
        // Such rules are code of the provider's own, which names no attribute.
        let detail = "iops can only be set when kind is \"fast\"";
        diagnostics.push(Diagnostic::error("refused", "Invalid configuration", detail));
    }
    diagnostics
}

struct Speaker<'a> {
    config: &'a Value,
    dialect: Dialect,
}

impl Speaker<'_> {
    fn is_set(&self, name: &str) -> bool {
        let value = field(self.config, name).filter(|value| !value.is_null());
        value.is_some_and(|value| !value.is_known() || !value.ty().is_collection() || !value.is_empty())
    }

    fn say(&self, name: &str, older: (&str, String), framework: (&str, String)) -> Diagnostic {
        let (summary, detail) = if self.dialect == Dialect::OlderSdk { older } else { framework };
        refusal(summary, detail, Path::new().attr(name))
    }

    fn conflict(&self, name: &str, other: &str) -> Option<Diagnostic> {
        let older = ("Conflicting configuration arguments", format!("{name:?}: conflicts with {other}"));
        let framework = (
            "Invalid Attribute Combination",
            format!("Attribute {other:?} cannot be specified when {name:?} is specified"),
        );
        (self.is_set(name) && self.is_set(other)).then(|| self.say(name, older, framework))
    }

    fn exactly_one(&self, name: &str, other: &str) -> Option<Diagnostic> {
        let names = format!("{name},{other}");
        let (problem, framework) = match (self.is_set(name), self.is_set(other)) {
            (true, true) => (
                format!("{name:?}: only one of `{names}` can be specified, but `{names}` were specified."),
                format!("2 attributes specified when one (and only one) of [{name},{other}] is required"),
            ),
            (false, false) => (
                format!("{name:?}: one of `{names}` must be specified"),
                format!("No attribute specified when one (and only one) of [{name},{other}] is required"),
            ),
            _ => return None,
        };
        Some(self.say(
            name,
            ("Invalid combination of arguments", problem),
            ("Invalid Attribute Combination", framework),
        ))
    }

    fn at_least_one(&self, name: &str, other: &str) -> Option<Diagnostic> {
        let older = ("Missing required argument", format!("{name:?}: one of `{name},{other}` must be specified"));
        let framework = (
            "Missing Attribute Configuration",
            format!("At least one of these attributes must be configured: [{name},{other}]"),
        );
        (!self.is_set(name) && !self.is_set(other)).then(|| self.say(name, older, framework))
    }

    fn both(&self, name: &str, other: &str) -> Option<Diagnostic> {
        let names = if name < other { format!("{name},{other}") } else { format!("{other},{name}") };
        let older = ("Missing required argument", format!("{name:?}: all of `{names}` must be specified"));
        let framework = (
            "Invalid Attribute Combination",
            format!("Attribute {other:?} must be specified when {name:?} is specified"),
        );
        (self.is_set(name) && !self.is_set(other)).then(|| self.say(name, older, framework))
    }

    fn in_range(&self, name: &str, least: i64, most: i64) -> Option<Diagnostic> {
        let number = field(self.config, name).and_then(Value::as_number)?;
        if number.to_u64().is_some_and(|number| (least..=most).contains(&number.cast_signed())) {
            return None;
        }
        let older = (format!("expected {name} to be in the range ({least} - {most}), got {number}"), String::new());
        let framework = (
            "Invalid Attribute Value",
            format!("Attribute {name} value must be between {least} and {most}, got: {number}"),
        );
        Some(self.say(name, (&older.0, older.1), framework))
    }
}
