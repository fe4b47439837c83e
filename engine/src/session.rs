//! What a front end hands to every operation: the environment, a way to stop, a clock, and somewhere to tell progress.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use model::Diagnostic;
use net::Environment;
use tfstate::backend::BackendConfig;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::plan::schemas::KnownSchemas;

/// Something worth telling a person who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A part of the work began: `reading states`, `asking 2 accounts`.
    Phase(String),
    /// Scopes were seen, wholly or not.
    Scopes {
        /// How many are done.
        n_done: u64,
        /// How many there are in all, as far as is known.
        n_total: u64,
        /// How many objects were found so far.
        n_objects: u64,
    },
    /// Recorded instances were looked at through their providers.
    Instances {
        /// How many are done.
        n_done: u64,
        /// How many there are in all.
        n_total: u64,
    },
    /// Configurations of objects were looked for, and found or not.
    Adoptions {
        /// How many are done.
        n_done: u64,
        /// How many there are in all.
        n_total: u64,
    },
}

/// Is told about progress while an operation runs; must not block.
pub trait Progress: Send + Sync {
    /// Takes one step.
    fn step(&self, step: Step);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&self, _: Step) {}
}

/// Gives files that say what is started, with what, and what is looked away from: where a change is not trusted, as they
/// were before it.
pub(crate) trait TrustedFiles: Send + Sync {
    /// Reads a file.
    fn read(&self, path: &Path) -> TrustedFile;

    /// Tells where a root module keeps its state.
    ///
    /// # Errors
    /// Where only what is not trusted says so, though something else was said before.
    fn backend(&self, directory: &Path) -> Result<TrustedBackend, Error>;
}

/// What there is of a `backend` block that is trusted.
pub(crate) enum TrustedBackend {
    /// It is as the code on the disk says.
    OnDisk,
    /// It was this.
    Was(Option<BackendConfig>),
    /// Nothing that is trusted says where the state is, and none is read: this says so.
    Nowhere(Diagnostic),
}

/// What there is of a file that is trusted.
pub(crate) enum TrustedFile {
    /// A change cannot reach it: it is as it is on the disk.
    OnDisk,
    /// It was not there before the change.
    Missing,
    /// It held this, or could not be read.
    Kept(Result<Vec<u8>, String>),
}

/// Everything an operation may use of the process it runs in.
#[derive(Clone)]
pub struct Session {
    /// The environment variables and home directory that count.
    pub environment: Environment,
    /// What relative paths are relative to.
    pub current_dir: PathBuf,
    /// Ends every operation early, with what was seen so far.
    pub cancel: CancellationToken,
    /// Is told about progress.
    pub progress: Arc<dyn Progress>,
    /// Tells the time.
    pub now: fn() -> Timestamp,
    /// What providers offer that were asked already, where somebody asks again.
    pub(crate) schemas: Option<Arc<KnownSchemas>>,
    /// The files that are trusted, where not all on the disk are.
    pub(crate) trusted: Option<Arc<dyn TrustedFiles>>,
}

impl Session {
    /// Makes a session that tells nobody about its progress and uses the system's clock.
    pub fn new(environment: Environment, current_dir: PathBuf) -> Self {
        Self {
            environment,
            current_dir,
            cancel: CancellationToken::new(),
            progress: Arc::new(Quiet),
            now: Timestamp::now,
            schemas: None,
            trusted: None,
        }
    }

    /// Reads a file that says what is started, with what, or what is looked away from; `None` where there is none.
    ///
    /// # Errors
    /// Why it cannot be read, as a clause.
    pub(crate) fn read_trusted(&self, path: &Path, max_bytes: u64) -> Result<Option<String>, String> {
        let kept = self.trusted.as_ref().map_or(TrustedFile::OnDisk, |trusted| trusted.read(path));
        let bytes = match kept {
            TrustedFile::Missing => return Ok(None),
            TrustedFile::Kept(bytes) => bytes?,
            TrustedFile::OnDisk => {
                let metadata = match std::fs::metadata(path) {
                    Ok(metadata) => metadata,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(error.to_string()),
                };
                if !metadata.is_file() {
                    return Err("it is no file".to_owned());
                }
                if metadata.len() > max_bytes {
                    return Err(format!("it has {} bytes, and {max_bytes} is the limit", metadata.len()));
                }
                std::fs::read(path).map_err(|error| error.to_string())?
            }
        };
        if bytes.len() as u64 > max_bytes {
            return Err(format!("it has {} bytes, and {max_bytes} is the limit", bytes.len()));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| "it is not UTF-8".to_owned())
    }

    /// Makes a path absolute.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.current_dir.join(path)
    }

    /// Gives the place of the store: `chosen`, else `DRIFTMGR_STORE`, else the user's state directory.
    pub fn store_path(&self, chosen: Option<&Path>) -> Result<PathBuf, Error> {
        if let Some(path) = chosen {
            return Ok(self.path(path));
        }
        if let Some(path) = self.environment.get("DRIFTMGR_STORE") {
            return Ok(self.current_dir.join(self.environment.expand_home(path)));
        }
        let state_home = match self.environment.get("XDG_STATE_HOME") {
            Some(directory) => PathBuf::from(directory),
            None => match self.environment.home() {
                Some(home) => home.join(".local/state"),
                None => {
                    return Err(Error::usage(
                        "place the store",
                        "Neither HOME nor XDG_STATE_HOME is set, so there is no place for the store.",
                    )
                    .with_help("Choose one with --store PATH or DRIFTMGR_STORE."));
                }
            },
        };
        Ok(state_home.join("driftmgr/store.db"))
    }

    pub(crate) fn phase(&self, text: impl Into<String>) {
        self.progress.step(Step::Phase(text.into()));
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("current_dir", &self.current_dir).finish_non_exhaustive()
    }
}
