//! Which request of the run comes next: its number, from which its values follow, and
//! its task. Counters, no locks, on the way of a request.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use portcullis_core::plan::LoadPlan;
use portcullis_core::scenario::Deck;
use portcullis_core::steering::StopController;

use super::window::{Extra, Window};
use crate::metrics::{Phase, TaskId};

/// The schedule of one run, which all its workers share.
pub struct Schedule<'a> {
    plan: &'a LoadPlan,
    /// The run's start; moments of the plan are counted from it.
    pub start: Instant,
    /// When the window closes, and what comes after it.
    pub window: Window<'a>,
    /// The number of the window's next request.
    next: AtomicU64,
    /// The number of the warm-up's next request.
    next_warm_up: AtomicU64,
}

/// Requests of the warm-up have numbers of their own, so that the window's are
/// functions of the seed however many went before.
const WARM_UP_NUMBERS: u64 = 1 << 62;

/// The next request of the run.
pub enum NextRequest {
    /// This one.
    Send {
        /// Its number, from which its values follow.
        number: u64,
        /// The phase that it counts in.
        phase: Phase,
        /// The task that is called.
        task: TaskId,
    },
    /// None now, perhaps another one later.
    Later,
    /// None any more.
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
        }
    }

    /// A moment of the plan.
    pub fn at(&self, moment: Duration) -> Instant {
        self.start + moment
    }

    /// The next request. `moment` is when it starts, or was to start; `deck` is the
    /// caller's own. In the planned window it comes from the deck; after it, it is a
    /// task without samples, or what rules in doubt ask for.
    pub fn next_request(&self, deck: &mut Deck, moment: Duration) -> NextRequest {
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
            let task = deck.task(number);
            calls.call(task);
            return NextRequest::Send { number, phase: Phase::Window, task };
        }
        match self.window.extra(self.start.elapsed()) {
            Extra::Task(task) => {
                let number = u64::MAX / 2 + self.warm_up_number();
                NextRequest::Send { number, phase: Phase::ExtraTargeted, task }
            }
            Extra::Deck => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                let task = deck.task(number);
                // Another user may have taken the last one that is allowed.
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

    /// Whether nothing of the plan is left to be sent, at a moment of the run.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        let sent = self.next.load(Ordering::Relaxed);
        elapsed >= self.window.closes() || self.plan.requests.is_some_and(|most| sent >= most)
    }

    /// The number of the next request of the window; `None` when it has all
    /// that were asked for.
    fn number(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let is_one = self.plan.requests.is_none_or(|most| number < most);
        if !is_one {
            self.window.end_at(self.start.elapsed());
        }
        is_one.then_some(number)
    }

    fn warm_up_number(&self) -> u64 {
        self.next_warm_up.fetch_add(1, Ordering::Relaxed)
    }
}
