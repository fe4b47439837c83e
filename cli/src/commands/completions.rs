//! `driftmgr completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::output;

/// Print a completion script for a shell
///
/// Install it where the shell looks, for example:
///
///   driftmgr completions bash > ~/.local/share/bash-completion/completions/driftmgr
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::CommandLine::command(), "driftmgr", &mut script);
    output::write_stdout(|out| out.write_all(&script))?;
    Ok(0)
}
