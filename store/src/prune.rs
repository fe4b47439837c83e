//! Forgetting: history that nobody asks for any more.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{TransactionBehavior, params};

use crate::error::{Context, Result};
use crate::writer::Store;

/// Says how much history to keep: whichever of the two keeps more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Keep what was true in the last so many days.
    pub days: u32,
    /// Keep what was true in the last so many runs.
    pub runs: u32,
}

impl Retention {
    /// Keeps 90 days or 30 runs.
    pub const DEFAULT: Self = Self { days: 90, runs: 30 };
}

/// Counts what was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Objects that were gone for longer.
    pub n_objects: u64,
    /// Earlier versions of objects.
    pub n_versions: u64,
    /// Bodies nothing refers to any more.
    pub n_bodies: u64,
}

impl Store {
    /// Forgets objects that were gone, versions that were superseded and looks at scopes that were repeated before the
    /// retention began. What is there now is never forgotten, nor the last look at each scope.
    pub fn prune(&mut self, retention: Retention, now: Timestamp) -> Result<Pruned> {
        let operation = "prune the store";
        let path = self.path().to_owned();
        let since = now
            .checked_sub(SignedDuration::from_hours(24 * i64::from(retention.days)))
            .unwrap_or(Timestamp::MIN)
            .as_microsecond();
        let connection = self.connection_mut();
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).context(operation, &path)?;
        // Everything that ended in this run or an earlier one may go.
        let last: i64 = transaction
            .query_row(
                "SELECT coalesce(max(id), 0) FROM run WHERE started < ?1
                 AND id <= coalesce((SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?2), 0)",
                params![since, retention.runs],
                |row| row.get(0),
            )
            .context(operation, &path)?;
        let execute = |sql: &str| transaction.execute(sql, [last]).context(operation, &path);
        let pruned = Pruned {
            n_objects: execute("DELETE FROM object WHERE gone_run IS NOT NULL AND gone_run <= ?1")? as u64,
            n_versions: execute("DELETE FROM version WHERE to_run IS NOT NULL AND to_run <= ?1")? as u64,
            n_bodies: {
                execute(
                    "DELETE FROM scope_run WHERE run <= ?1 AND NOT EXISTS (
                         SELECT 1 FROM scope AS s WHERE s.id = scope_run.scope AND s.last_run = scope_run.run)",
                )?;
                transaction
                    .execute(
                        "DELETE FROM body WHERE NOT EXISTS (SELECT 1 FROM object WHERE object.body = body.id)
                         AND NOT EXISTS (SELECT 1 FROM version WHERE version.body = body.id)",
                        [],
                    )
                    .context(operation, &path)? as u64
            },
        };
        transaction.commit().context(operation, &path)?;
        let mut statement = connection.prepare("PRAGMA incremental_vacuum").context(operation, &path)?;
        let mut rows = statement.query([]).context(operation, &path)?;
        while rows.next().context(operation, &path)?.is_some() {}
        Ok(pruned)
    }
}
