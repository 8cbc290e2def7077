//! `portcullis check` from the user's command line: the first user's old results,
//! Locust's of both generations, and our own, each with the exit code it deserves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests start what the product would")]
#![allow(clippy::print_stderr, reason = "tests say what they skip")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis_core::compare::{
    Comparison, Decision, Judge, POLICY, Pair, Side, Sides, TaskComparison, effect,
};
use portcullis_core::config::{self, load, to_redacted_toml};
use portcullis_core::event::{Stage, StageEnd, StageRecord};
use portcullis_core::judge::{Finding, Signal, exit_code, judge};
use portcullis_core::measure::{Distribution, OverLimit, Row, Summary, TaskSummary};
use portcullis_core::scenario::{Step, Task, labels, methods};
use portcullis_core::threshold::latency_limits;
use portcullis_report::{RunRecord, results};
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn reference() -> Option<PathBuf> {
    let path = root().join("../shared/reference");
    let is_there = path.is_dir();
    if !is_there {
        eprintln!("skipped: the reference files are not beside this checkout");
    }
    is_there.then_some(path)
}

/// Runs `check` in a folder; the exit code and what was said.
fn check_in(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command.arg("check").args(arguments).current_dir(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// Runs `check` with the bundled rules, and looks for parts of what is said.
fn check(arguments: &[&str], code: i32, parts: &[&str]) -> String {
    let (found, said) = check_in(&root(), arguments);
    assert_eq!(found, code, "{arguments:?}\n{said}");
    for part in parts {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
    let last = said.trim_end().lines().last().unwrap();
    assert!(last.ends_with(&format!("(exit {code})")), "the verdict is not last: {last}");
    assert_eq!(last.starts_with("PASSED"), code == 0, "{last}");
    said
}

#[test]
fn the_old_jobs_results_are_judged_for_what_they_are() {
    let Some(reference) = reference() else { return };
    let case = |name: &str, code: i32, parts: &[&str]| {
        let file = reference.join("old-job").join(name).join("perf_results_stats.csv");
        let said = check(&[file.to_str().unwrap()], code, parts);
        // Whatever the file says, this it does not say.
        for unseen in ["which process answered", "how many users", "requests that never ended"] {
            let line = format!("not in this file: {unseen}");
            assert!(said.contains(&line), "{name}: no {line:?} in\n{said}");
        }
        let tasks = "not checkable from this file: p95(detail) < 200ms per task: no row has the \
                     name or the URL of get_claim_detail";
        assert!(
            said.contains(tasks) || name.starts_with("no-") || name == "wrong-password",
            "{said}"
        );
    };
    let login = "not checkable from this file: login.p95 < 2s: no row is named login or POST \
                 /api/v1/auth/token/";
    case("healthy", 0, &["passed: p95 = 83.0 ms, limit <= 500 ms, 71 samples", login]);
    case("empty-tables", 1, &["violated: error_rate = 22.06 %, limit <= 5.00 %, 68 samples"]);
    case("wrong-password", 5, &["INVALID: the Aggregated row has no requests, and N/A"]);
    case("no-server", 5, &["INVALID: the Aggregated row has no requests, and N/A"]);
    case("server-killed-at-15s", 1, &["violated: error_rate = 69.12 %"]);
    // Files that hide the truth pass, and say what they hide.
    let shown = "PASSED as far as this file shows: 8 of 11 rules passed, 3 not checkable";
    case("impostor-always-200", 0, &[shown, login]);
    case("ten-users-five-alive", 0, &[shown, "passed: p95 = 380 ms"]);
    // 4 of 140 requests: in no percentile of all, but the row has the task's URL.
    let slow = "violated: p95(list_reports) = 3000 ms, limit < 500 ms, 4 samples";
    case("one-slow-endpoint", 1, &[slow, "passed: p95 = 44.0 ms"]);
    // Five logins were 7 % of the requests: no rule on all requests is about them.
    let apart = "POST /api/v1/auth/token/ is the login: its 5 requests are not in the totals";
    case("login-in-aggregate", 0, &[apart, "passed: p95 = 102 ms", "passed: login.p95 = 630 ms"]);
    let all = "violated: error_rate = 100.00 %, limit <= 5.00 %, 45 samples";
    case("wrong-password-recorded", 1, &[all, "no data: login.p95"]);
}

#[test]
fn both_generations_of_locust_are_judged() {
    let Some(reference) = reference() else { return };
    let file = |name: &str| reference.join(name).to_str().unwrap().to_owned();
    let errors = "violated: error_rate = 39.62 %, limit <= 5.00 %, 53 samples";
    let history = "note: the history ends with 36 requests, the statistics say 53";
    check(&[&file("locust-csv/2.20/perf_results_stats.csv")], 1, &[errors, history]);
    // No failure in the statistics, but users that never ran.
    let exceptions = "invalid: the users' own code failed 3 times, so possibly not all of them ran";
    let users = "the history counts at most 5";
    check(&[&file("locust-csv/2.47/perf_results_stats.csv")], 5, &[exceptions, users]);
    let alone = [
        "no exceptions file beside it",
        "what failed, and whether failures are in the percentiles: no failures file beside it",
    ];
    for run in 1..=10 {
        check(&[&file(&format!("aa-runs/run{run}-stats.csv"))], 0, &alone);
    }
}

#[test]
fn several_files_are_judged_and_the_gravest_decides() {
    let Some(reference) = reference() else { return };
    let file = |case: &str| {
        reference.join("old-job").join(case).join("perf_results_stats.csv").display().to_string()
    };
    let [healthy, slow, none] = ["healthy", "one-slow-endpoint", "no-server"].map(file);
    let said = check(&[&slow, &healthy], 1, &["PASSED as far", "FAILED: "]);
    let last = said.lines().last().unwrap();
    assert!(last.contains(&format!("{slow}: p95(list_reports)")), "{last}");
    check(&[&none, &healthy], 5, &[]);
    check(&[&none, &slow, &healthy], 1, &[]);
    check(&["absent.csv", &slow], 2, &["REFUSED: absent.csv cannot be read"]);
    check(&[&healthy, &healthy], 0, &["PASSED: 2 files, as far as each of them shows"]);
}

/// A folder with a `perf.toml` whose `fail` rules are these.
fn with_rules(rules: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let bundled = std::fs::read_to_string(root().join("perf.toml")).unwrap();
    let (before, after) = bundled.split_once("fail = [").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    let text = format!("{before}fail = [{rules}]{after}");
    std::fs::write(folder.path().join("perf.toml"), text).unwrap();
    folder
}

#[test]
fn what_the_file_leaves_open_is_never_a_pass() {
    let Some(reference) = reference() else { return };
    let healthy = reference.join("old-job/healthy/perf_results_stats.csv").display().to_string();
    let case = |rules: &str, code: i32, part: &str| {
        let folder = with_rules(rules);
        let (found, said) = check_in(folder.path(), &[&healthy]);
        assert_eq!(found, code, "{rules}\n{said}");
        assert!(said.contains(part), "no {part:?} in\n{said}");
    };
    let open = "no data: not checkable from this file: the p95 latency of all requests is below \
                83.0 ms: 83 ms is rounded: it is between 82.5 ms and 83.5 ms";
    case("\"p95 < 83ms\", \"error_rate <= 5%\"", 5, open);
    case("\"p95 < 83ms\", \"error_rate <= 5%\", \"p50 < 1ms\"", 1, "violated: p50 = 38.0 ms");
    case("\"p95 < 84ms\"", 0, "passed: p95 = 83.0 ms");
    case("\"p95 < 82ms\"", 1, "violated: p95 = 83.0 ms");
    case("\"max < 202.9ms\"", 1, "violated: max = 202.947 ms");
    case("\"max < 203ms\", \"mean < 1s\", \"rps > 2/s\", \"count > 70\"", 0, "passed: count = 71");
    let none = "no `fail` rule on all requests was judged";
    case("\"p95(detail) < 200ms per task\", \"login.p99 < 2s\"", 5, none);
    case("\"p95(list_reports) < 500ms\"", 5, none);
    case("", 5, none);
    let folder = with_rules("\"p95 <= 500\"");
    let (code, said) = check_in(folder.path(), &[&healthy]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("perf.toml:") && said.contains("has no unit"), "{said}");
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, said) = check_in(elsewhere.path(), &[&healthy]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no perf.toml in"), "{said}");
    let config = folder.path().join("perf.toml");
    std::fs::write(&config, std::fs::read_to_string(root().join("perf.toml")).unwrap()).unwrap();
    let flags = ["--config", config.to_str().unwrap(), "--profile", "ci", &healthy];
    assert_eq!(check_in(elsewhere.path(), &flags).0, 0);
}

#[test]
fn what_is_no_results_file_is_2_and_what_is_broken_is_5() {
    let folder = tempfile::tempdir().unwrap();
    let case = |bytes: &str, code: i32, part: &str| {
        let path = folder.path().join("x_stats.csv");
        std::fs::write(&path, bytes).unwrap();
        check(&[path.to_str().unwrap()], code, &[part]);
    };
    case("", 5, "x_stats.csv is empty");
    case("Type,Name,Req", 5, "x_stats.csv is truncated: the header has no line end");
    case("Type,Name\r\n", 2, "line 1, column 3 is nothing, where a statistics file of Locust has");
    case("{}\n", 2, "its \"tool\" is not \"portcullis\"");
    case("{ \"tool\": \"port", 5, "is truncated");
    case("[1]\n", 2, "is not a known results file");
    check(&[folder.path().to_str().unwrap()], 2, &["cannot be read"]);
    let (code, said) = check_in(&root(), &[]);
    assert!(code == 2 && said.contains("<FILE>"), "{said}");
    let (code, help) = check_in(&root(), &["--help"]);
    assert!(code == 0 && help.contains("Exit codes:"), "{help}");
}

/// One of them a millisecond shorter.
fn latencies(ms: u64, count: u64) -> Distribution {
    let (ns, shorter_ns) = (ms * 1_000_000, (ms - 1) * 1_000_000);
    let sum_ns = u128::from(ns * (count - 1) + shorter_ns);
    let buckets = vec![((ms - 1) * 1000, 1), (ms * 1000, count - 1)];
    Distribution { count, sum_ns, min_ns: shorter_ns, max_ns: ns, buckets, clipped: 0 }
}

/// What the bundled scenario's run would measure, if one task took so long.
fn summary(slow: &str, ms: u64) -> (Summary, String) {
    let bundled = std::fs::read_to_string(root().join("perf.toml")).unwrap();
    let loaded = load(&bundled, None, &[]).unwrap();
    let limits = latency_limits(&loaded.config.thresholds);
    let row = |name: &str| {
        let ms = if name == slow { ms } else { 40 };
        let beyond = |limit: &Duration| {
            let limit = limit.as_millis();
            let count = |is: bool| if is { 10 } else { 0 };
            OverLimit {
                above: count(u128::from(ms) > limit),
                at_or_above: count(u128::from(ms) >= limit),
            }
        };
        Row {
            requests: 10,
            latency: latencies(ms, 10),
            first_byte: latencies(ms, 10),
            with_data: 10,
            beyond: limits.iter().map(beyond).collect(),
            failed_beyond: vec![OverLimit::default(); limits.len()],
            ..Row::default()
        }
    };
    let of = |name: &str, steps: &[Step]| TaskSummary {
        name: name.to_owned(),
        method: methods(steps),
        label: labels(steps),
        window: row(name),
        ..TaskSummary::default()
    };
    let task = |task: &Task| TaskSummary {
        group: task.group.clone(),
        weight: task.weight,
        needs_data: true,
        ..of(&task.name, &task.steps)
    };
    let scenario = &loaded.config.scenario;
    let summary = Summary {
        window: Duration::from_secs(30),
        measured: Duration::from_secs(30),
        users_asked: 5,
        users_ran: 5,
        tasks: scenario.tasks.iter().map(task).collect(),
        login: scenario.users[0].login.as_ref().map(|login| of("login", &login.steps)),
        limits,
        ..Summary::default()
    };
    (summary, to_redacted_toml(&loaded.tree))
}

fn written(folder: &Path, summary: Option<Summary>, text: &str, findings: &[Finding]) -> String {
    let path = folder.join("results.json");
    let report = RunRecord {
        configuration: text.to_owned(),
        summary,
        exit_code: exit_code(findings),
        findings: findings.to_vec(),
        ..RunRecord::default()
    };
    std::fs::write(&path, results::write(&report).unwrap()).unwrap();
    path.display().to_string()
}

#[test]
fn our_own_results_are_judged_by_their_own_rules_or_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (fast, text) = summary("list_reports", 40);
    let file = written(path, Some(fast), &text, &[]);
    let own = "rules from the run's own configuration";
    check(&[&file], 0, &[own, "PASSED: 14 of 14 rules passed; 100 requests", "list_reports  "]);
    // Elsewhere, without any perf.toml, it is the same.
    assert_eq!(check_in(path, &[&file]).0, 0);
    let (slow, text) = summary("list_reports", 700);
    let why = "p95(list_reports) = 700 ms, limit < 500 ms, 10 samples, 10 beyond the limit";
    let file = written(path, Some(slow), &text, &[Finding::violated(why.to_owned())]);
    check(&[&file], 1, &["violated: p95(list_reports) = 700 ms", "violated: p95 = 700 ms"]);
    let others = with_rules("\"p95(list_reports) < 800ms\", \"error_rate <= 5%\"");
    let config = others.path().join("perf.toml").display().to_string();
    check(&["--config", &config, &file], 0, &["passed: p95(list_reports) = 700 ms", &config]);
    // A limit that was not counted, and lies within the bucket of 700 ms.
    let near = with_rules("\"p95(list_reports) < 699.9ms\"");
    let config = near.path().join("perf.toml").display().to_string();
    check(
        &["--config", &config, &file],
        5,
        &["did not count this limit, and its histogram is too \
                                               coarse"],
    );
}

#[test]
fn what_spoilt_a_run_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (fast, text) = summary("", 40);
    let why = || "why it is so".to_owned();
    let spoilt = [
        Finding::interrupted(Signal::Interrupt),
        Finding::interrupted(Signal::Terminate),
        Finding::defect(why()),
        Finding::refused(why()),
        Finding::preparation(why()),
        Finding::server(why()),
        Finding::invalid(why()),
    ];
    for finding in spoilt {
        let code = i32::from(finding.exit_code());
        for summary in [None, Some(fast.clone())] {
            let file = written(path, summary, &text, std::slice::from_ref(&finding));
            let others = root().join("perf.toml").display().to_string();
            let sentence = format!(": {}", finding.message);
            check(&[&file], code, &[&sentence]);
            check(&["--config", &others, &file], code, &[&sentence]);
        }
    }
    let file = written(path, None, &text, &[]);
    check(&[&file], 5, &["no data: nothing was measured"]);
    // Also where secrets that were blanked out have made the rules unreadable.
    let server = Finding::server(why());
    let file = written(path, Some(fast), &text.replace("p95", "***"), &[server]);
    check(&[&file], 4, &["note: the configuration in the file:", "ERROR: why it is so"]);
}

#[test]
fn a_verdict_that_the_figures_do_not_bear_out_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (slow, text) = summary("list_reports", 700);
    let file = written(path, Some(slow), &text, &[]);
    check(&[&file], 5, &["the run ended with exit 0, but its figures and its rules mean exit 1"]);
    let (fast, text) = summary("", 40);
    let file = written(path, Some(fast.clone()), &text, &[Finding::violated("x".to_owned())]);
    check(&[&file], 5, &["the run ended with exit 1, but its figures and its rules mean exit 0"]);
    let file = written(path, Some(fast.clone()), &text.replace("p95", "p96"), &[]);
    check(&[&file], 2, &["the configuration in the file:", "choose another with --config"]);
    // A task that was never called is no pass, though no rule names it.
    let mut silent = fast;
    silent.tasks[0].window = Row::default();
    silent.tasks[0].window.beyond = vec![OverLimit::default(); silent.limits.len()];
    silent.tasks[0].window.failed_beyond = vec![OverLimit::default(); silent.limits.len()];
    let none = [Finding::no_data("x".to_owned())];
    let file = written(path, Some(silent), &text, &none);
    check(&[&file], 5, &["list_claims was never called", "list_claims (no data)"]);
}

#[test]
fn results_that_contradict_themselves_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (fast, text) = summary("", 40);
    let changed = |change: fn(&mut Summary)| {
        let mut summary = fast.clone();
        change(&mut summary);
        written(path, Some(summary), &text, &[])
    };
    let file = changed(|summary| summary.measured = Duration::ZERO);
    check(&[&file], 5, &["100 requests in a measured time of 0 s: the file was changed"]);
    let file = changed(|summary| summary.users_ran = 0);
    check(&[&file], 5, &["100 requests, but no user ran"]);
    let report = |stages: Vec<StageRecord>, end: &str| {
        let report = RunRecord {
            configuration: text.clone(),
            summary: Some(fast.clone()),
            own_server: true,
            server_end: Some(end.to_owned()),
            stages,
            ..RunRecord::default()
        };
        let file = path.join("stages.json");
        std::fs::write(&file, results::write(&report).unwrap()).unwrap();
        file.display().to_string()
    };
    let stage = |end| StageRecord {
        stage: Stage::Load,
        took: Duration::from_secs(30),
        end,
        detail: String::new(),
        log: None,
        advice: None,
    };
    let fine = "the server stopped on request";
    check(&[&report(vec![stage(StageEnd::Completed)], fine)], 0, &["PASSED"]);
    let died = stage(StageEnd::Failed("the server died during the load".to_owned()));
    check(&[&report(vec![died], fine)], 5, &["the stage load failed (the server died"]);
    let file = report(Vec::new(), "the server had already ended: signal: 9 (SIGKILL)");
    check(&[&file], 5, &["already ended: signal: 9 (SIGKILL), but the run passed"]);
}

#[test]
fn rules_that_were_loosened_in_the_results_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (fast, text) = summary("", 40);
    let rule = "p95(list) < 500ms per task";
    assert!(text.contains(rule), "{text}");
    // In the configuration, but not in what was judged.
    let loose = text.replace(rule, "p95(list) < 900ms per task");
    let loaded = config::load(&text, None, &[]).unwrap();
    let report = RunRecord {
        configuration: loose.clone(),
        summary: Some(fast.clone()),
        verdict: Some(judge(&fast, &loaded.config.thresholds)),
        ..RunRecord::default()
    };
    let file = path.join("loose.json");
    std::fs::write(&file, results::write(&report).unwrap()).unwrap();
    let file = file.display().to_string();
    let said = format!("{rule} was judged, but is not in the configuration");
    check(&[&file], 5, &[&said]);
    // In both, against the configuration that is given.
    let file = written(path, Some(fast), &loose, &[]);
    check(&[&file], 0, &["PASSED"]);
    let given = root().join("perf.toml").display().to_string();
    check(&["--config", &given, &file], 5, &["the run was judged by looser rules", rule]);
    check(&["--fail", "p95(list_reports) < 100ms", &file], 0, &["PASSED"]);
}

#[test]
fn rules_of_the_command_line_come_behind_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (fast, text) = summary("", 40);
    let file = written(path, Some(fast), &text, &[]);
    let slow = "p50(list_reports) < 30ms";
    check(&["--warn", slow, &file], 0, &["warning: p50(list_reports) = 40.0 ms", ", and flags"]);
    check(&["--warn", slow, "--strict", &file], 1, &["violated: p50(list_reports) = 40.0 ms"]);
    check(&["--fail", slow, &file], 1, &["violated: p50(list_reports) = 40.0 ms"]);
    check(&["--fail", "p95(\"/nowhere/\") < 1s", &file], 5, &["p95(\"/nowhere/\"): no samples"]);
    check(&["--fail", "p95 <= baseline * 2", &file], 0, &["not judged: p95 <= 2 times", "1 not"]);
    let Some(reference) = reference() else { return };
    let file = reference.join("old-job/login-in-aggregate/perf_results_stats.csv");
    let file = file.to_str().unwrap();
    let row = "p95(\"/api/v1/auth/token/\") < 500ms";
    check(&["--fail", row, file], 1, &["violated: p95(\"/api/v1/auth/token/\") = 630 ms"]);
    let (code, said) = check_in(&root(), &["--fail", "p96 < 1s", file]);
    assert!(code == 2 && said.contains("--fail: "), "{said}");
}

#[test]
fn what_pairs_said_of_a_run_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (fast, text) = summary("", 40);
    let names: Vec<String> = fast.tasks.iter().map(|task| task.name.clone()).collect();
    let ms = |ms: u64| Some(Duration::from_millis(ms));
    let pair = |candidate: u64| Pair {
        task: 0,
        at: Duration::from_millis(7),
        first: Side::Base,
        latency: Sides { base: ms(40), candidate: ms(candidate) },
        cpu: Sides::default(),
    };
    let run = |candidate: u64, decision: Decision, findings: &[Finding]| {
        let pairs = vec![pair(candidate); 30];
        let judge = Judge::new(1, POLICY);
        let mut task = TaskComparison::new(&names[0], 0, &judge, &pairs);
        task.decision = decision;
        task.effect = effect(&vec![(candidate as f64 / 40.0).ln(); 30]);
        let (tasks, names) = (vec![task], names.clone());
        let comparison = Comparison { tasks, pairs, names, ..Comparison::default() };
        let report = RunRecord {
            configuration: text.clone(),
            summary: Some(fast.clone()),
            exit_code: exit_code(findings),
            findings: findings.to_vec(),
            comparison: Some(comparison),
            ..RunRecord::default()
        };
        let file = path.join("against.json");
        std::fs::write(&file, results::write(&report).unwrap()).unwrap();
        file.display().to_string()
    };
    let slower = [Finding::violated("it is slower".to_owned())];
    let file = run(80, Decision::Slower, &slower);
    let line = "violated: list_claims is slower by +100.0 %";
    check(&[&file], 1, &[line]);
    // Also with other rules, all of which hold.
    let others = with_rules("\"error_rate <= 5%\"");
    let config = others.path().join("perf.toml").display().to_string();
    check(&["--config", &config, &file], 1, &[line, "passed: error_rate"]);
    let file = run(44, Decision::Undecided, &[]);
    check(&[&file], 0, &["PASSED"]);
    check(&["--strict", &file], 1, &["list_claims: undecided, up to"]);
    let rule = "p50(list_claims) <= base + 20%";
    check(&["--fail", rule, &file], 0, &["passed: p50(list_claims) = 44.0 ms"]);
    let file = run(80, Decision::Undecided, &[]);
    check(&["--fail", rule, &file], 1, &["violated: p50(list_claims) = 80.0 ms"]);
}
