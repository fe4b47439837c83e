//! Where answers go: standard output, files, and the summary of a workflow's step.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use engine::Environment;
use report::format::summary;
use report::{Format, Style, Values};

use crate::args::ReportArgs;

/// Writes to standard output; a reader that went away (`| head`) is no error.
pub(crate) fn write_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write the answer to standard output"),
    }
}

/// Writes a verdict to everything that is to have it. Files are written whole or not at all.
pub(crate) fn write_report(
    environment: &Environment,
    to: &ReportArgs,
    style: &Style,
    write: &dyn Fn(Format, &Style, &mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut has_summary = false;
    for (format, path) in to.outputs() {
        match path {
            None => write_stdout(|out| write(format, style, out))?,
            Some(path) => {
                let plain = Style { color: false, width: 100, ..style.clone() };
                write_file(path, |out| write(format, &plain, out))?;
            }
        }
        if format == Format::Github && !has_summary {
            has_summary = true;
            write_step_summary(environment, style, write)?;
        }
    }
    Ok(())
}

/// Appends to the summary of a GitHub workflow's step, where this is one.
fn write_step_summary(
    environment: &Environment,
    style: &Style,
    write: &dyn Fn(Format, &Style, &mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let Some(path) = environment.get(summary::VARIABLE).filter(|path| !path.is_empty()) else { return Ok(()) };
    let context = || format!("could not write the summary of the step to {path}, which {} names", summary::VARIABLE);
    let n_before = fs::metadata(path).map_or(0, |file| file.len());
    let style = summary::style(style, n_before);
    let mut text = Vec::new();
    write(Format::Markdown, &style, &mut text).with_context(context)?;
    let mut file = File::options().create(true).append(true).open(path).with_context(context)?;
    file.write_all(&text).with_context(context)
}

fn write_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let context = || format!("could not write the answer to {}", path.display());
    let mut text = Vec::new();
    write(&mut text).with_context(context)?;
    fs::write(path, text).with_context(context)
}

/// Gives how a verdict is written here.
pub(crate) fn style(environment: &Environment, values: Values, top: Option<usize>) -> Style {
    Style { color: wants_color(environment), width: width(environment), values, top, ..Style::plain() }
}

/// Tells whether standard output wants colors: a terminal, and `NO_COLOR` is not set.
pub(crate) fn wants_color(environment: &Environment) -> bool {
    if environment.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    environment.get("NO_COLOR").is_none() && environment.get("TERM") != Some("dumb") && io::stdout().is_terminal()
}

/// Gives the columns there are for prose: those of the terminal, or what `COLUMNS` states, else 100.
pub(crate) fn width(environment: &Environment) -> usize {
    stated_width(environment).unwrap_or(100)
}

/// Gives the columns there are for tables: where standard output is no terminal, cells are never cut.
pub(crate) fn table_width(environment: &Environment) -> usize {
    stated_width(environment).unwrap_or(usize::MAX)
}

fn stated_width(environment: &Environment) -> Option<usize> {
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    let stated = environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
    stated.or_else(terminal).filter(|width| *width >= 40)
}
