//! The response parser, fed with any bytes in any pieces.
#![no_main]

#[path = "../checks/response.rs"]
mod response;

libfuzzer_sys::fuzz_target!(|input: &[u8]| response::check(input));
