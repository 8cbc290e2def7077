//! A run as a step of GitHub's: what it tells the runner.

use crate::harness::Project;

#[test]
fn a_red_run_tells_the_runner_what_where_and_how_red() {
    let project = Project::quick();
    let (summary, outputs) = (project.folder().join("summary"), project.folder().join("outputs"));
    let outcome = project.run_with(&["-t", "2s"], |command| {
        std::fs::write(&outputs, "other=1\n").unwrap();
        drop(std::fs::remove_file(&summary));
        command
            .env("UPSTREAM_FAULTS", "reports=delay:1s")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_WORKSPACE", project.folder())
            .env("GITHUB_STEP_SUMMARY", &summary)
            .env("GITHUB_OUTPUT", &outputs);
    });
    outcome.expect(1, &["FAILED:"]);

    let configuration =
        std::fs::read_to_string(project.folder().join("project/perf.toml")).unwrap();
    let rule = "p95(list) < 500ms per task";
    let line = configuration.lines().position(|line| line.contains(rule)).unwrap() + 1;
    let error = format!(
        "\n::error file=project/perf.toml,line={line},title=p95(list_reports) is violated::"
    );
    outcome.expect(1, &[&error]);
    assert_eq!(std::fs::read_to_string(summary).unwrap(), outcome.artifact("perf_results.md"));
    let told = std::fs::read_to_string(outputs).unwrap();
    assert!(told.starts_with("other=1\nverdict=failed\nexit_code=1\np95_ms="), "{told}");
    assert!(told.trim_end().ends_with(".portcullis/perf_results.html"), "{told}");
}

#[test]
fn a_summary_that_cannot_be_written_decides_nothing() {
    let project = Project::quick();
    let outcome = project.run_with(&["-t", "2s"], |command| {
        command.env("GITHUB_STEP_SUMMARY", project.folder());
    });
    outcome.expect(0, &["warning: GITHUB_STEP_SUMMARY (", "PASSED:"]);
    assert!(!outcome.text.contains("::error"), "{}", outcome.text);
}
