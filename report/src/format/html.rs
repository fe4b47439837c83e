//! HTML: one page that loads nothing and runs nothing.

use std::fmt::Write as _;
use std::io;

use super::Style;
use super::groups::{self, Group};
use crate::sheet::{AttributeSheet, FindingSheet, RootSheet, Sheet};
use crate::text::escape_controls;

/// Most columns of a value.
const MAX_VALUE: usize = 1_000;
/// Nothing is loaded, nothing runs: not even what would slip through the escapes.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const SHEET: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;margin:.5rem 0}th,td{border:1px solid #bbb;padding:.2rem .6rem;text-align:left;\
    vertical-align:top;overflow-wrap:anywhere}code,td.value{font-family:ui-monospace,monospace;font-size:.9em}\
    .fails{color:#b00020;font-weight:bold}.aside{color:#555}summary{cursor:pointer;font-weight:bold}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#eee}.aside{color:#aaa}.fails{color:#ff6b6b}}";

/// Writes the page.
///
/// # Errors
///
/// Those of the writer.
pub(crate) fn write(sheet: &Sheet, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let headline = escape(&groups::headline(sheet));
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>driftmgr: {headline}</title>\n<style>{SHEET}</style>\n</head>\n<body>\n<h1>{headline}</h1>"
    )?;
    for fact in groups::facts(sheet) {
        writeln!(out, "<p>{}.</p>", escape(&fact))?;
    }
    for diagnostic in &sheet.diagnostics {
        writeln!(out, "<p>{}: {}</p>", escape(&diagnostic.summary), escape(&diagnostic.detail))?;
    }
    for root in &sheet.roots {
        section(root, out)?;
    }
    writeln!(out, "</body>\n</html>")?;
    out.flush()
}

fn section(root: &RootSheet, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "<h2>{}{}</h2>", escape(&root.label()), escape(&root.owned_by()))?;
    if let Some(report) = &root.report {
        let states: Vec<String> = report.states.iter().map(|state| escape(&state.url)).collect();
        let as_of =
            report.as_of.as_deref().map_or_else(|| "without any scan".to_owned(), |at| format!("as of {}", escape(at)));
        let summary = &report.summary;
        writeln!(
            out,
            "<p>Checked {} of {} instances, {as_of}, against {}.</p>",
            summary.checked,
            summary.instances,
            if states.is_empty() { "no state".to_owned() } else { states.join(", ") }
        )?;
        for diagnostic in &report.diagnostics {
            writeln!(out, "<p>{}: {}</p>", escape(&diagnostic.summary), escape(&diagnostic.detail))?;
        }
    }
    if let Some(error) = &root.error {
        writeln!(out, "<p class=\"fails\">It could not be compared: {}</p>", escape(error))?;
    }
    if let Some(why) = &root.why {
        writeln!(out, "<p class=\"aside\">{} changed.</p>", escape(why))?;
    }
    for group in groups::of(root) {
        let open = if group.findings.iter().any(|finding| finding.fails) { " open" } else { "" };
        let Group { title, findings, .. } = group;
        writeln!(out, "<details{open}><summary>{} ({})</summary>", escape(title), findings.len())?;
        for finding in findings {
            entry(root, finding, out)?;
        }
        writeln!(out, "</details>")?;
    }
    if let Some(change) = root.change.as_ref().filter(|change| !change.touches.is_empty()) {
        writeln!(out, "<details><summary>What this change is about ({})</summary>\n<table>", change.touches.len())?;
        for touch in &change.touches {
            let unsure = touch.unsure.as_ref().map(|unsure| format!(" (not certain: {})", escape(unsure)));
            let place = touch.source.as_ref().and_then(|source| root.place(source));
            let place = place.map(|place| format!("{}:{}", place.path, place.line)).unwrap_or_default();
            writeln!(
                out,
                "<tr><td>{}{}</td><td><code>{}</code></td><td><code>{}</code>{}</td><td>{}</td></tr>",
                escape(&touch.how),
                touch.from.as_ref().map(|from| format!(" from <code>{}</code>", escape(from))).unwrap_or_default(),
                escape(&touch.address),
                escape(&touch.paths.join(", ")),
                unsure.unwrap_or_default(),
                escape(&place)
            )?;
        }
        writeln!(out, "</table></details>")?;
    }
    if let Some(scopes) = groups::unseen_scopes(root) {
        writeln!(out, "<p>{}.</p>", escape(&scopes))?;
    }
    let reasons = groups::not_seen(root);
    if !reasons.is_empty() {
        writeln!(out, "<details><summary>Not seen</summary>\n<table>")?;
        for (reason, findings) in reasons {
            let examples = escape(&groups::examples(&findings));
            writeln!(out, "<tr><td>{}</td><td>{examples}</td><td>{}</td></tr>", findings.len(), escape(reason))?;
        }
        writeln!(out, "</table></details>")?;
    }
    Ok(())
}

fn entry(root: &RootSheet, finding: &FindingSheet, out: &mut dyn io::Write) -> io::Result<()> {
    let kind = finding.kind().map_or("found", super::word);
    let fails = if finding.fails { " <span class=\"fails\">fails</span>" } else { "" };
    let lies = finding.lies();
    let lies = if lies.is_empty() { String::new() } else { format!(" <span class=\"aside\">{}</span>", escape(&lies)) };
    writeln!(out, "<h3><code>{}</code> {}{fails}{lies}</h3>", escape(&finding.subject()), escape(kind))?;
    writeln!(out, "<p>{}</p>", escape(&finding.reason))?;
    let told: Vec<&AttributeSheet> = finding.attributes.iter().filter(|attribute| attribute.is_told()).collect();
    if !told.is_empty() {
        let mut rows = String::new();
        for attribute in told {
            let place = attribute.source.as_ref().and_then(|source| root.place(source));
            let place = place.map(|place| format!("{}:{}", place.path, place.line)).unwrap_or_default();
            let side = |side: &Option<Box<serde_json::value::RawValue>>| match AttributeSheet::side(
                side.as_deref(),
                MAX_VALUE,
            ) {
                Some(value) => escape(&value),
                None if attribute.sensitive => "(sensitive)".to_owned(),
                None => String::new(),
            };
            let _ = writeln!(
                rows,
                "<tr><td><code>{}</code></td><td>{}</td><td class=\"value\">{}</td><td class=\"value\">{}</td>\
                 <td class=\"value\">{}</td><td>{}</td></tr>",
                escape(&attribute.path()),
                escape(&attribute.tier),
                side(&attribute.code),
                side(&attribute.state),
                side(&attribute.cloud),
                escape(&place)
            );
        }
        writeln!(
            out,
            "<table><tr><th>attribute</th><th>tier</th><th>code</th><th>state</th><th>cloud</th><th>line</th></tr>\n\
             {rows}</table>"
        )?;
    }
    let remedies = finding.remedies();
    if !remedies.is_empty() {
        writeln!(out, "<p>What to do: {}.</p>", escape(&remedies.join(", or ")))?;
    }
    Ok(())
}

/// Escapes what is markup, and what turns or hides other characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in escape_controls(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
