//! States in files: one file, or a root module with its workspaces.
//!
//! Source: `internal/backend/local` of Terraform. `terraform.tfstate.backup` is an older snapshot and never read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use model::Diagnostics;

use super::{
    Backend, BackendConfig, DEFAULT_WORKSPACE, Root, StateBytes, StateFile, StateSource, check_workspace, lock,
    sort_workspaces,
};
use crate::{Error, ErrorKind};

const FILE_NAME: &str = "terraform.tfstate";
const WORKSPACE_DIR: &str = "terraform.tfstate.d";
/// The largest lock note that is read, in bytes.
const MAX_LOCK_NOTE: u64 = 64 * 1024;

/// The row of the table.
pub(super) const BACKEND: Backend = Backend {
    name: "local",
    schemes: &["file"],
    from_url: |url, _| {
        let path = url.to_file_path().map_err(|()| Error::new(ErrorKind::Configuration, "find the URL's path"))?;
        Ok(Box::new(Local::file(&path)?))
    },
    from_config: |config, root| Ok(Box::new(Local::root(config, root)?)),
};

/// States in files.
#[derive(Clone, Debug)]
pub struct Local {
    /// The file of the default workspace.
    default: PathBuf,
    /// The directory that holds one directory for each further workspace.
    workspaces: Option<PathBuf>,
    selected: String,
}

impl Local {
    /// Reads one file.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where it does not exist.
    pub fn file(path: &Path) -> Result<Self, Error> {
        if let Err(error) = fs::metadata(path) {
            return Err(missing(Error::from_io("find the state", error).with("file", path.display())));
        }
        Ok(Self { default: path.to_owned(), workspaces: None, selected: DEFAULT_WORKSPACE.to_owned() })
    }

    fn root(config: &BackendConfig, root: &Root<'_>) -> Result<Self, Error> {
        check_workspace(&root.workspace)?;
        let argument = |name: &str, default: &str| match config.arguments.get(name) {
            None => Ok(root.directory.join(default)),
            Some(value) => match value.as_str() {
                Some("") => Ok(root.directory.join(default)),
                Some(path) => Ok(root.directory.join(path)),
                None => Err(Error::new(ErrorKind::Configuration, "read the `backend` block")
                    .with("backend", "local")
                    .with("argument", name)
                    .with_help("It must be a string that is known.")),
            },
        };
        // The workspace folder itself may be named, too.
        let is_folder = root.directory.file_name().is_some_and(|name| name == WORKSPACE_DIR);
        let workspaces = if is_folder { root.directory.to_owned() } else { argument("workspace_dir", WORKSPACE_DIR)? };
        Ok(Self {
            default: argument("path", FILE_NAME)?,
            workspaces: Some(workspaces),
            selected: root.workspace.clone(),
        })
    }

    fn path(&self, workspace: &str) -> Result<PathBuf, Error> {
        check_workspace(workspace)?;
        match &self.workspaces {
            _ if workspace == DEFAULT_WORKSPACE => Ok(self.default.clone()),
            Some(workspaces) => Ok(workspaces.join(workspace).join(FILE_NAME)),
            None => Err(Error::new(ErrorKind::NotFound, "find a workspace of a single state file")
                .with("file", self.default.display())
                .with("workspace", workspace)
                .with_help("Name the directory of the root module instead.")),
        }
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        if self.default.is_file() || self.workspaces.is_none() {
            names.push(DEFAULT_WORKSPACE.to_owned());
        }
        let Some(workspaces) = &self.workspaces else { return Ok(names) };
        let fail = |error| Error::from_io("list the workspaces", error).with("directory", workspaces.display());
        let directory = match fs::read_dir(workspaces) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(fail(error)),
        };
        for entry in directory {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if entry.path().join(FILE_NAME).is_file() && check_workspace(&name).is_ok() {
                names.push(name);
            }
        }
        sort_workspaces(&mut names);
        Ok(names)
    }
}

fn missing(error: Error) -> Error {
    if error.kind == ErrorKind::NotFound {
        return error.with_help("Give the path of a state file, the directory of a root module, a URL, or `-`.");
    }
    error
}

#[async_trait]
impl StateSource for Local {
    fn url(&self) -> String {
        self.default.display().to_string()
    }

    fn selected_workspace(&self) -> &str {
        &self.selected
    }

    async fn list_workspaces(&self) -> Result<Vec<String>, Error> {
        self.names()
    }

    async fn get(&self, workspace: &str) -> Result<StateFile, Error> {
        let path = self.path(workspace)?;
        let shown = path.display().to_string();
        let file = File::open(&path).and_then(|file| {
            let metadata = file.metadata()?;
            if metadata.is_dir() { Err(io::Error::from(io::ErrorKind::IsADirectory)) } else { Ok((file, metadata)) }
        });
        let (file, metadata) = match file {
            Ok(found) => found,
            Err(error) => {
                let mut error = missing(Error::from_io("open the state", error).with("file", &shown));
                let others = self.names().unwrap_or_default();
                if error.kind == ErrorKind::NotFound && !others.is_empty() {
                    error = error
                        .with("workspace", workspace)
                        .with_help(format!("Workspaces with a state are: {}.", others.join(", ")));
                }
                return Err(error);
            }
        };
        let warnings = match held_lock(&path) {
            Some(note) => vec![lock::warning(&shown, &note)],
            None => Diagnostics::new(),
        };
        Ok(StateFile {
            url: shown.into(),
            workspace: workspace.into(),
            version: version_of(&metadata),
            bytes: StateBytes::from_file(file)?,
            warnings,
        })
    }

    async fn version(&self, workspace: &str) -> Result<Option<String>, Error> {
        let path = self.path(workspace)?;
        let metadata = fs::metadata(&path)
            .map_err(|error| Error::from_io("look at the state", error).with("file", path.display()))?;
        Ok(version_of(&metadata))
    }
}

fn version_of(metadata: &fs::Metadata) -> Option<String> {
    let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{}-{}", metadata.len(), modified.as_nanos()))
}

/// Reads the note that terraform leaves beside a state while it holds the lock.
fn held_lock(path: &Path) -> Option<Vec<u8>> {
    let name = path.file_name()?.to_str()?;
    let note = File::open(path.with_file_name(format!(".{name}.lock.info"))).ok()?;
    let mut bytes = Vec::new();
    note.take(MAX_LOCK_NOTE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
