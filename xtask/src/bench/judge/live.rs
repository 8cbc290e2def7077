//! Live comparisons: starts both versions, makes several comparisons in a row, and reads
//! them from the results.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::neighbour::{Neighbour, Noise};
use super::sandbox::Sandbox;

/// The setting of a live run.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The noise of the neighbour process.
    pub noise: Noise,
    /// Comparisons in a row before the next restart.
    pub runs: u32,
    /// Whether gunicorn serves, instead of `runserver`.
    pub gunicorn: bool,
}

impl Setting {
    /// The name of the server in tables.
    pub fn server(&self) -> &'static str {
        if self.gunicorn { "gunicorn" } else { "runserver" }
    }
}

/// One comparison, read from the results.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The day, in UTC, as 2026-11-24.
    pub date: String,
    /// Processor and cores.
    pub machine: String,
    /// One for each task.
    pub tasks: Vec<Task>,
    /// Pairs that were made.
    pub pairs: usize,
    /// How long they took, in seconds.
    pub took_s: f64,
}

/// One task of a comparison.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// `slower`, `not slower` or `undecided`.
    pub decision: String,
    /// When that was decided.
    pub decided_after_s: Option<f64>,
    /// The median ratio, candidate over base.
    pub median_ratio: Option<f64>,
    /// Milliseconds of base and candidate, where both answered well.
    pub latencies_ms: Vec<(f64, f64)>,
}

/// After this time a restart with its comparisons counts as hanging.
const HANG: Duration = Duration::from_secs(900);

/// Starts both versions and compares them.
///
/// # Errors
/// The run made no comparison.
pub fn compare(sandbox: &Sandbox, setting: Setting, seed: u64) -> Result<Vec<Compared>> {
    // On a busy machine the load before the comparison can be invalid; then try again.
    let mut last = None;
    for _ in 0..3 {
        match once(sandbox, setting, seed) {
            Ok(compared) => return Ok(compared),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("never tried")))
}

fn once(sandbox: &Sandbox, setting: Setting, seed: u64) -> Result<Vec<Compared>> {
    let (runs, seed) = (setting.runs.to_string(), seed.to_string());
    // A calibration needs more time than the default limit.
    let flags = ["-u", "1", "-t", "1s", "--max-duration", "1x", "--against-limit", "300s"];
    let flags = flags.into_iter().chain(["--against-runs", &runs, "--seed", &seed]);
    let results = command(sandbox, setting, flags.collect())?;
    read(&results).with_context(|| {
        let told = std::fs::read_to_string(log(sandbox)).unwrap_or_default();
        told.lines().last().unwrap_or("perf printed nothing").to_owned()
    })
}

/// The file with the output of the last command.
fn log(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join("target/perf.txt")
}

/// Runs a whole `perf --against HEAD` with these flags; returns its results, or null if
/// there are none.
///
/// # Errors
/// It cannot be started, or does not end.
pub fn command(sandbox: &Sandbox, setting: Setting, flags: Vec<&str>) -> Result<Value> {
    let clone = sandbox.path();
    let out = clone.join("target/perf");
    std::fs::create_dir_all(clone.join("target"))?;
    let mut perf = Command::new(std::env::current_exe()?);
    perf.args(["perf", "--against", "HEAD", "--port", "auto"]).args(flags);
    if setting.gunicorn {
        perf.args(["--profile", "gunicorn"]);
    }
    let child = perf
        .arg("--out")
        .arg(&out)
        .current_dir(&clone)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(log(sandbox))?)
        .stderr(Stdio::inherit())
        .spawn()
        .context("starting perf")?;
    watch(child, &log(sandbox), setting.noise)?;
    let results = std::fs::read(out.join("perf_results.json")).unwrap_or_default();
    Ok(serde_json::from_slice(&results).unwrap_or_default())
}

/// Waits for the run, and starts the neighbour process once all three servers have become
/// ready, because only the comparison should be disturbed.
fn watch(mut child: Child, log: &Path, noise: Noise) -> Result<()> {
    let start = Instant::now();
    let mut neighbour = None;
    loop {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        if neighbour.is_none() {
            let told = std::fs::read_to_string(log).unwrap_or_default();
            let ready = told.lines().filter(|line| line.trim_start().starts_with("ready "));
            if ready.count() == 3 {
                neighbour = Some(Neighbour::start(noise)?);
            }
        }
        if start.elapsed() > HANG {
            child.kill()?;
            child.wait()?;
            bail!("perf did not end within {} s", HANG.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read(results: &Value) -> Result<Vec<Compared>> {
    let first = results.get("against").filter(|against| !against.is_null());
    let first = first.context("no comparison was made")?;
    let more = results.get("against_repeated").and_then(Value::as_array);
    let (date, machine) = when_and_where(results);
    let one = |against| compared(against, &date, &machine);
    std::iter::once(first).chain(more.into_iter().flatten()).map(one).collect()
}

/// The day, in UTC, and the machine of results.
pub fn when_and_where(results: &Value) -> (String, String) {
    let began = results["started_at"].as_str().unwrap_or_default();
    let date = began.split('T').next().unwrap_or_default();
    let machine = &results["machine"];
    let processor = machine["processor"].as_str().unwrap_or("unknown");
    (date.to_owned(), format!("{processor} × {}", machine["cores"]))
}

fn compared(against: &Value, date: &str, machine: &str) -> Result<Compared> {
    let pairs = against["pairs"].as_array().context("the comparison has no pairs")?;
    let task = |task: &Value| -> Result<Task> {
        let name = task["name"].as_str().context("a task without a name")?.to_owned();
        let own = pairs.iter().filter(|pair| pair[0].as_str() == Some(&name));
        Ok(Task {
            decision: task["decision"].as_str().unwrap_or_default().to_owned(),
            decided_after_s: task["decided_after_s"].as_f64(),
            median_ratio: task["latency"]["median_ratio"].as_f64(),
            latencies_ms: own.filter_map(|pair| pair[3].as_f64().zip(pair[4].as_f64())).collect(),
            name,
        })
    };
    Ok(Compared {
        date: date.to_owned(),
        machine: machine.to_owned(),
        tasks: against["tasks"]
            .as_array()
            .context("the comparison has no tasks")?
            .iter()
            .map(task)
            .collect::<Result<_>>()?,
        pairs: pairs.len(),
        took_s: against["took_s"].as_f64().context("the comparison has no time")?,
    })
}
