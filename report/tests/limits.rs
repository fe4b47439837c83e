//! Every format stays within what its reader takes, and counts what it leaves out; SARIF follows its published schema.

#[path = "support/checks.rs"]
mod checks;
mod support;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::LazyLock;

use checks::CheckCase;
use report::format::{github, gitlab, junit, markdown, sarif, summary};
use report::v1::check::{self, CheckDocument};
use report::{Format, Style, Values};
use serde_json::{Value, json};
use support::{folders, outside_fences};

/// How many findings of each kind a root module has here.
const N_FAILING: u64 = 20_000;
const N_ASIDE: u64 = 10_000;
const ALL: (u64, u64) = (N_FAILING, N_ASIDE);
const FEW: (u64, u64) = (2_000, 1_000);

static ONE: LazyLock<CheckDocument> = LazyLock::new(|| estate(1, ALL));
static SOME: LazyLock<CheckDocument> = LazyLock::new(|| estate(25, ALL));
static MANY: LazyLock<CheckDocument> = LazyLock::new(|| estate(1_000, FEW));

/// So many root modules share the findings.
fn estate(n_roots: u64, (n_failing, n_aside): (u64, u64)) -> CheckDocument {
    let difference = |tier: &str| json!([{"path": ["tags", "Owner"], "tier": tier, "state": "somebody", "cloud": "größer 日本", "code": "else", "line": 7}]);
    let root = |number: u64| {
        json!({
            "name": format!("live/r{number:03}"), "directory": format!("live/r{number:03}"), "why": "modules/m/main.tf",
            "change": {
                "touches": [{"address": "aws_vpc.a[\"#\"]", "times": n_failing / n_roots, "how": "updates", "paths": [["tags"]], "line": 5}],
                "causes": [],
            },
            "findings": [
                {
                    "kind": "changed", "times": n_failing / n_roots, "address": "aws_vpc.a[\"#\"]", "id": "vpc-0123456789",
                    "reason": "The cloud differs from the state in tags.", "attributes": difference("declared"), "remedies": ["apply"],
                },
                {
                    "kind": "changed", "times": n_aside / n_roots, "address": "aws_subnet.b[\"#\"]", "id": "subnet-0123456789",
                    "reason": "The cloud differs from the state in tags.", "attributes": difference("undeclared"),
                },
            ],
        })
    };
    let case = CheckCase::from_json(json!({
        "base": {"name": "main", "commit": "1".repeat(40)}, "head": {"name": "HEAD", "commit": "2".repeat(40)},
        "roots": (0..n_roots).map(root).collect::<Vec<_>>(),
    }));
    let text = case.render(&case.whole(), Format::Json, &Style::plain());
    check::read("estate.json", text.as_bytes()).expect("it is read back")
}

fn render(document: &CheckDocument, format: Format, style: &Style) -> String {
    let mut out = Vec::new();
    document.write(format, style, &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are text")
}

/// Reads the number before these words.
fn number_before(text: &str, words: &str) -> u64 {
    let end =
        text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {}", &text[text.len().saturating_sub(600)..]));
    let digits = text[..end].trim_end().rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().expect("a number")
}

#[test]
fn a_comment_is_one_that_every_forge_takes() {
    for (n_roots, case, (n_failing, n_aside)) in [(1, &*ONE, ALL), (1_000, &*MANY, FEW)] {
        let comment = render(case, Format::Markdown, &Style::plain());
        assert!(comment.chars().count() <= markdown::BUDGET && comment.len() <= markdown::BUDGET_BYTES);
        let markup = outside_fences(&comment);
        let n_findings = markup.iter().filter(|line| line.starts_with("**aws_")).count() as u64;
        let is_row = |line: &&&str| line.starts_with("| live/") || line.starts_with("| updates ");
        let n_rows = markup.iter().filter(is_row).count() as u64;
        // Each finding, each touch and each root module is there or counted.
        let n_cut = number_before(&comment, " entries did not fit here");
        assert_eq!(n_findings + n_rows + n_cut, n_failing + n_aside + n_failing + n_roots, "{n_roots}");
        assert!(n_findings > 20 || n_roots == 1_000, "{n_findings} of {n_roots}");
    }
}

#[test]
fn a_comment_on_drift_is_one_that_every_forge_takes() {
    let findings = json!([{
        "kind": "changed", "times": N_FAILING, "address": "aws_vpc.a[\"#\"]", "id": "vpc-0123456789",
        "reason": "The cloud differs from the state in tags.",
        "attributes": [{"path": ["tags", "Owner"], "state": "somebody", "cloud": "größer 日本", "line": 7}],
    }, {
        "kind": "missing", "times": N_ASIDE, "address": "aws_subnet.b[\"#\"]", "id": "subnet-0123456789",
        "reason": "The object is gone; the code and the state still have it.",
    }]);
    let case = CheckCase::from_json(json!({"roots": [{"name": "live", "directory": "live", "findings": findings}]}));
    let comment = case.render_drift(Format::Markdown, &Style::plain());
    assert!(comment.chars().count() <= markdown::BUDGET && comment.len() <= markdown::BUDGET_BYTES);
    let markup = outside_fences(&comment);
    let is_finding = |line: &&&str| line.starts_with("**aws_vpc.") || line.starts_with("| aws_subnet.");
    let n_shown = markup.iter().filter(is_finding).count() as u64;
    assert_eq!(n_shown + number_before(&comment, " entries did not fit here"), N_FAILING + N_ASIDE);
    assert!(n_shown > 20, "{n_shown}");
}

#[test]
fn a_step_summary_is_one_that_github_shows() {
    let case = &*SOME;
    for n_before in [0, 500_000, 5_000_000] {
        let style = summary::style(&Style::plain(), n_before);
        let text = render(case, Format::Markdown, &style);
        assert!(text.contains(" entries did not fit here"));
        if n_before < summary::MAX_BYTES as u64 {
            assert!(text.len() + n_before as usize <= summary::MAX_BYTES, "{}", text.len());
        } else {
            // Nothing more fits: what must be there is there.
            assert!(text.len() < 2_000, "{}", text.len());
        }
    }
}

#[test]
fn annotations_are_those_that_a_step_keeps() {
    let github = render(&SOME, Format::Github, &Style::plain());
    let n_of = |command: &str| github.lines().filter(|line| line.starts_with(command)).count();
    assert_eq!((n_of("::error "), n_of("::warning "), n_of("::notice ")), (github::MAX_ANNOTATIONS, 0, 1));
    // What is beside the change is no warning.
    let n_annotated = github::MAX_ANNOTATIONS as u64;
    assert_eq!(number_before(&github, " findings are not annotated") + n_annotated, N_FAILING);
}

#[test]
fn code_scanning_takes_the_log() {
    for (n_roots, case) in [(1, &*ONE), (25, &*SOME)] {
        let text = render(case, Format::Sarif, &Style::plain());
        let log: Value = serde_json::from_str(&text).expect("JSON");
        let runs = log["runs"].as_array().expect("runs");
        assert!(runs.len() <= sarif::MAX_RUNS && serde_json::to_vec(&log).expect("JSON").len() < 10_000_000);
        let mut n_told = 0;
        let mut categories = BTreeSet::new();
        for run in runs {
            let results = run["results"].as_array().expect("results");
            assert!(results.len() <= sarif::MAX_RESULTS);
            n_told += results.len() as u64;
            let notifications = run["invocations"][0]["toolExecutionNotifications"].to_string();
            if notifications.contains("left out") {
                n_told += number_before(&notifications, " results left out");
            }
            assert!(categories.insert(run["automationDetails"]["id"].to_string()), "categories are told apart");
        }
        assert_eq!(n_told, (N_FAILING / n_roots + N_ASIDE / n_roots) * n_roots, "{n_roots}");
        // What fails goes before what does not.
        assert!(runs.iter().all(|run| run["results"][0]["level"] == "error"));
    }
}

#[test]
fn test_reports_count_what_they_leave_out() {
    let junit = render(&ONE, Format::Junit, &Style::plain());
    let n_cases = junit.matches("<testcase ").count() as u64;
    let n_left_out = number_before(&junit, " cases left out");
    assert_eq!((n_cases - 1, n_left_out), (junit::MAX_CASES as u64, N_FAILING + N_ASIDE - junit::MAX_CASES as u64));
    assert_eq!(junit.matches("<failure ").count() as u64, N_FAILING);
    let gitlab = render(&SOME, Format::Gitlab, &Style::plain());
    let entries: Value = serde_json::from_str(&gitlab).expect("JSON");
    assert_eq!(entries.as_array().map(Vec::len), Some(gitlab::MAX_ENTRIES));
    assert_eq!(number_before(&gitlab, " findings left out") + gitlab::MAX_ENTRIES as u64 - 1, N_FAILING + N_ASIDE);
}

#[test]
fn a_terminal_shows_what_a_person_reads_and_counts_the_rest() {
    let case = &*ONE;
    let text = render(case, Format::Terminal, &Style::plain());
    assert!(text.lines().count() < 150, "{}", text.lines().count());
    assert_eq!(number_before(&text, " more findings"), N_FAILING - 10);
    assert_eq!(number_before(&text, " more instances"), N_FAILING - 20);
    let all = render(case, Format::Terminal, &Style { top: None, ..Style::plain() });
    assert_eq!(all.matches("FAILS ").count() as u64, N_FAILING);
}

/// Reads the schema of SARIF 2.1.0, which a crate of the tests brings.
fn sarif_schema() -> jsonschema::Validator {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let package =
        packages.iter().find(|package| package["name"] == "serde-sarif").expect("it is a dependency of these tests");
    let manifest = std::path::Path::new(package["manifest_path"].as_str().expect("a path"));
    let schema =
        std::fs::read_to_string(manifest.with_file_name("src").join("schema.json")).expect("it has the schema");
    let mut schema: Value = serde_json::from_str(&schema).expect("JSON");
    // Its pattern closes a bracket that it never opened. We write no language.
    for of in ["run", "toolComponent"] {
        let language = schema["definitions"][of]["properties"]["language"].as_object_mut().expect("it has a language");
        assert!(language.remove("pattern").is_some());
    }
    assert_eq!(schema["title"], "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema");
    jsonschema::validator_for(&schema).expect("it is a JSON Schema")
}

#[test]
fn logs_follow_the_schema_of_sarif() {
    let schema = sarif_schema();
    let mut n_results = 0;
    for case in folders("cases").into_iter().chain(folders("checks")) {
        let text = std::fs::read_to_string(case.join("report.sarif")).expect("the golden file is there");
        let log: Value = serde_json::from_str(&text).expect("JSON");
        let problems: Vec<String> =
            schema.iter_errors(&log).map(|problem| format!("{} {problem}", problem.instance_path())).collect();
        assert_eq!(problems, Vec::<String>::new(), "{}", case.display());
        let typed: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("a reader of SARIF takes it");
        for run in typed.runs {
            n_results += run.results.map_or(0, |results| results.len());
        }
        // What GitHub asks for beyond the schema.
        for run in log["runs"].as_array().expect("runs") {
            let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
            for rule in rules {
                for text in ["shortDescription", "fullDescription", "help"] {
                    assert!(rule[text]["text"].as_str().is_some_and(|text| !text.is_empty()), "{rule}");
                }
            }
            for result in run["results"].as_array().expect("results") {
                assert_eq!(rules[result["ruleIndex"].as_u64().expect("an index") as usize]["id"], result["ruleId"]);
                let place = &result["locations"][0]["physicalLocation"];
                let number = |name: &str| place["region"][name].as_u64().expect("a number");
                assert!((number("startLine"), number("startColumn")) <= (number("endLine"), number("endColumn")));
                assert!(!place["artifactLocation"]["uri"].as_str().expect("a URI").is_empty());
                assert!(
                    result["partialFingerprints"]["primaryLocationLineHash"]
                        .as_str()
                        .is_some_and(|hash| hash.len() > 32)
                );
            }
        }
    }
    assert!(n_results > 50, "{n_results}");
    // The validator finds what is wrong.
    assert!(!schema.is_valid(&json!({"version": "2.1.0", "runs": [{"results": []}]})));
}

/// Gives the fingerprints of a log, by what they are about.
fn fingerprints(case: &CheckCase, style: &Style) -> Vec<(String, String)> {
    let log: Value = serde_json::from_str(&case.render(&case.whole(), Format::Sarif, style)).expect("JSON");
    let results =
        log["runs"].as_array().expect("runs").iter().flat_map(|run| run["results"].as_array().expect("results"));
    let mut fingerprints: Vec<(String, String)> = results
        .map(|result| {
            let about = result["locations"][0]["logicalLocations"].as_array().expect("names").last().expect("a name");
            (
                about["fullyQualifiedName"].to_string(),
                result["partialFingerprints"]["primaryLocationLineHash"].to_string(),
            )
        })
        .collect();
    fingerprints.sort();
    fingerprints
}

#[test]
fn fingerprints_outlast_lines_values_and_neighbors() {
    let path =
        folders("checks").into_iter().find(|case| case.ends_with("collision")).expect("it is there").join("check.json");
    let input = std::fs::read_to_string(path).expect("it is read");
    let first = CheckCase::from_json(serde_json::from_str(&input).expect("JSON"));
    let before = fingerprints(&first, &Style::plain());
    let distinct: BTreeSet<_> = before.iter().map(|(_, fingerprint)| fingerprint).collect();
    assert_eq!(distinct.len(), before.len());
    // Lines move, values change, values are hidden: the same things are the same.
    let mut moved: Value = serde_json::from_str(&input).expect("JSON");
    for finding in moved["roots"][0]["findings"].as_array_mut().expect("findings") {
        for attribute in finding["attributes"].as_array_mut().into_iter().flatten() {
            attribute["line"] = 99.into();
            attribute["cloud"] = "another value".into();
        }
    }
    let moved = CheckCase::from_json(moved);
    assert_eq!(fingerprints(&moved, &Style::plain()), before);
    assert_eq!(fingerprints(&first, &Style { values: Values::None, ..Style::plain() }), before);
    // One attribute less leaves the others what they were.
    let mut fewer: Value = serde_json::from_str(&input).expect("JSON");
    let differences = fewer["roots"][0]["findings"][1]["attributes"].as_array_mut().expect("attributes");
    differences.remove(0);
    let after = fingerprints(&CheckCase::from_json(fewer), &Style::plain());
    assert_eq!(after.len() + 1, before.len());
    assert!(after.iter().all(|fingerprint| before.contains(fingerprint)));
}
