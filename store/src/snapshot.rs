//! Reading: a published snapshot, or the present content of a store.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cty::Type;
use jiff::Timestamp;
use model::{Scope, ScopeOutcome};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::body;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::finding::CauseFile;
use crate::query::{Cursor, Query, StoredObject};
use crate::record::{self, RawObject};
use crate::schema::{self, Found, OLDEST_READABLE, SCHEMA_VERSION};

/// How many objects are read at once while all are gone through.
const BATCH: u32 = 1_000;

/// A view of what is stored. It never writes and never migrates.
#[derive(Debug)]
pub struct StoreSnapshot {
    connection: Connection,
    path: PathBuf,
    shapes: RefCell<BTreeMap<i64, Type>>,
}

/// Describes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The version of its schema.
    pub schema_version: i32,
    /// When it was published; `None` for a store that is read directly.
    pub published_at: Option<Timestamp>,
    /// Objects that are there.
    pub n_objects: u64,
    /// Objects that were there once.
    pub n_gone: u64,
}

/// What is known about a scope.
#[derive(Clone, Debug, PartialEq)]
pub struct ScopeRecord {
    /// When looking began the last time everything was seen; `None` where that never happened.
    pub as_of: Option<Timestamp>,
    /// What became of looking the last time, complete or not.
    pub last: ScopeOutcome,
}

impl StoreSnapshot {
    /// Opens a published snapshot.
    ///
    /// The file must not change while it is open: a new snapshot replaces it by rename, which leaves readers their own.
    ///
    /// Errors: [`ErrorKind::Missing`], [`ErrorKind::NotAStore`], [`ErrorKind::Newer`], [`ErrorKind::Corrupt`],
    /// [`ErrorKind::Denied`].
    pub fn open(path: &Path) -> Result<Self> {
        let operation = "open the snapshot";
        let metadata = std::fs::metadata(path).context(operation, path)?;
        if metadata.is_dir() {
            let detail = "it is a folder; a snapshot is a file";
            return Err(Error::new(ErrorKind::NotAStore, operation, path, detail));
        }
        // SQLite reports every failure to open alike; the operating system says why.
        drop(std::fs::File::open(path).context(operation, path)?);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri(path)?, flags).context(operation, path)?;
        let version = match schema::inspect(&connection, path)? {
            Found::Version(version) => version,
            Found::Empty => {
                return Err(Error::new(ErrorKind::NotAStore, operation, path, "the file is empty"));
            }
        };
        if version > SCHEMA_VERSION {
            let min_reader = meta(&connection, "min_reader").context(operation, path)?;
            if min_reader.and_then(|text| text.parse::<i32>().ok()).is_none_or(|oldest| oldest > SCHEMA_VERSION) {
                schema::refuse_newer(version, path)?;
            }
        }
        if version < OLDEST_READABLE {
            let detail = format!("it has the schema version {version}, which is no longer read; scan again");
            return Err(Error::new(ErrorKind::NotAStore, operation, path, detail));
        }
        Ok(Self::of_connection(connection, path))
    }

    pub(crate) fn of_connection(connection: Connection, path: &Path) -> Self {
        Self { connection, path: path.to_owned(), shapes: RefCell::default() }
    }

    /// Gives the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Describes the snapshot.
    pub fn info(&self) -> Result<SnapshotInfo> {
        let operation = "read the store";
        let connection = &self.connection;
        let schema_version =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).context(operation, &self.path)?;
        let published_at = meta(connection, "published_at").context(operation, &self.path)?;
        let published_at = published_at
            .and_then(|text| text.parse().ok())
            .and_then(|microseconds: i64| Timestamp::from_microsecond(microseconds).ok());
        let (n_all, n_gone): (i64, i64) = connection
            .query_row(
                "SELECT (SELECT count(*) FROM object), (SELECT count(*) FROM object WHERE gone_run IS NOT NULL)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .context(operation, &self.path)?;
        Ok(SnapshotInfo { schema_version, published_at, n_objects: (n_all - n_gone) as u64, n_gone: n_gone as u64 })
    }

    /// Gives every scope anybody ever looked at, ordered by type, account and region.
    pub fn scopes(&self) -> Result<Vec<ScopeRecord>> {
        self.scopes_where("", &[])
    }

    /// Gives one scope; `None` where nobody ever looked.
    pub fn scope(&self, scope: &Scope) -> Result<Option<ScopeRecord>> {
        let found = self.scopes_where(
            "WHERE s.cloud = ?1 AND s.account = ?2 AND s.region = ?3 AND s.native_type = ?4",
            &[&scope.cloud.as_str(), &scope.account.as_str(), &record::region_text(scope), &scope.native_type.as_str()],
        )?;
        Ok(found.into_iter().next())
    }

    pub(crate) fn scopes_where(&self, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<ScopeRecord>> {
        let operation = "read the scopes of the store";
        let sql = format!(
            "SELECT s.cloud, s.account, s.region, s.native_type, s.as_of, r.status, r.n_objects, r.started, r.finished,
                    r.causes, r.calls
             FROM scope AS s JOIN scope_run AS r ON r.scope = s.id AND r.run = s.last_run {condition}
             ORDER BY s.native_type, s.account, s.region, s.cloud"
        );
        let mut statement = self.connection.prepare_cached(&sql).context(operation, &self.path)?;
        let mut rows = statement.query(values).context(operation, &self.path)?;
        let mut scopes = Vec::new();
        while let Some(row) = rows.next().context(operation, &self.path)? {
            scopes.push(self.scope_record(row)?);
        }
        Ok(scopes)
    }

    fn scope_record(&self, row: &Row<'_>) -> Result<ScopeRecord> {
        let operation = "read the scopes of the store";
        let path = &self.path;
        let get = |index: usize| row.get::<_, String>(index).context(operation, path);
        let number = |index: usize| row.get::<_, i64>(index).context(operation, path);
        let causes: Vec<CauseFile> =
            serde_json::from_str(&get(9)?).map_err(|_| record::corrupt(path, "list of causes", "?"))?;
        let calls = serde_json::from_str(&get(10)?).map_err(|_| record::corrupt(path, "table of calls", "?"))?;
        let as_of: Option<i64> = row.get(4).context(operation, path)?;
        Ok(ScopeRecord {
            as_of: as_of.map(|microseconds| record::timestamp(microseconds, path)).transpose()?,
            last: ScopeOutcome {
                scope: record::scope(get(0)?, get(1)?, get(2)?, get(3)?),
                status: record::status(&get(5)?, path)?,
                causes: causes.into_iter().map(|cause| cause.into_cause(path)).collect::<Result<_>>()?,
                n_objects: number(6)?.max(0) as u64,
                calls,
                started: record::timestamp(number(7)?, path)?,
                finished: record::timestamp(number(8)?, path)?,
            },
        })
    }

    /// Goes through every object that matches, in the order of [`StoreSnapshot::query`], holding a bounded number at a time.
    ///
    /// `limit`, `offset` and `after` of the query do not count here.
    pub fn objects<'s>(&'s self, query: &Query) -> Objects<'s> {
        let query = Query { limit: Some(BATCH), offset: 0, after: None, ..query.clone() };
        Objects { snapshot: self, query, buffer: Vec::new().into_iter(), is_exhausted: false }
    }

    pub(crate) fn stored_object(&self, raw: RawObject) -> Result<(i64, StoredObject)> {
        let operation = "read an object of the store";
        let shape = self.shape(raw.shape)?;
        let content = body::decode(&raw.record, &shape).context(operation, &self.path)?;
        let uid = raw.uid;
        let first_seen = record::timestamp(raw.first_seen, &self.path)?;
        let gone_at = raw.gone_at.map(|microseconds| record::timestamp(microseconds, &self.path)).transpose()?;
        let object = raw.into_object(content, &self.path)?;
        Ok((uid, StoredObject { object, first_seen, gone_at }))
    }

    fn shape(&self, id: i64) -> Result<Type> {
        let operation = "read a type of the store";
        if let Some(shape) = self.shapes.borrow().get(&id) {
            return Ok(shape.clone());
        }
        let json: String = self
            .connection
            .query_row("SELECT type FROM shape WHERE id = ?1", [id], |row| row.get(0))
            .context(operation, &self.path)?;
        let shape = Type::from_json(json).context(operation, &self.path)?;
        self.shapes.borrow_mut().insert(id, shape.clone());
        Ok(shape)
    }
}

/// Goes through objects; see [`StoreSnapshot::objects`].
#[derive(Debug)]
pub struct Objects<'s> {
    snapshot: &'s StoreSnapshot,
    query: Query,
    buffer: std::vec::IntoIter<StoredObject>,
    is_exhausted: bool,
}

impl Iterator for Objects<'_> {
    type Item = Result<StoredObject>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(object) = self.buffer.next() {
                return Some(Ok(object));
            }
            if self.is_exhausted {
                return None;
            }
            match self.snapshot.batch(&self.query) {
                Ok((objects, next)) => {
                    self.is_exhausted = next.is_none();
                    self.query.after = next.map(Cursor::of_uid);
                    self.buffer = objects.into_iter();
                }
                Err(error) => {
                    self.is_exhausted = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

fn meta(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
}

/// Writes the path as the URI that tells SQLite that nothing changes the file.
fn uri(path: &Path) -> Result<String> {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt;
    let absolute = std::path::absolute(path).context("open the snapshot", path)?;
    let mut uri = String::from("file:");
    for byte in absolute.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            byte => write!(uri, "%{byte:02X}").expect("a String takes any text"),
        }
    }
    uri.push_str("?immutable=1&mode=ro");
    Ok(uri)
}
