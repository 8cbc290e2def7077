//! Time to first byte: from sending a request to the first byte of its answer.

use super::{Descriptor, Kind, Measured};
use crate::threshold::{Limit, Unit};

/// `ttfb`: the mean of good answers, like the column of the same name. A failure that took
/// longer than the limit counts with its whole time, so that it is not ignored.
pub const TTFB: Descriptor = Descriptor {
    name: "ttfb",
    unit: Unit::Milliseconds,
    kind: Kind::Mean,
    wording: "the mean time to first byte",
    example: "300ms",
    measure: |observed| {
        let mut times = observed.row.first_byte.clone();
        if let Limit::Latency(limit) = observed.limit {
            times.add(&observed.row.failed_latency.above(limit));
        }
        Measured { value: times.mean_ms(), samples: observed.row.first_byte.count }
    },
    unstated: Some("it has no time to first byte"),
};
