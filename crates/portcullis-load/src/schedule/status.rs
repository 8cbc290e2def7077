//! How the rules stand for people who watch: looked at on the observer's side, on
//! a copy of what the workers have counted, never on the way of a request.

use std::time::Duration;

use portcullis_core::steering::RuleStatus;

use super::window::Window;

/// How often the rules are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// The last look at what was counted; nothing before the first one.
#[derive(Debug, Default)]
pub struct LastStatus {
    next: Duration,
    last: Vec<RuleStatus>,
}

impl LastStatus {
    /// How the rules stand, at a moment of the run. Looking costs more the longer
    /// the run is, so that it is done the less often.
    pub fn look(&mut self, window: &Window<'_>, elapsed: Duration) -> Vec<RuleStatus> {
        if elapsed >= self.next {
            self.last = window.status();
            self.next = elapsed + LOOK.max(elapsed / 50);
        }
        self.last.clone()
    }
}
