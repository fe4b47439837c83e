//! What was seen in the clouds, when, and how completely.
//!
//! **Owns** one SQLite file, written by one process at a time, and the snapshots published from it: runs, scopes and
//! what became of looking at each, remote objects with validity intervals, and the findings of the last comparison.
//!
//! **May not know** clouds, states, configuration or output formats, nor the time: callers pass it in.
//!
//! **Start reading** at [`Store`] and [`Run`] (writing), then [`StoreSnapshot`] and [`Query`] (reading). The tables are in
//! `src/migrations/`.
//!
//! **A good addition** is a small verb with a clear answer on a store of a hundred thousand objects: typed and indexed
//! columns for what is filtered on, everything else in the record body.
//!
//! Three promises hold everywhere. An object is *gone* only when its scope was seen completely without it. A reader
//! never waits for a writer: it opens a published snapshot, which nothing changes any more. A value that is marked as
//! sensitive is replaced by a keyed digest before it reaches the file.

mod body;
mod condition;
mod error;
mod finding;
mod lock;
mod prune;
mod publish;
mod query;
mod record;
mod run;
mod schema;
mod secret;
mod snapshot;
mod writer;

pub use condition::{AttributeCondition, Operator, ParseConditionError};
pub use error::{Error, ErrorKind, Result};
pub use finding::{DriftRecord, DriftSummary};
pub use prune::{Pruned, Retention};
pub use query::{AnswerFreshness, Cursor, ObjectPage, Query, StoredObject, TagFilter};
pub use run::{Run, RunId, RunMeta, RunSummary};
pub use schema::SCHEMA_VERSION;
pub use snapshot::{Objects, ScopeRecord, SnapshotInfo, StoreSnapshot};
pub use writer::{Store, WriterOptions};

/// Short names, for callers that write `store::` in front.
pub use {
    condition::AttributeCondition as Condition, query::AnswerFreshness as Freshness, query::ObjectPage as Page,
    snapshot::StoreSnapshot as Snapshot,
};
