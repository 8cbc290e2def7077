//! An intended bug: a listener of events that panics in the worker process. The product
//! has no code for it.

use portcullis::event::{Event, Sink};

/// The environment variable with the event at which the listener panics.
pub const VARIABLE: &str = "XTASK_FAULTS_PANIC";

/// Panics at the first event of the kind that the variable names.
#[derive(Debug)]
pub struct Panics(String);

impl Panics {
    /// Reads the environment variable; usually it is not set, and nothing panics.
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
