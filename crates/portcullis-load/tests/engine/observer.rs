//! Whoever observes a load in a test, and the one way to run it.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::ops::ControlFlow;

use portcullis_core::engine::{Ended, FirstAnswer, LoadOutcome, Measured, Observer};
use portcullis_core::event::Progress;
use portcullis_core::judge::ThresholdController;
use portcullis_core::measure::Summary;
use portcullis_core::plan::LoadPlan;
use portcullis_core::target::Target;
use portcullis_load::{LoadError, Trust};

/// Runs a load with whoever observes it, steered by the rules of its plan.
pub fn run(
    plan: &LoadPlan,
    target: &Target,
    trust: &Trust,
    observer: &mut dyn Observer,
) -> Result<LoadOutcome, LoadError> {
    let controller = ThresholdController { rules: &plan.rules, until_sure: plan.until_sure };
    portcullis_load::run(plan, target, trust, &controller, observer)
}

/// Runs a load that nobody stops, without TLS.
pub fn run_to_the_end(plan: &LoadPlan, target: &Target) -> (Summary, Ended) {
    parts(run(plan, target, &Trust::Nobody, &mut Patient).unwrap())
}

/// What was measured, and how it ended.
pub fn parts(outcome: LoadOutcome) -> (Summary, Ended) {
    let Measured::Exact(summary) = outcome.measured;
    (*summary, outcome.ended)
}

/// An observer that looks on.
pub struct Patient;

impl Observer for Patient {
    fn secret(&mut self, _: &str) {}

    fn goes_on(&mut self) -> bool {
        true
    }

    fn first_round(&mut self, _: &[FirstAnswer]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn progress(&mut self, _: Progress) {}
}
