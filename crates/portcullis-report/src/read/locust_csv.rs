//! Locust's statistics file, as written by versions 2.20 to 2.47: URLs with exact counts,
//! minima and maxima, and percentiles rounded to about two digits.

use std::collections::HashSet;

use portcullis_core::check::{FailedLatencies, Stated, StatedLatency, StatedRow, before_rounding};
use portcullis_core::measure::REPORTED_PERCENTILES;

use super::ReadError;
use super::companions::Companions;
use super::table::{self, Line};
use crate::locust_csv::{PERCENTILES, stats_columns};

/// A statistics file, and the files beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct LocustStats {
    /// The figures.
    pub stated: Stated,
    /// The information from the other files of the run.
    pub companions: Companions,
}

const TOTAL: &str = "Aggregated";
const REQUESTS: &str = "Request Count";
const FAILURES: &str = "Failure Count";
const MAX: &str = "Max Response Time";

/// Reads a statistics file, without its companions.
///
/// # Errors
/// Other columns, a cell without the form of its column, figures that contradict each
/// other, or a truncated file.
pub fn read_stats(bytes: &[u8]) -> Result<LocustStats, ReadError> {
    let table = table::read(bytes, "a statistics file of Locust", &[stats_columns()])?;
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    let mut total = None;
    for line in table.lines() {
        if total.is_some() {
            return Err(line.wrong("Name", "a row after the Aggregated row"));
        }
        let row = row(line)?;
        if (row.method.as_str(), row.name.as_str()) == ("", TOTAL) {
            total = Some(row);
        } else if seen.insert((row.method.clone(), row.name.clone())) {
            rows.push(row);
        } else {
            return Err(line.wrong("Name", format!("duplicate row \"{}\"", row.name)));
        }
    }
    let Some(aggregate) = total else {
        return Err(ReadError::Cut("it has no Aggregated row".to_owned()));
    };
    add_up(&rows, &aggregate)?;
    let stated = Stated { rows, aggregate, failed_latencies: FailedLatencies::Unknown };
    Ok(LocustStats { stated, companions: Companions::default() })
}

fn row(line: Line<'_>) -> Result<StatedRow, ReadError> {
    let requests = line.count(REQUESTS)?;
    let failures = line.count(FAILURES)?;
    if failures > requests {
        return Err(line.wrong(FAILURES, format!("{failures} of {requests} requests failed")));
    }
    for column in ["Median Response Time", "Failures/s"] {
        line.decimal(column)?;
    }
    Ok(StatedRow {
        method: line.text("Type").to_owned(),
        name: line.text("Name").to_owned(),
        requests,
        failures,
        mean_body_bytes: line.decimal("Average Content Size")?,
        requests_per_s: line.decimal("Requests/s")?,
        latency: latency(line, requests, failures)?,
    })
}

/// The latencies of a row. Percentiles can be `N/A`: in Locust for rows without requests,
/// in Portcullis for rows without good answers.
fn latency(
    line: Line<'_>,
    requests: u64,
    failures: u64,
) -> Result<Option<StatedLatency>, ReadError> {
    let mean_ms = line.latency_ms("Average Response Time")?;
    let min_ms = line.latency_ms("Min Response Time")?;
    let max_ms = line.latency_ms(MAX)?;
    if PERCENTILES.iter().all(|column| line.text(column) == "N/A") {
        if requests > failures {
            return Err(line.wrong(PERCENTILES[0], "N/A although there were good answers"));
        }
        return Ok(None);
    }
    let mut percentiles_ms = Vec::new();
    for (percentile, column) in REPORTED_PERCENTILES.into_iter().zip(PERCENTILES) {
        percentiles_ms.push((percentile, line.latency_ms(column)?));
    }
    if requests == 0 {
        return Err(line.wrong(REQUESTS, "0 although there are latencies"));
    }
    let latency = StatedLatency { mean_ms, min_ms, max_ms, percentiles_ms };
    possible(line, &latency)?;
    Ok(Some(latency))
}

/// Sums of floats are not exact; the mean of equal values can differ from them in the last
/// digits.
const TOLERANCE: f64 = 1e-9;

fn possible(line: Line<'_>, latency: &StatedLatency) -> Result<(), ReadError> {
    let (min, mean, max) = (latency.min_ms, latency.mean_ms, latency.max_ms);
    if min > max {
        return Err(line.wrong(MAX, format!("{max} is below the minimum, {min}")));
    }
    if mean < min * (1.0 - TOLERANCE) || mean > max * (1.0 + TOLERANCE) {
        let message = format!("{mean} is not between the minimum, {min}, and the maximum, {max}");
        return Err(line.wrong("Average Response Time", message));
    }
    let mut last = 0.0;
    for ((_, ms), column) in latency.percentiles_ms.iter().zip(PERCENTILES) {
        if *ms < last {
            return Err(line.wrong(column, format!("{ms} is below the previous percentile")));
        }
        let values = before_rounding(*ms);
        let is_last = column == "100%";
        if values.low_ms > max || values.high_ms < if is_last { max } else { min } {
            let message = format!("{ms} is not between the minimum, {min}, and the maximum, {max}");
            return Err(line.wrong(column, message));
        }
        last = *ms;
    }
    Ok(())
}

/// Checks that the rows add up to the aggregate.
fn add_up(rows: &[StatedRow], aggregate: &StatedRow) -> Result<(), ReadError> {
    let of = |count: fn(&StatedRow) -> u64| rows.iter().map(count).sum::<u64>();
    let (requests, failures) = (of(|row| row.requests), of(|row| row.failures));
    if requests != aggregate.requests {
        let login = rows.iter().find(|row| row.name == "login");
        if login.is_some_and(|login| requests - login.requests == aggregate.requests) {
            return Err(ReadError::OwnTable);
        }
        let total = aggregate.requests;
        let message =
            format!("its rows have {requests} requests, but its Aggregated row has {total}");
        return Err(ReadError::inconsistent(message));
    }
    if failures != aggregate.failures {
        let total = aggregate.failures;
        let message =
            format!("its rows have {failures} failures, but its Aggregated row has {total}");
        return Err(ReadError::inconsistent(message));
    }
    let longest = |row: &StatedRow| row.latency.as_ref().map(|latency| latency.max_ms);
    let (of_rows, total) = (rows.iter().filter_map(longest).reduce(f64::max), longest(aggregate));
    if of_rows != total {
        let shown = |ms: Option<f64>| ms.map_or("none".to_owned(), |ms| format!("{ms} ms"));
        let (of_rows, total) = (shown(of_rows), shown(total));
        let message = format!(
            "the maximum of its rows is {of_rows}, but that of its Aggregated row is {total}"
        );
        return Err(ReadError::inconsistent(message));
    }
    if aggregate.requests > 0 && total == Some(0.0) {
        return Err(ReadError::inconsistent("all response times are 0".to_owned()));
    }
    Ok(())
}
