//! How many providers live at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::KnownSchema;
use super::supervised::Shared;
use crate::{Error, ErrorKind};

/// How long an idle provider may take to make room before another is asked to.
const SECOND_LOOK: Duration = Duration::from_secs(3);

/// A bound on the processes that live at once, shared by all who start from it.
///
/// A provider that has nothing to do makes room for one that is needed, if it is [supervised](super::Supervised): it is
/// started again with its next call. One that is launched by hand keeps its place until it is shut down or dropped.
///
/// The processes of one program share one schema where the provider says that it need not be asked each time: aliases of
/// a large provider would otherwise hold as many copies of it.
#[derive(Clone)]
pub struct Processes(Arc<Inner>);

struct Inner {
    places: Arc<Semaphore>,
    n_waiting: AtomicUsize,
    supervised: Mutex<Vec<Weak<Shared>>>,
    /// By program and arguments.
    schemas: Mutex<BTreeMap<Vec<OsString>, KnownSchema>>,
}

/// Keeps one place until it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// One who waits for a place.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Processes {
    /// Lets so many live at once, and one where the number is 0.
    pub fn at_most(n_processes: usize) -> Self {
        Self(Arc::new(Inner {
            places: Arc::new(Semaphore::new(n_processes.clamp(1, Semaphore::MAX_PERMITS))),
            n_waiting: AtomicUsize::new(0),
            supervised: Mutex::new(Vec::new()),
            schemas: Mutex::new(BTreeMap::new()),
        }))
    }

    /// Waits for a place, for which idle providers are ended.
    pub(super) async fn place(&self) -> Result<Place, Error> {
        if let Ok(permit) = self.0.places.clone().try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        self.0.n_waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.0.n_waiting);
        let mut acquiring = pin!(self.0.places.clone().acquire_owned());
        loop {
            self.end_an_idle_one();
            tokio::select! {
                biased;
                permit = &mut acquiring => return permit.map(|permit| Place { _permit: permit }).map_err(|closed| {
                    Error::new(ErrorKind::Local, "start", "No more providers are started here.").because(closed)
                }),
                // Somebody else may have taken the place that was made.
                () = tokio::time::sleep(SECOND_LOOK) => {}
            }
        }
    }

    fn end_an_idle_one(&self) {
        let supervised: Vec<Arc<Shared>> = {
            let mut known = self.0.supervised.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|shared| shared.strong_count() > 0);
            known.iter().filter_map(Weak::upgrade).collect()
        };
        for shared in supervised {
            if shared.rest() {
                return;
            }
        }
    }

    /// Gives the schema that another process of the same provider gave.
    pub(super) fn known_schema(&self, command: &[OsString]) -> Option<KnownSchema> {
        self.0.schemas.lock().unwrap_or_else(PoisonError::into_inner).get(command).cloned()
    }

    pub(super) fn remember_schema(&self, command: &[OsString], schema: &KnownSchema) {
        let mut schemas = self.0.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        schemas.insert(command.to_vec(), schema.clone());
    }

    /// Tells whether somebody waits for a place.
    pub(super) fn are_wanted(&self) -> bool {
        self.0.n_waiting.load(Ordering::SeqCst) > 0
    }

    pub(super) fn know(&self, shared: &Arc<Shared>) {
        self.0.supervised.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(shared));
    }
}

impl Default for Processes {
    /// Lets 8 live at once.
    fn default() -> Self {
        Self::at_most(8)
    }
}

impl std::fmt::Debug for Processes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processes").field("free", &self.0.places.available_permits()).finish_non_exhaustive()
    }
}
