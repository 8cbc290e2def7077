//! The reports of whole runs: sizes, hostile texts, and what they say.
#![allow(clippy::unwrap_used, reason = "tests")]

mod browser;
mod html;
mod readers;
mod runs;
mod texts;
