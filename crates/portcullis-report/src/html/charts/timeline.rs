//! The use of CPU and memory by the started server over the load.

use portcullis_core::measure::UsageAt;

use super::scale::{Scale, short};
use super::svg::{drawing, polyline, text};
use super::time::{grid, time_axis};
use crate::wording::bytes;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 880.0;

/// The chart; empty with fewer than two points.
pub fn timeline(moments: &[UsageAt]) -> String {
    let Some(last) = moments.last().filter(|_| moments.len() > 1) else { return String::new() };
    let x = Scale::straight((0.0, last.at.as_secs_f64()), (LEFT, RIGHT));
    let cores: Vec<(f64, f64)> = moments.windows(2).filter_map(cores).collect();
    let memory: Vec<(f64, f64)> = moments
        .iter()
        .map(|moment| (moment.at.as_secs_f64(), moment.memory_bytes as f64 / MIB))
        .collect();
    let most = |values: &[(f64, f64)]| values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let (most_cores, most_memory) = (most(&cores), most(&memory));
    let panel = |values: &[(f64, f64)], most: f64, (top, base): (f64, f64), name: &str| {
        let y = Scale::straight((0.0, most.max(0.01) * 1.15), (base, top));
        let places = values.iter().map(|(at, value)| Some((x.at(*at), y.at(*value))));
        grid(&y, 3, short)
            + &polyline(places, "line p95")
            + &text((RIGHT + 8.0, base - 4.0), "start", name)
    };
    let inside = panel(&cores, most_cores, (8.0, 80.0), "cores")
        + &panel(&memory, most_memory, (98.0, 158.0), "MiB")
        + &time_axis(&x, 172.0);
    let says = format!(
        "Server usage during the load: {most_cores:.2} cores at most, {} of memory at most",
        bytes(most_memory * MIB)
    );
    drawing(WIDTH, 192.0, "chart", &says, &inside)
}

const MIB: f64 = (1 << 20) as f64;

/// CPUs used between two points, at the time in their middle.
fn cores(two: &[UsageAt]) -> Option<(f64, f64)> {
    let [before, after] = two else { return None };
    let span = after.at.saturating_sub(before.at).as_secs_f64();
    let used = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let middle = (before.at.as_secs_f64() + after.at.as_secs_f64()) / 2.0;
    (span > 0.0).then(|| (middle, used / span))
}
