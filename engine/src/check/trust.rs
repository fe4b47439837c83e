//! What a change that is not trusted may not say: which programs are started, with which configuration and credentials,
//! where states are, what is ignored, and what is read beside the repository.
//!
//! All of that counts as it was before the change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl::module::Module;
use hcl::{ReadError, SourceTree};
use model::{Diagnostic, Diagnostics};
use net::Environment;
use tfstate::backend::BackendConfig;

use super::git::{self, RevisionFolder};
use super::{Change, OPERATION};
use crate::code::Folder;
use crate::evaluation::{KeptTree, RootModule};
use crate::request::StatesRequest;
use crate::roots::{Repository, RootEntry};
use crate::session::{TrustedBackend, TrustedFile, TrustedFiles};
use crate::{Error, Session, code};

/// Files of which the names of root modules come.
const NAMING: &[&str] = &["driftmgr.yaml", "atlantis.yaml", "digger.yml", "digger.yaml", "terragrunt.hcl"];

/// The files of a repository as they were before a change.
struct Before(Arc<Change>, Environment);

impl TrustedFiles for Before {
    fn read(&self, path: &Path) -> TrustedFile {
        let Some(inside) = self.0.git.relative(path) else { return TrustedFile::OnDisk };
        if self.0.revision.is_ignored(&inside) {
            return TrustedFile::OnDisk;
        }
        self.0.revision.file(&inside).map_or(TrustedFile::Missing, TrustedFile::Kept)
    }

    fn backend(&self, directory: &Path) -> Result<TrustedBackend, Error> {
        let Self(change, environment) = self;
        let Some(before) = change.tree_before(directory, ".terraform", None) else { return Ok(TrustedBackend::OnDisk) };
        let config = |tree: &dyn SourceTree| {
            let (module, _) = Module::read(tree, ".");
            module.backend.map(|settings| BackendConfig { kind: settings.name, arguments: settings.arguments })
        };
        let folder = before.folder.clone();
        let (was, is) = (config(&before), config(&Folder(directory)));
        let is_new = !change.revision.has_code(&folder);
        let data_folder = environment.get("TF_DATA_DIR").unwrap_or(".terraform");
        let is_noted = directory.join(data_folder).join("terraform.tfstate").exists();
        if is_new && (is.is_some() || is_noted) {
            let detail = format!(
                "The root module {folder} is new, and only the change says where its state is. That is not read: everything \
                 in it counts as not made yet."
            );
            let warning = Diagnostic::warning("change-not-trusted", "The state of a root module is not read", detail);
            let warning = warning.with_help("Where only trusted people change the code, --trust-head lets it count.");
            return Ok(TrustedBackend::Nowhere(
                warning.with_help("If it was applied already, name its state with --dir and --state."),
            ));
        }
        if is_noted && was != is {
            // What `init` noted may be of the change as well.
            let detail =
                format!("The change says of {folder} that its state is elsewhere, and `init` was run with it.");
            return Err(Error::usage(OPERATION, detail)
                .with_help(
                    "Run `terraform init` with the code before the change, or remove the folder it installs into.",
                )
                .with_help("Where only trusted people change the code, --trust-head lets it count."));
        }
        if was.as_ref().is_none_or(|config| config.kind == "local") {
            let path = was.as_ref().and_then(|config| config.arguments.get("path")?.as_str().map(str::to_owned));
            let path = path.unwrap_or_else(|| "terraform.tfstate".to_owned());
            let of_workspaces = directory.join("terraform.tfstate.d");
            change.refuse_state(&directory.join(path))?;
            change.refuse_state(&of_workspaces)?;
        }
        Ok(TrustedBackend::Was(was))
    }
}

impl Change {
    /// Refuses a state that the change itself brings along, or changes.
    pub(super) fn refuse_state(&self, path: &Path) -> Result<(), Error> {
        let Some(inside) = self.git.relative(path) else { return Ok(()) };
        let within = format!("{inside}/");
        let is_it = |path: &&String| **path == inside || path.starts_with(&within);
        let Some(found) = self.revision.changed.tracked.iter().find(is_it) else { return Ok(()) };
        let detail = format!("The state {found} is a file of the change, which could say that anything is managed.");
        Err(Error::usage(OPERATION, detail)
            .with_help("Where only trusted people change the code, --trust-head lets it count."))
    }
}

/// Gives a session in which what was written before the change counts.
pub(super) fn session(session: &Session, change: Arc<Change>) -> Session {
    let before = Before(change, session.environment.clone());
    Session { trusted: Some(Arc::new(before)), ..session.clone() }
}

/// Reads the root module with the change; where that is not trusted, its functions read no file beside the repository.
pub(super) async fn head(
    session: &Session,
    request: &StatesRequest,
    untrusted: Option<&Arc<Change>>,
) -> Option<Arc<RootModule>> {
    let Some(change) = untrusted else { return RootModule::opened(session, request).await };
    let (session, request, change) = (session.clone(), request.clone(), Arc::clone(change));
    let opened = tokio::task::spawn_blocking(move || {
        let directory = code::root(&request, &session)?;
        let installed = directory.join(session.environment.get("TF_DATA_DIR").unwrap_or(".terraform"));
        let installed = installed.canonicalize().unwrap_or(installed);
        let fence = Fence { directory: directory.clone(), allowed: [change.git.top.clone(), installed] };
        let tree = Arc::new(KeptTree::over(directory.clone(), Arc::new(fence)));
        Some(RootModule::open_tree(&session, &request, directory, tree))
    });
    opened.await.ok().flatten()
}

/// A folder on the disk from which nothing leads out of its repository and of what `init` installed.
struct Fence {
    directory: PathBuf,
    allowed: [PathBuf; 2],
}

impl Fence {
    fn refuse(&self, path: &str) -> Result<(), ReadError> {
        // What is not there is said by who reads it.
        let Ok(full) = self.directory.join(path).canonicalize() else { return Ok(()) };
        if self.allowed.iter().any(|folder| full.starts_with(folder)) {
            return Ok(());
        }
        let reason = "it is not in the repository, and the change is not trusted (--trust-head)".to_owned();
        Err(ReadError { path: path.to_owned(), reason })
    }
}

impl SourceTree for Fence {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.refuse(folder)?;
        Folder(&self.directory).list(folder)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.refuse(folder)?;
        Folder(&self.directory).folders(folder)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.refuse(path)?;
        Folder(&self.directory).read(path)
    }
}

/// Lets the root modules be run as was written down before the change: where their states are, with which profiles, in which
/// accounts and regions.
pub(super) fn take_entries(
    roots: &mut [(RootEntry, Option<String>)],
    before: &RevisionFolder,
    (prefix, renamed): (&str, &BTreeMap<String, String>),
    repository: &Repository,
    diagnostics: &mut Diagnostics,
) {
    let changed = &before.revision.changed.all;
    let Some(file) = changed.iter().find(|path| NAMING.contains(&git::split(path).1)) else { return };
    let files: Vec<String> = before
        .revision
        .paths()
        .filter_map(|path| if prefix == "." { Some(path) } else { path.strip_prefix(prefix)?.strip_prefix('/') })
        .map(str::to_owned)
        .collect();
    let tree = Under { before, prefix };
    let known = Repository::read(&repository.directory, &files, &tree);
    let in_git = |root: &RootEntry| git::join(prefix, &root.directory).unwrap_or_else(|| root.directory.clone());
    let was = |root: &RootEntry| {
        let is_renamed = |known: &&RootEntry| {
            known.workspace == root.workspace && renamed.get(&in_git(root)) == Some(&in_git(known))
        };
        let named = known.roots.iter().find(|known| known.name == root.name);
        named.or_else(|| known.roots.iter().find(is_renamed))
    };
    let mut n_changed = 0;
    for (root, _) in roots {
        let now = root.clone();
        match was(root) {
            Some(before) => {
                root.states.clone_from(&before.states);
                root.profiles.clone_from(&before.profiles);
                root.accounts.clone_from(&before.accounts);
                root.regions.clone_from(&before.regions);
                root.variable_files.clone_from(&before.variable_files);
            }
            None => {
                (root.states, root.profiles) = (Vec::new(), Vec::new());
            }
        }
        n_changed += u64::from(*root != now);
    }
    if n_changed > 0 {
        let detail = format!(
            "{n_changed} root modules are run as was written down before the change, which changes {file}: where their \
             states are, and with which profiles, accounts, regions and files of variables."
        );
        diagnostics.push(
            Diagnostic::warning("change-not-trusted", "What the change says of root modules does not count", detail)
                .with_help("Where only trusted people change the code, --trust-head lets it count."),
        );
    }
}

/// A part of a tree.
pub(super) struct Under<'a> {
    pub(super) before: &'a RevisionFolder,
    pub(super) prefix: &'a str,
}

impl Under<'_> {
    fn path(&self, path: &str) -> String {
        git::join(self.prefix, path).unwrap_or_else(|| path.to_owned())
    }
}

impl SourceTree for Under<'_> {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.before.list(&self.path(folder))
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.before.folders(&self.path(folder))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.before.read(&self.path(path))
    }
}

/// Says what of the change does not count in a root module.
pub(super) fn warnings(change: &Change, folder: &Path) -> Diagnostics {
    let inside = folder.canonicalize().ok().and_then(|folder| change.git.relative(&folder));
    let lock = inside.and_then(|inside| git::join(&inside, ".terraform.lock.hcl"));
    let mut warnings = Diagnostics::new();
    if let Some(lock) = lock.filter(|lock| change.changed().contains(lock)) {
        let detail = format!(
            "The change changes {lock}. Providers are checked against what it was before; one that the change brings along \
             is not started, and what its instances would need it for is undetermined."
        );
        warnings.push(
            Diagnostic::warning("change-not-trusted", "The lock file of the change does not count", detail)
                .with_help("Where only trusted people change the code, --trust-head lets it count."),
        );
    }
    warnings
}
