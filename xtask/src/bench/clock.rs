//! Compares latencies with the server's own clock, at 1,000 requests/s: how much a client
//! adds to the durations that the server measured.

use std::path::Path;

use anyhow::Result;

use super::clients::{Peers, Told, k6, locust, oha, portcullis};
use super::clock_server::MEASURED_PATH as PATH;
use super::scenario::Place;
use super::statistics::{median, percentile};
use super::{Figure, Target, server_process};

const RATE: u32 = 1_000;

/// How far one client's percentiles were from the server's, round by round.
struct Client {
    name: &'static str,
    off_p50_ms: Vec<f64>,
    off_p99_ms: Vec<f64>,
}

/// A percentile, its limit, and the field with a client's errors.
type Question = (&'static str, f64, fn(&Client) -> &[f64]);

const QUESTIONS: [Question; 2] =
    [("p50", 0.2, |client| &client.off_p50_ms), ("p99", 0.5, |client| &client.off_p99_ms)];

/// Makes the rounds; returns their figures.
///
/// # Errors
/// A client or the server failed.
pub fn measure(folder: &Path, peers: &Peers, quick: bool) -> Result<Vec<Figure>> {
    let (rounds, seconds) = if quick { (1, 5) } else { (3, 10) };
    let names = ["portcullis", "oha", "k6", "Locust"];
    let [mut ours, mut oha, mut k6, mut locust] = names.map(Client::new);
    for _ in 0..rounds {
        ours.add(folder, seconds, |place| {
            Ok(portcullis::open(&place, PATH, RATE, seconds)?.service)
        })?;
        if let Some(path) = &peers.oha {
            oha.add(folder, seconds, |at| oha::at_rate(path, at.port, PATH, RATE, seconds))?;
        }
        if let Some(path) = &peers.k6 {
            k6.add(folder, seconds, |place| k6::at_rate(path, &place, PATH, RATE, seconds))?;
        }
        if let Some(path) = &peers.locust {
            locust.add(folder, seconds, |at| locust::at_rate(path, &at, PATH, RATE, seconds))?;
        }
    }
    let mut peers = vec![oha, k6, locust];
    peers.retain(|peer| !peer.off_p50_ms.is_empty());
    Ok(QUESTIONS.iter().flat_map(|question| figures(question, &ours, &peers)).collect())
}

fn figures((name, limit, off): &Question, ours: &Client, peers: &[Client]) -> Vec<Figure> {
    let what = |client: &Client| {
        format!("latency compared with the server's own clock: {name} off, {}", client.name)
    };
    let off = |client: &Client| median(off(client).iter().copied());
    let mut figures = vec![Figure::of_ours(what(ours), off(ours), "ms", Target::AtMost(*limit))];
    figures.extend(peers.iter().map(|peer| Figure::beside(what(peer), off(peer), "ms")));
    figures
}

impl Client {
    fn new(name: &'static str) -> Self {
        Self { name, off_p50_ms: Vec::new(), off_p99_ms: Vec::new() }
    }

    /// Adds a run with a server of its own.
    fn add(
        &mut self,
        folder: &Path,
        seconds: u64,
        run: impl FnOnce(Place) -> Result<Told>,
    ) -> Result<()> {
        let server = server_process::start(&["clock"])?;
        let told = run(Place { folder, port: server.port })?;
        let own_ms = server.own_ms()?;
        let sent = told.requests / (f64::from(RATE) * seconds as f64);
        if sent < 0.95 {
            eprintln!("xtask: {} sent only {:.0} % of 1,000 requests/s", self.name, sent * 100.0);
        }
        self.off_p50_ms.push((told.p50_ms - percentile(&own_ms, 0.5)).abs());
        self.off_p99_ms.push((told.p99_ms - percentile(&own_ms, 0.99)).abs());
        Ok(())
    }
}
