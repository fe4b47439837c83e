//! How often generated configuration plans clean: driftmgr's beside that of terraform and tofu, judged by both.

mod aws;
mod judge;
mod pairs;
mod scene;
mod torture;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::pairs::Pair;

pub use torture::torture;

/// The arguments of `cargo xtask loop adoption`: what is adopted.
#[derive(Subcommand)]
pub enum Arguments {
    /// Over a hundred types of AWS objects on moto
    Aws(aws::Arguments),
    /// Hundreds of AWS objects on moto: how long it takes, and that an interrupted run ends the same
    Many(aws::ManyArguments),
    /// The objects of the torture provider, each a difficulty
    Torture(OneByOne),
    /// What a root created in a `RabbitMQ` broker
    Rabbitmq(OneByOne),
    /// What a root created in a Kubernetes API server
    Kubernetes(OneByOne),
}

/// The arguments where each object is adopted alone.
#[derive(clap::Args)]
pub struct OneByOne {
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

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let pair = |pair, arguments: &OneByOne| pairs::run(pair, || super::driftmgr(&arguments.subject), &arguments.choice);
    match arguments {
        Arguments::Aws(arguments) => aws::run(arguments),
        Arguments::Many(arguments) => aws::run_many(arguments),
        Arguments::Torture(arguments) => torture::run(|| super::driftmgr(&arguments.subject), &arguments.choice),
        Arguments::Rabbitmq(arguments) => pair(Pair::Rabbitmq, arguments),
        Arguments::Kubernetes(arguments) => pair(Pair::Kubernetes, arguments),
    }
}
