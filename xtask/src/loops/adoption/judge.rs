//! The judges: terraform and tofu, which plan what was generated.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::terraform::{CliConfig, RootFolder};
use crate::tools::{self, Tool};

/// How long a program may take to plan; it is the machine's load that matters here.
const LIMIT: Duration = Duration::from_mins(3);
/// What is said of a program that takes longer.
pub(super) const TOO_SLOW: &str = "It had not ended after three minutes.";

/// A program that plans.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// What people call it: `terraform 1.11.4`.
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// What a plan says of what was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It does nothing but import.
    Clean,
    /// It does this besides.
    Changes(String),
    /// It is refused, with these words.
    Invalid(String),
    /// Nothing was generated, for this reason.
    Nothing(String),
}

impl Outcome {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Changes(_) => "changes",
            Self::Invalid(_) => "**invalid**",
            Self::Nothing(_) => "nothing",
        }
    }

    pub(super) fn why(&self) -> &str {
        match self {
            Self::Clean => "",
            Self::Changes(why) | Self::Invalid(why) | Self::Nothing(why) => why,
        }
    }
}

/// What one plan says.
#[derive(Debug)]
pub(super) struct Plan {
    /// The errors: the address where there is one, and the words.
    pub(super) errors: Vec<(Option<String>, String)>,
    /// What the plan does besides importing, by address.
    pub(super) changes: BTreeMap<String, String>,
    /// The addresses that the plan imports to and leaves alone.
    pub(super) imported: Vec<String>,
    /// The objects as the provider reads them, by address.
    pub(super) before: BTreeMap<String, Value>,
}

impl Plan {
    /// Tells what the plan says of one object.
    pub(super) fn outcome(&self, address: &str) -> Outcome {
        if let Some((_, why)) = self.errors.first() {
            return Outcome::Invalid(why.clone());
        }
        match self.changes.get(address) {
            Some(change) => Outcome::Changes(change.clone()),
            None if self.imported.iter().any(|imported| imported == address) => Outcome::Clean,
            None => Outcome::Nothing("It is not in the plan.".to_owned()),
        }
    }
}

/// Finds the programs that are there.
pub(super) fn programs() -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for tool in [Tool::Terraform, Tool::Tofu] {
        let Ok(path) = tools::find(tool) else {
            tools::skip(&format!("{} is not there to judge", tool.name()));
            continue;
        };
        // The machine's own configuration is none of ours, and warnings about it would stand before the version.
        let root = RootFolder::empty(&path, &CliConfig::default(), None)?;
        let output = root.try_run(&["version", "-json"])?;
        let version: Value = serde_json::from_slice(&output.stdout).context("a version is JSON")?;
        let version = version["terraform_version"].as_str().unwrap_or("?");
        programs.push(Program { name: format!("{} {version}", tool.name()), path });
    }
    ensure!(!programs.is_empty(), "neither terraform nor tofu can be run");
    Ok(programs)
}

/// Runs a command with its output in files, and ends it where it takes too long: `None` then.
///
/// Some texts keep a program busy for hours: that is an answer too.
pub(super) fn output_in_time(mut command: Command, folder: &Path) -> Result<Option<Output>> {
    let file = |name: &str| {
        let path = folder.join(name);
        let opened = File::options().read(true).write(true).create(true).truncate(true).open(&path);
        opened.with_context(|| format!("cannot write {}", path.display()))
    };
    let (mut stdout, mut stderr) = (file("stdout")?, file("stderr")?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = command.spawn().context("cannot start a judge")?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            let read = |file: &mut File| {
                let mut bytes = Vec::new();
                file.rewind()?;
                file.read_to_end(&mut bytes)?;
                Ok::<_, anyhow::Error>(bytes)
            };
            return Ok(Some(Output { status, stdout: read(&mut stdout)?, stderr: read(&mut stderr)? }));
        }
        if began.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Plans a root and reads what the plan says.
pub(super) fn plan(root: &RootFolder<'_>, variables: &BTreeMap<String, String>) -> Result<Plan> {
    let variables = variables.iter().map(|(name, value)| (format!("TF_VAR_{name}"), value));
    let mut command = root.command(root.program());
    command.args(["plan", "-json", "-input=false", "-out=tfplan"]).envs(variables);
    let mut plan = Plan { errors: Vec::new(), changes: BTreeMap::new(), imported: Vec::new(), before: BTreeMap::new() };
    let Some(output) = output_in_time(command, &root.path())? else {
        plan.errors.push((None, TOO_SLOW.to_owned()));
        return Ok(plan);
    };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let diagnostic = &message["diagnostic"];
        if diagnostic["severity"] == "error" {
            let text = |name: &str| diagnostic[name].as_str().unwrap_or_default().replace('\n', " ");
            let context = diagnostic["snippet"]["context"].as_str().and_then(|context| {
                let [_, resource_type, _, name, _] = context.split('"').collect::<Vec<_>>().try_into().ok()?;
                Some(format!("{resource_type}.{name}"))
            });
            let address = diagnostic["address"].as_str().map(str::to_owned).or(context);
            let words = format!("{}: {}", text("summary"), text("detail"));
            plan.errors.push((address, words.trim_end_matches([' ', ':']).to_owned()));
        }
    }
    if !output.status.success() {
        if plan.errors.is_empty() {
            plan.errors.push((None, String::from_utf8_lossy(&output.stderr).replace('\n', " ")));
        }
        return Ok(plan);
    }
    let shown: Value = serde_json::from_str(&root.run(&["show", "-json", "tfplan"])?).context("a plan is JSON")?;
    for change in shown["resource_changes"].as_array().into_iter().flatten() {
        let address = change["address"].as_str().unwrap_or_default().to_owned();
        let change = &change["change"];
        plan.before.insert(address.clone(), change["before"].clone());
        let actions: Vec<&str> = change["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if actions == ["no-op"] {
            plan.imported.extend(change.get("importing").map(|_| address));
        } else {
            plan.changes.insert(address, format!("{}: {}", actions.join(" and "), differing(change).join(", ")));
        }
    }
    Ok(plan)
}

/// Names the arguments that a change is about.
fn differing(change: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let side = |name: &str| change[name].as_object().unwrap_or(&empty);
    let (before, after, unknown) = (side("before"), side("after"), side("after_unknown"));
    let names = before.keys().chain(after.keys()).chain(unknown.keys());
    let mut names: Vec<String> = names
        .filter(|name| before.get(*name) != after.get(*name) || unknown.get(*name) == Some(&Value::Bool(true)))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { vec!["what is sensitive".to_owned()] } else { names }
}
