//! Publishing: an immutable copy in one file, put in place by rename.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::error::{Context, Error, Result};
use crate::schema::MIN_READER;
use crate::writer::Store;

impl Store {
    /// Publishes the present content as a snapshot at `destination`: one file, mode 0600, that is never changed again.
    ///
    /// A reader sees the earlier snapshot or this one, never a part: the copy is written beside the destination, synced,
    /// and renamed.
    pub fn publish_snapshot(&self, destination: &Path, now: Timestamp) -> Result<()> {
        let operation = "publish the snapshot";
        let folder = match destination.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let copy = tempfile::Builder::new()
            .prefix(".snapshot-")
            .suffix(".tmp")
            .tempfile_in(folder)
            .context(operation, destination)?;
        let copy_text = copy.path().to_str().ok_or_else(|| {
            let source = std::io::Error::other("the folder's name is not UTF-8");
            Error::io(operation, destination, source)
        })?;
        self.connection().execute("VACUUM INTO ?1", [copy_text]).context(operation, destination)?;
        {
            let connection = Connection::open(copy.path()).context(operation, destination)?;
            connection.pragma_update(None, "journal_mode", "DELETE").context(operation, destination)?;
            connection
                .execute(
                    "INSERT OR REPLACE INTO meta (key, value) VALUES ('min_reader', ?1), ('published_at', ?2)",
                    params![MIN_READER.to_string(), now.as_microsecond().to_string()],
                )
                .context(operation, destination)?;
            connection.close().map_err(|(_, source)| Error::sqlite(operation, destination, source))?;
        }
        copy.as_file().sync_all().context(operation, destination)?;
        copy.persist(destination).map_err(|failure| Error::io(operation, destination, failure.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).context(operation, destination)
    }
}
