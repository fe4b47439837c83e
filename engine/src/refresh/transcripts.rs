//! Recording what is said to providers and what they answer, for bug reports: one file for each process, masked.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use model::{Diagnostic, Diagnostics};
use tfplugin::Provider;
use tfplugin::transcript::{About, Key, Mask, Options, Recorder};

use crate::providers::FoundProvider;

/// A folder that gets a transcript of each process; no value in it can be read or guessed.
pub(crate) struct Transcripts {
    folder: PathBuf,
    key: Key,
    recorders: Mutex<Vec<(PathBuf, Arc<Recorder>)>>,
    failures: Mutex<Vec<(PathBuf, io::Error)>>,
}

impl Transcripts {
    /// Makes the folder, for nobody else to read.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let key = Key::random().map_err(io::Error::other)?;
        Ok(Self { folder, key, recorders: Mutex::default(), failures: Mutex::default() })
    }

    /// Puts a recorder before a provider.
    pub(crate) fn record(&self, provider: Arc<dyn Provider>, found: &FoundProvider) -> Arc<dyn Provider> {
        let mut recorders = self.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        let address = &found.address;
        let name = format!("{}-{}-{}.jsonl", address.namespace, address.provider_type, recorders.len() + 1);
        let path = self.folder.join(name);
        let file = match OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path) {
            Ok(file) => file,
            Err(error) => {
                self.failures.lock().unwrap_or_else(PoisonError::into_inner).push((path, error));
                return provider;
            }
        };
        let about = About { provider: address.clone(), version: found.version.clone(), protocol: None };
        let options = Options { about, mask: Mask::Everything, key: self.key.clone() };
        let recorder = Arc::new(Recorder::new(provider, Box::new(BufWriter::new(file)), options));
        recorders.push((path, Arc::clone(&recorder)));
        recorder
    }

    /// Makes sure that everything was written, and says what was not.
    pub(crate) fn finish(&self) -> Diagnostics {
        let recorders = std::mem::take(&mut *self.recorders.lock().unwrap_or_else(PoisonError::into_inner));
        let unfinished = recorders.into_iter().filter_map(|(path, recorder)| Some((path, recorder.finish().err()?)));
        let failures = std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner));
        let warn = |(path, error): (PathBuf, io::Error)| {
            let detail = format!("{} is not whole: {error}. The answer is.", path.display());
            Diagnostic::warning("transcript-not-written", "A transcript could not be written", detail)
        };
        failures.into_iter().chain(unfinished).map(warn).collect()
    }
}
