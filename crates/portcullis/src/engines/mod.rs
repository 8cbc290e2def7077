//! Who makes the load: the seam to a second engine. An engine is one function,
//! `run(&LoadPlan, &Target, &Trust, &mut dyn Observer) -> Result<Measured, …>`; one that
//! tells statistics instead of distributions will need a second kind of [`Measured`],
//! which `check` judges already.

pub mod builtin;

use portcullis_core::event::Progress;
use portcullis_core::measure::Summary;
use portcullis_load::{Ended, FirstRound, FirstRoundError};

use crate::run::StageFailure;

/// What an engine measured, and how it ended.
#[derive(Debug)]
pub struct Measured {
    /// The measurements.
    pub summary: Summary,
    /// How the load ended.
    pub ended: Ended,
}

/// Who watches an engine and what it loads.
pub trait Observer {
    /// A login was given a token, which must not be seen.
    fn secret(&mut self, token: &str);
    /// Asked during the first round every now and then: whether to break it off.
    fn is_interrupted(&mut self) -> bool;
    /// The first round is over. The load begins at once if it is given back.
    ///
    /// # Errors
    /// There is no use in a load.
    fn first_round(
        &mut self,
        first: Result<FirstRound, FirstRoundError>,
    ) -> Result<FirstRound, StageFailure>;
    /// A second went by.
    fn progress(&mut self, progress: Progress);
    /// Asked several times a second: whether the load goes on.
    fn goes_on(&mut self) -> bool;
    /// The load is over, and nothing was done since.
    fn over(&mut self);
}
