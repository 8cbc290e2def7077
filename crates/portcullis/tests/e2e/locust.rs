//! Real Locust and we measure the same service: one reader for both files,
//! the same names, columns and shares.

use std::process::Command;

use crate::harness::{HandMade, Project, development_bin, wait};

#[test]
fn the_suite_imports_without_django_settings() {
    let Some(bin) = development_bin("locust import") else { return };
    let mut python = Command::new(bin.join("python"));
    python
        .args(["-B", "-c", "from upstream.tests_performance import UpstreamUser"])
        .current_dir(crate::harness::root().join("fixtures/upstream"));
    assert!(python.env_remove("DJANGO_SETTINGS_MODULE").status().unwrap().success());
}

#[test]
fn locust_and_we_agree_on_names_columns_and_shares() {
    let Some(bin) = development_bin("locust") else { return };
    let server = HandMade::start(&bin);
    let prefix = server.folder().join("locust");
    let mut locust = Command::new(bin.join("locust"));
    locust
        .args(["-f", "upstream/tests_performance.py", "--headless", "-u", "5", "-r", "5"])
        .args(["-t", "40s", "--host", &server.url, "--csv"])
        .arg(&prefix)
        .current_dir(server.folder());
    let output = wait(locust.stdout(std::process::Stdio::null()).spawn().unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = std::fs::read_to_string(server.folder().join("locust_stats.csv")).unwrap();

    let server = HandMade::start(&bin);
    let flags = ["--host", &server.url, "-u", "5", "-r", "5", "-t", "40s"];
    let slow =
        Project::quick().with("min = \"100ms\", max = \"300ms\"", "min = \"1s\", max = \"3s\"");
    let outcome = slow.run(&flags);
    outcome.expect(0, &[]);
    let ours = outcome.artifact("perf_results_stats.csv");

    let (theirs, ours) = (Stats::read(&theirs), Stats::read(ours));
    assert_eq!(theirs.columns, ours.columns);
    for (name, (requests, p50)) in &ours.rows {
        let Some((their_requests, their_p50)) = theirs.rows.get(name) else {
            // Locust rolls its tasks: a rare one may be missing on its side.
            assert_ne!(name, "list_claims", "{:?}", theirs.rows);
            continue;
        };
        println!("{name}: p50 {p50} ms, Locust's {their_p50} ms");
        let share = |n: f64, all: f64| n / all;
        let difference = share(*requests, ours.total) - share(*their_requests, theirs.total);
        assert!(difference.abs() < 0.15, "{name}: {requests} and {their_requests} requests");
    }
    let missing: Vec<_> =
        theirs.rows.keys().filter(|name| !ours.rows.contains_key(*name)).collect();
    assert!(missing.is_empty(), "only Locust has {missing:?}");
}

struct Stats {
    columns: Vec<String>,
    rows: std::collections::BTreeMap<String, (f64, String)>,
    total: f64,
}

impl Stats {
    fn read(text: &str) -> Self {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let columns = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let mut stats = Self { columns, rows: Default::default(), total: 0.0 };
        for record in reader.records() {
            let record = record.unwrap();
            let requests: f64 = record[2].parse().unwrap();
            match (&record[0], &record[1]) {
                ("", "Aggregated") => stats.total = requests,
                ("POST", _) => {}
                (_, name) => {
                    stats.rows.insert(name.to_owned(), (requests, record[11].to_owned()));
                }
            }
        }
        stats
    }
}
