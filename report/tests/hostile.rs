//! No text, however made, steers what shows it.

#[path = "support/checks.rs"]
mod checks;
mod support;

use std::sync::LazyLock;

use checks::CheckCase;
use proptest::prelude::*;
use report::text::{escape_controls, escape_markdown, fence_for, shorten, width};
use report::{Format, Style};
use serde_json::{Value, json};
use support::outside_fences;

/// What is woven into arbitrary text, so that it holds more than noise.
const WEAPONS: &[&str] = &[
    "\n",
    "\r",
    "::error::",
    "::stop-commands::x",
    "##[error]",
    "%0A",
    "</details>",
    "<script>",
    "<!--",
    "-->",
    "]]>",
    "&lt;",
    "```",
    "~~~~",
    "|",
    "@all",
    "#1",
    "[a](b)",
    "www.a.b",
    "https://a",
    "\u{1b}[2J",
    "\u{9b}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{0}",
    "\u{fffe}",
    "\"",
    "'",
    "\\",
    ",",
    ":",
    " ",
    "日本",
    "e\u{301}",
    "🏗\u{fe0f}",
    "\u{2028}",
];

fn evil() -> impl Strategy<Value = String> {
    let piece = prop_oneof![proptest::sample::select(WEAPONS).prop_map(str::to_owned), ".{0,6}"];
    proptest::collection::vec(piece, 0..12)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("where there is no text, other words are written", |text| !text.is_empty())
}

/// A check in which every text that comes from outside is this one.
fn check_of(text: &str) -> CheckCase {
    let finding = |kind: &str, address: &str| {
        json!({
            "kind": kind, "address": address, "id": text, "name": text, "account": text, "region": text, "reason": text,
            "file": text, "line": 3, "cause": {"kind": "denied", "detail": text},
            "attributes": [
                {"path": ["tags", text], "state": text, "cloud": [text], "code": {text: text}, "file": text, "line": 3, "cause": text}
            ],
        })
    };
    CheckCase::from_json(json!({
        "base": {"name": text, "commit": text}, "head": {"name": text, "commit": "2"}, "n_unchanged": 1,
        "diagnostics": [{"severity": "error", "summary": text, "detail": text}],
        "roots": [
            {
                "name": text, "directory": text, "workspace": text, "owners": [text, text], "why": text, "states": [text], "instances": 5,
                "diagnostics": [{"summary": text, "detail": text}],
                "change": {
                    "touches": [{"address": "aws_vpc.a", "how": "updates", "paths": [["tags", text]], "file": text, "line": 2, "unsure": text}],
                    "causes": [{"kind": "denied", "detail": text}],
                },
                "findings": [
                    finding("changed", "aws_vpc.a"), finding("missing", "aws_vpc.b"), finding("undetermined", "aws_vpc.c"),
                    finding("unmanaged", ""),
                ],
            },
            {"name": "", "directory": text, "error": text},
        ],
    }))
}

/// The same for one root module, without a change.
fn drift_of(text: &str) -> CheckCase {
    let mut input = check_of(text).input;
    let mut root = input["roots"][0].take();
    root.as_object_mut().expect("a root").remove("change");
    CheckCase::from_json(json!({"roots": [root]}))
}

fn render(case: &CheckCase, format: Format) -> String {
    case.render(&case.whole(), format, &Style { marker: "a".to_owned(), ..Style::plain() })
}

/// What the same check writes where nothing comes from outside: nothing but letters.
fn plain(format: Format) -> String {
    static PLAIN: LazyLock<CheckCase> = LazyLock::new(|| check_of("plain"));
    render(&PLAIN, format)
}

/// Lists what stands between `<` and `>`, by its first word.
fn tags(text: &str) -> Vec<String> {
    text.split('<').skip(1).map(|tag| tag.split([' ', '>', '\n']).next().unwrap_or_default().to_owned()).collect()
}

/// Reads XML as any reader of reports does: every text of it, or what is wrong.
fn read_xml(text: &str) -> Result<usize, String> {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut n_elements = 0;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            quick_xml::events::Event::Eof => return Ok(n_elements),
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                n_elements += 1;
                for attribute in tag.attributes() {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    attribute.unescape_value().map_err(|error| error.to_string())?;
                }
            }
            quick_xml::events::Event::CData(_) | quick_xml::events::Event::Comment(_) => {
                return Err("text has become markup".to_owned());
            }
            _ => {}
        }
    }
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\n'
}

fn is_command(line: &str) -> bool {
    let line = line.trim_start();
    line.contains("##[")
        || line.strip_prefix("::").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_format_of_a_check_is_steered(text in evil()) {
        let case = check_of(&text);

        let terminal = render(&case, Format::Terminal);
        prop_assert!(!terminal.chars().any(is_control), "{terminal:?}");
        prop_assert!(!terminal.lines().any(is_command), "{terminal}");

        let github = render(&case, Format::Github);
        prop_assert!(!github.chars().any(is_control));
        let commands = |text: &str| text.lines().map(|line| line.split([' ', ':']).nth(2).unwrap_or_default().to_owned()).collect::<Vec<_>>();
        prop_assert_eq!(commands(&github), commands(&plain(Format::Github)));
        for line in github.lines() {
            prop_assert!(line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::notice "), "{line}");
            let properties = line.split("::").nth(1).expect("a command has properties");
            let names: Vec<&str> = properties.split_once(' ').expect("a name").1.split(',').map(|part| part.split('=').next().unwrap_or_default()).collect();
            prop_assert!(names.iter().all(|name| ["file", "line", "endLine", "col", "endColumn", "title"].contains(name)), "{names:?}");
        }

        let comment = render(&case, Format::Markdown);
        prop_assert!(!comment.chars().any(is_control));
        prop_assert!(!comment.lines().any(is_command), "{comment}");
        let markup = outside_fences(&comment).join("\n");
        prop_assert_eq!(tags(&markup), tags(&outside_fences(&plain(Format::Markdown)).join("\n")));
        prop_assert!(!markup.contains("://") && !markup.contains(['@', '\\']) && !markup.contains("]("), "{markup}");
        let n_columns = |text: &str| text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect::<Vec<_>>();
        prop_assert_eq!(n_columns(&markup), n_columns(&outside_fences(&plain(Format::Markdown)).join("\n")));

        let page = render(&case, Format::Html);
        prop_assert!(!page.chars().any(is_control));
        prop_assert_eq!(tags(&page), tags(&plain(Format::Html)));

        let junit = render(&case, Format::Junit);
        prop_assert!(!junit.chars().any(is_control));
        prop_assert_eq!(read_xml(&junit), read_xml(&plain(Format::Junit)));

        for format in [Format::Json, Format::Sarif, Format::Gitlab, Format::GitlabTerraform] {
            let document = render(&case, format);
            let read: Result<Value, _> = serde_json::from_str(&document);
            prop_assert!(read.is_ok(), "{format:?}");
            prop_assert!(!document.chars().any(is_control) && !document.contains("##["), "{format:?}: {document}");
        }
    }

    #[test]
    fn no_format_of_drift_is_steered(text in evil()) {
        let case = drift_of(&text);
        let style = Style { marker: "a".to_owned(), ..Style::plain() };
        let terminal = case.render_drift(Format::Terminal, &style);
        prop_assert!(!terminal.chars().any(is_control), "{terminal:?}");
        prop_assert!(!terminal.lines().any(is_command), "{terminal}");
        let comment = case.render_drift(Format::Markdown, &style);
        prop_assert!(!comment.chars().any(is_control));
        prop_assert!(!comment.lines().any(is_command), "{comment}");
        let markup = outside_fences(&comment).join("\n");
        let plain = drift_of("plain").render_drift(Format::Markdown, &style);
        let plain = outside_fences(&plain).join("\n");
        prop_assert_eq!(tags(&markup), tags(&plain));
        prop_assert!(!markup.contains("://") && !markup.contains(['@', '\\']) && !markup.contains("]("), "{markup}");
        let n_columns = |text: &str| text.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect::<Vec<_>>();
        prop_assert_eq!(n_columns(&markup), n_columns(&plain));
        let github = case.render_drift(Format::Github, &style);
        prop_assert!(github.lines().all(|line| ["::error ", "::warning ", "::notice "].iter().any(|command| line.starts_with(command))), "{github}");
        prop_assert!(read_xml(&case.render_drift(Format::Junit, &style)).is_ok());
    }

    #[test]
    fn terminals_get_no_control_characters(text in any::<String>()) {
        prop_assert!(!escape_controls(&text).chars().any(char::is_control));
    }

    #[test]
    fn markdown_gets_no_markup(text in evil()) {
        let escaped = escape_markdown(&text);
        prop_assert!(!escaped.contains(['<', '>', '|', '`', '*', '[', ']', '@', '\\', '\n', '\r']));
        prop_assert!(!escaped.contains("://"));
    }

    #[test]
    fn cut_text_fits(text in any::<String>(), columns in 1..40usize) {
        prop_assert!(width(&shorten(&escape_controls(&text), columns)) <= columns);
    }

    #[test]
    fn fences_are_longer_than_any_run_inside(text in "[`a\n]{0,40}") {
        prop_assert!(!text.contains(&fence_for(&text)));
    }
}
