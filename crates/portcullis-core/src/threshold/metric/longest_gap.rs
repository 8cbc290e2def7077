//! The longest time without a completed answer, while at least half of the active users
//! waited for one.

use super::{Descriptor, Kind, Measured};
use crate::threshold::Unit;

/// `longest_gap`: of the whole window, so it takes no scope. A percentile hides a pause of the
/// whole service: each user that waits through it counts once.
pub const LONGEST_GAP: Descriptor = Descriptor {
    name: "longest_gap",
    unit: Unit::Milliseconds,
    kind: Kind::Maximum,
    wording: "the longest time without an answer",
    example: "1s",
    measure: |observed| {
        let requests = observed.summary.aggregate().requests;
        let gap = observed.summary.longest_gap.filter(|_| requests > 0);
        Measured { value: gap.map(|gap| gap.length.as_secs_f64() * 1e3), samples: requests }
    },
    unstated: Some("it does not say when no answer came"),
};
