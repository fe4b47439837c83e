//! Why an instance could not be seen: errors and diagnostics of a provider, as causes, without secrets.

use std::collections::BTreeMap;

use cty::Value;
use model::{Attribute, AttributeType, Block, Cause, CauseKind, Diagnostics, NestedBlock, NestingMode, Severity};
use tfplugin::{Error, ErrorKind};

/// So much of a provider's text is kept.
const MAX_TEXT: usize = 2_000;
/// Shorter texts are in every sentence: they identify nothing.
const MIN_SECRET: usize = 4;

/// What providers write where they are asked to slow down, in lower case.
const THROTTLED: &[&str] = &[
    "throttl",
    "rate exceeded",
    "toomanyrequests",
    "too many requests",
    "slowdown",
    "slow down",
    "requestlimitexceeded",
];
/// What providers write where credentials are missing or have expired.
const CREDENTIALS: &[&str] = &[
    "expiredtoken",
    "invalidclienttokenid",
    "no valid credential",
    "unrecognizedclientexception",
    "could not find default credentials",
];
/// What providers write where a permission is missing.
const DENIED: &[&str] = &[
    "accessdenied",
    "access denied",
    "unauthorizedoperation",
    "not authorized to perform",
    "permission_denied",
    "authorizationfailed",
];
/// What providers write where nobody answers.
const UNREACHABLE: &[&str] = &["connection refused", "no such host", "i/o timeout", "network is unreachable"];

/// Texts that must not be shown: the sensitive values of one instance or configuration.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Gathers every text within what is marked sensitive.
    pub(crate) fn of(value: &Value) -> Self {
        let mut secrets = Self::default();
        secrets.add(value);
        secrets
    }

    /// Adds every text within what is marked: as sensitive, or as not to be shown for another reason.
    pub(crate) fn add(&mut self, value: &Value) {
        cty::walk(value, |_, inner| {
            if inner.is_marked() {
                self.add_all(&inner.unmark_deep().0);
                return false;
            }
            true
        });
        self.settle();
    }

    /// Adds every text within what a schema calls sensitive.
    pub(crate) fn add_by_schema(&mut self, value: &Value, block: &Block) {
        self.gather(value, &block.attributes, &block.blocks);
        self.settle();
    }

    fn gather(
        &mut self,
        value: &Value,
        attributes: &BTreeMap<String, Attribute>,
        blocks: &BTreeMap<String, NestedBlock>,
    ) {
        for (name, member) in value.entries() {
            if let Some(attribute) = attributes.get(name) {
                match &attribute.ty {
                    _ if attribute.sensitive => self.add_all(member),
                    AttributeType::Plain(_) => {}
                    AttributeType::Nested(nested) => {
                        for object in objects(member, nested.nesting) {
                            self.gather(object, &nested.attributes, &BTreeMap::new());
                        }
                    }
                }
            } else if let Some(nested) = blocks.get(name) {
                for object in objects(member, nested.nesting) {
                    self.gather(object, &nested.block.attributes, &nested.block.blocks);
                }
            }
        }
    }

    /// A longer secret may hold a shorter one, so the longer ones come first.
    fn settle(&mut self) {
        self.0.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
    }

    fn add_all(&mut self, value: &Value) {
        cty::walk(value, |_, inner| {
            if let Some(text) = inner.as_str() {
                let lines = text.lines().map(str::trim);
                let texts = std::iter::once(text).chain(lines).filter(|text| text.len() >= MIN_SECRET);
                self.0.extend(texts.map(str::to_owned));
            }
            true
        });
    }

    /// Takes the secrets out of a text, and cuts it where it is long.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "(sensitive)");
            }
            // Go quotes what it prints.
            let quoted = format!("{secret:?}");
            let inner = &quoted[1..quoted.len() - 1];
            if inner != secret && text.contains(inner) {
                text = text.replace(inner, "(sensitive)");
            }
        }
        match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Gives the objects within a nested block or attribute.
fn objects(value: &Value, nesting: NestingMode) -> Vec<&Value> {
    match nesting {
        NestingMode::Single | NestingMode::Group => vec![value],
        NestingMode::List | NestingMode::Set => value.elements().collect(),
        NestingMode::Map => value.entries().map(|(_, object)| object).collect(),
    }
}

/// Turns the error diagnostics of an answer into a cause; `None` where there are none.
pub(crate) fn of_diagnostics(operation: &str, diagnostics: &Diagnostics, secrets: &Secrets) -> Option<Cause> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let texts: Vec<String> = errors
        .map(|error| match error.detail.trim() {
            "" => error.summary.clone(),
            detail if detail.starts_with(error.summary.trim_end_matches(['.', ':'])) => detail.to_owned(),
            detail => format!("{}: {detail}", error.summary.trim_end_matches(['.', ':'])),
        })
        .collect();
    if texts.is_empty() {
        return None;
    }
    let text = texts.join("; ");
    Some(Cause::new(
        kind_of(&text),
        format!("The provider answered {operation} with an error: {}", secrets.scrub(&text)),
    ))
}

/// Turns an error of the protocol into a cause.
pub(crate) fn of_error(error: &Error, secrets: &Secrets) -> Cause {
    let kind = match error.kind() {
        ErrorKind::TimedOut => CauseKind::Timeout,
        ErrorKind::Cancelled => CauseKind::Cancelled,
        ErrorKind::UnknownType => CauseKind::UnknownType,
        ErrorKind::Malformed => CauseKind::InvalidReply,
        _ => CauseKind::ProviderFailed,
    };
    Cause::new(kind, secrets.scrub(&error.to_string()))
}

fn kind_of(text: &str) -> CauseKind {
    let text = text.to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if holds(THROTTLED) || has_status(&text, "429") {
        CauseKind::Throttled
    } else if holds(CREDENTIALS) {
        CauseKind::Credentials
    } else if holds(DENIED) || has_status(&text, "403") {
        CauseKind::Denied
    } else if holds(UNREACHABLE) {
        CauseKind::Unreachable
    } else {
        CauseKind::ProviderFailed
    }
}

/// Tells whether a text holds a number as a word of its own.
fn has_status(text: &str, status: &str) -> bool {
    text.match_indices(status).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + status.len()..].chars().next();
        before.is_none_or(|c| matches!(c, ' ' | ':' | '=' | '(' | '\n'))
            && after.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_')
    })
}

#[cfg(test)]
mod tests {
    use model::Diagnostic;

    use super::*;

    #[test]
    fn texts_of_providers_tell_what_to_do() {
        let kind = |text: &str| kind_of(text);
        assert_eq!(
            kind("operation error SQS: GetQueueAttributes, ThrottlingException: Rate exceeded"),
            CauseKind::Throttled
        );
        assert_eq!(kind("api error SlowDown: Please reduce your request rate."), CauseKind::Throttled);
        assert_eq!(kind("https response error StatusCode: 429, RequestID: 1"), CauseKind::Throttled);
        assert_eq!(kind("reading queue q-429-x: it broke"), CauseKind::ProviderFailed);
        assert_eq!(kind("StatusCode: 403, RequestID: x, api error AccessDenied: no"), CauseKind::Denied);
        assert_eq!(kind("googleapi: Error 403: Required permission, forbidden"), CauseKind::Denied);
        assert_eq!(kind("api error ExpiredToken: The token has expired, StatusCode: 403"), CauseKind::Credentials);
        assert_eq!(kind("dial tcp 127.0.0.1:9: connect: connection refused"), CauseKind::Unreachable);
        assert_eq!(kind("something else"), CauseKind::ProviderFailed);
    }

    #[test]
    fn secrets_are_taken_out() {
        let value = Value::object(
            [
                ("name".to_owned(), Value::string("queue")),
                ("password".to_owned(), Value::string("hunter2\n\"second\" line").mark_sensitive()),
                ("short".to_owned(), Value::string("abc").mark_sensitive()),
            ]
            .into(),
        );
        let diagnostics = vec![
            Diagnostic::warning("provider-warning", "Nothing", "hunter2"),
            Diagnostic::error(
                "provider-error",
                "reading queue",
                "abc said hunter2, then \"hunter2\\n\\\"second\\\" line\"",
            ),
        ];
        let cause = of_diagnostics("ReadResource", &diagnostics, &Secrets::of(&value)).expect("an error");
        assert_eq!(
            cause.detail,
            "The provider answered ReadResource with an error: reading queue: abc said (sensitive), then \"(sensitive)\""
        );
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(Secrets::default().scrub(&"é".repeat(10_000)).chars().count(), MAX_TEXT + 1);
    }
}
