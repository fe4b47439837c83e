//! What `driftmgr.yaml` says of how much findings matter.

use std::path::{Path, PathBuf};

use ::drift::{Pattern, SeverityRule, SeverityRules};
use model::{FindingSeverity, Kind, Tier};
use serde_saphyr::Spanned;

use crate::drift::DriftRequest;
use crate::settings::{CODE, FILE_NAME, MAX_BYTES, TOP_KEYS, VERSION};
use crate::yaml::{Entries, Node, YamlReader, find};
use crate::{Error, Session};

const RULE_KEYS: &[&str] = &["kind", "tier", "type", "address", "severity", "reason"];
/// So many folders are looked into, from the root module upwards.
const MAX_FOLDERS: usize = 32;

/// Reads the rules that are nearest to the root module: beside it, or in a folder above it in its repository.
///
/// # Errors
/// Where the file or a rule has a mistake: how much what is found matters is not known then.
pub(crate) fn read(session: &Session, request: &DriftRequest) -> Result<SeverityRules, Error> {
    let operation = "read the severity rules";
    let folder = request.states.dir.as_deref().map_or(session.current_dir.clone(), |dir| session.path(dir));
    for folder in folders(&folder) {
        let path = folder.join(FILE_NAME);
        let text = session
            .read_trusted(&path, MAX_BYTES)
            .map_err(|reason| Error::usage(operation, format!("{} cannot be read: {reason}.", path.display())))?;
        let Some(text) = text else { continue };
        let mut reader = YamlReader::new(&path.to_string_lossy(), CODE);
        let rules = rules(&mut reader, &text);
        if !reader.diagnostics.is_empty() {
            let detail = format!("{} has mistakes.", path.display());
            return Err(Error::usage(operation, detail).with_diagnostics(reader.diagnostics));
        }
        if let Some(rules) = rules {
            return Ok(rules);
        }
    }
    Ok(SeverityRules::default())
}

/// Lists a folder and those above it, up to the topmost one of its repository; where it lies in none, it stands alone.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let above: Vec<PathBuf> = folder.ancestors().take(MAX_FOLDERS).map(Path::to_owned).collect();
    let n_inside = above.iter().position(|folder| folder.join(".git").exists()).map_or(1, |top| top + 1);
    above.into_iter().take(n_inside).collect()
}

/// Reads the rules of a file; `None` where it has none.
fn rules(reader: &mut YamlReader, text: &str) -> Option<SeverityRules> {
    if text.trim().is_empty() {
        return None;
    }
    let document = reader.document(text, 0)?;
    let Node::Map(entries) = &document.value else { return None };
    // Whoever reads the other parts of the file says what is wrong with them.
    let written = find(entries, "severity")?;
    reader.versioned(&document, TOP_KEYS, VERSION)?;
    let Node::List(rules) = &written.value else {
        reader.error("`severity` must be a list", "Each rule is an element of the list.", &written.referenced);
        return None;
    };
    Some(SeverityRules(rules.iter().filter_map(|rule| self::rule(reader, rule)).collect()))
}

fn rule(reader: &mut YamlReader, node: &Spanned<Node>) -> Option<SeverityRule> {
    let entries = reader.mapping(node, RULE_KEYS)?;
    let patterns = |texts: Vec<String>| texts.iter().map(|text| Pattern::new(text)).collect();
    let kinds = words(reader, entries, "kind", Kind::ALL, Kind::from_word, Kind::as_str);
    let tiers = words(reader, entries, "tier", Tier::ALL, Tier::from_word, Tier::as_str);
    let severities =
        words(reader, entries, "severity", FindingSeverity::ALL, FindingSeverity::from_word, FindingSeverity::as_str);
    let (types, addresses) = (patterns(reader.texts("type", entries)), patterns(reader.texts("address", entries)));
    match *severities.as_slice() {
        [severity] => Some(SeverityRule { kinds, tiers, types, addresses, severity }),
        _ => {
            if reader.diagnostics.is_empty() {
                let detail = "Say in `severity` how much it matters: info, low, medium or high.";
                reader.error("A rule without a severity", detail, &node.referenced);
            }
            None
        }
    }
}

/// Reads the words of a key, and notes those that mean nothing.
fn words<T: Copy>(
    reader: &mut YamlReader,
    entries: Entries<'_>,
    key: &str,
    all: &[T],
    from_word: fn(&str) -> Option<T>,
    as_str: fn(T) -> &'static str,
) -> Vec<T> {
    let mut known = Vec::new();
    for text in reader.texts(key, entries) {
        match (from_word(&text), find(entries, key)) {
            (Some(word), _) => known.push(word),
            (None, Some(place)) => {
                let words: Vec<&str> = all.iter().map(|word| as_str(*word)).collect();
                let detail = format!("{text:?} is none of {}.", words.join(", "));
                reader.error(&format!("Unknown word in `{key}`"), detail, &place.referenced);
            }
            (None, None) => {}
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<SeverityRules>, String> {
        let mut reader = YamlReader::new(FILE_NAME, CODE);
        let rules = rules(&mut reader, text);
        let problems: Vec<String> = reader.diagnostics.iter().map(ToString::to_string).collect();
        if problems.is_empty() { Ok(rules) } else { Err(problems.join("\n")) }
    }

    #[test]
    fn rules_are_read() {
        let rules = read(
            "version: 1\nseverity:\n  - kind: [pending_destroy, missing]\n    type: aws_db_*\n    severity: high\n    reason: data\n  - \
             address: module.sandbox.*\n    tier: declared\n    severity: info\n",
        );
        let rules = rules.expect("it is right").expect("there are rules").0;
        assert_eq!(rules.len(), 2);
        assert_eq!(
            (rules[0].kinds.as_slice(), rules[0].severity),
            ([Kind::PendingDestroy, Kind::Missing].as_slice(), FindingSeverity::High)
        );
        assert_eq!(
            (rules[1].tiers.as_slice(), rules[1].severity),
            ([Tier::Declared].as_slice(), FindingSeverity::Info)
        );
        assert_eq!(read("version: 1\nproviders: []\n"), Ok(None));
        // What is wrong elsewhere is said by who reads it.
        assert_eq!(read("version: 9\nrotos: []\n"), Ok(None));
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let says = |text: &str, says: &str| {
            let problem = read(text).expect_err("it is wrong");
            assert!(problem.contains(says), "{problem}");
        };
        says("version: 1\nseverity: high\n", "`severity` must be a list");
        says("version: 1\nseverity:\n  - kind: mising\n    severity: high\n", "\"mising\" is none of changed, missing");
        says("version: 1\nseverity:\n  - kind: missing\n", "A rule without a severity");
        says("version: 1\nseverity:\n  - severity: [high, low]\n", "A rule without a severity");
        says("version: 1\nseverity:\n  - severity: hgih\n", "\"hgih\" is none of info, low, medium, high");
        says("version: 1\nseverity:\n  - severity: high\n    addres: a\n", "\"addres\" is none of");
        says("version: 1\nseverity:\n  - 7\n", "Not a mapping");
        says("version: 2\nseverity: []\n", "Unknown version");
    }
}
