//! SARIF 2.1.0: one result for each attribute that differs, on the argument that sets it, for code scanning.
//!
//! One run for each root module, with a category of its own. Forges take so many runs, results and bytes: what is beyond
//! is counted in a notification of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use drift::fails::{self, Row};
use model::FindingSeverity;
use serde_json::{Value, json};

use super::Style;
use crate::sheet::{Level, Note, RootSheet, Sheet};
use crate::text::{HarmlessJson, count, escape_controls, shorten};

/// Most runs of a file; GitHub refuses more. The last one holds the roots that have none of their own.
pub const MAX_RUNS: usize = 20;
/// Most results of a run: GitHub shows so many and refuses five times that.
pub const MAX_RESULTS: usize = 5_000;
/// Most bytes of results of a file. GitHub takes 10 MB when compressed, which this can never exceed.
pub const MAX_BYTES: usize = 9_000_000;
/// Most columns of a message.
const MAX_MESSAGE: usize = 2_000;
/// The published schema.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Where the findings are explained.
const HELP: &str = "https://github.com/catherinevee/driftmgr/blob/main/docs/findings.md";

/// Writes the log.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let n_alone = if sheet.roots.len() > MAX_RUNS { MAX_RUNS - 1 } else { sheet.roots.len() };
    // The roots keep their order, and so their categories, from one run to the next.
    let mut runs: Vec<Run<'_>> = sheet.roots[..n_alone].iter().map(|root| Run::of(vec![root], root.key())).collect();
    if n_alone < sheet.roots.len() {
        runs.push(Run::of(sheet.roots[n_alone..].iter().collect(), "other-roots".to_owned()));
    }
    if runs.is_empty() {
        runs.push(Run::of(Vec::new(), "no-root".to_owned()));
    }
    fill(&mut runs)?;
    let runs: Vec<Value> = runs.iter().map(run).collect();
    let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": runs });
    serde_json::to_writer_pretty(HarmlessJson::new(out), &log)?;
    out.write_all(b"\n")
}

/// What is told of some roots under one category.
struct Run<'s> {
    roots: Vec<&'s RootSheet>,
    category: String,
    notes: Vec<Note<'s>>,
    rules: BTreeSet<String>,
    results: Vec<Value>,
    n_left_out: u64,
}

impl<'s> Run<'s> {
    fn of(roots: Vec<&'s RootSheet>, category: String) -> Self {
        let mut notes: Vec<Note<'_>> = roots.iter().flat_map(|root| root.notes(true)).collect();
        notes.sort_by_key(|note| (note.level, std::cmp::Reverse(note.severity)));
        let rules = notes.iter().map(Note::rule).collect();
        Self { roots, category, notes, rules, results: Vec::new(), n_left_out: 0 }
    }
}

/// Fills the runs with what fits, the loudest of all of them first: no root takes the room of what is louder in another.
fn fill(runs: &mut [Run<'_>]) -> io::Result<()> {
    let mut order: Vec<(Level, std::cmp::Reverse<FindingSeverity>, usize, usize)> = Vec::new();
    for (position, run) in runs.iter().enumerate() {
        let key = |(rank, note): (usize, &Note<'_>)| (note.level, std::cmp::Reverse(note.severity), rank, position);
        order.extend(run.notes.iter().enumerate().map(key));
    }
    order.sort();
    let mut n_bytes = 0;
    let mut fingerprints: BTreeMap<(usize, String), u64> = BTreeMap::new();
    for (_, _, rank, position) in order {
        let run = &mut runs[position];
        if run.results.len() == MAX_RESULTS || n_bytes > MAX_BYTES {
            run.n_left_out += 1;
            continue;
        }
        let note = &run.notes[rank];
        let occurrence = fingerprints.entry((position, note.fingerprint())).or_default();
        *occurrence += 1;
        let rule_position = run.rules.iter().position(|rule| *rule == note.rule());
        let result = result(note, rule_position, *occurrence);
        let size = serde_json::to_vec(&result)?.len();
        if n_bytes + size > MAX_BYTES {
            run.n_left_out += 1;
            continue;
        }
        n_bytes += size;
        run.results.push(result);
    }
    Ok(())
}

fn run(Run { roots, category, rules, results, n_left_out, .. }: &Run<'_>) -> Value {
    let mut notifications = Vec::new();
    for root in roots {
        if let Some(error) = &root.error {
            notifications.push(notification("error", &format!("{} could not be judged: {error}", root.label())));
        }
        if let Some(report) = root.report.as_ref().filter(|report| report.summary.undetermined > 0) {
            let (number, all) = (report.summary.undetermined, report.summary.instances);
            let text = format!("{number} of {} in {} could not be looked at.", count(all, "instance"), root.label());
            notifications.push(notification("warning", &text));
        }
    }
    if *n_left_out > 0 {
        let text = format!(
            "{} left out: a run has {MAX_RESULTS} at most, and a file {MAX_BYTES} bytes of them.",
            count(*n_left_out, "result")
        );
        notifications.push(notification("warning", &text));
    }
    let is_successful = roots.iter().all(|root| root.error.is_none());
    json!({
        "tool": { "driver": {
            "name": "driftmgr",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": "https://github.com/catherinevee/driftmgr",
            "rules": rules.iter().map(|id| rule(id)).collect::<Vec<_>>(),
        } },
        "automationDetails": { "id": format!("driftmgr/{}/", category_of(category)) },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { "SRCROOT": { "description": { "text": "The top of the repository." } } },
        "invocations": [{ "executionSuccessful": is_successful, "toolExecutionNotifications": notifications }],
        "results": results,
    })
}

fn result(note: &Note<'_>, rule_position: Option<usize>, occurrence: u64) -> Value {
    let rule = note.rule();
    let (uri, region) = match &note.place {
        Some(place) => (
            uri(&place.path),
            json!({
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            }),
        ),
        None => (uri(&note.root.folder()), json!({ "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 })),
    };
    let mut logical = vec![json!({ "fullyQualifiedName": note.finding.subject(), "kind": "resource" })];
    if let Some(attribute) = note.attribute {
        let name = format!("{}.{}", note.finding.subject(), attribute.path());
        logical.push(json!({ "fullyQualifiedName": name, "kind": "property" }));
    }
    json!({
        "ruleId": rule,
        "ruleIndex": rule_position,
        "level": level(note.level),
        "message": { "text": shorten(&note.message(), MAX_MESSAGE) },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri, "uriBaseId": "SRCROOT" }, "region": region },
            "logicalLocations": logical,
        }],
        "partialFingerprints": { "primaryLocationLineHash": format!("{}:{occurrence}", note.fingerprint()) },
        "properties": { "severity": note.severity.as_str(), "fails": note.finding.fails, "impact": note.finding.impact },
    })
}

fn rule(id: &str) -> Value {
    let row = row(id);
    let meaning = row.map_or("What was found differs from the code or the state.", |row| row.meaning);
    let kind = id.split(':').next().unwrap_or(id);
    let title = model::Kind::from_word(kind).map_or("Found", super::title_of_one);
    let name = match id.split_once(':') {
        Some((_, tier)) => format!("{title} ({})", tier.replace([':', '_'], " ")),
        None => title.to_owned(),
    };
    let help = format!(
        "{meaning} Whether it makes a run fail is decided by its row in the table of findings; --fail-on takes the \
         words of this rule's id."
    );
    let (level, problem) = match row.map(|row| row.severity) {
        Some(FindingSeverity::High) => ("error", "error"),
        Some(FindingSeverity::Medium | FindingSeverity::Low) => ("warning", "warning"),
        Some(FindingSeverity::Info) | None => ("note", "recommendation"),
    };
    json!({
        "id": id,
        "name": name,
        "shortDescription": { "text": name },
        "fullDescription": { "text": meaning },
        "help": { "text": help, "markdown": format!("{help} See [the table of findings]({HELP}).") },
        "helpUri": HELP,
        "defaultConfiguration": { "level": level },
        "properties": { "tags": ["drift", "infrastructure"], "problem.severity": problem, "precision": "very-high" },
    })
}

fn row(id: &str) -> Option<&'static Row> {
    let mut words = id.split(':');
    let (kind, tier, relevance) = (words.next()?, words.next(), words.next());
    let of_kind = |row: &&Row| row.kind.as_str() == kind;
    let exact =
        |row: &&Row| row.tier.map(model::Tier::as_str) == tier && row.is_security_relevant == relevance.is_some();
    let rows = || fails::TABLE.iter().filter(of_kind);
    rows().find(exact).or_else(|| rows().find(|row| row.tier.is_none()))
}

fn notification(level: &str, text: &str) -> Value {
    json!({ "level": level, "message": { "text": shorten(&escape_controls(text), MAX_MESSAGE) } })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// Makes a category of what tells a root from the others: letters, digits and what paths are made of.
fn category_of(key: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '@') { c } else { '-' };
    let category: String = key.chars().map(safe).take(200).collect();
    let category = category.trim_matches('/');
    if category.is_empty() { "top".to_owned() } else { category.to_owned() }
}

/// Writes a path as a relative reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    // The first segment of a relative reference may hold no colon; encoded, none is left.
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::{category_of, row, uri};

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("live/a b#c.tf"), "live/a%20b%23c.tf");
        assert_eq!(uri("ä:b"), "%C3%A4%3Ab");
        assert_eq!(category_of("live/prod@a b"), "live/prod@a-b");
        assert_eq!(category_of(""), "top");
    }

    #[test]
    fn every_row_of_the_table_is_a_rule() {
        for expected in drift::fails::TABLE {
            let mut id = expected.kind.to_string();
            if let Some(tier) = expected.tier {
                id.push_str(&format!(":{tier}"));
            }
            if expected.is_security_relevant {
                id.push_str(":security_relevant");
            }
            assert_eq!(row(&id), Some(expected));
        }
    }
}
