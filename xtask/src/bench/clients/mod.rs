//! The clients that are compared: how each is started, and how its output is read.

pub mod k6;
pub mod locust;
pub mod oha;
pub mod portcullis;
pub mod wrk;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::pinned::Ran;

/// The header that a client without a login sends; it has the form of a real token.
const BEARER: &str = "Authorization: Bearer eyJhIjoxfQ.eyJiIjoyfQ.c2ln";

/// The figures that a client printed, and the CPU time of its run.
#[derive(Debug, PartialEq)]
pub struct Told {
    /// Requests that were answered.
    pub requests: f64,
    /// The median latency, as the client reports it.
    pub p50_ms: f64,
    /// The 99th percentile, as the client reports it.
    pub p99_ms: f64,
    /// The client's user and system time.
    pub cpu_s: f64,
}

impl Told {
    /// CPU time per request.
    pub fn cpu_us_per_request(&self) -> f64 {
        self.cpu_s / self.requests * 1e6
    }
}

/// The other tools that could be installed.
pub struct Peers {
    /// The binary of oha.
    pub oha: Option<PathBuf>,
    /// The binary of k6.
    pub k6: Option<PathBuf>,
    /// The script of Locust.
    pub locust: Option<PathBuf>,
}

/// Installs the other tools. One that cannot be installed is left out, with a message.
pub fn install_peers() -> Peers {
    let found = |name: &str, installed: Result<PathBuf>| match installed {
        Ok(path) => Some(path),
        Err(error) => {
            eprintln!("xtask: {name} is left out, because it cannot be installed: {error:#}");
            None
        }
    };
    Peers {
        oha: found("oha", oha::install()),
        k6: found("k6", k6::install()),
        locust: found("Locust", locust::install()),
    }
}

/// Reads the line of JSON that our scripts for k6 and Locust print at the end.
fn told_by_script(name: &str, ran: &Ran) -> Result<Told> {
    let line = ran.text.lines().rev().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("{name} printed no figures: {:?}", ran.text))?;
    let figures: serde_json::Value = serde_json::from_str(line)?;
    let number = |key: &str| figures[key].as_f64().unwrap_or(f64::NAN);
    if number("requests") <= 0.0 || number("failed") > 0.0 {
        bail!("{name}: requests failed: {line}");
    }
    Ok(Told {
        requests: number("requests"),
        p50_ms: number("p50_ms"),
        p99_ms: number("p99_ms"),
        cpu_s: ran.cpu_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Told> {
        told_by_script("it", &Ran { text: text.to_owned(), cpu_s: 0.5, code: 0 })
    }

    #[test]
    fn the_last_line_of_json_is_what_a_script_told() {
        let text =
            "starting\n{\"requests\": 3004, \"failed\": 0, \"p50_ms\": 11, \"p99_ms\": 20.5}\n\n";
        let expected = Told { requests: 3004.0, p50_ms: 11.0, p99_ms: 20.5, cpu_s: 0.5 };
        assert_eq!(told(text).unwrap(), expected);
    }

    #[test]
    fn failed_requests_are_no_figure() {
        assert!(told(r#"{"requests": 9, "failed": 1, "p50_ms": 1, "p99_ms": 1}"#).is_err());
        assert!(told(r#"{"requests": 0, "failed": 0, "p50_ms": 1, "p99_ms": 1}"#).is_err());
        assert!(told("Traceback").is_err());
    }
}
