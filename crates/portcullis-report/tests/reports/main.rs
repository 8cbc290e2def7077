//! The reports of whole runs: sizes, hostile texts, and what they say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::print_stderr, reason = "tests say what they skip")]

mod again;
mod annotations;
mod compared;
mod html;
mod readers;
mod runs;
mod tap;
mod texts;
