//! Where answers go: standard output.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use engine::Environment;

/// Writes to standard output; a reader that went away (`| head`) is no error.
pub(crate) fn write_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut stdout = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("could not write the answer to standard output"),
    }
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
