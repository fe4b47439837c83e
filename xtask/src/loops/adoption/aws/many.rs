//! Hundreds of objects on moto: how long adopting them takes, and that an interrupted run, resumed once, ends with the
//! same bytes as one that was left alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::super::super::{LoopArguments, driftmgr};
use super::super::judge;
use super::estate::VERSIONS;
use crate::moto::Moto;
use crate::repository;
use crate::terraform::{CliConfig, RootFolder};
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

    let root = RootFolder::empty(&programs[0].path, &config, Some(&moto))?;
    root.write("versions.tf", VERSIONS)?;
    root.init()?;
    let run = Run { driftmgr: &driftmgr, root: &root };
    let began = Instant::now();
    let mut child = run.start("whole")?;
    run.wait_for_objects("whole", &mut child, 1)?;
    let found_after = began.elapsed();
    let status = wait(&mut child, Duration::from_secs(3600))?;
    let took = began.elapsed();
    let report = run.report("whole", status)?;
    let n_objects = f64::from(arguments.objects);
    println!(
        "{n_objects} objects in {:.1} s: {:.1} a second; the first is finished after {:.1} s; probes per object: median {}, most {}; calls {}",
        took.as_secs_f64(),
        n_objects / took.as_secs_f64(),
        found_after.as_secs_f64(),
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
        let began = Instant::now();
        let mut child = run.start(&name)?;
        run.wait_for_objects(&name, &mut child, arguments.objects as usize / 2)?;
        send(&child, signal)?;
        let interrupted_after = began.elapsed();
        let status = wait(&mut child, Duration::from_secs(60))?;
        ensure!(!run.folder(&name).join("imports.tf").exists(), "it was done before it was interrupted");
        let began = Instant::now();
        let mut child = run.start(&name)?;
        let again = wait(&mut child, Duration::from_secs(3600))?;
        let report = run.report(&name, again)?;
        let n_resumed = report["effort"]["resumed"].as_u64().context("the effort is told")?;
        let is_same = files(&run.folder(&name))? == whole;
        is_right &= is_same && n_resumed > 0;
        println!(
            "SIG{signal} after {:.1} s ({status}), resumed in {:.1} s: {n_resumed} confirmed, {} searched for, the files are {}",
            interrupted_after.as_secs_f64(),
            began.elapsed().as_secs_f64(),
            report["effort"]["searched"],
            if is_same { "the same" } else { "NOT the same" }
        );
    }
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One way to run driftmgr, with a folder and a store for each name.
struct Run<'a> {
    driftmgr: &'a Path,
    root: &'a RootFolder<'a>,
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
            .env("XDG_CACHE_HOME", self.root.path().with_file_name(format!("{name}.cache")))
            .env("DRIFTMGR_STORE", self.root.path().with_file_name(format!("{name}.db")));
        command
    }

    fn start(&self, name: &str) -> Result<Child> {
        let file = |extension: &str| {
            let path = self.root.path().with_file_name(format!("{name}.{extension}"));
            fs::File::create(&path).with_context(|| format!("cannot create {}", path.display()))
        };
        self.command(name).stdout(file("json")?).stderr(file("log")?).spawn().context("cannot start driftmgr")
    }

    /// Waits until the journal of a run, which lies beside its store, has so many lines besides the first.
    fn wait_for_objects(&self, name: &str, child: &mut Child, n_objects: usize) -> Result<()> {
        let prefix = format!("{name}.db.adopt-");
        let folder = self.root.path().with_file_name("");
        loop {
            for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
                let path = entry?.path();
                let is_journal = path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&prefix));
                let text = if is_journal { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
                if text.lines().count() > n_objects {
                    return Ok(());
                }
            }
            ensure!(child.try_wait().context("cannot wait for driftmgr")?.is_none(), "driftmgr ended too early");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn report(&self, name: &str, status: ExitStatus) -> Result<Value> {
        let read = |extension: &str| {
            let path = self.root.path().with_file_name(format!("{name}.{extension}"));
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        ensure!(matches!(status.code(), Some(0 | 3)), "driftmgr adopt ended with {status}:\n{}", read("log")?);
        serde_json::from_str(&read("json")?).context("driftmgr adopt printed no JSON")
    }
}

fn send(child: &Child, signal: &str) -> Result<()> {
    let status = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status();
    ensure!(status.context("cannot start kill")?.success(), "driftmgr ended before it was interrupted");
    Ok(())
}

fn wait(child: &mut Child, patience: Duration) -> Result<ExitStatus> {
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
