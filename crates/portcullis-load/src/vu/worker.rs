//! The data that the users of one worker share: its recorder, its share of the schedule,
//! and the next request of each user. There is one thread, so no locks.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use portcullis_core::scenario::{Deck, Task};

use super::shared::Shared;
use crate::metrics::{GapRecorder, Recorder};
use crate::reactor::Handle;
use crate::schedule::{Arrival, NextRequest, Queue};

/// Why a worker failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The system has no poll or timer left.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// No task is ever called, which is a bug in the plan.
    #[error("no weights")]
    NoWeights,
    /// The histogram library refuses its bounds, which is a bug.
    #[error(transparent)]
    Histogram(#[from] hdrhistogram::CreationError),
    /// A user still exists when its worker is done, which is a bug.
    #[error("a virtual user outlived its worker")]
    Outlived,
}

/// The data that the users of one worker share. There is one thread, so no locks.
pub struct Worker<'a> {
    /// The run.
    pub shared: &'a Shared<'a>,
    /// The measurements.
    pub recorder: RefCell<Recorder>,
    /// The queue of an open load.
    pub queue: RefCell<Queue>,
    /// The number of active users.
    pub active: Cell<u32>,
    /// The number of users that made a request in the window.
    pub ran: Cell<u32>,
    /// Requests under way, logins included.
    pub under_way: Cell<u32>,
    /// Users that have tasks to call when they stop, and have not yet.
    pub stopping: Cell<u32>,
    /// The times without an answer.
    pub gaps: RefCell<GapRecorder>,
    /// One for each kind of users.
    decks: RefCell<Vec<Deck>>,
}

impl<'a> Worker<'a> {
    /// Worker `number`, from 0, of a run that has sent nothing yet.
    ///
    /// # Errors
    /// The plan is impossible, which is a bug.
    pub fn new(shared: &'a Shared<'a>, number: u32) -> Result<Self, WorkError> {
        let plan = shared.plan;
        let deck = |kind: usize| {
            let weight = |task: &Task| if task.kind == kind { task.weight } else { 0 };
            let weights: Vec<u32> = plan.scenario.tasks.iter().map(weight).collect();
            Deck::new(plan.seed, plan.scenario.order, &weights).ok_or(WorkError::NoWeights)
        };
        let decks: Result<Vec<Deck>, WorkError> =
            (0..plan.scenario.users.len()).map(deck).collect();
        let recorder = Recorder::new(plan)?;
        let (origin, opens) = (shared.schedule.at(plan.lead), shared.schedule.at(plan.opens()));
        let times = plan.model.arrivals(plan.seed);
        let queue = Queue::new(times, (number, plan.workers), origin, opens);
        Ok(Self {
            shared,
            recorder: RefCell::new(recorder),
            queue: RefCell::new(queue),
            active: Cell::new(0),
            ran: Cell::new(0),
            under_way: Cell::new(0),
            stopping: Cell::new(0),
            gaps: RefCell::default(),
            decks: RefCell::new(decks?),
        })
    }
}

impl Worker<'_> {
    /// The next request of a user of this kind; `moment` is its start, or its scheduled start.
    pub fn next_request(&self, kind: usize, moment: Duration) -> NextRequest {
        match self.decks.borrow_mut().get_mut(kind) {
            Some(deck) => self.shared.schedule.next_request((kind, deck), moment),
            None => NextRequest::Never,
        }
    }

    /// The next request of a user in an open load; `None` if there is nothing to do yet.
    pub fn next_due(&self, slot: usize) -> Option<Due> {
        let mut queue = self.queue.borrow_mut();
        if let Some(arrival) = queue.take() {
            return Some(Due(Some(arrival)));
        }
        let elapsed = self.shared.schedule.start.elapsed();
        if !self.shared.schedule.is_over(elapsed) {
            queue.rest(slot);
            return None;
        }
        if self.shared.schedule.window.goes_on(elapsed) {
            return Some(Due(None));
        }
        // Requests under way can still bring a rule into doubt.
        queue.rest(slot);
        None
    }

    /// A user becomes active.
    pub fn join(&self) {
        self.active.set(self.active.get() + 1);
        self.gaps.borrow_mut().join(self.shared.schedule.start.elapsed());
    }

    /// An active user leaves.
    pub fn leave(&self) {
        self.active.set(self.active.get() - 1);
        self.gaps.borrow_mut().leave(self.shared.schedule.start.elapsed());
    }

    /// Sleeps until a moment, and records how late it woke.
    pub async fn sleep(&self, handle: &Handle, until: Instant) -> Duration {
        handle.until(until).await;
        let lag = until.elapsed();
        let at = until + lag - self.shared.schedule.start;
        self.recorder.borrow_mut().note_lag(lag, at);
        lag
    }
}

/// A request that a user of an open load must send: a scheduled one, or (`None`) an extra
/// one after the window.
pub struct Due(pub Option<Arrival>);
