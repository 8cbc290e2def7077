//! The steps of `action.yml`, run as GitHub's runner does: with a made event, and a
//! stand-in for `gh`, which would talk to GitHub.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{Project, development_bin, root};

/// A job that uses the action.
struct Job {
    folder: tempfile::TempDir,
    steps: Vec<serde_json::Value>,
    inputs: BTreeMap<String, String>,
    event: &'static str,
    outputs: BTreeMap<String, String>,
}

impl Job {
    fn new(python: &Path, event: &'static str, program: &str) -> Self {
        let read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
        let mut command = Command::new(python.join("python"));
        command.args(["-c", read]).stdin(std::fs::File::open(root().join("action.yml")).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let action: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let default = |input: &serde_json::Value| input["default"].as_str().unwrap().to_owned();
        let inputs = action["inputs"].as_object().unwrap().iter();
        let mut inputs: BTreeMap<_, _> =
            inputs.map(|(name, input)| (name.clone(), default(input))).collect();
        inputs.insert("program".to_owned(), program.to_owned());
        let steps = action["runs"]["steps"].as_array().unwrap().clone();
        let folder = tempfile::tempdir().unwrap();
        Self { folder, steps, inputs, event, outputs: BTreeMap::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of the test's own, on the search path.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let bin = self.path("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The value of a text with at most one expression, which is all of it.
    fn value(&self, text: &str) -> String {
        let Some(name) = text.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")) else {
            return text.to_owned();
        };
        if let Some(input) = name.strip_prefix("inputs.") {
            return self.value(&self.inputs[input]);
        }
        match name {
            "github.action_path" => root().display().to_string(),
            "github.token" => "a token".to_owned(),
            "github.event.pull_request.number" => "7".to_owned(),
            "steps.install.outputs.program" => self.outputs["program"].clone(),
            "steps.perf.outputs.folder" => self.outputs.get("folder").cloned().unwrap_or_default(),
            other => panic!("an unknown expression: {other}"),
        }
    }

    /// Runs the step whose script is `.github/action/NAME.sh`.
    fn step(&mut self, name: &str, folder: &Path, variables: &[(&str, &str)]) -> Output {
        let script = format!("/.github/action/{name}.sh");
        let is_it = |step: &&serde_json::Value| {
            step["run"].as_str().is_some_and(|run| run.contains(&script))
        };
        let step = self.steps.iter().find(is_it).unwrap().clone();
        let outputs = self.path("outputs");
        std::fs::write(&outputs, "").unwrap();
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-e", "-c", step["run"].as_str().unwrap()]).current_dir(folder);
        for (name, value) in step["env"].as_object().unwrap() {
            command.env(name, self.value(value.as_str().unwrap()));
        }
        command
            .env("PATH", path)
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_STEP_SUMMARY", self.path("summary"))
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", self.event)
            .env("GITHUB_BASE_REF", "main")
            .env("GITHUB_REPOSITORY", "team/service")
            .env("RUNNER_TEMP", self.folder.path());
        let output = command.envs(variables.iter().copied()).output().unwrap();
        for line in std::fs::read_to_string(&outputs).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.outputs.insert(name.to_owned(), value.to_owned());
        }
        output
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_push_runs_the_job_and_hands_on_its_outputs() {
    let Some(bin) = development_bin("action") else { return };
    let project = Project::quick();
    drop(project.command(&[]));
    let mut job = Job::new(&bin, "push", env!("CARGO_BIN_EXE_portcullis"));
    job.inputs.insert("args".to_owned(), "-t 2s --seed 7".to_owned());
    let folder = project.folder().join("project");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-cache");
    let variables = [("PORTCULLIS_CACHE", cache.to_str().unwrap())];
    let output = job.step("install", &folder, &[]);
    assert!(output.status.success(), "{}", said(&output));
    let output = job.step("perf", &folder, &variables);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(job.outputs["verdict"], "passed");
    assert_eq!(job.outputs["exit_code"], "0");
    let written = Path::new(&job.outputs["folder"]);
    assert!(written.join("perf_results.json").is_file(), "{:?}", job.outputs);
    assert!(job.path("summary").is_file());
    assert!(!folder.join(".portcullis").exists(), "the checkout is left alone");
}

#[test]
fn a_pull_request_is_compared_and_has_one_comment() {
    let Some(bin) = development_bin("action") else { return };
    let mut job = Job::new(&bin, "pull_request", "");
    let record = "echo \"$@\" >>\"$RUNNER_TEMP/called\"";
    let write = "while [ $# -gt 0 ]; do [ \"$1\" = --out ] && mkdir -p \"$2\" && \
                 echo text >\"$2/perf_results.md\"; shift; done; exit ${ENDS:-0}";
    let program = job.program("own", &format!("{record}\n{write}"));
    let find = "case \"$*\" in *--paginate*) cat \"$RUNNER_TEMP/id\" 2>/dev/null; exit 0;; esac";
    job.program(
        "gh",
        &format!("{record}\n[ -z \"$REFUSES\" ] || exit 1\n{find}\necho 42 >\"$RUNNER_TEMP/id\""),
    );
    job.inputs.insert("program".to_owned(), program.display().to_string());
    let folder = job.folder.path().to_owned();
    assert!(job.step("install", &folder, &[]).status.success());

    // A red run stays red, and is told in a comment all the same.
    let output = job.step("perf", &folder, &[("ENDS", "1")]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for _ in 0..2 {
        let output = job.step("comment", &folder, &[]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let called = std::fs::read_to_string(job.path("called")).unwrap();
    assert!(called.contains("--against merge-base"), "{called}");
    let made: Vec<&str> = called.lines().filter(|line| line.contains("body=@")).collect();
    assert!(made[0].starts_with("api repos/team/service/issues/7/comments -F"), "{made:?}");
    assert!(made[1].starts_with("api -X PATCH repos/team/service/issues/comments/42"), "{made:?}");
    assert_eq!(made.len(), 2, "{called}");

    // A fork has no right to comment.
    let output = job.step("comment", &folder, &[("REFUSES", "yes")]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("see the summary"), "{}", said(&output));
}

#[test]
fn a_run_that_wrote_nothing_has_no_comment() {
    let Some(bin) = development_bin("action") else { return };
    let mut job = Job::new(&bin, "pull_request", "");
    job.program("gh", "exit 3");
    let folder = job.folder.path().to_owned();
    let output = job.step("comment", &folder, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("no comment"), "{}", said(&output));
}
