//! Wall-clock times for reports. Latencies use the monotonic clock only.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The whole second that contains a moment.
pub fn second(moment: std::time::Duration) -> u32 {
    u32::try_from(moment.as_secs()).unwrap_or(u32::MAX)
}
