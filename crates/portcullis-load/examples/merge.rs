//! How long it takes to merge and judge what workers recorded: six million
//! samples of ten tasks in four recorders. One line of JSON, for
//! `cargo xtask bench engine`.
#![allow(clippy::print_stdout, reason = "what it measured is its output")]

use std::time::{Duration, Instant};

use portcullis_core::config;
use portcullis_core::judge::judge;
use portcullis_core::measure::Summary;
use portcullis_core::plan::{LoadPlan, PlanInputs, resolve};
use portcullis_core::rng::{Domain, Rng};
use portcullis_core::threshold::Threshold;
use portcullis_load::metrics::{Phase, Recorder, Sample, Subject};

const SAMPLES: u64 = 6_000_000;
const RECORDERS: u64 = 4;

fn main() -> Result<(), String> {
    let (plan, rules) = planned()?;
    let filled: Result<Vec<_>, _> = (0..RECORDERS).map(|number| fill(&plan, number)).collect();
    let filled = filled?;
    let start = Instant::now();
    let mut whole = Recorder::new(&plan).map_err(|error| error.to_string())?;
    filled.into_iter().for_each(|recorder| whole.absorb(recorder));
    let summary = Summary {
        window: plan.window,
        measured: plan.window,
        limits: plan.limits.clone(),
        tasks: whole.tasks(&plan),
        failures: whole.failures(),
        ..Summary::default()
    };
    let verdict = judge(&summary, &rules);
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let samples = summary.aggregate().requests;
    if samples != SAMPLES || verdict.judged.len() != rules.len() + 9 {
        return Err(format!("{samples} samples, {} rules judged", verdict.judged.len()));
    }
    let kilobytes = peak_kib().unwrap_or(0);
    println!(r#"{{"samples":{samples},"milliseconds":{milliseconds:.3},"kilobytes":{kilobytes}}}"#);
    Ok(())
}

fn planned() -> Result<(LoadPlan, Vec<Threshold>), String> {
    let tasks: String = (0..10)
        .map(|n| format!("[[scenario.task]]\nname = \"t{n}\"\ngroup = \"all\"\npath = \"/{n}/\"\n"))
        .collect();
    let rules = "fail = [\"p95 <= 500ms\", \"error_rate <= 5%\", \"p95(all) < 500ms per task\"]";
    let text = format!(
        "[load]\nhost = \"http://127.0.0.1:1\"\n[scenario]\n{tasks}\n[thresholds]\n{rules}\n"
    );
    let wrong = |problems: Vec<config::Problem>| format!("{problems:?}");
    let config = config::load(&text, None, &[]).map_err(wrong)?.config;
    let around =
        PlanInputs { base: "/".into(), output: "/".into(), seed: 1, ..PlanInputs::default() };
    let plan = resolve(&config, around).map_err(wrong)?;
    Ok((plan.load, plan.thresholds))
}

/// Latencies between 1 ms and 10 s, each decade as likely as the others.
fn fill(plan: &LoadPlan, number: u64) -> Result<Recorder, String> {
    let mut recorder = Recorder::new(plan).map_err(|error| error.to_string())?;
    let mut rng = Rng::stream(1, Domain::Values, number);
    for index in 0..SAMPLES / RECORDERS {
        let latency = Duration::from_secs_f64(1e-3 * 10f64.powf(4.0 * rng.unit()));
        let sample = Sample { latency, status: 200, has_data: true, ..Sample::default() };
        recorder.record(
            Subject::Task(Phase::Window, (index % 10) as usize),
            &sample,
            Duration::from_secs(index / 10_000),
            plan,
        );
    }
    Ok(recorder)
}

/// The peak of this process's resident memory, where the system tells.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
