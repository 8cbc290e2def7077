//! The number of requests, in total and per second, in the planned window. Extra requests
//! after it do not count, because their number depends on rules in doubt.

use super::{Descriptor, Kind};
use crate::threshold::Unit;

/// `rps`: requests per second.
pub const RPS: Descriptor = Descriptor {
    name: "rps",
    unit: Unit::Number,
    kind: Kind::Rate,
    wording: "the number of requests per second",
    example: "20/s",
    measure: |observed| {
        let requests = observed.summary.window(observed.scope).requests;
        observed.of_requests(observed.summary.rate(requests), requests)
    },
    unstated: None,
};

/// `count`: requests.
pub const COUNT: Descriptor = Descriptor {
    name: "count",
    unit: Unit::Number,
    kind: Kind::Count,
    wording: "the number of requests",
    example: "10",
    measure: |observed| {
        let requests = match observed.summary.window(observed.scope).requests {
            0 => observed.row.requests,
            requests => requests,
        };
        observed.of_requests(requests as f64, requests)
    },
    unstated: None,
};
