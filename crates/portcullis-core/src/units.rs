//! Quantities with units: `30s`, `500ms`, `5%`, `2/s`, `20kB`.

use std::time::Duration;

/// Why a text is not a valid quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// A number without its unit.
    #[error("\"{0}\" has no unit: write {1}")]
    MissingUnit(String, String),
    /// A unit that is not allowed here.
    #[error("\"{0}\" has an unknown unit: write one of {1}")]
    UnknownUnit(String, &'static str),
    /// Not a number, or one out of range.
    #[error("\"{0}\" is not a {1}")]
    NotANumber(String, &'static str),
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

fn number(text: &str, digits: &str, what: &'static str) -> Result<f64, UnitError> {
    let value = digits.parse::<f64>().ok().filter(|v| v.is_finite());
    value.ok_or_else(|| UnitError::NotANumber(text.trim().to_owned(), what))
}

/// Reads a duration such as `500ms`, `1.5s`, `10m` or `1h`; at most ten years.
///
/// # Errors
/// A missing or unknown unit, or a text that is not a number.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let (digits, unit) = split(text);
    let value = number(text, digits, "duration")?;
    let seconds = match unit {
        "us" | "µs" => value / 1e6,
        "ms" => value / 1e3,
        "s" => value,
        "m" | "min" => value * 60.0,
        "h" => value * 3600.0,
        "" => {
            // Hundreds of seconds are rarely meant.
            let (first, second) = if value < 100.0 { ("s", "ms") } else { ("ms", "s") };
            let example = format!("\"{digits}{first}\" or \"{digits}{second}\"");
            return Err(UnitError::MissingUnit(text.trim().to_owned(), example));
        }
        _ => return Err(UnitError::UnknownUnit(text.trim().to_owned(), "us, ms, s, m, h")),
    };
    if seconds > 10.0 * 365.0 * 86_400.0 {
        return Err(UnitError::NotANumber(text.trim().to_owned(), "duration below ten years"));
    }
    // Rounded to nanoseconds, so that "0.3s" and "300ms" are equal.
    Ok(Duration::from_nanos((seconds * 1e9).round() as u64))
}

/// Reads a latency: a duration that is rather milliseconds if its unit is missing.
///
/// # Errors
/// As [`duration`].
pub fn latency(text: &str) -> Result<Duration, UnitError> {
    duration(text).map_err(|error| match error {
        UnitError::MissingUnit(text, _) => {
            let example = format!("\"{text}ms\" or \"{text}s\"");
            UnitError::MissingUnit(text, example)
        }
        other => other,
    })
}

/// Reads a share such as `5%` as a fraction (0.05), between 0 and 1.
///
/// # Errors
/// A missing or unknown unit, a text that is not a number, or a share above 100 %.
pub fn share(text: &str) -> Result<f64, UnitError> {
    let (digits, unit) = split(text);
    let value = number(text, digits, "percentage")?;
    match unit {
        // Parsed again with the decimal point moved, because 0.7 / 100 differs slightly from
        // 0.007.
        "%" if value <= 100.0 => number(text, &format!("{digits}e-2"), "percentage"),
        "%" => Err(UnitError::NotANumber(text.trim().to_owned(), "percentage between 0% and 100%")),
        "" => Err(UnitError::MissingUnit(text.trim().to_owned(), format!("\"{digits}%\""))),
        _ => Err(UnitError::UnknownUnit(text.trim().to_owned(), "%")),
    }
}

/// Reads a change such as `20%` as a fraction (0.2), which may be above 1.
///
/// # Errors
/// A missing or unknown unit, or a text that is not a number.
pub fn change(text: &str) -> Result<f64, UnitError> {
    let (digits, unit) = split(text);
    number(text, digits, "percentage")?;
    match unit {
        "%" => number(text, &format!("{digits}e-2"), "percentage"),
        "" => Err(UnitError::MissingUnit(text.trim().to_owned(), format!("\"{digits}%\""))),
        _ => Err(UnitError::UnknownUnit(text.trim().to_owned(), "%")),
    }
}

/// Reads percentage points such as `2pt` as a fraction (0.02), between 0 and 1.
///
/// # Errors
/// A missing or unknown unit, a text that is not a number, or more than 100 points.
pub fn points(text: &str) -> Result<f64, UnitError> {
    let (digits, unit) = split(text);
    let value = number(text, digits, "number of points")?;
    match unit {
        "pt" if value <= 100.0 => number(text, &format!("{digits}e-2"), "number of points"),
        "pt" => Err(UnitError::NotANumber(text.trim().to_owned(), "number of points up to 100pt")),
        "" => {
            let example = format!("\"{digits}pt\" or \"{digits}%\"");
            Err(UnitError::MissingUnit(text.trim().to_owned(), example))
        }
        _ => Err(UnitError::UnknownUnit(text.trim().to_owned(), "pt, %")),
    }
}

/// Reads a size such as `512B`, `20kB` or `1.5MiB` in bytes.
///
/// # Errors
/// A missing or unknown unit, or a text that is not a number.
pub fn bytes(text: &str) -> Result<f64, UnitError> {
    let (digits, unit) = split(text);
    let value = number(text, digits, "size")?;
    let bytes = match unit {
        "B" => value,
        "kB" => value * 1e3,
        "MB" => value * 1e6,
        "KiB" => value * 1024.0,
        "MiB" => value * 1_048_576.0,
        "" => {
            let example = format!("\"{digits}B\" or \"{digits}kB\"");
            return Err(UnitError::MissingUnit(text.trim().to_owned(), example));
        }
        _ => return Err(UnitError::UnknownUnit(text.trim().to_owned(), "B, kB, MB, KiB, MiB")),
    };
    let is_finite = bytes.is_finite().then_some(bytes);
    is_finite.ok_or_else(|| UnitError::NotANumber(text.trim().to_owned(), "size"))
}

/// Reads a number without a unit, from 0.
///
/// # Errors
/// The text is not such a number.
pub fn plain(text: &str) -> Result<f64, UnitError> {
    // Checks the sign, not the value, because "-0" is not a limit either.
    let is_plain = |n: &f64| n.is_finite() && n.is_sign_positive();
    let number = text.trim().parse::<f64>().ok().filter(is_plain);
    number.ok_or_else(|| UnitError::NotANumber(text.trim().to_owned(), "number"))
}

/// Reads a rate such as `2/s` or `30/m`, in events per second.
///
/// # Errors
/// A missing or unknown unit, or a text that is not a number.
pub fn rate(text: &str) -> Result<f64, UnitError> {
    let (digits, unit) = split(text);
    let value = number(text, digits, "rate")?;
    match unit {
        "/s" => Ok(value),
        "/m" | "/min" => Ok(value / 60.0),
        "" => Err(UnitError::MissingUnit(text.trim().to_owned(), format!("\"{digits}/s\""))),
        _ => Err(UnitError::UnknownUnit(text.trim().to_owned(), "/s, /m")),
    }
}

/// Writes a duration for people: `850 ms`, `3.2 s`, `2 m 05 s`.
pub fn show_duration(value: Duration) -> String {
    let seconds = value.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} m {:02} s", value.as_secs() / 60, value.as_secs() % 60)
    }
}

/// Writes a latency in milliseconds with a sensible number of digits.
pub fn show_ms(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else if ms < 100.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

/// Writes a size for people: `512 B`, `2.50 kB`, `1.20 MB`.
pub fn show_bytes(bytes: f64) -> String {
    if bytes < 1e3 {
        format!("{bytes:.0} B")
    } else if bytes < 1e6 {
        format!("{:.2} kB", bytes / 1e3)
    } else {
        format!("{:.2} MB", bytes / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("0.3s"), duration("300ms"));
        assert_eq!(duration(" 2 m "), Ok(Duration::from_secs(120)));
        let error = duration("30").unwrap_err().to_string();
        assert_eq!(error, "\"30\" has no unit: write \"30s\" or \"30ms\"");
        let error = duration("500").unwrap_err().to_string();
        assert_eq!(error, "\"500\" has no unit: write \"500ms\" or \"500s\"");
        let error = latency("5").unwrap_err().to_string();
        assert_eq!(error, "\"5\" has no unit: write \"5ms\" or \"5s\"");
        for bad in ["", "s", "-1s", "1 week", "1..2s", "1e999h", "99999999999h", "NaNs"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_and_rates_need_theirs() {
        assert_eq!(share("5%"), Ok(0.05));
        assert!(share("5").is_err() && share("101%").is_err() && share("5 ms").is_err());
        assert_eq!(rate("2/s"), Ok(2.0));
        assert_eq!(rate("30/m"), Ok(0.5));
        assert!(rate("2").is_err());
    }

    #[test]
    fn changes_points_and_sizes_need_theirs() {
        assert_eq!((change("20%"), change("150 %")), (Ok(0.2), Ok(1.5)));
        assert_eq!((points("2pt"), points("0.7pt")), (Ok(0.02), Ok(0.007)));
        assert_eq!((bytes("512B"), bytes("1.5 MiB")), (Ok(512.0), Ok(1_572_864.0)));
        assert_eq!((bytes("20kB"), bytes("20KiB")), (Ok(20_000.0), Ok(20_480.0)));
        for bad in ["20", "2pt", "-2%", "%", "1e1%"] {
            assert!(change(bad).is_err(), "{bad}");
        }
        for bad in ["2", "2%", "101pt", "pt"] {
            assert!(points(bad).is_err(), "{bad}");
        }
        for bad in ["20", "20KB", "20kb", "B"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        let digits = "9".repeat(308);
        assert!(bytes(&format!("{digits}B")).is_ok() && bytes(&format!("{digits}kB")).is_err());
        assert_eq!(show_bytes(20_480.0), "20.48 kB");
    }
}
