//! The small condition language of definitions: it looks, it never runs anything.

use regex::Regex;
use serde_json::Value;

use super::error::DefinitionErrors;
use super::fields::{Fields, string};
use super::node::{Node, NodeValue};
use super::pointer::Pointer;
use super::template::{Subject, Template, scalar_text};

/// A test on an object, its parent or its tags.
#[derive(Clone, Debug)]
pub enum ObjectCondition {
    /// Every one holds.
    All(Vec<ObjectCondition>),
    /// At least one holds.
    Any(Vec<ObjectCondition>),
    /// The inner one does not hold.
    Not(Box<ObjectCondition>),
    /// A value passes a test.
    Test {
        /// Where the values come from.
        operand: Operand,
        /// What must be true of at least one of them.
        test: Test,
    },
}

/// What an [`ObjectCondition::Test`] looks at.
#[derive(Clone, Debug)]
pub enum Operand {
    /// Values in the object.
    Object(Pointer),
    /// Values in the parent object.
    Parent(Pointer),
    /// The tag with this key.
    Tag(String),
    /// The keys of all tags.
    TagKey,
    /// A rendered template; a missing value counts as absent.
    Text(Template),
}

/// What must be true of a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// Present and not null (`true`), or absent (`false`).
    Exists(bool),
    /// Equal, where numbers and booleans compare by their text as well: XML knows only text.
    Equals(Value),
    /// Equal to a rendered template, for example the caller's account.
    EqualsText(Template),
    /// Equal to one of these.
    In(Vec<Value>),
    /// The text matches the regular expression somewhere.
    Matches(Regex),
    /// The text starts so.
    Prefix(String),
    /// The text ends so.
    Suffix(String),
    /// The text contains this.
    Contains(String),
}

/// A condition with the reason it stands for.
#[derive(Clone, Debug)]
pub struct StandingRule {
    /// When the rule applies.
    pub when: ObjectCondition,
    /// Why, as a phrase a report can show.
    pub reason: Template,
    /// Who manages the object instead, for `managed_elsewhere_if`.
    pub by: Option<String>,
}

/// The tags of an object, by key.
pub type Tags = std::collections::BTreeMap<String, String>;

impl ObjectCondition {
    /// Returns true when the condition holds for the object.
    pub fn holds(&self, subject: &Subject<'_>, tags: &Tags) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(subject, tags)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(subject, tags)),
            Self::Not(condition) => !condition.holds(subject, tags),
            Self::Test { operand, test } => test.holds(&operand.values(subject, tags), subject),
        }
    }

    /// Reads a condition: one operand with one test, or `all`, `any`, `not`; a list means `all`.
    pub(crate) fn read(node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        if let NodeValue::List(conditions) = &node.value {
            return Some(Self::All(conditions.iter().filter_map(|node| Self::read(node, errors)).collect()));
        }
        let mut fields = Fields::open(node, "a condition", errors)?;
        let all = fields.get("all").map(|_| fields.list("all"));
        let any = fields.get("any").map(|_| fields.list("any"));
        let not = fields.get("not");
        let mut found = Vec::new();
        let read_all = |nodes: &[Node], errors: &mut DefinitionErrors| {
            nodes.iter().filter_map(|node| Self::read(node, errors)).collect::<Vec<_>>()
        };
        if let Some(nodes) = all {
            found.push(Self::All(read_all(nodes, errors)));
        }
        if let Some(nodes) = any {
            found.push(Self::Any(read_all(nodes, errors)));
        }
        if let Some(node) = not {
            found.extend(Self::read(node, errors).map(|condition| Self::Not(Box::new(condition))));
        }
        let operand = Operand::read(&mut fields, errors);
        let test = Test::read(&mut fields, errors);
        let origin = fields.origin;
        fields.finish(errors);
        match (operand, test) {
            (Some(operand), Some(test)) => found.push(Self::Test { operand, test }),
            (None, None) => {}
            (Some(_), None) => errors.push_with_help(
                origin,
                "the condition says where to look but not what must be true",
                "add one of equals, equals_text, in, matches, prefix, suffix, contains, exists",
            ),
            (None, Some(_)) => errors.push_with_help(
                origin,
                "the condition says what must be true but not of what",
                "add one of at, parent, tag, tag_key, text",
            ),
        }
        if found.len() > 1 {
            errors.push_with_help(
                origin,
                "one condition says several things",
                "put them in a list, or under all or any",
            );
        }
        found.pop()
    }
}

impl Operand {
    fn values(&self, subject: &Subject<'_>, tags: &Tags) -> Vec<Value> {
        match self {
            Self::Object(pointer) => pointer.select(subject.object).into_iter().cloned().collect(),
            Self::Parent(pointer) => {
                subject.parent.map(|parent| pointer.select(parent).into_iter().cloned().collect()).unwrap_or_default()
            }
            Self::Tag(key) => tags.get(key).map(|value| Value::String(value.clone())).into_iter().collect(),
            Self::TagKey => tags.keys().map(|key| Value::String(key.clone())).collect(),
            Self::Text(template) => template.render(subject).ok().map(Value::String).into_iter().collect(),
        }
    }

    fn read(fields: &mut Fields<'_>, errors: &mut DefinitionErrors) -> Option<Self> {
        let at = fields.get("at");
        let parent = fields.get("parent");
        let tag = fields.string("tag", errors);
        let tag_key = fields.flag("tag_key", errors);
        let text = fields.get("text");
        let mut operands = Vec::new();
        operands.extend(at.and_then(|node| read_pointer(node, "at", errors)).map(Self::Object));
        operands.extend(parent.and_then(|node| read_pointer(node, "parent", errors)).map(Self::Parent));
        operands.extend(tag.map(|key| Self::Tag(key.to_owned())));
        operands.extend(tag_key.then_some(Self::TagKey));
        operands.extend(text.and_then(|node| read_template(node, "text", errors)).map(Self::Text));
        if operands.len() > 1 {
            errors.push(fields.origin, "a condition looks at one thing: at, parent, tag, tag_key or text");
        }
        operands.pop()
    }
}

impl Test {
    fn holds(&self, values: &[Value], subject: &Subject<'_>) -> bool {
        let text = |holds: &dyn Fn(&str) -> bool| values.iter().filter_map(scalar_text).any(|text| holds(&text));
        match self {
            Self::Exists(expected) => values.iter().any(|value| !value.is_null()) == *expected,
            Self::Equals(expected) => values.iter().any(|value| equal(value, expected)),
            Self::EqualsText(template) => template.render(subject).is_ok_and(|expected| text(&|text| text == expected)),
            Self::In(expected) => values.iter().any(|value| expected.iter().any(|one| equal(value, one))),
            Self::Matches(regex) => text(&|text| regex.is_match(text)),
            Self::Prefix(prefix) => text(&|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => text(&|text| text.ends_with(suffix.as_str())),
            Self::Contains(part) => text(&|text| text.contains(part.as_str())),
        }
    }

    fn read(fields: &mut Fields<'_>, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut tests = Vec::new();
        tests.extend(fields.get("equals").map(|node| Self::Equals(node.to_json())));
        if let Some(node) = fields.get("equals_text") {
            tests.extend(read_template(node, "equals_text", errors).map(Self::EqualsText));
        }
        let values = fields.list("in");
        if !values.is_empty() {
            tests.push(Self::In(values.iter().map(Node::to_json).collect()));
        }
        if let Some(node) = fields.get("exists") {
            match node.value {
                NodeValue::Bool(expected) => tests.push(Self::Exists(expected)),
                _ => errors.push(&node.origin, format!("`exists` must be true or false, found {}", node.kind())),
            }
        }
        if let Some(node) = fields.get("matches") {
            tests.extend(read_regex(node, errors).map(Self::Matches));
        }
        tests.extend(fields.string("prefix", errors).map(|text| Self::Prefix(text.to_owned())));
        tests.extend(fields.string("suffix", errors).map(|text| Self::Suffix(text.to_owned())));
        tests.extend(fields.string("contains", errors).map(|text| Self::Contains(text.to_owned())));
        if tests.len() > 1 {
            errors.push(fields.origin, "a condition makes one test; put several conditions in a list");
        }
        tests.pop()
    }
}

impl StandingRule {
    /// Reads a rule: `{when: condition, reason: text}`.
    pub(crate) fn read(node: &Node, errors: &mut DefinitionErrors) -> Option<Self> {
        let mut fields = Fields::open(node, "a rule", errors)?;
        let when = fields.required("when", errors).and_then(|node| ObjectCondition::read(node, errors));
        let reason = fields.required("reason", errors).and_then(|node| read_template(node, "reason", errors));
        let by = fields.string("by", errors).map(str::to_owned);
        fields.finish(errors);
        Some(Self { when: when?, reason: reason?, by })
    }
}

fn equal(value: &Value, expected: &Value) -> bool {
    value == expected
        || matches!((scalar_text(value), scalar_text(expected)), (Some(left), Some(right)) if left == right)
}

/// Reads a pointer, reporting a malformed one where it is written.
pub(crate) fn read_pointer(node: &Node, what: &str, errors: &mut DefinitionErrors) -> Option<Pointer> {
    let text = string(node, what, errors)?;
    Pointer::parse(text).map_err(|why| errors.push(&node.origin, why)).ok()
}

/// Reads a template, reporting a malformed one where it is written.
pub(crate) fn read_template(node: &Node, what: &str, errors: &mut DefinitionErrors) -> Option<Template> {
    let text = string(node, what, errors)?;
    Template::parse(text).map_err(|why| errors.push(&node.origin, why)).ok()
}

/// Reads a regular expression, reporting a malformed one where it is written.
pub(crate) fn read_regex(node: &Node, errors: &mut DefinitionErrors) -> Option<Regex> {
    let text = string(node, "matches", errors)?;
    regex::RegexBuilder::new(text)
        .size_limit(1 << 20)
        .build()
        .map_err(|error| errors.push(&node.origin, format!("`{text}` is no regular expression: {error}")))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::definition::template::ScopeValues;

    fn check(condition: &str, expect: bool) {
        let mut errors = DefinitionErrors::default();
        let node = Node::parse("c.yaml", condition).expect("yaml");
        let condition = ObjectCondition::read(&node, &mut errors).expect("condition");
        assert_eq!(errors.errors, []);
        let object = json!({"default": "true", "n": 3, "path": "/aws-service-role/x/", "none": null, "l": [{"v": "a"}, {"v": "b"}]});
        let parent = json!({"groupName": "default"});
        let subject = Subject { object: &object, parent: Some(&parent), scope: &ScopeValues::default() };
        let tags = Tags::from([("aws:cloudformation:stack-name".to_owned(), "s".to_owned())]);
        assert_eq!(condition.holds(&subject, &tags), expect, "{condition:?}");
    }

    #[test]
    fn tests_hold_for_any_reached_value() {
        check("{at: /default, equals: true}", true);
        check("{at: /n, equals: '3'}", true);
        check("{at: /n, in: [1, 3]}", true);
        check("{at: /path, prefix: /aws-service-role/}", true);
        check("{at: /path, matches: '^/x'}", false);
        check("{at: '/l/*/v', equals: b}", true);
        check("{at: /none, exists: true}", false);
        check("{at: /absent, exists: false}", true);
        check("{parent: /groupName, equals: default}", true);
        check("{tag: 'aws:cloudformation:stack-name', exists: true}", true);
        check("{tag_key: true, prefix: 'aws:cloudformation:'}", true);
        check("{text: '{/path}|{/n}', suffix: '|3'}", true);
        check("{text: '{/absent}', exists: false}", true);
        check("{at: /n, equals_text: '{/n}'}", true);
        check("{at: /n, equals_text: '{account}'}", false);
        check("[{at: /n, equals: 3}, {not: {at: /default, equals: true}}]", false);
        check("{any: [{at: /n, equals: 4}, {at: /path, contains: service-role}]}", true);
    }

    #[test]
    fn half_conditions_are_refused() {
        for (text, message) in [
            ("{at: /x}", "says where to look but not what must be true"),
            ("{equals: x}", "says what must be true but not of what"),
            ("{at: /x, tag: y, exists: true}", "looks at one thing"),
            ("{at: /x, prefix: y, suffix: z}", "makes one test"),
            ("{at: /x, equal: y}", "unknown key `equal` in a condition (did you mean `equals`?)"),
            ("{at: /x, matches: '('}", "is no regular expression"),
            ("{at: x, exists: true}", "must start with `/`"),
        ] {
            let mut errors = DefinitionErrors::default();
            ObjectCondition::read(&Node::parse("c.yaml", text).expect("yaml"), &mut errors);
            assert!(errors.to_string().contains(message), "{text}: {errors}");
            assert!(errors.to_string().starts_with("c.yaml:1:"), "{errors}");
        }
    }
}
