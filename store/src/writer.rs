//! The store as its one writer sees it.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::lock::WriterLock;
use crate::schema::{self, Found};
use crate::secret::SecretKey;
use crate::snapshot::StoreSnapshot;

/// Says how to open a store for writing.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// How long to wait for another writer before giving up.
    pub wait: Duration,
}

/// The store, open for writing: one process at a time.
///
/// Readers do not use it: they open what [`Store::publish_snapshot`] wrote.
#[derive(Debug)]
pub struct Store {
    view: StoreSnapshot,
    pub(crate) secret_key: SecretKey,
    _lock: WriterLock,
}

impl Store {
    /// Opens the store at `path` for writing, making it (mode 0600, missing folders 0700) where there is none, and
    /// brings it to the current schema.
    ///
    /// Errors: [`ErrorKind::Locked`] where another process writes for longer than `options.wait`,
    /// [`ErrorKind::Newer`], [`ErrorKind::NotAStore`], [`ErrorKind::Denied`].
    pub fn open_writer(path: &Path, options: WriterOptions) -> Result<Self> {
        let operation = "open the store";
        if path.is_dir() {
            let detail = "it is a folder; a store is a file";
            return Err(Error::new(ErrorKind::NotAStore, operation, path, detail));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.context("make the store's folder", folder)?;
        }
        let lock = WriterLock::acquire(path, options.wait)?;
        open_private(path).context(operation, path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).context(operation, path)?;
        connection.busy_timeout(Duration::from_secs(5)).context(operation, path)?;
        if let Found::Version(version) = schema::inspect(&connection, path)? {
            schema::refuse_newer(version, path)?;
        }
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).context(operation, path)?;
        schema::migrate(&mut connection, path)?;
        // Emptying the log into the file waits for the disk: once per 64 MiB and at the end of a run is enough.
        for (name, value) in [
            ("journal_mode", "WAL"),
            ("synchronous", "NORMAL"),
            ("foreign_keys", "ON"),
            ("cache_size", "-65536"),
            ("wal_autocheckpoint", "16384"),
        ] {
            connection.pragma_update(None, name, value).context(operation, path)?;
        }
        // Whoever began these runs is dead: the lock is ours.
        connection
            .execute("UPDATE run SET status = 'abandoned' WHERE status = 'running'", [])
            .context(operation, path)?;
        let secret_key = SecretKey::load_or_make(&sibling(path, ".key"))?;
        Ok(Self { view: StoreSnapshot::of_connection(connection, path), secret_key, _lock: lock })
    }

    /// Gives the present content to read, unpublished runs included.
    pub fn current(&self) -> &StoreSnapshot {
        &self.view
    }

    /// Gives the path of the file.
    pub fn path(&self) -> &Path {
        self.view.path()
    }

    pub(crate) fn connection(&self) -> &Connection {
        self.view.connection()
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        self.view.connection_mut()
    }
}

/// Names a file beside the store.
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

/// Opens a file for reading and writing, making it readable by its owner alone where there is none.
pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
