//! How the rules stand for people who watch: put together on the observer's
//! side of what the workers tell once a second, never on the way of a request.

use std::time::Duration;

use portcullis_core::evidence::{Present, present};
use portcullis_core::plan::LoadPlan;
use portcullis_core::summary::{Summary, TaskSummary};

use crate::watch::{add_counts, uncounted};

/// How often the rules are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// What was counted so far, and the last look at it.
pub struct Standing<'a> {
    plan: &'a LoadPlan,
    summary: Summary,
    next: Duration,
    last: Vec<Present>,
}

impl<'a> Standing<'a> {
    /// Nothing counted yet.
    pub fn new(plan: &'a LoadPlan) -> Self {
        Self { plan, summary: uncounted(plan), next: Duration::ZERO, last: Vec::new() }
    }

    /// Adds what a worker counted.
    pub fn add(&mut self, counts: &[TaskSummary]) {
        add_counts(&mut self.summary.tasks, counts);
    }

    /// How the rules stand, at a moment of the run. Looking costs more the longer
    /// the run is, so that it is done the less often.
    pub fn look(&mut self, elapsed: Duration) -> Vec<Present> {
        if elapsed >= self.next {
            self.last = present(&self.summary, &self.plan.rules);
            self.next = elapsed + LOOK.max(elapsed / 50);
        }
        self.last.clone()
    }
}
