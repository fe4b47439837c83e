//! The lock that keeps two writers apart: an advisory lock on a file beside the store.
//!
//! The operating system lifts it when its holder ends, however that happens, so a killed run never blocks the next.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::writer::{open_private, sibling};

/// How often a waiting process looks again.
const POLL: Duration = Duration::from_millis(50);

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the store at `store`, waiting up to `wait` for another writer.
    pub(crate) fn acquire(store: &Path, wait: Duration) -> Result<Self> {
        let operation = "lock the store";
        let path: PathBuf = sibling(store, ".lock");
        let mut file = open_private(&path).context(operation, &path)?;
        let deadline = Instant::now() + wait;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(Error::io(operation, &path, source)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    let mut holder = String::new();
                    // The holder's number only decorates the message.
                    let _ = Read::by_ref(&mut file).take(64).read_to_string(&mut holder);
                    let detail = match holder.trim() {
                        "" => "another process is writing to it".to_owned(),
                        process => format!("another process is writing to it (process {process})"),
                    };
                    return Err(Error::new(ErrorKind::Locked, operation, store, detail));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            }
        }
        file.set_len(0).context(operation, &path)?;
        file.seek(SeekFrom::Start(0)).context(operation, &path)?;
        file.write_all(std::process::id().to_string().as_bytes()).context(operation, &path)?;
        Ok(Self { _file: file })
    }
}
