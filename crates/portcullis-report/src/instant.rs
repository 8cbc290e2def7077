//! Instants in files: RFC 3339 in UTC.

use std::time::{Duration, UNIX_EPOCH};

/// The last instant that RFC 3339 can express: the end of the year 9999.
const LAST_UNIX_MS: u64 = 253_402_300_799_999;

/// The instant as RFC 3339 in UTC, to the millisecond; at most the end of the year 9999.
pub fn rfc3339(unix_ms: u64) -> String {
    let unix_ms = unix_ms.min(LAST_UNIX_MS);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(unix_ms)).to_string()
}

/// The milliseconds since 1970 of an instant in this form; `None` for another text.
pub fn unix_ms(text: &str) -> Option<u64> {
    let since = humantime::parse_rfc3339(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_instant_is_beyond_what_can_be_said() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        for unix_ms in [LAST_UNIX_MS, LAST_UNIX_MS + 1, u64::MAX] {
            assert_eq!(rfc3339(unix_ms), "9999-12-31T23:59:59.999Z");
        }
    }
}
