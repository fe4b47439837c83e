//! The closed loops: real terraform, real providers, an emulated account, and driftmgr in between.

mod accuracy;
pub mod adoption;
mod aws;
mod evaluation;
pub(crate) mod score;
mod verdicts;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use serde_json::Value;

use crate::repository;
use crate::terraform::RootFolder;

/// The arguments of `cargo xtask loop`.
#[derive(Subcommand)]
pub enum Arguments {
    /// Terraform creates the estate on a fresh moto; it is changed, judged, and what was found is imported
    Aws(LoopArguments),
    /// On each pair of a provider and a server: drifts and noises that a seed draws, and three programs asked about them
    Accuracy(accuracy::Arguments),
    /// Generated configuration: driftmgr's, terraform's and tofu's, and how much of it the programs plan clean
    #[command(subcommand)]
    Adoption(adoption::Arguments),
    /// On each pair: code, state and cloud made to differ as a seed draws it, and each row of the truth table counted
    Verdicts(verdicts::Arguments),
    /// Roots of modules: how much of their values is known without a plan, and whether it is what terraform plans
    Evaluation(evaluation::Arguments),
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
        Arguments::Accuracy(arguments) => accuracy::run(arguments),
        Arguments::Adoption(arguments) => adoption::run(arguments),
        Arguments::Verdicts(arguments) => verdicts::run(arguments),
        Arguments::Evaluation(arguments) => evaluation::run(arguments),
    }
}

/// Returns the program to judge.
fn driftmgr(arguments: &LoopArguments) -> Result<PathBuf> {
    match &arguments.driftmgr {
        Some(path) => std::path::absolute(path).context("--driftmgr is empty"),
        None => build_driftmgr(),
    }
}

/// Runs the program that is judged, in the estate's root, with a store of its own.
struct Subject<'a> {
    driftmgr: PathBuf,
    root: &'a RootFolder<'a>,
}

impl Subject<'_> {
    fn store(&self) -> PathBuf {
        self.root.path().join("store.db")
    }

    fn run(&self, arguments: &[&str], expected: &[i32]) -> Result<Output> {
        let output = self
            .root
            .command(&self.driftmgr)
            .args(arguments)
            .env("DRIFTMGR_STORE", self.store())
            .output()
            .with_context(|| format!("cannot start {}", self.driftmgr.display()))?;
        let code = output.status.code().unwrap_or(-1);
        ensure!(
            expected.contains(&code),
            "driftmgr {} ended with {code}, not with one of {expected:?}:\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(output)
    }
}

fn build_driftmgr() -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository()).args(["build", "--quiet", "--package", "driftmgr", "--message-format=json"]);
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo can't build driftmgr");
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line).context("cargo printed something else than JSON")?;
        if let (Some("driftmgr"), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            return Ok(PathBuf::from(path));
        }
    }
    bail!("cargo built no program named driftmgr")
}
