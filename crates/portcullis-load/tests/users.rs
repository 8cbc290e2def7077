//! Several kinds of users in one run: their shares, logins, tasks and waits, their rows and
//! their rules.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]

#[path = "scenario/runs.rs"]
mod runs;
#[path = "scenario/web.rs"]
mod web;

use portcullis_core::engine::Ended;
use portcullis_core::judge::Judgement;

use runs::{plan_of, run, run_plan};
use web::{Request, Web, ok};

const KINDS: &str = r#"
[scenario.login]
path = "/login/"
json = { who = "reader" }
token = "token"
[[scenario.user]]
name = "reader"
weight = 3
tasks = ["list", "detail"]
[[scenario.user]]
name = "writer"
weight = 1
tasks = ["list", "writing"]
login = { type = "static", api_key = "writers", header = "X-Key" }
[[scenario.task]]
name = "list"
path = "/list/"
weight = 2
[[scenario.task]]
name = "detail"
path = "/detail/"
[[scenario.task]]
name = "save"
group = "writing"
path = "/save/"
json = {}
[thresholds]
fail = [
    "error_rate(user:reader) <= 0%",
    "error_rate(user:writer) <= 0%",
    "p95(user:writer) < 30s per task",
    "p95(list) < 30s per task",
]
"#;

fn service(request: &Request) -> web::Answer {
    if request.target == "/login/" {
        return ok("{\"token\": \"tokenofreader\"}");
    }
    let is_reader = request.field("authorization") == "Bearer tokenofreader";
    let is_writer = request.field("x-key") == "writers";
    match request.target.as_str() {
        "/detail/" if is_reader => ok("{}"),
        "/save/" if is_writer => ok("{}"),
        "/list/" if is_reader != is_writer => ok("{}"),
        _ => (403, Vec::new(), String::new()),
    }
}

#[test]
fn each_kind_has_its_share_its_login_and_its_tasks() {
    let web = Web::start(service);
    let ran = run(KINDS, (8, 160), &web);
    assert_eq!(ran.ended, Ended::Complete);
    let names: Vec<&str> = ran.summary.rows().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["list.reader", "list.writer", "detail", "save"]);
    assert!(ran.summary.failures.is_empty(), "{:?}", ran.summary.failures);
    let of = |kind: &str| {
        let rows = ran.summary.rows().filter(|row| row.user.as_deref() == Some(kind));
        rows.map(|row| row.judged().requests).sum::<u64>()
    };
    assert!(of("reader") >= 80 && of("writer") >= 15, "{} {}", of("reader"), of("writer"));
    // Each kind deals from a deck of its own.
    let deck = |list: &str, other: &str| (ran.counts(list).0, ran.counts(other).0);
    for (list, other) in [deck("list.reader", "detail"), deck("list.writer", "save")] {
        assert!(list.abs_diff(2 * other) <= 4, "{list} {other}");
    }
    // Six readers logged in; the first of them in the first round.
    assert_eq!(web.of("POST /login/").len(), 6);
    assert_eq!(ran.summary.login.as_ref().unwrap().judged().requests, 6);
    let judged: Vec<(String, Judgement)> =
        ran.verdict.judged.iter().map(|one| (one.rule.subject(), one.judgement)).collect();
    let subjects: Vec<&str> = judged.iter().map(|(subject, _)| subject.as_str()).collect();
    let expected = [
        "error_rate(user:reader)",
        "error_rate(user:writer)",
        "p95(list.writer)",
        "p95(save)",
        "p95(list.reader)",
        "p95(list.writer)",
    ];
    assert_eq!(subjects, expected);
    assert!(judged.iter().all(|(_, judgement)| *judgement == Judgement::Holds), "{judged:?}");
}

#[test]
fn a_failure_of_one_kind_violates_its_rule_only() {
    let web = Web::start(|request| match request.target == "/save/" {
        true => (500, Vec::new(), String::new()),
        false => service(request),
    });
    let ran = run(KINDS, (4, 60), &web);
    let violated: Vec<String> = ran
        .verdict
        .judged
        .iter()
        .filter(|one| one.judgement == Judgement::Violated)
        .map(|one| one.rule.subject())
        .collect();
    assert_eq!(violated, ["error_rate(user:writer)"]);
}

#[test]
fn a_task_of_a_kind_is_called_by_that_kind_also_after_the_window() {
    let web = Web::start(service);
    let (mut plan, target) = plan_of(KINDS, (4, 4), &web);
    // Too few requests for each task: the rest follow, each by a user that may make it.
    plan.longest = std::time::Duration::from_secs(60);
    let ran = run_plan(&plan, &target).unwrap_or_else(|error| panic!("{error}"));
    assert!(ran.summary.failures.is_empty(), "{:?}", ran.summary.failures);
    assert!(ran.verdict.silent_tasks.is_empty(), "{:?}", ran.verdict.silent_tasks);
}

#[test]
fn each_kind_waits_as_it_says() {
    let web = Web::start(service);
    let slow =
        KINDS.replace("weight = 1\ntasks", "weight = 1\nwait = { constant = \"40ms\" }\ntasks");
    let ran = run(&slow, (4, 200), &web);
    let count = |name| ran.counts(name).0;
    let (readers, writers) =
        (count("list.reader") + count("detail"), count("list.writer") + count("save"));
    // A writer alone would make a quarter.
    assert!(writers * 8 < readers, "{writers} {readers}");
}
