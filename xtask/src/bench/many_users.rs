//! 10,000 users that wait 1 to 3 s, about 5,000 requests/s: their cost, and how punctual
//! they are.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::clients::portcullis;
use super::scenario::Place;
use super::{Figure, Target, pinned};

const USERS: u32 = 10_000;

/// One run.
///
/// # Errors
/// It failed.
pub fn measure(place: Place, quick: bool) -> Result<Vec<Figure>> {
    let seconds = if quick { 15 } else { 30 };
    let wait = r#"{ min = "1s", max = "3s" }"#;
    let config = place.configuration(USERS, 1_000, wait, seconds)?;
    let child = portcullis::start(&place, &config, seconds)?;
    // Read before the end, when all users are active.
    std::thread::sleep(Duration::from_secs(seconds - 1));
    let kib = peak_kib(child.id()).unwrap_or(f64::NAN);
    let summary = portcullis::summary(&place, &pinned::finish(child)?)?;
    let generator = &summary["generator"];
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let p99_ms = |name: &str| number(&generator[name]["percentiles_ms"]["p99"]);
    let core = number(&generator["cpu_s"]) / number(&summary["measured_s"]);
    Ok(vec![
        Figure::of_ours(
            "10,000 users: resident memory per user",
            kib / f64::from(USERS),
            "KB",
            Target::AtMost(16.0),
        ),
        Figure::of_ours("10,000 users: share of one core", core, "fraction", Target::AtMost(0.6)),
        Figure::of_ours(
            "10,000 users: starts late at p99",
            p99_ms("lag"),
            "ms",
            Target::AtMost(2.0),
        ),
        Figure::of_ours(
            "start of 10,000 users at 1,000 per second: late at p99",
            p99_ms("spawn_lag"),
            "ms",
            Target::AtMost(5.0),
        ),
    ])
}

/// The largest peak of resident memory of a process and its descendants: the shell
/// starts `timeout`, which starts the guard, which starts the worker.
fn peak_kib(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let own: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    Some(children.filter_map(peak_kib).fold(own, f64::max))
}
