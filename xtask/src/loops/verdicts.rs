//! How exact the rows of the truth table are: code, state and cloud are made to differ, and the rows are counted.
//!
//! A seed draws for many places of a root module what the code says before the change, what it says with it, what the state
//! records and what the cloud holds. Terraform itself makes it so: it applies the code of the state, then, from a copy of
//! the state that is thrown away, the code of the cloud. What every row must be is known by that alone.

mod draw;
mod score;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::{Value, json};

use self::draw::{Drawn, Facet};
use super::accuracy::Judged;
use crate::drifts::{self, Kind, Target};
use crate::moto::Moto;
use crate::pairs::Pair;
use crate::terraform::{CliConfig, RootFolder};
use crate::{repository, tools};

/// The arguments of `cargo xtask loop verdicts`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    subject: super::LoopArguments,
    /// The pairs to judge on [default: every one whose parts are there]
    #[arg(long, value_enum)]
    pair: Vec<Judged>,
    /// What draws code, state and cloud [default: the time, which is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// A folder to keep what each program printed in
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A running server.
enum Server {
    Aws(Moto),
    Other(Pair, Box<dyn Target>),
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let driftmgr = super::driftmgr(&arguments.subject)?;
    let time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
    let seed = arguments.seed.unwrap_or_else(time);
    println!("seed {seed}");
    let is_default = arguments.pair.is_empty();
    let pairs = if is_default { Judged::value_variants() } else { &arguments.pair };
    let mut n_wrong = 0;
    for pair in pairs {
        if let Err(error) = pair.tools() {
            ensure!(is_default, "{}: {error:#}", pair.name());
            tools::skip(&format!("verdicts on {}: {error:#}", pair.name()));
            continue;
        }
        let scene =
            Scene { driftmgr: &driftmgr, keep: arguments.keep.as_deref(), pair: *pair, started: Instant::now() };
        n_wrong += scene.judge(seed).with_context(|| format!("verdicts on {}", pair.name()))?;
    }
    Ok(if n_wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Scene<'a> {
    driftmgr: &'a Path,
    keep: Option<&'a Path>,
    pair: Judged,
    started: Instant,
}

impl Scene<'_> {
    fn judge(&self, seed: u64) -> Result<usize> {
        let folder = repository().join("acceptance-tests/verdicts").join(self.pair.name());
        let sites = draw::read(&folder.join("sites.json"))?;
        let drawn = draw::draw(&sites, seed);
        let written = self.code(&folder)?;

        self.progress("terraform creates what the state records");
        let (server, environment) = self.serve()?;
        let terraform = tools::terraform_or_tofu()?;
        let make = |facet| -> Result<RootFolder<'static>> {
            let root = RootFolder::empty(&terraform, &CliConfig::with_tools()?, None)?;
            let root = root.with_environment(environment.clone());
            write(&root, &draw::files(&written, &drawn, facet)?)?;
            Ok(root)
        };
        let root = make(Facet::State)?;
        root.init()?;
        settle(&root)?;

        self.progress("terraform makes the cloud what it is to be");
        let state = root.path().join("terraform.tfstate");
        let elsewhere = make(Facet::Cloud)?;
        fs::copy(&state, elsewhere.path().join("terraform.tfstate")).context("cannot copy the state")?;
        elsewhere.init()?;
        settle(&elsewhere)?;
        self.disturb(&server, &root, &drawn, seed)?;

        self.progress("the code is changed");
        for drawn in drawn.iter().filter(|drawn| drawn.is_tainted) {
            for address in &drawn.site.addresses {
                root.run(&["taint", address])?;
            }
        }
        root.write(".gitignore", ".terraform/\n*.tfstate*\n*.db*\n*.tfplan\n")?;
        write(&root, &draw::files(&written, &drawn, Facet::Base)?)?;
        git(&root, &["init", "-q", "-b", "main"])?;
        git(&root, &["add", "-A"])?;
        git(&root, &["-c", "user.name=loop", "-c", "user.email=loop@example.com", "commit", "-q", "-m", "before"])?;
        write(&root, &draw::files(&written, &drawn, Facet::Code)?)?;

        self.progress("everybody is asked");
        let lists = matches!(server, Server::Aws(_));
        let drift = if lists { &["drift", "--unmanaged", "--json"][..] } else { &["drift", "--json"] };
        let drift = self.ask(&root, "drift", drift)?;
        let check = self.ask(&root, "check", &["check", "--base", "main", "--json"])?;
        let planned = self.plan(&root, "plan", &[])?;
        let refreshed = self.plan(&root, "refresh-only", &["-refresh-only"])?;

        println!("\n{}: {} places, {} instances", self.pair.name(), drawn.len(), drift["summary"]["instances"]);
        let n_wrong = score::print_drift(&drawn, &drift, lists)? + score::print_check(&drawn, &check)?;
        score::print_terraform(&drawn, &planned, &refreshed);
        self.progress("done");
        Ok(n_wrong)
    }

    /// Reads the code, as it is where nothing was done.
    fn code(&self, folder: &Path) -> Result<BTreeMap<String, String>> {
        let root = match self.pair {
            Judged::Aws => repository().join("acceptance-tests/accuracy/aws"),
            Judged::Rabbitmq => Pair::Rabbitmq.root(),
            Judged::Kubernetes => Pair::Kubernetes.root(),
        };
        let mut files = BTreeMap::new();
        for folder in [&root, folder] {
            read(folder, "", &mut files)?;
        }
        Ok(files)
    }

    fn serve(&self) -> Result<(Server, Vec<(String, String)>)> {
        let pair = match self.pair {
            Judged::Aws => {
                let moto = Moto::start()?;
                let environment = moto.environment();
                return Ok((Server::Aws(moto), environment));
            }
            Judged::Rabbitmq => Pair::Rabbitmq,
            Judged::Kubernetes => Pair::Kubernetes,
        };
        let (target, environment) = pair.serve()?;
        Ok((Server::Other(pair, target), environment))
    }

    /// Makes noise around what was left alone.
    fn disturb(&self, server: &Server, root: &RootFolder<'_>, drawn: &[Drawn<'_>], seed: u64) -> Result<()> {
        let touched = draw::touched(drawn);
        let names: Vec<String> = match server {
            Server::Aws(moto) => {
                let script = repository().join("acceptance-tests/accuracy/aws.py");
                let mut command = root.command(moto.python());
                command.arg("-I").arg(&script).arg(root.path().join("terraform.tfstate")).arg(seed.to_string());
                let output = command.arg("0.7").arg(json!(touched).to_string()).output();
                let output = output.with_context(|| format!("cannot run {}", script.display()))?;
                let told = super::accuracy::json_of(&output, "the script of noises")?;
                let noises = told["noises"].as_array().context("the script tells of no noises")?;
                noises.iter().map(|noise| noise["name"].as_str().unwrap_or_default().to_owned()).collect()
            }
            Server::Other(pair, target) => {
                let is_apart = |drift: &drifts::Drift| !drift.addresses.iter().any(|it| touched.contains(it));
                let noises: Vec<drifts::Drift> =
                    pair.drifts()?.into_iter().filter(|drift| drift.kind == Kind::Noise && is_apart(drift)).collect();
                let noises = drifts::draw(&noises, seed, 0, noises.len().div_ceil(2));
                for noise in &noises {
                    drifts::inject(target.as_ref(), noise)?;
                }
                noises.iter().map(|noise| noise.name.clone()).collect()
            }
        };
        println!("\n{}: noise: {}", self.pair.name(), names.join("; "));
        Ok(())
    }

    fn ask(&self, root: &RootFolder<'_>, name: &str, arguments: &[&str]) -> Result<Value> {
        let output = root
            .command(self.driftmgr)
            .args(arguments)
            .env("DRIFTMGR_STORE", root.path().with_file_name("store.db"))
            .output()
            .with_context(|| format!("cannot start {}", self.driftmgr.display()))?;
        let code = output.status.code().unwrap_or(-1);
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!([0, 2, 3].contains(&code), "driftmgr {} ended with {code}:\n{stderr}", arguments.join(" "));
        self.keep(&format!("{name}.json"), &output.stdout)?;
        serde_json::from_slice(&output.stdout).context("driftmgr printed no JSON")
    }

    fn plan(&self, root: &RootFolder<'_>, name: &str, more: &[&str]) -> Result<Value> {
        let file = format!("-out={name}.tfplan");
        let output = root.try_run(&[&["plan", "-no-color", "-input=false", &file], more].concat())?;
        if !output.status.success() {
            // One instance that its provider cannot read leaves terraform without any answer.
            println!("terraform plan {} failed", more.join(" "));
            return Ok(Value::Null);
        }
        let json = root.run(&["show", "-json", &format!("{name}.tfplan")])?;
        self.keep(&format!("{name}.json"), json.as_bytes())?;
        serde_json::from_str(&json).context("terraform printed no JSON")
    }

    fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let Some(folder) = self.keep else { return Ok(()) };
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{}-{name}", self.pair.name()));
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    fn progress(&self, text: &str) {
        eprintln!("[{} {:>4.0} s] {text}", self.pair.name(), self.started.elapsed().as_secs_f32());
    }
}

/// Applies a root until its plan is clean: an emulator may need a second time.
fn settle(root: &RootFolder<'_>) -> Result<()> {
    root.apply(10)?;
    if root.plan()?.clean {
        return Ok(());
    }
    root.apply(10)?;
    let plan = root.plan()?;
    ensure!(plan.clean, "the plan is not clean after two applies:\n{}", plan.text);
    Ok(())
}

/// Reads the `.tf` files of a folder and the folders in it.
fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if path.is_dir() {
            read(&path, &format!("{prefix}{name}/"), files)?;
        } else if path.extension().is_some_and(|extension| extension == "tf") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(format!("{prefix}{name}"), text);
        }
    }
    Ok(())
}

fn write(root: &RootFolder<'_>, files: &BTreeMap<String, String>) -> Result<()> {
    for (name, text) in files {
        let path = root.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        root.write(name, text)?;
    }
    Ok(())
}

fn git(root: &RootFolder<'_>, arguments: &[&str]) -> Result<()> {
    let output = Command::new("git").args(arguments).current_dir(root.path()).output().context("cannot start git")?;
    ensure!(output.status.success(), "git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(())
}
