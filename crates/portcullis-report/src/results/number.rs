//! Numbers in files, within the range that a run can have produced, so that sums stay in
//! range.

use std::time::Duration;

use super::{Contradiction, ensure, known};
use crate::instant;

/// The largest accepted number of requests.
pub const MOST: u64 = 1_000_000_000_000;
/// The longest accepted latency, in milliseconds: ten years.
pub const LONGEST_MS: f64 = 10.0 * 365.0 * 86_400_000.0;

/// A count, in plain digits.
pub fn count(text: &str) -> Result<u64, Contradiction> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_plain);
    known(number, format_args!("\"{text}\" is not a count")).and_then(believed)
}

/// The count, if a run can have reached it.
pub fn believed(count: u64) -> Result<u64, Contradiction> {
    ensure(count <= MOST, format_args!("{count} is more than any run can count"))?;
    Ok(count)
}

/// A number that is finite and not negative.
pub fn number(text: &str) -> Result<f64, Contradiction> {
    let number = text.parse::<f64>().ok().filter(|number| is_sound(*number));
    known(number, format_args!("\"{text}\" is not a number of at least 0"))
}

/// Whether a number is finite and not negative.
pub fn is_sound(number: f64) -> bool {
    number.is_finite() && number.is_sign_positive()
}

/// A latency in milliseconds.
pub fn latency_ms(ms: f64) -> Result<f64, Contradiction> {
    let is_believed = is_sound(ms) && ms <= LONGEST_MS;
    ensure(is_believed, format_args!("{ms} is not a latency in milliseconds"))?;
    Ok(ms)
}

/// A latency in whole nanoseconds, as before it was written as milliseconds: exact up to
/// 2^53 ns, which is 104 days.
pub fn latency_ns(ms: f64) -> Result<u64, Contradiction> {
    // At most ten years, which fits.
    latency_ms(ms).map(|ms| (ms * 1e6).round() as u64)
}

/// A duration in seconds, to the nanosecond.
pub fn seconds(seconds: f64) -> Result<Duration, Contradiction> {
    let ns = latency_ns(seconds * 1e3);
    let ns = ns.map_err(|_| Contradiction::new(format!("{seconds} s is not a duration")))?;
    Ok(Duration::from_nanos(ns))
}

/// A number of any sign.
pub fn finite(number: f64) -> Result<f64, Contradiction> {
    ensure(number.is_finite(), format_args!("{number} is not a finite number"))?;
    Ok(number)
}

/// A latency, as before it was written as milliseconds.
pub fn latency(ms: f64) -> Result<Duration, Contradiction> {
    latency_ns(ms).map(Duration::from_nanos)
}

/// An instant in RFC 3339, in milliseconds since 1970.
pub fn unix_ms(text: &str) -> Result<u64, Contradiction> {
    known(instant::unix_ms(text), format_args!("\"{text}\" is not a date and time"))
}
