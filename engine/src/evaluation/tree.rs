//! The files of a root module, each read once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hcl::{ReadError, SourceTree};

use crate::code::Folder;

/// A folder whose files are read once: whoever asks again gets the same text, whatever became of the file meanwhile.
///
/// Paths are relative to the root module. Files that are not on the disk may lie beside its own.
pub struct KeptTree {
    directory: PathBuf,
    /// Where files come from in place of the disk.
    source: Option<Arc<dyn SourceTree + Send + Sync>>,
    beside: BTreeMap<String, String>,
    files: Mutex<BTreeMap<String, Result<Vec<u8>, ReadError>>>,
    listed: Mutex<BTreeMap<(String, Kind), Result<Vec<String>, ReadError>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Files,
    Folders,
}

impl KeptTree {
    /// Opens a folder.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, source: None, beside: BTreeMap::new(), files: Mutex::default(), listed: Mutex::default() }
    }

    /// Opens a folder as another tree has it.
    pub fn over(directory: PathBuf, source: Arc<dyn SourceTree + Send + Sync>) -> Self {
        Self { source: Some(source), ..Self::new(directory) }
    }

    /// Gives the same tree, as far as it was read, with other files.
    #[must_use]
    pub(crate) fn with_files<'a>(&self, files: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut beside = self.beside.clone();
        beside.extend(files.into_iter().map(|(name, text)| (name.to_owned(), text)));
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (directory, source) = (self.directory.clone(), self.source.clone());
        Self { directory, source, beside, files: Mutex::new(files), listed: Mutex::new(listed) }
    }

    /// Gives the folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn listed(&self, folder: &str, kind: Kind) -> Result<Vec<String>, ReadError> {
        let key = (folder.to_owned(), kind);
        let known = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return known;
        }
        let disk = Folder(&self.directory);
        let source = self.source.as_deref().map_or(&disk as &dyn SourceTree, |source| source);
        let names = match kind {
            Kind::Files => source.list(folder),
            Kind::Folders => source.folders(folder),
        };
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(names).clone()
    }
}

impl SourceTree for KeptTree {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let mut names = self.listed(folder, Kind::Files)?;
        if folder == "." {
            names.extend(self.beside.keys().filter(|name| !name.contains('/')).cloned());
            names.sort();
            names.dedup();
        }
        Ok(names)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        self.listed(folder, Kind::Folders)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let path = path.strip_prefix("./").unwrap_or(path);
        if let Some(text) = self.beside.get(path) {
            return Ok(text.clone().into_bytes());
        }
        let known = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(known) = known {
            return known;
        }
        let read = match &self.source {
            Some(source) => source.read(path),
            None => Folder(&self.directory).read(path),
        };
        // Of two that read at once, all get what the first one read.
        self.files.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_insert(read).clone()
    }
}

impl fmt::Debug for KeptTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptTree").field("directory", &self.directory).finish_non_exhaustive()
    }
}
