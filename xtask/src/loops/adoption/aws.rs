//! Over a hundred types of AWS objects on moto, and three programs that write configuration for the same ones.

mod batch;
mod blocks;
mod estate;
mod many;
mod rival;
mod subject;
mod table;
mod written;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use self::blocks::Configuration;
use self::table::Contestant;
use super::super::{LoopArguments, driftmgr};
use super::judge;
use crate::moto::Moto;
use crate::terraform::CliConfig;
use crate::tools;

/// What the clean rate over the types must be at least, in percent.
const BOUND: f64 = 95.0;

/// The arguments of `cargo xtask loop adoption aws`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: LoopArguments,
    /// How many types to draw [default: all]
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// What draws the types [default: the time, which is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out what terraform and tofu generate by themselves
    #[arg(long)]
    without_baseline: bool,
    /// Ask terraform and tofu only
    #[arg(long)]
    baseline_only: bool,
    /// For how many objects terraform and tofu generate once more, in a root of its own each: the outcome must be the same
    #[arg(long, value_name = "N", default_value_t = 4)]
    alone: usize,
    /// A folder to keep what was written in
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) use self::many::Arguments as ManyArguments;

pub(super) fn run_many(arguments: &ManyArguments) -> Result<ExitCode> {
    many::run(arguments)
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let driftmgr = if arguments.baseline_only { None } else { Some(driftmgr(&arguments.subject)?) };
    tools::find(tools::Tool::Aws)?;
    let programs = judge::programs()?;
    let time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
    let seed = arguments.seed.unwrap_or_else(time);
    if let Some(n_types) = arguments.sample {
        println!("seed {seed}, {n_types} types");
    }
    let started = Instant::now();
    let progress = |text: &str| eprintln!("[{:>4.0} s] {text}", started.elapsed().as_secs_f32());

    progress("terraform makes the estate");
    let moto = Moto::start()?;
    let config = CliConfig::with_tools()?;
    let choice = estate::Choice { seed, n_types: arguments.sample };
    let objects = estate::create(&moto, &programs[0].path, &config, &choice)?;
    ensure!(!objects.is_empty(), "no object is adopted");

    let mut contestants = Vec::new();
    for program in programs.iter().filter(|_| !arguments.without_baseline) {
        progress(&format!("{} generates configuration", program.name));
        let (judgement, configuration) = rival::run(program, &moto, &config, &objects)?;
        for object in estate::some(&objects, seed, arguments.alone) {
            progress(&format!("{} generates {} alone", program.name, object.address()));
            rival::confirm_alone(program, &moto, &config, object, &judgement)?;
        }
        keep(arguments.keep.as_deref(), &program.name.replace(' ', "-"), &configuration)?;
        contestants.push(Contestant::rival(&program.name, &judgement, &objects));
    }
    let mut is_right = true;
    if let Some(driftmgr) = &driftmgr {
        progress("driftmgr adopts");
        let adopted = subject::adopt(driftmgr, &programs[0].path, &moto, &config, &objects)?;
        keep(arguments.keep.as_deref(), "driftmgr", &adopted.configuration)?;
        println!("{}", adopted.effort(objects.len()));
        let n_found = subject::n_found(driftmgr, &programs[0].path, &moto, &config, &objects)?;
        println!(
            "of {} objects driftmgr finds {n_found} by itself; the others are adopted by type and id",
            objects.len()
        );
        let schemas = estate::schemas(&moto, &programs[0].path, &config)?;
        for program in &programs {
            progress(&format!("{} judges it", program.name));
            let judgement = adopted.judge(program, &moto, &config)?;
            let contestant = Contestant::subject(&program.name, &judgement, &adopted, &objects, &schemas);
            is_right &= contestant.rate(&objects) >= BOUND && contestant.n_invalid() == 0;
            contestants.push(contestant);
        }
    }
    progress("done");
    table::print(&objects, &contestants);
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn keep(folder: Option<&Path>, name: &str, configuration: &Configuration) -> Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    let folder = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, text) in configuration.texts() {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write {name} to {}", folder.display()))?;
    }
    Ok(())
}
