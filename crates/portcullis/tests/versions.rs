//! Results of every version of the format that ever was, as a run wrote them:
//! each is still read, made into reports, and judged as it was. A file of a new
//! version or with new fields is added; those that are there are never changed.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests start what the product would")]

use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis_report::results::SCHEMA_VERSION;

fn kept() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portcullis-report/tests/versions");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn say(verb: &str, arguments: &[&Path]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    let output = command.arg(verb).args(arguments).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), said)
}

#[test]
fn a_file_of_each_version_is_kept() {
    for version in 1..=SCHEMA_VERSION {
        let name = format!("results-v{version}");
        let is_one =
            |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with(&name);
        assert!(kept().iter().any(is_one), "keep a real {name}.json beside the others");
    }
}

#[test]
fn results_of_every_version_give_their_verdict_again() {
    for file in kept() {
        let text = std::fs::read_to_string(&file).unwrap();
        let results: serde_json::Value = serde_json::from_str(&text).unwrap();
        let name = file.display();

        let (code, said) = say("check", &[&file]);
        assert_eq!(code.map(i64::from), results["exit_code"].as_i64(), "{name}: {said}");
        // The verdict, not its words: they may become better.
        let verdict = results["sentence"].as_str().unwrap().split(':').next().unwrap();
        assert!(said.lines().last().unwrap().starts_with(verdict), "{name}: {said}");
        let shown = [("holds", "passed"), ("violated", "violated"), ("no data", "no data")];
        for (judgement, word) in shown.into_iter().chain([("not judged", "not judged")]) {
            let thresholds = results["thresholds"].as_array().unwrap();
            let recorded = thresholds.iter().filter(|one| one["judgement"] == judgement).count();
            let is_one = |line: &&str| line.trim_start().starts_with(&format!("{word}: "));
            assert_eq!(
                said.lines().filter(is_one).count(),
                recorded,
                "{name}, {judgement}\n{said}"
            );
        }

        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let (code, said) = say("report", &[&file, Path::new("--out"), &out]);
        assert_eq!(code, Some(0), "{name}: {said}");
        let cases = std::fs::read_to_string(out.join("perf_results.junit.xml")).unwrap();
        // A violation is stated again, of what was judged.
        let findings = results["findings"].as_array().unwrap();
        for finding in findings.iter().filter(|finding| finding["kind"] != "violated") {
            let message = finding["message"].as_str().unwrap().replace('<', "&lt;");
            assert!(cases.contains(&message), "{name}: the test cases do not say {message:?}");
        }
        let again = std::fs::read_to_string(out.join("perf_results.json")).unwrap();
        assert!(again == text, "{name}: its results have other bytes");
    }
}
