//! Checks of the head, of sizes and of patterns, and the rules on checks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "scenario/runs.rs"]
mod runs;
#[path = "scenario/web.rs"]
mod web;

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::judge::Judgement;

use runs::{Ran, run};
use web::{Web, ok};

fn checked(ran: &Ran, task: &str) -> Vec<(u64, u64)> {
    ran.row(task).checks.iter().map(|check| (check.checked, check.failed)).collect()
}

#[test]
fn checks_of_the_head_apply_to_every_accepted_answer_and_those_of_the_body_to_successes() {
    let calls = AtomicU64::new(0);
    let web = Web::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) % 2 {
        0 => {
            let fields = ["Content-Type: application/json; charset=utf-8", "X-Total: 3"];
            (200, fields.map(str::to_owned).to_vec(), "{\"results\": [1, 2]}".to_owned())
        }
        _ => (404, vec!["Content-Type: application/json".to_owned()], "{}".to_owned()),
    });
    let task = "[[scenario.task]]\nname = \"a\"\npath = \"/\"\naccept = [200, 404]\ncheck = [\n\
        { status = 200, soft = true, name = \"found\" },\n\
        { media_type = \"application/json\" },\n\
        { header = \"X-Total\", equals = \"3\", soft = true },\n\
        { json = \"results\", max_items = 1, soft = true, name = \"short\" },\n\
        { matches = \"results\" }, { max_size = \"1kB\" },\n]\n[thresholds]\nfail = [\n\
        \"checks >= 40%\", \"checks(a) > 60%\", \"checks(found) >= 40%\", \
        \"checks(short) >= 50%\", \"checks(\\\"media type application/json\\\") >= 100%\"]\n";
    let ran = run(task, (1, 40), &web);
    assert!(ran.summary.failures.is_empty(), "{:?}", ran.summary.failures);
    let expected = [(40, 20), (40, 0), (40, 20), (20, 20), (20, 0), (20, 0)];
    assert_eq!(checked(&ran, "a"), expected);
    let judged: Vec<(Judgement, u64)> =
        ran.verdict.judged.iter().map(|one| (one.judgement, one.samples)).collect();
    use Judgement::{Holds, Violated};
    assert_eq!(judged, [(Holds, 180), (Holds, 180), (Holds, 40), (Violated, 20), (Holds, 40)]);
}

#[test]
fn a_hard_check_of_the_head_is_a_failure() {
    let web = Web::start(|_| ok("{\"results\": []}"));
    for (check, said) in [
        ("header = \"X-Total\"", "no header X-Total"),
        ("media_type = \"application/json\"", "the media type is \"\", expected application/json"),
        ("matches = \"^\\\\[\"", "does not match ^\\[: \"{"),
        ("max_size = \"10B\"", "the body has 15 bytes, expected at most 10"),
    ] {
        let task =
            format!("[[scenario.task]]\nname = \"a\"\npath = \"/\"\ncheck = {{ {check} }}\n");
        let ran = run(&task, (1, 4), &web);
        assert_eq!(ran.counts("a"), (4, 4), "{check}");
        assert!(ran.message().contains(said), "{check}: {}", ran.message());
    }
}
