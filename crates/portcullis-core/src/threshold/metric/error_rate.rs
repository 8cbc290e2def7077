//! The share of failed requests.

use super::{Descriptor, Kind, Measured};
use crate::threshold::Unit;

/// `error_rate`.
pub const ERROR_RATE: Descriptor = Descriptor {
    name: "error_rate",
    unit: Unit::Fraction,
    kind: Kind::Share,
    wording: "the error rate",
    example: "5%",
    measure: |observed| Measured {
        value: observed.row.error_rate(),
        samples: observed.row.requests,
    },
    unstated: None,
};
