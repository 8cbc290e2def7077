//! The share of checks that were met, hard and soft.

use super::{Descriptor, Kind, Measured};
use crate::threshold::Unit;

/// `checks`, of all requests, of a task, or of the check with this name.
pub const CHECKS: Descriptor = Descriptor {
    name: "checks",
    unit: Unit::Fraction,
    kind: Kind::Share,
    wording: "the share of checks that were met",
    example: "99%",
    measure: |observed| {
        let (checked, failed) = observed.summary.checks(observed.scope);
        let met = checked.saturating_sub(failed) as f64 / checked as f64;
        Measured { value: (checked > 0).then_some(met), samples: checked }
    },
    unstated: Some("it does not count checks"),
};
