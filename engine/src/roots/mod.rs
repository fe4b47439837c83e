//! The root modules of a repository: written down in `driftmgr.yaml`, or found by what is in the folders.
//!
//! A repository is a list of files and a way to read them, so that a revision is looked at as a working tree is.
//!
//! **Start reading** at [`Repository::open`], then `found` (which folders are root modules) and `written` (what
//! `driftmgr.yaml` says of them). Other tools' files are in `foreign`.

mod foreign;
mod found;
mod glob;
mod text;
mod written;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl::SourceTree;
use model::{AccountId, Diagnostic, Diagnostics, Region};
use net::Environment;

use crate::Session;
use crate::code::Folder;
use crate::request::{Regions, ScopeRequest, StatesRequest, VariableSource};
use crate::settings::FILE_NAME;

/// The deepest folder that is looked into, counted from the top of the repository.
const MAX_DEPTH: usize = 32;
/// The most files of a repository that are looked at.
const MAX_FILES: usize = 2_000_000;

/// The root modules of a repository.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// Its topmost folder.
    pub directory: PathBuf,
    /// The root modules, sorted by name; names are unique.
    pub roots: Vec<RootEntry>,
    /// Whether `driftmgr.yaml` names them; else they were found.
    pub is_written: bool,
    /// What is wrong with what names them, and what was left out.
    pub diagnostics: Diagnostics,
}

/// One root module in one workspace, with what is known of how it is run.
#[derive(Clone, Debug, PartialEq)]
pub struct RootEntry {
    /// What people call it: its folder, with `@` and its workspace where one is chosen.
    pub name: String,
    /// Its folder, relative to the topmost one and with slashes; `.` is the topmost one itself.
    pub directory: String,
    /// The workspace; `None` leaves it to what is selected there.
    pub workspace: Option<String>,
    /// Files of variables beside those terraform finds by itself, relative to its folder.
    pub variable_files: Vec<String>,
    /// Where its state is; empty means what its backend says.
    pub states: Vec<String>,
    /// Named profiles; empty means the environment's own credentials.
    pub profiles: Vec<String>,
    /// The accounts that may be looked at; empty means any.
    pub accounts: Vec<AccountId>,
    /// The regions; empty means those that the states, the provider blocks and the environment name.
    pub regions: Vec<Region>,
    /// Who answers for it.
    pub owners: Vec<String>,
    /// Why it is taken for a root module, as a clause: "it has a backend".
    pub evidence: String,
}

impl RootEntry {
    /// Makes an entry of a folder that says nothing else.
    fn of(directory: &str, evidence: impl Into<String>) -> Self {
        Self {
            name: directory.to_owned(),
            directory: directory.to_owned(),
            workspace: None,
            variable_files: Vec::new(),
            states: Vec::new(),
            profiles: Vec::new(),
            accounts: Vec::new(),
            regions: Vec::new(),
            owners: Vec::new(),
            evidence: evidence.into(),
        }
    }

    /// Gives its folder on the disk.
    pub fn folder(&self, repository: &Path) -> PathBuf {
        if self.directory == "." { repository.to_owned() } else { repository.join(&self.directory) }
    }

    /// Gives the request for its states and code.
    pub fn states_request(&self, repository: &Path) -> StatesRequest {
        let folder = self.folder(repository);
        let variables = self.variable_files.iter().map(|file| VariableSource::File(folder.join(file))).collect();
        let locations = self.states.iter().map(|location| absolute(location, &folder)).collect();
        StatesRequest { locations, dir: Some(folder), variables }
    }

    /// Narrows a request to the accounts and regions that are written down for it, where the request names none.
    #[must_use]
    pub fn scope_request(&self, scope: &ScopeRequest) -> ScopeRequest {
        let mut scope = scope.clone();
        if scope.profiles.is_empty() {
            scope.profiles.clone_from(&self.profiles);
        }
        if scope.accounts.is_empty() {
            scope.accounts.clone_from(&self.accounts);
        }
        if scope.regions == Regions::Named && !self.regions.is_empty() {
            scope.regions = Regions::Only(self.regions.clone());
        }
        scope
    }

    /// Gives a session in which its workspace is selected.
    pub fn session(&self, session: &Session) -> Session {
        let Some(workspace) = &self.workspace else { return session.clone() };
        let variables = session.environment.variables().clone();
        let variables = variables.into_iter().chain([("TF_WORKSPACE".to_owned(), workspace.clone())]);
        let home = session.environment.home().map(Path::to_owned);
        Session { environment: Environment::new(variables, home), ..session.clone() }
    }
}

impl Repository {
    /// Reads the repository that a folder is in: the nearest folder upwards that is under version control or has a
    /// `driftmgr.yaml` with `roots`; without either, the folder itself.
    ///
    /// This reads files: off the threads of async tasks.
    pub fn open(session: &Session, folder: &Path) -> Self {
        let start = session.path(folder);
        let start = start.canonicalize().unwrap_or(start);
        let top = top(&start).unwrap_or(start);
        let (files, mut problems) = files(&top);
        let mut repository = Self::read(&top, &files, &Folder(&top));
        problems.append(&mut repository.diagnostics);
        repository.diagnostics = problems;
        repository
    }

    /// Reads a repository of these files, in a tree that need not be on the disk; paths have slashes and are relative to
    /// its topmost folder.
    pub fn read(directory: &Path, files: &[String], tree: &dyn SourceTree) -> Self {
        let mut diagnostics = Diagnostics::new();
        let text = |name: &str| tree.read(name).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let has = |name: &str| files.iter().any(|file| file == name);
        let written = has(FILE_NAME).then(|| text(FILE_NAME)).flatten();
        let written = written.and_then(|text| written::read(&text, files, &mut diagnostics));
        let is_written = written.is_some();
        let mut roots = written.unwrap_or_else(|| {
            let foreign = foreign::read(files, tree, &mut diagnostics);
            let mut roots = found::read(files, tree);
            // What another tool names, it knows better.
            roots.retain(|root| foreign.iter().all(|known| known.directory != root.directory));
            roots.extend(foreign);
            roots
        });
        roots.sort_by(|a, b| a.name.cmp(&b.name));
        roots.dedup_by(|second, first| {
            let is_same = second.name == first.name;
            if is_same && second != first {
                let detail = format!("Two root modules are called {:?}; only the first counts.", first.name);
                diagnostics.push(Diagnostic::warning("roots", "Two root modules have one name", detail));
            }
            is_same
        });
        Self { directory: directory.to_owned(), roots, is_written, diagnostics }
    }

    /// Finds the root modules in a folder, one for each workspace.
    pub fn roots_at<'a>(&'a self, folder: &Path) -> impl Iterator<Item = &'a RootEntry> {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        self.roots.iter().filter(move |root| root.folder(&self.directory) == folder)
    }

    /// Makes the entry of a folder that is none of the known ones: whoever names it knows that it is a root module.
    pub fn entry_of(&self, folder: &Path) -> RootEntry {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let relative = folder.strip_prefix(&self.directory).unwrap_or(&folder).to_string_lossy().replace('\\', "/");
        RootEntry::of(if relative.is_empty() { "." } else { &relative }, "it was named")
    }

    /// Writes the root modules down as a `driftmgr.yaml`.
    pub fn to_text(&self) -> String {
        text::write(&self.roots)
    }
}

/// Finds the topmost folder of the repository that a folder is in.
fn top(start: &Path) -> Option<PathBuf> {
    let names_roots = |folder: &Path| {
        std::fs::read_to_string(folder.join(FILE_NAME))
            .is_ok_and(|text| text.lines().any(|line| line.starts_with("roots:")))
    };
    start.ancestors().find(|folder| folder.join(".git").exists() || names_roots(folder)).map(Path::to_owned)
}

/// Lists a folder and those above it, up to the topmost one of its repository; the folder alone where it is in none.
pub(crate) fn up_to_top(folder: &Path) -> Vec<PathBuf> {
    let start = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let Some(top) = top(&start) else { return vec![folder.to_owned()] };
    let above = start.ancestors().skip(1).take_while(|above| above.starts_with(&top)).map(Path::to_owned);
    std::iter::once(folder.to_owned()).chain(above).collect()
}

/// Lists the files of a working tree, without what is hidden and what package managers unpack.
fn files(top: &Path) -> (Vec<String>, Diagnostics) {
    let (mut files, mut diagnostics) = (Vec::new(), Diagnostics::new());
    let mut pending = vec![(String::new(), 0)];
    while let Some((folder, depth)) = pending.pop() {
        let entries = match std::fs::read_dir(top.join(&folder)) {
            Ok(entries) => entries,
            Err(error) => {
                let name = if folder.is_empty() { "." } else { &folder };
                let detail = format!("The folder {name} cannot be listed: {error}. Root modules in it are not known.");
                diagnostics.push(Diagnostic::warning("roots", "A folder was not looked into", detail));
                continue;
            }
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let is_cache = name == ".terragrunt-cache";
                if depth < MAX_DEPTH && (is_cache || !name.starts_with('.') && name != "node_modules") {
                    pending.push((path, depth + 1));
                }
            } else if kind.is_file() && files.len() < MAX_FILES {
                files.push(path);
            }
        }
    }
    files.sort();
    (files, diagnostics)
}

/// Gives a location as it is from anywhere: a path is relative to the folder of the root module.
fn absolute(location: &str, folder: &Path) -> String {
    let is_elsewhere = location == "-" || location.contains("://");
    if is_elsewhere { location.to_owned() } else { folder.join(location).to_string_lossy().into_owned() }
}

/// Splits a path into its folder and its name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// Joins a folder and a path relative to it, and takes out the steps that lead up; `None` where it leaves the top.
fn joined(folder: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    for step in path.split('/').filter(|step| !step.is_empty() && *step != ".") {
        if step == ".." {
            steps.pop()?;
        } else {
            steps.push(step);
        }
    }
    Some(if steps.is_empty() { ".".to_owned() } else { steps.join("/") })
}

/// Names a file in diagnostics.
fn named(path: &str) -> Arc<str> {
    Arc::from(path)
}
