//! A stored baseline from its first run to its acceptance, in runs of seconds.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Outcome, Project};

const FLAGS: [&str; 2] = ["-t", "2s"];

fn project() -> Project {
    // What short runs differ by is not what is tested here.
    let rules = "[baseline]\nfail = [\"p95 <= baseline * 20\", \"error_rate <= baseline + 2pt\"]\n\
                 warn = []\nfile";
    Project::quick().with("# [baseline]\n# file", rules).with("shared = false", "shared = true")
}

fn file(project: &Project) -> PathBuf {
    project.folder().join("project/perf_baseline.json")
}

fn stored(project: &Project) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(file(project)).unwrap()).unwrap()
}

/// Runs outside of CI, or in it. What it comes to is what `check` says of its
/// results, which hold the limits that it took from the baseline.
fn run(project: &Project, in_ci: bool, flags: &[&str]) -> Outcome {
    let outcome = project.run_with(&[&FLAGS, flags].concat(), |command| {
        command.env_remove("CI");
        if in_ci {
            command.env("CI", "true");
        }
    });
    if outcome.has("perf_results.json") {
        let (code, said) = project.check("perf_results.json");
        assert_eq!(code, outcome.code, "{said}");
    }
    outcome
}

fn doctored(project: &Project, change: impl FnOnce(&mut serde_json::Value)) {
    let mut stored = stored(project);
    change(&mut stored);
    std::fs::write(file(project), stored.to_string()).unwrap();
}

/// `portcullis baseline accept`: exit code and what it said.
fn accept(project: &Project) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["baseline", "accept", "--reason", "a check that was due"]);
    let output = command.current_dir(project.folder().join("project")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_baseline_is_written_held_against_and_accepted() {
    let project = project();
    let missed = run(&project, true, &["--strict"]);
    missed.expect(1, &["warning: no baseline", "not judged: p95 <= 20 times"]);
    missed.expect(1, &["FAILED: no baseline", "in CI none is created automatically"]);
    assert!(!file(&project).exists());

    let first = run(&project, false, &[]);
    let written = "; baseline written: perf_baseline.json (exit 0)";
    first.expect(0, &["PASSED: all 14 thresholds passed", ", 2 not judged", written]);
    let results = first.results();
    let (metrics, aggregate) = (&stored(&project)["metrics"], &results["summary"]["aggregate"]);
    assert_eq!(metrics["total_requests"], aggregate["requests"]);
    assert_eq!(metrics["p95"], aggregate["latency"]["percentiles_ms"]["p95"]);
    assert_eq!(results["baseline"]["written"], true);

    let machine = stored(&project)["portcullis"]["machine"].clone();
    doctored(&project, |stored| stored["metrics"]["p95"] = 0.001.into());
    let slower = run(&project, false, &[]);
    slower.expect(1, &["FAILED: p95 = ", "limit <= 0.02 ms (baseline 0.00 ms + 1900 %)"]);
    assert_eq!(stored(&project)["metrics"]["p95"], 0.001, "left alone unless it is asked for");
    assert_eq!(slower.results()["acceptable"], true);

    doctored(&project, |stored| stored["portcullis"]["machine"]["cores"] = 999.into());
    let words = "measured on a different machine (999 cores, here ";
    let elsewhere = run(&project, false, &[]);
    elsewhere.expect(0, &["warning: p95 = ", "; warning only: ", words, "; baseline: "]);

    let (code, said) = accept(&project);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("accepted: perf_baseline.json is p95 "), "{said}");
    let after = stored(&project);
    assert_eq!(after["portcullis"]["accepted"][0]["reason"], "a check that was due");
    assert_eq!(after["portcullis"]["machine"], machine);
    let renewed = run(&project, false, &["-v", "--update-baseline"]);
    let parts = ["PASSED: all 16 thresholds passed", "; baseline updated: perf_baseline.json"];
    renewed.expect(0, &parts).expect(0, &["passed: p95 = ", "(baseline "]);
    assert_ne!(stored(&project)["timestamp"], after["timestamp"]);
    assert_eq!(stored(&project)["portcullis"]["accepted"], after["portcullis"]["accepted"]);
}

#[test]
fn a_bad_run_becomes_no_baseline() {
    let project = project().with("\"p95 <= 500ms\"", "\"max <= 1us\"");
    let slow = run(&project, false, &["--update-baseline"]);
    slow.expect(1, &["the baseline is not written", "FAILED: max = "]);
    let (code, said) = accept(&project);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("that run cannot become the baseline: FAILED: max = "), "{said}");
    assert!(!file(&project).exists());
}

#[test]
fn a_file_that_is_no_sound_baseline_is_refused_before_the_start() {
    let project = project();
    let check = |text: &str, part: &str| {
        // A first run makes the folder.
        drop(project.command(&[]));
        std::fs::write(file(&project), text).unwrap();
        let refused = run(&project, false, &["--update-baseline"]);
        refused.expect(2, &[part, "nothing was started"]);
        assert_eq!(std::fs::read_to_string(file(&project)).unwrap(), text, "left alone");
    };
    check("{\"name\": \"left-pad\"}", "perf_baseline.json: not a baseline file");
    check("{\"version\": 1,\n\"metrics\": {\"p50\": 1}}", "perf_baseline.json:2:21: missing field");
    check("{\"version\": 1,", "perf_baseline.json:1:14: EOF");
    check("{\"version\": \"2.0\", \"metrics\": {}}", "version \"2.0\" is newer than 1.0");
    let none = Project::quick().run(&["--update-baseline"]);
    none.expect(2, &["--update-baseline needs a file: set [baseline] file"]);
    let nowhere = self::project().with("perf_baseline.json", "absent/b.json");
    nowhere.run(&[]).expect(2, &["the folder of", "absent/b.json does not exist"]);
}
