//! A rule, read from any text.
#![no_main]

#[path = "../checks/threshold.rs"]
mod threshold;

libfuzzer_sys::fuzz_target!(|input: &[u8]| threshold::check(input));
