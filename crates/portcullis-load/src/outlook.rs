//! How the rules stand for people who watch: looked at on the observer's side, on
//! a copy of what the workers have counted, never on the way of a request.

use std::time::Duration;

use portcullis_core::judge::{Present, present};
use portcullis_core::plan::LoadPlan;

use crate::watch::Watch;

/// How often the rules are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// The last look at what was counted.
pub struct Outlook<'a> {
    plan: &'a LoadPlan,
    next: Duration,
    last: Vec<Present>,
}

impl<'a> Outlook<'a> {
    /// Nothing was looked at yet.
    pub fn new(plan: &'a LoadPlan) -> Self {
        Self { plan, next: Duration::ZERO, last: Vec::new() }
    }

    /// How the rules stand, at a moment of the run. Looking costs more the longer
    /// the run is, so that it is done the less often.
    pub fn look(&mut self, watch: &Watch<'_>, elapsed: Duration) -> Vec<Present> {
        if elapsed >= self.next {
            self.last = present(&watch.counts(), &self.plan.rules);
            self.next = elapsed + LOOK.max(elapsed / 50);
        }
        self.last.clone()
    }
}
