//! The shape of the repository, checked: arrows between crates and between the rooms of a
//! crate, allowed places, module docs, file lengths, names.
//!
//! A *room* is a top-level module. Arrows between rooms go down only, and never in a
//! circle; `layers` holds the order of each crate, `rooms` finds what breaks it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod crates;
mod layers;
mod paths;
mod planted;
mod rooms;
mod sources;
mod words;
