//! Ctrl-C and SIGTERM at any stage: the right code, artifacts of the finished
//! part, nothing left.

use std::io::{BufRead, BufReader};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Outcome, Project};

/// Starts a run, waits for a line with `until`, sends the signal.
fn interrupt(
    project: &Project,
    faults: &str,
    flags: &[&str],
    until: &str,
    signal: Signal,
) -> Outcome {
    let mut command = project.command(flags);
    let mut child = command.env("UPSTREAM_FAULTS", faults).spawn().unwrap();
    let stdout = wait_for(&mut child, until);
    kill_process(Pid::from_child(&child), signal).unwrap();
    // The pipe is read on, so that the run can go on printing.
    let rest = std::thread::spawn(move || stdout.lines().map_while(Result::ok).collect::<Vec<_>>());
    let mut outcome = project.finish(child);
    outcome.text.push_str(&rest.join().unwrap().join("\n"));
    outcome
}

/// Reads the output until it has this text; the rest is to be read on.
pub fn wait_for(child: &mut Child, until: &str) -> BufReader<std::process::ChildStdout> {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.contains(until) {
        let read = stdout.read_line(&mut seen).unwrap();
        assert!(read > 0, "no {until:?} in:\n{seen}");
    }
    stdout
}

fn worker_of(guard: &Child) -> Pid {
    let pid = guard.id();
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap();
    Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap()).unwrap()
}

fn check(outcome: &Outcome, code: i32) {
    outcome.expect(code, &[&format!("(exit {code})")]);
    let results = outcome.results();
    assert_eq!(results["exit_code"], code);
    assert_eq!(results["findings"][0]["kind"], "interrupted");
}

#[test]
fn ctrl_c_during_migrate() {
    let project = Project::quick();
    let outcome = interrupt(&project, "migrate=hang", &[], "  install", Signal::INT);
    check(&outcome, 130);
    project.run(&["-t", "2s"]).expect(0, &[]);
}

#[test]
fn ctrl_c_while_the_server_gets_ready() {
    let outcome = interrupt(&Project::quick(), "health=503", &[], "  serve", Signal::INT);
    check(&outcome, 130);
}

#[test]
fn ctrl_c_during_the_load_keeps_what_was_measured() {
    let outcome = interrupt(&Project::quick(), "", &["-t", "60s"], "  load 1/60 s", Signal::INT);
    check(&outcome, 130);
    assert!(outcome.artifact("perf_results_stats.csv").contains("Aggregated"));
    assert!(outcome.results()["summary"]["measured_s"].as_f64().unwrap() < 59.0);
}

#[test]
fn a_run_that_was_stopped_and_continued_is_invalid() {
    let project = Project::quick();
    let mut child = project.command(&["-t", "8s"]).spawn().unwrap();
    let stdout = wait_for(&mut child, "  load 1/8 s");
    // The guard only waits; its worker is the one that measures.
    let pid = worker_of(&child);
    kill_process(pid, Signal::STOP).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    kill_process(pid, Signal::CONT).unwrap();
    let rest = std::thread::spawn(move || stdout.lines().map_while(Result::ok).collect::<Vec<_>>());
    let mut outcome = project.finish(child);
    outcome.text.push_str(&rest.join().unwrap().join("\n"));
    outcome.expect(5, &["the load generator stalled for ", "INVALID:"]);
}

#[test]
fn sigterm_during_the_load() {
    let outcome = interrupt(&Project::quick(), "", &["-t", "60s"], "  load 1/60 s", Signal::TERM);
    check(&outcome, 143);
}
