//! What a user calls once: at its start, and when it stops.

use std::time::Instant;

use portcullis_core::scenario::When;

use super::VirtualUser;
use crate::metrics::Phase;

/// Separate random streams, so that the requests of the deck do not change.
const NUMBERS: u64 = 1 << 60;

/// The number of tasks for which a user has a stream.
const TASKS: u64 = 1 << 16;

impl VirtualUser<'_, '_> {
    /// Calls the tasks of its start, once. False: the load ends.
    pub(super) async fn start(&mut self) -> bool {
        if std::mem::replace(&mut self.has_started, true) {
            return true;
        }
        if self.has_end {
            self.worker.stopping.set(self.worker.stopping.get() + 1);
        }
        self.take_turn(When::OnStart).await
    }

    /// Calls the tasks of its end, once.
    pub(super) async fn stop(&mut self) {
        if !self.has_started || !self.has_end {
            return;
        }
        if !self.handle.is_cut() {
            self.take_turn(When::OnStop).await;
            self.finish();
        }
        self.worker.stopping.set(self.worker.stopping.get() - 1);
    }

    /// Whether it has tasks to call at its end, and the end has come.
    pub(super) fn is_stopping(&self) -> bool {
        let schedule = &self.worker.shared.schedule;
        let elapsed = schedule.start.elapsed();
        self.has_end && schedule.is_over(elapsed) && !schedule.window.goes_on(elapsed)
    }

    /// Calls the tasks of a turn, in the order of the file. Those in the window count as its
    /// requests; the others are judged like extra requests, which are in no rate.
    async fn take_turn(&mut self, when: When) -> bool {
        let shared = self.worker.shared;
        for (index, task) in shared.plan.scenario.tasks.iter().enumerate() {
            if task.when != when || task.kind != self.kind {
                continue;
            }
            let start = Instant::now();
            let moment = start - shared.schedule.start;
            let window = shared.plan.opens()..shared.schedule.window.closes();
            let phase = if window.contains(&moment) { Phase::Window } else { Phase::ExtraMixed };
            let number = NUMBERS + u64::from(self.number) * TASKS + index as u64;
            if self.perform((number, phase, index), None, start).await.is_none() {
                return false;
            }
        }
        true
    }
}
