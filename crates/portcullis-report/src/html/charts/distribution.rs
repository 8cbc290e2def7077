//! Latency distributions on a logarithmic axis: the histogram with fewer and wider bins, so
//! that its size is limited.

use portcullis_core::measure::Distribution;
use portcullis_core::threshold::Percentile;
use portcullis_core::units::show_ms;

use super::scale::{Scale, tick_ms};
use super::svg::{bars, drawing, line, rect, text};
use crate::wording::{percent, shortened};

const WIDTH: f64 = 960.0;
const RIGHT: f64 = 940.0;
/// Bins for a factor of ten in latency; each is 12 % wide.
const PER_DECADE: f64 = 20.0;

/// A bin: its ends in milliseconds, and its number of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    low_ms: f64,
    high_ms: f64,
    count: u64,
}

/// The buckets as bins; at most 20 for each factor of ten.
pub fn bins(latencies: &Distribution) -> Vec<Bin> {
    let mut bins: Vec<(i32, u64)> = Vec::new();
    for (us, count) in &latencies.buckets {
        let index = ((*us).max(1) as f64).log10() * PER_DECADE;
        let index = index.floor() as i32;
        match bins.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => bins.push((index, *count)),
        }
    }
    let end = |index: i32| 10f64.powf(f64::from(index) / PER_DECADE) / 1e3;
    let bin =
        |(index, count): (i32, u64)| Bin { low_ms: end(index), high_ms: end(index + 1), count };
    bins.into_iter().map(bin).collect()
}

/// The range of stalled answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stall {
    /// Its start, in milliseconds.
    pub low_ms: f64,
    /// Its end.
    pub high_ms: f64,
    /// The share of answers that look like a delayed acknowledgement.
    pub share: f64,
}

/// One distribution, and what is drawn with it.
#[derive(Clone, Debug)]
pub struct Shown<'a> {
    /// Its name.
    pub name: &'a str,
    /// The latencies of good answers.
    pub latencies: &'a Distribution,
    /// Limits of percentiles, in milliseconds, with their names.
    pub limits: Vec<(String, f64)>,
    /// The range of stalled answers.
    pub stall: Option<Stall>,
}

/// The range of latencies of several distributions and their limits, in milliseconds;
/// `None` without values.
pub fn range(all: &[Shown<'_>]) -> Option<(f64, f64)> {
    let low = all.iter().filter_map(|one| one.latencies.min_ms()).reduce(f64::min)?;
    let high = all.iter().filter_map(|one| one.latencies.max_ms()).reduce(f64::max)?;
    let limits = all.iter().flat_map(|one| &one.limits).map(|(_, ms)| *ms);
    Some((low.max(0.001) * 0.85, limits.fold(high, f64::max) * 1.15))
}

/// All distributions below each other, on one axis.
pub fn ridges(all: &[Shown<'_>], range: (f64, f64)) -> String {
    let (left, row) = (200.0, 36.0);
    let x = Scale::log(range, (left, RIGHT));
    let base_of = |index: usize| 34.0 + row * index as f64;
    let bottom = base_of(all.len().saturating_sub(1));
    let mut inside = axis(&x, (4.0, bottom));
    for (index, shown) in all.iter().enumerate() {
        let base = base_of(index);
        inside.push_str(&line((left, base), (RIGHT, base), "grid"));
        inside.push_str(&text((left - 10.0, base - 4.0), "end", &shortened(shown.name, 28)));
        inside.push_str(&histogram(shown, &x, base, row - 8.0));
    }
    let names: Vec<&str> = all.iter().map(|one| one.name).collect();
    let says = format!("Latency distributions of {}", names.join(", "));
    drawing(WIDTH, bottom + 26.0, "chart", &says, &inside)
}

/// One distribution, larger, with labels for its percentiles.
pub fn alone(shown: &Shown<'_>, range: (f64, f64)) -> String {
    let base = 120.0;
    let x = Scale::log(range, (20.0, RIGHT));
    let named = [(Percentile::P50, "p50"), (Percentile::P95, "p95"), (Percentile::P99, "p99")];
    let mut inside = axis(&x, (14.0, base)) + &line((20.0, base), (RIGHT, base), "axis");
    inside.push_str(&histogram(shown, &x, base, 88.0));
    let mut free = 0.0;
    for (percentile, name) in named {
        let Some(ms) = shown.latencies.percentile_ms(percentile) else { continue };
        // Overlapping labels are moved to the right.
        let at = x.at(ms).max(free);
        free = at + 27.0;
        inside.push_str(&text((at, 24.0), "middle mark", name));
    }
    for (name, limit) in &shown.limits {
        let beside = (x.at(*limit) - 4.0, base - 78.0);
        inside.push_str(&text(beside, "end small", &format!("{name} limit")));
    }
    drawing(WIDTH, base + 26.0, "chart", &says(shown), &inside)
}

fn axis(x: &Scale, (top, bottom): (f64, f64)) -> String {
    let ticks = x.ticks(12).into_iter().map(|tick| {
        line((x.at(tick), top), (x.at(tick), bottom), "grid")
            + &text((x.at(tick), bottom + 16.0), "middle", &tick_ms(tick))
    });
    ticks.collect()
}

fn histogram(shown: &Shown<'_>, x: &Scale, base: f64, height: f64) -> String {
    let bins = bins(shown.latencies);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1);
    let y = Scale::straight((0.0, most as f64), (base, base - height));
    let mut out = String::new();
    if let Some(stall) = shown.stall {
        let (left, right) = (x.at(stall.low_ms), x.at(stall.high_ms));
        out.push_str(&rect((left, base - height), (right - left, height), "stall"));
    }
    // A single request among thousands must be visible.
    let bar =
        |bin: &Bin| (x.at(bin.low_ms), x.at(bin.high_ms), y.at(bin.count as f64).min(base - 1.5));
    out.push_str(&bars(base, bins.iter().map(bar), "bins"));
    for percentile in [Percentile::P50, Percentile::P95, Percentile::P99] {
        if let Some(ms) = shown.latencies.percentile_ms(percentile) {
            out.push_str(&line((x.at(ms), base - height), (x.at(ms), base + 3.0), "mark"));
        }
    }
    for (_, limit) in &shown.limits {
        let at = x.at(*limit);
        out.push_str(&line((at, base - height - 2.0), (at, base + 3.0), "limit"));
    }
    out
}

/// The text alternative of a distribution.
pub fn says(shown: &Shown<'_>) -> String {
    let latencies = shown.latencies;
    let at = |percentile| latencies.percentile_ms(percentile).map_or("–".to_owned(), show_ms);
    let stall = shown.stall.map(|stall| {
        format!("; {} stalled for about 40 ms after the first byte", percent(stall.share))
    });
    format!(
        "{}: {} good answers; p50 {}, p95 {}, p99 {}, max {}{}",
        shown.name,
        latencies.count,
        at(Percentile::P50),
        at(Percentile::P95),
        at(Percentile::P99),
        latencies.max_ms().map_or("–".to_owned(), show_ms),
        stall.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_few_and_lose_nothing() {
        let buckets: Vec<(u64, u64)> = (1..=60_000).map(|n| (n * 1000, 1)).collect();
        let latencies = Distribution {
            count: 60_000,
            min_ns: 1_000_000,
            max_ns: 60_000_000_000,
            buckets,
            ..Distribution::default()
        };
        let bins = bins(&latencies);
        assert!(bins.len() <= 97, "{}", bins.len());
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 60_000);
        assert!(bins.windows(2).all(|pair| pair[0].high_ms <= pair[1].low_ms + 1e-9));
        assert!(bins[0].low_ms <= 1.0 && bins[0].high_ms > 1.0);
    }
}
