//! The longest time without an answer. Each worker records the stretches of time in which it
//! completed none while at least half of its active users waited for one; what all workers
//! have in common is a stretch of the run.

use std::time::Duration;

use portcullis_core::measure::Gap;

/// Shorter stretches are not kept, so that there are at most a hundred a second.
const SHORTEST: Duration = Duration::from_millis(10);

/// A time without an answer; its ends count from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    from: Duration,
    to: Duration,
    /// Whether a user waited. A worker without active users does not end the stretch of
    /// another.
    is_waited: bool,
}

/// The stretches of one worker.
#[derive(Clone, Debug)]
pub struct GapRecorder {
    active: u32,
    waiting: u32,
    /// The start of the present stretch, if there is one.
    since: Option<Duration>,
    stretches: Vec<Stretch>,
}

impl Default for GapRecorder {
    fn default() -> Self {
        Self { active: 0, waiting: 0, since: Some(Duration::ZERO), stretches: Vec::new() }
    }
}

impl GapRecorder {
    /// A user becomes active.
    pub fn join(&mut self, now: Duration) {
        self.change(now, false, |all| all.active += 1);
    }

    /// A user leaves.
    pub fn leave(&mut self, now: Duration) {
        self.change(now, false, |all| all.active = all.active.saturating_sub(1));
    }

    /// A user begins to wait for an answer.
    pub fn begin(&mut self, now: Duration) {
        self.change(now, false, |all| all.waiting += 1);
    }

    /// A user no longer waits: it was answered, or not.
    pub fn end(&mut self, now: Duration, is_answered: bool) {
        self.change(now, is_answered, |all| all.waiting = all.waiting.saturating_sub(1));
    }

    /// All stretches, at the end of the run.
    pub fn finish(mut self, now: Duration) -> Vec<Stretch> {
        self.close(now, self.active > 0);
        self.stretches
    }

    #[inline]
    fn change(&mut self, now: Duration, is_answer: bool, change: impl FnOnce(&mut Self)) {
        let before = (self.is_waiting(), self.active > 0);
        change(self);
        let after = (self.is_waiting(), self.active > 0);
        if is_answer || before != after {
            self.close(now, before.1);
            self.since = after.0.then_some(now);
        }
    }

    /// Whether at least half of the active users wait.
    fn is_waiting(&self) -> bool {
        self.waiting * 2 >= self.active
    }

    fn close(&mut self, to: Duration, is_waited: bool) {
        let Some(from) = self.since.take() else { return };
        if to.saturating_sub(from) >= SHORTEST {
            self.stretches.push(Stretch { from, to, is_waited });
        }
    }
}

/// The longest gap between two times of the run, from the stretches of all workers; of length
/// zero if there was none. Its start counts from `opens`.
pub fn longest(workers: &[Vec<Stretch>], opens: Duration, closes: Duration) -> Gap {
    let Some((first, others)) = workers.split_first() else { return Gap::default() };
    let common = others.iter().fold(first.clone(), |all, other| intersection(&all, other));
    let gap = |one: Stretch| {
        let (from, to) = (one.from.max(opens), one.to.min(closes));
        Gap { at: from.saturating_sub(opens), length: to.saturating_sub(from) }
    };
    let waited = common.into_iter().filter(|one| one.is_waited).map(gap);
    let longest = waited.max_by_key(|gap| gap.length).unwrap_or_default();
    if longest.length.is_zero() { Gap::default() } else { longest }
}

fn intersection(a: &[Stretch], b: &[Stretch]) -> Vec<Stretch> {
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while let (Some(one), Some(other)) = (a.get(i), b.get(j)) {
        let (from, to) = (one.from.max(other.from), one.to.min(other.to));
        if from < to {
            common.push(Stretch { from, to, is_waited: one.is_waited || other.is_waited });
        }
        if one.to < other.to { i += 1 } else { j += 1 }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn whole(workers: &[Vec<Stretch>]) -> (Duration, Duration) {
        let Gap { at, length } = longest(workers, Duration::ZERO, ms(10_000));
        (at, length)
    }

    /// Two users; the second one waits from 100 to 900 ms, the first one in two parts.
    fn two_users() -> GapRecorder {
        let mut all = GapRecorder::default();
        all.join(ms(50));
        all.join(ms(60));
        all.begin(ms(100));
        all.begin(ms(150));
        all.end(ms(300), true);
        all.begin(ms(400));
        all.end(ms(600), false);
        all.end(ms(900), true);
        all
    }

    #[test]
    fn a_gap_is_from_answer_to_answer_while_half_of_the_users_wait() {
        // After the answer at 300 one of two still waits. What ends without an answer at 600
        // ends no gap.
        assert_eq!(whole(&[two_users().finish(ms(2_000))]), (ms(300), ms(600)));
        let of_window = longest(&[two_users().finish(ms(2_000))], ms(500), ms(800));
        assert_eq!((of_window.at, of_window.length), (Duration::ZERO, ms(300)));
    }

    #[test]
    fn no_gap_while_most_users_do_not_wait() {
        let mut all = GapRecorder::default();
        (0..3).for_each(|_| all.join(ms(10)));
        all.begin(ms(20));
        all.end(ms(1_000), true);
        assert_eq!(whole(&[all.finish(ms(1_000))]), (Duration::ZERO, Duration::ZERO));
        assert_eq!(whole(&[]), (Duration::ZERO, Duration::ZERO));
        // Nobody was there to wait.
        let nobody = GapRecorder::default().finish(ms(5_000));
        assert_eq!(whole(&[nobody]), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn an_answer_of_any_worker_ends_the_gap_and_one_without_users_does_not() {
        let mut other = GapRecorder::default();
        other.join(ms(50));
        other.begin(ms(90));
        other.end(ms(500), true);
        other.begin(ms(500));
        let both = [two_users().finish(ms(1_000)), other.finish(ms(1_000))];
        assert_eq!(whole(&both), (ms(500), ms(400)));
        let alone = [two_users().finish(ms(1_000)), GapRecorder::default().finish(ms(1_000))];
        assert_eq!(whole(&alone), (ms(300), ms(600)));
    }

    #[test]
    fn a_service_that_hangs_has_a_gap_to_the_end() {
        let mut all = GapRecorder::default();
        all.join(ms(0));
        all.begin(ms(100));
        assert_eq!(whole(&[all.finish(ms(3_000))]), (ms(100), ms(2_900)));
    }
}
