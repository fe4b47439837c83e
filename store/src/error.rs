//! What can go wrong with a store, named after what the caller can do about it.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The result of every operation on a store.
pub type Result<T> = std::result::Result<T, Error>;

/// Says what the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no store at this path: scan first.
    Missing,
    /// What is at this path is not a store of ours: name another path.
    NotAStore,
    /// A later version of driftmgr wrote it: use that version.
    Newer,
    /// The file is damaged: restore it, or delete it and scan again.
    Corrupt,
    /// The path cannot be written or read: change its permissions or choose another place.
    Denied,
    /// The disk is full: make room.
    Full,
    /// Another process writes to the store: wait for it.
    Locked,
    /// The caller asked for something impossible; the message says what.
    InvalidInput,
    /// The operating system or SQLite failed in another way.
    Io,
}

/// Tells what went wrong, doing what, with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {detail}", path.display())]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    path: PathBuf,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: &'static str, path: &Path, detail: impl Into<String>) -> Self {
        Self { kind, operation, path: path.to_owned(), detail: detail.into(), source: None }
    }

    pub(crate) fn io(operation: &'static str, path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let kind = match source.kind() {
            Kind::NotFound => ErrorKind::Missing,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => ErrorKind::Denied,
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => ErrorKind::Full,
            Kind::IsADirectory | Kind::NotADirectory => ErrorKind::NotAStore,
            _ => ErrorKind::Io,
        };
        Self { kind, operation, path: path.to_owned(), detail: source.to_string(), source: Some(Box::new(source)) }
    }

    pub(crate) fn sqlite(operation: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        let kind = match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Locked,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => ErrorKind::Denied,
            Some(ErrorCode::DiskFull | ErrorCode::TooBig) => ErrorKind::Full,
            Some(ErrorCode::DatabaseCorrupt) => ErrorKind::Corrupt,
            Some(ErrorCode::NotADatabase) => ErrorKind::NotAStore,
            _ => ErrorKind::Io,
        };
        let detail = match kind {
            ErrorKind::Full => "no space is left for it".to_owned(),
            ErrorKind::NotAStore => "the file is not an SQLite database".to_owned(),
            ErrorKind::Corrupt => format!("the file is damaged ({source})"),
            _ => source.to_string(),
        };
        Self { kind, operation, path: path.to_owned(), detail, source: Some(Box::new(source)) }
    }

    /// Says what the caller can do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the file it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the same operation may succeed later without any change by the user.
    pub fn is_retryable(&self) -> bool {
        self.kind == ErrorKind::Locked
    }

    /// Says what to do next, as a sentence for the user.
    pub fn help(&self) -> &'static str {
        match self.kind {
            ErrorKind::Missing => "Run `driftmgr scan` first, or name the store with `--store`.",
            ErrorKind::NotAStore => {
                "Name another path with `--store`; driftmgr does not overwrite files it did not write."
            }
            ErrorKind::Newer => "Use the version of driftmgr that wrote it or a later one, or name another store.",
            ErrorKind::Corrupt => "Restore the file from a backup, or delete it and run `driftmgr scan` again.",
            ErrorKind::Denied => {
                "Give yourself access to the file and its folder, or name another place with `--store`."
            }
            ErrorKind::Full => "Make room on the disk and run the command again; what was stored before is intact.",
            ErrorKind::Locked => "Wait until the other process has finished, then run the command again.",
            ErrorKind::InvalidInput => "Correct the request and run the command again.",
            ErrorKind::Io => "Check the disk and the file system, then run the command again.",
        }
    }
}

/// Adds operation and path to the errors of libraries.
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T>;
}

impl<T> Context<T> for std::result::Result<T, rusqlite::Error> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::sqlite(operation, path, source))
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::io(operation, path, source))
    }
}

impl<T> Context<T> for std::result::Result<T, cty::Error> {
    fn context(self, operation: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error {
            kind: ErrorKind::Corrupt,
            operation,
            path: path.to_owned(),
            detail: format!("a stored value does not decode ({source})"),
            source: Some(Box::new(source)),
        })
    }
}
