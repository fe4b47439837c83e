//! When the cloud is asked: where the store's answer is missing or too old, by one process at a time.
//!
//! terraform starts the provider several times per plan, and reads several data sources at once. The first to find the
//! store too old looks at the cloud; the others wait for it, look at the store again, and mostly find it young enough.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::{QueryAnswer, QueryRequest, ScanRequest};
use model::{Diagnostic, Diagnostics};
use tokio::sync::{Mutex, MutexGuard};

use crate::data::Reading;
use crate::values;

/// Lets one reader at a time ask the cloud: of this process, and through a lock on a file, of this machine.
#[derive(Default)]
pub(crate) struct Turn(Mutex<()>);

/// Is held by whoever asks the cloud.
pub(crate) struct MyTurn<'a> {
    _of_process: MutexGuard<'a, ()>,
    /// Unlocked when it is closed.
    _of_machine: Option<File>,
}

impl Turn {
    /// Waits for its turn at a store.
    pub(crate) async fn take(&self, store: &Path) -> MyTurn<'_> {
        let of_process = self.0.lock().await;
        let path = lock_path(store);
        let locked = tokio::task::spawn_blocking(move || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let of_machine = match locked.await {
            Ok(Ok(file)) => Some(file),
            // The store itself will say what is wrong with its folder.
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lock beside the store cannot be taken");
                None
            }
            Err(_) => None,
        };
        MyTurn { _of_process: of_process, _of_machine: of_machine }
    }
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(".asking");
    store.with_file_name(name)
}

/// How old an answer may be, and whether the cloud may be asked for a younger one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) max_age: Duration,
    pub(crate) may_refresh: bool,
}

impl Wanted {
    /// Reads what a data block says, else what the provider block says.
    pub(crate) fn read(reading: &Reading<'_>) -> Result<Self, Diagnostics> {
        let max_age = reading.arguments.duration("max_age")?;
        Ok(Self {
            max_age: max_age.unwrap_or(reading.settings.max_age),
            may_refresh: reading.arguments.flag("refresh").unwrap_or(reading.settings.may_refresh),
        })
    }
}

/// Answers a query as [`look`] does, and says where the answer is not complete: as a warning, or as an error where there is
/// nothing in it besides. Nothing seen is not the same as nothing there.
pub(crate) async fn query(
    reading: &Reading<'_>,
    request: &QueryRequest,
    diagnostics: &mut Diagnostics,
) -> Result<QueryAnswer, Diagnostics> {
    let answer = look(reading, request).await?;
    let freshness = &answer.page.freshness;
    if !freshness.complete || !freshness.never_seen.is_empty() {
        let causes = values::causes_of(freshness).join(" ");
        if answer.page.objects.is_empty() {
            let detail =
                format!("Nothing was found, but that proves nothing, because not everything was seen. {causes}");
            return Err(vec![Diagnostic::error("incomplete", "Not everything could be seen", detail)]);
        }
        let detail = format!("More may exist than the answer holds, because not everything was seen. {causes}");
        diagnostics.push(Diagnostic::warning("incomplete", "Not everything could be seen", detail));
    }
    Ok(answer)
}

/// Answers a query from the store, after a look at the cloud where that is needed and allowed.
pub(crate) async fn look(reading: &Reading<'_>, request: &QueryRequest) -> Result<QueryAnswer, Diagnostics> {
    let wanted = Wanted::read(reading)?;
    let young = QueryRequest { max_age: Some(wanted.max_age), ..request.clone() };
    match engine::query(reading.session, &young) {
        Ok(answer) => Ok(answer),
        Err(error) if error.kind() != engine::ErrorKind::NotFound => Err(values::failure(&error)),
        Err(error) if !wanted.may_refresh => {
            let help = "The data source may not ask the cloud itself: refresh is false.";
            Err(values::failure(&error).into_iter().map(|diagnostic| diagnostic.with_help(help)).collect())
        }
        Err(_) => {
            let _turn = reading.turn.take(&request.store).await;
            match engine::query(reading.session, &young) {
                // Somebody else has looked meanwhile.
                Ok(answer) => Ok(answer),
                Err(_) => {
                    let scan = ScanRequest {
                        scope: reading.settings.scope(request.types.clone(), &request.accounts, &request.regions),
                        store: request.store.clone(),
                        dir: reading.settings.dir(),
                    };
                    tracing::info!(types = ?request.types, "the store has no young enough answer, asking the cloud");
                    engine::scan(reading.session, &scan).await.map_err(|error| values::failure(&error))?;
                    engine::query(reading.session, request).map_err(|error| values::failure(&error))
                }
            }
        }
    }
}
