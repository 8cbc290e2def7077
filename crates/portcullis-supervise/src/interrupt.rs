//! Ctrl-C and SIGTERM: noted in one place, before the first child is started.
//! Children in groups of their own do not see the terminal's Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::judge::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether this process was asked to end, and how.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    first: Arc<AtomicUsize>,
}

/// Signals of the whole process: whoever waits for children to end politely
/// looks here whether the user has lost patience.
static ALL: AtomicUsize = AtomicUsize::new(0);

/// Whether a second signal came: no more politeness.
pub(crate) fn is_hurried() -> bool {
    ALL.load(Ordering::Relaxed) > 1
}

impl Interrupts {
    /// Takes over SIGINT, and SIGTERM, SIGHUP and SIGQUIT (which all mean
    /// "end in good order" here), for the rest of the process.
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
                // The first one decides the exit code.
                let _ = first.compare_exchange(0, signal, relaxed, relaxed);
                ALL.fetch_add(1, relaxed);
            }
        });
        Ok(interrupts)
    }

    /// The first signal that came, if one did.
    pub fn signal(&self) -> Option<Signal> {
        match self.first.load(Ordering::Relaxed) {
            0 => None,
            signal if signal == SIGINT as usize => Some(Signal::Interrupt),
            _ => Some(Signal::Terminate),
        }
    }
}
