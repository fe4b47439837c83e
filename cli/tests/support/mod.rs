//! Runs the program as a user would, with nothing of this machine's own settings.

#![expect(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod broken;
pub(crate) mod change;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;
use xtask::moto::Moto;
use xtask::tools::{self, Tool};

/// The account of the demo estate.
pub(crate) const ACCOUNT: &str = "123456789012";

/// Gives the folder with the torture provider, building it first.
pub(crate) fn torture() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "tfplugin", "--example", "terraform-provider-torture"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the torture provider does not build");
        // …/target/debug/deps/TEST-… → …/target/debug/examples
        let test = std::env::current_exe().expect("a test has a path");
        test.ancestors().nth(2).expect("tests lie two folders deep").join("examples")
    });
    folder.clone()
}

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
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Reads standard output as a document that follows its published schema.
    #[track_caller]
    pub(crate) fn document(&self, schema: &str) -> Value {
        let document = self.json();
        check_schema(schema, &document);
        document
    }
}

/// Checks a document against its published schema.
#[track_caller]
pub(crate) fn check_schema(name: &str, document: &Value) {
    assert_eq!(document["schema"], name);
    let file = estate().join("../../docs/schemas").join(format!("{}.json", name.replace('/', ".")));
    let schema = std::fs::read_to_string(&file).expect("the schema is published");
    let schema = serde_json::from_str(&schema).expect("schemas are JSON");
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    let problems: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "not as {name} says: {problems:#?}");
}

/// The emulated account with the demo estate in it.
pub(crate) struct Demo {
    /// The server.
    pub(crate) moto: Moto,
    /// A copy of the root module in `estate`, and a store with one scan of the account.
    pub(crate) place: Place,
    /// What was changed behind terraform's back; null where nothing was.
    pub(crate) truth: Value,
}

impl Demo {
    /// Brings the estate up and looks at it once.
    pub(crate) fn start(with_drift: bool) -> Self {
        let place = Place::new();
        xtask::estate::copy_to(&place.path("estate")).expect("the estate is copied");
        let moto = xtask::estate::start().expect("the estate comes up");
        let truth = if with_drift {
            let truth = xtask::estate::inject_drift(&moto).expect("the estate drifts");
            serde_json::from_str(&truth).expect("the truth is JSON")
        } else {
            Value::Null
        };
        let demo = Self { moto, place, truth };
        demo.run(&["scan", "--dir", "estate"]).ends_with(0);
        demo
    }

    /// Installs the provider of the estate beside its code, as `init` does; says why where that cannot be.
    pub(crate) fn install_providers(&self) -> Option<()> {
        tools::or_skip(Tool::Aws)?;
        let program = tools::or_skip(Tool::Terraform).or_else(|| tools::or_skip(Tool::Tofu))?;
        let config = xtask::terraform::CliConfig::with_tools().expect("the tools have a place").render();
        let config = self.place.write("terraform.rc", config);
        let output = Command::new(program)
            .args(["init", "-no-color", "-input=false"])
            .current_dir(self.place.path("estate"))
            .env("TF_CLI_CONFIG_FILE", config)
            .env("CHECKPOINT_DISABLE", "1")
            .output()
            .expect("terraform starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(())
    }

    /// Gives the drifted estate that the tests of one file share, and must not change; says why where there is none.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Demo>> = Mutex::new(Weak::new());
        tools::or_skip(Tool::Moto)?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(shared.upgrade().unwrap_or_else(|| {
            let demo = Arc::new(Self::start(true));
            *shared = Arc::downgrade(&demo);
            demo
        }))
    }

    /// Gives the program, ready to run in a place with the credentials of the account.
    pub(crate) fn driftmgr_in(&self, place: &Place) -> Command {
        let mut command = place.driftmgr();
        self.moto.configure(&mut command);
        command.env_remove("HTTP_PROXY");
        command
    }

    /// Runs the program in the place of the estate.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_in(&self.place, arguments)
    }

    /// Runs the program in another place.
    pub(crate) fn run_in(&self, place: &Place, arguments: &[&str]) -> Run {
        Run::of(self.driftmgr_in(place).args(arguments).output().expect("driftmgr starts"))
    }

    /// Makes a place with a copy of the store of the estate, for runs that write.
    pub(crate) fn copy_of_store(&self) -> Place {
        let place = Place::new();
        for name in ["store.db", "store.db.published"] {
            std::fs::copy(self.place.path(name), place.path(name)).expect("the store is copied");
        }
        place
    }

    /// Gives the path of the estate's state.
    pub(crate) fn state(&self) -> String {
        self.place.path("estate/terraform.tfstate").to_string_lossy().into_owned()
    }
}

/// Gives the folder of the demo estate.
pub(crate) fn estate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("examples/estate")
}
