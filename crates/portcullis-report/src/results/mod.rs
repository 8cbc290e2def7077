//! `perf_results.json`: writing it, reading it completely or refusing it with the place and
//! the reason, and its JSON Schema. Nothing is guessed or judged.

mod error;
pub(crate) mod number;
pub(crate) mod v1;
pub(crate) mod wire;
pub(crate) mod word;

pub(crate) use error::{At, ensure, known};
pub use error::{Contradiction, ReadError};
pub use v1::SCHEMA_VERSION;
pub(crate) use v1::document::parse;
pub use v1::document::{read, write};
