//! The longest time without an answer.

use portcullis_core::measure as measured;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::wire::{Seconds, fields};

/// A time without a completed answer while at least half of the active users waited for one.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// Its start, since the start of the window.
    pub at_s: Seconds,
    pub length_s: Seconds,
}

fields!(Gap: measured::Gap { } at { at_s = at, length_s = length });
