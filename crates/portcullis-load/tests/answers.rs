//! Answers that look good and are not: bytes that come late, another shape than at first,
//! unmet checks, requests that the server drops, pauses of the whole service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the servers of the tests listen")]
#![allow(dead_code, reason = "the server of the engine's tests is shared")]

#[path = "engine/observer.rs"]
mod observer;
#[path = "engine/planned.rs"]
mod planned;
#[path = "engine/server.rs"]
mod server;

use std::time::{Duration, Instant};

use portcullis_core::engine::Ended;
use portcullis_core::judge::caveats;
use portcullis_core::measure::{FailureKind, Summary};

use observer::run_to_the_end;
use planned::ruled;
use server::{ONE, Reply, Server};

const NO_WAIT: &str = "wait = { constant = \"0s\" }";
/// Long enough that what the server sends late comes before the next request.
const LONG_WAIT: &str = "wait = { constant = \"100ms\" }";
const WAIT: &str = "wait = { constant = \"20ms\" }";

/// The summary of a load; `keys` are added to the second task.
fn complete(load: &str, scenario: &str, keys: &str, server: &Server) -> Summary {
    let load = format!("spawn_rate = \"1000/s\"\n{load}");
    let (plan, target) = ruled(&load, scenario, keys, &server.url());
    let (summary, ended) = run_to_the_end(&plan, &target);
    assert!(matches!(ended, Ended::Complete), "{ended:?}");
    summary
}

fn messages(summary: &Summary) -> Vec<String> {
    let line = |group: &portcullis_core::measure::FailureGroup| {
        format!("{} {} {}: {}", group.count, group.task, group.kind.name(), group.message)
    };
    summary.failures.iter().map(line).collect()
}

const SHORT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"results\":[{\"a\":1}]}";
const SOON: Duration = Duration::from_millis(5);

#[test]
fn bytes_that_come_behind_an_answer_later_fail_it() {
    let server = Server::start(|_, _| Reply::Late(SHORT, SOON, b",{}]}"));
    let summary = complete("users = 2\nduration = \"1500ms\"", LONG_WAIT, "", &server);
    let all = summary.aggregate();
    // Most are seen before the user's next request, and some when it stops. The last answers
    // may be followed by the end of the load, before the bytes come.
    let unseen = all.requests - all.failures;
    assert!(all.requests > 10 && unseen <= 2, "{unseen}: {:?}", messages(&summary));
    let counts = (all.latency.count, all.failed_latency.count, all.with_data);
    assert_eq!(counts, (unseen, all.failures, unseen));
    let failures: u32 = all.blocks.iter().map(|block| block.failures).sum();
    assert_eq!(u64::from(failures), all.failures);
    let [a, b] = [0, 1].map(|task| &summary.failures[task]);
    assert_eq!((a.task.as_str(), b.task.as_str()), ("a", "b"));
    assert_eq!(a.count, summary.tasks[0].window.failures);
    assert!(a.kind == FailureKind::Body && a.message.contains("5 bytes came behind the answer"));
}

#[test]
fn an_end_or_a_408_on_an_idle_connection_is_no_failure() {
    const TIMEOUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start(|_, _| Reply::Late(SHORT, SOON, TIMEOUT));
    let load = "users = 2\nduration = \"60s\"\nrequests = 20";
    let summary = complete(load, LONG_WAIT, "", &server);
    assert_eq!(summary.aggregate().failures, 0, "{:?}", messages(&summary));
    assert!(summary.reopened >= 16, "{}", summary.reopened);
}

#[test]
fn a_request_that_crosses_a_close_is_sent_again_and_one_that_is_dropped_is_not() {
    let dropped_after = |wait: u64| {
        let server = Server::start(move |number, _| match number {
            200 => Reply::Drop(Duration::from_millis(wait)),
            _ => Reply::After(Duration::ZERO, ONE),
        });
        complete("users = 1\nduration = \"60s\"\nrequests = 400", NO_WAIT, "", &server)
    };
    let crossed = dropped_after(0);
    assert_eq!((crossed.resent, crossed.aggregate().failures), (1, 0), "{:?}", messages(&crossed));
    assert!(caveats(&crossed).iter().any(|said| said.starts_with("1 request was sent again")));
    let dropped = dropped_after(300);
    assert_eq!((dropped.resent, dropped.aggregate().failures), (0, 1));
    assert_eq!(dropped.failures[0].kind, FailureKind::Reset);
}

const PAGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 16\r\n\r\n\n<h1>sorry</h1>\n";
const NOTHING: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Of task b, which has no check: JSON at first, then pages and empty bodies.
fn changing() -> Server {
    Server::start(|number, line| match (line.contains("/b/"), number) {
        (true, 10..) if number % 2 == 0 => Reply::Late(PAGE, Duration::ZERO, b""),
        (true, 10..) => Reply::Late(NOTHING, Duration::ZERO, b""),
        _ => Reply::After(Duration::ZERO, ONE),
    })
}

#[test]
fn an_answer_of_another_shape_than_in_the_first_round_is_a_failure() {
    let load = "users = 2\nduration = \"60s\"\nrequests = 400";
    let summary = complete(load, NO_WAIT, "", &changing());
    let b = &summary.tasks[1];
    assert!((20..80).contains(&b.window.failures), "{:?}", messages(&summary));
    assert_eq!(summary.aggregate().failures, b.window.failures, "a has a check");
    let said = messages(&summary);
    assert!(said[0].contains("b validation: the body begins with \"<\", but with an object"));
    assert!(b.is_unchecked && !summary.tasks[0].is_unchecked);
    assert!(caveats(&summary).iter().any(|said| said.ends_with("decide: b")));
    let off = complete(load, NO_WAIT, "shape = false", &changing());
    assert_eq!(off.aggregate().failures, 0, "{:?}", messages(&off));
}

#[test]
fn hard_checks_fail_an_answer_and_soft_ones_are_counted() {
    let server = Server::start(|number, line| match (line.contains("/b/"), number % 4) {
        (true, 0) => Reply::After(Duration::ZERO, r#"{"state":"stale","n":1}"#),
        _ => Reply::After(Duration::ZERO, ONE),
    });
    let checks = r#"check = [
        { json = "results.0.id", equals = 1 },
        { json = "access", soft = true, name = "token" },
        { absent = "Traceback", soft = true },
    ]"#;
    let load = "users = 4\nworkers = 2\nduration = \"60s\"\nrequests = 400";
    let summary = complete(load, NO_WAIT, checks, &server);
    let b = &summary.tasks[1];
    let failures = b.window.failures;
    assert!(failures > 5 && failures < 100, "{:?}", messages(&summary));
    let counts: Vec<_> = b.checks.iter().map(|check| (check.checked, check.failed)).collect();
    assert_eq!(counts, [(100, failures), (100, failures), (100, 0)]);
    assert_eq!(b.checks[1].name, "token");
    assert!(b.checks[1].message.as_deref().unwrap().contains("no key \"access\""));
    let remark = "did not meet the soft check \"token\"";
    assert!(caveats(&summary).iter().any(|said| said.contains(remark)));

    let soft = checks.replace("equals = 1 }", "equals = 1, soft = true }");
    let server = Server::start(|_, _| Reply::After(Duration::ZERO, r#"{"results":[{"id":2}]}"#));
    let summary = complete(load, NO_WAIT, &soft, &server);
    assert_eq!(summary.aggregate().failures, 0);
    assert!(summary.tasks[1].is_unchecked, "nothing can fail it");
    assert_eq!(summary.tasks[1].checks[0].failed, 100);
}

#[test]
fn a_pause_of_the_whole_service_is_the_longest_gap() {
    for workers in [1, 2] {
        let begun = Instant::now();
        let (from, to) = (Duration::from_millis(1_000), Duration::from_millis(2_300));
        let server = Server::start(move |_, _| {
            let now = begun.elapsed();
            let is_paused = (from..to).contains(&now);
            Reply::After(if is_paused { to - now } else { Duration::from_millis(2) }, ONE)
        });
        let load = format!("users = 4\nworkers = {workers}\nduration = \"3s\"");
        let summary = complete(&load, WAIT, "", &server);
        let gap = summary.longest_gap.unwrap();
        // The last user to ask before the pause asked at most a few cycles before it.
        assert!(gap.length > (to - from) / 2 && gap.length < (to - from) * 2, "{gap:?}");
        assert!(gap.at > from / 2 && gap.at < to, "{gap:?}");
        assert!(caveats(&summary)[0].starts_with("no answer came for 1."), "{gap:?}");
    }
    let summary = complete("users = 4\nduration = \"1s\"", WAIT, "", &Server::agreeable());
    assert!(summary.longest_gap.unwrap().length < Duration::from_millis(500));
}
