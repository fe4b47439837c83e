//! How often generated configuration plans clean: driftmgr's beside that of terraform and tofu, judged by both.

mod judge;
mod pairs;
mod scene;
mod torture;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

/// The arguments of `cargo xtask loop adoption`.
#[derive(clap::Args)]
pub struct Arguments {
    /// What is adopted
    #[arg(value_enum)]
    estate: Adopted,
    #[command(flatten)]
    subject: super::LoopArguments,
    #[command(flatten)]
    choice: Choice,
}

/// What of it is done.
#[derive(clap::Args)]
pub(super) struct Choice {
    /// Only the objects whose address contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Leaves out what terraform and tofu generate themselves
    #[arg(long)]
    without_baseline: bool,
    /// Leaves out driftmgr
    #[arg(long)]
    baseline_only: bool,
    /// A folder to keep the generated files in
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Objects that nobody manages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Adopted {
    /// The objects of the torture provider, each a difficulty
    Torture,
    /// What a root created in a `RabbitMQ` broker
    Rabbitmq,
    /// What a root created in a Kubernetes API server
    Kubernetes,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let driftmgr = || super::driftmgr(&arguments.subject);
    match arguments.estate {
        Adopted::Torture => torture::run(driftmgr, &arguments.choice),
        Adopted::Rabbitmq => pairs::run(crate::pairs::Pair::Rabbitmq, driftmgr, &arguments.choice),
        Adopted::Kubernetes => pairs::run(crate::pairs::Pair::Kubernetes, driftmgr, &arguments.choice),
    }
}
