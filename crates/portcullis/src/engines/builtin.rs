//! The built-in engine, which runs in this process.

use portcullis_core::engine::{LoadOutcome, Observer};
use portcullis_core::judge::ThresholdController;
use portcullis_core::plan::LoadPlan;
use portcullis_core::target::Target;
use portcullis_load::{LoadError, Trust};

use super::NotBegun;

/// Runs the first round, then the load to its end.
///
/// # Errors
/// The load did not begin.
pub fn run(
    plan: &LoadPlan,
    target: &Target,
    trust: &Trust,
    observer: &mut dyn Observer,
) -> Result<LoadOutcome, NotBegun> {
    let controller = ThresholdController { rules: &plan.rules, until_sure: plan.until_sure };
    portcullis_load::run(plan, target, trust, &controller, observer).map_err(|error| match error {
        LoadError::Login(failure) => NotBegun::Login(failure),
        error @ LoadError::SetUp(_) => NotBegun::SetUp(error.to_string()),
        error @ LoadError::Connect(_) => NotBegun::Unreachable(error.to_string()),
        error => NotBegun::Engine(error.to_string()),
    })
}
