//! The commands, one file each.

mod adopt;
mod baseline;
mod check;
mod comparison;
mod completions;
mod doctor;
mod drift;
mod explain;
mod query;
mod remediate;
mod report;
mod roots;
mod scan;
mod state;
mod types;
mod unmanaged;

use clap::{Parser, Subcommand};
use engine::Session;

use crate::args::StoreArgs;

/// What exists in the cloud, what drifted from your Terraform or OpenTofu state, and what nobody manages.
///
/// It reads: no command applies, writes a state, or changes anything in a cloud.
///
/// Exit codes: 0 clean, 1 error or wrong usage, 2 drift found, 3 no drift found but something could not be seen,
/// 130 and 143 on a signal. Only drift, check, unmanaged and report merge ever end with 2.
#[derive(Debug, Parser)]
#[command(name = "driftmgr", version, arg_required_else_help = true, max_term_width = 110)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    store: StoreArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(scan::Arguments),
    Query(query::Arguments),
    Drift(drift::Arguments),
    Check(check::Arguments),
    Unmanaged(unmanaged::Arguments),
    Adopt(adopt::Arguments),
    Baseline(baseline::Arguments),
    Remediate(remediate::Arguments),
    Explain(explain::Arguments),
    Report(report::Arguments),
    State(state::Arguments),
    Roots(roots::Arguments),
    Types(types::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
}

impl CommandLine {
    /// Runs the command and gives its exit code.
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<u8> {
        let store = self.store;
        match self.command {
            Command::Scan(arguments) => scan::run(arguments, &store, session).await,
            Command::Query(arguments) => query::run(&arguments, &store, session),
            Command::Drift(arguments) => drift::run(arguments, &store, session).await,
            Command::Check(arguments) => check::run(arguments, &store, session).await,
            Command::Unmanaged(arguments) => unmanaged::run(arguments, &store, session).await,
            Command::Adopt(arguments) => adopt::run(arguments, &store, session).await,
            Command::Baseline(arguments) => baseline::run(arguments, &store, session).await,
            Command::Remediate(arguments) => remediate::run(arguments, &store, session).await,
            Command::Explain(arguments) => explain::run(arguments, session).await,
            Command::Report(arguments) => report::run(&arguments, session),
            Command::State(arguments) => state::run(arguments, session).await,
            Command::Roots(arguments) => roots::run(&arguments, session),
            Command::Types(arguments) => types::run(&arguments, session),
            Command::Doctor(arguments) => doctor::run(arguments, &store, session).await,
            Command::Completions(arguments) => completions::run(&arguments),
        }
    }
}
