//! The requests that the lateness of their own worker may have distorted: counted a second
//! time, and only while the worker is late, so that a punctual run does no more work.

use std::time::Duration;

use portcullis_core::measure::{LATE_MS, LateRows};

use super::phase::{Phase, Subject};
use super::row_recorder::RowRecorder;
use super::sample::Sample;

/// After a late moment requests may be distorted for this long.
const AFTER: Duration = Duration::from_secs(1);

/// The affected requests.
#[derive(Debug)]
pub struct LateRecorder {
    /// By phase of the tasks: window, mixed and targeted extra requests.
    phases: [Vec<RowRecorder>; 3],
    login: RowRecorder,
    late: Duration,
    /// Requests that began before this time of the run are affected.
    until: Option<Duration>,
    /// When the worker is due to wake next. Answers may be read before it notices that it is
    /// late.
    pulse: Duration,
}

impl LateRecorder {
    /// An empty recorder with rows like this one.
    pub fn new(row: &RowRecorder, tasks: usize) -> Self {
        let rows = || vec![row.clone(); tasks];
        Self {
            phases: [rows(), rows(), rows()],
            login: row.clone(),
            late: Duration::from_secs_f64(LATE_MS / 1e3),
            until: None,
            pulse: Duration::MAX,
        }
    }

    /// Notes how late the worker woke at this time of the run.
    pub fn note(&mut self, lag: Duration, at: Duration) {
        if lag > self.late {
            self.until = Some(at + AFTER);
        }
    }

    /// Notes when the worker is due to wake.
    pub fn expect_pulse(&mut self, at: Duration) {
        self.pulse = at;
    }

    /// Adds a request that ended at this time of the run, if it was due or under way within a
    /// second after a late moment.
    pub fn record(
        &mut self,
        subject: Subject,
        sample: &Sample,
        ended: Duration,
        limits: &[Duration],
    ) {
        if ended > self.pulse.saturating_add(self.late) {
            self.until = Some(ended + AFTER);
        }
        let Some(until) = self.until else { return };
        if ended.saturating_sub(sample.latency) > until {
            return;
        }
        let row = match subject {
            Subject::Login => Some(&mut self.login),
            // It is in no row of a task.
            Subject::Refresh | Subject::Task(Phase::WarmUp, _) => None,
            Subject::Task(Phase::Window, task) => self.phases[0].get_mut(task),
            Subject::Task(Phase::ExtraMixed, task) => self.phases[1].get_mut(task),
            Subject::Task(Phase::ExtraTargeted, task) => self.phases[2].get_mut(task),
        };
        row.into_iter().for_each(|row| row.record(sample, ended, limits));
    }

    /// Adds the counts of another worker.
    pub fn absorb(&mut self, other: &Self) {
        self.login.absorb(&other.login);
        let theirs = other.phases.iter().flatten();
        self.phases.iter_mut().flatten().zip(theirs).for_each(|(mine, theirs)| mine.absorb(theirs));
    }

    /// Their number in the rows of this many tasks, without logins and named steps.
    pub fn requests(&self, tasks: usize) -> u64 {
        self.phases
            .iter()
            .flat_map(|rows| rows.iter().take(tasks))
            .map(|row| row.row().requests)
            .sum()
    }

    /// The affected requests of a task.
    pub fn rows(&self, task: usize) -> LateRows {
        let [window, extra_mixed, extra_targeted] = &self.phases;
        let row = |rows: &[RowRecorder]| rows.get(task).map(RowRecorder::row).unwrap_or_default();
        LateRows {
            window: row(window),
            extra_mixed: row(extra_mixed),
            extra_targeted: row(extra_targeted),
        }
    }

    /// The affected logins.
    pub fn login(&self) -> LateRows {
        LateRows { window: self.login.row(), ..LateRows::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::latencies::Latencies;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn recorder() -> LateRecorder {
        LateRecorder::new(&RowRecorder::new(&Latencies::new(ms(10_000)), 0), 1)
    }

    /// The number of affected requests after one from `start` to `end`.
    fn after(recorder: &mut LateRecorder, start: u64, end: u64) -> u64 {
        let sample = Sample { latency: ms(end - start), ..Sample::default() };
        recorder.record(Subject::Task(Phase::Window, 0), &sample, ms(end), &[]);
        recorder.requests(1)
    }

    #[test]
    fn what_is_due_or_under_way_within_a_second_is_affected() {
        let mut late = recorder();
        assert_eq!(after(&mut late, 100, 200), 0);
        late.note(ms(9), ms(5_000));
        assert_eq!(after(&mut late, 5_000, 5_100), 0, "not late enough");
        late.note(ms(20), ms(10_000));
        assert_eq!(after(&mut late, 9_000, 10_100), 1, "under way");
        assert_eq!(after(&mut late, 10_900, 12_000), 2, "begun within a second");
        assert_eq!(after(&mut late, 11_001, 11_100), 2, "begun later");
        assert_eq!(late.rows(0).window.requests, 2);
    }

    #[test]
    fn an_answer_that_is_read_before_the_lateness_is_noticed_is_affected() {
        let mut late = recorder();
        late.expect_pulse(ms(1_000));
        assert_eq!(after(&mut late, 900, 1_005), 0);
        assert_eq!(after(&mut late, 900, 1_300), 1);
    }
}
