//! One worker: a thread with its users, its share of the schedule, and its own recorder. It
//! sends a message once a second, and stops when it is asked to.

use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use portcullis_core::measure::ArrivalCounts;

use super::shared::Shared;
use super::virtual_user;
use super::worker::{WorkError, Worker};
use crate::metrics::{IntervalCounts, PULSE, Recorder, Stretch, ThreadTimes, ask_for_punctuality};
use crate::reactor::{self, Reactor, Turn};

/// A message of a running worker, sent at most a few times a second.
#[derive(Debug)]
pub enum Message {
    /// A second of the window has ended.
    Interval {
        /// The number of the second since the start of the window.
        second: u64,
        /// Active users.
        users: u32,
        /// The counts of requests that ended in this second.
        counts: IntervalCounts,
    },
    /// The window has ended, and these tasks were not called yet.
    Extending(Vec<String>),
}

/// The result of a worker.
pub struct WorkerOutput {
    /// Its measurements.
    pub recorder: Recorder,
    /// Users that made a request in the window.
    pub users_ran: u32,
    /// How much of the window was measured.
    pub measured: Duration,
    /// The CPU time of its thread.
    pub times: Option<ThreadTimes>,
    /// Whether the system gave it a raised priority.
    pub is_punctual: bool,
    /// The times without an answer.
    pub stretches: Vec<Stretch>,
    /// Counts of its share of an open load.
    pub arrivals: ArrivalCounts,
    /// The message of the panic if a user panicked.
    pub panic: Option<String>,
}

/// Runs worker `number`: it has the users whose number, divided by the number of workers,
/// leaves the rest `number`.
///
/// # Errors
/// The system has no poll or timer left, or the plan is impossible, which is a bug.
pub fn run_worker(
    shared: &Shared<'_>,
    number: u32,
    messages: &mpsc::Sender<Message>,
) -> Result<WorkerOutput, WorkError> {
    let plan = shared.plan;
    let worker = Rc::new(Worker::new(shared, number)?);
    let users: Vec<u32> = (number..plan.users).step_by(plan.workers as usize).collect();
    let make = |reactor: &Rc<Reactor>| {
        let one = |(slot, user): (usize, &u32)| {
            virtual_user::run(Rc::clone(&worker), *user, reactor.handle(slot))
        };
        users.iter().enumerate().map(one).collect()
    };
    let is_punctual = ask_for_punctuality();
    let mut driver = WorkerDriver::new(shared, messages);
    let before = ThreadTimes::now();
    let panic = reactor::run(users.len(), make, |reactor| driver.turn(&worker, reactor))?;
    let times = before.zip(ThreadTimes::now()).map(|(before, now)| now.since(before));
    let measured = shared
        .schedule
        .start
        .elapsed()
        .min(shared.schedule.window.closes())
        .saturating_sub(plan.opens());
    let arrivals = worker.queue.borrow().counts();
    let worker = Rc::try_unwrap(worker).map_err(|_| WorkError::Outlived)?;
    Ok(WorkerOutput {
        recorder: worker.recorder.into_inner(),
        users_ran: worker.ran.get(),
        measured,
        times,
        is_punctual,
        stretches: worker.gaps.into_inner().finish(shared.schedule.start.elapsed()),
        arrivals,
        panic,
    })
}

/// How often the rules are evaluated during the window.
const LOOK: Duration = Duration::from_secs(1);

/// The work of a worker besides its users: measuring lag, messages, arrivals, the end.
struct WorkerDriver<'a> {
    shared: &'a Shared<'a>,
    messages: &'a mpsc::Sender<Message>,
    pulse: Instant,
    second: u64,
    over_since: Option<Instant>,
    /// When the rules are evaluated next, and the number of requests at the last time.
    look: Instant,
    seen: u64,
    was_over: bool,
}

impl<'a> WorkerDriver<'a> {
    fn new(shared: &'a Shared<'a>, messages: &'a mpsc::Sender<Message>) -> Self {
        Self {
            shared,
            messages,
            pulse: Instant::now() + PULSE,
            second: 0,
            over_since: None,
            look: Instant::now(),
            seen: 0,
            was_over: false,
        }
    }

    fn turn(&mut self, worker: &Worker<'_>, reactor: &Rc<Reactor>) -> Turn {
        let now = Instant::now();
        if now >= self.pulse {
            let (start, lag) = (self.shared.schedule.start, now - self.pulse);
            self.pulse = now + PULSE;
            let mut recorder = worker.recorder.borrow_mut();
            recorder.note_lag(lag, now - start);
            recorder.expect_pulse(self.pulse - start);
        }
        self.report(worker, now);
        self.watch(worker, now);
        // Arrivals after the end of the window are dropped.
        let arrival = match self.shared.schedule.is_over(now - self.shared.schedule.start) {
            true => None,
            false => worker.queue.borrow_mut().advance(now, |user| reactor.wake(user)),
        };
        if self.shared.is_stopped() || self.is_done(worker, reactor, now) {
            // Requests still under way are told, and record that they were cut.
            reactor.cut();
            return Turn::Stop;
        }
        Turn::Next(arrival.map_or(self.pulse, |arrival| arrival.min(self.pulse)))
    }

    /// Whether nothing is left to send, and either nothing is under way or the grace is over.
    fn is_done(&mut self, worker: &Worker<'_>, reactor: &Rc<Reactor>, now: Instant) -> bool {
        let (shared, plan) = (self.shared, self.shared.plan);
        let elapsed = now - shared.schedule.start;
        if !shared.schedule.is_over(elapsed) {
            return false;
        }
        let mut queue = worker.queue.borrow_mut();
        queue.wake_all(|user| reactor.wake(user));
        if shared.schedule.window.goes_on(elapsed) {
            self.over_since = None;
            return false;
        }
        let since = *self.over_since.get_or_insert(now);
        let is_left = worker.under_way.get() == 0 && worker.stopping.get() == 0;
        let is_idle = is_left && queue.is_empty();
        is_idle || now - since >= plan.grace
    }

    /// Evaluates the rules: during the window only if they may end it early; after it whenever
    /// a request has ended.
    fn watch(&mut self, worker: &Worker<'_>, now: Instant) {
        let (shared, plan) = (self.shared, self.shared.plan);
        let elapsed = now - shared.schedule.start;
        let is_over = shared.schedule.is_over(elapsed);
        let is_early = elapsed > plan.opens() && shared.schedule.window.may_end_early;
        if !is_over && (!is_early || now < self.look) {
            return;
        }
        let requests = worker.recorder.borrow().requests();
        if is_over && requests == self.seen && self.was_over {
            return;
        }
        self.was_over = is_over;
        self.seen = requests;
        self.count(worker);
        shared.schedule.window.steer(elapsed.saturating_sub(plan.opens()));
        // The evaluation takes longer in a longer run, so it is done less often.
        self.look = now + LOOK.max(elapsed / 100);
    }

    /// Passes on the counts since the last call.
    fn count(&self, worker: &Worker<'_>) {
        let delta = worker.recorder.borrow_mut().delta();
        self.shared.schedule.window.tell(&delta);
    }

    /// Sends a message for each second that has ended.
    fn report(&mut self, worker: &Worker<'_>, now: Instant) {
        let plan = self.shared.plan;
        let end = plan.opens() + Duration::from_secs(self.second + 1);
        if now < self.shared.schedule.at(end) {
            return;
        }
        // The counts are passed on before the message, because its receiver reads them.
        if self.shared.schedule.window.is_watched {
            self.count(worker);
        }
        let message = if self.second < plan.window.as_secs() {
            let counts = worker.recorder.borrow_mut().take_interval();
            Message::Interval { second: self.second, users: worker.active.get(), counts }
        } else {
            Message::Extending(self.shared.schedule.window.goes_on_for())
        };
        self.second += 1;
        // An error means that the receiver is gone: the run is over, and this worker will stop
        // soon.
        let _ = self.messages.send(message);
    }
}
