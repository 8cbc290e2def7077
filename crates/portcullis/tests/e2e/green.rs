//! A healthy service is green, its artifacts agree, and a seed repeats a run.

use crate::harness::{Project, root};

/// The tasks of the bundled configuration, in its order.
pub const TASKS: [&str; 10] = [
    "list_claims",
    "get_claim_detail",
    "filter_claims_by_payer",
    "search_claims",
    "get_payer_summary",
    "list_drift_events",
    "filter_drift_by_severity",
    "get_dashboard",
    "list_uploads",
    "list_reports",
];

#[test]
fn a_healthy_service_is_green_with_all_artifacts_and_no_trace() {
    let status = || {
        let git = std::process::Command::new("git")
            .args(["status", "--porcelain", "--ignored", "fixtures"])
            .current_dir(root())
            .output();
        String::from_utf8(git.unwrap().stdout).unwrap()
    };
    let before = status();
    let project = Project::quick();
    let outcome = project.run(&[]);
    outcome.expect(0, &["PASSED: all 14 thresholds passed", "environment", "stop"]);
    let last = outcome.text.trim_end().lines().last().unwrap();
    assert!(last.starts_with("PASSED:"), "the verdict is not last: {last}");
    assert_eq!(status(), before, "the run left something in the fixture");

    let results = outcome.results();
    let rows = results["summary"]["tasks"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, TASKS);
    assert!(rows.iter().all(|row| row["requests"].as_u64().unwrap() > 0), "{results:#}");
    assert_eq!(results["summary"]["users_ran"], 3);
    assert_eq!(results["summary"]["login"]["requests"], 3);
    let course = results["server"]["course"].as_array().unwrap();
    if cfg!(target_os = "linux") {
        assert!(!course.is_empty(), "{:#}", results["server"]);
        assert!(course.iter().all(|moment| moment[2].as_u64() > Some(1 << 20)), "{course:?}");
    }

    // Read back, it is the same run: the same table, the same verdict.
    let (code, said) = project.check("perf_results.json");
    assert_eq!(code, Some(0), "{said}");
    let table = outcome.text.lines().skip_while(|line| !line.contains("p50"));
    for line in table.take_while(|line| !line.starts_with("stages:")) {
        assert!(said.contains(line), "check does not say {line:?}:\n{said}");
    }
    let (code, said) = project.check("perf_results_stats.csv");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("was written by Portcullis"), "{said}");

    // One source of truth: the CSV, the JSON and the series agree.
    let stats = outcome.artifact("perf_results_stats.csv");
    let aggregated = stats.lines().last().unwrap();
    let requests = results["summary"]["aggregate"]["requests"].as_u64().unwrap();
    assert!(aggregated.starts_with(&format!(",Aggregated,{requests},0,")), "{aggregated}");
    let history = outcome.artifact("perf_results_stats_history.csv");
    let total = history.lines().last().unwrap().split(',').nth(17).unwrap().to_owned();
    assert_eq!(total, requests.to_string());
    for name in ["perf_results_failures.csv", "perf_results_exceptions.csv"] {
        assert!(!outcome.artifact(name).is_empty(), "{name}");
    }
    let all: String = [
        "perf_effective.toml",
        "perf_results.html",
        "perf_results.json",
        "perf_results.junit.xml",
        "perf_results.md",
        "perf_results.prom",
        "logs/server.log",
    ]
    .map(|name| outcome.artifact(name))
    .concat();
    assert!(!all.contains("testpass123") && !all.contains("eyJ"), "a secret is in the artifacts");
    assert!(!outcome.text.contains("testpass123"));
}

#[test]
fn the_bundled_configuration_is_green_as_it_is() {
    let project = Project::bundled().with_service(&root().join("fixtures/upstream"));
    let outcome = project.run(&[]);
    outcome.expect(0, &["5 users, 1/s, 30.0 s", "5 of 5 users ran"]);
}

#[test]
fn a_second_run_uses_the_caches_and_removes_the_first_ones_files() {
    let project = Project::quick();
    project.run(&["-t", "2s"]).expect(0, &[]);
    let stale = project.folder().join("project/.portcullis/logs/stale.log");
    std::fs::write(&stale, "stale").unwrap();
    let outcome = project.run(&["-t", "2s"]);
    outcome.expect(0, &["cached", "restored from cache"]);
    assert!(!stale.exists(), "a file of an earlier run is still there");
    let cached = |name: &str| {
        let results = outcome.results();
        let stages = results["stages"].as_array().unwrap().clone();
        stages.iter().any(|stage| stage["stage"] == name && stage["end"] == "cached")
    };
    assert!(["environment", "install", "migrate", "seed"].into_iter().all(cached));
}

#[test]
fn the_same_seed_makes_the_same_requests() {
    let requests = |seed: &str| {
        let project = Project::quick();
        let outcome = project.run(&["-u", "1", "-r", "1", "-t", "3s", "--seed", seed]);
        outcome.expect(0, &[&format!("seed {seed}")]);
        let log = outcome.artifact("logs/server.log");
        let lines = log.lines().filter_map(|line| {
            let start = line.find("\"GET /api/v1/")?;
            Some(line[start..].split(' ').nth(1)?.to_owned())
        });
        // Ten of the first round, then as many as any run of 3 s makes.
        lines.skip(10).take(8).collect::<Vec<_>>()
    };
    let first = requests("7");
    assert_eq!(first.len(), 8, "{first:?}");
    assert_eq!(first, requests("7"));
    assert_ne!(first, requests("8"));
}

#[test]
fn a_closed_pipe_does_not_change_the_verdict() {
    let project = Project::quick();
    let mut child = project.command(&["-t", "2s"]).spawn().unwrap();
    drop(child.stdout.take());
    project.finish(child).expect(0, &[]);
}

#[test]
fn a_login_for_all_users_is_one_request() {
    let project = Project::quick().with("shared = false", "shared = true");
    let outcome = project.run(&["-u", "8", "-r", "8", "-t", "2s"]);
    outcome.expect(0, &[]);
    assert_eq!(outcome.results()["summary"]["login"]["requests"], 1);
    assert_eq!(outcome.results()["summary"]["users_ran"], 8);
}

#[test]
fn a_rule_that_cannot_be_checked_is_listed_and_carries_no_run() {
    let flags = ["--fail", "p95 <= base + 20%", "--warn", "max <= base"];
    let outcome = Project::quick().run(&flags);
    let parts = [
        "not judged: p95 <= 1.2 times the base: needs --against",
        "not judged: max <= the base: needs --against",
        "PASSED: all 14 thresholds passed, 2 not judged",
    ];
    outcome.expect(0, &parts);
    let statuses = &outcome.results()["summary"]["aggregate"]["statuses"];
    assert_eq!(statuses[0][0], 200, "{statuses}");

    let rules = "    \"p95 <= 500ms\",\n    \"error_rate <= 5%\",\n    \
                 \"p95(list) < 500ms per task\",\n    \"p95(detail) < 200ms per task\",\n";
    let project = Project::quick().with(rules, "    \"p95 <= baseline * 1.2\",\n");
    let parts = ["not judged: p95 <= 1.2 times the baseline: no baseline", "INVALID"];
    project.run(&[]).expect(5, &parts).expect(5, &["no threshold was judged"]);
}
