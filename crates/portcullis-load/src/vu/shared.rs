//! The data that all workers of a run share: the plan, its requests as bytes, the schedule,
//! and the reasons to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_core::engine::LoginFailure;
use portcullis_core::plan::LoadPlan;
use portcullis_core::steering::StopController;

use super::prepared::Prepared;
use super::session::Sending;
use super::shape::Shapes;
use crate::http::Endpoint;
use crate::metrics::Sample;
use crate::schedule::Schedule;

/// The login of the first round.
#[derive(Debug)]
pub struct FirstLogin {
    /// The sample, if the scenario has a login.
    pub sample: Option<Sample>,
    /// The token.
    pub token: Option<String>,
}

/// The shared data of one run.
pub struct Shared<'a> {
    /// The plan.
    pub plan: &'a LoadPlan,
    /// The requests as bytes.
    pub prepared: Prepared,
    /// The server.
    pub endpoint: Endpoint,
    /// The login of the first round, until the first user takes it.
    pub first: Mutex<Option<FirstLogin>>,
    /// The token of all users, if they share one login.
    pub shared_token: Option<String>,
    /// The shapes of the first round's answers.
    pub shapes: Shapes,
    /// All tokens that users received.
    pub tokens: Mutex<Vec<String>>,
    /// The failed login that stops the run.
    pub login_failure: Mutex<Option<LoginFailure>>,
    /// Whether all users must stop.
    pub stop: AtomicBool,
    /// The next request, and the end of the load.
    pub schedule: Schedule<'a>,
}

impl<'a> Shared<'a> {
    /// A run that starts now.
    pub fn new(
        plan: &'a LoadPlan,
        prepared: Prepared,
        endpoint: Endpoint,
        first: FirstLogin,
        shapes: Shapes,
        controller: &'a dyn StopController,
    ) -> Self {
        let is_shared = plan.scenario.login.as_ref().is_some_and(|login| login.shared);
        Self {
            plan,
            prepared,
            endpoint,
            shared_token: first.token.clone().filter(|_| is_shared),
            first: Mutex::new(Some(first)),
            shapes,
            tokens: Mutex::new(Vec::new()),
            login_failure: Mutex::new(None),
            stop: AtomicBool::new(false),
            schedule: Schedule::new(plan, controller),
        }
    }

    /// What a user needs to send requests.
    pub fn sending(&self) -> Sending<'_> {
        let (plan, prepared, endpoint) = (self.plan, &self.prepared, &self.endpoint);
        Sending { plan, prepared, endpoint, shapes: &self.shapes }
    }

    /// Whether all users must stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The value of a lock, also after a panic elsewhere. The run is over then, but values from
/// before still count.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
