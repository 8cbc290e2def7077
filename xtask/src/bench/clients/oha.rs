//! oha: a client based on hyper, from crates.io.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{BEARER, Told};
use crate::bench::pinned;
use crate::tools;

const VERSION: &str = "1.16.0";

/// Builds oha once.
///
/// # Errors
/// It cannot be built.
pub fn install() -> Result<PathBuf> {
    tools::cargo_install("oha", VERSION)
}

/// 50 connections, as fast as the server answers.
///
/// # Errors
/// oha failed.
pub fn closed(oha: &Path, port: u16, path: &str, seconds: u64) -> Result<Told> {
    run(oha, &[], port, path, seconds)
}

/// 50 connections at this many requests per second, without its correction.
///
/// # Errors
/// oha failed.
pub fn at_rate(oha: &Path, port: u16, path: &str, rate: u32, seconds: u64) -> Result<Told> {
    run(oha, &["-q", &rate.to_string()], port, path, seconds)
}

fn run(oha: &Path, more: &[&str], port: u16, path: &str, seconds: u64) -> Result<Told> {
    let mut command = Command::new(oha);
    // By default it has as many threads as cores, although it may use only one core. On a
    // busy core those threads would get more CPU than the single thread of other clients.
    command.args(["--worker-threads", "1"]);
    command.args(["--no-tui", "--output-format", "json", "-c", "50", "-H", BEARER]);
    command.args(["-z", &format!("{seconds}s")]).args(more);
    command.arg(format!("http://127.0.0.1:{port}{path}"));
    let ran = pinned::run(&command, seconds)?;
    read(&ran.text, ran.cpu_s).with_context(|| format!("oha failed: {:?}", ran.text))
}

fn read(text: &str, cpu_s: f64) -> Option<Told> {
    let figures: serde_json::Value = serde_json::from_str(text).ok()?;
    let percentile_ms = |name: &str| Some(figures["latencyPercentiles"][name].as_f64()? * 1e3);
    Some(Told {
        requests: figures["statusCodeDistribution"]["200"].as_f64()?,
        p50_ms: percentile_ms("p50")?,
        p99_ms: percentile_ms("p99")?,
        cpu_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_oha_prints_is_read() {
        let text = r#"{"summary":{"successRate":1.0,"total":1.0,"requestsPerSec":40072.3},
            "latencyPercentiles":{"p10":3.4e-5,"p50":0.0115,"p99":0.02,"p99.9":0.03},
            "statusCodeDistribution":{"200":40128},
            "errorDistribution":{"aborted due to deadline":4}}"#;
        let expected = Told { requests: 40_128.0, p50_ms: 11.5, p99_ms: 20.0, cpu_s: 2.0 };
        assert_eq!(read(text, 2.0), Some(expected));
        assert_eq!(read(r#"{"statusCodeDistribution":{"500":3}}"#, 2.0), None);
    }
}
