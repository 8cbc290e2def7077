//! The files opened by other people's readers: junitparser, html5lib,
//! markdown-it. They come with `cargo xtask test`.
#![allow(clippy::disallowed_methods, reason = "readers are programs of their own")]

use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_report::{RunRecord, artifacts, html, junit, markdown, prometheus, results};

use crate::{again, compared, runs};

/// The development tools' folder; without it a test is skipped by name, in CI it
/// fails.
fn development_bin(test: &str) -> Option<PathBuf> {
    let bin = std::env::var_os("PORTCULLIS_TEST_BIN").map(PathBuf::from);
    if bin.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{test} needs `cargo xtask test`");
        eprintln!("skipped: {test} (run it through `cargo xtask test`)");
    }
    bin
}

fn write(folder: &Path, run: &RunRecord) {
    let files = [
        ("run.html", html::write(run)),
        ("run.xml", junit::write(run)),
        ("run.md", markdown::write(run)),
        ("run.prom", prometheus::write(run)),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The reader's verdict on a run: how many cases it saw, failed, broken, skipped;
/// and the rows of each Markdown table.
fn read(bin: &Path, run: &RunRecord) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), run);
    python(bin, "read.py", folder.path())
}

/// What a script of this folder says of a folder.
fn python(bin: &Path, script: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(script);
    let output =
        Command::new(bin.join("python")).arg("-B").arg(script).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn other_readers_read_what_is_written() {
    let Some(bin) = development_bin("readers") else { return };
    let check = |run: &RunRecord, expected: &str| assert_eq!(read(&bin, run).trim(), expected);
    check(&runs::Recipe::sound().run(), "16 cases, 0 failed, 0 broken, 0 skipped; tables 12, 15");
    check(&runs::red(), "16 cases, 3 failed, 0 broken, 0 skipped; tables 12, 15, 7");
    check(&runs::broken(), "1 cases, 0 failed, 1 broken, 0 skipped; tables");
    check(&runs::interrupted(), "1 cases, 0 failed, 1 broken, 0 skipped; tables 12");
    let counts = "17 cases, 1 failed, 0 broken, 0 skipped; tables 12, 15";
    check(&compared::compared(""), counts);
    for text in runs::HOSTILE {
        check(&compared::compared(text), counts);
        let hostile = read(&bin, &runs::hostile(text));
        assert_eq!(hostile, read(&bin, &runs::hostile("plain")), "{text:?}");
    }
}

#[test]
fn results_are_valid_against_their_schema() {
    let Some(bin) = development_bin("schema") else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(bin.join("python"));
    command.arg(root.join("tests/reports/validate.py")).arg("--drift");
    command.arg(root.join("../../docs/reference/schema/results-v1.schema.json"));
    let mut runs = vec![
        RunRecord::default(),
        runs::Recipe::sound().run(),
        runs::red(),
        runs::broken(),
        runs::interrupted(),
    ];
    runs.extend(runs::HOSTILE.map(runs::hostile));
    // The last one is also looked at with a field too many, everywhere.
    runs.push(again::everything());
    for (number, run) in runs.iter().enumerate() {
        let path = folder.path().join(format!("{number}.json"));
        std::fs::write(&path, results::write(run).unwrap()).unwrap();
        command.arg(path);
    }
    let kept = std::fs::read_dir(root.join("tests/versions")).unwrap();
    let is_of_now = |path: &PathBuf| path.to_str().unwrap().contains("results-v1");
    command.args(kept.map(|entry| entry.unwrap().path()).filter(is_of_now));
    let last = folder.path().join(format!("{}.json", runs.len() - 1));
    let output = command.arg(last).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn programs_that_read_locusts_files_read_ours() {
    let Some(bin) = development_bin("consumers of Locust's files") else { return };
    for run in [runs::red(), runs::Recipe::sound().run()] {
        let folder = tempfile::tempdir().unwrap();
        artifacts::prepare(folder.path()).unwrap().write_all(&run).unwrap();
        assert_eq!(python(&bin, "consumers.py", folder.path()).trim(), "read");
    }
}

#[test]
fn the_blocks_for_ci_systems_are_yaml_and_name_files_that_a_run_writes() {
    let Some(bin) = development_bin("blocks for CI systems") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let named = python(&bin, "blocks.py", root);
    let folder = tempfile::tempdir().unwrap();
    artifacts::prepare(folder.path()).unwrap().write_all(&runs::red()).unwrap();
    assert!(named.lines().count() >= 4, "{named}");
    for name in named.lines() {
        assert!(folder.path().join(name).is_file(), "no run writes {name}");
    }
}
