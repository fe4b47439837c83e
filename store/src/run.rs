//! Runs: recording what one scan sees, scope by scope.
//!
//! Objects wait in a temporary table until their scope is closed; closing takes them over in one transaction. A run
//! that is killed therefore leaves every scope as its last closing left it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use model::{NativeType, RemoteObject, ResourceType, Scope, ScopeOutcome, ScopeStatus};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::body;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::finding::CauseFile;
use crate::record::{completeness_word, region_text, standing_columns, status_word};
use crate::writer::Store;

const STAGE: &str = "
    CREATE TEMP TABLE IF NOT EXISTS stage (
        scope INTEGER NOT NULL, key TEXT NOT NULL, resource_type TEXT, import_id TEXT, arn TEXT, name TEXT,
        standing TEXT NOT NULL, standing_detail TEXT, standing_evidence TEXT, parent_type TEXT, parent_key TEXT,
        completeness TEXT NOT NULL, source TEXT NOT NULL, fetched_at INTEGER NOT NULL, cause_kind TEXT,
        cause_detail TEXT, hash BLOB NOT NULL, digest BLOB NOT NULL,
        shape INTEGER NOT NULL, record BLOB NOT NULL, tags TEXT,
        PRIMARY KEY (scope, key)
    );
    CREATE TEMP TABLE IF NOT EXISTS changed (key TEXT PRIMARY KEY, is_new INTEGER NOT NULL);
    DELETE FROM temp.stage;
    DELETE FROM temp.changed;
";

/// Numbers a run within its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Describes a run that begins.
#[derive(Clone, Debug)]
pub struct RunMeta {
    /// When it begins.
    pub started: Timestamp,
    /// The version of the program that makes it.
    pub tool_version: String,
    /// Which Terraform types the catalog maps each native type to: so that a query for a type without objects can tell
    /// whether anybody looked.
    pub types: BTreeMap<NativeType, BTreeSet<ResourceType>>,
}

/// Counts what a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Scopes that were closed.
    pub n_scopes: u64,
    /// Those that were seen completely.
    pub n_complete: u64,
    /// Objects that were seen.
    pub n_objects: u64,
    /// Objects seen for the first time, or again after they were gone.
    pub n_new: u64,
    /// Objects that differ from when they were last seen.
    pub n_changed: u64,
    /// Objects that are no longer there.
    pub n_gone: u64,
}

/// One run. Dropping it without [`Run::finish`] abandons it: scopes that were closed stay recorded.
#[derive(Debug)]
pub struct Run<'s> {
    store: &'s mut Store,
    id: RunId,
    path: PathBuf,
    scopes: BTreeMap<Scope, OpenScope>,
    shapes: BTreeMap<String, i64>,
    summary: RunSummary,
}

#[derive(Clone, Copy, Debug)]
struct OpenScope {
    id: i64,
    n_received: u64,
}

impl Store {
    /// Begins a run.
    pub fn begin_run(&mut self, meta: &RunMeta) -> Result<Run<'_>> {
        let operation = "begin a run in the store";
        let path = self.path().to_owned();
        let connection = self.connection_mut();
        connection.execute_batch(STAGE).context(operation, &path)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).context(operation, &path)?;
        transaction
            .execute(
                "INSERT INTO run (started, status, tool_version) VALUES (?1, 'running', ?2)",
                params![meta.started.as_microsecond(), meta.tool_version],
            )
            .context(operation, &path)?;
        let id = RunId(transaction.last_insert_rowid());
        for (native_type, resource_types) in &meta.types {
            transaction
                .execute("DELETE FROM type_map WHERE native_type = ?1", [native_type.as_str()])
                .context(operation, &path)?;
            for resource_type in resource_types {
                transaction
                    .execute(
                        "INSERT OR IGNORE INTO type_map (resource_type, native_type) VALUES (?1, ?2)",
                        [resource_type.as_str(), native_type.as_str()],
                    )
                    .context(operation, &path)?;
            }
        }
        transaction.commit().context(operation, &path)?;
        Ok(Run {
            store: self,
            id,
            path,
            scopes: BTreeMap::new(),
            shapes: BTreeMap::new(),
            summary: RunSummary::default(),
        })
    }
}

impl Run<'_> {
    /// Gives the number of this run.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// Takes objects in; they count once their scope is closed. A batch may hold objects of several scopes, and an
    /// object that comes twice is kept as it came last.
    pub fn upsert_scope_batch(&mut self, objects: &[RemoteObject]) -> Result<()> {
        let operation = "take objects into the store";
        let Self { store, path, scopes, shapes, .. } = self;
        let mut bodies = Vec::with_capacity(objects.len());
        for object in objects {
            let body = body::encode(object, &store.secret_key).map_err(|source| {
                let detail = format!("the object {} of {} does not encode: {source}", object.key, object.scope);
                Error::new(ErrorKind::InvalidInput, operation, path, detail)
            })?;
            bodies.push(body);
        }
        let transaction = store
            .connection_mut()
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .context(operation, path)?;
        {
            let mut insert = transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO temp.stage (scope, key, resource_type, import_id, arn, name, standing, \
                     standing_detail, standing_evidence, parent_type, parent_key, completeness, source, fetched_at, \
                     cause_kind, cause_detail, hash, digest, shape, record, tags) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, \
                     ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
                )
                .context(operation, path)?;
            for (object, body) in objects.iter().zip(bodies) {
                let open = match scopes.get_mut(&object.scope) {
                    Some(open) => open,
                    None => {
                        let id = scope_id(&transaction, &object.scope).context(operation, path)?;
                        scopes.entry(object.scope.clone()).or_insert(OpenScope { id, n_received: 0 })
                    }
                };
                let shape = match shapes.get(&body.shape) {
                    Some(shape) => *shape,
                    None => {
                        let shape = shape_id(&transaction, &body.shape).context(operation, path)?;
                        shapes.insert(body.shape, shape);
                        shape
                    }
                };
                let (standing, standing_detail, standing_evidence) = standing_columns(&object.standing);
                let tags = object.tags.as_ref().map(|tags| {
                    serde_json::to_string(&tags.iter().collect::<Vec<_>>()).expect("pairs of texts are JSON")
                });
                insert
                    .execute(params![
                        open.id,
                        &*object.key.0,
                        object.resource_type.as_ref().map(ResourceType::as_str),
                        object.import_id.as_ref().map(model::ImportId::as_str),
                        object.arn,
                        object.name,
                        standing,
                        standing_detail,
                        standing_evidence,
                        object.parent.as_ref().map(|(native_type, _)| native_type.as_str()),
                        object.parent.as_ref().map(|(_, key)| &*key.0),
                        completeness_word(object.completeness),
                        &*object.source,
                        object.fetched_at.as_microsecond(),
                        object.cause.as_ref().map(|cause| cause.kind.as_str()),
                        object.cause.as_ref().map(|cause| cause.detail.as_str()),
                        body.hash,
                        body.digest,
                        shape,
                        body.record,
                        tags,
                    ])
                    .context(operation, path)?;
                open.n_received += 1;
            }
        }
        transaction.commit().context(operation, path)
    }

    /// Takes over what came in of a scope, and records how completely it was seen.
    ///
    /// Only a complete scope makes objects gone: those it did not see. A partial or failed scope keeps what is known,
    /// with its age.
    ///
    /// Errors: [`ErrorKind::InvalidInput`] where the outcome claims more objects than came in.
    pub fn close_scope(&mut self, outcome: &ScopeOutcome) -> Result<()> {
        let operation = "close a scope of the store";
        let Self { store, id: run, path, scopes, summary, .. } = self;
        let n_received = scopes.remove(&outcome.scope).map_or(0, |open| open.n_received);
        if n_received < outcome.n_objects {
            let detail = format!(
                "the scope {} is said to have {} objects, and {n_received} came in",
                outcome.scope, outcome.n_objects
            );
            return Err(Error::new(ErrorKind::InvalidInput, operation, path, detail));
        }
        let transaction = store
            .connection_mut()
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .context(operation, path)?;
        let merged = merge(&transaction, *run, outcome).context(operation, path)?;
        transaction.commit().context(operation, path)?;
        summary.n_scopes += 1;
        summary.n_complete += u64::from(outcome.status == ScopeStatus::Complete);
        summary.n_objects += merged.n_objects;
        summary.n_new += merged.n_new;
        summary.n_changed += merged.n_changed;
        summary.n_gone += merged.n_gone;
        Ok(())
    }

    /// Ends the run. Objects of scopes that were not closed are dropped.
    pub fn finish(self, finished: Timestamp) -> Result<RunSummary> {
        let operation = "finish a run in the store";
        let connection = self.store.connection();
        connection
            .execute(
                "UPDATE run SET finished = ?2, status = 'finished' WHERE id = ?1",
                params![self.id.0, finished.as_microsecond()],
            )
            .context(operation, &self.path)?;
        connection
            .execute_batch("DELETE FROM temp.stage; PRAGMA analysis_limit = 1000; PRAGMA optimize = 0x10002;")
            .context(operation, &self.path)?;
        // Whoever holds the log up lets it grow, and that is all: the next run empties it.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).context(operation, &self.path)?;
        Ok(self.summary)
    }
}

fn scope_id(connection: &Connection, scope: &Scope) -> rusqlite::Result<i64> {
    let key = [scope.cloud.as_str(), scope.account.as_str(), region_text(scope), scope.native_type.as_str()];
    connection
        .execute("INSERT OR IGNORE INTO scope (cloud, account, region, native_type) VALUES (?1, ?2, ?3, ?4)", key)?;
    connection.query_row(
        "SELECT id FROM scope WHERE cloud = ?1 AND account = ?2 AND region = ?3 AND native_type = ?4",
        key,
        |row| row.get(0),
    )
}

fn shape_id(connection: &Connection, shape: &str) -> rusqlite::Result<i64> {
    let found = connection.query_row("SELECT id FROM shape WHERE type = ?1", [shape], |row| row.get(0)).optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    connection.execute("INSERT INTO shape (type) VALUES (?1)", [shape])?;
    Ok(connection.last_insert_rowid())
}

#[expect(clippy::struct_field_names, reason = "the names are those of the summary")]
struct Merged {
    n_objects: u64,
    n_new: u64,
    n_changed: u64,
    n_gone: u64,
}

fn merge(transaction: &Transaction<'_>, run: RunId, outcome: &ScopeOutcome) -> rusqlite::Result<Merged> {
    let scope = scope_id(transaction, &outcome.scope)?;
    let execute = |sql: &str, values: &[&dyn rusqlite::ToSql]| transaction.prepare_cached(sql)?.execute(values);
    let finished = outcome.finished.as_microsecond();
    execute("DELETE FROM temp.changed", &[])?;
    execute(
        "INSERT INTO temp.changed (key, is_new)
         SELECT t.key, o.uid IS NULL OR o.gone_run IS NOT NULL
         FROM temp.stage AS t
         LEFT JOIN object AS o ON o.scope = t.scope AND o.key = t.key
         WHERE t.scope = ?1 AND (o.uid IS NULL OR o.gone_run IS NOT NULL OR o.digest <> t.digest)",
        &[&scope],
    )?;
    execute(
        "INSERT OR IGNORE INTO body (hash, shape, record)
         SELECT t.hash, t.shape, t.record FROM temp.changed AS c
         JOIN temp.stage AS t ON t.scope = ?1 AND t.key = c.key",
        &[&scope],
    )?;
    execute(
        "UPDATE version SET to_run = ?2 WHERE to_run IS NULL AND uid IN (
             SELECT o.uid FROM temp.changed AS c JOIN object AS o ON o.scope = ?1 AND o.key = c.key)",
        &[&scope, &run.0],
    )?;
    // What did not change is only marked as seen: that touches no index.
    let n_unchanged = execute(
        "UPDATE object SET last_run = ?2, fetched_at = t.fetched_at, source = t.source
         FROM temp.stage AS t
         WHERE t.scope = ?1 AND object.scope = t.scope AND object.key = t.key
         AND t.key NOT IN (SELECT key FROM temp.changed)",
        &[&scope, &run.0],
    )?;
    let n_written = execute(
        "INSERT INTO object (scope, key, native_type, account, region, resource_type, import_id, arn, name, standing,
             standing_detail, standing_evidence, parent_type, parent_key, completeness, source, fetched_at, cause_kind,
             cause_detail, body, digest, first_run, last_run, first_seen)
         SELECT t.scope, t.key, ?3, ?4, ?5, t.resource_type, t.import_id, t.arn, t.name, t.standing,
             t.standing_detail, t.standing_evidence, t.parent_type, t.parent_key, t.completeness, t.source,
             t.fetched_at, t.cause_kind, t.cause_detail, b.id, t.digest, ?2, ?2, t.fetched_at
         FROM temp.changed AS c JOIN temp.stage AS t ON t.scope = ?1 AND t.key = c.key JOIN body AS b ON b.hash = t.hash
         WHERE true
         ON CONFLICT (scope, key) DO UPDATE SET
             resource_type = excluded.resource_type, import_id = excluded.import_id, arn = excluded.arn,
             name = excluded.name, standing = excluded.standing, standing_detail = excluded.standing_detail,
             standing_evidence = excluded.standing_evidence, parent_type = excluded.parent_type,
             parent_key = excluded.parent_key, completeness = excluded.completeness, source = excluded.source,
             fetched_at = excluded.fetched_at, cause_kind = excluded.cause_kind,
             cause_detail = excluded.cause_detail, body = excluded.body, digest = excluded.digest, last_run = excluded.last_run,
             gone_run = NULL, gone_at = NULL",
        &[
            &scope,
            &run.0,
            &outcome.scope.native_type.as_str(),
            &outcome.scope.account.as_str(),
            &region_text(&outcome.scope),
        ],
    )?;
    execute(
        "INSERT OR REPLACE INTO version (uid, from_run, to_run, body)
         SELECT o.uid, ?2, NULL, o.body FROM temp.changed AS c JOIN object AS o ON o.scope = ?1 AND o.key = c.key",
        &[&scope, &run.0],
    )?;
    execute(
        "DELETE FROM tag WHERE uid IN (
             SELECT o.uid FROM temp.changed AS c JOIN object AS o ON o.scope = ?1 AND o.key = c.key)",
        &[&scope],
    )?;
    execute(
        "INSERT OR REPLACE INTO tag (uid, key, value)
         SELECT o.uid, json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]')
         FROM temp.changed AS c
         JOIN object AS o ON o.scope = ?1 AND o.key = c.key
         JOIN temp.stage AS t ON t.scope = ?1 AND t.key = c.key
         JOIN json_each(t.tags) AS j",
        &[&scope],
    )?;
    execute(
        "INSERT OR IGNORE INTO type_map (resource_type, native_type)
         SELECT DISTINCT resource_type, ?2 FROM temp.stage WHERE scope = ?1 AND resource_type IS NOT NULL",
        &[&scope, &outcome.scope.native_type.as_str()],
    )?;
    let mut n_gone = 0;
    if outcome.status == ScopeStatus::Complete {
        let unseen = "SELECT uid FROM object WHERE scope = ?1 AND gone_run IS NULL
                      AND key NOT IN (SELECT key FROM temp.stage WHERE scope = ?1)";
        execute(
            &format!("UPDATE version SET to_run = ?2 WHERE to_run IS NULL AND uid IN ({unseen})"),
            &[&scope, &run.0],
        )?;
        n_gone = execute(
            &format!("UPDATE object SET gone_run = ?2, gone_at = ?3 WHERE uid IN ({unseen})"),
            &[&scope, &run.0, &finished],
        )?;
    }
    let causes: Vec<CauseFile> = outcome.causes.iter().map(CauseFile::from).collect();
    execute(
        "INSERT OR REPLACE INTO scope_run (scope, run, status, n_objects, started, finished, causes, calls)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &[
            &scope,
            &run.0,
            &status_word(outcome.status),
            &i64::try_from(outcome.n_objects).unwrap_or(i64::MAX),
            &outcome.started.as_microsecond(),
            &finished,
            &serde_json::to_string(&causes).expect("causes are JSON"),
            &serde_json::to_string(&outcome.calls).expect("counts are JSON"),
        ],
    )?;
    let as_of = (outcome.status == ScopeStatus::Complete).then(|| outcome.started.as_microsecond());
    execute("UPDATE scope SET last_run = ?2, as_of = coalesce(?3, as_of) WHERE id = ?1", &[&scope, &run.0, &as_of])?;
    let (n_changed, n_new): (i64, i64) = transaction.query_row(
        "SELECT count(*) FILTER (WHERE NOT is_new), count(*) FILTER (WHERE is_new) FROM temp.changed",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    execute("DELETE FROM temp.stage WHERE scope = ?1", &[&scope])?;
    Ok(Merged {
        n_objects: (n_unchanged + n_written) as u64,
        n_new: n_new as u64,
        n_changed: n_changed as u64,
        n_gone: n_gone as u64,
    })
}
