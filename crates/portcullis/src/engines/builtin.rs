//! The engine of our own, in this process.

use std::ops::ControlFlow;

use portcullis_core::plan::LoadPlan;
use portcullis_core::target::Target;
use portcullis_load::{FirstRoundError, Observation, Trust};

use super::{Measured, Observer};
use crate::run::StageFailure;

/// Runs the first round, then the load to its end.
///
/// # Errors
/// The observer ended it after the first round.
pub fn run(
    plan: &LoadPlan,
    target: &Target,
    trust: &Trust,
    observer: &mut dyn Observer,
) -> Result<Measured, StageFailure> {
    let first = portcullis_load::first_round(plan, target, trust, || observer.is_interrupted());
    // Before anything else is told: a log that is collected may hold it.
    let token = match &first {
        Ok(first) => first.token.as_deref(),
        Err(FirstRoundError::Stopped(token)) => token.as_deref(),
        Err(_) => None,
    };
    token.into_iter().for_each(|token| observer.secret(token));
    let first = observer.first_round(first)?;
    let outcome = portcullis_load::run(plan, target, first, |observation| {
        if let Observation::Progress(progress) = observation {
            observer.progress(progress);
        }
        match observer.goes_on() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    observer.over();
    outcome.tokens.iter().for_each(|token| observer.secret(token));
    Ok(Measured { summary: outcome.summary, ended: outcome.ended })
}
