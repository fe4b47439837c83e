//! Signals: the first one asks the work to end with what it has, the second one ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Remembers which signal ended the work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// Begins to listen; must run inside the runtime.
    pub(crate) fn listen(cancel: CancellationToken) -> std::io::Result<Self> {
        let signals = Self::default();
        for (kind, number) in [(SignalKind::interrupt(), 2_u8), (SignalKind::terminate(), 15)] {
            let mut stream = signal(kind)?;
            let (signals, cancel) = (signals.clone(), cancel.clone());
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    if signals.0.swap(number, Ordering::SeqCst) != 0 {
                        // Nothing half-written is left: files appear by rename, the store by transactions.
                        std::process::exit(128 + i32::from(number));
                    }
                    cancel.cancel();
                }
            });
        }
        Ok(signals)
    }

    /// Gives the exit code of the signal that came, if one did: 130 or 143.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            number => Some(128 + number),
        }
    }
}
