//! The next request of the run: its number, which determines its values, and its task. Uses
//! atomic counters without locks, because each request needs them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::Deck;
use portcullis_core::steering::StopController;

use super::window::{Extra, Window};
use crate::metrics::{Phase, TaskId};

/// The schedule of one run, shared by all its workers.
pub struct Schedule<'a> {
    plan: &'a LoadPlan,
    /// The start of the run; times of the plan count from it.
    pub start: Instant,
    /// The end of the window, and the extra requests after it.
    pub window: Window<'a>,
    /// The number of the next request in the window.
    next: AtomicU64,
    /// The number of the next request in the warm-up.
    next_warm_up: AtomicU64,
    /// The next card in the deck of each kind of users; empty if there is one kind only.
    turns: Vec<AtomicU64>,
}

/// Requests of the warm-up have separate numbers, so that the requests of the window depend
/// only on the seed, not on the number of requests before.
const WARM_UP_NUMBERS: u64 = 1 << 62;

/// The next request of the run.
pub enum NextRequest {
    /// A request to send.
    Send {
        /// Its number, which determines its values.
        number: u64,
        /// The phase in which it counts.
        phase: Phase,
        /// The task that is called.
        task: TaskId,
    },
    /// No request now, perhaps one later.
    Later,
    /// No more requests.
    Never,
}

impl<'a> Schedule<'a> {
    /// The schedule of a run that starts now.
    pub fn new(plan: &'a LoadPlan, controller: &'a dyn StopController) -> Self {
        Self {
            plan,
            start: Instant::now(),
            window: Window::new(plan, controller),
            next: AtomicU64::new(0),
            next_warm_up: AtomicU64::new(WARM_UP_NUMBERS),
            turns: match plan.scenario.users.len() {
                1 => Vec::new(),
                kinds => (0..kinds).map(|_| AtomicU64::new(0)).collect(),
            },
        }
    }

    /// The clock time of a time of the plan.
    pub fn at(&self, moment: Duration) -> Instant {
        self.start + moment
    }

    /// The next request of a user of this kind, with the caller's own deck of it. `moment` is
    /// its start, or its scheduled start. In the planned window the task comes from the deck; after it, it is a task
    /// without samples, or an extra request for a rule in doubt.
    pub fn next_request(&self, (kind, deck): (usize, &mut Deck), moment: Duration) -> NextRequest {
        let calls = &self.window.calls;
        if moment < self.plan.opens() {
            let number = self.warm_up_number();
            let task = deck.task(number);
            calls.warm_up(task);
            return NextRequest::Send { number, phase: Phase::WarmUp, task };
        }
        if moment < self.window.closes()
            && let Some(number) = self.number()
        {
            let task = deck.task(self.turn(kind, number));
            calls.call(task);
            return NextRequest::Send { number, phase: Phase::Window, task };
        }
        match self.window.extra(kind, self.start.elapsed()) {
            Extra::Task(task) => {
                let number = u64::MAX / 2 + self.warm_up_number();
                NextRequest::Send { number, phase: Phase::ExtraTargeted, task }
            }
            Extra::Deck => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let task = deck.task(self.turn(kind, number));
                // Another user may have taken the last allowed call.
                if !calls.may_call(task) {
                    return NextRequest::Later;
                }
                calls.call(task);
                NextRequest::Send { number, phase: Phase::ExtraMixed, task }
            }
            Extra::Later => NextRequest::Later,
            Extra::Never => NextRequest::Never,
        }
    }

    /// Whether nothing of the plan is left to send, at this time of the run.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        let sent = self.next.load(Ordering::Relaxed);
        elapsed >= self.window.closes() || self.plan.requests.is_some_and(|most| sent >= most)
    }

    /// The number of the next request in the window; `None` if the configured number is
    /// reached.
    fn number(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let is_one = self.plan.requests.is_none_or(|most| number < most);
        if !is_one {
            self.window.end_at(self.start.elapsed());
        }
        is_one.then_some(number)
    }

    /// The position of a request in the deck of its kind: its own number, unless there are
    /// several kinds, which have decks of their own.
    fn turn(&self, kind: usize, number: u64) -> u64 {
        match self.turns.get(kind) {
            Some(turns) => turns.fetch_add(1, Ordering::Relaxed),
            None => number,
        }
    }

    fn warm_up_number(&self) -> u64 {
        self.next_warm_up.fetch_add(1, Ordering::Relaxed)
    }
}
