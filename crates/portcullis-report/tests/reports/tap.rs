//! The Test Anything Protocol: each rule is a point, and no run that is red is green
//! for a reader of it.

use portcullis_core::judge::{Finding, Judgement};
use portcullis_report::tap;

use crate::{compared, runs};

/// Whether a reader of TAP 14 takes the file as passed: the plan is met, and every point
/// is ok or to do.
fn passes(file: &str) -> bool {
    let plan: usize = file.lines().nth(1).unwrap().strip_prefix("1..").unwrap().parse().unwrap();
    let is_point = |line: &&str| line.starts_with("ok ") || line.starts_with("not ok ");
    let points: Vec<&str> = file.lines().filter(is_point).collect();
    let is_good = |line: &&str| line.starts_with("ok ") || line.contains(" # TODO ");
    points.len() == plan && points.iter().all(is_good)
}

#[test]
fn each_rule_is_a_point_and_a_violation_says_what_was_found() {
    let run = runs::red();
    let file = tap::write(&run);
    assert!(file.starts_with("TAP version 14\n1.."), "{file}");
    let rules = run.verdict.as_ref().unwrap().judged.len();
    assert_eq!(file.matches("\nok ").count() + file.matches("\nnot ok ").count(), rules + 1);
    assert!(file.contains("  ---\n  message: \"p95(list_claims) = "), "{file}");
    assert!(
        file.contains(" # TODO warning\n") && file.contains("ok 1 - the run came to a verdict")
    );
    assert!(!passes(&file));
}

#[test]
fn a_run_passes_as_tap_only_if_it_passed() {
    let sound = runs::Recipe::sound().run();
    assert!(passes(&tap::write(&sound)), "{}", tap::write(&sound));
    assert!(!passes(&tap::write(&compared::slower())), "slower than the base");
    let mut silent = runs::Recipe::sound().run();
    silent.verdict.as_mut().unwrap().judged[0].judgement = Judgement::NoData;
    assert!(!passes(&tap::write(&silent)), "no data");
    let mut ended = runs::Recipe::sound().run();
    ended.verdict = None;
    ended.findings = vec![Finding::server("the # server\n# SKIP ended")];
    let file = tap::write(&ended);
    assert!(!passes(&file) && file.lines().count() == 6, "{file}");
}
