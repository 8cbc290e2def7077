//! wrk: one prepared request, repeated without checks.

use std::process::Command;

use anyhow::{Context, Result};

use super::{BEARER, Told};
use crate::bench::pinned;

/// 50 connections of one thread, as fast as the server answers.
///
/// # Errors
/// wrk failed.
pub fn closed(port: u16, path: &str, seconds: u64) -> Result<Told> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "-c50", "--latency", "--timeout", "10s", "-H", BEARER]);
    wrk.arg(format!("-d{seconds}s")).arg(format!("http://127.0.0.1:{port}{path}"));
    let ran = pinned::run(&wrk, seconds)?;
    read(&ran.text, ran.cpu_s).with_context(|| format!("wrk failed: {:?}", ran.text))
}

fn read(text: &str, cpu_s: f64) -> Option<Told> {
    let requests = text.lines().find(|line| line.contains(" requests in "))?;
    let percentile_ms = |share: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(share))?;
        milliseconds(line.split_whitespace().nth(1)?)
    };
    Some(Told {
        requests: requests.split_whitespace().next()?.parse().ok()?,
        p50_ms: percentile_ms("50%")?,
        p99_ms: percentile_ms("99%")?,
        cpu_s,
    })
}

/// wrk writes `634.00us`, `1.20ms` or `2.00s`.
fn milliseconds(text: &str) -> Option<f64> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let per_unit = match &text[number.len()..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * per_unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_read() {
        let text = "\
Running 2s test @ http://127.0.0.1:8080/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.09ms  233.52us  10.54ms   95.99%
    Req/Sec    46.30k     1.38k   49.20k    75.00%
  Latency Distribution
     50%    1.06ms
     75%    1.12ms
     90%    1.21ms
     99%  634.00us
  92178 requests in 2.00s, 260.60MB read
Requests/sec:  46057.15
Transfer/sec:    130.21MB
";
        let expected = Told { requests: 92_178.0, p50_ms: 1.06, p99_ms: 0.634, cpu_s: 1.0 };
        assert_eq!(read(text, 1.0), Some(expected));
        assert_eq!(read("unable to connect", 1.0), None);
    }
}
