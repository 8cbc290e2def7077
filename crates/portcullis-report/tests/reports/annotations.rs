//! What is wrong, with its place: for GitHub's annotations and for GitLab.

use std::collections::BTreeSet;

use portcullis_core::judge::findings::missing_baseline;
use portcullis_core::judge::{Finding, Judgement};
use portcullis_report::annotations::{self, Check};
use portcullis_report::results::read as read_results;
use portcullis_report::{RunRecord, codequality};
use serde_json::Value;

use crate::compared::compared;
use crate::runs;

fn issues(run: &RunRecord) -> Vec<Value> {
    serde_json::from_str(&codequality::write(run).unwrap()).unwrap()
}

#[test]
fn each_violation_stands_at_the_line_of_its_rule_and_a_slower_task_at_the_section() {
    let mut run = runs::red();
    let slow = compared("");
    let line = slow.comparison.as_ref().unwrap().tasks[0].line();
    run.comparison = slow.comparison;
    run.findings.push(Finding::violated(line));
    let found = annotations::of(&run);
    let at: Vec<_> = found.iter().map(|one| (one.line, one.title.as_str(), one.fails)).collect();
    assert_eq!(at.len(), 5, "{at:#?}");
    // `p95(list) < 500ms per task` is the third rule of `fail`.
    let placed = (Some(202), "p95(list_claims) is violated", true);
    assert!(at[..3].contains(&placed), "{at:#?}");
    assert_eq!(at[3], (Some(300), "list_claims is slower than the base", true));
    assert_eq!(at[4], (Some(203), "error_rate is violated", false));
    assert!(found[0].said.contains("95 % interval"), "{}", found[0].said);
}

#[test]
fn gitlab_gets_what_its_merge_requests_show() {
    let found = issues(&runs::red());
    let fields: Vec<&str> = found[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["check_name", "description", "fingerprint", "location", "severity"]);
    let severities: Vec<&str> = found.iter().map(|one| one["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["major", "major", "major", "minor"]);
    let lines: Vec<&Value> = found.iter().map(|one| &one["location"]["lines"]["begin"]).collect();
    assert!(found.iter().all(|one| one["location"]["path"] == "perf.toml"));
    assert!(lines[..3].iter().any(|line| **line == 202), "{lines:?}");
    let prints: BTreeSet<&str> =
        found.iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), found.len(), "two issues are one to GitLab");
    // Another run with other figures: the same issues.
    let mut other = runs::Recipe { slow_ms: 470.0, fails: 24, stalls: true, ..red_recipe() }.run();
    other.machine.cores = 3;
    let other = issues(&other);
    let of_the_list = |issues: &[Value]| {
        issues.iter().find(|one| one["location"]["lines"]["begin"] == 202).cloned().unwrap()
    };
    let (before, after) = (of_the_list(&found), of_the_list(&other));
    assert_eq!(before["fingerprint"], after["fingerprint"]);
    assert_ne!(before["description"], after["description"]);
    let broken = issues(&runs::broken());
    assert_eq!(
        (&broken[0]["severity"], &broken[0]["check_name"]),
        (&"critical".into(), &"portcullis/server".into())
    );
    assert_eq!(codequality::write(&runs::Recipe::sound().run()).unwrap(), "[]\n");
}

fn red_recipe() -> runs::Recipe {
    let fail = ["p95 <= 500ms", "error_rate <= 3%", "p95(list) < 500ms per task"];
    runs::Recipe { fail: fail.map(str::to_owned).to_vec(), ..runs::Recipe::sound() }
}

#[test]
fn hostile_words_stay_in_their_fields_and_on_their_line() {
    for text in runs::HOSTILE {
        let found = issues(&runs::hostile(text));
        assert_eq!(found.len(), issues(&runs::hostile("plain")).len(), "{text:?}");
        for issue in found {
            let said = issue["description"].as_str().unwrap().to_owned();
            let path = issue["location"]["path"].as_str().unwrap();
            let moves = |c: char| c.is_control() || c == '\u{202e}';
            assert!(!said.contains(moves) && !path.contains(moves), "{issue}");
        }
    }
}

#[test]
fn rules_are_known_by_what_was_judged_and_not_by_the_words_of_a_finding() {
    let mut run = runs::red();
    let said = annotations::of(&run);
    // An older file has other sentences.
    for finding in &mut run.findings {
        *finding = Finding::violated(format!("formerly: {}", finding.message));
    }
    assert_eq!(annotations::of(&run), said);
    run.findings.push(missing_baseline("b.json".as_ref()));
    let missing =
        annotations::of(&run).into_iter().find(|one| one.check == Check::Baseline).unwrap();
    assert_eq!((missing.line, missing.title.as_str()), (None, "no baseline"));
}

#[test]
fn one_text_in_both_lists_is_two_rules_at_two_lines() {
    let rule = || vec!["error_rate <= 1%".to_owned()];
    let recipe = runs::Recipe { fails: 4, fail: rule(), warn: rule(), ..runs::Recipe::sound() };
    let run = recipe.run();
    let at: Vec<_> = annotations::of(&run).iter().map(|one| (one.line, one.fails)).collect();
    assert_eq!(at, [(Some(200), true), (Some(201), false)]);
}

#[test]
fn what_gave_no_data_is_known_again_when_another_one_has_some() {
    let silent = |names: &[&str]| {
        let mut run = runs::Recipe::sound().run();
        let names = names.iter().map(|name| (*name).to_owned());
        run.verdict.as_mut().unwrap().silent_tasks = names.collect();
        issues(&run)
    };
    let (both, one) = (silent(&["a", "b"]), silent(&["b"]));
    assert_eq!((both.len(), one.len()), (2, 1));
    assert_eq!(both[1]["fingerprint"], one[0]["fingerprint"]);
    assert_ne!(both[0]["fingerprint"], one[0]["fingerprint"]);
    // A rule without data stands at its line.
    let mut run = runs::Recipe::sound().run();
    run.verdict.as_mut().unwrap().judged[1].judgement = Judgement::NoData;
    let found = issues(&run);
    assert_eq!(found[0]["check_name"], "portcullis/no-data");
    assert_eq!(found[0]["location"]["lines"]["begin"], 201);
}

#[test]
fn a_file_of_the_first_version_has_its_rules_and_the_default_name() {
    let bytes = include_bytes!("../versions/results-v1.json");
    let found = issues(&read_results(bytes).unwrap());
    assert_eq!(found[0]["check_name"], "portcullis/threshold");
    assert_eq!(found[0]["location"]["path"], "perf.toml");
}
