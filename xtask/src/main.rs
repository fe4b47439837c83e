//! `cargo xtask`: the tasks of this repository, one subcommand each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install or build the foreign tools that tests and the quickstart run: found ones are left alone
    Tools(xtask::tools::Arguments),
    /// The emulated AWS account with the demo estate in it
    #[command(subcommand)]
    Estate(xtask::estate::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().task {
        Task::Tools(arguments) => xtask::tools::run(&arguments),
        Task::Estate(arguments) => xtask::estate::run(&arguments),
    }
}
