//! The data that all workers of a run share: the plan, its requests as bytes, the schedule,
//! and the reasons to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_core::engine::LoginFailure;
use portcullis_core::plan::LoadPlan;
use portcullis_core::steering::StopController;

use super::login::Credentials;
use super::prepared::{Prepared, PreparedFlow, Slot};
use super::session::Sending;
use super::shape::Shapes;
use crate::http::Endpoint;
use crate::metrics::{Sample, Subject};
use crate::schedule::Schedule;

/// The login of the first round.
#[derive(Debug)]
pub struct FirstLogin {
    /// The sample, if the scenario has a login.
    pub sample: Option<Sample>,
    /// What it gave.
    pub credentials: Option<Credentials>,
}

/// The login that all users share.
#[derive(Debug)]
pub struct SharedLogin {
    /// What it gave.
    pub credentials: Credentials,
    /// How often it was renewed.
    pub number: u64,
    /// Whether a user renews it now.
    pub is_renewed: bool,
}

/// The shared data of one run.
pub struct Shared<'a> {
    /// The plan.
    pub plan: &'a LoadPlan,
    /// The requests as bytes.
    pub prepared: Prepared,
    /// The server.
    pub endpoint: Endpoint,
    /// The logins of the first round by the number of their user, until it takes it.
    pub first: Mutex<Vec<(u32, FirstLogin)>>,
    /// For each kind of users the login of all of them, if they share one.
    pub shared_logins: Vec<Option<Mutex<SharedLogin>>>,
    /// The values of the set-up.
    pub given: Vec<Slot>,
    /// The shapes of the first round's answers.
    pub shapes: Shapes,
    /// All secrets that logins gave to users.
    pub secrets: Mutex<Vec<String>>,
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
        first: Vec<(u32, FirstLogin)>,
        given: Vec<Slot>,
        shapes: Shapes,
        controller: &'a dyn StopController,
    ) -> Self {
        let shared = |kind: usize| {
            plan.scenario.login_of(kind).filter(|login| login.shared)?;
            let mut own = first.iter().filter(|(user, _)| plan.scenario.kind_of(*user) == kind);
            let credentials = own.find_map(|(_, login)| login.credentials.clone())?;
            Some(Mutex::new(SharedLogin { credentials, number: 0, is_renewed: false }))
        };
        let shared_logins = (0..plan.scenario.users.len()).map(shared).collect();
        Self {
            plan,
            prepared,
            endpoint,
            shared_logins,
            first: Mutex::new(first),
            given,
            shapes,
            secrets: Mutex::new(Vec::new()),
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

    /// The requests of a task, or of the login of a kind of users.
    pub fn flow(&self, subject: Subject, kind: usize) -> Option<&PreparedFlow> {
        match subject {
            Subject::Task(_, task) => self.prepared.tasks.get(task),
            Subject::Login => self.prepared.login(kind),
            Subject::Refresh => self.prepared.logins.get(kind)?.refresh.as_ref(),
        }
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
