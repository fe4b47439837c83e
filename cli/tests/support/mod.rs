//! Runs the program as a user would, with nothing of this machine's own settings.

#![expect(dead_code, reason = "each test file uses its own part of this")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A place of its own for one test: a working folder and a store.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// Makes an empty place.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Gives a path in the working folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the working folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(&path, content).expect("the file is written");
        path
    }

    /// Gives the program, ready to run here with an environment that holds nothing but a path and this place.
    pub(crate) fn driftmgr(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftmgr"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("DRIFTMGR_STORE", self.path("store.db"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.folder.path());
        command
    }

    /// Runs the program with arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.driftmgr().args(arguments).output().expect("driftmgr starts"))
    }
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Run {
    /// Takes what a process left.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// Checks the exit code and gives the run back.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that standard error says something.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "standard error does not say {text:?}:\n{}", self.stderr);
        self
    }

    /// Reads standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }
}

/// Gives the folder of the demo estate.
pub(crate) fn estate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("examples/estate")
}
