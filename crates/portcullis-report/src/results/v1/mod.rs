//! Version 1 of the file, one concept in each module: the struct that is written, read,
//! and made into the JSON Schema, with the way from a run and the way back. Core's types
//! can change without changing it. Doc comments become the schema's descriptions.

pub mod baseline;
pub mod check;
pub mod comparison;
pub mod document;
pub mod evidence;
pub mod failure;
pub mod finding;
pub mod first_round;
pub mod gap;
pub mod generator;
pub mod latency;
pub mod machine;
pub mod places;
pub mod row;
pub mod samples;
pub mod series;
pub mod server;
pub mod stage;
pub mod summary;
pub mod task;
pub mod threshold;

use std::borrow::Cow;

/// Version of the format: raised when a field is removed or changes its meaning, not when a
/// field is added.
pub const SCHEMA_VERSION: u32 = 1;

/// Borrowed from a run while it is written, owned when it was read.
pub type Text<'a> = Cow<'a, str>;
