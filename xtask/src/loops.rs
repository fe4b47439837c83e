//! The closed loops: real terraform, real providers, an emulated account, and driftmgr in between.

mod aws;
pub(crate) mod score;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// The arguments of `cargo xtask loop`.
#[derive(Subcommand)]
pub enum Arguments {
    /// Terraform creates the estate on a fresh moto; it is changed, judged, and what was found is imported
    Aws(LoopArguments),
}

/// The arguments of one loop.
#[derive(clap::Args)]
pub struct LoopArguments {
    /// The driftmgr to judge [default: the one cargo builds now]
    #[arg(long, value_name = "PATH")]
    driftmgr: Option<PathBuf>,
}

/// Runs `cargo xtask loop`.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments {
        Arguments::Aws(arguments) => aws::run(arguments),
    }
}
