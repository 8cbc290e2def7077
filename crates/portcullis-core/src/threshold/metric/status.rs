//! Answers with one status, good and failed: their number, or their share.

use super::{Descriptor, Kind, Measured, Metric, Observed};
use crate::threshold::{Limit, Unit};

/// `status(429)`.
pub const STATUS: Descriptor = Descriptor {
    name: "status",
    unit: Unit::Fraction,
    kind: Kind::Count,
    wording: "the answers with the status",
    example: "0 or 1%",
    measure,
    unstated: Some("it does not count answers by status"),
};

fn measure(observed: &Observed<'_>) -> Measured {
    let Metric::Status(status) = observed.metric else {
        return Measured { value: None, samples: 0 };
    };
    let is_share = matches!(observed.limit, Limit::Share(_));
    let window = observed.summary.window(observed.scope);
    // A number is of the planned window, like `count`; but with a limit of 0, requests after
    // the window count too.
    let is_whole = is_share || observed.limit.value() == 0.0 || window.requests == 0;
    let row = if is_whole { observed.row } else { &window };
    let answers = row.answers_with(status) as f64;
    let value = if is_share { answers / row.requests as f64 } else { answers };
    observed.of_requests(value, row.requests)
}
