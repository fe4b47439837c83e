//! Rate and concurrency per scope, adapted to what the service bears.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::deadline::cancelled;
use super::reply_class::{Classifier, ReplyClass, retry_after};
use crate::{Error, ErrorKind, LimitScope, Request, Response, Transport};

/// The slowest a scope is driven: one call in five seconds.
const SLOWEST_RATE: f64 = 0.2;
/// Throttled answers to calls that were under way together halve the rate once, not once each.
const HALVE_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Says how fast a scope may be asked at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitConfig {
    /// Calls per second.
    pub rate: f64,
    /// Calls that may be made at once after a pause.
    pub burst: u32,
    /// Calls under way at the same time.
    pub max_concurrency: usize,
}

impl LimitConfig {
    /// Returns the values used where neither user nor catalog says anything.
    pub fn standard() -> Self {
        Self { rate: 20.0, burst: 20, max_concurrency: 8 }
    }
}

/// Shows how one scope is being driven, for reports.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitState {
    /// The scope.
    pub scope: LimitScope,
    /// The rate now, in calls per second.
    pub rate: f64,
    /// Calls made.
    pub calls: u64,
    /// Answers that asked for fewer calls.
    pub throttled: u64,
    /// How long calls waited for their turn, added up.
    pub waited: Duration,
    /// The most calls that were under way at the same time.
    pub peak_in_flight: usize,
}

/// Keeps the limits of all scopes of a run.
///
/// Additive increase, multiplicative decrease: a throttled answer halves the scope's rate, each
/// accepted one gives back a fiftieth of the configured rate.
#[derive(Debug)]
pub struct Limiter {
    standard: LimitConfig,
    by_service: BTreeMap<String, LimitConfig>,
    total: Semaphore,
    overall: Option<ScopeLimit>,
    scopes: Mutex<BTreeMap<LimitScope, Arc<ScopeLimit>>>,
}

#[derive(Debug)]
struct ScopeLimit {
    config: LimitConfig,
    turns: Semaphore,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    rate: f64,
    tokens: f64,
    filled_at: Instant,
    closed_until: Instant,
    halved_at: Option<Instant>,
    calls: u64,
    throttled: u64,
    waited: Duration,
    in_flight: usize,
    peak_in_flight: usize,
}

impl Limiter {
    /// Builds a limiter; `total` bounds the calls under way over all scopes.
    pub fn new(standard: LimitConfig, by_service: BTreeMap<String, LimitConfig>, total: usize) -> Self {
        Self { standard, by_service, total: Semaphore::new(total.max(1)), overall: None, scopes: Mutex::default() }
    }

    /// Bounds the calls per second over all scopes, without a burst.
    #[must_use]
    pub fn with_max_rps(mut self, max_rps: Option<f64>) -> Self {
        let config = |rate| LimitConfig { rate, burst: 1, max_concurrency: Semaphore::MAX_PERMITS };
        self.overall = max_rps.map(|rate| ScopeLimit::new(config(rate)));
        self
    }

    /// Returns how each scope is being driven, in the order of the scopes.
    pub fn states(&self) -> Vec<LimitState> {
        let scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        scopes
            .iter()
            .map(|(scope, limit)| {
                let bucket = limit.lock();
                LimitState {
                    scope: scope.clone(),
                    rate: bucket.rate,
                    calls: bucket.calls,
                    throttled: bucket.throttled,
                    waited: bucket.waited,
                    peak_in_flight: bucket.peak_in_flight,
                }
            })
            .collect()
    }

    fn scope(&self, scope: &LimitScope) -> Arc<ScopeLimit> {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = scopes.get(scope) {
            return Arc::clone(limit);
        }
        let config = self.by_service.get(&scope.service).copied().unwrap_or(self.standard);
        let limit = Arc::new(ScopeLimit::new(config));
        scopes.insert(scope.clone(), Arc::clone(&limit));
        limit
    }
}

impl ScopeLimit {
    fn new(config: LimitConfig) -> Self {
        let config = LimitConfig {
            rate: if config.rate.is_finite() { config.rate.max(SLOWEST_RATE) } else { LimitConfig::standard().rate },
            burst: config.burst.max(1),
            max_concurrency: config.max_concurrency.clamp(1, Semaphore::MAX_PERMITS),
        };
        let now = Instant::now();
        Self {
            config,
            turns: Semaphore::new(config.max_concurrency),
            bucket: Mutex::new(Bucket {
                rate: config.rate,
                tokens: f64::from(config.burst),
                filled_at: now,
                closed_until: now,
                halved_at: None,
                calls: 0,
                throttled: 0,
                waited: Duration::ZERO,
                in_flight: 0,
                peak_in_flight: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a token, or says how long to wait before asking again.
    fn take(&self) -> Result<(), Duration> {
        let mut bucket = self.lock();
        let now = Instant::now();
        if now < bucket.closed_until {
            return Err(bucket.closed_until - now);
        }
        let gained = (now - bucket.filled_at).as_secs_f64() * bucket.rate;
        bucket.tokens = (bucket.tokens + gained).min(f64::from(self.config.burst));
        bucket.filled_at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - bucket.tokens) / bucket.rate);
        Err(wait.max(Duration::from_millis(1)))
    }

    fn settle(&self, outcome: ReplyClass, asked: Option<Duration>) -> f64 {
        let mut bucket = self.lock();
        let now = Instant::now();
        match outcome {
            ReplyClass::Throttled => {
                bucket.throttled += 1;
                if bucket.halved_at.is_none_or(|at| now - at >= HALVE_AT_MOST_EVERY) {
                    bucket.rate = (bucket.rate / 2.0).max(SLOWEST_RATE);
                    bucket.tokens = bucket.tokens.min(1.0);
                    bucket.halved_at = Some(now);
                }
                if let Some(asked) = asked {
                    bucket.closed_until = bucket.closed_until.max(now + asked);
                }
            }
            ReplyClass::Accept => {
                bucket.rate = (bucket.rate + self.config.rate / 50.0).min(self.config.rate);
            }
            ReplyClass::Transient | ReplyClass::Expired => {}
        }
        bucket.rate
    }
}

/// Counts a call as under way until it is dropped, however it ends.
struct InFlight<'a>(&'a ScopeLimit);

impl<'a> InFlight<'a> {
    fn begin(limit: &'a ScopeLimit, waited: Duration) -> Self {
        let mut bucket = limit.lock();
        bucket.calls += 1;
        bucket.waited += waited;
        bucket.in_flight += 1;
        bucket.peak_in_flight = bucket.peak_in_flight.max(bucket.in_flight);
        drop(bucket);
        Self(limit)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

/// Makes each call wait for its turn in its scope.
pub struct Limit {
    inner: Arc<dyn Transport>,
    limiter: Arc<Limiter>,
    classifier: Classifier,
}

impl Limit {
    /// Wraps a transport with limits shared by all that hold the same `limiter`.
    pub fn new(inner: Arc<dyn Transport>, limiter: Arc<Limiter>, classifier: Classifier) -> Self {
        Self { inner, limiter, classifier }
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Limit").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Limit {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        let limit = self.limiter.scope(&request.scope);
        let operation = request.operation.clone();
        let deadline = request.deadline;
        let start = Instant::now();
        let turn = async {
            let turn = limit.turns.acquire().await;
            while let Err(wait) = limit.take() {
                tokio::time::sleep(wait).await;
            }
            if let Some(overall) = &self.limiter.overall {
                while let Err(wait) = overall.take() {
                    tokio::time::sleep(wait).await;
                }
            }
            // The place among all scopes comes last: who waits for a slow scope holds up no other.
            (turn, self.limiter.total.acquire().await)
        };
        let (_turn, _place) = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(cancelled(&operation)),
            places = turn => places,
            () = tokio::time::sleep_until(deadline) => return Err(Error::new(
                ErrorKind::Throttled,
                operation,
                "its turn did not come in time: the service asks for fewer calls than the deadline allows",
            )
            .with_context("scope", request.scope.to_string())
            .with_context("waited", format!("{:.1} s", start.elapsed().as_secs_f64()))),
        };
        let under_way = InFlight::begin(&limit, start.elapsed());
        let scope = request.scope.clone();
        let result = self.inner.send(request, cancel).await;
        drop(under_way);
        if let Ok(response) = &result {
            let outcome = (self.classifier)(response);
            let rate = limit.settle(outcome, retry_after(response, Timestamp::now()));
            if outcome == ReplyClass::Throttled {
                debug!(%operation, %scope, rate, "throttled");
            }
        }
        result
    }
}
