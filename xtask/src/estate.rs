//! The demo estate: a small emulated AWS account, and the state that terraform wrote for it.
//!
//! `examples/estate` holds the configuration, that state, and every request the real provider sent while it created the
//! estate. Replayed into a fresh moto with the same seed, the requests give the same ids, so that neither terraform nor
//! the provider is needed to have the account of the state.

pub(crate) mod recording;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;

use crate::moto::{ACCOUNT, Moto};
use crate::terraform::{CliConfig, RootFolder};
use crate::{repository, tools};

/// The seed of the ids in the committed state.
const SEED: u32 = 42;
/// moto ignores the tags that a bucket is created with, so the first apply leaves them to the second.
pub const N_APPLIES: usize = 2;

/// The arguments of `cargo xtask estate`.
#[derive(Subcommand)]
pub enum Arguments {
    /// Create the estate with terraform and the real provider; replace the committed recording and state
    Record,
    /// Run a command while the estate is up; its environment names the account and, in `ESTATE_DIR`, the root module
    Run(RunArguments),
    /// Keep the estate up until standard input ends; print the environment to use it
    Serve(ServeArguments),
}

/// The arguments of `cargo xtask estate run`.
#[derive(clap::Args)]
pub struct RunArguments {
    #[command(flatten)]
    estate: ServeArguments,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// What the estate looks like while it is up.
#[derive(clap::Args)]
pub struct ServeArguments {
    /// Change things behind terraform's back first; the truth about it lies in `ESTATE_DIR/truth.json`
    #[arg(long)]
    drift: bool,
    /// Where to put a copy of the root module with its state; an earlier copy there is replaced
    #[arg(long, value_name = "DIR", default_value = "target/estate")]
    dir: PathBuf,
}

/// Runs `cargo xtask estate`.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments {
        Arguments::Record => record(),
        Arguments::Run(arguments) => run_command(arguments),
        Arguments::Serve(arguments) => serve(arguments),
    }
}

/// Returns the directory of the estate's root module.
pub fn directory() -> PathBuf {
    repository().join("examples/estate")
}

/// Starts moto and replays the recording into it.
pub fn start() -> Result<Moto> {
    let moto = Moto::start()?;
    moto.seed(SEED)?;
    let path = recording_path();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    recording::replay(&text, moto.port()).with_context(|| format!("cannot replay {}", path.display()))?;
    Ok(moto)
}

/// Copies the root module and its state into a directory; an earlier copy is replaced.
pub fn copy_to(directory: &Path) -> Result<()> {
    if directory.exists() {
        // A mistyped directory must not cost somebody their files.
        ensure!(
            directory.join(MARKER).exists(),
            "{} exists and is no copy of the estate; name another directory",
            directory.display()
        );
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    fs::write(directory.join(MARKER), "").with_context(|| format!("cannot write to {}", directory.display()))?;
    crate::terraform::copy_configuration(&self::directory(), directory)?;
    fs::copy(state_path(), directory.join("terraform.tfstate")).context("cannot copy the estate's state")?;
    Ok(())
}

/// Marks a directory as a copy of the estate, which the next copy may replace.
const MARKER: &str = ".driftmgr-estate";

/// Changes the account behind terraform's back and returns the truth about it, a JSON document.
pub fn inject_drift(moto: &Moto) -> Result<String> {
    let mut command = Command::new(moto.python());
    command.arg(directory().join("drift.py"));
    moto.configure(&mut command);
    let output = command.output().context("cannot start drift.py")?;
    ensure!(output.status.success(), "drift.py failed:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).context("drift.py printed something else than UTF-8")
}

fn recording_path() -> PathBuf {
    directory().join("recording/requests.jsonl")
}

fn state_path() -> PathBuf {
    directory().join("terraform.tfstate")
}

fn record() -> Result<ExitCode> {
    let program = tools::terraform_or_tofu()?;
    tools::find(tools::Tool::Aws)?;
    let moto = Moto::start()?;
    let root = RootFolder::copy_of(&directory(), &program, &CliConfig::with_tools()?, Some(&moto))?;
    root.init()?;
    moto.seed(SEED)?;
    moto.start_recording()?;
    // The order of the requests decides the ids, so there is one operation at a time.
    eprintln!("applying one resource at a time: this takes some three minutes");
    for _ in 0..N_APPLIES {
        root.apply(1)?;
    }
    let recorded = moto.stop_recording()?;
    let plan = root.plan()?;
    ensure!(plan.clean, "the estate's plan is not clean:\n{}", plan.text);
    let written = root.path().join("terraform.tfstate");
    let state = fs::read_to_string(&written).with_context(|| format!("cannot read {}", written.display()))?;
    ensure!(state.contains(ACCOUNT), "the state names no object of the emulated account");

    let path = recording_path();
    let requests = recording::clean(&recorded)?;
    fs::create_dir_all(directory().join("recording")).context("cannot create the recording's directory")?;
    fs::write(&path, &requests).with_context(|| format!("cannot write {}", path.display()))?;
    fs::write(state_path(), state).with_context(|| format!("cannot write {}", state_path().display()))?;
    println!("recorded {} requests and the state", requests.lines().count());
    Ok(ExitCode::SUCCESS)
}

fn bring_up(arguments: &ServeArguments) -> Result<Moto> {
    copy_to(&arguments.dir)?;
    let moto = start()?;
    if arguments.drift {
        let truth = inject_drift(&moto)?;
        fs::write(arguments.dir.join("truth.json"), truth).context("cannot write truth.json")?;
    }
    Ok(moto)
}

fn run_command(arguments: &RunArguments) -> Result<ExitCode> {
    let moto = bring_up(&arguments.estate)?;
    let [program, rest @ ..] = arguments.command.as_slice() else { bail!("a command is needed") };
    let mut command = Command::new(program);
    moto.configure(&mut command);
    command.args(rest).env("ESTATE_DIR", std::path::absolute(&arguments.estate.dir)?);
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX);
    Ok(ExitCode::from(code))
}

fn serve(arguments: &ServeArguments) -> Result<ExitCode> {
    let moto = bring_up(arguments)?;
    for (name, value) in moto.environment() {
        println!("export {name}={value}");
    }
    println!("export ESTATE_DIR={:?}", std::path::absolute(&arguments.dir)?.display().to_string());
    eprintln!("the estate is up; end it with Ctrl-D");
    std::io::stdin().read_to_end(&mut Vec::new()).context("cannot read standard input")?;
    Ok(ExitCode::SUCCESS)
}
