//! How exact `driftmgr drift` is, beside `terraform plan -refresh-only` and `terraform plan`.
//!
//! For each pair of a real provider and a server: terraform creates the root once, all three are asked about the untouched
//! estate, a seed draws drifts and noises of which the truth is known, and all three are asked again.

mod pair;
mod score;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde_json::Value;

use self::pair::Started;
use self::score::{Answers, Truth};
use crate::terraform::RootFolder;
use crate::tools;

/// The arguments of `cargo xtask loop accuracy`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: super::LoopArguments,
    /// The pairs to judge on [default: every one whose parts are there]
    #[arg(long, value_enum)]
    pair: Vec<Judged>,
    /// What draws the drifts [default: the time, which is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// The share of the known drifts and noises to draw, in percent
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=100))]
    share: u8,
    /// A folder to keep what each program printed in
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A provider and the server it is used on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Judged {
    /// hashicorp/aws on moto
    Aws,
    /// cyrilgdn/rabbitmq on a message broker
    Rabbitmq,
    /// gavinbunney/kubectl on a Kubernetes API server
    Kubernetes,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let driftmgr = super::driftmgr(&arguments.subject)?;
    let time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
    let seed = arguments.seed.unwrap_or_else(time);
    println!("seed {seed}, {} % of the known drifts and noises", arguments.share);
    let is_default = arguments.pair.is_empty();
    let pairs = if is_default { Judged::value_variants() } else { &arguments.pair };
    let mut is_right = true;
    for pair in pairs {
        let name = pair.name();
        if let Err(error) = pair.tools() {
            ensure!(is_default, "{name}: {error:#}");
            tools::skip(&format!("accuracy on {name}: {error:#}"));
            continue;
        }
        let judge = Judge { driftmgr: &driftmgr, keep: arguments.keep.as_deref(), pair: name, started: Instant::now() };
        is_right &= judge.judge(*pair, seed, arguments.share).with_context(|| format!("accuracy on {name}"))?;
    }
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks the three programs.
struct Judge<'a> {
    driftmgr: &'a Path,
    keep: Option<&'a Path>,
    pair: &'static str,
    started: Instant,
}

impl Judge<'_> {
    fn judge(&self, pair: Judged, seed: u64, share: u8) -> Result<bool> {
        self.progress("terraform creates the estate");
        let Started { server, root } = pair.start(&tools::terraform_or_tofu()?)?;

        self.progress("everybody is asked about the untouched estate");
        let untouched = self.ask(&root, "untouched")?;
        let is_silent = score::print_untouched(self.pair, &untouched);

        self.progress("the estate is changed behind terraform's back");
        let truth = server.inject(&root, seed, share)?;
        let truth = Truth::read(&truth)?;

        self.progress("everybody is asked again");
        let answers = self.ask(&root, "changed")?;
        let n_wrong = score::print(self.pair, &truth, &answers);
        self.progress("done");
        Ok(is_silent && n_wrong == 0)
    }

    fn progress(&self, text: &str) {
        eprintln!("[{} {:>4.0} s] {text}", self.pair, self.started.elapsed().as_secs_f32());
    }

    fn ask(&self, root: &RootFolder<'_>, when: &str) -> Result<Answers> {
        let store = root.path().with_file_name(format!("{when}.db"));
        let began = Instant::now();
        let output = root
            .command(self.driftmgr)
            .args(["drift", "--precision", "provider", "--json"])
            .env("DRIFTMGR_STORE", store)
            .output()
            .with_context(|| format!("cannot start {}", self.driftmgr.display()))?;
        let took = began.elapsed();
        let code = output.status.code().unwrap_or(-1);
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!([0, 2, 3].contains(&code), "driftmgr drift ended with {code}:\n{stderr}");
        self.keep(&format!("{when}-driftmgr.json"), &output.stdout)?;
        let report = serde_json::from_slice(&output.stdout).context("driftmgr printed no JSON")?;
        let began = Instant::now();
        let refreshed = self.plan(root, when, "refresh-only", &["-refresh-only"])?;
        let refresh_took = began.elapsed();
        let planned = self.plan(root, when, "plan", &[])?;
        eprintln!(
            "driftmgr drift took {:.1} s, terraform plan -refresh-only {:.1} s",
            took.as_secs_f32(),
            refresh_took.as_secs_f32()
        );
        Answers::read(code, report, &refreshed, &planned)
    }

    fn plan(&self, root: &RootFolder<'_>, when: &str, name: &str, more: &[&str]) -> Result<Value> {
        let file = format!("-out={name}.tfplan");
        let output = root.try_run(&[&["plan", "-no-color", "-input=false", &file], more].concat())?;
        if !output.status.success() {
            // One instance that its provider cannot read leaves terraform without any answer.
            let stderr = String::from_utf8_lossy(&output.stderr);
            let error = stderr.lines().find(|line| line.contains("Error:")).unwrap_or("it does not say why");
            println!("terraform plan {} failed: {error}", more.join(" "));
            return Ok(Value::Null);
        }
        let json = root.run(&["show", "-json", &format!("{name}.tfplan")])?;
        self.keep(&format!("{when}-{name}.json"), json.as_bytes())?;
        serde_json::from_str(&json).context("terraform printed no JSON")
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let Some(folder) = self.keep else { return Ok(()) };
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{}-{name}", self.pair));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Runs a script that prints JSON.
pub(super) fn json_of(output: &std::process::Output, what: &str) -> Result<Value> {
    if !output.status.success() {
        bail!("{what} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{what} printed no JSON"))
}
