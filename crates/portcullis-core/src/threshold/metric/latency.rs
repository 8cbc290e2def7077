//! Latencies of good answers, up to the last byte: percentiles, maximum, mean.

use super::{Descriptor, Kind, Measured, Metric, Observed};
use crate::threshold::Unit;

/// `p95`: nearest rank. The verdict uses exact counts instead of a bucket.
pub const PERCENTILE: Descriptor = Descriptor {
    name: "p",
    unit: Unit::Milliseconds,
    kind: Kind::Quantile,
    wording: "the percentile of the latency",
    example: "500ms",
    measure: |observed| {
        let latencies = observed.latencies();
        let value = match observed.metric {
            Metric::Percentile(percentile) => latencies.percentile_ms(percentile),
            _ => None,
        };
        Measured { value, samples: latencies.count }
    },
    unstated: None,
};

/// `max`: the maximum.
pub const MAX: Descriptor = Descriptor {
    name: "max",
    unit: Unit::Milliseconds,
    kind: Kind::Maximum,
    wording: "the longest latency",
    example: "500ms",
    measure: |observed| of_good(observed, observed.latencies().max_ms()),
    unstated: None,
};

/// `mean`: the arithmetic mean.
pub const MEAN: Descriptor = Descriptor {
    name: "mean",
    unit: Unit::Milliseconds,
    kind: Kind::Mean,
    wording: "the mean latency",
    example: "500ms",
    measure: |observed| of_good(observed, observed.latencies().mean_ms()),
    unstated: None,
};

fn of_good(observed: &Observed<'_>, value: Option<f64>) -> Measured {
    Measured { value, samples: observed.row.latency.count }
}
