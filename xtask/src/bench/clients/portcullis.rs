//! Portcullis itself: the whole job of `perf` with a running server.

use std::process::{Child, Command};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Told;
use crate::bench::pinned::{self, Ran};
use crate::bench::scenario::Place;

/// 50 users of the ten tasks, without waits.
///
/// # Errors
/// The job failed.
pub fn scenario(place: &Place, seconds: u64) -> Result<Told> {
    let wait = r#"{ min = "0s", max = "0s" }"#;
    let config = place.configuration(50, 50_000, wait, seconds)?;
    let ran = pinned::finish(start(place, &config, seconds)?)?;
    let summary = summary(place, &ran)?;
    Ok(told(&summary["aggregate"], &summary["aggregate"]["latency"], &ran))
}

/// The figures of one URL in the open model.
pub struct Open {
    /// Latency from the scheduled start of each request.
    pub corrected: Told,
    /// The same requests from sending to the last byte. Other clients call this latency.
    pub service: Told,
}

/// One URL at an even arrival rate.
///
/// # Errors
/// The job failed.
pub fn open(place: &Place, path: &str, rate: u32, seconds: u64) -> Result<Open> {
    let config = format!(
        "[server]\nhealth = \"/\"\n[load]\nhost = {:?}\narrival_rate = \"{rate}/s\"\n\
         arrivals = \"even\"\nusers = 500\nduration = \"{seconds}s\"\n\
         [[scenario.task]]\nname = \"measured\"\npath = {path:?}\n\
         [thresholds]\nfail = [\"error_rate <= 5%\"]\n",
        place.base()
    );
    let ran = pinned::finish(start(place, &config, seconds)?)?;
    let summary = summary(place, &ran)?;
    let aggregate = &summary["aggregate"];
    let service = if aggregate["service"].is_object() { "service" } else { "latency" };
    Ok(Open {
        corrected: told(aggregate, &aggregate["latency"], &ran),
        service: told(aggregate, &aggregate[service], &ran),
    })
}

fn told(row: &Value, distribution: &Value, ran: &Ran) -> Told {
    let percentile = |name: &str| distribution["percentiles_ms"][name].as_f64();
    Told {
        requests: row["requests"].as_f64().unwrap_or(f64::NAN),
        p50_ms: percentile("p50").unwrap_or(f64::NAN),
        p99_ms: percentile("p99").unwrap_or(f64::NAN),
        cpu_s: ran.cpu_s,
    }
}

/// Starts the job, after removing the artifacts of the one before.
///
/// # Errors
/// A file cannot be written, or the job cannot be started.
pub fn start(place: &Place, config: &str, seconds: u64) -> Result<Child> {
    let file = place.folder.join("perf.toml");
    std::fs::write(&file, config)?;
    let out = place.folder.join("out");
    if out.exists() {
        std::fs::remove_dir_all(&out)?;
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["perf", "--quiet", "--config"]).arg(file).arg("--out").arg(out);
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"] {
        command.env_remove(name);
    }
    pinned::start(&command, seconds)
}

/// The summary in the results of the job.
///
/// # Errors
/// There is none, or no request was made.
pub fn summary(place: &Place, ran: &Ran) -> Result<Value> {
    let failed = || format!("portcullis failed: {}", ran.text);
    let text = std::fs::read_to_string(place.folder.join("out/perf_results.json"));
    let mut results: Value = serde_json::from_str(&text.with_context(failed)?)?;
    let summary = results["summary"].take();
    let requests = summary["aggregate"]["requests"].as_f64().unwrap_or(0.0);
    anyhow::ensure!(requests > 0.0, failed());
    if ran.code != 0 {
        // An invalid run (5) counts too, with a message.
        eprintln!("xtask: portcullis ended with {}: {}", ran.code, ran.text.trim());
    }
    Ok(summary)
}
