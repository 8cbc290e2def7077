//! What all workers of a run share: the plan, the number of its next request,
//! and which tasks were called. Counters, no locks, on the way of a request.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portcullis_core::plan::LoadPlan;

use super::prepared::Prepared;
use super::session::{LoginFailure, Sending};
use crate::http::Endpoint;
use crate::metrics::Sample;
use crate::schedule::Watch;

/// The login of the first round.
#[derive(Debug)]
pub struct FirstLogin {
    /// Its sample, if the scenario has a login.
    pub sample: Option<Sample>,
    /// Its token.
    pub token: Option<String>,
}

/// One run.
pub struct Shared<'a> {
    /// The plan.
    pub plan: &'a LoadPlan,
    /// Its requests as bytes.
    pub prepared: Prepared,
    /// The server.
    pub endpoint: Endpoint,
    /// The run's start; moments of the plan are counted from it.
    pub start: Instant,
    /// The first round's login, until the first user takes it over.
    pub first: Mutex<Option<FirstLogin>>,
    /// The token of everybody, where one login serves all.
    pub shared_token: Option<String>,
    /// Every token that a user was given.
    pub tokens: Mutex<Vec<String>>,
    /// Why the run cannot go on.
    pub login_failure: Mutex<Option<LoginFailure>>,
    /// Whether everybody is to stop.
    pub stop: AtomicBool,
    /// The number of the window's next request.
    next: AtomicU64,
    /// The number of the warm-up's next request.
    next_warm_up: AtomicU64,
    /// What was counted, and how the rules stand.
    pub watch: Watch<'a>,
}

/// Requests of the warm-up have numbers of their own, so that the window's are
/// functions of the seed however many went before.
const WARM_UP_NUMBERS: u64 = 1 << 62;

impl<'a> Shared<'a> {
    /// A run that starts now.
    pub fn new(
        plan: &'a LoadPlan,
        prepared: Prepared,
        endpoint: Endpoint,
        first: FirstLogin,
    ) -> Self {
        let is_shared = plan.scenario.login.as_ref().is_some_and(|login| login.shared);
        Self {
            plan,
            prepared,
            endpoint,
            start: Instant::now(),
            shared_token: first.token.clone().filter(|_| is_shared),
            first: Mutex::new(Some(first)),
            tokens: Mutex::new(Vec::new()),
            login_failure: Mutex::new(None),
            stop: AtomicBool::new(false),
            next: AtomicU64::new(0),
            next_warm_up: AtomicU64::new(WARM_UP_NUMBERS),
            watch: Watch::new(plan),
        }
    }

    /// What users need to send requests.
    pub fn sending(&self) -> Sending<'_> {
        Sending { plan: self.plan, prepared: &self.prepared, endpoint: &self.endpoint }
    }

    /// A moment of the plan.
    pub fn at(&self, moment: Duration) -> Instant {
        self.start + moment
    }

    /// The number of the next request of the window; `None` when it has all
    /// that were asked for.
    pub fn number(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let is_one = self.plan.requests.is_none_or(|most| number < most);
        if !is_one {
            self.watch.end_at(self.start.elapsed());
        }
        is_one.then_some(number)
    }

    /// The number of the next request of the deck, after the window.
    pub fn number_after(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of the next request before the window.
    pub fn warm_up_number(&self) -> u64 {
        self.next_warm_up.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether nothing of the plan is left to be sent, at a moment of the run.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        let sent = self.next.load(Ordering::Relaxed);
        elapsed >= self.watch.closes() || self.plan.requests.is_some_and(|most| sent >= most)
    }

    /// Whether everybody is to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What a lock holds, also after a panic elsewhere: the run is over then, and
/// what was noted before still counts.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
