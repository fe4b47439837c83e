//! JUnit: a suite for each root module, a case for each thing found. What fails is a failure, what could not be looked at
//! is skipped.

use std::collections::BTreeMap;
use std::io;

use model::Kind;

use super::Style;
use crate::sheet::{AttributeSheet, FindingSheet, RootSheet, Sheet};
use crate::text::{count, escape_controls, shorten};

/// Most cases of a suite.
pub const MAX_CASES: usize = 25_000;
/// Most columns of an attribute's text.
const MAX_ATTRIBUTE: usize = 1_000;

/// Writes the report.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let suites: Vec<Suite<'_>> = sheet.roots.iter().map(Suite::of).collect();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="driftmgr" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
        suites.iter().map(Suite::n_tests).sum::<usize>(),
        suites.iter().map(|suite| suite.n_failures).sum::<usize>(),
        suites.iter().map(|suite| suite.n_errors).sum::<usize>(),
        suites.iter().map(|suite| suite.n_skipped).sum::<usize>(),
    )?;
    for suite in &suites {
        suite.write(out)?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

/// What is told of one root. Several findings about one instance are one case.
struct Suite<'s> {
    root: &'s RootSheet,
    cases: Vec<(String, Vec<&'s FindingSheet>)>,
    n_failures: usize,
    n_errors: usize,
    n_skipped: usize,
    n_left_out: usize,
    /// Instances that were looked at and about which there is nothing to say; they have one case together.
    n_clean: u64,
}

impl<'s> Suite<'s> {
    fn of(root: &'s RootSheet) -> Self {
        let mut by_subject: BTreeMap<String, Vec<&FindingSheet>> = BTreeMap::new();
        for finding in root.report.iter().flat_map(|report| &report.findings).filter(|finding| finding.is_shown()) {
            by_subject.entry(finding.subject()).or_default().push(finding);
        }
        let mut cases: Vec<(String, Vec<&FindingSheet>)> = by_subject.into_iter().collect();
        cases.sort_by_key(|(_, findings)| (!is_failure(findings), !is_skipped(findings)));
        let n_with_findings = |(_, findings): &&(String, Vec<&FindingSheet>)| {
            findings.iter().any(|finding| finding.address.is_some() && finding.kind() != Some(Kind::Undetermined))
        };
        // Those that are left out are not clean for it.
        let n_with_findings = cases.iter().filter(n_with_findings).count() as u64;
        let n_left_out = cases.len().saturating_sub(MAX_CASES);
        cases.truncate(MAX_CASES);
        Self {
            n_failures: cases.iter().filter(|(_, findings)| is_failure(findings)).count(),
            n_errors: usize::from(root.error.is_some()),
            n_skipped: cases.iter().filter(|(_, findings)| is_skipped(findings)).count() + usize::from(n_left_out > 0),
            n_left_out,
            n_clean: root.report.as_ref().map_or(0, |report| report.summary.checked.saturating_sub(n_with_findings)),
            root,
            cases,
        }
    }

    fn n_tests(&self) -> usize {
        self.cases.len() + usize::from(self.n_left_out > 0) + self.n_errors + usize::from(self.n_clean > 0)
    }

    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let label = self.root.label();
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
            attribute(&label),
            self.n_tests(),
            self.n_failures,
            self.n_errors,
            self.n_skipped
        )?;
        if let Some(error) = &self.root.error {
            writeln!(out, r#"    <testcase classname="{}" name="the root module">"#, attribute(&label))?;
            writeln!(out, r#"      <error message="It could not be judged">{}</error>"#, text(error))?;
            writeln!(out, "    </testcase>")?;
        }
        for (subject, findings) in &self.cases {
            self.case(&label, subject, findings, out)?;
        }
        if self.n_left_out > 0 {
            writeln!(out, r#"    <testcase classname="{}" name="left out">"#, attribute(&label))?;
            let message =
                format!("{} left out: a suite has {MAX_CASES} at most", count(self.n_left_out as u64, "case"));
            writeln!(out, r#"      <skipped message="{}"/>"#, attribute(&message))?;
            writeln!(out, "    </testcase>")?;
        }
        if self.n_clean > 0 {
            let name = format!("{} without a finding", count(self.n_clean, "instance"));
            writeln!(out, r#"    <testcase classname="{}" name="{}"/>"#, attribute(&label), attribute(&name))?;
        }
        writeln!(out, "  </testsuite>")
    }

    fn case(&self, label: &str, subject: &str, findings: &[&FindingSheet], out: &mut dyn io::Write) -> io::Result<()> {
        write!(out, r#"    <testcase classname="{}" name="{}""#, attribute(label), attribute(subject))?;
        let mut sources = findings.iter().flat_map(|finding| {
            finding.attributes.iter().filter_map(|attribute| attribute.source.as_ref()).chain(finding.source.as_ref())
        });
        if let Some(place) = sources.find_map(|source| self.root.place(source)) {
            write!(out, r#" file="{}" line="{}""#, attribute(&place.path), place.line)?;
        }
        writeln!(out, ">")?;
        if is_failure(findings) {
            for finding in findings.iter().filter(|finding| finding.fails) {
                writeln!(
                    out,
                    r#"      <failure type="{}" message="{}">{}</failure>"#,
                    attribute(&finding.kind),
                    attribute(&finding.reason),
                    text(&details(finding))
                )?;
            }
        } else if is_skipped(findings) {
            let reasons: Vec<&str> = findings.iter().map(|finding| &*finding.reason).collect();
            writeln!(out, r#"      <skipped message="{}"/>"#, attribute(&reasons.join(" ")))?;
        }
        let others: Vec<String> = findings
            .iter()
            .filter(|finding| !finding.fails && finding.kind() != Some(Kind::Undetermined))
            .map(|finding| format!("{}: {}\n{}", finding.kind, finding.reason, details(finding)))
            .collect();
        if !others.is_empty() {
            writeln!(out, "      <system-out>{}</system-out>", text(&others.join("\n")))?;
        }
        writeln!(out, "    </testcase>")
    }
}

fn is_failure(findings: &[&FindingSheet]) -> bool {
    findings.iter().any(|finding| finding.fails)
}

fn is_skipped(findings: &[&FindingSheet]) -> bool {
    !is_failure(findings) && findings.iter().any(|finding| finding.kind() == Some(Kind::Undetermined))
}

fn details(finding: &FindingSheet) -> String {
    let mut lines: Vec<String> = finding
        .attributes
        .iter()
        .filter(|attribute| attribute.is_told())
        .map(|attribute: &AttributeSheet| attribute.sentence(finding))
        .collect();
    if let Some(impact) = finding.impact() {
        lines.push(super::impact_sentence(impact).to_owned());
    }
    let remedies = finding.remedies();
    if !remedies.is_empty() {
        lines.push(format!("What to do: {}.", remedies.join(", or ")));
    }
    lines.join("\n")
}

/// Escapes the value of an attribute, cut where it is long.
fn attribute(value: &str) -> String {
    escape(&shorten(&escape_controls(value), MAX_ATTRIBUTE))
}

/// Escapes text between tags, line by line.
fn text(value: &str) -> String {
    let lines: Vec<String> = value.lines().map(|line| escape(&escape_controls(line))).collect();
    lines.join("\n")
}

/// Escapes markup, and what XML cannot hold at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push_str(&c.escape_unicode().to_string()),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{attribute, text};

    #[test]
    fn xml_holds_only_what_it_may() {
        assert_eq!(attribute("a<b>&\"'\u{0}\u{1b}\u{ffff}"), "a&lt;b&gt;&amp;&quot;&apos;\\u{0}\\u{1b}\\u{ffff}");
        assert_eq!(text("a ]]> b\n\u{202e}c"), "a ]]&gt; b\n\\u{202e}c");
    }
}
