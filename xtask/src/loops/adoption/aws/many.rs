//! Hundreds of objects on moto: how long adopting them takes, and that an interrupted run, resumed once, ends with the
//! same bytes as one that was left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::super::{LoopArguments, driftmgr};
use super::super::judge;
use super::estate::VERSIONS;
use crate::moto::Moto;
use crate::repository;
use crate::terraform::{CliConfig, Root};
use crate::tools::{self, Tool};

/// The types of the objects.
const TYPES: [&str; 4] = ["aws_sqs_queue", "aws_sns_topic", "aws_iam_role", "aws_cloudwatch_log_group"];

/// The arguments of `cargo xtask loop adoption many`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: LoopArguments,
    /// How many objects there are
    #[arg(long, default_value_t = 400)]
    objects: u32,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let driftmgr = driftmgr(&arguments.subject)?;
    tools::find(Tool::Aws)?;
    let programs = judge::programs()?;
    let moto = Moto::start()?;
    let config = CliConfig::with_tools()?;
    let mut maker = Command::new(moto.python());
    maker.arg("-I").arg(repository().join("acceptance-tests/adopt/many.py")).arg(arguments.objects.to_string());
    moto.configure(&mut maker);
    let output = maker.output().context("cannot start many.py")?;
    ensure!(output.status.success(), "many.py failed:\n{}", String::from_utf8_lossy(&output.stderr));

    let root = Root::empty(&programs[0].path, &config, Some(&moto))?;
    root.write("versions.tf", VERSIONS)?;
    root.init()?;
    let run = Run { driftmgr: &driftmgr, root: &root };

    let began = Instant::now();
    let report = run.to_its_end("whole")?;
    let took = began.elapsed();
    let n_objects = f64::from(arguments.objects);
    println!(
        "{n_objects} objects in {:.1} s: {:.1} a second; probes per object: median {}, most {}; calls {}",
        took.as_secs_f64(),
        n_objects / took.as_secs_f64(),
        report["effort"]["probes_median"],
        report["effort"]["probes_max"],
        report["effort"]["calls"]
    );
    println!("summary {}", report["summary"]);
    ensure!(
        report["effort"]["searched"].as_u64() == Some(arguments.objects.into()),
        "not every object was searched for"
    );
    let whole = files(&run.folder("whole"))?;
    let mut is_right = true;
    for signal in ["INT", "KILL"] {
        let name = format!("interrupted-{signal}");
        let mut child = run.start(&name)?;
        std::thread::sleep(took / 2);
        send(&child, signal)?;
        let status = wait(&mut child, Duration::from_secs(60))?;
        let began = Instant::now();
        let report = run.to_its_end(&name)?;
        let is_same = files(&run.folder(&name))? == whole;
        is_right &= is_same;
        println!(
            "interrupted by SIG{signal} after {:.1} s ({status}), resumed in {:.1} s: {} confirmed, {} searched for, the files are {}",
            took.as_secs_f64() / 2.0,
            began.elapsed().as_secs_f64(),
            report["effort"]["resumed"],
            report["effort"]["searched"],
            if is_same { "the same" } else { "NOT the same" }
        );
    }
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One way to run driftmgr, with a folder and a store for each name.
struct Run<'a> {
    driftmgr: &'a Path,
    root: &'a Root<'a>,
}

impl Run<'_> {
    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().with_file_name(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = self.root.command(self.driftmgr);
        command
            .args(["adopt", "--dir", ".", "--json"])
            .args(TYPES.iter().flat_map(|wanted| ["--type", wanted]))
            .arg("--out-dir")
            .arg(format!("../{name}"))
            .env("DRIFTMGR_STORE", self.root.path().with_file_name(format!("{name}.db")));
        command
    }

    fn start(&self, name: &str) -> Result<Child> {
        let mut command = self.command(name);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start driftmgr")
    }

    fn to_its_end(&self, name: &str) -> Result<Value> {
        let output = self.command(name).output().context("cannot start driftmgr")?;
        let code = output.status.code().unwrap_or(-1);
        ensure!(
            [0, 2, 3].contains(&code),
            "driftmgr adopt ended with {code}:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("driftmgr adopt printed no JSON")
    }
}

fn send(child: &Child, signal: &str) -> Result<()> {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
    ensure!(status.context("cannot start kill")?.success(), "driftmgr ended before it was interrupted");
    Ok(())
}

fn wait(child: &mut Child, patience: Duration) -> Result<std::process::ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for driftmgr")? {
            return Ok(status);
        }
        if began.elapsed() > patience {
            child.kill().context("cannot end driftmgr")?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Reads the configuration in a folder; the mapping file is none.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
    }
    Ok(files)
}
