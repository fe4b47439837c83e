//! Where files come from.

use std::collections::{BTreeMap, BTreeSet};

/// Gives access to the files of a configuration. Paths use `/` and are relative to whatever the tree stands for.
pub trait SourceTree {
    /// Lists the names of the files (not the folders) in a folder; `.` is the topmost one.
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError>;

    /// Lists the names of the folders in a folder; `.` is the topmost one.
    ///
    /// A tree that cannot tell says so, and what would have to look through folders stays unknown.
    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let reason = "its folders cannot be listed".to_owned();
        Err(ReadError { path: folder.to_owned(), reason })
    }

    /// Reads a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;
}

/// Tells why a file or folder cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {path}: {reason}")]
pub struct ReadError {
    /// The file or folder.
    pub path: String,
    /// Why, as a clause.
    pub reason: String,
}

/// Holds a few files in memory, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryTree(pub BTreeMap<String, Vec<u8>>);

impl SourceTree for MemoryTree {
    fn list(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let prefix = if folder == "." { String::new() } else { format!("{folder}/") };
        let name = |path: &String| path.strip_prefix(&prefix).filter(|name| !name.contains('/')).map(str::to_owned);
        Ok(self.0.keys().filter_map(name).collect())
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>, ReadError> {
        let prefix = if folder == "." { String::new() } else { format!("{folder}/") };
        let name = |path: &String| Some(path.strip_prefix(&prefix)?.split_once('/')?.0.to_owned());
        let names: BTreeSet<String> = self.0.keys().filter_map(name).collect();
        Ok(names.into_iter().collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let missing = || ReadError { path: path.to_owned(), reason: "it does not exist".to_owned() };
        self.0.get(path).cloned().ok_or_else(missing)
    }
}
