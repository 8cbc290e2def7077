//! The times at which users must be polled: sleeps with microsecond accuracy, and deadlines
//! of exchanges, which are rarely reached and must cost nothing before.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Times, each with the user that waits for it.
type Heap = BinaryHeap<Reverse<(Instant, usize)>>;

/// The timers of one worker.
#[derive(Debug)]
pub struct Timers {
    sleeps: Heap,
    /// At most one entry for each user. If an exchange begins while the entry of an earlier one
    /// still exists, the entry stays, and is moved when its time comes.
    deadlines: Heap,
    is_watched: Vec<bool>,
}

impl Timers {
    /// No timers, for this many users.
    pub fn new(users: usize) -> Self {
        let (sleeps, deadlines) = (Heap::new(), Heap::new());
        Self { sleeps, deadlines, is_watched: vec![false; users] }
    }

    /// Polls a user at a moment.
    pub fn sleep(&mut self, user: usize, moment: Instant) {
        self.sleeps.push(Reverse((moment, user)));
    }

    /// Checks a user when its deadline may have passed. The deadlines of one user only
    /// increase.
    pub fn watch_deadline(&mut self, user: usize, deadline: Instant) {
        if let Some(watched) = self.is_watched.get_mut(user)
            && !std::mem::replace(watched, true)
        {
            self.deadlines.push(Reverse((deadline, user)));
        }
    }

    /// The next moment at which something is due.
    pub fn next(&self) -> Option<Instant> {
        let first = |heap: &Heap| heap.peek().map(|Reverse((moment, _))| *moment);
        first(&self.sleeps).into_iter().chain(first(&self.deadlines)).min()
    }

    /// A user whose sleep has ended.
    pub fn risen(&mut self, now: Instant) -> Option<usize> {
        due(&mut self.sleeps, now)
    }

    /// A user whose deadline may have passed.
    pub fn overdue(&mut self, now: Instant) -> Option<usize> {
        let user = due(&mut self.deadlines, now)?;
        if let Some(watched) = self.is_watched.get_mut(user) {
            *watched = false;
        }
        Some(user)
    }
}

fn due(heap: &mut Heap, now: Instant) -> Option<usize> {
    let Reverse((moment, user)) = *heap.peek()?;
    if moment > now {
        return None;
    }
    heap.pop();
    Some(user)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sleeps_end_in_their_order_and_deadlines_have_one_entry() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::new(2);
        timers.sleep(1, at(20));
        timers.sleep(0, at(10));
        timers.watch_deadline(0, at(15));
        timers.watch_deadline(0, at(40));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!((timers.risen(at(9)), timers.risen(at(30))), (None, Some(0)));
        assert_eq!((timers.risen(at(30)), timers.risen(at(30))), (Some(1), None));
        assert_eq!((timers.overdue(at(14)), timers.overdue(at(15))), (None, Some(0)));
        assert_eq!(timers.next(), None, "the later deadline is watched only when it is set again");
    }
}
