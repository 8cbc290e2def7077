//! What all workers of a run share: the plan, its requests as bytes, the schedule, and
//! what ends the run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_core::engine::LoginFailure;
use portcullis_core::plan::LoadPlan;
use portcullis_core::steering::StopController;

use super::prepared::Prepared;
use super::session::Sending;
use crate::http::Endpoint;
use crate::metrics::Sample;
use crate::schedule::Schedule;

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
    /// Which request comes next, and until when.
    pub schedule: Schedule<'a>,
}

impl<'a> Shared<'a> {
    /// A run that starts now.
    pub fn new(
        plan: &'a LoadPlan,
        prepared: Prepared,
        endpoint: Endpoint,
        first: FirstLogin,
        controller: &'a dyn StopController,
    ) -> Self {
        let is_shared = plan.scenario.login.as_ref().is_some_and(|login| login.shared);
        Self {
            plan,
            prepared,
            endpoint,
            shared_token: first.token.clone().filter(|_| is_shared),
            first: Mutex::new(Some(first)),
            tokens: Mutex::new(Vec::new()),
            login_failure: Mutex::new(None),
            stop: AtomicBool::new(false),
            schedule: Schedule::new(plan, controller),
        }
    }

    /// What users need to send requests.
    pub fn sending(&self) -> Sending<'_> {
        Sending { plan: self.plan, prepared: &self.prepared, endpoint: &self.endpoint }
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
