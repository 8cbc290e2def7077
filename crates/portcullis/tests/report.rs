//! `portcullis report` from the user's command line: artifacts made again where they
//! belong, two runs side by side, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests start what the product would")]

use std::path::Path;
use std::process::Command;

use portcullis_core::measure::{Distribution, Row, Summary, TaskSummary};
use portcullis_report::{RunRecord, artifacts};
use tempfile::TempDir;

fn run(ms: u64) -> RunRecord {
    let ns = ms * 1_000_000;
    let latency = Distribution {
        count: 4,
        sum_ns: u128::from(ns) * 4,
        min_ns: ns,
        max_ns: ns,
        buckets: vec![(ms * 1000, 4)],
        clipped: 0,
    };
    let window = Row { requests: 4, latency, with_data: 4, ..Row::default() };
    let name = "list".to_owned();
    let task = TaskSummary { name, weight: 1, window, ..TaskSummary::default() };
    let summary = Some(Summary { tasks: vec![task], ..Summary::default() });
    RunRecord { summary, sentence: format!("PASSED: in {ms} ms"), ..RunRecord::default() }
}

/// A folder of artifacts, as a run leaves it.
fn left(ms: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = artifacts::prepare(folder.path()).unwrap();
    artifacts.write_all(&run(ms)).unwrap();
    artifacts.write("logs/server.log", b"kept").unwrap();
    folder
}

fn report(arguments: &[&Path], flags: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command.arg("report").args(arguments).args(flags).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_limit_of_the_file_size_is_an_error_with_its_name() {
    let folder = left(40);
    let script = "ulimit -f 1; exec \"$0\" report \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_portcullis")]);
    let output = shell.arg(folder.path().join("perf_results.json")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{}: {said}", output.status);
    assert!(said.contains("File too large"), "{said}");
}

#[test]
fn all_or_some_are_made_again_beside_the_results_or_elsewhere() {
    let folder = left(40);
    let results = folder.path().join("perf_results.json");
    let page = folder.path().join("perf_results.html");
    let written = std::fs::read(&page).unwrap();
    let before = names(folder.path());
    for name in before
        .iter()
        .filter(|name| !["perf_results.json", "logs", ".gitignore"].contains(&name.as_str()))
    {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let (code, said) = report(&[&results], &["--html"]);
    assert_eq!((code, said.trim_end()), (0, page.to_str().unwrap()));
    assert_eq!(std::fs::read(&page).unwrap(), written);
    assert_eq!(
        names(folder.path()),
        [".gitignore", "logs", "perf_results.html", "perf_results.json"]
    );
    assert_eq!(report(&[&results], &[]).0, 0);
    assert_eq!(names(folder.path()), before);
    assert_eq!(std::fs::read(folder.path().join("logs/server.log")).unwrap(), b"kept");
    // Its own folder by its name is its own folder all the same.
    assert_eq!(report(&[&results], &["--out", folder.path().to_str().unwrap()]).0, 0);
    assert!(results.exists() && folder.path().join("logs/server.log").exists());
    let other = tempfile::tempdir().unwrap();
    let out = other.path().join("deep");
    assert_eq!(report(&[&results], &["--out", out.to_str().unwrap()]).0, 0);
    assert_eq!(
        std::fs::read(out.join("perf_results.json")).unwrap(),
        std::fs::read(&results).unwrap()
    );
    assert_eq!(std::fs::read(out.join("perf_results.html")).unwrap(), written);
    let out = other.path().join("some");
    let flags = ["--out", out.to_str().unwrap(), "--csv", "--md", "--junit", "--prom"];
    assert_eq!(report(&[&results], &flags).0, 0);
    assert_eq!(names(&out).len(), 1 + 4 + 3, "{:?}", names(&out));
}

#[test]
fn what_would_touch_files_of_others_is_refused_and_so_is_what_is_no_result() {
    let folder = left(40);
    let results = folder.path().join("perf_results.json");
    let elsewhere = tempfile::tempdir().unwrap();
    let check = |file: &Path, flags: &[&str], part: &str| {
        let (code, said) = report(&[file], flags);
        assert!(code == 2 && said.contains(part), "{code} {said}");
    };
    let copy = elsewhere.path().join("before.json");
    std::fs::copy(&results, &copy).unwrap();
    check(&copy, &["--html"], "before.json is not named perf_results.json, so");
    let flags = ["--out", elsewhere.path().to_str().unwrap()];
    check(&copy, &flags, "was not made by Portcullis; choose another folder with --out");
    assert_eq!(names(elsewhere.path()), ["before.json"]);
    check(&elsewhere.path().join("none.json"), &[], "none.json cannot be read");
    let text = std::fs::read_to_string(&results).unwrap();
    let broken = |from: &str, to: &str| {
        std::fs::write(&copy, text.replacen(from, to, 1)).unwrap();
        &copy
    };
    check(broken("\"schema_version\": 1", "\"schema_version\": 2"), &[], "its schema_version is 2");
    check(broken("\"portcullis\"", "\"k6\""), &[], "its \"tool\" is not");
    check(broken("\"requests\": 4", "\"requests\": 5"), &[], "contradicts itself");
    check(broken("\"own_server\"", "\"own\""), &[], "missing field `own_server`");
    std::fs::write(&copy, "Type,Name\r\n").unwrap();
    check(&copy, &[], "is not a known results file");
}

#[test]
fn two_runs_stand_side_by_side_and_nothing_is_decided() {
    let (first, second) = (left(40), left(50));
    let file = |folder: &TempDir| folder.path().join("perf_results.json");
    let (first, second) = (file(&first), file(&second));
    let (code, said) = report(&[&first, &second], &[]);
    assert_eq!(code, 0, "{said}");
    for part in
        ["A  ", "PASSED: in 50 ms (exit 0)", "+25.0 %", "not a regression check", "perf --against"]
    {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let row = said.lines().find(|line| line.trim_start().starts_with("list")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[..6], ["list", "4", "4", "40.0", "50.0", "+25.0"], "{row}");
    assert_eq!(report(&[&first, &second], &["--html"]).0, 2);
    assert_eq!(report(&[&first, &first, &second], &[]).0, 2);
    assert_eq!(report(&[], &[]).0, 2);
}
