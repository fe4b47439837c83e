//! `driftmgr`: what exists in the cloud, what drifted from code and state, what nobody manages.
//!
//! **Owns** the command line: options, progress, colors, signals, exit codes, and which answer goes where. Results go to
//! standard output, everything else to standard error.
//!
//! **May not know** how anything is found or decided: it fills in requests for `engine` and hands answers to `report`.
//!
//! **Start reading** at [`commands`]; each command is one file.
//!
//! **A good addition** is one file in `commands/` and one line in its table, with a help text that a stranger
//! understands and a case in `tests/`.

mod args;
mod commands;
mod failure;
mod output;
mod progress;
mod render;
mod signals;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use engine::{Environment, Session};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let command = match commands::CommandLine::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help and version are answers; everything else is wrong usage, which is an error: 1, not clap's 2.
            let is_answer = !error.use_stderr();
            let _ = error.print();
            return if is_answer { ExitCode::SUCCESS } else { ExitCode::from(code_of_error()) };
        }
    };
    start_logging();
    match run(command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(code_of_error())
        }
    }
}

fn code_of_error() -> u8 {
    args::code_of_error(std::env::args_os())
}

fn run(command: commands::CommandLine) -> anyhow::Result<u8> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = Environment::new(variables, std::env::home_dir());
    let current_dir = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let mut session = Session::new(environment, current_dir);
    session.progress = progress::progress();

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let signals = signals::Signals::listen(session.cancel.clone())?;
        let result = command.run(&session).await;
        drop(session);
        // A signal decides the exit code: what was written before it stands, and nothing else is claimed.
        match (signals.exit_code(), result) {
            (Some(code), result) => {
                if let Err(error) = result {
                    failure::print(&error);
                }
                Ok(code)
            }
            (None, Ok(code)) => Ok(code),
            (None, Err(error)) => {
                failure::print(&error);
                Ok(code_of_error())
            }
        }
    })
}

/// Logs go to standard error, off unless `DRIFTMGR_LOG` names a filter such as `net=debug`.
fn start_logging() {
    let filter = EnvFilter::try_from_env("DRIFTMGR_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
