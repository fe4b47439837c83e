//! Golden files: every folder of `tests/cases` is a world and what each format makes of it.
//!
//! `DRIFTMGR_BLESS=1 cargo test -p report` rewrites them.

#[path = "support/schema.rs"]
mod schema;
mod support;

use std::collections::BTreeSet;

use report::{DriftReport, Format, GroupBy, Style, Values, write_drift};
use serde_json::Value;
use support::{World, cases};

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
    for case in cases() {
        let world = World::read(&case);
        for (name, format) in OUTPUTS {
            let rendered = render(&world, *format);
            let path = case.join(name);
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
    let expect: BTreeSet<&str> = OUTPUTS.iter().map(|(name, _)| *name).chain(["world.json"]).collect();
    assert!(cases().len() >= 5, "the cases were found");
    for case in cases() {
        let files = std::fs::read_dir(&case).expect("a case is a folder");
        let names: BTreeSet<String> =
            files.map(|file| file.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), expect, "{}", case.display());
    }
}

#[test]
fn no_secret_is_in_any_output() {
    let mut n_planted = 0;
    for case in cases() {
        let world = World::read(&case);
        n_planted += SECRETS.iter().filter(|secret| world.input.to_string().contains(**secret)).count();
        for (name, format) in OUTPUTS {
            let recorded = std::fs::read_to_string(case.join(name)).expect("the golden file is there");
            for secret in SECRETS {
                assert!(!recorded.contains(secret), "{} shows {secret}", case.join(name).display());
                assert!(!render(&world, *format).contains(secret), "{} {format:?}", case.display());
            }
        }
    }
    assert!(n_planted >= 2 * SECRETS.len(), "secrets are planted in the worlds");
}

#[test]
fn documents_follow_the_published_schema() {
    let schema = schema::published("driftmgr.drift.v1.json");
    for case in cases() {
        let document = serde_json::from_str(&render(&World::read(&case), Format::Json)).expect("JSON");
        assert_eq!(schema::problems(&schema, &document), Vec::<String>::new(), "{}", case.display());
    }
}

#[test]
fn every_format_has_golden_files() {
    let formats: BTreeSet<Format> = OUTPUTS.iter().map(|(_, format)| *format).collect();
    assert_eq!(formats, Format::TABLE.iter().map(|row| row.format).collect());
}

#[test]
fn comments_stay_within_their_budget() {
    for case in cases() {
        let mut world = World::read(&case);
        for budget in [3_000, 6_000, 60_000] {
            world.input["style"]["budget"] = budget.into();
            let comment = render(&world, Format::Markdown);
            assert!(comment.chars().count() <= budget, "{}", case.display());
            // Within a fence nothing is markup.
            let markup = || comment.lines().filter(|line| !line.starts_with(['+', '-']));
            let n_opened = markup().filter(|line| line.starts_with("<details")).count();
            assert_eq!(n_opened, markup().filter(|line| line.contains("</details>")).count());
        }
    }
}
