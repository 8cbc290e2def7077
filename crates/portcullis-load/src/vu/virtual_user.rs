//! One user's life: it starts at its time, logs in, makes requests, rests. In
//! the closed model it decides itself when; in the open model arrivals do.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use portcullis_core::config::ramp;
use portcullis_core::measure::FailureKind;
use portcullis_core::rng::{Domain, Rng};

use super::session::{LoggedIn, User, login_failure};
use super::shared::lock;
use super::worker::{Next, Worker};
use crate::metrics::{Sample, Whose};
use crate::reactor::Handle;
use crate::schedule::{Arrival, NextRequest};

/// A user as a future.
pub type Life<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// The life of the user with this number, from 0.
pub fn run<'a>(worker: Rc<Worker<'a>>, number: u32, handle: Handle) -> Life<'a> {
    match worker.shared.plan.is_open() {
        true => Box::pin(open(worker, number, handle)),
        false => Box::pin(closed(worker, number, handle)),
    }
}

/// What one user is and has.
struct Person<'w, 'a> {
    worker: &'w Worker<'a>,
    number: u32,
    handle: Handle,
    user: User,
    is_logged_in: bool,
    has_run: bool,
}

/// How often a user without a request asks for one after the window.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whether a user goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    On,
    /// To the end of this stretch of its life.
    Away,
    /// For good.
    Home,
}

async fn closed(worker: Rc<Worker<'_>>, number: u32, handle: Handle) {
    let (shared, plan) = (worker.shared, worker.shared.plan);
    let mut person = Person::new(&worker, number, handle);
    let mut waits = Rng::stream(plan.seed, Domain::Wait, u64::from(number));
    for (born, dies) in plan.model.lives(number) {
        let lag = worker.sleep(&person.handle, shared.schedule.at(born)).await;
        worker.recorder.borrow_mut().spawn_lag.record(lag);
        if person.handle.is_cut() || !person.log_in().await {
            return;
        }
        worker.alive.set(worker.alive.get() + 1);
        let goes = loop {
            let Some(took) = person.request(None).await else { break Goes::Home };
            let wait = plan.scenario.wait.next(took, &mut waits);
            match person.rest(wait, dies).await {
                Goes::On => {}
                goes => break goes,
            }
        };
        worker.alive.set(worker.alive.get() - 1);
        if goes == Goes::Home {
            return;
        }
    }
}

async fn open(worker: Rc<Worker<'_>>, number: u32, handle: Handle) {
    let (shared, plan) = (worker.shared, worker.shared.plan);
    let slot = handle.slot();
    let mut person = Person::new(&worker, number, handle);
    if !plan.lead.is_zero() {
        let lag =
            worker.sleep(&person.handle, shared.schedule.at(ramp(number, plan.spawn_rate))).await;
        worker.recorder.borrow_mut().spawn_lag.record(lag);
    }
    if person.handle.is_cut() || !person.log_in().await {
        return;
    }
    worker.alive.set(worker.alive.get() + 1);
    loop {
        let next = person.handle.woken_for(|| worker.next_arrival(slot)).await;
        let Some(Next::Send(arrival)) = next else { break };
        // An arrival that comes too late for the window is none; what rules in doubt
        // ask for is still to come.
        let is_scheduled = arrival.is_some();
        let is_sent = person.request(arrival).await.is_some();
        if !is_sent && (!is_scheduled || person.handle.is_cut()) {
            break;
        }
    }
    worker.alive.set(worker.alive.get() - 1);
}

impl<'w, 'a> Person<'w, 'a> {
    fn new(worker: &'w Worker<'a>, number: u32, handle: Handle) -> Self {
        let user = User::new(handle.clone());
        Self { worker, number, handle, user, is_logged_in: false, has_run: false }
    }

    /// Makes the run's next request; how long it took, or `None` when there is
    /// none any more.
    async fn request(&mut self, arrival: Option<Arrival>) -> Option<Duration> {
        let (worker, plan) = (self.worker, self.worker.shared.plan);
        let intended = arrival.map(|arrival| arrival.intended);
        if let Some(arrival) = arrival.filter(|arrival| arrival.found_user) {
            worker.recorder.borrow_mut().note_lag(arrival.intended.elapsed());
        }
        let (request, whose, task, start) = self.next_request(intended).await?;
        // Logged in is not enough: a user ran if it made a request in the window.
        if matches!(whose, Whose::Window(_)) && !std::mem::replace(&mut self.has_run, true) {
            worker.ran.set(worker.ran.get() + 1);
        }
        let mut rng = Rng::stream(plan.seed, Domain::Values, request);
        self.user.may_resend = worker.recorder.borrow().may_resend();
        worker.under_way.set(worker.under_way.get() + 1);
        let sample = self.user.call(&worker.shared.sending(), task, &mut rng, intended).await;
        worker.under_way.set(worker.under_way.get() - 1);
        let mut sample = sample?;
        let took = start.elapsed();
        self.record(whose, &mut sample, start - worker.shared.schedule.start + took);
        if let Some(failure) = &sample.failure {
            if failure.kind == FailureKind::Throttled {
                worker.shared.schedule.window.calls.throttle(task);
            }
            // Requests that fail at once must not starve everybody else.
            self.handle.give_way().await;
        }
        (!sample.is_cut).then_some(took)
    }

    /// The run's next request, and when it was taken. After the window a user waits for one that a rule
    /// in doubt may still ask for; whoever has nothing to do is no hurry.
    async fn next_request(
        &self,
        intended: Option<Instant>,
    ) -> Option<(u64, Whose, usize, Instant)> {
        let shared = self.worker.shared;
        loop {
            let now = Instant::now();
            let moment = intended.unwrap_or(now) - shared.schedule.start;
            match self.worker.next_request(moment) {
                NextRequest::Send(number, whose, task) => return Some((number, whose, task, now)),
                NextRequest::Later if intended.is_none() => {}
                NextRequest::Later | NextRequest::Never => return None,
            }
            let many = Duration::from_micros(u64::from(shared.plan.users) * 100);
            self.handle.until(now + PATIENCE.max(many)).await;
            if self.handle.is_cut() {
                return None;
            }
        }
    }

    /// Records a request that ended at a moment of the run.
    fn record(&mut self, whose: Whose, sample: &mut Sample, ended: Duration) {
        let mut recorder = self.worker.recorder.borrow_mut();
        if recorder.wants_body(whose, sample) {
            sample.error_body = self.user.error_body(sample.body_bytes).map(Box::new);
        }
        recorder.record(whose, sample, ended, self.worker.shared.plan);
        recorder.resent += std::mem::take(&mut self.user.resent);
        recorder.reopened += std::mem::take(&mut self.user.reopened);
        self.user.opened().for_each(|opening| recorder.record_opening(opening));
    }

    /// Rests before the next request. At the end of its life a user leaves; at
    /// the window's end it looks whether anything is left to do.
    async fn rest(&self, wait: Duration, dies: Duration) -> Goes {
        let (worker, shared) = (self.worker, self.worker.shared);
        let closes = shared.schedule.window.closes();
        if wait.is_zero() {
            let elapsed = shared.schedule.start.elapsed();
            return if elapsed < dies || dies >= closes { Goes::On } else { Goes::Away };
        }
        let until = Instant::now() + wait;
        let end = shared.schedule.at(dies.min(closes));
        if until >= end {
            self.handle.until(end).await;
            if dies < closes {
                return Goes::Away;
            }
        }
        worker.sleep(&self.handle, until).await;
        if self.handle.is_cut() { Goes::Home } else { Goes::On }
    }

    /// Gives the user its token. The first user takes over the first round's;
    /// with a shared login everybody does. False: there is none, and the run is
    /// over.
    async fn log_in(&mut self) -> bool {
        let shared = self.worker.shared;
        if shared.plan.scenario.login.is_none() || std::mem::replace(&mut self.is_logged_in, true) {
            return true;
        }
        let inherited = if self.number == 0 { lock(&shared.first).take() } else { None };
        if let Some(sample) = inherited.as_ref().and_then(|login| login.sample.as_ref()) {
            self.worker.recorder.borrow_mut().record(
                Whose::Login,
                sample,
                Duration::ZERO,
                shared.plan,
            );
        }
        if let Some(line) = self.worker.shared_line() {
            self.user.authorize(line);
            return true;
        }
        let token = match inherited.and_then(|login| login.token) {
            Some(token) => token,
            None => match self.own_login().await {
                Some(token) => token,
                None => return false,
            },
        };
        self.user.authorize(Rc::from(shared.prepared.authorization_line(&token)));
        true
    }

    async fn own_login(&mut self) -> Option<String> {
        let (worker, shared) = (self.worker, self.worker.shared);
        worker.under_way.set(worker.under_way.get() + 1);
        let (mut sample, logged_in) = self.user.login(&shared.sending()).await;
        worker.under_way.set(worker.under_way.get() - 1);
        if !sample.is_cut {
            let ended = shared.schedule.start.elapsed();
            self.record(Whose::Login, &mut sample, ended);
        }
        match logged_in {
            LoggedIn::Token(token) => {
                lock(&shared.tokens).push(token.clone());
                Some(token)
            }
            LoggedIn::Refused => {
                let failure = login_failure(self.number + 1, &sample);
                lock(&shared.login_failure).get_or_insert(failure);
                shared.stop.store(true, Ordering::Relaxed);
                None
            }
            LoggedIn::Cut => None,
        }
    }
}
