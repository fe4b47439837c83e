//! Git, asked through its own program: which commits, which files changed, and what stood in them.
//!
//! What the repository's configuration could have git start is turned off: no external diff, no hook, no monitor.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use hcl::{ReadError, SourceTree};

use super::CheckedRevision;
use super::reach::is_code;
use crate::evaluation::KeptTree;
use crate::{Error, ErrorKind, Session};

const OPERATION: &str = "compare with the code before the change";
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// So many links are followed from one file to another.
const MAX_LINKS: usize = 16;
/// Variables that hooks set, and that name a repository other than that of the folder, or a part of it.
const OF_HOOKS: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// A repository on disk.
#[derive(Clone, Debug)]
pub(super) struct Git {
    /// Its topmost folder.
    pub(super) top: PathBuf,
    environment: BTreeMap<String, String>,
}

/// What git said.
enum Failure {
    /// There is no such program.
    NoProgram,
    /// The program could not be used.
    Io(io::Error),
    /// It ended with an error: this is what it wrote.
    Refused(String),
}

impl Git {
    /// Finds the repository that a folder is in.
    ///
    /// # Errors
    /// Where there is none, or no git.
    pub(super) fn open(session: &Session, folder: &Path) -> Result<Self, Error> {
        let mut environment = session.environment.variables().clone();
        let mut named = BTreeMap::new();
        for name in OF_HOOKS {
            let Some(value) = environment.remove(*name) else { continue };
            // The repository of the folder counts; only where it is in none, the one that is named.
            if matches!(*name, "GIT_DIR" | "GIT_WORK_TREE") {
                let full = session.path(Path::new(&value)).to_string_lossy().into_owned();
                named.insert((*name).to_owned(), full);
            }
        }
        let mut git = Self { top: folder.to_owned(), environment };
        let mut found = git.run(&["rev-parse", "--show-toplevel"]);
        if !named.is_empty() && matches!(found, Err(Failure::Refused(_))) {
            let with = Self { environment: git.environment.clone().into_iter().chain(named).collect(), ..git.clone() };
            if let Ok(top) = with.run(&["rev-parse", "--show-toplevel"]) {
                (git, found) = (with, Ok(top));
            }
        }
        let found = found.map_err(|failure| {
            let without = "Without the code before the change, --base none judges everything as `driftmgr drift` does.";
            match failure {
                Failure::NoProgram => {
                    let detail = "The program git was not found, which tells what the change is.";
                    Error::new(ErrorKind::NotFound, OPERATION, detail).with_help("Install git.").with_help(without)
                }
                Failure::Io(source) => {
                    Error::new(ErrorKind::Unavailable, OPERATION, "The program git could not be used.")
                        .with_source(source)
                        .with_help(without)
                }
                Failure::Refused(said) if said.contains("safe.directory") => {
                    let detail = format!("Git does not trust the repository that {} is in.", folder.display());
                    Error::usage(OPERATION, detail)
                        .with_help(format!("git config --global --add safe.directory {}", folder.display()))
                }
                Failure::Refused(_) => {
                    let detail = format!("{} is in no git repository with a working tree.", folder.display());
                    Error::new(ErrorKind::NotFound, OPERATION, detail).with_help(without)
                }
            }
        })?;
        // A folder may have any name, and a line end of its own.
        let found = String::from_utf8_lossy(&found);
        let top = PathBuf::from(found.strip_suffix('\n').unwrap_or(&found));
        Ok(Self { top: top.canonicalize().unwrap_or(top), ..git })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command
            .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "core.hooksPath=/dev/null"])
            .current_dir(&self.top)
            .env_clear()
            .envs(&self.environment)
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, Failure> {
        let output = self.command().args(arguments).stdin(Stdio::null()).output().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound && self.top.is_dir() {
                Failure::NoProgram
            } else {
                Failure::Io(error)
            }
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Failure::Refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// Asks for something that a repository has.
    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        self.run(arguments).map_err(|failure| {
            let said = match failure {
                Failure::NoProgram => "the program was not found".to_owned(),
                Failure::Io(error) => error.to_string(),
                Failure::Refused(said) => said,
            };
            let detail = format!("`git {}` failed: {said}.", arguments.first().unwrap_or(&""));
            Error::new(ErrorKind::Unavailable, OPERATION, detail)
        })
    }

    /// Finds the commit that a name means.
    pub(super) fn commit(&self, name: &str) -> Option<String> {
        if name.starts_with('-') {
            return None;
        }
        let wanted = format!("{name}^{{commit}}");
        let found = self.run(&["rev-parse", "--verify", "--quiet", &wanted]).ok()?;
        let text = String::from_utf8_lossy(&found).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Finds the last commit that two have in common.
    pub(super) fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        let found = self.run(&["merge-base", one, other]).ok()?;
        let text = String::from_utf8_lossy(&found).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Tells whether the history was cut off when it was fetched.
    pub(super) fn is_shallow(&self) -> bool {
        self.run(&["rev-parse", "--is-shallow-repository"]).is_ok_and(|said| said.starts_with(b"true"))
    }

    /// Lists the files that differ between a commit and the working tree, both names of one that was renamed.
    pub(super) fn changed(&self, commit: &str) -> Result<Changed, Error> {
        let differing =
            self.ask(&["diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-z", commit, "--"])?;
        let untracked = self.ask(&["ls-files", "--others", "--exclude-standard", "-z"])?;
        let tracked: BTreeSet<String> = names(&differing).collect();
        let all = tracked.iter().cloned().chain(names(&untracked)).collect();
        Ok(Changed { all, tracked })
    }

    /// Lists the files that were renamed since a commit: the names before, by those now.
    pub(super) fn renamed(&self, commit: &str) -> Result<BTreeMap<String, String>, Error> {
        let arguments =
            ["diff", "--name-status", "-M", "--diff-filter=R", "--no-ext-diff", "--no-textconv", "-z", commit, "--"];
        let listing = self.ask(&arguments)?;
        let words: Vec<String> = names(&listing).collect();
        let renamed = words.chunks_exact(3).map(|of_one| (of_one[2].clone(), of_one[1].clone()));
        Ok(renamed.collect())
    }

    /// Lists what git is told to ignore; a folder ends with a slash, and stands for all that is in it.
    fn ignored(&self) -> Result<BTreeSet<String>, Error> {
        let found = self.ask(&["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"])?;
        Ok(names(&found).collect())
    }

    /// Gives the files of a commit; `changed` are those that are no longer as they were.
    pub(super) fn revision(&self, commit: &str, changed: Changed) -> Result<Revision, Error> {
        let ignored = self.ignored()?;
        let listing = self.ask(&["ls-tree", "-r", "-z", "--full-tree", commit])?;
        let mut entries = BTreeMap::new();
        let mut folders: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
        folders.insert(".".to_owned(), Default::default());
        for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let line = String::from_utf8_lossy(line);
            let Some((head, path)) = line.split_once('\t') else { continue };
            let mut words = head.split(' ');
            let (Some(mode), Some(_), Some(object)) = (words.next(), words.next(), words.next()) else { continue };
            let kind = match mode {
                "120000" => EntryKind::Link,
                "160000" => EntryKind::Submodule,
                _ => EntryKind::File,
            };
            entries.insert(path.to_owned(), (kind, object.to_owned()));
            let (mut folder, name) = split(path);
            let of = folders.entry(folder.to_owned()).or_default();
            if kind == EntryKind::Submodule {
                of.1.insert(name.to_owned())
            } else {
                of.0.insert(name.to_owned())
            };
            while folder != "." {
                let (outer, name) = split(folder);
                if !folders.entry(outer.to_owned()).or_default().1.insert(name.to_owned()) {
                    break;
                }
                folder = outer;
            }
        }
        let top = Arc::new(KeptTree::new(self.top.clone()));
        Ok(Revision { git: self.clone(), entries, folders, changed, ignored, top, objects: Mutex::default() })
    }

    /// Gives a path in the repository, relative to its topmost folder; `None` for one that is elsewhere.
    pub(super) fn relative(&self, path: &Path) -> Option<String> {
        // What is gone, or was never there, has a folder that is; a link counts where it lies, not where it leads.
        let by_folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
        let full = if path == self.top { path.to_owned() } else { by_folder().unwrap_or_else(|| path.to_owned()) };
        let inside = full.strip_prefix(&self.top).ok()?;
        let text = inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        Some(if text.is_empty() { ".".to_owned() } else { text })
    }

    /// Gives what a path of the working tree leads to by links, relative to the topmost folder; none for what is no link.
    pub(super) fn links(&self, path: &str) -> Option<String> {
        let full = self.top.join(path);
        let real = full.canonicalize().ok().filter(|real| *real != full)?;
        let inside = real.strip_prefix(&self.top).ok()?;
        Some(inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")).filter(|inside| !inside.is_empty())
    }

    /// Gives what a commit is called.
    pub(super) fn named(name: &str, commit: &str) -> CheckedRevision {
        CheckedRevision { name: name.to_owned(), commit: commit.to_owned() }
    }
}

fn names(bytes: &[u8]) -> impl Iterator<Item = String> + '_ {
    let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| String::from_utf8_lossy(name).into_owned())
}

/// Divides a path into its folder and its name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// Goes from a folder to a path that is named relative to it; `None` where that leads out of the topmost folder.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryKind {
    File,
    Link,
    Submodule,
}

/// The files that are no longer as they were at a commit.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed {
    /// All of them, by their paths; a submodule is one of them as a whole.
    pub(super) all: BTreeSet<String>,
    /// Those that git knows of: a clone has no others.
    pub(super) tracked: BTreeSet<String>,
}

/// The files of one commit; paths are relative to the topmost folder of the repository.
pub(super) struct Revision {
    git: Git,
    entries: BTreeMap<String, (EntryKind, String)>,
    /// The files and the folders in each folder.
    folders: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>,
    pub(super) changed: Changed,
    /// What git is told to ignore.
    ignored: BTreeSet<String>,
    /// The working tree.
    pub(super) top: Arc<KeptTree>,
    objects: Mutex<Option<Objects>>,
}

/// A program that gives objects, one after the other.
struct Objects {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Objects {
    fn start(git: &Git) -> io::Result<Self> {
        let mut command = git.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        match stdin.zip(stdout) {
            Some((stdin, stdout)) => Ok(Self { child, stdin, stdout: BufReader::new(stdout) }),
            None => Err(io::Error::other("it cannot be talked to")),
        }
    }

    fn get(&mut self, object: &str) -> io::Result<Vec<u8>> {
        writeln!(self.stdin, "{object}")?;
        self.stdin.flush()?;
        let mut header = String::new();
        self.stdout.read_line(&mut header)?;
        let n_bytes = header.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
        let Some(n_bytes) = n_bytes else {
            return Err(io::Error::other("the object is not in this repository"));
        };
        if n_bytes > MAX_FILE {
            io::copy(&mut self.stdout.by_ref().take(n_bytes + 1), &mut io::sink())?;
            return Err(io::Error::other(format!("it has {n_bytes} bytes, and {MAX_FILE} is the limit")));
        }
        let mut bytes = Vec::new();
        self.stdout.by_ref().take(n_bytes).read_to_end(&mut bytes)?;
        let mut line_end = [0];
        self.stdout.read_exact(&mut line_end)?;
        Ok(bytes)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Revision {
    /// Lists its files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Reads a file, by the links that lead to it; `None` where there is none.
    pub(super) fn file(&self, path: &str) -> Option<Result<Vec<u8>, String>> {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let Some((kind, object)) = self.entries.get(&path) else {
                // A folder on the way may be a link.
                path = self.through_link(&path)?;
                continue;
            };
            match kind {
                EntryKind::Submodule => return Some(Err("it is a repository of its own".to_owned())),
                EntryKind::File => return Some(self.object(object)),
                EntryKind::Link => match self.object(object) {
                    Ok(target) => path = join(split(&path).0, &String::from_utf8_lossy(&target))?,
                    Err(reason) => return Some(Err(reason)),
                },
            }
        }
        Some(Err("links lead to each other".to_owned()))
    }

    /// Gives the folder that a path means, by the links that lead to it.
    fn real(&self, folder: &str) -> String {
        let mut folder = folder.to_owned();
        for _ in 0..MAX_LINKS {
            if self.folders.contains_key(&folder) {
                break;
            }
            let Some(next) = self.link(&folder).or_else(|| self.through_link(&folder)) else { break };
            folder = next;
        }
        folder
    }

    /// Follows a folder of a path that is a link.
    fn through_link(&self, path: &str) -> Option<String> {
        let link = path
            .match_indices('/')
            .map(|(end, _)| &path[..end])
            .find(|folder| self.entries.get(*folder).is_some_and(|(kind, _)| *kind == EntryKind::Link))?;
        let target = self.object(&self.entries[link].1).ok()?;
        join(split(link).0, &format!("{}/{}", String::from_utf8_lossy(&target), &path[link.len() + 1..]))
    }

    /// Tells whether a folder held code.
    pub(super) fn has_code(&self, folder: &str) -> bool {
        self.folders.get(&self.real(folder)).is_some_and(|(files, _)| files.iter().any(|name| is_code(name)))
    }

    /// Finds the submodule that a path leads into.
    fn submodule(&self, path: &str) -> Option<&str> {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let mut folders = ends.map(|end| &path[..end]);
        let found = folders.find(|folder| self.entries.get(*folder).is_some_and(|it| it.0 == EntryKind::Submodule))?;
        self.entries.get_key_value(found).map(|(name, _)| name.as_str())
    }

    /// Gives what a link leads to, relative to the topmost folder.
    pub(super) fn link(&self, path: &str) -> Option<String> {
        let (EntryKind::Link, object) = self.entries.get(path)? else { return None };
        join(split(path).0, &String::from_utf8_lossy(&self.object(object).ok()?))
    }

    /// Reads a file of code: from the disk where git says that it is as it was, whatever git makes of its line ends there.
    fn code(&self, path: &str) -> Option<Result<Vec<u8>, String>> {
        let is_file = self.entries.get(path).is_some_and(|(kind, _)| *kind == EntryKind::File);
        if is_file && !self.changed.all.contains(path) {
            // A part of the working tree may never have been checked out.
            if let Ok(bytes) = self.top.read(path) {
                return Some(Ok(bytes));
            }
        }
        let read = self.file(path)?;
        Some(
            read.map(
                |bytes| if self.has_line_ends_of_git(path, &bytes) { with_carriage_returns(&bytes) } else { bytes },
            ),
        )
    }

    /// Tells whether git writes other line ends into the working tree than a file has in a commit.
    fn has_line_ends_of_git(&self, path: &str, bytes: &[u8]) -> bool {
        let is_converted =
            !bytes.contains(&b'\r') && self.top.read(path).is_ok_and(|now| now.windows(2).any(|pair| pair == b"\r\n"));
        is_converted
            && self.git.run(&["config", "--get", "--type=bool", "core.autocrlf"]).is_ok_and(|said| said == b"true\n")
    }

    /// Tells whether git is told to ignore a path, or a folder that it is in.
    pub(super) fn is_ignored(&self, path: &str) -> bool {
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..=end]);
        self.ignored.contains(path) || folders.any(|folder| self.ignored.contains(folder))
    }

    fn object(&self, object: &str) -> Result<Vec<u8>, String> {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let got = match &mut *objects {
            Some(running) => running.get(object),
            None => Objects::start(&self.git).and_then(|started| objects.insert(started).get(object)),
        };
        got.map_err(|error| {
            let is_broken = error.kind() != io::ErrorKind::Other;
            if is_broken {
                *objects = None;
            }
            error.to_string()
        })
    }
}

fn with_carriage_returns(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let ended =
        lines.map(|line| line.strip_suffix(b"\n").map_or_else(|| line.to_owned(), |line| [line, b"\r\n"].concat()));
    ended.flatten().collect()
}

/// The folder of a root module as it was at a commit; paths are relative to it.
///
/// What git is told to ignore, and what `init` installed, is as it is on the disk: a change cannot bring it along.
pub(super) struct RevisionFolder {
    pub(super) revision: Arc<Revision>,
    /// The folder, relative to the topmost one.
    pub(super) folder: String,
    pub(super) disk: Arc<dyn SourceTree + Send + Sync>,
    /// The folder that `init` installs into, relative to the root module.
    pub(super) data_folder: String,
    /// The list of installed modules that counts, where not all of what is installed does.
    pub(super) installed: Option<Vec<u8>>,
}

/// Where a path of a root module leads.
enum Place {
    /// To the disk.
    Disk,
    /// To this path in the repository.
    Inside(String),
    /// Into a repository of its own that the change takes to another commit.
    Elsewhere(String),
}

impl RevisionFolder {
    fn place(&self, path: &str) -> Place {
        let of_init = path == self.data_folder || path.starts_with(&format!("{}/", self.data_folder));
        if of_init || path.starts_with('/') {
            return Place::Disk;
        }
        let Some(inside) = join(&self.folder, path) else { return Place::Disk };
        match self.revision.submodule(&inside) {
            None => Place::Inside(inside),
            Some(submodule) if self.revision.changed.all.contains(submodule) => {
                Place::Elsewhere(format!("{submodule} is a repository of its own, and was at another commit"))
            }
            Some(_) => Place::Disk,
        }
    }

    fn list(
        &self,
        folder: &str,
        of_disk: Result<Vec<String>, ReadError>,
        wants_files: bool,
    ) -> Result<Vec<String>, ReadError> {
        let inside = match self.place(folder) {
            Place::Disk => return of_disk,
            Place::Inside(inside) => inside,
            Place::Elsewhere(reason) => return Err(ReadError { path: folder.to_owned(), reason }),
        };
        let inside = self.revision.real(&inside);
        let mut names = match self.revision.folders.get(&inside) {
            Some((files, folders)) => if wants_files { files } else { folders }.clone(),
            None => BTreeSet::new(),
        };
        let is_beside = |name: &String| {
            let path = if inside == "." { name.clone() } else { format!("{inside}/{name}") };
            self.revision.is_ignored(&path) || !wants_files && self.revision.ignored.contains(&format!("{path}/"))
        };
        names.extend(of_disk.unwrap_or_default().into_iter().filter(is_beside));
        Ok(names.into_iter().collect())
    }
}

impl SourceTree for RevisionFolder {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.list(folder, self.disk.list(folder), true)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.list(folder, self.disk.folders(folder), false)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if let Some(installed) = self.installed.as_ref().filter(|_| path == installed_list(&self.data_folder)) {
            return Ok(installed.clone());
        }
        let inside = match self.place(path) {
            Place::Disk => return self.disk.read(path),
            Place::Inside(inside) => inside,
            Place::Elsewhere(reason) => return Err(ReadError { path: path.to_owned(), reason }),
        };
        match self.revision.code(&inside) {
            Some(read) => read.map_err(|reason| ReadError { path: path.to_owned(), reason }),
            None if self.revision.is_ignored(&inside) => self.disk.read(path),
            None => Err(ReadError { path: path.to_owned(), reason: "it did not exist".to_owned() }),
        }
    }
}

/// Gives the file in which `init` writes which modules it installed.
pub(super) fn installed_list(data_folder: &str) -> String {
    format!("{data_folder}/modules/modules.json")
}
