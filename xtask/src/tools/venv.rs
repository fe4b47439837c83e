//! Installs moto into a Python virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{run_command, search_path};

/// Every package with its version, as `pip freeze` wrote them.
const REQUIREMENTS: &str = include_str!("../../../acceptance-tests/moto-requirements.txt");
/// Exists once the installation is whole.
const COMPLETE: &str = "complete";

pub(super) fn directory_name() -> String {
    let mut key = hex::encode(Sha256::digest(REQUIREMENTS));
    key.truncate(8);
    format!("moto_{key}")
}

/// Returns the interpreter, or a path that does not exist while the installation isn't whole.
pub(super) fn interpreter(environment: &Path) -> PathBuf {
    if environment.join(COMPLETE).exists() { environment.join("bin/python3") } else { environment.join(COMPLETE) }
}

pub(super) fn install(environment: &Path) -> Result<()> {
    let python = search_path("python3").context("Python 3.10 or later is needed")?;
    if environment.exists() {
        fs::remove_dir_all(environment).with_context(|| format!("cannot remove {}", environment.display()))?;
    }
    run_command(Command::new(&python).args(["-m", "venv"]).arg(environment))
        .context("Python's venv module is needed (on Debian: apt install python3-venv)")?;
    let requirements = environment.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).with_context(|| format!("cannot write {}", requirements.display()))?;
    run_command(
        Command::new(environment.join("bin/python3"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"])
            .arg(&requirements),
    )?;
    let complete = environment.join(COMPLETE);
    fs::write(&complete, "").with_context(|| format!("cannot write {}", complete.display()))
}
