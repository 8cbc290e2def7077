//! The open model's queue: requests that are due, and users that are free. A
//! request keeps the moment for which it was scheduled, however late it starts.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::time::{Duration, Instant};

use portcullis_core::measure::ArrivalCounts;
use portcullis_core::scenario::ArrivalTimes;

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The moment for which it was scheduled.
    pub intended: Instant,
    /// Whether a user was free then: what it waits is the generator's own lag.
    pub found_user: bool,
    in_window: bool,
}

/// The arrivals of one worker.
pub struct Queue {
    times: Peekable<Box<dyn Iterator<Item = Duration>>>,
    /// Added to each time of the schedule.
    origin: Instant,
    opens: Instant,
    due: VecDeque<Arrival>,
    /// Users without work; the last one to become so is the first to be used
    /// again, so that no more connections are open than are needed.
    idle: Vec<usize>,
    counts: ArrivalCounts,
}

impl Queue {
    /// The share of worker `number` of `workers`; requests before `opens` are of
    /// the warm-up.
    pub fn new(
        times: ArrivalTimes,
        (number, workers): (u32, u32),
        origin: Instant,
        opens: Instant,
    ) -> Self {
        let mine = times.skip(number as usize).step_by(workers as usize);
        let mine: Box<dyn Iterator<Item = Duration>> = Box::new(mine);
        Self {
            times: mine.peekable(),
            origin,
            opens,
            due: VecDeque::new(),
            idle: Vec::new(),
            counts: ArrivalCounts::default(),
        }
    }

    /// Takes what is due by `now` into the queue; users that are to be woken
    /// for it go to `wake`. When the next one is due.
    pub fn advance(&mut self, now: Instant, mut wake: impl FnMut(usize)) -> Option<Instant> {
        loop {
            let intended = self.origin + *self.times.peek()?;
            if intended > now {
                return Some(intended);
            }
            self.times.next();
            let user = self.idle.pop();
            let in_window = intended >= self.opens;
            if in_window {
                self.counts.scheduled += 1;
                self.counts.queued += u64::from(user.is_none());
            }
            self.due.push_back(Arrival { intended, found_user: user.is_some(), in_window });
            user.into_iter().for_each(&mut wake);
        }
    }

    /// A request to be sent now.
    pub fn take(&mut self) -> Option<Arrival> {
        self.due.pop_front()
    }

    /// A user that found nothing to do.
    pub fn rest(&mut self, user: usize) {
        if !self.idle.contains(&user) {
            self.idle.push(user);
        }
    }

    /// Wakes everybody: there is something else to do, or nothing any more.
    pub fn wake_all(&mut self, wake: impl FnMut(usize)) {
        self.idle.drain(..).for_each(wake);
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// What became of the schedule; what still waits was never started.
    pub fn counts(&self) -> ArrivalCounts {
        let waiting = self.due.iter().filter(|arrival| arrival.in_window).count();
        ArrivalCounts { unstarted: waiting as u64, ..self.counts }
    }
}
