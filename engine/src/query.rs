//! `query`: answers from the store, and the ways to it that every other operation uses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::NativeType;
use store::{Condition, Page, Query, Snapshot, Store, TagFilter, WriterOptions};

use crate::accounts::Hints;
use crate::{Error, ErrorKind, Session};

/// How long to wait for another process that writes to the store.
const WAIT_FOR_WRITER: Duration = Duration::from_secs(60);
/// How often a process that waits for another looks again.
const POLL_FOR_WRITER: Duration = Duration::from_millis(100);

/// Asks the store for objects; lists are combined with "and", the entries of one list with "or".
#[derive(Clone, Debug, Default)]
pub struct QueryRequest {
    /// The store's file.
    pub store: PathBuf,
    /// Globs over Terraform and native types.
    pub types: Vec<String>,
    /// Accounts.
    pub accounts: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Tags: `KEY`, or `KEY=VALUE`.
    pub tags: Vec<String>,
    /// A glob over names.
    pub name: Option<String>,
    /// An import id.
    pub import_id: Option<String>,
    /// An ARN.
    pub arn: Option<String>,
    /// Conditions on attributes: `instance_type=t3.micro`.
    pub conditions: Vec<String>,
    /// Whether what is gone counts.
    pub include_gone: bool,
    /// The most objects to give.
    pub limit: Option<u32>,
    /// How many to leave out at the start.
    pub offset: u32,
    /// How old the answer may be.
    pub max_age: Option<Duration>,
}

/// What the store knows.
#[derive(Debug)]
pub struct QueryAnswer {
    /// The objects, the total, and how fresh they are.
    pub page: Page,
    /// When the answer was made.
    pub at: Timestamp,
}

/// Answers from the published snapshot of a store.
///
/// # Errors
///
/// Where there is no snapshot, or it is older than asked for: never an empty answer.
pub fn query(session: &Session, request: &QueryRequest) -> Result<QueryAnswer, Error> {
    let snapshot = open_snapshot(&request.store)?;
    let page = snapshot.query(&request.to_query()?).map_err(store_error)?;
    let now = (session.now)();
    let never_seen = &page.freshness.never_seen;
    if page.total == 0 && page.freshness.as_of.is_none() && !never_seen.is_empty() {
        let detail = format!("The store cannot tell: it never looked for {}.", never_seen.join(", "));
        return Err(Error::new(ErrorKind::NotFound, "answer from the store", detail)
            .with_help("Run `driftmgr scan`; `driftmgr types` lists what can be found."));
    }
    if let Some(max_age) = request.max_age.filter(|max_age| page.freshness.is_older_than(*max_age, now)) {
        let as_of = page.freshness.as_of.map_or("never".to_owned(), |as_of| as_of.to_string());
        let detail =
            format!("What was asked for was last seen completely: {as_of}. At most {max_age:?} ago is allowed.");
        return Err(Error::new(ErrorKind::NotFound, "answer from the store", detail)
            .with_help("Run `driftmgr scan`, or allow an older answer with --max-age."));
    }
    Ok(QueryAnswer { page, at: now })
}

impl QueryRequest {
    fn to_query(&self) -> Result<Query, Error> {
        let (resource_types, native_types) = split_types(&self.types);
        let conditions = self.conditions.iter().map(|text| text.parse::<Condition>()).collect::<Result<_, _>>();
        Ok(Query {
            resource_types,
            native_types,
            accounts: self.accounts.iter().map(|account| account.as_str().into()).collect(),
            regions: self.regions.iter().map(|region| region.as_str().into()).collect(),
            tags: self.tags.iter().map(|text| TagFilter::parse(text)).collect(),
            name: self.name.clone(),
            import_id: self.import_id.as_deref().map(Into::into),
            arn: self.arn.clone(),
            conditions: conditions.map_err(|error| Error::usage("read the condition", format!("{error}.")))?,
            include_gone: self.include_gone,
            limit: self.limit,
            offset: self.offset,
            after: None,
        })
    }
}

/// Tells native types, which have a dot, from Terraform types.
fn split_types(types: &[String]) -> (Vec<String>, Vec<String>) {
    let (native, terraform) = types.iter().cloned().partition(|name: &String| name.contains('.'));
    (terraform, native)
}

/// Names the published snapshot of a store.
pub fn snapshot_path(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".published");
    store.with_file_name(name)
}

pub(crate) fn open_snapshot(store: &Path) -> Result<Snapshot, Error> {
    Snapshot::open(&snapshot_path(store)).map_err(store_error)
}

/// Opens a store for writing before anything is asked of a cloud, and can be stopped while it waits for another writer.
pub(crate) async fn open_writer_first(session: &Session, path: &Path) -> Result<Store, Error> {
    let deadline = Instant::now() + WAIT_FOR_WRITER;
    loop {
        let path = path.to_owned();
        let opened =
            tokio::task::spawn_blocking(move || Store::open_writer(&path, WriterOptions { wait: Duration::ZERO }))
                .await
                .map_err(|source| {
                    Error::new(ErrorKind::Unavailable, "open the store", "Opening ended early.").with_source(source)
                })?;
        match opened {
            Err(error) if error.kind() == store::ErrorKind::Locked && Instant::now() < deadline => {
                session.phase("waiting for another process that writes to the store");
            }
            opened => return opened.map_err(store_error),
        }
        tokio::select! {
            () = session.cancel.cancelled() => return Err(Error::cancelled("open the store")),
            () = tokio::time::sleep(POLL_FOR_WRITER) => {}
        }
    }
}

pub(crate) fn open_writer(path: &Path) -> Result<Store, Error> {
    Store::open_writer(path, WriterOptions { wait: WAIT_FOR_WRITER }).map_err(store_error)
}

pub(crate) fn publish(store: &Store, now: Timestamp) -> Result<(), Error> {
    store.publish_snapshot(&snapshot_path(store.path()), now).map_err(store_error)
}

pub(crate) fn store_error(error: store::Error) -> Error {
    let kind = match error.kind() {
        store::ErrorKind::Missing => ErrorKind::NotFound,
        store::ErrorKind::NotAStore | store::ErrorKind::Newer | store::ErrorKind::InvalidInput => ErrorKind::Usage,
        _ => ErrorKind::Unavailable,
    };
    let help = error.help();
    Error::new(kind, "use the store", format!("{error}.")).with_help(help)
}

/// Finds which of the types were not seen completely within `max_age`, everywhere the hints name.
pub(crate) fn stale_types(
    session: &Session,
    store: &Path,
    types: &BTreeSet<NativeType>,
    hints: &Hints,
    max_age: Duration,
) -> Result<BTreeSet<NativeType>, Error> {
    let snapshot = match Snapshot::open(&snapshot_path(store)) {
        Ok(snapshot) => snapshot,
        Err(error) if error.kind() == store::ErrorKind::Missing => return Ok(types.clone()),
        Err(error) => return Err(store_error(error)),
    };
    let oldest = (session.now)() - max_age;
    let scopes = snapshot.scopes().map_err(store_error)?;
    let is_fresh = |native_type: &NativeType| {
        let mut seen = scopes.iter().filter(|record| record.last.scope.native_type == *native_type).peekable();
        let seen_regions: BTreeSet<_> = scopes
            .iter()
            .filter(|record| record.last.scope.native_type == *native_type)
            .filter_map(|record| record.last.scope.region.clone())
            .collect();
        let is_everywhere = seen_regions.is_empty() || hints.regions.is_subset(&seen_regions);
        seen.peek().is_some() && is_everywhere && seen.all(|record| record.as_of.is_some_and(|as_of| as_of >= oldest))
    };
    Ok(types.iter().filter(|native_type| !is_fresh(native_type)).cloned().collect())
}
