//! A bench: one configured provider, and how it is asked about one object.

use std::sync::Arc;
use std::time::Duration;

use model::{AccountId, CauseKind, Diagnostics, ProviderAddress, Region};
use tfplugin::{Answer, Call, Provider, ProviderSchema};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::refresh::asking::{self, Failure, settle};
use crate::refresh::calls::{Calls, Use};
use crate::refresh::cause::Secrets;
use crate::refresh::pace::{Pace, Rate, Rests, Slot};

/// One configured provider.
pub(super) struct Bench {
    /// The provider.
    pub(super) provider: Arc<dyn Provider>,
    /// What it offers.
    pub(super) schema: Arc<ProviderSchema>,
    /// Its address.
    pub(super) address: ProviderAddress,
    /// Its version, where it is known.
    pub(super) version: Option<String>,
    /// What a block's `provider` argument says; `None` where it needs none.
    pub(super) argument: Option<String>,
    /// The region it looks in by itself, where that is known.
    pub(super) region: Option<Region>,
    /// The account of its credentials, where it says so.
    pub(super) account: Option<AccountId>,
    /// What its calls are counted for.
    pub(super) name: Use,
    /// Counts the calls.
    pub(super) calls: Arc<Calls>,
    /// How many objects are worked on at once.
    pub(super) pace: Arc<Pace>,
    /// The most calls a second over everything, where there is such a limit.
    pub(super) rate: Option<Arc<Rate>>,
    /// How long one object may take.
    pub(super) deadline: Duration,
    /// Ends every call.
    pub(super) cancel: CancellationToken,
    /// What the provider's configuration holds that must not be shown.
    pub(super) secrets: Secrets,
}

/// The work on one object: its place at the bench, its deadline, and what must not be shown of it.
pub(super) struct Work {
    pub(super) bench: Arc<Bench>,
    pub(super) slot: Slot,
    pub(super) call: Call,
    pub(super) secrets: Secrets,
}

impl Work {
    /// Begins to work on an object.
    pub(super) fn begin(bench: &Arc<Bench>, slot: Slot) -> Self {
        let deadline = Instant::now().checked_add(bench.deadline);
        let call = Call { cancel: bench.cancel.clone(), deadline };
        Self { bench: Arc::clone(bench), slot, call, secrets: bench.secrets.clone() }
    }

    /// Makes a call: counts it and waits for the answer; where the cloud asks to slow down, makes it again and again until
    /// the time is up. Errors among the provider's diagnostics are failures.
    pub(super) async fn ask<T, F>(
        &mut self,
        operation: &'static str,
        make: impl Fn(Arc<dyn Provider>, Call) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Answer<T>>,
    {
        let mut rests = Rests::default();
        loop {
            let answer = self.ask_once(operation, &make).await;
            match settle(operation, answer, &self.secrets) {
                Err(Failure::Unseen(cause)) if cause.kind == CauseKind::Throttled => {
                    if !rests.take(&mut self.slot, &self.call).await {
                        return Err(cause.into());
                    }
                }
                settled => return settled,
            }
        }
    }

    /// Makes a call once, and gives the provider's diagnostics as well, without secrets: an error among them is an answer.
    pub(super) async fn hear<T, F>(
        &mut self,
        operation: &'static str,
        make: impl Fn(Arc<dyn Provider>, Call) -> F,
    ) -> Result<(T, Diagnostics), Failure>
    where
        F: Future<Output = Answer<T>>,
    {
        let answer = self.ask_once(operation, &make).await;
        let (value, mut diagnostics) = answer.map_err(|error| asking::of_error(&error, &self.secrets))?;
        for diagnostic in &mut diagnostics {
            diagnostic.summary = self.secrets.scrub(&diagnostic.summary);
            diagnostic.detail = self.secrets.scrub(&diagnostic.detail);
        }
        Ok((value, diagnostics))
    }

    async fn ask_once<T, F>(
        &mut self,
        operation: &'static str,
        make: &impl Fn(Arc<dyn Provider>, Call) -> F,
    ) -> Answer<T>
    where
        F: Future<Output = Answer<T>>,
    {
        if let Some(rate) = &self.bench.rate {
            rate.turn().await;
        }
        self.bench.calls.count_for(&self.bench.name, operation);
        let answer = make(Arc::clone(&self.bench.provider), self.call.clone());
        self.slot.wait_for(answer).await
    }
}
