//! The status of the rules for the observer. It is evaluated on the observer's thread, from
//! a copy of the workers' counts, never while a request is handled.

use std::time::Duration;

use portcullis_core::steering::RuleStatus;

use super::window::Window;

/// The rules are evaluated at most this often.
const LOOK: Duration = Duration::from_secs(1);

/// The last status; empty before the first evaluation.
#[derive(Debug, Default)]
pub struct LastStatus {
    next: Duration,
    last: Vec<RuleStatus>,
}

impl LastStatus {
    /// The status of the rules at this time of the run. The evaluation takes longer in a longer
    /// run, so it is done less often.
    pub fn look(&mut self, window: &Window<'_>, elapsed: Duration) -> Vec<RuleStatus> {
        if elapsed >= self.next {
            self.last = window.status();
            self.next = elapsed + LOOK.max(elapsed / 50);
        }
        self.last.clone()
    }
}
