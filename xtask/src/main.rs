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
    /// Lay out a release: what a registry wants of the provider, and the command line beside it
    Dist(xtask::dist::Arguments),
    /// Install or build the foreign tools that tests and the quickstart run: found ones are left alone
    Tools(xtask::tools::Arguments),
    /// The emulated AWS account with the demo estate in it
    #[command(subcommand)]
    Estate(xtask::estate::Arguments),
    /// The closed loops: real terraform and providers, drift with a known truth, and driftmgr in between
    #[command(subcommand)]
    Loop(xtask::loops::Arguments),
    /// Write a git repository of many root modules with their states, for measurements
    ManyRoots(xtask::many_roots::Arguments),
    /// Show the whole product on the demo estate, and compare what it finds with the truth
    Quickstart(xtask::quickstart::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().task {
        Task::Dist(arguments) => xtask::dist::run(&arguments),
        Task::ManyRoots(arguments) => xtask::many_roots::run(&arguments),
        Task::Quickstart(arguments) => xtask::quickstart::run(&arguments),
        Task::Tools(arguments) => xtask::tools::run(&arguments),
        Task::Estate(arguments) => xtask::estate::run(&arguments),
        Task::Loop(arguments) => xtask::loops::run(&arguments),
    }
}
