//! Ctrl-C and SIGTERM: noted in one place, before the first child is started.
//! Children in groups of their own do not see the terminal's Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::outcome::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

/// Whether this process was asked to end, and how.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    signal: Arc<AtomicUsize>,
}

impl Interrupts {
    /// Takes over SIGINT, and SIGTERM, SIGHUP and SIGQUIT (which all mean
    /// "end in good order" here), for the rest of the process.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn install() -> std::io::Result<Self> {
        let interrupts = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            let flag = Arc::clone(&interrupts.signal);
            signal_hook::flag::register_usize(signal, flag, signal as usize)?;
        }
        Ok(interrupts)
    }

    /// The last signal that came, if one did.
    pub fn signal(&self) -> Option<Signal> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal if signal == SIGINT as usize => Some(Signal::Interrupt),
            _ => Some(Signal::Terminate),
        }
    }
}
