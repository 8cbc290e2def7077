//! Latencies beside the server's own clock, at 1,000 requests/s: what a client
//! adds to the times that the server knows.

use std::path::Path;

use anyhow::Result;

use super::clients::{Peers, Told, k6, locust, oha, portcullis};
use super::clock_server::MEASURED_PATH;
use super::scenario::Place;
use super::statistics::{median, percentile};
use super::{Figure, Target, server_process};

const RATE: u32 = 1_000;

/// How far one client's percentiles were from the server's, round by round.
#[derive(Default)]
struct Error {
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
}

/// The rounds, and what they say.
///
/// # Errors
/// A client or the server failed.
pub fn measure(folder: &Path, peers: &Peers, quick: bool) -> Result<Vec<Figure>> {
    let (rounds, seconds) = if quick { (1, 5) } else { (3, 10) };
    let [mut ours, mut oha, mut k6, mut locust] = [(); 4].map(|()| Error::default());
    for _ in 0..rounds {
        ours.add(folder, |place| {
            Ok(portcullis::open(&place, MEASURED_PATH, RATE, seconds)?.service)
        })?;
        if let Some(path) = &peers.oha {
            oha.add(folder, |place| oha::at_rate(path, place.port, MEASURED_PATH, RATE, seconds))?;
        }
        if let Some(path) = &peers.k6 {
            k6.add(folder, |place| k6::at_rate(path, &place, MEASURED_PATH, RATE, seconds))?;
        }
        if let Some(path) = &peers.locust {
            locust
                .add(folder, |place| locust::at_rate(path, &place, MEASURED_PATH, RATE, seconds))?;
        }
    }
    let peers = [("oha", oha), ("k6", k6), ("Locust", locust)];
    let peers: Vec<_> = peers.into_iter().filter(|(_, error)| !error.p50_ms.is_empty()).collect();
    let what = |percentile: &str, name: &str| {
        format!("latency beside the server's own clock: {percentile} off, {name}")
    };
    let median = |values: &[f64]| median(values.iter().copied());
    let mut figures = Vec::new();
    for (name, limit, pick) in PERCENTILES {
        let value = median(pick(&ours));
        figures.push(Figure::of_ours(what(name, "portcullis"), value, "ms", Target::AtMost(limit)));
        figures.extend(
            peers
                .iter()
                .map(|(peer, error)| Figure::beside(what(name, peer), median(pick(error)), "ms")),
        );
    }
    Ok(figures)
}

type Pick = fn(&Error) -> &[f64];
const PERCENTILES: [(&str, f64, Pick); 2] =
    [("p50", 0.2, |error| &error.p50_ms), ("p99", 0.5, |error| &error.p99_ms)];

impl Error {
    /// One client against a server of its own.
    fn add(&mut self, folder: &Path, client: impl FnOnce(Place) -> Result<Told>) -> Result<()> {
        let server = server_process::start(&["clock"])?;
        let told = client(Place { folder, port: server.port })?;
        let own_ms = server.own_ms()?;
        self.p50_ms.push((told.p50_ms - percentile(&own_ms, 0.5)).abs());
        self.p99_ms.push((told.p99_ms - percentile(&own_ms, 0.99)).abs());
        Ok(())
    }
}
