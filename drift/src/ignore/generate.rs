//! Entries made of findings: for an ignore file, or as comments in the code.

use jiff::civil::Date;
use model::Finding;

use super::comment::COMMENT_MARKER;
use crate::FailOn;
use crate::baseline::{BaselineSubject, is_about_attributes, is_secret_path, is_secret_subject};

/// Rules for an ignore file, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeneratedRules {
    /// A whole ignore file.
    pub file: String,
    /// The same as comments, each with the address of the block it belongs above.
    pub comments: Vec<(String, String)>,
    /// What no rule can be made for: what it is known by looks like a secret, or it is known by nothing.
    pub n_left_out: usize,
}

/// Makes the rules that ignore just what fails.
pub fn generate(
    findings: &[Finding],
    fail_on: &FailOn,
    reason: &str,
    owner: Option<&str>,
    until: Option<Date>,
) -> GeneratedRules {
    let mut generated = GeneratedRules::default();
    let mut rules = Vec::new();
    for finding in findings.iter().filter(|finding| finding.fails) {
        let Some(subject) = BaselineSubject::of(finding).filter(|_| !is_secret_subject(finding)) else {
            generated.n_left_out += 1;
            continue;
        };
        let is_partial = is_about_attributes(finding);
        let mut differences: Vec<_> = finding.attributes.iter().collect();
        differences.retain(|difference| is_partial && fail_on.fails_at(finding, difference));
        let n_paths = differences.len();
        differences.retain(|difference| !is_secret_path(&difference.path));
        generated.n_left_out += n_paths - differences.len();
        let paths: Vec<String> = differences.iter().map(|difference| difference.path.to_string()).collect();
        if n_paths > 0 && paths.is_empty() {
            continue;
        }
        let mut lines = match &subject {
            BaselineSubject::Instance { address, .. } => vec![format!("address: {}", yaml(&literally(address)))],
            BaselineSubject::Object { object_type, id, .. } => {
                vec![format!("id: {}", yaml(&literally(id))), format!("type: {}", yaml(&literally(object_type)))]
            }
        };
        lines.push(format!("kind: {}", finding.kind));
        if let [path] = paths.as_slice() {
            lines.push(format!("path: {}", yaml(&literally(path))));
        } else if !paths.is_empty() {
            lines.push("path:".to_owned());
            lines.extend(paths.iter().map(|path| format!("  - {}", yaml(&literally(path)))));
        }
        lines.push(format!("reason: {}", yaml(reason)));
        lines.extend(owner.map(|owner| format!("owner: {}", yaml(owner))));
        lines.extend(until.map(|until| format!("expires: {until}")));
        rules.push(format!("  - {}\n", lines.join("\n    ")));
        if let Some(address) = &finding.address {
            let paths: Vec<String> = paths.iter().map(|path| literally(path)).collect();
            let mut comment = format!("# {COMMENT_MARKER} {} {}", finding.kind, paths.join(" "));
            comment.truncate(comment.trim_end().len());
            comment.push_str(&format!(" reason={}", quote(reason)));
            if let Some(owner) = owner {
                comment.push_str(&format!(" owner={}", quote(owner)));
            }
            if let Some(until) = until {
                comment.push_str(&format!(" until={until}"));
            }
            generated.comments.push((address.resource.to_string(), comment));
        }
    }
    let rules = if rules.is_empty() { " []\n".to_owned() } else { format!("\n{}", rules.concat()) };
    generated.file = format!("version: 1\nrules:{rules}");
    generated
}

/// Writes text as a pattern that matches just it.
fn literally(text: &str) -> String {
    let escape = |c: char| matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c]);
    text.chars().flat_map(escape).collect()
}

/// Writes text as a YAML scalar.
fn yaml(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let escape = |c: char| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        };
        return format!("\"{}\"", text.chars().map(escape).collect::<String>());
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes text in quotes, on one line.
fn quote(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}
