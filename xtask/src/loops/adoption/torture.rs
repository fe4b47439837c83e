//! The objects of the torture provider, each a difficulty.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Choice;
use super::scene::{Object, Scene};
use crate::repository;

/// Lets a driftmgr adopt every object of the torture provider; tells whether each ends as its file says, as terraform and
/// tofu judge it, and prints what does not.
///
/// # Errors
/// Where a program cannot be run, or driftmgr ends with an error.
pub fn torture(driftmgr: &Path) -> Result<bool> {
    let choice = Choice { only: None, without_baseline: true, baseline_only: false, keep: None };
    Ok(run(|| Ok(driftmgr.to_path_buf()), &choice)? == ExitCode::SUCCESS)
}

pub(super) fn run(driftmgr: impl FnOnce() -> Result<PathBuf>, choice: &Choice) -> Result<ExitCode> {
    let estate = repository().join("tfplugin/examples/terraform-provider-torture/estate");
    let mut objects = Vec::new();
    let mut folders: Vec<PathBuf> = fs::read_dir(&estate)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    folders.sort();
    for folder in folders {
        let resource_type = folder.file_name().context("a folder has a name")?.to_string_lossy().into_owned();
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.sort();
        for file in files {
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let attributes: Value =
                serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
            let id = file.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
            let said = |name: &str| {
                let text = attributes[name].as_str().with_context(|| format!("{} has no {name}", file.display()))?;
                Ok::<_, anyhow::Error>(text.to_owned())
            };
            let (about, expected) = (said("$about")?, said("$expect")?);
            let name = id.replace('-', "_");
            objects.push(Object { resource_type: resource_type.clone(), id, name, about, expected, attributes });
        }
    }
    // What only an identity imports would leave an older program without any plan.
    objects.retain(|object| object.expected != "clean with identities");
    let scene = Scene {
        name: "the torture provider",
        source: "registry.terraform.io/driftmgr/torture".to_owned(),
        provider: "torture",
        folder: built()?,
        configuration: format!("  cloud = {:?}\n", estate.display().to_string()),
        environment: Vec::new(),
        objects,
    };
    scene.judge(driftmgr, choice)
}

/// Builds the provider and gives the folder it is in.
fn built() -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let example = ["build", "--quiet", "--package", "tfplugin", "--example", "terraform-provider-torture"];
    let output = cargo
        .current_dir(repository())
        .args(example)
        .arg("--message-format=json")
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo can't build the torture provider");
    let program = String::from_utf8_lossy(&output.stdout).lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == "terraform-provider-torture";
        message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
    });
    let program = program.context("cargo built no torture provider")?;
    Ok(program.parent().context("a program is in a folder")?.to_path_buf())
}
