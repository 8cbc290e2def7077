//! A server that stalls for 2 s in the middle of 1,000 requests/s: whether the
//! requests that were due in the stall are in the percentiles.

use std::path::Path;

use anyhow::Result;

use super::clients::{Peers, locust, oha, portcullis, wrk};
use super::clock_server::MEASURED_PATH;
use super::scenario::Place;
use super::server_process::ServerProcess;
use super::statistics::percentile;
use super::{Figure, Target, server_process};

const RATE: u32 = 1_000;
const STALL_S: u64 = 2;

/// One run of each client.
///
/// # Errors
/// A client or the server failed.
pub fn measure(folder: &Path, peers: &Peers, quick: bool) -> Result<Vec<Figure>> {
    let seconds = if quick { 8 } else { 15 };
    let server = stalling(seconds)?;
    let place = Place { folder, port: server.port };
    let ours = portcullis::open(&place, MEASURED_PATH, RATE, seconds)?.corrected;
    drop(server);
    let truth_ms = true_p99_ms(seconds, ours.p50_ms);
    let mut figures = vec![
        Figure::of_ours(
            "server stalls 2 s: corrected p99 / true p99, portcullis",
            ours.p99_ms / truth_ms,
            "ratio",
            Target::Within(0.95, 1.05),
        ),
        Figure::beside("server stalls 2 s: true p99, from the schedule", truth_ms, "ms"),
        Figure::beside("server stalls 2 s: corrected p99, portcullis", ours.p99_ms, "ms"),
    ];
    figures.extend(closed_loops(folder, peers, seconds)?);
    Ok(figures)
}

/// The figures of clients that send no requests while the server stalls. wrk corrects its
/// figure: it adds the requests that each connection would have sent meanwhile at the
/// mean rate of the run.
fn closed_loops(folder: &Path, peers: &Peers, seconds: u64) -> Result<Vec<Figure>> {
    let p99 =
        |what: &str, p99_ms| Figure::beside(format!("server stalls 2 s: {what}"), p99_ms, "ms");
    let server = stalling(seconds)?;
    let told = wrk::closed(server.port, MEASURED_PATH, seconds)?;
    let mut figures = vec![p99("p99 with its own correction, wrk", told.p99_ms)];
    drop(server);
    if let Some(path) = &peers.oha {
        let server = stalling(seconds)?;
        let told = oha::closed(path, server.port, MEASURED_PATH, seconds)?;
        figures.push(p99("uncorrected p99, oha", told.p99_ms));
    }
    if let Some(path) = &peers.locust {
        let server = stalling(seconds)?;
        let place = Place { folder, port: server.port };
        let told = locust::at_rate(path, &place, MEASURED_PATH, RATE, seconds)?;
        figures.push(p99("uncorrected p99, Locust", told.p99_ms));
    }
    Ok(figures)
}

/// A server that stalls in the middle of a run of this length.
fn stalling(seconds: u64) -> Result<ServerProcess> {
    let from_ms = (seconds * 500).to_string();
    let stall_ms = (STALL_S * 1_000).to_string();
    server_process::start(&["stall", "--stall-from-ms", &from_ms, "--stall-ms", &stall_ms])
}

/// The 99th percentile that follows from the schedule: request k is due at k / rate, and
/// a request that is due in the stall waits until its end.
fn true_p99_ms(seconds: u64, service_ms: f64) -> f64 {
    let from_ms = seconds as f64 * 500.0;
    let end_ms = from_ms + STALL_S as f64 * 1e3;
    let latency_ms = |request: u64| {
        let due_ms = request as f64 * 1e3 / f64::from(RATE);
        let is_held = (from_ms..end_ms).contains(&due_ms);
        service_ms + if is_held { end_ms - due_ms } else { 0.0 }
    };
    let mut latencies_ms: Vec<f64> = (0..seconds * u64::from(RATE)).map(latency_ms).collect();
    latencies_ms.sort_by(f64::total_cmp);
    percentile(&latencies_ms, 0.99)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_makes_the_true_p99() {
        // 150 of 15,000 waited longer: those due in the stall's first 150 ms.
        assert_eq!(true_p99_ms(15, 0.0), 1_850.0);
        assert_eq!(true_p99_ms(8, 0.5), 1_920.5);
    }
}
