//! The queue of the open model: requests that are due, and free users. A request keeps its
//! scheduled time, however late it starts.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::time::{Duration, Instant};

use portcullis_core::measure::ArrivalCounts;
use portcullis_core::scenario::ArrivalTimes;

/// A request that is due.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Its scheduled time.
    pub intended: Instant,
    /// Whether a user was free at that time; then any waiting is the generator's own lag.
    pub found_user: bool,
    in_window: bool,
}

/// The arrivals of one worker.
pub struct Queue {
    times: Peekable<Box<dyn Iterator<Item = Duration>>>,
    /// The start, to which the times of the schedule are added.
    origin: Instant,
    opens: Instant,
    due: VecDeque<Arrival>,
    /// Users without work. The user that became free last is used first, so that no more
    /// connections are open than needed.
    idle: Vec<usize>,
    counts: ArrivalCounts,
}

impl Queue {
    /// The share of worker `number` of `workers`. Requests before `opens` belong to the
    /// warm-up.
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

    /// Moves the requests that are due by `now` into the queue, and calls `wake` for the users
    /// that must send them. Returns the time of the next request.
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

    /// The next request to send now.
    pub fn take(&mut self) -> Option<Arrival> {
        self.due.pop_front()
    }

    /// Marks a user as free, because it found nothing to do.
    pub fn rest(&mut self, user: usize) {
        if !self.idle.contains(&user) {
            self.idle.push(user);
        }
    }

    /// Wakes all users, because there is other work, or none any more.
    pub fn wake_all(&mut self, wake: impl FnMut(usize)) {
        self.idle.drain(..).for_each(wake);
    }

    /// Whether no request waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Counts of the schedule; requests that still wait count as never started.
    pub fn counts(&self) -> ArrivalCounts {
        let waiting = self.due.iter().filter(|arrival| arrival.in_window).count();
        ArrivalCounts { unstarted: waiting as u64, ..self.counts }
    }
}
