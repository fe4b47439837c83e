//! The terminal, for a check: what meets the change first, root by root, then what is beside it, then what was not seen.

use std::io;

use super::Style;
use super::groups::{self, Group};
use crate::sheet::{AttributeSheet, FindingSheet, RootSheet, Sheet};
use crate::text::{count, escape_controls, width};

/// Most differences shown of one finding.
const MAX_DIFFERENCES: usize = 8;
/// Most touches shown of one root where nobody asked for all.
const MAX_TOUCHES: usize = 20;

/// Writes a check.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { style, out };
    page.head(sheet)?;
    for root in &sheet.roots {
        page.root(root)?;
    }
    page.out.flush()
}

struct Page<'a> {
    style: &'a Style,
    out: &'a mut dyn io::Write,
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const GREEN: &str = "1;32";
const DIM: &str = "2";

impl Page<'_> {
    fn head(&mut self, sheet: &Sheet) -> io::Result<()> {
        let paint = match (groups::n_failing(sheet), groups::is_complete(sheet)) {
            (0, true) => GREEN,
            (0, false) => YELLOW,
            _ => RED,
        };
        self.wrapped(0, paint, &format!("{}.", groups::headline(sheet)))?;
        for fact in groups::facts(sheet) {
            self.wrapped(0, DIM, &format!("{fact}."))?;
        }
        for diagnostic in &sheet.diagnostics {
            let text = format!("{}: {}: {}", diagnostic.severity, diagnostic.summary, diagnostic.detail);
            self.wrapped(0, YELLOW, &text)?;
        }
        Ok(())
    }

    fn root(&mut self, root: &RootSheet) -> io::Result<()> {
        let why = root.why.as_ref().map(|why| format!("  ({} changed)", escape_controls(why))).unwrap_or_default();
        let label = self.paint(BOLD, &root.label());
        writeln!(self.out, "\n{label}{}{why}", root.owned_by())?;
        if let Some(error) = &root.error {
            self.wrapped(2, RED, &format!("It could not be compared: {error}"))?;
        }
        self.touches(root)?;
        for group in groups::of(root) {
            self.group(root, &group)?;
        }
        let Some(report) = &root.report else { return Ok(()) };
        for diagnostic in &report.diagnostics {
            self.wrapped(
                2,
                YELLOW,
                &format!("{}: {}: {}", diagnostic.severity, diagnostic.summary, diagnostic.detail),
            )?;
        }
        self.not_seen(root)?;
        let summary = &report.summary;
        let mut facts = vec![format!("Checked {} of {}", summary.checked, count(summary.instances, "instance"))];
        for (name, counts) in [("folded away", &summary.folded), ("ignored by rule", &summary.ignored)] {
            let number: u64 = counts.values().sum();
            if number > 0 {
                facts.push(format!("{number} {name}"));
            }
        }
        self.wrapped(2, DIM, &format!("{}.", facts.join(", ")))
    }

    fn touches(&mut self, root: &RootSheet) -> io::Result<()> {
        let Some(change) = &root.change else { return Ok(()) };
        if change.touches.is_empty() && change.causes.is_empty() {
            return self.wrapped(2, DIM, "This change is about no instance of it.");
        }
        writeln!(self.out, "  This change")?;
        let limit = self.style.top.map_or(usize::MAX, |_| MAX_TOUCHES);
        for touch in change.touches.iter().take(limit) {
            let mut line = format!("{:9}{}", touch.how, touch.address);
            if let Some(from) = &touch.from {
                line.push_str(&format!(" from {from}"));
            }
            if !touch.paths.is_empty() {
                line.push_str(&format!(": {}", touch.paths.join(", ")));
            }
            writeln!(self.out, "    {}", escape_controls(&line))?;
            if let Some(unsure) = &touch.unsure {
                self.wrapped(6, DIM, &format!("not certain: {unsure}"))?;
            }
        }
        if change.touches.len() > limit {
            self.cut(4, &format!("… {}", count((change.touches.len() - limit) as u64, "more instance")))?;
        }
        for cause in &change.causes {
            self.wrapped(4, YELLOW, &format!("It is not known of everything: {}", cause.detail))?;
        }
        Ok(())
    }

    fn group(&mut self, root: &RootSheet, group: &Group<'_>) -> io::Result<()> {
        let title = self.paint(BOLD, &format!("{} ({})", group.title, group.findings.len()));
        writeln!(self.out, "  {title}")?;
        let limit = self.style.top.unwrap_or(usize::MAX);
        for finding in group.findings.iter().take(limit) {
            self.finding(root, finding, group.is_aside)?;
        }
        if group.findings.len() > limit {
            self.cut(4, &format!("… {}", count((group.findings.len() - limit) as u64, "more finding")))?;
        }
        Ok(())
    }

    fn finding(&mut self, root: &RootSheet, finding: &FindingSheet, is_aside: bool) -> io::Result<()> {
        let mark = if finding.fails { self.paint(RED, "FAILS ") } else { String::new() };
        let kind = finding.kind().map_or("found", super::word);
        writeln!(self.out, "    {mark}{}  {}", finding.subject(), self.paint(DIM, kind))?;
        let told: Vec<&AttributeSheet> = finding.attributes.iter().filter(|attribute| attribute.is_told()).collect();
        if is_aside && self.style.top.is_some() {
            let paths: Vec<String> = told.iter().take(MAX_DIFFERENCES).map(|attribute| attribute.path()).collect();
            let more = told.len().saturating_sub(MAX_DIFFERENCES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            if !paths.is_empty() {
                self.wrapped(6, DIM, &format!("{}{more}", paths.join(", ")))?;
            }
            return Ok(());
        }
        self.wrapped(6, DIM, &finding.reason)?;
        let limit = self.style.top.map_or(usize::MAX, |_| MAX_DIFFERENCES);
        for attribute in told.iter().take(limit) {
            let source = attribute.source.as_ref().or(finding.source.as_ref());
            let place = source.and_then(|source| root.place(source));
            let place = place.map(|place| format!("{}:{}: ", place.path, place.line)).unwrap_or_default();
            self.wrapped(6, YELLOW, &format!("{place}{}", attribute.sentence(finding)))?;
        }
        if told.len() > limit {
            self.cut(6, &format!("… {}", count((told.len() - limit) as u64, "more difference")))?;
        }
        let remedies = finding.remedies();
        if !remedies.is_empty() {
            self.wrapped(6, DIM, &format!("What to do: {}.", remedies.join(", or ")))?;
        }
        Ok(())
    }

    fn not_seen(&mut self, root: &RootSheet) -> io::Result<()> {
        if let Some(scopes) = groups::unseen_scopes(root) {
            self.wrapped(2, YELLOW, &format!("{scopes}."))?;
        }
        let reasons = groups::not_seen(root);
        if reasons.is_empty() {
            return Ok(());
        }
        let n_findings: usize = reasons.iter().map(|(_, findings)| findings.len()).sum();
        let title = self.paint(BOLD, &format!("Not seen ({n_findings})"));
        writeln!(self.out, "  {title}")?;
        let limit = self.style.top.unwrap_or(usize::MAX);
        for (reason, findings) in reasons.iter().take(limit) {
            self.wrapped(4, DIM, reason)?;
            self.wrapped(6, YELLOW, &groups::examples(findings))?;
        }
        if reasons.len() > limit {
            self.cut(4, &format!("… {}", count((reasons.len() - limit) as u64, "more reason")))?;
        }
        Ok(())
    }

    fn cut(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let see = &self.style.see_all;
        let text = if see.is_empty() { text.to_owned() } else { format!("{text}; {see}") };
        self.wrapped(indent, YELLOW, &text)
    }

    /// Writes text in lines that fit.
    fn wrapped(&mut self, indent: usize, paint: &str, text: &str) -> io::Result<()> {
        let text = escape_controls(text);
        let room = self.style.width.saturating_sub(indent).max(20);
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && width(&line) + 1 + width(word) > room {
                writeln!(self.out, "{}{}", " ".repeat(indent), self.paint(paint, &line))?;
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        writeln!(self.out, "{}{}", " ".repeat(indent), self.paint(paint, &line))
    }

    fn paint(&self, paint: &str, text: &str) -> String {
        if self.style.color && !text.is_empty() { format!("\u{1b}[{paint}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
