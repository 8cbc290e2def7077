//! The load engine beside wrk: the same nginx worker, the same connections, in
//! turns. Cost is the client's user and system time per request.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::nginx::{self, Nginx};
use super::{Figure, scenario};

/// One client's round.
struct Round {
    cpu_us_per_request: f64,
    requests_per_s: f64,
}

/// Measures everything.
///
/// # Errors
/// A tool is missing, or a round failed.
pub fn measure(quick: bool) -> Result<Vec<Figure>> {
    let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let result = measure_in(&folder, quick);
    std::fs::remove_dir_all(&folder)?;
    result
}

fn measure_in(folder: &Path, quick: bool) -> Result<Vec<Figure>> {
    let nginx = nginx::start(folder)?;
    let mut figures = cost(&nginx, folder, quick)?;
    figures.extend(many_users(&nginx, folder, quick)?);
    Ok(figures)
}

fn cost(nginx: &Nginx, folder: &Path, quick: bool) -> Result<Vec<Figure>> {
    let (rounds, seconds) = if quick { (3, 4) } else { (5, 8) };
    let (mut ours, mut wrks) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        wrks.push(wrk(nginx, seconds)?);
        ours.push(portcullis(nginx, folder, seconds)?);
    }
    let cpu = |rounds: &[Round]| median(rounds.iter().map(|r| r.cpu_us_per_request));
    let rate = |rounds: &[Round]| median(rounds.iter().map(|r| r.requests_per_s));
    let ratios = |pick: fn(&Round) -> f64| {
        median(ours.iter().zip(&wrks).map(|(ours, wrk)| pick(ours) / pick(wrk)))
    };
    let cost_ratio = ratios(|round| round.cpu_us_per_request);
    let rate_ratio = ratios(|round| round.requests_per_s);
    let peer = |what: &str, value, unit| Figure {
        what: what.to_owned(),
        value,
        unit,
        target: "",
        met: None,
    };
    Ok(vec![
        peer("CPU per request, portcullis, ten tasks with checks", cpu(&ours), "µs"),
        peer("CPU per request, wrk, one request without checks", cpu(&wrks), "µs"),
        Figure {
            what: "CPU per request, portcullis / wrk, median of pairs".to_owned(),
            value: cost_ratio,
            unit: "ratio",
            target: "<= 1.0",
            met: Some(cost_ratio <= 1.0),
        },
        peer("throughput, portcullis, 50 connections", rate(&ours), "requests/s"),
        peer("throughput, wrk, 50 connections", rate(&wrks), "requests/s"),
        Figure {
            what: "throughput, portcullis / wrk, median of pairs".to_owned(),
            value: rate_ratio,
            unit: "ratio",
            target: ">= 1.0",
            met: Some(rate_ratio >= 1.0),
        },
    ])
}

/// 10,000 users that wait 1 to 3 s: about 5,000 requests/s.
fn many_users(nginx: &Nginx, folder: &Path, quick: bool) -> Result<Vec<Figure>> {
    let users = 10_000;
    let seconds = if quick { 15 } else { 30 };
    let wait = r#"{ min = "1s", max = "3s" }"#;
    let config = scenario::configuration(nginx.port, users, 1_000, wait, &format!("{seconds}s"))?;
    let mut child = start(&config, folder, "0")?;
    // Looked at before the end, when all users are alive.
    std::thread::sleep(Duration::from_secs(seconds - 1));
    let kib = peak_kib(child.id()).unwrap_or(f64::NAN);
    child.wait()?;
    let results = results(folder)?;
    let generator = &results["summary"]["generator"];
    let lag = generator["lag"]["percentiles_ms"]["p99"].as_f64().unwrap_or(f64::NAN);
    let cpu = generator["cpu_s"].as_f64().unwrap_or(f64::NAN);
    let core = cpu / results["summary"]["measured_s"].as_f64().unwrap_or(f64::NAN);
    let per_user = kib / f64::from(users);
    let figure = |what: &str, value, unit, target, met| Figure {
        what: what.to_owned(),
        value,
        unit,
        target,
        met: Some(met),
    };
    Ok(vec![
        figure("10,000 users: resident memory per user", per_user, "KB", "<= 16", per_user <= 16.0),
        figure("10,000 users: share of one core", core, "fraction", "<= 0.6", core <= 0.6),
        figure("10,000 users: starts late at p99", lag, "ms", "<= 2", lag <= 2.0),
    ])
}

/// The peak of a process's own and its only child's resident memory.
fn peak_kib(shell: u32) -> Option<f64> {
    let path = format!("/proc/{shell}/task/{shell}/children");
    let children = std::fs::read_to_string(path).ok()?;
    let pid = children.split_whitespace().next()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn portcullis(nginx: &Nginx, folder: &Path, seconds: u64) -> Result<Round> {
    let wait = r#"{ min = "0s", max = "0s" }"#;
    let config = scenario::configuration(nginx.port, 50, 50_000, wait, &format!("{seconds}s"))?;
    let output = start(&config, folder, "0")?.wait_with_output()?;
    let results = results(folder)?;
    let requests = results["summary"]["aggregate"]["requests"].as_f64().unwrap_or(0.0);
    if requests == 0.0 {
        bail!("no requests: {}", String::from_utf8_lossy(&output.stdout));
    }
    round(&String::from_utf8_lossy(&output.stdout), requests, seconds)
}

fn wrk(nginx: &Nginx, seconds: u64) -> Result<Round> {
    let script = format!(
        "taskset -c 0 wrk -t1 -c50 -d{seconds}s -H 'Authorization: Bearer eyJhIjoxfQ.eyJiIjoyfQ.c2ln' \
         http://127.0.0.1:{}/api/v1/claims/; times",
        nginx.port
    );
    let output = Command::new("sh").args(["-c", &script]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains(" requests in ")).context("wrk failed")?;
    let requests: f64 = line.split_whitespace().next().unwrap_or("").parse()?;
    round(&text, requests, seconds)
}

/// Starts our own `perf` under a shell that tells its processor time.
fn start(config: &str, folder: &Path, core: &str) -> Result<std::process::Child> {
    let file = folder.join("perf.toml");
    std::fs::write(&file, config)?;
    let this = std::env::current_exe()?;
    let script = format!(
        "taskset -c {core} {this:?} perf --quiet --config {file:?} --out {:?}; times",
        folder.join("out")
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::null());
    shell.spawn().context("starting portcullis")
}

fn results(folder: &Path) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("out/perf_results.json"))?;
    Ok(serde_json::from_str(&text)?)
}

/// `times` prints two lines: the shell's own, then its children's, each user
/// and system as `0m1.234s`.
fn round(text: &str, requests: f64, seconds: u64) -> Result<Round> {
    let last = text.lines().rev().find(|line| line.contains('m')).context("no times")?;
    let mut cpu_s = 0.0;
    for word in last.split_whitespace() {
        let (minutes, rest) = word.split_once('m').context("no times")?;
        cpu_s += minutes.parse::<f64>()? * 60.0 + rest.trim_end_matches('s').parse::<f64>()?;
    }
    Ok(Round {
        cpu_us_per_request: cpu_s / requests * 1e6,
        requests_per_s: requests / seconds as f64,
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
