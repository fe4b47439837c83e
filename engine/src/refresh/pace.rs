//! How fast a provider configuration is asked: so many instances at once, fewer where it slows down or is throttled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tfplugin::Call;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long whoever was throttled rests before it asks again, the first time; then twice as long each time.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The longest rest.
const MAX_REST: Duration = Duration::from_secs(30);

/// A call that takes longer waits for something: meanwhile another may be made.
const LONG_CALL: Duration = Duration::from_secs(2);
/// So many calls may wait beside those that work, for each of these.
const MAX_LENT: usize = 10;
/// Within this time the pace is reduced once: the answers that come in belong to calls made before.
const REST: Duration = Duration::from_secs(1);
/// Answers slower than their baseline by this factor, on average, reduce the pace.
const SLOW: f64 = 4.0;
/// What is faster than this says nothing about the cloud.
const NEGLIGIBLE: Duration = Duration::from_millis(250);
/// How much one answer counts in the average.
const WEIGHT: f64 = 0.1;

/// The most calls a second, over everything.
#[derive(Debug)]
pub(crate) struct Rate {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Rate {
    /// Allows `max_rps` calls a second.
    pub(crate) fn new(max_rps: f64) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / max_rps).unwrap_or(Duration::from_secs(86_400));
        Self { interval, next: Mutex::new(Instant::now()) }
    }

    /// Waits for the next call's turn.
    pub(crate) async fn turn(&self) {
        let turn = {
            let mut next = lock(&self.next);
            let turn = (*next).max(Instant::now());
            *next = turn.checked_add(self.interval).unwrap_or(turn);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

/// How many instances of one provider configuration are looked at at once.
///
/// Throttling halves the number, slowness reduces it, and every answer in time adds a little.
#[derive(Debug)]
pub(crate) struct Pace {
    max: usize,
    state: Mutex<State>,
    released: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    n_held: usize,
    n_lent: usize,
    reduced_at: Option<Instant>,
    /// How much slower than their baseline answers are, on average.
    slowness: f64,
}

impl Pace {
    /// Allows `max` at once, to begin with.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        let max = max.max(1);
        let state = State { limit: max as f64, n_held: 0, n_lent: 0, reduced_at: None, slowness: 1.0 };
        Arc::new(Self { max, state: Mutex::new(state), released: Notify::new() })
    }

    /// Waits until one more may be looked at.
    pub(crate) async fn slot(self: &Arc<Self>) -> Slot {
        self.take().await;
        Slot { pace: Arc::clone(self), holds: Holds::Slot }
    }

    async fn take(&self) {
        loop {
            let released = self.released.notified();
            {
                let mut state = lock(&self.state);
                if state.n_held < state.limit as usize {
                    state.n_held += 1;
                    return;
                }
            }
            released.await;
        }
    }

    /// Takes note of an answer: how long it took, and how long such answers take at best.
    pub(crate) fn answered(&self, took: Duration, baseline: Duration) {
        let mut state = lock(&self.state);
        let ratio = took.as_secs_f64() / baseline.max(NEGLIGIBLE).as_secs_f64();
        // One answer that hung is no trend.
        state.slowness += WEIGHT * (ratio.min(3.0 * SLOW) - state.slowness);
        if state.slowness > SLOW {
            if state.reduce(0.7) {
                state.slowness = 1.0;
            }
        } else {
            let before = state.limit as usize;
            state.limit = (state.limit + 1.0 / state.limit).min(self.max as f64);
            if state.limit as usize > before {
                self.released.notify_one();
            }
        }
    }

    /// Takes note that the cloud asked to slow down.
    pub(crate) fn throttled(&self) {
        lock(&self.state).reduce(0.5);
    }

    /// Tells whether fewer are looked at at once than were allowed to begin with.
    pub(crate) fn is_reduced(&self) -> bool {
        (lock(&self.state).limit as usize) < self.max
    }

    /// Tells how many may be looked at at once now.
    #[cfg(test)]
    fn limit(&self) -> usize {
        lock(&self.state).limit as usize
    }
}

impl State {
    fn reduce(&mut self, factor: f64) -> bool {
        let now = Instant::now();
        if self.reduced_at.is_some_and(|at| now.duration_since(at) < REST) {
            return false;
        }
        self.reduced_at = Some(now);
        self.limit = (self.limit * factor).max(1.0);
        true
    }
}

/// What allows to look at one instance: one call at a time.
#[derive(Debug)]
pub(crate) struct Slot {
    pace: Arc<Pace>,
    holds: Holds,
}

/// The rests of one object that the cloud asks to slow down over.
#[derive(Debug)]
pub(crate) struct Rests(Duration);

impl Default for Rests {
    fn default() -> Self {
        Self(FIRST_REST)
    }
}

impl Rests {
    /// Slows down, rests, and tells whether there is time to ask again.
    pub(crate) async fn take(&mut self, slot: &mut Slot, call: &Call) -> bool {
        slot.pace.throttled();
        let has_time = call.deadline.is_none_or(|deadline| Instant::now() + self.0 < deadline);
        if !has_time || call.cancel.is_cancelled() {
            return false;
        }
        tokio::select! {
            () = call.cancel.cancelled() => return false,
            () = slot.pause(self.0) => {}
        }
        self.0 = (self.0 * 2).min(MAX_REST);
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// One of those that work.
    Slot,
    /// One of those that wait.
    Loan,
    Nothing,
}

impl Slot {
    /// Waits for an answer; where that takes long, another instance may be looked at meanwhile.
    pub(crate) async fn wait_for<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = tokio::time::sleep(LONG_CALL) => self.lend(),
        }
        let answer = answer.await;
        self.take_back().await;
        answer
    }

    /// Waits some time, in which another instance may be looked at.
    pub(crate) async fn pause(&mut self, time: Duration) {
        self.lend();
        tokio::time::sleep(time).await;
        self.take_back().await;
    }

    fn lend(&mut self) {
        let mut state = lock(&self.pace.state);
        if self.holds == Holds::Slot && state.n_lent < MAX_LENT * self.pace.max {
            state.n_held -= 1;
            state.n_lent += 1;
            self.holds = Holds::Loan;
            self.pace.released.notify_one();
        }
    }

    async fn take_back(&mut self) {
        if self.holds != Holds::Loan {
            return;
        }
        lock(&self.pace.state).n_lent -= 1;
        self.holds = Holds::Nothing;
        self.pace.take().await;
        self.holds = Holds::Slot;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = lock(&self.pace.state);
        match self.holds {
            Holds::Slot => state.n_held -= 1,
            Holds::Loan => state.n_lent -= 1,
            Holds::Nothing => {}
        }
        self.pace.released.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_free(pace: &Arc<Pace>) -> Option<Slot> {
        tokio::time::timeout(Duration::from_millis(1), pace.slot()).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_allowed_hold_a_slot() {
        let pace = Pace::new(2);
        let (first, second) = (pace.slot().await, pace.slot().await);
        assert!(is_free(&pace).await.is_none());
        drop(first);
        let third = is_free(&pace).await.expect("a slot was given back");
        assert!(is_free(&pace).await.is_none());
        drop((second, third));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_call_lets_another_work_and_comes_back() {
        let pace = Pace::new(1);
        let mut slot = pace.slot().await;
        let long = tokio::spawn(async move {
            slot.wait_for(tokio::time::sleep(Duration::from_secs(30))).await;
            slot
        });
        let started = Instant::now();
        let other = pace.slot().await;
        let waited = started.elapsed();
        assert!(waited >= LONG_CALL && waited < Duration::from_secs(3), "{waited:?}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!long.is_finished(), "it waits for its slot");
        drop(other);
        let slot = long.await.expect("it ends");
        assert!(is_free(&pace).await.is_none());
        drop(slot);
        assert!(is_free(&pace).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn loans_are_bounded() {
        let pace = Pace::new(1);
        let wait = |mut slot: Slot| tokio::spawn(async move { slot.pause(Duration::from_secs(3_600)).await });
        for _ in 0..MAX_LENT {
            wait(pace.slot().await);
            tokio::task::yield_now().await;
        }
        wait(pace.slot().await);
        tokio::task::yield_now().await;
        assert!(is_free(&pace).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn throttling_halves_the_pace_and_answers_restore_it() {
        let pace = Pace::new(8);
        pace.throttled();
        pace.throttled();
        assert_eq!(pace.limit(), 4, "once within a second");
        tokio::time::sleep(REST).await;
        pace.throttled();
        assert_eq!(pace.limit(), 2);
        let quick = Duration::from_millis(100);
        for _ in 0..100 {
            pace.answered(quick, quick);
        }
        assert_eq!(pace.limit(), 8);
        for _ in 0..10 {
            tokio::time::sleep(REST).await;
            pace.throttled();
        }
        assert_eq!(pace.limit(), 1, "never nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn slowness_reduces_the_pace_and_one_slow_answer_does_not() {
        let pace = Pace::new(10);
        let baseline = Duration::from_millis(300);
        pace.answered(Duration::from_mins(5), baseline);
        assert_eq!(pace.limit(), 10);
        for _ in 0..100 {
            pace.answered(baseline * 6, baseline);
        }
        assert!(pace.limit() < 10, "{}", pace.limit());
        let pace = Pace::new(10);
        for _ in 0..100 {
            pace.answered(Duration::from_millis(200), Duration::from_millis(2));
        }
        assert_eq!(pace.limit(), 10, "what takes no time says nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_spread_over_the_second() {
        let rate = Rate::new(10.0);
        let started = Instant::now();
        for _ in 0..21 {
            rate.turn().await;
        }
        let took = started.elapsed();
        assert!(took >= Duration::from_secs(2) && took < Duration::from_millis(2_100), "{took:?}");
    }
}
