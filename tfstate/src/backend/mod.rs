//! Where snapshots live: one trait, one file for each kind of place, one table.

mod bytes;
pub mod local;
mod location;
mod lock;
mod pointer;
mod s3;
pub mod stdin;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use model::Diagnostics;
use net::{Environment, Network};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::bytes::StateBytes;
pub use self::location::Location;
use crate::{Error, ErrorKind};

/// The workspace that always exists.
pub const DEFAULT_WORKSPACE: &str = "default";

/// A place that holds the snapshots of one configuration, one for each workspace.
///
/// It reads only, and takes no lock. `tests/backends` says what every implementation must do.
#[async_trait]
pub trait StateSource: fmt::Debug + Send + Sync {
    /// Names the place, without credentials.
    fn url(&self) -> String;

    /// Gives the workspace that is selected.
    fn selected_workspace(&self) -> &str;

    /// Lists the workspaces: the default one first where there is one, the others by name.
    async fn list_workspaces(&self) -> Result<Vec<String>, Error>;

    /// Fetches the current snapshot of a workspace.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the workspace has no snapshot.
    async fn get(&self, workspace: &str) -> Result<StateFile, Error>;

    /// Asks what [`StateFile::version`] would be now, without fetching the snapshot.
    ///
    /// # Errors
    /// As [`StateSource::get`].
    async fn version(&self, workspace: &str) -> Result<Option<String>, Error>;
}

/// A snapshot that was fetched and not looked at yet.
#[derive(Debug)]
pub struct StateFile {
    /// Where it came from, without credentials.
    pub url: Arc<str>,
    /// The workspace it belongs to.
    pub workspace: Arc<str>,
    /// What changes whenever it is written: an entity tag, or size and time. Absent where nothing can be written.
    pub version: Option<String>,
    /// Its bytes.
    pub bytes: StateBytes,
    /// What should be known about it: that it is locked, say.
    pub warnings: Diagnostics,
}

/// What a `backend` block says: its label and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct BackendConfig {
    /// The label: `s3`.
    pub kind: String,
    /// The arguments that are set.
    pub arguments: BTreeMap<String, cty::Value>,
}

/// What backends are opened with; nothing of it is read from the process.
#[derive(Clone, Debug)]
pub struct Context {
    /// Variables (`TF_WORKSPACE`, `TF_DATA_DIR`, those of the clouds) and the home directory.
    pub environment: Environment,
    /// The network of the run; where absent, the first backend that needs one makes a standard one.
    pub network: Option<Network>,
    /// Cancelled when the run is to stop.
    pub cancel: CancellationToken,
}

impl Context {
    /// Makes a context with a network of its own.
    pub fn new(environment: Environment) -> Self {
        Self { environment, network: None, cancel: CancellationToken::new() }
    }
}

/// One kind of place, as `backend` blocks and URLs name it.
#[derive(Clone, Copy)]
pub struct Backend {
    /// The label of its `backend` block.
    pub name: &'static str,
    /// The schemes of its URLs.
    pub schemes: &'static [&'static str],
    /// Opens what a URL names.
    from_url: fn(&Url, &Context) -> Result<Box<dyn StateSource>, Error>,
    /// Opens what a `backend` block of the root module in a directory names.
    from_config: fn(&BackendConfig, &Root<'_>) -> Result<Box<dyn StateSource>, Error>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every kind of place that can be read.
pub static BACKENDS: &[Backend] = &[local::BACKEND, s3::BACKEND];

/// A root module's directory and what surrounds it.
struct Root<'a> {
    directory: &'a Path,
    workspace: String,
    context: &'a Context,
}

/// Opens the place that a location names.
///
/// A directory is taken for a root module: what `terraform init` noted in it is followed, see [`open_root`].
///
/// # Errors
/// [`ErrorKind::NotFound`] for a path that does not exist, [`ErrorKind::Unsupported`] for a scheme no backend has,
/// [`ErrorKind::Configuration`] for a URL that lacks something.
pub fn open(location: &Location, context: &Context) -> Result<Box<dyn StateSource>, Error> {
    match location {
        Location::Stdin => Ok(Box::new(stdin::Stdin::new(std::io::stdin()))),
        Location::Path(path) if path.is_dir() => open_root(path, None, context),
        Location::Path(path) => Ok(Box::new(local::Local::file(path)?)),
        Location::Url(url) => {
            let backend = BACKENDS.iter().find(|backend| backend.schemes.contains(&url.scheme()));
            let backend = backend.ok_or_else(|| {
                let schemes: Vec<String> =
                    BACKENDS.iter().flat_map(|backend| backend.schemes).map(|scheme| format!("{scheme}://")).collect();
                Error::new(ErrorKind::Unsupported, "open the state")
                    .with("scheme", url.scheme())
                    .with_help(format!("Give a path, `-` for standard input, or a URL with {}.", schemes.join(" or ")))
                    .with_help("Any other state can be piped: `terraform state pull | driftmgr … -`.")
            })?;
            (backend.from_url)(url, context)
        }
    }
}

/// Opens the place where a root module keeps its state.
///
/// `code` is the root module's `backend` block, where it was read. What `terraform init` noted, `-backend-config`
/// included, adds to it and wins. Without either it is the local backend.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a backend that is not in [`BACKENDS`], and what opening it reports.
pub fn open_root(
    directory: &Path,
    code: Option<&BackendConfig>,
    context: &Context,
) -> Result<Box<dyn StateSource>, Error> {
    let data_dir = match context.environment.get("TF_DATA_DIR") {
        Some(data_dir) => directory.join(data_dir),
        None => directory.join(".terraform"),
    };
    let noted = pointer::read(&data_dir.join("terraform.tfstate"))?;
    let config = match (noted, code) {
        (Some(mut noted), Some(code)) if noted.kind == code.kind => {
            for (name, value) in &code.arguments {
                noted.arguments.entry(name.clone()).or_insert_with(|| value.clone());
            }
            noted
        }
        (_, Some(code)) => code.clone(),
        (Some(noted), None) => noted,
        (None, None) => BackendConfig { kind: "local".to_owned(), arguments: BTreeMap::new() },
    };
    let workspace = match context.environment.get("TF_WORKSPACE") {
        Some(workspace) => workspace.to_owned(),
        None => pointer::selected_workspace(&data_dir)?,
    };
    (find(&config.kind, directory)?.from_config)(&config, &Root { directory, workspace, context })
}

/// Opens the place that a configuration names for a workspace, as `terraform_remote_state` does.
///
/// Relative paths start from `directory`; what `terraform init` noted does not count.
///
/// # Errors
/// As [`open_root`].
pub fn open_config(
    config: &BackendConfig,
    directory: &Path,
    workspace: &str,
    context: &Context,
) -> Result<Box<dyn StateSource>, Error> {
    check_workspace(workspace)?;
    let root = Root { directory, workspace: workspace.to_owned(), context };
    (find(&config.kind, directory)?.from_config)(config, &root)
}

/// Finds a backend by the label of its block.
fn find(kind: &str, directory: &Path) -> Result<&'static Backend, Error> {
    BACKENDS.iter().find(|backend| backend.name == kind).ok_or_else(|| {
        let names: Vec<&str> = BACKENDS.iter().map(|backend| backend.name).collect();
        Error::new(ErrorKind::Unsupported, "open the state")
            .with("backend", kind)
            .with("directory", directory.display())
            .with_help(format!("Backends read directly are: {}.", names.join(", ")))
            .with_help("Pipe the state instead: `terraform state pull | driftmgr … -`.")
    })
}

/// Refuses names that would lead out of the place.
fn check_workspace(workspace: &str) -> Result<(), Error> {
    let is_valid = !workspace.is_empty()
        && workspace != "."
        && workspace != ".."
        && !workspace.chars().any(|c| c == '/' || c == '\\' || c.is_control());
    if is_valid {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, "select the workspace")
        .with("workspace", format!("{workspace:?}"))
        .with_help("A workspace's name has no slash; `terraform workspace list` lists them."))
}

/// Orders workspaces: the default one first.
fn sort_workspaces(workspaces: &mut Vec<String>) {
    workspaces.sort_by(|left, right| (left != DEFAULT_WORKSPACE, left).cmp(&(right != DEFAULT_WORKSPACE, right)));
    workspaces.dedup();
}
