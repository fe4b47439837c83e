//! Golden files: every folder of `tests/cases` is a world and what each format makes of it, every folder of
//! `tests/checks` a check.
//!
//! `DRIFTMGR_BLESS=1 cargo test -p report` rewrites them.

#[path = "support/checks.rs"]
mod checks;
#[path = "support/schema.rs"]
mod schema;
mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use checks::{CheckCase, Part};
use report::v1::check;
use report::{DriftReport, Format, GroupBy, Style, Values, write_drift};
use serde_json::Value;
use support::{World, folders, outside_fences};

/// A secret that is planted in every world, and another that only its form gives away.
const SECRETS: &[&str] = &["hunter2-planted", "AKIAPLANTEDSECRET000"];

const OUTPUTS: &[(&str, Format)] = &[
    ("terminal.txt", Format::Terminal),
    ("report.json", Format::Json),
    ("comment.md", Format::Markdown),
    ("github.txt", Format::Github),
    ("report.sarif", Format::Sarif),
    ("junit.xml", Format::Junit),
    ("gitlab.json", Format::Gitlab),
    ("gitlab-terraform.json", Format::GitlabTerraform),
    ("page.html", Format::Html),
];

fn style(input: &Value) -> Style {
    let style = &input["style"];
    Style {
        values: style["values"].as_str().map_or(Values::Safe, |word| Values::from_word(word).expect("a word")),
        color: style["color"].as_bool().unwrap_or(false),
        width: style["width"].as_u64().unwrap_or(100) as usize,
        group_by: style["group_by"].as_str().map_or(GroupBy::Type, |word| GroupBy::from_word(word).expect("a word")),
        top: match &style["top"] {
            Value::Null => Some(10),
            top => top.as_u64().filter(|top| *top > 0).map(|top| top as usize),
        },
        budget: style["budget"].as_u64().map_or(report::format::markdown::BUDGET, |budget| budget as usize),
        marker: "live/prod".to_owned(),
        ..Style::plain()
    }
}

/// A folder with a world or a check, and what each format makes of it.
struct Case {
    folder: PathBuf,
    subject: Subject,
}

enum Subject {
    Drift(World),
    Check(CheckCase),
}

impl Case {
    fn all() -> Vec<Self> {
        let of = |folder: PathBuf| {
            let subject = if folder.join("check.json").exists() {
                Subject::Check(CheckCase::read(&folder))
            } else {
                Subject::Drift(World::read(&folder))
            };
            Self { folder, subject }
        };
        folders("cases").into_iter().chain(folders("checks")).map(of).collect()
    }

    fn input(&mut self) -> &mut Value {
        match &mut self.subject {
            Subject::Drift(world) => &mut world.input,
            Subject::Check(check) => &mut check.input,
        }
    }

    fn render(&self, format: Format) -> String {
        match &self.subject {
            Subject::Drift(world) => render(world, format),
            Subject::Check(check) => check.render(&check.whole(), format, &style(&check.input)),
        }
    }
}

fn render(world: &World, format: Format) -> String {
    let verdict = world.judge();
    let report = DriftReport {
        verdict: &verdict,
        states: &world.states,
        root: Some("live/prod"),
        directory: Some("live/prod"),
        ignore: &world.ignore,
    };
    let mut out = Vec::new();
    write_drift(&report, format, &style(&world.input), &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("reports are text")
}

#[test]
fn every_case_renders_as_recorded() {
    let mut differing = Vec::new();
    for case in Case::all() {
        for (name, format) in OUTPUTS {
            let rendered = case.render(*format);
            let path = case.folder.join(name);
            if std::env::var_os("DRIFTMGR_BLESS").is_some() {
                std::fs::write(&path, &rendered).expect("the case is writable");
            }
            if std::fs::read_to_string(&path).ok().as_ref() != Some(&rendered) {
                differing.push(format!("{}\n{rendered}", path.display()));
            }
        }
    }
    assert!(differing.is_empty(), "run DRIFTMGR_BLESS=1 cargo test -p report:\n{}", differing.join("\n"));
}

#[test]
fn no_file_is_forgotten() {
    assert!(folders("cases").len() >= 5 && folders("checks").len() >= 5, "the cases were found");
    for (kind, input) in [("cases", "world.json"), ("checks", "check.json")] {
        let expect: BTreeSet<&str> = OUTPUTS.iter().map(|(name, _)| *name).chain([input]).collect();
        for case in folders(kind) {
            let files = std::fs::read_dir(&case).expect("a case is a folder");
            let names: BTreeSet<String> =
                files.map(|file| file.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
            assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), expect, "{}", case.display());
        }
    }
}

#[test]
fn no_secret_is_in_any_output() {
    let mut n_planted = 0;
    for mut case in Case::all() {
        let input = case.input().to_string();
        n_planted += SECRETS.iter().filter(|secret| input.contains(**secret)).count();
        for (name, format) in OUTPUTS {
            let recorded = std::fs::read_to_string(case.folder.join(name)).expect("the golden file is there");
            for secret in SECRETS {
                assert!(!recorded.contains(secret), "{} shows {secret}", case.folder.join(name).display());
                assert!(!case.render(*format).contains(secret), "{} {format:?}", case.folder.display());
            }
        }
    }
    assert!(n_planted >= 3 * SECRETS.len(), "secrets are planted in the worlds");
}

#[test]
fn documents_follow_the_published_schema() {
    for case in Case::all() {
        let name = match case.subject {
            Subject::Drift(_) => "driftmgr.drift.v1.json",
            Subject::Check(_) => "driftmgr.check.v1.json",
        };
        let document = serde_json::from_str(&case.render(Format::Json)).expect("JSON");
        assert_eq!(
            schema::problems(&schema::published(name), &document),
            Vec::<String>::new(),
            "{}",
            case.folder.display()
        );
    }
}

/// Writes parts of a check as documents, and reads them.
fn documents(case: &CheckCase, parts: &[Part]) -> Vec<check::CheckDocument> {
    let read = |(position, part): (usize, &Part)| {
        let text = case.render(part, Format::Json, &style(&case.input));
        check::read(&format!("{position}.json"), text.as_bytes()).expect("documents are read back")
    };
    parts.iter().enumerate().map(read).collect()
}

/// Divides a check, each part with every so-many-th of its roots.
fn divided(case: &CheckCase, n_parts: usize) -> Vec<Part> {
    let part = |number: usize| Part {
        roots: (0..case.roots.len()).filter(|position| position % n_parts == number).collect(),
        shard: Some(format!("{}/{n_parts}", number + 1)),
        n_unchanged: if number + 1 == n_parts { case.whole().n_unchanged } else { 0 },
    };
    (0..n_parts).map(part).collect()
}

#[test]
fn shards_put_together_are_the_whole() {
    for case in Case::all() {
        let Subject::Check(check_case) = &case.subject else { continue };
        for n_parts in [1, 2, 3, 4] {
            let mut parts = documents(check_case, &divided(check_case, n_parts));
            parts.rotate_left(n_parts / 2);
            let merged = check::merge(parts).expect("they fit together");
            assert_eq!((merged.n_missing(), merged.missing_shards().len()), (0, 0));
            for (name, format) in OUTPUTS {
                let mut out = Vec::new();
                merged.write(*format, &style(&check_case.input), &mut out).expect("a vector takes everything");
                let whole = std::fs::read_to_string(case.folder.join(name)).expect("the golden file is there");
                assert!(String::from_utf8_lossy(&out) == whole, "{} {format:?} of {n_parts}", case.folder.display());
            }
        }
    }
}

#[test]
fn shards_that_are_missing_are_named() {
    let case =
        CheckCase::read(&folders("checks").into_iter().find(|case| case.ends_with("clean")).expect("it is there"));
    let mut parts = divided(&case, 3);
    let whole = check::merge(documents(&case, &parts)).expect("they fit together");
    assert_eq!(whole.exit_code(false).code(), 0);
    parts.remove(1);
    let merged = check::merge(documents(&case, &parts)).expect("they fit together");
    assert_eq!((merged.n_missing(), merged.missing_shards()), (1, vec!["2/3".to_owned()]));
    assert_eq!((merged.exit_code(false).code(), merged.exit_code(true).code()), (3, 0));
    let mut out = Vec::new();
    merged.write(Format::Terminal, &style(&case.input), &mut out).expect("a vector takes everything");
    let text = String::from_utf8_lossy(&out).replace('\n', " ");
    assert!(text.contains("1 left to other shards (part 1/3, 3/3)"), "{text}");
    // The rest may come later.
    let mut later = Vec::new();
    merged.write(Format::Json, &style(&case.input), &mut later).expect("a vector takes everything");
    let later = check::read("later.json", &later).expect("it is read back");
    let rest = documents(&case, &divided(&case, 3)[1..2]);
    let all = check::merge(std::iter::once(later).chain(rest).collect()).expect("they fit together");
    assert_eq!((all.n_missing(), all.exit_code(false).code()), (0, 0));
}

#[test]
fn documents_that_do_not_fit_say_why() {
    let case =
        CheckCase::read(&folders("checks").into_iter().find(|case| case.ends_with("clean")).expect("it is there"));
    let text = |change: &dyn Fn(&mut Value)| {
        let mut value: Value =
            serde_json::from_str(&case.render(&divided(&case, 2)[0], Format::Json, &style(&case.input))).expect("JSON");
        change(&mut value);
        value.to_string()
    };
    let same: &dyn Fn(&mut Value) = &|_| {};
    let read = |text: &str| check::read("a.json", text.as_bytes()).map(|_| ()).map_err(|problem| problem.to_string());
    let merged = |change: &dyn Fn(&mut Value)| {
        let a = check::read("a.json", text(same).as_bytes()).expect("it is right");
        let b = check::read("b.json", text(change).as_bytes()).expect("it is right");
        check::merge(vec![a, b]).map(|_| ()).map_err(|problem| problem.to_string())
    };
    let mut said = Vec::new();
    let mut say = |result: Result<(), String>| said.push(result.expect_err("it is wrong"));
    say(read(""));
    say(read("{"));
    say(read("[]"));
    say(read(&"[".repeat(100_000)));
    say(read("{\"a\": 1}"));
    say(read("{\"schema\": \"driftmgr.check/v2\"}"));
    say(read("{\"schema\": \"driftmgr.drift/v1\"}"));
    say(read("{\"schema\": \"driftmgr.check/v1\"}"));
    // Where exactly, every field of a document decides.
    let many = read(&text(&|value| value["roots"][0]["report"]["findings"] = "many".into()));
    say(many.map_err(|problem| {
        let (before, behind) = problem.split_once("line 1 column ").expect("the place is told");
        format!("{before}line 1 column N{}", behind.trim_start_matches(|c: char| c.is_ascii_digit()))
    }));
    say(read(&text(&|value| value["shards"][0] = "5/2".into())));
    say(merged(same));
    say(merged(&|value| value["shards"][0] = "2/2".into()));
    say(merged(&|value| value["shards"][0] = "2/3".into()));
    say(merged(&|value| value["head"]["commit"] = "3".into()));
    say(merged(&|value| value["base"] = Value::Null));
    say(merged(&|value| value["summary"]["roots"] = 4.into()));
    say(check::merge(Vec::new()).map(|_| ()).map_err(|problem| problem.to_string()));
    insta::assert_snapshot!(said.join("\n"), @r#"
    The report is empty: a.json is empty: the run that was to write it ended early. Run it again.
    The report cannot be read: a.json is no report of a check: EOF while parsing an object at line 1 column 1. `driftmgr check --json` writes one.
    The report cannot be read: a.json is no report of a check: it is no JSON object. `driftmgr check --json` writes one.
    The report cannot be read: a.json is no report of a check: it is no JSON object. `driftmgr check --json` writes one.
    The report is of another kind: a.json names no schema, and what is read is "driftmgr.check/v1". `driftmgr check --json` writes it.
    The report is of a newer version: a.json has the schema "driftmgr.check/v2", which a newer driftmgr wrote; this one reads "driftmgr.check/v1". Use the version that wrote it, or one that came later.
    The report is of another kind: a.json has the schema "driftmgr.drift/v1", and what is read is "driftmgr.check/v1". `driftmgr check --json` writes it.
    The report cannot be read: a.json is no report of a check: missing field `at` at line 1 column 31. `driftmgr check --json` writes one.
    The report cannot be read: a.json is no report of a check: invalid type: string "many", expected a sequence at line 1 column N. `driftmgr check --json` writes one.
    The report cannot be read: a.json names the part "5/2"; a part is written as 1/4, the first of four.
    The reports do not fit together: a.json and b.json are both part 1/2. Leave one of the two out.
    The reports do not fit together: a.json and b.json are both about the topmost folder. Leave one of the two out.
    The reports do not fit together: a.json is one of 2 parts, and b.json one of 3. Put parts of one division together.
    The reports do not fit together: a.json is about the change from 1111111111111111111111111111111111111111 to 2222222222222222222222222222222222222222 with 3 root modules, and b.json about the change from 1111111111111111111111111111111111111111 to 3 with 3 root modules. Put reports of one change together.
    The reports do not fit together: a.json is about the change from 1111111111111111111111111111111111111111 to 2222222222222222222222222222222222222222 with 3 root modules, and b.json about no change, with 3 root modules. Put reports of one change together.
    The reports do not fit together: a.json is about the change from 1111111111111111111111111111111111111111 to 2222222222222222222222222222222222222222 with 3 root modules, and b.json about the change from 1111111111111111111111111111111111111111 to 2222222222222222222222222222222222222222 with 4 root modules. Put reports of one change together.
    The reports do not fit together: There is no report to put together.
    "#);
}

#[test]
fn every_format_has_golden_files() {
    let formats: BTreeSet<Format> = OUTPUTS.iter().map(|(_, format)| *format).collect();
    assert_eq!(formats, Format::TABLE.iter().map(|row| row.format).collect());
}

#[test]
fn comments_stay_within_their_budget() {
    for mut case in Case::all() {
        for budget in [3_000, 6_000, 60_000] {
            case.input()["style"]["budget"] = budget.into();
            let comment = case.render(Format::Markdown);
            assert!(comment.chars().count() <= budget, "{}", case.folder.display());
            let markup = outside_fences(&comment);
            let n_opened = markup.iter().filter(|line| line.starts_with("<details")).count();
            assert_eq!(n_opened, markup.iter().filter(|line| line.contains("</details>")).count());
        }
    }
}
