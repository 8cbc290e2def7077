//! A defect of our own, on purpose: a listener that panics in the process that
//! measures. The product knows nothing of it.

use portcullis::event::{Event, Sink};

/// Names what the listener panics at.
pub const VARIABLE: &str = "XTASK_FAULTS_PANIC";

/// Panics at the first event of the kind that the variable names.
#[derive(Debug)]
pub struct Panics(String);

impl Panics {
    /// As this process's environment says; usually at nothing.
    pub fn from_environment() -> Self {
        Self(std::env::var(VARIABLE).unwrap_or_default())
    }
}

impl Sink for Panics {
    #[expect(clippy::panic, reason = "this is the fault")]
    fn event(&self, event: &Event) {
        let is_meant = match event {
            Event::StageStarted(stage) => self.0 == stage.name(),
            Event::Progress(_) => self.0 == "progress",
            _ => false,
        };
        if is_meant {
            panic!("{VARIABLE}={}", self.0);
        }
    }
}
