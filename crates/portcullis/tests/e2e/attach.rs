//! `--host`: a running server is measured the same way.

use crate::harness::{HandMade, Project, development_bin};

#[test]
fn a_server_started_by_hand_gets_the_same_verdict_and_artifacts() {
    let Some(bin) = development_bin("attach") else { return };
    let server = HandMade::start(&bin);
    let outcome = Project::quick().run(&["--host", &server.url]);
    outcome.expect(0, &["PASSED: all 14 thresholds passed", "is healthy"]);
    assert!(!outcome.text.contains("migrate"), "{}", outcome.text);
    let results = outcome.results();
    assert_eq!(
        (&results["own_server"], &results["target"]),
        (&false.into(), &server.url.clone().into())
    );
    assert!(outcome.artifact("perf_results_stats.csv").contains("list_reports"));
    // The later suite of the first user: pages, ids and lists, on the same server.
    let suite = server.folder().join("perf/later-suite.toml");
    let flags = ["--host", &server.url, "--config", suite.to_str().unwrap(), "--dry-run"];
    Project::quick().run(&flags).expect(0, &["/api/v1/claims/?page={page}"]);
}

#[test]
fn a_server_that_is_not_there_is_exit_4() {
    let outcome = Project::quick().with("ready_timeout = \"60s\"", "ready_timeout = \"1s\"");
    let outcome = outcome.run(&["--host", "http://127.0.0.1:9"]);
    outcome.expect(4, &["is not healthy: no answer", "start the server first"]);
}
