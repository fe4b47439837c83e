//! Writing root modules down as a `driftmgr.yaml`.

use std::fmt::Write as _;

use super::RootEntry;
use crate::settings::VERSION;

/// Writes the file. Root modules that differ in the workspace alone become one entry.
pub(super) fn write(roots: &[RootEntry]) -> String {
    let mut text = format!(
        "# Which root modules there are, and how each is run: docs/roots.md explains every key.\nversion: {VERSION}\n"
    );
    if roots.is_empty() {
        text.push_str("roots: []\n");
        return text;
    }
    text.push_str("roots:\n");
    let mut written: Vec<&RootEntry> = Vec::new();
    for root in roots {
        let is_alike = |known: &&RootEntry| known.directory == root.directory && alike(known, root);
        if root.workspace.is_some() && written.iter().any(is_alike) {
            continue;
        }
        let workspaces: Vec<&str> = roots
            .iter()
            .filter(|other| other.directory == root.directory && alike(other, root))
            .filter_map(|other| other.workspace.as_deref())
            .collect();
        entry(&mut text, root, &workspaces);
        written.push(root);
    }
    text
}

/// Tells whether two entries differ in nothing but the workspace.
fn alike(one: &RootEntry, other: &RootEntry) -> bool {
    let rest = |root: &RootEntry| (root.variable_files.clone(), root.states.clone(), base_name(root).to_owned());
    one.workspace.is_some() == other.workspace.is_some() && rest(one) == rest(other)
}

/// Gives the name without the workspace.
fn base_name(root: &RootEntry) -> &str {
    let end = root.workspace.as_ref().map(|workspace| format!("@{workspace}")).unwrap_or_default();
    root.name.strip_suffix(&end).unwrap_or(&root.name)
}

fn entry(text: &mut String, root: &RootEntry, workspaces: &[&str]) {
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("  - path: {} # {}", scalar(&root.directory), root.evidence.replace('\n', " ")));
    if base_name(root) != root.directory {
        line(format!("    name: {}", scalar(base_name(root))));
    }
    let mut list = |key: &str, values: &[&str]| {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
            let _ = writeln!(text, "    {key}: [{}]", values.join(", "));
        }
    };
    let texts = |values: &[String]| -> Vec<String> { values.to_vec() };
    list("workspaces", workspaces);
    for (key, values) in [
        ("variable_files", texts(&root.variable_files)),
        ("states", texts(&root.states)),
        ("profiles", texts(&root.profiles)),
        ("accounts", root.accounts.iter().map(ToString::to_string).collect()),
        ("regions", root.regions.iter().map(ToString::to_string).collect()),
        ("owners", texts(&root.owners)),
    ] {
        list(key, &values.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// Writes a text so that YAML reads it back as that text.
fn scalar(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.')
        && text.chars().any(|c| c.is_ascii_alphabetic() || c == '.')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n" | ".inf" | ".nan"
        );
    if is_plain { text.to_owned() } else { format!("{:?}", JsonText(text)) }
}

/// Shows a text as JSON writes it, which YAML reads the same.
struct JsonText<'a>(&'a str);

impl std::fmt::Debug for JsonText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::Value::from(self.0).to_string())
    }
}
