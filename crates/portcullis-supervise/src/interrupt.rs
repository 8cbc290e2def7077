//! Handles Ctrl-C and SIGTERM in one place, before the first child is started. Children in
//! their own process groups do not get the terminal's Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::judge::Signal;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

/// Whether this process was asked to end, and by which signal.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    first: Arc<AtomicUsize>,
}

/// The number of signals of the whole process. Code that waits for children to stop checks
/// here whether the user has sent a second signal.
static ALL: AtomicUsize = AtomicUsize::new(0);

/// Whether a second signal came, so that children are killed without waiting.
pub(crate) fn is_hurried() -> bool {
    ALL.load(Ordering::Relaxed) > 1
}

impl Interrupts {
    /// Handles SIGINT, SIGTERM, SIGHUP and SIGQUIT for the rest of the process. The last three
    /// all mean an orderly end.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn install() -> std::io::Result<Self> {
        let interrupts = Self::default();
        let first = Arc::clone(&interrupts.first);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT])?;
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let signal = usize::try_from(signal).unwrap_or_default();
                let relaxed = Ordering::Relaxed;
                // The first signal decides the exit code.
                let _ = first.compare_exchange(0, signal, relaxed, relaxed);
                ALL.fetch_add(1, relaxed);
            }
        });
        Ok(interrupts)
    }

    /// The first signal, if there was one.
    pub fn signal(&self) -> Option<Signal> {
        match self.first.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(meaning(i32::try_from(signal).unwrap_or_default())),
        }
    }
}

/// What a signal of the user means: only SIGINT is Ctrl-C.
pub(crate) fn meaning(signal: i32) -> Signal {
    if signal == SIGINT { Signal::Interrupt } else { Signal::Terminate }
}

/// Replaces what this process inherited for two signals. A parent that ignores SIGCHLD makes
/// the system forget how children ended. SIGXFSZ ends a process that writes more than `ulimit
/// -f` allows; with a handler the write fails, with a message. Children get the system's
/// defaults again.
///
/// # Errors
/// The system refuses the handlers.
pub fn replace_inherited() -> std::io::Result<()> {
    for signal in [SIGCHLD, SIGXFSZ] {
        signal_hook::flag::register(signal, Arc::default())?;
    }
    Ok(())
}
