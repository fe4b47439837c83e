//! Installs programs written in Python, each into a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::{run_command, search_path};

/// A program from the Python registry.
pub(super) struct PythonProgram {
    /// The name of the environment in the cache, before the key of its packages.
    pub(super) name: &'static str,
    /// Every package with its version, as `pip freeze` wrote them.
    requirements: &'static str,
    /// The program to run, below the environment.
    program: &'static str,
}

/// The AWS emulator: a library that a program of ours starts.
pub(super) const MOTO: PythonProgram = PythonProgram {
    name: "moto",
    requirements: include_str!("../../../acceptance-tests/moto-requirements.txt"),
    program: "bin/python3",
};

/// A checker that brings along the published schemas of CI services, and the linter of shell scripts.
pub(super) const CHECK_JSONSCHEMA: PythonProgram = PythonProgram {
    name: "check-jsonschema",
    requirements: include_str!("../../../acceptance-tests/check-jsonschema-requirements.txt"),
    program: "bin/check-jsonschema",
};

/// Exists once the installation is whole.
const COMPLETE: &str = "complete";

impl PythonProgram {
    pub(super) fn directory_name(&self) -> String {
        let mut key = hex::encode(Sha256::digest(self.requirements));
        key.truncate(8);
        format!("{}_{key}", self.name)
    }

    /// Returns the program, or a path that does not exist while the installation isn't whole.
    pub(super) fn find(&self, environment: &Path) -> PathBuf {
        let complete = environment.join(COMPLETE);
        if complete.exists() { environment.join(self.program) } else { complete }
    }

    pub(super) fn install(&self, environment: &Path) -> Result<()> {
        let python = search_path("python3").context("Python 3.10 or later is needed")?;
        if environment.exists() {
            fs::remove_dir_all(environment).with_context(|| format!("cannot remove {}", environment.display()))?;
        }
        run_command(Command::new(&python).args(["-m", "venv"]).arg(environment))
            .context("Python's venv module is needed (on Debian: apt install python3-venv)")?;
        let requirements = environment.join("requirements.txt");
        fs::write(&requirements, self.requirements)
            .with_context(|| format!("cannot write {}", requirements.display()))?;
        run_command(
            Command::new(environment.join("bin/python3"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"])
                .arg(&requirements),
        )?;
        let complete = environment.join(COMPLETE);
        fs::write(&complete, "").with_context(|| format!("cannot write {}", complete.display()))
    }
}
