//! The mean unpacked size of all bodies.

use super::{Descriptor, Kind};
use crate::threshold::Unit;

/// `size`.
pub const SIZE: Descriptor = Descriptor {
    name: "size",
    unit: Unit::Bytes,
    kind: Kind::Mean,
    wording: "the mean size of a body",
    example: "20kB",
    measure: |observed| observed.of_requests(observed.row.mean_body_bytes(), observed.row.requests),
    unstated: None,
};
