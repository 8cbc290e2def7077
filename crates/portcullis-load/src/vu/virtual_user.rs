//! One virtual user: it starts at its time, logs in, makes requests and waits. In the
//! closed model it decides when to send; in the open model arrivals decide.

mod renewal;
mod turns;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use portcullis_core::config::ramp;
use portcullis_core::measure::FailureKind;
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::scenario::When;

use super::flow::Called;
use super::session::Session;
use super::shared::{SharedLogin, lock};
use super::worker::{Due, Worker};
use crate::metrics::{Failure, GoodAnswer, Phase, Sample, Subject, TaskId};
use crate::reactor::Handle;
use crate::schedule::{Arrival, NextRequest};
use renewal::Renewal;

/// A user as a future.
pub type UserFuture<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs the user with this number, from 0.
pub fn run<'a>(worker: Rc<Worker<'a>>, number: u32, handle: Handle) -> UserFuture<'a> {
    match worker.shared.plan.is_open() {
        true => Box::pin(open(worker, number, handle)),
        false => Box::pin(closed(worker, number, handle)),
    }
}

/// The state of one user.
struct VirtualUser<'w, 'a> {
    worker: &'w Worker<'a>,
    number: u32,
    kind: usize,
    handle: Handle,
    session: Session,
    is_logged_in: bool,
    has_run: bool,
    /// Whether it called the tasks of its start.
    has_started: bool,
    /// Whether it has tasks to call when it stops.
    has_end: bool,
    /// Whether an expired login is renewed: not if a new one was refused, too, and nothing was
    /// answered since.
    may_renew: bool,
    /// The number of the shared login that it uses.
    seen_login: u64,
    /// The last call, if its answer was a good one.
    last: Option<(Subject, GoodAnswer)>,
}

/// How often a user without a request checks for one after the window.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a call takes at least that sends nothing: without waits it would be repeated as fast
/// as the processor allows.
const NOTHING_SENT: Duration = Duration::from_millis(1);

/// The next action of a user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    /// Pause until its next active span, if there is one.
    Leave,
    /// Stop: its part of the run is over.
    Stop,
}

async fn closed(worker: Rc<Worker<'_>>, number: u32, handle: Handle) {
    let (shared, plan) = (worker.shared, worker.shared.plan);
    let mut user = VirtualUser::new(&worker, number, handle);
    let pause = plan.scenario.wait_of(user.kind);
    let mut waits = Rng::stream(plan.seed, Domain::Wait, u64::from(number));
    for (from, leaves) in plan.model.active_spans(number) {
        let lag = worker.sleep(&user.handle, shared.schedule.at(from)).await;
        worker.recorder.borrow_mut().spawn_lag.record(lag);
        if user.handle.is_cut() || !user.log_in().await {
            return;
        }
        worker.join();
        if !user.start().await {
            worker.leave();
            break;
        }
        let next = loop {
            let Some(took) = user.request(None).await else { break Next::Stop };
            let wait = pause.next(took, &mut waits);
            match user.rest(wait, leaves).await {
                Next::Continue => {}
                next => break next,
            }
        };
        worker.leave();
        user.finish();
        if next == Next::Stop {
            break;
        }
    }
    user.stop().await;
}

async fn open(worker: Rc<Worker<'_>>, number: u32, handle: Handle) {
    let (shared, plan) = (worker.shared, worker.shared.plan);
    let slot = handle.slot();
    let mut user = VirtualUser::new(&worker, number, handle);
    if !plan.lead.is_zero() {
        let lag =
            worker.sleep(&user.handle, shared.schedule.at(ramp(number, plan.spawn_rate))).await;
        worker.recorder.borrow_mut().spawn_lag.record(lag);
    }
    if user.handle.is_cut() || !user.log_in().await {
        return;
    }
    worker.join();
    let mut goes_on = user.start().await;
    while goes_on {
        let next = || match user.is_stopping() {
            true => Some(None),
            false => worker.next_due(slot).map(Some),
        };
        let Some(Due(arrival)) = user.handle.woken_for(next).await.flatten() else { break };
        // A scheduled arrival that is too late for the window is dropped, but extra requests for a
        // rule in doubt may still follow.
        let is_scheduled = arrival.is_some();
        let is_sent = user.request(arrival).await.is_some();
        goes_on = is_sent || is_scheduled && !user.handle.is_cut();
    }
    worker.leave();
    user.finish();
    user.stop().await;
}

impl<'w, 'a> VirtualUser<'w, 'a> {
    fn new(worker: &'w Worker<'a>, number: u32, handle: Handle) -> Self {
        let kind = worker.shared.plan.scenario.kind_of(number);
        let mut session = Session::new(handle.clone(), number, kind);
        session.give(&worker.shared.given);
        Self {
            worker,
            number,
            kind,
            handle,
            session,
            is_logged_in: false,
            has_run: false,
            has_started: false,
            has_end: worker.shared.plan.scenario.has_turn(kind, When::OnStop),
            may_renew: true,
            seen_login: 0,
            last: None,
        }
    }

    /// Makes the next request of the run; returns how long it took, or `None` if there are no
    /// more requests.
    async fn request(&mut self, arrival: Option<Arrival>) -> Option<Duration> {
        let worker = self.worker;
        let intended = arrival.map(|arrival| arrival.intended);
        if let Some(arrival) = arrival.filter(|arrival| arrival.found_user) {
            let lag = arrival.intended.elapsed();
            let at = arrival.intended + lag - worker.shared.schedule.start;
            worker.recorder.borrow_mut().note_lag(lag, at);
        }
        let (number, phase, task, start) = self.next_request(intended).await?;
        // A user counts as having run only if it made a request in the window, not after the login
        // alone.
        if phase == Phase::Window && !std::mem::replace(&mut self.has_run, true) {
            worker.ran.set(worker.ran.get() + 1);
        }
        self.perform((number, phase, task), intended, start).await
    }

    /// Makes a call and records it; returns how long it took, or `None` if the load ends.
    async fn perform(
        &mut self,
        (number, phase, task): (u64, Phase, TaskId),
        intended: Option<Instant>,
        start: Instant,
    ) -> Option<Duration> {
        let worker = self.worker;
        self.session.may_resend = worker.recorder.borrow().may_resend();
        let begun = start - worker.shared.schedule.start;
        worker.under_way.set(worker.under_way.get() + 1);
        worker.gaps.borrow_mut().begin(begun);
        let called = self.call(number, task, intended).await;
        worker.under_way.set(worker.under_way.get() - 1);
        let status = called.as_ref().map_or(0, Called::status);
        worker.gaps.borrow_mut().end(begun + start.elapsed(), status != 0);
        let subject = Subject::Task(phase, task);
        let mut sample = match called? {
            Called::Sent(sample) => sample,
            Called::Skipped(_) => {
                self.record_ends(phase, task);
                worker.recorder.borrow_mut().note_skipped(subject);
                self.handle.until(Instant::now() + NOTHING_SENT).await;
                return Some(start.elapsed());
            }
            Called::Exhausted(out) if out.stops => {
                let schedule = &worker.shared.schedule;
                schedule.window.end_for(out.message, schedule.start.elapsed());
                return None;
            }
            exhausted @ Called::Exhausted(_) => {
                self.handle.until(Instant::now() + NOTHING_SENT).await;
                exhausted.into_sample()
            }
        };
        let took = start.elapsed();
        self.record_ends(phase, task);
        self.record(subject, &mut sample, begun + took);
        if let Some(failure) = &sample.failure {
            if failure.kind == FailureKind::Throttled {
                worker.shared.schedule.window.calls.throttle(task);
            }
            // Requests that fail at once must not keep other users from running.
            self.handle.give_way().await;
        }
        (!sample.is_cut).then_some(took)
    }

    /// Calls a task. If the login has expired and may be renewed, the user logs in again and
    /// repeats the call, which then counts from its first attempt.
    async fn call(
        &mut self,
        number: u64,
        task: TaskId,
        intended: Option<Instant>,
    ) -> Option<Called> {
        let (shared, start) = (self.worker.shared, Instant::now());
        let mut rng = Rng::stream(shared.plan.seed, Domain::Values, number);
        let sending = shared.sending();
        if self.session.refresh_at.is_some_and(|at| start >= at) {
            self.renew(Renewal::Refresh).await;
        }
        let called = self.session.call(&sending, task, &mut rng, intended).await?;
        let login = shared.plan.scenario.login_of(self.kind);
        if !login.is_some_and(|login| login.renew) {
            return Some(called);
        }
        if !called.is_unauthorized() {
            self.may_renew = true;
            return Some(called);
        }
        if !std::mem::replace(&mut self.may_renew, false) {
            return Some(called);
        }
        if !self.renew(Renewal::Login).await {
            return Some(called);
        }
        let mut rng = Rng::stream(shared.plan.seed, Domain::Values, number);
        let again =
            self.session.call(&sending, task, &mut rng, Some(intended.unwrap_or(start))).await?;
        self.may_renew = !again.is_unauthorized();
        Some(match again {
            // In the closed model no time before sending is shown apart.
            Called::Sent(sample) if intended.is_none() => {
                Called::Sent(Sample { service: None, ..sample })
            }
            other => other,
        })
    }

    /// The next request of the run, and its start. After the window a user waits for a request
    /// that a rule in doubt may still need; it checks only from time to time.
    async fn next_request(
        &self,
        intended: Option<Instant>,
    ) -> Option<(u64, Phase, TaskId, Instant)> {
        let shared = self.worker.shared;
        loop {
            let now = Instant::now();
            let moment = intended.unwrap_or(now) - shared.schedule.start;
            match self.worker.next_request(self.kind, moment) {
                NextRequest::Send { number, phase, task } => {
                    return Some((number, phase, task, now));
                }
                NextRequest::Later if intended.is_none() => {}
                NextRequest::Later | NextRequest::Never => return None,
            }
            let many = Duration::from_micros(u64::from(shared.plan.users) * 100);
            self.handle.until(now + PATIENCE.max(many)).await;
            if self.handle.is_cut() || self.is_stopping() {
                return None;
            }
        }
    }

    /// Records a request that ended at this time of the run.
    fn record(&mut self, subject: Subject, sample: &mut Sample, ended: Duration) {
        let late = self.session.late_failure();
        self.fail_last(late);
        self.last = sample.good_answer(ended).map(|answer| (subject, answer));
        let mut recorder = self.worker.recorder.borrow_mut();
        if recorder.wants_body(subject, sample) {
            let kept = self
                .session
                .error_body(sample.body_bytes, self.worker.shared.flow(subject, self.kind));
            sample.error_body = kept.map(Box::new);
        }
        recorder.record(subject, sample, ended, self.worker.shared.plan);
        recorder.resent += std::mem::take(&mut self.session.resent);
        recorder.reopened += std::mem::take(&mut self.session.reopened);
        self.session.opened().for_each(|opening| recorder.record_opening(opening));
    }

    /// Records the named steps of the last call.
    fn record_ends(&mut self, phase: Phase, task: TaskId) {
        let shared = self.worker.shared;
        let mut recorder = self.worker.recorder.borrow_mut();
        for end in self.session.ends() {
            let ended = end.at - shared.schedule.start;
            recorder.record_step(phase, (task, end.step), end.sample.as_ref(), ended, shared.plan);
        }
    }

    /// Bytes came behind the answer of the last call.
    fn fail_last(&mut self, late: Option<Failure>) {
        let (Some(failure), Some((subject, answer))) = (late, self.last.take()) else { return };
        let mut recorder = self.worker.recorder.borrow_mut();
        recorder.note_late(subject, answer, &failure, self.worker.shared.plan);
    }

    /// The user makes no request for now.
    fn finish(&mut self) {
        let late = self.session.late_failure_at_end();
        self.fail_last(late);
    }

    /// Waits before the next request. A user leaves at the end of its active span; at the end
    /// of the window it checks whether anything is left to do.
    async fn rest(&self, wait: Duration, leaves: Duration) -> Next {
        let (worker, shared) = (self.worker, self.worker.shared);
        let closes = shared.schedule.window.closes();
        if wait.is_zero() {
            let elapsed = shared.schedule.start.elapsed();
            return if elapsed < leaves || leaves >= closes { Next::Continue } else { Next::Leave };
        }
        let until = Instant::now() + wait;
        let end = shared.schedule.at(leaves.min(closes));
        if until >= end {
            self.handle.until(end).await;
            if leaves < closes {
                return Next::Leave;
            }
            if self.is_stopping() {
                return Next::Stop;
            }
        }
        let lag = worker.sleep(&self.handle, until).await;
        if self.handle.is_cut() {
            return Next::Stop;
        }
        worker.recorder.borrow_mut().note_wait(wait, lag);
        Next::Continue
    }

    /// Gives the user its login. The first user takes that of the first round; with a shared
    /// login all users do. False: there is none, and the run is over.
    async fn log_in(&mut self) -> bool {
        let shared = self.worker.shared;
        let has_login = shared.plan.scenario.login_of(self.kind).is_some();
        if !has_login || std::mem::replace(&mut self.is_logged_in, true) {
            return true;
        }
        let inherited = {
            let mut first = lock(&shared.first);
            let own = first.iter().position(|(user, _)| *user == self.number);
            own.map(|index| first.swap_remove(index).1)
        };
        if let Some(sample) = inherited.as_ref().and_then(|login| login.sample.as_ref()) {
            self.worker.recorder.borrow_mut().record(
                Subject::Login,
                sample,
                Duration::ZERO,
                shared.plan,
            );
        }
        let given = match self.shared_login() {
            Some(login) => Some(lock(login).credentials.clone()),
            None => inherited.and_then(|login| login.credentials),
        };
        match given {
            Some(credentials) => self.session.authorize(&credentials),
            None => return self.own_login().await.is_some(),
        }
        true
    }

    /// The login that it shares with others of its kind, if they share one.
    fn shared_login(&self) -> Option<&'w Mutex<SharedLogin>> {
        self.worker.shared.shared_logins.get(self.kind)?.as_ref()
    }
}
