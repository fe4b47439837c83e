//! The schema: numbered migrations, forward only, one transaction each.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Context, Error, ErrorKind, Result};

/// Marks the file as ours in the SQLite header: `drmg`.
pub(crate) const APPLICATION_ID: i32 = 0x6472_6d67;

/// The version of the schema that this crate writes, and the latest it reads.
pub const SCHEMA_VERSION: i32 = 1;

/// The oldest reader (by its schema version) that can read what this crate writes.
pub(crate) const MIN_READER: i32 = 1;

/// The oldest schema version that can be read without a migration.
pub(crate) const OLDEST_READABLE: i32 = 1;

/// The steps to version 1, 2 and so on. A step that was released is never edited: a change is a further step.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_initial.sql")];

/// Says what a file is, by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A database without any table.
    Empty,
    /// A store of the given schema version.
    Version(i32),
}

/// Looks at the header of an open database.
pub(crate) fn inspect(connection: &Connection, path: &Path) -> Result<Found> {
    let operation = "open the store";
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application_id = pragma("application_id").context(operation, path)?;
    let version = pragma("user_version").context(operation, path)?;
    let n_tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).context(operation, path)?;
    match (application_id, version, n_tables) {
        (0, 0, 0) => Ok(Found::Empty),
        (APPLICATION_ID, version, _) => Ok(Found::Version(version)),
        _ => {
            let detail = "it is an SQLite database of another application";
            Err(Error::new(ErrorKind::NotAStore, operation, path, detail))
        }
    }
}

/// Refuses a schema that only a later version of driftmgr understands.
pub(crate) fn refuse_newer(version: i32, path: &Path) -> Result<()> {
    if version <= SCHEMA_VERSION {
        return Ok(());
    }
    let detail = format!(
        "a later version of driftmgr wrote it (schema version {version}; this one knows versions up to {SCHEMA_VERSION})"
    );
    Err(Error::new(ErrorKind::Newer, "open the store", path, detail))
}

/// Brings the file to the current schema.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    migrate_with(connection, path, MIGRATIONS)
}

fn migrate_with(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let operation = "migrate the store";
    let from = match inspect(connection, path)? {
        Found::Empty => {
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").context(operation, path)?;
            connection.pragma_update(None, "application_id", APPLICATION_ID).context(operation, path)?;
            0
        }
        Found::Version(version) => version,
    };
    for (version, sql) in (1..).zip(migrations).skip_while(|(version, _)| *version <= from) {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).context(operation, path)?;
        transaction.execute_batch(sql).context(operation, path)?;
        transaction.pragma_update(None, "user_version", version).context(operation, path)?;
        transaction.commit().context(operation, path)?;
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_version_counts_the_steps() {
        assert_eq!(MIGRATIONS.len(), usize::try_from(SCHEMA_VERSION).unwrap());
    }

    #[test]
    fn steps_run_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("memory");
        let first = "CREATE TABLE a (x INTEGER);";
        let second = "ALTER TABLE a ADD COLUMN y INTEGER;";
        migrate_with(&mut connection, path, &[first]).unwrap();
        assert_eq!(version(&connection), 1);
        migrate_with(&mut connection, path, &[first, second]).unwrap();
        migrate_with(&mut connection, path, &[first, second]).unwrap();
        assert_eq!(version(&connection), 2);
        connection.execute("INSERT INTO a (x, y) VALUES (1, 2)", []).unwrap();
    }

    #[test]
    fn a_failing_step_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        let path = Path::new("memory");
        let steps = ["CREATE TABLE a (x INTEGER);", "CREATE TABLE b (x INTEGER); CREATE TABLE a (x INTEGER);"];
        migrate_with(&mut connection, path, &steps).unwrap_err();
        assert_eq!(version(&connection), 1);
        assert!(connection.query_row("SELECT count(*) FROM b", [], |row| row.get::<_, i64>(0)).is_err());
    }

    #[test]
    fn other_applications_are_refused() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE cookies (x)").unwrap();
        let error = inspect(&connection, Path::new("cookies.db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAStore);
        assert_eq!(
            error.to_string(),
            "cannot open the store cookies.db: it is an SQLite database of another application"
        );
    }
}
