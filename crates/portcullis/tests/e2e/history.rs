//! The history: a run adds its line, and the page shows it.

use std::process::Command;

use crate::harness::Project;

fn history(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("history").args(arguments).current_dir(project.folder().join("project"));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_run_adds_a_line_and_the_page_shows_it() {
    let project =
        Project::quick().with("# [baseline]", "[history]\nfile = \"runs.jsonl\"\n# [baseline]");
    project.run(&["-t", "2s"]).expect(0, &["PASSED"]);
    // A red run is remembered too.
    project.run_with_faults("reports=delay:1s", &["-t", "2s"]).expect(1, &["FAILED"]);
    let lines = std::fs::read_to_string(project.folder().join("project/runs.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["exit_code"], &lines[1]["exit_code"]), (&0.into(), &1.into()));
    let is_slow = |task: &serde_json::Value| task["p95_ms"].as_f64().is_some_and(|ms| ms >= 900.0);
    assert!(lines[1]["tasks"].as_array().unwrap().iter().any(is_slow), "{}", lines[1]);

    let (code, said) = history(&project, &[]);
    assert_eq!(code, Some(0), "{said}");
    let page = project.folder().join("project/.portcullis/perf_history.html");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Performance over 2 runs") && page.contains("list_reports"));

    std::fs::write(project.folder().join("project/runs.jsonl"), "<<<<<<< HEAD\n").unwrap();
    let (code, said) = history(&project, &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("line 1: a mark of an unfinished merge"), "{said}");
    let (code, said) = history(&project, &["missing.jsonl"]);
    assert!(code == Some(2) && said.contains("missing.jsonl cannot be read"), "{said}");
}
