//! The bytes of a snapshot: in a file that is read piece by piece, or in memory.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::{Error, ErrorKind};

/// How much of a file is read ahead when a piece of it is asked for.
const READ_AHEAD: u64 = 256 * 1024;

/// Gives the bytes of one snapshot, as often as they are asked for.
///
/// A file must not change meanwhile: where its size or its time of change does, reading fails with
/// [`ErrorKind::Moved`].
pub struct StateBytes(Store);

enum Store {
    Memory(Bytes),
    File(Box<Mutex<WindowedFile>>),
}

struct WindowedFile {
    file: File,
    fingerprint: Fingerprint,
    start: u64,
    window: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    n_bytes: u64,
    modified: Option<SystemTime>,
}

impl Fingerprint {
    fn of(file: &File) -> Result<Self, Error> {
        let metadata = file.metadata().map_err(|error| Error::from_io("read the state", error))?;
        Ok(Self { n_bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl fmt::Debug for StateBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateBytes").finish_non_exhaustive()
    }
}

impl From<Bytes> for StateBytes {
    fn from(bytes: Bytes) -> Self {
        Self(Store::Memory(bytes))
    }
}

impl StateBytes {
    /// Takes the bytes of a file that is open for reading.
    ///
    /// # Errors
    /// Where the file's size cannot be read.
    pub fn from_file(file: File) -> Result<Self, Error> {
        let fingerprint = Fingerprint::of(&file)?;
        Ok(Self(Store::File(Box::new(Mutex::new(WindowedFile { file, fingerprint, start: 0, window: Vec::new() })))))
    }

    /// Lends all bytes, from the first to the last.
    ///
    /// # Errors
    /// Where `read` fails, or the file changed meanwhile.
    pub fn read_all<T>(&self, read: &mut dyn FnMut(&mut dyn Read) -> Result<T, Error>) -> Result<T, Error> {
        match &self.0 {
            Store::Memory(bytes) => read(&mut bytes.as_ref()),
            Store::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(0)?;
                let result = read(&mut file.file)?;
                file.check()?;
                Ok(result)
            }
        }
    }

    /// Lends the bytes of a range.
    ///
    /// # Errors
    /// Where they are not there, cannot be read, or the file changed meanwhile.
    pub fn with_range<T>(&self, range: &Range<u64>, take: &mut dyn FnMut(&[u8]) -> T) -> Result<T, Error> {
        match &self.0 {
            Store::Memory(bytes) => {
                let piece = bytes.get(range.start as usize..range.end as usize);
                piece.map(take).ok_or_else(|| Error::new(ErrorKind::Moved, "read a part of the state"))
            }
            Store::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.load(range)?;
                let start = (range.start - file.start) as usize;
                let end = (range.end - file.start) as usize;
                Ok(take(&file.window[start..end]))
            }
        }
    }
}

impl WindowedFile {
    fn seek(&mut self, offset: u64) -> Result<(), Error> {
        let sought = self.file.seek(SeekFrom::Start(offset));
        sought.map(drop).map_err(|error| Error::from_io("read the state", error))
    }

    fn check(&self) -> Result<(), Error> {
        if Fingerprint::of(&self.file)? == self.fingerprint {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Moved, "read a state that is being written")
            .with_help("Wait for the running `apply` to end, and start again."))
    }

    fn load(&mut self, range: &Range<u64>) -> Result<(), Error> {
        let loaded_end = self.start + self.window.len() as u64;
        if range.start >= self.start && range.end <= loaded_end && range.start <= range.end {
            return Ok(());
        }
        let n_wanted = range.end.saturating_sub(range.start);
        self.seek(range.start)?;
        self.start = range.start;
        self.window.clear();
        let read = Read::by_ref(&mut self.file).take(n_wanted.max(READ_AHEAD)).read_to_end(&mut self.window);
        self.check()?;
        let short = io::Error::from(io::ErrorKind::UnexpectedEof);
        match read {
            Ok(n_read) if n_read as u64 >= n_wanted => Ok(()),
            Ok(_) => Err(Error::from_io("read a part of the state", short)),
            Err(error) => {
                self.window.clear();
                Err(Error::from_io("read a part of the state", error))
            }
        }
    }
}
