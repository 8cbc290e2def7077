//! The CPU time per request and the throughput of each client, in turns, with the same
//! nginx worker and the same 50 connections.

use anyhow::Result;

use super::clients::{Peers, Told, k6, locust, oha, portcullis, wrk};
use super::scenario::Place;
use super::statistics::median;
use super::{Figure, Target};

const PATH: &str = "/api/v1/claims/";

/// One client's runs, one for each round.
struct Client {
    name: &'static str,
    load: &'static str,
    seconds: f64,
    runs: Vec<Told>,
    /// CPU time per request before the start was subtracted.
    whole_us: Vec<f64>,
}

impl Client {
    fn new(name: &'static str, load: &'static str, seconds: u64) -> Self {
        Self { name, load, seconds: seconds as f64, runs: Vec::new(), whole_us: Vec::new() }
    }

    /// k6 and Locust take a second or more to start. That is not a cost of requests, so it
    /// is subtracted, only for them.
    fn add_without_start(&mut self, run: Told, start_cpu_s: f64) {
        self.whole_us.push(run.cpu_us_per_request());
        self.runs.push(Told { cpu_s: run.cpu_s - start_cpu_s, ..run });
    }

    fn cpu(&self) -> Figure {
        let cpu = median(self.runs.iter().map(Told::cpu_us_per_request));
        Figure::beside(format!("CPU per request, {}, {}", self.name, self.load), cpu, "µs")
    }

    fn cpu_with_start(&self) -> Option<Figure> {
        let what = format!("CPU per request with the start, {}", self.name);
        let cpu = median(self.whole_us.iter().copied());
        (!self.whole_us.is_empty()).then(|| Figure::beside(what, cpu, "µs"))
    }

    fn throughput(&self) -> Figure {
        let rate = median(self.runs.iter().map(|run| run.requests / self.seconds));
        Figure::beside(format!("throughput, {}, 50 connections", self.name), rate, "requests/s")
    }
}

struct Clients {
    ours: Client,
    wrk: Client,
    oha: Client,
    k6: Client,
    locust: Client,
}

/// Makes the rounds; returns their figures.
///
/// # Errors
/// A client failed.
pub fn measure(place: Place, peers: &Peers, quick: bool) -> Result<Vec<Figure>> {
    let (rounds, seconds) = if quick { (3, 4) } else { (5, 8) };
    let (tasks, one) = ("ten tasks with checks", "one request without checks");
    let mut clients = Clients {
        ours: Client::new("portcullis", tasks, seconds),
        wrk: Client::new("wrk", one, seconds),
        oha: Client::new("oha", one, seconds),
        k6: Client::new("k6", tasks, seconds),
        locust: Client::new("Locust FastHttpUser", tasks, seconds),
    };
    for _ in 0..rounds {
        clients.round(place, peers, seconds)?;
    }
    Ok(clients.figures())
}

impl Clients {
    fn round(&mut self, place: Place, peers: &Peers, seconds: u64) -> Result<()> {
        self.wrk.runs.push(wrk::closed(place.port, PATH, seconds)?);
        self.ours.runs.push(portcullis::scenario(&place, seconds)?);
        if let Some(oha) = &peers.oha {
            self.oha.runs.push(oha::closed(oha, place.port, PATH, seconds)?);
        }
        if let Some(k6) = &peers.k6 {
            let start_cpu_s = k6::start_cpu_s(k6, &place)?;
            self.k6.add_without_start(k6::scenario(k6, &place, seconds)?, start_cpu_s);
        }
        if let Some(locust) = &peers.locust {
            let start_cpu_s = locust::start_cpu_s(locust, &place)?;
            let run = locust::scenario(locust, &place, seconds)?;
            self.locust.add_without_start(run, start_cpu_s);
        }
        Ok(())
    }

    fn figures(&self) -> Vec<Figure> {
        let Self { ours, wrk, oha, k6, locust } = self;
        let peers = [wrk, oha, k6, locust].into_iter().filter(|peer| !peer.runs.is_empty());
        let mut figures = vec![ours.cpu()];
        figures.extend(peers.map(Client::cpu));
        figures.extend([k6, locust].into_iter().filter_map(Client::cpu_with_start));
        for (peer, limit) in [(wrk, 1.0), (k6, 0.125), (locust, 0.056)] {
            figures.extend(self.ratio(
                "CPU per request",
                Told::cpu_us_per_request,
                peer,
                Target::AtMost(limit),
            ));
        }
        let fast = [wrk, oha].into_iter().filter(|peer| !peer.runs.is_empty());
        figures.push(ours.throughput());
        figures.extend(fast.map(Client::throughput));
        for peer in [wrk, oha] {
            figures.extend(self.ratio(
                "throughput",
                |run| run.requests,
                peer,
                Target::AtLeast(1.0),
            ));
        }
        figures
    }

    /// The median over rounds of the ratio within each round, because the machine's speed
    /// drifts between rounds. `None` without the other tool.
    fn ratio(
        &self,
        what: &str,
        pick: fn(&Told) -> f64,
        peer: &Client,
        target: Target,
    ) -> Option<Figure> {
        let pairs = self.ours.runs.iter().zip(&peer.runs);
        let ratio = median(pairs.map(|(ours, peer)| pick(ours) / pick(peer)));
        let what = format!("{what}, portcullis / {}, median of pairs", peer.name);
        (!peer.runs.is_empty()).then(|| Figure::of_ours(what, ratio, "ratio", target))
    }
}
